/* SPDX-License-Identifier: Apache-2.0
 *
 * A node of the distribution tree on a libevent loop and UDP sockets: the parent's half (lib/wire/sender.h), the relay's
 * half (lib/wire/receiver.h), or both, on the same addresses. A capture daemon has the first, a relay both.
 * One thread, that of the loop.
 */
#ifndef KS_WIRE_NODE_H
#define KS_WIRE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/frame/frame.h"
#include "lib/wire/message.h"
#include "lib/wire/psk.h"

struct event_base;
struct ks_node;

struct ks_node_settings {
	bool sends, receives;		/* which halves */
	size_t datagram;		/* UDP payload bytes at most, both ways */
	uint32_t loss_ppm;		/* made up for before the first report */
	bool nack;
	size_t relays_max;		/* 0: KS_RELAYS_MAX */
	struct ks_filter filter;	/* what is wanted of parents */
};

struct ks_node_ops {
	/* A whole object, decoded and not yet verified; false when it turns out not to be a frame that a trusted source
	 * signed. `bytes` lives during the call only. */
	bool (*deliver)(void *ctx, const uint8_t *bytes, size_t len, uint8_t hops);
	/* What a relay says is its newest frame: not verified. May be NULL. */
	void (*head)(void *ctx, const uint8_t manifest[KS_HEAD_BODY]);
	void *ctx;
};

int ks_node_new(struct ks_node **node, struct event_base *base, const struct ks_node_settings *settings,
		const struct ks_node_ops *ops);

/* Says END and BYE to everybody first. */
void ks_node_free(struct ks_node *node);

/* Other settings, as ks_sender_set() and ks_receiver_set(); which halves there are cannot change. KS_EOK, KS_ELIMIT or
 * -ENOTSUP. */
int ks_node_set(struct ks_node *node, const struct ks_node_settings *settings);

/* Opens a socket on "[::]:7510" or "0.0.0.0:7510"; may be called several times. What cannot be bound is logged with
 * the option to change. IPv6 sockets take IPv6 only. */
int ks_node_listen(struct ks_node *node, const char *address);

/* On all of the machine's addresses. One family is enough: not every machine has both. */
int ks_node_listen_everywhere(struct ks_node *node, uint16_t port);

/* Where another node is. `address` is "192.0.2.1:7510", "[2001:db8::1]:7510" or "name:7510"; a name is looked up here
 * and again whenever there has been silence. A name that cannot be looked up now is no error: it is tried again.
 * Everything is copied; errors are logged. */
struct ks_node_relay {
	const char *name, *address;
	struct ks_psk key;
	bool blind;
};

struct ks_node_parent {
	const char *name, *address;
	struct ks_psk keys[KS_PSK_MAX];
	size_t n_keys;
};

/* Replaces the list; what is in both by name, address (and blind) keeps its session, with the new key. */
int ks_node_set_relays(struct ks_node *node, const struct ks_node_relay *relays, size_t n);
int ks_node_set_parents(struct ks_node *node, const struct ks_node_parent *parents, size_t n);

/* As ks_sender_set_masters() and ks_receiver_set_keys(). */
int ks_node_set_masters(struct ks_node *node, const struct ks_master *masters, size_t n_masters,
			const char *const *revoked, size_t n_revoked);
int ks_node_set_keys(struct ks_node *node, const struct ks_psk *keys, size_t n_keys);

/* Starts sending a frame to all relays. `hops` is what deliver() said, plus one; 0 at a source. KS_EOK; KS_ELIMIT when
 * it has passed KS_HOPS_MAX relays; KS_ESTALE; -ENOMEM. */
int ks_node_frame(struct ks_node *node, const struct ks_frame *frame, uint8_t hops);

/* As ks_receiver_pardon(): other sources are trusted now. */
void ks_node_pardon(struct ks_node *node);

/* Tells all parents which frame is the newest here. */
void ks_node_head(struct ks_node *node, const uint8_t manifest[KS_HEAD_BODY]);

/* Relays of the list that have a session and reported lately; relays with a session, of the list or not. */
size_t ks_node_connected(const struct ks_node *node);
size_t ks_node_relays(const struct ks_node *node);

/* Parents with a live session. */
size_t ks_node_parents(const struct ks_node *node);

void ks_node_metrics(const struct ks_node *node, FILE *out);

#endif
