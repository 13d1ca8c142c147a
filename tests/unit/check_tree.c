/* SPDX-License-Identifier: Apache-2.0
 *
 * Relays that are parents, relays with two parents, and parents that are not what they should be.
 */
#include <string.h>

#include "lib/base/error.h"
#include "tests/unit/unit.h"
#include "tests/wire/scene.h"

static void start_relay(size_t node)
{
	world.nodes[node].forwards = true;
	world_start_sender(&world, node, NULL);
	world_start_receiver(&world, node, NULL);
}

static const struct world_path perfect = { .delay_us = 10 * MS };

/* --- chains --------------------------------------------------------------------------------------- */

START_TEST(frames_go_down_a_chain)
{
	const struct world_path bad = { .loss_ppm = 50000, .delay_us = 10 * MS };
	const size_t last = KS_HOPS_MAX;
	const unsigned frames = 1000;
	unsigned got;

	world_paths(&world, &bad);
	world_start_sender(&world, PARENT, NULL);
	for (size_t node = 1; node <= last; node++) {
		world_tell_parent(&world, node, node - 1);
		start_relay(node);
		scene_joined(node, 1);
	}
	scene_send_many(1, 1, frames);
	world_run_for(&world, SECOND);
	got = scene_got(last);
	ck_assert_msg(got * 1000u >= frames * 998u, "%u of %u", got, frames);
}
END_TEST

static uint8_t hops_seen[WORLD_NODES_MAX];

static bool on_deliver(struct world *w, size_t node, const struct world_object *object, uint8_t hops)
{
	(void)w;
	(void)object;
	hops_seen[node] = hops;
	return true;
}

START_TEST(the_chain_ends)
{
	const size_t last = KS_HOPS_MAX + 1;

	world.deliver = on_deliver;
	world_start_sender(&world, PARENT, NULL);
	for (size_t node = 1; node <= last + 2; node++) {
		world_tell_parent(&world, node, node - 1);
		start_relay(node);
		scene_joined(node, 1);
	}
	scene_send_many(1, 1, 20);
	world_run_for(&world, SECOND);
	for (size_t node = 1; node <= last; node++) {
		ck_assert_uint_eq(scene_got(node), 20);
		ck_assert_uint_eq(hops_seen[node], node - 1);
	}
	ck_assert_uint_eq(scene_got(last + 1), 0);
	ck_assert_uint_eq(scene_got(last + 2), 0);
}
END_TEST

/* Three relays that are each other's parents, one the source's: each gets each frame once, then there is silence. */
START_TEST(a_loop_of_relays_dies)
{
	uint64_t before;

	world_start_sender(&world, PARENT, NULL);
	for (size_t i = 0; i < 3; i++) {
		world_tell_parent(&world, 1 + i, 1 + (i + 1) % 3);
		start_relay(1 + i);
	}
	world_tell_parent(&world, 1, PARENT);
	scene_joined(1, 2);
	scene_joined(2, 1);
	scene_joined(3, 1);
	scene_send_many(1, 1, 50);
	world_run_for(&world, 2 * SECOND);
	for (size_t node = 1; node <= 3; node++)
		ck_assert_uint_eq(scene_got(node), 50);
	before = sent_of_type[KS_DATA];
	world_run_for(&world, 10 * SECOND);
	ck_assert_uint_eq(sent_of_type[KS_DATA], before);
}
END_TEST

START_TEST(nobody_is_its_own_parent)
{
	world_tell_parent(&world, RELAY, RELAY);
	world_tell_parent(&world, RELAY, PARENT);
	world_start_sender(&world, PARENT, NULL);
	start_relay(RELAY);
	scene_joined(RELAY, 1);
	scene_send_many(1, 1, 50);
	ck_assert_uint_eq(scene_got(RELAY), 50);
	ck_assert_uint_eq(ks_receiver_parents(world.nodes[RELAY].receiver), 1);
	ck_assert_uint_eq(ks_sender_relays(world.nodes[RELAY].sender), 0);
	ck_assert_uint_lt(world.paths[RELAY][RELAY].datagrams, 30);
}
END_TEST

START_TEST(a_restarted_relay_in_the_middle_costs_few_frames)
{
	world_start_sender(&world, PARENT, NULL);
	for (size_t node = 1; node <= 2; node++) {
		world_tell_parent(&world, node, node - 1);
		start_relay(node);
		scene_joined(node, 1);
	}
	scene_send_many(1, 1, 20);
	ck_assert_uint_ge(scene_got(2), 19);
	world_stop_sender(&world, 1);
	world_stop_receiver(&world, 1);
	start_relay(1);
	scene_send_many(1, 21, 30);
	ck_assert_uint_ge(scene_got(2), 10);
	scene_send_many(1, 51, 20);
	ck_assert_uint_ge(scene_got(2), 19);
}
END_TEST

