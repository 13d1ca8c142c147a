/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/assembler_private.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"

#define ROOM_UNIT ((size_t)16 * 1024)	/* rooms are a multiple, so that they fit the next object too */
#define SPARE_FACTOR 4			/* a spare room may be this much larger than what is needed */

/* --- tracks ------------------------------------------------------------------------------------- */

void ks_tracks_init(struct ks_assembler *assembler)
{
	memset(assembler->heads, 0xff, sizeof(assembler->heads));
	for (size_t i = KS_ASSEMBLIES_MAX; i-- > 0;) {
		assembler->assemblies[i].next = assembler->free;
		assembler->free = &assembler->assemblies[i];
	}
}

/* Names of tracks are hashes already. */
static uint16_t *head_of(struct ks_assembler *assembler, uint32_t track, uint8_t source)
{
	return &assembler->heads[(track ^ track >> 16 ^ (uint32_t)source << 3) % KS_TRACK_HEADS];
}

struct ks_track *ks_track_find(struct ks_assembler *assembler, uint32_t track, uint8_t source)
{
	uint16_t at = *head_of(assembler, track, source);

	while (at != KS_TRACK_NONE) {
		struct ks_track *t = &assembler->tracks[at];

		if (t->track == track && t->source == source)
			return t;
		at = t->chain;
	}
	return NULL;
}

void ks_track_use(struct ks_assembler *assembler, struct ks_track *track, unsigned giver)
{
	if (track->accepted || (track->users & ks_giver_bit(giver)) != 0)
		return;
	track->users |= ks_giver_bit(giver);
	assembler->uses[giver]++;
}

static void end_uses(struct ks_assembler *assembler, struct ks_track *track)
{
	for (unsigned giver = 0; giver <= KS_GIVER_GONE; giver++)
		assembler->uses[giver] -= (track->users & ks_giver_bit(giver)) != 0;
	track->users = 0;
}

void ks_track_accept(struct ks_assembler *assembler, struct ks_track *track, struct ks_frame_id id)
{
	end_uses(assembler, track);
	track->accepted = true;
	track->last = id;
	track->order = assembler->clock++;
}

void ks_track_disown(struct ks_assembler *assembler, struct ks_track *track, unsigned giver)
{
	track->stop_us[giver] = track->distrusted_us[giver] = 0;
	if ((track->users & ks_giver_bit(giver)) == 0)
		return;
	ks_track_use(assembler, track, KS_GIVER_GONE);
	track->users &= (uint16_t)~ks_giver_bit(giver);
	assembler->uses[giver]--;
}

static void forget_track(struct ks_assembler *assembler, struct ks_track *track)
{
	uint16_t *link = head_of(assembler, track->track, track->source);

	while (track->assemblies != NULL)
		ks_assembly_abandon(assembler, track->assemblies);
	while (*link != track - assembler->tracks)
		link = &assembler->tracks[*link].chain;
	*link = track->chain;
	end_uses(assembler, track);
	*track = (struct ks_track){ 0 };
}

/* How many tracks the most modest of its users has, of those of which nothing was accepted yet. */
static size_t modesty(const struct ks_assembler *assembler, const struct ks_track *track)
{
	size_t least = track->users != 0 ? KS_TRACKS_MAX : 0;

	for (unsigned users = track->users, giver = 0; users != 0; users >>= 1, giver++)
		if ((users & 1) != 0 && assembler->uses[giver] < least)
			least = assembler->uses[giver];
	return least;
}

/* Tracks of which nothing was accepted yet may be anybody's invention: they go before the others. Who invents many
 * pushes out his own, and not what somebody else uses, too, nor what he is blamed for there. */
static struct ks_track *least_wanted(struct ks_assembler *assembler)
{
	struct ks_track *least = &assembler->tracks[0];
	size_t most = modesty(assembler, least);

