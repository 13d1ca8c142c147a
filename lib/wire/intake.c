/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions with parents: the relay's end.
 */
#include "lib/wire/receiver_private.h"

#include <string.h>

#include <sodium.h>

#define OFFERED_US (5 * KS_US_PER_S)	/* an offer that was answered leads to a session by then, or not at all */
#define REKEY_JITTER_PERCENT 10		/* relays that began together do not all renew at once */

_Static_assert(KS_PSK_MAX * KS_OFFERED_MAX + KS_BLINDS_MAX + 3 * KS_PARENTS_MAX <= KS_INTAKES_MAX,
	       "a free place can be found");

struct ks_intake *ks_intake_find(struct ks_receiver *receiver, uint32_t index)
{
	struct ks_intake *intake = &receiver->intakes[index % KS_INTAKES_MAX];

	return intake->state != KS_INTAKE_FREE && !intake->blind && intake->ours == index ? intake : NULL;
}

struct ks_intake *ks_intake_open(struct ks_receiver *receiver, struct ks_parent *parent, int64_t now_us)
{
	size_t place = 0;
	uint32_t random;

	while (place < KS_INTAKES_MAX && receiver->intakes[place].state != KS_INTAKE_FREE)
		place++;
	if (place == KS_INTAKES_MAX)
		return NULL;
	receiver->ops.random(receiver->ops.ctx, &random, sizeof(random));
	receiver->intakes[place] = (struct ks_intake){
		.state = KS_INTAKE_ASKED, .ours = random << KS_INTAKE_PLACE_BITS | (uint32_t)place, .parent = parent,
		.since_us = now_us, .renew_us = KS_NEVER, .wish = receiver->wish,
	};
	receiver->ops.random(receiver->ops.ctx, receiver->intakes[place].nonce, KS_SESSION_NONCE_SIZE);
	receiver->n_waiting += parent == NULL;
	return &receiver->intakes[place];
}

void ks_intake_close(struct ks_receiver *receiver, struct ks_intake *intake)
{
	if (intake == NULL || intake->state == KS_INTAKE_FREE)
		return;
	for (size_t i = 0; i < receiver->n_blinds; i++)
		if (receiver->blinds[i] == intake)
			receiver->blinds[i] = receiver->blinds[--receiver->n_blinds];
	if (intake->parent == NULL) {
		receiver->n_waiting--;
	} else {
		struct ks_parent *parent = intake->parent;

		parent->live = parent->live == intake ? NULL : parent->live;
		parent->fading = parent->fading == intake ? NULL : parent->fading;
		parent->next = parent->next == intake ? NULL : parent->next;
	}
	sodium_memzero(intake, sizeof(*intake));
}

void ks_intake_heard(struct ks_intake *intake, const struct ks_endpoint *from, size_t len)
{
	if (!ks_endpoint_same_peer(&intake->endpoint, from))
		intake->credit = 0;
	intake->endpoint = *from;
	intake->credit += len;
}

const struct ks_endpoint *ks_intake_pay(struct ks_intake *intake, size_t len)
{
	const struct ks_parent *parent = intake->parent;
	const struct ks_endpoint *told = NULL;
	struct ks_intake *payer = intake;

	if (parent != NULL && parent->told && parent->where.len > 0)
		told = &parent->where;
	if (told != NULL && ks_endpoint_same_peer(told, &intake->endpoint))
		return &intake->endpoint;
	/* A session that is to replace the live one is set up at its cost. */
	if (payer->credit < len && parent != NULL && parent->live != NULL &&
	    ks_endpoint_same_peer(&parent->live->endpoint, &intake->endpoint))
		payer = parent->live;
	if (payer->credit < len)
		return told;
	payer->credit -= len;
	return &intake->endpoint;
}

bool ks_intake_send(struct ks_receiver *receiver, struct ks_intake *intake, enum ks_datagram_type type,
		    const uint8_t *body, size_t len)
{
	const struct ks_header header = { (uint8_t)type, 0, intake->key.psk.id, intake->theirs, intake->counter };
	const struct ks_endpoint *to;
	uint8_t datagram[KS_DATAGRAM_MAX];

	if (intake->blind || intake->counter == UINT32_MAX || receiver->stopped)
		return false;
	to = ks_intake_pay(intake, KS_HEADER_SIZE + len + KS_TAG_SIZE);
	if (to == NULL)
		return false;
	intake->counter++;
	len = ks_session_write(&header, intake->keys.up, body, len, datagram);
	receiver->ops.send(receiver->ops.ctx, to, datagram, len);
	return true;
}

void ks_intake_renew(struct ks_receiver *receiver, struct ks_intake *intake, int64_t now_us)
{
	const struct ks_parent *parent = intake->parent;
	int64_t rtt_us = parent != NULL && parent->rtt_us != 0 ? parent->rtt_us : intake->rtt_us;
	int64_t rtt_ms = (rtt_us + KS_US_PER_MS - 1) / KS_US_PER_MS;
	const struct ks_renew renew = {
		.received = intake->received,
		.replayed = intake->replayed,
		.expected = (uint32_t)(intake->replay.next < UINT32_MAX ? intake->replay.next : UINT32_MAX),
		.delivered = parent != NULL ? parent->delivered : 0,
		.lost = parent != NULL ? parent->lost : 0,
		.longest = intake->longest,
		.rtt_ms = (uint16_t)(rtt_ms < UINT16_MAX ? rtt_ms : UINT16_MAX),
	};
	uint8_t body[KS_RENEW_BODY];

	ks_renew_write(&renew, body);
	ks_intake_send(receiver, intake, KS_RENEW, body, sizeof(body));
	intake->renew_us = now_us + (intake->state == KS_INTAKE_LIVE ? KS_RENEW_US : KS_CONFIRM_US);
	ks_receiver_wake(receiver, intake->renew_us);
}

