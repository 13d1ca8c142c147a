/* SPDX-License-Identifier: Apache-2.0
 *
 * wiresim: the transport, as it is, over a simulated network. The frames are divided among worlds, each with
 * its own seed, which run side by side in processes; the result does not depend on how many of these there are.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/frame/manifest.h"
#include "lib/wire/loss.h"
#include "tests/wire/wiresim.h"

#define MILLION 1000000.0
#define USAGE 2

static const char help[] =
	"Usage: wiresim [OPTION]...\n"
	"Sends frames over a simulated network with the code of lib/wire and says how many arrive.\n"
	"\n"
	"Frames:\n"
	"  --frames N            how many (default: 10000)\n"
	"  --bytes N             of each (default: 98000)\n"
	"  --period-ms N         between two (default: 1000)\n"
	"\n"
	"Network, the same for each hop and, but for the blind case, in both directions:\n"
	"  --loss PERCENT        of the datagrams (default: 0)\n"
	"  --burst-ms N          nothing passes for this long on the average, then all, with that mean loss;\n"
	"                        0: each datagram by itself (default: 0)\n"
	"  --rtt-ms N            round trip (default: 40)\n"
	"  --jitter-ms N         each datagram up to this much later, evenly (default: 0)\n"
	"  --reorder PERCENT     arrive one round trip later (default: 0)\n"
	"  --duplicate PERCENT   arrive twice (default: 0)\n"
	"  --corrupt PERCENT     arrive with one byte changed (default: 0)\n"
	"  --mtu N               longest UDP payload; the sender hears when it is too long (default: any)\n"
	"  --mtu-silent          it does not hear\n"
	"  --rate-kbit N         of payload, with a queue of 200 ms in front (default: any)\n"
	"\n"
	"Programs:\n"
	"  --hops N              1 to 4 (default: 1)\n"
	"  --parents 1|2         of the last relay (default: 1)\n"
	"  --nack on|off         off: nothing comes back, all parity is sent at once (default: on)\n"
	"  --expect-loss PERCENT what senders make up for before, or without, a report, up to 50\n"
	"                        (default: 10; with --nack off that of --loss)\n"
	"  --datagram N          bytes of UDP payload that senders use (default: 1200)\n"
	"\n"
	"Trouble; frames are counted in each world:\n"
	"  --kill-parent-at N    at frame N the first parent is killed\n"
	"  --partition N:M       from frame N on, the last hop is down for M frames\n"
	"  --restart N           each N frames one program is killed, in turn, and started again one frame later\n"
	"  --clock-step N        each N frames one program's wall clock, in turn, is set wrong by up to an hour\n"
	"\n"
	"  --seed N              all chance (default: 1)\n"
	"  --worlds N            that share the frames, 1 to 64 (default: 8)\n"
	"  --jobs N              worlds at a time (default: one per core)\n"
	"  --json                ends with one line of JSON\n"
	"  --log                 log lines of the programs, on standard error\n"
	"  --help                this\n";

/* In memory that all the processes share. */
static struct sim_result *results;

/* --- options -------------------------------------------------------------------------------------- */

static void bad_option(const char *name, const char *value)
{
	fprintf(stderr, "wiresim: --%s %s: not a value it can have; see wiresim --help\n", name, value);
	exit(USAGE);
}

static double number(const char *name, const char *value, double min, double max)
{
	char *end;
	double n = strtod(value, &end);

	if (*value == '\0' || *end != '\0' || !(n >= min && n <= max)) {
		fprintf(stderr, "wiresim: --%s %s: expected a number from %.0f to %.0f\n", name, value, min, max);
		exit(USAGE);
	}
	return n;
}

static uint64_t whole(const char *name, const char *value, uint64_t min, uint64_t max)
{
	double n = number(name, value, (double)min, (double)max);

	if (n != (double)(uint64_t)n)
		bad_option(name, value);
	return (uint64_t)n;
}

