/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "capture/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"

#define DEVICE_DEFAULT "/dev/video0"

#ifdef HAVE_V4L2
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <event2/event.h>
#include <libv4l2.h>

#include "capture/v4l2_device.h"

/* libv4l2 instead of the bare calls, because it knows the quirks of devices; without its conversions, which
 * would make a raw picture of each JPEG behind our back. */
static int system_open(void *ctx, const char *path)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	(void)ctx;
	/* A device that libv4l2 does not take works all the same: its calls then pass through. */
	if (fd >= 0)
		v4l2_fd_open(fd, V4L2_DISABLE_CONVERSION);
	return fd;
}

static void system_close(void *ctx, int fd)
{
	(void)ctx;
	v4l2_close(fd);
}

static int system_ioctl(void *ctx, int fd, unsigned long request, void *arg)
{
	(void)ctx;
	return v4l2_ioctl(fd, request, arg);
}

static void *system_map(void *ctx, int fd, size_t len, int64_t offset)
{
	void *start = v4l2_mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);

	(void)ctx;
	return start != MAP_FAILED ? start : NULL;
}

static void system_unmap(void *ctx, void *start, size_t len)
{
	(void)ctx;
	v4l2_munmap(start, len);
}

static int system_poll(void *ctx, int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLPRI };

	(void)ctx;
	return poll(&pfd, 1, 0) > 0 ? pfd.revents : 0;
}

static const struct ks_v4l2_ops system_ops = {
	system_open, system_close, system_ioctl, system_map, system_unmap, system_poll, NULL
};

struct v4l2_source {
	struct ks_source source;	/* first */
	struct ks_v4l2_device device;
	int epoll;
	struct event *ready;
	uint8_t *memory;	/* what is handed over */
	size_t memory_size;
};

static void hang_up(struct v4l2_source *self)
{
	if (self->ready != NULL)
		event_free(self->ready);
	self->ready = NULL;
	if (self->epoll >= 0)
		close(self->epoll);
	self->epoll = -1;
	ks_v4l2_device_close(&self->device);
}

static void on_ready(evutil_socket_t fd, short what, void *ctx)
{
	struct v4l2_source *self = ctx;
	struct ks_source *source = &self->source;
	const struct ks_v4l2_ops *ops = self->device.ops;
	int pending;

	(void)fd;
	if ((what & EV_READ) == 0) {
		ks_source_failed(source, KS_FAULT_TIMEOUT, "%s: no picture for %lld ms; is it still plugged in?",
				 self->device.path, (long long)source->settings.device_timeout_ms);
		return;
	}
	pending = ops->poll(ops->ctx, self->device.fd);
	if ((pending & POLLPRI) != 0 && ks_v4l2_device_changed(&self->device)) {
		ks_source_failed(source, KS_FAULT_CHANGED, "%s: the signal has changed", self->device.path);
		return;
	}
	if (ks_v4l2_device_drain(&self->device) != KS_EOK) {
		if (source->failed != NULL)
			source->failed(source->failed_ctx);
	} else if ((pending & (POLLERR | POLLHUP)) != 0) {
		ks_source_failed(source, KS_FAULT_IO, "%s: the device has stopped; see dmesg", self->device.path);
	}
}

/* libevent has no event for POLLPRI; an epoll descriptor of our own has, and is readable when it is there. */
static int watch(struct v4l2_source *self)
{
	int64_t timeout_ms = self->source.settings.device_timeout_ms;
	struct timeval tv = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	struct epoll_event interest = { .events = EPOLLIN | EPOLLPRI };

	self->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (self->epoll < 0 || epoll_ctl(self->epoll, EPOLL_CTL_ADD, self->device.fd, &interest) != 0)
		return ks_source_fault(&self->source, KS_FAULT_IO, "%s: cannot be waited for: %s", self->device.path,
				       strerror(errno));
	self->ready = event_new(self->source.base, self->epoll, EV_READ | EV_PERSIST, on_ready, self);
	if (self->ready == NULL || event_add(self->ready, &tv) != 0)
		return ks_source_fault(&self->source, KS_FAULT_IO, "%s: out of memory", self->device.path);
	return KS_EOK;
}

