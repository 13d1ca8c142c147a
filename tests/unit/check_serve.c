/* SPDX-License-Identifier: Apache-2.0
 *
 * What mod_sentry keeps and decides, without httpd: freshness, order, copies, the table of stores, counters.
 */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "mod_sentry/counters.h"
#include "mod_sentry/state.h"
#include "mod_sentry/stores.h"
#include "tests/unit/stored.h"
#include "tests/unit/unit.h"

#define S KS_US_PER_S

static const struct ks_store_shape shape = { 16, KS_STORE_BYTES_DEFAULT };
static const char *dir;
static struct ks_store_writer *writer;
static struct ks_stores *stores;

static int64_t now(void)
{
	return ks_mono_us(&ks_clock_system);
}

static void setup(void)
{
	void *counters = ks_counters_new();

	ck_assert_ptr_nonnull(counters);
	ks_counters_use(counters);
	ks_counters_take_page();
	dir = unit_tmpdir();
	stores = ks_stores_new();
}

static void open_writer(void)
{
	ck_assert_int_eq(ks_store_writer_open(&writer, dir, STORED_CHANNEL, STORED_RENDITION, &shape, &ks_clock_system),
			 KS_EOK);
}

static struct ks_picture *picture_of(int64_t published_us, int64_t captured_us, uint32_t period_ms)
{
	struct ks_picture *picture = calloc(1, sizeof(*picture));

	picture->published_us = published_us;
	picture->m.captured_us = captured_us;
	picture->m.period_ms = period_ms;
	return picture;
}

static const struct ks_patience patience = { 3, 30 * S };

/* Seconds since it was published, period in ms, and what that makes it. */
static const struct {
	double held_s;
	uint32_t period_ms;
	enum ks_state state;
	int64_t next_ms;
} ages[] = {
	{ 0, 1000, KS_STATE_LIVE, 1000 },
	{ 0.4, 1000, KS_STATE_LIVE, 600 },
	{ 3, 1000, KS_STATE_LIVE, 0 },
	{ 3.001, 1000, KS_STATE_STALE, 0 },
	{ 30, 1000, KS_STATE_STALE, 0 },
	{ 30.001, 1000, KS_STATE_DEAD, 0 },
	{ 0.2, 50, KS_STATE_STALE, 0 },
	{ 179, 60000, KS_STATE_LIVE, 0 },	/* three of its own periods, though longer than dead_us */
	{ 181, 60000, KS_STATE_DEAD, 0 },
	{ -5, 1000, KS_STATE_LIVE, 1000 },
};

START_TEST(freshness_by_the_machines_own_clock)
{
	int64_t mono_us = 1000 * S, held_us = (int64_t)(ages[_i].held_s * (double)S);
	struct ks_picture *picture = picture_of(mono_us - held_us, 50 * S, ages[_i].period_ms);

	/* Whatever the wall clock says. */
	for (int64_t wall_us = -100000 * S; wall_us <= 100000 * S; wall_us += 50000 * S) {
		struct ks_freshness f = ks_freshness_of(picture, &patience, mono_us, wall_us);

		ck_assert_int_eq(f.state, ages[_i].state);
		ck_assert_int_eq(f.next_ms, ages[_i].next_ms);
		ck_assert_int_ge(f.held_ms, 0);
		ck_assert_int_ge(f.age_ms, f.held_ms);
	}
	free(picture);
}
END_TEST

START_TEST(age_by_the_wall_clock)
{
	struct ks_picture *picture = picture_of(10 * S, 50 * S, 1000);
	struct ks_freshness f = ks_freshness_of(picture, &patience, 11 * S, 53 * S);

	ck_assert_int_eq(f.age_ms, 3000);
	ck_assert_int_eq(f.held_ms, 1000);
	free(picture);
	ck_assert_int_eq(ks_freshness_of(NULL, &patience, 11 * S, 53 * S).state, KS_STATE_NEVER);
}
END_TEST

static struct ks_copies *field(void)
{
	return ks_stores_find(stores, dir, STORED_CHANNEL, STORED_RENDITION, now());
}

