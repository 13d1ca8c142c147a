/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures for the tests of capture: JPEGs that differ, made by the encoder under test.
 */
#ifndef KS_TESTS_CAPTURE_PICTURES_H
#define KS_TESTS_CAPTURE_PICTURES_H

#include <stdlib.h>
#include <string.h>

#include "capture/canvas.h"
#include "capture/encoder.h"
#include "lib/base/error.h"
#include "tests/unit/unit.h"

struct jpeg {
	uint8_t *bytes;
	size_t len;
};

/* A picture with some content that depends on n. The caller frees bytes. */
static inline struct jpeg make_picture(int width, int height, unsigned n)
{
	struct ks_encoder *encoder;
	struct ks_canvas canvas;
	struct ks_picture picture;
	const uint8_t *bytes;
	struct jpeg jpeg;

	ck_assert_int_eq(ks_encoder_new(&encoder), KS_EOK);
	ck_assert_int_eq(ks_canvas_init(&canvas, width, height), KS_EOK);
	ks_canvas_fill(&canvas, 0, 0, width, height, ks_colour(0x203040 + n * 0x050301));
	ks_canvas_line(&canvas, 4 + n % 16, 4, width - 8.0, height - 8.0, 6, ks_colour(0xffb020));
	picture = (struct ks_picture){
		.layout = KS_PICTURE_YUV420, .width = width, .height = height,
		.plane = { canvas.plane[0], canvas.plane[1], canvas.plane[2] },
		.stride = { canvas.stride[0], canvas.stride[1], canvas.stride[2] },
	};
	ck_assert_int_eq(ks_encoder_encode(encoder, &picture, 80, &bytes, &jpeg.len), KS_EOK);
	jpeg.bytes = malloc(jpeg.len);
	ck_assert_ptr_nonnull(jpeg.bytes);
	memcpy(jpeg.bytes, bytes, jpeg.len);
	ks_canvas_free(&canvas);
	ks_encoder_free(encoder);
	return jpeg;
}

#endif
