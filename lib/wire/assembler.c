/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/assembler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/wire/assembler_private.h"

_Static_assert(KS_GIVERS_SEVERAL < 16, "a bit for each");

int ks_assembler_new(struct ks_assembler **assembler, struct ks_fec *fec)
{
	*assembler = calloc(1, sizeof(**assembler));
	if (*assembler == NULL)
		return -ENOMEM;
	(*assembler)->fec = fec;
	ks_tracks_init(*assembler);
	return KS_EOK;
}

void ks_assembler_free(struct ks_assembler *assembler)
{
	if (assembler == NULL)
		return;
	for (size_t i = 0; i < assembler->n_used; i++)
		free(assembler->used[i]->room);
	for (size_t i = 0; i < assembler->n_spares; i++)
		free(assembler->spares[i].bytes);
	free(assembler);
}

const struct ks_assembler_counts *ks_assembler_counts(const struct ks_assembler *assembler)
{
	return &assembler->counts;
}

size_t ks_assembler_memory(const struct ks_assembler *assembler)
{
	return sizeof(*assembler) + assembler->bytes;
}

size_t ks_assembler_used(const struct ks_assembler *assembler)
{
	return assembler->n_used;
}

struct ks_assembly *ks_assembler_at(struct ks_assembler *assembler, size_t i)
{
	return assembler->used[i];
}

struct ks_assembly *ks_assembly_siblings(const struct ks_assembly *assembly)
{
	return assembly->track->assemblies;
}

size_t ks_assembly_here(const struct ks_assembly *assembly, size_t block)
{
	return ks_room_blocks(assembly)[block].n;
}

bool ks_assembler_may_stop(struct ks_assembler *assembler, uint32_t name, uint8_t source, unsigned giver,
			   int64_t now_us, int64_t pause_us)
{
	struct ks_track *track = ks_track_find(assembler, name, source);

	if (track == NULL || now_us < track->stop_us[giver])
		return false;
	track->stop_us[giver] = now_us + pause_us;
	return true;
}

/* --- finding the object ------------------------------------------------------------------------- */

static bool same_layout(const struct ks_layout *a, const struct ks_layout *b)
{
	return a->object_len == b->object_len && a->shard_len == b->shard_len && a->nblocks == b->nblocks;
}

/* The object's assembly for shards of this layout from this giver; *drop says why none may be begun either. */
static struct ks_assembly *find(const struct ks_track *track, unsigned giver, struct ks_frame_id id,
				const struct ks_layout *layout, bool apart, enum ks_drop *drop)
{
	unsigned n = 0;

	*drop = KS_DROP_NONE;
	for (struct ks_assembly *a = track->assemblies; a != NULL; a = a->next) {
		bool part = (a->givers & ks_giver_bit(giver)) != 0;

		if (ks_frame_id_cmp(ks_assembly_id(a), id) != 0)
			continue;
		if (same_layout(&a->layout, layout) && (a->begun_by == giver || !(apart || a->apart)))
			return a;
		if (part && a->layout.shard_len == layout->shard_len && !same_layout(&a->layout, layout))
			*drop = KS_DROP_CONFLICT;
		n += part || a->begun_by == giver;
	}
	if (*drop == KS_DROP_NONE && n >= KS_SIZES_MAX)
		*drop = KS_DROP_LIMIT;
	return NULL;
}

static enum ks_drop find_or_begin(struct ks_assembler *assembler, unsigned giver, const struct ks_data_header *header,
				  const struct ks_layout *layout, int64_t now_us, struct ks_assembly **out)
{
	struct ks_frame_id id = { header->epoch, header->seq };
	struct ks_track *track = ks_track_find(assembler, header->track, header->source);
	bool apart = track != NULL && now_us < track->apart_until_us;
	enum ks_drop drop;

	if (track != NULL && now_us < track->distrusted_us[giver])
		return KS_DROP_DISTRUST;
	if (track != NULL && track->accepted && ks_frame_id_cmp(id, track->last) <= 0)
		return ks_frame_id_cmp(id, track->last) == 0 ? KS_DROP_SURPLUS : KS_DROP_LATE;
	if (track != NULL) {
		ks_track_use(assembler, track, giver);
		*out = find(track, giver, id, layout, apart, &drop);
		if (*out != NULL || drop != KS_DROP_NONE)
			return drop;
	}
	track = ks_track_get(assembler, header->track, header->source);
	ks_track_use(assembler, track, giver);
	*out = ks_assembly_begin(assembler, track, giver, header, layout);
	if (*out == NULL)
		return KS_DROP_LIMIT;
	(*out)->apart = apart;
	return KS_DROP_NONE;
}

