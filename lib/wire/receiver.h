/* SPDX-License-Identifier: Apache-2.0
 *
 * The receiving side without sockets and without a clock of its own: sessions with senders and the objects that they
 * send. Tests and the simulator run this very code over a network of theirs; lib/wire/intake.h runs it over UDP.
 * doc/wire.md has the states and timers. One thread.
 *
 * A datagram that is not authentic costs no memory and gets no answer. Memory is fixed but for the objects in
 * assembly of KS_PARENTS_MAX senders.
 */
#ifndef KS_WIRE_RECEIVER_H
#define KS_WIRE_RECEIVER_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/wire/drop.h"
#include "lib/wire/psk.h"

#define KS_PARENTS_MAX 8		/* senders with a session at a time */
#define KS_HALF_OPEN_MAX 64		/* sessions per key that were accepted and not used yet */
#define KS_SESSIONS_MAX 256

/* Timers; all of them are in doc/wire.md. */
#define KS_REPORT_US (1 * KS_US_PER_S)
#define KS_HALF_OPEN_US (10 * KS_US_PER_S)	/* an accepted session that is not used ends */
#define KS_IDLE_US (10 * KS_US_PER_S)		/* a session from which nothing comes ends */
#define KS_FADE_US (5 * KS_US_PER_S)		/* a session that was replaced still takes what is under way */
#define KS_RECEIVER_TICK_US (100 * KS_US_PER_MS)

/* Where a datagram came from, in whatever form the network underneath has. */
#define KS_ENDPOINT_MAX 64
struct ks_endpoint {
	uint8_t bytes[KS_ENDPOINT_MAX];
	size_t len;
};

struct ks_receiver_ops {
	const struct ks_clock *clock;
	void (*random)(void *ctx, void *out, size_t len);
	void (*send)(void *ctx, const struct ks_endpoint *to, const uint8_t *bytes, size_t len);
	/* A whole object; `bytes` lives during the call. Must not call back into the receiver. */
	void (*deliver)(void *ctx, const uint8_t *bytes, size_t len);
	void *ctx;
};

struct ks_receiver;

int ks_receiver_new(struct ks_receiver **receiver, const struct ks_receiver_ops *ops);
void ks_receiver_free(struct ks_receiver *receiver);

/* Replaces the accepted keys, at most KS_PSK_MAX; sessions of keys that are no longer there end. KS_EOK or
 * KS_ELIMIT. */
int ks_receiver_set_keys(struct ks_receiver *receiver, const struct ks_psk *keys, size_t n_keys);

void ks_receiver_input(struct ks_receiver *receiver, const struct ks_endpoint *from, const uint8_t *bytes, size_t len);

/* Sends reports and ends sessions; to be called every KS_RECEIVER_TICK_US. */
void ks_receiver_tick(struct ks_receiver *receiver);

/* When the last object was delivered (monotonic); 0: never. */
int64_t ks_receiver_delivered_us(const struct ks_receiver *receiver);

uint64_t ks_receiver_dropped(const struct ks_receiver *receiver, enum ks_drop reason);
uint64_t ks_receiver_delivered(const struct ks_receiver *receiver);

/* Bytes of memory that it holds at the moment. */
size_t ks_receiver_memory(const struct ks_receiver *receiver);

void ks_receiver_metrics(const struct ks_receiver *receiver, FILE *out);

#endif
