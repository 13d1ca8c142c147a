/* SPDX-License-Identifier: Apache-2.0
 *
 * Sending frames to a list of relays: the sender (lib/wire/sender.h) on a libevent loop and UDP sockets.
 * One thread, that of the loop.
 */
#ifndef KS_WIRE_PUSH_H
#define KS_WIRE_PUSH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/frame/frame.h"
#include "lib/wire/datagram.h"
#include "lib/wire/psk.h"

struct event_base;
struct ks_push;

#define KS_PUSH_PEERS_MAX 256
#define KS_LOSS_DEFAULT_PERCENT 10

struct ks_push_settings {
	size_t datagram;		/* UDP payload bytes, KS_DATAGRAM_MIN to KS_DATAGRAM_MAX */
	unsigned loss_percent;		/* that the redundancy is made for, 0 to 50 */
};

int ks_push_new(struct ks_push **push, struct event_base *base, const struct ks_push_settings *settings);
void ks_push_free(struct ks_push *push);

/* Adds a relay. `address` is "192.0.2.1:7510", "[2001:db8::1]:7510" or "name:7510"; a name is looked up
 * here and again whenever the relay has been silent. The key is copied. Errors are logged.
 * A name that cannot be looked up now is no error: it is tried again. */
int ks_push_add(struct ks_push *push, const char *name, const char *address, const struct ks_psk *key);

/* Starts sending a frame to all relays: spread over min(200 ms, a quarter of its period). Whatever is left
 * of the frame before is dropped. The bytes are copied. */
int ks_push_frame(struct ks_push *push, const struct ks_frame *frame);

/* Relays that have a session and reported within the last three seconds. */
size_t ks_push_connected(const struct ks_push *push);

void ks_push_metrics(const struct ks_push *push, FILE *out);

#endif
