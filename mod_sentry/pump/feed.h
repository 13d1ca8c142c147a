/* SPDX-License-Identifier: Apache-2.0
 *
 * What the pump has of one store at one site: the newest picture, its head as it is now, and who waits for the next.
 * The pump's thread alone touches it.
 */
#ifndef KS_MOD_SENTRY_PUMP_FEED_H
#define KS_MOD_SENTRY_PUMP_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "mod_sentry/pump/head.h"
#include "mod_sentry/pump/site.h"
#include "mod_sentry/pump/watch.h"

struct ks_viewer;
TAILQ_HEAD(ks_waiting, ks_viewer);

struct ks_feed {
	struct ks_feed *next;
	const struct ks_site *site;
	struct ks_copies *copies;
	struct ks_watch *watch;
	size_t counted;			/* the counters' row */
	struct ks_picture *picture;	/* the newest; NULL: none */
	int error;			/* why the store cannot be read; KS_EOK: it can */
	struct ks_feed *smaller;	/* shown instead when bytes are short; NULL: this one is */

	struct ks_feed_head {		/* of the picture in its usual answer, as it is in this millisecond */
		int64_t ms;		/* 0: to be made */
		struct ks_head head;
	} heads[2];			/* without and with words about keep-alive */

	struct ks_waiting waiting;	/* for a picture that is not here yet */
	struct ks_waiting due;		/* for the one that is: answered bit by bit */
	size_t n_waiting, n_due;
	uint32_t round;			/* counts the pictures; who waits since an earlier one is due */
	int64_t due_since_us;
	size_t due_total, due_done;	/* of this round */

	size_t prefix_len;
	char prefix[];			/* "<mount>/<channel>/<rendition>/", as it stands in requests */
};

/* NULL when out of memory or threads, and when httpd answers for some of it in another way (site->sections). */
struct ks_feed *ks_feed_new(const struct ks_site *site, struct ks_copies *copies, int eventfd, int64_t now_us);
void ks_feed_free(struct ks_feed *feed);

/* Looks for a newer picture; when there is one, all that wait are due. With `skip` every other picture passes them
 * by. */
void ks_feed_look(struct ks_feed *feed, bool skip, int64_t now_us);

/* True for the pictures that pass by. */
bool ks_feed_skips(struct ks_frame_id id);

/* A viewer begins to wait (for what comes after `after`; there is a picture), or ceases to. */
void ks_feed_wait(struct ks_feed *feed, struct ks_viewer *viewer);
void ks_feed_leave(struct ks_feed *feed, struct ks_viewer *viewer);

/* The next that is due; NULL: none. It stays where it is. */
struct ks_viewer *ks_feed_next(struct ks_feed *feed);

/* How many of those that are due may be answered by now. */
size_t ks_feed_quota(const struct ks_feed *feed, int64_t now_us);

/* The usual answer's head: 200, latest, the connection stays. */
const struct ks_head *ks_feed_head(struct ks_feed *feed, bool keep_alive, const struct ks_freshness *f, int64_t now_us,
				   const char *date);

#endif
