/* SPDX-License-Identifier: Apache-2.0
 *
 * One table per program names each of its settings once. From it come the configuration file (libconfuse
 * syntax, or a word and its values on each line), the command line (which overrides the file), --help, and
 * the checks with their messages, so that these cannot disagree. Errors say file and line, or option, and
 * what was expected.
 *
 * Main thread only: libconfuse's callbacks carry no context of ours.
 */
#ifndef KS_BASE_SETTINGS_H
#define KS_BASE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define KS_SECTIONS_MAX 256	/* sections of one kind, and items of one list */
#define KS_EXPECTED_MAX 256	/* bytes of what was expected, with its end */

/* Field types in the program's struct, by type of setting. */
enum ks_setting_type {
	KS_TEXT,	/* char *; NULL when not set and without preset */
	KS_NUMBER,	/* int64_t */
	KS_SWITCH,	/* bool */
	KS_LIST,	/* struct ks_list of char * */
	KS_SECTIONS	/* struct ks_list of structs; the first member of each is char *: the section's title */
};

struct ks_list {
	void *items;
	size_t n;
};

static inline const char *ks_list_text(const struct ks_list *list, size_t i)
{
	return ((char *const *)list->items)[i];
}

static inline bool ks_list_same(const struct ks_list *a, const struct ks_list *b)
{
	bool same = a->n == b->n;

	for (size_t i = 0; same && i < a->n; i++)
		same = strcmp(ks_list_text(a, i), ks_list_text(b, i)) == 0;
	return same;
}

struct ks_setting {
	const char *name;		/* "device-timeout" in the file is --device-timeout on the command line */
	enum ks_setting_type type;
	size_t offset;			/* of the field */
	const char *arg;		/* what the value is, for --help: "MS", "FILE"; of a section: its fields */
	const char *help;		/* one line, no full stop at the end */
	const char *preset;		/* the default as text; NULL: none */
	int64_t min, max;		/* KS_NUMBER only, inclusive */
	/* What else must hold for one value; of a section, for its title. Returns NULL when it does, or what was
	 * expected as a constant text that completes "expected …". May be NULL. */
	const char *(*check)(const char *text);
	bool required;			/* inside a section: must be given */
	bool at_start;			/* what runs keeps the value it was started with: ks_settings_warn_kept() */
	const struct ks_setting *fields;	/* KS_SECTIONS only: ends with a NULL name */
	size_t item_size;		/* KS_SECTIONS only */
};

/* Where something stands in a file of words. The name stays good until the file has been read. */
struct ks_place {
	const char *file;
	unsigned line;
};

/* A word of such a file that is no setting: it may stand there many times, and not on the command line. */
struct ks_word {
	const char *name;
	const char *arg, *help;		/* as those of a setting */
	size_t n_values;		/* exactly so many, at most KS_WORD_VALUES_MAX */
	/* KS_EOK; KS_ECONFIG with what was expected; or -ENOMEM, which ends the reading. */
	int (*take)(void *settings, const struct ks_place *place, char *const *values, char expected[KS_EXPECTED_MAX]);
};
#define KS_WORD_VALUES_MAX 4

struct ks_program {
	const char *name;		/* "sentryd" */
	const char *summary;		/* one line for --help */
	const struct ks_setting *settings;	/* ends with a NULL name */
	size_t size;			/* of the program's settings struct */
	const char *config_path;	/* read when it exists and no --config is given; NULL: none */
	/* What holds between settings; logs each fault and returns KS_ECONFIG. May be NULL. */
	int (*validate)(const void *settings);
	/* Not NULL: the file is one of words, and these may stand in it beside the settings. Ends with a NULL name. Each
	 * line has a setting or one of these, and its values behind it; a # that begins a word begins a comment;
	 * "include FILE" has the lines of another file take its place. A text is all that is left of the line. Sections
	 * have no such form. */
	const struct ks_word *words;
	/* Make and free what the words are put into; the settings of the table need neither. KS_EOK or -ENOMEM. clear()
	 * is called whatever init() has said. May be NULL. */
	int (*init)(void *settings);
	void (*clear)(void *settings);
	/* Not NULL: there is --diff FILE. Prints how the words of two settings differ, a line for each; true when they
	 * do. */
	bool (*diff)(const void *now, const void *then);
	/* General options that main() takes from the command line before the rest is loaded; here for --help alone. Ends
	 * with a NULL name. May be NULL. */
	const struct ks_word *modes;
};

/* The outcome of loading: run, or leave main() with this exit code. */
enum ks_settings_outcome {
	KS_SETTINGS_RUN = -1,
	KS_SETTINGS_DONE = 0,
	KS_SETTINGS_DIFFER = 1,		/* --diff has found something */
	KS_SETTINGS_USAGE = 2
};

/* Presets, then the file, then the command line, into the zeroed struct `out`. Serves --help, --version,
 * --check-config, --diff, --config, --log-level and --debug itself (and sets the log level). With RUN the caller
 * owns what `out` points to and ends with ks_settings_free(); otherwise there is nothing to free.
 * Called again with the same arguments it re-reads the file: a reload. */
enum ks_settings_outcome ks_settings_load(const struct ks_program *program, int argc, char **argv, void *out);

void ks_settings_free(const struct ks_program *program, void *settings);

/* For a reload: warns of each setting of the table that is at_start and has another value in `wanted` than in what runs. */
void ks_settings_warn_kept(const struct ks_setting *table, const void *running, const void *wanted);

#endif
