/* SPDX-License-Identifier: Apache-2.0
 *
 * What datagrams other than DATA say. Set-up (OFFER, CHALLENGE, SUBSCRIBE, ACCEPT, BLIND) is sealed with a key from the
 * relay's key alone: header, in SUBSCRIBE the relay's name, a random nonce, the sealed body. All others belong to a
 * session: header, sealed body. Bodies longer than known here are read too, and what follows the known fields is
 * ignored, so that fields can be added.
 */
#ifndef KS_WIRE_MESSAGE_H
#define KS_WIRE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/frame/manifest.h"
#include "lib/wire/datagram.h"
#include "lib/wire/layout.h"
#include "lib/wire/seal.h"

#define KS_INSTANCE_SIZE 8	/* random, one per run of a program: tells runs apart */
#define KS_COOKIE_SIZE 32

/* Whole datagrams. Nothing is answered by more bytes than it has, so that a forged return address gains nothing:
 * OFFER by SUBSCRIBE, SUBSCRIBE by CHALLENGE or ACCEPT. */
#define KS_OFFER_SIZE 384
#define KS_SUBSCRIBE_SIZE 384
#define KS_CHALLENGE_SIZE 128
#define KS_ACCEPT_SIZE 160
#define KS_BLIND_SIZE 128
_Static_assert(KS_SUBSCRIBE_SIZE <= KS_OFFER_SIZE && KS_CHALLENGE_SIZE < KS_SUBSCRIBE_SIZE &&
	       KS_ACCEPT_SIZE < KS_SUBSCRIBE_SIZE, "amplification");

struct ks_offer {
	uint8_t cookie[KS_COOKIE_SIZE];		/* to be shown in the SUBSCRIBE that answers */
	uint8_t instance[KS_INSTANCE_SIZE];	/* the parent's */
};

struct ks_challenge {
	uint8_t relay_nonce[KS_SESSION_NONCE_SIZE];	/* from the SUBSCRIBE */
	uint8_t cookie[KS_COOKIE_SIZE];
};

/* Empty: everything that the parent has. */
#define KS_FILTER_CHANNELS_MAX 4
#define KS_FILTER_RENDITIONS_MAX 8
struct ks_filter {
	char channels[KS_FILTER_CHANNELS_MAX][KS_CHANNEL_MAX + 1];
	size_t n_channels;
	char renditions[KS_FILTER_RENDITIONS_MAX][KS_RENDITION_MAX + 1];
	size_t n_renditions;
};

bool ks_filter_match(const struct ks_filter *filter, const char *channel, const char *rendition);

struct ks_subscribe {
	uint8_t cookie[KS_COOKIE_SIZE];			/* zeros: none yet */
	uint8_t nonce[KS_SESSION_NONCE_SIZE];
	uint8_t instance[KS_INSTANCE_SIZE];		/* the relay's */
	uint32_t session;				/* the index that the relay listens to */
	uint16_t datagram;				/* the longest that it wants */
	bool nack;					/* it can ask for more; else it must be given all at once */
	bool from_top;					/* last data shard first, parity from row 254 down */
	struct ks_filter filter;
};

struct ks_accept {
	uint8_t relay_nonce[KS_SESSION_NONCE_SIZE];	/* from the SUBSCRIBE */
	uint8_t nonce[KS_SESSION_NONCE_SIZE];
	uint8_t instance[KS_INSTANCE_SIZE];		/* the parent's */
	uint32_t session;				/* the index that the parent listens to */
	uint16_t lease_s;				/* without a RENEW: the session ends */
	bool nack;					/* it will be answered */
};

struct ks_blind {
	uint8_t nonce[KS_SESSION_NONCE_SIZE];
	uint8_t instance[KS_INSTANCE_SIZE];
	uint32_t session;				/* the parent's own index */
	int64_t wall_us;				/* now, UTC */
};

size_t ks_offer_write(const struct ks_offer *offer, uint16_t key_id, const uint8_t key[KS_SEAL_KEY_SIZE],
		      const uint8_t nonce[KS_SETUP_NONCE_SIZE], uint8_t out[KS_OFFER_SIZE]);
enum ks_drop ks_offer_read(const uint8_t *bytes, size_t len, const uint8_t key[KS_SEAL_KEY_SIZE],
			   struct ks_offer *offer);

/* `session`, here and below, is the index that the reader of the datagram chose. */
size_t ks_challenge_write(const struct ks_challenge *challenge, uint16_t key_id, uint32_t session,
			  const uint8_t key[KS_SEAL_KEY_SIZE], const uint8_t nonce[KS_SETUP_NONCE_SIZE],
			  uint8_t out[KS_CHALLENGE_SIZE]);
