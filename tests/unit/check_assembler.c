/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/assembler.h"

#include <stdlib.h>

#include <sodium.h>

#include "lib/base/error.h"
#include "lib/frame/manifest.h"
#include "lib/wire/object.h"
#include "tests/unit/unit.h"

#define SHARD 1152
#define OBJECTS 8

static struct ks_fec *fec;
static struct ks_assembler *assembler;
static struct ks_object objects[OBJECTS];
static uint8_t *contents[OBJECTS];
static struct ks_whole whole;

static void setup(void)
{
	ck_assert_int_eq(ks_fec_new(&fec, ks_fec_best), KS_EOK);
	ck_assert_int_eq(ks_assembler_new(&assembler, fec), KS_EOK);
}

static void teardown(void)
{
	for (size_t i = 0; i < OBJECTS; i++) {
		ks_object_free(&objects[i]);
		free(contents[i]);
		contents[i] = NULL;
	}
	ks_assembler_free(assembler);
	ks_fec_free(fec);
}

/* Object i of the table has sequence number i unless said otherwise. */
static void make_sized(size_t i, struct ks_data_header header, size_t len, size_t shard)
{
	contents[i] = realloc(contents[i], len);
	ck_assert_ptr_nonnull(contents[i]);
	randombytes_buf(contents[i], len);
	ck_assert_int_eq(ks_object_set(&objects[i], fec, &header, contents[i], len, shard, 200000), KS_EOK);
}

static void make(size_t i, uint32_t epoch, uint32_t seq, uint8_t source)
{
	make_sized(i, (struct ks_data_header){ .epoch = epoch, .seq = seq, .source = source }, 20 * SHARD - 100, SHARD);
}

static enum ks_drop add(size_t i, size_t position)
{
	uint8_t plain[KS_DATA_HEADER_SIZE + KS_SHARD_MAX];
	size_t len = ks_object_plain(&objects[i], position, plain);
	struct ks_data_header header;

	ck_assert_int_eq(ks_data_header_read(plain, len, &header), KS_DROP_NONE);
	return ks_assembler_add(assembler, &header, plain + KS_DATA_HEADER_SIZE, len - KS_DATA_HEADER_SIZE, &whole);
}

static void expect_whole(size_t i)
{
	ck_assert_ptr_nonnull(whole.bytes);
	ck_assert_uint_eq(whole.len, objects[i].layout.object_len);
	ck_assert_mem_eq(whole.bytes, contents[i], whole.len);
	ck_assert_uint_eq(whole.seq, objects[i].header.seq);
}

/* Adds shards until the object is whole, counted from `from`. */
static void complete(size_t i, size_t from)
{
	do
		ck_assert_int_eq(add(i, from++), KS_DROP_NONE);
	while (whole.bytes == NULL);
	expect_whole(i);
}

