/* SPDX-License-Identifier: Apache-2.0
 *
 * When one viewer wants a picture, and when it asks. The two differ when an answer is late: what was wanted
 * meanwhile is not forgotten, but served by the next answer, and its latency counts from when it was wanted (so that a
 * server cannot look fast by making viewers ask less: coordinated omission).
 */
#ifndef KS_SWARM_PACE_H
#define KS_SWARM_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/audience/histogram.h"

enum swarm_mode {
	SWARM_POLL,	/* at a fixed interval */
	SWARM_LOCKED,	/* when the server says that the next picture is due, spread over its Frame-Spread */
	SWARM_WAIT,	/* at once; the server answers when there is a newer picture */
	SWARM_STREAM,	/* once; the pictures come as parts of one answer */
	SWARM_FLAT,	/* at once, whatever picture it is */
	SWARM_MODES
};

extern const char *const swarm_mode_names[SWARM_MODES];

struct swarm_pacing {
	enum swarm_mode mode;
	int64_t interval_us;	/* of SWARM_POLL */
	int64_t spread_us;	/* where the server names none */
	int64_t wait_us;	/* asked for with SWARM_WAIT */
};

struct swarm_pace {
	int64_t wanted_us;	/* the oldest want that is not served; SWARM_NEVER: nobody knows of one */
	int64_t step_us;	/* between wants */
	int64_t ask_at_us;
	int64_t backoff_us;	/* the longest pause after the next failure; 0: no failure yet */
};

#define SWARM_NEVER INT64_MAX

/* What an answer said, and the viewer's luck. */
struct swarm_word {
	int64_t next_us;	/* Frame-Next; -1: not said */
	int64_t period_us;	/* Frame-Period; 0: not said */
	int64_t spread_us;	/* Frame-Spread; -1: not said */
	bool newer;		/* it brought a newer picture */
	bool live;		/* the camera lives */
	double luck;		/* evenly from [0, 1) */
};

void swarm_pace_begin(struct swarm_pace *pace, const struct swarm_pacing *pacing, int64_t now_us);

/* A good answer to the request of asked_us is whole: counts the latency of every want that it serves, and sets when to
 * ask again. */
void swarm_pace_served(struct swarm_pace *pace, const struct swarm_pacing *pacing, const struct swarm_word *word,
		       int64_t asked_us, int64_t now_us, struct swarm_histogram *latency);

/* There was none: ask later, in retry_us at the earliest, at random below a bound that doubles. */
void swarm_pace_failed(struct swarm_pace *pace, double luck, int64_t retry_us, int64_t now_us);

/* The viewer goes: what it has wanted for longer than from one picture to the next counts with what it waited. */
void swarm_pace_end(const struct swarm_pace *pace, int64_t now_us, struct swarm_histogram *latency);

#endif
