/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/doorstep.h"

#include <errno.h>
#include <stdatomic.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ap_mpm.h>
#include <apr_portable.h>
#include <http_config.h>
#include <http_connection.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_ssl.h>
#include <scoreboard.h>

#include "mod_sentry/directives.h"
#include "mod_sentry/given.h"
#include "mod_sentry/handover.h"

APLOG_USE_MODULE(sentry);
extern module AP_MODULE_DECLARE_DATA sentry_module;

/* This child's. */
static struct ks_pump *pump;
static const struct ks_site *site;
static _Atomic(const worker_score *) scores;	/* NULL: not known yet */

/* This child's part of the scoreboard. The parent notes whose it is after the child has begun. */
static const worker_score *find_scores(void)
{
	const worker_score *found = atomic_load(&scores);
	int limit = 0;

	if (found == NULL && ap_exists_scoreboard_image())
		ap_mpm_query(AP_MPMQ_HARD_LIMIT_DAEMONS, &limit);
	for (int child = 0; child < limit && found == NULL; child++)
		if (ap_get_scoreboard_process(child)->pid == getpid())
			found = ap_get_scoreboard_worker_from_indexes(child, 0);
	atomic_store(&scores, found);
	return found;
}

static bool is_short_of_threads(void)
{
	const worker_score *score = find_scores();
	int threads = 0, idle = 0;

	if (score == NULL || ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads) != APR_SUCCESS)
		return false;
	for (int i = 0; i < threads; i++)
		idle += score[i].status == SERVER_READY;
	return idle * KS_DOORSTEP_SHARE < threads;
}

void ks_doorstep_use(apr_pool_t *pool, struct ks_pump *the_pump, server_rec *server)
{
	static const char *const no_sections[] = { NULL };
	struct ks_site *mine;

	pump = the_pump;
	if (the_pump == NULL)
		return;
	mine = apr_pcalloc(pool, sizeof(*mine));
	*mine = (struct ks_site){ .owner = server, .doorstep = true, .sections = no_sections,
				  .idle_us = server->timeout, .stall_us = server->timeout };
	site = mine;
}

/* In cleartext, and nobody but httpd has a say in what is read: no TLS, no PROXY protocol, no cleartext HTTP/2, which
 * begins with what looks like a request. */
static bool may_wait(conn_rec *c)
{
	const struct ks_directives config =
		ks_directives_get(ap_get_module_config(c->base_server->lookup_defaults, &sentry_module));
	const char *protocol = ap_get_server_protocol(c->base_server);

	/* mpm_event comes here before each request; by then httpd may have read some of it already. */
	return pump != NULL && config.pump && c->keepalives == 0 && !c->data_in_input_filters && c->master == NULL &&
	       !c->aborted && !ks_given_is(c) && !ap_ssl_conn_is_ssl(c) &&
	       (protocol == NULL || strcasecmp(protocol, "http") == 0) &&
	       !ap_is_allowed_protocol(c, NULL, c->base_server, "h2c") && ks_handover_harmless(c->input_filters);
}

/* True while the peer has more to say before httpd has anything to do. */
static bool is_unfinished(conn_rec *c)
{
	char bytes[KS_PUMP_INPUT_MAX];
	struct ks_request_head head;
	apr_os_sock_t fd;
	ssize_t n;

	if (apr_os_sock_get(&fd, ap_get_conn_socket(c)) != APR_SUCCESS)
		return false;
	n = recv(fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK;
	return n > 0 && (size_t)n < sizeof(bytes) && ks_request_read(bytes, (size_t)n, &head) == KS_REQUEST_PARTIAL;
}

static int process_connection(conn_rec *c)
{
	if (!may_wait(c) || !is_short_of_threads() || !is_unfinished(c) || !ks_handover_give(pump, c, site, "", NULL, 0))
		return DECLINED;
	c->cs->state = CONN_STATE_LINGER;
	return OK;
}

void ks_doorstep_register(void)
{
	ap_hook_process_connection(process_connection, NULL, NULL, APR_HOOK_FIRST);
}
