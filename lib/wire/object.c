/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"

static uint8_t *shard_at(const struct ks_object *object, size_t block, size_t shard)
{
	const struct ks_layout *layout = &object->layout;
	size_t k = ks_layout_k(layout, block);
	size_t index = shard < k ? ks_layout_first(layout, block) + shard
				 : layout->shards + block * layout->m + shard - k;

	return object->shards + index * layout->shard_len;
}

static void encode_block(struct ks_object *object, struct ks_fec *fec, size_t block)
{
	size_t k = ks_layout_k(&object->layout, block), m = object->layout.m;
	const uint8_t *data[KS_FEC_SHARDS_MAX];
	uint8_t *parity[KS_FEC_SHARDS_MAX];

	for (size_t i = 0; i < k; i++)
		data[i] = shard_at(object, block, i);
	for (size_t i = 0; i < m; i++)
		parity[i] = shard_at(object, block, k + i);
	ks_fec_encode(fec, k, object->layout.shard_len, data, k, m, parity);
}

int ks_object_set(struct ks_object *object, struct ks_fec *fec, const struct ks_data_header *header,
		  const uint8_t *bytes, size_t len, size_t shard_len, uint32_t loss_ppm)
{
	struct ks_layout layout;
	size_t need;
	int err = ks_layout_plan(&layout, len, shard_len, loss_ppm);

	if (err != KS_EOK)
		return err;
	need = ks_layout_datagrams(&layout) * shard_len;
	if (need > object->room) {
		uint8_t *room = realloc(object->shards, need);

		if (room == NULL)
			return -ENOMEM;
		object->shards = room;
		object->room = need;
	}
	object->layout = layout;
	object->header = *header;
	object->header.object_len = (uint32_t)len;
	object->header.nblocks = (uint8_t)layout.nblocks;
	memcpy(object->shards, bytes, len);
	memset(object->shards + len, 0, layout.shards * shard_len - len);
	for (size_t block = 0; block < layout.nblocks; block++)
		encode_block(object, fec, block);
	return KS_EOK;
}

void ks_object_free(struct ks_object *object)
{
	free(object->shards);
	*object = (struct ks_object){ 0 };
}

size_t ks_object_plain(const struct ks_object *object, size_t position, uint8_t *out)
{
	struct ks_data_header header = object->header;
	size_t block, shard;

	ks_layout_at(&object->layout, position, &block, &shard);
	header.block = (uint8_t)block;
	header.shard = (uint8_t)shard;
	ks_data_header_write(&header, out);
	memcpy(out + KS_DATA_HEADER_SIZE, shard_at(object, block, shard), object->layout.shard_len);
	return KS_DATA_HEADER_SIZE + object->layout.shard_len;
}
