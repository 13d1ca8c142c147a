/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/sender_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "lib/base/error.h"

static uint32_t random_u32(struct ks_sender *sender)
{
	uint32_t value;

	sender->ops.random(sender->ops.ctx, &value, sizeof(value));
	return value;
}

/* Between half and the whole of an interval, so that parents that lost the same relay do not come back in step. */
static int64_t jitter(struct ks_sender *sender, int64_t interval_us)
{
	return interval_us / 2 + random_u32(sender) % (interval_us / 2 + 1);
}

/* --- the table --------------------------------------------------------------------------------------- */

static bool label_taken(const struct ks_sender *sender, const char *label)
{
	for (size_t i = 0; i < sender->n_peers; i++)
		if (sender->peers[i] != NULL && strcmp(sender->peers[i]->label, label) == 0)
			return true;
	return false;
}

/* No two samples of a metric may have the same label. */
static void make_label(const struct ks_sender *sender, struct ks_peer *peer)
{
	char label[sizeof(peer->label)];

	snprintf(label, sizeof(label), "%s", peer->name);
	for (unsigned i = 2; label_taken(sender, label); i++)
		snprintf(label, sizeof(label), "%s/%u", peer->name, i);
	memcpy(peer->label, label, sizeof(label));
}

size_t ks_peers_count(const struct ks_sender *sender)
{
	size_t n = 0;

	for (size_t i = 0; i < sender->n_peers; i++)
		n += sender->peers[i] != NULL;
	return n;
}

struct ks_peer *ks_peer_new(struct ks_sender *sender, const char *name, const char *address, const struct ks_psk *psk,
			    size_t *number)
{
	struct ks_peer *peer;
	size_t at = 0;

	/* Not by the place: there may be more than the limit, which was a higher one. */
	if (ks_peers_count(sender) >= sender->settings.relays_max)
		return NULL;
	while (at < sender->n_peers && sender->peers[at] != NULL)
		at++;
	peer = calloc(1, sizeof(*peer));
	if (peer == NULL)
		return NULL;
	snprintf(peer->name, sizeof(peer->name), "%s", name);
	snprintf(peer->address, sizeof(peer->address), "%s", address);
	make_label(sender, peer);
	ks_peer_set_key(sender, peer, psk);
	ks_loss_init(&peer->loss, sender->settings.loss_ppm);
	peer->silent_since_us = ks_mono_us(&sender->clock);
	sender->peers[at] = peer;
	if (at == sender->n_peers)
		sender->n_peers++;
	if (number != NULL)
		*number = at;
	return peer;
}

static void free_leases(struct ks_sender *sender, struct ks_peer *peer)
{
	ks_lease_free(sender, peer->lease);
	ks_lease_free(sender, peer->previous);
	ks_lease_free(sender, peer->next);
	peer->lease = peer->previous = peer->next = NULL;
}

void ks_peer_free(struct ks_sender *sender, struct ks_peer *peer)
{
	free_leases(sender, peer);
	ks_name_leave(sender, peer);
	for (size_t i = 0; i < sender->n_peers; i++)
		if (sender->peers[i] == peer)
			sender->peers[i] = NULL;
	while (sender->n_peers > 0 && sender->peers[sender->n_peers - 1] == NULL)
		sender->n_peers--;
	free(peer->streams);
	sodium_memzero(peer, sizeof(*peer));
	free(peer);
}

void ks_peer_derive(const struct ks_sender *sender, struct ks_peer *peer)
{
	for (size_t i = 0; i < sender->n_masters; i++) {
		struct ks_psk psk;

		ks_psk_derive(&psk, &sender->masters[i], peer->psk.name);
		peer->derived[i].id = psk.id;
		peer->derived[i].same = ks_psk_equal(&psk, &peer->psk);
	}
}

