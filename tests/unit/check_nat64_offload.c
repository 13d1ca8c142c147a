/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets whose checksum, or whose cutting, the kernel has left to whoever takes them: what comes of a large packet,
 * cut at the end, is what comes of its segments, cut before.
 */
#include <string.h>

#include "tests/unit/core_check.h"
#include "tests/unit/gso.h"

#define SEGMENTS_MAX 128	/* of one test's packets, fragments too */

static struct wire part, whole, in, one;
static struct virtio_net_hdr offload;
static struct wire wanted[SEGMENTS_MAX];
static unsigned n_wanted;

static void make(struct ip ip, unsigned size)
{
	wire_packet(&whole, &ip, &part);
	if (size > 0)
		gso_make(&whole, size, &in, &offload);
	else
		gso_leave(&whole, &in, &offload);
}

/* What comes of each segment, translated alone. */
static void translate_segments(void)
{
	n_wanted = 0;
	for (unsigned i = 0; gso_cut(in.bytes, in.len, &offload, i, &one); i++) {
		enum ks_xlat_drop why = core_run(&core, &one);

		ck_assert_msg(why == KS_XLAT_PASSED, "segment %u: %s", i, ks_xlat_drop_names[why]);
		for (unsigned k = 0; k < core.n; k++) {
			ck_assert_uint_lt(n_wanted, SEGMENTS_MAX);
			wanted[n_wanted].len = core.out[k].len;
			memcpy(wanted[n_wanted++].bytes, core.out[k].bytes, core.out[k].len);
		}
	}
}

/* Of IPv4, what may differ: the Identification, and DF, which the last and shorter segment has from the others. */
static void any_id(uint8_t *packet)
{
	if (packet[0] >> 4 != 4)
		return;
	wire_put16(packet + 4, 0);
	packet[6] &= (uint8_t)~0x40;
	wire_put16(packet + 10, 0);
}

/* The packets on the wire of all that came out now are those. Returns how many there were. */
static unsigned assert_alike(void)
{
	unsigned n = 0;

	translate_segments();
	ck_assert_int_eq(core_run_offload(&core, &in, &offload), KS_XLAT_PASSED);
	for (unsigned k = 0; k < core.n; k++)
		for (unsigned i = 0; gso_cut(core.out[k].bytes, core.out[k].len, &core.out[k].offload, i, &one); i++) {
			ck_assert_uint_lt(n, n_wanted);
			any_id(one.bytes);
			any_id(wanted[n].bytes);
			ck_assert_uint_eq(one.len, wanted[n].len);
			ck_assert_msg(memcmp(one.bytes, wanted[n].bytes, one.len) == 0, "packet %u", n);
			n++;
		}
	ck_assert_uint_eq(n, n_wanted);
	return n;
}

START_TEST(tcp_to_ipv6)
{
	static const size_t data[] = { 1, 1440, 1441, 2880, 14000, 65495 };

	for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++) {
		wire_tcp(&part, data[i]);
		make(core_in4(IP(.protocol = TCP, .df = true)), 1440);
		ck_assert_uint_eq(assert_alike(), (data[i] + 1439) / 1440);
		ck_assert_uint_eq(core.n, 1);
		ck_assert_uint_eq(core.out[0].offload.gso_type, VIRTIO_NET_HDR_GSO_TCPV6);
		ck_assert_uint_eq(core.out[0].offload.hdr_len, 60);
		ck_assert_uint_eq(core.out[0].offload.csum_start, 40);
		ck_assert_uint_eq(core.out[0].offload.gso_size, 1440);
	}
}
END_TEST

START_TEST(tcp_to_ipv4)
{
	static const size_t data[] = { 1, 1440, 1441, 2880, 14000, 65495 };

	for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++) {
		wire_tcp(&part, data[i]);
		make(core_in6(IP(.protocol = TCP)), 1440);
		ck_assert_uint_eq(assert_alike(), (data[i] + 1439) / 1440);
		ck_assert_uint_eq(core.n, 1);
		ck_assert_uint_eq(core.out[0].offload.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
		ck_assert_uint_eq(core.out[0].offload.hdr_len, 40);
		ck_assert_uint_eq(core.out[0].offload.csum_start, 20);
	}
}
END_TEST

START_TEST(udp_both_ways)
{
	for (size_t data = 1; data < 65000; data += 2999) {
		wire_udp(&part, data);
		make(core_in4(IP(.df = true, .tos = 0xb8)), 1200);
		ck_assert_uint_eq(assert_alike(), (data + 1199) / 1200);
		ck_assert_uint_eq(core.out[0].offload.gso_type, PACKET_GSO_UDP_L4);
		make(core_in6(IP(.tos = 0xb8)), 1200);
		ck_assert_uint_eq(assert_alike(), (data + 1199) / 1200);
		ck_assert_uint_eq(core.out[0].offload.gso_type, PACKET_GSO_UDP_L4);
		ck_assert_uint_eq(core.out[0].offload.csum_start, 20);
	}
}
END_TEST

