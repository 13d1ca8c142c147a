/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands behind the packet that an ICMP error quotes: RFC 4884 (items 136 to 140 of the checklist).
 */
#include <string.h>

#include "tests/unit/core_check.h"

#define HEADS4 28		/* IP and ICMP headers of an error */
#define HEADS6 48
#define LENGTH_AT4 25		/* of the length attribute */
#define LENGTH_AT6 44
#define ROOM4 (576 - HEADS4)
#define ROOM6 (1280 - HEADS6)

static struct wire part, in, want, quoted;

/* An error about a packet with that much data, of which it quotes so many bytes (zeros behind its end). */
static void error4(size_t data, size_t bytes, size_t extension)
{
	struct ip about = core_out4(IP(0)), outer = core_in4(IP(.protocol = ICMP4));

	wire_udp(&part, data);
	wire_packet(&quoted, &about, &part);
	wire_error(&part, 11, 0, (uint32_t)bytes / 4 << 16, &quoted, bytes, extension);
	wire_packet(&in, &outer, &part);
}

static void error6(size_t data, size_t bytes, size_t extension)
{
	struct ip about = core_out6(IP(0)), outer = core_in6(IP(.protocol = ICMP6));

	wire_udp(&part, data);
	wire_packet(&quoted, &about, &part);
	wire_error(&part, 3, 0, (uint32_t)bytes / 8 << 24, &quoted, bytes, extension);
	wire_packet(&in, &outer, &part);
}

/* The same packet in IPv6, and so many bytes of it quoted. */
static void wanted6(size_t data, size_t bytes, size_t extension)
{
	struct ip about = core_in6(IP(.ttl = 63)), outer = core_out6(IP(.protocol = ICMP6));

	wire_udp(&part, data);
	wire_packet(&quoted, &about, &part);
	wire_error(&part, 3, 0, extension > 0 ? (uint32_t)bytes / 8 << 24 : 0, &quoted, bytes, extension);
	wire_packet(&want, &outer, &part);
	core_gives(&core, &in, &want);
}

static void wanted4(size_t data, size_t bytes, size_t extension)
{
	struct ip about = core_in4(IP(.ttl = 63, .df = data + 28 > 1260));
	struct ip outer = core_out4(IP(.protocol = ICMP4));

	ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
	ck_assert_uint_eq(core.n, 1);
	about.id = wire_get16(core.out[0].bytes + HEADS4 + 4);
	wire_udp(&part, data);
	wire_packet(&quoted, &about, &part);
	wire_error(&part, 11, 0, extension > 0 ? (uint32_t)bytes / 4 << 16 : 0, &quoted, bytes, extension);
	wire_packet(&want, &outer, &part);
	core_same(&core.out[0], &want, "to IPv4");
}

START_TEST(item_136_length_attribute)
{
	error4(1000, 132, 20);
	wanted6(1000, 152, 20);
	ck_assert_uint_eq(core.out[0].bytes[LENGTH_AT6], 152 / 8);
	error6(1000, 152, 20);
	wanted4(1000, 132, 20);
	ck_assert_uint_eq(core.out[0].bytes[LENGTH_AT4], 132 / 4);
	/* Four bytes more are no unit of IPv6: they are left out. */
	error4(1000, 128, 20);
	wanted6(1000, 144, 20);
}
END_TEST

START_TEST(item_136_errors_without_the_attribute)
{
	/* "Packet too big" has no length, so what stands behind the packet it does not tell. */
	error4(1000, 132, 20);
	in.bytes[20] = 3;
	in.bytes[21] = 4;
	wire_sum(&in);
	ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
	ck_assert_uint_eq(core.out[0].len, HEADS6 + 152);
	ck_assert_uint_eq(wire_get32(core.out[0].bytes + LENGTH_AT6), 1280);
	/* Of what has a pointer where IPv4 has the length, all is the quoted packet. */
	error6(1000, 152, 20);
	in.bytes[40] = 4;
	wire_put32(in.bytes + LENGTH_AT6, 0);
	wire_sum(&in);
	ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
	ck_assert_uint_eq(core.out[0].len, HEADS4 + 152 + 20 - 20);
	ck_assert_uint_eq(wire_get32(core.out[0].bytes + 24), 0);
}
END_TEST

START_TEST(item_136_a_length_beyond_the_end)
{
	error4(1000, 152, 0);
	in.bytes[LENGTH_AT4] = 255;
	wire_sum(&in);
	wanted6(1000, 172, 0);
}
END_TEST

START_TEST(item_137_padding)
{
	/* Behind a short packet were zeros; they are as many as the other family needs. */
	for (size_t data = 0; data < 80; data++) {
		size_t whole = data + 48 < 128 ? 128 : (data + 48) / 8 * 8;

		error4(data, (data + 28 + 127) / 128 * 128, 16);
		wanted6(data, whole, 16);
		error6(data, 128, 16);
		wanted4(data, 128, 16);
	}
}
END_TEST

START_TEST(item_138_extension_too_large)
{
	error6(1200, 400, ROOM4 - 128);
	wanted4(1200, 128, ROOM4 - 128);
	error6(1200, 400, ROOM4 - 128 + 4);
	wanted4(1200, 380, 0);
	ck_assert_uint_eq(core.out[0].bytes[LENGTH_AT4], 0);
	error4(1300, 128, ROOM6 - 128);
	wanted6(1300, 128, ROOM6 - 128);
	error4(1300, 128, ROOM6 - 128 + 4);
	wanted6(1300, 148, 0);
	ck_assert_uint_eq(core.out[0].bytes[LENGTH_AT6], 0);
}
END_TEST

START_TEST(item_139_packet_shortened_for_the_extension)
{
	error6(1200, 1000, 100);
	wanted4(1200, ROOM4 - 100, 100);
	error6(1200, 1000, 101);
	core.care = PACKET_IP;		/* no whole words, but it is nobody's business here */
	wanted4(1200, (ROOM4 - 101) / 4 * 4, 101);
	core.care = PACKET_ALL;
	error4(1300, 1020, 240);
	wanted6(1300, (ROOM6 - 240) / 8 * 8, 240);
	core.settings.mtu4 = 400;
	error6(1200, 1000, 100);
	wanted4(1200, 400 - HEADS4 - 100, 100);
}
END_TEST

START_TEST(item_140_extension_is_opaque)
{
	core.care = PACKET_IP;
	error4(1000, 132, 64);
	memset(in.bytes + in.len - 64, 0xa5, 64);	/* of no version, and not summed */
	wire_sum(&in);
	ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
	ck_assert_uint_eq(core.out[0].len, HEADS6 + 152 + 64);
	ck_assert(memcmp(core.out[0].bytes + HEADS6 + 152, in.bytes + in.len - 64, 64) == 0);
	error6(1000, 152, 64);
	memset(in.bytes + in.len - 64, 0xa5, 64);
	wire_sum(&in);
	ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
	ck_assert_uint_eq(core.out[0].len, HEADS4 + 132 + 64);
	ck_assert(memcmp(core.out[0].bytes + HEADS4 + 132, in.bytes + in.len - 64, 64) == 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nat64_extensions");
	TCase *tc = core_case("items");

	tcase_add_test(tc, item_136_length_attribute);
	tcase_add_test(tc, item_136_errors_without_the_attribute);
	tcase_add_test(tc, item_136_a_length_beyond_the_end);
	tcase_add_test(tc, item_137_padding);
	tcase_add_test(tc, item_138_extension_too_large);
	tcase_add_test(tc, item_139_packet_shortened_for_the_extension);
	tcase_add_test(tc, item_140_extension_is_opaque);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
