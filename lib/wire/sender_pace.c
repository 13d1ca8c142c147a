/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/sender_private.h"

#include <stdlib.h>
#include <string.h>

#define STREAMS_FIRST 8			/* room that a relay begins with */
#define ASKED_TICKS 4			/* over which what was asked for is sent */
#define ASKED_STEP_MIN 4		/* but at least so many in a tick */
#define ROUND_OWN_US (50 * KS_US_PER_MS)	/* of asking once more, beside the round trip: waiting, sending */
#define ROUND_TRIP_GUESS_US (100 * KS_US_PER_MS)
#define ROUND_FAILS_ONE_IN 32		/* by what is lost of the answer */
#define MILLION UINT64_C(1000000)
#define FAILURES_PPM 100		/* objects that may be lost in the end */
#define SPREAD_ASKABLE_MAX (KS_SPREAD_UNITS_MAX - 1)	/* the longest says: do not ask */

static bool live(const struct ks_stream *stream)
{
	return stream->held != NULL && stream->held->serial == stream->serial;
}

static bool unfinished(const struct ks_stream *stream)
{
	return !stream->complete && stream->position < stream->total;
}

static bool busy(const struct ks_stream *stream)
{
	return live(stream) && (unfinished(stream) || stream->pending > 0);
}

/* --- how much, how fast ---------------------------------------------------------------------------- */

/* How often a relay can ask for more before `until_us`. */
static int64_t rounds_until(const struct ks_peer *peer, int64_t until_us, int64_t now_us)
{
	int64_t trip_us = peer->rtt_us > 0 ? peer->rtt_us : ROUND_TRIP_GUESS_US;

	return until_us > now_us ? (until_us - now_us) / (trip_us + ROUND_OWN_US) : 0;
}

/* Whether asking that often makes up for parity that did not suffice: a round fails when the request is lost, or
 * part of what answers it. */
static bool rounds_suffice(int64_t rounds, uint64_t insufficient_ppm, uint32_t loss_ppm)
{
	uint64_t failing_ppm = loss_ppm + (MILLION - loss_ppm) / ROUND_FAILS_ONE_IN;

	for (; rounds > 0 && insufficient_ppm > FAILURES_PPM; rounds--)
		insufficient_ppm = insufficient_ppm * failing_ppm / MILLION;
	return insufficient_ppm <= FAILURES_PPM;
}

/* What goes unasked: the less, the more often the relay can still ask before it has the next frame. */
static size_t first_parity(const struct ks_sender *sender, const struct ks_peer *peer, const struct ks_stream *stream)
{
	int64_t rounds = rounds_until(peer, stream->start_us + stream->held->period_us, stream->start_us);
	uint32_t mean_ppm = ks_loss_mean_ppm(&peer->loss);
	const struct ks_layout *layout = &stream->size->layout;
	uint32_t bounded_ppm = sender->settings.loss_ppm < KS_LOSS_CEILING_PPM ? sender->settings.loss_ppm
									       : KS_LOSS_CEILING_PPM;

	if (peer->blind)
		return ks_layout_parity(layout, bounded_ppm, KS_CHANCE_9999);
	if (!ks_peer_can_ask(sender, peer) || rounds == 0)
		return ks_layout_parity(layout, ks_loss_high_ppm(&peer->loss), KS_CHANCE_9999);
	if (rounds_suffice(rounds, MILLION / 10, mean_ppm))
		return ks_layout_parity(layout, mean_ppm, KS_CHANCE_90);
	return ks_layout_parity(layout, mean_ppm,
				rounds_suffice(rounds, MILLION / 100, mean_ppm) ? KS_CHANCE_99 : KS_CHANCE_9999);
}