static uint32_t percent(const char *name, const char *value)
{
	return (uint32_t)(number(name, value, 0, 100) * MILLION / 100 + 0.5);
}

static int64_t ms(const char *name, const char *value)
{
	return (int64_t)(number(name, value, 0, 60000) * (double)KS_US_PER_MS + 0.5);
}

enum choice {
	O_FRAMES, O_BYTES, O_PERIOD, O_LOSS, O_BURST, O_RTT, O_JITTER, O_REORDER, O_DUPLICATE, O_CORRUPT, O_MTU,
	O_MTU_SILENT, O_RATE, O_HOPS, O_PARENTS, O_NACK, O_EXPECT, O_DATAGRAM, O_KILL, O_PARTITION, O_RESTART, O_CLOCK,
	O_SEED, O_WORLDS, O_JOBS, O_JSON, O_LOG, O_HELP
};

static const struct option options_known[] = {
	[O_FRAMES] = { "frames", required_argument, NULL, O_FRAMES },
	[O_BYTES] = { "bytes", required_argument, NULL, O_BYTES },
	[O_PERIOD] = { "period-ms", required_argument, NULL, O_PERIOD },
	[O_LOSS] = { "loss", required_argument, NULL, O_LOSS },
	[O_BURST] = { "burst-ms", required_argument, NULL, O_BURST },
	[O_RTT] = { "rtt-ms", required_argument, NULL, O_RTT },
	[O_JITTER] = { "jitter-ms", required_argument, NULL, O_JITTER },
	[O_REORDER] = { "reorder", required_argument, NULL, O_REORDER },
	[O_DUPLICATE] = { "duplicate", required_argument, NULL, O_DUPLICATE },
	[O_CORRUPT] = { "corrupt", required_argument, NULL, O_CORRUPT },
	[O_MTU] = { "mtu", required_argument, NULL, O_MTU },
	[O_MTU_SILENT] = { "mtu-silent", no_argument, NULL, O_MTU_SILENT },
	[O_RATE] = { "rate-kbit", required_argument, NULL, O_RATE },
	[O_HOPS] = { "hops", required_argument, NULL, O_HOPS },
	[O_PARENTS] = { "parents", required_argument, NULL, O_PARENTS },
	[O_NACK] = { "nack", required_argument, NULL, O_NACK },
	[O_EXPECT] = { "expect-loss", required_argument, NULL, O_EXPECT },
	[O_DATAGRAM] = { "datagram", required_argument, NULL, O_DATAGRAM },
	[O_KILL] = { "kill-parent-at", required_argument, NULL, O_KILL },
	[O_PARTITION] = { "partition", required_argument, NULL, O_PARTITION },
	[O_RESTART] = { "restart", required_argument, NULL, O_RESTART },
	[O_CLOCK] = { "clock-step", required_argument, NULL, O_CLOCK },
	[O_SEED] = { "seed", required_argument, NULL, O_SEED },
	[O_WORLDS] = { "worlds", required_argument, NULL, O_WORLDS },
	[O_JOBS] = { "jobs", required_argument, NULL, O_JOBS },
	[O_JSON] = { "json", no_argument, NULL, O_JSON },
	[O_LOG] = { "log", no_argument, NULL, O_LOG },
	[O_HELP] = { "help", no_argument, NULL, O_HELP },
	{ NULL, 0, NULL, 0 },
};

static bool on_or_off(const char *name, const char *value)
{
	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
		bad_option(name, value);
	return strcmp(value, "on") == 0;
}

static void partition(struct sim_options *o, const char *name, const char *value)
{
	char from[32];
	const char *colon = strchr(value, ':');

	if (colon == NULL || (size_t)(colon - value) >= sizeof(from))
		bad_option(name, value);
	memcpy(from, value, (size_t)(colon - value));
	from[colon - value] = '\0';
	o->partition_at = whole(name, from, 0, UINT32_MAX);
	o->partition_frames = whole(name, colon + 1, 1, UINT32_MAX);
}

