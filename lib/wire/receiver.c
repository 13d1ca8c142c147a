/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/receiver.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "lib/wire/assembler.h"
#include "lib/wire/message.h"

/* A session's index is its place in the table with random bits above, so that it is found at once and an index
 * of a time before is not mistaken for one of now. */
#define INDEX_BITS_OF_PLACE 8
_Static_assert(KS_SESSIONS_MAX == 1 << INDEX_BITS_OF_PLACE, "a session's place is part of its index");
_Static_assert(KS_PSK_MAX * KS_HALF_OPEN_MAX + 2 * KS_PARENTS_MAX <= KS_SESSIONS_MAX, "a free place can be found");

enum session_state { FREE, HALF_OPEN, LIVE, FADING };

struct session {
	enum session_state state;
	uint32_t index;
	struct ks_psk psk;
	struct ks_offer offer;
	uint8_t nonce[KS_SESSION_NONCE_SIZE];
	struct ks_session_keys keys;
	struct ks_replay replay;
	struct ks_endpoint endpoint;
	struct parent *parent;		/* set when live or fading */
	int64_t since_us;		/* when it entered its state */
	int64_t heard_us, report_at_us;
	uint64_t report_counter, received, replayed;
};

/* A sender with a session: what outlives a change of keys. */
struct parent {
	bool used;
	uint8_t sender_id[KS_SENDER_ID_SIZE];
	struct session *live, *fading;
	struct ks_assembler *assembler;
	uint32_t epoch, seq;		/* delivered last */
};

struct accepted_key {
	struct ks_psk psk;
	struct ks_setup_keys setup;
};

struct ks_receiver {
	struct ks_receiver_ops ops;
	struct accepted_key keys[KS_PSK_MAX];
	size_t n_keys;
	struct session sessions[KS_SESSIONS_MAX];
	struct parent parents[KS_PARENTS_MAX];
	struct ks_fec *fec;
	int64_t delivered_us;
	struct ks_assembler_counts gone;	/* of assemblers that are no more */
	ks_counter datagrams, bytes, delivered, drops[KS_DROPS];
	struct ks_log_gate drop_gate;
};

int ks_receiver_new(struct ks_receiver **out, const struct ks_receiver_ops *ops)
{
	struct ks_receiver *receiver;
	int err;

	if (sodium_init() < 0)
		return -ENOSYS;
	receiver = calloc(1, sizeof(*receiver));
	if (receiver == NULL)
		return -ENOMEM;
	receiver->ops = *ops;
	err = ks_fec_new(&receiver->fec, ks_fec_best);
	if (err != KS_EOK) {
		free(receiver);
		return err;
	}
	*out = receiver;
	return KS_EOK;
}

void ks_receiver_free(struct ks_receiver *receiver)
{
	if (receiver == NULL)
		return;
	for (size_t i = 0; i < KS_PARENTS_MAX; i++)
		ks_assembler_free(receiver->parents[i].assembler);
	ks_fec_free(receiver->fec);
	sodium_memzero(receiver, sizeof(*receiver));
	free(receiver);
}

static void close_session(struct session *session)
{
	sodium_memzero(session, sizeof(*session));
}

static void close_parent(struct ks_receiver *receiver, struct parent *parent)
{
	const struct ks_assembler_counts *counts = ks_assembler_counts(parent->assembler);

	receiver->gone.delivered += counts->delivered;
	receiver->gone.repaired += counts->repaired;
	receiver->gone.lost += counts->lost;
	receiver->gone.abandoned += counts->abandoned;
	ks_assembler_free(parent->assembler);
	close_session(parent->live);
	if (parent->fading != NULL)
		close_session(parent->fading);
	*parent = (struct parent){ 0 };
}

static bool same_key(const struct ks_psk *a, const struct ks_psk *b)
{
	return sodium_memcmp(a->key, b->key, KS_PSK_SIZE) == 0;
}

