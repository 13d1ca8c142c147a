/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/source.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>
#include <sodium.h>

#include "capture/counts.h"
#include "capture/feed.h"
#include "tests/unit/capture_pictures.h"

static struct ks_capture_counts counts;
static struct ks_source *source;
static char spec[600];
static char dir[512];

static const struct ks_list no_formats;

static void start(bool once)
{
	struct ks_source_settings set = { .spec = spec, .formats = &no_formats, .period_ms = 100, .dir_once = once };

	memset(&counts, 0, sizeof(counts));
	snprintf(spec, sizeof(spec), "dir:%s", dir);
	ck_assert_int_eq(ks_source_new(&source, &set, NULL, &ks_clock_system, &counts), KS_EOK);
}

static void setup(void)
{
	snprintf(dir, sizeof(dir), "%s", unit_tmpdir());
}

static void teardown(void)
{
	ks_source_free(source);
	source = NULL;
}

static void put(const char *name, const char *text)
{
	char path[600];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

/* The bytes of the next picture as text, or a word for the error. */
static const char *next(void)
{
	static char text[64];
	struct ks_tick tick = { 1000, 10, { 1, 1 } };
	struct ks_picture picture;
	int err = ks_source_next(source, &tick, &picture);

	if (err != KS_EOK)
		return err == KS_EEND ? "end" : err == KS_ENODATA ? "none" : "fault";
	ck_assert_int_eq(picture.layout, KS_PICTURE_JPEG);
	ck_assert_int_eq(picture.captured_us, 1000);
	snprintf(text, sizeof(text), "%.*s", (int)picture.jpeg_len, (const char *)picture.jpeg);
	return text;
}

START_TEST(in_order_and_over_again)
{
	put("b.jpg", "B");
	put("a.JPEG", "A");
	put("c.jpeg", "C");
	put("notes.txt", "no");
	put(".hidden.jpg", "no");
	start(false);
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	ck_assert_str_eq(next(), "A");
	ck_assert_str_eq(next(), "B");
	put("d.jpg", "D");	/* found in the next round */
	ck_assert_str_eq(next(), "C");
	ck_assert_str_eq(next(), "A");
	ck_assert_str_eq(next(), "B");
	/* A source that is opened again goes on where it was. */
	ks_source_close(source);
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	ck_assert_str_eq(next(), "C");
	ck_assert_str_eq(next(), "D");
	ck_assert_str_eq(next(), "A");
}
END_TEST

START_TEST(once_and_no_more)
{
	put("a.jpg", "A");
	put("b.jpg", "B");
	start(true);
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	ck_assert_str_eq(next(), "A");
	ck_assert_str_eq(next(), "B");
	ck_assert_str_eq(next(), "end");
	ck_assert_str_eq(next(), "end");
	ks_source_close(source);
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	ck_assert_str_eq(next(), "end");
}
END_TEST

START_TEST(faults_have_names)
{
	char path[600];

	start(false);
	ck_assert_int_ne(ks_source_open(source), KS_EOK);
	ck_assert_int_eq(source->fault, KS_FAULT_EMPTY);
	ck_assert_ptr_nonnull(strstr(source->why, dir));
	put("a.jpg", "A");
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	ck_assert_str_eq(next(), "A");
	snprintf(path, sizeof(path), "%s/a.jpg", dir);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_str_eq(next(), "fault");
	ck_assert_int_eq(source->fault, KS_FAULT_EMPTY);
	ck_assert_int_eq(rmdir(dir), 0);
	ck_assert_int_ne(ks_source_open(source), KS_EOK);
	ck_assert_int_eq(source->fault, KS_FAULT_NO_DEVICE);
	ck_assert_int_eq(mkdir(dir, 0755), 0);
}
END_TEST

START_TEST(what_cannot_be_read_is_passed_over)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/a.jpg", dir);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/b.jpg", dir);
	ck_assert_int_eq(symlink("/nowhere", path), 0);
	put("d.jpg", "D");
	start(true);
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	ck_assert_str_eq(next(), "D");
	ck_assert_uint_eq(ks_counted(&counts.dropped[KS_REFUSED_UNREADABLE]), 2);
}
END_TEST

/* --- real cameras, and what fuzzers found ----------------------------------------------------- */

