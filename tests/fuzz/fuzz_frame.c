/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "lib/base/error.h"
#include "lib/frame/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* A fixed key, so that frames in the corpus stay signed by it. */
static const uint8_t seed[crypto_sign_SEEDBYTES] = "a seed for tests only";
static uint8_t secret[KS_SECRET_KEY_SIZE];
static struct ks_trust trust;

static void expect_view(const uint8_t *bytes, size_t len)
{
	struct ks_frame frame;

	if (ks_frame_view(bytes, len, &frame) != KS_EOK || frame.len != len)
		abort();
}

/* The same bytes with length, digest and signature put right: as from a source with a good key and a
 * wrong program, which is the only way past the signature. */
static void verify_signed_again(const uint8_t *bytes, size_t len)
{
	struct ks_manifest m;
	struct ks_frame frame;
	uint8_t *copy;

	if (len <= KS_MANIFEST_SIZE || len > KS_FRAME_MAX || ks_manifest_decode(bytes, len, &m) != KS_EOK)
		return;
	copy = malloc(len);
	if (copy == NULL)
		return;
	memcpy(copy, bytes, len);
	m.length = (uint32_t)(len - KS_MANIFEST_SIZE);
	crypto_generichash(m.digest, sizeof(m.digest), copy + KS_MANIFEST_SIZE, m.length, NULL, 0);
	if (ks_manifest_encode(&m, copy) != KS_EOK)
		abort();
	crypto_sign_detached(copy + KS_MANIFEST_SIGNED, NULL, copy, KS_MANIFEST_SIGNED, secret);
	if (ks_frame_verify(copy, len, &trust, &frame) == KS_EOK)
		expect_view(copy, len);
	free(copy);
}

/* Whatever capture signs, relays must take. */
static void sign_as_capture(const uint8_t *jpeg, size_t len)
{
	struct ks_manifest m = { .channel = "main", .rendition = "std", .captured_us = 3, .period_ms = 1000 };
	size_t cap = KS_MANIFEST_SIZE + KS_JPEG_STAMP_MAX + ks_jpeg_standard_tables_len + len;
	uint8_t *out = malloc(cap);
	enum ks_jpeg_fault fault;
	struct ks_frame frame;

	if (out != NULL && ks_frame_sign(&m, jpeg, len, secret, out, cap, &frame, &fault) == KS_EOK &&
	    ks_frame_verify(frame.bytes, frame.len, &trust, &frame) != KS_EOK)
		abort();
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct ks_frame frame;

	if (trust.n == 0) {
		crypto_sign_seed_keypair(trust.keys[0], secret, seed);
		trust.n = 1;
	}
	if (ks_frame_verify(bytes, len, &trust, &frame) == KS_EOK)
		expect_view(bytes, len);
	verify_signed_again(bytes, len);
	if (len > KS_MANIFEST_SIZE)
		sign_as_capture(bytes + KS_MANIFEST_SIZE, len - KS_MANIFEST_SIZE);
	return 0;
}
