/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of a word and its values on each line, of a program that has two words of its own beside its settings.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/settings.h"
#include "tests/unit/unit.h"

struct settings {
	char *title;
	int64_t count;
	bool fast;
	struct ks_list listen;
	/* what the words were given: "file:line first second;" each */
	char *taken;
};

static int inits, clears;

static int init(void *loaded)
{
	struct settings *set = loaded;

	inits++;
	set->taken = calloc(1, 4096);
	return set->taken != NULL ? KS_EOK : -ENOMEM;
}

static void clear(void *loaded)
{
	struct settings *set = loaded;

	clears++;
	free(set->taken);
	set->taken = NULL;
}

static int pair(void *loaded, const struct ks_place *place, char *const *values, char expected[KS_EXPECTED_MAX])
{
	struct settings *set = loaded;
	const char *slash = strrchr(place->file, '/');
	size_t len = strlen(set->taken);

	if (strcmp(values[0], values[1]) == 0) {
		snprintf(expected, KS_EXPECTED_MAX, "two that differ");
		return KS_ECONFIG;
	}
	snprintf(set->taken + len, 4096 - len, "%s:%u %s %s;", slash != NULL ? slash + 1 : place->file, place->line,
		 values[0], values[1]);
	return KS_EOK;
}

static bool differ(const void *now, const void *then)
{
	const struct settings *a = now, *b = then;

	if (strcmp(a->taken, b->taken) == 0)
		return false;
	printf("words differ\n");
	return true;
}

static const struct ks_setting table[] = {
	{ .name = "title", .type = KS_TEXT, .offset = offsetof(struct settings, title), .arg = "TEXT" , .help = "its name" },
	{ .name = "count", .type = KS_NUMBER, .offset = offsetof(struct settings, count), .arg = "N", .preset = "3", .min = 1,
	  .max = 9, .help = "how many" },
	{ .name = "fast", .type = KS_SWITCH, .offset = offsetof(struct settings, fast), .help = "be fast" },
	{ .name = "listen", .type = KS_LIST, .offset = offsetof(struct settings, listen), .arg = "ADDRESS", .preset = "any",
	  .help = "where to listen" },
	{ .name = NULL },
};

static const struct ks_word words[] = {
	{ .name = "pair", .arg = "A B", .n_values = 2, .take = pair, .help = "two of them" },
	{ .name = NULL },
};

static struct ks_program program = {
	.name = "testd", .summary = "Tests words.", .settings = table, .size = sizeof(struct settings), .words = words,
	.init = init, .clear = clear, .diff = differ,
};

static char dir[4000], config[4100], said[4100];
static struct settings got;

