/* SPDX-License-Identifier: Apache-2.0
 *
 * The module: its record, its hooks, and what happens when httpd starts, forks and stops. What a request
 * is answered is in serve.h.
 */
#include <string.h>

#include <ap_expr.h>
#include <ap_mpm.h>
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mpm_common.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "mod_sentry/directives.h"
#include "mod_sentry/accesslog.h"
#include "mod_sentry/conditions.h"
#include "mod_sentry/counters.h"
#include "mod_sentry/doorstep.h"
#include "mod_sentry/given.h"
#include "mod_sentry/handover.h"
#include "mod_sentry/lent.h"
#include "mod_sentry/hold.h"
#include "mod_sentry/pump/head.h"
#include "mod_sentry/serve.h"

#define HANDLER "sentry"
#define COUNTERS_KEY "koshien:mod_sentry:counters"	/* in the process's pool, which outlives restarts */

APLOG_USE_MODULE(sentry);

#define BYTES_PER_MBIT (1e6 / 8)
#define STOP_WAIT_US (15 * KS_US_PER_S)	/* a graceful stop waits so long for those who are being answered */

static const struct ks_conditions *conditions;	/* read in the parent */

/* This child's. */
static struct ks_stores *stores;
static struct ks_given *given;
static struct ks_pump *pump;
static struct ks_handover *handover;
static struct ks_accesslog *accesslog;	/* NULL: the pump's answers are not logged */
static bool graceful;

/* --- start and stop --------------------------------------------------------------------------------- */

static void log_line(void *ctx, enum ks_log_level level, const char *token, const char *text)
{
	static const int levels[] = { APLOG_ERR, APLOG_WARNING, APLOG_INFO, APLOG_DEBUG };

	ap_log_error(APLOG_MARK, levels[level], 0, (server_rec *)ctx, "%s: %s", token, text);
}

/* httpd maps the module anew at each reading of its configuration; only the counters stay. */
static int post_config(apr_pool_t *pool, apr_pool_t *log_pool, apr_pool_t *temp_pool, server_rec *server)
{
	apr_pool_t *process = server->process->pool;
	void *counters = NULL;

	(void)log_pool;
	(void)temp_pool;
	ks_log_set_sink(log_line, server);
	ks_log_set_level(KS_LOG_DEBUG, NULL);	/* LogLevel decides */
	if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG)
		return OK;
	conditions = ks_conditions_read(pool);
	apr_pool_userdata_get(&counters, COUNTERS_KEY, process);
	if (counters == NULL && (counters = ks_counters_new()) == NULL) {
		ks_error("metrics", "no memory for the counters; free some, or raise the limit of httpd's service");
		return HTTP_INTERNAL_SERVER_ERROR;
	}
	/* Not setn: this text goes when httpd unloads the module before it reads its configuration again. */
	apr_pool_userdata_set(counters, COUNTERS_KEY, NULL, process);
	ks_counters_use(counters);
	return OK;
}

/* When the child stops taking connections; those that it has are still served. */
static void child_stopping(apr_pool_t *pool, int is_graceful)
{
	(void)pool;
	graceful = is_graceful != 0;
	ks_hold_end();
	if (pump != NULL)
		ks_pump_drain(pump);
}

static apr_status_t stop_child(void *unused)
{
	(void)unused;
	handover = NULL;
	ks_doorstep_use(NULL, NULL, NULL);
	/* The threads that answer what was given back come to the pump's door until they end. */
	if (pump != NULL)
		ks_pump_stop(pump, graceful ? STOP_WAIT_US : 0);
	if (given != NULL)
		ks_given_free(given);
	given = NULL;
	if (pump != NULL)
		ks_pump_free(pump);
	pump = NULL;
	ks_accesslog_free(accesslog);
	accesslog = NULL;
	ks_stores_free(stores);
	stores = NULL;
	return APR_SUCCESS;
}

