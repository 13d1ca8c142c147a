/* SPDX-License-Identifier: Apache-2.0
 *
 * The frame pump: one thread that serves pictures to all viewers of this process whose connections httpd has handed
 * over (HTTP/1.x, in the clear or through a carrier). A connection costs a socket and a few hundred bytes. On the way of
 * a picture there is no allocation and no lock: request, prebuilt head, one sendmsg().
 *
 * The pump answers with pictures, "nothing new", "not modified" and "has died", and only where httpd has said that
 * nothing decides anew about each request (site.h). Any other request is given back to httpd, with its connection.
 *
 * ks_pump_new(), ks_pump_start(), ks_pump_stop() and ks_pump_free() belong to one thread; ks_pump_take(),
 * ks_pump_take_back(), ks_pump_lend() and ks_pump_linger() may be called from any.
 */
#ifndef KS_MOD_SENTRY_PUMP_PUMP_H
#define KS_MOD_SENTRY_PUMP_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/clock.h"
#include "mod_sentry/load.h"
#include "mod_sentry/pump/carrier.h"
#include "mod_sentry/pump/request.h"
#include "mod_sentry/pump/site.h"
#include "mod_sentry/stores.h"

#define KS_PUMP_VIEWERS_MAX 100000	/* in one process, whatever the limit of descriptors */
#define KS_PUMP_HOST_MAX 255		/* characters of a Host field */
#define KS_PUMP_INPUT_MAX 16384		/* bytes of a request head, and of what is read at a time */
#define KS_PUMP_FEEDS_MAX 256		/* stores times sites */
#define KS_PUMP_ANSWER_US (60 * KS_US_PER_S)	/* a peer that has not taken an answer by then is cut off: it keeps
						 * a picture in memory that nobody else may need any more */
#define KS_PUMP_LINGER_US (2 * KS_US_PER_S)	/* for the peer to close, so that nothing it sent destroys our answer */
#define KS_PUMP_PART_US (2500 * KS_US_PER_MS)	/* for one more answer when the pump ends: who polls asks every
						 * second, and who waits gets a picture every second */
#define KS_PUMP_PIPELINED_MAX 64	/* answers to one viewer before the others get their turn */
#define KS_PUMP_RELEASE_US (5 * KS_US_PER_MS)	/* between two groups of answers to those who waited */
#define KS_PUMP_LOOK_US (250 * KS_US_PER_MS)	/* between two looks at the load */
#define KS_PUMP_RELEASE_MIN 16		/* in each group, so that few wait for nothing */

struct ks_pump;

/* An answer that goes out, for the log; of a stream its first part. */
struct ks_pump_answered {
	const struct ks_site *site;
	struct ks_span request;		/* the head's bytes */
	int fd;
	int status;
	size_t body, sent;	/* bytes; sent: with its head */
};

struct ks_pump_ops {
	/* Takes over the descriptor and its carrier, if it has one; bytes[0..len) were read from it and are not answered
	 * yet. `host` is as it was handed over. False: it cannot; the pump then closes the connection between two answers.
	 * Called in the pump's thread, or in one that lends; must not wait. */
	bool (*give_back)(void *ctx, const struct ks_site *site, int fd, struct ks_carrier *carrier, const char *host,
			  const char *bytes, size_t len);

	/* NULL: there is no log. Called in the pump's thread; must not wait. */
	void (*answered)(void *ctx, const struct ks_pump_answered *answered);
	void *ctx;

	void *log_ctx;		/* of answered */
};

/* `stores` and what `ops` points to outlive the pump. KS_EOK or -errno. */
int ks_pump_new(struct ks_pump **pump, struct ks_stores *stores, const struct ks_pump_ops *ops,
		const struct ks_clock *clock);

/* How much all children together may have; 0 is no limit. Before the start. */
struct ks_pump_limits {
	double capacity;	/* bytes a second, see load.h */
	uint64_t viewers;	/* beyond: new ones are refused */
	uint64_t waiting;	/* beyond: who would wait is told to come again */
};
void ks_pump_limit(struct ks_pump *pump, const struct ks_pump_limits *limits);

/* True when somebody who watches nothing yet is to be refused. Any thread. */
bool ks_pump_refuses(const struct ks_pump *pump);

/* What is done about the load, as of the last look. Any thread. */
enum ks_load_stage ks_pump_stage(const struct ks_pump *pump);

/* Starts the thread. KS_EOK or -errno. Without it, ks_pump_turn() does what the thread does, once: for tests. */
int ks_pump_start(struct ks_pump *pump);
void ks_pump_turn(struct ks_pump *pump, int64_t timeout_us);

/* Hands a connected socket over, with what was read from it and is not answered yet, and the Host of the request that
 * httpd was asked. With a carrier the bytes go through that, and the descriptor is its. True: the descriptor and the
 * carrier are the pump's. False: the pump is full, or stops. */
bool ks_pump_take(struct ks_pump *pump, const struct ks_site *site, int fd, struct ks_carrier *carrier,
		  const char *host, const char *bytes, size_t len);

/* The same with one that the pump has given back and that had its answer: also while the pump drains, since nobody has
 * told it yet that its connection ends. False: the pump is full. */
bool ks_pump_take_back(struct ks_pump *pump, const struct ks_site *site, int fd, struct ks_carrier *carrier,
		       const char *host, const char *bytes, size_t len);

/* ks_pump_take() with a carrier that nobody but the pump can serve or close: when the pump is full, or stops, it is
 * given back at once. */
void ks_pump_lend(struct ks_pump *pump, const struct ks_site *site, int fd, struct ks_carrier *carrier,
		  const char *host, const char *bytes, size_t len);

/* Whether it would take one more now. Any thread. */
bool ks_pump_has_room(const struct ks_pump *pump);

/* Takes over a socket on which all has been said and that is shut down for writing: waits for the peer to close. */
void ks_pump_linger(struct ks_pump *pump, int fd, struct ks_carrier *carrier);

/* Each connection gets one more answer, which says that it is the last: the next picture, or a 204 when that does not
 * come within KS_PUMP_PART_US. Who asks for nothing in that time is closed. Returns at once. */
void ks_pump_drain(struct ks_pump *pump);

/* Viewers that are connected. */
size_t ks_pump_viewers(const struct ks_pump *pump);

/* Drains, waits for those that are still being answered, no longer than that, and ends the thread. Other threads may
 * still come to the door afterwards, until ks_pump_free(). */
void ks_pump_stop(struct ks_pump *pump, int64_t wait_us);

/* Ends the thread at once, if it runs, and all connections. */
void ks_pump_free(struct ks_pump *pump);

#endif
