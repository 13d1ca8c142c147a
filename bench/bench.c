/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TURNS 8			/* of each subject within a run */
#define SUBJECTS_MAX 8

void bench_sample(const char *name, const char *subject, const char *metric, unsigned run, double value)
{
	printf("sample\t%s\t%s\t%s\t%u\t%.6g\n", name, subject, metric, run, value);
	fflush(stdout);
}

void bench_skipped(const char *name, const char *subject, const char *metric, const char *why)
{
	printf("skipped\t%s\t%s\t%s\t%s\n", name, subject, metric, why);
}

void bench_ratio(const char *name, const char *metric, const char *of, const char *to, double limit)
{
	printf("ratio\t%s\t%s\t%s\t%s\t%g\n", name, metric, of, to, limit);
}

void bench_goal(const char *name, const char *subject, const char *metric, double limit)
{
	printf("goal\t%s\t%s\t%s\t%g\n", name, subject, metric, limit);
}

void bench_note(const char *subject, const char *format, ...)
{
	va_list args;

	printf("note\t%s\t", subject);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

void bench_progress(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void bench_die(const char *format, ...)
{
	va_list args;

	fputs("bench: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

int64_t bench_cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

/* CPU time of that many calls. */
static int64_t time_us(const struct bench_subject *subject, unsigned calls)
{
	int64_t from_us = bench_cpu_us();

	for (unsigned i = 0; i < calls; i++)
		subject->once(subject->ctx);
	return bench_cpu_us() - from_us;
}

/* How many calls fill a slice; warms the caches too. */
static unsigned calibrate(const struct bench_subject *subject, int64_t slice_us)
{
	unsigned calls = 1;
	int64_t took_us = time_us(subject, calls);

	while (took_us < slice_us / 2) {
		calls *= 2;
		took_us = time_us(subject, calls);
	}
	return took_us > 0 ? (unsigned)(calls * slice_us / took_us) + 1 : 1;
}

void bench_alternate(const struct bench *bench, const char *name, const char *metric,
		     const struct bench_subject *subjects, size_t n)
{
	unsigned calls[SUBJECTS_MAX];

	for (size_t i = 0; i < n; i++)
		calls[i] = calibrate(&subjects[i], bench->slice_us);
	for (unsigned run = 0; run < bench->runs; run++) {
		int64_t spent_us[SUBJECTS_MAX] = { 0 };

		for (unsigned turn = 0; turn < TURNS; turn++)
			for (size_t i = 0; i < n; i++)
				spent_us[i] += time_us(&subjects[i], calls[i]);
		for (size_t i = 0; i < n; i++)
			bench_sample(name, subjects[i].name, metric, run,
				     (double)spent_us[i] / (TURNS * (double)calls[i] * subjects[i].divisor));
	}
}
