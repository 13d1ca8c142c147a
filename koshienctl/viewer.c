/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "koshienctl/viewer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <sodium.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"

#define CONNECT_TIMEOUT_MS 2000L
#define ANSWER_TIMEOUT_MS 5000L
#define NEXT_MARGIN_US (20 * KS_US_PER_MS)	/* after the next picture is due */
#define OVERDUE_US (50 * KS_US_PER_MS)		/* between requests for a live picture that is late */
#define BACKOFF_FIRST_US (250 * KS_US_PER_MS)
#define BACKOFF_MAX_US (5 * KS_US_PER_S)
#define BACKOFF_MIN_US (20 * KS_US_PER_MS)

struct viewer {
	const struct ks_viewer_settings *settings;
	struct ks_tally *tally;
	CURLM *multi;
	CURL *easy;
	bool asking;			/* easy is under way in multi */
	int64_t ask_at_us;		/* the next request, unless asking */
	int64_t backoff_us;		/* the longest pause after the next failure; 0: no failure yet */

	struct ks_answer answer;
	bool head_too_large, body_too_large;
	uint8_t *body;			/* KS_JPEG_MAX */
	size_t body_len;

	char served_by[KS_ANSWER_VALUE_MAX];
	char trouble[KS_VIEWER_TROUBLE_MAX];
};

static size_t on_head(char *line, size_t size, size_t n, void *ctx)
{
	struct viewer *v = ctx;

	if (ks_answer_line(&v->answer, line, size * n))
		return size * n;
	v->head_too_large = true;
	return 0;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *ctx)
{
	struct viewer *v = ctx;
	size_t len = size * n;

	if (len > KS_JPEG_MAX - v->body_len) {
		v->body_too_large = true;
		return 0;
	}
	memcpy(v->body + v->body_len, bytes, len);
	v->body_len += len;
	return len;
}

static int ask(struct viewer *v)
{
	const struct ks_viewer_settings *s = v->settings;
	char url[KS_VIEWER_URL_MAX], id[KS_FRAME_ID_TEXT];
	bool first = v->tally->distinct == 0;
	int n = snprintf(url, sizeof(url), "%s/%s/%s/latest.jpg%s%s", s->url, s->channel, s->rendition,
			 first ? "" : "?after=", first ? "" : ks_frame_id_format(v->tally->newest.id, id));

	if (n < 0 || (size_t)n >= sizeof(url)) {
		ks_error("watch", "the URL is longer than %d bytes", KS_VIEWER_URL_MAX - 1);
		return KS_ELIMIT;
	}
	v->answer = (struct ks_answer){ .status = 0 };
	v->head_too_large = v->body_too_large = false;
	v->body_len = 0;
	if (curl_easy_setopt(v->easy, CURLOPT_URL, url) != CURLE_OK ||
	    curl_multi_add_handle(v->multi, v->easy) != CURLM_OK)
		return -ENOMEM;
	v->asking = true;
	return KS_EOK;
}

/* A failure makes the next request wait, for a random time below a bound that doubles (full jitter). */
static void fail(struct viewer *v, int64_t now_us)
{
	v->backoff_us = v->backoff_us == 0 ? BACKOFF_FIRST_US : 2 * v->backoff_us;
	if (v->backoff_us > BACKOFF_MAX_US)
		v->backoff_us = BACKOFF_MAX_US;
	v->ask_at_us = now_us + BACKOFF_MIN_US + randombytes_uniform((uint32_t)v->backoff_us);
}

static void take_bad(struct viewer *v, enum ks_verdict verdict, enum ks_jpeg_fault fault)
{
	ks_tally_bad(v->tally, verdict);
	snprintf(v->trouble, sizeof(v->trouble), "bad picture: %s%s%s", ks_verdict_names[verdict],
		 fault != KS_JPEG_GOOD ? " " : "", fault != KS_JPEG_GOOD ? ks_jpeg_fault_names[fault] : "");
}

static void take_picture(struct viewer *v, int64_t now_us)
{
	uint64_t backwards = v->tally->backwards;
	struct ks_picture picture;
	enum ks_jpeg_fault fault;
	enum ks_verdict verdict = ks_picture_judge(&v->answer, v->body, v->body_len, v->settings->channel,
						  v->settings->rendition, &picture, &fault);
	char id[KS_FRAME_ID_TEXT];

	if (verdict != KS_PICTURE_GOOD) {
		take_bad(v, verdict, fault);
		return;
	}
	ks_tally_picture(v->tally, &picture, ks_wall_us(&ks_clock_system) - picture.captured_us, now_us);
	if (v->tally->backwards != backwards)
		snprintf(v->trouble, sizeof(v->trouble), "went back to %s", ks_frame_id_format(picture.id, id));
}

/* The server says when its next picture is due; a late one is asked for more often while the camera lives. */
static void plan(struct viewer *v, int64_t now_us)
{
	int64_t pause_us = v->settings->poll_us;
	uint64_t next_ms;

	if (ks_answer_number(&v->answer, KS_HEADER_NEXT, KS_PERIOD_MAX_MS, &next_ms)) {
		int64_t next_us = (int64_t)next_ms * KS_US_PER_MS + NEXT_MARGIN_US;

		if (next_ms == 0 && strcmp(v->answer.value[KS_HEADER_STATE], "live") == 0)
			next_us = OVERDUE_US;
		else if (next_ms == 0)
			next_us = pause_us;
		if (next_us < pause_us)
			pause_us = next_us;
	}
	v->ask_at_us = now_us + pause_us;
}

