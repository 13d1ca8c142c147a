/* SPDX-License-Identifier: Apache-2.0
 *
 * koshienctl's commands. One table names them; --help, the check of the command line and the dispatch
 * all come from it. A command is one file with one struct ks_command.
 */
#ifndef KS_KOSHIENCTL_COMMAND_H
#define KS_KOSHIENCTL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KS_OPTIONS_MAX 16	/* options of one command, without --help */

/* Exit status of the program and of each command. */
enum ks_exit { KS_EXIT_GOOD = 0, KS_EXIT_FAILED = 1, KS_EXIT_USAGE = 2 };

struct ks_option {
	const char *name;	/* without the hyphens; NULL ends the table */
	const char *arg;	/* what the value is, for --help; NULL: a switch */
	const char *help;	/* one line, no full stop at the end */
	const char *preset;	/* NULL: none */
};

/* What stood on the command line, checked against the command's table. Points into argv. */
struct ks_arguments {
	const struct ks_command *command;
	const char *value[KS_OPTIONS_MAX];	/* by position in the table; the preset, or NULL when not given */
	char *const *words;			/* what is no option */
	int n_words;
};

struct ks_command {
	const char *name;
	const char *words;	/* for the usage line: "DIR [CHANNEL [RENDITION]]" */
	int words_min, words_max;
	const char *summary;	/* one line, no full stop at the end */
	const char *details;	/* paragraphs for the command's own --help; may be NULL */
	const struct ks_option *options;
	enum ks_exit (*run)(const struct ks_arguments *args);
};

/* Ends with a NULL pointer. */
extern const struct ks_command *const ks_commands[];

/* The whole program behind main(). */
int ks_commands_main(int argc, char **argv);

/* Shows a command's help on standard output. */
void ks_command_help(const struct ks_command *command);

/* The table's overview on standard output. */
void ks_commands_help(void);

const struct ks_command *ks_command_find(const char *name);

/* The value of the option at `index` as a whole number within the limits. False after saying on standard
 * error what was expected. */
bool ks_argument_number(const struct ks_arguments *args, size_t index, int64_t min, int64_t max, int64_t *number);

/* Says on standard error what is wrong with the command line, "koshienctl watch: …", and where help is. */
enum ks_exit ks_usage(const struct ks_command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

extern const struct ks_command ks_command_keygen;
extern const struct ks_command ks_command_key;
extern const struct ks_command ks_command_frames;
extern const struct ks_command ks_command_watch;
extern const struct ks_command ks_command_nat64;
extern const struct ks_command ks_command_version;
extern const struct ks_command ks_command_help_on;

#endif
