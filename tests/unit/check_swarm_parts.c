/* SPDX-License-Identifier: Apache-2.0
 *
 * What the swarm counts with: histogram, timers, shares, arrivals, paces, screens.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/audience/arrivals.h"
#include "bench/audience/origin.h"
#include "bench/audience/pace.h"
#include "bench/audience/screen.h"
#include "bench/audience/timers.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "tests/unit/unit.h"

#define MS KS_US_PER_MS
#define S KS_US_PER_S

/* --- histogram ---------------------------------------------------------------------------------- */

static struct swarm_histogram one, two, both;

static void near(int64_t got, int64_t wanted)
{
	ck_assert_int_ge(got, wanted);
	ck_assert_int_le(got, wanted + wanted / (1 << SWARM_HISTOGRAM_BITS) + 1);
}

START_TEST(quantiles)
{
	for (int64_t us = 1; us <= 100000; us++)
		swarm_histogram_add(&one, us);
	near(swarm_histogram_quantile(&one, 0.5), 50000);
	near(swarm_histogram_quantile(&one, 0.99), 99000);
	ck_assert_int_eq(swarm_histogram_quantile(&one, 1), 100000);
	ck_assert_int_eq(swarm_histogram_quantile(&one, 0), 1);
	ck_assert(fabs(swarm_histogram_mean(&one) - 50000.5) < 1e-6);
	ck_assert_int_eq(swarm_histogram_quantile(&two, 0.5), 0);
	ck_assert(!(swarm_histogram_mean(&two) > 0));
}
END_TEST

/* Whatever one value there is, it is found again, within the promised error. */
START_TEST(every_octave)
{
	for (int64_t us = 1; us < SWARM_HISTOGRAM_TOP_US; us = us * 9 / 8 + 1) {
		memset(&one, 0, sizeof(one));
		swarm_histogram_add(&one, us);
		swarm_histogram_add(&one, SWARM_HISTOGRAM_TOP_US);
		near(swarm_histogram_quantile(&one, 0.5), us);
	}
	memset(&one, 0, sizeof(one));
	swarm_histogram_add(&one, -5);
	swarm_histogram_add(&one, INT64_MAX);
	ck_assert_int_eq(swarm_histogram_quantile(&one, 0.5), 0);
	ck_assert_int_eq(swarm_histogram_quantile(&one, 1), SWARM_HISTOGRAM_TOP_US);
}
END_TEST

START_TEST(merging)
{
	for (int64_t us = 1; us < 3000000; us += 997) {
		swarm_histogram_add(us % 2 == 0 ? &one : &two, us);
		swarm_histogram_add(&both, us);
	}
	swarm_histogram_merge(&one, &two);
	ck_assert_mem_eq(one.bucket, both.bucket, sizeof(both.bucket));
	ck_assert_uint_eq(one.weight, both.weight);
	ck_assert_uint_eq(one.max, both.max);
}
END_TEST

/* An age that grows from 0.5 s to 1.5 s is 1 s on average, and below 1.4 s nine tenths of the time. */
START_TEST(sweeps)
{
	swarm_histogram_sweep(&one, S / 2, 3 * S / 2);
	ck_assert_uint_eq(one.weight, S);
	ck_assert(fabs(swarm_histogram_mean(&one) - (double)S) < 1);
	near(swarm_histogram_quantile(&one, 0.9), 1400 * MS);
	ck_assert_int_eq(swarm_histogram_quantile(&one, 1), 3 * S / 2);
	swarm_histogram_sweep(&one, 5, 5);
	swarm_histogram_sweep(&one, 9, 5);
	ck_assert_uint_eq(one.weight, S);
}
END_TEST

/* --- timers ------------------------------------------------------------------------------------- */

#define TIMERS 1000

