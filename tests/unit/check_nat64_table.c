/* SPDX-License-Identifier: Apache-2.0
 *
 * RFC 7757, and 6052 where no mapping is. Test functions are named after the numbers of the checklist of behaviours
 * (section A, addresses). At the end: random tables against a search through all mappings.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "nat64/table.h"
#include "tests/unit/unit.h"

static uint32_t v4(const char *text)
{
	struct in_addr address;

	ck_assert_msg(inet_pton(AF_INET, text, &address) == 1, "%s", text);
	return ntohl(address.s_addr);
}

static struct in6_addr v6(const char *text)
{
	struct in6_addr address;

	ck_assert_msg(inet_pton(AF_INET6, text, &address) == 1, "%s", text);
	return address;
}

static struct ks_mapping mapping(const char *a, unsigned length4, const char *b, unsigned length6)
{
	return (struct ks_mapping){ .v4 = v4(a), .v6 = v6(b), .length4 = (uint8_t)length4, .length6 = (uint8_t)length6 };
}

static struct ks_mapping66 mapping66(const char *global, const char *intra)
{
	return (struct ks_mapping66){ .global = v6(global), .intra = v6(intra) };
}

static struct ks_prefix prefix(const char *text, unsigned length)
{
	return (struct ks_prefix){ .address = v6(text), .length = (uint8_t)length };
}

static struct ks_table *build(const struct ks_prefix *p, const struct ks_mapping *mappings, size_t n)
{
	struct ks_table *table;

	ck_assert_int_eq(ks_table_build(&table, p, false, mappings, n, NULL, 0), KS_EOK);
	return table;
}

static void assert_to6(const struct ks_table *table, const char *from, enum ks_mapped how, const char *to)
{
	struct in6_addr got;
	uint32_t slot;

	ck_assert_msg(ks_table_to6(table, v4(from), true, &got, &slot) == how, "%s", from);
	ck_assert_msg((slot == KS_SLOT_NONE) == (how != KS_MAPPED_EXPLICIT), "slot of %s", from);
	if (to != NULL) {
		struct in6_addr wanted = v6(to);
		char text[INET6_ADDRSTRLEN];

		inet_ntop(AF_INET6, &got, text, sizeof(text));
		ck_assert_msg(memcmp(&got, &wanted, sizeof(got)) == 0, "%s became %s, not %s", from, text, to);
	}
}

static void assert_to4(const struct ks_table *table, const char *from, enum ks_mapped how, const char *to)
{
	struct in6_addr address = v6(from);
	uint32_t got = 0, slot;

	ck_assert_msg(ks_table_to4(table, &address, &got, &slot) == how, "%s", from);
	ck_assert_msg((slot == KS_SLOT_NONE) == (how != KS_MAPPED_EXPLICIT), "slot of %s", from);
	if (to != NULL)
		ck_assert_msg(got == v4(to), "%s became %08x, not %s", from, got, to);
}

static void assert_both(const struct ks_table *table, const char *a, const char *b)
{
	assert_to6(table, a, KS_MAPPED_EXPLICIT, b);
	assert_to4(table, b, KS_MAPPED_EXPLICIT, a);
}

/* RFC 7757, figure 1. */
static struct ks_table *figure_1(void)
{
	const struct ks_mapping mappings[] = {
		mapping("192.0.2.1", 32, "2001:db8:aaaa::", 128),
		mapping("192.0.2.2", 32, "2001:db8:bbbb::b", 128),
		mapping("192.0.2.16", 28, "2001:db8:cccc::", 124),
		mapping("192.0.2.128", 26, "2001:db8:dddd::", 64),
		mapping("192.0.2.192", 29, "2001:db8:eeee:8::", 62),
		mapping("192.0.2.224", 31, "64:ff9b::", 127),
	};
	struct ks_prefix p = prefix("64:ff9b::", 96);

	return build(&p, mappings, sizeof(mappings) / sizeof(mappings[0]));
}

/* --- the checklist -------------------------------------------------------------------------------- */

