/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "capture/scaler.h"

#include <errno.h>
#include <stdlib.h>

#ifdef HAVE_LIBYUV
#include <libyuv.h>
#endif

#include "lib/base/error.h"

bool ks_scaler_available(void)
{
#ifdef HAVE_LIBYUV
	return true;
#else
	return false;
#endif
}

/* The other side, to the nearest even number. */
static int follow(int side, int scaled, int other, int box_other)
{
	int followed = (int)(((int64_t)other * scaled + side) / (2 * (int64_t)side)) * 2;

	if (followed > (box_other & ~1))
		followed = box_other & ~1;
	return followed >= 2 ? followed : 2;
}

void ks_scaler_fit(int width, int height, int box_width, int box_height, int *fit_width, int *fit_height)
{
	*fit_width = width;
	*fit_height = height;
	if (width <= box_width && height <= box_height)
		return;
	if ((int64_t)box_width * height <= (int64_t)box_height * width) {
		*fit_width = box_width & ~1;
		*fit_height = follow(width, *fit_width, height, box_height);
	} else {
		*fit_height = box_height & ~1;
		*fit_width = follow(height, *fit_height, width, box_width);
	}
}

void ks_scaler_free(struct ks_scaler *scaler)
{
	free(scaler->planes);
	*scaler = (struct ks_scaler){ NULL, 0 };
}

#ifdef HAVE_LIBYUV

static int half(int side)
{
	return (side + 1) / 2;
}

/* A view of the scaler's memory, which grows to the largest picture. Luma is padded to even columns and rows. */
static int make_room(struct ks_scaler *scaler, bool grey, int width, int height, struct ks_picture *to)
{
	size_t luma = (size_t)half(width) * 2 * (size_t)half(height) * 2, size = luma + luma / 2;

	if (size > scaler->room) {
		uint8_t *grown = realloc(scaler->planes, size);

		if (grown == NULL)
			return -ENOMEM;
		scaler->planes = grown;
		scaler->room = size;
	}
	*to = (struct ks_picture){
		.layout = grey ? KS_PICTURE_GREY : KS_PICTURE_YUV420, .width = width, .height = height,
		.plane = { scaler->planes, scaler->planes + luma, scaler->planes + luma + luma / 4 },
		.stride = { half(width) * 2, half(width), half(width) },
	};
	return KS_EOK;
}

static void scale_plane(const struct ks_picture *from, const struct ks_picture *to, uint8_t *out, int i)
{
	int from_width, from_height, to_width, to_height;

	ks_picture_plane_size(from, i, &from_width, &from_height);
	ks_picture_plane_size(to, i, &to_width, &to_height);
	ScalePlane(from->plane[i], from->stride[i], from_width, from_height, out, to->stride[i], to_width, to_height,
		   kFilterBox);
}

int ks_scaler_scale(struct ks_scaler *scaler, const struct ks_picture *from, int width, int height,
		    struct ks_picture *to)
{
	int err = make_room(scaler, from->layout == KS_PICTURE_GREY, width, height, to);

	if (err != KS_EOK)
		return err;
	for (int i = 0; i < (from->layout == KS_PICTURE_GREY ? 1 : 3); i++)
		scale_plane(from, to, scaler->planes + (to->plane[i] - to->plane[0]), i);
	to->captured_us = from->captured_us;
	to->captured_mono_us = from->captured_mono_us;
	return KS_EOK;
}

#else

int ks_scaler_scale(struct ks_scaler *scaler, const struct ks_picture *from, int width, int height,
		    struct ks_picture *to)
{
	(void)scaler;
	(void)from;
	(void)width;
	(void)height;
	(void)to;
	return KS_ELIMIT;
}

#endif
