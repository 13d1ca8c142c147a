/* SPDX-License-Identifier: Apache-2.0
 *
 * A seat in the audience: viewers come to it, ask for pictures, look at them, and go. Everything happens in one thread
 * per process; a seat holds a few hundred bytes, and an answer's state (struct swarm_arriving) only while one arrives.
 */
#ifndef KS_SWARM_VIEWER_H
#define KS_SWARM_VIEWER_H

#include "bench/audience/arriving.h"
#include "bench/audience/connection.h"
#include "bench/audience/pool.h"
#include "bench/audience/request.h"
#include "bench/audience/screen.h"
#include "bench/audience/timers.h"

enum swarm_kind {
	SWARM_WATCHER,
	SWARM_SLOW,	/* reads a few bytes at a time */
	SWARM_STALLED,	/* asks and never reads */
	SWARM_LORIS,	/* never ends its request */
	SWARM_KINDS
};

extern const char *const swarm_kind_names[SWARM_KINDS];

enum swarm_viewer_state { SWARM_AWAY, SWARM_IDLE, SWARM_OPENING, SWARM_ASKED };

struct swarm_viewer {
	struct swarm_timer timer;	/* the first member: a timer that is due is a viewer's */
	enum swarm_viewer_state state;
	enum swarm_kind kind;
	uint8_t origin;
	bool planned;			/* its next request waits for its time, so that being late for it is a slip */
	bool seen;			/* a picture, since it came */
	bool refused;			/* its last answer was none */
	uint32_t seat;
	struct swarm_connection conn;
	size_t sent;			/* of the request, which is written again where it did not go at once */
	struct swarm_arriving *arriving;	/* from the pool; NULL: no byte of an answer */
	int64_t arrive_us, leave_us;
	int64_t opened_us, asked_us, deadline_us, nibble_us;
	struct swarm_pace pace;
	struct swarm_screen screen;
	char etag[KS_ANSWER_VALUE_MAX];
};

/* What all viewers of a process share. */
struct swarm_stage {
	const struct swarm_run *run;
	const struct swarm_request *request;	/* of each origin */
	struct swarm_tls_client *tls;
	struct swarm_tally *tally;		/* of each kind */
	struct swarm_histogram *slip;		/* how late timers were */
	char *fault;	/* SWARM_FAULT_MAX bytes: where the first malformed answer was so; empty: none */
	struct swarm_timers timers;
	struct swarm_pool arriving;
	uint8_t *buffer;
	int epoll;
	unsigned short seed[3];
	int64_t start_us;
	uint64_t judged;			/* pictures, for digest_every */
	int64_t pictures_left;
	int own_error;				/* errno of what failed for want of this machine's means; 0: nothing */
	uint64_t present;			/* watchers that are there */
};

#define SWARM_FAULT_MAX 128
#define SWARM_BUFFER_SIZE ((size_t)256 * 1024)

/* The seat's first viewer will come in its time. The rest of *viewer is zeroed. */
void swarm_viewer_begin(struct swarm_stage *stage, struct swarm_viewer *viewer);

/* Its timer is due, or epoll has something of its connection. */
void swarm_viewer_due(struct swarm_stage *stage, struct swarm_viewer *viewer);
void swarm_viewer_ready(struct swarm_stage *stage, struct swarm_viewer *viewer, uint32_t events);

/* The tallies have been emptied. */
void swarm_viewer_restart(struct swarm_viewer *viewer, int64_t now_us);

/* The run is over. */
void swarm_viewer_end(struct swarm_stage *stage, struct swarm_viewer *viewer, int64_t now_us);

static inline struct swarm_tally *swarm_viewer_tally(struct swarm_stage *stage, const struct swarm_viewer *viewer)
{
	return &stage->tally[viewer->kind];
}

#endif
