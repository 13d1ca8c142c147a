/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/message.h"

#include <string.h>

#include "tests/unit/unit.h"

static const uint8_t key[KS_SEAL_KEY_SIZE] = { 1 }, other_key[KS_SEAL_KEY_SIZE] = { 2 };
static const uint8_t nonce[KS_SETUP_NONCE_SIZE] = { 3 };
static const struct ks_psk psk = { .key = { 1 }, .id = 0x1234, .name = "relay-a" };

#define NAME_SIZE (KS_RELAY_NAME_MAX + 1)
#define SUBSCRIBE_CLEAR (KS_HEADER_SIZE + NAME_SIZE)
#define SESSION 0x89abcdef

static void fill(void *out, size_t len, uint8_t seed)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)out)[i] = (uint8_t)(seed + i * 7);
}

/* --- set-up: one table for what all messages have in common ---------------------------------------- */

/* Room for whatever any of them says. */
union said {
	struct ks_offer offer;
	struct ks_challenge challenge;
	struct ks_subscribe subscribe;
	struct ks_accept accept;
	struct ks_blind blind;
};

static size_t write_offer(uint8_t *out)
{
	struct ks_offer offer;

	fill(&offer, sizeof(offer), 5);
	return ks_offer_write(&offer, psk.id, key, nonce, out);
}

static size_t write_challenge(uint8_t *out)
{
	struct ks_challenge challenge;

	fill(&challenge, sizeof(challenge), 6);
	return ks_challenge_write(&challenge, psk.id, SESSION, key, nonce, out);
}

static struct ks_subscribe sample_subscribe(void)
{
	struct ks_subscribe subscribe = {
		.session = SESSION, .datagram = 1200, .nack = true, .from_top = false,
		.filter = { { "main", "home-plate" }, 2, { "std", "hi", "lo" }, 3 },
	};

	fill(subscribe.cookie, sizeof(subscribe.cookie), 7);
	fill(subscribe.nonce, sizeof(subscribe.nonce), 8);
	fill(subscribe.instance, sizeof(subscribe.instance), 9);
	return subscribe;
}

static size_t write_subscribe(uint8_t *out)
{
	const struct ks_subscribe subscribe = sample_subscribe();

	return ks_subscribe_write(&subscribe, &psk, key, nonce, out);
}

static struct ks_accept sample_accept(void)
{
	struct ks_accept accept = { .session = 0x01020304, .lease_s = 30, .nack = true };

	fill(accept.relay_nonce, sizeof(accept.relay_nonce), 10);
	fill(accept.nonce, sizeof(accept.nonce), 11);
	fill(accept.instance, sizeof(accept.instance), 12);
	return accept;
}

static size_t write_accept(uint8_t *out)
{
	const struct ks_accept accept = sample_accept();

	return ks_accept_write(&accept, psk.id, SESSION, key, nonce, out);
}

static struct ks_blind sample_blind(void)
{
	struct ks_blind blind = { .session = 0x01020304, .wall_us = INT64_C(1795000000123456) };

	fill(blind.nonce, sizeof(blind.nonce), 13);
	fill(blind.instance, sizeof(blind.instance), 14);
	return blind;
}

static size_t write_blind(uint8_t *out)
{
	const struct ks_blind blind = sample_blind();

	return ks_blind_write(&blind, psk.id, key, nonce, out);
}

static enum ks_drop read_offer(const uint8_t *bytes, size_t len, const uint8_t *with, union said *said)
{
	return ks_offer_read(bytes, len, with, &said->offer);
}

static enum ks_drop read_challenge(const uint8_t *bytes, size_t len, const uint8_t *with, union said *said)
{
	return ks_challenge_read(bytes, len, with, &said->challenge);
}

static enum ks_drop read_subscribe(const uint8_t *bytes, size_t len, const uint8_t *with, union said *said)
{
	return ks_subscribe_read(bytes, len, with, &said->subscribe);
}

static enum ks_drop read_accept(const uint8_t *bytes, size_t len, const uint8_t *with, union said *said)
{
	return ks_accept_read(bytes, len, with, &said->accept);
}

static enum ks_drop read_blind(const uint8_t *bytes, size_t len, const uint8_t *with, union said *said)
{
	return ks_blind_read(bytes, len, with, &said->blind);
}

