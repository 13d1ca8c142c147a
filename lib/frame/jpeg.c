/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/frame/jpeg.h"

#include <string.h>

#include "lib/base/cursor.h"
#include "lib/frame/manifest.h"

/* T.81 Table B.1 */
enum marker {
	M_STUFFED = 0x00,
	M_SOF0 = 0xc0,	/* baseline, Huffman */
	M_SOF1 = 0xc1,	/* extended sequential, Huffman */
	M_SOF2 = 0xc2,	/* progressive, Huffman */
	M_DHT = 0xc4,
	M_SOF15 = 0xcf,
	M_RST0 = 0xd0,
	M_RST7 = 0xd7,
	M_SOI = 0xd8,
	M_EOI = 0xd9,
	M_SOS = 0xda,
	M_DQT = 0xdb,
	M_DRI = 0xdd,
	M_DHP = 0xde,
	M_EXP = 0xdf,
	M_APP0 = 0xe0,
	M_APP15 = 0xef,
	M_COM = 0xfe
};

#define COMPONENTS_MAX 4
#define MCU_BLOCKS_MAX 10	/* T.81 B.2.3 */
#define TABLE_MAX 3
#define BIT_POSITION_MAX 13	/* T.81 Table B.3 */

const char *const ks_jpeg_fault_names[KS_JPEG_FAULTS] = {
	[KS_JPEG_GOOD] = "good",
	[KS_JPEG_EMPTY] = "empty",
	[KS_JPEG_NO_SOI] = "no-soi",
	[KS_JPEG_NO_EOI] = "no-eoi",
	[KS_JPEG_SEGMENT] = "segment",
	[KS_JPEG_MARKER] = "marker",
	[KS_JPEG_NO_FRAME] = "no-frame",
	[KS_JPEG_PROCESS] = "process",
	[KS_JPEG_DIMENSIONS] = "dimensions",
	[KS_JPEG_NO_SCAN] = "no-scan",
	[KS_JPEG_SCANS] = "scans",
	[KS_JPEG_TRAILING] = "trailing",
	[KS_JPEG_SIZE] = "size",
	[KS_JPEG_CORRUPT] = "corrupt",
};

struct component {
	uint8_t id;
	uint8_t blocks;		/* in an interleaved MCU: horizontal times vertical sampling factor */
};

struct walk {
	struct ks_reader r;
	struct ks_jpeg_info info;
	struct component components[COMPONENTS_MAX];
	unsigned n_components;	/* 0 until the frame header */
	unsigned n_scans;
};

static uint16_t read_be16(struct ks_reader *r)
{
	uint16_t high = ks_read_u8(r);

	return (uint16_t)(high << 8 | ks_read_u8(r));
}

/* The code behind one or more FF bytes, of which all but the last are fill (T.81 B.1.1.2); M_STUFFED when
 * no marker stands here. */
static uint8_t read_marker(struct ks_reader *r)
{
	uint8_t byte = ks_read_u8(r);

	if (byte != 0xff)
		return M_STUFFED;
	while (byte == 0xff)
		byte = ks_read_u8(r);
	return byte;
}

/* What is wrong once `body`, a whole segment, was read to what should be its end. */
static enum ks_jpeg_fault ended(const struct ks_reader *body)
{
	return body->error == KS_EOK && ks_reader_left(body) == 0 ? KS_JPEG_GOOD : KS_JPEG_SEGMENT;
}

/* T.81 B.2.2 */
static enum ks_jpeg_fault check_frame_header(struct walk *w, struct ks_reader *body, bool progressive)
{
	uint8_t precision = ks_read_u8(body);
	uint16_t height = read_be16(body), width = read_be16(body);
	unsigned n = ks_read_u8(body);

