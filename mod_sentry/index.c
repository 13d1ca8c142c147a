/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/index.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static char *write_json(const struct ks_store_item *items, size_t n)
{
	json_t *list = json_array();
	char id[KS_FRAME_ID_TEXT], *text;

	for (size_t i = 0; i < n; i++) {
		json_t *item = json_pack("{s:s, s:I, s:I}", "id", ks_frame_id_format(items[i].id, id), "captured_ms",
					 (json_int_t)(items[i].captured_us / KS_US_PER_MS), "bytes",
					 (json_int_t)items[i].length);

		if ((items[i].flags & KS_FRAME_PLACEHOLDER) != 0)
			json_object_set_new(item, "placeholder", json_true());
		json_array_append_new(list, item);
	}
	text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return text;
}

struct ks_index *ks_index_new(struct ks_store_reader *store, uint64_t position)
{
	struct ks_index *index = malloc(sizeof(*index) + KS_INDEX_MAX * sizeof(index->items[0]));

	if (index == NULL)
		return NULL;
	atomic_init(&index->refs, 1);
	index->position = position;
	index->n = ks_store_list(store, index->items, KS_INDEX_MAX);
	index->json = write_json(index->items, index->n);
	if (index->json == NULL) {
		free(index);
		return NULL;
	}
	index->json_len = strlen(index->json);
	return index;
}

struct ks_index *ks_index_ref(struct ks_index *index)
{
	if (index != NULL)
		atomic_fetch_add_explicit(&index->refs, 1, memory_order_relaxed);
	return index;
}

void ks_index_unref(struct ks_index *index)
{
	if (index == NULL || atomic_fetch_sub_explicit(&index->refs, 1, memory_order_acq_rel) != 1)
		return;
	free(index->json);
	free(index);
}