bool ks_assembly_takes(const struct ks_assembly *assembly, unsigned giver, int64_t now_us)
{
	const struct ks_track *track = assembly->track;

	return now_us >= track->distrusted_us[giver] &&
	       (assembly->begun_by == giver || !(assembly->apart || now_us < track->apart_until_us));
}

/* --- shards ------------------------------------------------------------------------------------- */

static uint8_t *place_of(const struct ks_assembly *assembly, size_t index)
{
	return assembly->room + index * assembly->layout.shard_len;
}

static enum ks_drop take(struct ks_assembly *assembly, unsigned giver, size_t block, uint8_t number,
			 const uint8_t *shard)
{
	struct ks_assembly_block *b = &ks_room_blocks(assembly)[block];
	uint8_t bit = (uint8_t)(1 << number % 8);
	size_t index;

	if ((b->here[number / 8] & bit) != 0)
		return KS_DROP_DUPLICATE;
	if (b->n == ks_layout_k(&assembly->layout, block))
		return KS_DROP_SURPLUS;
	b->here[number / 8] |= bit;
	index = ks_layout_first(&assembly->layout, block) + b->n++;
	ks_room_numbers(assembly)[index] = number;
	ks_room_givers(assembly)[index] = (uint8_t)giver;
	memcpy(place_of(assembly, index), shard, assembly->layout.shard_len);
	assembly->givers |= ks_giver_bit(giver);
	assembly->missing--;
	return KS_DROP_NONE;
}

enum ks_drop ks_assembler_add(struct ks_assembler *assembler, unsigned giver, const struct ks_data_header *header,
			      const uint8_t *shard, size_t len, int64_t now_us, struct ks_assembly **out,
			      bool *first)
{
	struct ks_assembly *assembly;
	struct ks_layout layout;
	enum ks_drop drop = ks_layout_of(&layout, header->object_len, len, header->nblocks);

	*out = NULL;
	*first = false;
	if (drop == KS_DROP_NONE)
		drop = find_or_begin(assembler, giver, header, &layout, now_us, &assembly);
	if (drop != KS_DROP_NONE)
		return drop;
	*first = assembly->end_us[giver] == 0;
	assembly->known_to |= ks_giver_bit(giver);
	if (*first)
		assembly->end_us[giver] = header->spread == KS_SPREAD_UNITS_MAX
			? INT64_MAX : now_us + header->spread * KS_SPREAD_UNIT_US;
	drop = take(assembly, giver, header->block, header->shard, shard);
	if (drop == KS_DROP_NONE && header->hops < assembly->header.hops)
		assembly->header.hops = header->hops;
	*out = assembly;
	return drop;
}

enum ks_drop ks_assembler_name(struct ks_assembler *assembler, unsigned giver, const struct ks_data_header *header,
			       size_t shard_len, int64_t now_us, struct ks_assembly **out)
{
	struct ks_layout layout;
	enum ks_drop drop = ks_layout_of(&layout, header->object_len, shard_len, header->nblocks);

	*out = NULL;
	if (drop == KS_DROP_NONE)
		drop = find_or_begin(assembler, giver, header, &layout, now_us, out);
	if (drop == KS_DROP_NONE)
		(*out)->known_to |= ks_giver_bit(giver);
	return drop;
}

/* --- whole objects ------------------------------------------------------------------------------ */

