/* SPDX-License-Identifier: Apache-2.0
 *
 * The verdict on a whole picture as a viewer got it, and on which of two a viewer may show after the other.
 */
#ifndef KS_KOSHIENCTL_JUDGE_H
#define KS_KOSHIENCTL_JUDGE_H

#include "lib/http/picture_check.h"

/* Judges the whole body of an answer with status 200 to a request for a picture of that channel and
 * rendition. *picture is filled in only for KS_PICTURE_GOOD; *fault always (KS_JPEG_GOOD unless the
 * verdict is KS_PICTURE_JPEG). */
enum ks_verdict ks_picture_judge(const struct ks_answer *answer, const uint8_t *body, size_t len, const char *channel,
				 const char *rendition, struct ks_picture *picture, enum ks_jpeg_fault *fault);

/* True when a viewer may show `next` after `shown`. A viewer cannot see which source a picture is from, so
 * that of two epochs the later capture may follow as well as the higher number. */
bool ks_picture_follows(const struct ks_picture *next, const struct ks_picture *shown);

#endif
