/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/sender.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/wire/fec.h"
#include "tests/unit/unit.h"
#include "tests/wire/hand.h"

#define FRAME 98000	/* bytes: k = 86 */
#define PERIOD KS_US_PER_S
#define BACK_US (40 * KS_US_PER_S)	/* until the breaker is closed again */

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


static struct hand_relay *connected(const char *name)
{
	struct hand_relay *relay = new_relay(name);

	ck_assert(hand_connect(relay));
	return relay;
}

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

/* --- what is sent when -------------------------------------------------------------------------------------- */

static size_t count_at(const struct hand_relay *relay, uint32_t seq, int64_t from_us, int64_t to_us)
{
	size_t n = 0;

	for (size_t i = 0; i < relay->n_log; i++)
		n += relay->log[i].type == KS_DATA && relay->log[i].data.seq == seq && relay->log[i].at_us >= from_us &&
		     relay->log[i].at_us < to_us;
	return n;
}

START_TEST(a_frame_is_spread_out)
{
	static const struct { int64_t period_us, spread_us; bool nack; } cases[] = {
		{ KS_US_PER_S, KS_SPREAD_MAX_US, true }, { 100 * KS_US_PER_MS, 25 * KS_US_PER_MS, true },
		{ KS_US_PER_S, 600 * KS_US_PER_MS, false },
	};
	struct hand_relay *relay = new_relay("alpha");
	int64_t begin_us, spread_us = cases[_i].spread_us;
	size_t all;

	relay->wish.nack = cases[_i].nack;
	ck_assert(hand_connect(relay));
	hand_live(relay, 3 * KS_US_PER_S);
	begin_us = hand.now_us;
	hand_object(&hand, 1, FRAME, cases[_i].period_us);
	hand_run(&hand, KS_US_PER_S);
	all = hand_count(relay, 1);
	ck_assert_uint_eq(count_at(relay, 1, begin_us, begin_us + spread_us), all);
	for (int64_t t = 0; t < spread_us; t += KS_TICK_US) {
		size_t n = count_at(relay, 1, begin_us, begin_us + t + 1), due = all * (size_t)(t + KS_TICK_US) /
									     (size_t)spread_us;

		ck_assert_uint_le(n, due + 1);
		ck_assert_uint_ge(n + 1, due);
	}
	for (size_t i = 0; i < relay->n_log; i++)
		if (relay->log[i].type == KS_DATA)
			ck_assert_uint_eq(relay->log[i].data.spread,
					  cases[_i].nack ? (spread_us + KS_SPREAD_UNIT_US - 1) / KS_SPREAD_UNIT_US
							 : KS_SPREAD_UNITS_MAX);
}
END_TEST

START_TEST(bytes_are_those_of_the_object)
{
	struct hand_relay *relay = new_relay("alpha");
	bool seen[86] = { false };

	relay->wish.from_top = _i == 1;
	ck_assert(hand_connect(relay));
	relay->n_log = 0;
	hand_object(&hand, 1, FRAME, PERIOD);
	hand_run(&hand, KS_US_PER_S);
	for (size_t i = 0; i < relay->n_log; i++) {
		const struct ks_data_header *h = &relay->log[i].data;

		if (relay->log[i].type != KS_DATA)
			continue;
		ck_assert_uint_eq(h->object_len, FRAME);
		ck_assert_uint_eq(h->nblocks, 1);
		if (h->shard < 86)
			seen[h->shard] = true;
		else if (_i == 1)
			ck_assert_uint_gt(h->shard, 225);
		else
			ck_assert_uint_lt(h->shard, 86 + 30);
	}
	for (size_t i = 0; i < 86; i++)
		ck_assert(seen[i]);
	ck_assert_uint_eq(relay->log[0].data.shard, _i == 1 ? 85 : 0);
}
END_TEST

