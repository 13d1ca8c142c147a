/* SPDX-License-Identifier: Apache-2.0
 *
 * What sentryd counts. Drops are by reason: those of a JPEG by enum ks_jpeg_fault, and a few of our own
 * after them, in one array.
 */
#ifndef KS_CAPTURE_COUNTS_H
#define KS_CAPTURE_COUNTS_H

#include <stdio.h>

#include "capture/source.h"
#include "lib/base/metrics.h"
#include "lib/frame/jpeg.h"

enum ks_refusal {
	KS_REFUSED_FLAGGED = KS_JPEG_FAULTS,	/* the driver says that the buffer is damaged */
	KS_REFUSED_SHORT,		/* a raw buffer with fewer bytes than the picture has */
	KS_REFUSED_UNREADABLE,	/* a file that cannot be read */
	KS_REFUSED_ENCODER,	/* TurboJPEG refused */
	KS_REFUSED_COLOURS,	/* a JPEG of colours that cannot be scaled or encoded anew */
	KS_REFUSALS
};

struct ks_capture_counts {
	ks_counter frames, placeholders;	/* pictures, signed and handed to the sender in all renditions */
	ks_counter dropped[KS_REFUSALS];
	ks_counter superseded;		/* good pictures that a newer one replaced before their turn */
	ks_counter late;		/* periods that passed without a tick: this machine was busy */
	ks_counter encode_us;
	ks_counter faults[KS_FAULTS];	/* outages begun, by kind */
};

/* The reason as a word. */
const char *ks_refusal_name(enum ks_refusal refusal);

void ks_capture_counts_metrics(const struct ks_capture_counts *counts, FILE *out);

#endif
