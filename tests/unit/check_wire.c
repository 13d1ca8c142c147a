/* SPDX-License-Identifier: Apache-2.0
 *
 * Sender and receiver together, over a network that exists in memory only.
 */
#include <stdlib.h>

#include "lib/base/error.h"
#include "lib/frame/manifest.h"
#include "lib/wire/assembler.h"
#include "lib/wire/message.h"
#include "tests/unit/unit.h"
#include "tests/wire/world.h"

#define MS KS_US_PER_MS
#define SECOND KS_US_PER_S
#define PERIOD_US (100 * MS)
#define LEN_MAX 120000
#define RECORD_MAX 4000

struct recorded {
	enum world_direction direction;
	size_t len;
	uint8_t bytes[KS_DATAGRAM_MAX];
};

static struct world world;
static struct recorded *record;
static size_t n_recorded;
static unsigned delivered, wrong, backwards, others_sent;
static uint64_t last_name;

static const struct ks_sender_settings usual = { .datagram = KS_DATAGRAM_DEFAULT, .loss_ppm = 100000 };

/* The content of an object follows from its name. */
static size_t make_object(uint32_t epoch, uint32_t seq, uint8_t *bytes)
{
	uint64_t state = (uint64_t)epoch << 32 | seq;
	size_t len;

	memcpy(bytes, &state, sizeof(state));
	state = (state + 1) * UINT64_C(0x9e3779b97f4a7c15);
	len = 8 + (state >> 40) % (LEN_MAX - 8);
	for (size_t i = 8; i < len; i++) {
		state = state * UINT64_C(6364136223846793005) + 1;
		bytes[i] = (uint8_t)(state >> 56);
	}
	return len;
}

static void on_deliver(struct world *w, const uint8_t *bytes, size_t len)
{
	static uint8_t expected[LEN_MAX];
	uint64_t name;

	(void)w;
	memcpy(&name, bytes, sizeof(name));
	if (len != make_object((uint32_t)(name >> 32), (uint32_t)name, expected) || memcmp(bytes, expected, len) != 0)
		wrong++;
	backwards += name <= last_name;
	last_name = name;
	delivered++;
}

static void on_packet(struct world *w, enum world_direction direction, const uint8_t *bytes, size_t len)
{
	(void)w;
	others_sent += direction == WORLD_DOWN && (bytes[0] & 0x0f) != KS_OFFER;
	if (record == NULL || n_recorded == RECORD_MAX)
		return;
	record[n_recorded].direction = direction;
	record[n_recorded].len = len;
	memcpy(record[n_recorded++].bytes, bytes, len);
}

static void setup(void)
{
	delivered = wrong = backwards = others_sent = 0;
	last_name = 0;
	n_recorded = 0;
	world_init(&world, 20100807);
	world.deliver = on_deliver;
	world.watch = on_packet;
}

static void teardown(void)
{
	ck_assert_uint_eq(wrong, 0);
	world_free(&world);
	free(record);
	record = NULL;
}

static void start(void)
{
	world_start_sender(&world, &usual);
	world_start_receiver(&world);
}

static void run_for(int64_t us)
{
	world_run(&world, world.now_us + us);
}

static void send_one(uint32_t epoch, uint32_t seq)
{
	static uint8_t bytes[LEN_MAX];
	size_t len = make_object(epoch, seq, bytes);

	world_send_object(&world, epoch, seq, PERIOD_US, bytes, len);
}

static void send_many(uint32_t epoch, uint32_t from, uint32_t n)
{
	for (uint32_t seq = from; seq < from + n; seq++) {
		send_one(epoch, seq);
		run_for(PERIOD_US);
	}
}

