/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/audience/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"

#define BEAT_US (10 * KS_US_PER_MS)
#define EVENTS_MAX 64		/* of epoll, and timers, before it is the others' turn */

struct worker {
	struct swarm_stage stage;
	struct swarm_shared *shared;
	struct swarm_result *result;
	struct swarm_timer beat;
	struct swarm_viewer *viewers;
	size_t n;
	int64_t window_us, end_us;	/* from when on it counts, and until when */
	int64_t cpu_us;			/* when that began */
	bool first, counting, over;
};

static int64_t cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * KS_US_PER_S + ts.tv_nsec / 1000;
}

static int64_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long long size = 0, resident = 0;

	if (file != NULL) {
		if (fscanf(file, "%lld %lld", &size, &resident) != 2)
			resident = 0;
		fclose(file);
	}
	return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

static int64_t observed_us(const struct worker *w)
{
	return w->first ? swarm_observed_us(w->stage.run->observed, w->stage.run->n_observed) : 0;
}

/* --- the window that counts --------------------------------------------------------------------- */

static void begin_counting(struct worker *w, int64_t now_us)
{
	w->counting = true;
	w->window_us = now_us;
	w->cpu_us = cpu_us();
	w->result->observed_us = -observed_us(w);
	memset(w->result->tally, 0, sizeof(w->result->tally));
	memset(&w->result->slip, 0, sizeof(w->result->slip));
	if (w->stage.run->o.pictures > 0)
		w->stage.pictures_left = w->stage.run->o.pictures / w->stage.run->o.processes;
	for (size_t i = 0; i < w->n; i++)
		swarm_viewer_restart(&w->viewers[i], now_us);
}

static void end_counting(struct worker *w)
{
	int64_t now_us = ks_mono_us(&ks_clock_system);

	w->result->cpu_us = cpu_us() - w->cpu_us;
	w->result->observed_us += observed_us(w);
	w->result->window_us = now_us - w->window_us;
	w->result->resident_bytes = resident_bytes();
	w->result->own_error = w->stage.own_error;
	w->result->present = w->stage.present;
	for (size_t i = 0; i < w->n; i++)
		swarm_viewer_end(&w->stage, &w->viewers[i], now_us);
}

static void beat(struct worker *w, int64_t now_us)
{
	swarm_histogram_add(&w->result->slip, now_us - w->beat.due_us);
	w->result->present = w->stage.present;
	if (!w->counting && now_us >= w->window_us)
		begin_counting(w, now_us);
	w->over = now_us >= w->end_us || atomic_load_explicit(&w->shared->stop, memory_order_relaxed);
	/* No beat is made up for: that one was late is told once. */
	swarm_timers_set(&w->stage.timers, &w->beat, now_us + BEAT_US);
}

/* --- the loop --------------------------------------------------------------------------------- */

static void ring(struct worker *w)
{
	int64_t now_us = ks_mono_us(&ks_clock_system);
	struct swarm_timer *timer;

	for (int i = 0; i < EVENTS_MAX && (timer = swarm_timers_take(&w->stage.timers, now_us)) != NULL; i++) {
		if (timer == &w->beat)
			beat(w, ks_mono_us(&ks_clock_system));
		else
			swarm_viewer_due(&w->stage, (struct swarm_viewer *)(void *)timer);
	}
}

static int loop(struct worker *w)
{
	struct epoll_event events[EVENTS_MAX];

	while (!w->over && w->stage.pictures_left > 0) {
		int64_t left_us = swarm_timers_first(&w->stage.timers)->due_us - ks_mono_us(&ks_clock_system);
		struct timespec wait = { 0, 0 };
		int n;

		if (left_us > 0)
			wait = (struct timespec){ left_us / KS_US_PER_S, left_us % KS_US_PER_S * 1000 };
		n = epoll_pwait2(w->stage.epoll, events, EVENTS_MAX, &wait, NULL);
		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++)
			swarm_viewer_ready(&w->stage, events[i].data.ptr, events[i].events);
		ring(w);
	}
	return KS_EOK;
}

