/* SPDX-License-Identifier: Apache-2.0
 *
 * A receiver with parents that do what the fuzzer says: set sessions up or not, send every type of datagram in every
 * state of a session, whole, raw, or authentic with bytes changed behind the seal. Whatever the receiver sends up has
 * to be what the format allows: tests/wire/fake.c aborts if it is not. Each step: a byte that says what, one that says
 * which parent, and what the step reads.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cursor.h"
#include "lib/base/log.h"
#include "lib/wire/assembler.h"
#include "tests/wire/fake.h"

enum step {
	PASS_TIME, TELL, OFFER, BLIND, MUTE, FORGET_COOKIE, ALIVE, END, SHARDS,		/* as a parent should */
	RAW, SETUP, SESSION,								/* as it should not */
	KEYS, PARENT_KEYS, REMOVE, REFUSED, MOVE, HEAD, STOP, STEPS
};

#define PARENTS 4	/* that the fuzzer plays */
#define MEMORY_MAX (KS_ASSEMBLY_BYTES_MAX + 8 * 1024 * 1024)

static struct fake fake;
static bool told[PARENTS];
static size_t number[PARENTS];

static void drop_line(void *ctx, enum ks_log_level level, const char *token, const char *text)
{
	(void)ctx;
	(void)level;
	(void)token;
	(void)text;
}

/* Changes some bytes as the fuzzer says. */
static void mutate(uint8_t *bytes, size_t len, struct ks_reader *r)
{
	for (unsigned n = ks_read_u8(r) % 8; n > 0 && len > 0; n--) {
		size_t at = ks_read_u16(r) % len;

		bytes[at] ^= ks_read_u8(r);
	}
}

/* A datagram of set-up that was good, with its body changed behind the seal. */
static void put_changed(struct fake_parent *parent, uint8_t *bytes, size_t len, struct ks_reader *r)
{
	uint8_t body[KS_DATAGRAM_MAX], *nonce = bytes + KS_HEADER_SIZE, *sealed = nonce + KS_SETUP_NONCE_SIZE;
	size_t body_len = len - KS_HEADER_SIZE - KS_SETUP_NONCE_SIZE - KS_TAG_SIZE;

	if (ks_unseal_setup(parent->setup.down, bytes, KS_HEADER_SIZE, nonce, sealed, body_len + KS_TAG_SIZE, body) !=
	    KS_DROP_NONE)
		abort();
	mutate(body, body_len, r);
	ks_seal_setup(parent->setup.down, bytes, KS_HEADER_SIZE, nonce, body, body_len, sealed);
	fake_input(parent, bytes, len);
}

static void put_setup(struct fake_parent *parent, struct ks_reader *r)
{
	static const uint8_t nonce[KS_SETUP_NONCE_SIZE];
	const struct ks_subscribe *subscribe = &parent->subscribe;
	struct ks_offer offer = { .instance = { ks_read_u8(r) % 4 } };
	struct ks_challenge challenge = { .cookie = { 9 } };
	struct ks_accept accept = { .session = 5, .lease_s = 30, .nack = true };
	struct ks_blind blind = { .session = 3, .wall_us = fake.wall_us };
	uint8_t bytes[KS_DATAGRAM_MAX];
	size_t len;

	memcpy(challenge.relay_nonce, subscribe->nonce, sizeof(challenge.relay_nonce));
	memcpy(accept.relay_nonce, subscribe->nonce, sizeof(accept.relay_nonce));
	switch (ks_read_u8(r) % 4) {
	case 0:
		len = ks_offer_write(&offer, parent->key.id, parent->setup.down, nonce, bytes);
		break;
	case 1:
		len = ks_challenge_write(&challenge, parent->key.id, subscribe->session, parent->setup.down, nonce,
					 bytes);
		break;
	case 2:
		len = ks_accept_write(&accept, parent->key.id, subscribe->session, parent->setup.down, nonce, bytes);
		break;
	default:
		len = ks_blind_write(&blind, parent->key.id, parent->setup.down, nonce, bytes);
		break;
	}
	put_changed(parent, bytes, len, r);
}

/* Authentic, and anything: a known start of the body, cut or filled to a length, with bytes changed. */
static void put_session(struct fake_parent *parent, struct ks_reader *r)
{
	static const uint8_t types[] = { KS_DATA, KS_ALIVE, KS_END, KS_OFFER, KS_ACCEPT, KS_BLIND, 0, 13 };
	struct ks_data_header header = { .track = 7, .epoch = 1, .seq = ks_read_u8(r), .object_len = 3000, .spread = 2,
					 .nblocks = 1, .shard = ks_read_u8(r) % 8 };
	uint8_t type = types[ks_read_u8(r) % sizeof(types)];
	uint8_t body[KS_DATAGRAM_MAX] = { 0 };
	size_t len = KS_DATA_HEADER_SIZE + KS_SHARD_MIN;

	if (type == KS_DATA) {
		ks_data_header_write(&header, body);
	} else if (type == KS_ALIVE) {
		struct ks_alive alive = { .n = 1, .objects = { { KS_SHARD_MIN, header } } };

		alive.objects[0].header.shard = 0;
		len = ks_alive_write(&alive, body);
	} else {
		len = 1;
	}
	mutate(body, len, r);
	if (ks_read_u8(r) % 4 == 0)
		len = ks_read_u16(r) % (KS_DATAGRAM_MAX - KS_HEADER_SIZE - KS_TAG_SIZE);
	fake_put(parent, &parent->session, type, body, len);
}

