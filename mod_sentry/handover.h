/* SPDX-License-Identifier: Apache-2.0
 *
 * From httpd to the pump: which connections may go, and how they do. In the clear the pump gets a duplicate of the
 * socket, and httpd, told that the peer is gone, closes its own descriptor without a word on the wire, and needs no
 * memory for it any more. With TLS the connection is lent (lent.h).
 *
 * One per child; any thread.
 */
#ifndef KS_MOD_SENTRY_HANDOVER_H
#define KS_MOD_SENTRY_HANDOVER_H

#include <stdbool.h>

#include <util_filter.h>

#include "mod_sentry/answer.h"
#include "mod_sentry/conditions.h"
#include "mod_sentry/pump/pump.h"

#define KS_SITES_MAX 64		/* server and location pairs; viewers of others stay with httpd */

struct ks_handover;

/* NULL when out of memory. All is from `pool`, the child's, and goes with it. */
struct ks_handover *ks_handover_new(apr_pool_t *pool, struct ks_pump *pump, const struct ks_conditions *conditions);

/* Not DECLINED: the request's connection is the pump's, now or when the handler has returned this, and the request too;
 * nobody logs. DECLINED: the request is the caller's to answer; when it is a picture that goes out with 200,
 * ks_handover_learn() may make the next one of its kind go. */
int ks_handover_try(struct ks_handover *handover, struct ks_request *q);
void ks_handover_learn(struct ks_handover *handover, struct ks_request *q, const struct ks_picture *picture,
		       const struct ks_freshness *f);

/* True when none of these filters does anything to requests or pictures that the pump would not know of. */
bool ks_handover_harmless(const ap_filter_t *filters);

/* Hands over a connection on which httpd has nothing to answer, with what was read from it; the other is for one that
 * the pump had before. False: the pump does not take it. */
bool ks_handover_give(struct ks_pump *pump, conn_rec *c, const struct ks_site *site, const char *host,
		      const char *bytes, apr_size_t len);
bool ks_handover_return(struct ks_pump *pump, conn_rec *c, const struct ks_site *site, const char *host,
			const char *bytes, apr_size_t len);

/* True when the log need not say anything of this request: the pump does. */
bool ks_handover_done(const request_rec *r);

/* Once, at the module's start. */
void ks_handover_register(void);

#endif
