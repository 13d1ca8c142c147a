/* SPDX-License-Identifier: Apache-2.0
 *
 * Large packets and the sizes of their segments; and offload fields that no packet can have.
 */
#include <string.h>

#include "tests/unit/core_check.h"
#include "tests/unit/gso.h"

static struct wire part, whole, in, one;
static struct virtio_net_hdr offload;

static void make(struct ip ip, unsigned size)
{
	wire_packet(&whole, &ip, &part);
	gso_make(&whole, size, &in, &offload);
}

static void make_tcp4(size_t data, bool df, unsigned size)
{
	wire_tcp(&part, data);
	make(core_in4(IP(.protocol = TCP, .df = df)), size);
}

static void make_tcp6(size_t data, unsigned size)
{
	wire_tcp(&part, data);
	make(core_in6(IP(.protocol = TCP)), size);
}

static void run(void)
{
	enum ks_xlat_drop why = core_run_offload(&core, &in, &offload);

	ck_assert_msg(why == KS_XLAT_PASSED, "%s", ks_xlat_drop_names[why]);
}

/* Dropped, and the sender told of the first segment as it would have been on the wire. */
static uint32_t told(enum ks_xlat_drop why, unsigned type, unsigned code)
{
	const uint8_t *out;
	size_t heads, quoted;

	ck_assert_int_eq(core_run_offload(&core, &in, &offload), why);
	ck_assert_uint_eq(core.n, 1);
	out = core.out[0].bytes;
	heads = out[0] >> 4 == 4 ? 28 : 48;
	ck_assert_uint_eq(out[heads - 8], type);
	ck_assert_uint_eq(out[heads - 7], code);
	ck_assert(gso_cut(in.bytes, in.len, &offload, 0, &one));
	quoted = core.out[0].len - heads;
	ck_assert_uint_le(quoted, one.len);
	ck_assert_uint_ge(quoted, one.len < 548 ? one.len : 548);
	ck_assert(memcmp(out + heads, one.bytes, quoted) == 0);
	return wire_get32(out + heads - 4);
}

START_TEST(large_ones_are_not_too_big)
{
	make_tcp4(65495, true, 1440);
	run();
	ck_assert_uint_eq(core.n, 1);
	make_tcp6(65495, 1460);
	run();
	ck_assert_uint_eq(core.n, 1);
	wire_udp(&part, 60000);
	make(core_in4(IP(.df = true)), 1452);
	run();
	ck_assert_uint_eq(core.n, 1);
}
END_TEST

START_TEST(segments_with_df_that_are_too_big)
{
	make_tcp4(65495, true, 1441);
	ck_assert_uint_eq(told(KS_XLAT_TOO_BIG4, 3, 4), 1480);
	wire_udp(&part, 60000);
	make(core_in4(IP(.df = true)), 1453);
	ck_assert_uint_eq(told(KS_XLAT_TOO_BIG4, 3, 4), 1480);
	make_tcp6(65495, 1461);
	ck_assert_uint_eq(told(KS_XLAT_TOO_BIG6, 2, 0), 1520);
	wire_udp(&part, 60000);
	make(core_in6(IP(0)), 1473);
	ck_assert_uint_eq(told(KS_XLAT_TOO_BIG6, 2, 0), 1520);
}
END_TEST

/* All of the data once, in order, in segments of at most max bytes. */
static void assert_stream(size_t data, size_t max)
{
	size_t at = 0;

	ck_assert_uint_eq(core.n, 1);
	for (unsigned i = 0; gso_cut(core.out[0].bytes, core.out[0].len, &core.out[0].offload, i, &one); i++) {
		struct parsed p;
		const uint8_t *tcp;

		ck_assert_ptr_null(packet_fault(one.bytes, one.len, NULL, PACKET_ALL));
		ck_assert_ptr_null(wire_parse(&p, one.bytes, one.len, false));
		ck_assert_uint_le(one.len, max);
		ck_assert(!p.df);
		tcp = one.bytes + p.at;
		ck_assert_uint_eq(wire_get32(tcp + 4), 0x01020304 + at);
		ck_assert(memcmp(tcp + 20, part.bytes + 20 + at, p.payload - 20) == 0);
		at += p.payload - 20;
	}
	ck_assert_uint_eq(at, data);
}

