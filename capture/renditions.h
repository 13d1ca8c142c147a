/* SPDX-License-Identifier: Apache-2.0
 *
 * One picture in several sizes and qualities: a JPEG of it per rendition, smallest first so that it is on its way
 * first, all under one id. What one rendition cannot be made of does not keep the others back. One thread at a time.
 */
#ifndef KS_CAPTURE_RENDITIONS_H
#define KS_CAPTURE_RENDITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "capture/counts.h"
#include "capture/encoder.h"
#include "capture/picture.h"
#include "capture/publisher.h"
#include "capture/scaler.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/name.h"

struct ks_rendition {
	char name[KS_RENDITION_MAX + 1];
	int width, height;	/* it fits in there; 0: the size of the source */
	int quality;		/* 0: a JPEG of the source's size stays as it is, anything else gets the common one */
};

struct ks_renditions_settings {
	struct ks_rendition list[KS_RENDITIONS_MAX];	/* at least one; each name once */
	size_t n;
	int quality;
	bool verify_decode;	/* a JPEG from outside that a decoder complains about is refused */
};

struct ks_rendition_counts {
	ks_counter frames, bytes;
	ks_counter dropped[KS_REFUSALS];
};

struct ks_renditions {
	struct ks_renditions_settings settings;
	struct ks_publisher *publisher;
	const struct ks_clock *clock;
	ks_counter *encode_us;
	struct ks_encoder *encoder;
	struct ks_scaler scaler;
	struct ks_rendition_counts counts[KS_RENDITIONS_MAX];
	struct ks_log_gate gate;
};

/* KS_EOK or -ENOMEM. What is passed lives longer; the settings are copied. */
int ks_renditions_init(struct ks_renditions *renditions, const struct ks_renditions_settings *settings,
		       struct ks_publisher *publisher, const struct ks_clock *clock, ks_counter *encode_us);
void ks_renditions_free(struct ks_renditions *renditions);

/* Takes over new settings; what keeps its name goes on counting. */
void ks_renditions_set(struct ks_renditions *renditions, const struct ks_renditions_settings *settings);

/* Makes and publishes what can be made of one picture. KS_EOK when at least one rendition went out; KS_EMALFORMED with
 * the reason when none did, which uses no id; another error when none can go out any more. */
int ks_renditions_publish(struct ks_renditions *renditions, const struct ks_picture *picture, uint8_t flags,
			  enum ks_refusal *refusal);

void ks_renditions_metrics(const struct ks_renditions *renditions, FILE *out);

#endif
