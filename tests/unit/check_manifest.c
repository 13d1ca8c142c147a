/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/frame/manifest.h"

#include <stdbool.h>
#include <string.h>

#include "lib/base/error.h"
#include "tests/unit/unit.h"

static const struct ks_manifest example = {
	.channel = "main", .rendition = "std", .flags = KS_FRAME_PLACEHOLDER, .source = 2, .priority = 1,
	.id = { 0x11223344, 0x55667788 }, .captured_us = INT64_C(0x0001020304050607),
	.captured_mono_us = INT64_C(0x0000a1b2c3d4e5f6), .width = 1280, .height = 720, .period_ms = 1000,
	.length = 25600,
};

static struct ks_manifest filled(void)
{
	struct ks_manifest m = example;

	memset(m.digest, 0xd1, sizeof(m.digest));
	memset(m.signature, 0x51, sizeof(m.signature));
	return m;
}

/* The layout in manifest.h, offset by offset. */
START_TEST(layout)
{
	const struct ks_manifest m = filled();
	uint8_t bytes[KS_MANIFEST_SIZE], expected[KS_MANIFEST_SIZE] = { 0 };

	memcpy(expected, "KSM1\x01\x01\x02\x01" "main", 12);
	memcpy(expected + 32, "std", 3);
	memcpy(expected + 40, "\x44\x33\x22\x11\x88\x77\x66\x55", 8);
	memcpy(expected + 48, "\x07\x06\x05\x04\x03\x02\x01\x00", 8);
	memcpy(expected + 56, "\xf6\xe5\xd4\xc3\xb2\xa1\x00\x00", 8);
	memcpy(expected + 64, "\x00\x05\xd0\x02\xe8\x03\x00\x00\x00\x64\x00\x00", 12);
	memset(expected + 80, 0xd1, KS_DIGEST_SIZE);
	memset(expected + 112, 0x51, KS_SIGNATURE_SIZE);

	ck_assert_int_eq(ks_manifest_encode(&m, bytes), KS_EOK);
	ck_assert_mem_eq(bytes, expected, sizeof(expected));
}
END_TEST

START_TEST(decodes_what_it_encodes)
{
	struct ks_manifest m = filled(), got;
	uint8_t bytes[KS_MANIFEST_SIZE], again[KS_MANIFEST_SIZE];

	memcpy(m.channel, "abcdefghijklmnopqrstuvwx", KS_CHANNEL_MAX + 1);	/* no padding left */
	memcpy(m.rendition, "standard", KS_RENDITION_MAX + 1);
	ck_assert_int_eq(ks_manifest_encode(&m, bytes), KS_EOK);
	ck_assert_int_eq(ks_manifest_decode(bytes, sizeof(bytes), &got), KS_EOK);
	ck_assert_str_eq(got.channel, m.channel);
	ck_assert_str_eq(got.rendition, m.rendition);
	ck_assert_uint_eq(got.flags, m.flags);
	ck_assert_uint_eq(got.source, m.source);
	ck_assert_uint_eq(got.priority, m.priority);
	ck_assert_int_eq(ks_frame_id_cmp(got.id, m.id), 0);
	ck_assert_int_eq(got.captured_us, m.captured_us);
	ck_assert_int_eq(got.captured_mono_us, m.captured_mono_us);
	ck_assert_uint_eq(got.width, m.width);
	ck_assert_uint_eq(got.height, m.height);
	ck_assert_uint_eq(got.period_ms, m.period_ms);
	ck_assert_uint_eq(got.length, m.length);
	ck_assert_mem_eq(got.digest, m.digest, sizeof(m.digest));
	ck_assert_mem_eq(got.signature, m.signature, sizeof(m.signature));
	ck_assert_int_eq(ks_manifest_encode(&got, again), KS_EOK);
	ck_assert_mem_eq(bytes, again, sizeof(bytes));
}
END_TEST

START_TEST(every_truncation_is_refused)
{
	const struct ks_manifest m = filled();
	uint8_t bytes[KS_MANIFEST_SIZE];
	struct ks_manifest got;

	ck_assert_int_eq(ks_manifest_encode(&m, bytes), KS_EOK);
	for (size_t len = 0; len < sizeof(bytes); len++)
		ck_assert_int_eq(ks_manifest_decode(bytes, len, &got), KS_ETRUNC);
}
END_TEST

