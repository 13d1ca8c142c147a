/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/boxes.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/wire/receiver.h"
#include "lib/wire/sender.h"

struct event_base *boxes_base;
struct ks_psk boxes_key;
struct ks_master boxes_master;

void boxes_setup(void)
{
	boxes_base = event_base_new();
	ck_assert_ptr_nonnull(boxes_base);
	ks_psk_make(&boxes_key, "relay-1");
	randombytes_buf(&boxes_master, sizeof(boxes_master));
}

void boxes_teardown(void)
{
	event_base_free(boxes_base);
}

struct ks_frame frame_of(const uint8_t *bytes, size_t len, uint32_t seq)
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

struct box box_new(void)
{
	return (struct box){ 0 };
}

void box_start(struct box *box, bool sends, bool receives)
{
	const struct ks_node_settings settings = { .sends = sends, .receives = receives, .nack = true,
						   .datagram = KS_DATAGRAM_DEFAULT,
						   .loss_ppm = KS_LOSS_DEFAULT_PPM };
	const struct ks_node_ops ops = { receive, hear, box };

	ck_assert_int_eq(ks_node_new(&box->node, boxes_base, &settings, &ops), KS_EOK);
}

void box_stop(struct box *box)
{
	ks_node_free(box->node);
	box->node = NULL;
}

void box_end(struct box *box)
{
	box_stop(box);
	free(box->bytes);
}

void box_listen(struct box *box, const char *address)
{
	ck_assert_int_eq(ks_node_listen(box->node, address), KS_EOK);
}

uint16_t free_port(int family)
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

void loopback(char address[ADDRESS_MAX], int family)
{
	uint16_t port = free_port(family);

	snprintf(address, ADDRESS_MAX, family == AF_INET ? "127.0.0.1:%u" : "[::1]:%u", port);
}

void run_within(int64_t limit_us, bool (*done)(void *ctx), void *ctx)
{
	int64_t end_us = ks_mono_us(&ks_clock_system) + limit_us;
	const struct timeval tick = { 0, 5000 };

	while (!done(ctx)) {
		ck_assert_msg(ks_mono_us(&ks_clock_system) < end_us, "nothing happened in time");
		event_base_loopexit(boxes_base, &tick);
		event_base_dispatch(boxes_base);
	}
}

void run_until(bool (*done)(void *ctx), void *ctx)
{
	run_within(DEADLINE_US, done, ctx);
}

bool got_one(void *box)
{
	return ((struct box *)box)->n > 0;
}

bool is_connected(void *box)
{
	return ks_node_connected(((struct box *)box)->node) == 1;
}

bool has_no_relay(void *box)
{
	return ks_node_relays(((struct box *)box)->node) == 0;
}

bool has_relay(void *box)
{
	return ks_node_relays(((struct box *)box)->node) == 1;
}

bool has_parent(void *box)
{
	return ks_node_parents(((struct box *)box)->node) == 1;
}

bool has_no_parent(void *box)
{
	return ks_node_parents(((struct box *)box)->node) == 0;
}

struct ks_node_relay relay_at(const char *address)
{
	return (struct ks_node_relay){ "relay-1", address, boxes_key, false };
}

void box_tell_relay(struct box *box, const char *address)
{
	const struct ks_node_relay relay = relay_at(address);

	ck_assert_int_eq(ks_node_set_relays(box->node, &relay, 1), KS_EOK);
}

struct ks_node_parent parent_at(const char *address, const char *name)
{
	struct ks_node_parent parent = { .name = "parent", .address = address, .n_keys = 1 };

	ks_psk_derive(&parent.keys[0], &boxes_master, name);
	return parent;
}

void box_tell_parent(struct box *box, const char *address, const char *name)
{
	const struct ks_node_parent parent = parent_at(address, name);

	ck_assert_int_eq(ks_node_set_parents(box->node, &parent, 1), KS_EOK);
}

void box_start_pushed(struct box *parent, struct box *relay, const char *listen, const char *address)
{
	box_start(relay, false, true);
	ck_assert_int_eq(ks_node_set_keys(relay->node, &boxes_key, 1), KS_EOK);
	box_listen(relay, listen);
	box_start(parent, true, false);
	box_tell_relay(parent, address);
	run_until(is_connected, parent);
}

void box_start_parent(struct box *parent, const char *listen)
{
	box_start(parent, true, false);
	ck_assert_int_eq(ks_node_set_masters(parent->node, &boxes_master, 1, NULL, 0), KS_EOK);
	box_listen(parent, listen);
}

void box_start_subscribed(struct box *parent, struct box *relay, const char *listen, const char *address)
{
	box_start_parent(parent, listen);
	box_start(relay, false, true);
	box_tell_parent(relay, address, "relay-1");
	run_until(has_relay, parent);
	run_until(has_parent, relay);
}

void box_expect_frame(struct box *from, struct box *to, uint32_t seq, size_t len)
{
	uint8_t *bytes = malloc(len);
	struct ks_frame frame;

	ck_assert_ptr_nonnull(bytes);
	randombytes_buf(bytes, len);
	frame = frame_of(bytes, len, seq);
	to->n = 0;
	ck_assert_int_eq(ks_node_frame(from->node, &frame, 0), KS_EOK);
	run_until(got_one, to);
	ck_assert_uint_eq(to->len, len);
	ck_assert_mem_eq(to->bytes, bytes, len);
	free(bytes);
}

void box_expect_frames(struct box *from, struct box *to)
{
	box_expect_frame(from, to, 1, 1);
	box_expect_frame(from, to, 2, 100000);
	box_expect_frame(from, to, 3, KS_FRAME_MAX);
}
