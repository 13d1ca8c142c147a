/* SPDX-License-Identifier: Apache-2.0
 *
 * encode: an object is copied and all its parity made, as the sender does (lib/wire/object.c). decode: shards become
 * an object, as in the receiver (lib/wire/assembler.c), with a tenth of the data lost. Beside them the same by ISA-L
 * alone, in its users' usual way, and a mere copy of the frame.
 */
#include "config.h"

#include "bench/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>
#ifdef HAVE_ISAL
#include <isa-l/erasure_code.h>
#endif

#include "lib/base/error.h"
#include "lib/wire/assembler.h"
#include "lib/wire/fec.h"
#include "lib/wire/object.h"

#define METRIC "cpu_us_per_frame"
#define LOSS_PPM 100000
#define TABLE_SIZE 32		/* bytes per coefficient in ISA-L's tables */

struct code {
	size_t k, m, lost;
	uint8_t *frame, *copy;		/* k shards */
	uint8_t *shards[KS_FEC_SHARDS_MAX];	/* data in the frame, then parity */
	uint8_t *made[KS_FEC_SHARDS_MAX];	/* by ISA-L */
	struct ks_fec *fec;
	struct ks_object object;
	struct ks_assembler *assembler;
	uint32_t seq;
	uint8_t matrix[KS_FEC_SHARDS_MAX * KS_FEC_SHARDS_MAX];
	uint8_t tables[KS_FEC_SHARDS_MAX * KS_FEC_SHARDS_MAX * TABLE_SIZE];
};

static struct ks_data_header header_of(const struct code *code, uint32_t seq)
{
	return (struct ks_data_header){ .track = 1, .epoch = 16, .seq = seq, .nblocks = 1,
					.object_len = (uint32_t)(code->k * BENCH_SHARD) };
}

static void copy(void *ctx)
{
	struct code *code = ctx;

	memcpy(code->copy, code->frame, code->k * BENCH_SHARD);
	__asm__ volatile("" : : "r"(code->copy) : "memory");	/* nobody reads it: still to be done */
}

static void encode(void *ctx)
{
	struct code *code = ctx;
	const struct ks_data_header header = header_of(code, 1);
	struct ks_object_size *size;

	if (ks_object_set(&code->object, &header, code->frame, code->k * BENCH_SHARD, LOSS_PPM) != KS_EOK)
		bench_die("out of memory");
	size = ks_object_size(&code->object, BENCH_SHARD);
	if (size == NULL || size->layout.nblocks != 1)
		bench_die("%zu shards are not one block", code->k);
	for (size_t i = code->k; i < code->k + code->m; i++)
		if (ks_object_shard(&code->object, size, code->fec, 0, i) == NULL)
			bench_die("out of memory");
}

/* Whether a data shard is lost: that many of k, evenly. */
static bool is_lost(const struct code *code, size_t i)
{
	return i * code->lost / code->k != (i + 1) * code->lost / code->k;
}

/* Returns the assembly when the shard was its last. */
static struct ks_assembly *give(struct code *code, size_t shard)
{
	struct ks_data_header header = header_of(code, code->seq);
	struct ks_assembly *assembly;
	bool first;

	header.shard = (uint8_t)shard;
	if (ks_assembler_add(code->assembler, 0, &header, code->shards[shard], BENCH_SHARD, code->seq, &assembly,
			     &first) != KS_DROP_NONE)
		bench_die("a shard was refused");
	return assembly->missing == 0 ? assembly : NULL;
}

static void decode(void *ctx)
{
	struct code *code = ctx;
	struct ks_assembly *whole = NULL;

	code->seq++;
	for (size_t i = 0; i < code->k; i++)
		if (!is_lost(code, i))
			whole = give(code, i);
	for (size_t i = 0; i < code->lost; i++)
		whole = give(code, code->k + i);
	if (whole == NULL || memcmp(ks_assembler_decode(code->assembler, whole), code->frame, 64) != 0)
		bench_die("a frame was not put together");
	ks_assembler_accept(code->assembler, whole);
}

#ifdef HAVE_ISAL
static void encode_isal(void *ctx)
{
	struct code *code = ctx;

	ec_encode_data(BENCH_SHARD, (int)code->k, (int)code->m, code->tables, code->shards, code->made);
}

/* As in ISA-L's own example: the rows of the shards that are here, inverted; of the inverse the rows of the lost. */
static void decode_isal(void *ctx)
{
	static uint8_t rows[KS_FEC_SHARDS_MAX * KS_FEC_SHARDS_MAX], inverse[KS_FEC_SHARDS_MAX * KS_FEC_SHARDS_MAX];
	struct code *code = ctx;
	size_t k = code->k, here = 0, lost = 0;
	uint8_t *from[KS_FEC_SHARDS_MAX];

	for (size_t i = 0; here < k; i++) {
		if (i < k && is_lost(code, i))
			continue;
		memcpy(rows + here * k, code->matrix + i * k, k);
		from[here++] = code->shards[i];
	}
	if (gf_invert_matrix(rows, inverse, (int)k) != 0)
		bench_die("ISA-L cannot invert the matrix");
	for (size_t i = 0; i < k; i++)
		if (is_lost(code, i))
			memcpy(rows + lost++ * k, inverse + i * k, k);
	ec_init_tables((int)k, (int)lost, rows, code->tables);
	ec_encode_data(BENCH_SHARD, (int)k, (int)lost, code->tables, from, code->made);
}