static void set_spread(const struct ks_sender *sender, const struct ks_peer *peer, struct ks_stream *stream)
{
	int64_t period_us = stream->held->period_us, units;

	if (!ks_peer_can_ask(sender, peer)) {
		stream->spread_us = period_us * KS_SPREAD_BLIND_PERCENT / 100;
		stream->spread = KS_SPREAD_UNITS_MAX;
		return;
	}
	stream->spread_us = period_us / 4 < KS_SPREAD_MAX_US ? period_us / 4 : KS_SPREAD_MAX_US;
	units = (stream->spread_us + KS_SPREAD_UNIT_US - 1) / KS_SPREAD_UNIT_US;
	stream->spread = (uint8_t)(units < SPREAD_ASKABLE_MAX ? units : SPREAD_ASKABLE_MAX);
}

/* What the header of an object says is a promise: it holds also when nothing more may be asked for of later ones. */
static bool askable(const struct ks_sender *sender, const struct ks_peer *peer, const struct ks_stream *stream)
{
	return !peer->blind && (stream->spread < KS_SPREAD_UNITS_MAX || ks_peer_can_ask(sender, peer));
}

/* --- streams ---------------------------------------------------------------------------------------- */

static struct ks_stream *find(struct ks_peer *peer, const struct ks_held *held)
{
	for (size_t i = 0; i < peer->n_streams; i++)
		if (live(&peer->streams[i]) && peer->streams[i].held == held)
			return &peer->streams[i];
	return NULL;
}

/* Of those in use, the one that gives way: nothing more is to be sent of it, and it is the oldest; or it is the oldest
 * of all. */
static struct ks_stream *give_way(struct ks_peer *peer)
{
	struct ks_stream *least = peer->n_streams > 0 ? &peer->streams[0] : NULL;

	for (size_t i = 1; i < peer->n_streams; i++) {
		struct ks_stream *stream = &peer->streams[i];

		if (busy(stream) != busy(least) ? busy(least) : stream->serial < least->serial)
			least = stream;
	}
	if (least != NULL && busy(least))
		ks_count(&peer->counts.cut);
	return least;
}

/* A free one, a new one, or one that gives way. */
static struct ks_stream *take(struct ks_peer *peer)
{
	size_t n = peer->n_streams > 0 ? 2 * peer->n_streams : STREAMS_FIRST, free = peer->n_streams;
	struct ks_stream *more;

	for (size_t i = 0; i < peer->n_streams; i++)
		if (!live(&peer->streams[i]))
			return &peer->streams[i];
	more = n <= KS_STREAMS_MAX ? realloc(peer->streams, n * sizeof(*more)) : NULL;
	if (more == NULL)
		return give_way(peer);
	memset(more + peer->n_streams, 0, (n - peer->n_streams) * sizeof(*more));
	peer->streams = more;
	peer->n_streams = n;
	return &more[free];
}

/* What asking may cost beside the objects themselves; what is not used is kept for one period. */
static void add_tokens(const struct ks_sender *sender, struct ks_peer *peer, const struct ks_stream *stream)
{
	uint64_t most = 2 * (sender->newest_bytes / stream->size->layout.shard_len + KS_SENDER_TRACKS_MAX);

	peer->tokens += (uint64_t)stream->total * (KS_BUDGET_PERCENT - 100) / 100;
	if (peer->tokens > most)
		peer->tokens = most;
}

/* The network holds us back when an object is not through when the next one comes. */
static void cut_older(struct ks_peer *peer, const struct ks_held *held, int64_t now_us)
{
	for (size_t i = 0; i < peer->n_streams; i++) {
		struct ks_stream *stream = &peer->streams[i];

		if (!live(stream) || stream->held == held || stream->held->track != held->track ||
		    !unfinished(stream) || now_us < stream->start_us + stream->spread_us)
			continue;
		stream->total = stream->position;
		ks_count(&peer->counts.cut);
	}
}

