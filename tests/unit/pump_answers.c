/* SPDX-License-Identifier: Apache-2.0
 *
 * What is answered, and with which words.
 */
#include "tests/unit/pump_peers.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"
#include "tests/unit/stored.h"

START_TEST(the_newest)
{
	struct peer peer = peer_with(PUMPED_GET);
	struct answer answer = hear(&peer);

	ck_assert_int_eq(answer.status, 200);
	ck_assert_uint_eq(answer.mark, 1);
	ck_assert_uint_eq(answer.len, 5000);
	has(&answer, "Frame-Id: 7-1");
	has(&answer, "Frame-State: live");
	has(&answer, "Frame-Next: 1000");
	has_not(&answer, "onnection:");
	pumped_publish(&p, 2, 6000);
	p.now_us += 300 * MS;
	say(&peer, PUMPED_GET);
	answer = hear(&peer);
	ck_assert_uint_eq(answer.mark, 2);
	has(&answer, "Frame-Next: 700");
	ck_assert_uint_eq(p.answered, 2);
	ck_assert_uint_eq(p.given, 0);
	peer_close(&peer);
	all_gone();
}
END_TEST

/* Who asks may have had it from another process. */
START_TEST(the_newest_before_anything_woke_the_pump)
{
	struct peer peer = peer_with(PUMPED_GET);
	struct answer answer = hear(&peer);

	for (uint32_t seq = 2; seq < 100; seq++) {
		ck_assert_int_eq(stored_publish(p.writer, 7, seq, 3000), KS_EOK);
		say(&peer, PUMPED_GET);
		answer = hear(&peer);
		ck_assert_uint_eq(answer.mark, seq);
	}
	peer_close(&peer);
}
END_TEST

START_TEST(dates_follow_the_clock)
{
	struct peer peer = peer_with(PUMPED_GET);
	struct answer answer = hear(&peer);

	has(&answer, "Date: Thu, 01 Jan 1970 00:16:40 GMT");
	p.now_us += S;
	say(&peer, PUMPED_GET);
	answer = hear(&peer);
	has(&answer, "Date: Thu, 01 Jan 1970 00:16:41 GMT");
	peer_close(&peer);
}
END_TEST

/* No location is known there, so nothing can be answered, not even what this pump would be able to. */
START_TEST(on_the_doorstep)
{
	struct ks_site doorstep = { .doorstep = true, .idle_us = 15 * S, .stall_us = 5 * S };
	struct peer peers[2];

	for (int i = 0; i < 2; i++)
		ck_assert_int_ge((peers[i] = (struct peer){ .fd = pumped_take(&p, &doorstep, "", 0) }).fd, 0);
	silent(&peers[0]);
	say(&peers[0], PUMPED_GET);
	silent(&peers[0]);
	ck_assert_uint_eq(p.given, 1);
	ck_assert_uint_eq(p.given_len, strlen(PUMPED_GET));
	ck_assert_mem_eq(p.given_bytes, PUMPED_GET, p.given_len);
	/* Who does not end its request is not waited for any longer because it goes on. */
	for (int i = 0; i < 4; i++) {
		say(&peers[1], "G");
		pumped_pass(&p, S, 10 * MS);
	}
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 1);
	pumped_pass(&p, S + TICKS, 10 * MS);
	ends(&peers[1]);
	for (int i = 0; i < 2; i++)
		peer_close(&peers[i]);
	all_gone();
}
END_TEST

START_TEST(nothing_new)
{
	struct peer peer = peer_with(GET("latest.jpg?after=7-1"));
	struct answer answer = hear(&peer);

	ck_assert_int_eq(answer.status, 204);
	has(&answer, "Frame-Id: 7-1");
	has_not(&answer, "Content-Length");
	say(&peer, GET("latest.jpg?after=7-0"));
	ck_assert_int_eq(hear(&peer).status, 200);
	say(&peer, GET("latest.jpg?after=8-0"));
	ck_assert_int_eq(hear(&peer).status, 204);
	peer_close(&peer);
}
END_TEST

static void etag_of(const struct answer *answer, char out[64])
{
	ck_assert_int_eq(sscanf(strstr(answer->head, "\r\nETag: "), "\r\nETag: %63s", out), 1);
}

static void ask_if_none_match(struct peer *peer, const char *file, const char *tags)
{
	char text[512];

	snprintf(text, sizeof(text), "GET " PUMPED_DIR "%s HTTP/1.1\r\nHost: " PUMPED_HOST "\r\nIf-None-Match: %s\r\n\r\n",
		 file, tags);
	say(peer, text);
}

