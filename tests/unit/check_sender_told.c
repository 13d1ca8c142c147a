/* SPDX-License-Identifier: Apache-2.0
 *
 * Relays that the parent was told of, and what relays cost.
 */
#include "lib/wire/sender.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/wire/fec.h"
#include "tests/unit/with_relays.h"

static size_t tell(struct hand_relay *relay, bool blind)
{
	const struct ks_told_relay told = { "told", "192.0.2.1:7510", &relay->psk, blind };
	size_t number;

	ck_assert_int_eq(ks_sender_add(hand.sender, &told, &number), KS_EOK);
	return number;
}

START_TEST(a_told_relay_is_offered_sessions)
{
	struct ks_psk psk;
	struct hand_relay *relay;
	size_t number;

	ks_psk_make(&psk, "gamma");
	relay = hand_relay(&hand, &psk);
	unit_log_start();
	number = tell(relay, false);
	hand_run(&hand, 5 * KS_US_PER_S);
	ck_assert_uint_eq(hand.batches, 0);	/* nobody said where it is */
	ks_sender_move(hand.sender, number, &relay->at);
	hand_run(&hand, 60 * KS_US_PER_S);
	ck_assert_uint_ge(relay->n[KS_OFFER], 30);
	ck_assert_uint_le(relay->n[KS_OFFER], 65);
	ck_assert_uint_eq(relay->n_log, relay->n[KS_OFFER]);
	ck_assert(!ks_sender_connected(hand.sender, number));
	ck_assert_int_ne(ks_sender_silent_since_us(hand.sender, number), 0);
	/* Said once. */
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "192.0.2.1:7510): no answer"));
	ck_assert_ptr_null(strstr(strstr(unit_log_text(), "no answer") + 1, "no answer"));
	/* The offer's cookie is good: no challenge. */
	hand_subscribe(relay);
	ck_assert(relay->accepted);
	hand_renew(relay);
	hand_renew(relay);
	ck_assert(ks_sender_connected(hand.sender, number));
	ck_assert_int_eq(ks_sender_silent_since_us(hand.sender, number), 0);
	relay->n_log = 0;
	relay->n[KS_OFFER] = 0;
	hand_live(relay, 20 * KS_US_PER_S);
	ck_assert_uint_eq(relay->n[KS_OFFER], 0);
	/* Silence: offers beside the session. */
	hand_run(&hand, KS_SILENCE_US + KS_US_PER_S);
	ck_assert_uint_ge(relay->n[KS_OFFER], 1);
	ck_assert(!ks_sender_connected(hand.sender, number));
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 1);
	hand_run(&hand, KS_LEASE_US);
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 0);
	ck_assert(hand_connect(relay));
	ck_assert(ks_sender_connected(hand.sender, number));
	ks_sender_remove(hand.sender, number);
	hand_run(&hand, 1);
	ck_assert_uint_eq(relay->n[KS_END], 1);
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 0);
}
END_TEST

START_TEST(who_comes_by_itself_is_the_told_one)
{
	struct hand_relay *relay = new_relay("alpha");
	size_t number = tell(relay, false);

	ck_assert(hand_connect(relay));
	ck_assert(ks_sender_connected(hand.sender, number));
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 1);
}
END_TEST

START_TEST(a_told_relay_keeps_its_session_when_its_key_changes)
{
	struct hand_relay *relay;
	struct ks_psk first, second;
	size_t number;

	ks_psk_make(&first, "gamma");
	ks_psk_make(&second, "gamma");
	relay = hand_relay(&hand, &first);
	number = tell(relay, false);
	ck_assert(hand_connect(relay));
	ks_sender_set_key(hand.sender, number, &second);
	hand_object(&hand, 1, FRAME, PERIOD);
	hand_run(&hand, KS_US_PER_S);
	hand_renew(relay);
	ck_assert_uint_ge(hand_count(relay, 1), 86);
	ck_assert(ks_sender_connected(hand.sender, number));
	/* From here on with the new key only. */
	hand_subscribe(relay);
	ck_assert(!relay->accepted);
	relay->psk = second;
	ks_seal_setup_keys(&second, &relay->setup);
	ck_assert(hand_connect(relay));
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 1);
}
END_TEST

