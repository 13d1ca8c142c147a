/* SPDX-License-Identifier: Apache-2.0
 *
 * What several processes found becomes one report, which says when it must not be believed.
 */
#include "bench/audience/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "tests/unit/unit.h"

#define PROCESSES 2

static struct swarm_shared *shared;
static struct swarm_run run;
static struct swarm_report report;

static void set_up(void)
{
	static char mode[] = "wait";

	shared = calloc(1, sizeof(*shared) + PROCESSES * sizeof(shared->of[0]));
	ck_assert_ptr_nonnull(shared);
	run = (struct swarm_run){ .o = { .mode = mode, .processes = PROCESSES } };
	for (int p = 0; p < PROCESSES; p++) {
		struct swarm_result *result = &shared->of[p];

		result->window_us = 10 * KS_US_PER_S;
		result->cpu_us = KS_US_PER_S;
		result->present = 3;
		result->tally[SWARM_WATCHER].count[SWARM_PICTURES] = 30;
		for (int i = 0; i < 1000; i++)
			swarm_histogram_add(&result->slip, 100);
	}
}

static void tear_down(void)
{
	free(shared);
}

START_TEST(sums)
{
	swarm_report_make(&report, &run, shared);
	ck_assert_uint_eq(report.sum.tally[SWARM_WATCHER].count[SWARM_PICTURES], 60);
	ck_assert_uint_eq(report.sum.present, 6);
	ck_assert_int_eq(report.sum.window_us, 10 * KS_US_PER_S);
	ck_assert_int_eq(report.sum.cpu_us, 2 * KS_US_PER_S);
	ck_assert(report.cpu_share > 0.099 && report.cpu_share < 0.101);
	ck_assert_str_eq(report.doubt, "");
	ck_assert(swarm_report_judge(&report, &run));
}
END_TEST

/* One process that has no core left is enough. */
START_TEST(out_of_cpu)
{
	shared->of[1].cpu_us = 91 * KS_US_PER_S / 10;
	swarm_report_make(&report, &run, shared);
	ck_assert_ptr_nonnull(strstr(report.doubt, "91 % of a core"));
	ck_assert_ptr_nonnull(strstr(report.doubt, "--processes"));
	shared->of[1].cpu_us = 89 * KS_US_PER_S / 10;
	swarm_report_make(&report, &run, shared);
	ck_assert_str_eq(report.doubt, "");
}
END_TEST

START_TEST(late_timers)
{
	for (int i = 0; i < 15; i++)	/* of 2000, 19 may be late */
		swarm_histogram_add(&shared->of[1].slip, 8 * KS_US_PER_MS);
	swarm_report_make(&report, &run, shared);
	ck_assert_str_eq(report.doubt, "");
	for (int i = 0; i < 15; i++)
		swarm_histogram_add(&shared->of[0].slip, 8 * KS_US_PER_MS);
	swarm_report_make(&report, &run, shared);
	ck_assert_ptr_nonnull(strstr(report.doubt, "timers"));
}
END_TEST

START_TEST(out_of_ports)
{
	shared->of[1].own_error = EADDRNOTAVAIL;
	swarm_report_make(&report, &run, shared);
	ck_assert_ptr_nonnull(strstr(report.doubt, strerror(EADDRNOTAVAIL)));
}
END_TEST

static bool judged(enum swarm_kind kind, enum swarm_count which)
{
	bool good;

	shared->of[0].tally[kind].count[which] = 1;
	swarm_report_make(&report, &run, shared);
	good = swarm_report_judge(&report, &run);
	shared->of[0].tally[kind].count[which] = 0;
	return good;
}

START_TEST(verdicts)
{
	static const enum swarm_count unclean[] = { SWARM_BACKWARDS, SWARM_CLOSED_CUT, SWARM_MALFORMED, SWARM_SKIPS };

	ck_assert(!judged(SWARM_WATCHER, SWARM_BAD));
	ck_assert(!judged(SWARM_SLOW, SWARM_BAD));
	for (size_t i = 0; i < sizeof(unclean) / sizeof(unclean[0]); i++) {
		run.o.expect_clean = false;
		ck_assert(judged(SWARM_WATCHER, unclean[i]));
		run.o.expect_clean = true;
		ck_assert(!judged(SWARM_WATCHER, unclean[i]));
	}
	ck_assert(judged(SWARM_SLOW, SWARM_SKIPS));
	shared->of[0].tally[SWARM_WATCHER].count[SWARM_PICTURES] = 0;
	shared->of[1].tally[SWARM_WATCHER].count[SWARM_PICTURES] = 0;
	swarm_report_make(&report, &run, shared);
	ck_assert(!swarm_report_judge(&report, &run));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("swarm_report");
	TCase *tcase = tcase_create("report");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, sums);
	tcase_add_test(tcase, out_of_cpu);
	tcase_add_test(tcase, late_timers);
	tcase_add_test(tcase, out_of_ports);
	tcase_add_test(tcase, verdicts);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
