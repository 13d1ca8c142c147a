/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters of all children of one httpd, in one anonymous shared mapping that outlives graceful and hard
 * restarts. Each child adds to a page of its own with relaxed atomics; whoever is asked for the metrics
 * sums the pages. No lock in a request. Two children may come to share a page; nothing is lost then.
 */
#ifndef KS_MOD_SENTRY_COUNTERS_H
#define KS_MOD_SENTRY_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/clock.h"

#define KS_COUNTERS_CHILDREN 256	/* whose gauges are added up */
#define KS_COUNTERS_SILENT_US (3 * KS_US_PER_S)	/* a child that has not reported for so long is gone */
#define KS_COUNTERS_PAGES 16	/* children counted without sharing a page */
#define KS_COUNTERS_STORES 128	/* channels and renditions counted by name; what is beyond is in the first row */

enum ks_answer {
	KS_ANSWER_200,
	KS_ANSWER_204,
	KS_ANSWER_304,
	KS_ANSWER_400,
	KS_ANSWER_404,
	KS_ANSWER_405,
	KS_ANSWER_410,
	KS_ANSWER_412,
	KS_ANSWER_503,
	KS_ANSWER_OTHER,
	KS_ANSWERS
};

extern const char *const ks_answer_names[KS_ANSWERS];

/* In the parent, once: makes the mapping, NULL when there is no memory. Then, after every start of a
 * configuration and in every child: says which mapping is ours and, in a child, takes a page of it. */
void *ks_counters_new(void);
void ks_counters_use(void *counters);
void ks_counters_take_page(void);

/* The row of a store, the same in all children. Row 0 is for answers that concern no store. */
size_t ks_counters_row(const char *channel, const char *rendition);

/* `bytes` of body were handed out with this status. */
void ks_counters_answered(size_t row, int status, size_t bytes);
void ks_counters_copied(void);	/* a frame was copied out of a store */
void ks_counters_unlogged(void);	/* an answer was not written to the access log: there was no room */
void ks_counters_refused(void);	/* a connection of the pump was not taken back by httpd's side: it was too busy */
void ks_counters_failed(void);	/* a store could not be opened or read */

/* Bytes that left the pump, heads and all: what a machine's capacity is about. */
void ks_counters_sent(uint64_t bytes);
uint64_t ks_counters_sent_bytes(void);

/* What each child's pump has now. Reported at least every KS_COUNTERS_SILENT_US; the sum is of those that do. */
struct ks_gauges {
	uint64_t viewers, waiting;
};
void ks_counters_report(const struct ks_gauges *mine, int64_t mono_us);
struct ks_gauges ks_counters_gauges(int64_t mono_us);

/* True for one of the children that report: it speaks for all. */
bool ks_counters_speaker(int64_t mono_us);

/* The names of a row; false when nothing has claimed it. Row 0 has empty names. */
bool ks_counters_names(size_t row, const char **channel, const char **rendition);
uint64_t ks_counters_answers(size_t row, enum ks_answer answer);
uint64_t ks_counters_bytes(size_t row);
uint64_t ks_counters_copies(void);
uint64_t ks_counters_failures(void);
uint64_t ks_counters_log_losses(void);
uint64_t ks_counters_refusals(void);

#endif
