/* SPDX-License-Identifier: Apache-2.0
 *
 * The erasure code's product by GFNI: multiplication by a constant is an 8 by 8 matrix over GF(2), and one instruction
 * applies it to 64 bytes. ISA-L does so from 2.31 on; Debian has an older one.
 */
#include "lib/wire/fec_gfni.h"

#ifdef KS_FEC_GFNI
#include <immintrin.h>

#include "lib/wire/datagram.h"

#define FOR_GFNI __attribute__((target("gfni,avx512f,avx512bw")))
#define POLYNOMIAL 0x1d		/* without x^8 */
#define ROWS 6			/* sums that are held in registers, of two vectors each */
#define UNROLLED _Pragma("GCC unroll 6")
#define VECTOR 64

struct gfni_scratch {
	uint64_t of[256];			/* of[1] is 0 before they are made */
	uint64_t matrices[KS_FEC_SHARDS_MAX * ROWS];
};

bool ks_fec_gfni_here(void)
{
	return __builtin_cpu_supports("gfni") && __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512bw");
}

/* Row i of the matrix, which gives bit i of the product, is byte 7 - i. */
static uint64_t matrix_of(unsigned c)
{
	uint64_t matrix = 0;

	for (unsigned j = 0; j < 8; j++) {
		for (unsigned i = 0; i < 8; i++)
			matrix |= (uint64_t)(c >> i & 1) << (8 * (7 - i) + j);
		c = (c << 1 & 0xff) ^ (c >> 7 != 0 ? POLYNOMIAL : 0);
	}
	return matrix;
}

/* In a register: clang 14 can give the instruction a wrong address when it is to fetch a matrix by itself. */
FOR_GFNI __attribute__((always_inline))
static inline __m512i load_matrix(const uint64_t *matrix)
{
	__m512i all = _mm512_set1_epi64((long long)*matrix);

	__asm__("" : "+v"(all));
	return all;
}

/* `wide`: two vectors from `at` on; else one, of which `here` says how much there is. */
FOR_GFNI __attribute__((always_inline))
static inline void sum_at(size_t at, bool wide, __mmask64 here, size_t n, size_t rows, const uint64_t *matrices,
			  const uint8_t *const src[], uint8_t *const dst[])
{
	__m512i a[ROWS], b[ROWS];

	UNROLLED for (size_t r = 0; r < rows; r++)
		a[r] = b[r] = _mm512_setzero_si512();
	for (size_t i = 0; i < n; i++, matrices += rows) {
		__m512i x = wide ? _mm512_loadu_si512(src[i] + at) : _mm512_maskz_loadu_epi8(here, src[i] + at);
		__m512i y = wide ? _mm512_loadu_si512(src[i] + at + VECTOR) : x;

		UNROLLED for (size_t r = 0; r < rows; r++) {
			__m512i matrix = load_matrix(&matrices[r]);

			a[r] = _mm512_xor_si512(a[r], _mm512_gf2p8affine_epi64_epi8(x, matrix, 0));
			if (wide)
				b[r] = _mm512_xor_si512(b[r], _mm512_gf2p8affine_epi64_epi8(y, matrix, 0));
		}
	}
	UNROLLED for (size_t r = 0; r < rows; r++) {
		if (wide) {
			_mm512_storeu_si512(dst[r] + at, a[r]);
			_mm512_storeu_si512(dst[r] + at + VECTOR, b[r]);
		} else {
			_mm512_mask_storeu_epi8(dst[r] + at, here, a[r]);
		}
	}
}

/* With a number of rows that the compiler knows, all sums stay in registers. */
FOR_GFNI __attribute__((always_inline))
static inline void sum(size_t len, size_t n, size_t rows, const uint64_t *matrices, const uint8_t *const src[],
		       uint8_t *const dst[])
{
	size_t at = 0;

	for (; len - at >= (size_t)(2 * VECTOR); at += (size_t)(2 * VECTOR))
		sum_at(at, true, 0, n, rows, matrices, src, dst);
	for (; at < len; at += VECTOR)
		sum_at(at, false, len - at < VECTOR ? ((__mmask64)1 << (len - at)) - 1 : ~(__mmask64)0, n, rows,
		       matrices, src, dst);
}

FOR_GFNI
static void sum_rows(size_t len, size_t n, size_t rows, const uint64_t *matrices, const uint8_t *const src[],
		     uint8_t *const dst[])
{
	switch (rows) {
	case 1: sum(len, n, 1, matrices, src, dst); break;
	case 2: sum(len, n, 2, matrices, src, dst); break;
	case 3: sum(len, n, 3, matrices, src, dst); break;
	case 4: sum(len, n, 4, matrices, src, dst); break;
	case 5: sum(len, n, 5, matrices, src, dst); break;
	default: sum(len, n, ROWS, matrices, src, dst);
	}
}

static void multiply_gfni(size_t len, size_t n, size_t rows, const uint8_t *coefficients, const uint8_t *const src[],
			  uint8_t *const dst[], uint8_t *memory)
{
	struct gfni_scratch *scratch = (void *)memory;

	for (unsigned c = 0; c < 256 && scratch->of[1] == 0; c++)
		scratch->of[255 - c] = matrix_of(255 - c);
	for (size_t first = 0; first < rows; first += ROWS) {
		size_t batch = rows - first < ROWS ? rows - first : ROWS;

		for (size_t r = 0; r < batch; r++)
			for (size_t i = 0; i < n; i++)
				scratch->matrices[i * batch + r] = scratch->of[coefficients[(first + r) * n + i]];
		sum_rows(len, n, batch, scratch->matrices, src, dst + first);
	}
}

const struct ks_fec_kernel ks_fec_gfni = { "gfni", multiply_gfni, sizeof(struct gfni_scratch) };
#endif
