/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers and parts out of bytes in pieces of every size.
 */
#include "bench/audience/multipart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

#define BODY_MAX 4096

static struct swarm_answer answer;
static struct swarm_multipart parts;
static char body[BODY_MAX];
static size_t body_len, whole, left;

static void set_up(void)
{
	swarm_answer_begin(&answer);
	body_len = whole = left = 0;
}

/* Feeds all in pieces of `piece` bytes, each in memory of its own so that a sanitizer sees what reads beyond it. */
static enum swarm_step feed(const char *text, size_t len, size_t piece)
{
	enum swarm_step step = SWARM_STEP_MORE;

	for (size_t at = 0; at < len && step != SWARM_STEP_END && step != SWARM_STEP_MALFORMED; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		uint8_t *bytes = malloc(n);
		struct ks_reader r, span;

		ck_assert_ptr_nonnull(bytes);
		memcpy(bytes, text + at, n);
		r = ks_reader(bytes, n);
		do {
			step = swarm_answer_step(&answer, &r, &span);
			if (step == SWARM_STEP_BODY) {
				ck_assert_uint_le(body_len + ks_reader_left(&span), BODY_MAX);
				memcpy(body + body_len, span.at, ks_reader_left(&span));
				body_len += ks_reader_left(&span);
			}
		} while (step == SWARM_STEP_HEAD || step == SWARM_STEP_BODY);
		left = ks_reader_left(&r);
		free(bytes);
	}
	return step;
}

static enum swarm_step answers(const char *text)
{
	set_up();
	return feed(text, strlen(text), strlen(text));
}

/* The same in pieces of every size. */
static void ends(const char *text, const char *expected_body)
{
	for (size_t piece = 1; piece <= strlen(text); piece++) {
		set_up();
		ck_assert_int_eq(feed(text, strlen(text), piece), SWARM_STEP_END);
		ck_assert_uint_eq(left, 0);
		ck_assert_uint_eq(body_len, strlen(expected_body));
		ck_assert_mem_eq(body, expected_body, body_len);
	}
}

static void malformed(const char *text)
{
	for (size_t piece = 1; piece <= strlen(text); piece++) {
		set_up();
		ck_assert_msg(feed(text, strlen(text), piece) == SWARM_STEP_MALFORMED, "%s", text);
	}
}

START_TEST(known_length)
{
	ends("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nFrame-Id: 1-2\r\n\r\nhello", "hello");
	ck_assert_int_eq(answer.head.status, 200);
	ck_assert_str_eq(answer.head.value[KS_HEADER_ID], "1-2");
	ck_assert(answer.keeps);
	ends("HTTP/1.1 200 \r\ncontent-length:0\r\n\r\n", "");
	ends("HTTP/1.1 204 No Content\r\n\r\n", "");
	ends("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "");
}
END_TEST

START_TEST(chunks)
{
	ends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=\"y\"\r\nlo\r\n0\r\n\r\n", "hello");
	ends("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\nA\r\n0123456789\r\n00\r\n\r\n", "0123456789");
}
END_TEST

START_TEST(to_the_close)
{
	ck_assert_int_eq(answers("HTTP/1.1 200 OK\r\n\r\nhello"), SWARM_STEP_MORE);
	ck_assert_uint_eq(body_len, 5);
	ck_assert(swarm_answer_ended_by_close(&answer));
	ck_assert(!answer.keeps);
	ck_assert_int_eq(answers("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"), SWARM_STEP_MORE);
	ck_assert(!swarm_answer_ended_by_close(&answer));
}
END_TEST

