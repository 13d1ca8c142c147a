/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/serve.h"

#include <apr_strings.h>

#include "lib/base/error.h"
#include "mod_sentry/counters.h"
#include "mod_sentry/given.h"
#include "mod_sentry/handover.h"
#include "mod_sentry/hold.h"
#include "mod_sentry/unavailable.h"

#define EXPOSED "ETag, Frame-Age, Frame-Captured, Frame-Id, Frame-Next, Frame-Period, Frame-Placeholder, " \
		"Frame-Spread, Frame-State, Retry-After, Server-Timing"

void ks_serve_constants(struct ks_request *q)
{
	ks_answer_header(q, "X-Content-Type-Options", "nosniff");
	if (q->config.cors) {
		ks_answer_header(q, "Access-Control-Allow-Origin", "*");
		ks_answer_header(q, "Access-Control-Expose-Headers", EXPOSED);
		ks_answer_header(q, "Cross-Origin-Resource-Policy", "cross-origin");
	}
	if (q->config.timing)
		ks_answer_header(q, "Timing-Allow-Origin", "*");
}

int ks_serve_preflight(struct ks_request *q)
{
	ks_answer_header(q, "Allow", "GET, HEAD, OPTIONS");
	if (q->config.cors) {
		ks_answer_header(q, "Access-Control-Allow-Methods", "GET, HEAD, OPTIONS");
		ks_answer_header(q, "Access-Control-Allow-Headers", "Cache-Control, If-None-Match");
		ks_answer_header(q, "Access-Control-Max-Age", "86400");
	}
	return ks_answer_empty(q, HTTP_NO_CONTENT);
}

static int unavailable(struct ks_request *q, int error, const struct ks_freshness *f)
{
	char text[KS_UNAVAILABLE_TEXT];

	return ks_answer_unavailable(q, "%s", ks_unavailable_words(text, q->url.channel, q->url.rendition, error, f));
}

int ks_serve_unknown(struct ks_request *q)
{
	struct ks_copies *any[KS_STORES_MAX];

	if (ks_stores_list(q->stores, q->config.store, NULL, q->mono_us, any) == 0)
		return ks_answer_unavailable(q, "No channel has a picture yet.");
	return ks_answer_words(q, HTTP_NOT_FOUND, "There is no channel %s%s%s.", q->url.channel,
			       q->url.rendition[0] != '\0' ? " with a rendition " : "", q->url.rendition);
}

/* NULL when the URL names nothing we know; then *rc is the handler's result. */
static struct ks_copies *find(struct ks_request *q, int *rc)
{
	struct ks_copies *copies = ks_stores_find(q->stores, q->config.store, q->url.channel, q->url.rendition,
						  q->mono_us);

	if (copies != NULL)
		q->counted = ks_copies_counted(copies);
	else
		*rc = ks_serve_unknown(q);
	return copies;
}

/* What does not change as long as the picture exists: all that an immutable URL may say. */
static void constant_headers(struct ks_request *q, const struct ks_picture *picture)
{
	ks_answer_header(q, "Accept-Ranges", "none");
	ks_answer_header(q, "Frame-Id", picture->id);
	ks_answer_header(q, "Frame-Captured", picture->captured_ms);
	if ((picture->m.flags & KS_FRAME_PLACEHOLDER) != 0)
		ks_answer_header(q, "Frame-Placeholder", "1");
}

static void live_headers(struct ks_request *q, const struct ks_picture *picture, const struct ks_freshness *f)
{
	constant_headers(q, picture);
	ks_answer_number(q, "Frame-Age", f->age_ms);
	ks_answer_header(q, "Frame-Period", picture->period_ms);
	ks_answer_number(q, "Frame-Next", f->next_ms);
	ks_answer_header(q, "Frame-State", ks_state_names[f->state]);
	ks_answer_number(q, "Frame-Spread", q->config.spread_us / KS_US_PER_MS);
	if (q->config.timing)
		ks_answer_header(q, "Server-Timing",
				 apr_pstrcat(q->r->pool, "arrive;dur=",
					     apr_off_t_toa(q->r->pool, f->age_ms - f->held_ms), ", held;dur=",
					     apr_off_t_toa(q->r->pool, f->held_ms), NULL));
}

/* Nobody waits in the few threads for what the pump has given back whole. */
static bool may_hold(const struct ks_request *q)
{
	return ks_given_may_hold(q->r->connection) && ks_hold_enter();
}

static bool is_shown(const struct ks_request *q, const struct ks_picture *picture)
{
	struct ks_freshness f = ks_freshness_of(picture, &q->patience, q->mono_us, q->wall_us);

	return ks_freshness_shows(&f);
}

