/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/frame/manifest.h"

#define GROUPS ((KS_FEC_SHARDS_MAX + KS_OBJECT_ROWS - 1) / KS_OBJECT_ROWS)	/* of parity rows of one block */

static void drop_rows(struct ks_object *object, struct ks_object_size *size)
{
	for (size_t i = 0; size->rows != NULL && i < size->layout.nblocks * GROUPS; i++) {
		free(size->rows[i]);
		size->rows[i] = NULL;
	}
	object->held -= size->parity;
	object->parity -= size->parity;
	size->held -= size->parity;
	size->parity = 0;
}

void ks_object_drop_parity(struct ks_object *object)
{
	for (size_t s = 0; s < KS_OBJECT_SIZES_MAX; s++)
		drop_rows(object, &object->sizes[s]);
}

void ks_object_drop_size(struct ks_object *object, struct ks_object_size *size)
{
	drop_rows(object, size);
	free(size->rows);
	object->held -= size->held;
	*size = (struct ks_object_size){ 0 };
}

int ks_object_set(struct ks_object *object, const struct ks_data_header *header, const uint8_t *bytes, size_t len,
		  uint32_t loss_ppm)
{
	uint8_t *copy;

	if (len == 0 || len > KS_FRAME_MAX)
		return KS_ELIMIT;
	copy = malloc(len + KS_SHARD_MAX);
	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, bytes, len);
	memset(copy + len, 0, KS_SHARD_MAX);
	ks_object_free(object);
	object->header = *header;
	object->header.object_len = (uint32_t)len;
	object->loss_ppm = loss_ppm;
	object->bytes = copy;
	object->len = len;
	object->held = len + KS_SHARD_MAX;
	return KS_EOK;
}

void ks_object_free(struct ks_object *object)
{
	for (size_t s = 0; s < KS_OBJECT_SIZES_MAX; s++)
		ks_object_drop_size(object, &object->sizes[s]);
	free(object->bytes);
	*object = (struct ks_object){ 0 };
}

struct ks_object_size *ks_object_size(struct ks_object *object, size_t shard_len)
{
	struct ks_object_size *size = NULL;
	struct ks_layout layout;

	for (size_t s = 0; s < KS_OBJECT_SIZES_MAX; s++) {
		if (object->sizes[s].layout.nblocks == 0)
			size = size != NULL ? size : &object->sizes[s];
		else if (object->sizes[s].layout.shard_len == shard_len)
			return &object->sizes[s];
	}
	if (size == NULL || ks_layout_plan(&layout, object->len, shard_len, object->loss_ppm) != KS_EOK)
		return NULL;
	size->rows = calloc(layout.nblocks * GROUPS, sizeof(size->rows[0]));
	if (size->rows == NULL)
		return NULL;
	size->layout = layout;
	size->held = layout.nblocks * GROUPS * sizeof(size->rows[0]);
	object->held += size->held;
	return size;
}

static const uint8_t *data_shard(const struct ks_object *object, const struct ks_layout *layout, size_t block, size_t i)
{
	return object->bytes + (ks_layout_first(layout, block) + i) * layout->shard_len;
}

/* Makes the parity rows from `first` (counted from the block's first parity shard) to the end of their group. */
static uint8_t *make_rows(struct ks_object *object, struct ks_object_size *size, struct ks_fec *fec, size_t block,
			  size_t first)
{
	const struct ks_layout *layout = &size->layout;
	size_t k = ks_layout_k(layout, block), left = KS_FEC_SHARDS_MAX - k - first;
	size_t n = left < KS_OBJECT_ROWS ? left : KS_OBJECT_ROWS;
	const uint8_t *data[KS_FEC_SHARDS_MAX];
	uint8_t *parity[KS_OBJECT_ROWS], *rows = malloc(n * layout->shard_len);

	if (rows == NULL)
		return NULL;
	for (size_t i = 0; i < k; i++)
		data[i] = data_shard(object, layout, block, i);
	for (size_t i = 0; i < n; i++)
		parity[i] = rows + i * layout->shard_len;
	ks_fec_encode(fec, k, layout->shard_len, data, k + first, n, parity);
	size->held += n * layout->shard_len;
	size->parity += n * layout->shard_len;
	object->held += n * layout->shard_len;
	object->parity += n * layout->shard_len;
	return rows;
}

const uint8_t *ks_object_shard(struct ks_object *object, struct ks_object_size *size, struct ks_fec *fec, size_t block,
			       size_t shard)
{
	size_t k = ks_layout_k(&size->layout, block), row, group;
	uint8_t **rows;

	if (shard < k)
		return data_shard(object, &size->layout, block, shard);
	row = shard - k;
	group = row / KS_OBJECT_ROWS;
	rows = &size->rows[block * GROUPS + group];
	if (*rows == NULL)
		*rows = make_rows(object, size, fec, block, group * KS_OBJECT_ROWS);
	return *rows != NULL ? *rows + row % KS_OBJECT_ROWS * size->layout.shard_len : NULL;
}
