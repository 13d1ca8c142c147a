/* SPDX-License-Identifier: Apache-2.0
 *
 * The link emulator of tests/net: what it decides, and what it makes of packets.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/net/command.h"
#include "tests/net/flight.h"
#include "tests/net/packet.h"
#include "tests/net/shape.h"
#include "tests/unit/unit.h"

#define MS SHAPE_NS_PER_MS
#define LEN 1200

/* One direction, "ab", with these commands in force. */
static struct shape shape_of(const char *commands, uint64_t seed)
{
	struct shape_settings set[2] = { 0 };
	struct shape shape;
	char why[200] = "";

	ck_assert_msg(command_apply(set, commands, why, sizeof(why)), "%s: %s", commands, why);
	shape_init(&shape, seed);
	shape_set(&shape, &set[COMMAND_AB], 0);
	return shape;
}

/* How many of n packets, one every `every_ns`, end in which way. */
static void count_fates(struct shape *shape, int n, int64_t every_ns, int fates[SHAPE_FATES])
{
	memset(fates, 0, SHAPE_FATES * sizeof(int));
	for (int i = 0; i < n; i++)
		fates[shape_packet(shape, LEN, i * every_ns).fate]++;
}

/* --- decisions -------------------------------------------------------------------------------- */

START_TEST(a_perfect_link_changes_nothing)
{
	struct shape shape = shape_of("ab clear", 1);

	for (int64_t now = 0; now < 1000; now++) {
		struct shape_verdict verdict = shape_packet(&shape, LEN, now);

		ck_assert_int_eq(verdict.fate, SHAPE_PASS);
		ck_assert_int_eq(verdict.at_ns, now);
		ck_assert(!verdict.twice && !verdict.corrupt && !verdict.reordered);
	}
}
END_TEST

START_TEST(a_delay_is_kept_to)
{
	struct shape shape = shape_of("ab delay 20ms", 1);

	for (int64_t now = 0; now < 100 * MS; now += MS)
		ck_assert_int_eq(shape_packet(&shape, LEN, now).at_ns, now + 20 * MS);
}
END_TEST

START_TEST(jitter_stays_in_its_bounds_and_keeps_the_order)
{
	struct shape shape = shape_of("ab delay 20ms 5ms", 1);
	int64_t last = 0, least = INT64_MAX, most = 0;

	for (int64_t now = 0; now < 20000 * MS; now += 20 * MS) {
		int64_t at = shape_packet(&shape, LEN, now).at_ns;

		ck_assert_int_ge(at, last);
		last = at;
		least = at - now < least ? at - now : least;
		most = at - now > most ? at - now : most;
	}
	ck_assert_int_ge(least, 15 * MS);
	ck_assert_int_le(least, 16 * MS);
	ck_assert_int_ge(most, 24 * MS);
	ck_assert_int_le(most, 25 * MS);
	for (int64_t now = 20000 * MS; now < 20100 * MS; now += MS / 10) {
		int64_t at = shape_packet(&shape, LEN, now).at_ns;

		ck_assert_int_ge(at, last);
		last = at;
	}
}
END_TEST

START_TEST(loss_is_what_was_asked_for)
{
	struct shape shape = shape_of("ab loss 10%", 1);
	int fates[SHAPE_FATES];

	count_fates(&shape, 100000, MS, fates);
	/* Four standard deviations of 100 000 draws at a tenth. */
	ck_assert_int_ge(fates[SHAPE_LOSS], 10000 - 380);
	ck_assert_int_le(fates[SHAPE_LOSS], 10000 + 380);
	ck_assert_int_eq(fates[SHAPE_LOSS] + fates[SHAPE_PASS], 100000);
	shape = shape_of("ab loss 100%", 1);
	count_fates(&shape, 1000, MS, fates);
	ck_assert_int_eq(fates[SHAPE_LOSS], 1000);
}
END_TEST

