/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/frame/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>
#include <turbojpeg.h>

#include "lib/base/error.h"
#include "tests/unit/unit.h"

/* --- fixture: one key pair, one signed picture --------------------------------------------------- */

static uint8_t secret[KS_SECRET_KEY_SIZE];
static struct ks_trust trust;
static uint8_t *jpeg, *out;
static size_t jpeg_len;
static struct ks_manifest manifest;
static struct ks_frame frame;

static uint8_t *picture(const char *name, size_t *len)
{
	const char *src = getenv("top_srcdir");
	char path[4096];

	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/jpeg/%s.jpg", src != NULL ? src : ".", name);
	return unit_file(path, len);
}

static struct ks_manifest example(void)
{
	return (struct ks_manifest){
		.channel = "main", .rendition = "std", .source = 1, .id = { 1792000000, 1783 },
		.captured_us = INT64_C(1792000000123456), .captured_mono_us = 77, .period_ms = 1000,
	};
}

static int sign(const uint8_t *bytes, size_t len)
{
	enum ks_jpeg_fault fault;

	manifest = example();
	return ks_frame_sign(&manifest, bytes, len, secret, out, KS_FRAME_MAX, &frame, &fault);
}

static void set_up(void)
{
	ks_keypair(trust.keys[0], secret);
	trust.n = 1;
	out = malloc(KS_FRAME_MAX);
	ck_assert_ptr_nonnull(out);
	jpeg = picture("baseline", &jpeg_len);
	ck_assert_int_eq(sign(jpeg, jpeg_len), KS_EOK);
}

static void tear_down(void)
{
	free(jpeg);
	free(out);
}

/* What verify says to a copy of exactly len bytes, so that a sanitizer sees every overrun. */
static int verify_copy(const uint8_t *bytes, size_t len)
{
	uint8_t *exact = malloc(len + 1);
	struct ks_frame got;
	int err;

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, bytes, len);
	err = ks_frame_verify(exact, len, &trust, &got);
	free(exact);
	return err;
}

/* Signs whatever stands in out again, as only a holder of the key can. */
static void sign_again(size_t len)
{
	struct ks_manifest m = manifest;

	m.length = (uint32_t)(len - KS_MANIFEST_SIZE);
	crypto_generichash(m.digest, sizeof(m.digest), out + KS_MANIFEST_SIZE, m.length, NULL, 0);
	ck_assert_int_eq(ks_manifest_encode(&m, out), KS_EOK);
	crypto_sign_detached(out + KS_MANIFEST_SIGNED, NULL, out, KS_MANIFEST_SIGNED, secret);
}

/* --- signing ------------------------------------------------------------------------------------- */

START_TEST(signs_and_verifies)
{
	struct ks_frame got;

	ck_assert_ptr_eq(frame.bytes, out);
	ck_assert_uint_eq(frame.len, KS_MANIFEST_SIZE + frame.m.length);
	ck_assert_uint_eq(manifest.width, 16);
	ck_assert_uint_eq(manifest.height, 12);
	ck_assert_int_eq(ks_frame_verify(frame.bytes, frame.len, &trust, &got), KS_EOK);
	ck_assert_ptr_eq(got.bytes, frame.bytes);
	ck_assert_uint_eq(got.len, frame.len);
	ck_assert_mem_eq(&got.m.digest, &manifest.digest, sizeof(manifest.digest));
	ck_assert_int_eq(ks_frame_id_cmp(got.m.id, manifest.id), 0);
	ck_assert_str_eq(got.m.channel, "main");
	ck_assert_int_eq(ks_frame_view(frame.bytes, frame.len, &got), KS_EOK);
}
END_TEST

/* Cutting the stamp out of a signed frame gives `original` back. */
static void assert_recoverable(const uint8_t *original, size_t len, const char *what)
{
	const uint8_t *got = ks_frame_jpeg(&frame);
	struct ks_jpeg_stamp stamp;
	size_t cut;

	ck_assert_msg(ks_jpeg_stamp_read(got, frame.m.length, &stamp, &cut) == KS_EOK, "%s", what);
	ck_assert_msg(frame.m.length == len + cut, "%s", what);
	ck_assert_msg(memcmp(got, original, 2) == 0, "%s", what);
	ck_assert_msg(memcmp(got + 2 + cut, original + 2, len - 2) == 0, "%s", what);
}

START_TEST(original_bytes_come_back)
{
	static const char *const names[] = { "baseline", "progressive", "grey", "restart", "comment", "fill-bytes" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len;
		uint8_t *bytes = picture(names[i], &len);

		ck_assert_int_eq(sign(bytes, len), KS_EOK);
		ck_assert_int_eq(verify_copy(frame.bytes, frame.len), KS_EOK);
		assert_recoverable(bytes, len, names[i]);
		free(bytes);
	}
}
END_TEST

