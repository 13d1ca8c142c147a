/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mod_sentry/pump/pump_private.h"

struct ks_viewer *ks_viewer_new(const struct ks_site *site, int fd, struct ks_carrier *carrier, const char *host,
				const char *bytes, size_t len)
{
	size_t host_len = strlen(host);
	struct ks_viewer *v = host_len <= KS_PUMP_HOST_MAX ? calloc(1, sizeof(*v) + host_len + 1) : NULL;

	if (v == NULL || len > KS_PUMP_INPUT_MAX || (len > 0 && (v->input = malloc(len)) == NULL)) {
		free(v);
		return NULL;
	}
	if (len > 0)
		memcpy(v->input, bytes, len);
	memcpy(v->host, host, host_len);
	v->host_len = (uint8_t)host_len;
	v->input_len = len;
	v->site = site;
	v->fd = fd;
	v->carrier = carrier;
	v->readable = true;
	return v;
}

static void leave_lists(struct ks_pump *pump, struct ks_viewer *v)
{
	if (v->state == KS_VIEWER_WAITING)
		ks_feed_leave(v->feed, v);
	if (v->again)
		TAILQ_REMOVE(&pump->again, v, wait);
	v->again = false;
	ks_timer_clear(&pump->timers, &v->timer);
	LIST_REMOVE(v, all);
}

static void drop_input(struct ks_viewer *v)
{
	free(v->input);
	v->input = NULL;
	v->input_len = 0;
}

/* Its socket is somebody else's from here on. */
static void forget(struct ks_pump *pump, struct ks_viewer *v)
{
	leave_lists(pump, v);
	ks_pump_drop_rest(v);
	drop_input(v);
	free(v->asked);
	free(v);
	atomic_fetch_sub_explicit(&pump->n, 1, memory_order_relaxed);
}

/* Nothing is expected of it any more, but that its carrier may be closed soon. */
static void park(struct ks_pump *pump, struct ks_viewer *v)
{
	leave_lists(pump, v);
	ks_pump_drop_rest(v);
	drop_input(v);
	v->state = KS_VIEWER_PARKED;
	LIST_INSERT_HEAD(&pump->viewers, v, all);
	ks_timer_set(&pump->timers, &v->timer, v->carrier->settled_us);
}

void ks_viewer_close(struct ks_pump *pump, struct ks_viewer *v)
{
	/* Said in words: as long as httpd has not closed its own descriptor of the same socket, closing ours would leave it in
	 * the epoll set, with a pointer to this memory. */
	epoll_ctl(pump->epoll, EPOLL_CTL_DEL, v->fd, NULL);
	if (v->carrier != NULL && pump->now_us < v->carrier->settled_us && !atomic_load(&pump->end)) {
		park(pump, v);
		return;
	}
	ks_line_close(v);
	forget(pump, v);
}

/* Says that nothing follows, and waits for the peer to say so too: closed at once, with something unread in it, the
 * socket would tell the peer to throw away what it has not read yet (RFC 9112 section 9.6). False when the viewer is
 * gone: its peer is. */
static bool linger(struct ks_pump *pump, struct ks_viewer *v)
{
	drop_input(v);
	if (!ks_line_end(v)) {
		ks_viewer_close(pump, v);
		return false;
	}
	v->state = KS_VIEWER_LINGERING;
	v->readable = true;
	ks_timer_set(&pump->timers, &v->timer, pump->now_us + KS_PUMP_LINGER_US);
	return true;
}

