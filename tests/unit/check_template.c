/* SPDX-License-Identifier: Apache-2.0
 *
 * What is learned from a head of httpd's, and what makes the pump refuse to speak for it.
 */
#include "mod_sentry/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

#define OURS \
	"HTTP/1.1 200 OK\r\nDate: \r\nAccept-Ranges: none\r\nFrame-Id: 7-12\r\nETag: \"7-12-deadbeef\"\r\n" \
	"Content-Length: 5\r\nContent-Type: image/jpeg\r\nFrame-Age: 310\r\nFrame-Next: 690\r\nFrame-State: live\r\n" \
	"Server-Timing: arrive;dur=60, held;dur=250\r\nCache-Control: no-store\r\n\r\n"

/* httpd's, with other times and in another order, and something in front, between and behind. */
#define THEIRS(front, between, behind) \
	"HTTP/1.1 200 OK\r\n" front "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: Apache\r\nFrame-Id: 7-12\r\n" \
	"Accept-Ranges: none\r\nFrame-Age: 311\r\nFrame-Next: 689\r\n" between "Frame-State: live\r\n" \
	"Server-Timing: arrive;dur=60, held;dur=251\r\nETag: \"7-12-deadbeef\"\r\nContent-Length: 5\r\n" \
	"Cache-Control: no-store\r\nKeep-Alive: timeout=15\r\nConnection: Keep-Alive\r\n" \
	"Content-Type: image/jpeg\r\n" behind "\r\n"

static struct ks_template template;

/* In memory of its own size. */
static bool learn(const char *theirs, size_t len)
{
	struct ks_head ours = { .len = strlen(OURS), .text = OURS };
	char *copy = malloc(len > 0 ? len : 1);
	bool learned;

	memcpy(copy, theirs, len);
	learned = ks_template_learn(&template, copy, len, &ours);
	free(copy);
	return learned;
}

static void learns(const char *theirs, const char *extras)
{
	ck_assert_msg(learn(theirs, strlen(theirs)), "%s", template.why);
	ck_assert_uint_eq(template.extras_len, strlen(extras));
	ck_assert_mem_eq(template.extras, extras, template.extras_len);
}

static void refuses(const char *theirs, const char *why)
{
	ck_assert(!learn(theirs, strlen(theirs)));
	ck_assert_str_eq(template.why, why);
}

START_TEST(extras)
{
	learns(THEIRS("", "", ""), "Server: Apache\r\n");
	learns(THEIRS("X-A: 1\r\n", "x-b:2\r\n", "X-C: \r\n"), "X-A: 1\r\nServer: Apache\r\nx-b:2\r\nX-C: \r\n");
	/* A field that comes twice stays twice. */
	learns(THEIRS("Vary: a\r\n", "", "Vary: b\r\n"), "Vary: a\r\nServer: Apache\r\nVary: b\r\n");
}
END_TEST

START_TEST(what_is_of_the_moment_is_no_extra)
{
	learns(THEIRS("", "", "Connection: close\r\nDATE: x\r\nframe-age: 9\r\n"), "Server: Apache\r\n");
}
END_TEST

START_TEST(names_have_no_case_and_values_do)
{
	learns("HTTP/1.1 200 OK\r\nDATE: x\r\nACCEPT-RANGES: none\r\nframe-id: 7-12\r\netag: \"7-12-deadbeef\"\r\n"
	       "content-length: 5\r\ncontent-type: image/jpeg\r\nframe-age: 1\r\nframe-next: 1\r\n"
	       "frame-state: live\r\nserver-timing: x\r\ncache-control: no-store\r\n\r\n", "");
	refuses("HTTP/1.1 200 OK\r\nDate: x\r\nAccept-Ranges: NONE\r\nFrame-Id: 7-12\r\nETag: \"7-12-deadbeef\"\r\n"
		"Content-Length: 5\r\nContent-Type: image/jpeg\r\nFrame-Age: 1\r\nFrame-Next: 1\r\n"
		"Frame-State: live\r\nServer-Timing: x\r\nCache-Control: no-store\r\n\r\n",
		"httpd's answers have Accept-Ranges: NONE");
}
END_TEST

