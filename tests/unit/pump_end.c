/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of the pump, and its limits.
 */
#include "tests/unit/pump_peers.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "tests/unit/stored.h"
#include "tests/unit/unit.h"

/* --- the end of the pump ----------------------------------------------------------------------------------------- */

START_TEST(drained)
{
	struct peer idle = peer_on_tcp(PUMPED_GET), waiting = peer_on_tcp(GET("latest.jpg?after=7-1&wait=9000"));
	struct peer stream = peer_on_tcp(GET("stream.mjpg")), half = peer_on_tcp("GET /li");

	hear(&idle);
	hear_stream(&stream);
	hear_part(&stream);
	silent(&waiting);
	silent(&half);
	ks_pump_drain(p.pump);
	silent(&idle);
	silent(&waiting);
	silent(&stream);
	/* Whose request was on its way is answered, and who waits gets what it waits for. */
	say(&idle, PUMPED_GET PUMPED_GET);
	ck_assert_int_eq(hear_last(&idle).status, 200);
	say(&half, "ve/field/std/latest.jpg" ENDS);
	ck_assert_int_eq(hear_last(&half).status, 200);
	pumped_publish(&p, 2, 6000);
	p.now_us += p.site.spread_us;
	ck_assert_uint_eq(hear_last(&waiting).mark, 2);
	hear_part(&stream);
	ends(&stream);
	ck_assert_int_eq(pumped_take(&p, &p.site, "", 0), -1);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 4);
	peer_close(&idle);
	peer_close(&waiting);
	peer_close(&stream);
	peer_close(&half);
	all_gone();
}
END_TEST

START_TEST(drained_in_vain)
{
	struct peer idle = peer_on_tcp(""), waiting = peer_on_tcp(GET("latest.jpg?after=7-1&wait=9000"));
	struct peer soon = peer_on_tcp(GET("latest.jpg?after=7-1&wait=1000"));

	silent(&waiting);
	silent(&soon);
	ks_pump_drain(p.pump);
	ks_pump_turn(p.pump, 0);
	pumped_pass(&p, 1000 * MS + TICKS, 10 * MS);
	ck_assert_int_eq(hear_last(&soon).status, 204);
	silent(&idle);
	silent(&waiting);
	pumped_pass(&p, KS_PUMP_PART_US - 1000 * MS, 10 * MS);
	ck_assert_int_eq(hear_last(&waiting).status, 204);
	ends(&idle);
	peer_close(&idle);
	peer_close(&waiting);
	peer_close(&soon);
	all_gone();
}
END_TEST

/* Its head did not say that the connection ends. */
START_TEST(drained_while_writing)
{
	struct peer peer = slow_peer(PUMPED_GET);
	struct answer answer;

	ks_pump_drain(p.pump);
	ks_pump_turn(p.pump, 0);
	answer = hear(&peer);
	ck_assert_uint_eq(answer.len, LARGE);
	has_not(&answer, "onnection:");
	silent(&peer);
	say(&peer, PUMPED_GET);
	ck_assert_uint_eq(hear_last(&peer).len, LARGE);
	peer_close(&peer);
	all_gone();
}
END_TEST

/* More of them than are looked at in one turn, and the time of all is over when it ends. */
START_TEST(who_asks_at_the_last_moment_is_answered)
{
	enum { N = 300 };
	struct peer peers[N];

	for (int i = 0; i < N; i++)
		peers[i] = peer_with("");
	ks_pump_turn(p.pump, 0);
	ks_pump_turn(p.pump, 0);
	for (int i = 0; i < N; i++)
		say(&peers[i], GET("latest.jpg?after=7-1"));
	p.now_us += p.site.idle_us + TICKS;
	ks_pump_turn(p.pump, 0);
	for (int i = 0; i < N; i++) {
		ck_assert_int_eq(hear(&peers[i]).status, 204);
		peer_close(&peers[i]);
	}
	all_gone();
}
END_TEST

START_TEST(freed_in_the_middle)
{
	struct peer writing = slow_peer(PUMPED_GET), waiting = peer_with(GET("latest.jpg?after=7-2&wait=9000")), door;

	silent(&waiting);
	door = peer_with(PUMPED_GET);
	/* Before the peers go. */
	pumped_close(&p);
	peer_close(&writing);
	peer_close(&waiting);
	peer_close(&door);
	ck_assert_uint_eq(pumped_descriptors(), pump_descriptors);
	pumped_open(&p, unit_tmpdir());
}
END_TEST