/* Throws away what still comes. True when the peer has closed. */
static bool peer_closed(struct ks_pump *pump, struct ks_viewer *v)
{
	ssize_t n;

	for (int i = 0; i < KS_PUMP_PIPELINED_MAX; i++) {
		n = recv(v->fd, pump->input, sizeof(pump->input), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
			return true;
		if (n < 0)
			return false;
	}
	return true;	/* it does not listen */
}

/* True when the viewer is gone. False: httpd does not take it, and it has to be told something, or nothing more. */
static bool give_back(struct ks_pump *pump, struct ks_viewer *v, const char *bytes, size_t len)
{
	/* Before it is somebody else's, who may close it at once. */
	epoll_ctl(pump->epoll, EPOLL_CTL_DEL, v->fd, NULL);
	if (pump->ops.give_back(pump->ops.ctx, v->site, v->fd, v->carrier, v->host, bytes, len)) {
		forget(pump, v);
		return true;
	}
	if (ks_pump_listen(pump, v))
		return false;
	ks_viewer_close(pump, v);
	return true;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* What of the pump's buffer is this viewer's. */
struct reading {
	size_t at, end;
	unsigned answered;
};

static void take_input(struct ks_pump *pump, struct ks_viewer *v, struct reading *r)
{
	*r = (struct reading){ 0, v->input_len, 0 };
	if (v->input == NULL)
		return;
	memcpy(pump->input, v->input, v->input_len);
	free(v->input);
	v->input = NULL;
	v->input_len = 0;
}

/* False when there is no memory for it. */
static bool keep_input(struct ks_pump *pump, struct ks_viewer *v, const struct reading *r)
{
	size_t len = r->end - r->at;

	if (len == 0)
		return true;
	v->input = malloc(len);
	if (v->input == NULL)
		return false;
	memcpy(v->input, pump->input + r->at, len);
	v->input_len = len;
	return true;
}

enum got { GOT_SOME, GOT_NOTHING, GOT_END };

static enum got receive(struct ks_pump *pump, struct ks_viewer *v, struct reading *r)
{
	size_t room;
	ssize_t n;

	if (r->at > 0 && r->at < r->end)
		memmove(pump->input, pump->input + r->at, r->end - r->at);
	r->end -= r->at;
	r->at = 0;
	room = sizeof(pump->input) - r->end;
	n = ks_line_receive(v, pump->input + r->end, room);
	if (n > 0) {
		/* epoll(7): a stream that gives less than was asked for is empty, and will say so when it is not. Its
		 * end was said already. What a carrier gives says nothing about the socket. */
		v->readable = (size_t)n == room || v->ended || v->carrier != NULL;
		r->end += (size_t)n;
		return GOT_SOME;
	}
	v->readable = false;
	if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
		return GOT_END;
	/* A carrier that has read the socket to its end may not know that it was that. */
	return v->carrier != NULL && v->ended ? GOT_END : GOT_NOTHING;
}

/* For how long its next request is awaited. */
static int64_t patience_us(const struct ks_pump *pump, const struct ks_viewer *v)
{
	return pump->drained && v->site->idle_us > KS_PUMP_PART_US ? KS_PUMP_PART_US : v->site->idle_us;
}

/* After an answer that the socket took whole. False when the viewer is gone. */
static bool done(struct ks_pump *pump, struct ks_viewer *v)
{
	if (v->close)
		return linger(pump, v);
	v->state = KS_VIEWER_READING;
	v->partial = false;
	ks_timer_set(&pump->timers, &v->timer, pump->now_us + patience_us(pump, v));
	return true;
}

static void wait_for_picture(struct ks_pump *pump, struct ks_viewer *v)
{
	v->state = KS_VIEWER_WAITING;
	v->partial = false;
	ks_feed_wait(v->feed, v);
	ks_timer_set(&pump->timers, &v->timer, pump->now_us + v->wait_us);
}

static void wait_for_room(struct ks_pump *pump, struct ks_viewer *v)
{
	int64_t due_us = pump->now_us + v->site->stall_us;

	v->state = KS_VIEWER_WRITING;
	ks_timer_set(&pump->timers, &v->timer, due_us < v->cut_us ? due_us : v->cut_us);
}

/* What becomes of a viewer after an answer. False when it is gone. */
static bool go_on(struct ks_pump *pump, struct ks_viewer *v, enum ks_outcome how)
{
	switch (how) {
	case KS_OUT_SENT:
		if (!v->stream || atomic_load(&pump->draining))
			return done(pump, v);
		if (v->ended)
			break;
		wait_for_picture(pump, v);
		return true;
	case KS_OUT_PART:
		wait_for_room(pump, v);
		return true;
	case KS_OUT_WAIT:
		/* It has asked, and closed: nobody waits there any more. */
		if (v->ended)
			break;
		wait_for_picture(pump, v);
		return true;
	case KS_OUT_NOT_OURS:
	case KS_OUT_GONE:
		break;
	}
	ks_viewer_close(pump, v);
	return false;
}

static bool begins(const char *at, size_t len, const char *with)
{
	return len >= strlen(with) && memcmp(at, with, strlen(with)) == 0;
}

/* What goes back goes back with its body, if that is short: so no thread of httpd has to wait for the rest of it. Who
 * sends one with GET is not listened to, and told so at once. */
static bool is_whole(const struct ks_pump *pump, const struct reading *r)
{
	const char *at = pump->input + r->at;
	size_t len = r->end - r->at, length = ks_request_length(at, len);

	return length <= len || length > sizeof(pump->input) || begins(at, len, "GET ") || begins(at, len, "HEAD ");
}

enum next { NEXT_READ, NEXT_OTHERS, NEXT_GONE };

/* Answers what is there, request by request. */
static enum next answer_some(struct ks_pump *pump, struct ks_viewer *v, struct reading *r)
{
	while (r->at < r->end && v->state == KS_VIEWER_READING) {
		struct ks_request_head request;
		enum ks_request_kind kind;
		enum ks_outcome how = KS_OUT_NOT_OURS;

		if (r->answered == KS_PUMP_PIPELINED_MAX)
			return NEXT_OTHERS;
		kind = ks_request_read(pump->input + r->at, r->end - r->at, &request);
		if (kind == KS_REQUEST_PARTIAL)
			return NEXT_READ;
		if (kind == KS_REQUEST_PLAIN)
			how = ks_pump_answer(pump, v, &request);
		if (how == KS_OUT_NOT_OURS && !is_whole(pump, r))
			return NEXT_READ;
		if (how == KS_OUT_NOT_OURS) {
			if (!give_back(pump, v, pump->input + r->at, r->end - r->at))
				linger(pump, v);
			return NEXT_GONE;
		}
		r->at += request.whole.len;
		r->answered++;
		if (!go_on(pump, v, how))
			return NEXT_GONE;
	}
	return NEXT_READ;
}

/* A head that does not end: httpd's limits are to judge it, unless no thread can be held for the rest. */
static void too_long(struct ks_pump *pump, struct ks_viewer *v)
{
	bool line = memchr(pump->input, '\n', sizeof(pump->input)) == NULL;

	if (give_back(pump, v, pump->input, sizeof(pump->input)))
		return;
	if (ks_pump_refuse(pump, v, line ? KS_HEAD_414 : KS_HEAD_431) == KS_OUT_SENT)
		linger(pump, v);
	else
		ks_viewer_close(pump, v);
}

static void await_rest(struct ks_pump *pump, struct ks_viewer *v, const struct reading *r)
{
	if (!keep_input(pump, v, r)) {
		ks_viewer_close(pump, v);
		return;
	}
	/* The time of half a request runs from its first byte, whatever trickles in behind it. */
	if (v->input_len > 0 && v->state == KS_VIEWER_READING && !v->partial) {
		v->partial = true;
		ks_timer_set(&pump->timers, &v->timer, pump->now_us + v->site->stall_us);
	}
}

void ks_viewer_run(struct ks_pump *pump, struct ks_viewer *v)
{
	struct reading r;
	enum next next;
	enum got got = GOT_NOTHING;

	take_input(pump, v, &r);
	do {
		next = answer_some(pump, v, &r);
		if (next == NEXT_GONE)
			return;
		if (next == NEXT_OTHERS) {
			TAILQ_INSERT_TAIL(&pump->again, v, wait);
			v->again = true;
			break;
		}
		if (v->state != KS_VIEWER_READING || !v->readable)
			break;
		if (r.end - r.at == sizeof(pump->input)) {
			too_long(pump, v);
			return;
		}
		got = receive(pump, v, &r);
	} while (got == GOT_SOME);
	if (got == GOT_END)
		ks_viewer_close(pump, v);
	else if (v->state != KS_VIEWER_LINGERING)
		await_rest(pump, v, &r);
}

/* --- events ---------------------------------------------------------------------------------------------------- */

/* After an answer to a viewer that was not being read: there may be more of it. */
static void resume(struct ks_pump *pump, struct ks_viewer *v, enum ks_outcome how)
{
	if (go_on(pump, v, how) && v->state == KS_VIEWER_READING && (v->input != NULL || v->readable))
		ks_viewer_run(pump, v);
}

static void read_on(struct ks_pump *pump, struct ks_viewer *v)
{
	if (v->readable && !v->again)
		ks_viewer_run(pump, v);
}

void ks_viewer_ready(struct ks_pump *pump, struct ks_viewer *v, uint32_t events)
{
	if ((events & (EPOLLIN | EPOLLRDHUP)) != 0)
		v->readable = true;
	if ((events & EPOLLRDHUP) != 0)
		v->ended = true;
	if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
		ks_viewer_close(pump, v);
		return;
	}
	switch ((enum ks_viewer_state)v->state) {
	case KS_VIEWER_READING:
		read_on(pump, v);
		break;
	case KS_VIEWER_WAITING:
		if (v->ended)
			ks_viewer_close(pump, v);
		break;
	case KS_VIEWER_WRITING:
		if ((events & EPOLLOUT) != 0)
			resume(pump, v, ks_pump_send_rest(v));
		break;
	case KS_VIEWER_LINGERING:
		if (peer_closed(pump, v))
			ks_viewer_close(pump, v);
		break;
	case KS_VIEWER_PARKED:
		break;
	}
}

static void stop_waiting(struct ks_viewer *v)
{
	ks_feed_leave(v->feed, v);
	v->state = KS_VIEWER_READING;
}

/* Who asked while the loop was busy is answered: closed with a request in it, a connection tells its peer no more than
 * one whose server died. */
static void part(struct ks_pump *pump, struct ks_viewer *v)
{
	char byte;

	if (v->partial || v->input != NULL || recv(v->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0) {
		linger(pump, v);
		return;
	}
	/* A carrier may have to read for long before it has a byte. */
	v->partial = true;
	ks_timer_set(&pump->timers, &v->timer, pump->now_us + v->site->stall_us);
	v->readable = true;
	ks_viewer_run(pump, v);
}

void ks_viewer_expired(struct ks_pump *pump, struct ks_viewer *v)
{
	switch ((enum ks_viewer_state)v->state) {
	case KS_VIEWER_READING:
		part(pump, v);
		break;
	case KS_VIEWER_WAITING:
		stop_waiting(v);
		if (v->stream)	/* it is dead: who asks again is told why */
			linger(pump, v);
		else
			resume(pump, v, ks_pump_answer_nothing(pump, v));
		break;
	case KS_VIEWER_WRITING:
	case KS_VIEWER_LINGERING:
	case KS_VIEWER_PARKED:
		ks_viewer_close(pump, v);
		break;
	}
}

void ks_viewer_released(struct ks_pump *pump, struct ks_viewer *v)
{
	stop_waiting(v);
	v->close = v->close || atomic_load(&pump->draining);
	resume(pump, v, ks_pump_answer_released(pump, v));
}

void ks_viewer_drain(struct ks_pump *pump, struct ks_viewer *v)
{
	int64_t until_us = pump->now_us + KS_PUMP_PART_US;
	bool waits = v->state == KS_VIEWER_WAITING, idle = v->state == KS_VIEWER_READING && v->input == NULL;

	/* Nobody has told it that the connection ends. Who is idle may be asking just now, and who waits shall have what it
	 * waits for before it has to look for the next process. */
	if (waits)
		v->close = true;
	if ((waits || idle) && v->timer.due_us > until_us)
		ks_timer_set(&pump->timers, &v->timer, until_us);
}
