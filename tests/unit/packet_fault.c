/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/packet_fault.h"

#include "tests/unit/packets.h"

#define ERROR4_MAX 576		/* RFC 1812, section 4.3.2.3 */
#define ERROR6_MAX 1280		/* RFC 4443, section 2.4 (c) */
#define QUOTED_MIN 128		/* before an extension: RFC 4884, section 4.2 */

struct judged {
	const uint8_t *bytes;
	size_t len;
	const struct virtio_net_hdr *offload;	/* NULL: complete, or quoted */
	struct parsed p;
	enum packet_care care;
	bool quoted;
};

static const uint8_t *transport(const struct judged *j) { return j->bytes + j->p.at; }

static bool is_error(const struct judged *j)
{
	unsigned type;

	if (!j->p.first || j->p.have == 0)
		return false;
	type = transport(j)[0];
	if (j->p.protocol == ICMP4 && j->p.version == 4)
		return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
	return j->p.protocol == ICMP6 && j->p.version == 6 && type < 128;
}

/* --- transport ----------------------------------------------------------------------------------- */

static const char *length_fault(const struct judged *j)
{
	const uint8_t *t = transport(j);
	size_t have = j->p.have;

	if (!j->p.first)
		return NULL;
	switch (j->p.protocol) {
	case TCP:
		if (have < 20)
			return "TCP: shorter than its header";
		return (t[12] >> 4) < 5 || (j->p.whole && (t[12] >> 4) * (size_t)4 > have) ? "TCP: data offset" : NULL;
	case UDP:
		if (have < 8)
			return "UDP: shorter than its header";
		if (wire_get16(t + 4) < 8 || (j->p.whole && wire_get16(t + 4) != j->p.payload))
			return "UDP: length";
		return NULL;
	case ICMP4:
	case ICMP6:
		return have < 8 ? "ICMP: shorter than its header" : NULL;
	default:
		return NULL;
	}
}

static const char *sum_fault(const struct judged *j)
{
	size_t at = wire_checksum_at(j->p.protocol);

	if (at == 0 || !j->p.whole || j->p.have < j->p.payload || j->p.have < at + 2)
		return NULL;
	if (j->p.protocol == UDP && wire_get16(transport(j) + at) == 0)
		return j->p.version == 6 && !j->quoted ? "UDP: no checksum in IPv6" : NULL;
	if (wire_add(wire_pseudo(&j->p, j->p.payload), transport(j), j->p.payload) != 0xffff)
		return "the transport's checksum";
	return NULL;
}

/* --- ICMP errors --------------------------------------------------------------------------------- */

static const char *extension_fault(const uint8_t *bytes, size_t len)
{
	size_t at = 4;

	if (len < 4 || bytes[0] >> 4 != 2)
		return "extension: header";
	if (wire_get16(bytes + 2) != 0 && wire_add(0, bytes, len) != 0xffff)
		return "extension: checksum";
	while (at < len) {
		size_t object = len - at >= 4 ? wire_get16(bytes + at) : 0;

		if (object < 4 || object > len - at)
			return "extension: object length";
		at += object;
	}
	return NULL;
}

/* Bytes that its length attribute tells of; 0: no extension. */
static size_t quoted_length(const struct judged *j)
{
	const uint8_t *t = transport(j);

	if (j->p.protocol == ICMP4)
		return t[0] == 3 || t[0] == 11 || t[0] == 12 ? t[5] * (size_t)4 : 0;
	return t[0] == 1 || t[0] == 3 ? t[4] * (size_t)8 : 0;
}

static const char *family_fault(const struct judged *j)
{
	bool icmp = j->p.protocol == ICMP4 || j->p.protocol == ICMP6;

	if (icmp && (j->p.protocol == ICMP4) != (j->p.version == 4))
		return "ICMP of the other family";
	if (j->p.version == 4 && (j->p.protocol == HOP_BY_HOP || j->p.protocol == ROUTING ||
				  j->p.protocol == FRAGMENT || j->p.protocol == DESTINATION))
		return "IPv4: an extension header of IPv6";
	return NULL;
}

static const char *quote_fault(const struct judged *outer, const uint8_t *bytes, size_t len)
{
	struct judged j = { .bytes = bytes, .len = len, .care = outer->care, .quoted = true };
	const char *fault = wire_parse(&j.p, bytes, len, true);

	/* One that was ill-formed when it came is quoted as it came. */
	if (fault != NULL)
		return outer->care >= PACKET_LENGTHS ? fault : NULL;
	if (j.p.version != outer->p.version)
		return "a quoted packet of the other family";
	if (is_error(&j))
		return "an ICMP error about an ICMP error";
	if (outer->care >= PACKET_LENGTHS)
		fault = family_fault(&j);
	if (fault == NULL && outer->care >= PACKET_LENGTHS && j.p.have == j.p.payload)
		fault = length_fault(&j);
	if (fault == NULL && outer->care >= PACKET_ALL)
		fault = sum_fault(&j);
	return fault;
}

