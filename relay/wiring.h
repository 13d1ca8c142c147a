/* SPDX-License-Identifier: Apache-2.0
 *
 * From a relay's settings and keys to its node on the wire.
 */
#ifndef KS_RELAY_WIRING_H
#define KS_RELAY_WIRING_H

#include <stdbool.h>

#include "lib/wire/node.h"
#include "relay/keys.h"
#include "relay/settings.h"

/* What a node is made with, and what a reload changes. It sends, too: a master key may come with a reload. */
void ks_relay_node_settings(const struct ks_relay_settings *settings, struct ks_node_settings *out);

/* True when relays may take frames from here: only then is there a use for ks_node_frame(). */
bool ks_relay_is_parent(const struct ks_relay_keys *keys);

/* Opens the sockets. Without a listen setting, one that takes frames from its parents and from nobody else needs none.
 * Failures are logged. */
int ks_relay_node_listen(struct ks_node *node, const struct ks_relay_settings *settings);

/* Sets how it sends, what it wants, who may come and where its parents are, at start and at a reload. KS_EOK, or the first
 * error; the rest is set nevertheless. */
int ks_relay_node_apply(struct ks_node *node, const struct ks_relay_settings *settings,
			const struct ks_relay_keys *keys);

/* Warns when it shall listen elsewhere: a running node cannot. */
void ks_relay_node_warn(const struct ks_relay_settings *now, const struct ks_relay_settings *wanted);

#endif
