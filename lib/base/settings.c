/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "lib/base/settings.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <confuse.h>

#include "lib/base/comments.h"
#include "lib/base/error.h"
#include "lib/base/help.h"
#include "lib/base/log.h"

/* Settings of one table, counted; a table is written by hand and stays far below. */
#define SETTINGS_MAX 64
#define CONFIG_MAX (1024 * 1024)	/* bytes of a configuration file */
#define SECTION_KINDS_MAX 4
#define EXPECTED_MAX 256

/* The general options stand in front of the program's own in getopt's table. */
enum { OPT_CONFIG = 256, OPT_CHECK, OPT_LEVEL, OPT_DEBUG, OPT_FIRST };

/* A table larger than the arrays it is turned into is a programmer's mistake, found at the first start. */
static bool fits(const struct ks_setting *table, size_t kinds_max)
{
	size_t n = 0, kinds = 0;

	for (; table[n].name != NULL; n++)
		if (table[n].type == KS_SECTIONS && (++kinds > kinds_max || !fits(table[n].fields, 0)))
			return false;
	return n <= SETTINGS_MAX;
}

static const struct ks_setting *find(const struct ks_setting *table, const char *name, size_t len)
{
	for (; table->name != NULL; table++)
		if (strlen(table->name) == len && memcmp(table->name, name, len) == 0)
			return table;
	return NULL;
}

/* --- one value -------------------------------------------------------------------------------- */

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

/* False, with what was expected, when text is no value for s. */
static bool acceptable(const struct ks_setting *s, const char *text, char expected[EXPECTED_MAX])
{
	const char *wanted = NULL;
	int64_t number;
	bool on;

	if (s->type == KS_NUMBER && !parse_number(text, s, &number)) {
		snprintf(expected, EXPECTED_MAX, "a whole number from %" PRId64 " to %" PRId64 " (%s)", s->min, s->max,
			 s->arg);
		return false;
	}
	if (s->type == KS_SWITCH && !parse_switch(text, &on))
		wanted = "yes or no";
	else if (s->check != NULL)
		wanted = s->check(text);
	if (wanted == NULL)
		return true;
	snprintf(expected, EXPECTED_MAX, "%s", wanted);
	return false;
}

static struct ks_list *list_of(const struct ks_setting *s, void *base)
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
static int store(const struct ks_setting *s, void *base, const char *text)
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

static int store_presets(const struct ks_setting *table, void *base)
{
	int err = KS_EOK;

	for (; table->name != NULL && err == KS_EOK; table++)
		if (table->preset != NULL)
			err = store(table, base, table->preset);
	return err;
}

/* A new section with its title and presets; in *item as soon as it is in the list. */
static int append_section(const struct ks_setting *s, void *base, const char *title, void **item)
{
	int err = -ENOMEM;

	*item = list_append(list_of(s, base), s->item_size);
	if (*item != NULL)
		err = set_text(*item, title);
	return err == KS_EOK ? store_presets(s->fields, *item) : err;
}

static void clear(const struct ks_setting *s, void *base)
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
				clear(f, item);
		}
		free(list->items);
		*list = (struct ks_list){ NULL, 0 };
	}
}

void ks_settings_free(const struct ks_program *program, void *settings)
{
	for (const struct ks_setting *s = program->settings; s->name != NULL; s++)
		clear(s, settings);
}

/* --- the file --------------------------------------------------------------------------------- */

/* libconfuse calls back without a context; this is the table of the file being parsed. */
static const struct ks_setting *parsing;

__attribute__((format(printf, 2, 0)))
static void on_confuse_error(cfg_t *cfg, const char *format, va_list ap)
{
	char text[512];

	vsnprintf(text, sizeof(text), format, ap);
	if (cfg != NULL && cfg->filename != NULL)
		ks_error("config", "%s:%d: %s%s", cfg->filename, cfg->line, text,
			 strncmp(text, "no such option", 14) == 0 ? "; --help lists the settings" : "");
	else
		ks_error("config", "%s", text);
}

