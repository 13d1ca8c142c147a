/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "lib/base/metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "tests/unit/unit.h"

/* --- the text ------------------------------------------------------------------------------------ */

static char *text;
static size_t text_len;
static FILE *out;

static void set_up(void)
{
	out = open_memstream(&text, &text_len);
	ck_assert_ptr_nonnull(out);
}

static void assert_text(const char *expected)
{
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(text, expected);
	free(text);
}

START_TEST(counters_and_gauges)
{
	ks_counter counter = 0;

	ks_count(&counter);
	ks_count_add(&counter, 41);
	ks_prom_counter(out, "koshien_frames_total", "Frames published.", &counter);
	ks_prom_gauge(out, "koshien_age_seconds", "Age.", 1.25);
	assert_text("# HELP koshien_frames_total Frames published.\n"
		    "# TYPE koshien_frames_total counter\n"
		    "koshien_frames_total 42\n"
		    "# HELP koshien_age_seconds Age.\n"
		    "# TYPE koshien_age_seconds gauge\n"
		    "koshien_age_seconds 1.250000\n");
}
END_TEST

START_TEST(labels_are_escaped)
{
	ks_prom_sample(out, "koshien_x", 1, "one", "plain", "two", "a\\b\"c\nd", "three", "", NULL);
	assert_text("koshien_x{one=\"plain\",two=\"a\\\\b\\\"c\\nd\",three=\"\"} 1\n");
}
END_TEST

START_TEST(numbers)
{
	ks_prom_sample(out, "a", 0, NULL);
	ks_prom_sample(out, "a", -3, NULL);
	ks_prom_sample(out, "a", 9007199254740991.0, NULL);	/* the largest exact whole number */
	ks_prom_sample(out, "a", 1792000000.25, NULL);
	ks_prom_sample(out, "a", (double)NAN, NULL);
	ks_prom_sample(out, "a", (double)INFINITY, NULL);
	ks_prom_sample(out, "a", -(double)INFINITY, NULL);
	assert_text("a 0\na -3\na 9007199254740991\na 1792000000.250000\na NaN\na +Inf\na -Inf\n");
}
END_TEST

START_TEST(reasons)
{
	static const char *const names[] = { "good", "late" };
	const ks_counter counters[] = { 5, 7 };

	ks_prom_reasons(out, "koshien_drops_total", "Dropped.", counters, names, 2);
	assert_text("# HELP koshien_drops_total Dropped.\n"
		    "# TYPE koshien_drops_total counter\n"
		    "koshien_drops_total{reason=\"good\"} 5\n"
		    "koshien_drops_total{reason=\"late\"} 7\n");
}
END_TEST

START_TEST(build_info)
{
	ks_prom_build_info(out, "sentryd");
	assert_text("# HELP koshien_build_info Which program and version this is.\n"
		    "# TYPE koshien_build_info gauge\n"
		    "koshien_build_info{program=\"sentryd\",version=\"" PACKAGE_VERSION "\"} 1\n");
}
END_TEST

/* --- the exporter -------------------------------------------------------------------------------- */

#define DEADLINE_US (10 * KS_US_PER_S)
#define PORT_TRIES 10

static struct event_base *base;
static struct ks_exporter *exporter;
static struct sockaddr_in at;

static void fill(FILE *to, void *ctx)
{
	ks_prom_gauge(to, "koshien_test", "Test.", *(double *)ctx);
}

static double value = 7;

/* A port nobody listens on now. Another process may take it before the exporter does; then try again. */
static void free_port(char address[32])
{
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	close(fd);
	snprintf(address, 32, "127.0.0.1:%u", ntohs(at.sin_port));
}

static void start_exporter(void)
{
	char address[32];
	int err = -EADDRINUSE;

	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	for (int i = 0; i < PORT_TRIES && err == -EADDRINUSE; i++) {
		free_port(address);
		err = ks_exporter_new(&exporter, base, address, fill, &value);
	}
	ck_assert_int_eq(err, KS_EOK);
}

static void stop_exporter(void)
{
	ks_exporter_free(exporter);
	event_base_free(base);
}

