/* SPDX-License-Identifier: Apache-2.0
 *
 * The fixture of tests of the parent's half: relays that are moved by hand, with keys of one master. For one file of a
 * test program.
 */
#ifndef KS_TESTS_UNIT_WITH_RELAYS_H
#define KS_TESTS_UNIT_WITH_RELAYS_H

#include <string.h>

#include "lib/base/error.h"
#include "lib/wire/sender.h"
#include "tests/unit/unit.h"
#include "tests/wire/hand.h"

#define FRAME 98000	/* bytes: k = 86 */
#define PERIOD KS_US_PER_S

static struct hand hand;
static struct ks_master master;

static inline void setup(void)
{
	hand_init(&hand, NULL);
	memset(master.key, 0x42, sizeof(master.key));
	ck_assert_int_eq(ks_sender_set_masters(hand.sender, &master, 1, NULL, 0), KS_EOK);
}

static inline void teardown(void)
{
	for (size_t i = 0; i < hand.n_relays; i++)
		ck_assert(!hand.relays[i]->broken);
	hand_free(&hand);
}

static inline TCase *add_case(Suite *suite, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	suite_add_tcase(suite, tc);
	return tc;
}

static inline struct hand_relay *new_relay(const char *name)
{
	struct ks_psk psk;

	ks_psk_derive(&psk, &master, name);
	return hand_relay(&hand, &psk);
}

static inline struct hand_relay *connected(const char *name)
{
	struct hand_relay *relay = new_relay(name);

	ck_assert(hand_connect(relay));
	return relay;
}

#endif
