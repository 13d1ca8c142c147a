/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "capture/counts.h"
#include "tests/unit/capture_pictures.h"

#define DEADLINE_US (10 * KS_US_PER_S)

static struct ks_capture_counts counts;
static struct ks_source *source;
static struct event_base *base;
static char spec[600];
static char fifo[512];
static unsigned failures;
static const struct ks_list no_formats;

static void on_failed(void *ctx)
{
	(void)ctx;
	failures++;
}

static void start(const char *where, int64_t timeout_ms)
{
	struct ks_source_settings set = { .spec = spec, .formats = &no_formats, .period_ms = 20,
					  .device_timeout_ms = timeout_ms };

	snprintf(spec, sizeof(spec), "pipe:%s", where);
	ck_assert_int_eq(ks_source_new(&source, &set, base, &ks_clock_system, &counts), KS_EOK);
	source->failed = on_failed;
}

static void start_live(const char *where)
{
	start(where, 60000);
	source->settings.pipe_live = true;
}

static void setup(void)
{
	memset(&counts, 0, sizeof(counts));
	failures = 0;
	base = event_base_new();
	snprintf(fifo, sizeof(fifo), "%s/fifo", unit_tmpdir());
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
}

static void teardown(void)
{
	ks_source_free(source);
	source = NULL;
	event_base_free(base);
}

static void spin(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
	usleep(1000);
}

/* Runs the loop until *counter is at least n. */
static void until(const ks_counter *counter, uint64_t n)
{
	int64_t end = ks_mono_us(&ks_clock_system) + DEADLINE_US;

	while (ks_counted(counter) < n) {
		ck_assert_int_lt(ks_mono_us(&ks_clock_system), end);
		spin();
	}
}

static int next(struct ks_picture *picture)
{
	struct ks_tick tick = { ks_wall_us(&ks_clock_system), ks_mono_us(&ks_clock_system), { 1, 1 } };

	return ks_source_next(source, &tick, picture);
}

/* Runs the loop until a picture comes, or a fault. */
static int wait_next(struct ks_picture *picture)
{
	int64_t end = ks_mono_us(&ks_clock_system) + DEADLINE_US;
	int err;

	while ((err = next(picture)) == KS_ENODATA) {
		ck_assert_int_lt(ks_mono_us(&ks_clock_system), end);
		spin();
	}
	return err;
}

static void is(const struct ks_picture *picture, const struct jpeg *want)
{
	ck_assert_int_eq(picture->layout, KS_PICTURE_JPEG);
	ck_assert_uint_eq(picture->jpeg_len, want->len);
	ck_assert_mem_eq(picture->jpeg, want->bytes, want->len);
}

static void send_all(int fd, const struct jpeg *jpeg)
{
	for (size_t at = 0; at < jpeg->len;) {
		ssize_t n = write(fd, jpeg->bytes + at, jpeg->len - at);

		ck_assert(n > 0 || errno == EAGAIN);
		at += n > 0 ? (size_t)n : 0;
		spin();
	}
}

START_TEST(the_newest_wins_and_the_producer_never_waits)
{
	struct jpeg one = make_picture(64, 48, 1), last = make_picture(640, 480, 9);
	struct ks_picture picture;
	int64_t before;
	int fd;

	start_live(fifo);
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	fd = open(fifo, O_WRONLY | O_NONBLOCK);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(next(&picture), KS_ENODATA);
	/* Far more than a pipe holds. */
	for (int i = 0; i < 200; i++)
		send_all(fd, &one);
	before = ks_mono_us(&ks_clock_system);
	send_all(fd, &last);
	until(&counts.superseded, 200);
	ck_assert_int_eq(next(&picture), KS_EOK);
	is(&picture, &last);
	ck_assert_int_ge(picture.captured_mono_us, before - KS_US_PER_S);
	ck_assert_int_le(picture.captured_mono_us, ks_mono_us(&ks_clock_system));
	ck_assert_int_eq(next(&picture), KS_ENODATA);
	close(fd);
	free(one.bytes);
	free(last.bytes);
}
END_TEST

/* A producer that is faster than any camera is made to wait, and from then on nothing of it is lost. */
START_TEST(a_recording_waits_for_the_tick)
{
	const unsigned total = 300;
	struct jpeg one = make_picture(64, 48, 1);
	struct ks_picture picture;
	unsigned sent = 0, taken = 0;
	size_t at = 0;
	int fd;

	start(fifo, 60000);
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	fd = open(fifo, O_WRONLY | O_NONBLOCK);
	ck_assert_int_ge(fd, 0);
	while (sent < total) {
		ssize_t n = write(fd, one.bytes + at, one.len - at);

		if (n > 0)
			at += (size_t)n;
		if (at == one.len) {
			at = 0;
			sent++;
		}
		event_base_loop(base, EVLOOP_NONBLOCK);
		/* The pipe is full, so it is our turn. */
		if (n <= 0 && next(&picture) == KS_EOK) {
			is(&picture, &one);
			taken++;
		}
	}
	close(fd);
	while (wait_next(&picture) == KS_EOK)
		taken++;
	ck_assert_int_eq(source->fault, KS_FAULT_ENDED);
	ck_assert_uint_eq(taken + ks_counted(&counts.superseded), total);
	ck_assert_uint_ge(taken, total - 100);
	free(one.bytes);
}
END_TEST

