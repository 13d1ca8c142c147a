/* SPDX-License-Identifier: Apache-2.0
 *
 * What a source hands over: raw planes for the encoder, or a finished JPEG. A view: it points into the
 * source's memory and lives until the source is next called.
 */
#ifndef KS_CAPTURE_PICTURE_H
#define KS_CAPTURE_PICTURE_H

#include <stddef.h>
#include <stdint.h>

enum ks_picture_layout {
	KS_PICTURE_JPEG,	/* as it came: from outside, so it is checked before it is used */
	KS_PICTURE_YUV420,	/* three planes, chroma halved in both directions; full range */
	KS_PICTURE_YUV422,	/* three planes, chroma halved horizontally; full range */
	KS_PICTURE_GREY		/* one plane */
};

struct ks_picture {
	enum ks_picture_layout layout;
	int width, height;	/* of planes; a JPEG says for itself */
	const uint8_t *plane[3];	/* where chroma is halved, luma is padded to even columns and rows */
	int stride[3];		/* bytes a row */
	const uint8_t *jpeg;
	size_t jpeg_len;
	int64_t captured_us;		/* UTC; as close to the light as the source can tell */
	int64_t captured_mono_us;
};

#endif
