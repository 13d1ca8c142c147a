/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/wire/fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/wire/layout.h"

#define PARITY 40

const uint8_t fake_instance[KS_INSTANCE_SIZE] = { 'r', 'e', 'l', 'a', 'y' };

static void need(bool good)
{
	if (!good)
		abort();
}

static int64_t get_wall(void *ctx)
{
	return ((struct fake *)ctx)->wall_us;
}

static int64_t get_mono(void *ctx)
{
	return ((struct fake *)ctx)->now_us;
}

static void get_random(void *ctx, void *out, size_t len)
{
	struct fake *fake = ctx;
	uint8_t *at = out;

	for (size_t i = 0; i < len; i++) {
		fake->random_state = fake->random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		at[i] = (uint8_t)(fake->random_state >> 56);
	}
}

/* FNV-1a: enough to tell what nobody signed from what a source did, in a test. */
static uint32_t digest(const uint8_t *bytes, size_t len)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * 16777619u;
	return hash;
}

void fake_sign(struct fake_object *object)
{
	uint32_t hash = digest(object->bytes, object->len - sizeof(hash));

	memcpy(object->bytes + object->len - sizeof(hash), &hash, sizeof(hash));
}

static bool is_signed(const uint8_t *bytes, size_t len)
{
	uint32_t hash;

	if (len < sizeof(hash))
		return false;
	memcpy(&hash, bytes + len - sizeof(hash), sizeof(hash));
	return hash == digest(bytes, len - sizeof(hash));
}

static bool deliver(void *ctx, const uint8_t *bytes, size_t len, uint8_t hops)
{
	struct fake *fake = ctx;

	need(bytes != NULL && len > 0 && len <= KS_FRAME_MAX && hops <= KS_HOPS_MAX);
	if (!is_signed(bytes, len)) {
		fake->refused++;
		return false;
	}
	fake->delivered++;
	fake->last_len = len < FAKE_OBJECT_MAX ? len : FAKE_OBJECT_MAX;
	fake->last_hops = hops;
	memcpy(fake->last, bytes, fake->last_len);
	return true;
}

/* --- what comes up -------------------------------------------------------------------------------- */

static void take_subscribe(struct fake_parent *parent, const uint8_t *bytes, size_t len)
{
	struct ks_subscribe subscribe;

	if (ks_subscribe_read(bytes, len, parent->setup.up, &subscribe) != KS_DROP_NONE)
		return;
	parent->subscribe = subscribe;
	if (memcmp(subscribe.cookie, parent->cookie, KS_COOKIE_SIZE) != 0) {
		parent->uncooked++;
		if (!parent->mute)
			fake_challenge(parent, &subscribe);
	} else {
		parent->count[KS_SUBSCRIBE]++;
		if (!parent->mute)
			fake_accept(parent, &subscribe);
	}
}

static void take_session(struct fake_parent *parent, const struct ks_header *header, const uint8_t *bytes, size_t len)
{
	struct fake_session *session = &parent->session;
	uint8_t body[KS_DATAGRAM_MAX];
	size_t body_len = len - KS_HEADER_SIZE - KS_TAG_SIZE;
	struct ks_nack nack;

	/* Those of an older session are of no interest to any test. */
	if (header->session != session->ours ||
	    ks_unseal(session->keys.up, bytes, header->counter, bytes + KS_HEADER_SIZE, len - KS_HEADER_SIZE, body) !=
	    KS_DROP_NONE)
		return;
	switch (header->type) {
	case KS_RENEW:
		need(ks_renew_read(body, body_len, &parent->renew) == KS_DROP_NONE);
		session->confirmed = true;
		break;
	case KS_NACK:
		need(ks_nack_read(body, body_len, &nack) == KS_DROP_NONE);
		if (nack.n == 0) {
			parent->stops++;
			return;
		}
		parent->nack = nack;
		break;
	case KS_HEAD:
		need(body_len == KS_HEAD_BODY);
		memcpy(parent->head, body, KS_HEAD_BODY);
		break;
	case KS_BYE:
		need(body_len == KS_BYE_BODY);
		parent->bye = body[0];
		break;
	default:
		abort();
	}
	parent->count[header->type]++;
}