START_TEST(what_differs)
{
	refuses(THEIRS("", "", "Cache-Control: max-age=60\r\n"), "httpd's answers have Cache-Control: max-age=60");
	refuses(THEIRS("ETag: \"7-12-deadbeef-gzip\"\r\n", "", ""), "httpd's answers have ETag: \"7-12-deadbeef-gzip\"");
	refuses(THEIRS("Content-Length: 4\r\n", "", ""), "httpd's answers have Content-Length: 4");
}
END_TEST

/* Each line of ours but those of the moment has to be there. */
START_TEST(what_is_missing)
{
	static const char *const lines[] = {
		"Frame-Id: 7-12", "Accept-Ranges: none", "Frame-State: live", "ETag: \"7-12-deadbeef\"",
		"Content-Length: 5", "Cache-Control: no-store", "Content-Type: image/jpeg",
	};
	char theirs[] = THEIRS("", "", ""), why[128];
	char *at = strstr(theirs, lines[_i]);
	size_t len = strlen(lines[_i]) + 2;

	memmove(at, at + len, strlen(at + len) + 1);
	snprintf(why, sizeof(why), "httpd's answers lack %s", lines[_i]);
	refuses(theirs, why);
}
END_TEST

START_TEST(more_than_there_is_room_for)
{
	static char theirs[2 * KS_SITE_EXTRAS_MAX + 1024];
	char *at = stpcpy(theirs, "HTTP/1.1 200 OK\r\n");
	size_t room = KS_SITE_EXTRAS_MAX - strlen("Server: Apache\r\n") - strlen("X: \r\n") + (size_t)_i;

	at = stpcpy(at, "X: ");
	memset(at, 'a', room);
	at = stpcpy(at + room, "\r\n");
	strcpy(at, strchr(THEIRS("", "", ""), '\n') + 1);
	if (_i == 0)
		ck_assert(learn(theirs, strlen(theirs)));
	else
		refuses(theirs, "there is no room for Server: Apache");
	ck_assert_uint_le(template.extras_len, KS_SITE_EXTRAS_MAX);
}
END_TEST

START_TEST(reasons_are_cut_and_not_overrun)
{
	static char theirs[4096];
	char *at = stpcpy(theirs, THEIRS("", "", ""));

	at -= 2;
	at = stpcpy(at, "Cache-Control: ");
	memset(at, 'a', 1000);
	strcpy(at + 1000, "\r\n\r\n");
	ck_assert(!learn(theirs, strlen(theirs)));
	ck_assert_uint_lt(strlen(template.why), sizeof(template.why));
	ck_assert_int_eq(strncmp(template.why, "httpd's answers have Cache-Control: aaaa", 40), 0);
}
END_TEST

/* A part of a head is none, wherever it ends: nothing is learned that the whole would not have taught. */
START_TEST(cut_anywhere)
{
	static const char theirs[] = THEIRS("X-A: 1\r\n", "X-B: 2\r\n", "");
	const char *last = strstr(theirs, "\r\n\r\n");

	for (size_t len = 0; len < (size_t)(last - theirs) + 2; len++)
		ck_assert_msg(!learn(theirs, len), "taken at %zu", len);
	ck_assert(learn(theirs, strlen(theirs)));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("template");
	TCase *learning = tcase_create("learning");

	tcase_add_test(learning, extras);
	tcase_add_test(learning, what_is_of_the_moment_is_no_extra);
	tcase_add_test(learning, names_have_no_case_and_values_do);
	tcase_add_test(learning, what_differs);
	tcase_add_loop_test(learning, what_is_missing, 0, 7);
	tcase_add_loop_test(learning, more_than_there_is_room_for, 0, 2);
	tcase_add_test(learning, reasons_are_cut_and_not_overrun);
	tcase_add_test(learning, cut_anywhere);
	suite_add_tcase(suite, learning);
	return unit_run(suite);
}
