/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures that wait for their turn: the newest of each source that is not shown. Together they have a limit in bytes;
 * beyond it the one that came first gives way.
 */
#ifndef KS_RELAY_HELD_H
#define KS_RELAY_HELD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/frame/frame.h"

struct ks_held {
	TAILQ_ENTRY(ks_held) link;
	struct ks_held **slot;		/* of its owner, which is emptied when it gives way */
	struct ks_frame frame;
	uint8_t bytes[];
};

struct ks_held_pool {
	TAILQ_HEAD(ks_held_list, ks_held) list;	/* as they came */
	size_t bytes, bytes_max;
};

/* `bytes_max` is at least KS_FRAME_MAX. */
void ks_held_init(struct ks_held_pool *pool, size_t bytes_max);

/* Copies a frame into *slot, in place of what is there. KS_EOK or -ENOMEM. */
int ks_held_put(struct ks_held_pool *pool, struct ks_held **slot, const struct ks_frame *frame);

/* Empties *slot; nothing happens when it is empty. */
void ks_held_drop(struct ks_held_pool *pool, struct ks_held **slot);

#endif
