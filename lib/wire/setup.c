/* SPDX-License-Identifier: Apache-2.0
 *
 * How sessions come to be: the relay's half of OFFER, SUBSCRIBE, CHALLENGE, ACCEPT.
 */
#include "lib/wire/receiver_private.h"

#include <string.h>

#include <sodium.h>

#define OFFER_PAUSE_US (100 * KS_US_PER_MS)	/* between answers to one and the same offer */
#define CHALLENGES_MAX 2	/* answered per SUBSCRIBE of our own accord: the first, and one that is newer */

bool ks_instance_is_own(const struct ks_receiver *receiver, const uint8_t instance[KS_INSTANCE_SIZE])
{
	return memcmp(instance, receiver->instance, KS_INSTANCE_SIZE) == 0;
}

void ks_setup_own_instance(struct ks_receiver *receiver, const struct ks_parent *parent, int64_t now_us)
{
	char text[KS_PARENT_NAME_MAX + KS_PARENT_ADDRESS_MAX + 8];

	if (!ks_log_gate(&receiver->self_gate, now_us, NULL))
		return;
	if (parent != NULL && parent->told)
		ks_error("wire", "parent %s is this very program: it would be its own parent; correct the address",
			 ks_parent_text(parent, text, sizeof(text)));
	else
		ks_error("wire", "this program offers frames to itself: it would be its own parent; take its own "
				 "address off its list of relays");
}

/* While a session is set up, only the address that was asked is answered: who stands on the way may send what he has
 * read from any other. */
static void take_answer(struct ks_intake *intake, const struct ks_endpoint *from, size_t len)
{
	if (ks_endpoint_same_peer(&intake->endpoint, from))
		ks_intake_heard(intake, from, len);
}

static const struct ks_keyring *ring_of(const struct ks_receiver *receiver, const struct ks_parent *parent)
{
	return parent != NULL && parent->told ? &parent->ring : &receiver->ring;
}

void ks_setup_ask(struct ks_receiver *receiver, struct ks_intake *intake, int64_t now_us)
{
	const struct ks_endpoint *to = ks_intake_pay(intake, KS_SUBSCRIBE_SIZE);
	struct ks_subscribe subscribe = {
		.session = intake->ours,
		.datagram = (uint16_t)receiver->settings.datagram,
		.nack = receiver->settings.nack,
		.from_top = intake->from_top,
		.filter = receiver->settings.filter,
	};
	uint8_t nonce[KS_SETUP_NONCE_SIZE], datagram[KS_SUBSCRIBE_SIZE];

	if (to == NULL)
		return;
	memcpy(subscribe.cookie, intake->cookie, sizeof(subscribe.cookie));
	memcpy(subscribe.nonce, intake->nonce, sizeof(subscribe.nonce));
	memcpy(subscribe.instance, receiver->instance, sizeof(subscribe.instance));
	receiver->ops.random(receiver->ops.ctx, nonce, sizeof(nonce));
	ks_subscribe_write(&subscribe, &intake->key.psk, intake->key.setup.up, nonce, datagram);
	if (intake->tries++ == 0)
		intake->sent_us = now_us;
	receiver->ops.send(receiver->ops.ctx, to, datagram, sizeof(datagram));
}

/* --- offers ------------------------------------------------------------------------------------- */

static enum ks_drop read_offer(const struct ks_receiver *receiver, const struct ks_header *header, const uint8_t *bytes,
			       size_t len, struct ks_offer *offer, const struct ks_accepted_key **key)
{
	enum ks_drop drop = KS_DROP_KEY;

	/* Two keys may have the same id. */
	for (size_t i = 0; i < receiver->ring.n && drop != KS_DROP_NONE; i++) {
		*key = &receiver->ring.keys[i];
		if ((*key)->psk.id == header->key_id)
			drop = ks_offer_read(bytes, len, (*key)->setup.down, offer);
	}
	return drop;
}

/* The session that answers this offer, or a new one. When a key has as many as it may have, the oldest gives way:
 * recorded offers, played back, cannot fill the table for good. */
