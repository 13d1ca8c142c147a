/* SPDX-License-Identifier: Apache-2.0
 *
 * How long datagrams may be on the way to one relay. What the local network stack refuses, and what does not arrive
 * while shorter ones do, is too long; from time to time a longer one is tried (RFC 8899 in spirit). What is proven
 * is in the reports: the longest datagram that arrived in the session.
 */
#include "lib/wire/sender_private.h"

#include <string.h>

#define DARK_US (2500 * KS_US_PER_MS)	/* of datagrams sent and none of that size arrived */
#define DARK_DATAGRAMS 8		/* so many, at least */
#define DARK_REPORTS 2			/* in a row that say that nearly nothing arrived, on a path that was good */
#define DARK_EXPECTED 20		/* datagrams, for such a report to count */
#define PROBES_HURRIED 4
#define PROBE_HURRY_US (1 * KS_US_PER_S)	/* between these: a report */

void ks_path_sizes(struct ks_sender *sender)
{
	static const size_t steps[] = { KS_DATAGRAM_DEFAULT, 1024, KS_DATAGRAM_MIN };

	_Static_assert(sizeof(steps) / sizeof(steps[0]) < KS_PATH_SIZES_MAX, "the setting and all steps fit");
	sender->n_sizes = 0;
	sender->sizes[sender->n_sizes++] = sender->settings.datagram;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i] < sender->settings.datagram)
			sender->sizes[sender->n_sizes++] = steps[i];
}

static void use(struct ks_peer *peer, size_t size)
{
	peer->size = size;
	peer->hurried = 0;
	if (peer->lease == NULL)
		return;
	peer->lease->full_since_us = 0;
	peer->lease->full_sent = 0;
	peer->lease->dark = 0;
}

/* The longest that is not longer than this, or the shortest. */
static size_t at_most(const struct ks_sender *sender, size_t datagram)
{
	size_t i = 0;

	while (i + 1 < sender->n_sizes && sender->sizes[i] > datagram)
		i++;
	return i;
}

/* Nothing is known against longer ones, and a try may be lost for other reasons. */
static void hurry(struct ks_peer *peer, int64_t at_us)
{
	peer->hurried = PROBES_HURRIED;
	peer->probe_us = at_us;
}

size_t ks_path_probe(const struct ks_sender *sender, struct ks_peer *peer, int64_t now_us)
{
	if (peer->size == peer->wish || now_us < peer->probe_us)
		return 0;
	if (peer->hurried == 0) {
		peer->probe_us = now_us + KS_PROBE_US;
		return sender->sizes[peer->size - 1];
	}
	peer->hurried--;
	peer->probe_us = now_us + (peer->hurried > 0 ? PROBE_HURRY_US : KS_PROBE_US);
	return sender->sizes[peer->wish];
}

void ks_path_wish(struct ks_sender *sender, struct ks_peer *peer, size_t datagram, int64_t now_us)
{
	size_t wish = at_most(sender, datagram);

	bool longer = wish < peer->wish, found = peer->size > peer->wish;

	/* What was found out about the path stays. Where frames flow, longer ones are not used before one has arrived:
	 * the new session begins with such a try. */
	if (peer->size < wish || (longer && peer->previous == NULL))
		use(peer, wish);
	peer->wish = wish;
	peer->probe_us = now_us + KS_PROBE_US;
	if (longer && !found && peer->size > wish)
		hurry(peer, now_us + PROBE_HURRY_US);
}

static void resize(struct ks_sender *sender, struct ks_peer *peer, size_t present, int64_t now_us)
{
	bool found = peer->size > peer->wish, flows = peer->lease != NULL && !peer->blind;

	if (peer->blind && peer->lease != NULL)
		peer->lease->wish.datagram = (uint16_t)sender->settings.datagram;
	peer->wish = peer->lease != NULL ? at_most(sender, peer->lease->wish.datagram) : 0;
	use(peer, found || flows ? at_most(sender, present) : peer->wish);
	if (peer->size < peer->wish)
		peer->size = peer->wish;
	if (flows && !found && peer->size > peer->wish) {
		hurry(peer, now_us);
		peer->due_us = now_us;
	}
}

/* What is on its way goes on as it was cut. */
void ks_path_resize(struct ks_sender *sender, int64_t now_us)
{
	size_t before[KS_PATH_SIZES_MAX];

	memcpy(before, sender->sizes, sizeof(before));
	ks_path_sizes(sender);
	for (size_t i = 0; i < sender->n_peers; i++)
		if (sender->peers[i] != NULL)
			resize(sender, sender->peers[i], before[sender->peers[i]->size], now_us);
}

static bool is_needed(const struct ks_sender *sender, const struct ks_held *held, const struct ks_object_size *size)
{
	for (size_t i = 0; i < sender->n_peers; i++)
		for (size_t s = 0; sender->peers[i] != NULL && s < sender->peers[i]->n_streams; s++)
			if (ks_stream_needs(&sender->peers[i]->streams[s], held, size))
				return true;
	return false;
}

/* An object that outlives several changes of the setting drops those layouts that no relay still gets it in. */
static struct ks_object_size *find_layout(const struct ks_sender *sender, struct ks_held *held, size_t shard_len)
{
	struct ks_object_size *size = ks_object_size(&held->object, shard_len), *shorter = NULL;

	if (size != NULL)
		return size;
	for (size_t s = 0; s < KS_OBJECT_SIZES_MAX; s++) {
		struct ks_object_size *other = &held->object.sizes[s];

		if (!is_needed(sender, held, other))
			ks_object_drop_size(&held->object, other);
		else if (other->layout.shard_len <= shard_len &&
			 (shorter == NULL || other->layout.shard_len > shorter->layout.shard_len))
			shorter = other;
	}
	size = ks_object_size(&held->object, shard_len);
	return size != NULL ? size : shorter;
}

struct ks_object_size *ks_path_layout(struct ks_sender *sender, const struct ks_peer *peer, struct ks_held *held)
{
	struct ks_object_size *size = find_layout(sender, held, sender->sizes[peer->size] - KS_DATAGRAM_OVERHEAD);

	ks_held_count(sender, held);
	return size;
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
	if (!ks_name_may_log(peer, now_us))
		return;
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

static void step_up(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us)
{
	size_t size = peer->size;

	while (size > peer->wish && sender->sizes[size - 1] <= peer->lease->longest)
		size--;
	if (size == peer->size)
		return;
	if (ks_name_may_log(peer, now_us))
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
		step_up(sender, peer, now_us);
	if (is_dark(sender, peer, now_us)) {
		step_down(sender, peer, "do not arrive", now_us);
	} else if (has_gone_dark(lease, expected, received)) {
		lease->longest_void = true;
		step_down(sender, peer, "no longer arrive", now_us);
	}
}
