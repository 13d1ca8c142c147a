/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/psk.h"

#include <string.h>

#include <sodium.h>

#include "lib/base/error.h"
#include "lib/base/keyfile.h"

static const char id_label[] = "koshien-wire-1 key id";

void ks_psk_set(struct ks_psk *psk, const uint8_t key[KS_PSK_SIZE])
{
	uint8_t hash[crypto_generichash_BYTES_MIN];

	memcpy(psk->key, key, KS_PSK_SIZE);
	crypto_generichash(hash, sizeof(hash), (const uint8_t *)id_label, sizeof(id_label) - 1, key, KS_PSK_SIZE);
	psk->id = (uint16_t)(hash[0] | hash[1] << 8);
}

void ks_psk_make(struct ks_psk *psk)
{
	uint8_t key[KS_PSK_SIZE];

	randombytes_buf(key, sizeof(key));
	ks_psk_set(psk, key);
	sodium_memzero(key, sizeof(key));
}

int ks_psk_read(const char *path, struct ks_psk *psk)
{
	uint8_t key[KS_PSK_SIZE];
	int err = ks_keyfile_read(path, KS_KEY_RELAY, key, sizeof(key));

	if (err == KS_EOK)
		ks_psk_set(psk, key);
	sodium_memzero(key, sizeof(key));
	return err;
}