START_TEST(item_001_prefix_is_the_default)
{
	struct ks_prefix p = prefix("2001:db8:64::", 96);
	struct ks_table *table = build(&p, NULL, 0);

	assert_to6(table, "198.51.100.1", KS_MAPPED_PREFIX, "2001:db8:64::198.51.100.1");
	assert_to4(table, "2001:db8:64::198.51.100.1", KS_MAPPED_PREFIX, "198.51.100.1");
	assert_to4(table, "2001:db8:65::198.51.100.1", KS_MAPPED_NOT, NULL);
	ks_table_free(table);
	table = build(NULL, NULL, 0);
	assert_to6(table, "198.51.100.1", KS_MAPPED_NOT, NULL);
	assert_to4(table, "::1", KS_MAPPED_NOT, NULL);
	ck_assert_uint_eq(ks_table_slots(table), 0);
	ck_assert_ptr_null(ks_table_prefix(table));
	ks_table_free(table);
}
END_TEST

static const char *const private[] = {
	"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
	"169.254.0.1", "172.16.0.0", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.0.1", "198.18.0.0",
	"198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
};
static const char *const global[] = {
	"1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
	"169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.167.255.255",
	"192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
};

static void assert_well_known(const struct ks_table *table, const char *network, const char *address,
			      enum ks_mapped how)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%s", network, address);
	assert_to6(table, address, how, how == KS_MAPPED_PREFIX ? text : NULL);
	assert_to4(table, text, how, how == KS_MAPPED_PREFIX ? address : NULL);
}

START_TEST(item_007_well_known_prefix_carries_global_addresses_only)
{
	struct ks_prefix p = prefix("64:ff9b::", 96), local = prefix("64:ff9b:1::", 96);
	struct ks_table *strict = build(&p, NULL, 0), *exempt = build(&local, NULL, 0), *lab;

	ck_assert_int_eq(ks_table_build(&lab, &p, true, NULL, 0, NULL, 0), KS_EOK);
	for (size_t i = 0; i < sizeof(private) / sizeof(private[0]); i++) {
		ck_assert(ks_table_is_private(v4(private[i])));
		assert_well_known(strict, "64:ff9b::", private[i], KS_MAPPED_PRIVATE);
		assert_well_known(exempt, "64:ff9b:1::", private[i], KS_MAPPED_PREFIX);
		assert_well_known(lab, "64:ff9b::", private[i], KS_MAPPED_PREFIX);
	}
	for (size_t i = 0; i < sizeof(global) / sizeof(global[0]); i++) {
		ck_assert(!ks_table_is_private(v4(global[i])));
		assert_well_known(strict, "64:ff9b::", global[i], KS_MAPPED_PREFIX);
	}
	ks_table_free(strict);
	ks_table_free(exempt);
	ks_table_free(lab);
}
END_TEST

START_TEST(item_008_explicit_mappings)
{
	struct ks_mapping one = mapping("192.0.2.1", 32, "2001:db8::100", 128);
	struct ks_table *table = build(NULL, &one, 1);
	struct in6_addr got;
	uint32_t slot;

	assert_both(table, "192.0.2.1", "2001:db8::100");
	assert_to6(table, "192.0.2.2", KS_MAPPED_NOT, NULL);
	assert_to4(table, "2001:db8::101", KS_MAPPED_NOT, NULL);
	ck_assert_int_eq(ks_table_to6(table, v4("192.0.2.1"), false, &got, &slot), KS_MAPPED_NOT);
	ck_assert_uint_eq(slot, KS_SLOT_NONE);
	ks_table_free(table);
}
END_TEST

static void assert_unbuilt(struct ks_mapping bad)
{
	struct ks_table *table;

	ck_assert_ptr_nonnull(ks_mapping_expected(&bad));
	ck_assert_int_eq(ks_table_build(&table, NULL, false, &bad, 1, NULL, 0), KS_EMALFORMED);
	ck_assert_ptr_null(table);
}

