/* SPDX-License-Identifier: Apache-2.0
 *
 * The two pictures that sentryd draws itself: the test card, and the placeholder that says what is wrong
 * with the source.
 */
#ifndef KS_CAPTURE_CARD_H
#define KS_CAPTURE_CARD_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/canvas.h"
#include "capture/picture.h"
#include "lib/frame/id.h"

#define KS_CARD_WIDTH_MIN 64
#define KS_CARD_HEIGHT_MIN 48

struct ks_card {
	struct ks_canvas still;		/* what never changes, drawn once */
	struct ks_canvas now;
};

/* KS_EOK or -ENOMEM. The name is that of the frames: "main". */
int ks_card_init(struct ks_card *card, int width, int height, const char *channel);
void ks_card_free(struct ks_card *card);

/* Draws the test card of one instant: a clock, the frame's id, and a hand and a ball that move. */
void ks_card_draw(struct ks_card *card, int64_t wall_us, struct ks_frame_id id);

struct ks_card_notice {
	const char *title;	/* "no signal" */
	const char *why;	/* a sentence; wrapped to the width */
	int64_t since_us;	/* UTC */
	bool retrying;
};

/* Draws the placeholder of one instant. */
void ks_card_draw_notice(struct ks_card *card, int64_t wall_us, const struct ks_card_notice *notice);

/* The picture drawn last, for the encoder; its times are the caller's to set. */
struct ks_picture ks_card_picture(const struct ks_card *card);

#endif
