/* SPDX-License-Identifier: Apache-2.0
 *
 * From IPv4 to IPv6: sizes and fragments (section C of the checklist); RFC 7915, sections 4 and 4.1.
 */
#include <string.h>

#include "tests/unit/core_check.h"

static struct wire part, in, want, whole;

/* A packet of that total length. */
static void make4(struct ip ip, size_t total)
{
	ip = core_in4(ip);
	wire_udp(&part, total - 28);
	wire_packet(&in, &ip, &part);
}

static void run(void)
{
	enum ks_xlat_drop why = core_run(&core, &in);

	ck_assert_msg(why == KS_XLAT_PASSED, "%s", ks_xlat_drop_names[why]);
}

static struct parsed parse(unsigned i)
{
	struct parsed p;

	ck_assert_uint_lt(i, core.n);
	ck_assert_ptr_null(wire_parse(&p, core.out[i].bytes, core.out[i].len, false));
	return p;
}

/* All that came out, put together in `whole`: no packet is above `most`, and the last says `more`. */
static void assert_pieces(size_t most, size_t first, bool more)
{
	size_t at = first;

	ck_assert_uint_gt(core.n, 0);
	for (unsigned i = 0; i < core.n; i++) {
		struct parsed p = parse(i);

		ck_assert_uint_le(core.out[i].len, most);
		ck_assert(p.fragment);
		ck_assert_uint_eq(p.offset, at);
		ck_assert_uint_eq(p.more, more || i + 1 < core.n);
		if (i + 1 < core.n)
			ck_assert_uint_eq(p.payload % 8, 0);
		ck_assert_uint_eq(p.id, wire_get16(in.bytes + 4));
		memcpy(whole.bytes + at, core.out[i].bytes + p.at, p.payload);
		at += p.payload;
	}
	whole.len = at;
}

/* The same of a whole packet, whose checksum is that of IPv6. */
static void assert_cut(size_t most)
{
	struct ip ip = core_out6(IP(0));

	ck_assert_uint_gt(core.n, 1);
	assert_pieces(most, 0, false);
	wire_packet(&want, &ip, &part);
	ck_assert_uint_eq(whole.len, want.len - 40);
	ck_assert(memcmp(whole.bytes, want.bytes + 40, whole.len) == 0);
	ck_assert_uint_eq(core.counts.fragments[1], core.n);
}

START_TEST(item_036_too_big_with_df)
{
	make4(IP(.df = true), 1480);
	run();
	make4(IP(.df = true), 1481);
	ck_assert_uint_eq(core_tells(&core, &in, KS_XLAT_TOO_BIG4, 3, 4), 1480);
	core.settings.mtu6 = 1280;
	make4(IP(.df = true), 1261);
	ck_assert_uint_eq(core_tells(&core, &in, KS_XLAT_TOO_BIG4, 3, 4), 1260);
}
END_TEST

/* An error of a packet with options quotes them; the limit counts without them. */
START_TEST(item_036_options_do_not_count)
{
	static const uint8_t nops[20] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };

	make4(IP(.df = true, .options = nops, .n_options = 20), 1480);
	ck_assert_uint_eq(in.len, 1500);
	run();
	make4(IP(.df = true, .options = nops, .n_options = 20), 1481);
	core_tells(&core, &in, KS_XLAT_TOO_BIG4, 3, 4);
}
END_TEST

START_TEST(item_037_too_big_fragment_with_df)
{
	core.settings.mtu6 = 1280;
	make4(IP(.df = true, .more = true), 1252);
	run();
	ck_assert_uint_eq(core.out[0].len, 1280);
	/* Would fit but for the Fragment header, so it has to be told to be shorter than it is. */
	make4(IP(.df = true, .more = true), 1260);
	ck_assert_uint_eq(core_tells(&core, &in, KS_XLAT_TOO_BIG4, 3, 4), 1252);
	make4(IP(.df = true, .more = true), 1268);
	ck_assert_uint_eq(core_tells(&core, &in, KS_XLAT_TOO_BIG4, 3, 4), 1260);
	/* Of a later fragment no error is sent (RFC 1122, section 3.2.2). */
	make4(IP(.df = true, .offset = 1232), 1260);
	core_drops(&core, &in, KS_XLAT_TOO_BIG4);
}
END_TEST

START_TEST(item_038_without_df_it_is_cut)
{
	static const size_t totals[] = { 1261, 1262, 1400, 1500, 4000, 9000, 65535 };

	for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
		make4(IP(.id = 0x1234), totals[i]);
		core.counts.fragments[1] = 0;
		run();
		assert_cut(1280);
	}
}
END_TEST

