/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/split.h"

#include "lib/frame/manifest.h"
#include "tests/unit/capture_pictures.h"

#define PICTURES_MAX 16

struct got {
	struct jpeg pictures[PICTURES_MAX];
	int64_t began_us[PICTURES_MAX];
	size_t n;
	size_t dropped[KS_JPEG_FAULTS];
};

struct stream {
	uint8_t *bytes;
	size_t len;
};

static void on_picture(void *ctx, const uint8_t *bytes, size_t len, int64_t began_us)
{
	struct got *got = ctx;

	ck_assert_uint_lt(got->n, PICTURES_MAX);
	got->pictures[got->n].bytes = malloc(len);
	memcpy(got->pictures[got->n].bytes, bytes, len);
	got->pictures[got->n].len = len;
	got->began_us[got->n++] = began_us;
}

static void on_dropped(void *ctx, enum ks_jpeg_fault fault)
{
	((struct got *)ctx)->dropped[fault]++;
}

static void add(struct stream *stream, const void *bytes, size_t len)
{
	stream->bytes = realloc(stream->bytes, stream->len + len);
	ck_assert_ptr_nonnull(stream->bytes);
	memcpy(stream->bytes + stream->len, bytes, len);
	stream->len += len;
}

/* Runs the stream through in chunks; `chunk` of 0 makes their lengths vary. */
static void run(const struct stream *stream, size_t chunk, struct got *got)
{
	struct ks_split split;
	uint32_t random = 1;

	memset(got, 0, sizeof(*got));
	ks_split_init(&split);
	split.picture = on_picture;
	split.dropped = on_dropped;
	split.ctx = got;
	for (size_t at = 0; at < stream->len;) {
		size_t n = chunk;

		if (chunk == 0) {
			random = random * 1103515245 + 12345;
			n = random >> 16 & 1023;
		}
		if (n > stream->len - at)
			n = stream->len - at;
		for (size_t end = at + n; at < end;)
			at += ks_split_feed(&split, stream->bytes + at, end - at, (int64_t)at);
	}
	ks_split_free(&split);
}

static void forget(struct got *got)
{
	for (size_t i = 0; i < got->n; i++)
		free(got->pictures[i].bytes);
	got->n = 0;
}

static void is(const struct got *got, size_t i, const struct jpeg *want)
{
	ck_assert_uint_lt(i, got->n);
	ck_assert_uint_eq(got->pictures[i].len, want->len);
	ck_assert_mem_eq(got->pictures[i].bytes, want->bytes, want->len);
}

static const size_t chunks[] = { 1, 2, 3, 7, 64, 1000, 1 << 20, 0 };

START_TEST(same_pictures_however_chopped)
{
	struct jpeg one = make_picture(64, 48, 1), two = make_picture(160, 120, 2);
	struct stream stream = { NULL, 0 };

	add(&stream, "--boundary\r\nContent-Type: image/jpeg\r\n\r\n", 41);
	add(&stream, one.bytes, one.len);
	add(&stream, "\r\n\xff\xff\xd8\x00\xff", 7);
	add(&stream, two.bytes, two.len);
	add(&stream, one.bytes, one.len);
	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		struct got got;

		run(&stream, chunks[i], &got);
		ck_assert_uint_eq(got.n, 3);
		is(&got, 0, &one);
		is(&got, 1, &two);
		is(&got, 2, &one);
		for (size_t fault = 0; fault < KS_JPEG_FAULTS; fault++)
			ck_assert_uint_eq(got.dropped[fault], 0);
		forget(&got);
	}
	free(stream.bytes);
	free(one.bytes);
	free(two.bytes);
}
END_TEST

START_TEST(goes_on_after_a_cut_picture)
{
	struct jpeg one = make_picture(64, 48, 1), two = make_picture(64, 48, 2);

	/* Cut anywhere in its scan, the next picture is whole. */
	for (size_t cut = one.len - 100; cut < one.len; cut++) {
		struct stream stream = { NULL, 0 };
		struct got got;

		if (one.bytes[cut - 1] == 0xff)
			continue;
		add(&stream, one.bytes, cut);
		add(&stream, two.bytes, two.len);
		run(&stream, 0, &got);
		ck_assert_uint_eq(got.n, 1);
		is(&got, 0, &two);
		ck_assert_uint_eq(got.dropped[KS_JPEG_NO_EOI], 1);
		forget(&got);
		free(stream.bytes);
	}
	free(one.bytes);
	free(two.bytes);
}
END_TEST

