/* SPDX-License-Identifier: Apache-2.0
 *
 * The limit for script/bench http: what it costs at least to answer with pictures of a store over HTTP. One thread, one
 * epoll at the edge, a request that is searched for what is asked and no more, a head that is made once per picture,
 * one sendmsg() for each. It waits, and spreads what it pushes, as the frame pump does: everyone within --spread-ms, in
 * groups. Nothing is done here that a real server could not do; all is left out that one must do: deadlines, limits,
 * requests in pieces, logs, counters.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/name.h"
#include "lib/base/settings.h"
#include "lib/store/store.h"

#define HEAD_MAX 2048
#define REQUEST_MAX 4096	/* a longer one, or one in pieces, ends the connection */
#define EVENTS_MAX 256
#define BACKLOG 4096
#define SEND_BUFFER 131072	/* as in the relay's profile: a whole picture at a time */
#define GROUP_US (5 * KS_US_PER_MS)

struct options {
	char *store, *channel, *rendition;
	int64_t port, head_bytes, spread_ms;
};

/* A frame and its head, while somebody is being sent it. */
struct shown {
	unsigned refs;
	struct ks_store_copy *copy;
	size_t head_len;
	char head[HEAD_MAX];
};

struct conn {
	TAILQ_ENTRY(conn) wait;
	struct shown *rest;	/* the socket was full: this goes on from `sent` */
	size_t sent;
	struct ks_frame_id after;
	int fd;
	bool waiting;
	uint32_t round;		/* of the floor's, when it began to wait */
};
TAILQ_HEAD(conns, conn);

struct floor {
	struct options o;
	struct ks_store_reader *reader;
	int epoll, listener, wake;
	struct shown *newest;
	struct conns waiting, due;
	size_t n_waiting, n_due, due_total, due_done;
	uint32_t round;
	int64_t due_since_us;
};

static void die(const char *what, int err)
{
	ks_error("floor", "%s: %s", what, ks_strerror(err));
	exit(1);
}

/* --- pictures -------------------------------------------------------------------------------------- */

/* As long as the server's head to which this is compared: the rest is filled up. */
static void write_head(struct shown *s, size_t wanted)
{
	const struct ks_manifest *m = &s->copy->frame.m;
	char id[KS_FRAME_ID_TEXT];
	int len = snprintf(s->head, sizeof(s->head), "HTTP/1.1 200 OK\r\nFrame-Id: %s\r\nFrame-Captured: %" PRId64 "\r\n"
			   "ETag: \"%s-%02x%02x%02x%02x\"\r\nContent-Length: %u\r\nContent-Type: image/jpeg\r\n"
			   "Frame-Period: %u\r\nFrame-State: live\r\n", ks_frame_id_format(m->id, id),
			   m->captured_us / KS_US_PER_MS, id, m->digest[0], m->digest[1], m->digest[2], m->digest[3],
			   m->length, m->period_ms);
	size_t fill = strlen("Fill: \r\n\r\n"), used = (size_t)len;

	if (used + fill < wanted) {
		len = snprintf(s->head + used, sizeof(s->head) - used, "Fill: %0*d\r\n", (int)(wanted - used - fill), 0);
		used += (size_t)len;
	}
	memcpy(s->head + used, "\r\n", 2);
	s->head_len = used + 2;
}

static void release(struct shown *s)
{
	if (s == NULL || --s->refs > 0)
		return;
	free(s->copy);
	free(s);
}

static void look(struct floor *f, int64_t now_us)
{
	struct shown *s = calloc(1, sizeof(*s));
	int err = s != NULL ? ks_store_read_newest(f->reader, NULL, &s->copy) : -ENOMEM;

	if (err != KS_EOK)
		die("reading the store", err);
	s->refs = 1;
	write_head(s, (size_t)f->o.head_bytes);
	release(f->newest);
	f->newest = s;
	TAILQ_CONCAT(&f->due, &f->waiting, wait);
	f->n_due += f->n_waiting;
	f->n_waiting = 0;
	f->round++;
	f->due_total = f->n_due;
	f->due_done = 0;
	f->due_since_us = now_us;
}

static void *watch(void *ctx)
{
	struct floor *f = ctx;
	uint64_t seen = ks_store_position(f->reader);
	int err;

	while ((err = ks_store_wait(f->reader, seen, KS_US_PER_S)) == KS_EOK || err == -ETIMEDOUT) {
		if (err == KS_EOK)
			eventfd_write(f->wake, 1);
		seen = ks_store_position(f->reader);
	}
	die("the store", err);
	return NULL;
}

/* --- connections --------------------------------------------------------------------------------- */

