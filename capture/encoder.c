/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/encoder.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <turbojpeg.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

struct ks_encoder {
	tjhandle compress, decompress;
	unsigned char *jpeg;		/* TurboJPEG's; grows to the largest picture */
	unsigned long jpeg_size;
	unsigned char *thumb;		/* where the check decodes to */
	size_t thumb_size;
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
	free(encoder);
}

int ks_encoder_encode(struct ks_encoder *encoder, const struct ks_picture *picture, int quality,
		      const uint8_t **jpeg, size_t *len)
{
	int subsampling = picture->layout == KS_PICTURE_YUV420 ? TJSAMP_420 :
			  picture->layout == KS_PICTURE_YUV422 ? TJSAMP_422 : TJSAMP_GRAY;
	const unsigned char *planes[3] = { picture->plane[0], picture->plane[1], picture->plane[2] };
	unsigned long size = encoder->jpeg_size;

	if (tjCompressFromYUVPlanes(encoder->compress, planes, picture->width, picture->stride, picture->height,
				    subsampling, &encoder->jpeg, &size, quality, 0) != 0) {
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

static bool make_thumb(struct ks_encoder *encoder, size_t size)
{
	unsigned char *grown;

	if (size <= encoder->thumb_size)
		return true;
	grown = realloc(encoder->thumb, size);
	if (grown == NULL)
		return false;
	encoder->thumb = grown;
	encoder->thumb_size = size;
	return true;
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

	if (info->progressive && (size_t)info->width * info->height > KS_CHECK_PROGRESSIVE_PIXELS_MAX)
		return KS_JPEG_DIMENSIONS;
	format = check_format(encoder, jpeg, len);
	if (!make_thumb(encoder, (size_t)tjPixelSize[format] * (size_t)width * (size_t)height))
		return KS_JPEG_CORRUPT;
	if (tjDecompress2(encoder->decompress, jpeg, len, encoder->thumb, width, 0, height, format,
			  TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS | TJFLAG_FASTDCT) == 0)
		return KS_JPEG_GOOD;
	ks_debug("encoder", "a decoder complains: %s", tjGetErrorStr2(encoder->decompress));
	return KS_JPEG_CORRUPT;
}
