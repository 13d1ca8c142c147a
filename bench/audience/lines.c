/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/audience/lines.h"

enum swarm_line swarm_lines_step(struct swarm_lines *lines, struct ks_reader *r, const char **line, size_t *len)
{
	size_t left = ks_reader_left(r), n;
	const uint8_t *end = left > 0 ? memchr(r->at, '\n', left) : NULL;
	const char *bytes;

	n = end != NULL ? (size_t)(end + 1 - r->at) : left;
	if (n > SWARM_LINE_MAX - lines->len)
		return SWARM_LINE_MALFORMED;
	bytes = (const char *)ks_read_span(r, n);
	if (end == NULL || lines->len > 0) {
		if (n > 0)
			memcpy(lines->partial + lines->len, bytes, n);
		lines->len += n;
		if (end == NULL)
			return SWARM_LINE_MORE;
		bytes = lines->partial;
		n = lines->len;
		lines->len = 0;
	}
	if (n < 2 || memchr(bytes, '\r', n - 1) != bytes + n - 2)
		return SWARM_LINE_MALFORMED;
	*line = bytes;
	*len = n - 2;
	return SWARM_LINE_WHOLE;
}