/* --- set-up ------------------------------------------------------------------------------------- */

static enum swarm_kind kind_of(const struct swarm_seats *seats, size_t seat)
{
	int kind = SWARM_WATCHER;

	for (; seat >= seats->of[kind]; kind++)
		seat -= seats->of[kind];
	return (enum swarm_kind)kind;
}

static void take_seats(struct worker *w, const struct swarm_seats *seats, unsigned index)
{
	size_t processes = (size_t)w->stage.run->o.processes;

	for (size_t i = 0; i < w->n; i++) {
		size_t seat = i * processes + index;
		struct swarm_viewer *v = &w->viewers[i];

		v->seat = (uint32_t)seat;
		v->kind = kind_of(seats, seat);
		v->origin = seats->origin[seat];
		swarm_viewer_begin(&w->stage, v);
	}
}

static bool needs_tls(const struct swarm_run *run)
{
	for (size_t i = 0; i < run->origins; i++)
		if (run->origin[i].tls)
			return true;
	return false;
}

static int init(struct worker *w, const struct swarm_run *run, struct swarm_request *request, unsigned index)
{
	struct swarm_stage *stage = &w->stage;
	int err;

	stage->run = run;
	stage->request = request;
	stage->tally = w->result->tally;
	stage->slip = &w->result->slip;
	stage->fault = w->result->fault;
	stage->arriving.size = sizeof(struct swarm_arriving);
	stage->pictures_left = INT64_MAX;
	stage->seed[0] = (unsigned short)run->o.seed;
	stage->seed[1] = (unsigned short)(run->o.seed >> 16);
	stage->seed[2] = (unsigned short)index;
	stage->start_us = w->shared->start_us;
	w->window_us = stage->start_us + run->o.warmup_s * KS_US_PER_S;
	w->end_us = w->window_us + run->o.seconds * KS_US_PER_S;
	for (size_t i = 0; i < run->origins; i++)
		swarm_request_prepare(&request[i], run, &run->origin[i]);
	stage->buffer = malloc(SWARM_BUFFER_SIZE);
	w->viewers = calloc(w->n + 1, sizeof(*w->viewers));
	stage->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (stage->epoll < 0)
		return -errno;
	err = swarm_timers_init(&stage->timers, w->n + 1);
	if (err == KS_EOK && (stage->buffer == NULL || w->viewers == NULL))
		err = -ENOMEM;
	return err == KS_EOK && needs_tls(run) ? swarm_tls_client_new(&stage->tls, run->o.tls_ca) : err;
}

static void clean_up(struct worker *w)
{
	swarm_pool_free(&w->stage.arriving);
	swarm_timers_free(&w->stage.timers);
	swarm_tls_client_free(w->stage.tls);
	if (w->stage.epoll >= 0)
		close(w->stage.epoll);
	free(w->viewers);
	free(w->stage.buffer);
}

int swarm_worker_run(const struct swarm_run *run, const struct swarm_seats *seats, struct swarm_shared *shared,
		     unsigned index)
{
	size_t processes = (size_t)run->o.processes;
	struct worker w = { .shared = shared, .result = &shared->of[index], .stage.epoll = -1, .first = index == 0,
			    .n = (seats->n + processes - 1 - index) / processes };
	struct swarm_request *request = calloc(run->origins, sizeof(*request));
	int err = request != NULL ? init(&w, run, request, index) : -ENOMEM;

	if (err == KS_EOK) {
		swarm_timers_set(&w.stage.timers, &w.beat, w.stage.start_us);
		take_seats(&w, seats, index);
		err = loop(&w);
		end_counting(&w);
	}
	if (err != KS_EOK && err != KS_ECONFIG)
		ks_error("swarm", "process %u cannot run: %s", index, ks_strerror(err));
	clean_up(&w);
	free(request);
	return err;
}
