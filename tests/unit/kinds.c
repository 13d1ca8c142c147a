/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/kinds.h"

#include "tests/unit/core.h"

static struct wire part, quoted;

static void error_of(bool v6, bool extended)
{
	struct ip about = v6 ? core_out6(IP(0)) : core_out4(IP(0));
	size_t bytes = extended ? 128 : 200;

	wire_udp(&part, 300);
	wire_packet(&quoted, &about, &part);
	if (v6)
		wire_error(&part, 3, 0, extended ? 128 / 8 << 24 : 0, &quoted, bytes, extended ? 16 : 0);
	else
		wire_error(&part, 11, 0, extended ? 128 / 4 << 16 : 0, &quoted, bytes, extended ? 16 : 0);
}

static struct ip kind4(unsigned kind)
{
	static const uint8_t options[8] = { 0x83, 7, 8, 1, 2, 3, 4, 0 };

	wire_udp(&part, 60);
	switch (kind) {
	case 0: return IP(0);
	case 1: wire_tcp(&part, 60); return IP(.protocol = TCP, .df = true);
	case 2: wire_echo(&part, 8, 60); return IP(.protocol = ICMP4);
	case 3: error_of(false, false); return IP(.protocol = ICMP4);
	case 4: error_of(false, true); return IP(.protocol = ICMP4);
	case 5: return IP(.options = options, .n_options = 8);
	case 6: wire_data(&part, 64); return IP(.more = true, .offset = 64);
	case 7: wire_udp(&part, 1400); return IP(.id = 77);
	case 8: wire_udp(&part, 1500); return IP(.df = true);
	case 9: return IP(.ttl = 1);
	default: wire_echo(&part, 8, 60); return IP(.protocol = ICMP4, .dst = SELF4);
	}
}

static struct ip kind6(unsigned kind)
{
	static const uint8_t extensions[] = { HOP_BY_HOP, ROUTING, DESTINATION };

	wire_udp(&part, 60);
	switch (kind) {
	case 0: return IP(0);
	case 1: wire_tcp(&part, 60); return IP(.protocol = TCP);
	case 2: wire_echo(&part, 128, 60); return IP(.protocol = ICMP6);
	case 3: error_of(true, false); return IP(.protocol = ICMP6);
	case 4: error_of(true, true); return IP(.protocol = ICMP6);
	case 5: return IP(.extensions = extensions, .n_extensions = 3);
	case 6: wire_data(&part, 64); return IP(.more = true, .offset = 64);
	case 7: return IP(.dst = OTHER6_BY_PREFIX);
	case 8: wire_udp(&part, 1500); return IP(0);
	case 9: return IP(.src = INTRA66, .dst = STRANGER6);
	default: error_of(true, true); return IP(.protocol = ICMP6, .src = STRANGER6);
	}
}

void kind_make(unsigned kind, struct wire *packet)
{
	struct ip ip = kind < KINDS / 2 ? core_in4(kind4(kind)) : core_in6(kind6(kind - KINDS / 2));

	wire_packet(packet, &ip, &part);
}