/* Asked for just before, and again within the same tick of the kernel's clock. */
START_TEST(a_new_store_is_found_at_once)
{
	char channel[KS_CHANNEL_MAX + 1];
	int64_t at = now();

	for (int i = 0; i < 30; i++) {
		snprintf(channel, sizeof(channel), "field%d", i);
		ck_assert_ptr_null(ks_stores_find(stores, dir, channel, "std", at));
		ck_assert_int_eq(ks_store_writer_open(&writer, dir, channel, "std", &shape, &ks_clock_system), KS_EOK);
		ck_assert_ptr_nonnull(ks_stores_find(stores, dir, channel, "std", at));
		ck_assert_ptr_null(ks_stores_find(stores, dir, channel, "low", at));
		ks_store_writer_close(writer);
	}
	ck_assert_ptr_null(ks_stores_find(stores, "/elsewhere", "field0", "std", at));
}
END_TEST

START_TEST(one_copy_per_frame)
{
	struct ks_picture *a, *b;
	uint64_t before = ks_counters_copies();
	uint32_t mark;
	int error;

	open_writer();
	ck_assert_int_eq(stored_publish(writer, 7, 1, 5000), KS_EOK);
	a = ks_copies_newest(field(), now(), &error);
	b = ks_copies_newest(field(), now(), &error);
	ck_assert_ptr_nonnull(a);
	ck_assert_ptr_eq(a, b);
	ck_assert_int_eq(error, KS_EOK);
	ck_assert_uint_eq(ks_counters_copies() - before, 1);
	ck_assert_str_eq(a->id, "7-1");
	ck_assert_str_eq(a->captured_ms, "1000");
	ck_assert_uint_eq(strlen(a->etag), strlen("\"7-1-01234567\""));
	ck_assert_uint_eq(a->len, 5000);
	ks_picture_unref(b);

	/* What a viewer still reads stays, whatever happens to the store. */
	for (uint32_t seq = 2; seq < 50; seq++) {
		ck_assert_int_eq(stored_publish(writer, 7, seq, 6000), KS_EOK);
		ks_picture_unref(ks_copies_newest(field(), now(), &error));
	}
	ks_store_writer_close(writer);
	ks_stores_free(stores);
	stores = NULL;
	ck_assert_uint_eq(a->len, 5000);
	memcpy(&mark, a->jpeg, sizeof(mark));
	ck_assert_uint_eq(mark, 1);
	ks_picture_unref_jpeg(a->jpeg);
}
END_TEST

START_TEST(by_name)
{
	struct ks_picture *picture, *again;
	int error;

	open_writer();
	for (uint32_t seq = 1; seq <= 20; seq++)
		ck_assert_int_eq(stored_publish(writer, 7, seq, 4096), KS_EOK);
	ks_picture_unref(ks_copies_newest(field(), now(), &error));
	ck_assert_int_eq(ks_copies_find(field(), (struct ks_frame_id){ 7, 10 }, now(), &picture), KS_EOK);
	ck_assert_str_eq(picture->id, "7-10");
	ck_assert_int_eq(ks_copies_find(field(), (struct ks_frame_id){ 7, 10 }, now(), &again), KS_EOK);
	ck_assert_ptr_eq(picture, again);
	ks_picture_unref(picture);
	ks_picture_unref(again);
	ck_assert_int_eq(ks_copies_find(field(), (struct ks_frame_id){ 7, 1 }, now(), &picture), KS_EGONE);
	ck_assert_int_eq(ks_copies_find(field(), (struct ks_frame_id){ 7, 21 }, now(), &picture), KS_ENOTYET);
	ks_store_writer_close(writer);
}
END_TEST