START_TEST(an_old_stamp_is_replaced)
{
	size_t first_len = frame.m.length;
	uint8_t *recorded = malloc(first_len);
	enum ks_jpeg_fault fault;
	int err;

	ck_assert_ptr_nonnull(recorded);
	memcpy(recorded, ks_frame_jpeg(&frame), first_len);
	manifest = example();
	manifest.id.seq = 1784;		/* as many digits */
	memcpy(manifest.channel, "away", 5);
	err = ks_frame_sign(&manifest, recorded, first_len, secret, out, KS_FRAME_MAX, &frame, &fault);
	ck_assert_int_eq(err, KS_EOK);
	ck_assert_uint_eq(frame.m.length, first_len);
	ck_assert_int_eq(verify_copy(frame.bytes, frame.len), KS_EOK);
	assert_recoverable(jpeg, jpeg_len, "replayed");
	free(recorded);
}
END_TEST

static void decode(const uint8_t *bytes, size_t len, uint8_t pixels[16 * 12 * 3])
{
	tjhandle decoder = tjInitDecompress();

	ck_assert_ptr_nonnull(decoder);
	ck_assert_int_eq(tjDecompress2(decoder, bytes, len, pixels, 16, 16 * 3, 12, TJPF_RGB, 0), 0);
	tjDestroy(decoder);
}

START_TEST(tables_are_put_in_where_there_are_none)
{
	size_t len, cut;
	uint8_t *bytes = picture("no-tables", &len);
	uint8_t expected[16 * 12 * 3], pixels[16 * 12 * 3];
	struct ks_jpeg_stamp stamp;
	struct ks_jpeg_info info;
	const uint8_t *got;

	ck_assert_int_eq(sign(bytes, len), KS_EOK);
	got = ks_frame_jpeg(&frame);
	ck_assert_int_eq(verify_copy(frame.bytes, frame.len), KS_EOK);
	ck_assert_int_eq(ks_jpeg_stamp_read(got, frame.m.length, &stamp, &cut), KS_EOK);
	ck_assert_uint_eq(frame.m.length, len + cut + ks_jpeg_standard_tables_len);
	ck_assert_mem_eq(got + 2 + cut, ks_jpeg_standard_tables, ks_jpeg_standard_tables_len);
	ck_assert_mem_eq(got + 2 + cut + ks_jpeg_standard_tables_len, bytes + 2, len - 2);
	ck_assert_int_eq(ks_jpeg_check(got, frame.m.length, &info), KS_JPEG_GOOD);
	ck_assert(info.has_tables);
	decode(jpeg, jpeg_len, expected);	/* the same picture, with its tables */
	decode(got, frame.m.length, pixels);
	ck_assert_mem_eq(pixels, expected, sizeof(pixels));
	free(bytes);
}
END_TEST

static void assert_refused(struct ks_manifest m, const uint8_t *bytes, size_t len, int expected,
			   enum ks_jpeg_fault expected_fault)
{
	enum ks_jpeg_fault fault = KS_JPEG_FAULTS;

	ck_assert_int_eq(ks_frame_sign(&m, bytes, len, secret, out, KS_FRAME_MAX, &frame, &fault), expected);
	ck_assert_int_eq(fault, expected_fault);
}

START_TEST(refuses_to_sign)
{
	struct ks_manifest m = example();

	assert_refused(m, jpeg, jpeg_len - 1, KS_EMALFORMED, KS_JPEG_NO_EOI);
	assert_refused(m, NULL, 0, KS_EMALFORMED, KS_JPEG_EMPTY);
	m.period_ms = 0;
	assert_refused(m, jpeg, jpeg_len, KS_ELIMIT, KS_JPEG_GOOD);
	m = example();
	memcpy(m.channel, "Main", 5);
	assert_refused(m, jpeg, jpeg_len, KS_EMALFORMED, KS_JPEG_GOOD);
	m = example();
	m.captured_us = INT64_MIN;
	assert_refused(m, jpeg, jpeg_len, KS_EMALFORMED, KS_JPEG_GOOD);
}
END_TEST

START_TEST(every_buffer_too_small_is_refused)
{
	struct ks_manifest m = example();
	const size_t need = frame.len;
	enum ks_jpeg_fault fault;

	for (size_t cap = 0; cap < need; cap++) {
		uint8_t *small = malloc(cap + 1);
		int err;

		ck_assert_ptr_nonnull(small);
		err = ks_frame_sign(&m, jpeg, jpeg_len, secret, small, cap, &frame, &fault);
		free(small);
		ck_assert_int_eq(err, KS_ELIMIT);
	}
}
END_TEST

