/* SPDX-License-Identifier: Apache-2.0
 *
 * Deadlines of many thousand connections: a wheel of lists (Varghese and Lauck, 1987). A deadline that moves further
 * away costs one store, as most do with each request: the timer stays where it is and is put further on
 * when the wheel comes by. One thread; nothing is allocated.
 */
#ifndef KS_MOD_SENTRY_PUMP_TIMER_H
#define KS_MOD_SENTRY_PUMP_TIMER_H

#include <stddef.h>
#include <stdint.h>

#define KS_TIMER_TICK_US (INT64_C(50) * 1000)	/* a timer ends at most so much late */
#define KS_TIMER_SLOTS 1024			/* 51 s; what is further away goes round again */

struct ks_timer {
	struct ks_timer *next, **at;	/* at: NULL when it is in no list */
	int64_t due_us;
	int64_t slot;			/* the tick at whose slot it stands */
};

struct ks_timers {
	int64_t tick;			/* all up to here have been looked at */
	size_t n;
	struct ks_timer *slots[KS_TIMER_SLOTS];
};

void ks_timers_init(struct ks_timers *timers, int64_t now_us);

/* Sets or moves a timer. */
void ks_timer_set(struct ks_timers *timers, struct ks_timer *timer, int64_t due_us);
void ks_timer_clear(struct ks_timers *timers, struct ks_timer *timer);

/* The next timer that is due, taken out; NULL when there is none (yet). */
struct ks_timer *ks_timers_next(struct ks_timers *timers, int64_t now_us);

#endif
