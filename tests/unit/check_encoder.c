/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/encoder.h"

#include <turbojpeg.h>

#include "tests/unit/capture_pictures.h"

static struct ks_encoder *encoder;

static void setup(void)
{
	ck_assert_int_eq(ks_encoder_new(&encoder), KS_EOK);
}

static void teardown(void)
{
	ks_encoder_free(encoder);
}

/* Encodes one colour and returns what a decoder sees of it in the middle. */
static void through(enum ks_picture_layout layout, int width, int height, struct ks_colour colour, unsigned char rgb[3])
{
	int half = (width + 1) / 2, rows = layout == KS_PICTURE_YUV420 ? (height + 1) / 2 : height;
	int stride = layout == KS_PICTURE_GREY ? width : 2 * half;
	size_t luma = (size_t)stride * (size_t)(layout == KS_PICTURE_YUV420 ? 2 * rows : height);
	uint8_t *planes[3] = { malloc(luma), malloc((size_t)(half * rows)), malloc((size_t)(half * rows)) };
	unsigned char *out = malloc((size_t)(width * height * 3));
	struct ks_picture picture = {
		.layout = layout, .width = width, .height = height,
		.plane = { planes[0], planes[1], planes[2] }, .stride = { stride, half, half },
	};
	tjhandle decoder = tjInitDecompress();
	struct ks_jpeg_info info;
	const uint8_t *jpeg;
	size_t len;

	memset(planes[0], colour.y, luma);
	memset(planes[1], colour.u, (size_t)(half * rows));
	memset(planes[2], colour.v, (size_t)(half * rows));
	ck_assert_int_eq(ks_encoder_encode(encoder, &picture, 90, &jpeg, &len), KS_EOK);
	ck_assert_int_eq(ks_jpeg_check(jpeg, len, &info), KS_JPEG_GOOD);
	ck_assert_uint_eq(info.width, width);
	ck_assert_uint_eq(info.height, height);
	ck_assert_int_eq(ks_encoder_check(encoder, jpeg, len, &info), KS_JPEG_GOOD);
	ck_assert_int_eq(tjDecompress2(decoder, jpeg, len, out, width, 0, height, TJPF_RGB, 0), 0);
	memcpy(rgb, out + 3 * (height / 2 * width + width / 2), 3);
	tjDestroy(decoder);
	for (int i = 0; i < 3; i++)
		free(planes[i]);
	free(out);
}

static void near(unsigned char got, int want)
{
	ck_assert_int_ge(got, want - 4);
	ck_assert_int_le(got, want + 4);
}

START_TEST(planes_keep_their_colours)
{
	static const enum ks_picture_layout layouts[] = { KS_PICTURE_YUV420, KS_PICTURE_YUV422 };
	static const int sizes[][2] = { { 16, 16 }, { 320, 240 }, { 101, 67 }, { 1, 1 } };
	unsigned char rgb[3];

	for (size_t i = 0; i < 2; i++)
		for (size_t s = 0; s < 4; s++) {
			through(layouts[i], sizes[s][0], sizes[s][1], ks_colour(0xd02040), rgb);
			near(rgb[0], 0xd0);
			near(rgb[1], 0x20);
			near(rgb[2], 0x40);
		}
	through(KS_PICTURE_GREY, 64, 48, ks_colour(0x707070), rgb);
	near(rgb[0], 0x70);
	near(rgb[2], 0x70);
}
END_TEST

START_TEST(quality_costs_bytes)
{
	struct ks_canvas canvas;
	struct ks_picture picture;
	size_t low, high;
	const uint8_t *jpeg;

	ck_assert_int_eq(ks_canvas_init(&canvas, 640, 480), KS_EOK);
	for (int i = 0; i < 640 * 480; i++)
		canvas.plane[0][i] = (uint8_t)(i * 7 + i / 640 * 3);
	picture = (struct ks_picture){
		.layout = KS_PICTURE_YUV420, .width = 640, .height = 480,
		.plane = { canvas.plane[0], canvas.plane[1], canvas.plane[2] }, .stride = { 640, 320, 320 },
	};
	ck_assert_int_eq(ks_encoder_encode(encoder, &picture, 95, &jpeg, &high), KS_EOK);
	ck_assert_int_eq(ks_encoder_encode(encoder, &picture, 20, &jpeg, &low), KS_EOK);
	ck_assert_uint_lt(low, high);
	ks_canvas_free(&canvas);
}
END_TEST

