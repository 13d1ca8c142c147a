/* SPDX-License-Identifier: Apache-2.0
 *
 * The frame clock: once per period it takes the newest picture that the source has and publishes it
 * in all renditions. While the source has a fault it publishes a placeholder instead and keeps trying to open
 * the source. One thread, that of the loop.
 */
#ifndef KS_CAPTURE_FEED_H
#define KS_CAPTURE_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/card.h"
#include "capture/counts.h"
#include "capture/outage.h"
#include "capture/publisher.h"
#include "capture/renditions.h"
#include "capture/source.h"

struct event;

struct ks_feed_settings {
	int64_t period_ms;
	struct ks_renditions_settings renditions;
	int width, height;		/* of the placeholder, before it is fitted into a rendition */
	int64_t device_timeout_ms, device_error_delay_ms;
	bool exit_on_device_error;
};

struct ks_feed {
	/* The owner's to set before ks_feed_start(). */
	struct ks_feed_settings settings;
	struct event_base *base;
	const struct ks_clock *clock;
	struct ks_capture_counts *counts;
	struct ks_publisher *publisher;
	bool (*hold)(void *ctx);	/* true: not yet, ask at the next tick. NULL: never */
	void (*ended)(void *ctx, int exit_code);	/* there is nothing left to do, or no way to go on */
	void *ctx;

	/* Its own. */
	struct ks_source *source;
	struct ks_renditions renditions;
	struct ks_card notice;
	struct ks_outage outage;
	struct event *tick, *retry;
	bool open;
	bool ending, over;		/* the last frame was sent; `ended` was called */
	int64_t tick_mono_us;		/* when the next tick is due; 0: not started */
	int64_t good_mono_us;		/* the last good picture, or the opening before it */
	int64_t sent_mono_us;		/* the last frame of either kind */
	int64_t captured_us;		/* of the newest good frame, UTC; 0: none yet */
	uint64_t dropped_before;	/* at good_mono_us */
};

/* Takes over the source. KS_EOK or -ENOMEM; then the source is the caller's still. */
int ks_feed_start(struct ks_feed *feed, struct ks_source *source);
void ks_feed_free(struct ks_feed *feed);

/* Replaces the source at run time. */
void ks_feed_set_source(struct ks_feed *feed, struct ks_source *source);

/* Takes over new settings at run time. */
void ks_feed_set(struct ks_feed *feed, const struct ks_feed_settings *settings);

/* One tick of the frame clock, for tests; ks_feed_start() sees to it that it is called. */
void ks_feed_tick(struct ks_feed *feed);

/* True while frames flow, be it placeholders. */
bool ks_feed_alive(const struct ks_feed *feed);

void ks_feed_metrics(const struct ks_feed *feed, FILE *out);

#endif