struct replay {
	struct event_base *base;
	struct ks_publisher publisher;
	struct ks_feed feed;
	size_t n, wanted;
	const char **names;
	int exit_code;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Byte for byte but for the stamp: the file of the same place in the order of names. */
static void deliver(void *ctx, const struct ks_frame *frame)
{
	struct replay *replay = ctx;
	struct ks_jpeg_stamp stamp;
	size_t stamp_len, len;
	unsigned char *file;
	const uint8_t *jpeg = ks_frame_jpeg(frame);

	ck_assert_uint_lt(replay->n, replay->wanted);
	file = unit_file(replay->names[replay->n++], &len);
	ck_assert_int_eq(ks_jpeg_stamp_read(jpeg, frame->m.length, &stamp, &stamp_len), KS_EOK);
	ck_assert_uint_eq(frame->m.length, len + stamp_len);
	ck_assert_mem_eq(jpeg, file, 2);
	ck_assert_mem_eq(jpeg + 2 + stamp_len, file + 2, len - 2);
	free(file);
}

static void ended(void *ctx, int exit_code)
{
	struct replay *replay = ctx;

	replay->exit_code = exit_code;
	event_base_loopbreak(replay->base);
}

static void note(const char *path, const unsigned char *bytes, size_t len, void *ctx)
{
	struct replay *replay = ctx;

	(void)bytes;
	(void)len;
	replay->names = realloc(replay->names, (replay->wanted + 1) * sizeof(*replay->names));
	ck_assert_ptr_nonnull(replay->names);
	replay->names[replay->wanted++] = strdup(path);
}

/* False when the data is not there. */
static bool run(struct replay *replay, const char *folder)
{
	uint8_t public_key[KS_PUBLIC_KEY_SIZE];

	memset(replay, 0, sizeof(*replay));
	ck_assert_int_ge(sodium_init(), 0);
	if (unit_each_datum(folder, note, replay) == 0)
		return false;
	qsort(replay->names, replay->wanted, sizeof(*replay->names), by_name);
	snprintf(dir, sizeof(dir), "%s", replay->names[0]);
	*strrchr(dir, '/') = '\0';
	replay->base = event_base_new();
	ck_assert_int_eq(ks_publisher_init(&replay->publisher), KS_EOK);
	ks_keypair(public_key, replay->publisher.secret_key);
	replay->publisher.channel = "main";
	replay->publisher.period_ms = 20;
	replay->publisher.next.epoch = 1;
	replay->publisher.deliver = deliver;
	replay->publisher.ctx = replay;
	start(true);
	replay->feed = (struct ks_feed){
		.settings = { .period_ms = 20, .width = 64, .height = 48, .device_timeout_ms = 60000,
			      .device_error_delay_ms = 10,
			      .renditions = { .list = { { .name = "std" } }, .n = 1, .quality = 80,
					      .verify_decode = true } },
		.base = replay->base, .clock = &ks_clock_system, .counts = &counts, .publisher = &replay->publisher,
		.ended = ended, .ctx = replay,
	};
	ck_assert_int_eq(ks_feed_start(&replay->feed, source), KS_EOK);
	source = NULL;
	event_base_dispatch(replay->base);
	ks_feed_free(&replay->feed);
	ks_publisher_free(&replay->publisher);
	event_base_free(replay->base);
	return true;
}

static void forget(struct replay *replay)
{
	for (size_t i = 0; i < replay->wanted; i++)
		free((char *)(uintptr_t)replay->names[i]);
	free(replay->names);
}

static uint64_t all_dropped(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < KS_REFUSALS; i++)
		sum += ks_counted(&counts.dropped[i]);
	return sum;
}

START_TEST(pictures_of_real_cameras_arrive)
{
	struct replay replay;

	if (run(&replay, "jpeg/camera")) {
		ck_assert_uint_eq(replay.n, replay.wanted);
		ck_assert_uint_eq(ks_counted(&counts.frames), replay.wanted);
		ck_assert_uint_eq(all_dropped(), 0);
		ck_assert_uint_eq(ks_counted(&counts.placeholders), 0);
		ck_assert_int_eq(replay.exit_code, 0);
	}
	forget(&replay);
}
END_TEST

START_TEST(malformed_ones_are_dropped_and_counted)
{
	struct replay replay;

	if (run(&replay, "jpeg/malformed")) {
		ck_assert_uint_eq(replay.n, 0);
		ck_assert_uint_eq(all_dropped(), replay.wanted);
		ck_assert_uint_eq(ks_counted(&counts.dropped[KS_JPEG_GOOD]), 0);
		ck_assert_uint_gt(ks_counted(&counts.dropped[KS_JPEG_NO_EOI]), 0);
		ck_assert_uint_gt(ks_counted(&counts.dropped[KS_JPEG_CORRUPT]), 0);
		ck_assert_uint_gt(ks_counted(&counts.dropped[KS_JPEG_PROCESS]), 0);
		ck_assert_int_eq(replay.exit_code, 1);
	}
	forget(&replay);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source_dir");
	TCase *tc = tcase_create("source_dir"), *data = tcase_create("data");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, in_order_and_over_again);
	tcase_add_test(tc, once_and_no_more);
	tcase_add_test(tc, faults_have_names);
	tcase_add_test(tc, what_cannot_be_read_is_passed_over);
	suite_add_tcase(suite, tc);
	tcase_add_test(data, pictures_of_real_cameras_arrive);
	tcase_add_test(data, malformed_ones_are_dropped_and_counted);
	tcase_set_timeout(data, 120);
	suite_add_tcase(suite, data);
	return unit_run(suite);
}
