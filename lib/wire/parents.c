/* SPDX-License-Identifier: Apache-2.0
 *
 * Those that objects come from: told of, or come by themselves.
 */
#include "lib/wire/receiver_private.h"

#include <string.h>

#include <sodium.h>

#include "lib/base/error.h"

#define UNREACHED_US (5 * KS_US_PER_S)		/* of trying, before the log says so */
#define REFUSED_US (1 * KS_US_PER_S)		/* between sessions asked for because the network refused */
#define ASKED_US (20 * KS_US_PER_S)		/* after which a SUBSCRIBE that nobody answers is made anew */

_Static_assert(KS_PARENTS_MAX == KS_GIVERS_MAX, "parents are the givers of shards");

void ks_keyring_set(struct ks_keyring *ring, const struct ks_psk *keys, size_t n)
{
	sodium_memzero(ring, sizeof(*ring));
	ring->n = n;
	for (size_t i = 0; i < n; i++) {
		ring->keys[i].psk = keys[i];
		ks_seal_setup_keys(&keys[i], &ring->keys[i].setup);
	}
}

static size_t place_in(const struct ks_keyring *ring, const struct ks_psk *psk)
{
	size_t i = 0;

	while (i < ring->n && !ks_psk_equal(&ring->keys[i].psk, psk))
		i++;
	return i;
}

bool ks_keyring_has(const struct ks_keyring *ring, const struct ks_psk *psk)
{
	return place_in(ring, psk) < ring->n;
}

static const struct ks_keyring *ring_of(const struct ks_receiver *receiver, const struct ks_parent *parent)
{
	return parent->told ? &parent->ring : &receiver->ring;
}

/* Its session is there and in use. */
static bool is_heard(const struct ks_parent *parent, int64_t now_us)
{
	return parent->used && parent->live != NULL && now_us - parent->live->heard_us < KS_QUIET_US;
}

/* The keys of one list are one parent's, before and after they are changed. */
struct ks_parent *ks_parent_find(struct ks_receiver *receiver, const uint8_t instance[KS_INSTANCE_SIZE],
				 const struct ks_psk *psk, bool blind)
{
	for (size_t i = 0; i < KS_PARENTS_MAX; i++) {
		struct ks_parent *parent = &receiver->parents[i];

		if (parent->used && parent->live != NULL && parent->blind == blind &&
		    memcmp(parent->instance, instance, KS_INSTANCE_SIZE) == 0 &&
		    (ks_psk_equal(&parent->live->key.psk, psk) || ks_keyring_has(ring_of(receiver, parent), psk)))
			return parent;
	}
	return NULL;
}

const char *ks_parent_text(const struct ks_parent *parent, char *out, size_t len)
{
	if (parent->told)
		snprintf(out, len, "%s (%s)", parent->name, parent->address);
	else
		snprintf(out, len, "%s", parent->name);
	return out;
}

bool ks_parent_side(const struct ks_receiver *receiver, const struct ks_parent *parent)
{
	size_t live[2] = { 0 }, asked[2] = { 0 };
	const size_t *n = live;

	for (size_t i = 0; i < KS_PARENTS_MAX; i++) {
		const struct ks_parent *other = &receiver->parents[i];

		if (other == parent || !other->used || other->blind)
			continue;
		if (other->live != NULL)
			live[other->from_top]++;
		else if (other->next != NULL)
			asked[other->next->from_top]++;
	}
	if (live[0] + live[1] == 0)
		n = asked;
	return n[0] != n[1] ? n[0] > n[1] : parent != NULL && parent->from_top;
}

/* --- coming and going ----------------------------------------------------------------------------- */

static void reset_parent(struct ks_parent *parent, int64_t now_us)
{
	sodium_memzero(parent, sizeof(*parent));
	parent->used = true;
	parent->ask_us = parent->rekey_us = parent->withdrawn_us = KS_NEVER;
	parent->backoff_us = KS_ASK_MIN_US;
	parent->silent_since_us = now_us;
	parent->refused_us = now_us - REFUSED_US;
}

/* How little an untold parent is worth its place: nothing while it is heard. */
static int64_t worthlessness(const struct ks_parent *parent, int64_t now_us)
{
	if (parent->told || is_heard(parent, now_us))
		return 0;
	return parent->live != NULL ? now_us - parent->live->heard_us : KS_IDLE_US;
}

