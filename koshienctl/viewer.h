/* SPDX-License-Identifier: Apache-2.0
 *
 * A viewer without a screen: asks for the newest picture over one kept connection, again when the next
 * one is due, judges every answer and tallies it. Needs libcurl (HAVE_CURL).
 */
#ifndef KS_KOSHIENCTL_VIEWER_H
#define KS_KOSHIENCTL_VIEWER_H

#include <stdint.h>

#include "koshienctl/tally.h"

#define KS_VIEWER_URL_MAX 2048		/* bytes of a request's URL, with its NUL */
#define KS_VIEWER_TROUBLE_MAX 128

struct ks_viewer_settings {
	const char *url;	/* of the location, "http://[::1]:8080/live"; without a slash at the end */
	const char *channel, *rendition;
	int64_t poll_us;	/* the longest time between two requests */
	int64_t run_us;		/* how long; 0: until stop_fd */
	int stop_fd;		/* becomes readable when the run shall end; -1: none */
};

/* How it goes, once a second. */
struct ks_viewer_news {
	const struct ks_tally *tally;
	int64_t mono_us;
	const char *served_by;	/* of the last answer; empty: it did not say */
	const char *trouble;	/* what was wrong last, in the past second; empty: nothing */
};

typedef void ks_viewer_tell(void *ctx, const struct ks_viewer_news *news);

/* Runs to its end. `tell` may be NULL. KS_EOK also when nothing could be fetched (that is in the tally);
 * -errno or KS_ELIMIT, logged, when it could not run at all. */
int ks_viewer_run(const struct ks_viewer_settings *settings, struct ks_tally *tally, ks_viewer_tell *tell, void *ctx);

#endif
