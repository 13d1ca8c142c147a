/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/message.h"

#include <string.h>

#include "lib/base/cursor.h"
#include "lib/base/name.h"

#define NAME_SIZE (KS_RELAY_NAME_MAX + 1)
#define SETUP_OVERHEAD (KS_HEADER_SIZE + KS_SETUP_NONCE_SIZE + KS_TAG_SIZE)
#define BODY_MAX (KS_DATAGRAM_MAX - SETUP_OVERHEAD)

#define SUBSCRIBE_NACK 1
#define SUBSCRIBE_FROM_TOP 2
#define ACCEPT_NACK 1

const char *const ks_bye_names[KS_BYE_REASONS] = {
	[0] = "no reason",
	[KS_BYE_STOP] = "stopped",
	[KS_BYE_REVOKED] = "its key was revoked",
};

/* --- set-up ------------------------------------------------------------------------------------- */

/* Header, what else is in clear, nonce, sealed body: exactly `size` bytes; the rest of the body is zeros. */
static size_t write_setup(const struct ks_header *header, const char *name, const uint8_t *key, const uint8_t *nonce,
			  uint8_t *body, size_t size, uint8_t *out)
{
	size_t clear = KS_HEADER_SIZE;

	ks_header_write(header, out);
	if (name != NULL) {
		memset(out + clear, 0, NAME_SIZE);
		memcpy(out + clear, name, strnlen(name, KS_RELAY_NAME_MAX));
		clear += NAME_SIZE;
	}
	memcpy(out + clear, nonce, KS_SETUP_NONCE_SIZE);
	ks_seal_setup(key, out, clear, nonce, body, size - clear - KS_SETUP_NONCE_SIZE - KS_TAG_SIZE,
		      out + clear + KS_SETUP_NONCE_SIZE);
	return size;
}

/* Opens a set-up datagram of at least `least` bytes, `clear` of them in clear, into a reader of its body. */
static enum ks_drop read_setup(const uint8_t *bytes, size_t len, size_t least, size_t clear, const uint8_t *key,
			       uint8_t body[BODY_MAX], struct ks_reader *r)
{
	const uint8_t *nonce = bytes + clear, *sealed = nonce + KS_SETUP_NONCE_SIZE;

	if (len < least)
		return KS_DROP_SHORT;
	if (len > KS_DATAGRAM_MAX)
		return KS_DROP_LONG;
	*r = ks_reader(body, (size_t)(bytes + len - sealed) - KS_TAG_SIZE);
	return ks_unseal_setup(key, bytes, clear, nonce, sealed, (size_t)(bytes + len - sealed), body);
}

static enum ks_drop outcome(const struct ks_reader *r)
{
	return r->error == KS_EOK ? KS_DROP_NONE : KS_DROP_MALFORMED;
}

size_t ks_offer_write(const struct ks_offer *offer, uint16_t key_id, const uint8_t key[KS_SEAL_KEY_SIZE],
		      const uint8_t nonce[KS_SETUP_NONCE_SIZE], uint8_t out[KS_OFFER_SIZE])
{
	uint8_t body[KS_OFFER_SIZE - SETUP_OVERHEAD] = { 0 };
	struct ks_writer w = ks_writer(body, sizeof(body));

	ks_write_bytes(&w, offer->cookie, sizeof(offer->cookie));
	ks_write_bytes(&w, offer->instance, sizeof(offer->instance));
	return write_setup(&(struct ks_header){ .type = KS_OFFER, .key_id = key_id }, NULL, key, nonce, body,
			   KS_OFFER_SIZE, out);
}

enum ks_drop ks_offer_read(const uint8_t *bytes, size_t len, const uint8_t key[KS_SEAL_KEY_SIZE],
			   struct ks_offer *offer)
{
	uint8_t body[BODY_MAX];
	struct ks_reader r;
	enum ks_drop drop = read_setup(bytes, len, KS_OFFER_SIZE, KS_HEADER_SIZE, key, body, &r);

