/* SPDX-License-Identifier: Apache-2.0
 *
 * The addresses: which IPv4 address is which IPv6 address. Explicit mappings (RFC 7757) by longest match, then the one
 * prefix that embeds all others (RFC 6052). Built once, then only read: any number of threads may, without a lock.
 * IPv4 addresses are numbers in host order.
 */
#ifndef KS_NAT64_TABLE_H
#define KS_NAT64_TABLE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KS_TABLE_MAPPINGS_MAX 1000000	/* explicit ones, both kinds */

/* RFC 6052: the IPv4 address behind an IPv6 prefix of one of six lengths, around the octet "u". */
struct ks_prefix {
	struct in6_addr address;	/* bits behind the length are zero */
	uint8_t length;			/* 32, 40, 48, 56, 64, 96; 0: no prefix */
};

/* NULL when it is one that can be used, or what was expected: a text that completes "expected …". */
const char *ks_prefix_expected(const struct ks_prefix *prefix);
void ks_prefix_embed(const struct ks_prefix *prefix, uint32_t v4, struct in6_addr *v6);
/* False: not of this prefix. The suffix is not looked at (RFC 6052, section 2.2). */
bool ks_prefix_extract(const struct ks_prefix *prefix, const struct in6_addr *v6, uint32_t *v4);

/* One explicit mapping, RFC 7757 section 3.2: 32 - length4 <= 128 - length6. */
struct ks_mapping {
	uint32_t v4;
	struct in6_addr v6;
	uint8_t length4, length6;
};

/* map66-static of map646: one IPv6 address of the outside for one of the inside. */
struct ks_mapping66 {
	struct in6_addr global, intra;
};

/* Where an address went. slot is the mapping's number for counters, below ks_table_slots(). */
enum ks_mapped {
	KS_MAPPED_NOT,
	KS_MAPPED_EXPLICIT,
	KS_MAPPED_PREFIX,
	KS_MAPPED_PRIVATE	/* only by 64:ff9b::/96, which may not carry that address (RFC 6052, section 3.1) */
};
#define KS_SLOT_NONE UINT32_MAX

struct ks_table;

/* explicit_too false: by the prefix alone (hairpinning, RFC 7757 section 4). *slot is set when it is explicit, else
 * KS_SLOT_NONE. */
enum ks_mapped ks_table_to6(const struct ks_table *table, uint32_t v4, bool explicit_too, struct in6_addr *v6,
			    uint32_t *slot);
enum ks_mapped ks_table_to4(const struct ks_table *table, const struct in6_addr *v6, uint32_t *v4, uint32_t *slot);
/* That one of these will be asked for soon: the memory that holds the answer is fetched meanwhile. In a large table that
 * is what a look-up takes. Only mappings of the longest length, which hosts have. */
void ks_table_expect4(const struct ks_table *table, uint32_t v4);
void ks_table_expect6(const struct ks_table *table, const struct in6_addr *v6);
/* IPv6 to IPv6: whether it is a global address that stands for an inner one, and the reverse. */
bool ks_table_to_intra(const struct ks_table *table, const struct in6_addr *global, struct in6_addr *intra,
		       uint32_t *slot);
bool ks_table_to_global(const struct ks_table *table, const struct in6_addr *intra, struct in6_addr *global,
			uint32_t *slot);

/* --- building ------------------------------------------------------------------------------------ */

#define KS_TABLE_VERSION_MAX 17		/* of ks_table_version(), with its end */

/* A table of its own copies. prefix may be NULL, or of length 0: none. well_known_private lifts the rule of RFC 6052,
 * section 3.1 (for labs). Mappings may come in any order, and may contain each other. KS_EOK; KS_EMALFORMED when one
 * cannot be: a length over 32 or 128, bits behind a length, an IPv4 suffix longer than the IPv6 suffix, the same prefix
 * on one side of two mappings, or a prefix that ks_prefix_expected() does not take; KS_ELIMIT when there are more than
 * KS_TABLE_MAPPINGS_MAX; -ENOMEM. */
int ks_table_build(struct ks_table **table, const struct ks_prefix *prefix, bool well_known_private,
		   const struct ks_mapping *mappings, size_t n, const struct ks_mapping66 *mappings66, size_t n66);
void ks_table_free(struct ks_table *table);	/* NULL is fine */

/* NULL when it is one, or what was expected of it: a text that completes "expected …". */
const char *ks_mapping_expected(const struct ks_mapping *mapping);

/* Whether RFC 6052, section 3.1 keeps it out of 64:ff9b::/96: not global by IANA's registry of special addresses. */
bool ks_table_is_private(uint32_t v4);

/* --- looking through it -------------------------------------------------------------------------- */

/* Slots are numbered by address: first the mappings by IPv4 prefix, then those from IPv6 to IPv6 by global address. The
 * same mappings have the same slots, whatever their order in the file was. */
uint32_t ks_table_slots(const struct ks_table *table);
/* What a slot is: exactly one of the two is not NULL, when slot < ks_table_slots(). */
const struct ks_mapping *ks_table_mapping(const struct ks_table *table, uint32_t slot);
const struct ks_mapping66 *ks_table_mapping66(const struct ks_table *table, uint32_t slot);
/* NULL: none. */
const struct ks_prefix *ks_table_prefix(const struct ks_table *table);
/* A digest of all that is in it, in hexadecimal: two translators with the same one translate addresses alike. */
const char *ks_table_version(const struct ks_table *table);

/* Where the slots of one table are in another, for counters that outlive a reload: slots[] has ks_table_slots(from)
 * entries, KS_SLOT_NONE for a mapping that is no longer there as it was. */
void ks_table_carry(const struct ks_table *from, const struct ks_table *to, uint32_t *slots);

#endif
