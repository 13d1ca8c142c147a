/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/audience/screen.h"

/* The age of what is shown, from where it was counted to now. */
static void count_age(struct swarm_screen *screen, struct swarm_tally *tally, int64_t mono_us)
{
	int64_t born_us = screen->shown_at_us - screen->age_us;

	swarm_histogram_sweep(&tally->age, screen->counted_us - born_us, mono_us - born_us);
	screen->counted_us = mono_us;
}

static void count_stall(const struct swarm_screen *screen, struct swarm_tally *tally, int64_t mono_us, int64_t stall_us)
{
	if (mono_us - screen->shown_at_us > stall_us)
		swarm_tally_count(tally, SWARM_STALLS);
}

bool swarm_screen_show(struct swarm_screen *screen, struct swarm_tally *tally, const struct ks_picture *picture,
		       const struct swarm_moment *now, bool sees_all, int64_t stall_us)
{
	int order = screen->lit ? ks_frame_id_cmp(picture->id, screen->newest) : 1;

	if (order <= 0) {
		swarm_tally_count(tally, order == 0 ? SWARM_DUPLICATES : SWARM_BACKWARDS);
		return false;
	}
	if (screen->lit) {
		count_age(screen, tally, now->mono_us);
		count_stall(screen, tally, now->mono_us, stall_us);
		swarm_histogram_add(&tally->gap, now->mono_us - screen->shown_at_us);
		if (sees_all && picture->id.epoch == screen->newest.epoch)
			tally->count[SWARM_SKIPS] += picture->id.seq - screen->newest.seq - 1;
	}
	swarm_tally_count(tally, SWARM_DISTINCT);
	*screen = (struct swarm_screen){
		.lit = true, .newest = picture->id, .shown_at_us = now->mono_us, .counted_us = now->mono_us,
		.age_us = now->wall_us - picture->captured_us,
	};
	swarm_histogram_add(&tally->arrival_age, screen->age_us);
	return true;
}

void swarm_screen_restart(struct swarm_screen *screen, int64_t mono_us)
{
	screen->counted_us = mono_us;
}

void swarm_screen_end(struct swarm_screen *screen, struct swarm_tally *tally, int64_t mono_us, int64_t stall_us)
{
	if (screen->lit) {
		count_age(screen, tally, mono_us);
		count_stall(screen, tally, mono_us, stall_us);
	}
	screen->lit = false;
}
