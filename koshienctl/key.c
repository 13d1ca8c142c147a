/* SPDX-License-Identifier: Apache-2.0 */
#include "koshienctl/command.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "koshienctl/revoke.h"
#include "koshienctl/rotate.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/keyfile.h"
#include "lib/base/log.h"
#include "lib/base/name.h"
#include "lib/frame/frame.h"
#include "lib/wire/psk.h"

#define WORDS_MAX 256

/* Of a key's fingerprint: enough to tell keys apart by eye. */
#define FINGERPRINT_TEXT sizeof("0123-4567-89ab-cdef")

enum { OPT_MASTER, OPT_LIST };

/* --- show --------------------------------------------------------------------------------------- */

/* A hash of its own, which is of no use to anybody who wants the key; the halves of a pair have the same. */
static void fingerprint(const struct ks_key *key, char out[FINGERPRINT_TEXT])
{
	static const char label[] = "koshien fingerprint";
	uint8_t hash[crypto_generichash_BYTES], public_key[KS_PUBLIC_KEY_SIZE];
	const uint8_t *bytes = key->bytes;
	crypto_generichash_state state;
	size_t len = key->len;

	if (strcmp(key->kind, KS_KEY_SOURCE_SECRET) == 0) {
		crypto_sign_ed25519_sk_to_pk(public_key, key->bytes);
		bytes = public_key;
		len = sizeof(public_key);
	}
	crypto_generichash_init(&state, NULL, 0, sizeof(hash));
	crypto_generichash_update(&state, (const uint8_t *)label, sizeof(label) - 1);
	crypto_generichash_update(&state, bytes, len);
	crypto_generichash_final(&state, hash, sizeof(hash));
	sodium_memzero(&state, sizeof(state));
	snprintf(out, FINGERPRINT_TEXT, "%02x%02x-%02x%02x-%02x%02x-%02x%02x", hash[0], hash[1], hash[2], hash[3], hash[4],
		 hash[5], hash[6], hash[7]);
}

static int show(const char *path)
{
	char print[FINGERPRINT_TEXT];
	struct ks_key key;
	int err = ks_keyfile_read_any(path, &key);

	if (err == KS_EOK) {
		fingerprint(&key, print);
		printf("%-21s  %-*s  %s  %s\n", key.kind, KS_KEYFILE_NAME_MAX, *key.name != '\0' ? key.name : "-",
		       print, path);
	}
	sodium_memzero(&key, sizeof(key));
	return err;
}

/* A key, and those that stand beside it while it is being changed. */
static int show_all(const char *path)
{
	static const char *const suffixes[] = { KS_KEY_NEXT, KS_KEY_PREVIOUS };
	char beside[PATH_MAX];
	int first = show(path);

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (snprintf(beside, sizeof(beside), "%s%s", path, suffixes[i]) < (int)sizeof(beside) &&
		    access(beside, F_OK) == 0) {
			int err = show(beside);

			first = first != KS_EOK ? first : err;
		}
	return first;
}

static enum ks_exit run_show(const struct ks_arguments *args)
{
	enum ks_exit status = KS_EXIT_GOOD;

	for (int i = 1; i < args->n_words; i++)
		if (show_all(args->words[i]) != KS_EOK)
			status = KS_EXIT_FAILED;
	return status;
}

/* --- rotate, revoke ------------------------------------------------------------------------------ */

static enum ks_exit run_rotate(const struct ks_arguments *args)
{
	if (args->n_words > 2)
		return ks_usage(args->command, "rotate: '%s' is one FILE too many; each has steps of its own",
				args->words[2]);
	return ks_rotate(args->words[1], args->value[OPT_MASTER]) == KS_EOK ? KS_EXIT_GOOD : KS_EXIT_FAILED;
}

static enum ks_exit run_revoke(const struct ks_arguments *args)
{
	const char *list = args->value[OPT_LIST];
	int err;

	for (int i = 1; i < args->n_words; i++)
		if (!ks_name_valid(args->words[i], strlen(args->words[i]), KS_RELAY_NAME_MAX))
			return ks_usage(args->command,
					"NAME: expected at most %d lower-case letters, digits and hyphens, got '%s'",
					KS_RELAY_NAME_MAX, args->words[i]);
	err = ks_revoke(list, args->words + 1, (size_t)args->n_words - 1, ks_wall_us(&ks_clock_system));
	return err == KS_EOK ? KS_EXIT_GOOD : KS_EXIT_FAILED;
}

static enum ks_exit run_revoked(const struct ks_arguments *args)
{
	return ks_revoked_print(args->value[OPT_LIST]) == KS_EOK ? KS_EXIT_GOOD : KS_EXIT_FAILED;
}

static const struct action {
	const char *word, *wants;	/* NULL: no words behind it */
	bool list, master;		/* needs --list; may have --master */
	enum ks_exit (*run)(const struct ks_arguments *args);
} actions[] = {
	{ "show", "FILE", false, false, run_show },
	{ "rotate", "FILE", false, true, run_rotate },
	{ "revoke", "NAME", true, false, run_revoke },
	{ "revoked", NULL, true, false, run_revoked },
};

static enum ks_exit act(const struct action *action, const struct ks_arguments *args)
{
	if (action->wants != NULL && args->n_words < 2)
		return ks_usage(args->command, "%s: expected %s", action->word, action->wants);
	if (action->wants == NULL && args->n_words > 1)
		return ks_usage(args->command, "%s: '%s' is one word too many", action->word, args->words[1]);
	if (action->list && args->value[OPT_LIST] == NULL)
		return ks_usage(args->command, "%s: expected --list FILE, the revocation list of the parents",
				action->word);
	if (!action->list && args->value[OPT_LIST] != NULL)
		return ks_usage(args->command, "--list goes with 'revoke' and 'revoked'");
	if (!action->master && args->value[OPT_MASTER] != NULL)
		return ks_usage(args->command, "--master goes with 'rotate'");
	return action->run(args);
}

static enum ks_exit run_key(const struct ks_arguments *args)
{
	if (sodium_init() < 0) {
		ks_error("key", "the system gives no random numbers; is /dev/urandom there?");
		return KS_EXIT_FAILED;
	}
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].word, args->words[0]) == 0)
			return act(&actions[i], args);
	return ks_usage(args->command, "expected 'show', 'rotate', 'revoke' or 'revoked', got '%s'", args->words[0]);
}

static const struct ks_option options[] = {
	[OPT_MASTER] = { "master", "FILE", "of rotate: the master key that the relay's key was made from", NULL },
	[OPT_LIST] = { "list", "FILE", "of revoke and revoked: the revocation list", NULL },
	{ NULL, NULL, NULL, NULL }
};

const struct ks_command ks_command_key = {
	.name = "key", .words = "show|rotate|revoke|revoked [FILE|NAME]...", .words_min = 1, .words_max = WORDS_MAX,
	.summary = "show, change and take back keys",
	.details = "  key show FILE...                    kind, name and fingerprint of keys, never the keys\n"
		   "  key rotate FILE [--master FILE]     the next step of changing a relay key or a master key;\n"
		   "                                      says what to do before the step after it\n"
		   "  key revoke NAME... --list FILE      relays of these names get no more from parents that have\n"
		   "                                      this list\n"
		   "  key revoked --list FILE             who is on it\n",
	.options = options, .run = run_key,
};
