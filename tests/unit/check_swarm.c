/* SPDX-License-Identifier: Apache-2.0
 *
 * The swarm against a server that does one thing wrong (tests/audience/server.h): each of its checks must fire, and
 * only that one.
 */
#include "bench/audience/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>
#include <sodium.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "tests/audience/server.h"
#include "tests/unit/unit.h"

#define DEADLINE_US (50 * KS_US_PER_S)
#define ARGUMENTS_MAX 32

static struct event_base *base;
static struct event *end;
static struct server *server;
static int end_fd;
static uint16_t port;
static pthread_t thread;
static struct swarm_shared *shared;
static struct swarm_run run;
static struct swarm_seats seats;
static const struct swarm_tally *watchers, *slow, *stalled, *loris;

static void on_end(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	event_base_loopbreak(base);
}

static void *serve(void *ctx)
{
	(void)ctx;
	event_base_dispatch(base);
	return NULL;
}

static void set_up(void)
{
	ck_assert_int_ge(sodium_init(), 0);
	signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	server = server_new(base, &port);
	end_fd = eventfd(0, EFD_CLOEXEC);
	end = event_new(base, end_fd, EV_READ, on_end, NULL);
	event_add(end, NULL);
	ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
	shared = calloc(1, sizeof(*shared) + sizeof(shared->of[0]));
	ck_assert_ptr_nonnull(shared);
	watchers = &shared->of[0].tally[SWARM_WATCHER];
	slow = &shared->of[0].tally[SWARM_SLOW];
	stalled = &shared->of[0].tally[SWARM_STALLED];
	loris = &shared->of[0].tally[SWARM_LORIS];
}

static void tear_down(void)
{
	ck_assert_int_eq(eventfd_write(end_fd, 1), 0);
	pthread_join(thread, NULL);
	event_free(end);
	server_free(server);
	event_base_free(base);
	close(end_fd);
	free(seats.origin);
	swarm_options_free(&run);
	free(shared);
}

/* --- a run ------------------------------------------------------------------------------------ */

/* Ends the run when `count` has reached `enough`, or at the deadline. */
struct goal {
	const uint64_t *count;
	uint64_t enough;
};

static void *stop_at(void *ctx)
{
	const struct goal *goal = ctx;
	int64_t until_us = ks_mono_us(&ks_clock_system) + DEADLINE_US;

	while (__atomic_load_n(goal->count, __ATOMIC_RELAXED) < goal->enough && ks_mono_us(&ks_clock_system) < until_us)
		usleep(2000);
	atomic_store(&shared->stop, true);
	return NULL;
}

/* "--mode wait --viewers 3" against /WHAT, until the count is reached; fails the test when it never is. */
static void watch(const char *what, const char *options, const uint64_t *count, uint64_t enough)
{
	struct goal goal = { count, enough };
	char text[512], *argv[ARGUMENTS_MAX], *rest = text;
	pthread_t stopper;
	int argc = 0;

	snprintf(text, sizeof(text), "swarm --seconds 60 --origin http://127.0.0.1:%u/%s %s", port, what, options);
	while (argc < ARGUMENTS_MAX - 1 && (argv[argc] = strsep(&rest, " ")) != NULL)
		argc++;
	argv[argc] = NULL;
	ck_assert_int_eq(swarm_options_read(argc, argv, &run), KS_SETTINGS_RUN);
	seats.of[SWARM_WATCHER] = swarm_arrivals_seats(&run.arrivals);
	seats.of[SWARM_SLOW] = (size_t)run.o.slow;
	seats.of[SWARM_STALLED] = (size_t)run.o.stalled;
	seats.of[SWARM_LORIS] = (size_t)run.o.loris;
	for (int kind = 0; kind < SWARM_KINDS; kind++)
		seats.n += seats.of[kind];
	seats.origin = calloc(seats.n + 1, 1);
	shared->start_us = ks_mono_us(&ks_clock_system);
	ck_assert_int_eq(pthread_create(&stopper, NULL, stop_at, &goal), 0);
	ck_assert_int_eq(swarm_worker_run(&run, &seats, shared, 0), KS_EOK);
	pthread_join(stopper, NULL);
	ck_assert_msg(*count >= enough, "%llu of %llu", (unsigned long long)*count, (unsigned long long)enough);
}

#define COUNT(which) (&watchers->count[SWARM_##which])

