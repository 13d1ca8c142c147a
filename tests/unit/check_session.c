/* SPDX-License-Identifier: Apache-2.0
 *
 * A parent and a relay together, over a network that exists in memory only: how sessions and keys are renewed and
 * withdrawn, and what passes through them.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "tests/unit/unit.h"
#include "tests/wire/scene.h"

/* --- sessions and keys ---------------------------------------------------------------------------- */

START_TEST(sessions_are_renewed_without_losing_a_frame)
{
	const struct world_path jittery = { .delay_us = 20 * MS, .jitter_us = 5 * MS };
	const unsigned frames = 4000;	/* more than three sessions */

	world_paths(&world, &jittery);
	scene_start((enum scene_way)_i);
	sent_of_type[KS_ACCEPT] = 0;
	scene_send_many(1, 1, frames);
	ck_assert_uint_eq(scene_got(RELAY), frames);
	ck_assert_uint_ge(sent_of_type[KS_ACCEPT], 3);
	ck_assert_uint_eq(scene_dropped(RELAY, KS_DROP_SESSION), 0);
	ck_assert_uint_eq(scene_dropped(PARENT, KS_DROP_SESSION), 0);
}
END_TEST

START_TEST(blind_sessions_are_renewed_without_losing_a_frame)
{
	const struct ks_sender_settings often = {
		.datagram = KS_DATAGRAM_DEFAULT, .loss_ppm = 100000, .rekey_us = 3 * SECOND,
	};

	world.paths[RELAY][PARENT].down = true;
	world_tell_relay(&world, PARENT, RELAY, true);
	world_start_sender(&world, PARENT, &often);
	world_start_receiver(&world, RELAY, NULL);
	scene_joined(RELAY, 1);
	scene_send_many(1, 1, 600);
	ck_assert_uint_eq(scene_got(RELAY), 600);
}
END_TEST

static void set_masters(const struct ks_master *masters, size_t n, const char *const *revoked, size_t n_revoked)
{
	ck_assert_int_eq(ks_sender_set_masters(world.nodes[PARENT].sender, masters, n, revoked, n_revoked), KS_EOK);
	world_due(&world, PARENT);
}

static void set_parent_keys(const struct ks_psk *keys, size_t n)
{
	const struct world_node *relay = &world.nodes[RELAY];

	ck_assert_int_eq(ks_receiver_set_parent_keys(relay->receiver, relay->parent_number[PARENT], keys, n), KS_EOK);
	world_due(&world, RELAY);
}

/* The order of a change: the parent accepts both, the relay gets the new one, the parent forgets the old one. */
START_TEST(master_keys_change_without_losing_a_frame)
{
	const struct world_path bad = { .loss_ppm = 50000, .delay_us = 10 * MS };
	struct ks_master masters[2];
	struct ks_psk keys[2];

	world_paths(&world, &bad);
	scene_start(PULL);
	scene_send_many(1, 1, 50);
	masters[0] = world.nodes[PARENT].master;
	memset(masters[1].key, 7, sizeof(masters[1].key));
	ks_psk_derive(&keys[0], &masters[1], world.nodes[RELAY].name);
	keys[1] = world_derived(&world, RELAY, PARENT);
	set_masters(masters, 2, NULL, 0);
	scene_send_many(1, 51, 50);
	set_parent_keys(keys, 2);
	scene_send_many(1, 101, 50);
	set_parent_keys(keys, 1);
	scene_send_many(1, 151, 50);
	set_masters(masters + 1, 1, NULL, 0);
	scene_send_many(1, 201, 100);
	ck_assert_uint_eq(scene_got(RELAY), 300);
}
END_TEST

START_TEST(a_told_relays_key_changes_without_losing_a_frame)
{
	struct ks_psk keys[2];

	scene_start(PUSH);
	scene_send_many(1, 1, 50);
	ks_psk_make(&keys[0], world.nodes[RELAY].name);
	keys[1] = world.nodes[RELAY].key;
	ck_assert_int_eq(ks_receiver_set_keys(world.nodes[RELAY].receiver, keys, 2), KS_EOK);
	scene_send_many(1, 51, 50);
	ks_sender_set_key(world.nodes[PARENT].sender, world.nodes[PARENT].relay_number[RELAY], &keys[0]);
	world_due(&world, PARENT);
	scene_send_many(1, 101, 50);
	ck_assert_int_eq(ks_receiver_set_keys(world.nodes[RELAY].receiver, keys, 1), KS_EOK);
	world_due(&world, RELAY);
	scene_send_many(1, 151, 50);
	ck_assert_uint_eq(scene_got(RELAY), 200);
	ck_assert_int_eq(ks_receiver_set_keys(world.nodes[RELAY].receiver, keys, KS_PSK_MAX + 1), KS_ELIMIT);
}
END_TEST

