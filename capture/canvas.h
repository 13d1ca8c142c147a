/* SPDX-License-Identifier: Apache-2.0
 *
 * Drawing straight into planar YUV 4:2:0 (full range, BT.601: what JFIF means by YCbCr), so that a drawn
 * picture goes to the encoder without a colour conversion. Lengths are pixels; edges are smoothed.
 */
#ifndef KS_CAPTURE_CANVAS_H
#define KS_CAPTURE_CANVAS_H

#include <stdint.h>

struct ks_canvas {
	int width, height;
	int stride[3];
	uint8_t *plane[3];	/* one allocation, that of plane[0] */
};

struct ks_colour {
	uint8_t y, u, v;
};

/* KS_EOK or -ENOMEM. */
int ks_canvas_init(struct ks_canvas *canvas, int width, int height);
void ks_canvas_free(struct ks_canvas *canvas);

/* The same picture in another canvas of the same size. */
void ks_canvas_copy(struct ks_canvas *to, const struct ks_canvas *from);

/* 0xRRGGBB */
struct ks_colour ks_colour(uint32_t rgb);

void ks_canvas_fill(struct ks_canvas *canvas, double x, double y, double width, double height, struct ks_colour colour);

/* A line with round ends, `thick` wide; with both ends in one point, a disc. */
void ks_canvas_line(struct ks_canvas *canvas, double x0, double y0, double x1, double y1, double thick,
		    struct ks_colour colour);
void ks_canvas_ring(struct ks_canvas *canvas, double x, double y, double radius, double thick, struct ks_colour colour);

/* Text with its capitals from y to y + size. Printable ASCII; each other byte shows as '?'. */
void ks_canvas_text(struct ks_canvas *canvas, double x, double y, double size, struct ks_colour colour,
		    const char *text);
double ks_canvas_text_width(double size, const char *text);

#endif
