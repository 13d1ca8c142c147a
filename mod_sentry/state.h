/* SPDX-License-Identifier: Apache-2.0
 *
 * How fresh a picture is. Live, stale or dead is decided by when the frame was published on this machine
 * and this machine's monotonic clock: a relay whose wall clock is an hour off still shows live pictures as
 * live. Only the age that people read compares the wall clock with the capture time.
 */
#ifndef KS_MOD_SENTRY_STATE_H
#define KS_MOD_SENTRY_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "mod_sentry/picture.h"

enum ks_state {
	KS_STATE_NEVER,		/* no picture at all */
	KS_STATE_LIVE,
	KS_STATE_STALE,		/* shown, marked, not cached */
	KS_STATE_DEAD		/* too old to be shown */
};

extern const char *const ks_state_names[];

struct ks_patience {
	int64_t stale_periods;
	int64_t dead_us;	/* a slow channel is given its stale_periods even when that is longer */
};

struct ks_freshness {
	enum ks_state state;
	int64_t age_ms;		/* since capture; at least held_ms */
	int64_t held_ms;	/* since it was published here */
	int64_t next_ms;	/* until the next one is due; 0 when overdue */
};

/* `picture` may be NULL. */
struct ks_freshness ks_freshness_of(const struct ks_picture *picture, const struct ks_patience *patience,
				    int64_t mono_us, int64_t wall_us);

/* Live or stale. */
static inline bool ks_freshness_shows(const struct ks_freshness *f)
{
	return f->state == KS_STATE_LIVE || f->state == KS_STATE_STALE;
}

#endif
