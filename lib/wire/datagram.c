/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/datagram.h"

#include <sodium.h>

#include "lib/base/cursor.h"
#include "lib/frame/manifest.h"

#define HOPS_BITS 3
#define HOPS_MASK ((1 << HOPS_BITS) - 1)

_Static_assert(KS_HOPS_MAX <= HOPS_MASK && KS_SPREAD_UNITS_MAX << HOPS_BITS <= UINT8_MAX, "both fit into one byte");

static uint8_t flags_of(uint8_t type)
{
	return type == KS_DATA || type == KS_ALIVE ? KS_FLAG_BLIND : 0;
}

void ks_header_write(const struct ks_header *header, uint8_t out[KS_HEADER_SIZE])
{
	struct ks_writer w = ks_writer(out, KS_HEADER_SIZE);

	ks_write_u8(&w, (uint8_t)(KS_WIRE_VERSION << 4 | header->type));
	ks_write_u8(&w, header->flags);
	ks_write_u16(&w, header->key_id);
	ks_write_u32(&w, header->session);
	ks_write_u32(&w, header->counter);
}

enum ks_drop ks_header_read(const uint8_t *bytes, size_t len, struct ks_header *header)
{
	struct ks_reader r = ks_reader(bytes, len);
	uint8_t first = ks_read_u8(&r);

	header->type = first & 0x0f;
	header->flags = ks_read_u8(&r);
	header->key_id = ks_read_u16(&r);
	header->session = ks_read_u32(&r);
	header->counter = ks_read_u32(&r);
	if (len > KS_DATAGRAM_MAX)
		return KS_DROP_LONG;
	if (r.error != KS_EOK)
		return KS_DROP_SHORT;
	if (first >> 4 != KS_WIRE_VERSION)
		return KS_DROP_VERSION;
	return (header->flags & ~flags_of(header->type)) == 0 ? KS_DROP_NONE : KS_DROP_MALFORMED;
}

uint32_t ks_track_of(const char *channel, const char *rendition)
{
	uint8_t hash[crypto_generichash_BYTES_MIN];
	crypto_generichash_state state;
	struct ks_reader r;

	crypto_generichash_init(&state, NULL, 0, sizeof(hash));
	/* With the terminating zero: "ab" and "c" are not "a" and "bc". */
	crypto_generichash_update(&state, (const uint8_t *)channel, strlen(channel) + 1);
	crypto_generichash_update(&state, (const uint8_t *)rendition, strlen(rendition));
	crypto_generichash_final(&state, hash, sizeof(hash));
	r = ks_reader(hash, sizeof(hash));
	return ks_read_u32(&r);
}

void ks_data_header_write(const struct ks_data_header *header, uint8_t out[KS_DATA_HEADER_SIZE])
{
	struct ks_writer w = ks_writer(out, KS_DATA_HEADER_SIZE);

	ks_write_u32(&w, header->track);
	ks_write_u32(&w, header->epoch);
	ks_write_u32(&w, header->seq);
	ks_write_u24(&w, header->object_len);
	ks_write_u8(&w, (uint8_t)(header->hops | header->spread << HOPS_BITS));
	ks_write_u8(&w, header->nblocks);
	ks_write_u8(&w, header->block);
	ks_write_u8(&w, header->shard);
	ks_write_u8(&w, header->source);
}

enum ks_drop ks_data_header_read(const uint8_t *bytes, size_t len, struct ks_data_header *header)
{
	struct ks_reader r = ks_reader(bytes, len);
	uint8_t hops_and_spread;

	header->track = ks_read_u32(&r);
	header->epoch = ks_read_u32(&r);
	header->seq = ks_read_u32(&r);
	header->object_len = ks_read_u24(&r);
	hops_and_spread = ks_read_u8(&r);
	header->hops = hops_and_spread & HOPS_MASK;
	header->spread = hops_and_spread >> HOPS_BITS;
	header->nblocks = ks_read_u8(&r);
	header->block = ks_read_u8(&r);
	header->shard = ks_read_u8(&r);
	header->source = ks_read_u8(&r);
	if (r.error != KS_EOK)
		return KS_DROP_SHORT;
	if (header->hops > KS_HOPS_MAX || header->shard == UINT8_MAX || header->block >= header->nblocks ||
	    header->object_len == 0 || header->object_len > KS_FRAME_MAX)
		return KS_DROP_MALFORMED;
	return KS_DROP_NONE;
}
