/* SPDX-License-Identifier: Apache-2.0
 *
 * Nodes over real sockets: the ways that frames go, names, and what is refused.
 */
#include "lib/wire/node.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/wire/address.h"
#include "lib/wire/receiver.h"
#include "lib/wire/sender.h"
#include "tests/unit/boxes.h"
#include "tests/unit/network.h"

static void check_push(const char *listen, const char *address)
{
	struct box parent = box_new(), relay = box_new();

	box_start_pushed(&parent, &relay, listen, address);
	box_expect_frames(&parent, &relay);
	ck_assert_uint_eq(relay.hops, 0);
	box_end(&parent);
	box_end(&relay);
}

static void check_subscribe(const char *listen, const char *address)
{
	struct box parent = box_new(), relay = box_new();

	box_start_subscribed(&parent, &relay, listen, address);
	box_expect_frames(&parent, &relay);
	ck_assert_uint_eq(ks_node_connected(parent.node), 0);	/* it was told of nobody */
	box_end(&relay);
	box_end(&parent);
}

static void check_both(const char *listen, const char *address)
{
	check_push(listen, address);
	check_subscribe(listen, address);
}

START_TEST(delivers_over_ipv4)
{
	char address[ADDRESS_MAX];

	loopback(address, AF_INET);
	check_both(address, address);
}
END_TEST

/* A node on all addresses answers from the one that was asked, which is not the one the kernel would choose. */
START_TEST(answers_from_the_address_asked)
{
	char listen[ADDRESS_MAX], address[ADDRESS_MAX];
	uint16_t port = free_port(AF_INET);

	snprintf(listen, sizeof(listen), "0.0.0.0:%u", port);
	snprintf(address, sizeof(address), "127.0.0.2:%u", port);
	check_both(listen, address);
}
END_TEST

START_TEST(delivers_over_ipv6)
{
	char listen[ADDRESS_MAX], address[ADDRESS_MAX];
	uint16_t port = free_port(AF_INET6);

	if (port == 0)
		unit_skip("this machine has no IPv6");
	snprintf(listen, sizeof(listen), "[::]:%u", port);
	snprintf(address, sizeof(address), "[::1]:%u", port);
	check_both(listen, address);
}
END_TEST

/* "fe80::1%eth0", or nothing. */
static void link_local(char *text, size_t size)
{
	struct ifaddrs *all = NULL;
	char number[INET6_ADDRSTRLEN];

	text[0] = '\0';
	if (getifaddrs(&all) != 0)
		return;
	for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)i->ifa_addr;

		if (v6 == NULL || v6->sin6_family != AF_INET6 || !IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) ||
		    (i->ifa_flags & IFF_RUNNING) == 0)
			continue;
		inet_ntop(AF_INET6, &v6->sin6_addr, number, sizeof(number));
		snprintf(text, size, "%s%%%s", number, i->ifa_name);
	}
	freeifaddrs(all);
}

START_TEST(delivers_over_link_local_addresses)
{
	char listen[ADDRESS_MAX], address[ADDRESS_MAX], host[ADDRESS_MAX - 8];
	uint16_t port = free_port(AF_INET6);

	link_local(host, sizeof(host));
	if (port == 0 || host[0] == '\0')
		unit_skip("no interface of this machine has a link-local address");
	snprintf(listen, sizeof(listen), "[::]:%u", port);
	snprintf(address, sizeof(address), "[%s]:%u", host, port);
	check_both(listen, address);
}
END_TEST

/* Datagrams of the usual length do not fit: they are never cut into fragments, and shorter ones are found. */
START_TEST(delivers_over_a_narrow_path)
{
	char address[ADDRESS_MAX];

	if (!network_own(1000))
		unit_skip("a network namespace cannot be made");
	loopback(address, AF_INET);
	check_both(address, address);
}
END_TEST

/* One socket, both halves: from the source by push, to the leaf by subscription. */
START_TEST(passes_frames_on)
{
	char address[ADDRESS_MAX];
	struct box source = box_new(), middle = box_new(), leaf = box_new();

	loopback(address, AF_INET);
	box_start(&middle, true, true);
	middle.forwards = true;
	ck_assert_int_eq(ks_node_set_keys(middle.node, &boxes_key, 1), KS_EOK);
	ck_assert_int_eq(ks_node_set_masters(middle.node, &boxes_master, 1, NULL, 0), KS_EOK);
	box_listen(&middle, address);
	box_start(&source, true, false);
	box_tell_relay(&source, address);
	box_start(&leaf, false, true);
	box_tell_parent(&leaf, address, "leaf");
	run_until(is_connected, &source);
	run_until(has_relay, &middle);
	box_expect_frame(&source, &leaf, 1, ANY_FRAME);
	ck_assert_uint_eq(leaf.hops, 1);
	ck_assert_uint_eq(middle.n, 1);
	box_end(&leaf);
	box_end(&middle);
	box_end(&source);
}
END_TEST

