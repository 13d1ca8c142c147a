/* SPDX-License-Identifier: Apache-2.0
 *
 * From IPv6 to IPv4: fragments and sizes (section E of the checklist); RFC 7915, section 5.1.1.
 */
#include <string.h>

#include "tests/unit/core_check.h"

static struct wire part, in, want, whole;

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

/* A fragment with those fields becomes one packet with those. */
static void fragment_becomes(struct ip ip, size_t len)
{
	struct ip to = IP(.protocol = ip.protocol, .offset = ip.offset, .more = ip.more, .id = ip.id & 0xffff);

	wire_data(&part, len);
	ip.fragment = true;
	core_64(ip, to, &part);
}

START_TEST(item_049_icmpv6_fragments_are_dropped)
{
	static const struct ip fragments[] = {
		{ .protocol = ICMP6, .more = true }, { .protocol = ICMP6, .more = true, .offset = 80 },
		{ .protocol = ICMP6, .offset = 160 },
	};

	wire_echo(&part, 128, 72);
	for (size_t i = 0; i < 3; i++) {
		struct ip ip = core_in6(fragments[i]);

		wire_packet(&in, &ip, &part);
		core_drops(&core, &in, KS_XLAT_ICMP_FRAGMENT);
	}
}
END_TEST

START_TEST(item_067_total_length_of_a_fragment)
{
	static const uint8_t extensions[] = { HOP_BY_HOP, DESTINATION };

	for (size_t n = 0; n <= 2; n++)
		for (size_t len = 8; len < 400; len += 8) {
			fragment_becomes(IP(.protocol = UDP, .more = true, .offset = 80, .extensions = extensions,
					    .n_extensions = n), len);
			ck_assert_uint_eq(core.out[0].len, 20 + len);
		}
}
END_TEST

START_TEST(item_068_identification_is_the_low_half)
{
	for (unsigned id = 0; id < 65536; id += 257) {
		fragment_becomes(IP(.protocol = UDP, .more = true, .offset = 8, .id = 0xdead0000 | id), 8);
		ck_assert_uint_eq(wire_get16(core.out[0].bytes + 4), id);
	}
}
END_TEST

START_TEST(item_069_mf_is_m)
{
	fragment_becomes(IP(.protocol = UDP, .more = true, .offset = 8), 8);
	ck_assert_uint_eq(wire_get16(core.out[0].bytes + 6) & 0x2000, 0x2000);
	fragment_becomes(IP(.protocol = UDP, .more = false, .offset = 8), 8);
	ck_assert_uint_eq(wire_get16(core.out[0].bytes + 6) & 0x2000, 0);
}
END_TEST

START_TEST(item_070_no_df)
{
	for (size_t len = 1200; len <= 1448; len += 8) {
		fragment_becomes(IP(.protocol = UDP, .more = true, .offset = 1448), len);
		ck_assert_uint_eq(wire_get16(core.out[0].bytes + 6) & 0x4000, 0);
	}
	make6(IP(.fragment = true), 1400);	/* atomic */
	run();
	ck_assert_uint_eq(wire_get16(core.out[0].bytes + 6), 0);
}
END_TEST

START_TEST(item_071_offset_is_copied)
{
	for (unsigned offset = 8; offset <= 65528 - 8; offset += 8)
		fragment_becomes(IP(.protocol = UDP, .more = true, .offset = offset), 8);
}
END_TEST

START_TEST(item_071_fragment_beyond_the_end)
{
	make6(IP(.fragment = true, .offset = 65528), 0);
	core_drops(&core, &in, KS_XLAT_FRAGMENT);
	fragment_becomes(IP(.protocol = UDP, .offset = 65528), 7);
}
END_TEST

