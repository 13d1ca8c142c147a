/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/datagram.h"

#include "lib/frame/manifest.h"
#include "lib/wire/message.h"
#include "tests/unit/unit.h"

/* The bytes of version 1, as in doc/wire.md: they may not change any more. */
START_TEST(header_bytes)
{
	const struct ks_header header = { KS_DATA, 0x1234, 0x89abcdef, UINT64_C(0x0102030405060708) };
	const uint8_t expected[] = { 0x13, 0, 0x34, 0x12, 0xef, 0xcd, 0xab, 0x89, 8, 7, 6, 5, 4, 3, 2, 1 };
	uint8_t bytes[KS_HEADER_SIZE];
	struct ks_header back;

	ks_header_write(&header, bytes);
	ck_assert_mem_eq(bytes, expected, sizeof(bytes));
	ck_assert_int_eq(ks_header_read(bytes, sizeof(bytes), &back), KS_DROP_NONE);
	ck_assert_uint_eq(back.type, header.type);
	ck_assert_uint_eq(back.key_id, header.key_id);
	ck_assert_uint_eq(back.session, header.session);
	ck_assert_uint_eq(back.counter, header.counter);
}
END_TEST

START_TEST(header_refusals)
{
	uint8_t bytes[KS_DATAGRAM_MAX + 1] = { 0x13 };
	struct ks_header header;

	for (size_t len = 0; len < KS_HEADER_SIZE; len++)
		ck_assert_int_eq(ks_header_read(bytes, len, &header), KS_DROP_SHORT);
	ck_assert_int_eq(ks_header_read(bytes, KS_DATAGRAM_MAX, &header), KS_DROP_NONE);
	ck_assert_int_eq(ks_header_read(bytes, KS_DATAGRAM_MAX + 1, &header), KS_DROP_LONG);
	bytes[1] = 1;
	ck_assert_int_eq(ks_header_read(bytes, KS_HEADER_SIZE, &header), KS_DROP_MALFORMED);
	bytes[0] = 0x23;
	ck_assert_int_eq(ks_header_read(bytes, KS_HEADER_SIZE, &header), KS_DROP_VERSION);
}
END_TEST

static const struct ks_data_header sample = {
	.epoch = 0x01020304, .seq = 0x05060708, .object_len = 0x1b2c3d, .hops = 4, .rendition = 7, .source = 0xee,
	.nblocks = 12, .block = 11, .shard = 254,
};

START_TEST(data_header_bytes)
{
	const uint8_t expected[] = { 4, 3, 2, 1, 8, 7, 6, 5, 0x3d, 0x2c, 0x1b, 0x3c, 12, 11, 254, 0xee };
	uint8_t bytes[KS_DATA_HEADER_SIZE];
	struct ks_data_header back;

	ks_data_header_write(&sample, bytes);
	ck_assert_mem_eq(bytes, expected, sizeof(bytes));
	ck_assert_int_eq(ks_data_header_read(bytes, sizeof(bytes), &back), KS_DROP_NONE);
	memset(bytes, 0, sizeof(bytes));
	ks_data_header_write(&back, bytes);
	ck_assert_mem_eq(bytes, expected, sizeof(bytes));
}
END_TEST

