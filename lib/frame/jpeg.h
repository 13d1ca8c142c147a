/* SPDX-License-Identifier: Apache-2.0
 *
 * What a JPEG must be to travel here, checked by walking its markers (ITU-T T.81 Annex B) without
 * decoding: SOI at the start, EOI at the very end, every segment within the bytes, one frame header
 * with sane dimensions before a scan. And the stamp: a COM segment right after SOI that carries the
 * frame's id and capture time, so that a picture that left the system can still be placed.
 */
#ifndef KS_FRAME_JPEG_H
#define KS_FRAME_JPEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/frame/id.h"
#include "lib/base/name.h"

/* Why a picture is refused; also the label of the counters, by ks_jpeg_fault_names[]. */
enum ks_jpeg_fault {
	KS_JPEG_GOOD,
	KS_JPEG_EMPTY,		/* no bytes */
	KS_JPEG_NO_SOI,
	KS_JPEG_NO_EOI,		/* cut off: entropy-coded data or a segment runs to the end of the bytes */
	KS_JPEG_SEGMENT,	/* a segment is shorter than its own header, or malformed inside */
	KS_JPEG_MARKER,		/* a marker that cannot stand where it stands */
	KS_JPEG_NO_FRAME,	/* EOI or a scan without a frame header */
	KS_JPEG_PROCESS,	/* lossless, hierarchical, arithmetic or 12-bit: browsers do not show it */
	KS_JPEG_DIMENSIONS,	/* zero, or above KS_DIMENSION_MAX */
	KS_JPEG_NO_SCAN,	/* EOI without picture data */
	KS_JPEG_SCANS,		/* more scans than KS_JPEG_SCANS_MAX: a decompression bomb */
	KS_JPEG_TRAILING,	/* bytes after EOI */
	KS_JPEG_SIZE,		/* above KS_JPEG_MAX */
	KS_JPEG_CORRUPT,	/* well-formed, but a decoder complains (capture's decode check) */
	KS_JPEG_FAULTS
};

#define KS_JPEG_SCANS_MAX 100

extern const char *const ks_jpeg_fault_names[KS_JPEG_FAULTS];

struct ks_jpeg_info {
	uint16_t width, height;
	bool progressive;
	bool has_tables;	/* at least one DHT: without any, as from MJPEG cameras, browsers show nothing */
	size_t after_soi;	/* offset at which a segment may be inserted: always 2 */
};

/* Walks the whole picture; *info is filled in only for KS_JPEG_GOOD. */
enum ks_jpeg_fault ks_jpeg_check(const uint8_t *bytes, size_t len, struct ks_jpeg_info *info);

/* The stamp's text is "koshien frame=<epoch>-<seq> captured=<us> channel=<name> rendition=<name>". */
struct ks_jpeg_stamp {
	struct ks_frame_id id;
	int64_t captured_us;
	char channel[KS_CHANNEL_MAX + 1];
	char rendition[KS_RENDITION_MAX + 1];
};

#define KS_JPEG_STAMP_MAX 160	/* bytes of the whole COM segment, marker and length included */

/* Writes the COM segment; returns its length. The names must be valid. */
size_t ks_jpeg_stamp_write(const struct ks_jpeg_stamp *stamp, uint8_t out[KS_JPEG_STAMP_MAX]);

/* Reads the stamp if the first segment after SOI is one. KS_EOK, KS_ENODATA (no stamp there), or
 * KS_EMALFORMED. *segment_len (may be NULL) is the whole segment's length, so that
 * bytes[2 .. 2+segment_len) can be cut out again. */
int ks_jpeg_stamp_read(const uint8_t *bytes, size_t len, struct ks_jpeg_stamp *stamp, size_t *segment_len);

/* The standard Huffman tables (T.81 Annex K.3) as one DHT segment, for MJPEG that comes without. */
extern const uint8_t ks_jpeg_standard_tables[];
extern const size_t ks_jpeg_standard_tables_len;

#endif
