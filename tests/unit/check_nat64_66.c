/* SPDX-License-Identifier: Apache-2.0
 *
 * From IPv6 to IPv6: one address for another, as a router would forward the rest (map66-static of map646).
 */
#include <string.h>

#include "tests/unit/core_check.h"
#include "tests/unit/gso.h"

static struct wire part, in, want, quoted;

static void make(struct ip ip)
{
	wire_packet(&in, &ip, &part);
}

static void wanted(struct ip ip)
{
	wire_packet(&want, &ip, &part);
}

/* From the outside to the one within, and back; `ip` has the rest. */
static void inwards(struct ip ip)
{
	ip.src = STRANGER6;
	ip.dst = GLOBAL66;
	ip.ttl = 64;
	make(ip);
	ip.dst = INTRA66;
	ip.ttl = 63;
	wanted(ip);
	core_gives(&core, &in, &want);
}

static void outwards(struct ip ip)
{
	ip.src = INTRA66;
	ip.dst = STRANGER6;
	ip.ttl = 64;
	make(ip);
	ip.src = GLOBAL66;
	ip.ttl = 63;
	wanted(ip);
	core_gives(&core, &in, &want);
}

START_TEST(both_ways)
{
	wire_tcp(&part, 99);
	inwards(IP(.protocol = TCP, .tos = 7, .flow = 0x12345));
	outwards(IP(.protocol = TCP, .tos = 7, .flow = 0x12345));
	wire_udp(&part, 99);
	inwards(IP(.protocol = UDP));
	outwards(IP(.protocol = UDP));
	wire_echo(&part, 128, 99);
	inwards(IP(.protocol = ICMP6));
	outwards(IP(.protocol = ICMP6));
	wire_udp(&part, 99);
	wire_put16(part.bytes + 6, 0);
	core.zero_udp = true;
	inwards(IP(.protocol = UDP, .unsummed = true));
	outwards(IP(.protocol = UDP, .unsummed = true));
	wire_data(&part, 99);
	inwards(IP(.protocol = 50));
	outwards(IP(.protocol = 50));
	ck_assert_uint_eq(core.counts.packets[KS_XLAT_66], 10);
	ck_assert_uint_eq(core.mappings[ks_table_slots(core.table) - 1].packets_to, 5);
	ck_assert_uint_eq(core.mappings[ks_table_slots(core.table) - 1].packets_from, 5);
}
END_TEST

START_TEST(extension_headers_stay)
{
	static const uint8_t extensions[] = { HOP_BY_HOP, DESTINATION, ROUTING };

	wire_udp(&part, 99);
	inwards(IP(.protocol = UDP, .extensions = extensions, .n_extensions = 3));
	outwards(IP(.protocol = UDP, .extensions = extensions, .n_extensions = 3));
}
END_TEST

START_TEST(fragments)
{
	wire_data(&part, 64);
	inwards(IP(.protocol = UDP, .more = true, .offset = 640, .id = 0x12345678));
	outwards(IP(.protocol = TCP, .offset = 640, .id = 0x12345678));
	wire_udp(&part, 60);
	inwards(IP(.protocol = UDP, .fragment = true, .id = 9));
}
END_TEST

/* What IPv4 cannot have is nothing to a router of IPv6. */
START_TEST(as_ipv6_has_it)
{
	static const uint8_t extensions[] = { ROUTING };

	wire_data(&part, 64);
	inwards(IP(.protocol = ICMP6, .offset = 640, .id = 7));
	outwards(IP(.protocol = IGMP));
	wire_udp(&part, 99);
	make(IP(.src = STRANGER6, .dst = GLOBAL66, .protocol = UDP, .extensions = extensions, .n_extensions = 1));
	in.bytes[40 + 3] = 1;
	ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
	ck_assert_uint_eq(core.out[0].bytes[40 + 3], 1);
}
END_TEST

START_TEST(a_wrong_checksum_stays_as_wrong)
{
	struct parsed p, q;

	core.care = PACKET_LENGTHS;
	wire_tcp(&part, 99);
	make(IP(.src = STRANGER6, .dst = GLOBAL66, .protocol = TCP));
	in.bytes[60] ^= 0x55;
	ck_assert_int_eq(core_run(&core, &in), KS_XLAT_PASSED);
	ck_assert_ptr_null(wire_parse(&p, in.bytes, in.len, false));
	ck_assert_ptr_null(wire_parse(&q, core.out[0].bytes, core.out[0].len, false));
	ck_assert_uint_eq(wire_add(wire_pseudo(&p, p.payload), in.bytes + 40, p.payload),
			  wire_add(wire_pseudo(&q, q.payload), core.out[0].bytes + 40, q.payload));
}
END_TEST

START_TEST(as_a_router)
{
	wire_udp(&part, 1452);
	inwards(IP(.protocol = UDP));
	ck_assert_uint_eq(in.len, 1500);
	wire_udp(&part, 1453);
	make(IP(.src = STRANGER6, .dst = GLOBAL66, .protocol = UDP));
	ck_assert_uint_eq(core_tells(&core, &in, KS_XLAT_TOO_BIG66, 2, 0), 1500);
	wire_udp(&part, 20);
	make(IP(.src = STRANGER6, .dst = GLOBAL66, .protocol = UDP, .ttl = 1));
	core_tells(&core, &in, KS_XLAT_TTL6, 3, 0);
	part.len = 7;
	make(IP(.src = STRANGER6, .dst = GLOBAL66, .protocol = UDP));
	core_drops(&core, &in, KS_XLAT_SHORT);
	wire_udp(&part, 20);
	make(IP(.src = STRANGER6, .dst = "2001:db8:66::2", .protocol = UDP));
	core_tells(&core, &in, KS_XLAT_NO_MAP_DST6, 1, 0);
}
END_TEST

