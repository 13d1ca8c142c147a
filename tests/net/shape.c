/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/net/shape.h"

#include <math.h>

#define BITS 8

/* SplitMix64 (Steele, Lea, Flood 2014): each seed is a stream of its own. */
static uint64_t random_u64(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Above 0, up to 1. */
static double random_unit(uint64_t *state)
{
	return (double)((random_u64(state) >> 11) + 1) / (double)(UINT64_C(1) << 53);
}

static bool random_share(uint64_t *state, uint32_t ppm)
{
	return random_unit(state) * SHAPE_PPM <= ppm;
}

void shape_init(struct shape *shape, uint64_t seed)
{
	*shape = (struct shape) { .packet_seed = seed, .burst_seed = ~seed };
}

/* How long it stays dark or light: both end by chance alone, so the times are exponential. */
static int64_t burst_length(struct shape *shape)
{
	double dark = (double)shape->set.burst_ns, share = (double)shape->set.burst_ppm / SHAPE_PPM;
	double mean = shape->dark ? dark : dark * (1 - share) / share;
	double length = -log(random_unit(&shape->burst_seed)) * mean;

	return length < 1 ? 1 : (int64_t)length;
}

void shape_set(struct shape *shape, const struct shape_settings *set, int64_t now_ns)
{
	bool bursts = set->burst_ppm != shape->set.burst_ppm || set->burst_ns != shape->set.burst_ns;

	shape->set = *set;
	if (!bursts)
		return;
	shape->dark = false;
	if (set->burst_ppm > 0)
		shape->turn_ns = now_ns + burst_length(shape);
}

static bool is_dark(struct shape *shape, int64_t at_ns)
{
	if (shape->set.burst_ppm == 0)
		return false;
	while (shape->turn_ns <= at_ns) {
		shape->dark = !shape->dark;
		shape->turn_ns += burst_length(shape);
	}
	return shape->dark;
}

/* Sends a packet over a line with a rate: false when the queue has no room, else *at_ns is when its last bit leaves. */
static bool take_line(struct shape *shape, size_t len, int64_t *at_ns)
{
	const struct shape_settings *set = &shape->set;
	double ns_per_byte = BITS * (double)SHAPE_NS_PER_S / (double)set->rate;
	int64_t line_ns = shape->line_ns, bucket_ns = (int64_t)((double)set->bucket * ns_per_byte);

	if (line_ns < *at_ns - bucket_ns)
		line_ns = *at_ns - bucket_ns;
	if ((double)(line_ns - *at_ns) > (double)set->queue * ns_per_byte)
		return false;
	shape->line_ns = line_ns + (int64_t)((double)len * ns_per_byte);
	if (shape->line_ns > *at_ns)
		*at_ns = shape->line_ns;
	return true;
}

static int64_t travel(struct shape *shape, int64_t left_ns, double jitter, bool held)
{
	const struct shape_settings *set = &shape->set;
	int64_t at_ns = left_ns + set->delay_ns + (int64_t)((2 * jitter - 1) * (double)set->jitter_ns);

	if (at_ns < left_ns)
		at_ns = left_ns;
	if (held)
		return at_ns + set->reorder_ns;
	if (at_ns < shape->last_ns)
		at_ns = shape->last_ns;
	shape->last_ns = at_ns;
	return at_ns;
}

struct shape_verdict shape_packet(struct shape *shape, size_t len, int64_t now_ns)
{
	const struct shape_settings *set = &shape->set;
	uint64_t *random = &shape->packet_seed;
	bool lost = random_share(random, set->loss_ppm);
	struct shape_verdict verdict = { .fate = SHAPE_PASS, .at_ns = now_ns };
	double jitter;

	verdict.twice = random_share(random, set->duplicate_ppm);
	verdict.corrupt = random_share(random, set->corrupt_ppm);
	verdict.reordered = random_share(random, set->reorder_ppm);
	jitter = random_unit(random);
	verdict.place = (uint32_t)random_u64(random);

	if (set->down)
		verdict.fate = SHAPE_DOWN;
	else if (set->mtu > 0 && len > set->mtu)
		verdict.fate = SHAPE_MTU;
	else if (set->rate > 0 && !take_line(shape, len, &verdict.at_ns))
		verdict.fate = SHAPE_QUEUE;
	else if (lost)
		verdict.fate = SHAPE_LOSS;
	else if (is_dark(shape, verdict.at_ns))
		verdict.fate = SHAPE_BURST;
	else
		verdict.at_ns = travel(shape, verdict.at_ns, jitter, verdict.reordered);
	return verdict;
}