/* --- two parents ---------------------------------------------------------------------------------- */

/* The source, two relays below it, and LEAF with both as parents. */
#define LEAF 3

static void start_two_parents(const struct world_path *to_leaf)
{
	world_start_sender(&world, PARENT, NULL);
	for (size_t node = 1; node <= 2; node++) {
		world_link(&world, node, LEAF, to_leaf);
		world_tell_parent(&world, node, PARENT);
		world_tell_parent(&world, LEAF, node);
		start_relay(node);
		scene_joined(node, 1);
	}
	world_start_receiver(&world, LEAF, NULL);
	scene_joined(LEAF, 2);
}

START_TEST(two_parents_share_the_work)
{
	const struct world_path near = { .delay_us = 2 * MS };
	struct ks_sender_totals one, two;

	start_two_parents(&near);
	scene_send_many(1, 1, 200);
	ck_assert_uint_eq(scene_got(LEAF), 200);
	ks_sender_totals(world.nodes[1].sender, &one);
	ks_sender_totals(world.nodes[2].sender, &two);
	/* About half each, and what is under way when they hear that it is enough. */
	ck_assert_uint_gt(one.data_datagrams * 100, 35 * (one.data_datagrams + two.data_datagrams));
	ck_assert_uint_lt(one.data_datagrams * 100, 65 * (one.data_datagrams + two.data_datagrams));
	ck_assert_uint_lt((one.data_datagrams + two.data_datagrams) * 100,
			  160 * (uint64_t)world.paths[PARENT][1].datagrams);
}
END_TEST

START_TEST(a_killed_parent_costs_one_frame_at_most)
{
	const struct world_path bad = { .loss_ppm = 50000, .delay_us = 10 * MS };
	unsigned got;

	start_two_parents(&bad);
	scene_send_many(1, 1, 50);
	scene_send(1, 51);
	/* At any moment of a frame: it is given the time from the first datagram to the last. */
	world_run_for(&world, 10 * MS + _i * 4 * MS);
	world_stop_sender(&world, 1 + _i % 2);
	world_stop_receiver(&world, 1 + _i % 2);
	world_run_for(&world, PERIOD_US - 10 * MS - _i * 4 * MS);
	scene_send_many(1, 52, 100);
	world_run_for(&world, SECOND);
	got = scene_got(LEAF);
	ck_assert_msg(got >= 150, "%u of 151", got);
}
END_TEST

START_TEST(a_parents_silence_costs_no_frame)
{
	start_two_parents(&perfect);
	scene_send_many(1, 1, 10);
	world.paths[1][LEAF].down = world.paths[LEAF][1].down = true;
	scene_send_many(1, 11, 200);
	world.paths[1][LEAF].down = world.paths[LEAF][1].down = false;
	scene_send_many(1, 211, 100);
	world_run_for(&world, SECOND);
	ck_assert_uint_ge(scene_got(LEAF), 309);
	ck_assert_uint_eq(ks_receiver_parents(world.nodes[LEAF].receiver), 2);
}
END_TEST

/* --- poison --------------------------------------------------------------------------------------- */

/* One parent falsifies what it passes on. The relay does not know which; it must get the frames of the other. */
START_TEST(a_poisoned_parent_costs_few_frames)
{
	start_two_parents(&perfect);
	scene_send_many(1, 1, 20);
	ck_assert_uint_ge(scene_got(LEAF), 19);
	world.nodes[1 + _i].poisons = true;
	scene_send_many(1, 21, 50);
	scene_got(LEAF);
	ck_assert_uint_gt(world.nodes[LEAF].wrong, 0);
	world.nodes[LEAF].wrong = 0;
	scene_send_many(1, 71, 500);
	world_run_for(&world, SECOND);
	ck_assert_uint_ge(scene_got(LEAF), 499);
	ck_assert_uint_eq(world.nodes[LEAF].wrong, 0);
}
END_TEST

