/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker over a pair of sockets in place of the TUN, with the core and a table.
 */
#include "nat64/worker.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "nat64/bytes.h"
#include "nat64/trace.h"
#include "tests/unit/unit.h"

#define VNET sizeof(struct virtio_net_hdr)
#define PAYLOAD 32
#define LONG_MS 10000
#define NETBUF (4 * 1024 * 1024)

static int ours, its;
static struct ks_worker *worker;
static ks_view_pointer current;
static struct ks_xlat_settings settings;
static struct ks_table *first_table;
static struct ks_view first;

/* 192.0.2.1 is the relay, 2001:db8:1::1; all others are behind 64:ff9b:1::/96. */
static struct ks_table *table_new(void)
{
	struct ks_prefix prefix = { .length = 96 };
	struct ks_mapping mapping = { .v4 = 0xc0000201, .length4 = 32, .length6 = 128 };
	struct ks_table *table = NULL;

	inet_pton(AF_INET6, "64:ff9b:1::", &prefix.address);
	inet_pton(AF_INET6, "2001:db8:1::1", &mapping.v6);
	ck_assert_int_eq(ks_table_build(&table, &prefix, false, &mapping, 1, NULL, 0), KS_EOK);
	return table;
}

static void setup(void)
{
	int fds[2], size = NETBUF;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	ours = fds[0];
	its = fds[1];
	for (unsigned i = 0; i < 2; i++)
		setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	ck_assert_int_eq(fcntl(its, F_SETFL, O_NONBLOCK), 0);
	ks_xlat_settings_init(&settings);
	first_table = table_new();
	first = (struct ks_view){ .number = 1, .table = first_table, .settings = &settings };
	atomic_store(&current, &first);
	worker = NULL;
}

static void start(bool merge)
{
	struct ks_worker_settings s = {
		.fd = its, .vnet = true, .merge_tcp = merge, .merge_udp = merge, .view = &current
	};

	ck_assert_int_eq(ks_worker_new(&worker, &s), KS_EOK);
}

static void teardown(void)
{
	ks_worker_free(worker);
	close(ours);
	close(its);
	ks_table_free(first_table);
}

/* From 198.51.100.7 to `to`, number n in its payload. */
static void put_udp(uint32_t to, uint32_t n)
{
	uint8_t bytes[VNET + 28 + PAYLOAD] = { 0 }, *ip = bytes + VNET, *udp = ip + 20;

	ip[0] = 0x45;
	ks_put16(ip + 2, 28 + PAYLOAD);
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	ks_put32(ip + 12, 0xc6336407);
	ks_put32(ip + 16, to);
	ks_checksum_store(ip + 10, ks_sum_bytes(ip, 20));
	ks_put16(udp, 4000);
	ks_put16(udp + 2, 53);
	ks_put16(udp + 4, 8 + PAYLOAD);
	ks_put32(udp + 8, n);
	ks_checksum_store(udp + 6, ks_sum_bytes(ip + 12, 8) + ks_sum16(IPPROTO_UDP) + ks_sum32(8 + PAYLOAD) +
			  ks_sum_bytes(udp, 8 + PAYLOAD));
	if (ks_get16(udp + 6) == 0)	/* would say that there is none */
		ks_put16(udp + 6, 0xffff);
	ck_assert_int_eq(write(ours, bytes, sizeof(bytes)), sizeof(bytes));
}

static ssize_t get(uint8_t *bytes, size_t room, struct virtio_net_hdr *offload)
{
	struct pollfd fd = { ours, POLLIN, 0 };
	ssize_t len;

	ck_assert_int_eq(poll(&fd, 1, LONG_MS), 1);
	len = read(ours, bytes, room);
	ck_assert_int_gt(len, VNET);
	memcpy(offload, bytes, VNET);
	memmove(bytes, bytes + VNET, (size_t)len - VNET);
	return len - (ssize_t)VNET;
}

