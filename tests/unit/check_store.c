/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/store/store.h"
#include "tests/unit/stored.h"
#include "tests/unit/unit.h"

static const struct ks_store_shape shape4 = { 4, KS_STORE_BYTES_MIN };
static const char *dir;
static struct ks_store_writer *writer;
static struct ks_store_reader *reader;

static int64_t fake_us = 5000000;

static int64_t fake_now(void *ctx)
{
	(void)ctx;
	return fake_us;
}

static const struct ks_clock fake_clock = { fake_now, fake_now, NULL };

static void open_writer(const struct ks_store_shape *shape)
{
	ck_assert_int_eq(ks_store_writer_open(&writer, dir, STORED_CHANNEL, STORED_RENDITION, shape, &fake_clock), KS_EOK);
}

static int try_reader(void)
{
	return ks_store_reader_open(&reader, dir, STORED_CHANNEL, STORED_RENDITION);
}

static void open_both(const struct ks_store_shape *shape)
{
	open_writer(shape);
	ck_assert_int_eq(try_reader(), KS_EOK);
}

static void setup(void)
{
	dir = unit_tmpdir();
	writer = NULL;
	reader = NULL;
}

static void teardown(void)
{
	ks_store_reader_close(reader);
	ks_store_writer_close(writer);
}

static const char *store_path(void)
{
	static char path[4200];

	snprintf(path, sizeof(path), "%s/%s.%s.frames", dir, STORED_CHANNEL, STORED_RENDITION);
	return path;
}

static void publish(uint32_t epoch, uint32_t seq, uint32_t length)
{
	ck_assert_int_eq(stored_publish(writer, epoch, seq, length), KS_EOK);
}

static int read_id(uint32_t epoch, uint32_t seq)
{
	struct ks_store_copy *copy;
	uint32_t mark;
	int err = ks_store_read(reader, (struct ks_frame_id){ epoch, seq }, NULL, &copy);

	if (err == KS_EOK) {
		ck_assert_uint_eq(copy->frame.m.id.epoch, epoch);
		ck_assert_uint_eq(copy->frame.m.id.seq, seq);
		ck_assert_ptr_eq(copy->frame.bytes, copy->bytes);
		ck_assert(stored_whole(&copy->frame, &mark));
		ck_assert_uint_eq(mark, seq);
		free(copy);
	}
	return err;
}

static void assert_held(uint32_t epoch, uint32_t first, uint32_t last)
{
	struct ks_store_item items[16];
	size_t n = ks_store_list(reader, items, 16);

	ck_assert_uint_eq(n, last - first + 1);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_eq(items[i].id.epoch, epoch);
		ck_assert_uint_eq(items[i].id.seq, first + i);
		ck_assert_int_eq(items[i].captured_us, (int64_t)(first + i) * KS_US_PER_S);
		ck_assert_int_eq(read_id(epoch, first + (uint32_t)i), KS_EOK);
	}
}

START_TEST(empty_store)
{
	struct ks_store_item item;
	struct ks_store_copy *copy;
	struct ks_manifest m;

	ck_assert_int_eq(try_reader(), KS_ENOTYET);
	open_both(&shape4);
	ck_assert_uint_eq(ks_store_position(reader), 0);
	ck_assert_int_eq(ks_store_read_newest(reader, NULL, &copy), KS_ENOTYET);
	ck_assert_int_eq(read_id(1, 1), KS_ENOTYET);
	ck_assert_uint_eq(ks_store_list(reader, &item, 1), 0);
	ck_assert(!ks_store_newest(writer, &m));
}
END_TEST

