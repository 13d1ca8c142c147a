/* SPDX-License-Identifier: Apache-2.0
 *
 * A picture as this process serves it: an immutable copy of a frame in memory of its own, with every
 * header text that does not change from request to request written once. Response bodies point into it
 * and hold a reference each, so that a viewer who reads slowly costs no copy and a frame that leaves the
 * store meanwhile stays whole. References are atomic: mod_http2 drops them in other threads.
 */
#ifndef KS_MOD_SENTRY_PICTURE_H
#define KS_MOD_SENTRY_PICTURE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/store/store.h"

#define KS_PICTURE_ETAG (1 + KS_FRAME_ID_TEXT + 8 + 1)	/* "<epoch>-<seq>-<8 hex digits>" with its quotes */
#define KS_PICTURE_NUMBER 21				/* any int64_t in decimal */
#define KS_PICTURE_HEAD 320				/* its constant header lines */

struct ks_picture {
	atomic_uint refs;
	struct ks_manifest m;
	int64_t published_us;		/* monotonic; never later than when this process first saw it */
	char id[KS_FRAME_ID_TEXT];
	char etag[KS_PICTURE_ETAG + 1];
	char captured_ms[KS_PICTURE_NUMBER];
	char period_ms[KS_PICTURE_NUMBER];
	size_t head_len;
	char head[KS_PICTURE_HEAD];	/* what every answer with it says, as lines: for the pump */
	size_t len;
	uint8_t jpeg[];
};

/* Copies the frame; the caller owns the one reference. NULL when out of memory. */
struct ks_picture *ks_picture_new(const struct ks_store_copy *copy, int64_t mono_us);

static inline struct ks_picture *ks_picture_ref(struct ks_picture *picture)
{
	if (picture != NULL)
		atomic_fetch_add_explicit(&picture->refs, 1, memory_order_relaxed);
	return picture;
}

void ks_picture_unref(struct ks_picture *picture);	/* NULL is allowed */

/* For whom only the bytes were handed to: drops the reference that came with &picture->jpeg[0]. */
void ks_picture_unref_jpeg(void *jpeg);

#endif
