/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/wire/hand.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/frame/manifest.h"

#define RENEW_US KS_US_PER_S

const uint8_t hand_instance[KS_INSTANCE_SIZE] = { 'p', 'a', 'r', 'e', 'n', 't' };

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "the test itself failed: %s\n", what);
	abort();
}

uint32_t hand_random(struct hand *hand)
{
	hand->random_state = hand->random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(hand->random_state >> 32);
}

static void get_random(void *ctx, void *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)out)[i] = (uint8_t)(hand_random(ctx) >> 13);
}

static int64_t get_mono(void *ctx)
{
	return ((struct hand *)ctx)->now_us;
}

static int64_t get_wall(void *ctx)
{
	return ((struct hand *)ctx)->wall_us + ((struct hand *)ctx)->now_us;
}

static void take_head(void *ctx, const uint8_t manifest[KS_HEAD_BODY])
{
	struct hand *hand = ctx;

	memcpy(hand->head, manifest, sizeof(hand->head));
	hand->heads++;
}

/* --- what a relay gets ------------------------------------------------------------------------------------ */

static void take_blind(struct hand_relay *relay)
{
	size_t at = relay->blind_keys[0].session == relay->blind.session ? 0 : 1;

	if (relay->blind_keys[at].session != relay->blind.session) {
		relay->blind_keys[0] = relay->blind_keys[1];
		relay->blind_keys[1].session = relay->blind.session;
	}
	ks_seal_blind_key(&relay->psk, relay->blind.nonce, relay->blind_keys[at].key);
}

static void take_setup(struct hand_relay *relay, const struct ks_header *header, const uint8_t *bytes, size_t len)
{
	struct ks_challenge challenge;
	struct ks_accept accept;
	struct ks_offer offer;

	switch (header->type) {
	case KS_OFFER:
		relay->broken |= ks_offer_read(bytes, len, relay->setup.down, &offer) != KS_DROP_NONE;
		memcpy(relay->wish.cookie, offer.cookie, sizeof(offer.cookie));
		break;
	case KS_CHALLENGE:
		relay->broken |= ks_challenge_read(bytes, len, relay->setup.down, &challenge) != KS_DROP_NONE ||
				 memcmp(challenge.relay_nonce, relay->wish.nonce, sizeof(relay->wish.nonce)) != 0;
		memcpy(relay->wish.cookie, challenge.cookie, sizeof(challenge.cookie));
		break;
	case KS_BLIND:
		relay->broken |= ks_blind_read(bytes, len, relay->setup.down, &relay->blind) != KS_DROP_NONE;
		take_blind(relay);
		break;
	default:
		relay->broken |= ks_accept_read(bytes, len, relay->setup.down, &accept) != KS_DROP_NONE ||
				 header->session != relay->wish.session;
		ks_seal_session_keys(&relay->psk, accept.nonce, relay->wish.nonce, &relay->keys);
		relay->session = accept.session;
		relay->counter = 0;
		relay->accepted = true;
		memset(&relay->seen, 0, sizeof(relay->seen));
		break;
	}
}

static void take_session(struct hand_relay *relay, const struct ks_header *header, const uint8_t *bytes, size_t len,
			 struct hand_datagram *entry)
{
	const uint8_t *blind_key = relay->blind_keys[header->session == relay->blind_keys[0].session ? 0 : 1].key;
	const uint8_t *key = (header->flags & KS_FLAG_BLIND) != 0 ? blind_key : relay->keys.down;
	uint8_t body[KS_DATAGRAM_MAX];
	size_t body_len = len - KS_HEADER_SIZE - KS_TAG_SIZE;

	/* Of the session before: what is under way when a new one comes up. */
	if ((header->flags & KS_FLAG_BLIND) == 0 && header->session != relay->wish.session)
		return;
	if (ks_unseal(key, bytes, header->counter, bytes + KS_HEADER_SIZE, len - KS_HEADER_SIZE, body) !=
	    KS_DROP_NONE) {
		relay->broken = true;
		return;
	}
	relay->seen.received++;
	if (header->counter >= relay->seen.expected)
		relay->seen.expected = header->counter + 1;
	if (len > relay->seen.longest)
		relay->seen.longest = (uint16_t)len;
	if (header->type == KS_DATA)
		relay->broken |= ks_data_header_read(body, body_len, &entry->data) != KS_DROP_NONE;
	else if (header->type == KS_ALIVE)
		relay->broken |= ks_alive_read(body, body_len, &relay->alive) != KS_DROP_NONE;
	else
		relay->end_reason = body[0];
}

