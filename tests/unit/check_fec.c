/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "lib/wire/fec.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#ifdef HAVE_ISAL
#include <isa-l/erasure_code.h>
#endif

#include "lib/base/error.h"
#include "lib/wire/datagram.h"
#include "tests/unit/unit.h"

#define N KS_FEC_SHARDS_MAX

struct code {
	size_t k, m, len;
	uint8_t bytes[N][KS_SHARD_MAX];		/* all shards as they should be */
};

static struct ks_fec *portable, *best;
static struct code code;
static uint64_t random_state;

static uint32_t random_u32(void)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(random_state >> 33);
}

static void setup_kernel(const struct ks_fec_kernel *kernel)
{
	random_state = 20100807;
	ck_assert_int_eq(ks_fec_new(&portable, &ks_fec_portable), KS_EOK);
	ck_assert_int_eq(ks_fec_new(&best, kernel), KS_EOK);
}

static void setup(void)
{
	setup_kernel(ks_fec_best());
}

#ifdef HAVE_ISAL
extern const struct ks_fec_kernel ks_fec_isal;

static void setup_isal(void)
{
	setup_kernel(&ks_fec_isal);
}
#endif

static void teardown(void)
{
	ks_fec_free(portable);
	ks_fec_free(best);
}

/* Multiplication as the field is defined, bit by bit. */
static uint8_t field_product(unsigned a, unsigned b)
{
	unsigned product = 0;

	for (; b > 0; b >>= 1) {
		if ((b & 1) != 0)
			product ^= a;
		a <<= 1;
		if (a > 255)
			a ^= 0x11d;
	}
	return (uint8_t)product;
}

static void make_code(struct ks_fec *fec, size_t k, size_t m, size_t len)
{
	const uint8_t *data[N];
	uint8_t *parity[N];

	code.k = k;
	code.m = m;
	code.len = len;
	for (size_t i = 0; i < k; i++) {
		for (size_t b = 0; b < len; b++)
			code.bytes[i][b] = (uint8_t)random_u32();
		data[i] = code.bytes[i];
	}
	for (size_t i = 0; i < m; i++)
		parity[i] = code.bytes[k + i];
	ks_fec_encode(fec, k, len, data, k, m, parity);
}

/* Decodes from the data that is not lost and the first parity shards that are not. */
static void check_decode(struct ks_fec *fec, const bool lost[N])
{
	static uint8_t space[N][KS_SHARD_MAX];
	const uint8_t *data[N], *parity[N];
	uint8_t number[N], *out[N];
	size_t n_lost = 0, n_parity = 0;

	for (size_t i = 0; i < code.k; i++) {
		data[i] = lost[i] ? NULL : code.bytes[i];
		if (lost[i]) {
			out[n_lost] = space[n_lost];
			n_lost++;
		}
	}
	for (size_t i = code.k; i < code.k + code.m && n_parity < n_lost; i++) {
		if (lost[i])
			continue;
		number[n_parity] = (uint8_t)i;
		parity[n_parity++] = code.bytes[i];
	}
	ck_assert_uint_eq(n_parity, n_lost);
	ks_fec_decode(fec, code.k, code.len, data, parity, number, out);
	for (size_t i = 0, o = 0; i < code.k; i++)
		if (lost[i])
			ck_assert_mem_eq(out[o++], code.bytes[i], code.len);
}

START_TEST(coefficients_are_those_of_the_definition)
{
	for (size_t k = 1; k <= 254; k += 23) {
		uint8_t unit[N] = { 0 }, got[N][1], *parity[N];
		const uint8_t *data[N];
		size_t m = N - k;
#ifdef HAVE_ISAL
		static uint8_t matrix[N * N];

		gf_gen_cauchy1_matrix(matrix, N, (int)k);
#endif
		for (size_t i = 0; i < m; i++)
			parity[i] = got[i];
		for (size_t i = 0; i < k; i++)
			data[i] = &unit[i];
		for (size_t j = 0; j < k; j++) {
			unit[j] = 1;
			ks_fec_encode(portable, k, 1, data, k, m, parity);
			unit[j] = 0;
			for (size_t i = 0; i < m; i++) {
				ck_assert_uint_eq(field_product(got[i][0], (unsigned)((k + i) ^ j)), 1);
#ifdef HAVE_ISAL
				ck_assert_uint_eq(got[i][0], matrix[(k + i) * k + j]);
#endif
			}
		}
	}
}
END_TEST

