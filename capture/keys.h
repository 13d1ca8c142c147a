/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys of a capture daemon: its own, those of the relays it sends to, and whom else it lets in and believes.
 */
#ifndef KS_CAPTURE_KEYS_H
#define KS_CAPTURE_KEYS_H

#include "capture/settings.h"
#include "lib/frame/frame.h"
#include "lib/wire/node.h"
#include "lib/wire/psk.h"
#include "lib/wire/revoked.h"

struct ks_capture_keys {
	uint8_t secret[KS_SECRET_KEY_SIZE];	/* signs the pictures */
	struct ks_trust trust;			/* the channel's sources, this one included */
	struct ks_node_relay *relays;		/* names and addresses are the settings' */
	size_t n_relays;
	struct ks_master masters[KS_PSK_MAX];
	size_t n_masters;
	struct ks_revoked revoked;
};

/* Reads all files that the settings name, whose numbers must be within the limits; with each master key and relay key
 * those of ks_psk_read_all(). Every failure is logged; the caller calls ks_capture_keys_free() in either case, while
 * the settings are still there. KS_EOK or the first error. */
int ks_capture_keys_read(struct ks_capture_keys *keys, const struct ks_capture_settings *settings);

/* Also wipes it. */
void ks_capture_keys_free(struct ks_capture_keys *keys);

#endif
