/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run shall be, from the command line or a file.
 */
#ifndef KS_SWARM_OPTIONS_H
#define KS_SWARM_OPTIONS_H

#include "bench/audience/arrivals.h"
#include "bench/audience/observed.h"
#include "bench/audience/origin.h"
#include "bench/audience/pace.h"
#include "lib/base/settings.h"

#define SWARM_PROCESSES_MAX 64

enum swarm_conditional { SWARM_AFTER, SWARM_ETAG, SWARM_UNCONDITIONAL };

/* As the settings table fills it in. */
struct swarm_options {
	struct ks_list origins;		/* of char *, as given */
	struct ks_list observed;	/* of char *: --cpu-of */
	char *mode, *channel, *rendition, *picture, *conditional;
	bool plain, tls, quiet, force, expect_clean;
	char *tls_ca;
	int64_t viewers, processes, seconds, warmup_s, pictures;
	int64_t interval_ms, wait_ms, spread_ms, timeout_s, stall_ms, digest_every, seed;
	int64_t ramp_s;
	char *trace;
	struct ks_list bursts;
	int64_t stay_median_s;
	char *stay_sigma;
	int64_t slow, slow_rate, stalled, loris, loris_interval_s;
	char *json;
};

/* The same, read. */
struct swarm_run {
	struct swarm_options o;
	struct swarm_origin origin[SWARM_ORIGINS_MAX];
	size_t origins;
	pid_t observed[SWARM_OBSERVED_MAX];
	size_t n_observed;
	struct swarm_arrivals arrivals;
	struct swarm_pacing pacing;
	enum swarm_conditional conditional;
};

/* KS_SETTINGS_RUN, or leave main() with that status. */
enum ks_settings_outcome swarm_options_read(int argc, char **argv, struct swarm_run *run);
void swarm_options_free(struct swarm_run *run);

#endif