START_TEST(every_pattern_of_small_codes)
{
	struct ks_fec *fec = _i == 0 ? portable : best;

	for (size_t k = 1; k <= 6; k++)
		for (size_t m = 0; m <= 5; m++) {
			make_code(fec, k, m, 9);
			for (unsigned pattern = 0; pattern < 1u << (k + m); pattern++) {
				bool lost[N] = { false };

				if (__builtin_popcount(pattern) > (int)m)
					continue;
				for (size_t i = 0; i < k + m; i++)
					lost[i] = (pattern >> i & 1) != 0;
				check_decode(fec, lost);
			}
		}
}
END_TEST

static const size_t big[][2] = { { 22, 13 }, { 85, 43 }, { 174, 78 }, { 127, 128 }, { 128, 127 }, { 1, 254 },
				 { 254, 1 }, { 200, 55 }, { 2, 100 } };

START_TEST(random_patterns_of_big_codes)
{
	size_t k = big[_i][0], m = big[_i][1], most = k < m ? k : m;

	for (int round = 0; round < 4; round++) {
		size_t len = round == 0 ? KS_SHARD_MAX : 528 + random_u32() % (KS_SHARD_MAX - 528);

		make_code(round % 2 == 0 ? portable : best, k, m, len);
		for (int pattern = 0; pattern < 3; pattern++) {
			bool lost[N] = { false };

			/* First as many data shards as can be, then any. */
			for (size_t n = pattern == 0 ? most : m; n > 0;) {
				size_t i = random_u32() % (pattern == 0 ? k : k + m);

				n -= !lost[i];
				lost[i] = true;
			}
			check_decode(portable, lost);
			check_decode(best, lost);
		}
	}
}
END_TEST

START_TEST(both_make_the_same_bytes)
{
	static struct code first;

	for (size_t i = 0; i < sizeof(big) / sizeof(big[0]); i++)
		for (size_t len = 1; len <= KS_SHARD_MAX; len = 3 * len + 1) {
			uint64_t seed = random_state;

			make_code(portable, big[i][0], big[i][1], len);
			first = code;
			random_state = seed;
			make_code(best, big[i][0], big[i][1], len);
			for (size_t s = 0; s < code.k + code.m; s++)
				ck_assert_mem_eq(first.bytes[s], code.bytes[s], len);
		}
}
END_TEST

/* What adaptive redundancy and NACK will stand on. */
START_TEST(parity_does_not_depend_on_how_much_is_made)
{
	const uint8_t *data[N];
	uint8_t one[KS_SHARD_MAX], *out[] = { one };

	make_code(best, 100, 155, 600);
	for (size_t i = 0; i < 100; i++)
		data[i] = code.bytes[i];
	for (size_t s = 100; s < 255; s++) {
		ks_fec_encode(portable, 100, 600, data, s, 1, out);
		ck_assert_mem_eq(one, code.bytes[s], 600);
	}
}
END_TEST

/* The probability that at least k of k + m arrive. */
static double arrival(size_t k, size_t m, double p)
{
	double sum = 0, n = (double)(k + m);

	for (size_t lost = 0; lost <= m; lost++) {
		double l = (double)lost;

		sum += exp(lgamma(n + 1) - lgamma(l + 1) - lgamma(n - l + 1) + l * log(p) + (n - l) * log1p(-p));
	}
	return sum;
}

static const double chances[KS_CHANCES] = {
	[KS_CHANCE_90] = 0.9, [KS_CHANCE_99] = 0.99, [KS_CHANCE_9999] = 0.9999,
};

static size_t exact(size_t k, double p, enum ks_chance chance)
{
	size_t m = 0;

	while (arrival(k, m, p) < chances[chance])
		m++;
	return m;
}

