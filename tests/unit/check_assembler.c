/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/assembler.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/frame/manifest.h"
#include "tests/unit/unit.h"

#define SHARD 1152
#define OBJECTS 6
#define PARITY 50	/* of each block, that tests may use */
#define MINUTE (60 * KS_US_PER_S)

struct object {
	struct ks_data_header header;
	struct ks_layout layout;
	uint8_t *bytes;
};

static struct ks_fec *fec;
static struct ks_assembler *assembler;
static struct object objects[OBJECTS];
static struct ks_assembly *assembly;	/* of the shard added last */
static bool first;
static int64_t now_us;
static const uint8_t *whole;		/* when it completed its object */

static void setup(void)
{
	ck_assert_int_eq(ks_fec_new(&fec, ks_fec_best()), KS_EOK);
	ck_assert_int_eq(ks_assembler_new(&assembler, fec), KS_EOK);
	now_us = KS_US_PER_S;
}

static void teardown(void)
{
	for (size_t i = 0; i < OBJECTS; i++) {
		free(objects[i].bytes);
		objects[i].bytes = NULL;
	}
	ks_assembler_free(assembler);
	ks_fec_free(fec);
}

static void make_sized(size_t i, struct ks_data_header header, size_t len, size_t shard_len)
{
	struct object *object = &objects[i];
	size_t shards = (len + shard_len - 1) / shard_len;

	header.nblocks = (uint8_t)((shards + 199) / 200);
	header.object_len = (uint32_t)len;
	object->header = header;
	ck_assert_int_eq(ks_layout_of(&object->layout, len, shard_len, header.nblocks), KS_DROP_NONE);
	free(object->bytes);
	object->bytes = calloc(shards, shard_len);
	ck_assert_ptr_nonnull(object->bytes);
	randombytes_buf(object->bytes, len);
}

static void make(size_t i, uint32_t epoch, uint32_t seq, uint8_t source)
{
	make_sized(i, (struct ks_data_header){ .track = 5, .epoch = epoch, .seq = seq, .source = source },
		   20 * SHARD - 100, SHARD);
}

static size_t datagrams(size_t i)
{
	return objects[i].layout.shards + PARITY * objects[i].layout.nblocks;
}

/* Shard `n` of the object: the data of all blocks, then the parity of all of them in turn. */
static enum ks_drop give(unsigned giver, size_t i, size_t n)
{
	const struct object *object = &objects[i];
	const struct ks_layout *layout = &object->layout;
	const uint8_t *data[KS_FEC_SHARDS_MAX];
	struct ks_data_header header = object->header;
	uint8_t parity[KS_SHARD_MAX], *shard = parity;
	enum ks_drop drop;
	size_t block, number;

	ks_layout_at(layout, n, false, &block, &number);
	header.block = (uint8_t)block;
	header.shard = (uint8_t)number;
	for (size_t j = 0; j < ks_layout_k(layout, block); j++)
		data[j] = object->bytes + (ks_layout_first(layout, block) + j) * layout->shard_len;
	if (number < ks_layout_k(layout, block))
		shard = memcpy(parity, data[number], layout->shard_len);
	else
		ks_fec_encode(fec, ks_layout_k(layout, block), layout->shard_len, data, number, 1, &shard);
	drop = ks_assembler_add(assembler, giver, &header, shard, layout->shard_len, now_us, &assembly, &first);
	whole = assembly != NULL && assembly->missing == 0 ? ks_assembler_decode(assembler, assembly) : NULL;
	return drop;
}

static enum ks_drop add(size_t i, size_t n)
{
	return give(0, i, n);
}

static void expect_whole(size_t i)
{
	ck_assert_ptr_nonnull(whole);
	ck_assert_mem_eq(whole, objects[i].bytes, objects[i].layout.object_len);
	ck_assert_uint_eq(assembly->header.seq, objects[i].header.seq);
}

/* Adds shards until the object is whole, counted from `from`. */
static void complete(size_t i, size_t from)
{
	do
		ck_assert_int_eq(add(i, from++), KS_DROP_NONE);
	while (whole == NULL);
	expect_whole(i);
	ks_assembler_accept(assembler, assembly);
}

