/* SPDX-License-Identifier: Apache-2.0 */
#include <isa-l/erasure_code.h>

#include "lib/wire/fec.h"

/* Rows at a time: the tables of one batch stay in the second-level cache, and ISA-L's own loops of four or six
 * rows come out even. */
#define ROWS 12
#define TABLE_SIZE 32	/* bytes per coefficient (ec_init_tables) */

extern const struct ks_fec_kernel ks_fec_isal;

/* ISA-L reads through pointers to non-const. */
static unsigned char *unconst(const uint8_t *bytes)
{
	return (unsigned char *)(uintptr_t)bytes;
}

static void multiply_isal(size_t len, size_t n, size_t rows, const uint8_t *coefficients, const uint8_t *const src[],
			  uint8_t *const dst[], uint8_t *tables)
{
	unsigned char *from[KS_FEC_SHARDS_MAX], *to[ROWS];

	for (size_t i = 0; i < n; i++)
		from[i] = unconst(src[i]);
	for (size_t first = 0; first < rows; first += ROWS) {
		size_t batch = rows - first < ROWS ? rows - first : ROWS;

		for (size_t r = 0; r < batch; r++)
			to[r] = dst[first + r];
		ec_init_tables((int)n, (int)batch, unconst(coefficients + first * n), tables);
		ec_encode_data((int)len, (int)n, (int)batch, tables, from, to);
	}
}

const struct ks_fec_kernel ks_fec_isal = { "isal", multiply_isal, (size_t)TABLE_SIZE *KS_FEC_SHARDS_MAX *ROWS };
