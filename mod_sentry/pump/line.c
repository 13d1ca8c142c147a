/* SPDX-License-Identifier: Apache-2.0
 *
 * A viewer's bytes, in and out: through its socket, or through what carries them over that.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mod_sentry/counters.h"
#include "mod_sentry/pump/pump_private.h"

ssize_t ks_line_receive(const struct ks_viewer *v, char *bytes, size_t room)
{
	ssize_t n;

	if (v->carrier != NULL)
		return v->carrier->ops->receive(v->carrier, bytes, room);
	do {
		n = recv(v->fd, bytes, room, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return n;
}

static ssize_t send_plain(int fd, struct iovec *pieces, int n)
{
	struct msghdr message = { .msg_iov = pieces, .msg_iovlen = (size_t)n };
	ssize_t sent;

	do {
		sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (sent < 0 && errno == EINTR);
	return sent;
}

ssize_t ks_line_send(const struct ks_viewer *v, struct iovec *pieces, int n)
{
	ssize_t sent = v->carrier != NULL ? v->carrier->ops->send(v->carrier, pieces, n) : send_plain(v->fd, pieces, n);

	if (sent < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
	ks_counters_sent((uint64_t)sent);
	return sent;
}

bool ks_line_end(const struct ks_viewer *v)
{
	if (v->carrier != NULL)
		v->carrier->ops->end(v->carrier);
	return shutdown(v->fd, SHUT_WR) == 0;
}

void ks_line_close(const struct ks_viewer *v)
{
	if (v->carrier != NULL)
		v->carrier->ops->close(v->carrier);
	else
		close(v->fd);
}
