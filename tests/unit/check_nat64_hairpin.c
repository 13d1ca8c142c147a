/* SPDX-License-Identifier: Apache-2.0
 *
 * Hairpinning (section L of the checklist): two hosts with explicit mappings that know each other by the prefix;
 * RFC 7757, section 4.
 */
#include <string.h>

#include "tests/unit/core_check.h"

static struct wire part, in, want, quoted;

static void make(struct ip ip)
{
	wire_packet(&in, &ip, &part);
}

static void wanted(struct ip ip)
{
	wire_packet(&want, &ip, &part);
}

/* The host's packet to the other, which the other gets as one from the host behind the prefix. */
static const struct ip out = { .src = HOST6, .dst = OTHER6_BY_PREFIX, .protocol = UDP };
static const struct ip arrives = { .src = HOST6_BY_PREFIX, .dst = OTHER6, .protocol = UDP, .ttl = 63 };

START_TEST(item_162_on_by_default)
{
	ck_assert_int_eq(core.settings.hairpin, KS_HAIRPIN_INTRINSIC);
	wire_udp(&part, 40);
	make(out);
	wanted(arrives);
	core_gives(&core, &in, &want);
	ck_assert_uint_eq(core.counts.hairpins, 1);
	ck_assert_uint_eq(core.counts.packets[KS_XLAT_46], 1);
	ck_assert_uint_eq(core.counts.packets[KS_XLAT_64], 0);
}
END_TEST

START_TEST(item_162_off)
{
	core.settings.hairpin = KS_HAIRPIN_OFF;
	wire_udp(&part, 40);
	make(out);
	wanted(IP(.src = HOST4, .dst = OTHER4, .protocol = UDP, .ttl = 63));
	core_gives(&core, &in, &want);
	make(IP(.src = HOST4, .dst = OTHER4, .protocol = UDP));
	wanted(IP(.src = HOST6, .dst = OTHER6, .protocol = UDP, .ttl = 63));
	core_gives(&core, &in, &want);
	ck_assert_uint_eq(core.counts.hairpins, 0);
}
END_TEST

START_TEST(item_163_simple_packets)
{
	core.settings.hairpin = KS_HAIRPIN_SIMPLE;
	wire_tcp(&part, 40);
	make(IP(.src = HOST6, .dst = OTHER6_BY_PREFIX, .protocol = TCP));
	wanted(IP(.src = HOST4, .dst = OTHER4, .protocol = TCP, .ttl = 63));
	core_gives(&core, &in, &want);
	/* The network sends it back. */
	make(IP(.src = HOST4, .dst = OTHER4, .protocol = TCP, .ttl = 62));
	wanted(IP(.src = HOST6_BY_PREFIX, .dst = OTHER6, .protocol = TCP, .ttl = 61));
	core_gives(&core, &in, &want);
}
END_TEST

/* An error about the host's packet to the other, from `src`, in IPv4. */
static void error4(const char *src)
{
	wire_udp(&part, 40);
	wire_packet(&quoted, &(struct ip){ .src = HOST4, .dst = OTHER4, .protocol = UDP, .ttl = 7 }, &part);
	wire_error(&part, 3, 3, 0, &quoted, quoted.len, 0);
	make(IP(.src = src, .dst = HOST4, .protocol = ICMP4));
}

/* The error that the host gets: about the packet as it sent it, from src. */
static void wanted6(const char *src, unsigned ttl)
{
	wire_udp(&part, 40);
	wire_packet(&quoted, &(struct ip){ .src = HOST6, .dst = OTHER6_BY_PREFIX, .protocol = UDP, .ttl = 7 }, &part);
	wire_error(&part, 1, 4, 0, &quoted, quoted.len, 0);
	wanted(IP(.src = src, .dst = HOST6, .protocol = ICMP6, .ttl = ttl));
}

START_TEST(item_163_simple_errors)
{
	core.settings.hairpin = KS_HAIRPIN_SIMPLE;
	error4(OTHER4);
	wanted6(OTHER6_BY_PREFIX, 63);
	core_gives(&core, &in, &want);
	/* From a router on the way, which has a mapping too. */
	error4("198.51.100.9");
	wanted6(NET6 "9", 63);
	core_gives(&core, &in, &want);
	error4(PEER4);
	wanted6(PEER6, 63);
	core_gives(&core, &in, &want);
}
END_TEST

