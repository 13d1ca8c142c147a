/* SPDX-License-Identifier: Apache-2.0
 *
 * The pump's inside, shared by its parts: pump.c is the loop and the door, viewer.c one connection, answer.c what is
 * sent on it, line.c its bytes.
 */
#ifndef KS_MOD_SENTRY_PUMP_PUMP_PRIVATE_H
#define KS_MOD_SENTRY_PUMP_PUMP_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "mod_sentry/load.h"
#include "mod_sentry/pump/feed.h"
#include "mod_sentry/pump/pump.h"
#include "mod_sentry/pump/timer.h"

enum ks_viewer_state {
	KS_VIEWER_READING,	/* nothing is asked, or not all of it has come */
	KS_VIEWER_WAITING,	/* for a picture: in one of its feed's lists */
	KS_VIEWER_WRITING,	/* its socket is full */
	KS_VIEWER_LINGERING,	/* all is said; the peer is to close */
	KS_VIEWER_PARKED	/* closed but for its carrier, which is not settled yet */
};

/* One connection. */
struct ks_viewer {
	struct ks_timer timer;
	LIST_ENTRY(ks_viewer) all;
	TAILQ_ENTRY(ks_viewer) wait;	/* at the door; WAITING: in the feed's lists; `again`: in the pump's */
	const struct ks_site *site;
	struct ks_feed *feed;		/* of the last request */

	/* What is being written: the rest of the head (ours), then of the picture (a reference), then of what ends it. */
	char *rest;
	size_t rest_len, rest_at;
	struct ks_picture *picture;
	size_t sent;			/* bytes of picture and what ends it */
	int64_t cut_us;			/* when to give up */

	char *input;			/* read, not answered yet; NULL: nothing */
	size_t input_len;

	char *asked;			/* for the log: the head of the request that waits; NULL: there is no log */
	size_t asked_len;

	struct ks_frame_id after;	/* what it has */
	int64_t wait_us;		/* for what comes after that */
	uint32_t round;			/* WAITING: the feed's, when it began */
	struct ks_carrier *carrier;	/* NULL: its socket alone */
	int fd;
	uint8_t state;			/* enum ks_viewer_state */
	bool readable : 1;		/* the socket may have more */
	bool ended : 1;			/* the peer has said that nothing follows what is in the socket */
	bool again : 1;			/* it has input that the others' turn kept from being answered */
	bool keep_alive : 1;		/* as the request had it */
	bool close : 1;			/* after this answer */
	bool partial : 1;		/* half a request is here, and its time runs */
	bool head : 1;			/* HEAD was asked */
	bool stream : 1;
	bool early : 1;			/* the heads of its parts go ahead of their pictures */
	uint8_t host_len;
	char host[];
};

LIST_HEAD(ks_viewers, ks_viewer);

struct ks_pump {
	struct ks_stores *stores;
	struct ks_pump_ops ops;
	const struct ks_clock *clock;
	int epoll, wake;
	pthread_t thread;
	bool started;

	/* The door, for all threads. */
	pthread_mutex_t lock;
	struct ks_waiting inbox;
	atomic_size_t n;		/* viewers, those at the door among them */
	atomic_bool draining, end, refuses;
	atomic_uint stage;		/* load.stage, for other threads */

	/* The pump's thread's. */
	struct ks_timers timers;
	struct ks_viewers viewers;
	struct ks_waiting again;
	struct ks_feed *feeds;
	size_t n_feeds;
	bool drained;
	struct ks_pump_limits limits;
	struct ks_load load;
	bool may_wait;			/* as of the last look at the load */
	unsigned retries;		/* 503s said: who comes again comes at another time than the one before */
	int64_t looked_us;
	int64_t now_us, wall_us;
	int64_t date_s;
	char date[KS_DATE_TEXT];
	struct ks_head head;		/* scratch, as is: */
	char input[KS_PUMP_INPUT_MAX];
};

/* --- what is shown (pump.c, answer.c) ------------------------------------------------------------------------ */

/* Asks to be told of what happens on the viewer's socket. False when that cannot be. */
bool ks_pump_listen(struct ks_pump *pump, struct ks_viewer *v);

/* The feed of a store, opened when it is not; NULL when it cannot be. */
struct ks_feed *ks_pump_open_feed(struct ks_pump *pump, const struct ks_site *site, struct ks_copies *copies);

/* --- one connection (viewer.c) ------------------------------------------------------------------------------ */

struct ks_viewer *ks_viewer_new(const struct ks_site *site, int fd, struct ks_carrier *carrier, const char *host,
				const char *bytes, size_t len);

/* Frees it, now or when its carrier has settled; its socket is closed. */
void ks_viewer_close(struct ks_pump *pump, struct ks_viewer *v);

/* Reads and answers as long as there is something to read and to answer. May free the viewer. */
void ks_viewer_run(struct ks_pump *pump, struct ks_viewer *v);

/* What epoll said of it; what its timer said; that it is its turn among those that wait; that the pump ends. Each may
 * free the viewer. */
void ks_viewer_ready(struct ks_pump *pump, struct ks_viewer *v, uint32_t events);
void ks_viewer_expired(struct ks_pump *pump, struct ks_viewer *v);
void ks_viewer_released(struct ks_pump *pump, struct ks_viewer *v);
void ks_viewer_drain(struct ks_pump *pump, struct ks_viewer *v);

/* --- its bytes (line.c) ------------------------------------------------------------------------------------- */

/* As recv(2): -1 and EAGAIN when there is nothing. */
ssize_t ks_line_receive(const struct ks_viewer *v, char *bytes, size_t room);

/* Bytes sent, 0 when the line is full, -1 when nobody is there. */
ssize_t ks_line_send(const struct ks_viewer *v, struct iovec *pieces, int n);

/* Says that nothing follows. False when nobody is there. */
bool ks_line_end(const struct ks_viewer *v);
void ks_line_close(const struct ks_viewer *v);

/* --- answers (answer.c) --------------------------------------------------------------------------------------- */

enum ks_outcome {
	KS_OUT_SENT,		/* the whole answer */
	KS_OUT_PART,		/* the socket is full; the rest is kept */
	KS_OUT_WAIT,		/* nothing: it waits for the picture after v->after, for v->wait_us */
	KS_OUT_NOT_OURS,	/* nothing: httpd has to answer this */
	KS_OUT_GONE		/* nobody is there to take it */
};

/* Answers a request. */
enum ks_outcome ks_pump_answer(struct ks_pump *pump, struct ks_viewer *v, const struct ks_request_head *request);

/* To one that waited: the newest picture, or the stream's next part; that there is none. */
enum ks_outcome ks_pump_answer_released(struct ks_pump *pump, struct ks_viewer *v);
enum ks_outcome ks_pump_answer_nothing(struct ks_pump *pump, struct ks_viewer *v);

/* Says why no answer comes, in words; the connection ends. */
enum ks_outcome ks_pump_refuse(struct ks_pump *pump, struct ks_viewer *v, enum ks_head_status status);

/* Goes on with what is kept: KS_OUT_SENT, KS_OUT_PART or KS_OUT_GONE. */
enum ks_outcome ks_pump_send_rest(struct ks_viewer *v);
void ks_pump_drop_rest(struct ks_viewer *v);

#endif
