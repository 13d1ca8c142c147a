/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom a relay believes: who may send to it, and whose pictures it takes.
 */
#ifndef KS_RELAY_KEYS_H
#define KS_RELAY_KEYS_H

#include "lib/frame/frame.h"
#include "lib/wire/psk.h"
#include "relay/settings.h"

struct ks_relay_keys {
	struct ks_psk psk[KS_PSK_MAX];
	size_t n_psk;
	struct ks_trust trust;
};

/* Reads all key files that the settings name, whose numbers must be within the limits. Every failure is logged;
 * the caller wipes *keys in either case. KS_EOK or the first error. */
int ks_relay_keys_read(struct ks_relay_keys *keys, const struct ks_relay_settings *settings);

#endif