static void take(struct hand_relay *relay, const uint8_t *bytes, size_t len)
{
	struct hand_datagram entry = { .at_us = relay->hand->now_us, .len = (uint16_t)len };
	struct ks_header header;

	if ((relay->mtu != 0 && len > relay->mtu) ||
	    (relay->loss_ppm != 0 && hand_random(relay->hand) % 1000000 < relay->loss_ppm))
		return;
	if (ks_header_read(bytes, len, &header) != KS_DROP_NONE) {
		relay->broken = true;
		return;
	}
	entry.type = header.type;
	relay->n[header.type]++;
	relay->bytes += len;
	if (header.type == KS_DATA || header.type == KS_ALIVE || header.type == KS_END)
		take_session(relay, &header, bytes, len, &entry);
	else
		take_setup(relay, &header, bytes, len);
	if (relay->log != NULL && relay->n_log < HAND_LOG_MAX)
		relay->log[relay->n_log++] = entry;
}

static struct hand_relay *find(struct hand *hand, const struct ks_endpoint *to)
{
	for (size_t i = 0; i < hand->n_relays; i++)
		if (hand->relays[i]->at.peer_len == to->peer_len &&
		    memcmp(hand->relays[i]->at.bytes, to->bytes, to->peer_len) == 0)
			return hand->relays[i];
	return NULL;
}

static int send_datagrams(void *ctx, const struct ks_endpoint *to, const struct iovec *datagrams, size_t n)
{
	struct hand *hand = ctx;
	struct hand_relay *relay = find(hand, to);

	hand->batches++;
	must(n > 0, "nothing is sent at once");
	for (size_t i = 1; i < n; i++)
		must(datagrams[i].iov_len == datagrams[0].iov_len, "datagrams of several lengths are sent at once");
	if (hand->fail != 0)
		return hand->fail;
	if (relay != NULL && relay->refuse_long && relay->mtu != 0 && datagrams[0].iov_len > relay->mtu)
		return -EMSGSIZE;
	if (hand->takes != 0 && n > hand->takes)
		n = hand->takes;
	for (size_t i = 0; i < n && relay != NULL; i++)
		take(relay, datagrams[i].iov_base, datagrams[i].iov_len);
	return (int)n;
}

/* --- moving it ---------------------------------------------------------------------------------------------- */

void hand_init(struct hand *hand, const struct ks_sender_settings *settings)
{
	static const struct ks_sender_settings usual = { .datagram = KS_DATAGRAM_DEFAULT,
							 .loss_ppm = KS_LOSS_DEFAULT_PPM, .nack = true };
	const struct ks_sender_ops ops = { &hand->clock, get_random, send_datagrams, take_head, hand };

	memset(hand, 0, sizeof(*hand));
	hand->now_us = 1000 * KS_US_PER_S;
	hand->wall_us = INT64_C(1800000000) * KS_US_PER_S;
	hand->random_state = 20100807;
	hand->clock = (struct ks_clock){ get_wall, get_mono, hand };
	must(ks_sender_new(&hand->sender, settings != NULL ? settings : &usual, hand_instance, &ops) == KS_EOK,
	     "there is no sender");
}

void hand_free(struct hand *hand)
{
	ks_sender_free(hand->sender);
	for (size_t i = 0; i < hand->n_relays; i++) {
		free(hand->relays[i]->log);
		free(hand->relays[i]);
	}
	hand->n_relays = 0;
}

struct hand_relay *hand_relay(struct hand *hand, const struct ks_psk *psk)
{
	struct hand_relay *relay = calloc(1, sizeof(*relay));