	for (size_t i = 1; i < KS_TRACKS_MAX; i++) {
		struct ks_track *t = &assembler->tracks[i];
		size_t n = modesty(assembler, t);

		if (n > most || (n == most && t->order < least->order)) {
			least = t;
			most = n;
		}
	}
	return least;
}

struct ks_track *ks_track_get(struct ks_assembler *assembler, uint32_t name, uint8_t source)
{
	struct ks_track *track = ks_track_find(assembler, name, source);
	uint16_t *head;

	if (track == NULL) {
		if (assembler->n_tracks < KS_TRACKS_MAX) {
			track = &assembler->tracks[assembler->n_tracks++];
		} else {
			track = least_wanted(assembler);
			forget_track(assembler, track);
		}
		head = head_of(assembler, name, source);
		*track = (struct ks_track){ .used = true, .track = name, .source = source, .chain = *head };
		*head = (uint16_t)(track - assembler->tracks);
	}
	track->order = assembler->clock++;
	return track;
}

/* --- rooms -------------------------------------------------------------------------------------- */

static void drop_spare(struct ks_assembler *assembler, size_t i)
{
	assembler->bytes -= assembler->spares[i].len;
	free(assembler->spares[i].bytes);
	assembler->spares[i] = assembler->spares[--assembler->n_spares];
}

static bool take_spare(struct ks_assembler *assembler, size_t need, struct ks_assembly *assembly)
{
	size_t best = assembler->n_spares;

	for (size_t i = 0; i < assembler->n_spares; i++) {
		size_t len = assembler->spares[i].len;

		if (len >= need && len <= SPARE_FACTOR * need &&
		    (best == assembler->n_spares || len < assembler->spares[best].len))
			best = i;
	}
	if (best == assembler->n_spares)
		return false;
	assembly->room = assembler->spares[best].bytes;
	assembly->room_len = assembler->spares[best].len;
	assembler->spares[best] = assembler->spares[--assembler->n_spares];
	return true;
}

static void keep_room(struct ks_assembler *assembler, struct ks_assembly *assembly)
{
	if (assembler->n_spares == KS_SPARE_ROOMS_MAX)
		drop_spare(assembler, 0);
	assembler->spares[assembler->n_spares++] = (struct ks_spare_room){ assembly->room, assembly->room_len };
	assembly->room = NULL;
}

/* --- who gives way ------------------------------------------------------------------------------ */

static unsigned greediest(const size_t amount[KS_GIVERS_MAX + 1])
{
	unsigned most = 0;

	for (unsigned i = 1; i <= KS_GIVERS_MAX; i++)
		if (amount[i] > amount[most])
			most = i;
	return most;
}

/* Only one of the giver that has begun most goes, if possible one that nobody else has a part in, and the oldest. */
static bool evict(struct ks_assembler *assembler, const size_t amount[KS_GIVERS_MAX + 1])
{
	unsigned giver = greediest(amount);
	struct ks_assembly *victim = NULL;
	bool victim_alone = false;

	for (size_t i = 0; i < assembler->n_used; i++) {
		struct ks_assembly *a = assembler->used[i];
		bool alone = (a->givers & ~ks_giver_bit(giver)) == 0;

		if (a->begun_by != giver || a == assembler->pinned)
			continue;
		if (victim == NULL || alone > victim_alone || (alone == victim_alone && a->order < victim->order)) {
			victim = a;
			victim_alone = alone;
		}
	}
	if (victim == NULL)
		return false;
	ks_assembly_abandon(assembler, victim);
	return true;
}

static bool get_room(struct ks_assembler *assembler, size_t need, struct ks_assembly *assembly)
{
	size_t len = (need + ROOM_UNIT - 1) / ROOM_UNIT * ROOM_UNIT;

	while (!take_spare(assembler, need, assembly)) {
		if (assembler->bytes + len <= KS_ASSEMBLY_BYTES_MAX) {
			assembly->room = malloc(len);
			if (assembly->room == NULL)
				return false;
			assembly->room_len = len;
			assembler->bytes += len;
			return true;
		}
		if (assembler->n_spares > 0)
			drop_spare(assembler, 0);
		else if (!evict(assembler, assembler->begun_bytes))
			return false;
	}
	return true;
}

