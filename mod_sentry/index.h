/* SPDX-License-Identifier: Apache-2.0
 *
 * What one store holds, as of one position: the list that index.json shows. Built once per position, shared by
 * reference, never changed.
 */
#ifndef KS_MOD_SENTRY_INDEX_H
#define KS_MOD_SENTRY_INDEX_H

#include <stdatomic.h>
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

#endif
