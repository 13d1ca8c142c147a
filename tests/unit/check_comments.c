/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/comments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static void assert_blanked(const char *text, const char *wanted)
{
	size_t len = strlen(text);
	char *copy = malloc(len > 0 ? len : 1);	/* no NUL behind it, for the sanitizer to see an overrun */

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, len);
	ks_comments_blank(copy, len);
	ck_assert_msg(len == strlen(wanted) && memcmp(copy, wanted, len) == 0, "'%s' became '%.*s', not '%s'", text,
		      (int)len, copy, wanted);
	free(copy);
}

START_TEST(comments)
{
	assert_blanked("", "");
	assert_blanked("#", " ");
	assert_blanked("# a\nb = 1\n", "   \nb = 1\n");
	assert_blanked("a = 1 # b\n// c\nd = 2", "a = 1    \n    \nd = 2");
	assert_blanked("a = /* b\n c */ 1", "a =     \n      1");
	assert_blanked("/**/a", "    a");
	assert_blanked("{#}\n}", "{  \n}");
	assert_blanked("\"a\"# b", "\"a\"   ");
}
END_TEST

START_TEST(no_comments)
{
	static const char *const same[] = {
		"a = \"# b // c /* d */\"", "a = '# b'", "a = \"\\\"# b\"", "a = b#c", "a = http://b/", "a / b", "/", "\"",
		"\"a", "\"a\\", "/* never ends", "/*/",
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		assert_blanked(same[i], same[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("comments");
	TCase *tc = tcase_create("comments");

	tcase_add_test(tc, comments);
	tcase_add_test(tc, no_comments);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