static int v4l2_source_open(struct ks_source *source)
{
	struct v4l2_source *self = (struct v4l2_source *)source;
	int err;

	hang_up(self);
	err = ks_v4l2_device_open(&self->device);
	if (err == KS_EOK)
		err = watch(self);
	if (err != KS_EOK)
		hang_up(self);
	return err;
}

static bool make_memory(struct v4l2_source *self, size_t size)
{
	uint8_t *grown = size > self->memory_size ? realloc(self->memory, size) : self->memory;

	if (grown == NULL)
		return false;
	if (size > self->memory_size)
		self->memory_size = size;
	self->memory = grown;
	return true;
}

/* Copies out of the driver's buffer, which goes back at once: the caller may take its time. */
static int hand_over(struct v4l2_source *self, struct ks_picture *picture)
{
	struct ks_v4l2_device *device = &self->device;
	const uint8_t *bytes = device->buffers[device->held].start;
	bool jpeg = device->shape.format->layout == KS_PICTURE_JPEG;

	if (!make_memory(self, jpeg ? device->held_len : ks_raw_unpacked_size(&device->shape)))
		return ks_source_fault(&self->source, KS_FAULT_IO, "%s: out of memory", device->path);
	if (jpeg) {
		memcpy(self->memory, bytes, device->held_len);
		*picture = (struct ks_picture){ .layout = KS_PICTURE_JPEG, .jpeg = self->memory,
						.jpeg_len = device->held_len };
	} else {
		ks_raw_unpack(&device->shape, bytes, self->memory, picture);
	}
	ks_v4l2_device_release(device);
	return KS_EOK;
}

static int v4l2_source_next(struct ks_source *source, const struct ks_tick *tick, struct ks_picture *picture)
{
	struct v4l2_source *self = (struct v4l2_source *)source;
	int err;

	if (self->device.fd < 0)
		return KS_EGONE;
	err = ks_v4l2_device_drain(&self->device);
	if (err != KS_EOK)
		return err;
	if (self->device.held < 0)
		return KS_ENODATA;
	err = hand_over(self, picture);
	picture->captured_mono_us = self->device.held_mono_us;
	picture->captured_us = tick->wall_us - (tick->mono_us - self->device.held_mono_us);
	return err;
}

static void v4l2_source_close(struct ks_source *source)
{
	hang_up((struct v4l2_source *)source);
}

static void v4l2_source_free(struct ks_source *source)
{
	struct v4l2_source *self = (struct v4l2_source *)source;

	free(self->memory);
	free(self);
}

static const struct ks_source_ops v4l2_ops = {
	v4l2_source_open, v4l2_source_next, v4l2_source_close, v4l2_source_free, false
};

struct ks_source *ks_source_v4l2_new(const char *where, const struct ks_v4l2_ops *devices)
{
	struct v4l2_source *self = calloc(1, sizeof(*self));

	if (self == NULL)
		return NULL;
	self->source.ops = &v4l2_ops;
	self->device.ops = devices != NULL ? devices : &system_ops;
	self->device.source = &self->source;
	self->device.path = *where != '\0' ? where : DEVICE_DEFAULT;
	self->device.fd = -1;
	self->epoll = -1;
	return &self->source;
}

#else

/* What stands in where the library was missing: a fault like any other, so that a placeholder says it. */
struct v4l2_source {
	struct ks_source source;	/* first */
	const char *path;
};

static int left_out_open(struct ks_source *source)
{
	return ks_source_fault(source, KS_FAULT_LEFT_OUT,
			       "%s: this build has no cameras; install libv4l-dev and configure --with-v4l2",
			       ((struct v4l2_source *)source)->path);
}

static int left_out_next(struct ks_source *source, const struct ks_tick *tick, struct ks_picture *picture)
{
	(void)tick;
	(void)picture;
	return left_out_open(source);
}

static void left_out_close(struct ks_source *source)
{
	(void)source;
}

static void left_out_free(struct ks_source *source)
{
	free(source);
}

static const struct ks_source_ops left_out_ops = {
	left_out_open, left_out_next, left_out_close, left_out_free, false
};

struct ks_source *ks_source_v4l2_new(const char *where, const struct ks_v4l2_ops *devices)
{
	struct v4l2_source *self = calloc(1, sizeof(*self));

	(void)devices;
	if (self == NULL)
		return NULL;
	self->source.ops = &left_out_ops;
	self->path = *where != '\0' ? where : DEVICE_DEFAULT;
	return &self->source;
}
#endif
