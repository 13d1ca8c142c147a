/* SPDX-License-Identifier: Apache-2.0
 *
 * What one relay loses, from the differences between its reports, over about the last ten seconds; and the circuit
 * breaker (RFC 8084, RFC 8085 section 3.1.10) that sends less where most of it is lost: such a path is full, and
 * more parity makes it fuller.
 */
#ifndef KS_WIRE_LOSS_H
#define KS_WIRE_LOSS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/clock.h"

#define KS_LOSS_REPORTS 10		/* that count, one a second */
#define KS_LOSS_RECENT 5		/* of these, for the breaker */
#define KS_LOSS_PRIOR_DATAGRAMS 10	/* what was believed before weighs as much as these */
#define KS_LOSS_CEILING_PPM 500000	/* more than this is not made up for in advance */

struct ks_loss {
	struct {
		uint32_t expected, lost;
	} reports[KS_LOSS_REPORTS];
	size_t n, next;
	uint32_t prior_ppm;
};

void ks_loss_init(struct ks_loss *loss, uint32_t prior_ppm);

/* Another belief; what was reported stays. */
void ks_loss_believe(struct ks_loss *loss, uint32_t prior_ppm);

/* Of `expected` datagrams since the report before, `received` arrived. Nothing expected: says nothing. */
void ks_loss_report(struct ks_loss *loss, uint32_t expected, uint32_t received);

/* The mean, between KS_LOSS_FLOOR_PPM and KS_LOSS_CEILING_PPM; before the first report, what was believed. */
uint32_t ks_loss_mean_ppm(const struct ks_loss *loss);

/* For who cannot ask for more: two standard deviations above the mean. The deviation is how far off the mean may
 * be, and how much more than by chance the reports differ; what chance does to one object is in ks_fec_parity()
 * already. */
uint32_t ks_loss_high_ppm(const struct ks_loss *loss);

/* Of the last KS_LOSS_RECENT reports, as it is; 0 before the first. */
uint32_t ks_loss_recent_ppm(const struct ks_loss *loss);

#define KS_BREAKER_HALF_PPM 300000
#define KS_BREAKER_HALF_US (10 * KS_US_PER_S)
#define KS_BREAKER_PROBE_PPM 500000
#define KS_BREAKER_PROBE_US (30 * KS_US_PER_S)
#define KS_BREAKER_BACK_US (10 * KS_US_PER_S)		/* below the limit, for each step back */
#define KS_BREAKER_FRAME_US (5 * KS_US_PER_S)		/* between frames in the last state */

enum ks_breaker_state {
	KS_BREAKER_CLOSED,	/* everything is sent */
	KS_BREAKER_HALF,	/* every second frame */
	KS_BREAKER_PROBE,	/* one frame each KS_BREAKER_FRAME_US */
	KS_BREAKER_STATES
};

struct ks_breaker {
	enum ks_breaker_state state;
	int64_t half_since_us, probe_since_us;	/* above the limit; 0: not */
	int64_t below_since_us;			/* below the limit of the present state; 0: not */
};

/* After each report, with ks_loss_recent_ppm(). */
void ks_breaker_report(struct ks_breaker *breaker, uint32_t recent_ppm, int64_t now_us);

#endif
