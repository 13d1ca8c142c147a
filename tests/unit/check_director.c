/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/director.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "tests/unit/unit.h"

#define MS KS_US_PER_MS
#define S KS_US_PER_S
#define SENT_MAX 4096

static struct ks_director *director;
static int64_t now_us;

/* What was published, and which ids were told. */
static struct {
	uint8_t source, flags, hops;
	struct ks_frame_id id;
	char rendition[KS_RENDITION_MAX + 1];
	int64_t at_us;
} published[SENT_MAX];
static size_t n_published;
static struct {
	struct ks_frame_id id;
	int64_t at_us;
} heads[SENT_MAX];
static size_t n_heads;
static int refusal;

/* How the next frames are made. */
static const char *channel, *rendition;
static uint32_t period_ms;
static uint8_t flags, hops, ranks[KS_SOURCES_MAX];
static size_t length;
static uint8_t *bytes;

static int64_t fake_now(void *ctx)
{
	(void)ctx;
	return now_us;
}

static const struct ks_clock fake_clock = { fake_now, fake_now, NULL };

static int publish(void *ctx, const struct ks_frame *frame, uint8_t frame_hops)
{
	(void)ctx;
	if (refusal != KS_EOK)
		return refusal;
	ck_assert_uint_lt(n_published, SENT_MAX);
	published[n_published].source = frame->m.source;
	published[n_published].flags = frame->m.flags;
	published[n_published].hops = frame_hops;
	published[n_published].id = frame->m.id;
	published[n_published].at_us = now_us;
	strcpy(published[n_published++].rendition, frame->m.rendition);
	return KS_EOK;
}

static void head(void *ctx, const uint8_t manifest[KS_MANIFEST_SIZE])
{
	struct ks_manifest m;

	(void)ctx;
	ck_assert_uint_lt(n_heads, SENT_MAX);
	ck_assert_int_eq(ks_manifest_decode(manifest, KS_MANIFEST_SIZE, &m), KS_EOK);
	heads[n_heads].id = m.id;
	heads[n_heads++].at_us = now_us;
}

static const struct ks_director_ops ops = { &fake_clock, publish, head, NULL };

static void renew(void)
{
	ks_director_free(director);
	ck_assert_int_eq(ks_director_new(&director, 4, &ops), KS_EOK);
}

static void setup(void)
{
	now_us = 1000 * S;
	n_published = n_heads = 0;
	refusal = KS_EOK;
	channel = "main";
	rendition = "std";
	period_ms = 1000;
	flags = hops = 0;
	length = 100;
	for (size_t i = 0; i < KS_SOURCES_MAX; i++)
		ranks[i] = (uint8_t)i;
	bytes = calloc(1, KS_FRAME_MAX);
	ck_assert_ptr_nonnull(bytes);
	director = NULL;
	renew();
}

static void teardown(void)
{
	ks_director_free(director);
	free(bytes);
}

static struct ks_manifest manifest_of(uint8_t source, uint32_t epoch, uint32_t seq)
{
	struct ks_manifest m = { .source = source, .priority = ranks[source], .flags = flags, .id = { epoch, seq },
				 .width = 8, .height = 8, .period_ms = period_ms, .length = (uint32_t)length };

	strcpy(m.channel, channel);
	strcpy(m.rendition, rendition);
	return m;
}

static int take(uint8_t source, uint32_t epoch, uint32_t seq)
{
	struct ks_frame frame = { manifest_of(source, epoch, seq), bytes, KS_MANIFEST_SIZE + length };

	ck_assert_int_eq(ks_manifest_encode(&frame.m, bytes), KS_EOK);
	return ks_director_take(director, &frame, hops);
}

/* The time goes on, and the director is called when it wants to be. */
static void until(int64_t at_us)
{
	for (;;) {
		int64_t due_us = ks_director_tick(director);

		ck_assert_int_gt(due_us, now_us);
		if (due_us > at_us)
			break;
		now_us = due_us;
	}
	now_us = at_us;
	ks_director_tick(director);
}