START_TEST(any_k_shards_are_enough)
{
	static const size_t lens[] = { 1, SHARD, SHARD + 1, 30000, 300000, KS_FRAME_MAX };

	for (size_t l = 0; l < sizeof(lens) / sizeof(lens[0]); l++) {
		size_t taken = 0;

		make_sized(0, (struct ks_data_header){ .seq = (uint32_t)l }, lens[l],
			   l % 2 == 0 ? SHARD : KS_SHARD_MIN);
		/* From the last to the first: all the parity, and what it takes of the data. */
		for (size_t i = datagrams(0); i-- > 0;) {
			enum ks_drop drop = add(0, i);

			taken += drop == KS_DROP_NONE;
			ck_assert(drop == KS_DROP_NONE || drop == KS_DROP_SURPLUS);
			ck_assert((whole != NULL) == (taken == objects[0].layout.shards && drop == KS_DROP_NONE));
			if (whole != NULL) {
				expect_whole(0);
				ks_assembler_accept(assembler, assembly);
			}
		}
		ck_assert_uint_eq(taken, objects[0].layout.shards);
	}
	ck_assert_uint_eq(ks_assembler_counts(assembler)->delivered, 6);
	ck_assert_uint_eq(ks_assembler_counts(assembler)->repaired, 6);
}
END_TEST

START_TEST(lossless_needs_no_repair)
{
	make(0, 1, 0, 0);
	complete(0, 0);
	ck_assert_uint_eq(ks_assembler_counts(assembler)->repaired, 0);
}
END_TEST

START_TEST(duplicates_and_surplus)
{
	make(0, 1, 0, 0);
	ck_assert_int_eq(add(0, 3), KS_DROP_NONE);
	ck_assert(first);
	ck_assert_int_eq(add(0, 3), KS_DROP_DUPLICATE);
	for (size_t i = 0; i < 20; i++)
		ck_assert_int_eq(add(0, i), i == 3 ? KS_DROP_DUPLICATE : KS_DROP_NONE);
	expect_whole(0);
	ks_assembler_accept(assembler, assembly);
	ck_assert_int_eq(add(0, 20), KS_DROP_SURPLUS);
	ck_assert_ptr_null(assembly);
	ck_assert_int_eq(add(0, 3), KS_DROP_SURPLUS);
}
END_TEST

START_TEST(older_ones_are_given_up_at_once)
{
	for (uint32_t i = 0; i < 3; i++) {
		make(i, 1, i, 0);
		ck_assert_int_eq(add(i, 0), KS_DROP_NONE);
	}
	complete(1, 1);
	ck_assert_uint_eq(ks_assembler_counts(assembler)->abandoned, 1);
	ck_assert_int_eq(add(0, 1), KS_DROP_LATE);
	complete(2, 1);
	make(3, 0, 9, 0);	/* an earlier run */
	ck_assert_int_eq(add(3, 0), KS_DROP_LATE);
	make(3, 2, 0, 0);	/* a later one */
	complete(3, 0);
	make(4, 2, 5, 0);
	complete(4, 0);
	ck_assert_uint_eq(ks_assembler_counts(assembler)->lost, 4);	/* 1 to 4 of the second run */
	ck_assert_uint_eq(ks_assembler_used(assembler), 0);
}
END_TEST

START_TEST(tracks_do_not_disturb_each_other)
{
	make(0, 1, 5, 0);
	make(1, 1, 4, 1);
	make_sized(2, (struct ks_data_header){ .track = 6, .epoch = 1, .seq = 4 }, 5000, SHARD);
	complete(0, 0);
	complete(1, 0);
	complete(2, 0);
	ck_assert_int_eq(add(1, 0), KS_DROP_SURPLUS);
}
END_TEST

START_TEST(only_so_many_of_a_track)
{
	for (uint32_t i = 0; i < KS_TRACK_ASSEMBLIES_MAX + 1; i++) {
		make(i, 1, i, 0);
		ck_assert_int_eq(add(i, 0), KS_DROP_NONE);
	}
	ck_assert_uint_eq(ks_assembler_counts(assembler)->abandoned, 1);
	ck_assert_int_eq(add(0, 1), KS_DROP_LIMIT);	/* a straggler does not push a newer one out */
	complete(1, 1);
	complete(KS_TRACK_ASSEMBLIES_MAX, 1);
}
END_TEST

