/* SPDX-License-Identifier: Apache-2.0
 *
 * IPv6 to IPv6, one address for one: map66-static of map646. As a router does (RFC 8200), with the other address in the
 * header and in what ICMP errors quote; the checksums follow, as in RFC 6296 where they do not need to.
 */
#include "nat64/bytes.h"
#include "nat64/xlat_private.h"

#define SRC_AT 8
#define DST_AT 24

struct way {
	struct ks_xlat *x;
	struct ks_packet *packet;
	const struct ks_head6 *head;
	struct ks_slots slots;
	struct in6_addr address;	/* the new one … */
	size_t at;			/* … of this field */
};

static bool map_address(struct way *w)
{
	const struct ks_head6 *head = w->head;

	w->at = DST_AT;
	if (ks_table_to_intra(w->x->table, &head->dst, &w->address, &w->slots.dst))
		return true;
	w->slots.dst = KS_SLOT_NONE;
	w->at = SRC_AT;
	return ks_table_to_global(w->x->table, &head->src, &w->address, &w->slots.src);
}

/* Replaces the address, and adds to *delta what that changes in a sum. */
static void replace(uint8_t *field, const struct in6_addr *address, uint64_t *delta)
{
	*delta += ks_sum_address6(address->s6_addr) + ks_sum_minus(ks_sum_address6(field));
	memcpy(field, address, sizeof(*address));
}

static void adjust_transport(uint8_t *transport, const struct ks_head *h, size_t field, uint64_t delta)
{
	if (h->protocol == KS_PROTO_UDP && ks_get16(transport + field) == 0)
		return;
	ks_checksum_adjust(transport + field, delta);
	if (h->protocol == KS_PROTO_UDP && ks_get16(transport + field) == 0)
		ks_put16(transport + field, 0xffff);
}

static size_t checksum_field(const struct ks_head *h)
{
	if (h->protocol == KS_PROTO_ICMP6 && ks_head_first(h) && h->have >= 4)
		return 2;
	return ks_head_checksum(h);
}

/* What an error quotes went the other way: the same address stands in its other field. Then the error is summed anew. */
static enum ks_xlat_drop change_error(const struct way *w)
{
	const struct ks_head *h = &w->head->h;
	uint8_t *icmp = w->packet->data + h->at, *quoted = icmp + KS_HEAD_ICMP, *address;
	struct ks_head6 q;
	uint64_t delta = 0;

	if (h->have < KS_HEAD_ICMP + KS_HEAD6 ||
	    ks_head6_read(&q, quoted, h->have - KS_HEAD_ICMP, true) != KS_XLAT_PASSED)
		return KS_XLAT_ICMP_INNER;
	if (ks_head_icmp6_error(&q.h))
		return KS_XLAT_ICMP_DOUBLE;
	address = quoted + (w->at == DST_AT ? SRC_AT : DST_AT);
	if (memcmp(address, w->packet->data + w->at, sizeof(w->address)) == 0) {
		replace(address, &w->address, &delta);
		if (checksum_field(&q.h) != 0)
			adjust_transport(quoted + q.h.at, &q.h, checksum_field(&q.h), delta);
	}
	return KS_XLAT_PASSED;
}

static void sum_error(const struct way *w)
{
	const struct ks_head *h = &w->head->h;
	uint8_t *icmp = w->packet->data + h->at;

	ks_put16(icmp + 2, 0);
	ks_checksum_store(icmp + 2, ks_pseudo6_sum(ks_sum_address6(w->packet->data + SRC_AT) +
						   ks_sum_address6(w->packet->data + DST_AT), h->payload,
						   KS_PROTO_ICMP6) +
				    ks_sum_bytes(icmp, h->payload));
}

static bool error_sound(const struct way *w)
{
	const struct ks_head *h = &w->head->h;

	return ks_sum_fold(ks_pseudo6_sum(ks_head6_sum(w->head), h->payload, KS_PROTO_ICMP6) +
			   ks_sum_bytes(w->packet->data + h->at, h->have)) == 0xffff;
}

static enum ks_xlat_drop check(const struct way *w, bool error)
{
	const struct ks_head *h = &w->head->h;

	if (h->at + ks_offload_unit(w->packet, h) > w->x->settings->mtu6)
		return KS_XLAT_TOO_BIG66;
	if (error && ks_head_part(h))
		return KS_XLAT_ICMP_FRAGMENT;
	if (error && !error_sound(w))
		return KS_XLAT_ICMP_CHECKSUM;
	if (ks_head_first(h) && (h->protocol == KS_PROTO_TCP || h->protocol == KS_PROTO_UDP) && ks_head_checksum(h) == 0)
		return KS_XLAT_SHORT;
	return KS_XLAT_PASSED;
}

static void change(const struct way *w, bool error)
{
	const struct ks_head *h = &w->head->h;
	size_t field = checksum_field(h);
	uint8_t *data = w->packet->data, *transport = data + h->at;
	uint64_t delta = 0;

	data[7]--;
	replace(data + w->at, &w->address, &delta);
	if (error)
		sum_error(w);
	else if (field != 0 && ks_offload_partial(w->packet))
		ks_sum_store(transport + field, ks_sum_field(transport + field) + delta);
	else if (field != 0)
		adjust_transport(transport, h, field, delta);
}

enum ks_xlat_drop ks_xlat66(struct ks_xlat *x, struct ks_packet *packet, const struct ks_head6 *head,
			    enum ks_xlat_drop why)
{
	struct way w = { .x = x, .packet = packet, .head = head, .slots = { KS_SLOT_NONE, KS_SLOT_NONE } };
	bool error = ks_head_icmp6_error(&head->h);

	if (!map_address(&w))
		return why;
	why = check(&w, error);
	if (why == KS_XLAT_PASSED && error)
		why = change_error(&w);
	if (why != KS_XLAT_PASSED)
		return why;
	change(&w, error);
	ks_xlat_send(x, packet, KS_XLAT_66, w.slots);
	return KS_XLAT_PASSED;
}