/* The setting that libconfuse's option stands for, in the section that cfg is (or at the top). */
static const struct ks_setting *setting_of(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct ks_setting *table = parsing, *section;

	if (strcmp(cfg_name(cfg), "root") != 0) {
		section = find(table, cfg_name(cfg), strlen(cfg_name(cfg)));
		table = section != NULL ? section->fields : table;
	}
	return find(table, cfg_opt_name(opt), strlen(cfg_opt_name(opt)));
}

/* A section of the file, at its closing brace; for the last one libconfuse takes the end of the file too. */
static int check_section(cfg_t *cfg, const struct ks_setting *s, cfg_t *section)
{
	if (*cfg_title(section) == '\0') {
		cfg_error(cfg, "%s: expected a title, as in %s \"one\" { … }", s->name, s->name);
		return -1;
	}
	for (const struct ks_setting *f = s->fields; f->name != NULL; f++)
		if (f->required && cfg_size(section, f->name) == 0) {
			cfg_error(cfg, "%s \"%s\": expected %s = %s in it", s->name, cfg_title(section), f->name,
				  f->arg);
			return -1;
		}
	return 0;
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct ks_setting *s = setting_of(cfg, opt);
	unsigned n = cfg_opt_size(opt);
	char expected[EXPECTED_MAX];

	if (s == NULL || n == 0)
		return 0;
	if (n > KS_SECTIONS_MAX) {
		cfg_error(cfg, "%s: expected at most %d of them", s->name, KS_SECTIONS_MAX);
		return -1;
	}
	if (s->type == KS_SECTIONS)
		return check_section(cfg, s, cfg_opt_getnsec(opt, n - 1));
	if (acceptable(s, cfg_opt_getnstr(opt, n - 1), expected))
		return 0;
	cfg_error(cfg, "%s: expected %s, got '%s'", s->name, expected, cfg_opt_getnstr(opt, n - 1));
	return -1;
}