START_TEST(interim)
{
	ends("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nFrame-Id: 9-9\r\n\r\n"
	     "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "x");
	ck_assert_str_eq(answer.head.value[KS_HEADER_ID], "");
}
END_TEST

START_TEST(connection)
{
	answers("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
	ck_assert(!answer.keeps);
	answers("HTTP/1.1 204 No Content\r\nConnection: Upgrade, Keep-Alive\r\n\r\n");
	ck_assert(answer.keeps);
	answers("HTTP/1.1 204 No Content\r\nConnection: Keep-Alive\r\nConnection: Close\r\n\r\n");
	ck_assert(!answer.keeps);
	answers("HTTP/1.1 204 No Content\r\nConnection: not-close, closed\r\n\r\n");
	ck_assert(answer.keeps);
	answers("HTTP/1.0 204 No Content\r\n\r\n");
	ck_assert(!answer.keeps);
	answers("HTTP/1.0 204 No Content\r\nConnection: Keep-Alive\r\n\r\n");
	ck_assert(answer.keeps);
}
END_TEST

START_TEST(more_than_one)
{
	const char *text = "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";

	ck_assert_int_eq(answers(text), SWARM_STEP_END);
	ck_assert_uint_eq(left, strlen(text) / 2);
}
END_TEST

START_TEST(faults)
{
	static const char *const texts[] = {
		"HELLO\r\n", "HTTP/2 200 OK\r\n", "HTTP/1.1 20 OK\r\n", "HTTP/1.1 099 No\r\n", "HTTP/1.1 600 No\r\n",
		"HTTP/1.1 101 Switching\r\n", "HTTP/1.1  200 OK\r\n", "\r\n", "HTTP/1.1 200 OK\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"HTTP/1.1 200 OK\r\nName\r\n\r\n", "HTTP/1.1 200 OK\r\nName : x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX: a\r\n b: c\r\n\r\n", "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n",
		"HTTP/1.1 200 OK\r\nHTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		malformed(texts[i]);
}
END_TEST

/* A server that never ends its head costs a bounded number of bytes. */
START_TEST(bounds)
{
	static const char field[] = "X-Field: 0123456789012345678901234567890123456789\r\n";
	char line[SWARM_LINE_MAX + 1];
	size_t bytes = 0;

	set_up();
	memset(line, 'x', sizeof(line));
	ck_assert_int_eq(feed(line, sizeof(line) - 1, 7), SWARM_STEP_MORE);
	ck_assert_int_eq(feed(line, 1, 1), SWARM_STEP_MALFORMED);
	set_up();
	ck_assert_int_eq(feed("HTTP/1.1 200 OK\r\n", 17, 17), SWARM_STEP_MORE);
	while (feed(field, sizeof(field) - 1, 9) == SWARM_STEP_MORE)
		bytes += sizeof(field) - 1;
	ck_assert_uint_le(bytes, KS_ANSWER_HEAD_MAX + 3 * KS_ANSWER_HEAD_MAX / sizeof(field));
}
END_TEST

/* --- parts -------------------------------------------------------------------------------------- */

static enum swarm_step feed_parts(const char *text, size_t len, size_t piece)
{
	enum swarm_step step = SWARM_STEP_MORE;

	body_len = whole = 0;
	ck_assert(swarm_multipart_begin(&parts, "multipart/x-mixed-replace;boundary=b"));
	for (size_t at = 0; at < len && step != SWARM_STEP_MALFORMED; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		uint8_t *bytes = malloc(n);
		struct ks_reader r, span;

		ck_assert_ptr_nonnull(bytes);
		memcpy(bytes, text + at, n);
		r = ks_reader(bytes, n);
		do {
			step = swarm_multipart_step(&parts, &r, &span);
			if (step == SWARM_STEP_BODY) {
				memcpy(body + body_len, span.at, ks_reader_left(&span));
				body_len += ks_reader_left(&span);
			}
			whole += step == SWARM_STEP_END;
		} while (step != SWARM_STEP_MORE && step != SWARM_STEP_MALFORMED);
		free(bytes);
	}
	return step;
}

START_TEST(two_parts)
{
	static const char text[] = "\r\n--b\r\nContent-Length: 3\r\nFrame-Id: 1-1\r\n\r\none\r\n"
				   "--b\r\nContent-Length: 3\r\nFrame-Id: 1-2\r\n\r\ntwo\r\n--b--\r\nwhatever";

	for (size_t piece = 1; piece < sizeof(text); piece++) {
		ck_assert_int_eq(feed_parts(text, sizeof(text) - 1, piece), SWARM_STEP_MORE);
		ck_assert_uint_eq(whole, 2);
		ck_assert_uint_eq(body_len, 6);
		ck_assert_mem_eq(body, "onetwo", 6);
		ck_assert_str_eq(parts.head.value[KS_HEADER_ID], "1-2");
		ck_assert(!swarm_multipart_inside(&parts));
	}
}
END_TEST

/* Where the bytes may end without a part being cut: before the first field of one, and behind its last byte. */
START_TEST(inside)
{
	static const char text[] = "--b\r\nContent-Length: 3\r\n\r\none\r\n--b\r\n";
	size_t first = 5, last = sizeof(text) - 1 - 7;

	for (size_t len = 1; len < sizeof(text); len++) {
		feed_parts(text, len, len);
		ck_assert_msg(swarm_multipart_inside(&parts) == (len > first && len < last), "%zu", len);
	}
}
END_TEST

START_TEST(part_faults)
{
	static const char *const texts[] = {
		"--c\r\n", "b\r\n", "--b \r\n", "--b-\r\n", "--b\r\n\r\n", "--b\r\nFrame-Id: 1-1\r\n\r\n",
		"--b\r\nContent-Length: x\r\n\r\n", "--b\r\nContent-Length: 1\r\n\r\n12\r\n",
		"--b\r\nContent-Length: 1\r\n\r\n1\r\n\r\n--b\r\n", "--b\r\nHTTP/1.1 200 OK\r\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (size_t piece = 1; piece <= strlen(texts[i]); piece++)
			ck_assert_msg(feed_parts(texts[i], strlen(texts[i]), piece) == SWARM_STEP_MALFORMED, "%s",
				      texts[i]);
}
END_TEST

START_TEST(types)
{
	static const struct {
		const char *type, *boundary;
	} cases[] = {
		{ "multipart/x-mixed-replace; boundary=frame", "--frame" },
		{ "Multipart/X-Mixed-Replace ;Boundary=\"a-b\"", "--a-b" },
		{ "multipart/x-mixed-replace", NULL }, { "multipart/x-mixed-replace;", NULL },
		{ "multipart/x-mixed-replace; boundary=", NULL }, { "multipart/x-mixed-replace; boundary=\"\"", NULL },
		{ "multipart/x-mixed-replace; boundary=a b", NULL }, { "image/jpeg; boundary=a", NULL }, { "", NULL },
		{ "multipart/x-mixed-replace; boundary=0123456789012345678901234567890123456789012345678901234567890123"
		  "4567890", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_msg(swarm_multipart_begin(&parts, cases[i].type) == (cases[i].boundary != NULL), "%s",
			      cases[i].type);
		if (cases[i].boundary != NULL)
			ck_assert_str_eq(parts.boundary, cases[i].boundary);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("swarm_answer");
	TCase *tcase = tcase_create("answers");

	tcase_add_test(tcase, known_length);
	tcase_add_test(tcase, chunks);
	tcase_add_test(tcase, to_the_close);
	tcase_add_test(tcase, interim);
	tcase_add_test(tcase, connection);
	tcase_add_test(tcase, more_than_one);
	tcase_add_test(tcase, faults);
	tcase_add_test(tcase, bounds);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("parts");
	tcase_add_test(tcase, two_parts);
	tcase_add_test(tcase, inside);
	tcase_add_test(tcase, part_faults);
	tcase_add_test(tcase, types);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
