/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/given.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_portable.h>
#include <apr_strings.h>
#include <apr_thread_pool.h>
#include <ap_mpm.h>
#include <http_config.h>
#include <http_connection.h>
#include <http_core.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "lib/base/log.h"
#include "mod_sentry/handover.h"

#define MPM_RECORD 4096	/* bytes of zeros; mpm_event's record of a connection has a few hundred */

APLOG_USE_MODULE(sentry);
extern module AP_MODULE_DECLARE_DATA sentry_module;

struct ks_given {
	apr_thread_pool_t *threads;
	module *mpm;
	struct ks_pump *pump;
};

/* A connection on its way through httpd. */
struct gift {
	struct ks_given *given;
	const struct ks_site *site;
	int fd;
	size_t len;
	unsigned requests;	/* begun */
	bool between;		/* the next read is for a request's first line */
	char *host;		/* behind the bytes */
	char bytes[];
};

static ap_filter_rec_t *return_filter;

static struct gift *gift_of(const conn_rec *c)
{
	return ap_get_module_config(c->conn_config, &sentry_module);
}

/* --- what httpd asks about its connection ---------------------------------------------------------------------------- */

/* In front of the socket: what the pump has read from it. */
static apr_status_t insert_bytes(conn_rec *c, apr_bucket_brigade *bb, apr_socket_t *socket)
{
	struct gift *gift = gift_of(c);

	if (gift == NULL)
		return AP_DECLINED;
	APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_pool_create(gift->bytes, gift->len, c->pool, c->bucket_alloc));
	APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_socket_create(socket, c->bucket_alloc));
	return APR_SUCCESS;
}

static int pre_connection(conn_rec *c, void *socket)
{
	(void)socket;
	if (gift_of(c) != NULL)
		ap_add_input_filter_handle(return_filter, gift_of(c), NULL, c);
	return OK;
}

static void pre_read_request(request_rec *r, conn_rec *c)
{
	struct gift *gift = c->master == NULL ? gift_of(c) : NULL;

	(void)r;
	if (gift == NULL)
		return;
	gift->requests++;
	gift->between = true;
}

bool ks_given_first(conn_rec *c)
{
	const struct gift *gift = c->master == NULL ? gift_of(c) : NULL;

	return gift != NULL && gift->requests <= 1 && !gift->site->doorstep;
}

bool ks_given_is(const conn_rec *c)
{
	return c->master == NULL && gift_of(c) != NULL;
}

/* Goes back to the pump instead of waiting for a request, with what of it is here. */
static apr_status_t return_instead(ap_filter_t *f, struct gift *gift)
{
	conn_rec *c = f->c;
	apr_bucket_brigade *bb = apr_brigade_create(c->pool, c->bucket_alloc);
	char *bytes = apr_palloc(c->pool, KS_PUMP_INPUT_MAX);
	apr_size_t len = KS_PUMP_INPUT_MAX;
	apr_status_t rv;

	/* httpd keeps answers back while requests are behind them. */
	ap_flush_conn(c);
	rv = ap_get_brigade(f->next, bb, AP_MODE_READBYTES, APR_NONBLOCK_READ, KS_PUMP_INPUT_MAX);

	if (rv == APR_SUCCESS)
		rv = apr_brigade_flatten(bb, bytes, &len);
	else
		len = 0;
	if (rv == APR_SUCCESS || APR_STATUS_IS_EAGAIN(rv))
		ks_handover_return(gift->given->pump, c, gift->site, gift->host, bytes, len);
	return APR_EOF;
}

static apr_status_t return_to_pump(ap_filter_t *f, apr_bucket_brigade *bb, ap_input_mode_t mode,
				   apr_read_type_e block, apr_off_t readbytes)
{
	struct gift *gift = f->ctx;
	bool between = gift->between;

	gift->between = false;
	if (between && gift->requests > 1 && mode == AP_MODE_GETLINE)
		return return_instead(f, gift);
	return ap_get_brigade(f->next, bb, mode, block, readbytes);
}

/* --- one connection ---------------------------------------------------------------------------------------------------- */

static apr_socket_t *socket_of(struct gift *gift, apr_pool_t *pool)
{
	struct sockaddr_storage local, remote;
	socklen_t local_len = sizeof(local), remote_len = sizeof(remote);
	apr_os_sock_info_t info = { .os_sock = &gift->fd, .local = (struct sockaddr *)&local,
				    .remote = (struct sockaddr *)&remote, .type = SOCK_STREAM,
				    .protocol = APR_PROTO_TCP };
	apr_socket_t *socket;

	if (getsockname(gift->fd, (struct sockaddr *)&local, &local_len) != 0 ||
	    getpeername(gift->fd, (struct sockaddr *)&remote, &remote_len) != 0)
		return NULL;
	info.family = local.ss_family;
	if (apr_os_sock_make(&socket, &info, pool) != APR_SUCCESS)
		return NULL;
	apr_socket_opt_set(socket, APR_SO_NONBLOCK, 1);
	return socket;
}

