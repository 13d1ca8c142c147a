/* SPDX-License-Identifier: Apache-2.0
 *
 * From the pump back to httpd: a connection with a request that is not the pump's to answer. A few threads make an
 * httpd connection of the socket, or take the one that was lent (lent.h), let httpd answer with all that its modules
 * have to say, and return it to the pump as soon as the next request would have to be waited for. httpd's own MPM knows
 * nothing of a connection that was made here; what it keeps with each of its own is stood in for (see given.c).
 *
 * One per child; any thread.
 */
#ifndef KS_MOD_SENTRY_GIVEN_H
#define KS_MOD_SENTRY_GIVEN_H

#include <stdbool.h>
#include <stddef.h>	/* before APR, which makes do without offsetof() otherwise */

#include <httpd.h>

#include "mod_sentry/pump/pump.h"

#define KS_GIVEN_THREADS 16	/* for requests that are whole: */
#define KS_GIVEN_QUEUE_MAX 1024	/* may wait for one; beyond, a connection ends between two answers */
#define KS_GIVEN_HELD_MAX 8	/* threads for those that may have to wait for their client; none queues */

#define KS_GIVEN_TIMES_MAX 1000	/* of one connection that was lent; then it ends between two answers */

struct ks_given;

/* NULL when there is no memory, or when this httpd is one that we do not know how to do this with: requests that are
 * not the pump's end their connection then. */
struct ks_given *ks_given_new(apr_pool_t *pool);

/* The pump that connections are returned to; before the first is given. */
void ks_given_use(struct ks_given *given, struct ks_pump *pump);

/* As ks_pump_ops.give_back, with a struct ks_given as its context. False when there are too many already. */
bool ks_given_take(void *given, const struct ks_site *site, int fd, struct ks_carrier *carrier, const char *host,
		   const char *bytes, size_t len);

/* Waits for the threads. */
void ks_given_free(struct ks_given *given);

/* True while httpd answers the request for whose sake the pump gave the connection back, except from the doorstep, where
 * it is the first of all. */
bool ks_given_first(conn_rec *c);

/* True when a request on this connection may keep its thread waiting: it is httpd's own, or one of those for that. */
bool ks_given_may_hold(conn_rec *c);

/* True for a connection that was given back. */
bool ks_given_is(conn_rec *c);

/* Once, at the module's start. */
void ks_given_register(void);

#endif
