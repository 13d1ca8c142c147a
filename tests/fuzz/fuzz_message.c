/* SPDX-License-Identifier: Apache-2.0
 *
 * Every reader of the wire's messages. The first byte chooses one; the rest is what a peer with the right key says,
 * sealed here so that it gets past the tag, or, in clear, what anybody may send. What a reader takes it must be able to
 * write, and read again as the same.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/name.h"
#include "lib/wire/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const uint8_t key[KS_SEAL_KEY_SIZE] = { 1 }, nonce[KS_SETUP_NONCE_SIZE] = { 2 };
static const struct ks_psk psk = { .key = { 1 }, .id = 3, .name = "relay" };

#define SUBSCRIBE_CLEAR (KS_HEADER_SIZE + KS_RELAY_NAME_MAX + 1)

static void check(bool good)
{
	if (!good)
		abort();
}

/* A datagram with this body behind `clear` bytes; 0 when it would be too long. */
static size_t seal(const uint8_t *body, size_t len, size_t clear, uint8_t out[KS_DATAGRAM_MAX])
{
	size_t whole = clear + KS_SETUP_NONCE_SIZE + len + KS_TAG_SIZE;

	if (whole > KS_DATAGRAM_MAX)
		return 0;
	memset(out, 0, clear);
	memcpy(out + clear, nonce, sizeof(nonce));
	ks_seal_setup(key, out, clear, nonce, body, len, out + clear + sizeof(nonce));
	return whole;
}

static void offer(const uint8_t *body, size_t len)
{
	uint8_t datagram[KS_DATAGRAM_MAX];
	struct ks_offer once, twice;

	memset(&once, 0, sizeof(once));
	memset(&twice, 0, sizeof(twice));
	if (ks_offer_read(datagram, seal(body, len, KS_HEADER_SIZE, datagram), key, &once) != KS_DROP_NONE)
		return;
	check(ks_offer_read(datagram, ks_offer_write(&once, 3, key, nonce, datagram), key, &twice) == KS_DROP_NONE);
	check(memcmp(&once, &twice, sizeof(once)) == 0);
}

static void challenge(const uint8_t *body, size_t len)
{
	uint8_t datagram[KS_DATAGRAM_MAX];
	struct ks_challenge once, twice;

	memset(&once, 0, sizeof(once));
	memset(&twice, 0, sizeof(twice));
	if (ks_challenge_read(datagram, seal(body, len, KS_HEADER_SIZE, datagram), key, &once) != KS_DROP_NONE)
		return;
	check(ks_challenge_read(datagram, ks_challenge_write(&once, 3, 4, key, nonce, datagram), key, &twice) ==
	      KS_DROP_NONE);
	check(memcmp(&once, &twice, sizeof(once)) == 0);
}

static bool same_filter(const struct ks_filter *a, const struct ks_filter *b)
{
	bool same = a->n_channels == b->n_channels && a->n_renditions == b->n_renditions;

	for (size_t i = 0; same && i < a->n_channels; i++)
		same = strcmp(a->channels[i], b->channels[i]) == 0;
	for (size_t i = 0; same && i < a->n_renditions; i++)
		same = strcmp(a->renditions[i], b->renditions[i]) == 0;
	return same;
}

static void subscribe(const uint8_t *body, size_t len)
{
	uint8_t datagram[KS_DATAGRAM_MAX];
	struct ks_subscribe once, twice;

	if (ks_subscribe_read(datagram, seal(body, len, SUBSCRIBE_CLEAR, datagram), key, &once) != KS_DROP_NONE)
		return;
	for (size_t i = 0; i < once.filter.n_channels; i++)
		check(ks_filter_match(&once.filter, once.filter.channels[i],
				      once.filter.n_renditions > 0 ? once.filter.renditions[0] : "any"));
	check(ks_subscribe_read(datagram, ks_subscribe_write(&once, &psk, key, nonce, datagram), key, &twice) ==
	      KS_DROP_NONE);
	check(memcmp(once.cookie, twice.cookie, sizeof(once.cookie)) == 0 && once.session == twice.session &&
	      once.datagram == twice.datagram && once.nack == twice.nack && once.from_top == twice.from_top &&
	      same_filter(&once.filter, &twice.filter));
}

static void accept(const uint8_t *body, size_t len)
{
	uint8_t datagram[KS_DATAGRAM_MAX];
	struct ks_accept once, twice;

	if (ks_accept_read(datagram, seal(body, len, KS_HEADER_SIZE, datagram), key, &once) != KS_DROP_NONE)
		return;
	len = ks_accept_write(&once, 3, 4, key, nonce, datagram);
	check(ks_accept_read(datagram, len, key, &twice) == KS_DROP_NONE);
	check(once.session == twice.session && once.lease_s == twice.lease_s && once.nack == twice.nack &&
	      memcmp(once.nonce, twice.nonce, sizeof(once.nonce)) == 0);
}

static void blind(const uint8_t *body, size_t len)
{
	uint8_t datagram[KS_DATAGRAM_MAX];
	struct ks_blind once, twice;

	if (ks_blind_read(datagram, seal(body, len, KS_HEADER_SIZE, datagram), key, &once) != KS_DROP_NONE)
		return;
	check(ks_blind_read(datagram, ks_blind_write(&once, 3, key, nonce, datagram), key, &twice) == KS_DROP_NONE);
	check(once.session == twice.session && once.wall_us == twice.wall_us);
}

static void renew(const uint8_t *body, size_t len)
{
	uint8_t again[KS_RENEW_BODY];
	struct ks_renew said;

	if (ks_renew_read(body, len, &said) == KS_DROP_NONE)
		check(ks_renew_write(&said, again) <= len && memcmp(again, body, sizeof(again)) == 0);
}

static void nack(const uint8_t *body, size_t len)
{
	uint8_t again[KS_NACK_BODY_MAX];
	struct ks_nack said;
	size_t again_len;

	if (ks_nack_read(body, len, &said) != KS_DROP_NONE)
		return;
	again_len = ks_nack_write(&said, again);
	check(again_len <= len && memcmp(again, body, again_len) == 0);
}

static void alive(const uint8_t *body, size_t len)
{
	uint8_t again[KS_ALIVE_BODY_MAX];
	struct ks_alive said;
	size_t again_len;

	if (ks_alive_read(body, len, &said) != KS_DROP_NONE)
		return;
	again_len = ks_alive_write(&said, again);
	check(again_len <= len && memcmp(again, body, again_len) == 0);
}

/* What anybody may send: in clear, or with a seal of nobody's. */
static void clear(const uint8_t *bytes, size_t len)
{
	char name[KS_RELAY_NAME_MAX + 1];
	struct ks_subscribe said;
	struct ks_header header;

	if (ks_header_read(bytes, len, &header) == KS_DROP_NONE)
		check(header.type < 16 && len <= KS_DATAGRAM_MAX);
	if (ks_subscribe_name(bytes, len, name) == KS_DROP_NONE)
		check(ks_name_valid(name, strlen(name), KS_RELAY_NAME_MAX));
	check(ks_subscribe_read(bytes, len, key, &said) != KS_DROP_NONE || len >= KS_SUBSCRIBE_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static void (*const readers[])(const uint8_t *body, size_t len) = {
		clear, offer, challenge, subscribe, accept, blind, renew, nack, alive,
	};

	if (len > 0)
		readers[bytes[0] % (sizeof(readers) / sizeof(readers[0]))](bytes + 1, len - 1);
	return 0;
}
