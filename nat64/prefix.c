/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/table.h"

#include <string.h>

#define OCTET_U 8	/* bits 64 to 71, zero in every such address (RFC 6052, section 2.2) */

static bool is_length(unsigned length)
{
	return length == 96 || (length >= 32 && length <= 64 && length % 8 == 0);
}

/* Not an address that RFC 7915, section 5.1 has dropped: unspecified, loopback, mapped, link-local, multicast. */
static bool is_unicast(const struct in6_addr *address)
{
	static const uint8_t zero[10];

	if (memcmp(address->s6_addr, zero, sizeof(zero)) == 0 &&
	    (memcmp(address->s6_addr + 10, "\0\0", 2) == 0 || memcmp(address->s6_addr + 10, "\xff\xff", 2) == 0))
		return false;
	return !IN6_IS_ADDR_LINKLOCAL(address) && !IN6_IS_ADDR_MULTICAST(address);
}

const char *ks_prefix_expected(const struct ks_prefix *prefix)
{
	if (!is_length(prefix->length))
		return "a prefix length of 32, 40, 48, 56, 64 or 96 (RFC 6052, section 2.2)";
	for (size_t i = prefix->length / 8; i < sizeof(prefix->address.s6_addr); i++)
		if (prefix->address.s6_addr[i] != 0)
			return "no bits behind the length of the prefix";
	if (prefix->address.s6_addr[OCTET_U] != 0)
		return "a prefix whose bits 64 to 71 are zero (RFC 6052, section 2.2)";
	if (!is_unicast(&prefix->address))
		return "a prefix of global addresses, such as 64:ff9b::/96 or one of your own network";
	return NULL;
}

/* The octet of the address in which the i-th of the four octets stands: octet "u" is stepped over. */
static size_t octet_at(const struct ks_prefix *prefix, size_t i)
{
	size_t at = prefix->length / 8 + i;

	return prefix->length <= 64 && at >= OCTET_U ? at + 1 : at;
}

void ks_prefix_embed(const struct ks_prefix *prefix, uint32_t v4, struct in6_addr *v6)
{
	*v6 = prefix->address;
	for (size_t i = 0; i < 4; i++)
		v6->s6_addr[octet_at(prefix, i)] = (uint8_t)(v4 >> (24 - 8 * i));
}

bool ks_prefix_extract(const struct ks_prefix *prefix, const struct in6_addr *v6, uint32_t *v4)
{
	uint32_t got = 0;

	if (prefix->length == 0 || memcmp(v6->s6_addr, prefix->address.s6_addr, prefix->length / 8) != 0)
		return false;
	for (size_t i = 0; i < 4; i++)
		got = got << 8 | v6->s6_addr[octet_at(prefix, i)];
	*v4 = got;
	return true;
}
