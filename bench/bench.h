/* SPDX-License-Identifier: Apache-2.0
 *
 * What benchmarks have in common: they measure CPU time, print one line per finding, and leave medians, ratios and JSON
 * to bench/summary.awk. A line has fields between tabs:
 *
 *	sample	CASE	SUBJECT	METRIC	RUN	VALUE
 *	skipped	CASE	SUBJECT	METRIC	WHY
 *	ratio	CASE	METRIC	OF	TO	LIMIT
 *	least	CASE	METRIC	OF	TO	LIMIT
 *	goal	CASE	SUBJECT	METRIC	LIMIT
 *	note	SUBJECT	TEXT
 *
 * LIMIT is the highest median that is good, of `least` the lowest; that of a ratio is 0 when there is no goal. A note says
 * what was compared, with which options.
 */
#ifndef KS_BENCH_H
#define KS_BENCH_H

#include <stddef.h>
#include <stdint.h>

struct bench {
	unsigned runs;
	int64_t slice_us;	/* of CPU time per subject, run and turn */
	unsigned window_s;	/* of a run that has a pace of its own */
};

void bench_sample(const char *name, const char *subject, const char *metric, unsigned run, double value);
void bench_skipped(const char *name, const char *subject, const char *metric, const char *why);
void bench_ratio(const char *name, const char *metric, const char *of, const char *to, double limit);
void bench_goal(const char *name, const char *subject, const char *metric, double limit);
void bench_note(const char *subject, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line for who waits, on standard error. */
void bench_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends the program: it cannot measure what it claims to. */
void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* CPU time of this process, user and system. */
int64_t bench_cpu_us(void);

struct bench_subject {
	const char *name;
	void (*once)(void *ctx);
	void *ctx;
	double divisor;		/* of the things that `metric` counts, in one call */
};

/* Measures subjects in turn, many times within each run, so that what slows the machine slows them all. The metric is
 * CPU microseconds per thing. */
void bench_alternate(const struct bench *bench, const char *name, const char *metric,
		     const struct bench_subject *subjects, size_t n);

#endif
