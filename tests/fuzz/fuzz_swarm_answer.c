/* SPDX-License-Identifier: Apache-2.0
 *
 * An HTTP answer as bench/swarm reads it: the first byte says how large the pieces are in which the rest comes. A
 * multipart body is taken apart, another one is judged as a picture.
 */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "bench/audience/multipart.h"
#include "lib/http/picture_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct swarm_answer answer;
static struct swarm_multipart parts;
static struct ks_picture_check check;

static void judge(const struct ks_answer *head)
{
	struct ks_picture picture;

	if (ks_picture_check_whole(&check, head) == KS_PICTURE_GOOD)
		ks_picture_check_named(&check, head, "main", "std", 1U << KS_HEADER_ID, &picture);
	ks_picture_check_begin(&check, true);
}

/* False: no use in going on. */
static bool take_parts(struct ks_reader *r)
{
	struct ks_reader span;

	for (;;) {
		switch (swarm_multipart_step(&parts, r, &span)) {
		case SWARM_STEP_MORE:
			return true;
		case SWARM_STEP_HEAD:
			ks_picture_check_begin(&check, true);
			break;
		case SWARM_STEP_BODY:
			ks_picture_check_feed(&check, span.at, ks_reader_left(&span));
			break;
		case SWARM_STEP_END:
			judge(&parts.head);
			break;
		case SWARM_STEP_MALFORMED:
			return false;
		}
	}
}

static bool take(struct ks_reader *r, bool *stream)
{
	struct ks_reader span;

	for (;;) {
		switch (swarm_answer_step(&answer, r, &span)) {
		case SWARM_STEP_MORE:
			return true;
		case SWARM_STEP_HEAD:
			*stream = swarm_multipart_begin(&parts, answer.head.value[KS_HEADER_TYPE]);
			ks_picture_check_begin(&check, true);
			break;
		case SWARM_STEP_BODY:
			if (*stream && !take_parts(&span))
				return false;
			if (!*stream)
				ks_picture_check_feed(&check, span.at, ks_reader_left(&span));
			break;
		case SWARM_STEP_END:
			judge(&answer.head);
			swarm_answer_begin(&answer);	/* a pipelined one may follow */
			break;
		case SWARM_STEP_MALFORMED:
			return false;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	size_t piece = len > 0 ? (size_t)bytes[0] + 1 : 1;
	bool stream = false;

	if (sodium_init() < 0)
		abort();
	swarm_answer_begin(&answer);
	for (size_t at = 1; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		uint8_t *own = malloc(n);	/* its own size, so that a sanitizer sees every overrun */
		struct ks_reader r;
		bool goes_on;

		if (own == NULL)
			abort();
		memcpy(own, bytes + at, n);
		r = ks_reader(own, n);
		goes_on = take(&r, &stream);
		free(own);
		if (!goes_on)
			break;
	}
	return 0;
}