START_TEST(tcp_without_df_gets_smaller_segments)
{
	make_tcp4(40000, false, 1460);
	run();
	ck_assert_uint_eq(core.out[0].offload.gso_size, 1280 - 60);
	assert_stream(40000, 1280);
	core.settings.lowest_ipv6_mtu = 1400;
	run();
	assert_stream(40000, 1400);
	/* What fits stays. */
	make_tcp4(40000, false, 1200);
	run();
	ck_assert_uint_eq(core.out[0].offload.gso_size, 1200);
	core.settings.mtu4 = 1000;
	make_tcp6(40000, 1220);
	run();
	assert_stream(40000, 1000);
}
END_TEST

/* Where even one byte does not fit behind the headers they are as small as makes sense; the kernel has to cut them. */
START_TEST(tcp_where_nothing_fits)
{
	core.settings.mtu4 = 68;
	wire_tcp(&part, 1000);
	part.bytes[12] = 15 << 4;
	make(core_in6(IP(.protocol = TCP)), 400);
	run();
	ck_assert_uint_eq(core.n, 1);
	ck_assert_uint_ge(core.out[0].offload.gso_size, 1);
	ck_assert_uint_le(core.out[0].offload.gso_size, 8);
}
END_TEST

START_TEST(df_is_by_the_segment)
{
	make_tcp6(40000, 1220);
	run();
	ck_assert_uint_eq(wire_get16(core.out[0].bytes + 6), 0);
	make_tcp6(40000, 1221);
	run();
	ck_assert_uint_eq(wire_get16(core.out[0].bytes + 6), 0x4000);
	/* One that is shorter than a segment. */
	make_tcp6(1220, 1440);
	run();
	ck_assert_uint_eq(wire_get16(core.out[0].bytes + 6), 0);
}
END_TEST

START_TEST(udp_without_df_becomes_fragments_of_each)
{
	wire_udp(&part, 14000);
	make(core_in4(IP(.id = 0xfffe)), 1400);
	run();
	ck_assert_uint_eq(core.n, 20);
	for (unsigned i = 0; i < 20; i++) {
		struct parsed p;

		ck_assert_ptr_null(wire_parse(&p, core.out[i].bytes, core.out[i].len, false));
		ck_assert_uint_le(core.out[i].len, 1280);
		ck_assert_uint_eq(p.id, (0xfffeU + i / 2) & 0xffff);
		ck_assert_uint_eq(p.more, i % 2 == 0);
	}
}
END_TEST

START_TEST(other_drops_quote_the_first)
{
	make_tcp4(40000, true, 1000);
	in.bytes[8] = 1;
	wire_sum4(&in);
	told(KS_XLAT_TTL4, 11, 0);
	make_tcp6(40000, 1000);
	in.bytes[7] = 1;
	told(KS_XLAT_TTL6, 3, 0);
	wire_tcp(&part, 40000);
	make(core_in6(IP(.src = STRANGER6, .protocol = TCP)), 500);
	told(KS_XLAT_NO_MAP_SRC6, 1, 1);
}
END_TEST

/* --- what cannot be -------------------------------------------------------------------------------- */

static void refused(struct virtio_net_hdr changed)
{
	ck_assert_int_eq(core_run_offload(&core, &in, &changed), KS_XLAT_OFFLOAD);
	ck_assert_uint_eq(core.n, 0);
}

static void refused_fields(void)
{
	struct virtio_net_hdr o;

#define REFUSED(field, value) do { o = offload; o.field = (value); refused(o); } while (0)
	REFUSED(gso_size, 0);
	REFUSED(flags, 0);
	REFUSED(gso_type, VIRTIO_NET_HDR_GSO_UDP);
	REFUSED(gso_type, 77);
	REFUSED(gso_type, in.bytes[0] >> 4 == 4 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4);
	REFUSED(csum_start, offload.csum_start + 1);
	REFUSED(csum_start, offload.csum_start - 1);
	REFUSED(csum_start, 65535);
	REFUSED(csum_start, 0);
	REFUSED(csum_offset, offload.csum_offset + 1);
	REFUSED(csum_offset, 65535);
#undef REFUSED
	ck_assert_int_eq(core_run_offload(&core, &in, &offload), KS_XLAT_PASSED);
	ck_assert_uint_eq(core.n, 1);
}

START_TEST(fields_that_do_not_fit)
{
	make_tcp4(9000, true, 1000);
	refused_fields();
	make_tcp6(9000, 1000);
	refused_fields();
	wire_udp(&part, 9000);
	make(core_in4(IP(0)), 1000);
	refused_fields();
	make(core_in6(IP(0)), 1000);
	refused_fields();
}
END_TEST

