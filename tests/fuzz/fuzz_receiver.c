/* SPDX-License-Identifier: Apache-2.0
 *
 * Datagrams into a receiver with a live session: raw ones, and ones that are sealed as they should be around a plain
 * text of the fuzzer's, so that what lies behind the seal is reached. Each step: a byte that says what, two of
 * length, the bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cursor.h"
#include "lib/base/log.h"
#include "lib/frame/manifest.h"
#include "lib/wire/message.h"
#include "lib/wire/receiver.h"

enum step { RAW, DATA, ALIVE, OFFER, PASS_TIME, OTHER_KEYS, STEPS };

struct peer {
	struct ks_receiver *receiver;
	struct ks_psk psk;
	struct ks_setup_keys setup;
	struct ks_session_keys keys;
	struct ks_offer offer;
	uint32_t session;
	uint64_t counter, random_state;
	int64_t now_us;
};

static int64_t get_now(void *ctx)
{
	return ((struct peer *)ctx)->now_us;
}

static void get_random(void *ctx, void *out, size_t len)
{
	memset(out, (int)++((struct peer *)ctx)->random_state, len);
}

static void deliver(void *ctx, const uint8_t *bytes, size_t len)
{
	(void)ctx;
	if (len == 0 || len > KS_FRAME_MAX || bytes == NULL)
		abort();
}

static void take_answer(void *ctx, const struct ks_endpoint *to, const uint8_t *bytes, size_t len)
{
	struct peer *peer = ctx;
	struct ks_accept accept;

	(void)to;
	if ((bytes[0] & 0x0f) != KS_ACCEPT || peer->session != 0)
		return;
	if (ks_accept_read(bytes, len, peer->setup.accept, &accept) != KS_DROP_NONE)
		abort();
	peer->session = accept.session;
	ks_seal_session_keys(&peer->psk, peer->offer.nonce, accept.nonce, &peer->keys);
}

static void put(struct peer *peer, const uint8_t *bytes, size_t len)
{
	const struct ks_endpoint from = { { 1 }, 1 };

	ks_receiver_input(peer->receiver, &from, bytes, len);
}

static void put_sealed(struct peer *peer, uint8_t type, const uint8_t *plain, size_t len)
{
	const struct ks_header header = { type, peer->psk.id, peer->session, peer->counter++ };
	uint8_t bytes[KS_DATAGRAM_MAX];

	if (len > sizeof(bytes) - KS_HEADER_SIZE - KS_TAG_SIZE)
		len = sizeof(bytes) - KS_HEADER_SIZE - KS_TAG_SIZE;
	put(peer, bytes, ks_session_write(&header, peer->keys.down, plain, len, bytes));
}

/* The body that the fuzzer gives, and zeros to the length of an offer. */
static void put_offer(struct peer *peer, const uint8_t *body, size_t len)
{
	const struct ks_header header = { .type = KS_OFFER, .key_id = peer->psk.id };
	uint8_t bytes[KS_DATAGRAM_MAX] = { 0 }, plain[KS_OFFER_SIZE] = { 0 };
	size_t body_len = KS_OFFER_SIZE - KS_HEADER_SIZE - KS_SETUP_NONCE_SIZE - KS_TAG_SIZE;

	memcpy(plain, body, len < body_len ? len : body_len);
	ks_header_write(&header, bytes);
	ks_seal_setup(peer->setup.offer, bytes, bytes + KS_HEADER_SIZE, plain, body_len,
		      bytes + KS_HEADER_SIZE + KS_SETUP_NONCE_SIZE);
	put(peer, bytes, KS_OFFER_SIZE);
}

static void open_session(struct peer *peer)
{
	uint8_t bytes[KS_OFFER_SIZE], nonce[KS_SETUP_NONCE_SIZE] = { 0 };

	peer->offer = (struct ks_offer){ { 1 }, { 2 }, 3, 1200 };
	ks_seal_setup_keys(&peer->psk, &peer->setup);
	put(peer, bytes, ks_offer_write(&peer->offer, peer->psk.id, peer->setup.offer, nonce, bytes));
	if (peer->session == 0)
		abort();
	put_sealed(peer, KS_ALIVE, NULL, 0);
}

static int64_t milliseconds(const uint8_t *bytes, size_t len)
{
	struct ks_reader r = ks_reader(bytes, len);

	return ks_read_u16(&r);
}

static void take_step(struct peer *peer, struct ks_reader *r)
{
	uint8_t what = ks_read_u8(r);
	size_t len = ks_read_u16(r);
	const uint8_t *bytes = ks_read_span(r, len < ks_reader_left(r) ? len : (len = ks_reader_left(r)));

	switch (bytes != NULL ? what % STEPS : STEPS) {
	case RAW:
		put(peer, bytes, len);
		break;
	case DATA:
		/* A short text stands for a header whose shard is zeros. */
		if (len <= KS_DATA_HEADER_SIZE) {
			uint8_t plain[KS_DATA_HEADER_SIZE + KS_SHARD_MIN] = { 0 };

			memcpy(plain, bytes, len);
			put_sealed(peer, KS_DATA, plain, sizeof(plain));
		} else {
			put_sealed(peer, KS_DATA, bytes, len);
		}
		break;
	case ALIVE:
		put_sealed(peer, KS_ALIVE, bytes, len);
		break;
	case OFFER:
		put_offer(peer, bytes, len);
		break;
	case PASS_TIME:
		peer->now_us += milliseconds(bytes, len) * KS_US_PER_MS;
		ks_receiver_tick(peer->receiver);
		break;
	case OTHER_KEYS:
		ks_receiver_set_keys(peer->receiver, &peer->psk, len % 2);
		break;
	default:
		break;
	}
}

static void drop_line(void *ctx, enum ks_log_level level, const char *token, const char *text)
{
	(void)ctx;
	(void)level;
	(void)token;
	(void)text;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct peer peer = { .now_us = KS_US_PER_S };
	const struct ks_clock clock = { get_now, get_now, &peer };
	const struct ks_receiver_ops ops = { &clock, get_random, take_answer, deliver, &peer };
	const uint8_t key[KS_PSK_SIZE] = { 1 };
	struct ks_reader r = ks_reader(bytes, len);

	ks_log_set_sink(drop_line, NULL);
	ks_psk_set(&peer.psk, key);
	if (ks_receiver_new(&peer.receiver, &ops) != 0 || ks_receiver_set_keys(peer.receiver, &peer.psk, 1) != 0)
		abort();
	open_session(&peer);
	while (ks_reader_left(&r) > 0)
		take_step(&peer, &r);
	ks_receiver_free(peer.receiver);
	return 0;
}
