/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/given.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_portable.h>
#include <apr_strings.h>
#include <ap_mpm.h>
#include <http_config.h>
#include <http_connection.h>
#include <http_core.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "lib/base/log.h"
#include "mod_sentry/connection.h"
#include "mod_sentry/counters.h"
#include "mod_sentry/crew.h"
#include "mod_sentry/gift.h"
#include "mod_sentry/handover.h"
#include "mod_sentry/pump/request.h"

#define MPM_RECORD 4096	/* bytes of zeros; mpm_event's record of a connection has a few hundred */

APLOG_USE_MODULE(sentry);

static ap_filter_rec_t *return_filter;

static struct ks_gift *gift_of(conn_rec *c)
{
	const struct ks_connection *connection = ks_connection_of(c);

	return connection != NULL ? connection->gift : NULL;
}

/* --- what httpd asks about its connection ------------------------------------------------------------------------- */

/* In front of the socket: what the pump has read from it. */
static apr_status_t insert_bytes(conn_rec *c, apr_bucket_brigade *bb, apr_socket_t *socket)
{
	struct ks_gift *gift = gift_of(c);

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
	struct ks_gift *gift = gift_of(c);

	(void)r;
	if (gift == NULL)
		return;
	gift->requests++;
	gift->between = true;
}

bool ks_given_first(conn_rec *c)
{
	const struct ks_gift *gift = gift_of(c);

	return gift != NULL && gift->requests <= 1 && !gift->site->doorstep;
}

bool ks_given_is(conn_rec *c)
{
	return gift_of(c) != NULL;
}

bool ks_given_may_hold(conn_rec *c)
{
	const struct ks_gift *gift = gift_of(c);

	return gift == NULL || gift->held;
}

/* Goes back to the pump instead of waiting for a request, with what of it is here. */
static apr_status_t return_instead(ap_filter_t *f, struct ks_gift *gift)
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
	struct ks_gift *gift = f->ctx;
	bool between = gift->between;

	gift->between = false;
	if (between && gift->requests > 1 && mode == AP_MODE_GETLINE)
		return return_instead(f, gift);
	return ap_get_brigade(f->next, bb, mode, block, readbytes);
}

/* --- one connection ----------------------------------------------------------------------------------------------- */

static apr_socket_t *socket_of(struct ks_gift *gift, apr_pool_t *pool)
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
		ks_pump_linger(pump, copy, NULL);
	apr_socket_close(socket);
}

static void serve(struct ks_gift *gift, apr_thread_t *thread, apr_pool_t *pool, apr_socket_t *socket)
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
	ks_connection_of(c)->gift = gift;
	ap_process_connection(c, socket);
	/* When the pump does not have it already: the peer is to close, and no thread is to wait for that. */
	if (ap_start_lingering_close(c) == 0)
		linger(gift->given->pump, socket);
}

static void drop(struct ks_gift *gift)
{
	if (gift->held)
		atomic_fetch_sub(&gift->given->held, 1);
	free(gift);
}

static void serve_made(struct ks_gift *gift, apr_thread_t *thread)
{
	apr_allocator_t *allocator;
	apr_pool_t *pool;
	apr_socket_t *socket;

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
}

static void answer(void *piece, apr_thread_t *thread)
{
	struct ks_gift *gift = piece;

	if (gift->carrier != NULL)
		ks_gift_serve_lent(gift, thread);
	else
		serve_made(gift, thread);
	drop(gift);
}

/* --- the threads -------------------------------------------------------------------------------------------------- */

/* One that sends its body a byte a second holds a thread as long as it likes, and who is honest and slow is not to be
 * cut: so these have threads of their own, and a place is a thread. A client for which there is none asks again on a
 * connection that httpd accepts itself. */
static bool take_place(struct ks_gift *gift)
{
	atomic_uint *held = &gift->given->held;
	unsigned n = atomic_load(held);

	while (!gift->held && n < KS_GIVEN_HELD_MAX)
		gift->held = atomic_compare_exchange_weak(held, &n, n + 1);
	return gift->held;
}

static bool push(struct ks_gift *gift, bool whole)
{
	if (!whole && !take_place(gift))
		return false;
	return ks_crew_push(whole ? gift->given->threads : gift->given->holders, gift);
}

static bool give(struct ks_given *given, const struct ks_site *site, int fd, struct ks_carrier *carrier,
		 const char *host, const char *bytes, size_t len)
{
	struct ks_gift *gift = malloc(sizeof(*gift) + len + strlen(host) + 1);
	size_t length = ks_request_length(bytes, len);

	if (gift == NULL)
		return false;
	*gift = (struct ks_gift){ .given = given, .site = site, .fd = fd, .carrier = carrier, .len = len,
				  .host = gift->bytes + len };
	memcpy(gift->bytes, bytes, len);
	strcpy(gift->host, host);
	if (push(gift, length > 0 && length <= len))
		return true;
	drop(gift);
	return false;
}

bool ks_given_take(void *ctx, const struct ks_site *site, int fd, struct ks_carrier *carrier, const char *host,
		   const char *bytes, size_t len)
{
	bool taken = ctx != NULL && give(ctx, site, fd, carrier, host, bytes, len);

	if (!taken)
		ks_counters_refused();
	return taken;
}

struct ks_given *ks_given_new(apr_pool_t *pool)
{
	struct ks_given *given = apr_pcalloc(pool, sizeof(*given));
	module *mpm = ap_find_linked_module("event.c");

	if (mpm == NULL)
		return NULL;
	given->mpm = mpm;
	given->threads = ks_crew_new(pool, KS_GIVEN_THREADS, KS_GIVEN_QUEUE_MAX, answer);
	given->holders = ks_crew_new(pool, KS_GIVEN_HELD_MAX, KS_GIVEN_HELD_MAX, answer);
	if (given->threads != NULL && given->holders != NULL)
		return given;
	ks_given_free(given);
	return NULL;
}

void ks_given_use(struct ks_given *given, struct ks_pump *pump)
{
	given->pump = pump;
}

void ks_given_free(struct ks_given *given)
{
	ks_crew_end(given->threads);
	ks_crew_end(given->holders);
}

void ks_given_register(void)
{
	return_filter = ap_register_input_filter("KS_SENTRY_RETURN", return_to_pump, NULL, AP_FTYPE_NETWORK - 1);
	ks_gift_register();
	ap_hook_insert_network_bucket(insert_bytes, NULL, NULL, APR_HOOK_FIRST);
	ap_hook_pre_connection(pre_connection, NULL, NULL, APR_HOOK_MIDDLE);
	ap_hook_pre_read_request(pre_read_request, NULL, NULL, APR_HOOK_MIDDLE);
}