void ks_peer_set_key(struct ks_sender *sender, struct ks_peer *peer, const struct ks_psk *psk)
{
	ks_name_take(sender, peer, psk->name);
	peer->psk = *psk;
	ks_seal_setup_keys(psk, &peer->setup);
	ks_peer_derive(sender, peer);
}

bool ks_peer_revoked(const struct ks_sender *sender, const char *name)
{
	return sender->n_revoked > 0 &&
	       bsearch(name, sender->revoked, sender->n_revoked, sizeof(sender->revoked[0]),
		       (int (*)(const void *, const void *))strcmp) != NULL;
}

bool ks_peer_can_ask(const struct ks_sender *sender, const struct ks_peer *peer)
{
	return sender->settings.nack && !peer->blind && peer->lease != NULL && peer->lease->wish.nack;
}

/* --- sessions ----------------------------------------------------------------------------------------- */

void ks_peer_farewell(struct ks_sender *sender, struct ks_peer *peer, enum ks_bye_reason reason)
{
	struct ks_lease *lease = peer->lease;
	const uint8_t body = (uint8_t)reason;
	struct ks_farewell *farewell;

	if (lease == NULL || lease->blind || sender->n_farewells == KS_FAREWELLS_MAX)
		return;
	farewell = &sender->farewells[sender->n_farewells++];
	farewell->to = lease->to;
	ks_session_write(&(struct ks_header){ .type = KS_END, .key_id = lease->psk.id, .session = lease->theirs,
					      .counter = (uint32_t)lease->counter++ },
			 lease->keys.down, &body, KS_BYE_BODY, farewell->bytes);
}

void ks_peer_end(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us)
{
	free_leases(sender, peer);
	peer->said = false;
	if (!peer->told) {
		ks_peer_free(sender, peer);
		return;
	}
	if (peer->n_streams > 0)
		memset(peer->streams, 0, peer->n_streams * sizeof(peer->streams[0]));
	if (peer->silent_since_us == 0)
		peer->silent_since_us = now_us;
	ks_peer_offer(sender, peer, now_us);
}

void ks_peer_offer(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us)
{
	(void)sender;
	if (!peer->told || peer->blind || peer->offering)
		return;
	peer->offering = true;
	peer->backoff_us = KS_OFFER_MIN_US;
	/* At once, but not more often than the shortest interval, whoever says that the session is gone. */
	peer->offer_us = now_us;
	if (peer->offered_us != 0 && peer->offered_us + KS_OFFER_MIN_US > now_us)
		peer->offer_us = peer->offered_us + KS_OFFER_MIN_US;
	peer->due_us = now_us;
}

void ks_peer_up(struct ks_sender *sender, struct ks_peer *peer, struct ks_lease *lease, bool afresh, int64_t now_us)
{
	bool first = peer->lease == NULL;

	ks_lease_free(sender, peer->previous);
	peer->previous = peer->lease;
	if (peer->previous != NULL)
		peer->previous->until_us = now_us + KS_LEASE_FADE_US;
	peer->lease = lease;
	lease->peer = peer;
	lease->renew_us = now_us;
	peer->offering = false;
	peer->due_us = now_us;
	ks_count(&peer->counts.sessions);
	ks_path_wish(sender, peer, lease->wish.datagram, now_us);
	if (first || afresh) {
		if (!first)
			ks_name_say_over(peer);
		ks_name_say_up(peer, now_us);
		ks_stream_begin_all(sender, peer, now_us);
	} else if (!peer->blind) {
		ks_stream_begin_wider(sender, peer, &peer->previous->wish.filter, now_us);
	}
}

/* --- sending ------------------------------------------------------------------------------------------ */

static void log_error(struct ks_peer *peer, int err)
{
	ks_count(&peer->counts.errors);
	if (peer->error_logged)
		return;
	peer->error_logged = true;
	ks_warn("wire", "relay %s (%s): cannot send: %s; trying on. Check the address and the route to it", peer->name,
		peer->address, ks_strerror(err));
}

