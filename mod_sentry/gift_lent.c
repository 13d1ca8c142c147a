/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/gift.h"

#include <sys/socket.h>

#include <http_connection.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "mod_sentry/connection.h"
#include "mod_sentry/given.h"
#include "mod_sentry/lent.h"

static ap_filter_rec_t *unread_filter;

/* What is unread comes before what is in the filter behind. Its buckets are memory, so nothing here waits for them. */
static apr_status_t read_unread(struct ks_gift *gift, apr_bucket_brigade *bb, ap_input_mode_t mode, apr_off_t readbytes)
{
	apr_bucket *e;
	apr_status_t rv;

	if (mode == AP_MODE_GETLINE)
		return apr_brigade_split_line(bb, gift->unread, APR_NONBLOCK_READ, HUGE_STRING_LEN);
	rv = apr_brigade_partition(gift->unread, readbytes, &e);
	if (rv != APR_SUCCESS && rv != APR_INCOMPLETE)
		return rv;
	for (apr_bucket *at = APR_BRIGADE_FIRST(gift->unread), *next; at != e; at = next) {
		next = APR_BUCKET_NEXT(at);
		if (mode == AP_MODE_SPECULATIVE) {
			rv = apr_bucket_copy(at, &at);
			if (rv != APR_SUCCESS)
				return rv;
		} else {
			APR_BUCKET_REMOVE(at);
		}
		APR_BRIGADE_INSERT_TAIL(bb, at);
	}
	return APR_SUCCESS;
}

/* Blank lines before a request (RFC 9112 section 2.2). */
static void eat_line_ends(struct ks_gift *gift)
{
	while (!APR_BRIGADE_EMPTY(gift->unread)) {
		apr_bucket *e = APR_BRIGADE_FIRST(gift->unread);
		const char *bytes;
		apr_size_t len, n;

		if (apr_bucket_read(e, &bytes, &len, APR_NONBLOCK_READ) != APR_SUCCESS)
			return;
		for (n = 0; n < len && (bytes[n] == '\r' || bytes[n] == '\n'); n++)
			;
		if (n > 0 && n < len)
			apr_bucket_split(e, n);
		if (n > 0 || len == 0)
			apr_bucket_delete(e);
		if (n < len)
			return;
	}
}

/* httpd keeps answers back while requests are behind them. Not by ap_flush_conn(), which tells TLS that this is the
 * end. */
static void flush(conn_rec *c)
{
	apr_bucket_brigade *bb = apr_brigade_create(c->pool, c->bucket_alloc);

	APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_flush_create(c->bucket_alloc));
	ap_pass_brigade(c->output_filters, bb);
	apr_brigade_destroy(bb);
}

static apr_status_t read_lent(ap_filter_t *f, apr_bucket_brigade *bb, ap_input_mode_t mode, apr_read_type_e block,
			      apr_off_t readbytes)
{
	struct ks_gift *gift = f->ctx;
	bool between = gift->between;

	if (mode == AP_MODE_INIT)
		return ap_get_brigade(f->next, bb, mode, block, readbytes);
	gift->between = false;
	if (between && gift->requests > 1 && mode == AP_MODE_GETLINE) {
		flush(f->c);
		gift->returns = true;
		return APR_EOF;
	}
	if (mode == AP_MODE_EATCRLF)
		eat_line_ends(gift);
	if (APR_BRIGADE_EMPTY(gift->unread))
		return ap_get_brigade(f->next, bb, mode, block, readbytes);
	return mode == AP_MODE_EATCRLF ? APR_SUCCESS : read_unread(gift, bb, mode, readbytes);
}

/* Once it is over, one way or the other, it is as it was when the pump had it. */
static void run_lent(struct ks_gift *gift, apr_thread_t *thread, conn_rec *c)
{
	ap_filter_t *filter;

	gift->unread = apr_brigade_create(c->pool, c->bucket_alloc);
	APR_BRIGADE_INSERT_TAIL(gift->unread,
				apr_bucket_transient_create(gift->bytes, gift->len, c->bucket_alloc));
	filter = ap_add_input_filter_handle(unread_filter, gift, NULL, c);
	ks_connection_of(c)->gift = gift;
	c->current_thread = thread;
	c->clogging_input_filters = 1;
	c->cs->state = CONN_STATE_PROCESSING;
	ap_run_process_connection(c);
	c->cs->state = CONN_STATE_SUSPENDED;
	c->clogging_input_filters = 0;
	c->current_thread = NULL;
	ks_connection_of(c)->gift = NULL;
	ap_remove_input_filter(filter);
}

/* With what is unread; the pump reads on itself. False: it is at its end. */
static bool return_lent(struct ks_gift *gift, conn_rec *c)
{
	char bytes[KS_PUMP_INPUT_MAX];
	apr_size_t len = sizeof(bytes);
	bool whole = apr_brigade_flatten(gift->unread, bytes, &len) == APR_SUCCESS;

	apr_brigade_destroy(gift->unread);
	/* Each time leaves a little behind in the connection's memory. */
	return whole && gift->returns && !c->aborted && !c->data_in_output_filters &&
	       ++ks_connection_of(c)->gifts < KS_GIVEN_TIMES_MAX &&
	       ks_pump_take_back(gift->given->pump, gift->site, gift->fd, gift->carrier, gift->host, bytes, len);
}

void ks_gift_serve_lent(struct ks_gift *gift, apr_thread_t *thread)
{
	conn_rec *c = ks_lent_connection(gift->carrier);

	run_lent(gift, thread, c);
	if (return_lent(gift, c))
		return;
	if (!c->aborted)
		flush(c);
	gift->carrier->ops->end(gift->carrier);
	shutdown(gift->fd, SHUT_WR);
	ks_pump_linger(gift->given->pump, gift->fd, gift->carrier);
}

void ks_gift_register(void)
{
	/* In front of what decrypts. */
	unread_filter = ap_register_input_filter("KS_SENTRY_UNREAD", read_lent, NULL, AP_FTYPE_CONNECTION);
}