static void after(int64_t us)
{
	until(now_us + us);
}

static void assert_last(uint8_t source, uint32_t epoch, uint32_t seq)
{
	ck_assert_uint_gt(n_published, 0);
	ck_assert_uint_eq(published[n_published - 1].source, source);
	ck_assert_uint_eq(published[n_published - 1].id.epoch, epoch);
	ck_assert_uint_eq(published[n_published - 1].id.seq, seq);
}

/* Source 0 of epoch 100 is shown, source 1 of epoch 200 stands by; both at seq 0 to n-1. Ends half a second behind the
 * last of source 0, when the last of source 1 has just come. */
static void two(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		ck_assert_int_eq(take(0, 100, i), KS_EOK);
		assert_last(0, 100, i);
		after(500 * MS);
		ck_assert_int_eq(take(1, 200, i), KS_EOK);
		assert_last(0, 100, i);
		if (i + 1 < n)
			after(500 * MS);
	}
}

START_TEST(the_one_shown_is_published_at_once)
{
	two(5);
	ck_assert_uint_eq(n_published, 5);
	ck_assert_int_eq(ks_director_source(director, "main"), 0);
	ck_assert_int_eq(ks_director_source(director, "other"), -1);
	ck_assert_uint_eq(ks_director_changes(director), 0);
	ck_assert_int_eq(take(0, 100, 4), KS_ESTALE);
	ck_assert_int_eq(take(0, 100, 3), KS_ESTALE);
	ck_assert_int_eq(take(0, 99, 9), KS_ESTALE);
	ck_assert_uint_eq(n_published, 5);
}
END_TEST

START_TEST(another_takes_over_after_one_and_a_half_periods)
{
	two(5);
	after(S - 1);
	assert_last(0, 100, 4);
	ck_assert_int_eq(ks_director_tick(director), now_us + 1);
	after(1);
	assert_last(1, 200, 4);
	ck_assert_int_eq(published[n_published - 1].at_us - published[n_published - 2].at_us, 1500 * MS);
	ck_assert_int_eq(ks_director_source(director, "main"), 1);
	ck_assert_uint_eq(ks_director_changes(director), 1);
	ck_assert_int_eq(take(1, 200, 5), KS_EOK);
	assert_last(1, 200, 5);
	ck_assert_uint_eq(ks_director_held(director), 0);
}
END_TEST

/* The same without a tick: whoever calls late gets the same. */
START_TEST(takeover_with_the_next_frame)
{
	two(5);
	now_us += S;
	ck_assert_int_eq(take(0, 100, 5), KS_ESTALE);
	assert_last(1, 200, 4);
	ck_assert_uint_eq(n_published, 6);
}
END_TEST

START_TEST(all_renditions_take_over)
{
	for (uint32_t i = 0; i < 3; i++) {
		rendition = "std";
		take(0, 100, i);
		take(1, 200, i);
		rendition = "low";
		take(0, 100, i);
		take(1, 200, i);
		if (i < 2)
			after(S);
	}
	ck_assert_uint_eq(n_published, 6);
	after(1400 * MS);
	take(1, 200, 3);
	after(100 * MS);
	ck_assert_uint_eq(n_published, 8);
	for (size_t i = 6; i < 8; i++) {
		bool low = strcmp(published[i].rendition, "low") == 0;

		ck_assert_uint_eq(published[i].source, 1);
		ck_assert_uint_eq(published[i].id.seq, low ? 3 : 2);
	}
	ck_assert_str_ne(published[6].rendition, published[7].rendition);
}
END_TEST