static struct ks_intake *offered(struct ks_receiver *receiver, const struct ks_offer *offer,
				 const struct ks_accepted_key *key, int64_t now_us)
{
	struct ks_intake *oldest = NULL, *intake;
	size_t n = 0;

	for (size_t i = 0; i < KS_INTAKES_MAX; i++) {
		intake = &receiver->intakes[i];
		if (intake->state == KS_INTAKE_FREE || intake->parent != NULL || intake->blind ||
		    !ks_psk_equal(&intake->key.psk, &key->psk))
			continue;
		if (memcmp(intake->offered, offer->cookie, KS_COOKIE_SIZE) == 0 &&
		    memcmp(intake->instance, offer->instance, KS_INSTANCE_SIZE) == 0)
			return intake;
		n++;
		if (oldest == NULL || intake->since_us < oldest->since_us)
			oldest = intake;
	}
	if (n >= KS_OFFERED_MAX)
		ks_intake_close(receiver, oldest);
	intake = ks_intake_open(receiver, NULL, now_us);
	if (intake == NULL)
		return NULL;
	intake->key = *key;
	intake->settled = true;
	memcpy(intake->offered, offer->cookie, KS_COOKIE_SIZE);
	memcpy(intake->cookie, offer->cookie, KS_COOKIE_SIZE);
	memcpy(intake->instance, offer->instance, KS_INSTANCE_SIZE);
	return intake;
}

enum ks_drop ks_setup_offer(struct ks_receiver *receiver, const struct ks_endpoint *from,
			    const struct ks_header *header, const uint8_t *bytes, size_t len, int64_t now_us)
{
	const struct ks_accepted_key *key = NULL;
	const struct ks_parent *parent;
	struct ks_intake *intake;
	struct ks_offer offer;
	enum ks_drop drop = read_offer(receiver, header, bytes, len, &offer, &key);

	if (drop != KS_DROP_NONE)
		return drop;
	if (ks_instance_is_own(receiver, offer.instance)) {
		ks_setup_own_instance(receiver, NULL, now_us);
		return KS_DROP_LOOP;
	}
	parent = ks_parent_find(receiver, offer.instance, &key->psk, false);
	if (parent != NULL && parent->live != NULL && now_us - parent->live->heard_us < KS_QUIET_US)
		return KS_DROP_REPLAY;
	intake = offered(receiver, &offer, key, now_us);
	if (intake == NULL)
		return KS_DROP_LIMIT;
	if (intake->state != KS_INTAKE_ASKED) {
		take_answer(intake, from, len);
		return KS_DROP_REPLAY;
	}
	if (intake->tries > 0 && now_us - intake->renew_us < OFFER_PAUSE_US)
		return KS_DROP_REPLAY;
	ks_intake_heard(intake, from, len);
	intake->renew_us = now_us;
	intake->challenged = 0;
	intake->from_top = ks_parent_side(receiver, parent);
	ks_setup_ask(receiver, intake, now_us);
	ks_receiver_wake(receiver, now_us);
	return KS_DROP_NONE;
}

/* --- answers ------------------------------------------------------------------------------------ */

enum ks_drop ks_setup_challenge(struct ks_receiver *receiver, const struct ks_endpoint *from,
				const struct ks_header *header, const uint8_t *bytes, size_t len, int64_t now_us)
{
	struct ks_intake *intake = ks_intake_find(receiver, header->session);
	struct ks_challenge challenge;
	const struct ks_keyring *ring;
	enum ks_drop drop = KS_DROP_KEY;

	if (intake == NULL || intake->state != KS_INTAKE_ASKED)
		return KS_DROP_SESSION;
	ring = ring_of(receiver, intake->parent);
	for (size_t i = 0; i < ring->n && drop != KS_DROP_NONE; i++)
		if (ring->keys[i].psk.id == header->key_id) {
			drop = ks_challenge_read(bytes, len, ring->keys[i].setup.down, &challenge);
			if (drop == KS_DROP_NONE)
				intake->key = ring->keys[i];
		}
	if (drop != KS_DROP_NONE)
		return drop;
	if (memcmp(challenge.relay_nonce, intake->nonce, sizeof(intake->nonce)) != 0 ||
	    memcmp(challenge.cookie, intake->cookie, sizeof(intake->cookie)) == 0 ||
	    intake->challenged >= CHALLENGES_MAX)
		return KS_DROP_REPLAY;
	memcpy(intake->cookie, challenge.cookie, sizeof(intake->cookie));
	intake->settled = true;
	intake->challenged++;
	intake->tries = 0;
	/* One that answers an OFFER is shorter than what it asks for; that may have to wait for the next OFFER. */
	take_answer(intake, from, len);
	ks_setup_ask(receiver, intake, now_us);
	return KS_DROP_NONE;
}

