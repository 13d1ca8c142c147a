/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/state.h"

const char *const ks_state_names[] = { "never", "live", "stale", "dead" };

static int64_t at_least(int64_t value, int64_t least)
{
	return value > least ? value : least;
}

struct ks_freshness ks_freshness_of(const struct ks_picture *picture, const struct ks_patience *patience,
				    int64_t mono_us, int64_t wall_us)
{
	struct ks_freshness f = { .state = KS_STATE_NEVER };
	int64_t held_us, period_us, stale_us;

	if (picture == NULL)
		return f;
	held_us = at_least(mono_us - picture->published_us, 0);
	period_us = (int64_t)picture->m.period_ms * KS_US_PER_MS;
	stale_us = patience->stale_periods * period_us;
	if (held_us > at_least(patience->dead_us, stale_us))
		f.state = KS_STATE_DEAD;
	else if (held_us > stale_us)
		f.state = KS_STATE_STALE;
	else
		f.state = KS_STATE_LIVE;
	f.held_ms = held_us / KS_US_PER_MS;
	f.age_ms = at_least((wall_us - picture->m.captured_us) / KS_US_PER_MS, f.held_ms);
	f.next_ms = at_least(period_us - held_us, 0) / KS_US_PER_MS;
	return f;
}
