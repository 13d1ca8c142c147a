/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/v4l2_device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/videodev2.h>

#include "capture/counts.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/frame/manifest.h"

#define CAPTURE V4L2_BUF_TYPE_VIDEO_CAPTURE
#define DRAIN_MAX 64		/* buffers or events taken at once */
#define END_TRIES 4		/* end markers looked at: thumbnails and old padding have some too */
#define STAMP_AGE_MAX_US (10 * KS_US_PER_S)

static int call(struct ks_v4l2_device *device, unsigned long request, void *arg)
{
	const struct ks_v4l2_ops *ops = device->ops;
	int got;

	do
		got = ops->ioctl(ops->ctx, device->fd, request, arg);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : KS_EOK;
}

static int fault_of(struct ks_v4l2_device *device, const char *doing, int err)
{
	struct ks_source *source = device->source;
	const char *path = device->path;

	switch (-err) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return ks_source_fault(source, KS_FAULT_NO_DEVICE,
				       "%s: there is no camera; plug it in, or name another (ls /dev/v4l/by-id)", path);
	case EACCES:
	case EPERM:
		return ks_source_fault(source, KS_FAULT_DENIED,
				       "%s: %s; put the user of sentryd into group video", path,
				       ks_strerror(err));
	case EBUSY:
		return ks_source_fault(source, KS_FAULT_BUSY,
				       "%s: another program uses it; stop that (fuser -v %s)", path,
				       path);
	case ENOSPC:
		return ks_source_fault(source, KS_FAULT_BUSY,
				       "%s: no USB bandwidth left; use another port or --format MJPEG",
				       path);
	case ENOLINK:
		return ks_source_fault(source, KS_FAULT_NO_SIGNAL, "%s: nothing on its input; check the cable", path);
	case ENOLCK:
	case ERANGE:
		return ks_source_fault(source, KS_FAULT_NO_SYNC, "%s: cannot lock on the signal of its input", path);
	default:
		return ks_source_fault(source, KS_FAULT_IO, "%s: %s: %s; see dmesg", path, doing, ks_strerror(err));
	}
}

static int check_kind(struct ks_v4l2_device *device)
{
	struct v4l2_capability cap = { .capabilities = 0 };
	uint32_t caps, needed = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
	int err = call(device, VIDIOC_QUERYCAP, &cap);

	if (err != KS_EOK && err != -ENOTTY && err != -EINVAL)
		return fault_of(device, "query", err);
	caps = (cap.capabilities & V4L2_CAP_DEVICE_CAPS) != 0 ? cap.device_caps : cap.capabilities;
	if (err != KS_EOK || (caps & needed) != needed)
		return ks_source_fault(device->source, KS_FAULT_NO_CAMERA,
				       "%s: does not capture pictures; name another (ls /dev/v4l/by-id)", device->path);
	return KS_EOK;
}

/* What the input says about its signal; a webcam says nothing. */
static int check_signal(struct ks_v4l2_device *device)
{
	struct v4l2_input input = { .index = 0 };
	struct v4l2_dv_timings timings;
	int index = 0, err;

	if (call(device, VIDIOC_G_INPUT, &index) == KS_EOK) {
		input.index = (uint32_t)index;
		if (call(device, VIDIOC_ENUMINPUT, &input) == KS_EOK) {
			if ((input.status & (V4L2_IN_ST_NO_SIGNAL | V4L2_IN_ST_NO_POWER)) != 0)
				return fault_of(device, "input", -ENOLINK);
			if ((input.status & (V4L2_IN_ST_NO_SYNC | V4L2_IN_ST_NO_H_LOCK)) != 0)
				return fault_of(device, "input", -ENOLCK);
		}
	}
	/* HDMI and SDI: the size is the sender's, and has to be taken over before the format. */
	memset(&timings, 0, sizeof(timings));
	err = call(device, VIDIOC_QUERY_DV_TIMINGS, &timings);
	if (err == -ENOLINK || err == -ENOLCK || err == -ERANGE || err == -ENODEV)
		return fault_of(device, "timings", err);
	if (err == KS_EOK)
		call(device, VIDIOC_S_DV_TIMINGS, &timings);
	return KS_EOK;
}

static bool full_range(const struct v4l2_pix_format *pix)
{
	uint32_t range = pix->quantization;

	if (range == V4L2_QUANTIZATION_DEFAULT)
		range = V4L2_MAP_QUANTIZATION_DEFAULT(false, pix->colorspace, pix->ycbcr_enc);
	return range == V4L2_QUANTIZATION_FULL_RANGE;
}