/* None of these but those that are named. */
static void only(uint64_t allowed)
{
	static const enum swarm_count faults[] = {
		SWARM_BACKWARDS, SWARM_SKIPS, SWARM_BAD, SWARM_TRUNCATED, SWARM_CONNECT_ERRORS, SWARM_TIMEOUTS,
		SWARM_MALFORMED, SWARM_CLOSED_CLEAN, SWARM_CLOSED_UNANSWERED, SWARM_CLOSED_CUT, SWARM_CLOSED_RESET,
	};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		ck_assert_msg((allowed >> faults[i] & 1) != 0 || watchers->count[faults[i]] == 0, "%llu %s",
			      (unsigned long long)watchers->count[faults[i]], swarm_count_names[faults[i]]);
}

#define MAY(which) (UINT64_C(1) << SWARM_##which)

static void bad_by(const char *what, const char *options, enum ks_verdict verdict, uint64_t allowed)
{
	watch(what, options, &watchers->bad_by[verdict], 3);
	ck_assert_uint_eq(watchers->bad_by[verdict], watchers->count[SWARM_BAD]);
	only(allowed | MAY(BAD));
}

/* --- good servers, all modes -------------------------------------------------------------------- */

/* A slow machine may make a viewer late for a picture, never more. */
static void good(const char *what, const char *options, uint64_t enough)
{
	watch(what, options, COUNT(PICTURES), enough);
	only(MAY(SKIPS));
	ck_assert_uint_eq(watchers->count[SWARM_PICTURES],
			  watchers->count[SWARM_DISTINCT] + watchers->count[SWARM_DUPLICATES]);
	ck_assert_uint_gt(watchers->age.weight, 0);
	ck_assert_uint_eq(watchers->count[SWARM_UNSEEN], 0);
	ck_assert_uint_eq(shared->of[0].own_error, 0);
}

START_TEST(waits)
{
	good("good", "--mode wait --viewers 3", 30);
	ck_assert_uint_eq(watchers->count[SWARM_CONNECTS], 3);
	ck_assert_uint_eq(watchers->count[SWARM_DUPLICATES], 0);
	ck_assert_uint_eq(watchers->count[SWARM_SKIPS], 0);
	ck_assert_uint_eq(watchers->n_served, 2);
	ck_assert_int_ge(swarm_histogram_quantile(&watchers->gap, 0.99), SERVER_PERIOD_MS * KS_US_PER_MS / 2);
	ck_assert_uint_gt(watchers->latency.weight, 0);
}
END_TEST

START_TEST(waits_end)
{
	watch("good", "--mode wait --wait-ms 5 --viewers 2", COUNT(EMPTY), 3);
	only(0);
	ck_assert_uint_eq(watchers->status[204], watchers->count[SWARM_EMPTY]);
}
END_TEST

/* Who is turned away comes back when the next picture is due, and not at once. */
START_TEST(turned_away)
{
	watch("impatient", "--mode wait --viewers 1", COUNT(DISTINCT), 10);
	only(MAY(SKIPS));
	ck_assert_uint_le(watchers->count[SWARM_REQUESTS], 5 * watchers->count[SWARM_DISTINCT] + 5);
}
END_TEST

START_TEST(polls)
{
	watch("good", "--mode poll --interval-ms 30 --viewers 2", COUNT(EMPTY), 5);
	only(0);
	ck_assert_uint_gt(watchers->count[SWARM_DISTINCT], 0);
}
END_TEST

START_TEST(polls_by_etag)
{
	watch("good", "--mode poll --conditional etag --interval-ms 10 --viewers 2", COUNT(UNCHANGED), 5);
	only(0);
	ck_assert_uint_gt(watchers->count[SWARM_DISTINCT], 0);
	ck_assert_uint_eq(watchers->status[304], watchers->count[SWARM_UNCHANGED]);
}
END_TEST

START_TEST(locked)
{
	good("good", "--mode locked --viewers 2", 20);
	ck_assert_uint_le(watchers->count[SWARM_REQUESTS], 2 * watchers->count[SWARM_DISTINCT]);
}
END_TEST

START_TEST(flat)
{
	good("good", "--mode flat --viewers 4 --pictures 500", 500);
	ck_assert_uint_ge(watchers->count[SWARM_PICTURES], 500);
	ck_assert_uint_le(watchers->count[SWARM_PICTURES], 504);
	ck_assert_uint_gt(watchers->count[SWARM_DUPLICATES], 0);
	ck_assert_uint_eq(watchers->latency.weight, watchers->count[SWARM_PICTURES]);
}
END_TEST

START_TEST(streams)
{
	good("good", "--mode stream --viewers 3", 30);
	ck_assert_uint_eq(watchers->count[SWARM_REQUESTS], 3);
	ck_assert_uint_eq(watchers->count[SWARM_SKIPS], 0);
}
END_TEST

