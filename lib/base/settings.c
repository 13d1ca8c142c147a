/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/settings_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

/* A table larger than the arrays it is turned into is a programmer's mistake, found at the first start. */
static bool fits(const struct ks_setting *table, size_t kinds_max)
{
	size_t n = 0, kinds = 0;

	for (; table[n].name != NULL; n++)
		if (table[n].type == KS_SECTIONS && (++kinds > kinds_max || !fits(table[n].fields, 0)))
			return false;
	return n <= KS_SETTINGS_MAX;
}

void ks_settings_free(const struct ks_program *program, void *settings)
{
	if (program->clear != NULL)
		program->clear(settings);
	for (const struct ks_setting *s = program->settings; s->name != NULL; s++)
		ks_setting_clear(s, settings);
}

static int read_file(const struct ks_program *program, const char *path, void *out)
{
	return program->words != NULL ? ks_settings_read_words(program, path, out) :
		ks_settings_read_file(program, path, out);
}

/* Everything in its order. With an error there is nothing to free. */
static int read_all(const struct ks_program *program, const char *path, int argc, char **argv, void *out)
{
	int err;

	memset(out, 0, program->size);
	err = ks_setting_presets(program->settings, out);
	if (err == KS_EOK && program->init != NULL)
		err = program->init(out);
	if (err == KS_EOK && path != NULL)
		err = read_file(program, path, out);
	if (err == KS_EOK)
		err = ks_settings_read_line(program, argc, argv, out);
	if (err == KS_EOK && program->validate != NULL)
		err = program->validate(out);
	if (err != KS_EOK)
		ks_settings_free(program, out);
	if (err == -ENOMEM)
		ks_error("config", "%s", ks_strerror(err));
	return err;
}

/* `now` has been read; another file in its place, under the same command line, would be `then`. */
static enum ks_settings_outcome show_diff(const struct ks_program *program, const char *path, int argc, char **argv,
					  const void *now)
{
	void *then = malloc(program->size);
	bool settings_differ, words_differ;

	if (then == NULL || read_all(program, path, argc, argv, then) != KS_EOK) {
		free(then);
		return KS_SETTINGS_USAGE;
	}
	settings_differ = ks_settings_print_diff(program->settings, now, then);
	words_differ = program->diff(now, then);
	ks_settings_free(program, then);
	free(then);
	return settings_differ || words_differ ? KS_SETTINGS_DIFFER : KS_SETTINGS_DONE;
}

enum ks_settings_outcome ks_settings_load(const struct ks_program *program, int argc, char **argv, void *out)
{
	struct ks_settings_line line = { NULL, NULL, false };
	enum ks_settings_outcome outcome;
	const char *path;

	if (!fits(program->settings, KS_SECTION_KINDS_MAX)) {
		ks_error("config", "%s has too many settings; raise KS_SETTINGS_MAX or KS_SECTION_KINDS_MAX",
			 program->name);
		return KS_SETTINGS_USAGE;
	}
	outcome = ks_settings_read_general(program, argc, argv, &line);
	if (outcome != KS_SETTINGS_RUN)
		return outcome;

	path = line.config;
	if (path == NULL && program->config_path != NULL && access(program->config_path, F_OK) == 0)
		path = program->config_path;
	if (read_all(program, path, argc, argv, out) != KS_EOK)
		return KS_SETTINGS_USAGE;
	if (!line.check_only && line.diff == NULL)
		return KS_SETTINGS_RUN;

	if (line.diff != NULL)
		outcome = show_diff(program, line.diff, argc, argv, out);
	ks_settings_free(program, out);
	if (line.diff != NULL)
		return outcome;
	printf("%s: configuration is good%s%s\n", program->name, path != NULL ? ": " : "", path != NULL ? path : "");
	return KS_SETTINGS_DONE;
}
