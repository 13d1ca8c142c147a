/* SPDX-License-Identifier: Apache-2.0
 *
 * The link emulator's commands, "ab loss 10%" and the like; the list is in link --help.
 */
#ifndef TESTS_NET_COMMAND_H
#define TESTS_NET_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/net/shape.h"

#define COMMAND_MAX 512		/* characters, all commands of one line */

enum command_direction { COMMAND_AB, COMMAND_BA };

/* Applies one line, commands separated by semicolons, to both directions' settings. False leaves them as they were, and
 * `why` says what was expected. "counters" is not one of them. */
bool command_apply(struct shape_settings set[2], const char *line, char *why, size_t why_size);

extern const char command_help[];

#endif
