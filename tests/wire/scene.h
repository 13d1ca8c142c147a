/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the wire share: a world, objects at a steady pace from its node PARENT, and counts.
 */
#ifndef KS_TESTS_WIRE_SCENE_H
#define KS_TESTS_WIRE_SCENE_H

#include "tests/wire/world.h"

#define MS KS_US_PER_MS
#define SECOND KS_US_PER_S
#define PERIOD_US (100 * MS)
#define OBJECT_LEN_MAX 120000

enum { PARENT, RELAY, SECOND_RELAY, STRANGER = WORLD_NODES_MAX - 1 };

/* How the two find each other. */
enum scene_way { PULL, PUSH, SCENE_WAYS };

extern struct world world;
extern unsigned sent_of_type[16];	/* datagrams, whoever sent them */

struct scene_recorded {
	size_t from, to, len;
	uint8_t bytes[KS_DATAGRAM_MAX];
};

/* Fixture: a new world, and that no relay ever got what is wrong or went back. */
void scene_setup(void);
void scene_teardown(void);

/* The relay is told of the parent, or the parent of the relay; both start; waits until the session is there. */
void scene_start(enum scene_way way);
void scene_tell(enum scene_way way, size_t parent, size_t relay);
void scene_joined(size_t relay, size_t parents);

/* Objects of node PARENT in channel 0, rendition 0; their length follows from the number. */
void scene_send(uint32_t epoch, uint32_t seq);
void scene_send_many(uint32_t epoch, uint32_t from, uint32_t n);

/* What a relay got since the last time that this was called for it, or it was started anew. */
unsigned scene_got(size_t relay);

uint64_t scene_dropped(size_t node, enum ks_drop reason);

/* Everything that is sent from now on is kept, up to a number of datagrams. */
void scene_record(size_t max);
const struct scene_recorded *scene_stop_recording(size_t *n);	/* good until teardown */

#endif
