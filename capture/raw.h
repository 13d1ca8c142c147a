/* SPDX-License-Identifier: Apache-2.0
 *
 * The pixel formats of cameras (V4L2 fourcc) and how they become planes. Cameras mostly send the limited
 * range of television (16 to 235); a JPEG means the full one, so levels are stretched on the way.
 */
#ifndef KS_CAPTURE_RAW_H
#define KS_CAPTURE_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/picture.h"

struct ks_raw_format {
	const char *name;	/* as in the setting: "YUYV" */
	uint32_t fourcc;
	enum ks_picture_layout layout;
};

/* In the default order; ends with a NULL name. */
extern const struct ks_raw_format ks_raw_formats[];

/* By name, in any case; NULL when there is none. */
const struct ks_raw_format *ks_raw_format(const char *name);

/* For the settings table. */
const char *ks_raw_format_expected(const char *name);

struct ks_raw_shape {
	const struct ks_raw_format *format;
	int width, height;
	size_t stride;		/* bytes a row, of the first plane */
	bool full_range;
};

/* Bytes of the narrowest row; and of a whole picture. */
size_t ks_raw_row(const struct ks_raw_format *format, int width);
size_t ks_raw_size(const struct ks_raw_shape *shape);

/* Bytes that ks_raw_unpack() writes. */
size_t ks_raw_unpacked_size(const struct ks_raw_shape *shape);

/* `bytes` has ks_raw_size(), `planes` has ks_raw_unpacked_size(); *picture becomes a view of planes. Not for
 * JPEG formats. */
void ks_raw_unpack(const struct ks_raw_shape *shape, const uint8_t *bytes, uint8_t *planes,
		   struct ks_picture *picture);

#endif
