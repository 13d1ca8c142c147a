/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "lib/wire/fec.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/wire/datagram.h"
#include "lib/wire/fec_gfni.h"

#define FIELD_POLYNOMIAL 0x11d
#define FIELD_ORDER 255			/* of the multiplicative group */
#define MILLION UINT64_C(1000000)
#define LOST_MAX (KS_FEC_SHARDS_MAX / 2)	/* lost data shards need as many parity shards */

struct ks_fec {
	const struct ks_fec_kernel *kernel;
	uint8_t log[256], exp[FIELD_ORDER], inverse[256];	/* log and inverse of 0 are not used */
	uint8_t coefficients[KS_FEC_SHARDS_MAX * KS_FEC_SHARDS_MAX];
	uint8_t syndromes[LOST_MAX * KS_SHARD_MAX];
	_Alignas(max_align_t) uint8_t scratch[];
};

#ifdef HAVE_ISAL
extern const struct ks_fec_kernel ks_fec_isal;
#endif

const struct ks_fec_kernel *ks_fec_best(void)
{
#ifdef KS_FEC_GFNI
	if (ks_fec_gfni_here())
		return &ks_fec_gfni;
#endif
#ifdef HAVE_ISAL
	return &ks_fec_isal;
#else
	return &ks_fec_portable;
#endif
}

static void make_tables(struct ks_fec *fec)
{
	unsigned x = 1;

	for (unsigned i = 0; i < FIELD_ORDER; i++) {
		fec->exp[i] = (uint8_t)x;
		fec->log[x] = (uint8_t)i;
		x <<= 1;
		if (x > 255)
			x ^= FIELD_POLYNOMIAL;
	}
	for (unsigned i = 1; i < 256; i++)
		fec->inverse[i] = fec->exp[(FIELD_ORDER - fec->log[i]) % FIELD_ORDER];
}

int ks_fec_new(struct ks_fec **out, const struct ks_fec_kernel *kernel)
{
	struct ks_fec *fec = calloc(1, sizeof(*fec) + kernel->scratch);

	if (fec == NULL)
		return -ENOMEM;
	fec->kernel = kernel;
	make_tables(fec);
	*out = fec;
	return KS_EOK;
}

void ks_fec_free(struct ks_fec *fec)
{
	free(fec);
}

/* 1 / (row xor column): the coefficient of data shard `column` in parity shard `row`. */
static uint8_t cauchy(const struct ks_fec *fec, size_t row, size_t column)
{
	return fec->inverse[row ^ column];
}

static void multiply(struct ks_fec *fec, size_t len, size_t n, size_t rows, const uint8_t *const src[],
		     uint8_t *const dst[])
{
	fec->kernel->multiply(len, n, rows, fec->coefficients, src, dst, fec->scratch);
}

void ks_fec_encode(struct ks_fec *fec, size_t k, size_t len, const uint8_t *const data[], size_t first, size_t rows,
		   uint8_t *const parity[])
{
	uint8_t *at = fec->coefficients;

	for (size_t r = 0; r < rows; r++)
		for (size_t j = 0; j < k; j++)
			*at++ = cauchy(fec, first + r, j);
	multiply(fec, len, k, rows, data, parity);
}

static void add(uint8_t *to, const uint8_t *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] ^= from[i];
}

/* What the parity shards say about the lost shards alone: what they are, less the part of the data that is here. */
static void make_syndromes(struct ks_fec *fec, size_t len, const uint8_t *const present[],
			   const uint8_t *present_number, size_t n_present,
			   const uint8_t *const parity[], const uint8_t *parity_number, size_t lost)
{
	uint8_t *dst[LOST_MAX], *at = fec->coefficients;

	for (size_t r = 0; r < lost; r++) {
		dst[r] = fec->syndromes + r * KS_SHARD_MAX;
		for (size_t j = 0; j < n_present; j++)
			*at++ = cauchy(fec, parity_number[r], present_number[j]);
	}
	if (n_present > 0)
		multiply(fec, len, n_present, lost, present, dst);
	for (size_t r = 0; r < lost; r++) {
		if (n_present > 0)
			add(dst[r], parity[r], len);
		else
			memcpy(dst[r], parity[r], len);
	}
}

