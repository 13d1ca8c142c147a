/* SPDX-License-Identifier: Apache-2.0
 *
 * The relay's half against parents that a script plays, so that every moment and every byte is the test's choice.
 */
#include "lib/wire/receiver.h"

#include "tests/unit/with_parents.h"

/* --- set-up --------------------------------------------------------------------------------------- */

START_TEST(subscribes_and_takes_objects)
{
	const struct fake_object *object = make(0);
	size_t number = fake_tell(&fake, 0);

	ck_assert_uint_eq(a->uncooked, 1);
	ck_assert_uint_eq(a->count[KS_SUBSCRIBE], 1);
	ck_assert_uint_eq(a->count[KS_RENEW], 1);
	ck_assert_mem_eq(a->subscribe.instance, fake_instance, KS_INSTANCE_SIZE);
	ck_assert_uint_eq(a->subscribe.datagram, KS_DATAGRAM_DEFAULT);
	ck_assert(a->subscribe.nack && !a->subscribe.from_top);
	ck_assert(!ks_receiver_connected(fake.receiver, number));
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 0);
	fake_shards(a, object, 0, 20);
	ck_assert_uint_eq(fake.delivered, 1);
	expect_last(object);
	ck_assert(ks_receiver_connected(fake.receiver, number));
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 1);
	ck_assert_int_eq(ks_receiver_silent_since_us(fake.receiver, number), 0);
	ck_assert_int_eq(ks_receiver_delivered_us(fake.receiver), fake.now_us);
	ck_assert_uint_eq(lines_with("frames come from parent parent-0 ([::0]:7510)"), 1);
}
END_TEST

START_TEST(confirms_until_something_comes)
{
	fake_tell(&fake, 0);
	fake_run(&fake, 1 * S);
	ck_assert_uint_eq(a->count[KS_RENEW], 5);
	fake_alive(a, NULL);
	fake_run(&fake, 999 * MS);
	ck_assert_uint_eq(a->count[KS_RENEW], 5);
	fake_run(&fake, 2 * MS);
	ck_assert_uint_eq(a->count[KS_RENEW], 6);
}
END_TEST

/* An ACCEPT whose session turns out to be dead is not waited for for ever. */
START_TEST(a_session_that_stays_dead_is_asked_for_anew)
{
	fake_tell(&fake, 0);
	fake_run(&fake, 10 * S);
	ck_assert_uint_gt(a->count[KS_SUBSCRIBE], 1);
	ck_assert_uint_le(a->count[KS_SUBSCRIBE], 5);
}
END_TEST

START_TEST(asks_with_backoff_and_says_so_once)
{
	int64_t gap_us[8], last_us = fake.now_us;
	size_t n = 0;

	a->mute = true;
	fake_tell(&fake, 0);
	for (size_t seen = a->uncooked; n < 8; fake_run(&fake, 1 * MS))
		if (a->uncooked != seen) {
			gap_us[n++] = fake.now_us - last_us;
			last_us = fake.now_us;
			seen = a->uncooked;
		}
	for (size_t i = 0; i < n; i++) {
		int64_t middle_us = KS_ASK_MIN_US << i < KS_ASK_MAX_US ? KS_ASK_MIN_US << i : KS_ASK_MAX_US;

		ck_assert_int_ge(gap_us[i], middle_us * 3 / 4 - 2 * MS);
		ck_assert_int_le(gap_us[i], middle_us * 5 / 4 + 2 * MS);
	}
	ck_assert_uint_eq(lines_with("parent parent-0 ([::0]:7510) cannot be reached"), 1);
	a->mute = false;
	fake_run(&fake, 10 * S);
	fake_alive(a, NULL);
	ck_assert_uint_eq(lines_with("parent parent-0 ([::0]:7510) is back"), 1);
	ck_assert_uint_eq(lines_with("cannot be reached"), 1);
}
END_TEST

START_TEST(nothing_is_sent_before_the_address_is_known)
{
	const struct ks_told_parent told = { "a", "a.example:7510", &a->key, 1 };
	size_t number;

	ck_assert_int_eq(ks_receiver_add(fake.receiver, &told, &number), KS_EOK);
	fake_run(&fake, 20 * S);
	ck_assert_uint_eq(fake.sent, 0);
	ck_assert_uint_eq(lines_with("cannot be reached"), 0);
}
END_TEST