START_TEST(blackouts_have_their_share_and_length)
{
	struct shape shape = shape_of("ab burst 10% 50ms", 1);
	int dark = 0, runs = 0;
	bool before = false;

	for (int64_t now = 0; now < 4000 * SHAPE_NS_PER_S; now += MS) {
		bool is_dark = shape_packet(&shape, LEN, now).fate == SHAPE_BURST;

		dark += is_dark;
		runs += is_dark && !before;
		before = is_dark;
	}
	/* About 8 000 blackouts: their number within 5 %, the time in them too. */
	ck_assert_int_ge(dark, 380000);
	ck_assert_int_le(dark, 420000);
	ck_assert_int_ge(dark / runs, 47);
	ck_assert_int_le(dark / runs, 53);
	shape_set(&shape, &(struct shape_settings) { 0 }, 4000 * SHAPE_NS_PER_S);
	ck_assert_int_eq(shape_packet(&shape, LEN, 4000 * SHAPE_NS_PER_S).fate, SHAPE_PASS);
}
END_TEST

START_TEST(a_line_sends_at_its_rate)
{
	struct shape shape = shape_of("ab rate 9600k 12000 1200", 1);
	int passed = 0;

	/* 1 ms a packet; all come at once: one passes, ten wait, and the one whose wait would be longer does not. */
	for (int i = 0; i < 20; i++) {
		struct shape_verdict verdict = shape_packet(&shape, LEN, SHAPE_NS_PER_S);

		if (verdict.fate == SHAPE_PASS)
			ck_assert_int_eq(verdict.at_ns, SHAPE_NS_PER_S + passed++ * MS);
		else
			ck_assert_int_eq(verdict.fate, SHAPE_QUEUE);
	}
	ck_assert_int_eq(passed, 12);
	ck_assert_int_eq(shape_packet(&shape, LEN, SHAPE_NS_PER_S + 2 * MS).fate, SHAPE_PASS);
	ck_assert_int_eq(shape_packet(&shape, LEN, 2 * SHAPE_NS_PER_S).at_ns, 2 * SHAPE_NS_PER_S);
}
END_TEST

START_TEST(a_line_that_is_offered_more_carries_its_rate)
{
	struct shape shape = shape_of("ab rate 9600k", 1);
	int fates[SHAPE_FATES];

	count_fates(&shape, 20000, MS / 2, fates);
	/* 10 s of 1 000 a second, and what the queue and the bucket took at the start. */
	ck_assert_int_ge(fates[SHAPE_PASS], 10000);
	ck_assert_int_le(fates[SHAPE_PASS], 10000 + (SHAPE_QUEUE_DEFAULT + SHAPE_BUCKET_DEFAULT) / LEN + 1);
}
END_TEST

START_TEST(what_is_held_back_is_overtaken)
{
	struct shape shape = shape_of("ab delay 10ms; ab reorder 10% 3ms", 1);
	int held = 0;

	for (int64_t now = 0; now < 10000 * MS; now += MS) {
		struct shape_verdict verdict = shape_packet(&shape, LEN, now);

		held += verdict.reordered;
		ck_assert_int_eq(verdict.at_ns, now + (verdict.reordered ? 13 : 10) * MS);
	}
	ck_assert_int_ge(held, 880);
	ck_assert_int_le(held, 1120);
}
END_TEST

START_TEST(what_is_too_big_ends_here)
{
	struct shape shape = shape_of("ab mtu 1280", 1);

	ck_assert_int_eq(shape_packet(&shape, 1280, 0).fate, SHAPE_PASS);
	ck_assert_int_eq(shape_packet(&shape, 1281, 0).fate, SHAPE_MTU);
	shape = shape_of("ab mtu 1280; ab down", 1);
	ck_assert_int_eq(shape_packet(&shape, 1281, 0).fate, SHAPE_DOWN);
	ck_assert_int_eq(shape_packet(&shape, 100, 0).fate, SHAPE_DOWN);
}
END_TEST

static bool same_verdict(const struct shape_verdict *a, const struct shape_verdict *b)
{
	return a->fate == b->fate && a->at_ns == b->at_ns && a->twice == b->twice && a->corrupt == b->corrupt &&
	       a->reordered == b->reordered && a->place == b->place;
}

