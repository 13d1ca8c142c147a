/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection on its way through httpd, shared by given.c, which makes httpd's connection itself and has the
 * threads, and gift_lent.c, for the one that was lent.
 */
#ifndef KS_MOD_SENTRY_GIFT_H
#define KS_MOD_SENTRY_GIFT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>	/* before APR, which makes do without offsetof() otherwise */

#include <apr_buckets.h>
#include <apr_thread_proc.h>
#include <httpd.h>
#include <http_config.h>

#include "mod_sentry/pump/pump.h"

struct ks_given {
	struct ks_crew *threads, *holders;	/* for what is whole, and for what is not */
	module *mpm;
	struct ks_pump *pump;
	atomic_uint held;	/* gifts that the holders have */
};

struct ks_gift {
	struct ks_given *given;
	const struct ks_site *site;
	int fd;
	struct ks_carrier *carrier;	/* NULL: an httpd connection is made */
	apr_bucket_brigade *unread;	/* with a carrier: what the pump has read, and httpd has not */
	size_t len;
	unsigned requests;	/* begun */
	bool between;		/* the next read is for a request's first line */
	bool returns;		/* with a carrier: to the pump, with what is unread */
	bool held;		/* by one of the holders */
	char *host;		/* behind the bytes */
	char bytes[];
};

/* Answers what was given on the connection that its carrier is of; then it is the pump's again. */
void ks_gift_serve_lent(struct ks_gift *gift, apr_thread_t *thread);

/* Once, at the module's start. */
void ks_gift_register(void);

#endif
