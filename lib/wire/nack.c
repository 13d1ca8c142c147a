/* SPDX-License-Identifier: Apache-2.0
 *
 * What to ask for and when: what is missing of objects, from one parent at a time; and that what is complete need not
 * be sent on.
 */
#include "lib/wire/receiver_private.h"

#define RTT_DEFAULT_US (100 * KS_US_PER_MS)	/* until it was measured */
#define DEAD_US (100 * KS_US_PER_MS)		/* a path may be, for this long; longer rounds outlast it anyway */
#define NOBODY_US (100 * KS_US_PER_MS)		/* before it is tried again to find somebody to ask */

static bool has_way_back(const struct ks_parent *parent)
{
	return parent->used && parent->live != NULL && !parent->live->blind;
}

static bool is_able(const struct ks_parent *parent)
{
	return has_way_back(parent) && parent->live->nack;
}

/* Whether to take a parent at its word when an object's header says that more of it can be asked for. It does while a
 * session in which we may ask is only just being replaced, and where the parent's settings have changed meanwhile. */
static bool may_ask(const struct ks_receiver *receiver, const struct ks_parent *parent)
{
	return has_way_back(parent) && (receiver->settings.nack || parent->live->nack ||
					(parent->fading != NULL && parent->fading->nack));
}

static bool is_promised(const struct ks_receiver *receiver, const struct ks_assembly *assembly, unsigned number)
{
	return may_ask(receiver, &receiver->parents[number]) && (assembly->known_to & 1u << number) != 0 &&
	       assembly->end_us[number] != KS_NEVER;
}

static int64_t round_us(const struct ks_parent *parent)
{
	return (parent->rtt_us != 0 ? parent->rtt_us : RTT_DEFAULT_US) + KS_NACK_WAIT_US;
}

static void set_ask(struct ks_receiver *receiver, struct ks_assembly *assembly, int64_t at_us)
{
	assembly->ask_us = at_us;
	if (at_us < receiver->nack_us)
		receiver->nack_us = at_us;
	ks_receiver_wake(receiver, at_us);
}

/* A parent that begins with the next object of a track has sent all of those before. */
static void hurry_older(struct ks_receiver *receiver, unsigned number, const struct ks_assembly *newer, int64_t now_us)
{
	const struct ks_frame_id id = { newer->header.epoch, newer->header.seq };

	for (struct ks_assembly *a = ks_assembly_siblings(newer); a != NULL; a = a->next)
		if ((a->known_to & 1u << number) != 0 && a->rounds == 0 && a->ask_us != KS_NEVER &&
		    now_us < a->ask_us &&
		    ks_frame_id_cmp((struct ks_frame_id){ a->header.epoch, a->header.seq }, id) < 0)
			set_ask(receiver, a, now_us);
}

void ks_nack_begun(struct ks_receiver *receiver, struct ks_parent *parent, struct ks_assembly *assembly,
		   int64_t now_us)
{
	unsigned number = ks_parent_number(receiver, parent);

	if (!is_promised(receiver, assembly, number))
		return;
	parent->live->nack |= receiver->settings.nack;
	if (assembly->rounds == 0 && assembly->ask_us == KS_NEVER)
		set_ask(receiver, assembly, assembly->end_us[number] + KS_NACK_WAIT_US);
	hurry_older(receiver, number, assembly, now_us);
}

void ks_nack_again(struct ks_receiver *receiver, const struct ks_data_header *refused, int64_t now_us)
{
	for (size_t i = 0; i < ks_assembler_used(receiver->assembler); i++) {
		struct ks_assembly *a = ks_assembler_at(receiver->assembler, i);
		int64_t end_us = KS_NEVER;

		if (a->header.track != refused->track || a->header.source != refused->source || a->rounds > 0)
			continue;
		for (unsigned number = 0; number < KS_PARENTS_MAX; number++)
			if (a->end_us[number] != 0 && a->end_us[number] < end_us &&
			    ks_assembly_takes(a, number, now_us) &&
			    may_ask(receiver, &receiver->parents[number]))
				end_us = a->end_us[number];
		if (end_us != KS_NEVER)
			set_ask(receiver, a, (end_us > now_us ? end_us : now_us) + KS_NACK_WAIT_US);
	}
}

static void take_name(struct ks_receiver *receiver, const struct ks_intake *intake, const struct ks_data_header *header,
		      size_t shard_len, int64_t now_us)
{
	/* What it has just begun to send in a new session it may name at once. */
	int64_t first_us = intake->since_us + header->spread * KS_SPREAD_UNIT_US + KS_NACK_WAIT_US;
	unsigned number = ks_parent_number(receiver, intake->parent);
	struct ks_assembly *assembly;

	if (ks_assembler_name(receiver->assembler, number, header, shard_len, now_us, &assembly) != KS_DROP_NONE)
		return;
	if (now_us < first_us) {
		if (assembly->ask_us == KS_NEVER && assembly->rounds == 0)
			set_ask(receiver, assembly, first_us);
	} else if (assembly->rounds == 0) {
		set_ask(receiver, assembly, now_us);
	} else if (assembly->ask_us == KS_NEVER) {
		assembly->rounds = KS_NACK_ROUNDS_MAX - 1;
		set_ask(receiver, assembly, now_us);
	}
}

