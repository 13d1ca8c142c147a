/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether httpd's configuration may decide about one request to a location otherwise than about the next: by who asks,
 * by header fields, by environment. Where it may, each request has to go through httpd. Read from the tree of
 * directives once per start; a location is judged by the text of the directives that can concern it, so in doubt
 * against the pump.
 */
#ifndef KS_MOD_SENTRY_CONDITIONS_H
#define KS_MOD_SENTRY_CONDITIONS_H

#include <apr_pools.h>

#define KS_CONDITIONS_MAX 256	/* directives and sections that are remembered; with more, nothing is handed over */

struct ks_conditions;

/* From ap_conftree, which is whole from post_config on. */
const struct ks_conditions *ks_conditions_read(apr_pool_t *pool);

/* Why requests below a mount ("/live", "" at the root) cannot be judged together: "Require in /etc/…:12"; NULL: they
 * can. */
const char *ks_conditions_against(const struct ks_conditions *conditions, const char *mount, apr_pool_t *pool);

/* Paths deeper than the mount that have a <Location> of their own; the array ends with NULL. */
const char *const *ks_conditions_sections(const struct ks_conditions *conditions, const char *mount, apr_pool_t *pool);

#endif
