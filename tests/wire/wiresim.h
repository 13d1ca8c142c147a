/* SPDX-License-Identifier: Apache-2.0
 *
 * One of the worlds that wiresim runs: a source, a chain of relays, and what the last one got.
 */
#ifndef KS_TESTS_WIRE_WIRESIM_H
#define KS_TESTS_WIRE_WIRESIM_H

#include "tests/wire/world.h"

#define SIM_HOPS_MAX KS_HOPS_MAX
#define SIM_WORLDS_MAX 64
#define SIM_AGES_MAX 4000	/* ms; longer ones count as this */

struct sim_options {
	uint64_t frames, seed;
	size_t worlds, jobs;
	uint32_t bytes;
	int64_t period_us;
	struct world_path path;		/* of each hop, both ways */
	unsigned hops, parents;
	bool nack;			/* false: no way back at all */
	uint32_t expect_ppm;		/* what the senders are told to make up for */
	size_t datagram;
	/* Frames of each world; 0: never. */
	uint64_t kill_parent_at, partition_at, partition_frames, restart_every, clock_step_every;
	bool json, log;
};

struct sim_result {
	uint64_t frames, delivered, wrong, backwards;
	uint64_t datagrams, sent_bytes, shard_bytes, asked;	/* of all senders */
	uint64_t back_bytes;					/* of all receivers */
	int64_t gap_us;						/* longest time between two deliveries */
	uint64_t ages[SIM_AGES_MAX + 1];			/* ms from the source's hands to the last relay's */
	uint64_t dropped[KS_DROPS];				/* by the last relay */
};

/* What the formula of doc/wire.md gives for a path without a way back. */
struct sim_plan {
	size_t shard_len, k, m, blocks;	/* k and m of the largest block */
	double expected;		/* share of the objects that arrive; below 0: not known for this case */
};

/* Adds to *result. It is read while this runs, to show how far it is. */
void sim_run(const struct sim_options *options, size_t number, struct sim_result *result);

void sim_plan(const struct sim_options *options, struct sim_plan *plan);

#endif
