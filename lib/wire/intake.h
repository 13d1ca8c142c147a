/* SPDX-License-Identifier: Apache-2.0
 *
 * Receiving frames from parents: the receiver (lib/wire/receiver.h) on a libevent loop and UDP sockets.
 * One thread, that of the loop.
 */
#ifndef KS_WIRE_INTAKE_H
#define KS_WIRE_INTAKE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/wire/psk.h"

struct event_base;
struct ks_intake;

/* Called with a whole object, decoded from a sealed session but not yet verified: the receiver of the
 * bytes checks them with ks_frame_verify(). `bytes` lives during the call only. */
typedef void ks_intake_deliver(void *ctx, const uint8_t *bytes, size_t len);

int ks_intake_new(struct ks_intake **intake, struct event_base *base, const struct ks_psk *keys, size_t n_keys,
		  ks_intake_deliver *deliver, void *ctx);
void ks_intake_free(struct ks_intake *intake);

/* Opens a socket on "[::]:7510" or "0.0.0.0:7510"; may be called several times. What cannot be bound is
 * logged with the option to change. IPv6 sockets take IPv6 only. */
int ks_intake_listen(struct ks_intake *intake, const char *address);

/* Replaces the accepted keys; sessions of keys that are no longer there end. */
int ks_intake_set_keys(struct ks_intake *intake, const struct ks_psk *keys, size_t n_keys);

/* When the last object was delivered, on the monotonic clock; 0: never. */
int64_t ks_intake_delivered_us(const struct ks_intake *intake);

void ks_intake_metrics(const struct ks_intake *intake, FILE *out);

#endif
