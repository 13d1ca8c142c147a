/* SPDX-License-Identifier: Apache-2.0
 *
 * One object as it is sent: cut and coded once for every relay that gets it in datagrams of the same size. Parity
 * is made when it is first wanted, a few rows at a time, and kept.
 */
#ifndef KS_WIRE_OBJECT_H
#define KS_WIRE_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/wire/datagram.h"
#include "lib/wire/fec.h"
#include "lib/wire/layout.h"

#define KS_OBJECT_SIZES_MAX 8	/* datagram sizes: those in use, and as many that were before a change of the settings */
#define KS_OBJECT_ROWS 6	/* parity rows that are made at a time: as many as ISA-L takes in one go */

struct ks_object_size {
	struct ks_layout layout;	/* nblocks 0: not in use */
	uint8_t **rows;			/* by block and group of KS_OBJECT_ROWS; NULL: not made yet */
	size_t held, parity;		/* bytes of memory; of these: rows */
};

struct ks_object {
	struct ks_data_header header;	/* block, shard, spread and nblocks are filled in per datagram */
	uint32_t loss_ppm;		/* that the layouts have room for */
	uint8_t *bytes;			/* padded with zeros for the longest shard */
	size_t len, held;		/* of the object; bytes of memory in all */
	size_t parity;			/* of these: rows */
	struct ks_object_size sizes[KS_OBJECT_SIZES_MAX];
};

/* Replaces the object: copies the bytes. header gives track, epoch, seq, source and hops. KS_EOK, KS_ELIMIT or -ENOMEM;
 * in these cases the object is as before. */
int ks_object_set(struct ks_object *object, const struct ks_data_header *header, const uint8_t *bytes, size_t len,
		  uint32_t loss_ppm);
void ks_object_free(struct ks_object *object);

/* The layout for a shard length, made when it is new; NULL: one size too many, or out of memory. */
struct ks_object_size *ks_object_size(struct ks_object *object, size_t shard_len);

/* Forgets all parity; what is wanted again is made again. The layouts stay. */
void ks_object_drop_parity(struct ks_object *object);

/* A layout that nobody needs any more makes room for another one. */
void ks_object_drop_size(struct ks_object *object, struct ks_object_size *size);

/* A shard, data or parity. NULL: out of memory. Lives until its object, size or parity goes. */
const uint8_t *ks_object_shard(struct ks_object *object, struct ks_object_size *size, struct ks_fec *fec, size_t block,
			       size_t shard);

#endif