	must(relay != NULL && hand->n_relays < HAND_RELAYS_MAX, "too many relays");
	relay->hand = hand;
	relay->psk = *psk;
	ks_seal_setup_keys(psk, &relay->setup);
	relay->at = (struct ks_endpoint){ .len = 4, .peer_len = 3 };
	relay->at.bytes[0] = (uint8_t)(hand->n_relays + 1);
	relay->at.bytes[1] = (uint8_t)((hand->n_relays + 1) >> 8);
	relay->wish.datagram = KS_DATAGRAM_DEFAULT;
	relay->wish.nack = true;
	memcpy(relay->wish.instance, &hand->n_relays, sizeof(hand->n_relays));
	relay->log = calloc(HAND_LOG_MAX, sizeof(relay->log[0]));
	must(relay->log != NULL, "no memory");
	hand->relays[hand->n_relays++] = relay;
	return relay;
}

size_t hand_run(struct hand *hand, int64_t us)
{
	int64_t until_us = hand->now_us + us, due_us;
	size_t ticks = 0;

	for (;;) {
		due_us = ks_sender_tick(hand->sender);
		ticks++;
		if (due_us > until_us)
			break;
		/* One that is due again at once would never end. */
		hand->now_us = due_us > hand->now_us ? due_us : hand->now_us + 1;
	}
	hand->now_us = until_us;
	return ticks;
}

void hand_put(struct hand_relay *relay, const uint8_t *bytes, size_t len)
{
	ks_sender_input(relay->hand->sender, &relay->at, bytes, len);
	ks_sender_tick(relay->hand->sender);
}

void hand_subscribe(struct hand_relay *relay)
{
	uint8_t bytes[KS_SUBSCRIBE_SIZE], nonce[KS_SETUP_NONCE_SIZE];

	get_random(relay->hand, relay->wish.nonce, sizeof(relay->wish.nonce));
	get_random(relay->hand, nonce, sizeof(nonce));
	relay->wish.session = hand_random(relay->hand);
	relay->accepted = false;
	hand_put(relay, bytes, ks_subscribe_write(&relay->wish, &relay->psk, relay->setup.up, nonce, bytes));
}

bool hand_connect(struct hand_relay *relay)
{
	hand_subscribe(relay);
	if (!relay->accepted)
		hand_subscribe(relay);
	if (relay->accepted)
		hand_renew(relay);
	return relay->accepted;
}

void hand_session(struct hand_relay *relay, uint8_t type, const uint8_t *body, size_t len)
{
	const struct ks_header header = { .type = type, .key_id = relay->psk.id, .session = relay->session,
					  .counter = relay->counter++ };
	uint8_t bytes[KS_DATAGRAM_MAX];

	hand_put(relay, bytes, ks_session_write(&header, relay->keys.up, body, len, bytes));
}

void hand_renew(struct hand_relay *relay)
{
	uint8_t body[KS_RENEW_BODY];

	hand_session(relay, KS_RENEW, body, ks_renew_write(&relay->seen, body));
}

void hand_nack(struct hand_relay *relay, const struct ks_nack *nack)
{
	uint8_t body[KS_NACK_BODY_MAX];

	hand_session(relay, KS_NACK, body, ks_nack_write(nack, body));
}

void hand_live(struct hand_relay *relay, int64_t us)
{
	for (; us >= RENEW_US; us -= RENEW_US) {
		hand_run(relay->hand, RENEW_US);
		hand_renew(relay);
	}
	hand_run(relay->hand, us);
}

const uint8_t *hand_bytes(uint32_t seq, size_t len)
{
	static uint8_t bytes[KS_FRAME_MAX];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 31 + seq * 7 + (i >> 9));
	return bytes;
}

int hand_object(struct hand *hand, uint32_t seq, size_t len, int64_t period_us)
{
	const struct ks_outgoing object = { .channel = "channel", .rendition = "r0", .id = { 1, seq },
					    .period_us = period_us, .bytes = hand_bytes(seq, len), .len = len };

	return ks_sender_object(hand->sender, &object);
}

size_t hand_count(const struct hand_relay *relay, uint32_t seq)
{
	size_t n = 0;

	for (size_t i = 0; i < relay->n_log; i++)
		n += relay->log[i].type == KS_DATA && relay->log[i].data.seq == seq;
	return n;
}
