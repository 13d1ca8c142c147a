/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/audience/pool.h"

#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 64	/* libsodium's hash states want it */

void *swarm_pool_take(struct swarm_pool *pool)
{
	void *block = pool->free;

	if (block == NULL)
		return aligned_alloc(ALIGNMENT, (pool->size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
	memcpy(&pool->free, block, sizeof(void *));
	return block;
}

void swarm_pool_give(struct swarm_pool *pool, void *block)
{
	memcpy(block, &pool->free, sizeof(void *));
	pool->free = block;
}

void swarm_pool_free(struct swarm_pool *pool)
{
	while (pool->free != NULL)
		free(swarm_pool_take(pool));
}
