/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/audience/multipart.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char type[] = "multipart/x-mixed-replace";
static const char parameter[] = "boundary=";

bool swarm_multipart_begin(struct swarm_multipart *parts, const char *content_type)
{
	const char *at = content_type + sizeof(type) - 1;
	size_t len;

	if (strncasecmp(content_type, type, sizeof(type) - 1) != 0)
		return false;
	at += strspn(at, " ");
	if (*at++ != ';')
		return false;
	at += strspn(at, " ");
	if (strncasecmp(at, parameter, sizeof(parameter) - 1) != 0)
		return false;
	at += sizeof(parameter) - 1;
	len = strlen(at);
	if (len >= 2 && at[0] == '"' && at[len - 1] == '"') {
		at++;
		len -= 2;
	}
	if (len == 0 || len > SWARM_BOUNDARY_MAX || strcspn(at, "\"; ") < len)
		return false;
	snprintf(parts->boundary, sizeof(parts->boundary), "--%.*s", (int)len, at);
	parts->state = SWARM_PART_BOUNDARY;
	parts->begun = false;
	parts->lines.len = 0;
	return true;
}

static enum swarm_step take_boundary(struct swarm_multipart *parts, const char *line, size_t len)
{
	size_t own = strlen(parts->boundary);

	if (len == 0 && !parts->begun)
		return SWARM_STEP_MORE;
	if (len < own || memcmp(line, parts->boundary, own) != 0)
		return SWARM_STEP_MALFORMED;
	parts->begun = true;
	if (len == own) {
		memset(&parts->head, 0, sizeof(parts->head));
		parts->state = SWARM_PART_FIELDS;
		return SWARM_STEP_MORE;
	}
	parts->state = SWARM_PART_OVER;
	return len == own + 2 && memcmp(line + own, "--", 2) == 0 ? SWARM_STEP_MORE : SWARM_STEP_MALFORMED;
}

static enum swarm_step take_field(struct swarm_multipart *parts, const char *line, size_t len)
{
	if (len > 0)
		return (len < 5 || memcmp(line, "HTTP/", 5) != 0) && ks_answer_line(&parts->head, line, len) ?
			       SWARM_STEP_MORE : SWARM_STEP_MALFORMED;
	if (!ks_answer_number(&parts->head, KS_HEADER_LENGTH, INT64_MAX, &parts->left))
		return SWARM_STEP_MALFORMED;
	parts->state = SWARM_PART_BODY;
	return SWARM_STEP_HEAD;
}

static enum swarm_step take_line(struct swarm_multipart *parts, const char *line, size_t len)
{
	if (parts->state == SWARM_PART_BOUNDARY)
		return take_boundary(parts, line, len);
	if (parts->state == SWARM_PART_FIELDS)
		return take_field(parts, line, len);
	parts->state = SWARM_PART_BOUNDARY;	/* from SWARM_PART_BODY_END */
	return len == 0 ? SWARM_STEP_MORE : SWARM_STEP_MALFORMED;
}

static enum swarm_step take_body(struct swarm_multipart *parts, struct ks_reader *r, struct ks_reader *span)
{
	size_t n = ks_reader_left(r) < parts->left ? ks_reader_left(r) : (size_t)parts->left;

	if (parts->left == 0) {
		parts->state = SWARM_PART_BODY_END;
		return SWARM_STEP_END;
	}
	if (n == 0)
		return SWARM_STEP_MORE;
	*span = ks_reader(ks_read_span(r, n), n);
	parts->left -= n;
	return SWARM_STEP_BODY;
}

enum swarm_step swarm_multipart_step(struct swarm_multipart *parts, struct ks_reader *r, struct ks_reader *span)
{
	enum swarm_step step = SWARM_STEP_MORE;
	const char *line;
	size_t len;

	while (step == SWARM_STEP_MORE) {
		if (parts->state == SWARM_PART_BODY)
			return take_body(parts, r, span);
		if (parts->state == SWARM_PART_OVER) {
			ks_read_span(r, ks_reader_left(r));
			return SWARM_STEP_MORE;
		}
		switch (swarm_lines_step(&parts->lines, r, &line, &len)) {
		case SWARM_LINE_MORE:
			return SWARM_STEP_MORE;
		case SWARM_LINE_WHOLE:
			step = take_line(parts, line, len);
			break;
		case SWARM_LINE_MALFORMED:
			return SWARM_STEP_MALFORMED;
		}
	}
	return step;
}
