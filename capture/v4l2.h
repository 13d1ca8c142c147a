/* SPDX-License-Identifier: Apache-2.0
 *
 * The calls that source v4l2 makes to a device, so that tests can put a scripted one in its place. Errors
 * are -1 and errno, as of the system's calls of these names.
 */
#ifndef KS_CAPTURE_V4L2_H
#define KS_CAPTURE_V4L2_H

#include <stddef.h>
#include <stdint.h>

struct ks_v4l2_ops {
	/* Not blocking. What it returns can be watched by epoll. */
	int (*open)(void *ctx, const char *path);
	void (*close)(void *ctx, int fd);
	int (*ioctl)(void *ctx, int fd, unsigned long request, void *arg);
	/* NULL when it fails. */
	void *(*map)(void *ctx, int fd, size_t len, int64_t offset);
	void (*unmap)(void *ctx, void *start, size_t len);
	/* What is pending now: POLLIN, POLLPRI, POLLERR, POLLHUP. */
	int (*poll)(void *ctx, int fd);
	void *ctx;
};

#endif
