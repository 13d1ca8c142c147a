/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/assembler.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/frame/manifest.h"
#include "lib/wire/layout.h"

/* Shards of a block lie in the order of their arrival in its part of the object's room: k of them are enough, so the
 * room of the data alone holds any mix of data and parity. */
struct block {
	uint8_t here[(KS_FEC_SHARDS_MAX + 7) / 8];
	uint8_t number[KS_FEC_SHARDS_MAX];	/* the shard number in each place */
	uint8_t n;
};

struct assembly {
	bool used;
	uint64_t age;		/* smaller: begun earlier */
	uint16_t track;
	struct ks_frame_id id;
	struct ks_layout layout;
	size_t missing;		/* shards */
	uint8_t *room;
	size_t room_len;
	struct block blocks[KS_BLOCKS_MAX];
};

struct track {
	bool used;
	uint16_t track;
	uint64_t age;		/* of its last delivery */
	struct ks_frame_id last;
};

struct ks_assembler {
	struct ks_fec *fec;
	uint64_t clock;		/* counts beginnings and deliveries */
	struct ks_assembler_counts counts;
	struct assembly assemblies[KS_ASSEMBLY_MAX];
	struct track tracks[KS_TRACKS_MAX];
	uint8_t whole[KS_FRAME_MAX + KS_SHARD_MAX];
};

int ks_assembler_new(struct ks_assembler **assembler, struct ks_fec *fec)
{
	*assembler = calloc(1, sizeof(**assembler));
	if (*assembler == NULL)
		return -ENOMEM;
	(*assembler)->fec = fec;
	return KS_EOK;
}

void ks_assembler_free(struct ks_assembler *assembler)
{
	if (assembler == NULL)
		return;
	for (size_t i = 0; i < KS_ASSEMBLY_MAX; i++)
		free(assembler->assemblies[i].room);
	free(assembler);
}

const struct ks_assembler_counts *ks_assembler_counts(const struct ks_assembler *assembler)
{
	return &assembler->counts;
}

size_t ks_assembler_memory(const struct ks_assembler *assembler)
{
	size_t sum = sizeof(*assembler);

	for (size_t i = 0; i < KS_ASSEMBLY_MAX; i++)
		sum += assembler->assemblies[i].room_len;
	return sum;
}

static struct track *find_track(struct ks_assembler *assembler, uint16_t track)
{
	for (size_t i = 0; i < KS_TRACKS_MAX; i++)
		if (assembler->tracks[i].used && assembler->tracks[i].track == track)
			return &assembler->tracks[i];
	return NULL;
}

static struct assembly *find_assembly(struct ks_assembler *assembler, uint16_t track, struct ks_frame_id id)
{
	for (size_t i = 0; i < KS_ASSEMBLY_MAX; i++) {
		struct assembly *a = &assembler->assemblies[i];

		if (a->used && a->track == track && ks_frame_id_cmp(a->id, id) == 0)
			return a;
	}
	return NULL;
}

static void abandon(struct ks_assembler *assembler, struct assembly *assembly)
{
	assembly->used = false;
	assembler->counts.abandoned++;
}

/* A free place, or that of the oldest; NULL when the oldest is newer than what asks for the place, as when a
 * straggler of an object that was given up comes in. */
static struct assembly *find_place(struct ks_assembler *assembler, uint16_t track, struct ks_frame_id id)
{
	struct assembly *oldest = &assembler->assemblies[0];

	for (size_t i = 0; i < KS_ASSEMBLY_MAX; i++) {
		struct assembly *a = &assembler->assemblies[i];

		if (!a->used)
			return a;
		if (a->age < oldest->age)
			oldest = a;
	}
	if (oldest->track == track && ks_frame_id_cmp(id, oldest->id) < 0)
		return NULL;
	abandon(assembler, oldest);
	return oldest;
}

static bool make_room(struct assembly *assembly, size_t len)
{
	uint8_t *room;

	if (len <= assembly->room_len)
		return true;
	room = realloc(assembly->room, len);
	if (room == NULL)
		return false;
	assembly->room = room;
	assembly->room_len = len;
	return true;
}

static enum ks_drop begin(struct ks_assembler *assembler, uint16_t track, struct ks_frame_id id,
			  const struct ks_layout *layout, struct assembly **out)
{
	struct assembly *assembly = find_place(assembler, track, id);

	if (assembly == NULL || !make_room(assembly, layout->shards * layout->shard_len))
		return KS_DROP_LIMIT;
	assembly->used = true;
	assembly->age = assembler->clock++;
	assembly->track = track;
	assembly->id = id;
	assembly->layout = *layout;
	assembly->missing = layout->shards;
	memset(assembly->blocks, 0, layout->nblocks * sizeof(assembly->blocks[0]));
	*out = assembly;
	return KS_DROP_NONE;
}

static uint8_t *place(const struct assembly *assembly, size_t block, size_t i)
{
	return assembly->room + (ks_layout_first(&assembly->layout, block) + i) * assembly->layout.shard_len;
}

