/* SPDX-License-Identifier: Apache-2.0
 *
 * How the relay's half makes objects of what several parents send, honest or not, and what it asks them for. The
 * parents are played by a script.
 */
#include "lib/wire/receiver.h"

#include "lib/frame/manifest.h"
#include "lib/wire/assembler.h"
#include "tests/unit/with_parents.h"

/* --- asking for what is missing --------------------------------------------------------------------- */

static const int64_t end_us = 5 * KS_SPREAD_UNIT_US;	/* of an object of fake_object() */

START_TEST(asks_for_exactly_what_is_missing)
{
	struct fake_object *object = &objects[0];

	fake_join(&fake, 0);
	fake_object(object, 7, 1, 1, 405 * KS_SHARD_MIN, KS_SHARD_MIN);	/* three blocks of 135 */
	fake_shards(a, object, 0, 130);
	fake_shards(a, object, 135, 270);
	fake_shards(a, object, 278, 405);
	fake_run(&fake, end_us + KS_NACK_WAIT_US - 1 * MS);
	ck_assert_uint_eq(a->count[KS_NACK], 0);
	fake_run(&fake, 1 * MS);
	ck_assert_uint_eq(a->count[KS_NACK], 1);
	ck_assert(a->nack.track == 7 && a->nack.epoch == 1 && a->nack.seq == 1 && a->nack.source == 0);
	ck_assert_uint_eq(a->nack.n, 2);
	ck_assert(a->nack.blocks[0].block == 0 && a->nack.blocks[0].missing == 5);
	ck_assert(a->nack.blocks[1].block == 2 && a->nack.blocks[1].missing == 8);
	/* Parity, of which some is lost too: the rest in the next round. */
	fake_shards(a, object, 405, 410);
	fake_shards(a, object, 405 + 80, 405 + 85);
	fake_run(&fake, 20 * MS + KS_NACK_WAIT_US);
	ck_assert_uint_eq(a->count[KS_NACK], 2);
	ck_assert_uint_eq(a->nack.n, 1);
	ck_assert(a->nack.blocks[0].block == 2 && a->nack.blocks[0].missing == 3);
	fake_shards(a, object, 405 + 85, 405 + 88);
	ck_assert_uint_eq(fake.delivered, 1);
	expect_last(object);
	fake_run(&fake, 1 * S);
	ck_assert_uint_eq(a->count[KS_NACK], 2);
}
END_TEST

START_TEST(rounds_are_spaced_and_counted)
{
	fake_join(&fake, 0);
	fake_shards(a, make(0), 0, 19);
	fake_run(&fake, end_us + KS_NACK_WAIT_US);
	for (size_t i = 1; i <= KS_NACK_ROUNDS_MAX; i++) {
		/* Nothing comes of them, so they are further apart after the first. */
		int64_t pause_us = (20 * MS + KS_NACK_WAIT_US) * (i > 1 ? 2 : 1);

		ck_assert_uint_eq(a->count[KS_NACK], i);
		fake_run(&fake, pause_us - 1);
		ck_assert_uint_eq(a->count[KS_NACK], i);
		fake_run(&fake, 1);
	}
	fake_keep_alive(a, 5 * S);
	ck_assert_uint_eq(a->count[KS_NACK], KS_NACK_ROUNDS_MAX);
	/* While the parent names it there is one more each time. */
	fake_alive(a, &objects[0]);
	fake_tick(&fake);
	ck_assert_uint_eq(a->count[KS_NACK], KS_NACK_ROUNDS_MAX + 1);
	fake_shard(a, &objects[0], 19);
	ck_assert_uint_eq(fake.delivered, 1);
}
END_TEST

