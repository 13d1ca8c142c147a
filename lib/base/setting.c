/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/settings_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/error.h"

const struct ks_setting *ks_setting_find(const struct ks_setting *table, const char *name, size_t len)
{
	for (; table->name != NULL; table++)
		if (strlen(table->name) == len && memcmp(table->name, name, len) == 0)
			return table;
	return NULL;
}

static bool parse_number(const char *text, const struct ks_setting *s, int64_t *value)
{
	char *end;
	long long got;

	errno = 0;
	got = strtoll(text, &end, 10);
	*value = got;
	return errno == 0 && end != text && *end == '\0' && got >= s->min && got <= s->max;
}

static bool parse_switch(const char *text, bool *value)
{
	static const char *const words[] = { "no", "yes", "off", "on", "false", "true", "0", "1" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(text, words[i]) == 0) {
			*value = (i & 1) != 0;
			return true;
		}
	return false;
}

bool ks_setting_accepts(const struct ks_setting *s, const char *text, char expected[KS_EXPECTED_MAX])
{
	const char *wanted = NULL;
	int64_t number;
	bool on;

	if (s->type == KS_NUMBER && !parse_number(text, s, &number)) {
		snprintf(expected, KS_EXPECTED_MAX, "a whole number from %" PRId64 " to %" PRId64 " (%s)", s->min, s->max,
			 s->arg);
		return false;
	}
	if (s->type == KS_SWITCH && !parse_switch(text, &on))
		wanted = "yes or no";
	else if (s->check != NULL)
		wanted = s->check(text);
	if (wanted == NULL)
		return true;
	snprintf(expected, KS_EXPECTED_MAX, "%s", wanted);
	return false;
}

struct ks_list *ks_setting_list(const struct ks_setting *s, void *base)
{
	return (struct ks_list *)(void *)((char *)base + s->offset);
}

/* A zeroed item at the end, or NULL. */
static void *list_append(struct ks_list *list, size_t item_size)
{
	void *grown = realloc(list->items, (list->n + 1) * item_size);

	if (grown == NULL)
		return NULL;
	list->items = grown;
	return memset((char *)grown + list->n++ * item_size, 0, item_size);
}

/* Replaces the text at *field. */
static int set_text(char **field, const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return KS_EOK;
}

/* Stores an acceptable value in the struct at base. */
int ks_setting_store(const struct ks_setting *s, void *base, const char *text)
{
	void *field = (char *)base + s->offset;

	switch (s->type) {
	case KS_TEXT:
		return set_text(field, text);
	case KS_NUMBER:
		parse_number(text, s, field);
		break;
	case KS_SWITCH:
		parse_switch(text, field);
		break;
	case KS_LIST:
		field = list_append(field, sizeof(char *));
		return field != NULL ? set_text(field, text) : -ENOMEM;
	case KS_SECTIONS:
		break;
	}
	return KS_EOK;
}

int ks_setting_presets(const struct ks_setting *table, void *base)
{
	int err = KS_EOK;

	for (; table->name != NULL && err == KS_EOK; table++)
		if (table->preset != NULL)
			err = ks_setting_store(table, base, table->preset);
	return err;
}

/* A new section with its title and presets; in *item as soon as it is in the list. */
int ks_setting_append(const struct ks_setting *s, void *base, const char *title, void **item)
{
	int err = -ENOMEM;

	*item = list_append(ks_setting_list(s, base), s->item_size);
	if (*item != NULL)
		err = set_text(*item, title);
	return err == KS_EOK ? ks_setting_presets(s->fields, *item) : err;
}

void ks_setting_clear(const struct ks_setting *s, void *base)
{
	void *field = (char *)base + s->offset;
	struct ks_list *list = field;

	if (s->type == KS_TEXT) {
		free(*(char **)field);
		*(char **)field = NULL;
	} else if (s->type == KS_LIST || s->type == KS_SECTIONS) {
		for (size_t i = 0; i < list->n; i++) {
			if (s->type == KS_LIST) {
				free(((char **)list->items)[i]);
				continue;
			}
			char *item = (char *)list->items + i * s->item_size;

			free(*(char **)(void *)item);
			for (const struct ks_setting *f = s->fields; f->name != NULL; f++)
				ks_setting_clear(f, item);
		}
		free(list->items);
		*list = (struct ks_list){ NULL, 0 };
	}
}
