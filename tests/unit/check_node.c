/* SPDX-License-Identifier: Apache-2.0
 *
 * Nodes over real sockets of this machine.
 */
#include "lib/wire/node.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <sodium.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/wire/address.h"
#include "lib/wire/receiver.h"
#include "lib/wire/sender.h"
#include "tests/unit/network.h"
#include "tests/unit/unit.h"

#define DEADLINE_US (20 * KS_US_PER_S)
#define SOON_US (2 * KS_US_PER_S)	/* what a goodbye takes, and no timer */
#define ADDRESS_MAX 80
#define ANY_FRAME 50000

/* A node, what it got, and, if it passes things on, where. */
struct box {
	struct ks_node *node;
	uint8_t *bytes;
	size_t len;
	unsigned n;
	uint8_t hops;
	bool forwards;
	unsigned heads;
	uint8_t head[KS_HEAD_BODY];
};

static struct event_base *base;
static struct ks_psk key;
static struct ks_master master;

static void setup(void)
{
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	ks_psk_make(&key, "relay-1");
	randombytes_buf(&master, sizeof(master));
}

static void teardown(void)
{
	event_base_free(base);
}

/* The wire does not look into what it carries. */
static struct ks_frame frame_of(const uint8_t *bytes, size_t len, uint32_t seq)
{
	return (struct ks_frame){ { .channel = "main", .rendition = "std", .id = { 16, seq }, .period_ms = 100 },
				  bytes, len };
}

static bool receive(void *ctx, const uint8_t *bytes, size_t len, uint8_t hops)
{
	struct box *box = ctx;
	struct ks_frame frame;

	box->bytes = realloc(box->bytes, len);
	ck_assert_ptr_nonnull(box->bytes);
	memcpy(box->bytes, bytes, len);
	box->len = len;
	box->hops = hops;
	box->n++;
	if (box->forwards) {
		frame = frame_of(bytes, len, box->n);
		ck_assert_int_eq(ks_node_frame(box->node, &frame, (uint8_t)(hops + 1)), KS_EOK);
	}
	return true;
}

static void hear(void *ctx, const uint8_t manifest[KS_HEAD_BODY])
{
	struct box *box = ctx;

	memcpy(box->head, manifest, sizeof(box->head));
	box->heads++;
}

static struct box new_box(void)
{
	return (struct box){ 0 };
}

/* The box must not move from here on. */
static void start(struct box *box, bool sends, bool receives)
{
	const struct ks_node_settings settings = { .sends = sends, .receives = receives, .nack = true,
						   .datagram = KS_DATAGRAM_DEFAULT,
						   .loss_ppm = KS_LOSS_DEFAULT_PPM };
	const struct ks_node_ops ops = { receive, hear, box };

	ck_assert_int_eq(ks_node_new(&box->node, base, &settings, &ops), KS_EOK);
}

static void stop(struct box *box)
{
	ks_node_free(box->node);
	box->node = NULL;
}

static void end(struct box *box)
{
	stop(box);
	free(box->bytes);
}

static void listen_on(struct box *box, const char *address)
{
	ck_assert_int_eq(ks_node_listen(box->node, address), KS_EOK);
}

/* A port that was free a moment ago; 0 when the machine has no such address family. */
static uint16_t free_port(int family)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr *addr = family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	socklen_t len = family == AF_INET ? sizeof(v4) : sizeof(v6);
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint16_t port = 0;

	if (fd >= 0 && bind(fd, addr, len) == 0 && getsockname(fd, addr, &len) == 0)
		port = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
	if (fd >= 0)
		close(fd);
	return port;
}

static void loopback(char address[ADDRESS_MAX], int family)
{
	uint16_t port = free_port(family);

	snprintf(address, ADDRESS_MAX, family == AF_INET ? "127.0.0.1:%u" : "[::1]:%u", port);
}

static void run_within(int64_t limit_us, bool (*done)(void *ctx), void *ctx)
{
	int64_t end_us = ks_mono_us(&ks_clock_system) + limit_us;
	const struct timeval tick = { 0, 5000 };

	while (!done(ctx)) {
		ck_assert_msg(ks_mono_us(&ks_clock_system) < end_us, "nothing happened in time");
		event_base_loopexit(base, &tick);
		event_base_dispatch(base);
	}
}

