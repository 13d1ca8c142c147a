/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/accesslog.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <apr_optional.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "mod_sentry/counters.h"
#include "mod_sentry/thread.h"

#define PAUSE_NS (50 * 1000 * 1000)	/* between two looks into the ring */
#define MODULE_RECORD 1024		/* bytes of zeros, for mod_logio's record of a connection */

struct entry {
	const struct ks_site *site;
	int status;
	size_t body, sent;
	struct sockaddr_storage local, remote;
	size_t len;
	char head[KS_ACCESSLOG_HEAD];
};

struct ks_accesslog {
	unsigned every, n;		/* the pump's */
	atomic_size_t written, read;	/* entries, ever: of the pump and of the thread */
	atomic_bool end;
	pthread_t thread;
	struct ks_log_gate gate;
	struct entry ring[KS_ACCESSLOG_ENTRIES];
};

/* --- the pump's side ---------------------------------------------------------------------------------------------- */

static void fill(struct entry *entry, const struct ks_pump_answered *a)
{
	socklen_t local_len = sizeof(entry->local), remote_len = sizeof(entry->remote);

	entry->site = a->site;
	entry->status = a->status;
	entry->body = a->body;
	entry->sent = a->sent;
	entry->local.ss_family = entry->remote.ss_family = AF_UNSPEC;
	getsockname(a->fd, (struct sockaddr *)&entry->local, &local_len);
	getpeername(a->fd, (struct sockaddr *)&entry->remote, &remote_len);
	entry->len = a->request.len < sizeof(entry->head) ? a->request.len : sizeof(entry->head);
	memcpy(entry->head, a->request.at, entry->len);
}

void ks_accesslog_answered(void *ctx, const struct ks_pump_answered *answered)
{
	struct ks_accesslog *log = ctx;
	size_t at = atomic_load_explicit(&log->written, memory_order_relaxed);

	if (++log->n < log->every)
		return;
	log->n = 0;
	if (at - atomic_load_explicit(&log->read, memory_order_acquire) == KS_ACCESSLOG_ENTRIES) {
		ks_counters_unlogged();
		if (ks_log_gate(&log->gate, ks_mono_us(&ks_clock_system), NULL))
			ks_warn("log", "the access log does not keep up, and answers are missing from it; write every "
				"hundredth (SentryLogEvery 100), or turn BufferedLogs on");
		return;
	}
	fill(&log->ring[at % KS_ACCESSLOG_ENTRIES], answered);
	atomic_store_explicit(&log->written, at + 1, memory_order_release);
}

/* --- as much of a request as log modules look at ------------------------------------------------------------------ */

static apr_sockaddr_t *address(const struct sockaddr_storage *from, apr_pool_t *pool)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)from;
	const struct sockaddr_in *four = (const struct sockaddr_in *)from;
	bool is_six = from->ss_family == AF_INET6;
	char text[INET6_ADDRSTRLEN] = "0.0.0.0";
	apr_sockaddr_t *to = NULL;

	if (is_six)
		inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof(text));
	else if (from->ss_family == AF_INET)
		inet_ntop(AF_INET, &four->sin_addr, text, sizeof(text));
	apr_sockaddr_info_get(&to, text, is_six ? APR_INET6 : APR_INET,
			      ntohs(is_six ? six->sin6_port : from->ss_family == AF_INET ? four->sin_port : 0), 0, pool);
	return to;
}

static const char *text_of(apr_sockaddr_t *address)
{
	char *text = NULL;

	if (address != NULL)
		apr_sockaddr_ip_get(&text, address);
	return text != NULL ? text : "-";
}

APR_DECLARE_OPTIONAL_FN(void, ap_logio_add_bytes_out, (conn_rec *c, apr_off_t bytes));

static void tell_logio(conn_rec *c, size_t sent)
{
	APR_OPTIONAL_FN_TYPE(ap_logio_add_bytes_out) *add = APR_RETRIEVE_OPTIONAL_FN(ap_logio_add_bytes_out);
	module *logio = ap_find_linked_module("mod_logio.c");

	if (logio == NULL || add == NULL)
		return;
	ap_set_module_config(c->conn_config, logio, apr_pcalloc(c->pool, MODULE_RECORD));
	add(c, (apr_off_t)sent);
}

