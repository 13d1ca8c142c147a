/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/frame/jpeg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <turbojpeg.h>

#include "lib/base/error.h"
#include "lib/frame/manifest.h"
#include "tests/unit/unit.h"

/* --- pictures made by hand, so that each fault stands alone ------------------------------------ */

struct picture {
	uint8_t bytes[16384];
	size_t len;
};

static void add(struct picture *p, const void *bytes, size_t len)
{
	ck_assert_uint_le(p->len + len, sizeof(p->bytes));
	memcpy(p->bytes + p->len, bytes, len);
	p->len += len;
}

static void add_marker(struct picture *p, uint8_t code)
{
	add(p, (const uint8_t[]){ 0xff, code }, 2);
}

static void add_segment(struct picture *p, uint8_t code, const void *body, size_t len)
{
	add_marker(p, code);
	add(p, (const uint8_t[]){ (uint8_t)((len + 2) >> 8), (uint8_t)(len + 2) }, 2);
	add(p, body, len);
}

#define ADD_SEGMENT(p, code, literal) add_segment(p, code, literal, sizeof(literal) - 1)

#define GREY_FRAME "\x08\x00\x10\x00\x20\x01\x01\x11\x00"	/* 16 high, 32 wide */
#define COLOUR_FRAME "\x08\x00\x10\x00\x20\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01"
#define GREY_SCAN "\x01\x01\x00\x00\x3f\x00"
#define COLOUR_SCAN "\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00"

static void start(struct picture *p)
{
	uint8_t quantization[65] = { 0 };

	p->len = 0;
	memset(quantization + 1, 16, 64);
	add_marker(p, 0xd8);
	add_segment(p, 0xdb, quantization, sizeof(quantization));
}

static void finish(struct picture *p)
{
	add(p, ks_jpeg_standard_tables, ks_jpeg_standard_tables_len);
	ADD_SEGMENT(p, 0xda, GREY_SCAN);
	add(p, "\x12\xff\x00\x34", 4);
	add_marker(p, 0xd9);
}

static void assert_fault(const struct picture *p, enum ks_jpeg_fault expected)
{
	struct ks_jpeg_info info;
	enum ks_jpeg_fault got = ks_jpeg_check(p->bytes, p->len, &info);

	ck_assert_msg(got == expected, "expected %s, got %s", ks_jpeg_fault_names[expected], ks_jpeg_fault_names[got]);
}

static void good(struct picture *p)
{
	start(p);
	ADD_SEGMENT(p, 0xc0, GREY_FRAME);
	finish(p);
}

START_TEST(takes_a_minimal_picture)
{
	struct ks_jpeg_info info;
	struct picture p;

	good(&p);
	ck_assert_int_eq(ks_jpeg_check(p.bytes, p.len, &info), KS_JPEG_GOOD);
	ck_assert_uint_eq(info.width, 32);
	ck_assert_uint_eq(info.height, 16);
	ck_assert(!info.progressive);
	ck_assert(info.has_tables);
	ck_assert_uint_eq(info.after_soi, 2);
}
END_TEST

START_TEST(every_truncation_is_refused)
{
	struct ks_jpeg_info info;
	struct picture p;

	good(&p);
	for (size_t len = 0; len < p.len; len++) {
		uint8_t *exact = malloc(len + 1);	/* of its own size, for the sanitizers */
		enum ks_jpeg_fault fault;

		ck_assert_ptr_nonnull(exact);
		memcpy(exact, p.bytes, len);
		fault = ks_jpeg_check(exact, len, &info);
		free(exact);
		ck_assert_int_eq(fault, len == 0 ? KS_JPEG_EMPTY : len < 2 ? KS_JPEG_NO_SOI : KS_JPEG_NO_EOI);
	}
}
END_TEST

START_TEST(start_and_end)
{
	struct ks_jpeg_info info;
	struct picture p;
	uint8_t *large;

	ck_assert_int_eq(ks_jpeg_check(NULL, 0, &info), KS_JPEG_EMPTY);
	good(&p);
	p.bytes[1] = 0xd9;
	assert_fault(&p, KS_JPEG_NO_SOI);
	good(&p);
	add(&p, "", 1);
	assert_fault(&p, KS_JPEG_TRAILING);

	large = calloc(1, KS_JPEG_MAX + 1);
	ck_assert_ptr_nonnull(large);
	ck_assert_int_eq(ks_jpeg_check(large, KS_JPEG_MAX + 1, &info), KS_JPEG_SIZE);
	ck_assert_int_eq(ks_jpeg_check(large, KS_JPEG_MAX, &info), KS_JPEG_NO_SOI);
	free(large);
}
END_TEST

