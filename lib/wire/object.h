/* SPDX-License-Identifier: Apache-2.0
 *
 * One object as it is sent: padded, cut and coded once, for every peer that gets it.
 */
#ifndef KS_WIRE_OBJECT_H
#define KS_WIRE_OBJECT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/wire/datagram.h"
#include "lib/wire/fec.h"
#include "lib/wire/layout.h"

struct ks_object {
	struct ks_data_header header;	/* block and shard are filled in per datagram */
	struct ks_layout layout;
	uint8_t *shards;	/* the data shards of all blocks, then the parity shards block by block */
	size_t room;		/* bytes at shards; kept for the next object */
};

/* Replaces the object: copies the bytes and makes all parity. header gives epoch, seq, source, rendition and hops.
 * KS_EOK, KS_ELIMIT or -ENOMEM; in these cases the object is as before. */
int ks_object_set(struct ks_object *object, struct ks_fec *fec, const struct ks_data_header *header,
		  const uint8_t *bytes, size_t len, size_t shard_len, uint32_t loss_ppm);

void ks_object_free(struct ks_object *object);

/* The plain text of one datagram by its position in the order of sending: header and shard. Returns its length,
 * at most KS_DATA_HEADER_SIZE + KS_SHARD_MAX. */
size_t ks_object_plain(const struct ks_object *object, size_t position, uint8_t *out);

#endif
