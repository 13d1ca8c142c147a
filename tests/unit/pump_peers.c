/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/pump_peers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/stored.h"
#include "tests/unit/unit.h"

struct pumped p;
size_t pump_descriptors;

static void setup(void)
{
	pump_descriptors = pumped_descriptors();
	pumped_open(&p, unit_tmpdir());
}

static void teardown(void)
{
	pumped_close(&p);
	ck_assert_uint_eq(pumped_descriptors(), pump_descriptors);
}

TCase *pump_case(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	return tcase;
}

struct peer peer_with(const char *bytes)
{
	struct peer peer = { .fd = pumped_take(&p, &p.site, bytes, strlen(bytes)) };

	ck_assert_int_ge(peer.fd, 0);
	return peer;
}

struct peer peer_on_tcp(const char *bytes)
{
	struct peer peer = { .fd = pumped_take_tcp(&p, bytes, strlen(bytes)) };

	ck_assert_int_ge(peer.fd, 0);
	return peer;
}

void peer_close(struct peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	free(peer->bytes);
	peer->fd = -1;
	peer->bytes = NULL;
}

void say(struct peer *peer, const char *bytes)
{
	ck_assert_int_eq(send(peer->fd, bytes, strlen(bytes), MSG_NOSIGNAL), (ssize_t)strlen(bytes));
}

/* Reads what is there, up to `most`. */
void listen_to(struct peer *peer, size_t most)
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
bool take_answer(struct peer *peer, bool to_head, struct answer *answer)
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

struct answer hear_to(struct peer *peer, bool to_head)
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

struct answer hear(struct peer *peer)
{
	return hear_to(peer, false);
}

/* Nothing is to come, however often the pump turns. */
void silent(struct peer *peer)
{
	for (unsigned i = 0; i < 3; i++) {
		ks_pump_turn(p.pump, 0);
		listen_to(peer, SIZE_MAX);
	}
	ck_assert_uint_eq(peer->len, 0);
	ck_assert(!peer->ended);
}

/* The pump has closed, between two answers, and nothing was thrown away. */
void ends(struct peer *peer)
{
	int64_t until_us = ks_mono_us(&ks_clock_system) + DEADLINE_US;

	while (!peer->ended && ks_mono_us(&ks_clock_system) < until_us) {
		ks_pump_turn(p.pump, MS);
		listen_to(peer, SIZE_MAX);
	}
	ck_assert(peer->ended && !peer->reset);
	ck_assert_uint_eq(peer->len, 0);
}

void all_gone(void)
{
	int64_t until_us = ks_mono_us(&ks_clock_system) + DEADLINE_US;

	while (ks_pump_viewers(p.pump) > 0 && ks_mono_us(&ks_clock_system) < until_us)
		ks_pump_turn(p.pump, MS);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 0);
}

void has(const struct answer *answer, const char *line)
{
	char text[256];

	snprintf(text, sizeof(text), "\r\n%s\r\n", line);
	ck_assert_msg(strstr(answer->head, text) != NULL, "no %s in\n%s", line, answer->head);
}

void has_not(const struct answer *answer, const char *name)
{
	ck_assert_msg(strstr(answer->head, name) == NULL, "%s in\n%s", name, answer->head);
}

/* A 503 in words, on a connection that goes on. */
void is_unavailable(const struct answer *answer, const char *retry_after)
{
	ck_assert_int_eq(answer->status, 503);
	has(answer, retry_after);
	has(answer, "Content-Type: text/plain; charset=utf-8");
	has(answer, "Cache-Control: no-store");
	has_not(answer, "Frame-");
	has_not(answer, "onnection:");
}

struct peer slow_peer(const char *request)
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

/* Peers in pairs of descriptors, as many as the limit allows; 0: too few for the test to say anything. */
size_t as_many_as(size_t wanted)
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

/* The part at the front of what was read: its picture is whole, and the boundary is behind it. */
uint32_t hear_part(struct peer *peer)
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
uint32_t hear_early_part(struct peer *peer, size_t len)
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

void hear_beginning(struct peer *peer, bool early)
{
	const char *first = ks_head_part_end(early) + KS_HEAD_LINE_END;
	struct answer answer = hear_to(peer, true);

	ck_assert_int_eq(answer.status, 200);
	has(&answer, "Content-Type: multipart/x-mixed-replace;boundary=koshien-frame");
	has(&answer, "Connection: close");
	ck_assert_int_eq(strncmp(peer->bytes, first, strlen(first)), 0);
	drop(peer, strlen(first));
}

void hear_stream(struct peer *peer)
{
	hear_beginning(peer, false);
}

struct answer hear_last(struct peer *peer)
{
	struct answer answer = hear(peer);

	has(&answer, "Connection: close");
	ends(peer);
	return answer;
}
