/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/settings_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <confuse.h>

#include "lib/base/comments.h"
#include "lib/base/error.h"
#include "lib/base/log.h"

#define CONFIG_MAX (1024 * 1024)	/* bytes of a configuration file */

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
		section = ks_setting_find(table, cfg_name(cfg), strlen(cfg_name(cfg)));
		table = section != NULL ? section->fields : table;
	}
	return ks_setting_find(table, cfg_opt_name(opt), strlen(cfg_opt_name(opt)));
}

/* A section of the file, at its closing brace; for the last one libconfuse takes the end of the file too. */
static int check_section(cfg_t *cfg, const struct ks_setting *s, cfg_t *section)
{
	char expected[KS_EXPECTED_MAX];

	if (*cfg_title(section) == '\0') {
		cfg_error(cfg, "%s: expected a title, as in %s \"one\" { … }", s->name, s->name);
		return -1;
	}
	if (!ks_setting_accepts(s, cfg_title(section), expected)) {
		cfg_error(cfg, "%s: expected %s, got '%s'", s->name, expected, cfg_title(section));
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
	char expected[KS_EXPECTED_MAX];

	if (s == NULL || n == 0)
		return 0;
	if (n > KS_SECTIONS_MAX) {
		cfg_error(cfg, "%s: expected at most %d of them", s->name, KS_SECTIONS_MAX);
		return -1;
	}
	if (s->type == KS_SECTIONS)
		return check_section(cfg, s, cfg_opt_getnsec(opt, n - 1));
	if (ks_setting_accepts(s, cfg_opt_getnstr(opt, n - 1), expected))
		return 0;
	cfg_error(cfg, "%s: expected %s, got '%s'", s->name, expected, cfg_opt_getnstr(opt, n - 1));
	return -1;
}

/* The table in libconfuse's form; every scalar is text there, so that the messages are ours. */
static void to_confuse(const struct ks_setting *table, cfg_opt_t *opts, cfg_opt_t sub[][KS_SETTINGS_MAX + 1])
{
	size_t n = 0, n_sub = 0;

	for (; table->name != NULL && n < KS_SETTINGS_MAX; table++, n++) {
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
			ks_setting_clear(table, base);
		for (unsigned i = 0; i < n && err == KS_EOK; i++) {
			cfg_t *section;
			void *item;

			if (table->type != KS_SECTIONS) {
				err = ks_setting_store(table, base, cfg_getnstr(cfg, table->name, i));
				continue;
			}
			section = cfg_getnsec(cfg, table->name, i);
			err = ks_setting_append(table, base, cfg_title(section), &item);
			if (err == KS_EOK)
				err = take_table(table->fields, section, item);
		}
	}
	return err;
}

static int parse_file(const struct ks_program *program, const char *path, FILE *file, void *out)
{
	cfg_opt_t opts[KS_SETTINGS_MAX + 1], sub[KS_SECTION_KINDS_MAX][KS_SETTINGS_MAX + 1];
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

int ks_settings_read_file(const struct ks_program *program, const char *path, void *out)
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
