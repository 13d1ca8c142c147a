/* SPDX-License-Identifier: Apache-2.0
 *
 * The letters of the test card and the placeholder: each glyph is a few strokes on a small grid, so that
 * it is drawn sharply at any size without a font file.
 */
#ifndef KS_CAPTURE_FONT_H
#define KS_CAPTURE_FONT_H

#define KS_FONT_ADVANCE 8	/* grid units from one glyph to the next; all are equally wide */
#define KS_FONT_WIDTH 6		/* the widest glyph: x from 0 to 6 */
#define KS_FONT_CAP 10		/* capitals and digits: y from 0 (top) to 10 (baseline); descenders reach 13 */

/* The strokes of a printable ASCII character, or of '?' for anything else: polylines separated by blanks,
 * each a run of points "xy", one hexadecimal digit each; a point given twice is a dot. */
const char *ks_font_strokes(char c);

#endif
