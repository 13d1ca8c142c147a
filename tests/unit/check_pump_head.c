/* SPDX-License-Identifier: Apache-2.0
 *
 * The heads of the pump's answers, to the last byte.
 */
#include "mod_sentry/pump/head.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "mod_sentry/cache_control.h"
#include "tests/unit/unit.h"

#define S KS_US_PER_S
#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"

static struct ks_site site;
static struct ks_picture *picture;
static struct ks_head_about about;
static struct ks_head head;

static struct ks_picture *make_picture(uint8_t flags, struct ks_frame_id id, int64_t captured_us, uint32_t period_ms)
{
	static uint8_t bytes[KS_MANIFEST_SIZE + 5];
	struct ks_store_copy *copy = calloc(1, sizeof(*copy));
	struct ks_picture *made;

	copy->frame.bytes = bytes;
	copy->frame.m = (struct ks_manifest){ .flags = flags, .id = id, .captured_us = captured_us,
					      .period_ms = period_ms, .length = 5,
					      .digest = { 0xde, 0xad, 0xbe, 0xef } };
	made = ks_picture_new(copy, S);
	free(copy);
	return made;
}

static void setup(void)
{
	site = (struct ks_site){ .spread_us = 100 * KS_US_PER_MS, .idle_us = 15 * S };
	picture = make_picture(0, (struct ks_frame_id){ 7, 12 }, 1234 * KS_US_PER_MS, 1000);
	about = (struct ks_head_about){ .site = &site, .picture = picture, .date = DATE,
					.f = { KS_STATE_LIVE, 310, 250, 750 } };
}

static void teardown(void)
{
	ks_picture_unref(picture);
}

static void is_head(const char *text)
{
	ck_assert_uint_le(head.len, sizeof(head.text));
	head.text[head.len] = '\0';
	ck_assert_str_eq(head.text, text);
}

#define PICTURE "Accept-Ranges: none\r\nFrame-Id: 7-12\r\nFrame-Captured: 1234\r\n"
#define BODY "ETag: \"7-12-deadbeef\"\r\nContent-Length: 5\r\nContent-Type: image/jpeg\r\n"
#define FRESH "Frame-Age: 310\r\nFrame-Period: 1000\r\nFrame-Next: 750\r\nFrame-State: live\r\nFrame-Spread: 100\r\n"

START_TEST(of_the_newest)
{
	ks_head_write(&head, &about);
	is_head("HTTP/1.1 200 OK\r\nDate: " DATE "\r\n" PICTURE BODY FRESH "Cache-Control: " KS_CACHE_LIVE "\r\n\r\n");
}
END_TEST

START_TEST(of_the_newest_with_words_about_the_connection)
{
	about.keep_alive = true;
	ks_head_write(&head, &about);
	is_head("HTTP/1.1 200 OK\r\nDate: " DATE "\r\n" PICTURE BODY FRESH "Cache-Control: " KS_CACHE_LIVE
		"\r\nKeep-Alive: timeout=15\r\nConnection: Keep-Alive\r\n\r\n");
	about.close = true;	/* says more than the wish to stay */
	ks_head_write(&head, &about);
	is_head("HTTP/1.1 200 OK\r\nDate: " DATE "\r\n" PICTURE BODY FRESH "Cache-Control: " KS_CACHE_LIVE
		"\r\nConnection: close\r\n\r\n");
}
END_TEST

START_TEST(stale_is_not_kept)
{
	about.f = (struct ks_freshness){ KS_STATE_STALE, 9000, 8000, 0 };
	ks_head_write(&head, &about);
	is_head("HTTP/1.1 200 OK\r\nDate: " DATE "\r\n" PICTURE BODY "Frame-Age: 9000\r\nFrame-Period: 1000\r\n"
		"Frame-Next: 0\r\nFrame-State: stale\r\nFrame-Spread: 100\r\nCache-Control: no-store\r\n\r\n");
}
END_TEST

START_TEST(of_nothing_new)
{
	about.status = KS_HEAD_204;
	ks_head_write(&head, &about);
	is_head("HTTP/1.1 204 No Content\r\nDate: " DATE "\r\n" PICTURE FRESH "Cache-Control: no-store\r\n\r\n");
}
END_TEST

