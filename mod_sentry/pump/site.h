/* SPDX-License-Identifier: Apache-2.0
 *
 * What httpd has said about the pictures below one location of one server: where they are, and what its answers
 * carry besides what the pump makes itself. Made once, when httpd has answered for that location, and never
 * changed; lives as long as the process's pump. A connection that is handed over belongs to one site.
 */
#ifndef KS_MOD_SENTRY_PUMP_SITE_H
#define KS_MOD_SENTRY_PUMP_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mod_sentry/state.h"

#define KS_SITE_EXTRAS_MAX 2048	/* bytes of header lines that are not ours */

struct ks_site {
	void *owner;		/* httpd's, for what is given back */
	char *mount;		/* path in front of "/<channel>", as it stands in requests; empty at the root */
	size_t mount_len;
	const char *const *sections;	/* paths below the mount for which httpd is configured otherwise; NULL ends */
	const char *store;	/* directory of the frame stores */
	struct ks_patience patience;
	bool timing;		/* Server-Timing */
	bool doorstep;		/* not a location yet: every request is httpd's */
	char *extras;		/* header lines, each with its CRLF, that each answer of httpd carries here */
	size_t extras_len;
	int64_t idle_us;	/* a connection without a request lives so long */
	int64_t stall_us;	/* a peer that takes nothing, or sends half a request, is given so long */
	int64_t spread_us;	/* over which the answers to those who wait for one frame are spread */
	uint32_t wait_max_ms;	/* a longer wait is taken for this; 0: nobody waits */
};

#endif