START_TEST(refusals_are_said_once)
{
	struct hand_relay *relay = new_relay("alpha");
	size_t number = tell(relay, false);

	unit_log_start();
	ks_sender_move(hand.sender, number, &relay->at);
	for (int i = 0; i < 100; i++) {
		ks_sender_refused(hand.sender, &relay->at);
		hand_run(&hand, 100 * KS_US_PER_MS);
	}
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "nothing listens"));
	ck_assert_ptr_null(strstr(strstr(unit_log_text(), "nothing listens") + 1, "nothing listens"));
	/* Forged ones do not make it offer more often. */
	ck_assert_uint_le(relay->n[KS_OFFER], 15);
}
END_TEST

START_TEST(blind)
{
	struct ks_sender_settings settings = { .datagram = KS_DATAGRAM_DEFAULT, .loss_ppm = 100000, .nack = true,
					       .rekey_us = 20 * KS_US_PER_S };
	struct hand_relay *relay;
	struct ks_psk psk;
	size_t number, m = ks_fec_parity(86, 100000, KS_CHANCE_9999);
	uint32_t session;

	hand_free(&hand);
	hand_init(&hand, &settings);
	ks_psk_make(&psk, "gamma");
	relay = hand_relay(&hand, &psk);
	number = tell(relay, true);
	ks_sender_move(hand.sender, number, &relay->at);
	ck_assert(ks_sender_connected(hand.sender, number));
	hand_object(&hand, 1, FRAME, PERIOD);
	hand_run(&hand, 500 * KS_US_PER_MS);
	ck_assert_uint_lt(hand_count(relay, 1), 86 + m);
	hand_run(&hand, 100 * KS_US_PER_MS);
	ck_assert_uint_eq(hand_count(relay, 1), 86 + m);
	for (size_t i = 0; i < relay->n_log; i++)
		if (relay->log[i].type == KS_DATA)
			ck_assert_uint_eq(relay->log[i].data.spread, KS_SPREAD_UNITS_MAX);
	hand_run(&hand, 400 * KS_US_PER_MS);
	/* One each second, and one more each second of the next session for the last five; never at the same moment. */
	session = relay->blind.session;
	relay->n[KS_BLIND] = relay->n_log = 0;
	hand_run(&hand, 30 * KS_US_PER_S);
	ck_assert_uint_ge(relay->n[KS_BLIND], 34);
	ck_assert_uint_le(relay->n[KS_BLIND], 37);
	ck_assert_uint_ne(relay->blind.session, session);
	for (size_t i = 1; i < relay->n_log; i++)
		ck_assert(relay->log[i].type != KS_BLIND || relay->log[i].at_us > relay->log[i - 1].at_us ||
			  relay->log[i - 1].type != KS_BLIND);
	hand_object(&hand, 2, FRAME, PERIOD);
	hand_run(&hand, KS_US_PER_S);
	ck_assert_uint_eq(hand_count(relay, 2), 86 + m);
}
END_TEST

/* --- what it costs ------------------------------------------------------------------------------------------- */

START_TEST(idle_relays_cost_next_to_nothing)
{
	size_t ticks, per_relay;
	char name[16];

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "relay%d", i);
		connected(name);
	}
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 100);
	hand_run(&hand, 10 * KS_US_PER_MS);
	ticks = hand_run(&hand, KS_US_PER_S);
	ck_assert_uint_le(ticks, 400);
	ks_sender_memory(hand.sender, &per_relay);
	ck_assert_uint_le(per_relay, 64 * 1024);
}
END_TEST

START_TEST(metrics_have_one_sample_for_each_relay)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	connected("alpha");
	connected("alpha");
	tell(new_relay("beta"), false);
	ck_assert_ptr_nonnull(out);
	ks_sender_metrics(hand.sender, out);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(text, "koshien_wire_connected{relay=\"alpha\"} 1"));
	ck_assert_ptr_nonnull(strstr(text, "koshien_wire_connected{relay=\"alpha/2\"} 1"));
	ck_assert_ptr_nonnull(strstr(text, "koshien_wire_connected{relay=\"told\"} 0"));
	ck_assert_ptr_nonnull(strstr(text, "koshien_wire_datagram_bytes{relay=\"alpha\"} 1200"));
	ck_assert_ptr_nonnull(strstr(text, "koshien_wire_reply_drops_total{reason=\"loop\"} 0"));
	free(text);
}
END_TEST