	if (drop != KS_DROP_NONE)
		return drop;
	ks_read_bytes(&r, offer->cookie, sizeof(offer->cookie));
	ks_read_bytes(&r, offer->instance, sizeof(offer->instance));
	return outcome(&r);
}

size_t ks_challenge_write(const struct ks_challenge *challenge, uint16_t key_id, uint32_t session,
			  const uint8_t key[KS_SEAL_KEY_SIZE], const uint8_t nonce[KS_SETUP_NONCE_SIZE],
			  uint8_t out[KS_CHALLENGE_SIZE])
{
	const struct ks_header header = { .type = KS_CHALLENGE, .key_id = key_id, .session = session };
	uint8_t body[KS_CHALLENGE_SIZE - SETUP_OVERHEAD] = { 0 };
	struct ks_writer w = ks_writer(body, sizeof(body));

	ks_write_bytes(&w, challenge->relay_nonce, sizeof(challenge->relay_nonce));
	ks_write_bytes(&w, challenge->cookie, sizeof(challenge->cookie));
	return write_setup(&header, NULL, key, nonce, body, KS_CHALLENGE_SIZE, out);
}

enum ks_drop ks_challenge_read(const uint8_t *bytes, size_t len, const uint8_t key[KS_SEAL_KEY_SIZE],
			       struct ks_challenge *challenge)
{
	uint8_t body[BODY_MAX];
	struct ks_reader r;
	enum ks_drop drop = read_setup(bytes, len, KS_CHALLENGE_SIZE, KS_HEADER_SIZE, key, body, &r);

	if (drop != KS_DROP_NONE)
		return drop;
	ks_read_bytes(&r, challenge->relay_nonce, sizeof(challenge->relay_nonce));
	ks_read_bytes(&r, challenge->cookie, sizeof(challenge->cookie));
	return outcome(&r);
}

size_t ks_subscribe_write(const struct ks_subscribe *subscribe, const struct ks_psk *psk,
			  const uint8_t key[KS_SEAL_KEY_SIZE], const uint8_t nonce[KS_SETUP_NONCE_SIZE],
			  uint8_t out[KS_SUBSCRIBE_SIZE])
{
	const struct ks_filter *filter = &subscribe->filter;
	uint8_t body[KS_SUBSCRIBE_SIZE - NAME_SIZE - SETUP_OVERHEAD] = { 0 };
	struct ks_writer w = ks_writer(body, sizeof(body));

	ks_write_bytes(&w, subscribe->cookie, sizeof(subscribe->cookie));
	ks_write_bytes(&w, subscribe->nonce, sizeof(subscribe->nonce));
	ks_write_bytes(&w, subscribe->instance, sizeof(subscribe->instance));
	ks_write_u32(&w, subscribe->session);
	ks_write_u16(&w, subscribe->datagram);
	ks_write_u8(&w, (uint8_t)((subscribe->nack ? SUBSCRIBE_NACK : 0) |
				  (subscribe->from_top ? SUBSCRIBE_FROM_TOP : 0)));
	ks_write_u8(&w, (uint8_t)filter->n_channels);
	ks_write_u8(&w, (uint8_t)filter->n_renditions);
	for (size_t i = 0; i < KS_FILTER_CHANNELS_MAX; i++)
		ks_write_bytes(&w, filter->channels[i], KS_CHANNEL_MAX);
	for (size_t i = 0; i < KS_FILTER_RENDITIONS_MAX; i++)
		ks_write_bytes(&w, filter->renditions[i], KS_RENDITION_MAX);
	return write_setup(&(struct ks_header){ .type = KS_SUBSCRIBE, .key_id = psk->id }, psk->name, key, nonce, body,
			   KS_SUBSCRIBE_SIZE, out);
}

/* A name padded with zeros; false when it is none. */
static bool read_name(struct ks_reader *r, char *name, size_t max)
{
	size_t len;

	ks_read_bytes(r, name, max);
	name[max] = '\0';
	len = strlen(name);
	for (size_t i = len; i < max; i++)
		if (name[i] != '\0')
			return false;
	return ks_name_valid(name, len, max);
}