static void take_up(struct fake *fake, uint8_t to, const uint8_t *bytes, size_t len)
{
	struct ks_header header;

	need(ks_header_read(bytes, len, &header) == KS_DROP_NONE && (header.type & KS_DATAGRAM_UP) != 0);
	for (size_t i = 0; i < FAKE_PARENTS; i++) {
		struct fake_parent *parent = &fake->parents[i];

		if (to != parent->address && to != (uint8_t)i)
			continue;
		parent->to = to;
		if (header.type == KS_SUBSCRIBE)
			take_subscribe(parent, bytes, len);
		else
			take_session(parent, &header, bytes, len);
	}
}

static void put_up(void *ctx, const struct ks_endpoint *to, const uint8_t *bytes, size_t len)
{
	struct fake *fake = ctx;
	struct fake_datagram *datagram = &fake->queue[(fake->first + fake->n_queued++) % FAKE_QUEUE];

	need(fake->n_queued <= FAKE_QUEUE && len <= sizeof(datagram->bytes));
	fake->sent++;
	datagram->to = to->bytes[0];
	datagram->len = len;
	memcpy(datagram->bytes, bytes, len);
}

/* As on a real network, nothing comes back while the receiver is at work. */
static void pump(struct fake *fake)
{
	if (fake->pumping)
		return;
	fake->pumping = true;
	while (fake->n_queued > 0) {
		const struct fake_datagram datagram = fake->queue[fake->first];

		fake->first = (fake->first + 1) % FAKE_QUEUE;
		fake->n_queued--;
		take_up(fake, datagram.to, datagram.bytes, datagram.len);
	}
	fake->pumping = false;
}

/* --- what goes down ------------------------------------------------------------------------------- */

void fake_input(struct fake_parent *parent, const uint8_t *bytes, size_t len)
{
	const struct ks_endpoint from = { { parent->address }, 1, 1 };

	ks_receiver_input(parent->fake->receiver, &from, bytes, len);
	pump(parent->fake);
}

void fake_challenge(struct fake_parent *parent, const struct ks_subscribe *subscribe)
{
	uint8_t bytes[KS_CHALLENGE_SIZE], nonce[KS_SETUP_NONCE_SIZE];
	struct ks_challenge challenge;

	memcpy(challenge.relay_nonce, subscribe->nonce, sizeof(challenge.relay_nonce));
	memcpy(challenge.cookie, parent->cookie, sizeof(challenge.cookie));
	get_random(parent->fake, nonce, sizeof(nonce));
	ks_challenge_write(&challenge, parent->key.id, subscribe->session, parent->setup.down, nonce, bytes);
	fake_input(parent, bytes, sizeof(bytes));
}

void fake_accept(struct fake_parent *parent, const struct ks_subscribe *subscribe)
{
	uint8_t bytes[KS_ACCEPT_SIZE], nonce[KS_SETUP_NONCE_SIZE];
	struct fake_session *session = &parent->session;
	struct ks_accept accept = { .lease_s = 30, .nack = !parent->no_nack };

	*session = (struct fake_session){ .theirs = subscribe->session };
	get_random(parent->fake, &session->ours, sizeof(session->ours));
	get_random(parent->fake, accept.nonce, sizeof(accept.nonce));
	get_random(parent->fake, nonce, sizeof(nonce));
	memcpy(accept.relay_nonce, subscribe->nonce, sizeof(accept.relay_nonce));
	memcpy(accept.instance, parent->instance, sizeof(accept.instance));
	accept.session = session->ours;
	ks_seal_session_keys(&parent->key, accept.nonce, subscribe->nonce, &session->keys);
	ks_accept_write(&accept, parent->key.id, subscribe->session, parent->setup.down, nonce, bytes);
	fake_input(parent, bytes, sizeof(bytes));
}

void fake_blind(struct fake_parent *parent, uint8_t number, int64_t wall_us)
{
	struct fake_session *session = &parent->session;
	struct ks_blind blind = { .nonce = { number, 1 }, .session = number, .wall_us = wall_us };
	uint8_t bytes[KS_BLIND_SIZE], nonce[KS_SETUP_NONCE_SIZE];

	memcpy(blind.instance, parent->instance, sizeof(blind.instance));
	if (!session->blind || session->theirs != number) {
		*session = (struct fake_session){ .theirs = number, .blind = true };
		ks_seal_blind_key(&parent->key, blind.nonce, session->keys.down);
	}
	get_random(parent->fake, nonce, sizeof(nonce));
	ks_blind_write(&blind, parent->key.id, parent->setup.down, nonce, bytes);
	fake_input(parent, bytes, sizeof(bytes));
}