START_TEST(of_not_modified)
{
	about.status = KS_HEAD_304;
	ks_head_write(&head, &about);
	is_head("HTTP/1.1 304 Not Modified\r\nDate: " DATE "\r\n" PICTURE "ETag: \"7-12-deadbeef\"\r\n" FRESH
		"Cache-Control: " KS_CACHE_LIVE "\r\n\r\n");
	about.immutable = true;
	ks_head_write(&head, &about);
	is_head("HTTP/1.1 304 Not Modified\r\nDate: " DATE "\r\n" PICTURE "ETag: \"7-12-deadbeef\"\r\n"
		"Cache-Control: " KS_CACHE_FRAME "\r\n\r\n");
}
END_TEST

START_TEST(by_id_only_what_does_not_change)
{
	about.immutable = true;
	site.timing = true;
	ks_head_write(&head, &about);
	is_head("HTTP/1.1 200 OK\r\nDate: " DATE "\r\n" PICTURE BODY "Cache-Control: " KS_CACHE_FRAME "\r\n\r\n");
}
END_TEST

START_TEST(timing)
{
	site.timing = true;
	ks_head_write(&head, &about);
	is_head("HTTP/1.1 200 OK\r\nDate: " DATE "\r\n" PICTURE BODY FRESH
		"Server-Timing: arrive;dur=60, held;dur=250\r\nCache-Control: " KS_CACHE_LIVE "\r\n\r\n");
}
END_TEST

START_TEST(extras_are_on_every_answer)
{
	static const enum ks_head_status all[] = { KS_HEAD_200, KS_HEAD_204, KS_HEAD_304 };
	char extras[] = "Server: Apache\r\nX-Relay: a\r\n";

	site.extras = extras;
	site.extras_len = strlen(extras);
	for (size_t i = 0; i < 3; i++) {
		about.status = all[i];
		ks_head_write(&head, &about);
		ck_assert_ptr_nonnull(memmem(head.text, head.len, extras, strlen(extras)));
	}
	ks_head_write_stream(&head, &site, DATE);
	ck_assert_ptr_nonnull(memmem(head.text, head.len, extras, strlen(extras)));
	ks_head_write_unavailable(&head, &about, "", 1);
	ck_assert_ptr_nonnull(memmem(head.text, head.len, extras, strlen(extras)));
}
END_TEST

START_TEST(placeholders_say_so)
{
	ks_picture_unref(picture);
	about.picture = picture = make_picture(KS_FRAME_PLACEHOLDER, (struct ks_frame_id){ 7, 12 }, 0, 1000);
	ks_head_write(&head, &about);
	ck_assert_ptr_nonnull(memmem(head.text, head.len, "\r\nFrame-Placeholder: 1\r\n", 24));
	about.status = KS_HEAD_204;
	ks_head_write(&head, &about);
	ck_assert_ptr_nonnull(memmem(head.text, head.len, "\r\nFrame-Placeholder: 1\r\n", 24));
	ks_head_write_part(&head, &about, false);
	ck_assert_ptr_nonnull(memmem(head.text, head.len, "Frame-Placeholder: 1\r\n", 22));
}
END_TEST

/* RFC 2046 section 5.1: each part ends with the boundary behind it; the body begins with the first one. */
START_TEST(of_a_stream)
{
	ks_head_write_stream(&head, &site, DATE);
	is_head("HTTP/1.1 200 OK\r\nDate: " DATE "\r\nAccept-Ranges: none\r\nCache-Control: no-store\r\n"
		"Content-Type: multipart/x-mixed-replace;boundary=koshien-frame\r\nConnection: close\r\n\r\n");
	head.len = 0;
	ks_head_add_first_part(&head, &about, false);
	is_head("--koshien-frame\r\n" PICTURE BODY
		"Frame-Age: 310\r\nFrame-Period: 1000\r\nFrame-State: live\r\n\r\n");
	ks_head_write_part(&head, &about, false);
	is_head(PICTURE BODY "Frame-Age: 310\r\nFrame-Period: 1000\r\nFrame-State: live\r\n\r\n");
	ck_assert_str_eq(ks_head_part_end(false), "\r\n--koshien-frame\r\n");
}
END_TEST

/* The same, but with what is known of the next part in front of it. */
START_TEST(of_a_stream_with_early_heads)
{
	head.len = 0;
	ks_head_add_first_part(&head, &about, true);
	is_head("--koshien-frame\r\nContent-Type: image/jpeg\r\n\r\n");
	ks_head_write_part(&head, &about, true);
	is_head("");
	ck_assert_str_eq(ks_head_part_end(true), "\r\n--koshien-frame\r\nContent-Type: image/jpeg\r\n\r\n");
}
END_TEST

