/* SPDX-License-Identifier: Apache-2.0
 *
 * Pipelining and closing, slow readers, and peers that go.
 */
#include "tests/unit/pump_peers.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- pipelining, closing ---------------------------------------------------------------------------------------- */

START_TEST(pipelined)
{
	struct peer peer = peer_with(PUMPED_GET GET("latest.jpg?after=7-1") GET("7-1.jpg") PUMPED_GET);

	ck_assert_int_eq(hear(&peer).status, 200);
	ck_assert_int_eq(hear(&peer).status, 204);
	ck_assert_int_eq(hear(&peer).status, 200);
	ck_assert_int_eq(hear(&peer).status, 200);
	silent(&peer);
	peer_close(&peer);
}
END_TEST

START_TEST(pipelined_in_pieces)
{
	static const char text[] = PUMPED_GET GET("latest.jpg?after=7-1") GET("7-1.jpg");

	for (size_t step = 1; step < 40; step++) {
		struct peer peer = peer_with("");

		for (size_t at = 0; at < strlen(text); at += step) {
			size_t left = strlen(text) - at;

			ck_assert_int_gt(send(peer.fd, text + at, left < step ? left : step, MSG_NOSIGNAL), 0);
			ks_pump_turn(p.pump, 0);
		}
		ck_assert_int_eq(hear(&peer).status, 200);
		ck_assert_int_eq(hear(&peer).status, 204);
		ck_assert_int_eq(hear(&peer).status, 200);
		peer_close(&peer);
	}
}
END_TEST

#define PIPELINED (5 * KS_PUMP_PIPELINED_MAX + 3)

START_TEST(many_pipelined_let_others_have_their_turn)
{
	static char text[PIPELINED * sizeof(GET("latest.jpg?after=7-1"))];
	struct peer many = peer_with(""), one;
	struct answer answer;
	unsigned heard = 0;

	for (unsigned i = 0; i < PIPELINED; i++)
		strcat(text, GET("latest.jpg?after=7-1"));
	say(&many, text);
	one = peer_with(PUMPED_GET);
	ks_pump_turn(p.pump, 0);	/* the first may have its turn, and a second one as `again` */
	listen_to(&many, SIZE_MAX);
	while (take_answer(&many, false, &answer))
		heard++;
	ck_assert_uint_ge(heard, 1);
	ck_assert_uint_le(heard, 2 * KS_PUMP_PIPELINED_MAX);
	listen_to(&one, SIZE_MAX);
	ck_assert(take_answer(&one, false, &answer));
	for (; heard < PIPELINED; heard++)
		ck_assert_int_eq(hear(&many).status, 204);
	silent(&many);
	peer_close(&many);
	peer_close(&one);
}
END_TEST

START_TEST(close_after_the_answer)
{
	static const char *const requests[] = {
		GET_WITH("latest.jpg", "Connection: close\r\n"),
		"GET " PUMPED_DIR "latest.jpg HTTP/1.0\r\nHost: " PUMPED_HOST "\r\n\r\n",
		GET_WITH("7-1.jpg", "Connection: close\r\n"),
		GET_WITH("latest.jpg?after=7-1", "Connection: close\r\n"),
	};
	struct peer peer = peer_on_tcp(requests[_i]);
	struct answer answer = hear(&peer);

	has(&answer, "Connection: close");
	ends(&peer);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 1);	/* until the peer has closed, too */
	peer_close(&peer);
	all_gone();
}
END_TEST

START_TEST(what_follows_close_is_not_answered)
{
	struct peer peer = peer_on_tcp(GET_WITH("latest.jpg", "Connection: close\r\n") PUMPED_GET);

	hear(&peer);
	say(&peer, PUMPED_GET);
	ends(&peer);
	ck_assert_uint_eq(p.answered, 1);
	peer_close(&peer);
	all_gone();
}
END_TEST

START_TEST(who_does_not_close_is_not_waited_for)
{
	struct peer peer = peer_on_tcp(GET_WITH("latest.jpg", "Connection: close\r\n"));

	hear(&peer);
	pumped_pass(&p, KS_PUMP_LINGER_US + TICKS, 10 * MS);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 0);
	peer_close(&peer);
}
END_TEST

START_TEST(http_1_0_that_asks_to_stay)
{
	static const char request[] =
		"GET " PUMPED_DIR "latest.jpg HTTP/1.0\r\nHost: " PUMPED_HOST "\r\nConnection: keep-alive\r\n\r\n";
	struct peer peer = peer_with(request);
	struct answer answer = hear(&peer);

	has(&answer, "Connection: Keep-Alive");
	has(&answer, "Keep-Alive: timeout=15");
	say(&peer, request);
	hear(&peer);
	silent(&peer);
	peer_close(&peer);
}
END_TEST

