/* SPDX-License-Identifier: Apache-2.0
 *
 * What the swarm found, for people and for programs; and whether it may be believed.
 */
#ifndef KS_SWARM_REPORT_H
#define KS_SWARM_REPORT_H

#include "bench/audience/worker.h"

#define SWARM_SLIP_MAX_US (5 * KS_US_PER_MS)	/* the 99th percentile of how late timers may be */
#define SWARM_CPU_MAX 0.9			/* of its core that a process may use */

struct swarm_report {
	struct swarm_result sum;	/* over all processes; cpu_us of all */
	double cpu_share;		/* of its core, of the process that used most */
	char doubt[512];		/* why the numbers are not the server's, and what to do; empty: they are */
};

/* Adds up what the processes left. */
void swarm_report_make(struct swarm_report *report, const struct swarm_run *run, const struct swarm_shared *shared);

void swarm_report_print(const struct swarm_report *report, const struct swarm_run *run);

/* KS_EOK, or -errno with a log line. The file is there whole or not at all. */
int swarm_report_write(const struct swarm_report *report, const struct swarm_run *run, const char *path);

/* What is not as it should be, one line each on standard error; true when there was none. */
bool swarm_report_judge(const struct swarm_report *report, const struct swarm_run *run);

/* One line on standard error about the second that has passed; `before` is what the last call left there. */
struct swarm_progress {
	uint64_t pictures, bytes;
	double age_sum;
	uint64_t age_weight;
};
void swarm_report_progress(const struct swarm_run *run, const struct swarm_shared *shared, int64_t now_us,
			   struct swarm_progress *before);

#endif