START_TEST(keys_are_tried_in_turn)
{
	struct ks_psk keys[3] = { b->key, fake.parents[2].key, a->key };
	const struct ks_told_parent told = { "a", "[::]:1", keys, 3 };
	const struct ks_endpoint to = { { 0 }, 1, 1 };
	size_t number;

	ck_assert_int_eq(ks_receiver_add(fake.receiver, &told, &number), KS_EOK);
	ks_receiver_move(fake.receiver, number, &to);
	fake_run(&fake, 3 * S);
	ck_assert_uint_eq(a->uncooked, 1);
	ck_assert_uint_eq(a->count[KS_SUBSCRIBE], 1);
	fake_alive(a, NULL);
	ck_assert(ks_receiver_connected(fake.receiver, number));
	/* The one that was good comes first from now on. */
	fake_end(a, KS_BYE_STOP);
	fake_run(&fake, 400 * MS);
	ck_assert_uint_eq(a->count[KS_SUBSCRIBE], 2);
}
END_TEST

START_TEST(an_offer_is_answered_with_its_cookie)
{
	const struct fake_object *object = make(0);

	accept_keys(a);
	fake_offer(&fake, 0);
	ck_assert_uint_eq(a->uncooked, 0);
	ck_assert_uint_eq(a->count[KS_SUBSCRIBE], 1);
	ck_assert_uint_eq(a->count[KS_RENEW], 1);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 0);
	fake_shards(a, object, 0, 20);
	ck_assert_uint_eq(fake.delivered, 1);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 1);
}
END_TEST

START_TEST(a_replayed_offer_disturbs_nobody)
{
	const struct fake_object *object = make(0);
	uint32_t session;

	accept_keys(a);
	fake_offer(&fake, 0);
	fake_alive(a, NULL);
	session = a->session.theirs;
	fake_shards(a, object, 0, 10);
	for (size_t i = 0; i < 100; i++) {
		fake_offer(&fake, 0);
		fake_run(&fake, 5 * MS);
	}
	ck_assert_uint_eq(dropped(KS_DROP_REPLAY), 100);
	ck_assert_uint_eq(a->count[KS_SUBSCRIBE], 1);
	ck_assert_uint_eq(a->session.theirs, session);
	fake_shards(a, object, 10, 20);
	ck_assert_uint_eq(fake.delivered, 1);
}
END_TEST

START_TEST(strangers_get_no_answer)
{
	uint8_t bytes[KS_DATAGRAM_MAX];
	size_t memory = ks_receiver_memory(fake.receiver);

	accept_keys(b);
	fake_offer(&fake, 0);
	ck_assert_uint_eq(dropped(KS_DROP_KEY), 1);
	for (size_t i = 0; i < 20000; i++) {
		randombytes_buf(bytes, sizeof(bytes));
		bytes[0] = (uint8_t)(KS_WIRE_VERSION << 4 | i % 16);
		bytes[1] = 0;
		memcpy(bytes + 2, &b->key.id, 2);
		fake_input(a, bytes, i % 3 == 0 ? i % sizeof(bytes) : KS_OFFER_SIZE);
	}
	ck_assert_uint_eq(fake.sent, 0);
	ck_assert_uint_gt(dropped(KS_DROP_TAG), 1000);
	ck_assert_uint_gt(dropped(KS_DROP_SESSION), 1000);
	ck_assert_uint_gt(dropped(KS_DROP_TYPE), 1000);
	ck_assert_uint_eq(ks_receiver_memory(fake.receiver), memory);
}
END_TEST

/* Whoever has a key can offer without end; there is room for so many, and nobody else is pushed out by it. */
START_TEST(offers_in_progress_are_bounded)
{
	const struct fake_object *object = make(0);
	size_t memory;

	fake_join(&fake, 0);
	accept_keys(b);
	b->mute = true;
	memory = ks_receiver_memory(fake.receiver);
	for (unsigned i = 0; i < 1000; i++) {
		memcpy(b->cookie + 4, &i, sizeof(i));
		b->instance[1] = (uint8_t)i;
		fake_offer(&fake, 1);
	}
	ck_assert_uint_eq(ks_receiver_memory(fake.receiver), memory);
	ck_assert_uint_eq(b->count[KS_SUBSCRIBE], 1000);
	fake_shards(a, object, 0, 20);
	ck_assert_uint_eq(fake.delivered, 1);
	b->mute = false;
	b->cookie[20] = 1;
	fake_offer(&fake, 1);
	fake_alive(b, NULL);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 2);
	fake_run(&fake, 100 * MS);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 2);
}
END_TEST

