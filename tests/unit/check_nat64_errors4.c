/* SPDX-License-Identifier: Apache-2.0
 *
 * ICMPv4 errors in IPv6 (section G of the checklist), one test per line; RFC 7915, section 4.2.
 */
#include <string.h>

#include "tests/unit/core_check.h"

static struct wire part, in, want, quoted;

/* An error about a packet of the host's, with `data` bytes in it. */
static void make_error(unsigned type, unsigned code, uint32_t rest, size_t data)
{
	wire_udp(&part, data);
	wire_packet(&quoted, &(struct ip){ HOST4, PEER4, .protocol = UDP, .ttl = 9 }, &part);
	wire_error(&part, type, code, rest, &quoted, 28, 0);
	wire_packet(&in, &(struct ip){ PEER4, HOST4, .protocol = ICMP4 }, &part);
}

/* The same of IPv6. */
static void becomes(unsigned type, unsigned code, uint32_t rest, size_t data)
{
	wire_udp(&part, data);
	wire_packet(&quoted, &(struct ip){ HOST6, PEER6, .protocol = UDP, .ttl = 9 }, &part);
	wire_error(&part, type, code, rest, &quoted, 48, 0);
	wire_packet(&want, &(struct ip){ PEER6, HOST6, .protocol = ICMP6, .ttl = 63 }, &part);
	core_gives(&core, &in, &want);
}

static void error46(unsigned type4, unsigned code4, uint32_t rest4, unsigned type6, unsigned code6, uint32_t rest6)
{
	uint64_t before = core.counts.icmp_translated[0];

	make_error(type4, code4, rest4, 20);
	becomes(type6, code6, rest6, 20);
	ck_assert_uint_eq(core.counts.icmp_translated[0], before + 1);
}

static void error46_dropped(unsigned type4, unsigned code4, uint32_t rest4, enum ks_xlat_drop why)
{
	make_error(type4, code4, rest4, 20);
	core_drops(&core, &in, why);
}

#define ITEM(name, ...) START_TEST(name) { __VA_ARGS__; } END_TEST

ITEM(item_085_net_unreachable, error46(3, 0, 0, 1, 0, 0))
ITEM(item_086_host_unreachable, error46(3, 1, 0, 1, 0, 0))
ITEM(item_087_protocol_unreachable, error46(3, 2, 0, 4, 1, 6))
ITEM(item_088_port_unreachable, error46(3, 3, 0, 1, 4, 0))
ITEM(item_089_fragmentation_needed, error46(3, 4, 1400, 2, 0, 1420))
ITEM(item_090_source_route_failed, error46(3, 5, 0, 1, 0, 0))
ITEM(item_091_net_unknown, error46(3, 6, 0, 1, 0, 0))
ITEM(item_092_host_unknown, error46(3, 7, 0, 1, 0, 0))
ITEM(item_093_source_isolated, error46(3, 8, 0, 1, 0, 0))
ITEM(item_094_net_prohibited, error46(3, 9, 0, 1, 1, 0))
ITEM(item_095_host_prohibited, error46(3, 10, 0, 1, 1, 0))
ITEM(item_096_net_for_tos, error46(3, 11, 0, 1, 0, 0))
ITEM(item_097_host_for_tos, error46(3, 12, 0, 1, 0, 0))
ITEM(item_098_prohibited, error46(3, 13, 0, 1, 1, 0))
ITEM(item_099_precedence_violation_is_dropped, error46_dropped(3, 14, 0, KS_XLAT_ICMP_TYPE))
ITEM(item_100_precedence_cutoff, error46(3, 15, 0, 1, 1, 0))

START_TEST(item_101_other_unreachable_is_dropped)
{
	for (unsigned code = 16; code < 256; code++)
		error46_dropped(3, code, 0, KS_XLAT_ICMP_TYPE);
}
END_TEST

ITEM(item_102_time_to_live, error46(11, 0, 0, 3, 0, 0))

START_TEST(item_103_reassembly)
{
	error46(11, 1, 0, 3, 1, 0);
	for (unsigned code = 2; code < 256; code++)
		error46_dropped(11, code, 0, KS_XLAT_ICMP_TYPE);
}
END_TEST

ITEM(item_104_parameter_problem, error46(12, 0, 1U << 24, 4, 0, 1))
ITEM(item_105_missing_option_is_dropped, error46_dropped(12, 1, 0, KS_XLAT_ICMP_TYPE))
ITEM(item_106_bad_length, error46(12, 2, 2U << 24, 4, 0, 4))