/* Whether a path that loses most of what it gets shall get this object. */
static bool let_through(const struct ks_peer *peer, const struct ks_held *held)
{
	const struct ks_track *track = held->track;
	const struct ks_held *before = &track->held[(track->newest + KS_OBJECTS_MAX - 1) % KS_OBJECTS_MAX];
	int64_t begun_us = peer->begun_us[track->number];

	if (peer->breaker.state == KS_BREAKER_CLOSED || peer->blind || begun_us == 0 || begun_us == held->since_us)
		return true;
	if (peer->breaker.state == KS_BREAKER_PROBE)
		return held->since_us - begun_us >= KS_BREAKER_FRAME_US;
	return before->object.bytes == NULL || before->since_us != begun_us;
}

static bool start(struct ks_sender *sender, struct ks_peer *peer, struct ks_stream *stream, struct ks_held *held,
		  int64_t now_us)
{
	*stream = (struct ks_stream){ .held = held, .serial = held->serial, .from_top = peer->lease->wish.from_top,
				      .start_us = now_us, .next_us = now_us };
	stream->size = ks_path_layout(sender, peer, held);
	if (stream->size == NULL) {
		stream->held = NULL;
		return false;
	}
	set_spread(sender, peer, stream);
	stream->m = (uint8_t)first_parity(sender, peer, stream);
	stream->total = (uint32_t)(stream->size->layout.shards + stream->m * stream->size->layout.nblocks);
	peer->due_us = now_us;
	return true;
}

void ks_stream_begin(struct ks_sender *sender, struct ks_peer *peer, struct ks_held *held, int64_t now_us)
{
	const struct ks_track *track = held->track;
	struct ks_stream *stream;

	if (!ks_filter_match(&peer->lease->wish.filter, track->channel, track->rendition))
		return;
	cut_older(peer, held, now_us);
	if (!let_through(peer, held)) {
		ks_count(&peer->counts.skipped);
		return;
	}
	stream = take(peer);
	if (stream == NULL || !start(sender, peer, stream, held, now_us))
		return;
	peer->begun_us[track->number] = held->since_us;
	add_tokens(sender, peer, stream);
}

void ks_stream_begin_all(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us)
{
	if (peer->n_streams > 0)
		memset(peer->streams, 0, peer->n_streams * sizeof(peer->streams[0]));
	for (size_t i = 0; i < sender->n_tracks; i++) {
		struct ks_held *held = &sender->tracks[i]->held[sender->tracks[i]->newest];

		if (held->object.bytes != NULL)
			ks_stream_begin(sender, peer, held, now_us);
	}
}

/* What the session before this one did not want. */
void ks_stream_begin_wider(struct ks_sender *sender, struct ks_peer *peer, const struct ks_filter *before,
			   int64_t now_us)
{
	for (size_t i = 0; i < sender->n_tracks; i++) {
		struct ks_track *track = sender->tracks[i];
		struct ks_held *held = &track->held[track->newest];

		if (held->object.bytes != NULL && !ks_filter_match(before, track->channel, track->rendition))
			ks_stream_begin(sender, peer, held, now_us);
	}
}

bool ks_stream_needs(const struct ks_stream *stream, const struct ks_held *held, const struct ks_object_size *size)
{
	return live(stream) && stream->held == held && stream->size == size && !stream->complete;
}

/* --- what relays ask for ---------------------------------------------------------------------------- */

static struct ks_stream *asked_for(struct ks_peer *peer, const struct ks_nack *nack)
{
	for (size_t i = 0; i < peer->n_streams; i++) {
		struct ks_stream *stream = &peer->streams[i];
		const struct ks_data_header *header = live(stream) ? &stream->held->object.header : NULL;

		if (header != NULL && header->track == nack->track && header->source == nack->source &&
		    header->epoch == nack->epoch && header->seq == nack->seq)
			return stream;
	}
	return NULL;
}

