/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/card.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"

/* The layout is made for this size and scaled, centred, to any other. */
#define LAYOUT_WIDTH 1280
#define LAYOUT_HEIGHT 720
#define MARGIN 64

/* Neither divides a minute or the usual periods, so that two pictures in a row always differ. */
#define HAND_PERIOD_US (INT64_C(7) * KS_US_PER_S)
#define BALL_PERIOD_US (INT64_C(11) * KS_US_PER_S)

#define INK 0xffffff
#define FAINT 0x8fa3c8
#define SHADE 0x2b3a5c
#define ACCENT 0xffb020

struct layout {
	struct ks_canvas *canvas;
	double unit, x, y;	/* pixels per layout unit; where the layout begins */
};

static struct layout layout(struct ks_canvas *canvas)
{
	double unit = fmin((double)canvas->width / LAYOUT_WIDTH, (double)canvas->height / LAYOUT_HEIGHT);

	return (struct layout){ canvas, unit, (canvas->width - LAYOUT_WIDTH * unit) / 2,
				(canvas->height - LAYOUT_HEIGHT * unit) / 2 };
}

static void text(const struct layout *l, double x, double y, double size, uint32_t rgb, const char *words)
{
	ks_canvas_text(l->canvas, l->x + x * l->unit, l->y + y * l->unit, size * l->unit, ks_colour(rgb), words);
}

static void text_right(const struct layout *l, double x, double y, double size, uint32_t rgb, const char *words)
{
	text(l, x - ks_canvas_text_width(size, words), y, size, rgb, words);
}

static void line(const struct layout *l, double x0, double y0, double x1, double y1, double thick, uint32_t rgb)
{
	ks_canvas_line(l->canvas, l->x + x0 * l->unit, l->y + y0 * l->unit, l->x + x1 * l->unit, l->y + y1 * l->unit,
		       thick * l->unit, ks_colour(rgb));
}

static void draw_background(const struct layout *l, uint32_t back, uint32_t grid)
{
	struct ks_canvas *c = l->canvas;
	double cell = 80 * l->unit, thick = fmax(l->unit, 1);

	ks_canvas_fill(c, 0, 0, c->width, c->height, ks_colour(back));
	for (double x = fmod(l->x, cell); x < c->width; x += cell)
		ks_canvas_fill(c, x, 0, thick, c->height, ks_colour(grid));
	for (double y = fmod(l->y, cell); y < c->height; y += cell)
		ks_canvas_fill(c, 0, y, c->width, thick, ks_colour(grid));
}

/* Bars of 75 % and a ramp of greys, over the whole width: what a person checks colours and levels by. */
static void draw_bars(const struct layout *l)
{
	static const uint32_t bars[] = { 0xbfbfbf, 0xbfbf00, 0x00bfbf, 0x00bf00, 0xbf00bf, 0xbf0000, 0x0000bf };
	struct ks_canvas *c = l->canvas;
	size_t n = sizeof(bars) / sizeof(bars[0]);
	double top = l->y + 560 * l->unit, ramp = l->y + 664 * l->unit, width = (double)c->width / (double)n;

	for (size_t i = 0; i < n; i++)
		ks_canvas_fill(c, (double)i * width, top, width, ramp - top, ks_colour(bars[i]));
	for (unsigned i = 0; i < 16; i++)
		ks_canvas_fill(c, i * c->width / 16.0, ramp, c->width / 16.0, c->height - ramp,
			       ks_colour(i * 17 * 0x010101));
}

static void draw_still(struct ks_card *card, const char *channel)
{
	struct layout l = layout(&card->still);

	draw_background(&l, 0x101a30, 0x1a2744);
	draw_bars(&l);
	text(&l, MARGIN, 48, 24, ACCENT, "KOSHIEN");
	text_right(&l, LAYOUT_WIDTH - MARGIN, 48, 24, FAINT, "TEST CARD");
	line(&l, MARGIN, 92, LAYOUT_WIDTH - MARGIN, 92, 2, SHADE);
	text(&l, MARGIN, 128, 44, INK, channel);
	line(&l, MARGIN, 508, LAYOUT_WIDTH - MARGIN, 508, 4, SHADE);
	for (int i = 0; i <= 8; i++)
		line(&l, MARGIN + i * 144, 496, MARGIN + i * 144, 520, 4, SHADE);
}

int ks_card_init(struct ks_card *card, int width, int height, const char *channel)
{
	memset(card, 0, sizeof(*card));
	if (ks_canvas_init(&card->still, width, height) != KS_EOK ||
	    ks_canvas_init(&card->now, width, height) != KS_EOK) {
		ks_card_free(card);
		return -ENOMEM;
	}
	draw_still(card, channel);
	ks_canvas_copy(&card->now, &card->still);
	return KS_EOK;
}

void ks_card_free(struct ks_card *card)
{
	ks_canvas_free(&card->still);
	ks_canvas_free(&card->now);
}

