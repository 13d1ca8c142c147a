/* SPDX-License-Identifier: Apache-2.0
 *
 * The client's side of TLS over a socket that does not block. Without OpenSSL in the build (HAVE_OPENSSL) there is
 * none, and swarm_tls_client_new() says so.
 */
#ifndef KS_SWARM_TLS_H
#define KS_SWARM_TLS_H

#include <stdint.h>
#include <sys/types.h>

struct swarm_tls_client;	/* of a process */
struct swarm_tls;		/* of a connection */

/* ca: a PEM file of authorities; then certificates and their names are checked. NULL: they are not. KS_EOK, or
 * KS_ECONFIG with a log line. */
int swarm_tls_client_new(struct swarm_tls_client **client, const char *ca);
void swarm_tls_client_free(struct swarm_tls_client *client);

/* On a socket that is or will be connected, which stays the caller's. KS_EOK or -ENOMEM. */
int swarm_tls_new(struct swarm_tls_client *client, int fd, const char *name, struct swarm_tls **tls);
void swarm_tls_free(struct swarm_tls *tls);

/* 1: done; 0: again when the socket has *events (EPOLLIN or EPOLLOUT); KS_EAUTH: failed. */
int swarm_tls_handshake(struct swarm_tls *tls, uint32_t *events);

/* As swarm_connection_send() and _recv(). An end of the connection without close_notify is -ECONNRESET: the peer may
 * have meant to say more (RFC 8446, 6.1). */
ssize_t swarm_tls_send(struct swarm_tls *tls, const void *bytes, size_t len);
ssize_t swarm_tls_recv(struct swarm_tls *tls, void *bytes, size_t room);

#endif