/* What others have a part in is not given up for one giver's inventions. */
START_TEST(inventions_of_one_giver)
{
	make(0, 1, 0, 0);
	ck_assert_int_eq(give(1, 0, 0), KS_DROP_NONE);
	for (size_t i = 1; i < 19; i++)
		ck_assert_int_eq(give(0, 0, i), KS_DROP_NONE);
	for (uint32_t i = 0; i < 100; i++) {
		make(1, 9, i, 0);
		ck_assert_int_eq(give(1, 1, 0), KS_DROP_NONE);
	}
	ck_assert_int_eq(give(0, 0, 19), KS_DROP_NONE);
	expect_whole(0);
}
END_TEST

/* More tracks than are remembered: those of which nothing was accepted go first. */
START_TEST(only_so_many_tracks)
{
	make(0, 1, 7, 0);
	complete(0, 0);
	for (uint32_t i = 0; i < 3 * KS_TRACKS_MAX; i++) {
		make_sized(1, (struct ks_data_header){ .track = 100 + i, .epoch = 1, .seq = 1 }, 1000, SHARD / 2);
		ck_assert_int_eq(give(1, 1, 0), KS_DROP_NONE);
	}
	ck_assert_uint_le(ks_assembler_used(assembler), KS_ASSEMBLIES_MAX);
	ck_assert_int_eq(add(0, 0), KS_DROP_SURPLUS);
	/* When all are accepted, the one without news longest goes. */
	for (uint32_t i = 0; i < KS_TRACKS_MAX; i++) {
		make_sized(1, (struct ks_data_header){ .track = 10000 + i, .epoch = 1, .seq = 1 }, 1, SHARD);
		complete(1, 0);
	}
	ck_assert_int_eq(add(0, 0), KS_DROP_NONE);
	make_sized(1, (struct ks_data_header){ .track = 10500, .epoch = 1, .seq = 1 }, 1, SHARD);
	ck_assert_int_eq(add(1, 0), KS_DROP_SURPLUS);
}
END_TEST

START_TEST(contradictions_of_one_giver)
{
	struct ks_data_header header = { .epoch = 1, .seq = 1 };
	static const uint8_t shard[KS_SHARD_MAX];

	make_sized(0, header, 50000, SHARD);
	ck_assert_int_eq(add(0, 0), KS_DROP_NONE);
	make_sized(1, header, 50001, SHARD);
	ck_assert_int_eq(add(1, 1), KS_DROP_CONFLICT);
	header = objects[0].header;
	header.nblocks++;
	ck_assert_int_eq(ks_assembler_add(assembler, 0, &header, shard, SHARD, 0, &assembly, &first), KS_DROP_CONFLICT);
	ck_assert_int_eq(ks_assembler_add(assembler, 0, &header, shard, KS_SHARD_MAX + 1, 0, &assembly, &first),
			 KS_DROP_MALFORMED);
	ck_assert_int_eq(ks_assembler_add(assembler, 0, &header, shard, 0, 0, &assembly, &first), KS_DROP_MALFORMED);
	/* Its datagrams may become shorter, once. */
	make_sized(2, (struct ks_data_header){ .epoch = 1, .seq = 1 }, 50000, 900);
	ck_assert_int_eq(add(2, 0), KS_DROP_NONE);
	make_sized(3, (struct ks_data_header){ .epoch = 1, .seq = 1 }, 50000, 800);
	ck_assert_int_eq(add(3, 0), KS_DROP_LIMIT);
	complete(0, 1);
	ck_assert_uint_eq(ks_assembler_used(assembler), 0);
}
END_TEST

/* Several givers are taken at their word, each by itself; those that agree are merged. */
START_TEST(contradictions_of_several_givers)
{
	struct ks_data_header header = { .epoch = 1, .seq = 1 };

	make_sized(0, header, 50000, SHARD);
	make_sized(1, header, 50001, SHARD);
	ck_assert_int_eq(give(1, 1, 0), KS_DROP_NONE);
	for (size_t i = 0; i < objects[0].layout.shards; i++)
		ck_assert_int_eq(give(i % 2 == 0 ? 0 : 2, 0, i), KS_DROP_NONE);
	expect_whole(0);
	ck_assert_uint_eq(assembly->givers, 1 | 4);
}
END_TEST

/* --- shards that no source signed ----------------------------------------------------------------- */

