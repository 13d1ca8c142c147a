/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/handover.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

#define PATIENCE_S 2

static const char request[] = "{\"command\":\"handover\"}\n";

/* Both ends are on one machine, and of one version: `size` tells. */
struct offer {
	uint32_t size;
	struct ks_tun tun;	/* its descriptors mean nothing there */
};

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * KS_TUN_QUEUES_MAX)];
};

static bool is_trusted(int socket)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

int ks_handover_give(int socket, const struct ks_tun *tun)
{
	struct offer offer = { sizeof(offer), *tun };
	struct iovec iov = { &offer, sizeof(offer) };
	union control control = { .bytes = { 0 } };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes };
	struct cmsghdr *head = &control.align;

	if (!is_trusted(socket))
		return -EPERM;
	message.msg_controllen = CMSG_SPACE(sizeof(int) * tun->queues);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int) * tun->queues);
	memcpy(CMSG_DATA(head), tun->fds, sizeof(int) * tun->queues);
	return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof(offer) ? KS_EOK : -EIO;
}

static int dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { PATIENCE_S, 0 };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && is_trusted(fd) &&
	    send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) == (ssize_t)sizeof(request) - 1)
		return fd;
	close(fd);
	return -1;
}

/* How many descriptors came. */
static unsigned receive(int fd, struct offer *offer, int *fds)
{
	struct iovec iov = { offer, sizeof(*offer) };
	union control control = { .bytes = { 0 } };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
				  .msg_controllen = sizeof(control) };
	const struct cmsghdr *head;
	ssize_t len = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	unsigned n;

	head = len > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (head == NULL || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
		return 0;
	n = (unsigned)((head->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(head), n * sizeof(int));
	if (len != (ssize_t)sizeof(*offer))
		offer->size = 0;
	return n;
}

static bool fits(const struct offer *offer, unsigned n, const struct ks_tun_settings *settings)
{
	const struct ks_tun *tun = &offer->tun;

	return offer->size == sizeof(*offer) && tun->queues == n && n == settings->queues &&
		strncmp(tun->name, settings->name, sizeof(tun->name)) == 0 && tun->vnet == settings->vnet &&
		tun->tso == (settings->tso && tun->csum) && tun->uso == (settings->uso && tun->can_uso);
}

int ks_handover_take(const char *path, const struct ks_tun_settings *settings, struct ks_tun *tun)
{
	int fd = dial(path), fds[KS_TUN_QUEUES_MAX];
	struct offer offer = { 0 };
	unsigned n;

	if (fd < 0)
		return KS_EGONE;
	n = receive(fd, &offer, fds);
	close(fd);
	if (!fits(&offer, n, settings)) {
		for (unsigned i = 0; i < n; i++)
			close(fds[i]);
		return KS_EMALFORMED;
	}
	*tun = offer.tun;
	memcpy(tun->fds, fds, n * sizeof(int));
	ks_info("tun", "%s: %u queue%s from the daemon that runs; end it now", tun->name, n, n == 1 ? "" : "s");
	return KS_EOK;
}
