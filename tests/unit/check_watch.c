/* SPDX-License-Identifier: Apache-2.0
 *
 * koshienctl's viewer against a server of its own that does one thing wrong, named in the URL.
 */
#include "koshienctl/viewer.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <sodium.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "tests/unit/stamped.h"
#include "tests/unit/unit.h"

#define FRAME_EVERY_US (40 * KS_US_PER_MS)
#define EPOCH 1790000000
#define DEADLINE_US (20 * KS_US_PER_S)

static struct event_base *base;
static struct evhttp *http;
static struct event *end;
static int end_fd, stop_fd, connections;
static uint16_t port;
static pthread_t thread;
static uint8_t *bytes;
static struct ks_tally tally;
static uint64_t enough;		/* of frames, bad or errors: the run ends then */

static void header(struct evhttp_request *req, const char *name, const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(req), name, value);
}

static bool wrong(struct evhttp_request *req, const char *what)
{
	return strstr(evhttp_request_get_uri(req), what) != NULL;
}

static void describe(struct evhttp_request *req, const struct ks_frame *frame)
{
	char text[128], id[KS_FRAME_ID_TEXT], hex[9];
	struct ks_frame_id named = frame->m.id;

	named.seq += wrong(req, "/wrong-id/") ? 1 : 0;
	header(req, "Frame-Id", ks_frame_id_format(named, id));
	snprintf(text, sizeof(text), "\"%s-%s\"", ks_frame_id_format(frame->m.id, id),
		 sodium_bin2hex(hex, sizeof(hex), frame->m.digest, 4));
	header(req, "ETag", text);
	snprintf(text, sizeof(text), "%lld", (long long)(frame->m.captured_us / KS_US_PER_MS));
	header(req, "Frame-Captured", text);
}

static void answer_picture(struct evhttp_request *req, struct ks_frame_id id)
{
	struct evbuffer *body = evbuffer_new();
	struct ks_frame frame = stamped_frame(bytes, id, ks_wall_us(&ks_clock_system) - 100 * KS_US_PER_MS);
	size_t len = frame.m.length;
	char text[32];

	describe(req, &frame);
	bytes[KS_MANIFEST_SIZE + len / 2] ^= wrong(req, "/flipped/") ? 1 : 0;
	if (wrong(req, "/cut/")) {
		snprintf(text, sizeof(text), "%zu", len);
		header(req, "Content-Length", text);
		header(req, "Connection", "close");
		len /= 2;
	}
	evbuffer_add(body, ks_frame_jpeg(&frame), len);
	evhttp_send_reply(req, 200, "OK", body);
	evbuffer_free(body);
}

static void answer_huge(struct evhttp_request *req)
{
	struct evbuffer *body = evbuffer_new();

	for (size_t len = 0; len <= KS_JPEG_MAX; len += KS_FRAME_MAX)
		evbuffer_add(body, bytes, KS_FRAME_MAX);
	evhttp_send_reply(req, 200, "OK", body);
	evbuffer_free(body);
}

static void on_request(struct evhttp_request *req, void *ctx)
{
	struct ks_frame_id id = { EPOCH, (uint32_t)(ks_mono_us(&ks_clock_system) / FRAME_EVERY_US) }, after;
	const char *asked = strstr(evhttp_request_get_uri(req), "/main/std/latest.jpg?after=");
	char long_value[KS_ANSWER_HEAD_MAX];

	(void)ctx;
	header(req, "Served-By", id.seq % 2 != 0 ? "odd" : "even");
	header(req, "Frame-Next", "5");
	if (wrong(req, "/refuses/")) {
		evhttp_send_reply(req, 503, "Service Unavailable", NULL);
	} else if (wrong(req, "/huge-body/")) {
		answer_huge(req);
	} else if (wrong(req, "/huge-head/")) {
		memset(long_value, 'x', sizeof(long_value) - 1);
		long_value[sizeof(long_value) - 1] = '\0';
		header(req, "X-Long", long_value);
		answer_picture(req, id);
	} else if (asked == NULL) {
		answer_picture(req, id);
	} else {
		asked = strchr(asked, '=') + 1;
		ck_assert_int_eq(ks_frame_id_parse(asked, strlen(asked), &after), KS_EOK);
		if (wrong(req, "/backwards/"))
			answer_picture(req, (struct ks_frame_id){ EPOCH, after.seq - 1 });
		else if (ks_frame_id_cmp(id, after) > 0)
			answer_picture(req, id);
		else
			evhttp_send_reply(req, 204, "No Content", NULL);
	}
}

static struct bufferevent *on_connection(struct event_base *on, void *ctx)
{
	(void)on;
	(void)ctx;
	connections++;
	return NULL;
}

static void on_end(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	event_base_loopbreak(base);
}

static void *serve(void *ctx)
{
	(void)ctx;
	event_base_dispatch(base);
	return NULL;
}

static void set_up(void)
{
	struct evhttp_bound_socket *bound;
	struct sockaddr_in address;
	socklen_t len = sizeof(address);

	ck_assert_int_ge(sodium_init(), 0);
	bytes = calloc(1, KS_FRAME_MAX);
	base = event_base_new();
	http = evhttp_new(base);
	evhttp_set_gencb(http, on_request, NULL);
	evhttp_set_bevcb(http, on_connection, NULL);
	bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
	ck_assert_ptr_nonnull(bound);
	ck_assert_int_eq(getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &len), 0);
	port = ntohs(address.sin_port);
	end_fd = eventfd(0, EFD_CLOEXEC);
	end = event_new(base, end_fd, EV_READ, on_end, NULL);
	event_add(end, NULL);
	ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
	stop_fd = eventfd(0, EFD_CLOEXEC);
	ck_assert_int_eq(ks_tally_init(&tally), KS_EOK);
}

