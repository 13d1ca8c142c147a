/* SPDX-License-Identifier: Apache-2.0
 *
 * One thread that reads packets from one queue of the TUN, has them translated, and writes what comes of them back. It
 * takes no lock and allocates nothing: all that it reads from others is one pointer a batch, the view.
 *
 * A view is built by the control thread and never changed once it is in force. To change anything, a new one takes its
 * place, and the old one is freed when every worker has passed the end of a batch since (ks_worker_passed()).
 */
#ifndef KS_NAT64_WORKER_H
#define KS_NAT64_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "nat64/coalesce.h"
#include "nat64/xlat.h"

#define KS_WORKERS_MAX 64
#define KS_WORKER_BATCH 128		/* packets read before what is held is sent */
#define KS_WORKER_ARENA (1024 * 1024)	/* bytes for them; the batch also ends when it is full */

struct ks_trace;

struct ks_view {
	uint64_t number;		/* counts up from 1 */
	const struct ks_table *table;
	const struct ks_xlat_settings *settings;
	struct ks_mapping_count *const *mappings;	/* per worker one array; NULL: not counted */
	struct ks_trace *trace;		/* NULL: none, which costs nothing */
};

typedef _Atomic(const struct ks_view *) ks_view_pointer;

/* Written by the worker alone, read with relaxed loads (ks_worker_read()). */
struct ks_worker_counts {
	uint64_t reads, writes;		/* that worked */
	uint64_t gso_reads, gso_writes;	/* of them, large packets */
	uint64_t read_eagain;		/* nothing more there: the end of a batch */
	uint64_t write_eagain;		/* the device took no more: waited */
	uint64_t read_errors, write_errors;
	uint64_t batches;
};

struct ks_worker_settings {
	unsigned index;			/* of view.mappings[] */
	int fd;				/* non-blocking; stays the caller's */
	bool vnet;			/* a struct virtio_net_hdr is in front of each packet */
	bool merge_tcp, merge_udp;	/* only with vnet */
	const ks_view_pointer *view;	/* never points to NULL */
};

struct ks_worker;

int ks_worker_new(struct ks_worker **worker, const struct ks_worker_settings *settings);	/* starts the thread */
void ks_worker_stop(struct ks_worker *worker);	/* asks it to end; what it has read it still sends */
void ks_worker_free(struct ks_worker *worker);	/* stops it, waits for it */

/* An idle worker too passes the end of a batch now. */
void ks_worker_wake(struct ks_worker *worker);
/* Whether it looks at view `number` or a later one, and will never again look at an earlier. */
bool ks_worker_passed(const struct ks_worker *worker, uint64_t number);
/* How many times it has come round; it is stuck when this stands still though it is woken. */
uint64_t ks_worker_rounds(const struct ks_worker *worker);

const struct ks_worker_counts *ks_worker_counts(const struct ks_worker *worker);
const struct ks_xlat_counts *ks_worker_xlat_counts(const struct ks_worker *worker);
const struct ks_coalesce *ks_worker_coalesce(const struct ks_worker *worker);

static inline uint64_t ks_worker_read(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

#endif