START_TEST(the_same_seed_is_the_same_run)
{
	const char *bad = "ab loss 5%; ab burst 5% 20ms; ab delay 9ms 4ms; ab duplicate 3%; ab corrupt 3%; "
			  "ab reorder 3%";
	struct shape a = shape_of(bad, 7), b = shape_of(bad, 7), c = shape_of(bad, 8);
	int differing = 0;

	for (int64_t now = 0; now < 1000 * MS; now += MS) {
		struct shape_verdict one = shape_packet(&a, LEN, now), two = shape_packet(&b, LEN, now);
		struct shape_verdict three = shape_packet(&c, LEN, now);

		ck_assert(same_verdict(&one, &two));
		differing += !same_verdict(&one, &three);
	}
	ck_assert_int_gt(differing, 900);
}
END_TEST

START_TEST(one_fault_does_not_move_another)
{
	struct shape a = shape_of("ab duplicate 10%", 3);
	struct shape b = shape_of("ab duplicate 10%; ab loss 50%; ab delay 1ms 1ms", 3);

	for (int64_t now = 0; now < 1000 * MS; now += MS)
		ck_assert_int_eq(shape_packet(&a, LEN, now).twice, shape_packet(&b, LEN, now).twice);
}
END_TEST

/* --- packets on their way --------------------------------------------------------------------- */

START_TEST(packets_arrive_by_time_and_then_by_order)
{
	static const int64_t times[] = { 50, 10, 30, 10, 40, 10, 20, 50, 0 };
	static const uint8_t expected[] = { 8, 1, 3, 5, 6, 2, 4, 0, 7 };
	struct flight flight = { 0 };

	for (uint8_t i = 0; i < sizeof(expected); i++)
		ck_assert(flight_add(&flight, i % 2, &i, 1, times[i]));
	for (size_t i = 0; i < sizeof(expected); i++) {
		int64_t at = flight_next_ns(&flight);
		struct flight_packet *packet = flight_take(&flight);

		ck_assert_uint_eq(packet->bytes[0], expected[i]);
		ck_assert_int_eq(packet->direction, expected[i] % 2);
		ck_assert_int_eq(at, times[expected[i]]);
		free(packet);
	}
	ck_assert_ptr_null(flight_take(&flight));
	ck_assert_int_eq(flight_next_ns(&flight), INT64_MAX);
	ck_assert_uint_eq(flight.bytes, 0);
	flight_free(&flight);
}
END_TEST

START_TEST(there_is_a_limit_to_what_is_held)
{
	static uint8_t packet[PACKET_MAX];
	struct flight flight = { 0 };
	size_t n = 0;

	while (flight_add(&flight, 0, packet, sizeof(packet), 0))
		n++;
	ck_assert_uint_eq(n, FLIGHT_BYTES_MAX / PACKET_MAX);
	flight_free(&flight);
}
END_TEST

/* --- bytes ------------------------------------------------------------------------------------ */

#define IP4 20
#define IP6 40
#define UDP 8

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* A UDP packet with a right checksum; odd lengths too. */
static void make_udp(uint8_t *packet, size_t len, bool v6)
{
	size_t header = v6 ? IP6 : IP4;

	for (size_t i = 0; i < len; i++)
		packet[i] = (uint8_t)(i * 7 + len);
	memset(packet, 0, header + UDP);
	packet[0] = v6 ? 0x60 : 0x45;
	put16(packet + (v6 ? 4 : 2), v6 ? len - IP6 : len);
	packet[v6 ? 6 : 9] = IPPROTO_UDP;
	if (!v6)
		packet[6] = 0x40;	/* DF */
	memcpy(packet + (v6 ? 8 : 12), v6 ? "\x20\x01\x0d\xb8 one" : "\xc0\x00\x02\x01", v6 ? 8 : 4);
	memcpy(packet + (v6 ? 24 : 16), v6 ? "\x20\x01\x0d\xb8 two" : "\xc6\x33\x64\x02", v6 ? 8 : 4);
	put16(packet + header + 4, len - header);
	put16(packet + header + 6, packet_checksum(packet, header, IPPROTO_UDP, len));
	ck_assert_uint_eq(packet_checksum(packet, header, IPPROTO_UDP, len), 0);
}

static size_t bits_that_differ(const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += (size_t)__builtin_popcount(a[i] ^ b[i]);
	return n;
}

