/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's numbers: the text for Prometheus, and the answers of the control socket. Control thread.
 */
#ifndef KS_NAT64_REPORT_H
#define KS_NAT64_REPORT_H

#include <stdio.h>

#include <jansson.h>

#include "nat64/nat64.h"

/* Mappings that are listed one by one; of a larger table those that have carried anything, up to so many. */
#define KS_REPORT_MAPPINGS 10000

extern const char *const ks_report_directions[KS_XLAT_DIRECTIONS];	/* "4to6", … */

void ks_report_metrics(FILE *out, struct ks_nat64 *nat64);

/* New references; NULL: no memory. */
json_t *ks_report_status(struct ks_nat64 *nat64);
json_t *ks_report_counters(struct ks_nat64 *nat64);
json_t *ks_report_reasons(struct ks_nat64 *nat64);

/* "192.0.2.0/24", without the length for a host; to has room for KS_REPORT_ADDRESS_MAX. */
#define KS_REPORT_ADDRESS_MAX 64
const char *ks_report_address4(char *to, uint32_t v4, unsigned length);
const char *ks_report_address6(char *to, const struct in6_addr *v6, unsigned length);

#endif
