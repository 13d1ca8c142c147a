/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/seal.h"

#include <string.h>

#include <sodium.h>

#include "lib/base/cursor.h"

#define NONCE_SIZE crypto_aead_chacha20poly1305_ietf_NPUBBYTES

_Static_assert(crypto_aead_chacha20poly1305_ietf_KEYBYTES == KS_SEAL_KEY_SIZE, "key size");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == KS_SEAL_KEY_SIZE, "key size");
_Static_assert(crypto_aead_chacha20poly1305_ietf_ABYTES == KS_TAG_SIZE, "tag size");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == KS_SETUP_NONCE_SIZE, "nonce size");

/* The label says what a key is for, so that no two keys from one secret are ever the same. */
static void derive(const struct ks_psk *psk, const char *label, const uint8_t *parent_nonce,
		   const uint8_t *relay_nonce, uint8_t out[KS_SEAL_KEY_SIZE])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, psk->key, KS_PSK_SIZE, KS_SEAL_KEY_SIZE);
	crypto_generichash_update(&state, (const uint8_t *)label, strlen(label));
	if (parent_nonce != NULL)
		crypto_generichash_update(&state, parent_nonce, KS_SESSION_NONCE_SIZE);
	if (relay_nonce != NULL)
		crypto_generichash_update(&state, relay_nonce, KS_SESSION_NONCE_SIZE);
	crypto_generichash_final(&state, out, KS_SEAL_KEY_SIZE);
	sodium_memzero(&state, sizeof(state));
}

void ks_seal_setup_keys(const struct ks_psk *psk, struct ks_setup_keys *keys)
{
	derive(psk, "koshien-wire-1 setup down", NULL, NULL, keys->down);
	derive(psk, "koshien-wire-1 setup up", NULL, NULL, keys->up);
}

void ks_seal_session_keys(const struct ks_psk *psk, const uint8_t parent_nonce[KS_SESSION_NONCE_SIZE],
			  const uint8_t relay_nonce[KS_SESSION_NONCE_SIZE], struct ks_session_keys *keys)
{
	derive(psk, "koshien-wire-1 down", parent_nonce, relay_nonce, keys->down);
	derive(psk, "koshien-wire-1 up", parent_nonce, relay_nonce, keys->up);
}

void ks_seal_blind_key(const struct ks_psk *psk, const uint8_t parent_nonce[KS_SESSION_NONCE_SIZE],
		       uint8_t key[KS_SEAL_KEY_SIZE])
{
	derive(psk, "koshien-wire-1 blind", parent_nonce, NULL, key);
}

static void make_nonce(uint64_t counter, uint8_t nonce[NONCE_SIZE])
{
	struct ks_writer w = ks_writer(nonce, NONCE_SIZE);

	ks_write_u32(&w, 0);
	ks_write_u64(&w, counter);
}

void ks_seal(const uint8_t key[KS_SEAL_KEY_SIZE], const uint8_t header[KS_HEADER_SIZE], uint64_t counter,
	     const uint8_t *plain, size_t len, uint8_t *out)
{
	uint8_t nonce[NONCE_SIZE];

	make_nonce(counter, nonce);
	crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plain, len, header, KS_HEADER_SIZE, NULL, nonce, key);
}

enum ks_drop ks_unseal(const uint8_t key[KS_SEAL_KEY_SIZE], const uint8_t header[KS_HEADER_SIZE],
		       uint64_t counter, const uint8_t *sealed, size_t len, uint8_t *out)
{
	uint8_t nonce[NONCE_SIZE];

	if (len < KS_TAG_SIZE)
		return KS_DROP_SHORT;
	make_nonce(counter, nonce);
	return crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, len, header, KS_HEADER_SIZE,
							 nonce, key) == 0 ? KS_DROP_NONE : KS_DROP_TAG;
}

void ks_seal_setup(const uint8_t key[KS_SEAL_KEY_SIZE], const uint8_t *clear, size_t clear_len,
		   const uint8_t nonce[KS_SETUP_NONCE_SIZE], const uint8_t *plain, size_t len, uint8_t *out)
{
	crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, plain, len, clear, clear_len, NULL, nonce, key);
}

enum ks_drop ks_unseal_setup(const uint8_t key[KS_SEAL_KEY_SIZE], const uint8_t *clear, size_t clear_len,
			     const uint8_t nonce[KS_SETUP_NONCE_SIZE], const uint8_t *sealed, size_t len,
			     uint8_t *out)
{
	if (len < KS_TAG_SIZE)
		return KS_DROP_SHORT;
	return crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, len, clear, clear_len, nonce,
							  key) == 0 ? KS_DROP_NONE : KS_DROP_TAG;
}

static void clear_bits(struct ks_replay *replay, uint64_t from, uint64_t to)
{
	if (to - from >= KS_REPLAY_BITS) {
		memset(replay->bits, 0, sizeof(replay->bits));
		return;
	}
	for (uint64_t i = from; i < to; i++)
		replay->bits[i % KS_REPLAY_BITS / 64] &= ~(UINT64_C(1) << i % 64);
}

enum ks_drop ks_replay_take(struct ks_replay *replay, uint64_t counter)
{
	uint64_t *word = &replay->bits[counter % KS_REPLAY_BITS / 64], bit = UINT64_C(1) << counter % 64;

	if (counter >= KS_COUNTER_END)
		return KS_DROP_LIMIT;
	if (counter >= replay->next) {
		clear_bits(replay, replay->next, counter + 1);
		replay->next = counter + 1;
	} else if (replay->next - counter > KS_REPLAY_BITS || (*word & bit) != 0) {
		return KS_DROP_REPLAY;
	}
	*word |= bit;
	return KS_DROP_NONE;
}
