/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/mappings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"

#define ROOM_FIRST 16

struct lists {
	struct ks_mapping *mappings;
	struct ks_mapping66 *mappings66;
	size_t n, n66;
};

bool ks_mapping_same(const struct ks_mapping *a, const struct ks_mapping *b)
{
	return a->v4 == b->v4 && a->length4 == b->length4 && a->length6 == b->length6 &&
		memcmp(&a->v6, &b->v6, sizeof(a->v6)) == 0;
}

void ks_mappings_free(struct ks_mappings *mappings)
{
	free(mappings->items);
	*mappings = (struct ks_mappings){ 0 };
}

int ks_mappings_add(struct ks_mappings *mappings, const struct ks_mapping *mapping)
{
	if (mappings->n >= KS_MAPPINGS_ADDED_MAX)
		return KS_ELIMIT;
	if (mappings->n == mappings->room) {
		size_t room = mappings->room != 0 ? mappings->room * 2 : ROOM_FIRST;
		struct ks_mapping *items = realloc(mappings->items, room * sizeof(*items));

		if (items == NULL)
			return -ENOMEM;
		mappings->items = items;
		mappings->room = room;
	}
	mappings->items[mappings->n++] = *mapping;
	return KS_EOK;
}

void ks_mappings_remove(struct ks_mappings *mappings, const struct ks_mapping *mapping)
{
	for (size_t i = 0; i < mappings->n; i++)
		if (ks_mapping_same(&mappings->items[i], mapping))
			mappings->items[i--] = mappings->items[--mappings->n];
}

/* Slots of both kinds, in two lists with room for `more`. */
static int take_out(struct lists *lists, const struct ks_table *from, const struct ks_mapping *without, size_t more)
{
	uint32_t slots = ks_table_slots(from);

	lists->mappings = malloc((slots + more + 1) * sizeof(*lists->mappings));
	lists->mappings66 = malloc((slots + 1) * sizeof(*lists->mappings66));
	if (lists->mappings == NULL || lists->mappings66 == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < slots; i++) {
		const struct ks_mapping *mapping = ks_table_mapping(from, i);

		if (mapping == NULL)
			lists->mappings66[lists->n66++] = *ks_table_mapping66(from, i);
		else if (without == NULL || !ks_mapping_same(mapping, without))
			lists->mappings[lists->n++] = *mapping;
	}
	return KS_EOK;
}

/* Hosts only are added, so it is in the way when a mapping has one of its addresses as a host. */
static bool clashes(const struct ks_table *from, const struct ks_mapping *mapping)
{
	struct in6_addr v6;
	uint32_t v4, slot;
	const struct ks_mapping *there;

	if (ks_table_to6(from, mapping->v4, true, &v6, &slot) == KS_MAPPED_EXPLICIT) {
		there = ks_table_mapping(from, slot);
		if (there->length4 == mapping->length4)
			return true;
	}
	if (ks_table_to4(from, &mapping->v6, &v4, &slot) == KS_MAPPED_EXPLICIT) {
		there = ks_table_mapping(from, slot);
		if (there->length6 == mapping->length6)
			return true;
	}
	return false;
}

int ks_mappings_table(struct ks_table **table, const struct ks_table *from, bool well_known_private,
		      const struct ks_mappings *more, const struct ks_mapping *without, bool lenient, size_t *left_out)
{
	struct lists lists = { 0 };
	size_t n_more = more != NULL ? more->n : 0, out = 0;
	int err = take_out(&lists, from, without, n_more);

	for (size_t i = 0; i < n_more && err == KS_EOK; i++) {
		if (lenient && clashes(from, &more->items[i]))
			out++;
		else
			lists.mappings[lists.n++] = more->items[i];
	}
	if (err == KS_EOK)
		err = ks_table_build(table, ks_table_prefix(from), well_known_private, lists.mappings, lists.n,
				     lists.mappings66, lists.n66);
	if (left_out != NULL)
		*left_out = out;
	free(lists.mappings);
	free(lists.mappings66);
	return err;
}