START_TEST(of_what_is_unavailable)
{
	about.picture = NULL;
	ks_head_write_unavailable(&head, &about, "No.\n", 7);
	is_head("HTTP/1.1 503 Service Unavailable\r\nDate: " DATE "\r\nRetry-After: 7\r\n"
		"Cache-Control: " KS_CACHE_NEVER "\r\nContent-Length: 4\r\nContent-Type: " KS_HEAD_WORDS "\r\n\r\n");
	about.picture = picture;
}
END_TEST

START_TEST(of_refusals_the_length_is_the_bodys)
{
	static const enum ks_head_status all[] = { KS_HEAD_414, KS_HEAD_431 };

	for (size_t i = 0; i < 2; i++) {
		size_t body = ks_head_write_refusal(&head, all[i], DATE), length;
		const char *at;

		head.text[head.len] = '\0';
		ck_assert_int_eq(atoi(head.text + strlen("HTTP/1.1 ")), ks_head_status_of(all[i]));
		at = strstr(head.text, "\r\nContent-Length: ");
		ck_assert_ptr_nonnull(at);
		length = (size_t)atoi(at + strlen("\r\nContent-Length: "));
		ck_assert_uint_eq(length, body);
		ck_assert_uint_eq(strlen(strstr(head.text, "\r\n\r\n") + 4), length);
		ck_assert_ptr_nonnull(strstr(head.text, "\r\nConnection: close\r\n"));
	}
}
END_TEST

/* All that can be large is, and there is room. */
START_TEST(the_longest_fits)
{
	char extras[KS_SITE_EXTRAS_MAX];

	ks_picture_unref(picture);
	about.picture = picture = make_picture(KS_FRAME_PLACEHOLDER, (struct ks_frame_id){ UINT32_MAX, UINT32_MAX },
					       INT64_MAX, UINT32_MAX);
	memset(extras, 'x', sizeof(extras));
	memcpy(extras + sizeof(extras) - 2, "\r\n", 2);
	site = (struct ks_site){ .spread_us = INT64_MAX, .idle_us = INT64_MAX, .timing = true, .extras = extras,
				 .extras_len = sizeof(extras) };
	about.f = (struct ks_freshness){ KS_STATE_STALE, INT64_MAX, 0, INT64_MAX };
	about.keep_alive = true;
	ks_head_write(&head, &about);
	ck_assert_uint_le(head.len, KS_HEAD_MAX);
	ck_assert_mem_eq(head.text + head.len - 4, "\r\n\r\n", 4);
	/* A stream's head and its first part go out together. */
	ks_head_write_stream(&head, &site, DATE);
	ks_head_add_first_part(&head, &about, false);
	ck_assert_uint_le(head.len, KS_HEAD_MAX);
}
END_TEST

static const struct {
	int64_t s;
	const char *text;
} dates[] = {	/* RFC 9110 section 5.6.7 */
	{ 784111777, "Sun, 06 Nov 1994 08:49:37 GMT" },
	{ 0, "Thu, 01 Jan 1970 00:00:00 GMT" },
	{ 951782399, "Mon, 28 Feb 2000 23:59:59 GMT" },
	{ 951782400, "Tue, 29 Feb 2000 00:00:00 GMT" },
	{ 4102444799, "Thu, 31 Dec 2099 23:59:59 GMT" },
};

START_TEST(dates_as_http_has_them)
{
	char text[KS_DATE_TEXT];

	ks_head_date(text, dates[_i].s * S + 999999);
	ck_assert_str_eq(text, dates[_i].text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pump_head");
	TCase *heads = tcase_create("heads");

	tcase_add_checked_fixture(heads, setup, teardown);
	tcase_add_test(heads, of_the_newest);
	tcase_add_test(heads, of_the_newest_with_words_about_the_connection);
	tcase_add_test(heads, stale_is_not_kept);
	tcase_add_test(heads, of_nothing_new);
	tcase_add_test(heads, of_not_modified);
	tcase_add_test(heads, by_id_only_what_does_not_change);
	tcase_add_test(heads, timing);
	tcase_add_test(heads, extras_are_on_every_answer);
	tcase_add_test(heads, placeholders_say_so);
	tcase_add_test(heads, of_a_stream);
	tcase_add_test(heads, of_a_stream_with_early_heads);
	tcase_add_test(heads, of_what_is_unavailable);
	tcase_add_test(heads, of_refusals_the_length_is_the_bodys);
	tcase_add_test(heads, the_longest_fits);
	tcase_add_loop_test(heads, dates_as_http_has_them, 0, sizeof(dates) / sizeof(dates[0]));
	suite_add_tcase(suite, heads);
	return unit_run(suite);
}
