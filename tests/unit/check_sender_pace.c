/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/sender.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wire/fec.h"
#include "lib/wire/sender_private.h"
#include "tests/unit/with_relays.h"

/* --- what is sent when -------------------------------------------------------------------------------------- */

static size_t count_at(const struct hand_relay *relay, uint32_t seq, int64_t from_us, int64_t to_us)
{
	size_t n = 0;

	for (size_t i = 0; i < relay->n_log; i++)
		n += relay->log[i].type == KS_DATA && relay->log[i].data.seq == seq && relay->log[i].at_us >= from_us &&
		     relay->log[i].at_us < to_us;
	return n;
}

START_TEST(a_frame_is_spread_out)
{
	static const struct { int64_t period_us, spread_us; bool nack; } cases[] = {
		{ KS_US_PER_S, KS_SPREAD_MAX_US, true }, { 100 * KS_US_PER_MS, 25 * KS_US_PER_MS, true },
		{ KS_US_PER_S, 600 * KS_US_PER_MS, false },
	};
	struct hand_relay *relay = new_relay("alpha");
	int64_t begin_us, spread_us = cases[_i].spread_us;
	size_t all;

	relay->wish.nack = cases[_i].nack;
	ck_assert(hand_connect(relay));
	hand_live(relay, 3 * KS_US_PER_S);
	begin_us = hand.now_us;
	hand_object(&hand, 1, FRAME, cases[_i].period_us);
	hand_run(&hand, KS_US_PER_S);
	all = hand_count(relay, 1);
	ck_assert_uint_eq(count_at(relay, 1, begin_us, begin_us + spread_us), all);
	for (int64_t t = 0; t < spread_us; t += KS_TICK_US) {
		size_t n = count_at(relay, 1, begin_us, begin_us + t + 1), due = all * (size_t)(t + KS_TICK_US) /
									     (size_t)spread_us;

		ck_assert_uint_le(n, due + 1);
		ck_assert_uint_ge(n + 1, due);
	}
	for (size_t i = 0; i < relay->n_log; i++)
		if (relay->log[i].type == KS_DATA)
			ck_assert_uint_eq(relay->log[i].data.spread,
					  cases[_i].nack ? (spread_us + KS_SPREAD_UNIT_US - 1) / KS_SPREAD_UNIT_US
							 : KS_SPREAD_UNITS_MAX);
}
END_TEST

START_TEST(bytes_are_those_of_the_object)
{
	struct hand_relay *relay = new_relay("alpha");
	bool seen[86] = { false };

	relay->wish.from_top = _i == 1;
	ck_assert(hand_connect(relay));
	relay->n_log = 0;
	hand_object(&hand, 1, FRAME, PERIOD);
	hand_run(&hand, KS_US_PER_S);
	for (size_t i = 0; i < relay->n_log; i++) {
		const struct ks_data_header *h = &relay->log[i].data;

		if (relay->log[i].type != KS_DATA)
			continue;
		ck_assert_uint_eq(h->object_len, FRAME);
		ck_assert_uint_eq(h->nblocks, 1);
		if (h->shard < 86)
			seen[h->shard] = true;
		else if (_i == 1)
			ck_assert_uint_gt(h->shard, 225);
		else
			ck_assert_uint_lt(h->shard, 86 + 30);
	}
	for (size_t i = 0; i < 86; i++)
		ck_assert(seen[i]);
	ck_assert_uint_eq(relay->log[0].data.shard, _i == 1 ? 85 : 0);
}
END_TEST

START_TEST(another_belief_counts_before_the_first_report)
{
	const struct ks_sender_settings settings = { .datagram = KS_DATAGRAM_DEFAULT, .loss_ppm = 200000, .nack = true };
	struct hand_relay *relay = connected("alpha"), *reported = new_relay("beta"), *later;

	relay->seen.rtt_ms = reported->seen.rtt_ms = 40;
	ck_assert(hand_connect(reported));
	for (uint32_t seq = 1; seq <= 12; seq++) {
		hand_object(&hand, seq, FRAME, PERIOD);
		hand_live(reported, PERIOD);
	}
	ck_assert_int_eq(ks_sender_set(hand.sender, &settings), KS_EOK);
	later = connected("gamma");
	hand_object(&hand, 13, FRAME, PERIOD);
	hand_run(&hand, PERIOD);
	ck_assert_uint_eq(hand_count(relay, 13), 86 + ks_fec_parity(86, 200000, KS_CHANCE_90));
	ck_assert_uint_eq(hand_count(later, 13), 86 + ks_fec_parity(86, 200000, KS_CHANCE_90));
	/* What was measured counts for more. */
	ck_assert_uint_lt(hand_count(reported, 13), 86 + 8);
}
END_TEST

