/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection of one viewer, without blocking, in the epoll set of its process; with TLS if its origin has it.
 */
#ifndef KS_SWARM_CONNECTION_H
#define KS_SWARM_CONNECTION_H

#include <sys/types.h>

#include "bench/audience/origin.h"
#include "bench/audience/tls.h"

enum swarm_connection_state { SWARM_CLOSED, SWARM_CONNECTING, SWARM_HANDSHAKE, SWARM_OPEN };

/* Zeroed: closed. */
struct swarm_connection {
	enum swarm_connection_state state;
	int fd;
	uint32_t events;	/* that epoll watches */
	struct swarm_tls *tls;	/* NULL: cleartext */
};

/* Begins to connect; epoll tells of it with `tag`. recv_buffer: bytes of the socket's, 0: the system's own. KS_EOK or
 * -errno. */
int swarm_connection_open(struct swarm_connection *conn, const struct swarm_origin *origin,
			  struct swarm_tls_client *client, int epoll, void *tag, int recv_buffer);

/* Epoll told of one that is not open yet: 1 it is now, 0 not yet, -errno or KS_EAUTH: it failed. */
int swarm_connection_step(struct swarm_connection *conn, int epoll, void *tag);

/* How many bytes were taken, 0 when none can be now, -errno. */
ssize_t swarm_connection_send(struct swarm_connection *conn, const void *bytes, size_t len);

/* How many bytes came, 0 at the end of all, -EAGAIN when there are none now, -errno. */
ssize_t swarm_connection_recv(struct swarm_connection *conn, void *bytes, size_t room);

/* What epoll shall tell of: EPOLLIN, EPOLLOUT, both, or nothing but errors. */
void swarm_connection_watch(struct swarm_connection *conn, int epoll, void *tag, uint32_t events);

void swarm_connection_close(struct swarm_connection *conn);

#endif
