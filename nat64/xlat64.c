/* SPDX-License-Identifier: Apache-2.0
 *
 * IPv6 to IPv4: RFC 7915, section 5.
 */
#include "nat64/bytes.h"
#include "nat64/xlat_private.h"

#define DF_ABOVE 1260		/* so long may be all that IPv6 guarantees: RFC 7915, section 5.1 */

struct way {
	struct ks_xlat *x;
	struct ks_packet *packet;
	struct ks_head6 head;
	struct ks_new4 new;
	struct ks_slots slots;
	bool error, renamed;
	bool by_prefix;			/* the destination's IPv4 address was in it (RFC 6052) */
};

static enum ks_xlat_drop admit(const struct way *w)
{
	const struct ks_head6 *head = &w->head;

	if (ks_illegal_source6(&head->src))
		return KS_XLAT_ILLEGAL_SRC;
	if (ks_untranslatable_destination6(&head->dst))
		return KS_XLAT_MULTICAST;
	if (IN6_ARE_ADDR_EQUAL(&head->dst, &w->x->settings->source6))
		return KS_XLAT_OWN;
	if (head->h.ttl <= 1)
		return KS_XLAT_TTL6;
	return KS_XLAT_PASSED;
}

/* What IPv4 cannot have. */
static enum ks_xlat_drop check_kind(const struct way *w)
{
	const struct ks_head6 *head = &w->head;

	if (head->routing_at != 0)
		return KS_XLAT_SEGMENTS_LEFT;
	if (head->extension_behind_fragment)
		return KS_XLAT_EXT_AFTER_FRAG;
	if (ks_only_of_ipv4(head->h.protocol))
		return KS_XLAT_PROTOCOL;
	if (head->h.protocol == KS_PROTO_ICMP6 && ks_head_part(&head->h))
		return KS_XLAT_ICMP_FRAGMENT;
	return KS_XLAT_PASSED;
}

/* RFC 6791: an error's source that has no IPv4 address gets one that speaks for it. */
static enum ks_xlat_drop rename_source(struct way *w)
{
	const struct ks_xlat_settings *s = w->x->settings;
	const struct ks_pool4 *pool;
	uint32_t host;

	w->renamed = true;
	w->slots.src = KS_SLOT_NONE;
	if (s->n_pool4 == 0) {
		w->new.src = s->source4;
		return s->source4 == 0 ? KS_XLAT_NO_MAP_SRC6 : KS_XLAT_PASSED;
	}
	pool = &s->pool4[ks_xlat_random(w->x) % s->n_pool4];
	host = pool->length >= 32 ? 0 : 0xffffffffU >> pool->length;
	w->new.src = (pool->address & ~host) | (ks_xlat_random(w->x) & host);
	if (host == 0)
		w->new.src = pool->address;
	return KS_XLAT_PASSED;
}

static enum ks_xlat_drop map_addresses(struct way *w)
{
	enum ks_mapped mapped;

	mapped = ks_table_to4(w->x->table, &w->head.dst, &w->new.dst, &w->slots.dst);
	w->by_prefix = mapped == KS_MAPPED_PREFIX;
	if (mapped == KS_MAPPED_PRIVATE)
		return KS_XLAT_WELL_KNOWN;
	if (mapped == KS_MAPPED_NOT)
		return KS_XLAT_NO_MAP_DST6;
	mapped = ks_table_to4(w->x->table, &w->head.src, &w->new.src, &w->slots.src);
	ks_xlat_expect_count(w->x, w->slots.src);
	if (mapped == KS_MAPPED_EXPLICIT || mapped == KS_MAPPED_PREFIX)
		return KS_XLAT_PASSED;
	if (w->error)
		return rename_source(w);
	return mapped == KS_MAPPED_PRIVATE ? KS_XLAT_WELL_KNOWN : KS_XLAT_NO_MAP_SRC6;
}