void fake_put(struct fake_parent *parent, struct fake_session *session, enum ks_datagram_type type,
	      const uint8_t *body, size_t len)
{
	const struct ks_header header = { (uint8_t)type, session->blind ? KS_FLAG_BLIND : 0, parent->key.id,
					  session->theirs, session->counter++ };
	uint8_t bytes[KS_DATAGRAM_MAX];

	fake_input(parent, bytes, ks_session_write(&header, session->keys.down, body, len, bytes));
}

void fake_alive(struct fake_parent *parent, const struct fake_object *object)
{
	struct ks_alive alive = { .n = object != NULL };
	uint8_t body[KS_ALIVE_BODY_MAX];

	if (object != NULL) {
		alive.objects[0].shard_len = (uint16_t)object->shard_len;
		alive.objects[0].header = object->header;
	}
	fake_put(parent, &parent->session, KS_ALIVE, body, ks_alive_write(&alive, body));
}

void fake_long_alive(struct fake_parent *parent)
{
	static const uint8_t zeros[KS_DATAGRAM_DEFAULT - KS_HEADER_SIZE - KS_TAG_SIZE];

	fake_put(parent, &parent->session, KS_ALIVE, zeros, sizeof(zeros));
}

void fake_keep_alive(struct fake_parent *parent, int64_t us)
{
	for (int64_t t = 0; t < us; t += 500 * KS_US_PER_MS) {
		fake_alive(parent, NULL);
		fake_run(parent->fake, 500 * KS_US_PER_MS);
	}
}

void fake_end(struct fake_parent *parent, enum ks_bye_reason reason)
{
	uint8_t body[KS_BYE_BODY] = { (uint8_t)reason };

	fake_put(parent, &parent->session, KS_END, body, sizeof(body));
}

/* --- set-up --------------------------------------------------------------------------------------- */

void fake_tick(struct fake *fake)
{
	do {
		fake->due_us = ks_receiver_tick(fake->receiver);
		pump(fake);
	} while (ks_receiver_tick(fake->receiver) < fake->due_us || fake->n_queued > 0);
}

void fake_run(struct fake *fake, int64_t us)
{
	int64_t end_us = fake->now_us + us;

	fake_tick(fake);
	while (fake->due_us <= end_us) {
		int64_t step_us = fake->due_us > fake->now_us ? fake->due_us - fake->now_us : 1;

		fake->now_us += step_us;
		fake->wall_us += step_us;
		fake_tick(fake);
	}
	fake->wall_us += end_us - fake->now_us;
	fake->now_us = end_us;
}

size_t fake_tell(struct fake *fake, size_t parent)
{
	char name[16], address[16];
	const struct ks_told_parent told = { name, address, &fake->parents[parent].key, 1 };
	const struct ks_endpoint to = { { (uint8_t)parent }, 1, 1 };
	size_t number;

	snprintf(name, sizeof(name), "parent-%zu", parent);
	snprintf(address, sizeof(address), "[::%zu]:7510", parent);
	need(ks_receiver_add(fake->receiver, &told, &number) == KS_EOK);
	ks_receiver_move(fake->receiver, number, &to);
	fake_tick(fake);
	return number;
}

size_t fake_join(struct fake *fake, size_t parent)
{
	size_t number = fake_tell(fake, parent);

	need(fake->parents[parent].session.confirmed);
	fake->now_us += 20 * KS_US_PER_MS;
	fake->wall_us += 20 * KS_US_PER_MS;
	fake_alive(&fake->parents[parent], NULL);
	fake_tick(fake);
	return number;
}

void fake_offer(struct fake *fake, size_t parent)
{
	struct fake_parent *p = &fake->parents[parent];
	uint8_t bytes[KS_OFFER_SIZE], nonce[KS_SETUP_NONCE_SIZE];
	struct ks_offer offer;

	memcpy(offer.cookie, p->cookie, sizeof(offer.cookie));
	memcpy(offer.instance, p->instance, sizeof(offer.instance));
	get_random(fake, nonce, sizeof(nonce));
	ks_offer_write(&offer, p->key.id, p->setup.down, nonce, bytes);
	fake_input(p, bytes, sizeof(bytes));
	fake_tick(fake);
}

