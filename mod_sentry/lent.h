/* SPDX-License-Identifier: Apache-2.0
 *
 * From httpd to the pump, when the bytes go through filters of httpd's: TLS. Its keys are with these filters, so
 * that a duplicate of the socket would be of no use. The connection stays what it is, is suspended, and lent to the
 * pump with its filters as the carrier (pump/carrier.h). It never comes back to the MPM, which in httpd 2.4 has no way
 * to take it; requests that are not the pump's are answered on it by the threads of given.c, and the pump closes it.
 */
#ifndef KS_MOD_SENTRY_LENT_H
#define KS_MOD_SENTRY_LENT_H

#include <stdbool.h>
#include <stddef.h>	/* before APR, which makes do without offsetof() otherwise */

#include <httpd.h>

#include "mod_sentry/pump/pump.h"

#define KS_LENT_SETTLE_US (1 * KS_US_PER_S)	/* until the thread that lends it has surely let go of it: what that still
						 * does are a few stores, behind which there is no hook */
#define KS_LENT_RECORD_MAX 16384		/* bytes of a TLS record, RFC 8446 section 5.1 */

/* True when the connection's bytes go through TLS and that alone, and nothing about the client's certificate, if it has
 * one, could decide anew about a request. */
bool ks_lent_may(conn_rec *c);

/* Offers a request's connection; bytes[0..len) were read from it and are not answered yet. The handler then returns
 * SUSPENDED; the pump has the connection when httpd has let go of it, and is asked the request. False: there is no
 * memory. */
bool ks_lent_offer(request_rec *r, struct ks_pump *pump, const struct ks_site *site, const char *host,
		   const char *bytes, size_t len);

/* The connection of a carrier that a pump was lent. */
conn_rec *ks_lent_connection(struct ks_carrier *carrier);

/* Once, at the module's start. */
void ks_lent_register(void);

#endif