	if (w->n_components != 0)
		return KS_JPEG_MARKER;
	if (body->error != KS_EOK || ks_reader_left(body) != (size_t)n * 3)
		return KS_JPEG_SEGMENT;
	if (precision != 8 || (n != 1 && n != 3 && n != 4))
		return KS_JPEG_PROCESS;
	if (width == 0 || height == 0 || width > KS_DIMENSION_MAX || height > KS_DIMENSION_MAX)
		return KS_JPEG_DIMENSIONS;
	for (unsigned i = 0; i < n; i++) {
		struct component *c = &w->components[i];
		uint8_t sampling, across, down;

		c->id = ks_read_u8(body);
		sampling = ks_read_u8(body);
		across = sampling >> 4;
		down = sampling & 15;
		if (across < 1 || across > 4 || down < 1 || down > 4 || ks_read_u8(body) > TABLE_MAX)
			return KS_JPEG_SEGMENT;
		c->blocks = (uint8_t)(across * down);
		for (unsigned j = 0; j < i; j++)
			if (w->components[j].id == c->id)
				return KS_JPEG_SEGMENT;
	}
	w->n_components = n;
	w->info.width = width;
	w->info.height = height;
	w->info.progressive = progressive;
	return ended(body);
}

/* T.81 B.2.4.2 */
static enum ks_jpeg_fault check_huffman_tables(struct walk *w, struct ks_reader *body)
{
	while (ks_reader_left(body) > 0) {
		uint8_t which = ks_read_u8(body);
		size_t codes = 0;

		for (unsigned i = 0; i < 16; i++)
			codes += ks_read_u8(body);
		if (which >> 4 > 1 || (which & 15) > TABLE_MAX || codes > 256)
			return KS_JPEG_SEGMENT;
		ks_read_span(body, codes);
	}
	w->info.has_tables = true;
	return ended(body);
}

/* T.81 B.2.4.1 */
static enum ks_jpeg_fault check_quantization_tables(struct ks_reader *body)
{
	while (ks_reader_left(body) > 0) {
		uint8_t which = ks_read_u8(body);

		if (which >> 4 > 1 || (which & 15) > TABLE_MAX)
			return KS_JPEG_SEGMENT;
		ks_read_span(body, which >> 4 == 0 ? 64 : 128);
	}
	return ended(body);
}

/* T.81 G.1.1.1: the bands and bits of a progressive scan. Sequential scans leave these bytes constant, but
 * some cameras write something else there and every decoder ignores it. */
static bool progression_possible(uint8_t first, uint8_t last, uint8_t bits, unsigned n)
{
	if (bits >> 4 > BIT_POSITION_MAX || (bits & 15) > BIT_POSITION_MAX)
		return false;
	return first == 0 ? last == 0 : first <= last && last < 64 && n == 1;
}

/* T.81 B.2.3 */
static enum ks_jpeg_fault check_scan_header(struct walk *w, struct ks_reader *body)
{
	unsigned n = ks_read_u8(body), blocks = 0, at = 0;
	uint8_t first, last, bits;

	if (n < 1 || n > w->n_components || ks_reader_left(body) != (size_t)n * 2 + 3)
		return KS_JPEG_SEGMENT;
	for (unsigned i = 0; i < n; i++, at++) {
		uint8_t id = ks_read_u8(body), tables = ks_read_u8(body);

		while (at < w->n_components && w->components[at].id != id)	/* in the frame header's order */
			at++;
		if (at == w->n_components || tables >> 4 > TABLE_MAX || (tables & 15) > TABLE_MAX)
			return KS_JPEG_SEGMENT;
		blocks += w->components[at].blocks;
	}
	first = ks_read_u8(body);
	last = ks_read_u8(body);
	bits = ks_read_u8(body);
	if (n > 1 && blocks > MCU_BLOCKS_MAX)
		return KS_JPEG_SEGMENT;
	if (w->info.progressive && !progression_possible(first, last, bits, n))
		return KS_JPEG_SEGMENT;
	return ended(body);
}

/* Entropy-coded data: up to the first marker that is not a restart. */
static enum ks_jpeg_fault skip_scan_data(struct walk *w)
{
	const uint8_t *start = w->r.at;

	for (;;) {
		const uint8_t *ff = memchr(w->r.at, 0xff, ks_reader_left(&w->r));
		struct ks_reader ahead;
		uint8_t code;

		if (ff == NULL)
			return KS_JPEG_NO_EOI;
		ks_read_span(&w->r, (size_t)(ff - w->r.at));
		ahead = w->r;
		code = read_marker(&ahead);
		if (ahead.error != KS_EOK)
			return KS_JPEG_NO_EOI;
		if (code != M_STUFFED && (code < M_RST0 || code > M_RST7))
			return w->r.at > start ? KS_JPEG_GOOD : KS_JPEG_NO_SCAN;
		w->r = ahead;
	}
}