static const struct setup {
	uint8_t type;
	size_t size, clear;
	uint32_t session;
	size_t (*write)(uint8_t *out);
	enum ks_drop (*read)(const uint8_t *bytes, size_t len, const uint8_t *with, union said *said);
} setups[] = {
	{ KS_OFFER, KS_OFFER_SIZE, KS_HEADER_SIZE, 0, write_offer, read_offer },
	{ KS_CHALLENGE, KS_CHALLENGE_SIZE, KS_HEADER_SIZE, SESSION, write_challenge, read_challenge },
	{ KS_SUBSCRIBE, KS_SUBSCRIBE_SIZE, SUBSCRIBE_CLEAR, 0, write_subscribe, read_subscribe },
	{ KS_ACCEPT, KS_ACCEPT_SIZE, KS_HEADER_SIZE, SESSION, write_accept, read_accept },
	{ KS_BLIND, KS_BLIND_SIZE, KS_HEADER_SIZE, 0, write_blind, read_blind },
};

#define SETUPS (sizeof(setups) / sizeof(setups[0]))

START_TEST(setup_has_its_size_and_header)
{
	const struct setup *s = &setups[_i];
	uint8_t bytes[KS_DATAGRAM_MAX];
	struct ks_header header;
	union said said;

	ck_assert_uint_eq(s->write(bytes), s->size);
	ck_assert_uint_le(s->size, KS_DATAGRAM_MIN);
	ck_assert_int_eq(ks_header_read(bytes, s->size, &header), KS_DROP_NONE);
	ck_assert_uint_eq(header.type, s->type);
	ck_assert_uint_eq(header.key_id, psk.id);
	ck_assert_uint_eq(header.session, s->session);
	ck_assert_uint_eq(header.counter, 0);
	ck_assert_int_eq(s->read(bytes, s->size, key, &said), KS_DROP_NONE);
}
END_TEST

START_TEST(setup_cut_or_damaged)
{
	const struct setup *s = &setups[_i];
	uint8_t bytes[KS_DATAGRAM_MAX + 1] = { 0 };
	union said said;

	s->write(bytes);
	ck_assert_int_eq(s->read(bytes, s->size, other_key, &said), KS_DROP_TAG);
	for (size_t len = 0; len < s->size; len++)
		ck_assert_int_eq(s->read(bytes, len, key, &said), KS_DROP_SHORT);
	ck_assert_int_eq(s->read(bytes, s->size + 1, key, &said), KS_DROP_TAG);
	ck_assert_int_eq(s->read(bytes, sizeof(bytes), key, &said), KS_DROP_LONG);
	for (size_t i = 0; i < s->size; i++) {
		bytes[i] ^= 0x40;
		ck_assert_int_eq(s->read(bytes, s->size, key, &said), KS_DROP_TAG);
		bytes[i] ^= 0x40;
	}
}
END_TEST

/* Opens what was written, gives its body to change, and seals it again `longer` bytes longer. Returns the length. */
static size_t with_body(const struct setup *s, uint8_t *bytes, size_t longer, void (*change)(uint8_t *body))
{
	size_t body_len = s->size - s->clear - KS_SETUP_NONCE_SIZE - KS_TAG_SIZE;
	uint8_t body[KS_DATAGRAM_MAX] = { 0 };
	const uint8_t *sealed = bytes + s->clear + KS_SETUP_NONCE_SIZE;

	s->write(bytes);
	ck_assert_int_eq(ks_unseal_setup(key, bytes, s->clear, nonce, sealed, body_len + KS_TAG_SIZE, body),
			 KS_DROP_NONE);
	if (change != NULL)
		change(body);
	ks_seal_setup(key, bytes, s->clear, nonce, body, body_len + longer, bytes + s->clear + KS_SETUP_NONCE_SIZE);
	return s->size + longer;
}

/* A later version may say more. */
START_TEST(setup_may_grow)
{
	const struct setup *s = &setups[_i];
	uint8_t bytes[KS_DATAGRAM_MAX];
	union said said;

	ck_assert_int_eq(s->read(bytes, with_body(s, bytes, 0, NULL), key, &said), KS_DROP_NONE);
	ck_assert_int_eq(s->read(bytes, with_body(s, bytes, 57, NULL), key, &said), KS_DROP_NONE);
	ck_assert_int_eq(s->read(bytes, with_body(s, bytes, KS_DATAGRAM_MAX - s->size, NULL), key, &said),
			 KS_DROP_NONE);
}
END_TEST

