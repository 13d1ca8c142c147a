/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters that any thread may add to, and the text that Prometheus reads
 * (https://prometheus.io/docs/instrumenting/exposition_formats/, text format 0.0.4). Metric names begin
 * with "koshien_", units are base units, counters end in "_total"; times are exported as timestamps.
 */
#ifndef KS_BASE_METRICS_H
#define KS_BASE_METRICS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct event_base;

typedef _Atomic uint64_t ks_counter;

static inline void ks_count_add(ks_counter *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static inline void ks_count(ks_counter *counter)
{
	ks_count_add(counter, 1);
}

static inline uint64_t ks_counted(const ks_counter *counter)
{
	return atomic_load_explicit((ks_counter *)(uintptr_t)counter, memory_order_relaxed);
}

/* Starts a family: its HELP and TYPE lines. type is "counter" or "gauge". */
void ks_prom_family(FILE *out, const char *name, const char *type, const char *help);

/* One sample of the family. Labels are pairs of name and value and end with NULL:
 * ks_prom_sample(out, "koshien_drops_total", 3, "reason", "late", NULL). Values are escaped. */
void ks_prom_sample(FILE *out, const char *name, double value, ...) __attribute__((sentinel));

/* A family of one sample without labels. */
void ks_prom_counter(FILE *out, const char *name, const char *help, const ks_counter *counter);
void ks_prom_gauge(FILE *out, const char *name, const char *help, double value);

/* A counter family with one sample per reason: names[i] labels counters[i]. */
void ks_prom_reasons(FILE *out, const char *name, const char *help, const ks_counter *counters,
		     const char *const *names, size_t n);

/* Every program's koshien_build_info. */
void ks_prom_build_info(FILE *out, const char *program);

/* A small HTTP server for a daemon's own numbers: GET /metrics calls fill. `address` is "127.0.0.1:9301"
 * or "[::1]:9301"; what cannot be bound is logged with the option to change, and is an error. */
struct ks_exporter;

int ks_exporter_new(struct ks_exporter **exporter, struct event_base *base, const char *address,
		    void (*fill)(FILE *out, void *ctx), void *ctx);
/* GET /health too: answers 200 when healthy() says so, else 503; what it writes to out is the body, one line. */
void ks_exporter_health(struct ks_exporter *exporter, bool (*healthy)(FILE *out, void *ctx), void *ctx);
void ks_exporter_free(struct ks_exporter *exporter);

#endif
