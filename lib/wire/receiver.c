/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/receiver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "lib/base/error.h"
#include "lib/wire/receiver_private.h"

int ks_receiver_new(struct ks_receiver **out, const struct ks_receiver_settings *settings,
		    const uint8_t instance[KS_INSTANCE_SIZE], const struct ks_receiver_ops *ops)
{
	struct ks_receiver *receiver;
	int err;

	if (sodium_init() < 0)
		return -ENOSYS;
	receiver = calloc(1, sizeof(*receiver));
	if (receiver == NULL)
		return -ENOMEM;
	receiver->settings = *settings;
	receiver->ops = *ops;
	receiver->due_us = receiver->nack_us = KS_NEVER;
	memcpy(receiver->instance, instance, KS_INSTANCE_SIZE);
	err = ks_fec_new(&receiver->fec, ks_fec_best());
	if (err == KS_EOK)
		err = ks_assembler_new(&receiver->assembler, receiver->fec);
	if (err != KS_EOK) {
		ks_receiver_free(receiver);
		return err;
	}
	*out = receiver;
	return KS_EOK;
}

void ks_receiver_free(struct ks_receiver *receiver)
{
	if (receiver == NULL)
		return;
	ks_assembler_free(receiver->assembler);
	ks_fec_free(receiver->fec);
	sodium_memzero(receiver, sizeof(*receiver));
	free(receiver);
}

static bool same_wish(const struct ks_receiver_settings *a, const struct ks_receiver_settings *b)
{
	const struct ks_filter *f = &a->filter, *g = &b->filter;

	if (a->datagram != b->datagram || a->nack != b->nack || f->n_channels != g->n_channels ||
	    f->n_renditions != g->n_renditions)
		return false;
	for (size_t i = 0; i < f->n_channels; i++)
		if (strcmp(f->channels[i], g->channels[i]) != 0)
			return false;
	for (size_t i = 0; i < f->n_renditions; i++)
		if (strcmp(f->renditions[i], g->renditions[i]) != 0)
			return false;
	return true;
}

int ks_receiver_set(struct ks_receiver *receiver, const struct ks_receiver_settings *settings)
{
	if (settings->datagram < KS_DATAGRAM_MIN || settings->datagram > KS_DATAGRAM_MAX ||
	    settings->filter.n_channels > KS_FILTER_CHANNELS_MAX || settings->filter.n_renditions > KS_FILTER_RENDITIONS_MAX)
		return KS_ELIMIT;
	if (same_wish(&receiver->settings, settings))
		return KS_EOK;
	receiver->settings = *settings;
	receiver->wish++;
	ks_receiver_wake(receiver, ks_mono_us(receiver->ops.clock));
	return KS_EOK;
}

int ks_receiver_set_keys(struct ks_receiver *receiver, const struct ks_psk *keys, size_t n_keys)
{
	if (n_keys > KS_PSK_MAX)
		return KS_ELIMIT;
	ks_keyring_set(&receiver->ring, keys, n_keys);
	for (size_t i = 0; i < KS_INTAKES_MAX; i++) {
		struct ks_intake *intake = &receiver->intakes[i];
		const struct ks_parent *parent = intake->parent;

		if (intake->state == KS_INTAKE_FREE || ks_keyring_has(&receiver->ring, &intake->key.psk) ||
		    (parent != NULL && parent->told && parent->withdrawn_us != KS_NEVER) ||
		    (parent != NULL && parent->told && ks_keyring_has(&parent->ring, &intake->key.psk)))
			continue;
		ks_intake_bye(receiver, intake, KS_BYE_STOP);
		ks_intake_close(receiver, intake);
	}
	ks_receiver_wake(receiver, ks_mono_us(receiver->ops.clock));
	return KS_EOK;
}

/* --- objects -------------------------------------------------------------------------------------- */

/* A picture that somebody signed, under the name of another one, would keep those that really follow from being taken.
 * What cannot be read is left to who verifies it. */
static bool is_as_named(const struct ks_data_header *header, const uint8_t *bytes, size_t len)
{
	struct ks_manifest m;

	if (ks_manifest_decode(bytes, len, &m) != KS_EOK)
		return true;
	return ks_track_of(m.channel, m.rendition) == header->track && m.source == header->source &&
	       m.id.epoch == header->epoch && m.id.seq == header->seq;
}

static void blame(struct ks_receiver *receiver, struct ks_assembly *assembly, int64_t now_us)
{
	const struct ks_data_header header = assembly->header;
	unsigned giver = ks_assembler_refuse(receiver->assembler, assembly, now_us + KS_APART_US,
					     now_us + KS_DISTRUST_US);

	ks_nack_again(receiver, &header, now_us);
	if (giver < KS_PARENTS_MAX)
		ks_parent_blame(&receiver->parents[giver], &header, now_us);
	else if (giver == KS_GIVERS_SEVERAL && ks_log_gate(&receiver->refuse_gate, now_us, NULL))
		ks_warn("wire", "what several parents sent of one frame of source %u is not what a trusted source has "
				"signed; for %lld s what each sends of it is kept apart, to see which one it is",
			header.source, (long long)(KS_APART_US / KS_US_PER_S));
}