static void run_until(bool (*done)(void *ctx), void *ctx)
{
	run_within(DEADLINE_US, done, ctx);
}

static bool got_one(void *box)
{
	return ((struct box *)box)->n > 0;
}

static bool is_connected(void *box)
{
	return ks_node_connected(((struct box *)box)->node) == 1;
}

static bool has_no_relay(void *box)
{
	return ks_node_relays(((struct box *)box)->node) == 0;
}

static bool has_relay(void *box)
{
	return ks_node_relays(((struct box *)box)->node) == 1;
}

static bool has_parent(void *box)
{
	return ks_node_parents(((struct box *)box)->node) == 1;
}

static bool has_no_parent(void *box)
{
	return ks_node_parents(((struct box *)box)->node) == 0;
}

static struct ks_node_relay relay_at(const char *address)
{
	return (struct ks_node_relay){ "relay-1", address, key, false };
}

static void tell_relay(struct box *box, const char *address)
{
	const struct ks_node_relay relay = relay_at(address);

	ck_assert_int_eq(ks_node_set_relays(box->node, &relay, 1), KS_EOK);
}

static struct ks_node_parent parent_at(const char *address, const char *name)
{
	struct ks_node_parent parent = { .name = "parent", .address = address, .n_keys = 1 };

	ks_psk_derive(&parent.keys[0], &master, name);
	return parent;
}

static void tell_parent(struct box *box, const char *address, const char *name)
{
	const struct ks_node_parent parent = parent_at(address, name);

	ck_assert_int_eq(ks_node_set_parents(box->node, &parent, 1), KS_EOK);
}

/* A parent that sends by being told of a relay, and a relay that has its key. */
static void start_pushed(struct box *parent, struct box *relay, const char *listen, const char *address)
{
	start(relay, false, true);
	ck_assert_int_eq(ks_node_set_keys(relay->node, &key, 1), KS_EOK);
	listen_on(relay, listen);
	start(parent, true, false);
	tell_relay(parent, address);
	run_until(is_connected, parent);
}

/* A parent that relays come to, and a relay that does. */
static void start_parent(struct box *parent, const char *listen)
{
	start(parent, true, false);
	ck_assert_int_eq(ks_node_set_masters(parent->node, &master, 1, NULL, 0), KS_EOK);
	listen_on(parent, listen);
}

static void start_subscribed(struct box *parent, struct box *relay, const char *listen, const char *address)
{
	start_parent(parent, listen);
	start(relay, false, true);
	tell_parent(relay, address, "relay-1");
	run_until(has_relay, parent);
	run_until(has_parent, relay);
}

static void expect_frame(struct box *from, struct box *to, uint32_t seq, size_t len)
{
	uint8_t *bytes = malloc(len);
	const struct ks_frame frame = frame_of(bytes, len, seq);

	ck_assert_ptr_nonnull(bytes);
	randombytes_buf(bytes, len);
	to->n = 0;
	ck_assert_int_eq(ks_node_frame(from->node, &frame, 0), KS_EOK);
	run_until(got_one, to);
	ck_assert_uint_eq(to->len, len);
	ck_assert_mem_eq(to->bytes, bytes, len);
	free(bytes);
}

static void expect_frames(struct box *from, struct box *to)
{
	expect_frame(from, to, 1, 1);
	expect_frame(from, to, 2, 100000);
	expect_frame(from, to, 3, KS_FRAME_MAX);
}

static void check_push(const char *listen, const char *address)
{
	struct box parent = new_box(), relay = new_box();

	start_pushed(&parent, &relay, listen, address);
	expect_frames(&parent, &relay);
	ck_assert_uint_eq(relay.hops, 0);
	end(&parent);
	end(&relay);
}

