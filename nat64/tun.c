/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

#define DEVICE "/dev/net/tun"

#ifndef TUN_F_USO4		/* in the headers of Linux 6.2 */
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

/* What to do about an error of opening or of TUNSETIFF. */
static const char *advice(int err)
{
	switch (err) {
	case ENOENT:
		return "there is no " DEVICE ": mkdir -p /dev/net && mknod " DEVICE " c 10 200, and modprobe tun";
	case ENODEV:
	case ENXIO:
		return "the kernel has no TUN: modprobe tun, or build it with CONFIG_TUN";
	case EACCES:
		return "not allowed to open " DEVICE ": run as root, or give the user access to it";
	case EPERM:
		return "needs the capability CAP_NET_ADMIN (run as root; in a container --cap-add NET_ADMIN), or a "
		       "device of the user's own: ip tuntap add mode tun multi_queue vnet_hdr user NAME";
	case EBUSY:
		return "another program has it, or it was made without queues; end that, or choose another name with "
		       "tun";
	case EINVAL:
		return "a device of that name is there and is no TUN, or was made without multi_queue: ip link delete "
		       "it, or choose another name with tun";
	case E2BIG:
		return "more queues than the kernel allows; choose fewer with workers";
	default:
		return "is the name one that a device may have?";
	}
}

static int open_queue(const struct ks_tun_settings *settings, short flags, int *fd)
{
	struct ifreq request = { .ifr_flags = flags };
	int err = KS_EOK;

	*fd = open(DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (*fd < 0)
		return -errno;
	memcpy(request.ifr_name, settings->name, strlen(settings->name));
	if (ioctl(*fd, TUNSETIFF, &request) != 0) {
		err = -errno;
		close(*fd);
		*fd = -1;
	}
	return err;
}

static short flags_of(bool vnet, bool multi)
{
	return (short)(IFF_TUN | IFF_NO_PI | (multi ? IFF_MULTI_QUEUE : 0) | (vnet ? IFF_VNET_HDR : 0));
}

/* The first queue finds out what the device can. A device that was made long ago may have no queues. */
static int open_first(struct ks_tun *tun, const struct ks_tun_settings *settings, bool *multi)
{
	int err;

	*multi = true;
	tun->vnet = settings->vnet;
	err = open_queue(settings, flags_of(tun->vnet, true), &tun->fds[0]);
	if (err == -EINVAL && settings->queues == 1) {
		*multi = false;
		err = open_queue(settings, flags_of(tun->vnet, false), &tun->fds[0]);
	}
	if (err == -EINVAL && tun->vnet) {
		tun->vnet = false;
		err = open_queue(settings, flags_of(false, *multi), &tun->fds[0]);
	}
	if (err == KS_EOK)
		tun->queues = 1;
	return err;
}

/* The header in front of each packet is the ten bytes that all know, in this machine's order. */
static int set_header(const struct ks_tun *tun, unsigned queue)
{
	int size = sizeof(struct virtio_net_hdr);

	return !tun->vnet || ioctl(tun->fds[queue], TUNSETVNETHDRSZ, &size) == 0 ? KS_EOK : -errno;
}

static bool offload(const struct ks_tun *tun, bool csum, bool tso, bool uso)
{
	unsigned long bits = (csum ? TUN_F_CSUM : 0) | (tso ? TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN : 0) |
		(uso ? TUN_F_USO4 | TUN_F_USO6 : 0);

	return ioctl(tun->fds[0], TUNSETOFFLOAD, bits) == 0;
}

/* The most that the kernel takes. It is a property of the device, so it is set once; to nothing as well, since a device
 * that stays has what was set last. */
static void negotiate(struct ks_tun *tun, const struct ks_tun_settings *settings)
{
	bool tso = tun->vnet && settings->tso, uso = tun->vnet && settings->uso;

	tun->can_uso = tun->vnet && offload(tun, true, tso, true);
	tun->uso = uso && tun->can_uso;
	tun->csum = tun->uso || (tun->vnet && offload(tun, true, tso, false));
	tun->tso = tso && tun->csum;
	if (!tun->csum)
		offload(tun, false, false, false);
	ks_info("tun", "%s: %u queue%s; checksums %s, TCP segmentation %s, UDP segmentation %s", tun->name, tun->queues,
		tun->queues == 1 ? "" : "s", tun->csum ? "left to the device" : "in software",
		tun->tso ? "on" : settings->tso ? "off: the kernel has none" : "off",
		tun->uso ? "on" : settings->uso ? "off: needs Linux 6.2" : "off");
}

int ks_tun_open(struct ks_tun *tun, const struct ks_tun_settings *settings)
{
	bool multi;
	int err;

	memset(tun, 0, sizeof(*tun));
	for (unsigned i = 0; i < KS_TUN_QUEUES_MAX; i++)
		tun->fds[i] = -1;
	if (strlen(settings->name) >= IFNAMSIZ || settings->queues < 1 || settings->queues > KS_TUN_QUEUES_MAX)
		return -EINVAL;
	memcpy(tun->name, settings->name, strlen(settings->name) + 1);
	err = open_first(tun, settings, &multi);
	while (err == KS_EOK && multi && tun->queues < settings->queues) {
		err = open_queue(settings, flags_of(tun->vnet, true), &tun->fds[tun->queues]);
		tun->queues += err == KS_EOK;
	}
	for (unsigned i = 0; err == KS_EOK && i < tun->queues; i++)
		err = set_header(tun, i);
	if (err == KS_EOK && (tun->index = if_nametoindex(tun->name)) == 0)
		err = -errno;
	if (err != KS_EOK) {
		ks_error("tun", "%s: %s: %s", settings->name, ks_strerror(err), advice(-err));
		ks_tun_close(tun);
		return err;
	}
	negotiate(tun, settings);
	return KS_EOK;
}

void ks_tun_close(struct ks_tun *tun)
{
	for (unsigned i = 0; i < tun->queues; i++)
		if (tun->fds[i] >= 0)
			close(tun->fds[i]);
	tun->queues = 0;
}

/* --- the interface ------------------------------------------------------------------------------------- */

static int interface_ioctl(const struct ks_tun *tun, unsigned long what, struct ifreq *request)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	memcpy(request->ifr_name, tun->name, IFNAMSIZ);
	err = ioctl(fd, what, request) == 0 ? KS_EOK : -errno;
	close(fd);
	return err;
}

