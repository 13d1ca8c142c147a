/* SPDX-License-Identifier: Apache-2.0
 *
 * From IPv4 to IPv6: whose packets, and their header. Test functions are named after the numbers of the checklist of
 * behaviours (sections A and B); RFC 7915, section 4.1.
 */
#include <string.h>

#include "tests/unit/core_check.h"

static struct wire part, in, want;

static void make4(struct ip ip, size_t data)
{
	ip = core_in4(ip);
	wire_udp(&part, data);
	wire_packet(&in, &ip, &part);
}

static void becomes_icmp6(void)
{
	struct ip ip4 = core_in4(IP(.protocol = ICMP4)), ip6 = core_out6(IP(.protocol = ICMP6));
	static struct wire whole;

	wire_packet(&in, &ip4, &part);
	wire_packet(&whole, &ip6, &want);
	core_gives(&core, &in, &whole);
}

START_TEST(item_007_private_by_the_well_known_prefix)
{
	const struct ks_mapping mapping = core_mapping(HOST4, 32, HOST6, 128);
	struct ip ip = core_out6(IP(.src = "64:ff9b::8.8.8.8"));

	core_table(&core, "64:ff9b::", 96, &mapping, 1);
	make4(IP(.src = "8.8.8.8"), 20);
	wire_packet(&want, &ip, &part);
	core_gives(&core, &in, &want);
	make4(IP(.src = "10.0.0.1"), 20);
	core_drops(&core, &in, KS_XLAT_WELL_KNOWN);
	make4(IP(.src = "8.8.8.8", .dst = "192.168.0.1"), 20);
	core_drops(&core, &in, KS_XLAT_WELL_KNOWN);
}
END_TEST

START_TEST(item_016_illegal_sources_go_silently)
{
	static const char *const sources[] = { "0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.0.1", "224.0.0.1",
					       "239.255.255.255", "255.255.255.255" };

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		make4(IP(.src = sources[i]), 20);
		core_drops(&core, &in, KS_XLAT_ILLEGAL_SRC);
	}
}
END_TEST

START_TEST(item_017_but_not_those_of_errors)
{
	static struct wire quoted;
	struct ip ip = core_out4(IP(0));

	wire_udp(&part, 20);
	wire_packet(&quoted, &ip, &part);
	wire_error(&part, 11, 0, 0, &quoted, quoted.len, 0);
	ip = core_in4(IP(.src = "127.0.0.1", .protocol = ICMP4));
	wire_packet(&in, &ip, &part);

	ip = core_in6(IP(.ttl = 63));
	wire_udp(&part, 20);
	wire_packet(&quoted, &ip, &part);
	wire_error(&part, 3, 0, 0, &quoted, quoted.len, 0);
	ip = core_out6(IP(.src = CORE_PREFIX "127.0.0.1", .protocol = ICMP6));
	wire_packet(&want, &ip, &part);
	core_gives(&core, &in, &want);
}
END_TEST

START_TEST(item_019_itself_answers_echo_of_ipv4_only)
{
	struct ip ip = core_in4(IP(.dst = SELF4, .protocol = ICMP4, .tos = 4, .ttl = 1)), back = ip;

	back.src = SELF4;
	back.dst = PEER4;
	back.ttl = 64;
	wire_echo(&part, 8, 333);
	wire_packet(&in, &ip, &part);
	part.bytes[0] = 0;
	wire_packet(&want, &back, &part);
	core_gives(&core, &in, &want);
	ck_assert_uint_eq(core.counts.echoes[0], 1);

	in.bytes[22] ^= 1;	/* a wrong checksum gets no answer */
	core_drops(&core, &in, KS_XLAT_OWN);
	wire_packet(&in, &ip, &part);
	core_drops(&core, &in, KS_XLAT_OWN);
	make4(IP(.dst = SELF4), 20);
	core_drops(&core, &in, KS_XLAT_OWN);
}
END_TEST

