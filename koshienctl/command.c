/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "koshienctl/command.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/help.h"

#define NAME_COLUMN 10
#define OPTION_FIRST 256		/* getopt's value for the first long option: above every letter */
#define OPTION_HELP KS_OPTIONS_MAX	/* position of --help, behind the command's own */

const struct ks_command *const ks_commands[] = {
	&ks_command_keygen,
	&ks_command_key,
	&ks_command_frames,
	&ks_command_watch,
	&ks_command_nat64,
	&ks_command_version,
	&ks_command_help_on,
	NULL
};

const struct ks_command *ks_command_find(const char *name)
{
	for (size_t i = 0; ks_commands[i] != NULL; i++)
		if (strcmp(ks_commands[i]->name, name) == 0)
			return ks_commands[i];
	return NULL;
}

/* --- help ------------------------------------------------------------------------------------- */

static void print_exit_status(void)
{
	printf("\nExit status: 0 all went well, 1 failed, 2 wrong usage.\n");
}

void ks_command_help(const struct ks_command *command)
{
	printf("Usage: koshienctl %s [OPTION]...%s%s\n%s\n", command->name, *command->words != '\0' ? " " : "",
	       command->words, command->summary);
	if (command->details != NULL)
		printf("\n%s", command->details);
	printf("\nOptions:\n");
	for (const struct ks_option *o = command->options; o->name != NULL; o++)
		ks_help_option(o->name, o->arg, o->help, o->preset);
	ks_help_option("help", NULL, "show this help and exit", NULL);
	print_exit_status();
}

void ks_commands_help(void)
{
	printf("Usage: koshienctl COMMAND [OPTION]... [WORD]...\n"
	       "Make and change keys for Koshien, look into its frame stores, watch what it serves, and ask its translator.\n\nCommands:\n");
	for (size_t i = 0; ks_commands[i] != NULL; i++)
		printf("  %-*s%s\n", NAME_COLUMN, ks_commands[i]->name, ks_commands[i]->summary);
	printf("\nkoshienctl COMMAND --help tells more about each.\n\nGeneral options:\n");
	ks_help_option("help", NULL, "show this help and exit", NULL);
	ks_help_option("version", NULL, "show the version and exit", NULL);
	print_exit_status();
}

static enum ks_exit run_help(const struct ks_arguments *args)
{
	const struct ks_command *command;

	if (args->n_words == 0) {
		ks_commands_help();
		return KS_EXIT_GOOD;
	}
	command = ks_command_find(args->words[0]);
	if (command == NULL)
		return ks_usage(args->command, "there is no command '%s'", args->words[0]);
	ks_command_help(command);
	return KS_EXIT_GOOD;
}

static enum ks_exit run_version(const struct ks_arguments *args)
{
	(void)args;
	printf("koshienctl (koshien) %s\n", PACKAGE_VERSION);
	return KS_EXIT_GOOD;
}

static const struct ks_option no_options[] = { { NULL, NULL, NULL, NULL } };

const struct ks_command ks_command_version = {
	.name = "version", .words = "", .summary = "show the version", .options = no_options, .run = run_version,
};

const struct ks_command ks_command_help_on = {
	.name = "help", .words = "[COMMAND]", .words_max = 1, .summary = "show what a command does",
	.options = no_options, .run = run_help,
};

/* --- the command line ------------------------------------------------------------------------- */

enum ks_exit ks_usage(const struct ks_command *command, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "koshienctl%s%s: ", command != NULL ? " " : "", command != NULL ? command->name : "");
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fprintf(stderr, "\nTry 'koshienctl %s%s--help'.\n", command != NULL ? command->name : "",
		command != NULL ? " " : "");
	return KS_EXIT_USAGE;
}

bool ks_argument_number(const struct ks_arguments *args, size_t index, int64_t min, int64_t max, int64_t *number)
{
	const char *text = args->value[index];
	char *end;

	errno = 0;
	*number = strtoll(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' && *number >= min && *number <= max)
		return true;
	ks_usage(args->command, "--%s: expected a whole number from %" PRId64 " to %" PRId64 ", got '%s'",
		 args->command->options[index].name, min, max, text);
	return false;
}

/* After getopt's '?' or ':'. A long option is the whole word; a letter may stand anywhere in one. */
static enum ks_exit wrong_option(const struct ks_command *command, int c, const char *word)
{
	if (strncmp(word, "--", 2) != 0)
		return ks_usage(command, "there is no option -%c", optopt);
	if (c == ':')
		return ks_usage(command, "%s needs a value", word);
	return ks_usage(command, "%s %s", word, strchr(word, '=') != NULL && optopt != 0 ? "takes no value" :
			"is no option of this command");
}

/* Fills *args; returns false with the exit status when there is nothing left to run. */
static bool parse(const struct ks_command *command, int argc, char **argv, struct ks_arguments *args,
		  enum ks_exit *status)
{
	struct option options[KS_OPTIONS_MAX + 2];
	size_t n = 0;
	int c;

	*args = (struct ks_arguments){ .command = command };
	for (; n < KS_OPTIONS_MAX && command->options[n].name != NULL; n++) {
		options[n] = (struct option){ command->options[n].name,
					      command->options[n].arg != NULL ? required_argument : no_argument, NULL,
					      OPTION_FIRST + (int)n };
		args->value[n] = command->options[n].preset;
	}
	options[n++] = (struct option){ "help", no_argument, NULL, OPTION_FIRST + OPTION_HELP };
	options[n] = (struct option){ NULL, 0, NULL, 0 };

	optind = 0;
	opterr = 0;
	*status = KS_EXIT_GOOD;
	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (c == OPTION_FIRST + OPTION_HELP || c == 'h') {
			ks_command_help(command);
			return false;
		}
		if (c == '?' || c == ':') {
			*status = wrong_option(command, c, argv[optind - 1]);
			return false;
		}
		args->value[c - OPTION_FIRST] = optarg != NULL ? optarg : "yes";
	}
	args->words = argv + optind;
	args->n_words = argc - optind;
	if (args->n_words >= command->words_min && args->n_words <= command->words_max)
		return true;
	if (args->n_words > command->words_max)
		*status = ks_usage(command, "'%s' is one word too many", args->words[command->words_max]);
	else
		*status = ks_usage(command, "expected %s", command->words);
	return false;
}

int ks_commands_main(int argc, char **argv)
{
	const struct ks_command *command;
	struct ks_arguments args;
	enum ks_exit status;

	if (argc < 2)
		return ks_usage(NULL, "expected a command");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		command = &ks_command_help_on;
	else if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
		command = &ks_command_version;
	else
		command = ks_command_find(argv[1]);
	if (command == NULL)
		return ks_usage(NULL, "there is no %s '%s'", argv[1][0] == '-' ? "option" : "command", argv[1]);
	if (!parse(command, argc - 1, argv + 1, &args, &status))
		return (int)status;
	status = command->run(&args);
	if (fflush(stdout) != 0 && status == KS_EXIT_GOOD) {
		fprintf(stderr, "koshienctl: standard output: %s\n", strerror(errno));
		return KS_EXIT_FAILED;
	}
	return (int)status;
}
