/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of a multipart/x-mixed-replace body (RFC 2046, 5.1.1) out of bytes that come in pieces. Each part must say
 * its Content-Length: a picture's end is not looked for in the picture.
 */
#ifndef KS_SWARM_MULTIPART_H
#define KS_SWARM_MULTIPART_H

#include "bench/audience/answer.h"

#define SWARM_BOUNDARY_MAX 70	/* RFC 2046, 5.1.1 */

enum swarm_multipart_state {
	SWARM_PART_BOUNDARY, SWARM_PART_FIELDS, SWARM_PART_BODY, SWARM_PART_BODY_END, SWARM_PART_OVER
};

struct swarm_multipart {
	enum swarm_multipart_state state;
	bool begun;			/* the first boundary has come; an empty line may stand before it */
	uint64_t left;			/* of the part's body */
	char boundary[2 + SWARM_BOUNDARY_MAX + 1];	/* with its two hyphens */
	struct ks_answer head;		/* of the part; it has no status */
	struct swarm_lines lines;
};

/* From the answer's Content-Type; false when that is not it. */
bool swarm_multipart_begin(struct swarm_multipart *parts, const char *content_type);

/* As swarm_answer_step(), for one part after the other: HEAD, BODY … END, then HEAD again; after the closing
 * boundary MORE for whatever follows. */
enum swarm_step swarm_multipart_step(struct swarm_multipart *parts, struct ks_reader *r, struct ks_reader *span);

/* True in the midst of a part: if the bytes end here, it is cut. A boundary alone begins none: it is sent behind each
 * part, so that browsers show that one. */
static inline bool swarm_multipart_inside(const struct swarm_multipart *parts)
{
	return parts->state == SWARM_PART_BODY ||
	       (parts->state == SWARM_PART_FIELDS && parts->head.head_len + parts->lines.len > 0);
}

#endif