/* The table in libconfuse's form; every scalar is text there, so that the messages are ours. */
static void to_confuse(const struct ks_setting *table, cfg_opt_t *opts, cfg_opt_t sub[][SETTINGS_MAX + 1])
{
	size_t n = 0, n_sub = 0;

	for (; table->name != NULL && n < SETTINGS_MAX; table++, n++) {
		switch (table->type) {
		case KS_LIST:
			opts[n] = (cfg_opt_t)CFG_STR_LIST(table->name, NULL, CFGF_NODEFAULT);
			break;
		case KS_SECTIONS:
			to_confuse(table->fields, sub[n_sub], NULL);
			opts[n] = (cfg_opt_t)CFG_SEC(table->name, sub[n_sub],
						     CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
			n_sub++;
			break;
		case KS_TEXT:
		case KS_NUMBER:
		case KS_SWITCH:
			opts[n] = (cfg_opt_t)CFG_STR(table->name, NULL, CFGF_NODEFAULT);
			break;
		}
		opts[n].validcb = on_value;
	}
	opts[n] = (cfg_opt_t)CFG_END();
}

static int take_table(const struct ks_setting *table, cfg_t *cfg, void *base)
{
	int err = KS_EOK;

	for (; table->name != NULL; table++) {
		unsigned n = cfg_size(cfg, table->name);

		/* The file's list takes the place of the preset; so does an empty one. */
		if ((cfg_getopt(cfg, table->name)->flags & CFGF_MODIFIED) != 0)
			clear(table, base);
		for (unsigned i = 0; i < n && err == KS_EOK; i++) {
			cfg_t *section;
			void *item;

			if (table->type != KS_SECTIONS) {
				err = store(table, base, cfg_getnstr(cfg, table->name, i));
				continue;
			}
			section = cfg_getnsec(cfg, table->name, i);
			err = append_section(table, base, cfg_title(section), &item);
			if (err == KS_EOK)
				err = take_table(table->fields, section, item);
		}
	}
	return err;
}

static int parse_file(const struct ks_program *program, const char *path, FILE *file, void *out)
{
	cfg_opt_t opts[SETTINGS_MAX + 1], sub[SECTION_KINDS_MAX][SETTINGS_MAX + 1];
	int err = -ENOMEM;
	cfg_t *cfg;

	parsing = program->settings;
	to_confuse(program->settings, opts, sub);
	cfg = cfg_init(opts, CFGF_NONE);
	if (cfg == NULL)
		return -ENOMEM;
	cfg_set_error_function(cfg, on_confuse_error);
	cfg->filename = strdup(path);
	if (cfg->filename != NULL)
		err = cfg_parse_fp(cfg, file) == CFG_SUCCESS ? take_table(program->settings, cfg, out) : KS_ECONFIG;
	cfg_free(cfg);
	return err;
}

/* libconfuse 3.3 counts the line of a comment three times, which would spoil every message's line number. */
static int parse_commented(const struct ks_program *program, const char *path, FILE *file, void *out)
{
	char *text = malloc(CONFIG_MAX + 1);
	size_t len = text != NULL ? fread(text, 1, CONFIG_MAX + 1, file) : 0;
	FILE *plain = NULL;
	int err = KS_EOK;

	if (text == NULL || ferror(file) != 0) {
		err = -errno;
		ks_error("config", "%s: %s", path, ks_strerror(err));
	} else if (len > CONFIG_MAX) {
		ks_error("config", "%s: larger than %d bytes; expected a configuration file", path, CONFIG_MAX);
		err = KS_ECONFIG;
	} else if (len > 0) {
		ks_comments_blank(text, len);
		plain = fmemopen(text, len, "r");
		err = plain != NULL ? parse_file(program, path, plain, out) : -errno;
	}
	if (plain != NULL)
		fclose(plain);
	free(text);
	return err;
}

static int load_file(const struct ks_program *program, const char *path, void *out)
{
	FILE *file = fopen(path, "re");
	struct stat st;
	int err;

	/* A directory can be opened, but libconfuse's scanner ends the process when it cannot be read. */
	if (file == NULL || fstat(fileno(file), &st) != 0 || S_ISDIR(st.st_mode)) {
		ks_error("config", "%s: %s; name the configuration file with --config FILE", path,
			 file != NULL ? "not a file" : strerror(errno));
		if (file != NULL)
			fclose(file);
		return KS_ECONFIG;
	}
	err = parse_commented(program, path, file, out);
	fclose(file);
	return err;
}

/* --- the command line ------------------------------------------------------------------------- */

static void print_help(const struct ks_program *program)
{
	printf("Usage: %s [OPTION]...\n%s\n\nSettings, also keys of the configuration file:\n", program->name,
	       program->summary);
	for (const struct ks_setting *s = program->settings; s->name != NULL; s++)
		ks_help_option(s->name, s->type == KS_SWITCH ? NULL : s->arg, s->help,
			     s->type == KS_SWITCH && strcmp(s->preset != NULL ? s->preset : "no", "no") == 0 ? NULL :
			     s->preset);
	printf("\nGeneral options:\n");
	ks_help_option("config", "FILE", "read this configuration file",
		     program->config_path != NULL ? program->config_path : "none");
	ks_help_option("check-config", NULL, "check the configuration, say what is wrong, and exit 0 or 2", NULL);
	ks_help_option("log-level", "LEVEL", "error, warn, info or debug", "info");
	ks_help_option("debug", "TOKENS", "debug lines of these subsystems only, such as wire,store", NULL);
	ks_help_option("help", NULL, "show this help and exit", NULL);
	ks_help_option("version", NULL, "show the version and exit", NULL);
	printf("\nExit status: 0 all went well, 1 failed, 2 wrong usage or configuration.\n");
}

/* The fields of a section given on the command line, "field=value,field=value"; takes rest apart. */
static int store_fields(const struct ks_setting *s, void *item, char *rest, char expected[EXPECTED_MAX])
{
	uint64_t given = 0;
	int err = KS_EOK;
	char *part;

	while (err == KS_EOK && (part = strsep(&rest, ",")) != NULL) {
		char *value = strchr(part, '=');
		const struct ks_setting *f = value != NULL ? find(s->fields, part, (size_t)(value - part)) : NULL;
		uint64_t bit = f != NULL ? UINT64_C(1) << (f - s->fields) : 0;

		if (f == NULL || !acceptable(f, value + 1, expected))
			return KS_ECONFIG;
		if (f->type == KS_LIST && (given & bit) == 0)
			clear(f, item);
		err = store(f, item, value + 1);
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
static int store_section(const struct ks_setting *s, void *base, const char *text, char expected[EXPECTED_MAX])
{
	char *copy = strdup(text), *rest = copy, *title;
	int err = KS_ECONFIG;
	bool twice;
	void *item;

	if (copy == NULL)
		return -ENOMEM;
	title = strsep(&rest, ",");
	twice = has_title(s, list_of(s, base), title);
	snprintf(expected, EXPECTED_MAX, "%s", twice ? "each title once" : s->arg);
	if (*title != '\0' && !twice) {
		err = append_section(s, base, title, &item);
		if (err == KS_EOK)
			err = store_fields(s, item, rest, expected);
	}
	free(copy);
	return err;
}

struct command_line {
	const char *config;
	bool check_only;
};

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

/* First pass: the general options, and that every option exists. */
static enum ks_settings_outcome read_general(const struct ks_program *program, int argc, char **argv,
					     const struct option *options, struct command_line *line)
{
	const char *level_text = "info", *tokens = NULL;
	int c, level;

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
static int store_option(const struct ks_setting *s, void *out, const char *text, char expected[EXPECTED_MAX])
{
	if ((s->type == KS_LIST || s->type == KS_SECTIONS) && list_of(s, out)->n >= KS_SECTIONS_MAX) {
		snprintf(expected, EXPECTED_MAX, "at most %d of them", KS_SECTIONS_MAX);
		return KS_ECONFIG;
	}
	if (s->type == KS_SECTIONS)
		return store_section(s, out, text, expected);
	return acceptable(s, text, expected) ? store(s, out, text) : KS_ECONFIG;
}

/* Second pass, after the file: the program's own settings. */
static int read_settings(const struct ks_program *program, int argc, char **argv, const struct option *options,
			 void *out)
{
	bool seen[SETTINGS_MAX] = { false };
	char expected[EXPECTED_MAX];
	int c, err;

	optind = 0;
	while ((c = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		const struct ks_setting *s;
		const char *text = optarg != NULL ? optarg : "yes";

		if (c < OPT_FIRST)
			continue;
		s = &program->settings[c - OPT_FIRST];
		/* What is given here replaces the file's; given twice, a list grows. */
		if (!seen[c - OPT_FIRST] && (s->type == KS_LIST || s->type == KS_SECTIONS))
			clear(s, out);
		seen[c - OPT_FIRST] = true;
		err = store_option(s, out, text, expected);
		if (err == KS_ECONFIG)
			ks_error("config", "--%s: expected %s, got '%s'", s->name, expected, text);
		if (err != KS_EOK)
			return err;
	}
	return KS_EOK;
}

enum ks_settings_outcome ks_settings_load(const struct ks_program *program, int argc, char **argv, void *out)
{
	struct option options[SETTINGS_MAX + 8];
	struct command_line line = { NULL, false };
	enum ks_settings_outcome outcome;
	const char *path;
	int err = KS_EOK;

	if (!fits(program->settings, SECTION_KINDS_MAX)) {
		ks_error("config", "%s has too many settings; raise SETTINGS_MAX or SECTION_KINDS_MAX", program->name);
		return KS_SETTINGS_USAGE;
	}
	long_options(program, options);
	outcome = read_general(program, argc, argv, options, &line);
	if (outcome != KS_SETTINGS_RUN)
		return outcome;

	memset(out, 0, program->size);
	err = store_presets(program->settings, out);
	path = line.config;
	if (path == NULL && program->config_path != NULL && access(program->config_path, F_OK) == 0)
		path = program->config_path;
	if (err == KS_EOK && path != NULL)
		err = load_file(program, path, out);
	if (err == KS_EOK)
		err = read_settings(program, argc, argv, options, out);
	if (err == KS_EOK && program->validate != NULL)
		err = program->validate(out);
	if (err == KS_EOK && !line.check_only)
		return KS_SETTINGS_RUN;

	ks_settings_free(program, out);
	if (err == -ENOMEM)
		ks_error("config", "%s", ks_strerror(err));
	if (err != KS_EOK)
		return KS_SETTINGS_USAGE;
	printf("%s: configuration is good%s%s\n", program->name, path != NULL ? ": " : "", path != NULL ? path : "");
	return KS_SETTINGS_DONE;
}
