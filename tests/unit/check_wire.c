/* SPDX-License-Identifier: Apache-2.0
 *
 * A parent and a relay together, over a network that exists in memory only: how they find each other, what they make of
 * bad networks, restarts, new keys and narrow paths.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/wire/fec.h"
#include "tests/unit/unit.h"
#include "tests/wire/scene.h"

/* --- good and bad networks ------------------------------------------------------------------------ */

START_TEST(a_clean_network_delivers_all)
{
	const struct world_node *parent = &world.nodes[PARENT], *relay = &world.nodes[RELAY];

	scene_start((enum scene_way)_i);
	scene_send_many(1, 1, 200);
	ck_assert_uint_eq(scene_got(RELAY), 200);
	ck_assert_uint_eq(scene_dropped(RELAY, KS_DROP_TAG), 0);
	ck_assert_uint_eq(scene_dropped(RELAY, KS_DROP_LATE), 0);
	ck_assert_uint_eq(scene_dropped(RELAY, KS_DROP_CONFLICT), 0);
	ck_assert_uint_eq(scene_dropped(PARENT, KS_DROP_SESSION), 0);
	ck_assert(_i == PULL ? ks_receiver_connected(relay->receiver, relay->parent_number[PARENT])
			     : ks_sender_connected(parent->sender, parent->relay_number[RELAY]));
	ck_assert_uint_eq(ks_sender_relays(parent->sender), 1);
}
END_TEST

START_TEST(frames_cross_a_bad_network)
{
	const struct world_path bad = {
		.loss_ppm = 100000, .duplicate_ppm = 20000, .corrupt_ppm = 1000, .reorder_ppm = 10000,
		.delay_us = 10 * MS, .jitter_us = 15 * MS, .reorder_us = 20 * MS,
	};
	const unsigned frames = 4000;
	unsigned got;

	world_paths(&world, &bad);
	scene_start((enum scene_way)_i);
	scene_send_many(1, 1, frames);
	got = scene_got(RELAY);
	ck_assert_msg(got * 1000u >= frames * 999u, "%u of %u", got, frames);
	ck_assert_uint_gt(scene_dropped(RELAY, KS_DROP_TAG), 100);
	ck_assert_uint_gt(scene_dropped(RELAY, KS_DROP_REPLAY), 1000);
}
END_TEST

/* Reports and requests are lost too, sometimes several in a row; that must not cost frames. */
START_TEST(frames_cross_a_terrible_network)
{
	const struct world_path terrible = { .loss_ppm = 200000, .delay_us = 10 * MS };
	const unsigned frames = 6000;
	unsigned got;

	world_paths(&world, &terrible);
	scene_start(PULL);
	scene_send_many(1, 1, frames);
	got = scene_got(RELAY);
	ck_assert_msg(got * 10000u >= frames * 9995u, "%u of %u", got, frames);
}
END_TEST

static void start_blind(uint32_t loss_ppm)
{
	const struct ks_sender_settings prepared = { .datagram = KS_DATAGRAM_DEFAULT, .loss_ppm = loss_ppm };

	world.paths[RELAY][PARENT].down = true;
	world_tell_relay(&world, PARENT, RELAY, true);
	world_start_sender(&world, PARENT, &prepared);
	world_start_receiver(&world, RELAY, NULL);
}

START_TEST(frames_cross_a_path_without_a_way_back)
{
	const struct world_path terrible = { .loss_ppm = 200000, .delay_us = 10 * MS };
	const unsigned frames = 6000;
	unsigned got;

	world_paths(&world, &terrible);
	start_blind(200000);
	scene_joined(RELAY, 1);
	scene_send_many(1, 1, frames);
	got = scene_got(RELAY);
	ck_assert_msg(got * 10000u >= frames * 9995u, "%u of %u", got, frames);
	ck_assert_uint_eq(world.paths[RELAY][PARENT].datagrams, 0);
	ck_assert(ks_sender_connected(world.nodes[PARENT].sender, world.nodes[PARENT].relay_number[RELAY]));
}
END_TEST

/* A recorded announcement must not bring old pictures, so a relay whose clock is wrong gets none. */
START_TEST(a_blind_path_needs_a_clock)
{
	static const struct {
		int64_t offset_us;
		bool good;
	} cases[] = {
		{ 55 * SECOND, true }, { -55 * SECOND, true }, { 65 * SECOND, false }, { -65 * SECOND, false },
	};

	world.nodes[RELAY].wall_offset_us = cases[_i].offset_us;
	start_blind(100000);
	world_run_for(&world, 3 * SECOND);
	scene_send_many(1, 1, 20);
	ck_assert_uint_eq(scene_got(RELAY), cases[_i].good ? 20 : 0);
	ck_assert(cases[_i].good || scene_dropped(RELAY, KS_DROP_CLOCK) > 0);
}
END_TEST