START_TEST(garbage_is_skipped_and_counted)
{
	struct jpeg one = make_picture(64, 48, 1);
	struct jpeg cut = { one.bytes, one.len - 20 };
	struct ks_picture picture;
	int fd;

	start(fifo, 60000);
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	fd = open(fifo, O_WRONLY | O_NONBLOCK);
	ck_assert_int_eq(write(fd, "noise\xff\xd8noise", 12), 12);
	send_all(fd, &cut);
	send_all(fd, &one);
	ck_assert_int_eq(wait_next(&picture), KS_EOK);
	is(&picture, &one);
	ck_assert_uint_eq(ks_counted(&counts.dropped[KS_JPEG_NO_EOI]), 1);
	close(fd);
	free(one.bytes);
}
END_TEST

START_TEST(a_fifo_is_opened_again)
{
	struct jpeg one = make_picture(64, 48, 1);
	struct ks_picture picture;

	start(fifo, 60000);
	for (int round = 0; round < 3; round++) {
		int fd;

		ck_assert_int_eq(ks_source_open(source), KS_EOK);
		fd = open(fifo, O_WRONLY | O_NONBLOCK);
		send_all(fd, &one);
		/* Half a picture at the end does no harm to the next round. */
		ck_assert_int_gt(write(fd, one.bytes, one.len / 2), 0);
		close(fd);
		ck_assert_int_eq(wait_next(&picture), KS_EOK);
		is(&picture, &one);
		ck_assert_int_eq(wait_next(&picture), KS_EGONE);
		ck_assert_int_eq(source->fault, KS_FAULT_ENDED);
		ks_source_close(source);
	}
	free(one.bytes);
}
END_TEST

START_TEST(silence_is_a_fault_that_keeps_it_open)
{
	struct jpeg one = make_picture(64, 48, 1);
	struct ks_picture picture;
	int64_t end = ks_mono_us(&ks_clock_system) + DEADLINE_US;
	int fd;

	start(fifo, 100);
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	while (failures == 0) {
		ck_assert_int_lt(ks_mono_us(&ks_clock_system), end);
		spin();
	}
	ck_assert_int_eq(source->fault, KS_FAULT_TIMEOUT);
	ck_assert_ptr_nonnull(strstr(source->why, fifo));
	ck_assert(source->ops->patient);
	fd = open(fifo, O_WRONLY | O_NONBLOCK);
	send_all(fd, &one);
	ck_assert_int_eq(wait_next(&picture), KS_EOK);
	is(&picture, &one);
	close(fd);
	free(one.bytes);
}
END_TEST

START_TEST(a_file_is_read_picture_by_picture)
{
	struct ks_picture picture;
	char path[600];
	FILE *file;

	snprintf(path, sizeof(path), "%s.mjpeg", fifo);
	file = fopen(path, "w");
	for (unsigned i = 0; i < 20; i++) {
		struct jpeg one = make_picture(64, 48, i);

		ck_assert_uint_eq(fwrite(one.bytes, 1, one.len, file), one.len);
		free(one.bytes);
	}
	fclose(file);
	start(path, 60000);
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	for (unsigned i = 0; i < 20; i++) {
		struct jpeg one = make_picture(64, 48, i);

		ck_assert_int_eq(next(&picture), KS_EOK);
		is(&picture, &one);
		free(one.bytes);
	}
	ck_assert_int_eq(next(&picture), KS_EGONE);
	ck_assert_int_eq(source->fault, KS_FAULT_ENDED);
	ck_assert_uint_eq(ks_counted(&counts.superseded), 0);
}
END_TEST

START_TEST(standard_input_ends_once)
{
	struct jpeg one = make_picture(64, 48, 1);
	struct ks_picture picture;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	close(ends[0]);
	start("-", 60000);
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	send_all(ends[1], &one);
	close(ends[1]);
	ck_assert_int_eq(wait_next(&picture), KS_EOK);
	is(&picture, &one);
	ck_assert_int_eq(wait_next(&picture), KS_EGONE);
	ck_assert_int_eq(source->fault, KS_FAULT_ENDED);
	ks_source_close(source);
	ck_assert_int_ne(ks_source_open(source), KS_EOK);
	ck_assert_int_eq(source->fault, KS_FAULT_ENDED);
	ck_assert_int_ne(fcntl(STDIN_FILENO, F_GETFD), -1);
	free(one.bytes);
}
END_TEST

START_TEST(faults_have_names)
{
	char where[600];

	snprintf(where, sizeof(where), "%s.missing", fifo);
	start(where, 1000);
	ck_assert_int_ne(ks_source_open(source), KS_EOK);
	ck_assert_int_eq(source->fault, KS_FAULT_NO_DEVICE);
	ck_assert_ptr_nonnull(strstr(source->why, "mkfifo"));
	ks_source_free(source);
	start("/", 1000);
	ck_assert_int_ne(ks_source_open(source), KS_EOK);
	ck_assert_int_eq(source->fault, KS_FAULT_NO_CAMERA);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source_pipe");
	TCase *tc = tcase_create("source_pipe");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_newest_wins_and_the_producer_never_waits);
	tcase_add_test(tc, a_recording_waits_for_the_tick);
	tcase_add_test(tc, garbage_is_skipped_and_counted);
	tcase_add_test(tc, a_fifo_is_opened_again);
	tcase_add_test(tc, silence_is_a_fault_that_keeps_it_open);
	tcase_add_test(tc, a_file_is_read_picture_by_picture);
	tcase_add_test(tc, standard_input_ends_once);
	tcase_add_test(tc, faults_have_names);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
