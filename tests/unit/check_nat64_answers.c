/* SPDX-License-Identifier: Apache-2.0
 *
 * The errors that the translator itself sends (section J of the checklist); RFC 7915, sections 4.4 and 5.4, RFC 1122,
 * section 3.2.2, RFC 1812, section 4.3.2, RFC 4443, section 2.4. core_tells() looks at all of such an error: who sends
 * it, to whom, with what time to live, and how much it quotes.
 */
#include <string.h>

#include "tests/unit/core_check.h"

static struct wire part, in, quoted;

static void make(struct ip ip, size_t data)
{
	wire_udp(&part, data);
	wire_packet(&in, &ip, &part);
}

/* Only the explicit mappings of HOST and OTHER. */
static void without_prefix(void)
{
	const struct ks_mapping mappings[] = {
		core_mapping(HOST4, 32, HOST6, 128), core_mapping(OTHER4, 32, OTHER6, 128),
	};

	core_table(&core, NULL, 0, mappings, 2);
}

START_TEST(item_143_dropped_ipv4_is_prohibited)
{
	without_prefix();
	make(core_in4(IP(0)), 20);
	ck_assert_uint_eq(core_tells(&core, &in, KS_XLAT_NO_MAP_SRC4, 3, 13), 0);
	/* But not an error. */
	make(core_out4(IP(0)), 20);
	quoted = in;
	wire_error(&part, 3, 1, 0, &quoted, quoted.len, 0);
	wire_packet(&in, &(struct ip){ .src = OTHER4, .dst = "203.0.113.99", .protocol = ICMP4 }, &part);
	core_drops(&core, &in, KS_XLAT_NO_MAP_DST4);
	in.bytes[8] = 1;
	wire_sum4(&in);
	core_drops(&core, &in, KS_XLAT_TTL4);
	/* Other ICMP is told. */
	wire_echo(&part, 8, 20);
	wire_packet(&in, &(struct ip){ .src = PEER4, .dst = HOST4, .protocol = ICMP4 }, &part);
	core_tells(&core, &in, KS_XLAT_NO_MAP_SRC4, 3, 13);
}
END_TEST

START_TEST(item_144_dropped_ipv6_is_prohibited)
{
	make(core_in6(IP(.src = STRANGER6)), 20);
	ck_assert_uint_eq(core_tells(&core, &in, KS_XLAT_NO_MAP_SRC6, 1, 1), 0);
	make(core_out6(IP(0)), 20);
	quoted = in;
	wire_error(&part, 1, 0, 0, &quoted, quoted.len, 0);
	wire_packet(&in, &(struct ip){ .src = HOST6, .dst = STRANGER6, .protocol = ICMP6 }, &part);
	core_drops(&core, &in, KS_XLAT_NO_MAP_DST6);
	in.bytes[7] = 1;
	core_drops(&core, &in, KS_XLAT_TTL6);
	wire_echo(&part, 128, 20);
	wire_packet(&in, &(struct ip){ .src = STRANGER6, .dst = PEER6, .protocol = ICMP6 }, &part);
	core_tells(&core, &in, KS_XLAT_NO_MAP_SRC6, 1, 1);
}
END_TEST

START_TEST(item_145_none_are_sent)
{
	core.settings.icmp_errors = false;
	make(core_in4(IP(.ttl = 1)), 20);
	core_drops(&core, &in, KS_XLAT_TTL4);
	make(core_in6(IP(.ttl = 1)), 20);
	core_drops(&core, &in, KS_XLAT_TTL6);
	ck_assert_uint_eq(core.counts.suppressed[0] + core.counts.suppressed[1], 0);
}
END_TEST

START_TEST(item_145_none_are_sent_by_nobody)
{
	core.settings.source4 = 0;
	make(core_in4(IP(.ttl = 1)), 20);
	core_drops(&core, &in, KS_XLAT_TTL4);
	make(core_in6(IP(.ttl = 1)), 20);
	core_tells(&core, &in, KS_XLAT_TTL6, 3, 0);
	core.settings.source6 = in6addr_any;
	core_drops(&core, &in, KS_XLAT_TTL6);
}
END_TEST

START_TEST(item_146_none_about_what_nobody_may_be_told_of)
{
	make(core_in4(IP(.ttl = 1, .offset = 8, .more = true)), 24);
	core_drops(&core, &in, KS_XLAT_TTL4);
	make(core_in4(IP(.ttl = 1, .offset = 0, .more = true)), 24);
	core_tells(&core, &in, KS_XLAT_TTL4, 11, 0);
	make(core_in6(IP(.ttl = 1, .offset = 8, .more = true)), 24);
	core_drops(&core, &in, KS_XLAT_TTL6);
	make(core_in6(IP(.ttl = 1, .more = true)), 24);
	core_tells(&core, &in, KS_XLAT_TTL6, 3, 0);
	make(core_in4(IP(.src = "127.0.0.1", .ttl = 1)), 20);
	core_drops(&core, &in, KS_XLAT_ILLEGAL_SRC);
	make(core_in4(IP(.dst = "255.255.255.255", .ttl = 1)), 20);
	core_drops(&core, &in, KS_XLAT_MULTICAST);
	make(core_in6(IP(.dst = "ff02::1", .ttl = 1)), 20);
	core_drops(&core, &in, KS_XLAT_MULTICAST);
	/* Nor does it talk to itself. */
	make(core_in4(IP(.src = SELF4, .ttl = 1)), 20);
	core_drops(&core, &in, KS_XLAT_TTL4);
	make(core_in6(IP(.src = SELF6, .ttl = 1)), 20);
	core_drops(&core, &in, KS_XLAT_TTL6);
}
END_TEST

