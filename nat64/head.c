/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/head.h"

#include <string.h>

#include "nat64/bytes.h"
#include "nat64/packet.h"
#include "nat64/xlat.h"

#define OPTION_END 0
#define OPTION_NOP 1
#define OPTION_LSRR 131
#define OPTION_SSRR 137

#define NEXT_HOP_BY_HOP 0
#define NEXT_ROUTING 43
#define NEXT_FRAGMENT 44
#define NEXT_AUTHENTICATION 51
#define NEXT_DESTINATION 60

#define FRAGMENT_OFFSET 0x1fff
#define FRAGMENT_MORE4 0x2000
#define FRAGMENT_DF 0x4000

static bool fragment_fits(const struct ks_head *h)
{
	return h->offset + h->payload <= KS_PACKET_MAX;
}

/* The lengths of an IPv4 packet, and its checksum: what is quoted may have been changed on its way. */
static bool head4_sound(const uint8_t *bytes, size_t len, bool quoted)
{
	size_t head = (bytes[0] & 15) * 4, total = ks_get16(bytes + 2);

	if (bytes[0] >> 4 != 4 || head < KS_HEAD4 || head > len || total < head)
		return false;
	return quoted || (total <= len && ks_sum_fold(ks_sum_bytes(bytes, head)) == 0xffff);
}

enum ks_xlat_drop ks_head4_read(struct ks_head4 *head, const uint8_t *bytes, size_t len, bool quoted)
{
	struct ks_head *h = &head->h;
	uint16_t fragment;

	if (len < KS_HEAD4 || !head4_sound(bytes, len, quoted))
		return KS_XLAT_HEADER4;
	h->bytes = bytes;
	h->at = (bytes[0] & 15) * 4;
	h->payload = ks_get16(bytes + 2) - h->at;
	h->have = len - h->at < h->payload ? len - h->at : h->payload;
	h->tos = bytes[1];
	h->ttl = bytes[8];
	h->protocol = bytes[9];
	h->id = ks_get16(bytes + 4);
	fragment = ks_get16(bytes + 6);
	h->offset = (fragment & FRAGMENT_OFFSET) * 8;
	h->more = (fragment & FRAGMENT_MORE4) != 0;
	h->fragment = h->more || h->offset != 0;
	head->df = (fragment & FRAGMENT_DF) != 0;
	head->src = ks_get32(bytes + 12);
	head->dst = ks_get32(bytes + 16);
	return h->fragment && !fragment_fits(h) ? KS_XLAT_FRAGMENT : KS_XLAT_PASSED;
}

bool ks_head4_source_route(const struct ks_head4 *head)
{
	const uint8_t *options = head->h.bytes + KS_HEAD4;
	size_t len = head->h.at - KS_HEAD4;

	for (size_t at = 0; at < len && options[at] != OPTION_END;) {
		if (options[at] == OPTION_NOP) {
			at++;
			continue;
		}
		if (len - at < 3 || options[at + 1] < 2 || options[at + 1] > len - at)
			return false;
		if (options[at] == OPTION_LSRR || options[at] == OPTION_SSRR)
			return options[at + 2] <= options[at + 1];
		at += options[at + 1];
	}
	return false;
}

/* The extension headers, up to what is carried. `end` is the packet's by what is here. */
struct chain {
	size_t at, end;
	uint8_t next;
	unsigned n;
};

static bool is_extension(uint8_t next)
{
	return next == NEXT_HOP_BY_HOP || next == NEXT_ROUTING || next == NEXT_DESTINATION;
}

static enum ks_xlat_drop skip_extension(struct ks_head6 *head, struct chain *c)
{
	const uint8_t *ext = head->h.bytes + c->at;
	size_t len;

	if (++c->n > KS_XLAT_EXTENSIONS_MAX || c->end - c->at < 8)
		return KS_XLAT_EXTENSIONS;
	len = (ext[1] + 1U) * 8;
	if (len > c->end - c->at)
		return KS_XLAT_EXTENSIONS;
	if (c->next == NEXT_ROUTING && ext[3] != 0 && head->routing_at == 0)
		head->routing_at = c->at + 3;
	c->next = ext[0];
	c->at += len;
	return KS_XLAT_PASSED;
}

/* So far as what is here tells, and however many: an ICMP error that hides behind them gets no answer either. */
static void skip_behind_fragment(const struct ks_head6 *head, struct chain *c)
{
	struct ks_head6 unused = *head;
	struct chain on = *c;

	while (is_extension(on.next)) {
		on.n = 0;
		if (skip_extension(&unused, &on) != KS_XLAT_PASSED)
			return;
	}
	*c = on;
}

static enum ks_xlat_drop read_fragment(struct ks_head6 *head, struct chain *c)
{
	const uint8_t *ext = head->h.bytes + c->at;
	uint16_t field;

