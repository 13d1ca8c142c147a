/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/dial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/wire/lookup.h"
#include "lib/wire/sender.h"

struct ks_dial {
	struct ks_ports *ports;
	const struct ks_dial_half *half;
	char name[KS_ADDRESS_TEXT_MAX + 1], address[KS_ADDRESS_TEXT_MAX + 1];
	struct ks_lookup *lookup;
	size_t number, port;
	bool started, blind, looking, open;
	union ks_udp_address peer;	/* while it is open */
	int64_t opened_us, reopen_us;
	bool failure_logged;
};

int ks_dial_new(struct ks_dial **out, struct ks_ports *ports, const struct ks_dial_half *half, const char *name,
		const char *address)
{
	struct ks_dial *dial;
	int err;

	if (strlen(name) > KS_ADDRESS_TEXT_MAX || strlen(address) > KS_ADDRESS_TEXT_MAX)
		return KS_ELIMIT;
	dial = calloc(1, sizeof(*dial));
	if (dial == NULL)
		return -ENOMEM;
	err = ks_lookup_new(&dial->lookup, address);
	if (err != KS_EOK) {
		free(dial);
		return err;
	}
	dial->ports = ports;
	dial->half = half;
	dial->reopen_us = KS_DIAL_REOPEN_MIN_US;
	strcpy(dial->name, name);
	strcpy(dial->address, address);
	*out = dial;
	return KS_EOK;
}

void ks_dial_free(struct ks_dial *dial)
{
	if (dial == NULL)
		return;
	if (dial->started)
		ks_ports_hang_up(dial->ports, dial->port);
	ks_lookup_free(dial->lookup);
	free(dial);
}

static void log_failure(struct ks_dial *dial, const char *what, const char *why)
{
	if (dial->failure_logged)
		return;
	dial->failure_logged = true;
	ks_warn("wire", "%s %s (%s): %s: %s; trying again. Check the address", dial->half->what, dial->name,
		dial->address, what, why);
}

/* Begins to open or reopen; an old socket stays in use until there is a new one. */
static void start_opening(struct ks_dial *dial)
{
	dial->looking = true;
	dial->opened_us = ks_mono_us(&ks_clock_system);
	ks_lookup_start(dial->lookup);
}

static int open_to(struct ks_dial *dial, const union ks_udp_address *peer)
{
	struct ks_endpoint to;
	int err = ks_ports_open(dial->ports, dial->port, peer, &to);

	if (err != KS_EOK)
		return err;
	dial->peer = *peer;
	dial->open = true;
	dial->failure_logged = false;
	dial->half->move(dial->half->core, dial->number, &to);
	return KS_EOK;
}

/* One of a name's addresses after the other, until there is a route to one. */
static int open_any(struct ks_dial *dial, const union ks_udp_address *first)
{
	union ks_udp_address peer = *first;
	const char *why;
	int err = open_to(dial, &peer);

	for (size_t n = ks_lookup_count(dial->lookup); err != KS_EOK && n > 1; n--)
		if (ks_lookup_result(dial->lookup, &peer, &why) == KS_EOK)
			err = open_to(dial, &peer);
	return err;
}

static void try_open(struct ks_dial *dial)
{
	union ks_udp_address peer;
	const char *why;
	int err = ks_lookup_result(dial->lookup, &peer, &why);

	if (err == KS_ENOTYET)
		return;
	dial->looking = false;
	if (err != KS_EOK) {
		log_failure(dial, "its name cannot be looked up", why);
		return;
	}
	/* What cannot answer is not taken for silent: it keeps its address as long as that is one of the name's. */
	if (dial->blind && dial->open && ks_lookup_holds(dial->lookup, &dial->peer))
		return;
	err = open_any(dial, &peer);
	if (err != KS_EOK)
		log_failure(dial, "no socket can be opened to it", ks_strerror(err));
}

int ks_dial_start(struct ks_dial *dial, size_t number, bool blind)
{
	int err = ks_ports_dial(dial->ports, &dial->port);

	if (err != KS_EOK)
		return err;
	dial->number = number;
	dial->blind = blind;
	dial->started = true;
	start_opening(dial);
	try_open(dial);
	return KS_EOK;
}

/* Since when to count until it is opened anew; 0: it is not to be. */
static int64_t silent_since_us(const struct ks_dial *dial)
{
	if (!dial->open || dial->blind)
		return dial->opened_us;
	return dial->half->silent_since_us(dial->half->core, dial->number);
}

bool ks_dial_review(struct ks_dial *dial)
{
	int64_t now_us = ks_mono_us(&ks_clock_system), since_us = silent_since_us(dial);

	if (dial->looking) {
		try_open(dial);
	} else if (since_us == 0) {
		dial->reopen_us = KS_DIAL_REOPEN_MIN_US;
	} else if (now_us - since_us >= dial->reopen_us && now_us - dial->opened_us >= dial->reopen_us) {
		start_opening(dial);
		try_open(dial);
		dial->reopen_us *= 2;
		if (dial->reopen_us > KS_DIAL_REOPEN_MAX_US)
			dial->reopen_us = KS_DIAL_REOPEN_MAX_US;
	}
	return dial->looking;
}

size_t ks_dial_number(const struct ks_dial *dial)
{
	return dial->number;
}

bool ks_dial_matches(const struct ks_dial *dial, const char *name, const char *address, bool blind)
{
	return strcmp(dial->name, name) == 0 && strcmp(dial->address, address) == 0 && dial->blind == blind;
}