/* Without it all viewers are served by httpd's threads. */
static void start_pump(apr_pool_t *pool, server_rec *server)
{
	const struct ks_server_directives *config = ap_get_module_config(server->module_config, &sentry_module);
	struct ks_pump_limits limits = { (double)config->capacity_mbit * BYTES_PER_MBIT, (uint64_t)config->viewers,
					 (uint64_t)config->waiting };
	struct ks_pump_ops ops = { .give_back = ks_given_take };
	int err, is_async = 0;

	ap_mpm_query(AP_MPMQ_IS_ASYNC, &is_async);
	if (!is_async)
		return;
	ops.ctx = given = ks_given_new(pool);
	if (config->log_every > 0)
		ops.log_ctx = accesslog = ks_accesslog_new((unsigned)config->log_every);
	if (accesslog != NULL)
		ops.answered = ks_accesslog_answered;
	err = ks_pump_new(&pump, stores, &ops, &ks_clock_system);
	if (err == KS_EOK && given != NULL)
		ks_given_use(given, pump);
	if (err == KS_EOK) {
		ks_pump_limit(pump, &limits);
		err = ks_pump_start(pump);
	}
	if (err == KS_EOK)
		handover = ks_handover_new(pool, pump, conditions);
	if (err == KS_EOK && given != NULL)
		ks_doorstep_use(pool, pump, server);
	if (err != KS_EOK)
		ks_error("pump", "cannot be started: %s; all viewers are served by httpd's threads", ks_strerror(err));
}

static void child_init(apr_pool_t *pool, server_rec *server)
{
	int threads = 0;

	ks_counters_take_page();
	stores = ks_stores_new();
	if (stores == NULL) {
		ks_error("store", "no memory; every picture will be answered with 500 by this child");
		return;
	}
	ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
	ks_hold_allow((size_t)threads);
	start_pump(pool, server);
	apr_pool_pre_cleanup_register(pool, NULL, stop_child);
}

/* --- requests ----------------------------------------------------------------------------------------- */

/* What SetHandler says; httpd keeps every name as an expression, and looks at it itself only after the walk. */
static bool is_ours(request_rec *r)
{
	const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
	const char *error = NULL, *name = core->handler;

	if (core->expr_handler != NULL)
		name = ap_expr_str_exec(r, core->expr_handler, &error);
	return error == NULL && name != NULL && strcmp(name, HANDLER) == 0;
}

/* A location that was given to us has no files, so no module need look for one: the walk through the file
 * system is most of what httpd does for a small answer. Authentication and access control are unaffected: they run
 * after it. Marked here because per-directory settings are not there when storage is mapped. */
static int translate_name(request_rec *r)
{
	/* Once more, and for nothing when the URL is still the same: mod_rewrite may have changed it. */
	if (ap_location_walk(r) != OK || !is_ours(r))
		return DECLINED;
	ap_set_module_config(r->request_config, &sentry_module, &sentry_module);
	r->filename = r->uri;
	return OK;
}

static int map_to_storage(request_rec *r)
{
	return ap_get_module_config(r->request_config, &sentry_module) != NULL ? OK : DECLINED;
}

static int type_checker(request_rec *r)
{
	return map_to_storage(r);
}

static int refuse(struct ks_request *q, int err, const char *why)
{
	return ks_answer_words(q, err == KS_ENODATA ? HTTP_NOT_FOUND : HTTP_BAD_REQUEST, "%s", why);
}

static int serve(struct ks_request *q)
{
	switch (q->url.kind) {
	case KS_URL_LATEST:
		return ks_serve_latest(q);
	case KS_URL_FRAME:
		return ks_serve_frame(q);
	case KS_URL_STREAM:
		return ks_serve_stream(q);
	case KS_URL_INDEX:
		return ks_serve_listing(q);
	case KS_URL_HEALTH:
		return ks_serve_health(q);
	case KS_URL_METRICS:
		return ks_serve_metrics(q);
	}
	return DECLINED;
}

/* Somebody who asks for pictures and has none yet, on a connection that has carried none. */
static bool is_new(const struct ks_request *q)
{
	bool picture = q->url.kind == KS_URL_LATEST || q->url.kind == KS_URL_STREAM;

	return picture && !q->url.has_after && q->r->connection->keepalives == 0 && !ks_given_first(q->r->connection);
}

/* httpd has checked that these are well-formed. */
static bool has_body(const request_rec *r)
{
	const char *length = apr_table_get(r->headers_in, "Content-Length");

	return apr_table_get(r->headers_in, "Transfer-Encoding") != NULL ||
	       (length != NULL && length[strspn(length, "0")] != '\0');
}

static int add_len(void *sum, const char *name, const char *value)
{
	*(size_t *)sum += strlen(name) + strlen(value) + strlen(": \r\n");
	return 1;
}