START_TEST(damage_is_one_bit_and_shows)
{
	uint8_t whole[LEN], damaged[LEN];

	for (size_t i = 0; i < 2000; i++) {
		bool v6 = i % 2 == 1;
		size_t len = LEN - i % 3, header = v6 ? IP6 : IP4;

		make_udp(whole, len, v6);
		memcpy(damaged, whole, len);
		packet_corrupt(damaged, len, (uint32_t)(i * 2654435761u), false);
		ck_assert_uint_eq(bits_that_differ(whole, damaged, len), 1);
		ck_assert_mem_eq(whole, damaged, header);
		ck_assert_uint_ne(packet_checksum(damaged, header, IPPROTO_UDP, len), 0);
	}
}
END_TEST

START_TEST(mended_damage_is_one_bit_of_the_payload_and_does_not_show)
{
	uint8_t whole[LEN], damaged[LEN];

	for (size_t i = 0; i < 4000; i++) {
		bool v6 = i % 2 == 1;
		size_t header = v6 ? IP6 : IP4, data = header + UDP, len = data + 1 + i % 50;

		make_udp(whole, len, v6);
		memcpy(damaged, whole, len);
		packet_corrupt(damaged, len, (uint32_t)(i * 2654435761u), true);
		ck_assert_mem_eq(whole, damaged, header + 6);
		ck_assert_uint_eq(bits_that_differ(whole + data, damaged + data, len - data), 1);
		ck_assert_uint_eq(packet_checksum(damaged, header, IPPROTO_UDP, len), 0);
	}
}
END_TEST

START_TEST(a_nat_changes_one_port_and_mends_the_checksum)
{
	uint8_t packet[LEN], before[LEN];

	for (int i = 0; i < 4; i++) {
		bool v6 = i % 2 == 1, source = i / 2 == 1;
		size_t header = v6 ? IP6 : IP4, port = header + (source ? 0 : 2);

		make_udp(packet, LEN, v6);
		put16(packet + port, 65000);
		put16(packet + header + 6, 0);
		put16(packet + header + 6, packet_checksum(packet, header, IPPROTO_UDP, LEN));
		memcpy(before, packet, LEN);
		packet_shift_port(packet, LEN, source, 1000);
		ck_assert_uint_eq(packet[port] << 8 | packet[port + 1], 65000 + 1000 - 65536);
		ck_assert_uint_eq(packet_checksum(packet, header, IPPROTO_UDP, LEN), 0);
		packet_shift_port(packet, LEN, source, (uint16_t)-1000);
		ck_assert_mem_eq(packet, before, LEN);
		packet[v6 ? 6 : 9] = IPPROTO_TCP;
		memcpy(before, packet, LEN);
		packet_shift_port(packet, LEN, source, 1000);
		ck_assert_mem_eq(packet, before, LEN);
	}
}
END_TEST

START_TEST(what_is_no_packet_is_left_alone)
{
	uint8_t bytes[64], copy[64], answer[PACKET_TOO_BIG_MAX];
	struct packet_router router = { 0 };

	for (size_t len = 0; len < IP4; len++) {
		memset(bytes, 0x45, sizeof(bytes));
		memcpy(copy, bytes, sizeof(bytes));
		packet_corrupt(bytes, len, 12345, true);
		ck_assert_mem_eq(bytes, copy, sizeof(bytes));
		ck_assert_uint_eq(packet_too_big(bytes, len, 68, &router, answer), 0);
	}
}
END_TEST

START_TEST(an_ipv4_sender_is_told)
{
	uint8_t packet[LEN], answer[PACKET_TOO_BIG_MAX];
	struct packet_router router = { 0 };
	size_t len;

	make_udp(packet, LEN, false);
	len = packet_too_big(packet, LEN, 1000, &router, answer);
	ck_assert_uint_eq(len, 576);
	ck_assert_mem_eq(answer + 12, packet + 16, 4);
	ck_assert_mem_eq(answer + 16, packet + 12, 4);
	ck_assert_mem_eq(answer + IP4, "\x03\x04", 2);
	ck_assert_mem_eq(answer + IP4 + 4, "\x00\x00\x03\xe8", 4);
	ck_assert_mem_eq(answer + IP4 + 8, packet, len - IP4 - 8);
	ck_assert_uint_eq(packet_checksum(answer, IP4, IPPROTO_ICMP, len), 0);
	ck_assert_uint_eq(packet_checksum(answer, 0, IPPROTO_ICMP, IP4), 0);
	router.v4.s_addr = htonl(0xc0a80101);
	ck_assert_uint_eq(packet_too_big(packet, LEN, 1000, &router, answer), 576);
	ck_assert_mem_eq(answer + 12, &router.v4, 4);
}
END_TEST

