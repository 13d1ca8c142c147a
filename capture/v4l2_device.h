/* SPDX-License-Identifier: Apache-2.0
 *
 * One open V4L2 capture device with its mapped buffers (linux/videodev2.h; the kernel's Video for Linux API
 * documentation, "Streaming I/O (Memory Mapping)"). Knows nothing of events or time-outs.
 */
#ifndef KS_CAPTURE_V4L2_DEVICE_H
#define KS_CAPTURE_V4L2_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/raw.h"
#include "capture/source.h"
#include "capture/v4l2.h"

#define KS_V4L2_BUFFERS 4	/* asked for; a driver may give another number, of which this many are used */

struct ks_v4l2_device {
	const struct ks_v4l2_ops *ops;
	struct ks_source *source;	/* whose faults these are */
	const char *path;
	int fd;				/* -1: closed */
	struct ks_raw_shape shape;
	struct {
		void *start;
		size_t len;
	} buffers[KS_V4L2_BUFFERS];
	unsigned n;
	bool streaming;
	int held;			/* buffer with the newest picture; -1: none */
	size_t held_len;
	int64_t held_mono_us;
	bool told_size;			/* that the driver has a size of its own was logged */
};

/* From opening to streaming. KS_EOK, or an error with the source's fault set and the device closed. */
int ks_v4l2_device_open(struct ks_v4l2_device *device);
void ks_v4l2_device_close(struct ks_v4l2_device *device);

/* Takes all buffers that are ready, keeps the newest good one and gives the others back. KS_EOK, or an error
 * with the source's fault set. */
int ks_v4l2_device_drain(struct ks_v4l2_device *device);

/* Takes all pending events; true when the signal has changed and the device must be opened again. */
bool ks_v4l2_device_changed(struct ks_v4l2_device *device);

/* Gives the held buffer back to the driver. */
void ks_v4l2_device_release(struct ks_v4l2_device *device);

#endif
