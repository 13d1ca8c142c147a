/* SPDX-License-Identifier: Apache-2.0
 *
 * UDP sockets as both halves want them: non-blocking, never fragmented, with large buffers, read and written in
 * batches.
 */
#ifndef KS_WIRE_UDP_H
#define KS_WIRE_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define KS_UDP_BUFFER (4 * 1024 * 1024)	/* bytes asked for in each direction; the kernel may give less */
#define KS_UDP_BATCH 32			/* datagrams per recvmmsg */
#define KS_UDP_DATAGRAM 2048		/* room for one; longer than any of ours, so that longer ones show */
#define KS_UDP_ROUNDS 16		/* batches read before other events get their turn */

union ks_udp_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct ks_udp {
	int fd;
	bool segments;	/* the kernel cuts long buffers into datagrams (UDP_SEGMENT): one way down for many */
};

/* Where a datagram of an unconnected socket goes to or came from, and which address of this machine it leaves from or
 * came to, so that an answer leaves from the address that was asked. */
struct ks_udp_route {
	union ks_udp_address peer;
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} local;
	uint32_t interface;	/* of a link-local `local`, else 0: routing chooses */
};

/* Opens a socket for AF_INET or AF_INET6; the latter takes IPv6 only. KS_EOK or -errno. */
int ks_udp_open(struct ks_udp *udp, int family);
void ks_udp_close(struct ks_udp *udp);

/* The route of every datagram that comes in is wanted, and of it the address here. Before bind(2). */
int ks_udp_want_routes(const struct ks_udp *udp, int family);

socklen_t ks_udp_address_len(const union ks_udp_address *address);

/* The port of an IPv4 or IPv6 address. */
uint16_t ks_udp_port(const struct sockaddr *address);

/* Sends datagrams of one length; `route` is NULL on a connected socket. Returns how many the network took, or -errno
 * when it took none: -EAGAIN, -EMSGSIZE (longer than the path is known to be wide), -ECONNREFUSED (of an earlier one:
 * these have not been tried). */
int ks_udp_send(struct ks_udp *udp, const struct ks_udp_route *route, const struct iovec *datagrams, size_t n);

struct ks_udp_batch;

struct ks_udp_arrival {
	const uint8_t *bytes;
	size_t len;
	struct ks_udp_route route;	/* with ks_udp_want_routes(), else zeros */
	bool routed;
	bool counted;
	uint32_t overflows;		/* when counted: datagrams that this socket's full buffer has lost so far */
};

struct ks_udp_batch *ks_udp_batch_new(void);
void ks_udp_batch_free(struct ks_udp_batch *batch);

/* Reads what is there, up to KS_UDP_BATCH datagrams; returns how many, or -errno. */
int ks_udp_receive(const struct ks_udp *udp, struct ks_udp_batch *batch);

/* One of them; lives until the next ks_udp_receive(). */
void ks_udp_arrived(const struct ks_udp_batch *batch, size_t number, struct ks_udp_arrival *arrival);

/* Random bytes, in the shape of the cores' ops. */
void ks_udp_random(void *ctx, void *out, size_t len);

#endif
