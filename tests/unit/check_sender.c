/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/sender.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/wire/fec.h"
#include "lib/wire/sender_private.h"
#include "tests/unit/with_relays.h"

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

/* --- sessions -------------------------------------------------------------------------------------- */

START_TEST(what_is_not_authentic_gets_no_answer)
{
	struct hand_relay *relay = new_relay("alpha");
	uint8_t bytes[KS_SUBSCRIBE_SIZE], nonce[KS_SETUP_NONCE_SIZE] = { 0 };
	size_t memory = ks_sender_memory(hand.sender, NULL);
	struct ks_psk other;

	ks_subscribe_write(&relay->wish, &relay->psk, relay->setup.up, nonce, bytes);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 1;
		hand_put(relay, bytes, sizeof(bytes));
		bytes[i] ^= 1;
	}
	for (size_t len = 0; len < sizeof(bytes); len++)
		hand_put(relay, bytes, len);
	ks_psk_make(&other, "alpha");
	relay->psk = other;
	ks_seal_setup_keys(&other, &relay->setup);
	hand_subscribe(relay);
	ck_assert_uint_eq(relay->n_log, 0);
	ck_assert_uint_eq(hand.batches, 0);
	ck_assert_uint_eq(ks_sender_memory(hand.sender, NULL), memory);
	ck_assert_uint_gt(ks_sender_dropped(hand.sender, KS_DROP_TAG), 0);
	ck_assert_uint_gt(ks_sender_dropped(hand.sender, KS_DROP_KEY), 0);
	ck_assert_uint_gt(ks_sender_dropped(hand.sender, KS_DROP_SHORT), 0);
}
END_TEST

START_TEST(a_cookie_is_of_one_address)
{
	struct hand_relay *relay = new_relay("alpha"), *thief = new_relay("alpha");

	hand_subscribe(relay);
	memcpy(thief->wish.cookie, relay->wish.cookie, sizeof(thief->wish.cookie));
	hand_subscribe(thief);
	ck_assert(!thief->accepted);
	ck_assert_uint_eq(thief->n[KS_CHALLENGE], 1);
	ck_assert_uint_eq(ks_sender_dropped(hand.sender, KS_DROP_COOKIE), 1);
	/* And of its time. */
	hand_run(&hand, 2 * KS_COOKIE_US + 1);
	hand_subscribe(relay);
	ck_assert(!relay->accepted);
	hand_subscribe(relay);
	ck_assert(relay->accepted);
}
END_TEST

START_TEST(the_same_question_gets_the_same_answer)
{
	struct hand_relay *relay = new_relay("alpha");
	uint8_t bytes[KS_SUBSCRIBE_SIZE], nonce[KS_SETUP_NONCE_SIZE] = { 0 };
	uint32_t session;

	hand_subscribe(relay);
	hand_subscribe(relay);
	session = relay->session;
	ks_subscribe_write(&relay->wish, &relay->psk, relay->setup.up, nonce, bytes);
	hand_put(relay, bytes, sizeof(bytes));
	ck_assert_uint_eq(relay->n[KS_ACCEPT], 2);
	ck_assert_uint_eq(relay->session, session);
	hand_renew(relay);
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 1);
	/* Afterwards it is somebody's recording. */
	hand_put(relay, bytes, sizeof(bytes));
	ck_assert_uint_eq(relay->n[KS_ACCEPT], 2);
	ck_assert_uint_eq(ks_sender_dropped(hand.sender, KS_DROP_REPLAY), 1);
}
END_TEST

START_TEST(half_open_sessions_are_few_and_short)
{
	struct hand_relay *relay = new_relay("alpha");
	size_t before = ks_sender_memory(hand.sender, NULL), most = 0;

	for (int i = 0; i < 10 * KS_HALF_OPEN_MAX; i++) {
		size_t now;

		hand_subscribe(relay);
		now = ks_sender_memory(hand.sender, NULL);
		most = now > most ? now : most;
	}
	ck_assert_uint_le(most - before, KS_HALF_OPEN_MAX * 2048);
	hand_run(&hand, KS_HALF_OPEN_US);
	ck_assert_uint_eq(ks_sender_memory(hand.sender, NULL), before);
	/* The last one is too old by now. */
	hand_renew(relay);
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 0);
	ck_assert_uint_eq(ks_sender_dropped(hand.sender, KS_DROP_SESSION), 1);
}
END_TEST

