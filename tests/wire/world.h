/* SPDX-License-Identifier: Apache-2.0
 *
 * A network and clocks that exist in memory only, with up to WORLD_NODES_MAX programs on it that run the very code of
 * lib/wire: each may have a sender, a receiver or both. All chance comes from one seed, so that every run is the same.
 * Time moves from event to event. Failures of the simulation itself (no memory) end the program.
 */
#ifndef KS_TESTS_WIRE_WORLD_H
#define KS_TESTS_WIRE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/clock.h"
#include "lib/wire/receiver.h"
#include "lib/wire/sender.h"

#define WORLD_NODES_MAX 16
#define WORLD_NAMES_MAX 4	/* channels; renditions of each */
#define WORLD_SOURCES_MAX 16
#define WORLD_QUEUE_US (200 * KS_US_PER_MS)	/* what waits longer for a path's rate is lost */

/* The way of datagrams from one node to another. May be changed at any time; *_ppm are parts per million. */
struct world_path {
	uint32_t loss_ppm;	/* on the average */
	int64_t burst_us;	/* 0: each datagram by itself; else all for a while, this long on the average */
	int64_t delay_us;
	int64_t jitter_us;	/* up to this much more, evenly */
	uint32_t reorder_ppm;	/* of the datagrams take reorder_us more */
	int64_t reorder_us;
	uint32_t duplicate_ppm, corrupt_ppm;
	size_t mtu;		/* bytes of UDP payload; 0: any */
	bool mtu_silent;	/* too long: lost, and nobody says so */
	uint64_t rate;		/* bytes of payload per second; 0: any */
	bool down;		/* nothing passes */
	bool refuse;		/* nothing passes, and the one who sent it hears so */

	uint64_t datagrams, bytes;	/* handed to it */
	uint64_t lost;			/* of these, for any reason */

	int64_t turns_us, free_us;	/* state */
	bool black;
};

/* What one node sends, checks and passes on as a frame: a header in front of bytes that follow from it. */
struct world_object {
	uint32_t epoch, seq;
	uint8_t channel, rendition, source;	/* "channel0", "r0" … */
	uint32_t period_ms;
	uint32_t len;			/* bytes, at least sizeof(struct world_object) */
	int64_t sent_us;		/* monotonic, by its source */
};

struct world_node {
	struct world *world;
	size_t number;
	char name[KS_RELAY_NAME_MAX + 1];
	struct ks_psk key;		/* its own: for parents that were told of it, and accepted by its receiver */
	struct ks_master master;	/* accepted by its sender: for relays that come by themselves */
	int64_t wall_offset_us;		/* its clock is wrong by this much; may step */
	uint8_t port;			/* part of its address; when it changes, what goes to the old one is lost */

	struct ks_sender *sender;	/* NULL: not running */
	struct ks_receiver *receiver;
	uint8_t instance[KS_INSTANCE_SIZE];

	/* Whom it is told of; kept over a restart. The numbers are the handles of the running half. */
	bool relay[WORLD_NODES_MAX], blind[WORLD_NODES_MAX], parent[WORLD_NODES_MAX];
	size_t relay_number[WORLD_NODES_MAX], parent_number[WORLD_NODES_MAX];

	bool forwards;		/* passes on what it gets */
	bool poisons;		/* and falsifies it */

	/* What it got. The same again is no mistake of a relay that was started anew. */
	uint64_t delivered, again, wrong, backwards;
	struct ks_frame_id last[WORLD_NAMES_MAX][WORLD_NAMES_MAX][WORLD_SOURCES_MAX];
	struct ks_clock clock;
};

struct world_packet;

struct world {
	int64_t now_us;		/* monotonic, the same for all */
	struct world_node nodes[WORLD_NODES_MAX];
	struct world_path paths[WORLD_NODES_MAX][WORLD_NODES_MAX];	/* [from][to] */

