/* SPDX-License-Identifier: Apache-2.0
 *
 * Transport checksums (section K of the checklist); RFC 7915, sections 4.5 and 5.5.
 */
#include <string.h>

#include "tests/unit/core_check.h"

static struct wire part, in, want;

static void make(struct ip ip)
{
	wire_packet(&in, &ip, &part);
}

START_TEST(item_150_tcp)
{
	for (size_t data = 0; data < 1400; data += 17) {
		wire_tcp(&part, data);
		core_46(IP(.protocol = TCP, .df = true), IP(.protocol = TCP), &part);
		core_64(IP(.protocol = TCP), IP(.protocol = TCP, .df = data + 40 > 1260), &part);
	}
}
END_TEST

START_TEST(item_151_udp)
{
	for (size_t data = 0; data < 1400; data += 17) {
		wire_udp(&part, data);
		core_46(IP(.df = true), IP(0), &part);
		core_64(IP(0), IP(.df = data + 28 > 1260), &part);
	}
}
END_TEST

START_TEST(item_152_icmp)
{
	for (size_t data = 0; data < 1400; data += 17) {
		struct ip ip = core_out6(IP(.protocol = ICMP6));

		wire_echo(&part, 8, data);
		make(core_in4(IP(.protocol = ICMP4, .df = true)));
		part.bytes[0] = 128;
		wire_packet(&want, &ip, &part);
		core_gives(&core, &in, &want);
		make(core_in6(IP(.protocol = ICMP6)));
		part.bytes[0] = 8;
		ip = core_out4(IP(.protocol = ICMP4, .df = data + 28 > 1260));
		wire_packet(&want, &ip, &part);
		core_gives(&core, &in, &want);
	}
}
END_TEST

static unsigned wrong_by(const uint8_t *bytes, size_t len)
{
	struct parsed p;

	ck_assert_ptr_null(wire_parse(&p, bytes, len, false));
	return wire_add(wire_pseudo(&p, p.payload), bytes + p.at, p.payload);
}

/* Every so many wrong checksums of the packet at hand. */
static void assert_as_wrong(size_t field)
{
	core.care = PACKET_LENGTHS;
	for (unsigned wrong = 1; wrong < 0xffff; wrong += 127) {
		unsigned was = wire_get16(in.bytes + field), now = wire_add(wrong, in.bytes + field, 2);

		if (now == 0)
			continue;	/* UDP: none */
		wire_put16(in.bytes + field, now);
		ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
		ck_assert_uint_ne(wrong_by(in.bytes, in.len), 0xffff);
		ck_assert_uint_eq(wrong_by(core.out[0].bytes, core.out[0].len), wrong_by(in.bytes, in.len));
		wire_put16(in.bytes + field, was);
	}
}

START_TEST(item_153_a_wrong_checksum_stays_as_wrong)
{
	wire_tcp(&part, 50);
	make(core_in4(IP(.protocol = TCP)));
	assert_as_wrong(20 + 16);
	make(core_in6(IP(.protocol = TCP)));
	assert_as_wrong(40 + 16);
	wire_udp(&part, 50);
	make(core_in4(IP(0)));
	assert_as_wrong(20 + 6);
	make(core_in6(IP(0)));
	assert_as_wrong(40 + 6);
}
END_TEST

/* UDP whose checksum, right as it is, adds up to nothing: that has to be written as 0xffff. */
START_TEST(item_154_a_computed_0_is_all_ones)
{
	struct ip to6 = core_out6(IP(0)), to4 = core_out4(IP(0));
	unsigned found6 = 0, found4 = 0;

	wire_udp(&part, 2);
	for (unsigned data = 0; data < 65536; data++) {
		wire_put16(part.bytes + 8, data);
		wire_packet(&want, &to6, &part);
		if (wire_get16(want.bytes + 46) == 0xffff) {
			core_46(IP(0), IP(0), &part);
			found6++;
		}
		wire_packet(&want, &to4, &part);
		if (wire_get16(want.bytes + 26) == 0xffff) {
			core_64(IP(0), IP(0), &part);
			found4++;
		}
	}
	ck_assert_uint_gt(found6, 0);
	ck_assert_uint_gt(found4, 0);
}
END_TEST