static void set_network(struct sim_options *o, enum choice option, const char *name, const char *value)
{
	struct world_path *path = &o->path;

	switch (option) {
	case O_LOSS: path->loss_ppm = percent(name, value); break;
	case O_BURST: path->burst_us = ms(name, value); break;
	case O_RTT: path->delay_us = path->reorder_us = ms(name, value) / 2; break;
	case O_JITTER: path->jitter_us = ms(name, value); break;
	case O_REORDER: path->reorder_ppm = percent(name, value); break;
	case O_DUPLICATE: path->duplicate_ppm = percent(name, value); break;
	case O_CORRUPT: path->corrupt_ppm = percent(name, value); break;
	case O_MTU: path->mtu = whole(name, value, KS_DATAGRAM_MIN, KS_DATAGRAM_MAX); break;
	case O_MTU_SILENT: path->mtu_silent = true; break;
	case O_RATE: path->rate = whole(name, value, 1, 100000000) * 125; break;
	default: break;
	}
}

static void set_option(struct sim_options *o, enum choice option, const char *name, const char *value)
{
	switch (option) {
	case O_FRAMES: o->frames = whole(name, value, 1, UINT32_MAX); break;
	case O_BYTES: o->bytes = (uint32_t)whole(name, value, sizeof(struct world_object), KS_FRAME_MAX); break;
	case O_PERIOD: o->period_us = KS_US_PER_MS *
		(int64_t)whole(name, value, KS_PERIOD_MIN_MS, KS_PERIOD_MAX_MS); break;
	case O_HOPS: o->hops = (unsigned)whole(name, value, 1, SIM_HOPS_MAX); break;
	case O_PARENTS: o->parents = (unsigned)whole(name, value, 1, 2); break;
	case O_NACK: o->nack = on_or_off(name, value); break;
	case O_EXPECT: o->expect_ppm = (uint32_t)(number(name, value, 0, KS_LOSS_CEILING_PPM / (MILLION / 100)) *
						  MILLION / 100 + 0.5); break;
	case O_DATAGRAM: o->datagram = whole(name, value, KS_DATAGRAM_MIN, KS_DATAGRAM_MAX); break;
	case O_KILL: o->kill_parent_at = whole(name, value, 1, UINT32_MAX); break;
	case O_PARTITION: partition(o, name, value); break;
	case O_RESTART: o->restart_every = whole(name, value, 2, UINT32_MAX); break;
	case O_CLOCK: o->clock_step_every = whole(name, value, 1, UINT32_MAX); break;
	case O_SEED: o->seed = whole(name, value, 0, UINT32_MAX); break;
	case O_WORLDS: o->worlds = whole(name, value, 1, SIM_WORLDS_MAX); break;
	case O_JOBS: o->jobs = whole(name, value, 1, SIM_WORLDS_MAX); break;
	case O_JSON: o->json = true; break;
	case O_LOG: o->log = true; break;
	case O_HELP: fputs(help, stdout); exit(EXIT_SUCCESS);
	default: set_network(o, option, name, value);
	}
}

static void parse_options(struct sim_options *o, int argc, char **argv)
{
	const long cores = sysconf(_SC_NPROCESSORS_ONLN);
	int option;

	*o = (struct sim_options){
		.frames = 10000, .seed = 1, .worlds = 8, .jobs = cores > 0 ? (size_t)cores : 1,
		.bytes = 98000, .period_us = KS_US_PER_S,
		.path = { .delay_us = 20 * KS_US_PER_MS, .reorder_us = 20 * KS_US_PER_MS },
		.hops = 1, .parents = 1, .nack = true, .expect_ppm = UINT32_MAX, .datagram = KS_DATAGRAM_DEFAULT,
	};
	while ((option = getopt_long(argc, argv, "", options_known, NULL)) >= 0) {
		if (option == '?')
			exit(USAGE);
		set_option(o, (enum choice)option, options_known[option].name, optarg);
	}
	if (optind < argc) {
		fprintf(stderr, "wiresim: %s: not an option; see wiresim --help\n", argv[optind]);
		exit(USAGE);
	}
	if (o->expect_ppm == UINT32_MAX)
		o->expect_ppm = o->nack ? KS_LOSS_DEFAULT_PPM : o->path.loss_ppm;
	if (o->expect_ppm > KS_LOSS_CEILING_PPM)
		o->expect_ppm = KS_LOSS_CEILING_PPM;
}