START_TEST(item_039_lowest_ipv6_mtu_raised)
{
	core.settings.lowest_ipv6_mtu = 1402;
	make4(IP(.id = 1), 1382);
	run();
	ck_assert_uint_eq(core.n, 1);
	ck_assert_uint_eq(core.out[0].len, 1402);
	make4(IP(.id = 1), 1383);
	run();
	assert_cut(1402);
	ck_assert_uint_gt(core.out[0].len, 1280);
}
END_TEST

START_TEST(item_040_what_fits_gets_no_fragment_header)
{
	wire_udp(&part, 1260 - 28);
	core_46(IP(.id = 7), IP(0), &part);
	ck_assert_uint_eq(core.out[0].len, 1280);
	ck_assert_uint_eq(core.out[0].bytes[6], UDP);
}
END_TEST

START_TEST(item_041_df_never_gets_a_fragment_header)
{
	for (size_t total = 1250; total <= 1480; total++) {
		make4(IP(.df = true, .id = 9), total);
		run();
		ck_assert_uint_eq(core.n, 1);
		ck_assert(!parse(0).fragment);
	}
}
END_TEST

/* A fragment with those fields becomes one packet with those. */
static void fragment_becomes(struct ip ip, size_t len)
{
	struct ip to = core_out6(ip);

	wire_data(&part, len);
	to.id = ip.id & 0xffff;
	to.fragment = true;
	to.src = PEER6;
	to.dst = HOST6;
	ip = core_in4(ip);
	wire_packet(&in, &ip, &part);
	wire_packet(&want, &to, &part);
	core_gives(&core, &in, &want);
}

START_TEST(item_042_fragments_get_a_fragment_header)
{
	fragment_becomes(IP(.protocol = 132, .more = true, .id = 1), 800);
	fragment_becomes(IP(.protocol = UDP, .more = true, .offset = 800, .id = 1), 800);
	fragment_becomes(IP(.protocol = TCP, .offset = 1600, .id = 1), 3);
}
END_TEST

START_TEST(item_043_offset_is_copied)
{
	for (unsigned offset = 8; offset <= 65528 - 8; offset += 8)
		fragment_becomes(IP(.protocol = UDP, .more = true, .offset = offset), 8);
}
END_TEST

START_TEST(item_044_m_flag_is_copied)
{
	fragment_becomes(IP(.protocol = UDP, .more = true, .offset = 64), 8);
	fragment_becomes(IP(.protocol = UDP, .more = false, .offset = 64), 8);
	/* One from the middle that is cut: also its last piece has more behind it. */
	wire_data(&part, 1400);
	for (unsigned more = 0; more <= 1; more++) {
		struct ip ip = core_in4(IP(.more = more == 1, .offset = 2800, .id = 77));

		wire_packet(&in, &ip, &part);
		run();
		ck_assert_uint_eq(core.n, 2);
		assert_pieces(1280, 2800, more == 1);
		ck_assert(memcmp(whole.bytes + 2800, part.bytes, 1400) == 0);
	}
}
END_TEST

START_TEST(item_045_identification_is_copied)
{
	for (unsigned id = 0; id < 65536; id += 257)
		fragment_becomes(IP(.protocol = UDP, .more = true, .offset = 8, .id = id), 8);
}
END_TEST

START_TEST(item_046_fields_of_a_fragment)
{
	make4(IP(.more = true, .offset = 0, .id = 0xbeef), 28 + 72);
	run();
	ck_assert_uint_eq(core.out[0].len, 40 + 8 + 80);
	ck_assert_uint_eq(wire_get16(core.out[0].bytes + 4), 8 + 80);
	ck_assert_uint_eq(core.out[0].bytes[6], FRAGMENT);
	ck_assert_uint_eq(core.out[0].bytes[40], UDP);
	ck_assert_uint_eq(core.out[0].bytes[41], 0);
	/* ICMP of which it makes fragments itself is ICMPv6 there. */
	wire_echo(&part, 8, 1400);
	want = part;
	struct ip ip = core_in4(IP(.protocol = ICMP4));
	wire_packet(&in, &ip, &part);
	run();
	ck_assert_uint_eq(core.n, 2);
	ck_assert_uint_eq(core.out[0].bytes[40], ICMP6);
	ck_assert_uint_eq(core.out[1].bytes[40], ICMP6);
	assert_pieces(1280, 0, false);
	want.bytes[0] = 128;
	part = want;
	ip = core_out6(IP(.protocol = ICMP6));
	wire_packet(&want, &ip, &part);
	ck_assert(memcmp(whole.bytes, want.bytes + 40, part.len) == 0);
}
END_TEST

