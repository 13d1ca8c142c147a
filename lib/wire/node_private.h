/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of a node share: node.c (the two halves on a loop) and node_lists.c (the nodes that it was told of).
 */
#ifndef KS_WIRE_NODE_PRIVATE_H
#define KS_WIRE_NODE_PRIVATE_H

#include "lib/wire/dial.h"
#include "lib/wire/node.h"
#include "lib/wire/ports.h"
#include "lib/wire/receiver.h"
#include "lib/wire/sender.h"

/* The nodes of one list. */
struct ks_told {
	struct ks_dial_half half;
	struct ks_dial **dials;
	size_t n, max;
};

struct ks_node {
	struct event_base *base;
	struct ks_node_ops ops;
	struct ks_ports *ports;
	struct ks_sender *sender;	/* NULL: this node does not send */
	struct ks_receiver *receiver;	/* NULL: it does not receive */
	struct event *due, *review;
	struct ks_told relays, parents;
	struct ks_endpoint refusals[KS_PARENTS_MAX];	/* heard while the receiver was sending: told it later */
	size_t n_refusals;
};

/* node.c: the cores have something to do, as soon as the loop comes round. */
void ks_node_wake(struct ks_node *node);

/* node.c: does what is due now. */
void ks_node_run(struct ks_node *node);

/* node_lists.c */
void ks_node_lists_init(struct ks_node *node);
void ks_node_lists_free(struct ks_node *node);
bool ks_node_lists_review(struct ks_node *node);	/* true: again soon, a name is being looked up */

#endif
