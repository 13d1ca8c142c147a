/* SPDX-License-Identifier: Apache-2.0
 *
 * RFC 6052. Test functions are named after the numbers of the checklist of behaviours (section A, addresses).
 */
#include <arpa/inet.h>
#include <string.h>

#include "nat64/table.h"
#include "tests/unit/unit.h"

static struct ks_prefix prefix(const char *text, unsigned length)
{
	struct ks_prefix prefix = { .length = (uint8_t)length };

	ck_assert_int_eq(inet_pton(AF_INET6, text, &prefix.address), 1);
	return prefix;
}

static uint32_t v4(const char *text)
{
	struct in_addr address;

	ck_assert_int_eq(inet_pton(AF_INET, text, &address), 1);
	return ntohl(address.s_addr);
}

static struct in6_addr v6(const char *text)
{
	return prefix(text, 0).address;
}

static const unsigned lengths[] = { 32, 40, 48, 56, 64, 96 };

START_TEST(item_002_only_six_lengths)
{
	size_t next = 0;

	for (unsigned length = 0; length <= 255; length++) {
		struct ks_prefix p = prefix("2001::", length);
		const char *expected = ks_prefix_expected(&p);

		if (next < 6 && length == lengths[next]) {
			ck_assert_msg(expected == NULL, "/%u", length);
			next++;
		} else {
			ck_assert_msg(expected != NULL && strstr(expected, "32, 40, 48, 56, 64 or 96") != NULL, "/%u", length);
		}
	}
	ck_assert_uint_eq(next, 6);
}
END_TEST

/* The table of section 2.4. */
START_TEST(item_003_six_lengths)
{
	static const struct {
		const char *prefix;
		unsigned length;
		const char *v6;
	} rows[] = {
		{ "2001:db8::", 32, "2001:db8:c000:221::" },
		{ "2001:db8:100::", 40, "2001:db8:1c0:2:21::" },
		{ "2001:db8:122::", 48, "2001:db8:122:c000:2:2100::" },
		{ "2001:db8:122:300::", 56, "2001:db8:122:3c0:0:221::" },
		{ "2001:db8:122:344::", 64, "2001:db8:122:344:c0:2:2100::" },
		{ "2001:db8:122:344::", 96, "2001:db8:122:344::192.0.2.33" },
		{ "64:ff9b::", 96, "64:ff9b::192.0.2.33" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ks_prefix p = prefix(rows[i].prefix, rows[i].length);
		struct in6_addr got, wanted = v6(rows[i].v6);
		uint32_t back = 0;

		ck_assert_ptr_null(ks_prefix_expected(&p));
		ks_prefix_embed(&p, v4("192.0.2.33"), &got);
		ck_assert_msg(memcmp(&got, &wanted, sizeof(got)) == 0, "%s", rows[i].v6);
		ck_assert(ks_prefix_extract(&p, &wanted, &back));
		ck_assert_uint_eq(back, v4("192.0.2.33"));
	}
}
END_TEST

START_TEST(item_004_octet_u_is_zero)
{
	for (size_t i = 0; i < 6; i++) {
		struct ks_prefix p = prefix("2001:db8::", lengths[i]);
		struct in6_addr got;

		memset(&got, 0xff, sizeof(got));
		ks_prefix_embed(&p, UINT32_MAX, &got);
		ck_assert_uint_eq(got.s6_addr[8], 0);
	}
}
END_TEST

START_TEST(item_005_suffix_is_written_zero_and_not_looked_at)
{
	for (size_t i = 0; i < 5; i++) {
		struct ks_prefix p = prefix("2001:db8::", lengths[i]);
		size_t end = lengths[i] / 8 + 5;	/* behind the four octets and "u" */
		struct in6_addr got;
		uint32_t back = 0;

		memset(&got, 0xff, sizeof(got));
		ks_prefix_embed(&p, v4("198.51.100.7"), &got);
		for (size_t at = end; at < sizeof(got); at++)
			ck_assert_uint_eq(got.s6_addr[at], 0);
		memset(got.s6_addr + end, 0xa5, sizeof(got) - end);
		got.s6_addr[8] = 0x5a;
		ck_assert(ks_prefix_extract(&p, &got, &back));
		ck_assert_uint_eq(back, v4("198.51.100.7"));
	}
}
END_TEST

START_TEST(item_006_octet_u_of_a_96_must_be_zero)
{
	struct ks_prefix p = prefix("2001:db8:0:0:ff00::", 96);

	ck_assert_ptr_nonnull(ks_prefix_expected(&p));
	ck_assert_ptr_nonnull(strstr(ks_prefix_expected(&p), "bits 64 to 71"));
	p = prefix("2001:db8:0:0:ff::", 96);
	ck_assert_ptr_null(ks_prefix_expected(&p));
}
END_TEST

START_TEST(what_cannot_be_a_prefix)
{
	static const struct {
		const char *address;
		unsigned length;
	} rows[] = {
		{ "::", 96 }, { "::ffff:0:0", 96 }, { "fe80::", 64 }, { "ff02::", 32 }, { "2001:db8::1", 96 },
		{ "2001:db8:0:1::", 56 }, { "2001:db8:8000::", 32 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ks_prefix p = prefix(rows[i].address, rows[i].length);

		ck_assert_msg(ks_prefix_expected(&p) != NULL, "%s/%u", rows[i].address, rows[i].length);
	}
}
END_TEST

START_TEST(another_prefix_is_not_taken_apart)
{
	for (size_t i = 0; i < 6; i++)
		for (unsigned bit = 0; bit < lengths[i]; bit++) {
			struct ks_prefix p = prefix("2001:db8::", lengths[i]);
			struct in6_addr got;
			uint32_t back = 7;

			ks_prefix_embed(&p, v4("192.0.2.33"), &got);
			got.s6_addr[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
			ck_assert(!ks_prefix_extract(&p, &got, &back));
			ck_assert_uint_eq(back, 7);
		}
}
END_TEST

START_TEST(no_prefix_takes_nothing)
{
	struct ks_prefix none = { .length = 0 };
	struct in6_addr any = v6("2001:db8::1");
	uint32_t back;

	ck_assert(!ks_prefix_extract(&none, &any, &back));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nat64_prefix");
	TCase *tc = tcase_create("prefix");

	tcase_add_test(tc, item_002_only_six_lengths);
	tcase_add_test(tc, item_003_six_lengths);
	tcase_add_test(tc, item_004_octet_u_is_zero);
	tcase_add_test(tc, item_005_suffix_is_written_zero_and_not_looked_at);
	tcase_add_test(tc, item_006_octet_u_of_a_96_must_be_zero);
	tcase_add_test(tc, what_cannot_be_a_prefix);
	tcase_add_test(tc, another_prefix_is_not_taken_apart);
	tcase_add_test(tc, no_prefix_takes_nothing);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
