/* SPDX-License-Identifier: Apache-2.0
 *
 * A relay: takes objects from its parents, verifies them, publishes what its director chooses, and sends that on to the
 * relays behind it. One thread, that of the loop.
 */
#ifndef KS_RELAY_RELAY_H
#define KS_RELAY_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/frame/manifest.h"
#include "relay/settings.h"

struct event_base;
struct ks_relay;

/* Reads the keys, opens the stores, listens, serves metrics, all as the settings say; they are needed as long as the
 * relay. Every failure is logged; KS_ECONFIG or KS_EKEY when the settings are at fault. */
int ks_relay_new(struct ks_relay **relay, struct event_base *base, const struct ks_relay_settings *settings,
		 const struct ks_clock *clock);
void ks_relay_free(struct ks_relay *relay);

/* What the node calls, with the relay as ctx (struct ks_node_ops): a whole object; what a relay behind this one tells. */
bool ks_relay_deliver(void *ctx, const uint8_t *bytes, size_t len, uint8_t hops);
void ks_relay_hear(void *ctx, const uint8_t manifest[KS_MANIFEST_SIZE]);

/* Takes the keys and parents that the settings name now, what is wanted of parents, and how it sends; the other settings wait
 * for a restart, and *settings is needed during the call only. After a failure, which is logged, the keys from before stay
 * in use. */
int ks_relay_reload(struct ks_relay *relay, const struct ks_relay_settings *settings);

/* Why an object was refused: labels of koshien_relay_refused_total. */
enum ks_refusal {
	KS_REFUSED_SIGNATURE,	/* by no trusted source */
	KS_REFUSED_DIGEST,	/* not the bytes that were signed */
	KS_REFUSED_MALFORMED,	/* cut, or a field that the format does not allow */
	KS_REFUSED_VERSION,	/* of another version, or something else altogether */
	KS_REFUSED_LIMIT,	/* a frame beyond a limit of this build */
	KS_REFUSED_STALE,	/* not newer than what is held */
	KS_REFUSED_CHANNELS,	/* would take more stores than channels-max, or a channel more renditions than 8 */
	KS_REFUSED_STORE,	/* its store cannot be opened */
	KS_REFUSALS
};

/* The whole of /metrics. */
void ks_relay_metrics(FILE *out, void *relay);

#endif
