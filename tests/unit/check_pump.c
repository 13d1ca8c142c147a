/* SPDX-License-Identifier: Apache-2.0
 *
 * The pump over a real store and real sockets. Its clock is the test's, so that each deadline is met to the tick.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "mod_sentry/counters.h"
#include "mod_sentry/unavailable.h"
#include "tests/unit/pumped.h"
#include "tests/unit/stored.h"
#include "tests/unit/unit.h"

#define S KS_US_PER_S
#define MS KS_US_PER_MS
#define DEADLINE_US (30 * S)	/* of the machine's clock, for what comes when it comes */
#define TICKS (2 * KS_TIMER_TICK_US)

#define ENDS " HTTP/1.1\r\nHost: " PUMPED_HOST "\r\n\r\n"
#define GET(file) "GET " PUMPED_DIR file ENDS
#define GET_WITH(file, fields) "GET " PUMPED_DIR file " HTTP/1.1\r\nHost: " PUMPED_HOST "\r\n" fields "\r\n"
#define OTHER "GET " PUMPED_MOUNT "/health" ENDS

static struct pumped p;
static size_t descriptors;

static void setup(void)
{
	descriptors = pumped_descriptors();
	pumped_open(&p, unit_tmpdir());
}

static void teardown(void)
{
	pumped_close(&p);
	ck_assert_uint_eq(pumped_descriptors(), descriptors);
}

/* --- a peer ---------------------------------------------------------------------------------------------------- */

struct peer {
	int fd;
	char *bytes;	/* read, and not looked at yet */
	size_t len, max;
	bool ended, reset;
};

/* What came in one answer. */
struct answer {
	int status;
	char head[KS_HEAD_MAX];
	size_t len;	/* of the body */
	uint32_t mark;	/* of the picture */
};

static struct peer peer_with(const char *bytes)
{
	struct peer peer = { .fd = pumped_take(&p, &p.site, bytes, strlen(bytes)) };

	ck_assert_int_ge(peer.fd, 0);
	return peer;
}

static struct peer peer_on_tcp(const char *bytes)
{
	struct peer peer = { .fd = pumped_take_tcp(&p, bytes, strlen(bytes)) };

	ck_assert_int_ge(peer.fd, 0);
	return peer;
}

static void peer_close(struct peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	free(peer->bytes);
	peer->fd = -1;
	peer->bytes = NULL;
}

static void say(struct peer *peer, const char *bytes)
{
	ck_assert_int_eq(send(peer->fd, bytes, strlen(bytes), MSG_NOSIGNAL), (ssize_t)strlen(bytes));
}

/* Reads what is there, up to `most`. */
static void listen_to(struct peer *peer, size_t most)
{
	while (most > 0 && !peer->ended) {
		size_t want = most < 65536 ? most : 65536;
		ssize_t n;

		if (peer->max - peer->len < want) {
			peer->max = peer->len + want;
			peer->bytes = realloc(peer->bytes, peer->max + 1);
		}
		n = recv(peer->fd, peer->bytes + peer->len, want, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		peer->ended = n <= 0;
		peer->reset = n < 0;
		peer->len += n > 0 ? (size_t)n : 0;
		most -= n > 0 ? (size_t)n : 0;
		peer->bytes[peer->len] = '\0';
	}
}

static void drop(struct peer *peer, size_t len)
{
	memmove(peer->bytes, peer->bytes + len, peer->len - len + 1);
	peer->len -= len;
}

static bool is_whole_picture(const char *body, size_t len, uint32_t *mark)
{
	struct ks_frame frame = { .m.length = (uint32_t)len, .len = KS_MANIFEST_SIZE + len };
	uint8_t *bytes = malloc(frame.len);
	bool whole;

	memcpy(bytes + KS_MANIFEST_SIZE, body, len);
	frame.bytes = bytes;
	whole = len >= 8 && stored_whole(&frame, mark);
	free(bytes);
	return whole;
}

static size_t length_in(const char *head)
{
	const char *at = strstr(head, "\r\nContent-Length: ");

	return at != NULL ? (size_t)strtoul(at + strlen("\r\nContent-Length: "), NULL, 10) : 0;
}

/* Takes an answer off the front of what was read; false: not whole yet. A picture in it must be whole. */
static bool take_answer(struct peer *peer, bool to_head, struct answer *answer)
{
	char *end = peer->len > 0 ? memmem(peer->bytes, peer->len, "\r\n\r\n", 4) : NULL;
	size_t head;

	if (end == NULL)
		return false;
	head = (size_t)(end - peer->bytes) + 4;
	ck_assert_uint_lt(head, sizeof(answer->head));
	memset(answer, 0, sizeof(*answer));
	memcpy(answer->head, peer->bytes, head);
	ck_assert_int_eq(sscanf(answer->head, "HTTP/1.1 %3d ", &answer->status), 1);
	answer->len = to_head ? 0 : length_in(answer->head);
	if (peer->len < head + answer->len)
		return false;
	if (answer->status == 200 && !to_head)
		ck_assert(is_whole_picture(peer->bytes + head, answer->len, &answer->mark));
	drop(peer, head + answer->len);
	return true;
}

static struct answer hear_to(struct peer *peer, bool to_head)
{
	int64_t until_us = ks_mono_us(&ks_clock_system) + DEADLINE_US;
	struct answer answer;

	for (;;) {
		listen_to(peer, SIZE_MAX);
		if (take_answer(peer, to_head, &answer))
			return answer;
		ck_assert_msg(!peer->ended && ks_mono_us(&ks_clock_system) < until_us, "no answer");
		ks_pump_turn(p.pump, MS);
	}
}

static struct answer hear(struct peer *peer)
{
	return hear_to(peer, false);
}

/* Nothing is to come, however often the pump turns. */
static void silent(struct peer *peer)
{
	for (unsigned i = 0; i < 3; i++) {
		ks_pump_turn(p.pump, 0);
		listen_to(peer, SIZE_MAX);
	}
	ck_assert_uint_eq(peer->len, 0);
	ck_assert(!peer->ended);
}

/* The pump has closed, between two answers, and nothing was thrown away. */
static void ends(struct peer *peer)
{
	int64_t until_us = ks_mono_us(&ks_clock_system) + DEADLINE_US;

	while (!peer->ended && ks_mono_us(&ks_clock_system) < until_us) {
		ks_pump_turn(p.pump, MS);
		listen_to(peer, SIZE_MAX);
	}
	ck_assert(peer->ended && !peer->reset);
	ck_assert_uint_eq(peer->len, 0);
}

static void all_gone(void)
{
	int64_t until_us = ks_mono_us(&ks_clock_system) + DEADLINE_US;

	while (ks_pump_viewers(p.pump) > 0 && ks_mono_us(&ks_clock_system) < until_us)
		ks_pump_turn(p.pump, MS);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 0);
}

static void has(const struct answer *answer, const char *line)
{
	char text[256];

	snprintf(text, sizeof(text), "\r\n%s\r\n", line);
	ck_assert_msg(strstr(answer->head, text) != NULL, "no %s in\n%s", line, answer->head);
}

