/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "koshienctl/command.h"

#include <stdio.h>

enum {
	OPT_CHANNEL, OPT_RENDITION, OPT_SECONDS, OPT_POLL, OPT_WEIGHTS, OPT_JSON, OPT_QUIET
};

#ifdef HAVE_CURL
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "koshienctl/viewer.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"

#define SECONDS_MAX (366 * 24 * 3600)
#define POLL_MIN_MS 10
#define POLL_MAX_MS 60000

struct weight {
	char name[KS_ANSWER_VALUE_MAX];
	double share;			/* of all, 0 to 1 */
};

struct weights {
	struct weight of[KS_TALLY_SERVERS_MAX];
	size_t n;
};

struct watch {
	const struct ks_arguments *args;
	struct ks_viewer_settings viewer;
	struct ks_tally tally;
	struct weights weights;
	char *url;
};

/* --- what is asked for ------------------------------------------------------------------------ */

static bool read_weight(struct weights *weights, const char *part)
{
	const char *value = strchr(part, '=');
	struct weight *w = &weights->of[weights->n];
	char *end;

	if (weights->n == KS_TALLY_SERVERS_MAX || value == NULL || value == part ||
	    (size_t)(value - part) >= sizeof(w->name))
		return false;
	memcpy(w->name, part, (size_t)(value - part));
	w->name[value - part] = '\0';
	w->share = strtod(value + 1, &end);
	if (end == value + 1 || *end != '\0' || !(w->share >= 0 && w->share <= 1e6))
		return false;
	weights->n++;
	return true;
}

/* "relay-a=10,relay-b=2": any numbers, made into shares of one. */
static bool read_weights(const char *text, struct weights *weights)
{
	char *copy = strdup(text), *rest = copy, *part;
	bool good = copy != NULL;
	double sum = 0;

	while (good && (part = strsep(&rest, ",")) != NULL)
		good = read_weight(weights, part);
	free(copy);
	for (size_t i = 0; i < weights->n; i++)
		sum += weights->of[i].share;
	for (size_t i = 0; i < weights->n; i++)
		weights->of[i].share /= sum;
	return good && sum > 0;
}

static bool good_url(const char *url)
{
	return (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0) && strpbrk(url, "?# ") == NULL;
}

static enum ks_exit read_arguments(struct watch *w)
{
	const struct ks_arguments *args = w->args;
	int64_t seconds = 0, poll_ms;
	size_t len = strlen(args->words[0]);

	if (!good_url(args->words[0]))
		return ks_usage(args->command, "expected the URL of a location, such as http://[::1]:8080/live, got '%s'",
				args->words[0]);
	if (ks_channel_expected(args->value[OPT_CHANNEL]) != NULL)
		return ks_usage(args->command, "--channel: expected %s", ks_channel_expected(args->value[OPT_CHANNEL]));
	if (ks_rendition_expected(args->value[OPT_RENDITION]) != NULL)
		return ks_usage(args->command, "--rendition: expected %s",
				ks_rendition_expected(args->value[OPT_RENDITION]));
	if (args->value[OPT_SECONDS] != NULL && !ks_argument_number(args, OPT_SECONDS, 1, SECONDS_MAX, &seconds))
		return KS_EXIT_USAGE;
	if (!ks_argument_number(args, OPT_POLL, POLL_MIN_MS, POLL_MAX_MS, &poll_ms))
		return KS_EXIT_USAGE;
	if (args->value[OPT_WEIGHTS] != NULL && !read_weights(args->value[OPT_WEIGHTS], &w->weights))
		return ks_usage(args->command, "--weights: expected NAME=NUMBER,NAME=NUMBER of at most %d servers, got '%s'",
				KS_TALLY_SERVERS_MAX, args->value[OPT_WEIGHTS]);
	while (len > 0 && args->words[0][len - 1] == '/')
		len--;
	w->url = strndup(args->words[0], len);
	w->viewer = (struct ks_viewer_settings){
		.url = w->url, .channel = args->value[OPT_CHANNEL], .rendition = args->value[OPT_RENDITION],
		.poll_us = poll_ms * KS_US_PER_MS, .run_us = seconds * KS_US_PER_S, .stop_fd = -1,
	};
	return w->url != NULL ? KS_EXIT_GOOD : KS_EXIT_FAILED;
}

/* --- what is said ----------------------------------------------------------------------------- */