static bool accepts(const struct ks_receiver *receiver, const struct ks_psk *psk)
{
	for (size_t i = 0; i < receiver->n_keys; i++)
		if (same_key(&receiver->keys[i].psk, psk))
			return true;
	return false;
}

int ks_receiver_set_keys(struct ks_receiver *receiver, const struct ks_psk *keys, size_t n_keys)
{
	if (n_keys > KS_PSK_MAX)
		return KS_ELIMIT;
	sodium_memzero(receiver->keys, sizeof(receiver->keys));
	receiver->n_keys = n_keys;
	for (size_t i = 0; i < n_keys; i++) {
		receiver->keys[i].psk = keys[i];
		ks_seal_setup_keys(&keys[i], &receiver->keys[i].setup);
	}
	for (size_t i = 0; i < KS_PARENTS_MAX; i++)
		if (receiver->parents[i].used && !accepts(receiver, &receiver->parents[i].live->psk))
			close_parent(receiver, &receiver->parents[i]);
	for (size_t i = 0; i < KS_SESSIONS_MAX; i++)
		if (receiver->sessions[i].state != FREE && !accepts(receiver, &receiver->sessions[i].psk))
			close_session(&receiver->sessions[i]);
	return KS_EOK;
}

static struct parent *find_parent(struct ks_receiver *receiver, const struct session *session)
{
	for (size_t i = 0; i < KS_PARENTS_MAX; i++) {
		struct parent *parent = &receiver->parents[i];

		if (parent->used && memcmp(parent->sender_id, session->offer.sender_id, KS_SENDER_ID_SIZE) == 0 &&
		    same_key(&parent->live->psk, &session->psk))
			return parent;
	}
	return NULL;
}

/* A new half-open session. When a key has as many as it may have, the oldest gives way: recorded offers, played
 * back, cannot fill the table for good. */
static struct session *open_session(struct ks_receiver *receiver, const struct ks_psk *psk)
{
	struct session *place = NULL, *oldest = NULL;
	size_t half_open = 0;

	for (size_t i = 0; i < KS_SESSIONS_MAX; i++) {
		struct session *s = &receiver->sessions[i];

		if (s->state == FREE && place == NULL)
			place = s;
		if (s->state != HALF_OPEN || !same_key(&s->psk, psk))
			continue;
		half_open++;
		if (oldest == NULL || s->since_us < oldest->since_us)
			oldest = s;
	}
	if (half_open >= KS_HALF_OPEN_MAX)
		place = oldest;
	close_session(place);
	return place;
}

static struct session *find_offered(struct ks_receiver *receiver, const struct ks_offer *offer)
{
	for (size_t i = 0; i < KS_SESSIONS_MAX; i++) {
		struct session *s = &receiver->sessions[i];

		if (s->state != FREE && sodium_memcmp(s->offer.nonce, offer->nonce, KS_SESSION_NONCE_SIZE) == 0)
			return s;
	}
	return NULL;
}

static void fill_session(struct ks_receiver *receiver, struct session *session, const struct accepted_key *key,
			 const struct ks_offer *offer)
{
	uint32_t random;

	receiver->ops.random(receiver->ops.ctx, &random, sizeof(random));
	receiver->ops.random(receiver->ops.ctx, session->nonce, sizeof(session->nonce));
	session->state = HALF_OPEN;
	session->index = random << INDEX_BITS_OF_PLACE | (uint32_t)(session - receiver->sessions);
	session->psk = key->psk;
	session->offer = *offer;
	session->since_us = ks_mono_us(receiver->ops.clock);
	ks_seal_session_keys(&session->psk, offer->nonce, session->nonce, &session->keys);
}

static void send_accept(struct ks_receiver *receiver, const struct session *session, const struct accepted_key *key,
			const struct ks_endpoint *to)
{
	struct ks_accept accept = { .session = session->index, .continued = find_parent(receiver, session) != NULL };
	uint8_t nonce[KS_SETUP_NONCE_SIZE], datagram[KS_ACCEPT_SIZE];

	memcpy(accept.sender_nonce, session->offer.nonce, sizeof(accept.sender_nonce));
	memcpy(accept.nonce, session->nonce, sizeof(accept.nonce));
	receiver->ops.random(receiver->ops.ctx, nonce, sizeof(nonce));
	ks_accept_write(&accept, session->psk.id, session->offer.session, key->setup.accept, nonce, datagram);
	receiver->ops.send(receiver->ops.ctx, to, datagram, sizeof(datagram));
}