static void has_not(const struct answer *answer, const char *name)
{
	ck_assert_msg(strstr(answer->head, name) == NULL, "%s in\n%s", name, answer->head);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

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

/* A 503 in words, on a connection that goes on. */
static void is_unavailable(const struct answer *answer, const char *retry_after)
{
	ck_assert_int_eq(answer->status, 503);
	has(answer, retry_after);
	has(answer, "Content-Type: text/plain; charset=utf-8");
	has(answer, "Cache-Control: no-store");
	has_not(answer, "Frame-");
	has_not(answer, "onnection:");
}

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

/* --- waiting --------------------------------------------------------------------------------------------------- */

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

/* Peers in pairs of descriptors, as many as the limit allows; 0: too few for the test to say anything. */
static size_t as_many_as(size_t wanted)
{
	struct rlimit limit;
	size_t allowed;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < 2 * wanted + 100) {
		/* Root may have more; it is the test's own process. */
		struct rlimit more = { 2 * wanted + 100, limit.rlim_max > 2 * wanted + 100 ? limit.rlim_max : 2 * wanted + 100 };

		if (setrlimit(RLIMIT_NOFILE, &more) != 0) {
			more = (struct rlimit){ limit.rlim_max, limit.rlim_max };
			setrlimit(RLIMIT_NOFILE, &more);
		}
		getrlimit(RLIMIT_NOFILE, &limit);
	}
	allowed = (size_t)(limit.rlim_cur - 100) / 2;
	if (allowed < wanted / 10)
		return 0;
	return allowed < wanted ? allowed : wanted;
}

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

/* --- pipelining, closing ---------------------------------------------------------------------------------------- */

START_TEST(pipelined)
{
	struct peer peer = peer_with(PUMPED_GET GET("latest.jpg?after=7-1") GET("7-1.jpg") PUMPED_GET);

	ck_assert_int_eq(hear(&peer).status, 200);
	ck_assert_int_eq(hear(&peer).status, 204);
	ck_assert_int_eq(hear(&peer).status, 200);
	ck_assert_int_eq(hear(&peer).status, 200);
	silent(&peer);
	peer_close(&peer);
}
END_TEST

START_TEST(pipelined_in_pieces)
{
	static const char text[] = PUMPED_GET GET("latest.jpg?after=7-1") GET("7-1.jpg");

	for (size_t step = 1; step < 40; step++) {
		struct peer peer = peer_with("");

		for (size_t at = 0; at < strlen(text); at += step) {
			size_t left = strlen(text) - at;

			ck_assert_int_gt(send(peer.fd, text + at, left < step ? left : step, MSG_NOSIGNAL), 0);
			ks_pump_turn(p.pump, 0);
		}
		ck_assert_int_eq(hear(&peer).status, 200);
		ck_assert_int_eq(hear(&peer).status, 204);
		ck_assert_int_eq(hear(&peer).status, 200);
		peer_close(&peer);
	}
}
END_TEST

#define PIPELINED (5 * KS_PUMP_PIPELINED_MAX + 3)

START_TEST(many_pipelined_let_others_have_their_turn)
{
	static char text[PIPELINED * sizeof(GET("latest.jpg?after=7-1"))];
	struct peer many = peer_with(""), one;
	struct answer answer;
	unsigned heard = 0;

	for (unsigned i = 0; i < PIPELINED; i++)
		strcat(text, GET("latest.jpg?after=7-1"));
	say(&many, text);
	one = peer_with(PUMPED_GET);
	ks_pump_turn(p.pump, 0);	/* the first may have its turn, and a second one as `again` */
	listen_to(&many, SIZE_MAX);
	while (take_answer(&many, false, &answer))
		heard++;
	ck_assert_uint_ge(heard, 1);
	ck_assert_uint_le(heard, 2 * KS_PUMP_PIPELINED_MAX);
	listen_to(&one, SIZE_MAX);
	ck_assert(take_answer(&one, false, &answer));
	for (; heard < PIPELINED; heard++)
		ck_assert_int_eq(hear(&many).status, 204);
	silent(&many);
	peer_close(&many);
	peer_close(&one);
}
END_TEST

START_TEST(close_after_the_answer)
{
	static const char *const requests[] = {
		GET_WITH("latest.jpg", "Connection: close\r\n"),
		"GET " PUMPED_DIR "latest.jpg HTTP/1.0\r\nHost: " PUMPED_HOST "\r\n\r\n",
		GET_WITH("7-1.jpg", "Connection: close\r\n"),
		GET_WITH("latest.jpg?after=7-1", "Connection: close\r\n"),
	};
	struct peer peer = peer_on_tcp(requests[_i]);
	struct answer answer = hear(&peer);

	has(&answer, "Connection: close");
	ends(&peer);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 1);	/* until the peer has closed, too */
	peer_close(&peer);
	all_gone();
}
END_TEST

START_TEST(what_follows_close_is_not_answered)
{
	struct peer peer = peer_on_tcp(GET_WITH("latest.jpg", "Connection: close\r\n") PUMPED_GET);

	hear(&peer);
	say(&peer, PUMPED_GET);
	ends(&peer);
	ck_assert_uint_eq(p.answered, 1);
	peer_close(&peer);
	all_gone();
}
END_TEST

START_TEST(who_does_not_close_is_not_waited_for)
{
	struct peer peer = peer_on_tcp(GET_WITH("latest.jpg", "Connection: close\r\n"));

	hear(&peer);
	pumped_pass(&p, KS_PUMP_LINGER_US + TICKS, 10 * MS);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 0);
	peer_close(&peer);
}
END_TEST

START_TEST(http_1_0_that_asks_to_stay)
{
	static const char request[] =
		"GET " PUMPED_DIR "latest.jpg HTTP/1.0\r\nHost: " PUMPED_HOST "\r\nConnection: keep-alive\r\n\r\n";
	struct peer peer = peer_with(request);
	struct answer answer = hear(&peer);

	has(&answer, "Connection: Keep-Alive");
	has(&answer, "Keep-Alive: timeout=15");
	say(&peer, request);
	hear(&peer);
	silent(&peer);
	peer_close(&peer);
}
END_TEST

START_TEST(idle_ends_cleanly)
{
	struct peer peer = peer_on_tcp(PUMPED_GET);

	hear(&peer);
	pumped_pass(&p, p.site.idle_us - 1, 10 * MS);
	silent(&peer);
	/* Each request is worth the whole time anew. */
	say(&peer, PUMPED_GET);
	hear(&peer);
	pumped_pass(&p, p.site.idle_us - 1, 10 * MS);
	silent(&peer);
	pumped_pass(&p, TICKS, 10 * MS);
	ends(&peer);
	peer_close(&peer);
	all_gone();
}
END_TEST

START_TEST(a_request_that_trickles_in)
{
	static const char text[] = PUMPED_GET;
	struct peer peer = peer_on_tcp("");
	int64_t begin_us = p.now_us;

	for (size_t at = 0; at < strlen(text) && !peer.ended; at++) {
		send(peer.fd, text + at, 1, MSG_NOSIGNAL);
		pumped_pass(&p, 500 * MS, 10 * MS);
		listen_to(&peer, SIZE_MAX);
	}
	ck_assert_int_le(p.now_us - begin_us, p.site.stall_us + S);
	ck_assert_int_ge(p.now_us - begin_us, p.site.stall_us);
	ck_assert_uint_eq(p.answered, 0);
	ends(&peer);
	peer_close(&peer);
	all_gone();
}
END_TEST