START_TEST(item_010_ipv4_suffix_fits_the_ipv6_suffix)
{
	struct ks_mapping good = mapping("192.0.2.0", 24, "2001:db8::", 120);

	ck_assert_ptr_null(ks_mapping_expected(&good));
	assert_unbuilt(mapping("192.0.2.0", 24, "2001:db8::", 121));
	assert_unbuilt(mapping("0.0.0.0", 0, "2001:db8::", 97));
	assert_unbuilt(mapping("192.0.2.1", 33, "2001:db8::", 128));
	assert_unbuilt(mapping("192.0.2.1", 32, "2001:db8::", 129));
	assert_unbuilt(mapping("192.0.2.1", 31, "2001:db8::", 64));
	assert_unbuilt(mapping("192.0.2.0", 31, "2001:db8::1", 127));
	assert_unbuilt(mapping("192.0.2.0", 31, "2001:db8::", 1));
}
END_TEST

START_TEST(item_012_to_ipv6_longest_match_and_padding)
{
	const struct ks_mapping mappings[] = {
		mapping("0.0.0.0", 0, "2001:db8:1::", 48),
		mapping("192.0.0.0", 8, "2001:db8:2::", 48),
		mapping("192.0.2.0", 24, "2001:db8:3::", 48),
		mapping("192.0.2.1", 32, "2001:db8:4::", 48),
	};
	struct ks_table *table = build(NULL, mappings, 4);

	assert_to6(table, "192.0.2.1", KS_MAPPED_EXPLICIT, "2001:db8:4::");
	assert_to6(table, "192.0.2.2", KS_MAPPED_EXPLICIT, "2001:db8:3:200::");
	assert_to6(table, "192.0.3.2", KS_MAPPED_EXPLICIT, "2001:db8:2:3:200::");
	assert_to6(table, "203.0.113.1", KS_MAPPED_EXPLICIT, "2001:db8:1:cb00:7101::");
	ks_table_free(table);
}
END_TEST

START_TEST(item_013_to_ipv4_longest_match_and_surplus_bits)
{
	const struct ks_mapping mappings[] = {
		mapping("10.0.0.0", 8, "2001:db8::", 32),
		mapping("192.0.2.0", 24, "2001:db8:3::", 48),
		mapping("192.0.3.1", 32, "2001:db8:3:4::", 64),
	};
	struct ks_table *table = build(NULL, mappings, 3);

	assert_to4(table, "2001:db8:3:4:5:6:7:8", KS_MAPPED_EXPLICIT, "192.0.3.1");
	assert_to4(table, "2001:db8:3:ffff:ffff:ffff:ffff:ffff", KS_MAPPED_EXPLICIT, "192.0.2.255");
	assert_to4(table, "2001:db8:3:2f5:ffff::", KS_MAPPED_EXPLICIT, "192.0.2.2");
	assert_to4(table, "2001:db8:102:3ff::", KS_MAPPED_EXPLICIT, "10.1.2.3");
	ks_table_free(table);
}
END_TEST

START_TEST(item_014_no_mapping_then_prefix)
{
	struct ks_table *table = figure_1();

	assert_to6(table, "8.8.8.8", KS_MAPPED_PREFIX, "64:ff9b::8.8.8.8");
	assert_to4(table, "64:ff9b::8.8.8.8", KS_MAPPED_PREFIX, "8.8.8.8");
	assert_to4(table, "2001:db8:ffff::", KS_MAPPED_NOT, NULL);
	ks_table_free(table);
}
END_TEST

START_TEST(item_015_the_same_prefix_twice_is_refused)
{
	const struct ks_mapping same4[] = {
		mapping("192.0.2.1", 32, "2001:db8::1", 128), mapping("192.0.2.1", 32, "2001:db8::2", 128),
	};
	const struct ks_mapping same6[] = {
		mapping("192.0.2.1", 32, "2001:db8::1", 128), mapping("192.0.2.2", 32, "2001:db8::1", 128),
	};
	const struct ks_mapping66 global_twice[] = {
		mapping66("2001:db8::1", "fd00::1"), mapping66("2001:db8::1", "fd00::2"),
	};
	const struct ks_mapping66 intra_twice[] = {
		mapping66("2001:db8::1", "fd00::1"), mapping66("2001:db8::2", "fd00::1"),
	};
	struct ks_table *table;

	ck_assert_int_eq(ks_table_build(&table, NULL, false, same4, 2, NULL, 0), KS_EMALFORMED);
	ck_assert_int_eq(ks_table_build(&table, NULL, false, same6, 2, NULL, 0), KS_EMALFORMED);
	ck_assert_int_eq(ks_table_build(&table, NULL, false, NULL, 0, global_twice, 2), KS_EMALFORMED);
	ck_assert_int_eq(ks_table_build(&table, NULL, false, NULL, 0, intra_twice, 2), KS_EMALFORMED);
	ck_assert_int_eq(ks_table_build(&table, NULL, false, NULL, KS_TABLE_MAPPINGS_MAX + 1, NULL, 0), KS_ELIMIT);
	ck_assert_int_eq(ks_table_build(&table, NULL, false, NULL, 1, NULL, KS_TABLE_MAPPINGS_MAX), KS_ELIMIT);
}
END_TEST