START_TEST(flags_of_tcp)
{
	for (unsigned flags = 0; flags < 256; flags++) {
		wire_tcp(&part, 4000);
		part.bytes[13] = (uint8_t)flags;
		make(core_in4(IP(.protocol = TCP, .df = true)), 1000);
		offload.gso_type |= flags & 0x80 ? VIRTIO_NET_HDR_GSO_ECN : 0;
		assert_alike();
		ck_assert_uint_eq(core.out[0].offload.gso_type & VIRTIO_NET_HDR_GSO_ECN, flags & 0x80);
		make(core_in6(IP(.protocol = TCP)), 1000);
		offload.gso_type |= flags & 0x80 ? VIRTIO_NET_HDR_GSO_ECN : 0;
		assert_alike();
		ck_assert_uint_eq(core.out[0].offload.gso_type & VIRTIO_NET_HDR_GSO_ECN, flags & 0x80);
	}
}
END_TEST

START_TEST(options_and_extension_headers)
{
	static const uint8_t nops[12] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
	static const uint8_t extensions[] = { HOP_BY_HOP, DESTINATION };

	wire_tcp(&part, 4000);
	part.bytes[12] = 8 << 4;	/* twelve bytes of its data are options */
	make(core_in4(IP(.protocol = TCP, .df = true, .options = nops, .n_options = 12)), 1000);
	assert_alike();
	ck_assert_uint_eq(core.out[0].offload.hdr_len, 40 + 32);
	make(core_in6(IP(.protocol = TCP, .extensions = extensions, .n_extensions = 2)), 1000);
	assert_alike();
	ck_assert_uint_eq(core.out[0].offload.hdr_len, 20 + 32);
	wire_udp(&part, 4000);
	make(core_in6(IP(.extensions = extensions, .n_extensions = 2)), 1000);
	assert_alike();
}
END_TEST

