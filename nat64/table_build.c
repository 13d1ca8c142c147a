/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/table_private.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>

#include "lib/base/error.h"

/* --- what may be in it --------------------------------------------------------------------------- */

static bool bits_behind(const uint8_t *bytes, size_t size, unsigned length)
{
	for (size_t i = length / 8; i < size; i++)
		if ((bytes[i] & (i == length / 8 ? 0xff >> length % 8 : 0xff)) != 0)
			return true;
	return false;
}

const char *ks_mapping_expected(const struct ks_mapping *mapping)
{
	uint32_t v4 = htobe32(mapping->v4);
	uint8_t bytes[sizeof(v4)];

	if (mapping->length4 > 32 || mapping->length6 > 128)
		return "an IPv4 length of at most 32 and an IPv6 length of at most 128";
	memcpy(bytes, &v4, sizeof(v4));
	if (bits_behind(bytes, sizeof(bytes), mapping->length4))
		return "no bits behind the length of the IPv4 prefix";
	if (bits_behind(mapping->v6.s6_addr, sizeof(mapping->v6.s6_addr), mapping->length6))
		return "no bits behind the length of the IPv6 prefix";
	if (32 - mapping->length4 > 128 - mapping->length6)
		return "at least as many bits behind the IPv6 prefix as behind the IPv4 prefix (RFC 7757, section 3.2)";
	return NULL;
}

/* --- building ------------------------------------------------------------------------------------ */

static int by_order(const void *a, const void *b)
{
	return ks_mapping_order(a, b);
}

static int by_order66(const void *a, const void *b)
{
	return ks_mapping66_order(a, b);
}

static int by_length_and_v4(const void *left, const void *right)
{
	const struct ks_hash_slot *a = left, *b = right;

	if (a->length4 != b->length4)
		return a->length4 > b->length4 ? -1 : 1;
	return (a->v4 > b->v4) - (a->v4 < b->v4);
}

static int by_length_and_v6(const void *left, const void *right)
{
	const struct ks_hash_slot *a = left, *b = right;

	if (a->length6 != b->length6)
		return a->length6 > b->length6 ? -1 : 1;
	if (a->v6[0] != b->v6[0])
		return a->v6[0] < b->v6[0] ? -1 : 1;
	return (a->v6[1] > b->v6[1]) - (a->v6[1] < b->v6[1]);
}

static void set_v6(struct ks_hash_slot *slot, const struct in6_addr *v6)
{
	memcpy(slot->v6, v6->s6_addr, sizeof(slot->v6));
	slot->v6[0] = be64toh(slot->v6[0]);
	slot->v6[1] = be64toh(slot->v6[1]);
}

static unsigned length_of(const struct ks_hash_slot *slot, bool by_v4)
{
	return by_v4 ? slot->length4 : slot->length6;
}

/* One hash for each length among the n entries. *hashes is filled as far as it went. */
static int build_side(struct ks_hash **hashes, uint32_t *n_hashes, bool by_v4, struct ks_hash_slot *entries, size_t n)
{
	int (*order)(const void *, const void *) = by_v4 ? by_length_and_v4 : by_length_and_v6;
	size_t lengths = 0, from = 0;
	int err = KS_EOK;

	qsort(entries, n, sizeof(entries[0]), order);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && order(&entries[i - 1], &entries[i]) == 0)
			return KS_EMALFORMED;
		lengths += i == 0 || length_of(&entries[i - 1], by_v4) != length_of(&entries[i], by_v4);
	}
	if (lengths == 0)
		return KS_EOK;
	*hashes = aligned_alloc(KS_HASH_LINE, lengths * sizeof(**hashes));
	if (*hashes == NULL)
		return -ENOMEM;
	for (size_t i = 1; i <= n && err == KS_EOK; i++) {
		unsigned length = length_of(&entries[from], by_v4);

		if (i < n && length_of(&entries[i], by_v4) == length)
			continue;
		err = ks_hash_build(&(*hashes)[*n_hashes], by_v4, length, entries + from, i - from);
		if (err == KS_EOK)
			(*n_hashes)++;
		from = i;
	}
	return err;
}

static int build_mappings(struct ks_table *table)
{
	struct ks_hash_slot *entries = calloc(table->n, sizeof(*entries));
	int err = KS_EOK;

	if (entries == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < table->n && err == KS_EOK; i++) {
		const struct ks_mapping *mapping = &table->mappings[i];

		if (ks_mapping_expected(mapping) != NULL)
			err = KS_EMALFORMED;
		entries[i] = (struct ks_hash_slot){ .v4 = mapping->v4, .index = i, .length4 = mapping->length4,
						    .length6 = mapping->length6 };
		set_v6(&entries[i], &mapping->v6);
	}
	if (err == KS_EOK)
		err = build_side(&table->by4, &table->n_by4, true, entries, table->n);
	if (err == KS_EOK)
		err = build_side(&table->by6, &table->n_by6, false, entries, table->n);
	free(entries);
	return err;
}

