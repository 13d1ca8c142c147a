/* SPDX-License-Identifier: Apache-2.0
 *
 * A server that does what mod_sentry does, or one thing wrong, named by the first folder of the path that is asked for:
 * GET /torn/main/std/latest.jpg. A new picture every SERVER_PERIOD_US, signed and stamped.
 */
#ifndef KS_TESTS_AUDIENCE_SERVER_H
#define KS_TESTS_AUDIENCE_SERVER_H

#include <stdint.h>

#define SERVER_PERIOD_MS 50
#define SERVER_EPOCH 1790000000U

struct event_base;
struct server;

/* On a free port of 127.0.0.1. Fails the test when it cannot. */
struct server *server_new(struct event_base *base, uint16_t *port);
void server_free(struct server *server);

#endif