START_TEST(parity_follows_the_reports)
{
	struct hand_relay *relay = connected("alpha");
	static const struct { uint32_t loss_ppm; size_t least, most; } steps[] = {
		{ 0, 2, 6 }, { 200000, 22, 36 }, { 0, 2, 6 },
	};
	uint32_t seq = 0;

	relay->seen.rtt_ms = 40;
	/* Before the first report: for 10 %. */
	hand_object(&hand, ++seq, FRAME, PERIOD);
	hand_live(relay, PERIOD);
	ck_assert_uint_eq(hand_count(relay, seq), 86 + ks_fec_parity(86, 100000, KS_CHANCE_90));
	for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
		size_t before;

		relay->loss_ppm = steps[s].loss_ppm;
		for (int i = 0; i < 12; i++) {
			relay->n_log = 0;
			hand_object(&hand, ++seq, FRAME, PERIOD);
			hand_live(relay, PERIOD);
		}
		relay->loss_ppm = 0;
		before = hand_count(relay, seq);
		hand_object(&hand, ++seq, FRAME, PERIOD);
		hand_run(&hand, 300 * KS_US_PER_MS);
		ck_assert_msg(hand_count(relay, seq) >= 86 + steps[s].least &&
			      hand_count(relay, seq) <= 86 + steps[s].most,
			      "at %u: %zu, before %zu", steps[s].loss_ppm, hand_count(relay, seq) - 86, before);
	}
}
END_TEST

/* What is on its way while two reports come is not lost. */
START_TEST(a_path_longer_than_the_time_between_reports_loses_nothing)
{
	struct hand_relay *relay = connected("alpha");
	struct ks_renew late[3] = { { 0 } };
	uint8_t body[KS_RENEW_BODY];

	for (uint32_t seq = 1; seq <= 8; seq++) {
		hand_object(&hand, seq, FRAME, PERIOD);
		hand_run(&hand, PERIOD);
		memmove(late, late + 1, sizeof(late) - sizeof(late[0]));
		late[2] = relay->seen;
		late[0].rtt_ms = late[0].received > 0 ? 2100 : 0;
		hand_session(relay, KS_RENEW, body, ks_renew_write(&late[0], body));
	}
	ck_assert_uint_eq(hand_count(relay, 8), 86 + ks_fec_parity(86, KS_LOSS_FLOOR_PPM, KS_CHANCE_9999));
}
END_TEST

START_TEST(parity_follows_what_time_there_is_to_ask)
{
	static const struct { uint16_t rtt_ms; bool nack; enum ks_chance chance; } cases[] = {
		{ 100, true, KS_CHANCE_90 }, { 400, true, KS_CHANCE_99 }, { 900, true, KS_CHANCE_9999 },
		{ 20, false, KS_CHANCE_9999 },
	};
	struct hand_relay *relay = new_relay("alpha");
	uint32_t loss_ppm = 20000;
	size_t n;

	relay->wish.nack = cases[_i].nack;
	ck_assert(hand_connect(relay));
	for (uint32_t seq = 1; seq < 15; seq++) {
		relay->seen.rtt_ms = cases[_i].rtt_ms;
		relay->n_log = 0;
		hand_object(&hand, seq, FRAME, PERIOD);
		hand_live(relay, PERIOD);
	}
	n = hand_count(relay, 14) - 86;
	ck_assert_uint_ge(n, ks_fec_parity(86, loss_ppm, cases[_i].chance));
	ck_assert_uint_le(n, ks_fec_parity(86, loss_ppm + 8000, cases[_i].chance));
}
END_TEST

