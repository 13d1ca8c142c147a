/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes of a table by one mapping, as a new table; and those that were made at run time, which a reload of the files
 * keeps. Control thread.
 */
#ifndef KS_NAT64_MAPPINGS_H
#define KS_NAT64_MAPPINGS_H

#include "nat64/table.h"

#define KS_MAPPINGS_ADDED_MAX 65536

/* Added by command, one host each. */
struct ks_mappings {
	struct ks_mapping *items;
	size_t n, room;
};

void ks_mappings_free(struct ks_mappings *mappings);
/* KS_EOK, KS_ELIMIT, -ENOMEM. */
int ks_mappings_add(struct ks_mappings *mappings, const struct ks_mapping *mapping);
void ks_mappings_remove(struct ks_mappings *mappings, const struct ks_mapping *mapping);

bool ks_mapping_same(const struct ks_mapping *a, const struct ks_mapping *b);

/* A new table: that one with these more, and without `without` (NULL: none). Of `more`, what cannot be beside what
 * is there makes it fail (KS_EMALFORMED), or is left out when lenient; *left_out says how many (may be NULL). */
int ks_mappings_table(struct ks_table **table, const struct ks_table *from, bool well_known_private,
		      const struct ks_mappings *more, const struct ks_mapping *without, bool lenient, size_t *left_out);

#endif
