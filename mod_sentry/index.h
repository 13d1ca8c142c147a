/* SPDX-License-Identifier: Apache-2.0
 *
 * What one store holds, as of one position: the list that index.json shows, and what tells whether a
 * viewer's picture comes before ours. Built once per position, shared by reference, never changed.
 */
#ifndef KS_MOD_SENTRY_INDEX_H
#define KS_MOD_SENTRY_INDEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/store/store.h"

#define KS_INDEX_MAX ((size_t)KS_STORE_FRAMES_DEFAULT)	/* the newest so many are listed */

struct ks_index {
	atomic_uint refs;
	uint64_t position;
	char *json;		/* [{"id":"7-12","captured_ms":…,"bytes":…},…], oldest first */
	size_t json_len;
	size_t n;
	struct ks_store_item items[];
};

/* The caller owns the one reference. NULL when out of memory. */
struct ks_index *ks_index_new(struct ks_store_reader *store, uint64_t position);
struct ks_index *ks_index_ref(struct ks_index *index);	/* NULL is allowed, here and below */
void ks_index_unref(struct ks_index *index);

/* Whether `newest`, the last that was published here, may follow `after` on a viewer's screen, as
 * ks_frame_newer() would say if we had the manifest of `after`; items[0..n) is what is held, oldest first.
 * What is held here came before the newest. Of a run of a source that is known here the time of a frame
 * is worked out from its neighbour. Of one that never was seen here only the epoch tells. */
bool ks_index_follows(const struct ks_store_item *items, size_t n, const struct ks_manifest *newest,
		      struct ks_frame_id after);

#endif
