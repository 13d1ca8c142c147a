/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/split.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/frame/manifest.h"

#define ROOM_FIRST 65536

enum { M_TEM = 0x01, M_RST0 = 0xd0, M_RST7 = 0xd7, M_SOI = 0xd8, M_EOI = 0xd9, M_SOS = 0xda };

enum state {
	HUNT,		/* between pictures */
	HUNT_FF,	/* ... after FF */
	HUNT_SOI,	/* ... after FF D8: the start of a picture only if FF follows */
	MARKER,		/* FF must come */
	CODE,		/* ... came: the marker's code, or more FF */
	LENGTH,		/* of a segment, the first byte */
	LENGTH_LOW,	/* the second */
	SEGMENT,	/* `left` bytes of it */
	SCAN,		/* entropy-coded data */
	SCAN_FF		/* ... after FF */
};

void ks_split_init(struct ks_split *split)
{
	memset(split, 0, sizeof(*split));
}

void ks_split_free(struct ks_split *split)
{
	free(split->bytes);
	split->bytes = NULL;
	split->len = split->room = 0;
}

void ks_split_reset(struct ks_split *split)
{
	split->skipped += split->len;
	split->len = 0;
	split->state = HUNT;
}

static void give_up(struct ks_split *split, enum ks_jpeg_fault fault)
{
	ks_split_reset(split);
	split->dropped(split->ctx, fault);
}

static bool make_room(struct ks_split *split, size_t len)
{
	size_t room = split->room > 0 ? split->room : ROOM_FIRST;
	uint8_t *grown;

	if (len <= split->room)
		return true;
	while (room < len)
		room *= 2;
	grown = realloc(split->bytes, room);
	if (grown == NULL)
		return false;
	split->bytes = grown;
	split->room = room;
	return true;
}

/* Keeps n more bytes of the picture, or as many as the limit allows, after which it is given up exactly
 * there, wherever the chunk ends. Returns how many were taken, 0 when out of memory. */
static size_t keep(struct ks_split *split, const uint8_t *bytes, size_t n)
{
	size_t fits = KS_JPEG_MAX - split->len;

	if (n > fits) {
		give_up(split, KS_JPEG_SIZE);
		return fits + 1;
	}
	if (!make_room(split, split->len + n))
		return 0;
	memcpy(split->bytes + split->len, bytes, n);
	split->len += n;
	return n;
}

static bool begin(struct ks_split *split, enum state state, int64_t now_us)
{
	static const uint8_t soi[2] = { 0xff, M_SOI };

	split->len = 0;
	split->began_us = now_us;
	split->state = state;
	return keep(split, soi, sizeof(soi)) > 0;
}

static bool hunt(struct ks_split *split, uint8_t byte, int64_t now_us)
{
	split->skipped++;
	if (split->state == HUNT_SOI && byte == 0xff) {
		split->skipped -= 3;
		return begin(split, CODE, now_us) && keep(split, &byte, 1) > 0;
	}
	if (byte == 0xff)
		split->state = HUNT_FF;
	else
		split->state = split->state == HUNT_FF && byte == M_SOI ? HUNT_SOI : HUNT;
	return true;
}

static bool is_restart(uint8_t code)
{
	return code >= M_RST0 && code <= M_RST7;
}

/* A marker's code, which was kept; in a scan it may turn out to be data. */
static bool on_code(struct ks_split *split, uint8_t code, int64_t now_us)
{
	bool in_scan = split->state == SCAN_FF;
	size_t len = split->len;

	if (code == 0xff)
		return true;
	if (in_scan && (code == 0x00 || is_restart(code))) {
		split->state = SCAN;
	} else if (code == M_EOI) {
		split->len = 0;
		split->state = HUNT;
		split->pictures++;
		split->picture(split->ctx, split->bytes, len, split->began_us);
	} else if (code == M_SOI) {
		split->len -= 2;	/* the new picture's */
		give_up(split, KS_JPEG_NO_EOI);
		return begin(split, MARKER, now_us);
	} else if (code == 0x00) {
		give_up(split, KS_JPEG_MARKER);
	} else if (code == M_TEM || is_restart(code)) {
		split->state = MARKER;
	} else {
		split->state = LENGTH;
		split->scan = code == M_SOS;
	}
	return true;
}

static void end_segment(struct ks_split *split)
{
	split->state = split->scan ? SCAN : MARKER;
}

/* One byte that was kept, outside of the runs. */
static bool on_byte(struct ks_split *split, uint8_t byte, int64_t now_us)
{
	switch ((enum state)split->state) {
	case MARKER:
		if (byte == 0xff)
			split->state = CODE;
		else
			give_up(split, KS_JPEG_MARKER);
		return true;
	case LENGTH:
		split->left = (size_t)byte << 8;
		split->state = LENGTH_LOW;
		return true;
	case LENGTH_LOW:
		split->left |= byte;
		if (split->left < 2) {
			give_up(split, KS_JPEG_SEGMENT);
			return true;
		}
		split->left -= 2;
		split->state = SEGMENT;
		if (split->left == 0)
			end_segment(split);
		return true;
	default:
		return on_code(split, byte, now_us);
	}
}

/* A run of bytes that need no look: a segment's, or a scan's up to FF. Returns as keep(). */
static size_t take_run(struct ks_split *split, const uint8_t *bytes, size_t n)
{
	enum state state = (enum state)split->state;
	const uint8_t *ff = state == SCAN ? memchr(bytes, 0xff, n) : NULL;
	size_t run = ff != NULL ? (size_t)(ff - bytes) + 1 : n, took;

	if (state == SEGMENT && run > split->left)
		run = split->left;
	took = keep(split, bytes, run);
	if (took != run || split->state == HUNT)
		return took;
	if (ff != NULL)
		split->state = SCAN_FF;
	if (state == SEGMENT && (split->left -= run) == 0)
		end_segment(split);
	return took;
}

/* Returns as keep(). */
static size_t step(struct ks_split *split, const uint8_t *bytes, size_t len, int64_t now_us)
{
	size_t took;

	if (split->state <= HUNT_SOI)
		return hunt(split, *bytes, now_us) ? 1 : 0;
	if (split->state == SEGMENT || split->state == SCAN)
		return take_run(split, bytes, len);
	took = keep(split, bytes, 1);
	if (took > 0 && split->state != HUNT && !on_byte(split, *bytes, now_us))
		return 0;
	return took;
}

size_t ks_split_feed(struct ks_split *split, const uint8_t *bytes, size_t len, int64_t now_us)
{
	uint64_t before = split->pictures;
	size_t at = 0;

	while (at < len && split->pictures == before) {
		size_t took = step(split, bytes + at, len - at, now_us);

		if (took == 0) {
			ks_split_reset(split);
			return len;
		}
		at += took;
	}
	return at;
}
