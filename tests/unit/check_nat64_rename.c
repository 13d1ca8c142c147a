/* SPDX-License-Identifier: Apache-2.0
 *
 * ICMP errors from a source that cannot be translated (section M of the checklist); RFC 6791, RFC 5837.
 */
#include <string.h>

#include "tests/unit/core_check.h"

static struct wire part, in, quoted;

static void stranger6(void)
{
	wire_udp(&part, 20);
	wire_packet(&quoted, &(struct ip){ .src = PEER6, .dst = HOST6, .protocol = UDP }, &part);
	wire_error(&part, 3, 0, 0, &quoted, quoted.len, 0);
	wire_packet(&in, &(struct ip){ .src = STRANGER6, .dst = PEER6, .protocol = ICMP6 }, &part);
}

/* Without a prefix, so that most of IPv4 has no IPv6 address. */
static void stranger4(void)
{
	const struct ks_mapping mappings[] = {
		core_mapping(HOST4, 32, HOST6, 128), core_mapping(OTHER4, 32, OTHER6, 128),
	};

	core_table(&core, NULL, 0, mappings, 2);
	wire_udp(&part, 20);
	wire_packet(&quoted, &(struct ip){ .src = HOST4, .dst = OTHER4, .protocol = UDP }, &part);
	wire_error(&part, 11, 0, 0, &quoted, quoted.len, 0);
	wire_packet(&in, &(struct ip){ .src = "10.9.8.7", .dst = HOST4, .protocol = ICMP4 }, &part);
}

static void run(void)
{
	ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
	ck_assert_uint_eq(core.n, 1);
}

START_TEST(item_169_from_a_pool)
{
	unsigned seen[2][4] = { { 0 } };

	core.settings.pool4[0] = (struct ks_pool4){ core_v4("203.0.113.64"), 30 };
	core.settings.pool4[1] = (struct ks_pool4){ core_v4("198.51.100.77"), 32 };
	core.settings.n_pool4 = 2;
	stranger6();
	for (unsigned i = 0; i < 200; i++) {
		uint32_t src;

		run();
		src = wire_get32(core.out[0].bytes + 12);
		ck_assert_uint_eq(wire_get32(core.out[0].bytes + 16), core_v4(PEER4));
		if (src == core_v4("198.51.100.77"))
			seen[1][0]++;
		else if ((src & ~3U) == core_v4("203.0.113.64"))
			seen[0][src & 3]++;
		else
			ck_abort_msg("from %08x", src);
	}
	ck_assert_uint_gt(seen[1][0], 50);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_gt(seen[0][i], 5);
}
END_TEST

START_TEST(item_169_from_itself)
{
	stranger6();
	run();
	ck_assert_uint_eq(wire_get32(core.out[0].bytes + 12), core_v4(SELF4));
	core.settings.source4 = 0;
	core_drops(&core, &in, KS_XLAT_NO_MAP_SRC6);
	/* Only of errors. */
	core.settings.source4 = core_v4(SELF4);
	wire_echo(&part, 129, 20);
	wire_packet(&in, &(struct ip){ .src = STRANGER6, .dst = PEER6, .protocol = ICMP6 }, &part);
	core_tells(&core, &in, KS_XLAT_NO_MAP_SRC6, 1, 1);
}
END_TEST

START_TEST(item_170_from_a_pool_of_ipv6)
{
	unsigned low = 0, high = 0;
	struct in6_addr first = core_v6("2001:db8:77::"), self = core_v6(SELF6);

	stranger4();
	run();
	ck_assert(memcmp(core.out[0].bytes + 8, &self, 16) == 0);
	core.settings.pool6[0] = (struct ks_pool6){ first, 126 };
	core.settings.n_pool6 = 1;
	for (unsigned i = 0; i < 100; i++) {
		run();
		ck_assert(memcmp(core.out[0].bytes + 8, &first, 15) == 0);
		ck_assert_uint_lt(core.out[0].bytes[23], 4);
		low += core.out[0].bytes[23] & 1;
		high += core.out[0].bytes[23] >> 1;
	}
	ck_assert_uint_gt(low, 20);
	ck_assert_uint_lt(low, 80);
	ck_assert_uint_gt(high, 20);
	ck_assert_uint_lt(high, 80);
	core.settings.n_pool6 = 0;
	core.settings.source6 = in6addr_any;
	core_drops(&core, &in, KS_XLAT_NO_MAP_SRC4);
}
END_TEST

/* What the configuration asks before it warns: is a pool's address one that others filter? */
START_TEST(item_171_private_addresses_are_known)
{
	static const char *const private[] = { "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
					       "100.127.255.255" };
	static const char *const public[] = { "9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0",
					      "192.167.1.1", "100.63.255.255", "100.128.0.0" };

	for (size_t i = 0; i < sizeof(private) / sizeof(private[0]); i++)
		ck_assert_msg(ks_table_is_private(core_v4(private[i])), "%s", private[i]);
	for (size_t i = 0; i < sizeof(public) / sizeof(public[0]); i++)
		ck_assert_msg(!ks_table_is_private(core_v4(public[i])), "%s", public[i]);
}
END_TEST

