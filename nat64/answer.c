/* SPDX-License-Identifier: Apache-2.0
 *
 * ICMP of the translator's own: errors about what it drops (RFC 7915, sections 4.4 and 5.4), and answers to those who ask
 * whether it is there. Who may be told of an error: RFC 1122, section 3.2.2, and RFC 4443, section 2.4 (e).
 */
#include "nat64/bytes.h"
#include "nat64/xlat_private.h"

#define GROWS (KS_HEAD6 - KS_HEAD4)
#define QUOTED_MIN 8		/* behind the header, or nobody knows whose it is (RFC 792); there is no DF */

struct error {
	uint8_t type, code;
	uint32_t rest;
};

static bool rate_allows(struct ks_xlat *x, unsigned family)
{
	const struct ks_xlat_settings *s = x->settings;

	if (ks_bucket_take(&x->errors, x->now_us, s->error_each_us, s->error_burst))
		return true;
	x->counts->suppressed[family]++;
	return false;
}

/* A copy of the packet, or of the first that a large one stands for, summed; at most max bytes. */
static size_t quote(struct ks_xlat *x, const struct ks_packet *packet, const struct ks_head *head, uint8_t *to,
		    size_t max)
{
	struct ks_packet first = { .data = ks_xlat_scratch(x, KS_SCRATCH_SEGMENT), .offload = packet->offload };
	bool v4 = packet->data[0] >> 4 == 4;
	size_t len;

	if (!ks_offload_partial(packet)) {
		len = packet->len < max ? packet->len : max;
		memcpy(to, packet->data, len);
		return len;
	}
	first.len = head->at + ks_offload_unit(packet, head);
	memcpy(first.data, packet->data, first.len);
	if (first.len != packet->len) {
		uint8_t *field = first.data + packet->offload.csum_start + packet->offload.csum_offset;

		ks_sum_store(field, ks_sum_field(field) + ks_sum_minus(ks_sum16((uint32_t)(packet->len - head->at))) +
				    ks_sum16((uint32_t)(first.len - head->at)));
		ks_put16(first.data + (v4 ? 2 : 4), (uint32_t)(v4 ? first.len : first.len - KS_HEAD6));
		if (head->protocol == KS_PROTO_UDP)
			ks_put16(first.data + head->at + 4, (uint32_t)(first.len - head->at));
	}
	if (v4) {
		ks_put16(first.data + 10, 0);
		ks_checksum_store(first.data + 10, ks_sum_bytes(first.data, (first.data[0] & 15) * 4));
	}
	ks_offload_finish(&first);
	len = first.len < max ? first.len : max;
	memcpy(to, first.data, len);
	return len;
}

static void emit(struct ks_xlat *x, uint8_t *data, size_t len)
{
	x->emit(x->ctx, &(struct ks_packet){ .data = data, .len = len }, false);
}

/* --- IPv4 ----------------------------------------------------------------------------------------------- */

static uint32_t mtu_told4(const struct ks_xlat_settings *s, const struct ks_head4 *head)
{
	uint32_t mtu = s->mtu6 - GROWS;

	/* A fragment gets a Fragment header too, so one that is just short enough for what others may send is not. */
	return head->h.fragment && head->h.at + head->h.payload <= mtu ? mtu - KS_HEAD_FRAGMENT : mtu;
}

static bool error_for4(const struct ks_xlat_settings *s, const struct ks_head4 *head, enum ks_xlat_drop why,
		       struct error *error)
{
	switch (why) {
	case KS_XLAT_TTL4:
		*error = (struct error){ 11, 0, 0 };
		return true;
	case KS_XLAT_NO_MAP_DST4:
		*error = (struct error){ 3, 1, 0 };
		return true;
	case KS_XLAT_SOURCE_ROUTE:
		*error = (struct error){ 3, 5, 0 };
		return true;
	case KS_XLAT_TOO_BIG4:
		*error = (struct error){ 3, 4, mtu_told4(s, head) };
		return true;
	case KS_XLAT_NO_MAP_SRC4:
	case KS_XLAT_ZERO_UDP:
	case KS_XLAT_ZERO_UDP_FRAGMENT:
	case KS_XLAT_FRAGMENTS:
		*error = (struct error){ 3, 13, 0 };
		return true;
	default:
		return false;
	}
}

