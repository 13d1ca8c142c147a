/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static void say_all(void)
{
	ks_error("wire", "one %d", 1);
	ks_warn("wire", "two");
	ks_info("wire", "three");
	ks_debug("wire", "four");
}

static void assert_logged(enum ks_log_level level, const char *tokens, const char *expected)
{
	unit_log_start();
	ks_log_set_level(level, tokens);
	say_all();
	ck_assert_str_eq(unit_log_text(), expected);
}

START_TEST(levels)
{
	assert_logged(KS_LOG_ERROR, NULL, "wire: one 1\n");
	assert_logged(KS_LOG_WARN, NULL, "wire: one 1\nwire: two\n");
	assert_logged(KS_LOG_INFO, NULL, "wire: one 1\nwire: two\nwire: three\n");
	assert_logged(KS_LOG_DEBUG, NULL, "wire: one 1\nwire: two\nwire: three\nwire: four\n");
}
END_TEST

START_TEST(tokens_select_debug_lines_only)
{
	assert_logged(KS_LOG_DEBUG, "wire", "wire: one 1\nwire: two\nwire: three\nwire: four\n");
	assert_logged(KS_LOG_DEBUG, "store,wire", "wire: one 1\nwire: two\nwire: three\nwire: four\n");
	assert_logged(KS_LOG_DEBUG, "wire,store", "wire: one 1\nwire: two\nwire: three\nwire: four\n");
	assert_logged(KS_LOG_DEBUG, "store", "wire: one 1\nwire: two\nwire: three\n");
	assert_logged(KS_LOG_DEBUG, "wires,awire,wire2", "wire: one 1\nwire: two\nwire: three\n");
	assert_logged(KS_LOG_DEBUG, "", "wire: one 1\nwire: two\nwire: three\n");
}
END_TEST

START_TEST(level_names)
{
	ck_assert_int_eq(ks_log_level_parse("error"), KS_LOG_ERROR);
	ck_assert_int_eq(ks_log_level_parse("warn"), KS_LOG_WARN);
	ck_assert_int_eq(ks_log_level_parse("info"), KS_LOG_INFO);
	ck_assert_int_eq(ks_log_level_parse("debug"), KS_LOG_DEBUG);
	ck_assert_int_eq(ks_log_level_parse("Debug"), -1);
	ck_assert_int_eq(ks_log_level_parse(""), -1);
	ck_assert_int_eq(ks_log_level_parse("debugging"), -1);
}
END_TEST

START_TEST(a_line_stays_one_line)
{
	unit_log_start();
	ks_error("wire", "peer says '%s'", "a\nwire: forged\r\x1b[31m\x7f");
	ck_assert_str_eq(unit_log_text(), "wire: peer says 'a wire: forged  [31m '\n");
}
END_TEST

START_TEST(long_lines_are_cut)
{
	char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	unit_log_start();
	ks_error("wire", "%s", text);
	ck_assert_uint_lt(strlen(unit_log_text()), 1100);
	ck_assert_uint_gt(strlen(unit_log_text()), 1000);
}
END_TEST

START_TEST(standard_error_is_the_default)
{
	char path[4200], *text;
	size_t len;

	snprintf(path, sizeof(path), "%s/stderr", unit_tmpdir());
	ck_assert_ptr_nonnull(freopen(path, "we", stderr));
	ks_log_set_sink(NULL, NULL);
	ks_warn("store", "full");
	fflush(stderr);
	text = (char *)unit_file(path, &len);
	ck_assert_uint_eq(len, strlen("warn  store: full\n"));
	ck_assert_mem_eq(text, "warn  store: full\n", len);
	free(text);
}
END_TEST

START_TEST(gate_opens_once_a_minute)
{
	struct ks_log_gate gate = { 0 };
	const int64_t start = INT64_C(5000000);
	uint64_t held = 99;

	ck_assert(ks_log_gate(&gate, start, &held));
	ck_assert_uint_eq(held, 0);
	for (int i = 0; i < 1000; i++)
		ck_assert(!ks_log_gate(&gate, start + i, &held));
	ck_assert(!ks_log_gate(&gate, start + KS_LOG_GATE_US - 1, &held));
	ck_assert(ks_log_gate(&gate, start + KS_LOG_GATE_US, &held));
	ck_assert_uint_eq(held, 1001);
	ck_assert(!ks_log_gate(&gate, start + KS_LOG_GATE_US + 1, NULL));
	ck_assert(ks_log_gate(&gate, start + 2 * KS_LOG_GATE_US, NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *tc = tcase_create("log");

	tcase_add_test(tc, levels);
	tcase_add_test(tc, tokens_select_debug_lines_only);
	tcase_add_test(tc, level_names);
	tcase_add_test(tc, a_line_stays_one_line);
	tcase_add_test(tc, long_lines_are_cut);
	tcase_add_test(tc, standard_error_is_the_default);
	tcase_add_test(tc, gate_opens_once_a_minute);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
