/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/load.h"

#include <math.h>
#include <stdlib.h>

#include "tests/unit/unit.h"

#define CAPACITY 1e6
#define LOOK_US (250 * KS_US_PER_MS)

static struct ks_load load;
static uint64_t bytes;
static int64_t now_us;

static void begin(void)
{
	load = (struct ks_load){ 0 };
	bytes = 5000;
	now_us = 1000 * KS_US_PER_S;
	ck_assert_int_eq(ks_load_look(&load, bytes, CAPACITY, now_us), KS_LOAD_FREE);
}

/* So much is sent, as a share of the capacity, for so long. */
static enum ks_load_stage send_for(double share, int64_t us)
{
	for (; us > 0; us -= LOOK_US) {
		now_us += LOOK_US;
		bytes += (uint64_t)(share * CAPACITY * (double)LOOK_US / (double)KS_US_PER_S);
		ks_load_look(&load, bytes, CAPACITY, now_us);
	}
	return load.stage;
}

START_TEST(the_rate_is_a_mean)
{
	send_for(0.5, 20 * KS_US_PER_S);
	ck_assert(fabs(load.bytes_per_s - 0.5 * CAPACITY) < 0.01 * CAPACITY);
	/* A burst of a moment is not a load. */
	send_for(2, LOOK_US);
	ck_assert_int_eq(load.stage, KS_LOAD_FREE);
}
END_TEST

/* Each stage at its share, none below it. */
START_TEST(where_stages_begin)
{
	static const double enter[] = { 0.80, 0.90, 0.95, 0.98 };

	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(send_for(enter[i] - 0.01, 20 * KS_US_PER_S), i);
		ck_assert_int_eq(send_for(enter[i] + 0.005, 20 * KS_US_PER_S), i + 1);
	}
	ck_assert_int_eq(send_for(3, 20 * KS_US_PER_S), KS_LOAD_REFUSE);
}
END_TEST

START_TEST(where_they_end)
{
	static const double leave[] = { 0.35, 0.40, 0.40, 0.85 };

	send_for(2, 20 * KS_US_PER_S);
	for (int i = 3; i >= 0; i--) {
		ck_assert_int_eq(send_for(leave[i] + 0.01, 20 * KS_US_PER_S), i + 1);
		/* The two in the middle end at the same load, one after the other. */
		while ((int)load.stage == i + 1)
			send_for(leave[i] - 0.01, LOOK_US);
		ck_assert_int_eq(load.stage, i);
	}
}
END_TEST

START_TEST(one_step_a_second)
{
	enum ks_load_stage before = KS_LOAD_FREE;
	int64_t stepped_us = 0;

	for (int i = 0; i < 100; i++) {
		enum ks_load_stage stage = send_for(i < 50 ? 10 : 0, LOOK_US);

		if (stage == before)
			continue;
		ck_assert_int_eq(abs((int)stage - (int)before), 1);
		ck_assert_int_ge(now_us - stepped_us, KS_LOAD_STEP_US);
		stepped_us = now_us;
		before = stage;
	}
	ck_assert_int_eq(before, KS_LOAD_FREE);
}
END_TEST

START_TEST(no_limit)
{
	send_for(2, 20 * KS_US_PER_S);
	ck_assert_int_eq(ks_load_look(&load, bytes, 0, now_us), KS_LOAD_FREE);
	bytes += 1000000000;
	now_us += LOOK_US;
	ck_assert_int_eq(ks_load_look(&load, bytes, 0, now_us), KS_LOAD_FREE);
}
END_TEST

/* Counters that began anew, and a clock that stands still. */
START_TEST(nothing_to_go_by)
{
	send_for(0.5, 20 * KS_US_PER_S);
	bytes = 0;
	send_for(0.5, LOOK_US);
	ck_assert_double_le(load.bytes_per_s, 0.51 * CAPACITY);
	ck_assert_int_eq(ks_load_look(&load, bytes + 1000000000, CAPACITY, now_us), KS_LOAD_FREE);
	ck_assert(isfinite(load.bytes_per_s));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("load");
	TCase *tcase = tcase_create("load");

	tcase_add_checked_fixture(tcase, begin, NULL);
	tcase_add_test(tcase, the_rate_is_a_mean);
	tcase_add_test(tcase, where_stages_begin);
	tcase_add_test(tcase, where_they_end);
	tcase_add_test(tcase, one_step_a_second);
	tcase_add_test(tcase, no_limit);
	tcase_add_test(tcase, nothing_to_go_by);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