struct ks_parent *ks_parent_open(struct ks_receiver *receiver, int64_t now_us)
{
	struct ks_parent *place = NULL;
	int64_t most = 0;

	for (size_t i = 0; i < KS_PARENTS_MAX; i++) {
		struct ks_parent *parent = &receiver->parents[i];
		int64_t worth = parent->used ? worthlessness(parent, now_us) : KS_NEVER;

		if (worth > most) {
			most = worth;
			place = parent;
		}
	}
	if (place == NULL)
		return NULL;
	if (place->used)
		ks_parent_close(receiver, place);
	reset_parent(place, now_us);
	snprintf(place->name, sizeof(place->name), "offered-%u", ks_parent_number(receiver, place));
	return place;
}

void ks_parent_close(struct ks_receiver *receiver, struct ks_parent *parent)
{
	ks_intake_close(receiver, parent->live);
	ks_intake_close(receiver, parent->fading);
	ks_intake_close(receiver, parent->next);
	ks_assembler_forget(receiver->assembler, ks_parent_number(receiver, parent));
	sodium_memzero(parent, sizeof(*parent));
}

/* One that offered itself is told of from now on: of these, the one heard last may have to go. */
static struct ks_parent *place_of_told(struct ks_receiver *receiver, int64_t now_us)
{
	struct ks_parent *place = ks_parent_open(receiver, now_us);

	for (size_t i = 0; i < KS_PARENTS_MAX && place == NULL; i++)
		if (!receiver->parents[i].told)
			place = &receiver->parents[i];
	if (place != NULL) {
		ks_intake_bye(receiver, place->live, KS_BYE_STOP);
		ks_parent_close(receiver, place);
		reset_parent(place, now_us);
	}
	return place;
}

int ks_receiver_add(struct ks_receiver *receiver, const struct ks_told_parent *told, size_t *number)
{
	struct ks_parent *parent;

	if (told->n_keys == 0 || told->n_keys > KS_PSK_MAX || strlen(told->name) > KS_PARENT_NAME_MAX ||
	    strlen(told->address) > KS_PARENT_ADDRESS_MAX)
		return KS_ELIMIT;
	parent = place_of_told(receiver, ks_mono_us(receiver->ops.clock));
	if (parent == NULL)
		return KS_ELIMIT;
	parent->told = true;
	snprintf(parent->name, sizeof(parent->name), "%s", told->name);
	snprintf(parent->address, sizeof(parent->address), "%s", told->address);
	ks_keyring_set(&parent->ring, told->keys, told->n_keys);
	*number = ks_parent_number(receiver, parent);
	return KS_EOK;
}

void ks_receiver_move(struct ks_receiver *receiver, size_t number, const struct ks_endpoint *to)
{
	struct ks_parent *parent = &receiver->parents[number];
	int64_t now_us = ks_mono_us(receiver->ops.clock);
	bool first = parent->where.len == 0;

	if (ks_endpoint_equal(&parent->where, to))
		return;
	parent->where = *to;
	parent->backoff_us = KS_ASK_MIN_US;
	if (first)
		parent->silent_since_us = now_us;
	if (!is_heard(parent, now_us))
		parent->ask_us = now_us;
	ks_receiver_wake(receiver, now_us);
}

int ks_receiver_set_parent_keys(struct ks_receiver *receiver, size_t number, const struct ks_psk *keys, size_t n_keys)
{
	struct ks_parent *parent = &receiver->parents[number];
	int64_t now_us = ks_mono_us(receiver->ops.clock);

	if (n_keys == 0 || n_keys > KS_PSK_MAX)
		return KS_ELIMIT;
	ks_keyring_set(&parent->ring, keys, n_keys);
	parent->key = 0;
	if (parent->next != NULL && !ks_keyring_has(&parent->ring, &parent->next->key.psk))
		ks_intake_close(receiver, parent->next);
	if (parent->live != NULL && !ks_keyring_has(&parent->ring, &parent->live->key.psk))
		parent->withdrawn_us = now_us + KS_IDLE_US;
	else
		parent->withdrawn_us = KS_NEVER;
	if (parent->next == NULL &&
	    (parent->live == NULL || !ks_psk_equal(&parent->live->key.psk, &keys[0])))
		parent->ask_us = now_us;
	parent->backoff_us = KS_ASK_MIN_US;
	ks_receiver_wake(receiver, now_us);
	return KS_EOK;
}