START_TEST(recent_copies_are_bounded)
{
	static const uint32_t large = 1024 * 1024;
	struct ks_picture *first, *again, *picture;
	int error;

	open_writer();
	for (uint32_t seq = 1; seq <= 12; seq++)
		ck_assert_int_eq(stored_publish(writer, 7, seq, large), KS_EOK);
	ks_picture_unref(ks_copies_newest(field(), now(), &error));
	ck_assert_int_eq(ks_copies_find(field(), (struct ks_frame_id){ 7, 1 }, now(), &first), KS_EOK);
	for (uint32_t seq = 2; seq <= 6; seq++) {
		ck_assert_int_eq(ks_copies_find(field(), (struct ks_frame_id){ 7, seq }, now(), &picture), KS_EOK);
		ks_picture_unref(picture);
	}
	/* Five others of a MiB have pushed it out, though eight would fit by number. */
	ck_assert_int_eq(ks_copies_find(field(), (struct ks_frame_id){ 7, 1 }, now(), &again), KS_EOK);
	ck_assert_ptr_ne(first, again);
	ks_picture_unref(first);
	ks_picture_unref(again);
	ks_store_writer_close(writer);
}
END_TEST

START_TEST(never_a_step_back_when_the_store_is_made_anew)
{
	struct ks_picture *picture;
	char path[4200];
	int error;

	open_writer();
	ck_assert_int_eq(stored_publish(writer, 7, 9, 4096), KS_EOK);
	ks_picture_unref(ks_copies_newest(field(), now(), &error));
	ks_store_writer_close(writer);
	snprintf(path, sizeof(path), "%s/%s.%s.frames", dir, STORED_CHANNEL, STORED_RENDITION);
	ck_assert_int_eq(unlink(path), 0);
	open_writer();
	ck_assert_int_eq(stored_publish(writer, 7, 3, 4096), KS_EOK);
	picture = ks_copies_newest(field(), now() + 2 * KS_STORE_RECHECK_US, &error);
	ck_assert_str_eq(picture->id, "7-9");
	ks_picture_unref(picture);
	/* An operator who starts over gets through, but only when nobody could still be watching. */
	ck_assert_int_eq(stored_publish(writer, 7, 4, 4096), KS_EOK);
	picture = ks_copies_newest(field(), now() + KS_COPIES_YIELD_US + S, &error);
	ck_assert_str_eq(picture->id, "7-4");
	ks_picture_unref(picture);
	ks_store_writer_close(writer);
}
END_TEST

START_TEST(an_unreadable_store_keeps_the_last_picture)
{
	struct ks_picture *picture;
	char path[4200];
	int error;
	FILE *file;

	open_writer();
	ck_assert_int_eq(stored_publish(writer, 7, 9, 4096), KS_EOK);
	ks_picture_unref(ks_copies_newest(field(), now(), &error));
	ks_store_writer_close(writer);
	snprintf(path, sizeof(path), "%s/%s.%s.frames", dir, STORED_CHANNEL, STORED_RENDITION);
	ck_assert_int_eq(unlink(path), 0);
	file = fopen(path, "we");
	fputs("not a store at all", file);
	fclose(file);
	picture = ks_copies_newest(field(), now() + 2 * KS_STORE_RECHECK_US, &error);
	ck_assert_str_eq(picture->id, "7-9");
	ck_assert_int_ne(error, KS_EOK);
	ks_picture_unref(picture);
}
END_TEST

START_TEST(the_index_follows_the_store)
{
	struct ks_index *a, *b;
	int error;

	open_writer();
	ck_assert_int_eq(stored_publish(writer, 7, 1, 4096), KS_EOK);
	ks_picture_unref(ks_copies_newest(field(), now(), &error));
	a = ks_copies_index(field());
	ck_assert_str_eq(a->json, "[{\"id\":\"7-1\",\"captured_ms\":1000,\"bytes\":4096}]");
	b = ks_copies_index(field());
	ck_assert_ptr_eq(a, b);
	ks_index_unref(b);
	ck_assert_int_eq(stored_publish(writer, 7, 2, 4096), KS_EOK);
	b = ks_copies_index(field());
	ck_assert_uint_eq(b->n, 2);
	ck_assert_uint_eq(a->n, 1);
	ks_index_unref(a);
	ks_index_unref(b);
	ks_store_writer_close(writer);
}
END_TEST