static void credit(struct ks_receiver *receiver, struct ks_assembly *assembly, int64_t now_us)
{
	uint16_t givers = assembly->givers;
	uint32_t lost;

	for (unsigned i = 0; i < KS_PARENTS_MAX; i++)
		if (now_us < assembly->end_us[i])
			ks_nack_stop(receiver, &receiver->parents[i], &assembly->header, now_us);
	lost = ks_assembler_accept(receiver->assembler, assembly);
	for (unsigned i = 0; i < KS_PARENTS_MAX; i++)
		if ((givers & 1u << i) != 0) {
			receiver->parents[i].delivered++;
			receiver->parents[i].lost += lost;
		}
	receiver->delivered_us = now_us;
	ks_count(&receiver->delivered);
}

static void finish(struct ks_receiver *receiver, struct ks_assembly *assembly, int64_t now_us)
{
	const uint8_t *bytes = ks_assembler_decode(receiver->assembler, assembly);
	const struct ks_data_header *header = &assembly->header;

	if (is_as_named(header, bytes, header->object_len) &&
	    receiver->ops.deliver(receiver->ops.ctx, bytes, header->object_len, header->hops))
		credit(receiver, assembly, now_us);
	else
		blame(receiver, assembly, now_us);
}

static enum ks_drop take_data(struct ks_receiver *receiver, struct ks_parent *parent, const uint8_t *plain, size_t len,
			      int64_t now_us)
{
	struct ks_assembly *assembly;
	struct ks_data_header header;
	bool first;
	enum ks_drop drop = ks_data_header_read(plain, len, &header);

	if (drop != KS_DROP_NONE)
		return KS_DROP_MALFORMED;
	drop = ks_assembler_add(receiver->assembler, ks_parent_number(receiver, parent), &header,
				plain + KS_DATA_HEADER_SIZE, len - KS_DATA_HEADER_SIZE, now_us, &assembly, &first);
	if (assembly == NULL) {
		if (drop == KS_DROP_SURPLUS || drop == KS_DROP_LATE || drop == KS_DROP_DISTRUST)
			ks_nack_stop(receiver, parent, &header, now_us);
		return drop;
	}
	if (first)
		ks_nack_begun(receiver, parent, assembly, now_us);
	if (assembly->missing == 0)
		finish(receiver, assembly, now_us);
	return drop;
}

/* --- input ---------------------------------------------------------------------------------------- */

static enum ks_drop open_sealed(struct ks_receiver *receiver, struct ks_intake *intake, const struct ks_header *header,
				const uint8_t *bytes, size_t len, uint8_t *plain, int64_t now_us)
{
	enum ks_drop drop = ks_unseal(intake->keys.down, bytes, header->counter, bytes + KS_HEADER_SIZE,
				      len - KS_HEADER_SIZE, plain);

	if (drop != KS_DROP_NONE)
		return drop;
	drop = ks_replay_take(&intake->replay, header->counter);
	intake->replayed += drop == KS_DROP_REPLAY;
	if (drop == KS_DROP_NONE && intake->state == KS_INTAKE_ACCEPTED)
		drop = ks_intake_promote(receiver, intake, now_us);
	return drop;
}

static enum ks_drop take_sealed(struct ks_receiver *receiver, const struct ks_endpoint *from,
				const struct ks_header *header, const uint8_t *bytes, size_t len, int64_t now_us)
{
	struct ks_intake *intake = (header->flags & KS_FLAG_BLIND) != 0
		? ks_blind_find(receiver, header->session, header->key_id) : ks_intake_find(receiver, header->session);
	size_t body_len = len - KS_HEADER_SIZE - KS_TAG_SIZE;
	uint8_t plain[KS_DATAGRAM_MAX];
	enum ks_drop drop;

	if (intake == NULL || intake->state < KS_INTAKE_ACCEPTED || intake->key.psk.id != header->key_id)
		return KS_DROP_SESSION;
	drop = open_sealed(receiver, intake, header, bytes, len, plain, now_us);
	if (drop != KS_DROP_NONE)
		return drop;
	intake->received++;
	intake->heard_us = now_us;
	intake->longest = len > intake->longest ? (uint16_t)len : intake->longest;
	ks_count(&intake->parent->datagrams);
	ks_count_add(&intake->parent->bytes, len);
	/* The newest datagram tells where the parent is now, behind whatever translates its address. */
	if (header->counter + UINT64_C(1) == intake->replay.next)
		ks_intake_heard(intake, from, len);
	if (header->type == KS_DATA)
		return take_data(receiver, intake->parent, plain, body_len, now_us);
	if (header->type == KS_ALIVE)
		return ks_nack_alive(receiver, intake, plain, body_len, now_us);
	ks_parent_ended(receiver, intake, plain, body_len, now_us);
	return KS_DROP_NONE;
}

