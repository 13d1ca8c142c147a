/* SPDX-License-Identifier: Apache-2.0 */
#include "koshienctl/rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "lib/base/error.h"
#include "lib/base/keyfile.h"
#include "lib/base/log.h"
#include "lib/wire/psk.h"

struct rotation {
	const char *path, *master_path;
	char next[PATH_MAX], previous[PATH_MAX];
	bool is_master;			/* the key at path is one */
	struct ks_key key;		/* the one at path */
	struct ks_master masters[KS_PSK_MAX];	/* of master_path: its current one first */
	size_t n_masters;
	bool next_master;		/* the second of them is its next one */
};

static int failed(const char *path, int err)
{
	ks_error("key", "%s: %s", path, ks_strerror(err));
	return err;
}

static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 || errno != ENOENT;
}

/* What was renamed, linked or removed beside `path` is on the disk. */
static int sync_folder(const char *path)
{
	char copy[PATH_MAX];
	int fd, err = KS_EOK;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		err = failed(path, -errno);
	if (fd >= 0)
		close(fd);
	return err;
}

/* --- what there is ------------------------------------------------------------------------------ */

static bool same_key(const struct ks_key *a, const struct ks_key *b)
{
	return strcmp(a->kind, b->kind) == 0 && strcmp(a->name, b->name) == 0 &&
	       sodium_memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* True when the relay key at hand is what this master key gives. */
static bool derives(const struct rotation *r, const struct ks_master *master)
{
	struct ks_psk psk;
	bool same;

	ks_psk_derive(&psk, master, r->key.name);
	same = sodium_memcmp(psk.key, r->key.bytes, KS_PSK_SIZE) == 0;
	sodium_memzero(&psk, sizeof(psk));
	return same;
}

static int read_masters(struct rotation *r)
{
	char next[PATH_MAX];
	int err = ks_master_read_all(r->master_path, r->masters, &r->n_masters);

	if (err != KS_EOK)
		return err;
	snprintf(next, sizeof(next), "%s%s", r->master_path, KS_KEY_NEXT);
	r->next_master = r->n_masters > 1 && is_there(next);
	for (size_t i = 0; i < r->n_masters; i++)
		if (derives(r, &r->masters[i]))
			return KS_EOK;
	ks_error("key", "%s: it was not made from %s; name the master key that it was made from, or none when it is "
		 "a random one", r->path, r->master_path);
	return KS_EKEY;
}

static int check_kind(struct rotation *r)
{
	r->is_master = strcmp(r->key.kind, KS_KEY_MASTER) == 0;
	if (!r->is_master && strcmp(r->key.kind, KS_KEY_RELAY) != 0) {
		ks_error("key", "%s: it is a key of a source; make a new pair, let every relay trust both public keys, "
			 "then give the new secret key to sentryd", r->path);
		return KS_EKEY;
	}
	if (r->is_master && r->master_path != NULL) {
		ks_error("key", "%s: it is a master key itself; --master goes with keys of relays", r->path);
		return KS_EKEY;
	}
	return KS_EOK;
}

static int look(struct rotation *r)
{
	int err;

	if (snprintf(r->next, PATH_MAX, "%s%s", r->path, KS_KEY_NEXT) >= PATH_MAX ||
	    snprintf(r->previous, PATH_MAX, "%s%s", r->path, KS_KEY_PREVIOUS) >= PATH_MAX)
		return failed(r->path, -ENAMETOOLONG);
	err = ks_keyfile_read_any(r->path, &r->key);
	if (err == KS_EOK)
		err = check_kind(r);
	return err == KS_EOK && r->master_path != NULL ? read_masters(r) : err;
}

/* --- the first step ----------------------------------------------------------------------------- */

/* Who may read the key may read its successor: a daemon that is no superuser goes on. */
static int give_as(const char *like, const char *path)
{
	struct stat st;

	if (stat(like, &st) != 0)
		return failed(like, -errno);
	if (chown(path, st.st_uid, st.st_gid) != 0 || chmod(path, st.st_mode & 0660) != 0) {
		int err = failed(path, -errno);

		ks_error("key", "%s: it cannot be given owner and permissions of %s; run this as its owner", path,
			 like);
		unlink(path);
		return err;
	}
	return KS_EOK;
}

static int next_relay_key(const struct rotation *r, uint8_t key[KS_PSK_SIZE])
{
	const struct ks_master *master = &r->masters[r->next_master ? 1 : 0];
	struct ks_psk psk;

	if (r->master_path == NULL) {
		randombytes_buf(key, KS_PSK_SIZE);
		return KS_EOK;
	}
	if (derives(r, master)) {
		ks_error("key", "%s: it is what %s gives already; change the master key first: "
			 "koshienctl key rotate %s", r->path, r->master_path, r->master_path);
		return KS_EKEY;
	}
	ks_psk_derive(&psk, master, r->key.name);
	memcpy(key, psk.key, KS_PSK_SIZE);
	sodium_memzero(&psk, sizeof(psk));
	return KS_EOK;
}

static void tell_prepared(const struct rotation *r)
{
	const char *option = r->master_path != NULL ? " --master " : "";
	const char *value = r->master_path != NULL ? r->master_path : "";

	printf("%s\n  the next key, not used yet.\n", r->next);
	if (r->is_master) {
		printf("  1. copy it to the other machines that have %s, if there are any, beside it\n"
		       "  2. reload the parents (SIGHUP): they let relays in with either key now\n"
		       "  3. for each relay: koshienctl key rotate RELAY.psk --master %s,\n"
		       "     copy RELAY.psk.next to the relay, beside its key, and reload it\n"
		       "  4. run this again, on each of these machines: koshienctl key rotate %s\n",
		       r->path, r->path, r->path);
		return;
	}
	if (r->master_path == NULL)
		printf("  A random one. Where the parent has no key of %s but a master key that it was made from: remove this\n"
		       "  file and run koshienctl key rotate %s --master FILE, or %s will be kept out.\n",
		       r->key.name, r->path, r->key.name);
	if (r->master_path != NULL)
		printf("  1. copy it to %s, beside its key\n", r->key.name);
	else
		printf("  1. copy it to the other side, beside the key of %s that is there\n", r->key.name);
	printf("  2. reload that side%s (SIGHUP): it takes either key now\n"
	       "  3. %srun this again on each machine that has %s: koshienctl key rotate %s%s%s\n",
	       r->master_path != NULL ? "" : " and this one",
	       r->master_path != NULL ? "when all relays have theirs, change the master key; then " : "", r->path,
	       r->path, option, value);
}

static int prepare(const struct rotation *r)
{
	uint8_t key[KS_PSK_SIZE];
	int err = KS_EOK;

	if (r->is_master)
		randombytes_buf(key, sizeof(key));
	else
		err = next_relay_key(r, key);
	if (err == KS_EOK)
		err = r->is_master ? ks_keyfile_write(r->next, KS_KEY_MASTER, key, sizeof(key)) :
			ks_keyfile_write_named(r->next, KS_KEY_RELAY, r->key.name, key, sizeof(key));
	sodium_memzero(key, sizeof(key));
	if (err == KS_EOK)
		err = give_as(r->path, r->next);
	if (err == KS_EOK)
		err = sync_folder(r->next);
	if (err == KS_EOK)
		tell_prepared(r);
	return err;
}

/* --- the second step ---------------------------------------------------------------------------- */

/* FILE.previous that is another name of FILE was left by a step that was interrupted; anything else is a key that
 * somebody may still use. */
static int check_previous(const struct rotation *r)
{
	struct ks_key previous;
	int err = ks_keyfile_read_any(r->previous, &previous);

	if (err == KS_EOK && !same_key(&previous, &r->key)) {
		ks_error("key", "%s: it is there, and so is %s; remove it when nobody uses that key any more, then "
			 "run this again", r->previous, r->next);
		err = KS_EKEY;
	}
	sodium_memzero(&previous, sizeof(previous));
	return err;
}

static int check_next(const struct rotation *r)
{
	struct ks_key next;
	int err = ks_keyfile_read_any(r->next, &next);

	if (err == KS_EOK && (strcmp(next.kind, r->key.kind) != 0 || strcmp(next.name, r->key.name) != 0)) {
		ks_error("key", "%s: expected a %s%s%s, as %s is", r->next, r->key.kind,
			 *r->key.name != '\0' ? " of " : "", r->key.name, r->path);
		err = KS_EKEY;
	}
	sodium_memzero(&next, sizeof(next));
	return err;
}

static int swap(const struct rotation *r)
{
	int err = check_next(r);

	if (err != KS_EOK)
		return err;
	/* A second name, not a new one: FILE is there all the time. */
	if (is_there(r->previous))
		err = check_previous(r);
	else if (link(r->path, r->previous) != 0)
		err = failed(r->previous, -errno);
	if (err == KS_EOK)
		err = sync_folder(r->path);
	if (err != KS_EOK)
		return err;
	if (rename(r->next, r->path) != 0)
		return failed(r->path, -errno);
	err = sync_folder(r->path);
	if (err != KS_EOK)
		return err;
	printf("%s\n  the new key; %s is the one before.\n"
	       "  1. reload the programs here that use it (SIGHUP)\n", r->path, r->previous);
	if (r->is_master)
		printf("  2. when all parents and all relays have come so far, run this again to finish:\n"
		       "     koshienctl key rotate %s\n"
		       "     relays follow with: koshienctl key rotate RELAY.psk\n", r->path);
	else
		printf("  2. when the other side has come so far, run this again to finish:\n"
		       "     koshienctl key rotate %s\n", r->path);
	return KS_EOK;
}

/* --- the last step ------------------------------------------------------------------------------ */

static int finish(const struct rotation *r)
{
	int err;

	if (r->master_path != NULL && !derives(r, &r->masters[0])) {
		ks_error("key", "%s: %s still has the key before as its current one; first run: "
			 "koshienctl key rotate %s", r->path, r->master_path, r->master_path);
		return KS_EKEY;
	}
	if (unlink(r->previous) != 0)
		return failed(r->previous, -errno);
	err = sync_folder(r->previous);
	if (err == KS_EOK)
		printf("%s\n  was removed; the change is complete.\n"
		       "  reload the programs here that use %s (SIGHUP): they no longer take the key before\n",
		       r->previous, r->path);
	return err;
}

int ks_rotate(const char *path, const char *master_path)
{
	struct rotation r = { .path = path, .master_path = master_path };
	int err = look(&r);

	if (err == KS_EOK)
		err = is_there(r.next) ? swap(&r) : is_there(r.previous) ? finish(&r) : prepare(&r);
	sodium_memzero(&r, sizeof(r));
	return err;
}
