/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "mod_sentry/counters.h"
#include "mod_sentry/pump/pump_private.h"
#include "mod_sentry/unavailable.h"
#include "mod_sentry/url.h"

/* --- sending ----------------------------------------------------------------------------------------------------- */

static const char *end_of_picture(const struct ks_viewer *v)
{
	return v->stream ? ks_head_part_end(v->early) : "";
}

/* What is to be sent of picture and what ends it, from `sent` on; returns how many pieces. */
static int body_pieces(const struct ks_viewer *v, const struct ks_picture *picture, size_t sent, struct iovec *iov)
{
	const char *end = end_of_picture(v);
	size_t tail = strlen(end);
	int n = 0;

	if (sent < picture->len)
		iov[n++] = (struct iovec){ (void *)(uintptr_t)(picture->jpeg + sent), picture->len - sent };
	sent = sent > picture->len ? sent - picture->len : 0;
	if (sent < tail)
		iov[n++] = (struct iovec){ (void *)(uintptr_t)(end + sent), tail - sent };
	return n;
}

/* Keeps what the socket did not take: the head's rest as a copy, the picture as a reference. */
static enum ks_outcome keep(struct ks_pump *pump, struct ks_viewer *v, const char *head, size_t head_len,
			 struct ks_picture *picture, size_t sent)
{
	if (sent < head_len) {
		v->rest = malloc(head_len - sent);
		if (v->rest == NULL)
			return KS_OUT_GONE;
		memcpy(v->rest, head + sent, head_len - sent);
		v->rest_len = head_len - sent;
		v->rest_at = 0;
	}
	v->picture = ks_picture_ref(picture);
	v->sent = sent > head_len ? sent - head_len : 0;
	v->cut_us = pump->now_us + KS_PUMP_ANSWER_US;
	return KS_OUT_PART;
}

/* `picture` may be NULL: a head alone. */
static enum ks_outcome send_answer(struct ks_pump *pump, struct ks_viewer *v, const struct ks_head *head,
				struct ks_picture *picture)
{
	struct iovec iov[3] = { { (void *)(uintptr_t)head->text, head->len } };
	size_t len = head->len;
	ssize_t sent;
	int n = 1;

	if (picture != NULL) {
		n += body_pieces(v, picture, 0, iov + 1);
		len += picture->len + strlen(end_of_picture(v));
	}
	sent = ks_line_send(v, iov, n);
	if (sent < 0)
		return KS_OUT_GONE;
	return (size_t)sent == len ? KS_OUT_SENT : keep(pump, v, head->text, head->len, picture, (size_t)sent);
}

void ks_pump_drop_rest(struct ks_viewer *v)
{
	free(v->rest);
	v->rest = NULL;
	v->rest_len = v->rest_at = 0;
	ks_picture_unref(v->picture);
	v->picture = NULL;
	v->sent = 0;
}

enum ks_outcome ks_pump_send_rest(struct ks_viewer *v)
{
	struct iovec iov[3];
	size_t left, head = v->rest_len - v->rest_at;
	ssize_t sent;
	int n = 0;

	if (head > 0)
		iov[n++] = (struct iovec){ v->rest + v->rest_at, head };
	left = head;
	if (v->picture != NULL) {
		n += body_pieces(v, v->picture, v->sent, iov + n);
		left += v->picture->len + strlen(end_of_picture(v)) - v->sent;
	}
	sent = ks_line_send(v, iov, n);
	if (sent < 0)
		return KS_OUT_GONE;
	if ((size_t)sent == left) {
		ks_pump_drop_rest(v);
		return KS_OUT_SENT;
	}
	v->rest_at += (size_t)sent < head ? (size_t)sent : head;
	v->sent += (size_t)sent > head ? (size_t)sent - head : 0;
	return KS_OUT_PART;
}

/* --- what is answered ------------------------------------------------------------------------------------------- */

/* What an answer is about. */
struct about {
	struct ks_feed *feed;		/* whose picture it is */
	struct ks_freshness f;
	struct ks_span request;		/* for the log; at NULL: it has been logged */
};

