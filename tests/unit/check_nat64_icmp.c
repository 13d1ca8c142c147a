/* SPDX-License-Identifier: Apache-2.0
 *
 * ICMP information messages (section F of the checklist), and ICMPv6 errors in IPv4 (section H), one test per line;
 * RFC 7915, sections 4.2 and 5.2.
 */
#include <string.h>

#include "tests/unit/core_check.h"

static struct wire part, in, want, quoted;

static void make(struct ip ip)
{
	wire_packet(&in, &ip, &part);
}

/* --- information --------------------------------------------------------------------------------- */

/* An echo message of IPv4 with that much data, and the same of IPv6. */
static void echo46(unsigned type4, unsigned type6, size_t data)
{
	wire_echo(&part, type4, data);
	make(core_in4(IP(.protocol = ICMP4)));
	wire_echo(&part, type6, data);
	wire_packet(&want, &(struct ip){ PEER6, HOST6, .protocol = ICMP6, .ttl = 63 }, &part);
	core_gives(&core, &in, &want);
}

static void echo64(unsigned type6, unsigned type4, size_t data)
{
	wire_echo(&part, type6, data);
	make(core_in6(IP(.protocol = ICMP6)));
	wire_echo(&part, type4, data);
	wire_packet(&want, &(struct ip){ HOST4, PEER4, .protocol = ICMP4, .ttl = 63 }, &part);
	core_gives(&core, &in, &want);
}

START_TEST(item_078_echo_to_ipv6)
{
	for (size_t data = 0; data < 100; data++) {
		echo46(8, 128, data);
		echo46(0, 129, data);
	}
}
END_TEST

START_TEST(item_079_echo_to_ipv4)
{
	for (size_t data = 0; data < 100; data++) {
		echo64(128, 8, data);
		echo64(129, 0, data);
	}
}
END_TEST

START_TEST(item_080_what_else_is_in_it_stays)
{
	for (unsigned code = 0; code < 256; code += 5) {
		wire_echo(&part, 8, 33);
		part.bytes[1] = (uint8_t)code;
		wire_put32(part.bytes + 4, 0xfedc0000 | code << 8);
		make(core_in4(IP(.protocol = ICMP4)));
		part.bytes[0] = 128;
		wire_packet(&want, &(struct ip){ PEER6, HOST6, .protocol = ICMP6, .ttl = 63 }, &part);
		core_gives(&core, &in, &want);
		part.bytes[0] = 129;
		make(core_in6(IP(.protocol = ICMP6)));
		part.bytes[0] = 0;
		wire_packet(&want, &(struct ip){ HOST4, PEER4, .protocol = ICMP4, .ttl = 63 }, &part);
		core_gives(&core, &in, &want);
	}
}
END_TEST

/* How far the checksum of an ICMP message is from the right one. */
static unsigned wrong_by(const uint8_t *bytes, size_t len)
{
	struct parsed p;

	ck_assert_ptr_null(wire_parse(&p, bytes, len, false));
	return wire_add(wire_pseudo(&p, p.payload), bytes + p.at, p.payload);
}

START_TEST(item_081_a_wrong_checksum_stays_as_wrong)
{
	core.care = PACKET_LENGTHS;
	for (unsigned wrong = 1; wrong < 0xffff; wrong += 331) {
		wire_echo(&part, 8, 40);
		make(core_in4(IP(.protocol = ICMP4)));
		wire_put16(in.bytes + 22, wire_add(wrong, in.bytes + 22, 2));
		ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
		ck_assert_uint_eq(wrong_by(core.out[0].bytes, core.out[0].len), wrong_by(in.bytes, in.len));
		part.bytes[0] = 128;
		make(core_in6(IP(.protocol = ICMP6)));
		wire_put16(in.bytes + 42, wire_add(wrong, in.bytes + 42, 2));
		ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
		ck_assert_uint_eq(wrong_by(core.out[0].bytes, core.out[0].len), wrong_by(in.bytes, in.len));
	}
}
END_TEST

START_TEST(item_082_other_types_of_ipv4_are_dropped)
{
	for (unsigned type = 0; type < 256; type++) {
		if (type == 0 || type == 8 || type == 3 || type == 11 || type == 12)
			continue;
		/* As one that could be an error has it: a packet is quoted. */
		wire_udp(&part, 20);
		wire_packet(&quoted, &(struct ip){ HOST4, PEER4, .protocol = UDP }, &part);
		wire_error(&part, type, 0, 0, &quoted, quoted.len, 0);
		make(core_in4(IP(.protocol = ICMP4)));
		core_drops(&core, &in, KS_XLAT_ICMP_TYPE);
	}
}
END_TEST

