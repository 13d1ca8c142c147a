/* SPDX-License-Identifier: Apache-2.0
 *
 * stream.mjpg over connections that the pump does not have: a thread of httpd for each, as long as some may be held.
 */
#include <stddef.h>	/* before APR, which makes do without offsetof() otherwise */
#include <string.h>

#include <apr_buckets.h>
#include <apr_strings.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "lib/base/error.h"
#include "mod_sentry/counters.h"
#include "mod_sentry/hold.h"
#include "mod_sentry/pump/head.h"
#include "mod_sentry/pump/request.h"
#include "mod_sentry/serve.h"

struct stream {
	struct ks_request *q;
	struct ks_copies *copies;
	apr_bucket_brigade *bb;
	bool early;	/* see pump/head.h */
};

static void put_text(struct stream *s, const char *text, apr_size_t len)
{
	APR_BRIGADE_INSERT_TAIL(s->bb, apr_bucket_heap_create(text, len, NULL, s->bb->bucket_alloc));
}

/* A slow client makes this wait, and gets the newest picture next: others are skipped. */
static bool send_part(struct stream *s, struct ks_picture *picture, const struct ks_freshness *f)
{
	request_rec *r = s->q->r;
	struct ks_head head;

	ks_head_write_part(&head, &(struct ks_head_about){ .picture = picture, .f = *f }, s->early);
	put_text(s, head.text, head.len);
	ks_counters_answered(s->q->counted, HTTP_OK, picture->len);
	APR_BRIGADE_INSERT_TAIL(s->bb, apr_bucket_heap_create((const char *)ks_picture_ref(picture)->jpeg, picture->len,
							     ks_picture_unref_jpeg, s->bb->bucket_alloc));
	put_text(s, ks_head_part_end(s->early), strlen(ks_head_part_end(s->early)));
	APR_BRIGADE_INSERT_TAIL(s->bb, apr_bucket_flush_create(s->bb->bucket_alloc));
	if (ap_pass_brigade(r->output_filters, s->bb) != APR_SUCCESS || r->connection->aborted)
		return false;
	apr_brigade_cleanup(s->bb);
	return true;
}

static struct ks_freshness freshness_of(const struct stream *s, const struct ks_picture *picture)
{
	return ks_freshness_of(picture, &s->q->patience, s->q->mono_us, s->q->wall_us);
}

/* Until the client goes, the channel is dead, or the child stops. Takes over the reference. */
static void send_parts(struct stream *s, struct ks_picture *picture)
{
	struct ks_freshness f = freshness_of(s, picture);
	bool more = true;
	int error;

	while (more) {
		s->q->url.after = picture->m.id;
		if (!send_part(s, picture, &f))
			break;
		picture = ks_hold_for_next(s->q, s->copies, picture, s->q->mono_us + s->q->patience.dead_us,
					   &error);
		f = freshness_of(s, picture);
		more = ks_freshness_shows(&f) && ks_frame_id_cmp(picture->m.id, s->q->url.after) > 0;
	}
	ks_picture_unref(picture);
}

static bool takes_images(const request_rec *r)
{
	const char *accept = apr_table_get(r->headers_in, "Accept");

	return accept != NULL && ks_request_takes_images(accept, strlen(accept));
}

int ks_serve_parts(struct ks_request *q, struct ks_copies *copies, struct ks_picture *picture)
{
	request_rec *r = q->r;
	struct stream s = { q, copies, apr_brigade_create(r->pool, r->connection->bucket_alloc), takes_images(r) };
	const char *end = ks_head_part_end(s.early);

	/* Without a length, its end is the connection's: in chunks, some players would not know it. */
	if (r->connection->master == NULL)
		r->connection->keepalive = AP_CONN_CLOSE;
	ks_answer_header(q, "Accept-Ranges", "none");
	ks_answer_header(q, "Cache-Control", KS_CACHE_NEVER);
	ap_set_content_type(r, ks_head_stream_type);
	if (!r->header_only) {
		put_text(&s, end + KS_HEAD_LINE_END, strlen(end) - KS_HEAD_LINE_END);
		send_parts(&s, ks_picture_ref(picture));
		apr_brigade_cleanup(s.bb);
	}
	APR_BRIGADE_INSERT_TAIL(s.bb, apr_bucket_eos_create(s.bb->bucket_alloc));
	ap_pass_brigade(r->output_filters, s.bb);
	return OK;
}
