/* SPDX-License-Identifier: Apache-2.0
 *
 * Cuts a stream of bytes into JPEGs by walking their markers (ITU-T T.81 Annex B), in one pass, so that
 * the same pictures come out however the stream was chopped up, and the work is in proportion to its
 * bytes. What is between pictures is skipped: a multipart stream can be read too. After something broken
 * it goes on at the next start of a picture; the pictures it gives still have to be checked.
 */
#ifndef KS_CAPTURE_SPLIT_H
#define KS_CAPTURE_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/frame/jpeg.h"

struct ks_split {
	/* A picture from SOI to EOI; the bytes live during the call. began_us is the time given with the bytes
	 * in which its SOI was. */
	void (*picture)(void *ctx, const uint8_t *jpeg, size_t len, int64_t began_us);
	/* A picture was given up: KS_JPEG_NO_EOI, _SEGMENT, _MARKER or _SIZE. */
	void (*dropped)(void *ctx, enum ks_jpeg_fault fault);
	void *ctx;

	/* Its own. */
	uint8_t *bytes;		/* of the picture being walked, at most KS_JPEG_MAX */
	size_t len, room;
	int state;
	bool scan;		/* the segment is that of SOS: data follows it */
	size_t left;		/* bytes of the segment still to come */
	int64_t began_us;
	uint64_t pictures;
	uint64_t skipped;	/* bytes between pictures, and of those given up */
};

void ks_split_init(struct ks_split *split);
void ks_split_free(struct ks_split *split);

/* Forgets a picture that has begun: the stream was interrupted. */
void ks_split_reset(struct ks_split *split);

/* Takes bytes up to the end of the next picture, or all of them; returns how many it took. A picture for which
 * there is no memory is skipped. */
size_t ks_split_feed(struct ks_split *split, const uint8_t *bytes, size_t len, int64_t now_us);

#endif
