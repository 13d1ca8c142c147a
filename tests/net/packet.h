/* SPDX-License-Identifier: Apache-2.0
 *
 * IP packets as a TUN device gives them: what the link emulator has to know of them.
 */
#ifndef TESTS_NET_PACKET_H
#define TESTS_NET_PACKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_MAX 65535
#define PACKET_TOO_BIG_MAX 1280	/* bytes of an answer to a packet that is too big */

/* Turns one bit behind the IP header over, chosen by `place`; with `mend`, one of the payload, and the checksum of UDP,
 * TCP or ICMP is made to fit as a broken router's would. */
void packet_corrupt(uint8_t *packet, size_t len, uint32_t place, bool mend);

/* Adds to the source (or destination) port of a UDP packet, as a NAT would; leaves others alone. */
void packet_shift_port(uint8_t *packet, size_t len, bool source, uint16_t by);

/* Where answers come from; all zeros: from where the packet wanted to go. */
struct packet_router {
	struct in_addr v4;
	struct in6_addr v6;
};

/* The answer to a packet that does not fit: ICMP "fragmentation needed" (RFC 792, RFC 1191) or ICMPv6 "packet too big"
 * (RFC 4443 section 3.2), as a whole packet. Returns its length, 0 when none may be sent: to an ICMP error, to what did
 * not come from one host or goes to many, and for IPv4 without DF. */
size_t packet_too_big(const uint8_t *packet, size_t len, size_t mtu, const struct packet_router *router,
		      uint8_t out[PACKET_TOO_BIG_MAX]);

/* The ones' complement sum of a pseudo header and the bytes behind it: 0 when the checksum among them is right. */
uint16_t packet_checksum(const uint8_t *packet, size_t header, uint8_t protocol, size_t len);

#endif
