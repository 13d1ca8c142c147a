/* SPDX-License-Identifier: Apache-2.0
 *
 * What is done when more is asked for than the machine may send: by rule, step by step, and always first to those who
 * are not there yet. The load is bytes sent per second, by all children together, over SentryCapacity. Each child
 * works it out by itself from the counters that all share; nothing is decided between them.
 *
 *	stage	from	until	what
 *	ease	 80 %	 35 %	viewers that poll are told to come for every other picture (Frame-Next)
 *	skip	 90 %	 40 %	those who wait, and streams, get every other picture
 *	shrink	 95 %	 40 %	the next smaller rendition is served in place of the one that was asked for
 *	refuse	 98 %	 85 %	new viewers get 503; whoever has had a picture goes on
 *
 * Each step halves what is sent, or more, so a stage is left only when the load is below half of what led to it: the
 * one in front of it is enough then. At most one step a second, so that each shows what it does.
 */
#ifndef KS_MOD_SENTRY_LOAD_H
#define KS_MOD_SENTRY_LOAD_H

#include <stdint.h>

#include "lib/base/clock.h"

#define KS_LOAD_STEP_US KS_US_PER_S
#define KS_LOAD_MEAN_US (2 * KS_US_PER_S)	/* over which the rate is a mean: a picture a second comes in bursts */

enum ks_load_stage {
	KS_LOAD_FREE,
	KS_LOAD_EASE,
	KS_LOAD_SKIP,
	KS_LOAD_SHRINK,
	KS_LOAD_REFUSE
};

extern const char *const ks_load_names[];	/* by stage */

struct ks_load {
	enum ks_load_stage stage;
	double bytes_per_s;	/* a mean */
	uint64_t bytes;		/* as of the last look */
	int64_t looked_us;	/* 0: never */
	int64_t stepped_us;
};

/* `bytes` is all that was ever sent; capacity in bytes a second, 0: no limit. Returns the stage from now on. */
enum ks_load_stage ks_load_look(struct ks_load *load, uint64_t bytes, double capacity, int64_t now_us);

#endif
