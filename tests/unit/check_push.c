/* SPDX-License-Identifier: Apache-2.0
 *
 * push and intake over real sockets of this machine.
 */
#include "lib/wire/push.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <sodium.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/wire/intake.h"
#include "tests/unit/unit.h"

#define DEADLINE_US (10 * KS_US_PER_S)
#define ADDRESS_MAX 64

struct inbox {
	uint8_t *bytes;
	size_t len;
	unsigned n;
};

static struct event_base *base;
static struct ks_psk key;

static void setup(void)
{
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	ks_psk_make(&key);
}

static void teardown(void)
{
	event_base_free(base);
}

static void receive(void *ctx, const uint8_t *bytes, size_t len)
{
	struct inbox *inbox = ctx;

	inbox->bytes = realloc(inbox->bytes, len);
	ck_assert_ptr_nonnull(inbox->bytes);
	memcpy(inbox->bytes, bytes, len);
	inbox->len = len;
	inbox->n++;
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

static void run_until(bool (*done)(void *ctx), void *ctx)
{
	int64_t end_us = ks_mono_us(&ks_clock_system) + DEADLINE_US;
	const struct timeval tick = { 0, 5000 };

	while (!done(ctx)) {
		ck_assert_msg(ks_mono_us(&ks_clock_system) < end_us, "nothing happened in time");
		event_base_loopexit(base, &tick);
		event_base_dispatch(base);
	}
}

static bool got_one(void *ctx)
{
	return ((struct inbox *)ctx)->n > 0;
}

static bool is_connected(void *ctx)
{
	return ks_push_connected(ctx) == 1;
}

static bool is_alone(void *ctx)
{
	return ks_push_connected(ctx) == 0;
}

static struct ks_push *new_push(void)
{
	const struct ks_push_settings settings = { KS_DATAGRAM_DEFAULT, KS_LOSS_DEFAULT_PERCENT };
	struct ks_push *push;

	ck_assert_int_eq(ks_push_new(&push, base, &settings), KS_EOK);
	return push;
}

static struct ks_intake *new_intake(const char *address, struct inbox *inbox)
{
	struct ks_intake *intake;

	ck_assert_int_eq(ks_intake_new(&intake, base, &key, 1, receive, inbox), KS_EOK);
	ck_assert_int_eq(ks_intake_listen(intake, address), KS_EOK);
	return intake;
}

/* The wire does not look into what it carries. */
static struct ks_frame random_frame(uint32_t seq, size_t len)
{
	uint8_t *bytes = malloc(len);

	ck_assert_ptr_nonnull(bytes);
	randombytes_buf(bytes, len);
	return (struct ks_frame){ { .id = { 7, seq }, .period_ms = 100 }, bytes, len };
}

static void free_frame(struct ks_frame *frame)
{
	free((void *)(uintptr_t)frame->bytes);
}

static void expect_frame(struct ks_push *push, struct inbox *inbox, uint32_t seq, size_t len)
{
	struct ks_frame frame = random_frame(seq, len);

	inbox->n = 0;
	ck_assert_int_eq(ks_push_frame(push, &frame), KS_EOK);
	run_until(got_one, inbox);
	ck_assert_uint_eq(inbox->len, len);
	ck_assert_mem_eq(inbox->bytes, frame.bytes, len);
	free_frame(&frame);
}

static void check_over(const char *listen, const char *address)
{
	struct inbox inbox = { 0 };
	struct ks_intake *intake = new_intake(listen, &inbox);
	struct ks_push *push = new_push();

	ck_assert_int_eq(ks_push_add(push, "relay", address, &key), KS_EOK);
	run_until(is_connected, push);
	ck_assert_int_eq(ks_intake_delivered_us(intake), 0);
	expect_frame(push, &inbox, 1, 1);
	expect_frame(push, &inbox, 2, 100000);
	expect_frame(push, &inbox, 3, KS_FRAME_MAX);
	ck_assert_int_gt(ks_intake_delivered_us(intake), 0);
	ks_push_free(push);
	ks_intake_free(intake);
	free(inbox.bytes);
}

START_TEST(delivers_over_ipv4)
{
	char address[ADDRESS_MAX];

	snprintf(address, sizeof(address), "127.0.0.1:%u", free_port(AF_INET));
	check_over(address, address);
}
END_TEST

/* A relay on all addresses answers from the one that was asked, which is not the one the kernel would choose. */
START_TEST(answers_from_the_address_asked)
{
	char listen[ADDRESS_MAX], address[ADDRESS_MAX];
	uint16_t port = free_port(AF_INET);

	snprintf(listen, sizeof(listen), "0.0.0.0:%u", port);
	snprintf(address, sizeof(address), "127.0.0.2:%u", port);
	check_over(listen, address);
}
END_TEST

START_TEST(delivers_over_ipv6)
{
	char listen[ADDRESS_MAX], address[ADDRESS_MAX];
	uint16_t port = free_port(AF_INET6);

	if (port == 0)
		return;		/* this machine has no IPv6 */
	snprintf(listen, sizeof(listen), "[::]:%u", port);
	snprintf(address, sizeof(address), "[::1]:%u", port);
	check_over(listen, address);
}
END_TEST

static bool localhost_is_known(void)
{
	struct addrinfo *found = NULL;
	bool known = getaddrinfo("localhost", NULL, NULL, &found) == 0;

	if (known)
		freeaddrinfo(found);
	return known;
}

START_TEST(looks_names_up)
{
	char listen[ADDRESS_MAX], address[ADDRESS_MAX];
	uint16_t port = free_port(AF_INET);
	struct inbox inbox = { 0 };
	struct ks_intake *intake;
	struct ks_push *push;

	if (!localhost_is_known())
		unit_skip("this machine does not know the name localhost");
	push = new_push();
	snprintf(listen, sizeof(listen), "0.0.0.0:%u", port);
	snprintf(address, sizeof(address), "localhost:%u", port);
	intake = new_intake(listen, &inbox);
	/* localhost may be ::1 first; then the second try finds 127.0.0.1 only after a silence. Both listen. */
	if (free_port(AF_INET6) != 0) {
		snprintf(listen, sizeof(listen), "[::]:%u", port);
		ck_assert_int_eq(ks_intake_listen(intake, listen), KS_EOK);
	}
	ck_assert_int_eq(ks_push_add(push, "relay", address, &key), KS_EOK);
	run_until(is_connected, push);
	ks_push_free(push);
	ks_intake_free(intake);
	free(inbox.bytes);
}
END_TEST

/* One relay is dead; the other gets its frames, the dead one is named once, and comes to life later. */
START_TEST(a_dead_relay_hurts_nobody)
{
	char alive[ADDRESS_MAX], dead[ADDRESS_MAX];
	struct inbox inbox = { 0 }, second = { 0 };
	struct ks_intake *intake, *late;
	struct ks_push *push = new_push();
	const char *line;

	snprintf(alive, sizeof(alive), "127.0.0.1:%u", free_port(AF_INET));
	intake = new_intake(alive, &inbox);
	snprintf(dead, sizeof(dead), "127.0.0.1:%u", free_port(AF_INET));
	unit_log_start();
	ck_assert_int_eq(ks_push_add(push, "late-one", dead, &key), KS_EOK);
	ck_assert_int_eq(ks_push_add(push, "relay", alive, &key), KS_EOK);
	run_until(is_connected, push);
	for (uint32_t seq = 1; seq <= 5; seq++)
		expect_frame(push, &inbox, seq, 20000);
	line = strstr(unit_log_text(), "late-one");
	ck_assert_ptr_nonnull(line);
	ck_assert_ptr_nonnull(strstr(line, dead));
	ck_assert_ptr_null(strstr(line + 1, "late-one"));

	late = new_intake(dead, &second);
	run_until(got_one, &second);	/* without a new frame */
	ck_assert_uint_eq(second.len, inbox.len);
	ck_assert_mem_eq(second.bytes, inbox.bytes, inbox.len);
	ks_push_free(push);
	ks_intake_free(intake);
	ks_intake_free(late);
	free(inbox.bytes);
	free(second.bytes);
}
END_TEST

START_TEST(recovers_from_a_restarted_relay)
{
	char address[ADDRESS_MAX];
	struct inbox inbox = { 0 };
	struct ks_intake *intake;
	struct ks_push *push = new_push();

	snprintf(address, sizeof(address), "127.0.0.1:%u", free_port(AF_INET));
	intake = new_intake(address, &inbox);
	ck_assert_int_eq(ks_push_add(push, "relay", address, &key), KS_EOK);
	run_until(is_connected, push);
	expect_frame(push, &inbox, 1, 50000);
	ks_intake_free(intake);
	run_until(is_alone, push);
	inbox.n = 0;
	intake = new_intake(address, &inbox);
	run_until(got_one, &inbox);
	expect_frame(push, &inbox, 2, 50000);
	ks_push_free(push);
	ks_intake_free(intake);
	free(inbox.bytes);
}
END_TEST

START_TEST(refuses_what_is_no_address)
{
	static const char *const bad[] = { "", ":", "relay", "relay:", ":5500", "relay:0", "relay:65536", "relay:55x",
					   "127.0.0.1", "::1", "[::1]", "[::1]:0", "::1:5500:", "a b:5500",
					   "[relay]:5500" };
	struct ks_push *push = new_push();

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		unit_log_start();
		ck_assert_msg(ks_push_add(push, "relay", bad[i], &key) == KS_EMALFORMED, "'%s' was taken", bad[i]);
		ck_assert_ptr_nonnull(strstr(unit_log_text(), "relay relay: expected an address"));
	}
	ks_push_free(push);
}
END_TEST

