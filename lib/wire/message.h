/* SPDX-License-Identifier: Apache-2.0
 *
 * The datagrams that set sessions up and keep them: OFFER, ACCEPT, ALIVE, REPORT. Longer ones than written here
 * are read too, and what follows the known fields is ignored, so that fields can be added.
 */
#ifndef KS_WIRE_MESSAGE_H
#define KS_WIRE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/wire/datagram.h"
#include "lib/wire/seal.h"

#define KS_SENDER_ID_SIZE 8

/* The offer is the longer one, so that a forged return address gains nothing by it. */
#define KS_OFFER_SIZE 256
#define KS_ACCEPT_SIZE 128
#define KS_ALIVE_SIZE (KS_HEADER_SIZE + KS_TAG_SIZE)
#define KS_REPORT_SIZE (KS_HEADER_SIZE + 40 + KS_TAG_SIZE)

_Static_assert(KS_ACCEPT_SIZE < KS_OFFER_SIZE, "amplification");

struct ks_offer {
	uint8_t nonce[KS_SESSION_NONCE_SIZE];
	uint8_t sender_id[KS_SENDER_ID_SIZE];	/* random, one per sender and its run */
	uint32_t session;			/* the index that the sender listens to */
	uint16_t datagram;			/* the longest that it will send */
};

struct ks_accept {
	uint8_t sender_nonce[KS_SESSION_NONCE_SIZE];	/* from the offer */
	uint8_t nonce[KS_SESSION_NONCE_SIZE];
	uint32_t session;			/* the index that the relay listens to */
	bool continued;				/* the relay still has this sender's session before */
};

struct ks_report {
	uint64_t received, replayed;	/* datagrams of this session */
	uint64_t expected;		/* one above its highest counter */
	uint32_t delivered, lost;	/* objects of this sender, over all its sessions */
	uint32_t epoch, seq;		/* of the object delivered last; 0, 0: none */
};

size_t ks_offer_write(const struct ks_offer *offer, uint16_t key_id, const uint8_t key[KS_SEAL_KEY_SIZE],
		      const uint8_t nonce[KS_SETUP_NONCE_SIZE], uint8_t out[KS_OFFER_SIZE]);
enum ks_drop ks_offer_read(const uint8_t *bytes, size_t len, const uint8_t key[KS_SEAL_KEY_SIZE],
			   struct ks_offer *offer);

/* `session` is the sender's index, from its offer. */
size_t ks_accept_write(const struct ks_accept *accept, uint16_t key_id, uint32_t session,
		       const uint8_t key[KS_SEAL_KEY_SIZE], const uint8_t nonce[KS_SETUP_NONCE_SIZE],
		       uint8_t out[KS_ACCEPT_SIZE]);
enum ks_drop ks_accept_read(const uint8_t *bytes, size_t len, const uint8_t key[KS_SEAL_KEY_SIZE],
			    struct ks_accept *accept);

/* Any datagram of a session: seals `plain` behind its header; returns the whole length. */
size_t ks_session_write(const struct ks_header *header, const uint8_t key[KS_SEAL_KEY_SIZE], const uint8_t *plain,
			size_t len, uint8_t *out);

#define KS_REPORT_BODY (KS_REPORT_SIZE - KS_HEADER_SIZE - KS_TAG_SIZE)
void ks_report_write(const struct ks_report *report, uint8_t out[KS_REPORT_BODY]);
enum ks_drop ks_report_read(const uint8_t *body, size_t len, struct ks_report *report);

#endif
