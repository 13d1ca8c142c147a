/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/gso.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/packet_fault.h"

#define FIN_PSH 0x09
#define CWR 0x80

static struct parsed parse(const uint8_t *bytes, size_t len)
{
	struct parsed p;
	const char *fault = wire_parse(&p, bytes, len, false);

	if (fault == NULL)
		return p;
	fprintf(stderr, "gso.c: %s\n", fault);
	abort();
}

void gso_leave(const struct wire *packet, struct wire *left, struct virtio_net_hdr *offload)
{
	struct parsed p = parse(packet->bytes, packet->len);
	size_t at = wire_checksum_at(p.protocol);

	wire_slice(left, packet, 0, packet->len);
	wire_put16(left->bytes + p.at + at, wire_pseudo(&p, p.payload));
	memset(offload, 0, sizeof(*offload));
	offload->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	offload->csum_start = (uint16_t)p.at;
	offload->csum_offset = (uint16_t)at;
}

static size_t head_of(const struct parsed *p, const uint8_t *bytes)
{
	return p->protocol == TCP ? (bytes[p->at + 12] >> 4) * (size_t)4 : 8;
}

void gso_make(const struct wire *packet, unsigned size, struct wire *large, struct virtio_net_hdr *offload)
{
	struct parsed p = parse(packet->bytes, packet->len);

	gso_leave(packet, large, offload);
	offload->gso_size = (uint16_t)size;
	offload->hdr_len = (uint16_t)(p.at + head_of(&p, packet->bytes));
	offload->gso_type = (uint8_t)(p.protocol == UDP ? PACKET_GSO_UDP_L4 :
				      p.version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6);
}

/* What is not the same in all of them: RFC 9293, section 3.8.6.2 for the flags, RFC 3168, section 6.1.2 for CWR. */
static void number_tcp(uint8_t *tcp, size_t before, bool first, bool last)
{
	wire_put32(tcp + 4, wire_get32(tcp + 4) + (uint32_t)before);
	if (!last)
		tcp[13] &= (uint8_t)~FIN_PSH;
	if (!first)
		tcp[13] &= (uint8_t)~CWR;
}

static void put_lengths(struct wire *segment, const struct parsed *p, unsigned i)
{
	uint8_t *ip = segment->bytes;

	if (p->version == 6) {
		wire_put16(ip + 4, (unsigned)(segment->len - 40));
	} else {
		wire_put16(ip + 2, (unsigned)segment->len);
		wire_put16(ip + 4, (p->id + i) & 0xffff);
		wire_sum4(segment);
	}
	if (p->protocol == UDP)
		wire_put16(ip + p->at + 4, (unsigned)(segment->len - p->at));
}

bool gso_cut(const uint8_t *bytes, size_t len, const struct virtio_net_hdr *offload, unsigned i, struct wire *segment)
{
	struct parsed p = parse(bytes, len);
	bool large = offload->gso_type != VIRTIO_NET_HDR_GSO_NONE;
	size_t heads, before, size;

	heads = large ? p.at + head_of(&p, bytes) : len;
	before = (size_t)i * offload->gso_size;
	if (i > 0 && (!large || heads + before >= len))
		return false;
	size = large && len - heads - before > offload->gso_size ? offload->gso_size : len - heads - before;
	memcpy(segment->bytes, bytes, heads);
	memcpy(segment->bytes + heads, bytes + heads + before, size);
	segment->len = heads + size;
	if (large) {
		put_lengths(segment, &p, i);
		if (p.protocol == TCP)
			number_tcp(segment->bytes + p.at, before, i == 0, heads + before + size == len);
	}
	if (offload->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		wire_sum(segment);
	return true;
}
