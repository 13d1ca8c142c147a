/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a session with a parent, as the relay sees it; the parent is played by a script.
 */
#include "lib/wire/receiver.h"

#include "tests/unit/with_parents.h"

/* --- a session's life ----------------------------------------------------------------------------- */

START_TEST(sessions_are_renewed_without_a_gap)
{
	const struct fake_object *object = make(0);
	struct fake_session old;

	fake_join(&fake, 0);
	fake_keep_alive(a, KS_SESSION_US * 85 / 100);
	ck_assert_uint_eq(a->count[KS_SUBSCRIBE], 1);
	old = a->session;
	for (size_t i = 0; a->count[KS_SUBSCRIBE] == 1 && i < 400; i++) {
		fake_put(a, &old, KS_ALIVE, (const uint8_t[]){ 0 }, 1);
		fake_run(&fake, 100 * MS);
	}
	ck_assert_uint_eq(a->count[KS_SUBSCRIBE], 2);
	/* Both sessions are good: the object comes half in one, half in the other. */
	fake_shards(a, object, 0, 10);
	a->session.ours = old.ours;
	for (size_t i = 10; i < 20; i++) {
		struct fake_session new = a->session;

		a->session = old;
		fake_shard(a, object, i);
		old = a->session;
		a->session = new;
	}
	ck_assert_uint_eq(fake.delivered, 1);
	ck_assert_uint_eq(dropped(KS_DROP_SESSION), 0);
	fake_keep_alive(a, KS_FADE_US + 1 * S);
	fake_put(a, &old, KS_ALIVE, (const uint8_t[]){ 0 }, 1);
	ck_assert_uint_eq(dropped(KS_DROP_SESSION), 1);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 1);
}
END_TEST

START_TEST(a_quiet_parent_is_asked_beside_the_old_session)
{
	size_t number = fake_join(&fake, 0);
	struct fake_session old = a->session;

	a->mute = true;
	fake_run(&fake, KS_QUIET_US - 100 * MS);
	ck_assert_uint_eq(a->count[KS_SUBSCRIBE] + a->uncooked, 2);
	ck_assert(ks_receiver_connected(fake.receiver, number));
	fake_run(&fake, 200 * MS);
	ck_assert_uint_eq(a->count[KS_SUBSCRIBE] + a->uncooked, 3);
	ck_assert(!ks_receiver_connected(fake.receiver, number));
	ck_assert_int_eq(ks_receiver_silent_since_us(fake.receiver, number), fake.now_us - KS_QUIET_US - 100 * MS);
	fake_put(a, &old, KS_ALIVE, (const uint8_t[]){ 0 }, 1);
	ck_assert(ks_receiver_connected(fake.receiver, number));
	ck_assert_uint_eq(dropped(KS_DROP_SESSION), 0);
	fake_run(&fake, KS_IDLE_US + 1 * S);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 0);
	ck_assert_uint_eq(lines_with("cannot be reached"), 1);
	fake_put(a, &old, KS_ALIVE, (const uint8_t[]){ 0 }, 1);
	ck_assert_uint_eq(dropped(KS_DROP_SESSION), 1);
}
END_TEST

/* Asking in vain does not make it slow for the next silence. */
START_TEST(beside_a_session_asking_stays_quick)
{
	size_t asked;

	fake_join(&fake, 0);
	a->mute = true;
	fake_run(&fake, KS_QUIET_US + 3 * S);
	asked = a->uncooked;
	fake_keep_alive(a, 20 * S);
	ck_assert_uint_ge(a->uncooked - asked, 20 * S / (KS_ASK_BESIDE_MAX_US * 5 / 4) - 1);
	ck_assert_uint_le(a->uncooked - asked, 20 * S / (KS_ASK_BESIDE_MAX_US * 3 / 4) + 1);
	a->mute = false;
	asked = a->count[KS_RENEW];
	fake_run(&fake, KS_ASK_BESIDE_MAX_US * 5 / 4 + 1 * MS);
	ck_assert_uint_eq(a->subscribe.session, a->session.theirs);
	ck_assert(a->session.confirmed);
}
END_TEST

START_TEST(a_silent_parent_that_offered_itself_is_forgotten)
{
	accept_keys(a);
	fake_offer(&fake, 0);
	fake_long_alive(a);
	a->mute = true;
	fake_run(&fake, KS_IDLE_US - 100 * MS);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 1);
	ck_assert_uint_gt(a->count[KS_SUBSCRIBE] + a->uncooked, 1);
	fake_run(&fake, 8 * S);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 0);
	fake_run(&fake, 20 * S);
	fake.sent = 0;
	fake_run(&fake, 60 * S);
	ck_assert_uint_eq(fake.sent, 0);
}
END_TEST

