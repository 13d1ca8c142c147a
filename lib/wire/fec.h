/* SPDX-License-Identifier: Apache-2.0
 *
 * The erasure code: systematic Reed-Solomon over GF(2^8) with polynomial 0x11d and a Cauchy matrix, so that
 * any k shards of a block give the block. Shard numbers 0 to k-1 are the data itself; shard s >= k is the sum
 * over j of data j / (s xor j) (the rows of ISA-L's gf_gen_cauchy1_matrix). A parity shard depends on k and
 * its number only, so parity is interchangeable whoever made it, and more can be made at any time.
 *
 * A struct ks_fec is scratch space: one per thread.
 */
#ifndef KS_WIRE_FEC_H
#define KS_WIRE_FEC_H

#include <stddef.h>
#include <stdint.h>

#define KS_FEC_SHARDS_MAX 255	/* k + m of one block */

/* dst[r] = sum over i < n of coefficients[r * n + i] * src[i], for each r < rows, len bytes each. */
struct ks_fec_kernel {
	const char *name;
	void (*multiply)(size_t len, size_t n, size_t rows, const uint8_t *coefficients, const uint8_t *const src[],
			 uint8_t *const dst[], uint8_t *scratch);
	size_t scratch;		/* bytes that multiply wants */
};

extern const struct ks_fec_kernel ks_fec_portable;	/* plain C: the oracle of the tests */

/* The fastest one here: GFNI where the processor has it, else ISA-L when built with it. */
const struct ks_fec_kernel *ks_fec_best(void);

struct ks_fec;

int ks_fec_new(struct ks_fec **fec, const struct ks_fec_kernel *kernel);
void ks_fec_free(struct ks_fec *fec);

/* Makes parity shards first to first + rows - 1 (first >= k) from k data shards. Shards of up to KS_SHARD_MAX bytes. */
void ks_fec_encode(struct ks_fec *fec, size_t k, size_t len, const uint8_t *const data[], size_t first, size_t rows,
		   uint8_t *const parity[]);

/* Computes the data shards that are lost: data[i] is NULL for these. There are as many parity shards as lost
 * data shards, parity_number[] are their distinct shard numbers; out[] takes the lost shards in their order.
 * Up to KS_SHARD_MAX bytes each. */
void ks_fec_decode(struct ks_fec *fec, size_t k, size_t len, const uint8_t *const data[],
		   const uint8_t *const parity[], const uint8_t parity_number[], uint8_t *const out[]);

/* How often a block shall come through by the parity that goes with it. */
enum ks_chance {
	KS_CHANCE_90,		/* ceil((k p + 1.2816 sqrt(k p)) / (1 - p)) */
	KS_CHANCE_99,		/* ceil((k p + 2.3263 sqrt(k p) + 0.74 (1 + p)) / (1 - p)) */
	KS_CHANCE_9999,		/* ceil((k p + 4 sqrt(k p)) / (1 - p)) + 3 */
	KS_CHANCES
};

/* How many parity shards bring a block of k through an independent loss of p = loss_ppm / 1 000 000 that often: the
 * quantile of the number of losses before the k-th arrival, by the formulas above, which are never short of it. At most
 * KS_FEC_SHARDS_MAX - k. */
size_t ks_fec_parity(size_t k, uint32_t loss_ppm, enum ks_chance chance);

#endif
