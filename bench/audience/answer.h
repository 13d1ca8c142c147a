/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/1.1 answers out of bytes that come in pieces (RFC 9112). Strict where a browser is lenient: what is not quite
 * an answer is a fault of the server under test. Keeps the head's fields that matter and nothing of the body. Not in
 * what it takes: trailers, chunks of 2^28 bytes and more, 101.
 */
#ifndef KS_SWARM_ANSWER_H
#define KS_SWARM_ANSWER_H

#include "bench/audience/lines.h"
#include "lib/http/answer.h"

enum swarm_answer_state {
	SWARM_ANSWER_STATUS,		/* before or in the status line */
	SWARM_ANSWER_FIELDS,
	SWARM_ANSWER_LENGTH,		/* in a body of known length */
	SWARM_ANSWER_CHUNK_SIZE, SWARM_ANSWER_CHUNK, SWARM_ANSWER_CHUNK_END, SWARM_ANSWER_TRAILER,
	SWARM_ANSWER_TO_CLOSE,		/* in a body that the connection's end ends */
	SWARM_ANSWER_OVER
};

struct swarm_answer {
	enum swarm_answer_state state;
	bool keeps;			/* the connection is good for another request; from SWARM_STEP_HEAD on */
	uint64_t left;			/* of the body or the chunk */
	struct ks_answer head;
	struct swarm_lines lines;
};

enum swarm_step {
	SWARM_STEP_MORE,		/* all bytes are taken, the answer goes on */
	SWARM_STEP_HEAD,		/* the head is whole; interim answers are passed over */
	SWARM_STEP_BODY,		/* *span is a piece of the body */
	SWARM_STEP_END,			/* the answer is whole; what is left of the bytes is not its */
	SWARM_STEP_MALFORMED
};

void swarm_answer_begin(struct swarm_answer *answer);

/* Called until MORE, END or MALFORMED. */
enum swarm_step swarm_answer_step(struct swarm_answer *answer, struct ks_reader *r, struct ks_reader *span);

/* The connection has ended: true when that is how the answer ends (RFC 9112, 6.3, rule 8). */
static inline bool swarm_answer_ended_by_close(const struct swarm_answer *answer)
{
	return answer->state == SWARM_ANSWER_TO_CLOSE;
}

#endif
