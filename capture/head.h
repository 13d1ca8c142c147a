/* SPDX-License-Identifier: Apache-2.0
 *
 * What relays tell a capture daemon of the frames that are published (HEAD: a manifest with its signature). When that
 * is above our own ids, whoever it is from, our pictures would be refused, now or when our turn comes: we go on with an
 * epoch above it. So ids of all sources are in one order, and a source that lost its state is healed. When it is one of
 * ours, we are shown somewhere, and say so in our pictures (relay/director.h tells what for).
 *
 * A HEAD comes from any relay that has a session, but moves us only when a source that we trust signed it.
 */
#ifndef KS_CAPTURE_HEAD_H
#define KS_CAPTURE_HEAD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "capture/publisher.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "lib/frame/frame.h"

#define KS_HEAD_RAISE_MIN_US (7 * KS_US_PER_S)	/* between two new epochs, except for the first: differs from one to */
#define KS_HEAD_RAISE_MAX_US (10 * KS_US_PER_S)	/* the next, or two sources that go above a third stay in one order */
#define KS_HEAD_STEPS 3				/* epochs that priority 0 goes higher than need be; 1 goes 2, and so on */
#define KS_HEAD_SHOWN_US (10 * KS_US_PER_S)	/* that a relay's word that we are shown lasts, and four periods */
#define KS_HEAD_CHECKS_MAX 100			/* signatures checked a second */

enum ks_head_outcome {
	KS_HEAD_RAISED,		/* we went above it */
	KS_HEAD_SHOWN,		/* one of ours: we are shown */
	KS_HEAD_BELOW,		/* not above us: nothing to do */
	KS_HEAD_EARLY,		/* above us, but we have just gone above another one */
	KS_HEAD_CHANNEL,	/* of a channel that is not ours */
	KS_HEAD_MALFORMED,	/* no manifest */
	KS_HEAD_SIGNATURE,	/* by no source that we trust */
	KS_HEAD_BUSY,		/* more than we want to check */
	KS_HEAD_FAILED,		/* the new epoch could not be stored */
	KS_HEAD_OUTCOMES
};

struct ks_head {
	/* Filled in by the caller. */
	const struct ks_clock *clock;
	struct ks_publisher *publisher;
	const struct ks_trust *trust;		/* the channel's sources, ours included */
	bool (*verify)(const struct ks_head *head, const uint8_t manifest[KS_MANIFEST_SIZE]);	/* ks_head_verify() */
	/* Gives an epoch of ours above the one heard, stored already; it has logged what it returns but KS_EOK. */
	int (*above)(void *ctx, uint32_t heard, uint32_t *epoch);
	void *ctx;

	/* Its own; zeros at first. */
	bool raised;
	uint32_t highest;		/* epoch heard of, and signed */
	int64_t raised_us, second_us;
	unsigned checks;
	struct ks_log_gate raised_gate, signature_gate;
	ks_counter outcomes[KS_HEAD_OUTCOMES];
};

/* True when a trusted source signed it. */
bool ks_head_verify(const struct ks_head *head, const uint8_t manifest[KS_MANIFEST_SIZE]);

/* A HEAD, as it came. The next instant of the publisher has the new epoch; to be called between two instants. */
enum ks_head_outcome ks_head_take(struct ks_head *head, const uint8_t manifest[KS_MANIFEST_SIZE]);

void ks_head_metrics(const struct ks_head *head, FILE *out);

#endif