void ks_assembly_hand_over(struct ks_assembler *assembler, struct ks_assembly *assembly, unsigned giver)
{
	assembler->begun[assembly->begun_by]--;
	assembler->begun_bytes[assembly->begun_by] -= assembly->room_len;
	assembler->begun[giver]++;
	assembler->begun_bytes[giver] += assembly->room_len;
	assembly->begun_by = (uint8_t)giver;
}

/* Of the objects of a track that a giver has begun, the oldest gives way to a newer one. What others have a part in
 * becomes theirs instead. */
static bool make_way(struct ks_assembler *assembler, struct ks_track *track, unsigned giver, struct ks_frame_id id)
{
	struct ks_assembly *oldest = NULL;
	size_t n = 0;

	for (struct ks_assembly *a = track->assemblies; a != NULL; a = a->next) {
		if (a->begun_by != giver || a == assembler->pinned)
			continue;
		n++;
		if (oldest == NULL || ks_frame_id_cmp(ks_assembly_id(a), ks_assembly_id(oldest)) < 0)
			oldest = a;
	}
	if (n < KS_TRACK_ASSEMBLIES_MAX)
		return true;
	if (ks_frame_id_cmp(id, ks_assembly_id(oldest)) < 0)
		return false;
	for (unsigned other = 0; other < KS_GIVERS_MAX; other++) {
		if (other == giver || (oldest->givers & ks_giver_bit(other)) == 0)
			continue;
		ks_assembly_hand_over(assembler, oldest, other);
		return true;
	}
	ks_assembly_abandon(assembler, oldest);
	return true;
}

/* --- places ------------------------------------------------------------------------------------- */

struct ks_assembly *ks_assembly_begin(struct ks_assembler *assembler, struct ks_track *track, unsigned giver,
				      const struct ks_data_header *header, const struct ks_layout *layout)
{
	struct ks_assembly *assembly;

	if (!make_way(assembler, track, giver, (struct ks_frame_id){ header->epoch, header->seq }))
		return NULL;
	if (assembler->free == NULL && !evict(assembler, assembler->begun))
		return NULL;
	assembly = assembler->free;
	assembler->free = assembly->next;
	*assembly = (struct ks_assembly){
		.track = track, .header = *header, .layout = *layout, .missing = layout->shards,
		.begun_by = (uint8_t)giver, .order = assembler->clock++,
		.ask_us = INT64_MAX, .asked = KS_GIVERS_MAX - 1,
	};
	if (!get_room(assembler, ks_room_size(layout), assembly)) {
		assembly->next = assembler->free;
		assembler->free = assembly;
		return NULL;
	}
	memset(ks_room_numbers(assembly), 0, ks_room_size(layout) - layout->shards * layout->shard_len);
	assembler->begun[giver]++;
	assembler->begun_bytes[giver] += assembly->room_len;
	assembly->place = assembler->n_used;
	assembler->used[assembler->n_used++] = assembly;
	assembly->next = track->assemblies;
	track->assemblies = assembly;
	return assembly;
}

void ks_assembly_release(struct ks_assembler *assembler, struct ks_assembly *assembly)
{
	struct ks_assembly **link = &assembly->track->assemblies;
	struct ks_assembly *last = assembler->used[--assembler->n_used];

	while (*link != assembly)
		link = &(*link)->next;
	*link = assembly->next;
	assembler->used[assembly->place] = last;
	last->place = assembly->place;
	assembler->begun[assembly->begun_by]--;
	assembler->begun_bytes[assembly->begun_by] -= assembly->room_len;
	keep_room(assembler, assembly);
	assembly->next = assembler->free;
	assembler->free = assembly;
}

void ks_assembly_abandon(struct ks_assembler *assembler, struct ks_assembly *assembly)
{
	assembler->counts.abandoned++;
	ks_assembly_release(assembler, assembly);
}