/* It is out at once, and the others notice nothing. */
START_TEST(a_revoked_relay_is_out)
{
	const char *const revoked[] = { world.nodes[RELAY].name };

	scene_start((enum scene_way)_i);
	scene_tell((enum scene_way)_i, PARENT, SECOND_RELAY);
	world_start_receiver(&world, SECOND_RELAY, NULL);
	scene_joined(SECOND_RELAY, 1);
	scene_send_many(1, 1, 10);
	ck_assert_uint_eq(scene_got(RELAY), 10);
	set_masters(&world.nodes[PARENT].master, 1, revoked, 1);
	world_run_for(&world, 50 * MS);
	ck_assert_uint_eq(ks_receiver_parents(world.nodes[RELAY].receiver), 0);
	scene_send_many(1, 11, 400);
	ck_assert_uint_eq(scene_got(RELAY), 0);
	ck_assert_uint_eq(scene_got(SECOND_RELAY), 410);
	ck_assert(_i == PUSH || scene_dropped(PARENT, KS_DROP_REVOKED) > 0);
	/* And in again, when it was a mistake. */
	set_masters(&world.nodes[PARENT].master, 1, NULL, 0);
	scene_send_many(1, 411, 100);
	ck_assert_uint_gt(scene_got(RELAY), 10);
}
END_TEST

/* What a stolen disk of the past gives away is of no use once its master key is no longer accepted. */
START_TEST(a_withdrawn_master_key_is_of_no_use)
{
	struct ks_master other;

	memset(other.key, 7, sizeof(other.key));
	scene_start(PULL);
	scene_send_many(1, 1, 10);
	set_masters(&other, 1, NULL, 0);
	scene_send_many(1, 11, 400);
	ck_assert_uint_eq(scene_got(RELAY), 10);
	ck_assert_uint_eq(ks_sender_relays(world.nodes[PARENT].sender), 0);
}
END_TEST

/* --- what passes ---------------------------------------------------------------------------------- */

/* A path that is too narrow costs the frames that found out, and no others. */
START_TEST(steps_down_when_datagrams_are_too_long)
{
	static const size_t mtus[] = { 1199, 1024, 600, 576 };
	struct world_path narrow = { .delay_us = 10 * MS, .mtu = mtus[_i % 4], .mtu_silent = _i >= 4 };

	scene_start(PULL);
	scene_send_many(1, 1, 20);
	ck_assert_uint_eq(scene_got(RELAY), 20);
	world_paths(&world, &narrow);
	/* Silence has to be noticed first; the sender hears the other at once. */
	scene_send_many(1, 21, narrow.mtu_silent ? 150 : 3);
	scene_got(RELAY);
	scene_send_many(1, 201, 20);
	ck_assert_uint_eq(scene_got(RELAY), 20);
}
END_TEST

START_TEST(too_large_objects_are_refused)
{
	uint8_t *bytes = calloc(1, KS_FRAME_MAX + 1);
	struct ks_outgoing object = {
		.channel = "main", .rendition = "full", .id = { 1, 1 }, .period_us = SECOND, .bytes = bytes,
	};

	scene_start(PULL);
	object.len = KS_FRAME_MAX + 1;
	ck_assert_int_eq(ks_sender_object(world.nodes[PARENT].sender, &object), KS_ELIMIT);
	object.len = 0;
	ck_assert_int_eq(ks_sender_object(world.nodes[PARENT].sender, &object), KS_ELIMIT);
	object.len = KS_FRAME_MAX;
	object.hops = KS_HOPS_MAX + 1;
	ck_assert_int_eq(ks_sender_object(world.nodes[PARENT].sender, &object), KS_ELIMIT);
	object.hops = 0;
	ck_assert_int_eq(ks_sender_object(world.nodes[PARENT].sender, &object), KS_EOK);
	ck_assert_int_eq(ks_sender_object(world.nodes[PARENT].sender, &object), KS_ESTALE);
	free(bytes);
}
END_TEST