START_TEST(what_is_published_is_read)
{
	struct ks_store_copy *copy;
	struct ks_manifest m;
	struct stat st;

	open_both(&shape4);
	fake_us = 7000000;
	publish(9, 3, 25600);
	fake_us = 8000000;
	ck_assert_int_eq(ks_store_read_newest(reader, NULL, &copy), KS_EOK);
	ck_assert_uint_eq(copy->frame.m.length, 25600);
	ck_assert_uint_eq(copy->position, ks_store_position(reader));
	ck_assert_int_eq(copy->published_us, 7000000);
	ck_assert_int_eq(ks_store_beat_us(reader), 7000000);
	free(copy);
	ks_store_beat(writer);
	ck_assert_int_eq(ks_store_beat_us(reader), 8000000);
	ck_assert(ks_store_newest(writer, &m));
	ck_assert_uint_eq(m.id.seq, 3);
	ck_assert_int_eq(read_id(9, 3), KS_EOK);
	ck_assert_int_eq(read_id(9, 4), KS_ENOTYET);
	ck_assert_int_eq(read_id(9, 2), KS_EGONE);
	ck_assert_int_eq(stat(store_path(), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0640);
}
END_TEST

START_TEST(oldest_goes_by_count)
{
	struct ks_store_item two[2];

	open_both(&shape4);
	for (uint32_t seq = 1; seq <= 6; seq++)
		publish(1, seq, 1000 * seq);
	assert_held(1, 3, 6);
	ck_assert_int_eq(read_id(1, 2), KS_EGONE);
	ck_assert_int_eq(read_id(1, 7), KS_ENOTYET);
	ck_assert_uint_eq(ks_store_list(reader, two, 2), 2);
	ck_assert_uint_eq(two[0].id.seq, 5);
	ck_assert_uint_eq(two[1].id.seq, 6);
	ck_assert_uint_eq(two[1].length, 6000);
}
END_TEST

START_TEST(oldest_goes_by_bytes)
{
	const struct ks_store_shape shape = { 300, KS_STORE_BYTES_MIN };

	open_both(&shape);
	for (uint32_t seq = 1; seq <= 9; seq++)
		publish(1, seq, KS_JPEG_MAX);
	assert_held(1, 7, 9);
	ck_assert_int_eq(read_id(1, 6), KS_EGONE);
}
END_TEST

/* Whatever the sizes: what is held is a row without holes that ends in the newest, the one before it is held
 * too, and each is whole. */
START_TEST(any_sizes)
{
	const struct ks_store_shape shape = { 12, KS_STORE_BYTES_MIN };
	uint32_t random = (uint32_t)_i * 2654435761u + 1;
	struct ks_store_item items[12];

	open_both(&shape);
	for (uint32_t seq = 1; seq <= 80; seq++) {
		size_t n;

		random = random * 1664525 + 1013904223;
		publish(1, seq, random >> 30 == 0 ? 8 + random % KS_JPEG_MAX / 2 : 8 + (random >> 8) % 1000000);
		n = ks_store_list(reader, items, 12);
		ck_assert_uint_eq(items[n - 1].id.seq, seq);
		ck_assert_uint_ge(n, seq < 2 ? seq : 2);
		for (size_t i = 0; i < n; i++) {
			ck_assert_uint_eq(items[i].id.seq, seq - n + 1 + i);
			ck_assert_int_eq(read_id(1, items[i].id.seq), KS_EOK);
		}
		if (seq % 20 == 0) {	/* what a restarted writer finds is the same */
			ks_store_writer_close(writer);
			open_writer(&shape);
			ck_assert_uint_eq(ks_store_list(reader, items, 12), n);
		}
	}
}
END_TEST

START_TEST(never_back)
{
	uint8_t *bytes = stored_make(1, 100);
	struct ks_frame frame;

	open_both(&shape4);
	publish(5, 10, 100);
	ck_assert_int_eq(stored_publish(writer, 5, 10, 100), KS_ESTALE);
	ck_assert_int_eq(stored_publish(writer, 5, 9, 100), KS_ESTALE);
	ck_assert_int_eq(stored_publish(writer, 4, 99, 100), KS_ESTALE);
	publish(6, 0, 100);	/* a restarted source: captured earlier by this test's clock, and yet newer */
	frame = stored_name(bytes, 5, 99);
	frame.m.source = 1;
	ck_assert_int_eq(ks_store_publish(writer, &frame), KS_ESTALE);
	frame = stored_name(bytes, 7, 0);
	frame.m.source = 1;
	ck_assert_int_eq(ks_manifest_encode(&frame.m, bytes), KS_EOK);
	ck_assert_int_eq(ks_store_publish(writer, &frame), KS_EOK);
	ck_assert_uint_eq(ks_store_position(reader), 3);
	free(bytes);
}
END_TEST

START_TEST(foreign_frames_are_refused)
{
	uint8_t *bytes = stored_make(1, 100);
	struct ks_frame frame;

	open_both(&shape4);
	frame = stored_name(bytes, 1, 1);
	strcpy(frame.m.channel, "fiel");
	ck_assert_int_eq(ks_store_publish(writer, &frame), KS_EMALFORMED);
	frame = stored_name(bytes, 1, 1);
	strcpy(frame.m.rendition, "stdx");
	ck_assert_int_eq(ks_store_publish(writer, &frame), KS_EMALFORMED);
	frame = stored_name(bytes, 1, 1);
	frame.len = KS_FRAME_MAX + 1;
	ck_assert_int_eq(ks_store_publish(writer, &frame), KS_ELIMIT);
	ck_assert_uint_eq(ks_store_position(reader), 0);
	free(bytes);
}
END_TEST

START_TEST(bad_names_and_shapes)
{
	static const struct ks_store_shape bad[] = {
		{ 1, KS_STORE_BYTES_MIN }, { KS_STORE_FRAMES_MAX + 1, KS_STORE_BYTES_MIN },
		{ 4, KS_STORE_BYTES_MIN - 1 }, { 4, KS_STORE_BYTES_MAX + 1 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(ks_store_writer_open(&writer, dir, "a", "b", &bad[i], &fake_clock), KS_ELIMIT);
	ck_assert_int_eq(ks_store_writer_open(&writer, dir, "../a", "b", &shape4, &fake_clock), KS_EMALFORMED);
	ck_assert_int_eq(ks_store_writer_open(&writer, dir, "a", "", &shape4, &fake_clock), KS_EMALFORMED);
	ck_assert_int_eq(ks_store_writer_open(&writer, "/nonexistent/x", "a", "b", &shape4, &fake_clock), -ENOENT);
	ck_assert_int_eq(ks_store_reader_open(&reader, dir, "A", "b"), KS_EMALFORMED);
}
END_TEST

START_TEST(reopened_goes_on)
{
	uint64_t position;

	open_both(&shape4);
	for (uint32_t seq = 1; seq <= 6; seq++)
		publish(1, seq, 5000);
	position = ks_store_position(reader);
	ks_store_writer_close(writer);
	assert_held(1, 3, 6);	/* nobody writes; reading goes on */

	open_writer(&shape4);
	ck_assert(ks_store_current(reader, 1));
	assert_held(1, 3, 6);
	ck_assert_int_eq(stored_publish(writer, 1, 6, 100), KS_ESTALE);
	publish(1, 7, 100);
	ck_assert_uint_eq(ks_store_position(reader), position + 1);
	assert_held(1, 4, 7);
}
END_TEST

START_TEST(another_shape_takes_the_frames_along)
{
	const struct ks_store_shape shapes[] = { { 3, KS_STORE_BYTES_MIN }, { 8, KS_STORE_BYTES_MIN + 100000 } };
	struct ks_store_reader *old;
	uint64_t position;

	open_both(&shape4);
	for (uint32_t seq = 1; seq <= 6; seq++)
		publish(1, seq, 5000);
	for (size_t i = 0; i < 2; i++) {
		position = ks_store_position(reader);
		ks_store_writer_close(writer);
		open_writer(&shapes[i]);
		old = reader;
		ck_assert(!ks_store_current(old, 1));
		ck_assert_int_eq(ks_store_wait(old, position, KS_US_PER_S * 100), KS_EGONE);
		ck_assert_int_eq(read_id(1, 6), KS_EOK);	/* what is mapped stays readable */
		ck_assert_int_eq(try_reader(), KS_EOK);
		ks_store_reader_close(old);
		ck_assert(ks_store_current(reader, 1));
		ck_assert_uint_eq(ks_store_position(reader), position);
		assert_held(1, 4, 6);
	}
	ck_assert_int_eq(stored_publish(writer, 1, 6, 100), KS_ESTALE);
	publish(1, 7, 100);
	assert_held(1, 4, 7);
}
END_TEST

START_TEST(one_writer)
{
	struct ks_store_writer *second;
	const struct ks_store_shape other = { 5, KS_STORE_BYTES_MIN };

	unit_log_start();
	open_both(&shape4);
	ck_assert_int_eq(ks_store_writer_open(&second, dir, STORED_CHANNEL, STORED_RENDITION, &shape4, &fake_clock), -EBUSY);
	ck_assert_int_eq(ks_store_writer_open(&second, dir, STORED_CHANNEL, STORED_RENDITION, &other, &fake_clock), -EBUSY);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), store_path()));
	publish(1, 1, 100);
	ck_assert(ks_store_current(reader, 1));
	ks_store_writer_close(writer);
	open_writer(&shape4);
}
END_TEST