/* Whoever stole one relay's key sets up sessions without end and uses none. */
START_TEST(half_open_sessions_of_one_relay_push_out_no_other)
{
	struct hand_relay *relay = new_relay("alpha"), *thief = new_relay("beta");

	for (int i = 0; i < KS_HALF_OPEN_MAX; i++)
		hand_subscribe(thief);
	hand_subscribe(relay);
	hand_subscribe(relay);
	ck_assert(relay->accepted);
	for (int i = 0; i < 10 * KS_HALF_OPEN_MAX; i++)
		hand_subscribe(thief);
	hand_renew(relay);
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 1);
	hand_renew(thief);
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 2);
}
END_TEST

START_TEST(a_session_is_made_before_the_old_one_is_broken)
{
	struct hand_relay *relay = connected("alpha"), old;
	size_t data;

	hand_run(&hand, KS_US_PER_S);
	old = *relay;
	hand_subscribe(relay);
	ck_assert(relay->accepted);
	/* The objects go on in the old one until the new one is confirmed: it cannot be opened with the new keys. */
	relay->wish.session = old.wish.session;
	relay->session = old.session;
	relay->counter = old.counter;
	relay->keys = old.keys;
	relay->seen = old.seen;
	ck_assert_int_eq(hand_object(&hand, 1, FRAME, PERIOD), KS_EOK);
	hand_run(&hand, KS_US_PER_S);
	data = relay->n[KS_DATA];
	ck_assert_uint_ge(data, 86);
	ck_assert(!relay->broken);
	/* A report in the old one keeps it; the new one takes over with its first. */
	hand_renew(relay);
	hand_subscribe(relay);
	hand_renew(relay);
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 1);
	hand_run(&hand, KS_US_PER_S);
	ck_assert_uint_eq(relay->n[KS_DATA], data);	/* nothing is sent twice because of it */
	ck_assert_int_eq(hand_object(&hand, 2, FRAME, PERIOD), KS_EOK);
	hand_run(&hand, KS_US_PER_S);
	ck_assert_uint_ge(relay->n[KS_DATA], data + 86);
}
END_TEST

START_TEST(a_relay_that_was_restarted_begins_anew)
{
	struct hand_relay *relay = connected("alpha");

	ck_assert_int_eq(hand_object(&hand, 1, FRAME, PERIOD), KS_EOK);
	hand_run(&hand, KS_US_PER_S);
	relay->n_log = 0;
	relay->wish.instance[7]++;
	ck_assert(hand_connect(relay));
	hand_run(&hand, KS_US_PER_S);
	ck_assert_uint_ge(hand_count(relay, 1), 86);
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 1);
}
END_TEST

START_TEST(a_lease_ends)
{
	struct hand_relay *relay = connected("alpha");
	size_t n;

	hand_run(&hand, KS_LEASE_US - 1);
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 1);
	hand_run(&hand, 2);
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 0);
	n = relay->n_log;
	ck_assert_int_eq(ks_sender_tick(hand.sender), INT64_MAX);
	hand_object(&hand, 1, FRAME, PERIOD);
	hand_run(&hand, 10 * KS_US_PER_S);
	ck_assert_uint_eq(relay->n_log, n);
}
END_TEST

/* Also when much more than is left of it falls due in one moment. */
START_TEST(a_session_ends_before_its_counter)
{
	struct hand_relay *relay = connected("alpha");
	struct ks_lease *lease = hand.sender->peers[0]->lease;
	uint64_t before = KS_COUNTER_END - 2 * KS_BATCH - 1, sent;

	hand_run(&hand, KS_US_PER_S);
	sent = relay->n[KS_DATA] + relay->n[KS_ALIVE];
	lease->counter = before;
	ck_assert_int_eq(hand_object(&hand, 1, KS_FRAME_MAX, PERIOD), KS_EOK);
	hand.now_us += KS_SPREAD_MAX_US;
	ks_sender_tick(hand.sender);
	sent = relay->n[KS_DATA] + relay->n[KS_ALIVE] - sent;
	ck_assert_uint_gt(sent, 0);
	ck_assert_uint_lt(sent, KS_COUNTER_END - before);
	hand_run(&hand, KS_US_PER_S);
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 0);
	ck_assert(hand_connect(relay));
}
END_TEST