/* What encode and decode make of one field that was set to one value, at one place. */
static void check_field(size_t at, const char *value, size_t len, int expected)
{
	const struct ks_manifest m = filled();
	uint8_t bytes[KS_MANIFEST_SIZE];
	struct ks_manifest got;

	ck_assert_int_eq(ks_manifest_encode(&m, bytes), KS_EOK);
	memcpy(bytes + at, value, len);
	ck_assert_msg(ks_manifest_decode(bytes, sizeof(bytes), &got) == expected, "field at %zu", at);
}

START_TEST(decode_checks_every_field)
{
	check_field(0, "KSM2", 4, KS_EVERSION);
	check_field(4, "\x02", 1, KS_EVERSION);
	check_field(5, "\x04", 1, KS_EMALFORMED);			/* an unknown flag */
	check_field(6, "\x0f", 1, KS_EOK);
	check_field(6, "\x10", 1, KS_ELIMIT);				/* the 17th source */
	check_field(8, "\0", 1, KS_EMALFORMED);				/* no channel */
	check_field(8, "Main", 4, KS_EMALFORMED);
	check_field(14, "x", 1, KS_EMALFORMED);				/* behind the padding */
	check_field(32, "\0", 1, KS_EMALFORMED);
	check_field(39, "x", 1, KS_EMALFORMED);
	check_field(48, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, KS_EMALFORMED);	/* before 1970 */
	check_field(48, "\xff\xff\xff\xff\xff\xff\xff\x7f", 8, KS_ELIMIT);
	check_field(56, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, KS_EMALFORMED);
	check_field(56, "\xff\xff\xff\xff\xff\xff\xff\x7f", 8, KS_ELIMIT);
	check_field(64, "\x00\x00", 2, KS_EMALFORMED);
	check_field(64, "\x00\x20", 2, KS_EOK);				/* 8192 */
	check_field(64, "\x01\x20", 2, KS_ELIMIT);
	check_field(66, "\x00\x00", 2, KS_EMALFORMED);
	check_field(66, "\x01\x20", 2, KS_ELIMIT);
	check_field(68, "\x13\x00\x00\x00", 4, KS_ELIMIT);		/* 19 ms */
	check_field(68, "\x14\x00\x00\x00", 4, KS_EOK);
	check_field(68, "\x61\xea\x00\x00", 4, KS_ELIMIT);		/* 60001 ms */
	check_field(72, "\x00\x00\x00\x00", 4, KS_EMALFORMED);
	check_field(72, "\x00\x00\x20\x00", 4, KS_EOK);			/* 2 MiB */
	check_field(72, "\x01\x00\x20\x00", 4, KS_ELIMIT);
	check_field(76, "\x01\x00\x00\x00", 4, KS_EMALFORMED);		/* reserved */
	check_field(79, "\x80", 1, KS_EMALFORMED);
}
END_TEST

START_TEST(encode_refuses_what_decode_would)
{
	uint8_t bytes[KS_MANIFEST_SIZE];
	struct ks_manifest m;

	m = filled();
	m.flags = 0x80;
	ck_assert_int_eq(ks_manifest_encode(&m, bytes), KS_EMALFORMED);
	m = filled();
	memset(m.channel, 'a', sizeof(m.channel));	/* not terminated */
	ck_assert_int_eq(ks_manifest_encode(&m, bytes), KS_EMALFORMED);
	m = filled();
	m.rendition[0] = '\0';
	ck_assert_int_eq(ks_manifest_encode(&m, bytes), KS_EMALFORMED);
	m = filled();
	m.captured_us = -1;
	ck_assert_int_eq(ks_manifest_encode(&m, bytes), KS_EMALFORMED);
	m = filled();
	m.width = 0;
	ck_assert_int_eq(ks_manifest_encode(&m, bytes), KS_EMALFORMED);
	m = filled();
	m.period_ms = 0;
	ck_assert_int_eq(ks_manifest_encode(&m, bytes), KS_ELIMIT);
	m = filled();
	m.length = KS_JPEG_MAX + 1;
	ck_assert_int_eq(ks_manifest_encode(&m, bytes), KS_ELIMIT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("manifest");
	TCase *tc = tcase_create("manifest");

	tcase_add_test(tc, layout);
	tcase_add_test(tc, decodes_what_it_encodes);
	tcase_add_test(tc, every_truncation_is_refused);
	tcase_add_test(tc, decode_checks_every_field);
	tcase_add_test(tc, encode_refuses_what_decode_would);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
