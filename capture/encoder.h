/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures to JPEG and back, and the question whether a decoder accepts a JPEG, all by TurboJPEG. One thread at a
 * time.
 */
#ifndef KS_CAPTURE_ENCODER_H
#define KS_CAPTURE_ENCODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/picture.h"
#include "lib/frame/jpeg.h"

struct ks_encoder;

int ks_encoder_new(struct ks_encoder **encoder);
void ks_encoder_free(struct ks_encoder *encoder);

/* Encodes planes; *jpeg lives until the next call. KS_EOK; KS_EMALFORMED when TurboJPEG refuses (logged
 * at debug level), which a picture within the limits of its struct never provokes. */
int ks_encoder_encode(struct ks_encoder *encoder, const struct ks_picture *picture, int quality,
		      const uint8_t **jpeg, size_t *len);

/* A progressive picture is held whole as coefficients while it is decoded, 2 bytes each and 3 a pixel. */
#define KS_CHECK_PROGRESSIVE_PIXELS_MAX ((size_t)32 * 1024 * 1024)

/* Decodes at an eighth of the size and takes each of the decoder's warnings for a fault. The bytes must be
 * KS_JPEG_GOOD already; *info is what that check said. KS_JPEG_GOOD, KS_JPEG_CORRUPT, or
 * KS_JPEG_DIMENSIONS for a progressive picture above the limit. */
enum ks_jpeg_fault ks_encoder_check(struct ks_encoder *encoder, const uint8_t *jpeg, size_t len,
				    const struct ks_jpeg_info *info);

/* Decodes to planes, at 1/1, 1/2, 1/4 or 1/8 of the size: the smallest that has the size wanted. The bytes must be
 * KS_JPEG_GOOD already; *info is what that check said. *picture lives until the next call of this function. KS_EOK;
 * KS_EMALFORMED: a decoder complains (without `strict`, only when there is no picture at all); KS_ELIMIT: a progressive
 * one above the limit; KS_EVERSION: of colours that cannot be YUV (CMYK); -ENOMEM. */
int ks_encoder_decode(struct ks_encoder *encoder, const uint8_t *jpeg, size_t len, const struct ks_jpeg_info *info,
		      int width, int height, bool strict, struct ks_picture *picture);

#endif
