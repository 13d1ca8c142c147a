/* SPDX-License-Identifier: Apache-2.0
 *
 * A receiver with parents that do what a test tells them to, byte by byte, and a clock that a test moves. Parents
 * answer set-up by themselves unless told not to.
 */
#ifndef KS_TESTS_WIRE_FAKE_H
#define KS_TESTS_WIRE_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/wire/fec.h"
#include "lib/wire/receiver.h"

#define FAKE_PARENTS 8
#define FAKE_SHARD 500
#define FAKE_OBJECT_MAX ((size_t)256 * 1024)	/* of what is kept; larger ones are cut */

struct fake_session {
	uint32_t ours, theirs;		/* indices: what the parent listens to, what the relay listens to */
	struct ks_session_keys keys;
	uint32_t counter;
	bool confirmed;			/* a RENEW came */
	bool blind;
};

struct fake;

struct fake_parent {
	struct fake *fake;
	struct ks_psk key;
	struct ks_setup_keys setup;
	uint8_t instance[KS_INSTANCE_SIZE];
	uint8_t cookie[KS_COOKIE_SIZE];
	bool mute;			/* answers nothing */
	bool no_nack;
	uint8_t address;		/* its place in the table; another: it has moved */

	struct fake_session session;	/* the newest that was accepted */
	struct ks_subscribe subscribe;	/* what came last */
	struct ks_renew renew;
	struct ks_nack nack;
	uint8_t head[KS_HEAD_BODY], bye;
	uint8_t to;			/* the address that it went to */
	size_t count[16];		/* by type, of what came; SUBSCRIBEs with a wrong cookie are not among these */
	size_t uncooked;		/* SUBSCRIBEs with no cookie, or a wrong one */
	size_t stops;			/* NACKs that ask for nothing, which are not among the others */
};

/* An object as it is sent: all shards can be made. */
struct fake_object {
	struct ks_data_header header;
	size_t len, shard_len;
	uint8_t *bytes;			/* in whole shards */
};

#define FAKE_QUEUE 256

struct fake_datagram {
	uint8_t to;
	size_t len;
	uint8_t bytes[KS_DATAGRAM_MAX];
};

struct fake {
	struct ks_receiver *receiver;
	struct ks_fec *fec;
	struct fake_parent parents[FAKE_PARENTS];
	int64_t now_us, wall_us;
	struct ks_clock clock;
	uint64_t random_state;
	int64_t due_us;			/* as the last tick said */
	size_t sent;			/* datagrams by the receiver */
	struct fake_datagram queue[FAKE_QUEUE];	/* of these: on their way, until the receiver has returned */
	size_t first, n_queued;
	bool pumping;

	/* What was delivered, and what was not signed by a source. */
	size_t delivered, refused;
	uint8_t last[FAKE_OBJECT_MAX];
	size_t last_len;
	uint8_t last_hops;
};

extern const uint8_t fake_instance[KS_INSTANCE_SIZE];	/* the receiver's */

void fake_init(struct fake *fake, const struct ks_receiver_settings *settings);
void fake_free(struct fake *fake);

/* Moves the clock, with all ticks that are due on the way. */
void fake_run(struct fake *fake, int64_t us);
void fake_tick(struct fake *fake);

/* Tells the receiver of a parent; returns its handle there. */
size_t fake_tell(struct fake *fake, size_t parent);
/* The same, and sets up a session. */
size_t fake_join(struct fake *fake, size_t parent);
/* The parent offers itself, and sets up a session unless it is mute. */
void fake_offer(struct fake *fake, size_t parent);

void fake_input(struct fake_parent *parent, const uint8_t *bytes, size_t len);
void fake_challenge(struct fake_parent *parent, const struct ks_subscribe *subscribe);
void fake_accept(struct fake_parent *parent, const struct ks_subscribe *subscribe);
/* Announces a session without a way back; `number` tells sessions apart. */
void fake_blind(struct fake_parent *parent, uint8_t number, int64_t wall_us);

/* Seals and sends a body in a session. */
void fake_put(struct fake_parent *parent, struct fake_session *session, enum ks_datagram_type type,
	      const uint8_t *body, size_t len);
void fake_alive(struct fake_parent *parent, const struct fake_object *object);
/* As long as a datagram may be: how a session begins. */
void fake_long_alive(struct fake_parent *parent);
/* One each half second for this long. */
void fake_keep_alive(struct fake_parent *parent, int64_t us);
void fake_end(struct fake_parent *parent, enum ks_bye_reason reason);

void fake_object(struct fake_object *object, uint32_t track, uint32_t epoch, uint32_t seq, size_t len,
		 size_t shard_len);
/* After a change: makes it what a source signed. */
void fake_sign(struct fake_object *object);
void fake_object_free(struct fake_object *object);
/* Sends a shard of the object: `i` counts through all blocks' data, then through their parity, as if each had 40. */
void fake_shard(struct fake_parent *parent, const struct fake_object *object, size_t i);
void fake_shards(struct fake_parent *parent, const struct fake_object *object, size_t from, size_t to);
size_t fake_shards_of(const struct fake_object *object);

#endif
