/* SPDX-License-Identifier: Apache-2.0
 *
 * One line for the eyes of an operator about what a packet's headers say. Any bytes may be given.
 */
#ifndef KS_NAT64_DESCRIBE_H
#define KS_NAT64_DESCRIBE_H

#include <stddef.h>
#include <stdint.h>

#define KS_DESCRIBE_MAX 256

/* "198.51.100.7:4000 > 192.0.2.1:53 UDP, 60 bytes, TTL 63, TOS 0". Returns text. */
const char *ks_describe(char text[KS_DESCRIBE_MAX], const uint8_t *packet, size_t len);

#endif
