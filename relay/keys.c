/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/keys.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/base/keyfile.h"

int ks_relay_keys_read(struct ks_relay_keys *keys, const struct ks_relay_settings *settings)
{
	int first = KS_EOK;

	memset(keys, 0, sizeof(*keys));
	for (size_t i = 0; i < settings->key.n; i++) {
		int err = ks_psk_read(ks_list_text(&settings->key, i), &keys->psk[keys->n_psk++]);

		if (first == KS_EOK)
			first = err;
	}
	for (size_t i = 0; i < settings->trust.n; i++) {
		int err = ks_keyfile_read(ks_list_text(&settings->trust, i), KS_KEY_SOURCE_PUBLIC,
					  keys->trust.keys[keys->trust.n++], KS_PUBLIC_KEY_SIZE);

		if (first == KS_EOK)
			first = err;
	}
	return first;
}