/* Under load those who poll are told to come for every other picture. */
static struct ks_freshness freshness_of(const struct ks_pump *pump, const struct ks_feed *feed)
{
	struct ks_freshness f = ks_freshness_of(feed->picture, &feed->site->patience, pump->now_us, pump->wall_us);

	if (feed->picture != NULL && pump->load.stage >= KS_LOAD_EASE)
		f.next_ms += feed->picture->m.period_ms;
	return f;
}

/* Under more load a smaller rendition stands in, unless it is behind. */
static struct ks_feed *shown_for(struct ks_feed *feed)
{
	struct ks_feed *smaller = feed->smaller;

	if (smaller == NULL || smaller->picture == NULL || feed->picture == NULL ||
	    ks_frame_id_cmp(smaller->picture->m.id, feed->picture->m.id) < 0)
		return feed;
	return smaller;
}

static struct about about_newest(const struct ks_pump *pump, const struct ks_viewer *v, struct ks_span request)
{
	struct ks_feed *feed = shown_for(v->feed);

	return (struct about){ feed, freshness_of(pump, feed), request };
}

/* Counts and logs. */
static void note(struct ks_pump *pump, const struct ks_viewer *v, const struct about *about, int status, size_t body,
		 size_t len)
{
	ks_counters_answered(about->feed->counted, status, body);
	if (pump->ops.answered != NULL && about->request.at != NULL)
		pump->ops.answered(pump->ops.log_ctx, &(struct ks_pump_answered){
			v->site, about->request, v->fd, status, body, len });
}

/* `picture` is the body, NULL when there is none. */
static enum ks_outcome deliver(struct ks_pump *pump, struct ks_viewer *v, const struct about *about, int status,
			       const struct ks_head *head, struct ks_picture *picture)
{
	size_t body = picture != NULL ? picture->len : 0;

	note(pump, v, about, status, body, head->len + body);
	return send_answer(pump, v, head, picture);
}

static enum ks_outcome send_latest(struct ks_pump *pump, struct ks_viewer *v, const struct about *about)
{
	struct ks_picture *picture = about->feed->picture;
	const struct ks_head *head = &pump->head;

	v->after = picture->m.id;
	if (!v->close)
		head = ks_feed_head(about->feed, v->keep_alive, &about->f, pump->now_us, pump->date);
	else
		ks_head_write(&pump->head, &(struct ks_head_about){ .site = v->site, .picture = picture,
								     .f = about->f, .close = true,
								     .date = pump->date });
	return deliver(pump, v, about, 200, head, v->head ? NULL : picture);
}

/* All other answers; `picture` need not be the newest when they are immutable. */
static enum ks_outcome send_other(struct ks_pump *pump, struct ks_viewer *v, const struct about *about,
				  enum ks_head_status status, struct ks_picture *picture, bool immutable)
{
	bool body = status == KS_HEAD_200 && !v->head;

	ks_head_write(&pump->head, &(struct ks_head_about){ .site = v->site, .picture = picture, .f = about->f,
							     .status = status, .immutable = immutable,
							     .keep_alive = v->keep_alive, .close = v->close,
							     .date = pump->date });
	return deliver(pump, v, about, ks_head_status_of(status), &pump->head, body ? picture : NULL);
}

/* That what was asked for is not to be shown, and why. A whole audience may hear this in one moment, when all that
 * waited for a picture have waited in vain; httpd, to which all other errors go, has a few threads for it. */
static enum ks_outcome send_unavailable(struct ks_pump *pump, struct ks_viewer *v, const struct about *about)
{
	const struct ks_feed *feed = about->feed;
	unsigned retry_after_s = KS_RETRY_AFTER_S + pump->retries++ % (KS_RETRY_SPREAD_S + 1);
	char words[KS_UNAVAILABLE_TEXT + 1];
	size_t len;

