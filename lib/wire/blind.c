/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions without a way back: the parent announces them, and they begin with the first of its datagrams.
 */
#include "lib/wire/receiver_private.h"

#include <string.h>

struct ks_intake *ks_blind_find(struct ks_receiver *receiver, uint32_t index, uint16_t key_id)
{
	for (size_t i = 0; i < receiver->n_blinds; i++)
		if (receiver->blinds[i]->theirs == index && receiver->blinds[i]->key.psk.id == key_id)
			return receiver->blinds[i];
	return NULL;
}

static enum ks_drop read_blind(const struct ks_receiver *receiver, const struct ks_header *header, const uint8_t *bytes,
			       size_t len, struct ks_blind *blind, const struct ks_accepted_key **key)
{
	enum ks_drop drop = KS_DROP_KEY;

	for (size_t i = 0; i < receiver->ring.n && drop != KS_DROP_NONE; i++) {
		*key = &receiver->ring.keys[i];
		if ((*key)->psk.id == header->key_id)
			drop = ks_blind_read(bytes, len, (*key)->setup.down, blind);
	}
	return drop;
}

/* An announcement that was recorded cannot be used again: it is older than one that was heard, or than the clock
 * allows. The table outlives the sessions. */
static bool is_news(struct ks_receiver *receiver, const struct ks_blind *blind)
{
	struct ks_blind_seen *seen = NULL;

	for (size_t i = 0; i < receiver->n_seen && seen == NULL; i++)
		if (memcmp(receiver->seen[i].instance, blind->instance, KS_INSTANCE_SIZE) == 0)
			seen = &receiver->seen[i];
	if (seen == NULL) {
		seen = &receiver->seen[receiver->next_seen];
		receiver->next_seen = (receiver->next_seen + 1) % KS_BLINDS_SEEN_MAX;
		receiver->n_seen += receiver->n_seen < KS_BLINDS_SEEN_MAX;
		memcpy(seen->instance, blind->instance, KS_INSTANCE_SIZE);
		seen->wall_us = INT64_MIN;
	}
	if (blind->wall_us <= seen->wall_us)
		return false;
	seen->wall_us = blind->wall_us;
	return true;
}

static struct ks_intake *find_announced(struct ks_receiver *receiver, const struct ks_blind *blind,
					const struct ks_accepted_key *key)
{
	for (size_t i = 0; i < receiver->n_blinds; i++) {
		struct ks_intake *intake = receiver->blinds[i];

		if (intake->theirs == blind->session && ks_psk_equal(&intake->key.psk, &key->psk) &&
		    memcmp(intake->nonce, blind->nonce, KS_SESSION_NONCE_SIZE) == 0)
			return intake;
	}
	return NULL;
}

/* The oldest announcement that nothing followed gives way. */
static struct ks_intake *open_blind(struct ks_receiver *receiver, int64_t now_us)
{
	struct ks_intake *oldest = NULL, *intake;

	for (size_t i = 0; i < receiver->n_blinds; i++) {
		intake = receiver->blinds[i];
		if (intake->parent == NULL && (oldest == NULL || intake->since_us < oldest->since_us))
			oldest = intake;
	}
	if (receiver->n_blinds == KS_BLINDS_MAX) {
		if (oldest == NULL)
			return NULL;
		ks_intake_close(receiver, oldest);
	}
	intake = ks_intake_open(receiver, NULL, now_us);
	if (intake != NULL) {
		intake->blind = true;
		receiver->blinds[receiver->n_blinds++] = intake;
	}
	return intake;
}

enum ks_drop ks_blind_input(struct ks_receiver *receiver, const struct ks_header *header, const uint8_t *bytes,
			    size_t len, int64_t now_us)
{
	int64_t wall_us = ks_wall_us(receiver->ops.clock);
	const struct ks_accepted_key *key = NULL;
	struct ks_intake *intake;
	struct ks_blind blind;
	enum ks_drop drop = read_blind(receiver, header, bytes, len, &blind, &key);

	if (drop != KS_DROP_NONE)
		return drop;
	if (ks_instance_is_own(receiver, blind.instance)) {
		ks_setup_own_instance(receiver, NULL, now_us);
		return KS_DROP_LOOP;
	}
	if (blind.wall_us < wall_us - KS_BLIND_SKEW_US || blind.wall_us > wall_us + KS_BLIND_SKEW_US)
		return KS_DROP_CLOCK;
	if (!is_news(receiver, &blind))
		return KS_DROP_REPLAY;
	if (find_announced(receiver, &blind, key) != NULL)
		return KS_DROP_NONE;
	intake = open_blind(receiver, now_us);
	if (intake == NULL)
		return KS_DROP_LIMIT;
	intake->state = KS_INTAKE_ACCEPTED;
	intake->key = *key;
	intake->theirs = blind.session;
	memcpy(intake->nonce, blind.nonce, sizeof(intake->nonce));
	memcpy(intake->instance, blind.instance, sizeof(intake->instance));
	ks_seal_blind_key(&key->psk, blind.nonce, intake->keys.down);
	ks_receiver_wake(receiver, now_us + KS_IDLE_US);
	return KS_DROP_NONE;
}
