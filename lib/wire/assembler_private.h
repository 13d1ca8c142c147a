/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the assembler share: assembler.c (shards and objects) and assembler_room.c (tracks, places and
 * memory, and who gives way).
 */
#ifndef KS_WIRE_ASSEMBLER_PRIVATE_H
#define KS_WIRE_ASSEMBLER_PRIVATE_H

#include "lib/wire/assembler.h"

#include "lib/frame/manifest.h"

#define KS_SPARE_ROOMS_MAX 16
#define KS_TRACK_HEADS 2048	/* a power of two */
#define KS_TRACK_NONE UINT16_MAX

struct ks_track {
	bool used;
	bool accepted;			/* an object: `last` */
	uint8_t source;
	uint16_t users;			/* until then: bit per giver who gave or named something of it */
	uint16_t chain;			/* the next one under the same head */
	uint32_t track;
	struct ks_frame_id last;
	uint64_t order;			/* of its last use */
	struct ks_assembly *assemblies;
	int64_t stop_us[KS_GIVERS_MAX];	/* when the giver may be told again to stop */
	int64_t distrusted_us[KS_GIVERS_MAX];	/* until then what the giver gives is not used */
	int64_t apart_until_us;		/* shards of several givers are not merged */
};

/* Of one block: which shards are here; they lie in the order of their arrival in the block's part of the object's room,
 * as any k of them are enough. */
struct ks_assembly_block {
	uint8_t here[(KS_FEC_SHARDS_MAX + 7) / 8];
	uint8_t n;
};

struct ks_spare_room {
	uint8_t *bytes;
	size_t len;
};

struct ks_assembler {
	struct ks_fec *fec;
	uint64_t clock;		/* counts beginnings and uses of tracks */
	struct ks_assembler_counts counts;

	struct ks_track tracks[KS_TRACKS_MAX];
	uint16_t heads[KS_TRACK_HEADS];
	size_t n_tracks;
	size_t uses[KS_GIVERS_MAX + 1];	/* by giver: tracks without an accepted object */

	struct ks_assembly assemblies[KS_ASSEMBLIES_MAX];
	struct ks_assembly *used[KS_ASSEMBLIES_MAX], *free;
	size_t n_used;
	const struct ks_assembly *pinned;	/* does not give way */
	size_t begun[KS_GIVERS_MAX + 1], begun_bytes[KS_GIVERS_MAX + 1];	/* by giver, of those in use */

	struct ks_spare_room spares[KS_SPARE_ROOMS_MAX];
	size_t n_spares;
	size_t bytes;		/* of all rooms, spare ones included */

	uint8_t whole[KS_FRAME_MAX + KS_SHARD_MAX];
};

void ks_tracks_init(struct ks_assembler *assembler);
struct ks_track *ks_track_find(struct ks_assembler *assembler, uint32_t track, uint8_t source);
struct ks_track *ks_track_get(struct ks_assembler *assembler, uint32_t track, uint8_t source);
void ks_track_use(struct ks_assembler *assembler, struct ks_track *track, unsigned giver);
void ks_track_accept(struct ks_assembler *assembler, struct ks_track *track, struct ks_frame_id id);
/* The giver has gone. */
void ks_track_disown(struct ks_assembler *assembler, struct ks_track *track, unsigned giver);

/* A place and a room for an object; NULL when all that is there has more right to be there. */
struct ks_assembly *ks_assembly_begin(struct ks_assembler *assembler, struct ks_track *track, unsigned giver,
				      const struct ks_data_header *header, const struct ks_layout *layout);
void ks_assembly_release(struct ks_assembler *assembler, struct ks_assembly *assembly);
void ks_assembly_abandon(struct ks_assembler *assembler, struct ks_assembly *assembly);
void ks_assembly_hand_over(struct ks_assembler *assembler, struct ks_assembly *assembly, unsigned giver);

static inline uint16_t ks_giver_bit(unsigned giver)
{
	return (uint16_t)(1u << giver);
}

static inline struct ks_frame_id ks_assembly_id(const struct ks_assembly *assembly)
{
	return (struct ks_frame_id){ assembly->header.epoch, assembly->header.seq };
}

/* The parts of an object's room. */
static inline uint8_t *ks_room_numbers(const struct ks_assembly *a)
{
	return a->room + a->layout.shards * a->layout.shard_len;
}

static inline uint8_t *ks_room_givers(const struct ks_assembly *a)
{
	return ks_room_numbers(a) + a->layout.shards;
}

static inline struct ks_assembly_block *ks_room_blocks(const struct ks_assembly *a)
{
	return (struct ks_assembly_block *)(void *)(ks_room_givers(a) + a->layout.shards);
}

static inline size_t ks_room_size(const struct ks_layout *layout)
{
	return layout->shards * (layout->shard_len + 2) + layout->nblocks * sizeof(struct ks_assembly_block);
}

#endif