static conn_rec *connection_of(const struct entry *entry, server_rec *server, apr_pool_t *pool)
{
	conn_rec *c = apr_pcalloc(pool, sizeof(*c));

	c->pool = pool;
	c->base_server = server;
	c->client_addr = address(&entry->remote, pool);
	c->client_ip = apr_pstrdup(pool, text_of(c->client_addr));
	c->local_addr = address(&entry->local, pool);
	c->local_ip = apr_pstrdup(pool, text_of(c->local_addr));
	c->conn_config = ap_create_conn_config(pool);
	c->notes = apr_table_make(pool, 1);
	c->keepalive = AP_CONN_KEEPALIVE;
	tell_logio(c, entry->sent);
	return c;
}

/* The part of a line up to a character, which is taken off with it. */
static char *cut(char **line, char at)
{
	char *part = *line, *end = strchr(part, at);

	*line = end != NULL ? end + 1 : part + strlen(part);
	if (end != NULL)
		*end = '\0';
	return part;
}

static void read_line(request_rec *r, char *line)
{
	r->the_request = apr_pstrdup(r->pool, line);
	r->method = cut(&line, ' ');
	r->method_number = M_GET;
	r->header_only = r->method[0] == 'H';
	r->unparsed_uri = cut(&line, ' ');
	r->uri = apr_pstrdup(r->pool, r->unparsed_uri);
	r->args = strchr(r->uri, '?');
	if (r->args != NULL)
		*r->args++ = '\0';
	r->protocol = line;
	r->proto_num = strcmp(line, "HTTP/1.0") == 0 ? HTTP_VERSION(1, 0) : HTTP_VERSION(1, 1);
}

static void read_head(request_rec *r, char *head)
{
	char *line;

	read_line(r, cut(&head, '\r'));
	while (*head != '\0') {
		head++;		/* the line's LF */
		line = cut(&head, '\r');
		if (strchr(line, ':') != NULL) {
			const char *name = cut(&line, ':');

			apr_table_addn(r->headers_in, name, line + strspn(line, " \t"));
		}
	}
	r->hostname = apr_table_get(r->headers_in, "Host");
}

static request_rec *request_of(const struct entry *entry, apr_pool_t *pool)
{
	server_rec *server = entry->site->owner;
	request_rec *r = apr_pcalloc(pool, sizeof(*r));

	r->pool = pool;
	r->connection = connection_of(entry, server, pool);
	r->server = server;
	r->log = &server->log;
	r->request_time = apr_time_now();	/* some ms late, so that %D is not the time the entry waited here */
	r->useragent_addr = r->connection->client_addr;
	r->useragent_ip = r->connection->client_ip;
	r->headers_in = apr_table_make(pool, 12);
	r->headers_out = apr_table_make(pool, 4);
	r->err_headers_out = apr_table_make(pool, 1);
	r->trailers_in = apr_table_make(pool, 1);
	r->trailers_out = apr_table_make(pool, 1);
	r->subprocess_env = apr_table_make(pool, 1);
	r->notes = apr_table_make(pool, 1);
	r->request_config = ap_create_request_config(pool);
	r->per_dir_config = server->lookup_defaults;
	r->handler = "sentry";
	r->status = entry->status;
	r->bytes_sent = (apr_off_t)entry->body;
	r->sent_bodyct = entry->body > 0;
	read_head(r, apr_pstrmemdup(pool, entry->head, entry->len));
	return r;
}

/* --- the thread's side -------------------------------------------------------------------------------------------- */

static void write_entries(struct ks_accesslog *log, apr_pool_t *pool)
{
	size_t at = atomic_load_explicit(&log->read, memory_order_relaxed);

	while (at != atomic_load_explicit(&log->written, memory_order_acquire)) {
		ap_run_log_transaction(request_of(&log->ring[at % KS_ACCESSLOG_ENTRIES], pool));
		apr_pool_clear(pool);
		atomic_store_explicit(&log->read, ++at, memory_order_release);
	}
}

static void *run(void *ctx)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	struct ks_accesslog *log = ctx;
	apr_pool_t *pool;

	apr_pool_create(&pool, NULL);
	while (!atomic_load(&log->end)) {
		write_entries(log, pool);
		nanosleep(&pause, NULL);
	}
	write_entries(log, pool);
	apr_pool_destroy(pool);
	return NULL;
}

struct ks_accesslog *ks_accesslog_new(unsigned every)
{
	struct ks_accesslog *log = calloc(1, sizeof(*log));

	if (log == NULL)
		return NULL;
	log->every = every;
	if (ks_thread_start(&log->thread, run, log) != KS_EOK) {
		free(log);
		return NULL;
	}
	return log;
}

void ks_accesslog_free(struct ks_accesslog *log)
{
	if (log == NULL)
		return;
	atomic_store(&log->end, true);
	pthread_join(log->thread, NULL);
	free(log);
}
