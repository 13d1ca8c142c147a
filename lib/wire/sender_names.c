/* SPDX-License-Identifier: Apache-2.0
 *
 * What is remembered of a relay's name, whoever has its key and however often its sessions end: how much it may still
 * say. Otherwise each new session would begin with a full measure.
 */
#include "lib/wire/sender_private.h"

#include <string.h>

_Static_assert(KS_NAMES_MAX > KS_RELAYS_MAX, "one whose relays are all gone can be found");

static struct ks_relay_name *place(struct ks_sender *sender)
{
	struct ks_relay_name *longest = NULL;

	for (size_t i = 0; i < KS_NAMES_MAX; i++) {
		struct ks_relay_name *name = &sender->names[i];

		if (name->n_peers == 0 && (longest == NULL || name->left_us < longest->left_us))
			longest = name;
	}
	return longest;
}

static struct ks_relay_name *find(struct ks_sender *sender, const char *text)
{
	for (size_t i = 0; i < KS_NAMES_MAX; i++)
		if (strcmp(sender->names[i].text, text) == 0)
			return &sender->names[i];
	return NULL;
}

void ks_name_leave(struct ks_sender *sender, struct ks_peer *peer)
{
	if (peer->known == NULL)
		return;
	peer->known->n_peers--;
	peer->known->left_us = ks_mono_us(&sender->clock);
	peer->known = NULL;
}

void ks_name_take(struct ks_sender *sender, struct ks_peer *peer, const char *text)
{
	struct ks_relay_name *name = find(sender, text);

	if (name != NULL && name == peer->known)
		return;
	ks_name_leave(sender, peer);
	if (name == NULL) {
		name = place(sender);
		*name = (struct ks_relay_name){ 0 };
		memcpy(name->text, text, strlen(text) + 1);
	}
	name->n_peers++;
	peer->known = name;
}

bool ks_name_may_tell(struct ks_peer *peer, int64_t now_us)
{
	return ks_bucket_take(&peer->known->heads, now_us, KS_US_PER_S / KS_HEADS_PER_S, KS_HEADS_PER_S);
}

/* --- lines of log ----------------------------------------------------------------------------------------- */

bool ks_name_may_log(struct ks_peer *peer, int64_t now_us)
{
	return ks_bucket_take(&peer->known->lines, now_us, KS_SAID_US, KS_SAID_MAX);
}

void ks_name_say_up(struct ks_peer *peer, int64_t now_us)
{
	char before[64] = "";

	if (peer->said || !ks_name_may_log(peer, now_us))
		return;
	peer->said = true;
	if (peer->known->unsaid > 0)
		snprintf(before, sizeof(before), " (%llu more before it were not logged)",
			 (unsigned long long)peer->known->unsaid);
	peer->known->unsaid = 0;
	ks_info("wire", "relay %s (%s): session set up%s", peer->name, peer->address, before);
}

bool ks_name_say_over(struct ks_peer *peer)
{
	bool said = peer->said;

	peer->said = false;
	peer->known->unsaid += !said;
	return said;
}