static void set_up(void)
{
	snprintf(dir, sizeof(dir), "%s", unit_tmpdir());
	snprintf(config, sizeof(config), "%s/testd.conf", dir);
	snprintf(said, sizeof(said), "%s/said", dir);
	inits = clears = 0;
	unit_log_start();
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

#define ARGS_MAX 8

static enum ks_settings_outcome load(const char *const *args)
{
	char *argv[ARGS_MAX + 4] = { (char *)(uintptr_t)"testd", (char *)(uintptr_t)"--config", config };
	enum ks_settings_outcome outcome;
	FILE *file = fopen(said, "we");
	int argc = 3, saved;

	ck_assert_ptr_nonnull(file);
	for (; *args != NULL; args++)
		argv[argc++] = (char *)(uintptr_t)*args;
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	dup2(fileno(file), STDOUT_FILENO);
	outcome = ks_settings_load(&program, argc, argv, &got);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	fclose(file);
	return outcome;
}

#define LOAD(...) load((const char *const[ARGS_MAX + 1]){ __VA_ARGS__, NULL })
#define LOAD_FILE(text) (put(config, text), LOAD(NULL))

static void done(void)
{
	ks_settings_free(&program, &got);
	ck_assert_int_eq(inits, clears);
}

static void assert_logged(const char *text)
{
	ck_assert_msg(strstr(unit_log_text(), text) != NULL, "'%s' is not in: %s", text, unit_log_text());
}

static void assert_said(const char *text)
{
	size_t len, wanted = strlen(text);
	char *all = (char *)unit_file(said, &len);
	bool found = false;

	for (size_t i = 0; i + wanted <= len; i++)
		found = found || memcmp(all + i, text, wanted) == 0;
	free(all);
	ck_assert_msg(found, "'%s' was not said", text);
}

START_TEST(values_of_each_type)
{
	ck_assert_int_eq(LOAD_FILE("# first\n\ttitle  The  quick # fox\ncount 7\nfast on\nlisten a b\nlisten c\n"),
			 KS_SETTINGS_RUN);
	ck_assert_str_eq(got.title, "The  quick");
	ck_assert_int_eq(got.count, 7);
	ck_assert(got.fast);
	ck_assert_uint_eq(got.listen.n, 3);	/* the preset is replaced, lines add up */
	ck_assert_str_eq(ks_list_text(&got.listen, 2), "c");
	ck_assert_str_eq(got.taken, "");
	ck_assert_str_eq(unit_log_text(), "");
	done();
	ck_assert_int_eq(LOAD_FILE(""), KS_SETTINGS_RUN);
	ck_assert_int_eq(got.count, 3);
	ck_assert_uint_eq(got.listen.n, 1);
	ck_assert_ptr_null(got.title);
	done();
}
END_TEST

START_TEST(words_know_their_place)
{
	char other[4200];

	snprintf(other, sizeof(other), "%s/other", dir);
	put(other, "\npair 3 4\n");
	ck_assert_int_eq(LOAD_FILE("pair 1 2\ninclude other\n\npair\t5   6 # seven\n"), KS_SETTINGS_RUN);
	ck_assert_str_eq(got.taken, "testd.conf:1 1 2;other:2 3 4;testd.conf:4 5 6;");
	done();
}
END_TEST

START_TEST(every_wrong_line_is_told)
{
	ck_assert_int_eq(LOAD_FILE("pair 1\npair 1 2 3\npair 1 1\ncount 10\nnone\nfast\nlisten\ntitle\n"), KS_SETTINGS_USAGE);
	assert_logged("testd.conf:1: pair: expected A B, got '1'\n");
	assert_logged("testd.conf:2: pair: expected A B, got '1 2 3'\n");
	assert_logged("testd.conf:3: pair: expected two that differ, got '1 1'\n");
	assert_logged("testd.conf:4: count: expected a whole number from 1 to 9 (N), got '10'\n");
	assert_logged("testd.conf:5: there is no word 'none'; --help lists them\n");
	assert_logged("testd.conf:6: fast: expected yes or no behind it\n");
	assert_logged("testd.conf:7: listen: expected ADDRESS behind it\n");
	assert_logged("testd.conf:8: title: expected TEXT behind it\n");
	assert_logged("testd.conf: 8 errors\n");
	ck_assert_int_eq(inits, clears);
}
END_TEST

START_TEST(lists_have_an_end)
{
	char text[KS_SECTIONS_MAX * 2 + 20] = "listen";

	for (int i = 0; i < KS_SECTIONS_MAX; i++)
		memcpy(text + 6 + 2 * i, " x", 3);
	ck_assert_int_eq(LOAD_FILE(text), KS_SETTINGS_RUN);
	ck_assert_uint_eq(got.listen.n, KS_SECTIONS_MAX);
	done();
	snprintf(text + strlen(text), 10, " y\n");
	ck_assert_int_eq(LOAD_FILE(text), KS_SETTINGS_USAGE);
	assert_logged("testd.conf:1: listen: expected at most 256 of them");
}
END_TEST

START_TEST(a_difference_is_an_exit_status)
{
	char other[4200];

	snprintf(other, sizeof(other), "%s/sub", dir);
	ck_assert_int_eq(mkdir(other, 0700), 0);
	snprintf(other, sizeof(other), "%s/sub/testd.conf", dir);	/* its words have places that differ in the folder alone */
	put(config, "pair 1 2\ntitle one\n");
	put(other, "pair 1 3\ntitle two\nlisten a b\nfast yes\n");
	ck_assert_int_eq(LOAD("--diff", other), KS_SETTINGS_DIFFER);
	assert_said("title: one -> two\nfast: no -> yes\nlisten: any -> a b\nwords differ\n");
	ck_assert_int_eq(LOAD("--diff", config), KS_SETTINGS_DONE);
	put(other, "pair 1 2\ntitle one\ncount 4\n");
	ck_assert_int_eq(LOAD("--diff", other), KS_SETTINGS_DIFFER);
	ck_assert_int_eq(LOAD("--diff", other, "--count=4"), KS_SETTINGS_DONE);
	ck_assert_int_eq(LOAD("--diff", dir), KS_SETTINGS_USAGE);
	assert_logged("not a file");
	ck_assert_int_eq(inits, clears);
}
END_TEST

START_TEST(help_has_the_words)
{
	put(config, "");
	ck_assert_int_eq(LOAD("--help"), KS_SETTINGS_DONE);
	assert_said("\n  pair A B");
	assert_said("\n  include FILE");
	assert_said("\n  --diff FILE");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("settings_words");
	TCase *tc = tcase_create("words");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, values_of_each_type);
	tcase_add_test(tc, words_know_their_place);
	tcase_add_test(tc, every_wrong_line_is_told);
	tcase_add_test(tc, lists_have_an_end);
	tcase_add_test(tc, a_difference_is_an_exit_status);
	tcase_add_test(tc, help_has_the_words);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
