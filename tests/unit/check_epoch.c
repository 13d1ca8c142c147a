/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/epoch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/frame/manifest.h"
#include "tests/unit/unit.h"

#define NOW INT64_C(1795262400)

static char path[640];

static const char *stored(const char *dir)
{
	snprintf(path, sizeof(path), "%s/epoch.main.0", dir);
	return path;
}

static void put(const char *dir, const char *text)
{
	FILE *file = fopen(stored(dir), "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static int next(const char *dir, int64_t now_s, uint32_t *epoch)
{
	return ks_epoch_next(dir, "main", 0, now_s * KS_US_PER_S, epoch);
}

START_TEST(only_one_spelling)
{
	static const char *const good[] = { "0\n", "1\n", "1795262400\n", "4294967295\n" };
	static const char *const bad[] = { "", "\n", "1", "01\n", "00\n", "4294967296\n", "99999999999\n", "-1\n",
					   "+1\n", " 1\n", "1 \n", "1\n\n", "1\r\n", "0x1\n", "1\n2\n" };
	uint32_t epoch;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_int_eq(ks_epoch_parse(good[i], strlen(good[i]), &epoch), KS_EOK);
		ck_assert_uint_eq(epoch, strtoul(good[i], NULL, 10));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(ks_epoch_parse(bad[i], strlen(bad[i]), &epoch) == KS_EMALFORMED, "'%s'", bad[i]);
	ck_assert_int_eq(ks_epoch_parse("1\0\n", 3, &epoch), KS_EMALFORMED);
}
END_TEST

START_TEST(grows_whatever_the_clock_does)
{
	static const int64_t clocks[] = { NOW, NOW, NOW + 10, NOW - 5000, 0, -7, NOW + 11, NOW + 9 };
	const char *dir = unit_tmpdir();
	uint32_t before = 0, epoch;

	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		ck_assert_int_eq(next(dir, clocks[i], &epoch), KS_EOK);
		ck_assert_uint_gt(epoch, before);
		ck_assert_int_ge(epoch, clocks[i]);
		before = epoch;
	}
}
END_TEST

START_TEST(channels_and_sources_are_apart)
{
	const char *dir = unit_tmpdir();
	uint32_t a, b, c;

	ck_assert_int_eq(ks_epoch_next(dir, "main", 0, NOW * KS_US_PER_S, &a), KS_EOK);
	ck_assert_int_eq(ks_epoch_next(dir, "main", 1, NOW * KS_US_PER_S, &b), KS_EOK);
	ck_assert_int_eq(ks_epoch_next(dir, "second", 0, NOW * KS_US_PER_S, &c), KS_EOK);
	ck_assert_uint_eq(a, NOW);
	ck_assert_uint_eq(b, NOW + 1);
	ck_assert_uint_eq(c, NOW);
}
END_TEST

/* No two sources have one epoch, and none is skipped that could be taken. */
START_TEST(an_epoch_tells_its_source)
{
	for (unsigned source = 0; source < KS_SOURCES_MAX; source++)
		for (uint64_t least = 1; least < 100; least++) {
			uint32_t epoch;

			ck_assert_int_eq(ks_epoch_from(least, source, &epoch), KS_EOK);
			ck_assert_uint_eq(epoch % KS_SOURCES_MAX, source);
			ck_assert_uint_ge(epoch, least);
			ck_assert_uint_lt(epoch, least + KS_SOURCES_MAX);
		}
}
END_TEST

START_TEST(rises_above_what_was_heard)
{
	const char *dir = unit_tmpdir();
	uint32_t a, b, again;

	ck_assert_int_eq(ks_epoch_next(dir, "main", 0, NOW * KS_US_PER_S, &a), KS_EOK);
	ck_assert_int_eq(ks_epoch_above(dir, "main", 1, a, &b), KS_EOK);
	ck_assert_uint_eq(b, a + 1);
	ck_assert_int_eq(ks_epoch_above(dir, "main", 0, b, &a), KS_EOK);
	ck_assert_uint_eq(a, b + KS_SOURCES_MAX - 1);
	/* What was heard long ago: above the stored one all the same. */
	ck_assert_int_eq(ks_epoch_above(dir, "main", 0, 5, &again), KS_EOK);
	ck_assert_uint_eq(again, a + KS_SOURCES_MAX);
	/* Stored: the next run begins above it. */
	ck_assert_int_eq(ks_epoch_next(dir, "main", 0, NOW * KS_US_PER_S, &a), KS_EOK);
	ck_assert_uint_eq(a, again + KS_SOURCES_MAX);
}
END_TEST

START_TEST(the_last_epoch)
{
	uint32_t stored = UINT32_MAX - KS_SOURCES_MAX, epoch = 77;

	ck_assert_int_eq(ks_epoch_start(&stored, 15, 0, &epoch), KS_EOK);
	ck_assert_uint_eq(epoch, UINT32_MAX);
	epoch = 77;
	stored = UINT32_MAX;
	ck_assert_int_eq(ks_epoch_start(&stored, 15, 0, &epoch), KS_ELIMIT);
	ck_assert_int_eq(ks_epoch_raise(NULL, 3, UINT32_MAX - 12, &epoch), KS_ELIMIT);
	ck_assert_int_eq(ks_epoch_raise(NULL, 4, UINT32_MAX - 12, &epoch), KS_EOK);
	ck_assert_uint_eq(epoch, UINT32_MAX - 11);
}
END_TEST

START_TEST(makes_its_folder)
{
	char dir[512];
	uint32_t epoch;

	snprintf(dir, sizeof(dir), "%s/state", unit_tmpdir());
	ck_assert_int_eq(next(dir, NOW, &epoch), KS_EOK);
	ck_assert_int_eq(access(stored(dir), F_OK), 0);
}
END_TEST

START_TEST(damage_is_an_error)
{
	const char *dir = unit_tmpdir();
	uint32_t epoch = 77;

	put(dir, "garbage\n");
	unit_log_start();
	ck_assert_int_eq(next(dir, NOW, &epoch), KS_EMALFORMED);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), stored(dir)));
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "expected one number"));
	put(dir, "");
	ck_assert_int_eq(next(dir, NOW, &epoch), KS_EMALFORMED);
	put(dir, "4294967295\n");
	ck_assert_int_eq(next(dir, NOW, &epoch), KS_ELIMIT);
	ck_assert_uint_eq(epoch, 77);
}
END_TEST