START_TEST(item_019_itself_answers_echo_of_ipv6_only)
{
	struct ip ip = core_in6(IP(.dst = SELF6, .protocol = ICMP6, .tos = 4, .ttl = 1)), back = ip;

	back.src = SELF6;
	back.dst = HOST6;
	back.ttl = 64;
	wire_echo(&part, 128, 333);
	wire_packet(&in, &ip, &part);
	part.bytes[0] = 129;
	wire_packet(&want, &back, &part);
	core_gives(&core, &in, &want);
	ck_assert_uint_eq(core.counts.echoes[1], 1);

	in.bytes[42] ^= 1;
	core_drops(&core, &in, KS_XLAT_OWN);
	wire_packet(&in, &ip, &part);
	core_drops(&core, &in, KS_XLAT_OWN);
	ip.protocol = TCP;
	wire_tcp(&part, 20);
	wire_packet(&in, &ip, &part);
	core_drops(&core, &in, KS_XLAT_OWN);
}
END_TEST

START_TEST(item_020_multicast_and_broadcast_go_silently)
{
	static const char *const to4[] = { "224.0.0.251", "239.1.2.3", "255.255.255.255", "0.0.0.0", "127.0.0.1" };
	static const char *const to6[] = { "ff02::1", "ff3e::8000:1", "fe80::1", "::1", "::", "::ffff:192.0.2.1" };

	for (size_t i = 0; i < sizeof(to4) / sizeof(to4[0]); i++) {
		make4(IP(.dst = to4[i], .ttl = 1), 20);
		core_drops(&core, &in, KS_XLAT_MULTICAST);
	}
	for (size_t i = 0; i < sizeof(to6) / sizeof(to6[0]); i++) {
		struct ip ip = core_in6(IP(.dst = to6[i], .ttl = 1));

		wire_packet(&in, &ip, &part);
		core_drops(&core, &in, KS_XLAT_MULTICAST);
	}
}
END_TEST

START_TEST(item_022_version_6)
{
	make4(IP(0), 100);
	ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
	ck_assert_uint_eq(core.n, 1);
	ck_assert_uint_eq(core.out[0].bytes[0] >> 4, 6);
	wire_udp(&part, 100);
	core_46(IP(0), IP(0), &part);
	ck_assert_uint_eq(core.counts.packets[KS_XLAT_46], 2);
	ck_assert_uint_eq(core.counts.bytes[KS_XLAT_46], 2 * (40 + 108));
}
END_TEST

START_TEST(item_022_counted_by_mapping)
{
	wire_udp(&part, 100);
	core_46(IP(0), IP(0), &part);
	core_46(IP(.src = OTHER4), IP(.src = OTHER6), &part);
	/* Slots go by IPv4 address: HOST, OTHER, NET. */
	ck_assert_uint_eq(core.mappings[0].packets_to, 2);
	ck_assert_uint_eq(core.mappings[0].bytes_to, 2 * 148);
	ck_assert_uint_eq(core.mappings[0].packets_from, 0);
	ck_assert_uint_eq(core.mappings[1].packets_from, 1);
	ck_assert_uint_eq(core.mappings[1].bytes_from, 148);
	core.xlat.mappings = NULL;
	core_46(IP(0), IP(0), &part);
}
END_TEST

START_TEST(item_023_traffic_class_is_tos)
{
	wire_udp(&part, 8);
	for (unsigned tos = 0; tos < 256; tos++)
		core_46(IP(.tos = tos), IP(.tos = tos), &part);
}
END_TEST

START_TEST(item_024_traffic_class_forced)
{
	wire_udp(&part, 8);
	core.settings.tos6 = 0;
	core_46(IP(.tos = 0xff), IP(.tos = 0), &part);
	core.settings.tos6 = 0x28;
	core_46(IP(.tos = 0xff), IP(.tos = 0x28), &part);
}
END_TEST

START_TEST(item_025_flow_label_0)
{
	make4(IP(.id = 0xffff, .tos = 0xff), 8);
	ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
	ck_assert_uint_eq(wire_get32(core.out[0].bytes) & 0xfffff, 0);
}
END_TEST

