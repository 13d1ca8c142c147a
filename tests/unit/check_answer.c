/* SPDX-License-Identifier: Apache-2.0 */
#include "koshienctl/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "tests/unit/stamped.h"
#include "tests/unit/unit.h"

#define CAPTURED_US (INT64_C(1790000000) * KS_US_PER_S + 123456)

static uint8_t *bytes;
static struct ks_frame frame;
static struct ks_answer answer;
static struct ks_picture picture;
static enum ks_jpeg_fault fault;

static void line(const char *text)
{
	ck_assert(ks_answer_line(&answer, text, strlen(text)));
}

static void field(const char *name, const char *value)
{
	char text[256];

	snprintf(text, sizeof(text), "%s: %s\r\n", name, value);
	line(text);
}

static enum ks_verdict judge(const char *channel, const char *rendition)
{
	return ks_picture_judge(&answer, ks_frame_jpeg(&frame), frame.m.length, channel, rendition, &picture, &fault);
}

/* The head of a good answer; a test repeats or replaces what it wants to be wrong. */
static void good_head(const char *id, const char *captured, const char *etag_id)
{
	char hex[9], text[64];

	answer = (struct ks_answer){ .status = 0 };
	line("HTTP/1.1 200 OK\r\n");
	snprintf(text, sizeof(text), "%u", frame.m.length);
	field("Content-Length", text);
	field("frame-id", id);
	field("Frame-Captured", captured);
	snprintf(text, sizeof(text), "\"%s-%s\"", etag_id, sodium_bin2hex(hex, sizeof(hex), frame.m.digest, 4));
	field("ETag", text);
	line("Served-By:\trelay-a \t\r\n");
}

static void set_up(void)
{
	bytes = malloc(KS_FRAME_MAX);
	ck_assert_ptr_nonnull(bytes);
	frame = stamped_frame(bytes, (struct ks_frame_id){ 1790000000, 7 }, CAPTURED_US);
	good_head("1790000000-7", "1790000000123", "1790000000-7");
}

static void tear_down(void)
{
	free(bytes);
}

START_TEST(good)
{
	ck_assert_int_eq(judge("main", "std"), KS_PICTURE_GOOD);
	ck_assert_uint_eq(picture.id.epoch, 1790000000);
	ck_assert_uint_eq(picture.id.seq, 7);
	ck_assert_int_eq(picture.captured_us, CAPTURED_US);
	ck_assert_int_eq(answer.status, 200);
	ck_assert_str_eq(answer.value[KS_HEADER_SERVED_BY], "relay-a");
}
END_TEST

START_TEST(every_byte_counts)
{
	uint8_t *jpeg = bytes + KS_MANIFEST_SIZE;

	for (size_t i = 0; i < frame.m.length; i++) {
		jpeg[i] ^= 1;
		ck_assert_int_ne(judge("main", "std"), KS_PICTURE_GOOD);
		jpeg[i] ^= 1;
	}
	ck_assert_int_eq(judge("main", "std"), KS_PICTURE_GOOD);
}
END_TEST

/* However it arrives. */
START_TEST(in_pieces)
{
	const uint8_t *jpeg = ks_frame_jpeg(&frame);
	size_t len = frame.m.length;

	for (size_t piece = 1; piece <= len; piece++) {
		struct ks_picture_check check;

		ks_picture_check_begin(&check, true);
		for (size_t at = 0; at < len; at += piece)
			ks_picture_check_feed(&check, jpeg + at, len - at < piece ? len - at : piece);
		ck_assert_int_eq(ks_picture_check_whole(&check, &answer), KS_PICTURE_GOOD);
		ck_assert_int_eq(ks_picture_check_named(&check, &answer, NULL, NULL, 0, &picture), KS_PICTURE_GOOD);
		ck_assert_uint_eq(picture.id.seq, 7);
	}
}
END_TEST

START_TEST(length)
{
	static const char *const wrong[] = { "0", "-1", "+1", "1e3", "99999999999999999999", "0x10", "" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(answer.value[KS_HEADER_LENGTH], KS_ANSWER_VALUE_MAX, "%s", wrong[i]);
		ck_assert_int_eq(judge("main", "std"), KS_PICTURE_LENGTH);
	}
}
END_TEST

START_TEST(cut_jpeg)
{
	char text[32];

	frame.m.length -= 1;
	snprintf(text, sizeof(text), "%u", frame.m.length);
	snprintf(answer.value[KS_HEADER_LENGTH], KS_ANSWER_VALUE_MAX, "%s", text);
	ck_assert_int_eq(judge("main", "std"), KS_PICTURE_JPEG);
	ck_assert_int_ne(fault, KS_JPEG_GOOD);
}
END_TEST

START_TEST(other_names)
{
	ck_assert_int_eq(judge("other", "std"), KS_PICTURE_STAMP);
	ck_assert_int_eq(judge("main", "low"), KS_PICTURE_STAMP);
}
END_TEST

