/* SPDX-License-Identifier: Apache-2.0
 *
 * How long datagrams may be on the way to one relay. What the local network stack refuses, and what does not arrive
 * while shorter ones do, is too long; from time to time a longer one is tried (RFC 8899 in spirit). What is proven
 * is in the reports: the longest datagram that arrived in the session.
 */
#include "lib/wire/sender_private.h"

#define DARK_US (2500 * KS_US_PER_MS)	/* of datagrams sent and none of that size arrived */
#define DARK_DATAGRAMS 8		/* so many, at least */
#define DARK_REPORTS 2			/* in a row that say that nearly nothing arrived, on a path that was good */
#define DARK_EXPECTED 20		/* datagrams, for such a report to count */

void ks_path_sizes(struct ks_sender *sender)
{
	static const size_t steps[] = { KS_DATAGRAM_DEFAULT, 1024, KS_DATAGRAM_MIN };

	_Static_assert(sizeof(steps) / sizeof(steps[0]) < KS_OBJECT_SIZES_MAX, "the setting and all steps fit");
	sender->sizes[sender->n_sizes++] = sender->settings.datagram;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i] < sender->settings.datagram)
			sender->sizes[sender->n_sizes++] = steps[i];
}

static void use(struct ks_peer *peer, size_t size)
{
	peer->size = size;
	if (peer->lease == NULL)
		return;
	peer->lease->full_since_us = 0;
	peer->lease->full_sent = 0;
	peer->lease->dark = 0;
}

void ks_path_wish(struct ks_sender *sender, struct ks_peer *peer, size_t datagram, int64_t now_us)
{
	size_t wish = 0;

	while (wish + 1 < sender->n_sizes && sender->sizes[wish] > datagram)
		wish++;
	/* What was found out about the path stays, but for a relay that wants something else. */
	if (wish != peer->wish || peer->size < wish)
		use(peer, wish);
	peer->wish = wish;
	peer->probe_us = now_us + KS_PROBE_US;
}

bool ks_path_proven(const struct ks_sender *sender, const struct ks_peer *peer)
{
	return !peer->lease->longest_void && peer->lease->longest >= sender->sizes[peer->size];
}

void ks_path_sent(struct ks_lease *lease, size_t n, int64_t now_us)
{
	if (n == 0)
		return;
	if (lease->full_since_us == 0) {
		lease->full_since_us = now_us;
		lease->full_received = lease->received;
	}
	lease->full_sent += (uint32_t)n;
}

static void step_down(struct ks_sender *sender, struct ks_peer *peer, const char *why, int64_t now_us)
{
	if (peer->size + 1 >= sender->n_sizes)
		return;
	use(peer, peer->size + 1);
	peer->probe_us = now_us + KS_PROBE_US;
	peer->begin_anew = peer->lease != NULL;
	ks_info("wire", "relay %s (%s): datagrams of %zu bytes %s; using %zu, and trying longer ones each %d s",
		peer->name, peer->address, sender->sizes[peer->size - 1], why, sender->sizes[peer->size],
		(int)(KS_PROBE_US / KS_US_PER_S));
}

void ks_path_too_long(struct ks_sender *sender, struct ks_peer *peer, size_t len, int64_t now_us)
{
	/* A longer one was only a try. */
	if (len == sender->sizes[peer->size])
		step_down(sender, peer, "are too long for the path", now_us);
}

static void step_up(struct ks_sender *sender, struct ks_peer *peer)
{
	size_t size = peer->size;

	while (size > peer->wish && sender->sizes[size - 1] <= peer->lease->longest)
		size--;
	if (size == peer->size)
		return;
	ks_info("wire", "relay %s (%s): datagrams of %zu bytes arrive; using them", peer->name, peer->address,
		sender->sizes[size]);
	use(peer, size);
}

/* Nothing of the present size has ever arrived in this session, though something shorter has. */
static bool is_dark(const struct ks_sender *sender, const struct ks_peer *peer, int64_t now_us)
{
	const struct ks_lease *lease = peer->lease;

	return !ks_path_proven(sender, peer) && !lease->longest_void && lease->full_since_us != 0 &&
	       now_us - lease->full_since_us >= DARK_US && lease->full_sent >= DARK_DATAGRAMS &&
	       lease->received > lease->full_received;
}

/* What arrived before no longer does: the path has become narrower, and the longest of the session says nothing any
 * more. */
static bool has_gone_dark(struct ks_lease *lease, uint32_t expected, uint32_t received)
{
	if (expected < DARK_EXPECTED)
		return false;
	lease->dark = received > 0 && received <= expected / 10 ? lease->dark + 1 : 0;
	return lease->dark >= DARK_REPORTS;
}

void ks_path_report(struct ks_sender *sender, struct ks_peer *peer, const struct ks_renew *renew, uint32_t expected,
		    uint32_t received, int64_t now_us)
{
	struct ks_lease *lease = peer->lease;

	if (renew->longest > lease->longest)
		lease->longest = renew->longest;
	if (!lease->longest_void)
		step_up(sender, peer);
	if (is_dark(sender, peer, now_us)) {
		step_down(sender, peer, "do not arrive", now_us);
	} else if (has_gone_dark(lease, expected, received)) {
		lease->longest_void = true;
		step_down(sender, peer, "no longer arrive", now_us);
	}
}
