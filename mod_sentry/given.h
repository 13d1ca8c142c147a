/* SPDX-License-Identifier: Apache-2.0
 *
 * From the pump back to httpd: a connection with a request that is not the pump's to answer. A few threads make an
 * httpd connection of the socket, let httpd answer with all that its modules have to say, and return it to the pump
 * as soon as the next request would have to be waited for. httpd's own MPM knows nothing of it; what it keeps
 * with each of its connections is stood in for (see given.c).
 *
 * One per child; any thread.
 */
#ifndef KS_MOD_SENTRY_GIVEN_H
#define KS_MOD_SENTRY_GIVEN_H

#include <stdbool.h>
#include <stddef.h>	/* before APR, which makes do without offsetof() otherwise */

#include <httpd.h>

#include "mod_sentry/pump/pump.h"

#define KS_GIVEN_THREADS_MAX 8
#define KS_GIVEN_QUEUE_MAX 1024	/* beyond, the connection ends between two answers, and the client asks again */

struct ks_given;

/* NULL when there is no memory, or when this httpd is one that we do not know how to do this with: requests that are
 * not the pump's end their connection then. */
struct ks_given *ks_given_new(apr_pool_t *pool);

/* The pump that connections are returned to; before the first is given. */
void ks_given_use(struct ks_given *given, struct ks_pump *pump);

/* As ks_pump_ops.give_back, with a struct ks_given as its context. */
bool ks_given_take(void *given, const struct ks_site *site, int fd, const char *host, const char *bytes, size_t len);

/* Waits for the threads. */
void ks_given_free(struct ks_given *given);

/* True while httpd answers the request for whose sake the pump gave the connection back, except from the doorstep, where
 * it is the first of all. */
bool ks_given_first(conn_rec *c);

/* True for a connection that was given back. */
bool ks_given_is(const conn_rec *c);

/* Once, at the module's start. */
void ks_given_register(void);

#endif
