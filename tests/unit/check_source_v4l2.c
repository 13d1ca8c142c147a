/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/source.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>
#include <linux/videodev2.h>

#include "capture/counts.h"
#include "capture/v4l2.h"
#include "tests/unit/capture_pictures.h"

#define DEADLINE_US (10 * KS_US_PER_S)
#define BUFFERS 4

/* A scripted device: what it has, what it refuses, and the buffers it has filled. */
static struct fake {
	int fd;			/* an eventfd: readable when something is pending */
	unsigned opens, closes, mapped;
	bool streaming;

	int open_errno;
	uint32_t caps;
	uint32_t formats[4];	/* fourccs that it takes */
	unsigned width, height;	/* the only size that it has; 0: any */
	unsigned stride;	/* 0: the narrowest */
	uint32_t input_status;
	int timings_errno;	/* of QUERY_DV_TIMINGS */
	int refuse_errno;	/* of the request below */
	unsigned long refuse;
	int dqbuf_errno;	/* instead of a buffer */
	unsigned given;		/* buffers that REQBUFS gives */

	uint32_t fourcc;
	size_t size;
	uint8_t *memory[BUFFERS];
	bool queued[BUFFERS];
	struct {
		unsigned index;
		size_t used;
		uint32_t flags;
		int64_t stamp_us;
	} filled[BUFFERS];
	unsigned n_filled;
	unsigned events;	/* source changes pending */
	int poll_extra;
} fake;

static int refuse(int err)
{
	errno = err;
	return -1;
}

static int fake_open(void *ctx, const char *path)
{
	(void)ctx;
	ck_assert_str_eq(path, "/dev/video7");
	if (fake.open_errno != 0)
		return refuse(fake.open_errno);
	fake.opens++;
	fake.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return fake.fd;
}

static void fake_close(void *ctx, int fd)
{
	(void)ctx;
	ck_assert_int_eq(fd, fake.fd);
	fake.closes++;
	fake.streaming = false;
	fake.n_filled = 0;
	for (unsigned i = 0; i < BUFFERS; i++) {
		free(fake.memory[i]);
		fake.memory[i] = NULL;
		fake.queued[i] = false;
	}
	close(fd);
}

static size_t row_of(uint32_t fourcc, unsigned width)
{
	return fourcc == V4L2_PIX_FMT_YUYV || fourcc == V4L2_PIX_FMT_UYVY ? 2 * width : width;
}

static int set_format(struct v4l2_format *f)
{
	struct v4l2_pix_format *pix = &f->fmt.pix;
	bool known = false;

	for (unsigned i = 0; i < 4; i++)
		known |= fake.formats[i] == pix->pixelformat;
	if (!known)
		pix->pixelformat = fake.formats[0];	/* as drivers do: something else, and no error */
	if (fake.width != 0) {
		pix->width = fake.width;
		pix->height = fake.height;
	}
	pix->bytesperline = fake.stride != 0 ? fake.stride : (unsigned)row_of(pix->pixelformat, pix->width);
	pix->colorspace = V4L2_COLORSPACE_JPEG;
	fake.fourcc = pix->pixelformat;
	fake.size = (size_t)pix->bytesperline * pix->height * 2;
	return 0;
}

static int take_filled(struct v4l2_buffer *buffer)
{
	uint64_t one;

	if (fake.dqbuf_errno != 0)
		return refuse(fake.dqbuf_errno);
	if (fake.n_filled == 0) {
		(void)!read(fake.fd, &one, sizeof(one));
		return refuse(EAGAIN);
	}
	buffer->index = fake.filled[0].index;
	buffer->bytesused = (uint32_t)fake.filled[0].used;
	buffer->flags = fake.filled[0].flags;
	buffer->timestamp.tv_sec = fake.filled[0].stamp_us / KS_US_PER_S;
	buffer->timestamp.tv_usec = fake.filled[0].stamp_us % KS_US_PER_S;
	memmove(fake.filled, fake.filled + 1, --fake.n_filled * sizeof(fake.filled[0]));
	return 0;
}

static int buffers_ioctl(unsigned long request, void *arg)
{
	struct v4l2_requestbuffers *buffers = arg;
	struct v4l2_buffer *buffer = arg;

	switch (request) {
	case VIDIOC_REQBUFS:
		buffers->count = fake.given;
		return 0;
	case VIDIOC_QUERYBUF:
		buffer->length = (uint32_t)fake.size;
		buffer->m.offset = buffer->index;
		return 0;
	case VIDIOC_QBUF:
		ck_assert_uint_lt(buffer->index, BUFFERS);
		ck_assert(!fake.queued[buffer->index]);
		fake.queued[buffer->index] = true;
		return 0;
	default:
		return take_filled(buffer);
	}
}

