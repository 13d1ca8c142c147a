/* SPDX-License-Identifier: Apache-2.0
 *
 * One HTTP answer as a viewer that trusts nobody sees it: the few header fields that matter, kept within
 * bounds, and the verdict whether the body is the whole, untouched picture that they promise. Nothing
 * here touches the network.
 */
#ifndef KS_KOSHIENCTL_ANSWER_H
#define KS_KOSHIENCTL_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/frame/frame.h"

#define KS_ANSWER_HEAD_MAX 16384	/* bytes of status line and header fields together */
#define KS_ANSWER_VALUE_MAX 80		/* bytes of a field that we look at, with its NUL */

enum ks_header {
	KS_HEADER_LENGTH,	/* Content-Length */
	KS_HEADER_ETAG,
	KS_HEADER_ID,		/* Frame-Id */
	KS_HEADER_CAPTURED,	/* Frame-Captured */
	KS_HEADER_NEXT,		/* Frame-Next */
	KS_HEADER_STATE,	/* Frame-State */
	KS_HEADER_SERVED_BY,	/* Served-By */
	KS_HEADERS
};

/* Zeroed: nothing has come yet. */
struct ks_answer {
	int status;		/* 0: no status line yet */
	size_t head_len;
	bool flawed;		/* a field that matters came twice, is too long or is not plain ASCII */
	char value[KS_HEADERS][KS_ANSWER_VALUE_MAX];	/* empty: not there */
};

/* Takes one line of the head, with or without its line end; a status line starts the answer anew (an
 * interim answer went before). False when the head is larger than KS_ANSWER_HEAD_MAX: give up. */
bool ks_answer_line(struct ks_answer *answer, const char *line, size_t len);

/* The value of a field as a decimal number of at most `max`; false when it is absent or anything else. */
bool ks_answer_number(const struct ks_answer *answer, enum ks_header header, uint64_t max, uint64_t *number);

/* Why an answer with status 200 is no good picture; also the keys in the summary, by ks_verdict_names[]. */
enum ks_verdict {
	KS_PICTURE_GOOD,
	KS_PICTURE_CUT,		/* the connection ended in the middle of it */
	KS_PICTURE_TOO_LARGE,	/* above KS_JPEG_MAX */
	KS_PICTURE_HEAD,	/* the header fields are too many, repeated or malformed */
	KS_PICTURE_LENGTH,	/* no Content-Length, or not the number of bytes that came */
	KS_PICTURE_JPEG,	/* not a whole JPEG */
	KS_PICTURE_STAMP,	/* carries no stamp, or that of another channel or rendition */
	KS_PICTURE_ID,		/* Frame-Id is not the stamp's */
	KS_PICTURE_CAPTURED,	/* Frame-Captured is not the stamp's */
	KS_PICTURE_ETAG,	/* ETag is not that of these bytes */
	KS_VERDICTS
};

extern const char *const ks_verdict_names[KS_VERDICTS];

struct ks_picture {
	struct ks_frame_id id;
	int64_t captured_us;	/* UTC */
};

/* Judges the whole body of an answer with status 200 to a request for a picture of that channel and
 * rendition. *picture is filled in only for KS_PICTURE_GOOD; *fault always (KS_JPEG_GOOD unless the
 * verdict is KS_PICTURE_JPEG). */
enum ks_verdict ks_answer_judge(const struct ks_answer *answer, const uint8_t *body, size_t len, const char *channel,
				const char *rendition, struct ks_picture *picture, enum ks_jpeg_fault *fault);

/* True when a viewer may show `next` after `shown`. A viewer cannot see which source a picture is from, so
 * that of two epochs the later capture may follow as well as the higher number. */
bool ks_picture_follows(const struct ks_picture *next, const struct ks_picture *shown);

#endif
