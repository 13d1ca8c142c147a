/* SPDX-License-Identifier: Apache-2.0
 *
 * What a frame store holds and how it does, for an operator's eyes.
 */
#ifndef KS_KOSHIENCTL_HOLDING_H
#define KS_KOSHIENCTL_HOLDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/clock.h"
#include "lib/frame/frame.h"

/* As mod_sentry has it without other settings: stale after three periods, dead after 30 s, by this machine's
 * monotonic clock since the frame was published here. */
#define KS_HOLDING_STALE_PERIODS 3
#define KS_HOLDING_DEAD_US (30 * KS_US_PER_S)
#define KS_HOLDING_BEAT_MAX_US (5 * KS_US_PER_S / 2)	/* five missed heartbeats: the writer is gone */

enum ks_holding_state {
	KS_HOLDING_LIVE,
	KS_HOLDING_STALE,
	KS_HOLDING_DEAD,
	KS_HOLDING_ORPHANED,	/* no writer: frames are held and nothing will follow */
	KS_HOLDING_EMPTY,	/* no frame yet */
	KS_HOLDING_UNREADABLE,	/* err says why */
	KS_HOLDING_STATES
};

extern const char *const ks_holding_state_names[KS_HOLDING_STATES];

struct ks_holding {
	char channel[KS_CHANNEL_MAX + 1];
	char rendition[KS_RENDITION_MAX + 1];
	enum ks_holding_state state;
	int err;			/* KS_HOLDING_UNREADABLE only */
	size_t frames;
	uint64_t bytes;			/* of their JPEGs */
	int64_t writer_age_us;		/* since the writer's last heartbeat; -1: there never was one */
	struct ks_manifest newest;	/* when frames > 0 */
	int64_t held_us;		/* since it was published here */
	int64_t age_us;			/* since it was captured, by both machines' wall clocks */
};

struct ks_holdings {
	struct ks_holding *all;		/* by channel, then rendition; malloc'ed */
	size_t n;
};

/* Looks at every store below dir; channel and rendition (NULL: any) narrow it down. KS_EOK, also when
 * there is none; -errno when dir cannot be read. */
int ks_holdings_read(struct ks_holdings *holdings, const char *dir, const char *channel, const char *rendition,
		     const struct ks_clock *clock);
void ks_holdings_free(struct ks_holdings *holdings);

#endif