/* TCP has both zeros, and needs neither. */
START_TEST(item_154_not_so_of_tcp)
{
	core.care = PACKET_LENGTHS;
	wire_tcp(&part, 2);
	make(core_in4(IP(.protocol = TCP)));
	for (unsigned sum = 0; sum < 65536; sum += 255) {
		wire_put16(in.bytes + 36, sum);
		ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
		ck_assert_uint_eq(wrong_by(core.out[0].bytes, core.out[0].len) % 0xffff,
				  wrong_by(in.bytes, in.len) % 0xffff);
	}
}
END_TEST

static void make_zero(struct ip ip, size_t data)
{
	wire_udp(&part, data);
	wire_put16(part.bytes + 6, 0);
	ip.unsummed = true;
	make(ip);
}

START_TEST(item_155_no_checksum)
{
	struct ip ip = core_out6(IP(0));

	make_zero(core_in4(IP(0)), 55);
	core_tells(&core, &in, KS_XLAT_ZERO_UDP, 3, 13);
	core.settings.udp_zero = KS_UDP_ZERO_COMPUTE;
	for (size_t data = 0; data < 1200; data += 7) {
		make_zero(core_in4(IP(0)), data);
		wire_packet(&want, &ip, &part);
		core_gives(&core, &in, &want);
	}
	core.settings.udp_zero = KS_UDP_ZERO_FORWARD;
	core.zero_udp = true;
	make_zero(core_in4(IP(0)), 55);
	ip.unsummed = true;
	wire_packet(&want, &ip, &part);
	core_gives(&core, &in, &want);
}
END_TEST

/* One that has to be cut, and computed before. */
START_TEST(item_155_no_checksum_and_too_long)
{
	struct ip ip = core_out6(IP(0));

	core.settings.udp_zero = KS_UDP_ZERO_COMPUTE;
	make_zero(core_in4(IP(0)), 3000);
	wire_packet(&want, &ip, &part);
	ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
	ck_assert_uint_eq(core.n, 3);
	ck_assert(memcmp(core.out[0].bytes + 48, want.bytes + 40, core.out[0].len - 48) == 0);
}
END_TEST

/* Less than it is long by its own length, which is what is summed. */
START_TEST(item_155_no_checksum_and_bytes_behind)
{
	core.settings.udp_zero = KS_UDP_ZERO_COMPUTE;
	core.care = PACKET_IP;
	make_zero(core_in4(IP(0)), 40);
	wire_put16(in.bytes + 24, 8 + 30);
	ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
	ck_assert_uint_eq(core.n, 1);
	ck_assert_uint_eq(core.out[0].len, 40 + 48);
	core.out[0].bytes[40 + 8 + 30] = 0;
	wire_put16(core.out[0].bytes + 4, 8 + 30);
	ck_assert_ptr_null(packet_fault(core.out[0].bytes, 40 + 8 + 30, NULL, PACKET_ALL));
}
END_TEST

START_TEST(item_156_first_fragment_without_checksum)
{
	for (unsigned how = KS_UDP_ZERO_DROP; how <= KS_UDP_ZERO_COMPUTE; how++) {
		core.settings.udp_zero = (enum ks_udp_zero)how;
		make_zero(core_in4(IP(.more = true)), 56);
		core_tells(&core, &in, KS_XLAT_ZERO_UDP_FRAGMENT, 3, 13);
	}
	core.settings.udp_zero = KS_UDP_ZERO_FORWARD;
	ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
	/* What stands at that place in a later one is no checksum. */
	core.settings.udp_zero = KS_UDP_ZERO_DROP;
	make_zero(core_in4(IP(.more = true, .offset = 64)), 56);
	ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
}
END_TEST

START_TEST(item_157_other_protocols_unchanged)
{
	static const unsigned protocols[] = { 4, 41, 47, 50, 51, 89, 103, 112, 132, 253, 254, 255 };

	wire_data(&part, 123);
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		core_46(IP(.protocol = protocols[i]), IP(.protocol = protocols[i]), &part);
		core_64(IP(.protocol = protocols[i]), IP(.protocol = protocols[i]), &part);
	}
	/* Also without a byte. */
	wire_data(&part, 0);
	core_46(IP(.protocol = 253), IP(.protocol = 253), &part);
	core_64(IP(.protocol = 253), IP(.protocol = 253), &part);
}
END_TEST

START_TEST(item_158_later_fragments_untouched)
{
	static const unsigned protocols[] = { TCP, UDP };

	for (size_t i = 0; i < 2; i++)
		for (size_t len = 1; len < 64; len++) {
			wire_data(&part, len);
			core_46(IP(.protocol = protocols[i], .offset = 1480, .id = 5),
				IP(.protocol = protocols[i], .offset = 1480, .id = 5), &part);
			core_64(IP(.protocol = protocols[i], .offset = 1448, .id = 5),
				IP(.protocol = protocols[i], .offset = 1448, .id = 5), &part);
		}
}
END_TEST