START_TEST(replaced_file_is_noticed)
{
	open_both(&shape4);
	ck_assert(ks_store_current(reader, 10));
	ck_assert_int_eq(unlink(store_path()), 0);
	ck_assert(ks_store_current(reader, 11));	/* the file system is not asked each time */
	ck_assert(!ks_store_current(reader, 10 + KS_STORE_RECHECK_US));
	ck_assert(!ks_store_current(reader, 11 + KS_STORE_RECHECK_US));
}
END_TEST

static void *waiter(void *result)
{
	*(int *)result = ks_store_wait(reader, 1, 60 * KS_US_PER_S);
	return result;
}

START_TEST(waiting)
{
	int64_t begin = ks_mono_us(&ks_clock_system);
	int results[4];
	pthread_t threads[4];

	open_both(&shape4);
	publish(1, 1, 100);
	ck_assert_int_eq(ks_store_wait(reader, 0, INT64_MAX), KS_EOK);
	ck_assert_int_eq(ks_store_wait(reader, 1, 0), -ETIMEDOUT);
	ck_assert_int_eq(ks_store_wait(reader, 1, 20000), -ETIMEDOUT);
	ck_assert_int_ge(ks_mono_us(&ks_clock_system) - begin, 20000);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, waiter, &results[i]), 0);
	publish(1, 2, 100);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_int_eq(results[i], KS_EOK);
	}
	ck_assert_int_lt(ks_mono_us(&ks_clock_system) - begin, 30 * KS_US_PER_S);
}
END_TEST

