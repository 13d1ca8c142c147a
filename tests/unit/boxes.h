/* SPDX-License-Identifier: Apache-2.0
 *
 * Nodes over real sockets of this machine, for tests: each in a box with what it got. All on one event loop.
 */
#ifndef KS_TESTS_UNIT_BOXES_H
#define KS_TESTS_UNIT_BOXES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>
#include <sodium.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/wire/node.h"
#include "tests/unit/unit.h"

#define DEADLINE_US (20 * KS_US_PER_S)
#define SOON_US (2 * KS_US_PER_S)	/* what a goodbye takes, and no timer */
#define ADDRESS_MAX 80
#define ANY_FRAME 50000

/* A node, what it got, and, if it passes things on, where. */
struct box {
	struct ks_node *node;
	uint8_t *bytes;
	size_t len;
	unsigned n;
	uint8_t hops;
	bool forwards;
	unsigned heads;
	uint8_t head[KS_HEAD_BODY];
};

extern struct event_base *boxes_base;
extern struct ks_psk boxes_key;		/* of "relay-1" */
extern struct ks_master boxes_master;

void boxes_setup(void);
void boxes_teardown(void);

/* The wire does not look into what it carries. */
struct ks_frame frame_of(const uint8_t *bytes, size_t len, uint32_t seq);
struct box box_new(void);

/* The box must not move from here on. */
void box_start(struct box *box, bool sends, bool receives);
void box_stop(struct box *box);
void box_end(struct box *box);
void box_listen(struct box *box, const char *address);

/* A port that was free a moment ago; 0 when the machine has no such address family. */
uint16_t free_port(int family);
void loopback(char address[ADDRESS_MAX], int family);

/* Runs the loop until something holds, and fails the test when it does not in time. */
void run_within(int64_t limit_us, bool (*done)(void *ctx), void *ctx);
void run_until(bool (*done)(void *ctx), void *ctx);

/* What can hold; of a box. */
bool got_one(void *box);
bool is_connected(void *box);
bool has_no_relay(void *box);
bool has_relay(void *box);
bool has_parent(void *box);
bool has_no_parent(void *box);
struct ks_node_relay relay_at(const char *address);
void box_tell_relay(struct box *box, const char *address);
struct ks_node_parent parent_at(const char *address, const char *name);
void box_tell_parent(struct box *box, const char *address, const char *name);

/* A parent that sends by being told of a relay, and a relay that has its key. */
void box_start_pushed(struct box *parent, struct box *relay, const char *listen, const char *address);

/* A parent that relays come to, and a relay that does. */
void box_start_parent(struct box *parent, const char *listen);
void box_start_subscribed(struct box *parent, struct box *relay, const char *listen, const char *address);

/* Sends a frame of random bytes and waits until it is there. */
void box_expect_frame(struct box *from, struct box *to, uint32_t seq, size_t len);
void box_expect_frames(struct box *from, struct box *to);

#endif
