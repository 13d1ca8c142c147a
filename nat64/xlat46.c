/* SPDX-License-Identifier: Apache-2.0
 *
 * IPv4 to IPv6: RFC 7915, section 4.
 */
#include "nat64/bytes.h"
#include "nat64/xlat_private.h"

struct way {
	struct ks_xlat *x;
	struct ks_packet *packet;
	struct ks_head4 head;
	struct ks_new6 new;
	struct ks_slots slots;
	unsigned pass;
	bool error;			/* an ICMP error */
	bool renamed;			/* new.src is not what the source address is mapped to (RFC 6791) */
};

static enum ks_xlat_drop admit(const struct way *w)
{
	const struct ks_head4 *head = &w->head;

	if (!w->error && ks_illegal_source4(head->src))
		return KS_XLAT_ILLEGAL_SRC;
	if (ks_untranslatable_destination4(head->dst))
		return KS_XLAT_MULTICAST;
	/* What turns back is the same packet, and has paid its hop. */
	if (w->pass == 0 && head->dst == w->x->settings->source4)
		return KS_XLAT_OWN;
	if (head->h.at > KS_HEAD4 && ks_head4_source_route(head))
		return KS_XLAT_SOURCE_ROUTE;
	if (w->pass == 0 && head->h.ttl <= 1)
		return KS_XLAT_TTL4;
	if (ks_only_of_ipv6(head->h.protocol) || head->h.protocol == KS_PROTO_IGMP)
		return KS_XLAT_PROTOCOL;
	if (head->h.protocol == KS_PROTO_ICMP4 && head->h.fragment)
		return KS_XLAT_ICMP_FRAGMENT;
	return KS_XLAT_PASSED;
}

/* RFC 6791: an error's source that has no IPv6 address gets one that speaks for it. */
static enum ks_xlat_drop rename_source(struct way *w)
{
	const struct ks_xlat_settings *s = w->x->settings;
	const struct ks_pool6 *pool;

	w->renamed = true;
	w->slots.src = KS_SLOT_NONE;
	if (s->n_pool6 == 0) {
		w->new.src = s->source6;
		return IN6_IS_ADDR_UNSPECIFIED(&s->source6) ? KS_XLAT_NO_MAP_SRC4 : KS_XLAT_PASSED;
	}
	pool = &s->pool6[ks_xlat_random(w->x) % s->n_pool6];
	w->new.src = pool->address;
	for (unsigned bit = pool->length; bit < 128; bit++)
		if (ks_xlat_random(w->x) & 1)
			w->new.src.s6_addr[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
	return KS_XLAT_PASSED;
}

/* Of a source that the explicit mappings have too: whether they may be used (RFC 7757, section 4.2.1). */
static bool explicit_source(const struct way *w)
{
	const uint8_t *quoted = w->head.h.bytes + w->head.h.at + KS_HEAD_ICMP;

	if (w->pass == 0 && w->x->settings->hairpin != KS_HAIRPIN_SIMPLE)
		return true;
	return w->error && w->head.h.have >= KS_HEAD_ICMP + KS_HEAD4 && w->head.src != ks_get32(quoted + 16);
}

/* A mapping of an address to one behind the prefix would send what turns back here again, and again. */
static bool would_return(const struct way *w)
{
	const struct ks_prefix *prefix = ks_table_prefix(w->x->table);
	uint32_t v4;

	return w->pass > 0 && prefix != NULL && ks_prefix_extract(prefix, &w->new.dst, &v4);
}

static enum ks_xlat_drop map_addresses(struct way *w)
{
	const struct ks_head4 *head = &w->head;
	enum ks_mapped mapped;