START_TEST(tracks_and_filters)
{
	struct hand_relay *all = connected("alpha"), *some = new_relay("beta");
	static const char *const renditions[] = { "r0", "r1", "r2" };
	uint32_t tracks[3];
	size_t n[3] = { 0 }, n_some[3] = { 0 };

	memcpy(some->wish.filter.renditions[0], "r1", 3);
	some->wish.filter.n_renditions = 1;
	ck_assert(hand_connect(some));
	for (size_t i = 0; i < 3; i++) {
		const struct ks_outgoing object = { "channel", renditions[i], 0, 0, { 1, 1 }, PERIOD,
						    hand_bytes(1, 20000), 20000 };

		tracks[i] = ks_track_of("channel", renditions[i]);
		ck_assert_int_eq(ks_sender_object(hand.sender, &object), KS_EOK);
		ck_assert_int_eq(ks_sender_object(hand.sender, &object), KS_ESTALE);
	}
	hand_run(&hand, KS_US_PER_S);
	for (size_t t = 0; t < 3; t++) {
		for (size_t i = 0; i < all->n_log; i++)
			n[t] += all->log[i].type == KS_DATA && all->log[i].data.track == tracks[t];
		for (size_t i = 0; i < some->n_log; i++)
			n_some[t] += some->log[i].type == KS_DATA && some->log[i].data.track == tracks[t];
		ck_assert_uint_ge(n[t], 18);
	}
	ck_assert_uint_eq(n_some[0], 0);
	ck_assert_uint_ge(n_some[1], 18);
	ck_assert_uint_eq(n_some[2], 0);
}
END_TEST

static void send_tracks(uint32_t seq, unsigned n, int64_t period_us)
{
	char rendition[KS_RENDITION_MAX + 1];

	for (unsigned i = 0; i < n; i++) {
		const struct ks_outgoing object = { "channel", rendition, 0, 0, { 1, seq }, period_us,
						    hand_bytes(seq, 2000), 2000 };

		snprintf(rendition, sizeof(rendition), "t%u", i);
		ck_assert_int_eq(ks_sender_object(hand.sender, &object), KS_EOK);
	}
}

static uint64_t cut_frames(void)
{
	static const char sample[] = "koshien_wire_cut_frames_total{relay=\"alpha\"} ";
	static char text[65536];
	FILE *out = fmemopen(text, sizeof(text), "w");
	const char *at;

	ck_assert_ptr_nonnull(out);
	ks_sender_metrics(hand.sender, out);
	fclose(out);
	at = strstr(text, sample);
	ck_assert_ptr_nonnull(at);
	return strtoull(at + strlen(sample), NULL, 10);
}

/* What has been sent makes room, before what has not; of which no frame goes without a count. */
START_TEST(more_tracks_than_one_relay_has_room_for)
{
	struct hand_relay *relay = connected("alpha");
	size_t one;

	send_tracks(1, 1, PERIOD);
	hand_run(&hand, PERIOD);
	one = hand_count(relay, 1);
	send_tracks(2, KS_STREAMS_MAX, PERIOD);
	hand_run(&hand, PERIOD);
	ck_assert_uint_eq(hand_count(relay, 2), KS_STREAMS_MAX * one);
	ck_assert_uint_eq(cut_frames(), 0);
	hand_object(&hand, 3, FRAME, PERIOD);
	send_tracks(4, KS_STREAMS_MAX - 1, PERIOD / 20);
	hand_run(&hand, PERIOD / 10);
	send_tracks(5, 1, PERIOD / 20);
	hand_run(&hand, PERIOD);
	ck_assert_uint_ge(hand_count(relay, 3), 86 + 4);
	ck_assert_uint_eq(cut_frames(), 0);
	send_tracks(6, KS_STREAMS_MAX + 7, PERIOD);
	hand_run(&hand, PERIOD);
	ck_assert_uint_eq(hand_count(relay, 6), KS_STREAMS_MAX * one);
	ck_assert_uint_eq(cut_frames(), 7);
}
END_TEST

START_TEST(what_the_network_does_not_take_is_sent_later)
{
	struct hand_relay *relay = connected("alpha");

	hand_live(relay, 2 * KS_US_PER_S);
	hand.takes = 1;
	hand_object(&hand, 1, FRAME, PERIOD);
	hand_run(&hand, KS_US_PER_S);
	ck_assert_uint_ge(hand_count(relay, 1), 86 + 4);
	hand.takes = 0;
	hand.fail = -11;	/* EAGAIN */
	hand_object(&hand, 2, FRAME, PERIOD);
	hand_run(&hand, 100 * KS_US_PER_MS);
	ck_assert_uint_eq(hand_count(relay, 2), 0);
	hand.fail = 0;
	hand_run(&hand, 150 * KS_US_PER_MS);
	ck_assert_uint_ge(hand_count(relay, 2), 86 + 4);
	/* Counters that were used up do not look like loss. */
	hand_renew(relay);
	hand_live(relay, 5 * KS_US_PER_S);
	relay->n_log = 0;
	hand_object(&hand, 3, FRAME, PERIOD);
	hand_run(&hand, KS_US_PER_S);
	ck_assert_uint_le(hand_count(relay, 3), 86 + 6);
}
END_TEST

