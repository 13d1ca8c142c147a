/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/encoder.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <turbojpeg.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

struct ks_encoder {
	tjhandle compress, decompress;
	unsigned char *jpeg;		/* TurboJPEG's; grows to the largest picture */
	unsigned long jpeg_size;
	unsigned char *thumb;		/* where the check decodes to, or RGB on its way to planes */
	size_t thumb_size;
	unsigned char *planes;
	size_t planes_size;
};

/* TurboJPEG's name of a layout. */
static const int subsamplings[] = {
	[KS_PICTURE_JPEG] = -1, [KS_PICTURE_YUV420] = TJSAMP_420, [KS_PICTURE_YUV422] = TJSAMP_422,
	[KS_PICTURE_GREY] = TJSAMP_GRAY, [KS_PICTURE_YUV444] = TJSAMP_444, [KS_PICTURE_YUV440] = TJSAMP_440,
	[KS_PICTURE_YUV411] = TJSAMP_411,
};

int ks_encoder_new(struct ks_encoder **out)
{
	struct ks_encoder *encoder = calloc(1, sizeof(*encoder));

	if (encoder == NULL)
		return -ENOMEM;
	encoder->compress = tjInitCompress();
	encoder->decompress = tjInitDecompress();
	if (encoder->compress == NULL || encoder->decompress == NULL) {
		ks_encoder_free(encoder);
		return -ENOMEM;
	}
	*out = encoder;
	return KS_EOK;
}

void ks_encoder_free(struct ks_encoder *encoder)
{
	if (encoder == NULL)
		return;
	if (encoder->compress != NULL)
		tjDestroy(encoder->compress);
	if (encoder->decompress != NULL)
		tjDestroy(encoder->decompress);
	tjFree(encoder->jpeg);
	free(encoder->thumb);
	free(encoder->planes);
	free(encoder);
}

int ks_encoder_encode(struct ks_encoder *encoder, const struct ks_picture *picture, int quality,
		      const uint8_t **jpeg, size_t *len)
{
	const unsigned char *planes[3] = { picture->plane[0], picture->plane[1], picture->plane[2] };
	unsigned long size = encoder->jpeg_size;

	if (tjCompressFromYUVPlanes(encoder->compress, planes, picture->width, picture->stride, picture->height,
				    subsamplings[picture->layout], &encoder->jpeg, &size, quality, 0) != 0) {
		ks_debug("encoder", "%s", tjGetErrorStr2(encoder->compress));
		return KS_EMALFORMED;
	}
	/* TurboJPEG says how much is used; what is allocated is never less. */
	if (size > encoder->jpeg_size)
		encoder->jpeg_size = size;
	*jpeg = encoder->jpeg;
	*len = size;
	return KS_EOK;
}

/* Memory that grows to the largest picture. */
static bool make_room(unsigned char **bytes, size_t *room, size_t size)
{
	unsigned char *grown;

	if (size <= *room)
		return true;
	grown = realloc(*bytes, size);
	if (grown == NULL)
		return false;
	*bytes = grown;
	*room = size;
	return true;
}

static bool too_progressive(const struct ks_jpeg_info *info)
{
	return info->progressive && (size_t)info->width * info->height > KS_CHECK_PROGRESSIVE_PIXELS_MAX;
}

/* Grey needs no work for colours, and the entropy-coded data is read all the same; only four components
 * cannot be made grey. The call's own result is about things that do not matter here (odd subsampling). */
static int check_format(struct ks_encoder *encoder, const uint8_t *jpeg, size_t len)
{
	int width, height, subsampling, space = -1;

	tjDecompressHeader3(encoder->decompress, jpeg, len, &width, &height, &subsampling, &space);
	return space == TJCS_CMYK || space == TJCS_YCCK ? TJPF_CMYK : TJPF_GRAY;
}

enum ks_jpeg_fault ks_encoder_check(struct ks_encoder *encoder, const uint8_t *jpeg, size_t len,
				    const struct ks_jpeg_info *info)
{
	static const tjscalingfactor eighth = { 1, 8 };
	int width = TJSCALED(info->width, eighth), height = TJSCALED(info->height, eighth), format;

	if (too_progressive(info))
		return KS_JPEG_DIMENSIONS;
	format = check_format(encoder, jpeg, len);
	if (!make_room(&encoder->thumb, &encoder->thumb_size,
		       (size_t)tjPixelSize[format] * (size_t)width * (size_t)height))
		return KS_JPEG_CORRUPT;
	if (tjDecompress2(encoder->decompress, jpeg, len, encoder->thumb, width, 0, height, format,
			  TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS | TJFLAG_FASTDCT) == 0)
		return KS_JPEG_GOOD;
	ks_debug("encoder", "a decoder complains: %s", tjGetErrorStr2(encoder->decompress));
	return KS_JPEG_CORRUPT;
}

/* --- back to planes --------------------------------------------------------------------------- */