/* The logarithm of the product over k of (a[i] + b[k]), divided by that over k != i of (a[i] + a[k]). */
static unsigned inverse_factor(const struct ks_fec *fec, const uint8_t *a, const uint8_t *b, size_t n, size_t i)
{
	unsigned sum = 0;

	for (size_t k = 0; k < n; k++) {
		sum += fec->log[a[i] ^ b[k]];
		if (k != i)
			sum += FIELD_ORDER - fec->log[a[i] ^ a[k]];
	}
	return sum % FIELD_ORDER;
}

/* The inverse of the Cauchy matrix 1 / (x[i] + y[j]) has a closed form (Schechter 1959), so that no elimination
 * is needed: with f and g the factors above of row i and column j it is f g / (x[i] + y[j]) at (j, i). */
static void make_inverse(struct ks_fec *fec, const uint8_t *x, const uint8_t *y, size_t n)
{
	unsigned fx[LOST_MAX], fy[LOST_MAX];
	uint8_t *at = fec->coefficients;

	for (size_t i = 0; i < n; i++) {
		fx[i] = inverse_factor(fec, x, y, n, i);
		fy[i] = inverse_factor(fec, y, x, n, i);
	}
	for (size_t j = 0; j < n; j++)
		for (size_t i = 0; i < n; i++)
			*at++ = fec->exp[(fx[i] + fy[j] + FIELD_ORDER - fec->log[x[i] ^ y[j]]) % FIELD_ORDER];
}

void ks_fec_decode(struct ks_fec *fec, size_t k, size_t len, const uint8_t *const data[],
		   const uint8_t *const parity[], const uint8_t parity_number[], uint8_t *const out[])
{
	const uint8_t *present[KS_FEC_SHARDS_MAX], *syndromes[LOST_MAX];
	uint8_t present_number[KS_FEC_SHARDS_MAX], lost_number[KS_FEC_SHARDS_MAX];
	size_t n_present = 0, lost = 0;

	for (size_t i = 0; i < k; i++) {
		if (data[i] != NULL) {
			present_number[n_present] = (uint8_t)i;
			present[n_present++] = data[i];
		} else {
			lost_number[lost++] = (uint8_t)i;
		}
	}
	if (lost == 0)
		return;
	make_syndromes(fec, len, present, present_number, n_present, parity, parity_number, lost);
	for (size_t i = 0; i < lost; i++)
		syndromes[i] = fec->syndromes + i * KS_SHARD_MAX;
	make_inverse(fec, parity_number, lost_number, lost);
	multiply(fec, len, lost, lost, syndromes, out);
}

/* The smallest root with root * root >= square. */
static uint64_t root_above(uint64_t square)
{
	uint64_t low = 0, high = UINT64_C(1) << 31;

	while (low < high) {
		uint64_t middle = (low + high) / 2;

		if (middle * middle >= square)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* In millionths: how many standard deviations above the mean, what the skew of the distribution adds, and what rounding
 * may have taken away. */
static const struct {
	uint64_t deviations, skew, rest;
} quantiles[KS_CHANCES] = {
	[KS_CHANCE_90] = { 1281600, 0, 0 },
	[KS_CHANCE_99] = { 2326300, 740000, 0 },
	[KS_CHANCE_9999] = { 4000000, 0, 3 },
};

size_t ks_fec_parity(size_t k, uint32_t loss_ppm, enum ks_chance chance)
{
	uint64_t lost = (uint64_t)k * loss_ppm;		/* in millionths of a shard, as all below */
	uint64_t margin, m;

	if (k >= KS_FEC_SHARDS_MAX)
		return 0;
	if (loss_ppm >= MILLION)
		return KS_FEC_SHARDS_MAX - k;
	margin = (root_above(lost * MILLION) * quantiles[chance].deviations + MILLION - 1) / MILLION;
	margin += quantiles[chance].skew * (MILLION + loss_ppm) / MILLION;
	m = (lost + margin + MILLION - loss_ppm - 1) / (MILLION - loss_ppm) + quantiles[chance].rest;
	return m < KS_FEC_SHARDS_MAX - k ? (size_t)m : KS_FEC_SHARDS_MAX - k;
}