START_TEST(alive_names_what_was_sent)
{
	struct hand_relay *relay = connected("alpha");
	size_t alives;

	hand_live(relay, 2 * KS_US_PER_S);
	ck_assert_uint_eq(relay->alive.n, 0);
	hand_object(&hand, 7, FRAME, PERIOD);
	hand_run(&hand, 300 * KS_US_PER_MS);
	alives = relay->n[KS_ALIVE];
	hand_run(&hand, KS_ALIVE_US);
	ck_assert_uint_eq(relay->n[KS_ALIVE], alives + 1);
	ck_assert_uint_eq(relay->alive.n, 1);
	ck_assert_uint_eq(relay->alive.objects[0].header.seq, 7);
	ck_assert_uint_eq(relay->alive.objects[0].shard_len, 1152);
	ck_assert_uint_eq(relay->alive.objects[0].header.object_len, FRAME);
	hand_live(relay, 10 * KS_US_PER_S);
	ck_assert_uint_ge(relay->n[KS_ALIVE], alives + 19);
	ck_assert_uint_le(relay->n[KS_ALIVE], alives + 22);
}
END_TEST

/* --- what is asked for ------------------------------------------------------------------------------------ */

static struct ks_nack nack_of(uint32_t seq, uint8_t missing)
{
	struct ks_nack nack = { .track = ks_track_of("channel", "r0"), .epoch = 1, .seq = seq, .n = missing > 0 };

	nack.blocks[0].missing = missing;
	return nack;
}

START_TEST(a_request_is_answered_by_new_rows)
{
	struct hand_relay *relay = connected("alpha");
	struct ks_nack nack = nack_of(6, 10);
	bool seen[255] = { false };
	size_t n;
	int64_t begin_us;

	for (uint32_t seq = 1; seq < 6; seq++) {
		hand_object(&hand, seq, FRAME, PERIOD);
		hand_live(relay, PERIOD);
	}
	relay->n_log = 0;
	hand_object(&hand, 6, FRAME, PERIOD);
	hand_run(&hand, 300 * KS_US_PER_MS);
	n = hand_count(relay, 6);
	begin_us = hand.now_us;
	hand_nack(relay, &nack);
	hand_run(&hand, 20 * KS_US_PER_MS);
	ck_assert_uint_ge(hand_count(relay, 6), n + 10);
	ck_assert_uint_le(hand_count(relay, 6), n + 13);
	/* Not in one go. */
	ck_assert_uint_le(count_at(relay, 6, begin_us, begin_us + 1), 5);
	hand_nack(relay, &nack);
	hand_run(&hand, 100 * KS_US_PER_MS);
	for (size_t i = 0; i < relay->n_log; i++)
		if (relay->log[i].type == KS_DATA) {
			ck_assert(!seen[relay->log[i].data.shard]);
			seen[relay->log[i].data.shard] = true;
		}
	/* All that there is, if need be, and then from the beginning; but not for ever. */
	for (int round = 0; round < 100; round++) {
		hand_nack(relay, &nack);
		hand_run(&hand, 100 * KS_US_PER_MS);
	}
	n = hand_count(relay, 6);
	ck_assert_uint_gt(n, 255);
	hand_nack(relay, &nack);
	hand_run(&hand, 100 * KS_US_PER_MS);
	ck_assert_uint_eq(hand_count(relay, 6), n);
	ck_assert_uint_gt(ks_sender_dropped(hand.sender, KS_DROP_LIMIT), 0);
	for (size_t i = 0; i < relay->n_log; i++)
		if (relay->log[i].type == KS_DATA)
			seen[relay->log[i].data.shard] = true;
	for (size_t i = 0; i < 255; i++)
		ck_assert(seen[i]);
}
END_TEST