/* Shards of a block that are still to be sent unasked. */
static size_t still_coming(const struct ks_stream *stream, size_t block)
{
	const struct ks_layout *layout = &stream->size->layout;
	size_t all = ks_layout_k(layout, block) + stream->m, in_data, in_parity = 0;
	size_t data = stream->position < layout->shards ? stream->position : layout->shards;

	if (!unfinished(stream))
		return 0;
	in_data = data / layout->nblocks + (data % layout->nblocks > block ? 1 : 0);
	if (stream->position > layout->shards) {
		size_t parity = stream->position - layout->shards;

		in_parity = parity / layout->nblocks + (parity % layout->nblocks > block ? 1 : 0);
	}
	return all - in_data - in_parity;
}

/* How many shards bring what is missing of a block, at most what the relay's budget allows. */
static size_t grant(const struct ks_peer *peer, const struct ks_stream *stream, size_t block, size_t missing,
		    int64_t now_us)
{
	uint32_t loss_ppm = ks_loss_mean_ppm(&peer->loss);
	size_t k = ks_layout_k(&stream->size->layout, block), coming, want;
	size_t most = (k + stream->m) * KS_ASKED_TIMES_MAX;
	int64_t rounds = rounds_until(peer, stream->held->since_us + stream->held->period_us, now_us);

	/* What is coming anyway arrives by its mean. */
	coming = still_coming(stream, block) * (MILLION - loss_ppm) / MILLION;
	if (coming >= missing)
		return 0;
	missing -= coming;
	if (missing > k)
		missing = k;
	want = missing + ks_fec_parity(missing, loss_ppm, rounds > 1 ? KS_CHANCE_90 : KS_CHANCE_99);
	want = want > stream->wanted[block] ? want - stream->wanted[block] : 0;
	if (want + stream->extra[block] + stream->wanted[block] > most)
		want = most - stream->extra[block] - stream->wanted[block];
	return want < peer->tokens ? want : (size_t)peer->tokens;
}

enum ks_drop ks_stream_asked(struct ks_sender *sender, struct ks_peer *peer, const struct ks_nack *nack, int64_t now_us)
{
	struct ks_stream *stream = asked_for(peer, nack);
	enum ks_drop drop = KS_DROP_LIMIT;

	if (stream == NULL)
		return KS_DROP_LATE;
	if (nack->n == 0) {
		stream->complete = true;
		stream->pending = 0;
		memset(stream->wanted, 0, sizeof(stream->wanted));
		return KS_DROP_NONE;
	}
	if (!askable(sender, peer, stream))
		return KS_DROP_LIMIT;
	if (stream->complete)
		return KS_DROP_LATE;
	for (size_t i = 0; i < nack->n; i++) {
		size_t block = nack->blocks[i].block, n;

		if (block >= stream->size->layout.nblocks)
			return KS_DROP_MALFORMED;
		n = grant(peer, stream, block, nack->blocks[i].missing, now_us);
		stream->wanted[block] = (uint8_t)(stream->wanted[block] + n);
		stream->pending += (uint32_t)n;
		peer->tokens -= n;
		if (n > 0 || stream->wanted[block] > 0 || still_coming(stream, block) > 0)
			drop = KS_DROP_NONE;
	}
	stream->step = (stream->pending + ASKED_TICKS - 1) / ASKED_TICKS;
	if (stream->step < ASKED_STEP_MIN)
		stream->step = ASKED_STEP_MIN;
	stream->next_us = peer->due_us = now_us;
	return drop;
}

/* What has been sent and may have been lost whole: the newest of each track. */
size_t ks_stream_newest(struct ks_sender *sender, struct ks_peer *peer, struct ks_alive *alive)
{
	alive->n = 0;
	for (size_t i = 0; i < sender->n_tracks && alive->n < KS_ALIVE_OBJECTS_MAX; i++) {
		const struct ks_track *track = sender->tracks[i];
		const struct ks_stream *stream = find(peer, &track->held[track->newest]);

		if (stream == NULL || stream->complete || unfinished(stream) || !askable(sender, peer, stream))
			continue;
		alive->objects[alive->n].shard_len = (uint16_t)stream->size->layout.shard_len;
		alive->objects[alive->n].header = stream->held->object.header;
		alive->objects[alive->n].header.nblocks = (uint8_t)stream->size->layout.nblocks;
		alive->objects[alive->n].header.spread = stream->spread;
		alive->n++;
	}
	return alive->n;
}

