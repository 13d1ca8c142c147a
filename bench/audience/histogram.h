/* SPDX-License-Identifier: Apache-2.0
 *
 * How often which time occurred: a log-linear histogram as HdrHistogram made them known, of fixed size. Values are
 * microseconds, kept to within 1/128; above SWARM_HISTOGRAM_TOP_US they count as that. Two add up without loss.
 */
#ifndef KS_SWARM_HISTOGRAM_H
#define KS_SWARM_HISTOGRAM_H

#include <stdint.h>

#define SWARM_HISTOGRAM_BITS 7		/* of a value that its bucket keeps */
#define SWARM_HISTOGRAM_TOP_US UINT32_MAX
#define SWARM_HISTOGRAM_BUCKETS ((32 - SWARM_HISTOGRAM_BITS + 1) << SWARM_HISTOGRAM_BITS)

/* Zeroed: empty. */
struct swarm_histogram {
	uint64_t weight;	/* of all values: how many, unless they were weighted */
	double sum;		/* of value times weight */
	uint32_t max;
	uint64_t bucket[SWARM_HISTOGRAM_BUCKETS];
};

/* A value below zero counts as zero. */
void swarm_histogram_add(struct swarm_histogram *h, int64_t value_us);

/* A value that grew from from_us to to_us as time went by: every microsecond of it weighs one. */
void swarm_histogram_sweep(struct swarm_histogram *h, int64_t from_us, int64_t to_us);

void swarm_histogram_merge(struct swarm_histogram *into, const struct swarm_histogram *from);

/* The least value that `share` (0 to 1) of all weight does not exceed, as the top of its bucket; 0 of an empty one. */
int64_t swarm_histogram_quantile(const struct swarm_histogram *h, double share);
double swarm_histogram_mean(const struct swarm_histogram *h);

#endif
