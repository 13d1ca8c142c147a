/* SPDX-License-Identifier: Apache-2.0
 *
 * Puts objects together from shards in any order, whoever they come from. A giver is one of the parents that shards
 * come from, by number; shards of one object are merged over all givers, as long as these agree about its size and
 * layout and cut it into shards of one size; givers that do not have an assembly each. No giver can take the room of
 * others: when memory, places or tracks run out, whoever has begun most gives way.
 *
 * An object that is not newer than the last one accepted of its track is refused at once. A giver of what no source
 * signed is distrusted for a while, with this track alone: it may be honest, and only its source not known here.
 */
#ifndef KS_WIRE_ASSEMBLER_H
#define KS_WIRE_ASSEMBLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/frame/id.h"
#include "lib/wire/datagram.h"
#include "lib/wire/fec.h"
#include "lib/wire/layout.h"

#define KS_ASSEMBLY_BYTES_MAX ((size_t)64 * 1024 * 1024)	/* rooms of objects, in use or kept for the next ones */
#define KS_ASSEMBLIES_MAX 1024		/* objects at a time */
/* Counted per source. One without an accepted object gives way, of whoever has begun most of these; when there is none,
 * the one unused longest. */
#define KS_TRACKS_MAX 1024
#define KS_TRACK_ASSEMBLIES_MAX 4	/* of one track, begun by one giver */
#define KS_SIZES_MAX 2			/* of one object, with a part of one giver: its datagrams may shrink */
#define KS_GIVERS_MAX 8
#define KS_GIVER_GONE KS_GIVERS_MAX	/* whoever gave it is no longer there */

struct ks_assembler;
struct ks_track;

/* To be read by everybody; below the line, to be written by whoever asks for what is missing. */
struct ks_assembly {
	struct ks_track *track;
	struct ks_data_header header;	/* of the object; hops is the smallest of all its shards */
	struct ks_layout layout;
	size_t missing;			/* shards */
	uint16_t givers;		/* bit per giver of whom it has a shard */
	uint16_t known_to;		/* bit per giver who gave or named it */
	uint8_t begun_by;
	bool apart;			/* takes shards from begun_by only, for ever */
	uint64_t order;			/* of beginning */
	int64_t end_us[KS_GIVERS_MAX];	/* when a giver says that it will have sent all; 0: nothing came from it */

	uint8_t *room;			/* data, then per shard its number and its giver, then the blocks' heads */
	size_t room_len;
	struct ks_assembly *next;	/* of the same track, in no order; or of the free ones */
	size_t place;			/* among the used ones */

	/* --- */
	int64_t ask_us;
	uint8_t rounds, asked;
	size_t asked_missing;
};

struct ks_assembler_counts {
	uint64_t delivered;
	uint64_t repaired;	/* of these: data had been lost */
	uint64_t lost;		/* sequence numbers that were passed over */
	uint64_t abandoned;	/* begun, never completed */
	uint64_t refused;	/* whole, and not what a source had signed */
};

/* `fec` is borrowed and may be shared by assemblers of one thread. */
int ks_assembler_new(struct ks_assembler **assembler, struct ks_fec *fec);
void ks_assembler_free(struct ks_assembler *assembler);

/* Takes one shard, with its header checked by ks_data_header_read(). KS_DROP_NONE: used. *assembly is its object (NULL:
 * none is in assembly); when nothing is missing of it, ks_assembler_decode() and then ks_assembler_accept() or
 * _refuse() must follow. *first: of its object from this giver. */
enum ks_drop ks_assembler_add(struct ks_assembler *assembler, unsigned giver, const struct ks_data_header *header,
			      const uint8_t *shard, size_t len, int64_t now_us, struct ks_assembly **assembly,
			      bool *first);

/* An object that a giver only named: begins it, unless it is there. KS_DROP_NONE: *assembly is it. */
enum ks_drop ks_assembler_name(struct ks_assembler *assembler, unsigned giver, const struct ks_data_header *header,
			       size_t shard_len, int64_t now_us, struct ks_assembly **assembly);

/* The bytes of an object of which nothing is missing; they live until the next call. */
const uint8_t *ks_assembler_decode(struct ks_assembler *assembler, const struct ks_assembly *assembly);

/* It is what a source signed: the last of its track from now on, and older ones of the track are given up. Returns how
 * many sequence numbers were passed over. The assembly is gone. */
uint32_t ks_assembler_accept(struct ks_assembler *assembler, struct ks_assembly *assembly);

/* It is not: the assembly is gone. Returns its giver when there was but one (KS_GIVER_GONE: it has gone): what it gave
 * of this track is dropped, and until distrust_until_us whatever it gives or names of it (KS_DROP_DISTRUST). Or
 * KS_GIVERS_SEVERAL: then the shards of each go on by themselves, as do those of all objects of the track that were
 * merged, and none of the track are merged before apart_until_us. */
#define KS_GIVERS_SEVERAL (KS_GIVERS_MAX + 1)
unsigned ks_assembler_refuse(struct ks_assembler *assembler, struct ks_assembly *assembly, int64_t apart_until_us,
			     int64_t distrust_until_us);

/* Nobody is distrusted any more, and shards are merged again: what a source signs may be known better now. */
void ks_assembler_pardon(struct ks_assembler *assembler);

/* The giver has gone and its number will be another's, who is not to be blamed for what this one gave. */
void ks_assembler_forget(struct ks_assembler *assembler, unsigned giver);

/* Whether shards of this object would be used when they came from this giver. */
bool ks_assembly_takes(const struct ks_assembly *assembly, unsigned giver, int64_t now_us);

/* Shards that are here of a block. */
size_t ks_assembly_here(const struct ks_assembly *assembly, size_t block);

/* Objects in assembly, in no order. */
size_t ks_assembler_used(const struct ks_assembler *assembler);
struct ks_assembly *ks_assembler_at(struct ks_assembler *assembler, size_t i);

/* The first of all that are in assembly of the same track; `next` leads on. */
struct ks_assembly *ks_assembly_siblings(const struct ks_assembly *assembly);

/* Whether a giver may now be told to stop sending what is no longer wanted of a track: not more often than each
 * `pause_us`, as more of it will be under way. */
bool ks_assembler_may_stop(struct ks_assembler *assembler, uint32_t track, uint8_t source, unsigned giver,
			   int64_t now_us, int64_t pause_us);

const struct ks_assembler_counts *ks_assembler_counts(const struct ks_assembler *assembler);

/* Bytes that it holds at the moment, its own structure included. */
size_t ks_assembler_memory(const struct ks_assembler *assembler);

#endif
