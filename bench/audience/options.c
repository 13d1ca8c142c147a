/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/audience/options.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/name.h"

#define TEXT_(number) #number
#define TEXT(number) TEXT_(number)
#define SECONDS_MAX (366 * 24 * 3600)
#define SIGMA_MAX 5.0
#define HOSTILE_MAX 100000

static const char *const conditionals[] = { [SWARM_AFTER] = "after", [SWARM_ETAG] = "etag",
					    [SWARM_UNCONDITIONAL] = "off" };

static const char *origin_expected(const char *text)
{
	struct swarm_origin origin;

	return swarm_origin_parse(text, &origin);
}

static int mode_of(const char *text)
{
	for (int m = 0; m < SWARM_MODES; m++)
		if (strcmp(text, swarm_mode_names[m]) == 0)
			return m;
	return -1;
}

static const char *mode_expected(const char *text)
{
	return mode_of(text) >= 0 ? NULL : "poll, locked, wait, stream or flat";
}

static int conditional_of(const char *text)
{
	for (int c = SWARM_AFTER; c <= SWARM_UNCONDITIONAL; c++)
		if (strcmp(text, conditionals[c]) == 0)
			return c;
	return -1;
}

static const char *conditional_expected(const char *text)
{
	return conditional_of(text) >= 0 ? NULL : "after, etag or off";
}

/* "N@SECONDS" */
static bool parse_burst(const char *text, size_t *viewers, int64_t *at_us)
{
	char *at, *end;
	unsigned long n = strtoul(text, &at, 10);
	double at_s = *at == '@' ? strtod(at + 1, &end) : -1;

	if (at == text || *text == '-' || n < 1 || n > SWARM_VIEWERS_MAX || at_s < 0 || end == at + 1 || *end != '\0' ||
	    !(at_s <= SECONDS_MAX))
		return false;
	*viewers = n;
	*at_us = (int64_t)(at_s * (double)KS_US_PER_S);
	return true;
}

static const char *burst_expected(const char *text)
{
	size_t viewers;
	int64_t at_us;

	return parse_burst(text, &viewers, &at_us) ? NULL : "VIEWERS@SECONDS";
}

static const char *sigma_expected(const char *text)
{
	char *end;
	double sigma = strtod(text, &end);

	return end != text && *end == '\0' && sigma >= 0 && sigma <= SIGMA_MAX ? NULL : "a number from 0 to 5";
}

static const char *process_expected(const char *text)
{
	pid_t pid;

	return swarm_observed_parse(text, &pid) ? NULL : "the id of a running process";
}

static const char *picture_expected(const char *text)
{
	return text[0] == '/' && strlen(text) < SWARM_PATH_MAX && strpbrk(text, " \t\r\n#") == NULL ?
		       NULL : "a path that begins with a slash";
}

