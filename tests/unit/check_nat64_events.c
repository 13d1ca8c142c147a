/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/events.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "nat64/bytes.h"
#include "tests/unit/unit.h"

static struct ks_events events;

static void setup(void)
{
	memset(&events, 0, sizeof(events));
	unit_log_start();
}

static void teardown(void)
{
	ks_log_set_level(KS_LOG_INFO, NULL);
}

static void drop6(int64_t mono_us, enum ks_xlat_drop why, const char *from, const char *to, uint8_t type)
{
	uint8_t bytes[40 + 8] = { 0x60, [5] = 8, IPPROTO_ICMPV6, 255 };

	ck_assert_int_eq(inet_pton(AF_INET6, from, bytes + 8), 1);
	ck_assert_int_eq(inet_pton(AF_INET6, to, bytes + 24), 1);
	bytes[40] = type;
	ks_events_drop(&events, mono_us, why, bytes, sizeof(bytes));
}

static void drop4(int64_t mono_us, enum ks_xlat_drop why, const char *from, const char *to)
{
	uint8_t bytes[20 + 8] = { 0x45, [3] = 28, [8] = 1, IPPROTO_IGMP };

	ck_assert_int_eq(inet_pton(AF_INET, from, bytes + 12), 1);
	ck_assert_int_eq(inet_pton(AF_INET, to, bytes + 16), 1);
	ks_events_drop(&events, mono_us, why, bytes, sizeof(bytes));
}

static unsigned lines(const char *what)
{
	unsigned n = 0;

	for (const char *at = unit_log_text(); (at = strstr(at, what)) != NULL; at++)
		n++;
	return n;
}

/* A router solicitation, a multicast listener report before and after there is an address, an IGMP report. */
static void what_the_kernel_says(int64_t mono_us)
{
	drop6(mono_us, KS_XLAT_MULTICAST, "fe80::1", "ff02::2", 133);
	drop6(mono_us, KS_XLAT_MULTICAST, "::", "ff02::16", 143);
	drop6(mono_us, KS_XLAT_MULTICAST, "fe80::1", "fe80::2", 135);
	drop4(mono_us, KS_XLAT_MULTICAST, "198.51.100.1", "224.0.0.22");
}

START_TEST(a_sample_of_each_reason)
{
	for (unsigned i = 0; i < 100; i++)
		drop6(1, KS_XLAT_MULTICAST, "2001:db8::1", "2001:db8::2", 128);
	drop4(1, KS_XLAT_TTL4, "198.51.100.7", "192.0.2.1");
	ck_assert_uint_eq(lines("dropped ("), 2);
	drop6(1 + KS_LOG_GATE_US, KS_XLAT_MULTICAST, "2001:db8::1", "2001:db8::2", 128);
	ck_assert_uint_eq(lines("(99 more before)"), 1);
}
END_TEST

START_TEST(what_the_kernel_says_is_no_news)
{
	what_the_kernel_says(1);
	ck_assert_str_eq(unit_log_text(), "");
	/* And does not keep back what is some. */
	drop6(1, KS_XLAT_MULTICAST, "2001:db8::1", "2001:db8::2", 128);
	ck_assert_uint_eq(lines("(0 more before)"), 1);
	drop4(1, KS_XLAT_TTL4, "169.254.1.1", "192.0.2.1");
	ck_assert_uint_eq(lines("dropped ("), 2);
}
END_TEST

START_TEST(unless_one_debugs)
{
	ks_log_set_level(KS_LOG_DEBUG, NULL);
	what_the_kernel_says(1);
	ck_assert_uint_eq(lines("dropped ("), 1);
	ck_assert_uint_eq(lines("fe80::1 > ff02::2 ICMPv6 133/0"), 1);
	what_the_kernel_says(1 + KS_LOG_GATE_US);
	ck_assert_uint_eq(lines("(3 more before)"), 1);
}
END_TEST

START_TEST(what_is_cut_short)
{
	static const uint8_t six[] = { 0x60, 0, 0, 0 }, four[] = { 0x45 };

	ks_events_drop(&events, 1, KS_XLAT_VERSION, six, sizeof(six));
	ks_events_drop(&events, 1, KS_XLAT_MULTICAST, four, sizeof(four));
	ks_events_drop(&events, 1, KS_XLAT_TTL4, four, 0);
	ck_assert_uint_eq(lines("that are no IP packet"), 3);
}
END_TEST

static Suite *events_suite(void)
{
	Suite *suite = suite_create("events");
	TCase *tcase = tcase_create("events");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_sample_of_each_reason);
	tcase_add_test(tcase, what_the_kernel_says_is_no_news);
	tcase_add_test(tcase, unless_one_debugs);
	tcase_add_test(tcase, what_is_cut_short);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return unit_run(events_suite());
}