/* The first has the checksum of all: it changes by the addresses alone. */
START_TEST(item_158_first_fragments_are_adjusted)
{
	static struct wire whole, first;
	struct ip ip = core_in4(IP(0)), to = core_out6(IP(0));

	wire_udp(&part, 2000);
	wire_packet(&whole, &ip, &part);
	wire_slice(&first, &whole, 20, 1208);
	wire_packet(&in, &(struct ip){ .src = PEER4, .dst = HOST4, .protocol = UDP, .more = true, .id = 8 }, &first);
	wire_packet(&whole, &to, &part);
	wire_slice(&first, &whole, 40, 1208);
	to.more = true;
	to.id = 8;
	wire_packet(&want, &to, &first);
	core_gives(&core, &in, &want);
}
END_TEST

/* Optional, and left out: both go on with the checksum that they have. */
START_TEST(item_159_dccp_and_udp_lite_unchanged)
{
	wire_udp(&part, 40);
	core_46(IP(.protocol = 33), IP(.protocol = 33), &part);
	core_64(IP(.protocol = 33), IP(.protocol = 33), &part);
	core_46(IP(.protocol = 136), IP(.protocol = 136), &part);
	core_64(IP(.protocol = 136), IP(.protocol = 136), &part);
}
END_TEST

START_TEST(item_160_no_checksum_in_ipv6)
{
	struct ip ip = core_out4(IP(.unsummed = true));

	core.zero_udp = true;
	make_zero(core_in6(IP(0)), 55);
	core_tells(&core, &in, KS_XLAT_ZERO_UDP, 1, 1);
	for (unsigned how = KS_UDP_ZERO_COMPUTE; how <= KS_UDP_ZERO_FORWARD; how++) {
		core.settings.udp_zero = (enum ks_udp_zero)how;
		wire_packet(&want, &ip, &part);
		core_gives(&core, &in, &want);
	}
}
END_TEST

START_TEST(item_161_header_that_ends_before_the_checksum)
{
	for (size_t len = 0; len < 18; len++)
		for (unsigned more = 0; more <= 1; more++) {
			wire_tcp(&part, 0);
			part.len = len;
			make(core_in4(IP(.protocol = TCP, .more = more == 1)));
			core_drops(&core, &in, KS_XLAT_SHORT);
			make(core_in6(IP(.protocol = TCP, .more = more == 1)));
			core_drops(&core, &in, KS_XLAT_SHORT);
			if (len >= 8)
				continue;
			part.len = len;
			make(core_in4(IP(.more = more == 1)));
			core_drops(&core, &in, KS_XLAT_SHORT);
			make(core_in6(IP(.more = more == 1)));
			core_drops(&core, &in, KS_XLAT_SHORT);
			wire_echo(&part, 8, 0);
			part.len = len;
			make(core_in4(IP(.protocol = ICMP4)));
			core_drops(&core, &in, KS_XLAT_SHORT);
			part.bytes[0] = 128;
			make(core_in6(IP(.protocol = ICMP6)));
			core_drops(&core, &in, KS_XLAT_SHORT);
		}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nat64_transport");
	TCase *tc = core_case("items");

	tcase_add_test(tc, item_150_tcp);
	tcase_add_test(tc, item_151_udp);
	tcase_add_test(tc, item_152_icmp);
	tcase_add_test(tc, item_153_a_wrong_checksum_stays_as_wrong);
	tcase_add_test(tc, item_154_a_computed_0_is_all_ones);
	tcase_add_test(tc, item_154_not_so_of_tcp);
	tcase_add_test(tc, item_155_no_checksum);
	tcase_add_test(tc, item_155_no_checksum_and_too_long);
	tcase_add_test(tc, item_155_no_checksum_and_bytes_behind);
	tcase_add_test(tc, item_156_first_fragment_without_checksum);
	tcase_add_test(tc, item_157_other_protocols_unchanged);
	tcase_add_test(tc, item_158_later_fragments_untouched);
	tcase_add_test(tc, item_158_first_fragments_are_adjusted);
	tcase_add_test(tc, item_159_dccp_and_udp_lite_unchanged);
	tcase_add_test(tc, item_160_no_checksum_in_ipv6);
	tcase_add_test(tc, item_161_header_that_ends_before_the_checksum);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
