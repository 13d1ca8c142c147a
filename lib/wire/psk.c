/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/psk.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "lib/base/error.h"
#include "lib/base/keyfile.h"
#include "lib/base/log.h"

static const char id_label[] = "koshien-wire-1 key id";
static const char relay_label[] = "koshien-wire-1 relay ";

void ks_psk_set(struct ks_psk *psk, const uint8_t key[KS_PSK_SIZE], const char *name)
{
	uint8_t hash[crypto_generichash_BYTES_MIN];

	memset(psk, 0, sizeof(*psk));
	memcpy(psk->key, key, KS_PSK_SIZE);
	strncpy(psk->name, name, KS_RELAY_NAME_MAX);
	crypto_generichash(hash, sizeof(hash), (const uint8_t *)id_label, sizeof(id_label) - 1, key, KS_PSK_SIZE);
	psk->id = (uint16_t)(hash[0] | hash[1] << 8);
}

void ks_psk_make(struct ks_psk *psk, const char *name)
{
	uint8_t key[KS_PSK_SIZE];

	randombytes_buf(key, sizeof(key));
	ks_psk_set(psk, key, name);
	sodium_memzero(key, sizeof(key));
}

void ks_psk_derive(struct ks_psk *psk, const struct ks_master *master, const char *name)
{
	uint8_t text[sizeof(relay_label) + KS_RELAY_NAME_MAX], key[KS_PSK_SIZE];
	size_t len = strnlen(name, KS_RELAY_NAME_MAX);

	memcpy(text, relay_label, sizeof(relay_label) - 1);
	memcpy(text + sizeof(relay_label) - 1, name, len);
	crypto_generichash(key, sizeof(key), text, sizeof(relay_label) - 1 + len, master->key, sizeof(master->key));
	ks_psk_set(psk, key, name);
	sodium_memzero(key, sizeof(key));
}

bool ks_psk_equal(const struct ks_psk *a, const struct ks_psk *b)
{
	return sodium_memcmp(a->key, b->key, KS_PSK_SIZE) == 0 && strcmp(a->name, b->name) == 0;
}

int ks_psk_read(const char *path, struct ks_psk *psk)
{
	char name[KS_KEYFILE_NAME_MAX + 1];
	uint8_t key[KS_PSK_SIZE];
	int err = ks_keyfile_read_named(path, KS_KEY_RELAY, name, key, sizeof(key));

	if (err == KS_EOK)
		ks_psk_set(psk, key, name);
	sodium_memzero(key, sizeof(key));
	return err;
}

int ks_master_read(const char *path, struct ks_master *master)
{
	return ks_keyfile_read(path, KS_KEY_MASTER, master->key, sizeof(master->key));
}

/* Calls each(path, ctx) for the file and those of its neighbours that are there. The neighbours may come and go, and a
 * key that has just become the current one is read once more: that does no harm. */
static int read_each(const char *path, int (*each)(const char *path, void *ctx), void *ctx)
{
	static const char *const suffixes[] = { KS_KEY_NEXT, KS_KEY_PREVIOUS };
	char beside[PATH_MAX];
	int err = each(path, ctx);

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]) && err == KS_EOK; i++) {
		if (snprintf(beside, sizeof(beside), "%s%s", path, suffixes[i]) >= (int)sizeof(beside))
			return -ENAMETOOLONG;
		/* Anything but its absence is for the reader to tell. */
		if (access(beside, F_OK) == 0 || errno != ENOENT)
			err = each(beside, ctx);
	}
	return err;
}

struct psks {
	struct ks_psk *psks;
	size_t n;
};

static int read_psk(const char *path, void *ctx)
{
	struct psks *all = ctx;
	int err = ks_psk_read(path, &all->psks[all->n]);

	if (err == KS_EOK && strcmp(all->psks[all->n].name, all->psks[0].name) != 0) {
		ks_error("key", "%s: it is a key of '%s'; expected one of '%s', as the file beside it is", path,
			 all->psks[all->n].name, all->psks[0].name);
		err = KS_EKEY;
	}
	all->n += err == KS_EOK;
	return err;
}

int ks_psk_read_all(const char *path, struct ks_psk psks[KS_PSK_MAX], size_t *n)
{
	struct psks all = { psks, 0 };
	int err = read_each(path, read_psk, &all);

	*n = all.n;
	return err;
}

struct masters {
	struct ks_master *masters;
	size_t n;
};

static int read_master(const char *path, void *ctx)
{
	struct masters *all = ctx;
	int err = ks_master_read(path, &all->masters[all->n]);

	all->n += err == KS_EOK;
	return err;
}

int ks_master_read_all(const char *path, struct ks_master masters[KS_PSK_MAX], size_t *n)
{
	struct masters all = { masters, 0 };
	int err = read_each(path, read_master, &all);

	*n = all.n;
	return err;
}