	if (c->end - c->at < KS_HEAD_FRAGMENT)
		return KS_XLAT_EXTENSIONS;
	field = ks_get16(ext + 2);
	head->h.fragment = true;
	head->h.offset = field & 0xfff8;
	head->h.more = (field & 1) != 0;
	head->h.id = ks_get32(ext + 4);
	c->next = ext[0];
	c->at += KS_HEAD_FRAGMENT;
	if (c->next == NEXT_FRAGMENT)
		return KS_XLAT_FRAGMENT;
	/* RFC 7915, section 5.1.1: the translator cannot skip what may go on in the next fragment. */
	head->extension_behind_fragment = is_extension(c->next) || c->next == NEXT_AUTHENTICATION;
	if (head->h.offset == 0)
		skip_behind_fragment(head, c);
	return KS_XLAT_PASSED;
}

static enum ks_xlat_drop walk(struct ks_head6 *head, struct chain *c)
{
	enum ks_xlat_drop why = KS_XLAT_PASSED;

	while (why == KS_XLAT_PASSED && is_extension(c->next))
		why = skip_extension(head, c);
	if (why == KS_XLAT_PASSED && c->next == NEXT_FRAGMENT)
		why = read_fragment(head, c);
	return why;
}

enum ks_xlat_drop ks_head6_read(struct ks_head6 *head, const uint8_t *bytes, size_t len, bool quoted)
{
	struct ks_head *h = &head->h;
	struct chain c = { .at = KS_HEAD6 };
	enum ks_xlat_drop why;
	size_t payload;

	if (len < KS_HEAD6 || bytes[0] >> 4 != 6)
		return KS_XLAT_HEADER6;
	payload = ks_get16(bytes + 4);
	/* Payload length 0 with data behind it is a jumbogram (RFC 2675). */
	if (!quoted && (payload > len - KS_HEAD6 || (payload == 0 && len > KS_HEAD6)))
		return KS_XLAT_HEADER6;
	memset(head, 0, sizeof(*head));
	h->bytes = bytes;
	h->tos = (uint8_t)(ks_get16(bytes) >> 4);
	h->ttl = bytes[7];
	memcpy(&head->src, bytes + 8, sizeof(head->src));
	memcpy(&head->dst, bytes + 24, sizeof(head->dst));
	c.next = bytes[6];
	c.end = KS_HEAD6 + (len - KS_HEAD6 < payload ? len - KS_HEAD6 : payload);
	why = walk(head, &c);
	if (why != KS_XLAT_PASSED)
		return why;
	h->at = c.at;
	h->have = c.end - c.at;
	h->payload = KS_HEAD6 + payload - c.at;
	h->protocol = c.next;
	return h->fragment && !fragment_fits(h) ? KS_XLAT_FRAGMENT : KS_XLAT_PASSED;
}

bool ks_only_of_ipv6(uint8_t protocol)
{
	return is_extension(protocol) || protocol == NEXT_FRAGMENT || protocol == KS_PROTO_ICMP6;
}

bool ks_only_of_ipv4(uint8_t protocol)
{
	return protocol == KS_PROTO_ICMP4 || protocol == KS_PROTO_IGMP;
}

size_t ks_head_checksum(const struct ks_head *head)
{
	size_t at = head->protocol == KS_PROTO_TCP ? 16 : head->protocol == KS_PROTO_UDP ? 6 : 0;

	return at != 0 && ks_head_first(head) && head->have >= at + 2 ? at : 0;
}

bool ks_head_icmp4_error(const struct ks_head *head)
{
	const uint8_t *type = head->bytes + head->at;

	/* RFC 1122, section 3.2.2. */
	return head->protocol == KS_PROTO_ICMP4 && ks_head_first(head) && head->have > 0 &&
	       (*type == 3 || *type == 4 || *type == 5 || *type == 11 || *type == 12);
}

bool ks_head_icmp6_error(const struct ks_head *head)
{
	const uint8_t *type = head->bytes + head->at;

	/* RFC 4443, section 2.1 and 2.4 (e); a redirect counts as one. */
	return head->protocol == KS_PROTO_ICMP6 && ks_head_first(head) && head->have > 0 &&
	       (*type < 128 || *type == 137);
}

bool ks_illegal_source4(uint32_t address)
{
	uint32_t net = address >> 24;

	return net == 0 || net == 127 || net >> 4 == 14 || address == 0xffffffff;
}

bool ks_untranslatable_destination4(uint32_t address)
{
	return ks_illegal_source4(address);
}

/* ::, ::1 and ::ffff:0:0/96 */
static bool special_low(const uint8_t *a)
{
	static const uint8_t zeros[15], mapped[12] = { [10] = 0xff, [11] = 0xff };

	return (memcmp(a, zeros, sizeof(zeros)) == 0 && a[15] <= 1) || memcmp(a, mapped, sizeof(mapped)) == 0;
}

bool ks_illegal_source6(const struct in6_addr *address)
{
	const uint8_t *a = address->s6_addr;

	return a[0] == 0xff || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80) || special_low(a);
}

bool ks_untranslatable_destination6(const struct in6_addr *address)
{
	return ks_illegal_source6(address);
}
