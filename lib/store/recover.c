/* SPDX-License-Identifier: Apache-2.0
 *
 * Going on where another writer stopped, at whatever instant it died.
 */
#include "lib/store/writer.h"

#include <string.h>

#include "lib/base/error.h"

/* The part of the data that an older frame may lie in: before the next newer one, and once the walk has passed
 * the start of the data, behind the newest. */
struct span {
	uint64_t low, high, head;
	bool wrapped;
};

static bool fits(struct span *span, const struct ks_store_held *held)
{
	uint64_t end = held->offset + ks_store_room(held->length);

	if (held->offset % KS_STORE_ALIGN != 0)
		return false;
	if (!span->wrapped && held->offset >= span->head) {
		span->wrapped = true;
		span->low = span->head;
		span->high = end;
	}
	if (held->offset < span->low || end > span->high)
		return false;
	span->high = held->offset;
	return true;
}

/* The manifest that the entry's bytes begin with says the same as the entry. */
static bool agrees(const struct ks_store_map *map, const struct ks_store_held *held, struct ks_manifest *m)
{
	return ks_manifest_decode(map->data + held->offset, held->length, m) == KS_EOK &&
	       held->length == KS_MANIFEST_SIZE + m->length && ks_frame_id_cmp(m->id, held->id) == 0 &&
	       m->captured_us == held->captured_us && m->flags == held->flags &&
	       ks_store_named(map->header, m->channel, m->rendition);
}

static int look_at_newest(struct ks_store_writer *w, uint64_t position)
{
	struct ks_store_held held;
	struct ks_frame frame;

	if (ks_store_look(&w->map, position, &held) != KS_EOK || held.offset % KS_STORE_ALIGN != 0 ||
	    !agrees(&w->map, &held, &w->newest) ||
	    ks_frame_view(w->map.data + held.offset, held.length, &frame) != KS_EOK)
		return KS_EMALFORMED;
	w->position = position;
	w->held = 1;
	w->head = held.offset + ks_store_room(held.length);
	return KS_EOK;
}

int ks_store_recover(struct ks_store_writer *w)
{
	uint64_t latest = atomic_load_explicit(&w->map.header->latest, memory_order_acquire);
	struct ks_store_held held;
	struct ks_manifest m;
	struct span span;

	if (latest == 0) {
		ks_store_clear(w, 0);
		return KS_EOK;
	}
	if (latest > UINT64_MAX / 2 || look_at_newest(w, latest) != KS_EOK)
		return KS_EMALFORMED;
	ks_store_look(&w->map, latest, &held);
	span = (struct span){ 0, held.offset, w->head, false };
	while (w->held < w->map.n_entries && w->held < latest &&
	       ks_store_look(&w->map, latest - w->held, &held) == KS_EOK && agrees(&w->map, &held, &m) &&
	       fits(&span, &held))
		w->held++;
	/* Whatever is not part of that row: half written, half forgotten, or never announced. */
	for (uint64_t i = w->held; i < w->map.n_entries; i++)
		ks_store_forget(ks_store_entry_of(&w->map, latest + w->map.n_entries - i));
	return KS_EOK;
}

void ks_store_carry(struct ks_store_writer *w, const struct ks_store_writer *from)
{
	w->position = from->position - from->held;
	for (uint64_t p = from->position - from->held + 1; from->held > 0 && p <= from->position; p++) {
		struct ks_store_held held;
		struct ks_frame frame;

		if (ks_store_look(&from->map, p, &held) == KS_EOK &&
		    ks_frame_view(from->map.data + held.offset, held.length, &frame) == KS_EOK)
			ks_store_append(w, &frame, held.published_us);
		else
			ks_store_clear(w, p);	/* positions have no holes: begin behind it */
	}
}
