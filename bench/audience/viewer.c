/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/audience/viewer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"

#define SLOW_RECV_BUFFER 4096		/* asked for; the kernel makes more of it */
#define SLOW_TICK_US (100 * KS_US_PER_MS)
#define STALLED_PIPELINE 32		/* requests, so that more is owed than any socket buffers */
#define READS_MAX 16			/* at a time, so that one connection does not keep the others waiting */

const char *const swarm_kind_names[SWARM_KINDS] = {
	[SWARM_WATCHER] = "watchers", [SWARM_SLOW] = "slow", [SWARM_STALLED] = "stalled", [SWARM_LORIS] = "loris",
};

static void count(struct swarm_stage *stage, const struct swarm_viewer *v, enum swarm_count which)
{
	swarm_tally_count(swarm_viewer_tally(stage, v), which);
}

/* When something is due next. A timer may ring too early, and is then set again: most answers come long before their
 * deadline, and moving it each time would cost more than that. */
static void arm(struct swarm_stage *stage, struct swarm_viewer *v)
{
	int64_t due_us = v->leave_us;

	if (v->state == SWARM_AWAY)
		due_us = v->arrive_us;
	else if (v->state == SWARM_IDLE && v->pace.ask_at_us < due_us)
		due_us = v->pace.ask_at_us;
	else if (v->state >= SWARM_OPENING && v->deadline_us < due_us)
		due_us = v->deadline_us;
	if (v->state == SWARM_ASKED && v->nibble_us < due_us)
		due_us = v->nibble_us;
	if (due_us != INT64_MAX && (v->timer.place == 0 || v->timer.due_us > due_us))
		swarm_timers_set(&stage->timers, &v->timer, due_us);
}

/* --- connection ------------------------------------------------------------------------------- */

static void drop(struct swarm_stage *stage, struct swarm_viewer *v)
{
	if (v->arriving != NULL)
		swarm_pool_give(&stage->arriving, v->arriving);
	v->arriving = NULL;
	swarm_connection_close(&v->conn);
	v->state = SWARM_IDLE;
	v->planned = true;
}

static void fail(struct swarm_stage *stage, struct swarm_viewer *v, int64_t retry_us, int64_t now_us)
{
	v->state = SWARM_IDLE;
	v->planned = true;
	swarm_pace_failed(&v->pace, erand48(stage->seed), retry_us, now_us);
}

static void fail_to_connect(struct swarm_stage *stage, struct swarm_viewer *v, int err, int64_t now_us)
{
	count(stage, v, SWARM_CONNECT_ERRORS);
	if (err == -EMFILE || err == -ENFILE || err == -EADDRNOTAVAIL || err == -ENOBUFS || err == -ENOMEM)
		stage->own_error = -err;
	drop(stage, v);
	fail(stage, v, 0, now_us);
}

/* The server closed the connection, or the network did (err). */
static void take_close(struct swarm_stage *stage, struct swarm_viewer *v, int err, int64_t now_us)
{
	bool asked = v->state == SWARM_ASKED;

	swarm_histogram_add(&swarm_viewer_tally(stage, v)->held, now_us - v->opened_us);
	if (asked && v->arriving == NULL)
		count(stage, v, SWARM_CLOSED_UNANSWERED);
	else if (asked)
		count(stage, v, swarm_arriving_ended(stage, v) ? SWARM_CLOSED_CLEAN : SWARM_CLOSED_CUT);
	else
		count(stage, v, err == 0 ? SWARM_CLOSED_CLEAN : SWARM_CLOSED_RESET);
	drop(stage, v);
	if (asked)
		fail(stage, v, 0, now_us);
}

static size_t write_request(struct swarm_stage *stage, struct swarm_viewer *v, char text[SWARM_REQUEST_MAX])
{
	const struct swarm_request *request = &stage->request[v->origin];

	if (v->kind == SWARM_LORIS)
		return swarm_request_write_half(request, text);
	return swarm_request_write(request, stage->run, v->screen.lit ? &v->screen.newest : NULL, v->etag, text);
}

/* The request, or what is left of it. Nothing of the viewer's changes before it is answered, so that it can be written
 * again instead of being kept. */