START_TEST(frames_cross_a_bad_network)
{
	const unsigned frames = 4000;

	world.loss_ppm = 100000;
	world.duplicate_ppm = 20000;
	world.corrupt_ppm = 1000;
	world.jitter_us = 15 * MS;
	start();
	run_for(2 * SECOND);
	send_many(1, 1, frames);
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_eq(backwards, 0);
	ck_assert_msg(delivered * 1000u >= frames * 999u, "%u of %u", delivered, frames);
	ck_assert_uint_gt(ks_receiver_dropped(world.receiver, KS_DROP_TAG), 100);
	ck_assert_uint_gt(ks_receiver_dropped(world.receiver, KS_DROP_REPLAY), 1000);
}
END_TEST

/* Reports are lost too, sometimes several in a row; that must not cost frames. */
START_TEST(frames_cross_a_terrible_network)
{
	struct ks_sender_settings prepared = usual;
	const unsigned frames = 6000;

	prepared.loss_ppm = 200000;
	world.loss_ppm = 200000;
	world_start_sender(&world, &prepared);
	world_start_receiver(&world);
	run_for(5 * SECOND);
	send_many(1, 1, frames);
	ck_assert_uint_eq(backwards, 0);
	ck_assert_msg(delivered * 10000u >= frames * 9995u, "%u of %u", delivered, frames);
}
END_TEST

START_TEST(a_clean_network_delivers_all)
{
	start();
	run_for(100 * MS);
	send_many(1, 1, 200);
	ck_assert_uint_eq(delivered, 200);
	ck_assert_uint_eq(ks_receiver_dropped(world.receiver, KS_DROP_TAG), 0);
	ck_assert_uint_eq(ks_receiver_dropped(world.receiver, KS_DROP_LATE), 0);
	ck_assert_uint_eq(ks_receiver_dropped(world.receiver, KS_DROP_CONFLICT), 0);
}
END_TEST

/* A burst that takes less than the parity's share of the spread costs nothing. */
START_TEST(a_frame_is_spread_out)
{
	static uint8_t bytes[100000];
	uint64_t sent;

	world.deliver = NULL;
	start();
	run_for(100 * MS);
	world_send_object(&world, 1, 1, SECOND, bytes, sizeof(bytes));
	sent = world.sent[WORLD_DOWN];
	for (int tick = 1; tick <= 40; tick++) {
		uint64_t all = 87 + ks_fec_parity(87, 100000), now;

		run_for(5 * MS);
		now = world.sent[WORLD_DOWN] - sent;
		ck_assert_uint_le(now, all * (uint64_t)(tick + 1) / 40 + 2);
		ck_assert_uint_ge(now + 1, all * (uint64_t)tick / 40 < all ? all * (uint64_t)tick / 40 : all);
	}
}
END_TEST

START_TEST(the_first_picture_is_there_at_once)
{
	int64_t joined_us;

	world_start_sender(&world, &usual);
	send_one(1, 1);
	run_for(20 * SECOND);
	world_start_receiver(&world);
	while (world.sent[WORLD_UP] == 0)
		run_for(MS);	/* an offer comes at the end of the sender's interval */
	joined_us = world.now_us;
	while (delivered == 0)
		run_for(MS);
	ck_assert_int_le(world.now_us - joined_us, 2 * world.delay_us + PERIOD_US / 4 + 6 * MS);
}
END_TEST

START_TEST(nothing_but_offers_without_a_session)
{
	world_start_sender(&world, &usual);
	send_many(1, 1, 100);
	ck_assert_uint_eq(others_sent, 0);
	/* 0.25 to 2 s, doubling, each shortened to half at most. */
	ck_assert_uint_ge(world.sent[WORLD_DOWN], 5);
	ck_assert_uint_le(world.sent[WORLD_DOWN], 14);
	ck_assert(!ks_sender_connected(world.sender, world.peer));
}
END_TEST

