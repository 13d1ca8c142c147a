/* SPDX-License-Identifier: Apache-2.0
 *
 * What relays say in their sessions.
 */
#include "lib/wire/sender_private.h"

#include <string.h>

#define ROUND_TRIP_SLOWNESS 256		/* reports until most of a longer round trip is believed */

static const char *const breaker_texts[KS_BREAKER_STATES] = {
	[KS_BREAKER_CLOSED] = "all frames are sent again",
	[KS_BREAKER_HALF] = "only every second frame is sent",
	[KS_BREAKER_PROBE] = "only one frame each five seconds is sent",
};

static void trip(struct ks_peer *peer, int64_t now_us)
{
	enum ks_breaker_state before = peer->breaker.state;
	uint32_t recent_ppm = ks_loss_recent_ppm(&peer->loss);

	ks_breaker_report(&peer->breaker, recent_ppm, now_us);
	if (peer->breaker.state == before)
		return;
	if (peer->breaker.state > before)
		ks_warn("wire", "relay %s (%s): %u %% of what is sent is lost; %s. Check the path to it", peer->name,
			peer->address, (unsigned)(recent_ppm / 10000), breaker_texts[peer->breaker.state]);
	else
		ks_info("wire", "relay %s (%s): %u %% of what is sent is lost; %s", peer->name, peer->address,
			(unsigned)(recent_ppm / 10000), breaker_texts[peer->breaker.state]);
}

/* What was sent before the last report came must have arrived or be lost by now, also when none of it did; on a path that
 * is longer than the time between two reports, before one that came a round trip ago. As long as nothing has arrived in
 * a session all of it may be on its way. */
static uint32_t expected_by_now(const struct ks_lease *lease, const struct ks_renew *renew, bool counts)
{
	uint64_t expected = counts && lease->counter_then > renew->expected ? lease->counter_then : renew->expected;

	return (uint32_t)(expected > lease->expected ? expected : lease->expected);
}

static void take_loss(struct ks_peer *peer, struct ks_lease *lease, const struct ks_renew *renew, int64_t now_us,
		      uint32_t *expected, uint32_t *received)
{
	bool counts = renew->received > 0 && now_us - lease->counted_us >= peer->rtt_us;
	uint32_t by_now = expected_by_now(lease, renew, counts);
	uint64_t unsent = lease->unsent - lease->unsent_then;

	*expected = by_now - lease->expected;
	*expected = *expected > unsent ? *expected - (uint32_t)unsent : 0;
	*received = renew->received - lease->received;
	ks_loss_report(&peer->loss, *expected, *received);
	lease->expected = by_now;
	lease->received = renew->received;
	lease->unsent_then = lease->unsent;
	if (!counts)
		return;
	lease->counter_then = lease->counter;
	lease->counted_us = now_us;
}

static void take_counts(struct ks_peer *peer, const struct ks_renew *renew)
{
	atomic_store(&peer->counts.reported_received, renew->received);
	atomic_store(&peer->counts.reported_expected, renew->expected);
	atomic_store(&peer->counts.reported_delivered, renew->delivered);
	atomic_store(&peer->counts.reported_lost, renew->lost);
}

/* Measured while a session is set up, and so only ever too long, when something was lost then: what is shorter
 * counts at once, what is longer when it lasts. */
static void take_round_trip(struct ks_peer *peer, uint16_t rtt_ms)
{
	if (rtt_ms == 0)
		return;
	if (peer->rtt_us == 0 || rtt_ms * KS_US_PER_MS < peer->rtt_us)
		peer->rtt_us = rtt_ms * KS_US_PER_MS;
	else
		peer->rtt_us += (rtt_ms * KS_US_PER_MS - peer->rtt_us) / ROUND_TRIP_SLOWNESS;
}

