/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/node_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

_Static_assert(KS_DIALS_MAX >= KS_RELAYS_MAX + KS_PARENTS_MAX, "everybody that we may be told of has a socket");

/* One wanted entry of either list. */
struct entry {
	const char *name, *address;
	bool blind;
	struct ks_dial *dial;	/* the one that is there already, or a new one */
	bool is_new;
};

/* What differs between the lists. */
struct list {
	struct ks_told *told;
	int (*add)(struct ks_node *node, const void *wanted, size_t i, size_t *number);
	int (*rekey)(struct ks_node *node, const void *wanted, size_t i, size_t number);
	void (*remove)(struct ks_node *node, size_t number);
	const void *wanted;
};

static void move_relay(void *core, size_t number, const struct ks_endpoint *to)
{
	ks_sender_move(core, number, to);
}

static int64_t relay_silent_since_us(void *core, size_t number)
{
	return ks_sender_silent_since_us(core, number);
}

static void move_parent(void *core, size_t number, const struct ks_endpoint *to)
{
	ks_receiver_move(core, number, to);
}

static int64_t parent_silent_since_us(void *core, size_t number)
{
	return ks_receiver_silent_since_us(core, number);
}

static int add_relay(struct ks_node *node, const void *wanted, size_t i, size_t *number)
{
	const struct ks_node_relay *relay = (const struct ks_node_relay *)wanted + i;
	const struct ks_told_relay told = { relay->name, relay->address, &relay->key, relay->blind };

	return ks_sender_add(node->sender, &told, number);
}

static int rekey_relay(struct ks_node *node, const void *wanted, size_t i, size_t number)
{
	ks_sender_set_key(node->sender, number, &((const struct ks_node_relay *)wanted)[i].key);
	return KS_EOK;
}

static void remove_relay(struct ks_node *node, size_t number)
{
	ks_sender_remove(node->sender, number);
}

static int add_parent(struct ks_node *node, const void *wanted, size_t i, size_t *number)
{
	const struct ks_node_parent *parent = (const struct ks_node_parent *)wanted + i;
	const struct ks_told_parent told = { parent->name, parent->address, parent->keys, parent->n_keys };

	return ks_receiver_add(node->receiver, &told, number);
}

static int rekey_parent(struct ks_node *node, const void *wanted, size_t i, size_t number)
{
	const struct ks_node_parent *parent = (const struct ks_node_parent *)wanted + i;

	return ks_receiver_set_parent_keys(node->receiver, number, parent->keys, parent->n_keys);
}

static void remove_parent(struct ks_node *node, size_t number)
{
	ks_receiver_remove(node->receiver, number);
}

void ks_node_lists_init(struct ks_node *node)
{
	node->relays.half = (struct ks_dial_half){ "relay", move_relay, relay_silent_since_us, node->sender };
	node->relays.max = KS_RELAYS_MAX;
	node->parents.half = (struct ks_dial_half){ "parent", move_parent, parent_silent_since_us, node->receiver };
	node->parents.max = KS_PARENTS_MAX;
}

void ks_node_lists_free(struct ks_node *node)
{
	struct ks_told *const lists[] = { &node->relays, &node->parents };

	for (size_t list = 0; list < sizeof(lists) / sizeof(lists[0]); list++) {
		for (size_t i = 0; i < lists[list]->n; i++)
			ks_dial_free(lists[list]->dials[i]);
		free(lists[list]->dials);
		*lists[list] = (struct ks_told){ 0 };
	}
}

bool ks_node_lists_review(struct ks_node *node)
{
	bool looking = false;

	for (size_t i = 0; i < node->relays.n; i++)
		looking |= ks_dial_review(node->relays.dials[i]);
	for (size_t i = 0; i < node->parents.n; i++)
		looking |= ks_dial_review(node->parents.dials[i]);
	return looking;
}

static int log_refusal(const struct ks_told *told, const struct entry *entry, int err)
{
	const char *what = told->half.what;

	if (err == KS_EMALFORMED)
		ks_error("wire", "%s %s: expected an address like 192.0.2.1:7510, [2001:db8::1]:7510 or name:7510, "
			 "got '%s'", what, entry->name, entry->address);
	else if (err == KS_ELIMIT)
		ks_error("wire", "%s %s (%s): more than %zu %ss, or a name or address that is too long", what,
			 entry->name, entry->address, told->max, what);
	else
		ks_error("wire", "%s %s (%s): %s", what, entry->name, entry->address, ks_strerror(err));
	return err;
}

static int refuse_twin(const struct ks_told *told, const struct entry *entries, size_t i)
{
	for (size_t before = 0; before < i; before++)
		if (strcmp(entries[before].name, entries[i].name) == 0 &&
		    strcmp(entries[before].address, entries[i].address) == 0) {
			ks_error("wire", "%s %s (%s): given twice; leave one out", told->half.what, entries[i].name,
				 entries[i].address);
			return KS_ECONFIG;
		}
	return KS_EOK;
}

