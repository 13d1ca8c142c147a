/* SPDX-License-Identifier: Apache-2.0
 *
 * Puts objects together from shards in any order. Memory is bounded: at most KS_ASSEMBLY_MAX objects at a time, each
 * no larger than KS_FRAME_MAX in whole shards; when one more begins, the oldest is given up. An object that is not
 * newer than the last one delivered of the same track (source and rendition) is given up at once.
 */
#ifndef KS_WIRE_ASSEMBLER_H
#define KS_WIRE_ASSEMBLER_H

#include <stddef.h>
#include <stdint.h>

#include "lib/wire/datagram.h"
#include "lib/wire/fec.h"

#define KS_ASSEMBLY_MAX 4
#define KS_TRACKS_MAX 8

struct ks_assembler;

struct ks_assembler_counts {
	uint64_t delivered;
	uint64_t repaired;	/* of these: data had been lost */
	uint64_t lost;		/* sequence numbers that were passed over */
	uint64_t abandoned;	/* begun, never completed */
};

/* A complete object; lives until the next call. */
struct ks_whole {
	const uint8_t *bytes;	/* NULL: none */
	size_t len;
	uint32_t epoch, seq;
};

/* `fec` is borrowed and may be shared by assemblers of one thread. */
int ks_assembler_new(struct ks_assembler **assembler, struct ks_fec *fec);
void ks_assembler_free(struct ks_assembler *assembler);

/* Takes one shard, with its header checked by ks_data_header_read(). KS_DROP_NONE: used; then whole->bytes is set if it
 * completed its object. Else why it was not. */
enum ks_drop ks_assembler_add(struct ks_assembler *assembler, const struct ks_data_header *header, const uint8_t *shard,
			      size_t len, struct ks_whole *whole);

const struct ks_assembler_counts *ks_assembler_counts(const struct ks_assembler *assembler);

/* Bytes that it holds at the moment, its own structure included. */
size_t ks_assembler_memory(const struct ks_assembler *assembler);

#endif
