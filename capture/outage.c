/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/outage.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "capture/counts.h"
#include "lib/base/log.h"

bool ks_outage_note(struct ks_outage *outage, const struct ks_source *source, const char *meanwhile)
{
	bool begins = outage->fault == KS_FAULT_NONE;

	if (begins) {
		outage->since_us = ks_wall_us(source->clock);
		outage->since_mono_us = ks_mono_us(source->clock);
		outage->delay_ms = 0;
		outage->told = false;
		ks_count(&source->counts->faults[source->fault]);
	}
	outage->fault = source->fault;
	memcpy(outage->why, source->why, sizeof(outage->why));
	/* A change of the signal is part of the day's work; it is news only if the device does not come back. */
	if (outage->told || source->fault == KS_FAULT_CHANGED) {
		ks_debug("source", "%s", outage->why);
		return begins;
	}
	outage->told = true;
	ks_error("source", "%s: %s (%s)", ks_fault_titles[outage->fault], outage->why, meanwhile);
	return begins;
}

bool ks_outage_end(struct ks_outage *outage, const struct ks_clock *clock)
{
	if (outage->fault == KS_FAULT_NONE)
		return false;
	if (outage->told)
		ks_info("source", "pictures again after %.1f s",
			(double)(ks_mono_us(clock) - outage->since_mono_us) / (double)KS_US_PER_S);
	outage->fault = KS_FAULT_NONE;
	return true;
}

int64_t ks_outage_delay_ms(struct ks_outage *outage, int64_t first_ms)
{
	if (outage->fault == KS_FAULT_CHANGED && outage->delay_ms == 0)
		return 0;
	outage->delay_ms = outage->delay_ms == 0 ? first_ms : 2 * outage->delay_ms;
	if (outage->delay_ms > KS_RETRY_MAX_MS)
		outage->delay_ms = KS_RETRY_MAX_MS;
	/* From three quarters of it to the whole. */
	return outage->delay_ms - (int64_t)randombytes_uniform((uint32_t)(outage->delay_ms / 4 + 1));
}
