/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/audience/histogram.h"

#include <math.h>

#define PER_OCTAVE (1U << SWARM_HISTOGRAM_BITS)

static uint32_t clamp(int64_t value_us)
{
	if (value_us < 0)
		return 0;
	return value_us > (int64_t)SWARM_HISTOGRAM_TOP_US ? SWARM_HISTOGRAM_TOP_US : (uint32_t)value_us;
}

/* Below PER_OCTAVE a bucket holds one value; above, each power of two is cut into PER_OCTAVE of them. */
static unsigned bucket_of(uint32_t value)
{
	unsigned shift;

	if (value < PER_OCTAVE)
		return value;
	shift = 31 - (unsigned)__builtin_clz(value) - SWARM_HISTOGRAM_BITS;
	return (shift << SWARM_HISTOGRAM_BITS) + (value >> shift);
}

/* The first value that is above the bucket's. */
static uint64_t end_of(unsigned bucket)
{
	unsigned shift = bucket < PER_OCTAVE ? 0 : (bucket >> SWARM_HISTOGRAM_BITS) - 1;

	return (uint64_t)(bucket - (shift << SWARM_HISTOGRAM_BITS) + 1) << shift;
}

void swarm_histogram_add(struct swarm_histogram *h, int64_t value_us)
{
	uint32_t value = clamp(value_us);

	h->bucket[bucket_of(value)]++;
	h->weight++;
	h->sum += value;
	if (value > h->max)
		h->max = value;
}

void swarm_histogram_sweep(struct swarm_histogram *h, int64_t from_us, int64_t to_us)
{
	uint64_t from = clamp(from_us), to = clamp(to_us);

	if (to <= from)
		return;
	h->sum += (double)(to - from) * ((double)from + (double)to) / 2;
	h->weight += to - from;
	if (to > h->max)
		h->max = (uint32_t)to;
	for (unsigned b = bucket_of((uint32_t)from); from < to; b++) {
		uint64_t end = end_of(b) < to ? end_of(b) : to;

		h->bucket[b] += end - from;
		from = end;
	}
}

void swarm_histogram_merge(struct swarm_histogram *into, const struct swarm_histogram *from)
{
	for (unsigned b = 0; b < SWARM_HISTOGRAM_BUCKETS; b++)
		into->bucket[b] += from->bucket[b];
	into->weight += from->weight;
	into->sum += from->sum;
	if (from->max > into->max)
		into->max = from->max;
}

int64_t swarm_histogram_quantile(const struct swarm_histogram *h, double share)
{
	uint64_t rank = (uint64_t)ceil(share * (double)h->weight), seen = 0;

	for (unsigned b = 0; b < SWARM_HISTOGRAM_BUCKETS; b++) {
		seen += h->bucket[b];
		if (seen >= rank && seen > 0)
			return end_of(b) - 1 < h->max ? (int64_t)(end_of(b) - 1) : (int64_t)h->max;
	}
	return h->max;
}

double swarm_histogram_mean(const struct swarm_histogram *h)
{
	return h->weight > 0 ? h->sum / (double)h->weight : 0;
}