	ks_unavailable_words(words, ks_copies_channel(feed->copies), ks_copies_rendition(feed->copies), feed->error,
			     &about->f);
	strcat(words, "\n");
	len = v->head ? 0 : strlen(words);
	ks_head_write_unavailable(&pump->head, &(struct ks_head_about){ .site = v->site, .keep_alive = v->keep_alive,
									  .close = v->close, .date = pump->date },
				  words, retry_after_s);
	memcpy(pump->head.text + pump->head.len, words, len);
	pump->head.len += len;
	note(pump, v, about, ks_head_status_of(KS_HEAD_503), len, pump->head.len);
	return send_answer(pump, v, &pump->head, NULL);
}

static enum ks_outcome send_part(struct ks_pump *pump, struct ks_viewer *v, const struct about *about)
{
	struct ks_picture *picture = about->feed->picture;

	v->after = picture->m.id;
	ks_head_write_part(&pump->head, &(struct ks_head_about){ .site = v->site, .picture = picture, .f = about->f },
			   v->early);
	return deliver(pump, v, about, 200, &pump->head, picture);
}

/* --- how a request is answered ----------------------------------------------------------------------------------- */

/* RFC 9110 section 13.1.2, for what browsers send: the one tag they have. A list, a star or a weak tag that has ours in
 * it is httpd's to judge. */
enum condition { CONDITION_NONE, CONDITION_SAME, CONDITION_UNCLEAR };

static enum condition condition_of(const struct ks_request_head *request, const struct ks_picture *picture)
{
	struct ks_span value = request->if_none_match;
	size_t len = strlen(picture->etag);

	if (value.at == NULL)
		return CONDITION_NONE;
	if (value.len == len && memcmp(value.at, picture->etag, len) == 0)
		return CONDITION_SAME;
	if (memchr(value.at, '*', value.len) != NULL || memmem(value.at, value.len, picture->etag, len) != NULL)
		return CONDITION_UNCLEAR;
	return CONDITION_NONE;
}

/* Keeps for the log what was asked. */
static void keep_asked(struct ks_pump *pump, struct ks_viewer *v, struct ks_span request)
{
	if (pump->ops.answered == NULL || (v->asked = malloc(request.len)) == NULL)
		return;
	memcpy(v->asked, request.at, request.len);
	v->asked_len = request.len;
}

static void forget_asked(struct ks_viewer *v)
{
	free(v->asked);
	v->asked = NULL;
}

static enum ks_outcome wait_for_next(struct ks_pump *pump, struct ks_viewer *v, const struct ks_request_head *request,
				     const struct ks_url *url)
{
	uint32_t ms = url->wait_ms < v->site->wait_max_ms ? url->wait_ms : v->site->wait_max_ms;

	v->after = url->after;
	v->wait_us = (int64_t)ms * KS_US_PER_MS;
	keep_asked(pump, v, request->whole);
	return KS_OUT_WAIT;
}

/* Under load it is as if every other picture were not here yet, for those who would wait for it. */
static bool has_nothing_new(const struct ks_pump *pump, struct ks_frame_id id, const struct ks_url *url)
{
	if (!url->has_after)
		return false;
	if (pump->load.stage >= KS_LOAD_SKIP && url->wait_ms > 0 && ks_feed_skips(id) && id.epoch == url->after.epoch &&
	    id.seq == url->after.seq + 1)
		return true;
	return ks_frame_id_cmp(id, url->after) <= 0;
}

static bool may_wait(const struct ks_pump *pump, const struct ks_viewer *v, const struct ks_url *url)
{
	return url->wait_ms > 0 && v->site->wait_max_ms > 0 && pump->may_wait && !atomic_load(&pump->draining);
}

/* Without a picture there is nothing to be said: that may be many things, and httpd says which. */
static enum ks_outcome answer_unavailable(struct ks_pump *pump, struct ks_viewer *v, struct ks_span request)
{
	struct about about = { v->feed, freshness_of(pump, v->feed), request };

	return about.f.state == KS_STATE_DEAD ? send_unavailable(pump, v, &about) : KS_OUT_NOT_OURS;
}