START_TEST(recovers_from_a_restarted_relay)
{
	start();
	run_for(100 * MS);
	send_many(1, 1, 20);
	ck_assert_uint_eq(delivered, 20);
	world_stop_receiver(&world);
	world_start_receiver(&world);
	send_many(1, 21, 60);		/* up to three seconds until the silence is noticed, and one interval */
	ck_assert_uint_gt(delivered, 40);
	delivered = 0;
	send_many(1, 81, 20);
	ck_assert_uint_eq(delivered, 20);
	ck_assert(ks_sender_connected(world.sender, world.peer));
}
END_TEST

/* With the network's word that nobody listens there is no need to wait for the silence. */
START_TEST(a_refusal_starts_an_offer_at_once)
{
	start();
	run_for(100 * MS);
	send_many(1, 1, 10);
	world_stop_receiver(&world);
	world.refuse = true;
	send_many(1, 11, 1);
	world.refuse = false;
	world_start_receiver(&world);
	delivered = 0;
	send_many(1, 12, 10);
	ck_assert_uint_ge(delivered, 5);
}
END_TEST

/* Anybody can forge a refusal; frames go on meanwhile. */
START_TEST(forged_refusals_cost_no_frame)
{
	start();
	run_for(100 * MS);
	for (uint32_t seq = 1; seq <= 100; seq++) {
		ks_sender_refused(world.sender, world.peer);
		send_many(1, seq, 1);
	}
	ck_assert_uint_eq(delivered, 100);
}
END_TEST

START_TEST(recovers_from_a_restarted_sender)
{
	start();
	run_for(100 * MS);
	send_many(1, 1, 20);
	world_stop_sender(&world);
	world_start_sender(&world, &usual);
	run_for(100 * MS);
	send_many(2, 0, 20);
	ck_assert_uint_eq(delivered, 40);
	ck_assert_uint_eq(backwards, 0);
}
END_TEST

START_TEST(recovers_from_a_partition)
{
	start();
	run_for(100 * MS);
	send_many(1, 1, 10);
	world.loss_ppm = 1000000;
	send_many(1, 11, 150);
	ck_assert_uint_eq(delivered, 10);
	world.loss_ppm = 0;
	run_for(2100 * MS);
	ck_assert_uint_eq(delivered, 11);	/* the newest one, without another being sent */
	send_many(1, 161, 10);
	ck_assert_uint_eq(delivered, 21);
}
END_TEST

static void replay_all(void)
{
	struct recorded *tape = record;
	size_t n = n_recorded;

	record = NULL;
	for (size_t i = 0; i < n; i++) {
		if (tape[i].direction == WORLD_DOWN)
			world_put(&world, WORLD_DOWN, tape[i].bytes, tape[i].len);
		run_for(MS);
	}
	free(tape);
}

static void make_record(void)
{
	record = malloc(RECORD_MAX * sizeof(*record));
	ck_assert_ptr_nonnull(record);
	start();
	run_for(100 * MS);
	send_many(1, 1, 20);
	ck_assert_uint_eq(delivered, 20);
	ck_assert_uint_gt(n_recorded, 100);
	ck_assert_uint_lt(n_recorded, RECORD_MAX);
}

START_TEST(a_recorded_session_gives_nothing_to_the_same_relay)
{
	make_record();
	replay_all();
	ck_assert_uint_eq(delivered, 20);
	ck_assert_uint_gt(ks_receiver_dropped(world.receiver, KS_DROP_REPLAY), 100);
	send_many(1, 21, 10);
	ck_assert_uint_eq(delivered, 30);	/* and the live session was not disturbed */
}
END_TEST

START_TEST(a_recorded_session_gives_nothing_to_a_fresh_relay)
{
	make_record();
	world_stop_sender(&world);
	world_stop_receiver(&world);
	world_start_receiver(&world);
	replay_all();
	ck_assert_uint_eq(delivered, 20);
	ck_assert_uint_gt(ks_receiver_dropped(world.receiver, KS_DROP_SESSION), 100);
}
END_TEST

