/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/audience/server.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <sodium.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "tests/unit/stamped.h"

#define REQUEST_MAX 4096
#define FRAMES 8		/* the last few are kept */
#define HUGE_LENGTH "1000000000"
#define WAIT_MAX_MS 60000

struct frame {
	struct ks_frame_id id;
	struct ks_frame frame;
	uint8_t *bytes;
};

struct server {
	struct event_base *base;
	struct evconnlistener *listener;
	struct client *clients;
	struct frame frames[FRAMES];
};

struct client {
	struct server *server;
	struct client *next, **link;
	struct bufferevent *bev;
	struct event *timer;		/* of a wait, a stream or what is sent bit by bit */
	char path[REQUEST_MAX];
	char etag[128];			/* If-None-Match */
	int64_t until_us;		/* of a wait */
	uint32_t last_seq;		/* of a stream */
	unsigned answers;
	struct evbuffer *chunk;		/* what is said goes here while one is made; NULL: to the viewer */
	bool busy;			/* answering; the next request must wait */
	bool close_when_sent, reset_when_sent;
};

/* Not Check's asserts: this is part of a program, too. */
static void must(bool good)
{
	if (!good)
		abort();
}

/* --- pictures ----------------------------------------------------------------------------------- */

static uint32_t newest_seq(void)
{
	return (uint32_t)(ks_wall_us(&ks_clock_system) / (SERVER_PERIOD_MS * KS_US_PER_MS) % UINT32_MAX);
}

static const struct ks_frame *frame_of(struct server *server, uint32_t seq)
{
	struct frame *f = &server->frames[seq % FRAMES];

	if (f->bytes == NULL)
		f->bytes = calloc(1, KS_FRAME_MAX);
	must(f->bytes != NULL);
	if (f->id.epoch == 0 || f->id.seq != seq) {
		f->id = (struct ks_frame_id){ SERVER_EPOCH, seq };
		f->frame = stamped_frame(f->bytes, f->id, ks_wall_us(&ks_clock_system));
	}
	return &f->frame;
}

/* --- sending ------------------------------------------------------------------------------------ */

static bool wrong(const struct client *c, const char *what)
{
	size_t len = strlen(what);

	return strncmp(c->path + 1, what, len) == 0 && c->path[1 + len] == '/';
}

static struct evbuffer *out(struct client *c)
{
	return c->chunk != NULL ? c->chunk : bufferevent_get_output(c->bev);
}

static void say(struct client *c, const char *text)
{
	evbuffer_add(out(c), text, strlen(text));
}

static void free_client(struct client *c)
{
	*c->link = c->next;
	if (c->next != NULL)
		c->next->link = c->link;
	event_free(c->timer);
	bufferevent_free(c->bev);
	free(c);
}