static int fake_ioctl(void *ctx, int fd, unsigned long request, void *arg)
{
	(void)ctx;
	ck_assert_int_eq(fd, fake.fd);
	if (fake.refuse_errno != 0 && request == fake.refuse)
		return refuse(fake.refuse_errno);
	switch (request) {
	case VIDIOC_QUERYCAP:
		((struct v4l2_capability *)arg)->capabilities = V4L2_CAP_DEVICE_CAPS;
		((struct v4l2_capability *)arg)->device_caps = fake.caps;
		return 0;
	case VIDIOC_G_INPUT:
		*(int *)arg = 0;
		return 0;
	case VIDIOC_ENUMINPUT:
		((struct v4l2_input *)arg)->status = fake.input_status;
		return 0;
	case VIDIOC_QUERY_DV_TIMINGS:
		return fake.timings_errno != 0 ? refuse(fake.timings_errno) : 0;
	case VIDIOC_S_FMT:
		return set_format(arg);
	case VIDIOC_STREAMON:
		fake.streaming = true;
		return 0;
	case VIDIOC_DQEVENT:
		if (fake.events == 0)
			return refuse(ENOENT);
		fake.events--;
		((struct v4l2_event *)arg)->type = V4L2_EVENT_SOURCE_CHANGE;
		((struct v4l2_event *)arg)->u.src_change.changes = V4L2_EVENT_SRC_CH_RESOLUTION;
		return 0;
	case VIDIOC_REQBUFS:
	case VIDIOC_QUERYBUF:
	case VIDIOC_QBUF:
	case VIDIOC_DQBUF:
		return buffers_ioctl(request, arg);
	default:
		return 0;
	}
}

static void *fake_map(void *ctx, int fd, size_t len, int64_t offset)
{
	(void)ctx;
	(void)fd;
	ck_assert_int_lt(offset, BUFFERS);
	fake.mapped++;
	fake.memory[offset] = calloc(1, len);
	return fake.memory[offset];
}

static void fake_unmap(void *ctx, void *start, size_t len)
{
	(void)ctx;
	(void)start;
	(void)len;
	fake.mapped--;
}

static int fake_poll(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
	return (fake.n_filled > 0 ? POLLIN : 0) | (fake.events > 0 ? POLLPRI : 0) | fake.poll_extra;
}

static const struct ks_v4l2_ops fake_ops = {
	fake_open, fake_close, fake_ioctl, fake_map, fake_unmap, fake_poll, NULL
};

static void wake(void)
{
	uint64_t one = 1;

	ck_assert_int_eq(write(fake.fd, &one, sizeof(one)), sizeof(one));
}

/* The driver fills the next queued buffer. False when it has none. */
static bool fill(const void *bytes, size_t len, size_t used, uint32_t flags)
{
	for (unsigned i = 0; i < BUFFERS; i++)
		if (fake.queued[i]) {
			fake.queued[i] = false;
			memset(fake.memory[i], 0, fake.size);
			memcpy(fake.memory[i], bytes, len);
			fake.filled[fake.n_filled].index = i;
			fake.filled[fake.n_filled].used = used;
			fake.filled[fake.n_filled].flags = flags;
			fake.filled[fake.n_filled++].stamp_us = 0;
			wake();
			return true;
		}
	return false;
}

/* --- the source under test -------------------------------------------------------------------- */

static struct ks_capture_counts counts;
static struct ks_source *source;
static struct event_base *base;
static unsigned failures;
static struct ks_list formats;

/* As the owner does. */
static void on_failed(void *ctx)
{
	(void)ctx;
	failures++;
	ks_source_close(source);
}

static void setup(void)
{
	struct fake fresh = { .fd = -1, .caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING,
			      .formats = { V4L2_PIX_FMT_YUYV, V4L2_PIX_FMT_MJPEG }, .timings_errno = ENOTTY,
			      .given = BUFFERS };

	fake = fresh;
	memset(&counts, 0, sizeof(counts));
	failures = 0;
	formats = (struct ks_list){ NULL, 0 };
	base = event_base_new();
	source = ks_source_v4l2_new("/dev/video7", &fake_ops);
	ck_assert_ptr_nonnull(source);
	source->settings = (struct ks_source_settings){ .spec = "v4l2:/dev/video7", .width = 16, .height = 8,
							.formats = &formats, .device_timeout_ms = 60000 };
	source->base = base;
	source->clock = &ks_clock_system;
	source->counts = &counts;
	source->failed = on_failed;
}