START_TEST(formula_is_never_short_and_close)
{
	static const uint32_t losses[] = { 5000, 10000, 20000, 50000, 100000, 150000, 200000, 300000 };
	static const size_t surplus[KS_CHANCES] = { [KS_CHANCE_90] = 1, [KS_CHANCE_99] = 2, [KS_CHANCE_9999] = 3 };
	enum ks_chance chance = (enum ks_chance)_i;

	for (size_t l = 0; l < sizeof(losses) / sizeof(losses[0]); l++)
		for (size_t k = 1; k <= 228; k++) {
			size_t m = ks_fec_parity(k, losses[l], chance), least = exact(k, losses[l] / 1e6, chance);

			ck_assert_uint_le(k + m, N);
			if (k + least + 3 > N)
				break;
			ck_assert_msg(m >= least && m <= least + surplus[chance], "k=%zu p=%u: m=%zu, exact %zu", k,
				      losses[l], m, least);
		}
}
END_TEST

START_TEST(table_of_the_exact_sums)
{
	static const struct { size_t k; size_t m[5]; } rows[] = {
		{ 22, { 4, 7, 11, 18, 27 } }, { 43, { 5, 10, 16, 27, 41 } }, { 85, { 6, 15, 24, 44, 67 } },
		{ 128, { 7, 19, 31, 59, 92 } }, { 170, { 8, 23, 38, 73, 115 } },
	};
	static const double losses[] = { 0.01, 0.05, 0.1, 0.2, 0.3 };

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
		for (size_t l = 0; l < 5; l++)
			ck_assert_uint_eq(exact(rows[r].k, losses[l], KS_CHANCE_9999), rows[r].m[l]);
}
END_TEST

START_TEST(formula_at_its_ends)
{
	ck_assert_uint_eq(ks_fec_parity(22, 100000, KS_CHANCE_9999), 13);	/* (2.2 + 4 sqrt 2.2) / 0.9 = 9.04 */
	ck_assert_uint_eq(ks_fec_parity(174, 200000, KS_CHANCE_90), 53);	/* (34.8 + 7.56) / 0.8 = 52.95 */
	ck_assert_uint_eq(ks_fec_parity(174, 200000, KS_CHANCE_99), 62);	/* (34.8 + 13.72 + 0.89) / 0.8 = 61.8 */
	ck_assert_uint_eq(ks_fec_parity(100, 0, KS_CHANCE_90), 0);
	ck_assert_uint_eq(ks_fec_parity(100, 0, KS_CHANCE_9999), 3);
	ck_assert_uint_eq(ks_fec_parity(254, 500000, KS_CHANCE_9999), 1);
	ck_assert_uint_eq(ks_fec_parity(255, 500000, KS_CHANCE_9999), 0);
	ck_assert_uint_eq(ks_fec_parity(100000, 100000, KS_CHANCE_9999), 0);
	ck_assert_uint_eq(ks_fec_parity(1, 999999, KS_CHANCE_9999), 254);
	ck_assert_uint_eq(ks_fec_parity(1, 1000000, KS_CHANCE_9999), 254);
	ck_assert_uint_eq(ks_fec_parity(1, UINT32_MAX, KS_CHANCE_9999), 254);
}
END_TEST

static void add_kernel_tests(TCase *tc)
{
	tcase_add_loop_test(tc, every_pattern_of_small_codes, 0, 2);
	tcase_add_loop_test(tc, random_patterns_of_big_codes, 0, (int)(sizeof(big) / sizeof(big[0])));
	tcase_add_test(tc, both_make_the_same_bytes);
	tcase_add_test(tc, parity_does_not_depend_on_how_much_is_made);
}

static Suite *fec_suite(void)
{
	Suite *suite = suite_create("fec");
	TCase *tc = tcase_create("fec");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, coefficients_are_those_of_the_definition);
	add_kernel_tests(tc);
	tcase_add_loop_test(tc, formula_is_never_short_and_close, 0, KS_CHANCES);
	tcase_add_test(tc, table_of_the_exact_sums);
	tcase_add_test(tc, formula_at_its_ends);
	suite_add_tcase(suite, tc);
#ifdef HAVE_ISAL
	/* Where there is a better one, the second best is what others run. */
	tc = tcase_create("isal");
	tcase_add_checked_fixture(tc, setup_isal, teardown);
	tcase_set_timeout(tc, 120);
	add_kernel_tests(tc);
	suite_add_tcase(suite, tc);
#endif
	return suite;
}

int main(void)
{
	return unit_run(fec_suite());
}
