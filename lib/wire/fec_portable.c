/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/fec.h"

#include <string.h>

/* The products of one coefficient with every byte, by doubling: product(2i) = 2 product(i). */
static void make_products(uint8_t coefficient, uint8_t products[256])
{
	products[0] = 0;
	products[1] = coefficient;
	for (unsigned i = 2; i < 256; i += 2) {
		uint8_t half = products[i / 2];

		products[i] = (uint8_t)(half << 1 ^ (half >> 7) * 0x1d);
		products[i + 1] = products[i] ^ coefficient;
	}
}

static void multiply_portable(size_t len, size_t n, size_t rows, const uint8_t *coefficients,
			      const uint8_t *const src[], uint8_t *const dst[], uint8_t *products)
{
	for (size_t r = 0; r < rows; r++) {
		memset(dst[r], 0, len);
		for (size_t i = 0; i < n; i++) {
			make_products(coefficients[r * n + i], products);
			for (size_t b = 0; b < len; b++)
				dst[r][b] ^= products[src[i][b]];
		}
	}
}

const struct ks_fec_kernel ks_fec_portable = { "portable", multiply_portable, 256 };