/* The relay's side of a recorded session, played to a sender that offers anew. */
START_TEST(recorded_answers_give_nothing_to_a_sender)
{
	struct recorded *tape;

	make_record();
	tape = record;
	record = NULL;
	world_stop_receiver(&world);
	run_for(10 * SECOND);
	others_sent = 0;
	for (int round = 0; round < 5; round++)
		for (size_t i = 0; i < n_recorded; i++) {
			if (tape[i].direction == WORLD_UP)
				world_put(&world, WORLD_UP, tape[i].bytes, tape[i].len);
			run_for(MS);
		}
	ck_assert_uint_eq(others_sent, 0);
	ck_assert(!ks_sender_connected(world.sender, world.peer));
	free(tape);
}
END_TEST

START_TEST(a_wrong_key_is_never_answered)
{
	struct ks_psk other;

	start();
	ks_psk_make(&other);
	ck_assert_int_eq(ks_receiver_set_keys(world.receiver, &other, 1), KS_EOK);
	send_many(1, 1, 100);
	ck_assert_uint_eq(world.sent[WORLD_UP], 0);
	ck_assert_uint_gt(ks_receiver_dropped(world.receiver, KS_DROP_KEY), 4);

	/* The same id does not help. */
	other.id = world.key.id;
	ck_assert_int_eq(ks_receiver_set_keys(world.receiver, &other, 1), KS_EOK);
	send_many(1, 101, 100);
	ck_assert_uint_eq(world.sent[WORLD_UP], 0);
	ck_assert_uint_gt(ks_receiver_dropped(world.receiver, KS_DROP_TAG), 4);
	ck_assert_uint_eq(delivered, 0);
}
END_TEST

START_TEST(keys_change_without_losing_a_frame)
{
	struct ks_psk keys[KS_PSK_MAX];

	ks_psk_make(&keys[0]);
	ks_psk_make(&keys[1]);
	keys[2] = world.key;
	start();
	run_for(100 * MS);
	send_many(1, 1, 10);
	ck_assert_int_eq(ks_receiver_set_keys(world.receiver, keys, 3), KS_EOK);
	send_many(1, 11, 10);
	ck_assert_uint_eq(delivered, 20);
	ck_assert_int_eq(ks_receiver_set_keys(world.receiver, keys, 2), KS_EOK);
	send_many(1, 21, 10);
	ck_assert_uint_eq(delivered, 20);	/* the sender's key is no longer accepted */
	ck_assert_int_eq(ks_receiver_set_keys(world.receiver, keys, KS_PSK_MAX + 1), KS_ELIMIT);
}
END_TEST

START_TEST(sessions_are_renewed_without_losing_a_frame)
{
	struct ks_sender_settings often = usual;

	often.rekey_us = SECOND;
	often.rekey_datagrams = 500;
	world.jitter_us = 5 * MS;
	world_start_sender(&world, &often);
	world_start_receiver(&world);
	run_for(100 * MS);
	send_many(1, 1, 600);
	ck_assert_uint_eq(delivered, 600);
	ck_assert_uint_gt(world.sent[WORLD_UP], 100);	/* an ACCEPT a second or more */
	ck_assert_uint_eq(ks_receiver_dropped(world.receiver, KS_DROP_SESSION), 0);
}
END_TEST

START_TEST(sessions_are_renewed_over_a_bad_network)
{
	struct ks_sender_settings often = usual;

	often.rekey_us = SECOND;
	world.loss_ppm = 80000;
	world.jitter_us = 30 * MS;
	world_start_sender(&world, &often);
	world_start_receiver(&world);
	run_for(2 * SECOND);
	send_many(1, 1, 1000);
	ck_assert_uint_ge(delivered, 999);
	ck_assert_uint_eq(backwards, 0);
}
END_TEST