static void teardown(void)
{
	ks_source_free(source);
	event_base_free(base);
	ck_assert_uint_eq(fake.opens, fake.closes);
	ck_assert_uint_eq(fake.mapped, 0);
}

static void want(const char *const *names, size_t n)
{
	formats = (struct ks_list){ (void *)(uintptr_t)names, n };
}

static int next(struct ks_picture *picture)
{
	struct ks_tick tick = { ks_wall_us(&ks_clock_system), ks_mono_us(&ks_clock_system), { 1, 1 } };

	return ks_source_next(source, &tick, picture);
}

/* Runs the loop until nothing is pending, or a failure. */
static void settle(void)
{
	int64_t end = ks_mono_us(&ks_clock_system) + DEADLINE_US;

	do {
		event_base_loop(base, EVLOOP_NONBLOCK);
		ck_assert_int_lt(ks_mono_us(&ks_clock_system), end);
	} while (fake.n_filled > 0 && failures == 0);
}

static void until_failure(enum ks_fault fault)
{
	int64_t end = ks_mono_us(&ks_clock_system) + DEADLINE_US;

	while (failures == 0) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		ck_assert_int_lt(ks_mono_us(&ks_clock_system), end);
	}
	ck_assert_int_eq(source->fault, fault);
	ck_assert_ptr_nonnull(strstr(source->why, "/dev/video7"));
}

static void refused(enum ks_fault fault)
{
	ck_assert_int_ne(ks_source_open(source), KS_EOK);
	ck_assert_msg(source->fault == fault, "%s", source->why);
	ck_assert_ptr_nonnull(strstr(source->why, "/dev/video7"));
	ck_assert_uint_eq(fake.opens, fake.closes);
}

START_TEST(each_refusal_has_its_name)
{
	static const struct {
		int err;
		enum ks_fault fault;
	} opens[] = { { ENOENT, KS_FAULT_NO_DEVICE }, { ENODEV, KS_FAULT_NO_DEVICE }, { ENXIO, KS_FAULT_NO_DEVICE },
		      { EACCES, KS_FAULT_DENIED }, { EBUSY, KS_FAULT_BUSY }, { EIO, KS_FAULT_IO } };
	static const struct {
		unsigned long request;
		int err;
		enum ks_fault fault;
	} calls[] = { { VIDIOC_QUERYCAP, ENOTTY, KS_FAULT_NO_CAMERA }, { VIDIOC_QUERYCAP, ENODEV, KS_FAULT_NO_DEVICE },
		      { VIDIOC_S_FMT, EBUSY, KS_FAULT_BUSY }, { VIDIOC_S_FMT, EINVAL, KS_FAULT_NO_FORMAT },
		      { VIDIOC_REQBUFS, EBUSY, KS_FAULT_BUSY }, { VIDIOC_REQBUFS, ENOMEM, KS_FAULT_IO },
		      { VIDIOC_QUERYBUF, EINVAL, KS_FAULT_IO }, { VIDIOC_QBUF, EIO, KS_FAULT_IO },
		      { VIDIOC_STREAMON, ENOSPC, KS_FAULT_BUSY }, { VIDIOC_STREAMON, ENOLINK, KS_FAULT_NO_SIGNAL } };

	for (size_t i = 0; i < sizeof(opens) / sizeof(opens[0]); i++) {
		fake.open_errno = opens[i].err;
		refused(opens[i].fault);
	}
	fake.open_errno = 0;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		fake.refuse = calls[i].request;
		fake.refuse_errno = calls[i].err;
		refused(calls[i].fault);
	}
	fake.refuse_errno = 0;
	fake.given = 1;
	refused(KS_FAULT_IO);
	fake.given = BUFFERS;
	fake.caps = V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_STREAMING;
	refused(KS_FAULT_NO_CAMERA);
}
END_TEST

