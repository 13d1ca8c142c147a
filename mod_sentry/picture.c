/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/picture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A time that has not come yet cannot be true here, and would keep a picture live for ever. */
static int64_t within(int64_t published_us, int64_t mono_us)
{
	if (published_us < 0)
		return 0;
	return published_us < mono_us ? published_us : mono_us;
}

static void write_head(struct ks_picture *p)
{
	int len = snprintf(p->head, sizeof(p->head), "Accept-Ranges: none\r\nFrame-Id: %s\r\nFrame-Captured: %s\r\n%s"
			   "ETag: %s\r\nContent-Length: %zu\r\nContent-Type: image/jpeg\r\n", p->id, p->captured_ms,
			   (p->m.flags & KS_FRAME_PLACEHOLDER) != 0 ? "Frame-Placeholder: 1\r\n" : "", p->etag, p->len);

	_Static_assert(KS_PICTURE_HEAD > 160 + KS_FRAME_ID_TEXT + KS_PICTURE_ETAG + 2 * KS_PICTURE_NUMBER, "room");
	p->head_len = (size_t)len;
}

struct ks_picture *ks_picture_new(const struct ks_store_copy *copy, int64_t mono_us)
{
	const struct ks_manifest *m = &copy->frame.m;
	struct ks_picture *picture = malloc(sizeof(*picture) + m->length);

	if (picture == NULL)
		return NULL;
	atomic_init(&picture->refs, 1);
	picture->m = *m;
	picture->published_us = within(copy->published_us, mono_us);
	ks_frame_id_format(m->id, picture->id);
	snprintf(picture->etag, sizeof(picture->etag), "\"%s-%02x%02x%02x%02x\"", picture->id, m->digest[0],
		 m->digest[1], m->digest[2], m->digest[3]);
	snprintf(picture->captured_ms, sizeof(picture->captured_ms), "%" PRId64, m->captured_us / KS_US_PER_MS);
	snprintf(picture->period_ms, sizeof(picture->period_ms), "%" PRIu32, m->period_ms);
	picture->len = m->length;
	memcpy(picture->jpeg, ks_frame_jpeg(&copy->frame), m->length);
	write_head(picture);
	return picture;
}

void ks_picture_unref(struct ks_picture *picture)
{
	if (picture != NULL && atomic_fetch_sub_explicit(&picture->refs, 1, memory_order_acq_rel) == 1)
		free(picture);
}

void ks_picture_unref_jpeg(void *jpeg)
{
	ks_picture_unref((struct ks_picture *)(void *)((uint8_t *)jpeg - offsetof(struct ks_picture, jpeg)));
}
