/* SPDX-License-Identifier: Apache-2.0
 *
 * One process of the swarm: every so-many-th seat, one epoll loop, and what it found, in memory that the reporting
 * process sees.
 */
#ifndef KS_SWARM_WORKER_H
#define KS_SWARM_WORKER_H

#include <stdatomic.h>

#include "bench/audience/viewer.h"

struct swarm_result {
	struct swarm_tally tally[SWARM_KINDS];
	struct swarm_histogram slip;	/* how late timers were: those of requests, and one every 10 ms */
	uint64_t present;		/* watchers that are there now */
	int64_t window_us, cpu_us;	/* measured time, and this process's CPU time within */
	int64_t observed_us;		/* the servers' in that time; 0 in all processes but the first */
	int64_t resident_bytes;		/* at the end */
	int own_error;			/* as in struct swarm_stage */
	char fault[SWARM_FAULT_MAX];	/* the same */
};

/* Mapped into all processes. */
struct swarm_shared {
	atomic_bool stop;		/* set by the reporting process */
	int64_t start_us;		/* monotonic */
	struct swarm_result of[];	/* each process's */
};

/* Which seats there are: watchers first, then slow, stalled and loris. */
struct swarm_seats {
	size_t n;
	size_t of[SWARM_KINDS];
	uint8_t *origin;		/* of each */
};

/* Runs process number `index` to its end. KS_EOK or -errno, logged. */
int swarm_worker_run(const struct swarm_run *run, const struct swarm_seats *seats, struct swarm_shared *shared,
		     unsigned index);

#endif