enum ks_drop ks_nack_alive(struct ks_receiver *receiver, struct ks_intake *intake, const uint8_t *body, size_t len,
			   int64_t now_us)
{
	struct ks_alive alive;
	enum ks_drop drop = ks_alive_read(body, len, &alive);

	if (drop != KS_DROP_NONE)
		return KS_DROP_MALFORMED;
	if (!may_ask(receiver, intake->parent) || intake != intake->parent->live)
		return KS_DROP_NONE;
	for (size_t i = 0; i < alive.n; i++)
		if (alive.objects[i].header.spread < KS_SPREAD_UNITS_MAX)
			take_name(receiver, intake, &alive.objects[i].header, alive.objects[i].shard_len, now_us);
	return KS_DROP_NONE;
}

static void send_nack(struct ks_receiver *receiver, struct ks_parent *parent, const struct ks_nack *nack)
{
	uint8_t body[KS_NACK_BODY_MAX];

	ks_intake_send(receiver, parent->live, KS_NACK, body, ks_nack_write(nack, body));
}

void ks_nack_stop(struct ks_receiver *receiver, struct ks_parent *parent, const struct ks_data_header *header,
		  int64_t now_us)
{
	const struct ks_nack nack = { .track = header->track, .epoch = header->epoch, .seq = header->seq,
				      .source = header->source };

	if (!is_able(parent) ||
	    !ks_assembler_may_stop(receiver->assembler, header->track, header->source,
				   ks_parent_number(receiver, parent), now_us, round_us(parent)))
		return;
	ks_count(&parent->stops);
	send_nack(receiver, parent, &nack);
}

/* --- rounds of asking ----------------------------------------------------------------------------- */

/* The next one after the one asked last: first among those that have sent all they meant to, then among those that have
 * the object, then, as whoever gave it may have gone, among all. */
static struct ks_parent *choose(struct ks_receiver *receiver, const struct ks_assembly *assembly, int64_t now_us)
{
	struct ks_parent *choice[3] = { NULL };

	for (unsigned i = 1; i <= KS_PARENTS_MAX; i++) {
		unsigned number = (assembly->asked + i) % KS_PARENTS_MAX;
		struct ks_parent *parent = &receiver->parents[number];
		size_t rank = (assembly->known_to & 1u << number) == 0 ? 2 : assembly->end_us[number] > now_us;

		if (!(is_able(parent) || is_promised(receiver, assembly, number)) ||
		    now_us - parent->live->heard_us >= KS_QUIET_US || !ks_assembly_takes(assembly, number, now_us))
			continue;
		if (choice[rank] == NULL)
			choice[rank] = parent;
	}
	return choice[0] != NULL ? choice[0] : choice[1] != NULL ? choice[1] : choice[2];
}

static void ask(struct ks_receiver *receiver, struct ks_assembly *assembly, int64_t now_us)
{
	struct ks_parent *parent = choose(receiver, assembly, now_us);
	const struct ks_data_header *header = &assembly->header;
	struct ks_nack nack = { .track = header->track, .epoch = header->epoch, .seq = header->seq,
				.source = header->source };
	int64_t pause_us;

	if (parent == NULL) {
		assembly->ask_us = now_us + NOBODY_US;
		return;
	}
	for (size_t block = 0; block < assembly->layout.nblocks; block++) {
		size_t missing = ks_layout_k(&assembly->layout, block) - ks_assembly_here(assembly, block);

		if (missing > 0) {
			nack.blocks[nack.n].block = (uint8_t)block;
			nack.blocks[nack.n++].missing = (uint8_t)missing;
		}
	}
	/* Where nothing came of the last round the path may be dead for a moment: what is sent now is lost too. */
	pause_us = round_us(parent);
	if (assembly->rounds > 0 && assembly->missing == assembly->asked_missing && pause_us < DEAD_US)
		pause_us = 2 * pause_us < DEAD_US ? 2 * pause_us : DEAD_US;
	assembly->asked_missing = assembly->missing;
	assembly->asked = (uint8_t)ks_parent_number(receiver, parent);
	assembly->rounds++;
	assembly->ask_us = assembly->rounds < KS_NACK_ROUNDS_MAX ? now_us + pause_us : KS_NEVER;
	ks_count(&parent->nacks);
	send_nack(receiver, parent, &nack);
}

int64_t ks_nack_tick(struct ks_receiver *receiver, int64_t now_us)
{
	int64_t due_us = KS_NEVER;

	for (size_t i = 0; i < ks_assembler_used(receiver->assembler); i++) {
		struct ks_assembly *assembly = ks_assembler_at(receiver->assembler, i);

		if (assembly->ask_us <= now_us)
			ask(receiver, assembly, now_us);
		if (assembly->ask_us < due_us)
			due_us = assembly->ask_us;
	}
	receiver->nack_us = due_us;
	return due_us;
}
