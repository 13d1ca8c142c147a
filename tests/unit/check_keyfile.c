/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/keyfile.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "tests/unit/unit.h"

#define KEY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="	/* 0, 1, … 31 */
#define MASTER_LINE KS_KEY_MASTER " " KEY
#define RELAY_LINE KS_KEY_RELAY " relay-a " KEY

static int parse(const char *text, uint8_t key[32], const char **why)
{
	memset(key, 0xee, 32);
	return ks_keyfile_parse(text, strlen(text), KS_KEY_MASTER, key, 32, why);
}

static int parse_named(const char *text, size_t len, char name[KS_KEYFILE_NAME_MAX + 1], uint8_t key[32],
		       const char **why)
{
	memset(key, 0xee, 32);
	memset(name, 'x', KS_KEYFILE_NAME_MAX + 1);
	return ks_keyfile_parse_named(text, len, KS_KEY_RELAY, name, key, 32, why);
}

START_TEST(parses)
{
	static const char *const good[] = {
		MASTER_LINE, MASTER_LINE "\n", MASTER_LINE "\r\n", "\n\n" MASTER_LINE "\n\n",
		"# of the camera\n" MASTER_LINE "\n# the end", "\r\n" MASTER_LINE, MASTER_LINE " \n",
	};
	uint8_t key[32];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_msg(parse(good[i], key, NULL) == KS_EOK, "'%s'", good[i]);
		for (uint8_t j = 0; j < 32; j++)
			ck_assert_uint_eq(key[j], j);
	}
}
END_TEST

START_TEST(refuses_and_says_why)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "no key" },
		{ "# only a comment\n", "no key" },
		{ KS_KEY_SOURCE_PUBLIC " " KEY, "another kind" },
		{ RELAY_LINE, "another kind" },
		{ KS_KEY_MASTER, "another kind" },
		{ KS_KEY_MASTER "2 " KEY, "another kind" },
		{ "\t" MASTER_LINE, "another kind" },
		{ KEY, "another kind" },
		{ KS_KEY_MASTER " ", "base64" },
		{ KS_KEY_MASTER " AAEC", "base64" },
		{ MASTER_LINE "AAAA", "base64" },
		{ KS_KEY_MASTER " AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "base64" },	/* no padding */
		{ KS_KEY_MASTER " AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh-=", "base64" },
		{ MASTER_LINE " and more", "base64" },
		{ MASTER_LINE "\n" MASTER_LINE "\n", "more than one" },
		{ MASTER_LINE "\ngarbage", "more than one" },
	};
	uint8_t key[32];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *why = NULL;

		ck_assert_msg(parse(bad[i].text, key, &why) == KS_EKEY, "'%s' was taken", bad[i].text);
		ck_assert_ptr_nonnull(why);
		ck_assert_msg(strstr(why, bad[i].why) != NULL, "'%s': %s", bad[i].text, why);
		for (size_t j = 0; j < 32; j++)
			ck_assert_uint_eq(key[j], 0);
	}
}
END_TEST

START_TEST(every_truncation_is_refused)
{
	uint8_t key[32];

	for (size_t len = 0; len < strlen(MASTER_LINE); len++)
		ck_assert_int_eq(ks_keyfile_parse(MASTER_LINE, len, KS_KEY_MASTER, key, 32, NULL), KS_EKEY);
}
END_TEST

START_TEST(named_keys)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "no key" },
		{ MASTER_LINE, "another kind" },
		{ KS_KEY_RELAY, "another kind" },
		{ KS_KEY_RELAY " " KEY, "whose key" },		/* as one without a name would be */
		{ KS_KEY_RELAY "  " KEY, "whose key" },
		{ KS_KEY_RELAY " Relay-a " KEY, "whose key" },
		{ KS_KEY_RELAY " ../relay " KEY, "whose key" },
		{ KS_KEY_RELAY " -a " KEY, "whose key" },
		{ KS_KEY_RELAY " a2345678901234567890123456789012 " KEY, "whose key" },	/* 32 characters */
		{ KS_KEY_RELAY " relay-a", "whose key" },
		{ KS_KEY_RELAY " relay-a ", "base64" },
		{ KS_KEY_RELAY " relay-a relay-a " KEY, "base64" },
		{ RELAY_LINE "\n" RELAY_LINE, "more than one" },
	};
	char name[KS_KEYFILE_NAME_MAX + 1];
	uint8_t key[32];

	ck_assert_int_eq(parse_named(RELAY_LINE "\n", strlen(RELAY_LINE "\n"), name, key, NULL), KS_EOK);
	ck_assert_str_eq(name, "relay-a");
	ck_assert_uint_eq(key[31], 31);
	for (size_t len = 0; len < strlen(RELAY_LINE); len++)
		ck_assert_int_eq(parse_named(RELAY_LINE, len, name, key, NULL), KS_EKEY);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *why = NULL;

		ck_assert_msg(parse_named(bad[i].text, strlen(bad[i].text), name, key, &why) == KS_EKEY,
			      "'%s' was taken", bad[i].text);
		ck_assert_msg(strstr(why, bad[i].why) != NULL, "'%s': %s", bad[i].text, why);
		ck_assert_str_eq(name, "");
		for (size_t j = 0; j < 32; j++)
			ck_assert_uint_eq(key[j], 0);
	}
}
END_TEST