START_TEST(recovers_from_any_damage)
{
	struct jpeg one = make_picture(64, 48, 1);

	for (size_t at = 0; at < one.len; at += 5) {
		struct stream stream = { NULL, 0 };
		struct got got;

		add(&stream, one.bytes, one.len);
		stream.bytes[at] ^= 0xff;
		for (int i = 0; i < 130; i++)
			add(&stream, one.bytes, one.len);
		/* A segment's length can swallow 64 KB, and no more. */
		stream.len = stream.len > 65536 + 3 * one.len ? 65536 + 3 * one.len : stream.len;
		memset(&got, 0, sizeof(got));
		struct ks_split split;
		size_t last = 0;

		ks_split_init(&split);
		split.picture = on_picture;
		split.dropped = on_dropped;
		split.ctx = &got;
		for (size_t pos = 0; pos < stream.len;) {
			pos += ks_split_feed(&split, stream.bytes + pos, stream.len - pos, 0);
			if (got.n > 0)
				last = got.pictures[got.n - 1].len;
			forget(&got);
		}
		ck_assert_msg(last == one.len, "damage at %zu", at);
		ks_split_free(&split);
		free(stream.bytes);
	}
	free(one.bytes);
}
END_TEST

START_TEST(a_thumbnail_is_no_picture)
{
	struct jpeg one = make_picture(64, 48, 1);
	struct jpeg thumb = make_picture(32, 32, 2);
	uint8_t head[4] = { 0xff, 0xe1, (uint8_t)((thumb.len + 2) >> 8), (uint8_t)(thumb.len + 2) };
	struct stream stream = { NULL, 0 };
	struct got got;

	add(&stream, one.bytes, 2);
	add(&stream, head, 4);
	add(&stream, thumb.bytes, thumb.len);
	add(&stream, one.bytes + 2, one.len - 2);
	run(&stream, 3, &got);
	ck_assert_uint_eq(got.n, 1);
	ck_assert_uint_eq(got.pictures[0].len, stream.len);
	forget(&got);
	free(stream.bytes);
	free(one.bytes);
	free(thumb.bytes);
}
END_TEST

START_TEST(memory_is_bounded)
{
	struct jpeg one = make_picture(64, 48, 1);
	struct stream stream = { NULL, 0 };
	uint8_t *scan = calloc(1, KS_JPEG_MAX);

	add(&stream, one.bytes, one.len - 2);
	add(&stream, scan, KS_JPEG_MAX);
	add(&stream, one.bytes, one.len);
	for (size_t i = 4; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		struct got got;

		run(&stream, chunks[i], &got);
		ck_assert_uint_eq(got.n, 1);
		is(&got, 0, &one);
		ck_assert_uint_eq(got.dropped[KS_JPEG_SIZE], 1);
		forget(&got);
	}
	/* One of exactly the limit passes. */
	stream.len = one.len - 2;
	add(&stream, scan, KS_JPEG_MAX - one.len);
	add(&stream, "\xff\xd9", 2);
	ck_assert_uint_eq(stream.len, KS_JPEG_MAX);
	for (size_t i = 4; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		struct got got;

		run(&stream, chunks[i], &got);
		ck_assert_uint_eq(got.n, 1);
		ck_assert_uint_eq(got.pictures[0].len, KS_JPEG_MAX);
		forget(&got);
	}
	free(scan);
	free(stream.bytes);
	free(one.bytes);
}
END_TEST

START_TEST(tells_when_a_picture_began)
{
	struct jpeg one = make_picture(64, 48, 1);
	struct stream stream = { NULL, 0 };
	struct got got;

	add(&stream, "xxxxxxxxxx", 10);
	add(&stream, one.bytes, one.len);
	run(&stream, 1, &got);
	ck_assert_uint_eq(got.n, 1);
	ck_assert_int_ge(got.began_us[0], 10);
	ck_assert_int_le(got.began_us[0], 12);
	forget(&got);
	free(stream.bytes);
	free(one.bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("split");
	TCase *tc = tcase_create("split");

	tcase_add_test(tc, same_pictures_however_chopped);
	tcase_add_test(tc, goes_on_after_a_cut_picture);
	tcase_add_test(tc, recovers_from_any_damage);
	tcase_add_test(tc, a_thumbnail_is_no_picture);
	tcase_add_test(tc, memory_is_bounded);
	tcase_add_test(tc, tells_when_a_picture_began);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