static void linger(struct ks_pump *pump, apr_socket_t *socket)
{
	apr_os_sock_t fd;
	int copy = apr_os_sock_get(&fd, socket) == APR_SUCCESS ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;

	if (copy >= 0)
		ks_pump_linger(pump, copy);
	apr_socket_close(socket);
}

static void serve(struct gift *gift, apr_thread_t *thread, apr_pool_t *pool, apr_socket_t *socket)
{
	apr_bucket_alloc_t *alloc = apr_bucket_alloc_create(pool);
	conn_rec *c;

	/* No handle: it has no place in the scoreboard, where each is one worker's. */
	c = ap_run_create_connection(pool, gift->site->owner, socket, (long)gift->fd, NULL, alloc);
	if (c == NULL)
		return;
	c->cs = apr_pcalloc(pool, sizeof(*c->cs));
	c->current_thread = thread;
	/* Without an MPM behind it: requests are read and answered in this thread, one after the other. */
	c->clogging_input_filters = 1;
	/* mpm_event notes each request in its record of the connection; nobody reads this one. */
	ap_set_module_config(c->conn_config, gift->given->mpm, apr_pcalloc(pool, MPM_RECORD));
	ap_set_module_config(c->conn_config, &sentry_module, gift);
	ap_process_connection(c, socket);
	/* When the pump does not have it already: the peer is to close, and no thread is to wait for that. */
	if (ap_start_lingering_close(c) == 0)
		linger(gift->given->pump, socket);
}

static void *answer(apr_thread_t *thread, void *ctx)
{
	struct gift *gift = ctx;
	apr_allocator_t *allocator;
	apr_pool_t *pool;
	apr_socket_t *socket = NULL;

	apr_allocator_create(&allocator);
	/* Of no other pool: those of a child are one thread's each. */
	apr_pool_create_ex(&pool, NULL, NULL, allocator);
	apr_allocator_owner_set(allocator, pool);
	socket = socket_of(gift, pool);
	if (socket != NULL)
		serve(gift, thread, pool, socket);
	else
		close(gift->fd);
	apr_pool_destroy(pool);
	free(gift);
	return NULL;
}

/* --- the threads --------------------------------------------------------------------------------------------------------- */

bool ks_given_take(void *ctx, const struct ks_site *site, int fd, const char *host, const char *bytes, size_t len)
{
	struct ks_given *given = ctx;
	struct gift *gift;

	if (given == NULL || apr_thread_pool_tasks_count(given->threads) >= KS_GIVEN_QUEUE_MAX)
		return false;
	gift = malloc(sizeof(*gift) + len + strlen(host) + 1);
	if (gift == NULL)
		return false;
	*gift = (struct gift){ .given = given, .site = site, .fd = fd, .len = len, .host = gift->bytes + len };
	memcpy(gift->bytes, bytes, len);
	strcpy(gift->host, host);
	if (apr_thread_pool_push(given->threads, answer, gift, APR_THREAD_TASK_PRIORITY_NORMAL, NULL) == APR_SUCCESS)
		return true;
	free(gift);
	return false;
}

struct ks_given *ks_given_new(apr_pool_t *pool)
{
	struct ks_given *given = apr_pcalloc(pool, sizeof(*given));
	module *mpm = ap_find_linked_module("event.c");

	if (mpm == NULL)
		return NULL;
	given->mpm = mpm;
	if (apr_thread_pool_create(&given->threads, 1, KS_GIVEN_THREADS_MAX, pool) != APR_SUCCESS)
		return NULL;
	/* They stay: a thread for each request would cost more than the request. */
	apr_thread_pool_idle_max_set(given->threads, KS_GIVEN_THREADS_MAX);
	return given;
}

void ks_given_use(struct ks_given *given, struct ks_pump *pump)
{
	given->pump = pump;
}

void ks_given_free(struct ks_given *given)
{
	apr_thread_pool_destroy(given->threads);
}

void ks_given_register(void)
{
	return_filter = ap_register_input_filter("KS_SENTRY_RETURN", return_to_pump, NULL, AP_FTYPE_NETWORK - 1);
	ap_hook_insert_network_bucket(insert_bytes, NULL, NULL, APR_HOOK_FIRST);
	ap_hook_pre_connection(pre_connection, NULL, NULL, APR_HOOK_MIDDLE);
	ap_hook_pre_read_request(pre_read_request, NULL, NULL, APR_HOOK_MIDDLE);
}