/* One that is behind cannot take over before it has gone above; it has been told long before. */
START_TEST(who_is_behind_is_told)
{
	take(0, 100, 0);
	ck_assert_int_eq(take(1, 50, 0), KS_ESTALE);
	ks_director_tick(director);
	ck_assert_uint_ge(n_heads, 1);
	ck_assert_uint_eq(heads[0].id.epoch, 100);
	n_heads = 0;
	for (uint32_t i = 1; i < 100; i++) {
		now_us += 50 * MS;
		take(1, 50, i);
		ks_director_tick(director);
	}
	/* Each second; the shown one, silent as it is, has been told before. */
	ck_assert_uint_eq(n_heads, 4);
	for (size_t i = 0; i < n_heads; i++)
		ck_assert_uint_eq(heads[i].id.epoch, 100);
	ck_assert_uint_eq(n_published, 1);
	ck_assert_int_eq(take(1, 101, 0), KS_EOK);
	assert_last(1, 101, 0);
}
END_TEST

/* One that stands by and has lost its state is behind itself. */
START_TEST(lost_state_is_told)
{
	two(3);
	n_heads = 0;
	ck_assert_int_eq(take(1, 150, 0), KS_ESTALE);
	after(S);
	ck_assert_uint_ge(n_heads, 1);
	ck_assert_uint_eq(heads[0].id.epoch, 200);
	ck_assert_uint_eq(heads[0].id.seq, 2);
}
END_TEST

START_TEST(comes_back_after_ten_good_seconds)
{
	two(2);
	after(S);
	assert_last(1, 200, 1);
	for (uint32_t i = 0; i <= 10; i++) {	/* 0 to 10 s */
		take(1, 200, 2 + i);
		assert_last(1, 200, 2 + i);
		take(0, 300, i);
		if (i < 10)
			assert_last(1, 200, 2 + i);
		else
			assert_last(0, 300, 10);
		after(S);
	}
	ck_assert_int_eq(ks_director_source(director, "main"), 0);
	ck_assert_uint_eq(ks_director_changes(director), 2);
	take(1, 400, 0);
	assert_last(0, 300, 10);
}
END_TEST

START_TEST(one_that_flaps_does_not_come_back)
{
	two(2);
	after(S);
	for (uint32_t i = 0; i < 200; i++) {
		take(1, 200, 2 + i);
		if (i % 10 < 8)		/* 2.9 s without one, every 10 s */
			take(0, 300, i);
		assert_last(1, 200, 2 + i);
		after(S);
	}
	ck_assert_uint_eq(ks_director_changes(director), 1);
}
END_TEST

/* A worse one does not come back at all. */
START_TEST(a_worse_one_waits)
{
	two(60);
	ck_assert_uint_eq(ks_director_changes(director), 0);
	ck_assert_int_eq(ks_director_source(director, "main"), 0);
}
END_TEST

START_TEST(priority_goes_before_id)
{
	ranks[0] = 7;
	ranks[1] = 3;
	for (uint32_t i = 0; i <= 11; i++) {
		take(0, 100, i);
		take(1, 200, i);
		after(S);
	}
	assert_last(1, 200, 11);
	ck_assert_int_eq(ks_director_source(director, "main"), 1);
}
END_TEST

START_TEST(best_of_three)
{
	ranks[3] = 1;
	ranks[5] = 1;
	ranks[4] = 2;
	two(1);
	ranks[1] = 9;
	take(4, 404, 0);
	take(5, 505, 0);
	take(3, 303, 0);
	take(1, 200, 1);
	after(S);
	assert_last(3, 303, 0);		/* lowest number; of equals the lower id */
	after(400 * MS);
	take(4, 404, 1);
	take(5, 505, 1);
	take(1, 200, 2);
	after(200 * MS);
	assert_last(5, 505, 1);
	after(400 * MS);
	take(4, 404, 2);		/* not above 505 */
	after(3 * S);
	assert_last(5, 505, 1);
	take(4, 604, 0);
	assert_last(4, 604, 0);
}
END_TEST