static void make_head(struct way *w)
{
	const struct ks_head *h = &w->head.h;
	int tos = w->x->settings->tos4;

	w->new.payload = h->payload;
	w->new.protocol = h->protocol == KS_PROTO_ICMP6 ? KS_PROTO_ICMP4 : h->protocol;
	w->new.ttl = h->ttl - 1;
	w->new.tos = tos < 0 ? h->tos : (uint8_t)tos;
	w->new.more = h->more;
	w->new.offset = h->offset;
	w->new.id = h->fragment ? h->id & 0xffff : ks_xlat_random(w->x);
	w->new.df = !h->fragment && KS_HEAD4 + ks_offload_unit(w->packet, h) > DF_ABOVE;
}

/* --- transport ------------------------------------------------------------------------------------------- */

static enum ks_xlat_drop check_transport(const struct way *w)
{
	const struct ks_head *h = &w->head.h;
	const uint8_t *transport = h->bytes + h->at;

	if (!ks_head_first(h))
		return KS_XLAT_PASSED;
	switch (h->protocol) {
	case KS_PROTO_TCP:
		return ks_head_checksum(h) != 0 ? KS_XLAT_PASSED : KS_XLAT_SHORT;
	case KS_PROTO_UDP:
		if (ks_head_checksum(h) == 0)
			return KS_XLAT_SHORT;
		/* Allowed in IPv4; in IPv6 only of some tunnels (RFC 6935). */
		return ks_offload_partial(w->packet) || ks_get16(transport + 6) != 0 ||
		       w->x->settings->udp_zero != KS_UDP_ZERO_DROP ? KS_XLAT_PASSED : KS_XLAT_ZERO_UDP;
	case KS_PROTO_ICMP6:
		if (h->have < KS_HEAD_ICMP)
			return KS_XLAT_SHORT;
		return w->error || transport[0] == 128 || transport[0] == 129 ? KS_XLAT_PASSED : KS_XLAT_ICMP_TYPE;
	default:
		return KS_XLAT_PASSED;
	}
}

/* Echo: 128 and 129 become 8 and 0, and the pseudo-header leaves the checksum. */
static void change_echo(const struct way *w, uint8_t *icmp)
{
	uint64_t was = ks_sum_field(icmp) +
		       ks_pseudo6_sum(ks_head6_sum(&w->head), w->head.h.payload, KS_PROTO_ICMP6);

	icmp[0] = icmp[0] == 128 ? 8 : 0;
	ks_checksum_adjust(icmp + 2, ks_sum_field(icmp) + ks_sum_minus(was));
}

static void change_transport(const struct way *w)
{
	const struct ks_head *h = &w->head.h;
	uint8_t *transport = w->packet->data + h->at;
	size_t field = ks_head_checksum(h);
	uint64_t delta = ks_new4_sum(&w->new) + ks_sum_minus(ks_head6_sum(&w->head));

	if (!ks_head_first(h))
		return;
	if (h->protocol == KS_PROTO_ICMP6) {
		change_echo(w, transport);
	} else if (field != 0 && ks_offload_partial(w->packet)) {
		ks_sum_store(transport + field, ks_sum_field(transport + field) + delta);
	} else if (field != 0 && (h->protocol != KS_PROTO_UDP || ks_get16(transport + field) != 0)) {
		ks_checksum_adjust(transport + field, delta);
		if (h->protocol == KS_PROTO_UDP && ks_get16(transport + field) == 0)
			ks_put16(transport + field, 0xffff);
	}
}

/* --- hairpinning: RFC 7757, section 4.2.2 ------------------------------------------------------------------- */

static bool in_mappings(const struct way *w, uint32_t v4)
{
	struct in6_addr v6;
	uint32_t slot;

	return ks_xlat_to6(w->x, v4, true, &v6, &slot) == KS_MAPPED_EXPLICIT;
}

static bool turns_back(const struct way *w)
{
	return w->x->settings->hairpin == KS_HAIRPIN_INTRINSIC && w->by_prefix && in_mappings(w, w->new.dst);
}

/* --- sizes ----------------------------------------------------------------------------------------------- */

