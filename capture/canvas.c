/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/canvas.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "capture/font.h"
#include "lib/base/error.h"

/* Stroke width of text, in grid units of the font. */
#define STROKE 1.35

/* A shape is what lies within `thick` / 2 of a segment, or of a circle. */
struct shape {
	double x0, y0, x1, y1;	/* of a circle: the centre, twice */
	double radius;		/* of a circle; 0: a segment */
	double thick;
};

/* Rows of a plane. As the strides, those of luma are even: TurboJPEG reads whole pairs. */
static int rows_of(const struct ks_canvas *canvas, int plane)
{
	int half = (canvas->height + 1) / 2;

	return plane == 0 ? 2 * half : half;
}

static size_t plane_size(const struct ks_canvas *canvas, int plane)
{
	return (size_t)canvas->stride[plane] * (size_t)rows_of(canvas, plane);
}

int ks_canvas_init(struct ks_canvas *canvas, int width, int height)
{
	int half = (width + 1) / 2;

	*canvas = (struct ks_canvas){ .width = width, .height = height, .stride = { 2 * half, half, half } };
	canvas->plane[0] = calloc(1, plane_size(canvas, 0) + 2 * plane_size(canvas, 1));
	if (canvas->plane[0] == NULL)
		return -ENOMEM;
	canvas->plane[1] = canvas->plane[0] + plane_size(canvas, 0);
	canvas->plane[2] = canvas->plane[1] + plane_size(canvas, 1);
	return KS_EOK;
}

void ks_canvas_free(struct ks_canvas *canvas)
{
	free(canvas->plane[0]);
	memset(canvas, 0, sizeof(*canvas));
}

void ks_canvas_copy(struct ks_canvas *to, const struct ks_canvas *from)
{
	memcpy(to->plane[0], from->plane[0], plane_size(from, 0) + 2 * plane_size(from, 1));
}

struct ks_colour ks_colour(uint32_t rgb)
{
	double r = rgb >> 16 & 255, g = rgb >> 8 & 255, b = rgb & 255;
	double y = 0.299 * r + 0.587 * g + 0.114 * b;

	return (struct ks_colour){ (uint8_t)lround(y), (uint8_t)lround(fmin(128 + 0.564 * (b - y), 255)),
				   (uint8_t)lround(fmin(128 + 0.713 * (r - y), 255)) };
}

static int clamp(double value, int max)
{
	return value < 0 ? 0 : value > max ? max : (int)value;
}

static double fraction(double value)
{
	return value < 0 ? 0 : value > 1 ? 1 : value;
}

static void blend(uint8_t *pixel, uint8_t to, double cover)
{
	*pixel = (uint8_t)lround(*pixel + cover * (to - *pixel));
}

/* How much of the pixels [i, i + 1) lies within [from, to). */
static double overlap(int i, double from, double to)
{
	return fraction(fmin(i + 1, to) - fmax(i, from));
}

static void fill_plane(struct ks_canvas *canvas, int plane, const double box[4], uint8_t value)
{
	int width = canvas->stride[plane], height = rows_of(canvas, plane);
	double scale = plane == 0 ? 1 : 0.5;
	double x0 = box[0] * scale, y0 = box[1] * scale, x1 = box[2] * scale, y1 = box[3] * scale;

	for (int y = clamp(y0, height); y < clamp(ceil(y1), height); y++) {
		uint8_t *row = canvas->plane[plane] + (size_t)y * (size_t)width;
		double rows = overlap(y, y0, y1);

		for (int x = clamp(x0, width); x < clamp(ceil(x1), width); x++)
			blend(&row[x], value, rows * overlap(x, x0, x1));
	}
}

void ks_canvas_fill(struct ks_canvas *canvas, double x, double y, double width, double height, struct ks_colour colour)
{
	/* What reaches the edge covers the padding behind it too. */
	const double box[4] = { x, y, x + width < canvas->width ? x + width : canvas->stride[0],
				y + height < canvas->height ? y + height : rows_of(canvas, 0) };

	fill_plane(canvas, 0, box, colour.y);
	fill_plane(canvas, 1, box, colour.u);
	fill_plane(canvas, 2, box, colour.v);
}

/* From a point to the edge of the shape; negative inside. */
static double distance(const struct shape *s, double x, double y)
{
	double dx = s->x1 - s->x0, dy = s->y1 - s->y0, length2 = dx * dx + dy * dy, along = 0, away;

	if (length2 > 0)
		along = fraction(((x - s->x0) * dx + (y - s->y0) * dy) / length2);
	away = hypot(x - s->x0 - along * dx, y - s->y0 - along * dy);
	return fabs(away - s->radius) - s->thick / 2;
}

static void paint_plane(struct ks_canvas *canvas, int plane, const struct shape *s, uint8_t value)
{
	int width = canvas->stride[plane], height = rows_of(canvas, plane);
	double step = plane == 0 ? 1 : 2, reach = s->radius + s->thick / 2 + step;
	int left = clamp((fmin(s->x0, s->x1) - reach) / step, width);
	int right = clamp((fmax(s->x0, s->x1) + reach) / step + 1, width);
	int bottom = clamp((fmax(s->y0, s->y1) + reach) / step + 1, height);

	for (int y = clamp((fmin(s->y0, s->y1) - reach) / step, height); y < bottom; y++) {
		uint8_t *row = canvas->plane[plane] + (size_t)y * (size_t)width;

		for (int x = left; x < right; x++) {
			double cover = fraction(0.5 - distance(s, (x + 0.5) * step, (y + 0.5) * step) / step);

			if (cover > 0)
				blend(&row[x], value, cover);
		}
	}
}

static void paint(struct ks_canvas *canvas, const struct shape *s, struct ks_colour colour)
{
	paint_plane(canvas, 0, s, colour.y);
	paint_plane(canvas, 1, s, colour.u);
	paint_plane(canvas, 2, s, colour.v);
}

void ks_canvas_line(struct ks_canvas *canvas, double x0, double y0, double x1, double y1, double thick,
		    struct ks_colour colour)
{
	paint(canvas, &(struct shape){ x0, y0, x1, y1, 0, thick }, colour);
}

void ks_canvas_ring(struct ks_canvas *canvas, double x, double y, double radius, double thick, struct ks_colour colour)
{
	paint(canvas, &(struct shape){ x, y, x, y, radius, thick }, colour);
}

static int grid(char digit)
{
	return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

static void draw_glyph(struct ks_canvas *canvas, double x, double y, double unit, struct ks_colour colour,
		       const char *at)
{
	while (*at != '\0') {
		if (at[2] != '\0' && at[2] != ' ')
			ks_canvas_line(canvas, x + grid(at[0]) * unit, y + grid(at[1]) * unit, x + grid(at[2]) * unit,
				       y + grid(at[3]) * unit, STROKE * unit, colour);
		at += at[2] == ' ' ? 3 : 2;
	}
}

void ks_canvas_text(struct ks_canvas *canvas, double x, double y, double size, struct ks_colour colour,
		    const char *text)
{
	double unit = size / KS_FONT_CAP;

	for (; *text != '\0'; text++, x += KS_FONT_ADVANCE * unit)
		draw_glyph(canvas, x, y, unit, colour, ks_font_strokes(*text));
}

double ks_canvas_text_width(double size, const char *text)
{
	size_t n = strlen(text);

	return n > 0 ? ((double)n * KS_FONT_ADVANCE - (KS_FONT_ADVANCE - KS_FONT_WIDTH)) * size / KS_FONT_CAP : 0;
}