/* As long as the request allows, there is something to wait after, and a thread to be held. */
static struct ks_picture *wait_for_next(struct ks_request *q, struct ks_copies *copies, struct ks_picture *picture,
					int *error)
{
	int64_t wait_us = (int64_t)q->url.wait_ms * KS_US_PER_MS;

	if (wait_us > q->config.wait_us)
		wait_us = q->config.wait_us;
	if (!is_shown(q, picture) || !q->url.has_after || wait_us == 0 ||
	    ks_frame_id_cmp(picture->m.id, q->url.after) > 0 || !may_hold(q))
		return picture;
	picture = ks_hold_for_next(q, copies, picture, q->mono_us + wait_us, error);
	ks_hold_leave();
	return picture;
}

int ks_serve_latest(struct ks_request *q)
{
	struct ks_picture *picture;
	struct ks_freshness f;
	int rc, error;
	struct ks_copies *copies = find(q, &rc);

	if (copies == NULL)
		return rc;
	picture = wait_for_next(q, copies, ks_copies_newest(copies, q->mono_us, &error), &error);
	f = ks_freshness_of(picture, &q->patience, q->mono_us, q->wall_us);
	if (picture != NULL)
		ks_answer_hold(q, picture);
	if (!ks_freshness_shows(&f))
		return unavailable(q, error, &f);
	live_headers(q, picture, &f);
	if (q->url.has_after && ks_frame_id_cmp(picture->m.id, q->url.after) <= 0) {
		ks_answer_header(q, "Cache-Control", KS_CACHE_NEVER);
		return ks_answer_empty(q, HTTP_NO_CONTENT);
	}
	ks_handover_learn(q->handover, q, picture, &f);
	ks_answer_header(q, "Cache-Control", f.state == KS_STATE_LIVE ? KS_CACHE_LIVE : KS_CACHE_NEVER);
	return ks_answer_picture(q, picture);
}

/* Until the asked one is due, going by the newest. */
static int64_t due_in_ms(const struct ks_picture *newest, const struct ks_freshness *f, struct ks_frame_id id)
{
	if (newest == NULL)
		return 0;
	if (id.epoch != newest->m.id.epoch || id.seq <= newest->m.id.seq)
		return f->next_ms;
	return f->next_ms + (int64_t)(id.seq - newest->m.id.seq - 1) * newest->m.period_ms;
}

static int not_held(struct ks_request *q, int err, const struct ks_picture *newest, const struct ks_freshness *f)
{
	int64_t due_ms = due_in_ms(newest, f, q->url.id);
	char id[KS_FRAME_ID_TEXT];

	ks_frame_id_format(q->url.id, id);
	if (err == KS_EGONE) {
		ks_answer_header(q, "Cache-Control", KS_CACHE_GONE);
		return ks_answer_words(q, HTTP_GONE, "Picture %s is no longer held.", id);
	}
	ks_answer_number(q, "Retry-After", due_ms > 1000 ? (due_ms + 999) / 1000 : 1);
	ks_answer_number(q, "Frame-Next", due_ms);
	return ks_answer_words(q, HTTP_NOT_FOUND, "Picture %s does not exist yet.", id);
}

int ks_serve_frame(struct ks_request *q)
{
	struct ks_picture *newest, *picture;
	struct ks_freshness f;
	int rc, error, err;
	struct ks_copies *copies = find(q, &rc);

	if (copies == NULL)
		return rc;
	newest = ks_copies_newest(copies, q->mono_us, &error);
	f = ks_freshness_of(newest, &q->patience, q->mono_us, q->wall_us);
	if (newest != NULL)
		ks_answer_hold(q, newest);
	err = ks_copies_find(copies, q->url.id, q->mono_us, &picture);
	if (err == KS_EOK) {
		ks_answer_hold(q, picture);
		constant_headers(q, picture);
		ks_answer_header(q, "Cache-Control", KS_CACHE_FRAME);
		return ks_answer_picture(q, picture);
	}
	if (err == KS_ENOTYET || err == KS_EGONE)
		return not_held(q, err, newest, &f);
	return unavailable(q, err == KS_ENODATA ? error : err, &f);
}

int ks_serve_stream(struct ks_request *q)
{
	struct ks_picture *picture;
	struct ks_freshness f;
	int rc, error;
	struct ks_copies *copies = find(q, &rc);

	if (copies == NULL)
		return rc;
	picture = ks_copies_newest(copies, q->mono_us, &error);
	f = ks_freshness_of(picture, &q->patience, q->mono_us, q->wall_us);
	if (picture != NULL)
		ks_answer_hold(q, picture);
	if (!ks_freshness_shows(&f))
		return unavailable(q, error, &f);
	if (!may_hold(q))
		return ks_answer_unavailable(q, "As many streams as may be are open here.");
	rc = ks_serve_parts(q, copies, picture);
	ks_hold_leave();
	return rc;
}