START_TEST(any_k_shards_are_enough)
{
	static const size_t lens[] = { 1, SHARD, SHARD + 1, 30000, 300000, KS_FRAME_MAX };

	for (size_t l = 0; l < sizeof(lens) / sizeof(lens[0]); l++) {
		size_t n, taken = 0;

		make_sized(0, (struct ks_data_header){ .seq = (uint32_t)l }, lens[l],
			   l % 2 == 0 ? SHARD : KS_SHARD_MIN);
		n = ks_layout_datagrams(&objects[0].layout);
		/* From the last to the first: all the parity, and what it takes of the data. */
		for (size_t i = n; i-- > 0;) {
			enum ks_drop drop = add(0, i);

			taken += drop == KS_DROP_NONE;
			ck_assert(drop == KS_DROP_NONE || drop == KS_DROP_SURPLUS);
			ck_assert((whole.bytes != NULL) == (taken == objects[0].layout.shards && drop == KS_DROP_NONE));
			if (whole.bytes != NULL)
				expect_whole(0);
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
	ck_assert_int_eq(add(0, 3), KS_DROP_DUPLICATE);
	for (size_t i = 0; i < 20; i++)
		ck_assert_int_eq(add(0, i), i == 3 ? KS_DROP_DUPLICATE : KS_DROP_NONE);
	expect_whole(0);
	ck_assert_int_eq(add(0, 20), KS_DROP_SURPLUS);
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
}
END_TEST

START_TEST(tracks_do_not_disturb_each_other)
{
	make(0, 1, 5, 0);
	make(1, 1, 4, 1);
	make_sized(2, (struct ks_data_header){ .epoch = 1, .seq = 4, .rendition = 1 }, 5000, SHARD);
	complete(0, 0);
	complete(1, 0);
	complete(2, 0);
	ck_assert_int_eq(add(1, 0), KS_DROP_SURPLUS);
}
END_TEST

START_TEST(only_so_many_at_a_time)
{
	for (uint32_t i = 0; i < KS_ASSEMBLY_MAX + 1; i++) {
		make(i, 1, i, 0);
		ck_assert_int_eq(add(i, 0), KS_DROP_NONE);
	}
	ck_assert_uint_eq(ks_assembler_counts(assembler)->abandoned, 1);
	ck_assert_int_eq(add(0, 1), KS_DROP_LIMIT);	/* a straggler does not push a newer one out */
	complete(1, 1);
	complete(KS_ASSEMBLY_MAX, 1);
}
END_TEST

/* More tracks than are remembered: the one without news longest is forgotten, the others still hold. */
START_TEST(only_so_many_tracks)
{
	for (uint8_t i = 0; i <= KS_TRACKS_MAX; i++) {
		make(0, 1, 7, i);
		complete(0, 0);
	}
	ck_assert_int_eq(add(0, 0), KS_DROP_SURPLUS);
	make(0, 1, 7, 1);
	ck_assert_int_eq(add(0, 0), KS_DROP_SURPLUS);
	make(0, 1, 7, 0);
	ck_assert_int_eq(add(0, 0), KS_DROP_NONE);
}
END_TEST

START_TEST(contradictions_are_refused)
{
	struct ks_data_header header = { .epoch = 1, .seq = 1 };
	static const uint8_t shard[KS_SHARD_MAX];

	make_sized(0, header, 50000, SHARD);
	ck_assert_int_eq(add(0, 0), KS_DROP_NONE);
	make_sized(1, header, 50001, SHARD);
	ck_assert_int_eq(add(1, 1), KS_DROP_CONFLICT);
	make_sized(1, header, 50000, SHARD - 1);
	ck_assert_int_eq(add(1, 1), KS_DROP_CONFLICT);
	header = objects[0].header;
	header.nblocks++;
	ck_assert_int_eq(ks_assembler_add(assembler, &header, shard, SHARD, &whole), KS_DROP_CONFLICT);
	ck_assert_int_eq(ks_assembler_add(assembler, &header, shard, KS_SHARD_MAX + 1, &whole), KS_DROP_MALFORMED);
	ck_assert_int_eq(ks_assembler_add(assembler, &header, shard, 0, &whole), KS_DROP_MALFORMED);
	complete(0, 1);
}
END_TEST

/* Whatever comes, the memory stays below what the constants say. */
START_TEST(memory_is_bounded)
{
	size_t empty = ks_assembler_memory(assembler);

	for (uint32_t i = 0; i < 40; i++) {
		make_sized(0, (struct ks_data_header){ .epoch = 1, .seq = i, .source = (uint8_t)(i / 2) }, KS_FRAME_MAX,
			   i % 2 == 0 ? KS_SHARD_MIN : KS_SHARD_MAX);
		ck_assert_int_eq(add(0, 0), KS_DROP_NONE);
	}
	ck_assert_uint_le(ks_assembler_memory(assembler) - empty, KS_ASSEMBLY_MAX * (KS_FRAME_MAX + KS_SHARD_MAX));
}
END_TEST

static Suite *assembler_suite(void)
{
	Suite *suite = suite_create("assembler");
	TCase *tc = tcase_create("assembler");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, any_k_shards_are_enough);
	tcase_add_test(tc, lossless_needs_no_repair);
	tcase_add_test(tc, duplicates_and_surplus);
	tcase_add_test(tc, older_ones_are_given_up_at_once);
	tcase_add_test(tc, tracks_do_not_disturb_each_other);
	tcase_add_test(tc, only_so_many_at_a_time);
	tcase_add_test(tc, only_so_many_tracks);
	tcase_add_test(tc, contradictions_are_refused);
	tcase_add_test(tc, memory_is_bounded);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return unit_run(assembler_suite());
}
