/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/publisher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "lib/base/error.h"

int ks_publisher_init(struct ks_publisher *publisher)
{
	memset(publisher, 0, sizeof(*publisher));
	publisher->bytes = malloc(KS_FRAME_MAX);
	return publisher->bytes != NULL ? KS_EOK : -ENOMEM;
}

void ks_publisher_free(struct ks_publisher *publisher)
{
	free(publisher->bytes);
	sodium_memzero(publisher, sizeof(*publisher));
}

int ks_publish_begin(struct ks_publisher *publisher, int64_t captured_us, int64_t captured_mono_us, uint8_t flags)
{
	/* Two years at the shortest period; the next start takes a new epoch. */
	if (publisher->next.seq == UINT32_MAX)
		return KS_ELIMIT;
	if (captured_mono_us < publisher->shown_until_us && publisher->next.seq % 2 == 1)
		flags |= KS_FRAME_SHOWN;
	publisher->instant = (struct ks_manifest){
		.flags = flags,
		.source = publisher->source,
		.priority = publisher->priority,
		.id = publisher->next,
		.captured_us = captured_us,
		.captured_mono_us = captured_mono_us,
		.period_ms = publisher->period_ms,
	};
	snprintf(publisher->instant.channel, sizeof(publisher->instant.channel), "%s", publisher->channel);
	publisher->used = false;
	return KS_EOK;
}

int ks_publish(struct ks_publisher *publisher, const char *rendition, const uint8_t *jpeg, size_t len, size_t *sent,
	       enum ks_jpeg_fault *fault)
{
	struct ks_manifest m = publisher->instant;
	struct ks_frame frame;
	int err;

	*fault = KS_JPEG_GOOD;
	snprintf(m.rendition, sizeof(m.rendition), "%s", rendition);
	err = ks_frame_sign(&m, jpeg, len, publisher->secret_key, publisher->bytes, KS_FRAME_MAX, &frame, fault);
	if (err == KS_ELIMIT && *fault == KS_JPEG_GOOD)
		*fault = KS_JPEG_SIZE;
	if (err != KS_EOK)
		return err;
	publisher->used = true;
	*sent = frame.m.length;
	publisher->deliver(publisher->ctx, &frame);
	return KS_EOK;
}

bool ks_publish_end(struct ks_publisher *publisher)
{
	if (publisher->used)
		publisher->next.seq++;
	return publisher->used;
}
