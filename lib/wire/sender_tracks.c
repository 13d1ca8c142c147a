/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/sender_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"

static bool newer(struct ks_frame_id a, struct ks_frame_id b)
{
	return a.epoch != b.epoch ? a.epoch > b.epoch : a.seq > b.seq;
}

/* Streams to relays notice by the serial that their object is gone. */
static void forget_object(struct ks_sender *sender, struct ks_held *held)
{
	if (held->object.bytes == NULL)
		return;
	sender->object_bytes -= held->counted;
	held->counted = 0;
	if (held == &held->track->held[held->track->newest])
		sender->newest_bytes -= held->object.len;
	ks_object_free(&held->object);
	held->serial = 0;
}

static void forget_track(struct ks_sender *sender, struct ks_track *track)
{
	for (size_t i = 0; i < KS_OBJECTS_MAX; i++)
		forget_object(sender, &track->held[i]);
}

static struct ks_track *find(const struct ks_sender *sender, uint32_t number, uint8_t source)
{
	for (size_t i = 0; i < sender->n_tracks; i++)
		if (sender->tracks[i]->track == number && sender->tracks[i]->source == source)
			return sender->tracks[i];
	return NULL;
}

static struct ks_track *take_track(struct ks_sender *sender)
{
	struct ks_track *oldest = sender->n_tracks > 0 ? sender->tracks[0] : NULL;

	if (sender->n_tracks < KS_SENDER_TRACKS_MAX) {
		struct ks_track *track = calloc(1, sizeof(*track));

		if (track != NULL)
			sender->tracks[sender->n_tracks++] = track;
		return track;
	}
	for (size_t i = 1; i < sender->n_tracks; i++)
		if (sender->tracks[i]->used_us < oldest->used_us)
			oldest = sender->tracks[i];
	forget_track(sender, oldest);
	return oldest;
}

static struct ks_track *new_track(struct ks_sender *sender, const struct ks_outgoing *object, uint32_t number)
{
	struct ks_track *track = take_track(sender);
	size_t at = 0;

	if (track == NULL)
		return NULL;
	while (sender->tracks[at] != track)
		at++;
	memset(track, 0, sizeof(*track));
	track->number = at;
	track->track = number;
	track->source = object->source;
	memcpy(track->channel, object->channel, strlen(object->channel) + 1);
	memcpy(track->rendition, object->rendition, strlen(object->rendition) + 1);
	for (size_t i = 0; i < KS_OBJECTS_MAX; i++)
		track->held[i].track = track;
	return track;
}

/* The oldest object of all (of those with parity), but no track's newest while there is another. */
static struct ks_held *oldest_object(const struct ks_sender *sender, const struct ks_held *but, bool with_parity)
{
	struct ks_held *oldest = NULL;
	bool oldest_is_newest = true;

	for (size_t t = 0; t < sender->n_tracks; t++)
		for (size_t i = 0; i < KS_OBJECTS_MAX; i++) {
			struct ks_held *held = &sender->tracks[t]->held[i];
			bool is_newest = i == sender->tracks[t]->newest;

			if (held->object.bytes == NULL || held == but || (is_newest && !oldest_is_newest) ||
			    (with_parity && held->object.parity == 0))
				continue;
			if (oldest == NULL || is_newest != oldest_is_newest || held->since_us < oldest->since_us) {
				oldest = held;
				oldest_is_newest = is_newest;
			}
		}
	return oldest;
}

static void recount(struct ks_sender *sender, struct ks_held *held)
{
	sender->object_bytes += held->object.held;
	sender->object_bytes -= held->counted;
	held->counted = held->object.held;
}

/* Who asks for much gets others' parity made again, but no object of theirs forgotten. */
void ks_held_count(struct ks_sender *sender, struct ks_held *held)
{
	recount(sender, held);
	while (sender->object_bytes > KS_OBJECTS_BYTES_MAX) {
		struct ks_held *spare = oldest_object(sender, held, true);

		if (spare != NULL) {
			ks_object_drop_parity(&spare->object);
			recount(sender, spare);
			continue;
		}
		spare = oldest_object(sender, held, false);
		if (spare == NULL)
			return;
		forget_object(sender, spare);
	}
}

static int hold(struct ks_sender *sender, struct ks_track *track, const struct ks_outgoing *object, int64_t now_us)
{
	const struct ks_data_header header = { .track = track->track, .epoch = object->id.epoch, .seq = object->id.seq,
					       .hops = object->hops, .source = object->source };
	struct ks_object fresh = { 0 };
	int err = ks_object_set(&fresh, &header, object->bytes, object->len, sender->settings.loss_ppm);
	struct ks_held *held;

	if (err != KS_EOK)
		return err;
	sender->newest_bytes -= track->held[track->newest].object.len;
	track->newest = (track->newest + 1) % KS_OBJECTS_MAX;
	held = &track->held[track->newest];
	/* The slot's old object is not counted as a newest one: that was its neighbour. */
	sender->newest_bytes += held->object.len;
	forget_object(sender, held);
	held->object = fresh;
	held->serial = ++sender->serial;
	held->since_us = now_us;
	held->period_us = object->period_us > 0 ? object->period_us : 0;
	track->id = object->id;
	track->used_us = now_us;
	sender->newest_bytes += object->len;
	ks_held_count(sender, held);
	return KS_EOK;
}

int ks_sender_object(struct ks_sender *sender, const struct ks_outgoing *object)
{
	int64_t now_us = ks_mono_us(&sender->clock);
	uint32_t number;
	struct ks_track *track;
	int err;

	if (object->len == 0 || object->len > KS_FRAME_MAX || object->hops > KS_HOPS_MAX ||
	    strlen(object->channel) > KS_CHANNEL_MAX || strlen(object->rendition) > KS_RENDITION_MAX)
		return KS_ELIMIT;
	number = ks_track_of(object->channel, object->rendition);
	track = find(sender, number, object->source);
	if (track == NULL)
		track = new_track(sender, object, number);
	else if (!newer(object->id, track->id))
		return KS_ESTALE;
	if (track == NULL)
		return -ENOMEM;
	err = hold(sender, track, object, now_us);
	if (err != KS_EOK)
		return err;
	for (size_t i = 0; i < sender->n_peers; i++)
		if (sender->peers[i] != NULL && sender->peers[i]->lease != NULL)
			ks_stream_begin(sender, sender->peers[i], &track->held[track->newest], now_us);
	return KS_EOK;
}

void ks_tracks_free(struct ks_sender *sender)
{
	for (size_t i = 0; i < sender->n_tracks; i++) {
		forget_track(sender, sender->tracks[i]);
		free(sender->tracks[i]);
	}
	sender->n_tracks = 0;
}
