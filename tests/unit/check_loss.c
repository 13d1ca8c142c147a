/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/loss.h"

#include <stdlib.h>

#include "lib/wire/sender.h"
#include "tests/unit/unit.h"

#define S KS_US_PER_S

static struct ks_loss loss;
static uint64_t random_state;

static uint32_t random_u32(void)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(random_state >> 32);
}

static void setup(void)
{
	random_state = 20100807;
	ks_loss_init(&loss, KS_LOSS_DEFAULT_PPM);
}

/* Reports of n datagrams of which each is lost with this probability. */
static void report(uint32_t n, uint32_t ppm, int times)
{
	for (int t = 0; t < times; t++) {
		uint32_t received = 0;

		for (uint32_t i = 0; i < n; i++)
			received += random_u32() % 1000000 >= ppm;
		ks_loss_report(&loss, n, received);
	}
}

START_TEST(before_the_first_report_it_is_what_was_said)
{
	ck_assert_uint_eq(ks_loss_mean_ppm(&loss), KS_LOSS_DEFAULT_PPM);
	ck_assert_uint_eq(ks_loss_high_ppm(&loss), KS_LOSS_DEFAULT_PPM);
	ck_assert_uint_eq(ks_loss_recent_ppm(&loss), 0);
	ks_loss_report(&loss, 0, 0);
	ck_assert_uint_eq(ks_loss_high_ppm(&loss), KS_LOSS_DEFAULT_PPM);
}
END_TEST

START_TEST(the_first_report_counts_at_once)
{
	ks_loss_report(&loss, 100, 70);
	ck_assert_uint_ge(ks_loss_mean_ppm(&loss), 270000);
	ck_assert_uint_le(ks_loss_mean_ppm(&loss), 300000);
	setup();
	ks_loss_report(&loss, 100, 100);
	ck_assert_uint_eq(ks_loss_mean_ppm(&loss), KS_LOSS_FLOOR_PPM);
}
END_TEST

START_TEST(mean_and_above)
{
	static const uint32_t losses[] = { 50000, 100000, 200000, 300000 };

	for (size_t l = 0; l < sizeof(losses) / sizeof(losses[0]); l++) {
		uint32_t over = 0;

		for (int run = 0; run < 200; run++) {
			ks_loss_init(&loss, KS_LOSS_DEFAULT_PPM);
			report(220, losses[l], KS_LOSS_REPORTS);
			/* Five deviations of 2200 datagrams at 30 %. */
			ck_assert_int_le(labs((long)ks_loss_mean_ppm(&loss) - (long)losses[l]), 50000);
			ck_assert_uint_lt(ks_loss_high_ppm(&loss), losses[l] + 100000);
			over += ks_loss_high_ppm(&loss) >= losses[l];
		}
		ck_assert_uint_ge(over, 190);	/* two deviations: 195 */
	}
}
END_TEST

START_TEST(bursts_widen_the_margin)
{
	uint32_t even, bursty;

	for (int i = 0; i < KS_LOSS_REPORTS; i++)
		ks_loss_report(&loss, 100, 90);
	even = ks_loss_high_ppm(&loss);
	setup();
	for (int i = 0; i < KS_LOSS_REPORTS; i++)
		ks_loss_report(&loss, 100, i % 5 == 0 ? 50 : 100);
	bursty = ks_loss_high_ppm(&loss);
	ck_assert_uint_lt(even, 130000);
	ck_assert_uint_gt(bursty, 400000);
	ck_assert_int_le(labs((long)ks_loss_mean_ppm(&loss) - 100000), 1000);
}
END_TEST

START_TEST(what_is_old_is_forgotten)
{
	report(100, 400000, 30);
	report(100, 0, KS_LOSS_RECENT);
	ck_assert_uint_eq(ks_loss_recent_ppm(&loss), 0);
	ck_assert_uint_gt(ks_loss_mean_ppm(&loss), 150000);
	report(100, 0, KS_LOSS_REPORTS - KS_LOSS_RECENT);
	ck_assert_uint_eq(ks_loss_mean_ppm(&loss), KS_LOSS_FLOOR_PPM);
}
END_TEST

START_TEST(bounds)
{
	/* More than was expected: late ones of the report before. */
	ks_loss_report(&loss, 10, 20);
	ck_assert_uint_le(ks_loss_mean_ppm(&loss), 50000);
	for (int i = 0; i < KS_LOSS_REPORTS; i++)
		ks_loss_report(&loss, UINT32_MAX, 0);
	ck_assert_uint_eq(ks_loss_mean_ppm(&loss), KS_LOSS_CEILING_PPM);
	ck_assert_uint_eq(ks_loss_high_ppm(&loss), KS_LOSS_CEILING_PPM);
	ck_assert_uint_eq(ks_loss_recent_ppm(&loss), 1000000);
}
END_TEST

/* One report a second; returns when the state becomes another one, or -1. */
static int64_t until_change(struct ks_breaker *breaker, uint32_t ppm, int64_t from_s, int64_t to_s)
{
	enum ks_breaker_state before = breaker->state;

	for (int64_t s = from_s; s <= to_s; s++) {
		ks_breaker_report(breaker, ppm, (1000 + s) * S);
		if (breaker->state != before)
			return s;
	}
	return -1;
}

START_TEST(breaker_opens_and_comes_back_step_by_step)
{
	struct ks_breaker breaker = { 0 };

	ck_assert_int_eq(until_change(&breaker, 300000, 0, 100), -1);
	ck_assert_int_eq(until_change(&breaker, 310000, 101, 200), 111);
	ck_assert_int_eq(breaker.state, KS_BREAKER_HALF);
	ck_assert_int_eq(until_change(&breaker, 310000, 112, 300), -1);
	ck_assert_int_eq(until_change(&breaker, 510000, 301, 400), 331);
	ck_assert_int_eq(breaker.state, KS_BREAKER_PROBE);
	ck_assert_int_eq(until_change(&breaker, 510000, 332, 400), -1);
	ck_assert_int_eq(until_change(&breaker, 10000, 401, 500), 411);
	ck_assert_int_eq(breaker.state, KS_BREAKER_HALF);
	ck_assert_int_eq(until_change(&breaker, 10000, 412, 500), 422);
	ck_assert_int_eq(breaker.state, KS_BREAKER_CLOSED);
	ck_assert_int_eq(until_change(&breaker, 10000, 423, 500), -1);
}
END_TEST

START_TEST(breaker_wants_it_to_last)
{
	struct ks_breaker breaker = { 0 };

	for (int64_t s = 0; s < 200; s += 10) {
		ck_assert_int_eq(until_change(&breaker, 900000, s, s + 8), -1);
		ck_assert_int_eq(until_change(&breaker, 100000, s + 9, s + 9), -1);
	}
}
END_TEST

static Suite *loss_suite(void)
{
	Suite *suite = suite_create("loss");
	TCase *tc = tcase_create("loss");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, before_the_first_report_it_is_what_was_said);
	tcase_add_test(tc, the_first_report_counts_at_once);
	tcase_add_test(tc, mean_and_above);
	tcase_add_test(tc, bursts_widen_the_margin);
	tcase_add_test(tc, what_is_old_is_forgotten);
	tcase_add_test(tc, bounds);
	tcase_add_test(tc, breaker_opens_and_comes_back_step_by_step);
	tcase_add_test(tc, breaker_wants_it_to_last);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return unit_run(loss_suite());
}