START_TEST(parity_follows_the_reports)
{
	struct hand_relay *relay = connected("alpha");
	static const struct { uint32_t loss_ppm; size_t least, most; } steps[] = {
		{ 0, 2, 6 }, { 200000, 22, 36 }, { 0, 2, 6 },
	};
	uint32_t seq = 0;

	relay->seen.rtt_ms = 40;
	/* Before the first report: for 10 %. */
	hand_object(&hand, ++seq, FRAME, PERIOD);
	hand_live(relay, PERIOD);
	ck_assert_uint_eq(hand_count(relay, seq), 86 + ks_fec_parity(86, 100000, KS_CHANCE_90));
	for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
		size_t before;

		relay->loss_ppm = steps[s].loss_ppm;
		for (int i = 0; i < 12; i++) {
			relay->n_log = 0;
			hand_object(&hand, ++seq, FRAME, PERIOD);
			hand_live(relay, PERIOD);
		}
		relay->loss_ppm = 0;
		before = hand_count(relay, seq);
		hand_object(&hand, ++seq, FRAME, PERIOD);
		hand_run(&hand, 300 * KS_US_PER_MS);
		ck_assert_msg(hand_count(relay, seq) >= 86 + steps[s].least && hand_count(relay, seq) <= 86 + steps[s].most,
			      "at %u: %zu, before %zu", steps[s].loss_ppm, hand_count(relay, seq) - 86, before);
	}
}
END_TEST

START_TEST(parity_follows_what_time_there_is_to_ask)
{
	static const struct { uint16_t rtt_ms; bool nack; enum ks_chance chance; } cases[] = {
		{ 100, true, KS_CHANCE_90 }, { 400, true, KS_CHANCE_99 }, { 900, true, KS_CHANCE_9999 },
		{ 20, false, KS_CHANCE_9999 },
	};
	struct hand_relay *relay = new_relay("alpha");
	uint32_t loss_ppm = 20000;
	size_t n;

	relay->wish.nack = cases[_i].nack;
	ck_assert(hand_connect(relay));
	for (uint32_t seq = 1; seq < 15; seq++) {
		relay->seen.rtt_ms = cases[_i].rtt_ms;
		relay->n_log = 0;
		hand_object(&hand, seq, FRAME, PERIOD);
		hand_live(relay, PERIOD);
	}
	n = hand_count(relay, 14) - 86;
	ck_assert_uint_ge(n, ks_fec_parity(86, loss_ppm, cases[_i].chance));
	ck_assert_uint_le(n, ks_fec_parity(86, loss_ppm + 8000, cases[_i].chance));
}
END_TEST

START_TEST(tracks_and_filters)
{
	struct hand_relay *all = connected("alpha"), *some = new_relay("beta");
	static const char *const renditions[] = { "r0", "r1", "r2" };
	uint32_t tracks[3];
	size_t n[3] = { 0 }, n_some[3] = { 0 };

	memcpy(some->wish.filter.renditions[0], "r1", 3);
	some->wish.filter.n_renditions = 1;
	ck_assert(hand_connect(some));
	for (size_t i = 0; i < 3; i++) {
		const struct ks_outgoing object = { "channel", renditions[i], 0, 0, { 1, 1 }, PERIOD,
						    hand_bytes(1, 20000), 20000 };

		tracks[i] = ks_track_of("channel", renditions[i]);
		ck_assert_int_eq(ks_sender_object(hand.sender, &object), KS_EOK);
		ck_assert_int_eq(ks_sender_object(hand.sender, &object), KS_ESTALE);
	}
	hand_run(&hand, KS_US_PER_S);
	for (size_t t = 0; t < 3; t++) {
		for (size_t i = 0; i < all->n_log; i++)
			n[t] += all->log[i].type == KS_DATA && all->log[i].data.track == tracks[t];
		for (size_t i = 0; i < some->n_log; i++)
			n_some[t] += some->log[i].type == KS_DATA && some->log[i].data.track == tracks[t];
		ck_assert_uint_ge(n[t], 18);
	}
	ck_assert_uint_eq(n_some[0], 0);
	ck_assert_uint_ge(n_some[1], 18);
	ck_assert_uint_eq(n_some[2], 0);
}
END_TEST

