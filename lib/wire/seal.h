/* SPDX-License-Identifier: Apache-2.0
 *
 * The seal of the hop between a sender and a relay. Within a session: ChaCha20-Poly1305 (RFC 8439), one key
 * per direction, the nonce is four zero bytes and the datagram's counter, the clear header is associated
 * data. For setting a session up: XChaCha20-Poly1305 with a random nonce, under keys from the pre-shared
 * key alone. No state is hidden here; every function is thread-safe.
 */
#ifndef KS_WIRE_SEAL_H
#define KS_WIRE_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/wire/datagram.h"
#include "lib/wire/psk.h"

#define KS_SEAL_KEY_SIZE 32
#define KS_SETUP_NONCE_SIZE 24	/* in clear, in front of the sealed part of set-up */
#define KS_SESSION_NONCE_SIZE 32	/* each side's share of the session's keys */

/* From a relay's key alone, one per direction: for set-up. */
struct ks_setup_keys {
	uint8_t down[KS_SEAL_KEY_SIZE];	/* parent to relay: OFFER, CHALLENGE, ACCEPT, BLIND */
	uint8_t up[KS_SEAL_KEY_SIZE];	/* relay to parent: SUBSCRIBE */
};

void ks_seal_setup_keys(const struct ks_psk *psk, struct ks_setup_keys *keys);

struct ks_session_keys {
	uint8_t down[KS_SEAL_KEY_SIZE];
	uint8_t up[KS_SEAL_KEY_SIZE];
};

void ks_seal_session_keys(const struct ks_psk *psk, const uint8_t parent_nonce[KS_SESSION_NONCE_SIZE],
			  const uint8_t relay_nonce[KS_SESSION_NONCE_SIZE], struct ks_session_keys *keys);

/* The down key of a session that has no way back; nothing can be opened with it that was not sealed for it. */
void ks_seal_blind_key(const struct ks_psk *psk, const uint8_t parent_nonce[KS_SESSION_NONCE_SIZE],
		       uint8_t key[KS_SEAL_KEY_SIZE]);

/* Seals len bytes into len + KS_TAG_SIZE bytes at out. One counter value is used once per key. */
void ks_seal(const uint8_t key[KS_SEAL_KEY_SIZE], const uint8_t header[KS_HEADER_SIZE], uint64_t counter,
	     const uint8_t *plain, size_t len, uint8_t *out);

/* Opens len bytes, tag included, into len - KS_TAG_SIZE bytes. KS_DROP_NONE, SHORT or TAG. */
enum ks_drop ks_unseal(const uint8_t key[KS_SEAL_KEY_SIZE], const uint8_t header[KS_HEADER_SIZE],
		       uint64_t counter, const uint8_t *sealed, size_t len, uint8_t *out);

/* The same for set-up, with all that stands in clear in front of the nonce as associated data. */
void ks_seal_setup(const uint8_t key[KS_SEAL_KEY_SIZE], const uint8_t *clear, size_t clear_len,
		   const uint8_t nonce[KS_SETUP_NONCE_SIZE], const uint8_t *plain, size_t len, uint8_t *out);
enum ks_drop ks_unseal_setup(const uint8_t key[KS_SEAL_KEY_SIZE], const uint8_t *clear, size_t clear_len,
			     const uint8_t nonce[KS_SETUP_NONCE_SIZE], const uint8_t *sealed, size_t len,
			     uint8_t *out);

/* Which counters have been seen (RFC 6479 in spirit): zero it for a new session. */
#define KS_REPLAY_BITS 2048

struct ks_replay {
	uint64_t next;		/* one above the highest seen */
	uint64_t bits[KS_REPLAY_BITS / 64];
};

/* Takes note of a counter whose datagram was authentic. KS_DROP_NONE, REPLAY, or LIMIT from KS_COUNTER_END on. */
enum ks_drop ks_replay_take(struct ks_replay *replay, uint64_t counter);

#endif
