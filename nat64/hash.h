/* SPDX-License-Identifier: Apache-2.0
 *
 * One hash of the table of addresses: the prefixes of one length, in one direction. Open addressing by two choices: a
 * key stands in one of two cache lines, and each has room for two, so that a look-up costs two cache lines at most,
 * fetched side by side, however full the table and whoever chose the keys. The entry is in the slot itself.
 *
 * Addresses are numbers in host order; of an IPv6 address the upper half stands first.
 */
#ifndef KS_NAT64_HASH_H
#define KS_NAT64_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KS_HASH_LINE 64		/* KS_LARGE_LINE */
#define KS_HASH_WAYS 2
#define KS_HASH_NONE UINT32_MAX		/* index of a slot that is free */

struct ks_hash_slot {
	uint64_t v6[2];
	uint32_t v4;
	uint32_t index;			/* of the mapping, or KS_HASH_NONE */
	uint8_t length4, length6;
	uint8_t spare[6];
};

struct ks_hash_line {
	_Alignas(KS_HASH_LINE) struct ks_hash_slot slots[KS_HASH_WAYS];
};
_Static_assert(sizeof(struct ks_hash_line) == KS_HASH_LINE, "one cache line");

struct ks_hash {
	_Alignas(KS_HASH_LINE) struct ks_hash_line *lines;
	uint64_t last;			/* number of lines, a power of two, less one */
	uint64_t seed[2];
	uint64_t mask[2];		/* the bits of a key that count; of IPv4 the lower half of mask[1] */
	bool by_v4;			/* what is the key */
};

/* Of n entries, which differ in their keys. KS_EOK, KS_ELIMIT when they do not fit at any size that is allowed, or
 * -errno. */
int ks_hash_build(struct ks_hash *hash, bool by_v4, unsigned length, const struct ks_hash_slot *entries, size_t n);
void ks_hash_free(struct ks_hash *hash);

/* Both line numbers of a key: the lower and the upper half. */
static inline uint64_t ks_hash_of(const struct ks_hash *hash, uint64_t high, uint64_t low)
{
	uint64_t x = (high ^ hash->seed[0]) * UINT64_C(0x9e3779b97f4a7c15);

	x ^= x >> 32;
	x = (x ^ low ^ hash->seed[1]) * UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	return x ^ x >> 32;
}

/* Bitwise, so that there is nothing to branch on. */
static inline bool ks_hash_is4(const struct ks_hash_slot *slot, uint32_t key)
{
	return ((slot->v4 ^ key) | (slot->index == KS_HASH_NONE)) == 0;
}

static inline bool ks_hash_is6(const struct ks_hash_slot *slot, const uint64_t key[2])
{
	return ((slot->v6[0] ^ key[0]) | (slot->v6[1] ^ key[1]) | (slot->index == KS_HASH_NONE)) == 0;
}

/* All four places are compared and the right one is selected without a branch, as where it is cannot be foreseen. */
static inline const struct ks_hash_slot *ks_hash_find4(const struct ks_hash *hash, uint32_t v4)
{
	uint32_t key = v4 & (uint32_t)hash->mask[1];
	uint64_t x = ks_hash_of(hash, 0, key);
	const struct ks_hash_slot *a = hash->lines[x & hash->last].slots, *b = hash->lines[x >> 32 & hash->last].slots;
	const struct ks_hash_slot *found = a;

	found = ks_hash_is4(&a[1], key) ? &a[1] : found;
	found = ks_hash_is4(&b[0], key) ? &b[0] : found;
	found = ks_hash_is4(&b[1], key) ? &b[1] : found;
	return ks_hash_is4(found, key) ? found : NULL;
}

/* Has both lines of a key brought nearer, and waits for nothing. */
static inline void ks_hash_prefetch(const struct ks_hash *hash, uint64_t high, uint64_t low)
{
	uint64_t x = ks_hash_of(hash, high & hash->mask[0], low & hash->mask[1]);

	__builtin_prefetch(&hash->lines[x & hash->last]);
	__builtin_prefetch(&hash->lines[x >> 32 & hash->last]);
}

static inline const struct ks_hash_slot *ks_hash_find6(const struct ks_hash *hash, uint64_t high, uint64_t low)
{
	uint64_t key[2] = { high & hash->mask[0], low & hash->mask[1] }, x = ks_hash_of(hash, key[0], key[1]);
	const struct ks_hash_slot *a = hash->lines[x & hash->last].slots, *b = hash->lines[x >> 32 & hash->last].slots;
	const struct ks_hash_slot *found = a;

	found = ks_hash_is6(&a[1], key) ? &a[1] : found;
	found = ks_hash_is6(&b[0], key) ? &b[0] : found;
	found = ks_hash_is6(&b[1], key) ? &b[1] : found;
	return ks_hash_is6(found, key) ? found : NULL;
}

#endif
