/* SPDX-License-Identifier: Apache-2.0 */
#include "koshienctl/holding.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/store/store.h"
#include "tests/unit/stamped.h"
#include "tests/unit/unit.h"

#define START_US (INT64_C(1790000000) * KS_US_PER_S)

static const char *dir;
static int64_t now_us;
static int64_t wall_ahead_us;	/* of the monotonic clock, which starts at the same value */
static uint8_t *bytes;
static struct ks_holdings holdings;

static int64_t told_us(void *ctx)
{
	(void)ctx;
	return now_us;
}

static int64_t told_wall_us(void *ctx)
{
	return told_us(ctx) + wall_ahead_us;
}

static const struct ks_clock told = { told_wall_us, told_us, NULL };

static void set_up(void)
{
	dir = unit_tmpdir();
	now_us = START_US;
	wall_ahead_us = 0;
	bytes = malloc(KS_FRAME_MAX);
	ck_assert_ptr_nonnull(bytes);
}

static void tear_down(void)
{
	ks_holdings_free(&holdings);
	free(bytes);
}

static struct ks_store_writer *writer(const char *channel, const char *rendition)
{
	struct ks_store_shape shape = { 16, KS_STORE_BYTES_MIN };
	struct ks_store_writer *w;

	ck_assert_int_eq(ks_store_writer_open(&w, dir, channel, rendition, &shape, &told), KS_EOK);
	return w;
}

static struct ks_frame publish(struct ks_store_writer *w, uint32_t seq)
{
	struct ks_frame frame = stamped_frame(bytes, (struct ks_frame_id){ 1, seq }, now_us);

	ck_assert_int_eq(ks_store_publish(w, &frame), KS_EOK);
	return frame;
}

static void read_all(const char *channel, const char *rendition)
{
	ks_holdings_free(&holdings);
	ck_assert_int_eq(ks_holdings_read(&holdings, dir, channel, rendition, &told), KS_EOK);
}

START_TEST(no_store)
{
	char path[4200];

	read_all(NULL, NULL);
	ck_assert_uint_eq(holdings.n, 0);
	snprintf(path, sizeof(path), "%s/missing", dir);
	ck_assert_int_eq(ks_holdings_read(&holdings, path, NULL, NULL, &told), -ENOENT);
}
END_TEST

START_TEST(life_of_a_store)
{
	struct ks_store_writer *w = writer("main", "std");
	struct ks_frame frame;

	read_all(NULL, NULL);
	ck_assert_uint_eq(holdings.n, 1);
	ck_assert_int_eq(holdings.all[0].state, KS_HOLDING_EMPTY);

	publish(w, 1);
	now_us += KS_US_PER_S;
	frame = publish(w, 2);
	now_us += KS_HOLDING_STALE_PERIODS * STAMPED_PERIOD_MS * KS_US_PER_MS;
	ks_store_beat(w);
	read_all(NULL, NULL);
	ck_assert_int_eq(holdings.all[0].state, KS_HOLDING_LIVE);
	ck_assert_uint_eq(holdings.all[0].frames, 2);
	ck_assert_uint_eq(holdings.all[0].newest.id.seq, 2);
	ck_assert_uint_eq(holdings.all[0].bytes, 2 * (uint64_t)frame.m.length);
	ck_assert_int_eq(holdings.all[0].writer_age_us, 0);
	ck_assert_int_eq(holdings.all[0].age_us, 3 * KS_US_PER_S);

	now_us += 1;
	read_all(NULL, NULL);
	ck_assert_int_eq(holdings.all[0].state, KS_HOLDING_STALE);

	now_us += KS_HOLDING_DEAD_US;
	ks_store_beat(w);
	read_all(NULL, NULL);
	ck_assert_int_eq(holdings.all[0].state, KS_HOLDING_DEAD);

	now_us += KS_HOLDING_BEAT_MAX_US + 1;
	read_all(NULL, NULL);
	ck_assert_int_eq(holdings.all[0].state, KS_HOLDING_ORPHANED);
	ck_assert_uint_eq(holdings.all[0].frames, 2);
	ks_store_writer_close(w);
}
END_TEST

START_TEST(clocks_that_disagree)
{
	struct ks_store_writer *w = writer("main", "std");

	publish(w, 1);
	wall_ahead_us = 3600 * KS_US_PER_S;
	read_all(NULL, NULL);
	ck_assert_int_eq(holdings.all[0].state, KS_HOLDING_LIVE);
	ck_assert_int_eq(holdings.all[0].held_us, 0);
	ck_assert_int_eq(holdings.all[0].age_us, 3600 * KS_US_PER_S);
	ks_store_writer_close(w);
}
END_TEST

START_TEST(garbage_beside_a_good_one)
{
	struct ks_store_writer *w = writer("main", "std");
	char path[4200];
	FILE *file;

	publish(w, 1);
	snprintf(path, sizeof(path), "%s/main.low.frames", dir);
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fputs("this is no store", file);
	fclose(file);
	read_all("main", NULL);
	ck_assert_uint_eq(holdings.n, 2);
	ck_assert_str_eq(holdings.all[0].rendition, "low");
	ck_assert_int_eq(holdings.all[0].state, KS_HOLDING_UNREADABLE);
	ck_assert_int_ne(holdings.all[0].err, KS_EOK);
	ck_assert_int_eq(holdings.all[1].state, KS_HOLDING_LIVE);
	ks_store_writer_close(w);
}
END_TEST

START_TEST(narrowed_and_sorted)
{
	struct ks_store_writer *w[] = { writer("main", "std"), writer("away", "std"), writer("main", "high") };

	read_all(NULL, NULL);
	ck_assert_uint_eq(holdings.n, 3);
	ck_assert_str_eq(holdings.all[0].channel, "away");
	ck_assert_str_eq(holdings.all[1].rendition, "high");
	read_all("main", NULL);
	ck_assert_uint_eq(holdings.n, 2);
	read_all("main", "std");
	ck_assert_uint_eq(holdings.n, 1);
	read_all("none", NULL);
	ck_assert_uint_eq(holdings.n, 0);
	for (size_t i = 0; i < 3; i++)
		ks_store_writer_close(w[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("holding");
	TCase *tc = tcase_create("holding");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, no_store);
	tcase_add_test(tc, life_of_a_store);
	tcase_add_test(tc, clocks_that_disagree);
	tcase_add_test(tc, garbage_beside_a_good_one);
	tcase_add_test(tc, narrowed_and_sorted);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
