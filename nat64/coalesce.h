/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets of one flow that follow each other, made one large packet for the kernel (GRO on the way out): one write
 * and one way through the kernel's forwarding instead of up to 64. The kernel cuts it again (GSO) at the device that
 * it leaves by, into what went in here: every byte that a receiver sees is the same, but for the IPv4
 * identification.
 *
 * TCP: the rules of Linux's GRO (net/ipv4/tcp_offload.c): same addresses, ports, TOS, TTL, flow label, options,
 * window and acknowledgement, consecutive sequence numbers, no flag but ACK, ECE, and on the last one PSH and FIN.
 * UDP: same addresses and ports. Of both: equal sizes, the last may be shorter; checksums are verified before, or
 * are the kernel's to complete.
 *
 * The IPv4 identification is not asked to count up, as GRO does of packets without DF, where cutting will count from
 * that of the first: these numbers are the translator's own (RFC 7915, section 5.1), and fragments, whose number is
 * not, are never merged. A run from a random beginning is as good as random ones (RFC 6864).
 *
 * Pure: no I/O, no allocation, no clock. One thread.
 */
#ifndef KS_NAT64_COALESCE_H
#define KS_NAT64_COALESCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "nat64/packet.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4	/* in the headers of Linux 6.2 */
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#define KS_COALESCE_FLOWS 16
#define KS_COALESCE_SEGMENTS 64		/* UDP_MAX_SEGMENTS of kernels before 6.11 */
#define KS_COALESCE_BYTES 65000		/* of a large packet, headers included */
#define KS_COALESCE_HEADER_MAX 100	/* IPv6, and TCP with all its options */

struct ks_coalesce_train {
	unsigned n;			/* packets in it; 0: free */
	uint8_t version, protocol;
	bool checked;			/* the first one's checksum */
	uint8_t last_flags;		/* of TCP, which only the last may have */
	struct ks_packet first;
	size_t l4, header;		/* where the transport header begins, and where it ends */
	size_t size, total;		/* payload of the first, of all */
	uint32_t next_seq;
	uint8_t headers[KS_COALESCE_HEADER_MAX];	/* the first one's, as they go out */
	struct virtio_net_hdr offload;
	struct iovec iov[2 + KS_COALESCE_SEGMENTS];	/* virtio header, headers, payloads */
};

struct ks_coalesce {
	bool tcp, udp;			/* whether they are merged */
	/* Takes one packet: iov[0] is its struct virtio_net_hdr, the rest are its bytes; valid during the call. */
	void (*send)(void *ctx, const struct iovec *iov, unsigned n);
	void *ctx;
	uint64_t trains, merged;	/* large packets that were made, and of how many (read relaxed) */
	struct ks_coalesce_train flows[KS_COALESCE_FLOWS];
	unsigned next;			/* the flow that gives way when all are taken */
};

void ks_coalesce_init(struct ks_coalesce *coalesce, bool tcp, bool udp,
		      void (*send)(void *ctx, const struct iovec *iov, unsigned n), void *ctx);

/* A packet to be sent. lasting: its bytes stay as they are until ks_coalesce_flush(); one that does not is sent before
 * this returns. What is sent of one flow, and of two hosts what is neither plain TCP nor UDP, keeps its order. */
void ks_coalesce_packet(struct ks_coalesce *coalesce, const struct ks_packet *packet, bool lasting);

/* Sends what is still held. */
void ks_coalesce_flush(struct ks_coalesce *coalesce);

#endif