static void leave(struct floor *f, struct conn *c)
{
	bool due = c->round != f->round;

	TAILQ_REMOVE(due ? &f->due : &f->waiting, c, wait);
	*(due ? &f->n_due : &f->n_waiting) -= 1;
	c->waiting = false;
}

static void end(struct floor *f, struct conn *c)
{
	if (c->waiting)
		leave(f, c);
	release(c->rest);
	close(c->fd);
	free(c);
}

/* From c->sent on; what does not go stays in c->rest, which has a reference of its own. False: the peer is gone. */
static bool send_picture(struct conn *c, struct shown *s)
{
	const struct ks_frame *frame = &s->copy->frame;
	size_t head = c->sent < s->head_len ? s->head_len - c->sent : 0, body_at = head > 0 ? 0 : c->sent - s->head_len;
	struct iovec iov[2] = { { s->head + c->sent, head },
				{ (void *)(uintptr_t)(ks_frame_jpeg(frame) + body_at), frame->m.length - body_at } };
	struct msghdr message = { .msg_iov = head > 0 ? iov : iov + 1, .msg_iovlen = head > 0 ? 2 : 1 };
	ssize_t n = sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN)
		return false;
	c->sent += n > 0 ? (size_t)n : 0;
	if (c->sent < s->head_len + frame->m.length) {
		s->refs += c->rest == NULL;
		c->rest = s;
		return true;
	}
	if (c->rest != NULL)
		release(c->rest);
	c->rest = NULL;
	c->sent = 0;
	return true;
}

static bool send_nothing(struct conn *c)
{
	static const char head[] = "HTTP/1.1 204 No Content\r\n\r\n";

	return send(c->fd, head, sizeof(head) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof(head) - 1;
}

/* "after=" of the request line; false when it has none. */
static bool find_after(const char *line, size_t len, struct ks_frame_id *id)
{
	const char *at = memmem(line, len, "after=", 6), *end = line + len;
	size_t n = 0;

	if (at == NULL)
		return false;
	for (at += 6; at + n < end && at[n] != '&' && at[n] != ' '; n++)
		;
	return ks_frame_id_parse(at, n, id) == KS_EOK;
}

static bool answer(struct floor *f, struct conn *c, const char *request, size_t len)
{
	const char *line_end = memchr(request, '\r', len);
	size_t line = line_end != NULL ? (size_t)(line_end - request) : 0;

	if (line < 4 || len < 4 || memcmp(request, "GET ", 4) != 0 || memcmp(request + len - 4, "\r\n\r\n", 4) != 0)
		return false;
	if (!find_after(request, line, &c->after) || ks_frame_id_cmp(f->newest->copy->frame.m.id, c->after) > 0)
		return send_picture(c, f->newest);
	if (memmem(request, line, "wait=", 5) == NULL)
		return send_nothing(c);
	c->waiting = true;
	c->round = f->round;
	TAILQ_INSERT_TAIL(&f->waiting, c, wait);
	f->n_waiting++;
	return true;
}

/* One request at a time is enough for who asks again when he has his answer. */
static void take_request(struct floor *f, struct conn *c)
{
	char request[REQUEST_MAX];
	ssize_t n = recv(c->fd, request, sizeof(request), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || c->waiting || c->rest != NULL || !answer(f, c, request, (size_t)n))
		end(f, c);
}

static void ready(struct floor *f, struct conn *c, uint32_t events)
{
	if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
		end(f, c);
		return;
	}
	if (c->rest != NULL && (events & EPOLLOUT) != 0 && !send_picture(c, c->rest)) {
		end(f, c);
		return;
	}
	if ((events & (EPOLLIN | EPOLLRDHUP)) != 0)
		take_request(f, c);
}