static void *no_memory(size_t size)
{
	(void)size;
	return NULL;
}

static size_t allocated;

static void *counted_memory(size_t size)
{
	allocated++;
	return malloc(size);
}

START_TEST(memory_of_the_caller)
{
	struct ks_store_copy *copy;

	open_both(&shape4);
	publish(1, 1, 100);
	ck_assert_int_eq(ks_store_read_newest(reader, no_memory, &copy), -ENOMEM);
	ck_assert_int_eq(ks_store_read_newest(reader, counted_memory, &copy), KS_EOK);
	ck_assert_uint_eq(allocated, 1);
	free(copy);
}
END_TEST

static int note(void *ctx, const char *channel, const char *rendition)
{
	size_t used = strlen(ctx);

	snprintf((char *)ctx + used, 256 - used, "%s/%s ", channel, rendition);
	return strcmp(channel, "stop") == 0 ? 7 : 0;
}

START_TEST(scanning)
{
	static const char *const others[] = { "a.frames", ".a.b.frames", "a.b.c.frames", "a.b.frames2", "A.b.frames",
					      "a.ninechars.frames", "README", "a..frames" };
	char seen[256] = "", path[4400];

	open_writer(&shape4);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, others[i]);
		fclose(fopen(path, "w"));
	}
	ck_assert_int_eq(ks_store_scan(dir, note, seen), 0);
	ck_assert_str_eq(seen, "field/std ");
	snprintf(path, sizeof(path), "%s/stop.x.frames", dir);
	fclose(fopen(path, "w"));
	ck_assert_int_eq(ks_store_scan(dir, note, seen), 7);
	ck_assert_int_eq(ks_store_scan("/nonexistent", note, seen), -ENOENT);
}
END_TEST

START_TEST(full_file_system)
{
	struct ks_store_shape large = { 4, 2 * KS_STORE_BYTES_MIN };
	struct stat st;

	/* In a mount namespace of its own, so that nothing stays behind. */
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", dir, "tmpfs", 0, "size=12m") != 0)
		unit_skip("a small file system cannot be mounted by this user, or in this root");
	unit_log_start();
	ck_assert_int_eq(ks_store_writer_open(&writer, dir, STORED_CHANNEL, STORED_RENDITION, &large, &fake_clock), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(unit_log_text(), "--store-bytes"));
	ck_assert_int_eq(stat(store_path(), &st), -1);
	open_both(&shape4);	/* and nothing of the first try takes its room */
	publish(1, 1, KS_JPEG_MAX);
	ck_assert_int_eq(read_id(1, 1), KS_EOK);
	ks_store_writer_close(writer);
	writer = NULL;
	ck_assert_int_eq(ks_store_writer_open(&writer, dir, STORED_CHANNEL, STORED_RENDITION, &large, &fake_clock), -ENOSPC);
	writer = NULL;
	ck_assert(ks_store_current(reader, 1));
	ck_assert_int_eq(read_id(1, 1), KS_EOK);
	ck_assert_int_eq(umount2(dir, MNT_DETACH), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store");
	TCase *tc = tcase_create("store");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, empty_store);
	tcase_add_test(tc, what_is_published_is_read);
	tcase_add_test(tc, oldest_goes_by_count);
	tcase_add_test(tc, oldest_goes_by_bytes);
	tcase_add_loop_test(tc, any_sizes, 0, 3);
	tcase_add_test(tc, never_back);
	tcase_add_test(tc, foreign_frames_are_refused);
	tcase_add_test(tc, bad_names_and_shapes);
	tcase_add_test(tc, reopened_goes_on);
	tcase_add_test(tc, another_shape_takes_the_frames_along);
	tcase_add_test(tc, one_writer);
	tcase_add_test(tc, replaced_file_is_noticed);
	tcase_add_test(tc, waiting);
	tcase_add_test(tc, memory_of_the_caller);
	tcase_add_test(tc, scanning);
	tcase_add_test(tc, full_file_system);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
