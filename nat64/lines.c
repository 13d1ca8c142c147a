/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "nat64/address.h"

/* Where it stands: which of the files, and its line. */
struct spot {
	uint32_t file, line;
};

struct line {
	struct ks_mapping mapping;
	struct spot spot;
};

struct line66 {
	struct ks_mapping66 mapping;
	struct spot spot;
};

struct ks_lines {
	struct line *all;
	struct line66 *all66;
	size_t n, n66, room, room66;
	char **files;
	uint32_t n_files;
	const char *last_name;		/* the reader's, of the last line … */
	uint32_t last_file;		/* … and which file that is */
	size_t warnings;
	struct ks_table *table;
};

struct ks_lines *ks_lines_new(void)
{
	return calloc(1, sizeof(struct ks_lines));
}

static void forget_lines(struct ks_lines *lines)
{
	for (uint32_t i = 0; i < lines->n_files; i++)
		free(lines->files[i]);
	free(lines->files);
	free(lines->all);
	free(lines->all66);
	lines->files = NULL;
	lines->all = NULL;
	lines->all66 = NULL;
	lines->last_name = NULL;
	lines->n = lines->n66 = lines->room = lines->room66 = lines->n_files = 0;
}

void ks_lines_free(struct ks_lines *lines)
{
	if (lines == NULL)
		return;
	forget_lines(lines);
	ks_table_free(lines->table);
	free(lines);
}

/* --- taking lines --------------------------------------------------------------------------------- */

static int expect(char expected[KS_EXPECTED_MAX], const char *what)
{
	snprintf(expected, KS_EXPECTED_MAX, "%s", what);
	return KS_ECONFIG;
}

