/* SPDX-License-Identifier: Apache-2.0
 *
 * An outage of the source: from its first fault to the next good picture. It is logged at its two ends and
 * not in between, and says when to try again: at once when the signal merely changed, else after a delay
 * that doubles to 30 s, with jitter, so that several of them do not knock in step.
 */
#ifndef KS_CAPTURE_OUTAGE_H
#define KS_CAPTURE_OUTAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/source.h"

#define KS_RETRY_MAX_MS 30000

struct ks_outage {
	enum ks_fault fault;	/* KS_FAULT_NONE: there is none */
	char why[KS_WHY_MAX];
	int64_t since_us;	/* UTC */
	int64_t since_mono_us;
	int64_t delay_ms;	/* the next; 0: the first is still to come */
	bool told;		/* its beginning was logged */
};

/* Notes a fault; the first begins an outage. True when it did. `meanwhile` says in the log what happens now. */
bool ks_outage_note(struct ks_outage *outage, const struct ks_source *source, const char *meanwhile);

/* A good picture came. True when that ended an outage. */
bool ks_outage_end(struct ks_outage *outage, const struct ks_clock *clock);

/* How long to wait before the source is opened again. */
int64_t ks_outage_delay_ms(struct ks_outage *outage, int64_t first_ms);

#endif
