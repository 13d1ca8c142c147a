/* SPDX-License-Identifier: Apache-2.0
 *
 * ICMP errors of others: their header, the packet that they quote, and what stands behind it. RFC 7915, sections 4.2,
 * 4.3, 5.2 and 5.3; RFC 4884. What is quoted may be cut off anywhere. The result is built in a packet of its own.
 */
#include "nat64/bytes.h"
#include "nat64/xlat_private.h"

#define PADDED_MIN 128		/* of the quoted packet when something stands behind it: RFC 4884, section 4.2 */
#define DF_ABOVE 1260		/* as in xlat64.c: RFC 7915, section 5.1 */

/* An error on its way: what it was, and what it becomes. */
struct error {
	const uint8_t *icmp;
	size_t quoted;			/* bytes of the quoted packet, padding and all */
	struct ks_extension extension;
	struct ks_icmp new;
	uint8_t *out;			/* the new packet: IP header, ICMP header, then `inner` bytes */
	size_t inner;
};

/* Where the quoted packet ends: all of the message, or as its length attribute says. */
static enum ks_xlat_drop split(struct error *e, const struct ks_head *head, size_t length)
{
	size_t body = head->have - KS_HEAD_ICMP;

	e->icmp = head->bytes + head->at;
	e->quoted = length > 0 && length <= body ? length : body;
	e->extension.bytes = e->icmp + KS_HEAD_ICMP + e->quoted;
	e->extension.len = body - e->quoted;
	return head->have == head->payload ? KS_XLAT_PASSED : KS_XLAT_ICMP_INNER;
}

/* How much of the quoted packet goes with the extension into `room` bytes: whole units of the length attribute, the rest
 * of one is left out; zeros up to PADDED_MIN. An extension that does not fit beside that is left out. */
static size_t fit(struct error *e, uint8_t *inner, size_t room, size_t unit)
{
	size_t padded = e->inner / unit * unit, most;

	if (e->extension.len == 0 || e->extension.len + PADDED_MIN > room) {
		e->extension.len = 0;
		return e->inner < room ? e->inner : room;
	}
	most = (room - e->extension.len) / unit * unit;
	padded = padded < PADDED_MIN ? PADDED_MIN : padded;
	if (padded > most)
		padded = most;
	if (padded > e->inner)
		memset(inner + e->inner, 0, padded - e->inner);
	return padded;
}

static size_t put_message(struct error *e, uint8_t *icmp, size_t room, size_t unit, unsigned length_shift)
{
	size_t inner = fit(e, icmp + KS_HEAD_ICMP, room - KS_HEAD_ICMP, unit);

	memcpy(icmp + KS_HEAD_ICMP + inner, e->extension.bytes, e->extension.len);
	icmp[0] = e->new.type;
	icmp[1] = e->new.code;
	ks_put16(icmp + 2, 0);
	ks_put32(icmp + 4, e->new.rest | (e->extension.len > 0 ? (uint32_t)(inner / unit) << length_shift : 0));
	return KS_HEAD_ICMP + inner + e->extension.len;
}

static void put_echo_checksum(uint8_t *icmp, const struct ks_head *q, uint8_t type, uint64_t pseudo)
{
	uint64_t was;

	if (q->have == 0)
		return;
	if (q->have < 4) {
		icmp[0] = type;
		return;
	}
	was = ks_sum_field(icmp);
	icmp[0] = type;
	ks_checksum_adjust(icmp + 2, ks_sum_field(icmp) + ks_sum_minus(was) + pseudo);
}

/* The transport's checksum takes in the new addresses, however little of its data is here. */
static void put_checksum(uint8_t *transport, const struct ks_head *q, uint64_t delta)
{
	size_t field = ks_head_checksum(q);

	if (field != 0 && !(q->protocol == KS_PROTO_UDP && ks_get16(transport + field) == 0))
		ks_checksum_adjust(transport + field, delta);
}