	/* For the test; each may be NULL. `deliver` is called with objects that have been checked and counted; when it
	 * returns false, as for one that is wrong, the receiver hears that no source signed it. `watch` sees every
	 * datagram that is handed to the network. */
	bool (*deliver)(struct world *world, size_t node, const struct world_object *object, uint8_t hops);
	void (*head)(struct world *world, size_t node, const uint8_t manifest[KS_HEAD_BODY]);
	void (*watch)(struct world *world, size_t from, size_t to, const uint8_t *bytes, size_t len);
	void *ctx;

	uint64_t random_state, order;
	int64_t due_us[WORLD_NODES_MAX][2];	/* of sender and receiver */
	struct world_packet **heap, *unused;
	size_t n_packets, room;
};

/* All nodes have keys and no half runs; all paths take 10 ms and are perfect. */
void world_init(struct world *world, uint64_t seed);
void world_free(struct world *world);

uint32_t world_random(struct world *world);

/* Makes all paths like this one, or those between two nodes in both directions. */
void world_paths(struct world *world, const struct world_path *like);
void world_link(struct world *world, size_t a, size_t b, const struct world_path *like);

/* The usual settings when NULL: 1200 bytes, 10 % loss made up for, requests answered and made. */
void world_start_sender(struct world *world, size_t node, const struct ks_sender_settings *settings);
void world_start_receiver(struct world *world, size_t node, const struct ks_receiver_settings *settings);

/* Without a goodbye, as when a program is killed. What starts when neither half of a node runs is a new instance. */
void world_stop_sender(struct world *world, size_t node);
void world_stop_receiver(struct world *world, size_t node);

/* Tells a parent of a relay (which it then offers itself to, or sends to blindly), a relay of a parent (which it then
 * subscribes to). Before or after they start. */
void world_tell_relay(struct world *world, size_t parent, size_t relay, bool blind);
void world_tell_parent(struct world *world, size_t relay, size_t parent);

/* The key that a relay has for a parent whom it was told of: derived from the parent's master key. */
struct ks_psk world_derived(const struct world *world, size_t relay, size_t parent);

/* Sends an object; sent_us is filled in. KS_EOK or what ks_sender_object() says. */
int world_send(struct world *world, size_t node, const struct world_object *object);

/* The bytes of an object; good until the next call. */
const uint8_t *world_bytes(const struct world_object *object);

/* A node's address as another one sees it. */
struct ks_endpoint world_endpoint(const struct world *world, size_t node, size_t seen_by);

/* Puts a datagram on the path as if node `from` had sent it. */
void world_put(struct world *world, size_t from, size_t to, const uint8_t *bytes, size_t len);

/* To be called after a call to a node's sender or receiver that the world does not know of. */
void world_due(struct world *world, size_t node);

/* Runs until a moment; for some time; until `done` says so, which it is asked after each event: false when that
 * is not before the limit. */
void world_run(struct world *world, int64_t until_us);
void world_run_for(struct world *world, int64_t us);
bool world_run_until(struct world *world, int64_t limit_us, bool (*done)(struct world *world));

/* Between the files of the world: what is under way. world_next_us() is INT64_MAX when nothing is. */
struct world_packet {
	int64_t at_us;
	uint64_t order;		/* of sending; breaks ties */
	struct world_packet *next;	/* unused one */
	uint8_t from, from_port, to, to_port;
	bool refused;		/* no datagram: the news that nobody listens at `from` */
	size_t len;
	uint8_t bytes[KS_DATAGRAM_MAX];
};

static inline int64_t world_next_us(const struct world *world)
{
	return world->n_packets > 0 ? world->heap[0]->at_us : INT64_MAX;
}

struct world_packet *world_take(struct world *world);
void world_drop(struct world *world, struct world_packet *packet);
void world_put_to(struct world *world, size_t from, size_t to, uint8_t to_port, const uint8_t *bytes, size_t len);
void *world_need(void *memory);

#endif
