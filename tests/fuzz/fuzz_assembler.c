/* SPDX-License-Identifier: Apache-2.0
 *
 * Shards as an authentic but hostile sender could send them. Of each step two bytes choose the length of the shard and
 * its filling, sixteen are its header.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cursor.h"
#include "lib/frame/manifest.h"
#include "lib/wire/assembler.h"

static const size_t lens[] = { KS_SHARD_MIN, 976, 1152, KS_SHARD_MAX, 0, 1, KS_SHARD_MIN - 1, KS_SHARD_MAX + 1 };

static void step(struct ks_assembler *assembler, struct ks_reader *r)
{
	static uint8_t shard[KS_SHARD_MAX + 1];
	size_t len = lens[ks_read_u8(r) % (sizeof(lens) / sizeof(lens[0]))];
	uint8_t fill = ks_read_u8(r);
	const uint8_t *bytes = ks_read_span(r, KS_DATA_HEADER_SIZE);
	struct ks_data_header header;
	struct ks_whole whole;

	if (bytes == NULL || ks_data_header_read(bytes, KS_DATA_HEADER_SIZE, &header) != KS_DROP_NONE)
		return;
	memset(shard, fill, len);
	ks_assembler_add(assembler, &header, shard, len, &whole);
	if (whole.bytes != NULL && (whole.len == 0 || whole.len > KS_FRAME_MAX))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct ks_reader r = ks_reader(bytes, len);
	struct ks_assembler *assembler;
	struct ks_fec *fec;

	if (ks_fec_new(&fec, &ks_fec_portable) != 0 || ks_assembler_new(&assembler, fec) != 0)
		abort();
	while (ks_reader_left(&r) > 0)
		step(assembler, &r);
	if (ks_assembler_memory(assembler) > (KS_ASSEMBLY_MAX + 2) * (KS_FRAME_MAX + KS_SHARD_MAX))
		abort();
	ks_assembler_free(assembler);
	ks_fec_free(fec);
	return 0;
}