static enum ks_outcome answer_latest(struct ks_pump *pump, struct ks_viewer *v,
				     const struct ks_request_head *request, const struct ks_url *url)
{
	struct about about = about_newest(pump, v, request->whole);
	struct ks_picture *picture = about.feed->picture;

	if (!ks_freshness_shows(&about.f))
		return answer_unavailable(pump, v, request->whole);
	if (has_nothing_new(pump, picture->m.id, url))
		return may_wait(pump, v, url) ? wait_for_next(pump, v, request, url) :
						send_other(pump, v, &about, KS_HEAD_204, picture, false);
	switch (condition_of(request, picture)) {
	case CONDITION_UNCLEAR:
		return KS_OUT_NOT_OURS;
	case CONDITION_SAME:
		return send_other(pump, v, &about, KS_HEAD_304, picture, false);
	case CONDITION_NONE:
		break;
	}
	return send_latest(pump, v, &about);
}

/* A picture by its name, with a reference; NULL when it is not here. */
static struct ks_picture *find_picture(struct ks_pump *pump, const struct ks_feed *feed, struct ks_frame_id id)
{
	struct ks_picture *picture = NULL;

	if (feed->picture != NULL && ks_frame_id_cmp(feed->picture->m.id, id) == 0)
		return ks_picture_ref(feed->picture);
	return ks_copies_find(feed->copies, id, pump->now_us, &picture) == KS_EOK ? picture : NULL;
}

static enum ks_outcome answer_frame(struct ks_pump *pump, struct ks_viewer *v, const struct ks_request_head *request,
				    const struct ks_url *url)
{
	struct about about = { v->feed, { 0 }, request->whole };
	struct ks_picture *picture = find_picture(pump, v->feed, url->id);
	enum condition condition;
	enum ks_outcome outcome = KS_OUT_NOT_OURS;

	if (picture == NULL)
		return KS_OUT_NOT_OURS;
	condition = condition_of(request, picture);
	if (condition != CONDITION_UNCLEAR)
		outcome = send_other(pump, v, &about, condition == CONDITION_SAME ? KS_HEAD_304 : KS_HEAD_200, picture,
				     true);
	ks_picture_unref(picture);
	return outcome;
}

/* The head goes out with the first part. */
static enum ks_outcome answer_stream(struct ks_pump *pump, struct ks_viewer *v, const struct ks_request_head *request)
{
	struct about about = about_newest(pump, v, request->whole);
	struct ks_picture *picture = about.feed->picture;

	if (!ks_freshness_shows(&about.f))
		return answer_unavailable(pump, v, request->whole);
	if (atomic_load(&pump->draining))
		return KS_OUT_NOT_OURS;
	v->close = true;
	ks_head_write_stream(&pump->head, v->site, pump->date);
	if (v->head)
		return deliver(pump, v, &about, 200, &pump->head, NULL);
	v->stream = true;
	v->early = request->images;
	v->wait_us = v->site->patience.dead_us;
	v->after = picture->m.id;
	ks_head_add_first_part(&pump->head,
			       &(struct ks_head_about){ .site = v->site, .picture = picture, .f = about.f }, v->early);
	return deliver(pump, v, &about, 200, &pump->head, picture);
}

enum ks_outcome ks_pump_answer_released(struct ks_pump *pump, struct ks_viewer *v)
{
	struct about about = about_newest(pump, v, (struct ks_span){ v->asked, v->asked_len });
	enum ks_outcome outcome;

	if (v->stream)
		outcome = send_part(pump, v, &about);
	else if (ks_freshness_shows(&about.f))
		outcome = send_latest(pump, v, &about);
	else
		outcome = send_unavailable(pump, v, &about);
	forget_asked(v);
	return outcome;
}

enum ks_outcome ks_pump_answer_nothing(struct ks_pump *pump, struct ks_viewer *v)
{
	struct about about = { v->feed, freshness_of(pump, v->feed), { v->asked, v->asked_len } };
	enum ks_outcome outcome;

	/* The wait may have outlived what it was for. */
	if (ks_freshness_shows(&about.f))
		outcome = send_other(pump, v, &about, KS_HEAD_204, v->feed->picture, false);
	else
		outcome = send_unavailable(pump, v, &about);
	forget_asked(v);
	return outcome;
}

