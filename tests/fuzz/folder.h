/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder of a fuzzer's own: in memory where there is such a place, else where $TMPDIR says.
 */
#ifndef KS_TESTS_FUZZ_FOLDER_H
#define KS_TESTS_FUZZ_FOLDER_H

#include <stdio.h>
#include <stdlib.h>

/* Its path to `path`, of that many bytes; ends the program when there is no place. */
static inline void fuzz_folder(char *path, size_t room)
{
	const char *given = getenv("TMPDIR");
	const char *const places[] = { "/dev/shm", given != NULL ? given : P_tmpdir };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if ((size_t)snprintf(path, room, "%s/koshien-fuzz-XXXXXX", places[i]) < room && mkdtemp(path) != NULL)
			return;
	abort();
}

#endif
