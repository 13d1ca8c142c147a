/* SPDX-License-Identifier: Apache-2.0 */
#include <isa-l/erasure_code.h>

#include <string.h>

#include "lib/wire/fec.h"

/* Rows at a time: the tables of one batch stay in the second-level cache, and ISA-L's own loops of four or six
 * rows come out even. */
#define ROWS 12
#define TABLE_SIZE 32	/* bytes per coefficient (ec_init_tables) */

/* Making ISA-L's tables takes as long as encoding. A table depends on its coefficient only, so that each is made once
 * and copied; as ISA-L does not promise how they lie beside one another, that is tried first. */
enum tables_state { UNTRIED, COPIED, MADE };

struct isal_scratch {
	enum tables_state state;
	uint8_t of[256][TABLE_SIZE];
	uint8_t tables[TABLE_SIZE * KS_FEC_SHARDS_MAX * ROWS];
};

extern const struct ks_fec_kernel ks_fec_isal;

/* ISA-L reads through pointers to non-const. */
static unsigned char *unconst(const uint8_t *bytes)
{
	return (unsigned char *)(uintptr_t)bytes;
}

static void copy_tables(struct isal_scratch *scratch, size_t n, const uint8_t *coefficients)
{
	for (size_t i = 0; i < n; i++)
		memcpy(scratch->tables + i * TABLE_SIZE, scratch->of[coefficients[i]], TABLE_SIZE);
}

/* Each coefficient alone, and all of them at once. */
static void try_copying(struct isal_scratch *scratch)
{
	uint8_t all[256], made[sizeof(scratch->of)];

	for (unsigned c = 0; c < 256; c++) {
		all[c] = (uint8_t)c;
		ec_init_tables(1, 1, &all[c], scratch->of[c]);
	}
	memset(made, 0, sizeof(made));
	ec_init_tables(16, 16, all, made);
	scratch->state = memcmp(made, scratch->of, sizeof(made)) == 0 ? COPIED : MADE;
}

static void multiply_isal(size_t len, size_t n, size_t rows, const uint8_t *coefficients, const uint8_t *const src[],
			  uint8_t *const dst[], uint8_t *memory)
{
	struct isal_scratch *scratch = (void *)memory;
	unsigned char *from[KS_FEC_SHARDS_MAX], *to[ROWS];

	if (scratch->state == UNTRIED)
		try_copying(scratch);
	for (size_t i = 0; i < n; i++)
		from[i] = unconst(src[i]);
	for (size_t first = 0; first < rows; first += ROWS) {
		size_t batch = rows - first < ROWS ? rows - first : ROWS;

		for (size_t r = 0; r < batch; r++)
			to[r] = dst[first + r];
		if (scratch->state == COPIED)
			copy_tables(scratch, n * batch, coefficients + first * n);
		else
			ec_init_tables((int)n, (int)batch, unconst(coefficients + first * n), scratch->tables);
		ec_encode_data((int)len, (int)n, (int)batch, scratch->tables, from, to);
	}
}

const struct ks_fec_kernel ks_fec_isal = { "isal", multiply_isal, sizeof(struct isal_scratch) };
