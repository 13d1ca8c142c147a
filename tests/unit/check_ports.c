/* SPDX-License-Identifier: Apache-2.0
 *
 * Sockets in batches (lib/wire/udp.h), and sockets with endpoints (lib/wire/ports.h), on the loopback interface.
 */
#include "lib/wire/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/event.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "tests/unit/network.h"
#include "tests/unit/unit.h"

#define DEADLINE_MS 10000
#define LEN 1200
#define MANY 200	/* several batches, and not a multiple of any */
#define NARROW 1000	/* bytes that one IP packet may have */

static struct ks_udp in, out;
static uint8_t bytes[MANY][LEN];
static struct iovec datagrams[MANY];
static struct ks_udp_batch *batch;

static void fill(size_t len)
{
	for (size_t i = 0; i < MANY; i++) {
		memset(bytes[i], (int)(i % 251), LEN);
		memcpy(bytes[i], &i, sizeof(i));
		datagrams[i] = (struct iovec){ bytes[i], len };
	}
}

/* `out` is connected to `in`. */
static void open_pair(void)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(here);

	ck_assert_int_eq(ks_udp_open(&in, AF_INET), KS_EOK);
	ck_assert_int_eq(ks_udp_open(&out, AF_INET), KS_EOK);
	ck_assert_int_eq(ks_udp_want_routes(&in, AF_INET), KS_EOK);
	ck_assert_int_eq(bind(in.fd, (struct sockaddr *)&here, len), 0);
	ck_assert_int_eq(getsockname(in.fd, (struct sockaddr *)&here, &len), 0);
	ck_assert_int_eq(connect(out.fd, (struct sockaddr *)&here, len), 0);
	batch = ks_udp_batch_new();
	ck_assert_ptr_nonnull(batch);
	fill(LEN);
}

static void close_pair(void)
{
	ks_udp_close(&in);
	ks_udp_close(&out);
	ks_udp_batch_free(batch);
}

static int receive(void)
{
	struct pollfd readable = { .fd = in.fd, .events = POLLIN };

	ck_assert_int_eq(poll(&readable, 1, DEADLINE_MS), 1);
	return ks_udp_receive(&in, batch);
}

/* The first n datagrams come, each whole, in their order, and no other. */
static void expect(size_t n)
{
	struct ks_udp_arrival arrival;

	for (size_t at = 0; at < n;) {
		int got = receive();

		ck_assert_int_gt(got, 0);
		for (int i = 0; i < got; i++, at++) {
			ck_assert_uint_lt(at, n);
			ks_udp_arrived(batch, (size_t)i, &arrival);
			ck_assert_uint_eq(arrival.len, datagrams[at].iov_len);
			ck_assert_mem_eq(arrival.bytes, bytes[at], arrival.len);
			ck_assert(arrival.routed);
			ck_assert_uint_eq(arrival.route.local.v4.s_addr, htonl(INADDR_LOOPBACK));
		}
	}
	ck_assert_int_eq(ks_udp_receive(&in, batch), -EAGAIN);
}

START_TEST(sends_many_in_order)
{
	for (size_t n = 1; n <= MANY; n = 3 * n + 1) {
		ck_assert_int_eq(ks_udp_send(&out, NULL, datagrams, n), (int)n);
		expect(n);
	}
	ck_assert_int_eq(ks_udp_send(&out, NULL, datagrams, MANY), MANY);
	expect(MANY);
}
END_TEST

/* With and without the kernel's help the same arrives. */
START_TEST(sends_one_by_one_too)
{
	out.segments = false;
	ck_assert_int_eq(ks_udp_send(&out, NULL, datagrams, MANY), MANY);
	expect(MANY);
}
END_TEST

START_TEST(sends_what_has_several_lengths)
{
	for (size_t i = 0; i < MANY; i++)
		datagrams[i].iov_len = 100 + i;
	ck_assert_int_eq(ks_udp_send(&out, NULL, datagrams, MANY), MANY);
	expect(MANY);
}
END_TEST

/* Without checksums the kernel does not cut, which it says only when it is asked to. */
START_TEST(does_without_segmentation)
{
	int on = 1;

	if (!out.segments)
		unit_skip("this kernel has no UDP segmentation");
	ck_assert_int_eq(setsockopt(out.fd, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)), 0);
	ck_assert_int_eq(ks_udp_send(&out, NULL, datagrams, MANY), MANY);
	ck_assert(!out.segments);
	expect(MANY);
}
END_TEST