/* Asks for one format. KS_EOK and the shape, KS_ENODATA when the driver has another, or -errno. */
static int try_format(struct ks_v4l2_device *device, const struct ks_raw_format *format)
{
	const struct ks_source_settings *set = &device->source->settings;
	struct v4l2_format f = { .type = CAPTURE };
	struct v4l2_pix_format *pix = &f.fmt.pix;
	size_t row;
	int err;

	pix->width = (uint32_t)set->width;
	pix->height = (uint32_t)set->height;
	pix->pixelformat = format->fourcc;
	pix->field = V4L2_FIELD_NONE;
	err = call(device, VIDIOC_S_FMT, &f);
	if (err == -EINVAL || (err == KS_EOK && pix->pixelformat != format->fourcc))
		return KS_ENODATA;
	if (err != KS_EOK)
		return err;
	if (pix->width == 0 || pix->height == 0 || pix->width > KS_DIMENSION_MAX || pix->height > KS_DIMENSION_MAX)
		return KS_ENODATA;
	row = ks_raw_row(format, (int)pix->width);
	device->shape = (struct ks_raw_shape){ format, (int)pix->width, (int)pix->height,
					       pix->bytesperline > row ? pix->bytesperline : row, full_range(pix) };
	return KS_EOK;
}

static void tell_size(struct ks_v4l2_device *device)
{
	const struct ks_source_settings *set = &device->source->settings;
	const struct ks_raw_shape *shape = &device->shape;

	if (!device->told_size && (shape->width != set->width || shape->height != set->height))
		ks_info("v4l2", "%s: gives %dx%d instead of the %dx%d of the setting", device->path, shape->width,
			shape->height, set->width, set->height);
	device->told_size = true;
}

static int choose_format(struct ks_v4l2_device *device)
{
	const struct ks_list *wanted = device->source->settings.formats;
	size_t n_default = 0, n;
	int err = KS_ENODATA;

	while (ks_raw_formats[n_default].name != NULL)
		n_default++;
	n = wanted->n > 0 ? wanted->n : n_default;
	for (size_t i = 0; i < n && err == KS_ENODATA; i++)
		err = try_format(device, wanted->n > 0 ? ks_raw_format(ks_list_text(wanted, i)) : &ks_raw_formats[i]);
	if (err == KS_ENODATA)
		return ks_source_fault(device->source, KS_FAULT_NO_FORMAT,
				       "%s: has none of the formats wanted; see v4l2-ctl --list-formats, set --format",
				       device->path);
	if (err != KS_EOK)
		return fault_of(device, "set the format", err);
	tell_size(device);
	return KS_EOK;
}

static int queue(struct ks_v4l2_device *device, unsigned index)
{
	struct v4l2_buffer buffer = { .type = CAPTURE, .memory = V4L2_MEMORY_MMAP, .index = index };

	return call(device, VIDIOC_QBUF, &buffer);
}

static int map_buffer(struct ks_v4l2_device *device, unsigned index)
{
	struct v4l2_buffer buffer = { .type = CAPTURE, .memory = V4L2_MEMORY_MMAP, .index = index };
	int err = call(device, VIDIOC_QUERYBUF, &buffer);

	if (err != KS_EOK)
		return err;
	device->buffers[index].start = device->ops->map(device->ops->ctx, device->fd, buffer.length,
							buffer.m.offset);
	if (device->buffers[index].start == NULL)
		return -errno;
	device->buffers[index].len = buffer.length;
	device->n = index + 1;
	return queue(device, index);
}

static int start(struct ks_v4l2_device *device)
{
	struct v4l2_requestbuffers request = { .count = KS_V4L2_BUFFERS, .type = CAPTURE, .memory = V4L2_MEMORY_MMAP };
	struct v4l2_event_subscription changes = { .type = V4L2_EVENT_SOURCE_CHANGE };
	int type = CAPTURE, err = call(device, VIDIOC_REQBUFS, &request);

	if (err != KS_EOK)
		return fault_of(device, "ask for buffers", err);
	for (unsigned i = 0; i < request.count && i < KS_V4L2_BUFFERS && err == KS_EOK; i++)
		err = map_buffer(device, i);
	/* One is held here, so that with fewer the driver would have none to fill. */
	if (err != KS_EOK || device->n < 2)
		return fault_of(device, "map buffers", err != KS_EOK ? err : -ENOMEM);
	/* Webcams have no such event; that is no error. */
	call(device, VIDIOC_SUBSCRIBE_EVENT, &changes);
	err = call(device, VIDIOC_STREAMON, &type);
	if (err != KS_EOK)
		return fault_of(device, "start the stream", err);
	device->streaming = true;
	return KS_EOK;
}

int ks_v4l2_device_open(struct ks_v4l2_device *device)
{
	int err;

	device->n = 0;
	device->held = -1;
	device->fd = device->ops->open(device->ops->ctx, device->path);
	if (device->fd < 0)
		return fault_of(device, "open", -errno);
	err = check_kind(device);
	if (err == KS_EOK)
		err = check_signal(device);
	if (err == KS_EOK)
		err = choose_format(device);
	if (err == KS_EOK)
		err = start(device);
	if (err != KS_EOK)
		ks_v4l2_device_close(device);
	return err;
}

