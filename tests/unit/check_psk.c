/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/psk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "lib/base/error.h"
#include "lib/base/keyfile.h"
#include "tests/unit/unit.h"

static const struct ks_master master = { { 1, 2, 3 } }, other_master = { { 1, 2, 4 } };

/* As doc/wire.md has it, computed by hand from the library. */
START_TEST(derivation_is_what_the_format_says)
{
	static const char text[] = "koshien-wire-1 relay osaka-1";
	uint8_t key[KS_PSK_SIZE], id[16];
	struct ks_psk psk;

	ks_psk_derive(&psk, &master, "osaka-1");
	crypto_generichash(key, sizeof(key), (const uint8_t *)text, strlen(text), master.key, sizeof(master.key));
	ck_assert_mem_eq(psk.key, key, sizeof(key));
	crypto_generichash(id, sizeof(id), (const uint8_t *)"koshien-wire-1 key id", 21, key, sizeof(key));
	ck_assert_uint_eq(psk.id, id[0] | id[1] << 8);
	ck_assert_str_eq(psk.name, "osaka-1");
}
END_TEST

START_TEST(each_relay_has_its_own)
{
	struct ks_psk a, again, b, c, shorter;

	ks_psk_derive(&a, &master, "relay-a");
	ks_psk_derive(&again, &master, "relay-a");
	ks_psk_derive(&b, &master, "relay-b");
	ks_psk_derive(&c, &other_master, "relay-a");
	ks_psk_derive(&shorter, &master, "relay-");
	ck_assert(ks_psk_equal(&a, &again));
	ck_assert(!ks_psk_equal(&a, &b));
	ck_assert(!ks_psk_equal(&a, &c));
	ck_assert_int_ne(memcmp(a.key, shorter.key, KS_PSK_SIZE), 0);
	ck_assert_int_ne(memcmp(a.key, b.key, KS_PSK_SIZE), 0);
}
END_TEST

START_TEST(made_keys_are_random)
{
	struct ks_psk a, b;

	ks_psk_make(&a, "relay-a");
	ks_psk_make(&b, "relay-a");
	ck_assert_str_eq(a.name, "relay-a");
	ck_assert(!ks_psk_equal(&a, &b));
	ks_psk_set(&b, a.key, "relay-a");
	ck_assert(ks_psk_equal(&a, &b));
	ck_assert_uint_eq(a.id, b.id);
	ks_psk_set(&b, a.key, "relay-b");
	ck_assert(!ks_psk_equal(&a, &b));
}
END_TEST

START_TEST(the_longest_name_fits)
{
	static const char name[] = "a234567890123456789012345678901";	/* 31 characters */
	struct ks_psk psk;

	ks_psk_derive(&psk, &master, name);
	ck_assert_str_eq(psk.name, name);
}
END_TEST

/* --- files -------------------------------------------------------------------------------------- */

static char path[4200], next[4300], previous[4300];

static void set_up(void)
{
	snprintf(path, sizeof(path), "%s/relay-a.psk", unit_tmpdir());
	snprintf(next, sizeof(next), "%s.next", path);
	snprintf(previous, sizeof(previous), "%s.previous", path);
	unit_log_start();
}

static struct ks_psk put(const char *file, const char *name)
{
	struct ks_psk psk;

	ks_psk_make(&psk, name);
	ck_assert_int_eq(ks_keyfile_write_named(file, KS_KEY_RELAY, name, psk.key, KS_PSK_SIZE), KS_EOK);
	return psk;
}

START_TEST(a_key_alone)
{
	struct ks_psk psk = put(path, "relay-a"), psks[KS_PSK_MAX];
	size_t n;

	ck_assert_int_eq(ks_psk_read_all(path, psks, &n), KS_EOK);
	ck_assert_uint_eq(n, 1);
	ck_assert(ks_psk_equal(&psks[0], &psk));
	ck_assert_str_eq(unit_log_text(), "");
}
END_TEST

START_TEST(a_key_with_its_neighbours)
{
	struct ks_psk old = put(previous, "relay-a"), now = put(path, "relay-a"), psks[KS_PSK_MAX], soon;
	size_t n;

	ck_assert_int_eq(ks_psk_read_all(path, psks, &n), KS_EOK);
	ck_assert_uint_eq(n, 2);
	ck_assert(ks_psk_equal(&psks[0], &now));
	ck_assert(ks_psk_equal(&psks[1], &old));
	soon = put(next, "relay-a");
	ck_assert_int_eq(ks_psk_read_all(path, psks, &n), KS_EOK);
	ck_assert_uint_eq(n, 3);
	ck_assert(ks_psk_equal(&psks[0], &now));
	ck_assert(ks_psk_equal(&psks[1], &soon));
	ck_assert(ks_psk_equal(&psks[2], &old));
	ck_assert_str_eq(unit_log_text(), "");
}
END_TEST

START_TEST(neighbours_that_cannot_be)
{
	struct ks_psk psks[KS_PSK_MAX];
	size_t n;

	ck_assert_int_eq(ks_psk_read_all(path, psks, &n), -ENOENT);
	ck_assert_uint_eq(n, 0);
	put(path, "relay-a");
	put(next, "relay-b");
	ck_assert_int_eq(ks_psk_read_all(path, psks, &n), KS_EKEY);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "a key of 'relay-b'; expected one of 'relay-a'"));
	unlink(next);
	ck_assert_int_eq(ks_keyfile_write(next, KS_KEY_MASTER, master.key, KS_PSK_SIZE), KS_EOK);
	ck_assert_int_eq(ks_psk_read_all(path, psks, &n), KS_EKEY);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), ".next: it is a key of another kind"));
	unlink(next);
	ck_assert_int_eq(mkdir(previous, 0700), 0);
	ck_assert_int_eq(ks_psk_read_all(path, psks, &n), -EISDIR);
}
END_TEST

START_TEST(master_keys)
{
	struct ks_master masters[KS_PSK_MAX];
	size_t n;

	ck_assert_int_eq(ks_keyfile_write(path, KS_KEY_MASTER, master.key, KS_PSK_SIZE), KS_EOK);
	ck_assert_int_eq(ks_master_read_all(path, masters, &n), KS_EOK);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(ks_keyfile_write(next, KS_KEY_MASTER, other_master.key, KS_PSK_SIZE), KS_EOK);
	ck_assert_int_eq(ks_master_read_all(path, masters, &n), KS_EOK);
	ck_assert_uint_eq(n, 2);
	ck_assert_mem_eq(masters[0].key, master.key, KS_PSK_SIZE);
	ck_assert_mem_eq(masters[1].key, other_master.key, KS_PSK_SIZE);
	ck_assert_str_eq(unit_log_text(), "");
	unlink(path);
	put(path, "relay-a");
	ck_assert_int_eq(ks_master_read_all(path, masters, &n), KS_EKEY);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "another kind"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("psk");
	TCase *keys = tcase_create("keys"), *files = tcase_create("files");

	tcase_add_test(keys, derivation_is_what_the_format_says);
	tcase_add_test(keys, each_relay_has_its_own);
	tcase_add_test(keys, made_keys_are_random);
	tcase_add_test(keys, the_longest_name_fits);
	suite_add_tcase(suite, keys);
	tcase_add_checked_fixture(files, set_up, NULL);
	tcase_add_test(files, a_key_alone);
	tcase_add_test(files, a_key_with_its_neighbours);
	tcase_add_test(files, neighbours_that_cannot_be);
	tcase_add_test(files, master_keys);
	suite_add_tcase(suite, files);
	return unit_run(suite);
}
