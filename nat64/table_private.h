/* SPDX-License-Identifier: Apache-2.0
 *
 * What table.c (looking up) and table_build.c (making) share, and the order of mappings, which all that walks through
 * two of them at once needs.
 */
#ifndef KS_NAT64_TABLE_PRIVATE_H
#define KS_NAT64_TABLE_PRIVATE_H

#include <string.h>

#include "nat64/hash.h"
#include "nat64/table.h"

struct ks_table {
	struct ks_hash *by4, *by6;		/* one for each length that occurs, the longest first */
	uint32_t n_by4, n_by6;
	struct ks_prefix prefix;
	bool global_only;			/* the prefix may not carry an address that is not global */
	uint32_t n, n66;
	struct ks_hash by_global, by_intra;
	struct ks_mapping *mappings;		/* in order: the index is the slot */
	struct ks_mapping66 *mappings66;	/* these follow */
	char version[KS_TABLE_VERSION_MAX];
};

/* By IPv4 address, the shorter prefix first. */
static inline int ks_mapping_order(const struct ks_mapping *a, const struct ks_mapping *b)
{
	if (a->v4 != b->v4)
		return a->v4 < b->v4 ? -1 : 1;
	return (a->length4 > b->length4) - (a->length4 < b->length4);
}

static inline bool ks_mapping_same(const struct ks_mapping *a, const struct ks_mapping *b)
{
	return ks_mapping_order(a, b) == 0 && a->length6 == b->length6 && memcmp(&a->v6, &b->v6, sizeof(a->v6)) == 0;
}

static inline int ks_mapping66_order(const struct ks_mapping66 *a, const struct ks_mapping66 *b)
{
	return memcmp(&a->global, &b->global, sizeof(a->global));
}

static inline bool ks_mapping66_same(const struct ks_mapping66 *a, const struct ks_mapping66 *b)
{
	return ks_mapping66_order(a, b) == 0 && memcmp(&a->intra, &b->intra, sizeof(a->intra)) == 0;
}

#endif
