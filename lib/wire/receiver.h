/* SPDX-License-Identifier: Apache-2.0
 *
 * The relay's half of the wire, without sockets and without a clock of its own: sessions with parents and the objects that
 * they send. Tests and the simulator run this very code over a network of theirs; lib/wire/node.h runs it over UDP.
 * doc/wire.md has the states and timers. One thread.
 *
 * A parent is one that we were told of (ks_receiver_add(): we subscribe), or one that offers itself with a key that we
 * accept. Shards of one object are merged whichever parent they come from. A datagram that is not authentic costs no
 * memory and gets no answer. Memory is bounded: KS_ASSEMBLY_BYTES_MAX for objects in assembly, the rest is fixed.
 */
#ifndef KS_WIRE_RECEIVER_H
#define KS_WIRE_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/wire/endpoint.h"
#include "lib/wire/message.h"
#include "lib/wire/psk.h"

#define KS_PARENTS_MAX 8		/* with a session, or told of, at a time */
#define KS_OFFERED_MAX 64		/* offers being answered per key; the oldest gives way */

/* Lines of log that one parent can bring about: so many at once, then one each while. */
#define KS_HEARD_SAID_MAX 16
#define KS_HEARD_SAID_US KS_LOG_GATE_US

/* Timers; all of them are in doc/wire.md. */
#define KS_RENEW_US (1 * KS_US_PER_S)
#define KS_CONFIRM_US (250 * KS_US_PER_MS)	/* between RENEWs of a session from which nothing has come yet */
#define KS_QUIET_US (1500 * KS_US_PER_MS)	/* of a parent: a new session is asked for beside the old one */
#define KS_IDLE_US (10 * KS_US_PER_S)		/* of a parent: its session ends */
#define KS_ASK_MIN_US (250 * KS_US_PER_MS)	/* between SUBSCRIBEs: doubles up to the longest, with jitter */
#define KS_ASK_MAX_US (8 * KS_US_PER_S)
#define KS_ASK_BESIDE_MAX_US (1 * KS_US_PER_S)	/* as long as there is a session: it may fall silent again soon */
#define KS_SESSION_US (120 * KS_US_PER_S)	/* after which a new session is asked for */
#define KS_SESSION_DATAGRAMS (KS_COUNTER_END / 2)
#define KS_FADE_US (5 * KS_US_PER_S)		/* a session that was replaced still takes what is under way */
#define KS_NACK_WAIT_US (30 * KS_US_PER_MS)	/* after the end of an object, before more is asked for */
#define KS_NACK_ROUNDS_MAX 8
#define KS_BLIND_SKEW_US (60 * KS_US_PER_S)	/* a blind session's announcement may be this old, or early */
/* After an object that no source had signed, for its track (channel, rendition and source) alone: */
#define KS_DISTRUST_US (600 * KS_US_PER_S)	/* the one parent that it came from is not listened to */
#define KS_APART_US (60 * KS_US_PER_S)		/* shards of the several that it came from are not merged */

struct ks_receiver_ops {
	const struct ks_clock *clock;
	void (*random)(void *ctx, void *out, size_t len);
	void (*send)(void *ctx, const struct ks_endpoint *to, const uint8_t *bytes, size_t len);
	/* A whole object; `bytes` lives during the call. Must not call back into the receiver. False: it is not what a
	 * source signed, so one of the parents that it came from is broken or hostile. */
	bool (*deliver)(void *ctx, const uint8_t *bytes, size_t len, uint8_t hops);
	void *ctx;
};

struct ks_receiver_settings {
	size_t datagram;		/* longest wanted, KS_DATAGRAM_MIN to _MAX */
	bool nack;			/* ask for what is missing, and say when an object is complete */
	struct ks_filter filter;	/* what is wanted of all parents */
};

struct ks_receiver;

/* `instance`: see ks_sender_new(). */
int ks_receiver_new(struct ks_receiver **receiver, const struct ks_receiver_settings *settings,
		    const uint8_t instance[KS_INSTANCE_SIZE], const struct ks_receiver_ops *ops);
void ks_receiver_free(struct ks_receiver *receiver);

/* Other settings: where they differ, each parent is asked for a new session beside the one that there is, so that it
 * learns of them and no frame is lost meanwhile. KS_EOK or KS_ELIMIT. */
int ks_receiver_set(struct ks_receiver *receiver, const struct ks_receiver_settings *settings);

/* The keys that an offering or blind parent may have, at most KS_PSK_MAX; sessions of keys that are no longer there
 * end. KS_EOK or KS_ELIMIT. */
int ks_receiver_set_keys(struct ks_receiver *receiver, const struct ks_psk *keys, size_t n_keys);

struct ks_told_parent {
	const char *name, *address;	/* text, for logs and metrics */
	const struct ks_psk *keys;	/* 1 to KS_PSK_MAX; the first that is answered is used */
	size_t n_keys;
};

/* A parent that we were told of. *number is its handle until ks_receiver_remove(). Nothing is sent before
 * ks_receiver_move() says where it is. */
int ks_receiver_add(struct ks_receiver *receiver, const struct ks_told_parent *parent, size_t *number);
void ks_receiver_move(struct ks_receiver *receiver, size_t number, const struct ks_endpoint *to);
int ks_receiver_set_parent_keys(struct ks_receiver *receiver, size_t number, const struct ks_psk *keys, size_t n_keys);
void ks_receiver_remove(struct ks_receiver *receiver, size_t number);	/* with a BYE */

/* A datagram of a type without KS_DATAGRAM_UP. */
void ks_receiver_input(struct ks_receiver *receiver, const struct ks_endpoint *from, const uint8_t *bytes, size_t len);
void ks_receiver_refused(struct ks_receiver *receiver, const struct ks_endpoint *to);

/* Forgives all parents what they sent: to be called when other sources are trusted now. */
void ks_receiver_pardon(struct ks_receiver *receiver);

/* Tells all parents which frame is the newest here. */
void ks_receiver_head(struct ks_receiver *receiver, const uint8_t manifest[KS_HEAD_BODY]);

/* Does what is due and returns when it wants to be called again (monotonic time). To be called also after each of the
 * calls above. */
int64_t ks_receiver_tick(struct ks_receiver *receiver);

/* Says BYE to everybody; nothing more is sent. */
void ks_receiver_stop(struct ks_receiver *receiver);

/* Of a parent that we were told of: its session is alive; and since when it has not been (0: it is). */
bool ks_receiver_connected(const struct ks_receiver *receiver, size_t number);
int64_t ks_receiver_silent_since_us(const struct ks_receiver *receiver, size_t number);

/* Parents with a live session, told of or not. */
size_t ks_receiver_parents(const struct ks_receiver *receiver);

/* When the last object was delivered (monotonic); 0: never. */
int64_t ks_receiver_delivered_us(const struct ks_receiver *receiver);

uint64_t ks_receiver_dropped(const struct ks_receiver *receiver, enum ks_drop reason);
uint64_t ks_receiver_delivered(const struct ks_receiver *receiver);

/* Bytes of memory that it holds at the moment. */
size_t ks_receiver_memory(const struct ks_receiver *receiver);

void ks_receiver_metrics(const struct ks_receiver *receiver, FILE *out);

#endif