/* --- sending ----------------------------------------------------------------------------------------- */

/* Seals one shard into the batch; false when there is no memory for it, or no counter: none is ever used twice, and the
 * last ones are for what else the session has to say before it ends. */
static bool seal(struct ks_sender *sender, struct ks_peer *peer, const struct ks_stream *stream, size_t block,
		 size_t shard, size_t i, struct iovec *datagram)
{
	struct ks_lease *lease = peer->lease;
	struct ks_data_header header = stream->held->object.header;
	const struct ks_layout *layout = &stream->size->layout;
	const uint8_t *bytes = ks_object_shard(&stream->held->object, stream->size, sender->fec, block, shard);
	struct ks_header clear = { .type = KS_DATA, .flags = lease->blind ? KS_FLAG_BLIND : 0, .key_id = lease->psk.id,
				   .session = lease->theirs };

	if (bytes == NULL || lease->counter >= KS_COUNTER_END - KS_BATCH)
		return false;
	clear.counter = (uint32_t)lease->counter++;
	header.nblocks = (uint8_t)layout->nblocks;
	header.block = (uint8_t)block;
	header.shard = (uint8_t)shard;
	header.spread = stream->spread;
	ks_data_header_write(&header, sender->plain);
	memcpy(sender->plain + KS_DATA_HEADER_SIZE, bytes, layout->shard_len);
	datagram->iov_base = sender->batch[i];
	datagram->iov_len = ks_session_write(&clear, lease->keys.down, sender->plain,
					     KS_DATA_HEADER_SIZE + layout->shard_len, sender->batch[i]);
	return true;
}

/* Returns how many of the n sealed datagrams are done with, sent or lost; none when everything is to begin anew. */
static size_t flush(struct ks_sender *sender, struct ks_peer *peer, struct ks_stream *stream,
		    const struct iovec *datagrams, size_t n, int64_t now_us)
{
	uint64_t before = ks_counted(&peer->counts.datagrams);
	size_t done = ks_peer_send(sender, peer, peer->lease, &peer->lease->to, datagrams, n);
	size_t sent = (size_t)(ks_counted(&peer->counts.datagrams) - before);

	sender->totals.data_datagrams += sent;
	stream->spoiled |= sent < done;
	peer->lease->sent_us = now_us;
	ks_path_sent(peer->lease, sent, now_us);
	if (done < n)
		peer->blocked_us = now_us + KS_TICK_US;
	return peer->begin_anew ? 0 : done;
}

/* How far the first way should have come by now. */
static uint32_t position_due(const struct ks_stream *stream, int64_t now_us)
{
	int64_t gone_us = now_us - stream->start_us + KS_TICK_US;

	if (gone_us >= stream->spread_us)
		return stream->total;
	return (uint32_t)(stream->total * gone_us / stream->spread_us);
}

static void send_first(struct ks_sender *sender, struct ks_peer *peer, struct ks_stream *stream, int64_t now_us)
{
	const struct ks_layout *layout = &stream->size->layout;
	uint32_t due = position_due(stream, now_us);
	struct iovec datagrams[KS_BATCH];

	while (stream->position < due) {
		size_t n = 0, done, block, shard;

		for (; n < KS_BATCH && stream->position + n < due; n++) {
			ks_layout_at(layout, stream->position + n, stream->from_top, &block, &shard);
			if (!seal(sender, peer, stream, block, shard, n, &datagrams[n]))
				break;
		}
		done = n > 0 ? flush(sender, peer, stream, datagrams, n, now_us) : 0;
		for (size_t i = 0; i < done && stream->position + i < layout->shards && !stream->spoiled; i++)
			sender->totals.data_shard_bytes += layout->shard_len;
		stream->position += (uint32_t)done;
		if (done == 0 || done < n)
			return;
	}
	if (stream->position == stream->total && !stream->spoiled)
		ks_count(&peer->counts.completed);
}