/* --- slow and stalled readers ---------------------------------------------------------------------------------- */

#define LARGE 400000

static struct peer slow_peer(const char *request)
{
	struct peer peer = peer_with("");
	int size = 4096;

	ks_pump_turn(p.pump, 0);
	ck_assert_int_eq(setsockopt(LIST_FIRST(&p.pump->viewers)->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	pumped_publish(&p, 2, LARGE);
	say(&peer, request);
	ks_pump_turn(p.pump, 0);
	ck_assert_int_eq(LIST_FIRST(&p.pump->viewers)->state, KS_VIEWER_WRITING);
	return peer;
}

START_TEST(a_slow_reader_gets_the_picture_whole)
{
	struct peer peer = slow_peer(PUMPED_GET PUMPED_GET);
	struct answer answer;
	uint32_t seq = 2;

	while (!take_answer(&peer, false, &answer)) {
		listen_to(&peer, 3000);
		if (seq < 40 && peer.len > seq * 1000)
			pumped_publish(&p, ++seq, 5000);
		pumped_pass(&p, 100 * MS, 100 * MS);
	}
	ck_assert_uint_eq(answer.mark, 2);
	ck_assert_uint_eq(answer.len, LARGE);
	ck_assert_uint_gt(seq, 20);
	/* The next one is the newest. */
	ck_assert_uint_eq(hear(&peer).mark, seq);
	peer_close(&peer);
}
END_TEST

START_TEST(who_takes_nothing_is_cut)
{
	struct peer peer = slow_peer(PUMPED_GET);

	pumped_pass(&p, p.site.stall_us - 1, 10 * MS);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 1);
	pumped_pass(&p, TICKS, 10 * MS);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 0);
	peer_close(&peer);
}
END_TEST

START_TEST(who_takes_little_is_cut_in_the_end)
{
	struct peer peer = slow_peer(PUMPED_GET);
	int64_t begin_us = p.now_us;

	while (ks_pump_viewers(p.pump) > 0) {
		listen_to(&peer, 4096);
		pumped_pass(&p, S, 10 * MS);
		ck_assert_int_le(p.now_us - begin_us, KS_PUMP_ANSWER_US + S);
	}
	ck_assert_int_ge(p.now_us - begin_us, KS_PUMP_ANSWER_US);
	peer_close(&peer);
}
END_TEST

/* What it asks meanwhile stays in the kernel, which makes it stop. */
START_TEST(a_stalled_reader_is_not_read_from)
{
	struct peer peer = slow_peer(PUMPED_GET);
	size_t said = 0;
	ssize_t n;

	while ((n = send(peer.fd, PUMPED_GET, strlen(PUMPED_GET), MSG_NOSIGNAL)) > 0) {
		said += (size_t)n;
		ck_assert_uint_lt(said, 16 * 1024 * 1024);
		ks_pump_turn(p.pump, 0);
	}
	ck_assert_ptr_null(LIST_FIRST(&p.pump->viewers)->input);
	peer_close(&peer);
	all_gone();
}
END_TEST

/* --- peers that go ------------------------------------------------------------------------------------------------ */

START_TEST(half_closed_with_the_request)
{
	struct peer peer = peer_on_tcp("");

	ks_pump_turn(p.pump, 0);
	say(&peer, PUMPED_GET GET("7-1.jpg"));
	ck_assert_int_eq(shutdown(peer.fd, SHUT_WR), 0);
	ck_assert_int_eq(hear(&peer).status, 200);
	ck_assert_int_eq(hear(&peer).status, 200);
	/* Nothing can follow: not when its idle time is over, but now. */
	ends(&peer);
	all_gone();
	peer_close(&peer);
}
END_TEST

START_TEST(half_closed_while_being_written_to)
{
	struct peer peer = slow_peer(PUMPED_GET);

	ck_assert_int_eq(shutdown(peer.fd, SHUT_WR), 0);
	ck_assert_uint_eq(hear(&peer).len, LARGE);
	ends(&peer);
	all_gone();
	peer_close(&peer);
}
END_TEST

START_TEST(half_closed_while_waiting)
{
	static const char request[] = GET("latest.jpg?after=7-1&wait=5000");
	struct peer peer = peer_on_tcp("");

	ks_pump_turn(p.pump, 0);
	say(&peer, request);
	if (_i == 0)
		silent(&peer);
	/* With the request or behind it: nobody is there any more. */
	ck_assert_int_eq(shutdown(peer.fd, SHUT_WR), 0);
	all_gone();
	peer_close(&peer);
}
END_TEST

START_TEST(half_a_request_and_gone)
{
	static const char text[] = PUMPED_GET;

	for (size_t len = 0; len < strlen(text); len += 5) {
		struct peer peer = peer_on_tcp("");

		ck_assert_int_eq(send(peer.fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
		if (len % 2 == 0)
			ks_pump_turn(p.pump, 0);
		peer_close(&peer);
		all_gone();
	}
	ck_assert_uint_eq(p.answered, 0);
}
END_TEST

static void reset(struct peer *peer)
{
	struct linger now = { .l_onoff = 1 };

	ck_assert_int_eq(setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	peer_close(peer);
}

START_TEST(reset_in_each_state)
{
	struct peer reading = peer_on_tcp(PUMPED_GET), waiting = peer_on_tcp(GET("latest.jpg?after=7-1&wait=9000"));
	struct peer lingering = peer_on_tcp(GET_WITH("latest.jpg", "Connection: close\r\n"));
	struct peer partial = peer_on_tcp("GET /li"), writing;

	hear(&reading);
	hear(&lingering);
	silent(&waiting);
	writing = peer_on_tcp("");
	ks_pump_turn(p.pump, 0);
	pumped_publish(&p, 2, KS_JPEG_MAX);
	hear(&waiting);
	say(&waiting, GET("latest.jpg?after=7-2&wait=9000"));
	say(&writing, PUMPED_GET);
	silent(&waiting);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 5);
	reset(&reading);
	reset(&waiting);
	reset(&lingering);
	reset(&partial);
	reset(&writing);
	all_gone();
	pumped_publish(&p, 3, 5000);
}
END_TEST

/* httpd closes its own descriptor of the socket when it comes to it; no event may tell of a viewer that is gone. */
START_TEST(gone_before_httpd_has_closed)
{
	struct epoll_event event;
	int pair[2], ours;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ours = dup(pair[0]);
	if (_i == 0)
		ks_pump_linger(p.pump, ours, pumped_carrier(ours, 0));
	else
		ck_assert(ks_pump_take(p.pump, &p.site, ours, pumped_carrier(ours, 0), PUMPED_HOST, "GET /li", 7));
	ks_pump_turn(p.pump, 0);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 1);
	pumped_pass(&p, p.site.stall_us + KS_PUMP_LINGER_US + 2 * TICKS, 10 * MS);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 0);
	ck_assert_int_eq(send(pair[1], "a", 1, MSG_NOSIGNAL), 1);
	ck_assert_int_eq(epoll_wait(p.pump->epoll, &event, 1, 0), 0);
	close(pair[1]);
	ck_assert_int_eq(epoll_wait(p.pump->epoll, &event, 1, 0), 0);
	close(pair[0]);
}
END_TEST