START_TEST(a_refusal_only_makes_us_ask)
{
	const struct ks_endpoint there = { { 0 }, 1, 1 }, elsewhere = { { 3 }, 1, 1 };
	size_t number = fake_join(&fake, 0);

	ks_receiver_refused(fake.receiver, &elsewhere);
	fake_tick(&fake);
	ck_assert_uint_eq(a->count[KS_SUBSCRIBE], 1);
	a->mute = true;
	for (size_t i = 0; i < 20; i++) {
		ks_receiver_refused(fake.receiver, &there);
		fake_run(&fake, 1 * MS);
	}
	ck_assert_uint_eq(a->count[KS_SUBSCRIBE] + a->uncooked, 3);
	fake_alive(a, NULL);
	ck_assert(ks_receiver_connected(fake.receiver, number));
}
END_TEST

START_TEST(an_end_is_logged_and_asked_about)
{
	size_t number = fake_join(&fake, 0);

	fake_end(a, KS_BYE_STOP);
	ck_assert(!ks_receiver_connected(fake.receiver, number));
	ck_assert_int_eq(ks_receiver_silent_since_us(fake.receiver, number), fake.now_us);
	ck_assert_uint_eq(lines_with("parent parent-0 ([::0]:7510) has ended the session: stopped"), 1);
	fake_run(&fake, 400 * MS);
	fake_alive(a, NULL);
	ck_assert(ks_receiver_connected(fake.receiver, number));
	fake_end(a, KS_BYE_REVOKED);
	ck_assert_uint_eq(lines_with("its key was revoked"), 1);
	fake_run(&fake, 5 * S);
	ck_assert_uint_eq(a->count[KS_SUBSCRIBE], 2);
}
END_TEST

START_TEST(a_parent_that_comes_and_goes_does_not_fill_the_log)
{
	bool told = _i == 0;
	int64_t from_us;

	if (told)
		fake_join(&fake, 0);
	else
		accept_keys(a);
	from_us = fake.now_us;
	for (unsigned i = 0; i < 300; i++) {
		if (!told)
			fake_offer(&fake, 0);
		fake_alive(a, NULL);
		ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 1);
		fake_end(a, KS_BYE_STOP);
		fake_run(&fake, 400 * MS);	/* asks anew, if told of */
	}
	ck_assert_uint_le(lines_with("parent "), 3 * (KS_HEARD_SAID_MAX + 1 +
						     (size_t)((fake.now_us - from_us) / KS_HEARD_SAID_US)));
	ck_assert_uint_ge(lines_with("has ended the session"), KS_HEARD_SAID_MAX);
	/* What lasts is said. */
	if (!told)
		fake_offer(&fake, 0);
	unit_log_start();
	fake_keep_alive(a, KS_HEARD_SAID_US + 1 * S);
	ck_assert_uint_eq(lines_with("frames come from parent"), 1);
	ck_assert_uint_eq(lines_with("parent "), 1);
}
END_TEST

static void back_soon(size_t number)
{
	a->mute = a->session.confirmed = false;
	for (unsigned i = 0; i < 200 && !a->session.confirmed; i++)
		fake_run(&fake, 100 * MS);
	fake_alive(a, NULL);
	ck_assert(ks_receiver_connected(fake.receiver, number));
}

/* Neither with silence, which takes longer. */
START_TEST(outages_do_not_fill_the_log)
{
	size_t number = fake_join(&fake, 0);
	int64_t from_us = fake.now_us;

	for (unsigned i = 0; i < 100; i++) {
		a->mute = true;
		fake_end(a, KS_BYE_STOP);
		fake_run(&fake, 5 * S + 100 * MS);
		back_soon(number);
	}
	ck_assert_uint_le(lines_with("parent "), 3 * (KS_HEARD_SAID_MAX + 1 +
						     (size_t)((fake.now_us - from_us) / KS_HEARD_SAID_US)));
	/* What lasts is said, once: that it is there, that it is away, that it is back. */
	unit_log_start();
	fake_keep_alive(a, KS_HEARD_SAID_US + 1 * S);
	ck_assert_uint_eq(lines_with("is back") + lines_with("frames come"), 1);
	a->mute = true;
	fake_run(&fake, 2 * KS_HEARD_SAID_US);
	ck_assert_uint_eq(lines_with("cannot be reached"), 1);
	back_soon(number);
	fake_keep_alive(a, KS_HEARD_SAID_US + 1 * S);
	ck_assert_uint_eq(lines_with("parent "), 3);
}
END_TEST

