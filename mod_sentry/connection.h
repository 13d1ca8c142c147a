/* SPDX-License-Identifier: Apache-2.0
 *
 * What mod_sentry keeps with a connection of httpd's.
 */
#ifndef KS_MOD_SENTRY_CONNECTION_H
#define KS_MOD_SENTRY_CONNECTION_H

#include <stddef.h>	/* before APR, which makes do without offsetof() otherwise */

#include <httpd.h>

struct ks_gift;
struct ks_lent;

struct ks_connection {
	struct ks_gift *gift;	/* while httpd answers on it for the pump (given.c); else NULL */
	unsigned gifts;		/* so many times */
	struct ks_lent *lent;	/* NULL: was never lent to the pump (lent.c) */
};

/* Made when it is not there; lives as long as the connection. NULL for a stream of HTTP/2. */
struct ks_connection *ks_connection_of(conn_rec *c);

#endif
