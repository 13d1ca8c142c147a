/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/audience/timers.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/error.h"

int swarm_timers_init(struct swarm_timers *timers, size_t room)
{
	timers->n = 0;
	timers->room = room;
	timers->heap = calloc(room + 1, sizeof(struct swarm_timer *));
	return timers->heap != NULL ? KS_EOK : -ENOMEM;
}

void swarm_timers_free(struct swarm_timers *timers)
{
	free(timers->heap);
	timers->heap = NULL;
}

static void put(struct swarm_timers *timers, struct swarm_timer *timer, size_t place)
{
	timers->heap[place] = timer;
	timer->place = place;
}

static void rise(struct swarm_timers *timers, struct swarm_timer *timer)
{
	size_t place = timer->place;

	for (; place > 1 && timers->heap[place / 2]->due_us > timer->due_us; place /= 2)
		put(timers, timers->heap[place / 2], place);
	put(timers, timer, place);
}

static void sink(struct swarm_timers *timers, struct swarm_timer *timer)
{
	size_t place = timer->place;

	for (size_t child; (child = 2 * place) <= timers->n; place = child) {
		if (child < timers->n && timers->heap[child + 1]->due_us < timers->heap[child]->due_us)
			child++;
		if (timers->heap[child]->due_us >= timer->due_us)
			break;
		put(timers, timers->heap[child], place);
	}
	put(timers, timer, place);
}

void swarm_timers_set(struct swarm_timers *timers, struct swarm_timer *timer, int64_t due_us)
{
	timer->due_us = due_us;
	if (timer->place == 0) {
		if (timers->n == timers->room)
			abort();	/* more timers than whoever made the heap has */
		put(timers, timer, ++timers->n);
	}
	rise(timers, timer);
	sink(timers, timer);
}

struct swarm_timer *swarm_timers_take(struct swarm_timers *timers, int64_t now_us)
{
	struct swarm_timer *first = swarm_timers_first(timers), *last;

	if (first == NULL || first->due_us > now_us)
		return NULL;
	last = timers->heap[timers->n--];
	if (last != first) {
		last->place = 1;
		sink(timers, last);
	}
	first->place = 0;
	return first;
}