/* Another parent that we were told of and that is this same program, under another address. */
static struct ks_parent *told_twice(struct ks_receiver *receiver, const struct ks_intake *intake, int64_t now_us)
{
	for (size_t i = 0; i < KS_PARENTS_MAX; i++) {
		struct ks_parent *other = &receiver->parents[i];

		if (other != intake->parent && other->used && other->told && other->live != NULL &&
		    now_us - other->live->heard_us < KS_QUIET_US &&
		    memcmp(other->instance, intake->instance, KS_INSTANCE_SIZE) == 0 &&
		    ks_psk_equal(&other->live->key.psk, &intake->key.psk))
			return other;
	}
	return NULL;
}

/* Whether this session is wanted, now that we know who is at its other end. */
static enum ks_drop judge(struct ks_receiver *receiver, struct ks_intake *intake, int64_t now_us)
{
	struct ks_parent *parent = intake->parent;
	enum ks_drop drop = KS_DROP_CONFLICT;

	if (ks_instance_is_own(receiver, intake->instance)) {
		ks_setup_own_instance(receiver, parent, now_us);
		drop = KS_DROP_LOOP;
	} else if (parent != NULL && parent->told && told_twice(receiver, intake, now_us) != NULL) {
		if (!parent->same_logged)
			ks_warn("wire", "parents %s and %s are the same program; it is used once, and the other "
					"address only when the first fails",
				told_twice(receiver, intake, now_us)->name, parent->name);
		parent->same_logged = true;
	} else {
		return KS_DROP_NONE;
	}
	ks_intake_close(receiver, intake);
	if (parent != NULL) {
		parent->backoff_us = KS_ASK_MAX_US;
		ks_parent_retry(receiver, parent, now_us);
	}
	return drop;
}

static enum ks_drop read_accept(struct ks_receiver *receiver, struct ks_intake *intake, const struct ks_header *header,
				const uint8_t *bytes, size_t len, struct ks_accept *accept)
{
	const struct ks_keyring *ring = ring_of(receiver, intake->parent);
	enum ks_drop drop = KS_DROP_KEY;

	for (size_t i = 0; i < ring->n && drop != KS_DROP_NONE; i++)
		if (ring->keys[i].psk.id == header->key_id) {
			drop = ks_accept_read(bytes, len, ring->keys[i].setup.down, accept);
			if (drop == KS_DROP_NONE)
				intake->key = ring->keys[i];
		}
	if (drop == KS_DROP_NONE && memcmp(accept->relay_nonce, intake->nonce, sizeof(intake->nonce)) != 0)
		return KS_DROP_REPLAY;
	return drop;
}

enum ks_drop ks_setup_accept(struct ks_receiver *receiver, const struct ks_endpoint *from,
			     const struct ks_header *header, const uint8_t *bytes, size_t len, int64_t now_us)
{
	struct ks_intake *intake = ks_intake_find(receiver, header->session);
	struct ks_accept accept;
	enum ks_drop drop;

	if (intake == NULL || intake->state != KS_INTAKE_ASKED)
		return KS_DROP_SESSION;
	drop = read_accept(receiver, intake, header, bytes, len, &accept);
	if (drop != KS_DROP_NONE)
		return drop;
	memcpy(intake->instance, accept.instance, KS_INSTANCE_SIZE);
	drop = judge(receiver, intake, now_us);
	if (drop != KS_DROP_NONE)
		return drop;
	ks_seal_session_keys(&intake->key.psk, accept.nonce, intake->nonce, &intake->keys);
	intake->state = KS_INTAKE_ACCEPTED;
	intake->theirs = accept.session;
	intake->nack = accept.nack && receiver->settings.nack;
	take_answer(intake, from, len);
	intake->rtt_us = intake->tries == 1 ? now_us - intake->sent_us : 0;
	intake->since_us = intake->sent_us = now_us;
	intake->tries = 1;
	if (intake->parent != NULL)
		intake->parent->ask_us = KS_NEVER;
	ks_intake_renew(receiver, intake, now_us);
	return KS_DROP_NONE;
}
