/* SPDX-License-Identifier: Apache-2.0
 *
 * What ICMP errors quote (section I of the checklist, and 11); RFC 7915, sections 4.3 and 5.3. For what stands behind a
 * quoted packet see check_nat64_extensions.c.
 */
#include <string.h>

#include "tests/unit/core_check.h"

static struct wire part, in, want, quoted;

/* An error of the peer's, or a router's there, that quotes so many bytes of a packet of the host's. */
static void error4(struct ip outer, struct ip about, const struct wire *content, size_t bytes)
{
	about = core_out4(about);
	outer = core_in4(outer);
	outer.protocol = ICMP4;
	wire_packet(&quoted, &about, content);
	wire_error(&part, 3, 1, 0, &quoted, bytes == 0 ? quoted.len : bytes, 0);
	wire_packet(&in, &outer, &part);
}

/* What comes of it. */
static void wanted6(struct ip outer, struct ip about, const struct wire *content, size_t bytes)
{
	about = core_in6(about);
	outer = core_out6(outer);
	outer.protocol = ICMP6;
	wire_packet(&quoted, &about, content);
	wire_error(&part, 1, 0, 0, &quoted, bytes == 0 ? quoted.len : bytes, 0);
	wire_packet(&want, &outer, &part);
}

static void error6(struct ip outer, struct ip about, const struct wire *content, size_t bytes)
{
	about = core_out6(about);
	outer = core_in6(outer);
	outer.protocol = ICMP6;
	wire_packet(&quoted, &about, content);
	wire_error(&part, 1, 0, 0, &quoted, bytes == 0 ? quoted.len : bytes, 0);
	wire_packet(&in, &outer, &part);
}

static void wanted4(struct ip outer, struct ip about, const struct wire *content, size_t bytes)
{
	about = core_in4(about);
	outer = core_out4(outer);
	outer.protocol = ICMP4;
	wire_packet(&quoted, &about, content);
	/* The number of a quoted packet that is no fragment is anything. */
	if ((wire_get16(quoted.bytes + 6) & 0x3fff) == 0 && core.n == 1 && core.out[0].len >= 48) {
		wire_put16(quoted.bytes + 4, wire_get16(core.out[0].bytes + 32));
		wire_sum4(&quoted);
	}
	wire_error(&part, 3, 1, 0, &quoted, bytes == 0 ? quoted.len : bytes, 0);
	wire_packet(&want, &outer, &part);
}

static void run(void)
{
	enum ks_xlat_drop why = core_run(&core, &in);

	ck_assert_msg(why == KS_XLAT_PASSED, "%s", ks_xlat_drop_names[why]);
	ck_assert_uint_eq(core.n, 1);
}

START_TEST(item_011_each_address_for_itself)
{
	static struct wire udp;

	wire_udp(&udp, 30);
	error4(IP(.src = "203.0.113.77"), IP("198.51.100.7", OTHER4, .ttl = 5), &udp, 0);
	wanted6(IP(.src = CORE_PREFIX "203.0.113.77"), IP(NET6 "7", OTHER6, .ttl = 5), &udp, 0);
	core_gives(&core, &in, &want);
	error6(IP(.src = NET6 "99"), IP(CORE_PREFIX "203.0.113.6", OTHER6, .ttl = 5), &udp, 0);
	run();
	wanted4(IP(.src = "198.51.100.153"), IP("203.0.113.6", OTHER4, .ttl = 5), &udp, 0);
	core_same(&core.out[0], &want, "to IPv4");
}
END_TEST

START_TEST(item_127_as_a_packet_but_for_its_time_to_live)
{
	static struct wire content;

	for (unsigned ttl = 1; ttl < 256; ttl += 127) {
		wire_tcp(&content, 50);
		error4(IP(0), IP(.protocol = TCP, .tos = 0x55, .ttl = ttl), &content, 0);
		wanted6(IP(0), IP(.protocol = TCP, .tos = 0x55, .ttl = ttl), &content, 0);
		core_gives(&core, &in, &want);
		error6(IP(0), IP(.protocol = TCP, .tos = 0x55, .ttl = ttl, .flow = 0x12345), &content, 0);
		run();
		wanted4(IP(0), IP(.protocol = TCP, .tos = 0x55, .ttl = ttl), &content, 0);
		core_same(&core.out[0], &want, "to IPv4");
	}
}
END_TEST

