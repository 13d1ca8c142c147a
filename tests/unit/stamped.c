/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/stamped.h"

#include <stdlib.h>
#include <string.h>

#include <turbojpeg.h>

#include "lib/base/error.h"

#define SIDE 16

struct ks_frame stamped_frame(uint8_t *out, struct ks_frame_id id, int64_t captured_us)
{
	uint8_t grey[SIDE * SIDE], public_key[KS_PUBLIC_KEY_SIZE], secret_key[KS_SECRET_KEY_SIZE];
	struct ks_manifest m = { .channel = "main", .rendition = "std", .id = id, .captured_us = captured_us,
				 .captured_mono_us = captured_us, .period_ms = STAMPED_PERIOD_MS };
	tjhandle encoder = tjInitCompress();
	unsigned char *jpeg = NULL;
	unsigned long len = 0;
	struct ks_frame frame;
	enum ks_jpeg_fault fault;

	memset(grey, (int)(id.seq % 256), sizeof(grey));
	/* Not Check's asserts: servers of tests that are programs use it, too. */
	if (encoder == NULL ||
	    tjCompress2(encoder, grey, SIDE, 0, SIDE, TJPF_GRAY, &jpeg, &len, TJSAMP_GRAY, 80, 0) != 0)
		abort();
	ks_keypair(public_key, secret_key);
	if (ks_frame_sign(&m, jpeg, len, secret_key, out, KS_FRAME_MAX, &frame, &fault) != KS_EOK)
		abort();
	tjFree(jpeg);
	tjDestroy(encoder);
	return frame;
}
