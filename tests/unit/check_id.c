/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/frame/id.h"

#include <string.h>

#include "lib/base/error.h"
#include "tests/unit/unit.h"

static int parse(const char *text, struct ks_frame_id *id)
{
	return ks_frame_id_parse(text, strlen(text), id);
}

START_TEST(formats_and_parses)
{
	static const struct ks_frame_id ids[] = {
		{ 0, 0 }, { 0, 1 }, { 1, 0 }, { 1792000000, 1783 }, { UINT32_MAX, UINT32_MAX }, { 10, 100 },
	};
	struct ks_frame_id got;
	char text[KS_FRAME_ID_TEXT];

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		ck_assert_int_eq(parse(ks_frame_id_format(ids[i], text), &got), KS_EOK);
		ck_assert_int_eq(ks_frame_id_cmp(got, ids[i]), 0);
	}
	ck_assert_str_eq(ks_frame_id_format(ids[3], text), "1792000000-1783");
	ck_assert_str_eq(ks_frame_id_format(ids[4], text), "4294967295-4294967295");
}
END_TEST

START_TEST(refuses_other_spellings)
{
	static const char *const bad[] = {
		"", "-", "1", "1-", "-1", "1--2", "1-2-3", "01-2", "1-02", "00-0", "+1-2", "1-+2", " 1-2", "1-2 ",
		"1 -2", "4294967296-0", "0-4294967296", "99999999999-1", "1-99999999999999999999", "0x1-2", "a-b",
		"1.0-2", "1-2\n", "1/2",
	};
	struct ks_frame_id id = { 7, 8 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(parse(bad[i], &id) == KS_EMALFORMED, "'%s' was taken", bad[i]);
	ck_assert_int_eq(ks_frame_id_parse(NULL, 0, &id), KS_EMALFORMED);
	ck_assert_int_eq(ks_frame_id_parse("1-2\0", 4, &id), KS_EMALFORMED);
	ck_assert_uint_eq(id.epoch, 7);		/* left alone */
	ck_assert_uint_eq(id.seq, 8);
}
END_TEST

START_TEST(reads_only_len_characters)
{
	struct ks_frame_id id;

	ck_assert_int_eq(ks_frame_id_parse("12-345.jpg", 6, &id), KS_EOK);
	ck_assert_uint_eq(id.epoch, 12);
	ck_assert_uint_eq(id.seq, 345);
}
END_TEST

START_TEST(orders_by_epoch_then_seq)
{
	const struct ks_frame_id ids[] = { { 0, 0 }, { 0, UINT32_MAX }, { 1, 0 }, { 1, 1 }, { UINT32_MAX, 0 } };
	const int n = sizeof(ids) / sizeof(ids[0]);

	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			ck_assert_int_eq(ks_frame_id_cmp(ids[i], ids[j]), (i > j) - (i < j));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("id");
	TCase *tc = tcase_create("id");

	tcase_add_test(tc, formats_and_parses);
	tcase_add_test(tc, refuses_other_spellings);
	tcase_add_test(tc, reads_only_len_characters);
	tcase_add_test(tc, orders_by_epoch_then_seq);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
