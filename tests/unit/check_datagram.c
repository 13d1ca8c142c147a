/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/datagram.h"

#include <stdbool.h>
#include <string.h>

#include <sodium.h>

#include "lib/frame/manifest.h"
#include "lib/wire/sender.h"
#include "tests/unit/unit.h"

/* The bytes of version 1, as in doc/wire.md: they may not change any more. */
START_TEST(header_bytes)
{
	const struct ks_header header = { KS_DATA, KS_FLAG_BLIND, 0x1234, 0x89abcdef, 0x01020304 };
	const uint8_t expected[] = { 0x14, 1, 0x34, 0x12, 0xef, 0xcd, 0xab, 0x89, 4, 3, 2, 1 };
	uint8_t bytes[KS_HEADER_SIZE];
	struct ks_header back;

	ck_assert_uint_eq(sizeof(expected), KS_HEADER_SIZE);
	ks_header_write(&header, bytes);
	ck_assert_mem_eq(bytes, expected, sizeof(bytes));
	ck_assert_int_eq(ks_header_read(bytes, sizeof(bytes), &back), KS_DROP_NONE);
	ck_assert_uint_eq(back.type, header.type);
	ck_assert_uint_eq(back.flags, header.flags);
	ck_assert_uint_eq(back.key_id, header.key_id);
	ck_assert_uint_eq(back.session, header.session);
	ck_assert_uint_eq(back.counter, header.counter);
}
END_TEST

START_TEST(header_refusals)
{
	uint8_t bytes[KS_DATAGRAM_MAX + 1] = { 0x10 | KS_DATA };
	struct ks_header header;

	for (size_t len = 0; len < KS_HEADER_SIZE; len++)
		ck_assert_int_eq(ks_header_read(bytes, len, &header), KS_DROP_SHORT);
	ck_assert_int_eq(ks_header_read(bytes, KS_DATAGRAM_MAX, &header), KS_DROP_NONE);
	ck_assert_int_eq(ks_header_read(bytes, KS_DATAGRAM_MAX + 1, &header), KS_DROP_LONG);
	for (unsigned version = 0; version < 16; version++) {
		bytes[0] = (uint8_t)(version << 4 | KS_DATA);
		ck_assert_int_eq(ks_header_read(bytes, KS_HEADER_SIZE, &header),
				 version == KS_WIRE_VERSION ? KS_DROP_NONE : KS_DROP_VERSION);
	}
}
END_TEST

/* Each flag belongs to its types; in all others the byte is zero. */
START_TEST(header_flags)
{
	uint8_t bytes[KS_HEADER_SIZE] = { 0 };
	struct ks_header header;

	for (uint8_t type = 0; type < 16; type++)
		for (unsigned flags = 0; flags < 256; flags++) {
			bool good = flags == 0 || (flags == KS_FLAG_BLIND && (type == KS_DATA || type == KS_ALIVE));

			bytes[0] = (uint8_t)(KS_WIRE_VERSION << 4 | type);
			bytes[1] = (uint8_t)flags;
			ck_assert_int_eq(ks_header_read(bytes, sizeof(bytes), &header),
					 good ? KS_DROP_NONE : KS_DROP_MALFORMED);
			ck_assert_uint_eq(header.type, type);
		}
}
END_TEST

START_TEST(directions)
{
	static const uint8_t down[] = { KS_OFFER, KS_CHALLENGE, KS_ACCEPT, KS_DATA, KS_ALIVE, KS_BLIND, KS_END };
	static const uint8_t up[] = { KS_SUBSCRIBE, KS_RENEW, KS_NACK, KS_HEAD, KS_BYE };

	for (size_t i = 0; i < sizeof(down); i++)
		ck_assert_uint_eq(down[i] & KS_DATAGRAM_UP, 0);
	for (size_t i = 0; i < sizeof(up); i++)
		ck_assert_uint_ne(up[i] & KS_DATAGRAM_UP, 0);
}
END_TEST

static const struct ks_data_header sample = {
	.track = 0xa1b2c3d4, .epoch = 0x01020304, .seq = 0x05060708, .object_len = 0x1b2c3d, .hops = 4, .spread = 17,
	.nblocks = 12, .block = 11, .shard = 254, .source = 0xee,
};

