/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a new connection waits for its first request to be whole, when httpd is short of threads. httpd reads that in
 * a thread, which a peer that sends a byte now and then, or nothing, keeps as long as it likes: as many such peers as
 * there are threads, and nobody else is served. The frame pump keeps them at the price of a socket each, and gives
 * those that have asked back.
 */
#ifndef KS_MOD_SENTRY_DOORSTEP_H
#define KS_MOD_SENTRY_DOORSTEP_H

#include <httpd.h>

#include "mod_sentry/pump/pump.h"

#define KS_DOORSTEP_SHARE 2	/* while fewer than one in so many of the child's threads are idle */

/* In a child with a pump; both outlive the last connection, or NULL is told first. */
void ks_doorstep_use(apr_pool_t *pool, struct ks_pump *pump, server_rec *server);

/* Once, at the module's start. */
void ks_doorstep_register(void);

#endif