static enum ks_drop take(struct assembly *assembly, size_t block, uint8_t number, const uint8_t *shard)
{
	struct block *b = &assembly->blocks[block];
	uint8_t bit = (uint8_t)(1 << number % 8);

	if ((b->here[number / 8] & bit) != 0)
		return KS_DROP_DUPLICATE;
	if (b->n == ks_layout_k(&assembly->layout, block))
		return KS_DROP_SURPLUS;
	b->here[number / 8] |= bit;
	b->number[b->n] = number;
	memcpy(place(assembly, block, b->n++), shard, assembly->layout.shard_len);
	assembly->missing--;
	return KS_DROP_NONE;
}

/* Writes the block's data to its part of `whole`; true when some of it had been lost. */
static bool decode(struct ks_assembler *assembler, const struct assembly *assembly, size_t block)
{
	const struct block *b = &assembly->blocks[block];
	size_t k = ks_layout_k(&assembly->layout, block), len = assembly->layout.shard_len;
	uint8_t *whole = assembler->whole + ks_layout_first(&assembly->layout, block) * len;
	const uint8_t *data[KS_FEC_SHARDS_MAX] = { NULL }, *parity[KS_FEC_SHARDS_MAX];
	uint8_t parity_number[KS_FEC_SHARDS_MAX], *lost[KS_FEC_SHARDS_MAX];
	size_t n_parity = 0, n_lost = 0;

	for (size_t i = 0; i < k; i++) {
		const uint8_t *shard = place(assembly, block, i);

		if (b->number[i] < k) {
			data[b->number[i]] = memcpy(whole + b->number[i] * len, shard, len);
		} else {
			parity_number[n_parity] = b->number[i];
			parity[n_parity++] = shard;
		}
	}
	for (size_t i = 0; i < k; i++)
		if (data[i] == NULL)
			lost[n_lost++] = whole + i * len;
	ks_fec_decode(assembler->fec, k, len, data, parity, parity_number, lost);
	return n_lost > 0;
}

static void advance(struct ks_assembler *assembler, const struct assembly *done)
{
	struct track *track = find_track(assembler, done->track);

	if (track == NULL) {
		track = &assembler->tracks[0];
		for (size_t i = 0; i < KS_TRACKS_MAX && track->used; i++)
			if (!assembler->tracks[i].used || assembler->tracks[i].age < track->age)
				track = &assembler->tracks[i];
	} else if (track->last.epoch == done->id.epoch) {
		assembler->counts.lost += done->id.seq - track->last.seq - 1;
	}
	*track = (struct track){ true, done->track, assembler->clock++, done->id };
	for (size_t i = 0; i < KS_ASSEMBLY_MAX; i++) {
		struct assembly *a = &assembler->assemblies[i];

		if (a->used && a != done && a->track == done->track && ks_frame_id_cmp(a->id, done->id) < 0)
			abandon(assembler, a);
	}
}

static void finish(struct ks_assembler *assembler, struct assembly *assembly, struct ks_whole *whole)
{
	bool repaired = false;

	for (size_t block = 0; block < assembly->layout.nblocks; block++)
		repaired |= decode(assembler, assembly, block);
	assembler->counts.delivered++;
	assembler->counts.repaired += repaired;
	advance(assembler, assembly);
	assembly->used = false;
	*whole = (struct ks_whole){ assembler->whole, assembly->layout.object_len, assembly->id.epoch,
				    assembly->id.seq };
}

enum ks_drop ks_assembler_add(struct ks_assembler *assembler, const struct ks_data_header *header, const uint8_t *shard,
			      size_t len, struct ks_whole *whole)
{
	uint16_t key = (uint16_t)(header->source << 8 | header->rendition);
	struct ks_frame_id id = { header->epoch, header->seq };
	const struct track *track = find_track(assembler, key);
	struct assembly *assembly;
	struct ks_layout layout;
	enum ks_drop drop = ks_layout_of(&layout, header->object_len, len, header->nblocks);

	*whole = (struct ks_whole){ 0 };
	if (drop != KS_DROP_NONE)
		return drop;
	if (track != NULL && ks_frame_id_cmp(id, track->last) <= 0)
		return ks_frame_id_cmp(id, track->last) == 0 ? KS_DROP_SURPLUS : KS_DROP_LATE;
	assembly = find_assembly(assembler, key, id);
	if (assembly == NULL)
		drop = begin(assembler, key, id, &layout, &assembly);
	else if (assembly->layout.object_len != layout.object_len || assembly->layout.shard_len != len ||
		 assembly->layout.nblocks != layout.nblocks)
		drop = KS_DROP_CONFLICT;
	if (drop == KS_DROP_NONE)
		drop = take(assembly, header->block, header->shard, shard);
	if (drop == KS_DROP_NONE && assembly->missing == 0)
		finish(assembler, assembly, whole);
	return drop;
}
