/* SPDX-License-Identifier: Apache-2.0
 *
 * The next packets of one peer: header in, and header out or why not. For the eyes of an operator (control command
 * `trace`). Workers find it in their view only while one is asked for; packets of others cost a comparison then. Any
 * thread.
 */
#ifndef KS_NAT64_TRACE_H
#define KS_NAT64_TRACE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nat64/drop.h"
#include "nat64/packet.h"

#define KS_TRACE_MAX 100		/* packets */
#define KS_TRACE_BYTES 128		/* kept of each */

struct ks_trace_packet {
	uint8_t bytes[KS_TRACE_BYTES];
	size_t kept, len;
	unsigned segments;
};

struct ks_trace_entry {
	struct ks_trace_packet in, out;	/* out: the first that came of it */
	unsigned n_out;
	enum ks_xlat_drop why;
};

struct ks_trace;

/* A peer may be known by an address in either family: whichever of the two is given. n is 1 to KS_TRACE_MAX. NULL: no
 * memory. */
struct ks_trace *ks_trace_new(const uint32_t *v4, const struct in6_addr *v6, unsigned n);
void ks_trace_free(struct ks_trace *trace);

/* Of workers. */
bool ks_trace_wants(const struct ks_trace *trace, const uint8_t *packet, size_t len);
void ks_trace_in(struct ks_trace_entry *entry, const struct ks_packet *packet);
void ks_trace_out(struct ks_trace_entry *entry, const struct ks_packet *packet);
void ks_trace_add(struct ks_trace *trace, struct ks_trace_entry *entry, enum ks_xlat_drop why);

/* Of the reader: how many there are, each once there unchanged; complete when it is n. */
unsigned ks_trace_count(const struct ks_trace *trace);
bool ks_trace_complete(const struct ks_trace *trace);
const struct ks_trace_entry *ks_trace_entry(const struct ks_trace *trace, unsigned i);

#endif