START_TEST(says_goodbye)
{
	size_t number = fake_join(&fake, 0);

	fake_join(&fake, 1);
	ks_receiver_remove(fake.receiver, number);
	fake_tick(&fake);
	ck_assert_uint_eq(a->bye, KS_BYE_STOP);
	ck_assert_uint_eq(b->count[KS_BYE], 0);
	ks_receiver_stop(fake.receiver);
	fake_tick(&fake);
	ck_assert_uint_eq(b->bye, KS_BYE_STOP);
	fake.sent = 0;
	fake_run(&fake, 20 * S);
	fake_offer(&fake, 0);
	ck_assert_uint_eq(fake.sent, 0);
}
END_TEST

START_TEST(answers_go_where_the_newest_datagram_came_from)
{
	struct fake_session old;

	fake_join(&fake, 0);
	a->address = 50;
	fake_long_alive(a);
	fake_run(&fake, 1 * S);
	ck_assert_uint_eq(a->to, 50);
	/* An older one, held back on the way, changes nothing. */
	old = a->session;
	a->session.counter += 5;
	fake_alive(a, NULL);
	a->address = 60;
	fake_put(a, &old, KS_ALIVE, (const uint8_t[]){ 0 }, 1);
	fake_run(&fake, 1 * S);
	ck_assert_uint_eq(a->to, 50);
}
END_TEST

/* As long as nothing of a session came from elsewhere, only where it was asked for. */
START_TEST(set_up_answers_go_where_was_asked)
{
	size_t number;

	a->mute = true;
	number = fake_tell(&fake, 0);
	a->address = 50;
	fake_challenge(a, &a->subscribe);
	ck_assert_uint_eq(a->count[KS_SUBSCRIBE], 1);
	ck_assert_uint_eq(a->to, 0);
	fake_accept(a, &a->subscribe);
	fake_run(&fake, 1 * S);
	ck_assert_uint_ge(a->count[KS_RENEW], 3);
	ck_assert_uint_eq(a->to, 0);
	fake_long_alive(a);
	ck_assert(ks_receiver_connected(fake.receiver, number));
	fake_run(&fake, 1 * S);
	ck_assert_uint_eq(a->to, 50);
}
END_TEST

/* Too little has come from there: where it was told of is always good. */
START_TEST(what_may_not_go_to_a_new_address_goes_to_the_old_one)
{
	fake_join(&fake, 0);
	a->address = 50;
	fake_alive(a, NULL);
	fake_run(&fake, 1 * S);
	ck_assert_uint_eq(a->to, 0);
	fake_keep_alive(a, 1 * S);
	ck_assert_uint_eq(a->to, 50);
}
END_TEST

/* The parent was told another address than the one that we send from, so it asks back. */
START_TEST(a_challenge_to_an_offer_waits_for_the_next_offer)
{
	accept_keys(a);
	a->mute = true;
	fake_offer(&fake, 0);
	ck_assert_uint_eq(a->count[KS_SUBSCRIBE], 1);
	a->cookie[1] = 1;
	fake_challenge(a, &a->subscribe);
	ck_assert_uint_eq(a->count[KS_SUBSCRIBE] + a->uncooked, 1);
	fake_run(&fake, 250 * MS);
	a->cookie[1] = 0;
	fake_offer(&fake, 0);
	ck_assert_uint_eq(a->count[KS_SUBSCRIBE] + a->uncooked, 2);
	ck_assert_uint_eq(a->subscribe.cookie[1], 1);
	fake_accept(a, &a->subscribe);
	ck_assert(a->session.confirmed);
}
END_TEST

START_TEST(replays_are_refused_and_reported)
{
	struct fake_session again;

	fake_join(&fake, 0);
	again = a->session;
	fake_alive(a, NULL);
	for (size_t i = 0; i < 3; i++) {
		struct fake_session same = again;

		fake_put(a, &same, KS_ALIVE, (const uint8_t[]){ 0 }, 1);
	}
	a->session.counter += 7;
	fake_alive(a, NULL);
	fake_run(&fake, 1 * S);
	ck_assert_uint_eq(dropped(KS_DROP_REPLAY), 3);
	ck_assert_uint_eq(a->renew.replayed, 3);
	ck_assert_uint_eq(a->renew.received, 3);
	ck_assert_uint_eq(a->renew.expected, 10);
	ck_assert_uint_eq(a->renew.rtt_ms, 20);
}
END_TEST