enum ks_drop ks_subscribe_name(const uint8_t *bytes, size_t len, char name[KS_RELAY_NAME_MAX + 1])
{
	struct ks_reader r = ks_reader(bytes, len);

	ks_read_span(&r, KS_HEADER_SIZE);
	if (!read_name(&r, name, KS_RELAY_NAME_MAX))
		return r.error == KS_EOK ? KS_DROP_MALFORMED : KS_DROP_SHORT;
	return ks_read_u8(&r) == 0 && r.error == KS_EOK ? KS_DROP_NONE : KS_DROP_MALFORMED;
}

/* Names beyond the counted ones may be anything: they are not looked at. */
static bool read_filter(struct ks_reader *r, struct ks_filter *filter)
{
	bool good;

	filter->n_channels = ks_read_u8(r);
	filter->n_renditions = ks_read_u8(r);
	good = filter->n_channels <= KS_FILTER_CHANNELS_MAX && filter->n_renditions <= KS_FILTER_RENDITIONS_MAX;
	for (size_t i = 0; i < KS_FILTER_CHANNELS_MAX; i++)
		good &= read_name(r, filter->channels[i], KS_CHANNEL_MAX) || i >= filter->n_channels;
	for (size_t i = 0; i < KS_FILTER_RENDITIONS_MAX; i++)
		good &= read_name(r, filter->renditions[i], KS_RENDITION_MAX) || i >= filter->n_renditions;
	return good;
}

enum ks_drop ks_subscribe_read(const uint8_t *bytes, size_t len, const uint8_t key[KS_SEAL_KEY_SIZE],
			       struct ks_subscribe *subscribe)
{
	uint8_t body[BODY_MAX], flags;
	struct ks_reader r;
	enum ks_drop drop = read_setup(bytes, len, KS_SUBSCRIBE_SIZE, KS_HEADER_SIZE + NAME_SIZE, key, body, &r);

	if (drop != KS_DROP_NONE)
		return drop;
	ks_read_bytes(&r, subscribe->cookie, sizeof(subscribe->cookie));
	ks_read_bytes(&r, subscribe->nonce, sizeof(subscribe->nonce));
	ks_read_bytes(&r, subscribe->instance, sizeof(subscribe->instance));
	subscribe->session = ks_read_u32(&r);
	subscribe->datagram = ks_read_u16(&r);
	flags = ks_read_u8(&r);
	subscribe->nack = (flags & SUBSCRIBE_NACK) != 0;
	subscribe->from_top = (flags & SUBSCRIBE_FROM_TOP) != 0;
	if (!read_filter(&r, &subscribe->filter) || subscribe->datagram < KS_DATAGRAM_MIN ||
	    subscribe->datagram > KS_DATAGRAM_MAX)
		return KS_DROP_MALFORMED;
	return outcome(&r);
}

bool ks_filter_match(const struct ks_filter *filter, const char *channel, const char *rendition)
{
	bool match = filter->n_channels == 0;

	for (size_t i = 0; i < filter->n_channels; i++)
		match |= strcmp(filter->channels[i], channel) == 0;
	if (!match || filter->n_renditions == 0)
		return match;
	for (size_t i = 0; i < filter->n_renditions; i++)
		if (strcmp(filter->renditions[i], rendition) == 0)
			return true;
	return false;
}

size_t ks_accept_write(const struct ks_accept *accept, uint16_t key_id, uint32_t session,
		       const uint8_t key[KS_SEAL_KEY_SIZE], const uint8_t nonce[KS_SETUP_NONCE_SIZE],
		       uint8_t out[KS_ACCEPT_SIZE])
{
	const struct ks_header header = { .type = KS_ACCEPT, .key_id = key_id, .session = session };
	uint8_t body[KS_ACCEPT_SIZE - SETUP_OVERHEAD] = { 0 };
	struct ks_writer w = ks_writer(body, sizeof(body));

	ks_write_bytes(&w, accept->relay_nonce, sizeof(accept->relay_nonce));
	ks_write_bytes(&w, accept->nonce, sizeof(accept->nonce));
	ks_write_bytes(&w, accept->instance, sizeof(accept->instance));
	ks_write_u32(&w, accept->session);
	ks_write_u16(&w, accept->lease_s);
	ks_write_u8(&w, accept->nack ? ACCEPT_NACK : 0);
	return write_setup(&header, NULL, key, nonce, body, KS_ACCEPT_SIZE, out);
}