static void check_subscribe(const char *listen, const char *address)
{
	struct box parent = new_box(), relay = new_box();

	start_subscribed(&parent, &relay, listen, address);
	expect_frames(&parent, &relay);
	ck_assert_uint_eq(ks_node_connected(parent.node), 0);	/* it was told of nobody */
	end(&relay);
	end(&parent);
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
	struct box source = new_box(), middle = new_box(), leaf = new_box();

	loopback(address, AF_INET);
	start(&middle, true, true);
	middle.forwards = true;
	ck_assert_int_eq(ks_node_set_keys(middle.node, &key, 1), KS_EOK);
	ck_assert_int_eq(ks_node_set_masters(middle.node, &master, 1, NULL, 0), KS_EOK);
	listen_on(&middle, address);
	start(&source, true, false);
	tell_relay(&source, address);
	start(&leaf, false, true);
	tell_parent(&leaf, address, "leaf");
	run_until(is_connected, &source);
	run_until(has_relay, &middle);
	expect_frame(&source, &leaf, 1, ANY_FRAME);
	ck_assert_uint_eq(leaf.hops, 1);
	ck_assert_uint_eq(middle.n, 1);
	end(&leaf);
	end(&middle);
	end(&source);
}
END_TEST

/* A path without a way back: the parent says what it has to say, and never hears a word. */
START_TEST(sends_blindly)
{
	char address[ADDRESS_MAX];
	struct box parent = new_box(), relay = new_box();
	struct ks_node_relay told;

	loopback(address, AF_INET);
	start(&relay, false, true);
	ck_assert_int_eq(ks_node_set_keys(relay.node, &key, 1), KS_EOK);
	listen_on(&relay, address);
	start(&parent, true, false);
	told = relay_at(address);
	told.blind = true;
	ck_assert_int_eq(ks_node_set_relays(parent.node, &told, 1), KS_EOK);
	run_until(has_parent, &relay);
	expect_frame(&parent, &relay, 1, ANY_FRAME);
	end(&parent);
	end(&relay);
}
END_TEST

static bool heard_head(void *box)
{
	return ((struct box *)box)->heads > 0;
}

START_TEST(tells_parents_what_is_newest)
{
	char address[ADDRESS_MAX];
	struct box parent = new_box(), relay = new_box();
	uint8_t manifest[KS_HEAD_BODY];

	loopback(address, AF_INET);
	start_subscribed(&parent, &relay, address, address);
	randombytes_buf(manifest, sizeof(manifest));
	ks_node_head(relay.node, manifest);
	run_until(heard_head, &parent);
	ck_assert_mem_eq(parent.head, manifest, sizeof(manifest));
	end(&relay);
	end(&parent);
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
	struct box parent = new_box(), relay = new_box();

	if (!resolves("localhost", AF_UNSPEC))
		unit_skip("this machine does not know the name localhost");
	snprintf(address, sizeof(address), "localhost:%u", port);
	snprintf(listen, sizeof(listen), "127.0.0.1:%u", port);
	start(&relay, false, true);
	ck_assert_int_eq(ks_node_set_keys(relay.node, &key, 1), KS_EOK);
	/* The name may have two addresses: then the one where nobody listens may come first, and the dial moves on. */
	listen_on(&relay, listen);
	start(&parent, true, false);
	tell_relay(&parent, address);
	run_until(is_connected, &parent);
	expect_frame(&parent, &relay, 1, ANY_FRAME);
	end(&parent);
	end(&relay);
}
END_TEST

START_TEST(goes_on_without_a_name)
{
	struct box parent = new_box();
	const struct ks_node_relay relay = relay_at("no-such-relay.invalid:7510");

	unit_log_start();
	start(&parent, true, false);
	ck_assert_int_eq(ks_node_set_relays(parent.node, &relay, 1), KS_EOK);
	ck_assert_uint_eq(ks_node_connected(parent.node), 0);
	end(&parent);
}
END_TEST