START_TEST(placeholders_are_silence)
{
	two(3);
	flags = KS_FRAME_PLACEHOLDER;
	after(400 * MS);
	ck_assert_int_eq(take(0, 100, 3), KS_EOK);
	assert_last(0, 100, 2);
	after(600 * MS);
	assert_last(1, 200, 2);
	take(0, 300, 0);
	assert_last(1, 200, 2);
	take(1, 200, 3);		/* still within its time, and nobody better */
	assert_last(1, 200, 3);
	ck_assert_uint_eq(published[n_published - 1].flags, KS_FRAME_PLACEHOLDER);
	for (uint32_t i = 0; i < 20; i++) {
		take(0, 300, 1 + i);	/* better ranked; no better for that */
		take(1, 200, 4 + i);
		assert_last(1, 200, 4 + i);
		after(S);
	}
	flags = 0;
	take(0, 300, 30);		/* a real one, at last */
	assert_last(0, 300, 30);
	ck_assert_int_eq(ks_director_source(director, "main"), 0);
}
END_TEST

START_TEST(a_lone_placeholder_is_shown)
{
	flags = KS_FRAME_PLACEHOLDER;
	take(0, 100, 0);
	assert_last(0, 100, 0);
	take(1, 200, 0);
	assert_last(0, 100, 0);
	after(1500 * MS);
	take(1, 200, 1);		/* the other is silent altogether */
	assert_last(1, 200, 1);
	flags = 0;
	take(0, 300, 0);
	assert_last(0, 300, 0);
}
END_TEST

START_TEST(both_dead)
{
	two(3);
	after(100 * S);
	assert_last(1, 200, 2);
	ck_assert_int_eq(ks_director_tick(director), INT64_MAX);
	ck_assert_uint_eq(ks_director_held(director), 0);
	ck_assert_int_eq(take(0, 300, 0), KS_EOK);
	assert_last(0, 300, 0);
	after(100 * S);
	ck_assert_int_eq(take(0, 300, 1), KS_EOK);
	assert_last(0, 300, 1);
}
END_TEST

START_TEST(goes_on_after_a_restart)
{
	struct ks_manifest m = manifest_of(0, 100, 7);

	ks_director_recall(director, &m);
	rendition = "low";
	m = manifest_of(0, 100, 6);
	ks_director_recall(director, &m);
	ck_assert_int_eq(ks_director_source(director, "main"), 0);
	ck_assert_int_eq(take(0, 100, 6), KS_ESTALE);
	ck_assert_int_eq(take(0, 100, 7), KS_EOK);
	rendition = "std";
	ck_assert_int_eq(take(0, 100, 7), KS_ESTALE);
	ck_assert_int_eq(take(1, 200, 0), KS_EOK);
	assert_last(0, 100, 7);		/* the former has its time to appear */
	after(1500 * MS - 1);
	assert_last(0, 100, 7);
	take(1, 200, 1);
	after(1);
	assert_last(1, 200, 1);
	ck_assert_int_eq(take(0, 90, 1), KS_ESTALE);
	n_heads = 0;
	after(S);
	ck_assert_uint_ge(n_heads, 1);
	ck_assert_uint_eq(heads[0].id.epoch, 200);
}
END_TEST

START_TEST(relayed_frames_follow_by_id)
{
	hops = 1;
	for (uint32_t i = 0; i < 30; i++) {
		ck_assert_int_eq(take(0, 100, i), KS_EOK);
		ck_assert_uint_eq(published[n_published - 1].hops, 1);
		ck_assert_int_eq(take(1, 90, i), KS_ESTALE);
		after(S);
	}
	ck_assert_int_eq(take(1, 200, 0), KS_EOK);
	assert_last(1, 200, 0);
	ck_assert_int_eq(ks_director_source(director, "main"), 1);
	ck_assert_int_eq(take(0, 100, 30), KS_ESTALE);
	flags = KS_FRAME_PLACEHOLDER;
	ck_assert_int_eq(take(0, 300, 0), KS_EOK);
	assert_last(0, 300, 0);
}
END_TEST

