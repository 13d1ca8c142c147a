/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses and prefixes as text: "192.0.2.1", "192.0.2.0/24", "2001:db8::1", "2001:db8::/32". IPv4 addresses are
 * numbers in host order.
 */
#ifndef KS_NAT64_ADDRESS_H
#define KS_NAT64_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define KS_PREFIX_TEXT_MAX (INET6_ADDRSTRLEN + 4)

/* False when it is none. Without a length it is `otherwise`; 0xff there: none may be given. */
bool ks_address4_parse(const char *text, uint32_t *v4, uint8_t *length, uint8_t otherwise);
bool ks_address6_parse(const char *text, struct in6_addr *v6, uint8_t *length, uint8_t otherwise);
#define KS_LENGTH_NONE 0xff

/* With the length, unless it is that of one address. Returns text. */
const char *ks_address4_print(uint32_t v4, unsigned length, char text[KS_PREFIX_TEXT_MAX]);
const char *ks_address6_print(const struct in6_addr *v6, unsigned length, char text[KS_PREFIX_TEXT_MAX]);

/* One that a packet may come from and go to (RFC 7915, sections 4.1 and 5.1; no multicast, nothing of this host). */
bool ks_address4_usable(uint32_t v4);
bool ks_address6_usable(const struct in6_addr *v6);

#endif