START_TEST(in_order)
{
	static struct swarm_timer timer[TIMERS];
	struct swarm_timers timers;
	unsigned short seed[3] = { 1, 2, 3 };
	int64_t last = -1;
	size_t n = 0;

	ck_assert_int_eq(swarm_timers_init(&timers, TIMERS), KS_EOK);
	for (size_t i = 0; i < TIMERS; i++)
		swarm_timers_set(&timers, &timer[i], (int64_t)(erand48(seed) * 100000));
	for (size_t i = 0; i < TIMERS; i += 3)	/* moved, earlier or later */
		swarm_timers_set(&timers, &timer[i], (int64_t)(erand48(seed) * 100000));
	ck_assert_ptr_null(swarm_timers_take(&timers, -1));
	for (struct swarm_timer *t; (t = swarm_timers_take(&timers, 100000)) != NULL; n++) {
		ck_assert_int_ge(t->due_us, last);
		ck_assert_uint_eq(t->place, 0);
		last = t->due_us;
		if (n == TIMERS / 2)	/* one that was taken is set again, for later */
			swarm_timers_set(&timers, t, 100000);
	}
	ck_assert_uint_eq(n, TIMERS + 1);
	ck_assert_ptr_null(swarm_timers_first(&timers));
	swarm_timers_free(&timers);
}
END_TEST

/* --- origins ------------------------------------------------------------------------------------ */

static struct swarm_origin origin[3];

START_TEST(urls)
{
	static const char *const wrong[] = {
		"", "ftp://x", "http://", "http:///live", "http://x:/", "http://x:99999/", "http://[::1/",
		"http://x/a b", "http://x?y", "http://x/=-1", "http://x/=x", "http://x/=", "http://x:80live",
		"http://x=1=nan",
	};

	ck_assert_ptr_null(swarm_origin_parse("http://[::1]:8080/live/=2.5", &origin[0]));
	ck_assert_str_eq(origin[0].name, "::1");
	ck_assert_str_eq(origin[0].host, "[::1]:8080");
	ck_assert_str_eq(origin[0].port, "8080");
	ck_assert_str_eq(origin[0].path, "/live");
	ck_assert(origin[0].weight > 2.49 && origin[0].weight < 2.51 && !origin[0].tls);
	ck_assert_ptr_null(swarm_origin_parse("https://relay.example", &origin[0]));
	ck_assert_str_eq(origin[0].host, "relay.example");
	ck_assert_str_eq(origin[0].port, "443");
	ck_assert_str_eq(origin[0].path, "");
	ck_assert(origin[0].tls);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(swarm_origin_parse(wrong[i], &origin[0]) != NULL, "%s", wrong[i]);
}
END_TEST

static void shares(double a, double b, double c, size_t viewers, size_t x, size_t y, size_t z)
{
	uint8_t *of = malloc(viewers);
	size_t got[3] = { 0 };

	origin[0].weight = a;
	origin[1].weight = b;
	origin[2].weight = c;
	swarm_origins_share(origin, 3, of, viewers);
	for (size_t v = 0; v < viewers; v++) {
		got[of[v]]++;
		for (int i = 0; i < 3; i++)	/* also among the first few */
			ck_assert(fabs((double)got[i] - (double)(v + 1) * origin[i].weight / (a + b + c)) < 2);
	}
	ck_assert_uint_eq(got[0], x);
	ck_assert_uint_eq(got[1], y);
	ck_assert_uint_eq(got[2], z);
	free(of);
}

START_TEST(exact_shares)
{
	shares(1, 1, 1, 9, 3, 3, 3);
	shares(5, 3, 1, 900, 500, 300, 100);
	shares(0.6, 0.3, 0.1, 5, 3, 2, 0);	/* remainders 0, 0.5, 0.5: the first of the largest */
	shares(1, 0, 0, 7, 7, 0, 0);
	shares(1, 1, 1, 1, 1, 0, 0);
}
END_TEST

/* --- arrivals ----------------------------------------------------------------------------------- */

static struct swarm_arrivals arrivals;

static void reset_arrivals(void)
{
	swarm_arrivals_free(&arrivals);
	memset(&arrivals, 0, sizeof(arrivals));
}

