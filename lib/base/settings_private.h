/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the settings share: setting.c (one setting and its value), settings_file.c (libconfuse),
 * settings_words.c (files of words), settings_line.c (getopt), settings_diff.c (two of them), settings.c (all of it in
 * order).
 */
#ifndef KS_BASE_SETTINGS_PRIVATE_H
#define KS_BASE_SETTINGS_PRIVATE_H

#include "lib/base/settings.h"

/* Of one table; a table is written by hand and stays far below. */
#define KS_SETTINGS_MAX 64
#define KS_SECTION_KINDS_MAX 4

/* --- setting.c ---------------------------------------------------------------------------------- */

/* NULL when the table has none of that name. */
const struct ks_setting *ks_setting_find(const struct ks_setting *table, const char *name, size_t len);

/* False, with what was expected, when text is no value for s. */
bool ks_setting_accepts(const struct ks_setting *s, const char *text, char expected[KS_EXPECTED_MAX]);

/* The functions below work on the struct at `base` that s is a setting of. KS_EOK or -ENOMEM. */
struct ks_list *ks_setting_list(const struct ks_setting *s, void *base);
int ks_setting_store(const struct ks_setting *s, void *base, const char *text);	/* text was accepted */
int ks_setting_presets(const struct ks_setting *table, void *base);
void ks_setting_clear(const struct ks_setting *s, void *base);

/* A new section of that title, with its presets; *item is the struct of its fields. */
int ks_setting_append(const struct ks_setting *s, void *base, const char *title, void **item);

/* --- settings_file.c ---------------------------------------------------------------------------- */

/* KS_EOK, KS_ECONFIG (logged with file and line) or -ENOMEM. */
int ks_settings_read_file(const struct ks_program *program, const char *path, void *out);

/* --- settings_words.c --------------------------------------------------------------------------- */

#define KS_WORDS_DEPTH_MAX 10		/* files that include one another */
#define KS_WORDS_FILES_MAX 1024		/* included in all */
#define KS_WORDS_LINE_MAX 4096		/* bytes of a line, with its end */
#define KS_WORDS_BYTES_MAX (256 * 1024 * 1024)	/* of all files */
#define KS_WORDS_SHOWN_MAX 100		/* errors that are logged one by one; the others are counted */

/* As ks_settings_read_file(), and logs each line that is wrong. */
int ks_settings_read_words(const struct ks_program *program, const char *path, void *out);

/* --- settings_diff.c ---------------------------------------------------------------------------- */

/* Prints the settings of the table whose values differ; sections are not looked at. True when there are such. */
bool ks_settings_print_diff(const struct ks_setting *table, const void *now, const void *then);

/* --- settings_line.c ---------------------------------------------------------------------------- */

struct ks_settings_line {
	const char *config;	/* NULL: not given */
	const char *diff;	/* the other file; NULL: not given */
	bool check_only;
};

/* First pass: serves the general options, and sees that every option exists. */
enum ks_settings_outcome ks_settings_read_general(const struct ks_program *program, int argc, char **argv,
						  struct ks_settings_line *line);

/* Second pass, after the file: the program's own settings. Returns as ks_settings_read_file(). */
int ks_settings_read_line(const struct ks_program *program, int argc, char **argv, void *out);

#endif