static enum ks_drop take_offer(struct ks_receiver *receiver, const struct ks_endpoint *from,
			       const struct ks_header *header, const uint8_t *bytes, size_t len)
{
	enum ks_drop drop = KS_DROP_KEY;
	const struct accepted_key *key = NULL;
	struct session *session;
	struct ks_offer offer;

	/* Two keys may have the same id. */
	for (size_t i = 0; i < receiver->n_keys && drop != KS_DROP_NONE; i++) {
		key = &receiver->keys[i];
		if (key->psk.id == header->key_id)
			drop = ks_offer_read(bytes, len, key->setup.offer, &offer);
	}
	if (drop != KS_DROP_NONE)
		return drop;
	session = find_offered(receiver, &offer);
	if (session != NULL && session->state != HALF_OPEN)
		return KS_DROP_REPLAY;
	if (session == NULL) {
		session = open_session(receiver, &key->psk);
		fill_session(receiver, session, key, &offer);
	}
	send_accept(receiver, session, key, from);
	return KS_DROP_NONE;
}

static void send_report(struct ks_receiver *receiver, struct session *session, int64_t now_us)
{
	const struct parent *parent = session->parent;
	const struct ks_assembler_counts *counts = ks_assembler_counts(parent->assembler);
	const struct ks_header header = { KS_REPORT, session->psk.id, session->offer.session,
					  session->report_counter++ };
	const struct ks_report report = {
		.received = session->received,
		.replayed = session->replayed,
		.expected = session->replay.next,
		.delivered = (uint32_t)counts->delivered,
		.lost = (uint32_t)counts->lost,
		.epoch = parent->epoch,
		.seq = parent->seq,
	};
	uint8_t body[KS_REPORT_BODY], datagram[KS_REPORT_SIZE];

	ks_report_write(&report, body);
	ks_session_write(&header, session->keys.up, body, sizeof(body), datagram);
	receiver->ops.send(receiver->ops.ctx, &session->endpoint, datagram, sizeof(datagram));
	session->report_at_us = now_us + KS_REPORT_US;
}

/* A place for a new sender; when there is none, the one that was silent longest goes. */
static struct parent *open_parent(struct ks_receiver *receiver)
{
	struct parent *place = &receiver->parents[0];

	for (size_t i = 0; i < KS_PARENTS_MAX && place->used; i++) {
		struct parent *p = &receiver->parents[i];

		if (!p->used || p->live->heard_us < place->live->heard_us)
			place = p;
	}
	if (place->used)
		close_parent(receiver, place);
	return ks_assembler_new(&place->assembler, receiver->fec) == KS_EOK ? place : NULL;
}

/* The first authentic datagram makes a half-open session the live one of its sender; only who knows the key and
 * saw our nonce can send it, so a recorded offer never gets here. */
static enum ks_drop promote(struct ks_receiver *receiver, struct session *session, int64_t now_us)
{
	struct parent *parent = find_parent(receiver, session);

	if (parent == NULL) {
		parent = open_parent(receiver);
		if (parent == NULL)
			return KS_DROP_LIMIT;
		parent->used = true;
		memcpy(parent->sender_id, session->offer.sender_id, KS_SENDER_ID_SIZE);
		ks_info("wire", "a sender has set up a session, with relay key %04x", session->psk.id);
	} else {
		if (parent->fading != NULL)
			close_session(parent->fading);
		parent->fading = parent->live;
		parent->fading->state = FADING;
		parent->fading->since_us = now_us;
	}
	parent->live = session;
	session->parent = parent;
	session->state = LIVE;
	session->since_us = now_us;
	session->report_at_us = now_us;
	return KS_DROP_NONE;
}

