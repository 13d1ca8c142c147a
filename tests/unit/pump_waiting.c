/* SPDX-License-Identifier: Apache-2.0
 *
 * Waiting for the next picture, alone and in crowds.
 */
#include "tests/unit/pump_peers.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "mod_sentry/unavailable.h"
#include "tests/unit/stored.h"
#include "tests/unit/unit.h"

START_TEST(a_wait_ends_with_the_picture)
{
	struct peer peer = peer_with(GET("latest.jpg?after=7-1&wait=5000"));

	silent(&peer);
	p.now_us += 4 * S;
	silent(&peer);
	pumped_publish(&p, 2, 6000);
	ck_assert_uint_eq(hear(&peer).mark, 2);
	silent(&peer);
	pumped_publish(&p, 3, 6000);
	silent(&peer);
	say(&peer, PUMPED_GET);
	ck_assert_uint_eq(hear(&peer).mark, 3);
	peer_close(&peer);
}
END_TEST

START_TEST(a_wait_ends_when_it_is_over)
{
	static const struct {
		const char *request;
		int64_t us;
	} waits[] = {
		{ GET("latest.jpg?after=7-1&wait=1"), 1 * MS },
		{ GET("latest.jpg?after=7-1&wait=1500"), 1500 * MS },
		{ GET("latest.jpg?after=7-1&wait=20000"), 20 * S },
		{ GET("latest.jpg?after=7-1&wait=99999999999999999999"), 20 * S },
	};
	struct peer peer = peer_with(waits[_i].request);
	struct answer answer;

	silent(&peer);
	pumped_pass(&p, waits[_i].us - 1, 10 * MS);
	silent(&peer);
	pumped_pass(&p, TICKS, 10 * MS);
	answer = hear(&peer);
	ck_assert_int_eq(answer.status, 204);
	has(&answer, "Frame-Id: 7-1");
	/* And the connection goes on. */
	say(&peer, PUMPED_GET);
	ck_assert_uint_eq(hear(&peer).mark, 1);
	peer_close(&peer);
}
END_TEST

START_TEST(a_wait_that_outlives_its_picture)
{
	struct peer peer;
	struct answer answer;

	p.site.patience.dead_us = 5 * S;
	peer = peer_with(GET("latest.jpg?after=7-1&wait=8000"));
	pumped_pass(&p, 8 * S - 1, 10 * MS);
	silent(&peer);
	pumped_pass(&p, TICKS, 10 * MS);
	answer = hear(&peer);
	is_unavailable(&answer, "Retry-After: 2");
	ck_assert_uint_eq(p.answered, 1);
	pumped_publish(&p, 2, 5000);
	say(&peer, GET("latest.jpg?after=7-1&wait=8000"));
	ck_assert_uint_eq(hear(&peer).mark, 2);
	peer_close(&peer);
}
END_TEST

START_TEST(nobody_waits_where_there_is_no_waiting)
{
	struct peer peer;

	p.site.wait_max_ms = 0;
	peer = peer_with(GET("latest.jpg?after=7-1&wait=5000"));
	ck_assert_int_eq(hear(&peer).status, 204);
	peer_close(&peer);
}
END_TEST

/* It has been to a relay that was ahead of this one. */
START_TEST(a_wait_for_more_than_the_next)
{
	struct peer peer = peer_with(GET("latest.jpg?after=7-3&wait=9000"));

	for (uint32_t seq = 2; seq <= 3; seq++) {
		pumped_publish(&p, seq, 6000);
		pumped_pass(&p, S, 10 * MS);
		silent(&peer);
	}
	pumped_publish(&p, 4, 6000);
	ck_assert_uint_eq(hear(&peer).mark, 4);
	peer_close(&peer);
}
END_TEST

START_TEST(a_wait_to_head)
{
	struct peer peer = peer_with("HEAD " PUMPED_DIR "latest.jpg?after=7-1&wait=5000" ENDS);

	silent(&peer);
	pumped_publish(&p, 2, 6000);
	ck_assert_int_eq(hear_to(&peer, true).status, 200);
	silent(&peer);
	peer_close(&peer);
}
END_TEST

START_TEST(what_is_pipelined_behind_a_wait_waits)
{
	struct peer peer = peer_with(GET("latest.jpg?after=7-1&wait=5000"));

	silent(&peer);
	say(&peer, GET("7-1.jpg") GET("latest.jpg?after=7-2&wait=5000"));
	silent(&peer);
	pumped_publish(&p, 2, 6000);
	ck_assert_uint_eq(hear(&peer).mark, 2);
	ck_assert_uint_eq(hear(&peer).mark, 1);
	silent(&peer);
	pumped_publish(&p, 3, 6000);
	ck_assert_uint_eq(hear(&peer).mark, 3);
	peer_close(&peer);
}
END_TEST

#define CROWD 4000

static struct peer crowd[CROWD];

/* Who has an answer by now, and had none before: each whole, once, and none before one who came earlier. */
static size_t count_answered(size_t n, size_t done)
{
	struct answer answer;

	for (; done < n; done++) {
		listen_to(&crowd[done], SIZE_MAX);
		if (!take_answer(&crowd[done], false, &answer))
			break;
		ck_assert_int_eq(answer.status, 200);
		ck_assert_uint_eq(answer.mark, 2);
	}
	return done;
}

static void gather(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		crowd[i] = peer_with(GET("latest.jpg?after=7-1&wait=5000"));
		if (i % 100 == 0)
			ks_pump_turn(p.pump, 0);
	}
	/* What was handed over together comes in by one turn. */
	while (p.pump->feeds == NULL || p.pump->feeds->n_waiting < n)
		ks_pump_turn(p.pump, 0);
}