START_TEST(item_083_other_types_of_ipv6_are_dropped)
{
	for (unsigned type = 130; type < 256; type++) {
		wire_udp(&part, 20);
		wire_packet(&quoted, &(struct ip){ PEER6, HOST6, .protocol = UDP }, &part);
		wire_error(&part, type, 0, 0, &quoted, quoted.len, 0);
		make(core_in6(IP(.protocol = ICMP6)));
		core_drops(&core, &in, KS_XLAT_ICMP_TYPE);
	}
}
END_TEST

START_TEST(item_084_igmp_is_dropped)
{
	wire_echo(&part, 0x16, 0);
	make(core_in4(IP(.protocol = IGMP)));
	core_drops(&core, &in, KS_XLAT_PROTOCOL);
}
END_TEST

/* --- errors of ICMPv6 ---------------------------------------------------------------------------- */

/* An error that quotes a packet of the peer's with that IP header, and the same in IPv4. */
static void error64_about(struct ip about6, unsigned type6, unsigned code6, uint32_t rest6)
{
	wire_udp(&part, 20);
	wire_packet(&quoted, &about6, &part);
	wire_error(&part, type6, code6, rest6, &quoted, quoted.len, 0);
	make(core_in6(IP(.protocol = ICMP6)));
}

static void error64(unsigned type6, unsigned code6, uint32_t rest6, unsigned type4, unsigned code4, uint32_t rest4)
{
	error64_about(IP(PEER6, HOST6, .protocol = UDP, .ttl = 9), type6, code6, rest6);
	wire_udp(&part, 20);
	wire_packet(&quoted, &(struct ip){ PEER4, HOST4, .protocol = UDP, .ttl = 9 }, &part);
	/* Its Identification is anything. */
	ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
	ck_assert_uint_eq(core.n, 1);
	ck_assert_uint_eq(core.out[0].len, 20 + 8 + quoted.len);
	wire_put16(quoted.bytes + 4, wire_get16(core.out[0].bytes + 28 + 4));
	wire_sum4(&quoted);
	wire_error(&part, type4, code4, rest4, &quoted, quoted.len, 0);
	wire_packet(&want, &(struct ip){ HOST4, PEER4, .protocol = ICMP4, .ttl = 63 }, &part);
	core_same(&core.out[0], &want, "the error");
}

static void error64_dropped(unsigned type6, unsigned code6, uint32_t rest6, enum ks_xlat_drop why)
{
	error64_about(IP(PEER6, HOST6, .protocol = UDP, .ttl = 9), type6, code6, rest6);
	core_drops(&core, &in, why);
}

#define ITEM(name, ...) START_TEST(name) { __VA_ARGS__; } END_TEST

ITEM(item_111_no_route, error64(1, 0, 0, 3, 1, 0))
ITEM(item_112_prohibited, error64(1, 1, 0, 3, 10, 0))
ITEM(item_113_beyond_scope, error64(1, 2, 0, 3, 1, 0))
ITEM(item_114_address_unreachable, error64(1, 3, 0, 3, 1, 0))
ITEM(item_115_port_unreachable, error64(1, 4, 0, 3, 3, 0))

START_TEST(item_116_other_unreachable_is_dropped)
{
	for (unsigned code = 5; code < 256; code++)
		error64_dropped(1, code, 0, KS_XLAT_ICMP_TYPE);
}
END_TEST

ITEM(item_117_packet_too_big, error64(2, 0, 1400, 3, 4, 1380))
ITEM(item_118_hop_limit, error64(3, 0, 0, 11, 0, 0))
ITEM(item_119_reassembly, error64(3, 1, 0, 11, 1, 0))
ITEM(item_120_parameter_problem, error64(4, 0, 4, 12, 0, 2U << 24))
ITEM(item_121_unknown_next_header, error64(4, 1, 6, 3, 2, 0))
ITEM(item_122_unknown_option_is_dropped, error64_dropped(4, 2, 0, KS_XLAT_ICMP_TYPE))