START_TEST(data_header_bytes)
{
	const uint8_t expected[] = { 0xd4, 0xc3, 0xb2, 0xa1, 4, 3, 2, 1, 8, 7, 6, 5, 0x3d, 0x2c, 0x1b, 17 << 3 | 4,
				     12, 11, 254, 0xee };
	uint8_t bytes[KS_DATA_HEADER_SIZE];
	struct ks_data_header back;

	ck_assert_uint_eq(sizeof(expected), KS_DATA_HEADER_SIZE);
	ks_data_header_write(&sample, bytes);
	ck_assert_mem_eq(bytes, expected, sizeof(bytes));
	ck_assert_int_eq(ks_data_header_read(bytes, sizeof(bytes), &back), KS_DROP_NONE);
	ck_assert_uint_eq(back.track, sample.track);
	ck_assert_uint_eq(back.hops, sample.hops);
	ck_assert_uint_eq(back.spread, sample.spread);
	memset(bytes, 0, sizeof(bytes));
	ks_data_header_write(&back, bytes);
	ck_assert_mem_eq(bytes, expected, sizeof(bytes));
}
END_TEST

START_TEST(data_header_refusals)
{
	static const struct { size_t at; uint8_t value; } bad[] = {
		{ 15, KS_HOPS_MAX + 1 }, { 15, 7 }, { 15, 0xff },	/* too many hops */
		{ 17, 12 }, { 16, 0 },					/* a block that is not there */
		{ 18, 255 },						/* a shard that is not there */
		{ 14, 0xff },						/* longer than any frame */
	};
	uint8_t bytes[KS_DATA_HEADER_SIZE];
	struct ks_data_header back;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ks_data_header_write(&sample, bytes);
		bytes[bad[i].at] = bad[i].value;
		ck_assert_int_eq(ks_data_header_read(bytes, sizeof(bytes), &back), KS_DROP_MALFORMED);
	}
	ks_data_header_write(&sample, bytes);
	for (size_t len = 0; len < KS_DATA_HEADER_SIZE; len++)
		ck_assert_int_eq(ks_data_header_read(bytes, len, &back), KS_DROP_SHORT);
	memset(bytes + 12, 0, 3);
	ck_assert_int_eq(ks_data_header_read(bytes, sizeof(bytes), &back), KS_DROP_MALFORMED);	/* of no length */
}
END_TEST

START_TEST(object_lengths)
{
	struct ks_data_header header = sample, back;
	uint8_t bytes[KS_DATA_HEADER_SIZE];

	header.object_len = KS_FRAME_MAX;
	ks_data_header_write(&header, bytes);
	ck_assert_int_eq(ks_data_header_read(bytes, sizeof(bytes), &back), KS_DROP_NONE);
	header.object_len = KS_FRAME_MAX + 1;
	ks_data_header_write(&header, bytes);
	ck_assert_int_eq(ks_data_header_read(bytes, sizeof(bytes), &back), KS_DROP_MALFORMED);
}
END_TEST

/* BLAKE2b with 16 bytes of output over "main", a zero, "std"; its first four bytes, little-endian. */
START_TEST(tracks)
{
	static const uint8_t text[] = "main\0std";
	uint8_t hash[16];

	crypto_generichash(hash, sizeof(hash), text, sizeof(text) - 1, NULL, 0);
	ck_assert_uint_eq(ks_track_of("main", "std"),
			  hash[0] | hash[1] << 8 | hash[2] << 16 | (uint32_t)hash[3] << 24);
	ck_assert_uint_ne(ks_track_of("main", "std"), ks_track_of("mai", "nstd"));
	ck_assert_uint_ne(ks_track_of("main", "std"), ks_track_of("std", "main"));
	ck_assert_uint_ne(ks_track_of("main", "std"), ks_track_of("main", "st"));
}
END_TEST

START_TEST(sizes_fit)
{
	ck_assert_uint_eq(KS_DATAGRAM_OVERHEAD, 48);
	ck_assert_uint_eq(KS_DATAGRAM_DEFAULT - KS_DATAGRAM_OVERHEAD, 1152);
	ck_assert_uint_lt(KS_FRAME_MAX, 1 << 24);	/* object_len has three bytes */
	ck_assert_uint_lt(KS_HOPS_MAX, 8);
	/* What the spread can say covers the longest that an object is sent over. */
	ck_assert_int_ge(KS_SPREAD_UNITS_MAX * KS_SPREAD_UNIT_US, KS_SPREAD_MAX_US);
}
END_TEST

static Suite *datagram_suite(void)
{
	Suite *suite = suite_create("datagram");
	TCase *tc = tcase_create("datagram");

	tcase_add_test(tc, header_bytes);
	tcase_add_test(tc, header_refusals);
	tcase_add_test(tc, header_flags);
	tcase_add_test(tc, directions);
	tcase_add_test(tc, data_header_bytes);
	tcase_add_test(tc, data_header_refusals);
	tcase_add_test(tc, object_lengths);
	tcase_add_test(tc, tracks);
	tcase_add_test(tc, sizes_fit);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return unit_run(datagram_suite());
}
