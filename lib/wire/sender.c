/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/sender_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "lib/base/error.h"

static bool within_limits(const struct ks_sender_settings *settings)
{
	return settings->datagram >= KS_DATAGRAM_MIN && settings->datagram <= KS_DATAGRAM_MAX &&
	       settings->relays_max <= KS_RELAYS_MAX && settings->loss_ppm <= KS_LOSS_CEILING_PPM;
}

static void take_settings(struct ks_sender *sender, const struct ks_sender_settings *settings)
{
	sender->settings = *settings;
	if (sender->settings.relays_max == 0)
		sender->settings.relays_max = KS_RELAYS_MAX;
	if (sender->settings.rekey_us == 0)
		sender->settings.rekey_us = KS_REKEY_US;
}

static int allocate(struct ks_sender **out)
{
	struct ks_sender *sender = calloc(1, sizeof(*sender));
	int err;

	if (sender == NULL)
		return -ENOMEM;
	sender->farewells = calloc(KS_FAREWELLS_MAX, sizeof(sender->farewells[0]));
	err = sender->farewells != NULL ? ks_fec_new(&sender->fec, ks_fec_best()) : -ENOMEM;
	if (err != KS_EOK) {
		free(sender->farewells);
		free(sender);
		return err;
	}
	*out = sender;
	return KS_EOK;
}

int ks_sender_new(struct ks_sender **out, const struct ks_sender_settings *settings,
		  const uint8_t instance[KS_INSTANCE_SIZE], const struct ks_sender_ops *ops)
{
	struct ks_sender *sender;
	int err;

	if (sodium_init() < 0)
		return -ENOSYS;
	if (!within_limits(settings))
		return KS_ELIMIT;
	err = allocate(&sender);
	if (err != KS_EOK)
		return err;
	take_settings(sender, settings);
	sender->ops = *ops;
	sender->clock = *ops->clock;
	memcpy(sender->instance, instance, KS_INSTANCE_SIZE);
	ks_path_sizes(sender);
	ks_cookies_init(&sender->cookies, ops->random, ops->ctx, ks_mono_us(&sender->clock));
	*out = sender;
	return KS_EOK;
}

void ks_sender_free(struct ks_sender *sender)
{
	if (sender == NULL)
		return;
	while (sender->n_half_open > 0)
		ks_lease_free(sender, sender->half_open[0]);
	while (sender->n_peers > 0)
		ks_peer_free(sender, sender->peers[sender->n_peers - 1]);
	ks_tracks_free(sender);
	ks_fec_free(sender->fec);
	free(sender->farewells);
	free(sender->revoked);
	sodium_memzero(sender, sizeof(*sender));
	free(sender);
}

int ks_sender_set(struct ks_sender *sender, const struct ks_sender_settings *settings)
{
	int64_t now_us = ks_mono_us(&sender->clock);
	size_t datagram = sender->settings.datagram;

	if (!within_limits(settings))
		return KS_ELIMIT;
	take_settings(sender, settings);
	if (settings->datagram != datagram)
		ks_path_resize(sender, now_us);
	for (size_t i = 0; i < sender->n_peers; i++)
		if (sender->peers[i] != NULL)
			ks_loss_believe(&sender->peers[i]->loss, settings->loss_ppm);
	return KS_EOK;
}

/* --- who may come ---------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int copy_revoked(const char *const *revoked, size_t n, char (**out)[KS_RELAY_NAME_MAX + 1])
{
	char (*names)[KS_RELAY_NAME_MAX + 1] = NULL;

	if (n > 0) {
		names = calloc(n, sizeof(names[0]));
		if (names == NULL)
			return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		snprintf(names[i], sizeof(names[i]), "%s", revoked[i]);
	if (n > 0)
		qsort(names, n, sizeof(names[0]), compare_names);
	*out = names;
	return KS_EOK;
}

/* A relay that we were told of keeps its session through a change of keys; only revoking it ends it. */
static bool still_allowed(const struct ks_sender *sender, const struct ks_peer *peer)
{
	if (peer->told)
		return !ks_peer_revoked(sender, peer->psk.name);
	return ks_lease_key_accepted(sender, &peer->lease->psk);
}

