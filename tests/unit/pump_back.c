/* SPDX-License-Identifier: Apache-2.0
 *
 * What is httpd's goes back to it, as far as it came.
 */
#include "tests/unit/pump_peers.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* --- given back ------------------------------------------------------------------------------------------------- */

static const char *const others[] = {
	OTHER,
	"GET " PUMPED_MOUNT "/field/index.json" ENDS,
	"GET /elsewhere" ENDS,
	"GET /other" PUMPED_DIR "latest.jpg" ENDS,
	"GET " PUMPED_MOUNT "/field/low/latest.jpg" ENDS,
	"GET " PUMPED_MOUNT "/other/std/latest.jpg" ENDS,
	GET("8-1.jpg"),
	GET("nothing.jpg"),
	GET("nothing"),
	GET(""),
	GET("latest.jpg/"),
	GET("latest.jpg?after=x"),
	GET("latest.jpg?after=7-1&after=7-1"),
	GET("latest.jpg?after=7-1&wait="),
	"GET " PUMPED_DIR "latest.jpg HTTP/1.1\r\nHost: another\r\n\r\n",
	"GET " PUMPED_DIR "latest.jpg HTTP/1.1\r\nHost: RELAY\r\n\r\n",
	"GET " PUMPED_DIR "latest.jpg HTTP/1.0\r\n\r\n",
	"GET " PUMPED_DIR "latest.jpg HTTP/1.1\r\n\r\n",
	"POST " PUMPED_DIR "latest.jpg HTTP/1.1\r\nHost: " PUMPED_HOST "\r\nContent-Length: 3\r\n\r\nabc",
	GET_WITH("latest.jpg", "Authorization: Basic YTpi\r\n"),
	GET_WITH("latest.jpg", "If-Modified-Since: x\r\n"),
	"\r\nGET / HTTP/1.1\r\n\r\n",
	"nonsense\r\n\r\n",
	"\n\na\n\n",
};

START_TEST(what_is_not_ours_goes_back_whole)
{
	static const char behind[] = PUMPED_GET "GET /half";
	struct peer peer = peer_with(PUMPED_GET);
	char text[1024], byte = 0;

	hear(&peer);
	snprintf(text, sizeof(text), PUMPED_GET "%s%s", others[_i], behind);
	say(&peer, text);
	ck_assert_int_eq(hear(&peer).status, 200);
	all_gone();
	ck_assert_uint_eq(p.given, 1);
	ck_assert_uint_eq(p.answered, 2);
	ck_assert_uint_eq(p.given_len, strlen(others[_i]) + strlen(behind));
	ck_assert_mem_eq(p.given_bytes, others[_i], strlen(others[_i]));
	ck_assert_mem_eq(p.given_bytes + strlen(others[_i]), behind, strlen(behind));
	/* The descriptor is a connection still, in both directions. */
	ck_assert_int_eq(send(p.given_fd, "a", 1, MSG_NOSIGNAL), 1);
	ck_assert_int_eq(recv(peer.fd, &byte, 1, 0), 1);
	say(&peer, "b");
	ck_assert_int_eq(recv(p.given_fd, &byte, 1, 0), 1);
	ck_assert_int_eq(byte, 'b');
	peer_close(&peer);
}
END_TEST

#define POST(length) "POST /elsewhere HTTP/1.1\r\nHost: " PUMPED_HOST "\r\nContent-Length: " length "\r\n\r\n"

/* No thread of httpd has to wait for the rest. */
START_TEST(a_short_body_is_waited_for)
{
	static const char text[] = POST("3") "abc" PUMPED_GET;
	struct peer peer = peer_with(PUMPED_GET POST("3"));

	hear(&peer);
	silent(&peer);
	say(&peer, "a");
	silent(&peer);
	say(&peer, "b");
	silent(&peer);
	ck_assert_uint_eq(p.given, 0);
	say(&peer, "c" PUMPED_GET);
	all_gone();
	ck_assert_uint_eq(p.given, 1);
	ck_assert_uint_eq(p.given_len, strlen(text));
	ck_assert_mem_eq(p.given_bytes, text, strlen(text));
	peer_close(&peer);
}
END_TEST

START_TEST(a_short_body_that_does_not_come)
{
	struct peer peer = peer_on_tcp(POST("3"));
	int64_t begin_us = p.now_us;

	while (!peer.ended) {
		pumped_pass(&p, 500 * MS, 10 * MS);
		listen_to(&peer, SIZE_MAX);
		ck_assert_int_le(p.now_us - begin_us, p.site.stall_us + S);
	}
	ends(&peer);
	ck_assert_uint_eq(p.given, 0);
	peer_close(&peer);
	all_gone();
}
END_TEST

/* Longer than the pump keeps, of no length that it understands, or with a method that is refused a body. */
static const char *const bodies[] = {
	POST("16384"),
	POST("99999999999999999999999"),
	POST("3\r\nContent-Length: 4"),
	POST("3\r\nExpect: 100-continue"),
	"POST /elsewhere HTTP/1.1\r\nHost: " PUMPED_HOST "\r\nTransfer-Encoding: chunked\r\n\r\n",
	GET_WITH("latest.jpg", "Content-Length: 3\r\n"),
	"HEAD " PUMPED_DIR "latest.jpg HTTP/1.1\r\nHost: " PUMPED_HOST "\r\nContent-Length: 3\r\n\r\n",
};

START_TEST(other_bodies_are_not_waited_for)
{
	struct peer peer = peer_with(bodies[_i]);

	all_gone();
	ck_assert_uint_eq(p.given, 1);
	ck_assert_uint_eq(p.given_len, strlen(bodies[_i]));
	peer_close(&peer);
}
END_TEST