static enum ks_drop take_data(struct ks_receiver *receiver, struct session *session, const uint8_t *plain, size_t len)
{
	struct ks_data_header header;
	struct ks_whole whole;
	enum ks_drop drop = ks_data_header_read(plain, len, &header);

	if (drop != KS_DROP_NONE)
		return KS_DROP_MALFORMED;
	drop = ks_assembler_add(session->parent->assembler, &header, plain + KS_DATA_HEADER_SIZE,
				len - KS_DATA_HEADER_SIZE, &whole);
	if (whole.bytes == NULL)
		return drop;
	session->parent->epoch = whole.epoch;
	session->parent->seq = whole.seq;
	receiver->delivered_us = ks_mono_us(receiver->ops.clock);
	ks_count(&receiver->delivered);
	receiver->ops.deliver(receiver->ops.ctx, whole.bytes, whole.len);
	return KS_DROP_NONE;
}

static enum ks_drop take_sealed(struct ks_receiver *receiver, const struct ks_endpoint *from,
				const struct ks_header *header, const uint8_t *bytes, size_t len)
{
	struct session *session = &receiver->sessions[header->session % KS_SESSIONS_MAX];
	int64_t now_us = ks_mono_us(receiver->ops.clock);
	uint8_t plain[KS_DATAGRAM_MAX];
	enum ks_drop drop;

	if (session->state == FREE || session->index != header->session || session->psk.id != header->key_id)
		return KS_DROP_SESSION;
	drop = ks_unseal(session->keys.down, bytes, header->counter, bytes + KS_HEADER_SIZE, len - KS_HEADER_SIZE,
			 plain);
	if (drop != KS_DROP_NONE)
		return drop;
	drop = ks_replay_take(&session->replay, header->counter);
	session->replayed += drop == KS_DROP_REPLAY;
	if (drop == KS_DROP_NONE && session->state == HALF_OPEN)
		drop = promote(receiver, session, now_us);
	if (drop != KS_DROP_NONE)
		return drop;
	session->received++;
	session->heard_us = now_us;
	/* The newest datagram tells where the sender is now, behind whatever translates its address. */
	if (header->counter + 1 == session->replay.next)
		session->endpoint = *from;
	if (session->report_at_us <= now_us && session->state == LIVE)
		send_report(receiver, session, now_us);
	if (header->type == KS_ALIVE)
		return KS_DROP_NONE;
	return take_data(receiver, session, plain, len - KS_HEADER_SIZE - KS_TAG_SIZE);
}

static enum ks_drop input(struct ks_receiver *receiver, const struct ks_endpoint *from, const uint8_t *bytes,
			  size_t len)
{
	struct ks_header header;
	enum ks_drop drop = ks_header_read(bytes, len, &header);

	if (drop != KS_DROP_NONE)
		return drop;
	switch (header.type) {
	case KS_OFFER:
		return take_offer(receiver, from, &header, bytes, len);
	case KS_DATA:
	case KS_ALIVE:
		return take_sealed(receiver, from, &header, bytes, len);
	default:
		return KS_DROP_TYPE;
	}
}

static const char *advice(enum ks_drop drop)
{
	switch (drop) {
	case KS_DROP_KEY:
	case KS_DROP_TAG:
		return "; if a sender of yours gets no session, compare the relay keys of both";
	case KS_DROP_VERSION:
		return "; if it is from a sender of yours, install the same version on both";
	default:
		return "";
	}
}

void ks_receiver_input(struct ks_receiver *receiver, const struct ks_endpoint *from, const uint8_t *bytes, size_t len)
{
	enum ks_drop drop = input(receiver, from, bytes, len);

	ks_count(&receiver->datagrams);
	ks_count_add(&receiver->bytes, len);
	if (drop == KS_DROP_NONE)
		return;
	ks_count(&receiver->drops[drop]);
	/* After a datagram's session ended there is always one more; these are normal life too. */
	if (drop >= KS_DROP_LATE || drop == KS_DROP_REPLAY || drop == KS_DROP_SESSION)
		return;
	if (ks_log_gate(&receiver->drop_gate, ks_mono_us(receiver->ops.clock), NULL))
		ks_info("wire", "dropped a datagram: %s (koshien_wire_drops_total counts them)%s", ks_drop_names[drop],
			advice(drop));
}

