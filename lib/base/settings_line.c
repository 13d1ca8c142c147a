/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "lib/base/settings_private.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/help.h"
#include "lib/base/log.h"

#define GENERAL_MAX 9	/* general options, the end mark included */

/* They stand in front of the program's own in getopt's table. */
enum { OPT_CONFIG = 256, OPT_CHECK, OPT_DIFF, OPT_LEVEL, OPT_DEBUG, OPT_FIRST };

static void print_help(const struct ks_program *program)
{
	printf("Usage: %s [OPTION]...\n%s\n\nSettings, also keys of the configuration file:\n", program->name,
	       program->summary);
	for (const struct ks_setting *s = program->settings; s->name != NULL; s++)
		ks_help_option(s->name, s->type == KS_SWITCH ? NULL : s->arg, s->help,
			       s->type == KS_SWITCH && strcmp(s->preset != NULL ? s->preset : "no", "no") == 0 ? NULL :
			       s->preset);
	if (program->words != NULL) {
		printf("\nWords of the configuration file alone:\n");
		for (const struct ks_word *word = program->words; word->name != NULL; word++)
			ks_help_word(word->name, word->arg, word->help);
		ks_help_word("include", "FILE", "read the lines of another file in this place");
	}
	printf("\nGeneral options:\n");
	ks_help_option("config", "FILE", "read this configuration file",
		       program->config_path != NULL ? program->config_path : "none");
	ks_help_option("check-config", NULL, "check the configuration, say what is wrong, and exit 0 or 2", NULL);
	if (program->diff != NULL)
		ks_help_option("diff", "FILE", "show what this file in its place would change, and exit 0 (nothing), 1 or 2",
			       NULL);
	for (const struct ks_word *mode = program->modes; mode != NULL && mode->name != NULL; mode++)
		ks_help_option(mode->name, mode->arg, mode->help, NULL);
	ks_help_option("log-level", "LEVEL", "error, warn, info or debug", "info");
	ks_help_option("debug", "TOKENS", "debug lines of these subsystems only, such as wire,store", NULL);
	ks_help_option("help", NULL, "show this help and exit", NULL);
	ks_help_option("version", NULL, "show the version and exit", NULL);
	printf("\nExit status: 0 all went well, 1 failed, 2 wrong usage or configuration.\n");
}

/* The fields of a section given on the command line, "field=value,field=value"; takes rest apart. */
static int store_fields(const struct ks_setting *s, void *item, char *rest, char expected[KS_EXPECTED_MAX])
{
	uint64_t given = 0;
	int err = KS_EOK;
	char *part;

	while (err == KS_EOK && (part = strsep(&rest, ",")) != NULL) {
		char *value = strchr(part, '=');
		const struct ks_setting *f = value != NULL ? ks_setting_find(s->fields, part, (size_t)(value - part)) : NULL;
		uint64_t bit = f != NULL ? UINT64_C(1) << (f - s->fields) : 0;

		if (f == NULL || !ks_setting_accepts(f, value + 1, expected))
			return KS_ECONFIG;
		if (f->type == KS_LIST && (given & bit) == 0)
			ks_setting_clear(f, item);
		err = ks_setting_store(f, item, value + 1);
		given |= bit;
	}
	for (const struct ks_setting *f = s->fields; err == KS_EOK && f->name != NULL; f++)
		if (f->required && (given >> (f - s->fields) & 1) == 0)
			err = KS_ECONFIG;
	return err;
}

static bool has_title(const struct ks_setting *s, const struct ks_list *list, const char *title)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(*(char **)(void *)((char *)list->items + i * s->item_size), title) == 0)
			return true;
	return false;
}

/* "TITLE,field=value,field=value". KS_ECONFIG with what was expected, or -ENOMEM. */
static int store_section(const struct ks_setting *s, void *base, const char *text, char expected[KS_EXPECTED_MAX])
{
	char *copy = strdup(text), *rest = copy, *title;
	int err = KS_ECONFIG;
	bool twice;
	void *item;

	if (copy == NULL)
		return -ENOMEM;
	title = strsep(&rest, ",");
	twice = has_title(s, ks_setting_list(s, base), title);
	snprintf(expected, KS_EXPECTED_MAX, "%s", twice ? "each title once" : s->arg);
	if (*title != '\0' && !twice && ks_setting_accepts(s, title, expected)) {
		err = ks_setting_append(s, base, title, &item);
		if (err == KS_EOK)
			err = store_fields(s, item, rest, expected);
	}
	free(copy);
	return err;
}

