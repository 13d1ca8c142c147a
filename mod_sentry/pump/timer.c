/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/pump/timer.h"

#include <string.h>

void ks_timers_init(struct ks_timers *timers, int64_t now_us)
{
	memset(timers, 0, sizeof(*timers));
	timers->tick = now_us / KS_TIMER_TICK_US;
}

static void unlink_timer(struct ks_timers *timers, struct ks_timer *timer)
{
	*timer->at = timer->next;
	if (timer->next != NULL)
		timer->next->at = timer->at;
	timer->at = NULL;
	timers->n--;
}

/* Into the slot of the first tick at which it is over, or as far ahead as the wheel goes. */
static void link_timer(struct ks_timers *timers, struct ks_timer *timer)
{
	int64_t slot = timer->due_us / KS_TIMER_TICK_US + 1;
	struct ks_timer **head;

	if (slot <= timers->tick)
		slot = timers->tick + 1;
	if (slot > timers->tick + KS_TIMER_SLOTS - 1)
		slot = timers->tick + KS_TIMER_SLOTS - 1;
	head = &timers->slots[slot % KS_TIMER_SLOTS];
	timer->slot = slot;
	timer->next = *head;
	timer->at = head;
	if (*head != NULL)
		(*head)->at = &timer->next;
	*head = timer;
	timers->n++;
}

void ks_timer_set(struct ks_timers *timers, struct ks_timer *timer, int64_t due_us)
{
	timer->due_us = due_us;
	if (timer->at != NULL && timer->slot <= due_us / KS_TIMER_TICK_US + 1)
		return;
	if (timer->at != NULL)
		unlink_timer(timers, timer);
	link_timer(timers, timer);
}

void ks_timer_clear(struct ks_timers *timers, struct ks_timer *timer)
{
	if (timer->at != NULL)
		unlink_timer(timers, timer);
}

struct ks_timer *ks_timers_next(struct ks_timers *timers, int64_t now_us)
{
	int64_t now = now_us / KS_TIMER_TICK_US;

	/* After a long sleep one round sees every slot. */
	if (now - timers->tick > KS_TIMER_SLOTS)
		timers->tick = now - KS_TIMER_SLOTS;
	while (timers->tick < now) {
		int64_t tick = timers->tick + 1;
		struct ks_timer **head = &timers->slots[tick % KS_TIMER_SLOTS], *timer;

		while ((timer = *head) != NULL) {
			unlink_timer(timers, timer);
			if (timer->due_us / KS_TIMER_TICK_US < tick)
				return timer;
			/* Has moved on since: never into this slot again, as that is at the wheel's far end. */
			link_timer(timers, timer);
		}
		timers->tick = tick;
	}
	return NULL;
}