static void disperse(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		silent(&crowd[i]);
		peer_close(&crowd[i]);
	}
}

START_TEST(a_crowd_is_answered_over_the_window)
{
	size_t n = as_many_as(CROWD), done = 0;
	int64_t begin_us = p.now_us;

	if (n == 0)
		unit_skip("a crowd needs more descriptors than `ulimit -n` allows");
	gather(n);
	ck_assert_int_eq(stored_publish(p.writer, 7, 2, 4096), KS_EOK);
	pumped_seen(&p, 2);
	/* The turn in which it was seen answers the first group. */
	while (done < n) {
		int64_t gone_us = p.now_us - begin_us;
		size_t least = n * (size_t)gone_us / (size_t)p.site.spread_us;
		size_t most = n * (size_t)(gone_us + KS_PUMP_RELEASE_US) / (size_t)p.site.spread_us;

		done = count_answered(n, done);
		ck_assert_uint_le(done, most);
		ck_assert_uint_ge(done, least < n ? least : n);
		ck_assert_int_le(gone_us, p.site.spread_us);
		for (size_t i = done; i < n && i < done + 3; i++)
			ck_assert_uint_eq(crowd[i].len, 0);
		pumped_pass(&p, MS, MS);
	}
	ck_assert_uint_eq(p.answered, n);
	disperse(n);
	ck_assert_uint_eq(p.answered, n);
}
END_TEST

/* They would come back as one. */
START_TEST(an_audience_that_waited_in_vain_is_spread)
{
	enum { N = 70 };
	unsigned at[KS_RETRY_AFTER_S + KS_RETRY_SPREAD_S + 1] = { 0 };
	struct answer answer;

	p.site.patience.dead_us = 3 * S;
	gather(N);
	pumped_pass(&p, 5 * S + TICKS, 10 * MS);
	for (size_t i = 0; i < N; i++) {
		answer = hear(&crowd[i]);
		ck_assert_int_eq(answer.status, 503);
		at[strtoul(strstr(answer.head, "\r\nRetry-After: ") + strlen("\r\nRetry-After: "), NULL, 10)]++;
	}
	for (unsigned s = KS_RETRY_AFTER_S; s <= KS_RETRY_AFTER_S + KS_RETRY_SPREAD_S; s++)
		ck_assert_uint_eq(at[s], N / (KS_RETRY_SPREAD_S + 1));
	ck_assert_uint_eq(p.given, 0);
	disperse(N);
}
END_TEST

START_TEST(few_wait_for_nothing)
{
	gather(KS_PUMP_RELEASE_MIN);
	pumped_publish(&p, 2, 4096);
	ck_assert_uint_eq(count_answered(KS_PUMP_RELEASE_MIN, 0), KS_PUMP_RELEASE_MIN);
	disperse(KS_PUMP_RELEASE_MIN);
}
END_TEST

/* Frames that come faster than the window lets go: everybody gets one, the newest there is, in the order of coming. */
START_TEST(a_frame_into_the_window)
{
	enum { N = 300 };
	uint32_t last = 2, seq = 2;
	struct answer answer;

	gather(N);
	pumped_publish(&p, seq, 4096);
	for (unsigned i = 0; i < 60; i++) {
		pumped_pass(&p, 10 * MS, MS);
		if (i % 3 == 0 && seq < 12)
			pumped_publish(&p, ++seq, 4096);
	}
	for (size_t i = 0; i < N; i++) {
		listen_to(&crowd[i], SIZE_MAX);
		ck_assert_msg(take_answer(&crowd[i], false, &answer), "%zu was forgotten", i);
		ck_assert_uint_ge(answer.mark, last);
		last = answer.mark;
	}
	ck_assert_uint_eq(p.answered, N);
	disperse(N);
}
END_TEST

START_TEST(who_leaves_while_waiting_is_nobodys_loss)
{
	enum { N = 200 };
	struct answer answer;

	gather(N);
	for (size_t i = 0; i < N; i += 2)
		peer_close(&crowd[i]);
	pumped_pass(&p, MS, MS);
	pumped_publish(&p, 2, 4096);
	/* Also while its turn is near. */
	for (size_t i = 1; i < N; i += 4)
		peer_close(&crowd[i]);
	pumped_pass(&p, p.site.spread_us, MS);
	for (size_t i = 3; i < N; i += 4) {
		listen_to(&crowd[i], SIZE_MAX);
		ck_assert(take_answer(&crowd[i], false, &answer));
		peer_close(&crowd[i]);
	}
	all_gone();
	ck_assert_uint_eq(p.pump->feeds->n_due + p.pump->feeds->n_waiting, 0);
}
END_TEST

void pump_waiting(Suite *suite)
{
	TCase *tcase = pump_case(suite, "waiting");

	tcase_add_test(tcase, a_wait_ends_with_the_picture);
	tcase_add_loop_test(tcase, a_wait_ends_when_it_is_over, 0, 4);
	tcase_add_test(tcase, a_wait_that_outlives_its_picture);
	tcase_add_test(tcase, nobody_waits_where_there_is_no_waiting);
	tcase_add_test(tcase, a_wait_for_more_than_the_next);
	tcase_add_test(tcase, a_wait_to_head);
	tcase_add_test(tcase, what_is_pipelined_behind_a_wait_waits);
	tcase_add_test(tcase, a_crowd_is_answered_over_the_window);
	tcase_add_test(tcase, an_audience_that_waited_in_vain_is_spread);
	tcase_add_test(tcase, few_wait_for_nothing);
	tcase_add_test(tcase, a_frame_into_the_window);
	tcase_add_test(tcase, who_leaves_while_waiting_is_nobodys_loss);
}