static void long_options(const struct ks_program *program, struct option *options)
{
	static const struct option general[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "config", required_argument, NULL, OPT_CONFIG },
		{ "check-config", no_argument, NULL, OPT_CHECK },
		{ "log-level", required_argument, NULL, OPT_LEVEL },
		{ "debug", required_argument, NULL, OPT_DEBUG },
	};
	size_t n = sizeof(general) / sizeof(general[0]);

	memcpy(options, general, sizeof(general));
	if (program->diff != NULL)
		options[n++] = (struct option){ "diff", required_argument, NULL, OPT_DIFF };
	for (const struct ks_setting *s = program->settings; s->name != NULL; s++, n++)
		options[n] = (struct option){ s->name, s->type == KS_SWITCH ? optional_argument : required_argument,
					      NULL, OPT_FIRST + (int)(s - program->settings) };
	options[n] = (struct option){ NULL, 0, NULL, 0 };
}

static enum ks_settings_outcome wrong_usage(const struct ks_program *program)
{
	fprintf(stderr, "Try '%s --help'.\n", program->name);
	return KS_SETTINGS_USAGE;
}

enum ks_settings_outcome ks_settings_read_general(const struct ks_program *program, int argc, char **argv,
						  struct ks_settings_line *line)
{
	struct option options[KS_SETTINGS_MAX + GENERAL_MAX];
	const char *level_text = "info", *tokens = NULL;
	int c, level;

	long_options(program, options);
	optind = 0;
	while ((c = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		switch (c) {
		case 'h':
			print_help(program);
			return KS_SETTINGS_DONE;
		case 'V':
			printf("%s (koshien) %s\n", program->name, PACKAGE_VERSION);
			return KS_SETTINGS_DONE;
		case OPT_CONFIG:
			line->config = optarg;
			break;
		case OPT_CHECK:
			line->check_only = true;
			break;
		case OPT_DIFF:
			line->diff = optarg;
			break;
		case OPT_LEVEL:
			level_text = optarg;
			break;
		case OPT_DEBUG:
			tokens = optarg;
			level_text = "debug";
			break;
		case '?':
			return wrong_usage(program);
		default:
			break;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "%s: '%s' is not an option\n", program->name, argv[optind]);
		return wrong_usage(program);
	}
	level = ks_log_level_parse(level_text);
	if (level < 0) {
		fprintf(stderr, "%s: --log-level: expected error, warn, info or debug, got '%s'\n", program->name,
			level_text);
		return KS_SETTINGS_USAGE;
	}
	ks_log_set_level((enum ks_log_level)level, tokens);
	return KS_SETTINGS_RUN;
}

/* KS_ECONFIG with what was expected, or -ENOMEM. */
static int store_option(const struct ks_setting *s, void *out, const char *text, char expected[KS_EXPECTED_MAX])
{
	if ((s->type == KS_LIST || s->type == KS_SECTIONS) && ks_setting_list(s, out)->n >= KS_SECTIONS_MAX) {
		snprintf(expected, KS_EXPECTED_MAX, "at most %d of them", KS_SECTIONS_MAX);
		return KS_ECONFIG;
	}
	if (s->type == KS_SECTIONS)
		return store_section(s, out, text, expected);
	return ks_setting_accepts(s, text, expected) ? ks_setting_store(s, out, text) : KS_ECONFIG;
}

int ks_settings_read_line(const struct ks_program *program, int argc, char **argv, void *out)
{
	struct option options[KS_SETTINGS_MAX + GENERAL_MAX];
	bool seen[KS_SETTINGS_MAX] = { false };
	char expected[KS_EXPECTED_MAX];
	int c, err;

	long_options(program, options);
	optind = 0;
	while ((c = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		const struct ks_setting *s;
		const char *text = optarg != NULL ? optarg : "yes";

		if (c < OPT_FIRST)
			continue;
		s = &program->settings[c - OPT_FIRST];
		/* What is given here replaces the file's; given twice, a list grows. */
		if (!seen[c - OPT_FIRST] && (s->type == KS_LIST || s->type == KS_SECTIONS))
			ks_setting_clear(s, out);
		seen[c - OPT_FIRST] = true;
		err = store_option(s, out, text, expected);
		if (err == KS_ECONFIG)
			ks_error("config", "--%s: expected %s, got '%s'", s->name, expected, text);
		if (err != KS_EOK)
			return err;
	}
	return KS_EOK;
}
