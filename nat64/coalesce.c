/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/coalesce.h"

#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <string.h>

#include "nat64/bytes.h"

#define HEAD4 20
#define HEAD6 40
#define HEAD_TCP 20
#define HEAD_UDP 8
#define FRAGMENT4 0x3fff	/* more fragments, and the offset */

/* Offsets in a TCP header. */
enum { TCP_SEQ = 4, TCP_ACK = 8, TCP_LENGTH = 12, TCP_FLAGS = 13, TCP_WINDOW = 14, TCP_CHECKSUM = 16, TCP_URGENT = 18 };
enum { FIN = 0x01, PSH = 0x08, ACK = 0x10, ECE = 0x40 };
enum { UDP_LENGTH = 4, UDP_CHECKSUM = 6 };

/* What a packet is, as far as it matters here. */
struct shape {
	uint8_t version;	/* 0: not even an IP header */
	uint8_t protocol;
	bool plain;		/* TCP or UDP right behind the IP header, no fragment: it has ports */
	bool merges;		/* it may be in a train */
	size_t l4, header, payload;
};

static void shape_tcp(struct shape *shape, const uint8_t *tcp, size_t len)
{
	size_t header = (size_t)(tcp[TCP_LENGTH] >> 4) * 4;

	if (header < HEAD_TCP || header >= len)
		return;
	shape->header = shape->l4 + header;
	shape->payload = len - header;
	shape->merges = (tcp[TCP_FLAGS] & ~(FIN | PSH | ECE)) == ACK;
}

static void shape_udp(struct shape *shape, const uint8_t *udp, size_t len)
{
	shape->header = shape->l4 + HEAD_UDP;
	shape->payload = len - HEAD_UDP;
	/* Cutting gives each a checksum: one that has none would get one. */
	shape->merges = shape->payload > 0 && ks_get16(udp + UDP_LENGTH) == len && ks_get16(udp + UDP_CHECKSUM) != 0;
}

static void shape_ip(struct shape *shape, const struct ks_packet *packet)
{
	const uint8_t *ip = packet->data;
	size_t claimed = 0;

	shape->version = packet->len > 0 ? ip[0] >> 4 : 0;
	if (shape->version == 4 && packet->len >= HEAD4) {
		shape->protocol = ip[9];
		shape->l4 = ip[0] == 0x45 && (ks_get16(ip + 6) & FRAGMENT4) == 0 ? HEAD4 : 0;
		claimed = ks_get16(ip + 2);
	} else if (shape->version == 6 && packet->len >= HEAD6) {
		shape->protocol = ip[6];
		shape->l4 = HEAD6;
		claimed = HEAD6 + (size_t)ks_get16(ip + 4);
	} else {
		shape->version = 0;
	}
	shape->plain = shape->l4 != 0 && claimed == packet->len &&
		((shape->protocol == IPPROTO_TCP && packet->len >= shape->l4 + HEAD_TCP) ||
		 (shape->protocol == IPPROTO_UDP && packet->len >= shape->l4 + HEAD_UDP));
}

static size_t checksum_at(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? TCP_CHECKSUM : UDP_CHECKSUM;
}