/* --- given back ------------------------------------------------------------------------------------------------- */

static const char *const others[] = {
	OTHER,
	"GET " PUMPED_MOUNT "/field/index.json" ENDS,
	"GET /elsewhere" ENDS,
	"GET /other" PUMPED_DIR "latest.jpg" ENDS,
	"GET " PUMPED_MOUNT "/field/low/latest.jpg" ENDS,
	"GET " PUMPED_MOUNT "/other/std/latest.jpg" ENDS,
	GET("8-1.jpg"),
	GET("nothing.jpg"),
	GET("nothing"),
	GET(""),
	GET("latest.jpg/"),
	GET("latest.jpg?after=x"),
	GET("latest.jpg?after=7-1&after=7-1"),
	GET("latest.jpg?after=7-1&wait="),
	"GET " PUMPED_DIR "latest.jpg HTTP/1.1\r\nHost: another\r\n\r\n",
	"GET " PUMPED_DIR "latest.jpg HTTP/1.1\r\nHost: RELAY\r\n\r\n",
	"GET " PUMPED_DIR "latest.jpg HTTP/1.0\r\n\r\n",
	"GET " PUMPED_DIR "latest.jpg HTTP/1.1\r\n\r\n",
	"POST " PUMPED_DIR "latest.jpg HTTP/1.1\r\nHost: " PUMPED_HOST "\r\nContent-Length: 3\r\n\r\nabc",
	GET_WITH("latest.jpg", "Authorization: Basic YTpi\r\n"),
	GET_WITH("latest.jpg", "If-Modified-Since: x\r\n"),
	"\r\nGET / HTTP/1.1\r\n\r\n",
	"nonsense\r\n\r\n",
	"\n\na\n\n",
};

START_TEST(what_is_not_ours_goes_back_whole)
{
	static const char behind[] = PUMPED_GET "GET /half";
	struct peer peer = peer_with(PUMPED_GET);
	char text[1024], byte = 0;

	hear(&peer);
	snprintf(text, sizeof(text), PUMPED_GET "%s%s", others[_i], behind);
	say(&peer, text);
	ck_assert_int_eq(hear(&peer).status, 200);
	all_gone();
	ck_assert_uint_eq(p.given, 1);
	ck_assert_uint_eq(p.answered, 2);
	ck_assert_uint_eq(p.given_len, strlen(others[_i]) + strlen(behind));
	ck_assert_mem_eq(p.given_bytes, others[_i], strlen(others[_i]));
	ck_assert_mem_eq(p.given_bytes + strlen(others[_i]), behind, strlen(behind));
	/* The descriptor is a connection still, in both directions. */
	ck_assert_int_eq(send(p.given_fd, "a", 1, MSG_NOSIGNAL), 1);
	ck_assert_int_eq(recv(peer.fd, &byte, 1, 0), 1);
	say(&peer, "b");
	ck_assert_int_eq(recv(p.given_fd, &byte, 1, 0), 1);
	ck_assert_int_eq(byte, 'b');
	peer_close(&peer);
}
END_TEST

#define POST(length) "POST /elsewhere HTTP/1.1\r\nHost: " PUMPED_HOST "\r\nContent-Length: " length "\r\n\r\n"

/* No thread of httpd has to wait for the rest. */
START_TEST(a_short_body_is_waited_for)
{
	static const char text[] = POST("3") "abc" PUMPED_GET;
	struct peer peer = peer_with(PUMPED_GET POST("3"));

	hear(&peer);
	silent(&peer);
	say(&peer, "a");
	silent(&peer);
	say(&peer, "b");
	silent(&peer);
	ck_assert_uint_eq(p.given, 0);
	say(&peer, "c" PUMPED_GET);
	all_gone();
	ck_assert_uint_eq(p.given, 1);
	ck_assert_uint_eq(p.given_len, strlen(text));
	ck_assert_mem_eq(p.given_bytes, text, strlen(text));
	peer_close(&peer);
}
END_TEST

START_TEST(a_short_body_that_does_not_come)
{
	struct peer peer = peer_on_tcp(POST("3"));
	int64_t begin_us = p.now_us;

	while (!peer.ended) {
		pumped_pass(&p, 500 * MS, 10 * MS);
		listen_to(&peer, SIZE_MAX);
		ck_assert_int_le(p.now_us - begin_us, p.site.stall_us + S);
	}
	ends(&peer);
	ck_assert_uint_eq(p.given, 0);
	peer_close(&peer);
	all_gone();
}
END_TEST

/* Longer than the pump keeps, of no length that it understands, or with a method that is refused a body. */
static const char *const bodies[] = {
	POST("16384"),
	POST("99999999999999999999999"),
	POST("3\r\nContent-Length: 4"),
	POST("3\r\nExpect: 100-continue"),
	"POST /elsewhere HTTP/1.1\r\nHost: " PUMPED_HOST "\r\nTransfer-Encoding: chunked\r\n\r\n",
	GET_WITH("latest.jpg", "Content-Length: 3\r\n"),
	"HEAD " PUMPED_DIR "latest.jpg HTTP/1.1\r\nHost: " PUMPED_HOST "\r\nContent-Length: 3\r\n\r\n",
};

START_TEST(other_bodies_are_not_waited_for)
{
	struct peer peer = peer_with(bodies[_i]);

	all_gone();
	ck_assert_uint_eq(p.given, 1);
	ck_assert_uint_eq(p.given_len, strlen(bodies[_i]));
	peer_close(&peer);
}
END_TEST

START_TEST(handed_over_with_what_is_not_ours)
{
	struct peer peer = peer_with(OTHER PUMPED_GET);

	all_gone();
	ck_assert_uint_eq(p.given_len, strlen(OTHER PUMPED_GET));
	ck_assert_mem_eq(p.given_bytes, OTHER PUMPED_GET, p.given_len);
	peer_close(&peer);
}
END_TEST

START_TEST(below_a_section_of_its_own)
{
	static const char *const sections[] = { PUMPED_MOUNT "/field/std/latest.jpg", NULL };
	struct peer peer;

	p.site.sections = sections;
	peer = peer_with(GET("7-1.jpg"));
	all_gone();
	ck_assert_uint_eq(p.given, 1);
	peer_close(&peer);
}
END_TEST

/* It is not kept for as long as it might have lingered, and what it goes on saying is not kept either. */
START_TEST(what_nobody_takes_back_is_listened_to)
{
	struct peer peer = peer_on_tcp(PUMPED_GET OTHER);

	p.refuse = true;
	hear(&peer);
	ends(&peer);
	for (unsigned i = 0; i < 100; i++) {
		say(&peer, PUMPED_GET);
		ks_pump_turn(p.pump, 0);
	}
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 1);
	peer_close(&peer);
	all_gone();
	ck_assert_int_eq(p.now_us, PUMPED_START_US);
}
END_TEST