static int64_t comes(size_t seat, int64_t from_us, int64_t *leave_us)
{
	int64_t arrive_us = -1;

	return swarm_arrivals_next(&arrivals, seat, from_us, &arrive_us, leave_us) ? arrive_us : -1;
}

START_TEST(at_once_and_evenly)
{
	int64_t leave_us;

	ck_assert_int_eq(swarm_arrivals_ramp(&arrivals, 10, 0), KS_EOK);
	ck_assert_int_eq(comes(0, 0, &leave_us), 0);
	ck_assert_int_eq(comes(9, 0, &leave_us), 0);
	ck_assert_int_eq(leave_us, INT64_MAX);
	ck_assert_int_eq(comes(9, 7, &leave_us), 7);	/* the next one on that seat */
	ck_assert_int_eq(comes(10, 0, &leave_us), -1);
	ck_assert_uint_eq(swarm_arrivals_seats(&arrivals), 10);
	reset_arrivals();
	ck_assert_int_eq(swarm_arrivals_ramp(&arrivals, 10, 10 * S), KS_EOK);
	for (size_t seat = 0; seat < 10; seat++)
		ck_assert_int_eq(comes(seat, 0, &leave_us), (int64_t)seat * S + S / 2);
	reset_arrivals();
}
END_TEST

START_TEST(bursts)
{
	int64_t leave_us;

	ck_assert_int_eq(swarm_arrivals_ramp(&arrivals, 4, 4 * S), KS_EOK);
	ck_assert_int_eq(swarm_arrivals_burst(&arrivals, 10, 2 * S), KS_EOK);
	ck_assert_int_eq(swarm_arrivals_burst(&arrivals, 5, 9 * S), KS_EOK);
	ck_assert_uint_eq(swarm_arrivals_seats(&arrivals), 19);
	ck_assert_int_eq(comes(1, 0, &leave_us), S + S / 2);
	for (size_t seat = 2; seat < 12; seat++)
		ck_assert_int_eq(comes(seat, 0, &leave_us), 2 * S);
	ck_assert_int_eq(comes(12, 0, &leave_us), 2 * S + S / 2);
	for (size_t seat = 14; seat < 19; seat++)
		ck_assert_int_eq(comes(seat, 0, &leave_us), 9 * S);
	reset_arrivals();
}
END_TEST

static const char *trace_of(const char *text)
{
	static char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/trace", unit_tmpdir());
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	return path;
}

START_TEST(traces)
{
	int64_t leave_us;
	const char *path = trace_of("# an hour\n0,0\n10, 10\n\n20,10\n30,0 # they go\n40,2\n");

	ck_assert_int_eq(swarm_arrivals_trace(&arrivals, path), KS_EOK);
	ck_assert_uint_eq(swarm_arrivals_seats(&arrivals), 10);
	ck_assert_int_eq(comes(3, 0, &leave_us), 3 * S + S / 2);
	ck_assert_int_eq(leave_us, 26 * S + S / 2);
	ck_assert_int_eq(comes(3, 27 * S, &leave_us), -1);
	ck_assert_int_eq(comes(0, 30 * S, &leave_us), 32 * S + S / 2);	/* and one comes again */
	ck_assert_int_eq(leave_us, INT64_MAX);
	reset_arrivals();
}
END_TEST

START_TEST(trace_faults)
{
	static const char *const wrong[] = { "", "x\n", "1\n", "1,\n", "1,x\n", "1,-1\n", "2,1\n1,1\n", "1,1e9\n",
					     "nan,1\n", "1,2,3\n" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_msg(swarm_arrivals_trace(&arrivals, trace_of(wrong[i])) == KS_ECONFIG, "%s", wrong[i]);
		reset_arrivals();
	}
	unit_log_start();
	ck_assert_int_eq(swarm_arrivals_trace(&arrivals, trace_of("0,1\n\n0,x\n")), KS_ECONFIG);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "trace:3: "));
	reset_arrivals();
}
END_TEST

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

