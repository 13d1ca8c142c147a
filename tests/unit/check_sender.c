/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/sender.h"

#include <string.h>

#include "lib/base/error.h"
#include "tests/unit/unit.h"
#include "tests/wire/hand.h"

#define FRAME 98000	/* bytes: k = 86 */
#define PERIOD KS_US_PER_S

static struct hand hand;
static struct ks_master master;

static void setup(void)
{
	hand_init(&hand, NULL);
	memset(master.key, 0x42, sizeof(master.key));
	ck_assert_int_eq(ks_sender_set_masters(hand.sender, &master, 1, NULL, 0), KS_EOK);
}

static void teardown(void)
{
	for (size_t i = 0; i < hand.n_relays; i++)
		ck_assert(!hand.relays[i]->broken);
	hand_free(&hand);
}

static struct hand_relay *new_relay(const char *name)
{
	struct ks_psk psk;

	ks_psk_derive(&psk, &master, name);
	return hand_relay(&hand, &psk);
}

START_TEST(subscribe_brings_a_session_and_the_newest_frame)
{
	struct hand_relay *relay = new_relay("alpha");

	ck_assert_int_eq(hand_object(&hand, 1, FRAME, PERIOD), KS_EOK);
	hand_run(&hand, KS_US_PER_S);
	hand_subscribe(relay);
	ck_assert_uint_eq(relay->n[KS_CHALLENGE], 1);
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 0);
	hand_subscribe(relay);
	ck_assert(relay->accepted);
	/* Nothing but CHALLENGE and ACCEPT before the first RENEW. */
	hand_run(&hand, 5 * KS_US_PER_S);
	ck_assert_uint_eq(relay->n_log, 2);
	hand_renew(relay);
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 1);
	ck_assert_uint_eq(relay->log[2].type, KS_ALIVE);
	ck_assert_uint_eq(relay->log[2].len, KS_DATAGRAM_DEFAULT);
	ck_assert_uint_gt(relay->n[KS_DATA], 0);
	hand_run(&hand, 250 * KS_US_PER_MS);
	ck_assert_uint_ge(hand_count(relay, 1), 86 + 10);
	ck_assert_uint_le(hand_count(relay, 1), 86 + 20);
}
END_TEST

static Suite *sender_suite(void)
{
	Suite *suite = suite_create("sender");
	TCase *tc = tcase_create("sessions");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, subscribe_brings_a_session_and_the_newest_frame);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return unit_run(sender_suite());
}