START_TEST(what_nobody_takes_back_ends_cleanly)
{
	struct peer peer = peer_on_tcp(PUMPED_GET OTHER);

	p.refuse = true;
	ck_assert_int_eq(hear(&peer).status, 200);
	ends(&peer);
	ck_assert_uint_eq(p.given, 1);
	pumped_pass(&p, KS_PUMP_LINGER_US + TICKS, 10 * MS);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 0);
	peer_close(&peer);
}
END_TEST

/* --- heads without end ------------------------------------------------------------------------------------------ */

static void say_many(struct peer *peer, char byte, size_t n)
{
	static char bytes[KS_PUMP_INPUT_MAX];

	memset(bytes, byte, sizeof(bytes));
	while (n > 0) {
		ssize_t sent = send(peer->fd, bytes, n < sizeof(bytes) ? n : sizeof(bytes), MSG_NOSIGNAL);

		ck_assert_int_gt(sent, 0);
		n -= (size_t)sent;
		ks_pump_turn(p.pump, 0);
	}
}

/* httpd has limits of its own, and is asked first. */
START_TEST(too_long_a_head_goes_back_as_far_as_it_came)
{
	struct peer peer = peer_on_tcp("GET /");

	say_many(&peer, 'a', KS_PUMP_INPUT_MAX - strlen("GET /") - 1);
	silent(&peer);
	say_many(&peer, 'b', 1);
	all_gone();
	ck_assert_uint_eq(p.given, 1);
	ck_assert_uint_eq(p.given_len, KS_PUMP_INPUT_MAX);
	ck_assert_int_eq(p.given_bytes[KS_PUMP_INPUT_MAX - 1], 'b');
	peer_close(&peer);
}
END_TEST

START_TEST(too_long_a_line)
{
	struct peer peer = peer_on_tcp("GET /");

	p.refuse = true;
	say_many(&peer, 'a', KS_PUMP_INPUT_MAX - strlen("GET /") - 1);
	silent(&peer);
	say_many(&peer, 'a', 1000);
	ck_assert_int_eq(hear(&peer).status, 414);
	ends(&peer);
	peer_close(&peer);
	all_gone();
}
END_TEST

START_TEST(too_long_a_head)
{
	static const char begin[] = "GET / HTTP/1.1\r\nX: ";
	struct peer peer = peer_on_tcp(begin);

	p.refuse = true;
	say_many(&peer, 'a', KS_PUMP_INPUT_MAX - strlen(begin) - 1);
	silent(&peer);
	say_many(&peer, 'a', 1000);
	ck_assert_int_eq(hear(&peer).status, 431);
	ends(&peer);
	peer_close(&peer);
	all_gone();
}
END_TEST

/* The limit is one head's, not the connection's. */
START_TEST(answers_in_front_do_not_count)
{
	struct peer peer = peer_on_tcp(PUMPED_GET PUMPED_GET "GET /");

	p.refuse = true;
	say_many(&peer, 'a', KS_PUMP_INPUT_MAX - strlen("GET /") - 1);
	hear(&peer);
	hear(&peer);
	silent(&peer);
	say_many(&peer, 'a', 1);
	ck_assert_int_eq(hear(&peer).status, 414);
	peer_close(&peer);
}
END_TEST

/* --- streams ------------------------------------------------------------------------------------------------------ */

/* The part at the front of what was read: its picture is whole, and the boundary is behind it. */
static uint32_t hear_part(struct peer *peer)
{
	int64_t until_us = ks_mono_us(&ks_clock_system) + DEADLINE_US;
	size_t tail = strlen(ks_head_part_end(false));

	for (;;) {
		char *end = peer->len > 0 ? memmem(peer->bytes, peer->len, "\r\n\r\n", 4) : NULL;
		size_t head = end != NULL ? (size_t)(end - peer->bytes) + 4 : 0, len;
		uint32_t mark;

		if (head > 0) {
			*end = '\0';
			len = length_in(peer->bytes);
			*end = '\r';
			if (peer->len >= head + len + tail) {
				ck_assert(is_whole_picture(peer->bytes + head, len, &mark));
				ck_assert_mem_eq(peer->bytes + head + len, ks_head_part_end(false), tail);
				drop(peer, head + len + tail);
				return mark;
			}
		}
		ck_assert_msg(!peer->ended && ks_mono_us(&ks_clock_system) < until_us, "no part");
		ks_pump_turn(p.pump, MS);
		listen_to(peer, SIZE_MAX);
	}
}

/* Of a stream with early heads: the next part's head is what ends a picture. */
static uint32_t hear_early_part(struct peer *peer, size_t len)
{
	int64_t until_us = ks_mono_us(&ks_clock_system) + DEADLINE_US;
	const char *end = ks_head_part_end(true);
	uint32_t mark;

	while (peer->len < len + strlen(end)) {
		ck_assert_msg(!peer->ended && ks_mono_us(&ks_clock_system) < until_us, "no part");
		ks_pump_turn(p.pump, MS);
		listen_to(peer, SIZE_MAX);
	}
	ck_assert(is_whole_picture(peer->bytes, len, &mark));
	ck_assert_mem_eq(peer->bytes + len, end, strlen(end));
	drop(peer, len + strlen(end));
	return mark;
}

static void hear_beginning(struct peer *peer, bool early)
{
	const char *first = ks_head_part_end(early) + KS_HEAD_LINE_END;
	struct answer answer = hear_to(peer, true);

	ck_assert_int_eq(answer.status, 200);
	has(&answer, "Content-Type: multipart/x-mixed-replace;boundary=koshien-frame");
	has(&answer, "Connection: close");
	ck_assert_int_eq(strncmp(peer->bytes, first, strlen(first)), 0);
	drop(peer, strlen(first));
}

static void hear_stream(struct peer *peer)
{
	hear_beginning(peer, false);
}

START_TEST(a_stream)
{
	struct peer peer = peer_with(GET("stream.mjpg"));

	hear_stream(&peer);
	ck_assert_uint_eq(hear_part(&peer), 1);
	silent(&peer);
	for (uint32_t seq = 2; seq < 20; seq++) {
		pumped_publish(&p, seq, 4000 + 100 * seq);
		ck_assert_uint_eq(hear_part(&peer), seq);
		pumped_pass(&p, S, 10 * MS);
		silent(&peer);
	}
	peer_close(&peer);
	all_gone();
}
END_TEST

/* A browser's image shows a picture when it has the head of the next one. */
START_TEST(a_stream_to_a_browser)
{
	struct peer peer = peer_with(GET_WITH("stream.mjpg", "Accept: image/avif,image/webp,image/*,*/*;q=0.8\r\n"));

	hear_beginning(&peer, true);
	ck_assert_uint_eq(hear_early_part(&peer, 5000), 1);
	silent(&peer);
	for (uint32_t seq = 2; seq < 6; seq++) {
		pumped_publish(&p, seq, 4000 + 100 * seq);
		ck_assert_uint_eq(hear_early_part(&peer, 4000 + 100 * seq), seq);
		silent(&peer);
	}
	peer_close(&peer);
	all_gone();
}
END_TEST

