/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/audience/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"

#define MS (double)KS_US_PER_MS

/* --- may it be believed? ------------------------------------------------------------------------ */

static void doubt(struct swarm_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void doubt(struct swarm_report *report, const char *format, ...)
{
	size_t len = strlen(report->doubt);
	va_list ap;

	if (len > 0)
		len += (size_t)snprintf(report->doubt + len, sizeof(report->doubt) - len, "; ");
	if (len >= sizeof(report->doubt))
		return;
	va_start(ap, format);
	vsnprintf(report->doubt + len, sizeof(report->doubt) - len, format, ap);
	va_end(ap);
}

static void find_doubts(struct swarm_report *report)
{
	int64_t slip_us = swarm_histogram_quantile(&report->sum.slip, 0.99);

	if (slip_us > SWARM_SLIP_MAX_US)
		doubt(report, "its timers were up to %.1f ms late (99th percentile; at most %.0f are right): give it "
		      "more --processes, fewer --viewers or a --ramp, or cores of its own", (double)slip_us / MS,
		      (double)SWARM_SLIP_MAX_US / MS);
	if (report->cpu_share > SWARM_CPU_MAX)
		doubt(report, "it used %.0f %% of a core (at most %.0f are right): give it more --processes and cores, "
		      "or a higher --digest-every", 100 * report->cpu_share, 100 * SWARM_CPU_MAX);
	if (report->sum.own_error != 0)
		doubt(report, "this machine did not let it connect (%s): raise its limits, or bind more addresses to "
		      "the server", strerror(report->sum.own_error));
}

void swarm_report_make(struct swarm_report *report, const struct swarm_run *run, const struct swarm_shared *shared)
{
	struct swarm_result *sum = &report->sum;

	memset(report, 0, sizeof(*report));
	for (int64_t p = 0; p < run->o.processes; p++) {
		const struct swarm_result *result = &shared->of[p];
		double share = result->window_us > 0 ? (double)result->cpu_us / (double)result->window_us : 0;

		for (int kind = 0; kind < SWARM_KINDS; kind++)
			swarm_tally_merge(&sum->tally[kind], &result->tally[kind]);
		swarm_histogram_merge(&sum->slip, &result->slip);
		sum->present += result->present;
		sum->cpu_us += result->cpu_us;
		sum->observed_us += result->observed_us;
		sum->resident_bytes += result->resident_bytes;
		if (result->window_us > sum->window_us)
			sum->window_us = result->window_us;
		if (result->own_error != 0)
			sum->own_error = result->own_error;
		if (sum->fault[0] == '\0')
			memcpy(sum->fault, result->fault, sizeof(sum->fault));
		if (share > report->cpu_share)
			report->cpu_share = share;
	}
	find_doubts(report);
}

/* --- JSON --------------------------------------------------------------------------------------- */

static json_t *rounded(double x)
{
	return json_real((double)(int64_t)(x * 1000 + (x < 0 ? -0.5 : 0.5)) / 1000);
}

static json_t *histogram_json(const struct swarm_histogram *h)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "mean", rounded(swarm_histogram_mean(h) / MS),
			 "p50", rounded((double)swarm_histogram_quantile(h, 0.5) / MS),
			 "p90", rounded((double)swarm_histogram_quantile(h, 0.9) / MS),
			 "p99", rounded((double)swarm_histogram_quantile(h, 0.99) / MS),
			 "p999", rounded((double)swarm_histogram_quantile(h, 0.999) / MS), "max", rounded(h->max / MS));
}

static void put_histogram(json_t *object, const char *key, const struct swarm_histogram *h)
{
	if (h->weight > 0)
		json_object_set_new(object, key, histogram_json(h));
}

static uint64_t served_sum(const struct swarm_tally *tally)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < tally->n_served; i++)
		sum += tally->served[i].n;
	return sum;
}

