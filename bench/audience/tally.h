/* SPDX-License-Identifier: Apache-2.0
 *
 * What viewers of one kind saw, in numbers of fixed size that add up over processes. Lives in memory that the reporting
 * process reads while it grows.
 */
#ifndef KS_SWARM_TALLY_H
#define KS_SWARM_TALLY_H

#include "bench/audience/histogram.h"
#include "lib/http/picture_check.h"

#define SWARM_STATUS_MAX 600
#define SWARM_SERVERS_MAX 32		/* further names count as SWARM_OTHERS */
#define SWARM_OTHERS "others"
#define SWARM_UNNAMED "unnamed"		/* answers without Served-By */

/* NAME, key in the report */
#define SWARM_COUNTS_LIST(X)									\
	X(ARRIVED, "arrived")		/* viewers that came */					\
	X(LEFT, "left")			/* and went before the end */				\
	X(UNSEEN, "without_picture")	/* viewers that went, or were there at the end, without one picture */	\
	X(TOLD_WHY, "without_picture_refused")	/* of them, whose last answer was that there is none */	\
	X(REQUESTS, "requests")									\
	X(PICTURES, "pictures")		/* whole and good */					\
	X(DISTINCT, "distinct")		/* of them, newer than all before */			\
	X(DUPLICATES, "duplicates")	/* the one that is shown already */			\
	X(BACKWARDS, "backwards")	/* older than the one that is shown */			\
	X(SKIPS, "skips")		/* ids between two new pictures that never came */	\
	X(BAD, "bad")			/* promised to be pictures and were none */		\
	X(TRUNCATED, "truncated")	/* of them, cut by the connection's end or without their end */	\
	X(EMPTY, "empty")		/* status 204 */					\
	X(UNCHANGED, "not_modified")	/* status 304 */					\
	X(STALLS, "stalls")		/* gaps above the limit */				\
	X(BYTES, "bytes")		/* received, heads and all */				\
	X(CONNECTS, "connects")									\
	X(CONNECT_ERRORS, "connect_errors")							\
	X(TIMEOUTS, "timeouts")		/* connections or answers that did not come in time */	\
	X(MALFORMED, "malformed")	/* answers that are no HTTP/1.1 */			\
	X(CLOSED_CLEAN, "closed_clean")	/* by the server, between two answers */		\
	X(CLOSED_UNANSWERED, "closed_unanswered")	/* after a request, before any byte of its answer */	\
	X(CLOSED_CUT, "closed_cut")	/* in the middle of an answer */			\
	X(CLOSED_RESET, "closed_reset")	/* with a reset, between two answers */

enum swarm_count {
#define X(name, key) SWARM_##name,
	SWARM_COUNTS_LIST(X)
#undef X
	SWARM_COUNTS
};

extern const char *const swarm_count_names[SWARM_COUNTS];

struct swarm_served {
	char name[KS_ANSWER_VALUE_MAX];
	uint64_t n;
};

/* Zeroed: nothing happened. */
struct swarm_tally {
	uint64_t count[SWARM_COUNTS];
	uint64_t bad_by[KS_VERDICTS];
	uint64_t status[SWARM_STATUS_MAX];
	struct swarm_served served[SWARM_SERVERS_MAX];
	unsigned n_served;

	struct swarm_histogram age;		/* of what is on the screen, weighted by time */
	struct swarm_histogram arrival_age;	/* of each new picture when it was whole */
	struct swarm_histogram latency;		/* from when an answer was wanted until it was whole */
	struct swarm_histogram gap;		/* from one new picture to the next */
	struct swarm_histogram first;		/* from arriving to the first picture */
	struct swarm_histogram held;		/* how long the server kept a connection that it closed */
};

static inline void swarm_tally_count(struct swarm_tally *tally, enum swarm_count which)
{
	tally->count[which]++;
}

/* An answer with a picture, or with word that there is none, came from that server (empty: it did not say). */
void swarm_tally_served(struct swarm_tally *tally, const char *served_by);

void swarm_tally_bad(struct swarm_tally *tally, enum ks_verdict verdict);
void swarm_tally_merge(struct swarm_tally *into, const struct swarm_tally *from);

#endif