START_TEST(what_the_network_does_not_take_is_sent_later)
{
	struct hand_relay *relay = connected("alpha");

	hand_live(relay, 2 * KS_US_PER_S);
	hand.takes = 1;
	hand_object(&hand, 1, FRAME, PERIOD);
	hand_run(&hand, KS_US_PER_S);
	ck_assert_uint_ge(hand_count(relay, 1), 86 + 4);
	hand.takes = 0;
	hand.fail = -11;	/* EAGAIN */
	hand_object(&hand, 2, FRAME, PERIOD);
	hand_run(&hand, 100 * KS_US_PER_MS);
	ck_assert_uint_eq(hand_count(relay, 2), 0);
	hand.fail = 0;
	hand_run(&hand, 150 * KS_US_PER_MS);
	ck_assert_uint_ge(hand_count(relay, 2), 86 + 4);
	/* Counters that were used up do not look like loss. */
	hand_renew(relay);
	hand_live(relay, 5 * KS_US_PER_S);
	relay->n_log = 0;
	hand_object(&hand, 3, FRAME, PERIOD);
	hand_run(&hand, KS_US_PER_S);
	ck_assert_uint_le(hand_count(relay, 3), 86 + 6);
}
END_TEST

START_TEST(alive_names_what_was_sent)
{
	struct hand_relay *relay = connected("alpha");
	size_t alives;

	hand_live(relay, 2 * KS_US_PER_S);
	ck_assert_uint_eq(relay->alive.n, 0);
	hand_object(&hand, 7, FRAME, PERIOD);
	hand_run(&hand, 300 * KS_US_PER_MS);
	alives = relay->n[KS_ALIVE];
	hand_run(&hand, KS_ALIVE_US);
	ck_assert_uint_eq(relay->n[KS_ALIVE], alives + 1);
	ck_assert_uint_eq(relay->alive.n, 1);
	ck_assert_uint_eq(relay->alive.objects[0].header.seq, 7);
	ck_assert_uint_eq(relay->alive.objects[0].shard_len, 1152);
	ck_assert_uint_eq(relay->alive.objects[0].header.object_len, FRAME);
	hand_live(relay, 10 * KS_US_PER_S);
	ck_assert_uint_ge(relay->n[KS_ALIVE], alives + 19);
	ck_assert_uint_le(relay->n[KS_ALIVE], alives + 22);
}
END_TEST

/* --- what is asked for ------------------------------------------------------------------------------------ */

static struct ks_nack nack_of(uint32_t seq, uint8_t missing)
{
	struct ks_nack nack = { .track = ks_track_of("channel", "r0"), .epoch = 1, .seq = seq, .n = missing > 0 };

	nack.blocks[0].missing = missing;
	return nack;
}

START_TEST(a_request_is_answered_by_new_rows)
{
	struct hand_relay *relay = connected("alpha");
	struct ks_nack nack = nack_of(6, 10);
	bool seen[255] = { false };
	size_t n;
	int64_t begin_us;

	for (uint32_t seq = 1; seq < 6; seq++) {
		hand_object(&hand, seq, FRAME, PERIOD);
		hand_live(relay, PERIOD);
	}
	relay->n_log = 0;
	hand_object(&hand, 6, FRAME, PERIOD);
	hand_run(&hand, 300 * KS_US_PER_MS);
	n = hand_count(relay, 6);
	begin_us = hand.now_us;
	hand_nack(relay, &nack);
	hand_run(&hand, 20 * KS_US_PER_MS);
	ck_assert_uint_ge(hand_count(relay, 6), n + 10);
	ck_assert_uint_le(hand_count(relay, 6), n + 13);
	/* Not in one go. */
	ck_assert_uint_le(count_at(relay, 6, begin_us, begin_us + 1), 5);
	hand_nack(relay, &nack);
	hand_run(&hand, 100 * KS_US_PER_MS);
	for (size_t i = 0; i < relay->n_log; i++)
		if (relay->log[i].type == KS_DATA) {
			ck_assert(!seen[relay->log[i].data.shard]);
			seen[relay->log[i].data.shard] = true;
		}
	/* All that there is, if need be, and then from the beginning; but not for ever. */
	for (int round = 0; round < 100; round++) {
		hand_nack(relay, &nack);
		hand_run(&hand, 100 * KS_US_PER_MS);
	}
	n = hand_count(relay, 6);
	ck_assert_uint_gt(n, 255);
	hand_nack(relay, &nack);
	hand_run(&hand, 100 * KS_US_PER_MS);
	ck_assert_uint_eq(hand_count(relay, 6), n);
	ck_assert_uint_gt(ks_sender_dropped(hand.sender, KS_DROP_LIMIT), 0);
	for (size_t i = 0; i < relay->n_log; i++)
		if (relay->log[i].type == KS_DATA)
			seen[relay->log[i].data.shard] = true;
	for (size_t i = 0; i < 255; i++)
		ck_assert(seen[i]);
}
END_TEST

