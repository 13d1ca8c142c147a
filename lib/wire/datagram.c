/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/datagram.h"

#include "lib/base/cursor.h"
#include "lib/frame/manifest.h"

#define FLAGS_HOPS 0x07
#define FLAGS_RENDITION 0x38
#define FLAGS_RENDITION_SHIFT 3
#define FLAGS_KNOWN (FLAGS_HOPS | FLAGS_RENDITION)

void ks_header_write(const struct ks_header *header, uint8_t out[KS_HEADER_SIZE])
{
	struct ks_writer w = ks_writer(out, KS_HEADER_SIZE);

	ks_write_u8(&w, (uint8_t)(KS_WIRE_VERSION << 4 | header->type));
	ks_write_u8(&w, 0);
	ks_write_u16(&w, header->key_id);
	ks_write_u32(&w, header->session);
	ks_write_u64(&w, header->counter);
}

enum ks_drop ks_header_read(const uint8_t *bytes, size_t len, struct ks_header *header)
{
	struct ks_reader r = ks_reader(bytes, len);
	uint8_t first = ks_read_u8(&r), flags = ks_read_u8(&r);

	header->type = first & 0x0f;
	header->key_id = ks_read_u16(&r);
	header->session = ks_read_u32(&r);
	header->counter = ks_read_u64(&r);
	if (len > KS_DATAGRAM_MAX)
		return KS_DROP_LONG;
	if (r.error != KS_EOK)
		return KS_DROP_SHORT;
	if (first >> 4 != KS_WIRE_VERSION)
		return KS_DROP_VERSION;
	return flags == 0 ? KS_DROP_NONE : KS_DROP_MALFORMED;
}

void ks_data_header_write(const struct ks_data_header *header, uint8_t out[KS_DATA_HEADER_SIZE])
{
	struct ks_writer w = ks_writer(out, KS_DATA_HEADER_SIZE);

	ks_write_u32(&w, header->epoch);
	ks_write_u32(&w, header->seq);
	ks_write_u24(&w, header->object_len);
	ks_write_u8(&w, (uint8_t)(header->hops | header->rendition << FLAGS_RENDITION_SHIFT));
	ks_write_u8(&w, header->nblocks);
	ks_write_u8(&w, header->block);
	ks_write_u8(&w, header->shard);
	ks_write_u8(&w, header->source);
}

enum ks_drop ks_data_header_read(const uint8_t *bytes, size_t len, struct ks_data_header *header)
{
	struct ks_reader r = ks_reader(bytes, len);
	uint8_t flags;

	header->epoch = ks_read_u32(&r);
	header->seq = ks_read_u32(&r);
	header->object_len = ks_read_u24(&r);
	flags = ks_read_u8(&r);
	header->hops = flags & FLAGS_HOPS;
	header->rendition = (flags & FLAGS_RENDITION) >> FLAGS_RENDITION_SHIFT;
	header->nblocks = ks_read_u8(&r);
	header->block = ks_read_u8(&r);
	header->shard = ks_read_u8(&r);
	header->source = ks_read_u8(&r);
	if (r.error != KS_EOK)
		return KS_DROP_SHORT;
	if ((flags & ~FLAGS_KNOWN) != 0 || header->hops > KS_HOPS_MAX || header->shard == UINT8_MAX ||
	    header->block >= header->nblocks || header->object_len == 0 || header->object_len > KS_FRAME_MAX)
		return KS_DROP_MALFORMED;
	return KS_DROP_NONE;
}