START_TEST(several_relays_may_share_a_key)
{
	struct hand_relay *relays[KS_RELAYS_OF_KEY_MAX + 1];

	for (size_t i = 0; i <= KS_RELAYS_OF_KEY_MAX; i++) {
		relays[i] = connected("alpha");
		hand_run(&hand, KS_US_PER_MS);
		for (size_t j = 1; j <= i; j++)
			hand_renew(relays[j]);
	}
	/* The one that has been silent longest was the first. */
	ck_assert_uint_eq(ks_sender_relays(hand.sender), KS_RELAYS_OF_KEY_MAX);
	ck_assert_uint_eq(relays[0]->n[KS_END], 1);
	hand_object(&hand, 1, FRAME, PERIOD);
	hand_run(&hand, KS_US_PER_S);
	ck_assert_uint_eq(hand_count(relays[0], 1), 0);
	for (size_t i = 1; i <= KS_RELAYS_OF_KEY_MAX; i++)
		ck_assert_uint_ge(hand_count(relays[i], 1), 86);
}
END_TEST

START_TEST(a_loop_to_itself_is_refused)
{
	struct hand_relay *relay = new_relay("alpha");

	unit_log_start();
	memcpy(relay->wish.instance, hand_instance, sizeof(hand_instance));
	hand_subscribe(relay);
	ck_assert_uint_eq(relay->n_log, 0);
	ck_assert_uint_eq(ks_sender_dropped(hand.sender, KS_DROP_LOOP), 1);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "asks itself"));
}
END_TEST

START_TEST(only_from_its_own_address)
{
	struct hand_relay *relay = connected("alpha"), *other = new_relay("beta");

	hand_object(&hand, 1, FRAME, PERIOD);
	/* A captured RENEW that comes from elsewhere first must not draw the frames there. */
	other->session = relay->session;
	other->keys = relay->keys;
	other->psk = relay->psk;
	other->counter = relay->counter;
	hand_renew(other);
	hand_run(&hand, KS_US_PER_S);
	ck_assert_uint_eq(other->n_log, 0);
	ck_assert_uint_eq(ks_sender_dropped(hand.sender, KS_DROP_SESSION), 1);
	ck_assert_uint_ge(hand_count(relay, 1), 86);
}
END_TEST

START_TEST(bye_and_end)
{
	struct hand_relay *relay = connected("alpha"), *other = connected("beta");
	const uint8_t reason = KS_BYE_STOP;

	hand_session(relay, KS_BYE, &reason, 1);
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 1);
	hand_object(&hand, 1, FRAME, PERIOD);
	hand_run(&hand, KS_US_PER_S);
	ck_assert_uint_eq(hand_count(relay, 1), 0);
	ck_assert_uint_ge(hand_count(other, 1), 86);
	ks_sender_stop(hand.sender);
	ck_assert_uint_eq(other->n[KS_END], 1);
	ck_assert_uint_eq(other->end_reason, KS_BYE_STOP);
	ck_assert_uint_eq(relay->n[KS_END], 0);
	hand_object(&hand, 2, FRAME, PERIOD);
	hand_renew(other);
	hand_run(&hand, KS_US_PER_S);
	ck_assert_uint_eq(hand_count(other, 2), 0);
}
END_TEST

START_TEST(head_is_handed_on)
{
	struct hand_relay *relay = connected("alpha");
	uint8_t manifest[KS_HEAD_BODY];

	memset(manifest, 0x5a, sizeof(manifest));
	hand_session(relay, KS_HEAD, manifest, sizeof(manifest));
	ck_assert_uint_eq(hand.heads, 1);
	ck_assert_mem_eq(hand.head, manifest, sizeof(manifest));
	hand_session(relay, KS_HEAD, manifest, sizeof(manifest) - 1);
	ck_assert_uint_eq(hand.heads, 1);
	ck_assert_uint_eq(ks_sender_dropped(hand.sender, KS_DROP_MALFORMED), 1);
}
END_TEST

/* --- keys -------------------------------------------------------------------------------------------- */

