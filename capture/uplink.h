/* SPDX-License-Identifier: Apache-2.0
 *
 * The way from a capture daemon to its relays: the node on the wire, whom it knows, and what it hears (head.h).
 */
#ifndef KS_CAPTURE_UPLINK_H
#define KS_CAPTURE_UPLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "capture/head.h"
#include "capture/keys.h"
#include "capture/publisher.h"
#include "capture/settings.h"

struct ks_uplink {
	struct ks_node *node;
	struct ks_trust trust;
	size_t told;			/* relays of the settings */
	bool listens;
	const char *state_dir;		/* borrowed */
	struct ks_publisher *publisher;	/* borrowed */
	struct ks_head head;
};

struct event_base;

/* The settings are needed during the call, but for channel and state-dir, which are the publisher's too. Failures are
 * logged. */
int ks_uplink_start(struct ks_uplink *uplink, struct event_base *base, const struct ks_capture_settings *settings,
		    const struct ks_capture_keys *keys, struct ks_publisher *publisher);
void ks_uplink_free(struct ks_uplink *uplink);

/* Other settings of the wire, keys, relays, master keys, revoked names; sessions that are still wanted go on. */
int ks_uplink_apply(struct ks_uplink *uplink, const struct ks_capture_settings *settings,
		    const struct ks_capture_keys *keys);

/* Warns when it shall listen elsewhere than it was made to, which a running uplink cannot; ks_uplink_keep() lets
 * *wanted have what it was made with, by exchange. */
void ks_uplink_warn(const struct ks_uplink *uplink, const struct ks_capture_settings *made,
		    const struct ks_capture_settings *wanted);
void ks_uplink_keep(struct ks_capture_settings *wanted, struct ks_capture_settings *made);

void ks_uplink_frame(struct ks_uplink *uplink, const struct ks_frame *frame);

/* What a relay says is its newest frame; the node calls it. */
void ks_uplink_head(void *uplink, const uint8_t manifest[KS_MANIFEST_SIZE]);

/* "3 relays", and how many of the settings' are missing. */
void ks_uplink_status(const struct ks_uplink *uplink, char *out, size_t size);

/* Every relay of the settings has a session. */
bool ks_uplink_complete(const struct ks_uplink *uplink);

void ks_uplink_metrics(const struct ks_uplink *uplink, FILE *out);

#endif
