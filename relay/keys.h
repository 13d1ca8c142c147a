/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom a relay believes: who may send to it, whose pictures it takes, and who may take them from it.
 */
#ifndef KS_RELAY_KEYS_H
#define KS_RELAY_KEYS_H

#include "lib/frame/frame.h"
#include "lib/wire/node.h"
#include "lib/wire/psk.h"
#include "lib/wire/receiver.h"
#include "lib/wire/revoked.h"
#include "relay/settings.h"

struct ks_relay_keys {
	struct ks_psk psk[KS_PSK_MAX];		/* of parents that come unasked */
	size_t n_psk;
	struct ks_node_parent parents[KS_PARENTS_MAX];	/* names and addresses are the settings' */
	size_t n_parents;
	struct ks_master masters[KS_PSK_MAX];
	size_t n_masters;
	struct ks_revoked revoked;
	struct ks_trust trust;
};

/* Reads all files that the settings name, whose numbers must be within the limits; with each relay key and master key
 * those of ks_psk_read_all(). Every failure is logged; the caller calls ks_relay_keys_free() in either case, while
 * the settings are still there. KS_EOK or the first error. */
int ks_relay_keys_read(struct ks_relay_keys *keys, const struct ks_relay_settings *settings);

/* Also wipes it. */
void ks_relay_keys_free(struct ks_relay_keys *keys);

#endif