START_TEST(more_parents_than_places)
{
	struct ks_psk keys[1] = { a->key };
	const struct ks_told_parent told = { "told", "[::]:1", keys, 1 };
	size_t number;

	for (size_t i = 0; i < FAKE_PARENTS; i++) {
		fake.parents[i].key = a->key;
		fake.parents[i].setup = a->setup;
	}
	accept_keys(a);
	for (size_t i = 0; i < KS_PARENTS_MAX; i++) {
		fake_offer(&fake, i);
		fake_alive(&fake.parents[i], NULL);
	}
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), KS_PARENTS_MAX);
	/* One more that offers itself does not push out one that is heard. */
	a->instance[3] = 1;
	a->cookie[3] = 1;
	fake_offer(&fake, 0);
	fake_alive(a, NULL);
	ck_assert_uint_eq(dropped(KS_DROP_LIMIT), 1);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), KS_PARENTS_MAX);
	/* One that we are told of does; until all are. */
	for (size_t i = 0; i < KS_PARENTS_MAX; i++)
		ck_assert_int_eq(ks_receiver_add(fake.receiver, &told, &number), KS_EOK);
	ck_assert_int_eq(ks_receiver_add(fake.receiver, &told, &number), KS_ELIMIT);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 0);
}
END_TEST

START_TEST(it_is_not_its_own_parent)
{
	memcpy(a->instance, fake_instance, KS_INSTANCE_SIZE);
	fake_tell(&fake, 0);
	fake_run(&fake, 3 * S);
	ck_assert_uint_eq(a->count[KS_RENEW], 0);
	ck_assert_uint_eq(lines_with("parent parent-0 ([::0]:7510) is this very program"), 1);
	ck_assert_uint_le(a->count[KS_SUBSCRIBE], 2);
	accept_keys(a);
	a->count[KS_SUBSCRIBE] = 0;
	fake_offer(&fake, 0);
	fake_blind(a, 1, fake.wall_us);
	ck_assert_uint_eq(a->count[KS_SUBSCRIBE], 0);
	ck_assert_uint_ge(dropped(KS_DROP_LOOP), 3);
	ck_assert_uint_eq(dropped(KS_DROP_CONFLICT), 0);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 0);
}
END_TEST

/* Though it was asked for a new session while it fell silent. */
START_TEST(an_offering_parent_that_falls_silent_is_forgotten)
{
	char text[16384] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	size_t asked;

	accept_keys(a);
	fake_offer(&fake, 0);
	fake_alive(a, NULL);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 1);
	a->mute = true;
	fake_run(&fake, KS_IDLE_US - 1 * S);
	ck_assert_uint_gt(a->uncooked, 3);
	fake_run(&fake, 1 * S);
	ck_assert_uint_eq(lines_with("parent offered-0 is forgotten until it offers itself again"), 1);
	asked = a->uncooked;
	fake_run(&fake, 60 * S);
	ck_assert_uint_eq(a->uncooked, asked);
	ck_assert_ptr_nonnull(out);
	ks_receiver_metrics(fake.receiver, out);
	fclose(out);
	ck_assert_ptr_null(strstr(text, "offered-"));
}
END_TEST

START_TEST(told_of_and_offering_are_one)
{
	accept_keys(a);
	fake_offer(&fake, 0);
	fake_alive(a, NULL);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 1);
	fake_join(&fake, 0);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 1);
	fake_offer(&fake, 0);
	fake_alive(a, NULL);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 1);
}
END_TEST

START_TEST(one_program_under_two_addresses_is_used_once)
{
	const struct ks_told_parent told = { "again", "[::9]:7510", &a->key, 1 };
	const struct ks_endpoint to = { { 1 }, 1, 1 };
	size_t number, first = fake_join(&fake, 0);

	b->key = a->key;
	b->setup = a->setup;
	memcpy(b->instance, a->instance, sizeof(a->instance));
	ck_assert_int_eq(ks_receiver_add(fake.receiver, &told, &number), KS_EOK);
	ks_receiver_move(fake.receiver, number, &to);
	for (size_t i = 0; i < 100; i++) {
		fake_run(&fake, 200 * MS);
		fake_alive(a, NULL);
	}
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 1);
	ck_assert(ks_receiver_connected(fake.receiver, first));
	ck_assert_uint_eq(b->count[KS_RENEW], 0);
	ck_assert_uint_eq(lines_with("are the same program"), 1);
	/* The first address fails. */
	a->mute = true;
	for (size_t i = 0; i < 60 && b->count[KS_RENEW] == 0; i++)
		fake_run(&fake, 200 * MS);
	fake_alive(b, NULL);
	ck_assert(ks_receiver_connected(fake.receiver, number));
}
END_TEST

/* --- no way back ---------------------------------------------------------------------------------- */

START_TEST(blind_sessions)
{
	accept_keys(a);
	fake_blind(a, 5, fake.wall_us);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 0);
	fake_shards(a, make(0), 0, 10);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 1);
	/* Said again each second: nothing changes. */
	fake_run(&fake, 1 * S);
	fake_blind(a, 5, fake.wall_us);
	fake_shards(a, &objects[0], 10, 20);
	ck_assert_uint_eq(fake.delivered, 1);
	fake_shards(a, make(1), 0, 10);
	fake_alive(a, make(2));
	fake_run(&fake, 2 * S);
	/* The next session begins beside it. */
	fake_blind(a, 6, fake.wall_us);
	fake_shards(a, &objects[1], 10, 20);
	ck_assert_uint_eq(fake.delivered, 2);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 1);
	fake_run(&fake, KS_IDLE_US + 1 * S);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 0);
	ck_assert_uint_eq(fake.sent, 0);
}
END_TEST

