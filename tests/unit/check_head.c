/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/head.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "capture/epoch.h"
#include "lib/base/error.h"
#include "tests/unit/unit.h"

#define S KS_US_PER_S
#define OURS 1

static int64_t now_us;
static struct ks_publisher publisher;
static struct ks_trust trust;
static struct ks_head head;
static uint8_t other[KS_SECRET_KEY_SIZE], stranger[KS_SECRET_KEY_SIZE];
static uint8_t bytes[KS_MANIFEST_SIZE];
static uint32_t stored;
static int failure;

static const char *channel;
static uint8_t flags;

static int64_t fake_now(void *ctx)
{
	(void)ctx;
	return now_us;
}

static const struct ks_clock fake_clock = { fake_now, fake_now, NULL };

static int above(void *ctx, uint32_t heard, uint32_t *epoch)
{
	(void)ctx;
	if (failure != KS_EOK)
		return failure;
	ck_assert_int_eq(ks_epoch_raise(&stored, OURS, heard, &stored), KS_EOK);
	*epoch = stored;
	return KS_EOK;
}

static void setup(void)
{
	uint8_t public_key[KS_PUBLIC_KEY_SIZE];

	ck_assert_int_eq(ks_publisher_init(&publisher), KS_EOK);
	ks_keypair(public_key, stranger);
	ks_keypair(trust.keys[0], other);
	ks_keypair(trust.keys[1], publisher.secret_key);
	trust.n = 2;
	publisher.channel = channel = "main";
	publisher.source = OURS;
	publisher.period_ms = 1000;
	publisher.priority = KS_HEAD_STEPS;
	stored = 16 + OURS;
	publisher.next = (struct ks_frame_id){ stored, 5 };
	flags = 0;
	failure = KS_EOK;
	now_us = 1000 * S;
	head = (struct ks_head){ .clock = &fake_clock, .publisher = &publisher, .trust = &trust,
				 .verify = ks_head_verify, .above = above };
	unit_log_start();
}

static void teardown(void)
{
	ks_publisher_free(&publisher);
}

static void sign(const uint8_t *key, uint8_t source, uint32_t epoch, uint32_t seq)
{
	struct ks_manifest m = { .rendition = "std", .source = source, .flags = flags, .id = { epoch, seq }, .width = 8,
				 .height = 8, .period_ms = 1000, .length = 100 };

	strcpy(m.channel, channel);
	ck_assert_int_eq(ks_manifest_encode(&m, bytes), KS_EOK);
	crypto_sign_detached(bytes + KS_MANIFEST_SIGNED, NULL, bytes, KS_MANIFEST_SIGNED, key);
}

static enum ks_head_outcome hear(const uint8_t *key, uint8_t source, uint32_t epoch, uint32_t seq)
{
	sign(key, source, epoch, seq);
	return ks_head_take(&head, bytes);
}

static void assert_next(uint32_t epoch, uint32_t seq)
{
	ck_assert_uint_eq(publisher.next.epoch, epoch);
	ck_assert_uint_eq(publisher.next.seq, seq);
}

START_TEST(goes_above_another_source)
{
	ck_assert_int_eq(hear(other, 0, 16, 99), KS_HEAD_BELOW);
	assert_next(17, 5);
	ck_assert_int_eq(hear(other, 0, 160, 7), KS_HEAD_RAISED);
	assert_next(161, 0);
	ck_assert_int_eq(hear(other, 0, 160, 8), KS_HEAD_BELOW);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "frame 160-7 of source 0; going on above it with epoch 161"));
}
END_TEST

/* The id that comes next is not free when it was published already. */
START_TEST(goes_above_itself_when_its_state_was_lost)
{
	ck_assert_int_eq(hear(publisher.secret_key, OURS, 17, 4), KS_HEAD_SHOWN);
	assert_next(17, 5);
	ck_assert_int_eq(hear(publisher.secret_key, OURS, 17, 5), KS_HEAD_RAISED);
	assert_next(33, 0);
	now_us += KS_HEAD_RAISE_MAX_US;
	ck_assert_int_eq(hear(publisher.secret_key, OURS, 3000, 1), KS_HEAD_RAISED);
	assert_next(3009, 0);
}
END_TEST

