/* SPDX-License-Identifier: Apache-2.0
 *
 * A network and a clock that exist in memory only, with one sender and one receiver of lib/wire on them. All chance
 * comes from one seed, so that every run is the same. Time moves from event to event.
 */
#ifndef KS_TESTS_WIRE_WORLD_H
#define KS_TESTS_WIRE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/clock.h"
#include "lib/wire/receiver.h"
#include "lib/wire/sender.h"

enum world_direction { WORLD_DOWN, WORLD_UP };	/* to the receiver, to the sender */

struct world_packet {
	int64_t at_us;
	uint64_t order;		/* of sending; breaks ties */
	enum world_direction direction;
	size_t len;
	uint8_t bytes[KS_DATAGRAM_MAX];
};

struct world {
	/* The network; may be changed at any time. In parts per million. */
	uint32_t loss_ppm, duplicate_ppm, corrupt_ppm;
	int64_t delay_us, jitter_us;
	bool refuse;		/* nobody listens at the receiver's port */
	bool too_long;		/* datagrams above 1024 bytes do not fit the path */

	struct ks_psk key;
	struct ks_clock clock;
	int64_t now_us;
	uint64_t random_state;
	uint64_t order;
	struct world_packet **packets;	/* a heap by time */
	size_t n_packets, room;

	struct ks_sender *sender;	/* NULL: not running */
	struct ks_receiver *receiver;
	int64_t sender_due_us, receiver_due_us;
	size_t peer;

	/* What is delivered and what crosses the network, for the test to look at. */
	void (*deliver)(struct world *world, const uint8_t *bytes, size_t len);
	void (*watch)(struct world *world, enum world_direction direction, const uint8_t *bytes, size_t len);
	uint64_t sent[2], sent_bytes[2];
};

void world_init(struct world *world, uint64_t seed);
void world_free(struct world *world);

uint32_t world_random(struct world *world);

void world_start_sender(struct world *world, const struct ks_sender_settings *settings);
void world_stop_sender(struct world *world);
void world_start_receiver(struct world *world);
void world_stop_receiver(struct world *world);

/* Sends random bytes as an object; the first eight say which. */
void world_send_object(struct world *world, uint32_t epoch, uint32_t seq, int64_t period_us, const uint8_t *bytes,
		       size_t len);

/* Puts a datagram on the network as if one of the two had sent it; it is subject to the network's faults. */
void world_put(struct world *world, enum world_direction direction, const uint8_t *bytes, size_t len);

/* Runs until a moment. */
void world_run(struct world *world, int64_t until_us);

#endif