/* RFC 5837, section 4: one object, of an interface by its address, where the packet came in. */
START_TEST(item_172_its_name_is_in_the_error)
{
	static const uint8_t heads4[] = { 0x20, 0, 0, 0, 0, 24, 2, 4, 0, 2, 0, 0 };
	struct in6_addr stranger = core_v6(STRANGER6);
	const uint8_t *extension;

	core.settings.interface_object = true;
	stranger6();
	run();
	ck_assert_uint_eq(core.out[0].len, 28 + 128 + 28);
	ck_assert_uint_eq(core.out[0].bytes[25], 128 / 4);
	extension = core.out[0].bytes + 28 + 128;
	ck_assert_uint_eq(wire_add(0, extension, 28), 0xffff);
	wire_put16(core.out[0].bytes + 28 + 128 + 2, 0);
	ck_assert(memcmp(extension, heads4, sizeof(heads4)) == 0);
	ck_assert(memcmp(extension + 12, &stranger, 16) == 0);
}
END_TEST

START_TEST(item_172_its_name_of_ipv4)
{
	static const uint8_t heads6[] = { 0x20, 0, 0, 0, 0, 12, 2, 4, 0, 1, 0, 0, 10, 9, 8, 7 };

	core.settings.interface_object = true;
	stranger4();
	run();
	ck_assert_uint_eq(core.out[0].len, 48 + 128 + 16);
	ck_assert_uint_eq(core.out[0].bytes[44], 128 / 8);
	wire_put16(core.out[0].bytes + 48 + 128 + 2, 0);
	ck_assert(memcmp(core.out[0].bytes + 48 + 128, heads6, sizeof(heads6)) == 0);
}
END_TEST

/* What is there already is no extension that is known, or leaves no room: then it stays as it is. */
START_TEST(item_172_its_name_is_left_out)
{
	core.settings.interface_object = true;
	core.care = PACKET_IP;
	wire_udp(&part, 400);
	wire_packet(&quoted, &(struct ip){ .src = PEER6, .dst = HOST6, .protocol = UDP }, &part);
	wire_error(&part, 3, 0, 128 / 8 << 24, &quoted, 128, 16);
	part.bytes[8 + 128] = 0x10;
	wire_packet(&in, &(struct ip){ .src = STRANGER6, .dst = PEER6, .protocol = ICMP6 }, &part);
	run();
	ck_assert_uint_eq(core.out[0].len, 28 + 128 + 16);
	ck_assert_uint_eq(core.out[0].bytes[28 + 128], 0x10);
	wire_error(&part, 3, 0, 128 / 8 << 24, &quoted, 128, 1272);
	wire_packet(&in, &(struct ip){ .src = STRANGER6, .dst = PEER6, .protocol = ICMP6 }, &part);
	run();
	ck_assert_uint_eq(core.out[0].bytes[25], 0);
}
END_TEST

/* Behind what is there already, whose header counts for both; and never with "fragmentation needed" to IPv6. */
START_TEST(item_172_its_name_behind_others)
{
	core.settings.interface_object = true;
	wire_udp(&part, 400);
	wire_packet(&quoted, &(struct ip){ .src = PEER6, .dst = HOST6, .protocol = UDP }, &part);
	wire_error(&part, 3, 0, 128 / 8 << 24, &quoted, 128, 16);
	wire_packet(&in, &(struct ip){ .src = STRANGER6, .dst = PEER6, .protocol = ICMP6 }, &part);
	run();
	ck_assert_uint_eq(core.out[0].len, 28 + 128 + 16 + 24);
	stranger4();
	in.bytes[20] = 3;
	in.bytes[21] = 4;
	wire_sum(&in);
	run();
	ck_assert_uint_eq(core.out[0].len, in.len + 40);
	ck_assert_uint_eq(wire_get32(core.out[0].bytes + 44), 1280);
	/* One with a mapping needs none. */
	core_close(&core);
	core_open(&core);
	core.settings.interface_object = true;
	wire_udp(&part, 20);
	wire_packet(&quoted, &(struct ip){ .src = PEER6, .dst = HOST6, .protocol = UDP }, &part);
	wire_error(&part, 3, 0, 0, &quoted, quoted.len, 0);
	wire_packet(&in, &(struct ip){ .src = OTHER6, .dst = PEER6, .protocol = ICMP6 }, &part);
	run();
	ck_assert_uint_eq(core.out[0].bytes[25], 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nat64_rename");
	TCase *tc = core_case("items");

	tcase_add_test(tc, item_169_from_a_pool);
	tcase_add_test(tc, item_169_from_itself);
	tcase_add_test(tc, item_170_from_a_pool_of_ipv6);
	tcase_add_test(tc, item_171_private_addresses_are_known);
	tcase_add_test(tc, item_172_its_name_is_in_the_error);
	tcase_add_test(tc, item_172_its_name_of_ipv4);
	tcase_add_test(tc, item_172_its_name_is_left_out);
	tcase_add_test(tc, item_172_its_name_behind_others);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