/* --- worlds --------------------------------------------------------------------------------------- */

static void drop_line(void *ctx, enum ks_log_level level, const char *token, const char *text)
{
	(void)ctx;
	(void)level;
	(void)token;
	(void)text;
}

static void show_progress(const struct sim_options *o)
{
	uint64_t frames = 0;

	for (size_t i = 0; i < o->worlds; i++)
		frames += ((volatile struct sim_result *)results)[i].frames;
	fprintf(stderr, "\r%llu of %llu frames ", (unsigned long long)frames, (unsigned long long)o->frames);
}

static void start_world(const struct sim_options *o, size_t number)
{
	pid_t pid = fork();

	if (pid < 0) {
		perror("wiresim: fork");
		exit(EXIT_FAILURE);
	}
	if (pid == 0) {
		sim_run(o, number, &results[number]);
		_exit(EXIT_SUCCESS);
	}
}

/* Waits for one; a terminal is told how far it is meanwhile. */
static void await_world(const struct sim_options *o, const sigset_t *child)
{
	const struct timespec interval = { .tv_nsec = 200000000 };
	const bool terminal = isatty(STDERR_FILENO);
	int status;

	while (terminal && waitpid(-1, &status, WNOHANG) == 0) {
		show_progress(o);
		(void)sigtimedwait(child, NULL, &interval);
	}
	if (!terminal && waitpid(-1, &status, 0) < 0)
		status = EXIT_FAILURE;
	if (status != 0) {
		fputs("wiresim: one of its worlds came to a bad end\n", stderr);
		exit(EXIT_FAILURE);
	}
}

static void run_worlds(const struct sim_options *o)
{
	size_t running = 0;
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	for (size_t number = 0; number < o->worlds; number++) {
		if (running == o->jobs) {
			await_world(o, &child);
			running--;
		}
		start_world(o, number);
		running++;
	}
	for (; running > 0; running--)
		await_world(o, &child);
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

/* --- what came out -------------------------------------------------------------------------------- */

struct summary {
	struct sim_result all;
	uint64_t worst;		/* frames lost in one world */
	struct sim_plan plan;
	double overhead;	/* datagram bytes beyond those of data shards on their first way, over these */
};

static void sum_up(const struct sim_options *o, struct summary *s)
{
	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < o->worlds; i++) {
		const struct sim_result *r = &results[i];

		s->worst = r->frames - r->delivered > s->worst ? r->frames - r->delivered : s->worst;
		s->all.frames += r->frames;
		s->all.delivered += r->delivered;
		s->all.wrong += r->wrong;
		s->all.backwards += r->backwards;
		s->all.datagrams += r->datagrams;
		s->all.sent_bytes += r->sent_bytes;
		s->all.shard_bytes += r->shard_bytes;
		s->all.asked += r->asked;
		s->all.back_bytes += r->back_bytes;
		s->all.gap_us = r->gap_us > s->all.gap_us ? r->gap_us : s->all.gap_us;
		for (size_t age = 0; age <= SIM_AGES_MAX; age++)
			s->all.ages[age] += r->ages[age];
		for (size_t reason = 0; reason < KS_DROPS; reason++)
			s->all.dropped[reason] += r->dropped[reason];
	}
	if (s->all.shard_bytes > 0)
		s->overhead = ((double)s->all.sent_bytes - (double)s->all.shard_bytes) / (double)s->all.shard_bytes;
	sim_plan(o, &s->plan);
}