START_TEST(markers_where_they_may_stand)
{
	struct picture p;

	start(&p);
	add(&p, "\xff\xff\xff", 3);				/* fill */
	ADD_SEGMENT(&p, 0xe1, "\xff\xd9\xff\xd8\xff\xda");	/* APP1 may hold anything */
	ADD_SEGMENT(&p, 0xef, "");
	ADD_SEGMENT(&p, 0xfe, "\xff");
	ADD_SEGMENT(&p, 0xdd, "\x00\x04");
	ADD_SEGMENT(&p, 0xc1, GREY_FRAME);
	add(&p, ks_jpeg_standard_tables, ks_jpeg_standard_tables_len);
	ADD_SEGMENT(&p, 0xda, GREY_SCAN);
	add(&p, "\x12\xff\x00\xff\xd0\x34\xff\xff\xd7\xff\xff\x00\x56", 13);
	add(&p, "\xff\xff", 2);
	add_marker(&p, 0xd9);
	assert_fault(&p, KS_JPEG_GOOD);
}
END_TEST

START_TEST(markers_where_they_may_not)
{
	static const uint8_t codes[] = { 0x00, 0x01, 0x02, 0xbf, 0xd0, 0xd7, 0xd8, 0xdc, 0xf0, 0xfd };
	struct picture p;

	for (size_t i = 0; i < sizeof(codes); i++) {
		start(&p);
		ADD_SEGMENT(&p, 0xc0, GREY_FRAME);
		ADD_SEGMENT(&p, codes[i], "\x00\x10");
		finish(&p);
		assert_fault(&p, KS_JPEG_MARKER);
	}
	start(&p);
	add(&p, "\x00", 1);		/* between segments */
	finish(&p);
	assert_fault(&p, KS_JPEG_MARKER);
	good(&p);
	p.len -= 2;
	ADD_SEGMENT(&p, 0xdc, "\x00\x10");	/* DNL behind the scan */
	add_marker(&p, 0xd9);
	assert_fault(&p, KS_JPEG_MARKER);
	start(&p);
	ADD_SEGMENT(&p, 0xc0, GREY_FRAME);
	ADD_SEGMENT(&p, 0xc0, GREY_FRAME);
	finish(&p);
	assert_fault(&p, KS_JPEG_MARKER);
}
END_TEST

START_TEST(processes_no_browser_shows)
{
	static const uint8_t codes[] = {
		0xc3, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xde, 0xdf,
	};
	struct picture p;

	for (size_t i = 0; i < sizeof(codes); i++) {
		start(&p);
		ADD_SEGMENT(&p, codes[i], GREY_FRAME);
		finish(&p);
		assert_fault(&p, KS_JPEG_PROCESS);
	}
	start(&p);
	ADD_SEGMENT(&p, 0xc1, "\x0c\x00\x10\x00\x20\x01\x01\x11\x00");	/* 12 bits */
	finish(&p);
	assert_fault(&p, KS_JPEG_PROCESS);
	start(&p);
	ADD_SEGMENT(&p, 0xc0, "\x08\x00\x10\x00\x20\x02\x01\x11\x00\x02\x11\x00");	/* two components */
	finish(&p);
	assert_fault(&p, KS_JPEG_PROCESS);
}
END_TEST

START_TEST(dimensions)
{
	static const struct {
		const char *frame;
		enum ks_jpeg_fault fault;
	} cases[] = {
		{ "\x08\x20\x00\x20\x00\x01\x01\x11\x00", KS_JPEG_GOOD },	/* 8192 both */
		{ "\x08\x20\x01\x00\x20\x01\x01\x11\x00", KS_JPEG_DIMENSIONS },
		{ "\x08\x00\x10\x20\x01\x01\x01\x11\x00", KS_JPEG_DIMENSIONS },
		{ "\x08\x00\x00\x00\x20\x01\x01\x11\x00", KS_JPEG_DIMENSIONS },
		{ "\x08\x00\x10\x00\x00\x01\x01\x11\x00", KS_JPEG_DIMENSIONS },
	};
	struct picture p;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start(&p);
		add_segment(&p, 0xc0, cases[i].frame, sizeof(GREY_FRAME) - 1);
		finish(&p);
		assert_fault(&p, cases[i].fault);
	}
}
END_TEST