START_TEST(reports_what_was_delivered_and_lost)
{
	struct fake_object *object;

	fake_join(&fake, 0);
	make(0);
	fake_shards(a, &objects[0], 0, 20);
	object = make(3);
	fake_shards(a, object, 0, 20);
	fake_run(&fake, 1 * S);
	ck_assert_uint_eq(a->renew.delivered, 2);
	ck_assert_uint_eq(a->renew.lost, 2);
	ck_assert_uint_eq(a->renew.longest, KS_DATAGRAM_OVERHEAD + KS_SHARD_MIN);
}
END_TEST

START_TEST(keys_change_without_a_gap)
{
	struct ks_psk keys[2] = { b->key, a->key };
	size_t number = fake_join(&fake, 0);
	struct fake_session old = a->session;

	/* The parent does not know the new key yet. */
	ck_assert_int_eq(ks_receiver_set_parent_keys(fake.receiver, number, keys, 2), KS_EOK);
	fake_tick(&fake);
	ck_assert(ks_receiver_connected(fake.receiver, number));
	fake_run(&fake, 1 * S);
	fake_alive(a, NULL);
	ck_assert(ks_receiver_connected(fake.receiver, number));
	/* Now it does, and the old one is withdrawn. */
	a->key = b->key;
	a->setup = b->setup;
	ck_assert_int_eq(ks_receiver_set_parent_keys(fake.receiver, number, keys, 1), KS_EOK);
	fake_tick(&fake);
	fake_alive(a, NULL);
	ck_assert(ks_receiver_connected(fake.receiver, number));
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 1);
	ck_assert_uint_ne(a->session.theirs, old.theirs);
}
END_TEST

START_TEST(a_withdrawn_key_ends_its_sessions)
{
	size_t number = fake_join(&fake, 0);

	accept_keys(b);
	fake_offer(&fake, 1);
	fake_alive(b, NULL);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 2);
	ck_assert_int_eq(ks_receiver_set_keys(fake.receiver, NULL, 0), KS_EOK);
	fake_tick(&fake);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 1);
	ck_assert(ks_receiver_connected(fake.receiver, number));
	ck_assert_uint_eq(b->count[KS_BYE], 1);
	fake_offer(&fake, 1);
	ck_assert_uint_eq(dropped(KS_DROP_KEY), 1);
	ck_assert_int_eq(ks_receiver_set_parent_keys(fake.receiver, number, &b->key, 1), KS_EOK);
	a->mute = true;
	fake_keep_alive(a, KS_IDLE_US + 1 * S);
	ck_assert(!ks_receiver_connected(fake.receiver, number));
}
END_TEST

START_TEST(heads_go_to_all_parents)
{
	uint8_t manifest[KS_HEAD_BODY];

	fake_join(&fake, 0);
	fake_join(&fake, 1);
	randombytes_buf(manifest, sizeof(manifest));
	ks_receiver_head(fake.receiver, manifest);
	fake_tick(&fake);
	ck_assert_mem_eq(a->head, manifest, sizeof(manifest));
	ck_assert_mem_eq(b->head, manifest, sizeof(manifest));
}
END_TEST

static Suite *intake_suite(void)
{
	const struct {
		const char *name;
		const TTest *tests[24];
	} cases[] = {
		{ "sessions", {
			sessions_are_renewed_without_a_gap, a_quiet_parent_is_asked_beside_the_old_session,
			beside_a_session_asking_stays_quick,
			a_silent_parent_that_offered_itself_is_forgotten, a_refusal_only_makes_us_ask,
			an_end_is_logged_and_asked_about, outages_do_not_fill_the_log, says_goodbye,
			answers_go_where_the_newest_datagram_came_from, set_up_answers_go_where_was_asked,
			what_may_not_go_to_a_new_address_goes_to_the_old_one,
			a_challenge_to_an_offer_waits_for_the_next_offer, replays_are_refused_and_reported,
			reports_what_was_delivered_and_lost, keys_change_without_a_gap,
			a_withdrawn_key_ends_its_sessions, heads_go_to_all_parents,
		} },
	};
	Suite *suite = suite_create("intake");

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		TCase *tc = tcase_create(cases[c].name);

		tcase_add_checked_fixture(tc, setup, teardown);
		tcase_set_timeout(tc, 60);
		for (size_t i = 0; cases[c].tests[i] != NULL; i++)
			tcase_add_test(tc, cases[c].tests[i]);
		tcase_add_loop_test(tc, a_parent_that_comes_and_goes_does_not_fill_the_log, 0, 2);
		suite_add_tcase(suite, tc);
	}
	return suite;
}

int main(void)
{
	return unit_run(intake_suite());
}
