/* SPDX-License-Identifier: Apache-2.0
 *
 * How an object lies in blocks and shards: the object, padded with zeros to whole shards, is cut into blocks of
 * equal size (RFC 5052 section 9.1: sizes differ by at most one, the larger ones first), and each block is
 * coded by itself. Shards are sent one block after the other in turn, data before parity, so that a burst of
 * loss hits all blocks alike and a loss-free path needs no decoding.
 */
#ifndef KS_WIRE_LAYOUT_H
#define KS_WIRE_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/wire/drop.h"

#define KS_BLOCKS_MAX 64	/* an object of KS_FRAME_MAX in shards of KS_SHARD_MIN for a loss of half needs 50 */

struct ks_layout {
	size_t object_len, shard_len;
	size_t shards;		/* data shards of all blocks */
	size_t nblocks;
	size_t k_large, n_large;	/* data shards of each of the first n_large blocks */
	size_t k_small;		/* and of each of the others */
	size_t m;		/* parity shards of each block; 0 on the receiving side, which need not know */
};

/* The sender's layout: the fewest blocks whose data and parity for the loss fit into the code. KS_EOK or KS_ELIMIT. */
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

/* Datagrams of the object, and which shard is at a position in the order of sending. */
static inline size_t ks_layout_datagrams(const struct ks_layout *layout)
{
	return layout->shards + layout->m * layout->nblocks;
}

void ks_layout_at(const struct ks_layout *layout, size_t position, size_t *block, size_t *shard);

#endif