static size_t copied(const struct ks_head *q, uint8_t *to, size_t room)
{
	size_t len = q->have < room ? q->have : room;

	memcpy(to, q->bytes + q->at, len);
	return len;
}

/* --- IPv4 to IPv6 ------------------------------------------------------------------------------------------ */

static enum ks_xlat_drop quoted4(struct ks_head4 *q, const struct error *e)
{
	if (ks_head4_read(q, e->icmp + KS_HEAD_ICMP, e->quoted, true) != KS_XLAT_PASSED)
		return KS_XLAT_ICMP_INNER;
	if (q->h.protocol != KS_PROTO_ICMP4)
		return ks_only_of_ipv6(q->h.protocol) ? KS_XLAT_ICMP_INNER : KS_XLAT_PASSED;
	if (ks_head_icmp4_error(&q->h))
		return KS_XLAT_ICMP_DOUBLE;
	if (ks_head_part(&q->h) || (q->h.have > 0 && q->h.bytes[q->h.at] != 8 && q->h.bytes[q->h.at] != 0))
		return KS_XLAT_ICMP_INNER;
	return KS_XLAT_PASSED;
}

static enum ks_xlat_drop map_quoted4(const struct ks_xlat *x, const struct ks_head4 *q, bool explicit_dst,
				     struct ks_new6 *new)
{
	enum ks_mapped src, dst;
	uint32_t slot;

	src = ks_xlat_to6(x, q->src, true, &new->src, &slot);
	dst = ks_xlat_to6(x, q->dst, explicit_dst, &new->dst, &slot);
	if (src == KS_MAPPED_NOT || dst == KS_MAPPED_NOT || src == KS_MAPPED_PRIVATE || dst == KS_MAPPED_PRIVATE)
		return KS_XLAT_ICMP_INNER;
	return KS_XLAT_PASSED;
}

static void put_quoted6(const struct ks_xlat *x, struct error *e, const struct ks_head4 *q, struct ks_new6 *new,
			uint8_t *to, size_t room)
{
	const struct ks_head *h = &q->h;
	size_t heads;

	new->payload = h->payload;
	new->protocol = h->protocol == KS_PROTO_ICMP4 ? KS_PROTO_ICMP6 : h->protocol;
	new->ttl = h->ttl;
	new->tos = x->settings->tos6 < 0 ? h->tos : (uint8_t)x->settings->tos6;
	new->fragment = h->fragment;
	new->more = h->more;
	new->offset = h->offset;
	new->id = h->id;
	heads = ks_new6_size(new);
	ks_new6_write(new, to);
	e->inner = heads + copied(h, to + heads, room - heads);
	if (h->protocol == KS_PROTO_ICMP4)
		put_echo_checksum(to + heads, h, h->have > 0 && h->bytes[h->at] == 8 ? 128 : 129,
				  ks_pseudo6_sum(ks_new6_sum(new), h->payload, KS_PROTO_ICMP6));
	else
		put_checksum(to + heads, h, ks_new6_sum(new) + ks_sum_minus(ks_head4_sum(q)));
}

static void send6(struct ks_xlat *x, struct error *e, struct ks_new6 *new, struct ks_slots slots)
{
	uint8_t *icmp = e->out + KS_HEAD6;

	new->payload = put_message(e, icmp, KS_ICMP6_QUOTE_MAX - KS_HEAD6, 8, 24);
	new->protocol = KS_PROTO_ICMP6;
	new->fragment = false;
	ks_new6_write(new, e->out);
	ks_checksum_store(icmp + 2, ks_pseudo6_sum(ks_new6_sum(new), new->payload, KS_PROTO_ICMP6) +
				    ks_sum_bytes(icmp, new->payload));
	x->counts->icmp_translated[0]++;
	ks_xlat_send(x, &(struct ks_packet){ .data = e->out, .len = KS_HEAD6 + new->payload }, KS_XLAT_46, slots);
}

static bool extensible6(uint8_t type) { return type == 1 || type == 3; }

