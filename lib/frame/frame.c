/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/frame/frame.h"

#include <string.h>

#include <sodium.h>

#include "lib/base/cursor.h"
#include "lib/base/error.h"

_Static_assert(KS_PUBLIC_KEY_SIZE == crypto_sign_PUBLICKEYBYTES, "Ed25519");
_Static_assert(KS_SECRET_KEY_SIZE == crypto_sign_SECRETKEYBYTES, "Ed25519");
_Static_assert(KS_SIGNATURE_SIZE == crypto_sign_BYTES, "Ed25519");
_Static_assert(KS_DIGEST_SIZE == crypto_generichash_BYTES, "BLAKE2b-256");

/* Picks the implementations for this processor, once per process. When it fails, the portable ones stay,
 * and a system without randomness is refused by libsodium itself when a key is made. */
static void start_sodium(void)
{
	int outcome = sodium_init();

	(void)outcome;
}

void ks_keypair(uint8_t public_key[KS_PUBLIC_KEY_SIZE], uint8_t secret_key[KS_SECRET_KEY_SIZE])
{
	start_sodium();
	crypto_sign_keypair(public_key, secret_key);
}

static void digest(const uint8_t *jpeg, size_t len, uint8_t out[KS_DIGEST_SIZE])
{
	start_sodium();
	crypto_generichash(out, KS_DIGEST_SIZE, jpeg, len, NULL, 0);
}

static void stamp_of(const struct ks_manifest *m, struct ks_jpeg_stamp *stamp)
{
	memset(stamp, 0, sizeof(*stamp));
	stamp->id = m->id;
	stamp->captured_us = m->captured_us;
	memcpy(stamp->channel, m->channel, sizeof(m->channel));
	memcpy(stamp->rendition, m->rendition, sizeof(m->rendition));
}

/* The picture as it is signed: SOI, stamp, standard tables when it has none, and the rest as it came.
 * The stamp of a recording that is played again gives way to the new one. */
static void write_picture(struct ks_writer *w, const struct ks_manifest *m, const uint8_t *jpeg, size_t jpeg_len,
			  const struct ks_jpeg_info *info)
{
	struct ks_jpeg_stamp stamp, old;
	uint8_t segment[KS_JPEG_STAMP_MAX];
	size_t rest = info->after_soi, old_len;

	if (ks_jpeg_stamp_read(jpeg, jpeg_len, &old, &old_len) == KS_EOK)
		rest += old_len;
	stamp_of(m, &stamp);
	ks_write_bytes(w, jpeg, info->after_soi);
	ks_write_bytes(w, segment, ks_jpeg_stamp_write(&stamp, segment));
	if (!info->has_tables)
		ks_write_bytes(w, ks_jpeg_standard_tables, ks_jpeg_standard_tables_len);
	ks_write_bytes(w, jpeg + rest, jpeg_len - rest);
}

/* Fills in the signature and completes the encoded manifest with it. */
static int sign(struct ks_manifest *m, const uint8_t secret_key[KS_SECRET_KEY_SIZE], uint8_t *out)
{
	int err;

	memset(m->signature, 0, sizeof(m->signature));
	err = ks_manifest_encode(m, out);
	if (err != KS_EOK)
		return err;
	crypto_sign_detached(m->signature, NULL, out, KS_MANIFEST_SIGNED, secret_key);
	memcpy(out + KS_MANIFEST_SIGNED, m->signature, sizeof(m->signature));
	return KS_EOK;
}

int ks_frame_sign(struct ks_manifest *m, const uint8_t *jpeg, size_t jpeg_len,
		  const uint8_t secret_key[KS_SECRET_KEY_SIZE], uint8_t *out, size_t cap, struct ks_frame *frame,
		  enum ks_jpeg_fault *fault)
{
	struct ks_writer w = ks_writer(out, cap < KS_FRAME_MAX ? cap : KS_FRAME_MAX);
	struct ks_jpeg_info info;
	size_t len;
	int err;