/* A path without a way back: the parent says what it has to say, and never hears a word. */
START_TEST(sends_blindly)
{
	char address[ADDRESS_MAX];
	struct box parent = box_new(), relay = box_new();
	struct ks_node_relay told;

	loopback(address, AF_INET);
	box_start(&relay, false, true);
	ck_assert_int_eq(ks_node_set_keys(relay.node, &boxes_key, 1), KS_EOK);
	box_listen(&relay, address);
	box_start(&parent, true, false);
	told = relay_at(address);
	told.blind = true;
	ck_assert_int_eq(ks_node_set_relays(parent.node, &told, 1), KS_EOK);
	run_until(has_parent, &relay);
	box_expect_frame(&parent, &relay, 1, ANY_FRAME);
	box_end(&parent);
	box_end(&relay);
}
END_TEST

static bool heard_head(void *box)
{
	return ((struct box *)box)->heads > 0;
}

START_TEST(tells_parents_what_is_newest)
{
	char address[ADDRESS_MAX];
	struct box parent = box_new(), relay = box_new();
	uint8_t manifest[KS_HEAD_BODY];

	loopback(address, AF_INET);
	box_start_subscribed(&parent, &relay, address, address);
	randombytes_buf(manifest, sizeof(manifest));
	ks_node_head(relay.node, manifest);
	run_until(heard_head, &parent);
	ck_assert_mem_eq(parent.head, manifest, sizeof(manifest));
	box_end(&relay);
	box_end(&parent);
}
END_TEST

static bool resolves(const char *name, int family)
{
	const struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_DGRAM };
	struct addrinfo *found = NULL;
	bool known = getaddrinfo(name, NULL, &hints, &found) == 0;

	if (known)
		freeaddrinfo(found);
	return known;
}

START_TEST(looks_names_up)
{
	char listen[ADDRESS_MAX], address[ADDRESS_MAX];
	uint16_t port = free_port(AF_INET);
	struct box parent = box_new(), relay = box_new();

	if (!resolves("localhost", AF_UNSPEC))
		unit_skip("this machine does not know the name localhost");
	snprintf(address, sizeof(address), "localhost:%u", port);
	snprintf(listen, sizeof(listen), "127.0.0.1:%u", port);
	box_start(&relay, false, true);
	ck_assert_int_eq(ks_node_set_keys(relay.node, &boxes_key, 1), KS_EOK);
	/* The name may have two addresses: then the one where nobody listens may come first, and the dial moves on. */
	box_listen(&relay, listen);
	box_start(&parent, true, false);
	box_tell_relay(&parent, address);
	run_until(is_connected, &parent);
	box_expect_frame(&parent, &relay, 1, ANY_FRAME);
	box_end(&parent);
	box_end(&relay);
}
END_TEST

START_TEST(goes_on_without_a_name)
{
	struct box parent = box_new();
	const struct ks_node_relay relay = relay_at("no-such-relay.invalid:7510");

	unit_log_start();
	box_start(&parent, true, false);
	ck_assert_int_eq(ks_node_set_relays(parent.node, &relay, 1), KS_EOK);
	ck_assert_uint_eq(ks_node_connected(parent.node), 0);
	box_end(&parent);
}
END_TEST

/* One relay is dead; the other gets its frames, the dead one is named once, and comes to life later. */
START_TEST(refuses_what_is_no_address)
{
	static const char *const bad[] = { "", ":", "relay", "relay:", ":5500", "relay:0", "relay:65536", "relay:55x",
					   "127.0.0.1", "::1", "[::1]", "[::1]:0", "::1:5500:", "a b:5500",
					   "[relay]:5500", "[::ffff:127.0.0.1]:5500" };
	char address[ADDRESS_MAX];
	struct box parent = box_new(), relay = box_new();

	loopback(address, AF_INET);
	box_start_pushed(&parent, &relay, address, address);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct ks_node_relay relays[] = { relay_at(address), relay_at(bad[i]) };
		const struct ks_node_parent wrong = parent_at(bad[i], "relay-1");

		unit_log_start();
		ck_assert_msg(ks_peer_expected(bad[i]) != NULL, "'%s' passes for a setting", bad[i]);
		ck_assert_msg(ks_node_set_relays(parent.node, relays, 2) == KS_EMALFORMED, "'%s' was taken", bad[i]);
		ck_assert_ptr_nonnull(strstr(unit_log_text(), "relay relay-1: expected an address"));
		ck_assert_int_eq(ks_node_set_parents(relay.node, &wrong, 1), KS_EMALFORMED);
		ck_assert_ptr_nonnull(strstr(unit_log_text(), "parent parent: expected an address"));
	}
	/* The list of before is still the one in force. */
	ck_assert_uint_eq(ks_node_connected(parent.node), 1);
	box_expect_frame(&parent, &relay, 1, ANY_FRAME);
	box_end(&parent);
	box_end(&relay);
}
END_TEST