START_TEST(item_021_rfc7757_figure_1)
{
	struct ks_table *table = figure_1();

	assert_both(table, "192.0.2.1", "2001:db8:aaaa::");
	assert_both(table, "192.0.2.2", "2001:db8:bbbb::b");
	assert_both(table, "192.0.2.16", "2001:db8:cccc::");
	assert_both(table, "192.0.2.24", "2001:db8:cccc::8");
	assert_both(table, "192.0.2.31", "2001:db8:cccc::f");
	assert_both(table, "192.0.2.128", "2001:db8:dddd::");
	assert_both(table, "192.0.2.152", "2001:db8:dddd:0:6000::");
	assert_both(table, "192.0.2.183", "2001:db8:dddd:0:dc00::");
	assert_both(table, "192.0.2.191", "2001:db8:dddd:0:fc00::");
	assert_both(table, "192.0.2.193", "2001:db8:eeee:8:8000::");
	assert_both(table, "192.0.2.194", "2001:db8:eeee:9::");
	assert_both(table, "192.0.2.199", "2001:db8:eeee:b:8000::");
	assert_both(table, "192.0.2.224", "64:ff9b::");
	assert_both(table, "192.0.2.225", "64:ff9b::1");
	/* The neighbours of each are not of it; the prefix is the well-known one, which takes no documentation address. */
	assert_to6(table, "192.0.2.0", KS_MAPPED_PRIVATE, NULL);
	assert_to6(table, "192.0.2.15", KS_MAPPED_PRIVATE, NULL);
	assert_to6(table, "192.0.2.32", KS_MAPPED_PRIVATE, NULL);
	assert_to6(table, "192.0.2.200", KS_MAPPED_PRIVATE, NULL);
	assert_to4(table, "2001:db8:cccc::10", KS_MAPPED_NOT, NULL);
	assert_to4(table, "2001:db8:eeee:c::", KS_MAPPED_NOT, NULL);
	ks_table_free(table);
}
END_TEST

/* Appendix B: hosts of IPv6 that are reached by IPv4 addresses of their own, and what one of them sees of the other
 * when its packets turn back here (section 4.2): the explicit address in one direction, the prefix in the other. */
START_TEST(item_021_rfc7757_appendix_b)
{
	const struct ks_mapping mappings[] = {
		mapping("192.0.2.1", 32, "2001:db8:aaaa::", 128), mapping("192.0.2.2", 32, "2001:db8:bbbb::b", 128),
	};
	struct ks_prefix p = prefix("2001:db8:ffff::", 96);
	struct ks_table *table = build(&p, mappings, 2);
	struct in6_addr got, wanted = v6("2001:db8:ffff::192.0.2.1");
	uint32_t slot;

	assert_to4(table, "2001:db8:aaaa::", KS_MAPPED_EXPLICIT, "192.0.2.1");
	assert_to4(table, "2001:db8:ffff::192.0.2.2", KS_MAPPED_PREFIX, "192.0.2.2");
	assert_to6(table, "192.0.2.2", KS_MAPPED_EXPLICIT, "2001:db8:bbbb::b");
	ck_assert_int_eq(ks_table_to6(table, v4("192.0.2.1"), false, &got, &slot), KS_MAPPED_PREFIX);
	ck_assert_int_eq(memcmp(&got, &wanted, sizeof(got)), 0);
	ks_table_free(table);
}
END_TEST