START_TEST(the_next_one_shows_that_the_last_has_been_sent)
{
	fake_join(&fake, 0);
	fake_shards(a, make(0), 0, 18);
	fake_tick(&fake);
	ck_assert_uint_eq(a->count[KS_NACK], 0);
	fake_shard(a, make(1), 0);
	fake_tick(&fake);
	ck_assert_uint_eq(a->count[KS_NACK], 1);
	ck_assert(a->nack.seq == 0 && a->nack.blocks[0].missing == 2);
	/* Once the newer one is here, nobody wants the older. */
	fake_shards(a, &objects[1], 1, 20);
	fake_run(&fake, 2 * S);
	ck_assert_uint_eq(a->count[KS_NACK], 1);
	ck_assert_uint_eq(fake.delivered, 1);
}
END_TEST

START_TEST(what_was_lost_whole_is_asked_for)
{
	fake_join(&fake, 0);
	make(0);
	fake_run(&fake, 600 * MS);
	fake_alive(a, &objects[0]);
	fake_tick(&fake);
	ck_assert_uint_eq(a->count[KS_NACK], 1);
	ck_assert(a->nack.seq == 0 && a->nack.n == 1 && a->nack.blocks[0].missing == 20);
	fake_shards(a, &objects[0], 20, 40);
	ck_assert_uint_eq(fake.delivered, 1);
	expect_last(&objects[0]);
	/* What is here already is not. */
	fake_run(&fake, 600 * MS);
	fake_alive(a, &objects[0]);
	fake_run(&fake, 600 * MS);
	ck_assert_uint_eq(a->count[KS_NACK], 1);
}
END_TEST

START_TEST(a_complete_object_is_stopped)
{
	fake_join(&fake, 0);
	fake_shards(a, make(0), 0, 20);
	ck_assert_uint_eq(a->stops, 1);
	/* What is under way does not cause another; what comes later does, as the first may have been lost. */
	fake_run(&fake, 10 * MS);
	fake_shards(a, &objects[0], 20, 30);
	ck_assert_uint_eq(a->stops, 1);
	fake_run(&fake, 45 * MS);
	fake_shards(a, &objects[0], 30, 35);
	ck_assert_uint_eq(a->stops, 2);
	ck_assert_uint_eq(dropped(KS_DROP_SURPLUS), 15);
}
END_TEST

START_TEST(nothing_is_asked_where_it_is_not_wanted)
{
	const struct ks_receiver_settings settings = { .datagram = 1000, .nack = false };

	restart(&settings);
	fake_join(&fake, 0);
	ck_assert(!a->subscribe.nack && a->subscribe.datagram == 1000);
	fake_shards(a, make(0), 0, 19);
	fake_run(&fake, 1 * S);
	fake_shards(a, make(1), 0, 20);
	fake_alive(a, make(2));
	fake_run(&fake, 1 * S);
	ck_assert_uint_eq(a->count[KS_NACK] + a->stops, 0);
	/* The parent does not answer, and each object says so, until one says something else. */
	restart(NULL);
	a->no_nack = true;
	fake_join(&fake, 0);
	make(0)->header.spread = KS_SPREAD_UNITS_MAX;
	fake_shards(a, &objects[0], 0, 19);
	fake_run(&fake, 1 * S);
	ck_assert_uint_eq(a->count[KS_NACK] + a->stops, 0);
	fake_shards(a, make(1), 0, 19);
	fake_run(&fake, 1 * S);
	ck_assert_uint_gt(a->count[KS_NACK], 0);
	/* The end is not known. */
	restart(NULL);
	fake_join(&fake, 0);
	make(0)->header.spread = KS_SPREAD_UNITS_MAX;
	fake_shards(a, &objects[0], 0, 19);
	fake_run(&fake, 1 * S);
	ck_assert_uint_eq(a->count[KS_NACK], 0);
}
END_TEST

/* --- two parents ---------------------------------------------------------------------------------- */