int ks_tun_mtu(const struct ks_tun *tun, uint32_t *mtu)
{
	struct ifreq request = { 0 };
	int err = interface_ioctl(tun, SIOCGIFMTU, &request);

	if (err == KS_EOK)
		*mtu = (uint32_t)request.ifr_mtu;
	return err;
}

/* No link-local address: there is nobody on this link to whom the kernel should talk about routers. A kernel without
 * IPv6 has no such file. */
static void keep_quiet(const struct ks_tun *tun)
{
	char path[sizeof("/proc/sys/net/ipv6/conf//addr_gen_mode") + IFNAMSIZ];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/addr_gen_mode", tun->name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, "1", 1) != 1)
		ks_debug("tun", "%s: %s", path, strerror(errno));
	close(fd);
}

int ks_tun_up(const struct ks_tun *tun)
{
	struct ifreq request = { 0 };
	int err = interface_ioctl(tun, SIOCGIFFLAGS, &request);

	if (err == KS_EOK && (request.ifr_flags & IFF_UP) == 0) {
		struct ifreq length = { .ifr_qlen = KS_TUN_QUEUE_LENGTH };

		keep_quiet(tun);
		/* Without it there is only more loss when this machine is busy. */
		interface_ioctl(tun, SIOCSIFTXQLEN, &length);
		request.ifr_flags |= IFF_UP;
		err = interface_ioctl(tun, SIOCSIFFLAGS, &request);
	}
	if (err != KS_EOK)
		ks_error("tun", "%s: switching it on: %s; %s", tun->name, ks_strerror(err), err == -EPERM ?
			 "needs the capability CAP_NET_ADMIN" : "does ip link show it?");
	return err;
}

int ks_tun_watch(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE), err;

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* What they say is not read: the device is asked. An overrun says the same. */
void ks_tun_watched(int fd)
{
	char bytes[4096];

	while (recv(fd, bytes, sizeof(bytes), 0) > 0 || errno == ENOBUFS || errno == EINTR)
		errno = 0;
}