struct body {
	uint8_t code;
	const char *bytes;
	size_t len;
};

#define BODY(code, literal) { code, literal, sizeof(literal) - 1 }

START_TEST(segments_malformed_inside)
{
	static const struct body bodies[] = {
		BODY(0xc0, ""),
		BODY(0xc0, "\x08\x00\x10\x00\x20\x01\x01\x11"),			/* a byte short */
		BODY(0xc0, GREY_FRAME "\x00"),					/* a byte long */
		BODY(0xc0, "\x08\x00\x10\x00\x20\x03\x01\x11\x00"),		/* three announced, one there */
		BODY(0xc0, "\x08\x00\x10\x00\x20\x01\x01\x01\x00"),		/* sampling 0 */
		BODY(0xc0, "\x08\x00\x10\x00\x20\x01\x01\x15\x00"),		/* sampling 5 */
		BODY(0xc0, "\x08\x00\x10\x00\x20\x01\x01\x11\x04"),		/* table 4 */
		BODY(0xc0, "\x08\x00\x10\x00\x20\x03\x01\x11\x00\x02\x11\x00\x01\x11\x00"),	/* an id twice */
		BODY(0xc4, "\x00\x00"),
		BODY(0xc4, "\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),		/* class 2 */
		BODY(0xc4, "\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),		/* table 4 */
		BODY(0xc4, "\x00\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"),	/* two codes, one value */
		BODY(0xc4, "\x00\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),		/* 510 codes */
		BODY(0xdb, "\x00\x01"),
		BODY(0xdb, "\x04"),
		BODY(0xdb, "\x20"),
		BODY(0xdd, "\x00"),
		BODY(0xdd, "\x00\x01\x02"),
	};
	struct picture p;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		start(&p);
		add_segment(&p, bodies[i].code, bodies[i].bytes, bodies[i].len);
		finish(&p);
		assert_fault(&p, KS_JPEG_SEGMENT);
	}
	start(&p);
	add(&p, "\xff\xe0\x00\x01", 4);		/* shorter than its own length field */
	finish(&p);
	assert_fault(&p, KS_JPEG_SEGMENT);
}
END_TEST

static void with_scan(struct picture *p, uint8_t sof, const char *frame, size_t frame_len, const struct body *scan)
{
	start(p);
	add_segment(p, sof, frame, frame_len);
	add_segment(p, scan->code, scan->bytes, scan->len);
	add(p, "\x12", 1);
	add_marker(p, 0xd9);
}

START_TEST(scan_headers)
{
	static const struct body good_scans[] = {
		BODY(0xda, COLOUR_SCAN),
		BODY(0xda, "\x01\x02\x00\x00\x3f\x00"),
		BODY(0xda, "\x02\x01\x00\x03\x11\x00\x3f\x00"),
		BODY(0xda, "\x01\x01\x00\x00\x00\x00"),			/* what some cameras write */
	};
	static const struct body bad_scans[] = {
		BODY(0xda, ""),
		BODY(0xda, "\x00\x00\x3f\x00"),
		BODY(0xda, "\x04\x01\x00\x02\x11\x03\x11\x04\x11\x00\x3f\x00"),
		BODY(0xda, "\x01\x09\x00\x00\x3f\x00"),			/* no such component */
		BODY(0xda, "\x02\x01\x00\x01\x00\x00\x3f\x00"),		/* twice */
		BODY(0xda, "\x02\x02\x00\x01\x00\x00\x3f\x00"),		/* another order */
		BODY(0xda, "\x01\x01\x04\x00\x3f\x00"),			/* table 4 */
		BODY(0xda, "\x01\x01\x40\x00\x3f\x00"),
		BODY(0xda, "\x01\x01\x00\x00\x3f"),
		BODY(0xda, "\x01\x01\x00\x00\x3f\x00\x00"),
	};
	static const char wide[] = "\x08\x00\x10\x00\x20\x03\x01\x44\x00\x02\x11\x01\x03\x11\x01";
	struct picture p;

	for (size_t i = 0; i < sizeof(good_scans) / sizeof(good_scans[0]); i++) {
		with_scan(&p, 0xc0, COLOUR_FRAME, sizeof(COLOUR_FRAME) - 1, &good_scans[i]);
		assert_fault(&p, KS_JPEG_GOOD);
	}
	for (size_t i = 0; i < sizeof(bad_scans) / sizeof(bad_scans[0]); i++) {
		with_scan(&p, 0xc0, COLOUR_FRAME, sizeof(COLOUR_FRAME) - 1, &bad_scans[i]);
		assert_fault(&p, KS_JPEG_SEGMENT);
	}
	with_scan(&p, 0xc0, wide, sizeof(wide) - 1, &good_scans[0]);	/* 18 blocks in an MCU */
	assert_fault(&p, KS_JPEG_SEGMENT);
	with_scan(&p, 0xc0, wide, sizeof(wide) - 1, &good_scans[1]);	/* one component alone has no MCU of many */
	assert_fault(&p, KS_JPEG_GOOD);
}
END_TEST

START_TEST(progressive_scans)
{
	static const struct {
		struct body scan;
		enum ks_jpeg_fault fault;
	} cases[] = {
		{ BODY(0xda, "\x03\x01\x00\x02\x11\x03\x11\x00\x00\x01"), KS_JPEG_GOOD },
		{ BODY(0xda, "\x01\x01\x00\x01\x05\x02"), KS_JPEG_GOOD },
		{ BODY(0xda, "\x01\x01\x00\x06\x3f\x21"), KS_JPEG_GOOD },
		{ BODY(0xda, "\x01\x01\x00\x00\x3f\x00"), KS_JPEG_SEGMENT },	/* DC and AC together */
		{ BODY(0xda, "\x01\x01\x00\x06\x05\x00"), KS_JPEG_SEGMENT },	/* backwards */
		{ BODY(0xda, "\x01\x01\x00\x01\x40\x00"), KS_JPEG_SEGMENT },	/* 64 */
		{ BODY(0xda, "\x01\x01\x00\x01\x05\x0e"), KS_JPEG_SEGMENT },	/* bit 14 */
		{ BODY(0xda, "\x01\x01\x00\x01\x05\xe0"), KS_JPEG_SEGMENT },
		{ BODY(0xda, "\x03\x01\x00\x02\x11\x03\x11\x01\x05\x00"), KS_JPEG_SEGMENT },	/* AC interleaved */
	};
	struct ks_jpeg_info info;
	struct picture p;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		with_scan(&p, 0xc2, COLOUR_FRAME, sizeof(COLOUR_FRAME) - 1, &cases[i].scan);
		assert_fault(&p, cases[i].fault);
	}
	with_scan(&p, 0xc2, COLOUR_FRAME, sizeof(COLOUR_FRAME) - 1, &cases[0].scan);
	ck_assert_int_eq(ks_jpeg_check(p.bytes, p.len, &info), KS_JPEG_GOOD);
	ck_assert(info.progressive);
	ck_assert(!info.has_tables);
}
END_TEST

START_TEST(frame_and_scans_must_be_there)
{
	struct picture p;

	start(&p);
	finish(&p);
	assert_fault(&p, KS_JPEG_NO_FRAME);
	start(&p);
	add_marker(&p, 0xd9);
	assert_fault(&p, KS_JPEG_NO_FRAME);
	start(&p);
	ADD_SEGMENT(&p, 0xc0, GREY_FRAME);
	add_marker(&p, 0xd9);
	assert_fault(&p, KS_JPEG_NO_SCAN);
	start(&p);
	ADD_SEGMENT(&p, 0xc0, GREY_FRAME);
	ADD_SEGMENT(&p, 0xda, GREY_SCAN);
	add_marker(&p, 0xd9);		/* a scan without data */
	assert_fault(&p, KS_JPEG_NO_SCAN);
}
END_TEST

START_TEST(scans_are_bounded)
{
	struct picture p;

	start(&p);
	ADD_SEGMENT(&p, 0xc2, GREY_FRAME);
	for (int i = 0; i < KS_JPEG_SCANS_MAX; i++) {
		ADD_SEGMENT(&p, 0xda, "\x01\x01\x00\x01\x05\x00");
		add(&p, "\x12", 1);
	}
	add_marker(&p, 0xd9);
	assert_fault(&p, KS_JPEG_GOOD);
	p.len -= 2;
	ADD_SEGMENT(&p, 0xda, "\x01\x01\x00\x01\x05\x00");
	add(&p, "\x12", 1);
	add_marker(&p, 0xd9);
	assert_fault(&p, KS_JPEG_SCANS);
}
END_TEST

START_TEST(every_fault_has_a_name)
{
	for (int i = 0; i < KS_JPEG_FAULTS; i++) {
		ck_assert_ptr_nonnull(ks_jpeg_fault_names[i]);
		ck_assert_uint_gt(strlen(ks_jpeg_fault_names[i]), 0);
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(ks_jpeg_fault_names[i], ks_jpeg_fault_names[j]);
	}
}
END_TEST

/* An encoder that was not asked to optimise writes the tables of Annex K, one per segment. */
START_TEST(standard_tables_are_those_of_an_encoder)
{
	const char *src = getenv("top_srcdir");
	char path[4096];
	size_t len, at = 2, table = 4;
	uint8_t *jpeg;

	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/jpeg/baseline.jpg", src != NULL ? src : ".");
	jpeg = unit_file(path, &len);
	ck_assert_uint_eq((size_t)ks_jpeg_standard_tables[2] << 8 | ks_jpeg_standard_tables[3],
			  ks_jpeg_standard_tables_len - 2);
	while (at + 4 < len && jpeg[at + 1] != 0xda) {
		size_t segment = (size_t)(jpeg[at + 2] << 8 | jpeg[at + 3]) + 2;

		if (jpeg[at + 1] == 0xc4) {
			ck_assert_uint_le(table + segment - 4, ks_jpeg_standard_tables_len);
			ck_assert_mem_eq(ks_jpeg_standard_tables + table, jpeg + at + 4, segment - 4);
			table += segment - 4;
		}
		at += segment;
	}
	ck_assert_uint_eq(table, ks_jpeg_standard_tables_len);
	free(jpeg);
}
END_TEST

/* --- the stamp --------------------------------------------------------------------------------- */

static const struct ks_jpeg_stamp example = { { 1792000000, 1783 }, INT64_C(1792000000123456), "main", "std" };

static size_t stamped(const char *text, uint8_t *out)
{
	size_t len = strlen(text);
	const uint8_t head[] = { 0xff, 0xd8, 0xff, 0xfe, (uint8_t)((len + 2) >> 8), (uint8_t)(len + 2) };

	memcpy(out, head, sizeof(head));
	memcpy(out + sizeof(head), text, len);
	return sizeof(head) + len;
}

START_TEST(stamp_text)
{
	static const char text[] = "koshien frame=1792000000-1783 captured=1792000000123456 channel=main rendition=std";
	uint8_t out[KS_JPEG_STAMP_MAX], whole[256];
	size_t len = ks_jpeg_stamp_write(&example, out);

	ck_assert_uint_eq(len, sizeof(text) - 1 + 4);
	ck_assert_uint_eq(stamped(text, whole), len + 2);
	ck_assert_mem_eq(out, whole + 2, len);
}
END_TEST

START_TEST(stamp_reads_what_it_writes)
{
	const struct ks_jpeg_stamp largest = {
		{ UINT32_MAX, UINT32_MAX }, KS_CAPTURED_MAX_US, "abcdefghijklmnopqrstuvwx", "standard",
	};
	const struct ks_jpeg_stamp *const stamps[] = { &example, &largest };
	uint8_t bytes[2 + KS_JPEG_STAMP_MAX] = { 0xff, 0xd8 };

	for (size_t i = 0; i < 2; i++) {
		struct ks_jpeg_stamp got;
		size_t len = ks_jpeg_stamp_write(stamps[i], bytes + 2), segment_len = 0;

		ck_assert_uint_le(len, KS_JPEG_STAMP_MAX);
		ck_assert_int_eq(ks_jpeg_stamp_read(bytes, len + 2, &got, &segment_len), KS_EOK);
		ck_assert_uint_eq(segment_len, len);
		ck_assert_int_eq(ks_frame_id_cmp(got.id, stamps[i]->id), 0);
		ck_assert_int_eq(got.captured_us, stamps[i]->captured_us);
		ck_assert_str_eq(got.channel, stamps[i]->channel);
		ck_assert_str_eq(got.rendition, stamps[i]->rendition);
		for (size_t cut = 0; cut < len + 2; cut++)
			ck_assert_int_eq(ks_jpeg_stamp_read(bytes, cut, &got, NULL), KS_ENODATA);
	}
}
END_TEST

START_TEST(stamp_has_one_spelling)
{
	static const char *const bad[] = {
		"koshien frame=",
		"koshien frame=1-2",
		"koshien frame=1-2 captured=3 channel=main",
		"koshien frame=1-2 captured=3 channel=main rendition=",
		"koshien frame=1-2 captured=3 channel=main rendition=std ",
		"koshien frame=1-2 captured=3 channel=main rendition=std extra=1",
		"koshien frame=1-2 captured=03 channel=main rendition=std",
		"koshien frame=1-2 captured=+3 channel=main rendition=std",
		"koshien frame=1-2 captured=-3 channel=main rendition=std",
		"koshien frame=1-2 captured= channel=main rendition=std",
		"koshien frame=1-2 captured=3x channel=main rendition=std",
		"koshien frame=1-2 captured=99999999999999999999 channel=main rendition=std",
		"koshien frame=1-2 captured=253402300800000000 channel=main rendition=std",
		"koshien frame=01-2 captured=3 channel=main rendition=std",
		"koshien frame=1 captured=3 channel=main rendition=std",
		"koshien frame=1-2  captured=3 channel=main rendition=std",
		"koshien frame=1-2 channel=main captured=3 rendition=std",
		"koshien frame=1-2 captured=3 channel=Main rendition=std",
		"koshien frame=1-2 captured=3 channel=main rendition=standard1",
		"koshien frame=1-2 captured=3 channel=main rendition=std\n",
		("koshien frame=1-2 captured=3 channel=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa rendition=std"),
	};
	static const char the_one[] = "koshien frame=1-2 captured=3 channel=main rendition=std";
	struct ks_jpeg_stamp got;
	uint8_t bytes[512];
	size_t len;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		len = stamped(bad[i], bytes);
		ck_assert_msg(ks_jpeg_stamp_read(bytes, len, &got, NULL) == KS_EMALFORMED, "'%s'", bad[i]);
	}
	len = stamped(the_one, bytes);
	ck_assert_int_eq(ks_jpeg_stamp_read(bytes, len, &got, NULL), KS_EOK);
}
END_TEST