START_TEST(a_revoked_relay_is_out)
{
	struct hand_relay *relay = connected("alpha"), *other = connected("beta");
	static const char *const revoked[] = { "zeta", "alpha" };

	ck_assert_int_eq(ks_sender_set_masters(hand.sender, &master, 1, revoked, 2), KS_EOK);
	ck_assert_uint_eq(relay->n[KS_END], 0);	/* nothing is sent but by a tick */
	hand_run(&hand, 1);
	ck_assert_uint_eq(relay->n[KS_END], 1);
	ck_assert_uint_eq(relay->end_reason, KS_BYE_REVOKED);
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 1);
	hand_subscribe(relay);
	hand_subscribe(relay);
	ck_assert(!relay->accepted);
	ck_assert_uint_eq(ks_sender_dropped(hand.sender, KS_DROP_REVOKED), 2);
	hand_renew(other);
	ck_assert_uint_eq(ks_sender_relays(hand.sender), 1);
}
END_TEST

START_TEST(masters_may_be_three)
{
	struct ks_master masters[KS_PSK_MAX + 1] = { 0 };
	struct hand_relay *relays[KS_PSK_MAX];

	for (size_t i = 0; i <= KS_PSK_MAX; i++)
		masters[i].key[0] = (uint8_t)(i + 1);
	ck_assert_int_eq(ks_sender_set_masters(hand.sender, masters, KS_PSK_MAX + 1, NULL, 0), KS_ELIMIT);
	ck_assert_int_eq(ks_sender_set_masters(hand.sender, masters, KS_PSK_MAX, NULL, 0), KS_EOK);
	for (size_t i = 0; i < KS_PSK_MAX; i++) {
		struct ks_psk psk;

		ks_psk_derive(&psk, &masters[i], "alpha");
		relays[i] = hand_relay(&hand, &psk);
		ck_assert(hand_connect(relays[i]));
	}
	ck_assert_uint_eq(ks_sender_relays(hand.sender), KS_PSK_MAX);
	/* The first is withdrawn, half-open sessions of it too; the others go on. */
	hand_subscribe(relays[0]);
	ck_assert_int_eq(ks_sender_set_masters(hand.sender, masters + 1, 2, NULL, 0), KS_EOK);
	hand_run(&hand, 1);
	ck_assert_uint_eq(ks_sender_relays(hand.sender), KS_PSK_MAX - 1);
	hand_renew(relays[0]);
	hand_subscribe(relays[0]);
	ck_assert_uint_eq(ks_sender_relays(hand.sender), KS_PSK_MAX - 1);
	ck_assert_uint_eq(ks_sender_dropped(hand.sender, KS_DROP_KEY), 1);
}
END_TEST

/* --- relays that the parent was told of ----------------------------------------------------------------- */

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

static TCase *add_case(Suite *suite, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	suite_add_tcase(suite, tc);
	return tc;
}

static Suite *sender_suite(void)
{
	Suite *suite = suite_create("sender");
	TCase *tc = add_case(suite, "sessions");

	tcase_add_test(tc, subscribe_brings_a_session_and_the_newest_frame);
	tcase_add_test(tc, what_is_not_authentic_gets_no_answer);
	tcase_add_test(tc, a_cookie_is_of_one_address);
	tcase_add_test(tc, the_same_question_gets_the_same_answer);
	tcase_add_test(tc, half_open_sessions_are_few_and_short);
	tcase_add_test(tc, half_open_sessions_of_one_relay_push_out_no_other);
	tcase_add_test(tc, a_session_is_made_before_the_old_one_is_broken);
	tcase_add_test(tc, a_relay_that_was_restarted_begins_anew);
	tcase_add_test(tc, a_lease_ends);
	tcase_add_test(tc, a_session_ends_before_its_counter);
	tcase_add_test(tc, several_relays_may_share_a_key);
	tcase_add_test(tc, a_loop_to_itself_is_refused);
	tcase_add_test(tc, only_from_its_own_address);
	tcase_add_test(tc, bye_and_end);
	tcase_add_test(tc, head_is_handed_on);
	tc = add_case(suite, "keys");
	tcase_add_test(tc, a_revoked_relay_is_out);
	tcase_add_test(tc, masters_may_be_three);
	tc = add_case(suite, "told");
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
	return unit_run(sender_suite());
}