static enum ks_drop take_renew(struct ks_sender *sender, struct ks_lease *lease, uint32_t counter, const uint8_t *body,
			       size_t len, int64_t now_us)
{
	uint32_t expected, received;
	struct ks_renew renew;
	enum ks_drop drop = ks_renew_read(body, len, &renew);
	struct ks_peer *peer;

	/* A relay cannot have seen what was never sent. */
	if (drop == KS_DROP_NONE && renew.expected > lease->counter)
		drop = KS_DROP_MALFORMED;
	if (drop == KS_DROP_NONE && lease->peer == NULL)
		drop = ks_lease_confirm(sender, lease, now_us);
	if (drop != KS_DROP_NONE)
		return drop;
	peer = lease->peer;
	lease->renew_us = now_us;
	/* A late report must not take the numbers back. */
	if (lease != peer->lease || (uint64_t)counter + 1 != lease->replay.next || renew.received < lease->received)
		return KS_DROP_NONE;
	peer->silent_since_us = 0;
	peer->outage_logged = false;
	peer->offering = false;
	take_round_trip(peer, renew.rtt_ms);
	take_counts(peer, &renew);
	take_loss(peer, lease, &renew, now_us, &expected, &received);
	trip(peer, now_us);
	ks_path_report(sender, peer, &renew, expected, received, now_us);
	peer->due_us = now_us;
	return KS_DROP_NONE;
}

static enum ks_drop take_nack(struct ks_sender *sender, struct ks_peer *peer, const uint8_t *body, size_t len,
			      int64_t now_us)
{
	struct ks_nack nack;
	enum ks_drop drop = ks_nack_read(body, len, &nack);

	return drop == KS_DROP_NONE ? ks_stream_asked(sender, peer, &nack, now_us) : drop;
}

static enum ks_drop take_head(struct ks_sender *sender, const uint8_t *body, size_t len)
{
	if (len < KS_HEAD_BODY)
		return KS_DROP_MALFORMED;
	if (sender->ops.head != NULL)
		sender->ops.head(sender->ops.ctx, body);
	return KS_DROP_NONE;
}

static enum ks_drop take_bye(struct ks_sender *sender, struct ks_lease *lease, const uint8_t *body, size_t len,
			     int64_t now_us)
{
	struct ks_peer *peer = lease->peer;
	uint8_t reason = len >= KS_BYE_BODY ? body[0] : 0;

	if (len < KS_BYE_BODY)
		return KS_DROP_MALFORMED;
	if (lease != peer->lease)
		return KS_DROP_NONE;	/* the session that replaced it goes on */
	ks_info("wire", "relay %s (%s): it ended the session: %s", peer->name, peer->address,
		ks_bye_names[reason < KS_BYE_REASONS ? reason : 0]);
	ks_peer_end(sender, peer, now_us);
	return KS_DROP_NONE;
}

enum ks_drop ks_reports_input(struct ks_sender *sender, const struct ks_header *header, const struct ks_endpoint *from,
			      const uint8_t *bytes, size_t len)
{
	struct ks_lease *lease = sender->leases[header->session & (KS_LEASES_MAX - 1)];
	int64_t now_us = ks_mono_us(&sender->clock);
	uint8_t body[KS_DATAGRAM_MAX];
	enum ks_drop drop;

	/* A session stays with the address that its cookie was for: who captures a datagram and sends it from
	 * elsewhere must not get the frames sent there. A relay whose address changed asks for a new session. */
	if (lease == NULL || lease->ours != header->session || lease->blind ||
	    !ks_endpoint_same_peer(&lease->to, from))
		return KS_DROP_SESSION;
	if (header->key_id != lease->psk.id)
		return KS_DROP_KEY;
	if (lease->peer == NULL && header->type != KS_RENEW)
		return KS_DROP_SESSION;
	drop = ks_unseal(lease->keys.up, bytes, header->counter, bytes + KS_HEADER_SIZE, len - KS_HEADER_SIZE, body);
	if (drop == KS_DROP_NONE)
		drop = ks_replay_take(&lease->replay, header->counter);
	if (drop != KS_DROP_NONE)
		return drop;
	lease->to = *from;	/* by the way that the relay came to us */
	len -= KS_HEADER_SIZE + KS_TAG_SIZE;
	switch (header->type) {
	case KS_RENEW:
		return take_renew(sender, lease, header->counter, body, len, now_us);
	case KS_NACK:
		return take_nack(sender, lease->peer, body, len, now_us);
	case KS_HEAD:
		return take_head(sender, body, len);
	default:
		return take_bye(sender, lease, body, len, now_us);
	}
}