START_TEST(item_107_other_problem_is_dropped)
{
	for (unsigned code = 3; code < 256; code++)
		error46_dropped(12, code, 0, KS_XLAT_ICMP_TYPE);
}
END_TEST

START_TEST(item_108_pointers)
{
	for (uint32_t code = 0; code <= 2; code += 2)
		for (uint32_t at = 0; at < 256; at++) {
			int to = at <= 1 ? (int)at : at == 2 || at == 3 ? 4 : at == 8 ? 7 : at == 9 ? 6 :
				 at >= 12 && at <= 15 ? 8 : at >= 16 && at <= 19 ? 24 : -1;

			if (to >= 0)
				error46(12, code, at << 24, 4, 0, (uint32_t)to);
			else
				error46_dropped(12, code, at << 24, KS_XLAT_ICMP_POINTER);
		}
}
END_TEST

START_TEST(item_109_mtu)
{
	static const struct {
		uint32_t told, mtu4, mtu6, becomes;
	} rows[] = {
		{ 1400, 1500, 1500, 1420 }, { 1480, 1500, 1500, 1500 }, { 1500, 1500, 1500, 1500 },
		{ 9000, 1500, 9000, 1520 }, { 9000, 9000, 1600, 1600 }, { 65535, 9000, 9000, 9000 },
		{ 1260, 1500, 1500, 1280 }, { 1259, 1500, 1500, 1280 }, { 68, 1500, 1500, 1280 },
		{ 1, 1500, 1500, 1280 }, { 1500, 576, 1500, 1280 },
		/* The upper half of the word is not the MTU's (RFC 1191, section 4). */
		{ 0x00000578, 1500, 1500, 1420 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		core.settings.mtu4 = rows[i].mtu4;
		core.settings.mtu6 = rows[i].mtu6;
		error46(3, 4, rows[i].told, 2, 0, rows[i].becomes);
	}
}
END_TEST

START_TEST(item_110_mtu_of_the_plateau_table)
{
	static const struct {
		uint32_t total, plateau;
	} rows[] = {
		{ 65535, 32000 }, { 32001, 32000 }, { 32000, 17914 }, { 17914, 8166 }, { 8167, 8166 }, { 8166, 4352 },
		{ 4352, 2002 }, { 2003, 2002 }, { 2002, 1492 }, { 1493, 1492 },
	};

	core.settings.mtu4 = core.settings.mtu6 = 65500;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make_error(3, 4, 0, rows[i].total - 28);
		becomes(2, 0, rows[i].plateau + 20, rows[i].total - 28);
	}
	/* Plateaus below 1280 are none of IPv6. */
	for (uint32_t total = 100; total <= 1492; total += 29) {
		make_error(3, 4, 0, total - 28);
		becomes(2, 0, 1280, total - 28);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nat64_errors4");
	TCase *tc = core_case("items");

	tcase_add_test(tc, item_085_net_unreachable);
	tcase_add_test(tc, item_086_host_unreachable);
	tcase_add_test(tc, item_087_protocol_unreachable);
	tcase_add_test(tc, item_088_port_unreachable);
	tcase_add_test(tc, item_089_fragmentation_needed);
	tcase_add_test(tc, item_090_source_route_failed);
	tcase_add_test(tc, item_091_net_unknown);
	tcase_add_test(tc, item_092_host_unknown);
	tcase_add_test(tc, item_093_source_isolated);
	tcase_add_test(tc, item_094_net_prohibited);
	tcase_add_test(tc, item_095_host_prohibited);
	tcase_add_test(tc, item_096_net_for_tos);
	tcase_add_test(tc, item_097_host_for_tos);
	tcase_add_test(tc, item_098_prohibited);
	tcase_add_test(tc, item_099_precedence_violation_is_dropped);
	tcase_add_test(tc, item_100_precedence_cutoff);
	tcase_add_test(tc, item_101_other_unreachable_is_dropped);
	tcase_add_test(tc, item_102_time_to_live);
	tcase_add_test(tc, item_103_reassembly);
	tcase_add_test(tc, item_104_parameter_problem);
	tcase_add_test(tc, item_105_missing_option_is_dropped);
	tcase_add_test(tc, item_106_bad_length);
	tcase_add_test(tc, item_107_other_problem_is_dropped);
	tcase_add_test(tc, item_108_pointers);
	tcase_add_test(tc, item_109_mtu);
	tcase_add_test(tc, item_110_mtu_of_the_plateau_table);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
