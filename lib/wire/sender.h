/* SPDX-License-Identifier: Apache-2.0
 *
 * The parent's half of the wire, without sockets and without a clock of its own: sessions with relays, the newest
 * objects, and their datagrams paced to each relay with as much parity as its loss asks for. Tests and the
 * simulator run this very code over a network of theirs; lib/wire/node.h runs it over UDP. doc/wire.md has the
 * states and timers. One thread. No function but ks_sender_input(), ks_sender_tick() and ks_sender_stop() calls the
 * ops that send.
 *
 * A relay is known by its key: either the parent was told of it (ks_sender_add(): it is offered sessions, or sent to
 * blindly), or it comes by itself with a key derived from a master key. What is not authentic gets no answer and
 * costs no memory; nothing but CHALLENGE and ACCEPT goes to an address before a datagram of the session came from
 * it.
 */
#ifndef KS_WIRE_SENDER_H
#define KS_WIRE_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/uio.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/frame/id.h"
#include "lib/wire/datagram.h"
#include "lib/wire/endpoint.h"
#include "lib/wire/message.h"
#include "lib/wire/psk.h"

#define KS_RELAYS_MAX 256		/* with a session, or told of, at a time */
#define KS_RELAYS_OF_KEY_MAX 8		/* instances that share one name and key; the one silent longest gives way */
#define KS_HALF_OPEN_MAX 64		/* accepted, not yet used; the oldest of the name with most gives way */
#define KS_ADDRESS_TEXT_MAX 255
#define KS_SENDER_TRACKS_MAX 256	/* track and source; the one unused longest gives way */
#define KS_HEADS_PER_S 25		/* of one name, and so many at once: 64 channels named each 3 s are fewer */
/* Lines of log that relays of one name can bring about: so many at once, then one each while. */
#define KS_SAID_MAX 16
#define KS_SAID_US KS_LOG_GATE_US
#define KS_OBJECTS_MAX 4		/* of one track that can still be asked for */

/* Timers; all of them are in doc/wire.md. */
#define KS_TICK_US (5 * KS_US_PER_MS)			/* between bursts of one object */
#define KS_SPREAD_MAX_US (200 * KS_US_PER_MS)		/* an object is sent over this, or a quarter of its period */
#define KS_SPREAD_BLIND_PERCENT 60			/* of the period, when nothing can be asked for */
#define KS_ALIVE_US (500 * KS_US_PER_MS)		/* of silence before an ALIVE */
#define KS_LEASE_US (30 * KS_US_PER_S)			/* without a RENEW: the session ends */
#define KS_SILENCE_US (3 * KS_US_PER_S)			/* without a RENEW: a relay we were told of gets an offer */
#define KS_OUTAGE_US (6 * KS_US_PER_S)			/* without one: the log says so */
#define KS_HALF_OPEN_US (10 * KS_US_PER_S)
#define KS_OFFER_MIN_US (250 * KS_US_PER_MS)
#define KS_OFFER_MAX_US (2 * KS_US_PER_S)
#define KS_COOKIE_US (60 * KS_US_PER_S)			/* a cookie is good for this long, and up to twice as long */
#define KS_BLIND_US (1 * KS_US_PER_S)			/* between repetitions of BLIND */
#define KS_REKEY_US (120 * KS_US_PER_S)			/* blind sessions; others are renewed by the relay */

/* Redundancy. */
#define KS_LOSS_DEFAULT_PPM 100000	/* before the first report */
#define KS_LOSS_FLOOR_PPM 20000
#define KS_BUDGET_PERCENT 400		/* of an object's own datagrams, asked-for parity included, per relay */

struct ks_sender_ops {
	const struct ks_clock *clock;
	void (*random)(void *ctx, void *out, size_t len);
	/* Hands datagrams of one length to the network, in order. Returns how many it took (fewer: try the rest later),
	 * or -errno when it took none. */
	int (*send)(void *ctx, const struct ks_endpoint *to, const struct iovec *datagrams, size_t n);
	/* A relay says which frame is the newest there: KS_HEAD_BODY bytes, not verified. NULL: nobody wants to
	 * know. */
	void (*head)(void *ctx, const uint8_t manifest[KS_HEAD_BODY]);
	void *ctx;
};

struct ks_sender_settings {
	size_t datagram;	/* UDP payload at most, KS_DATAGRAM_MIN to _MAX */
	uint32_t loss_ppm;	/* made up for before the first report, and always where there are no reports */
	bool nack;		/* answer requests; false: all parity that may be needed goes at once, to all */
	size_t relays_max;	/* 0: KS_RELAYS_MAX */
	int64_t rekey_us;	/* 0: KS_REKEY_US */
};