START_TEST(two_parents_complement_each_other)
{
	fake_tell(&fake, 0);
	fake_tell(&fake, 1);
	ck_assert(!a->subscribe.from_top && b->subscribe.from_top);
	make(0)->header.hops = 2;
	fake_shards(a, &objects[0], 0, 8);
	objects[0].header.hops = 1;
	for (size_t i = 20; i-- > 10;)
		fake_shard(b, &objects[0], i);
	fake_shard(b, &objects[0], 25);
	objects[0].header.hops = 3;
	fake_shard(b, &objects[0], 26);
	ck_assert_uint_eq(fake.delivered, 1);
	ck_assert_uint_eq(fake.last_hops, 1);
	expect_last(&objects[0]);
	ck_assert_uint_eq(a->stops, 1);
	ck_assert_uint_eq(b->stops, 1);
}
END_TEST

START_TEST(two_parents_are_asked_in_turn)
{
	fake_join(&fake, 0);
	fake_join(&fake, 1);
	fake_shards(a, make(0), 0, 8);
	fake_shards(b, &objects[0], 10, 18);
	fake_run(&fake, end_us + KS_NACK_WAIT_US);
	ck_assert_uint_eq(a->count[KS_NACK] + b->count[KS_NACK], 1);
	fake_run(&fake, 20 * MS + KS_NACK_WAIT_US);
	ck_assert(a->count[KS_NACK] == 1 && b->count[KS_NACK] == 1);
	ck_assert_uint_eq(a->nack.blocks[0].missing, 4);
	ck_assert_uint_eq(b->nack.blocks[0].missing, 4);
}
END_TEST

START_TEST(one_of_two_is_enough)
{
	fake_join(&fake, 0);
	fake_join(&fake, 1);
	fake_shards(a, make(0), 0, 8);
	a->mute = true;	/* and gone */
	fake_shards(b, &objects[0], 15, 20);
	fake_run(&fake, 2 * S);
	fake_alive(b, NULL);
	ck_assert_uint_gt(b->count[KS_NACK], 0);
	ck_assert_uint_eq(b->nack.blocks[0].missing, 7);
	fake_shards(b, &objects[0], 20, 27);
	ck_assert_uint_eq(fake.delivered, 1);
	expect_last(&objects[0]);
	fake_shards(b, make(1), 20, 40);
	ck_assert_uint_eq(fake.delivered, 2);
	expect_last(&objects[1]);
}
END_TEST

/* They cut the same object differently: whichever is complete first is it. */
START_TEST(parents_with_other_shards)
{
	struct fake_object *mine = &objects[0], *theirs = &objects[1];

	fake_join(&fake, 0);
	fake_join(&fake, 1);
	fake_object(mine, 7, 1, 5, 30000, 1000);
	fake_object(theirs, 7, 1, 5, 30000, 600);
	fake_shards(a, mine, 0, 29);
	fake_shards(b, theirs, 0, 50);
	ck_assert_uint_eq(fake.delivered, 1);
	expect_last(theirs);
	fake_shard(a, mine, 29);
	ck_assert_uint_eq(fake.delivered, 1);
}
END_TEST

/* --- hostile parents ------------------------------------------------------------------------------ */

static void corrupt(struct fake_object *to, const struct fake_object *from)
{
	fake_object_free(to);
	*to = *from;
	to->bytes = malloc(from->len + KS_SHARD_MAX);
	ck_assert_ptr_nonnull(to->bytes);
	for (size_t i = 0; i < fake_shards_of(from) * from->shard_len; i++)
		to->bytes[i] = (uint8_t)~from->bytes[i];
}