	*fault = KS_JPEG_GOOD;
	if (!ks_name_valid(m->channel, strnlen(m->channel, sizeof(m->channel)), KS_CHANNEL_MAX) ||
	    !ks_name_valid(m->rendition, strnlen(m->rendition, sizeof(m->rendition)), KS_RENDITION_MAX))
		return KS_EMALFORMED;
	*fault = ks_jpeg_check(jpeg, jpeg_len, &info);
	if (*fault != KS_JPEG_GOOD)
		return KS_EMALFORMED;
	ks_write_span(&w, KS_MANIFEST_SIZE);
	write_picture(&w, m, jpeg, jpeg_len, &info);
	if (w.error != KS_EOK) {
		*fault = cap < KS_FRAME_MAX ? KS_JPEG_GOOD : KS_JPEG_SIZE;
		return w.error;
	}
	len = (size_t)(w.at - out) - KS_MANIFEST_SIZE;
	m->width = info.width;
	m->height = info.height;
	m->length = (uint32_t)len;
	digest(out + KS_MANIFEST_SIZE, len, m->digest);
	err = sign(m, secret_key, out);
	if (err == KS_EOK)
		*frame = (struct ks_frame){ *m, out, KS_MANIFEST_SIZE + len };
	return err;
}

static int read_manifest(const uint8_t *bytes, size_t len, struct ks_manifest *m)
{
	int err = ks_manifest_decode(bytes, len, m);

	if (err != KS_EOK)
		return err;
	if (len < KS_MANIFEST_SIZE + (size_t)m->length)
		return KS_ETRUNC;
	return len == KS_MANIFEST_SIZE + (size_t)m->length ? KS_EOK : KS_EMALFORMED;
}

static int check_signature(const uint8_t *bytes, const struct ks_manifest *m, const struct ks_trust *trust)
{
	for (size_t i = 0; i < trust->n; i++)
		if (crypto_sign_verify_detached(m->signature, bytes, KS_MANIFEST_SIGNED, trust->keys[i]) == 0)
			return KS_EOK;
	return KS_EAUTH;
}

static int check_digest(const uint8_t *bytes, const struct ks_manifest *m)
{
	uint8_t got[KS_DIGEST_SIZE];

	digest(bytes + KS_MANIFEST_SIZE, m->length, got);
	return memcmp(got, m->digest, sizeof(got)) == 0 ? KS_EOK : KS_EDIGEST;
}

/* That what the picture says about itself is what was signed. */
static int check_picture(const uint8_t *jpeg, const struct ks_manifest *m)
{
	struct ks_jpeg_stamp stamp;
	struct ks_jpeg_info info;

	if (ks_jpeg_check(jpeg, m->length, &info) != KS_JPEG_GOOD || info.width != m->width || info.height != m->height)
		return KS_EMALFORMED;
	if (ks_jpeg_stamp_read(jpeg, m->length, &stamp, NULL) != KS_EOK)
		return KS_EMALFORMED;
	if (ks_frame_id_cmp(stamp.id, m->id) != 0 || stamp.captured_us != m->captured_us ||
	    strcmp(stamp.channel, m->channel) != 0 || strcmp(stamp.rendition, m->rendition) != 0)
		return KS_EMALFORMED;
	return KS_EOK;
}

int ks_frame_verify(const uint8_t *bytes, size_t len, const struct ks_trust *trust, struct ks_frame *frame)
{
	struct ks_manifest m;
	int err = read_manifest(bytes, len, &m);

	if (err == KS_EOK)
		err = check_signature(bytes, &m, trust);
	if (err == KS_EOK)
		err = check_digest(bytes, &m);
	if (err == KS_EOK)
		err = check_picture(bytes + KS_MANIFEST_SIZE, &m);
	if (err == KS_EOK)
		*frame = (struct ks_frame){ m, bytes, len };
	return err;
}

int ks_frame_view(const uint8_t *bytes, size_t len, struct ks_frame *frame)
{
	struct ks_manifest m;
	int err = read_manifest(bytes, len, &m);

	if (err == KS_EOK)
		err = check_digest(bytes, &m);
	if (err == KS_EOK)
		*frame = (struct ks_frame){ m, bytes, len };
	return err;
}

int ks_manifest_verify(const uint8_t bytes[KS_MANIFEST_SIZE], const struct ks_trust *trust, struct ks_manifest *m)
{
	int err = ks_manifest_decode(bytes, KS_MANIFEST_SIZE, m);

	return err == KS_EOK ? check_signature(bytes, m, trust) : err;
}

/* No clock and no source comes into it: an epoch tells its source (KS_SOURCES_MAX), and a source whose pictures are
 * behind takes an epoch above the one that is shown. So each relay, store and browser has the same order without
 * knowing anything but ids, and it does not change when somebody's clock is set. */
bool ks_frame_newer(const struct ks_manifest *a, const struct ks_manifest *b)
{
	return ks_frame_id_cmp(a->id, b->id) > 0;
}