START_TEST(other_comments_are_no_stamp)
{
	static const char *const others[] = {
		"", "koshien", "koshien is a stadium", "Koshien frame=1-2", "CREATOR: gd-jpeg",
	};
	struct ks_jpeg_stamp got;
	struct picture p;
	uint8_t bytes[512];

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_int_eq(ks_jpeg_stamp_read(bytes, stamped(others[i], bytes), &got, NULL), KS_ENODATA);
	good(&p);
	ck_assert_int_eq(ks_jpeg_stamp_read(p.bytes, p.len, &got, NULL), KS_ENODATA);
	ck_assert_int_eq(ks_jpeg_stamp_read(NULL, 0, &got, NULL), KS_ENODATA);
	ck_assert_int_eq(ks_jpeg_stamp_read((const uint8_t *)"\xff\xd8\xff\xfe\x00\x00", 6, &got, NULL), KS_ENODATA);
}
END_TEST

/* --- pictures of others ------------------------------------------------------------------------ */

static void expect_good(const char *path, const unsigned char *bytes, size_t len, void *ctx)
{
	struct ks_jpeg_info info;
	enum ks_jpeg_fault fault = ks_jpeg_check(bytes, len, &info);

	(void)ctx;
	ck_assert_msg(fault == KS_JPEG_GOOD, "%s: %s", path, ks_jpeg_fault_names[fault]);
	for (size_t cut = 1; cut <= 64; cut++)
		ck_assert_msg(ks_jpeg_check(bytes, len - cut, &info) == KS_JPEG_NO_EOI, "%s but %zu bytes", path, cut);
}

