/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/name.h"

#include <string.h>

#include "tests/unit/unit.h"

static bool valid(const char *text)
{
	return ks_name_valid(text, strlen(text), KS_CHANNEL_MAX);
}

START_TEST(takes_names)
{
	ck_assert(valid("a"));
	ck_assert(valid("0"));
	ck_assert(valid("main-2"));
	ck_assert(valid("third-base-line"));
	ck_assert(valid("a-"));
	ck_assert(valid("abcdefghijklmnopqrstuvwx"));
}
END_TEST

START_TEST(refuses_the_rest)
{
	static const char *const bad[] = {
		"", "-a", "A", "aB", "a b", "a/b", "..", ".", "a.b", "a_b", "a\n", "\xc3\xa9", "a%20", "a\"b", "a<b",
		"abcdefghijklmnopqrstuvwxy",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!valid(bad[i]), "'%s' was taken", bad[i]);
	ck_assert(!ks_name_valid("a\0b", 3, KS_CHANNEL_MAX));
	ck_assert(!ks_name_valid("standard1", 9, KS_RENDITION_MAX));
	ck_assert(ks_name_valid("standard1", 8, KS_RENDITION_MAX));
}
END_TEST

START_TEST(every_byte_has_one_verdict)
{
	static const char words[] = "abcdefghijklmnopqrstuvwxyz0123456789";

	for (int c = 1; c < 256; c++) {
		const char first[] = { (char)c, '\0' }, second[] = { 'x', (char)c, '\0' };

		ck_assert_int_eq(valid(first), strchr(words, c) != NULL);
		ck_assert_int_eq(valid(second), strchr(words, c) != NULL || c == '-');
	}
}
END_TEST

START_TEST(says_what_was_expected)
{
	ck_assert_ptr_null(ks_channel_expected("main"));
	ck_assert_ptr_null(ks_channel_expected("abcdefghijklmnopqrstuvwx"));
	ck_assert_ptr_null(ks_rendition_expected("std"));
	ck_assert_ptr_nonnull(strstr(ks_channel_expected("Main"), "24"));
	ck_assert_ptr_nonnull(strstr(ks_rendition_expected("standard1"), "8"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("name");
	TCase *tc = tcase_create("name");

	tcase_add_test(tc, takes_names);
	tcase_add_test(tc, refuses_the_rest);
	tcase_add_test(tc, every_byte_has_one_verdict);
	tcase_add_test(tc, says_what_was_expected);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
