/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets on their way, in the order of their arrival.
 */
#ifndef TESTS_NET_FLIGHT_H
#define TESTS_NET_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLIGHT_BYTES_MAX ((size_t)256 * 1024 * 1024)

struct flight_packet {
	size_t len;
	int direction;
	uint8_t bytes[];
};

struct flight_entry {
	int64_t at_ns;
	uint64_t order;		/* of their coming; breaks ties */
	struct flight_packet *packet;
};

struct flight {
	struct flight_entry *heap;
	size_t n, room, bytes;
	uint64_t order;
};

void flight_free(struct flight *flight);

/* Copies a packet. False when there is no room for it. */
bool flight_add(struct flight *flight, int direction, const uint8_t *bytes, size_t len, int64_t at_ns);

/* When the next one arrives, INT64_MAX when there is none. */
int64_t flight_next_ns(const struct flight *flight);

/* Takes the next one out, for the caller to free(); NULL when there is none. */
struct flight_packet *flight_take(struct flight *flight);

#endif