static enum ks_xlat_drop write_whole(struct way *w)
{
	struct ks_packet *p = w->packet;
	ptrdiff_t shorter = (ptrdiff_t)w->head.h.at - KS_HEAD4;
	bool back = turns_back(w);

	change_transport(w);
	p->data += shorter;
	p->len = (size_t)((ptrdiff_t)p->len - shorter);
	ks_new4_write(&w->new, p->data);
	ks_offload_moved(p, -shorter, false);
	if (!back) {
		ks_xlat_send(w->x, p, KS_XLAT_64, w->slots);
		return KS_XLAT_PASSED;
	}
	w->x->counts->hairpins++;
	ks_xlat_count_mappings(w->x, p, w->slots);
	return ks_xlat46(w->x, p, 1);
}

static enum ks_xlat_drop write_segments(struct way *w)
{
	struct ks_packet segment;
	enum ks_xlat_drop why = KS_XLAT_PASSED;

	for (unsigned i = 0; why == KS_XLAT_PASSED &&
	     ks_offload_segment(w->x, w->packet, &w->head.h, i, &segment); i++)
		why = ks_xlat64(w->x, &segment);
	return why;
}

static enum ks_xlat_drop write_fragments(struct way *w)
{
	bool back = turns_back(w);

	ks_offload_finish(w->packet);
	change_transport(w);
	w->x->counts->hairpins += back;
	return ks_fragment4(w->x, w->packet, w->head.h.at, &w->new, w->x->settings->mtu4, w->slots, back);
}

static enum ks_xlat_drop write_packet(struct way *w)
{
	size_t mtu4 = w->x->settings->mtu4, unit = ks_offload_unit(w->packet, &w->head.h);

	if (KS_HEAD4 + w->head.h.payload > KS_PACKET_MAX)
		return KS_XLAT_OVERSIZE;
	if (KS_HEAD4 + unit <= mtu4)
		return write_whole(w);
	/* As long as IPv6 guarantees to get through, it has to. */
	if (w->head.h.at + unit > KS_XLAT_MTU6_MIN)
		return KS_XLAT_TOO_BIG6;
	w->new.df = false;
	if (!ks_offload_large(w->packet))
		return write_fragments(w);
	if (!ks_offload_tcp(w->packet))
		return write_segments(w);
	ks_offload_shrink(w->packet, mtu4 - KS_HEAD4);
	return write_whole(w);
}

static enum ks_xlat_drop translate(struct way *w)
{
	enum ks_xlat_drop why = admit(w);

	if (why == KS_XLAT_PASSED)
		why = map_addresses(w);
	if (why == KS_XLAT_PASSED)
		why = check_kind(w);
	if (why == KS_XLAT_PASSED)
		why = check_transport(w);
	if (why != KS_XLAT_PASSED)
		return why;
	make_head(w);
	return w->error ? ks_quote64(w->x, &w->head, &w->new, w->renamed, w->slots) : write_packet(w);
}

enum ks_xlat_drop ks_xlat64(struct ks_xlat *x, struct ks_packet *packet)
{
	struct way w = { .x = x, .packet = packet, .slots = { KS_SLOT_NONE, KS_SLOT_NONE } };
	enum ks_xlat_drop why = ks_head6_read(&w.head, packet->data, packet->len, false);

	if (why != KS_XLAT_PASSED)
		return why;
	packet->len = w.head.h.at + w.head.h.payload;
	if (!ks_offload_sound(packet, &w.head.h))
		return KS_XLAT_OFFLOAD;
	ks_offload_settle(packet, &w.head.h);
	w.error = ks_head_icmp6_error(&w.head.h);
	why = translate(&w);
	if (why == KS_XLAT_NO_MAP_DST6 || why == KS_XLAT_NO_MAP_SRC6)
		why = ks_xlat66(x, packet, &w.head, why);
	if (why == KS_XLAT_OWN)
		return ks_answer_echo6(x, packet, &w.head);
	if (why != KS_XLAT_PASSED)
		ks_answer_drop6(x, packet, &w.head, why);
	return why;
}
