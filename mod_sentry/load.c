/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/load.h"

#include <math.h>

const char *const ks_load_names[] = { "free", "ease", "skip", "shrink", "refuse" };

/* Shares of the capacity. */
static const struct {
	double enter, leave;
} stages[] = {
	[KS_LOAD_FREE] = { 0, 0 },
	[KS_LOAD_EASE] = { 0.80, 0.35 },
	[KS_LOAD_SKIP] = { 0.90, 0.40 },
	[KS_LOAD_SHRINK] = { 0.95, 0.40 },
	[KS_LOAD_REFUSE] = { 0.98, 0.85 },
};

static void measure(struct ks_load *load, uint64_t bytes, int64_t now_us)
{
	double gone_us = (double)(now_us - load->looked_us), keep = exp(-gone_us / (double)KS_LOAD_MEAN_US), rate;

	/* Less than before: a child's counters began anew. */
	rate = bytes >= load->bytes ? (double)(bytes - load->bytes) * (double)KS_US_PER_S / gone_us : 0;
	load->bytes_per_s = load->bytes_per_s * keep + rate * (1 - keep);
}

static enum ks_load_stage step(enum ks_load_stage stage, double share)
{
	if (stage < KS_LOAD_REFUSE && share >= stages[stage + 1].enter)
		return stage + 1;
	if (stage > KS_LOAD_FREE && share < stages[stage].leave)
		return stage - 1;
	return stage;
}

enum ks_load_stage ks_load_look(struct ks_load *load, uint64_t bytes, double capacity, int64_t now_us)
{
	enum ks_load_stage next = KS_LOAD_FREE;

	if (load->looked_us != 0 && now_us > load->looked_us)
		measure(load, bytes, now_us);
	if (load->looked_us == 0 || now_us > load->looked_us) {
		load->bytes = bytes;
		load->looked_us = now_us;
	}
	if (capacity > 0)
		next = step(load->stage, load->bytes_per_s / capacity);
	if (next != load->stage && (capacity <= 0 || now_us - load->stepped_us >= KS_LOAD_STEP_US)) {
		load->stage = next;
		load->stepped_us = now_us;
	}
	return load->stage;
}