START_TEST(item_072_extension_behind_a_fragment_header)
{
	static const unsigned headers[] = { HOP_BY_HOP, ROUTING, 51, DESTINATION };

	for (size_t i = 0; i < 4; i++)
		for (unsigned offset = 0; offset <= 80; offset += 80) {
			make6(IP(.fragment = true, .offset = offset, .more = true), 56);
			in.bytes[40] = (uint8_t)headers[i];
			wire_put16(in.bytes + 48, UDP << 8);
			core_tells(&core, &in, KS_XLAT_EXT_AFTER_FRAG, 1, 1);
		}
	fragment_becomes(IP(.protocol = 50, .more = true), 64);		/* ESP */
	/* One that goes on in the next fragment, or nowhere. */
	make6(IP(.fragment = true, .more = true), 56);
	in.bytes[40] = DESTINATION;
	in.bytes[49] = 255;
	core.care = PACKET_IP;
	core_tells(&core, &in, KS_XLAT_EXT_AFTER_FRAG, 1, 1);
}
END_TEST

/* An ICMP error behind such a header is none to be answered (RFC 4443, section 2.4 (e.1)). */
START_TEST(item_072_an_error_behind_it_is_not_answered)
{
	static struct wire quoted;

	make6(IP(.fragment = true, .more = true), 56);
	wire_slice(&quoted, &in, 0, in.len);
	wire_error(&part, 1, 0, 0, &quoted, quoted.len, 0);
	memmove(part.bytes + 8, part.bytes, part.len);
	memcpy(part.bytes, (uint8_t[8]){ ICMP6, 0, 1, 4 }, 8);
	part.len += 8;
	wire_packet(&in, &(struct ip){ .src = HOST6, .dst = PEER6, .protocol = DESTINATION, .fragment = true }, &part);
	core_drops(&core, &in, KS_XLAT_EXT_AFTER_FRAG);
}
END_TEST

START_TEST(item_073_atomic_fragment)
{
	wire_udp(&part, 60);
	core_64(IP(.fragment = true, .id = 0x12345678), IP(0), &part);
	ck_assert_uint_eq(wire_get16(core.out[0].bytes + 4), 0x5678);
	wire_tcp(&part, 60);
	core_64(IP(.protocol = TCP, .fragment = true), IP(.protocol = TCP), &part);
}
END_TEST

/* What came out is `part` in fragments of at most mtu4; the checksum is that of IPv4. */
static void assert_cut(size_t mtu4)
{
	struct ip ip = core_out4(IP(0));
	size_t at = 0;
	unsigned id = 0;

	ck_assert_uint_gt(core.n, 1);
	for (unsigned i = 0; i < core.n; i++) {
		struct parsed p;

		ck_assert_ptr_null(wire_parse(&p, core.out[i].bytes, core.out[i].len, false));
		ck_assert_uint_le(core.out[i].len, mtu4);
		ck_assert(!p.df);
		ck_assert_uint_eq(p.offset, at);
		ck_assert_uint_eq(p.more, i + 1 < core.n);
		id = i == 0 ? p.id : id;
		ck_assert_uint_eq(p.id, id);
		memcpy(whole.bytes + at, core.out[i].bytes + 20, p.payload);
		at += p.payload;
	}
	wire_packet(&want, &ip, &part);
	ck_assert_uint_eq(at, want.len - 20);
	ck_assert(memcmp(whole.bytes, want.bytes + 20, at) == 0);
	ck_assert_uint_eq(core.counts.fragments[0], core.n);
}

START_TEST(item_074_cut_up_to_1280)
{
	static const uint8_t one[] = { DESTINATION };

	for (uint32_t mtu4 = 68; mtu4 < 1260; mtu4 += 19) {
		core.settings.mtu4 = mtu4;
		core.counts.fragments[0] = 0;
		make6(IP(0), 1280 - 48);
		run();
		assert_cut(mtu4);
	}
	core.settings.mtu4 = 1000;
	core.counts.fragments[0] = 0;
	make6(IP(.fragment = true, .id = 5), 1280 - 56);	/* an atomic one is whole */
	run();
	assert_cut(1000);
	core.counts.fragments[0] = 0;
	make6(IP(.extensions = one, .n_extensions = 1), 1280 - 56);
	run();
	assert_cut(1000);
}
END_TEST

