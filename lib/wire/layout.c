/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/layout.h"

#include "lib/base/error.h"
#include "lib/frame/manifest.h"
#include "lib/wire/datagram.h"
#include "lib/wire/fec.h"

static void partition(struct ks_layout *layout, size_t object_len, size_t shard_len, size_t nblocks)
{
	size_t shards = (object_len + shard_len - 1) / shard_len;

	*layout = (struct ks_layout){
		.object_len = object_len,
		.shard_len = shard_len,
		.shards = shards,
		.nblocks = nblocks,
		.k_large = (shards + nblocks - 1) / nblocks,
		.k_small = shards / nblocks,
		.n_large = shards % nblocks,
	};
}

/* All blocks must arrive, so each of several may fail less often: every doubling of their number halves the
 * failures that one may have. One more shard does that, or up to one and a half where the loss is high. */
static size_t parity(size_t k, size_t nblocks, uint32_t loss_ppm)
{
	size_t doublings = 0;

	while ((size_t)1 << doublings < nblocks)
		doublings++;
	return ks_fec_parity(k, loss_ppm, KS_CHANCE_9999) + (3 * doublings + 1) / 2;
}

size_t ks_layout_parity(const struct ks_layout *layout, uint32_t loss_ppm, enum ks_chance chance)
{
	size_t most = KS_FEC_SHARDS_MAX - 1 - layout->k_large;
	size_t m = chance == KS_CHANCE_9999 ? parity(layout->k_large, layout->nblocks, loss_ppm)
					    : ks_fec_parity(layout->k_large, loss_ppm, chance);

	return m < most ? m : most;
}

int ks_layout_plan(struct ks_layout *layout, size_t object_len, size_t shard_len, uint32_t loss_ppm)
{
	if (object_len == 0 || object_len > KS_FRAME_MAX || shard_len < KS_SHARD_MIN || shard_len > KS_SHARD_MAX)
		return KS_ELIMIT;
	if (loss_ppm < KS_LAYOUT_LOSS_PPM)
		loss_ppm = KS_LAYOUT_LOSS_PPM;
	for (size_t nblocks = 1; nblocks <= KS_BLOCKS_MAX; nblocks++) {
		partition(layout, object_len, shard_len, nblocks);
		/* Parity that fills the code to the brim may have been cut short; less than that has not. */
		if (layout->k_large + parity(layout->k_large, nblocks, loss_ppm) < KS_FEC_SHARDS_MAX)
			return KS_EOK;
	}
	return KS_ELIMIT;
}

enum ks_drop ks_layout_of(struct ks_layout *layout, size_t object_len, size_t shard_len, size_t nblocks)
{
	if (shard_len < KS_SHARD_MIN || shard_len > KS_SHARD_MAX || object_len == 0 || nblocks == 0)
		return KS_DROP_MALFORMED;
	if (object_len > KS_FRAME_MAX || nblocks > KS_BLOCKS_MAX)
		return KS_DROP_LIMIT;
	partition(layout, object_len, shard_len, nblocks);
	return layout->k_small > 0 && layout->k_large < KS_FEC_SHARDS_MAX ? KS_DROP_NONE : KS_DROP_MALFORMED;
}

size_t ks_layout_shard(const struct ks_layout *layout, size_t block, size_t i, bool from_top)
{
	size_t k = ks_layout_k(layout, block);

	i %= KS_FEC_SHARDS_MAX;
	if (!from_top)
		return i;
	return i < k ? k - 1 - i : KS_FEC_SHARDS_MAX - 1 - (i - k);
}

void ks_layout_at(const struct ks_layout *layout, size_t position, bool from_top, size_t *block, size_t *shard)
{
	size_t from = position < layout->shards ? 0 : layout->shards, i;

	/* The last round of data has only the large blocks left, and these are the first. */
	*block = (position - from) % layout->nblocks;
	i = (position - from) / layout->nblocks;
	if (position >= layout->shards)
		i += ks_layout_k(layout, *block);
	*shard = ks_layout_shard(layout, *block, i, from_top);
}
