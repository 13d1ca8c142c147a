/* SPDX-License-Identifier: Apache-2.0
 *
 * What this process keeps of one store: the open reader, a copy of the newest frame, and a few that were
 * asked for by name. A request costs one atomic load of the store's position; only when that has
 * changed does one thread, of all that ask, copy the new frame. Everything may be called from any thread.
 */
#ifndef KS_MOD_SENTRY_COPIES_H
#define KS_MOD_SENTRY_COPIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mod_sentry/index.h"
#include "mod_sentry/picture.h"

/* Memory for one store in one process is at most the newest picture and these. */
#define KS_COPIES_RECENT 8				/* pictures by name */
#define KS_COPIES_RECENT_BYTES ((size_t)4 * 1024 * 1024)

#define KS_COPIES_LOOK_US (KS_US_PER_S / 2)	/* between looks at a store that cannot be opened */
#define KS_COPIES_RETRY_US (KS_US_PER_S / 50)	/* after a frame that could not be read */

/* A picture gives way only to one that may follow it, so that viewers are not stepped back when a store is
 * made anew; but not for ever, when an operator starts a channel over. */
#define KS_COPIES_YIELD_US (30 * KS_US_PER_S)

struct ks_copies;

/* The texts are copied. NULL when out of memory. `counted` is where the counters have this store. */
struct ks_copies *ks_copies_new(const char *dir, const char *channel, const char *rendition, size_t counted);
void ks_copies_free(struct ks_copies *copies);

const char *ks_copies_dir(const struct ks_copies *copies);
const char *ks_copies_channel(const struct ks_copies *copies);
const char *ks_copies_rendition(const struct ks_copies *copies);
size_t ks_copies_counted(const struct ks_copies *copies);

/* The newest picture, with a reference for the caller; NULL when there is none. *error is KS_EOK, or why
 * the store cannot be read now (the picture is then the last one that could be); KS_ENOTYET: no such file,
 * or no frame in it yet. */
struct ks_picture *ks_copies_newest(struct ks_copies *copies, int64_t mono_us, int *error);

/* What a thread that waits has seen; zeroed: nothing. */
struct ks_copies_seen {
	const void *reading;
	uint64_t position;
};

/* Sleeps until it is worth while to look for a newer picture: the store has something that *seen has not, or may have
 * been made anew, or the time is over. Shorter when there is no store to wait for. */
void ks_copies_wait(struct ks_copies *copies, struct ks_copies_seen *seen, int64_t timeout_us);

/* A picture by name, with a reference for the caller. KS_EOK; as ks_store_read(); or KS_ENODATA when the store
 * is not open. Call it after ks_copies_newest(), which is what opens the store. */
int ks_copies_find(struct ks_copies *copies, struct ks_frame_id id, int64_t mono_us, struct ks_picture **picture);

/* The list of what is held, with a reference for the caller; NULL when the store is not open. */
struct ks_index *ks_copies_index(struct ks_copies *copies);

/* How long the writer has been silent; -1 when it never was heard, or the store is not open. */
int64_t ks_copies_silent_us(struct ks_copies *copies, int64_t mono_us);

#endif