START_TEST(blind_announcements_of_another_time)
{
	int64_t then_us = fake.wall_us;

	accept_keys(a);
	fake_blind(a, 1, fake.wall_us - KS_BLIND_SKEW_US - 1);
	fake_blind(a, 2, fake.wall_us + KS_BLIND_SKEW_US + 1);
	ck_assert_uint_eq(dropped(KS_DROP_CLOCK), 2);
	fake_blind(a, 3, fake.wall_us + KS_BLIND_SKEW_US - 1 * S);
	fake_shards(a, make(0), 0, 20);
	ck_assert_uint_eq(fake.delivered, 1);
	fake_run(&fake, KS_IDLE_US + 1 * S);
	/* Recorded and played again when the session is forgotten. */
	fake_blind(a, 3, then_us + KS_BLIND_SKEW_US - 1 * S);
	fake_alive(a, NULL);
	ck_assert_uint_eq(dropped(KS_DROP_REPLAY), 1);
	ck_assert_uint_eq(dropped(KS_DROP_SESSION), 1);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 0);
}
END_TEST

START_TEST(blind_announcements_are_bounded)
{
	accept_keys(a);
	fake_blind(a, 200, fake.wall_us);
	fake_shards(a, make(0), 0, 10);
	for (uint8_t i = 0; i < 100; i++) {
		struct fake_session keep = a->session;

		fake_blind(a, i, fake.wall_us + i + 1);
		a->session = keep;
	}
	fake_shards(a, &objects[0], 10, 20);
	ck_assert_uint_eq(fake.delivered, 1);
}
END_TEST

/* --- numbers -------------------------------------------------------------------------------------- */

START_TEST(metrics)
{
	char text[16384] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	fake_join(&fake, 0);
	fake_shards(a, make(0), 0, 20);
	make(1)->bytes[0] ^= 1;
	fake_shards(a, &objects[1], 0, 20);
	ck_assert_ptr_nonnull(out);
	ks_receiver_metrics(fake.receiver, out);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(text, "koshien_wire_parent_up{parent=\"parent-0\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "koshien_wire_parent_frames_total{parent=\"parent-0\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "koshien_wire_parent_rtt_seconds{parent=\"parent-0\"} 0.02"));
	ck_assert_ptr_nonnull(strstr(text, "koshien_wire_received_frames_total 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "koshien_wire_parent_refused_frames_total{parent=\"parent-0\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "koshien_wire_drops_total{reason=\"late\"} 0\n"));
}
END_TEST

START_TEST(idle_costs_nothing)
{
	size_t ticks = 0;

	fake_join(&fake, 0);
	fake_alive(a, NULL);
	fake_tick(&fake);
	for (int64_t until_us = fake.now_us + 1 * S; fake.due_us < until_us; ticks++) {
		ck_assert_int_gt(fake.due_us, fake.now_us);
		fake.now_us = fake.due_us;
		fake_tick(&fake);
	}
	ck_assert_uint_le(ticks, 3);
}
END_TEST

static Suite *receiver_suite(void)
{
	const struct {
		const char *name;
		const TTest *tests[20];
	} cases[] = {
		{ "setup", {
			subscribes_and_takes_objects, confirms_until_something_comes,
			a_session_that_stays_dead_is_asked_for_anew, asks_with_backoff_and_says_so_once,
			nothing_is_sent_before_the_address_is_known, keys_are_tried_in_turn,
			an_offer_is_answered_with_its_cookie, a_replayed_offer_disturbs_nobody,
			strangers_get_no_answer, offers_in_progress_are_bounded, more_parents_than_places,
			it_is_not_its_own_parent, an_offering_parent_that_falls_silent_is_forgotten,
			told_of_and_offering_are_one,
			one_program_under_two_addresses_is_used_once,
		} },
		{ "blind", {
			blind_sessions, blind_announcements_of_another_time, blind_announcements_are_bounded,
		} },
		{ "numbers", {
			metrics, idle_costs_nothing,
		} },
	};
	Suite *suite = suite_create("receiver");

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		TCase *tc = tcase_create(cases[c].name);

		tcase_add_checked_fixture(tc, setup, teardown);
		tcase_set_timeout(tc, 60);
		for (size_t i = 0; cases[c].tests[i] != NULL; i++)
			tcase_add_test(tc, cases[c].tests[i]);
		suite_add_tcase(suite, tc);
	}
	return suite;
}

int main(void)
{
	return unit_run(receiver_suite());
}
