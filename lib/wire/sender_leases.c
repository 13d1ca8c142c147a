/* SPDX-License-Identifier: Apache-2.0
 *
 * How sessions come up. A SUBSCRIBE is looked at in the order of what that costs: its form, its name, its key's id,
 * its seal, its cookie.
 */
#include "lib/wire/sender_private.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#define SLOT_MASK (KS_LEASES_MAX - 1)

struct ks_lease *ks_lease_new(struct ks_sender *sender)
{
	struct ks_lease *lease = calloc(1, sizeof(*lease));
	uint32_t random;

	if (lease == NULL)
		return NULL;
	/* There are more slots than there can be sessions. */
	do
		sender->last_slot = (sender->last_slot + 1) & SLOT_MASK;
	while (sender->last_slot == 0 || sender->leases[sender->last_slot] != NULL);
	sender->leases[sender->last_slot] = lease;
	sender->ops.random(sender->ops.ctx, &random, sizeof(random));
	lease->ours = (random & ~(uint32_t)SLOT_MASK) | (uint32_t)sender->last_slot;
	sender->ops.random(sender->ops.ctx, lease->nonce, sizeof(lease->nonce));
	return lease;
}

static void leave_half_open(struct ks_sender *sender, const struct ks_lease *lease)
{
	for (size_t i = 0; i < sender->n_half_open; i++)
		if (sender->half_open[i] == lease) {
			memmove(&sender->half_open[i], &sender->half_open[i + 1],
				(sender->n_half_open - i - 1) * sizeof(sender->half_open[0]));
			sender->n_half_open--;
			return;
		}
}

void ks_lease_free(struct ks_sender *sender, struct ks_lease *lease)
{
	if (lease == NULL)
		return;
	leave_half_open(sender, lease);
	sender->leases[lease->ours & SLOT_MASK] = NULL;
	sodium_memzero(lease, sizeof(*lease));
	free(lease);
}

int64_t ks_lease_tick(struct ks_sender *sender, int64_t now_us)
{
	/* The oldest is the first. */
	while (sender->n_half_open > 0 && now_us - sender->half_open[0]->since_us >= KS_HALF_OPEN_US)
		ks_lease_free(sender, sender->half_open[0]);
	return sender->n_half_open > 0 ? sender->half_open[0]->since_us + KS_HALF_OPEN_US : INT64_MAX;
}

/* --- keys ----------------------------------------------------------------------------------------------- */

bool ks_lease_key_accepted(const struct ks_sender *sender, const struct ks_psk *psk)
{
	if (ks_peer_revoked(sender, psk->name))
		return false;
	for (size_t i = 0; i < sender->n_peers; i++)
		if (sender->peers[i] != NULL && sender->peers[i]->told && ks_psk_equal(&sender->peers[i]->psk, psk))
			return true;
	for (size_t i = 0; i < sender->n_masters; i++) {
		struct ks_psk derived;

		ks_psk_derive(&derived, &sender->masters[i], psk->name);
		if (ks_psk_equal(&derived, psk))
			return true;
	}
	return false;
}

void ks_lease_forbid(struct ks_sender *sender)
{
	for (size_t i = sender->n_half_open; i > 0; i--)
		if (!ks_lease_key_accepted(sender, &sender->half_open[i - 1]->psk))
			ks_lease_free(sender, sender->half_open[i - 1]);
}

struct opened {
	struct ks_psk psk;
	struct ks_setup_keys setup;
	struct ks_subscribe subscribe;
};

static enum ks_drop open_with(const struct ks_psk *psk, const struct ks_setup_keys *setup, const uint8_t *bytes,
			      size_t len, struct opened *opened)
{
	enum ks_drop drop = ks_subscribe_read(bytes, len, setup->up, &opened->subscribe);

	if (drop == KS_DROP_TAG)
		return drop;
	opened->psk = *psk;
	opened->setup = *setup;
	return drop;
}

/* Tries the keys of relays of this name that are known; *known is one of them. */
static enum ks_drop open_known(const struct ks_sender *sender, uint16_t key_id, const char *name, const uint8_t *bytes,
			       size_t len, struct opened *opened, const struct ks_peer **known)
{
	enum ks_drop drop = KS_DROP_KEY;

	*known = NULL;
	for (size_t i = 0; i < sender->n_peers && (drop == KS_DROP_KEY || drop == KS_DROP_TAG); i++) {
		const struct ks_peer *peer = sender->peers[i];

		if (peer == NULL || peer->psk.name[0] != name[0] || strcmp(peer->psk.name, name) != 0)
			continue;
		if (peer->blind || peer->psk.id != key_id ||
		    (*known != NULL && ks_psk_equal(&peer->psk, &(*known)->psk)))
			continue;
		*known = peer;
		drop = open_with(&peer->psk, &peer->setup, bytes, len, opened);
	}
	return drop;
}