START_TEST(a_budget_bounds_what_is_asked_for)
{
	struct hand_relay *relay = connected("alpha");
	struct ks_sender_totals totals;
	size_t first = 0;

	for (uint32_t seq = 1; seq <= 40; seq++) {
		struct ks_nack nack = nack_of(seq, 86);

		hand_object(&hand, seq, FRAME, PERIOD);
		hand_run(&hand, 250 * KS_US_PER_MS);
		first += 86 + 10;
		for (int round = 0; round < 10; round++) {
			hand_nack(relay, &nack);
			hand_run(&hand, 50 * KS_US_PER_MS);
		}
		hand_live(relay, PERIOD);
	}
	ks_sender_totals(hand.sender, &totals);
	ck_assert_uint_gt(totals.asked, first / 2);
	ck_assert_uint_le(totals.asked, first * (KS_BUDGET_PERCENT - 100) / 100);
	ck_assert_uint_eq(totals.data_shard_bytes, 40 * 86 * 1152);
}
END_TEST

#define SMALL 70000	/* bytes: k = 61, and with all parity more than four times that */
#define AT_ONCE 64	/* tracks */

static void send_some(uint32_t seq, unsigned first)
{
	for (unsigned i = first; i < first + AT_ONCE; i++) {
		char channel[16];
		const struct ks_outgoing object = { .channel = channel, .rendition = "r0", .id = { 1, seq },
						    .period_us = PERIOD, .bytes = hand_bytes(seq, SMALL),
						    .len = SMALL };

		snprintf(channel, sizeof(channel), "channel%u", i);
		ck_assert_int_eq(ks_sender_object(hand.sender, &object), KS_EOK);
	}
	hand_run(&hand, KS_SPREAD_MAX_US);
}

static void ask_for_some(struct hand_relay *relay, uint32_t seq, unsigned first)
{
	for (unsigned i = first; i < first + AT_ONCE; i++) {
		char channel[16];
		struct ks_nack nack = { .epoch = 1, .seq = seq, .n = 1, .blocks = { { 0, 255 } } };

		snprintf(channel, sizeof(channel), "channel%u", i);
		nack.track = ks_track_of(channel, "r0");
		hand_nack(relay, &nack);
	}
	hand_run(&hand, 100 * KS_US_PER_MS);
}

static size_t objects_there(void)
{
	size_t n = 0;

	for (size_t t = 0; t < hand.sender->n_tracks; t++)
		for (size_t i = 0; i < KS_OBJECTS_MAX; i++)
			n += hand.sender->tracks[t]->held[i].object.bytes != NULL;
	return n;
}

/* Parity that was made because it was asked for counts, and goes before any object does. */
START_TEST(who_asks_on_cannot_make_it_hold_more)
{
	struct hand_relay *relay = connected("alpha");
	size_t before = ks_sender_memory(hand.sender, NULL), most = 0, memory, data;

	for (uint32_t seq = 1; seq <= KS_OBJECTS_MAX; seq++)
		for (unsigned first = 0; first < KS_SENDER_TRACKS_MAX; first += AT_ONCE) {
			send_some(seq, first);
			for (unsigned round = 0; round < 3; round++) {
				ask_for_some(relay, seq, first);
				memory = ks_sender_memory(hand.sender, NULL) - before;
				most = memory > most ? memory : most;
			}
			hand_renew(relay);
		}
	/* What there is beside objects: tracks, sessions. */
	ck_assert_uint_le(most, KS_OBJECTS_BYTES_MAX + 1024 * 1024);
	ck_assert_uint_ge(most, KS_OBJECTS_BYTES_MAX / 10 * 9);
	ck_assert_uint_le(hand.sender->object_bytes, KS_OBJECTS_BYTES_MAX);
	ck_assert_uint_eq(objects_there(), KS_OBJECTS_MAX * KS_SENDER_TRACKS_MAX);
	/* And another relay gets all that is newest. */
	relay = connected("beta");
	relay->n_log = 0;
	hand_run(&hand, KS_US_PER_S);
	data = 0;
	for (size_t i = 0; i < relay->n_log; i++)
		data += relay->log[i].type == KS_DATA;
	ck_assert_uint_ge(data, HAND_LOG_MAX * 9 / 10);
}
END_TEST