START_TEST(a_packet_is_translated)
{
	uint8_t bytes[2000];
	struct virtio_net_hdr offload;
	char text[INET6_ADDRSTRLEN];

	start(true);
	put_udp(0xc0000201, 1);
	ck_assert_int_eq(get(bytes, sizeof(bytes), &offload), 48 + PAYLOAD);
	ck_assert_str_eq(inet_ntop(AF_INET6, bytes + 8, text, sizeof(text)), "64:ff9b:1::c633:6407");
	ck_assert_str_eq(inet_ntop(AF_INET6, bytes + 24, text, sizeof(text)), "2001:db8:1::1");
	ck_assert_uint_eq(bytes[7], 63);
	ck_assert_uint_eq(ks_sum_fold(ks_sum_bytes(bytes + 8, 32) + ks_sum16(IPPROTO_UDP) + ks_sum32(8 + PAYLOAD) +
				      ks_sum_bytes(bytes + 40, 8 + PAYLOAD)), 0xffff);
	ck_assert_uint_eq(ks_worker_read(&ks_worker_xlat_counts(worker)->packets[KS_XLAT_46]), 1);
	ck_assert_uint_eq(ks_worker_read(&ks_worker_counts(worker)->reads), 1);
}
END_TEST

START_TEST(what_waits_is_sent_as_one)
{
	uint8_t bytes[4000];
	struct virtio_net_hdr offload;

	for (uint32_t i = 0; i < 10; i++)
		put_udp(0xc0000201, i);
	start(true);
	ck_assert_int_eq(get(bytes, sizeof(bytes), &offload), 48 + 10 * PAYLOAD);
	ck_assert_uint_eq(offload.gso_type, VIRTIO_NET_HDR_GSO_UDP_L4);
	ck_assert_uint_eq(offload.gso_size, PAYLOAD);
	for (uint32_t i = 0; i < 10; i++)
		ck_assert_uint_eq(ks_get32(bytes + 48 + i * PAYLOAD), i);
}
END_TEST

START_TEST(or_one_by_one_when_not_wanted)
{
	uint8_t bytes[4000];
	struct virtio_net_hdr offload;

	for (uint32_t i = 0; i < 10; i++)
		put_udp(0xc0000201, i);
	start(false);
	for (uint32_t i = 0; i < 10; i++) {
		ck_assert_int_eq(get(bytes, sizeof(bytes), &offload), 48 + PAYLOAD);
		ck_assert_uint_eq(ks_get32(bytes + 48), i);
	}
}
END_TEST

static void change_view(const struct ks_view *view)
{
	atomic_store(&current, view);
	ks_worker_wake(worker);
	for (unsigned ms = 0; ms < LONG_MS && !ks_worker_passed(worker, view->number); ms++)
		poll(NULL, 0, 1);
	ck_assert(ks_worker_passed(worker, view->number));
}

START_TEST(an_idle_worker_passes_too)
{
	struct ks_view second = first;

	start(true);
	second.number = 2;
	change_view(&second);
	change_view(&(struct ks_view){ .number = 3, .table = first_table, .settings = &settings });
	/* The last view goes with this function; the worker goes before. */
	ks_worker_free(worker);
	worker = NULL;
}
END_TEST