START_TEST(partial_sums)
{
	for (size_t data = 0; data < 1200; data += 11) {
		wire_tcp(&part, data);
		make(core_in4(IP(.protocol = TCP)), 0);
		ck_assert_uint_eq(assert_alike(), 1);
		/* Still left to the kernel, which has hardware for it. */
		ck_assert_uint_eq(core.out[0].offload.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
		ck_assert_uint_eq(core.out[0].offload.csum_start, 40);
		ck_assert_uint_eq(core.out[0].offload.csum_offset, 16);
		make(core_in6(IP(.protocol = TCP)), 0);
		assert_alike();
		ck_assert_uint_eq(core.out[0].offload.csum_start, 20);
		wire_udp(&part, data);
		make(core_in4(IP(0)), 0);
		assert_alike();
		make(core_in6(IP(0)), 0);
		assert_alike();
		ck_assert_uint_eq(core.out[0].offload.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	}
}
END_TEST

START_TEST(partial_sums_of_icmp)
{
	static struct wire quoted;

	wire_echo(&part, 8, 100);
	make(core_in4(IP(.protocol = ICMP4)), 0);
	assert_alike();
	wire_echo(&part, 128, 100);
	make(core_in6(IP(.protocol = ICMP6)), 0);
	assert_alike();
	quoted = whole;
	wire_udp(&part, 100);
	wire_packet(&quoted, &(struct ip){ .src = PEER6, .dst = HOST6, .protocol = UDP }, &part);
	wire_error(&part, 1, 0, 0, &quoted, quoted.len, 0);
	make(core_in6(IP(.protocol = ICMP6)), 0);
	translate_segments();
	ck_assert_int_eq(core_run_offload(&core, &in, &offload), KS_XLAT_PASSED);
	ck_assert_uint_eq(core.out[0].len, wanted[0].len);
	/* To itself, too. */
	wire_echo(&part, 128, 100);
	make(core_in6(IP(.protocol = ICMP6, .dst = SELF6)), 0);
	assert_alike();
}
END_TEST

START_TEST(partial_sums_of_what_is_cut)
{
	wire_udp(&part, 1400);
	make(core_in4(IP(0)), 0);
	ck_assert_uint_eq(assert_alike(), 2);
	core.settings.mtu4 = 600;
	wire_tcp(&part, 1200);
	make(core_in6(IP(.protocol = TCP)), 0);
	ck_assert_uint_eq(assert_alike(), 3);
	wire_udp(&part, 5000);
	make(core_in6(IP(0)), 1000);
	ck_assert_uint_eq(assert_alike(), 10);
}
END_TEST

/* UDP whose checksum is 0 before it goes into the other family, or would be: it does not become one without. */
START_TEST(partial_sums_of_0)
{
	unsigned found = 0;

	wire_udp(&part, 1300);
	for (unsigned data = 0; data < 65536 && found < 2; data++) {
		wire_put16(part.bytes + 8, data);
		make(core_in4(IP(0)), 0);
		if (wire_get16(whole.bytes + 26) != 0xffff)
			continue;
		ck_assert_uint_eq(assert_alike(), 2);
		found++;
	}
	ck_assert_uint_gt(found, 0);
}
END_TEST

/* In the middle of what the translator does not know: summed at once, where it says. */
START_TEST(partial_sums_within_other_protocols)
{
	wire_data(&part, 100);
	wire_packet(&in, &(struct ip){ .src = PEER4, .dst = HOST4, .protocol = 47 }, &part);
	offload = (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 60, .csum_offset = 6 };
	ck_assert_int_eq(core_run_offload(&core, &in, &offload), KS_XLAT_PASSED);
	ck_assert_uint_eq(core.out[0].offload.flags, 0);
	wire_put16(in.bytes + 66, 0xffff & ~wire_add(0, in.bytes + 60, 60));
	ck_assert(memcmp(core.out[0].bytes + 40, in.bytes + 20, 100) == 0);
}
END_TEST

START_TEST(valid_checksums_stay_known)
{
	wire_tcp(&part, 100);
	wire_packet(&in, &(struct ip){ .src = PEER4, .dst = HOST4, .protocol = TCP }, &part);
	offload = (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_DATA_VALID };
	ck_assert_int_eq(core_run_offload(&core, &in, &offload), KS_XLAT_PASSED);
	ck_assert_uint_eq(core.out[0].offload.flags, VIRTIO_NET_HDR_F_DATA_VALID);
}
END_TEST

START_TEST(counted_by_segments)
{
	wire_tcp(&part, 14400);
	make(core_in4(IP(.protocol = TCP, .df = true)), 1440);
	ck_assert_int_eq(core_run_offload(&core, &in, &offload), KS_XLAT_PASSED);
	ck_assert_uint_eq(core.counts.packets[KS_XLAT_46], 10);
	ck_assert_uint_eq(core.counts.units[KS_XLAT_46], 1);
	ck_assert_uint_eq(core.counts.bytes[KS_XLAT_46], 60 + 14400);
}
END_TEST

START_TEST(turns_back)
{
	wire_tcp(&part, 14400);
	make(core_in6(IP(.protocol = TCP, .dst = OTHER6_BY_PREFIX)), 1400);
	ck_assert_uint_eq(assert_alike(), 11);
	ck_assert_uint_eq(core.n, 1);
	ck_assert_uint_eq(core.out[0].offload.gso_type, VIRTIO_NET_HDR_GSO_TCPV6);
	wire_udp(&part, 14400);
	make(core_in6(IP(.dst = OTHER6_BY_PREFIX)), 1400);
	ck_assert_uint_eq(assert_alike(), 11);
	make(core_in6(IP(.dst = OTHER6_BY_PREFIX)), 0);
	core.settings.mtu4 = core.settings.mtu6 = 20000;
	assert_alike();
}
END_TEST

START_TEST(random_ones)
{
	uint32_t random = 646;

	for (unsigned i = 0; i < 400; i++) {
		bool tcp, to6;
		size_t data, size;

		random = random * 1664525 + 1013904223;
		tcp = random >> 31;
		to6 = random >> 30 & 1;
		data = 1 + (random >> 8) % 20000;
		size = 200 + random % 1200;
		if (tcp)
			wire_tcp(&part, data);
		else
			wire_udp(&part, data);
		/* Without DF, UDP is cut in fragments when its segments are too long. */
		if (to6)
			make(core_in4(IP(.protocol = tcp ? TCP : UDP, .df = tcp, .id = random >> 16)), (unsigned)size);
		else
			make(core_in6(IP(.protocol = tcp ? TCP : UDP)), (unsigned)size);
		assert_alike();
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nat64_offload");
	TCase *tc = core_case("items");

	tcase_add_test(tc, tcp_to_ipv6);
	tcase_add_test(tc, tcp_to_ipv4);
	tcase_add_test(tc, udp_both_ways);
	tcase_add_test(tc, flags_of_tcp);
	tcase_add_test(tc, options_and_extension_headers);
	tcase_add_test(tc, partial_sums);
	tcase_add_test(tc, partial_sums_of_icmp);
	tcase_add_test(tc, partial_sums_of_what_is_cut);
	tcase_add_test(tc, partial_sums_of_0);
	tcase_add_test(tc, partial_sums_within_other_protocols);
	tcase_add_test(tc, valid_checksums_stay_known);
	tcase_add_test(tc, counted_by_segments);
	tcase_add_test(tc, turns_back);
	tcase_add_test(tc, random_ones);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