/* And those derived from master keys, less what is known not to fit. */
static enum ks_drop open_derived(const struct ks_sender *sender, uint16_t key_id, const char *name,
				 const struct ks_peer *known, const uint8_t *bytes, size_t len, struct opened *opened)
{
	enum ks_drop drop = known != NULL ? KS_DROP_TAG : KS_DROP_KEY;

	for (size_t i = 0; i < sender->n_masters && (drop == KS_DROP_KEY || drop == KS_DROP_TAG); i++) {
		struct ks_setup_keys setup;
		struct ks_psk psk;

		if (known != NULL && (known->derived[i].same || known->derived[i].id != key_id))
			continue;
		ks_psk_derive(&psk, &sender->masters[i], name);
		if (psk.id != key_id)
			continue;
		ks_seal_setup_keys(&psk, &setup);
		drop = open_with(&psk, &setup, bytes, len, opened);
	}
	return drop;
}

static enum ks_drop open_subscribe(const struct ks_sender *sender, const struct ks_header *header, const uint8_t *bytes,
				   size_t len, struct opened *opened)
{
	char name[KS_RELAY_NAME_MAX + 1];
	const struct ks_peer *known;
	enum ks_drop drop;

	if (len < KS_SUBSCRIBE_SIZE)
		return KS_DROP_SHORT;
	if (ks_subscribe_name(bytes, len, name) != KS_DROP_NONE)
		return KS_DROP_MALFORMED;
	if (ks_peer_revoked(sender, name))
		return KS_DROP_REVOKED;
	drop = open_known(sender, header->key_id, name, bytes, len, opened, &known);
	if (drop == KS_DROP_KEY || drop == KS_DROP_TAG)
		drop = open_derived(sender, header->key_id, name, known, bytes, len, opened);
	return drop;
}

/* --- SUBSCRIBE ------------------------------------------------------------------------------------------ */

/* Answers are shorter than the question and of no importance if they cannot be sent: the relay asks again. */
static void answer(struct ks_sender *sender, const struct ks_endpoint *to, size_t len)
{
	const struct iovec datagram = { sender->batch[0], len };

	if (sender->ops.send(sender->ops.ctx, to, &datagram, 1) != 1)
		return;
	sender->totals.datagrams++;
	sender->totals.bytes += len;
}

static void send_challenge(struct ks_sender *sender, const struct opened *opened, const struct ks_endpoint *to,
			   int64_t now_us)
{
	const struct ks_subscribe *subscribe = &opened->subscribe;
	uint8_t nonce[KS_SETUP_NONCE_SIZE];
	struct ks_challenge challenge;

	memcpy(challenge.relay_nonce, subscribe->nonce, sizeof(challenge.relay_nonce));
	ks_cookie_make(&sender->cookies, to, opened->psk.name, now_us, challenge.cookie);
	sender->ops.random(sender->ops.ctx, nonce, sizeof(nonce));
	answer(sender, to, ks_challenge_write(&challenge, opened->psk.id, subscribe->session, opened->setup.down, nonce,
					      sender->batch[0]));
}

static void send_accept(struct ks_sender *sender, const struct ks_lease *lease, const struct opened *opened)
{
	struct ks_accept accept = { .session = lease->ours, .lease_s = KS_LEASE_US / KS_US_PER_S,
				    .nack = sender->settings.nack };
	uint8_t nonce[KS_SETUP_NONCE_SIZE];

	memcpy(accept.relay_nonce, lease->wish.nonce, sizeof(accept.relay_nonce));
	memcpy(accept.nonce, lease->nonce, sizeof(accept.nonce));
	memcpy(accept.instance, sender->instance, sizeof(accept.instance));
	sender->ops.random(sender->ops.ctx, nonce, sizeof(nonce));
	answer(sender, &lease->to, ks_accept_write(&accept, lease->psk.id, lease->theirs, opened->setup.down, nonce,
						   sender->batch[0]));
}

static bool same_question(const struct ks_lease *lease, const struct opened *opened)
{
	return lease != NULL && memcmp(lease->wish.nonce, opened->subscribe.nonce, KS_SESSION_NONCE_SIZE) == 0 &&
	       ks_psk_equal(&lease->psk, &opened->psk);
}