static void *watch(void *unused)
{
	char last[KS_FRAME_ID_TEXT] = "";
	uint32_t newest = 0;

	(void)unused;
	while (newest < 300) {
		int error;
		struct ks_picture *picture = ks_copies_newest(field(), now(), &error);
		struct ks_frame frame = { .m = picture->m, .bytes = picture->jpeg - KS_MANIFEST_SIZE,
					  .len = picture->len + KS_MANIFEST_SIZE };
		uint32_t mark;

		if (!stored_whole(&frame, &mark) || mark != picture->m.id.seq || mark < newest)
			return (void *)1;
		newest = mark;
		memcpy(last, picture->id, sizeof(last));
		ks_picture_unref(picture);
	}
	return NULL;
}

START_TEST(many_threads)
{
	pthread_t threads[8];
	void *wrong;

	open_writer();
	ck_assert_int_eq(stored_publish(writer, 7, 1, 30000), KS_EOK);
	for (size_t i = 0; i < 8; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, watch, NULL), 0);
	for (uint32_t seq = 2; seq <= 300; seq++)
		ck_assert_int_eq(stored_publish(writer, 7, seq, 20000 + seq * 97), KS_EOK);
	for (size_t i = 0; i < 8; i++) {
		pthread_join(threads[i], &wrong);
		ck_assert_ptr_null(wrong);
	}
	ks_store_writer_close(writer);
}
END_TEST

START_TEST(counters_add_up_over_pages)
{
	size_t row = ks_counters_row("main", "std");
	const char *channel, *rendition;

	ck_assert_uint_gt(row, 0);
	ck_assert_uint_eq(ks_counters_row("main", "std"), row);
	ck_assert_uint_ne(ks_counters_row("main", "low"), row);
	for (unsigned child = 0; child < 2 * KS_COUNTERS_PAGES; child++) {
		ks_counters_take_page();
		ks_counters_answered(row, 200, 1000);
		ks_counters_answered(row, 418, 0);
	}
	ck_assert_uint_eq(ks_counters_answers(row, KS_ANSWER_200), 2 * KS_COUNTERS_PAGES);
	ck_assert_uint_eq(ks_counters_answers(row, KS_ANSWER_OTHER), 2 * KS_COUNTERS_PAGES);
	ck_assert_uint_eq(ks_counters_bytes(row), 2000 * KS_COUNTERS_PAGES);
	ck_assert(ks_counters_names(row, &channel, &rendition));
	ck_assert_str_eq(channel, "main");
	ck_assert(!ks_counters_names(KS_COUNTERS_STORES - 1, &channel, &rendition));
	for (unsigned i = 0; i < 2 * KS_COUNTERS_STORES; i++) {
		char name[KS_CHANNEL_MAX + 1];

		snprintf(name, sizeof(name), "c%u", i);
		row = ks_counters_row(name, "std");
	}
	ck_assert_uint_eq(row, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("serve");
	TCase *state = tcase_create("state"), *copies = tcase_create("copies");

	tcase_add_loop_test(state, freshness_by_the_machines_own_clock, 0, sizeof(ages) / sizeof(ages[0]));
	tcase_add_test(state, age_by_the_wall_clock);
	suite_add_tcase(suite, state);

	tcase_add_checked_fixture(copies, setup, NULL);
	tcase_set_timeout(copies, 60);
	tcase_add_test(copies, a_new_store_is_found_at_once);
	tcase_add_test(copies, one_copy_per_frame);
	tcase_add_test(copies, by_name);
	tcase_add_test(copies, recent_copies_are_bounded);
	tcase_add_test(copies, never_a_step_back_when_the_store_is_made_anew);
	tcase_add_test(copies, an_unreadable_store_keeps_the_last_picture);
	tcase_add_test(copies, the_index_follows_the_store);
	tcase_add_test(copies, many_threads);
	tcase_add_test(copies, counters_add_up_over_pages);
	suite_add_tcase(suite, copies);
	return unit_run(suite);
}
