/* SPDX-License-Identifier: Apache-2.0
 *
 * The stores of a relay: one per channel and rendition, made when its first frame arrives. Only what is signed
 * by a trusted source gets this far, but a source can be wrong too: their number is bounded.
 */
#ifndef KS_RELAY_STORES_H
#define KS_RELAY_STORES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/frame/frame.h"
#include "lib/store/store.h"

struct ks_stores_settings {
	const char *dir;		/* borrowed */
	size_t max;
	struct ks_store_shape shape;
};

struct ks_stores;

/* Makes the last part of the directory's path when it is missing, and takes up the stores that a former run
 * left there, so that they are heart-beaten and never step back. Every failure is logged. -EBUSY when another
 * relay writes one of them. */
int ks_stores_new(struct ks_stores **stores, const struct ks_stores_settings *settings, const struct ks_clock *clock);
void ks_stores_free(struct ks_stores *stores);

/* Calls `each` with the newest frame of every store that holds one. */
void ks_stores_each(const struct ks_stores *stores, void (*each)(void *ctx, const struct ks_manifest *newest),
		    void *ctx);

/* KS_EOK; KS_ESTALE; KS_ELIMIT when it would take one store too many; anything else when its store cannot be
 * opened, which is tried again with the next frame after KS_STORES_RETRY_MIN_US, doubling up to _MAX_US. */
#define KS_STORES_RETRY_MIN_US KS_US_PER_S
#define KS_STORES_RETRY_MAX_US (60 * KS_US_PER_S)
int ks_stores_publish(struct ks_stores *stores, const struct ks_frame *frame);

/* Heart-beats all stores, and says which channel went silent. To be called every KS_STORE_BEAT_US. */
#define KS_STORES_SILENT_PERIODS 3
void ks_stores_beat(struct ks_stores *stores);

struct ks_stores_summary {
	size_t channels;	/* that had a frame in this run, and are not silent */
	size_t silent;
	uint64_t frames;
};

void ks_stores_summarize(const struct ks_stores *stores, struct ks_stores_summary *summary);

void ks_stores_metrics(const struct ks_stores *stores, FILE *out);

#endif
