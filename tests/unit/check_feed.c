/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/feed.h"

#include <event2/event.h>
#include <sodium.h>

#include "tests/unit/capture_pictures.h"

/* A source that does as it is told, and a clock that stands still until it is moved. */
static struct {
	int64_t wall_us, mono_us;
} now;

static struct stub {
	struct ks_source source;	/* first */
	enum ks_fault open_fault, next_fault;
	int next_err;
	struct jpeg pictures[80];
	unsigned n, at;
	unsigned opens, closes;
} stub;

static struct event_base *base;
static struct ks_capture_counts counts;
static struct ks_publisher publisher;
static struct ks_feed feed;
static struct ks_source_ops stub_ops;
static uint8_t public_key[KS_PUBLIC_KEY_SIZE];
static struct ks_manifest last;
static unsigned delivered;
static int exit_code;
static struct jpeg good, bad;

static int64_t fake_wall(void *ctx)
{
	(void)ctx;
	return now.wall_us;
}

static int64_t fake_mono(void *ctx)
{
	(void)ctx;
	return now.mono_us;
}

static const struct ks_clock fake_clock = { fake_wall, fake_mono, NULL };

static int stub_open(struct ks_source *source)
{
	stub.opens++;
	return stub.open_fault == KS_FAULT_NONE ? KS_EOK : ks_source_fault(source, stub.open_fault, "stub: open");
}

static int stub_next(struct ks_source *source, const struct ks_tick *tick, struct ks_picture *picture)
{
	if (stub.next_fault != KS_FAULT_NONE)
		return ks_source_fault(source, stub.next_fault, "stub: next");
	if (stub.at == stub.n)
		return stub.next_err;
	*picture = (struct ks_picture){ .layout = KS_PICTURE_JPEG, .jpeg = stub.pictures[stub.at].bytes,
					.jpeg_len = stub.pictures[stub.at].len, .captured_us = tick->wall_us,
					.captured_mono_us = tick->mono_us };
	stub.at++;
	return KS_EOK;
}

static void stub_close(struct ks_source *source)
{
	(void)source;
	stub.closes++;
}

static void stub_free(struct ks_source *source)
{
	(void)source;
}

static void deliver(void *ctx, const struct ks_frame *frame)
{
	struct ks_trust trust = { .n = 1 };
	struct ks_frame seen;

	(void)ctx;
	memcpy(trust.keys[0], public_key, KS_PUBLIC_KEY_SIZE);
	ck_assert_int_eq(ks_frame_verify(frame->bytes, frame->len, &trust, &seen), KS_EOK);
	last = seen.m;
	delivered++;
}

static void ended(void *ctx, int code)
{
	(void)ctx;
	exit_code = code;
}

static void give(const struct jpeg *jpeg)
{
	ck_assert_uint_lt(stub.n, 80);
	stub.pictures[stub.n++] = *jpeg;
}

static void pass(int64_t ms)
{
	now.wall_us += ms * KS_US_PER_MS;
	now.mono_us += ms * KS_US_PER_MS;
}

/* One period and its tick. */
static void tick(void)
{
	pass(1000);
	ks_feed_tick(&feed);
}