/* Object `to` says that it is `from`, with other bytes. */
static void forge(size_t to, size_t from)
{
	make_sized(to, objects[from].header, objects[from].layout.object_len, objects[from].layout.shard_len);
}

static unsigned refuse(void)
{
	return ks_assembler_refuse(assembler, assembly, now_us + MINUTE, now_us + 10 * MINUTE);
}

/* A whole object of track 5 by one giver, that no source signed. */
static void blame(unsigned giver)
{
	make(OBJECTS - 1, 1, 1000, 0);
	for (size_t i = 0; i < 20; i++)
		ck_assert_int_eq(give(giver, OBJECTS - 1, i), KS_DROP_NONE);
	ck_assert_uint_eq(refuse(), giver);
}

START_TEST(one_giver_is_to_blame)
{
	make(0, 1, 0, 0);
	forge(1, 0);
	for (size_t i = 0; i < 20; i++)
		ck_assert_int_eq(give(3, 1, i), KS_DROP_NONE);
	ck_assert_uint_eq(refuse(), 3);
	ck_assert_int_eq(give(3, 0, 0), KS_DROP_DISTRUST);
	ck_assert_ptr_null(assembly);
	ck_assert_int_eq(ks_assembler_name(assembler, 3, &objects[0].header, SHARD, now_us, &assembly),
			 KS_DROP_DISTRUST);
	/* Nothing is known of the object. */
	complete(0, 0);
	ck_assert_uint_eq(ks_assembler_counts(assembler)->refused, 1);
	/* It is this track and this source. */
	make(0, 1, 1, 1);
	ck_assert_int_eq(give(3, 0, 0), KS_DROP_NONE);
	make_sized(0, (struct ks_data_header){ .track = 6, .epoch = 1, .seq = 1 }, 5000, SHARD);
	ck_assert_int_eq(give(3, 0, 0), KS_DROP_NONE);
	/* For a time. */
	make(2, 1, 2, 0);
	now_us += 10 * MINUTE - 1;
	ck_assert_int_eq(give(3, 2, 0), KS_DROP_DISTRUST);
	now_us++;
	ck_assert_int_eq(give(3, 2, 0), KS_DROP_NONE);
}
END_TEST

START_TEST(blame_ends)
{
	make(0, 1, 0, 0);
	blame(3);
	blame(4);
	ks_assembler_forget(assembler, 4);
	ck_assert_int_eq(give(4, 0, 0), KS_DROP_NONE);
	ck_assert_int_eq(give(3, 0, 1), KS_DROP_DISTRUST);
	ks_assembler_pardon(assembler);
	ck_assert_int_eq(give(3, 0, 1), KS_DROP_NONE);
	ck_assert_uint_eq(assembly->missing, 18);
}
END_TEST

START_TEST(several_givers_are_taken_apart)
{
	make(0, 1, 0, 0);
	make(2, 1, 1, 0);
	forge(1, 0);
	/* Another object that both have a part in. */
	ck_assert_int_eq(give(0, 2, 0), KS_DROP_NONE);
	ck_assert_int_eq(give(1, 2, 1), KS_DROP_NONE);
	for (size_t i = 0; i < 20; i++)
		ck_assert_int_eq(give(i % 2, (size_t)(i % 2), i), KS_DROP_NONE);
	ck_assert_ptr_nonnull(whole);
	ck_assert_uint_eq(refuse(), KS_GIVERS_SEVERAL);
	ck_assert_uint_eq(ks_assembler_used(assembler), 4);
	/* Each goes on with what it gave. */
	for (size_t i = 1; i < 20; i += 2)
		ck_assert_int_eq(give(0, 0, i), KS_DROP_NONE);
	expect_whole(0);
	for (size_t i = 0; i < 20; i += 2)
		ck_assert_int_eq(give(1, 1, i), KS_DROP_NONE);
	ck_assert_uint_eq(assembly->missing, 0);
	ck_assert_uint_eq(refuse(), 1);
	ck_assert_int_eq(give(0, 0, 2), KS_DROP_DUPLICATE);
	expect_whole(0);
	ks_assembler_accept(assembler, assembly);
	/* And so it is with what begins within the time, and not after it. */
	make(3, 1, 2, 0);
	for (size_t i = 0; i < 20; i++)
		ck_assert_int_eq(give(i % 2 == 0 ? 0 : 2, 3, i), KS_DROP_NONE);
	ck_assert_ptr_null(whole);
	ck_assert(ks_assembly_takes(assembly, 2, now_us) && !ks_assembly_takes(assembly, 0, now_us));
	/* Other tracks are merged all the time. */
	make_sized(5, (struct ks_data_header){ .track = 6, .epoch = 1, .seq = 1 }, 5000, SHARD);
	for (size_t i = 0; i < 5; i++)
		ck_assert_int_eq(give(i % 2, 5, i), KS_DROP_NONE);
	expect_whole(5);
	ks_assembler_accept(assembler, assembly);
	now_us += MINUTE;
	make(4, 1, 3, 0);
	for (size_t i = 0; i < 20; i++)
		ck_assert_int_eq(give(i % 2 == 0 ? 0 : 2, 4, i), KS_DROP_NONE);
	expect_whole(4);
}
END_TEST