START_TEST(not_modified)
{
	static const char *const files[] = { "latest.jpg", "7-1.jpg" };
	struct peer peer = peer_with(PUMPED_GET);
	struct answer answer = hear(&peer);
	char etag[64];

	etag_of(&answer, etag);
	for (size_t i = 0; i < 2; i++) {
		ask_if_none_match(&peer, files[i], etag);
		answer = hear(&peer);
		ck_assert_int_eq(answer.status, 304);
		has_not(&answer, "Content-");
		ask_if_none_match(&peer, files[i], "\"7-0-00000000\"");
		ck_assert_int_eq(hear(&peer).status, 200);
	}
	peer_close(&peer);
}
END_TEST

START_TEST(conditions_that_are_not_clear_are_httpds)
{
	static const char *const forms[] = { "*", "W/%s", "\"a\", %s", "%s, \"a\"" };
	struct peer peer = peer_with(PUMPED_GET);
	struct answer answer = hear(&peer);
	char etag[64], tags[128];

	etag_of(&answer, etag);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(tags, sizeof(tags), forms[_i], etag);
#pragma GCC diagnostic pop
	ask_if_none_match(&peer, "latest.jpg", tags);
	all_gone();
	ck_assert_uint_eq(p.given, 1);
	peer_close(&peer);
}
END_TEST

START_TEST(to_head_no_body)
{
	struct peer peer = peer_with("HEAD " PUMPED_DIR "latest.jpg" ENDS "HEAD " PUMPED_DIR "7-1.jpg" ENDS PUMPED_GET);
	struct answer answer = hear_to(&peer, true);

	has(&answer, "Content-Length: 5000");
	answer = hear_to(&peer, true);
	has(&answer, "Content-Length: 5000");
	ck_assert_int_eq(hear(&peer).status, 200);
	silent(&peer);
	peer_close(&peer);
}
END_TEST

START_TEST(by_id)
{
	struct peer peer = peer_with(GET("7-1.jpg"));
	struct answer answer = hear(&peer);

	has(&answer, "Cache-Control: public, max-age=86400, immutable");
	has_not(&answer, "Frame-Age");
	for (uint32_t seq = 2; seq <= 5; seq++)
		pumped_publish(&p, seq, 4096 + seq);
	say(&peer, GET("7-3.jpg"));
	ck_assert_uint_eq(hear(&peer).mark, 3);
	say(&peer, GET("7-1.jpg"));
	ck_assert_uint_eq(hear(&peer).mark, 1);
	/* Not yet: httpd says so. */
	say(&peer, GET("7-6.jpg"));
	all_gone();
	ck_assert_uint_eq(p.given, 1);
	peer_close(&peer);
}
END_TEST

START_TEST(stale_is_marked_and_dead_is_said)
{
	struct peer peer = peer_with(PUMPED_GET);
	struct answer answer = hear(&peer);

	p.now_us += 10 * S;
	say(&peer, PUMPED_GET);
	answer = hear(&peer);
	has(&answer, "Frame-State: stale");
	has(&answer, "Cache-Control: no-store");
	p.now_us += 15 * S - 1;
	say(&peer, PUMPED_GET);
	has(&answer, "Frame-State: stale");
	hear(&peer);
	p.now_us += 10 * S;
	say(&peer, PUMPED_GET GET("latest.jpg?after=7-1&wait=20000") GET("stream.mjpg")
	    "HEAD " PUMPED_DIR "latest.jpg" ENDS);
	answer = hear(&peer);
	is_unavailable(&answer, "Retry-After: 2");
	ck_assert_uint_eq(answer.len, strlen("No picture of field/std for 35.0 seconds.\n"));
	answer = hear(&peer);
	is_unavailable(&answer, "Retry-After: 3");
	answer = hear(&peer);
	is_unavailable(&answer, "Retry-After: 4");
	answer = hear_to(&peer, true);
	is_unavailable(&answer, "Retry-After: 5");
	silent(&peer);
	/* A picture by its name is what it was. */
	say(&peer, GET("7-1.jpg"));
	ck_assert_int_eq(hear(&peer).status, 200);
	pumped_publish(&p, 2, 5000);
	say(&peer, PUMPED_GET);
	ck_assert_uint_eq(hear(&peer).mark, 2);
	ck_assert_uint_eq(p.given, 0);
	peer_close(&peer);
}
END_TEST

void pump_answers(Suite *suite)
{
	TCase *tcase = pump_case(suite, "answers");

	tcase_add_test(tcase, the_newest);
	tcase_add_test(tcase, the_newest_before_anything_woke_the_pump);
	tcase_add_test(tcase, dates_follow_the_clock);
	tcase_add_test(tcase, on_the_doorstep);
	tcase_add_test(tcase, nothing_new);
	tcase_add_test(tcase, not_modified);
	tcase_add_loop_test(tcase, conditions_that_are_not_clear_are_httpds, 0, 4);
	tcase_add_test(tcase, to_head_no_body);
	tcase_add_test(tcase, by_id);
	tcase_add_test(tcase, stale_is_marked_and_dead_is_said);
}
