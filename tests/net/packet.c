/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/net/packet.h"

#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#define IP4_HEADER 20
#define IP6_HEADER 40
#define ICMP_HEADER 8
#define QUOTE4_MAX (576 - IP4_HEADER - ICMP_HEADER)	/* RFC 1812 section 4.3.2.3 */
#define TTL 64
#define IP4_DF 0x4000
#define IP4_OFFSET 0x1fff

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* --- checksums (RFC 1071) --------------------------------------------------------------------- */

static uint32_t sum_bytes(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += get16(bytes + i);
	if (len % 2 == 1)
		sum += (uint32_t)bytes[len - 1] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

uint16_t packet_checksum(const uint8_t *packet, size_t header, uint8_t protocol, size_t len)
{
	uint32_t sum = 0;

	if (protocol != IPPROTO_ICMP) {
		bool v6 = packet[0] >> 4 == 6;

		sum = sum_bytes(sum, packet + (v6 ? 8 : 12), v6 ? 32 : 8);
		sum += protocol + (uint32_t)(len - header);
	}
	return fold(sum_bytes(sum, packet + header, len - header));
}

/* --- where things are ------------------------------------------------------------------------- */

struct parts {
	size_t header;		/* of IP */
	uint8_t protocol;	/* of what is behind it; 0 for a fragment that does not begin with it */
	size_t checksum;	/* offset behind the header; 0: none known */
	size_t payload;		/* the same */
};

static bool find_parts(const uint8_t *packet, size_t len, struct parts *parts)
{
	*parts = (struct parts) { 0 };
	if (len >= IP4_HEADER && packet[0] >> 4 == 4) {
		parts->header = (size_t)(packet[0] & 15) * 4;
		parts->protocol = (get16(packet + 6) & IP4_OFFSET) == 0 ? packet[9] : 0;
	} else if (len >= IP6_HEADER && packet[0] >> 4 == 6) {
		parts->header = IP6_HEADER;
		parts->protocol = packet[6];
	}
	if (parts->header < IP4_HEADER || parts->header >= len)
		return false;
	switch (parts->protocol) {
	case IPPROTO_UDP: parts->checksum = 6; parts->payload = 8; break;
	case IPPROTO_TCP: parts->checksum = 16; parts->payload = 20; break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6: parts->checksum = 2; parts->payload = ICMP_HEADER; break;
	default: break;
	}
	if (parts->header + parts->payload >= len)
		parts->checksum = parts->payload = 0;
	return true;
}

/* The 16 bits that a checksum adds up at an even place; a last byte stands alone. */
static uint16_t word_at(const uint8_t *packet, size_t at, size_t len)
{
	return at + 1 < len ? get16(packet + at) : (uint16_t)(packet[at] << 8);
}

/* Makes the checksum fit again after a word has changed (RFC 1624, equation 3). */
static void mend_checksum(uint8_t *packet, const struct parts *parts, uint16_t before, uint16_t after)
{
	uint8_t *checksum = packet + parts->header + parts->checksum;

	if (parts->checksum == 0 || (parts->protocol == IPPROTO_UDP && get16(checksum) == 0))
		return;
	put16(checksum, fold((uint32_t)(uint16_t)~get16(checksum) + (uint16_t)~before + after));
	if (parts->protocol == IPPROTO_UDP && get16(checksum) == 0)
		put16(checksum, 0xffff);
}

void packet_shift_port(uint8_t *packet, size_t len, bool source, uint16_t by)
{
	struct parts parts;
	uint8_t *port;
	uint16_t before;

	if (!find_parts(packet, len, &parts) || parts.protocol != IPPROTO_UDP || parts.checksum == 0)
		return;
	port = packet + parts.header + (source ? 0 : 2);
	before = get16(port);
	put16(port, (uint16_t)(before + by));
	mend_checksum(packet, &parts, before, get16(port));
}

void packet_corrupt(uint8_t *packet, size_t len, uint32_t place, bool mend)
{
	struct parts parts;
	size_t first, at, word;
	uint16_t before;

	if (!find_parts(packet, len, &parts))
		return;
	first = parts.header + (mend ? parts.payload : 0);
	at = first + place / 8 % (len - first);
	word = at - (at - parts.header) % 2;
	before = word_at(packet, word, len);
	packet[at] ^= (uint8_t)(1 << place % 8);
	if (mend)
		mend_checksum(packet, &parts, before, word_at(packet, word, len));
}

/* --- too big ---------------------------------------------------------------------------------- */

static bool ip4_may_be_answered(const uint8_t *packet)
{
	size_t header = (size_t)(packet[0] & 15) * 4;
	const uint8_t *source = packet + 12, *target = packet + 16;

	if ((get16(packet + 6) & IP4_DF) == 0 || (get16(packet + 6) & IP4_OFFSET) != 0)
		return false;
	if (source[0] == 0 || source[0] == 127 || source[0] >= 224 || target[0] >= 224)
		return false;
	return packet[9] != IPPROTO_ICMP || packet[header] == ICMP_ECHO || packet[header] == ICMP_ECHOREPLY;
}

static size_t too_big4(const uint8_t *packet, size_t len, size_t mtu, const struct packet_router *router, uint8_t *out)
{
	size_t quote = len < QUOTE4_MAX ? len : QUOTE4_MAX, total = IP4_HEADER + ICMP_HEADER + quote;
	uint8_t *icmp = out + IP4_HEADER;

	if (!ip4_may_be_answered(packet))
		return 0;
	memset(out, 0, IP4_HEADER + ICMP_HEADER);
	out[0] = 0x45;
	out[1] = 0xc0;	/* internetwork control, as RFC 1812 section 4.3.2.5 wants for errors */
	put16(out + 2, total);
	out[8] = TTL;
	out[9] = IPPROTO_ICMP;
	memcpy(out + 12, router->v4.s_addr != 0 ? (const uint8_t *)&router->v4 : packet + 16, 4);
	memcpy(out + 16, packet + 12, 4);
	put16(out + 10, fold(sum_bytes(0, out, IP4_HEADER)));
	icmp[0] = ICMP_UNREACH;
	icmp[1] = ICMP_UNREACH_NEEDFRAG;
	put16(icmp + 6, mtu);
	memcpy(icmp + ICMP_HEADER, packet, quote);
	put16(icmp + 2, packet_checksum(out, IP4_HEADER, IPPROTO_ICMP, total));
	return total;
}

static bool ip6_may_be_answered(const uint8_t *packet)
{
	static const uint8_t unspecified[16];
	const uint8_t *source = packet + 8;

	/* Too big is answered even when it goes to a multicast group (RFC 4443 section 2.4 e). */
	if (source[0] == 0xff || memcmp(source, unspecified, sizeof(unspecified)) == 0)
		return false;
	return packet[6] != IPPROTO_ICMPV6 || (packet[IP6_HEADER] & ICMP6_INFOMSG_MASK) != 0;
}

static size_t too_big6(const uint8_t *packet, size_t len, size_t mtu, const struct packet_router *router, uint8_t *out)
{
	size_t room = PACKET_TOO_BIG_MAX - IP6_HEADER - ICMP_HEADER, quote = len < room ? len : room;
	size_t total = IP6_HEADER + ICMP_HEADER + quote;
	uint8_t *icmp = out + IP6_HEADER;
	const uint8_t *from = IN6_IS_ADDR_UNSPECIFIED(&router->v6) ? packet + 24 : router->v6.s6_addr;

	if (!ip6_may_be_answered(packet) || from[0] == 0xff)
		return 0;
	memset(out, 0, IP6_HEADER + ICMP_HEADER);
	out[0] = 0x60;
	put16(out + 4, ICMP_HEADER + quote);
	out[6] = IPPROTO_ICMPV6;
	out[7] = TTL;
	memcpy(out + 8, from, 16);
	memcpy(out + 24, packet + 8, 16);
	icmp[0] = ICMP6_PACKET_TOO_BIG;
	put16(icmp + 6, mtu);
	memcpy(icmp + ICMP_HEADER, packet, quote);
	put16(icmp + 2, packet_checksum(out, IP6_HEADER, IPPROTO_ICMPV6, total));
	return total;
}

size_t packet_too_big(const uint8_t *packet, size_t len, size_t mtu, const struct packet_router *router,
		      uint8_t out[PACKET_TOO_BIG_MAX])
{
	struct parts parts;

	if (!find_parts(packet, len, &parts))
		return 0;
	return packet[0] >> 4 == 4 ? too_big4(packet, len, mtu, router, out) : too_big6(packet, len, mtu, router, out);
}