/* All others do not look at the time of day. */
START_TEST(clocks_may_step)
{
	scene_start((enum scene_way)_i);
	for (uint32_t seq = 1; seq <= 100; seq++) {
		world.nodes[seq % 2].wall_offset_us = ((int64_t)(world_random(&world) % 7200) - 3600) * SECOND;
		scene_send_many(1, seq, 1);
	}
	ck_assert_uint_eq(scene_got(RELAY), 100);
}
END_TEST

/* A burst of loss that takes less than the parity's share of the spread costs nothing. */
START_TEST(a_frame_is_spread_out)
{
	const struct world_object object = { .epoch = 1, .seq = 1, .period_ms = 1000, .len = 100000 };
	const uint64_t all = 87 + ks_fec_parity(87, 100000, KS_CHANCE_9999);
	const int64_t spread_us = SECOND * KS_SPREAD_BLIND_PERCENT / 100;
	uint64_t before;

	start_blind(100000);
	scene_joined(RELAY, 1);
	before = sent_of_type[KS_DATA];
	ck_assert_int_eq(world_send(&world, PARENT, &object), KS_EOK);
	for (int64_t gone_us = 5 * MS; gone_us <= spread_us; gone_us += 5 * MS) {
		uint64_t now, due = all * (uint64_t)gone_us / (uint64_t)spread_us;

		world_run_for(&world, 5 * MS);
		now = sent_of_type[KS_DATA] - before;
		ck_assert_msg(now <= due + 3 && now + 3 >= due, "%u, not %u of %u", (unsigned)now, (unsigned)due,
			      (unsigned)all);
	}
	world_run_for(&world, 10 * MS);
	ck_assert_uint_eq(sent_of_type[KS_DATA] - before, all);
}
END_TEST

/* Where there is little time to ask for more, much is sent at once, but not to whom has all. */
START_TEST(what_is_complete_is_not_sent_on)
{
	const struct world_path near = { .delay_us = MS, .loss_ppm = 200000 };
	struct world_object object = { .epoch = 1, .seq = 1, .period_ms = 200, .len = 100000 };
	struct ks_sender_totals before, after;

	world_paths(&world, &near);
	scene_start(PULL);
	for (; object.seq <= 300; object.seq++) {
		ck_assert_int_eq(world_send(&world, PARENT, &object), KS_EOK);
		if (object.seq == 100)
			ks_sender_totals(world.nodes[PARENT].sender, &before);
		world_run_for(&world, 200 * MS);
	}
	ks_sender_totals(world.nodes[PARENT].sender, &after);
	ck_assert_uint_eq(scene_got(RELAY), 300);
	/* 56 % if it were all sent, 30 % if it stopped with the last one that is needed. */
	ck_assert_uint_lt((after.bytes - before.bytes) * 100,
			  (after.data_shard_bytes - before.data_shard_bytes) * 145);
	ck_assert_uint_gt((after.bytes - before.bytes) * 100,
			  (after.data_shard_bytes - before.data_shard_bytes) * 130);
}
END_TEST

/* --- joining -------------------------------------------------------------------------------------- */

static bool has_first(struct world *w)
{
	return w->nodes[RELAY].delivered > 0;
}

START_TEST(the_first_picture_is_there_at_once)
{
	const struct world_path far = { .delay_us = 75 * MS };
	const int64_t rtt_us = 2 * far.delay_us, spread_us = PERIOD_US / 4;
	int64_t started_us;

	world_paths(&world, &far);
	scene_tell((enum scene_way)_i, PARENT, RELAY);
	world_start_sender(&world, PARENT, NULL);
	scene_send(1, 1);
	world_run_for(&world, 20 * SECOND);
	world_start_receiver(&world, RELAY, NULL);
	sent_of_type[KS_SUBSCRIBE] = 0;
	while (sent_of_type[KS_SUBSCRIBE] == 0)
		world_run_for(&world, MS);	/* an offer comes at the end of the parent's interval */
	started_us = world.now_us - MS;
	ck_assert(world_run_until(&world, world.now_us + 5 * SECOND, has_first));
	ck_assert_int_le(world.now_us - started_us, 3 * rtt_us + spread_us);
}
END_TEST

START_TEST(nothing_but_offers_without_a_session)
{
	world_tell_relay(&world, PARENT, RELAY, false);
	world_start_sender(&world, PARENT, NULL);
	scene_send_many(1, 1, 100);
	ck_assert_uint_eq(sent_of_type[KS_OFFER], world.paths[PARENT][RELAY].datagrams);
	/* 0.25 to 2 s, doubling, each shortened at random. */
	ck_assert_uint_ge(sent_of_type[KS_OFFER], 5);
	ck_assert_uint_le(sent_of_type[KS_OFFER], 16);
	ck_assert(!ks_sender_connected(world.nodes[PARENT].sender, world.nodes[PARENT].relay_number[RELAY]));
}
END_TEST