	mapped = ks_xlat_to6(w->x, head->dst, true, &w->new.dst, &w->slots.dst);
	ks_xlat_expect_count(w->x, w->slots.dst);
	if (mapped == KS_MAPPED_PRIVATE)
		return KS_XLAT_WELL_KNOWN;
	if (mapped == KS_MAPPED_NOT)
		return KS_XLAT_NO_MAP_DST4;
	if (would_return(w))
		return KS_XLAT_HAIRPIN_LOOP;
	mapped = ks_xlat_to6(w->x, head->src, explicit_source(w), &w->new.src, &w->slots.src);
	if (mapped == KS_MAPPED_EXPLICIT || mapped == KS_MAPPED_PREFIX)
		return KS_XLAT_PASSED;
	if (w->error)
		return rename_source(w);
	return mapped == KS_MAPPED_PRIVATE ? KS_XLAT_WELL_KNOWN : KS_XLAT_NO_MAP_SRC4;
}

static void make_head(struct way *w)
{
	const struct ks_head *h = &w->head.h;
	int tos = w->x->settings->tos6;

	w->new.payload = h->payload;
	w->new.protocol = h->protocol == KS_PROTO_ICMP4 ? KS_PROTO_ICMP6 : h->protocol;
	w->new.ttl = w->pass == 0 ? h->ttl - 1 : h->ttl;
	w->new.tos = tos < 0 ? h->tos : (uint8_t)tos;
	w->new.fragment = h->fragment;
	w->new.more = h->more;
	w->new.offset = h->offset;
	w->new.id = h->id;
}

/* --- transport ------------------------------------------------------------------------------------------- */

static enum ks_xlat_drop check_udp(const struct way *w)
{
	const struct ks_head *h = &w->head.h;

	if (ks_offload_partial(w->packet) || ks_get16(h->bytes + h->at + 6) != 0)
		return KS_XLAT_PASSED;
	if (w->x->settings->udp_zero == KS_UDP_ZERO_FORWARD)
		return KS_XLAT_PASSED;
	if (h->fragment)
		return KS_XLAT_ZERO_UDP_FRAGMENT;
	return w->x->settings->udp_zero == KS_UDP_ZERO_COMPUTE ? KS_XLAT_PASSED : KS_XLAT_ZERO_UDP;
}

static enum ks_xlat_drop check_transport(const struct way *w)
{
	const struct ks_head *h = &w->head.h;

	if (!ks_head_first(h))
		return KS_XLAT_PASSED;
	switch (h->protocol) {
	case KS_PROTO_TCP:
		return ks_head_checksum(h) != 0 ? KS_XLAT_PASSED : KS_XLAT_SHORT;
	case KS_PROTO_UDP:
		return ks_head_checksum(h) != 0 ? check_udp(w) : KS_XLAT_SHORT;
	case KS_PROTO_ICMP4:
		if (h->have < KS_HEAD_ICMP)
			return KS_XLAT_SHORT;
		return w->error || h->bytes[h->at] == 8 || h->bytes[h->at] == 0 ? KS_XLAT_PASSED : KS_XLAT_ICMP_TYPE;
	default:
		return KS_XLAT_PASSED;
	}
}

/* Echo: 8 and 0 become 128 and 129, and the checksum takes in a pseudo-header. */
static void change_echo(const struct way *w, uint8_t *icmp)
{
	uint64_t was = ks_sum_field(icmp);

	icmp[0] = icmp[0] == 8 ? 128 : 129;
	ks_checksum_adjust(icmp + 2, ks_sum_field(icmp) + ks_sum_minus(was) +
			   ks_pseudo6_sum(ks_new6_sum(&w->new), w->new.payload, KS_PROTO_ICMP6));
}

/* What a computed checksum covers is UDP's by its own length (RFC 8200, section 8.1), not what stands behind that. */
static size_t udp_length(const struct way *w, const uint8_t *udp)
{
	size_t len = ks_get16(udp + 4);

	return len >= KS_HEAD_UDP && len < w->new.payload ? len : w->new.payload;
}

static void change_udp(const struct way *w, uint8_t *udp, uint64_t delta)
{
	size_t len = udp_length(w, udp);

	if (ks_get16(udp + 6) != 0)
		ks_checksum_adjust(udp + 6, delta);
	else if (w->x->settings->udp_zero == KS_UDP_ZERO_COMPUTE)
		ks_checksum_store(udp + 6, ks_pseudo6_sum(ks_new6_sum(&w->new), len, KS_PROTO_UDP) +
					   ks_sum_bytes(udp, len));
	else
		return;
	if (ks_get16(udp + 6) == 0)
		ks_put16(udp + 6, 0xffff);
}

static void change_transport(const struct way *w)
{
	const struct ks_head *h = &w->head.h;
	uint8_t *transport = w->packet->data + h->at;
	size_t field = ks_head_checksum(h);
	uint64_t delta = ks_new6_sum(&w->new) + ks_sum_minus(ks_head4_sum(&w->head));

	if (!ks_head_first(h))
		return;
	if (h->protocol == KS_PROTO_ICMP4)
		change_echo(w, transport);
	else if (field == 0)
		return;
	else if (ks_offload_partial(w->packet))
		ks_sum_store(transport + field, ks_sum_field(transport + field) + delta);
	else if (h->protocol == KS_PROTO_UDP)
		change_udp(w, transport, delta);
	else
		ks_checksum_adjust(transport + field, delta);
}

/* --- sizes ----------------------------------------------------------------------------------------------- */

/* One that is too long for the way on and may be cut: RFC 7915, section 4, and the text on lowest-ipv6-mtu in 4.1. */
static size_t cut_to(const struct way *w)
{
	const struct ks_xlat_settings *s = w->x->settings;

	return s->lowest_ipv6_mtu < s->mtu6 ? s->lowest_ipv6_mtu : s->mtu6;
}

static void write_whole(struct way *w)
{
	struct ks_packet *p = w->packet;
	ptrdiff_t longer = (ptrdiff_t)ks_new6_size(&w->new) - (ptrdiff_t)w->head.h.at;

	change_transport(w);
	p->data -= longer;
	p->len = (size_t)((ptrdiff_t)p->len + longer);
	ks_new6_write(&w->new, p->data);
	ks_offload_moved(p, longer, true);
	ks_xlat_send(w->x, p, KS_XLAT_46, w->slots);
}

static enum ks_xlat_drop write_segments(struct way *w)
{
	struct ks_packet segment;
	enum ks_xlat_drop why = KS_XLAT_PASSED;

