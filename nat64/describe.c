/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/describe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "nat64/bytes.h"

#define ENDPOINT_MAX (INET6_ADDRSTRLEN + 8)
#define PART_MAX 64

static void endpoint(char text[ENDPOINT_MAX], int family, const uint8_t *address, const uint8_t *port)
{
	char name[INET6_ADDRSTRLEN] = "?";

	inet_ntop(family, address, name, sizeof(name));
	if (port == NULL)
		snprintf(text, ENDPOINT_MAX, "%s", name);
	else
		snprintf(text, ENDPOINT_MAX, family == AF_INET6 ? "[%s]:%u" : "%s:%u", name, ks_get16(port));
}

static void transport(char text[PART_MAX], uint8_t protocol, const uint8_t *l4, size_t len, bool later)
{
	if (later)
		snprintf(text, PART_MAX, "protocol %u, a later fragment", protocol);
	else if (protocol == IPPROTO_TCP)
		snprintf(text, PART_MAX, "TCP");
	else if (protocol == IPPROTO_UDP)
		snprintf(text, PART_MAX, "UDP");
	else if ((protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) && len >= 2)
		snprintf(text, PART_MAX, "ICMP%s %u/%u", protocol == IPPROTO_ICMP ? "" : "v6", l4[0], l4[1]);
	else
		snprintf(text, PART_MAX, "protocol %u", protocol);
}

static const char *describe(char text[KS_DESCRIBE_MAX], const uint8_t *ip, size_t len, size_t at, bool later)
{
	bool six = ip[0] >> 4 == 6;
	uint8_t protocol = six ? ip[6] : ip[9];
	size_t size = six ? 8 : 12, address = six ? 16 : 4;
	char from[ENDPOINT_MAX], to[ENDPOINT_MAX], what[PART_MAX];
	bool ports;

	if (six && protocol == IPPROTO_FRAGMENT && len >= at + 8) {
		protocol = ip[at];
		later = (ks_get16(ip + at + 2) & 0xfff8) != 0;
		at += 8;
	}
	ports = !later && (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) && len >= at + 4;
	endpoint(from, six ? AF_INET6 : AF_INET, ip + size, ports ? ip + at : NULL);
	endpoint(to, six ? AF_INET6 : AF_INET, ip + size + address, ports ? ip + at + 2 : NULL);
	transport(what, protocol, ip + at, len > at ? len - at : 0, later);
	snprintf(text, KS_DESCRIBE_MAX, "%s > %s %s, %u bytes, %s %u, %s %u", from, to, what,
		 six ? 40U + ks_get16(ip + 4) : ks_get16(ip + 2), six ? "hop limit" : "TTL", six ? ip[7] : ip[8],
		 six ? "class" : "TOS", six ? (ks_get16(ip) >> 4 & 0xffU) : ip[1]);
	return text;
}

const char *ks_describe(char text[KS_DESCRIBE_MAX], const uint8_t *packet, size_t len)
{
	if (len >= 20 && packet[0] >> 4 == 4)
		return describe(text, packet, len, (size_t)(packet[0] & 15) * 4, (ks_get16(packet + 6) & 0x1fff) != 0);
	if (len >= 40 && packet[0] >> 4 == 6)
		return describe(text, packet, len, 40, false);
	snprintf(text, KS_DESCRIBE_MAX, "%zu bytes that are no IP packet", len);
	return text;
}
