/* SPDX-License-Identifier: Apache-2.0 */
#include "koshienctl/judge.h"

#define NEEDED (1U << KS_HEADER_ID | 1U << KS_HEADER_CAPTURED | 1U << KS_HEADER_ETAG)

enum ks_verdict ks_picture_judge(const struct ks_answer *answer, const uint8_t *body, size_t len, const char *channel,
				 const char *rendition, struct ks_picture *picture, enum ks_jpeg_fault *fault)
{
	struct ks_picture_check check;
	struct ks_jpeg_info info;
	enum ks_verdict verdict;

	ks_picture_check_begin(&check, true);
	ks_picture_check_feed(&check, body, len);
	verdict = ks_picture_check_whole(&check, answer);
	/* The whole body is here, so that the walk can say what exactly is wrong with it. */
	*fault = KS_JPEG_GOOD;
	if (verdict == KS_PICTURE_GOOD || verdict == KS_PICTURE_JPEG)
		*fault = ks_jpeg_check(body, len, &info);
	if (*fault != KS_JPEG_GOOD)
		return KS_PICTURE_JPEG;
	return verdict != KS_PICTURE_GOOD ?
		       verdict : ks_picture_check_named(&check, answer, channel, rendition, NEEDED, picture);
}

bool ks_picture_follows(const struct ks_picture *next, const struct ks_picture *shown)
{
	return ks_frame_id_cmp(next->id, shown->id) > 0 ||
	       (next->id.epoch != shown->id.epoch && next->captured_us > shown->captured_us);
}