START_TEST(not_again_for_some_seconds)
{
	ck_assert_int_eq(hear(other, 0, 160, 7), KS_HEAD_RAISED);
	now_us += KS_HEAD_RAISE_MIN_US - 1;
	ck_assert_int_eq(hear(other, 0, 320, 7), KS_HEAD_EARLY);
	assert_next(161, 0);
	now_us += KS_HEAD_RAISE_MAX_US - KS_HEAD_RAISE_MIN_US + 1;
	ck_assert_int_eq(hear(other, 0, 320, 7), KS_HEAD_RAISED);
	assert_next(321, 0);
}
END_TEST

START_TEST(waits_for_another_time_each_time)
{
	int64_t waited_us[10], least_us = INT64_MAX, most_us = 0;

	for (uint32_t i = 0; i < 10; i++) {
		waited_us[i] = 0;
		while (hear(other, 0, 160 * (i + 1), 7) == KS_HEAD_EARLY) {
			now_us += S / 10;
			waited_us[i] += S / 10;
		}
		assert_next(160 * (i + 1) + OURS, 0);
		if (i > 0 && waited_us[i] < least_us)
			least_us = waited_us[i];
		most_us = waited_us[i] > most_us ? waited_us[i] : most_us;
	}
	ck_assert_int_eq(waited_us[0], 0);
	ck_assert_int_ge(least_us, KS_HEAD_RAISE_MIN_US);
	ck_assert_int_le(most_us, KS_HEAD_RAISE_MAX_US + S / 10);
	ck_assert_int_ge(most_us - least_us, S);
}
END_TEST

START_TEST(the_better_one_goes_higher)
{
	publisher.priority = 1;
	ck_assert_int_eq(hear(other, 0, 160, 7), KS_HEAD_RAISED);
	assert_next(160 + (KS_HEAD_STEPS - 1) * KS_SOURCES_MAX + OURS, 0);
	now_us += KS_HEAD_RAISE_MAX_US;
	publisher.priority = 0;
	ck_assert_int_eq(hear(other, 0, 320, 7), KS_HEAD_RAISED);
	assert_next(320 + KS_HEAD_STEPS * KS_SOURCES_MAX + OURS, 0);
	now_us += KS_HEAD_RAISE_MAX_US;
	ck_assert_int_eq(hear(other, 0, UINT32_MAX - 31, 7), KS_HEAD_RAISED);
	assert_next(UINT32_MAX - 30, 0);
}
END_TEST

/* A step is not wasted on the first that comes along. */
START_TEST(goes_above_the_highest_heard)
{
	ck_assert_int_eq(hear(other, 0, 160, 7), KS_HEAD_RAISED);
	ck_assert_int_eq(hear(other, 0, 640, 7), KS_HEAD_EARLY);
	ck_assert_int_eq(hear(stranger, 0, 960, 7), KS_HEAD_SIGNATURE);
	now_us += KS_HEAD_RAISE_MAX_US;
	ck_assert_int_eq(hear(other, 0, 320, 7), KS_HEAD_RAISED);
	assert_next(641, 0);
}
END_TEST

START_TEST(only_what_is_signed_and_of_this_channel)
{
	ck_assert_int_eq(hear(stranger, 0, 160, 7), KS_HEAD_SIGNATURE);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "named by trust?"));
	ck_assert_int_eq(hear(stranger, OURS, 17, 1), KS_HEAD_SIGNATURE);
	channel = "second";
	ck_assert_int_eq(hear(other, 0, 160, 7), KS_HEAD_CHANNEL);
	channel = "main";
	sign(other, 0, 160, 7);
	bytes[40] ^= 1;
	ck_assert_int_eq(ks_head_take(&head, bytes), KS_HEAD_SIGNATURE);
	memset(bytes, 0, sizeof(bytes));
	ck_assert_int_eq(ks_head_take(&head, bytes), KS_HEAD_MALFORMED);
	assert_next(17, 5);
	ck_assert_int_eq(publisher.shown_until_us, 0);
	ck_assert_uint_eq(ks_counted(&head.outcomes[KS_HEAD_SIGNATURE]), 3);
	ck_assert_int_eq(hear(other, 0, 160, 7), KS_HEAD_RAISED);	/* none of these was a try */
}
END_TEST

