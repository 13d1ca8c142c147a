/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/revoked.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/wire/sender.h"
#include "tests/unit/unit.h"

static int parse(const char *text, struct ks_revoked *revoked, size_t *line)
{
	return ks_revoked_parse(text, strlen(text), revoked, line);
}

START_TEST(names)
{
	static const char text[] = "# lost on the train\nrelay-a\n\n  relay-b\t# 2026-11-21\r\n"
				   "c # last, without a newline";
	struct ks_revoked revoked;
	size_t line;

	ck_assert_int_eq(parse(text, &revoked, &line), KS_EOK);
	ck_assert_uint_eq(revoked.n, 3);
	ck_assert_str_eq(revoked.names[0], "relay-a");
	ck_assert_str_eq(revoked.names[1], "relay-b");
	ck_assert_str_eq(revoked.names[2], "c");
	ck_assert(ks_revoked_has(&revoked, "relay-b"));
	ck_assert(!ks_revoked_has(&revoked, "relay-"));
	ck_assert(!ks_revoked_has(&revoked, ""));
	ks_revoked_free(&revoked);
	ck_assert_uint_eq(revoked.n, 0);
	ck_assert_int_eq(parse("", &revoked, &line), KS_EOK);
	ck_assert_uint_eq(revoked.n, 0);
	ck_assert_int_eq(parse("#relay-a\n#", &revoked, &line), KS_EOK);
	ck_assert_uint_eq(revoked.n, 0);
}
END_TEST

START_TEST(what_is_no_name)
{
	static const char *const bad[] = {
		"good\nRelay-a\n", "good\na b\n", "good\n-a", "good\na,b", "good\n\xff",
		"good\na234567890123456789012345678901x",
	};
	struct ks_revoked revoked;
	size_t line;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(parse(bad[i], &revoked, &line) == KS_EMALFORMED, "'%s'", bad[i]);
		ck_assert_uint_eq(line, 2);
		ck_assert_ptr_null(revoked.names);
	}
	ck_assert_int_eq(ks_revoked_parse("a\0b", 3, &revoked, &line), KS_EMALFORMED);
}
END_TEST

START_TEST(too_many)
{
	char *text = malloc((KS_REVOKED_MAX + 1) * 2 + 1);
	struct ks_revoked revoked;
	size_t line;

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i <= KS_REVOKED_MAX; i++)
		memcpy(text + 2 * i, "a\n", 3);
	ck_assert_int_eq(ks_revoked_parse(text, KS_REVOKED_MAX * 2, &revoked, &line), KS_EOK);
	ck_assert_uint_eq(revoked.n, KS_REVOKED_MAX);
	ks_revoked_free(&revoked);
	ck_assert_int_eq(parse(text, &revoked, &line), KS_ELIMIT);
	ck_assert_uint_eq(line, KS_REVOKED_MAX + 1);
	free(text);
}
END_TEST

START_TEST(files)
{
	struct ks_revoked revoked;
	char path[4200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/list", unit_tmpdir());
	unit_log_start();
	ck_assert_int_eq(ks_revoked_read(path, &revoked), -ENOENT);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "koshienctl key revoke"));
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fputs("relay-a\nrelay b\n", file);
	fclose(file);
	ck_assert_int_eq(ks_revoked_read(path, &revoked), KS_EMALFORMED);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "/list:2: expected the name of a relay"));
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fputs("relay-a\n", file);
	fclose(file);
	ck_assert_int_eq(ks_revoked_read(path, &revoked), KS_EOK);
	ck_assert(ks_revoked_has(&revoked, "relay-a"));
	ks_revoked_free(&revoked);
	ck_assert_int_eq(ks_revoked_read(unit_tmpdir(), &revoked), -EISDIR);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("revoked");
	TCase *tc = tcase_create("revoked");

	tcase_add_test(tc, names);
	tcase_add_test(tc, what_is_no_name);
	tcase_add_test(tc, too_many);
	tcase_add_test(tc, files);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
