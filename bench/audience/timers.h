/* SPDX-License-Identifier: Apache-2.0
 *
 * Timers of one process: a binary heap of what is due when. A timer is part of what waits for it, so that setting one
 * allocates nothing.
 */
#ifndef KS_SWARM_TIMERS_H
#define KS_SWARM_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct swarm_timer {
	int64_t due_us;		/* monotonic */
	size_t place;		/* in the heap, from 1; 0: not set */
};

struct swarm_timers {
	struct swarm_timer **heap;	/* from 1 */
	size_t n, room;
};

/* For at most `room` timers. KS_EOK or -ENOMEM. */
int swarm_timers_init(struct swarm_timers *timers, size_t room);
void swarm_timers_free(struct swarm_timers *timers);

/* Sets a timer, or changes when it is due. */
void swarm_timers_set(struct swarm_timers *timers, struct swarm_timer *timer, int64_t due_us);

/* The earliest, or NULL; it stays where it is. */
static inline struct swarm_timer *swarm_timers_first(const struct swarm_timers *timers)
{
	return timers->n > 0 ? timers->heap[1] : NULL;
}

/* The earliest if it is due, taken out; or NULL. */
struct swarm_timer *swarm_timers_take(struct swarm_timers *timers, int64_t now_us);

#endif
