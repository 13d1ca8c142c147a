/* SPDX-License-Identifier: Apache-2.0
 *
 * A unit test program: suites of Check, reported as TAP on standard output.
 *
 *	int main(void) { return unit_run(cursor_suite()); }
 */
#ifndef KS_TESTS_UNIT_H
#define KS_TESTS_UNIT_H

#include <stddef.h>

#include <check.h>

/* Runs the suite and returns main()'s exit code. Log lines of the code under test go nowhere unless
 * unit_log_start() keeps them. */
int unit_run(Suite *suite);

/* From here on, log lines are kept; unit_log_text() gives all of them, newline after each. */
void unit_log_start(void);
const char *unit_log_text(void);

/* Says that the test which calls it could not run and why, and leaves the test. */
#define unit_skip(why) do { unit_skip_test(__func__, why); return; } while (0)
void unit_skip_test(const char *test, const char *why);

/* A new empty directory, removed with its content when the program ends. The path is good until the next call. */
const char *unit_tmpdir(void);

/* The whole of a file; fails the test when it cannot be read. The caller frees. */
unsigned char *unit_file(const char *path, size_t *len);

/* Calls each(path, bytes, len, ctx) for every file of a folder below the shared test data (../shared/data
 * beside the source tree, or $KOSHIEN_TEST_DATA); returns how many, 0 when there is no such folder. */
size_t unit_each_datum(const char *folder,
		       void (*each)(const char *path, const unsigned char *bytes, size_t len, void *ctx), void *ctx);

#endif