START_TEST(an_ipv6_sender_is_told)
{
	uint8_t packet[LEN], answer[PACKET_TOO_BIG_MAX];
	struct packet_router router = { 0 };
	size_t len;

	make_udp(packet, LEN, true);
	len = packet_too_big(packet, LEN, 1000, &router, answer);
	ck_assert_uint_eq(len, IP6 + 8 + LEN);
	ck_assert_mem_eq(answer + 8, packet + 24, 16);
	ck_assert_mem_eq(answer + 24, packet + 8, 16);
	ck_assert_mem_eq(answer + IP6, "\x02\x00", 2);
	ck_assert_mem_eq(answer + IP6 + 4, "\x00\x00\x03\xe8", 4);
	ck_assert_mem_eq(answer + IP6 + 8, packet, LEN);
	ck_assert_uint_eq(packet_checksum(answer, IP6, IPPROTO_ICMPV6, len), 0);
	router.v6.s6_addr[0] = 0xfd;
	ck_assert_uint_eq(packet_too_big(packet, LEN, 1000, &router, answer), len);
	ck_assert_mem_eq(answer + 8, &router.v6, 16);
}
END_TEST

START_TEST(some_are_not_told)
{
	uint8_t packet[LEN], answer[PACKET_TOO_BIG_MAX];
	struct packet_router router = { 0 };

	make_udp(packet, LEN, false);
	packet[6] = 0;			/* may be cut up */
	ck_assert_uint_eq(packet_too_big(packet, LEN, 1000, &router, answer), 0);
	make_udp(packet, LEN, false);
	packet[16] = 0xe0;		/* to a group */
	ck_assert_uint_eq(packet_too_big(packet, LEN, 1000, &router, answer), 0);
	make_udp(packet, LEN, false);
	packet[9] = IPPROTO_ICMP;
	packet[IP4] = 3;		/* an error itself */
	ck_assert_uint_eq(packet_too_big(packet, LEN, 1000, &router, answer), 0);
	packet[IP4] = 8;		/* a ping */
	ck_assert_uint_gt(packet_too_big(packet, LEN, 1000, &router, answer), 0);
	make_udp(packet, LEN, true);
	packet[6] = IPPROTO_ICMPV6;
	packet[IP6] = 1;
	ck_assert_uint_eq(packet_too_big(packet, LEN, 1000, &router, answer), 0);
	packet[IP6] = 128;
	ck_assert_uint_gt(packet_too_big(packet, LEN, 1000, &router, answer), 0);
}
END_TEST

/* --- commands --------------------------------------------------------------------------------- */

START_TEST(commands_say_what_they_mean)
{
	struct shape_settings set[2] = { 0 };
	char why[200];

	ck_assert(command_apply(set, "both delay 20ms 1.5ms;ab loss 2.5%\nba mtu 1280 silent; ab rate 10M 64k 1500; "
				     "ba burst 1% 50ms; ab reorder 1%; ba corrupt 0.01% mended;", why, sizeof(why)));
	ck_assert_int_eq(set[COMMAND_AB].delay_ns, 20 * MS);
	ck_assert_int_eq(set[COMMAND_BA].jitter_ns, 3 * MS / 2);
	ck_assert_uint_eq(set[COMMAND_AB].loss_ppm, 25000);
	ck_assert_uint_eq(set[COMMAND_BA].loss_ppm, 0);
	ck_assert_uint_eq(set[COMMAND_BA].mtu, 1280);
	ck_assert(set[COMMAND_BA].mtu_silent);
	ck_assert_uint_eq(set[COMMAND_AB].rate, 10000000);
	ck_assert_uint_eq(set[COMMAND_AB].queue, 65536);
	ck_assert_uint_eq(set[COMMAND_AB].bucket, 1500);
	ck_assert_uint_eq(set[COMMAND_BA].burst_ppm, 10000);
	ck_assert_int_eq(set[COMMAND_BA].burst_ns, 50 * MS);
	ck_assert_int_eq(set[COMMAND_AB].reorder_ns, SHAPE_REORDER_DEFAULT_NS);
	ck_assert_uint_eq(set[COMMAND_BA].corrupt_ppm, 100);
	ck_assert(set[COMMAND_BA].corrupt_mended);
	ck_assert(command_apply(set, "ba mtu 0; ab down", why, sizeof(why)));
	ck_assert_uint_eq(set[COMMAND_BA].mtu, 0);
	ck_assert(set[COMMAND_AB].down && !set[COMMAND_BA].down);
	ck_assert(command_apply(set, "both clear", why, sizeof(why)));
	ck_assert_int_eq(set[COMMAND_BA].delay_ns, 0);
	ck_assert(!set[COMMAND_AB].down);
}
END_TEST

