/* SPDX-License-Identifier: Apache-2.0
 *
 * From IPv6 to IPv4: whose packets, and their header (section D of the checklist, and 18); RFC 7915, section 5.1.
 */
#include <string.h>

#include "tests/unit/core_check.h"

static struct wire part, in, want;

static void make6(struct ip ip, size_t data)
{
	ip = core_in6(ip);
	wire_udp(&part, data);
	wire_packet(&in, &ip, &part);
}

static void run(void)
{
	enum ks_xlat_drop why = core_run(&core, &in);

	ck_assert_msg(why == KS_XLAT_PASSED, "%s", ks_xlat_drop_names[why]);
}

START_TEST(item_007_private_by_the_well_known_prefix)
{
	const struct ks_mapping mapping = core_mapping(HOST4, 32, HOST6, 128);
	struct ip ip = core_out4(IP(.dst = "8.8.8.8"));

	core_table(&core, "64:ff9b::", 96, &mapping, 1);
	make6(IP(.dst = "64:ff9b::8.8.8.8"), 20);
	wire_packet(&want, &ip, &part);
	core_gives(&core, &in, &want);
	make6(IP(.dst = "64:ff9b::10.0.0.1"), 20);
	core_drops(&core, &in, KS_XLAT_WELL_KNOWN);
	make6(IP(.src = "64:ff9b::10.0.0.1", .dst = "64:ff9b::8.8.8.8"), 20);
	core_drops(&core, &in, KS_XLAT_WELL_KNOWN);
}
END_TEST

START_TEST(item_018_illegal_sources_go_silently)
{
	static const char *const sources[] = { "::", "::1", "fe80::1", "febf::1", "ff02::1", "::ffff:192.0.2.1" };

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		make6(IP(.src = sources[i]), 20);
		core_drops(&core, &in, KS_XLAT_ILLEGAL_SRC);
		in.bytes[7] = 1;
		core_drops(&core, &in, KS_XLAT_ILLEGAL_SRC);
	}
}
END_TEST

START_TEST(item_052_version_4_and_20_bytes)
{
	wire_udp(&part, 100);
	core_64(IP(.flow = 0xabcde), IP(0), &part);
	ck_assert_uint_eq(core.out[0].bytes[0], 0x45);
	wire_tcp(&part, 100);
	core_64(IP(.protocol = TCP), IP(.protocol = TCP), &part);
	ck_assert_uint_eq(core.counts.packets[KS_XLAT_64], 2);
	ck_assert_uint_eq(core.counts.bytes[KS_XLAT_64], 128 + 140);
}
END_TEST

START_TEST(item_053_tos_is_traffic_class)
{
	wire_udp(&part, 8);
	for (unsigned tos = 0; tos < 256; tos++)
		core_64(IP(.tos = tos, .flow = 0xfffff), IP(.tos = tos), &part);
}
END_TEST

START_TEST(item_054_tos_forced)
{
	wire_udp(&part, 8);
	core.settings.tos4 = 0;
	core_64(IP(.tos = 0xff), IP(.tos = 0), &part);
	core.settings.tos4 = 0x28;
	core_64(IP(.tos = 0xff), IP(.tos = 0x28), &part);
}
END_TEST

START_TEST(item_055_total_length)
{
	static const uint8_t extensions[] = { HOP_BY_HOP, DESTINATION, ROUTING, DESTINATION };

	for (size_t n = 0; n <= 4; n++)
		for (size_t data = 0; data < 200; data += 9) {
			make6(IP(.extensions = extensions, .n_extensions = n), data);
			run();
			ck_assert_uint_eq(wire_get16(core.out[0].bytes + 2), 20 + 8 + data);
			ck_assert_uint_eq(core.out[0].len, 20 + 8 + data);
		}
}
END_TEST

START_TEST(item_056_identification_is_no_counter)
{
	unsigned steps = 0, same = 0, id = 0;

	make6(IP(0), 20);
	for (unsigned i = 0; i < 64; i++) {
		unsigned last = id;

		run();
		id = wire_get16(core.out[0].bytes + 4);
		steps += id == last + 1;
		same += id == last;
	}
	ck_assert_uint_le(steps + same, 2);
}
END_TEST