START_TEST(item_026_payload_length)
{
	static const uint8_t nops[40] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };

	for (size_t data = 0; data < 300; data += 7)
		for (size_t options = 0; options <= 40; options += 20) {
			make4(IP(.options = nops, .n_options = options), data);
			ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
			ck_assert_uint_eq(wire_get16(core.out[0].bytes + 4), in.len - 20 - options);
		}
}
END_TEST

START_TEST(item_027_next_header)
{
	static const unsigned only_of_ipv6[] = { 0, 43, 44, 58, 60 };

	wire_echo(&part, 8, 20);
	for (unsigned protocol = 1; protocol < 256; protocol++) {
		bool skip = protocol == IGMP || protocol == ICMP4 || protocol == TCP || protocol == UDP;

		for (size_t i = 0; i < 5; i++)
			skip = skip || protocol == only_of_ipv6[i];
		if (!skip)
			core_46(IP(.protocol = protocol), IP(.protocol = protocol), &part);
	}
	wire_tcp(&part, 20);
	core_46(IP(.protocol = TCP), IP(.protocol = TCP), &part);
	wire_echo(&part, 8, 20);
	want = part;
	want.bytes[0] = 128;
	becomes_icmp6();
}
END_TEST

START_TEST(item_028_hop_limit_is_one_less)
{
	wire_udp(&part, 8);
	for (unsigned ttl = 2; ttl < 256; ttl++)
		core_46(IP(.ttl = ttl), IP(.ttl = ttl - 1), &part);
}
END_TEST

START_TEST(item_029_time_exceeded)
{
	make4(IP(.ttl = 1), 8);
	ck_assert_uint_eq(core_tells(&core, &in, KS_XLAT_TTL4, 11, 0), 0);
	in.bytes[8] = 0;
	wire_sum4(&in);
	ck_assert_uint_eq(core_tells(&core, &in, KS_XLAT_TTL4, 11, 0), 0);
}
END_TEST

START_TEST(item_030_options_are_left_out)
{
	static const uint8_t record_route[12] = { 7, 11, 4 }, timestamp[12] = { 68, 12, 5 };
	static const uint8_t beyond[4] = { 0x82, 0xff, 1, 1 }, alert[4] = { 0x94, 4, 0, 0 };

	wire_udp(&part, 50);
	core_46(IP(.options = record_route, .n_options = 12), IP(0), &part);
	core_46(IP(.options = timestamp, .n_options = 12), IP(0), &part);
	core_46(IP(.options = beyond, .n_options = 4), IP(0), &part);
	core_46(IP(.options = alert, .n_options = 4), IP(0), &part);
}
END_TEST

START_TEST(item_031_source_route)
{
	uint8_t route[12] = { 1, 0x83, 11, 4 }, used_up[12] = { 1, 0x83, 11, 12 };
	uint8_t behind[16] = { 7, 5, 4, 0, 0, 0x89, 7, 4 };

	wire_udp(&part, 50);
	for (unsigned kind = 0x83; kind <= 0x89; kind += 6) {
		route[1] = used_up[1] = (uint8_t)kind;
		make4(IP(.options = route, .n_options = 12), 50);
		ck_assert_uint_eq(core_tells(&core, &in, KS_XLAT_SOURCE_ROUTE, 3, 5), 0);
		route[3] = 11;	/* not above the length */
		make4(IP(.options = route, .n_options = 12), 50);
		core_tells(&core, &in, KS_XLAT_SOURCE_ROUTE, 3, 5);
		route[3] = 8;
		make4(IP(.options = route, .n_options = 12), 50);
		core_tells(&core, &in, KS_XLAT_SOURCE_ROUTE, 3, 5);
		wire_udp(&part, 50);
		core_46(IP(.options = used_up, .n_options = 12), IP(0), &part);
	}
	make4(IP(.options = behind, .n_options = 16), 50);
	core_tells(&core, &in, KS_XLAT_SOURCE_ROUTE, 3, 5);
}
END_TEST