START_TEST(the_largest_object_passes)
{
	struct world_object object = { .epoch = 1, .seq = 1, .period_ms = 1000, .len = KS_FRAME_MAX };
	const struct world_path bad = { .loss_ppm = 100000, .delay_us = 10 * MS };

	world_paths(&world, &bad);
	scene_start(PULL);
	for (; object.seq <= 20; object.seq++) {
		ck_assert_int_eq(world_send(&world, PARENT, &object), KS_EOK);
		world_run_for(&world, SECOND);
	}
	ck_assert_uint_eq(scene_got(RELAY), 20);
}
END_TEST

/* Renditions and channels by name; the sender saves what is not wanted. */
START_TEST(a_relay_gets_what_it_wants)
{
	struct ks_receiver_settings wants = {
		.datagram = KS_DATAGRAM_DEFAULT,
		.nack = true,
		.filter = {
			.channels = { "channel1" }, .n_channels = 1, .renditions = { "r0", "r3" }, .n_renditions = 2,
		},
	};
	struct world_object object = { .epoch = 1, .period_ms = 200, .len = 30000 };

	world_tell_parent(&world, RELAY, PARENT);
	world_tell_parent(&world, SECOND_RELAY, PARENT);
	world_start_sender(&world, PARENT, NULL);
	world_start_receiver(&world, RELAY, &wants);
	world_start_receiver(&world, SECOND_RELAY, NULL);
	scene_joined(RELAY, 1);
	scene_joined(SECOND_RELAY, 1);
	for (object.seq = 1; object.seq <= 10; object.seq++) {
		for (size_t i = 0; i < WORLD_NAMES_MAX * WORLD_NAMES_MAX; i++) {
			object.channel = (uint8_t)(i / WORLD_NAMES_MAX);
			object.rendition = (uint8_t)(i % WORLD_NAMES_MAX);
			ck_assert_int_eq(world_send(&world, PARENT, &object), KS_EOK);
		}
		world_run_for(&world, 200 * MS);
	}
	ck_assert_uint_eq(scene_got(RELAY), 2 * 10);
	ck_assert_uint_eq(scene_got(SECOND_RELAY), WORLD_NAMES_MAX * WORLD_NAMES_MAX * 10);
	ck_assert_uint_eq(world.nodes[RELAY].last[1][0][0].seq, 10);
	ck_assert_uint_eq(world.nodes[RELAY].last[1][3][0].seq, 10);
	ck_assert_uint_lt(world.paths[PARENT][RELAY].bytes * 4, world.paths[PARENT][SECOND_RELAY].bytes);
}
END_TEST

static unsigned heads;

static void on_head(struct world *w, size_t node, const uint8_t manifest[KS_HEAD_BODY])
{
	(void)w;
	heads += node == PARENT && manifest[0] == 'K' && manifest[KS_HEAD_BODY - 1] == 'M';
}

START_TEST(parents_hear_of_the_newest_frame)
{
	const uint8_t manifest[KS_HEAD_BODY] = { [0] = 'K', [KS_HEAD_BODY - 1] = 'M' };

	heads = 0;
	world.head = on_head;
	scene_start((enum scene_way)_i);
	ks_receiver_head(world.nodes[RELAY].receiver, manifest);
	world_due(&world, RELAY);
	world_run_for(&world, 100 * MS);
	ck_assert_uint_eq(heads, 1);
}
END_TEST

static Suite *session_suite(void)
{
	Suite *suite = suite_create("session");
	TCase *tc = tcase_create("session");

	tcase_add_checked_fixture(tc, scene_setup, scene_teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, sessions_are_renewed_without_losing_a_frame, 0, SCENE_WAYS);
	tcase_add_test(tc, blind_sessions_are_renewed_without_losing_a_frame);
	tcase_add_test(tc, master_keys_change_without_losing_a_frame);
	tcase_add_test(tc, a_told_relays_key_changes_without_losing_a_frame);
	tcase_add_loop_test(tc, a_revoked_relay_is_out, 0, SCENE_WAYS);
	tcase_add_test(tc, a_withdrawn_master_key_is_of_no_use);
	tcase_add_loop_test(tc, steps_down_when_datagrams_are_too_long, 0, 8);
	tcase_add_test(tc, too_large_objects_are_refused);
	tcase_add_test(tc, the_largest_object_passes);
	tcase_add_test(tc, a_relay_gets_what_it_wants);
	tcase_add_loop_test(tc, parents_hear_of_the_newest_frame, 0, SCENE_WAYS);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return unit_run(session_suite());
}
