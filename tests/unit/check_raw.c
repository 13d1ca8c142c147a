/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/raw.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

/* A picture of 4 x 2 with a stride wider than its rows; Y is 10 * row + column + 100, U is 1x0, V is 2x0. */
static const uint8_t yuyv[] = {
	100, 110, 101, 210, 102, 120, 103, 220, 0, 0,
	110, 130, 111, 230, 112, 140, 113, 240, 0, 0,
};
static const uint8_t uyvy[] = {
	110, 100, 210, 101, 120, 102, 220, 103,
	130, 110, 230, 111, 140, 112, 240, 113,
};
static const uint8_t nv12[] = { 100, 101, 102, 103, 0, 0, 110, 111, 112, 113, 0, 0, 110, 210, 120, 220, 0, 0 };
static const uint8_t yu12[] = { 100, 101, 102, 103, 110, 111, 112, 113, 110, 120, 210, 220 };
static const uint8_t grey[] = { 100, 101, 102, 103, 110, 111, 112, 113 };

static const uint8_t luma[] = { 100, 101, 102, 103, 110, 111, 112, 113 };

static struct ks_picture unpack(const char *name, const uint8_t *bytes, size_t len, size_t stride, uint8_t *out)
{
	struct ks_raw_shape shape = { ks_raw_format(name), 4, 2, stride, true };
	struct ks_picture picture;

	ck_assert_uint_eq(ks_raw_size(&shape), len);
	ks_raw_unpack(&shape, bytes, out, &picture);
	ck_assert_mem_eq(picture.plane[0], luma, sizeof(luma));
	ck_assert_int_eq(picture.width, 4);
	ck_assert_int_eq(picture.height, 2);
	return picture;
}

START_TEST(planes_of_each_format)
{
	static const uint8_t u422[] = { 110, 120, 130, 140 }, v422[] = { 210, 220, 230, 240 };
	static const uint8_t u420[] = { 110, 120 }, v420[] = { 210, 220 };
	struct ks_picture p;
	uint8_t out[64];

	p = unpack("YUYV", yuyv, sizeof(yuyv), 10, out);
	ck_assert_int_eq(p.layout, KS_PICTURE_YUV422);
	ck_assert_mem_eq(p.plane[1], u422, 4);
	ck_assert_mem_eq(p.plane[2], v422, 4);
	p = unpack("uyvy", uyvy, sizeof(uyvy), 8, out);
	ck_assert_mem_eq(p.plane[1], u422, 4);
	ck_assert_mem_eq(p.plane[2], v422, 4);
	p = unpack("NV12", nv12, sizeof(nv12), 6, out);
	ck_assert_int_eq(p.layout, KS_PICTURE_YUV420);
	ck_assert_mem_eq(p.plane[1], u420, 2);
	ck_assert_mem_eq(p.plane[2], v420, 2);
	p = unpack("YUV420", yu12, sizeof(yu12), 4, out);
	ck_assert_mem_eq(p.plane[1], u420, 2);
	ck_assert_mem_eq(p.plane[2], v420, 2);
	p = unpack("GREY", grey, sizeof(grey), 4, out);
	ck_assert_int_eq(p.layout, KS_PICTURE_GREY);
}
END_TEST

START_TEST(levels_are_stretched)
{
	struct ks_raw_shape shape = { ks_raw_format("YUYV"), 2, 1, 4, false };
	uint8_t out[4], black[] = { 16, 128, 235, 128 }, ends[] = { 0, 16, 255, 240 };
	struct ks_picture p;

	ks_raw_unpack(&shape, black, out, &p);
	ck_assert_uint_eq(p.plane[0][0], 0);
	ck_assert_uint_eq(p.plane[0][1], 255);
	ck_assert_uint_eq(p.plane[1][0], 128);
	ks_raw_unpack(&shape, ends, out, &p);
	ck_assert_uint_eq(p.plane[0][0], 0);
	ck_assert_uint_eq(p.plane[0][1], 255);
	ck_assert_uint_le(p.plane[1][0], 1);
	ck_assert_uint_eq(p.plane[2][0], 255);
}
END_TEST

/* Exact allocations: a sanitizer sees each byte too far. */
START_TEST(odd_sizes_stay_within_their_bytes)
{
	for (const struct ks_raw_format *f = ks_raw_formats; f->name != NULL; f++)
		for (int width = 1; width < 6 && f->layout != KS_PICTURE_JPEG; width++)
			for (int height = 1; height < 6; height++) {
				struct ks_raw_shape shape = { f, width, height, ks_raw_row(f, width), true };
				size_t in = ks_raw_size(&shape), n = ks_raw_unpacked_size(&shape);
				uint8_t *bytes = calloc(1, in), *out = malloc(n);
				struct ks_picture p;

				memset(out, 0x5a, n);
				ks_raw_unpack(&shape, bytes, out, &p);
				for (size_t i = 0; i < n; i++)
					ck_assert_msg(out[i] == 0, "%s %dx%d: byte %zu not written", f->name, width,
						      height, i);
				free(bytes);
				free(out);
			}
	ck_assert_ptr_null(ks_raw_format("RGB3"));
	ck_assert_ptr_nonnull(ks_raw_format_expected("RGB3"));
	ck_assert_ptr_null(ks_raw_format_expected("mjpeg"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("raw");
	TCase *tc = tcase_create("raw");

	tcase_add_test(tc, planes_of_each_format);
	tcase_add_test(tc, levels_are_stretched);
	tcase_add_test(tc, odd_sizes_stay_within_their_bytes);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
