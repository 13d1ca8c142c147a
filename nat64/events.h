/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said in the log about packets that were dropped: a sample per reason, with addresses and ports, never one
 * line per packet. UDP without a checksum is the system management event of RFC 7915, section 4.5, and gets more
 * lines, since each sender is one to be mended.
 *
 * Packets that no router has sent here (to a multicast address, or from an IPv6 address of the link) are this
 * machine's own: what its kernel says on any device, such as multicast listener reports and router solicitations.
 * Nothing is wrong then, so they are for the debug log.
 *
 * One thread; a zeroed struct is ready.
 */
#ifndef KS_NAT64_EVENTS_H
#define KS_NAT64_EVENTS_H

#include "lib/base/bucket.h"
#include "lib/base/log.h"
#include "nat64/drop.h"

#include <stddef.h>
#include <stdint.h>

#define KS_EVENTS_EACH_US (10 * INT64_C(1000000))	/* for UDP without a checksum one more each while … */
#define KS_EVENTS_BURST 5				/* … after so many at once */

struct ks_events {
	struct ks_log_gate gates[KS_XLAT_DROPS], own_gate;	/* own: of this machine */
	struct ks_bucket zero_udp;
	uint64_t zero_udp_held;
};

void ks_events_drop(struct ks_events *events, int64_t mono_us, enum ks_xlat_drop why, const uint8_t *packet,
		    size_t len);

#endif
