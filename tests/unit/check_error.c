/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/error.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "tests/unit/unit.h"

START_TEST(every_error_has_its_own_text)
{
	for (int a = KS_EBASE; a < KS_EERROR_END; a++) {
		const char *text = ks_strerror(a);

		ck_assert_ptr_nonnull(text);
		ck_assert_str_ne(text, "");
		ck_assert_str_ne(text, "unknown error");
		for (int b = KS_EBASE; b < a; b++)
			ck_assert_str_ne(text, ks_strerror(b));
	}
}
END_TEST

START_TEST(system_errors_are_the_systems)
{
	ck_assert_str_eq(ks_strerror(-ENOENT), strerror(ENOENT));
	ck_assert_str_eq(ks_strerror(-EADDRINUSE), strerror(EADDRINUSE));
	ck_assert_str_eq(ks_strerror(KS_EOK), "no error");
}
END_TEST

START_TEST(anything_else_is_unknown)
{
	static const int others[] = { 1, ENOENT, INT_MAX, INT_MIN, KS_EBASE - 1 };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_str_eq(ks_strerror(others[i]), "unknown error");
	ck_assert_ptr_nonnull(ks_strerror(KS_EERROR_END));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("error");
	TCase *tc = tcase_create("error");

	tcase_add_test(tc, every_error_has_its_own_text);
	tcase_add_test(tc, system_errors_are_the_systems);
	tcase_add_test(tc, anything_else_is_unknown);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