/* A time to live of 0 is what "time exceeded" may quote. */
START_TEST(item_127_quoted_with_no_time_to_live)
{
	static struct wire content;

	wire_udp(&content, 50);
	error4(IP(0), IP(0), &content, 0);
	in.bytes[28 + 8] = 0;
	wire_sum(&in);
	run();
	ck_assert_uint_eq(core.out[0].bytes[48 + 7], 0);
	error6(IP(0), IP(0), &content, 0);
	in.bytes[48 + 7] = 0;
	wire_sum(&in);
	run();
	ck_assert_uint_eq(core.out[0].bytes[28 + 8], 0);
}
END_TEST

START_TEST(item_127_forced_tos_is_that_of_quoted_ones_too)
{
	static struct wire content;

	wire_udp(&content, 50);
	core.settings.tos6 = core.settings.tos4 = 0x20;
	error4(IP(.tos = 7), IP(.tos = 9), &content, 0);
	wanted6(IP(.tos = 0x20), IP(.tos = 0x20, .ttl = 63), &content, 0);
	core_gives(&core, &in, &want);
	error6(IP(.tos = 7), IP(.tos = 9), &content, 0);
	run();
	wanted4(IP(.tos = 0x20), IP(.tos = 0x20, .ttl = 63), &content, 0);
	core_same(&core.out[0], &want, "to IPv4");
}
END_TEST

START_TEST(item_128_outer_length)
{
	static struct wire content;

	for (size_t data = 0; data < 400; data += 13) {
		wire_udp(&content, data);
		error4(IP(0), IP(0), &content, 0);
		run();
		ck_assert_uint_eq(wire_get16(core.out[0].bytes + 4), 8 + 40 + 8 + data);
		error6(IP(0), IP(0), &content, 0);
		run();
		ck_assert_uint_eq(wire_get16(core.out[0].bytes + 2), 20 + 8 + 20 + 8 + data);
	}
}
END_TEST

START_TEST(item_129_an_error_about_an_error)
{
	static const unsigned types4[] = { 3, 4, 5, 11, 12 }, types6[] = { 1, 2, 3, 4, 100, 137 };
	static struct wire content;

	for (size_t i = 0; i < 5; i++) {
		wire_echo(&content, types4[i], 60);
		error4(IP(0), IP(.protocol = ICMP4), &content, 0);
		core_drops(&core, &in, KS_XLAT_ICMP_DOUBLE);
	}
	for (size_t i = 0; i < 6; i++) {
		wire_echo(&content, types6[i], 60);
		error6(IP(0), IP(.protocol = ICMP6), &content, 0);
		core_drops(&core, &in, KS_XLAT_ICMP_DOUBLE);
	}
}
END_TEST

START_TEST(item_129_an_error_about_an_echo)
{
	static struct wire content;

	wire_echo(&content, 8, 60);
	error4(IP(0), IP(.protocol = ICMP4), &content, 0);
	content.bytes[0] = 128;
	wanted6(IP(0), IP(.protocol = ICMP6, .ttl = 63), &content, 0);
	core_gives(&core, &in, &want);
	wire_echo(&content, 129, 60);
	error6(IP(0), IP(.protocol = ICMP6), &content, 0);
	run();
	content.bytes[0] = 0;
	wanted4(IP(0), IP(.protocol = ICMP4, .ttl = 63), &content, 0);
	core_same(&core.out[0], &want, "to IPv4");
	/* What else ICMP has the other family could not have got. */
	wire_echo(&content, 13, 60);
	error4(IP(0), IP(.protocol = ICMP4), &content, 0);
	core_drops(&core, &in, KS_XLAT_ICMP_INNER);
	wire_echo(&content, 135, 60);
	error6(IP(0), IP(.protocol = ICMP6), &content, 0);
	core_drops(&core, &in, KS_XLAT_ICMP_INNER);
}
END_TEST

