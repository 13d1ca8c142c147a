/* SPDX-License-Identifier: Apache-2.0
 *
 * What one viewer has on the screen: which picture, since when, how old. Its age goes on growing while nothing comes,
 * so that a server that does not answer cannot hide (age of information: the area under the age curve over time).
 * Pure bookkeeping: the caller says what the time is.
 */
#ifndef KS_SWARM_SCREEN_H
#define KS_SWARM_SCREEN_H

#include <stdbool.h>

#include "bench/audience/tally.h"

/* Zeroed: nothing is shown. */
struct swarm_screen {
	bool lit;
	struct ks_frame_id newest;
	int64_t shown_at_us;	/* monotonic */
	int64_t age_us;		/* at that time */
	int64_t counted_us;	/* up to which time its age is in the tally */
};

struct swarm_moment {
	int64_t mono_us, wall_us;
};

/* Shows a picture if it is newer than what is there, and counts it: distinct, duplicate or backwards, skips between
 * them if `sees_all`, the age, the gap, a stall if it was longer than stall_us. True when it is newer. */
bool swarm_screen_show(struct swarm_screen *screen, struct swarm_tally *tally, const struct ks_picture *picture,
		       const struct swarm_moment *now, bool sees_all, int64_t stall_us);

/* The tally has been emptied: what is counted from here on begins now. */
void swarm_screen_restart(struct swarm_screen *screen, int64_t mono_us);

/* The viewer goes, or the run is over. */
void swarm_screen_end(struct swarm_screen *screen, struct swarm_tally *tally, int64_t mono_us, int64_t stall_us);

#endif
