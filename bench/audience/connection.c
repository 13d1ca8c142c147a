/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/audience/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/base/error.h"

static int begin(struct swarm_connection *conn, const struct swarm_origin *origin, int epoll, void *tag,
		 int recv_buffer)
{
	struct epoll_event event = { .events = EPOLLOUT, .data.ptr = tag };
	int on = 1;

	/* Before connecting: it bounds the window that is offered. */
	if (recv_buffer > 0)
		setsockopt(conn->fd, SOL_SOCKET, SO_RCVBUF, &recv_buffer, sizeof(recv_buffer));
	setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(conn->fd, (const struct sockaddr *)&origin->address, origin->address_len) != 0 &&
	    errno != EINPROGRESS)
		return -errno;
	return epoll_ctl(epoll, EPOLL_CTL_ADD, conn->fd, &event) == 0 ? KS_EOK : -errno;
}

int swarm_connection_open(struct swarm_connection *conn, const struct swarm_origin *origin,
			  struct swarm_tls_client *client, int epoll, void *tag, int recv_buffer)
{
	int err;

	*conn = (struct swarm_connection){ .state = SWARM_CONNECTING, .events = EPOLLOUT };
	conn->fd = socket(origin->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (conn->fd < 0) {
		conn->state = SWARM_CLOSED;
		return -errno;
	}
	err = begin(conn, origin, epoll, tag, recv_buffer);
	if (err == KS_EOK && origin->tls)
		err = swarm_tls_new(client, conn->fd, origin->name, &conn->tls);
	if (err != KS_EOK)
		swarm_connection_close(conn);
	return err;
}

static int finish_connecting(struct swarm_connection *conn)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
		err = errno;
	if (err == 0)
		conn->state = conn->tls != NULL ? SWARM_HANDSHAKE : SWARM_OPEN;
	return -err;
}

int swarm_connection_step(struct swarm_connection *conn, int epoll, void *tag)
{
	int err = conn->state == SWARM_CONNECTING ? finish_connecting(conn) : KS_EOK;
	uint32_t events;

	if (err != KS_EOK)
		return err;
	if (conn->state == SWARM_HANDSHAKE) {
		err = swarm_tls_handshake(conn->tls, &events);
		if (err < 0)
			return err;
		if (err == 0) {
			swarm_connection_watch(conn, epoll, tag, events);
			return 0;
		}
		conn->state = SWARM_OPEN;
	}
	swarm_connection_watch(conn, epoll, tag, EPOLLIN);
	return 1;
}

ssize_t swarm_connection_send(struct swarm_connection *conn, const void *bytes, size_t len)
{
	ssize_t n;

	if (conn->tls != NULL)
		return swarm_tls_send(conn->tls, bytes, len);
	n = send(conn->fd, bytes, len, MSG_NOSIGNAL);
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

ssize_t swarm_connection_recv(struct swarm_connection *conn, void *bytes, size_t room)
{
	ssize_t n;

	if (conn->tls != NULL)
		return swarm_tls_recv(conn->tls, bytes, room);
	n = recv(conn->fd, bytes, room, 0);
	return n >= 0 ? n : -errno;
}

void swarm_connection_watch(struct swarm_connection *conn, int epoll, void *tag, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = tag };

	if (conn->events == events)
		return;
	conn->events = events;
	epoll_ctl(epoll, EPOLL_CTL_MOD, conn->fd, &event);
}

void swarm_connection_close(struct swarm_connection *conn)
{
	if (conn->state == SWARM_CLOSED)
		return;
	swarm_tls_free(conn->tls);
	close(conn->fd);
	*conn = (struct swarm_connection){ .state = SWARM_CLOSED };
}
