/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/sender.h"

#include <stdio.h>

#include "tests/unit/with_relays.h"

#define BACK_US (40 * KS_US_PER_S)	/* until the breaker is closed again */

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

static void set_datagram(size_t datagram)
{
	const struct ks_sender_settings settings = { .datagram = datagram, .loss_ppm = KS_LOSS_DEFAULT_PPM, .nack = true };

	ck_assert_int_eq(ks_sender_set(hand.sender, &settings), KS_EOK);
}

/* Comes by itself, once the setting has changed, and has time to get the frame. */
static struct hand_relay *another(size_t number, size_t datagram)
{
	struct hand_relay *relay;
	char name[16];

	snprintf(name, sizeof(name), "relay-%zu", number);
	relay = new_relay(name);
	relay->wish.datagram = KS_DATAGRAM_MAX;
	set_datagram(datagram);
	ck_assert(hand_connect(relay));
	hand_run(&hand, KS_US_PER_S);
	return relay;
}

/* One frame that stays the newest through many settings: whoever comes gets it whole, in datagrams of the right size. */
START_TEST(a_frame_outlives_many_settings)
{
	static const size_t sizes[] = { 1432, 1400, 1350, 1300, 1250, 1220, 1190, 1150, 1120, 1090, 1000, 900, 600, 1432 };
	const struct ks_nack done = { .track = ks_track_of("channel", "r0"), .epoch = 1, .seq = 1 };
	size_t most = 0;

	hand_object(&hand, 1, FRAME, PERIOD);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct hand_relay *relay = another(i, sizes[i]);
		size_t all, memory;

		ck_assert_uint_eq(longest_data(relay), sizes[i]);
		all = FRAME / (sizes[i] - KS_DATAGRAM_OVERHEAD);
		ck_assert_uint_gt(hand_count(relay, 1), all);
		hand_nack(relay, &done);
		memory = ks_sender_memory(hand.sender, NULL);
		most = memory > most ? memory : most;
	}
	ck_assert_uint_lt(most, 8 * 1024 * 1024);
}
END_TEST

/* Nobody says that he has it: the room for sizes is used up, and a shorter one does too. */
START_TEST(a_frame_that_many_still_get_is_sent_shorter)
{
	hand_object(&hand, 1, FRAME, PERIOD);
	for (size_t i = 0; i < 12; i++) {
		struct hand_relay *relay = another(i, 700 + 50 * i);

		ck_assert_uint_le(longest_data(relay), 700 + 50 * i);
		ck_assert_uint_gt(hand_count(relay, 1), FRAME / longest_data(relay));
	}
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

static Suite *sender_path_suite(void)
{
	Suite *suite = suite_create("sender_path");
	TCase *tc = add_case(suite, "paths");

	tcase_add_test(tc, a_path_that_says_it_is_narrow);
	tcase_add_loop_test(tc, a_path_that_swallows_what_is_long, 0, 2);
	tcase_add_test(tc, a_path_that_becomes_narrow);
	tcase_add_test(tc, a_path_that_is_only_broken_keeps_its_size);
	tcase_add_test(tc, a_relay_may_want_shorter_ones);
	tcase_add_test(tc, a_frame_outlives_many_settings);
	tcase_add_test(tc, a_frame_that_many_still_get_is_sent_shorter);
	tcase_add_test(tc, the_breaker_sends_less_and_comes_back);
	return suite;
}

int main(void)
{
	return unit_run(sender_path_suite());
}
