/* SPDX-License-Identifier: Apache-2.0
 *
 * A frame: one signed picture, as one run of bytes: the encoded manifest, then the JPEG. This run of
 * bytes is what the transport carries and what the store holds; nothing on the way changes a bit of it.
 */
#ifndef KS_FRAME_FRAME_H
#define KS_FRAME_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/frame/jpeg.h"
#include "lib/frame/manifest.h"

#define KS_PUBLIC_KEY_SIZE 32
#define KS_SECRET_KEY_SIZE 64

/* A view: points into bytes that somebody else owns, and lives no longer than they do. */
struct ks_frame {
	struct ks_manifest m;
	const uint8_t *bytes;	/* KS_MANIFEST_SIZE bytes of manifest, then m.length of JPEG */
	size_t len;		/* of both together */
};

static inline const uint8_t *ks_frame_jpeg(const struct ks_frame *frame)
{
	return frame->bytes + KS_MANIFEST_SIZE;
}

/* The public keys a relay accepts pictures from. */
#define KS_TRUST_MAX 16
struct ks_trust {
	uint8_t keys[KS_TRUST_MAX][KS_PUBLIC_KEY_SIZE];
	size_t n;
};

void ks_keypair(uint8_t public_key[KS_PUBLIC_KEY_SIZE], uint8_t secret_key[KS_SECRET_KEY_SIZE]);

/* Makes the signed bytes of a frame in out[0..cap): checks the JPEG, inserts the stamp (and the standard
 * Huffman tables when it has none), fills in m->width, height, length, digest, signature, and encodes.
 * The caller sets the other members of *m. On KS_EOK *frame is a view of out. KS_EMALFORMED when the JPEG
 * is refused (*fault says why) or a name is none, KS_ELIMIT when it does not fit into cap or a limit
 * (KS_JPEG_SIZE: the stamp made it too large). cap of KS_FRAME_MAX always suffices. */
int ks_frame_sign(struct ks_manifest *m, const uint8_t *jpeg, size_t jpeg_len,
		  const uint8_t secret_key[KS_SECRET_KEY_SIZE], uint8_t *out, size_t cap, struct ks_frame *frame,
		  enum ks_jpeg_fault *fault);

/* Checks everything about the bytes of a frame that came from outside: manifest, exact length, signature
 * by a trusted key, digest, JPEG, and that stamp and manifest agree. On KS_EOK *frame is a view of bytes.
 * KS_ETRUNC, KS_EVERSION, KS_EMALFORMED, KS_ELIMIT, KS_EAUTH (signature), KS_EDIGEST. The signature is
 * checked before the picture is looked at. */
int ks_frame_verify(const uint8_t *bytes, size_t len, const struct ks_trust *trust, struct ks_frame *frame);

/* A view of bytes that were verified before (the store's); checks manifest, length and digest only. */
int ks_frame_view(const uint8_t *bytes, size_t len, struct ks_frame *frame);

/* Checks a manifest that came without its picture: KS_EOK; KS_EVERSION, KS_EMALFORMED, KS_ELIMIT, KS_EAUTH. */
int ks_manifest_verify(const uint8_t bytes[KS_MANIFEST_SIZE], const struct ks_trust *trust, struct ks_manifest *m);

/* The rule of order of the whole system: true when a picture with manifest a may follow one with b on a
 * viewer's screen. By id alone, whichever source it is from. */
bool ks_frame_newer(const struct ks_manifest *a, const struct ks_manifest *b);

#endif
