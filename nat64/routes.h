/* SPDX-License-Identifier: Apache-2.0
 *
 * Routes to the TUN, when the daemon is told to manage them: rtnetlink, rtnetlink(7). The main thread; needs
 * CAP_NET_ADMIN.
 */
#ifndef KS_NAT64_ROUTES_H
#define KS_NAT64_ROUTES_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "nat64/table.h"
#include "nat64/xlat.h"

#define KS_ROUTES_MAX 2000000

/* Of either family, in network order; IPv4 stands in the first four bytes. */
struct ks_route {
	uint8_t family;		/* AF_INET, AF_INET6 */
	uint8_t length;		/* of the prefix, bits */
	uint8_t address[16];
};

struct ks_routes {
	struct ks_route *items;
	size_t n, room;
};

int ks_routes_add(struct ks_routes *routes, uint8_t family, const void *address, uint8_t length);
void ks_routes_free(struct ks_routes *routes);

/* What has to come to the translator: the IPv4 side of each mapping, the global side of each 6-6 mapping, the
 * prefix, and its own addresses. Into zeroed routes. */
int ks_routes_wanted(struct ks_routes *routes, const struct ks_table *table, const struct ks_xlat_settings *xlat);

/* Makes what leads to interface `index` what `wanted` says: first what is new is added, then what is only in `had`
 * goes, so that what is in both leads there all the time. Sorts both. One that is there already is no error. Logs
 * the first fault; returns it, having tried all. */
int ks_routes_apply(unsigned index, struct ks_routes *had, struct ks_routes *wanted);

#endif