static void prepare_isal(struct code *code)
{
	gf_gen_cauchy1_matrix(code->matrix, (int)(code->k + code->m), (int)code->k);
	ec_init_tables((int)code->k, (int)code->m, code->matrix + code->k * code->k, code->tables);
}

/* Both sides must have made the same bytes, or the comparison is void. */
static void compare_encoded(struct code *code)
{
	encode_isal(code);
	for (size_t i = 0; i < code->m; i++)
		if (memcmp(code->made[i], code->shards[code->k + i], BENCH_SHARD) != 0)
			bench_die("ISA-L's parity is not ours");
}

static void compare_decoded(struct code *code)
{
	size_t lost = 0;

	decode_isal(code);
	for (size_t i = 0; i < code->k; i++)
		if (is_lost(code, i) && memcmp(code->made[lost++], code->shards[i], BENCH_SHARD) != 0)
			bench_die("ISA-L's data is not ours");
}
#endif

static void *take(size_t len)
{
	void *bytes = malloc(len);

	if (bytes == NULL)
		bench_die("out of memory");
	randombytes_buf(bytes, len);
	return bytes;
}

static struct code *new_code(size_t k)
{
	struct code *code = calloc(1, sizeof(*code));
	const uint8_t *data[KS_FEC_SHARDS_MAX];

	if (code == NULL || ks_fec_new(&code->fec, ks_fec_best()) != KS_EOK ||
	    ks_assembler_new(&code->assembler, code->fec) != KS_EOK)
		bench_die("out of memory");
	code->k = k;
	code->m = ks_fec_parity(k, LOSS_PPM, KS_CHANCE_9999);
	code->lost = (k + 9) / 10;
	code->frame = take(k * BENCH_SHARD);
	code->copy = take(k * BENCH_SHARD);
	for (size_t i = 0; i < k; i++)
		data[i] = code->shards[i] = code->frame + i * BENCH_SHARD;
	for (size_t i = 0; i < code->m; i++) {
		code->shards[k + i] = take(BENCH_SHARD);
		code->made[i] = take(BENCH_SHARD);
	}
	ks_fec_encode(code->fec, k, BENCH_SHARD, data, k, code->m, &code->shards[k]);
	return code;
}

static void free_code(struct code *code)
{
	for (size_t i = 0; i < code->m; i++) {
		free(code->shards[code->k + i]);
		free(code->made[i]);
	}
	free(code->frame);
	free(code->copy);
	ks_object_free(&code->object);
	ks_assembler_free(code->assembler);
	ks_fec_free(code->fec);
	free(code);
}

static void measure(const struct bench *bench, const char *name, struct bench_subject *subjects, const char *ours)
{
	size_t n = 2;

#ifdef HAVE_ISAL
	n = 3;
#else
	bench_skipped(name, "isal", METRIC, "built without ISA-L");
#endif
	bench_progress("%s, %s", ours, name);
	bench_alternate(bench, name, METRIC, subjects, n);
	bench_ratio(name, METRIC, ours, "memcpy", 0);
#ifdef HAVE_ISAL
	bench_ratio(name, METRIC, ours, "isal", 0);
#endif
}

static void measure_encode(const struct bench *bench, size_t k)
{
	struct code *code = new_code(k);
	struct bench_subject subjects[] = {
		{ "encode", encode, code, 1 },
		{ "memcpy", copy, code, 1 },
#ifdef HAVE_ISAL
		{ "isal", encode_isal, code, 1 },
#endif
	};
	char name[32];

	snprintf(name, sizeof(name), "k=%zu,m=%zu", k, code->m);
#ifdef HAVE_ISAL
	prepare_isal(code);
	compare_encoded(code);
#endif
	measure(bench, name, subjects, "encode");
	free_code(code);
}

static void measure_decode(const struct bench *bench, size_t k)
{
	struct code *code = new_code(k);
	struct bench_subject subjects[] = {
		{ "decode", decode, code, 1 },
		{ "memcpy", copy, code, 1 },
#ifdef HAVE_ISAL
		{ "isal", decode_isal, code, 1 },
#endif
	};
	char name[32];

	snprintf(name, sizeof(name), "k=%zu,lost=%zu", k, code->lost);
#ifdef HAVE_ISAL
	prepare_isal(code);
	compare_decoded(code);
#endif
	measure(bench, name, subjects, "decode");
	free_code(code);
}

void bench_code(const struct bench *bench)
{
	static const size_t sizes[] = { 22, 85, 174 };	/* frames of 25, 98 and 200 kB */

	bench_note("encode", "ks_object_set() and all parity of a frame of k shards of %d bytes, kernel %s; m is for a "
		   "loss of %d %% and 9999 of 10000 frames", BENCH_SHARD, ks_fec_best()->name, LOSS_PPM / 10000);
	bench_note("decode", "ks_assembler_add() of k shards, with parity for the lost data, ks_assembler_decode() and "
		   "ks_assembler_accept()");
	bench_note("isal", "encode: ec_encode_data() with tables made before; decode: k x k gf_invert_matrix(), "
		   "ec_init_tables() and ec_encode_data() of the lost rows, per frame");
	bench_note("memcpy", "the k shards of the frame, once");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		measure_encode(bench, sizes[i]);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		measure_decode(bench, sizes[i]);
}