START_TEST(streams_in_chunks)
{
	good("stream-chunked", "--mode stream --viewers 3", 30);
}
END_TEST

START_TEST(interim_answers)
{
	good("interim", "--mode wait --viewers 1", 5);
}
END_TEST

/* --- pictures that are none ----------------------------------------------------------------------- */

START_TEST(cut)
{
	bad_by("cut", "--viewers 1", KS_PICTURE_CUT, MAY(TRUNCATED) | MAY(CLOSED_CUT));
	ck_assert_uint_eq(watchers->count[SWARM_TRUNCATED], watchers->count[SWARM_BAD]);
	ck_assert_uint_eq(watchers->count[SWARM_CLOSED_CUT], watchers->count[SWARM_BAD]);
	ck_assert_uint_ge(watchers->count[SWARM_UNSEEN], 1);
}
END_TEST

START_TEST(torn)
{
	bad_by("torn", "--viewers 1", KS_PICTURE_ETAG, 0);
}
END_TEST

START_TEST(torn_but_not_looked_at)
{
	watch("torn", "--viewers 1 --digest-every 0", COUNT(PICTURES), 3);
	only(MAY(SKIPS));
}
END_TEST

START_TEST(no_start)
{
	bad_by("no-start", "--viewers 1", KS_PICTURE_JPEG, MAY(TRUNCATED));
}
END_TEST

START_TEST(no_end)
{
	bad_by("no-end", "--viewers 1", KS_PICTURE_JPEG, MAY(TRUNCATED));
	ck_assert_uint_eq(watchers->count[SWARM_TRUNCATED], watchers->count[SWARM_BAD]);
}
END_TEST

START_TEST(short_length)
{
	bad_by("short-length", "--viewers 1", KS_PICTURE_JPEG, MAY(TRUNCATED) | MAY(MALFORMED));
	ck_assert_uint_eq(watchers->count[SWARM_MALFORMED], watchers->count[SWARM_BAD]);
}
END_TEST

START_TEST(no_stamp)
{
	bad_by("no-stamp", "--viewers 1", KS_PICTURE_STAMP, 0);
}
END_TEST

START_TEST(no_stamp_where_none_is_due)
{
	watch("no-stamp", "--plain --mode flat --viewers 1", COUNT(PICTURES), 3);
	only(0);
	ck_assert_uint_eq(watchers->count[SWARM_DISTINCT], 0);
}
END_TEST

START_TEST(other_channel)
{
	bad_by("good", "--channel other --viewers 1", KS_PICTURE_STAMP, 0);
}
END_TEST

START_TEST(wrong_id)
{
	bad_by("wrong-id", "--viewers 1", KS_PICTURE_ID, 0);
}
END_TEST

START_TEST(no_id)
{
	bad_by("no-id", "--viewers 1", KS_PICTURE_ID, 0);
}
END_TEST

START_TEST(wrong_captured)
{
	bad_by("wrong-captured", "--viewers 1", KS_PICTURE_CAPTURED, 0);
}
END_TEST

START_TEST(no_length)
{
	bad_by("chunked", "--viewers 1", KS_PICTURE_LENGTH, 0);
}
END_TEST

START_TEST(to_close)
{
	bad_by("to-close", "--viewers 1", KS_PICTURE_LENGTH, MAY(CLOSED_CLEAN));
}
END_TEST

START_TEST(huge)
{
	bad_by("huge", "--viewers 1", KS_PICTURE_TOO_LARGE, 0);
}
END_TEST

/* --- pictures in the wrong order -------------------------------------------------------------------- */

START_TEST(older)
{
	watch("older", "--mode wait --viewers 1", COUNT(BACKWARDS), 3);
	only(MAY(BACKWARDS) | MAY(SKIPS));
	ck_assert_uint_gt(watchers->count[SWARM_DISTINCT], 1);
}
END_TEST

START_TEST(repeats)
{
	watch("repeats", "--mode wait --viewers 1", COUNT(DUPLICATES), 3);
	only(0);
	ck_assert_uint_eq(watchers->count[SWARM_DISTINCT], 1);
}
END_TEST

START_TEST(skips)
{
	watch("skips", "--mode wait --viewers 1", COUNT(SKIPS), 6);
	only(MAY(SKIPS));
}
END_TEST

START_TEST(skips_that_polling_does_not_notice)
{
	watch("skips", "--mode poll --interval-ms 200 --viewers 1", COUNT(DISTINCT), 3);
	only(0);
}
END_TEST