static void count_sent(struct ks_sender *sender, struct ks_peer *peer, const struct iovec *datagrams, size_t n)
{
	uint64_t bytes = n * datagrams[0].iov_len;

	sender->totals.datagrams += n;
	sender->totals.bytes += bytes;
	ks_count_add(&peer->counts.datagrams, n);
	ks_count_add(&peer->counts.bytes, bytes);
	if (n > 0)
		peer->error_logged = false;
}

size_t ks_peer_send(struct ks_sender *sender, struct ks_peer *peer, struct ks_lease *lease,
		    const struct ks_endpoint *to, const struct iovec *datagrams, size_t n)
{
	int done = sender->ops.send(sender->ops.ctx, to, datagrams, n);
	size_t sent;

	/* A refusal is news about an earlier datagram; this one has not been tried yet. */
	if (done == -ECONNREFUSED) {
		ks_sender_refused(sender, to);
		done = sender->ops.send(sender->ops.ctx, to, datagrams, n);
	}
	sent = done > 0 ? (size_t)done : 0;
	count_sent(sender, peer, datagrams, sent);
	/* What was not sent must not look like loss: the counters that it was sealed with are gone. */
	if (lease != NULL)
		lease->unsent += n - sent;
	if (done >= 0)
		return sent;
	if (done == -EAGAIN || done == -ENOBUFS)
		return 0;
	if (done == -EMSGSIZE)
		ks_path_too_long(sender, peer, datagrams[0].iov_len, ks_mono_us(&sender->clock));
	else if (done != -ECONNREFUSED)
		log_error(peer, done);
	return n;
}

static void send_one(struct ks_sender *sender, struct ks_peer *peer, struct ks_lease *lease,
		     const struct ks_endpoint *to, size_t len)
{
	const struct iovec datagram = { sender->batch[0], len };

	ks_peer_send(sender, peer, lease, to, &datagram, 1);
}

/* An ALIVE; padded with zeros to the length that is tried, or 0: as long as it is. */
static void send_alive(struct ks_sender *sender, struct ks_peer *peer, size_t padded, int64_t now_us)
{
	struct ks_lease *lease = peer->lease;
	const struct ks_header header = { .type = KS_ALIVE, .flags = lease->blind ? KS_FLAG_BLIND : 0,
					  .key_id = lease->psk.id, .session = lease->theirs,
					  .counter = (uint32_t)lease->counter++ };
	struct ks_alive alive;
	size_t len;

	ks_stream_newest(sender, peer, &alive);
	memset(sender->plain, 0, sizeof(sender->plain));
	len = ks_alive_write(&alive, sender->plain);
	if (padded > KS_HEADER_SIZE + len + KS_TAG_SIZE)
		len = padded - KS_HEADER_SIZE - KS_TAG_SIZE;
	lease->alive_us = now_us;
	if (ks_path_proven(sender, peer))
		lease->sent_us = now_us;
	send_one(sender, peer, lease, &lease->to, ks_session_write(&header, lease->keys.down, sender->plain, len,
								   sender->batch[0]));
}

static void send_offer(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us)
{
	uint8_t nonce[KS_SETUP_NONCE_SIZE];
	struct ks_offer offer;

	sender->ops.random(sender->ops.ctx, nonce, sizeof(nonce));
	ks_cookie_make(&sender->cookies, &peer->to, peer->psk.name, now_us, offer.cookie);
	memcpy(offer.instance, sender->instance, sizeof(offer.instance));
	peer->offered_us = now_us;
	peer->offer_us = now_us + jitter(sender, peer->backoff_us);
	if (peer->backoff_us < KS_OFFER_MAX_US)
		peer->backoff_us *= 2;
	ks_count(&peer->counts.offers);
	send_one(sender, peer, NULL, &peer->to,
		 ks_offer_write(&offer, peer->psk.id, peer->setup.down, nonce, sender->batch[0]));
}

