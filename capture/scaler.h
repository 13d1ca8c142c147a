/* SPDX-License-Identifier: Apache-2.0
 *
 * Planes made smaller, by libyuv; a build without it has none of this. One thread at a time.
 */
#ifndef KS_CAPTURE_SCALER_H
#define KS_CAPTURE_SCALER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/picture.h"

/* False in a build without libyuv. */
bool ks_scaler_available(void);

/* The size of a picture that is to fit into a box: neither enlarged nor distorted, sides even where they change. */
void ks_scaler_fit(int width, int height, int box_width, int box_height, int *fit_width, int *fit_height);

/* Zeroed at first. */
struct ks_scaler {
	uint8_t *planes;
	size_t room;
};

void ks_scaler_free(struct ks_scaler *scaler);

/* Makes planes of the given size, which is even, with chroma halved in both directions whatever it was; grey stays
 * grey. *to lives until the next call. KS_EOK, -ENOMEM, or KS_ELIMIT in a build without libyuv. */
int ks_scaler_scale(struct ks_scaler *scaler, const struct ks_picture *from, int width, int height,
		    struct ks_picture *to);

#endif