/* A picture that is within the limit only without the stamp. */
START_TEST(refuses_what_grows_too_large)
{
	uint8_t *large = malloc(KS_JPEG_MAX);
	enum ks_jpeg_fault fault = KS_JPEG_GOOD;
	struct ks_manifest m = example();

	ck_assert_ptr_nonnull(large);
	memset(large, 0x55, KS_JPEG_MAX);
	memcpy(large, jpeg, jpeg_len - 2);
	memcpy(large + KS_JPEG_MAX - 2, "\xff\xd9", 2);
	ck_assert_int_eq(ks_frame_sign(&m, large, KS_JPEG_MAX, secret, out, KS_FRAME_MAX, &frame, &fault), KS_ELIMIT);
	ck_assert_int_eq(fault, KS_JPEG_SIZE);

	memcpy(large + KS_JPEG_MAX - KS_JPEG_STAMP_MAX - 2, "\xff\xd9", 2);
	ck_assert_int_eq(sign(large, KS_JPEG_MAX - KS_JPEG_STAMP_MAX), KS_EOK);
	ck_assert_int_eq(verify_copy(frame.bytes, frame.len), KS_EOK);
	free(large);
}
END_TEST

/* --- verifying ----------------------------------------------------------------------------------- */

START_TEST(every_truncation_is_refused)
{
	struct ks_frame got;

	for (size_t len = 0; len < frame.len; len++) {
		ck_assert_int_eq(verify_copy(frame.bytes, len), KS_ETRUNC);
		ck_assert_int_eq(ks_frame_view(frame.bytes, len, &got), KS_ETRUNC);
	}
	out[frame.len] = 0;
	ck_assert_int_eq(verify_copy(out, frame.len + 1), KS_EMALFORMED);
}
END_TEST

START_TEST(every_flipped_byte_is_refused)
{
	for (size_t i = 0; i < frame.len; i++) {
		int err;

		out[i] ^= (uint8_t)(1u << (i % 8));
		err = verify_copy(out, frame.len);
		out[i] ^= (uint8_t)(1u << (i % 8));
		ck_assert_msg(err != KS_EOK, "byte %zu", i);
		if (i >= KS_MANIFEST_SIZE)
			ck_assert_int_eq(err, KS_EDIGEST);
		else if (i >= 80)
			ck_assert_int_eq(err, KS_EAUTH);
	}
	ck_assert_int_eq(verify_copy(out, frame.len), KS_EOK);
}
END_TEST

START_TEST(any_trusted_key_will_do)
{
	struct ks_trust others = { .n = 0 };
	uint8_t ignored[KS_SECRET_KEY_SIZE];
	struct ks_frame got;

	ck_assert_int_eq(ks_frame_verify(frame.bytes, frame.len, &others, &got), KS_EAUTH);
	for (others.n = 0; others.n < KS_TRUST_MAX; others.n++)
		ks_keypair(others.keys[others.n], ignored);
	ck_assert_int_eq(ks_frame_verify(frame.bytes, frame.len, &others, &got), KS_EAUTH);
	memcpy(others.keys[KS_TRUST_MAX - 1], trust.keys[0], KS_PUBLIC_KEY_SIZE);
	ck_assert_int_eq(ks_frame_verify(frame.bytes, frame.len, &others, &got), KS_EOK);
}
END_TEST

/* A source with a good key but a wrong program: signature and digest hold, the contents disagree. */
START_TEST(picture_and_manifest_must_agree)
{
	const size_t len = frame.len;

	sign_again(len);
	ck_assert_int_eq(verify_copy(out, len), KS_EOK);

	manifest.width++;
	sign_again(len);
	ck_assert_int_eq(verify_copy(out, len), KS_EMALFORMED);
	manifest.width--;
	manifest.height--;
	sign_again(len);
	ck_assert_int_eq(verify_copy(out, len), KS_EMALFORMED);
	manifest.height++;
	manifest.id.seq++;
	sign_again(len);
	ck_assert_int_eq(verify_copy(out, len), KS_EMALFORMED);
	manifest.id.seq--;
	manifest.captured_us++;
	sign_again(len);
	ck_assert_int_eq(verify_copy(out, len), KS_EMALFORMED);
	manifest.captured_us--;
	memcpy(manifest.channel, "away", 5);
	sign_again(len);
	ck_assert_int_eq(verify_copy(out, len), KS_EMALFORMED);
	memcpy(manifest.channel, "main", 5);
	memcpy(manifest.rendition, "low", 4);
	sign_again(len);
	ck_assert_int_eq(verify_copy(out, len), KS_EMALFORMED);
}
END_TEST

START_TEST(picture_must_be_whole_and_stamped)
{
	const size_t len = frame.len;

	sign_again(len - 1);		/* signed, but cut */
	ck_assert_int_eq(verify_copy(out, len - 1), KS_EMALFORMED);
	memcpy(out + KS_MANIFEST_SIZE, jpeg, jpeg_len);		/* signed, but without a stamp */
	sign_again(KS_MANIFEST_SIZE + jpeg_len);
	ck_assert_int_eq(verify_copy(out, KS_MANIFEST_SIZE + jpeg_len), KS_EMALFORMED);
}
END_TEST

