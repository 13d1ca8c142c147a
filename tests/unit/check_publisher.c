/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/publisher.h"

#include <sodium.h>

#include "tests/unit/capture_pictures.h"

static uint8_t public_key[KS_PUBLIC_KEY_SIZE];
static struct ks_publisher publisher;
static struct ks_manifest last;
static unsigned delivered;

static void deliver(void *ctx, const struct ks_frame *frame)
{
	struct ks_trust trust = { .n = 1 };
	struct ks_frame seen;

	ck_assert_ptr_eq(ctx, &publisher);
	memcpy(trust.keys[0], public_key, KS_PUBLIC_KEY_SIZE);
	ck_assert_int_eq(ks_frame_verify(frame->bytes, frame->len, &trust, &seen), KS_EOK);
	last = seen.m;
	delivered++;
}

static void setup(void)
{
	ck_assert_int_ge(sodium_init(), 0);
	ck_assert_int_eq(ks_publisher_init(&publisher), KS_EOK);
	ks_keypair(public_key, publisher.secret_key);
	publisher.channel = "main";
	publisher.source = 3;
	publisher.priority = 7;
	publisher.period_ms = 500;
	publisher.next.epoch = 1795262400;
	publisher.deliver = deliver;
	publisher.ctx = &publisher;
	delivered = 0;
}

static void teardown(void)
{
	ks_publisher_free(&publisher);
}

static int publish(const char *rendition, const struct jpeg *jpeg, enum ks_jpeg_fault *fault)
{
	size_t sent;
	int err = ks_publish(&publisher, rendition, jpeg->bytes, jpeg->len, &sent, fault);

	if (err == KS_EOK) {
		ck_assert_uint_gt(sent, jpeg->len);	/* the stamp */
		ck_assert_uint_eq(sent, last.length);
	}
	return err;
}

START_TEST(signs_what_it_was_told)
{
	struct jpeg one = make_picture(64, 48, 1);
	enum ks_jpeg_fault fault;

	for (uint32_t seq = 0; seq < 3; seq++) {
		ck_assert_int_eq(ks_publish_begin(&publisher, 1795262400123456, 987654, KS_FRAME_PLACEHOLDER), KS_EOK);
		ck_assert_int_eq(publish("std", &one, &fault), KS_EOK);
		ck_assert(ks_publish_end(&publisher));
		ck_assert_uint_eq(delivered, seq + 1);
		ck_assert_uint_eq(last.id.epoch, 1795262400);
		ck_assert_uint_eq(last.id.seq, seq);
	}
	ck_assert_str_eq(last.channel, "main");
	ck_assert_str_eq(last.rendition, "std");
	ck_assert_uint_eq(last.source, 3);
	ck_assert_uint_eq(last.priority, 7);
	ck_assert_uint_eq(last.period_ms, 500);
	ck_assert_uint_eq(last.flags, KS_FRAME_PLACEHOLDER);
	ck_assert_int_eq(last.captured_us, 1795262400123456);
	ck_assert_int_eq(last.captured_mono_us, 987654);
	ck_assert_uint_eq(last.width, 64);
	ck_assert_uint_eq(last.height, 48);
	free(one.bytes);
}
END_TEST

START_TEST(renditions_of_one_instant_have_one_id)
{
	static const char *const names[] = { "low", "std", "high" };
	struct jpeg sizes[] = { make_picture(32, 24, 1), make_picture(64, 48, 1), make_picture(128, 96, 1) };
	enum ks_jpeg_fault fault;

	for (uint32_t seq = 0; seq < 2; seq++) {
		ck_assert_int_eq(ks_publish_begin(&publisher, 77 + seq, 11 + seq, 0), KS_EOK);
		for (unsigned i = 0; i < 3; i++) {
			ck_assert_int_eq(publish(names[i], &sizes[i], &fault), KS_EOK);
			ck_assert_uint_eq(delivered, 3 * seq + i + 1);
			ck_assert_str_eq(last.rendition, names[i]);
			ck_assert_uint_eq(last.width, 32U << i);
			ck_assert_uint_eq(last.id.epoch, 1795262400);
			ck_assert_uint_eq(last.id.seq, seq);
			ck_assert_int_eq(last.captured_us, 77 + seq);
			ck_assert_int_eq(last.captured_mono_us, 11 + seq);
			ck_assert_uint_eq(last.source, 3);
		}
		ck_assert(ks_publish_end(&publisher));
	}
	for (unsigned i = 0; i < 3; i++)
		free(sizes[i].bytes);
}
END_TEST

START_TEST(a_refused_picture_uses_no_id)
{
	struct jpeg one = make_picture(64, 48, 1), cut = { one.bytes, one.len - 1 };
	struct jpeg large = { calloc(1, KS_JPEG_MAX + 1), KS_JPEG_MAX };	/* no room for the stamp */
	enum ks_jpeg_fault fault;

	ck_assert_int_eq(ks_publish_begin(&publisher, 1, 1, 0), KS_EOK);
	ck_assert_int_eq(publish("std", &cut, &fault), KS_EMALFORMED);
	ck_assert_int_eq(fault, KS_JPEG_NO_EOI);
	memcpy(large.bytes, one.bytes, one.len - 2);
	memcpy(large.bytes + KS_JPEG_MAX - 2, "\xff\xd9", 2);
	ck_assert_int_ne(publish("high", &large, &fault), KS_EOK);
	ck_assert_int_eq(fault, KS_JPEG_SIZE);
	ck_assert(!ks_publish_end(&publisher));
	ck_assert_uint_eq(delivered, 0);
	ck_assert_uint_eq(publisher.next.seq, 0);

	/* One that is good is enough for the id to be used. */
	ck_assert_int_eq(ks_publish_begin(&publisher, 1, 1, 0), KS_EOK);
	ck_assert_int_eq(publish("std", &one, &fault), KS_EOK);
	ck_assert_int_ne(publish("high", &large, &fault), KS_EOK);
	ck_assert(ks_publish_end(&publisher));
	ck_assert_uint_eq(delivered, 1);
	ck_assert_uint_eq(publisher.next.seq, 1);
	free(large.bytes);
	free(one.bytes);
}
END_TEST

START_TEST(ids_never_wrap)
{
	struct jpeg one = make_picture(64, 48, 1);
	enum ks_jpeg_fault fault;

	publisher.next.seq = UINT32_MAX - 1;
	ck_assert_int_eq(ks_publish_begin(&publisher, 1, 1, 0), KS_EOK);
	ck_assert_int_eq(publish("std", &one, &fault), KS_EOK);
	ck_assert(ks_publish_end(&publisher));
	ck_assert_int_eq(ks_publish_begin(&publisher, 1, 1, 0), KS_ELIMIT);
	ck_assert_uint_eq(delivered, 1);
	free(one.bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("publisher");
	TCase *tc = tcase_create("publisher");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, signs_what_it_was_told);
	tcase_add_test(tc, renditions_of_one_instant_have_one_id);
	tcase_add_test(tc, a_refused_picture_uses_no_id);
	tcase_add_test(tc, ids_never_wrap);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