START_TEST(idle_ends_cleanly)
{
	struct peer peer = peer_on_tcp(PUMPED_GET);

	hear(&peer);
	pumped_pass(&p, p.site.idle_us - 1, 10 * MS);
	silent(&peer);
	/* Each request is worth the whole time anew. */
	say(&peer, PUMPED_GET);
	hear(&peer);
	pumped_pass(&p, p.site.idle_us - 1, 10 * MS);
	silent(&peer);
	pumped_pass(&p, TICKS, 10 * MS);
	ends(&peer);
	peer_close(&peer);
	all_gone();
}
END_TEST

START_TEST(a_request_that_trickles_in)
{
	static const char text[] = PUMPED_GET;
	struct peer peer = peer_on_tcp("");
	int64_t begin_us = p.now_us;

	for (size_t at = 0; at < strlen(text) && !peer.ended; at++) {
		send(peer.fd, text + at, 1, MSG_NOSIGNAL);
		pumped_pass(&p, 500 * MS, 10 * MS);
		listen_to(&peer, SIZE_MAX);
	}
	ck_assert_int_le(p.now_us - begin_us, p.site.stall_us + S);
	ck_assert_int_ge(p.now_us - begin_us, p.site.stall_us);
	ck_assert_uint_eq(p.answered, 0);
	ends(&peer);
	peer_close(&peer);
	all_gone();
}
END_TEST

/* --- slow and stalled readers ---------------------------------------------------------------------------------- */

START_TEST(a_slow_reader_gets_the_picture_whole)
{
	struct peer peer = slow_peer(PUMPED_GET PUMPED_GET);
	struct answer answer;
	uint32_t seq = 2;

	while (!take_answer(&peer, false, &answer)) {
		listen_to(&peer, 3000);
		if (seq < 40 && peer.len > seq * 1000)
			pumped_publish(&p, ++seq, 5000);
		pumped_pass(&p, 100 * MS, 100 * MS);
	}
	ck_assert_uint_eq(answer.mark, 2);
	ck_assert_uint_eq(answer.len, LARGE);
	ck_assert_uint_gt(seq, 20);
	/* The next one is the newest. */
	ck_assert_uint_eq(hear(&peer).mark, seq);
	peer_close(&peer);
}
END_TEST

START_TEST(who_takes_nothing_is_cut)
{
	struct peer peer = slow_peer(PUMPED_GET);

	pumped_pass(&p, p.site.stall_us - 1, 10 * MS);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 1);
	pumped_pass(&p, TICKS, 10 * MS);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 0);
	peer_close(&peer);
}
END_TEST

START_TEST(who_takes_little_is_cut_in_the_end)
{
	struct peer peer = slow_peer(PUMPED_GET);
	int64_t begin_us = p.now_us;

	while (ks_pump_viewers(p.pump) > 0) {
		listen_to(&peer, 4096);
		pumped_pass(&p, S, 10 * MS);
		ck_assert_int_le(p.now_us - begin_us, KS_PUMP_ANSWER_US + S);
	}
	ck_assert_int_ge(p.now_us - begin_us, KS_PUMP_ANSWER_US);
	peer_close(&peer);
}
END_TEST

/* What it asks meanwhile stays in the kernel, which makes it stop. */
START_TEST(a_stalled_reader_is_not_read_from)
{
	struct peer peer = slow_peer(PUMPED_GET);
	size_t said = 0;
	ssize_t n;

	while ((n = send(peer.fd, PUMPED_GET, strlen(PUMPED_GET), MSG_NOSIGNAL)) > 0) {
		said += (size_t)n;
		ck_assert_uint_lt(said, 16 * 1024 * 1024);
		ks_pump_turn(p.pump, 0);
	}
	ck_assert_ptr_null(LIST_FIRST(&p.pump->viewers)->input);
	peer_close(&peer);
	all_gone();
}
END_TEST

/* --- peers that go ------------------------------------------------------------------------------------------------ */

START_TEST(half_closed_with_the_request)
{
	struct peer peer = peer_on_tcp("");

	ks_pump_turn(p.pump, 0);
	say(&peer, PUMPED_GET GET("7-1.jpg"));
	ck_assert_int_eq(shutdown(peer.fd, SHUT_WR), 0);
	ck_assert_int_eq(hear(&peer).status, 200);
	ck_assert_int_eq(hear(&peer).status, 200);
	/* Nothing can follow: not when its idle time is over, but now. */
	ends(&peer);
	all_gone();
	peer_close(&peer);
}
END_TEST

START_TEST(half_closed_while_being_written_to)
{
	struct peer peer = slow_peer(PUMPED_GET);

	ck_assert_int_eq(shutdown(peer.fd, SHUT_WR), 0);
	ck_assert_uint_eq(hear(&peer).len, LARGE);
	ends(&peer);
	all_gone();
	peer_close(&peer);
}
END_TEST