enum ks_xlat_drop ks_quote46(struct ks_xlat *x, const struct ks_head4 *head, struct ks_new6 *new, bool renamed,
			     struct ks_slots slots, unsigned pass)
{
	const uint8_t *icmp = head->h.bytes + head->h.at;
	bool explicit_dst = pass == 0 && x->settings->hairpin != KS_HAIRPIN_SIMPLE;
	struct error e = { .out = ks_xlat_scratch(x, pass > 0 ? KS_SCRATCH_SECOND_PASS : KS_SCRATCH_PASS) };
	struct ks_new6 inner;
	struct ks_head4 q;
	enum ks_xlat_drop why;

	if (ks_sum_fold(ks_sum_bytes(icmp, head->h.have)) != 0xffff)
		return KS_XLAT_ICMP_CHECKSUM;
	why = split(&e, &head->h, ks_icmp4_length(icmp));
	if (why == KS_XLAT_PASSED)
		why = quoted4(&q, &e);
	if (why == KS_XLAT_PASSED)
		why = ks_icmp_to6(x->settings, icmp, q.h.at + q.h.payload, &e.new);
	if (why == KS_XLAT_PASSED)
		why = map_quoted4(x, &q, explicit_dst, &inner);
	if (why != KS_XLAT_PASSED)
		return why;
	put_quoted6(x, &e, &q, &inner, e.out + KS_HEAD6 + KS_HEAD_ICMP, KS_ICMP6_QUOTE_MAX);
	if (renamed && x->settings->interface_object)
		ks_extension_name(&e.extension, head->h.bytes + 12, 4);
	if (!extensible6(e.new.type))
		e.extension.len = 0;
	send6(x, &e, new, slots);
	return KS_XLAT_PASSED;
}

/* --- IPv6 to IPv4 ------------------------------------------------------------------------------------------ */

static enum ks_xlat_drop quoted6(struct ks_head6 *q, const struct error *e)
{
	if (ks_head6_read(q, e->icmp + KS_HEAD_ICMP, e->quoted, true) != KS_XLAT_PASSED ||
	    q->extension_behind_fragment || KS_HEAD4 + q->h.payload > KS_PACKET_MAX)
		return KS_XLAT_ICMP_INNER;
	if (q->h.protocol != KS_PROTO_ICMP6)
		return ks_only_of_ipv4(q->h.protocol) ? KS_XLAT_ICMP_INNER : KS_XLAT_PASSED;
	if (ks_head_icmp6_error(&q->h))
		return KS_XLAT_ICMP_DOUBLE;
	if (ks_head_part(&q->h) || (q->h.have > 0 && q->h.bytes[q->h.at] != 128 && q->h.bytes[q->h.at] != 129))
		return KS_XLAT_ICMP_INNER;
	return KS_XLAT_PASSED;
}

/* *turns_back: RFC 7757, section 4.2.2, set B. */
static enum ks_xlat_drop map_quoted6(const struct ks_xlat *x, const struct ks_head6 *q, struct ks_new4 *new,
				     bool *turns_back)
{
	enum ks_mapped src, dst;
	struct in6_addr v6;
	uint32_t slot;

	src = ks_table_to4(x->table, &q->src, &new->src, &slot);
	dst = ks_table_to4(x->table, &q->dst, &new->dst, &slot);
	if (src == KS_MAPPED_NOT || dst == KS_MAPPED_NOT || src == KS_MAPPED_PRIVATE || dst == KS_MAPPED_PRIVATE)
		return KS_XLAT_ICMP_INNER;
	*turns_back = x->settings->hairpin == KS_HAIRPIN_INTRINSIC && src == KS_MAPPED_PREFIX &&
		      ks_xlat_to6(x, new->src, true, &v6, &slot) == KS_MAPPED_EXPLICIT;
	return KS_XLAT_PASSED;
}