START_TEST(a_slow_stream_to_a_browser)
{
	struct peer peer = slow_peer(GET_WITH("stream.mjpg", "Accept: image/*\r\n"));

	pumped_publish(&p, 3, 5000);
	hear_beginning(&peer, true);
	ck_assert_uint_eq(hear_early_part(&peer, LARGE), 2);
	ck_assert_uint_eq(hear_early_part(&peer, 5000), 3);
	silent(&peer);
	peer_close(&peer);
}
END_TEST

START_TEST(a_slow_stream_skips_and_ends_up_with_the_newest)
{
	struct peer peer = slow_peer(GET("stream.mjpg"));
	uint32_t mark, last = 1;

	for (uint32_t seq = 3; seq < 8; seq++)
		pumped_publish(&p, seq, 5000);
	hear_stream(&peer);
	while ((mark = hear_part(&peer)) != 7) {
		ck_assert_uint_gt(mark, last);
		last = mark;
	}
	ck_assert_uint_eq(last, 2);
	silent(&peer);
	peer_close(&peer);
}
END_TEST

START_TEST(a_stream_of_a_dead_channel_ends)
{
	struct peer peer = peer_on_tcp(GET("stream.mjpg"));

	hear_stream(&peer);
	hear_part(&peer);
	pumped_pass(&p, p.site.patience.dead_us - 1, 100 * MS);
	silent(&peer);
	pumped_pass(&p, TICKS, 10 * MS);
	ends(&peer);
	peer_close(&peer);
	all_gone();
}
END_TEST

START_TEST(a_stream_to_head)
{
	struct peer peer = peer_on_tcp("HEAD " PUMPED_DIR "stream.mjpg" ENDS);
	struct answer answer = hear_to(&peer, true);

	ck_assert_int_eq(answer.status, 200);
	has(&answer, "Content-Type: multipart/x-mixed-replace;boundary=koshien-frame");
	has(&answer, "Connection: close");
	/* Not a byte behind the head: a boundary would be a body. */
	ends(&peer);
	peer_close(&peer);
}
END_TEST

/* --- the end of the pump ----------------------------------------------------------------------------------------- */

static struct answer hear_last(struct peer *peer)
{
	struct answer answer = hear(peer);

	has(&answer, "Connection: close");
	ends(peer);
	return answer;
}

START_TEST(drained)
{
	struct peer idle = peer_on_tcp(PUMPED_GET), waiting = peer_on_tcp(GET("latest.jpg?after=7-1&wait=9000"));
	struct peer stream = peer_on_tcp(GET("stream.mjpg")), half = peer_on_tcp("GET /li");

	hear(&idle);
	hear_stream(&stream);
	hear_part(&stream);
	silent(&waiting);
	silent(&half);
	ks_pump_drain(p.pump);
	silent(&idle);
	silent(&waiting);
	silent(&stream);
	/* Whose request was on its way is answered, and who waits gets what it waits for. */
	say(&idle, PUMPED_GET PUMPED_GET);
	ck_assert_int_eq(hear_last(&idle).status, 200);
	say(&half, "ve/field/std/latest.jpg" ENDS);
	ck_assert_int_eq(hear_last(&half).status, 200);
	pumped_publish(&p, 2, 6000);
	p.now_us += p.site.spread_us;
	ck_assert_uint_eq(hear_last(&waiting).mark, 2);
	hear_part(&stream);
	ends(&stream);
	ck_assert_int_eq(pumped_take(&p, &p.site, "", 0), -1);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 4);
	peer_close(&idle);
	peer_close(&waiting);
	peer_close(&stream);
	peer_close(&half);
	all_gone();
}
END_TEST

START_TEST(drained_in_vain)
{
	struct peer idle = peer_on_tcp(""), waiting = peer_on_tcp(GET("latest.jpg?after=7-1&wait=9000"));
	struct peer soon = peer_on_tcp(GET("latest.jpg?after=7-1&wait=1000"));

	silent(&waiting);
	silent(&soon);
	ks_pump_drain(p.pump);
	ks_pump_turn(p.pump, 0);
	pumped_pass(&p, 1000 * MS + TICKS, 10 * MS);
	ck_assert_int_eq(hear_last(&soon).status, 204);
	silent(&idle);
	silent(&waiting);
	pumped_pass(&p, KS_PUMP_PART_US - 1000 * MS, 10 * MS);
	ck_assert_int_eq(hear_last(&waiting).status, 204);
	ends(&idle);
	peer_close(&idle);
	peer_close(&waiting);
	peer_close(&soon);
	all_gone();
}
END_TEST

/* Its head did not say that the connection ends. */
START_TEST(drained_while_writing)
{
	struct peer peer = slow_peer(PUMPED_GET);
	struct answer answer;

	ks_pump_drain(p.pump);
	ks_pump_turn(p.pump, 0);
	answer = hear(&peer);
	ck_assert_uint_eq(answer.len, LARGE);
	has_not(&answer, "onnection:");
	silent(&peer);
	say(&peer, PUMPED_GET);
	ck_assert_uint_eq(hear_last(&peer).len, LARGE);
	peer_close(&peer);
	all_gone();
}
END_TEST

/* More of them than are looked at in one turn, and the time of all is over when it ends. */
START_TEST(who_asks_at_the_last_moment_is_answered)
{
	enum { N = 300 };
	struct peer peers[N];

	for (int i = 0; i < N; i++)
		peers[i] = peer_with("");
	ks_pump_turn(p.pump, 0);
	ks_pump_turn(p.pump, 0);
	for (int i = 0; i < N; i++)
		say(&peers[i], GET("latest.jpg?after=7-1"));
	p.now_us += p.site.idle_us + TICKS;
	ks_pump_turn(p.pump, 0);
	for (int i = 0; i < N; i++) {
		ck_assert_int_eq(hear(&peers[i]).status, 204);
		peer_close(&peers[i]);
	}
	all_gone();
}
END_TEST

START_TEST(freed_in_the_middle)
{
	struct peer writing = slow_peer(PUMPED_GET), waiting = peer_with(GET("latest.jpg?after=7-2&wait=9000")), door;

	silent(&waiting);
	door = peer_with(PUMPED_GET);
	/* Before the peers go. */
	pumped_close(&p);
	peer_close(&writing);
	peer_close(&waiting);
	peer_close(&door);
	ck_assert_uint_eq(pumped_descriptors(), descriptors);
	pumped_open(&p, unit_tmpdir());
}
END_TEST

/* With a thread, and its own clock. */
START_TEST(started_and_stopped)
{
	struct peer peer;
	struct answer answer;
	int64_t until_us = ks_mono_us(&ks_clock_system) + DEADLINE_US;

	ck_assert_int_eq(ks_pump_start(p.pump), KS_EOK);
	peer = peer_on_tcp(PUMPED_GET GET("latest.jpg?after=7-1&wait=9000"));
	while (!take_answer(&peer, false, &answer) && ks_mono_us(&ks_clock_system) < until_us) {
		usleep(1000);
		listen_to(&peer, SIZE_MAX);
	}
	ck_assert_int_eq(answer.status, 200);
	ks_pump_drain(p.pump);
	ck_assert_int_eq(stored_publish(p.writer, 7, 2, 6000), KS_EOK);
	while (!peer.ended && ks_mono_us(&ks_clock_system) < until_us) {
		usleep(1000);
		listen_to(&peer, SIZE_MAX);
	}
	ck_assert(take_answer(&peer, false, &answer));
	/* The end may come before the wait has begun. */
	ck_assert(answer.status == 204 || answer.mark == 2);
	has(&answer, "Connection: close");
	ck_assert(peer.ended && !peer.reset);
	peer_close(&peer);
}
END_TEST