START_TEST(damage_inside_is_found)
{
	struct jpeg good = make_picture(320, 240, 3);
	struct ks_jpeg_info info;
	unsigned found = 0;

	ck_assert_int_eq(ks_jpeg_check(good.bytes, good.len, &info), KS_JPEG_GOOD);
	ck_assert_int_eq(ks_encoder_check(encoder, good.bytes, good.len, &info), KS_JPEG_GOOD);
	/* A hole in the entropy-coded data that no marker shows: taken out of the middle of the scan. */
	for (size_t hole = 40; hole <= 200; hole += 40) {
		uint8_t *cut = malloc(good.len);
		size_t keep = good.len - 2 - hole;

		memcpy(cut, good.bytes, keep);
		memcpy(cut + keep, "\xff\xd9", 2);
		if (cut[keep - 1] == 0xff)
			cut[keep - 1] = 0;
		if (ks_jpeg_check(cut, keep + 2, &info) == KS_JPEG_GOOD) {
			ck_assert_int_eq(ks_encoder_check(encoder, cut, keep + 2, &info), KS_JPEG_CORRUPT);
			found++;
		}
		free(cut);
	}
	ck_assert_uint_gt(found, 0);
	/* And the decoder is none the worse for it. */
	ck_assert_int_eq(ks_jpeg_check(good.bytes, good.len, &info), KS_JPEG_GOOD);
	ck_assert_int_eq(ks_encoder_check(encoder, good.bytes, good.len, &info), KS_JPEG_GOOD);
	free(good.bytes);
}
END_TEST

START_TEST(progressive_size_is_bounded)
{
	struct ks_jpeg_info info = { .width = 8192, .height = 8192, .progressive = true, .after_soi = 2 };

	struct ks_picture picture;

	ck_assert_int_eq(ks_encoder_check(encoder, (const uint8_t *)"", 0, &info), KS_JPEG_DIMENSIONS);
	ck_assert_int_eq(ks_encoder_decode(encoder, (const uint8_t *)"", 0, &info, 1, 1, true, &picture), KS_ELIMIT);
}
END_TEST

/* A picture in four quarters of different colours, in the layout asked for. */
static struct jpeg make_quarters(enum ks_picture_layout layout, int width, int height)
{
	struct ks_picture picture = { .layout = layout, .width = width, .height = height };
	uint8_t *planes[3] = { NULL, NULL, NULL };
	const uint8_t *bytes;
	struct jpeg jpeg;

	for (int i = 0; i < (layout == KS_PICTURE_GREY ? 1 : 3); i++) {
		int w, h;

		ks_picture_plane_size(&picture, i, &w, &h);
		picture.stride[i] = (w + 3) & ~3;
		picture.plane[i] = planes[i] = calloc((size_t)(picture.stride[i] * (h + 1)), 1);
		for (int y = 0; y < h; y++)
			for (int x = 0; x < w; x++)
				planes[i][y * picture.stride[i] + x] =
					(uint8_t)(40 + 30 * i + (x >= w / 2 ? 60 : 0) + (y >= h / 2 ? 80 : 0));
	}
	ck_assert_int_eq(ks_encoder_encode(encoder, &picture, 95, &bytes, &jpeg.len), KS_EOK);
	jpeg.bytes = malloc(jpeg.len);
	memcpy(jpeg.bytes, bytes, jpeg.len);
	for (int i = 0; i < 3; i++)
		free(planes[i]);
	return jpeg;
}

static void assert_quarters(const struct ks_picture *picture)
{
	for (int i = 0; i < (picture->layout == KS_PICTURE_GREY ? 1 : 3); i++)
		for (int q = 0; q < 4; q++) {
			int w, h, want = 40 + 30 * i + (q & 1) * 60 + q / 2 * 80, x, y, got;

			ks_picture_plane_size(picture, i, &w, &h);
			x = w / 4 + (q & 1) * (w / 2);
			y = h / 4 + q / 2 * (h / 2);
			got = picture->plane[i][y * picture->stride[i] + x];
			ck_assert_msg(abs(got - want) <= 3, "plane %d, quarter %d: %d, not %d", i, q, got, want);
		}
}

START_TEST(planes_come_back)
{
	static const struct {
		int width, height, want_width, want_height;
	} sizes[] = {
		{ 640, 360, 640, 360 }, { 321, 10, 640, 360 }, { 320, 180, 320, 180 }, { 10, 181, 640, 360 },
		{ 161, 90, 320, 180 }, { 160, 90, 160, 90 }, { 80, 45, 80, 45 }, { 1, 1, 80, 45 },
	};

	for (int layout = KS_PICTURE_YUV420; layout <= KS_PICTURE_YUV411; layout++) {
		struct jpeg jpeg = make_quarters((enum ks_picture_layout)layout, 640, 360);
		struct ks_jpeg_info info;
		struct ks_picture picture;

		ck_assert_int_eq(ks_jpeg_check(jpeg.bytes, jpeg.len, &info), KS_JPEG_GOOD);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			ck_assert_int_eq(ks_encoder_decode(encoder, jpeg.bytes, jpeg.len, &info, sizes[i].width,
							   sizes[i].height, true, &picture), KS_EOK);
			ck_assert_int_eq((int)picture.layout, layout);
			ck_assert_int_eq(picture.width, sizes[i].want_width);
			ck_assert_int_eq(picture.height, sizes[i].want_height);
			assert_quarters(&picture);
		}
		free(jpeg.bytes);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("encoder");
	TCase *tc = tcase_create("encoder");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, planes_keep_their_colours);
	tcase_add_test(tc, quality_costs_bytes);
	tcase_add_test(tc, damage_inside_is_found);
	tcase_add_test(tc, planes_come_back);
	tcase_add_test(tc, progressive_size_is_bounded);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