/* The file of a place; the reader's name for it is the same pointer as long as it is the same file. */
static int find_file(struct ks_lines *lines, const char *name)
{
	char **grown;

	if (name == lines->last_name)
		return KS_EOK;
	lines->last_name = NULL;
	for (uint32_t i = 0; i < lines->n_files && lines->last_name == NULL; i++)
		if (strcmp(lines->files[i], name) == 0) {
			lines->last_name = name;
			lines->last_file = i;
		}
	if (lines->last_name != NULL)
		return KS_EOK;
	grown = realloc(lines->files, (lines->n_files + 1) * sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	lines->files = grown;
	lines->files[lines->n_files] = strdup(name);
	if (lines->files[lines->n_files] == NULL)
		return -ENOMEM;
	lines->last_file = lines->n_files++;
	lines->last_name = name;
	return KS_EOK;
}

/* Room for one more; *spot is where it stands. */
static int make_room(struct ks_lines *lines, void **all, size_t n, size_t *room, size_t size,
		     const struct ks_place *place, struct spot *spot, char expected[KS_EXPECTED_MAX])
{
	void *grown;
	int err = find_file(lines, place->file);

	if (err != KS_EOK)
		return err;
	*spot = (struct spot){ lines->last_file, place->line };
	if (lines->n + lines->n66 == KS_TABLE_MAPPINGS_MAX) {
		snprintf(expected, KS_EXPECTED_MAX, "at most %d mappings", KS_TABLE_MAPPINGS_MAX);
		return KS_ECONFIG;
	}
	if (n < *room)
		return KS_EOK;
	grown = realloc(*all, (*room > 0 ? *room * 2 : 64) * size);
	if (grown == NULL)
		return -ENOMEM;
	*all = grown;
	*room = *room > 0 ? *room * 2 : 64;
	return KS_EOK;
}

static int add(struct ks_lines *lines, const struct ks_place *place, const struct ks_mapping *mapping,
	       char expected[KS_EXPECTED_MAX])
{
	const char *wanted = ks_mapping_expected(mapping);
	void *all = lines->all;
	struct spot spot;
	int err;

	if (wanted == NULL && mapping->length4 == 32 && !ks_address4_usable(mapping->v4))
		wanted = "an IPv4 address of a host";
	if (wanted == NULL && mapping->length6 == 128 && !ks_address6_usable(&mapping->v6))
		wanted = "an IPv6 address of a host";
	if (wanted != NULL)
		return expect(expected, wanted);
	err = make_room(lines, &all, lines->n, &lines->room, sizeof(*lines->all), place, &spot, expected);
	lines->all = all;
	if (err == KS_EOK)
		lines->all[lines->n++] = (struct line){ *mapping, spot };
	return err;
}

int ks_lines_map_static(struct ks_lines *lines, const struct ks_place *place, char *const *values,
			char expected[KS_EXPECTED_MAX])
{
	struct ks_mapping mapping;

	if (!ks_address4_parse(values[0], &mapping.v4, &mapping.length4, KS_LENGTH_NONE))
		return expect(expected, "an IPv4 address in the first place");
	if (!ks_address6_parse(values[1], &mapping.v6, &mapping.length6, KS_LENGTH_NONE))
		return expect(expected, "an IPv6 address in the second place");
	mapping.length4 = 32;
	mapping.length6 = 128;
	return add(lines, place, &mapping, expected);
}

int ks_lines_map(struct ks_lines *lines, const struct ks_place *place, char *const *values,
		 char expected[KS_EXPECTED_MAX])
{
	struct ks_mapping mapping;

	if (!ks_address4_parse(values[0], &mapping.v4, &mapping.length4, 32))
		return expect(expected, "an IPv4 address or prefix in the first place, such as 192.0.2.0/24");
	if (!ks_address6_parse(values[1], &mapping.v6, &mapping.length6, 128))
		return expect(expected, "an IPv6 address or prefix in the second place, such as 2001:db8::/120");
	return add(lines, place, &mapping, expected);
}

int ks_lines_map66_static(struct ks_lines *lines, const struct ks_place *place, char *const *values,
			  char expected[KS_EXPECTED_MAX])
{
	struct ks_mapping66 mapping;
	void *all = lines->all66;
	struct spot spot;
	uint8_t length;
	int err;

	if (!ks_address6_parse(values[0], &mapping.global, &length, KS_LENGTH_NONE) ||
	    !ks_address6_usable(&mapping.global))
		return expect(expected, "an IPv6 address of a host in the first place");
	if (!ks_address6_parse(values[1], &mapping.intra, &length, KS_LENGTH_NONE) ||
	    !ks_address6_usable(&mapping.intra))
		return expect(expected, "an IPv6 address of a host in the second place");
	err = make_room(lines, &all, lines->n66, &lines->room66, sizeof(*lines->all66), place, &spot, expected);
	lines->all66 = all;
	if (err == KS_EOK)
		lines->all66[lines->n66++] = (struct line66){ mapping, spot };
	return err;
}

/* --- which of them count --------------------------------------------------------------------------- */

static int order4(const struct ks_lines *lines, uint32_t a, uint32_t b)
{
	const struct ks_mapping *x = &lines->all[a].mapping, *y = &lines->all[b].mapping;

	if (x->v4 != y->v4)
		return x->v4 < y->v4 ? -1 : 1;
	return (x->length4 > y->length4) - (x->length4 < y->length4);
}

static int order6(const struct ks_lines *lines, uint32_t a, uint32_t b)
{
	const struct ks_mapping *x = &lines->all[a].mapping, *y = &lines->all[b].mapping;
	int order = memcmp(&x->v6, &y->v6, sizeof(x->v6));

	return order != 0 ? order : (x->length6 > y->length6) - (x->length6 < y->length6);
}

static int order_global(const struct ks_lines *lines, uint32_t a, uint32_t b)
{
	return memcmp(&lines->all66[a].mapping.global, &lines->all66[b].mapping.global, sizeof(struct in6_addr));
}

static int order_intra(const struct ks_lines *lines, uint32_t a, uint32_t b)
{
	return memcmp(&lines->all66[a].mapping.intra, &lines->all66[b].mapping.intra, sizeof(struct in6_addr));
}

typedef int order_fn(const struct ks_lines *lines, uint32_t a, uint32_t b);

/* One side of the mappings of one kind. */
struct side {
	const struct ks_lines *lines;
	order_fn *order;
	uint32_t *sorted;	/* the numbers of all lines, in order; equal ones as in the file */
	uint32_t *group;	/* of each line: equal ones have the same number */
	uint32_t *first;	/* of each group: the line that counts, or UINT32_MAX */
};

static int compare(const void *left, const void *right, void *ctx)
{
	const struct side *side = ctx;
	const uint32_t *a = left, *b = right;
	int order = side->order(side->lines, *a, *b);

	return order != 0 ? order : (*a > *b) - (*a < *b);
}

static void side_free(struct side *side)
{
	free(side->sorted);
	free(side->group);
	free(side->first);
}

static int side_init(struct side *side, const struct ks_lines *lines, order_fn *order, size_t n)
{
	uint32_t groups = 0;

	*side = (struct side){ lines, order, calloc(n, sizeof(uint32_t)), calloc(n, sizeof(uint32_t)),
			       malloc(n * sizeof(uint32_t)) };
	if (side->sorted == NULL || side->group == NULL || side->first == NULL)
		return -ENOMEM;
	memset(side->first, 0xff, n * sizeof(uint32_t));
	for (size_t i = 0; i < n; i++)
		side->sorted[i] = (uint32_t)i;
	qsort_r(side->sorted, n, sizeof(uint32_t), compare, side);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && order(lines, side->sorted[i - 1], side->sorted[i]) != 0)
			groups++;
		side->group[side->sorted[i]] = groups;
	}
	return KS_EOK;
}

