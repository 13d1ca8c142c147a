/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of capture: gives a JPEG its id, makes a signed frame of it and hands that on.
 */
#ifndef KS_CAPTURE_PUBLISHER_H
#define KS_CAPTURE_PUBLISHER_H

#include <stddef.h>
#include <stdint.h>

#include "lib/frame/frame.h"

/* Where a frame goes; it lives during the call. */
typedef void ks_publisher_deliver(void *ctx, const struct ks_frame *frame);

struct ks_publisher {
	const char *channel, *rendition;	/* borrowed; valid names */
	uint8_t source, priority;
	uint32_t period_ms;
	uint8_t secret_key[KS_SECRET_KEY_SIZE];
	struct ks_frame_id next;		/* the id of the next frame */
	uint8_t *bytes;				/* KS_FRAME_MAX */
	ks_publisher_deliver *deliver;
	void *ctx;
};

/* The caller fills in the rest before the first ks_publish(). KS_EOK or -ENOMEM. */
int ks_publisher_init(struct ks_publisher *publisher);

/* Also wipes the key. */
void ks_publisher_free(struct ks_publisher *publisher);

struct ks_publication {
	const uint8_t *jpeg;
	size_t len;
	int64_t captured_us, captured_mono_us;
	uint8_t flags;
};

/* Signs and delivers. KS_EOK; KS_EMALFORMED with *fault when the JPEG is refused; KS_ELIMIT when no id is left, or
 * the signed frame is too large (*fault is KS_JPEG_SIZE then). A refused picture uses no id. */
int ks_publish(struct ks_publisher *publisher, const struct ks_publication *publication, enum ks_jpeg_fault *fault);

#endif