/* What would be ICMP, or a header, in the other family only was no packet that came through here. */
START_TEST(item_129_numbers_of_the_other_family_in_it)
{
	static const unsigned only6[] = { 0, 43, 44, 58, 60 }, only4[] = { ICMP4, IGMP };
	static struct wire content;

	wire_echo(&content, 3, 60);
	for (size_t i = 0; i < 5; i++) {
		error4(IP(0), IP(0), &content, 0);
		in.bytes[28 + 9] = (uint8_t)only6[i];
		wire_sum(&in);
		core_drops(&core, &in, KS_XLAT_ICMP_INNER);
	}
	for (size_t i = 0; i < 2; i++) {
		error6(IP(0), IP(0), &content, 0);
		in.bytes[48 + 6] = (uint8_t)only4[i];
		wire_sum(&in);
		core_drops(&core, &in, KS_XLAT_ICMP_INNER);
	}
}
END_TEST

START_TEST(item_130_inner_length_is_that_of_the_original)
{
	static struct wire content;

	wire_udp(&content, 1000);
	error4(IP(0), IP(0), &content, 28);
	run();
	ck_assert_uint_eq(core.out[0].len, 40 + 8 + 48);
	ck_assert_uint_eq(wire_get16(core.out[0].bytes + 48 + 4), 1008);
	error6(IP(0), IP(0), &content, 48);
	run();
	ck_assert_uint_eq(core.out[0].len, 20 + 8 + 28);
	ck_assert_uint_eq(wire_get16(core.out[0].bytes + 28 + 2), 1028);
}
END_TEST

/* Cut at every length: a checksum that is there follows the addresses, what is cut in two is left. */
static void assert_cut46(unsigned protocol, const struct wire *content, size_t at)
{
	for (size_t bytes = 20; bytes <= 20 + content->len; bytes++) {
		error4(IP(0), IP(.protocol = protocol), content, bytes);
		wanted6(IP(0), IP(.protocol = protocol, .ttl = 63), content, bytes + 20);
		if (bytes != 20 + at + 1) {
			core_gives(&core, &in, &want);
			continue;
		}
		run();
		ck_assert_uint_eq(core.out[0].len, want.len);
		ck_assert(memcmp(core.out[0].bytes + 48, want.bytes + 48, want.len - 48 - 1) == 0);
	}
}

static void assert_cut64(unsigned protocol, const struct wire *content, size_t at)
{
	for (size_t bytes = 40; bytes <= 40 + content->len; bytes++) {
		error6(IP(0), IP(.protocol = protocol), content, bytes);
		run();
		wanted4(IP(0), IP(.protocol = protocol, .ttl = 63), content, bytes - 20);
		ck_assert_uint_eq(core.out[0].len, want.len);
		if (bytes == 40 + at + 1)
			ck_assert(memcmp(core.out[0].bytes + 28, want.bytes + 28, want.len - 28 - 1) == 0);
		else
			core_same(&core.out[0], &want, "to IPv4");
	}
}

START_TEST(item_131_cut_anywhere)
{
	static struct wire content;

	wire_udp(&content, 30);
	assert_cut46(UDP, &content, 6);
	assert_cut64(UDP, &content, 6);
	wire_tcp(&content, 30);
	assert_cut46(TCP, &content, 16);
	assert_cut64(TCP, &content, 16);
	wire_data(&content, 30);
	assert_cut46(50, &content, 999);
	assert_cut64(50, &content, 999);
}
END_TEST

START_TEST(item_131_echo_cut_anywhere)
{
	static struct wire content, other;

	wire_echo(&content, 8, 10);
	wire_echo(&other, 128, 10);
	for (size_t bytes = 0; bytes <= content.len; bytes++) {
		size_t compared = bytes == 3 ? 2 : bytes;	/* half a checksum is left as it is */

		error4(IP(0), IP(.protocol = ICMP4), &content, 20 + bytes);
		run();
		wanted6(IP(0), IP(.protocol = ICMP6, .ttl = 63), &other, 40 + bytes);
		ck_assert_uint_eq(core.out[0].len, want.len);
		ck_assert(memcmp(core.out[0].bytes + 48, want.bytes + 48, 40 + compared) == 0);
		error6(IP(0), IP(.protocol = ICMP6), &other, 40 + bytes);
		run();
		wanted4(IP(0), IP(.protocol = ICMP4, .ttl = 63), &content, 20 + bytes);
		ck_assert_uint_eq(core.out[0].len, want.len);
		ck_assert(memcmp(core.out[0].bytes + 28, want.bytes + 28, 20 + compared) == 0);
	}
}
END_TEST