/* Nobody who is not authentic gets more bytes than were sent. */
START_TEST(nothing_amplifies)
{
	ck_assert_uint_le(KS_SUBSCRIBE_SIZE, KS_OFFER_SIZE);
	ck_assert_uint_le(KS_CHALLENGE_SIZE, KS_SUBSCRIBE_SIZE);
	ck_assert_uint_le(KS_ACCEPT_SIZE, KS_SUBSCRIBE_SIZE);
}
END_TEST

/* --- set-up: what each says ------------------------------------------------------------------------ */

START_TEST(offer_comes_back)
{
	uint8_t bytes[KS_OFFER_SIZE];
	struct ks_offer offer, back;

	fill(&offer, sizeof(offer), 5);
	ks_offer_write(&offer, psk.id, key, nonce, bytes);
	ck_assert_int_eq(ks_offer_read(bytes, sizeof(bytes), key, &back), KS_DROP_NONE);
	ck_assert_mem_eq(back.cookie, offer.cookie, sizeof(offer.cookie));
	ck_assert_mem_eq(back.instance, offer.instance, sizeof(offer.instance));
}
END_TEST

START_TEST(challenge_comes_back)
{
	struct ks_challenge challenge, back;
	uint8_t bytes[KS_CHALLENGE_SIZE];

	fill(&challenge, sizeof(challenge), 6);
	ks_challenge_write(&challenge, psk.id, SESSION, key, nonce, bytes);
	ck_assert_int_eq(ks_challenge_read(bytes, sizeof(bytes), key, &back), KS_DROP_NONE);
	ck_assert_mem_eq(back.relay_nonce, challenge.relay_nonce, sizeof(challenge.relay_nonce));
	ck_assert_mem_eq(back.cookie, challenge.cookie, sizeof(challenge.cookie));
}
END_TEST

static void check_subscribe(const struct ks_subscribe *subscribe)
{
	uint8_t bytes[KS_SUBSCRIBE_SIZE];
	struct ks_subscribe back;

	ks_subscribe_write(subscribe, &psk, key, nonce, bytes);
	ck_assert_int_eq(ks_subscribe_read(bytes, sizeof(bytes), key, &back), KS_DROP_NONE);
	ck_assert_mem_eq(back.cookie, subscribe->cookie, sizeof(back.cookie));
	ck_assert_mem_eq(back.nonce, subscribe->nonce, sizeof(back.nonce));
	ck_assert_mem_eq(back.instance, subscribe->instance, sizeof(back.instance));
	ck_assert_uint_eq(back.session, subscribe->session);
	ck_assert_uint_eq(back.datagram, subscribe->datagram);
	ck_assert_int_eq(back.nack, subscribe->nack);
	ck_assert_int_eq(back.from_top, subscribe->from_top);
	ck_assert_uint_eq(back.filter.n_channels, subscribe->filter.n_channels);
	ck_assert_uint_eq(back.filter.n_renditions, subscribe->filter.n_renditions);
	for (size_t i = 0; i < back.filter.n_channels; i++)
		ck_assert_str_eq(back.filter.channels[i], subscribe->filter.channels[i]);
	for (size_t i = 0; i < back.filter.n_renditions; i++)
		ck_assert_str_eq(back.filter.renditions[i], subscribe->filter.renditions[i]);
}

START_TEST(subscribe_comes_back)
{
	struct ks_subscribe subscribe = sample_subscribe();

	check_subscribe(&subscribe);
	subscribe.nack = false;
	subscribe.from_top = true;
	subscribe.datagram = KS_DATAGRAM_MIN;
	check_subscribe(&subscribe);
	subscribe.datagram = KS_DATAGRAM_MAX;
	subscribe.filter = (struct ks_filter){ .n_channels = 0 };
	check_subscribe(&subscribe);
	/* All names, each as long as it may be. */
	subscribe.filter.n_channels = KS_FILTER_CHANNELS_MAX;
	subscribe.filter.n_renditions = KS_FILTER_RENDITIONS_MAX;
	for (size_t i = 0; i < KS_FILTER_CHANNELS_MAX; i++)
		memset(subscribe.filter.channels[i], 'a' + (int)i, KS_CHANNEL_MAX);
	for (size_t i = 0; i < KS_FILTER_RENDITIONS_MAX; i++)
		memset(subscribe.filter.renditions[i], 'p' + (int)i, KS_RENDITION_MAX);
	check_subscribe(&subscribe);
}
END_TEST

