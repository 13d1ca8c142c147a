/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/pump/pump.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "mod_sentry/counters.h"
#include "mod_sentry/pump/pump_private.h"
#include "mod_sentry/thread.h"

#define EVENTS_MAX 256		/* taken from the kernel at a time */

/* --- the door ----------------------------------------------------------------------------------------------------- */

static void leave_at_door(struct ks_pump *pump, struct ks_viewer *v)
{
	bool first;

	pthread_mutex_lock(&pump->lock);
	first = TAILQ_EMPTY(&pump->inbox);
	TAILQ_INSERT_TAIL(&pump->inbox, v, wait);
	pthread_mutex_unlock(&pump->lock);
	if (first)
		eventfd_write(pump->wake, 1);
}

bool ks_pump_take_back(struct ks_pump *pump, const struct ks_site *site, int fd, struct ks_carrier *carrier,
		       const char *host, const char *bytes, size_t len)
{
	struct ks_viewer *v = NULL;

	if (atomic_fetch_add(&pump->n, 1) < KS_PUMP_VIEWERS_MAX)
		v = ks_viewer_new(site, fd, carrier, host, bytes, len);
	if (v == NULL) {
		atomic_fetch_sub(&pump->n, 1);
		return false;
	}
	leave_at_door(pump, v);
	return true;
}

bool ks_pump_take(struct ks_pump *pump, const struct ks_site *site, int fd, struct ks_carrier *carrier,
		  const char *host, const char *bytes, size_t len)
{
	return !atomic_load(&pump->draining) && ks_pump_take_back(pump, site, fd, carrier, host, bytes, len);
}

bool ks_pump_has_room(const struct ks_pump *pump)
{
	return !atomic_load(&pump->draining) && ks_pump_viewers(pump) < KS_PUMP_VIEWERS_MAX;
}

void ks_pump_lend(struct ks_pump *pump, const struct ks_site *site, int fd, struct ks_carrier *carrier,
		  const char *host, const char *bytes, size_t len)
{
	if (!ks_pump_take(pump, site, fd, carrier, host, bytes, len) &&
	    !pump->ops.give_back(pump->ops.ctx, site, fd, carrier, host, bytes, len))
		ks_pump_linger(pump, fd, carrier);
}

void ks_pump_linger(struct ks_pump *pump, int fd, struct ks_carrier *carrier)
{
	struct ks_viewer *v = NULL;

	if (atomic_fetch_add(&pump->n, 1) < KS_PUMP_VIEWERS_MAX)
		v = ks_viewer_new(NULL, fd, carrier, "", NULL, 0);
	if (v == NULL) {
		atomic_fetch_sub(&pump->n, 1);
		if (carrier != NULL)
			carrier->ops->close(carrier);
		else
			close(fd);
		return;
	}
	v->state = KS_VIEWER_LINGERING;
	leave_at_door(pump, v);
}

bool ks_pump_listen(struct ks_pump *pump, struct ks_viewer *v)
{
	/* For good, and at the edge: nothing more is told to the kernel about this socket until it goes. */
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = v };

	return epoll_ctl(pump->epoll, EPOLL_CTL_ADD, v->fd, &event) == 0;
}

static void admit(struct ks_pump *pump, struct ks_viewer *v)
{
	bool lingers = v->state == KS_VIEWER_LINGERING;

	LIST_INSERT_HEAD(&pump->viewers, v, all);
	ks_timer_set(&pump->timers, &v->timer, pump->now_us + (lingers ? KS_PUMP_LINGER_US : v->site->idle_us));
	if (!ks_pump_listen(pump, v))
		ks_viewer_close(pump, v);
	else if (pump->drained && !lingers && v->input == NULL)	/* it came to the door just before */
		ks_viewer_drain(pump, v);
	else
		ks_viewer_ready(pump, v, EPOLLIN);
}

static void open_door(struct ks_pump *pump)
{
	struct ks_waiting inbox = TAILQ_HEAD_INITIALIZER(inbox);
	struct ks_viewer *v;

	pthread_mutex_lock(&pump->lock);
	TAILQ_CONCAT(&inbox, &pump->inbox, wait);
	pthread_mutex_unlock(&pump->lock);
	while ((v = TAILQ_FIRST(&inbox)) != NULL) {
		TAILQ_REMOVE(&inbox, v, wait);
		admit(pump, v);
	}
}

/* --- the loop ----------------------------------------------------------------------------------------------------- */

static void look_at_the_clock(struct ks_pump *pump)
{
	int64_t s;

	pump->now_us = ks_mono_us(pump->clock);
	pump->wall_us = ks_wall_us(pump->clock);
	s = pump->wall_us / KS_US_PER_S;
	if (s != pump->date_s)
		ks_head_date(pump->date, pump->wall_us);
	pump->date_s = s;
}

/* Also when nothing has woken us yet: who asks may have had the new one from another process already. */
static void look_for_pictures(struct ks_pump *pump)
{
	for (struct ks_feed *feed = pump->feeds; feed != NULL; feed = feed->next) {
		ks_watch_heard(feed->watch);
		ks_feed_look(feed, pump->load.stage >= KS_LOAD_SKIP, pump->now_us);
	}
}