START_TEST(item_131_no_packet_is_quoted)
{
	static struct wire content;

	wire_udp(&content, 30);
	for (size_t bytes = 1; bytes < 20; bytes++) {
		error4(IP(0), IP(0), &content, bytes);
		core_drops(&core, &in, KS_XLAT_ICMP_INNER);
	}
	for (size_t bytes = 1; bytes < 40; bytes++) {
		error6(IP(0), IP(0), &content, bytes);
		core_drops(&core, &in, KS_XLAT_ICMP_INNER);
	}
	error4(IP(0), IP(0), &content, 0);
	in.bytes[28] = 0x65;
	wire_sum(&in);
	core_drops(&core, &in, KS_XLAT_ICMP_INNER);
	error6(IP(0), IP(0), &content, 0);
	in.bytes[48] = 0x45;
	wire_sum(&in);
	core_drops(&core, &in, KS_XLAT_ICMP_INNER);
}
END_TEST

START_TEST(item_132_options_and_headers_in_it)
{
	static const uint8_t nops[8] = { 1, 1, 1, 1, 1, 1, 1, 0 };
	static const uint8_t extensions[] = { HOP_BY_HOP, ROUTING, DESTINATION };
	static struct wire content;

	wire_udp(&content, 30);
	error4(IP(0), IP(.options = nops, .n_options = 8), &content, 0);
	wanted6(IP(0), IP(.ttl = 63), &content, 0);
	core_gives(&core, &in, &want);
	error6(IP(0), IP(.extensions = extensions, .n_extensions = 3), &content, 0);
	run();
	wanted4(IP(0), IP(.ttl = 63), &content, 0);
	core_same(&core.out[0], &want, "to IPv4");
}
END_TEST

START_TEST(item_132_fragments_in_it)
{
	static struct wire content;

	wire_data(&content, 32);
	error4(IP(0), IP(.protocol = 50, .more = true, .id = 0xcafe), &content, 0);
	wanted6(IP(0), IP(.protocol = 50, .more = true, .id = 0xcafe, .ttl = 63), &content, 0);
	core_gives(&core, &in, &want);
	error6(IP(0), IP(.protocol = 50, .more = true, .id = 0xf00dcafe), &content, 0);
	run();
	wanted4(IP(0), IP(.protocol = 50, .more = true, .id = 0xcafe, .ttl = 63), &content, 0);
	core_same(&core.out[0], &want, "to IPv4");
}
END_TEST

START_TEST(item_133_udp_without_checksum_in_it)
{
	static struct wire content;

	wire_udp(&content, 30);
	wire_put16(content.bytes + 6, 0);
	core.care = PACKET_LENGTHS;
	error4(IP(0), IP(.unsummed = true), &content, 0);
	wanted6(IP(0), IP(.unsummed = true, .ttl = 63), &content, 0);
	core_gives(&core, &in, &want);
	error6(IP(0), IP(.unsummed = true), &content, 0);
	run();
	wanted4(IP(0), IP(.unsummed = true, .ttl = 63), &content, 0);
	core_same(&core.out[0], &want, "to IPv4");
}
END_TEST

START_TEST(item_134_no_longer_than_errors_may_be)
{
	static struct wire content;

	wire_udp(&content, 1400);
	error4(IP(0), IP(0), &content, 1400);
	wanted6(IP(0), IP(.ttl = 63), &content, 1232);
	core_gives(&core, &in, &want);
	ck_assert_uint_eq(core.out[0].len, 1280);
	error6(IP(0), IP(0), &content, 1232);
	run();
	wanted4(IP(0), IP(.ttl = 63, .df = true), &content, 548);
	core_same(&core.out[0], &want, "to IPv4");
	ck_assert_uint_eq(core.out[0].len, 576);
	/* Nor than the way there lets through. */
	core.settings.mtu4 = 300;
	run();
	ck_assert_uint_eq(core.out[0].len, 300);
}
END_TEST

START_TEST(item_135_outer_checksum)
{
	static struct wire content;

	wire_udp(&content, 30);
	for (unsigned bit = 0; bit < 8; bit++) {
		error4(IP(0), IP(0), &content, 0);
		in.bytes[in.len - 1] ^= (uint8_t)(1 << bit);
		core_drops(&core, &in, KS_XLAT_ICMP_CHECKSUM);
		error6(IP(0), IP(0), &content, 0);
		in.bytes[in.len - 1] ^= (uint8_t)(1 << bit);
		core_drops(&core, &in, KS_XLAT_ICMP_CHECKSUM);
	}
}
END_TEST