START_TEST(handed_over_with_what_is_not_ours)
{
	struct peer peer = peer_with(OTHER PUMPED_GET);

	all_gone();
	ck_assert_uint_eq(p.given_len, strlen(OTHER PUMPED_GET));
	ck_assert_mem_eq(p.given_bytes, OTHER PUMPED_GET, p.given_len);
	peer_close(&peer);
}
END_TEST

START_TEST(below_a_section_of_its_own)
{
	static const char *const sections[] = { PUMPED_MOUNT "/field/std/latest.jpg", NULL };
	struct peer peer;

	p.site.sections = sections;
	peer = peer_with(GET("7-1.jpg"));
	all_gone();
	ck_assert_uint_eq(p.given, 1);
	peer_close(&peer);
}
END_TEST

/* It is not kept for as long as it might have lingered, and what it goes on saying is not kept either. */
START_TEST(what_nobody_takes_back_is_listened_to)
{
	struct peer peer = peer_on_tcp(PUMPED_GET OTHER);

	p.refuse = true;
	hear(&peer);
	ends(&peer);
	for (unsigned i = 0; i < 100; i++) {
		say(&peer, PUMPED_GET);
		ks_pump_turn(p.pump, 0);
	}
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 1);
	peer_close(&peer);
	all_gone();
	ck_assert_int_eq(p.now_us, PUMPED_START_US);
}
END_TEST

START_TEST(what_nobody_takes_back_ends_cleanly)
{
	struct peer peer = peer_on_tcp(PUMPED_GET OTHER);

	p.refuse = true;
	ck_assert_int_eq(hear(&peer).status, 200);
	ends(&peer);
	ck_assert_uint_eq(p.given, 1);
	pumped_pass(&p, KS_PUMP_LINGER_US + TICKS, 10 * MS);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 0);
	peer_close(&peer);
}
END_TEST

/* --- heads without end ------------------------------------------------------------------------------------------ */

static void say_many(struct peer *peer, char byte, size_t n)
{
	static char bytes[KS_PUMP_INPUT_MAX];

	memset(bytes, byte, sizeof(bytes));
	while (n > 0) {
		ssize_t sent = send(peer->fd, bytes, n < sizeof(bytes) ? n : sizeof(bytes), MSG_NOSIGNAL);

		ck_assert_int_gt(sent, 0);
		n -= (size_t)sent;
		ks_pump_turn(p.pump, 0);
	}
}

/* httpd has limits of its own, and is asked first. */
START_TEST(too_long_a_head_goes_back_as_far_as_it_came)
{
	struct peer peer = peer_on_tcp("GET /");

	say_many(&peer, 'a', KS_PUMP_INPUT_MAX - strlen("GET /") - 1);
	silent(&peer);
	say_many(&peer, 'b', 1);
	all_gone();
	ck_assert_uint_eq(p.given, 1);
	ck_assert_uint_eq(p.given_len, KS_PUMP_INPUT_MAX);
	ck_assert_int_eq(p.given_bytes[KS_PUMP_INPUT_MAX - 1], 'b');
	peer_close(&peer);
}
END_TEST

START_TEST(too_long_a_line)
{
	struct peer peer = peer_on_tcp("GET /");

	p.refuse = true;
	say_many(&peer, 'a', KS_PUMP_INPUT_MAX - strlen("GET /") - 1);
	silent(&peer);
	say_many(&peer, 'a', 1000);
	ck_assert_int_eq(hear(&peer).status, 414);
	ends(&peer);
	peer_close(&peer);
	all_gone();
}
END_TEST

START_TEST(too_long_a_head)
{
	static const char begin[] = "GET / HTTP/1.1\r\nX: ";
	struct peer peer = peer_on_tcp(begin);

	p.refuse = true;
	say_many(&peer, 'a', KS_PUMP_INPUT_MAX - strlen(begin) - 1);
	silent(&peer);
	say_many(&peer, 'a', 1000);
	ck_assert_int_eq(hear(&peer).status, 431);
	ends(&peer);
	peer_close(&peer);
	all_gone();
}
END_TEST

/* The limit is one head's, not the connection's. */
START_TEST(answers_in_front_do_not_count)
{
	struct peer peer = peer_on_tcp(PUMPED_GET PUMPED_GET "GET /");

	p.refuse = true;
	say_many(&peer, 'a', KS_PUMP_INPUT_MAX - strlen("GET /") - 1);
	hear(&peer);
	hear(&peer);
	silent(&peer);
	say_many(&peer, 'a', 1);
	ck_assert_int_eq(hear(&peer).status, 414);
	peer_close(&peer);
}
END_TEST

void pump_back(Suite *suite)
{
	TCase *tcase = pump_case(suite, "given back");

	tcase_add_loop_test(tcase, what_is_not_ours_goes_back_whole, 0, sizeof(others) / sizeof(others[0]));
	tcase_add_test(tcase, a_short_body_is_waited_for);
	tcase_add_test(tcase, a_short_body_that_does_not_come);
	tcase_add_loop_test(tcase, other_bodies_are_not_waited_for, 0, sizeof(bodies) / sizeof(bodies[0]));
	tcase_add_test(tcase, handed_over_with_what_is_not_ours);
	tcase_add_test(tcase, below_a_section_of_its_own);
	tcase_add_test(tcase, what_nobody_takes_back_is_listened_to);
	tcase_add_test(tcase, what_nobody_takes_back_ends_cleanly);
	tcase_add_test(tcase, too_long_a_head_goes_back_as_far_as_it_came);
	tcase_add_test(tcase, too_long_a_line);
	tcase_add_test(tcase, too_long_a_head);
	tcase_add_test(tcase, answers_in_front_do_not_count);
}