int ks_sender_set_masters(struct ks_sender *sender, const struct ks_master *masters, size_t n_masters,
			  const char *const *revoked, size_t n_revoked)
{
	int64_t now_us = ks_mono_us(&sender->clock);
	char (*names)[KS_RELAY_NAME_MAX + 1];
	int err;

	if (n_masters > KS_PSK_MAX || n_revoked > KS_REVOKED_MAX)
		return KS_ELIMIT;
	err = copy_revoked(revoked, n_revoked, &names);
	if (err != KS_EOK)
		return err;
	free(sender->revoked);
	sender->revoked = names;
	sender->n_revoked = n_revoked;
	sodium_memzero(sender->masters, sizeof(sender->masters));
	if (n_masters > 0)
		memcpy(sender->masters, masters, n_masters * sizeof(masters[0]));
	sender->n_masters = n_masters;
	ks_lease_forbid(sender);
	for (size_t i = 0; i < sender->n_peers; i++) {
		struct ks_peer *peer = sender->peers[i];

		if (peer == NULL)
			continue;
		peer->due_us = now_us;
		ks_peer_derive(sender, peer);
		if (peer->lease == NULL || still_allowed(sender, peer))
			continue;
		ks_info("wire", "relay %s (%s): its session ends: its key is no longer accepted", peer->name,
			peer->address);
		ks_peer_farewell(sender, peer, KS_BYE_REVOKED);
		ks_peer_end(sender, peer, now_us);
	}
	return KS_EOK;
}

/* --- relays that we were told of --------------------------------------------------------------------------- */

int ks_sender_add(struct ks_sender *sender, const struct ks_told_relay *relay, size_t *number)
{
	struct ks_peer *peer;

	if (strlen(relay->name) > KS_RELAY_NAME_MAX || strlen(relay->address) > KS_ADDRESS_TEXT_MAX)
		return KS_ELIMIT;
	peer = ks_peer_new(sender, relay->name, relay->address, relay->key, number);
	if (peer == NULL)
		return KS_ELIMIT;
	peer->told = true;
	peer->blind = relay->blind;
	ks_peer_offer(sender, peer, ks_mono_us(&sender->clock));
	return KS_EOK;
}

void ks_sender_move(struct ks_sender *sender, size_t number, const struct ks_endpoint *to)
{
	struct ks_peer *peer = sender->peers[number];

	if (peer->reachable && ks_endpoint_equal(&peer->to, to))
		return;
	peer->to = *to;
	peer->reachable = true;
	peer->due_us = ks_mono_us(&sender->clock);
	if (peer->blind && peer->lease != NULL)
		peer->lease->to = *to;
	if (peer->blind && peer->next != NULL)
		peer->next->to = *to;
}

void ks_sender_set_key(struct ks_sender *sender, size_t number, const struct ks_psk *key)
{
	struct ks_peer *peer = sender->peers[number];

	ks_peer_set_key(sender, peer, key);
	peer->due_us = ks_mono_us(&sender->clock);
	ks_lease_forbid(sender);
}

void ks_sender_remove(struct ks_sender *sender, size_t number)
{
	struct ks_peer *peer = sender->peers[number];

	ks_peer_farewell(sender, peer, KS_BYE_STOP);
	ks_peer_free(sender, peer);
}

/* --- from the network ---------------------------------------------------------------------------------------- */

void ks_sender_refused(struct ks_sender *sender, const struct ks_endpoint *to)
{
	int64_t now_us = ks_mono_us(&sender->clock);

	for (size_t i = 0; i < sender->n_peers; i++) {
		struct ks_peer *peer = sender->peers[i];
		const struct ks_endpoint *at = peer == NULL ? NULL : peer->lease != NULL ? &peer->lease->to : &peer->to;

		if (at == NULL || at->peer_len != to->peer_len || memcmp(at->bytes, to->bytes, to->peer_len) != 0)
			continue;
		ks_count(&peer->counts.refused);
		/* Anybody can forge a refusal: it starts an offer, and only the lack of reports ends the session. */
		ks_peer_offer(sender, peer, now_us);
		if (!peer->told || peer->outage_logged || peer->lease != NULL || !ks_name_may_log(peer, now_us))
			continue;
		peer->outage_logged = true;
		ks_warn("wire", "relay %s (%s): nothing listens at this address and port; offering a session until "
			"something does", peer->name, peer->address);
	}
}

static enum ks_drop input(struct ks_sender *sender, const struct ks_endpoint *from, const uint8_t *bytes, size_t len)
{
	struct ks_header header;
	enum ks_drop drop = ks_header_read(bytes, len, &header);

	if (drop != KS_DROP_NONE)
		return drop;
	switch (header.type) {
	case KS_SUBSCRIBE:
		return ks_lease_subscribe(sender, &header, from, bytes, len);
	case KS_RENEW:
	case KS_NACK:
	case KS_HEAD:
	case KS_BYE:
		return ks_reports_input(sender, &header, from, bytes, len);
	default:
		return KS_DROP_TYPE;
	}
}

