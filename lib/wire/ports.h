/* SPDX-License-Identifier: Apache-2.0
 *
 * The UDP sockets of a node on a libevent loop: listeners, which answer from the address that was asked, and dials,
 * each connected to one other node so that the network's refusals say whose they are. What they receive is handed out
 * with its endpoint (lib/wire/endpoint.h), and an endpoint says which socket sends to it.
 */
#ifndef KS_WIRE_PORTS_H
#define KS_WIRE_PORTS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/uio.h>

#include "lib/wire/endpoint.h"
#include "lib/wire/udp.h"

struct event_base;
struct ks_ports;

#define KS_LISTENERS_MAX 16
#define KS_DIALS_MAX 512

struct ks_ports_ops {
	void (*input)(void *ctx, const struct ks_endpoint *from, const uint8_t *bytes, size_t len);
	void (*refused)(void *ctx, const struct ks_endpoint *to);	/* nobody listens there */
	void (*idle)(void *ctx);	/* after some of the above: what they made due can be done */
	void *ctx;
};

int ks_ports_new(struct ks_ports **ports, struct event_base *base, const struct ks_ports_ops *ops);
void ks_ports_free(struct ks_ports *ports);

/* Binds "[::]:7510" or "0.0.0.0:7510"; logs what cannot be bound. */
int ks_ports_listen(struct ks_ports *ports, const char *address);

/* A dial's socket. Opening it again replaces it once the new one is there; endpoints from before go on to work if the
 * other side's address is the same. */
int ks_ports_dial(struct ks_ports *ports, size_t *dial);	/* KS_EOK or KS_ELIMIT */
int ks_ports_open(struct ks_ports *ports, size_t dial, const union ks_udp_address *peer, struct ks_endpoint *to);
void ks_ports_hang_up(struct ks_ports *ports, size_t dial);

/* As ks_udp_send(); -EHOSTUNREACH when the socket of that endpoint is no more. */
int ks_ports_send(struct ks_ports *ports, const struct ks_endpoint *to, const struct iovec *datagrams, size_t n);

/* From now on sending waits up to a second in all for room in the buffers: for the last words of a program. */
void ks_ports_set_patient(struct ks_ports *ports);

void ks_ports_metrics(const struct ks_ports *ports, FILE *out);

#endif