/* One relay is dead; the other gets its frames, the dead one is named once, and comes to life later. */
START_TEST(a_dead_relay_hurts_nobody)
{
	char alive[ADDRESS_MAX], dead[ADDRESS_MAX];
	struct box parent = new_box(), relay = new_box(), late = new_box();
	struct ks_node_relay relays[2];
	const char *line;

	loopback(alive, AF_INET);
	loopback(dead, AF_INET);
	unit_log_start();
	start_pushed(&parent, &relay, alive, alive);
	relays[0] = relay_at(alive);
	relays[1] = relay_at(dead);
	relays[1].name = "late-one";
	ck_assert_int_eq(ks_node_set_relays(parent.node, relays, 2), KS_EOK);
	for (uint32_t seq = 1; seq <= 5; seq++)
		expect_frame(&parent, &relay, seq, 20000);
	line = strstr(unit_log_text(), "late-one");
	ck_assert_ptr_nonnull(line);
	ck_assert_ptr_nonnull(strstr(line, dead));
	ck_assert_ptr_null(strstr(line + 1, "late-one"));

	start(&late, false, true);
	ck_assert_int_eq(ks_node_set_keys(late.node, &key, 1), KS_EOK);
	listen_on(&late, dead);
	run_until(got_one, &late);	/* without a new frame */
	ck_assert_uint_eq(late.len, relay.len);
	ck_assert_mem_eq(late.bytes, relay.bytes, relay.len);
	end(&parent);
	end(&relay);
	end(&late);
}
END_TEST

START_TEST(recovers_from_a_restarted_relay)
{
	char address[ADDRESS_MAX];
	struct box parent = new_box(), relay = new_box();

	loopback(address, AF_INET);
	start_pushed(&parent, &relay, address, address);
	expect_frame(&parent, &relay, 1, ANY_FRAME);
	stop(&relay);
	run_until(has_no_relay, &parent);
	relay.n = 0;
	start(&relay, false, true);
	ck_assert_int_eq(ks_node_set_keys(relay.node, &key, 1), KS_EOK);
	listen_on(&relay, address);
	run_until(got_one, &relay);
	expect_frame(&parent, &relay, 2, ANY_FRAME);
	end(&parent);
	end(&relay);
}
END_TEST

START_TEST(recovers_from_a_restarted_parent)
{
	char address[ADDRESS_MAX];
	struct box parent = new_box(), relay = new_box();

	loopback(address, AF_INET);
	start_subscribed(&parent, &relay, address, address);
	expect_frame(&parent, &relay, 1, ANY_FRAME);
	stop(&parent);
	run_until(has_no_parent, &relay);
	start_parent(&parent, address);
	run_until(has_relay, &parent);
	expect_frame(&parent, &relay, 2, ANY_FRAME);
	end(&relay);
	end(&parent);
}
END_TEST

/* Who goes says so: the other side knows long before its timers would tell it. */
START_TEST(says_goodbye)
{
	char address[ADDRESS_MAX];
	struct box parent = new_box(), relay = new_box();

	_Static_assert(SOON_US < KS_IDLE_US && SOON_US < KS_LEASE_US, "a timer is not what ends these sessions");
	loopback(address, AF_INET);
	start_subscribed(&parent, &relay, address, address);
	end(&parent);
	run_within(SOON_US, has_no_parent, &relay);
	end(&relay);

	parent = new_box();
	relay = new_box();
	start_subscribed(&parent, &relay, address, address);
	end(&relay);
	run_within(SOON_US, has_no_relay, &parent);
	end(&parent);
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
	struct box parent = new_box(), relay = new_box(), other = new_box();
	struct ks_node_relay relays[2];
	struct ks_psk keys[2];

	loopback(first, AF_INET);
	loopback(second, AF_INET);
	unit_log_start();
	start_pushed(&parent, &relay, first, first);
	expect_frame(&parent, &relay, 1, ANY_FRAME);
	ck_assert_uint_eq(session_changes(), 1);
	unit_log_start();

	/* One more relay, and another key for the first. */
	keys[0] = key;
	ks_psk_make(&keys[1], "relay-1");
	ck_assert_int_eq(ks_node_set_keys(relay.node, keys, 2), KS_EOK);
	relays[1] = relay_at(first);
	relays[1].key = keys[1];
	relays[0] = relay_at(second);
	ck_assert_int_eq(ks_node_set_relays(parent.node, relays, 2), KS_EOK);
	ck_assert_uint_eq(ks_node_connected(parent.node), 1);
	expect_frame(&parent, &relay, 2, ANY_FRAME);
	ck_assert_uint_eq(session_changes(), 0);

	/* The other one comes, the first one goes. */
	start(&other, false, true);
	ck_assert_int_eq(ks_node_set_keys(other.node, keys, 1), KS_EOK);
	listen_on(&other, second);
	run_until(got_one, &other);
	ck_assert_int_eq(ks_node_set_relays(parent.node, relays, 1), KS_EOK);
	run_within(SOON_US, has_no_parent, &relay);
	ck_assert_uint_eq(ks_node_connected(parent.node), 1);
	expect_frame(&parent, &other, 3, ANY_FRAME);
	end(&parent);
	end(&relay);
	end(&other);
}
END_TEST