/* A picture that began and did not end is worse than none: it is what must not leave a server. */
static void take_failure(struct viewer *v, CURLcode code, int64_t now_us)
{
	if (v->head_too_large) {
		take_bad(v, KS_PICTURE_HEAD, KS_JPEG_GOOD);
	} else if (v->body_too_large) {
		take_bad(v, KS_PICTURE_TOO_LARGE, KS_JPEG_GOOD);
	} else if (v->answer.status == 200 && (code == CURLE_PARTIAL_FILE || v->body_len > 0)) {
		take_bad(v, KS_PICTURE_CUT, KS_JPEG_GOOD);
	} else {
		ks_tally_error(v->tally);
		snprintf(v->trouble, sizeof(v->trouble), "%s", curl_easy_strerror(code));
	}
	fail(v, now_us);
}

static void take_answer(struct viewer *v, CURLcode code, int64_t now_us)
{
	const struct ks_answer *answer = &v->answer;
	bool answered = answer->status == 200 || answer->status == 204;

	if (answered)
		ks_tally_response(v->tally, answer->value[KS_HEADER_SERVED_BY], v->body_len);
	memcpy(v->served_by, answer->value[KS_HEADER_SERVED_BY], sizeof(v->served_by));
	if (code != CURLE_OK) {
		take_failure(v, code, now_us);
		return;
	}
	if (!answered) {
		ks_tally_error(v->tally);
		snprintf(v->trouble, sizeof(v->trouble), "status %d", answer->status);
		fail(v, now_us);
		return;
	}
	if (answer->status == 200)
		take_picture(v, now_us);
	else
		ks_tally_empty(v->tally);
	v->backoff_us = 0;
	plan(v, now_us);
}

static void step(struct viewer *v)
{
	CURLMsg *message;
	int n;

	if (curl_multi_perform(v->multi, &n) != CURLM_OK)
		ks_warn("watch", "libcurl cannot go on with the request");
	while ((message = curl_multi_info_read(v->multi, &n)) != NULL) {
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_multi_remove_handle(v->multi, v->easy);
		v->asking = false;
		take_answer(v, code, ks_mono_us(&ks_clock_system));
	}
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Until something comes in, the stop, or until_us; true when it is the stop. */
static bool wait(struct viewer *v, int64_t now_us, int64_t until_us)
{
	struct curl_waitfd stop = { .fd = v->settings->stop_fd, .events = CURL_WAIT_POLLIN };
	int64_t us = until_us > now_us ? until_us - now_us : 0;

	curl_multi_poll(v->multi, &stop, stop.fd >= 0 ? 1 : 0, (int)((us + KS_US_PER_MS - 1) / KS_US_PER_MS), NULL);
	return stop.revents != 0;
}

static int loop(struct viewer *v, ks_viewer_tell *tell, void *ctx)
{
	int64_t now_us = ks_mono_us(&ks_clock_system), tell_at_us = now_us + KS_US_PER_S;
	int64_t end_us = v->settings->run_us > 0 ? now_us + v->settings->run_us : INT64_MAX;
	bool stop = false;

	for (v->ask_at_us = now_us; !stop && now_us < end_us; now_us = ks_mono_us(&ks_clock_system)) {
		int err = !v->asking && now_us >= v->ask_at_us ? ask(v) : KS_EOK;

		if (err != KS_EOK)
			return err;
		if (v->asking)
			step(v);
		if (now_us >= tell_at_us) {
			if (tell != NULL)
				tell(ctx, &(struct ks_viewer_news){ v->tally, now_us, v->served_by, v->trouble });
			v->trouble[0] = '\0';
			tell_at_us += KS_US_PER_S * (1 + (now_us - tell_at_us) / KS_US_PER_S);
		}
		stop = wait(v, ks_mono_us(&ks_clock_system),
			    least(least(end_us, tell_at_us), v->asking ? INT64_MAX : v->ask_at_us));
	}
	return KS_EOK;
}

static bool set_up(struct viewer *v)
{
	CURL *easy = v->easy;

	return v->body != NULL && v->multi != NULL && easy != NULL &&
	       curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, ANSWER_TIMEOUT_MS) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_USERAGENT, "koshienctl/" PACKAGE_VERSION) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERDATA, v) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, v) == CURLE_OK;
}

int ks_viewer_run(const struct ks_viewer_settings *settings, struct ks_tally *tally, ks_viewer_tell *tell, void *ctx)
{
	struct viewer v = { .settings = settings, .tally = tally };
	int err = -ENOMEM;

	if (sodium_init() >= 0 && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
		v.body = malloc(KS_JPEG_MAX);
		v.multi = curl_multi_init();
		v.easy = curl_easy_init();
		if (set_up(&v))
			err = loop(&v, tell, ctx);
	}
	if (v.asking)
		curl_multi_remove_handle(v.multi, v.easy);
	curl_easy_cleanup(v.easy);
	if (v.multi != NULL)
		curl_multi_cleanup(v.multi);
	curl_global_cleanup();
	free(v.body);
	if (err != KS_EOK)
		ks_error("watch", "cannot run: %s", ks_strerror(err));
	return err;
}
