/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "nat64/xlat_private.h"

/* The pieces of the data that go into packets of at most mtu bytes with `heads` bytes of headers each. */
struct pieces {
	size_t at, size;		/* the present one, from the start of the data */
	size_t len, each;
};

static bool pieces_begin(struct pieces *pieces, size_t len, size_t mtu, size_t heads)
{
	if (mtu < heads + 8)
		return false;
	*pieces = (struct pieces){ .len = len, .each = (mtu - heads) & ~(size_t)7 };
	return len / pieces->each < KS_XLAT_FRAGMENTS_MAX;
}

static bool pieces_next(struct pieces *pieces)
{
	pieces->at += pieces->size;
	pieces->size = pieces->len - pieces->at < pieces->each ? pieces->len - pieces->at : pieces->each;
	return pieces->size > 0;
}

static bool last(const struct pieces *pieces)
{
	return pieces->at + pieces->size == pieces->len;
}

enum ks_xlat_drop ks_fragment6(struct ks_xlat *x, const struct ks_packet *packet, size_t at, struct ks_new6 *head,
			       size_t mtu, struct ks_slots slots, unsigned pass)
{
	uint8_t *out = ks_xlat_scratch(x, pass > 0 ? KS_SCRATCH_SECOND_PASS : KS_SCRATCH_PASS);
	uint32_t offset = head->offset;
	bool more = head->more;
	struct pieces pieces;
	size_t heads;

	head->fragment = true;
	heads = ks_new6_size(head);
	if (!pieces_begin(&pieces, head->payload, mtu, heads))
		return KS_XLAT_FRAGMENTS;
	while (pieces_next(&pieces)) {
		head->payload = pieces.size;
		head->offset = offset + (uint32_t)pieces.at;
		head->more = more || !last(&pieces);
		ks_new6_write(head, out);
		memcpy(out + heads, packet->data + at + pieces.at, pieces.size);
		x->counts->fragments[1]++;
		ks_xlat_send(x, &(struct ks_packet){ .data = out, .len = heads + pieces.size }, KS_XLAT_46, slots);
	}
	return KS_XLAT_PASSED;
}

enum ks_xlat_drop ks_fragment4(struct ks_xlat *x, const struct ks_packet *packet, size_t at, struct ks_new4 *head,
			       size_t mtu, struct ks_slots slots, bool turn_back)
{
	uint8_t *out = ks_xlat_scratch(x, KS_SCRATCH_PASS);
	uint32_t offset = head->offset;
	bool more = head->more;
	enum ks_xlat_drop why = KS_XLAT_PASSED;
	struct pieces pieces;

	if (!pieces_begin(&pieces, head->payload, mtu, KS_HEAD4))
		return KS_XLAT_FRAGMENTS;
	head->df = false;
	while (pieces_next(&pieces)) {
		struct ks_packet piece = { .data = out, .len = KS_HEAD4 + pieces.size };

		head->payload = pieces.size;
		head->offset = offset + (uint32_t)pieces.at;
		head->more = more || !last(&pieces);
		ks_new4_write(head, out);
		memcpy(out + KS_HEAD4, packet->data + at + pieces.at, pieces.size);
		x->counts->fragments[0]++;
		if (!turn_back)
			ks_xlat_send(x, &piece, KS_XLAT_64, slots);
		else if (why == KS_XLAT_PASSED)
			why = ks_xlat46(x, &piece, 1);
	}
	return why;
}