/* The next block of which something is wanted. */
static size_t next_wanted(struct ks_stream *stream)
{
	while (stream->wanted[stream->turn] == 0)
		stream->turn = (uint8_t)((stream->turn + 1) % stream->size->layout.nblocks);
	return stream->turn;
}

static void send_asked(struct ks_sender *sender, struct ks_peer *peer, struct ks_stream *stream, int64_t now_us)
{
	const struct ks_layout *layout = &stream->size->layout;
	size_t left = stream->step < stream->pending ? stream->step : stream->pending;
	uint8_t blocks[KS_BATCH];
	struct iovec datagrams[KS_BATCH];

	while (left > 0) {
		size_t n = 0, done;

		for (; n < KS_BATCH && n < left; n++) {
			size_t block = next_wanted(stream), sent = ks_layout_k(layout, block) + stream->m;

			sent += stream->extra[block];
			sent = ks_layout_shard(layout, block, sent, stream->from_top);
			if (!seal(sender, peer, stream, block, sent, n, &datagrams[n]))
				break;
			blocks[n] = (uint8_t)block;
			stream->extra[block]++;
			stream->wanted[block]--;
			stream->turn = (uint8_t)((stream->turn + 1) % layout->nblocks);
		}
		done = n > 0 ? flush(sender, peer, stream, datagrams, n, now_us) : 0;
		for (size_t i = done; i < n; i++) {
			stream->extra[blocks[i]]--;
			stream->wanted[blocks[i]]++;
		}
		stream->pending -= (uint32_t)done;
		sender->totals.asked += done;
		ks_count_add(&peer->counts.asked, done);
		left -= done;
		if (done == 0 || done < n)
			return;
	}
}

/* When a stream has something to send again. */
static int64_t next_due(const struct ks_peer *peer, const struct ks_stream *stream, int64_t now_us)
{
	int64_t due_us = now_us + KS_TICK_US, then_us;

	if (!busy(stream))
		return INT64_MAX;
	if (stream->pending > 0 || now_us < peer->blocked_us)
		return due_us;
	then_us = stream->start_us - KS_TICK_US +
		  ((stream->position + 1) * stream->spread_us + stream->total - 1) / stream->total;
	return then_us > due_us ? then_us : due_us;
}

static void send_due(struct ks_sender *sender, struct ks_peer *peer, struct ks_stream *stream, int64_t now_us)
{
	if (now_us < stream->next_us || now_us < peer->blocked_us)
		return;
	if (unfinished(stream))
		send_first(sender, peer, stream, now_us);
	if (stream->pending > 0 && now_us >= peer->blocked_us)
		send_asked(sender, peer, stream, now_us);
	stream->next_us = next_due(peer, stream, now_us);
}

int64_t ks_stream_tick(struct ks_sender *sender, struct ks_peer *peer, int64_t now_us)
{
	int64_t due_us = INT64_MAX;

	for (size_t i = 0; i < peer->n_streams && !peer->begin_anew; i++) {
		struct ks_stream *stream = &peer->streams[i];

		if (!busy(stream))
			continue;
		send_due(sender, peer, stream, now_us);
		if (busy(stream))
			due_us = ks_earlier(due_us, stream->next_us > peer->blocked_us ? stream->next_us
										       : peer->blocked_us);
	}
	if (!peer->begin_anew)
		return due_us;
	peer->begin_anew = false;
	ks_stream_begin_all(sender, peer, now_us);
	return now_us + KS_TICK_US;
}