START_TEST(a_parent_that_is_away_is_asked_again_and_again)
{
	world_tell_parent(&world, RELAY, PARENT);
	world_start_receiver(&world, RELAY, NULL);
	world_run_for(&world, 100 * SECOND);
	ck_assert_uint_eq(sent_of_type[KS_SUBSCRIBE], world.paths[RELAY][PARENT].datagrams);
	/* 0.25 to 8 s, doubling. */
	ck_assert_uint_ge(sent_of_type[KS_SUBSCRIBE], 12);
	ck_assert_uint_le(sent_of_type[KS_SUBSCRIBE], 40);
	world_start_sender(&world, PARENT, NULL);
	scene_joined(RELAY, 1);
	scene_send_many(1, 1, 10);
	ck_assert_uint_eq(scene_got(RELAY), 10);
}
END_TEST

/* --- restarts and outages ------------------------------------------------------------------------- */

START_TEST(recovers_from_a_restarted_relay)
{
	scene_start((enum scene_way)_i);
	scene_send_many(1, 1, 20);
	ck_assert_uint_eq(scene_got(RELAY), 20);
	world_stop_receiver(&world, RELAY);
	world_start_receiver(&world, RELAY, NULL);
	/* Pushed: up to three seconds until the silence is noticed, and one interval. */
	scene_send_many(1, 21, 60);
	ck_assert_uint_gt(scene_got(RELAY), _i == PULL ? 55 : 5);
	scene_send_many(1, 81, 20);
	ck_assert_uint_eq(scene_got(RELAY), 20);
	ck_assert_uint_eq(ks_receiver_parents(world.nodes[RELAY].receiver), 1);
}
END_TEST

START_TEST(recovers_from_a_restarted_parent)
{
	scene_start((enum scene_way)_i);
	scene_send_many(1, 1, 20);
	ck_assert_uint_eq(scene_got(RELAY), 20);
	world_stop_sender(&world, PARENT);
	world_start_sender(&world, PARENT, NULL);
	/* A relay that was told of its parent notices within 1.5 s and asks anew. */
	scene_send_many(2, 0, 30);
	ck_assert_uint_gt(scene_got(RELAY), _i == PULL ? 10 : 25);
	scene_send_many(2, 30, 20);
	ck_assert_uint_eq(scene_got(RELAY), 20);
	ck_assert_uint_eq(ks_receiver_parents(world.nodes[RELAY].receiver), 1);
}
END_TEST

/* With the network's word that nobody listens there is no need to wait for the silence. */
START_TEST(a_refusal_starts_an_offer_at_once)
{
	scene_start(PUSH);
	scene_send_many(1, 1, 10);
	world_stop_receiver(&world, RELAY);
	world.paths[PARENT][RELAY].refuse = true;
	scene_send_many(1, 11, 2);
	world.paths[PARENT][RELAY].refuse = false;
	world_start_receiver(&world, RELAY, NULL);
	scene_got(RELAY);
	scene_send_many(1, 13, 20);
	ck_assert_uint_ge(scene_got(RELAY), 12);
}
END_TEST

/* Anybody can forge a refusal; frames go on meanwhile. */
START_TEST(forged_refusals_cost_no_frame)
{
	const struct ks_endpoint relay = world_endpoint(&world, RELAY, PARENT);
	const struct ks_endpoint parent = world_endpoint(&world, PARENT, RELAY);

	scene_start((enum scene_way)_i);
	for (uint32_t seq = 1; seq <= 100; seq++) {
		ks_sender_refused(world.nodes[PARENT].sender, &relay);
		ks_receiver_refused(world.nodes[RELAY].receiver, &parent);
		world_due(&world, PARENT);
		world_due(&world, RELAY);
		scene_send_many(1, seq, 1);
	}
	ck_assert_uint_eq(scene_got(RELAY), 100);
}
END_TEST

static bool has_newest(struct world *w)
{
	return w->nodes[RELAY].last[0][0][0].seq == 160;
}

START_TEST(recovers_from_a_partition)
{
	scene_start((enum scene_way)_i);
	scene_send_many(1, 1, 10);
	world.paths[PARENT][RELAY].down = world.paths[RELAY][PARENT].down = true;
	scene_send_many(1, 11, 150);
	ck_assert_uint_eq(scene_got(RELAY), 10);
	world.paths[PARENT][RELAY].down = world.paths[RELAY][PARENT].down = false;
	/* The newest one, without another being sent. */
	ck_assert(world_run_until(&world, world.now_us + 9 * SECOND, has_newest));
	world_run_for(&world, SECOND);
	ck_assert_uint_eq(scene_got(RELAY), 1);
	scene_send_many(1, 161, 10);
	ck_assert_uint_eq(scene_got(RELAY), 10);
}
END_TEST