START_TEST(cameras_are_good)
{
	size_t n = unit_each_datum("jpeg/camera", expect_good, NULL);

	if (n == 0)
		unit_skip("no pictures of cameras in ../shared/data or $KOSHIEN_TEST_DATA");
	ck_assert_uint_ge(n, 24);
}
END_TEST

/* What passes the walk must not upset a decoder; that the decoder finds fault with it is its right. */
static void decode(const unsigned char *bytes, size_t len, const struct ks_jpeg_info *info)
{
	unsigned char *pixels = malloc((size_t)info->width * info->height);
	tjhandle decoder = tjInitDecompress();
	int width, height, sampling, colours;

	ck_assert(pixels != NULL && decoder != NULL);
	if (tjDecompressHeader3(decoder, bytes, len, &width, &height, &sampling, &colours) == 0) {
		ck_assert_int_eq(width, info->width);
		ck_assert_int_eq(height, info->height);
		(void)tjDecompress2(decoder, bytes, len, pixels, width, 0, height, TJPF_GRAY, 0);
	}
	tjDestroy(decoder);
	free(pixels);
}

static void expect_verdict(const char *path, const unsigned char *bytes, size_t len, void *ctx)
{
	struct ks_jpeg_info info = { 0 };
	enum ks_jpeg_fault fault = ks_jpeg_check(bytes, len, &info);
	struct ks_jpeg_stamp stamp;
	size_t *by_fault = ctx;

	(void)path;
	ck_assert_int_lt(fault, KS_JPEG_FAULTS);
	ck_assert_int_eq(fault == KS_JPEG_GOOD, info.width > 0);
	ck_assert_int_ne(ks_jpeg_stamp_read(bytes, len, &stamp, NULL), KS_EOK);
	if (fault == KS_JPEG_GOOD)
		decode(bytes, len, &info);
	by_fault[fault]++;
}