START_TEST(a_new_list_keeps_parents)
{
	char address[ADDRESS_MAX], second[ADDRESS_MAX];
	struct box parent = new_box(), relay = new_box();
	struct ks_node_parent parents[2];

	loopback(address, AF_INET);
	loopback(second, AF_INET);
	start_subscribed(&parent, &relay, address, address);
	parents[1] = parent_at(address, "relay-1");
	parents[0] = parent_at(second, "relay-1");
	parents[0].name = "other";
	ck_assert_int_eq(ks_node_set_parents(relay.node, parents, 2), KS_EOK);
	ck_assert_uint_eq(ks_node_parents(relay.node), 1);
	expect_frame(&parent, &relay, 1, ANY_FRAME);
	ck_assert_int_eq(ks_node_set_parents(relay.node, parents, 1), KS_EOK);
	run_within(SOON_US, has_no_relay, &parent);
	ck_assert_uint_eq(ks_node_parents(relay.node), 0);
	end(&relay);
	end(&parent);
}
END_TEST

/* First the relay accepts the new key too, then the parent uses it, then the relay forgets the old one. */
START_TEST(a_new_key_loses_no_frame)
{
	char address[ADDRESS_MAX];
	struct box parent = new_box(), relay = new_box();
	struct ks_node_relay told;
	struct ks_psk keys[2];

	loopback(address, AF_INET);
	start_pushed(&parent, &relay, address, address);
	keys[0] = key;
	ks_psk_make(&keys[1], "relay-1");
	expect_frame(&parent, &relay, 1, ANY_FRAME);
	ck_assert_int_eq(ks_node_set_keys(relay.node, keys, 2), KS_EOK);
	expect_frame(&parent, &relay, 2, ANY_FRAME);
	told = relay_at(address);
	told.key = keys[1];
	ck_assert_int_eq(ks_node_set_relays(parent.node, &told, 1), KS_EOK);
	expect_frame(&parent, &relay, 3, ANY_FRAME);
	/* The session that began with it ends; the frame goes in the one that follows. */
	ck_assert_int_eq(ks_node_set_keys(relay.node, &keys[1], 1), KS_EOK);
	expect_frame(&parent, &relay, 4, ANY_FRAME);
	ck_assert_uint_eq(relay.n, 1);
	end(&parent);
	end(&relay);
}
END_TEST

START_TEST(drops_a_revoked_relay)
{
	static const char *const revoked[] = { "relay-1" };
	char address[ADDRESS_MAX];
	struct box parent = new_box(), relay = new_box();

	loopback(address, AF_INET);
	start_subscribed(&parent, &relay, address, address);
	ck_assert_int_eq(ks_node_set_masters(parent.node, &master, 1, revoked, 1), KS_EOK);
	ck_assert_uint_eq(ks_node_relays(parent.node), 0);
	run_within(SOON_US, has_no_parent, &relay);
	end(&relay);
	end(&parent);
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
	struct box parent = new_box(), relay = new_box();
	char address[ADDRESS_MAX];

	ck_assert_int_eq(bind(mute.fd, (struct sockaddr *)&here, len), 0);
	ck_assert_int_eq(getsockname(mute.fd, (struct sockaddr *)&here, &len), 0);
	snprintf(address, sizeof(address), "127.0.0.1:%u", ntohs(here.sin_port));
	start(&parent, true, false);
	tell_relay(&parent, address);
	run_until(was_dialled_anew, &mute);
	end(&parent);

	mute.last = 0;
	mute.sockets = 0;
	start(&relay, false, true);
	tell_parent(&relay, address, "relay-1");
	run_until(was_dialled_anew, &mute);
	end(&relay);
	close(mute.fd);
}
END_TEST

