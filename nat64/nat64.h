/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon: a control thread on libevent (everything below is its), and a worker per queue of the TUN.
 */
#ifndef KS_NAT64_NAT64_H
#define KS_NAT64_NAT64_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/daemon.h"
#include "nat64/config.h"
#include "nat64/rules.h"
#include "nat64/tun.h"
#include "nat64/worker.h"
#include "nat64/xlat.h"


struct ks_nat64;

/* Opens, sets up, gives up privileges, starts the workers. The configuration stays the caller's until ks_nat64_free();
 * argc and argv are what it was read from, and is read from again. What failed is logged. */
int ks_nat64_new(struct ks_nat64 **nat64, struct ks_daemon *daemon, const struct ks_nat64_config *config, int argc,
		 char **argv);
void ks_nat64_free(struct ks_nat64 *nat64);

/* Reads the configuration again; the rules from before stay in force when it cannot be used. */
int ks_nat64_reload(struct ks_nat64 *nat64);
/* One host more: kept over reloads until it is removed. KS_EMALFORMED: one of the addresses is mapped already. */
int ks_nat64_map_add(struct ks_nat64 *nat64, const struct ks_mapping *mapping);
/* The explicit mapping of exactly this address. KS_EGONE: there is none. One of the configuration comes back with
 * the next reload. */
int ks_nat64_map_remove(struct ks_nat64 *nat64, uint32_t v4);
/* Health turns bad, the hook runs, and after drain-seconds the program ends. */
void ks_nat64_drain(struct ks_nat64 *nat64);
/* A successor has the queues: SIGTERM ends this one at once, and nothing is withdrawn. */
void ks_nat64_handed_over(struct ks_nat64 *nat64);

/* One trace at a time: -EBUSY. The trace stays the caller's, until ks_nat64_trace_end(). */
int ks_nat64_trace(struct ks_nat64 *nat64, struct ks_trace *trace);
void ks_nat64_trace_end(struct ks_nat64 *nat64, struct ks_trace *trace);	/* frees it */

/* --- what there is to see --------------------------------------------------------------------------------- */

struct ks_nat64_status {
	int64_t started_wall_us, reloaded_wall_us, reload_us;	/* when, and how long the last took */
	uint64_t reloads, reloads_failed, changes;	/* changes: mappings added and removed by command */
	size_t added;			/* mappings there by command */
	bool draining;
	const char *fault;		/* NULL: healthy */
	uint32_t device_mtu;
};

void ks_nat64_status(struct ks_nat64 *nat64, struct ks_nat64_status *status);
const struct ks_rules *ks_nat64_in_force(const struct ks_nat64 *nat64);
const struct ks_xlat_settings *ks_nat64_xlat(const struct ks_nat64 *nat64);
const struct ks_tun *ks_nat64_tun(const struct ks_nat64 *nat64);
unsigned ks_nat64_workers(const struct ks_nat64 *nat64);
const struct ks_worker *ks_nat64_worker(const struct ks_nat64 *nat64, unsigned i);
/* Of all workers together. */
void ks_nat64_counts(const struct ks_nat64 *nat64, struct ks_xlat_counts *counts);

#endif