static void send_request(struct swarm_stage *stage, struct swarm_viewer *v, int64_t now_us)
{
	char text[SWARM_REQUEST_MAX];
	size_t len = write_request(stage, v, text);
	ssize_t n = swarm_connection_send(&v->conn, text + v->sent, len - v->sent);

	if (n < 0) {
		take_close(stage, v, (int)n, now_us);
		return;
	}
	v->sent += (size_t)n;
	swarm_connection_watch(&v->conn, stage->epoll, v, v->sent < len ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* Asks for more than will be read, and does not read it. */
static void stall(struct swarm_stage *stage, struct swarm_viewer *v)
{
	char text[SWARM_REQUEST_MAX];
	size_t len = write_request(stage, v, text);
	int n = stage->run->pacing.mode == SWARM_STREAM ? 1 : STALLED_PIPELINE;

	while (n-- > 0 && swarm_connection_send(&v->conn, text, len) == (ssize_t)len)
		count(stage, v, SWARM_REQUESTS);
	swarm_connection_watch(&v->conn, stage->epoll, v, EPOLLRDHUP);
}

static void ask(struct swarm_stage *stage, struct swarm_viewer *v, int64_t now_us)
{
	const struct swarm_options *o = &stage->run->o;

	v->state = SWARM_ASKED;
	v->sent = 0;
	v->asked_us = now_us;
	v->nibble_us = INT64_MAX;
	v->deadline_us = INT64_MAX;
	if (v->kind == SWARM_STALLED) {
		stall(stage, v);
		return;
	}
	count(stage, v, SWARM_REQUESTS);
	if (v->kind == SWARM_WATCHER)
		v->deadline_us = now_us + o->timeout_s * KS_US_PER_S +
				 (stage->run->pacing.mode == SWARM_WAIT ? stage->run->pacing.wait_us : 0);
	else
		v->nibble_us = now_us + (v->kind == SWARM_SLOW ? SLOW_TICK_US : o->loris_interval_s * KS_US_PER_S);
	send_request(stage, v, now_us);
	if (v->kind == SWARM_SLOW && v->state == SWARM_ASKED && v->conn.events == EPOLLIN)
		swarm_connection_watch(&v->conn, stage->epoll, v, 0);
}

static void begin_asking(struct swarm_stage *stage, struct swarm_viewer *v, int64_t now_us)
{
	bool narrow = v->kind == SWARM_SLOW || v->kind == SWARM_STALLED;
	int err;

	if (v->conn.state == SWARM_OPEN) {
		ask(stage, v, now_us);
		return;
	}
	err = swarm_connection_open(&v->conn, &stage->run->origin[v->origin], stage->tls, stage->epoll, v,
				    narrow ? SLOW_RECV_BUFFER : 0);
	if (err != KS_EOK) {
		fail_to_connect(stage, v, err, now_us);
		return;
	}
	v->state = SWARM_OPENING;
	v->opened_us = now_us;
	v->deadline_us = now_us + stage->run->o.timeout_s * KS_US_PER_S;
}

static void go_on_opening(struct swarm_stage *stage, struct swarm_viewer *v, int64_t now_us)
{
	int opened = swarm_connection_step(&v->conn, stage->epoll, v);

	if (opened < 0) {
		fail_to_connect(stage, v, opened, now_us);
	} else if (opened > 0) {
		count(stage, v, SWARM_CONNECTS);
		ask(stage, v, now_us);
	}
}

/* --- answers ---------------------------------------------------------------------------------- */

static void finish(struct swarm_stage *stage, struct swarm_viewer *v, enum swarm_outcome outcome,
		   const struct swarm_hearing *heard, int64_t now_us)
{
	bool keeps = outcome != SWARM_BROKEN && v->arriving->answer.keeps;

	swarm_pool_give(&stage->arriving, v->arriving);
	v->arriving = NULL;
	v->state = SWARM_IDLE;
	v->planned = true;
	v->refused = outcome == SWARM_REFUSED;
	if (!keeps && outcome != SWARM_BROKEN) {
		swarm_histogram_add(&swarm_viewer_tally(stage, v)->held, now_us - v->opened_us);
		count(stage, v, SWARM_CLOSED_CLEAN);
	}
	if (!keeps)
		drop(stage, v);
	if (outcome == SWARM_SERVED)
		swarm_pace_served(&v->pace, &stage->run->pacing, &heard->word, v->asked_us, now_us,
				  &swarm_viewer_tally(stage, v)->latency);
	else
		fail(stage, v, outcome == SWARM_REFUSED ? heard->retry_us : 0, now_us);
	if (v->pace.ask_at_us <= now_us && stage->pictures_left > 0) {
		v->planned = false;
		begin_asking(stage, v, now_us);
	}
}

/* False: nobody waits for bytes of this connection any more. */
static bool take_bytes(struct swarm_stage *stage, struct swarm_viewer *v, const uint8_t *bytes, size_t len)
{
	struct ks_reader r = ks_reader(bytes, len);
	struct swarm_hearing heard = { .retry_us = 0 };
	enum swarm_outcome outcome;

	swarm_viewer_tally(stage, v)->count[SWARM_BYTES] += len;
	if (v->state == SWARM_ASKED && v->arriving == NULL) {
		v->arriving = swarm_pool_take(&stage->arriving);
		if (v->arriving == NULL) {
			stage->own_error = ENOMEM;
			take_close(stage, v, -ENOMEM, ks_mono_us(&ks_clock_system));
			return false;
		}
		swarm_answer_begin(&v->arriving->answer);
	}
	if (v->arriving == NULL) {	/* an answer to nothing */
		swarm_arriving_malformed(stage, v, &r);
		drop(stage, v);
		return false;
	}
	outcome = swarm_arriving_take(stage, v, &r, &heard);
	if (outcome == SWARM_GOES_ON)
		return true;
	if (ks_reader_left(&r) > 0 && outcome != SWARM_BROKEN) {	/* more than was asked for */
		swarm_arriving_malformed(stage, v, &r);
		outcome = SWARM_BROKEN;
	}
	finish(stage, v, outcome, &heard, ks_mono_us(&ks_clock_system));
	return false;
}

static void read_answer(struct swarm_stage *stage, struct swarm_viewer *v, size_t room)
{
	bool all = room == SWARM_BUFFER_SIZE;
	ssize_t n = 0;

	/* A short read of a socket says that it is empty; TLS gives its records one by one. */
	for (int i = 0; i < (all ? READS_MAX : 1); i++) {
		n = swarm_connection_recv(&v->conn, stage->buffer, room);
		if (n == -EAGAIN || n == -EINTR)
			return;
		if (n <= 0) {
			take_close(stage, v, (int)n, ks_mono_us(&ks_clock_system));
			return;
		}
		if (!take_bytes(stage, v, stage->buffer, (size_t)n) || ((size_t)n < room && v->conn.tls == NULL))
			return;
	}
}

/* A little of the answer, or another byte of the request. */
static void nibble(struct swarm_stage *stage, struct swarm_viewer *v, int64_t now_us)
{
	int64_t rate = stage->run->o.slow_rate, tick_us = SLOW_TICK_US;

	if (v->kind == SWARM_LORIS) {
		v->nibble_us = now_us + stage->run->o.loris_interval_s * KS_US_PER_S;
		if (swarm_connection_send(&v->conn, "x", 1) < 0)
			take_close(stage, v, -ECONNRESET, now_us);
		return;
	}
	v->nibble_us = now_us + tick_us;
	read_answer(stage, v, (size_t)(rate * tick_us / KS_US_PER_S));
	if (v->conn.state == SWARM_OPEN)
		swarm_connection_watch(&v->conn, stage->epoll, v, v->state == SWARM_ASKED ? 0 : EPOLLIN);
}

void swarm_viewer_ready(struct swarm_stage *stage, struct swarm_viewer *v, uint32_t events)
{
	int64_t now_us = ks_mono_us(&ks_clock_system);

	if (v->state == SWARM_OPENING)
		go_on_opening(stage, v, now_us);
	else if (v->kind == SWARM_STALLED && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
		take_close(stage, v, 0, now_us);
	else if ((events & EPOLLOUT) != 0 && v->state == SWARM_ASKED)
		send_request(stage, v, now_us);
	else if (v->conn.state == SWARM_OPEN)
		read_answer(stage, v, SWARM_BUFFER_SIZE);
	arm(stage, v);
}

/* --- coming and going --------------------------------------------------------------------------- */

/* Who comes next to this seat, at from_us or later. */
static void await(struct swarm_stage *stage, struct swarm_viewer *v, int64_t from_us)
{
	v->state = SWARM_AWAY;
	v->leave_us = INT64_MAX;
	if (v->kind != SWARM_WATCHER) {
		v->arrive_us = stage->start_us;
	} else if (swarm_arrivals_next(&stage->run->arrivals, v->seat, from_us - stage->start_us, &v->arrive_us,
				       &v->leave_us)) {
		v->arrive_us += stage->start_us;
		v->leave_us = v->leave_us == INT64_MAX ? INT64_MAX : v->leave_us + stage->start_us;
	} else {
		v->arrive_us = INT64_MAX;
	}
}

static void arrive(struct swarm_stage *stage, struct swarm_viewer *v, int64_t now_us)
{
	int64_t stay_us = INT64_MAX;

	if (v->kind == SWARM_WATCHER)
		stay_us = swarm_arrivals_stay_us(&stage->run->arrivals, stage->seed);
	count(stage, v, SWARM_ARRIVED);
	stage->present += v->kind == SWARM_WATCHER;
	if (stay_us < v->leave_us - now_us)
		v->leave_us = now_us + stay_us;
	v->seen = v->refused = false;
	v->etag[0] = '\0';
	v->planned = false;
	swarm_pace_begin(&v->pace, &stage->run->pacing, v->arrive_us);
	v->state = SWARM_IDLE;
	begin_asking(stage, v, now_us);
}

static void close_accounts(struct swarm_stage *stage, struct swarm_viewer *v, int64_t now_us)
{
	if (!v->seen)
		count(stage, v, SWARM_UNSEEN);
	if (!v->seen && v->refused)
		count(stage, v, SWARM_TOLD_WHY);
	swarm_screen_end(&v->screen, swarm_viewer_tally(stage, v), now_us, stage->run->o.stall_ms * KS_US_PER_MS);
	if (v->kind == SWARM_WATCHER || v->kind == SWARM_SLOW)
		swarm_pace_end(&v->pace, now_us, &swarm_viewer_tally(stage, v)->latency);
	stage->present -= v->kind == SWARM_WATCHER;
	drop(stage, v);
}

static void leave(struct swarm_stage *stage, struct swarm_viewer *v, int64_t now_us)
{
	close_accounts(stage, v, now_us);
	count(stage, v, SWARM_LEFT);
	await(stage, v, now_us);
}

void swarm_viewer_begin(struct swarm_stage *stage, struct swarm_viewer *viewer)
{
	await(stage, viewer, stage->start_us);
	arm(stage, viewer);
}

void swarm_viewer_due(struct swarm_stage *stage, struct swarm_viewer *v)
{
	int64_t now_us = ks_mono_us(&ks_clock_system);

	if (v->state != SWARM_AWAY && now_us >= v->leave_us)
		leave(stage, v, now_us);
	if (v->state == SWARM_AWAY && now_us >= v->arrive_us) {
		arrive(stage, v, now_us);
	} else if (v->state == SWARM_IDLE && now_us >= v->pace.ask_at_us) {
		if (v->planned)
			swarm_histogram_add(stage->slip, now_us - v->pace.ask_at_us);
		begin_asking(stage, v, now_us);
	} else if (v->state >= SWARM_OPENING && now_us >= v->deadline_us) {
		count(stage, v, SWARM_TIMEOUTS);
		drop(stage, v);
		fail(stage, v, 0, now_us);
	} else if (v->state == SWARM_ASKED && now_us >= v->nibble_us) {
		nibble(stage, v, now_us);
	}
	arm(stage, v);
}

void swarm_viewer_restart(struct swarm_viewer *viewer, int64_t now_us)
{
	swarm_screen_restart(&viewer->screen, now_us);
}

void swarm_viewer_end(struct swarm_stage *stage, struct swarm_viewer *viewer, int64_t now_us)
{
	if (viewer->state != SWARM_AWAY)
		close_accounts(stage, viewer, now_us);
}