/* The picture of the one shown may come both ways: what counts is that it comes. */
START_TEST(relayed_frames_are_a_sign_of_life)
{
	take(0, 100, 0);
	for (uint32_t i = 1; i < 10; i++) {
		hops = 0;
		take(1, 200, i);
		after(S);
		hops = 2;
		ck_assert_int_eq(take(0, 100, i), KS_EOK);
		assert_last(0, 100, i);
	}
	hops = 0;
	take(1, 200, 10);
	after(1500 * MS - 1);
	assert_last(0, 100, 9);
	take(1, 200, 11);
	after(1);
	assert_last(1, 200, 11);
}
END_TEST

START_TEST(held_bytes_are_bounded)
{
	static char names[4][4] = { "a", "b", "c", "d" };
	size_t most = 0;

	length = KS_JPEG_MAX;
	for (size_t c = 0; c < 4; c++) {
		channel = names[c];
		take(0, 1000, 0);
	}
	after(S);
	for (uint32_t i = 0; i < 3; i++)
		for (size_t c = 0; c < 4; c++) {
			channel = names[c];
			for (uint8_t s = 1; s < KS_SOURCES_MAX; s++) {
				ck_assert_int_eq(take(s, 5000 + s, i), KS_EOK);
				most = ks_director_held(director) > most ? ks_director_held(director) : most;
				ck_assert_uint_le(ks_director_held(director), KS_HELD_BYTES_MAX);
			}
		}
	ck_assert_uint_gt(most, KS_HELD_BYTES_MAX - 2 * KS_FRAME_MAX);
	/* Those that came last are there still. */
	after(500 * MS);
	ck_assert_int_eq(ks_director_source(director, "d"), 1);
	ck_assert_int_eq(ks_director_source(director, "a"), 0);
	after(S);
	ck_assert_uint_eq(ks_director_held(director), 0);
}
END_TEST

START_TEST(channels_and_renditions_are_bounded)
{
	static char name[8];

	channel = name;
	for (unsigned i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "c%u", i);
		ck_assert_int_eq(take(0, 100, 0), i < 4 ? KS_EOK : KS_ELIMIT);
	}
	channel = "c0";
	rendition = name;
	for (unsigned i = 1; i < 20; i++) {
		snprintf(name, sizeof(name), "r%u", i);
		ck_assert_int_eq(take(0, 100, 0), i < KS_RENDITIONS_MAX ? KS_EOK : KS_ELIMIT);
	}
}
END_TEST

START_TEST(what_the_store_refuses_was_not_published)
{
	refusal = -ENOSPC;
	ck_assert_int_eq(take(0, 100, 0), -ENOSPC);
	refusal = KS_EOK;
	ck_assert_int_eq(take(0, 100, 0), KS_EOK);
	assert_last(0, 100, 0);
}
END_TEST

START_TEST(the_one_shown_is_told)
{
	for (uint32_t i = 0; i < 30; i++) {
		take(0, 100, i);
		ks_director_tick(director);
		after(S);
	}
	ck_assert_uint_eq(n_heads, 11);		/* each third second */
	n_heads = 0;
	flags = KS_FRAME_SHOWN;		/* marked ones are no news */
	for (uint32_t i = 30; i < 40; i++) {
		take(0, 100, i);
		after(S);
	}
	ck_assert_uint_eq(n_heads, 0);
	flags = 0;
	hops = 1;			/* the relay before this one tells it */
	for (uint32_t i = 40; i < 50; i++) {
		take(0, 100, i);
		after(S);
	}
	ck_assert_uint_eq(n_heads, 0);
}
END_TEST

/* Another relay shows the one that only stands by here: the one shown here hears of it, so that it can go above. */
START_TEST(shown_elsewhere)
{
	take(0, 100, 0);
	take(1, 200, 0);
	after(S);
	n_heads = 0;
	take(0, 100, 1);
	flags = KS_FRAME_SHOWN;
	take(1, 200, 1);
	ks_director_tick(director);
	ck_assert_uint_eq(n_heads, 1);
	ck_assert_uint_eq(heads[0].id.epoch, 200);
	assert_last(0, 100, 1);
	after(500 * MS);
	flags = 0;
	take(0, 300, 0);
	flags = KS_FRAME_SHOWN;
	ck_assert_int_eq(take(1, 200, 2), KS_ESTALE);
	after(500 * MS);
	ck_assert_uint_eq(n_heads, 2);
	ck_assert_uint_eq(heads[1].id.epoch, 300);
}
END_TEST