/* With a thread, and its own clock. */
START_TEST(started_and_stopped)
{
	struct peer peer;
	struct answer answer;
	int64_t until_us = ks_mono_us(&ks_clock_system) + DEADLINE_US;

	ck_assert_int_eq(ks_pump_start(p.pump), KS_EOK);
	peer = peer_on_tcp(PUMPED_GET GET("latest.jpg?after=7-1&wait=9000"));
	while (!take_answer(&peer, false, &answer) && ks_mono_us(&ks_clock_system) < until_us) {
		usleep(1000);
		listen_to(&peer, SIZE_MAX);
	}
	ck_assert_int_eq(answer.status, 200);
	ks_pump_drain(p.pump);
	ck_assert_int_eq(stored_publish(p.writer, 7, 2, 6000), KS_EOK);
	while (!peer.ended && ks_mono_us(&ks_clock_system) < until_us) {
		usleep(1000);
		listen_to(&peer, SIZE_MAX);
	}
	ck_assert(take_answer(&peer, false, &answer));
	/* The end may come before the wait has begun. */
	ck_assert(answer.status == 204 || answer.mark == 2);
	has(&answer, "Connection: close");
	ck_assert(peer.ended && !peer.reset);
	peer_close(&peer);
}
END_TEST

/* A thread that answers what was given back may come until it ends, too. */
START_TEST(at_the_door_of_a_stopped_pump)
{
	struct peer peer = { .fd = -1 };
	int pair[2];

	ck_assert_int_eq(ks_pump_start(p.pump), KS_EOK);
	ks_pump_stop(p.pump, 0);
	ck_assert_int_eq(pumped_take(&p, &p.site, "", 0), -1);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(shutdown(pair[0], SHUT_WR), 0);
	ks_pump_linger(p.pump, pair[0], pumped_carrier(pair[0], 0));
	/* teardown() looks for the descriptor. */
	peer.fd = pair[1];
	peer_close(&peer);
}
END_TEST

/* Its way in and the end of the pump crossed. */
START_TEST(at_the_door_of_a_drained_pump)
{
	struct peer idle = peer_on_tcp(""), asking = peer_on_tcp(PUMPED_GET);

	atomic_store(&p.pump->draining, true);
	p.pump->drained = true;
	hear_last(&asking);
	pumped_pass(&p, KS_PUMP_PART_US + TICKS, 10 * MS);
	ends(&idle);
	peer_close(&idle);
	peer_close(&asking);
	all_gone();
}
END_TEST

/* httpd has answered it in the pump's stead, and meanwhile the pump began to stop. */
START_TEST(back_at_a_drained_pump)
{
	int idle[2], asking[2];
	struct peer peers[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, idle), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, asking), 0);
	ks_pump_drain(p.pump);
	ks_pump_turn(p.pump, 0);
	ck_assert(!ks_pump_take(p.pump, &p.site, idle[0], NULL, PUMPED_HOST, "", 0));
	ck_assert(ks_pump_take_back(p.pump, &p.site, idle[0], pumped_carrier(idle[0], 0), PUMPED_HOST, "", 0));
	ck_assert(ks_pump_take_back(p.pump, &p.site, asking[0], pumped_carrier(asking[0], 0), PUMPED_HOST, PUMPED_GET,
				    strlen(PUMPED_GET)));
	peers[0] = (struct peer){ .fd = idle[1] };
	peers[1] = (struct peer){ .fd = asking[1] };
	hear_last(&peers[1]);
	/* It may have been about to ask. */
	ks_pump_turn(p.pump, 0);
	say(&peers[0], PUMPED_GET);
	hear_last(&peers[0]);
	peer_close(&peers[0]);
	peer_close(&peers[1]);
	all_gone();
}
END_TEST