/* --- files --------------------------------------------------------------------------------------- */

static const char *dir;
static char path[4200];

static void put(const char *text, mode_t mode)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static void set_up(void)
{
	dir = unit_tmpdir();
	snprintf(path, sizeof(path), "%s/key", dir);
	unit_log_start();
}

START_TEST(reads_what_it_writes)
{
	static const struct {
		const char *kind;
		size_t len;
		mode_t mode;
	} kinds[] = {
		{ KS_KEY_SOURCE_SECRET, 64, 0600 }, { KS_KEY_SOURCE_PUBLIC, 32, 0644 }, { KS_KEY_MASTER, 32, 0600 },
	};
	uint8_t key[64], got[64];
	struct stat st;

	umask(022);
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * 37);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		unlink(path);
		ck_assert_int_eq(ks_keyfile_write(path, kinds[i].kind, key, kinds[i].len), KS_EOK);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_uint_eq(st.st_mode & 0777, kinds[i].mode);
		ck_assert_int_eq(ks_keyfile_read(path, kinds[i].kind, got, kinds[i].len), KS_EOK);
		ck_assert_mem_eq(got, key, kinds[i].len);
	}
	ck_assert_str_eq(unit_log_text(), "");
}
END_TEST

START_TEST(named_files)
{
	uint8_t key[32] = { 1, 2, 3 }, got[32];
	char name[KS_KEYFILE_NAME_MAX + 1];
	struct stat st;

	ck_assert_int_eq(ks_keyfile_write_named(path, KS_KEY_RELAY, "relay-a", key, sizeof(key)), KS_EOK);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_uint_eq(st.st_nlink, 1);
	ck_assert_int_eq(ks_keyfile_read_named(path, KS_KEY_RELAY, name, got, sizeof(got)), KS_EOK);
	ck_assert_str_eq(name, "relay-a");
	ck_assert_mem_eq(got, key, sizeof(key));
	ck_assert_str_eq(unit_log_text(), "");

	ck_assert_int_eq(ks_keyfile_read_named(path, KS_KEY_MASTER, name, got, sizeof(got)), KS_EKEY);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "expected a line '" KS_KEY_MASTER " <name> <base64>'"));
	unlink(path);
	ck_assert_int_eq(ks_keyfile_write_named(path, KS_KEY_RELAY, "Relay A", key, sizeof(key)), KS_EKEY);
	ck_assert_int_eq(access(path, F_OK), -1);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "got 'Relay A'"));
}
END_TEST

START_TEST(any_kind)
{
	struct ks_key key;

	put("# a comment\n" RELAY_LINE "\n", 0600);
	ck_assert_int_eq(ks_keyfile_read_any(path, &key), KS_EOK);
	ck_assert_str_eq(key.kind, KS_KEY_RELAY);
	ck_assert_str_eq(key.name, "relay-a");
	ck_assert_uint_eq(key.len, 32);
	ck_assert_uint_eq(key.bytes[31], 31);
	put(MASTER_LINE "\n", 0600);
	ck_assert_int_eq(ks_keyfile_read_any(path, &key), KS_EOK);
	ck_assert_str_eq(key.kind, KS_KEY_MASTER);
	ck_assert_str_eq(key.name, "");
	put(KS_KEY_SOURCE_PUBLIC " " KEY, 0644);
	ck_assert_int_eq(ks_keyfile_read_any(path, &key), KS_EOK);
	ck_assert_str_eq(key.kind, KS_KEY_SOURCE_PUBLIC);
	put(KS_KEY_SOURCE_SECRET " " KEY, 0600);	/* too short for its kind */
	ck_assert_int_eq(ks_keyfile_read_any(path, &key), KS_EKEY);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "base64 is damaged"));
	put("hello\n", 0600);
	ck_assert_int_eq(ks_keyfile_read_any(path, &key), KS_EKEY);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "no key file"));
	put(MASTER_LINE "\n", 0644);
	ck_assert_int_eq(ks_keyfile_read_any(path, &key), KS_EKEY);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "chmod o= "));
	unlink(path);
	ck_assert_int_eq(ks_keyfile_read_any(path, &key), -ENOENT);
}
END_TEST