static bool may_tell4(const struct ks_xlat_settings *s, const struct ks_head4 *head)
{
	return s->icmp_errors && s->source4 != 0 && ks_head_first(&head->h) && !ks_illegal_source4(head->src) &&
	       !ks_untranslatable_destination4(head->dst) && !ks_head_icmp4_error(&head->h) &&
	       head->src != s->source4;
}

void ks_answer_drop4(struct ks_xlat *x, const struct ks_packet *packet, const struct ks_head4 *head,
		     enum ks_xlat_drop why)
{
	uint8_t *out = ks_xlat_scratch(x, KS_SCRATCH_ANSWER), *icmp = out + KS_HEAD4;
	struct ks_new4 new = { .src = x->settings->source4, .dst = head->src, .protocol = KS_PROTO_ICMP4,
			       .ttl = KS_XLAT_TTL };
	struct error error;
	size_t max = x->settings->mtu4 < KS_ICMP4_QUOTE_MAX ? x->settings->mtu4 : KS_ICMP4_QUOTE_MAX;
	size_t least = KS_HEAD4 + KS_HEAD_ICMP + head->h.at + QUOTED_MIN;

	if (!error_for4(x->settings, head, why, &error) || !may_tell4(x->settings, head) || !rate_allows(x, 0))
		return;
	max = max < least ? least : max;
	new.id = ks_xlat_random(x);
	new.payload = KS_HEAD_ICMP + quote(x, packet, &head->h, icmp + KS_HEAD_ICMP, max - KS_HEAD4 - KS_HEAD_ICMP);
	icmp[0] = error.type;
	icmp[1] = error.code;
	ks_put16(icmp + 2, 0);
	ks_put32(icmp + 4, error.rest);
	ks_checksum_store(icmp + 2, ks_sum_bytes(icmp, new.payload));
	ks_new4_write(&new, out);
	x->counts->errors[0][error.type]++;
	emit(x, out, KS_HEAD4 + new.payload);
}

enum ks_xlat_drop ks_answer_echo4(struct ks_xlat *x, const struct ks_packet *packet, const struct ks_head4 *head)
{
	const struct ks_head *h = &head->h;
	uint8_t *out = ks_xlat_scratch(x, KS_SCRATCH_ANSWER), *icmp = out + KS_HEAD4;
	const uint8_t *request = packet->data + h->at;
	struct ks_new4 new = { .src = head->dst, .dst = head->src, .payload = h->payload, .protocol = KS_PROTO_ICMP4,
			       .ttl = KS_XLAT_TTL, .tos = h->tos, .df = head->df };

	if (h->protocol != KS_PROTO_ICMP4 || h->fragment || h->have < KS_HEAD_ICMP || request[0] != 8 ||
	    ks_illegal_source4(head->src) || ks_sum_fold(ks_sum_bytes(request, h->have)) != 0xffff)
		return KS_XLAT_OWN;
	new.id = ks_xlat_random(x);
	memcpy(icmp, request, h->payload);
	icmp[0] = 0;
	ks_put16(icmp + 2, 0);
	ks_checksum_store(icmp + 2, ks_sum_bytes(icmp, h->payload));
	ks_new4_write(&new, out);
	x->counts->echoes[0]++;
	emit(x, out, KS_HEAD4 + new.payload);
	return KS_XLAT_PASSED;
}

/* --- IPv6 ----------------------------------------------------------------------------------------------- */

static bool error_for6(const struct ks_xlat_settings *s, const struct ks_head6 *head, enum ks_xlat_drop why,
		       struct error *error)
{
	uint32_t mtu = s->mtu4 + GROWS;

