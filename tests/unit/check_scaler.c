/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/scaler.h"

#include <stdbool.h>

#include "tests/unit/capture_pictures.h"

START_TEST(fits_without_distortion)
{
	static const struct {
		int width, height, box_width, box_height, want_width, want_height;
	} cases[] = {
		{ 1280, 720, 640, 360, 640, 360 },
		{ 1280, 720, 320, 180, 320, 180 },
		{ 1920, 1080, 640, 640, 640, 360 },
		{ 1920, 1080, 640, 361, 640, 360 },
		{ 720, 1280, 640, 360, 202, 360 },	/* 202.5 */
		{ 1440, 1080, 640, 360, 480, 360 },
		{ 1279, 719, 640, 360, 640, 360 },
		{ 1280, 720, 641, 361, 640, 360 },
		{ 8192, 64, 64, 48, 64, 2 },
		{ 640, 360, 640, 360, 640, 360 },	/* it fits already */
		{ 639, 359, 640, 360, 639, 359 },
		{ 320, 180, 640, 360, 320, 180 },	/* never enlarged */
		{ 640, 480, 1280, 240, 320, 240 },	/* one side fits */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int w, h;

		ks_scaler_fit(cases[i].width, cases[i].height, cases[i].box_width, cases[i].box_height, &w, &h);
		ck_assert_msg(w == cases[i].want_width && h == cases[i].want_height, "case %zu: %dx%d", i, w, h);
	}
}
END_TEST

START_TEST(any_fit_stays_inside)
{
	for (int width = 1; width <= 2000; width += 37)
		for (int height = 1; height <= 2000; height += 41)
			for (int box = 64; box <= 1024; box = box * 5 / 4) {
				int w, h;

				ks_scaler_fit(width, height, box, box * 3 / 4, &w, &h);
				ck_assert(w >= 1 && w <= box && h >= 1 && h <= box * 3 / 4);
				ck_assert((w == width && h == height) || (w % 2 == 0 && h % 2 == 0));
			}
}
END_TEST

/* Planes of one colour each, but for a bright lower right quarter. */
static struct ks_picture make_planes(enum ks_picture_layout layout, int width, int height, uint8_t *bytes)
{
	struct ks_picture picture = { .layout = layout, .width = width, .height = height, .captured_us = 7,
				      .captured_mono_us = 9 };

	for (int i = 0; i < (layout == KS_PICTURE_GREY ? 1 : 3); i++) {
		int w, h;

		ks_picture_plane_size(&picture, i, &w, &h);
		picture.plane[i] = bytes;
		picture.stride[i] = w + 3;
		for (int y = 0; y < h; y++)
			for (int x = 0; x < w + 3; x++)
				*bytes++ = x >= w ? 255 : (uint8_t)((x >= w / 2 && y >= h / 2 ? 200 : 50) + i);
	}
	return picture;
}

static void assert_quarters(const struct ks_picture *picture, int plane)
{
	int w, h;

	ks_picture_plane_size(picture, plane, &w, &h);
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++) {
			int got = picture->plane[plane][y * picture->stride[plane] + x];
			bool edge = abs(x - w / 2) <= 3 || abs(y - h / 2) <= 3;
			int want = (x >= w / 2 && y >= h / 2 ? 200 : 50) + plane;

			/* An assertion per pixel takes long. */
			if (!edge && abs(got - want) > 2)
				ck_abort_msg("plane %d at %d,%d: %d", plane, x, y, got);
		}
}

START_TEST(every_layout_becomes_smaller)
{
	static const enum ks_picture_layout layouts[] = { KS_PICTURE_YUV420, KS_PICTURE_YUV422, KS_PICTURE_GREY,
							  KS_PICTURE_YUV444, KS_PICTURE_YUV440, KS_PICTURE_YUV411 };
	static const int sizes[][2] = { { 320, 180 }, { 214, 120 }, { 600, 338 }, { 64, 36 }, { 320, 180 } };
	uint8_t *bytes = malloc(3 * 650 * 370);
	struct ks_scaler scaler = { NULL, 0 };

	if (!ks_scaler_available()) {
		free(bytes);
		return;
	}
	for (size_t l = 0; l < sizeof(layouts) / sizeof(layouts[0]); l++)
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			struct ks_picture from = make_planes(layouts[l], 641, 361, bytes), to;
			bool grey = layouts[l] == KS_PICTURE_GREY;

			ck_assert_int_eq(ks_scaler_scale(&scaler, &from, sizes[s][0], sizes[s][1], &to), KS_EOK);
			ck_assert_int_eq(to.layout, grey ? KS_PICTURE_GREY : KS_PICTURE_YUV420);
			ck_assert_int_eq(to.width, sizes[s][0]);
			ck_assert_int_eq(to.height, sizes[s][1]);
			ck_assert_int_eq(to.captured_us, 7);
			ck_assert_int_eq(to.captured_mono_us, 9);
			for (int i = 0; i < (grey ? 1 : 3); i++)
				assert_quarters(&to, i);
		}
	ks_scaler_free(&scaler);
	free(bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scaler");
	TCase *tc = tcase_create("scaler");

	tcase_add_test(tc, fits_without_distortion);
	tcase_add_test(tc, any_fit_stays_inside);
	tcase_add_test(tc, every_layout_becomes_smaller);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