START_TEST(view_checks_the_digest)
{
	struct ks_frame got;

	out[frame.len - 1] ^= 1;
	ck_assert_int_eq(ks_frame_view(out, frame.len, &got), KS_EDIGEST);
	out[frame.len - 1] ^= 1;
	out[0] ^= 1;
	ck_assert_int_eq(ks_frame_view(out, frame.len, &got), KS_EVERSION);
}
END_TEST

/* --- order --------------------------------------------------------------------------------------- */

static struct ks_manifest at(uint8_t source, uint32_t epoch, uint32_t seq, int64_t captured_us)
{
	struct ks_manifest m = example();

	m.source = source;
	m.id = (struct ks_frame_id){ epoch, seq };
	m.captured_us = captured_us;
	return m;
}

static bool newer(struct ks_manifest a, struct ks_manifest b)
{
	return ks_frame_newer(&a, &b);
}

START_TEST(order_is_that_of_ids)
{
	ck_assert(newer(at(1, 5, 8, 100), at(1, 5, 7, 100)));
	ck_assert(newer(at(1, 5, 8, 50), at(1, 5, 7, 100)));	/* the clock was set back */
	ck_assert(newer(at(1, 6, 0, 50), at(1, 5, 7, 100)));	/* a restart */
	ck_assert(!newer(at(1, 5, 7, 200), at(1, 5, 7, 100)));
	ck_assert(!newer(at(1, 5, 6, 200), at(1, 5, 7, 100)));
	ck_assert(!newer(at(1, 4, 9, 200), at(1, 5, 7, 100)));
	ck_assert(newer(at(2, 6, 0, 50), at(1, 5, 7, 100)));	/* another source, whatever its clock says */
	ck_assert(!newer(at(2, 4, 9, 200), at(1, 5, 7, 100)));
}
END_TEST

START_TEST(manifest_without_its_picture)
{
	uint8_t bytes[KS_MANIFEST_SIZE];
	struct ks_manifest got;

	memcpy(bytes, frame.bytes, sizeof(bytes));
	ck_assert_int_eq(ks_manifest_verify(bytes, &trust, &got), KS_EOK);
	ck_assert_int_eq(ks_frame_id_cmp(got.id, frame.m.id), 0);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 1;
		ck_assert_int_ne(ks_manifest_verify(bytes, &trust, &got), KS_EOK);
		bytes[i] ^= 1;
	}
	bytes[44] ^= 4;		/* seq */
	ck_assert_int_eq(ks_manifest_verify(bytes, &trust, &got), KS_EAUTH);
	bytes[44] ^= 4;
	bytes[4] = 9;
	ck_assert_int_eq(ks_manifest_verify(bytes, &trust, &got), KS_EVERSION);
}
END_TEST

/* --- pictures of real cameras -------------------------------------------------------------------- */

static void survives(const char *path, const unsigned char *bytes, size_t len, void *ctx)
{
	(void)ctx;
	ck_assert_msg(sign(bytes, len) == KS_EOK, "%s", path);
	ck_assert_msg(verify_copy(frame.bytes, frame.len) == KS_EOK, "%s", path);
	assert_recoverable(bytes, len, path);
}

START_TEST(cameras_survive)
{
	size_t n = unit_each_datum("jpeg/camera", survives, NULL);

	if (n == 0)
		unit_skip("no pictures of cameras in ../shared/data or $KOSHIEN_TEST_DATA");
	ck_assert_uint_ge(n, 24);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("frame");
	TCase *tc = tcase_create("frame");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, signs_and_verifies);
	tcase_add_test(tc, original_bytes_come_back);
	tcase_add_test(tc, an_old_stamp_is_replaced);
	tcase_add_test(tc, tables_are_put_in_where_there_are_none);
	tcase_add_test(tc, refuses_to_sign);
	tcase_add_test(tc, every_buffer_too_small_is_refused);
	tcase_add_test(tc, refuses_what_grows_too_large);
	tcase_add_test(tc, every_truncation_is_refused);
	tcase_add_test(tc, every_flipped_byte_is_refused);
	tcase_add_test(tc, any_trusted_key_will_do);
	tcase_add_test(tc, picture_and_manifest_must_agree);
	tcase_add_test(tc, picture_must_be_whole_and_stamped);
	tcase_add_test(tc, view_checks_the_digest);
	tcase_add_test(tc, order_is_that_of_ids);
	tcase_add_test(tc, manifest_without_its_picture);
	tcase_add_test(tc, cameras_survive);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