START_TEST(headers_and_stamp_disagree)
{
	good_head("1790000000-8", "1790000000123", "1790000000-7");
	ck_assert_int_eq(judge("main", "std"), KS_PICTURE_ID);
	good_head("1790000000-07", "1790000000123", "1790000000-7");
	ck_assert_int_eq(judge("main", "std"), KS_PICTURE_ID);
	good_head("1790000000-7", "1790000000124", "1790000000-7");
	ck_assert_int_eq(judge("main", "std"), KS_PICTURE_CAPTURED);
	good_head("1790000000-7", "1790000000123", "1790000000-8");
	ck_assert_int_eq(judge("main", "std"), KS_PICTURE_ETAG);
	frame.m.digest[0] ^= 1;
	good_head("1790000000-7", "1790000000123", "1790000000-7");
	ck_assert_int_eq(judge("main", "std"), KS_PICTURE_ETAG);
}
END_TEST

START_TEST(flawed_heads)
{
	static const char *const flaws[] = {
		"Frame-Id: 1790000000-7\r\n",		/* twice */
		"Frame-Next: 10 20\r\n",
		"no colon\r\n",
		": empty name\r\n",
		"X Name: 1\r\n",
		" folded: 1\r\n",
		"Frame-Next: \x1b[2J\r\n",
		"Frame-Next: caf\xc3\xa9\r\n",
		"Frame-Next:\r\n",
		"Frame-State: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901\r\n",
	};

	for (size_t i = 0; i < sizeof(flaws) / sizeof(flaws[0]); i++) {
		good_head("1790000000-7", "1790000000123", "1790000000-7");
		line(flaws[i]);
		ck_assert_int_eq(judge("main", "std"), KS_PICTURE_HEAD);
	}
}
END_TEST

START_TEST(other_fields_do_not_matter)
{
	line("X-Frame-Id: a b\r\n");
	line("X-Empty:\r\n");
	line("\r\n");
	ck_assert_int_eq(judge("main", "std"), KS_PICTURE_GOOD);
}
END_TEST

START_TEST(status_lines)
{
	static const struct {
		const char *line;
		int status;
	} cases[] = {
		{ "HTTP/1.1 204 No Content\r\n", 204 }, { "HTTP/2 503\r\n", 503 }, { "HTTP/1.1 200", 200 },
		{ "HTTP/1.1 20", 0 }, { "HTTP/1.1 2x0 OK\r\n", 0 }, { "HTTP/1.1 2000 OK\r\n", 0 }, { "HTTP/1.1\r\n", 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		line(cases[i].line);
		ck_assert_int_eq(answer.status, cases[i].status);
		ck_assert_str_eq(answer.value[KS_HEADER_ID], "");
	}
}
END_TEST

START_TEST(head_is_bounded)
{
	char text[1024];
	size_t n = 0;

	memset(text, 'x', sizeof(text));
	answer = (struct ks_answer){ .status = 0 };
	while (ks_answer_line(&answer, text, sizeof(text)))
		n++;
	ck_assert_uint_eq(n, KS_ANSWER_HEAD_MAX / sizeof(text));
	/* Interim answers do not start the count anew. */
	ck_assert(!ks_answer_line(&answer, "HTTP/1.1 200 OK\r\n", 17));
}
END_TEST

START_TEST(numbers)
{
	uint64_t n = 5;

	snprintf(answer.value[KS_HEADER_NEXT], KS_ANSWER_VALUE_MAX, "60000");
	ck_assert(ks_answer_number(&answer, KS_HEADER_NEXT, 60000, &n) && n == 60000);
	ck_assert(!ks_answer_number(&answer, KS_HEADER_NEXT, 59999, &n));
	ck_assert(!ks_answer_number(&answer, KS_HEADER_NEXT, 3, &n));
	snprintf(answer.value[KS_HEADER_NEXT], KS_ANSWER_VALUE_MAX, "18446744073709551615");
	ck_assert(ks_answer_number(&answer, KS_HEADER_NEXT, UINT64_MAX, &n) && n == UINT64_MAX);
	snprintf(answer.value[KS_HEADER_NEXT], KS_ANSWER_VALUE_MAX, "18446744073709551616");
	ck_assert(!ks_answer_number(&answer, KS_HEADER_NEXT, UINT64_MAX, &n));
	snprintf(answer.value[KS_HEADER_NEXT], KS_ANSWER_VALUE_MAX, "12ms");
	ck_assert(!ks_answer_number(&answer, KS_HEADER_NEXT, UINT64_MAX, &n));
	ck_assert(!ks_answer_number(&answer, KS_HEADER_STATE, UINT64_MAX, &n));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("answer");
	TCase *tc = tcase_create("answer");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, good);
	tcase_add_test(tc, every_byte_counts);
	tcase_add_test(tc, in_pieces);
	tcase_add_test(tc, length);
	tcase_add_test(tc, cut_jpeg);
	tcase_add_test(tc, other_names);
	tcase_add_test(tc, headers_and_stamp_disagree);
	tcase_add_test(tc, flawed_heads);
	tcase_add_test(tc, other_fields_do_not_matter);
	tcase_add_test(tc, status_lines);
	tcase_add_test(tc, head_is_bounded);
	tcase_add_test(tc, numbers);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