/* Runs what is due on the loop at once. */
static void spin(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static void setup(void)
{
	ck_assert_int_ge(sodium_init(), 0);
	stub_ops = (struct ks_source_ops){ stub_open, stub_next, stub_close, stub_free, false };
	memset(&stub, 0, sizeof(stub));
	memset(&counts, 0, sizeof(counts));
	now.wall_us = 1795262400 * KS_US_PER_S;
	now.mono_us = 500 * KS_US_PER_S;
	delivered = 0;
	exit_code = -1;
	good = make_picture(64, 48, 1);
	bad = (struct jpeg){ good.bytes, good.len - 3 };
	base = event_base_new();
	ck_assert_int_eq(ks_publisher_init(&publisher), KS_EOK);
	ks_keypair(public_key, publisher.secret_key);
	publisher.channel = "main";
	publisher.period_ms = 1000;
	publisher.next.epoch = 1;
	publisher.deliver = deliver;
	stub.next_err = KS_ENODATA;
	stub.source = (struct ks_source){ .ops = &stub_ops, .settings = { .spec = "stub" }, .clock = &fake_clock,
					  .counts = &counts };
	feed = (struct ks_feed){
		.settings = { .period_ms = 1000, .width = 320, .height = 240, .device_timeout_ms = 2000,
			      .device_error_delay_ms = 10,
			      .renditions = { .list = { { .name = "std" } }, .n = 1, .quality = 80,
					      .verify_decode = true } },
		.base = base, .clock = &fake_clock, .counts = &counts, .publisher = &publisher, .ended = ended,
	};
	unit_log_start();
}

static void teardown(void)
{
	ks_feed_free(&feed);
	ks_publisher_free(&publisher);
	event_base_free(base);
	free(good.bytes);
}

static void start(void)
{
	ck_assert_int_eq(ks_feed_start(&feed, &stub.source), KS_EOK);
	spin();
	ck_assert_uint_ge(stub.opens, 1);
}

/* Waits in real time for the retry: the loop has no other clock. */
static void until_opens(unsigned n)
{
	int64_t end = ks_mono_us(&ks_clock_system) + 10 * KS_US_PER_S;

	while (stub.opens < n) {
		ck_assert_int_lt(ks_mono_us(&ks_clock_system), end);
		event_base_loop(base, EVLOOP_ONCE);
	}
}

static unsigned told(const char *words)
{
	unsigned n = 0;

	for (const char *at = unit_log_text(); (at = strstr(at, words)) != NULL; at++)
		n++;
	return n;
}

START_TEST(one_picture_a_tick)
{
	start();
	ck_assert_uint_eq(delivered, 0);
	give(&good);
	give(&good);
	tick();
	ck_assert_uint_eq(delivered, 1);
	ck_assert_int_eq(last.captured_us, now.wall_us);
	ck_assert_int_eq(last.flags, 0);
	tick();
	ck_assert_uint_eq(delivered, 2);
	ck_assert_uint_eq(last.id.seq, 1);
	/* Nothing new, nothing sent. */
	tick();
	ck_assert_uint_eq(delivered, 2);
	ck_assert_uint_eq(ks_counted(&counts.frames), 2);
	ck_assert(ks_feed_alive(&feed));
}
END_TEST

START_TEST(broken_ones_are_passed_over_at_once)
{
	start();
	for (int i = 0; i < 20; i++)
		give(&bad);
	give(&good);
	tick();
	ck_assert_uint_eq(delivered, 1);
	ck_assert_uint_eq(ks_counted(&counts.dropped[KS_JPEG_NO_EOI]), 20);
	ck_assert_uint_eq(last.id.seq, 0);
}
END_TEST

START_TEST(nothing_but_broken_ones_is_a_fault)
{
	start();
	for (int i = 0; i < 10; i++) {
		give(&bad);
		tick();
	}
	ck_assert_int_eq(feed.outage.fault, KS_FAULT_BROKEN);
	ck_assert_uint_gt(delivered, 0);
	ck_assert_int_eq(last.flags, KS_FRAME_PLACEHOLDER);
	ck_assert_uint_eq(told("broken pictures"), 1);
}
END_TEST

START_TEST(placeholders_flow_in_an_outage)
{
	unsigned before;

	stub.open_fault = KS_FAULT_NO_DEVICE;
	start();
	before = delivered;
	for (unsigned i = 1; i <= 5; i++) {
		tick();
		ck_assert_uint_eq(delivered, before + i);
		ck_assert_int_eq(last.flags, KS_FRAME_PLACEHOLDER);
		ck_assert_uint_eq(last.width, 320);
		ck_assert_uint_eq(last.id.seq, before + i - 1);
	}
	ck_assert(ks_feed_alive(&feed));
	until_opens(3);
	ck_assert_uint_eq(told("no device"), 1);
	ck_assert_uint_eq(ks_counted(&counts.faults[KS_FAULT_NO_DEVICE]), 1);
	/* Open again is not yet a picture. */
	stub.open_fault = KS_FAULT_NONE;
	until_opens(stub.opens + 1);
	tick();
	ck_assert_int_eq(last.flags, KS_FRAME_PLACEHOLDER);
	ck_assert_uint_eq(told("pictures again"), 0);
	give(&good);
	tick();
	ck_assert_int_eq(last.flags, 0);
	ck_assert_uint_eq(last.id.seq, delivered - 1);
	ck_assert_uint_eq(told("pictures again"), 1);
	ck_assert_int_eq(feed.outage.fault, KS_FAULT_NONE);
	ck_assert_uint_eq(ks_counted(&counts.placeholders), delivered - 1);
	ck_assert_uint_eq(ks_counted(&counts.frames), 1);
}
END_TEST

/* Every viewer sees what is wrong, whichever rendition it watches. */
START_TEST(placeholders_come_in_all_renditions)
{
	struct ks_feed_settings settings = feed.settings;

	settings.renditions = (struct ks_renditions_settings){
		.list = { { .name = "std" }, { .name = "rough", .quality = 10 },
			  { .name = "low", .width = 64, .height = 48 } },
		.n = ks_scaler_available() ? 3 : 2, .quality = 80,
	};
	stub.open_fault = KS_FAULT_NO_DEVICE;
	start();
	ks_feed_set(&feed, &settings);
	for (unsigned i = 0; i < 3; i++) {
		unsigned before = delivered;
		uint32_t seq = publisher.next.seq;

		tick();
		ck_assert_uint_eq(delivered, before + settings.renditions.n);
		ck_assert_int_eq(last.flags, KS_FRAME_PLACEHOLDER);
		ck_assert_str_eq(last.rendition, "std");	/* the largest comes last */
		ck_assert_uint_eq(last.width, 320);
		ck_assert_uint_eq(last.id.seq, seq);
		ck_assert_uint_eq(publisher.next.seq, seq + 1);
	}
	ck_assert_uint_eq(ks_counted(&feed.renditions.counts[1].frames), 3);
	ck_assert_uint_ge(ks_counted(&counts.placeholders), 3);
	/* Back again, in the same ones. */
	stub.open_fault = KS_FAULT_NONE;
	until_opens(stub.opens + 1);
	give(&good);
	tick();
	ck_assert_int_eq(last.flags, 0);
	ck_assert_uint_eq(ks_counted(&counts.frames), 1);
	ck_assert_uint_eq(ks_counted(&feed.renditions.counts[1].frames), 4);
}
END_TEST

START_TEST(a_fault_between_ticks_closes_the_source)
{
	start();
	give(&good);
	tick();
	ks_source_failed(&stub.source, KS_FAULT_NO_DEVICE, "stub: unplugged");
	ck_assert_uint_eq(stub.closes, 1);
	ck_assert_uint_eq(told("stub: unplugged"), 1);
	tick();
	ck_assert_int_eq(last.flags, KS_FRAME_PLACEHOLDER);
}
END_TEST

START_TEST(a_patient_source_stays_open)
{
	stub_ops.patient = true;
	start();
	ks_source_failed(&stub.source, KS_FAULT_TIMEOUT, "stub: silent");
	ck_assert_uint_eq(stub.closes, 0);
	tick();
	ck_assert_int_eq(last.flags, KS_FRAME_PLACEHOLDER);
	give(&good);
	tick();
	ck_assert_int_eq(last.flags, 0);
	ck_assert_uint_eq(stub.opens, 1);
}
END_TEST

START_TEST(a_changed_signal_is_no_news)
{
	start();
	give(&good);
	tick();
	ks_source_failed(&stub.source, KS_FAULT_CHANGED, "stub: changed");
	spin();
	ck_assert_uint_eq(stub.opens, 2);
	tick();
	ck_assert_uint_eq(delivered, 1);
	give(&good);
	tick();
	ck_assert_uint_eq(delivered, 2);
	ck_assert_uint_eq(ks_counted(&counts.placeholders), 0);
	ck_assert_uint_eq(told("changed"), 0);
	ck_assert_uint_eq(told("again"), 0);
}
END_TEST

START_TEST(leaves_when_told_to)
{
	feed.settings.exit_on_device_error = true;
	stub.open_fault = KS_FAULT_BUSY;
	start();
	ck_assert_int_eq(exit_code, 1);
	ck_assert_uint_eq(delivered, 0);
	ck_assert_uint_eq(told("exiting"), 1);
}
END_TEST

START_TEST(a_long_silence_is_not_alive)
{
	start();
	give(&good);
	tick();
	pass(4900);
	ck_assert(ks_feed_alive(&feed));
	pass(200);
	ck_assert(!ks_feed_alive(&feed));
}
END_TEST

START_TEST(delays_double_to_half_a_minute)
{
	static const int64_t wanted[] = { 1000, 2000, 4000, 8000, 16000, 30000, 30000 };
	struct ks_outage outage = { .fault = KS_FAULT_NONE };

	stub.source.fault = KS_FAULT_CHANGED;
	ck_assert(ks_outage_note(&outage, &stub.source, ""));
	ck_assert_int_eq(ks_outage_delay_ms(&outage, 1000), 0);
	stub.source.fault = KS_FAULT_NO_SIGNAL;
	ck_assert(!ks_outage_note(&outage, &stub.source, ""));
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		int64_t got = ks_outage_delay_ms(&outage, 1000);

		ck_assert_int_le(got, wanted[i]);
		ck_assert_int_ge(got, wanted[i] * 3 / 4);
	}
	ck_assert(ks_outage_end(&outage, &fake_clock));
	ck_assert(!ks_outage_end(&outage, &fake_clock));
}
END_TEST