static struct ks_lease *find_half_open(const struct ks_sender *sender, const struct opened *opened)
{
	for (size_t i = 0; i < sender->n_half_open; i++)
		if (same_question(sender->half_open[i], opened))
			return sender->half_open[i];
	return NULL;
}

/* A nonce that has brought a session up already: the network's copy, or somebody's. */
static bool answered_before(const struct ks_sender *sender, const struct opened *opened)
{
	for (size_t i = 0; i < sender->n_peers; i++)
		if (sender->peers[i] != NULL && (same_question(sender->peers[i]->lease, opened) ||
						 same_question(sender->peers[i]->previous, opened)))
			return true;
	return false;
}

/* The oldest of the name that has most of them: nobody keeps others from coming, with a key that was stolen or with
 * what he has recorded of one relay. */
static struct ks_lease *half_open_to_spare(const struct ks_sender *sender)
{
	struct ks_lease *spare = NULL;
	size_t most = 0;

	for (size_t i = 0; i < sender->n_half_open; i++) {
		size_t n = 0;

		for (size_t j = i; j < sender->n_half_open; j++)
			n += strcmp(sender->half_open[j]->psk.name, sender->half_open[i]->psk.name) == 0;
		if (n > most) {
			most = n;
			spare = sender->half_open[i];
		}
	}
	return spare;
}

static struct ks_lease *new_half_open(struct ks_sender *sender, const struct opened *opened,
				      const struct ks_endpoint *from, int64_t now_us)
{
	struct ks_lease *lease;

	if (sender->n_half_open == KS_HALF_OPEN_MAX)
		ks_lease_free(sender, half_open_to_spare(sender));
	lease = ks_lease_new(sender);
	if (lease == NULL)
		return NULL;
	lease->psk = opened->psk;
	lease->wish = opened->subscribe;
	lease->theirs = opened->subscribe.session;
	lease->to = *from;
	lease->since_us = lease->renew_us = now_us;
	ks_seal_session_keys(&lease->psk, lease->nonce, lease->wish.nonce, &lease->keys);
	sender->half_open[sender->n_half_open++] = lease;
	return lease;
}

static enum ks_drop refuse_loop(struct ks_sender *sender, const struct opened *opened, int64_t now_us)
{
	if (ks_log_gate(&sender->loop_gate, now_us, NULL))
		ks_warn("wire", "relay %s: this program asks itself for frames: one of its parents' addresses is its "
			"own. Take it out of the list of parents", opened->psk.name);
	return KS_DROP_LOOP;
}

enum ks_drop ks_lease_subscribe(struct ks_sender *sender, const struct ks_header *header,
				const struct ks_endpoint *from, const uint8_t *bytes, size_t len)
{
	int64_t now_us = ks_mono_us(&sender->clock);
	struct ks_lease *lease;
	struct opened opened;
	enum ks_drop drop = open_subscribe(sender, header, bytes, len, &opened);

	if (drop != KS_DROP_NONE)
		return drop;
	if (memcmp(opened.subscribe.instance, sender->instance, KS_INSTANCE_SIZE) == 0)
		return refuse_loop(sender, &opened, now_us);
	if (!ks_cookie_good(&sender->cookies, from, opened.psk.name, now_us, opened.subscribe.cookie)) {
		send_challenge(sender, &opened, from, now_us);
		return sodium_is_zero(opened.subscribe.cookie, KS_COOKIE_SIZE) ? KS_DROP_NONE : KS_DROP_COOKIE;
	}
	if (answered_before(sender, &opened))
		return KS_DROP_REPLAY;
	lease = find_half_open(sender, &opened);
	if (lease == NULL)
		lease = new_half_open(sender, &opened, from, now_us);
	if (lease == NULL)
		return KS_DROP_LIMIT;
	send_accept(sender, lease, &opened);
	sodium_memzero(&opened, sizeof(opened));
	return KS_DROP_NONE;
}

/* --- the first RENEW -------------------------------------------------------------------------------------- */

static bool is_silent(const struct ks_peer *peer, int64_t now_us)
{
	return peer->lease == NULL || now_us - peer->lease->renew_us >= KS_SILENCE_US;
}