START_TEST(item_057_no_fragment)
{
	for (size_t data = 0; data <= 1452; data += 44) {
		make6(IP(0), data);
		run();
		ck_assert_uint_eq(wire_get16(core.out[0].bytes + 6) & 0x3fff, 0);
	}
}
END_TEST

START_TEST(item_058_df_above_1260)
{
	make6(IP(0), 1260 - 28);
	run();
	ck_assert_uint_eq(wire_get16(core.out[0].bytes + 6), 0);
	make6(IP(0), 1261 - 28);
	run();
	ck_assert_uint_eq(wire_get16(core.out[0].bytes + 6), 0x4000);
	wire_udp(&part, 0);
	core_64(IP(0), IP(0), &part);
	wire_udp(&part, 1400);
	core_64(IP(0), IP(.df = true), &part);
}
END_TEST

START_TEST(item_059_ttl_is_one_less)
{
	wire_udp(&part, 8);
	for (unsigned ttl = 2; ttl < 256; ttl++)
		core_64(IP(.ttl = ttl), IP(.ttl = ttl - 1), &part);
}
END_TEST

START_TEST(item_060_time_exceeded)
{
	make6(IP(.ttl = 1), 8);
	ck_assert_uint_eq(core_tells(&core, &in, KS_XLAT_TTL6, 3, 0), 0);
	in.bytes[7] = 0;
	ck_assert_uint_eq(core_tells(&core, &in, KS_XLAT_TTL6, 3, 0), 0);
}
END_TEST

START_TEST(item_061_protocol)
{
	static const uint8_t extensions[] = { HOP_BY_HOP, ROUTING, DESTINATION };

	wire_echo(&part, 8, 20);
	for (unsigned protocol = 1; protocol < 256; protocol++) {
		if (protocol == ICMP4 || protocol == IGMP || protocol == TCP || protocol == UDP || protocol == ICMP6 ||
		    protocol == ROUTING || protocol == FRAGMENT || protocol == DESTINATION)
			continue;
		core_64(IP(.protocol = protocol), IP(.protocol = protocol), &part);
		core_64(IP(.protocol = protocol, .extensions = extensions, .n_extensions = 3),
			IP(.protocol = protocol), &part);
	}
	for (unsigned protocol = 1; protocol <= 2; protocol++) {
		make6(IP(.protocol = protocol), 20);
		core_drops(&core, &in, KS_XLAT_PROTOCOL);
	}
}
END_TEST

START_TEST(item_062_header_checksum)
{
	for (unsigned tos = 0; tos < 256; tos++) {
		make6(IP(.tos = tos, .ttl = 2 + tos % 254), 20);
		run();
		ck_assert_uint_eq(wire_add(0, core.out[0].bytes, 20), 0xffff);
	}
}
END_TEST

START_TEST(item_063_extension_headers_are_left_out)
{
	static const uint8_t kinds[] = { HOP_BY_HOP, ROUTING, DESTINATION };
	static const uint8_t most[] = { HOP_BY_HOP, DESTINATION, ROUTING, DESTINATION, DESTINATION, DESTINATION,
					DESTINATION, DESTINATION };

	wire_udp(&part, 99);
	for (size_t i = 0; i < 3; i++)
		core_64(IP(.extensions = kinds + i, .n_extensions = 1), IP(0), &part);
	core_64(IP(.extensions = most, .n_extensions = 8), IP(0), &part);
	wire_tcp(&part, 99);
	core_64(IP(.protocol = TCP, .extensions = kinds, .n_extensions = 3), IP(.protocol = TCP), &part);
}
END_TEST

START_TEST(item_063_long_extension_header)
{
	struct ip ip = core_in6(IP(0)), to = core_out4(IP(0));
	static struct wire long_;

	/* One of 2048 bytes, the longest there is, with two of eight in it unread. */
	wire_udp(&part, 10);
	memset(long_.bytes, 0, 2048);
	wire_packet(&want, &ip, &part);
	memcpy(long_.bytes + 2048, want.bytes + 40, part.len);
	long_.len = 2048 + part.len;
	ip.protocol = DESTINATION;
	ip.unsummed = true;
	wire_packet(&in, &ip, &long_);
	in.bytes[40] = UDP;
	in.bytes[41] = 255;
	wire_packet(&want, &to, &part);
	core_gives(&core, &in, &want);
}
END_TEST