START_TEST(says_which_port_is_taken)
{
	char address[ADDRESS_MAX];
	struct inbox inbox = { 0 };
	struct ks_intake *intake;

	snprintf(address, sizeof(address), "127.0.0.1:%u", free_port(AF_INET));
	intake = new_intake(address, &inbox);
	unit_log_start();
	ck_assert_int_eq(ks_intake_listen(intake, address), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), address));
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "--listen"));
	ck_assert_int_eq(ks_intake_listen(intake, "localhost"), KS_ECONFIG);
	ck_assert_int_eq(ks_intake_listen(intake, "127.0.0.1"), KS_ECONFIG);
	ks_intake_free(intake);
}
END_TEST

START_TEST(puts_metrics_out)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct inbox inbox = { 0 };
	struct ks_push *push = new_push();
	struct ks_intake *intake;

	ck_assert_int_eq(ks_intake_new(&intake, base, &key, 1, receive, &inbox), KS_EOK);
	ck_assert_int_eq(ks_push_add(push, "relay-a", "127.0.0.1:9", &key), KS_EOK);
	ks_push_metrics(push, out);
	ks_intake_metrics(intake, out);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_ptr_nonnull(strstr(text, "koshien_wire_connected{relay=\"relay-a\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(text, "koshien_wire_drops_total{reason=\"tag\"} 0\n"));
	free(text);
	ks_push_free(push);
	ks_intake_free(intake);
}
END_TEST

static Suite *push_suite(void)
{
	Suite *suite = suite_create("push");
	TCase *tc = tcase_create("push");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, delivers_over_ipv4);
	tcase_add_test(tc, answers_from_the_address_asked);
	tcase_add_test(tc, delivers_over_ipv6);
	tcase_add_test(tc, looks_names_up);
	tcase_add_test(tc, a_dead_relay_hurts_nobody);
	tcase_add_test(tc, recovers_from_a_restarted_relay);
	tcase_add_test(tc, refuses_what_is_no_address);
	tcase_add_test(tc, says_which_port_is_taken);
	tcase_add_test(tc, puts_metrics_out);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return unit_run(push_suite());
}