/* Whether one more warning is logged by itself. */
static bool may_warn(struct ks_lines *lines)
{
	return lines->warnings++ < KS_LINES_WARNINGS_MAX;
}

static void warn_twice(struct ks_lines *lines, struct spot spot, struct spot first, const char *what)
{
	if (may_warn(lines))
		ks_warn("config", "%s:%u: %s has been mapped in %s:%u already; that line counts and this one does not",
			lines->files[spot.file], spot.line, what, lines->files[first.file], first.line);
}

/* The text of one side of a line. */
static const char *side_text(const struct ks_lines *lines, order_fn *order, uint32_t i, char text[KS_PREFIX_TEXT_MAX])
{
	if (order == order4)
		return ks_address4_print(lines->all[i].mapping.v4, lines->all[i].mapping.length4, text);
	if (order == order6)
		return ks_address6_print(&lines->all[i].mapping.v6, lines->all[i].mapping.length6, text);
	return ks_address6_print(order == order_global ? &lines->all66[i].mapping.global :
				 &lines->all66[i].mapping.intra, 128, text);
}

static struct spot spot_of(const struct ks_lines *lines, order_fn *order, uint32_t i)
{
	return order == order4 || order == order6 ? lines->all[i].spot : lines->all66[i].spot;
}

/* In the order of the file: what a line that does not count has taken is free for a later one. */
static void mark_counting(struct ks_lines *lines, struct side sides[2], size_t n, bool *counts)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t *first[2] = { &sides[0].first[sides[0].group[i]], &sides[1].first[sides[1].group[i]] };
		unsigned taken = *first[0] != UINT32_MAX ? 0 : 1;
		char text[KS_PREFIX_TEXT_MAX];

		counts[i] = *first[0] == UINT32_MAX && *first[1] == UINT32_MAX;
		if (counts[i])
			*first[0] = *first[1] = i;
		else
			warn_twice(lines, spot_of(lines, sides[taken].order, i),
				   spot_of(lines, sides[taken].order, *first[taken]),
				   side_text(lines, sides[taken].order, i, text));
	}
}

/* --- prefixes in one another ------------------------------------------------------------------------ */

#define NESTED_MAX 129	/* prefixes of which each lies in the one before */

static bool lies_in(const struct side *side, uint32_t inner, uint32_t outer)
{
	const struct ks_mapping *a = &side->lines->all[inner].mapping, *b = &side->lines->all[outer].mapping;
	unsigned length = b->length6;

	if (side->order == order4)
		return b->length4 == 0 || (a->v4 ^ b->v4) >> (32 - b->length4) == 0;
	if (memcmp(&a->v6, &b->v6, length / 8) != 0)
		return false;
	return length % 8 == 0 || (a->v6.s6_addr[length / 8] ^ b->v6.s6_addr[length / 8]) >> (8 - length % 8) == 0;
}

