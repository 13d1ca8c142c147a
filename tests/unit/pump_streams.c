/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures as parts of one answer.
 */
#include "tests/unit/pump_peers.h"

START_TEST(a_stream)
{
	struct peer peer = peer_with(GET("stream.mjpg"));

	hear_stream(&peer);
	ck_assert_uint_eq(hear_part(&peer), 1);
	silent(&peer);
	for (uint32_t seq = 2; seq < 20; seq++) {
		pumped_publish(&p, seq, 4000 + 100 * seq);
		ck_assert_uint_eq(hear_part(&peer), seq);
		pumped_pass(&p, S, 10 * MS);
		silent(&peer);
	}
	peer_close(&peer);
	all_gone();
}
END_TEST

/* A browser's image shows a picture when it has the head of the next one. */
START_TEST(a_stream_to_a_browser)
{
	struct peer peer = peer_with(GET_WITH("stream.mjpg", "Accept: image/avif,image/webp,image/*,*/*;q=0.8\r\n"));

	hear_beginning(&peer, true);
	ck_assert_uint_eq(hear_early_part(&peer, 5000), 1);
	silent(&peer);
	for (uint32_t seq = 2; seq < 6; seq++) {
		pumped_publish(&p, seq, 4000 + 100 * seq);
		ck_assert_uint_eq(hear_early_part(&peer, 4000 + 100 * seq), seq);
		silent(&peer);
	}
	peer_close(&peer);
	all_gone();
}
END_TEST

START_TEST(a_slow_stream_to_a_browser)
{
	struct peer peer = slow_peer(GET_WITH("stream.mjpg", "Accept: image/*\r\n"));

	pumped_publish(&p, 3, 5000);
	hear_beginning(&peer, true);
	ck_assert_uint_eq(hear_early_part(&peer, LARGE), 2);
	ck_assert_uint_eq(hear_early_part(&peer, 5000), 3);
	silent(&peer);
	peer_close(&peer);
}
END_TEST

START_TEST(a_slow_stream_skips_and_ends_up_with_the_newest)
{
	struct peer peer = slow_peer(GET("stream.mjpg"));
	uint32_t mark, last = 1;

	for (uint32_t seq = 3; seq < 8; seq++)
		pumped_publish(&p, seq, 5000);
	hear_stream(&peer);
	while ((mark = hear_part(&peer)) != 7) {
		ck_assert_uint_gt(mark, last);
		last = mark;
	}
	ck_assert_uint_eq(last, 2);
	silent(&peer);
	peer_close(&peer);
}
END_TEST

START_TEST(a_stream_of_a_dead_channel_ends)
{
	struct peer peer = peer_on_tcp(GET("stream.mjpg"));

	hear_stream(&peer);
	hear_part(&peer);
	pumped_pass(&p, p.site.patience.dead_us - 1, 100 * MS);
	silent(&peer);
	pumped_pass(&p, TICKS, 10 * MS);
	ends(&peer);
	peer_close(&peer);
	all_gone();
}
END_TEST

START_TEST(a_stream_to_head)
{
	struct peer peer = peer_on_tcp("HEAD " PUMPED_DIR "stream.mjpg" ENDS);
	struct answer answer = hear_to(&peer, true);

	ck_assert_int_eq(answer.status, 200);
	has(&answer, "Content-Type: multipart/x-mixed-replace;boundary=koshien-frame");
	has(&answer, "Connection: close");
	/* Not a byte behind the head: a boundary would be a body. */
	ends(&peer);
	peer_close(&peer);
}
END_TEST

void pump_streams(Suite *suite)
{
	TCase *tcase = pump_case(suite, "streams");

	tcase_add_test(tcase, a_stream);
	tcase_add_test(tcase, a_stream_to_a_browser);
	tcase_add_test(tcase, a_slow_stream_to_a_browser);
	tcase_add_test(tcase, a_slow_stream_skips_and_ends_up_with_the_newest);
	tcase_add_test(tcase, a_stream_of_a_dead_channel_ends);
	tcase_add_test(tcase, a_stream_to_head);
}