static void put_quoted4(struct ks_xlat *x, struct error *e, const struct ks_head6 *q, struct ks_new4 *new,
			uint8_t *to, size_t room)
{
	const struct ks_head *h = &q->h;

	new->payload = h->payload;
	new->protocol = h->protocol == KS_PROTO_ICMP6 ? KS_PROTO_ICMP4 : h->protocol;
	new->ttl = h->ttl;
	new->tos = x->settings->tos4 < 0 ? h->tos : (uint8_t)x->settings->tos4;
	new->df = !h->fragment && KS_HEAD4 + h->payload > DF_ABOVE;
	new->more = h->more;
	new->offset = h->offset;
	new->id = h->fragment ? h->id : ks_xlat_random(x);
	ks_new4_write(new, to);
	e->inner = KS_HEAD4 + copied(h, to + KS_HEAD4, room - KS_HEAD4);
	if (h->protocol == KS_PROTO_ICMP6)
		put_echo_checksum(to + KS_HEAD4, h, h->have > 0 && h->bytes[h->at] == 128 ? 8 : 0,
				  ks_sum_minus(ks_pseudo6_sum(ks_head6_sum(q), h->payload, KS_PROTO_ICMP6)));
	else
		put_checksum(to + KS_HEAD4, h, ks_new4_sum(new) + ks_sum_minus(ks_head6_sum(q)));
}

static enum ks_xlat_drop send4(struct ks_xlat *x, struct error *e, struct ks_new4 *new, struct ks_slots slots,
			       bool turns_back)
{
	size_t room = x->settings->mtu4 < KS_ICMP4_QUOTE_MAX ? x->settings->mtu4 : KS_ICMP4_QUOTE_MAX;
	struct ks_packet packet = { .data = e->out };
	uint8_t *icmp = e->out + KS_HEAD4;

	new->payload = put_message(e, icmp, room - KS_HEAD4, 4, 16);
	new->protocol = KS_PROTO_ICMP4;
	new->df = false;
	ks_new4_write(new, e->out);
	ks_checksum_store(icmp + 2, ks_sum_bytes(icmp, new->payload));
	packet.len = KS_HEAD4 + new->payload;
	x->counts->icmp_translated[1]++;
	if (!turns_back) {
		ks_xlat_send(x, &packet, KS_XLAT_64, slots);
		return KS_XLAT_PASSED;
	}
	x->counts->hairpins++;
	ks_xlat_count_mappings(x, &packet, slots);
	return ks_xlat46(x, &packet, 1);
}

enum ks_xlat_drop ks_quote64(struct ks_xlat *x, const struct ks_head6 *head, struct ks_new4 *new, bool renamed,
			     struct ks_slots slots)
{
	const uint8_t *icmp = head->h.bytes + head->h.at;
	struct error e = { .out = ks_xlat_scratch(x, KS_SCRATCH_PASS) };
	struct ks_new4 inner;
	struct ks_head6 q;
	bool turns_back;
	enum ks_xlat_drop why;

	if (ks_sum_fold(ks_pseudo6_sum(ks_head6_sum(head), head->h.payload, KS_PROTO_ICMP6) +
			ks_sum_bytes(icmp, head->h.have)) != 0xffff)
		return KS_XLAT_ICMP_CHECKSUM;
	why = split(&e, &head->h, ks_icmp6_length(icmp));
	if (why == KS_XLAT_PASSED)
		why = quoted6(&q, &e);
	if (why == KS_XLAT_PASSED)
		why = ks_icmp_to4(x->settings, icmp, q.h.fragment, &e.new);
	if (why == KS_XLAT_PASSED)
		why = map_quoted6(x, &q, &inner, &turns_back);
	if (why != KS_XLAT_PASSED)
		return why;
	put_quoted4(x, &e, &q, &inner, e.out + KS_HEAD4 + KS_HEAD_ICMP, KS_ICMP6_QUOTE_MAX);
	if (renamed && x->settings->interface_object)
		ks_extension_name(&e.extension, head->src.s6_addr, 6);
	/* All errors of ICMPv4 that there are here may have an extension. */
	return send4(x, &e, new, slots, turns_back);
}