START_TEST(a_budget_bounds_what_is_asked_for)
{
	struct hand_relay *relay = connected("alpha");
	struct ks_sender_totals totals;
	size_t first = 0;

	for (uint32_t seq = 1; seq <= 40; seq++) {
		struct ks_nack nack = nack_of(seq, 86);

		hand_object(&hand, seq, FRAME, PERIOD);
		hand_run(&hand, 250 * KS_US_PER_MS);
		first += 86 + 10;
		for (int round = 0; round < 10; round++) {
			hand_nack(relay, &nack);
			hand_run(&hand, 50 * KS_US_PER_MS);
		}
		hand_live(relay, PERIOD);
	}
	ks_sender_totals(hand.sender, &totals);
	ck_assert_uint_gt(totals.asked, first / 2);
	ck_assert_uint_le(totals.asked, first * (KS_BUDGET_PERCENT - 100) / 100);
	ck_assert_uint_eq(totals.data_shard_bytes, 40 * 86 * 1152);
}
END_TEST

START_TEST(what_is_complete_is_not_sent_on)
{
	struct hand_relay *relay = connected("alpha");
	struct ks_nack done = nack_of(1, 0), nack = nack_of(1, 5);
	size_t n;

	hand_live(relay, 3 * KS_US_PER_S);
	hand_object(&hand, 1, FRAME, PERIOD);
	hand_run(&hand, 100 * KS_US_PER_MS);
	hand_nack(relay, &done);
	n = hand_count(relay, 1);
	ck_assert_uint_lt(n, 60);
	hand_run(&hand, 2 * KS_US_PER_S);
	ck_assert_uint_eq(hand_count(relay, 1), n);
	ck_assert_uint_eq(relay->alive.n, 0);
	hand_nack(relay, &nack);
	hand_run(&hand, KS_US_PER_S);
	ck_assert_uint_eq(hand_count(relay, 1), n);
}
END_TEST

START_TEST(requests_that_make_no_sense)
{
	struct hand_relay *relay = connected("alpha");
	struct ks_nack nack = nack_of(99, 5);

	hand_object(&hand, 1, FRAME, PERIOD);
	hand_run(&hand, KS_US_PER_S);
	hand_nack(relay, &nack);
	ck_assert_uint_eq(ks_sender_dropped(hand.sender, KS_DROP_LATE), 1);
	nack = nack_of(1, 5);
	nack.blocks[0].block = 1;
	hand_nack(relay, &nack);
	ck_assert_uint_eq(ks_sender_dropped(hand.sender, KS_DROP_MALFORMED), 1);
	/* Several are kept, the oldest goes. */
	for (uint32_t seq = 2; seq <= 1 + KS_OBJECTS_MAX; seq++) {
		hand_object(&hand, seq, FRAME, PERIOD);
		hand_run(&hand, KS_US_PER_S);
	}
	nack = nack_of(1, 5);
	hand_nack(relay, &nack);
	ck_assert_uint_eq(ks_sender_dropped(hand.sender, KS_DROP_LATE), 2);
	nack = nack_of(2, 5);
	hand_nack(relay, &nack);
	ck_assert_uint_eq(ks_sender_dropped(hand.sender, KS_DROP_LATE), 2);
}
END_TEST

START_TEST(an_early_request_counts_what_is_still_coming)
{
	struct hand_relay *relay = connected("alpha");
	struct ks_nack nack = nack_of(1, 50);
	struct ks_sender_totals totals;

	hand_live(relay, 3 * KS_US_PER_S);
	hand_object(&hand, 1, FRAME, PERIOD);
	hand_run(&hand, 50 * KS_US_PER_MS);
	hand_nack(relay, &nack);
	hand_run(&hand, KS_US_PER_S);
	ks_sender_totals(hand.sender, &totals);
	ck_assert_uint_eq(totals.asked, 0);
}
END_TEST