static void put_shards(struct fake_parent *parent, struct ks_reader *r)
{
	static const size_t lens[] = { KS_SHARD_MIN, 976, 1152, KS_SHARD_MAX };
	uint32_t seq = ks_read_u8(r);
	size_t shard_len = lens[ks_read_u8(r) % 4], n = 1 + ks_read_u8(r) % 30;
	size_t from = ks_read_u8(r) % (n + 20), to = from + ks_read_u8(r) % 20;
	struct fake_object object;

	fake_object(&object, 7, 1, seq, n * shard_len - 3, shard_len);
	object.header.spread = ks_read_u8(r) % (KS_SPREAD_UNITS_MAX + 1);
	if (ks_read_u8(r) % 4 == 0)
		mutate(object.bytes, object.len, r);
	fake_shards(parent, &object, from, to < n + 20 ? to : n + 20);
	if (ks_read_u8(r) % 2 == 0)
		fake_alive(parent, &object);
	fake_object_free(&object);
}

static void be_a_parent(enum step what, struct fake_parent *parent, struct ks_reader *r)
{
	size_t i = (size_t)(parent - fake.parents);

	switch (what) {
	case TELL:
		if (!told[i])
			number[i] = fake_tell(&fake, i);
		told[i] = true;
		break;
	case OFFER:
		fake_offer(&fake, i);
		break;
	case BLIND:
		fake_blind(parent, ks_read_u8(r) % 8, fake.wall_us + ((int64_t)ks_read_u8(r) - 128) * KS_US_PER_S);
		break;
	case MUTE:
		parent->mute = !parent->mute;
		break;
	case FORGET_COOKIE:
		parent->cookie[1]++;
		break;
	case ALIVE:
		fake_alive(parent, NULL);
		break;
	case END:
		fake_end(parent, ks_read_u8(r));
		break;
	default:
		put_shards(parent, r);
		break;
	}
}

static void be_the_program(enum step what, size_t i, struct ks_reader *r)
{
	const struct ks_endpoint there = { { ks_read_u8(r) % 8 }, 1, 1 };
	struct ks_psk keys[KS_PSK_MAX] = { fake.parents[i].key, fake.parents[(i + 1) % PARENTS].key,
					   fake.parents[2].key };
	uint8_t manifest[KS_HEAD_BODY] = { 0 };
	size_t n = ks_read_u8(r) % (KS_PSK_MAX + 1);

	if (what == KEYS)
		ks_receiver_set_keys(fake.receiver, keys, n);
	else if (what == REFUSED)
		ks_receiver_refused(fake.receiver, &there);
	else if (what == HEAD)
		ks_receiver_head(fake.receiver, manifest);
	else if (what == STOP)
		ks_receiver_stop(fake.receiver);
	else if (told[i] && what == PARENT_KEYS)
		ks_receiver_set_parent_keys(fake.receiver, number[i], keys, n);
	else if (told[i] && what == MOVE)
		ks_receiver_move(fake.receiver, number[i], &there);
	else if (told[i] && what == REMOVE) {
		ks_receiver_remove(fake.receiver, number[i]);
		told[i] = false;
	}
	fake_tick(&fake);
}

static void take_step(struct ks_reader *r)
{
	enum step what = ks_read_u8(r) % STEPS;
	size_t i = ks_read_u8(r) % PARENTS, len;
	const uint8_t *bytes;

	if (what == PASS_TIME) {
		fake_run(&fake, (int64_t)ks_read_u16(r) * KS_US_PER_MS);
		/* What is due is done: it does not call for itself again at once. */
		if (fake.due_us <= fake.now_us)
			abort();
	} else if (what == RAW) {
		len = ks_read_u16(r) % (KS_DATAGRAM_MAX + 2);
		bytes = ks_read_span(r, len < ks_reader_left(r) ? len : (len = ks_reader_left(r)));
		if (bytes != NULL && len > 0)
			fake_input(&fake.parents[i], bytes, len);
	} else if (what == SETUP) {
		put_setup(&fake.parents[i], r);
	} else if (what == SESSION) {
		put_session(&fake.parents[i], r);
	} else if (what < RAW) {
		be_a_parent(what, &fake.parents[i], r);
	} else {
		be_the_program(what, i, r);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct ks_reader r = ks_reader(bytes, len);

	ks_log_set_sink(drop_line, NULL);
	fake_init(&fake, NULL);
	memset(told, 0, sizeof(told));
	while (ks_reader_left(&r) > 0) {
		take_step(&r);
		if (ks_receiver_memory(fake.receiver) > MEMORY_MAX)
			abort();
	}
	fake_free(&fake);
	return 0;
}
