/* SPDX-License-Identifier: Apache-2.0
 *
 * What a viewer saw, in numbers. Pure bookkeeping: the caller says what happened and when (monotonic
 * microseconds), so that tests need neither clock nor network. One thread.
 */
#ifndef KS_KOSHIENCTL_TALLY_H
#define KS_KOSHIENCTL_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "koshienctl/judge.h"

/* Ages kept for percentiles. Up to here they are exact; a longer run keeps a fair sample of this size. */
#define KS_TALLY_AGES_MAX 65536
#define KS_TALLY_SERVERS_MAX 32		/* further names are counted together, as KS_TALLY_OTHERS */
#define KS_TALLY_OTHERS "others"
#define KS_TALLY_UNNAMED "unnamed"	/* answers without Served-By */

struct ks_served {
	char name[KS_ANSWER_VALUE_MAX];
	uint64_t n;
};

struct ks_tally {
	uint64_t frames;	/* whole, good pictures */
	uint64_t distinct;	/* of them, those that a viewer would have shown: each newer than all before */
	uint64_t backwards;	/* of them, the others */
	uint64_t bad;		/* answers that promise a picture and do not keep it */
	uint64_t bad_by[KS_VERDICTS];
	uint64_t responses;	/* answers with status 200 and 204 */
	uint64_t empty;		/* those with 204 */
	uint64_t errors;	/* everything else: no connection, timeout, other status */
	uint64_t bytes;		/* of bodies */

	struct ks_served served[KS_TALLY_SERVERS_MAX];
	size_t n_served;

	struct ks_picture newest;	/* once distinct > 0 */
	int64_t newest_age_us;		/* when it came */
	int64_t newest_at_us, first_at_us;
	int64_t gap_us;			/* the longest time from one new picture to the next so far */
	double age_area;		/* of finished pictures, µs²: age integrated over the time each was shown */

	int64_t *ages_us;		/* malloc'ed, KS_TALLY_AGES_MAX */
	size_t n_ages;
};

/* KS_EOK or -ENOMEM. */
int ks_tally_init(struct ks_tally *tally);
void ks_tally_free(struct ks_tally *tally);

/* An answer with status 200 or 204 from that server (empty: it did not say). Called once for each, before
 * what it held is told. */
void ks_tally_response(struct ks_tally *tally, const char *served_by, size_t bytes);

/* What it held. */
void ks_tally_empty(struct ks_tally *tally);
void ks_tally_bad(struct ks_tally *tally, enum ks_verdict verdict);
void ks_tally_picture(struct ks_tally *tally, const struct ks_picture *picture, int64_t age_us, int64_t mono_us);

void ks_tally_error(struct ks_tally *tally);

/* The age that `share` (0 to 1) of the good pictures did not exceed when they came (nearest rank); 0 when
 * there were none. Sorts the samples. */
int64_t ks_tally_age_us(struct ks_tally *tally, double share);

/* Age of what was on the screen, averaged over the time from the first picture to now. */
int64_t ks_tally_mean_age_us(const struct ks_tally *tally, int64_t mono_us);

/* The longest time without a new picture, from the first one to now. */
int64_t ks_tally_gap_us(const struct ks_tally *tally, int64_t mono_us);

/* The part of all responses that came from a server of that name, 0 to 1. */
double ks_tally_share(const struct ks_tally *tally, const char *name);

#endif