START_TEST(signal_faults_have_names)
{
	fake.input_status = V4L2_IN_ST_NO_SIGNAL;
	refused(KS_FAULT_NO_SIGNAL);
	fake.input_status = V4L2_IN_ST_NO_H_LOCK;
	refused(KS_FAULT_NO_SYNC);
	fake.input_status = 0;
	fake.timings_errno = ENOLINK;
	refused(KS_FAULT_NO_SIGNAL);
	fake.timings_errno = ENOLCK;
	refused(KS_FAULT_NO_SYNC);
	fake.timings_errno = 0;
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
}
END_TEST

START_TEST(formats_in_order)
{
	static const char *const both[] = { "NV12", "mjpeg", "YUYV" }, *const neither[] = { "NV12", "GREY" };

	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	ck_assert_uint_eq(fake.fourcc, V4L2_PIX_FMT_YUYV);
	want(both, 3);
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	ck_assert_uint_eq(fake.fourcc, V4L2_PIX_FMT_MJPEG);
	ks_source_close(source);
	want(neither, 2);
	refused(KS_FAULT_NO_FORMAT);
}
END_TEST

START_TEST(another_size_is_accepted_and_told_once)
{
	uint8_t frame[24 * 2 * 10];
	struct ks_picture picture;
	const char *told;

	unit_log_start();
	fake.width = 24;
	fake.height = 10;
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	told = strstr(unit_log_text(), "gives 24x10 instead of the 16x8");
	ck_assert_ptr_nonnull(told);
	ck_assert_ptr_null(strstr(told + 1, "gives 24x10"));
	memset(frame, 77, sizeof(frame));
	ck_assert(fill(frame, sizeof(frame), sizeof(frame), 0));
	settle();
	ck_assert_int_eq(next(&picture), KS_EOK);
	ck_assert_int_eq(picture.width, 24);
	ck_assert_int_eq(picture.height, 10);
	ck_assert_uint_eq(picture.plane[0][239], 77);
}
END_TEST

START_TEST(the_newest_buffer_wins_and_the_others_go_back)
{
	uint8_t frame[16 * 2 * 8];
	struct ks_picture picture;

	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	ck_assert_int_eq(next(&picture), KS_ENODATA);
	for (uint8_t n = 1; n <= 50; n++) {
		memset(frame, n, sizeof(frame));
		ck_assert_msg(fill(frame, sizeof(frame), sizeof(frame), 0), "no buffer for frame %u", n);
		if (n % 3 == 0)
			settle();
	}
	ck_assert_int_eq(next(&picture), KS_EOK);
	ck_assert_int_eq(picture.layout, KS_PICTURE_YUV422);
	ck_assert_uint_eq(picture.plane[0][0], 50);
	ck_assert_uint_eq(picture.plane[2][31], 50);
	ck_assert_uint_eq(ks_counted(&counts.superseded), 49);
	ck_assert_int_eq(next(&picture), KS_ENODATA);
	for (unsigned i = 0; i < BUFFERS; i++)
		ck_assert(fake.queued[i]);
}
END_TEST

START_TEST(damaged_buffers_are_dropped_and_counted)
{
	uint8_t frame[16 * 2 * 8];
	struct ks_picture picture;

	memset(frame, 9, sizeof(frame));
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	fill(frame, sizeof(frame), sizeof(frame), V4L2_BUF_FLAG_ERROR);
	settle();
	fill(frame, sizeof(frame), sizeof(frame) - 1, 0);
	settle();
	ck_assert_int_eq(next(&picture), KS_ENODATA);
	ck_assert_uint_eq(ks_counted(&counts.dropped[KS_REFUSED_FLAGGED]), 1);
	ck_assert_uint_eq(ks_counted(&counts.dropped[KS_REFUSED_SHORT]), 1);
	/* More than is mapped is a lie of the driver; it is not read. */
	fill(frame, sizeof(frame), 1 << 30, 0);
	settle();
	ck_assert_int_eq(next(&picture), KS_EOK);
}
END_TEST