	for (unsigned i = 0; why == KS_XLAT_PASSED &&
	     ks_offload_segment(w->x, w->packet, &w->head.h, i, &segment); i++)
		why = ks_xlat46(w->x, &segment, w->pass);
	return why;
}

static enum ks_xlat_drop write_fragments(struct way *w)
{
	ks_offload_finish(w->packet);
	change_transport(w);
	return ks_fragment6(w->x, w->packet, w->head.h.at, &w->new, cut_to(w), w->slots, w->pass);
}

static enum ks_xlat_drop write_packet(struct way *w)
{
	size_t size = ks_new6_size(&w->new) + ks_offload_unit(w->packet, &w->head.h);

	if (w->head.df && size > w->x->settings->mtu6)
		return KS_XLAT_TOO_BIG4;
	if (!w->head.df && size > cut_to(w)) {
		if (!ks_offload_large(w->packet))
			return write_fragments(w);
		if (!ks_offload_tcp(w->packet))
			return write_segments(w);
		ks_offload_shrink(w->packet, cut_to(w) - KS_HEAD6);
	}
	write_whole(w);
	return KS_XLAT_PASSED;
}

static enum ks_xlat_drop translate(struct way *w)
{
	enum ks_xlat_drop why = admit(w);

	if (why == KS_XLAT_PASSED)
		why = map_addresses(w);
	if (why == KS_XLAT_PASSED)
		why = check_transport(w);
	if (why != KS_XLAT_PASSED)
		return why;
	make_head(w);
	return w->error ? ks_quote46(w->x, &w->head, &w->new, w->renamed, w->slots, w->pass) : write_packet(w);
}

enum ks_xlat_drop ks_xlat46(struct ks_xlat *x, struct ks_packet *packet, unsigned pass)
{
	struct way w = { .x = x, .packet = packet, .slots = { KS_SLOT_NONE, KS_SLOT_NONE }, .pass = pass };
	enum ks_xlat_drop why = ks_head4_read(&w.head, packet->data, packet->len, false);

	if (why != KS_XLAT_PASSED)
		return why;
	packet->len = w.head.h.at + w.head.h.payload;
	if (!ks_offload_sound(packet, &w.head.h))
		return KS_XLAT_OFFLOAD;
	ks_offload_settle(packet, &w.head.h);
	w.error = ks_head_icmp4_error(&w.head.h);
	why = translate(&w);
	if (why == KS_XLAT_OWN)
		return ks_answer_echo4(x, packet, &w.head);
	if (why != KS_XLAT_PASSED)
		ks_answer_drop4(x, packet, &w.head, why);
	return why;
}
