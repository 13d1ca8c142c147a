/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/trace.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "nat64/bytes.h"

struct ks_trace {
	bool has4, has6;
	uint8_t v4[4], v6[16];
	unsigned n;
	atomic_uint taken;		/* places given to workers; may run past n */
	atomic_bool ready[KS_TRACE_MAX];
	struct ks_trace_entry entries[KS_TRACE_MAX];
};

struct ks_trace *ks_trace_new(const uint32_t *v4, const struct in6_addr *v6, unsigned n)
{
	struct ks_trace *trace = calloc(1, sizeof(*trace));

	if (trace == NULL)
		return NULL;
	trace->n = n < KS_TRACE_MAX ? n : KS_TRACE_MAX;
	if (v4 != NULL) {
		trace->has4 = true;
		ks_put32(trace->v4, *v4);
	}
	if (v6 != NULL) {
		trace->has6 = true;
		memcpy(trace->v6, v6, sizeof(trace->v6));
	}
	return trace;
}

void ks_trace_free(struct ks_trace *trace)
{
	free(trace);
}

bool ks_trace_wants(const struct ks_trace *trace, const uint8_t *packet, size_t len)
{
	if (trace->has4 && len >= 20 && packet[0] >> 4 == 4)
		return memcmp(packet + 12, trace->v4, 4) == 0 || memcmp(packet + 16, trace->v4, 4) == 0;
	if (trace->has6 && len >= 40 && packet[0] >> 4 == 6)
		return memcmp(packet + 8, trace->v6, 16) == 0 || memcmp(packet + 24, trace->v6, 16) == 0;
	return false;
}

static void keep(struct ks_trace_packet *kept, const struct ks_packet *packet)
{
	kept->len = packet->len;
	kept->kept = packet->len < KS_TRACE_BYTES ? packet->len : KS_TRACE_BYTES;
	kept->segments = ks_packet_segments(packet);
	memcpy(kept->bytes, packet->data, kept->kept);
}

void ks_trace_in(struct ks_trace_entry *entry, const struct ks_packet *packet)
{
	keep(&entry->in, packet);
	entry->n_out = 0;
}

void ks_trace_out(struct ks_trace_entry *entry, const struct ks_packet *packet)
{
	if (entry->n_out++ == 0)
		keep(&entry->out, packet);
}

void ks_trace_add(struct ks_trace *trace, struct ks_trace_entry *entry, enum ks_xlat_drop why)
{
	unsigned i;

	/* Asked first, so that the number cannot run over while it is full. */
	if (atomic_load_explicit(&trace->taken, memory_order_relaxed) >= trace->n)
		return;
	i = atomic_fetch_add_explicit(&trace->taken, 1, memory_order_relaxed);
	if (i >= trace->n)
		return;
	entry->why = why;
	trace->entries[i] = *entry;
	atomic_store_explicit(&trace->ready[i], true, memory_order_release);
}

unsigned ks_trace_count(const struct ks_trace *trace)
{
	struct ks_trace *t = (struct ks_trace *)(uintptr_t)trace;
	unsigned n = 0;

	while (n < t->n && atomic_load_explicit(&t->ready[n], memory_order_acquire))
		n++;
	return n;
}

bool ks_trace_complete(const struct ks_trace *trace)
{
	return ks_trace_count(trace) == trace->n;
}

const struct ks_trace_entry *ks_trace_entry(const struct ks_trace *trace, unsigned i)
{
	return &trace->entries[i];
}