/* --- paths ---------------------------------------------------------------------------------------------------- */

static size_t longest_data(const struct hand_relay *relay)
{
	size_t longest = 0;

	for (size_t i = 0; i < relay->n_log; i++)
		if (relay->log[i].type == KS_DATA && relay->log[i].len > longest)
			longest = relay->log[i].len;
	return longest;
}

START_TEST(a_path_that_says_it_is_narrow)
{
	struct hand_relay *relay = connected("alpha"), *wide = connected("beta");

	hand_live(relay, KS_US_PER_S);
	hand_renew(wide);
	relay->mtu = 1100;
	relay->refuse_long = true;
	hand_object(&hand, 1, FRAME, PERIOD);
	hand_run(&hand, KS_US_PER_S);
	ck_assert_uint_eq(longest_data(relay), 1024);
	ck_assert_uint_ge(hand_count(relay, 1), 101);
	ck_assert_uint_eq(longest_data(wide), 1200);
	/* Wide again: tried once a minute. */
	relay->mtu = 0;
	relay->n_log = 0;
	hand_live(relay, 62 * KS_US_PER_S);
	hand_object(&hand, 2, FRAME, PERIOD);
	hand_run(&hand, KS_US_PER_S);
	ck_assert_uint_eq(longest_data(relay), 1200);
}
END_TEST

START_TEST(a_path_that_swallows_what_is_long)
{
	struct hand_relay *relay = new_relay("alpha"), *wide = connected("beta");
	uint32_t seq = 0;
	int seconds = 0;

	relay->mtu = _i == 0 ? 1100 : 600;
	ck_assert(hand_connect(relay));
	while (relay->n[KS_DATA] == 0 && seconds++ < 20) {
		hand_object(&hand, ++seq, FRAME, PERIOD);
		hand_live(relay, PERIOD);
		hand_renew(wide);
	}
	ck_assert_uint_eq(longest_data(relay), _i == 0 ? 1024 : 576);
	ck_assert_int_le(seconds, _i == 0 ? 4 : 8);
	ck_assert_uint_eq(longest_data(wide), 1200);
	/* The newest frame goes once more, whole. */
	hand_run(&hand, 300 * KS_US_PER_MS);
	ck_assert_uint_ge(hand_count(relay, seq), _i == 0 ? 101 : 186);
	/* It stays so, also in the next session. */
	ck_assert(hand_connect(relay));
	relay->n_log = 0;
	hand_object(&hand, ++seq, FRAME, PERIOD);
	hand_live(relay, PERIOD);
	ck_assert_uint_eq(longest_data(relay), _i == 0 ? 1024 : 576);
}
END_TEST

START_TEST(a_path_that_becomes_narrow)
{
	struct hand_relay *relay = connected("alpha");
	uint32_t seq = 0;

	for (; seq < 5; seq++) {
		hand_object(&hand, seq + 1, FRAME, PERIOD);
		hand_live(relay, PERIOD);
	}
	relay->mtu = 1100;
	relay->n_log = 0;
	for (; seq < 9; seq++) {
		hand_object(&hand, seq + 1, FRAME, PERIOD);
		hand_live(relay, PERIOD);
	}
	ck_assert_uint_eq(longest_data(relay), 1024);
	/* Wide again: the next session shows it. */
	relay->mtu = 0;
	ck_assert(hand_connect(relay));
	hand_renew(relay);
	hand_object(&hand, ++seq, FRAME, PERIOD);
	hand_live(relay, PERIOD);
	ck_assert_uint_eq(longest_data(relay), 1200);
}
END_TEST

START_TEST(a_path_that_is_only_broken_keeps_its_size)
{
	struct hand_relay *relay = connected("alpha");

	hand_live(relay, 2 * KS_US_PER_S);
	relay->loss_ppm = 1000000;
	for (uint32_t seq = 1; seq < 20; seq++) {
		hand_object(&hand, seq, FRAME, PERIOD);
		hand_live(relay, PERIOD);
	}
	relay->loss_ppm = 0;
	hand_object(&hand, 20, FRAME, PERIOD);
	hand_live(relay, BACK_US);
	hand_object(&hand, 21, FRAME, PERIOD);
	hand_live(relay, PERIOD);
	ck_assert_uint_eq(longest_data(relay), 1200);
}
END_TEST