START_TEST(subscribe_names_its_relay)
{
	uint8_t bytes[KS_SUBSCRIBE_SIZE];
	char name[KS_RELAY_NAME_MAX + 1];
	struct ks_psk longest = psk;

	write_subscribe(bytes);
	ck_assert_int_eq(ks_subscribe_name(bytes, sizeof(bytes), name), KS_DROP_NONE);
	ck_assert_str_eq(name, "relay-a");
	ck_assert_mem_eq(bytes + KS_HEADER_SIZE, "relay-a", 8);
	for (size_t len = 0; len < KS_HEADER_SIZE + KS_RELAY_NAME_MAX; len++)
		ck_assert_int_eq(ks_subscribe_name(bytes, len, name), KS_DROP_SHORT);

	memset(longest.name, 'a', KS_RELAY_NAME_MAX);
	longest.name[KS_RELAY_NAME_MAX] = '\0';
	ks_subscribe_write(&(struct ks_subscribe){ .datagram = 1200 }, &longest, key, nonce, bytes);
	ck_assert_int_eq(ks_subscribe_name(bytes, sizeof(bytes), name), KS_DROP_NONE);
	ck_assert_str_eq(name, longest.name);
	bytes[KS_HEADER_SIZE + KS_RELAY_NAME_MAX] = 'a';	/* one more than there may be */
	ck_assert_int_eq(ks_subscribe_name(bytes, sizeof(bytes), name), KS_DROP_MALFORMED);
}
END_TEST

START_TEST(names_that_are_none)
{
	static const char *const bad[] = { "", "Relay", "-relay", "re lay", "re/lay", "relay\xff" };
	uint8_t bytes[KS_SUBSCRIBE_SIZE];
	char name[KS_RELAY_NAME_MAX + 1];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_subscribe(bytes);
		memset(bytes + KS_HEADER_SIZE, 0, NAME_SIZE);
		memcpy(bytes + KS_HEADER_SIZE, bad[i], strlen(bad[i]));
		ck_assert_int_eq(ks_subscribe_name(bytes, sizeof(bytes), name), KS_DROP_MALFORMED);
	}
	write_subscribe(bytes);
	bytes[KS_HEADER_SIZE + 8] = 'x';	/* behind the first zero */
	ck_assert_int_eq(ks_subscribe_name(bytes, sizeof(bytes), name), KS_DROP_MALFORMED);
}
END_TEST

/* Offsets in the body of SUBSCRIBE: behind cookie, nonce and instance. */
enum { AT_DATAGRAM = 76, AT_CHANNELS = 79, AT_RENDITIONS, AT_CHANNEL, AT_RENDITION = AT_CHANNEL + 4 * 24 };

static void tiny_datagram(uint8_t *body) { memcpy(body + AT_DATAGRAM, "\x3f\x02", 2); }	/* 575 */
static void huge_datagram(uint8_t *body) { memcpy(body + AT_DATAGRAM, "\x99\x05", 2); }	/* 1433 */
static void five_channels(uint8_t *body) { body[AT_CHANNELS] = KS_FILTER_CHANNELS_MAX + 1; }
static void nine_renditions(uint8_t *body) { body[AT_RENDITIONS] = KS_FILTER_RENDITIONS_MAX + 1; }
static void more_channels_than_named(uint8_t *body) { body[AT_CHANNELS] = 3; }
static void bad_channel(uint8_t *body) { body[AT_CHANNEL] = 'M'; }
static void bad_padding(uint8_t *body) { body[AT_CHANNEL + 5] = 'x'; }
static void bad_rendition(uint8_t *body) { body[AT_RENDITION] = '/'; }
static void uncounted_rubbish(uint8_t *body) { body[AT_CHANNEL + 3 * 24] = '/'; }

START_TEST(subscribe_refusals)
{
	static void (*const bad[])(uint8_t *body) = {
		tiny_datagram, huge_datagram, five_channels, nine_renditions, more_channels_than_named, bad_channel,
		bad_padding, bad_rendition,
	};
	const struct setup *s = &setups[2];
	uint8_t bytes[KS_DATAGRAM_MAX];
	union said said;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(s->read(bytes, with_body(s, bytes, 0, bad[i]), key, &said) == KS_DROP_MALFORMED,
			      "case %zu", i);
	ck_assert_int_eq(s->read(bytes, with_body(s, bytes, 0, uncounted_rubbish), key, &said), KS_DROP_NONE);
}
END_TEST

