/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "lib/base/error.h"
#include "nat64/large.h"

#define KICKS_MAX 512		/* entries moved to make room for one, before other seeds are tried */
#define SEEDS_MAX 8		/* tried at one size … */
#define GROWTHS_MAX 3		/* … before it is doubled, so often at most */

/* At most four fifths are in use: two choices of two places each fill nine tenths without trouble. */
static size_t lines_for(size_t n)
{
	size_t lines = 1;

	while (lines * KS_HASH_WAYS * 4 / 5 < n)
		lines *= 2;
	return lines;
}

static int seed(struct ks_hash *hash)
{
	ssize_t got = getrandom(hash->seed, sizeof(hash->seed), 0);

	return got == (ssize_t)sizeof(hash->seed) ? KS_EOK : got < 0 ? -errno : -EAGAIN;
}

static int allocate(struct ks_hash *hash, size_t lines)
{
	hash->lines = ks_large_new(lines * sizeof(struct ks_hash_line));
	hash->last = lines - 1;
	return hash->lines != NULL ? KS_EOK : -ENOMEM;
}

static void clear(struct ks_hash *hash)
{
	for (size_t i = 0; i <= hash->last; i++)
		for (unsigned way = 0; way < KS_HASH_WAYS; way++)
			hash->lines[i].slots[way] = (struct ks_hash_slot){ .index = KS_HASH_NONE };
}

static uint64_t key_hash(const struct ks_hash *hash, const struct ks_hash_slot *entry)
{
	return hash->by_v4 ? ks_hash_of(hash, 0, entry->v4) : ks_hash_of(hash, entry->v6[0], entry->v6[1]);
}

static bool put(struct ks_hash_line *line, const struct ks_hash_slot *entry)
{
	for (unsigned way = 0; way < KS_HASH_WAYS; way++)
		if (line->slots[way].index == KS_HASH_NONE) {
			line->slots[way] = *entry;
			return true;
		}
	return false;
}

/* Where both lines are full, one that stands there goes to its other line, and so on. On false *entry is the one that
 * has found no place. */
static bool insert(struct ks_hash *hash, struct ks_hash_slot *entry, uint64_t *dice)
{
	uint64_t x = key_hash(hash, entry), at = x & hash->last, other = x >> 32 & hash->last;

	if (put(&hash->lines[at], entry) || put(&hash->lines[other], entry))
		return true;
	for (unsigned kick = 0; kick < KICKS_MAX; kick++) {
		struct ks_hash_slot *victim, moved;

		*dice = *dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		victim = &hash->lines[at].slots[*dice >> 63];
		moved = *victim;
		*victim = *entry;
		*entry = moved;
		x = key_hash(hash, entry);
		at = (x & hash->last) == at ? x >> 32 & hash->last : x & hash->last;
		if (put(&hash->lines[at], entry))
			return true;
	}
	return false;
}

static bool insert_all(struct ks_hash *hash, const struct ks_hash_slot *entries, size_t n)
{
	uint64_t dice = hash->seed[0];

	clear(hash);
	for (size_t i = 0; i < n; i++) {
		struct ks_hash_slot entry = entries[i];

		if (!insert(hash, &entry, &dice))
			return false;
	}
	return true;
}

static void set_mask(struct ks_hash *hash, unsigned length)
{
	uint64_t ones = UINT64_MAX;

	if (hash->by_v4) {
		hash->mask[1] = length == 0 ? 0 : UINT32_MAX << (32 - length) & UINT32_MAX;
		return;
	}
	hash->mask[0] = length == 0 ? 0 : length >= 64 ? ones : ones << (64 - length);
	hash->mask[1] = length <= 64 ? 0 : ones << (128 - length);
}

int ks_hash_build(struct ks_hash *hash, bool by_v4, unsigned length, const struct ks_hash_slot *entries, size_t n)
{
	size_t lines = lines_for(n);

	*hash = (struct ks_hash){ .by_v4 = by_v4 };
	set_mask(hash, length);
	for (unsigned growth = 0; growth <= GROWTHS_MAX; growth++, lines *= 2) {
		int err = allocate(hash, lines);

		for (unsigned try = 0; try < SEEDS_MAX && err == KS_EOK; try++) {
			err = seed(hash);
			if (err == KS_EOK && insert_all(hash, entries, n))
				return KS_EOK;
		}
		ks_hash_free(hash);
		if (err != KS_EOK)
			return err;
	}
	return KS_ELIMIT;
}

void ks_hash_free(struct ks_hash *hash)
{
	free(hash->lines);
	hash->lines = NULL;
}