/* --- blind sessions ------------------------------------------------------------------------------------ */

static struct ks_lease *new_blind(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us)
{
	struct ks_lease *lease = ks_lease_new(sender);

	if (lease == NULL)
		return NULL;
	lease->peer = peer;
	lease->blind = true;
	lease->psk = peer->psk;
	lease->theirs = lease->ours;
	lease->to = peer->to;
	lease->since_us = now_us;
	lease->wish.datagram = (uint16_t)sender->settings.datagram;
	ks_seal_blind_key(&lease->psk, lease->nonce, lease->keys.down);
	return lease;
}

static int64_t announce(struct ks_sender *sender, struct ks_peer *peer, struct ks_lease *lease, int64_t now_us)
{
	struct ks_blind blind = { .session = lease->ours, .wall_us = ks_wall_us(&sender->clock) };
	uint8_t nonce[KS_SETUP_NONCE_SIZE];
	struct ks_setup_keys setup;
	int64_t every_us = now_us - peer->up_us < KS_BLIND_US ? KS_BLIND_HURRY_US : KS_BLIND_US;

	if (lease->announced_us != 0 && now_us - lease->announced_us < every_us)
		return lease->announced_us + every_us;
	memcpy(blind.nonce, lease->nonce, sizeof(blind.nonce));
	memcpy(blind.instance, sender->instance, sizeof(blind.instance));
	sender->ops.random(sender->ops.ctx, nonce, sizeof(nonce));
	ks_seal_setup_keys(&lease->psk, &setup);
	lease->announced_us = now_us;
	send_one(sender, peer, NULL, &lease->to,
		 ks_blind_write(&blind, lease->psk.id, setup.down, nonce, sender->batch[0]));
	return now_us + every_us;
}

static void renew_blind(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us)
{
	if (peer->next != NULL || (now_us - peer->lease->since_us < sender->settings.rekey_us &&
				   ks_psk_equal(&peer->psk, &peer->lease->psk)))
		return;
	peer->next = new_blind(sender, peer, now_us);
	/* Never at the same moment: a relay takes an announcement to be old when it is not later than the last one. */
	if (peer->next != NULL)
		peer->next->announced_us = peer->lease->announced_us - KS_BLIND_US / 2;
}

/* A new session in time, announced for a while before it is used, so that lost announcements cost no frame. */
static int64_t tick_blind(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us)
{
	int64_t due_us = INT64_MAX;

	if (!peer->reachable || ks_peer_revoked(sender, peer->psk.name))
		return INT64_MAX;
	if (peer->lease == NULL) {
		struct ks_lease *lease = new_blind(sender, peer, now_us);

		if (lease == NULL)
			return now_us + KS_BLIND_US;
		peer->up_us = now_us;
		ks_peer_up(sender, peer, lease, true, now_us);
	} else if (peer->next != NULL && now_us - peer->next->since_us >= KS_BLIND_AHEAD_US) {
		struct ks_lease *next = peer->next;

		peer->next = NULL;
		ks_peer_up(sender, peer, next, false, now_us);
		next->opened = true;
	}
	peer->silent_since_us = 0;
	due_us = announce(sender, peer, peer->lease, now_us);
	renew_blind(sender, peer, now_us);
	if (peer->next != NULL)
		due_us = ks_earlier(due_us, announce(sender, peer, peer->next, now_us));
	return due_us;
}

/* --- timers -------------------------------------------------------------------------------------------- */

static void log_outage(struct ks_peer *peer, int64_t now_us)
{
	if (peer->outage_logged || !ks_name_may_log(peer, now_us))
		return;
	peer->outage_logged = true;
	ks_warn("wire", "relay %s (%s): no answer; offering a session until there is one. Check that sentryc runs "
		"there, listens on this port, and has the same relay key", peer->name, peer->address);
}