/* Finds the dial of each entry or makes one that is not started. Nothing has changed when this fails. */
static int find_dials(struct ks_node *node, const struct ks_told *told, struct entry *entries, size_t n)
{
	int err = KS_EOK;

	if (n > told->max)
		return log_refusal(told, &entries[told->max], KS_ELIMIT);
	for (size_t i = 0; i < n && err == KS_EOK; i++) {
		struct entry *entry = &entries[i];

		err = refuse_twin(told, entries, i);
		for (size_t j = 0; err == KS_EOK && j < told->n && entry->dial == NULL; j++)
			if (ks_dial_matches(told->dials[j], entry->name, entry->address, entry->blind))
				entry->dial = told->dials[j];
		if (err != KS_EOK || entry->dial != NULL)
			continue;
		err = ks_dial_new(&entry->dial, node->ports, &told->half, entry->name, entry->address);
		if (err != KS_EOK)
			log_refusal(told, entry, err);
		entry->is_new = err == KS_EOK;
	}
	for (size_t i = 0; err != KS_EOK && i < n; i++)
		if (entries[i].is_new)
			ks_dial_free(entries[i].dial);
	return err;
}

static bool is_wanted(const struct ks_dial *dial, const struct entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (entries[i].dial == dial)
			return true;
	return false;
}

static void drop_others(struct ks_node *node, const struct list *list, const struct entry *entries, size_t n)
{
	struct ks_told *told = list->told;

	for (size_t i = 0; i < told->n; i++)
		if (!is_wanted(told->dials[i], entries, n))
			list->remove(node, ks_dial_number(told->dials[i]));
	/* The goodbyes leave through sockets that are still there. */
	ks_node_run(node);
	for (size_t i = 0; i < told->n; i++)
		if (!is_wanted(told->dials[i], entries, n))
			ks_dial_free(told->dials[i]);
	told->n = 0;
}

static int start_entry(struct ks_node *node, const struct list *list, const struct entry *entry, size_t i)
{
	size_t number;
	int err;

	if (!entry->is_new)
		return list->rekey(node, list->wanted, i, ks_dial_number(entry->dial));
	err = list->add(node, list->wanted, i, &number);
	if (err != KS_EOK)
		return err;
	err = ks_dial_start(entry->dial, number, entry->blind);
	if (err != KS_EOK)
		list->remove(node, number);
	return err;
}

/* All that can be started is; the first error is returned. */
static int set_list(struct ks_node *node, const struct list *list, struct entry *entries, size_t n)
{
	struct ks_told *told = list->told;
	struct ks_dial **dials = calloc(n > 0 ? n : 1, sizeof(struct ks_dial *));
	int first = dials != NULL ? find_dials(node, told, entries, n) : -ENOMEM;

	if (first != KS_EOK) {
		free(dials);
		return first;
	}
	drop_others(node, list, entries, n);
	free(told->dials);
	told->dials = dials;
	for (size_t i = 0; i < n; i++) {
		int err = start_entry(node, list, &entries[i], i);

		if (err == KS_EOK || !entries[i].is_new)
			dials[told->n++] = entries[i].dial;
		else
			ks_dial_free(entries[i].dial);
		if (err != KS_EOK) {
			log_refusal(told, &entries[i], err);
			first = first == KS_EOK ? err : first;
		}
	}
	event_active(node->review, EV_TIMEOUT, 0);
	ks_node_wake(node);
	return first;
}

int ks_node_set_relays(struct ks_node *node, const struct ks_node_relay *relays, size_t n)
{
	const struct list list = { &node->relays, add_relay, rekey_relay, remove_relay, relays };
	struct entry *entries;
	int err;

	if (node->sender == NULL)
		return n == 0 ? KS_EOK : -ENOTSUP;
	entries = calloc(n + 1, sizeof(*entries));
	if (entries == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		entries[i] = (struct entry){ .name = relays[i].name, .address = relays[i].address,
					     .blind = relays[i].blind };
	err = set_list(node, &list, entries, n);
	free(entries);
	return err;
}

int ks_node_set_parents(struct ks_node *node, const struct ks_node_parent *parents, size_t n)
{
	const struct list list = { &node->parents, add_parent, rekey_parent, remove_parent, parents };
	struct entry *entries;
	int err;

	if (node->receiver == NULL)
		return n == 0 ? KS_EOK : -ENOTSUP;
	entries = calloc(n + 1, sizeof(*entries));
	if (entries == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		entries[i] = (struct entry){ .name = parents[i].name, .address = parents[i].address };
	err = set_list(node, &list, entries, n);
	free(entries);
	return err;
}