void ks_receiver_remove(struct ks_receiver *receiver, size_t number)
{
	struct ks_parent *parent = &receiver->parents[number];

	ks_intake_bye(receiver, parent->live, KS_BYE_STOP);
	ks_intake_bye(receiver, parent->next, KS_BYE_STOP);
	ks_parent_close(receiver, parent);
}

/* --- asking --------------------------------------------------------------------------------------- */

void ks_parent_retry(struct ks_receiver *receiver, struct ks_parent *parent, int64_t now_us)
{
	int64_t wait_us = parent->backoff_us, half_us;
	uint32_t random;

	if (parent->live != NULL && wait_us > KS_ASK_BESIDE_MAX_US)
		wait_us = KS_ASK_BESIDE_MAX_US;
	half_us = wait_us / 2;
	/* Three quarters to five quarters: relays that lost one parent together do not come back together. */
	receiver->ops.random(receiver->ops.ctx, &random, sizeof(random));
	parent->ask_us = now_us + wait_us - half_us / 2 + random % half_us;
	parent->backoff_us = 2 * parent->backoff_us < KS_ASK_MAX_US ? 2 * parent->backoff_us : KS_ASK_MAX_US;
	ks_receiver_wake(receiver, parent->ask_us);
}

static void ask(struct ks_receiver *receiver, struct ks_parent *parent, int64_t now_us)
{
	const struct ks_keyring *ring = ring_of(receiver, parent);
	const struct ks_endpoint *to = parent->where.len > 0 ? &parent->where
				       : parent->live != NULL ? &parent->live->endpoint : NULL;
	struct ks_intake *next;

	if (parent->next != NULL && now_us - parent->next->since_us >= ASKED_US)
		ks_intake_close(receiver, parent->next);
	if (to == NULL || ring->n == 0) {
		parent->ask_us = KS_NEVER;
		return;
	}
	if (parent->next == NULL) {
		parent->next = ks_intake_open(receiver, parent, now_us);
		if (parent->next == NULL) {
			ks_parent_retry(receiver, parent, now_us);
			return;
		}
		parent->next->from_top = ks_parent_side(receiver, parent);
	} else if (!parent->next->settled) {
		parent->key++;
	}
	next = parent->next;
	parent->key %= ring->n;
	if (!next->settled)
		next->key = ring->keys[parent->key];
	next->challenged = 0;
	ks_setup_ask(receiver, next, to, now_us);
	ks_parent_retry(receiver, parent, now_us);
}

void ks_parent_back(const struct ks_receiver *receiver, struct ks_parent *parent, int64_t now_us)
{
	char text[KS_PARENT_NAME_MAX + KS_PARENT_ADDRESS_MAX + 8];
	const struct ks_keyring *ring = ring_of(receiver, parent);

	parent->key = place_in(ring, &parent->live->key.psk) % (ring->n > 0 ? ring->n : 1);
	parent->ask_us = KS_NEVER;
	parent->backoff_us = KS_ASK_MIN_US;
	if (parent->outage_logged)
		ks_info("wire", "parent %s is back after %lld s", ks_parent_text(parent, text, sizeof(text)),
			(long long)((now_us - parent->silent_since_us) / KS_US_PER_S));
	else if (parent->fading == NULL)
		ks_info("wire", "frames come from parent %s, by relay key %04x%s",
			ks_parent_text(parent, text, sizeof(text)), parent->live->key.psk.id,
			parent->blind ? ", without a way back" : "");
	parent->outage_logged = parent->refused = parent->same_logged = false;
}

/* One that offered itself and has no session any more: nobody told us where else to ask it for one. */
static bool is_gone(const struct ks_parent *parent)
{
	return !parent->told && parent->live == NULL &&
	       (parent->next == NULL || parent->next->state == KS_INTAKE_ASKED);
}

static void forget(struct ks_receiver *receiver, struct ks_parent *parent)
{
	char text[KS_PARENT_NAME_MAX + KS_PARENT_ADDRESS_MAX + 8];

	ks_info("wire", "parent %s is forgotten until it offers itself again",
		ks_parent_text(parent, text, sizeof(text)));
	ks_parent_close(receiver, parent);
}