START_TEST(stays)
{
	enum { N = 20001 };
	static int64_t stay[N];
	unsigned short seed[3] = { 1, 2, 3 };

	arrivals.stay_median_s = 60;
	arrivals.stay_sigma = 1;
	for (size_t i = 0; i < N; i++)
		stay[i] = swarm_arrivals_stay_us(&arrivals, seed);
	qsort(stay, N, sizeof(stay[0]), by_time);
	/* One sigma below and above the median is a factor of e; the seed is fixed, so is the outcome. */
	ck_assert(fabs((double)stay[N / 2] / 60e6 - 1) < 0.05);
	ck_assert(fabs((double)stay[(size_t)(N * 0.1587)] / 60e6 * M_E - 1) < 0.05);
	ck_assert(fabs((double)stay[(size_t)(N * 0.8413)] / 60e6 / M_E - 1) < 0.05);
	arrivals.stay_median_s = 0;
	ck_assert_int_eq(swarm_arrivals_stay_us(&arrivals, seed), INT64_MAX);
}
END_TEST

/* --- pace --------------------------------------------------------------------------------------- */

static struct swarm_pace pace;
static struct swarm_pacing pacing;
static struct swarm_word word;

static void set_pace(enum swarm_mode mode)
{
	pacing = (struct swarm_pacing){ .mode = mode, .interval_us = S, .spread_us = 100 * MS, .wait_us = 10 * S };
	word = (struct swarm_word){ .next_us = 400 * MS, .period_us = S, .spread_us = -1, .newer = true, .live = true,
				    .luck = 0.5 };
	swarm_pace_begin(&pace, &pacing, 0);
	memset(&one, 0, sizeof(one));
}

/* A server that sleeps for five seconds is asked once in that time, and is late for all who wanted a picture. */
START_TEST(no_omission_polling)
{
	set_pace(SWARM_POLL);
	swarm_pace_served(&pace, &pacing, &word, 0, 10 * MS, &one);
	ck_assert_int_eq(pace.ask_at_us, S);
	swarm_pace_served(&pace, &pacing, &word, S, 6 * S + 500 * MS, &one);	/* asked at 1 s, answered at 6.5 s */
	ck_assert_uint_eq(one.weight, 2);
	ck_assert_int_eq(pace.wanted_us, 2 * S);
	ck_assert_int_eq(pace.ask_at_us, 6 * S + 500 * MS);
	swarm_pace_served(&pace, &pacing, &word, 6 * S + 500 * MS, 6 * S + 510 * MS, &one);
	ck_assert_uint_eq(one.weight, 7);	/* what was wanted at 2, 3, 4, 5 and 6 s */
	ck_assert_int_eq(one.max, 5 * S + 500 * MS);
	near(swarm_histogram_quantile(&one, 6.0 / 7), 4 * S + 510 * MS);
	ck_assert_int_eq(pace.ask_at_us, 7 * S);
}
END_TEST

START_TEST(no_omission_locked)
{
	set_pace(SWARM_LOCKED);
	swarm_pace_served(&pace, &pacing, &word, 0, 10 * MS, &one);
	ck_assert_int_eq(pace.ask_at_us, 10 * MS + 400 * MS + 50 * MS);
	word.spread_us = 20 * MS;
	swarm_pace_served(&pace, &pacing, &word, 460 * MS, 3 * S, &one);
	ck_assert_uint_eq(one.weight, 4);	/* wanted at 0, and at 0.46, 1.46 and 2.46 s */
	ck_assert_int_eq(one.max, 3 * S - 460 * MS);
	ck_assert_int_eq(pace.ask_at_us, 3 * S + 400 * MS + 10 * MS);
	word.next_us = 0;	/* late, and the camera lives */
	swarm_pace_served(&pace, &pacing, &word, pace.ask_at_us, 4 * S, &one);
	ck_assert_int_le(pace.ask_at_us, 4 * S + 100 * MS);
	word.live = false;
	swarm_pace_served(&pace, &pacing, &word, pace.ask_at_us, 5 * S, &one);
	ck_assert_int_ge(pace.ask_at_us, 6 * S);
}
END_TEST

