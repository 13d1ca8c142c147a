/* SPDX-License-Identifier: Apache-2.0
 *
 * Revocation lists: text files with the name of one relay a line whose key is no longer accepted. What follows a #
 * is a comment, blank lines are allowed. A key that was derived from a master key can be taken back in no other way.
 */
#ifndef KS_WIRE_REVOKED_H
#define KS_WIRE_REVOKED_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/wire/psk.h"

#define KS_REVOKED_FILE_MAX ((size_t)1024 * 1024)	/* bytes of a list */

struct ks_revoked {
	char **names;		/* for ks_node_set_masters() as they are */
	size_t n;
};

/* Parses a list. KS_EOK; or KS_EMALFORMED, KS_ELIMIT (more than KS_REVOKED_MAX names) with the line at fault in
 * *line, or -ENOMEM: then *revoked is empty. */
int ks_revoked_parse(const char *text, size_t len, struct ks_revoked *revoked, size_t *line);

/* Reads a list; every failure is logged with the path and, where there is one, the line. */
int ks_revoked_read(const char *path, struct ks_revoked *revoked);

bool ks_revoked_has(const struct ks_revoked *revoked, const char *name);
void ks_revoked_free(struct ks_revoked *revoked);

#endif
