/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/handover.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <apr_portable.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <http_ssl.h>
#include <util_filter.h>

#include "lib/base/log.h"
#include "mod_sentry/given.h"
#include "mod_sentry/lent.h"
#include "mod_sentry/template.h"

#define DONE_NOTE "koshien-handed-over"
#define HEAD_BYTES_MAX 8192	/* of httpd's own heads that are looked at */

APLOG_USE_MODULE(sentry);

/* One location of one server, asked about once. */
struct entry {
	const server_rec *server;
	const char *mount;
	const struct ks_site *site;	/* NULL: stays with httpd */
};

struct ks_handover {
	struct ks_pump *pump;
	const struct ks_conditions *conditions;
	apr_thread_mutex_t *lock;	/* of the entries, and of the pool */
	apr_pool_t *pool;
	struct entry entries[KS_SITES_MAX];
	size_t n;
};

/* What an answer's head is held against on its way out. */
struct lesson {
	struct ks_handover *handover;
	struct ks_site site;		/* without extras */
	struct ks_head ours;
};

static ap_filter_rec_t *learn_filter;

struct ks_handover *ks_handover_new(apr_pool_t *pool, struct ks_pump *pump, const struct ks_conditions *conditions)
{
	struct ks_handover *h = apr_pcalloc(pool, sizeof(*h));

	if (apr_thread_mutex_create(&h->lock, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS ||
	    apr_pool_create(&h->pool, pool) != APR_SUCCESS)
		return NULL;
	h->pump = pump;
	h->conditions = conditions;
	return h;
}

/* --- which ones -------------------------------------------------------------------------------------------------- */

/* The name of the first filter that may do something to a picture which the template does not show; NULL: none. */
static const char *harmful(const ap_filter_t *filter)
{
	static const char *const names[] = {
		"byterange", "content_length", "core", "core_in", "fixup_headers_err", "fixup_headers_out", "http_header",
		"http_in", "http_outerror", "ks_sentry_return", "log_input_output", "reqtimeout",
		"ssl/tls coalescing filter", "ssl/tls filter",
	};

	for (; filter != NULL; filter = filter->next) {
		bool known = strncasecmp(filter->frec->name, "bytype:", 7) == 0;

		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !known; i++)
			known = strcasecmp(filter->frec->name, names[i]) == 0;
		if (!known)
			return filter->frec->name;
	}
	return NULL;
}

bool ks_handover_harmless(const ap_filter_t *filters)
{
	return harmful(filters) == NULL;
}

static const char *field(const request_rec *r, const char *name)
{
	return apr_table_get(r->headers_in, name);
}

/* For one answer it is not worth while, unless that takes its time. */
static bool stays_open(const struct ks_request *q)
{
	const char *connection = field(q->r, "Connection");

	if (connection == NULL || strcasecmp(connection, "keep-alive") == 0)
		return true;
	return strcasecmp(connection, "close") == 0 && (q->url.kind == KS_URL_STREAM || q->url.wait_ms > 0);
}

/* An HTTP/1.1 connection of its own, and a request without anything behind it. */
static bool may_go(const request_rec *r)
{
	const conn_rec *c = r->connection;

	return c->master == NULL && r->main == NULL && r->prev == NULL && r->proto_num >= HTTP_VERSION(1, 1) &&
	       c->keepalive != AP_CONN_CLOSE && r->server->keep_alive && !c->aborted && !c->data_in_output_filters &&
	       r->user == NULL && field(r, "Host") != NULL && r->parsed_uri.path != NULL &&
	       strcmp(r->parsed_uri.path, r->uri) == 0 && harmful(r->output_filters) == NULL &&
	       harmful(r->input_filters) == NULL;
}

static bool is_tls(const struct ks_request *q)
{
	return ap_ssl_conn_is_ssl(q->r->connection);
}

static bool is_picture(const struct ks_url *url)
{
	return url->kind == KS_URL_LATEST || url->kind == KS_URL_FRAME || url->kind == KS_URL_STREAM;
}

static bool wanted(const struct ks_request *q)
{
	return q->config.pump && is_picture(&q->url) && stays_open(q) && may_go(q->r) &&
	       !ks_given_first(q->r->connection) && (!is_tls(q) || ks_lent_may(q->r->connection));
}

/* Called with the lock. */
static struct entry *find(struct ks_handover *h, const server_rec *server, const char *mount, size_t len)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->entries[i].server == server && strncmp(h->entries[i].mount, mount, len) == 0 &&
		    h->entries[i].mount[len] == '\0')
			return &h->entries[i];
	return NULL;
}

/* Called with the lock. */
static void enter(struct ks_handover *h, const server_rec *server, const char *mount, const struct ks_site *site)
{
	if (h->n < KS_SITES_MAX)
		h->entries[h->n++] = (struct entry){ server, mount, site };
}

