/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a packet is well-formed, by the RFCs and by what a TUN of Linux takes. Shares no code with the translator.
 */
#ifndef KS_TESTS_PACKET_FAULT_H
#define KS_TESTS_PACKET_FAULT_H

#include <linux/virtio_net.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_GSO_UDP_L4 5		/* older headers of Linux have no name for it */

/* How much is asked of it; each asks for what the one before it does too. */
enum packet_care {
	PACKET_IP,	/* IP headers, offload fields, ICMP errors */
	PACKET_LENGTHS,	/* transport headers, extensions, sizes of fragments */
	PACKET_ALL	/* transport checksums, where all that they cover is here */
};

/* NULL, or what is wrong with it. offload may be NULL: all is complete. */
const char *packet_fault(const uint8_t *bytes, size_t len, const struct virtio_net_hdr *offload,
			 enum packet_care care);

#endif
