/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a datagram came from or goes to, in whatever form the network underneath has (lib/wire/node.c: sockets and
 * addresses; the simulator: numbers). The cores keep it, compare it and hand it back.
 */
#ifndef KS_WIRE_ENDPOINT_H
#define KS_WIRE_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define KS_ENDPOINT_MAX 88

struct ks_endpoint {
	uint8_t bytes[KS_ENDPOINT_MAX];
	uint8_t len;
	uint8_t peer_len;	/* the first of these bytes are the other side's address; the rest is our side of the path */
};

static inline bool ks_endpoint_equal(const struct ks_endpoint *a, const struct ks_endpoint *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* The same other side, whichever way it is reached; one that is not known is nobody's. */
static inline bool ks_endpoint_same_peer(const struct ks_endpoint *a, const struct ks_endpoint *b)
{
	return a->len > 0 && a->peer_len == b->peer_len && memcmp(a->bytes, b->bytes, a->peer_len) == 0;
}

#endif
