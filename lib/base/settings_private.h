/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the settings share: setting.c (one setting and its value), settings_file.c (libconfuse),
 * settings_line.c (getopt), settings.c (all of it in order).
 */
#ifndef KS_BASE_SETTINGS_PRIVATE_H
#define KS_BASE_SETTINGS_PRIVATE_H

#include "lib/base/settings.h"

/* Of one table; a table is written by hand and stays far below. */
#define KS_SETTINGS_MAX 64
#define KS_SECTION_KINDS_MAX 4
#define KS_EXPECTED_MAX 256

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

/* --- settings_line.c ---------------------------------------------------------------------------- */

struct ks_settings_line {
	const char *config;	/* NULL: not given */
	bool check_only;
};

/* First pass: serves the general options, and sees that every option exists. */
enum ks_settings_outcome ks_settings_read_general(const struct ks_program *program, int argc, char **argv,
						  struct ks_settings_line *line);

/* Second pass, after the file: the program's own settings. Returns as ks_settings_read_file(). */
int ks_settings_read_line(const struct ks_program *program, int argc, char **argv, void *out);

#endif