/* --- the load ----------------------------------------------------------------------------------------------------- */

static uint64_t waiting(const struct ks_pump *pump)
{
	uint64_t n = 0;

	for (const struct ks_feed *feed = pump->feeds; feed != NULL; feed = feed->next)
		n += feed->n_waiting + feed->n_due;
	return n;
}

/* Among the renditions of the channel, the largest that is smaller than this one. */
static void find_smaller(struct ks_pump *pump, struct ks_feed *feed)
{
	struct ks_copies *list[KS_STORES_MAX];
	size_t n = ks_stores_list(pump->stores, feed->site->store, ks_copies_channel(feed->copies), pump->now_us, list);

	feed->smaller = NULL;
	for (size_t i = 0; i < n && feed->picture != NULL; i++) {
		struct ks_feed *other = ks_pump_open_feed(pump, feed->site, list[i]);

		if (other == NULL || other->picture == NULL || other->picture->len >= feed->picture->len)
			continue;
		if (feed->smaller == NULL || other->picture->len > feed->smaller->picture->len)
			feed->smaller = other;
	}
}

static void change_stage(struct ks_pump *pump, enum ks_load_stage before)
{
	enum ks_load_stage stage = pump->load.stage;

	if (ks_counters_speaker(pump->now_us))
		ks_log(stage > before ? KS_LOG_WARN : KS_LOG_INFO, "load", "%s, after %s: %.1f of %.1f Mbit/s",
		       ks_load_names[stage], ks_load_names[before], pump->load.bytes_per_s * 8e-6,
		       pump->limits.capacity * 8e-6);
	for (struct ks_feed *feed = pump->feeds; feed != NULL; feed = feed->next)
		if (stage >= KS_LOAD_SHRINK)
			find_smaller(pump, feed);
		else
			feed->smaller = NULL;
}

static void look_at_load(struct ks_pump *pump)
{
	struct ks_gauges all, mine = { atomic_load_explicit(&pump->n, memory_order_relaxed), waiting(pump) };
	enum ks_load_stage before = pump->load.stage;

	if (pump->now_us - pump->looked_us < KS_PUMP_LOOK_US)
		return;
	pump->looked_us = pump->now_us;
	ks_counters_report(&mine, pump->now_us);
	all = ks_counters_gauges(pump->now_us);
	if (ks_load_look(&pump->load, ks_counters_sent_bytes(), pump->limits.capacity, pump->now_us) != before)
		change_stage(pump, before);
	atomic_store(&pump->stage, pump->load.stage);
	pump->may_wait = pump->limits.waiting == 0 || all.waiting < pump->limits.waiting;
	atomic_store(&pump->refuses, pump->load.stage == KS_LOAD_REFUSE ||
					     (pump->limits.viewers != 0 && all.viewers >= pump->limits.viewers));
}

/* --- turns -------------------------------------------------------------------------------------------------------- */

static void release(struct ks_pump *pump, struct ks_feed *feed)
{
	size_t quota = ks_feed_quota(feed, pump->now_us);
	struct ks_viewer *v;

	while (quota > 0 && (v = ks_feed_next(feed)) != NULL) {
		feed->due_done++;
		quota--;
		ks_viewer_released(pump, v);
	}
}

static void release_all(struct ks_pump *pump)
{
	for (struct ks_feed *feed = pump->feeds; feed != NULL; feed = feed->next)
		if (feed->n_due > 0)
			release(pump, feed);
}

static void serve_again(struct ks_pump *pump)
{
	struct ks_waiting again = TAILQ_HEAD_INITIALIZER(again);
	struct ks_viewer *v;

	TAILQ_CONCAT(&again, &pump->again, wait);
	while ((v = TAILQ_FIRST(&again)) != NULL) {
		TAILQ_REMOVE(&again, v, wait);
		v->again = false;
		ks_viewer_run(pump, v);
	}
}

static void expire(struct ks_pump *pump)
{
	struct ks_timer *timer;

	/* A viewer begins with its timer. */
	_Static_assert(offsetof(struct ks_viewer, timer) == 0, "timers are viewers");
	while ((timer = ks_timers_next(&pump->timers, pump->now_us)) != NULL)
		ks_viewer_expired(pump, (struct ks_viewer *)timer);
}

static void drain(struct ks_pump *pump)
{
	struct ks_viewer *v, *next;

	if (pump->drained || !atomic_load(&pump->draining))
		return;
	pump->drained = true;
	for (v = LIST_FIRST(&pump->viewers); v != NULL; v = next) {
		next = LIST_NEXT(v, all);
		ks_viewer_drain(pump, v);
	}
}

static int timeout_ms(const struct ks_pump *pump, bool due, int64_t timeout_us)
{
	int64_t us = timeout_us;

	if (!TAILQ_EMPTY(&pump->again))
		return 0;
	if (due && us > KS_PUMP_RELEASE_US)
		us = KS_PUMP_RELEASE_US;
	if (pump->timers.n > 0 && us > KS_TIMER_TICK_US)
		us = KS_TIMER_TICK_US;
	return (int)((us + KS_US_PER_MS - 1) / KS_US_PER_MS);
}