START_TEST(a_relay_may_want_shorter_ones)
{
	struct hand_relay *relay = new_relay("alpha");

	relay->wish.datagram = 1100;
	ck_assert(hand_connect(relay));
	hand_object(&hand, 1, FRAME, PERIOD);
	hand_live(relay, 130 * KS_US_PER_S);
	ck_assert_uint_eq(relay->seen.longest, 1024);
}
END_TEST

START_TEST(the_breaker_sends_less_and_comes_back)
{
	struct hand_relay *relay = connected("alpha");
	uint32_t seq = 0;
	struct ks_sender_totals before, after;
	static const struct { uint32_t loss_ppm; int seconds; unsigned least, most; } steps[] = {
		{ 0, 10, 10, 10 }, { 420000, 20, 10, 20 }, { 420000, 20, 10, 10 }, { 650000, 60, 0, 60 },
		{ 650000, 20, 4, 4 }, { 0, 40, 0, 40 }, { 0, 10, 10, 10 },
	};

	unit_log_start();
	for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
		unsigned frames = 0;

		relay->loss_ppm = steps[s].loss_ppm;
		for (int i = 0; i < steps[s].seconds; i++) {
			ks_sender_totals(hand.sender, &before);
			hand_object(&hand, ++seq, 50000, PERIOD);
			hand_live(relay, PERIOD);
			ks_sender_totals(hand.sender, &after);
			frames += after.data_datagrams > before.data_datagrams;
		}
		ck_assert_msg(frames >= steps[s].least && frames <= steps[s].most, "step %zu: %u frames", s, frames);
	}
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "every second frame"));
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "each five seconds"));
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "all frames are sent again"));
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
	const struct ks_outgoing object = { "channel", "r0", 0, KS_HOPS_MAX + 1, { 1, 1 }, PERIOD, hand_bytes(1, 9), 9 };

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
	tcase_add_test(tc, a_session_is_made_before_the_old_one_is_broken);
	tcase_add_test(tc, a_relay_that_was_restarted_begins_anew);
	tcase_add_test(tc, a_lease_ends);
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
	tc = add_case(suite, "pace");
	tcase_add_loop_test(tc, a_frame_is_spread_out, 0, 3);
	tcase_add_loop_test(tc, bytes_are_those_of_the_object, 0, 2);
	tcase_add_test(tc, parity_follows_the_reports);
	tcase_add_loop_test(tc, parity_follows_what_time_there_is_to_ask, 0, 4);
	tcase_add_test(tc, tracks_and_filters);
	tcase_add_test(tc, what_the_network_does_not_take_is_sent_later);
	tcase_add_test(tc, alive_names_what_was_sent);
	tc = add_case(suite, "requests");
	tcase_add_test(tc, a_request_is_answered_by_new_rows);
	tcase_add_test(tc, a_budget_bounds_what_is_asked_for);
	tcase_add_test(tc, what_is_complete_is_not_sent_on);
	tcase_add_test(tc, requests_that_make_no_sense);
	tcase_add_test(tc, an_early_request_counts_what_is_still_coming);
	tc = add_case(suite, "paths");
	tcase_add_test(tc, a_path_that_says_it_is_narrow);
	tcase_add_loop_test(tc, a_path_that_swallows_what_is_long, 0, 2);
	tcase_add_test(tc, a_path_that_becomes_narrow);
	tcase_add_test(tc, a_path_that_is_only_broken_keeps_its_size);
	tcase_add_test(tc, a_relay_may_want_shorter_ones);
	tcase_add_test(tc, the_breaker_sends_less_and_comes_back);
	tc = add_case(suite, "cost");
	tcase_add_test(tc, idle_relays_cost_next_to_nothing);
	tcase_add_test(tc, metrics_have_one_sample_for_each_relay);
	tcase_add_test(tc, limits);
	return suite;
}

int main(void)
{
	return unit_run(sender_suite());
}