static json_t *share_json(const struct swarm_tally *tally)
{
	json_t *share = json_object();

	for (unsigned i = 0; i < tally->n_served; i++)
		json_object_set_new(share, tally->served[i].name,
				    json_real((double)tally->served[i].n / (double)served_sum(tally)));
	return share;
}

static json_t *status_json(const struct swarm_tally *tally)
{
	json_t *statuses = json_object();
	char key[8];

	for (unsigned i = 0; i < SWARM_STATUS_MAX; i++) {
		snprintf(key, sizeof(key), "%u", i);
		if (tally->status[i] > 0)
			json_object_set_new(statuses, key, json_integer((json_int_t)tally->status[i]));
	}
	return statuses;
}

static json_t *bad_json(const struct swarm_tally *tally)
{
	json_t *by = json_object();

	for (unsigned i = 0; i < KS_VERDICTS; i++)
		if (tally->bad_by[i] > 0)
			json_object_set_new(by, ks_verdict_names[i], json_integer((json_int_t)tally->bad_by[i]));
	return by;
}

static json_t *tally_json(const struct swarm_tally *tally)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < SWARM_COUNTS; i++)
		json_object_set_new(object, swarm_count_names[i], json_integer((json_int_t)tally->count[i]));
	json_object_set_new(object, "bad_by", bad_json(tally));
	json_object_set_new(object, "statuses", status_json(tally));
	json_object_set_new(object, "share", share_json(tally));
	put_histogram(object, "age_ms", &tally->age);
	put_histogram(object, "arrival_age_ms", &tally->arrival_age);
	put_histogram(object, "latency_ms", &tally->latency);
	put_histogram(object, "gap_ms", &tally->gap);
	put_histogram(object, "first_picture_ms", &tally->first);
	put_histogram(object, "held_ms", &tally->held);
	return object;
}

static double seconds(const struct swarm_report *report)
{
	return (double)report->sum.window_us / (double)KS_US_PER_S;
}

/* Who came during the warm-up has not arrived since, but has asked or seen something. */
static bool took_part(const struct swarm_report *report, int kind)
{
	const struct swarm_tally *tally = &report->sum.tally[kind];

	return tally->count[SWARM_ARRIVED] + tally->count[SWARM_REQUESTS] + tally->count[SWARM_UNSEEN] > 0;
}

static json_t *own_json(const struct swarm_report *report)
{
	return json_pack("{s:o,s:o,s:o,s:I}", "cpu_share", rounded(report->cpu_share),
			 "cpu_s", rounded((double)report->sum.cpu_us / (double)KS_US_PER_S),
			 "slip_ms", histogram_json(&report->sum.slip),
			 "resident_bytes", (json_int_t)report->sum.resident_bytes);
}

static json_t *report_json(const struct swarm_report *report, const struct swarm_run *run)
{
	json_t *root = tally_json(&report->sum.tally[SWARM_WATCHER]);

	json_object_set_new(root, "mode", json_string(run->o.mode));
	json_object_set_new(root, "viewers", json_integer((json_int_t)report->sum.present));
	json_object_set_new(root, "processes", json_integer(run->o.processes));
	json_object_set_new(root, "seconds", rounded(seconds(report)));
	json_object_set_new(root, "reliable", json_boolean(report->doubt[0] == '\0'));
	json_object_set_new(root, "doubt", json_string(report->doubt));
	json_object_set_new(root, "fault", json_string(report->sum.fault));
	json_object_set_new(root, "own", own_json(report));
	if (run->n_observed > 0)
		json_object_set_new(root, "server_cpu_s", json_real((double)report->sum.observed_us / (double)KS_US_PER_S));
	for (int kind = SWARM_SLOW; kind < SWARM_KINDS; kind++)
		if (took_part(report, kind))
			json_object_set_new(root, swarm_kind_names[kind], tally_json(&report->sum.tally[kind]));
	return root;
}

