/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/lent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_portable.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_connection.h>
#include <http_core.h>
#include <http_ssl.h>
#include <mpm_common.h>
#include <util_filter.h>

#include "mod_sentry/connection.h"

/* A loan that is not the pump's yet. */
struct offer {
	struct ks_pump *pump;
	const struct ks_site *site;
	request_rec *r;
	char *host;		/* behind the bytes */
	size_t len;
	char bytes[];
};

struct ks_lent {
	struct ks_carrier carrier;
	conn_rec *c;
	apr_bucket_brigade *in, *out;
	struct offer *offer;
	bool owes;		/* of what was taken the last byte is kept back in words, until all is in the socket */
};

static struct ks_lent *lent_of(struct ks_carrier *carrier)
{
	_Static_assert(offsetof(struct ks_lent, carrier) == 0, "a carrier is what is lent");
	return (struct ks_lent *)carrier;
}

conn_rec *ks_lent_connection(struct ks_carrier *carrier)
{
	return lent_of(carrier)->c;
}

/* --- which ones -------------------------------------------------------------------------------------------------- */

bool ks_lent_may(conn_rec *c)
{
	const char *verified;

	if (!ap_ssl_conn_is_ssl(c) || c->cs == NULL || c->clogging_input_filters)
		return false;
	verified = ap_ssl_var_lookup(c->pool, c->base_server, c, NULL, "SSL_CLIENT_VERIFY");
	return verified == NULL || verified[0] == '\0' || strcmp(verified, "NONE") == 0;
}

/* --- receiving ---------------------------------------------------------------------------------------------------- */