void ks_sender_input(struct ks_sender *sender, const struct ks_endpoint *from, const uint8_t *bytes, size_t len)
{
	enum ks_drop drop;

	if (sender->stopped)
		return;
	drop = input(sender, from, bytes, len);
	if (drop == KS_DROP_NONE)
		return;
	ks_count(&sender->drops[drop]);
	if (ks_log_gate(&sender->drop_gate, ks_mono_us(&sender->clock), NULL))
		ks_info("wire", "dropped a datagram from a relay: %s (see koshien_wire_reply_drops_total for how many)",
			ks_drop_names[drop]);
}

/* --- time ------------------------------------------------------------------------------------------------------ */

static void say_farewell(struct ks_sender *sender)
{
	for (size_t i = 0; i < sender->n_farewells; i++) {
		struct ks_farewell *farewell = &sender->farewells[i];
		const struct iovec datagram = { farewell->bytes, sizeof(farewell->bytes) };

		if (sender->ops.send(sender->ops.ctx, &farewell->to, &datagram, 1) != 1)
			continue;
		sender->totals.datagrams++;
		sender->totals.bytes += datagram.iov_len;
	}
	sender->n_farewells = 0;
}

int64_t ks_sender_tick(struct ks_sender *sender)
{
	int64_t now_us = ks_mono_us(&sender->clock), due_us;

	if (sender->stopped)
		return INT64_MAX;
	say_farewell(sender);
	due_us = ks_lease_tick(sender, now_us);
	for (size_t i = 0; i < sender->n_peers; i++) {
		struct ks_peer *peer = sender->peers[i];

		if (peer == NULL)
			continue;
		if (now_us >= peer->due_us) {
			int64_t again_us;

			/* What comes up meanwhile sets an earlier time itself. */
			peer->due_us = INT64_MAX;
			again_us = ks_peer_tick(sender, peer, now_us);
			if (sender->peers[i] != peer)
				continue;
			peer->due_us = ks_earlier(peer->due_us, again_us);
		}
		due_us = ks_earlier(due_us, peer->due_us);
	}
	return due_us;
}

void ks_sender_stop(struct ks_sender *sender)
{
	if (sender->stopped)
		return;
	for (size_t i = 0; i < sender->n_peers; i++)
		if (sender->peers[i] != NULL)
			ks_peer_farewell(sender, sender->peers[i], KS_BYE_STOP);
	say_farewell(sender);
	sender->stopped = true;
}

/* --- what can be seen --------------------------------------------------------------------------------------------- */

bool ks_sender_connected(const struct ks_sender *sender, size_t number)
{
	const struct ks_peer *peer = sender->peers[number];

	if (peer->blind)
		return true;
	return peer->lease != NULL && ks_mono_us(&sender->clock) - peer->lease->renew_us < KS_SILENCE_US;
}

int64_t ks_sender_silent_since_us(const struct ks_sender *sender, size_t number)
{
	return sender->peers[number]->silent_since_us;
}

size_t ks_sender_relays(const struct ks_sender *sender)
{
	size_t n = 0;

	for (size_t i = 0; i < sender->n_peers; i++)
		n += sender->peers[i] != NULL && sender->peers[i]->lease != NULL;
	return n;
}

void ks_sender_totals(const struct ks_sender *sender, struct ks_sender_totals *totals)
{
	*totals = sender->totals;
}

uint64_t ks_sender_dropped(const struct ks_sender *sender, enum ks_drop reason)
{
	return ks_counted(&sender->drops[reason]);
}

size_t ks_sender_memory(const struct ks_sender *sender, size_t *per_relay)
{
	size_t all = sizeof(*sender) + KS_FAREWELLS_MAX * sizeof(sender->farewells[0]) +
		     sender->n_revoked * sizeof(sender->revoked[0]) + sender->n_half_open * sizeof(struct ks_lease) +
		     sender->n_tracks * sizeof(struct ks_track);

	for (size_t i = 0; i < sender->n_peers; i++) {
		const struct ks_peer *peer = sender->peers[i];

		if (peer != NULL)
			all += sizeof(*peer) + peer->n_streams * sizeof(peer->streams[0]) +
			       (size_t)((peer->lease != NULL) + (peer->previous != NULL) + (peer->next != NULL)) *
			       sizeof(struct ks_lease);
	}
	for (size_t t = 0; t < sender->n_tracks; t++)
		for (size_t i = 0; i < KS_OBJECTS_MAX; i++)
			all += sender->tracks[t]->held[i].object.held;
	if (per_relay != NULL)
		*per_relay = sizeof(struct ks_peer) + 3 * sizeof(struct ks_lease) +
			     KS_STREAMS_MAX * sizeof(struct ks_stream);
	return all;
}
