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

int ks_publish(struct ks_publisher *publisher, const struct ks_publication *publication, enum ks_jpeg_fault *fault)
{
	struct ks_manifest m = {
		.flags = publication->flags,
		.source = publisher->source,
		.priority = publisher->priority,
		.id = publisher->next,
		.captured_us = publication->captured_us,
		.captured_mono_us = publication->captured_mono_us,
		.period_ms = publisher->period_ms,
	};
	struct ks_frame frame;
	int err;

	*fault = KS_JPEG_GOOD;
	/* Two years at the shortest period; the next start takes a new epoch. */
	if (publisher->next.seq == UINT32_MAX)
		return KS_ELIMIT;
	snprintf(m.channel, sizeof(m.channel), "%s", publisher->channel);
	snprintf(m.rendition, sizeof(m.rendition), "%s", publisher->rendition);
	err = ks_frame_sign(&m, publication->jpeg, publication->len, publisher->secret_key, publisher->bytes,
			    KS_FRAME_MAX, &frame, fault);
	if (err == KS_ELIMIT && *fault == KS_JPEG_GOOD)
		*fault = KS_JPEG_SIZE;
	if (err != KS_EOK)
		return err;
	publisher->next.seq++;
	publisher->deliver(publisher->ctx, &frame);
	return KS_EOK;
}