static size_t head_len(const request_rec *r)
{
	size_t sum = strlen(r->the_request) + 2 * strlen("\r\n");

	apr_table_do(add_len, &sum, r->headers_in, NULL);
	return sum;
}

/* Nothing is read from the connection any more: neither a body, nor what may be hidden behind it. */
static void end_connection(conn_rec *c)
{
	if (c->master == NULL)
		c->keepalive = AP_CONN_CLOSE;
}

/* What is asked and how, wherever it leads. True: it has been answered. */
static bool refuse_form(struct ks_request *q)
{
	if (q->r->proto_num >= HTTP_VERSION(2, 0) && q->r->connection->master == NULL) {
		/* RFC 9110 section 15.6.6: what it means by this is not known. */
		end_connection(q->r->connection);
		ks_answer_words(q, HTTP_VERSION_NOT_SUPPORTED, "This is HTTP/1.1.");
	} else if (q->r->method_number == M_OPTIONS) {
		ks_serve_preflight(q);
	} else if (q->r->method_number != M_GET) {
		ks_answer_header(q, "Allow", "GET, HEAD, OPTIONS");
		ks_answer_words(q, HTTP_METHOD_NOT_ALLOWED, "Pictures can only be read: GET, HEAD or OPTIONS.");
	} else if (has_body(q->r)) {
		/* RFC 9110 section 9.3.1: it means nothing, and it may be an attempt to smuggle a request. */
		end_connection(q->r->connection);
		ks_answer_words(q, HTTP_BAD_REQUEST, "Pictures are asked for without a body.");
	} else if (head_len(q->r) > KS_PUMP_INPUT_MAX) {
		end_connection(q->r->connection);
		ks_answer_words(q, HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, "%s", KS_HEAD_TOO_LARGE);
	} else {
		return false;
	}
	return true;
}

static int handle(struct ks_request *q)
{
	const core_dir_config *core = ap_get_core_module_config(q->r->per_dir_config);
	const char *why;
	int err, rc;

	if (refuse_form(q))
		return OK;
	err = ks_url_parse(q->r->uri, q->r->args, &q->url, &why);
	if (err != KS_EOK)
		return refuse(q, err, why);
	if (!ks_url_mounted(q->r->uri, q->url.base_len, core->d))
		return refuse(q, KS_ENODATA, "There is no such thing here.");
	if (is_new(q) && pump != NULL && ks_pump_refuses(pump))
		return ks_answer_unavailable(q, "This relay has as many viewers as it can serve. Come again, or ask another one.");
	rc = ks_handover_try(q->handover, q);
	return rc == DECLINED ? serve(q) : rc;
}

static int handler(request_rec *r)
{
	struct ks_request q = { .r = r, .stores = stores, .pump = pump, .handover = handover };

	if (r->handler == NULL || strcmp(r->handler, HANDLER) != 0)
		return DECLINED;
	if (stores == NULL)
		return HTTP_INTERNAL_SERVER_ERROR;
	q.config = ks_directives_get(ap_get_module_config(r->per_dir_config, &sentry_module));
	q.patience = ks_directives_patience(&q.config);
	q.mono_us = ks_mono_us(&ks_clock_system);
	q.wall_us = ks_wall_us(&ks_clock_system);
	ks_serve_constants(&q);
	return handle(&q);
}

static void register_hooks(apr_pool_t *pool)
{
	(void)pool;
	ks_answer_register();
	ks_handover_register();
	ks_given_register();
	ks_lent_register();
	ks_doorstep_register();
	ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
	ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
	ap_hook_child_stopping(child_stopping, NULL, NULL, APR_HOOK_MIDDLE);
	/* Last: what mod_rewrite and mod_alias do with a URL is what the administrator asked for. */
	ap_hook_translate_name(translate_name, NULL, NULL, APR_HOOK_LAST);
	ap_hook_map_to_storage(map_to_storage, NULL, NULL, APR_HOOK_FIRST);
	ap_hook_type_checker(type_checker, NULL, NULL, APR_HOOK_FIRST);
	ap_hook_handler(handler, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA sentry_module = {
	STANDARD20_MODULE_STUFF,
	ks_directives_create,
	ks_directives_merge,
	ks_directives_create_server,
	NULL,
	ks_directives_commands,
	register_hooks,
	AP_MODULE_FLAG_NONE
};