START_TEST(waiting)
{
	set_pace(SWARM_WAIT);
	swarm_pace_served(&pace, &pacing, &word, 0, 10 * MS, &one);
	ck_assert_int_eq(pace.ask_at_us, 10 * MS);
	ck_assert_int_eq(pace.wanted_us, 410 * MS);
	swarm_pace_served(&pace, &pacing, &word, 10 * MS, 400 * MS, &one);	/* before its time */
	ck_assert_uint_eq(one.weight, 2);
	ck_assert_int_eq(one.max, 10 * MS);
	word.newer = false;	/* the wait ends with nothing */
	swarm_pace_served(&pace, &pacing, &word, 400 * MS, 10 * S + 400 * MS, &one);
	ck_assert_uint_eq(one.weight, 2);
	ck_assert_int_eq(pace.ask_at_us, 10 * S + 400 * MS);
	swarm_pace_served(&pace, &pacing, &word, 11 * S, 11 * S + MS, &one);	/* turned away */
	ck_assert_int_ge(pace.ask_at_us, 11 * S + 400 * MS);
	word.newer = true;	/* 12 pictures were due, from 0.8 s on */
	swarm_pace_served(&pace, &pacing, &word, 12 * S, 12 * S, &one);
	ck_assert_uint_eq(one.weight, 14);
	ck_assert_int_eq(one.max, 12 * S - 800 * MS);
}
END_TEST

START_TEST(wants_that_are_never_served)
{
	set_pace(SWARM_POLL);
	swarm_pace_failed(&pace, 0.5, 0, 10 * MS);
	swarm_pace_end(&pace, 500 * MS, &one);
	ck_assert_uint_eq(one.weight, 0);
	swarm_pace_end(&pace, 5 * S + 500 * MS, &one);
	ck_assert_uint_eq(one.weight, 6);
	ck_assert_int_eq(one.max, 5 * S + 500 * MS);
}
END_TEST

START_TEST(backing_off)
{
	int64_t longest = 0;

	set_pace(SWARM_FLAT);
	for (int i = 0; i < 20; i++) {
		swarm_pace_failed(&pace, 0.999, 0, 0);
		ck_assert_int_ge(pace.ask_at_us, longest);
		longest = pace.ask_at_us;
	}
	ck_assert_int_ge(longest, 4 * S);
	ck_assert_int_le(longest, 6 * S);
	swarm_pace_failed(&pace, 0, 3 * S, 0);
	ck_assert_int_ge(pace.ask_at_us, 3 * S);
	swarm_pace_served(&pace, &pacing, &word, 0, 7 * S, &one);
	ck_assert_int_eq(pace.ask_at_us, 7 * S);
	swarm_pace_failed(&pace, 0.999, 0, 7 * S);
	ck_assert_int_le(pace.ask_at_us, 7 * S + 300 * MS);
}
END_TEST

/* --- screen ------------------------------------------------------------------------------------- */

#define WALL (INT64_C(1790000000) * S)

static struct swarm_screen screen;
static struct swarm_tally tally, other;

/* A picture captured at captured_us comes at mono_us; both count from WALL. */
static bool shows(uint32_t epoch, uint32_t seq, int64_t captured_us, int64_t mono_us)
{
	struct ks_picture picture = { { epoch, seq }, WALL + captured_us };
	struct swarm_moment now = { mono_us, WALL + mono_us };

	return swarm_screen_show(&screen, &tally, &picture, &now, true, 3 * S);
}

