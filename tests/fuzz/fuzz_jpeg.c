/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/frame/jpeg.h"
#include "lib/frame/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_picture(const uint8_t *bytes, size_t len)
{
	struct ks_jpeg_info info;

	if (ks_jpeg_check(bytes, len, &info) != KS_JPEG_GOOD)
		return;
	if (info.width == 0 || info.height == 0 || info.width > KS_DIMENSION_MAX || info.height > KS_DIMENSION_MAX)
		abort();
	if (memcmp(bytes + len - 2, "\xff\xd9", 2) != 0)
		abort();
}

static void check_stamp(const uint8_t *bytes, size_t len)
{
	uint8_t again[KS_JPEG_STAMP_MAX];
	struct ks_jpeg_stamp stamp;
	size_t segment_len;

	if (ks_jpeg_stamp_read(bytes, len, &stamp, &segment_len) != KS_EOK)
		return;
	if (segment_len > len - 2 || ks_jpeg_stamp_write(&stamp, again) != segment_len)
		abort();
	if (memcmp(again, bytes + 2, segment_len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	check_picture(bytes, len);
	check_stamp(bytes, len);
	return 0;
}