/* It is not listened to about this channel, rendition and source; everything else of it goes on. */
START_TEST(what_a_parent_invents_is_left_alone)
{
	size_t number = fake_join(&fake, 0);

	corrupt(&objects[1], make(0));
	fake_shards(a, &objects[1], 0, 20);
	ck_assert_uint_eq(fake.refused, 1);
	ck_assert_uint_eq(lines_with("parent parent-0 ([::0]:7510) sent a frame of source 0 that no trusted"), 1);
	fake_shards(a, &objects[0], 0, 20);
	ck_assert_uint_eq(dropped(KS_DROP_DISTRUST), 20);
	ck_assert_uint_eq(a->stops, 1);
	fake_alive(a, make(2));
	fake_run(&fake, 1 * S);
	ck_assert_uint_eq(a->count[KS_NACK], 0);
	ck_assert_uint_eq(fake.delivered, 0);
	/* Another source of it; another track. */
	objects[2].header.source = 1;
	fake_shards(a, &objects[2], 0, 20);
	make(3)->header.track = 8;
	fake_shards(a, &objects[3], 0, 20);
	ck_assert_uint_eq(fake.delivered, 2);
	expect_last(&objects[3]);
	fake_keep_alive(a, KS_DISTRUST_US - 2 * S);
	ck_assert_uint_eq(a->count[KS_BYE], 0);
	ck_assert(ks_receiver_connected(fake.receiver, number));
	fake_shards(a, make(2), 0, 20);
	ck_assert_uint_eq(fake.delivered, 2);
	fake_keep_alive(a, 2 * S);
	fake_shards(a, make(3), 0, 20);
	ck_assert_uint_eq(fake.delivered, 3);
	expect_last(&objects[3]);
	ck_assert_uint_eq(fake.refused, 1);
}
END_TEST

/* Of many that it invents the log says one line a minute. */
START_TEST(inventions_are_logged_once_a_minute)
{
	fake_join(&fake, 0);
	corrupt(&objects[1], make(0));
	for (uint32_t i = 0; i < 130; i++) {
		objects[1].header.track = 100 + i;
		fake_shards(a, &objects[1], 0, 20);
		fake_keep_alive(a, 1 * S);
	}
	ck_assert_uint_eq(fake.refused, 130);
	ck_assert_uint_eq(lines_with("that no trusted source has signed"), 3);
	ck_assert_uint_eq(a->count[KS_BYE], 0);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 1);
}
END_TEST

START_TEST(a_pardon_is_for_everything)
{
	fake_join(&fake, 0);
	fake_join(&fake, 1);
	corrupt(&objects[1], make(0));
	/* Both parents to blame for one track, and one that is kept apart. */
	fake_shards(a, &objects[1], 0, 20);
	fake_shards(b, &objects[1], 0, 20);
	objects[1].header.track = 8;
	fake_shards(a, &objects[1], 0, 10);
	fake_shards(b, &objects[1], 10, 20);
	ck_assert_uint_eq(fake.refused, 3);
	fake_shards(a, make(2), 0, 20);
	fake_shards(b, &objects[2], 0, 20);
	ck_assert_uint_eq(dropped(KS_DROP_DISTRUST), 40);
	ks_receiver_pardon(fake.receiver);
	fake_shards(a, &objects[2], 0, 10);
	fake_shards(b, &objects[2], 10, 20);
	ck_assert_uint_eq(fake.delivered, 1);
	expect_last(&objects[2]);
	make(3)->header.track = 8;
	fake_shards(a, &objects[3], 0, 10);
	fake_shards(b, &objects[3], 10, 20);
	ck_assert_uint_eq(fake.delivered, 2);
	expect_last(&objects[3]);
}
END_TEST

/* Its mark goes with its place; that shards are kept apart stays, so nothing is gained by coming back. */
START_TEST(one_who_comes_back_as_another)
{
	fake_join(&fake, 0);
	accept_keys(b);
	fake_offer(&fake, 1);
	fake_alive(b, NULL);
	corrupt(&objects[1], make(0));
	fake_shards(a, &objects[0], 0, 19);
	fake_shard(b, &objects[1], 19);
	ck_assert_uint_eq(fake.refused, 1);
	fake_shard(a, &objects[0], 20);
	ck_assert_uint_eq(fake.delivered, 1);
	for (uint32_t i = 1; i < 10; i++) {
		make(0)->header.seq = i;
		corrupt(&objects[1], &objects[0]);
		fake_end(b, KS_BYE_STOP);
		b->instance[3]++;
		b->cookie[3]++;
		fake_offer(&fake, 1);
		fake_alive(b, NULL);
		ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 2);
		fake_shards(b, &objects[1], 0, 5);
		fake_shards(a, &objects[0], 0, 20);
		ck_assert_uint_eq(fake.delivered, i + 1);
		expect_last(&objects[0]);
	}
}
END_TEST