START_TEST(refuses_lists_that_cannot_be)
{
	const struct ks_node_relay twice[] = { relay_at("127.0.0.1:9"), relay_at("127.0.0.1:9") };
	struct ks_node_parent parents[KS_PARENTS_MAX + 1];
	char addresses[KS_PARENTS_MAX + 1][ADDRESS_MAX];
	struct box parent = box_new(), relay = box_new();

	box_start(&parent, true, false);
	unit_log_start();
	ck_assert_int_eq(ks_node_set_relays(parent.node, twice, 2), KS_ECONFIG);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "given twice"));
	box_start(&relay, false, true);
	for (size_t i = 0; i <= KS_PARENTS_MAX; i++) {
		snprintf(addresses[i], ADDRESS_MAX, "127.0.0.1:%zu", 9 + i);
		parents[i] = parent_at(addresses[i], "relay-1");
	}
	ck_assert_int_eq(ks_node_set_parents(relay.node, parents, KS_PARENTS_MAX + 1), KS_ELIMIT);
	ck_assert_int_eq(ks_node_set_parents(relay.node, parents, KS_PARENTS_MAX), KS_EOK);
	ck_assert_int_eq(ks_node_set_relays(relay.node, twice, 1), -ENOTSUP);	/* it does not send */
	box_end(&parent);
	box_end(&relay);
}
END_TEST

START_TEST(says_which_port_is_taken)
{
	static const char *const bad[] = { "localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]:7510" };
	char address[ADDRESS_MAX];
	struct box relay = box_new();

	loopback(address, AF_INET);
	box_start(&relay, false, true);
	box_listen(&relay, address);
	unit_log_start();
	ck_assert_int_eq(ks_node_listen(relay.node, address), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), address));
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "--listen"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(ks_listen_expected(bad[i]) != NULL, "'%s' passes for a setting", bad[i]);
		ck_assert_int_eq(ks_node_listen(relay.node, bad[i]), KS_ECONFIG);
	}
	box_end(&relay);
}
END_TEST

/* Each family once, whichever half counts it. */
static void check_families(const char *text)
{
	char name[128];

	for (const char *at = text; (at = strstr(at, "# TYPE ")) != NULL; at++) {
		ck_assert_int_eq(sscanf(at, "# TYPE %110s", name), 1);
		strcat(name, " ");
		ck_assert_msg(strstr(strstr(at, name) + 1, name) == NULL ||
			      strncmp(strstr(strstr(at, name) + 1, name) - 7, "# TYPE ", 7) != 0,
			      "%s stands twice", name);
	}
}

START_TEST(puts_metrics_out)
{
	char *text = NULL, address[ADDRESS_MAX];
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct box node = box_new();

	loopback(address, AF_INET);
	box_start(&node, true, true);
	box_listen(&node, address);
	box_tell_relay(&node, "127.0.0.1:9");
	ks_node_metrics(node.node, out);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_ptr_nonnull(strstr(text, "koshien_wire_connected{relay=\"relay-1\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(text, "koshien_wire_drops_total{reason=\"tag\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(text, "koshien_wire_sockets 2\n"));
	ck_assert_ptr_nonnull(strstr(text, "koshien_wire_receive_overflows_total 0\n"));
	check_families(text);
	free(text);
	box_end(&node);
}
END_TEST

static Suite *node_suite(void)
{
	Suite *suite = suite_create("node");
	TCase *tc = tcase_create("node");

	tcase_add_checked_fixture(tc, boxes_setup, boxes_teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, delivers_over_ipv4);
	tcase_add_test(tc, answers_from_the_address_asked);
	tcase_add_test(tc, delivers_over_ipv6);
	tcase_add_test(tc, delivers_over_link_local_addresses);
	tcase_add_test(tc, delivers_over_a_narrow_path);
	tcase_add_test(tc, passes_frames_on);
	tcase_add_test(tc, sends_blindly);
	tcase_add_test(tc, tells_parents_what_is_newest);
	tcase_add_test(tc, looks_names_up);
	tcase_add_test(tc, goes_on_without_a_name);
	tcase_add_test(tc, refuses_what_is_no_address);
	tcase_add_test(tc, refuses_lists_that_cannot_be);
	tcase_add_test(tc, says_which_port_is_taken);
	tcase_add_test(tc, puts_metrics_out);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return unit_run(node_suite());
}
