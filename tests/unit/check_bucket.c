/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/bucket.h"

#include "tests/unit/unit.h"

#define EACH 1000

static int taken(struct ks_bucket *bucket, int64_t now_us, int tries)
{
	int n = 0;

	while (tries-- > 0)
		n += ks_bucket_take(bucket, now_us, EACH, 5);
	return n;
}

START_TEST(a_burst_and_then_one_each_while)
{
	struct ks_bucket bucket = { 0 };
	int64_t now_us = _i == 0 ? 0 : INT64_MAX / 2;
	int n = 0;

	ck_assert_int_eq(taken(&bucket, now_us, 100), 5);
	ck_assert_int_eq(taken(&bucket, now_us + EACH - 1, 100), 0);
	ck_assert_int_eq(taken(&bucket, now_us + EACH, 100), 1);
	/* What is refused costs nothing. */
	for (int64_t t = EACH; t <= 11 * EACH; t += EACH / 10)
		n += taken(&bucket, now_us + t, 3);
	ck_assert_int_eq(n, 10);
	/* It fills up again, and no further. */
	ck_assert_int_eq(taken(&bucket, now_us + 14 * EACH, 100), 3);
	ck_assert_int_eq(taken(&bucket, now_us + 1000 * EACH, 100), 5);
}
END_TEST

START_TEST(a_burst_of_one_is_a_pause)
{
	struct ks_bucket bucket = { 0 };

	ck_assert(ks_bucket_take(&bucket, 7, EACH, 1));
	ck_assert(!ks_bucket_take(&bucket, 7 + EACH - 1, EACH, 1));
	ck_assert(ks_bucket_take(&bucket, 7 + EACH, EACH, 1));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bucket");
	TCase *tc = tcase_create("bucket");

	tcase_add_loop_test(tc, a_burst_and_then_one_each_while, 0, 2);
	tcase_add_test(tc, a_burst_of_one_is_a_pause);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