START_TEST(item_141_later_fragments_in_it_are_left)
{
	static struct wire content;

	wire_udp(&content, 32);
	error4(IP(0), IP(.offset = 80, .id = 3), &content, 0);
	wanted6(IP(0), IP(.offset = 80, .id = 3, .ttl = 63), &content, 0);
	core_gives(&core, &in, &want);
	error6(IP(0), IP(.offset = 80, .id = 3), &content, 0);
	run();
	wanted4(IP(0), IP(.offset = 80, .id = 3, .ttl = 63), &content, 0);
	core_same(&core.out[0], &want, "to IPv4");
}
END_TEST

START_TEST(item_142_inner_addresses_when_simple)
{
	static struct wire content;

	wire_udp(&content, 30);
	error4(IP(0), IP(.src = HOST4, .dst = OTHER4), &content, 0);
	wanted6(IP(0), IP(.src = HOST6, .dst = OTHER6, .ttl = 63), &content, 0);
	core_gives(&core, &in, &want);
	core.settings.hairpin = KS_HAIRPIN_SIMPLE;
	error4(IP(0), IP(.src = HOST4, .dst = OTHER4), &content, 0);
	wanted6(IP(0), IP(.src = HOST6, .dst = OTHER6_BY_PREFIX, .ttl = 63), &content, 0);
	core_gives(&core, &in, &want);
}
END_TEST

START_TEST(item_142_inner_addresses_without_a_mapping)
{
	static struct wire content;

	wire_udp(&content, 30);
	error6(IP(0), IP(.src = STRANGER6, .dst = HOST6), &content, 0);
	core_drops(&core, &in, KS_XLAT_ICMP_INNER);
	error6(IP(0), IP(.src = PEER6, .dst = STRANGER6), &content, 0);
	core_drops(&core, &in, KS_XLAT_ICMP_INNER);
	core_table(&core, NULL, 0, &(struct ks_mapping){ core_v4(HOST4), core_v6(HOST6), 32, 128 }, 1);
	error4(IP(0), IP(0), &content, 0);
	core_drops(&core, &in, KS_XLAT_ICMP_INNER);
	core_table(&core, "64:ff9b::", 96, &(struct ks_mapping){ core_v4(HOST4), core_v6(HOST6), 32, 128 }, 1);
	error4(IP(.src = "8.8.8.8"), IP(.dst = "10.0.0.1"), &content, 0);
	core_drops(&core, &in, KS_XLAT_ICMP_INNER);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nat64_quotes");
	TCase *tc = core_case("items");

	tcase_add_test(tc, item_011_each_address_for_itself);
	tcase_add_test(tc, item_127_as_a_packet_but_for_its_time_to_live);
	tcase_add_test(tc, item_127_quoted_with_no_time_to_live);
	tcase_add_test(tc, item_127_forced_tos_is_that_of_quoted_ones_too);
	tcase_add_test(tc, item_128_outer_length);
	tcase_add_test(tc, item_129_an_error_about_an_error);
	tcase_add_test(tc, item_129_an_error_about_an_echo);
	tcase_add_test(tc, item_129_numbers_of_the_other_family_in_it);
	tcase_add_test(tc, item_130_inner_length_is_that_of_the_original);
	tcase_add_test(tc, item_131_cut_anywhere);
	tcase_add_test(tc, item_131_echo_cut_anywhere);
	tcase_add_test(tc, item_131_no_packet_is_quoted);
	tcase_add_test(tc, item_132_options_and_headers_in_it);
	tcase_add_test(tc, item_132_fragments_in_it);
	tcase_add_test(tc, item_133_udp_without_checksum_in_it);
	tcase_add_test(tc, item_134_no_longer_than_errors_may_be);
	tcase_add_test(tc, item_135_outer_checksum);
	tcase_add_test(tc, item_141_later_fragments_in_it_are_left);
	tcase_add_test(tc, item_142_inner_addresses_when_simple);
	tcase_add_test(tc, item_142_inner_addresses_without_a_mapping);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
