/* SPDX-License-Identifier: Apache-2.0
 *
 * A table in force, and what was counted for each of its mappings: an array per worker, which it alone writes, and what
 * was counted before by tables that had the same mappings. Control thread, but for the workers' arrays.
 */
#ifndef KS_NAT64_RULES_H
#define KS_NAT64_RULES_H

#include "nat64/table.h"
#include "nat64/xlat.h"

struct ks_rules {
	const struct ks_table *table;
	void *owner;			/* of the table, released with it */
	void (*release)(void *owner);	/* may be NULL */
	unsigned workers;
	struct ks_mapping_count **mappings;	/* [worker][slot] */
	struct ks_mapping_count *before;	/* [slot] */
};

/* Takes the table's owner, also when it fails. */
int ks_rules_new(struct ks_rules **rules, const struct ks_table *table, void *owner, void (*release)(void *owner),
		 unsigned workers);
void ks_rules_free(struct ks_rules *rules);

/* What was counted under rules that no worker looks at any more goes on in those that took their place. */
int ks_rules_carry(const struct ks_rules *from, struct ks_rules *to);
struct ks_mapping_count ks_rules_count(const struct ks_rules *rules, uint32_t slot);

#endif