void ks_v4l2_device_close(struct ks_v4l2_device *device)
{
	int type = CAPTURE;

	if (device->fd < 0)
		return;
	if (device->streaming)
		call(device, VIDIOC_STREAMOFF, &type);
	for (unsigned i = 0; i < device->n; i++)
		device->ops->unmap(device->ops->ctx, device->buffers[i].start, device->buffers[i].len);
	device->ops->close(device->ops->ctx, device->fd);
	device->fd = -1;
	device->n = 0;
	device->held = -1;
	device->streaming = false;
}

/* Cameras fill the buffer up behind the end of the picture. Returns the picture's length, or 0 with the
 * reason counted. */
static size_t jpeg_length(struct ks_v4l2_device *device, const uint8_t *bytes, size_t len)
{
	struct ks_jpeg_info info;
	enum ks_jpeg_fault fault;
	const uint8_t *at = bytes, *end;

	while (len > 0 && bytes[len - 1] == 0)
		len--;
	fault = ks_jpeg_check(bytes, len, &info);
	for (int i = 0; i < END_TRIES && fault == KS_JPEG_TRAILING; i++) {
		end = memmem(at, len - (size_t)(at - bytes), "\xff\xd9", 2);
		if (end == NULL)
			break;
		at = end + 2;
		if (ks_jpeg_check(bytes, (size_t)(at - bytes), &info) == KS_JPEG_GOOD)
			return (size_t)(at - bytes);
	}
	if (fault == KS_JPEG_GOOD)
		return len;
	ks_count(&device->source->counts->dropped[fault]);
	return 0;
}

/* The bytes of a buffer that are a picture, or 0 with the reason counted. */
static size_t picture_length(struct ks_v4l2_device *device, const struct v4l2_buffer *buffer)
{
	ks_counter *dropped = device->source->counts->dropped;
	size_t len = buffer->bytesused, mapped = device->buffers[buffer->index].len;

	if (len > mapped)
		len = mapped;
	if ((buffer->flags & V4L2_BUF_FLAG_ERROR) != 0) {
		ks_count(&dropped[KS_REFUSED_FLAGGED]);
		return 0;
	}
	if (device->shape.format->layout == KS_PICTURE_JPEG)
		return jpeg_length(device, device->buffers[buffer->index].start, len);
	if (len < ks_raw_size(&device->shape)) {
		ks_count(&dropped[KS_REFUSED_SHORT]);
		return 0;
	}
	return len;
}

/* The driver's time is when the light fell on the sensor or soon after; it is used when it can be true. */
static int64_t buffer_time(struct ks_v4l2_device *device, const struct v4l2_buffer *buffer)
{
	int64_t now_us = ks_mono_us(device->source->clock);
	int64_t stamp_us = buffer->timestamp.tv_sec * KS_US_PER_S + buffer->timestamp.tv_usec;

	if ((buffer->flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) != V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC ||
	    stamp_us > now_us || stamp_us < now_us - STAMP_AGE_MAX_US)
		return now_us;
	return stamp_us;
}

static int take(struct ks_v4l2_device *device, const struct v4l2_buffer *buffer)
{
	size_t len;

	if (buffer->index >= device->n)
		return -EIO;
	len = picture_length(device, buffer);
	if (len == 0)
		return queue(device, buffer->index);
	if (device->held >= 0) {
		ks_count(&device->source->counts->superseded);
		ks_v4l2_device_release(device);
	}
	device->held = (int)buffer->index;
	device->held_len = len;
	device->held_mono_us = buffer_time(device, buffer);
	return KS_EOK;
}

int ks_v4l2_device_drain(struct ks_v4l2_device *device)
{
	for (int i = 0; i < DRAIN_MAX; i++) {
		struct v4l2_buffer buffer = { .type = CAPTURE, .memory = V4L2_MEMORY_MMAP };
		int err = call(device, VIDIOC_DQBUF, &buffer);

		if (err == -EAGAIN)
			return KS_EOK;
		/* The API calls this one possibly temporary. When it is not, no more pictures come, which shows. */
		if (err == -EIO) {
			ks_count(&device->source->counts->dropped[KS_REFUSED_FLAGGED]);
			return KS_EOK;
		}
		if (err == KS_EOK)
			err = take(device, &buffer);
		if (err != KS_EOK)
			return fault_of(device, "take a picture", err);
	}
	return KS_EOK;
}

bool ks_v4l2_device_changed(struct ks_v4l2_device *device)
{
	struct v4l2_event event;
	bool changed = false;

	for (int i = 0; i < DRAIN_MAX; i++) {
		memset(&event, 0, sizeof(event));
		if (call(device, VIDIOC_DQEVENT, &event) != KS_EOK)
			break;
		if (event.type == V4L2_EVENT_SOURCE_CHANGE &&
		    (event.u.src_change.changes & V4L2_EVENT_SRC_CH_RESOLUTION) != 0)
			changed = true;
	}
	return changed;
}

void ks_v4l2_device_release(struct ks_v4l2_device *device)
{
	if (device->held >= 0)
		queue(device, (unsigned)device->held);
	device->held = -1;
}