static const char *const wrong[][2] = {
	{ "to loss 1%", "ab, ba or both, not 'to'" }, { "ab", "loss" }, { "ab lose 1%", "not 'lose'" },
	{ "ab loss", "a value" }, { "ab loss 1% 2%", "nothing more, not '2%'" }, { "ab loss 101%", "0 to 100%" },
	{ "ab loss 1", "not '1'" }, { "ab loss -1%", "not '-1%'" }, { "ab delay 5", "not '5'" },
	{ "ab delay 61s", "up to 60s" },
	{ "ab burst 5%", "a time" }, { "ab burst 100% 5ms", "below 100%" }, { "ab burst 5% 0", "above 0" },
	{ "ab corrupt 1% fixed", "mended" }, { "ab mtu 1280 loud", "silent" }, { "ab rate fast", "bits per second" },
	{ "ab rate 1M 1M 1M 1M", "nothing more" }, { "ab mtu 12x", "number of bytes" },
	{ "both ports 65536", "65535" },
};

START_TEST(wrong_commands_change_nothing_and_say_why)
{
	struct shape_settings set[2] = { 0 }, before[2] = { 0 };
	char why[200], line[200];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(line, sizeof(line), "both loss 50%%; %s", wrong[i][0]);
		ck_assert_msg(!command_apply(set, line, why, sizeof(why)), "%s", line);
		ck_assert_msg(strstr(why, wrong[i][1]) != NULL, "%s: %s", line, why);
		ck_assert_mem_eq(set, before, sizeof(set));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link");
	TCase *tc = tcase_create("link");

	tcase_add_test(tc, a_perfect_link_changes_nothing);
	tcase_add_test(tc, a_delay_is_kept_to);
	tcase_add_test(tc, jitter_stays_in_its_bounds_and_keeps_the_order);
	tcase_add_test(tc, loss_is_what_was_asked_for);
	tcase_add_test(tc, blackouts_have_their_share_and_length);
	tcase_add_test(tc, a_line_sends_at_its_rate);
	tcase_add_test(tc, a_line_that_is_offered_more_carries_its_rate);
	tcase_add_test(tc, what_is_held_back_is_overtaken);
	tcase_add_test(tc, what_is_too_big_ends_here);
	tcase_add_test(tc, the_same_seed_is_the_same_run);
	tcase_add_test(tc, one_fault_does_not_move_another);
	tcase_add_test(tc, packets_arrive_by_time_and_then_by_order);
	tcase_add_test(tc, there_is_a_limit_to_what_is_held);
	tcase_add_test(tc, damage_is_one_bit_and_shows);
	tcase_add_test(tc, mended_damage_is_one_bit_of_the_payload_and_does_not_show);
	tcase_add_test(tc, a_nat_changes_one_port_and_mends_the_checksum);
	tcase_add_test(tc, what_is_no_packet_is_left_alone);
	tcase_add_test(tc, an_ipv4_sender_is_told);
	tcase_add_test(tc, an_ipv6_sender_is_told);
	tcase_add_test(tc, some_are_not_told);
	tcase_add_test(tc, commands_say_what_they_mean);
	tcase_add_test(tc, wrong_commands_change_nothing_and_say_why);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
