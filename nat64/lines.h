/* SPDX-License-Identifier: Apache-2.0
 *
 * The mappings as they stand in the configuration file, each with its place, until the table has been made of them.
 * Where two have the same address or prefix the first counts, as in map646; that, and prefixes that lie in one another,
 * is logged as a warning with both places. Main thread only.
 */
#ifndef KS_NAT64_LINES_H
#define KS_NAT64_LINES_H

#include "lib/base/settings.h"
#include "nat64/table.h"

#define KS_LINES_WARNINGS_MAX 100	/* logged one by one; the others are counted */

struct ks_lines;

struct ks_lines *ks_lines_new(void);	/* NULL: no memory */
void ks_lines_free(struct ks_lines *lines);

/* As take() of struct ks_word: "V4 V6", "V4[/length] V6[/length]", "GLOBAL INTRA". */
int ks_lines_map_static(struct ks_lines *lines, const struct ks_place *place, char *const *values,
			char expected[KS_EXPECTED_MAX]);
int ks_lines_map(struct ks_lines *lines, const struct ks_place *place, char *const *values,
		 char expected[KS_EXPECTED_MAX]);
int ks_lines_map66_static(struct ks_lines *lines, const struct ks_place *place, char *const *values,
			  char expected[KS_EXPECTED_MAX]);

/* Makes the table, and lets go of the lines. Returns as ks_table_build(). */
int ks_lines_build(struct ks_lines *lines, const struct ks_prefix *prefix, bool well_known_private);
/* The lines keep it; NULL before it was built. */
const struct ks_table *ks_lines_table(const struct ks_lines *lines);

#endif