static void tell(void *ctx, const struct ks_viewer_news *news)
{
	const struct ks_tally *t = news->tally;
	char when[32], id[KS_FRAME_ID_TEXT] = "-";
	time_t now = (time_t)(ks_wall_us(&ks_clock_system) / KS_US_PER_S);
	struct tm utc;
	long long age_ms = 0;

	(void)ctx;
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	if (t->distinct > 0) {
		ks_frame_id_format(t->newest.id, id);
		age_ms = (t->newest_age_us + news->mono_us - t->newest_at_us) / KS_US_PER_MS;
	}
	printf("%s  frames %llu  newest %s  age %lld ms  by %s  bad %llu  backwards %llu  errors %llu%s%s\n", when,
	       (unsigned long long)t->frames, id, age_ms, *news->served_by != '\0' ? news->served_by : "-",
	       (unsigned long long)t->bad, (unsigned long long)t->backwards, (unsigned long long)t->errors,
	       *news->trouble != '\0' ? "  " : "", news->trouble);
	fflush(stdout);
}

/* The largest distance of a server's share from its weight. */
static double share_error(const struct ks_tally *tally, const struct weights *weights)
{
	double worst = 0;

	for (size_t i = 0; i < weights->n; i++)
		worst = fmax(worst, fabs(ks_tally_share(tally, weights->of[i].name) - weights->of[i].share));
	return worst;
}

static json_t *rounded(double value)
{
	return json_real(round(value * 1000) / 1000);
}

static json_t *share_json(const struct watch *w)
{
	json_t *share = json_object();

	for (size_t i = 0; i < w->tally.n_served; i++)
		json_object_set_new(share, w->tally.served[i].name,
				    rounded(ks_tally_share(&w->tally, w->tally.served[i].name)));
	for (size_t i = 0; i < w->weights.n; i++)
		if (json_object_get(share, w->weights.of[i].name) == NULL)
			json_object_set_new(share, w->weights.of[i].name, json_real(0));
	return share;
}

static json_t *bad_json(const struct ks_tally *tally)
{
	json_t *by = json_object();

	for (size_t i = 0; i < KS_VERDICTS; i++)
		if (tally->bad_by[i] > 0)
			json_object_set_new(by, ks_verdict_names[i], json_integer((json_int_t)tally->bad_by[i]));
	return by;
}

/* Keys below "share" go beyond what the demo's checks read. */
static bool print_json(struct watch *w, int64_t mono_us, int64_t seconds_us)
{
	struct ks_tally *t = &w->tally;
	json_t *root = json_pack("{s:I,s:I,s:I,s:I,s:I,s:{s:I,s:I,s:I},s:o,s:I,s:I,s:I,s:I,s:o,s:o}",
				 "frames", (json_int_t)t->frames, "distinct", (json_int_t)t->distinct,
				 "bad", (json_int_t)t->bad, "backwards", (json_int_t)t->backwards,
				 "gap_ms", (json_int_t)(ks_tally_gap_us(t, mono_us) / KS_US_PER_MS),
				 "age_ms", "p50", (json_int_t)(ks_tally_age_us(t, 0.5) / KS_US_PER_MS),
				 "p99", (json_int_t)(ks_tally_age_us(t, 0.99) / KS_US_PER_MS),
				 "shown_mean", (json_int_t)(ks_tally_mean_age_us(t, mono_us) / KS_US_PER_MS),
				 "share", share_json(w), "responses", (json_int_t)t->responses,
				 "empty", (json_int_t)t->empty, "errors", (json_int_t)t->errors,
				 "bytes", (json_int_t)t->bytes,
				 "seconds", rounded((double)seconds_us / (double)KS_US_PER_S), "bad_by", bad_json(t));
	bool good = root != NULL;

	if (good && w->weights.n > 0)
		json_object_set_new(root, "share_error", rounded(share_error(t, &w->weights)));
	if (good && json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0)
		printf("\n");
	json_decref(root);
	return good;
}

