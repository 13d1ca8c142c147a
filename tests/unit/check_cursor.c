/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/cursor.h"

#include "tests/unit/unit.h"

START_TEST(reads_little_endian)
{
	const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18 };
	struct ks_reader r = ks_reader(bytes, sizeof(bytes));

	ck_assert_uint_eq(ks_read_u8(&r), 0x01);
	ck_assert_uint_eq(ks_read_u16(&r), 0x0302);
	ck_assert_uint_eq(ks_read_u24(&r), 0x060504);
	ck_assert_uint_eq(ks_read_u32(&r), 0x0a090807);
	ck_assert_uint_eq(ks_read_u64(&r), UINT64_C(0x1211100f0e0d0c0b));
	ck_assert_uint_eq(ks_reader_left(&r), 0);
	ck_assert_int_eq(r.error, KS_EOK);
}
END_TEST

START_TEST(short_read_is_sticky)
{
	const uint8_t bytes[] = { 0xff, 0xff, 0xff };
	struct ks_reader r = ks_reader(bytes, sizeof(bytes));

	ck_assert_uint_eq(ks_read_u32(&r), 0);
	ck_assert_int_eq(r.error, KS_ETRUNC);
	ck_assert_uint_eq(ks_read_u8(&r), 0);	/* though three bytes were there */
	ck_assert_int_eq(r.error, KS_ETRUNC);
}
END_TEST

START_TEST(empty_input)
{
	struct ks_reader r = ks_reader(NULL, 0);

	ck_assert_uint_eq(ks_read_u8(&r), 0);
	ck_assert_int_eq(r.error, KS_ETRUNC);
}
END_TEST

START_TEST(writes_what_it_reads)
{
	uint8_t bytes[18];
	struct ks_writer w = ks_writer(bytes, sizeof(bytes));
	struct ks_reader r;

	ks_write_u8(&w, 200);
	ks_write_u16(&w, 60000);
	ks_write_u24(&w, 0xabcdef);
	ks_write_u32(&w, 4000000000u);
	ks_write_i64(&w, -5);
	ck_assert_int_eq(w.error, KS_EOK);
	ks_write_u8(&w, 1);
	ck_assert_int_eq(w.error, KS_ELIMIT);

	r = ks_reader(bytes, sizeof(bytes));
	ck_assert_uint_eq(ks_read_u8(&r), 200);
	ck_assert_uint_eq(ks_read_u16(&r), 60000);
	ck_assert_uint_eq(ks_read_u24(&r), 0xabcdef);
	ck_assert_uint_eq(ks_read_u32(&r), 4000000000u);
	ck_assert_int_eq(ks_read_i64(&r), -5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cursor");
	TCase *tc = tcase_create("cursor");

	tcase_add_test(tc, reads_little_endian);
	tcase_add_test(tc, short_read_is_sticky);
	tcase_add_test(tc, empty_input);
	tcase_add_test(tc, writes_what_it_reads);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
