/* SPDX-License-Identifier: Apache-2.0
 *
 * Nodes over real sockets: others die, come back and are dialled anew; lists and keys change while frames flow.
 */
#include "lib/wire/node.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/wire/receiver.h"
#include "lib/wire/sender.h"
#include "tests/unit/boxes.h"

START_TEST(a_dead_relay_hurts_nobody)
{
	char alive[ADDRESS_MAX], dead[ADDRESS_MAX];
	struct box parent = box_new(), relay = box_new(), late = box_new();
	struct ks_node_relay relays[2];
	const char *line;

	loopback(alive, AF_INET);
	loopback(dead, AF_INET);
	unit_log_start();
	box_start_pushed(&parent, &relay, alive, alive);
	relays[0] = relay_at(alive);
	relays[1] = relay_at(dead);
	relays[1].name = "late-one";
	ck_assert_int_eq(ks_node_set_relays(parent.node, relays, 2), KS_EOK);
	for (uint32_t seq = 1; seq <= 5; seq++)
		box_expect_frame(&parent, &relay, seq, 20000);
	line = strstr(unit_log_text(), "late-one");
	ck_assert_ptr_nonnull(line);
	ck_assert_ptr_nonnull(strstr(line, dead));
	ck_assert_ptr_null(strstr(line + 1, "late-one"));

	box_start(&late, false, true);
	ck_assert_int_eq(ks_node_set_keys(late.node, &boxes_key, 1), KS_EOK);
	box_listen(&late, dead);
	run_until(got_one, &late);	/* without a new frame */
	ck_assert_uint_eq(late.len, relay.len);
	ck_assert_mem_eq(late.bytes, relay.bytes, relay.len);
	box_end(&parent);
	box_end(&relay);
	box_end(&late);
}
END_TEST

START_TEST(recovers_from_a_restarted_relay)
{
	char address[ADDRESS_MAX];
	struct box parent = box_new(), relay = box_new();

	loopback(address, AF_INET);
	box_start_pushed(&parent, &relay, address, address);
	box_expect_frame(&parent, &relay, 1, ANY_FRAME);
	box_stop(&relay);
	run_until(has_no_relay, &parent);
	relay.n = 0;
	box_start(&relay, false, true);
	ck_assert_int_eq(ks_node_set_keys(relay.node, &boxes_key, 1), KS_EOK);
	box_listen(&relay, address);
	run_until(got_one, &relay);
	box_expect_frame(&parent, &relay, 2, ANY_FRAME);
	box_end(&parent);
	box_end(&relay);
}
END_TEST

START_TEST(recovers_from_a_restarted_parent)
{
	char address[ADDRESS_MAX];
	struct box parent = box_new(), relay = box_new();

	loopback(address, AF_INET);
	box_start_subscribed(&parent, &relay, address, address);
	box_expect_frame(&parent, &relay, 1, ANY_FRAME);
	box_stop(&parent);
	run_until(has_no_parent, &relay);
	box_start_parent(&parent, address);
	run_until(has_relay, &parent);
	box_expect_frame(&parent, &relay, 2, ANY_FRAME);
	box_end(&relay);
	box_end(&parent);
}
END_TEST

/* Who goes says so: the other side knows long before its timers would tell it. */
START_TEST(says_goodbye)
{
	char address[ADDRESS_MAX];
	struct box parent = box_new(), relay = box_new();

	_Static_assert(SOON_US < KS_IDLE_US && SOON_US < KS_LEASE_US, "a timer is not what ends these sessions");
	loopback(address, AF_INET);
	box_start_subscribed(&parent, &relay, address, address);
	box_end(&parent);
	run_within(SOON_US, has_no_parent, &relay);
	box_end(&relay);

	parent = box_new();
	relay = box_new();
	box_start_subscribed(&parent, &relay, address, address);
	box_end(&relay);
	run_within(SOON_US, has_no_relay, &parent);
	box_end(&parent);
}
END_TEST

/* How often a session began or ended, as the parent's log tells. */
static unsigned session_changes(void)
{
	static const char *const says[] = { "session set up", "session ends", "ended the session" };
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++)
		for (const char *at = unit_log_text(); (at = strstr(at, says[i])) != NULL; at++)
			n++;
	return n;
}

START_TEST(a_new_list_keeps_sessions)
{
	char first[ADDRESS_MAX], second[ADDRESS_MAX];
	struct box parent = box_new(), relay = box_new(), other = box_new();
	struct ks_node_relay relays[2];
	struct ks_psk keys[2];

	loopback(first, AF_INET);
	loopback(second, AF_INET);
	unit_log_start();
	box_start_pushed(&parent, &relay, first, first);
	box_expect_frame(&parent, &relay, 1, ANY_FRAME);
	ck_assert_uint_eq(session_changes(), 1);
	unit_log_start();

	/* One more relay, and another key for the first. */
	keys[0] = boxes_key;
	ks_psk_make(&keys[1], "relay-1");
	ck_assert_int_eq(ks_node_set_keys(relay.node, keys, 2), KS_EOK);
	relays[1] = relay_at(first);
	relays[1].key = keys[1];
	relays[0] = relay_at(second);
	ck_assert_int_eq(ks_node_set_relays(parent.node, relays, 2), KS_EOK);
	ck_assert_uint_eq(ks_node_connected(parent.node), 1);
	box_expect_frame(&parent, &relay, 2, ANY_FRAME);
	ck_assert_uint_eq(session_changes(), 0);

	/* The other one comes, the first one goes. */
	box_start(&other, false, true);
	ck_assert_int_eq(ks_node_set_keys(other.node, keys, 1), KS_EOK);
	box_listen(&other, second);
	run_until(got_one, &other);
	ck_assert_int_eq(ks_node_set_relays(parent.node, relays, 1), KS_EOK);
	run_within(SOON_US, has_no_parent, &relay);
	ck_assert_uint_eq(ks_node_connected(parent.node), 1);
	box_expect_frame(&parent, &other, 3, ANY_FRAME);
	box_end(&parent);
	box_end(&relay);
	box_end(&other);
}
END_TEST