START_TEST(stalls)
{
	watch("repeats", "--mode wait --stall-ms 100 --viewers 2", COUNT(DUPLICATES), 20);
	only(0);
	/* One each, seen when it ends; one of them may have seen no picture yet. */
	ck_assert_uint_ge(watchers->count[SWARM_STALLS], 1);
	ck_assert_uint_le(watchers->count[SWARM_STALLS], 2);
	ck_assert_uint_ge(watchers->age.max, 100 * KS_US_PER_MS);
}
END_TEST

/* --- servers that refuse or close --------------------------------------------------------------- */

START_TEST(busy)
{
	int64_t from_us = ks_mono_us(&ks_clock_system);

	watch("busy", "--viewers 1", COUNT(REQUESTS), 3);
	only(0);
	ck_assert_uint_ge(watchers->status[503], 2);
	ck_assert_uint_eq(watchers->count[SWARM_TOLD_WHY], 1);
	ck_assert_uint_eq(watchers->count[SWARM_CONNECTS], 1);
	ck_assert_int_ge(ks_mono_us(&ks_clock_system) - from_us, 2 * KS_US_PER_S);	/* Retry-After: 1, twice */
}
END_TEST

START_TEST(closes)
{
	watch("close", "--viewers 1", COUNT(CLOSED_CLEAN), 3);
	only(MAY(CLOSED_CLEAN) | MAY(SKIPS));
	ck_assert_uint_ge(watchers->count[SWARM_CONNECTS], 3);
}
END_TEST

/* Without having said so: a request may be under way already. */
START_TEST(quiet_close)
{
	watch("quiet-close", "--mode poll --interval-ms 100 --viewers 1", COUNT(CLOSED_CLEAN), 3);
	only(MAY(CLOSED_CLEAN) | MAY(CLOSED_UNANSWERED));
}
END_TEST

START_TEST(resets)
{
	watch("reset", "--mode poll --interval-ms 100 --viewers 1", COUNT(CLOSED_RESET), 3);
	only(MAY(CLOSED_RESET) | MAY(CLOSED_UNANSWERED) | MAY(CLOSED_CUT) | MAY(BAD) | MAY(TRUNCATED));
}
END_TEST

START_TEST(unanswered)
{
	watch("unanswered", "--viewers 1", COUNT(CLOSED_UNANSWERED), 2);
	only(MAY(CLOSED_UNANSWERED));
	ck_assert_uint_eq(watchers->count[SWARM_BAD], 0);
}
END_TEST

START_TEST(cut_head)
{
	watch("cut-head", "--viewers 1", COUNT(CLOSED_CUT), 2);
	only(MAY(CLOSED_CUT));
}
END_TEST

START_TEST(silent)
{
	watch("silent", "--mode flat --timeout 1 --viewers 1", COUNT(TIMEOUTS), 1);
	only(MAY(TIMEOUTS));
	ck_assert_uint_eq(watchers->count[SWARM_PICTURES], 0);
	ck_assert_uint_eq(watchers->latency.weight, 1);		/* what was wanted all the time, and never came */
}
END_TEST

START_TEST(nobody_there)
{
	evutil_socket_t fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_ge(fd, 0);	/* a port of our own that nobody listens on */
	server_free(server);
	server = server_new(base, &(uint16_t){ 0 });
	watch("good", "--viewers 1", COUNT(CONNECT_ERRORS), 2);
	only(MAY(CONNECT_ERRORS));
	close(fd);
}
END_TEST

START_TEST(garbage)
{
	watch("garbage", "--viewers 1", COUNT(MALFORMED), 2);
	only(MAY(MALFORMED));
	ck_assert_str_eq(shared->of[0].fault, "HELLO..");
}
END_TEST

START_TEST(unasked)
{
	watch("unasked", "--viewers 1", COUNT(MALFORMED), 2);
	only(MAY(MALFORMED));
}
END_TEST

START_TEST(folded_field)
{
	watch("folded", "--viewers 1", COUNT(MALFORMED), 2);
	only(MAY(MALFORMED));
}
END_TEST

/* --- streams ------------------------------------------------------------------------------------ */

START_TEST(stream_cut)
{
	bad_by("stream-cut", "--mode stream --viewers 1", KS_PICTURE_CUT, MAY(TRUNCATED) | MAY(CLOSED_CUT));
}
END_TEST

START_TEST(stream_ends)
{
	watch("stream-ends", "--mode stream --viewers 1", COUNT(CLOSED_CLEAN), 2);
	only(MAY(CLOSED_CLEAN) | MAY(SKIPS));
	ck_assert_uint_ge(watchers->count[SWARM_PICTURES], 6);
}
END_TEST