static void draw_clock(const struct layout *l, int64_t wall_us, struct ks_frame_id id)
{
	time_t seconds = (time_t)(wall_us / KS_US_PER_S);
	char words[96], name[KS_FRAME_ID_TEXT];
	struct tm local, utc;

	localtime_r(&seconds, &local);
	gmtime_r(&seconds, &utc);
	snprintf(words, sizeof(words), "%02d:%02d:%02d.%03d", local.tm_hour, local.tm_min, local.tm_sec,
		 (int)(wall_us % KS_US_PER_S / KS_US_PER_MS));
	text(l, MARGIN, 222, 84, INK, words);
	strftime(words, sizeof(words), "%Y-%m-%d %H:%M:%S UTC", &utc);
	text(l, MARGIN, 352, 30, FAINT, words);
	snprintf(words, sizeof(words), "frame %s", ks_frame_id_format(id, name));
	text(l, MARGIN, 416, 30, FAINT, words);
}

/* A dial with one hand and a fading trail, so that the direction of time shows in a still as well. */
static void draw_dial(const struct layout *l, int64_t wall_us)
{
	const double x = 1076, y = 316, radius = 124;
	double turn = (double)(wall_us % HAND_PERIOD_US) / (double)HAND_PERIOD_US;
	static const uint32_t trail[] = { 0x1f2b45, 0x2e3443, 0x4a4440, 0x70583a, 0xa87a30 };

	for (unsigned i = 0; i < sizeof(trail) / sizeof(trail[0]); i++) {
		double angle = 2 * M_PI * (turn - (double)(5 - i) / 28);

		line(l, x, y, x + 104 * sin(angle), y - 104 * cos(angle), 14, trail[i]);
	}
	line(l, x, y, x + 104 * sin(2 * M_PI * turn), y - 104 * cos(2 * M_PI * turn), 14, ACCENT);
	ks_canvas_ring(l->canvas, l->x + x * l->unit, l->y + y * l->unit, radius * l->unit, 6 * l->unit,
		       ks_colour(FAINT));
}

static void draw_ball(const struct layout *l, int64_t wall_us)
{
	double phase = (double)(wall_us % BALL_PERIOD_US) / (double)BALL_PERIOD_US;
	double x = MARGIN + (LAYOUT_WIDTH - 2 * MARGIN) * phase;

	line(l, x, 508, x, 508, 40, ACCENT);
	line(l, x, 508, x, 508, 20, INK);
}

void ks_card_draw(struct ks_card *card, int64_t wall_us, struct ks_frame_id id)
{
	struct layout l = layout(&card->now);

	ks_canvas_copy(&card->now, &card->still);
	draw_clock(&l, wall_us, id);
	draw_dial(&l, wall_us);
	draw_ball(&l, wall_us);
}

/* Writes the next line of at most `columns` characters of words into out and returns what is left. */
static const char *wrap(const char *words, size_t columns, char *out)
{
	size_t n = strlen(words), cut = n;

	if (n > columns) {
		cut = columns;
		while (cut > 0 && words[cut] != ' ')
			cut--;
		if (cut == 0)
			cut = columns;
	}
	memcpy(out, words, cut);
	out[cut] = '\0';
	words += cut;
	return *words == ' ' ? words + 1 : words;
}

static void draw_reason(const struct layout *l, const struct ks_card_notice *notice)
{
	const double size = 30;
	const size_t columns = 46;	/* (1280 - 2 * MARGIN) / (30 * 8 / 10), and some air */
	const char *rest = notice->why;
	char words[64];

	for (int row = 0; row < 5 && *rest != '\0'; row++) {
		rest = wrap(rest, columns, words);
		text(l, MARGIN, 300 + row * 50, size, INK, words);
	}
}

void ks_card_draw_notice(struct ks_card *card, int64_t wall_us, const struct ks_card_notice *notice)
{
	struct layout l = layout(&card->now);
	time_t since = (time_t)(notice->since_us / KS_US_PER_S), now = (time_t)(wall_us / KS_US_PER_S);
	char words[96], title[32];
	struct tm tm;
	size_t n;

	for (n = 0; notice->title[n] != '\0' && n + 1 < sizeof(title); n++)
		title[n] = (char)toupper((unsigned char)notice->title[n]);
	title[n] = '\0';
	draw_background(&l, 0x2a1014, 0x3a181e);
	text(&l, MARGIN, 48, 24, ACCENT, "KOSHIEN");
	localtime_r(&now, &tm);
	strftime(words, sizeof(words), "%H:%M:%S", &tm);
	text_right(&l, LAYOUT_WIDTH - MARGIN, 48, 24, 0xd0a0a0, words);
	line(&l, MARGIN, 92, LAYOUT_WIDTH - MARGIN, 92, 2, 0x603038);
	text(&l, MARGIN, 160, 72, INK, title);
	draw_reason(&l, notice);
	localtime_r(&since, &tm);
	n = strftime(words, sizeof(words), "since %Y-%m-%d %H:%M:%S", &tm);
	snprintf(words + n, sizeof(words) - n, "%s", notice->retrying ? ", trying again" : "");
	text(&l, MARGIN, 620, 26, ACCENT, words);
}

struct ks_picture ks_card_picture(const struct ks_card *card)
{
	const struct ks_canvas *c = &card->now;

	return (struct ks_picture){
		.layout = KS_PICTURE_YUV420,
		.width = c->width, .height = c->height,
		.plane = { c->plane[0], c->plane[1], c->plane[2] },
		.stride = { c->stride[0], c->stride[1], c->stride[2] },
	};
}