START_TEST(lingering_for_httpd)
{
	struct peer peers[2];

	for (int i = 0; i < 2; i++) {
		int pair[2];

		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
		ck_assert_int_eq(shutdown(pair[0], SHUT_WR), 0);
		peers[i] = (struct peer){ .fd = pair[1] };
		say(&peers[i], PUMPED_GET);
		ks_pump_linger(p.pump, pair[0], pumped_carrier(pair[0], 0));
		ends(&peers[i]);
	}
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 2);
	/* One closes, the other one has to be left. */
	peer_close(&peers[0]);
	while (ks_pump_viewers(p.pump) > 1)
		ks_pump_turn(p.pump, MS);
	pumped_pass(&p, KS_PUMP_LINGER_US + TICKS, 10 * MS);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 0);
	ck_assert_uint_eq(p.answered + p.given, 0);
	peer_close(&peers[1]);
}
END_TEST

/* --- limits ------------------------------------------------------------------------------------------------------- */

START_TEST(more_feeds_than_there_are)
{
	static struct ks_site sites[KS_PUMP_FEEDS_MAX + 1];
	static char mounts[KS_PUMP_FEEDS_MAX + 1][16];
	char text[256];

	for (size_t i = 0; i <= KS_PUMP_FEEDS_MAX; i++) {
		int fd;

		snprintf(mounts[i], sizeof(mounts[i]), "/m%zu", i);
		sites[i] = p.site;
		sites[i].mount = mounts[i];
		sites[i].mount_len = strlen(mounts[i]);
		snprintf(text, sizeof(text), "GET %s/field/std/latest.jpg" ENDS, mounts[i]);
		fd = pumped_take(&p, &sites[i], text, strlen(text));
		ck_assert_int_ge(fd, 0);
		ks_pump_turn(p.pump, 0);
		ck_assert_uint_eq(p.answered, i < KS_PUMP_FEEDS_MAX ? i + 1 : i);
		close(fd);
	}
	ck_assert_uint_eq(p.given, 1);
	all_gone();
}
END_TEST

START_TEST(the_host_has_a_limit)
{
	char host[KS_PUMP_HOST_MAX + 2];
	int pair[2];

	memset(host, 'a', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert(!ks_pump_take(p.pump, &p.site, pair[0], NULL, host, "", 0));
	ck_assert(!ks_pump_take(p.pump, &p.site, pair[0], NULL, "a", PUMPED_GET, KS_PUMP_INPUT_MAX + 1));
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 0);
	ck_assert(ks_pump_take(p.pump, &p.site, pair[0], NULL, host + 1, "", 0));
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 1);
	close(pair[1]);
}
END_TEST

#ifdef PUMPED_CARRIED
/* Who lent it may not have let go of it yet. */
START_TEST(not_closed_before_it_has_settled)
{
	int pair[2];
	size_t before = pumped_descriptors();

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert(ks_pump_take(p.pump, &p.site, pair[0], pumped_carrier(pair[0], p.now_us + KS_US_PER_S), PUMPED_HOST,
			       "", 0));
	close(pair[1]);
	pumped_pass(&p, KS_US_PER_S / 2, 100 * KS_US_PER_MS);
	ck_assert_uint_eq(ks_pump_viewers(p.pump), 1);
	ck_assert_uint_eq(pumped_descriptors(), before + 1);
	ks_pump_drain(p.pump);
	pumped_pass(&p, KS_US_PER_S, 100 * KS_US_PER_MS);
	all_gone();
	ck_assert_uint_eq(pumped_descriptors(), before);
}
END_TEST

START_TEST(lent_to_a_pump_that_stops)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ks_pump_drain(p.pump);
	ck_assert(!ks_pump_has_room(p.pump));
	ks_pump_lend(p.pump, &p.site, pair[0], pumped_carrier(pair[0], 0), PUMPED_HOST, PUMPED_GET, strlen(PUMPED_GET));
	ck_assert_uint_eq(p.given, 1);
	ck_assert_mem_eq(p.given_bytes, PUMPED_GET, strlen(PUMPED_GET));
	close(pair[1]);
}
END_TEST

START_TEST(lent_to_a_pump_that_stops_and_httpd_too)
{
	char byte;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ks_pump_drain(p.pump);
	p.refuse = true;
	ks_pump_lend(p.pump, &p.site, pair[0], pumped_carrier(pair[0], 0), PUMPED_HOST, PUMPED_GET, strlen(PUMPED_GET));
	pumped_pass(&p, KS_PUMP_LINGER_US + KS_US_PER_S, 100 * KS_US_PER_MS);
	ck_assert_int_eq(recv(pair[1], &byte, 1, MSG_DONTWAIT), 0);
	close(pair[1]);
	all_gone();
}
END_TEST
#endif

