/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* One to three digits, and no more than most. */
static bool parse_length(const char *text, unsigned most, uint8_t *length)
{
	unsigned value = 0;
	size_t n = strlen(text);

	if (n < 1 || n > 3 || strspn(text, "0123456789") != n)
		return false;
	for (; *text != '\0'; text++)
		value = value * 10 + (unsigned)(*text - '0');
	*length = (uint8_t)value;
	return value <= most;
}

static bool parse(int family, const char *text, void *address, unsigned most, uint8_t *length, uint8_t otherwise)
{
	const char *slash = strchr(text, '/');
	char alone[INET6_ADDRSTRLEN];
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);

	if (len >= sizeof(alone) || (slash != NULL && otherwise == KS_LENGTH_NONE))
		return false;
	memcpy(alone, text, len);
	alone[len] = '\0';
	*length = otherwise;
	if (slash != NULL && !parse_length(slash + 1, most, length))
		return false;
	return inet_pton(family, alone, address) == 1;
}

bool ks_address4_parse(const char *text, uint32_t *v4, uint8_t *length, uint8_t otherwise)
{
	struct in_addr address;

	if (!parse(AF_INET, text, &address, 32, length, otherwise))
		return false;
	*v4 = ntohl(address.s_addr);
	return true;
}

bool ks_address6_parse(const char *text, struct in6_addr *v6, uint8_t *length, uint8_t otherwise)
{
	return parse(AF_INET6, text, v6, 128, length, otherwise);
}

static const char *print(int family, const void *address, unsigned length, unsigned one, char text[KS_PREFIX_TEXT_MAX])
{
	size_t len;

	inet_ntop(family, address, text, INET6_ADDRSTRLEN);
	len = strlen(text);
	if (length != one)
		snprintf(text + len, KS_PREFIX_TEXT_MAX - len, "/%u", length);
	return text;
}

const char *ks_address4_print(uint32_t v4, unsigned length, char text[KS_PREFIX_TEXT_MAX])
{
	struct in_addr address = { htonl(v4) };

	return print(AF_INET, &address, length, 32, text);
}

const char *ks_address6_print(const struct in6_addr *v6, unsigned length, char text[KS_PREFIX_TEXT_MAX])
{
	return print(AF_INET6, v6, length, 128, text);
}

bool ks_address4_usable(uint32_t v4)
{
	return v4 >> 24 != 0 && v4 >> 24 != 127 && v4 >> 28 < 14;
}

bool ks_address6_usable(const struct in6_addr *v6)
{
	return !IN6_IS_ADDR_UNSPECIFIED(v6) && !IN6_IS_ADDR_LOOPBACK(v6) && !IN6_IS_ADDR_MULTICAST(v6) &&
	       !IN6_IS_ADDR_LINKLOCAL(v6) && !IN6_IS_ADDR_V4MAPPED(v6);
}