int swarm_report_write(const struct swarm_report *report, const struct swarm_run *run, const char *path)
{
	char part[4096];
	json_t *root = report_json(report, run);
	int n = snprintf(part, sizeof(part), "%s.part", path);
	bool good = root != NULL && (size_t)n < sizeof(part) &&
		    json_dump_file(root, part, JSON_INDENT(1) | JSON_REAL_PRECISION(12)) == 0 &&
		    rename(part, path) == 0;

	json_decref(root);
	if (good)
		return KS_EOK;
	ks_error("swarm", "cannot write %s: %s", path, strerror(errno));
	return errno != 0 ? -errno : -EIO;
}

/* --- table -------------------------------------------------------------------------------------- */

static void print_histogram(const char *name, const struct swarm_histogram *h)
{
	if (h->weight > 0)
		printf("  %-34s %9.1f %9.1f %9.1f %9.1f %9.1f\n", name, swarm_histogram_mean(h) / MS,
		       (double)swarm_histogram_quantile(h, 0.5) / MS, (double)swarm_histogram_quantile(h, 0.9) / MS,
		       (double)swarm_histogram_quantile(h, 0.99) / MS, h->max / MS);
}

static void print_counts(const struct swarm_tally *tally)
{
	for (unsigned i = 0; i < SWARM_COUNTS; i++)
		if (tally->count[i] > 0 || i == SWARM_PICTURES || i == SWARM_BAD || i == SWARM_BACKWARDS)
			printf("  %-34s %9" PRIu64 "\n", swarm_count_names[i], tally->count[i]);
	for (unsigned i = 0; i < KS_VERDICTS; i++)
		if (tally->bad_by[i] > 0)
			printf("  bad by %-27s %9" PRIu64 "\n", ks_verdict_names[i], tally->bad_by[i]);
	for (unsigned i = 0; i < SWARM_STATUS_MAX; i++)
		if (tally->status[i] > 0)
			printf("  status %-27u %9" PRIu64 "\n", i, tally->status[i]);
	for (unsigned i = 0; i < tally->n_served && tally->n_served > 1; i++)
		printf("  share of %-25.25s %9.4f\n", tally->served[i].name,
		       (double)tally->served[i].n / (double)served_sum(tally));
}

static void print_tally(const struct swarm_tally *tally)
{
	print_counts(tally);
	printf("  %-34s %9s %9s %9s %9s %9s\n", "ms", "mean", "p50", "p90", "p99", "max");
	print_histogram("age on the screen, over time", &tally->age);
	print_histogram("age on arrival", &tally->arrival_age);
	print_histogram("latency since wanted", &tally->latency);
	print_histogram("gap between new pictures", &tally->gap);
	print_histogram("first picture since arriving", &tally->first);
	print_histogram("held by the server", &tally->held);
}

static void print_server(const struct swarm_report *report)
{
	uint64_t pictures = report->sum.tally[SWARM_WATCHER].count[SWARM_PICTURES];
	double us = (double)report->sum.observed_us;

	printf("the server: %.3f s of CPU, %.2f us for each picture\n", us / (double)KS_US_PER_S,
	       pictures > 0 ? us / (double)pictures : 0);
}

void swarm_report_print(const struct swarm_report *report, const struct swarm_run *run)
{
	const struct swarm_tally *watchers = &report->sum.tally[SWARM_WATCHER];
	double s = seconds(report) > 0 ? seconds(report) : 1;

	printf("%s, %" PRIu64 " viewers, %" PRId64 " process%s, %.1f s: %.0f pictures/s, %.1f Mbit/s\n", run->o.mode,
	       report->sum.present, run->o.processes, run->o.processes > 1 ? "es" : "", seconds(report),
	       (double)watchers->count[SWARM_PICTURES] / s, (double)watchers->count[SWARM_BYTES] * 8 / 1e6 / s);
	print_tally(watchers);
	for (int kind = SWARM_SLOW; kind < SWARM_KINDS; kind++) {
		if (!took_part(report, kind))
			continue;
		printf("%s\n", swarm_kind_names[kind]);
		print_tally(&report->sum.tally[kind]);
	}
	if (report->sum.fault[0] != '\0')
		printf("first malformed answer: %s\n", report->sum.fault);
	printf("this program: %.0f %% of a core, timers late by p99 %.1f ms\n", 100 * report->cpu_share,
	       (double)swarm_histogram_quantile(&report->sum.slip, 0.99) / MS);
	if (run->n_observed > 0)
		print_server(report);
	if (report->doubt[0] != '\0')
		printf("UNRELIABLE: %s\n", report->doubt);
}