START_TEST(accept_comes_back)
{
	struct ks_accept accept = sample_accept(), back;
	uint8_t bytes[KS_ACCEPT_SIZE];

	for (int nack = 0; nack < 2; nack++) {
		accept.nack = nack;
		ks_accept_write(&accept, psk.id, SESSION, key, nonce, bytes);
		ck_assert_int_eq(ks_accept_read(bytes, sizeof(bytes), key, &back), KS_DROP_NONE);
		ck_assert_mem_eq(back.relay_nonce, accept.relay_nonce, sizeof(back.relay_nonce));
		ck_assert_mem_eq(back.nonce, accept.nonce, sizeof(back.nonce));
		ck_assert_mem_eq(back.instance, accept.instance, sizeof(back.instance));
		ck_assert_uint_eq(back.session, accept.session);
		ck_assert_uint_eq(back.lease_s, accept.lease_s);
		ck_assert_int_eq(back.nack, nack);
	}
	accept.lease_s = 0;
	ks_accept_write(&accept, psk.id, SESSION, key, nonce, bytes);
	ck_assert_int_eq(ks_accept_read(bytes, sizeof(bytes), key, &back), KS_DROP_MALFORMED);
}
END_TEST

START_TEST(blind_comes_back)
{
	static const int64_t bad[] = { -1, INT64_MIN, KS_CAPTURED_MAX_US + 1, INT64_MAX };
	struct ks_blind blind = sample_blind(), back;
	uint8_t bytes[KS_BLIND_SIZE];

	ks_blind_write(&blind, psk.id, key, nonce, bytes);
	ck_assert_int_eq(ks_blind_read(bytes, sizeof(bytes), key, &back), KS_DROP_NONE);
	ck_assert_mem_eq(back.nonce, blind.nonce, sizeof(back.nonce));
	ck_assert_mem_eq(back.instance, blind.instance, sizeof(back.instance));
	ck_assert_uint_eq(back.session, blind.session);
	ck_assert_int_eq(back.wall_us, blind.wall_us);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		blind.wall_us = bad[i];
		ks_blind_write(&blind, psk.id, key, nonce, bytes);
		ck_assert_int_eq(ks_blind_read(bytes, sizeof(bytes), key, &back), KS_DROP_MALFORMED);
	}
}
END_TEST

/* --- sessions --------------------------------------------------------------------------------------- */

START_TEST(session_datagrams)
{
	const struct ks_header header = { KS_RENEW, 0, 77, SESSION, 5 };
	uint8_t bytes[KS_HEADER_SIZE + 3 + KS_TAG_SIZE], out[3];

	ck_assert_uint_eq(ks_session_write(&header, key, (const uint8_t *)"abc", 3, bytes), sizeof(bytes));
	ck_assert_int_eq(ks_unseal(key, bytes, 5, bytes + KS_HEADER_SIZE, sizeof(bytes) - KS_HEADER_SIZE, out),
			 KS_DROP_NONE);
	ck_assert_mem_eq(out, "abc", 3);
	bytes[0] ^= 1;	/* another type */
	ck_assert_int_eq(ks_unseal(key, bytes, 5, bytes + KS_HEADER_SIZE, sizeof(bytes) - KS_HEADER_SIZE, out),
			 KS_DROP_TAG);
}
END_TEST

START_TEST(renew_comes_back)
{
	const struct ks_renew renew = { 0x01020304, 2, 0x05060708, 4, 5, 1432, 0x0910 };
	const uint8_t expected[] = { 4, 3, 2, 1, 2, 0, 0, 0, 8, 7, 6, 5, 4, 0, 0, 0, 5, 0, 0, 0, 0x98, 5, 0x10, 9 };
	uint8_t body[KS_RENEW_BODY + 8] = { 0 };
	struct ks_renew back;

	ck_assert_uint_eq(ks_renew_write(&renew, body), KS_RENEW_BODY);
	ck_assert_mem_eq(body, expected, sizeof(expected));
	ck_assert_int_eq(ks_renew_read(body, KS_RENEW_BODY, &back), KS_DROP_NONE);
	ck_assert_mem_eq(&back, &renew, sizeof(back));
	ck_assert_int_eq(ks_renew_read(body, sizeof(body), &back), KS_DROP_NONE);
	for (size_t len = 0; len < KS_RENEW_BODY; len++)
		ck_assert_int_eq(ks_renew_read(body, len, &back), KS_DROP_MALFORMED);
	body[11] = 0;	/* fewer expected than received */
	ck_assert_int_eq(ks_renew_read(body, KS_RENEW_BODY, &back), KS_DROP_MALFORMED);
}
END_TEST

