/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/config.h"

#include <inttypes.h>
#include <stdio.h>

#include "nat64/address.h"
#include "nat64/table_private.h"

struct tally {
	uint32_t added, removed, changed;
};

static void print_mapping(char sign, const struct ks_mapping *m)
{
	char a[KS_PREFIX_TEXT_MAX], b[KS_PREFIX_TEXT_MAX];

	printf("%c map %s %s\n", sign, ks_address4_print(m->v4, m->length4, a),
	       ks_address6_print(&m->v6, m->length6, b));
}

static void print_mapping66(char sign, const struct ks_mapping66 *m)
{
	char a[KS_PREFIX_TEXT_MAX], b[KS_PREFIX_TEXT_MAX];

	printf("%c map66-static %s %s\n", sign, ks_address6_print(&m->global, 128, a),
	       ks_address6_print(&m->intra, 128, b));
}

static void changed(struct tally *tally, const char *what, const struct in6_addr *from, unsigned from_length,
		    const struct in6_addr *to, unsigned to_length)
{
	char a[KS_PREFIX_TEXT_MAX], b[KS_PREFIX_TEXT_MAX];

	tally->changed++;
	printf("! %s %s -> %s\n", what, ks_address6_print(from, from_length, a), ks_address6_print(to, to_length, b));
}

/* Negative: only the first has it next; positive: only the second; one that has come to its end has nothing next. */
static int whose(bool first_ended, bool second_ended, int order)
{
	return first_ended ? 1 : second_ended ? -1 : order;
}

static void diff_mappings(const struct ks_table *now, const struct ks_table *then, struct tally *tally)
{
	uint32_t i = 0, j = 0;

	while (i < now->n || j < then->n) {
		const struct ks_mapping *a = &now->mappings[i], *b = &then->mappings[j];
		bool ended[2] = { i == now->n, j == then->n };
		int turn = whose(ended[0], ended[1], ended[0] || ended[1] ? 0 : ks_mapping_order(a, b));
		char what[KS_PREFIX_TEXT_MAX + 8], text[KS_PREFIX_TEXT_MAX];

		if (turn < 0) {
			print_mapping('-', a);
			tally->removed++;
		} else if (turn > 0) {
			print_mapping('+', b);
			tally->added++;
		} else if (!ks_mapping_same(a, b)) {
			snprintf(what, sizeof(what), "map %s", ks_address4_print(a->v4, a->length4, text));
			changed(tally, what, &a->v6, a->length6, &b->v6, b->length6);
		}
		i += turn <= 0;
		j += turn >= 0;
	}
}

static void diff_mappings66(const struct ks_table *now, const struct ks_table *then, struct tally *tally)
{
	uint32_t i = 0, j = 0;

	while (i < now->n66 || j < then->n66) {
		const struct ks_mapping66 *a = &now->mappings66[i], *b = &then->mappings66[j];
		bool ended[2] = { i == now->n66, j == then->n66 };
		int turn = whose(ended[0], ended[1], ended[0] || ended[1] ? 0 : ks_mapping66_order(a, b));
		char what[KS_PREFIX_TEXT_MAX + 16], text[KS_PREFIX_TEXT_MAX];

		if (turn < 0) {
			print_mapping66('-', a);
			tally->removed++;
		} else if (turn > 0) {
			print_mapping66('+', b);
			tally->added++;
		} else if (!ks_mapping66_same(a, b)) {
			snprintf(what, sizeof(what), "map66-static %s", ks_address6_print(&a->global, 128, text));
			changed(tally, what, &a->intra, 128, &b->intra, 128);
		}
		i += turn <= 0;
		j += turn >= 0;
	}
}

bool ks_nat64_print_diff(const struct ks_table *now, const struct ks_table *then)
{
	struct tally tally = { 0, 0, 0 };

	diff_mappings(now, then, &tally);
	diff_mappings66(now, then, &tally);
	if (tally.added + tally.removed + tally.changed == 0)
		return false;
	printf("mappings: %" PRIu32 " added, %" PRIu32 " removed, %" PRIu32 " changed\n", tally.added, tally.removed,
	       tally.changed);
	return true;
}