START_TEST(checking_is_bounded)
{
	sign(stranger, 0, 160, 7);
	for (int i = 0; i < 1000; i++)
		ks_head_take(&head, bytes);
	ck_assert_uint_eq(ks_counted(&head.outcomes[KS_HEAD_SIGNATURE]), KS_HEAD_CHECKS_MAX);
	ck_assert_uint_eq(ks_counted(&head.outcomes[KS_HEAD_BUSY]), 1000 - KS_HEAD_CHECKS_MAX);
	now_us += S;
	ck_assert_int_eq(hear(other, 0, 160, 7), KS_HEAD_RAISED);
}
END_TEST

START_TEST(stays_when_the_new_one_cannot_be_stored)
{
	failure = -ENOSPC;
	ck_assert_int_eq(hear(other, 0, 160, 7), KS_HEAD_FAILED);
	ck_assert_int_eq(hear(other, 0, 160, 7), KS_HEAD_EARLY);
	assert_next(17, 5);
	failure = KS_EOK;
	now_us += KS_HEAD_RAISE_MAX_US;
	ck_assert_int_eq(hear(other, 0, 160, 7), KS_HEAD_RAISED);
}
END_TEST

/* The flags of the next instant. */
static uint8_t instant(void)
{
	ck_assert_int_eq(ks_publish_begin(&publisher, 0, now_us, KS_FRAME_PLACEHOLDER), KS_EOK);
	publisher.next.seq++;
	return publisher.instant.flags;
}

START_TEST(marks_every_other_picture_while_shown)
{
	ck_assert_uint_eq(instant(), KS_FRAME_PLACEHOLDER);
	ck_assert_int_eq(hear(publisher.secret_key, OURS, 17, 3), KS_HEAD_SHOWN);
	for (int i = 0; i < 10; i++)
		ck_assert_uint_eq(instant(), KS_FRAME_PLACEHOLDER | (i % 2 == 1 ? KS_FRAME_SHOWN : 0));
	now_us += KS_HEAD_SHOWN_US + 4 * S;
	ck_assert_uint_eq(instant(), KS_FRAME_PLACEHOLDER);
	ck_assert_uint_eq(instant(), KS_FRAME_PLACEHOLDER);
	flags = KS_FRAME_SHOWN;		/* passed on by a relay that need not show it */
	ck_assert_int_eq(hear(publisher.secret_key, OURS, 17, 3), KS_HEAD_BELOW);
	ck_assert_uint_eq(instant(), KS_FRAME_PLACEHOLDER);
	ck_assert_uint_eq(instant(), KS_FRAME_PLACEHOLDER);
}
END_TEST

START_TEST(metrics)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	hear(other, 0, 160, 7);
	ks_head_metrics(&head, out);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(text, "koshien_capture_heads_total{reason=\"raised\"} 1\n"));
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("head");
	TCase *tc = tcase_create("head");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, goes_above_another_source);
	tcase_add_test(tc, goes_above_itself_when_its_state_was_lost);
	tcase_add_test(tc, not_again_for_some_seconds);
	tcase_add_test(tc, waits_for_another_time_each_time);
	tcase_add_test(tc, the_better_one_goes_higher);
	tcase_add_test(tc, goes_above_the_highest_heard);
	tcase_add_test(tc, only_what_is_signed_and_of_this_channel);
	tcase_add_test(tc, checking_is_bounded);
	tcase_add_test(tc, stays_when_the_new_one_cannot_be_stored);
	tcase_add_test(tc, marks_every_other_picture_while_shown);
	tcase_add_test(tc, metrics);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
