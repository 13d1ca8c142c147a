/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/sender_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "lib/base/error.h"
#include "lib/frame/manifest.h"

/* Sizes to step down to when the network says that a datagram is too long. */
static const size_t datagram_steps[] = { KS_DATAGRAM_DEFAULT, 1024, KS_DATAGRAM_MIN };

int ks_sender_new(struct ks_sender **out, const struct ks_sender_settings *settings, const struct ks_sender_ops *ops)
{
	struct ks_sender *sender;
	int err;

	if (sodium_init() < 0)
		return -ENOSYS;
	if (settings->datagram < KS_DATAGRAM_MIN || settings->datagram > KS_DATAGRAM_MAX)
		return KS_ELIMIT;
	sender = calloc(1, sizeof(*sender));
	if (sender == NULL)
		return -ENOMEM;
	err = ks_fec_new(&sender->fec, ks_fec_best);
	if (err != KS_EOK) {
		free(sender);
		return err;
	}
	sender->settings = *settings;
	if (sender->settings.rekey_datagrams == 0)
		sender->settings.rekey_datagrams = KS_REKEY_DATAGRAMS;
	if (sender->settings.rekey_us == 0)
		sender->settings.rekey_us = KS_REKEY_US;
	sender->datagram = settings->datagram;
	sender->ops = *ops;
	sender->ops.random(sender->ops.ctx, sender->id, sizeof(sender->id));
	*out = sender;
	return KS_EOK;
}

void ks_sender_free(struct ks_sender *sender)
{
	if (sender == NULL)
		return;
	for (size_t i = 0; i < sender->n_peers; i++) {
		sodium_memzero(sender->peers[i], sizeof(*sender->peers[i]));
		free(sender->peers[i]);
	}
	ks_object_free(&sender->object);
	ks_fec_free(sender->fec);
	free(sender);
}

int ks_sender_add(struct ks_sender *sender, const char *name, const char *address, const struct ks_psk *key,
		  size_t *number)
{
	int64_t now_us = ks_mono_us(sender->ops.clock);
	struct ks_peer *peer;

	if (sender->n_peers == KS_PEERS_MAX || strlen(name) > KS_PEER_NAME_MAX || strlen(address) > KS_PEER_ADDRESS_MAX)
		return KS_ELIMIT;
	peer = calloc(1, sizeof(*peer));
	if (peer == NULL)
		return -ENOMEM;
	memcpy(peer->name, name, strlen(name) + 1);
	memcpy(peer->address, address, strlen(address) + 1);
	peer->psk = *key;
	ks_seal_setup_keys(key, &peer->setup);
	peer->silent_since_us = now_us;
	*number = sender->n_peers;
	sender->peers[sender->n_peers++] = peer;
	ks_handshake_offer(sender, peer, now_us);
	return KS_EOK;
}

void ks_sender_restart(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us)
{
	peer->position = sender->have_object ? 0 : SIZE_MAX;
	peer->start_us = now_us;
	peer->spoiled = false;
}

static bool unfinished(const struct ks_sender *sender, const struct ks_peer *peer)
{
	return peer->session.up && sender->have_object && peer->position < ks_layout_datagrams(&sender->object.layout);
}

int ks_sender_object(struct ks_sender *sender, struct ks_frame_id id, uint8_t source, int64_t period_us,
		     const uint8_t *bytes, size_t len)
{
	const struct ks_data_header header = { .epoch = id.epoch, .seq = id.seq, .source = source };
	int64_t now_us = ks_mono_us(sender->ops.clock);
	int err;

	if (len == 0 || len > KS_FRAME_MAX)
		return KS_ELIMIT;
	for (size_t i = 0; i < sender->n_peers; i++)
		if (unfinished(sender, sender->peers[i]))
			ks_count(&sender->peers[i]->counts.cut);
	err = ks_object_set(&sender->object, sender->fec, &header, bytes, len, sender->datagram - KS_DATAGRAM_OVERHEAD,
			    sender->settings.loss_ppm);
	if (err != KS_EOK)
		return err;
	sender->have_object = true;
	sender->spread_us = period_us / 4 < KS_SPREAD_MAX_US ? period_us / 4 : KS_SPREAD_MAX_US;
	for (size_t i = 0; i < sender->n_peers; i++)
		ks_sender_restart(sender, sender->peers[i], now_us);
	return KS_EOK;
}

/* The network refused this length: later objects go in shorter datagrams, to everybody, as the parity is shared. */
static void step_down(struct ks_sender *sender, const struct ks_peer *peer, size_t len)
{
	size_t from = sender->datagram;

	if (len > from)
		return;		/* a datagram of the step before */
	for (size_t i = 0; i < sizeof(datagram_steps) / sizeof(datagram_steps[0]) && sender->datagram == from; i++)
		if (datagram_steps[i] < len)
			sender->datagram = datagram_steps[i];
	if (sender->datagram != from)
		ks_warn("wire", "relay %s (%s): datagrams of %zu bytes are too long for the path; using %zu from the "
			"next frame on", peer->name, peer->address, from, sender->datagram);
}

static void log_error(struct ks_peer *peer, int err)
{
	ks_count(&peer->counts.errors);
	if (peer->outage_logged)
		return;
	peer->outage_logged = true;
	ks_warn("wire", "relay %s (%s): cannot send: %s; trying on. Check the address and the route to it", peer->name,
		peer->address, ks_strerror(err));
}

