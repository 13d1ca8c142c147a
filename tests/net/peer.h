/* SPDX-License-Identifier: Apache-2.0
 *
 * What the UDP tools of these tests have in common.
 */
#ifndef TESTS_NET_PEER_H
#define TESTS_NET_PEER_H

#include <stdbool.h>
#include <stdint.h>

#define PEER_USAGE 2	/* exit status */

/* A UDP socket connected to (`bound`: bound to) a numeric address and port. Returns the descriptor, or -1 after
 * saying on standard error what failed. */
int peer_open(const char *address, const char *port, bool bound);

int64_t peer_now_ns(void);
void peer_sleep_until_ns(int64_t at_ns);

/* A whole number within bounds. */
bool peer_number(const char *text, uint64_t min, uint64_t max, uint64_t *value);

#endif
