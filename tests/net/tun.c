/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/net/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int failed(const char *format, ...)
{
	int err = errno;
	va_list args;

	fprintf(stderr, "link: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(err));
	return -1;
}

static int enter(const char *netns)
{
	char path[PATH_MAX];
	int fd, err;

	snprintf(path, sizeof(path), "%s%s", strchr(netns, '/') == NULL ? "/run/netns/" : "", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failed("%s", path);
	err = setns(fd, CLONE_NEWNET);
	close(fd);
	return err == 0 ? 0 : failed("entering %s, as root only", path);
}

/* Its flags, MTU and queue are set through any socket of the same namespace. */
static int set_up(const char *name, int mtu)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = -1;

	if (fd < 0)
		return failed("socket");
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	request.ifr_mtu = mtu;
	if (ioctl(fd, SIOCSIFMTU, &request) != 0)
		failed("%s: MTU of %d", name, mtu);
	else if (request.ifr_qlen = TUN_QUEUE, ioctl(fd, SIOCSIFTXQLEN, &request) != 0)
		failed("%s: queue", name);
	else if (request.ifr_flags = IFF_UP | IFF_RUNNING, ioctl(fd, SIOCSIFFLAGS, &request) != 0)
		failed("%s: switching on", name);
	else
		err = 0;
	close(fd);
	return err;
}

static int make(const char *name, int mtu)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return failed("/dev/net/tun");
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(fd, TUNSETIFF, &request) != 0)
		failed("%s, as root only and unless there is one", name);
	else if (set_up(name, mtu) == 0)
		return fd;
	close(fd);
	return -1;
}

int tun_open(const char *netns, const char *name, int mtu)
{
	int home, fd;

	if (netns == NULL)
		return make(name, mtu);
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return failed("/proc/self/ns/net");
	fd = enter(netns) == 0 ? make(name, mtu) : -1;
	if (setns(home, CLONE_NEWNET) != 0 && fd >= 0) {
		close(fd);
		fd = failed("coming back from %s", netns);
	}
	close(home);
	return fd;
}
