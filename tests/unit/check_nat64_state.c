/* SPDX-License-Identifier: Apache-2.0
 *
 * What it remembers, which is nothing (section N of the checklist, RFC 7755), and packets cut off at every length.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/core_check.h"
#include "tests/unit/gso.h"
#include "tests/unit/kinds.h"

static struct wire part, quoted;

/* --- state ------------------------------------------------------------------------------------------- */

/* The same but for the Identification of IPv4, and who quotes it. */
static void assert_same(const struct output *a, const struct output *b)
{
	struct wire *copy = malloc(sizeof(*copy));
	struct parsed p;

	ck_assert_ptr_nonnull(copy);
	ck_assert_uint_eq(a->len, b->len);
	copy->len = b->len;
	memcpy(copy->bytes, b->bytes, b->len);
	ck_assert_ptr_null(wire_parse(&p, b->bytes, b->len, false));
	if (p.version == 4 && p.protocol == ICMP4 && b->bytes[20] != 0 && b->bytes[20] != 8) {
		memcpy(copy->bytes + 32, a->bytes + 32, 2);
		wire_sum4(copy);
		memcpy(copy->bytes + 38, a->bytes + 38, 2);
		wire_sum(copy);
	}
	core_same(a, copy, "the other's");
	free(copy);
}

START_TEST(item_173_any_translator_will_do)
{
	static struct wire packet;
	static struct core other;

	core_open(&other);
	other.xlat.random = 2010;
	/* The other has seen all before, in another order, and errors that told it of sizes. */
	for (unsigned kind = KINDS; kind-- > 0;) {
		kind_make(kind, &packet);
		core_run(&other, &packet);
	}
	for (unsigned kind = 0; kind < KINDS; kind++) {
		enum ks_xlat_drop why;

		kind_make(kind, &packet);
		why = core_run(&core, &packet);
		ck_assert_int_eq(core_run(&other, &packet), why);
		ck_assert_uint_eq(other.n, core.n);
		for (unsigned i = 0; i < core.n; i++)
			assert_same(&core.out[i], &other.out[i]);
	}
	core_close(&other);
}
END_TEST

/* "Packet too big" from the way on does not make it cut what comes after. */
START_TEST(item_173_no_path_mtu_is_remembered)
{
	static struct wire packet;
	struct ip ip = core_in4(IP(.protocol = ICMP4)), large = core_in4(IP(.df = true));

	wire_udp(&part, 1400);
	wire_packet(&quoted, &(struct ip){ .src = HOST4, .dst = PEER4, .protocol = UDP, .df = true }, &part);
	wire_error(&part, 3, 4, 1300, &quoted, 500, 0);
	wire_packet(&packet, &ip, &part);
	ck_assert_int_eq(core_run(&core, &packet), KS_XLAT_PASSED);
	wire_udp(&part, 1400);
	wire_packet(&packet, &large, &part);
	ck_assert_int_eq(core_run(&core, &packet), KS_XLAT_PASSED);
	ck_assert_uint_eq(core.n, 1);
}
END_TEST

START_TEST(item_174_1520_bytes_of_ipv6_need_no_fragments)
{
	core.settings.mtu6 = core.settings.lowest_ipv6_mtu = 1520;
	for (unsigned df = 0; df <= 1; df++) {
		wire_udp(&part, 1500 - 28);
		core_46(IP(.df = df == 1), IP(0), &part);
		ck_assert_uint_eq(core.out[0].len, 1520);
		core_64(IP(0), IP(.df = true), &part);
		ck_assert_uint_eq(core.out[0].len, 1500);
	}
}
END_TEST

/* TCP that keeps to the segment size which the IPv6 host names (1440) fits without it. */
START_TEST(item_174_tcp_needs_nothing)
{
	wire_tcp(&part, 1440);
	core_46(IP(.protocol = TCP, .df = true), IP(.protocol = TCP), &part);
	ck_assert_uint_eq(core.out[0].len, 1500);
	core_64(IP(.protocol = TCP), IP(.protocol = TCP, .df = true), &part);
}
END_TEST

/* --- cut off ----------------------------------------------------------------------------------------- */

static const struct virtio_net_hdr none;

/* Whatever it is then, nothing is read behind it (the sanitizer's to see), and what comes out is well-formed. */
static void take(const struct wire *packet, size_t len, const struct virtio_net_hdr *offload)
{
	core.care = packet_fault(packet->bytes, len, offload, PACKET_ALL) == NULL ? PACKET_ALL :
		    packet_fault(packet->bytes, len, offload, PACKET_LENGTHS) == NULL ? PACKET_LENGTHS : PACKET_IP;
	core.xlat.now_us += 1000000;
	core_take(&core, packet->bytes, len, offload);
	ck_assert_msg(core.fault == NULL, "%zu bytes: %s", len, core.fault);
}

START_TEST(item_176_truncated_at_every_length)
{
	static struct wire packet;

	kind_make((unsigned)_i, &packet);
	for (size_t len = 0; len <= packet.len; len++)
		take(&packet, len, &none);
}
END_TEST

/* The same with length fields that say so: what it is cut in is then what the translator sees as the end. */
START_TEST(item_176_shorter_at_every_length)
{
	static struct wire packet;
	size_t least, len;

	kind_make((unsigned)_i, &packet);
	least = packet.bytes[0] >> 4 == 4 ? 20 : 40;
	core.settings.hairpin = (enum ks_hairpin)(_i % 2 == 0 ? KS_HAIRPIN_SIMPLE : KS_HAIRPIN_INTRINSIC);
	for (len = packet.len; len >= least; len--) {
		packet.len = len;
		if (least == 20) {
			wire_put16(packet.bytes + 2, (unsigned)len);
			if (len >= (packet.bytes[0] & 15U) * 4)
				wire_sum4(&packet);
		} else {
			wire_put16(packet.bytes + 4, (unsigned)(len - 40));
		}
		wire_sum(&packet);
		take(&packet, len, &none);
	}
}
END_TEST

START_TEST(item_176_large_ones_truncated)
{
	static struct wire whole, packet;
	struct virtio_net_hdr offload;

	for (unsigned kind = 0; kind < 4; kind++) {
		struct ip ip = kind % 2 ? core_in6(IP(.protocol = kind / 2 ? UDP : TCP)) :
			       core_in4(IP(.protocol = kind / 2 ? UDP : TCP));

		if (kind / 2)
			wire_udp(&part, 300);
		else
			wire_tcp(&part, 300);
		wire_packet(&whole, &ip, &part);
		gso_make(&whole, 100, &packet, &offload);
		for (size_t len = 0; len <= packet.len; len++)
			take(&packet, len, &offload);
		for (size_t len = packet.len; len >= 40; len--) {
			packet.len = len;
			wire_put16(packet.bytes + (kind % 2 ? 4 : 2), (unsigned)(kind % 2 ? len - 40 : len));
			if (kind % 2 == 0)
				wire_sum4(&packet);
			take(&packet, len, &offload);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nat64_state");
	TCase *tc = core_case("items");

	tcase_add_test(tc, item_173_any_translator_will_do);
	tcase_add_test(tc, item_173_no_path_mtu_is_remembered);
	tcase_add_test(tc, item_174_1520_bytes_of_ipv6_need_no_fragments);
	tcase_add_test(tc, item_174_tcp_needs_nothing);
	tcase_add_loop_test(tc, item_176_truncated_at_every_length, 0, KINDS);
	tcase_add_loop_test(tc, item_176_shorter_at_every_length, 0, KINDS);
	tcase_add_test(tc, item_176_large_ones_truncated);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
