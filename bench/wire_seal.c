/* SPDX-License-Identifier: Apache-2.0
 *
 * seal: a DATA datagram is written and sealed, as the sender does. open: it is judged, opened and read, as the receiver
 * does. Beside them libsodium alone over the same bytes.
 */
#include "bench/wire.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "lib/wire/message.h"
#include "lib/wire/seal.h"

#define METRIC "cpu_us_per_datagram"
#define GOAL 1.15
#define BATCH 256	/* datagrams per call: the replay window begins anew after these */
#define PLAIN (KS_DATA_HEADER_SIZE + BENCH_SHARD)

static struct {
	uint8_t key[KS_SEAL_KEY_SIZE], shard[BENCH_SHARD];
	uint8_t sealed[BATCH][KS_DATAGRAM_DEFAULT];
	uint8_t plain[PLAIN], out[KS_DATAGRAM_DEFAULT];
} bytes;

static const struct ks_data_header data = { .track = 1, .epoch = 16, .seq = 1, .object_len = BENCH_SHARD,
					    .nblocks = 1 };

static void seal_into(uint32_t counter, uint8_t *out)
{
	const struct ks_header header = { .type = KS_DATA, .session = 7, .counter = counter };

	ks_data_header_write(&data, bytes.plain);
	memcpy(bytes.plain + KS_DATA_HEADER_SIZE, bytes.shard, BENCH_SHARD);
	if (ks_session_write(&header, bytes.key, bytes.plain, PLAIN, out) != KS_DATAGRAM_DEFAULT)
		bench_die("a datagram is not %d bytes long", KS_DATAGRAM_DEFAULT);
}

static void seal(void *ctx)
{
	(void)ctx;
	for (uint32_t i = 0; i < BATCH; i++)
		seal_into(i, bytes.out);
}

static void open_all(void *ctx)
{
	struct ks_replay replay = { 0 };
	struct ks_header header;
	struct ks_data_header read;

	(void)ctx;
	for (uint32_t i = 0; i < BATCH; i++) {
		const uint8_t *at = bytes.sealed[i];

		if (ks_header_read(at, KS_DATAGRAM_DEFAULT, &header) != KS_DROP_NONE ||
		    ks_unseal(bytes.key, at, header.counter, at + KS_HEADER_SIZE,
			      KS_DATAGRAM_DEFAULT - KS_HEADER_SIZE, bytes.out) != KS_DROP_NONE ||
		    ks_replay_take(&replay, header.counter) != KS_DROP_NONE ||
		    ks_data_header_read(bytes.out, PLAIN, &read) != KS_DROP_NONE)
			bench_die("a datagram was refused");
	}
}

static void seal_sodium(void *ctx)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES] = { 0 };

	(void)ctx;
	for (uint32_t i = 0; i < BATCH; i++) {
		nonce[4] = (uint8_t)i;
		crypto_aead_chacha20poly1305_ietf_encrypt(bytes.out + KS_HEADER_SIZE, NULL, bytes.plain, PLAIN,
							  bytes.sealed[0], KS_HEADER_SIZE, NULL, nonce, bytes.key);
	}
}

static void open_sodium(void *ctx)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES] = { 0 };

	(void)ctx;
	for (uint32_t i = 0; i < BATCH; i++) {
		nonce[4] = (uint8_t)i;
		if (crypto_aead_chacha20poly1305_ietf_decrypt(bytes.out, NULL, NULL, bytes.sealed[i] + KS_HEADER_SIZE,
							      KS_DATAGRAM_DEFAULT - KS_HEADER_SIZE, bytes.sealed[i],
							      KS_HEADER_SIZE, nonce, bytes.key) != 0)
			bench_die("libsodium does not open what we sealed");
	}
}

static void measure(const struct bench *bench, const char *ours, void (*once)(void *ctx), void (*sodium)(void *ctx))
{
	const struct bench_subject subjects[] = { { ours, once, NULL, BATCH }, { "sodium", sodium, NULL, BATCH } };
	char name[32];

	snprintf(name, sizeof(name), "%s,datagram=%d", ours, KS_DATAGRAM_DEFAULT);
	bench_progress("%s", name);
	bench_alternate(bench, name, METRIC, subjects, 2);
	bench_ratio(name, METRIC, ours, "sodium", GOAL);
}

void bench_seal(const struct bench *bench)
{
	randombytes_buf(&bytes, sizeof(bytes));
	for (uint32_t i = 0; i < BATCH; i++)
		seal_into(i, bytes.sealed[i]);
	bench_note("seal", "a DATA datagram of %d bytes: both headers, the shard, ks_session_write()",
		   KS_DATAGRAM_DEFAULT);
	bench_note("open", "the same back: ks_header_read(), ks_unseal(), ks_replay_take(), ks_data_header_read()");
	bench_note("sodium", "crypto_aead_chacha20poly1305_ietf of the same %d bytes alone, libsodium %s", PLAIN,
		   sodium_version_string());
	measure(bench, "seal", seal, seal_sodium);
	measure(bench, "open", open_all, open_sodium);
}