static void accept_all(struct floor *f)
{
	int fd;

	while ((fd = accept4(f->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct conn *c = calloc(1, sizeof(*c));
		struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c };

		if (c == NULL)
			die("a connection", -ENOMEM);
		c->fd = fd;
		if (epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
			die("epoll", -errno);
	}
}

/* --- the loop ------------------------------------------------------------------------------------ */

/* How many of those that are due may have been answered by now; ks_feed_quota() is the same. */
static size_t quota(const struct floor *f, int64_t now_us)
{
	int64_t half_us = (int64_t)f->newest->copy->frame.m.period_ms * KS_US_PER_MS / 2;
	int64_t wide_us = f->o.spread_ms * KS_US_PER_MS, gone_us = now_us - f->due_since_us + GROUP_US;

	if (wide_us > half_us)
		wide_us = half_us;
	return gone_us >= wide_us ? f->due_total : (size_t)((int64_t)f->due_total * gone_us / wide_us);
}

static void push(struct floor *f, int64_t now_us)
{
	size_t until = quota(f, now_us);
	struct conn *c;

	for (; f->due_done < until && (c = TAILQ_FIRST(&f->due)) != NULL; f->due_done++) {
		leave(f, c);
		if (!send_picture(c, f->newest))
			end(f, c);
	}
}

static void loop(struct floor *f)
{
	for (;;) {
		struct epoll_event events[EVENTS_MAX];
		int n = epoll_wait(f->epoll, events, EVENTS_MAX, f->n_due > 0 ? (int)(GROUP_US / KS_US_PER_MS) : -1);
		int64_t now_us = ks_mono_us(&ks_clock_system);
		eventfd_t value;

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == &f->listener)
				accept_all(f);
			else if (events[i].data.ptr != &f->wake)
				ready(f, events[i].data.ptr, events[i].events);
			else if (eventfd_read(f->wake, &value) == 0)
				look(f, now_us);
		}
		if (f->n_due > 0)
			push(f, now_us);
	}
}

/* --- set-up -------------------------------------------------------------------------------------- */

static void listen_on(struct floor *f)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				       .sin_port = htons((uint16_t)f->o.port) };
	int on = 1, size = SEND_BUFFER;

	f->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (f->listener < 0 || setsockopt(f->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    setsockopt(f->listener, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) != 0 ||
	    setsockopt(f->listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
	    bind(f->listener, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(f->listener, BACKLOG) != 0)
		die("listening", -errno);
}

static void watch_over(struct floor *f)
{
	struct epoll_event door = { .events = EPOLLIN, .data.ptr = &f->listener };
	struct epoll_event news = { .events = EPOLLIN, .data.ptr = &f->wake };
	pthread_t thread;

	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	f->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->epoll < 0 || f->wake < 0 || epoll_ctl(f->epoll, EPOLL_CTL_ADD, f->listener, &door) != 0 ||
	    epoll_ctl(f->epoll, EPOLL_CTL_ADD, f->wake, &news) != 0 || pthread_create(&thread, NULL, watch, f) != 0)
		die("starting", -errno);
}

#define SETTING(name) offsetof(struct options, name)
static const struct ks_setting settings[] = {
	{ .name = "store", .type = KS_TEXT, .offset = SETTING(store), .arg = "DIR", .help = "the frame stores; needed" },
	{ .name = "channel", .type = KS_TEXT, .offset = SETTING(channel), .arg = "NAME", .preset = "main",
	  .check = ks_channel_expected, .help = "show this channel, whatever is asked" },
	{ .name = "rendition", .type = KS_TEXT, .offset = SETTING(rendition), .arg = "NAME", .preset = "std",
	  .check = ks_rendition_expected, .help = "in this rendition" },
	{ .name = "port", .type = KS_NUMBER, .offset = SETTING(port), .arg = "PORT", .preset = "8088", .min = 1, .max = 65535,
	  .help = "listen on 127.0.0.1, there" },
	{ .name = "head-bytes", .type = KS_NUMBER, .offset = SETTING(head_bytes), .arg = "N", .preset = "500", .min = 0,
	  .max = HEAD_MAX - 2, .help = "make heads as long as this" },
	{ .name = "spread-ms", .type = KS_NUMBER, .offset = SETTING(spread_ms), .arg = "MS", .preset = "100", .min = 0,
	  .max = 1000, .help = "push a new picture to those who wait for it within this time" },
	{ .name = NULL },
};

static int validate(const void *ctx)
{
	const struct options *o = ctx;

	if (o->store != NULL)
		return KS_EOK;
	ks_error("config", "expected a store");
	return KS_ECONFIG;
}

static const struct ks_program program = {
	.name = "floor",
	.summary = "Answers each request with the newest picture of a store, as cheaply as it can be done; for "
		   "script/bench http.",
	.settings = settings, .size = sizeof(struct options), .validate = validate,
};

int main(int argc, char **argv)
{
	static struct floor f;
	struct rlimit limit;
	int err = ks_settings_load(&program, argc, argv, &f.o);

	if (err != KS_SETTINGS_RUN)
		return err;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	TAILQ_INIT(&f.waiting);
	TAILQ_INIT(&f.due);
	err = ks_store_reader_open(&f.reader, f.o.store, f.o.channel, f.o.rendition);
	if (err != KS_EOK)
		die(f.o.store, err);
	look(&f, ks_mono_us(&ks_clock_system));
	listen_on(&f);
	watch_over(&f);
	loop(&f);
	return 0;
}