/* Writes the block's data to its part of `whole`; true when some of it had been lost. */
static bool decode(struct ks_assembler *assembler, const struct ks_assembly *assembly, size_t block)
{
	size_t k = ks_layout_k(&assembly->layout, block), len = assembly->layout.shard_len;
	size_t first = ks_layout_first(&assembly->layout, block);
	const uint8_t *number = ks_room_numbers(assembly) + first;
	uint8_t *whole = assembler->whole + first * len;
	const uint8_t *data[KS_FEC_SHARDS_MAX] = { NULL }, *parity[KS_FEC_SHARDS_MAX];
	uint8_t parity_number[KS_FEC_SHARDS_MAX], *lost[KS_FEC_SHARDS_MAX];
	size_t n_parity = 0, n_lost = 0;

	for (size_t i = 0; i < k; i++) {
		const uint8_t *shard = place_of(assembly, first + i);

		if (number[i] < k) {
			data[number[i]] = memcpy(whole + number[i] * len, shard, len);
		} else {
			parity_number[n_parity] = number[i];
			parity[n_parity++] = shard;
		}
	}
	for (size_t i = 0; i < k; i++)
		if (data[i] == NULL)
			lost[n_lost++] = whole + i * len;
	ks_fec_decode(assembler->fec, k, len, data, parity, parity_number, lost);
	return n_lost > 0;
}

const uint8_t *ks_assembler_decode(struct ks_assembler *assembler, const struct ks_assembly *assembly)
{
	bool repaired = false;

	for (size_t block = 0; block < assembly->layout.nblocks; block++)
		repaired |= decode(assembler, assembly, block);
	assembler->counts.repaired += repaired;
	return assembler->whole;
}

uint32_t ks_assembler_accept(struct ks_assembler *assembler, struct ks_assembly *assembly)
{
	struct ks_track *track = assembly->track;
	struct ks_frame_id id = ks_assembly_id(assembly);
	struct ks_assembly *a, *next;
	uint32_t lost = 0;

	if (track->accepted && track->last.epoch == id.epoch)
		lost = id.seq - track->last.seq - 1;
	ks_track_accept(assembler, track, id);
	assembler->counts.delivered++;
	assembler->counts.lost += lost;
	ks_assembly_release(assembler, assembly);
	for (a = track->assemblies; a != NULL; a = next) {
		int order = ks_frame_id_cmp(ks_assembly_id(a), id);

		next = a->next;
		if (order == 0)
			ks_assembly_release(assembler, a);
		else if (order < 0)
			ks_assembly_abandon(assembler, a);
	}
	return lost;
}

/* --- objects that no source signed ---------------------------------------------------------------- */

static unsigned giver_of(const struct ks_assembly *assembly)
{
	for (unsigned giver = 0; giver <= KS_GIVER_GONE; giver++)
		if (assembly->givers == ks_giver_bit(giver))
			return giver;
	return KS_GIVERS_SEVERAL;
}

/* The shards of one giver of a merged object, by themselves. */
static void copy_part(struct ks_assembler *assembler, const struct ks_assembly *from, unsigned giver)
{
	struct ks_assembly *to = ks_assembly_begin(assembler, from->track, giver, &from->header, &from->layout);
	const uint8_t *numbers = ks_room_numbers(from), *givers = ks_room_givers(from);

	if (to == NULL)
		return;
	to->apart = true;
	to->known_to = ks_giver_bit(giver);
	to->end_us[giver] = from->end_us[giver];
	to->ask_us = from->ask_us;
	for (size_t block = 0; block < from->layout.nblocks; block++) {
		size_t first = ks_layout_first(&from->layout, block), n = ks_assembly_here(from, block);

		for (size_t i = first; i < first + n; i++)
			if (givers[i] == giver)
				take(to, giver, block, numbers[i], place_of(from, i));
	}
}

/* Each giver's part goes on by itself. */
static void split(struct ks_assembler *assembler, struct ks_assembly *assembly)
{
	assembler->pinned = assembly;
	for (unsigned giver = 0; giver < KS_GIVERS_MAX; giver++)
		if ((assembly->givers & ks_giver_bit(giver)) != 0)
			copy_part(assembler, assembly, giver);
	assembler->pinned = NULL;
	ks_assembly_release(assembler, assembly);
}

static struct ks_assembly *find_merged(const struct ks_track *track)
{
	struct ks_assembly *a = track->assemblies;

	while (a != NULL && (a->givers & ~ks_giver_bit(a->begun_by)) == 0)
		a = a->next;
	return a;
}