START_TEST(limits)
{
	struct ks_sender_settings settings = { .datagram = KS_DATAGRAM_DEFAULT, .nack = true, .relays_max = 2 };
	static const char *const names[] = { "alpha", "beta", "gamma" };
	struct hand_relay *relays[3];
	const struct ks_outgoing object = { "channel", "r0", 0, KS_HOPS_MAX + 1, { 1, 1 }, PERIOD,
					     hand_bytes(1, 9), 9 };

	ck_assert_int_eq(ks_sender_object(hand.sender, &object), KS_ELIMIT);
	ck_assert_int_eq(hand_object(&hand, 1, 0, PERIOD), KS_ELIMIT);
	hand_free(&hand);
	hand_init(&hand, &settings);
	ck_assert_int_eq(ks_sender_set_masters(hand.sender, &master, 1, NULL, 0), KS_EOK);
	for (size_t i = 0; i < 3; i++) {
		relays[i] = new_relay(names[i]);
		hand_connect(relays[i]);
	}
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 2);
	ck_assert_uint_eq(ks_sender_dropped(hand.sender, KS_DROP_LIMIT), 1);
	/* A silent one gives way. */
	hand_run(&hand, KS_SILENCE_US);
	hand_renew(relays[1]);
	ck_assert(hand_connect(relays[2]));
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 2);
	hand_object(&hand, 1, FRAME, PERIOD);
	hand_run(&hand, KS_US_PER_S);
	ck_assert_uint_eq(hand_count(relays[0], 1), 0);
	ck_assert_uint_ge(hand_count(relays[2], 1), 86);
}
END_TEST

START_TEST(fewer_relays_drop_nobody)
{
	struct ks_sender_settings settings = { .datagram = KS_DATAGRAM_DEFAULT, .nack = true, .relays_max = 2 };
	struct hand_relay *first = connected("alpha"), *second = connected("beta"), *third = connected("gamma"), *fourth;

	ck_assert_int_eq(ks_sender_set(hand.sender, &settings), KS_EOK);
	hand_object(&hand, 1, FRAME, PERIOD);
	hand_run(&hand, KS_US_PER_S);
	ck_assert_uint_ge(hand_count(first, 1), 86);
	ck_assert_uint_ge(hand_count(second, 1), 86);
	ck_assert_uint_ge(hand_count(third, 1), 86);
	/* Nor does a newcomer, though some are silent: their place is not free. */
	hand_run(&hand, KS_SILENCE_US);
	fourth = new_relay("delta");
	hand_connect(fourth);
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 3);
	ck_assert_uint_eq(ks_sender_dropped(hand.sender, KS_DROP_LIMIT), 1);
	/* Those that are there may renew. */
	ck_assert(hand_connect(third));
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 3);
	/* The place in the middle is free, and two are as many as there may be. */
	hand_session(second, KS_BYE, (const uint8_t[KS_BYE_BODY]){ KS_BYE_STOP }, KS_BYE_BODY);
	hand_renew(first);
	hand_connect(fourth);
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 2);
	settings.relays_max = 3;
	ck_assert_int_eq(ks_sender_set(hand.sender, &settings), KS_EOK);
	hand_connect(fourth);
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 3);
}
END_TEST

static Suite *sender_told_suite(void)
{
	Suite *suite = suite_create("sender_told");
	TCase *tc = add_case(suite, "told");

	tcase_add_test(tc, a_told_relay_is_offered_sessions);
	tcase_add_test(tc, who_comes_by_itself_is_the_told_one);
	tcase_add_test(tc, a_told_relay_keeps_its_session_when_its_key_changes);
	tcase_add_test(tc, refusals_are_said_once);
	tcase_add_test(tc, blind);
	tc = add_case(suite, "cost");
	tcase_add_test(tc, idle_relays_cost_next_to_nothing);
	tcase_add_test(tc, metrics_have_one_sample_for_each_relay);
	tcase_add_test(tc, limits);
	tcase_add_test(tc, fewer_relays_drop_nobody);
	return suite;
}

int main(void)
{
	return unit_run(sender_told_suite());
}
