/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of capture: gives the JPEGs of one instant, one per rendition, their common id, makes signed frames of them
 * and hands these on one by one.
 */
#ifndef KS_CAPTURE_PUBLISHER_H
#define KS_CAPTURE_PUBLISHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/frame/frame.h"

/* Where a frame goes; it lives during the call. */
typedef void ks_publisher_deliver(void *ctx, const struct ks_frame *frame);

struct ks_publisher {
	const char *channel;			/* borrowed; a valid name */
	uint8_t source, priority;
	uint32_t period_ms;
	uint8_t secret_key[KS_SECRET_KEY_SIZE];
	struct ks_frame_id next;		/* the id of the next instant */
	int64_t shown_until_us;			/* until then (monotonic) every other instant has KS_FRAME_SHOWN */
	uint8_t *bytes;				/* KS_FRAME_MAX */
	ks_publisher_deliver *deliver;
	void *ctx;
	struct ks_manifest instant;		/* its own: what the frames of this instant have in common */
	bool used;				/* its own: one went out */
};

/* The caller fills in the rest before the first instant. KS_EOK or -ENOMEM. */
int ks_publisher_init(struct ks_publisher *publisher);

/* Also wipes the key. */
void ks_publisher_free(struct ks_publisher *publisher);

/* An instant begins. KS_EOK, or KS_ELIMIT when no id is left; then it has not begun. */
int ks_publish_begin(struct ks_publisher *publisher, int64_t captured_us, int64_t captured_mono_us, uint8_t flags);

/* Signs and delivers one rendition of it. KS_EOK; KS_EMALFORMED with *fault when the JPEG is refused; KS_ELIMIT when
 * the signed frame is too large (*fault is KS_JPEG_SIZE then). *sent: bytes of the JPEG as it was signed. */
int ks_publish(struct ks_publisher *publisher, const char *rendition, const uint8_t *jpeg, size_t len, size_t *sent,
	       enum ks_jpeg_fault *fault);

/* The instant is over. False when nothing went out; then its id is used for the next. */
bool ks_publish_end(struct ks_publisher *publisher);

#endif