static void close_or_reset(struct client *c)
{
	struct linger hard = { 1, 0 };

	if (c->reset_when_sent)
		setsockopt(bufferevent_getfd(c->bev), SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	free_client(c);
}

static void end_when_sent(struct client *c)
{
	c->close_when_sent = true;
}

static void say_state(struct client *c)
{
	evbuffer_add_printf(out(c), "Frame-Period: %d\r\nFrame-Next: %d\r\nFrame-Spread: 5\r\nFrame-State: live\r\n",
			    SERVER_PERIOD_MS, SERVER_PERIOD_MS);
}

static void say_frame_fields(struct client *c, const struct ks_frame *frame, size_t len)
{
	char id[KS_FRAME_ID_TEXT], named_id[KS_FRAME_ID_TEXT], hex[9];
	struct ks_frame_id named = frame->m.id;
	long long captured_ms = frame->m.captured_us / KS_US_PER_MS + (wrong(c, "wrong-captured") ? 1 : 0);

	named.seq += wrong(c, "wrong-id") || wrong(c, "stream-wrong-id") ? 1 : 0;
	ks_frame_id_format(frame->m.id, id);
	if (!wrong(c, "no-id"))
		evbuffer_add_printf(out(c), "Frame-Id: %s\r\n", ks_frame_id_format(named, named_id));
	evbuffer_add_printf(out(c), "Frame-Captured: %lld\r\nContent-Type: image/jpeg\r\n", captured_ms);
	evbuffer_add_printf(out(c), "ETag: \"%s-%s\"\r\n", id, sodium_bin2hex(hex, sizeof(hex), frame->m.digest, 4));
	if (wrong(c, "chunked"))
		say(c, "Transfer-Encoding: chunked\r\n");
	else if (wrong(c, "huge"))
		say(c, "Content-Length: " HUGE_LENGTH "\r\n");
	else if (!wrong(c, "to-close"))
		evbuffer_add_printf(out(c), "Content-Length: %zu\r\n", len);
}

/* The bytes of the picture, and what is wrong with them. */
static void say_jpeg(struct client *c, const struct ks_frame *frame)
{
	uint8_t *jpeg = malloc(frame->m.length);
	size_t len = frame->m.length;

	must(jpeg != NULL);
	memcpy(jpeg, ks_frame_jpeg(frame), len);
	if (wrong(c, "torn") || wrong(c, "stream-torn"))
		memset(jpeg + len / 2, 0, len / 2 - 2);
	if (wrong(c, "no-start"))
		jpeg[0] = 0;
	if (wrong(c, "no-end"))
		jpeg[len - 1] = 0;
	if (wrong(c, "no-stamp"))
		jpeg[6] = 'x';
	if (wrong(c, "chunked"))
		evbuffer_add_printf(out(c), "%zx\r\n", len);
	evbuffer_add(out(c), jpeg, wrong(c, "cut") || wrong(c, "stream-cut") ? len / 2 : len);
	if (wrong(c, "chunked"))
		say(c, "\r\n0\r\n\r\n");
	free(jpeg);
}

static void say_picture(struct client *c, uint32_t seq)
{
	const struct ks_frame *frame = frame_of(c->server, seq);
	size_t len = frame->m.length - (wrong(c, "short-length") ? 10 : 0);

	if (wrong(c, "interim"))
		say(c, "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n");
	say(c, "HTTP/1.1 200 OK\r\n");
	evbuffer_add_printf(out(c), "Served-By: %s\r\n", seq % 2 == 0 ? "even" : "odd");
	if (wrong(c, "close"))
		say(c, "Connection: close\r\n");
	if (wrong(c, "folded"))
		say(c, "X-Folded: a\r\n b\r\n");
	say_state(c);
	say_frame_fields(c, frame, len);
	say(c, "\r\n");
	say_jpeg(c, frame);
	if (wrong(c, "cut") || wrong(c, "close") || wrong(c, "quiet-close") || wrong(c, "to-close"))
		end_when_sent(c);
	if (wrong(c, "reset")) {
		c->reset_when_sent = true;
		end_when_sent(c);
	}
}

static void say_nothing_newer(struct client *c, int status)
{
	evbuffer_add_printf(out(c), "HTTP/1.1 %s\r\nServed-By: even\r\n", status == 204 ? "204 No Content" :
			    "304 Not Modified");
	say_state(c);
	say(c, "\r\n");
}

/* --- the stream --------------------------------------------------------------------------------- */

static void say_part(struct client *c, uint32_t seq)
{
	const struct ks_frame *frame = frame_of(c->server, seq);
	char id[KS_FRAME_ID_TEXT];

	if (wrong(c, "stream-no-length"))
		evbuffer_add_printf(out(c), "Frame-Id: %s\r\n", ks_frame_id_format(frame->m.id, id));
	else
		say_frame_fields(c, frame, frame->m.length);
	say(c, "\r\n");
	say_jpeg(c, frame);
	say(c, "\r\n--next\r\n");
	c->last_seq = seq;
}

static void say_part_in_a_chunk(struct client *c, uint32_t seq)
{
	struct evbuffer *chunk = evbuffer_new();

	must(chunk != NULL);
	c->chunk = chunk;
	say_part(c, seq);
	c->chunk = NULL;
	evbuffer_add_printf(out(c), "%zx\r\n", evbuffer_get_length(chunk));
	evbuffer_add_buffer(out(c), chunk);
	say(c, "\r\n");
	evbuffer_free(chunk);
}

static void begin_stream(struct client *c)
{
	evbuffer_add_printf(out(c), "HTTP/1.1 200 OK\r\nServed-By: even\r\nContent-Type: %s\r\n%s\r\n",
			    wrong(c, "stream-untyped") ? "image/jpeg" : "multipart/x-mixed-replace; boundary=next",
			    wrong(c, "stream-chunked") ? "Transfer-Encoding: chunked\r\n" : "");
	if (wrong(c, "stream-chunked"))
		say(c, "8\r\n--next\r\n\r\n");
	else
		say(c, "--next\r\n");
	c->last_seq = newest_seq() - 1;
}

/* A part for each picture that has become due. */
static void go_on_streaming(struct client *c)
{
	static const struct timeval soon = { 0, 5000 };
	uint32_t seq = newest_seq(), last = c->last_seq;

	if (evbuffer_get_length(out(c)) == 0 && seq > last) {
		if (wrong(c, "stream-chunked"))
			say_part_in_a_chunk(c, last + 1);
		else
			say_part(c, last + 1);
		c->answers++;
		if (wrong(c, "stream-cut") || (wrong(c, "stream-ends") && c->answers == 3))
			end_when_sent(c);
	}
	event_add(c->timer, &soon);
}

/* --- requests ----------------------------------------------------------------------------------- */

static void go_on(struct client *c);

static bool find_after(const struct client *c, uint32_t *seq)
{
	const char *after = strstr(c->path, "?after=");
	unsigned epoch, got;

	if (after == NULL || sscanf(after, "?after=%u-%u", &epoch, &got) != 2)
		return false;
	*seq = got;
	return true;
}

static int64_t asked_wait_us(const struct client *c)
{
	const char *wait = strstr(c->path, "&wait=");
	long ms = wait != NULL ? strtol(wait + 6, NULL, 10) : 0;

	return (ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS) * KS_US_PER_MS;
}

/* Which picture somebody who has `after` gets; 0: none yet. */
static uint32_t next_seq(struct client *c, uint32_t after)
{
	uint32_t newest = newest_seq();

	if (wrong(c, "older"))
		return c->answers % 2 == 1 ? after - 1 : newest > after ? newest : 0;
	if (wrong(c, "repeats"))
		return after;
	if (wrong(c, "skips"))
		return newest >= after + 3 ? newest : 0;
	return newest > after ? after + 1 : 0;
}

static void answer_after(struct client *c, uint32_t after)
{
	static const struct timeval soon = { 0, 2000 };
	uint32_t seq = next_seq(c, after);

	if (seq != 0) {
		say_picture(c, seq);
	} else if (!wrong(c, "impatient") && ks_mono_us(&ks_clock_system) < c->until_us) {
		event_add(c->timer, &soon);
		return;
	} else {
		say_nothing_newer(c, 204);
	}
	c->answers++;
	go_on(c);
}

/* True: that was the answer. */
static bool refuse(struct client *c)
{
	if (wrong(c, "busy")) {
		say(c, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 5\r\n\r\nfull\n");
	} else if (wrong(c, "garbage")) {
		say(c, "HELLO\r\n");
	} else if (wrong(c, "unasked")) {
		say(c, "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
	} else if (wrong(c, "cut-head")) {
		say(c, "HTTP/1.1 200 OK\r\nContent-");
		end_when_sent(c);
	} else {
		return false;
	}
	return true;
}

static void answer(struct client *c)
{
	char etag[128], id[KS_FRAME_ID_TEXT], hex[9];
	uint32_t after;

	c->busy = false;
	c->until_us = ks_mono_us(&ks_clock_system) + asked_wait_us(c);
	if (refuse(c)) {
		c->answers++;
		go_on(c);
	} else if (wrong(c, "silent")) {
		c->busy = true;
	} else if (strstr(c->path, "/stream.mjpg") != NULL) {
		c->busy = true;
		begin_stream(c);
		go_on_streaming(c);
	} else if (find_after(c, &after)) {
		c->busy = true;
		answer_after(c, after);
	} else {
		const struct ks_frame *frame = frame_of(c->server, newest_seq());

		snprintf(etag, sizeof(etag), "\"%s-%s\"", ks_frame_id_format(frame->m.id, id),
			 sodium_bin2hex(hex, sizeof(hex), frame->m.digest, 4));
		if (strcmp(etag, c->etag) == 0)
			say_nothing_newer(c, 304);
		else
			say_picture(c, frame->m.id.seq);
		c->answers++;
		go_on(c);
	}
}

static bool take_request(struct client *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
	char text[REQUEST_MAX];
	const char *condition;
	size_t len;

	if (end.pos < 0 || (size_t)end.pos + 4 > sizeof(text))
		return false;
	len = (size_t)end.pos + 4;
	evbuffer_remove(in, text, len);
	text[len - 1] = '\0';
	if (sscanf(text, "GET %4000s HTTP/1.1", c->path) != 1)
		return false;
	c->etag[0] = '\0';
	condition = strstr(text, "If-None-Match: ");
	if (condition != NULL && sscanf(condition, "If-None-Match: %100s", c->etag) != 1)
		return false;
	return true;
}

/* The next request, if it is there and the last one is answered. */
static void go_on(struct client *c)
{
	c->busy = false;
	if (c->close_when_sent || !take_request(c))
		return;
	c->busy = true;
	if (wrong(c, "unanswered"))
		free_client(c);
	else
		answer(c);
}

static void on_read(struct bufferevent *bev, void *ctx)
{
	struct client *c = ctx;

	(void)bev;
	if (!c->busy)
		go_on(c);
}

static void on_sent(struct bufferevent *bev, void *ctx)
{
	struct client *c = ctx;

	(void)bev;
	if (c->close_when_sent)
		close_or_reset(c);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	(void)bev;
	if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0)
		free_client(ctx);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct client *c = ctx;
	uint32_t after;

	(void)fd;
	(void)what;
	if (strstr(c->path, "/stream.mjpg") != NULL)
		go_on_streaming(c);
	else if (find_after(c, &after))
		answer_after(c, after);
}

/* --- life --------------------------------------------------------------------------------------- */

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int len,
			  void *ctx)
{
	struct server *server = ctx;
	struct client *c = calloc(1, sizeof(*c));

	(void)listener;
	(void)address;
	(void)len;
	must(c != NULL);
	c->server = server;
	c->next = server->clients;
	c->link = &server->clients;
	if (c->next != NULL)
		c->next->link = &c->next;
	server->clients = c;
	c->bev = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
	c->timer = event_new(server->base, -1, 0, on_timer, c);
	bufferevent_setcb(c->bev, on_read, on_sent, on_event, c);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

struct server *server_new(struct event_base *base, uint16_t *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	struct server *server = calloc(1, sizeof(*server));

	must(server != NULL);
	server->base = base;
	server->listener = evconnlistener_new_bind(base, on_connection, server, LEV_OPT_CLOSE_ON_FREE |
						   LEV_OPT_CLOSE_ON_EXEC, -1, (struct sockaddr *)&address,
						   sizeof(address));
	must(server->listener != NULL);
	must(getsockname(evconnlistener_get_fd(server->listener), (struct sockaddr *)&address, &len) == 0);
	*port = ntohs(address.sin_port);
	return server;
}

void server_free(struct server *server)
{
	evconnlistener_free(server->listener);
	while (server->clients != NULL)
		free_client(server->clients);
	for (int i = 0; i < FRAMES; i++)
		free(server->frames[i].bytes);
	free(server);
}
