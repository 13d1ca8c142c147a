/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/hold.h"

#include <stdatomic.h>

static atomic_size_t left;
static atomic_bool ended;

void ks_hold_allow(size_t threads)
{
	atomic_store(&left, threads / KS_HOLD_SHARE > 0 ? threads / KS_HOLD_SHARE : 1);
	atomic_store(&ended, false);
}

void ks_hold_end(void)
{
	atomic_store(&ended, true);
}

bool ks_hold_enter(void)
{
	size_t n = atomic_load(&left);

	while (n > 0 && !atomic_load(&ended))
		if (atomic_compare_exchange_weak(&left, &n, n - 1))
			return true;
	return false;
}

void ks_hold_leave(void)
{
	atomic_fetch_add(&left, 1);
}

static bool is_next(const struct ks_request *q, const struct ks_picture *picture)
{
	return picture != NULL && ks_frame_id_cmp(picture->m.id, q->url.after) > 0;
}

struct ks_picture *ks_hold_for_next(struct ks_request *q, struct ks_copies *copies, struct ks_picture *picture,
				    int64_t until_us, int *error)
{
	struct ks_copies_seen seen = { NULL, 0 };

	while (!is_next(q, picture) && q->mono_us < until_us && !atomic_load(&ended)) {
		int64_t left_us = until_us - q->mono_us;

		ks_copies_wait(copies, &seen, left_us < KS_COPIES_LOOK_US ? left_us : KS_COPIES_LOOK_US);
		q->mono_us = ks_mono_us(&ks_clock_system);
		q->wall_us = ks_wall_us(&ks_clock_system);
		ks_picture_unref(picture);
		picture = ks_copies_newest(copies, q->mono_us, error);
	}
	return picture;
}