START_TEST(item_164_set_a_of_packets)
{
	static const unsigned protocols[] = { TCP, UDP, 132 };

	for (size_t i = 0; i < 3; i++) {
		wire_tcp(&part, 40);
		if (protocols[i] == UDP)
			wire_udp(&part, 40);
		make(IP(.src = HOST6, .dst = OTHER6_BY_PREFIX, .protocol = protocols[i], .tos = 3));
		wanted(IP(.src = HOST6_BY_PREFIX, .dst = OTHER6, .protocol = protocols[i], .tos = 3, .ttl = 63));
		core_gives(&core, &in, &want);
	}
	wire_echo(&part, 128, 40);
	make(IP(.src = HOST6, .dst = OTHER6_BY_PREFIX, .protocol = ICMP6));
	wanted(IP(.src = HOST6_BY_PREFIX, .dst = OTHER6, .protocol = ICMP6, .ttl = 63));
	core_gives(&core, &in, &want);
	/* From one without a mapping of its own, too. */
	wire_udp(&part, 40);
	make(IP(.src = CORE_PREFIX "203.0.113.99", .dst = OTHER6_BY_PREFIX, .protocol = UDP));
	wanted(IP(.src = CORE_PREFIX "203.0.113.99", .dst = OTHER6, .protocol = UDP, .ttl = 63));
	core_gives(&core, &in, &want);
	/* By its mapping, not by the prefix: to IPv4. */
	make(IP(.src = HOST6, .dst = OTHER6, .protocol = UDP));
	wanted(IP(.src = HOST4, .dst = OTHER4, .protocol = UDP, .ttl = 63));
	core_gives(&core, &in, &want);
}
END_TEST

START_TEST(item_164_set_b_of_errors)
{
	/* The other's error about what it got; HOST learns of it as of what it sent. */
	wire_udp(&part, 40);
	wire_packet(&quoted, &(struct ip){ .src = HOST6_BY_PREFIX, .dst = OTHER6, .protocol = UDP, .ttl = 7 }, &part);
	wire_error(&part, 1, 4, 0, &quoted, quoted.len, 0);
	make(IP(.src = OTHER6, .dst = HOST6_BY_PREFIX, .protocol = ICMP6));
	wanted6(OTHER6_BY_PREFIX, 63);
	core_gives(&core, &in, &want);
	ck_assert_uint_eq(core.counts.hairpins, 1);
	/* A router's, which has a mapping. */
	wire_udp(&part, 40);
	wire_packet(&quoted, &(struct ip){ .src = HOST6_BY_PREFIX, .dst = OTHER6, .protocol = UDP, .ttl = 7 }, &part);
	wire_error(&part, 1, 4, 0, &quoted, quoted.len, 0);
	make(IP(.src = NET6 "9", .dst = HOST6_BY_PREFIX, .protocol = ICMP6));
	wanted6(NET6 "9", 63);
	core_gives(&core, &in, &want);
}
END_TEST

START_TEST(item_165_one_hop_for_both_passes)
{
	wire_udp(&part, 40);
	for (unsigned ttl = 2; ttl < 256; ttl++) {
		struct ip from = out, to = arrives;

		from.ttl = ttl;
		to.ttl = ttl - 1;
		make(from);
		wanted(to);
		core_gives(&core, &in, &want);
	}
	make(IP(.src = HOST6, .dst = OTHER6_BY_PREFIX, .protocol = UDP, .ttl = 1));
	core_tells(&core, &in, KS_XLAT_TTL6, 3, 0);
}
END_TEST

/* The other way round: an error about a packet that turned back, from one whose address has no IPv4 (RFC 6791). */
START_TEST(item_166_error_of_a_stranger)
{
	wire_udp(&part, 40);
	wire_packet(&quoted, &(struct ip){ .src = HOST6_BY_PREFIX, .dst = OTHER6, .protocol = UDP, .ttl = 7 }, &part);
	wire_error(&part, 1, 4, 0, &quoted, quoted.len, 0);
	make(IP(.src = STRANGER6, .dst = HOST6_BY_PREFIX, .protocol = ICMP6));
	wanted6(CORE_PREFIX SELF4, 63);
	core_gives(&core, &in, &want);
}
END_TEST