enum ks_drop ks_accept_read(const uint8_t *bytes, size_t len, const uint8_t key[KS_SEAL_KEY_SIZE],
			    struct ks_accept *accept)
{
	uint8_t body[BODY_MAX];
	struct ks_reader r;
	enum ks_drop drop = read_setup(bytes, len, KS_ACCEPT_SIZE, KS_HEADER_SIZE, key, body, &r);

	if (drop != KS_DROP_NONE)
		return drop;
	ks_read_bytes(&r, accept->relay_nonce, sizeof(accept->relay_nonce));
	ks_read_bytes(&r, accept->nonce, sizeof(accept->nonce));
	ks_read_bytes(&r, accept->instance, sizeof(accept->instance));
	accept->session = ks_read_u32(&r);
	accept->lease_s = ks_read_u16(&r);
	accept->nack = (ks_read_u8(&r) & ACCEPT_NACK) != 0;
	return accept->lease_s > 0 ? outcome(&r) : KS_DROP_MALFORMED;
}

size_t ks_blind_write(const struct ks_blind *blind, uint16_t key_id, const uint8_t key[KS_SEAL_KEY_SIZE],
		      const uint8_t nonce[KS_SETUP_NONCE_SIZE], uint8_t out[KS_BLIND_SIZE])
{
	uint8_t body[KS_BLIND_SIZE - SETUP_OVERHEAD] = { 0 };
	struct ks_writer w = ks_writer(body, sizeof(body));

	ks_write_bytes(&w, blind->nonce, sizeof(blind->nonce));
	ks_write_bytes(&w, blind->instance, sizeof(blind->instance));
	ks_write_u32(&w, blind->session);
	ks_write_u64(&w, (uint64_t)blind->wall_us);
	return write_setup(&(struct ks_header){ .type = KS_BLIND, .key_id = key_id }, NULL, key, nonce, body,
			   KS_BLIND_SIZE, out);
}

enum ks_drop ks_blind_read(const uint8_t *bytes, size_t len, const uint8_t key[KS_SEAL_KEY_SIZE],
			   struct ks_blind *blind)
{
	uint8_t body[BODY_MAX];
	struct ks_reader r;
	enum ks_drop drop = read_setup(bytes, len, KS_BLIND_SIZE, KS_HEADER_SIZE, key, body, &r);

	if (drop != KS_DROP_NONE)
		return drop;
	ks_read_bytes(&r, blind->nonce, sizeof(blind->nonce));
	ks_read_bytes(&r, blind->instance, sizeof(blind->instance));
	blind->session = ks_read_u32(&r);
	blind->wall_us = (int64_t)ks_read_u64(&r);
	return blind->wall_us >= 0 && blind->wall_us <= KS_CAPTURED_MAX_US ? outcome(&r) : KS_DROP_MALFORMED;
}

/* --- sessions ----------------------------------------------------------------------------------- */

size_t ks_session_write(const struct ks_header *header, const uint8_t key[KS_SEAL_KEY_SIZE], const uint8_t *plain,
			size_t len, uint8_t *out)
{
	ks_header_write(header, out);
	ks_seal(key, out, header->counter, plain, len, out + KS_HEADER_SIZE);
	return KS_HEADER_SIZE + len + KS_TAG_SIZE;
}