/* --- slots ---------------------------------------------------------------------------------------- */

START_TEST(slots_do_not_depend_on_the_order)
{
	struct ks_mapping mappings[] = {
		mapping("192.0.2.9", 32, "2001:db8::1", 128), mapping("192.0.2.0", 24, "2001:db8:1::", 64),
		mapping("192.0.2.0", 32, "2001:db8::7", 128), mapping("10.0.0.0", 8, "2001:db8:2::", 64),
	}, back[4];
	const struct ks_mapping66 inner[] = { mapping66("2001:db8::2", "fd00::2"), mapping66("2001:db8::1", "fd00::3") };
	const struct ks_mapping66 inner_back[] = { inner[1], inner[0] };
	struct ks_table *a, *b;

	for (size_t i = 0; i < 4; i++)
		back[i] = mappings[3 - i];
	ck_assert_int_eq(ks_table_build(&a, NULL, false, mappings, 4, inner, 2), KS_EOK);
	ck_assert_int_eq(ks_table_build(&b, NULL, false, back, 4, inner_back, 2), KS_EOK);
	ck_assert_str_eq(ks_table_version(a), ks_table_version(b));
	ck_assert_uint_eq(strlen(ks_table_version(a)), KS_TABLE_VERSION_MAX - 1);
	ck_assert_uint_eq(ks_table_slots(a), 6);
	for (uint32_t slot = 0; slot < 6; slot++) {
		ck_assert_int_eq(ks_table_mapping(a, slot) != NULL, slot < 4);
		ck_assert_int_eq(ks_table_mapping66(a, slot) != NULL, slot >= 4);
		if (slot < 4) {
			ck_assert_uint_eq(ks_table_mapping(a, slot)->v4, ks_table_mapping(b, slot)->v4);
			ck_assert_uint_eq(ks_table_mapping(a, slot)->length4, ks_table_mapping(b, slot)->length4);
		}
	}
	ck_assert_uint_eq(ks_table_mapping(a, 0)->v4, v4("10.0.0.0"));
	ck_assert_uint_eq(ks_table_mapping(a, 1)->length4, 24);
	ck_assert_ptr_null(ks_table_mapping(a, 6));
	ck_assert_ptr_null(ks_table_mapping66(a, 6));
	ck_assert_ptr_null(ks_table_mapping66(a, KS_SLOT_NONE));
	ks_table_free(a);
	ks_table_free(b);
}
END_TEST