/* --- verdict ------------------------------------------------------------------------------------ */

static bool none(const struct swarm_report *report, enum swarm_count which)
{
	uint64_t n = report->sum.tally[SWARM_WATCHER].count[which] + report->sum.tally[SWARM_SLOW].count[which];

	if (n > 0)
		fprintf(stderr, "swarm: %" PRIu64 " %s\n", n, swarm_count_names[which]);
	return n == 0;
}

bool swarm_report_judge(const struct swarm_report *report, const struct swarm_run *run)
{
	uint64_t skips = report->sum.tally[SWARM_WATCHER].count[SWARM_SKIPS];
	bool good = none(report, SWARM_BAD);

	if (report->sum.tally[SWARM_WATCHER].count[SWARM_PICTURES] == 0) {
		fprintf(stderr, "swarm: not one good picture; statuses and connect errors above say what came instead\n");
		good = false;
	}
	if (run->o.expect_clean) {
		good &= none(report, SWARM_BACKWARDS);
		good &= none(report, SWARM_CLOSED_CUT);
		good &= none(report, SWARM_MALFORMED);
		/* Who reads slowly misses pictures, and rightly so. */
		if (skips > 0) {
			fprintf(stderr, "swarm: %" PRIu64 " skips\n", skips);
			good = false;
		}
	}
	return good;
}

/* --- progress ----------------------------------------------------------------------------------- */

void swarm_report_progress(const struct swarm_run *run, const struct swarm_shared *shared, int64_t now_us,
			   struct swarm_progress *before)
{
	struct swarm_progress now = { 0, 0, 0, 0 };
	uint64_t present = 0, bad = 0, trouble = 0;
	double age_ms = 0;

	for (int64_t p = 0; p < run->o.processes; p++) {
		const struct swarm_tally *tally = &shared->of[p].tally[SWARM_WATCHER];

		now.pictures += tally->count[SWARM_PICTURES];
		now.bytes += tally->count[SWARM_BYTES];
		now.age_sum += tally->age.sum;
		now.age_weight += tally->age.weight;
		present += shared->of[p].present;
		bad += tally->count[SWARM_BAD] + tally->count[SWARM_BACKWARDS];
		trouble += tally->count[SWARM_CONNECT_ERRORS] + tally->count[SWARM_TIMEOUTS] +
			   tally->count[SWARM_CLOSED_CUT] + tally->count[SWARM_CLOSED_UNANSWERED] +
			   tally->count[SWARM_MALFORMED];
	}
	/* Counting has begun anew in between. */
	if (now.pictures < before->pictures || now.age_weight < before->age_weight)
		*before = (struct swarm_progress){ 0, 0, 0, 0 };
	if (now.age_weight > before->age_weight)
		age_ms = (now.age_sum - before->age_sum) / (double)(now.age_weight - before->age_weight) / MS;
	fprintf(stderr, "%4.0f s  %" PRIu64 " viewers  %" PRIu64 " pictures  %.1f Mbit  age %.0f ms  bad %" PRIu64
		"  errors %" PRIu64 "\n", (double)(now_us - shared->start_us) / (double)KS_US_PER_S, present,
		now.pictures - before->pictures, (double)(now.bytes - before->bytes) * 8 / 1e6, age_ms, bad, trouble);
	*before = now;
}