/* Each view has a table, settings and counters of its own, which are freed as soon as the worker has passed. */
START_TEST(none_is_lost_while_views_change)
{
	enum { ROUNDS = 40, EACH = 200 };
	struct ks_view *before = NULL, *view = NULL;
	struct virtio_net_hdr offload;
	uint8_t bytes[4000];
	uint32_t sent = 0, seen = 0;

	start(false);
	for (uint64_t round = 0; round < ROUNDS; round++) {
		struct ks_mapping_count **mappings = calloc(1, sizeof(*mappings));
		struct ks_xlat_settings *own = malloc(sizeof(*own));

		mappings[0] = calloc(1, sizeof(**mappings));
		*own = settings;
		before = view;
		view = malloc(sizeof(*view));
		*view = (struct ks_view){
			.number = 2 + round, .table = table_new(), .settings = own, .mappings = mappings
		};
		for (unsigned i = 0; i < EACH / 2; i++)
			put_udp(0xc0000201, sent++);
		change_view(view);
		if (before != NULL) {
			ks_table_free((struct ks_table *)(uintptr_t)before->table);
			free((void *)(uintptr_t)before->settings);
			free(before->mappings[0]);
			free((void *)(uintptr_t)before->mappings);
			free(before);
		}
		for (unsigned i = 0; i < EACH / 2; i++)
			put_udp(0xc0000201, sent++);
		for (; seen < sent; seen++) {
			get(bytes, sizeof(bytes), &offload);
			ck_assert_uint_eq(ks_get32(bytes + 48), seen);
		}
	}
	ck_assert_uint_eq(seen, ROUNDS * EACH);
	ck_assert_uint_gt(view->mappings[0]->packets_to, 0);
	ks_worker_free(worker);
	worker = NULL;
	ks_table_free((struct ks_table *)(uintptr_t)view->table);
	free((void *)(uintptr_t)view->settings);
	free(view->mappings[0]);
	free((void *)(uintptr_t)view->mappings);
	free(view);
}
END_TEST

START_TEST(the_next_packets_of_one_peer)
{
	uint32_t peer = 0xc0000201;
	struct ks_trace *trace = ks_trace_new(&peer, NULL, 2);
	struct ks_view traced = first;
	uint8_t bytes[2000];
	struct virtio_net_hdr offload;

	start(false);
	traced.number = 2;
	traced.trace = trace;
	change_view(&traced);
	put_udp(0xc0000299, 0);
	for (uint32_t i = 1; i <= 3; i++)
		put_udp(peer, i);
	for (unsigned i = 0; i < 4; i++)
		get(bytes, sizeof(bytes), &offload);
	ck_assert(ks_trace_complete(trace));
	ck_assert_uint_eq(ks_trace_count(trace), 2);
	for (uint32_t i = 0; i < 2; i++) {
		const struct ks_trace_entry *entry = ks_trace_entry(trace, i);

		ck_assert_uint_eq(ks_get32(entry->in.bytes + 28), i + 1);
		ck_assert_uint_eq(entry->in.bytes[8], 64);
		ck_assert_uint_eq(entry->n_out, 1);
		ck_assert_uint_eq(entry->out.bytes[0] >> 4, 6);
		ck_assert_int_eq(entry->why, KS_XLAT_PASSED);
	}
	ks_worker_free(worker);
	worker = NULL;
	ks_trace_free(trace);
}
END_TEST

START_TEST(rubbish_is_counted)
{
	uint8_t bytes[2000] = { 0 };
	struct virtio_net_hdr offload;

	start(true);
	ck_assert_int_eq(write(ours, bytes, 3), 3);	/* not even the offload header */
	ck_assert_int_eq(write(ours, bytes, 100), 100);
	bytes[VNET] = 0x45;
	ck_assert_int_eq(write(ours, bytes, 100), 100);
	put_udp(0xc0000201, 1);
	get(bytes, sizeof(bytes), &offload);
	ck_assert_uint_eq(ks_worker_read(&ks_worker_counts(worker)->read_errors), 1);
	ck_assert_uint_eq(ks_worker_read(&ks_worker_counts(worker)->reads), 3);
}
END_TEST

static Suite *worker_suite(void)
{
	Suite *suite = suite_create("nat64_worker");
	TCase *tcase = tcase_create("worker");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_packet_is_translated);
	tcase_add_test(tcase, what_waits_is_sent_as_one);
	tcase_add_test(tcase, or_one_by_one_when_not_wanted);
	tcase_add_test(tcase, an_idle_worker_passes_too);
	tcase_add_test(tcase, none_is_lost_while_views_change);
	tcase_add_test(tcase, the_next_packets_of_one_peer);
	tcase_add_test(tcase, rubbish_is_counted);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return unit_run(worker_suite());
}
