/* SPDX-License-Identifier: Apache-2.0
 *
 * Large packets that are still to be cut, and who cuts them: in software, with complete checksums, by the RFCs of TCP
 * and UDP and not by the translator's code.
 */
#ifndef KS_TESTS_GSO_H
#define KS_TESTS_GSO_H

#include <linux/virtio_net.h>

#include "tests/unit/packets.h"

/* Leaves the checksum of a whole TCP or UDP packet to whoever takes it: its field gets the sum of the pseudo-header. */
void gso_leave(const struct wire *packet, struct wire *left, struct virtio_net_hdr *offload);
/* The same, to be cut so that each has `size` bytes of data. */
void gso_make(const struct wire *packet, unsigned size, struct wire *large, struct virtio_net_hdr *offload);

/* The i-th packet on the wire, complete; false: there is none. A packet without GSO is its own first. */
bool gso_cut(const uint8_t *bytes, size_t len, const struct virtio_net_hdr *offload, unsigned i, struct wire *segment);

#endif