/* Datagrams that nobody sealed change counters and nothing else. */
START_TEST(a_forged_flood_changes_counters_only)
{
	size_t memory, up;
	uint64_t dropped = 0;

	start();
	run_for(100 * MS);
	send_many(1, 1, 10);
	memory = ks_receiver_memory(world.receiver);
	up = world.sent[WORLD_UP];
	for (int i = 0; i < 100000; i++) {
		uint8_t bytes[KS_DATAGRAM_MAX];
		size_t len = world_random(&world) % sizeof(bytes);

		for (size_t b = 0; b < 40 && b < len; b++)
			bytes[b] = (uint8_t)world_random(&world);
		/* Half of them look well up to the seal. */
		if (i % 2 == 0 && len >= KS_HEADER_SIZE)
			ks_header_write(&(struct ks_header){ (uint8_t)(i % 16), world.key.id, world_random(&world),
							      world_random(&world) }, bytes);
		memset(bytes + (len < 40 ? len : 40), 0x55, len < 40 ? 0 : len - 40);
		ks_receiver_input(world.receiver, &(struct ks_endpoint){ { 9 }, 1 }, bytes, len);
	}
	for (int reason = 1; reason < KS_DROPS; reason++)
		dropped += ks_receiver_dropped(world.receiver, reason);
	ck_assert_uint_ge(dropped, 100000);
	ck_assert_uint_eq(world.sent[WORLD_UP], up);
	ck_assert_uint_eq(ks_receiver_memory(world.receiver), memory);
	delivered = 0;
	send_many(1, 11, 20);
	ck_assert_uint_eq(delivered, 20);
}
END_TEST

/* Recorded offers fill their own table over and over; the live session and a new sender do not notice. */
START_TEST(offers_are_bounded)
{
	struct ks_setup_keys setup;
	uint64_t down, up;

	start();
	run_for(100 * MS);
	send_many(1, 1, 5);
	ks_seal_setup_keys(&world.key, &setup);
	down = world.sent_bytes[WORLD_DOWN];
	up = world.sent_bytes[WORLD_UP];
	for (unsigned i = 0; i < 10 * KS_SESSIONS_MAX; i++) {
		struct ks_offer offer = { .datagram = 1200, .session = i };
		uint8_t bytes[KS_OFFER_SIZE], nonce[KS_SETUP_NONCE_SIZE] = { 0 };

		memcpy(offer.nonce, &i, sizeof(i));
		ks_offer_write(&offer, world.key.id, setup.offer, nonce, bytes);
		world_put(&world, WORLD_DOWN, bytes, sizeof(bytes));
		world_put(&world, WORLD_DOWN, bytes, sizeof(bytes));
	}
	run_for(world.delay_us);
	ck_assert_uint_gt(world.sent_bytes[WORLD_UP] - up, 10 * KS_SESSIONS_MAX * KS_ACCEPT_SIZE);
	ck_assert_uint_lt(world.sent_bytes[WORLD_UP] - up, world.sent_bytes[WORLD_DOWN] - down);
	send_many(1, 6, 5);
	ck_assert_uint_eq(delivered, 10);
	world_stop_sender(&world);
	world_start_sender(&world, &usual);
	run_for(100 * MS);
	send_many(2, 0, 5);
	ck_assert_uint_eq(delivered, 15);
}
END_TEST

/* Each restart of the sender is a new one to the relay; those before it go. */
START_TEST(memory_is_bounded)
{
	const size_t bound = KS_PARENTS_MAX * (KS_ASSEMBLY_MAX + 2) * (KS_FRAME_MAX + KS_SHARD_MAX) + 4 * 1024 * 1024;

	world_start_receiver(&world);
	for (uint32_t epoch = 1; epoch <= 3 * KS_PARENTS_MAX; epoch++) {
		world_start_sender(&world, &usual);
		run_for(100 * MS);
		send_many(epoch, 0, 5);
		world_stop_sender(&world);
		ck_assert_uint_le(ks_receiver_memory(world.receiver), bound);
	}
	ck_assert_uint_eq(delivered, 3 * KS_PARENTS_MAX * 5);
	run_for(KS_IDLE_US + SECOND);
	ck_assert_uint_lt(ks_receiver_memory(world.receiver), KS_FRAME_MAX);	/* all sessions have ended */
}
END_TEST