/* Viewers first: what is done for others may end one that has an event here. */
static bool take_events(struct ks_pump *pump, int ms)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(pump->epoll, events, EVENTS_MAX, ms);
	eventfd_t value;
	bool woken = false;

	look_at_the_clock(pump);
	look_for_pictures(pump);
	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr == NULL)
			woken = eventfd_read(pump->wake, &value) == 0;
		else
			ks_viewer_ready(pump, events[i].data.ptr, events[i].events);
	}
	return woken;
}

void ks_pump_turn(struct ks_pump *pump, int64_t timeout_us)
{
	bool due = false;

	for (struct ks_feed *feed = pump->feeds; feed != NULL; feed = feed->next)
		due = due || feed->n_due > 0;
	if (take_events(pump, timeout_ms(pump, due, timeout_us)))
		open_door(pump);
	serve_again(pump);
	release_all(pump);
	expire(pump);
	look_at_load(pump);
	drain(pump);
}

static void *run(void *ctx)
{
	struct ks_pump *pump = ctx;

	while (!atomic_load(&pump->end))
		ks_pump_turn(pump, KS_US_PER_S);
	return NULL;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static int open_descriptors(struct ks_pump *pump)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };

	pump->epoll = epoll_create1(EPOLL_CLOEXEC);
	pump->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pump->epoll < 0 || pump->wake < 0 || epoll_ctl(pump->epoll, EPOLL_CTL_ADD, pump->wake, &event) != 0)
		return -errno;
	return KS_EOK;
}

int ks_pump_new(struct ks_pump **out, struct ks_stores *stores, const struct ks_pump_ops *ops,
		const struct ks_clock *clock)
{
	struct ks_pump *pump = calloc(1, sizeof(*pump));
	int err;

	if (pump == NULL)
		return -ENOMEM;
	pump->stores = stores;
	pump->ops = *ops;
	pump->clock = clock;
	pthread_mutex_init(&pump->lock, NULL);
	TAILQ_INIT(&pump->inbox);
	LIST_INIT(&pump->viewers);
	TAILQ_INIT(&pump->again);
	pump->may_wait = true;
	look_at_the_clock(pump);
	ks_timers_init(&pump->timers, pump->now_us);
	err = open_descriptors(pump);
	if (err != KS_EOK) {
		ks_pump_free(pump);
		return err;
	}
	*out = pump;
	return KS_EOK;
}

void ks_pump_limit(struct ks_pump *pump, const struct ks_pump_limits *limits)
{
	pump->limits = *limits;
}

bool ks_pump_refuses(const struct ks_pump *pump)
{
	return atomic_load_explicit(&pump->refuses, memory_order_relaxed);
}

enum ks_load_stage ks_pump_stage(const struct ks_pump *pump)
{
	return (enum ks_load_stage)atomic_load_explicit(&pump->stage, memory_order_relaxed);
}

int ks_pump_start(struct ks_pump *pump)
{
	int err = ks_thread_start(&pump->thread, run, pump);

	pump->started = err == KS_EOK;
	return err;
}

void ks_pump_drain(struct ks_pump *pump)
{
	atomic_store(&pump->draining, true);
	eventfd_write(pump->wake, 1);
}

size_t ks_pump_viewers(const struct ks_pump *pump)
{
	return atomic_load_explicit(&pump->n, memory_order_relaxed);
}

static void wait_until_empty(struct ks_pump *pump, int64_t wait_us)
{
	int64_t until_us = ks_mono_us(pump->clock) + wait_us;
	struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };

	ks_pump_drain(pump);
	while (ks_pump_viewers(pump) > 0 && ks_mono_us(pump->clock) < until_us)
		nanosleep(&pause, NULL);
}

void ks_pump_stop(struct ks_pump *pump, int64_t wait_us)
{
	if (!pump->started)
		return;
	wait_until_empty(pump, wait_us);
	atomic_store(&pump->end, true);
	eventfd_write(pump->wake, 1);
	pthread_join(pump->thread, NULL);
	pump->started = false;
}

void ks_pump_free(struct ks_pump *pump)
{
	struct ks_feed *feed;
	struct ks_viewer *v;

	ks_pump_stop(pump, 0);
	atomic_store(&pump->end, true);
	/* Who is at the door still is not asked what it wants. */
	while ((v = TAILQ_FIRST(&pump->inbox)) != NULL) {
		TAILQ_REMOVE(&pump->inbox, v, wait);
		LIST_INSERT_HEAD(&pump->viewers, v, all);
	}
	while ((v = LIST_FIRST(&pump->viewers)) != NULL)
		ks_viewer_close(pump, v);
	/* All at once, so that their naps end side by side. */
	for (feed = pump->feeds; feed != NULL; feed = feed->next)
		ks_watch_stop(feed->watch);
	while ((feed = pump->feeds) != NULL) {
		pump->feeds = feed->next;
		ks_feed_free(feed);
	}
	if (pump->epoll >= 0)
		close(pump->epoll);
	if (pump->wake >= 0)
		close(pump->wake);
	pthread_mutex_destroy(&pump->lock);
	free(pump);
}
