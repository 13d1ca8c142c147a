/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/settings_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"

static bool same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same(const struct ks_setting *s, const void *a, const void *b)
{
	switch (s->type) {
	case KS_TEXT:
		return same_text(*(char *const *)a, *(char *const *)b);
	case KS_NUMBER:
		return *(const int64_t *)a == *(const int64_t *)b;
	case KS_SWITCH:
		return *(const bool *)a == *(const bool *)b;
	case KS_LIST:
		return ks_list_same(a, b);
	case KS_SECTIONS:
		break;
	}
	return true;
}

static void print_list(const struct ks_list *list)
{
	if (list->n == 0)
		printf("none");
	for (size_t i = 0; i < list->n; i++)
		printf("%s%s", i > 0 ? " " : "", ks_list_text(list, i));
}

static void print_value(const struct ks_setting *s, const void *field)
{
	const char *text = s->type == KS_TEXT ? *(char *const *)field : NULL;

	switch (s->type) {
	case KS_TEXT:
		printf("%s", text != NULL ? text : "none");
		break;
	case KS_NUMBER:
		printf("%" PRId64, *(const int64_t *)field);
		break;
	case KS_SWITCH:
		printf("%s", *(const bool *)field ? "yes" : "no");
		break;
	case KS_LIST:
		print_list(field);
		break;
	case KS_SECTIONS:
		break;
	}
}

void ks_settings_warn_kept(const struct ks_setting *table, const void *running, const void *wanted)
{
	for (const struct ks_setting *s = table; s->name != NULL; s++)
		if (s->at_start && !same(s, (const char *)running + s->offset, (const char *)wanted + s->offset))
			ks_warn("config", "%s is taken over only by a restart; it stays as it was", s->name);
}

bool ks_settings_print_diff(const struct ks_setting *table, const void *now, const void *then)
{
	bool differ = false;

	for (const struct ks_setting *s = table; s->name != NULL; s++) {
		const void *a = (const char *)now + s->offset, *b = (const char *)then + s->offset;

		if (same(s, a, b))
			continue;
		differ = true;
		printf("%s: ", s->name);
		print_value(s, a);
		printf(" -> ");
		print_value(s, b);
		printf("\n");
	}
	return differ;
}
