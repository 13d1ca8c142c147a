/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/network.h"

#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

bool network_own(int mtu)
{
	struct ifreq loopback = { .ifr_name = "lo", .ifr_mtu = mtu };
	bool ready = false;
	int fd;

	if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	if (ioctl(fd, SIOCSIFMTU, &loopback) == 0) {
		loopback.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
		ready = ioctl(fd, SIOCSIFFLAGS, &loopback) == 0;
	}
	close(fd);
	return ready;
}