void ks_parent_lost(struct ks_receiver *receiver, struct ks_parent *parent, int64_t now_us)
{
	if (parent->live != NULL && !parent->outage_logged)
		parent->silent_since_us = parent->live->heard_us;
	ks_intake_close(receiver, parent->live);
	ks_intake_close(receiver, parent->fading);
	parent->withdrawn_us = parent->rekey_us = KS_NEVER;
	if (is_gone(parent))
		forget(receiver, parent);
	else if (parent->told && parent->next == NULL && parent->ask_us == KS_NEVER)
		ks_parent_retry(receiver, parent, now_us);
}

void ks_parent_ended(struct ks_receiver *receiver, struct ks_intake *intake, const uint8_t *body, size_t len,
		     int64_t now_us)
{
	uint8_t reason = len >= KS_BYE_BODY && body[0] < KS_BYE_REASONS ? body[0] : 0;
	struct ks_parent *parent = intake->parent;
	char text[KS_PARENT_NAME_MAX + KS_PARENT_ADDRESS_MAX + 8];

	if (intake != parent->live) {
		ks_intake_close(receiver, intake);
		return;
	}
	ks_log(reason == KS_BYE_REVOKED ? KS_LOG_ERROR : KS_LOG_INFO, "wire", "parent %s has ended the session: %s%s",
	       ks_parent_text(parent, text, sizeof(text)), ks_bye_names[reason],
	       reason == KS_BYE_REVOKED ? "; it needs a new one, made at the parent by koshienctl" : "");
	if (reason == KS_BYE_REVOKED)
		parent->backoff_us = KS_ASK_MAX_US;
	ks_parent_lost(receiver, parent, now_us);
}

void ks_parent_blame(struct ks_parent *parent, const struct ks_data_header *header, int64_t now_us)
{
	char text[KS_PARENT_NAME_MAX + KS_PARENT_ADDRESS_MAX + 8];

	ks_count(&parent->unsigned_frames);
	if (!ks_log_gate(&parent->unsigned_gate, now_us, NULL))
		return;
	ks_error("wire", "parent %s sent a frame of source %u that no trusted source has signed; for %lld min nothing "
			 "of that source, channel and rendition is taken from it: check that the source's public key is "
			 "named by trust here, then that the parent is in good hands",
		 ks_parent_text(parent, text, sizeof(text)), header->source,
		 (long long)(KS_DISTRUST_US / KS_US_PER_S / 60));
}

/* --- what is due ---------------------------------------------------------------------------------- */

static void log_outage(struct ks_parent *parent, int64_t now_us)
{
	char text[KS_PARENT_NAME_MAX + KS_PARENT_ADDRESS_MAX + 8];
	int64_t silent_us = now_us - parent->silent_since_us;

	if (!parent->told || parent->live != NULL || parent->outage_logged || parent->where.len == 0 ||
	    silent_us < UNREACHED_US || parent->same_logged)
		return;
	parent->outage_logged = true;
	ks_warn("wire", "parent %s cannot be reached%s; it is tried again every few seconds: check that it runs, "
			"its address and firewall (UDP, both ways), and that it knows this relay's key %04x and has "
			"not revoked it",
		ks_parent_text(parent, text, sizeof(text)), parent->refused ? " (nothing listens there)" : "",
		parent->ring.keys[parent->key].psk.id);
}

/* Whether the live session has to be replaced: it is old, the parent is quiet, or does not know what is wanted now. */
static bool wants_new(const struct ks_receiver *receiver, const struct ks_parent *parent, int64_t now_us)
{
	const struct ks_intake *live = parent->live;

	return !live->blind && parent->ask_us == KS_NEVER && parent->next == NULL &&
	       (live->wish != receiver->wish || now_us >= parent->rekey_us || now_us - live->heard_us >= KS_QUIET_US ||
		live->replay.next >= KS_SESSION_DATAGRAMS || live->counter >= KS_SESSION_DATAGRAMS);
}

static void tick_live(struct ks_receiver *receiver, struct ks_parent *parent, int64_t now_us)
{
	if (now_us - parent->live->heard_us >= KS_IDLE_US || now_us >= parent->withdrawn_us) {
		if (now_us >= parent->withdrawn_us)
			ks_intake_bye(receiver, parent->live, KS_BYE_STOP);
		ks_parent_lost(receiver, parent, now_us);
		return;
	}
	if (now_us >= parent->live->renew_us)
		ks_intake_renew(receiver, parent->live, now_us);
	if (wants_new(receiver, parent, now_us))
		parent->ask_us = now_us;
}

