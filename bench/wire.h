/* SPDX-License-Identifier: Apache-2.0
 *
 * The transport, part by part.
 */
#ifndef KS_BENCH_WIRE_H
#define KS_BENCH_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "bench/bench.h"
#include "lib/wire/datagram.h"

#define BENCH_SHARD (KS_DATAGRAM_DEFAULT - KS_DATAGRAM_OVERHEAD)

void bench_code(const struct bench *bench);	/* encode and decode */
void bench_seal(const struct bench *bench);	/* seal and open */
void bench_fanout(const struct bench *bench);
void bench_relay(const struct bench *bench);

/* A port of 127.0.0.1 that was free a moment ago. */
uint16_t bench_free_port(void);

#endif