/* With the mappings of figure 1 there, and a prefix for documentation. */
START_TEST(item_167_appendix_b_1)
{
	const struct ks_mapping mappings[] = {
		core_mapping("192.0.2.1", 32, "2001:db8:aaaa::", 128),
		core_mapping("192.0.2.2", 32, "2001:db8:bbbb::b", 128),
	};
	struct ip there = { .src = "2001:db8:aaaa::", .dst = CORE_PREFIX "192.0.2.2", .protocol = TCP };
	struct ip back = { .src = "2001:db8:bbbb::b", .dst = CORE_PREFIX "192.0.2.1", .protocol = TCP };

	core_table(&core, CORE_PREFIX, 96, mappings, 2);
	wire_tcp(&part, 10);
	make(there);
	wanted(IP(.src = CORE_PREFIX "192.0.2.1", .dst = "2001:db8:bbbb::b", .protocol = TCP, .ttl = 63));
	core_gives(&core, &in, &want);
	make(back);
	wanted(IP(.src = CORE_PREFIX "192.0.2.2", .dst = "2001:db8:aaaa::", .protocol = TCP, .ttl = 63));
	core_gives(&core, &in, &want);
}
END_TEST

START_TEST(item_168_at_most_one_second_pass)
{
	/* Each of two has the other's address by the prefix: a packet to one would go round for ever. */
	const struct ks_mapping mappings[] = {
		core_mapping(HOST4, 32, OTHER6_BY_PREFIX, 128), core_mapping(OTHER4, 32, HOST6_BY_PREFIX, 128),
		core_mapping(NET4, 24, NET6, 120),
	};

	core_table(&core, CORE_PREFIX, 96, mappings, 3);
	wire_udp(&part, 40);
	make(IP(.src = NET6 "9", .dst = CORE_PREFIX "198.51.100.8", .protocol = UDP));
	wanted(IP(.src = CORE_PREFIX "198.51.100.9", .dst = NET6 "8", .protocol = UDP, .ttl = 63));
	core_gives(&core, &in, &want);
	/* One that is mapped to an address that belongs to the translator again. */
	core_table(&core, CORE_PREFIX, 96, (const struct ks_mapping[]){
		core_mapping(HOST4, 32, OTHER6_BY_PREFIX, 128), core_mapping(NET4, 24, NET6, 120) }, 2);
	make(IP(.src = NET6 "9", .dst = HOST6_BY_PREFIX, .protocol = UDP));
	core_drops(&core, &in, KS_XLAT_HAIRPIN_LOOP);
}
END_TEST

/* What is cut for IPv4 turns back piece by piece. */
START_TEST(item_168_fragments_turn_back)
{
	size_t at = 0;

	core.settings.mtu4 = 600;
	wire_udp(&part, 1200);
	make(out);
	wanted(arrives);
	ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
	ck_assert_uint_eq(core.n, 3);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert(memcmp(core.out[i].bytes + 8, want.bytes + 8, 32) == 0);
		ck_assert(memcmp(core.out[i].bytes + 48, want.bytes + 40 + at, core.out[i].len - 48) == 0);
		at += core.out[i].len - 48;
	}
	ck_assert_uint_eq(at, 1208);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nat64_hairpin");
	TCase *tc = core_case("items");

	tcase_add_test(tc, item_162_on_by_default);
	tcase_add_test(tc, item_162_off);
	tcase_add_test(tc, item_163_simple_packets);
	tcase_add_test(tc, item_163_simple_errors);
	tcase_add_test(tc, item_164_set_a_of_packets);
	tcase_add_test(tc, item_164_set_b_of_errors);
	tcase_add_test(tc, item_165_one_hop_for_both_passes);
	tcase_add_test(tc, item_166_error_of_a_stranger);
	tcase_add_test(tc, item_167_appendix_b_1);
	tcase_add_test(tc, item_168_at_most_one_second_pass);
	tcase_add_test(tc, item_168_fragments_turn_back);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
