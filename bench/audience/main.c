/* SPDX-License-Identifier: Apache-2.0
 *
 * The swarm: options, processes, and at the end the report.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "bench/audience/report.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"

#define OTHER_DESCRIPTORS 32			/* that are no viewer's */
#define HEAD_START_US (100 * KS_US_PER_MS)	/* for all processes to be there when it begins */

struct swarm {
	struct swarm_run run;
	struct swarm_seats seats;
	struct swarm_shared *shared;
	size_t shared_len;
	pid_t child[SWARM_PROCESSES_MAX];
	int64_t running;
	bool failed;
};

static bool has_descriptors(const struct swarm *s)
{
	rlim_t needed = (rlim_t)(s->seats.n / (size_t)s->run.o.processes + 1 + OTHER_DESCRIPTORS);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return true;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max == RLIM_INFINITY || needed <= limit.rlim_max)
		return true;
	ks_error("swarm", "needs %llu descriptors in each process, and may have %llu: give it more --processes",
		 (unsigned long long)needed, (unsigned long long)limit.rlim_max);
	return false;
}

static int make_seats(struct swarm *s)
{
	const struct swarm_options *o = &s->run.o;
	struct swarm_seats *seats = &s->seats;
	size_t at = 0;

	seats->of[SWARM_WATCHER] = swarm_arrivals_seats(&s->run.arrivals);
	seats->of[SWARM_SLOW] = (size_t)o->slow;
	seats->of[SWARM_STALLED] = (size_t)o->stalled;
	seats->of[SWARM_LORIS] = (size_t)o->loris;
	for (int kind = 0; kind < SWARM_KINDS; kind++)
		seats->n += seats->of[kind];
	seats->origin = malloc(seats->n + 1);
	s->shared_len = sizeof(*s->shared) + (size_t)o->processes * sizeof(s->shared->of[0]);
	s->shared = mmap(NULL, s->shared_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seats->origin == NULL || s->shared == MAP_FAILED)
		return -ENOMEM;
	for (int kind = 0; kind < SWARM_KINDS; at += seats->of[kind++])
		swarm_origins_share(s->run.origin, s->run.origins, seats->origin + at, seats->of[kind]);
	return KS_EOK;
}

/* --- processes ---------------------------------------------------------------------------------- */

/* Ctrl-C is for the reporting process, which asks the others to end. */
static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGCHLD);
	sigprocmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int start(struct swarm *s)
{
	pid_t parent = getpid();

	s->shared->start_us = ks_mono_us(&ks_clock_system) + HEAD_START_US;
	fflush(NULL);
	for (unsigned p = 0; p < (unsigned)s->run.o.processes; p++) {
		s->child[p] = fork();
		if (s->child[p] < 0)
			return -errno;
		if (s->child[p] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != parent)
				_exit(1);
			exit(swarm_worker_run(&s->run, &s->seats, s->shared, p) == KS_EOK ? 0 : 1);
		}
		s->running++;
	}
	return KS_EOK;
}

static void reap(struct swarm *s)
{
	int status;

	while (s->running > 0 && waitpid(-1, &status, WNOHANG) > 0) {
		s->running--;
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
			s->failed = true;
			atomic_store(&s->shared->stop, true);
		}
	}
}

static void watch(struct swarm *s, const sigset_t *set)
{
	struct swarm_progress before = { 0, 0, 0, 0 };
	int64_t tell_at_us = s->shared->start_us + KS_US_PER_S;

	while (s->running > 0) {
		int64_t now_us = ks_mono_us(&ks_clock_system), left_us = tell_at_us > now_us ? tell_at_us - now_us : 0;
		struct timespec wait = { left_us / KS_US_PER_S, left_us % KS_US_PER_S * 1000 };
		int signal_number = sigtimedwait(set, NULL, &wait);

		if (signal_number == SIGINT || signal_number == SIGTERM)
			atomic_store(&s->shared->stop, true);
		reap(s);
		now_us = ks_mono_us(&ks_clock_system);
		if (now_us < tell_at_us)
			continue;
		if (!s->run.o.quiet)
			swarm_report_progress(&s->run, s->shared, now_us, &before);
		tell_at_us += KS_US_PER_S;
	}
}

/* --- the end ------------------------------------------------------------------------------------ */

static int report(const struct swarm *s)
{
	struct swarm_report *report = malloc(sizeof(*report));
	bool good;

	if (report == NULL)
		return 1;
	swarm_report_make(report, &s->run, s->shared);
	good = report->doubt[0] == '\0' || s->run.o.force;
	if (good) {
		swarm_report_print(report, &s->run);
		good = swarm_report_judge(report, &s->run);
		if (s->run.o.json != NULL)
			good &= swarm_report_write(report, &s->run, s->run.o.json) == KS_EOK;
	} else {
		ks_error("swarm", "no report, because this program was the bottleneck: %s; --force reports it anyway",
			 report->doubt);
	}
	free(report);
	return good ? 0 : 1;
}

static int run(struct swarm *s)
{
	sigset_t set;
	int err = make_seats(s);

	if (err == KS_EOK && !has_descriptors(s))
		return 1;
	block_signals(&set);
	if (err == KS_EOK)
		err = start(s);
	if (err != KS_EOK) {
		ks_error("swarm", "cannot start: %s", ks_strerror(err));
		s->failed = true;
		if (s->running > 0)
			atomic_store(&s->shared->stop, true);
	}
	watch(s, &set);
	return s->failed ? 1 : report(s);
}

int main(int argc, char **argv)
{
	static struct swarm swarm;
	int status;

	if (sodium_init() < 0)
		return 1;
	status = swarm_options_read(argc, argv, &swarm.run);
	if (status != KS_SETTINGS_RUN)
		return status;
	status = run(&swarm);
	if (swarm.shared != NULL && swarm.shared != MAP_FAILED)
		munmap(swarm.shared, swarm.shared_len);
	free(swarm.seats.origin);
	swarm_options_free(&swarm.run);
	return status;
}