START_TEST(what_cannot_be_written_is_an_error)
{
	char dir[512], file[600];
	uint32_t epoch;

	snprintf(dir, sizeof(dir), "%s/state", unit_tmpdir());
	ck_assert_int_eq(mkdir(dir, 0755), 0);
	/* Also as root: a folder stands where the new file has to be made. */
	snprintf(file, sizeof(file), "%s/epoch.main.0.new", dir);
	ck_assert_int_eq(mkdir(file, 0755), 0);
	unit_log_start();
	ck_assert_int_eq(next(dir, NOW, &epoch), -EISDIR);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "--state-dir"));
	ck_assert_int_eq(next("/dev/null", NOW, &epoch), -ENOTDIR);
	ck_assert_int_eq(next("/nowhere/at/all", NOW, &epoch), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("epoch");
	TCase *tc = tcase_create("epoch");

	tcase_add_test(tc, only_one_spelling);
	tcase_add_test(tc, grows_whatever_the_clock_does);
	tcase_add_test(tc, channels_and_sources_are_apart);
	tcase_add_test(tc, an_epoch_tells_its_source);
	tcase_add_test(tc, rises_above_what_was_heard);
	tcase_add_test(tc, the_last_epoch);
	tcase_add_test(tc, makes_its_folder);
	tcase_add_test(tc, damage_is_an_error);
	tcase_add_test(tc, what_cannot_be_written_is_an_error);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