static ssize_t receive(struct ks_carrier *carrier, char *bytes, size_t room)
{
	struct ks_lent *lent = lent_of(carrier);
	apr_size_t len = room;
	apr_status_t rv = ap_get_brigade(lent->c->input_filters, lent->in, AP_MODE_READBYTES, APR_NONBLOCK_READ,
					 (apr_off_t)room);

	if (rv == APR_SUCCESS)
		rv = apr_brigade_flatten(lent->in, bytes, &len);
	apr_brigade_cleanup(lent->in);
	if (rv == APR_SUCCESS && len > 0)
		return (ssize_t)len;
	if (rv != APR_SUCCESS && !APR_STATUS_IS_EAGAIN(rv) && !APR_STATUS_IS_EINTR(rv))
		return 0;	/* an end, or one that was not said properly: it is the same to us */
	errno = EAGAIN;
	return -1;
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

/* What httpd's last filter keeps is written now, as far as there is room. False when nobody is there. */
static bool push(const struct ks_lent *lent)
{
	ap_filter_t *last = lent->c->output_filters;

	while (last->next != NULL)
		last = last->next;
	return last->frec->filter_func.out_func(last, NULL) == APR_SUCCESS && !lent->c->aborted;
}

static bool is_full(const struct ks_lent *lent)
{
	return lent->c->data_in_output_filters != 0;
}

/* Where one is in the pieces. */
struct place {
	const struct iovec *pieces;
	int n, i;
	size_t at;
};

static size_t total_of(const struct iovec *pieces, int n)
{
	size_t total = 0;

	for (int i = 0; i < n; i++)
		total += pieces[i].iov_len;
	return total;
}

/* The next bytes, as many as a record has, in one piece: mod_ssl makes a record of its own of each small one, or copies
 * it. What is in one piece already is not copied. */
static size_t next_record(struct place *p, char buffer[KS_LENT_RECORD_MAX], const char **bytes)
{
	size_t len = 0;

	while (p->i < p->n && p->at == p->pieces[p->i].iov_len) {
		p->i++;
		p->at = 0;
	}
	if (p->i < p->n && (p->pieces[p->i].iov_len - p->at >= KS_LENT_RECORD_MAX || p->i + 1 == p->n)) {
		const struct iovec *piece = &p->pieces[p->i];

		len = piece->iov_len - p->at;
		if (len > KS_LENT_RECORD_MAX)
			len = KS_LENT_RECORD_MAX;
		*bytes = (const char *)piece->iov_base + p->at;
		p->at += len;
		return len;
	}
	*bytes = buffer;
	for (; p->i < p->n && len < KS_LENT_RECORD_MAX; p->i++, p->at = 0) {
		size_t more = p->pieces[p->i].iov_len - p->at;

		if (more > KS_LENT_RECORD_MAX - len)
			more = KS_LENT_RECORD_MAX - len;
		memcpy(buffer + len, (const char *)p->pieces[p->i].iov_base + p->at, more);
		len += more;
		p->at += more;
		if (p->at < p->pieces[p->i].iov_len)
			break;
	}
	return len;
}

static bool pass(struct ks_lent *lent, const char *bytes, size_t len)
{
	apr_bucket_alloc_t *alloc = lent->c->bucket_alloc;
	apr_status_t rv;

	APR_BRIGADE_INSERT_TAIL(lent->out, apr_bucket_transient_create(bytes, len, alloc));
	/* Without anything behind it, mod_ssl would keep a small one until there is more. */
	APR_BRIGADE_INSERT_TAIL(lent->out, apr_bucket_eos_create(alloc));
	rv = ap_pass_brigade(lent->c->output_filters, lent->out);
	apr_brigade_cleanup(lent->out);
	return rv == APR_SUCCESS && !lent->c->aborted;
}

static ssize_t fail(int error)
{
	errno = error;
	return -1;
}

/* Record by record, until the socket is full: what is not in it then is in memory, and is one record at most. */
static ssize_t send_pieces(struct ks_carrier *carrier, const struct iovec *pieces, int n)
{
	struct ks_lent *lent = lent_of(carrier);
	struct place place = { .pieces = pieces, .n = n };
	size_t total = total_of(pieces, n), taken = 0;
	char buffer[KS_LENT_RECORD_MAX];

	if (is_full(lent) && !push(lent))
		return fail(EPIPE);
	if (is_full(lent))
		return fail(EAGAIN);
	if (lent->owes) {	/* for the one byte that is left of it */
		lent->owes = false;
		return 1;
	}
	while (taken < total && !is_full(lent)) {
		const char *bytes;
		size_t len = next_record(&place, buffer, &bytes);

		if (!pass(lent, bytes, len) || !push(lent))
			return fail(EPIPE);
		taken += len;
	}
	lent->owes = taken == total && is_full(lent);
	taken -= lent->owes;
	return taken > 0 ? (ssize_t)taken : fail(EAGAIN);
}

static void end(struct ks_carrier *carrier)
{
	struct ks_lent *lent = lent_of(carrier);

	APR_BRIGADE_INSERT_TAIL(lent->out, ap_bucket_eoc_create(lent->c->bucket_alloc));
	ap_pass_brigade(lent->c->output_filters, lent->out);
	apr_brigade_cleanup(lent->out);
	push(lent);
}

/* With all that is in its pool: the socket, the filters, the carrier itself. The MPM's books are kept by a cleanup. */
static void close_connection(struct ks_carrier *carrier)
{
	apr_pool_destroy(lent_of(carrier)->c->pool);
}

static const struct ks_carrier_ops carrier_ops = { receive, send_pieces, end, close_connection };

/* --- lending ------------------------------------------------------------------------------------------------------ */

/* The MPM closes a connection instead, when that was aborted meanwhile. */
static apr_status_t forget_offer(void *lent)
{
	free(((struct ks_lent *)lent)->offer);
	return APR_SUCCESS;
}

static struct ks_lent *lend(conn_rec *c, struct ks_connection *connection)
{
	struct ks_lent *lent = connection->lent;

	if (lent != NULL)
		return lent;
	lent = connection->lent = apr_pcalloc(c->pool, sizeof(*lent));
	lent->carrier.ops = &carrier_ops;
	lent->c = c;
	apr_pool_cleanup_register(c->pool, lent, forget_offer, apr_pool_cleanup_null);
	lent->in = apr_brigade_create(c->pool, c->bucket_alloc);
	lent->out = apr_brigade_create(c->pool, c->bucket_alloc);
	return lent;
}

bool ks_lent_offer(request_rec *r, struct ks_pump *pump, const struct ks_site *site, const char *host,
		   const char *bytes, size_t len)
{
	struct offer *offer = malloc(sizeof(*offer) + len + strlen(host) + 1);

	if (offer == NULL)
		return false;
	*offer = (struct offer){ .pump = pump, .site = site, .r = r, .host = offer->bytes + len, .len = len };
	memcpy(offer->bytes, bytes, len);
	strcpy(offer->host, host);
	lend(r->connection, ks_connection_of(r->connection))->offer = offer;
	return true;
}

/* It counts the time of a request that it believes to be under way. It comes back by itself when httpd answers. */
static void remove_reqtimeout(conn_rec *c)
{
	module *reqtimeout = ap_find_linked_module("mod_reqtimeout.c");
	ap_filter_t *f, *next;

	for (f = c->input_filters; f != NULL; f = next) {
		next = f->next;
		if (strcasecmp(f->frec->name, "reqtimeout") == 0)
			ap_remove_input_filter(f);
	}
	for (f = c->output_filters; f != NULL; f = next) {
		next = f->next;
		if (strcasecmp(f->frec->name, "reqtimeout") == 0)
			ap_remove_output_filter(f);
	}
	if (reqtimeout != NULL)
		ap_set_module_config(c->conn_config, reqtimeout, NULL);
}

/* The last that the MPM's thread does with a connection that it suspends; also with each that waits for a request. */
static void suspended(conn_rec *c, request_rec *unused)
{
	struct ks_connection *connection = ks_connection_of(c);
	struct ks_lent *lent = connection != NULL ? connection->lent : NULL;
	struct offer *offer = lent != NULL ? lent->offer : NULL;
	apr_os_sock_t fd;

	(void)unused;
	if (offer == NULL)
		return;
	lent->offer = NULL;
	apr_pool_destroy(offer->r->pool);	/* nobody logs: the pump does */
	remove_reqtimeout(c);
	lent->carrier.settled_us = ks_mono_us(&ks_clock_system) + KS_LENT_SETTLE_US;
	/* As the caller does when we return, which may be too late for who answers a request on it. */
	c->sbh = NULL;
	apr_os_sock_get(&fd, ap_get_conn_socket(c));
	ks_pump_lend(offer->pump, offer->site, fd, &lent->carrier, offer->host, offer->bytes, offer->len);
	free(offer);
}

void ks_lent_register(void)
{
	ap_hook_suspend_connection(suspended, NULL, NULL, APR_HOOK_REALLY_LAST);
}
