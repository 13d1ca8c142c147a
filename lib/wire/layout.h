/* SPDX-License-Identifier: Apache-2.0
 *
 * How an object lies in blocks and shards: the object, padded with zeros to whole shards, is cut into blocks of
 * equal size (RFC 5052 section 9.1: sizes differ by at most one, the larger ones first), and each block is
 * coded by itself. Shards are sent one block after the other in turn, data before parity, so that a burst of
 * loss hits all blocks alike and a loss-free path needs no decoding.
 *
 * The layout does not depend on what a single relay loses, so that shards of several parents fit together.
 */
#ifndef KS_WIRE_LAYOUT_H
#define KS_WIRE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/wire/drop.h"
#include "lib/wire/fec.h"

#define KS_BLOCKS_MAX 64	/* an object of KS_FRAME_MAX in shards of KS_SHARD_MIN for a loss of half needs 50 */

/* Room for parity is kept for a loss of at least this much; parents with a higher one in their settings cut smaller
 * blocks, which do not merge with those of others. */
#define KS_LAYOUT_LOSS_PPM 200000

struct ks_layout {
	size_t object_len, shard_len;
	size_t shards;		/* data shards of all blocks */
	size_t nblocks;
	size_t k_large, n_large;	/* data shards of each of the first n_large blocks */
	size_t k_small;		/* and of each of the others */
};

/* The sender's layout: the fewest blocks whose data and parity (ks_layout_parity() for 9999 of 10000, at the loss or at
 * KS_LAYOUT_LOSS_PPM, whichever is higher) fit into the code. KS_EOK or KS_ELIMIT. */
int ks_layout_plan(struct ks_layout *layout, size_t object_len, size_t shard_len, uint32_t loss_ppm);

/* The receiver's, from a datagram's fields: KS_DROP_NONE, MALFORMED or LIMIT. */
enum ks_drop ks_layout_of(struct ks_layout *layout, size_t object_len, size_t shard_len, size_t nblocks);

/* Data shards of a block, and the first of them counted through the object. */
static inline size_t ks_layout_k(const struct ks_layout *layout, size_t block)
{
	return block < layout->n_large ? layout->k_large : layout->k_small;
}

static inline size_t ks_layout_first(const struct ks_layout *layout, size_t block)
{
	return block < layout->n_large ? block * layout->k_large
				       : layout->n_large + block * layout->k_small;
}

/* Parity shards for each block: ks_fec_parity() of the largest, and for 9999 of 10000 as much more as several blocks
 * need. At most one less than the code has room for. */
size_t ks_layout_parity(const struct ks_layout *layout, uint32_t loss_ppm, enum ks_chance chance);

/* Which shard is the i-th (from 0) of a block that is sent: data 0 to k - 1, then parity k to 254; from the top: data
 * k - 1 to 0, then parity 254 to k. After all 255 it begins again. */
size_t ks_layout_shard(const struct ks_layout *layout, size_t block, size_t i, bool from_top);

/* The same for the whole object, block by block in turn, with any number of parity shards. */
void ks_layout_at(const struct ks_layout *layout, size_t position, bool from_top, size_t *block, size_t *shard);

#endif
