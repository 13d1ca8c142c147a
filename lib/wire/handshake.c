/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/sender_private.h"

#include <string.h>

#include <sodium.h>

#define INDEX_BITS_OF_PEER 8
_Static_assert(KS_PEERS_MAX <= 1 << INDEX_BITS_OF_PEER, "a peer's number is part of its session indices");

static uint32_t random_u32(struct ks_sender *sender)
{
	uint32_t value;

	sender->ops.random(sender->ops.ctx, &value, sizeof(value));
	return value;
}

/* Between half and the whole of an interval, so that senders that lost the same relay do not come back in step. */
static int64_t jitter(struct ks_sender *sender, int64_t interval_us)
{
	return interval_us / 2 + random_u32(sender) % (interval_us / 2 + 1);
}

static size_t number_of(const struct ks_sender *sender, const struct ks_peer *peer)
{
	size_t number = 0;

	while (sender->peers[number] != peer)
		number++;
	return number;
}

void ks_handshake_offer(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us)
{
	struct ks_offer *offer = &peer->pending.offer;

	if (peer->pending.active)
		return;
	sender->ops.random(sender->ops.ctx, offer->nonce, sizeof(offer->nonce));
	memcpy(offer->sender_id, sender->id, sizeof(offer->sender_id));
	offer->session = random_u32(sender) << INDEX_BITS_OF_PEER | (uint32_t)number_of(sender, peer);
	offer->datagram = (uint16_t)sender->settings.datagram;
	peer->pending.active = true;
	peer->pending.backoff_us = KS_OFFER_MIN_US;
	/* At once, but not more often than the shortest interval, whoever says that the session is gone. */
	peer->pending.next_us = now_us;
	if (peer->pending.last_us != 0 && peer->pending.last_us + KS_OFFER_MIN_US > now_us)
		peer->pending.next_us = peer->pending.last_us + KS_OFFER_MIN_US;
}

void ks_handshake_end(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us)
{
	sodium_memzero(&peer->session, sizeof(peer->session));
	sodium_memzero(&peer->next, sizeof(peer->next));
	peer->pending.active = false;	/* a fresh nonce for a fresh start */
	if (peer->silent_since_us == 0)
		peer->silent_since_us = now_us;
	ks_handshake_offer(sender, peer, now_us);
}

static void send_offer(struct ks_sender *sender, size_t number, int64_t now_us)
{
	struct ks_peer *peer = sender->peers[number];
	struct ks_pending_offer *pending = &peer->pending;
	uint8_t nonce[KS_SETUP_NONCE_SIZE];
	struct iovec datagram = { sender->batch[0], 0 };

	sender->ops.random(sender->ops.ctx, nonce, sizeof(nonce));
	datagram.iov_len = ks_offer_write(&pending->offer, peer->psk.id, peer->setup.offer, nonce, sender->batch[0]);
	pending->last_us = now_us;
	pending->next_us = now_us + jitter(sender, pending->backoff_us);
	if (pending->backoff_us < KS_OFFER_MAX_US)
		pending->backoff_us *= 2;
	ks_count(&peer->counts.offers);
	ks_sender_flush(sender, number, &datagram, 1);
}

static void send_alive(struct ks_sender *sender, size_t number, struct ks_sender_session *session, int64_t now_us)
{
	struct ks_peer *peer = sender->peers[number];
	const struct ks_header header = { KS_ALIVE, peer->psk.id, session->theirs, session->counter++ };
	struct iovec datagram = { sender->batch[0], 0 };

	datagram.iov_len = ks_session_write(&header, session->keys.down, NULL, 0, sender->batch[0]);
	session->sent_us = now_us;
	ks_sender_flush(sender, number, &datagram, 1);
}

static void come_up(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us)
{
	ks_sender_restart(sender, peer, now_us);
	ks_info("wire", "relay %s (%s): session set up", peer->name, peer->address);
}

enum ks_drop ks_handshake_accept(struct ks_sender *sender, struct ks_peer *peer, const uint8_t *bytes, size_t len)
{
	int64_t now_us = ks_mono_us(sender->ops.clock);
	const struct ks_offer *offer = &peer->pending.offer;
	struct ks_sender_session session = { .up = true };
	struct ks_accept accept;
	enum ks_drop drop = ks_accept_read(bytes, len, peer->setup.accept, &accept);

	if (drop != KS_DROP_NONE)
		return drop;
	if (sodium_memcmp(accept.sender_nonce, offer->nonce, sizeof(offer->nonce)) != 0)
		return KS_DROP_REPLAY;
	session.ours = offer->session;
	session.theirs = accept.session;
	session.since_us = session.report_us = now_us;
	session.sent_us = now_us - KS_ALIVE_US;
	ks_seal_session_keys(&peer->psk, accept.sender_nonce, accept.nonce, &session.keys);
	peer->pending.active = false;
	ks_count(&peer->counts.sessions);
	if (peer->session.up && accept.continued) {
		peer->next = session;
	} else {
		/* The relay knows nothing of a session before: it needs the picture from its first datagram on. */
		sodium_memzero(&peer->next, sizeof(peer->next));
		peer->session = session;
		come_up(sender, peer, now_us);
	}
	sodium_memzero(&session, sizeof(session));
	return KS_DROP_NONE;
}