/* The shards of one giver of a block go, and the others move up. */
static void strip_block(struct ks_assembly *assembly, size_t block, unsigned giver)
{
	struct ks_assembly_block *b = &ks_room_blocks(assembly)[block];
	uint8_t *numbers = ks_room_numbers(assembly), *givers = ks_room_givers(assembly);
	size_t first = ks_layout_first(&assembly->layout, block), end = first + b->n, to = first;

	for (size_t i = first; i < end; i++) {
		if (givers[i] == giver) {
			b->here[numbers[i] / 8] &= (uint8_t)~(1 << numbers[i] % 8);
			continue;
		}
		if (to != i) {
			numbers[to] = numbers[i];
			givers[to] = givers[i];
			memcpy(place_of(assembly, to), place_of(assembly, i), assembly->layout.shard_len);
		}
		to++;
	}
	b->n = (uint8_t)(to - first);
	assembly->missing += end - to;
}

/* An object goes on without what one of its givers gave; it is gone when nobody else knows of it. */
static void strip(struct ks_assembler *assembler, struct ks_assembly *assembly, unsigned giver)
{
	uint16_t bit = ks_giver_bit(giver), others = (uint16_t)((assembly->known_to | assembly->givers) & ~bit);
	unsigned next = 0;

	if (others == 0 || (assembly->apart && assembly->begun_by == giver)) {
		ks_assembly_abandon(assembler, assembly);
		return;
	}
	if ((assembly->givers & bit) != 0)
		for (size_t block = 0; block < assembly->layout.nblocks; block++)
			strip_block(assembly, block, giver);
	assembly->givers &= (uint16_t)~bit;
	assembly->known_to &= (uint16_t)~bit;
	assembly->end_us[giver] = 0;
	assembly->rounds = 0;
	while ((others & ks_giver_bit(next)) == 0)
		next++;
	if (assembly->begun_by == giver)
		ks_assembly_hand_over(assembler, assembly, next);
}

static void distrust(struct ks_assembler *assembler, struct ks_track *track, unsigned giver, int64_t until_us)
{
	struct ks_assembly *a, *next;

	track->distrusted_us[giver] = until_us;
	for (a = track->assemblies; a != NULL; a = next) {
		next = a->next;
		if (((a->known_to | a->givers) & ks_giver_bit(giver)) != 0 || a->begun_by == giver)
			strip(assembler, a, giver);
	}
}

unsigned ks_assembler_refuse(struct ks_assembler *assembler, struct ks_assembly *assembly, int64_t apart_until_us,
			     int64_t distrust_until_us)
{
	struct ks_track *track = assembly->track;
	unsigned giver = giver_of(assembly);

	assembler->counts.refused++;
	if (giver != KS_GIVERS_SEVERAL) {
		ks_assembly_release(assembler, assembly);
		if (giver != KS_GIVER_GONE)
			distrust(assembler, track, giver, distrust_until_us);
		return giver;
	}
	track->apart_until_us = apart_until_us;
	while ((assembly = find_merged(track)) != NULL)
		split(assembler, assembly);
	return giver;
}

void ks_assembler_pardon(struct ks_assembler *assembler)
{
	for (size_t i = 0; i < assembler->n_tracks; i++) {
		struct ks_track *track = &assembler->tracks[i];

		memset(track->distrusted_us, 0, sizeof(track->distrusted_us));
		track->apart_until_us = 0;
	}
}

/* What a giver that has gone gave to an object. */
static void disown(struct ks_assembler *assembler, struct ks_assembly *assembly, unsigned giver)
{
	uint16_t bit = ks_giver_bit(giver);
	uint8_t *givers = ks_room_givers(assembly);

	for (size_t i = 0; i < assembly->layout.shards && (assembly->givers & bit) != 0; i++)
		if (givers[i] == giver)
			givers[i] = KS_GIVER_GONE;
	if ((assembly->givers & bit) != 0)
		assembly->givers = (uint16_t)((assembly->givers & ~bit) | ks_giver_bit(KS_GIVER_GONE));
	assembly->known_to &= (uint16_t)~bit;
	assembly->end_us[giver] = 0;
	if (assembly->begun_by == giver)
		ks_assembly_hand_over(assembler, assembly, KS_GIVER_GONE);
}

void ks_assembler_forget(struct ks_assembler *assembler, unsigned giver)
{
	size_t i = 0;

	for (size_t t = 0; t < assembler->n_tracks; t++)
		ks_track_disown(assembler, &assembler->tracks[t], giver);
	while (i < assembler->n_used) {
		struct ks_assembly *a = assembler->used[i];

		if (a->begun_by == giver && a->apart) {
			ks_assembly_abandon(assembler, a);
		} else {
			disown(assembler, a, giver);
			i++;
		}
	}
}