/* Its checksum is the kernel's to complete, and the fields that say so are as they should be. */
static bool is_partial(const struct shape *shape, const struct virtio_net_hdr *offload)
{
	return (offload->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0 && offload->csum_start == shape->l4 &&
		offload->csum_offset == checksum_at(shape->protocol);
}

static struct shape shape_of(const struct ks_coalesce *coalesce, const struct ks_packet *packet)
{
	struct shape shape = { 0 };

	shape_ip(&shape, packet);
	if (!shape.plain)
		return shape;
	if (shape.protocol == IPPROTO_TCP && coalesce->tcp)
		shape_tcp(&shape, packet->data + shape.l4, packet->len - shape.l4);
	else if (shape.protocol == IPPROTO_UDP && coalesce->udp)
		shape_udp(&shape, packet->data + shape.l4, packet->len - shape.l4);
	if (packet->offload.gso_type != VIRTIO_NET_HDR_GSO_NONE ||
	    ((packet->offload.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0 && !is_partial(&shape, &packet->offload)))
		shape.merges = false;
	return shape;
}

/* --- checksums ------------------------------------------------------------------------------------ */

static uint64_t pseudo_sum(const uint8_t *ip, uint8_t version, uint8_t protocol, size_t len)
{
	uint64_t sum = version == 4 ? ks_sum_bytes(ip + 12, 8) : ks_sum_bytes(ip + 8, 32);

	return sum + ks_sum16(protocol) + ks_sum32((uint32_t)len);
}

/* Whether merging may take its checksums for granted: all are computed anew. */
static bool checks_out(const struct shape *shape, const struct ks_packet *packet)
{
	const uint8_t *ip = packet->data;
	size_t len = packet->len - shape->l4;

	if (shape->version == 4 && ks_sum_fold(ks_sum_bytes(ip, HEAD4)) != 0xffff)
		return false;
	if ((packet->offload.flags & (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID)) != 0)
		return true;
	return ks_sum_fold(pseudo_sum(ip, shape->version, shape->protocol, len) +
			   ks_sum_bytes(ip + shape->l4, len)) == 0xffff;
}

/* --- trains ------------------------------------------------------------------------------------------ */

static bool same_hosts(const uint8_t *a, const uint8_t *b, uint8_t version)
{
	return version == 4 ? memcmp(a + 12, b + 12, 8) == 0 : memcmp(a + 8, b + 8, 32) == 0;
}

/* All that is the same in every packet of a train, but for lengths, identification and checksum. */
static bool same_ip_header(const uint8_t *a, const uint8_t *b, uint8_t version)
{
	if (version == 4)
		return memcmp(a, b, 2) == 0 && memcmp(a + 6, b + 6, 4) == 0;
	return memcmp(a, b, 4) == 0 && memcmp(a + 6, b + 6, 2) == 0;
}

static bool same_tcp_header(const uint8_t *a, const uint8_t *b, size_t len)
{
	return memcmp(a + TCP_ACK, b + TCP_ACK, 5) == 0 && ((a[TCP_FLAGS] ^ b[TCP_FLAGS]) & ~(FIN | PSH)) == 0 &&
		memcmp(a + TCP_WINDOW, b + TCP_WINDOW, 2) == 0 &&
		memcmp(a + TCP_URGENT, b + TCP_URGENT, len - TCP_URGENT) == 0;
}

static bool continues(const struct ks_coalesce_train *train, const struct shape *shape, const struct ks_packet *packet)
{
	const uint8_t *first = train->first.data, *next = packet->data;

	if (!shape->merges || shape->header != train->header || shape->payload > train->size ||
	    train->n >= KS_COALESCE_SEGMENTS || train->header + train->total + shape->payload > KS_COALESCE_BYTES ||
	    !same_ip_header(first, next, shape->version))
		return false;
	if (shape->protocol == IPPROTO_UDP)
		return true;
	return ks_get32(next + shape->l4 + TCP_SEQ) == train->next_seq &&
		same_tcp_header(first + shape->l4, next + shape->l4, shape->header - shape->l4);
}

static void close_headers(struct ks_coalesce_train *train)
{
	uint8_t *ip = train->headers, *l4 = ip + train->l4;
	size_t len = train->header + train->total, l4_len = len - train->l4;

	memcpy(ip, train->first.data, train->header);
	if (train->version == 4) {
		ks_put16(ip + 2, (uint32_t)len);
		ks_put16(ip + 10, 0);
		ks_checksum_store(ip + 10, ks_sum_bytes(ip, HEAD4));
	} else {
		ks_put16(ip + 4, (uint32_t)l4_len);
	}
	if (train->protocol == IPPROTO_TCP)
		l4[TCP_FLAGS] |= train->last_flags;
	else
		ks_put16(l4 + UDP_LENGTH, (uint32_t)l4_len);
	ks_sum_store(l4 + checksum_at(train->protocol), pseudo_sum(ip, train->version, train->protocol, l4_len));
}

static void send_train(struct ks_coalesce *coalesce, struct ks_coalesce_train *train)
{
	unsigned n = train->n;

	train->iov[0] = (struct iovec){ &train->offload, sizeof(train->offload) };
	train->offload = train->first.offload;
	train->n = 0;
	if (n == 1) {
		train->iov[1] = (struct iovec){ train->first.data, train->first.len };
		coalesce->send(coalesce->ctx, train->iov, 2);
		return;
	}
	close_headers(train);
	train->iov[1] = (struct iovec){ train->headers, train->header };
	train->offload = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = train->protocol == IPPROTO_UDP ? VIRTIO_NET_HDR_GSO_UDP_L4 :
			train->version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6,
		.hdr_len = (uint16_t)train->header,
		.gso_size = (uint16_t)train->size,
		.csum_start = (uint16_t)train->l4,
		.csum_offset = (uint16_t)checksum_at(train->protocol),
	};
	coalesce->trains++;
	coalesce->merged += n;
	coalesce->send(coalesce->ctx, train->iov, 2 + n);
}

static void send_alone(struct ks_coalesce *coalesce, const struct ks_packet *packet)
{
	struct virtio_net_hdr offload = packet->offload;
	struct iovec iov[2] = { { &offload, sizeof(offload) }, { packet->data, packet->len } };

	coalesce->send(coalesce->ctx, iov, 2);
}

static uint8_t flags_of_last(const struct shape *shape, const struct ks_packet *packet)
{
	return shape->protocol == IPPROTO_TCP ? packet->data[shape->l4 + TCP_FLAGS] & (FIN | PSH) : 0;
}

static void append(struct ks_coalesce_train *train, const struct shape *shape, const struct ks_packet *packet)
{
	train->iov[2 + train->n++] = (struct iovec){ packet->data + shape->header, shape->payload };
	train->total += shape->payload;
	train->next_seq += (uint32_t)shape->payload;
	train->last_flags = flags_of_last(shape, packet);
}

static struct ks_coalesce_train *free_train(struct ks_coalesce *coalesce)
{
	struct ks_coalesce_train *train;

	for (unsigned i = 0; i < KS_COALESCE_FLOWS; i++)
		if (coalesce->flows[i].n == 0)
			return &coalesce->flows[i];
	train = &coalesce->flows[coalesce->next];
	coalesce->next = (coalesce->next + 1) % KS_COALESCE_FLOWS;
	send_train(coalesce, train);
	return train;
}

static void begin(struct ks_coalesce *coalesce, const struct shape *shape, const struct ks_packet *packet)
{
	struct ks_coalesce_train *train = free_train(coalesce);

	train->version = shape->version;
	train->protocol = shape->protocol;
	train->checked = false;
	train->first = *packet;
	train->l4 = shape->l4;
	train->header = shape->header;
	train->size = shape->payload;
	train->total = 0;
	train->next_seq = shape->protocol == IPPROTO_TCP ? ks_get32(packet->data + shape->l4 + TCP_SEQ) : 0;
	append(train, shape, packet);
}

/* Another packet of the train's flow; false: it has to find its own way, behind the train. */
static bool join(struct ks_coalesce *coalesce, struct ks_coalesce_train *train, const struct shape *shape,
		 const struct ks_packet *packet)
{
	if (!continues(train, shape, packet) || (!train->checked && !checks_out(shape, &train->first)) ||
	    !checks_out(shape, packet))
		return false;
	train->checked = true;
	append(train, shape, packet);
	if (shape->payload < train->size || train->last_flags != 0)
		send_train(coalesce, train);
	return true;
}

static bool same_flow(const struct ks_coalesce_train *train, const struct shape *shape, const struct ks_packet *packet)
{
	return train->version == shape->version && same_hosts(train->first.data, packet->data, shape->version) &&
		(!shape->plain || (train->protocol == shape->protocol &&
				   memcmp(train->first.data + train->l4, packet->data + shape->l4, 4) == 0));
}

void ks_coalesce_packet(struct ks_coalesce *coalesce, const struct ks_packet *packet, bool lasting)
{
	struct shape shape = shape_of(coalesce, packet);

	shape.merges = shape.merges && lasting;
	for (unsigned i = 0; i < KS_COALESCE_FLOWS && shape.version != 0; i++) {
		struct ks_coalesce_train *train = &coalesce->flows[i];

		if (train->n == 0 || !same_flow(train, &shape, packet))
			continue;
		if (join(coalesce, train, &shape, packet))
			return;
		send_train(coalesce, train);
	}
	if (shape.merges && flags_of_last(&shape, packet) == 0)
		begin(coalesce, &shape, packet);
	else
		send_alone(coalesce, packet);
}

void ks_coalesce_flush(struct ks_coalesce *coalesce)
{
	for (unsigned i = 0; i < KS_COALESCE_FLOWS; i++)
		if (coalesce->flows[i].n != 0)
			send_train(coalesce, &coalesce->flows[i]);
}

void ks_coalesce_init(struct ks_coalesce *coalesce, bool tcp, bool udp,
		      void (*send)(void *ctx, const struct iovec *iov, unsigned n), void *ctx)
{
	memset(coalesce, 0, sizeof(*coalesce));
	coalesce->tcp = tcp;
	coalesce->udp = udp;
	coalesce->send = send;
	coalesce->ctx = ctx;
}