START_TEST(a_new_list_keeps_parents)
{
	char address[ADDRESS_MAX], second[ADDRESS_MAX];
	struct box parent = box_new(), relay = box_new();
	struct ks_node_parent parents[2];

	loopback(address, AF_INET);
	loopback(second, AF_INET);
	box_start_subscribed(&parent, &relay, address, address);
	parents[1] = parent_at(address, "relay-1");
	parents[0] = parent_at(second, "relay-1");
	parents[0].name = "other";
	ck_assert_int_eq(ks_node_set_parents(relay.node, parents, 2), KS_EOK);
	ck_assert_uint_eq(ks_node_parents(relay.node), 1);
	box_expect_frame(&parent, &relay, 1, ANY_FRAME);
	ck_assert_int_eq(ks_node_set_parents(relay.node, parents, 1), KS_EOK);
	run_within(SOON_US, has_no_relay, &parent);
	ck_assert_uint_eq(ks_node_parents(relay.node), 0);
	box_end(&relay);
	box_end(&parent);
}
END_TEST

/* First the relay accepts the new key too, then the parent uses it, then the relay forgets the old one. */
START_TEST(a_new_key_loses_no_frame)
{
	char address[ADDRESS_MAX];
	struct box parent = box_new(), relay = box_new();
	struct ks_node_relay told;
	struct ks_psk keys[2];

	loopback(address, AF_INET);
	box_start_pushed(&parent, &relay, address, address);
	keys[0] = boxes_key;
	ks_psk_make(&keys[1], "relay-1");
	box_expect_frame(&parent, &relay, 1, ANY_FRAME);
	ck_assert_int_eq(ks_node_set_keys(relay.node, keys, 2), KS_EOK);
	box_expect_frame(&parent, &relay, 2, ANY_FRAME);
	told = relay_at(address);
	told.key = keys[1];
	ck_assert_int_eq(ks_node_set_relays(parent.node, &told, 1), KS_EOK);
	box_expect_frame(&parent, &relay, 3, ANY_FRAME);
	/* The session that began with it ends; the frame goes in the one that follows. */
	ck_assert_int_eq(ks_node_set_keys(relay.node, &keys[1], 1), KS_EOK);
	box_expect_frame(&parent, &relay, 4, ANY_FRAME);
	ck_assert_uint_eq(relay.n, 1);
	box_end(&parent);
	box_end(&relay);
}
END_TEST

START_TEST(drops_a_revoked_relay)
{
	static const char *const revoked[] = { "relay-1" };
	char address[ADDRESS_MAX];
	struct box parent = box_new(), relay = box_new();

	loopback(address, AF_INET);
	box_start_subscribed(&parent, &relay, address, address);
	ck_assert_int_eq(ks_node_set_masters(parent.node, &boxes_master, 1, revoked, 1), KS_EOK);
	ck_assert_uint_eq(ks_node_relays(parent.node), 0);
	run_within(SOON_US, has_no_parent, &relay);
	box_end(&relay);
	box_end(&parent);
}
END_TEST

/* Somebody who takes datagrams and never answers. */
struct mute {
	int fd;
	in_port_t last;
	unsigned sockets;
};

static bool was_dialled_anew(void *ctx)
{
	struct mute *mute = ctx;
	struct sockaddr_in from = { 0 };
	socklen_t len = sizeof(from);
	uint8_t bytes[KS_DATAGRAM_MAX];

	while (recvfrom(mute->fd, bytes, sizeof(bytes), MSG_DONTWAIT, (struct sockaddr *)&from, &len) > 0) {
		if (from.sin_port != mute->last)
			mute->sockets++;
		mute->last = from.sin_port;
	}
	return mute->sockets >= 2;
}

START_TEST(dials_anew_after_silence)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(here);
	struct mute mute = { .fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
	struct box parent = box_new(), relay = box_new();
	char address[ADDRESS_MAX];

	ck_assert_int_eq(bind(mute.fd, (struct sockaddr *)&here, len), 0);
	ck_assert_int_eq(getsockname(mute.fd, (struct sockaddr *)&here, &len), 0);
	snprintf(address, sizeof(address), "127.0.0.1:%u", ntohs(here.sin_port));
	box_start(&parent, true, false);
	box_tell_relay(&parent, address);
	run_until(was_dialled_anew, &mute);
	box_end(&parent);

	mute.last = 0;
	mute.sockets = 0;
	box_start(&relay, false, true);
	box_tell_parent(&relay, address, "relay-1");
	run_until(was_dialled_anew, &mute);
	box_end(&relay);
	close(mute.fd);
}
END_TEST

static Suite *node_life_suite(void)
{
	Suite *suite = suite_create("node_life");
	TCase *tc = tcase_create("node_life");

	tcase_add_checked_fixture(tc, boxes_setup, boxes_teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, a_dead_relay_hurts_nobody);
	tcase_add_test(tc, recovers_from_a_restarted_relay);
	tcase_add_test(tc, recovers_from_a_restarted_parent);
	tcase_add_test(tc, says_goodbye);
	tcase_add_test(tc, a_new_list_keeps_sessions);
	tcase_add_test(tc, a_new_list_keeps_parents);
	tcase_add_test(tc, a_new_key_loses_no_frame);
	tcase_add_test(tc, drops_a_revoked_relay);
	tcase_add_test(tc, dials_anew_after_silence);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return unit_run(node_life_suite());
}
