/* SPDX-License-Identifier: Apache-2.0
 *
 * Presses a button among the controls of a V4L2 device, by its name: how vivid is told to fail.
 *
 *	press /dev/video0 Disconnect
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/videodev2.h>

int main(int argc, char **argv)
{
	struct v4l2_queryctrl query = { .id = V4L2_CTRL_FLAG_NEXT_CTRL };
	int fd = argc == 3 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0) {
		fprintf(stderr, "usage: press DEVICE CONTROL\n");
		return 2;
	}
	for (; ioctl(fd, VIDIOC_QUERYCTRL, &query) == 0; query.id |= V4L2_CTRL_FLAG_NEXT_CTRL) {
		struct v4l2_control control = { .id = query.id, .value = 1 };

		if (strcmp((const char *)query.name, argv[2]) == 0)
			return ioctl(fd, VIDIOC_S_CTRL, &control) == 0 ? 0 : 1;
	}
	fprintf(stderr, "press: %s has no control '%s'\n", argv[1], argv[2]);
	return 1;
}