static void tick_session(struct ks_receiver *receiver, struct session *session, int64_t now_us)
{
	switch (session->state) {
	case FREE:
		break;
	case HALF_OPEN:
		if (now_us - session->since_us >= KS_HALF_OPEN_US)
			close_session(session);
		break;
	case FADING:
		if (now_us - session->since_us >= KS_FADE_US) {
			session->parent->fading = NULL;
			close_session(session);
		}
		break;
	case LIVE:
		if (now_us - session->heard_us >= KS_IDLE_US) {
			ks_info("wire", "a sender with relay key %04x has gone silent; its session ends",
				session->psk.id);
			close_parent(receiver, session->parent);
		} else if (session->report_at_us <= now_us) {
			send_report(receiver, session, now_us);
		}
		break;
	}
}

void ks_receiver_tick(struct ks_receiver *receiver)
{
	int64_t now_us = ks_mono_us(receiver->ops.clock);

	for (size_t i = 0; i < KS_SESSIONS_MAX; i++)
		tick_session(receiver, &receiver->sessions[i], now_us);
}

int64_t ks_receiver_delivered_us(const struct ks_receiver *receiver)
{
	return receiver->delivered_us;
}

uint64_t ks_receiver_dropped(const struct ks_receiver *receiver, enum ks_drop reason)
{
	return ks_counted(&receiver->drops[reason]);
}

uint64_t ks_receiver_delivered(const struct ks_receiver *receiver)
{
	return ks_counted(&receiver->delivered);
}

size_t ks_receiver_memory(const struct ks_receiver *receiver)
{
	size_t sum = sizeof(*receiver);

	for (size_t i = 0; i < KS_PARENTS_MAX; i++)
		if (receiver->parents[i].used)
			sum += ks_assembler_memory(receiver->parents[i].assembler);
	return sum;
}

static void put_counter(FILE *out, const char *name, const char *help, uint64_t value)
{
	ks_prom_family(out, name, "counter", help);
	ks_prom_sample(out, name, (double)value, NULL);
}

void ks_receiver_metrics(const struct ks_receiver *receiver, FILE *out)
{
	struct ks_assembler_counts sum = receiver->gone;
	unsigned senders = 0;

	for (size_t i = 0; i < KS_PARENTS_MAX; i++) {
		const struct parent *parent = &receiver->parents[i];
		const struct ks_assembler_counts *counts;

		if (!parent->used)
			continue;
		counts = ks_assembler_counts(parent->assembler);
		sum.repaired += counts->repaired;
		sum.lost += counts->lost;
		sum.abandoned += counts->abandoned;
		senders++;
	}
	ks_prom_gauge(out, "koshien_wire_senders", "Senders with a session.", senders);
	ks_prom_counter(out, "koshien_wire_received_datagrams_total", "Datagrams that came in.", &receiver->datagrams);
	ks_prom_counter(out, "koshien_wire_received_bytes_total", "Bytes of UDP payload that came in.",
			&receiver->bytes);
	ks_prom_counter(out, "koshien_wire_received_frames_total", "Frames received whole.", &receiver->delivered);
	put_counter(out, "koshien_wire_repaired_frames_total", "Frames of which some data was lost and computed again.",
		    sum.repaired);
	put_counter(out, "koshien_wire_lost_frames_total", "Frame numbers that were passed over.", sum.lost);
	put_counter(out, "koshien_wire_abandoned_frames_total", "Frames begun and never completed.", sum.abandoned);
	ks_prom_reasons(out, "koshien_wire_drops_total", "Datagrams that were not used, by reason.",
			receiver->drops + 1, ks_drop_names + 1, KS_DROPS - 1);
}