START_TEST(item_047_pieces_are_multiples_of_eight)
{
	for (uint32_t mtu = 1280; mtu < 1296; mtu++) {
		core.settings.lowest_ipv6_mtu = mtu;
		core.counts.fragments[1] = 0;
		make4(IP(.id = 3), 4444);
		run();
		assert_cut(mtu);	/* looks at that */
		/* As full as they may be: the first is at most seven bytes below. */
		ck_assert_uint_gt(core.out[0].len, mtu - 8);
	}
}
END_TEST

START_TEST(item_048_never_below_what_is_allowed)
{
	core.settings.lowest_ipv6_mtu = 1500;
	core.settings.mtu6 = 1300;
	make4(IP(.id = 3), 1281);
	run();
	assert_cut(1300);
	make4(IP(.id = 3), 1280);
	run();
	ck_assert_uint_eq(core.n, 1);
	core.settings.mtu6 = 1280;
	for (size_t total = 1261; total < 1500; total++) {
		make4(IP(.df = true), total);
		ck_assert_uint_eq(core_tells(&core, &in, KS_XLAT_TOO_BIG4, 3, 4), 1260);
		core.xlat.now_us += 1000000;
	}
}
END_TEST

START_TEST(item_049_icmp_fragments_are_dropped)
{
	static const struct ip fragments[] = {
		{ .protocol = ICMP4, .more = true }, { .protocol = ICMP4, .more = true, .offset = 80 },
		{ .protocol = ICMP4, .offset = 160 },
	};

	wire_echo(&part, 8, 72);
	for (size_t i = 0; i < 3; i++) {
		struct ip ip = core_in4(fragments[i]);

		wire_packet(&in, &ip, &part);
		core_drops(&core, &in, KS_XLAT_ICMP_FRAGMENT);
	}
	ck_assert_uint_eq(core.counts.drops[0][KS_XLAT_ICMP_FRAGMENT], 3);
}
END_TEST

START_TEST(item_050_fragment_beyond_the_end)
{
	struct ip ip = core_in4(IP(.offset = 65528));

	wire_data(&part, 8);
	wire_packet(&in, &ip, &part);
	core_drops(&core, &in, KS_XLAT_FRAGMENT);
	wire_data(&part, 7);
	wire_packet(&in, &ip, &part);
	run();
}
END_TEST

START_TEST(item_050_odd_length_with_more_goes_on)
{
	core.care = PACKET_IP;		/* it is not well-formed, and goes on as it is */
	fragment_becomes(IP(.protocol = UDP, .more = true, .offset = 80), 13);
}
END_TEST

START_TEST(item_051_errors_are_not_cut_into_fragments)
{
	static struct wire quoted;
	struct ip ip = core_out4(IP(0));

	wire_udp(&part, 1400);
	wire_packet(&quoted, &ip, &part);
	core.settings.lowest_ipv6_mtu = 1400;
	for (size_t len = 1200; len <= 1428; len += 4) {
		wire_error(&part, 3, 1, 0, &quoted, len, 0);
		ip = core_in4(IP(.protocol = ICMP4));
		wire_packet(&in, &ip, &part);
		run();
		ck_assert_uint_eq(core.n, 1);
		ck_assert(!parse(0).fragment);
		/* As many bytes more as the two headers, but for what an error may be long. */
		ck_assert_uint_eq(core.out[0].len, in.len + 40 > 1280 ? 1280 : in.len + 40);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nat64_to6_size");
	TCase *tc = core_case("items");

	tcase_add_test(tc, item_036_too_big_with_df);
	tcase_add_test(tc, item_036_options_do_not_count);
	tcase_add_test(tc, item_037_too_big_fragment_with_df);
	tcase_add_test(tc, item_038_without_df_it_is_cut);
	tcase_add_test(tc, item_039_lowest_ipv6_mtu_raised);
	tcase_add_test(tc, item_040_what_fits_gets_no_fragment_header);
	tcase_add_test(tc, item_041_df_never_gets_a_fragment_header);
	tcase_add_test(tc, item_042_fragments_get_a_fragment_header);
	tcase_add_test(tc, item_043_offset_is_copied);
	tcase_add_test(tc, item_044_m_flag_is_copied);
	tcase_add_test(tc, item_045_identification_is_copied);
	tcase_add_test(tc, item_046_fields_of_a_fragment);
	tcase_add_test(tc, item_047_pieces_are_multiples_of_eight);
	tcase_add_test(tc, item_048_never_below_what_is_allowed);
	tcase_add_test(tc, item_049_icmp_fragments_are_dropped);
	tcase_add_test(tc, item_050_fragment_beyond_the_end);
	tcase_add_test(tc, item_050_odd_length_with_more_goes_on);
	tcase_add_test(tc, item_051_errors_are_not_cut_into_fragments);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