/* What could not be written leaves nothing behind. */
START_TEST(nothing_is_left_of_a_failure)
{
	uint8_t key[32] = { 1 };
	DIR *folder;
	size_t n = 0;

	put("precious", 0600);
	ck_assert_int_eq(ks_keyfile_write(path, KS_KEY_MASTER, key, sizeof(key)), -EEXIST);
	folder = opendir(dir);
	ck_assert_ptr_nonnull(folder);
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
		n += entry->d_name[0] != '.';
	closedir(folder);
	ck_assert_uint_eq(n, 1);
}
END_TEST

START_TEST(never_overwrites)
{
	uint8_t key[32] = { 1 };
	unsigned char *text;
	size_t len;

	put("precious", 0600);
	ck_assert_int_eq(ks_keyfile_write(path, KS_KEY_MASTER, key, sizeof(key)), -EEXIST);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "never overwritten"));
	ck_assert_ptr_nonnull(strstr(unit_log_text(), path));
	text = unit_file(path, &len);
	ck_assert_uint_eq(len, strlen("precious"));
	free(text);
}
END_TEST

START_TEST(an_open_secret_is_refused)
{
	uint8_t key[32];

	put(MASTER_LINE "\n", 0604);
	ck_assert_int_eq(ks_keyfile_read(path, KS_KEY_MASTER, key, 32), KS_EKEY);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "chmod o= "));
	put(MASTER_LINE "\n", 0640);	/* a group may share it */
	ck_assert_int_eq(ks_keyfile_read(path, KS_KEY_MASTER, key, 32), KS_EOK);
	put(KS_KEY_SOURCE_PUBLIC " " KEY "\n", 0644);
	ck_assert_int_eq(ks_keyfile_read(path, KS_KEY_SOURCE_PUBLIC, key, 32), KS_EOK);
}
END_TEST

START_TEST(bad_files_are_named)
{
	static char large[KS_KEYFILE_MAX + 1];
	uint8_t key[32];

	ck_assert_int_eq(ks_keyfile_read(path, KS_KEY_MASTER, key, 32), -ENOENT);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), path));
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "koshienctl keygen"));

	unit_log_start();
	put(KS_KEY_SOURCE_PUBLIC " " KEY "\n", 0600);
	ck_assert_int_eq(ks_keyfile_read(path, KS_KEY_MASTER, key, 32), KS_EKEY);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "another kind; expected a line '" KS_KEY_MASTER " <base64>'"));

	unit_log_start();
	memset(large, '\n', KS_KEYFILE_MAX);
	put(large, 0600);
	ck_assert_int_eq(ks_keyfile_read(path, KS_KEY_MASTER, key, 32), KS_EKEY);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "too large"));

	unit_log_start();
	ck_assert_int_eq(ks_keyfile_read(dir, KS_KEY_MASTER, key, 32), -EISDIR);
	ck_assert_str_ne(unit_log_text(), "");
}
END_TEST

START_TEST(too_long_a_key_is_not_written)
{
	static const uint8_t key[200];

	ck_assert_int_eq(ks_keyfile_write(path, KS_KEY_MASTER, key, sizeof(key)), KS_ELIMIT);
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("keyfile");
	TCase *text = tcase_create("text"), *files = tcase_create("files");

	tcase_add_test(text, parses);
	tcase_add_test(text, refuses_and_says_why);
	tcase_add_test(text, every_truncation_is_refused);
	tcase_add_test(text, named_keys);
	suite_add_tcase(suite, text);
	tcase_add_checked_fixture(files, set_up, NULL);
	tcase_add_test(files, reads_what_it_writes);
	tcase_add_test(files, named_files);
	tcase_add_test(files, any_kind);
	tcase_add_test(files, nothing_is_left_of_a_failure);
	tcase_add_test(files, never_overwrites);
	tcase_add_test(files, an_open_secret_is_refused);
	tcase_add_test(files, bad_files_are_named);
	tcase_add_test(files, too_long_a_key_is_not_written);
	suite_add_tcase(suite, files);
	return unit_run(suite);
}