/* A thread that answers what was given back may come until it ends, too. */
START_TEST(at_the_door_of_a_stopped_pump)
{
	struct peer peer = { .fd = -1 };
	int pair[2];

	ck_assert_int_eq(ks_pump_start(p.pump), KS_EOK);
	ks_pump_stop(p.pump, 0);
	ck_assert_int_eq(pumped_take(&p, &p.site, "", 0), -1);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(shutdown(pair[0], SHUT_WR), 0);
	ks_pump_linger(p.pump, pair[0], pumped_carrier(pair[0], 0));
	/* teardown() looks for the descriptor. */
	peer.fd = pair[1];
	peer_close(&peer);
}
END_TEST

/* Its way in and the end of the pump crossed. */
START_TEST(at_the_door_of_a_drained_pump)
{
	struct peer idle = peer_on_tcp(""), asking = peer_on_tcp(PUMPED_GET);

	atomic_store(&p.pump->draining, true);
	p.pump->drained = true;
	hear_last(&asking);
	pumped_pass(&p, KS_PUMP_PART_US + TICKS, 10 * MS);
	ends(&idle);
	peer_close(&idle);
	peer_close(&asking);
	all_gone();
}
END_TEST

START_TEST(lingering_for_httpd)
{
	struct peer peers[2];

	for (int i = 0; i < 2; i++) {
		int pair[2];

		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
		ck_assert_int_eq(shutdown(pair[0], SHUT_WR), 0);
		peers[i] = (struct peer){ .fd = pair[1] };
		say(&peers[i], PUMPED_GET);
		ks_pump_linger(p.pump, pair[0], pumped_carrier(pair[0], 0));
		ends(&peers[i]);
	}
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 2);
	/* One closes, the other one has to be left. */
	peer_close(&peers[0]);
	while (ks_pump_viewers(p.pump) > 1)
		ks_pump_turn(p.pump, MS);
	pumped_pass(&p, KS_PUMP_LINGER_US + TICKS, 10 * MS);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 0);
	ck_assert_uint_eq(p.answered + p.given, 0);
	peer_close(&peers[1]);
}
END_TEST

/* --- limits ------------------------------------------------------------------------------------------------------- */

START_TEST(more_feeds_than_there_are)
{
	static struct ks_site sites[KS_PUMP_FEEDS_MAX + 1];
	static char mounts[KS_PUMP_FEEDS_MAX + 1][16];
	char text[256];

	for (size_t i = 0; i <= KS_PUMP_FEEDS_MAX; i++) {
		int fd;

		snprintf(mounts[i], sizeof(mounts[i]), "/m%zu", i);
		sites[i] = p.site;
		sites[i].mount = mounts[i];
		sites[i].mount_len = strlen(mounts[i]);
		snprintf(text, sizeof(text), "GET %s/field/std/latest.jpg" ENDS, mounts[i]);
		fd = pumped_take(&p, &sites[i], text, strlen(text));
		ck_assert_int_ge(fd, 0);
		ks_pump_turn(p.pump, 0);
		ck_assert_uint_eq(p.answered, i < KS_PUMP_FEEDS_MAX ? i + 1 : i);
		close(fd);
	}
	ck_assert_uint_eq(p.given, 1);
	all_gone();
}
END_TEST

START_TEST(the_host_has_a_limit)
{
	char host[KS_PUMP_HOST_MAX + 2];
	int pair[2];

	memset(host, 'a', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert(!ks_pump_take(p.pump, &p.site, pair[0], NULL, host, "", 0));
	ck_assert(!ks_pump_take(p.pump, &p.site, pair[0], NULL, "a", PUMPED_GET, KS_PUMP_INPUT_MAX + 1));
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 0);
	ck_assert(ks_pump_take(p.pump, &p.site, pair[0], NULL, host + 1, "", 0));
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 1);
	close(pair[1]);
}
END_TEST

#ifdef PUMPED_CARRIED
/* Who lent it may not have let go of it yet. */
START_TEST(not_closed_before_it_has_settled)
{
	int pair[2];
	size_t before = pumped_descriptors();

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert(ks_pump_take(p.pump, &p.site, pair[0], pumped_carrier(pair[0], p.now_us + KS_US_PER_S), PUMPED_HOST,
			       "", 0));
	close(pair[1]);
	pumped_pass(&p, KS_US_PER_S / 2, 100 * KS_US_PER_MS);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 1);
	ck_assert_uint_eq(pumped_descriptors(), before + 1);
	ks_pump_drain(p.pump);
	pumped_pass(&p, KS_US_PER_S, 100 * KS_US_PER_MS);
	all_gone();
	ck_assert_uint_eq(pumped_descriptors(), before);
}
END_TEST

START_TEST(lent_to_a_pump_that_stops)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ks_pump_drain(p.pump);
	ck_assert(!ks_pump_has_room(p.pump));
	ks_pump_lend(p.pump, &p.site, pair[0], pumped_carrier(pair[0], 0), PUMPED_HOST, PUMPED_GET, strlen(PUMPED_GET));
	ck_assert_uint_eq(p.given, 1);
	ck_assert_mem_eq(p.given_bytes, PUMPED_GET, strlen(PUMPED_GET));
	close(pair[1]);
}
END_TEST

START_TEST(lent_to_a_pump_that_stops_and_httpd_too)
{
	char byte;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ks_pump_drain(p.pump);
	p.refuse = true;
	ks_pump_lend(p.pump, &p.site, pair[0], pumped_carrier(pair[0], 0), PUMPED_HOST, PUMPED_GET, strlen(PUMPED_GET));
	pumped_pass(&p, KS_PUMP_LINGER_US + KS_US_PER_S, 100 * KS_US_PER_MS);
	ck_assert_int_eq(recv(pair[1], &byte, 1, MSG_DONTWAIT), 0);
	close(pair[1]);
	all_gone();
}
END_TEST
#endif

/* An operator who starts over. */
START_TEST(a_store_made_anew)
{
	static const struct ks_store_shape shape = { 16, KS_STORE_BYTES_DEFAULT };
	struct peer peer = peer_with(GET("latest.jpg?after=7-1&wait=9000"));
	char path[4200];

	silent(&peer);
	ks_store_writer_close(p.writer);
	snprintf(path, sizeof(path), "%s/" STORED_CHANNEL "." STORED_RENDITION ".frames", p.dir);
	ck_assert_int_eq(unlink(path), 0);
	pumped_pass(&p, 2 * S, 10 * MS);
	silent(&peer);
	ck_assert_int_eq(ks_store_writer_open(&p.writer, p.dir, STORED_CHANNEL, STORED_RENDITION, &shape, &p.clock),
			 KS_EOK);
	ck_assert_int_eq(stored_publish(p.writer, 7, 2, 5000), KS_EOK);
	pumped_pass(&p, 2 * S, 10 * MS);
	pumped_seen(&p, 2);
	ck_assert_uint_eq(hear(&peer).mark, 2);
	peer_close(&peer);
}
END_TEST