/* What it falsified is not taken from it for ten minutes, and no longer; the session lasts. */
START_TEST(distrust_ends)
{
	scene_tell(PULL, PARENT, RELAY);
	world_tell_parent(&world, SECOND_RELAY, RELAY);
	world_start_sender(&world, PARENT, NULL);
	start_relay(RELAY);
	world_start_receiver(&world, SECOND_RELAY, NULL);
	scene_joined(RELAY, 1);
	scene_joined(SECOND_RELAY, 1);
	world.nodes[RELAY].poisons = true;
	scene_send_many(1, 1, 5);
	ck_assert_uint_eq(world.nodes[SECOND_RELAY].wrong, 1);
	world.nodes[SECOND_RELAY].wrong = 0;
	world.nodes[RELAY].poisons = false;
	ck_assert_uint_eq(ks_receiver_parents(world.nodes[SECOND_RELAY].receiver), 1);
	scene_send_many(1, 6, 20);
	ck_assert_uint_eq(scene_got(SECOND_RELAY), 0);
	world_run_for(&world, KS_DISTRUST_US + 20 * SECOND);
	scene_send_many(1, 26, 20);
	ck_assert_uint_ge(scene_got(SECOND_RELAY), 20);
	ck_assert_uint_eq(sent_of_type[KS_BYE], 0);
}
END_TEST

/* What LEAF takes, by source, and what it does not, as the key of source 1 is not there. */
static unsigned taken[2], not_signed;
static bool key_is_there;

static bool on_two_sources(struct world *w, size_t node, const struct world_object *object, uint8_t hops)
{
	(void)w;
	(void)hops;
	if (node != LEAF)
		return true;
	if (object->source == 1 && !key_is_there) {
		not_signed++;
		return false;
	}
	taken[object->source]++;
	return true;
}

static void send_two_sources(uint32_t from, uint32_t n)
{
	for (uint32_t seq = from; seq < from + n; seq++)
		for (uint8_t source = 0; source < 2; source++) {
			const struct world_object object = { .epoch = 1, .seq = seq, .source = source, .len = 30000,
							     .period_ms = PERIOD_US / MS };

			ck_assert_int_eq(world_send(&world, PARENT, &object), KS_EOK);
			world_run_for(&world, PERIOD_US / 2);
		}
}

/* By one parent, or two: the other source's pictures come on without a gap; when the key is there all of them do. */
START_TEST(a_source_whose_key_is_missing)
{
	key_is_there = false;
	memset(taken, 0, sizeof(taken));
	not_signed = 0;
	world.deliver = on_two_sources;
	if (_i == 1) {
		start_two_parents(&perfect);
	} else {
		world_tell_parent(&world, LEAF, PARENT);
		world_start_sender(&world, PARENT, NULL);
		world_start_receiver(&world, LEAF, NULL);
		scene_joined(LEAF, 1);
	}
	send_two_sources(1, 200);
	ck_assert_uint_eq(taken[0], 200);
	ck_assert_uint_ge(not_signed, 1);
	ck_assert_uint_le(not_signed, 3);	/* merged, and by each of the two */
	ck_assert_uint_gt(scene_dropped(LEAF, KS_DROP_DISTRUST), 0);
	ck_assert_uint_eq(ks_receiver_parents(world.nodes[LEAF].receiver), 1 + (size_t)_i);
	key_is_there = true;
	send_two_sources(201, 20);
	ck_assert_uint_eq(taken[0], 220);
	ck_assert_uint_eq(taken[1], 0);
	ks_receiver_pardon(world.nodes[LEAF].receiver);
	send_two_sources(221, 20);
	world_run_for(&world, SECOND);
	ck_assert_uint_eq(taken[0], 240);
	ck_assert_uint_ge(taken[1], 20);
	ck_assert_uint_eq(sent_of_type[KS_BYE], 0);
}
END_TEST

static Suite *tree_suite(void)
{
	Suite *suite = suite_create("tree");
	TCase *tc = tcase_create("tree");

	tcase_add_checked_fixture(tc, scene_setup, scene_teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, frames_go_down_a_chain);
	tcase_add_test(tc, the_chain_ends);
	tcase_add_test(tc, a_loop_of_relays_dies);
	tcase_add_test(tc, nobody_is_its_own_parent);
	tcase_add_test(tc, a_restarted_relay_in_the_middle_costs_few_frames);
	tcase_add_test(tc, two_parents_share_the_work);
	tcase_add_loop_test(tc, a_killed_parent_costs_one_frame_at_most, 0, 20);
	tcase_add_test(tc, a_parents_silence_costs_no_frame);
	tcase_add_loop_test(tc, a_poisoned_parent_costs_few_frames, 0, 2);
	tcase_add_test(tc, distrust_ends);
	tcase_add_loop_test(tc, a_source_whose_key_is_missing, 0, 2);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return unit_run(tree_suite());
}