START_TEST(what_is_complete_is_not_sent_on)
{
	struct hand_relay *relay = connected("alpha");
	struct ks_nack done = nack_of(1, 0), nack = nack_of(1, 5);
	size_t n;

	hand_live(relay, 3 * KS_US_PER_S);
	hand_object(&hand, 1, FRAME, PERIOD);
	hand_run(&hand, 100 * KS_US_PER_MS);
	hand_nack(relay, &done);
	n = hand_count(relay, 1);
	ck_assert_uint_lt(n, 60);
	hand_run(&hand, 2 * KS_US_PER_S);
	ck_assert_uint_eq(hand_count(relay, 1), n);
	ck_assert_uint_eq(relay->alive.n, 0);
	hand_nack(relay, &nack);
	hand_run(&hand, KS_US_PER_S);
	ck_assert_uint_eq(hand_count(relay, 1), n);
}
END_TEST

START_TEST(requests_that_make_no_sense)
{
	struct hand_relay *relay = connected("alpha");
	struct ks_nack nack = nack_of(99, 5);

	hand_object(&hand, 1, FRAME, PERIOD);
	hand_run(&hand, KS_US_PER_S);
	hand_nack(relay, &nack);
	ck_assert_uint_eq(ks_sender_dropped(hand.sender, KS_DROP_LATE), 1);
	nack = nack_of(1, 5);
	nack.blocks[0].block = 1;
	hand_nack(relay, &nack);
	ck_assert_uint_eq(ks_sender_dropped(hand.sender, KS_DROP_MALFORMED), 1);
	/* Several are kept, the oldest goes. */
	for (uint32_t seq = 2; seq <= 1 + KS_OBJECTS_MAX; seq++) {
		hand_object(&hand, seq, FRAME, PERIOD);
		hand_run(&hand, KS_US_PER_S);
	}
	nack = nack_of(1, 5);
	hand_nack(relay, &nack);
	ck_assert_uint_eq(ks_sender_dropped(hand.sender, KS_DROP_LATE), 2);
	nack = nack_of(2, 5);
	hand_nack(relay, &nack);
	ck_assert_uint_eq(ks_sender_dropped(hand.sender, KS_DROP_LATE), 2);
}
END_TEST

START_TEST(an_early_request_counts_what_is_still_coming)
{
	struct hand_relay *relay = connected("alpha");
	struct ks_nack nack = nack_of(1, 50);
	struct ks_sender_totals totals;

	hand_live(relay, 3 * KS_US_PER_S);
	hand_object(&hand, 1, FRAME, PERIOD);
	hand_run(&hand, 50 * KS_US_PER_MS);
	hand_nack(relay, &nack);
	hand_run(&hand, KS_US_PER_S);
	ks_sender_totals(hand.sender, &totals);
	ck_assert_uint_eq(totals.asked, 0);
}
END_TEST

static Suite *sender_pace_suite(void)
{
	Suite *suite = suite_create("sender_pace");
	TCase *tc = add_case(suite, "pace");

	tcase_add_loop_test(tc, a_frame_is_spread_out, 0, 3);
	tcase_add_loop_test(tc, bytes_are_those_of_the_object, 0, 2);
	tcase_add_test(tc, another_belief_counts_before_the_first_report);
	tcase_add_test(tc, parity_follows_the_reports);
	tcase_add_test(tc, a_path_longer_than_the_time_between_reports_loses_nothing);
	tcase_add_loop_test(tc, parity_follows_what_time_there_is_to_ask, 0, 4);
	tcase_add_test(tc, tracks_and_filters);
	tcase_add_test(tc, more_tracks_than_one_relay_has_room_for);
	tcase_add_test(tc, what_the_network_does_not_take_is_sent_later);
	tcase_add_test(tc, alive_names_what_was_sent);
	tc = add_case(suite, "requests");
	tcase_add_test(tc, a_request_is_answered_by_new_rows);
	tcase_add_test(tc, a_budget_bounds_what_is_asked_for);
	tcase_add_test(tc, who_asks_on_cannot_make_it_hold_more);
	tcase_add_test(tc, what_is_complete_is_not_sent_on);
	tcase_add_test(tc, requests_that_make_no_sense);
	tcase_add_test(tc, an_early_request_counts_what_is_still_coming);
	return suite;
}

int main(void)
{
	return unit_run(sender_pace_suite());
}