START_TEST(stream_torn)
{
	bad_by("stream-torn", "--mode stream --viewers 1", KS_PICTURE_ETAG, 0);
}
END_TEST

START_TEST(stream_wrong_id)
{
	bad_by("stream-wrong-id", "--mode stream --viewers 1", KS_PICTURE_ID, 0);
}
END_TEST

START_TEST(stream_without_lengths)
{
	watch("stream-no-length", "--mode stream --viewers 1", COUNT(MALFORMED), 2);
	only(MAY(MALFORMED));
}
END_TEST

START_TEST(stream_untyped)
{
	bad_by("stream-untyped", "--mode stream --viewers 1", KS_PICTURE_HEAD, 0);
}
END_TEST

/* --- who is not like the others ------------------------------------------------------------------- */

START_TEST(slow_readers)
{
	watch("good", "--mode wait --viewers 1 --slow 2 --slow-bytes-per-s 2000", &slow->count[SWARM_PICTURES], 2);
	ck_assert_uint_eq(slow->count[SWARM_BAD], 0);
	ck_assert_uint_gt(watchers->count[SWARM_PICTURES], slow->count[SWARM_PICTURES]);
	/* A picture and its head are more than 600 bytes, and 200 are read every 100 ms. */
	ck_assert_int_ge(swarm_histogram_quantile(&slow->first, 0), 300 * KS_US_PER_MS);
	only(0);
}
END_TEST

START_TEST(slow_readers_notice)
{
	watch("torn", "--mode wait --viewers 0 --slow 1 --slow-bytes-per-s 10000", &slow->bad_by[KS_PICTURE_ETAG], 1);
}
END_TEST

START_TEST(stalled_readers)
{
	watch("good", "--mode flat --viewers 1 --stalled 2", &stalled->count[SWARM_REQUESTS], 64);
	ck_assert_uint_eq(stalled->count[SWARM_BYTES], 0);
	only(0);
}
END_TEST

START_TEST(slow_requests)
{
	watch("good", "--mode wait --viewers 1 --loris 2 --loris-interval 1", COUNT(DISTINCT), 40);
	ck_assert_uint_eq(loris->count[SWARM_REQUESTS], 2);
	ck_assert_uint_eq(loris->count[SWARM_BYTES], 0);
	ck_assert_uint_eq(loris->count[SWARM_CONNECTS], 2);
	only(MAY(SKIPS));
}
END_TEST

START_TEST(viewers_come_and_go)
{
	watch("good", "--mode wait --viewers 4 --stay-median 1 --stay-sigma 0.5", COUNT(LEFT), 8);
	only(MAY(SKIPS));
	ck_assert_uint_ge(watchers->count[SWARM_ARRIVED], 12);
	ck_assert_uint_le(watchers->count[SWARM_CONNECTS], watchers->count[SWARM_ARRIVED]);
	ck_assert_uint_eq(shared->of[0].present, 4);
}
END_TEST

START_TEST(warmup_does_not_count)
{
	watch("good", "--mode wait --viewers 2 --warmup 1", COUNT(DISTINCT), 60);	/* more than fit into it */
	/* Emptied since they came. */
	ck_assert_uint_eq(watchers->count[SWARM_ARRIVED], 0);
	ck_assert_int_lt(shared->of[0].window_us, DEADLINE_US);
	ck_assert_uint_le(watchers->age.weight, 2 * (uint64_t)shared->of[0].window_us);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *const *tests, size_t n)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 100);
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
	Suite *suite = suite_create("swarm");

	ADD("good", waits, waits_end, turned_away, polls, polls_by_etag, locked, flat, streams, streams_in_chunks,
	    interim_answers);
	ADD("pictures", cut, torn, torn_but_not_looked_at, no_start, no_end, short_length, no_stamp,
	    no_stamp_where_none_is_due, other_channel, wrong_id, no_id, wrong_captured, no_length, to_close, huge);
	ADD("order", older, repeats, skips, skips_that_polling_does_not_notice, stalls);
	ADD("answers", busy, closes, quiet_close, resets, unanswered, cut_head, silent, nobody_there, garbage, unasked,
	    folded_field);
	ADD("streams", stream_cut, stream_ends, stream_torn, stream_wrong_id, stream_without_lengths, stream_untyped);
	ADD("others", slow_readers, slow_readers_notice, stalled_readers, slow_requests, viewers_come_and_go,
	    warmup_does_not_count);
	return unit_run(suite);
}
