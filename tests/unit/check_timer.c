/* SPDX-License-Identifier: Apache-2.0
 *
 * The wheel against a list that is searched from end to end, under a clock of the test's own.
 */
#include "mod_sentry/pump/timer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "tests/unit/unit.h"

#define TICK KS_TIMER_TICK_US
#define ROUND (TICK * KS_TIMER_SLOTS)
#define TIMERS 200
#define STEPS 5000

static struct ks_timers wheel;
static struct {
	struct ks_timer timer;
	bool set;
	int64_t due_us;
} timers[TIMERS];
static uint64_t seed;
static int64_t now_us;

/* Knuth's constants (The Art of Computer Programming, volume 2, 3.3.4); the same sequence wherever it runs. */
static uint64_t pick(uint64_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (seed >> 33) % below;
}

static void setup(void)
{
	now_us = 123456789;
	memset(timers, 0, sizeof(timers));
	ks_timers_init(&wheel, now_us);
}

static size_t count_set(void)
{
	size_t n = 0;

	for (size_t i = 0; i < TIMERS; i++)
		n += timers[i].set;
	return n;
}

/* What the wheel should have given back by now. */
static size_t count_late(void)
{
	size_t n = 0;

	for (size_t i = 0; i < TIMERS; i++)
		n += timers[i].set && timers[i].due_us <= now_us - 2 * TICK;
	return n;
}

/* All that the wheel has to say now: nothing early, and, as it is asked often enough, nothing more than two ticks late. */
static void take_all_due(void)
{
	struct ks_timer *timer;

	while ((timer = ks_timers_next(&wheel, now_us)) != NULL) {
		size_t i = (size_t)((char *)timer - (char *)timers) / sizeof(timers[0]);

		ck_assert_ptr_eq(timer, &timers[i].timer);
		ck_assert_msg(timers[i].set, "%zu ended, and is not set", i);
		ck_assert_int_le(timers[i].due_us, now_us);
		timers[i].set = false;
	}
	ck_assert_uint_eq(count_late(), 0);
	ck_assert_uint_eq(wheel.n, count_set());
}

/* Near, within the wheel, and beyond it; now and then in the past. */
static int64_t a_time(void)
{
	static const int64_t spans[] = { TICK, 10 * TICK, ROUND / 2, ROUND, 5 * ROUND };
	int64_t span = spans[pick(sizeof(spans) / sizeof(spans[0]))];

	return now_us - (pick(10) == 0 ? TICK : 0) + (int64_t)pick((uint64_t)span);
}

static void do_something(void)
{
	size_t i = pick(TIMERS);

	if (pick(5) == 0) {
		ks_timer_clear(&wheel, &timers[i].timer);
		timers[i].set = false;
	} else {
		timers[i].due_us = a_time();
		timers[i].set = true;
		ks_timer_set(&wheel, &timers[i].timer, timers[i].due_us);
	}
	ck_assert_uint_eq(wheel.n, count_set());
}

static void pass_time(void)
{
	static const int64_t steps[] = { 1, TICK / 3, TICK, 3 * TICK, ROUND - TICK, ROUND, ROUND + TICK, 7 * ROUND };

	/* Mostly little at a time. */
	now_us += steps[pick(10) > 0 ? pick(3) : pick(sizeof(steps) / sizeof(steps[0]))];
	take_all_due();
}

START_TEST(against_a_list)
{
	seed = (uint64_t)_i + 1;
	for (unsigned step = 0; step < STEPS; step++) {
		for (uint64_t n = pick(6); n > 0; n--)
			do_something();
		pass_time();
	}
	/* None is lost. */
	now_us += 6 * ROUND;
	take_all_due();
	ck_assert_uint_eq(count_set(), 0);
	for (size_t i = 0; i < KS_TIMER_SLOTS; i++)
		ck_assert_ptr_null(wheel.slots[i]);
}
END_TEST

START_TEST(a_deadline_that_moves_away)
{
	timers[0].set = true;
	for (int64_t i = 0; i < 3 * KS_TIMER_SLOTS; i++) {
		timers[0].due_us = now_us + 10 * TICK;
		ks_timer_set(&wheel, &timers[0].timer, timers[0].due_us);
		now_us += TICK;
		take_all_due();
		ck_assert(timers[0].set);
	}
	now_us += 11 * TICK;
	take_all_due();
	ck_assert(!timers[0].set);
}
END_TEST

START_TEST(a_deadline_that_comes_nearer)
{
	timers[0].set = true;
	timers[0].due_us = now_us + 3 * ROUND;
	ks_timer_set(&wheel, &timers[0].timer, timers[0].due_us);
	timers[0].due_us = now_us + 3 * TICK;
	ks_timer_set(&wheel, &timers[0].timer, timers[0].due_us);
	now_us += 5 * TICK;
	take_all_due();
	ck_assert(!timers[0].set);
}
END_TEST

START_TEST(at_each_distance)
{
	for (int64_t ticks = 0; ticks < 2 * KS_TIMER_SLOTS + 3; ticks += ticks % 341 < 3 ? 1 : 97) {
		timers[0].set = true;
		timers[0].due_us = now_us + ticks * TICK;
		ks_timer_set(&wheel, &timers[0].timer, timers[0].due_us);
		while (timers[0].set) {
			now_us += TICK;
			take_all_due();
		}
	}
}
END_TEST

START_TEST(a_sleep_of_any_length)
{
	for (int64_t ticks = 1; ticks < 3 * KS_TIMER_SLOTS; ticks += 7) {
		for (size_t i = 0; i < TIMERS; i++) {
			timers[i].set = true;
			timers[i].due_us = now_us + (int64_t)i * ROUND / 50;
			ks_timer_set(&wheel, &timers[i].timer, timers[i].due_us);
		}
		now_us += ticks * TICK;
		take_all_due();
	}
}
END_TEST

/* Who sets it again when it ends is not called again in the same turn. */
START_TEST(set_again_when_it_ends)
{
	struct ks_timer timer = { 0 };
	unsigned ended = 0;

	ks_timer_set(&wheel, &timer, now_us);
	for (unsigned i = 0; i < 100; i++) {
		now_us += 2 * TICK;
		while (ks_timers_next(&wheel, now_us) != NULL) {
			ended++;
			ks_timer_set(&wheel, &timer, now_us);
		}
	}
	ck_assert_uint_eq(ended, 100);
}
END_TEST

START_TEST(cleared_twice)
{
	struct ks_timer timer = { 0 };

	ks_timer_clear(&wheel, &timer);
	ks_timer_set(&wheel, &timer, now_us);
	ks_timer_clear(&wheel, &timer);
	ks_timer_clear(&wheel, &timer);
	ck_assert_uint_eq(wheel.n, 0);
	ck_assert_ptr_null(ks_timers_next(&wheel, now_us + 3 * ROUND));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("timer");
	TCase *wheel_case = tcase_create("wheel");

	tcase_add_checked_fixture(wheel_case, setup, NULL);
	tcase_set_timeout(wheel_case, 60);
	tcase_add_loop_test(wheel_case, against_a_list, 0, 8);
	tcase_add_test(wheel_case, a_deadline_that_moves_away);
	tcase_add_test(wheel_case, a_deadline_that_comes_nearer);
	tcase_add_test(wheel_case, at_each_distance);
	tcase_add_test(wheel_case, a_sleep_of_any_length);
	tcase_add_test(wheel_case, set_again_when_it_ends);
	tcase_add_test(wheel_case, cleared_twice);
	suite_add_tcase(suite, wheel_case);
	return unit_run(suite);
}
