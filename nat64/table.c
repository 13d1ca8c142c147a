/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/table.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "nat64/hash.h"
#include "nat64/table_private.h"

/* --- addresses as numbers ------------------------------------------------------------------------ */

static void to_halves(const struct in6_addr *v6, uint64_t half[2])
{
	memcpy(half, v6->s6_addr, sizeof(v6->s6_addr));
	half[0] = be64toh(half[0]);
	half[1] = be64toh(half[1]);
}

static void from_halves(uint64_t high, uint64_t low, struct in6_addr *v6)
{
	uint64_t half[2] = { htobe64(high), htobe64(low) };

	memcpy(v6->s6_addr, half, sizeof(half));
}

static uint32_t host_mask4(unsigned length)
{
	return length == 0 ? UINT32_MAX : (uint32_t)((UINT64_C(1) << (32 - length)) - 1);
}

/* --- looking up ---------------------------------------------------------------------------------- */

/* RFC 7757, section 3.3.1: what is behind the IPv4 prefix goes behind the IPv6 prefix, and zeros behind that. */
static void suffix_to6(const struct ks_hash_slot *slot, uint32_t v4, struct in6_addr *v6)
{
	uint64_t high = slot->v6[0], low = slot->v6[1], suffix = v4 & host_mask4(slot->length4);
	unsigned up;

	if (slot->length4 < 32) {
		up = 128 - slot->length6 - (32 - slot->length4);
		if (up >= 64)
			high |= suffix << (up - 64);
		else {
			low |= suffix << up;
			high |= up > 32 ? suffix >> (64 - up) : 0;
		}
	}
	from_halves(high, low, v6);
}

/* Section 3.3.2: as many bits as the IPv4 prefix leaves room for; those behind are discarded. */
static uint32_t suffix_to4(const struct ks_hash_slot *slot, const uint64_t half[2])
{
	unsigned down = 128 - slot->length6 - (32 - slot->length4);
	uint64_t got;

	if (slot->length4 == 32)
		return slot->v4;
	if (down >= 64)
		got = half[0] >> (down - 64);
	else
		got = half[1] >> down | (down > 32 ? half[0] << (64 - down) : 0);
	return slot->v4 | ((uint32_t)got & host_mask4(slot->length4));
}

/* IANA's registry of special-purpose IPv4 addresses: those that are not globally reachable, and multicast. */
bool ks_table_is_private(uint32_t v4)
{
	static const struct {
		uint32_t address;
		unsigned length;
	} blocks[] = {
		{ 0x00000000, 8 }, { 0x0a000000, 8 }, { 0x64400000, 10 }, { 0x7f000000, 8 }, { 0xa9fe0000, 16 },
		{ 0xac100000, 12 }, { 0xc0000000, 24 }, { 0xc0000200, 24 }, { 0xc0a80000, 16 }, { 0xc6120000, 15 },
		{ 0xc6336400, 24 }, { 0xcb007100, 24 }, { 0xe0000000, 4 }, { 0xf0000000, 4 },
	};

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if ((v4 & ~host_mask4(blocks[i].length)) == blocks[i].address)
			return true;
	return false;
}

enum ks_mapped ks_table_to6(const struct ks_table *table, uint32_t v4, bool explicit_too, struct in6_addr *v6,
			    uint32_t *slot)
{
	*slot = KS_SLOT_NONE;
	for (unsigned i = 0; explicit_too && i < table->n_by4; i++) {
		const struct ks_hash_slot *found = ks_hash_find4(&table->by4[i], v4);

		if (found == NULL)
			continue;
		suffix_to6(found, v4, v6);
		*slot = found->index;
		return KS_MAPPED_EXPLICIT;
	}
	if (table->prefix.length == 0)
		return KS_MAPPED_NOT;
	if (table->global_only && ks_table_is_private(v4))
		return KS_MAPPED_PRIVATE;
	ks_prefix_embed(&table->prefix, v4, v6);
	return KS_MAPPED_PREFIX;
}

enum ks_mapped ks_table_to4(const struct ks_table *table, const struct in6_addr *v6, uint32_t *v4, uint32_t *slot)
{
	uint64_t half[2];
	uint32_t got;