START_TEST(item_123_unknown_errors_are_dropped)
{
	for (unsigned type = 0; type < 128; type++)
		if (type < 1 || type > 4)
			error64_dropped(type, 0, 0, KS_XLAT_ICMP_TYPE);
	for (unsigned code = 2; code < 256; code++)
		error64_dropped(3, code, 0, KS_XLAT_ICMP_TYPE);
	for (unsigned code = 2; code < 256; code++)
		error64_dropped(4, code, 0, KS_XLAT_ICMP_TYPE);
}
END_TEST

START_TEST(item_124_pointers)
{
	for (uint32_t at = 0; at < 300; at++) {
		int to = at <= 1 ? (int)at : at == 4 || at == 5 ? 2 : at == 6 ? 9 : at == 7 ? 8 :
			 at >= 8 && at <= 23 ? 12 : at >= 24 && at <= 39 ? 16 : -1;

		if (to >= 0)
			error64(4, 0, at, 12, 0, (uint32_t)to << 24);
		else
			error64_dropped(4, 0, at, KS_XLAT_ICMP_POINTER);
	}
	error64_dropped(4, 0, 0x01000000, KS_XLAT_ICMP_POINTER);
}
END_TEST

START_TEST(item_125_mtu)
{
	static const struct {
		uint32_t told, mtu4, mtu6, becomes;
	} rows[] = {
		{ 1500, 1500, 1500, 1480 }, { 1280, 1500, 1500, 1260 }, { 9000, 1500, 9000, 1500 },
		{ 9000, 9000, 1500, 1480 }, { 0xffffffff, 1500, 1500, 1480 }, { 1500, 1400, 1500, 1400 },
		/* Less than 1280 no link of IPv6 may have. */
		{ 1279, 1500, 1500, 1260 }, { 0, 1500, 1500, 1260 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		core.settings.mtu4 = rows[i].mtu4;
		core.settings.mtu6 = rows[i].mtu6;
		error64(2, 0, rows[i].told, 3, 4, rows[i].becomes);
	}
}
END_TEST

START_TEST(item_125_mtu_of_a_fragment)
{
	static const struct ip fragments[] = {
		{ PEER6, HOST6, .protocol = UDP, .fragment = true }, { PEER6, HOST6, .protocol = UDP, .more = true },
	};

	for (size_t i = 0; i < 2; i++) {
		error64_about(fragments[i], 2, 0, 1400);
		ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
		ck_assert_uint_eq(wire_get16(core.out[0].bytes + 26), 1400 - 28);
	}
	core.settings.mtu4 = 70;
	error64_about(fragments[0], 2, 0, 1400);
	ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
	ck_assert_uint_eq(wire_get16(core.out[0].bytes + 26), 68);
}
END_TEST

START_TEST(item_126_checksum_without_pseudo_header)
{
	error64(1, 4, 0, 3, 3, 0);
	ck_assert_uint_eq(wire_add(0, core.out[0].bytes + 20, core.out[0].len - 20), 0xffff);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nat64_icmp");
	TCase *tc = core_case("items");

	tcase_add_test(tc, item_078_echo_to_ipv6);
	tcase_add_test(tc, item_079_echo_to_ipv4);
	tcase_add_test(tc, item_080_what_else_is_in_it_stays);
	tcase_add_test(tc, item_081_a_wrong_checksum_stays_as_wrong);
	tcase_add_test(tc, item_082_other_types_of_ipv4_are_dropped);
	tcase_add_test(tc, item_083_other_types_of_ipv6_are_dropped);
	tcase_add_test(tc, item_084_igmp_is_dropped);
	tcase_add_test(tc, item_111_no_route);
	tcase_add_test(tc, item_112_prohibited);
	tcase_add_test(tc, item_113_beyond_scope);
	tcase_add_test(tc, item_114_address_unreachable);
	tcase_add_test(tc, item_115_port_unreachable);
	tcase_add_test(tc, item_116_other_unreachable_is_dropped);
	tcase_add_test(tc, item_117_packet_too_big);
	tcase_add_test(tc, item_118_hop_limit);
	tcase_add_test(tc, item_119_reassembly);
	tcase_add_test(tc, item_120_parameter_problem);
	tcase_add_test(tc, item_121_unknown_next_header);
	tcase_add_test(tc, item_122_unknown_option_is_dropped);
	tcase_add_test(tc, item_123_unknown_errors_are_dropped);
	tcase_add_test(tc, item_124_pointers);
	tcase_add_test(tc, item_125_mtu);
	tcase_add_test(tc, item_125_mtu_of_a_fragment);
	tcase_add_test(tc, item_126_checksum_without_pseudo_header);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
