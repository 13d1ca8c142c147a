/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/answer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <apr_buckets.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

#include "mod_sentry/counters.h"
#include "mod_sentry/handover.h"
#include "mod_sentry/unavailable.h"

#define STATUS_NOTE "koshien-503"
#define STATUS_LINE_503 " 503 Service Unavailable" CRLF

static ap_filter_rec_t *status_filter;

void ks_answer_header(struct ks_request *q, const char *name, const char *value)
{
	apr_table_setn(q->r->headers_out, name, value);
}

void ks_answer_number(struct ks_request *q, const char *name, int64_t value)
{
	ks_answer_header(q, name, apr_off_t_toa(q->r->pool, value));
}

/* httpd closes every connection on which it answers 503 (ap_status_drops_connection), which turns a camera
 * that failed into all its viewers connecting anew, every few seconds. So httpd takes the answer for a 200
 * until the log line is written, and this filter, right behind the one that writes heads, puts the true status
 * into the first line. */
static apr_status_t write_status(ap_filter_t *f, apr_bucket_brigade *bb)
{
	apr_bucket_brigade *line = apr_brigade_create(f->r->pool, f->c->bucket_alloc);
	apr_status_t rv = apr_brigade_split_line(line, bb, APR_BLOCK_READ, HUGE_STRING_LEN);
	char version[sizeof("HTTP/1.1") - 1];
	apr_size_t len = sizeof(version);

	ap_remove_output_filter(f);
	if (rv == APR_SUCCESS)
		rv = apr_brigade_flatten(line, version, &len);
	if (rv != APR_SUCCESS)
		return rv;
	apr_brigade_cleanup(line);
	apr_brigade_write(line, NULL, NULL, version, len);
	apr_brigade_write(line, NULL, NULL, STATUS_LINE_503, sizeof(STATUS_LINE_503) - 1);
	APR_BRIGADE_PREPEND(bb, line);
	return ap_pass_brigade(f->next, bb);
}

/* A handed over request is the pump's to log. */
static int log_status(request_rec *r)
{
	if (ks_handover_done(r))
		return DONE;
	if (apr_table_get(r->notes, STATUS_NOTE) != NULL)
		r->status = HTTP_SERVICE_UNAVAILABLE;
	return DECLINED;
}

void ks_answer_register(void)
{
	ap_hook_log_transaction(log_status, NULL, NULL, APR_HOOK_FIRST);
	status_filter = ap_register_output_filter("KS_SENTRY_STATUS", write_status, NULL, AP_FTYPE_PROTOCOL);
}

/* Streams of mod_http2 have no connection of their own to lose; HTTP/0.9 has no head. */
static bool needs_status_filter(const request_rec *r, int status)
{
	return status == HTTP_SERVICE_UNAVAILABLE && r->connection->master == NULL && !r->assbackwards;
}

/* `body` may be NULL. */
static int send_answer(struct ks_request *q, int status, apr_bucket *body, size_t len)
{
	request_rec *r = q->r;
	apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);

	if (body != NULL) {
		ap_set_content_length(r, (apr_off_t)len);
		APR_BRIGADE_INSERT_TAIL(bb, body);
	}
	APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(bb->bucket_alloc));
	r->status = status;
	if (needs_status_filter(r, status)) {
		r->status = HTTP_OK;
		apr_table_setn(r->notes, STATUS_NOTE, "");
		ap_add_output_filter_handle(status_filter, NULL, r, r->connection);
	}
	ks_counters_answered(q->counted, status, r->header_only ? 0 : len);
	/* What cannot be written is the connection's to see; the request is over either way. */
	ap_pass_brigade(r->output_filters, bb);
	return OK;
}

static int send_words(struct ks_request *q, int status, const char *format, va_list ap)
{
	const char *text = apr_pstrcat(q->r->pool, apr_pvsprintf(q->r->pool, format, ap), "\n", NULL);
	size_t len = strlen(text);

	ap_set_content_type(q->r, "text/plain; charset=utf-8");
	if (apr_table_get(q->r->headers_out, "Cache-Control") == NULL)
		ks_answer_header(q, "Cache-Control", "no-store");
	return send_answer(q, status, apr_bucket_pool_create(text, len, q->r->pool, q->r->connection->bucket_alloc),
			   len);
}

int ks_answer_words(struct ks_request *q, int status, const char *format, ...)
{
	va_list ap;
	int rc;

	va_start(ap, format);
	rc = send_words(q, status, format, ap);
	va_end(ap);
	return rc;
}

int ks_answer_unavailable(struct ks_request *q, const char *format, ...)
{
	va_list ap;
	int rc;

	ks_answer_number(q, "Retry-After", KS_RETRY_AFTER_S + ap_random_pick(0, KS_RETRY_SPREAD_S));
	va_start(ap, format);
	rc = send_words(q, HTTP_SERVICE_UNAVAILABLE, format, ap);
	va_end(ap);
	return rc;
}

bool ks_answer_open(struct ks_answer_text *text)
{
	text->text = NULL;
	text->out = open_memstream(&text->text, &text->len);
	return text->out != NULL;
}

int ks_answer_text(struct ks_request *q, int status, const char *type, struct ks_answer_text *text)
{
	if (fclose(text->out) != 0) {
		free(text->text);
		return HTTP_INTERNAL_SERVER_ERROR;
	}
	ap_set_content_type(q->r, type);
	return send_answer(q, status,
			   apr_bucket_heap_create(text->text, text->len, free, q->r->connection->bucket_alloc),
			   text->len);
}

static apr_status_t drop_picture(void *picture)
{
	ks_picture_unref(picture);
	return APR_SUCCESS;
}

void ks_answer_hold(struct ks_request *q, struct ks_picture *picture)
{
	apr_pool_cleanup_register(q->r->pool, picture, drop_picture, apr_pool_cleanup_null);
}

int ks_answer_picture(struct ks_request *q, struct ks_picture *picture)
{
	const char *jpeg = (const char *)ks_picture_ref(picture)->jpeg;
	apr_bucket *body;
	int unmet;

	ks_answer_header(q, "ETag", picture->etag);
	ap_set_content_type(q->r, "image/jpeg");
	/* httpd would cut the range out of it, Accept-Ranges or not; half a picture is of no use to anybody. */
	apr_table_unset(q->r->headers_in, "Range");
	unmet = ap_meets_conditions(q->r);
	if (unmet != OK) {
		ks_picture_unref(picture);
		/* httpd would leave out what modules add to answers; a 304 stands for the 200 (RFC 9110 section 15.4.5). */
		if (unmet == HTTP_NOT_MODIFIED)
			return ks_answer_empty(q, unmet);
		ks_counters_answered(q->counted, unmet, 0);
		return unmet;
	}
	body = apr_bucket_heap_create(jpeg, picture->len, ks_picture_unref_jpeg, q->r->connection->bucket_alloc);
	return send_answer(q, HTTP_OK, body, picture->len);
}

int ks_answer_empty(struct ks_request *q, int status)
{
	return send_answer(q, status, NULL, 0);
}
