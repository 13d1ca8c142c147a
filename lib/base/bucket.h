/* SPDX-License-Identifier: Apache-2.0
 *
 * How often something may happen: so many times at once, then once each while (a token bucket, kept as the one moment
 * at which all that was taken is paid for: the virtual scheduling algorithm of ITU-T I.371). A zeroed bucket is full.
 * Not thread-safe. For lines of log of which several are news; others have a gate (lib/base/log.h).
 */
#ifndef KS_BASE_BUCKET_H
#define KS_BASE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct ks_bucket {
	int64_t paid_us;
};

/* False: not now. mono_us does not go back; burst is at least 1. */
static inline bool ks_bucket_take(struct ks_bucket *bucket, int64_t mono_us, int64_t each_us, int64_t burst)
{
	int64_t from_us = bucket->paid_us > mono_us ? bucket->paid_us : mono_us;

	if (from_us - mono_us > (burst - 1) * each_us)
		return false;
	bucket->paid_us = from_us + each_us;
	return true;
}

#endif