START_TEST(item_032_header_checksum_is_verified)
{
	for (unsigned bit = 0; bit < 16; bit++) {
		make4(IP(0), 20);
		in.bytes[10 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		core_drops(&core, &in, KS_XLAT_HEADER4);
	}
}
END_TEST

START_TEST(item_033_lengths_that_cannot_be)
{
	make4(IP(0), 20);
	in.len--;
	core_drops(&core, &in, KS_XLAT_HEADER4);
	make4(IP(0), 20);
	in.bytes[0] = 0x44;
	wire_sum4(&in);
	core_drops(&core, &in, KS_XLAT_HEADER4);
	make4(IP(0), 20);
	wire_put16(in.bytes + 2, 19);
	wire_sum4(&in);
	core_drops(&core, &in, KS_XLAT_HEADER4);
	make4(IP(0), 20);
	in.bytes[0] = 0x4f;
	in.len = 59;
	core_drops(&core, &in, KS_XLAT_HEADER4);
	for (unsigned version = 0; version < 16; version++) {
		make4(IP(0), 20);
		in.bytes[0] = (uint8_t)(version << 4 | 5);
		if (version != 4 && version != 6)
			core_drops(&core, &in, KS_XLAT_VERSION);
	}
	in.len = 0;
	core_drops(&core, &in, KS_XLAT_VERSION);
}
END_TEST

START_TEST(item_033_padding_behind_is_removed)
{
	struct ip ip = core_out6(IP(0));

	make4(IP(0), 5);
	wire_packet(&want, &ip, &part);
	memset(in.bytes + in.len, 0xee, 13);
	in.len += 13;
	core_gives(&core, &in, &want);
}
END_TEST

START_TEST(item_034_numbers_that_mean_a_header_of_ipv6)
{
	static const unsigned numbers[] = { 0, 43, 44, 58, 60 };

	for (size_t i = 0; i < 5; i++) {
		make4(IP(0), 20);
		in.bytes[9] = (uint8_t)numbers[i];
		wire_sum4(&in);
		core_drops(&core, &in, KS_XLAT_PROTOCOL);
	}
}
END_TEST

START_TEST(item_035_order_is_kept)
{
	size_t end = 0;

	/* All that comes of a packet has come before the next is taken; its pieces in their order. */
	make4(IP(0), 6000);
	ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
	ck_assert_uint_gt(core.n, 4);
	for (unsigned i = 0; i < core.n; i++) {
		struct parsed p;

		ck_assert_ptr_null(wire_parse(&p, core.out[i].bytes, core.out[i].len, false));
		ck_assert_uint_eq(p.offset, end);
		end += p.payload;
	}
	ck_assert_uint_eq(end, 6008);
	make4(IP(0), 60);
	ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
	ck_assert_uint_eq(core.n, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nat64_to6");
	TCase *tc = core_case("items");

	tcase_add_test(tc, item_007_private_by_the_well_known_prefix);
	tcase_add_test(tc, item_016_illegal_sources_go_silently);
	tcase_add_test(tc, item_017_but_not_those_of_errors);
	tcase_add_test(tc, item_019_itself_answers_echo_of_ipv4_only);
	tcase_add_test(tc, item_019_itself_answers_echo_of_ipv6_only);
	tcase_add_test(tc, item_020_multicast_and_broadcast_go_silently);
	tcase_add_test(tc, item_022_version_6);
	tcase_add_test(tc, item_022_counted_by_mapping);
	tcase_add_test(tc, item_023_traffic_class_is_tos);
	tcase_add_test(tc, item_024_traffic_class_forced);
	tcase_add_test(tc, item_025_flow_label_0);
	tcase_add_test(tc, item_026_payload_length);
	tcase_add_test(tc, item_027_next_header);
	tcase_add_test(tc, item_028_hop_limit_is_one_less);
	tcase_add_test(tc, item_029_time_exceeded);
	tcase_add_test(tc, item_030_options_are_left_out);
	tcase_add_test(tc, item_031_source_route);
	tcase_add_test(tc, item_032_header_checksum_is_verified);
	tcase_add_test(tc, item_033_lengths_that_cannot_be);
	tcase_add_test(tc, item_033_padding_behind_is_removed);
	tcase_add_test(tc, item_034_numbers_that_mean_a_header_of_ipv6);
	tcase_add_test(tc, item_035_order_is_kept);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
