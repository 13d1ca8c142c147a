/* SPDX-License-Identifier: Apache-2.0
 *
 * Is the body of an answer the whole, untouched picture that its head promises? Judged while it arrives: of the
 * bytes themselves only the first and the last few are kept, so that thousands can be under way at once.
 */
#ifndef KS_HTTP_PICTURE_CHECK_H
#define KS_HTTP_PICTURE_CHECK_H

#include <sodium.h>

#include "lib/frame/frame.h"
#include "lib/http/answer.h"

/* Why an answer with status 200 is no good picture; also the keys in summaries, by ks_verdict_names[]. */
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

struct ks_picture_check {
	size_t len;			/* so far */
	bool hashed;
	uint8_t first[2 + KS_JPEG_STAMP_MAX];
	uint8_t last[2];
	crypto_generichash_state hash;	/* BLAKE2b-256, as in the manifest */
};

/* `hashed`: the digest will be compared, too, which is most of what checking costs. sodium_init() went before. */
void ks_picture_check_begin(struct ks_picture_check *check, bool hashed);
void ks_picture_check_feed(struct ks_picture_check *check, const uint8_t *bytes, size_t len);

/* After the last byte: whether they are as many as Content-Length says, and begin and end as a JPEG does.
 * KS_PICTURE_GOOD, HEAD, TOO_LARGE, LENGTH or JPEG. */
enum ks_verdict ks_picture_check_whole(const struct ks_picture_check *check, const struct ks_answer *head);

/* After that: whether the stamp is of that channel and rendition (NULL: any) and Frame-Id, Frame-Captured and ETag
 * are those of the picture. `needed` has 1 << KS_HEADER_… for each of the three that must be there; one that is
 * there is compared in any case. KS_PICTURE_GOOD and *picture, or STAMP, ID, CAPTURED or ETAG. Called once. */
enum ks_verdict ks_picture_check_named(struct ks_picture_check *check, const struct ks_answer *head,
				       const char *channel, const char *rendition, unsigned needed,
				       struct ks_picture *picture);

#endif