START_TEST(partial_sums_that_do_not_fit)
{
	wire_tcp(&part, 60);
	for (unsigned v6 = 0; v6 <= 1; v6++) {
		struct ip ip = v6 ? core_in6(IP(.protocol = TCP)) : core_in4(IP(.protocol = TCP));
		struct virtio_net_hdr o;

		wire_packet(&whole, &ip, &part);
		gso_leave(&whole, &in, &offload);
		for (unsigned start = 0; start < offload.csum_start; start++) {
			o = offload;
			o.csum_start = (uint16_t)start;	/* in the IP header */
			refused(o);
		}
		o = offload;
		o.csum_start = (uint16_t)(in.len - 17);
		refused(o);
		o.csum_start = (uint16_t)in.len;
		refused(o);
		/* Beyond what the packet says that it is long. */
		o.csum_start = (uint16_t)(in.len + 10);
		memset(in.bytes + in.len, 0, 100);
		in.len += 100;
		refused(o);
	}
}
END_TEST

START_TEST(packets_that_are_not_large)
{
	/* A fragment; another transport; a header beyond the end. */
	make_tcp4(4000, false, 1000);
	wire_put16(in.bytes + 6, 0x2000);
	wire_sum4(&in);
	refused(offload);
	make_tcp4(4000, true, 1000);
	in.bytes[9] = UDP;
	wire_sum4(&in);
	refused(offload);
	make_tcp4(4, true, 1000);
	offload.hdr_len = 0;
	in.bytes[20 + 12] = 15 << 4;
	refused(offload);
	in.bytes[20 + 12] = 4 << 4;
	refused(offload);
	wire_udp(&part, 4000);
	make(core_in4(IP(0)), 1000);
	offload.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	refused(offload);
}
END_TEST

/* What a part of a packet lacks to its checksum is in the others. */
START_TEST(partial_sums_of_fragments)
{
	wire_tcp(&part, 80);
	offload = (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 20, .csum_offset = 16 };
	wire_packet(&in, &(struct ip){ .src = PEER4, .dst = HOST4, .protocol = TCP, .more = true }, &part);
	wire_put16(in.bytes + 2, 20 + 96);
	in.len = 20 + 96;
	wire_sum4(&in);
	refused(offload);
	offload.csum_start = 48;
	wire_packet(&in, &(struct ip){ .src = HOST6, .dst = PEER6, .protocol = TCP, .more = true, .offset = 800 }, &part);
	refused(offload);
}
END_TEST

/* Bytes behind the packet's own end are no part of it, also when the fields speak of them. */
START_TEST(padding_behind)
{
	make_tcp4(4000, true, 1000);
	memset(in.bytes + in.len, 0xee, 500);
	in.len += 500;
	run();
	ck_assert_uint_eq(core.out[0].len, 60 + 4000);
}
END_TEST

/* How much of the packet stands in one piece in the kernel's memory is told in hdr_len, and is nothing to go by. */
START_TEST(header_length_is_a_hint)
{
	static const uint16_t told[] = { 0, 1, 20, 39, 40, 41, 4000, 65535 };

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		make_tcp4(4000, true, 1000);
		offload.hdr_len = told[i];
		run();
		ck_assert_uint_eq(core.n, 1);
		ck_assert_uint_eq(core.out[0].offload.hdr_len, 60);
	}
}
END_TEST

START_TEST(fields_without_a_meaning_are_cleared)
{
	wire_tcp(&part, 60);
	wire_packet(&in, &(struct ip){ .src = PEER4, .dst = HOST4, .protocol = TCP }, &part);
	offload = (struct virtio_net_hdr){ .hdr_len = 65535, .gso_size = 1000 };
	run();
	ck_assert_uint_eq(core.out[0].offload.hdr_len, 0);
	ck_assert_uint_eq(core.out[0].offload.gso_size, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nat64_offload_size");
	TCase *tc = core_case("items");

	tcase_add_test(tc, large_ones_are_not_too_big);
	tcase_add_test(tc, segments_with_df_that_are_too_big);
	tcase_add_test(tc, tcp_without_df_gets_smaller_segments);
	tcase_add_test(tc, tcp_where_nothing_fits);
	tcase_add_test(tc, df_is_by_the_segment);
	tcase_add_test(tc, udp_without_df_becomes_fragments_of_each);
	tcase_add_test(tc, other_drops_quote_the_first);
	tcase_add_test(tc, fields_that_do_not_fit);
	tcase_add_test(tc, partial_sums_that_do_not_fit);
	tcase_add_test(tc, packets_that_are_not_large);
	tcase_add_test(tc, partial_sums_of_fragments);
	tcase_add_test(tc, padding_behind);
	tcase_add_test(tc, header_length_is_a_hint);
	tcase_add_test(tc, fields_without_a_meaning_are_cleared);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