/* The hostile one is first with every shard, of the very same objects; or second. */
START_TEST(an_honest_parent_gets_through)
{
	fake_join(&fake, (size_t)_i);
	fake_join(&fake, 1 - (size_t)_i);
	for (uint32_t i = 0; i < 100; i++) {
		fake_object_free(&objects[0]);
		fake_object(&objects[0], 7, 1, i, 20 * KS_SHARD_MIN, KS_SHARD_MIN);
		corrupt(&objects[1], &objects[0]);
		for (size_t s = 0; s < 20; s++) {
			if (_i == 0)
				fake_shard(b, &objects[1], 19 - s);
			fake_shard(a, &objects[0], s);
			if (_i == 1)
				fake_shard(b, &objects[1], 19 - s);
		}
		fake_run(&fake, 100 * MS);
		/* What was asked for. */
		if (a->count[KS_NACK] > 0)
			fake_shards(a, &objects[0], 20, 20 + a->nack.blocks[0].missing);
		if (b->count[KS_NACK] > 0)
			fake_shards(b, &objects[1], 20, 20 + b->nack.blocks[0].missing);
		a->count[KS_NACK] = b->count[KS_NACK] = 0;
		fake_alive(a, NULL);
		fake_alive(b, NULL);
		ck_assert_uint_eq(fake.delivered, i + 1);
		expect_last(&objects[0]);
	}
	/* It is found out when it is complete first; else what it sends comes to nothing. */
	ck_assert_uint_eq(fake.refused, _i == 0 ? 2 : 1);
	ck_assert_uint_eq(dropped(KS_DROP_DISTRUST), _i == 0 ? 99 * 20 : 0);
	ck_assert_uint_eq(a->count[KS_BYE] + b->count[KS_BYE], 0);
	ck_assert_uint_eq(ks_receiver_parents(fake.receiver), 2);
}
END_TEST

/* It never sends enough to be caught, only enough to spoil: at most one object a minute is spoilt, and even that is
 * completed by asking. */
START_TEST(a_hostile_parent_that_never_completes)
{
	size_t late = 0;

	fake_join(&fake, 0);
	fake_join(&fake, 1);
	for (uint32_t i = 0; i < 150; i++) {
		fake_object_free(&objects[0]);
		fake_object(&objects[0], 7, 1, i, 20 * KS_SHARD_MIN, KS_SHARD_MIN);
		corrupt(&objects[1], &objects[0]);
		fake_shards(b, &objects[1], 0, 3);
		fake_shards(a, &objects[0], 0, 20);
		late += fake.delivered != i + 1;
		a->count[KS_NACK] = 0;
		fake_run(&fake, 500 * MS);
		if (a->count[KS_NACK] > 0)
			fake_shards(a, &objects[0], 20, 20 + a->nack.blocks[0].missing);
		fake_alive(b, NULL);
		fake_run(&fake, 500 * MS);
		ck_assert_uint_eq(fake.delivered, i + 1);
		expect_last(&objects[0]);
	}
	ck_assert_uint_le(late, 150 / 60 + 1);
}
END_TEST

/* Sizes that contradict, objects of times to come, and as many as memory can hold: nothing keeps the true ones from
 * being taken. */