	*slot = KS_SLOT_NONE;
	to_halves(v6, half);
	for (unsigned i = 0; i < table->n_by6; i++) {
		const struct ks_hash_slot *found = ks_hash_find6(&table->by6[i], half[0], half[1]);

		if (found == NULL)
			continue;
		*v4 = suffix_to4(found, half);
		*slot = found->index;
		return KS_MAPPED_EXPLICIT;
	}
	if (!ks_prefix_extract(&table->prefix, v6, &got))
		return KS_MAPPED_NOT;
	if (table->global_only && ks_table_is_private(got))
		return KS_MAPPED_PRIVATE;
	*v4 = got;
	return KS_MAPPED_PREFIX;
}

void ks_table_expect4(const struct ks_table *table, uint32_t v4)
{
	if (table->n_by4 > 0)
		ks_hash_prefetch(&table->by4[0], 0, v4);
}

void ks_table_expect6(const struct ks_table *table, const struct in6_addr *v6)
{
	uint64_t half[2];

	if (table->n_by6 == 0)
		return;
	to_halves(v6, half);
	ks_hash_prefetch(&table->by6[0], half[0], half[1]);
}

static const struct ks_mapping66 *find66(const struct ks_table *table, const struct ks_hash *hash,
					 const struct in6_addr *v6, uint32_t *slot)
{
	const struct ks_hash_slot *found;
	uint64_t half[2];

	*slot = KS_SLOT_NONE;
	if (table->n66 == 0)
		return NULL;
	to_halves(v6, half);
	found = ks_hash_find6(hash, half[0], half[1]);
	if (found == NULL)
		return NULL;
	*slot = found->index;
	return &table->mappings66[found->index - table->n];
}

bool ks_table_to_intra(const struct ks_table *table, const struct in6_addr *global, struct in6_addr *intra,
		       uint32_t *slot)
{
	const struct ks_mapping66 *found = find66(table, &table->by_global, global, slot);

	if (found != NULL)
		*intra = found->intra;
	return found != NULL;
}

bool ks_table_to_global(const struct ks_table *table, const struct in6_addr *intra, struct in6_addr *global,
			uint32_t *slot)
{
	const struct ks_mapping66 *found = find66(table, &table->by_intra, intra, slot);

	if (found != NULL)
		*global = found->global;
	return found != NULL;
}

/* --- looking through it -------------------------------------------------------------------------- */

uint32_t ks_table_slots(const struct ks_table *table)
{
	return table->n + table->n66;
}

const struct ks_mapping *ks_table_mapping(const struct ks_table *table, uint32_t slot)
{
	return slot < table->n ? &table->mappings[slot] : NULL;
}

const struct ks_mapping66 *ks_table_mapping66(const struct ks_table *table, uint32_t slot)
{
	return slot >= table->n && slot - table->n < table->n66 ? &table->mappings66[slot - table->n] : NULL;
}

const struct ks_prefix *ks_table_prefix(const struct ks_table *table)
{
	return table->prefix.length != 0 ? &table->prefix : NULL;
}

const char *ks_table_version(const struct ks_table *table)
{
	return table->version;
}

/* Both are in order, so one walk through both finds what is in both. */
void ks_table_carry(const struct ks_table *from, const struct ks_table *to, uint32_t *slots)
{
	uint32_t j = 0;

	for (uint32_t i = 0; i < from->n; i++) {
		const struct ks_mapping *mapping = &from->mappings[i];
		int order = 1;

		while (j < to->n && (order = ks_mapping_order(&to->mappings[j], mapping)) < 0)
			j++;
		slots[i] = j < to->n && order == 0 && ks_mapping_same(&to->mappings[j], mapping) ? j : KS_SLOT_NONE;
	}
	j = 0;
	for (uint32_t i = 0; i < from->n66; i++) {
		const struct ks_mapping66 *mapping = &from->mappings66[i];
		int order = 1;

		while (j < to->n66 && (order = ks_mapping66_order(&to->mappings66[j], mapping)) < 0)
			j++;
		slots[from->n + i] = j < to->n66 && order == 0 && ks_mapping66_same(&to->mappings66[j], mapping) ?
			to->n + j : KS_SLOT_NONE;
	}
}
