/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/rules.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/error.h"
#include "nat64/large.h"
#include "nat64/worker.h"

static int allocate(struct ks_rules *rules)
{
	size_t slots = ks_table_slots(rules->table);

	/* One more, so that none is of no bytes. */
	rules->before = calloc(slots + 1, sizeof(*rules->before));
	rules->mappings = calloc(rules->workers, sizeof(*rules->mappings));
	if (rules->before == NULL || rules->mappings == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < rules->workers; i++) {
		rules->mappings[i] = ks_large_new((slots + 1) * sizeof(**rules->mappings));
		if (rules->mappings[i] == NULL)
			return -ENOMEM;
	}
	return KS_EOK;
}

int ks_rules_new(struct ks_rules **out, const struct ks_table *table, void *owner, void (*release)(void *owner),
		 unsigned workers)
{
	struct ks_rules *rules = calloc(1, sizeof(*rules));
	int err = -ENOMEM;

	if (rules == NULL) {
		if (release != NULL)
			release(owner);
		return err;
	}
	rules->table = table;
	rules->owner = owner;
	rules->release = release;
	rules->workers = workers;
	err = allocate(rules);
	if (err != KS_EOK)
		ks_rules_free(rules);
	else
		*out = rules;
	return err;
}

void ks_rules_free(struct ks_rules *rules)
{
	if (rules == NULL)
		return;
	for (unsigned i = 0; rules->mappings != NULL && i < rules->workers; i++)
		free(rules->mappings[i]);
	free(rules->mappings);
	free(rules->before);
	if (rules->release != NULL)
		rules->release(rules->owner);
	free(rules);
}

static void add(struct ks_mapping_count *sum, const struct ks_mapping_count *count)
{
	sum->packets_to += ks_worker_read(&count->packets_to);
	sum->bytes_to += ks_worker_read(&count->bytes_to);
	sum->packets_from += ks_worker_read(&count->packets_from);
	sum->bytes_from += ks_worker_read(&count->bytes_from);
}

struct ks_mapping_count ks_rules_count(const struct ks_rules *rules, uint32_t slot)
{
	struct ks_mapping_count sum = rules->before[slot];

	for (unsigned i = 0; i < rules->workers; i++)
		add(&sum, &rules->mappings[i][slot]);
	return sum;
}

int ks_rules_carry(const struct ks_rules *from, struct ks_rules *to)
{
	uint32_t n = ks_table_slots(from->table);
	uint32_t *slots = malloc((n + 1) * sizeof(*slots));

	if (slots == NULL)
		return -ENOMEM;
	ks_table_carry(from->table, to->table, slots);
	for (uint32_t i = 0; i < n; i++) {
		struct ks_mapping_count count = ks_rules_count(from, i);

		if (slots[i] != KS_SLOT_NONE)
			add(&to->before[slots[i]], &count);
	}
	free(slots);
	return KS_EOK;
}