static void tick_next(struct ks_receiver *receiver, struct ks_parent *parent, int64_t now_us)
{
	struct ks_intake *next = parent->next;

	if (next->state != KS_INTAKE_ACCEPTED || now_us < next->renew_us)
		return;
	if (next->tries < KS_CONFIRM_TRIES) {
		next->tries++;
		ks_intake_renew(receiver, next, now_us);
		return;
	}
	ks_intake_close(receiver, next);
	ks_parent_retry(receiver, parent, now_us);
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* When the parent is due again. */
static int64_t due(const struct ks_parent *parent)
{
	int64_t due_us = parent->ask_us;

	if (parent->live != NULL) {
		due_us = least(due_us, parent->live->renew_us);
		due_us = least(due_us, parent->live->heard_us + KS_IDLE_US);
		due_us = least(due_us, parent->withdrawn_us);
		if (parent->ask_us == KS_NEVER && parent->next == NULL && !parent->live->blind)
			due_us = least(due_us, least(parent->rekey_us, parent->live->heard_us + KS_QUIET_US));
	} else if (parent->told && !parent->outage_logged && parent->where.len > 0 && !parent->same_logged) {
		due_us = least(due_us, parent->silent_since_us + UNREACHED_US);
	}
	if (parent->fading != NULL)
		due_us = least(due_us, parent->fading->since_us + KS_FADE_US);
	if (parent->next != NULL)
		due_us = least(due_us, parent->next->renew_us);
	return due_us;
}

int64_t ks_parent_tick(struct ks_receiver *receiver, struct ks_parent *parent, int64_t now_us)
{
	if (!parent->used)
		return KS_NEVER;
	if (parent->fading != NULL && now_us - parent->fading->since_us >= KS_FADE_US)
		ks_intake_close(receiver, parent->fading);
	if (parent->live != NULL)
		tick_live(receiver, parent, now_us);
	if (parent->next != NULL)
		tick_next(receiver, parent, now_us);
	if (!parent->used)
		return KS_NEVER;
	if (is_gone(parent)) {
		forget(receiver, parent);
		return KS_NEVER;
	}
	if (parent->live == NULL && parent->next == NULL && parent->ask_us == KS_NEVER && parent->where.len > 0)
		parent->ask_us = now_us;
	if (now_us >= parent->ask_us)
		ask(receiver, parent, now_us);
	log_outage(parent, now_us);
	return due(parent);
}

/* --- what the network and the public say ------------------------------------------------------------ */

void ks_receiver_refused(struct ks_receiver *receiver, const struct ks_endpoint *to)
{
	int64_t now_us = ks_mono_us(receiver->ops.clock);

	for (size_t i = 0; i < KS_PARENTS_MAX; i++) {
		struct ks_parent *parent = &receiver->parents[i];

		if (!parent->used || (!ks_endpoint_same_peer(&parent->where, to) &&
				      (parent->live == NULL || !ks_endpoint_same_peer(&parent->live->endpoint, to))))
			continue;
		parent->refused = true;
		/* Anybody can forge it, so it only makes us ask sooner. */
		if (parent->live != NULL && !parent->live->blind && parent->next == NULL &&
		    parent->ask_us == KS_NEVER && now_us - parent->refused_us >= REFUSED_US) {
			parent->refused_us = now_us;
			parent->ask_us = now_us;
			ks_receiver_wake(receiver, now_us);
		}
	}
}

bool ks_receiver_connected(const struct ks_receiver *receiver, size_t number)
{
	return is_heard(&receiver->parents[number], ks_mono_us(receiver->ops.clock));
}

int64_t ks_receiver_silent_since_us(const struct ks_receiver *receiver, size_t number)
{
	const struct ks_parent *parent = &receiver->parents[number];

	if (is_heard(parent, ks_mono_us(receiver->ops.clock)))
		return 0;
	return parent->live != NULL ? parent->live->heard_us : parent->silent_since_us;
}

size_t ks_receiver_parents(const struct ks_receiver *receiver)
{
	size_t n = 0;

	for (size_t i = 0; i < KS_PARENTS_MAX; i++)
		n += receiver->parents[i].used && receiver->parents[i].live != NULL;
	return n;
}
