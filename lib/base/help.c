/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/help.h"

#include <stdio.h>

#define HELP_COLUMN 30

static void print_line(const char *dashes, const char *name, const char *arg, const char *help, const char *preset)
{
	int width = printf("  %s%s%s%s", dashes, name, arg != NULL ? " " : "", arg != NULL ? arg : "");

	if (width >= HELP_COLUMN)
		printf("\n%*s", HELP_COLUMN, "");
	else
		printf("%*s", HELP_COLUMN - width, "");
	printf("%s", help);
	if (preset != NULL)
		printf(" (default: %s)", preset);
	printf("\n");
}

void ks_help_option(const char *name, const char *arg, const char *help, const char *preset)
{
	print_line("--", name, arg, help, preset);
}

void ks_help_word(const char *name, const char *arg, const char *help)
{
	print_line("", name, arg, help, NULL);
}