static void take_report(struct ks_peer *peer, const struct ks_report *report)
{
	peer->last_report = *report;
	atomic_store(&peer->counts.reported_received, report->received);
	atomic_store(&peer->counts.reported_expected, report->expected);
	atomic_store(&peer->counts.reported_delivered, report->delivered);
	atomic_store(&peer->counts.reported_lost, report->lost);
	peer->silent_since_us = 0;
	peer->outage_logged = false;
}

enum ks_drop ks_handshake_report(struct ks_sender *sender, struct ks_peer *peer, const struct ks_header *header,
				 const uint8_t *bytes, size_t len)
{
	bool is_next = peer->next.up && peer->next.ours == header->session;
	struct ks_sender_session *session = is_next ? &peer->next : &peer->session;
	uint8_t body[KS_DATAGRAM_MAX];
	struct ks_report report;
	enum ks_drop drop;

	if (!session->up || session->ours != header->session)
		return KS_DROP_SESSION;
	drop = ks_unseal(session->keys.up, bytes, header->counter, bytes + KS_HEADER_SIZE, len - KS_HEADER_SIZE, body);
	if (drop == KS_DROP_NONE)
		drop = ks_replay_take(&session->replay, header->counter);
	if (drop == KS_DROP_NONE)
		drop = ks_report_read(body, len - KS_HEADER_SIZE - KS_TAG_SIZE, &report);
	if (drop != KS_DROP_NONE)
		return drop;
	session->report_us = ks_mono_us(sender->ops.clock);
	session->reported = true;
	if (is_next) {
		peer->session = peer->next;
		sodium_memzero(&peer->next, sizeof(peer->next));
	}
	/* A late report must not take the numbers back. */
	if (header->counter + 1 == peer->session.replay.next)
		take_report(peer, &report);
	return KS_DROP_NONE;
}

static void log_outage(struct ks_peer *peer)
{
	if (peer->outage_logged)
		return;
	peer->outage_logged = true;
	ks_warn("wire", "relay %s (%s): no answer; offering a session until there is one. Check that sentryc runs "
		"there, listens on this port, and has the same relay key", peer->name, peer->address);
}

static bool wants_rekey(const struct ks_sender *sender, const struct ks_sender_session *session, int64_t now_us)
{
	return session->up && (session->counter >= sender->settings.rekey_datagrams ||
			       now_us - session->since_us >= sender->settings.rekey_us);
}

/* Ends what has gone on too long and starts what is missing. Frames go on through a silence until the session ends:
 * on a bad path three reports in a row are lost every few minutes, and the frames arrive all the same. */
static void review(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us)
{
	struct ks_sender_session *session = &peer->session;

	if (session->up && now_us - session->report_us >= KS_SILENCE_US) {
		if (peer->silent_since_us == 0)
			peer->silent_since_us = session->report_us;
		if (!peer->next.up)
			ks_handshake_offer(sender, peer, now_us);
	}
	if (session->up && (now_us - session->report_us >= KS_SESSION_END_US ||
			    session->counter >= KS_COUNTER_END - KS_BATCH))
		ks_handshake_end(sender, peer, now_us);
	if (peer->next.up && now_us - peer->next.since_us >= KS_SILENCE_US)
		sodium_memzero(&peer->next, sizeof(peer->next));
	if (wants_rekey(sender, session, now_us) && !peer->next.up)
		ks_handshake_offer(sender, peer, now_us);
	if (peer->silent_since_us != 0 && now_us - peer->silent_since_us >= KS_OUTAGE_US)
		log_outage(peer);
}

static int64_t earlier(int64_t a_us, int64_t b_us)
{
	return a_us < b_us ? a_us : b_us;
}

static int64_t keep_alive(struct ks_sender *sender, size_t number, struct ks_sender_session *session, int64_t now_us)
{
	if (!session->up)
		return INT64_MAX;
	if (now_us - session->sent_us >= KS_ALIVE_US)
		send_alive(sender, number, session, now_us);
	return session->sent_us + KS_ALIVE_US;
}

int64_t ks_handshake_tick(struct ks_sender *sender, size_t number, int64_t now_us)
{
	struct ks_peer *peer = sender->peers[number];
	int64_t due_us;

	review(sender, peer, now_us);
	if (peer->pending.active && now_us >= peer->pending.next_us)
		send_offer(sender, number, now_us);
	due_us = keep_alive(sender, number, &peer->session, now_us);
	due_us = earlier(due_us, keep_alive(sender, number, &peer->next, now_us));
	return peer->pending.active ? earlier(due_us, peer->pending.next_us) : due_us;
}
