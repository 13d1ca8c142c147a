/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/clock.h"

#include <stddef.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * KS_US_PER_S + ts.tv_nsec / 1000;
}

static int64_t system_wall_us(void *ctx)
{
	(void)ctx;
	return read_us(CLOCK_REALTIME);
}

static int64_t system_mono_us(void *ctx)
{
	(void)ctx;
	return read_us(CLOCK_MONOTONIC);
}

const struct ks_clock ks_clock_system = { system_wall_us, system_mono_us, NULL };
