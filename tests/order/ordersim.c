/* SPDX-License-Identifier: Apache-2.0
 *
 * Random schedules by the thousand against the order of pictures; TAP on standard output. A schedule that failed is run
 * again with --seed and --schedules 1.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "tests/order/schedule.h"

#define JOBS_MAX 64
#define COMPLAINTS_MAX 5
#define LATE_AT_MOST 1000	/* one relay in so many */

static const char usage[] =
	"Usage: ordersim [--schedules N] [--seed N] [--jobs N] [--log]\n"
	"Random schedules of restarts, clock steps, replays and cut paths; published ids must never go back, and\n"
	"what comes through must be seen again afterwards.\n"
	"  --schedules N  so many (default: 10000)\n"
	"  --seed N       of the first one; the others follow (default: 1)\n"
	"  --jobs N       processes (default: 1)\n"
	"  --log          what relays and capture daemons log, on standard error\n";

struct options {
	uint64_t schedules, seed;
	unsigned jobs;
	bool log;
};

static uint64_t number(const char *text, uint64_t min, uint64_t max)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value < min || value > max) {
		fprintf(stderr, "ordersim: expected a whole number from %" PRIu64 " to %" PRIu64 ", got '%s'\n", min, max, text);
		exit(2);
	}
	return value;
}

static void read_options(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {
		{ "schedules", required_argument, NULL, 'n' }, { "seed", required_argument, NULL, 's' },
		{ "jobs", required_argument, NULL, 'j' },      { "log", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },	       { NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 'n':
			o->schedules = number(optarg, 1, 1000000000);
			break;
		case 's':
			o->seed = number(optarg, 0, UINT64_MAX);
			break;
		case 'j':
			o->jobs = (unsigned)number(optarg, 1, JOBS_MAX);
			break;
		case 'l':
			o->log = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (optind != argc) {
		fputs(usage, stderr);
		exit(2);
	}
}

/* Every jobs-th schedule. */
static struct order_result run_share(const struct options *o, unsigned job)
{
	struct order_result result;
	unsigned complaints = 0;
	char why[160];

	memset(&result, 0, sizeof(result));
	for (uint64_t i = job; i < o->schedules; i += o->jobs)
		if (!order_run(o->seed + i, &result, why, sizeof(why)) && complaints++ < COMPLAINTS_MAX)
			fprintf(stderr, "# --seed %" PRIu64 ": %s\n", o->seed + i, why);
	return result;
}

static void add(struct order_result *sum, const struct order_result *one)
{
	sum->schedules += one->schedules;
	sum->published += one->published;
	sum->refused += one->refused;
	sum->heads += one->heads;
	sum->raised += one->raised;
	sum->changes += one->changes;
	sum->restarts += one->restarts;
	sum->replays += one->replays;
	sum->checked_relays += one->checked_relays;
	sum->checked_viewers += one->checked_viewers;
	sum->backwards += one->backwards;
	sum->silent += one->silent;
	sum->wrong += one->wrong;
	sum->stuck += one->stuck;
	sum->late += one->late;
	if (one->longest_wait_us > sum->longest_wait_us)
		sum->longest_wait_us = one->longest_wait_us;
}

/* A child that dies gives no result, which shows in the number of schedules. */
static void run_all(const struct options *o, struct order_result *sum)
{
	int pipes[JOBS_MAX][2];

	fflush(NULL);
	for (unsigned j = 0; j < o->jobs; j++) {
		if (pipe(pipes[j]) != 0) {
			perror("ordersim: pipe");
			exit(1);
		}
		if (fork() == 0) {
			struct order_result result = run_share(o, j);

			_exit(write(pipes[j][1], &result, sizeof(result)) == (ssize_t)sizeof(result) ? 0 : 1);
		}
		close(pipes[j][1]);
	}
	for (unsigned j = 0; j < o->jobs; j++) {
		struct order_result result;

		if (read(pipes[j][0], &result, sizeof(result)) == (ssize_t)sizeof(result))
			add(sum, &result);
		close(pipes[j][0]);
	}
	while (wait(NULL) > 0)
		;
}

static bool report(unsigned test, bool good, const char *what)
{
	printf("%sok %u - %s\n", good ? "" : "not ", test, what);
	return good;
}

int main(int argc, char **argv)
{
	struct options o = { .schedules = 10000, .seed = 1, .jobs = 1 };
	struct order_result sum;
	bool good;

	read_options(argc, argv, &o);
	ks_log_set_level(o.log ? KS_LOG_INFO : KS_LOG_ERROR, NULL);
	memset(&sum, 0, sizeof(sum));
	run_all(&o, &sum);
	good = report(1, sum.schedules == o.schedules, "all schedules ran");
	good &= report(2, sum.published > 0 && sum.backwards == 0, "published ids never go back");
	good &= report(3, (sum.checked_relays > 0 || o.schedules < 100) && sum.silent == 0,
		       "what comes through is published again");
	good &= report(4, sum.wrong == 0 && sum.late * LATE_AT_MOST <= sum.checked_relays,
		       "the best source that comes through is shown");
	good &= report(5, (sum.checked_viewers > 0 || o.schedules < 100) && sum.stuck == 0,
		       "no viewer is stuck between two relays");
	printf("1..5\n");
	printf("# schedules %" PRIu64 ", published %" PRIu64 ", refused %" PRIu64 ", heads %" PRIu64 ", raised %" PRIu64
	       ", changes %" PRIu64 ", restarts %" PRIu64 ", replays %" PRIu64 "\n", sum.schedules, sum.published, sum.refused,
	       sum.heads, sum.raised, sum.changes, sum.restarts, sum.replays);
	printf("# backwards %" PRIu64 ", silent %" PRIu64 ", wrong %" PRIu64 " and late %" PRIu64 " of %" PRIu64
	       " relays, stuck %" PRIu64 " of %" PRIu64 " viewers, longest wait %" PRId64 " ms\n", sum.backwards, sum.silent,
	       sum.wrong, sum.late, sum.checked_relays, sum.stuck, sum.checked_viewers, sum.longest_wait_us / 1000);
	return good ? 0 : 1;
}
