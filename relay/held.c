/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/held.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"

void ks_held_init(struct ks_held_pool *pool, size_t bytes_max)
{
	TAILQ_INIT(&pool->list);
	pool->bytes = 0;
	pool->bytes_max = bytes_max;
}

void ks_held_drop(struct ks_held_pool *pool, struct ks_held **slot)
{
	struct ks_held *held = *slot;

	if (held == NULL)
		return;
	TAILQ_REMOVE(&pool->list, held, link);
	pool->bytes -= held->frame.len;
	*slot = NULL;
	free(held);
}

int ks_held_put(struct ks_held_pool *pool, struct ks_held **slot, const struct ks_frame *frame)
{
	struct ks_held *held;

	ks_held_drop(pool, slot);
	while (pool->bytes + frame->len > pool->bytes_max && !TAILQ_EMPTY(&pool->list))
		ks_held_drop(pool, TAILQ_FIRST(&pool->list)->slot);
	held = malloc(sizeof(*held) + frame->len);
	if (held == NULL)
		return -ENOMEM;
	memcpy(held->bytes, frame->bytes, frame->len);
	held->frame = (struct ks_frame){ frame->m, held->bytes, frame->len };
	held->slot = slot;
	TAILQ_INSERT_TAIL(&pool->list, held, link);
	pool->bytes += frame->len;
	*slot = held;
	return KS_EOK;
}