/* The real clock and loop: the ticks come once a period, and a replay ends by itself. */
START_TEST(the_frame_clock_keeps_its_period)
{
	int64_t began_us = ks_mono_us(&ks_clock_system), took_us;

	feed.clock = &ks_clock_system;
	feed.settings.period_ms = 20;
	for (int i = 0; i < 25; i++)
		give(&good);
	stub.next_err = KS_EEND;
	ck_assert_int_eq(ks_feed_start(&feed, &stub.source), KS_EOK);
	while (exit_code < 0)
		event_base_loop(base, EVLOOP_ONCE);
	took_us = ks_mono_us(&ks_clock_system) - began_us;
	ck_assert_int_eq(exit_code, 0);
	ck_assert_uint_eq(delivered, 25);
	/* 24 periods between, one to find the end, and the time for late repairs. */
	ck_assert_int_ge(took_us, (25 * 20 + 500) * KS_US_PER_MS - 30 * KS_US_PER_MS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("feed");
	TCase *tc = tcase_create("feed");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, one_picture_a_tick);
	tcase_add_test(tc, broken_ones_are_passed_over_at_once);
	tcase_add_test(tc, nothing_but_broken_ones_is_a_fault);
	tcase_add_test(tc, placeholders_flow_in_an_outage);
	tcase_add_test(tc, placeholders_come_in_all_renditions);
	tcase_add_test(tc, a_fault_between_ticks_closes_the_source);
	tcase_add_test(tc, a_patient_source_stays_open);
	tcase_add_test(tc, a_changed_signal_is_no_news);
	tcase_add_test(tc, leaves_when_told_to);
	tcase_add_test(tc, a_long_silence_is_not_alive);
	tcase_add_test(tc, delays_double_to_half_a_minute);
	tcase_add_test(tc, the_frame_clock_keeps_its_period);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