	switch (why) {
	case KS_XLAT_TTL6:
		*error = (struct error){ 3, 0, 0 };
		return true;
	case KS_XLAT_NO_MAP_DST6:
		*error = (struct error){ 1, 0, 0 };
		return true;
	case KS_XLAT_SEGMENTS_LEFT:
		*error = (struct error){ 4, 0, (uint32_t)head->routing_at };
		return true;
	case KS_XLAT_TOO_BIG6:
		*error = (struct error){ 2, 0, mtu < KS_XLAT_MTU6_MIN ? KS_XLAT_MTU6_MIN : mtu };
		return true;
	case KS_XLAT_TOO_BIG66:
		*error = (struct error){ 2, 0, s->mtu6 };
		return true;
	case KS_XLAT_NO_MAP_SRC6:
	case KS_XLAT_EXT_AFTER_FRAG:
	case KS_XLAT_ZERO_UDP:
	case KS_XLAT_FRAGMENTS:
		*error = (struct error){ 1, 1, 0 };
		return true;
	default:
		return false;
	}
}

static bool may_tell6(const struct ks_xlat_settings *s, const struct ks_head6 *head, enum ks_xlat_drop why)
{
	/* Of extension headers behind a later fragment's header nothing can be known. */
	bool first = ks_head_first(&head->h) || why == KS_XLAT_EXT_AFTER_FRAG || why == KS_XLAT_TOO_BIG6;

	return s->icmp_errors && !IN6_IS_ADDR_UNSPECIFIED(&s->source6) && first && !ks_illegal_source6(&head->src) &&
	       !ks_untranslatable_destination6(&head->dst) && !ks_head_icmp6_error(&head->h) &&
	       !IN6_ARE_ADDR_EQUAL(&head->src, &s->source6);
}

void ks_answer_drop6(struct ks_xlat *x, const struct ks_packet *packet, const struct ks_head6 *head,
		     enum ks_xlat_drop why)
{
	uint8_t *out = ks_xlat_scratch(x, KS_SCRATCH_ANSWER), *icmp = out + KS_HEAD6;
	struct ks_new6 new = { .src = x->settings->source6, .dst = head->src, .protocol = KS_PROTO_ICMP6,
			       .ttl = KS_XLAT_TTL };
	struct error error;

	if (!error_for6(x->settings, head, why, &error) || !may_tell6(x->settings, head, why) || !rate_allows(x, 1))
		return;
	new.payload = KS_HEAD_ICMP + quote(x, packet, &head->h, icmp + KS_HEAD_ICMP,
					   KS_ICMP6_QUOTE_MAX - KS_HEAD6 - KS_HEAD_ICMP);
	icmp[0] = error.type;
	icmp[1] = error.code;
	ks_put16(icmp + 2, 0);
	ks_put32(icmp + 4, error.rest);
	ks_checksum_store(icmp + 2, ks_pseudo6_sum(ks_new6_sum(&new), new.payload, KS_PROTO_ICMP6) +
				    ks_sum_bytes(icmp, new.payload));
	ks_new6_write(&new, out);
	x->counts->errors[1][error.type]++;
	emit(x, out, KS_HEAD6 + new.payload);
}

enum ks_xlat_drop ks_answer_echo6(struct ks_xlat *x, const struct ks_packet *packet, const struct ks_head6 *head)
{
	const struct ks_head *h = &head->h;
	uint8_t *out = ks_xlat_scratch(x, KS_SCRATCH_ANSWER), *icmp = out + KS_HEAD6;
	const uint8_t *request = packet->data + h->at;
	struct ks_new6 new = { .src = head->dst, .dst = head->src, .payload = h->payload, .protocol = KS_PROTO_ICMP6,
			       .ttl = KS_XLAT_TTL, .tos = h->tos };
	uint64_t pseudo = ks_pseudo6_sum(ks_head6_sum(head), h->payload, KS_PROTO_ICMP6);

	if (h->protocol != KS_PROTO_ICMP6 || ks_head_part(h) || h->have < KS_HEAD_ICMP || request[0] != 128 ||
	    ks_sum_fold(pseudo + ks_sum_bytes(request, h->have)) != 0xffff)
		return KS_XLAT_OWN;
	memcpy(icmp, request, h->payload);
	icmp[0] = 129;
	ks_put16(icmp + 2, 0);
	ks_checksum_store(icmp + 2, pseudo + ks_sum_bytes(icmp, h->payload));
	ks_new6_write(&new, out);
	x->counts->echoes[1]++;
	emit(x, out, KS_HEAD6 + new.payload);
	return KS_XLAT_PASSED;
}