START_TEST(malformed_get_a_verdict)
{
	size_t by_fault[KS_JPEG_FAULTS] = { 0 };
	size_t n = unit_each_datum("jpeg/malformed", expect_verdict, by_fault);

	if (n == 0)
		unit_skip("no malformed pictures in ../shared/data or $KOSHIEN_TEST_DATA");
	/* A few are well-formed but damaged in the coded data, which only a decoder can tell. */
	ck_assert_uint_lt(by_fault[KS_JPEG_GOOD], n / 4);
}
END_TEST

static TCase *structure_case(void)
{
	TCase *tc = tcase_create("structure");

	tcase_add_test(tc, takes_a_minimal_picture);
	tcase_add_test(tc, every_truncation_is_refused);
	tcase_add_test(tc, start_and_end);
	tcase_add_test(tc, markers_where_they_may_stand);
	tcase_add_test(tc, markers_where_they_may_not);
	tcase_add_test(tc, processes_no_browser_shows);
	tcase_add_test(tc, dimensions);
	tcase_add_test(tc, segments_malformed_inside);
	tcase_add_test(tc, scan_headers);
	tcase_add_test(tc, progressive_scans);
	tcase_add_test(tc, frame_and_scans_must_be_there);
	tcase_add_test(tc, scans_are_bounded);
	tcase_add_test(tc, every_fault_has_a_name);
	tcase_add_test(tc, standard_tables_are_those_of_an_encoder);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("jpeg");
	TCase *stamp = tcase_create("stamp"), *data = tcase_create("data");

	suite_add_tcase(suite, structure_case());
	tcase_add_test(stamp, stamp_text);
	tcase_add_test(stamp, stamp_reads_what_it_writes);
	tcase_add_test(stamp, stamp_has_one_spelling);
	tcase_add_test(stamp, other_comments_are_no_stamp);
	suite_add_tcase(suite, stamp);
	tcase_set_timeout(data, 60);
	tcase_add_test(data, cameras_are_good);
	tcase_add_test(data, malformed_get_a_verdict);
	suite_add_tcase(suite, data);
	return unit_run(suite);
}
