/* SPDX-License-Identifier: Apache-2.0
 *
 * The manifest: what capture says, and signs, about one picture. It travels and is stored in front of
 * the JPEG bytes. Layout (176 bytes, little-endian), frozen for version 1:
 *
 *   0  4 magic "KSM1"        40  4 epoch          68  4 period, ms
 *   4  1 version (1)         44  4 seq            72  4 length of the JPEG, bytes
 *   5  1 flags               48  8 captured, us   76  4 zero
 *   6  1 source                   (UTC)           80 32 BLAKE2b-256 of the JPEG
 *   7  1 priority            56  8 captured, us  112 64 Ed25519 signature of bytes 0 to 111
 *   8 24 channel                  (monotonic)
 *  32  8 rendition           64  2 width
 *                            66  2 height
 *
 * Names are padded with zeros. Unknown flags and a non-zero reserved field are refused, so that they
 * can be given a meaning later.
 */
#ifndef KS_FRAME_MANIFEST_H
#define KS_FRAME_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "lib/frame/id.h"
#include "lib/base/name.h"

#define KS_MANIFEST_SIZE 176
#define KS_MANIFEST_SIGNED 112		/* the bytes under the signature */
#define KS_DIGEST_SIZE 32
#define KS_SIGNATURE_SIZE 64

/* Limits of a frame; a picture beyond them is refused by capture and by everybody after it. */
#define KS_JPEG_MAX ((size_t)2 * 1024 * 1024)	/* bytes */
#define KS_DIMENSION_MAX 8192			/* pixels a side */
#define KS_PERIOD_MIN_MS 20
#define KS_PERIOD_MAX_MS 60000
#define KS_CAPTURED_MAX_US INT64_C(253402300799999999)	/* the end of 9999: sums of times cannot overflow */
#define KS_FRAME_MAX (KS_MANIFEST_SIZE + KS_JPEG_MAX)
#define KS_SOURCES_MAX 16			/* capture daemons of one channel */

enum ks_manifest_flags {
	KS_FRAME_PLACEHOLDER = 1,	/* not from the camera: says what is wrong with it */
	KS_FRAME_SHOWN = 2,		/* some relay shows this source; on every other frame, see relay/director.h */
	KS_FRAME_FLAGS_KNOWN = 3
};

struct ks_manifest {
	char channel[KS_CHANNEL_MAX + 1];	/* NUL-terminated here */
	char rendition[KS_RENDITION_MAX + 1];
	uint8_t flags;
	uint8_t source;			/* which capture daemon of the channel, below KS_SOURCES_MAX */
	uint8_t priority;		/* among sources; the lowest number is the primary */
	struct ks_frame_id id;
	int64_t captured_us;		/* UTC */
	int64_t captured_mono_us;	/* the capture machine's monotonic clock */
	uint16_t width, height;		/* pixels, as in the JPEG's frame header */
	uint32_t period_ms;		/* intended time to the next frame */
	uint32_t length;		/* bytes of JPEG */
	uint8_t digest[KS_DIGEST_SIZE];
	uint8_t signature[KS_SIGNATURE_SIZE];
};

/* KS_EOK, or KS_EMALFORMED / KS_ELIMIT when a field is out of range (out is then undefined). */
int ks_manifest_encode(const struct ks_manifest *m, uint8_t out[KS_MANIFEST_SIZE]);

/* Parses the first KS_MANIFEST_SIZE bytes of `bytes`. Checks every field's range; does not check the
 * signature. KS_EOK, KS_ETRUNC, KS_EVERSION, KS_EMALFORMED, KS_ELIMIT. */
int ks_manifest_decode(const uint8_t *bytes, size_t len, struct ks_manifest *m);

#endif
