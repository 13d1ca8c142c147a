/* SPDX-License-Identifier: Apache-2.0 */
#include "koshienctl/tally.h"

#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "tests/unit/unit.h"

static struct ks_tally tally;

static void set_up(void)
{
	ck_assert_int_eq(ks_tally_init(&tally), KS_EOK);
}

static void tear_down(void)
{
	ks_tally_free(&tally);
}

static void picture(uint32_t epoch, uint32_t seq, int64_t age_ms, int64_t at_ms)
{
	struct ks_picture p = { { epoch, seq }, (at_ms - age_ms) * KS_US_PER_MS };

	ks_tally_picture(&tally, &p, age_ms * KS_US_PER_MS, at_ms * KS_US_PER_MS);
}

START_TEST(nothing_seen)
{
	ck_assert_int_eq(ks_tally_age_us(&tally, 0.5), 0);
	ck_assert_int_eq(ks_tally_mean_age_us(&tally, 1000), 0);
	ck_assert_int_eq(ks_tally_gap_us(&tally, 1000), 0);
	ck_assert(ks_tally_share(&tally, "relay-a") == 0);
}
END_TEST

START_TEST(new_and_backwards)
{
	picture(5, 1, 100, 1000);
	picture(5, 2, 100, 2000);
	picture(5, 2, 300, 2200);	/* the same again */
	picture(5, 1, 900, 2400);
	picture(5, 3, 100, 3000);
	ck_assert_uint_eq(tally.frames, 5);
	ck_assert_uint_eq(tally.distinct, 3);
	ck_assert_uint_eq(tally.backwards, 2);
	ck_assert_uint_eq(tally.newest.id.seq, 3);
}
END_TEST

START_TEST(another_source)
{
	picture(9, 100, 100, 1000);
	picture(7, 5, 100, 2000);	/* lower epoch, later picture: the standby took over */
	picture(7, 4, 1900, 2100);	/* but within a source the number decides */
	picture(9, 99, 5000, 2200);
	ck_assert_uint_eq(tally.distinct, 3);
	ck_assert_uint_eq(tally.backwards, 1);
}
END_TEST

START_TEST(gaps)
{
	picture(1, 1, 0, 5000);
	picture(1, 2, 0, 6000);
	picture(1, 3, 0, 7500);
	picture(1, 3, 0, 8400);		/* not new, so that the gap goes on */
	ck_assert_int_eq(ks_tally_gap_us(&tally, 8000 * KS_US_PER_MS), 1500 * KS_US_PER_MS);
	ck_assert_int_eq(ks_tally_gap_us(&tally, 9500 * KS_US_PER_MS), 2000 * KS_US_PER_MS);
	picture(1, 4, 0, 9900);
	ck_assert_int_eq(ks_tally_gap_us(&tally, 9900 * KS_US_PER_MS), 2400 * KS_US_PER_MS);
}
END_TEST

START_TEST(percentiles)
{
	for (int i = 100; i >= 1; i--)
		picture(1, (uint32_t)(101 - i), i, 1000 + i);
	ck_assert_int_eq(ks_tally_age_us(&tally, 0.5), 50 * KS_US_PER_MS);
	ck_assert_int_eq(ks_tally_age_us(&tally, 0.99), 99 * KS_US_PER_MS);
	ck_assert_int_eq(ks_tally_age_us(&tally, 1), 100 * KS_US_PER_MS);
	ck_assert_int_eq(ks_tally_age_us(&tally, 0), 1 * KS_US_PER_MS);
}
END_TEST

/* A fair sample of a ramp has the ramp's median; 3 points are 15 standard deviations here. */
START_TEST(more_ages_than_are_kept)
{
	uint32_t n = 4 * KS_TALLY_AGES_MAX;

	for (uint32_t i = 1; i <= n; i++)
		picture(1, i, i, 2 * (int64_t)i);
	ck_assert_uint_eq(tally.n_ages, KS_TALLY_AGES_MAX);
	ck_assert_int_gt(ks_tally_age_us(&tally, 0.5), n * 47 / 100 * KS_US_PER_MS);
	ck_assert_int_lt(ks_tally_age_us(&tally, 0.5), n * 53 / 100 * KS_US_PER_MS);
}
END_TEST

/* Shown from 1 s on at age 200 ms until 2 s, then at 400 ms until 4 s: (0.7 · 1 + 1.4 · 2) / 3 s. */
START_TEST(age_on_the_screen)
{
	picture(1, 1, 200, 1000);
	ck_assert_int_eq(ks_tally_mean_age_us(&tally, 1000 * KS_US_PER_MS), 200 * KS_US_PER_MS);
	picture(1, 2, 400, 2000);
	ck_assert_int_eq(ks_tally_mean_age_us(&tally, 4000 * KS_US_PER_MS), 3500000 / 3);
}
END_TEST

START_TEST(shares)
{
	for (int i = 0; i < 10; i++)
		ks_tally_response(&tally, i < 7 ? "relay-a" : i < 9 ? "relay-b" : "", 100);
	ks_tally_empty(&tally);
	ck_assert_uint_eq(tally.responses, 10);
	ck_assert_uint_eq(tally.bytes, 1000);
	ck_assert(ks_tally_share(&tally, "relay-a") == 0.7);
	ck_assert(ks_tally_share(&tally, "relay-b") == 0.2);
	ck_assert(ks_tally_share(&tally, KS_TALLY_UNNAMED) == 0.1);
}
END_TEST

START_TEST(more_servers_than_are_named)
{
	char name[32];

	for (int i = 0; i < 10 * KS_TALLY_SERVERS_MAX; i++) {
		snprintf(name, sizeof(name), "relay-%d", i);
		ks_tally_response(&tally, name, 0);
	}
	ck_assert_uint_eq(tally.n_served, KS_TALLY_SERVERS_MAX);
	ck_assert_str_eq(tally.served[KS_TALLY_SERVERS_MAX - 1].name, KS_TALLY_OTHERS);
	ck_assert_uint_eq(tally.served[KS_TALLY_SERVERS_MAX - 1].n, 9 * KS_TALLY_SERVERS_MAX + 1);
}
END_TEST

START_TEST(bad_by_reason)
{
	ks_tally_bad(&tally, KS_PICTURE_ETAG);
	ks_tally_bad(&tally, KS_PICTURE_CUT);
	ks_tally_bad(&tally, KS_PICTURE_CUT);
	ck_assert_uint_eq(tally.bad, 3);
	ck_assert_uint_eq(tally.bad_by[KS_PICTURE_CUT], 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tally");
	TCase *tc = tcase_create("tally");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, nothing_seen);
	tcase_add_test(tc, new_and_backwards);
	tcase_add_test(tc, another_source);
	tcase_add_test(tc, gaps);
	tcase_add_test(tc, percentiles);
	tcase_add_test(tc, more_ages_than_are_kept);
	tcase_add_test(tc, age_on_the_screen);
	tcase_add_test(tc, shares);
	tcase_add_test(tc, more_servers_than_are_named);
	tcase_add_test(tc, bad_by_reason);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