START_TEST(item_074_a_fragment_is_cut_in_two)
{
	struct ip ip = core_in6(IP(.more = true, .offset = 1600, .id = 0x10005));

	core.settings.mtu4 = 1000;
	wire_data(&part, 1200);
	wire_packet(&in, &ip, &part);
	run();
	ck_assert_uint_eq(core.n, 2);
	for (unsigned i = 0; i < 2; i++) {
		ip = core_out4(IP(.more = true, .offset = 1600 + i * 976, .id = 5));
		wire_slice(&whole, &part, i * 976, i == 0 ? 976 : 224);
		wire_packet(&want, &ip, &whole);
		core_same(&core.out[i], &want, "a piece");
	}
}
END_TEST

START_TEST(item_075_too_big)
{
	make6(IP(0), 1520 - 48);
	run();
	make6(IP(0), 1521 - 48);
	ck_assert_uint_eq(core_tells(&core, &in, KS_XLAT_TOO_BIG6, 2, 0), 1520);
	core.settings.mtu4 = 1400;
	make6(IP(0), 1421 - 48);
	ck_assert_uint_eq(core_tells(&core, &in, KS_XLAT_TOO_BIG6, 2, 0), 1420);
	/* Less than 1280 nobody has to obey (RFC 8201, section 4): such packets are cut. */
	core.settings.mtu4 = 1000;
	make6(IP(0), 1281 - 48);
	ck_assert_uint_eq(core_tells(&core, &in, KS_XLAT_TOO_BIG6, 2, 0), 1280);
}
END_TEST

START_TEST(item_076_too_big_fragment)
{
	core.settings.mtu4 = 1400;
	fragment_becomes(IP(.protocol = UDP, .more = true, .offset = 1376), 1376);
	make6(IP(.more = true), 1384 - 8);
	ck_assert_uint_eq(core_tells(&core, &in, KS_XLAT_TOO_BIG6, 2, 0), 1420);
	make6(IP(.more = true, .offset = 1384), 1384 - 8);
	ck_assert_uint_eq(core_tells(&core, &in, KS_XLAT_TOO_BIG6, 2, 0), 1420);
}
END_TEST

START_TEST(item_077_second_fragment_header)
{
	make6(IP(.fragment = true), 56);
	in.bytes[40] = FRAGMENT;
	core_drops(&core, &in, KS_XLAT_FRAGMENT);
	make6(IP(.more = true, .offset = 8), 56);
	in.bytes[40] = FRAGMENT;
	core_drops(&core, &in, KS_XLAT_FRAGMENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nat64_to4_size");
	TCase *tc = core_case("items");

	tcase_add_test(tc, item_049_icmpv6_fragments_are_dropped);
	tcase_add_test(tc, item_067_total_length_of_a_fragment);
	tcase_add_test(tc, item_068_identification_is_the_low_half);
	tcase_add_test(tc, item_069_mf_is_m);
	tcase_add_test(tc, item_070_no_df);
	tcase_add_test(tc, item_071_offset_is_copied);
	tcase_add_test(tc, item_071_fragment_beyond_the_end);
	tcase_add_test(tc, item_072_extension_behind_a_fragment_header);
	tcase_add_test(tc, item_072_an_error_behind_it_is_not_answered);
	tcase_add_test(tc, item_073_atomic_fragment);
	tcase_add_test(tc, item_074_cut_up_to_1280);
	tcase_add_test(tc, item_074_a_fragment_is_cut_in_two);
	tcase_add_test(tc, item_075_too_big);
	tcase_add_test(tc, item_076_too_big_fragment);
	tcase_add_test(tc, item_077_second_fragment_header);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
