/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings of the wire that change while frames flow: they take effect, and no frame is lost.
 */
#include <string.h>

#include "lib/base/error.h"
#include "tests/unit/unit.h"
#include "tests/wire/scene.h"

#define SETTLE 20		/* frames: some seconds, for reports and new sessions */
#define MEASURED 120
#define PACE_US (400 * MS)	/* time enough to ask */
#define SHORT 576

static size_t longest;	/* DATA, from anybody */

static void watch(struct world *w, size_t from, size_t to, const uint8_t *bytes, size_t len)
{
	(void)w;
	(void)from;
	(void)to;
	if (len == 0)
		return;
	sent_of_type[bytes[0] & 0x0f]++;
	if ((bytes[0] & 0x0f) == KS_DATA && len > longest)
		longest = len;
}

static struct ks_sender_settings down(size_t datagram, bool nack)
{
	return (struct ks_sender_settings){ .datagram = datagram, .loss_ppm = KS_LOSS_DEFAULT_PPM, .nack = nack };
}

static struct ks_receiver_settings up(size_t datagram, bool nack)
{
	return (struct ks_receiver_settings){ .datagram = datagram, .nack = nack };
}

static void set_parent(const struct ks_sender_settings *settings)
{
	ck_assert_int_eq(ks_sender_set(world.nodes[PARENT].sender, settings), KS_EOK);
	world_due(&world, PARENT);
}

static void set_relay(const struct ks_receiver_settings *settings)
{
	ck_assert_int_eq(ks_receiver_set(world.nodes[RELAY].receiver, settings), KS_EOK);
	world_due(&world, RELAY);
}

static uint32_t seq;

static void send_one(uint8_t rendition, uint32_t number)
{
	const struct world_object object = { .epoch = 1, .seq = number, .rendition = rendition, .len = 60000,
					     .period_ms = PACE_US / MS };

	ck_assert_int_eq(world_send(&world, PARENT, &object), KS_EOK);
}

static void send_many(uint32_t n)
{
	for (; n > 0; n--) {
		send_one(0, seq++);
		world_run_for(&world, PACE_US);
	}
}

/* What changes in the middle of a frame costs that one neither. */
static void send_part(void)
{
	send_one(0, seq++);
	world_run_for(&world, 40 * MS);
}

static void the_rest_arrives(void)
{
	world_run_for(&world, PACE_US);
	ck_assert_uint_eq(scene_got(RELAY), 1);
}

static void send_all_arrive(uint32_t n)
{
	send_many(n);
	ck_assert_uint_eq(scene_got(RELAY), n);
}

/* The longest DATA of some frames once a change has settled, and whether any was sent because it was asked for. */
static void expect_settled(size_t datagram, bool asks)
{
	struct ks_sender_totals before, after;

	send_all_arrive(SETTLE);
	longest = 0;
	ks_sender_totals(world.nodes[PARENT].sender, &before);
	send_all_arrive(MEASURED);
	ks_sender_totals(world.nodes[PARENT].sender, &after);
	ck_assert_uint_eq(longest, datagram);
	ck_assert_msg((after.asked > before.asked) == asks, "%u asked for", (unsigned)(after.asked - before.asked));
}

static void begin(enum scene_way way)
{
	const struct world_path usual = { .loss_ppm = 50000, .delay_us = 10 * MS, .jitter_us = 2 * MS };

	seq = 1;
	scene_start(way);
	world_paths(&world, &usual);
	world.watch = watch;
	expect_settled(KS_DATAGRAM_DEFAULT, true);
}

START_TEST(a_parent_changes_its_datagrams)
{
	static const size_t sizes[] = { SHORT, KS_DATAGRAM_DEFAULT, 1300, 1400, SHORT, 1024, 1350, KS_DATAGRAM_DEFAULT };
	const struct ks_receiver_settings any = up(KS_DATAGRAM_MAX, true);

	begin((enum scene_way)_i);
	set_relay(&any);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct ks_sender_settings settings = down(sizes[i], true);

		send_part();
		set_parent(&settings);
		the_rest_arrives();
		expect_settled(sizes[i], true);
	}
}
END_TEST

START_TEST(a_relay_changes_its_datagrams)
{
	static const size_t sizes[] = { SHORT, KS_DATAGRAM_DEFAULT, 1024 };

	begin((enum scene_way)_i);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct ks_receiver_settings settings = up(sizes[i], true);

		send_part();
		set_relay(&settings);
		the_rest_arrives();
		expect_settled(sizes[i], true);
	}
	ck_assert_uint_eq(ks_receiver_parents(world.nodes[RELAY].receiver), 1);
	ck_assert_uint_eq(ks_sender_relays(world.nodes[PARENT].sender), 1);
}
END_TEST

/* Longer ones are tried, and where they do not get through none is used. */
START_TEST(longer_datagrams_of_a_narrow_path_cost_nothing)
{
	const struct ks_sender_settings narrow = down(SHORT, true), wide = down(KS_DATAGRAM_DEFAULT, true);

	seq = 1;
	world.watch = watch;
	world.paths[PARENT][RELAY].mtu = 800;
	world.paths[PARENT][RELAY].mtu_silent = true;
	world_tell_parent(&world, RELAY, PARENT);
	world_start_sender(&world, PARENT, &narrow);
	world_start_receiver(&world, RELAY, NULL);
	scene_joined(RELAY, 1);
	expect_settled(SHORT, false);
	set_parent(&wide);
	expect_settled(SHORT, false);
}
END_TEST

