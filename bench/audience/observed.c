/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/audience/observed.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/clock.h"

bool swarm_observed_parse(const char *text, pid_t *pid)
{
	clockid_t clock;
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number < 1 || number > INT_MAX ||
	    clock_getcpuclockid((pid_t)number, &clock) != 0)
		return false;
	*pid = (pid_t)number;
	return true;
}

int64_t swarm_observed_us(const pid_t *pids, size_t n)
{
	int64_t sum_us = 0;

	for (size_t i = 0; i < n; i++) {
		struct timespec ts;
		clockid_t clock;

		if (clock_getcpuclockid(pids[i], &clock) == 0 && clock_gettime(clock, &ts) == 0)
			sum_us += ts.tv_sec * KS_US_PER_S + ts.tv_nsec / 1000;
	}
	return sum_us;
}