START_TEST(refuses_what_is_no_address)
{
	static const char *const bad[] = { "", ":", "relay", "relay:", ":5500", "relay:0", "relay:65536", "relay:55x",
					   "127.0.0.1", "::1", "[::1]", "[::1]:0", "::1:5500:", "a b:5500",
					   "[relay]:5500", "[::ffff:127.0.0.1]:5500" };
	char address[ADDRESS_MAX];
	struct box parent = new_box(), relay = new_box();

	loopback(address, AF_INET);
	start_pushed(&parent, &relay, address, address);
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
	expect_frame(&parent, &relay, 1, ANY_FRAME);
	end(&parent);
	end(&relay);
}
END_TEST

START_TEST(refuses_lists_that_cannot_be)
{
	const struct ks_node_relay twice[] = { relay_at("127.0.0.1:9"), relay_at("127.0.0.1:9") };
	struct ks_node_parent parents[KS_PARENTS_MAX + 1];
	char addresses[KS_PARENTS_MAX + 1][ADDRESS_MAX];
	struct box parent = new_box(), relay = new_box();

	start(&parent, true, false);
	unit_log_start();
	ck_assert_int_eq(ks_node_set_relays(parent.node, twice, 2), KS_ECONFIG);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "given twice"));
	start(&relay, false, true);
	for (size_t i = 0; i <= KS_PARENTS_MAX; i++) {
		snprintf(addresses[i], ADDRESS_MAX, "127.0.0.1:%zu", 9 + i);
		parents[i] = parent_at(addresses[i], "relay-1");
	}
	ck_assert_int_eq(ks_node_set_parents(relay.node, parents, KS_PARENTS_MAX + 1), KS_ELIMIT);
	ck_assert_int_eq(ks_node_set_parents(relay.node, parents, KS_PARENTS_MAX), KS_EOK);
	ck_assert_int_eq(ks_node_set_relays(relay.node, twice, 1), -ENOTSUP);	/* it does not send */
	end(&parent);
	end(&relay);
}
END_TEST

START_TEST(says_which_port_is_taken)
{
	static const char *const bad[] = { "localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]:7510" };
	char address[ADDRESS_MAX];
	struct box relay = new_box();

	loopback(address, AF_INET);
	start(&relay, false, true);
	listen_on(&relay, address);
	unit_log_start();
	ck_assert_int_eq(ks_node_listen(relay.node, address), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), address));
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "--listen"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(ks_listen_expected(bad[i]) != NULL, "'%s' passes for a setting", bad[i]);
		ck_assert_int_eq(ks_node_listen(relay.node, bad[i]), KS_ECONFIG);
	}
	end(&relay);
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
	struct box node = new_box();

	loopback(address, AF_INET);
	start(&node, true, true);
	listen_on(&node, address);
	tell_relay(&node, "127.0.0.1:9");
	ks_node_metrics(node.node, out);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_ptr_nonnull(strstr(text, "koshien_wire_connected{relay=\"relay-1\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(text, "koshien_wire_drops_total{reason=\"tag\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(text, "koshien_wire_sockets 2\n"));
	ck_assert_ptr_nonnull(strstr(text, "koshien_wire_receive_overflows_total 0\n"));
	check_families(text);
	free(text);
	end(&node);
}
END_TEST

static Suite *node_suite(void)
{
	Suite *suite = suite_create("node");
	TCase *tc = tcase_create("node");

	tcase_add_checked_fixture(tc, setup, teardown);
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
	tcase_add_test(tc, a_dead_relay_hurts_nobody);
	tcase_add_test(tc, recovers_from_a_restarted_relay);
	tcase_add_test(tc, recovers_from_a_restarted_parent);
	tcase_add_test(tc, says_goodbye);
	tcase_add_test(tc, a_new_list_keeps_sessions);
	tcase_add_test(tc, a_new_list_keeps_parents);
	tcase_add_test(tc, a_new_key_loses_no_frame);
	tcase_add_test(tc, drops_a_revoked_relay);
	tcase_add_test(tc, dials_anew_after_silence);
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
