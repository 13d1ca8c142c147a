/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/layout.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/frame/manifest.h"
#include "lib/wire/datagram.h"
#include "lib/wire/fec.h"
#include "tests/unit/unit.h"

static const size_t shard_lens[] = { KS_SHARD_MIN, 976, 1152, KS_SHARD_MAX };
static const uint32_t losses[] = { 0, 20000, 50000, 100000, 200000, 300000, 500000 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void for_each_layout(void (*check)(const struct ks_layout *layout, uint32_t loss_ppm))
{
	for (size_t s = 0; s < COUNT(shard_lens); s++)
		for (size_t l = 0; l < COUNT(losses); l++)
			for (size_t len = 1; len <= KS_FRAME_MAX; len = len < KS_FRAME_MAX && len * 3 + 7 > KS_FRAME_MAX
									? KS_FRAME_MAX : len * 3 + 7) {
				struct ks_layout layout;

				ck_assert_int_eq(ks_layout_plan(&layout, len, shard_lens[s], losses[l]), KS_EOK);
				ck_assert_uint_eq(layout.object_len, len);
				check(&layout, losses[l]);
			}
}

static size_t parity(const struct ks_layout *layout, uint32_t loss_ppm)
{
	return ks_layout_parity(layout, loss_ppm, KS_CHANCE_9999);
}

static void check_partition(const struct ks_layout *layout, uint32_t loss_ppm)
{
	size_t sum = 0;
	struct ks_layout theirs;

	for (size_t block = 0; block < layout->nblocks; block++) {
		ck_assert_uint_eq(ks_layout_first(layout, block), sum);
		ck_assert_uint_gt(ks_layout_k(layout, block), 0);
		ck_assert_uint_lt(ks_layout_k(layout, block) + parity(layout, loss_ppm), KS_FEC_SHARDS_MAX);
		sum += ks_layout_k(layout, block);
	}
	ck_assert_uint_eq(sum, layout->shards);
	ck_assert_uint_ge(layout->shards * layout->shard_len, layout->object_len);
	ck_assert_uint_lt((layout->shards - 1) * layout->shard_len, layout->object_len);
	ck_assert_uint_le(layout->k_large - layout->k_small, 1);

	ck_assert_int_eq(ks_layout_of(&theirs, layout->object_len, layout->shard_len, layout->nblocks), KS_DROP_NONE);
	ck_assert_mem_eq(&theirs, layout, sizeof(theirs));
}

START_TEST(blocks_are_equal_and_fit_the_code)
{
	for_each_layout(check_partition);
}
END_TEST

static void check_order(const struct ks_layout *layout, bool from_top, size_t m)
{
	static bool seen[KS_BLOCKS_MAX][KS_FEC_SHARDS_MAX];
	size_t n = layout->shards + m * layout->nblocks;

	memset(seen, 0, sizeof(seen));
	for (size_t i = 0; i < n; i++) {
		size_t block, shard, k;

		ks_layout_at(layout, i, from_top, &block, &shard);
		ck_assert_uint_lt(block, layout->nblocks);
		k = ks_layout_k(layout, block);
		ck_assert(!seen[block][shard]);
		seen[block][shard] = true;
		ck_assert((shard < k) == (i < layout->shards));
		if (shard >= k && from_top)
			ck_assert_uint_ge(shard, KS_FEC_SHARDS_MAX - m);
		else if (shard >= k)
			ck_assert_uint_lt(shard, k + m);
		/* Neighbours are of neighbouring blocks: a burst is shared by all. */
		ck_assert_uint_eq(block, (i < layout->shards ? i : i - layout->shards) % layout->nblocks);
	}
	for (size_t block = 0; block < layout->nblocks; block++)
		for (size_t shard = 0; shard < ks_layout_k(layout, block); shard++)
			ck_assert(seen[block][shard]);
}

static void check_orders(const struct ks_layout *layout, uint32_t loss_ppm)
{
	check_order(layout, false, parity(layout, loss_ppm));
	check_order(layout, true, parity(layout, loss_ppm));
}

START_TEST(every_shard_is_sent_once_and_blocks_take_turns)
{
	for_each_layout(check_orders);
}
END_TEST

START_TEST(the_two_orders_begin_at_opposite_ends)
{
	struct ks_layout layout;

	ck_assert_int_eq(ks_layout_plan(&layout, 100 * 1152, 1152, 100000), KS_EOK);
	ck_assert_uint_eq(layout.nblocks, 1);
	ck_assert_uint_eq(ks_layout_shard(&layout, 0, 0, false), 0);
	ck_assert_uint_eq(ks_layout_shard(&layout, 0, 99, false), 99);
	ck_assert_uint_eq(ks_layout_shard(&layout, 0, 100, false), 100);
	ck_assert_uint_eq(ks_layout_shard(&layout, 0, 254, false), 254);
	ck_assert_uint_eq(ks_layout_shard(&layout, 0, 255, false), 0);
	ck_assert_uint_eq(ks_layout_shard(&layout, 0, 0, true), 99);
	ck_assert_uint_eq(ks_layout_shard(&layout, 0, 99, true), 0);
	ck_assert_uint_eq(ks_layout_shard(&layout, 0, 100, true), 254);
	ck_assert_uint_eq(ks_layout_shard(&layout, 0, 254, true), 100);
	ck_assert_uint_eq(ks_layout_shard(&layout, 0, 255, true), 99);
}
END_TEST

START_TEST(parents_that_expect_little_loss_cut_alike)
{
	struct ks_layout a, b;

	for (size_t len = 1; len < KS_FRAME_MAX; len += 9973) {
		ck_assert_int_eq(ks_layout_plan(&a, len, 1152, 0), KS_EOK);
		ck_assert_int_eq(ks_layout_plan(&b, len, 1152, KS_LAYOUT_LOSS_PPM), KS_EOK);
		ck_assert_mem_eq(&a, &b, sizeof(a));
	}
}
END_TEST

static double block_loss(size_t k, size_t m, double p)
{
	double sum = 0, n = (double)(k + m);

	for (size_t lost = m + 1; lost <= k + m; lost++) {
		double l = (double)lost;

		sum += exp(lgamma(n + 1) - lgamma(l + 1) - lgamma(n - l + 1) + l * log(p) + (n - l) * log1p(-p));
	}
	return sum;
}

static void check_arrival(const struct ks_layout *layout, uint32_t loss_ppm)
{
	/* The formula is a fit for losses up to 30 %; above, small objects fall somewhat short. */
	double lost = 0, most = loss_ppm <= 300000 ? 1e-4 : 1e-3;

	if (loss_ppm == 0)
		return;
	for (size_t block = 0; block < layout->nblocks; block++)
		lost += block_loss(ks_layout_k(layout, block), parity(layout, loss_ppm), loss_ppm / 1e6);
	ck_assert_msg(lost <= most, "%zu bytes in %zu shards, %zu blocks, m=%zu, loss %u: %g are lost",
		      layout->object_len, layout->shards, layout->nblocks, parity(layout, loss_ppm), loss_ppm, lost);
}

START_TEST(objects_of_any_size_arrive)
{
	for_each_layout(check_arrival);
}
END_TEST

START_TEST(limits)
{
	struct ks_layout layout;

	ck_assert_int_eq(ks_layout_plan(&layout, 0, 1152, 0), KS_ELIMIT);
	ck_assert_int_eq(ks_layout_plan(&layout, KS_FRAME_MAX + 1, 1152, 0), KS_ELIMIT);
	ck_assert_int_eq(ks_layout_plan(&layout, 1, KS_SHARD_MIN - 1, 0), KS_ELIMIT);
	ck_assert_int_eq(ks_layout_plan(&layout, 1, KS_SHARD_MAX + 1, 0), KS_ELIMIT);

	ck_assert_int_eq(ks_layout_of(&layout, 1000, 1152, 0), KS_DROP_MALFORMED);
	ck_assert_int_eq(ks_layout_of(&layout, 0, 1152, 1), KS_DROP_MALFORMED);
	ck_assert_int_eq(ks_layout_of(&layout, 1000, 1152, 2), KS_DROP_MALFORMED);	/* a block without data */
	ck_assert_int_eq(ks_layout_of(&layout, 255 * 1152, 1152, 1), KS_DROP_MALFORMED);
	ck_assert_int_eq(ks_layout_of(&layout, 254 * 1152, 1152, 1), KS_DROP_NONE);
	ck_assert_int_eq(ks_layout_of(&layout, 1000, KS_SHARD_MIN - 1, 1), KS_DROP_MALFORMED);
	ck_assert_int_eq(ks_layout_of(&layout, 1000, KS_SHARD_MAX + 1, 1), KS_DROP_MALFORMED);
	ck_assert_int_eq(ks_layout_of(&layout, KS_FRAME_MAX + 1, 1152, 20), KS_DROP_LIMIT);
	ck_assert_int_eq(ks_layout_of(&layout, KS_FRAME_MAX, KS_SHARD_MIN, KS_BLOCKS_MAX + 1), KS_DROP_LIMIT);
}
END_TEST

static Suite *layout_suite(void)
{
	Suite *suite = suite_create("layout");
	TCase *tc = tcase_create("layout");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, blocks_are_equal_and_fit_the_code);
	tcase_add_test(tc, every_shard_is_sent_once_and_blocks_take_turns);
	tcase_add_test(tc, the_two_orders_begin_at_opposite_ends);
	tcase_add_test(tc, parents_that_expect_little_loss_cut_alike);
	tcase_add_test(tc, objects_of_any_size_arrive);
	tcase_add_test(tc, limits);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return unit_run(layout_suite());
}
