/* SPDX-License-Identifier: Apache-2.0
 *
 * UDP sockets as both sides want them: non-blocking, never fragmented, with large buffers.
 */
#ifndef KS_WIRE_UDP_H
#define KS_WIRE_UDP_H

#include <stddef.h>
#include <stdint.h>

struct sockaddr;

#define KS_UDP_BUFFER (4 * 1024 * 1024)	/* bytes asked for in each direction; the kernel may give less */
#define KS_UDP_BATCH 32			/* datagrams per recvmmsg */
#define KS_UDP_DATAGRAM 2048		/* room for one; longer than any of ours, so that longer ones show */
#define KS_UDP_ROUNDS 16		/* batches read before other events get their turn */

/* A file descriptor for AF_INET or AF_INET6, or -errno. */
int ks_udp_socket(int family);

/* The port of an IPv4 or IPv6 address. */
uint16_t ks_udp_port(const struct sockaddr *address);

/* Random bytes, in the shape of the cores' ops. */
void ks_udp_random(void *ctx, void *out, size_t len);

#endif