size_t ks_renew_write(const struct ks_renew *renew, uint8_t out[KS_RENEW_BODY])
{
	struct ks_writer w = ks_writer(out, KS_RENEW_BODY);

	ks_write_u32(&w, renew->received);
	ks_write_u32(&w, renew->replayed);
	ks_write_u32(&w, renew->expected);
	ks_write_u32(&w, renew->delivered);
	ks_write_u32(&w, renew->lost);
	ks_write_u16(&w, renew->longest);
	ks_write_u16(&w, renew->rtt_ms);
	return KS_RENEW_BODY;
}

enum ks_drop ks_renew_read(const uint8_t *body, size_t len, struct ks_renew *renew)
{
	struct ks_reader r = ks_reader(body, len);

	renew->received = ks_read_u32(&r);
	renew->replayed = ks_read_u32(&r);
	renew->expected = ks_read_u32(&r);
	renew->delivered = ks_read_u32(&r);
	renew->lost = ks_read_u32(&r);
	renew->longest = ks_read_u16(&r);
	renew->rtt_ms = ks_read_u16(&r);
	return renew->received <= renew->expected ? outcome(&r) : KS_DROP_MALFORMED;
}

size_t ks_nack_write(const struct ks_nack *nack, uint8_t out[KS_NACK_BODY_MAX])
{
	struct ks_writer w = ks_writer(out, KS_NACK_BODY_MAX);

	ks_write_u32(&w, nack->track);
	ks_write_u32(&w, nack->epoch);
	ks_write_u32(&w, nack->seq);
	ks_write_u8(&w, nack->source);
	ks_write_u8(&w, nack->n);
	for (size_t i = 0; i < nack->n; i++) {
		ks_write_u8(&w, nack->blocks[i].block);
		ks_write_u8(&w, nack->blocks[i].missing);
	}
	return (size_t)(w.at - out);
}

enum ks_drop ks_nack_read(const uint8_t *body, size_t len, struct ks_nack *nack)
{
	struct ks_reader r = ks_reader(body, len);

	nack->track = ks_read_u32(&r);
	nack->epoch = ks_read_u32(&r);
	nack->seq = ks_read_u32(&r);
	nack->source = ks_read_u8(&r);
	nack->n = ks_read_u8(&r);
	if (nack->n > KS_BLOCKS_MAX)
		return KS_DROP_MALFORMED;
	for (size_t i = 0; i < nack->n; i++) {
		nack->blocks[i].block = ks_read_u8(&r);
		nack->blocks[i].missing = ks_read_u8(&r);
		if (nack->blocks[i].block >= KS_BLOCKS_MAX || nack->blocks[i].missing == 0)
			return KS_DROP_MALFORMED;
	}
	return outcome(&r);
}

size_t ks_alive_write(const struct ks_alive *alive, uint8_t out[KS_ALIVE_BODY_MAX])
{
	struct ks_writer w = ks_writer(out, KS_ALIVE_BODY_MAX);

	ks_write_u8(&w, alive->n);
	for (size_t i = 0; i < alive->n; i++) {
		uint8_t header[KS_DATA_HEADER_SIZE];

		ks_data_header_write(&alive->objects[i].header, header);
		ks_write_u16(&w, alive->objects[i].shard_len);
		ks_write_bytes(&w, header, sizeof(header));
	}
	return (size_t)(w.at - out);
}

enum ks_drop ks_alive_read(const uint8_t *body, size_t len, struct ks_alive *alive)
{
	struct ks_reader r = ks_reader(body, len);

	alive->n = ks_read_u8(&r);
	if (alive->n > KS_ALIVE_OBJECTS_MAX)
		return KS_DROP_MALFORMED;
	for (size_t i = 0; i < alive->n; i++) {
		const uint8_t *header;

		alive->objects[i].shard_len = ks_read_u16(&r);
		header = ks_read_span(&r, KS_DATA_HEADER_SIZE);
		if (header == NULL ||
		    ks_data_header_read(header, KS_DATA_HEADER_SIZE, &alive->objects[i].header) != KS_DROP_NONE)
			return KS_DROP_MALFORMED;
	}
	return outcome(&r);
}
