/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/audience/answer.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define CHUNK_DIGITS_MAX 7

void swarm_answer_begin(struct swarm_answer *answer)
{
	answer->state = SWARM_ANSWER_STATUS;
	answer->keeps = false;
	answer->left = 0;
	answer->lines.len = 0;
	answer->head.head_len = 0;
	answer->head.status = 0;
}

static bool take_status(struct swarm_answer *answer, const char *line, size_t len)
{
	if (len < 12 || memcmp(line, "HTTP/1.", 7) != 0 || (line[7] != '0' && line[7] != '1') || line[8] != ' ')
		return false;
	return ks_answer_line(&answer->head, line, len) && answer->head.status >= 100 &&
	       answer->head.status < 600 && answer->head.status != 101;
}

/* RFC 9112, 9.3. */
static bool keeps(const struct ks_answer *head)
{
	if (ks_answer_lists(head, KS_HEADER_CONNECTION, "close"))
		return false;
	return head->minor == 1 || ks_answer_lists(head, KS_HEADER_CONNECTION, "keep-alive");
}

/* Where the body ends: RFC 9112, 6.3. Both a coding and a length is how requests are smuggled. */
static enum swarm_step take_head(struct swarm_answer *answer)
{
	const struct ks_answer *head = &answer->head;
	bool coded = head->value[KS_HEADER_CODING][0] != '\0', measured = head->value[KS_HEADER_LENGTH][0] != '\0';

	if (head->flawed || (coded && measured) || (coded && strcasecmp(head->value[KS_HEADER_CODING], "chunked") != 0))
		return SWARM_STEP_MALFORMED;
	if (measured && !ks_answer_number(head, KS_HEADER_LENGTH, INT64_MAX, &answer->left))
		return SWARM_STEP_MALFORMED;
	answer->keeps = keeps(head);
	if (head->status == 204 || head->status == 304) {
		answer->state = SWARM_ANSWER_OVER;
	} else if (coded) {
		answer->state = SWARM_ANSWER_CHUNK_SIZE;
	} else if (measured) {
		answer->state = answer->left > 0 ? SWARM_ANSWER_LENGTH : SWARM_ANSWER_OVER;
	} else {
		answer->keeps = false;
		answer->state = SWARM_ANSWER_TO_CLOSE;
	}
	return SWARM_STEP_HEAD;
}

/* "1a", "1a;name=value". */
static bool take_chunk_size(struct swarm_answer *answer, const char *line, size_t len)
{
	uint64_t size = 0;
	size_t digits = 0;

	for (; digits < len && isxdigit((unsigned char)line[digits]) && digits <= CHUNK_DIGITS_MAX; digits++) {
		int c = tolower((unsigned char)line[digits]);

		size = size * 16 + (uint64_t)(isdigit(c) ? c - '0' : c - 'a' + 10);
	}
	if (digits == 0 || digits > CHUNK_DIGITS_MAX || (digits < len && line[digits] != ';'))
		return false;
	answer->left = size;
	answer->state = size > 0 ? SWARM_ANSWER_CHUNK : SWARM_ANSWER_TRAILER;
	return true;
}

static enum swarm_step take_field(struct swarm_answer *answer, const char *line, size_t len)
{
	if (len == 0 && answer->head.status >= 200)
		return take_head(answer);
	if (len == 0) {
		answer->state = SWARM_ANSWER_STATUS;
		return SWARM_STEP_MORE;
	}
	/* A second status line would start the head anew. */
	if ((len >= 5 && memcmp(line, "HTTP/", 5) == 0) || !ks_answer_line(&answer->head, line, len))
		return SWARM_STEP_MALFORMED;
	return SWARM_STEP_MORE;
}

/* MORE: the line is taken and the next may follow. */
static enum swarm_step take_line(struct swarm_answer *answer, const char *line, size_t len)
{
	bool good = true;

	switch (answer->state) {
	case SWARM_ANSWER_STATUS:
		good = take_status(answer, line, len);
		answer->state = SWARM_ANSWER_FIELDS;
		break;
	case SWARM_ANSWER_FIELDS:
		return take_field(answer, line, len);
	case SWARM_ANSWER_CHUNK_SIZE:
		good = take_chunk_size(answer, line, len);
		break;
	case SWARM_ANSWER_CHUNK_END:
		good = len == 0;
		answer->state = SWARM_ANSWER_CHUNK_SIZE;
		break;
	default:	/* SWARM_ANSWER_TRAILER */
		good = len == 0;
		answer->state = SWARM_ANSWER_OVER;
		break;
	}
	return good ? SWARM_STEP_MORE : SWARM_STEP_MALFORMED;
}

static enum swarm_step take_body(struct swarm_answer *answer, struct ks_reader *r, struct ks_reader *span)
{
	size_t n = ks_reader_left(r);

	if (n == 0)
		return SWARM_STEP_MORE;
	if (answer->state != SWARM_ANSWER_TO_CLOSE) {
		if (n > answer->left)
			n = (size_t)answer->left;
		answer->left -= n;
	}
	*span = ks_reader(ks_read_span(r, n), n);
	if (answer->left == 0 && answer->state == SWARM_ANSWER_LENGTH)
		answer->state = SWARM_ANSWER_OVER;
	else if (answer->left == 0 && answer->state == SWARM_ANSWER_CHUNK)
		answer->state = SWARM_ANSWER_CHUNK_END;
	return SWARM_STEP_BODY;
}

enum swarm_step swarm_answer_step(struct swarm_answer *answer, struct ks_reader *r, struct ks_reader *span)
{
	enum swarm_step step = SWARM_STEP_MORE;
	const char *line;
	size_t len;

	while (step == SWARM_STEP_MORE && answer->state != SWARM_ANSWER_OVER) {
		if (answer->state == SWARM_ANSWER_LENGTH || answer->state == SWARM_ANSWER_CHUNK ||
		    answer->state == SWARM_ANSWER_TO_CLOSE)
			return take_body(answer, r, span);
		switch (swarm_lines_step(&answer->lines, r, &line, &len)) {
		case SWARM_LINE_MORE:
			return SWARM_STEP_MORE;
		case SWARM_LINE_WHOLE:
			step = take_line(answer, line, len);
			break;
		case SWARM_LINE_MALFORMED:
			return SWARM_STEP_MALFORMED;
		}
	}
	return step == SWARM_STEP_MORE ? SWARM_STEP_END : step;
}