/* outers[i] is the line in whose prefix that of i lies, or UINT32_MAX; one that is there already is not said again. */
static void warn_nested(struct ks_lines *lines, const struct side *side, const bool *counts, uint32_t *outers)
{
	uint32_t stack[NESTED_MAX];
	size_t depth = 0;

	for (size_t k = 0; k < lines->n; k++) {
		char inner[KS_PREFIX_TEXT_MAX], outer[KS_PREFIX_TEXT_MAX];
		uint32_t i = side->sorted[k];
		struct spot a = lines->all[i].spot, b;

		if (!counts[i])
			continue;
		while (depth > 0 && !lies_in(side, i, stack[depth - 1]))
			depth--;
		if (depth > 0 && outers[i] != stack[depth - 1]) {
			outers[i] = stack[depth - 1];
			b = lines->all[outers[i]].spot;
			if (may_warn(lines))
				ks_warn("config", "%s:%u: %s lies in %s of %s:%u; it goes before that one",
					lines->files[a.file], a.line, side_text(lines, side->order, i, inner),
					side_text(lines, side->order, outers[i], outer), lines->files[b.file], b.line);
		}
		stack[depth++] = i;
	}
}

/* --- making the table ------------------------------------------------------------------------------- */

/* Leaves out the lines that do not count. */
static int sift(struct ks_lines *lines)
{
	bool *counts = calloc(lines->n, sizeof(*counts));
	uint32_t *outers = malloc(lines->n * sizeof(*outers));
	struct side sides[2] = { { .lines = NULL }, { .lines = NULL } };
	size_t kept = 0;
	int err = counts != NULL && outers != NULL ? KS_EOK : -ENOMEM;

	if (err == KS_EOK)
		err = side_init(&sides[0], lines, order4, lines->n);
	if (err == KS_EOK)
		err = side_init(&sides[1], lines, order6, lines->n);
	if (err == KS_EOK) {
		memset(outers, 0xff, lines->n * sizeof(*outers));
		mark_counting(lines, sides, lines->n, counts);
		warn_nested(lines, &sides[0], counts, outers);
		warn_nested(lines, &sides[1], counts, outers);
		for (size_t i = 0; i < lines->n; i++)
			if (counts[i])
				lines->all[kept++] = lines->all[i];
		lines->n = kept;
	}
	side_free(&sides[0]);
	side_free(&sides[1]);
	free(counts);
	free(outers);
	return err;
}

static int sift66(struct ks_lines *lines)
{
	bool *counts = calloc(lines->n66, sizeof(*counts));
	struct side sides[2] = { { .lines = NULL }, { .lines = NULL } };
	size_t kept = 0;
	int err = counts != NULL ? KS_EOK : -ENOMEM;

	if (err == KS_EOK)
		err = side_init(&sides[0], lines, order_global, lines->n66);
	if (err == KS_EOK)
		err = side_init(&sides[1], lines, order_intra, lines->n66);
	if (err == KS_EOK) {
		mark_counting(lines, sides, lines->n66, counts);
		for (size_t i = 0; i < lines->n66; i++)
			if (counts[i])
				lines->all66[kept++] = lines->all66[i];
		lines->n66 = kept;
	}
	side_free(&sides[0]);
	side_free(&sides[1]);
	free(counts);
	return err;
}

static int build(struct ks_lines *lines, const struct ks_prefix *prefix, bool well_known_private)
{
	struct ks_mapping *mappings = malloc((lines->n + 1) * sizeof(*mappings));
	struct ks_mapping66 *mappings66 = malloc((lines->n66 + 1) * sizeof(*mappings66));
	int err = -ENOMEM;

	if (mappings != NULL && mappings66 != NULL) {
		for (size_t i = 0; i < lines->n; i++)
			mappings[i] = lines->all[i].mapping;
		for (size_t i = 0; i < lines->n66; i++)
			mappings66[i] = lines->all66[i].mapping;
		err = ks_table_build(&lines->table, prefix, well_known_private, mappings, lines->n, mappings66,
				     lines->n66);
	}
	free(mappings);
	free(mappings66);
	return err;
}

int ks_lines_build(struct ks_lines *lines, const struct ks_prefix *prefix, bool well_known_private)
{
	int err = lines->n > 0 ? sift(lines) : KS_EOK;

	if (err == KS_EOK && lines->n66 > 0)
		err = sift66(lines);
	if (lines->warnings > KS_LINES_WARNINGS_MAX)
		ks_warn("config", "%zu more mappings that are there twice or lie in one another",
			lines->warnings - KS_LINES_WARNINGS_MAX);
	if (err == KS_EOK)
		err = build(lines, prefix, well_known_private);
	forget_lines(lines);
	return err;
}

const struct ks_table *ks_lines_table(const struct ks_lines *lines)
{
	return lines->table;
}