enum ks_outcome ks_pump_refuse(struct ks_pump *pump, struct ks_viewer *v, enum ks_head_status status)
{
	ks_counters_answered(0, ks_head_status_of(status), ks_head_write_refusal(&pump->head, status, pump->date));
	return send_answer(pump, v, &pump->head, NULL);
}

/* --- where a request leads ------------------------------------------------------------------------------------- */

static struct ks_feed *known_feed(struct ks_pump *pump, struct ks_viewer *v, struct ks_span path)
{
	struct ks_feed *feed;

	for (feed = pump->feeds; feed != NULL; feed = feed->next)
		if (feed->site == v->site && path.len > feed->prefix_len &&
		    memcmp(path.at, feed->prefix, feed->prefix_len) == 0)
			return feed;
	return NULL;
}

struct ks_feed *ks_pump_open_feed(struct ks_pump *pump, const struct ks_site *site, struct ks_copies *copies)
{
	struct ks_feed *feed;

	for (feed = pump->feeds; feed != NULL; feed = feed->next)
		if (feed->site == site && feed->copies == copies)
			return feed;
	if (pump->n_feeds == KS_PUMP_FEEDS_MAX)
		return NULL;
	feed = ks_feed_new(site, copies, pump->wake, pump->now_us);
	if (feed == NULL)
		return NULL;
	feed->next = pump->feeds;
	pump->feeds = feed;
	pump->n_feeds++;
	return feed;
}

static struct ks_feed *open_feed(struct ks_pump *pump, struct ks_viewer *v, struct ks_span path)
{
	char text[sizeof(pump->input)];
	struct ks_copies *copies;
	struct ks_url url;
	const char *why;

	memcpy(text, path.at, path.len);
	text[path.len] = '\0';
	if (ks_url_parse(text, NULL, &url, &why) != KS_EOK || url.rendition[0] == '\0' ||
	    url.base_len != v->site->mount_len || memcmp(path.at, v->site->mount, url.base_len) != 0)
		return NULL;
	copies = ks_stores_find(pump->stores, v->site->store, url.channel, url.rendition, pump->now_us);
	return copies != NULL ? ks_pump_open_feed(pump, v->site, copies) : NULL;
}

/* Most requests are for what the one before was for. */
static bool find_feed(struct ks_pump *pump, struct ks_viewer *v, struct ks_span path)
{
	struct ks_feed *feed = v->feed;

	if (feed == NULL || path.len <= feed->prefix_len || memcmp(path.at, feed->prefix, feed->prefix_len) != 0)
		feed = known_feed(pump, v, path);
	if (feed == NULL)
		feed = open_feed(pump, v, path);
	if (feed != NULL)
		v->feed = feed;
	return feed != NULL;
}

static bool same_host(const struct ks_viewer *v, const struct ks_request_head *request)
{
	return request->host.len == v->host_len && memcmp(request->host.at, v->host, v->host_len) == 0;
}

enum ks_outcome ks_pump_answer(struct ks_pump *pump, struct ks_viewer *v, const struct ks_request_head *request)
{
	const char *mark = memchr(request->target.at, '?', request->target.len);
	struct ks_span path = { request->target.at, request->target.len }, query = { NULL, 0 };
	struct ks_url url;
	const char *why;

	if (mark != NULL) {
		path.len = (size_t)(mark - path.at);
		query = (struct ks_span){ mark + 1, request->target.len - path.len - 1 };
	}
	if (v->site->doorstep || !same_host(v, request) || !find_feed(pump, v, path) ||
	    ks_url_parse_file(path.at + v->feed->prefix_len, path.len - v->feed->prefix_len, query.at, query.len, &url,
			      &why) != KS_EOK)
		return KS_OUT_NOT_OURS;
	v->head = request->head;
	v->keep_alive = request->keep_alive;
	v->close = request->close || atomic_load(&pump->draining);
	switch (url.kind) {
	case KS_URL_LATEST:
		return answer_latest(pump, v, request, &url);
	case KS_URL_FRAME:
		return answer_frame(pump, v, request, &url);
	case KS_URL_STREAM:
		return answer_stream(pump, v, request);
	default:
		return KS_OUT_NOT_OURS;
	}
}