static const char *error_fault(const struct judged *j)
{
	size_t body = j->p.have - 8, quoted = quoted_length(j);
	const char *fault;

	if (j->len > (j->p.version == 4 ? ERROR4_MAX : ERROR6_MAX))
		return "an ICMP error that is too long";
	if (j->p.fragment)
		return "an ICMP error in a fragment";
	if (wire_add(wire_pseudo(&j->p, j->p.payload), transport(j), j->p.have) != 0xffff)
		return "ICMP: checksum of an error";
	if (quoted > body || (quoted > 0 && quoted < QUOTED_MIN))
		return "ICMP: length attribute";
	fault = quote_fault(j, transport(j) + 8, quoted > 0 ? quoted : body);
	if (fault == NULL && j->care >= PACKET_LENGTHS && quoted > 0)
		fault = extension_fault(transport(j) + 8 + quoted, body - quoted);
	return fault;
}

/* --- offload ------------------------------------------------------------------------------------- */

/* What is left to be summed: the field has the sum of the pseudo-header. */
static const char *partial_fault(const struct judged *j)
{
	const struct virtio_net_hdr *o = j->offload;
	size_t field = (size_t)o->csum_start + o->csum_offset;

	if (!(o->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return o->gso_type != VIRTIO_NET_HDR_GSO_NONE ? "offload: GSO without a checksum to be made" : NULL;
	if (o->csum_start != j->p.at || !j->p.whole)
		return "offload: csum_start is not the transport's";
	if (o->csum_offset != wire_checksum_at(j->p.protocol) || field + 2 > j->len)
		return "offload: csum_offset is not that of the transport's checksum";
	/* Both zeros are the same. */
	if (j->care >= PACKET_ALL &&
	    wire_get16(j->bytes + field) % 0xffff != wire_pseudo(&j->p, j->p.payload) % 0xffff)
		return "offload: the field has not the sum of the pseudo-header";
	return NULL;
}

static const char *gso_fault(const struct judged *j)
{
	const struct virtio_net_hdr *o = j->offload;
	unsigned type = o->gso_type & ~(unsigned)VIRTIO_NET_HDR_GSO_ECN;
	bool tcp = type == VIRTIO_NET_HDR_GSO_TCPV4 || type == VIRTIO_NET_HDR_GSO_TCPV6;
	size_t head;

	if (o->hdr_len > j->len)
		return "offload: hdr_len is beyond the packet";
	if (o->gso_type == VIRTIO_NET_HDR_GSO_NONE)
		return o->gso_size != 0 ? "offload: gso_size without GSO" : NULL;
	if (o->gso_size == 0 || j->p.fragment)
		return "offload: GSO without a size, or of a fragment";
	if (tcp && (type == VIRTIO_NET_HDR_GSO_TCPV4) != (j->p.version == 4))
		return "offload: GSO of the other family";
	if ((tcp && j->p.protocol != TCP) || (type == PACKET_GSO_UDP_L4 && j->p.protocol != UDP))
		return "offload: GSO of the other transport";
	if (!tcp && type != PACKET_GSO_UDP_L4)
		return "offload: gso_type";
	head = tcp ? (transport(j)[12] >> 4) * (size_t)4 : 8;
	if (head < (tcp ? 20 : 8) || head > j->p.have)
		return "offload: the transport's header";
	return o->hdr_len != 0 && o->hdr_len < j->p.at + head ? "offload: hdr_len is less than the headers" : NULL;
}

/* --- all ----------------------------------------------------------------------------------------- */

static const char *transport_fault(const struct judged *j)
{
	bool partial = j->offload != NULL && (j->offload->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);
	const char *fault = NULL;

	if (j->care >= PACKET_LENGTHS)
		fault = length_fault(j);
	if (fault == NULL && j->care >= PACKET_LENGTHS && j->p.more && j->p.payload % 8 != 0)
		fault = "a fragment that ends between units of eight bytes";
	if (fault == NULL && j->care >= PACKET_ALL && !partial)
		fault = sum_fault(j);
	if (fault == NULL && is_error(j))
		fault = j->p.have < 8 ? "ICMP: shorter than its header" : error_fault(j);
	return fault;
}

const char *packet_fault(const uint8_t *bytes, size_t len, const struct virtio_net_hdr *offload, enum packet_care care)
{
	struct judged j = { .bytes = bytes, .len = len, .offload = offload, .care = care };
	const char *fault = wire_parse(&j.p, bytes, len, false);

	if (fault == NULL && j.p.ttl == 0)
		fault = "a time to live of 0";
	if (fault == NULL)
		fault = family_fault(&j);
	if (fault == NULL && offload != NULL)
		fault = partial_fault(&j);
	if (fault == NULL && offload != NULL)
		fault = gso_fault(&j);
	return fault != NULL ? fault : transport_fault(&j);
}
