/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "lib/base/error.h"
#include "lib/base/keyfile.h"
#include "lib/frame/trust.h"

static int read_own(struct ks_capture_keys *keys, const char *path)
{
	int err = ks_keyfile_read(path, KS_KEY_SOURCE_SECRET, keys->secret, sizeof(keys->secret));

	if (err == KS_EOK)
		crypto_sign_ed25519_sk_to_pk(keys->trust.keys[keys->trust.n++], keys->secret);
	return err;
}

/* The current key is the one to send with: the relay accepts the next before it is current here. */
static int read_relay(struct ks_capture_keys *keys, const struct ks_capture_relay *set)
{
	struct ks_node_relay *relay = &keys->relays[keys->n_relays++];
	struct ks_psk psks[KS_PSK_MAX];
	int err = KS_EOK;
	size_t n;

	relay->name = set->name;
	relay->address = set->address;
	relay->blind = set->blind;
	if (set->key != NULL) {
		err = ks_psk_read_all(set->key, psks, &n);
		if (err == KS_EOK)
			relay->key = psks[0];
	} else if (keys->n_masters > 0) {
		ks_psk_derive(&relay->key, &keys->masters[0], set->name);
	}
	sodium_memzero(psks, sizeof(psks));
	return err;
}

static int read_relays(struct ks_capture_keys *keys, const struct ks_list *set)
{
	int first = KS_EOK;

	if (set->n == 0)
		return KS_EOK;
	keys->relays = calloc(set->n, sizeof(*keys->relays));
	if (keys->relays == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < set->n; i++)
		ks_keep_first(&first, read_relay(keys, (const struct ks_capture_relay *)set->items + i));
	return first;
}

int ks_capture_keys_read(struct ks_capture_keys *keys, const struct ks_capture_settings *settings)
{
	int first;

	memset(keys, 0, sizeof(*keys));
	first = read_own(keys, settings->signing_key);
	ks_keep_first(&first, ks_trust_read(&keys->trust, &settings->trust));
	if (settings->master != NULL)
		ks_keep_first(&first, ks_master_read_all(settings->master, keys->masters, &keys->n_masters));
	if (settings->revoked != NULL)
		ks_keep_first(&first, ks_revoked_read(settings->revoked, &keys->revoked));
	ks_keep_first(&first, read_relays(keys, &settings->relays));
	return first;
}

void ks_capture_keys_free(struct ks_capture_keys *keys)
{
	if (keys->relays != NULL)
		sodium_memzero(keys->relays, keys->n_relays * sizeof(*keys->relays));
	free(keys->relays);
	ks_revoked_free(&keys->revoked);
	sodium_memzero(keys, sizeof(*keys));
}
