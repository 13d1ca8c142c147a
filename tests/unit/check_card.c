/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/card.h"

#include <string.h>

#include "capture/font.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "tests/unit/unit.h"

#define NOON INT64_C(1795262400000000)

static const struct ks_frame_id id = { 1795247301, 42 };

/* Bytes of luma that differ between two canvases, within columns [x0, x1) and rows [y0, y1). */
static size_t differing(const struct ks_canvas *a, const struct ks_canvas *b, int x0, int y0, int x1, int y1)
{
	size_t n = 0;

	for (int y = y0; y < y1; y++)
		for (int x = x0; x < x1; x++)
			n += a->plane[0][y * a->stride[0] + x] != b->plane[0][y * b->stride[0] + x];
	return n;
}

START_TEST(glyphs_stay_on_their_grid)
{
	for (char c = ' '; c <= '~'; c++) {
		const char *at = ks_font_strokes(c);

		ck_assert_int_eq(*at == '\0', c == ' ');
		for (; *at != '\0'; at += at[2] == ' ' ? 3 : 2) {
			ck_assert_msg(at[0] >= '0' && at[0] <= '0' + KS_FONT_WIDTH, "x of '%c'", c);
			ck_assert_msg(strchr("0123456789abcd", at[1]) != NULL && at[1] != '\0', "y of '%c'", c);
			ck_assert_msg(at[2] == '\0' || at[2] == ' ' || at[3] != '\0', "half a point in '%c'", c);
		}
	}
	ck_assert_str_eq(ks_font_strokes('\xe2'), ks_font_strokes('?'));
}
END_TEST

START_TEST(every_size_is_drawn)
{
	static const int sizes[][2] = { { 64, 48 }, { 65, 49 }, { 1280, 720 }, { 639, 481 }, { 100, 1000 },
					{ 2000, 60 } };
	const struct ks_card_notice notice = { "no signal", "a sentence that is long enough to need a second line, "
					       "and an_endless_word_that_no_line_holds_because_it_never_stops", NOON,
					       true };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct ks_picture picture;
		struct ks_card card;

		ck_assert_int_eq(ks_card_init(&card, sizes[i][0], sizes[i][1], "main"), KS_EOK);
		ks_card_draw(&card, NOON, id);
		ck_assert_uint_gt(differing(&card.now, &card.still, 0, 0, sizes[i][0], sizes[i][1]), 10);
		ks_card_draw_notice(&card, NOON, &notice);
		ck_assert_uint_gt(differing(&card.now, &card.still, 0, 0, sizes[i][0], sizes[i][1]), 10);
		picture = ks_card_picture(&card);
		ck_assert_int_eq(picture.width, sizes[i][0]);
		ck_assert_int_eq(picture.height, sizes[i][1]);
		ck_assert_int_eq(picture.layout, KS_PICTURE_YUV420);
		ks_card_free(&card);
	}
}
END_TEST

/* A person must see at once that it is live: clock, hand and ball each move from one second to the next. */
START_TEST(it_moves)
{
	struct ks_card one, two;

	ck_assert_int_eq(ks_card_init(&one, 1280, 720, "main"), KS_EOK);
	ck_assert_int_eq(ks_card_init(&two, 1280, 720, "main"), KS_EOK);
	for (int second = 0; second < 80; second++) {
		ks_card_draw(&one, NOON + second * KS_US_PER_S, (struct ks_frame_id){ 1, (uint32_t)second });
		ks_card_draw(&two, NOON + (second + 1) * KS_US_PER_S, (struct ks_frame_id){ 1, (uint32_t)second + 1 });
		ck_assert_uint_gt(differing(&one.now, &two.now, 0, 200, 900, 330), 100);	/* clock */
		ck_assert_uint_gt(differing(&one.now, &two.now, 0, 400, 900, 470), 10);		/* frame */
		ck_assert_uint_gt(differing(&one.now, &two.now, 940, 180, 1210, 450), 100);	/* hand */
		ck_assert_uint_gt(differing(&one.now, &two.now, 0, 480, 1280, 540), 100);	/* ball */
		ck_assert_uint_eq(differing(&one.now, &two.now, 0, 560, 1280, 720), 0);		/* bars */
	}
	ks_card_free(&one);
	ks_card_free(&two);
}
END_TEST

START_TEST(bars_have_their_colours)
{
	static const uint32_t bars[] = { 0xbfbfbf, 0xbfbf00, 0x00bfbf, 0x00bf00, 0xbf00bf, 0xbf0000, 0x0000bf };
	struct ks_card card;

	ck_assert_int_eq(ks_card_init(&card, 1280, 720, "main"), KS_EOK);
	for (int i = 0; i < 7; i++) {
		struct ks_colour want = ks_colour(bars[i]);
		int x = 1280 * (2 * i + 1) / 14, y = 600;

		ck_assert_uint_eq(card.now.plane[0][y * 1280 + x], want.y);
		ck_assert_uint_eq(card.now.plane[1][y / 2 * 640 + x / 2], want.u);
		ck_assert_uint_eq(card.now.plane[2][y / 2 * 640 + x / 2], want.v);
	}
	ck_assert_uint_eq(ks_colour(0xffffff).y, 255);
	ck_assert_uint_eq(ks_colour(0).y, 0);
	ck_assert_uint_eq(ks_colour(0xff0000).v, 255);
	ck_assert_uint_eq(ks_colour(0x808080).u, 128);
	ks_card_free(&card);
}
END_TEST

START_TEST(the_notice_says_what_is_wrong)
{
	const struct ks_card_notice one = { "no signal", "check the cable", NOON, true };
	const struct ks_card_notice two = { "no device", "check the cable", NOON, true };
	const struct ks_card_notice three = { "no signal", "check the plug", NOON, true };
	const struct ks_card_notice four = { "no signal", "check the cable", NOON, false };
	struct ks_card a, b;

	ck_assert_int_eq(ks_card_init(&a, 1280, 720, "main"), KS_EOK);
	ck_assert_int_eq(ks_card_init(&b, 1280, 720, "main"), KS_EOK);
	ks_card_draw_notice(&a, NOON, &one);
	ks_card_draw_notice(&b, NOON, &one);
	ck_assert_uint_eq(differing(&a.now, &b.now, 0, 0, 1280, 720), 0);
	ks_card_draw_notice(&b, NOON, &two);
	ck_assert_uint_gt(differing(&a.now, &b.now, 0, 150, 1280, 260), 100);
	ks_card_draw_notice(&b, NOON, &three);
	ck_assert_uint_gt(differing(&a.now, &b.now, 0, 290, 1280, 350), 50);
	ks_card_draw_notice(&b, NOON, &four);
	ck_assert_uint_gt(differing(&a.now, &b.now, 0, 600, 1280, 660), 100);
	ks_card_draw_notice(&b, NOON + KS_US_PER_S, &one);
	ck_assert_uint_gt(differing(&a.now, &b.now, 1000, 40, 1280, 90), 10);
	ks_card_free(&a);
	ks_card_free(&b);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("card");
	TCase *tc = tcase_create("card");

	tcase_add_test(tc, glyphs_stay_on_their_grid);
	tcase_add_test(tc, every_size_is_drawn);
	tcase_add_test(tc, it_moves);
	tcase_add_test(tc, bars_have_their_colours);
	tcase_add_test(tc, the_notice_says_what_is_wrong);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