START_TEST(an_honest_parent_is_not_crowded_out)
{
	fake_join(&fake, 0);
	fake_join(&fake, 1);
	for (uint32_t i = 0; i < 60; i++) {
		struct fake_object *lie = &objects[1];

		fake_object_free(&objects[0]);
		fake_object(&objects[0], 7, 1, i, 20 * KS_SHARD_MIN, KS_SHARD_MIN);
		/* The same, with another length. */
		fake_object_free(lie);
		fake_object(lie, 7, 1, i, 19 * KS_SHARD_MIN, KS_SHARD_MIN);
		fake_shard(b, lie, 0);
		fake_shards(a, &objects[0], 0, 10);
		/* Far ahead, and of tracks that do not exist, as large as can be. */
		fake_object_free(lie);
		fake_object(lie, 7, UINT32_MAX, 0, 8 * FAKE_OBJECT_MAX, KS_SHARD_MAX);
		for (uint32_t j = 0; j < 40; j++) {
			lie->header.track = 7;
			lie->header.seq = i * 100 + j;
			fake_shard(b, lie, 0);
			lie->header.track = 1000 + i * 100 + j;
			fake_shard(b, lie, 0);
		}
		fake_shards(a, &objects[0], 10, 20);
		ck_assert_uint_eq(fake.delivered, i + 1);
		expect_last(&objects[0]);
	}
	ck_assert_uint_le(ks_receiver_memory(fake.receiver), KS_ASSEMBLY_BYTES_MAX + 8 * 1024 * 1024);
}
END_TEST

/* A signed picture under the name of a later one. */
START_TEST(a_picture_has_to_be_the_one_that_is_named)
{
	struct ks_manifest m = { .channel = "main", .rendition = "std", .id = { 3, 9 }, .source = 2, .width = 64,
				 .height = 64, .period_ms = 1000, .length = 5000, .captured_us = 1 };
	struct fake_object *object = &objects[0];

	fake_join(&fake, 0);
	fake_join(&fake, 1);
	fake_object(object, ks_track_of("main", "std"), 3, 9, KS_MANIFEST_SIZE + 5000, KS_SHARD_MIN);
	ck_assert_int_eq(ks_manifest_encode(&m, object->bytes), KS_EOK);
	fake_sign(object);
	object->header.source = 2;
	object->header.seq = 10;
	fake_shards(b, object, 0, fake_shards_of(object));
	ck_assert_uint_eq(fake.delivered, 0);
	ck_assert_uint_eq(lines_with("parent parent-1 ([::1]:7510) sent a frame of source 2 that no"), 1);
	fake_shard(b, object, 0);
	ck_assert_uint_eq(dropped(KS_DROP_DISTRUST), 1);
	object->header.seq = 9;
	fake_shards(a, object, 0, fake_shards_of(object));
	ck_assert_uint_eq(fake.delivered, 1);
}
END_TEST

static Suite *merge_suite(void)
{
	const struct {
		const char *name;
		const TTest *tests[20];
	} cases[] = {
		{ "nack", {
			asks_for_exactly_what_is_missing, rounds_are_spaced_and_counted,
			the_next_one_shows_that_the_last_has_been_sent, what_was_lost_whole_is_asked_for,
			a_complete_object_is_stopped, nothing_is_asked_where_it_is_not_wanted,
		} },
		{ "parents", {
			two_parents_complement_each_other, two_parents_are_asked_in_turn, one_of_two_is_enough,
			parents_with_other_shards,
		} },
		{ "hostile", {
			what_a_parent_invents_is_left_alone, inventions_are_logged_once_a_minute,
			a_pardon_is_for_everything, one_who_comes_back_as_another,
			a_hostile_parent_that_never_completes, an_honest_parent_is_not_crowded_out,
			a_picture_has_to_be_the_one_that_is_named,
		} },
	};
	Suite *suite = suite_create("merge");

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		TCase *tc = tcase_create(cases[c].name);

		tcase_add_checked_fixture(tc, setup, teardown);
		tcase_set_timeout(tc, 60);
		for (size_t i = 0; cases[c].tests[i] != NULL; i++)
			tcase_add_test(tc, cases[c].tests[i]);
		if (c == 2)
			tcase_add_loop_test(tc, an_honest_parent_gets_through, 0, 2);
		suite_add_tcase(suite, tc);
	}
	return suite;
}

int main(void)
{
	return unit_run(merge_suite());
}
