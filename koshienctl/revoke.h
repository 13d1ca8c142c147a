/* SPDX-License-Identifier: Apache-2.0
 *
 * Adding names to a revocation list (lib/wire/revoked.h).
 */
#ifndef KS_KOSHIENCTL_REVOKE_H
#define KS_KOSHIENCTL_REVOKE_H

#include <stddef.h>
#include <stdint.h>

/* Adds each valid name that is not there yet, with the date of `wall_us` as a comment, and makes the file when it is
 * missing. What stands in it already stays as it is; at every instant it is the old list or the new one, whole. Says on
 * standard output what came of each name; failures are logged. KS_EOK or the error. */
int ks_revoke(const char *path, char *const *names, size_t n, int64_t wall_us);

/* The names of a list on standard output, one a line. */
int ks_revoked_print(const char *path);

#endif