static enum ks_jpeg_fault check_scan(struct walk *w, struct ks_reader *body)
{
	enum ks_jpeg_fault fault;

	if (w->n_components == 0)
		return KS_JPEG_NO_FRAME;
	fault = check_scan_header(w, body);
	if (fault != KS_JPEG_GOOD)
		return fault;
	if (++w->n_scans > KS_JPEG_SCANS_MAX)
		return KS_JPEG_SCANS;
	return skip_scan_data(w);
}

static enum ks_jpeg_fault check_segment(struct walk *w, uint8_t code)
{
	uint16_t len = read_be16(&w->r);
	struct ks_reader body;

	if (w->r.error == KS_EOK && len < 2)
		return KS_JPEG_SEGMENT;
	body = ks_reader(w->r.at, len - 2u);
	if (w->r.error != KS_EOK || ks_read_span(&w->r, len - 2u) == NULL)
		return KS_JPEG_NO_EOI;

	switch (code) {
	case M_SOF0:
	case M_SOF1:
	case M_SOF2:
		return check_frame_header(w, &body, code == M_SOF2);
	case M_DHT:
		return check_huffman_tables(w, &body);
	case M_DQT:
		return check_quantization_tables(&body);
	case M_DRI:
		read_be16(&body);
		return ended(&body);
	case M_SOS:
		return check_scan(w, &body);
	default:
		return KS_JPEG_GOOD;	/* APPn and COM hold what they like */
	}
}

static enum ks_jpeg_fault check_end(const struct walk *w)
{
	if (w->n_components == 0)
		return KS_JPEG_NO_FRAME;
	if (w->n_scans == 0)
		return KS_JPEG_NO_SCAN;
	return ks_reader_left(&w->r) == 0 ? KS_JPEG_GOOD : KS_JPEG_TRAILING;
}

/* Markers that have a segment and may stand between SOI and EOI. DNL is not among them: a picture whose
 * height is known only afterwards is shown by no browser. */
static bool is_allowed(uint8_t code)
{
	return code == M_SOF0 || code == M_SOF1 || code == M_SOF2 || code == M_DHT || code == M_DQT ||
	       code == M_DRI || code == M_SOS || code == M_COM || (code >= M_APP0 && code <= M_APP15);
}

/* The other frame headers, arithmetic conditioning, and what only hierarchical pictures have. */
static bool is_other_process(uint8_t code)
{
	return (code > M_SOF2 && code <= M_SOF15 && code != M_DHT) || code == M_DHP || code == M_EXP;
}

static enum ks_jpeg_fault walk(struct walk *w)
{
	for (;;) {
		uint8_t code = read_marker(&w->r);
		enum ks_jpeg_fault fault;

		if (w->r.error != KS_EOK)
			return KS_JPEG_NO_EOI;
		if (code == M_EOI)
			return check_end(w);
		if (is_other_process(code))
			return KS_JPEG_PROCESS;
		if (!is_allowed(code))
			return KS_JPEG_MARKER;
		fault = check_segment(w, code);
		if (fault != KS_JPEG_GOOD)
			return fault;
	}
}

enum ks_jpeg_fault ks_jpeg_check(const uint8_t *bytes, size_t len, struct ks_jpeg_info *info)
{
	struct walk w = { .r = ks_reader(bytes, len), .info = { .after_soi = 2 } };
	enum ks_jpeg_fault fault;

	if (len == 0)
		return KS_JPEG_EMPTY;
	if (len > KS_JPEG_MAX)
		return KS_JPEG_SIZE;
	if (ks_read_u8(&w.r) != 0xff || ks_read_u8(&w.r) != M_SOI)
		return KS_JPEG_NO_SOI;
	fault = walk(&w);
	if (fault == KS_JPEG_GOOD)
		*info = w.info;
	return fault;
}