enum ks_drop ks_challenge_read(const uint8_t *bytes, size_t len, const uint8_t key[KS_SEAL_KEY_SIZE],
			       struct ks_challenge *challenge);

/* The relay's name stands in clear, as a parent needs it to know the key. */
size_t ks_subscribe_write(const struct ks_subscribe *subscribe, const struct ks_psk *psk,
			  const uint8_t key[KS_SEAL_KEY_SIZE], const uint8_t nonce[KS_SETUP_NONCE_SIZE],
			  uint8_t out[KS_SUBSCRIBE_SIZE]);
enum ks_drop ks_subscribe_name(const uint8_t *bytes, size_t len, char name[KS_RELAY_NAME_MAX + 1]);
enum ks_drop ks_subscribe_read(const uint8_t *bytes, size_t len, const uint8_t key[KS_SEAL_KEY_SIZE],
			       struct ks_subscribe *subscribe);

size_t ks_accept_write(const struct ks_accept *accept, uint16_t key_id, uint32_t session,
		       const uint8_t key[KS_SEAL_KEY_SIZE], const uint8_t nonce[KS_SETUP_NONCE_SIZE],
		       uint8_t out[KS_ACCEPT_SIZE]);
enum ks_drop ks_accept_read(const uint8_t *bytes, size_t len, const uint8_t key[KS_SEAL_KEY_SIZE],
			    struct ks_accept *accept);

size_t ks_blind_write(const struct ks_blind *blind, uint16_t key_id, const uint8_t key[KS_SEAL_KEY_SIZE],
		      const uint8_t nonce[KS_SETUP_NONCE_SIZE], uint8_t out[KS_BLIND_SIZE]);
enum ks_drop ks_blind_read(const uint8_t *bytes, size_t len, const uint8_t key[KS_SEAL_KEY_SIZE],
			   struct ks_blind *blind);

/* Any datagram of a session: seals `plain` behind its header; returns the whole length. */
size_t ks_session_write(const struct ks_header *header, const uint8_t key[KS_SEAL_KEY_SIZE], const uint8_t *plain,
			size_t len, uint8_t *out);

/* Bodies of a session's datagrams. Writers return the length of the body. */

struct ks_renew {
	uint32_t received, replayed;	/* datagrams of this session */
	uint32_t expected;		/* one above its highest counter */
	uint32_t delivered, lost;	/* objects of this parent, over all its sessions */
	uint16_t longest;		/* datagram received in this session, bytes */
	uint16_t rtt_ms;		/* as the relay measured it; 0: not yet */
};

#define KS_RENEW_BODY 24
size_t ks_renew_write(const struct ks_renew *renew, uint8_t out[KS_RENEW_BODY]);
enum ks_drop ks_renew_read(const uint8_t *body, size_t len, struct ks_renew *renew);

/* What is missing of one object, block by block; no entry: nothing any more, it need not be sent on. */
struct ks_nack {
	uint32_t track, epoch, seq;
	uint8_t source;
	uint8_t n;			/* entries, up to KS_BLOCKS_MAX */
	struct {
		uint8_t block, missing;	/* shards, at least 1 */
	} blocks[KS_BLOCKS_MAX];
};

#define KS_NACK_BODY_MAX (14 + 2 * KS_BLOCKS_MAX)
size_t ks_nack_write(const struct ks_nack *nack, uint8_t out[KS_NACK_BODY_MAX]);
enum ks_drop ks_nack_read(const uint8_t *body, size_t len, struct ks_nack *nack);

/* The newest objects that were sent, so that one of which nothing arrived can be asked for. */
#define KS_ALIVE_OBJECTS_MAX 8
struct ks_alive {
	uint8_t n;
	struct {
		uint16_t shard_len;
		struct ks_data_header header;	/* block and shard are 0 */
	} objects[KS_ALIVE_OBJECTS_MAX];
};

#define KS_ALIVE_BODY_MAX (1 + KS_ALIVE_OBJECTS_MAX * (2 + KS_DATA_HEADER_SIZE))
size_t ks_alive_write(const struct ks_alive *alive, uint8_t out[KS_ALIVE_BODY_MAX]);
enum ks_drop ks_alive_read(const uint8_t *body, size_t len, struct ks_alive *alive);

/* HEAD: a manifest, as it stands in a frame. BYE and END: one byte. */
#define KS_HEAD_BODY KS_MANIFEST_SIZE

enum ks_bye_reason {
	KS_BYE_STOP = 1,	/* the program ends, or no longer wants this session */
	KS_BYE_REVOKED = 2,	/* the relay's key was revoked or withdrawn */
	KS_BYE_REASONS
};

#define KS_BYE_BODY 1
extern const char *const ks_bye_names[KS_BYE_REASONS];

#endif