static void print_words(struct watch *w, int64_t mono_us, int64_t seconds_us)
{
	struct ks_tally *t = &w->tally;

	printf("\n%llu good pictures in %.1f s, %llu of them new; bad %llu, backwards %llu, errors %llu\n",
	       (unsigned long long)t->frames, (double)seconds_us / (double)KS_US_PER_S,
	       (unsigned long long)t->distinct, (unsigned long long)t->bad, (unsigned long long)t->backwards,
	       (unsigned long long)t->errors);
	for (size_t i = 0; i < KS_VERDICTS; i++)
		if (t->bad_by[i] > 0)
			printf("  bad because of %s: %llu\n", ks_verdict_names[i], (unsigned long long)t->bad_by[i]);
	if (t->frames > 0)
		printf("age when received: half within %lld ms, 99 %% within %lld ms; on the screen %lld ms on average\n"
		       "longest time without a new picture: %lld ms\n",
		       (long long)(ks_tally_age_us(t, 0.5) / KS_US_PER_MS),
		       (long long)(ks_tally_age_us(t, 0.99) / KS_US_PER_MS),
		       (long long)(ks_tally_mean_age_us(t, mono_us) / KS_US_PER_MS),
		       (long long)(ks_tally_gap_us(t, mono_us) / KS_US_PER_MS));
	for (size_t i = 0; i < t->n_served; i++)
		printf("%5.1f %% of the answers by %s\n", 100 * ks_tally_share(t, t->served[i].name), t->served[i].name);
	if (w->weights.n > 0)
		printf("largest distance from --weights: %.1f points\n", 100 * share_error(t, &w->weights));
}

/* --- the run ---------------------------------------------------------------------------------- */

static int stop_on_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
	fd = sigprocmask(SIG_BLOCK, &set, NULL) == 0 ? signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK) : -1;
	if (fd < 0)
		ks_error("watch", "cannot wait for signals: %s", strerror(errno));
	return fd;
}

static enum ks_exit watch(struct watch *w)
{
	bool quiet = w->args->value[OPT_QUIET] != NULL;
	int64_t start_us = ks_mono_us(&ks_clock_system), end_us;
	struct ks_tally *t = &w->tally;

	if (ks_viewer_run(&w->viewer, t, quiet ? NULL : tell, NULL) != KS_EOK)
		return KS_EXIT_FAILED;
	end_us = ks_mono_us(&ks_clock_system);
	if (w->args->value[OPT_JSON] == NULL)
		print_words(w, end_us, end_us - start_us);
	else if (!print_json(w, end_us, end_us - start_us))
		return KS_EXIT_FAILED;
	return t->frames > 0 && t->bad == 0 && t->backwards == 0 ? KS_EXIT_GOOD : KS_EXIT_FAILED;
}

static enum ks_exit run_watch(const struct ks_arguments *args)
{
	struct watch w = { .args = args };
	enum ks_exit status = read_arguments(&w);

	if (status == KS_EXIT_GOOD) {
		status = KS_EXIT_FAILED;
		w.viewer.stop_fd = stop_on_signals();
		if (w.viewer.stop_fd >= 0 && ks_tally_init(&w.tally) == KS_EOK)
			status = watch(&w);
		if (w.viewer.stop_fd >= 0)
			close(w.viewer.stop_fd);
		ks_tally_free(&w.tally);
	}
	free(w.url);
	return status;
}

#else

static enum ks_exit run_watch(const struct ks_arguments *args)
{
	(void)args;
	fprintf(stderr, "koshienctl watch: left out of this build, which had no libcurl; install libcurl's headers "
		"(Debian: libcurl4-openssl-dev), then configure and make again\n");
	return KS_EXIT_FAILED;
}

#endif

static const struct ks_option options[] = {
	[OPT_CHANNEL] = { "channel", "NAME", "watch this channel", "main" },
	[OPT_RENDITION] = { "rendition", "NAME", "watch this rendition of it", "std" },
	[OPT_SECONDS] = { "seconds", "N", "end after so long; without it, on Ctrl-C", NULL },
	[OPT_POLL] = { "poll-ms", "MS", "ask at least this often", "250" },
	[OPT_WEIGHTS] = { "weights", "LIST", "compare the shares with NAME=NUMBER,NAME=NUMBER", NULL },
	[OPT_JSON] = { "json", NULL, "end with one line of JSON instead of words", NULL },
	[OPT_QUIET] = { "quiet", NULL, "no line each second", NULL },
	{ NULL, NULL, NULL, NULL }
};

const struct ks_command ks_command_watch = {
	.name = "watch", .words = "URL", .words_min = 1, .words_max = 1,
	.summary = "watch as a viewer would and check every picture",
	.details = "URL is the location that mod_sentry serves, such as http://[::1]:8080/live. Ages are right when this\n"
		   "machine's clock agrees with the capture machine's.\n"
		   "Exits 1 when there was no picture, a bad one, or one older than the one before it.\n",
	.options = options, .run = run_watch,
};
