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
	KS_PICTURE_GREY,	/* one plane */
	/* Only a JPEG from outside has these: */
	KS_PICTURE_YUV444,	/* chroma as large as luma, */
	KS_PICTURE_YUV440,	/* halved vertically, */
	KS_PICTURE_YUV411	/* quartered horizontally */
};

struct ks_picture {
	enum ks_picture_layout layout;
	int width, height;	/* of planes; a JPEG says for itself */
	const uint8_t *plane[3];	/* where chroma is halved, luma is padded to even columns and rows; and so on */
	int stride[3];		/* bytes a row */
	const uint8_t *jpeg;
	size_t jpeg_len;
	int64_t captured_us;		/* UTC; as close to the light as the source can tell */
	int64_t captured_mono_us;
};

/* How many pixels of luma, across and down, share one of chroma. */
static inline void ks_picture_chroma(enum ks_picture_layout layout, int *across, int *down)
{
	*across = layout == KS_PICTURE_YUV411 ? 4 : layout == KS_PICTURE_YUV420 || layout == KS_PICTURE_YUV422 ? 2 : 1;
	*down = layout == KS_PICTURE_YUV420 || layout == KS_PICTURE_YUV440 ? 2 : 1;
}

/* The part of a plane that shows. */
static inline void ks_picture_plane_size(const struct ks_picture *picture, int plane, int *width, int *height)
{
	int across = 1, down = 1;

	if (plane > 0)
		ks_picture_chroma(picture->layout, &across, &down);
	*width = (picture->width + across - 1) / across;
	*height = (picture->height + down - 1) / down;
}

#endif