#define SETTING(name) offsetof(struct swarm_options, name)
static const struct ks_setting settings[] = {
	{ .name = "origin", .type = KS_LIST, .offset = SETTING(origins), .arg = "URL[=WEIGHT]",
	  .check = origin_expected,
	  .help = "the location that is watched, like http://[::1]:8080/live; may be repeated, with weights; needed" },
	{ .name = "mode", .type = KS_TEXT, .offset = SETTING(mode), .arg = "MODE", .preset = "wait",
	  .check = mode_expected, .help = "how viewers ask: poll, locked, wait, stream or flat" },
	{ .name = "channel", .type = KS_TEXT, .offset = SETTING(channel), .arg = "NAME", .preset = "main",
	  .check = ks_channel_expected, .help = "watch this channel" },
	{ .name = "rendition", .type = KS_TEXT, .offset = SETTING(rendition), .arg = "NAME", .preset = "std",
	  .check = ks_rendition_expected, .help = "watch this rendition of it" },
	{ .name = "picture", .type = KS_TEXT, .offset = SETTING(picture), .arg = "PATH", .check = picture_expected,
	  .help = "ask for this below the origin, instead of CHANNEL/RENDITION/latest.jpg" },
	{ .name = "plain", .type = KS_SWITCH, .offset = SETTING(plain), .preset = "no",
	  .help = "the server is not mod_sentry: its pictures need no stamp and its answers no Frame- fields" },
	{ .name = "viewers", .type = KS_NUMBER, .offset = SETTING(viewers), .arg = "N", .preset = "100", .min = 0,
	  .max = SWARM_VIEWERS_MAX, .help = "how many of them; in mode flat, connections" },
	{ .name = "seconds", .type = KS_NUMBER, .offset = SETTING(seconds), .arg = "S", .preset = "10", .min = 1,
	  .max = SECONDS_MAX, .help = "measure for so long" },
	{ .name = "warmup", .type = KS_NUMBER, .offset = SETTING(warmup_s), .arg = "S", .preset = "0", .min = 0,
	  .max = SECONDS_MAX, .help = "after so long of the same that does not count" },
	{ .name = "pictures", .type = KS_NUMBER, .offset = SETTING(pictures), .arg = "N", .preset = "0", .min = 0,
	  .max = INT64_MAX, .help = "end after so many, good or bad, if that is earlier; 0: no such end" },
	{ .name = "processes", .type = KS_NUMBER, .offset = SETTING(processes), .arg = "N", .preset = "1", .min = 1,
	  .max = SWARM_PROCESSES_MAX, .help = "share the viewers between so many" },
	{ .name = "interval-ms", .type = KS_NUMBER, .offset = SETTING(interval_ms), .arg = "MS", .preset = "1000",
	  .min = 1, .max = 3600000, .help = "mode poll: ask so often" },
	{ .name = "wait-ms", .type = KS_NUMBER, .offset = SETTING(wait_ms), .arg = "MS", .preset = "10000", .min = 0,
	  .max = 3600000, .help = "mode wait: for how long the server shall wait for a newer picture" },
	{ .name = "spread-ms", .type = KS_NUMBER, .offset = SETTING(spread_ms), .arg = "MS", .preset = "100", .min = 0,
	  .max = 3600000, .help = "spread requests over this where answers have no Frame-Spread" },
	{ .name = "conditional", .type = KS_TEXT, .offset = SETTING(conditional), .arg = "HOW", .preset = "after",
	  .check = conditional_expected,
	  .help = "modes poll and locked: ask for something new only, by after or etag; or off" },
	{ .name = "digest-every", .type = KS_NUMBER, .offset = SETTING(digest_every), .arg = "N", .preset = "1",
	  .min = 0, .max = INT32_MAX, .help = "compare the digest of every Nth picture; 0: of none" },
	{ .name = "timeout", .type = KS_NUMBER, .offset = SETTING(timeout_s), .arg = "S", .preset = "10", .min = 1,
	  .max = 3600, .help = "give an answer up after so long, beyond what it was asked to wait" },
	{ .name = "stall-ms", .type = KS_NUMBER, .offset = SETTING(stall_ms), .arg = "MS", .preset = "3000", .min = 1,
	  .max = 3600000, .help = "a longer time without a new picture is a stall" },
	{ .name = "ramp", .type = KS_NUMBER, .offset = SETTING(ramp_s), .arg = "S", .preset = "0", .min = 0,
	  .max = SECONDS_MAX, .help = "let the viewers come one by one within so long; 0: all at once" },
	{ .name = "trace", .type = KS_TEXT, .offset = SETTING(trace), .arg = "FILE",
	  .help = "let as many be there as its lines \"seconds,viewers\" say, instead of viewers and ramp" },
	{ .name = "burst", .type = KS_LIST, .offset = SETTING(bursts), .arg = "N@S", .check = burst_expected,
	  .help = "N more from second S on; may be repeated" },
	{ .name = "stay-median", .type = KS_NUMBER, .offset = SETTING(stay_median_s), .arg = "S", .preset = "0",
	  .min = 0, .max = SECONDS_MAX,
	  .help = "half of the viewers stay shorter, and a new one comes for each that goes; 0: all stay" },
	{ .name = "stay-sigma", .type = KS_TEXT, .offset = SETTING(stay_sigma), .arg = "X", .preset = "1",
	  .check = sigma_expected, .help = "how much that differs: the sigma of its log-normal" },
	{ .name = "slow", .type = KS_NUMBER, .offset = SETTING(slow), .arg = "N", .preset = "0", .min = 0,
	  .max = HOSTILE_MAX, .help = "viewers beside these that read slowly" },
	{ .name = "slow-bytes-per-s", .type = KS_NUMBER, .offset = SETTING(slow_rate), .arg = "B", .preset = "4000",
	  .min = 10, .max = INT32_MAX, .help = "how slowly" },
	{ .name = "stalled", .type = KS_NUMBER, .offset = SETTING(stalled), .arg = "N", .preset = "0", .min = 0,
	  .max = HOSTILE_MAX, .help = "viewers beside these that ask and never read" },
	{ .name = "loris", .type = KS_NUMBER, .offset = SETTING(loris), .arg = "N", .preset = "0", .min = 0,
	  .max = HOSTILE_MAX, .help = "viewers beside these that never end their request" },
	{ .name = "loris-interval", .type = KS_NUMBER, .offset = SETTING(loris_interval_s), .arg = "S", .preset = "5",
	  .min = 1, .max = 3600, .help = "seconds between its bytes" },
	{ .name = "cpu-of", .type = KS_LIST, .offset = SETTING(observed), .arg = "PID", .check = process_expected,
	  .help = "report the CPU time of this server's process while it counts; may be repeated" },
	{ .name = "tls", .type = KS_SWITCH, .offset = SETTING(tls), .preset = "no",
	  .help = "speak TLS also to origins that are given as http" },
	{ .name = "tls-ca", .type = KS_TEXT, .offset = SETTING(tls_ca), .arg = "FILE",
	  .help = "check certificates against these authorities; without it they are not checked" },
	{ .name = "seed", .type = KS_NUMBER, .offset = SETTING(seed), .arg = "N", .preset = "1", .min = 0,
	  .max = INT32_MAX, .help = "of all that is left to luck" },
	{ .name = "json", .type = KS_TEXT, .offset = SETTING(json), .arg = "FILE",
	  .help = "write the report as JSON, too" },
	{ .name = "quiet", .type = KS_SWITCH, .offset = SETTING(quiet), .preset = "no", .help = "no line each second" },
	{ .name = "expect-clean", .type = KS_SWITCH, .offset = SETTING(expect_clean), .preset = "no",
	  .help = "fail also when a picture was older than the one before, was cut, or never came" },
	{ .name = "force", .type = KS_SWITCH, .offset = SETTING(force), .preset = "no",
	  .help = "report although this program was the bottleneck; the report then says so" },
	{ .name = NULL },
};

