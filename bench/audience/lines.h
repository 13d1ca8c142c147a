/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines out of bytes that come in pieces: of a head, a chunk size, a boundary. Each ends with CR LF (RFC 9112, 2.2),
 * and has neither of them inside.
 */
#ifndef KS_SWARM_LINES_H
#define KS_SWARM_LINES_H

#include "lib/base/cursor.h"

#define SWARM_LINE_MAX 1024	/* bytes, CR LF included */

/* Zeroed len: nothing has come. */
struct swarm_lines {
	size_t len;
	char partial[SWARM_LINE_MAX];
};

enum swarm_line { SWARM_LINE_MORE, SWARM_LINE_WHOLE, SWARM_LINE_MALFORMED };

/* Takes bytes up to the end of the line. WHOLE: *line without CR LF, good until the next call or until the bytes
 * are gone; MORE: all bytes are taken and the line has not ended; MALFORMED: too long, or CR or LF alone. */
enum swarm_line swarm_lines_step(struct swarm_lines *lines, struct ks_reader *r, const char **line, size_t *len);

#endif