static int build_66(struct ks_table *table, struct ks_hash *hash, bool by_global)
{
	struct ks_hash_slot *entries = calloc(table->n66, sizeof(*entries));
	int err = KS_EOK;

	if (entries == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < table->n66; i++) {
		const struct ks_mapping66 *mapping = &table->mappings66[i];

		entries[i] = (struct ks_hash_slot){ .index = table->n + i, .length6 = 128 };
		set_v6(&entries[i], by_global ? &mapping->global : &mapping->intra);
	}
	qsort(entries, table->n66, sizeof(entries[0]), by_length_and_v6);
	for (uint32_t i = 1; i < table->n66 && err == KS_EOK; i++)
		if (by_length_and_v6(&entries[i - 1], &entries[i]) == 0)
			err = KS_EMALFORMED;
	if (err == KS_EOK)
		err = ks_hash_build(hash, false, 128, entries, table->n66);
	free(entries);
	return err;
}

/* The fields one by one: what stands between them in memory says nothing. */
static void set_version(struct ks_table *table)
{
	uint8_t fixed[4] = { table->prefix.length, table->global_only, 0, 0 }, digest[crypto_generichash_BYTES_MIN];
	crypto_generichash_state state;
	uint32_t n = htobe32(table->n);

	crypto_generichash_init(&state, NULL, 0, sizeof(digest));
	crypto_generichash_update(&state, fixed, sizeof(fixed));
	crypto_generichash_update(&state, table->prefix.address.s6_addr, sizeof(table->prefix.address.s6_addr));
	crypto_generichash_update(&state, (const uint8_t *)&n, sizeof(n));
	for (uint32_t i = 0; i < table->n; i++) {
		const struct ks_mapping *mapping = &table->mappings[i];
		uint8_t bytes[22] = { mapping->length4, mapping->length6 };
		uint32_t v4 = htobe32(mapping->v4);

		memcpy(bytes + 2, &v4, sizeof(v4));
		memcpy(bytes + 6, mapping->v6.s6_addr, sizeof(mapping->v6.s6_addr));
		crypto_generichash_update(&state, bytes, sizeof(bytes));
	}
	for (uint32_t i = 0; i < table->n66; i++) {
		crypto_generichash_update(&state, table->mappings66[i].global.s6_addr, sizeof(struct in6_addr));
		crypto_generichash_update(&state, table->mappings66[i].intra.s6_addr, sizeof(struct in6_addr));
	}
	crypto_generichash_final(&state, digest, sizeof(digest));
	for (size_t i = 0; i < (KS_TABLE_VERSION_MAX - 1) / 2; i++)
		snprintf(table->version + 2 * i, 3, "%02x", digest[i]);
}

static int set_prefix(struct ks_table *table, const struct ks_prefix *prefix, bool well_known_private)
{
	static const struct ks_prefix well_known = { .address.s6_addr = { 0x00, 0x64, 0xff, 0x9b }, .length = 96 };

	if (prefix == NULL || prefix->length == 0)
		return KS_EOK;
	if (ks_prefix_expected(prefix) != NULL)
		return KS_EMALFORMED;
	table->prefix = *prefix;
	table->global_only = !well_known_private && prefix->length == well_known.length &&
		memcmp(&prefix->address, &well_known.address, sizeof(prefix->address)) == 0;
	return KS_EOK;
}

/* A copy in order; of nothing, nothing. */
static void *sorted(const void *items, size_t n, size_t size, int (*order)(const void *, const void *))
{
	void *copy = malloc(n > 0 ? n * size : 1);

	if (copy == NULL || n == 0)
		return copy;
	memcpy(copy, items, n * size);
	qsort(copy, n, size, order);
	return copy;
}

int ks_table_build(struct ks_table **out, const struct ks_prefix *prefix, bool well_known_private,
		   const struct ks_mapping *mappings, size_t n, const struct ks_mapping66 *mappings66, size_t n66)
{
	struct ks_table *table;
	int err;

	*out = NULL;
	if (n > KS_TABLE_MAPPINGS_MAX || n66 > KS_TABLE_MAPPINGS_MAX - n)
		return KS_ELIMIT;
	table = aligned_alloc(KS_HASH_LINE, sizeof(*table));
	if (table == NULL)
		return -ENOMEM;
	memset(table, 0, sizeof(*table));
	table->n = (uint32_t)n;
	table->n66 = (uint32_t)n66;
	err = set_prefix(table, prefix, well_known_private);
	table->mappings = sorted(mappings, n, sizeof(*mappings), by_order);
	table->mappings66 = sorted(mappings66, n66, sizeof(*mappings66), by_order66);
	if (err == KS_EOK && (table->mappings == NULL || table->mappings66 == NULL))
		err = -ENOMEM;
	if (err == KS_EOK && n > 0)
		err = build_mappings(table);
	if (err == KS_EOK && n66 > 0)
		err = build_66(table, &table->by_global, true);
	if (err == KS_EOK && n66 > 0)
		err = build_66(table, &table->by_intra, false);
	if (err != KS_EOK) {
		ks_table_free(table);
		return err;
	}
	set_version(table);
	*out = table;
	return KS_EOK;
}

static void free_hashes(struct ks_hash *hashes, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		ks_hash_free(&hashes[i]);
	free(hashes);
}

void ks_table_free(struct ks_table *table)
{
	if (table == NULL)
		return;
	free_hashes(table->by4, table->n_by4);
	free_hashes(table->by6, table->n_by6);
	ks_hash_free(&table->by_global);
	ks_hash_free(&table->by_intra);
	free(table->mappings);
	free(table->mappings66);
	free(table);
}