/* What the others gave of the track's other objects stays merged. */
START_TEST(what_a_giver_gave_is_dropped)
{
	make(0, 1, 0, 0);
	forge(1, 0);
	for (size_t i = 0; i < 6; i++) {
		ck_assert_int_eq(give(1, 1, i), KS_DROP_NONE);
		ck_assert_int_eq(give(0, 0, 6 + i), KS_DROP_NONE);
		ck_assert_int_eq(give(2, 0, 12 + i), KS_DROP_NONE);
	}
	/* And one that only it knows of. */
	make(2, 1, 1, 0);
	ck_assert_int_eq(ks_assembler_name(assembler, 1, &objects[2].header, SHARD, now_us, &assembly), KS_DROP_NONE);
	blame(1);
	ck_assert_uint_eq(ks_assembler_used(assembler), 1);
	for (size_t i = 0; i < 6; i++)
		ck_assert_int_eq(give(i % 2 == 0 ? 0 : 2, 0, i), KS_DROP_NONE);
	ck_assert(ks_assembly_takes(assembly, 0, now_us) && !ks_assembly_takes(assembly, 1, now_us));
	ck_assert_int_eq(give(1, 1, 18), KS_DROP_DISTRUST);
	ck_assert_int_eq(give(0, 0, 18), KS_DROP_NONE);
	ck_assert_int_eq(give(2, 0, 19), KS_DROP_NONE);
	expect_whole(0);
	ck_assert_uint_eq(assembly->givers, 1 | 4);
	ks_assembler_accept(assembler, assembly);
	ck_assert_uint_eq(ks_assembler_used(assembler), 0);
}
END_TEST

/* More tracks than are remembered do not push out one that others use, nor what its inventor is blamed for there. */
START_TEST(inventions_do_not_shed_blame)
{
	make(0, 1, 0, 0);
	ck_assert_int_eq(give(1, 0, 0), KS_DROP_NONE);
	for (size_t i = 0; i < 18; i++)
		ck_assert_int_eq(give(0, 0, i), i == 0 ? KS_DROP_DUPLICATE : KS_DROP_NONE);
	blame(1);
	for (uint32_t i = 0; i < 3 * KS_TRACKS_MAX; i++) {
		make_sized(1, (struct ks_data_header){ .track = 100 + i, .epoch = 1, .seq = 1 }, 1000, SHARD / 2);
		ck_assert_int_eq(give(1, 1, 0), KS_DROP_NONE);
	}
	ck_assert_int_eq(give(1, 0, 18), KS_DROP_DISTRUST);
	ck_assert_int_eq(give(0, 0, 0), KS_DROP_NONE);
	ck_assert_int_eq(give(0, 0, 18), KS_DROP_NONE);
	ck_assert_int_eq(give(0, 0, 19), KS_DROP_NONE);
	expect_whole(0);
}
END_TEST

/* A number that becomes another giver's: the new one is not blamed. */
START_TEST(a_giver_that_has_gone)
{
	make(0, 1, 0, 0);
	for (size_t i = 0; i < 19; i++)
		ck_assert_int_eq(give(2, 0, i), KS_DROP_NONE);
	ks_assembler_forget(assembler, 2);
	ck_assert_int_eq(give(2, 0, 19), KS_DROP_NONE);
	expect_whole(0);
	ck_assert_uint_eq(refuse(), KS_GIVERS_SEVERAL);
	ck_assert_uint_eq(ks_assembler_used(assembler), 1);
	ck_assert_int_eq(give(2, 0, 0), KS_DROP_NONE);
	ck_assert_uint_eq(assembly->missing, 18);
}
END_TEST