START_TEST(data_header_refusals)
{
	static const struct { size_t at; uint8_t value; } bad[] = {
		{ 11, 0x40 }, { 11, 0x80 }, { 11, 5 },	/* unknown flags, too many hops */
		{ 13, 12 }, { 12, 0 },			/* a block that is not there */
		{ 14, 255 },				/* a shard that is not there */
		{ 10, 0xff },				/* longer than any frame */
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
	memset(bytes + 8, 0, 3);
	ck_assert_int_eq(ks_data_header_read(bytes, sizeof(bytes), &back), KS_DROP_MALFORMED);	/* of no length */
}
END_TEST

START_TEST(sizes_fit)
{
	ck_assert_uint_eq(KS_DATAGRAM_OVERHEAD, 48);
	ck_assert_uint_eq(KS_DATAGRAM_DEFAULT - KS_DATAGRAM_OVERHEAD, 1152);
	ck_assert_uint_lt(KS_FRAME_MAX, 1 << 24);	/* object_len has three bytes */
	ck_assert_uint_lt(KS_ACCEPT_SIZE, KS_OFFER_SIZE);
	ck_assert_uint_le(KS_OFFER_SIZE, KS_DATAGRAM_MIN);
}
END_TEST

START_TEST(setup_messages_come_back)
{
	const uint8_t key[KS_SEAL_KEY_SIZE] = { 1 }, other[KS_SEAL_KEY_SIZE] = { 2 };
	const uint8_t nonce[KS_SETUP_NONCE_SIZE] = { 3 };
	const struct ks_offer offer = { { 4 }, { 5 }, 6, 1200 };
	const struct ks_accept accept = { { 7 }, { 8 }, 9, true };
	uint8_t bytes[KS_OFFER_SIZE];
	struct ks_offer offer_back;
	struct ks_accept accept_back;
	struct ks_header header;

	ck_assert_uint_eq(ks_offer_write(&offer, 77, key, nonce, bytes), KS_OFFER_SIZE);
	ck_assert_int_eq(ks_offer_read(bytes, KS_OFFER_SIZE, key, &offer_back), KS_DROP_NONE);
	ck_assert_mem_eq(offer_back.nonce, offer.nonce, sizeof(offer.nonce));
	ck_assert_mem_eq(offer_back.sender_id, offer.sender_id, sizeof(offer.sender_id));
	ck_assert_uint_eq(offer_back.session, 6);
	ck_assert_uint_eq(offer_back.datagram, 1200);
	ck_assert_int_eq(ks_offer_read(bytes, KS_OFFER_SIZE, other, &offer_back), KS_DROP_TAG);
	for (size_t len = 0; len < KS_OFFER_SIZE; len++)
		ck_assert_int_eq(ks_offer_read(bytes, len, key, &offer_back), KS_DROP_SHORT);

	ck_assert_uint_eq(ks_accept_write(&accept, 77, 88, key, nonce, bytes), KS_ACCEPT_SIZE);
	ck_assert_int_eq(ks_header_read(bytes, KS_ACCEPT_SIZE, &header), KS_DROP_NONE);
	ck_assert_uint_eq(header.session, 88);
	ck_assert_int_eq(ks_accept_read(bytes, KS_ACCEPT_SIZE, key, &accept_back), KS_DROP_NONE);
	ck_assert_mem_eq(accept_back.nonce, accept.nonce, sizeof(accept.nonce));
	ck_assert_mem_eq(accept_back.sender_nonce, accept.sender_nonce, sizeof(accept.sender_nonce));
	ck_assert_uint_eq(accept_back.session, 9);
	ck_assert(accept_back.continued);
	ck_assert_int_eq(ks_accept_read(bytes, KS_ACCEPT_SIZE, other, &accept_back), KS_DROP_TAG);
	for (size_t len = 0; len < KS_ACCEPT_SIZE; len++)
		ck_assert_int_eq(ks_accept_read(bytes, len, key, &accept_back), KS_DROP_SHORT);
}
END_TEST

START_TEST(offers_of_impossible_datagrams)
{
	const uint8_t key[KS_SEAL_KEY_SIZE] = { 1 }, nonce[KS_SETUP_NONCE_SIZE] = { 3 };
	static const uint16_t sizes[] = { 0, KS_DATAGRAM_MIN - 1, KS_DATAGRAM_MAX + 1, UINT16_MAX };
	uint8_t bytes[KS_OFFER_SIZE];
	struct ks_offer back;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct ks_offer offer = { .datagram = sizes[i] };

		ks_offer_write(&offer, 77, key, nonce, bytes);
		ck_assert_int_eq(ks_offer_read(bytes, sizeof(bytes), key, &back), KS_DROP_MALFORMED);
	}
}
END_TEST

static Suite *datagram_suite(void)
{
	Suite *suite = suite_create("datagram");
	TCase *tc = tcase_create("datagram");

	tcase_add_test(tc, header_bytes);
	tcase_add_test(tc, header_refusals);
	tcase_add_test(tc, data_header_bytes);
	tcase_add_test(tc, data_header_refusals);
	tcase_add_test(tc, sizes_fit);
	tcase_add_test(tc, setup_messages_come_back);
	tcase_add_test(tc, offers_of_impossible_datagrams);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return unit_run(datagram_suite());
}
