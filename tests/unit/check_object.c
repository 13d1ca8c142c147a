/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/object.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/frame/manifest.h"
#include "tests/unit/unit.h"

static struct ks_object object;
static struct ks_fec *fec;
static uint8_t bytes[KS_FRAME_MAX];
static const struct ks_data_header header = { .track = 7, .epoch = 1, .seq = 2, .source = 3 };

static void setup(void)
{
	ck_assert_int_eq(ks_fec_new(&fec, ks_fec_best()), KS_EOK);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31 + (i >> 9) + 1);
}

static void teardown(void)
{
	ks_object_free(&object);
	ks_fec_free(fec);
}

START_TEST(data_is_the_object_and_zeros)
{
	static const size_t lens[] = { 1, 1151, 1152, 1153, 98000, 400000, KS_FRAME_MAX };

	for (size_t l = 0; l < sizeof(lens) / sizeof(lens[0]); l++) {
		struct ks_object_size *size;
		size_t at = 0;

		ck_assert_int_eq(ks_object_set(&object, &header, bytes, lens[l], 100000), KS_EOK);
		ck_assert_uint_eq(object.header.object_len, lens[l]);
		size = ks_object_size(&object, 1152);
		ck_assert_ptr_nonnull(size);
		for (size_t block = 0; block < size->layout.nblocks; block++)
			for (size_t i = 0; i < ks_layout_k(&size->layout, block); i++) {
				const uint8_t *shard = ks_object_shard(&object, size, fec, block, i);
				size_t left = lens[l] - at < 1152 ? lens[l] - at : 1152;

				ck_assert_mem_eq(shard, bytes + at, left);
				for (size_t b = left; b < 1152; b++)
					ck_assert_uint_eq(shard[b], 0);
				at += left;
			}
		ck_assert_uint_eq(at, lens[l]);
	}
}
END_TEST

/* All parity of a block at once, as an oracle. */
static void check_parity(struct ks_object_size *size, size_t block)
{
	size_t k = ks_layout_k(&size->layout, block), m = KS_FEC_SHARDS_MAX - k, len = size->layout.shard_len;
	uint8_t *rows = calloc(m, len), *parity[KS_FEC_SHARDS_MAX];
	const uint8_t *data[KS_FEC_SHARDS_MAX];

	ck_assert_ptr_nonnull(rows);
	for (size_t i = 0; i < k; i++)
		data[i] = ks_object_shard(&object, size, fec, block, i);
	for (size_t i = 0; i < m; i++)
		parity[i] = rows + i * len;
	ks_fec_encode(fec, k, len, data, k, m, parity);
	/* From both ends to the middle. */
	for (size_t i = 0; i < m; i++) {
		size_t row = i % 2 == 0 ? i / 2 : m - 1 - i / 2;

		ck_assert_mem_eq(ks_object_shard(&object, size, fec, block, k + row), parity[row], len);
	}
	free(rows);
}

START_TEST(parity_is_made_when_it_is_wanted)
{
	static const size_t lens[] = { 1, 25000, 98000, 200000, 500000 };

	for (size_t l = 0; l < sizeof(lens) / sizeof(lens[0]); l++) {
		struct ks_object_size *size;
		size_t before;

		ck_assert_int_eq(ks_object_set(&object, &header, bytes, lens[l], 100000), KS_EOK);
		size = ks_object_size(&object, 1152);
		before = object.held;
		ks_object_shard(&object, size, fec, 0, KS_FEC_SHARDS_MAX - 1);
		ck_assert_uint_gt(object.held, before);
		ck_assert_uint_le(object.held, before + KS_OBJECT_ROWS * 1152);
		before = object.held;
		ks_object_shard(&object, size, fec, 0, KS_FEC_SHARDS_MAX - 1);
		ck_assert_uint_eq(object.held, before);
		for (size_t block = 0; block < size->layout.nblocks; block++)
			check_parity(size, block);
		/* It can be made again. */
		before = object.held - object.parity;
		ks_object_drop_parity(&object);
		ck_assert_uint_eq(object.held, before);
		ck_assert_uint_eq(object.parity, 0);
		for (size_t block = 0; block < size->layout.nblocks; block++)
			check_parity(size, block);
	}
}
END_TEST

START_TEST(sizes_do_not_disturb_each_other)
{
	static const size_t lens[KS_OBJECT_SIZES_MAX] = { 1384, 1152, 976, 528, 1300, 1200, 1100, 800 };
	struct ks_object_size *sizes[KS_OBJECT_SIZES_MAX];
	size_t held;

	ck_assert_int_eq(ks_object_set(&object, &header, bytes, 98000, 100000), KS_EOK);
	for (size_t s = 0; s < KS_OBJECT_SIZES_MAX; s++) {
		sizes[s] = ks_object_size(&object, lens[s]);
		ck_assert_ptr_nonnull(sizes[s]);
		ck_assert_uint_eq(sizes[s]->layout.shard_len, lens[s]);
	}
	ck_assert_ptr_null(ks_object_size(&object, 1000));
	for (size_t s = 0; s < KS_OBJECT_SIZES_MAX; s++) {
		ck_assert_ptr_eq(ks_object_size(&object, lens[s]), sizes[s]);
		check_parity(sizes[s], 0);
	}
	/* Until one is dropped, which gives its memory back. */
	held = object.held;
	ks_object_drop_size(&object, sizes[2]);
	ck_assert_uint_lt(object.held, held - 6 * lens[2]);
	ck_assert_ptr_eq(ks_object_size(&object, 1000), sizes[2]);
	check_parity(sizes[2], 0);
	check_parity(sizes[3], 0);
	/* The next object has room for others. */
	ck_assert_int_eq(ks_object_set(&object, &header, bytes, 98000, 100000), KS_EOK);
	ck_assert_ptr_nonnull(ks_object_size(&object, 1000));
}
END_TEST

START_TEST(limits)
{
	ck_assert_int_eq(ks_object_set(&object, &header, bytes, 5000, 100000), KS_EOK);
	ck_assert_int_eq(ks_object_set(&object, &header, bytes, 0, 100000), KS_ELIMIT);
	ck_assert_int_eq(ks_object_set(&object, &header, bytes, KS_FRAME_MAX + 1, 100000), KS_ELIMIT);
	ck_assert_uint_eq(object.len, 5000);	/* as before */
	ck_assert_ptr_null(ks_object_size(&object, KS_SHARD_MAX + 1));
	ck_assert_ptr_null(ks_object_size(&object, KS_SHARD_MIN - 1));
	ck_assert_ptr_nonnull(ks_object_size(&object, KS_SHARD_MAX));
}
END_TEST

static Suite *object_suite(void)
{
	Suite *suite = suite_create("object");
	TCase *tc = tcase_create("object");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, data_is_the_object_and_zeros);
	tcase_add_test(tc, parity_is_made_when_it_is_wanted);
	tcase_add_test(tc, sizes_do_not_disturb_each_other);
	tcase_add_test(tc, limits);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return unit_run(object_suite());
}