#define IDLE 10000
#define BYTES_PER_IDLE 512

static bool malloc_is_replaced(void)
{
	void *probe = malloc(100000);
	bool replaced = mallinfo2().uordblks < 100000;

	free(probe);
	return replaced;
}

static size_t in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

START_TEST(memory_of_idle_viewers)
{
	static int fds[IDLE];
	size_t n = as_many_as(IDLE), before;
	char bytes[8192];

	if (malloc_is_replaced())
		unit_skip("a sanitizer's malloc does not tell what is in use");
	if (n == 0)
		unit_skip("10000 viewers need more descriptors than `ulimit -n` allows");
	/* The feed, and what else the first costs. */
	fds[0] = pumped_take(&p, &p.site, PUMPED_GET, strlen(PUMPED_GET));
	ks_pump_turn(p.pump, 0);
	before = in_use();
	for (size_t i = 1; i < n; i++) {
		fds[i] = pumped_take(&p, &p.site, PUMPED_GET, strlen(PUMPED_GET));
		ck_assert_int_ge(fds[i], 0);
		ks_pump_turn(p.pump, 0);
	}
	ck_assert_uint_eq(p.answered, n);
	ck_assert_msg(in_use() - before <= (n - 1) * BYTES_PER_IDLE, "%zu bytes for each of %zu",
		      (in_use() - before) / (n - 1), n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_gt(recv(fds[i], bytes, sizeof(bytes), 0), 5000);
		close(fds[i]);
	}
	all_gone();
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	return tcase;
}

static void add_answers(TCase *tcase)
{
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

static void add_waiting(TCase *tcase)
{
	tcase_add_test(tcase, a_wait_ends_with_the_picture);
	tcase_add_loop_test(tcase, a_wait_ends_when_it_is_over, 0, 4);
	tcase_add_test(tcase, a_wait_that_outlives_its_picture);
	tcase_add_test(tcase, an_audience_that_waited_in_vain_is_spread);
	tcase_add_test(tcase, nobody_waits_where_there_is_no_waiting);
	tcase_add_test(tcase, a_wait_for_more_than_the_next);
	tcase_add_test(tcase, a_wait_to_head);
	tcase_add_test(tcase, what_is_pipelined_behind_a_wait_waits);
	tcase_add_test(tcase, a_crowd_is_answered_over_the_window);
	tcase_add_test(tcase, few_wait_for_nothing);
	tcase_add_test(tcase, a_frame_into_the_window);
	tcase_add_test(tcase, who_leaves_while_waiting_is_nobodys_loss);
}

static void add_connections(TCase *tcase)
{
	tcase_add_test(tcase, pipelined);
	tcase_add_test(tcase, pipelined_in_pieces);
	tcase_add_test(tcase, many_pipelined_let_others_have_their_turn);
	tcase_add_loop_test(tcase, close_after_the_answer, 0, 4);
	tcase_add_test(tcase, what_follows_close_is_not_answered);
	tcase_add_test(tcase, who_does_not_close_is_not_waited_for);
	tcase_add_test(tcase, http_1_0_that_asks_to_stay);
	tcase_add_test(tcase, idle_ends_cleanly);
	tcase_add_test(tcase, a_request_that_trickles_in);
	tcase_add_test(tcase, a_slow_reader_gets_the_picture_whole);
	tcase_add_test(tcase, who_takes_nothing_is_cut);
	tcase_add_test(tcase, who_takes_little_is_cut_in_the_end);
	tcase_add_test(tcase, a_stalled_reader_is_not_read_from);
	tcase_add_test(tcase, half_closed_with_the_request);
	tcase_add_test(tcase, half_closed_while_being_written_to);
	tcase_add_loop_test(tcase, half_closed_while_waiting, 0, 2);
	tcase_add_test(tcase, half_a_request_and_gone);
	tcase_add_test(tcase, reset_in_each_state);
	tcase_add_loop_test(tcase, gone_before_httpd_has_closed, 0, 2);
}

static void add_rest(TCase *back, TCase *streams, TCase *limits)
{
	tcase_add_loop_test(back, what_is_not_ours_goes_back_whole, 0, sizeof(others) / sizeof(others[0]));
	tcase_add_test(back, a_short_body_is_waited_for);
	tcase_add_test(back, a_short_body_that_does_not_come);
	tcase_add_loop_test(back, other_bodies_are_not_waited_for, 0, sizeof(bodies) / sizeof(bodies[0]));
	tcase_add_test(back, handed_over_with_what_is_not_ours);
	tcase_add_test(back, below_a_section_of_its_own);
	tcase_add_test(back, what_nobody_takes_back_ends_cleanly);
	tcase_add_test(back, what_nobody_takes_back_is_listened_to);

	tcase_add_test(streams, a_stream);
	tcase_add_test(streams, a_stream_to_a_browser);
	tcase_add_test(streams, a_slow_stream_to_a_browser);
	tcase_add_test(streams, a_slow_stream_skips_and_ends_up_with_the_newest);
	tcase_add_test(streams, a_stream_of_a_dead_channel_ends);
	tcase_add_test(streams, a_stream_to_head);

#ifdef PUMPED_CARRIED
	tcase_add_test(limits, not_closed_before_it_has_settled);
	tcase_add_test(limits, lent_to_a_pump_that_stops);
	tcase_add_test(limits, lent_to_a_pump_that_stops_and_httpd_too);
#endif
	tcase_add_test(limits, too_long_a_head_goes_back_as_far_as_it_came);
	tcase_add_test(limits, too_long_a_line);
	tcase_add_test(limits, too_long_a_head);
	tcase_add_test(limits, answers_in_front_do_not_count);
	tcase_add_test(limits, drained);
	tcase_add_test(limits, drained_in_vain);
	tcase_add_test(limits, drained_while_writing);
	tcase_add_test(limits, who_asks_at_the_last_moment_is_answered);
	tcase_add_test(limits, freed_in_the_middle);
	tcase_add_test(limits, started_and_stopped);
	tcase_add_test(limits, at_the_door_of_a_stopped_pump);
	tcase_add_test(limits, at_the_door_of_a_drained_pump);
	tcase_add_test(limits, lingering_for_httpd);
	tcase_add_test(limits, more_feeds_than_there_are);
	tcase_add_test(limits, the_host_has_a_limit);
	tcase_add_test(limits, a_store_made_anew);
	tcase_add_test(limits, memory_of_idle_viewers);
}

int main(void)
{
	Suite *suite = suite_create("pump");

	add_answers(add_case(suite, "answers"));
	add_waiting(add_case(suite, "waiting"));
	add_connections(add_case(suite, "connections"));
	add_rest(add_case(suite, "given back"), add_case(suite, "streams"), add_case(suite, "limits"));
	return unit_run(suite);
}
