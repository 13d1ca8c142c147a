/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/bytes.h"
#include "nat64/xlat_private.h"

#define TCP_HEAD 20
#define UDP_HEAD KS_HEAD_UDP
#define SEGMENT_MIN 8		/* where no data fits behind the headers: routers cut such, which have no DF */

static uint8_t gso(const struct ks_packet *p)
{
	return p->offload.gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
}

bool ks_offload_tcp(const struct ks_packet *p)
{
	return gso(p) == VIRTIO_NET_HDR_GSO_TCPV4 || gso(p) == VIRTIO_NET_HDR_GSO_TCPV6;
}

unsigned ks_packet_segments(const struct ks_packet *p)
{
	size_t head = p->offload.csum_start, data;

	if (!ks_offload_large(p) || p->offload.gso_size == 0)
		return 1;
	if (!ks_offload_tcp(p))
		head += UDP_HEAD;
	else if (head + TCP_HEAD <= p->len)
		head += (size_t)(p->data[head + 12] >> 4) * 4;
	data = p->len > head ? p->len - head : 1;
	return (unsigned)((data + p->offload.gso_size - 1) / p->offload.gso_size);
}

static size_t transport_head(const struct ks_packet *p)
{
	return ks_offload_tcp(p) ? (size_t)(p->data[p->offload.csum_start + 12] >> 4) * 4 : UDP_HEAD;
}

/* Of TCP and UDP the kernel says where they are; of what is inside another protocol it may know more. */
static bool partial_sound(const struct ks_packet *p, const struct ks_head *head)
{
	const struct virtio_net_hdr *o = &p->offload;

	return !ks_head_part(head) && o->csum_start >= head->at &&
	       (size_t)o->csum_start + o->csum_offset + 2 <= p->len;
}

/* Whether the version, the transport and what is left to be done are of one kind. */
static bool large_sound(struct ks_packet *p, const struct ks_head *head)
{
	struct virtio_net_hdr *o = &p->offload;
	size_t least = ks_offload_tcp(p) ? TCP_HEAD : UDP_HEAD, len;
	bool v4 = p->data[0] >> 4 == 4;

	if (o->gso_size == 0 || !ks_offload_partial(p) || head->fragment || head->payload < least ||
	    o->csum_start != head->at || o->csum_offset != ks_head_checksum(head))
		return false;
	if (gso(p) == VIRTIO_NET_HDR_GSO_UDP_L4 ? head->protocol != KS_PROTO_UDP :
	    gso(p) != (v4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6) || head->protocol != KS_PROTO_TCP)
		return false;
	len = transport_head(p);
	if (len < least || len > head->payload)
		return false;
	/* A hint: the kernel says how much of the packet stands in one piece, more than the headers or less. */
	o->hdr_len = (uint16_t)(head->at + len);
	return true;
}

bool ks_offload_sound(struct ks_packet *p, const struct ks_head *head)
{
	if (ks_offload_partial(p) && !partial_sound(p, head))
		return false;
	if (ks_offload_large(p))
		return large_sound(p, head);
	p->offload.hdr_len = 0;
	p->offload.gso_size = 0;
	return true;
}

size_t ks_offload_unit(const struct ks_packet *p, const struct ks_head *head)
{
	size_t unit;

	if (!ks_offload_large(p))
		return head->payload;
	unit = transport_head(p) + p->offload.gso_size;
	return unit < head->payload ? unit : head->payload;
}

void ks_offload_shrink(struct ks_packet *p, size_t max)
{
	size_t heads = transport_head(p), size = max > heads + SEGMENT_MIN ? max - heads : SEGMENT_MIN;

	if (size < p->offload.gso_size)
		p->offload.gso_size = (uint16_t)size;
}

void ks_offload_finish(struct ks_packet *p)
{
	size_t start = p->offload.csum_start;
	uint8_t *field = p->data + start + p->offload.csum_offset;
	uint64_t sum;

	if (!ks_offload_partial(p))
		return;
	sum = ks_sum_bytes(p->data + start, p->len - start);
	ks_checksum_store(field, sum);
	if (p->offload.csum_offset == 6 && ks_get16(field) == 0)
		ks_put16(field, 0xffff);
	memset(&p->offload, 0, sizeof(p->offload));
}

void ks_offload_settle(struct ks_packet *p, const struct ks_head *head)
{
	if (ks_offload_partial(p) && !ks_offload_large(p) &&
	    (p->offload.csum_start != head->at || p->offload.csum_offset != ks_head_checksum(head)))
		ks_offload_finish(p);
}

void ks_offload_moved(struct ks_packet *p, ptrdiff_t longer, bool to6)
{
	struct virtio_net_hdr *o = &p->offload;

	if (ks_offload_partial(p))
		o->csum_start = (uint16_t)(o->csum_start + longer);
	if (!ks_offload_large(p))
		return;
	o->hdr_len = (uint16_t)(o->hdr_len + longer);
	if (ks_offload_tcp(p))
		o->gso_type = (uint8_t)((o->gso_type & VIRTIO_NET_HDR_GSO_ECN) |
					(to6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4));
}

/* The IP header of a packet of len bytes: its lengths, and in IPv4 the number and the checksum. */
static void set_length(uint8_t *ip, size_t len, unsigned i)
{
	if (ip[0] >> 4 == 6) {
		ks_put16(ip + 4, (uint32_t)(len - KS_HEAD6));
		return;
	}
	ks_put16(ip + 2, (uint32_t)len);
	ks_put16(ip + 4, (ks_get16(ip + 4) + i) & 0xffff);
	ks_put16(ip + 10, 0);
	ks_checksum_store(ip + 10, ks_sum_bytes(ip, (ip[0] & 15) * 4));
}

bool ks_offload_segment(const struct ks_xlat *x, const struct ks_packet *p, const struct ks_head *head, unsigned i,
			struct ks_packet *segment)
{
	size_t heads = head->at + transport_head(p), size = p->offload.gso_size, from = heads + i * size;
	uint8_t *udp;

	if (from >= p->len)
		return false;
	if (size > p->len - from)
		size = p->len - from;
	segment->data = ks_xlat_scratch(x, KS_SCRATCH_SEGMENT);
	segment->len = heads + size;
	memcpy(segment->data, p->data, heads);
	memcpy(segment->data + heads, p->data + from, size);
	set_length(segment->data, segment->len, i);
	udp = segment->data + head->at;
	/* The sum of the pseudo-header that is in the field has the length of all in it. */
	ks_sum_store(udp + 6, ks_sum_field(udp + 6) + ks_sum_minus(ks_sum16((uint32_t)(p->len - head->at))) +
				      ks_sum16((uint32_t)(segment->len - head->at)));
	ks_put16(udp + 4, (uint32_t)(segment->len - head->at));
	segment->offload = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = p->offload.csum_start, .csum_offset = 6,
	};
	ks_offload_finish(segment);
	return true;
}