void ks_intake_bye(struct ks_receiver *receiver, struct ks_intake *intake, enum ks_bye_reason reason)
{
	uint8_t body[KS_BYE_BODY] = { (uint8_t)reason };

	if (intake != NULL && intake->state >= KS_INTAKE_ACCEPTED)
		ks_intake_send(receiver, intake, KS_BYE, body, sizeof(body));
}

/* Another parent, not told of, that turns out to be the same program: it comes under this one. */
static void unite(struct ks_receiver *receiver, struct ks_parent *parent, const struct ks_intake *intake)
{
	for (size_t i = 0; i < KS_PARENTS_MAX; i++) {
		struct ks_parent *other = &receiver->parents[i];

		if (other == parent || !other->used || other->told || other->blind || other->live == NULL ||
		    memcmp(other->instance, intake->instance, KS_INSTANCE_SIZE) != 0 ||
		    !ks_psk_equal(&other->live->key.psk, &intake->key.psk))
			continue;
		parent->delivered += other->delivered;
		parent->lost += other->lost;
		ks_parent_close(receiver, other);
	}
}

static struct ks_parent *parent_of(struct ks_receiver *receiver, struct ks_intake *intake, int64_t now_us)
{
	struct ks_parent *parent = ks_parent_find(receiver, intake->instance, &intake->key.psk, intake->blind);

	if (parent == NULL)
		parent = ks_parent_open(receiver, now_us);
	if (parent == NULL)
		return NULL;
	parent->blind = intake->blind;
	intake->parent = parent;
	receiver->n_waiting--;
	return parent;
}

static void set_rekey(struct ks_receiver *receiver, struct ks_parent *parent, int64_t now_us)
{
	uint32_t random;

	receiver->ops.random(receiver->ops.ctx, &random, sizeof(random));
	parent->rekey_us = now_us + KS_SESSION_US - random % (KS_SESSION_US / 100 * REKEY_JITTER_PERCENT);
}

/* The first authentic datagram of a session shows that the parent is there and has its keys: it replaces the one
 * before. Nobody who only repeats what he has recorded gets here. */
enum ks_drop ks_intake_promote(struct ks_receiver *receiver, struct ks_intake *intake, int64_t now_us)
{
	struct ks_parent *parent = intake->parent != NULL ? intake->parent : parent_of(receiver, intake, now_us);

	if (parent == NULL) {
		ks_intake_close(receiver, intake);
		return KS_DROP_LIMIT;
	}
	if (parent->next != intake)
		ks_intake_close(receiver, parent->next);
	parent->next = NULL;
	if (!intake->blind)
		unite(receiver, parent, intake);
	ks_intake_close(receiver, parent->fading);
	parent->fading = parent->live;
	if (parent->fading != NULL) {
		parent->fading->state = KS_INTAKE_FADING;
		parent->fading->since_us = now_us;
	}
	if (intake->tries == 1 && !intake->blind && (intake->rtt_us == 0 || now_us - intake->sent_us < intake->rtt_us))
		intake->rtt_us = now_us - intake->sent_us;
	intake->state = KS_INTAKE_LIVE;
	intake->since_us = intake->heard_us = now_us;
	intake->renew_us = intake->blind ? KS_NEVER : now_us + KS_RENEW_US;
	parent->live = intake;
	parent->from_top = intake->from_top;
	parent->rtt_us = intake->rtt_us != 0 ? intake->rtt_us : parent->rtt_us;
	parent->withdrawn_us = KS_NEVER;
	memcpy(parent->instance, intake->instance, KS_INSTANCE_SIZE);
	set_rekey(receiver, parent, now_us);
	ks_parent_back(receiver, parent, now_us);
	ks_count(&parent->sessions);
	ks_receiver_wake(receiver, now_us);
	return KS_DROP_NONE;
}

static int64_t tick_waiting(struct ks_receiver *receiver, struct ks_intake *intake, int64_t now_us)
{
	int64_t end_us = intake->since_us + (intake->blind ? KS_IDLE_US : OFFERED_US);

	if (now_us >= end_us || (intake->state == KS_INTAKE_ACCEPTED && intake->tries >= KS_CONFIRM_TRIES)) {
		ks_intake_close(receiver, intake);
		return KS_NEVER;
	}
	if (intake->state == KS_INTAKE_ACCEPTED && !intake->blind && now_us >= intake->renew_us) {
		intake->tries++;
		ks_intake_renew(receiver, intake, now_us);
	}
	return intake->state == KS_INTAKE_ACCEPTED && intake->renew_us < end_us ? intake->renew_us : end_us;
}

int64_t ks_intakes_tick(struct ks_receiver *receiver, int64_t now_us)
{
	int64_t due_us = KS_NEVER;

	for (size_t i = 0; i < KS_INTAKES_MAX && receiver->n_waiting > 0; i++) {
		struct ks_intake *intake = &receiver->intakes[i];

		if (intake->state != KS_INTAKE_FREE && intake->parent == NULL) {
			int64_t at_us = tick_waiting(receiver, intake, now_us);

			due_us = at_us < due_us ? at_us : due_us;
		}
	}
	return due_us;
}
