/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/cookie.h"

#include <string.h>

#include <sodium.h>

#include "lib/wire/sender.h"
#include "tests/unit/unit.h"

static struct ks_cookies cookies;
static uint8_t next_random;
static const struct ks_endpoint here = { { 1, 2, 3, 9 }, 4, 3 };

static void fill(void *ctx, void *out, size_t len)
{
	(void)ctx;
	for (size_t i = 0; i < len; i++)
		((uint8_t *)out)[i] = next_random++;
	next_random += 13;
}

static void setup(void)
{
	ck_assert_int_ge(sodium_init(), 0);
	next_random = 1;
	ks_cookies_init(&cookies, fill, NULL, 0);
}

START_TEST(good_for_one_period_and_the_next)
{
	uint8_t cookie[KS_COOKIE_SIZE];

	ks_cookie_make(&cookies, &here, "alpha", KS_COOKIE_US - 1, cookie);
	ck_assert(ks_cookie_good(&cookies, &here, "alpha", KS_COOKIE_US - 1, cookie));
	ck_assert(ks_cookie_good(&cookies, &here, "alpha", KS_COOKIE_US, cookie));
	ck_assert(ks_cookie_good(&cookies, &here, "alpha", 2 * KS_COOKIE_US - 1, cookie));
	ck_assert(!ks_cookie_good(&cookies, &here, "alpha", 2 * KS_COOKIE_US, cookie));
}
END_TEST

START_TEST(a_long_pause_ends_all)
{
	uint8_t cookie[KS_COOKIE_SIZE];

	ks_cookie_make(&cookies, &here, "alpha", 0, cookie);
	ck_assert(!ks_cookie_good(&cookies, &here, "alpha", 10 * KS_COOKIE_US + 5, cookie));
	ks_cookie_make(&cookies, &here, "alpha", 10 * KS_COOKIE_US + 5, cookie);
	ck_assert(ks_cookie_good(&cookies, &here, "alpha", 11 * KS_COOKIE_US, cookie));
	ck_assert(!ks_cookie_good(&cookies, &here, "alpha", 12 * KS_COOKIE_US, cookie));
}
END_TEST

START_TEST(of_one_address_and_one_name)
{
	struct ks_endpoint there = here, our_side = here, longer = here;
	uint8_t cookie[KS_COOKIE_SIZE], zeros[KS_COOKIE_SIZE] = { 0 };

	there.bytes[2]++;
	our_side.bytes[3]++;	/* beyond the other side's address */
	longer.peer_len++;
	ks_cookie_make(&cookies, &here, "alpha", 0, cookie);
	ck_assert(!ks_cookie_good(&cookies, &there, "alpha", 0, cookie));
	ck_assert(ks_cookie_good(&cookies, &our_side, "alpha", 0, cookie));
	ck_assert(!ks_cookie_good(&cookies, &longer, "alpha", 0, cookie));
	ck_assert(!ks_cookie_good(&cookies, &here, "alpha2", 0, cookie));
	ck_assert(!ks_cookie_good(&cookies, &here, "alph", 0, cookie));
	ck_assert(!ks_cookie_good(&cookies, &here, "alpha", 0, zeros));
	for (size_t i = 0; i < sizeof(cookie); i++) {
		cookie[i] ^= 0x10;
		ck_assert(!ks_cookie_good(&cookies, &here, "alpha", 0, cookie));
		cookie[i] ^= 0x10;
	}
}
END_TEST

static Suite *cookie_suite(void)
{
	Suite *suite = suite_create("cookie");
	TCase *tc = tcase_create("cookie");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, good_for_one_period_and_the_next);
	tcase_add_test(tc, a_long_pause_ends_all);
	tcase_add_test(tc, of_one_address_and_one_name);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	return unit_run(cookie_suite());
}
