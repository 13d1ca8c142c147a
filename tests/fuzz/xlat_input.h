/* SPDX-License-Identifier: Apache-2.0
 *
 * What an input of fuzz_xlat is: this, then a packet.
 */
#ifndef KS_TESTS_XLAT_INPUT_H
#define KS_TESTS_XLAT_INPUT_H

#include <stdint.h>

enum {
	XLAT_ZERO = 0x03,		/* enum ks_udp_zero, modulo 3 */
	XLAT_HAIRPIN = 0x0c,		/* enum ks_hairpin, modulo 3 */
	XLAT_NO_PREFIX = 0x10,
	XLAT_POOLS = 0x20,
	XLAT_NAMES = 0x40,		/* interface_object */
	XLAT_TOS = 0x80			/* forced */
};

enum {
	XLAT_LENGTHS = 0x01,		/* the IP header's lengths and its checksum are made right */
	XLAT_SUMS = 0x02,		/* the transport's checksum too, or what is left of it */
	XLAT_CUT = 0x04,		/* all shorter packets too */
	XLAT_OFFLOAD = 0x08,		/* there are offload fields */
	XLAT_WELL_KNOWN = 0x10		/* the prefix is 64:ff9b::/96 */
};

struct xlat_input {
	uint8_t settings, how;
	uint8_t mtu;			/* index of mtu4, of mtu6, of lowest_ipv6_mtu: two bits each */
	uint8_t more;			/* so many times 256 bytes are added to the packet */
	uint8_t flags, gso_type;	/* offload; 16-bit numbers, high byte first */
	uint8_t hdr_len[2], gso_size[2], csum_start[2], csum_offset[2];
};

#endif