/* A path that is too narrow costs the frame that found out, and no other. */
START_TEST(steps_down_when_datagrams_are_too_long)
{
	start();
	run_for(100 * MS);
	send_many(1, 1, 5);
	world.too_long = true;
	unit_log_start();
	send_many(1, 6, 5);
	ck_assert_uint_eq(delivered, 9);
	ck_assert_uint_eq(ks_sender_datagram(world.sender), 1024);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "too long for the path"));
}
END_TEST

START_TEST(too_large_objects_are_refused)
{
	uint8_t *bytes = calloc(1, KS_FRAME_MAX + 1);
	const struct ks_frame_id id = { 1, 1 };

	start();
	ck_assert_int_eq(ks_sender_object(world.sender, id, 0, SECOND, bytes, KS_FRAME_MAX + 1), KS_ELIMIT);
	ck_assert_int_eq(ks_sender_object(world.sender, id, 0, SECOND, bytes, 0), KS_ELIMIT);
	ck_assert_int_eq(ks_sender_object(world.sender, id, 0, SECOND, bytes, KS_FRAME_MAX), KS_EOK);
	free(bytes);
}
END_TEST

/* An outage is said once, with the address, and its end too. */
START_TEST(outages_are_logged_once)
{
	const char *line;

	unit_log_start();
	world_start_sender(&world, &usual);
	send_many(1, 1, 300);
	line = strstr(unit_log_text(), "no answer");
	ck_assert_ptr_nonnull(line);
	ck_assert_ptr_null(strstr(line + 1, "no answer"));
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "relay relay (virtual)"));
	world_start_receiver(&world);
	send_many(1, 301, 30);
	ck_assert_ptr_nonnull(strstr(line, "session set up"));
}
END_TEST

static Suite *wire_suite(void)
{
	Suite *suite = suite_create("wire");
	TCase *tc = tcase_create("wire");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, a_clean_network_delivers_all);
	tcase_add_test(tc, frames_cross_a_bad_network);
	tcase_add_test(tc, frames_cross_a_terrible_network);
	tcase_add_test(tc, a_frame_is_spread_out);
	tcase_add_test(tc, the_first_picture_is_there_at_once);
	tcase_add_test(tc, nothing_but_offers_without_a_session);
	tcase_add_test(tc, recovers_from_a_restarted_relay);
	tcase_add_test(tc, a_refusal_starts_an_offer_at_once);
	tcase_add_test(tc, forged_refusals_cost_no_frame);
	tcase_add_test(tc, recovers_from_a_restarted_sender);
	tcase_add_test(tc, recovers_from_a_partition);
	tcase_add_test(tc, a_recorded_session_gives_nothing_to_the_same_relay);
	tcase_add_test(tc, a_recorded_session_gives_nothing_to_a_fresh_relay);
	tcase_add_test(tc, recorded_answers_give_nothing_to_a_sender);
	tcase_add_test(tc, a_wrong_key_is_never_answered);
	tcase_add_test(tc, keys_change_without_losing_a_frame);
	tcase_add_test(tc, sessions_are_renewed_without_losing_a_frame);
	tcase_add_test(tc, sessions_are_renewed_over_a_bad_network);
	tcase_add_test(tc, a_forged_flood_changes_counters_only);
	tcase_add_test(tc, offers_are_bounded);
	tcase_add_test(tc, memory_is_bounded);
	tcase_add_test(tc, steps_down_when_datagrams_are_too_long);
	tcase_add_test(tc, too_large_objects_are_refused);
	tcase_add_test(tc, outages_are_logged_once);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return unit_run(wire_suite());
}