/* The age in ms that this share of the delivered frames did not exceed. */
static size_t age_ms(const struct summary *s, double share)
{
	uint64_t wanted = (uint64_t)((double)s->all.delivered * share), seen = 0;
	size_t age = 0;

	while (age < SIM_AGES_MAX && (seen += s->all.ages[age]) < wanted)
		age++;
	return age;
}

static void print_text(const struct sim_options *o, const struct summary *s)
{
	const struct sim_result *all = &s->all;

	printf("%llu of %llu frames delivered (%.4f %%), at worst %llu lost in one of %zu worlds\n",
	       (unsigned long long)all->delivered, (unsigned long long)all->frames,
	       100.0 * (double)all->delivered / (double)all->frames, (unsigned long long)s->worst, o->worlds);
	printf("%zu blocks of up to %zu data shards of %zu bytes; parity for a loss of %g %%: %zu each\n",
	       s->plan.blocks, s->plan.k, s->plan.shard_len, o->expect_ppm / (MILLION / 100), s->plan.m);
	if (s->plan.expected >= 0)
		printf("expected by the formula: %.4f %%\n", 100 * s->plan.expected);
	printf("overhead %.1f %%: %llu datagrams, %llu bytes; %llu shards were asked for; %llu bytes came back\n",
	       100 * s->overhead, (unsigned long long)all->datagrams, (unsigned long long)all->sent_bytes,
	       (unsigned long long)all->asked, (unsigned long long)all->back_bytes);
	printf("age %zu ms (half), %zu ms (99 %%); longest gap %lld ms; %llu steps back, %llu wrong\n", age_ms(s, 0.5),
	       age_ms(s, 0.99), (long long)(all->gap_us / KS_US_PER_MS), (unsigned long long)all->backwards,
	       (unsigned long long)all->wrong);
	printf("dropped by the last relay:");
	for (size_t reason = 1; reason < KS_DROPS; reason++)
		if (all->dropped[reason] > 0)
			printf(" %s %llu", ks_drop_names[reason], (unsigned long long)all->dropped[reason]);
	putchar('\n');
}

static void print_json(const struct sim_options *o, const struct summary *s)
{
	const struct sim_result *all = &s->all;

	printf("{\"frames\":%llu,\"delivered\":%llu,\"overhead\":%.4f,\"backwards\":%llu,\"wrong\":%llu,",
	       (unsigned long long)all->frames, (unsigned long long)all->delivered, s->overhead,
	       (unsigned long long)all->backwards, (unsigned long long)all->wrong);
	printf("\"blocks\":%zu,\"k\":%zu,\"m\":%zu,", s->plan.blocks, s->plan.k, s->plan.m);
	if (s->plan.expected >= 0)
		printf("\"expected\":%.8f,", s->plan.expected);
	else
		printf("\"expected\":null,");
	printf("\"worst_world_lost\":%llu,\"gap_ms\":%lld,\"age_ms\":{\"p50\":%zu,\"p99\":%zu},",
	       (unsigned long long)s->worst, (long long)(all->gap_us / KS_US_PER_MS), age_ms(s, 0.5), age_ms(s, 0.99));
	printf("\"datagrams\":%llu,\"bytes\":%llu,\"data_shard_bytes\":%llu,",
	       (unsigned long long)all->datagrams, (unsigned long long)all->sent_bytes,
	       (unsigned long long)all->shard_bytes);
	printf("\"asked\":%llu,\"back_bytes\":%llu,\"seed\":%llu}\n", (unsigned long long)all->asked,
	       (unsigned long long)all->back_bytes, (unsigned long long)o->seed);
}

int main(int argc, char **argv)
{
	struct sim_options options;
	static struct summary summary;

	parse_options(&options, argc, argv);
	if (!options.log)
		ks_log_set_sink(drop_line, NULL);
	results = mmap(NULL, options.worlds * sizeof(*results), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (results == MAP_FAILED) {
		perror("wiresim: mmap");
		return EXIT_FAILURE;
	}
	run_worlds(&options);
	sum_up(&options, &summary);
	print_text(&options, &summary);
	if (options.json)
		print_json(&options, &summary);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