struct ks_sender;

/* `instance` tells this run of the program from others; a relay that is a parent too gives both halves the same, so
 * that it notices when it would be its own parent. */
int ks_sender_new(struct ks_sender **sender, const struct ks_sender_settings *settings,
		  const uint8_t instance[KS_INSTANCE_SIZE], const struct ks_sender_ops *ops);
void ks_sender_free(struct ks_sender *sender);

/* Other settings, for what is sent from now on; sessions and what is on its way in them go on. Reports of loss stay; a
 * lower relays_max drops nobody, but takes no new ones until there is room; longer datagrams are tried before they are
 * used. KS_EOK; KS_ELIMIT, and all is as before. */
int ks_sender_set(struct ks_sender *sender, const struct ks_sender_settings *settings);

/* Which relays may come by themselves: those with a key derived from one of these master keys (at most KS_PSK_MAX)
 * and a name that is not among the revoked ones. Sessions that are no longer allowed end, with an END that says so;
 * that goes for relays told of by name too, if they are revoked. Everything is copied. KS_EOK, KS_ELIMIT, -ENOMEM. */
#define KS_REVOKED_MAX 4096
int ks_sender_set_masters(struct ks_sender *sender, const struct ks_master *masters, size_t n_masters,
			  const char *const *revoked, size_t n_revoked);

struct ks_told_relay {
	const char *name;		/* for logs and metrics; the relay's own name is in the key */
	const char *address;		/* text, for logs */
	const struct ks_psk *key;
	bool blind;			/* no way back: send without being asked */
};

/* A relay that we were told of. *number is its handle until ks_sender_remove(). Nothing is sent before
 * ks_sender_move() says where it is; that may change at any time (a name was looked up anew). */
int ks_sender_add(struct ks_sender *sender, const struct ks_told_relay *relay, size_t *number);
void ks_sender_move(struct ks_sender *sender, size_t number, const struct ks_endpoint *to);
void ks_sender_set_key(struct ks_sender *sender, size_t number, const struct ks_psk *key);	/* keeps the session */
void ks_sender_remove(struct ks_sender *sender, size_t number);		/* with an END */

struct ks_outgoing {
	const char *channel, *rendition;
	uint8_t source, hops;		/* hops: relays that it has passed, this one included */
	struct ks_frame_id id;
	int64_t period_us;
	const uint8_t *bytes;		/* copied */
	size_t len;
};

/* From now on the newest object of its track and source. KS_EOK, KS_ESTALE when it is not newer, KS_ELIMIT (also beyond
 * KS_HOPS_MAX) or -ENOMEM. */
int ks_sender_object(struct ks_sender *sender, const struct ks_outgoing *object);

/* A datagram of a type with KS_DATAGRAM_UP. */
void ks_sender_input(struct ks_sender *sender, const struct ks_endpoint *from, const uint8_t *bytes, size_t len);

/* The network says that nobody listens there. */
void ks_sender_refused(struct ks_sender *sender, const struct ks_endpoint *to);

/* Does what is due and returns when it wants to be called again (monotonic time). To be called also after each
 * of the calls above, as these make things due. */
int64_t ks_sender_tick(struct ks_sender *sender);

/* Says END to everybody; nothing more is sent. */
void ks_sender_stop(struct ks_sender *sender);

/* Of a relay that we were told of: a session with a RENEW in the last KS_SILENCE_US (blind: always); and since when
 * there has been none (0: not that long). */
bool ks_sender_connected(const struct ks_sender *sender, size_t number);
int64_t ks_sender_silent_since_us(const struct ks_sender *sender, size_t number);

/* Relays with a session, told of or not. */
size_t ks_sender_relays(const struct ks_sender *sender);

struct ks_sender_totals {
	uint64_t datagrams, bytes;	/* all that was handed to the network */
	uint64_t data_datagrams;	/* of these: DATA */
	uint64_t data_shard_bytes;	/* of these: the bytes of data shards on their first way (no parity) */
	uint64_t asked;			/* shards that were sent because they were asked for */
};
void ks_sender_totals(const struct ks_sender *sender, struct ks_sender_totals *totals);
uint64_t ks_sender_dropped(const struct ks_sender *sender, enum ks_drop reason);

/* Bytes of memory that it holds at the moment: all, and for one more relay. */
size_t ks_sender_memory(const struct ks_sender *sender, size_t *per_relay);

void ks_sender_metrics(const struct ks_sender *sender, FILE *out);

#endif