/* UDP whose checksum becomes 0, which in IPv6 is none. */
START_TEST(a_checksum_of_0)
{
	unsigned found = 0;

	wire_udp(&part, 2);
	for (unsigned data = 0; data < 65536; data++) {
		wire_put16(part.bytes + 8, data);
		wanted(IP(.src = STRANGER6, .dst = INTRA66, .protocol = UDP));
		if (wire_get16(want.bytes + 46) != 0xffff)
			continue;
		inwards(IP(.protocol = UDP));
		found++;
	}
	ck_assert_uint_gt(found, 0);
}
END_TEST

/* An error to the one within about its packet, whose source there was not what others saw; and one from it. */
START_TEST(errors)
{
	for (size_t bytes = 40; bytes <= 60 + 48; bytes++) {
		if (bytes == 40 + 7)
			continue;	/* half of the checksum: nothing to compare it with */
		wire_udp(&part, 60);
		wire_packet(&quoted, &(struct ip){ .src = GLOBAL66, .dst = STRANGER6, .protocol = UDP }, &part);
		wire_error(&part, 1, 4, 0, &quoted, bytes, 0);
		make(IP(.src = "2001:db8:9::1", .dst = GLOBAL66, .protocol = ICMP6));
		wire_udp(&part, 60);
		wire_packet(&quoted, &(struct ip){ .src = INTRA66, .dst = STRANGER6, .protocol = UDP }, &part);
		wire_error(&part, 1, 4, 0, &quoted, bytes, 0);
		wanted(IP(.src = "2001:db8:9::1", .dst = INTRA66, .protocol = ICMP6, .ttl = 63));
		core_gives(&core, &in, &want);

		wire_udp(&part, 60);
		wire_packet(&quoted, &(struct ip){ .src = STRANGER6, .dst = INTRA66, .protocol = UDP }, &part);
		wire_error(&part, 3, 0, 0, &quoted, bytes, 0);
		make(IP(.src = INTRA66, .dst = STRANGER6, .protocol = ICMP6));
		wire_udp(&part, 60);
		wire_packet(&quoted, &(struct ip){ .src = STRANGER6, .dst = GLOBAL66, .protocol = UDP }, &part);
		wire_error(&part, 3, 0, 0, &quoted, bytes, 0);
		wanted(IP(.src = GLOBAL66, .dst = STRANGER6, .protocol = ICMP6, .ttl = 63));
		core_gives(&core, &in, &want);
	}
}
END_TEST

START_TEST(errors_that_are_none)
{
	wire_echo(&part, 1, 60);
	wire_packet(&quoted, &(struct ip){ .src = GLOBAL66, .dst = STRANGER6, .protocol = ICMP6 }, &part);
	wire_error(&part, 1, 4, 0, &quoted, quoted.len, 0);
	make(IP(.src = "2001:db8:9::1", .dst = GLOBAL66, .protocol = ICMP6));
	core_drops(&core, &in, KS_XLAT_ICMP_DOUBLE);
	in.bytes[in.len - 1] ^= 1;
	core_drops(&core, &in, KS_XLAT_ICMP_CHECKSUM);
	wire_error(&part, 1, 4, 0, &quoted, 39, 0);
	make(IP(.src = "2001:db8:9::1", .dst = GLOBAL66, .protocol = ICMP6));
	core_drops(&core, &in, KS_XLAT_ICMP_INNER);
}
END_TEST

START_TEST(large_ones)
{
	static struct wire whole, large, one;
	struct virtio_net_hdr offload;

	wire_tcp(&part, 50000);
	make(IP(.src = STRANGER6, .dst = GLOBAL66, .protocol = TCP));
	wanted(IP(.src = STRANGER6, .dst = INTRA66, .protocol = TCP, .ttl = 63));
	gso_make(&in, 1440, &large, &offload);
	ck_assert_int_eq(core_run_offload(&core, &large, &offload), KS_XLAT_PASSED);
	ck_assert_uint_eq(core.n, 1);
	ck_assert_uint_eq(core.counts.packets[KS_XLAT_66], (50000 + 1439) / 1440);
	gso_make(&want, 1440, &whole, &offload);
	for (unsigned i = 0; gso_cut(whole.bytes, whole.len, &offload, i, &one); i++) {
		static struct wire got;

		ck_assert(gso_cut(core.out[0].bytes, core.out[0].len, &core.out[0].offload, i, &got));
		ck_assert_uint_eq(got.len, one.len);
		ck_assert(memcmp(got.bytes, one.bytes, one.len) == 0);
	}
	gso_make(&in, 1441, &large, &offload);
	ck_assert_int_eq(core_run_offload(&core, &large, &offload), KS_XLAT_TOO_BIG66);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nat64_66");
	TCase *tc = core_case("items");

	tcase_add_test(tc, both_ways);
	tcase_add_test(tc, extension_headers_stay);
	tcase_add_test(tc, fragments);
	tcase_add_test(tc, as_ipv6_has_it);
	tcase_add_test(tc, a_wrong_checksum_stays_as_wrong);
	tcase_add_test(tc, as_a_router);
	tcase_add_test(tc, a_checksum_of_0);
	tcase_add_test(tc, errors);
	tcase_add_test(tc, errors_that_are_none);
	tcase_add_test(tc, large_ones);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