static int validate(const void *ctx)
{
	const struct swarm_options *o = ctx;
	double weights = 0;

	if (o->origins.n == 0 || o->origins.n > SWARM_ORIGINS_MAX) {
		ks_error("config", "--origin: expected 1 to %d of them, such as --origin http://relay.example/live",
			 SWARM_ORIGINS_MAX);
		return KS_ECONFIG;
	}
	if (o->observed.n > SWARM_OBSERVED_MAX) {
		ks_error("config", "cpu-of: expected at most %d processes", SWARM_OBSERVED_MAX);
		return KS_ECONFIG;
	}
	for (size_t i = 0; i < o->origins.n; i++) {
		struct swarm_origin origin;

		swarm_origin_parse(ks_list_text(&o->origins, i), &origin);
		weights += origin.weight;
	}
	if (!(weights > 0)) {
		ks_error("config", "origin: expected at least one with a weight above 0");
		return KS_ECONFIG;
	}
	return KS_EOK;
}

static const struct ks_program program = {
	.name = "swarm",
	.summary = "Watches as thousands of viewers would, checks every picture, and reports what they saw.\n"
		   "doc/swarm.md says what the numbers mean.",
	.settings = settings, .size = sizeof(struct swarm_options), .validate = validate,
};

static int read_arrivals(struct swarm_run *run)
{
	const struct swarm_options *o = &run->o;
	int err = o->trace != NULL ? swarm_arrivals_trace(&run->arrivals, o->trace) :
				     swarm_arrivals_ramp(&run->arrivals, (size_t)o->viewers, o->ramp_s * KS_US_PER_S);

	run->arrivals.stay_median_s = (double)o->stay_median_s;
	run->arrivals.stay_sigma = strtod(o->stay_sigma, NULL);
	for (size_t i = 0; err == KS_EOK && i < o->bursts.n; i++) {
		size_t viewers;
		int64_t at_us;

		parse_burst(ks_list_text(&o->bursts, i), &viewers, &at_us);
		err = swarm_arrivals_burst(&run->arrivals, viewers, at_us);
	}
	return err;
}

static int read_run(struct swarm_run *run)
{
	const struct swarm_options *o = &run->o;
	int err = read_arrivals(run);

	run->pacing = (struct swarm_pacing){
		.mode = (enum swarm_mode)mode_of(o->mode), .interval_us = o->interval_ms * KS_US_PER_MS,
		.spread_us = o->spread_ms * KS_US_PER_MS, .wait_us = o->wait_ms * KS_US_PER_MS,
	};
	run->conditional = (enum swarm_conditional)conditional_of(o->conditional);
	for (; run->n_observed < o->observed.n; run->n_observed++)
		swarm_observed_parse(ks_list_text(&o->observed, run->n_observed), &run->observed[run->n_observed]);
	for (; err == KS_EOK && run->origins < o->origins.n; run->origins++) {
		struct swarm_origin *origin = &run->origin[run->origins];

		swarm_origin_parse(ks_list_text(&o->origins, run->origins), origin);
		origin->tls |= o->tls;
		err = swarm_origin_resolve(origin);
	}
	return err;
}

enum ks_settings_outcome swarm_options_read(int argc, char **argv, struct swarm_run *run)
{
	enum ks_settings_outcome outcome;
	int err;

	memset(run, 0, sizeof(*run));
	outcome = ks_settings_load(&program, argc, argv, &run->o);
	if (outcome != KS_SETTINGS_RUN)
		return outcome;
	err = read_run(run);
	if (err == KS_EOK)
		return KS_SETTINGS_RUN;
	if (err != KS_ECONFIG)
		ks_error("swarm", "%s", ks_strerror(err));
	swarm_options_free(run);
	return KS_SETTINGS_USAGE;
}

void swarm_options_free(struct swarm_run *run)
{
	swarm_arrivals_free(&run->arrivals);
	ks_settings_free(&program, &run->o);
}