START_TEST(nack_comes_back)
{
	struct ks_nack nack = { .track = 0x01020304, .epoch = 0x05060708, .seq = 9, .source = 10, .n = 2,
				.blocks = { { 0, 1 }, { 11, 255 } } }, back;
	const uint8_t expected[] = { 4, 3, 2, 1, 8, 7, 6, 5, 9, 0, 0, 0, 10, 2, 0, 1, 11, 255 };
	uint8_t body[KS_NACK_BODY_MAX + 8] = { 0 };
	size_t len = ks_nack_write(&nack, body);

	ck_assert_uint_eq(len, sizeof(expected));
	ck_assert_mem_eq(body, expected, len);
	ck_assert_int_eq(ks_nack_read(body, len, &back), KS_DROP_NONE);
	ck_assert_uint_eq(back.track, nack.track);
	ck_assert_uint_eq(back.epoch, nack.epoch);
	ck_assert_uint_eq(back.seq, nack.seq);
	ck_assert_uint_eq(back.source, nack.source);
	ck_assert_uint_eq(back.n, 2);
	ck_assert_uint_eq(back.blocks[1].block, 11);
	ck_assert_uint_eq(back.blocks[1].missing, 255);
	ck_assert_int_eq(ks_nack_read(body, len + 8, &back), KS_DROP_NONE);
	for (size_t cut = 0; cut < len; cut++)
		ck_assert_int_eq(ks_nack_read(body, cut, &back), KS_DROP_MALFORMED);

	nack.n = 0;
	ck_assert_uint_eq(ks_nack_write(&nack, body), 14);
	ck_assert_int_eq(ks_nack_read(body, 14, &back), KS_DROP_NONE);
	ck_assert_uint_eq(back.n, 0);
}
END_TEST

START_TEST(nack_refusals)
{
	struct ks_nack nack = { .n = KS_BLOCKS_MAX }, back;
	uint8_t body[KS_NACK_BODY_MAX + 2] = { 0 };

	for (uint8_t i = 0; i < KS_BLOCKS_MAX; i++) {
		nack.blocks[i].block = i;
		nack.blocks[i].missing = 1;
	}
	ck_assert_uint_eq(ks_nack_write(&nack, body), KS_NACK_BODY_MAX);
	ck_assert_int_eq(ks_nack_read(body, KS_NACK_BODY_MAX, &back), KS_DROP_NONE);
	body[13] = KS_BLOCKS_MAX + 1;
	ck_assert_int_eq(ks_nack_read(body, sizeof(body), &back), KS_DROP_MALFORMED);
	body[13] = KS_BLOCKS_MAX;
	body[14] = KS_BLOCKS_MAX;	/* a block that cannot be */
	ck_assert_int_eq(ks_nack_read(body, KS_NACK_BODY_MAX, &back), KS_DROP_MALFORMED);
	body[14] = 0;
	body[15] = 0;			/* nothing missing of it */
	ck_assert_int_eq(ks_nack_read(body, KS_NACK_BODY_MAX, &back), KS_DROP_MALFORMED);
}
END_TEST

static const struct ks_data_header object = {
	.track = 1, .epoch = 2, .seq = 3, .object_len = 100000, .hops = 1, .spread = 25, .nblocks = 2, .source = 4,
};

