/* SPDX-License-Identifier: Apache-2.0
 *
 * Shards as authentic but hostile givers could send them. Of each step one byte says what and who, one how long the
 * shard is, one its filling, and twenty are its header. Shards with a filling of zero are what a source signed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/cursor.h"
#include "lib/frame/manifest.h"
#include "lib/wire/assembler.h"

enum step { ADD, ADD_MANY, NAME, FORGET, PARDON, STEPS };

static const size_t lens[] = { KS_SHARD_MIN, 976, 1152, KS_SHARD_MAX, 0, 1, KS_SHARD_MIN - 1, KS_SHARD_MAX + 1 };

static int64_t now_us;

static void finish(struct ks_assembler *assembler, struct ks_assembly *assembly)
{
	const uint8_t *bytes = ks_assembler_decode(assembler, assembly);
	size_t len = assembly->header.object_len;

	if (len == 0 || len > KS_FRAME_MAX)
		abort();
	if (bytes[0] == 0 && bytes[len - 1] == 0)
		ks_assembler_accept(assembler, assembly);
	else if (ks_assembler_refuse(assembler, assembly, now_us + KS_US_PER_S, now_us + 2 * KS_US_PER_S) >
		 KS_GIVERS_SEVERAL)
		abort();
}

static void add(struct ks_assembler *assembler, unsigned giver, const struct ks_data_header *header, size_t len,
		uint8_t fill)
{
	static uint8_t shard[KS_SHARD_MAX + 1];
	struct ks_assembly *assembly;
	bool first;

	memset(shard, fill, len);
	ks_assembler_add(assembler, giver, header, shard, len, now_us, &assembly, &first);
	if (assembly != NULL && assembly->missing == 0)
		finish(assembler, assembly);
}

static void step(struct ks_assembler *assembler, struct ks_reader *r)
{
	uint8_t what = ks_read_u8(r);
	unsigned giver = what >> 4 & 7;
	size_t len = lens[ks_read_u8(r) % (sizeof(lens) / sizeof(lens[0]))];
	uint8_t fill = ks_read_u8(r);
	const uint8_t *bytes = ks_read_span(r, KS_DATA_HEADER_SIZE);
	struct ks_data_header header;
	struct ks_assembly *assembly;

	now_us += 100 * KS_US_PER_MS;
	if (bytes == NULL || ks_data_header_read(bytes, KS_DATA_HEADER_SIZE, &header) != KS_DROP_NONE)
		return;
	switch ((what & 15) % STEPS) {
	case ADD:
		add(assembler, giver, &header, len, fill);
		break;
	case ADD_MANY:
		for (unsigned i = 0; i < 30 && header.shard < KS_FEC_SHARDS_MAX - 1; i++, header.shard++)
			add(assembler, giver, &header, len, fill);
		break;
	case NAME:
		ks_assembler_name(assembler, giver, &header, len, now_us, &assembly);
		break;
	case FORGET:
		ks_assembler_forget(assembler, giver);
		break;
	case PARDON:
		ks_assembler_pardon(assembler);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct ks_reader r = ks_reader(bytes, len);
	struct ks_assembler *assembler;
	struct ks_fec *fec;
	size_t empty;

	now_us = KS_US_PER_S;
	if (ks_fec_new(&fec, &ks_fec_portable) != 0 || ks_assembler_new(&assembler, fec) != 0)
		abort();
	empty = ks_assembler_memory(assembler);
	while (ks_reader_left(&r) > 0) {
		step(assembler, &r);
		if (ks_assembler_memory(assembler) - empty > KS_ASSEMBLY_BYTES_MAX ||
		    ks_assembler_used(assembler) > KS_ASSEMBLIES_MAX)
			abort();
	}
	ks_assembler_free(assembler);
	ks_fec_free(fec);
	return 0;
}