START_TEST(answers_from_where_it_was_asked)
{
	struct ks_udp_arrival asked, answered;
	struct ks_udp_batch *back = ks_udp_batch_new();
	struct pollfd readable = { .fd = out.fd, .events = POLLIN };

	ck_assert_ptr_nonnull(back);
	ck_assert_int_eq(ks_udp_send(&out, NULL, datagrams, 1), 1);
	ck_assert_int_eq(receive(), 1);
	ks_udp_arrived(batch, 0, &asked);
	ck_assert_int_eq(ks_udp_send(&in, &asked.route, datagrams, 20), 20);
	ck_assert_int_eq(poll(&readable, 1, DEADLINE_MS), 1);
	ck_assert_int_eq(ks_udp_receive(&out, back), 20);
	ks_udp_arrived(back, 19, &answered);
	ck_assert_uint_eq(answered.len, LEN);
	ck_assert_mem_eq(answered.bytes, bytes[19], LEN);
	ck_assert(!answered.routed);
	ks_udp_batch_free(back);
}
END_TEST

START_TEST(says_what_the_kernel_lost)
{
	struct ks_udp_arrival arrival = { 0 };
	int room = 4096, n;
	uint32_t lost = 0;

	ck_assert_int_eq(setsockopt(in.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
	ck_assert_int_eq(ks_udp_send(&out, NULL, datagrams, MANY), MANY);
	n = receive();
	ck_assert_int_gt(n, 0);
	ck_assert_int_lt(n, MANY);
	/* It says so with the next one that it does not lose. */
	while (n > 0)
		n = ks_udp_receive(&in, batch);
	ck_assert_int_eq(ks_udp_send(&out, NULL, datagrams, 1), 1);
	n = receive();
	ck_assert_int_eq(n, 1);
	ks_udp_arrived(batch, 0, &arrival);
	if (arrival.counted)
		lost = arrival.overflows;
	ck_assert_uint_gt(lost, 0);
}
END_TEST

START_TEST(says_what_is_too_long)
{
	bool segments;

	if (!network_own(NARROW))
		unit_skip("a network namespace cannot be made");
	close_pair();
	open_pair();
	segments = out.segments;
	ck_assert_int_eq(ks_udp_send(&out, NULL, datagrams, MANY), -EMSGSIZE);
	ck_assert_int_eq(ks_udp_send(&out, NULL, datagrams, 1), -EMSGSIZE);
	/* The path is to blame, and not the segmentation. */
	fill(NARROW - 28);
	ck_assert_int_eq(ks_udp_send(&out, NULL, datagrams, MANY), MANY);
	ck_assert(out.segments == segments);
	expect(MANY);
}
END_TEST

/* --- ports ------------------------------------------------------------------------------------------ */

static struct {
	struct event_base *base;
	struct ks_ports *ports;
	struct ks_endpoint from, refused;
	unsigned n, n_refused;
} here;

static void take(void *ctx, const struct ks_endpoint *from, const uint8_t *at, size_t len)
{
	(void)ctx;
	(void)at;
	(void)len;
	here.from = *from;
	here.n++;
}

static void take_refusal(void *ctx, const struct ks_endpoint *to)
{
	(void)ctx;
	here.refused = *to;
	here.n_refused++;
}

static void take_pause(void *ctx)
{
	(void)ctx;
}

static void open_ports(void)
{
	const struct ks_ports_ops ops = { take, take_refusal, take_pause, NULL };

	memset(&here, 0, sizeof(here));
	here.base = event_base_new();
	ck_assert_ptr_nonnull(here.base);
	ck_assert_int_eq(ks_ports_new(&here.ports, here.base, &ops), KS_EOK);
	open_pair();
}

static void close_ports(void)
{
	ks_ports_free(here.ports);
	event_base_free(here.base);
	close_pair();
}

static void run_until(const unsigned *counter)
{
	int64_t end_us = ks_mono_us(&ks_clock_system) + DEADLINE_MS * KS_US_PER_MS;

	while (*counter == 0) {
		ck_assert_int_lt(ks_mono_us(&ks_clock_system), end_us);
		event_base_loop(here.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
}

static union ks_udp_address address_of(int fd)
{
	union ks_udp_address address;
	socklen_t len = sizeof(address);

	memset(&address, 0, sizeof(address));
	ck_assert_int_eq(getsockname(fd, &address.any, &len), 0);
	return address;
}

/* Endpoints of a socket that was opened anew work as long as they say the same of the other side. */
START_TEST(dials_keep_their_endpoints)
{
	union ks_udp_address peer = address_of(in.fd), other = peer;
	struct ks_endpoint first, second, third;
	size_t dial;

	other.v4.sin_port = htons(9);
	ck_assert_int_eq(ks_ports_dial(here.ports, &dial), KS_EOK);
	ck_assert_int_eq(ks_ports_open(here.ports, dial, &peer, &first), KS_EOK);
	ck_assert_int_eq(ks_ports_send(here.ports, &first, datagrams, 1), 1);
	ck_assert_int_eq(ks_ports_open(here.ports, dial, &peer, &second), KS_EOK);
	ck_assert(!ks_endpoint_equal(&first, &second));
	ck_assert_uint_eq(first.peer_len, second.peer_len);
	ck_assert_mem_eq(first.bytes, second.bytes, first.peer_len);
	ck_assert_int_eq(ks_ports_send(here.ports, &first, datagrams + 1, 1), 1);
	expect(2);
	ck_assert_int_eq(ks_ports_open(here.ports, dial, &other, &third), KS_EOK);
	ck_assert_int_eq(ks_ports_send(here.ports, &first, datagrams, 1), -EHOSTUNREACH);

	/* Another dial in the same place is none of theirs. */
	ks_ports_hang_up(here.ports, dial);
	ck_assert_int_eq(ks_ports_send(here.ports, &second, datagrams, 1), -EHOSTUNREACH);
	ck_assert_int_eq(ks_ports_dial(here.ports, &dial), KS_EOK);
	ck_assert_int_eq(ks_ports_open(here.ports, dial, &peer, &third), KS_EOK);
	ck_assert_int_eq(ks_ports_send(here.ports, &second, datagrams, 1), -EHOSTUNREACH);
	ck_assert_int_eq(ks_ports_send(here.ports, &third, datagrams, 1), 1);
}
END_TEST

START_TEST(dials_are_told_of_refusals)
{
	union ks_udp_address peer = address_of(in.fd);
	struct ks_endpoint to;
	size_t dial;

	ks_udp_close(&in);
	ck_assert_int_eq(ks_ports_dial(here.ports, &dial), KS_EOK);
	ck_assert_int_eq(ks_ports_open(here.ports, dial, &peer, &to), KS_EOK);
	ck_assert_int_eq(ks_ports_send(here.ports, &to, datagrams, 1), 1);
	run_until(&here.n_refused);
	ck_assert(ks_endpoint_equal(&here.refused, &to));
}
END_TEST

/* The same sender has the same endpoint each time, another one another. */
START_TEST(listeners_tell_senders_apart)
{
	union ks_udp_address address;
	struct ks_endpoint first;
	struct ks_udp other;
	char text[32];

	ks_udp_close(&in);
	ck_assert_int_eq(ks_udp_open(&in, AF_INET), KS_EOK);
	ck_assert_int_eq(ks_udp_open(&other, AF_INET), KS_EOK);
	memset(&address, 0, sizeof(address));
	address.v4.sin_family = AF_INET;
	address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(in.fd, &address.any, sizeof(address.v4)), 0);
	address = address_of(in.fd);
	ks_udp_close(&in);
	snprintf(text, sizeof(text), "0.0.0.0:%u", ntohs(address.v4.sin_port));
	ck_assert_int_eq(ks_ports_listen(here.ports, text), KS_EOK);
	ck_assert_int_eq(connect(out.fd, &address.any, sizeof(address.v4)), 0);
	ck_assert_int_eq(connect(other.fd, &address.any, sizeof(address.v4)), 0);

	ck_assert_int_eq(ks_udp_send(&out, NULL, datagrams, 1), 1);
	run_until(&here.n);
	first = here.from;
	here.n = 0;
	ck_assert_int_eq(ks_udp_send(&out, NULL, datagrams, 1), 1);
	run_until(&here.n);
	ck_assert(ks_endpoint_equal(&first, &here.from));
	here.n = 0;
	ck_assert_int_eq(ks_udp_send(&other, NULL, datagrams, 1), 1);
	run_until(&here.n);
	ck_assert(memcmp(first.bytes, here.from.bytes, first.peer_len) != 0);
	ks_udp_close(&other);
}
END_TEST

static Suite *ports_suite(void)
{
	Suite *suite = suite_create("ports");
	TCase *udp = tcase_create("udp"), *ports = tcase_create("ports");

	tcase_add_checked_fixture(udp, open_pair, close_pair);
	tcase_set_timeout(udp, 30);
	tcase_add_test(udp, sends_many_in_order);
	tcase_add_test(udp, sends_one_by_one_too);
	tcase_add_test(udp, sends_what_has_several_lengths);
	tcase_add_test(udp, does_without_segmentation);
	tcase_add_test(udp, answers_from_where_it_was_asked);
	tcase_add_test(udp, says_what_the_kernel_lost);
	tcase_add_test(udp, says_what_is_too_long);
	suite_add_tcase(suite, udp);
	tcase_add_checked_fixture(ports, open_ports, close_ports);
	tcase_set_timeout(ports, 30);
	tcase_add_test(ports, dials_keep_their_endpoints);
	tcase_add_test(ports, dials_are_told_of_refusals);
	tcase_add_test(ports, listeners_tell_senders_apart);
	suite_add_tcase(suite, ports);
	return suite;
}

int main(void)
{
	return unit_run(ports_suite());
}
