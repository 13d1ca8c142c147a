/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/keys.h"

#include <string.h>

#include <sodium.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/frame/trust.h"

static int read_parents(struct ks_relay_keys *keys, const struct ks_relay_settings *settings)
{
	const struct ks_relay_parent *set = settings->parents.items;
	int first = KS_EOK;

	for (size_t i = 0; i < settings->parents.n; i++) {
		struct ks_node_parent *parent = &keys->parents[keys->n_parents++];

		parent->name = set[i].name;
		parent->address = set[i].address;
		ks_keep_first(&first, ks_psk_read_all(set[i].key, parent->keys, &parent->n_keys));
	}
	return first;
}

/* Keys of pushing parents, all in one list: a relay knows which one a datagram is for by the key's id. */
static int read_pushed(struct ks_relay_keys *keys, const struct ks_list *files)
{
	struct ks_psk all[KS_PSK_MAX];
	int first = KS_EOK;

	for (size_t i = 0; i < files->n; i++) {
		const char *path = ks_list_text(files, i);
		size_t n = 0;
		int err = ks_psk_read_all(path, all, &n);

		if (err == KS_EOK && n > KS_PSK_MAX - keys->n_psk) {
			ks_error("key", "%s: this file and those beside it (" KS_KEY_NEXT ", " KS_KEY_PREVIOUS ") make "
				 "more than %d keys for parents; change them one after another", path, KS_PSK_MAX);
			err = KS_ELIMIT;
		}
		if (err == KS_EOK) {
			memcpy(&keys->psk[keys->n_psk], all, n * sizeof(*all));
			keys->n_psk += n;
		}
		ks_keep_first(&first, err);
	}
	sodium_memzero(all, sizeof(all));
	return first;
}

int ks_relay_keys_read(struct ks_relay_keys *keys, const struct ks_relay_settings *settings)
{
	int first;

	memset(keys, 0, sizeof(*keys));
	first = read_parents(keys, settings);
	ks_keep_first(&first, read_pushed(keys, &settings->key));
	ks_keep_first(&first, ks_trust_read(&keys->trust, &settings->trust));
	if (settings->master != NULL)
		ks_keep_first(&first, ks_master_read_all(settings->master, keys->masters, &keys->n_masters));
	if (settings->revoked != NULL)
		ks_keep_first(&first, ks_revoked_read(settings->revoked, &keys->revoked));
	return first;
}

void ks_relay_keys_free(struct ks_relay_keys *keys)
{
	ks_revoked_free(&keys->revoked);
	sodium_memzero(keys, sizeof(*keys));
}