static enum ks_drop input(struct ks_receiver *receiver, const struct ks_endpoint *from, const uint8_t *bytes,
			  size_t len, int64_t now_us)
{
	struct ks_header header;
	enum ks_drop drop = ks_header_read(bytes, len, &header);

	if (drop != KS_DROP_NONE)
		return drop;
	switch (header.type) {
	case KS_OFFER:
		return ks_setup_offer(receiver, from, &header, bytes, len, now_us);
	case KS_CHALLENGE:
		return ks_setup_challenge(receiver, from, &header, bytes, len, now_us);
	case KS_ACCEPT:
		return ks_setup_accept(receiver, from, &header, bytes, len, now_us);
	case KS_BLIND:
		return ks_blind_input(receiver, &header, bytes, len, now_us);
	case KS_DATA:
	case KS_ALIVE:
	case KS_END:
		return take_sealed(receiver, from, &header, bytes, len, now_us);
	default:
		return KS_DROP_TYPE;
	}
}

static const char *advice(enum ks_drop drop)
{
	switch (drop) {
	case KS_DROP_KEY:
	case KS_DROP_TAG:
		return "; if a parent of yours gets no session, compare the relay keys of both";
	case KS_DROP_VERSION:
		return "; if it is from a parent of yours, install the same version on both";
	case KS_DROP_CLOCK:
		return "; set the clocks of this relay and of the parents that send without a way back";
	default:
		return "";
	}
}

void ks_receiver_input(struct ks_receiver *receiver, const struct ks_endpoint *from, const uint8_t *bytes, size_t len)
{
	int64_t now_us = ks_mono_us(receiver->ops.clock);
	enum ks_drop drop;

	if (receiver->stopped)
		return;
	drop = input(receiver, from, bytes, len, now_us);
	ks_count(&receiver->datagrams);
	ks_count_add(&receiver->bytes, len);
	if (drop == KS_DROP_NONE)
		return;
	ks_count(&receiver->drops[drop]);
	/* After a datagram's session ended there is always one more; these are normal life too. */
	if (drop >= KS_DROP_DISTRUST || drop == KS_DROP_REPLAY || drop == KS_DROP_SESSION)
		return;
	if (ks_log_gate(&receiver->drop_gate, now_us, NULL))
		ks_info("wire", "dropped a datagram: %s (koshien_wire_drops_total counts them)%s", ks_drop_names[drop],
			advice(drop));
}

/* --- what is due ---------------------------------------------------------------------------------- */

int64_t ks_receiver_tick(struct ks_receiver *receiver)
{
	int64_t now_us = ks_mono_us(receiver->ops.clock), due_us = KS_NEVER, at_us;

	if (receiver->stopped)
		return KS_NEVER;
	if (now_us < receiver->due_us)
		return receiver->due_us;
	receiver->due_us = KS_NEVER;
	for (size_t i = 0; i < KS_PARENTS_MAX; i++) {
		at_us = ks_parent_tick(receiver, &receiver->parents[i], now_us);
		due_us = at_us < due_us ? at_us : due_us;
	}
	at_us = ks_intakes_tick(receiver, now_us);
	due_us = at_us < due_us ? at_us : due_us;
	at_us = receiver->nack_us <= now_us ? ks_nack_tick(receiver, now_us) : receiver->nack_us;
	due_us = at_us < due_us ? at_us : due_us;
	ks_receiver_wake(receiver, due_us);
	return receiver->due_us;
}

void ks_receiver_pardon(struct ks_receiver *receiver)
{
	ks_assembler_pardon(receiver->assembler);
}

void ks_receiver_head(struct ks_receiver *receiver, const uint8_t manifest[KS_HEAD_BODY])
{
	for (size_t i = 0; i < KS_PARENTS_MAX; i++) {
		struct ks_parent *parent = &receiver->parents[i];

		if (parent->used && parent->live != NULL)
			ks_intake_send(receiver, parent->live, KS_HEAD, manifest, KS_HEAD_BODY);
	}
}

void ks_receiver_stop(struct ks_receiver *receiver)
{
	for (size_t i = 0; i < KS_INTAKES_MAX; i++)
		if (receiver->intakes[i].state == KS_INTAKE_ACCEPTED || receiver->intakes[i].state == KS_INTAKE_LIVE)
			ks_intake_bye(receiver, &receiver->intakes[i], KS_BYE_STOP);
	receiver->stopped = true;
}

int64_t ks_receiver_delivered_us(const struct ks_receiver *receiver)
{
	return receiver->delivered_us;
}

uint64_t ks_receiver_dropped(const struct ks_receiver *receiver, enum ks_drop reason)
{
	return ks_counted(&receiver->drops[reason]);
}

uint64_t ks_receiver_delivered(const struct ks_receiver *receiver)
{
	return ks_counted(&receiver->delivered);
}

size_t ks_receiver_memory(const struct ks_receiver *receiver)
{
	return sizeof(*receiver) + ks_assembler_memory(receiver->assembler);
}