/* One picture a second, each half a second old when it comes: the age goes from 0.5 to 1.5 s. */
START_TEST(age_of_information)
{
	for (uint32_t seq = 1; seq <= 101; seq++)
		ck_assert(shows(5, seq, seq * S - S / 2, seq * S));
	ck_assert(fabs(swarm_histogram_mean(&tally.age) - (double)S) < 1);
	ck_assert_int_eq(tally.age.max, 3 * S / 2);
	near(swarm_histogram_quantile(&tally.age, 0.5), S);
	ck_assert_uint_eq(tally.age.weight, 100 * S);
	near(swarm_histogram_quantile(&tally.gap, 0.5), S);
	near(swarm_histogram_quantile(&tally.arrival_age, 0.5), S / 2);
	ck_assert_uint_eq(tally.count[SWARM_STALLS], 0);
	/* Then nothing for ten seconds: that is seen, though nothing comes. */
	swarm_screen_end(&screen, &tally, 111 * S, 3 * S);
	ck_assert_int_eq(tally.age.max, 10 * S + S / 2);
	ck_assert_uint_eq(tally.count[SWARM_STALLS], 1);
}
END_TEST

START_TEST(order)
{
	ck_assert(shows(5, 10, 0, 0));
	ck_assert(!shows(5, 10, 0, 1));
	ck_assert(!shows(5, 9, 0, 2));
	ck_assert(!shows(4, 99, 0, 3));
	ck_assert(shows(5, 14, 0, 4));
	ck_assert(shows(6, 0, 0, 5));
	ck_assert_uint_eq(tally.count[SWARM_DUPLICATES], 1);
	ck_assert_uint_eq(tally.count[SWARM_BACKWARDS], 2);
	ck_assert_uint_eq(tally.count[SWARM_SKIPS], 3);
	ck_assert_uint_eq(tally.count[SWARM_DISTINCT], 3);
}
END_TEST

START_TEST(counting_anew)
{
	ck_assert(shows(5, 1, 0, 0));
	memset(&tally, 0, sizeof(tally));
	swarm_screen_restart(&screen, 2 * S);
	ck_assert(shows(5, 2, S, 3 * S));
	ck_assert_uint_eq(tally.age.weight, S);		/* from 2 s on */
	ck_assert(fabs(swarm_histogram_mean(&tally.age) - 2.5 * (double)S) < 1);
}
END_TEST

START_TEST(tallies_add_up)
{
	char name[16];

	for (int i = 0; i < SWARM_SERVERS_MAX + 5; i++) {
		snprintf(name, sizeof(name), "relay-%d", i);
		swarm_tally_served(&tally, name);
	}
	swarm_tally_served(&other, "");
	swarm_tally_served(&other, "relay-0");
	swarm_tally_bad(&other, KS_PICTURE_CUT);
	swarm_tally_bad(&other, KS_PICTURE_ETAG);
	other.status[200] = 2;
	swarm_tally_merge(&tally, &other);
	ck_assert_uint_eq(tally.n_served, SWARM_SERVERS_MAX);
	ck_assert_uint_eq(tally.served[0].n, 2);
	ck_assert_str_eq(tally.served[SWARM_SERVERS_MAX - 1].name, SWARM_OTHERS);
	ck_assert_uint_eq(tally.served[SWARM_SERVERS_MAX - 1].n, 7);
	ck_assert_uint_eq(tally.count[SWARM_BAD], 2);
	ck_assert_uint_eq(tally.count[SWARM_TRUNCATED], 1);
	ck_assert_uint_eq(tally.status[200], 2);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *const *tests, size_t n)
{
	TCase *tcase = tcase_create(name);

	for (size_t i = 0; i < n; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
}

#define ADD(name, ...) do { \
	const TTest *const tests[] = { __VA_ARGS__ }; \
	add(suite, name, tests, sizeof(tests) / sizeof(tests[0])); \
} while (0)

int main(void)
{
	Suite *suite = suite_create("swarm_parts");

	ADD("histogram", quantiles, every_octave, merging, sweeps);
	ADD("timers", in_order);
	ADD("origins", urls, exact_shares);
	ADD("arrivals", at_once_and_evenly, bursts, traces, trace_faults, stays);
	ADD("pace", no_omission_polling, no_omission_locked, waiting, wants_that_are_never_served, backing_off);
	ADD("screen", age_of_information, order, counting_anew, tallies_add_up);
	return unit_run(suite);
}
