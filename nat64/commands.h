/* SPDX-License-Identifier: Apache-2.0
 *
 * What the control socket understands:
 *
 *	{"command": "lookup", "address": A}	what A becomes in the other family, and why
 *	{"command": "trace", "address": A, "packets": N, "seconds": S}	the next N packets of one peer (10, within 10 s)
 *	{"command": "reasons"}			why packets are dropped: how many, what it means
 *	{"command": "status"}, {"command": "counters"}
 *	{"command": "map-add", "v4": A, "v6": B}, {"command": "map-remove", "v4": A}	one host, at once
 *	{"command": "reload"}, {"command": "drain"}
 *
 * control.c has one more, handover, which is for a successor alone (nat64/handover.h).
 */
#ifndef KS_NAT64_COMMANDS_H
#define KS_NAT64_COMMANDS_H

#include <stdint.h>

#include <jansson.h>

#include "nat64/nat64.h"
#include "nat64/trace.h"

#define KS_COMMANDS_TRACE_PACKETS 10
#define KS_COMMANDS_TRACE_SECONDS 10
#define KS_COMMANDS_TRACE_SECONDS_MAX 300

/* The answer, a new reference (NULL: no memory); or a trace that the caller waits for, wait_us at most, answers with
 * ks_commands_traced(), and ends with ks_nat64_trace_end(). */
json_t *ks_commands_run(struct ks_nat64 *nat64, json_t *request, struct ks_trace **trace, int64_t *wait_us);
json_t *ks_commands_traced(const struct ks_trace *trace);

#endif
