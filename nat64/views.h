/* SPDX-License-Identifier: Apache-2.0
 *
 * What the workers look at, and how it is changed while they work: put a new one in its place, wake them, wait until
 * each has passed the end of a batch, free the old one. Control thread.
 */
#ifndef KS_NAT64_VIEWS_H
#define KS_NAT64_VIEWS_H

#include "nat64/rules.h"
#include "nat64/worker.h"

/* A batch takes less than a millisecond; a worker that takes as long as this hangs in the kernel. */
#define KS_VIEWS_PATIENCE_US 5000000

struct ks_views_one;

struct ks_views {
	ks_view_pointer current;
	struct ks_views_one *one;		/* of current */
	struct ks_rules *rules;			/* in force */
	struct ks_worker *workers[KS_WORKERS_MAX];
	unsigned n;				/* workers that were started */
};

/* Takes the rules, also when it fails. No workers yet: the caller starts them, with &views->current. */
int ks_views_init(struct ks_views *views, struct ks_rules *rules, const struct ks_xlat_settings *settings);
void ks_views_free(struct ks_views *views);	/* stops the workers first */

/* Puts in force: rules (taken, also when it fails; NULL: those that are), a copy of the settings, a trace (not
 * taken; when this has returned KS_EOK none looks at the one from before). -ENOMEM: nothing was changed. -ETIMEDOUT:
 * it is in force, but a worker has not passed, and what it may look at is never freed; logged. */
int ks_views_put(struct ks_views *views, struct ks_rules *rules, const struct ks_xlat_settings *settings,
		 struct ks_trace *trace);

const struct ks_xlat_settings *ks_views_settings(const struct ks_views *views);
struct ks_trace *ks_views_trace(const struct ks_views *views);

#endif