START_TEST(jpegs_are_trimmed_and_checked)
{
	static const char *const mjpeg[] = { "MJPEG" };
	struct jpeg one = make_picture(64, 48, 1);
	struct ks_picture picture;
	uint8_t *padded;

	want(mjpeg, 1);
	fake.stride = 4096;
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	/* Zeros behind the end. */
	fill(one.bytes, one.len, one.len + 5000, 0);
	settle();
	ck_assert_int_eq(next(&picture), KS_EOK);
	ck_assert_int_eq(picture.layout, KS_PICTURE_JPEG);
	ck_assert_uint_eq(picture.jpeg_len, one.len);
	ck_assert_mem_eq(picture.jpeg, one.bytes, one.len);
	/* The rest of the picture before. */
	padded = malloc(2 * one.len);
	memcpy(padded, one.bytes, one.len);
	memcpy(padded + one.len, one.bytes + one.len / 2, one.len - one.len / 2);
	fill(padded, 2 * one.len - one.len / 2, 2 * one.len - one.len / 2, 0);
	settle();
	ck_assert_int_eq(next(&picture), KS_EOK);
	ck_assert_uint_eq(picture.jpeg_len, one.len);
	/* Cut off, and nothing at all. */
	fill(one.bytes, one.len - 30, one.len - 30, 0);
	settle();
	fill(one.bytes, 0, 0, 0);
	settle();
	ck_assert_int_eq(next(&picture), KS_ENODATA);
	ck_assert_uint_eq(ks_counted(&counts.dropped[KS_JPEG_NO_EOI]), 1);
	ck_assert_uint_eq(ks_counted(&counts.dropped[KS_JPEG_EMPTY]), 1);
	free(padded);
	free(one.bytes);
}
END_TEST

START_TEST(the_drivers_time_is_used_when_it_can_be_true)
{
	int64_t now_us = ks_mono_us(&ks_clock_system);
	const int64_t stamps[] = { now_us - 30000, now_us + 60 * KS_US_PER_S, 5 };
	uint8_t frame[16 * 2 * 8] = { 0 };
	struct ks_picture picture;

	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	for (size_t i = 0; i < 3; i++) {
		fill(frame, sizeof(frame), sizeof(frame), V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC);
		fake.filled[0].stamp_us = stamps[i];
		ck_assert_int_eq(next(&picture), KS_EOK);
		if (i == 0 || now_us < 10 * KS_US_PER_S)
			ck_assert_int_eq(picture.captured_mono_us, stamps[0]);
		else
			ck_assert_int_ge(picture.captured_mono_us, now_us);
		ck_assert_int_le(picture.captured_us, ks_wall_us(&ks_clock_system));
		if (now_us < 10 * KS_US_PER_S)
			break;
	}
}
END_TEST

START_TEST(a_lost_device_is_a_fault)
{
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	fake.dqbuf_errno = ENODEV;
	wake();
	until_failure(KS_FAULT_NO_DEVICE);
	ks_source_close(source);
	ks_source_close(source);
	fake.open_errno = ENOENT;
	refused(KS_FAULT_NO_DEVICE);
	/* It is plugged in again. */
	fake.open_errno = fake.dqbuf_errno = 0;
	failures = 0;
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
}
END_TEST

START_TEST(a_stopped_stream_is_a_fault)
{
	struct ks_picture picture;

	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	/* This error alone may pass; together with POLLERR it does not. */
	fake.dqbuf_errno = EIO;
	ck_assert_int_eq(next(&picture), KS_ENODATA);
	ck_assert_uint_eq(failures, 0);
	fake.poll_extra = POLLERR;
	wake();
	until_failure(KS_FAULT_IO);
}
END_TEST

START_TEST(silence_is_a_fault)
{
	source->settings.device_timeout_ms = 100;
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	until_failure(KS_FAULT_TIMEOUT);
}
END_TEST

START_TEST(a_change_of_the_signal_asks_for_opening_again)
{
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
	fake.events = 2;
	wake();
	until_failure(KS_FAULT_CHANGED);
	ck_assert_uint_eq(fake.events, 0);
	failures = 0;
	fake.width = 32;
	fake.height = 16;
	ck_assert_int_eq(ks_source_open(source), KS_EOK);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source_v4l2");
	TCase *tc = tcase_create("source_v4l2");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_refusal_has_its_name);
	tcase_add_test(tc, signal_faults_have_names);
	tcase_add_test(tc, formats_in_order);
	tcase_add_test(tc, another_size_is_accepted_and_told_once);
	tcase_add_test(tc, the_newest_buffer_wins_and_the_others_go_back);
	tcase_add_test(tc, damaged_buffers_are_dropped_and_counted);
	tcase_add_test(tc, jpegs_are_trimmed_and_checked);
	tcase_add_test(tc, the_drivers_time_is_used_when_it_can_be_true);
	tcase_add_test(tc, a_lost_device_is_a_fault);
	tcase_add_test(tc, a_stopped_stream_is_a_fault);
	tcase_add_test(tc, silence_is_a_fault);
	tcase_add_test(tc, a_change_of_the_signal_asks_for_opening_again);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
