/* SPDX-License-Identifier: Apache-2.0
 *
 * The sending side without sockets and without a clock of its own: sessions with a list of peers, the newest object,
 * and its datagrams paced to each of them. Tests and the simulator run this very code over a network of theirs;
 * lib/wire/push.h runs it over UDP. doc/wire.md has the states and timers. One thread.
 */
#ifndef KS_WIRE_SENDER_H
#define KS_WIRE_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/uio.h>

#include "lib/base/clock.h"
#include "lib/frame/id.h"
#include "lib/wire/datagram.h"
#include "lib/wire/psk.h"

#define KS_PEERS_MAX 256
#define KS_PEER_NAME_MAX 63
#define KS_PEER_ADDRESS_MAX 255

/* Timers; all of them are in doc/wire.md. */
#define KS_TICK_US (5 * KS_US_PER_MS)			/* between bursts of one object */
#define KS_SPREAD_MAX_US (200 * KS_US_PER_MS)		/* over which an object's datagrams are sent, at most */
#define KS_ALIVE_US (500 * KS_US_PER_MS)		/* of silence before an ALIVE */
#define KS_SILENCE_US (3 * KS_US_PER_S)			/* without a REPORT: a new session is offered */
#define KS_OUTAGE_US (6 * KS_US_PER_S)			/* without one: the log says so */
#define KS_SESSION_END_US (10 * KS_US_PER_S)		/* without one: the session ends */
#define KS_OFFER_MIN_US (250 * KS_US_PER_MS)
#define KS_OFFER_MAX_US (2 * KS_US_PER_S)
#define KS_REKEY_US (120 * KS_US_PER_S)
#define KS_REKEY_DATAGRAMS (KS_COUNTER_END / 2)

struct ks_sender_ops {
	const struct ks_clock *clock;
	void (*random)(void *ctx, void *out, size_t len);
	/* Hands datagrams for a peer to the network, in order. Returns how many it took (fewer: try the rest later),
	 * or -errno when it took none. */
	int (*send)(void *ctx, size_t peer, const struct iovec *datagrams, size_t n);
	void *ctx;
};

struct ks_sender_settings {
	size_t datagram;
	uint32_t loss_ppm;
	uint64_t rekey_datagrams;	/* 0: KS_REKEY_DATAGRAMS */
	int64_t rekey_us;		/* 0: KS_REKEY_US */
};

struct ks_sender;

int ks_sender_new(struct ks_sender **sender, const struct ks_sender_settings *settings,
		  const struct ks_sender_ops *ops);
void ks_sender_free(struct ks_sender *sender);

/* Adds a peer and begins to offer it a session. Name and address are for logs and metrics. *peer is its number, counted
 * from 0. KS_EOK, KS_ELIMIT or -ENOMEM. */
int ks_sender_add(struct ks_sender *sender, const char *name, const char *address, const struct ks_psk *key,
		  size_t *peer);

/* Makes this the object that is sent to everybody from now on. The bytes are copied. KS_EOK, KS_ELIMIT or -ENOMEM. */
int ks_sender_object(struct ks_sender *sender, struct ks_frame_id id, uint8_t source, int64_t period_us,
		     const uint8_t *bytes, size_t len);

/* A datagram that came from a peer. */
void ks_sender_input(struct ks_sender *sender, size_t peer, const uint8_t *bytes, size_t len);

/* The network says that nobody listens at the peer's address. */
void ks_sender_refused(struct ks_sender *sender, size_t peer);

/* Does what is due and returns when it wants to be called again (monotonic time). To be called also after each
 * of the calls above, as these make things due. */
int64_t ks_sender_tick(struct ks_sender *sender);

/* A session with a report in the last KS_SILENCE_US; and since when there has been none (0: not that long). */
bool ks_sender_connected(const struct ks_sender *sender, size_t peer);
int64_t ks_sender_silent_since_us(const struct ks_sender *sender, size_t peer);

/* UDP payload bytes that are used at present. */
size_t ks_sender_datagram(const struct ks_sender *sender);

void ks_sender_metrics(const struct ks_sender *sender, FILE *out);

#endif