/* --- names ---------------------------------------------------------------------------------------- */

START_TEST(an_object_that_is_only_named)
{
	make(0, 1, 0, 0);
	ck_assert_int_eq(ks_assembler_name(assembler, 0, &objects[0].header, SHARD, now_us, &assembly), KS_DROP_NONE);
	ck_assert_uint_eq(assembly->missing, 20);
	ck_assert_uint_eq(assembly->givers, 0);
	ck_assert_uint_eq(assembly->known_to, 1);
	ck_assert_uint_eq(ks_assembly_here(assembly, 0), 0);
	ck_assert_int_eq(give(1, 0, 25), KS_DROP_NONE);
	ck_assert(first);
	ck_assert_uint_eq(ks_assembler_used(assembler), 1);
	complete(0, 0);
	ck_assert_int_eq(ks_assembler_name(assembler, 0, &objects[0].header, SHARD, now_us, &assembly),
			 KS_DROP_SURPLUS);
	ck_assert_ptr_null(assembly);
}
END_TEST

START_TEST(stops_are_spaced)
{
	make(0, 1, 0, 0);
	ck_assert(!ks_assembler_may_stop(assembler, 5, 0, 0, now_us, 100));
	ck_assert_int_eq(add(0, 0), KS_DROP_NONE);
	ck_assert(ks_assembler_may_stop(assembler, 5, 0, 0, now_us, 100));
	ck_assert(!ks_assembler_may_stop(assembler, 5, 0, 0, now_us + 99, 100));
	ck_assert(ks_assembler_may_stop(assembler, 5, 0, 1, now_us + 99, 100));
	ck_assert(ks_assembler_may_stop(assembler, 5, 0, 0, now_us + 100, 100));
}
END_TEST

/* --- memory --------------------------------------------------------------------------------------- */

/* Whatever comes, the memory stays below what the constants say, and the objects of a modest giver stay. */
START_TEST(memory_is_bounded)
{
	size_t empty = ks_assembler_memory(assembler);

	make(0, 1, 0, 0);
	ck_assert_int_eq(give(0, 0, 0), KS_DROP_NONE);
	for (uint32_t i = 0; i < 200; i++) {
		make_sized(1, (struct ks_data_header){ .track = 10 + i / 2, .epoch = 1, .seq = i }, KS_FRAME_MAX,
			   i % 2 == 0 ? KS_SHARD_MIN : KS_SHARD_MAX);
		ck_assert_int_eq(give(1, 1, 0), KS_DROP_NONE);
		ck_assert_uint_le(ks_assembler_memory(assembler) - empty, KS_ASSEMBLY_BYTES_MAX);
	}
	ck_assert_uint_ge(ks_assembler_memory(assembler) - empty, KS_ASSEMBLY_BYTES_MAX * 9 / 10);
	complete(0, 1);
}
END_TEST

/* The rooms of objects that are done serve the next ones. */
START_TEST(rooms_are_used_again)
{
	size_t memory = 0;

	for (uint32_t i = 0; i < 50; i++) {
		make(0, 1, i, 0);
		complete(0, 0);
		if (i == 0)
			memory = ks_assembler_memory(assembler);
		ck_assert_uint_eq(ks_assembler_memory(assembler), memory);
	}
}
END_TEST

static Suite *assembler_suite(void)
{
	const TTest *tests[] = {
		any_k_shards_are_enough, lossless_needs_no_repair, duplicates_and_surplus,
		older_ones_are_given_up_at_once, tracks_do_not_disturb_each_other, only_so_many_of_a_track,
		inventions_of_one_giver, only_so_many_tracks, contradictions_of_one_giver,
		contradictions_of_several_givers, one_giver_is_to_blame, blame_ends, several_givers_are_taken_apart,
		what_a_giver_gave_is_dropped, inventions_do_not_shed_blame, a_giver_that_has_gone,
		an_object_that_is_only_named, stops_are_spaced, memory_is_bounded, rooms_are_used_again,
	};
	Suite *suite = suite_create("assembler");
	TCase *tc = tcase_create("assembler");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return unit_run(assembler_suite());
}
