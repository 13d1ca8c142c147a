/* SPDX-License-Identifier: Apache-2.0
 *
 * Time, as int64_t microseconds. Everything that needs the time takes a clock, so that tests and the
 * simulator can drive it; programs pass ks_clock_system.
 */
#ifndef KS_BASE_CLOCK_H
#define KS_BASE_CLOCK_H

#include <stdint.h>

#define KS_US_PER_MS INT64_C(1000)
#define KS_US_PER_S INT64_C(1000000)

struct ks_clock {
	int64_t (*wall_us)(void *ctx);	/* UTC since 1970; may step in either direction */
	int64_t (*mono_us)(void *ctx);	/* never goes back; since boot, the same for every process */
	void *ctx;
};

extern const struct ks_clock ks_clock_system;

static inline int64_t ks_wall_us(const struct ks_clock *clock)
{
	return clock->wall_us(clock->ctx);
}

static inline int64_t ks_mono_us(const struct ks_clock *clock)
{
	return clock->mono_us(clock->ctx);
}

#endif
