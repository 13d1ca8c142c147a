/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/raw.h"

#include <string.h>
#include <strings.h>

#define FOURCC(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

#define YUYV FOURCC('Y', 'U', 'Y', 'V')
#define UYVY FOURCC('U', 'Y', 'V', 'Y')
#define NV12 FOURCC('N', 'V', '1', '2')
#define YU12 FOURCC('Y', 'U', '1', '2')

const struct ks_raw_format ks_raw_formats[] = {
	{ "YUYV", YUYV, KS_PICTURE_YUV422 },
	{ "UYVY", UYVY, KS_PICTURE_YUV422 },
	{ "NV12", NV12, KS_PICTURE_YUV420 },
	{ "YUV420", YU12, KS_PICTURE_YUV420 },
	{ "MJPEG", FOURCC('M', 'J', 'P', 'G'), KS_PICTURE_JPEG },
	{ "JPEG", FOURCC('J', 'P', 'E', 'G'), KS_PICTURE_JPEG },
	{ "GREY", FOURCC('G', 'R', 'E', 'Y'), KS_PICTURE_GREY },
	{ NULL, 0, KS_PICTURE_GREY },
};

const struct ks_raw_format *ks_raw_format(const char *name)
{
	for (const struct ks_raw_format *f = ks_raw_formats; f->name != NULL; f++)
		if (strcasecmp(f->name, name) == 0)
			return f;
	return NULL;
}

const char *ks_raw_format_expected(const char *name)
{
	return ks_raw_format(name) != NULL ? NULL : "YUYV, UYVY, NV12, YUV420, MJPEG, JPEG or GREY";
}

static size_t half(int length)
{
	return ((size_t)length + 1) / 2;
}

size_t ks_raw_row(const struct ks_raw_format *format, int width)
{
	if (format->layout == KS_PICTURE_YUV422)
		return 4 * half(width);
	return format->fourcc == NV12 ? 2 * half(width) : (size_t)width;
}

/* Of the chroma planes of YU12: V4L2 defines it as half of the first plane's. */
static size_t chroma_stride(const struct ks_raw_shape *shape)
{
	size_t least = half(shape->width);

	return shape->stride / 2 > least ? shape->stride / 2 : least;
}

size_t ks_raw_size(const struct ks_raw_shape *shape)
{
	size_t luma = shape->stride * (size_t)shape->height, rows = half(shape->height);

	if (shape->format->fourcc == NV12)
		return luma + shape->stride * rows;
	if (shape->format->fourcc == YU12)
		return luma + 2 * chroma_stride(shape) * rows;
	return luma;
}

/* Of the luma plane that is handed over: TurboJPEG reads whole pairs where chroma is halved. */
static size_t columns_out(const struct ks_raw_shape *shape)
{
	return shape->format->layout == KS_PICTURE_GREY ? (size_t)shape->width : 2 * half(shape->width);
}

static size_t rows_out(const struct ks_raw_shape *shape)
{
	return shape->format->layout == KS_PICTURE_YUV420 ? 2 * half(shape->height) : (size_t)shape->height;
}

static size_t luma_size(const struct ks_raw_shape *shape)
{
	return columns_out(shape) * rows_out(shape);
}

static size_t chroma_size(const struct ks_raw_shape *shape)
{
	switch (shape->format->layout) {
	case KS_PICTURE_YUV422:
		return half(shape->width) * (size_t)shape->height;
	case KS_PICTURE_YUV420:
		return half(shape->width) * half(shape->height);
	default:
		return 0;
	}
}

size_t ks_raw_unpacked_size(const struct ks_raw_shape *shape)
{
	return luma_size(shape) + 2 * chroma_size(shape);
}

struct levels {
	uint8_t luma[256], chroma[256];
};

static uint8_t stretch(int value, int from, int middle, int range)
{
	int scaled = ((value - from) * 255 * 2 + (value < from ? -range : range)) / (2 * range) + middle;

	return (uint8_t)(scaled < 0 ? 0 : scaled > 255 ? 255 : scaled);
}

/* BT.601: luma 16 to 235, chroma 128 +- 112. */
static void set_levels(struct levels *levels, bool full_range)
{
	for (int i = 0; i < 256; i++) {
		levels->luma[i] = full_range ? (uint8_t)i : stretch(i, 16, 0, 219);
		levels->chroma[i] = full_range ? (uint8_t)i : stretch(i, 128, 128, 224);
	}
}

/* n bytes, each `step` after the one before, through a table. */
static void pick(uint8_t *to, const uint8_t *from, size_t n, size_t step, const uint8_t table[256])
{
	for (size_t i = 0; i < n; i++)
		to[i] = table[from[i * step]];
}

static void unpack_luma(const struct ks_raw_shape *shape, const uint8_t *bytes, size_t step, const uint8_t table[256],
			uint8_t *out)
{
	size_t width = (size_t)shape->width, columns = columns_out(shape);

	for (size_t y = 0; y < (size_t)shape->height; y++, out += columns) {
		pick(out, bytes + y * shape->stride, width, step, table);
		if (columns > width)
			out[width] = out[width - 1];
	}
	if (rows_out(shape) > (size_t)shape->height)
		memcpy(out, out - columns, columns);
}

static void unpack_packed(const struct ks_raw_shape *shape, const uint8_t *bytes, const struct levels *levels,
			  uint8_t *const plane[3])
{
	size_t pairs = half(shape->width), luma_at = shape->format->fourcc == UYVY;

	unpack_luma(shape, bytes + luma_at, 2, levels->luma, plane[0]);
	for (size_t y = 0; y < (size_t)shape->height; y++, bytes += shape->stride) {
		pick(plane[1] + y * pairs, bytes + 1 - luma_at, pairs, 4, levels->chroma);
		pick(plane[2] + y * pairs, bytes + 3 - luma_at, pairs, 4, levels->chroma);
	}
}

static void unpack_planar(const struct ks_raw_shape *shape, const uint8_t *bytes, const struct levels *levels,
			  uint8_t *const plane[3])
{
	size_t pairs = half(shape->width), rows = half(shape->height);
	const uint8_t *chroma = bytes + shape->stride * (size_t)shape->height;
	bool mixed = shape->format->fourcc == NV12;
	size_t stride = mixed ? shape->stride : chroma_stride(shape), step = mixed ? 2 : 1;
	const uint8_t *other = mixed ? chroma + 1 : chroma + stride * rows;

	unpack_luma(shape, bytes, 1, levels->luma, plane[0]);
	for (size_t y = 0; shape->format->layout != KS_PICTURE_GREY && y < rows; y++) {
		pick(plane[1] + y * pairs, chroma + y * stride, pairs, step, levels->chroma);
		pick(plane[2] + y * pairs, other + y * stride, pairs, step, levels->chroma);
	}
}

void ks_raw_unpack(const struct ks_raw_shape *shape, const uint8_t *bytes, uint8_t *planes,
		   struct ks_picture *picture)
{
	size_t luma = luma_size(shape), chroma = chroma_size(shape);
	uint8_t *const plane[3] = { planes, planes + luma, planes + luma + chroma };
	int pairs = (int)half(shape->width);
	struct levels levels;

	set_levels(&levels, shape->full_range);
	if (shape->format->layout == KS_PICTURE_YUV422)
		unpack_packed(shape, bytes, &levels, plane);
	else
		unpack_planar(shape, bytes, &levels, plane);
	*picture = (struct ks_picture){
		.layout = shape->format->layout, .width = shape->width, .height = shape->height,
		.plane = { plane[0], plane[1], plane[2] }, .stride = { (int)columns_out(shape), pairs, pairs },
	};
}