/* NULL when there is none; *known says whether that is for good. */
static const struct ks_site *site_of(struct ks_handover *h, const struct ks_request *q, bool *known)
{
	struct entry *entry;
	const struct ks_site *site = NULL;

	apr_thread_mutex_lock(h->lock);
	entry = find(h, q->r->server, q->r->uri, q->url.base_len);
	*known = entry != NULL || h->n == KS_SITES_MAX;
	if (entry != NULL)
		site = entry->site;
	apr_thread_mutex_unlock(h->lock);
	return site;
}

/* --- the way over ------------------------------------------------------------------------------------------------- */

static int duplicate_socket(conn_rec *c)
{
	apr_os_sock_t fd;

	if (apr_os_sock_get(&fd, ap_get_conn_socket(c)) != APR_SUCCESS)
		return -1;
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static bool let_go(conn_rec *c, int fd, bool taken)
{
	if (!taken) {
		close(fd);
		return false;
	}
	/* httpd thinks that nobody is there: it closes its descriptor, and neither writes nor shuts the socket down. */
	c->aborted = 1;
	c->keepalive = AP_CONN_CLOSE;
	return true;
}

bool ks_handover_give(struct ks_pump *pump, conn_rec *c, const struct ks_site *site, const char *host,
		      const char *bytes, apr_size_t len)
{
	int fd = duplicate_socket(c);

	return fd >= 0 && let_go(c, fd, ks_pump_take(pump, site, fd, NULL, host, bytes, len));
}

bool ks_handover_return(struct ks_pump *pump, conn_rec *c, const struct ks_site *site, const char *host,
			const char *bytes, apr_size_t len)
{
	int fd = duplicate_socket(c);

	return fd >= 0 && let_go(c, fd, ks_pump_take_back(pump, site, fd, NULL, host, bytes, len));
}

struct text {
	char *at;
	apr_size_t len, max;
	bool full;
};

static void append(struct text *text, const char *more)
{
	apr_size_t len = strlen(more);

	text->full = text->full || len > text->max - text->len;
	if (text->full)
		return;
	memcpy(text->at + text->len, more, len);
	text->len += len;
}

static int append_field(void *ctx, const char *name, const char *value)
{
	append(ctx, name);
	append(ctx, ": ");
	append(ctx, value);
	append(ctx, "\r\n");
	return 1;
}

/* The head as it came, or as near as httpd has kept it. */
static void append_head(struct text *text, const request_rec *r)
{
	append(text, r->the_request);
	append(text, "\r\n");
	apr_table_do(append_field, text, r->headers_in, NULL);
	append(text, "\r\n");
}

/* What httpd has read beyond the head, or could read now. */
static void append_rest(struct text *text, request_rec *r)
{
	conn_rec *c = r->connection;
	apr_bucket_brigade *bb = apr_brigade_create(r->pool, c->bucket_alloc);
	apr_size_t len = text->max - text->len;

	if (ap_get_brigade(c->input_filters, bb, AP_MODE_READBYTES, APR_NONBLOCK_READ, (apr_off_t)len) == APR_SUCCESS &&
	    apr_brigade_flatten(bb, text->at + text->len, &len) == APR_SUCCESS)
		text->len += len;
	apr_brigade_cleanup(bb);
}

static bool hand_over(struct ks_handover *h, const struct ks_request *q, const struct ks_site *site,
		      struct ks_span host, const struct text *text)
{
	const char *name = apr_pstrmemdup(q->r->pool, host.at, host.len);

	if (is_tls(q))
		return ks_pump_has_room(h->pump) && ks_lent_offer(q->r, h->pump, site, name, text->at, text->len);
	return ks_handover_give(h->pump, q->r->connection, site, name, text->at, text->len);
}

int ks_handover_try(struct ks_handover *h, struct ks_request *q)
{
	struct text text = { apr_palloc(q->r->pool, KS_PUMP_INPUT_MAX), 0, KS_PUMP_INPUT_MAX, false };
	struct ks_request_head head;
	const struct ks_site *site;
	bool known;

	if (h == NULL || !wanted(q) || (site = site_of(h, q, &known)) == NULL)
		return DECLINED;
	append_head(&text, q->r);
	/* What the pump would give back at once stays here. */
	if (text.full || ks_request_read(text.at, text.len, &head) != KS_REQUEST_PLAIN || head.whole.len != text.len)
		return DECLINED;
	append_rest(&text, q->r);
	if (!hand_over(h, q, site, head.host, &text))
		return DECLINED;
	apr_table_setn(q->r->notes, DONE_NOTE, "");
	return is_tls(q) ? SUSPENDED : OK;
}

bool ks_handover_done(const request_rec *r)
{
	return apr_table_get(r->notes, DONE_NOTE) != NULL;
}

/* --- learning ----------------------------------------------------------------------------------------------------- */

static void stays(struct ks_handover *h, const request_rec *r, const char *mount, const char *why)
{
	ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, r->server, "pump: viewers of %s/ are served by httpd's threads: %s",
		     mount, why);
	apr_thread_mutex_lock(h->lock);
	if (find(h, r->server, mount, strlen(mount)) == NULL)
		enter(h, r->server, apr_pstrdup(h->pool, mount), NULL);
	apr_thread_mutex_unlock(h->lock);
}