/* The smallest of the factors that the decoder is quick at. */
static void decoded_size(const struct ks_jpeg_info *info, int width, int height, struct ks_picture *picture)
{
	for (int denominator = 8; denominator >= 1; denominator /= 2) {
		const tjscalingfactor factor = { 1, denominator };

		picture->width = TJSCALED(info->width, factor);
		picture->height = TJSCALED(info->height, factor);
		if (picture->width >= width && picture->height >= height)
			return;
	}
}

/* Points the picture into the encoder's memory. */
static bool lay_out(struct ks_encoder *encoder, struct ks_picture *picture)
{
	int subsampling = subsamplings[picture->layout];
	size_t size = 0;

	for (int i = 0; i < (picture->layout == KS_PICTURE_GREY ? 1 : 3); i++) {
		picture->stride[i] = tjPlaneWidth(i, picture->width, subsampling);
		size += (size_t)picture->stride[i] * (size_t)tjPlaneHeight(i, picture->height, subsampling);
	}
	if (!make_room(&encoder->planes, &encoder->planes_size, size))
		return false;
	picture->plane[0] = encoder->planes;
	for (int i = 1; i < (picture->layout == KS_PICTURE_GREY ? 1 : 3); i++)
		picture->plane[i] = picture->plane[i - 1] + (size_t)picture->stride[i - 1] *
				    (size_t)tjPlaneHeight(i - 1, picture->height, subsampling);
	return true;
}

/* TurboJPEG's planes are not const. */
static void writable(struct ks_encoder *encoder, const struct ks_picture *picture, unsigned char *planes[3])
{
	for (int i = 0; i < 3; i++) {
		planes[i] = NULL;
		if (picture->plane[i] != NULL)
			planes[i] = encoder->planes + (picture->plane[i] - picture->plane[0]);
	}
}

/* A JPEG of RGB, or with chroma in proportions of its own, has no planes that could be used; it takes a detour. */
static int decode_rgb(struct ks_encoder *encoder, const uint8_t *jpeg, size_t len, int flags,
		      struct ks_picture *picture)
{
	size_t pixels = (size_t)picture->width * (size_t)picture->height;
	unsigned char *planes[3];

	picture->layout = KS_PICTURE_YUV420;
	if (!lay_out(encoder, picture) || !make_room(&encoder->thumb, &encoder->thumb_size, 3 * pixels))
		return -ENOMEM;
	writable(encoder, picture, planes);
	if (tjDecompress2(encoder->decompress, jpeg, len, encoder->thumb, picture->width, 0, picture->height, TJPF_RGB,
			  flags) != 0 &&
	    ((flags & TJFLAG_STOPONWARNING) != 0 || tjGetErrorCode(encoder->decompress) != TJERR_WARNING))
		return KS_EMALFORMED;
	return tjEncodeYUVPlanes(encoder->compress, encoder->thumb, picture->width, 0, picture->height, TJPF_RGB,
				 planes, picture->stride, TJSAMP_420, 0) == 0 ? KS_EOK : KS_EMALFORMED;
}

static int decode_planes(struct ks_encoder *encoder, const uint8_t *jpeg, size_t len, int flags,
			 struct ks_picture *picture)
{
	unsigned char *planes[3];

	if (!lay_out(encoder, picture))
		return -ENOMEM;
	writable(encoder, picture, planes);
	if (tjDecompressToYUVPlanes(encoder->decompress, jpeg, len, planes, picture->width, picture->stride,
				    picture->height, flags) == 0)
		return KS_EOK;
	return (flags & TJFLAG_STOPONWARNING) == 0 && tjGetErrorCode(encoder->decompress) == TJERR_WARNING ?
	       KS_EOK : KS_EMALFORMED;
}

static int layout_of(int subsampling)
{
	for (int i = KS_PICTURE_YUV420; i < (int)(sizeof(subsamplings) / sizeof(subsamplings[0])); i++)
		if (subsamplings[i] == subsampling)
			return i;
	return -1;
}

int ks_encoder_decode(struct ks_encoder *encoder, const uint8_t *jpeg, size_t len, const struct ks_jpeg_info *info,
		      int width, int height, bool strict, struct ks_picture *picture)
{
	int flags = TJFLAG_LIMITSCANS | (strict ? TJFLAG_STOPONWARNING : 0);
	int whole_width, whole_height, subsampling = -1, space = -1, err, layout;

	if (too_progressive(info))
		return KS_ELIMIT;
	memset(picture, 0, sizeof(*picture));
	decoded_size(info, width, height, picture);
	tjDecompressHeader3(encoder->decompress, jpeg, len, &whole_width, &whole_height, &subsampling, &space);
	if (space == TJCS_CMYK || space == TJCS_YCCK)
		return KS_EVERSION;
	layout = layout_of(subsampling);
	if (layout >= 0 && space != TJCS_RGB) {
		picture->layout = (enum ks_picture_layout)layout;
		err = decode_planes(encoder, jpeg, len, flags, picture);
	} else {
		err = decode_rgb(encoder, jpeg, len, flags, picture);
	}
	if (err == KS_EMALFORMED)
		ks_debug("encoder", "a decoder complains: %s", tjGetErrorStr2(encoder->decompress));
	return err;
}
