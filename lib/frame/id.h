/* SPDX-License-Identifier: Apache-2.0
 *
 * A frame's name: "<epoch>-<seq>", decimal without leading zeros, the same on every relay and for all
 * renditions of one instant.
 */
#ifndef KS_FRAME_ID_H
#define KS_FRAME_ID_H

#include <stddef.h>
#include <stdint.h>

struct ks_frame_id {
	uint32_t epoch;		/* of one source: modulo KS_SOURCES_MAX it is the source's id; always growing */
	uint32_t seq;		/* one instant within the run, from 0 */
};

#define KS_FRAME_ID_TEXT 22	/* two u32, the hyphen, the NUL */

/* -1, 0 or 1 as a is older than, the same as or newer than b, of whichever sources of the channel they are. */
static inline int ks_frame_id_cmp(struct ks_frame_id a, struct ks_frame_id b)
{
	if (a.epoch != b.epoch)
		return a.epoch < b.epoch ? -1 : 1;
	return a.seq == b.seq ? 0 : a.seq < b.seq ? -1 : 1;
}

/* Writes the name and its NUL; returns `out`. */
char *ks_frame_id_format(struct ks_frame_id id, char out[KS_FRAME_ID_TEXT]);

/* Parses exactly len characters. KS_EOK or KS_EMALFORMED (then *id is left alone). Every id has one
 * spelling: leading zeros, signs, blanks and numbers above 2^32-1 are refused. */
int ks_frame_id_parse(const char *text, size_t len, struct ks_frame_id *id);

#endif
