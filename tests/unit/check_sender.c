/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/sender.h"

#include <stdio.h>

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

static size_t lines_with(const char *text)
{
	size_t n = 0;

	for (const char *at = unit_log_text(); (at = strstr(at, text)) != NULL; at++)
		n++;
	return n;
}

START_TEST(who_comes_and_goes_does_not_fill_the_log)
{
	struct hand_relay *honest = new_relay("alpha"), *thief = new_relay("beta");
	const uint8_t reason = KS_BYE_STOP;
	const int64_t minutes = 3;

	unit_log_start();
	for (unsigned i = 0; i < minutes * 600; i++) {
		/* Also by being started anew, in the same session's stead. */
		thief->wish.instance[7] = (uint8_t)i;
		ck_assert(hand_connect(thief));
		if (i % 3 == 0)
			hand_session(thief, KS_BYE, &reason, 1);
		if (i % 200 == 0) {
			ck_assert(hand_connect(honest));
			hand_session(honest, KS_BYE, &reason, 1);
		}
		hand_run(&hand, KS_US_PER_S / 10);
	}
	ck_assert_uint_le(lines_with("relay beta"), 2 * (KS_SAID_MAX + (size_t)minutes));
	ck_assert_uint_ge(lines_with("relay beta"), KS_SAID_MAX);
	ck_assert_uint_eq(lines_with("relay alpha (came by itself): session set up"), 9);
	ck_assert_uint_eq(lines_with("relay alpha (came by itself): it ended the session"), 9);
	/* What lasts is said, and so is its end. */
	unit_log_start();
	thief->wish.instance[7]++;
	ck_assert(hand_connect(thief));
	hand_live(thief, KS_SAID_US + KS_US_PER_S);
	ck_assert_uint_eq(lines_with("relay beta (came by itself): session set up ("), 1);
	ck_assert_uint_eq(lines_with("before it were not logged"), 1);
	hand_session(thief, KS_BYE, &reason, 1);
	ck_assert_uint_eq(lines_with("relay beta (came by itself): it ended the session"), 1);
	ck_assert_uint_eq(lines_with("relay beta"), 2);
}
END_TEST

/* A RENEW that lies makes a path seem to change whenever it likes. */
START_TEST(who_lies_about_the_path_does_not_fill_the_log)
{
	struct hand_relay *liar = new_relay("beta");
	const uint8_t reason = KS_BYE_STOP;
	uint32_t seq = 0;

	unit_log_start();
	for (unsigned i = 0; i < 100; i++) {
		ck_assert(hand_connect(liar));
		for (unsigned report = 0; report < 4; report++) {
			ck_assert_int_eq(hand_object(&hand, ++seq, FRAME, PERIOD / 10), KS_EOK);
			hand_run(&hand, PERIOD / 10);
			liar->seen.received = report + 1;
			hand_renew(liar);
		}
		hand_session(liar, KS_BYE, &reason, 1);
	}
	ck_assert_uint_ge(lines_with("no longer arrive"), 1);
	ck_assert_uint_le(lines_with("relay beta"), 2 * KS_SAID_MAX + 2);
}
END_TEST

static bool tell_head(struct hand_relay *relay)
{
	static const uint8_t manifest[KS_HEAD_BODY] = { 0x5a };
	size_t before = hand.heads;

	hand_session(relay, KS_HEAD, manifest, sizeof(manifest));
	return hand.heads > before;
}

/* Not by going and coming again, nor by coming as several. */
START_TEST(a_relay_that_was_stolen_does_not_drown_what_others_tell)
{
	struct hand_relay *honest = connected("alpha"), *thief = connected("beta"), *another = connected("beta");
	const uint8_t reason = KS_BYE_STOP;
	unsigned told = 0, refused = 0;

	for (unsigned second = 0; second < 5; second++) {
		for (unsigned i = 0; i < 100; i++) {
			told += tell_head(thief);
			told += tell_head(another);
			if (i % 10 == 9) {
				hand_session(thief, KS_BYE, &reason, 1);
				ck_assert(hand_connect(thief));
			}
			refused += i % 50 == 0 && !tell_head(honest);
			hand_run(&hand, KS_US_PER_S / 100);
		}
		hand_renew(another);
	}
	ck_assert_uint_eq(refused, 0);
	ck_assert_uint_le(told, 6 * KS_HEADS_PER_S);
	ck_assert_uint_ge(told, 5 * KS_HEADS_PER_S);
	ck_assert_uint_eq(ks_sender_dropped(hand.sender, KS_DROP_RATE), 1000 - told);
	/* Many others, in between, do not make it forgotten. */
	while (tell_head(another))
		;
	for (unsigned i = 0; i < KS_RELAYS_MAX - 3; i++) {
		char name[16];
		struct hand_relay *relay;

		snprintf(name, sizeof(name), "relay%u", i);
		relay = connected(name);
		hand_session(relay, KS_BYE, &reason, 1);
	}
	hand_session(thief, KS_BYE, &reason, 1);
	ck_assert(hand_connect(thief));
	ck_assert(!tell_head(thief));
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
	tcase_add_test(tc, who_comes_and_goes_does_not_fill_the_log);
	tcase_add_test(tc, who_lies_about_the_path_does_not_fill_the_log);
	tcase_add_test(tc, a_relay_that_was_stolen_does_not_drown_what_others_tell);
	tc = add_case(suite, "keys");
	tcase_add_test(tc, a_revoked_relay_is_out);
	tcase_add_test(tc, masters_may_be_three);
	return suite;
}

int main(void)
{
	return unit_run(sender_suite());
}