/* How well a relay that is known fits a session that has come up; 0: it is another one. */
static int fit(const struct ks_peer *peer, const struct ks_lease *lease, int64_t now_us)
{
	bool same_key = ks_psk_equal(&peer->psk, &lease->psk);

	if (peer->blind || strcmp(peer->psk.name, lease->psk.name) != 0)
		return 0;
	if (peer->told && same_key && peer->reachable && ks_endpoint_same_peer(&peer->to, &lease->to))
		return 5;
	if (peer->lease != NULL && memcmp(peer->lease->wish.instance, lease->wish.instance, KS_INSTANCE_SIZE) == 0)
		return 4;
	if (!same_key)
		return 0;
	if (peer->lease != NULL && ks_endpoint_same_peer(&peer->lease->to, &lease->to))
		return 3;
	if (peer->told && is_silent(peer, now_us))
		return 2;
	return 0;
}

static struct ks_peer *find_peer(const struct ks_sender *sender, const struct ks_lease *lease, int64_t now_us)
{
	struct ks_peer *best = NULL;
	int best_fit = 0;

	for (size_t i = 0; i < sender->n_peers; i++) {
		int f = sender->peers[i] != NULL ? fit(sender->peers[i], lease, now_us) : 0;

		if (f > best_fit) {
			best_fit = f;
			best = sender->peers[i];
		}
	}
	return best;
}

/* Of the relays that came by themselves (of one name, or NULL: of all), the one that has been silent longest. */
static struct ks_peer *most_silent(const struct ks_sender *sender, const char *name, size_t *n)
{
	struct ks_peer *silent = NULL;

	*n = 0;
	for (size_t i = 0; i < sender->n_peers; i++) {
		struct ks_peer *peer = sender->peers[i];

		if (peer == NULL || peer->lease == NULL || (name != NULL && strcmp(peer->psk.name, name) != 0))
			continue;
		++*n;
		if (!peer->told && (silent == NULL || peer->lease->renew_us < silent->lease->renew_us))
			silent = peer;
	}
	return silent;
}

/* Room for one more: of this name, and at all. */
static bool make_room(struct ks_sender *sender, const char *name, int64_t now_us)
{
	size_t n;
	struct ks_peer *silent = most_silent(sender, name, &n);

	if (n >= KS_RELAYS_OF_KEY_MAX && silent != NULL) {
		ks_peer_farewell(sender, silent, KS_BYE_STOP);
		ks_peer_end(sender, silent, now_us);
	}
	if (ks_peers_count(sender) < sender->settings.relays_max)
		return true;
	/* One less would not do: the limit was a higher one. */
	if (ks_peers_count(sender) > sender->settings.relays_max)
		return false;
	silent = most_silent(sender, NULL, &n);
	if (silent == NULL || !is_silent(silent, now_us))
		return false;
	ks_peer_end(sender, silent, now_us);
	return true;
}

/* The same program under another entry: it started there before it was found to be this one. */
static void drop_doubles(struct ks_sender *sender, const struct ks_peer *but, const struct ks_lease *lease,
			 int64_t now_us)
{
	for (size_t i = 0; i < sender->n_peers; i++) {
		struct ks_peer *peer = sender->peers[i];

		if (peer != NULL && peer != but && !peer->told && peer->lease != NULL &&
		    strcmp(peer->psk.name, lease->psk.name) == 0 &&
		    memcmp(peer->lease->wish.instance, lease->wish.instance, KS_INSTANCE_SIZE) == 0)
			ks_peer_end(sender, peer, now_us);
	}
}

enum ks_drop ks_lease_confirm(struct ks_sender *sender, struct ks_lease *lease, int64_t now_us)
{
	struct ks_peer *peer = find_peer(sender, lease, now_us);
	bool afresh;

	if (peer == NULL && make_room(sender, lease->psk.name, now_us))
		peer = ks_peer_new(sender, lease->psk.name, "came by itself", &lease->psk, NULL);
	if (peer == NULL) {
		if (ks_log_gate(&sender->limit_gate, now_us, NULL))
			ks_warn("wire", "relay %s is refused: there are %zu relays already. Point it to another "
				"parent, or raise the limit", lease->psk.name, sender->settings.relays_max);
		ks_lease_free(sender, lease);
		return KS_DROP_LIMIT;
	}
	leave_half_open(sender, lease);
	if (!peer->told)
		ks_peer_set_key(sender, peer, &lease->psk);
	afresh = peer->lease == NULL ||
		 memcmp(peer->lease->wish.instance, lease->wish.instance, KS_INSTANCE_SIZE) != 0;
	ks_peer_up(sender, peer, lease, afresh, now_us);
	drop_doubles(sender, peer, lease, now_us);
	return KS_DROP_NONE;
}