/* An operator who starts over. */
START_TEST(a_store_made_anew)
{
	static const struct ks_store_shape shape = { 16, KS_STORE_BYTES_DEFAULT };
	struct peer peer = peer_with(GET("latest.jpg?after=7-1&wait=9000"));
	char path[4200];

	silent(&peer);
	ks_store_writer_close(p.writer);
	snprintf(path, sizeof(path), "%s/" STORED_CHANNEL "." STORED_RENDITION ".frames", p.dir);
	ck_assert_int_eq(unlink(path), 0);
	pumped_pass(&p, 2 * S, 10 * MS);
	silent(&peer);
	ck_assert_int_eq(ks_store_writer_open(&p.writer, p.dir, STORED_CHANNEL, STORED_RENDITION, &shape, &p.clock),
			 KS_EOK);
	ck_assert_int_eq(stored_publish(p.writer, 7, 2, 5000), KS_EOK);
	pumped_pass(&p, 2 * S, 10 * MS);
	pumped_seen(&p, 2);
	ck_assert_uint_eq(hear(&peer).mark, 2);
	peer_close(&peer);
}
END_TEST

#define IDLE 10000
#define BYTES_PER_IDLE 512

static bool malloc_is_replaced(void)
{
	void *probe = malloc(100000);
	bool replaced = mallinfo2().uordblks < 100000;

	free(probe);
	return replaced;
}

static size_t in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

START_TEST(memory_of_idle_viewers)
{
	static int fds[IDLE];
	size_t n = as_many_as(IDLE), before;
	char bytes[8192];

	if (malloc_is_replaced())
		unit_skip("a sanitizer's malloc does not tell what is in use");
	if (n == 0)
		unit_skip("10000 viewers need more descriptors than `ulimit -n` allows");
	/* The feed, and what else the first costs. */
	fds[0] = pumped_take(&p, &p.site, PUMPED_GET, strlen(PUMPED_GET));
	ks_pump_turn(p.pump, 0);
	before = in_use();
	for (size_t i = 1; i < n; i++) {
		fds[i] = pumped_take(&p, &p.site, PUMPED_GET, strlen(PUMPED_GET));
		ck_assert_int_ge(fds[i], 0);
		ks_pump_turn(p.pump, 0);
	}
	ck_assert_uint_eq(p.answered, n);
	ck_assert_msg(in_use() - before <= (n - 1) * BYTES_PER_IDLE, "%zu bytes for each of %zu",
		      (in_use() - before) / (n - 1), n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_gt(recv(fds[i], bytes, sizeof(bytes), 0), 5000);
		close(fds[i]);
	}
	all_gone();
}
END_TEST

void pump_end(Suite *suite)
{
	TCase *tcase = pump_case(suite, "limits");

	tcase_add_test(tcase, drained);
	tcase_add_test(tcase, drained_in_vain);
	tcase_add_test(tcase, drained_while_writing);
	tcase_add_test(tcase, who_asks_at_the_last_moment_is_answered);
	tcase_add_test(tcase, freed_in_the_middle);
	tcase_add_test(tcase, started_and_stopped);
	tcase_add_test(tcase, at_the_door_of_a_stopped_pump);
	tcase_add_test(tcase, at_the_door_of_a_drained_pump);
	tcase_add_test(tcase, back_at_a_drained_pump);
	tcase_add_test(tcase, lingering_for_httpd);
	tcase_add_test(tcase, more_feeds_than_there_are);
	tcase_add_test(tcase, the_host_has_a_limit);
#ifdef PUMPED_CARRIED
	tcase_add_test(tcase, not_closed_before_it_has_settled);
	tcase_add_test(tcase, lent_to_a_pump_that_stops);
	tcase_add_test(tcase, lent_to_a_pump_that_stops_and_httpd_too);
#endif
	tcase_add_test(tcase, a_store_made_anew);
	tcase_add_test(tcase, memory_of_idle_viewers);
}