static void hear(uint32_t epoch)
{
	struct ks_manifest m = manifest_of(1, epoch, 5);
	uint8_t manifest[KS_MANIFEST_SIZE];

	ck_assert_int_eq(ks_manifest_encode(&m, manifest), KS_EOK);
	ks_director_heard(director, &m, manifest);
}

START_TEST(heads_are_passed_on)
{
	hops = 1;
	take(0, 100, 0);
	hear(90);
	after(2 * S);
	ck_assert_uint_eq(n_heads, 0);
	hear(200);
	hear(300);
	hear(250);
	ks_director_tick(director);
	ck_assert_uint_eq(n_heads, 1);
	ck_assert_uint_eq(heads[0].id.epoch, 300);
	hear(200);
	ks_director_tick(director);
	ck_assert_uint_eq(n_heads, 1);		/* one a second */
	after(S);
	ck_assert_uint_eq(n_heads, 2);
	channel = "unheard-of";
	hear(1);
	ks_director_tick(director);
	ck_assert_uint_eq(n_heads, 3);
}
END_TEST

START_TEST(metrics)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	two(3);
	after(S);
	ks_director_metrics(director, out);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(text, "koshien_relay_source{channel=\"main\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "koshien_relay_source_changes_total 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "koshien_relay_held_bytes 0\n"));
	free(text);
}
END_TEST

START_TEST(changes_are_logged)
{
	unsigned lines = 0;

	unit_log_start();
	two(2);
	after(S);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "main: source 1 after source 0, which has sent no picture for "
				     "1500 ms"));
	for (uint32_t i = 1; i < 100; i++) {	/* by turns: the log does not drown */
		take((uint8_t)(i % 2), 1000 + i, 0);
		after(1500 * MS);
	}
	ck_assert_uint_gt(ks_director_changes(director), 90);
	for (const char *at = unit_log_text(); (at = strstr(at, " after source ")) != NULL; at++)
		lines++;
	ck_assert_uint_le(lines, 40);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("director");
	TCase *tc = tcase_create("director");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_one_shown_is_published_at_once);
	tcase_add_test(tc, another_takes_over_after_one_and_a_half_periods);
	tcase_add_test(tc, takeover_with_the_next_frame);
	tcase_add_test(tc, all_renditions_take_over);
	tcase_add_test(tc, who_is_behind_is_told);
	tcase_add_test(tc, lost_state_is_told);
	tcase_add_test(tc, comes_back_after_ten_good_seconds);
	tcase_add_test(tc, one_that_flaps_does_not_come_back);
	tcase_add_test(tc, a_worse_one_waits);
	tcase_add_test(tc, priority_goes_before_id);
	tcase_add_test(tc, best_of_three);
	tcase_add_test(tc, placeholders_are_silence);
	tcase_add_test(tc, a_lone_placeholder_is_shown);
	tcase_add_test(tc, both_dead);
	tcase_add_test(tc, goes_on_after_a_restart);
	tcase_add_test(tc, relayed_frames_follow_by_id);
	tcase_add_test(tc, relayed_frames_are_a_sign_of_life);
	tcase_add_test(tc, held_bytes_are_bounded);
	tcase_add_test(tc, channels_and_renditions_are_bounded);
	tcase_add_test(tc, what_the_store_refuses_was_not_published);
	tcase_add_test(tc, the_one_shown_is_told);
	tcase_add_test(tc, shown_elsewhere);
	tcase_add_test(tc, heads_are_passed_on);
	tcase_add_test(tc, metrics);
	tcase_add_test(tc, changes_are_logged);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