START_TEST(the_version_tells_all_of_it)
{
	struct ks_mapping one = mapping("192.0.2.1", 32, "2001:db8::1", 128), other = one;
	const struct ks_mapping66 inner = mapping66("2001:db8::1", "fd00::1");
	struct ks_prefix p = prefix("64:ff9b::", 96), q = prefix("64:ff9b:1::", 96);
	struct ks_table *tables[7];

	other.v6 = v6("2001:db8::2");
	ck_assert_int_eq(ks_table_build(&tables[0], NULL, false, NULL, 0, NULL, 0), KS_EOK);
	ck_assert_int_eq(ks_table_build(&tables[1], &p, false, NULL, 0, NULL, 0), KS_EOK);
	ck_assert_int_eq(ks_table_build(&tables[2], &q, false, NULL, 0, NULL, 0), KS_EOK);
	ck_assert_int_eq(ks_table_build(&tables[3], &p, true, NULL, 0, NULL, 0), KS_EOK);
	ck_assert_int_eq(ks_table_build(&tables[4], &p, false, &one, 1, NULL, 0), KS_EOK);
	ck_assert_int_eq(ks_table_build(&tables[5], &p, false, &other, 1, NULL, 0), KS_EOK);
	ck_assert_int_eq(ks_table_build(&tables[6], &p, false, &one, 1, &inner, 1), KS_EOK);
	for (size_t i = 0; i < 7; i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(ks_table_version(tables[i]), ks_table_version(tables[j]));
	for (size_t i = 0; i < 7; i++)
		ks_table_free(tables[i]);
	ks_table_free(NULL);
}
END_TEST

START_TEST(counters_are_carried_over)
{
	const struct ks_mapping before[] = {
		mapping("192.0.2.1", 32, "2001:db8::1", 128), mapping("192.0.2.2", 32, "2001:db8::2", 128),
		mapping("192.0.2.3", 32, "2001:db8::3", 128), mapping("192.0.2.9", 32, "2001:db8::9", 128),
	};
	const struct ks_mapping after[] = {
		mapping("192.0.2.0", 32, "2001:db8::7", 128), mapping("192.0.2.1", 32, "2001:db8::1", 128),
		mapping("192.0.2.2", 32, "2001:db8::22", 128), mapping("192.0.2.9", 32, "2001:db8::9", 128),
	};
	const struct ks_mapping66 inner[] = { mapping66("2001:db8::1", "fd00::1"), mapping66("2001:db8::2", "fd00::2") };
	uint32_t slots[6];
	struct ks_table *a, *b;

	ck_assert_int_eq(ks_table_build(&a, NULL, false, before, 4, inner, 2), KS_EOK);
	ck_assert_int_eq(ks_table_build(&b, NULL, false, after, 4, inner + 1, 1), KS_EOK);
	ks_table_carry(a, b, slots);
	ck_assert_uint_eq(slots[0], 1);
	ck_assert_uint_eq(slots[1], KS_SLOT_NONE);	/* another host now */
	ck_assert_uint_eq(slots[2], KS_SLOT_NONE);
	ck_assert_uint_eq(slots[3], 3);
	ck_assert_uint_eq(slots[4], KS_SLOT_NONE);
	ck_assert_uint_eq(slots[5], 4);
	ks_table_carry(a, a, slots);
	for (uint32_t slot = 0; slot < 6; slot++)
		ck_assert_uint_eq(slots[slot], slot);
	ks_table_free(a);
	ks_table_free(b);
}
END_TEST

START_TEST(from_ipv6_to_ipv6)
{
	const struct ks_mapping66 inner[] = { mapping66("2001:db8::1", "fd00::1"), mapping66("2001:db8::2", "fd00::2") };
	struct in6_addr global_address = v6("2001:db8::2"), intra_address = v6("fd00::2"), got;
	struct ks_table *table;
	uint32_t slot;

	ck_assert_int_eq(ks_table_build(&table, NULL, false, NULL, 0, inner, 2), KS_EOK);
	ck_assert(ks_table_to_intra(table, &global_address, &got, &slot));
	ck_assert_int_eq(memcmp(&got, &intra_address, sizeof(got)), 0);
	ck_assert_uint_eq(slot, 1);
	ck_assert(ks_table_to_global(table, &intra_address, &got, &slot));
	ck_assert_int_eq(memcmp(&got, &global_address, sizeof(got)), 0);
	ck_assert_uint_eq(slot, 1);
	ck_assert(!ks_table_to_intra(table, &intra_address, &got, &slot));
	ck_assert_uint_eq(slot, KS_SLOT_NONE);
	ck_assert(!ks_table_to_global(table, &global_address, &got, &slot));
	ks_table_free(table);
}
END_TEST

/* --- random tables against a search through all ---------------------------------------------------- */

static uint64_t dice;

static uint64_t roll(uint64_t below)
{
	dice += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t x = (dice ^ dice >> 30) * UINT64_C(0xbf58476d1ce4e5b9);

	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (x ^ x >> 31) % below;
}

static unsigned bit_of(const struct in6_addr *address, unsigned i)
{
	return address->s6_addr[i / 8] >> (7 - i % 8) & 1;
}

static void set_bit(struct in6_addr *address, unsigned i, unsigned bit)
{
	uint8_t mask = (uint8_t)(0x80 >> i % 8);

	address->s6_addr[i / 8] = (uint8_t)(bit != 0 ? address->s6_addr[i / 8] | mask : address->s6_addr[i / 8] & ~mask);
}

static bool covers4(const struct ks_mapping *m, uint32_t address)
{
	for (unsigned i = 0; i < m->length4; i++)
		if ((m->v4 >> (31 - i) & 1) != (address >> (31 - i) & 1))
			return false;
	return true;
}

static bool covers6(const struct ks_mapping *m, const struct in6_addr *address)
{
	for (unsigned i = 0; i < m->length6; i++)
		if (bit_of(&m->v6, i) != bit_of(address, i))
			return false;
	return true;
}

/* Bit by bit, as the RFC says it. */
static const struct ks_mapping *slow_to6(const struct ks_mapping *all, size_t n, uint32_t from, struct in6_addr *to)
{
	const struct ks_mapping *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (covers4(&all[i], from) && (best == NULL || all[i].length4 > best->length4))
			best = &all[i];
	if (best == NULL)
		return NULL;
	memset(to, 0, sizeof(*to));
	for (unsigned i = 0; i < best->length6; i++)
		set_bit(to, i, bit_of(&best->v6, i));
	for (unsigned i = best->length4; i < 32; i++)
		set_bit(to, best->length6 + i - best->length4, from >> (31 - i) & 1);
	return best;
}

static const struct ks_mapping *slow_to4(const struct ks_mapping *all, size_t n, const struct in6_addr *from,
					 uint32_t *to)
{
	const struct ks_mapping *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (covers6(&all[i], from) && (best == NULL || all[i].length6 > best->length6))
			best = &all[i];
	if (best == NULL)
		return NULL;
	*to = best->v4;
	for (unsigned i = best->length4; i < 32; i++)
		*to |= (uint32_t)bit_of(from, best->length6 + i - best->length4) << (31 - i);
	return best;
}

/* Few values for each bit, so that prefixes lie in one another and addresses in several. */
static uint32_t random4(void)
{
	return (uint32_t)(roll(4) << 30 | roll(4) << 23 | roll(4) << 12 | roll(4) << 4 | roll(16));
}

static struct in6_addr random6(void)
{
	struct in6_addr address = { .s6_addr = { 0x20, (uint8_t)roll(2) } };

	for (unsigned i = 0; i < 6; i++)
		address.s6_addr[2 + roll(14)] = (uint8_t)roll(4);
	return address;
}

static struct ks_mapping random_mapping(void)
{
	struct ks_mapping m = { .v4 = random4(), .v6 = random6() };
	unsigned most;

	m.length4 = (uint8_t)(roll(2) != 0 ? 32 : roll(33));
	most = 128 - (32 - m.length4);
	m.length6 = (uint8_t)(roll(2) != 0 ? most : roll(most + 1));
	m.v4 = m.length4 == 0 ? 0 : m.v4 & UINT32_MAX << (32 - m.length4);
	for (unsigned i = m.length6; i < 128; i++)
		set_bit(&m.v6, i, 0);
	return m;
}

static bool has_prefix_of(const struct ks_mapping *all, size_t n, const struct ks_mapping *m)
{
	for (size_t i = 0; i < n; i++)
		if ((all[i].v4 == m->v4 && all[i].length4 == m->length4) ||
		    (memcmp(&all[i].v6, &m->v6, sizeof(m->v6)) == 0 && all[i].length6 == m->length6))
			return true;
	return false;
}

static void compare_one(const struct ks_table *table, const struct ks_mapping *all, size_t n, uint32_t a,
			const struct in6_addr *b)
{
	struct in6_addr got6, wanted6;
	uint32_t got4, wanted4, slot;
	const struct ks_mapping *m = slow_to6(all, n, a, &wanted6);

	ck_assert_int_eq(ks_table_to6(table, a, true, &got6, &slot), m != NULL ? KS_MAPPED_EXPLICIT : KS_MAPPED_NOT);
	if (m != NULL) {
		ck_assert_int_eq(memcmp(&got6, &wanted6, sizeof(got6)), 0);
		ck_assert_uint_eq(ks_table_mapping(table, slot)->v4, m->v4);
		ck_assert_uint_eq(ks_table_mapping(table, slot)->length4, m->length4);
	}
	m = slow_to4(all, n, b, &wanted4);
	ck_assert_int_eq(ks_table_to4(table, b, &got4, &slot), m != NULL ? KS_MAPPED_EXPLICIT : KS_MAPPED_NOT);
	if (m != NULL) {
		ck_assert_uint_eq(got4, wanted4);
		ck_assert_int_eq(memcmp(&ks_table_mapping(table, slot)->v6, &m->v6, sizeof(m->v6)), 0);
		ck_assert_uint_eq(ks_table_mapping(table, slot)->length6, m->length6);
	}
}

#define RANDOM_MAX 300

START_TEST(random_tables_do_as_a_slow_search)
{
	for (uint64_t seed = 1; seed <= 150; seed++) {
		struct ks_mapping all[RANDOM_MAX];
		size_t n = 0, wanted;
		struct ks_table *table;

		dice = seed;
		wanted = roll(3) == 0 ? roll(8) : roll(RANDOM_MAX);
		for (size_t i = 0; i < wanted; i++) {
			all[n] = random_mapping();
			n += !has_prefix_of(all, n, &all[n]);
		}
		table = build(NULL, all, n);
		for (unsigned i = 0; i < 200; i++) {
			struct in6_addr b = random6();

			if (n > 0 && roll(2) != 0)
				slow_to6(all, n, all[roll(n)].v4 | (uint32_t)roll(16), &b);
			compare_one(table, all, n, n > 0 && roll(2) != 0 ? all[roll(n)].v4 : random4(), &b);
		}
		ks_table_free(table);
	}
}
END_TEST

#define MANY 100000

START_TEST(many_mappings_are_all_found)
{
	struct ks_mapping *all = calloc(MANY, sizeof(*all));
	struct ks_table *table;

	ck_assert_ptr_nonnull(all);
	for (uint32_t i = 0; i < MANY; i++) {
		all[i] = mapping("0.0.0.0", 32, "2001:db8::", 128);
		all[i].v4 = 0x0b000000 + i * 3;
		memcpy(all[i].v6.s6_addr + 12, &i, sizeof(i));
	}
	table = build(NULL, all, MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		struct in6_addr got;
		uint32_t slot, back;

		ck_assert(ks_table_to6(table, all[i].v4, true, &got, &slot) == KS_MAPPED_EXPLICIT && slot == i &&
			  memcmp(&got, &all[i].v6, sizeof(got)) == 0);
		ck_assert(ks_table_to4(table, &got, &back, &slot) == KS_MAPPED_EXPLICIT && slot == i && back == all[i].v4);
		ck_assert(ks_table_to6(table, all[i].v4 + 1, true, &got, &slot) == KS_MAPPED_NOT);
	}
	ks_table_free(table);
	free(all);
}
END_TEST

static TCase *items(void)
{
	TCase *tc = tcase_create("items");

	tcase_add_test(tc, item_001_prefix_is_the_default);
	tcase_add_test(tc, item_007_well_known_prefix_carries_global_addresses_only);
	tcase_add_test(tc, item_008_explicit_mappings);
	tcase_add_test(tc, item_010_ipv4_suffix_fits_the_ipv6_suffix);
	tcase_add_test(tc, item_012_to_ipv6_longest_match_and_padding);
	tcase_add_test(tc, item_013_to_ipv4_longest_match_and_surplus_bits);
	tcase_add_test(tc, item_014_no_mapping_then_prefix);
	tcase_add_test(tc, item_015_the_same_prefix_twice_is_refused);
	tcase_add_test(tc, item_021_rfc7757_figure_1);
	tcase_add_test(tc, item_021_rfc7757_appendix_b);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("nat64_table");
	TCase *slots = tcase_create("slots"), *random = tcase_create("random");

	suite_add_tcase(suite, items());
	tcase_add_test(slots, slots_do_not_depend_on_the_order);
	tcase_add_test(slots, the_version_tells_all_of_it);
	tcase_add_test(slots, counters_are_carried_over);
	tcase_add_test(slots, from_ipv6_to_ipv6);
	suite_add_tcase(suite, slots);
	tcase_set_timeout(random, 60);
	tcase_add_test(random, random_tables_do_as_a_slow_search);
	tcase_add_test(random, many_mappings_are_all_found);
	suite_add_tcase(suite, random);
	return unit_run(suite);
}
