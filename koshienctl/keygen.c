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
#include "lib/frame/frame.h"
#include "lib/wire/psk.h"

#define NAME_MAX_CHARS 64	/* of a key, and so of its files' names */

enum { OPT_DIR };

static bool good_name(const char *name)
{
	return ks_name_valid(name, strlen(name), NAME_MAX_CHARS);
}

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
	printf("%s\n  secret, signs the pictures; stays on the capture machine: sentryd --signing-key %s\n", secret_path,
	       secret_path);
	printf("%s\n  public; copy it to every relay and name it there: sentryc --trust %s\n", public_path, public_path);
	return KS_EXIT_GOOD;
}

static enum ks_exit make_relay(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct ks_psk psk;
	int err;

	if (!key_path(path, dir, name, ".psk"))
		return KS_EXIT_FAILED;
	ks_psk_make(&psk);
	err = ks_keyfile_write(path, KS_KEY_RELAY, psk.key, sizeof(psk.key));
	sodium_memzero(&psk, sizeof(psk));
	if (err != KS_EOK)
		return KS_EXIT_FAILED;
	printf("%s\n  secret, shared by this relay and its parent and by nobody else;\n", path);
	printf("  on the relay:  sentryc --key %s\n", path);
	printf("  on the parent: sentryd --relay %s,address=HOST:7510,key=%s\n", name, path);
	return KS_EXIT_GOOD;
}

static enum ks_exit run_keygen(const struct ks_arguments *args)
{
	const char *dir = args->value[OPT_DIR], *what = args->words[0], *name = args->words[1];

	if (!good_name(name))
		return ks_usage(args->command, "NAME: expected at most %d lower-case letters, digits and hyphens, got '%s'",
				NAME_MAX_CHARS, name);
	if (sodium_init() < 0) {
		ks_error("keygen", "the system gives no random numbers; is /dev/urandom there?");
		return KS_EXIT_FAILED;
	}
	if (strcmp(what, "source") == 0)
		return make_source(dir, name);
	if (strcmp(what, "relay") == 0)
		return make_relay(dir, name);
	return ks_usage(args->command, "expected 'source' or 'relay', got '%s'", what);
}

static const struct ks_option options[] = {
	[OPT_DIR] = { "dir", "DIR", "write the files there", "." },
	{ NULL, NULL, NULL, NULL }
};

const struct ks_command ks_command_keygen = {
	.name = "keygen", .words = "source|relay NAME", .words_min = 2, .words_max = 2,
	.summary = "make the keys of a capture daemon or of a relay",
	.details = "  keygen source NAME   NAME.key signs the pictures of one capture daemon and stays there;\n"
		   "                       NAME.pub goes to every relay\n"
		   "  keygen relay NAME    NAME.psk is shared by one relay and its parent\n"
		   "\nA file that exists is never overwritten.\n",
	.options = options, .run = run_keygen,
};
