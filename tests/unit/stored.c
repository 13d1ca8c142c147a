/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/stored.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "lib/base/error.h"

/* Each word says which picture, how long it is, and where in it the word stands. */
static uint64_t word_at(uint32_t mark, uint32_t length, uint32_t i)
{
	return ((uint64_t)mark << 32 | length) * UINT64_C(0x9e3779b97f4a7c15) + i;
}

uint8_t *stored_make(uint32_t mark, uint32_t length)
{
	uint8_t *bytes = malloc(KS_FRAME_MAX);
	uint8_t *jpeg = bytes + KS_MANIFEST_SIZE;
	struct ks_manifest m = { .channel = STORED_CHANNEL, .rendition = STORED_RENDITION, .width = 1, .height = 1,
				 .period_ms = 1000, .length = length };

	if (bytes == NULL || length < 8)
		abort();
	memcpy(jpeg, &mark, sizeof(mark));
	memcpy(jpeg + 4, &length, sizeof(length));
	for (uint32_t at = 8; at < length; at += 8) {
		uint64_t word = word_at(mark, length, at);

		memcpy(jpeg + at, &word, length - at < 8 ? length - at : 8);
	}
	crypto_generichash(m.digest, sizeof(m.digest), jpeg, length, NULL, 0);
	if (ks_manifest_encode(&m, bytes) != KS_EOK)
		abort();
	return bytes;
}

struct ks_frame stored_name(uint8_t *bytes, uint32_t epoch, uint32_t seq)
{
	struct ks_frame frame = { .bytes = bytes };

	if (ks_manifest_decode(bytes, KS_MANIFEST_SIZE, &frame.m) != KS_EOK)
		abort();
	frame.m.id = (struct ks_frame_id){ epoch, seq };
	frame.m.captured_us = seq * KS_US_PER_S;
	frame.len = KS_MANIFEST_SIZE + frame.m.length;
	if (ks_manifest_encode(&frame.m, bytes) != KS_EOK)
		abort();
	return frame;
}

bool stored_whole(const struct ks_frame *frame, uint32_t *mark)
{
	const uint8_t *jpeg = ks_frame_jpeg(frame);
	uint32_t length;

	memcpy(mark, jpeg, sizeof(*mark));
	memcpy(&length, jpeg + 4, sizeof(length));
	if (length != frame->m.length || frame->len != KS_MANIFEST_SIZE + length)
		return false;
	for (uint32_t at = 8; at < length; at += 8) {
		uint64_t word = word_at(*mark, length, at);

		if (memcmp(jpeg + at, &word, length - at < 8 ? length - at : 8) != 0)
			return false;
	}
	return true;
}

int stored_publish(struct ks_store_writer *writer, uint32_t epoch, uint32_t seq, uint32_t length)
{
	uint8_t *bytes = stored_make(seq, length);
	struct ks_frame frame = stored_name(bytes, epoch, seq);
	int err = ks_store_publish(writer, &frame);

	free(bytes);
	return err;
}