START_TEST(item_147_as_much_is_quoted_as_may_be)
{
	for (size_t data = 400; data < 1400; data += 9) {
		make(core_in4(IP(.ttl = 1)), data);
		core_tells(&core, &in, KS_XLAT_TTL4, 11, 0);
		ck_assert_uint_eq(core.out[0].len, in.len + 28 < 576 ? in.len + 28 : 576);
		make(core_in6(IP(.ttl = 1)), data);
		core_tells(&core, &in, KS_XLAT_TTL6, 3, 0);
		ck_assert_uint_eq(core.out[0].len, in.len + 48 < 1280 ? in.len + 48 : 1280);
		core.xlat.now_us += 1000000;
	}
}
END_TEST

/* Where the way is too narrow even for that, its header and eight bytes (RFC 792). */
START_TEST(item_147_at_least_so_much)
{
	static const uint8_t nops[40] = { 1, 1, 1, 1, 1, 1, 1, 1 };

	core.settings.mtu4 = 68;
	make(core_in4(IP(.ttl = 1, .options = nops, .n_options = 40)), 100);
	ck_assert_int_eq(core_run(&core, &in), KS_XLAT_TTL4);
	ck_assert_uint_eq(core.out[0].len, 28 + 60 + 8);
	make(core_in4(IP(.ttl = 1)), 100);
	ck_assert_int_eq(core_run(&core, &in), KS_XLAT_TTL4);
	ck_assert_uint_eq(core.out[0].len, 68);
}
END_TEST

START_TEST(item_148_destination_without_a_mapping)
{
	without_prefix();
	make(core_in4(IP(.dst = "203.0.113.99")), 20);
	ck_assert_uint_eq(core_tells(&core, &in, KS_XLAT_NO_MAP_DST4, 3, 1), 0);
	make(core_in6(IP(.dst = STRANGER6)), 20);
	ck_assert_uint_eq(core_tells(&core, &in, KS_XLAT_NO_MAP_DST6, 1, 0), 0);
	make(core_in6(IP(.dst = OTHER6)), 20);
	ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
	ck_assert_uint_eq(core.counts.drops[0][KS_XLAT_NO_MAP_DST4], 1);
	ck_assert_uint_eq(core.counts.drops[1][KS_XLAT_NO_MAP_DST6], 1);
}
END_TEST

START_TEST(item_149_so_many_and_then_one_each_while)
{
	core.settings.error_burst = 10;
	core.settings.error_each_us = 200000;
	make(core_in4(IP(.ttl = 1)), 20);
	for (unsigned i = 0; i < 10; i++)
		core_tells(&core, &in, KS_XLAT_TTL4, 11, 0);
	core_drops(&core, &in, KS_XLAT_TTL4);
	make(core_in6(IP(.ttl = 1)), 20);
	core_drops(&core, &in, KS_XLAT_TTL6);
	ck_assert_uint_eq(core.counts.suppressed[0], 1);
	ck_assert_uint_eq(core.counts.suppressed[1], 1);
	core.xlat.now_us += 200000;
	core_tells(&core, &in, KS_XLAT_TTL6, 3, 0);
	core_drops(&core, &in, KS_XLAT_TTL6);
	core.xlat.now_us += 10 * 200000;
	for (unsigned i = 0; i < 10; i++)
		core_tells(&core, &in, KS_XLAT_TTL6, 3, 0);
	core_drops(&core, &in, KS_XLAT_TTL6);
	/* Errors of others are not counted there. */
	make(core_out4(IP(0)), 20);
	quoted = in;
	wire_error(&part, 3, 1, 0, &quoted, quoted.len, 0);
	wire_packet(&in, &(struct ip){ .src = PEER4, .dst = HOST4, .protocol = ICMP4 }, &part);
	for (unsigned i = 0; i < 20; i++)
		ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nat64_answers");
	TCase *tc = core_case("items");

	tcase_add_test(tc, item_143_dropped_ipv4_is_prohibited);
	tcase_add_test(tc, item_144_dropped_ipv6_is_prohibited);
	tcase_add_test(tc, item_145_none_are_sent);
	tcase_add_test(tc, item_145_none_are_sent_by_nobody);
	tcase_add_test(tc, item_146_none_about_what_nobody_may_be_told_of);
	tcase_add_test(tc, item_147_as_much_is_quoted_as_may_be);
	tcase_add_test(tc, item_147_at_least_so_much);
	tcase_add_test(tc, item_148_destination_without_a_mapping);
	tcase_add_test(tc, item_149_so_many_and_then_one_each_while);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