START_TEST(item_064_segments_left)
{
	static const uint8_t routing[] = { ROUTING }, second[] = { HOP_BY_HOP, DESTINATION, ROUTING };

	make6(IP(.extensions = routing, .n_extensions = 1), 20);
	in.bytes[43] = 1;
	ck_assert_uint_eq(core_tells(&core, &in, KS_XLAT_SEGMENTS_LEFT, 4, 0), 43);
	in.bytes[43] = 0;
	run();
	make6(IP(.extensions = second, .n_extensions = 3), 20);
	in.bytes[40 + 16 + 3] = 255;
	ck_assert_uint_eq(core_tells(&core, &in, KS_XLAT_SEGMENTS_LEFT, 4, 0), 59);
}
END_TEST

START_TEST(item_065_chain_that_does_not_end)
{
	static const uint8_t many[] = { 60, 60, 60, 60, 60, 60, 60, 60, 60 };
	static const uint8_t one[] = { 60 };

	make6(IP(.extensions = many, .n_extensions = 9), 20);
	core_drops(&core, &in, KS_XLAT_EXTENSIONS);
	make6(IP(.extensions = one, .n_extensions = 1), 0);
	in.bytes[41] = 2;	/* 24 bytes where 16 are */
	core_drops(&core, &in, KS_XLAT_EXTENSIONS);
	in.bytes[41] = 255;
	core_drops(&core, &in, KS_XLAT_EXTENSIONS);
	for (size_t len = 0; len < 8; len++) {
		in.len = 40 + len;
		wire_put16(in.bytes + 4, (unsigned)len);
		core_drops(&core, &in, KS_XLAT_EXTENSIONS);
	}
}
END_TEST

START_TEST(item_066_jumbogram_and_lengths)
{
	make6(IP(0), 20);
	wire_put16(in.bytes + 4, 0);
	core_drops(&core, &in, KS_XLAT_HEADER6);
	make6(IP(0), 20);
	in.len--;
	core_drops(&core, &in, KS_XLAT_HEADER6);
	in.len = 39;
	core_drops(&core, &in, KS_XLAT_HEADER6);
	/* 65535 bytes of IPv4 is the most. */
	core.settings.mtu4 = core.settings.mtu6 = 66000;
	make6(IP(0), 65535 - 28);
	run();
	ck_assert_uint_eq(core.out[0].len, 65535);
	make6(IP(0), 65536 - 28);
	core_drops(&core, &in, KS_XLAT_OVERSIZE);
}
END_TEST

START_TEST(item_066_padding_behind_is_removed)
{
	struct ip ip = core_out4(IP(0));

	make6(IP(0), 5);
	wire_packet(&want, &ip, &part);
	memset(in.bytes + in.len, 0xee, 13);
	in.len += 13;
	core_gives(&core, &in, &want);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nat64_to4");
	TCase *tc = core_case("items");

	tcase_add_test(tc, item_007_private_by_the_well_known_prefix);
	tcase_add_test(tc, item_018_illegal_sources_go_silently);
	tcase_add_test(tc, item_052_version_4_and_20_bytes);
	tcase_add_test(tc, item_053_tos_is_traffic_class);
	tcase_add_test(tc, item_054_tos_forced);
	tcase_add_test(tc, item_055_total_length);
	tcase_add_test(tc, item_056_identification_is_no_counter);
	tcase_add_test(tc, item_057_no_fragment);
	tcase_add_test(tc, item_058_df_above_1260);
	tcase_add_test(tc, item_059_ttl_is_one_less);
	tcase_add_test(tc, item_060_time_exceeded);
	tcase_add_test(tc, item_061_protocol);
	tcase_add_test(tc, item_062_header_checksum);
	tcase_add_test(tc, item_063_extension_headers_are_left_out);
	tcase_add_test(tc, item_063_long_extension_header);
	tcase_add_test(tc, item_064_segments_left);
	tcase_add_test(tc, item_065_chain_that_does_not_end);
	tcase_add_test(tc, item_066_jumbogram_and_lengths);
	tcase_add_test(tc, item_066_padding_behind_is_removed);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