/* Ends what has gone on too long and starts what is missing; false: the relay came by itself and is no more. */
static bool review(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us)
{
	struct ks_lease *lease = peer->lease;

	if (peer->previous != NULL && now_us >= peer->previous->until_us) {
		ks_lease_free(sender, peer->previous);
		peer->previous = NULL;
	}
	if (lease != NULL && now_us - lease->renew_us >= KS_SILENCE_US) {
		if (peer->silent_since_us == 0)
			peer->silent_since_us = lease->renew_us;
		ks_peer_offer(sender, peer, now_us);
	}
	if (lease != NULL &&
	    (now_us - lease->renew_us >= KS_LEASE_US || lease->counter >= KS_COUNTER_END - 2 * KS_BATCH)) {
		bool told = peer->told;

		if (ks_name_say_over(peer))
			ks_info("wire", "relay %s (%s): its session ends: %s", peer->name, peer->address,
				now_us - lease->renew_us >= KS_LEASE_US ? "no report for a whole lease"
									: "it is too old");
		ks_peer_end(sender, peer, now_us);
		if (!told)
			return false;
	}
	if (peer->told && peer->silent_since_us != 0 && now_us - peer->silent_since_us >= KS_OUTAGE_US &&
	    peer->reachable && !ks_peer_revoked(sender, peer->psk.name))
		log_outage(peer, now_us);
	return true;
}

/* When review() has something to do again. */
static int64_t review_due(const struct ks_peer *peer, int64_t now_us)
{
	int64_t due_us = INT64_MAX;

	if (peer->previous != NULL)
		due_us = peer->previous->until_us;
	if (peer->lease != NULL)
		due_us = ks_earlier(due_us, peer->lease->renew_us + (now_us - peer->lease->renew_us < KS_SILENCE_US
									     ? KS_SILENCE_US : KS_LEASE_US));
	if (peer->told && peer->silent_since_us != 0 && !peer->outage_logged && peer->reachable)
		due_us = ks_earlier(due_us, peer->silent_since_us + KS_OUTAGE_US);
	return due_us > now_us ? due_us : now_us + KS_US_PER_S;
}

/* The first one tries how long datagrams may be. As long as none of their length has arrived, short ones go between
 * them: these tell a path that is too narrow from one that is broken. */
static int64_t tick_alive(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us)
{
	struct ks_lease *lease = peer->lease;
	int64_t last_us;
	size_t probe;

	if (!lease->opened) {
		lease->opened = true;
		send_alive(sender, peer, sender->sizes[peer->wish], now_us);
	} else if (!lease->blind) {
		probe = ks_path_probe(sender, peer, now_us);
		if (probe > 0)
			send_alive(sender, peer, probe, now_us);
	}
	last_us = lease->blind || ks_path_proven(sender, peer) ? lease->sent_us : lease->alive_us;
	if (lease->alive_us > last_us)
		last_us = lease->alive_us;
	if (now_us - last_us >= KS_ALIVE_US) {
		send_alive(sender, peer, 0, now_us);
		last_us = now_us;
	}
	return last_us + KS_ALIVE_US;
}

static int64_t tick_offer(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us)
{
	if (!peer->offering || !peer->reachable || ks_peer_revoked(sender, peer->psk.name))
		return INT64_MAX;
	if (now_us >= peer->offer_us)
		send_offer(sender, peer, now_us);
	return peer->offer_us;
}

int64_t ks_peer_tick(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us)
{
	int64_t due_us;

	if (peer->blind) {
		due_us = tick_blind(sender, peer, now_us);
	} else {
		if (!review(sender, peer, now_us))
			return INT64_MAX;
		due_us = ks_earlier(review_due(peer, now_us), tick_offer(sender, peer, now_us));
	}
	if (peer->lease == NULL)
		return due_us;
	due_us = ks_earlier(due_us, tick_alive(sender, peer, now_us));
	return ks_earlier(due_us, ks_stream_tick(sender, peer, now_us));
}