static void goes(struct lesson *lesson, const request_rec *r, const struct ks_template *template)
{
	struct ks_handover *h = lesson->handover;
	struct ks_site *site;

	apr_thread_mutex_lock(h->lock);
	if (find(h, r->server, lesson->site.mount, lesson->site.mount_len) == NULL) {
		site = apr_pmemdup(h->pool, &lesson->site, sizeof(*site));
		site->mount = apr_pstrdup(h->pool, lesson->site.mount);
		site->extras = apr_pmemdup(h->pool, template->extras, template->extras_len);
		site->extras_len = template->extras_len;
		site->sections = ks_conditions_sections(h->conditions, site->mount, h->pool);
		enter(h, r->server, site->mount, site);
	}
	apr_thread_mutex_unlock(h->lock);
}

/* Right behind the filter that writes heads. */
static apr_status_t learn(ap_filter_t *f, apr_bucket_brigade *bb)
{
	struct lesson *lesson = f->ctx;
	struct ks_template *template = apr_palloc(f->r->pool, sizeof(*template));
	char *head = apr_palloc(f->r->pool, HEAD_BYTES_MAX);
	apr_size_t len = HEAD_BYTES_MAX;

	ap_remove_output_filter(f);
	if (apr_brigade_flatten(bb, head, &len) == APR_SUCCESS && len < HEAD_BYTES_MAX) {
		if (ks_template_learn(template, head, len, &lesson->ours))
			goes(lesson, f->r, template);
		else
			stays(lesson->handover, f->r, lesson->site.mount, template->why);
	}
	return ap_pass_brigade(f->next, bb);
}

static struct ks_site site_for(const struct ks_request *q)
{
	const server_rec *s = q->r->server;

	return (struct ks_site){
		.owner = q->r->server,
		.mount = apr_pstrmemdup(q->r->pool, q->r->uri, q->url.base_len),
		.mount_len = q->url.base_len,
		.store = q->config.store,
		.patience = q->patience,
		.timing = q->config.timing,
		.idle_us = s->keep_alive_timeout,
		.stall_us = s->timeout,
		.spread_us = q->config.spread_us,
		.wait_max_ms = (uint32_t)(q->config.wait_us / KS_US_PER_MS),
	};
}

/* Its answer may not be the picture. */
static bool is_conditional(const request_rec *r)
{
	return field(r, "If-None-Match") != NULL || field(r, "If-Match") != NULL ||
	       field(r, "If-Modified-Since") != NULL || field(r, "If-Unmodified-Since") != NULL;
}

/* Why all of a location stay, whatever this request is like; NULL: they need not. */
static const char *why_all_stay(const struct ks_handover *h, const request_rec *r, const char *mount)
{
	const char *why = ks_conditions_against(h->conditions, mount, r->pool);

	if (why != NULL)
		return apr_pstrcat(r->pool, why, " may decide anew for each request", NULL);
	why = harmful(r->output_filters);
	return why != NULL ? apr_pstrcat(r->pool, "the filter ", why, " may change what they get", NULL) : NULL;
}

void ks_handover_learn(struct ks_handover *h, struct ks_request *q, const struct ks_picture *picture,
		       const struct ks_freshness *f)
{
	struct lesson *lesson;
	const char *why;
	bool known;

	if (h == NULL || !q->config.pump || !is_picture(&q->url) || q->r->connection->master != NULL || q->r->header_only ||
	    is_conditional(q->r) || site_of(h, q, &known) != NULL || known)
		return;
	lesson = apr_pcalloc(q->r->pool, sizeof(*lesson));
	lesson->handover = h;
	lesson->site = site_for(q);
	why = why_all_stay(h, q->r, lesson->site.mount);
	if (why != NULL)
		stays(h, q->r, lesson->site.mount, why);
	if (why != NULL || !wanted(q))
		return;
	ks_head_write(&lesson->ours, &(struct ks_head_about){ .site = &lesson->site, .picture = picture, .f = *f,
								.date = "" });
	ap_add_output_filter_handle(learn_filter, lesson, q->r, q->r->connection);
}

void ks_handover_register(void)
{
	learn_filter = ap_register_output_filter("KS_SENTRY_LEARN", learn, NULL, AP_FTYPE_PROTOCOL);
}
