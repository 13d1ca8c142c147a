/* SPDX-License-Identifier: Apache-2.0
 *
 * The same pictures and the same drops come out however the stream is chopped up. The first byte chooses
 * the chunks of the second run.
 */
#include <stdlib.h>
#include <string.h>

#include "capture/split.h"
#include "lib/frame/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct sum {
	uint64_t pictures, dropped, hash;
};

static void add(struct sum *sum, uint8_t byte)
{
	sum->hash = (sum->hash ^ byte) * UINT64_C(0x100000001b3);
}

static void on_picture(void *ctx, const uint8_t *jpeg, size_t len, int64_t began_us)
{
	struct sum *sum = ctx;

	(void)began_us;
	if (len < 4 || len > KS_JPEG_MAX || memcmp(jpeg, "\xff\xd8\xff", 3) != 0 ||
	    memcmp(jpeg + len - 2, "\xff\xd9", 2) != 0)
		abort();
	sum->pictures++;
	for (size_t i = 0; i < len; i++)
		add(sum, jpeg[i]);
}

static void on_dropped(void *ctx, enum ks_jpeg_fault fault)
{
	struct sum *sum = ctx;

	sum->dropped++;
	add(sum, (uint8_t)fault);
}

/* Seed 0: in one piece. */
static struct sum run(const uint8_t *bytes, size_t len, uint32_t seed)
{
	struct sum sum = { 0, 0, 0 };
	struct ks_split split;
	uint32_t chunks = seed;

	ks_split_init(&split);
	split.picture = on_picture;
	split.dropped = on_dropped;
	split.ctx = &sum;
	for (size_t at = 0; at < len;) {
		size_t n = len - at;

		chunks = chunks * 1103515245 + 12345;
		if (seed != 0 && n > (chunks >> 16 & 63) + 1)
			n = (chunks >> 16 & 63) + 1;
		at += ks_split_feed(&split, bytes + at, n, 0);
	}
	if (split.len > KS_JPEG_MAX)
		abort();
	ks_split_free(&split);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct sum whole, chopped;

	if (len < 1)
		return 0;
	whole = run(bytes + 1, len - 1, 0);
	chopped = run(bytes + 1, len - 1, bytes[0] + 1u);
	if (memcmp(&whole, &chopped, sizeof(whole)) != 0)
		abort();
	return 0;
}