size_t ks_sender_flush(struct ks_sender *sender, size_t number, const struct iovec *datagrams, size_t n)
{
	struct ks_peer *peer = sender->peers[number];
	int done = sender->ops.send(sender->ops.ctx, number, datagrams, n);

	/* A refusal is news about an earlier datagram; this one has not been tried yet. */
	if (done == -ECONNREFUSED) {
		ks_sender_refused(sender, number);
		done = sender->ops.send(sender->ops.ctx, number, datagrams, n);
	}
	if (done >= 0) {
		ks_count_add(&peer->counts.datagrams, (uint64_t)done);
		for (int i = 0; i < done; i++)
			ks_count_add(&peer->counts.bytes, datagrams[i].iov_len);
		return (size_t)done;
	}
	if (done == -EAGAIN || done == -ENOBUFS)
		return 0;
	peer->spoiled = true;
	if (done == -EMSGSIZE)
		step_down(sender, peer, datagrams[0].iov_len);
	else if (done != -ECONNREFUSED)
		log_error(peer, done);
	return n;
}

/* How far the object should have been sent to a peer by now. */
static size_t position_due(const struct ks_sender *sender, const struct ks_peer *peer, int64_t now_us)
{
	size_t all = ks_layout_datagrams(&sender->object.layout);
	int64_t gone_us = now_us - peer->start_us + KS_TICK_US;

	if (gone_us >= sender->spread_us)
		return all;
	return (size_t)((int64_t)all * gone_us / sender->spread_us);
}

static size_t seal_batch(struct ks_sender *sender, struct ks_peer *peer, size_t n, struct iovec *datagrams)
{
	uint8_t plain[KS_DATA_HEADER_SIZE + KS_SHARD_MAX];

	if (n > KS_BATCH)
		n = KS_BATCH;
	for (size_t i = 0; i < n; i++) {
		const struct ks_header header = { KS_DATA, peer->psk.id, peer->session.theirs,
						  peer->session.counter++ };
		size_t len = ks_object_plain(&sender->object, peer->position + i, plain);

		datagrams[i].iov_base = sender->batch[i];
		datagrams[i].iov_len = ks_session_write(&header, peer->session.keys.down, plain, len, sender->batch[i]);
	}
	return n;
}

static int64_t pace(struct ks_sender *sender, size_t number, int64_t now_us)
{
	struct ks_peer *peer = sender->peers[number];
	struct iovec datagrams[KS_BATCH];

	while (unfinished(sender, peer)) {
		size_t due = position_due(sender, peer, now_us), n, done;

		if (due <= peer->position)
			return now_us + KS_TICK_US;
		n = seal_batch(sender, peer, due - peer->position, datagrams);
		done = ks_sender_flush(sender, number, datagrams, n);
		peer->position += done;
		peer->session.sent_us = now_us;
		/* What the socket did not take is sealed anew under new counters: no nonce is ever used twice. */
		if (done < n)
			return now_us + KS_TICK_US;
		if (!unfinished(sender, peer) && !peer->spoiled)
			ks_count(&peer->counts.completed);
	}
	return INT64_MAX;
}

int64_t ks_sender_tick(struct ks_sender *sender)
{
	int64_t now_us = ks_mono_us(sender->ops.clock), due_us = INT64_MAX;

	for (size_t i = 0; i < sender->n_peers; i++) {
		int64_t session_us = ks_handshake_tick(sender, i, now_us);
		int64_t pace_us = pace(sender, i, now_us);

		if (session_us < due_us)
			due_us = session_us;
		if (pace_us < due_us)
			due_us = pace_us;
	}
	return due_us;
}

void ks_sender_refused(struct ks_sender *sender, size_t number)
{
	struct ks_peer *peer = sender->peers[number];

	ks_count(&peer->counts.refused);
	/* Anybody can forge a refusal: it starts an offer, and only the lack of reports ends the session. */
	if (peer->session.up)
		ks_handshake_offer(sender, peer, ks_mono_us(sender->ops.clock));
	if (peer->outage_logged || (peer->session.up && peer->session.reported))
		return;
	peer->outage_logged = true;
	ks_warn("wire", "relay %s (%s): nothing listens at this address and port; offering a session until "
		"something does", peer->name, peer->address);
}

static enum ks_drop input(struct ks_sender *sender, struct ks_peer *peer, const uint8_t *bytes, size_t len)
{
	struct ks_header header;
	enum ks_drop drop = ks_header_read(bytes, len, &header);

	if (drop != KS_DROP_NONE)
		return drop;
	if (header.key_id != peer->psk.id)
		return KS_DROP_KEY;
	if (header.type == KS_REPORT)
		return ks_handshake_report(sender, peer, &header, bytes, len);
	if (header.type != KS_ACCEPT)
		return KS_DROP_TYPE;
	if (!peer->pending.active || header.session != peer->pending.offer.session)
		return KS_DROP_SESSION;
	return ks_handshake_accept(sender, peer, bytes, len);
}

void ks_sender_input(struct ks_sender *sender, size_t number, const uint8_t *bytes, size_t len)
{
	struct ks_peer *peer = sender->peers[number];
	enum ks_drop drop = input(sender, peer, bytes, len);

	if (drop == KS_DROP_NONE)
		return;
	ks_count(&sender->drops[drop]);
	if (ks_log_gate(&sender->drop_gate, ks_mono_us(sender->ops.clock), NULL))
		ks_info("wire", "relay %s (%s): dropped a reply: %s (see koshien_wire_reply_drops_total for how many)",
			peer->name, peer->address, ks_drop_names[drop]);
}

bool ks_sender_connected(const struct ks_sender *sender, size_t number)
{
	const struct ks_sender_session *session = &sender->peers[number]->session;

	return session->up && session->reported && ks_mono_us(sender->ops.clock) - session->report_us < KS_SILENCE_US;
}

int64_t ks_sender_silent_since_us(const struct ks_sender *sender, size_t number)
{
	return sender->peers[number]->silent_since_us;
}

size_t ks_sender_datagram(const struct ks_sender *sender)
{
	return sender->datagram;
}