START_TEST(half_closed_while_waiting)
{
	static const char request[] = GET("latest.jpg?after=7-1&wait=5000");
	struct peer peer = peer_on_tcp("");

	ks_pump_turn(p.pump, 0);
	say(&peer, request);
	if (_i == 0)
		silent(&peer);
	/* With the request or behind it: nobody is there any more. */
	ck_assert_int_eq(shutdown(peer.fd, SHUT_WR), 0);
	all_gone();
	peer_close(&peer);
}
END_TEST

START_TEST(half_a_request_and_gone)
{
	static const char text[] = PUMPED_GET;

	for (size_t len = 0; len < strlen(text); len += 5) {
		struct peer peer = peer_on_tcp("");

		ck_assert_int_eq(send(peer.fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
		if (len % 2 == 0)
			ks_pump_turn(p.pump, 0);
		peer_close(&peer);
		all_gone();
	}
	ck_assert_uint_eq(p.answered, 0);
}
END_TEST

static void reset(struct peer *peer)
{
	struct linger now = { .l_onoff = 1 };

	ck_assert_int_eq(setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	peer_close(peer);
}

START_TEST(reset_in_each_state)
{
	struct peer reading = peer_on_tcp(PUMPED_GET), waiting = peer_on_tcp(GET("latest.jpg?after=7-1&wait=9000"));
	struct peer lingering = peer_on_tcp(GET_WITH("latest.jpg", "Connection: close\r\n"));
	struct peer partial = peer_on_tcp("GET /li"), writing;

	hear(&reading);
	hear(&lingering);
	silent(&waiting);
	writing = peer_on_tcp("");
	ks_pump_turn(p.pump, 0);
	pumped_publish(&p, 2, KS_JPEG_MAX);
	hear(&waiting);
	say(&waiting, GET("latest.jpg?after=7-2&wait=9000"));
	say(&writing, PUMPED_GET);
	silent(&waiting);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 5);
	reset(&reading);
	reset(&waiting);
	reset(&lingering);
	reset(&partial);
	reset(&writing);
	all_gone();
	pumped_publish(&p, 3, 5000);
}
END_TEST

/* httpd closes its own descriptor of the socket when it comes to it; no event may tell of a viewer that is gone. */
START_TEST(gone_before_httpd_has_closed)
{
	struct epoll_event event;
	int pair[2], ours;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ours = dup(pair[0]);
	if (_i == 0)
		ks_pump_linger(p.pump, ours, pumped_carrier(ours, 0));
	else
		ck_assert(ks_pump_take(p.pump, &p.site, ours, pumped_carrier(ours, 0), PUMPED_HOST, "GET /li", 7));
	ks_pump_turn(p.pump, 0);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 1);
	pumped_pass(&p, p.site.stall_us + KS_PUMP_LINGER_US + 2 * TICKS, 10 * MS);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 0);
	ck_assert_int_eq(send(pair[1], "a", 1, MSG_NOSIGNAL), 1);
	ck_assert_int_eq(epoll_wait(p.pump->epoll, &event, 1, 0), 0);
	close(pair[1]);
	ck_assert_int_eq(epoll_wait(p.pump->epoll, &event, 1, 0), 0);
	close(pair[0]);
}
END_TEST

void pump_connections(Suite *suite)
{
	TCase *tcase = pump_case(suite, "connections");

	tcase_add_test(tcase, pipelined);
	tcase_add_test(tcase, pipelined_in_pieces);
	tcase_add_test(tcase, many_pipelined_let_others_have_their_turn);
	tcase_add_loop_test(tcase, close_after_the_answer, 0, 4);
	tcase_add_test(tcase, what_follows_close_is_not_answered);
	tcase_add_test(tcase, who_does_not_close_is_not_waited_for);
	tcase_add_test(tcase, http_1_0_that_asks_to_stay);
	tcase_add_test(tcase, idle_ends_cleanly);
	tcase_add_test(tcase, a_request_that_trickles_in);
	tcase_add_test(tcase, a_slow_reader_gets_the_picture_whole);
	tcase_add_test(tcase, who_takes_nothing_is_cut);
	tcase_add_test(tcase, who_takes_little_is_cut_in_the_end);
	tcase_add_test(tcase, a_stalled_reader_is_not_read_from);
	tcase_add_test(tcase, half_closed_with_the_request);
	tcase_add_test(tcase, half_closed_while_being_written_to);
	tcase_add_loop_test(tcase, half_closed_while_waiting, 0, 2);
	tcase_add_test(tcase, half_a_request_and_gone);
	tcase_add_test(tcase, reset_in_each_state);
	tcase_add_loop_test(tcase, gone_before_httpd_has_closed, 0, 2);
}