START_TEST(asking_is_turned_off_and_on)
{
	begin((enum scene_way)_i);
	for (int round = 0; round < 4; round++) {
		const struct ks_sender_settings parent = down(KS_DATAGRAM_DEFAULT, round % 2 == 1);
		const struct ks_receiver_settings relay = up(KS_DATAGRAM_DEFAULT, round % 2 == 1);

		send_part();
		if (round < 2)
			set_parent(&parent);
		else
			set_relay(&relay);
		the_rest_arrives();
		expect_settled(KS_DATAGRAM_DEFAULT, round % 2 == 1);
	}
}
END_TEST

START_TEST(a_filter_becomes_wider_and_narrower)
{
	const struct ks_receiver_settings all = up(KS_DATAGRAM_DEFAULT, true);
	struct ks_receiver_settings one = all;
	uint64_t sessions;

	one.filter.n_renditions = 1;
	memcpy(one.filter.renditions[0], "r0", sizeof("r0"));
	begin((enum scene_way)_i);
	set_relay(&one);
	send_all_arrive(SETTLE);
	send_one(1, 1);
	send_all_arrive(SETTLE);	/* and nothing else */
	/* What is there of the others comes at once, not when they have something new. */
	set_relay(&all);
	world_run_for(&world, SECOND);
	ck_assert_uint_eq(scene_got(RELAY), 1);
	send_one(1, 2);
	send_many(SETTLE);
	ck_assert_uint_eq(scene_got(RELAY), SETTLE + 1);
	/* The same once more is no change. */
	sessions = sent_of_type[KS_SUBSCRIBE];
	set_relay(&all);
	send_all_arrive(SETTLE);
	ck_assert_uint_eq(sent_of_type[KS_SUBSCRIBE], sessions);
	set_relay(&one);
	send_all_arrive(SETTLE);
	send_one(1, 3);
	send_all_arrive(SETTLE);
}
END_TEST

/* Several changes at once, and while a session is being set up. */
START_TEST(changes_come_in_a_row)
{
	static const size_t sizes[] = { SHORT, 1300, 1024, KS_DATAGRAM_DEFAULT };

	begin((enum scene_way)_i);
	for (uint32_t i = 0; i < 200; i++) {
		const struct ks_sender_settings parent = down(sizes[i % 4], i % 3 != 0);
		const struct ks_receiver_settings relay = up(sizes[i / 4 % 4], i % 5 != 0);

		set_parent(&parent);
		send_part();
		set_relay(&relay);
		world_run_for(&world, PACE_US);
	}
	world_run_for(&world, SECOND);
	ck_assert_uint_eq(scene_got(RELAY), 200);
	ck_assert_uint_eq(ks_receiver_parents(world.nodes[RELAY].receiver), 1);
	ck_assert_uint_eq(ks_sender_relays(world.nodes[PARENT].sender), 1);
}
END_TEST

START_TEST(a_blind_path_takes_its_settings)
{
	const struct ks_sender_settings shorter = { .datagram = SHORT, .loss_ppm = 300000 },
					longer = { .datagram = 1300, .loss_ppm = KS_LOSS_DEFAULT_PPM };
	unsigned data;

	seq = 1;
	world.watch = watch;
	world.paths[RELAY][PARENT].down = true;
	world_tell_relay(&world, PARENT, RELAY, true);
	world_start_sender(&world, PARENT, &longer);
	world_start_receiver(&world, RELAY, NULL);
	scene_joined(RELAY, 1);
	sent_of_type[KS_DATA] = 0;
	expect_settled(1300, false);
	data = sent_of_type[KS_DATA];
	set_parent(&shorter);
	sent_of_type[KS_DATA] = 0;
	expect_settled(SHORT, false);
	ck_assert_uint_gt(sent_of_type[KS_DATA], 2 * data);
	set_parent(&longer);
	expect_settled(1300, false);
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
	struct ks_sender_settings parent = down(KS_DATAGRAM_MAX + 1, true);
	struct ks_receiver_settings relay = up(KS_DATAGRAM_MIN - 1, true);

	begin(PULL);
	ck_assert_int_eq(ks_sender_set(world.nodes[PARENT].sender, &parent), KS_ELIMIT);
	ck_assert_int_eq(ks_receiver_set(world.nodes[RELAY].receiver, &relay), KS_ELIMIT);
	parent = down(KS_DATAGRAM_DEFAULT, true);
	parent.relays_max = KS_RELAYS_MAX + 1;
	ck_assert_int_eq(ks_sender_set(world.nodes[PARENT].sender, &parent), KS_ELIMIT);
	expect_settled(KS_DATAGRAM_DEFAULT, true);
}
END_TEST

static Suite *reload_suite(void)
{
	Suite *suite = suite_create("reload");
	TCase *tc = tcase_create("reload");

	tcase_add_checked_fixture(tc, scene_setup, scene_teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, a_parent_changes_its_datagrams, 0, SCENE_WAYS);
	tcase_add_loop_test(tc, a_relay_changes_its_datagrams, 0, SCENE_WAYS);
	tcase_add_test(tc, longer_datagrams_of_a_narrow_path_cost_nothing);
	tcase_add_loop_test(tc, asking_is_turned_off_and_on, 0, SCENE_WAYS);
	tcase_add_loop_test(tc, a_filter_becomes_wider_and_narrower, 0, SCENE_WAYS);
	tcase_add_loop_test(tc, changes_come_in_a_row, 0, SCENE_WAYS);
	tcase_add_test(tc, a_blind_path_takes_its_settings);
	tcase_add_test(tc, what_cannot_be_is_refused);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return unit_run(reload_suite());
}
