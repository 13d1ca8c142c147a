/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocks of one size that are needed for a while each. The last one given back is the next one taken, so that a few of
 * them stay in the processor's cache however many viewers there are. Allocates when none is free, and never again for
 * as many.
 */
#ifndef KS_SWARM_POOL_H
#define KS_SWARM_POOL_H

#include <stddef.h>

/* Zeroed but for size: empty. */
struct swarm_pool {
	size_t size;	/* of a block, at least that of a pointer */
	void *free;
};

/* NULL when memory is out. */
void *swarm_pool_take(struct swarm_pool *pool);
void swarm_pool_give(struct swarm_pool *pool, void *block);

/* All must have been given back. */
void swarm_pool_free(struct swarm_pool *pool);

#endif