/* Sends a request and returns the whole answer, running the loop meanwhile. */
static const char *answer(const char *request)
{
	static char got[65536];
	size_t len = 0;
	const int64_t deadline_us = ks_mono_us(&ks_clock_system) + DEADLINE_US;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	for (;;) {
		ssize_t n;

		event_base_loop(base, EVLOOP_NONBLOCK);
		n = recv(fd, got + len, sizeof(got) - 1 - len, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			break;
		len += n > 0 ? (size_t)n : 0;
		ck_assert_msg(ks_mono_us(&ks_clock_system) < deadline_us, "no answer to %s", request);
	}
	close(fd);
	got[len] = '\0';
	return got;
}

START_TEST(serves_metrics)
{
	const char *got = answer("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	const char *body = strstr(got, "\r\n\r\n");

	ck_assert_ptr_nonnull(strstr(got, "HTTP/1.1 200 "));
	ck_assert_ptr_nonnull(strstr(got, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	ck_assert_ptr_nonnull(body);
	ck_assert_str_eq(body + 4, "# HELP koshien_test Test.\n# TYPE koshien_test gauge\nkoshien_test 7\n");

	value = 8;	/* asked anew each time */
	ck_assert_ptr_nonnull(strstr(answer("GET /metrics HTTP/1.0\r\n\r\n"), "koshien_test 8\n"));
}
END_TEST

static bool well;

static bool healthy(FILE *to, void *ctx)
{
	fprintf(to, "%s\n", *(bool *)ctx ? "good" : "draining");
	return *(bool *)ctx;
}

START_TEST(serves_health_when_asked_to)
{
	const char *got;

	ck_assert_ptr_nonnull(strstr(answer("GET /health HTTP/1.0\r\n\r\n"), " 404 "));
	ks_exporter_health(exporter, healthy, &well);
	well = true;
	got = answer("GET /health HTTP/1.0\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(got, " 200 "));
	ck_assert_ptr_nonnull(strstr(got, "\r\n\r\ngood\n"));
	well = false;
	got = answer("GET /health HTTP/1.0\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(got, " 503 "));
	ck_assert_ptr_nonnull(strstr(got, "\r\n\r\ndraining\n"));
}
END_TEST

START_TEST(serves_nothing_else)
{
	static char large[8192];

	ck_assert_ptr_nonnull(strstr(answer("GET / HTTP/1.0\r\n\r\n"), " 404 "));
	ck_assert_ptr_null(strstr(answer("POST /metrics HTTP/1.0\r\nContent-Length: 0\r\n\r\n"), " 200 "));
	ck_assert_ptr_null(strstr(answer("garbage\r\n\r\n"), "koshien_test"));
	memset(large, 'x', sizeof(large) - 1);
	memcpy(large, "GET /metrics HTTP/1.0\r\nX: ", 26);
	memcpy(large + sizeof(large) - 5, "\r\n\r\n", 4);
	ck_assert_ptr_null(strstr(answer(large), "koshien_test"));
	ck_assert_ptr_nonnull(strstr(answer("GET /metrics HTTP/1.0\r\n\r\n"), "koshien_test 7\n"));
}
END_TEST

START_TEST(a_taken_port_is_named)
{
	struct ks_exporter *second = NULL;
	char address[32];

	unit_log_start();
	snprintf(address, sizeof(address), "127.0.0.1:%u", ntohs(at.sin_port));
	ck_assert_int_eq(ks_exporter_new(&second, base, address, fill, &value), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), address));
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "--metrics"));
	ck_assert_ptr_null(second);
}
END_TEST

START_TEST(a_bad_address_is_refused)
{
	static const char *const bad[] = { "", "localhost:9301", "127.0.0.1:99999", "[::1", "9301" };
	struct ks_exporter *second = NULL;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		unit_log_start();
		ck_assert_msg(ks_exporter_new(&second, base, bad[i], fill, &value) == KS_ECONFIG, "'%s'", bad[i]);
		ck_assert_ptr_nonnull(strstr(unit_log_text(), "expected ADDRESS:PORT"));
	}
	ks_exporter_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metrics");
	TCase *format = tcase_create("format"), *http = tcase_create("exporter");

	tcase_add_checked_fixture(format, set_up, NULL);
	tcase_add_test(format, counters_and_gauges);
	tcase_add_test(format, labels_are_escaped);
	tcase_add_test(format, numbers);
	tcase_add_test(format, reasons);
	tcase_add_test(format, build_info);
	suite_add_tcase(suite, format);
	tcase_add_checked_fixture(http, start_exporter, stop_exporter);
	tcase_set_timeout(http, 60);
	tcase_add_test(http, serves_metrics);
	tcase_add_test(http, serves_health_when_asked_to);
	tcase_add_test(http, serves_nothing_else);
	tcase_add_test(http, a_taken_port_is_named);
	tcase_add_test(http, a_bad_address_is_refused);
	suite_add_tcase(suite, http);
	return unit_run(suite);
}