void fake_init(struct fake *fake, const struct ks_receiver_settings *settings)
{
	const struct ks_receiver_settings usual = { .datagram = KS_DATAGRAM_DEFAULT, .nack = true };
	struct ks_receiver_ops ops = { &fake->clock, get_random, put_up, deliver, fake };

	memset(fake, 0, sizeof(*fake));
	fake->now_us = 1000 * KS_US_PER_S;
	fake->wall_us = 2000000000 * KS_US_PER_S;
	fake->clock = (struct ks_clock){ get_wall, get_mono, fake };
	need(ks_fec_new(&fake->fec, &ks_fec_portable) == KS_EOK);
	for (size_t i = 0; i < FAKE_PARENTS; i++) {
		struct fake_parent *parent = &fake->parents[i];
		uint8_t key[KS_PSK_SIZE] = { 'k', (uint8_t)i };

		parent->fake = fake;
		parent->address = (uint8_t)i;
		parent->instance[0] = (uint8_t)('a' + i);
		parent->cookie[0] = (uint8_t)('a' + i);
		ks_psk_set(&parent->key, key, "relay-1");
		ks_seal_setup_keys(&parent->key, &parent->setup);
	}
	need(ks_receiver_new(&fake->receiver, settings != NULL ? settings : &usual, fake_instance, &ops) == KS_EOK);
}

void fake_free(struct fake *fake)
{
	ks_receiver_free(fake->receiver);
	ks_fec_free(fake->fec);
}

/* --- objects -------------------------------------------------------------------------------------- */

void fake_object(struct fake_object *object, uint32_t track, uint32_t epoch, uint32_t seq, size_t len,
		 size_t shard_len)
{
	size_t shards = (len + shard_len - 1) / shard_len;

	*object = (struct fake_object){
		.header = { .track = track, .epoch = epoch, .seq = seq, .object_len = (uint32_t)len, .spread = 5,
			    .nblocks = (uint8_t)((shards + 199) / 200) },
		.len = len, .shard_len = shard_len, .bytes = calloc(shards, shard_len),
	};
	need(object->bytes != NULL);
	for (size_t i = 0; i < len; i++)
		object->bytes[i] = (uint8_t)(i * 7 + seq * 13 + (i >> 8) + 1);
	fake_sign(object);
}

void fake_object_free(struct fake_object *object)
{
	free(object->bytes);
	object->bytes = NULL;
}

size_t fake_shards_of(const struct fake_object *object)
{
	return (object->len + object->shard_len - 1) / object->shard_len;
}

void fake_shard(struct fake_parent *parent, const struct fake_object *object, size_t i)
{
	uint8_t body[KS_DATA_HEADER_SIZE + KS_SHARD_MAX], *out = body + KS_DATA_HEADER_SIZE;
	struct ks_data_header header = object->header;
	const uint8_t *data[KS_FEC_SHARDS_MAX];
	struct ks_layout layout;
	size_t first, k;

	need(ks_layout_of(&layout, object->len, object->shard_len, header.nblocks) == KS_DROP_NONE);
	if (i < layout.shards) {
		while (i >= ks_layout_first(&layout, header.block) + ks_layout_k(&layout, header.block))
			header.block++;
		header.shard = (uint8_t)(i - ks_layout_first(&layout, header.block));
	} else {
		header.block = (uint8_t)((i - layout.shards) / PARITY);
		header.shard = (uint8_t)(ks_layout_k(&layout, header.block) + (i - layout.shards) % PARITY);
	}
	need(header.block < header.nblocks);
	first = ks_layout_first(&layout, header.block);
	k = ks_layout_k(&layout, header.block);
	for (size_t j = 0; j < k; j++)
		data[j] = object->bytes + (first + j) * object->shard_len;
	if (header.shard < k)
		memcpy(out, data[header.shard], object->shard_len);
	else
		ks_fec_encode(parent->fake->fec, k, object->shard_len, data, header.shard, 1, &out);
	ks_data_header_write(&header, body);
	fake_put(parent, &parent->session, KS_DATA, body, KS_DATA_HEADER_SIZE + object->shard_len);
}

void fake_shards(struct fake_parent *parent, const struct fake_object *object, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		fake_shard(parent, object, i);
}
