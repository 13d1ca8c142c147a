/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/psk.h"

#include <string.h>

#include <sodium.h>

#include "lib/base/error.h"
#include "lib/base/keyfile.h"

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