/* One direction only: what arrives is not thrown away because the other direction is silent. */
START_TEST(a_short_silence_of_the_way_back_costs_nothing)
{
	scene_start((enum scene_way)_i);
	scene_send_many(1, 1, 10);
	world.paths[RELAY][PARENT].down = true;
	scene_send_many(1, 11, 100);
	world.paths[RELAY][PARENT].down = false;
	scene_send_many(1, 111, 10);
	ck_assert_uint_eq(scene_got(RELAY), 120);
}
END_TEST

/* Behind an address translator that forgot the relay, which then comes from another port. */
START_TEST(a_relay_may_move)
{
	scene_start(PULL);
	scene_send_many(1, 1, 10);
	world.nodes[RELAY].port++;
	/* A session belongs to an address that was proven, so it takes a new one: after KS_QUIET_US. */
	scene_send_many(1, 11, 20);
	ck_assert_uint_ge(scene_got(RELAY), 10 + 3);
	scene_send_many(1, 31, 20);
	ck_assert_uint_eq(scene_got(RELAY), 20);
}
END_TEST

/* Behind an address translator of its own, too, once the session is there. */
START_TEST(a_parent_may_move)
{
	scene_start((enum scene_way)_i);
	scene_send_many(1, 1, 10);
	world.nodes[PARENT].port++;
	sent_of_type[KS_SUBSCRIBE] = 0;
	scene_send_many(1, 11, 10);
	world_run_for(&world, 2 * KS_LEASE_US);	/* nothing but ALIVE */
	scene_send_many(1, 21, 10);
	ck_assert_uint_eq(scene_got(RELAY), 30);
	ck_assert_uint_eq(sent_of_type[KS_SUBSCRIBE], 0);
	ck_assert_uint_eq(ks_sender_relays(world.nodes[PARENT].sender), 1);
}
END_TEST

/* An outage is said once, with the address, and its end too. */
START_TEST(outages_are_logged_once)
{
	const char *line;

	unit_log_start();
	scene_tell((enum scene_way)_i, PARENT, RELAY);
	if (_i == PULL)
		world_start_receiver(&world, RELAY, NULL);
	else
		world_start_sender(&world, PARENT, NULL);
	world_run_for(&world, 60 * SECOND);
	line = strstr(unit_log_text(), "virtual");
	ck_assert_ptr_nonnull(line);
	ck_assert_msg(strstr(line + 1, "virtual") == NULL, "said twice: %s", unit_log_text());
	if (_i == PULL)
		world_start_sender(&world, PARENT, NULL);
	else
		world_start_receiver(&world, RELAY, NULL);
	scene_joined(RELAY, 1);
	ck_assert_ptr_nonnull(strstr(line + 1, "virtual"));
}
END_TEST

static Suite *wire_suite(void)
{
	Suite *suite = suite_create("wire");
	TCase *tc = tcase_create("wire");

	tcase_add_checked_fixture(tc, scene_setup, scene_teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, a_clean_network_delivers_all, 0, SCENE_WAYS);
	tcase_add_loop_test(tc, frames_cross_a_bad_network, 0, SCENE_WAYS);
	tcase_add_test(tc, frames_cross_a_terrible_network);
	tcase_add_test(tc, frames_cross_a_path_without_a_way_back);
	tcase_add_loop_test(tc, a_blind_path_needs_a_clock, 0, 4);
	tcase_add_loop_test(tc, clocks_may_step, 0, SCENE_WAYS);
	tcase_add_test(tc, a_frame_is_spread_out);
	tcase_add_test(tc, what_is_complete_is_not_sent_on);
	tcase_add_loop_test(tc, the_first_picture_is_there_at_once, 0, SCENE_WAYS);
	tcase_add_test(tc, nothing_but_offers_without_a_session);
	tcase_add_test(tc, a_parent_that_is_away_is_asked_again_and_again);
	tcase_add_loop_test(tc, recovers_from_a_restarted_relay, 0, SCENE_WAYS);
	tcase_add_loop_test(tc, recovers_from_a_restarted_parent, 0, SCENE_WAYS);
	tcase_add_test(tc, a_refusal_starts_an_offer_at_once);
	tcase_add_loop_test(tc, forged_refusals_cost_no_frame, 0, SCENE_WAYS);
	tcase_add_loop_test(tc, recovers_from_a_partition, 0, SCENE_WAYS);
	tcase_add_loop_test(tc, a_short_silence_of_the_way_back_costs_nothing, 0, SCENE_WAYS);
	tcase_add_test(tc, a_relay_may_move);
	tcase_add_loop_test(tc, a_parent_may_move, 0, SCENE_WAYS);
	tcase_add_loop_test(tc, outages_are_logged_once, 0, SCENE_WAYS);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return unit_run(wire_suite());
}
