/* SPDX-License-Identifier: Apache-2.0 */
#include "koshienctl/command.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "lib/base/error.h"
#include "lib/base/keyfile.h"
#include "lib/base/log.h"
#include "lib/base/name.h"
#include "lib/frame/frame.h"
#include "lib/wire/psk.h"

#define NAME_MAX_CHARS 64	/* of a key, and so of its files' names */

enum { OPT_DIR, OPT_MASTER };

static bool key_path(char path[PATH_MAX], const char *dir, const char *name, const char *suffix)
{
	int n = snprintf(path, PATH_MAX, "%s/%s%s", dir, name, suffix);

	if (n > 0 && n < PATH_MAX)
		return true;
	ks_error("keygen", "%s: the path is too long", dir);
	return false;
}

/* A pair of which one half could not be written is of no use to anybody. */
static enum ks_exit make_source(const char *dir, const char *name)
{
	uint8_t public_key[KS_PUBLIC_KEY_SIZE], secret_key[KS_SECRET_KEY_SIZE];
	char public_path[PATH_MAX], secret_path[PATH_MAX];
	int err;

	if (!key_path(public_path, dir, name, ".pub") || !key_path(secret_path, dir, name, ".key"))
		return KS_EXIT_FAILED;
	ks_keypair(public_key, secret_key);
	err = ks_keyfile_write(secret_path, KS_KEY_SOURCE_SECRET, secret_key, sizeof(secret_key));
	sodium_memzero(secret_key, sizeof(secret_key));
	if (err == KS_EOK) {
		err = ks_keyfile_write(public_path, KS_KEY_SOURCE_PUBLIC, public_key, sizeof(public_key));
		if (err != KS_EOK)
			unlink(secret_path);
	}
	if (err != KS_EOK)
		return KS_EXIT_FAILED;
	printf("%s\n  secret, signs the pictures; stays on the capture machine: sentryd --signing-key %s\n",
	       secret_path, secret_path);
	printf("%s\n  public; copy it to every relay and name it there: sentryc --trust %s\n", public_path,
	       public_path);
	return KS_EXIT_GOOD;
}

static enum ks_exit make_master(const char *dir, const char *name)
{
	uint8_t key[KS_PSK_SIZE];
	char path[PATH_MAX];
	int err;

	if (!key_path(path, dir, name, ".master"))
		return KS_EXIT_FAILED;
	randombytes_buf(key, sizeof(key));
	err = ks_keyfile_write(path, KS_KEY_MASTER, key, sizeof(key));
	sodium_memzero(key, sizeof(key));
	if (err != KS_EOK)
		return KS_EXIT_FAILED;
	printf("%s\n  secret, of a parent; relays that have a key made from it may take pictures there:\n", path);
	printf("  on the parent:  sentryd --master %s, or sentryc --master %s\n", path, path);
	printf("  for each relay: koshienctl keygen relay RELAY --master %s\n", path);
	return KS_EXIT_GOOD;
}

/* Random, or from the parent's master key. */
static int make_psk(struct ks_psk *psk, const char *name, const char *master_path)
{
	struct ks_master master;
	int err;

	if (master_path == NULL) {
		ks_psk_make(psk, name);
		return KS_EOK;
	}
	err = ks_master_read(master_path, &master);
	if (err == KS_EOK)
		ks_psk_derive(psk, &master, name);
	sodium_memzero(&master, sizeof(master));
	return err;
}

static void tell_relay(const char *path, const char *name, const char *master_path)
{
	char next[PATH_MAX];

	printf("%s\n  secret, shared by this relay and its parent and by nobody else;\n", path);
	if (master_path == NULL) {
		printf("  on the relay:  sentryc --key %s\n", path);
		printf("  on the parent: sentryd --relay %s,address=HOST:7510,key=%s\n", name, path);
		return;
	}
	printf("  on the relay:  sentryc --parent PARENT,address=HOST:7509,key=%s\n", path);
	printf("  on the parent: nothing; it makes the same key from %s and the name\n", master_path);
	if (snprintf(next, sizeof(next), "%s%s", master_path, KS_KEY_NEXT) < (int)sizeof(next) &&
	    access(next, F_OK) == 0)
		printf("The master key is being changed. Give this relay its next key, too, as the others:\n"
		       "  koshienctl key rotate %s --master %s\n", path, master_path);
}

static enum ks_exit make_relay(const char *dir, const char *name, const char *master_path)
{
	char path[PATH_MAX];
	struct ks_psk psk;
	int err;

	if (!key_path(path, dir, name, ".psk"))
		return KS_EXIT_FAILED;
	err = make_psk(&psk, name, master_path);
	if (err == KS_EOK)
		err = ks_keyfile_write_named(path, KS_KEY_RELAY, name, psk.key, sizeof(psk.key));
	sodium_memzero(&psk, sizeof(psk));
	if (err != KS_EOK)
		return KS_EXIT_FAILED;
	tell_relay(path, name, master_path);
	return KS_EXIT_GOOD;
}

static enum ks_exit run_keygen(const struct ks_arguments *args)
{
	const char *dir = args->value[OPT_DIR], *what = args->words[0], *name = args->words[1];
	const char *master_path = args->value[OPT_MASTER];
	bool relay = strcmp(what, "relay") == 0;
	size_t max = relay ? KS_RELAY_NAME_MAX : NAME_MAX_CHARS;

	if (!ks_name_valid(name, strlen(name), max))
		return ks_usage(args->command,
				"NAME: expected at most %zu lower-case letters, digits and hyphens, got '%s'",
				max, name);
	if (master_path != NULL && !relay)
		return ks_usage(args->command, "--master goes with 'relay'");
	if (sodium_init() < 0) {
		ks_error("keygen", "the system gives no random numbers; is /dev/urandom there?");
		return KS_EXIT_FAILED;
	}
	if (relay)
		return make_relay(dir, name, master_path);
	if (strcmp(what, "source") == 0)
		return make_source(dir, name);
	if (strcmp(what, "master") == 0)
		return make_master(dir, name);
	return ks_usage(args->command, "expected 'source', 'relay' or 'master', got '%s'", what);
}

static const struct ks_option options[] = {
	[OPT_DIR] = { "dir", "DIR", "write the files there", "." },
	[OPT_MASTER] = { "master", "FILE", "make a relay's key from this master key and its name", NULL },
	{ NULL, NULL, NULL, NULL }
};

const struct ks_command ks_command_keygen = {
	.name = "keygen", .words = "source|relay|master NAME", .words_min = 2, .words_max = 2,
	.summary = "make the keys of a capture daemon, of a relay or of a parent",
	.details = "  keygen source NAME   NAME.key signs the pictures of one capture daemon and stays there;\n"
		   "                       NAME.pub goes to every relay\n"
		   "  keygen relay NAME    NAME.psk is shared by the relay of this name and its parent\n"
		   "  keygen master NAME   NAME.master lets relays with keys made from it come by themselves\n"
		   "\nA file that exists is never overwritten.\n",
	.options = options, .run = run_keygen,
};