static void tear_down(void)
{
	ck_assert_int_eq(eventfd_write(end_fd, 1), 0);
	pthread_join(thread, NULL);
	event_free(end);
	evhttp_free(http);
	event_base_free(base);
	close(end_fd);
	close(stop_fd);
	free(bytes);
	ks_tally_free(&tally);
}

static void stop_when_enough(void *ctx, const struct ks_viewer_news *news)
{
	const struct ks_tally *t = news->tally;

	(void)ctx;
	if (t->frames >= enough || t->bad >= enough || t->errors >= enough)
		eventfd_write(stop_fd, 1);
}

/* Watches until `n` of anything came. */
static void watch(const char *what, uint64_t n)
{
	char url[128];
	struct ks_viewer_settings settings = { .url = url, .channel = "main", .rendition = "std",
					       .poll_us = 20 * KS_US_PER_MS, .run_us = DEADLINE_US, .stop_fd = stop_fd };

	enough = n;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/%s", port, what);
	ck_assert_int_eq(ks_viewer_run(&settings, &tally, stop_when_enough, NULL), KS_EOK);
}

START_TEST(good)
{
	watch("good", 10);
	ck_assert_uint_ge(tally.frames, 10);
	ck_assert_uint_eq(tally.frames, tally.distinct);
	ck_assert_uint_eq(tally.bad, 0);
	ck_assert_uint_eq(tally.backwards, 0);
	ck_assert_uint_eq(tally.errors, 0);
	ck_assert_uint_eq(tally.responses, tally.frames + tally.empty);
	ck_assert_int_eq(connections, 1);
	ck_assert_int_ge(ks_tally_age_us(&tally, 0), 100 * KS_US_PER_MS);
	ck_assert(ks_tally_share(&tally, "odd") + ks_tally_share(&tally, "even") > 0.999);
	ck_assert(ks_tally_share(&tally, "odd") > 0);
}
END_TEST

START_TEST(cut)
{
	watch("cut", 2);
	ck_assert_uint_ge(tally.bad_by[KS_PICTURE_CUT], 2);
	ck_assert_uint_eq(tally.bad_by[KS_PICTURE_CUT], tally.bad);
	ck_assert_uint_eq(tally.frames, 0);
}
END_TEST

START_TEST(wrong_id)
{
	watch("wrong-id", 2);
	ck_assert_uint_ge(tally.bad_by[KS_PICTURE_ID], 2);
	ck_assert_uint_eq(tally.frames, 0);
}
END_TEST

START_TEST(flipped)
{
	watch("flipped", 2);
	ck_assert_uint_ge(tally.bad, 2);
	ck_assert_uint_eq(tally.frames, 0);
}
END_TEST

START_TEST(backwards)
{
	watch("backwards", 5);
	ck_assert_uint_eq(tally.distinct, 1);
	ck_assert_uint_eq(tally.backwards, tally.frames - 1);
	ck_assert_uint_eq(tally.bad, 0);
}
END_TEST

START_TEST(refuses)
{
	watch("refuses", 2);
	ck_assert_uint_ge(tally.errors, 2);
	ck_assert_uint_eq(tally.responses, 0);
	ck_assert_uint_eq(tally.bad, 0);
	/* Backing off keeps a failing server from being asked at full speed. */
	ck_assert_uint_lt(tally.errors, 30);
}
END_TEST

START_TEST(huge_body)
{
	watch("huge-body", 1);
	ck_assert_uint_ge(tally.bad_by[KS_PICTURE_TOO_LARGE], 1);
}
END_TEST

START_TEST(huge_head)
{
	watch("huge-head", 1);
	ck_assert_uint_ge(tally.bad_by[KS_PICTURE_HEAD], 1);
}
END_TEST

START_TEST(nobody_there)
{
	struct ks_viewer_settings settings = { .url = "http://127.0.0.1:1/live", .channel = "main", .rendition = "std",
					       .poll_us = KS_US_PER_S, .run_us = KS_US_PER_S, .stop_fd = -1 };

	ck_assert_int_eq(ks_viewer_run(&settings, &tally, NULL, NULL), KS_EOK);
	ck_assert_uint_ge(tally.errors, 1);
	ck_assert_uint_eq(tally.bad, 0);
}
END_TEST

START_TEST(endless_url)
{
	static char url[KS_VIEWER_URL_MAX];
	struct ks_viewer_settings settings = { .url = url, .channel = "main", .rendition = "std",
					       .poll_us = KS_US_PER_S, .run_us = KS_US_PER_S, .stop_fd = -1 };

	memset(url, 'a', sizeof(url) - 1);
	ck_assert_int_eq(ks_viewer_run(&settings, &tally, NULL, NULL), KS_ELIMIT);
}
END_TEST

int main(void)
{
	/* The server writes on when the client has had enough. */
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	Suite *suite = suite_create("watch");
	TCase *tc = tcase_create("watch");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, good);
	tcase_add_test(tc, cut);
	tcase_add_test(tc, wrong_id);
	tcase_add_test(tc, flipped);
	tcase_add_test(tc, backwards);
	tcase_add_test(tc, refuses);
	tcase_add_test(tc, huge_body);
	tcase_add_test(tc, huge_head);
	tcase_add_test(tc, nobody_there);
	tcase_add_test(tc, endless_url);
	suite_add_tcase(suite, tc);
	sigaction(SIGPIPE, &ignore, NULL);
	return unit_run(suite);
}
