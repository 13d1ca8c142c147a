/* SPDX-License-Identifier: Apache-2.0
 *
 * A packet on its way through the translator: an IP packet and what the kernel has left to be done to it, as a TUN with
 * IFF_VNET_HDR gives and takes it (virtio 1.1, section 5.1.6, struct virtio_net_hdr; numbers in the host's order).
 */
#ifndef KS_NAT64_PACKET_H
#define KS_NAT64_PACKET_H

#include <linux/virtio_net.h>
#include <stddef.h>
#include <stdint.h>

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4	/* headers older than Linux 6.2 */
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#define KS_PACKET_MAX 65535		/* of IPv4, and of IPv6 without a jumbo payload but for its header */
#define KS_PACKET_HEADROOM 128		/* bytes in front of each packet that is given to the core: it may use them */
#define KS_PACKET_ROOM (KS_PACKET_MAX + 40)

struct ks_packet {
	uint8_t *data;			/* its IP header */
	size_t len;
	struct virtio_net_hdr offload;	/* all zero: a plain packet whose checksums are complete */
};

/* How many packets it is on the wire: above 1 only for one that is still to be cut (GSO). */
unsigned ks_packet_segments(const struct ks_packet *packet);

#endif