START_TEST(alive_comes_back)
{
	uint8_t body[KS_ALIVE_BODY_MAX + 8] = { 0 };
	struct ks_alive alive = { .n = KS_ALIVE_OBJECTS_MAX }, back;
	size_t len;

	for (uint8_t i = 0; i < KS_ALIVE_OBJECTS_MAX; i++) {
		alive.objects[i].shard_len = 1152;
		alive.objects[i].header = object;
		alive.objects[i].header.seq = i;
	}
	len = ks_alive_write(&alive, body);
	ck_assert_uint_eq(len, KS_ALIVE_BODY_MAX);
	ck_assert_uint_le(KS_HEADER_SIZE + len + KS_TAG_SIZE, KS_DATAGRAM_MIN);
	ck_assert_int_eq(ks_alive_read(body, len, &back), KS_DROP_NONE);
	ck_assert_uint_eq(back.n, KS_ALIVE_OBJECTS_MAX);
	for (size_t i = 0; i < KS_ALIVE_OBJECTS_MAX; i++) {
		ck_assert_uint_eq(back.objects[i].shard_len, 1152);
		ck_assert_uint_eq(back.objects[i].header.seq, i);
		ck_assert_uint_eq(back.objects[i].header.object_len, object.object_len);
	}
	ck_assert_int_eq(ks_alive_read(body, sizeof(body), &back), KS_DROP_NONE);
	for (size_t cut = 0; cut < len; cut++)
		ck_assert_int_eq(ks_alive_read(body, cut, &back), KS_DROP_MALFORMED);
	body[0] = 0;
	ck_assert_int_eq(ks_alive_read(body, 1, &back), KS_DROP_NONE);
	ck_assert_uint_eq(back.n, 0);
}
END_TEST

START_TEST(alive_refusals)
{
	struct ks_alive alive = { .n = 1, .objects = { { 1152, object } } }, back;
	uint8_t body[KS_ALIVE_BODY_MAX + 32] = { 0 };
	size_t len = ks_alive_write(&alive, body);

	body[0] = KS_ALIVE_OBJECTS_MAX + 1;
	ck_assert_int_eq(ks_alive_read(body, sizeof(body), &back), KS_DROP_MALFORMED);
	body[0] = 1;
	ck_assert_int_eq(ks_alive_read(body, len, &back), KS_DROP_NONE);
	memset(body + 1 + 2 + 12, 0, 3);	/* an object of no length */
	ck_assert_int_eq(ks_alive_read(body, len, &back), KS_DROP_MALFORMED);
}
END_TEST

START_TEST(reasons_have_words)
{
	for (size_t i = 0; i < KS_BYE_REASONS; i++)
		ck_assert_msg(ks_bye_names[i] != NULL && *ks_bye_names[i] != '\0', "%zu", i);
}
END_TEST

/* --- the filter --------------------------------------------------------------------------------------- */

START_TEST(filter)
{
	static const struct ks_filter all = { .n_channels = 0 };
	static const struct ks_filter channels = { .channels = { "main", "plate" }, .n_channels = 2 };
	static const struct ks_filter renditions = { .renditions = { "lo", "std" }, .n_renditions = 2 };
	static const struct ks_filter both = { { "main" }, 1, { "lo" }, 1 };

	ck_assert(ks_filter_match(&all, "main", "std"));
	ck_assert(ks_filter_match(&channels, "plate", "whatever"));
	ck_assert(!ks_filter_match(&channels, "plat", "std"));
	ck_assert(!ks_filter_match(&channels, "plates", "std"));
	ck_assert(ks_filter_match(&renditions, "any", "std"));
	ck_assert(!ks_filter_match(&renditions, "any", "hi"));
	ck_assert(ks_filter_match(&both, "main", "lo"));
	ck_assert(!ks_filter_match(&both, "main", "std"));
	ck_assert(!ks_filter_match(&both, "plate", "lo"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("message");
	TCase *setup = tcase_create("setup"), *session = tcase_create("session");

	tcase_add_loop_test(setup, setup_has_its_size_and_header, 0, SETUPS);
	tcase_add_loop_test(setup, setup_cut_or_damaged, 0, SETUPS);
	tcase_add_loop_test(setup, setup_may_grow, 0, SETUPS);
	tcase_add_test(setup, nothing_amplifies);
	tcase_add_test(setup, offer_comes_back);
	tcase_add_test(setup, challenge_comes_back);
	tcase_add_test(setup, subscribe_comes_back);
	tcase_add_test(setup, subscribe_names_its_relay);
	tcase_add_test(setup, names_that_are_none);
	tcase_add_test(setup, subscribe_refusals);
	tcase_add_test(setup, accept_comes_back);
	tcase_add_test(setup, blind_comes_back);
	suite_add_tcase(suite, setup);
	tcase_add_test(session, session_datagrams);
	tcase_add_test(session, renew_comes_back);
	tcase_add_test(session, nack_comes_back);
	tcase_add_test(session, nack_refusals);
	tcase_add_test(session, alive_comes_back);
	tcase_add_test(session, alive_refusals);
	tcase_add_test(session, reasons_have_words);
	tcase_add_test(session, filter);
	suite_add_tcase(suite, session);
	return unit_run(suite);
}
