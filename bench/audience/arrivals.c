/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/audience/arrivals.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"

#define SECONDS_MAX 1e7

/* Seat k is taken from where the curve reaches the middle between k and k + 1. */
static double level_of(size_t seat)
{
	return (double)seat + 0.5;
}

/* When the straight from a to b comes through the level. */
static int64_t crossing(const struct swarm_point *a, const struct swarm_point *b, double level)
{
	if (b->viewers == a->viewers)
		return b->at_us;
	return a->at_us + (int64_t)((double)(b->at_us - a->at_us) * (level - a->viewers) / (b->viewers - a->viewers));
}

bool swarm_arrivals_next(const struct swarm_arrivals *arrivals, size_t seat, int64_t from_us, int64_t *arrive_us,
			 int64_t *leave_us)
{
	struct swarm_point before = { 0, 0 };
	double level = level_of(seat);
	bool taken = false;

	for (size_t i = 0; i < arrivals->n; before = arrivals->points[i++]) {
		const struct swarm_point *point = &arrivals->points[i];
		int64_t at_us;

		if ((point->viewers > level) == taken)
			continue;
		at_us = crossing(&before, point, level);
		taken = !taken;
		if (taken) {
			*arrive_us = at_us > from_us ? at_us : from_us;
		} else if (at_us > from_us) {
			*leave_us = at_us;
			return true;
		}
	}
	*leave_us = INT64_MAX;
	return taken;
}

/* Box and Muller's way from two even numbers to a normal one. */
int64_t swarm_arrivals_stay_us(const struct swarm_arrivals *arrivals, unsigned short seed[3])
{
	double normal, stay_us;

	if (arrivals->stay_median_s <= 0)
		return INT64_MAX;
	normal = sqrt(-2 * log(1 - erand48(seed))) * cos(2 * M_PI * erand48(seed));
	stay_us = arrivals->stay_median_s * exp(arrivals->stay_sigma * normal) * (double)KS_US_PER_S;
	return stay_us < SECONDS_MAX * (double)KS_US_PER_S ? (int64_t)stay_us : INT64_MAX;
}

static int add(struct swarm_arrivals *arrivals, int64_t at_us, double viewers)
{
	struct swarm_point *points;

	if (arrivals->n == SWARM_POINTS_MAX)
		return KS_ELIMIT;
	points = realloc(arrivals->points, (arrivals->n + 1) * sizeof(*points));
	if (points == NULL)
		return -ENOMEM;
	arrivals->points = points;
	points[arrivals->n++] = (struct swarm_point){ at_us, viewers };
	return KS_EOK;
}

int swarm_arrivals_ramp(struct swarm_arrivals *arrivals, size_t viewers, int64_t ramp_us)
{
	return add(arrivals, ramp_us, (double)viewers);
}

static int add_line(struct swarm_arrivals *arrivals, char *line)
{
	double before_s = arrivals->n > 0 ? (double)arrivals->points[arrivals->n - 1].at_us / (double)KS_US_PER_S : 0;
	double at_s, viewers;
	char *end, *comma;

	line[strcspn(line, "#\r\n")] = '\0';
	if (line[strspn(line, " \t")] == '\0')
		return KS_EOK;
	at_s = strtod(line, &comma);
	comma += strspn(comma, " \t");
	if (comma == line || *comma != ',' || !(at_s >= before_s && at_s <= SECONDS_MAX))
		return KS_EMALFORMED;
	viewers = strtod(comma + 1, &end);
	if (end == comma + 1 || end[strspn(end, " \t")] != '\0' || !(viewers >= 0 && viewers <= SWARM_VIEWERS_MAX))
		return KS_EMALFORMED;
	return add(arrivals, (int64_t)(at_s * (double)KS_US_PER_S), viewers);
}

int swarm_arrivals_trace(struct swarm_arrivals *arrivals, const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned n = 0;
	char line[256];
	int err = KS_EOK;

	if (file == NULL) {
		ks_error("swarm", "%s: %s", path, strerror(errno));
		return KS_ECONFIG;
	}
	while (err == KS_EOK && fgets(line, sizeof(line), file) != NULL) {
		n++;
		err = add_line(arrivals, line);
	}
	fclose(file);
	if (err != KS_EOK)
		ks_error("swarm", "%s:%u: expected \"seconds,viewers\", no earlier than the line before, at most %d "
			 "lines", path, n, SWARM_POINTS_MAX);
	else if (arrivals->n == 0)
		ks_error("swarm", "%s: no line with \"seconds,viewers\"", path);
	return err == KS_EOK && arrivals->n > 0 ? KS_EOK : KS_ECONFIG;
}

/* The curve at that time. */
static double height(const struct swarm_arrivals *arrivals, int64_t at_us)
{
	struct swarm_point before = { 0, 0 };

	for (size_t i = 0; i < arrivals->n; before = arrivals->points[i++]) {
		const struct swarm_point *point = &arrivals->points[i];

		if (point->at_us > at_us)
			return before.viewers + (point->viewers - before.viewers) * (double)(at_us - before.at_us) /
				       (double)(point->at_us - before.at_us);
	}
	return before.viewers;
}

int swarm_arrivals_burst(struct swarm_arrivals *arrivals, size_t viewers, int64_t at_us)
{
	double low = height(arrivals, at_us);
	int err = add(arrivals, at_us, low);
	size_t at;

	if (err == KS_EOK)
		err = add(arrivals, at_us, low);
	if (err != KS_EOK)
		return err;
	for (at = arrivals->n - 2; at > 0 && arrivals->points[at - 1].at_us > at_us; at--)
		arrivals->points[at + 1] = arrivals->points[at - 1];
	arrivals->points[at] = (struct swarm_point){ at_us, low };
	arrivals->points[at + 1] = (struct swarm_point){ at_us, low };
	for (size_t i = at + 1; i < arrivals->n; i++)
		arrivals->points[i].viewers += (double)viewers;
	return KS_EOK;
}

size_t swarm_arrivals_seats(const struct swarm_arrivals *arrivals)
{
	double most = 0;

	for (size_t i = 0; i < arrivals->n; i++)
		if (arrivals->points[i].viewers > most)
			most = arrivals->points[i].viewers;
	return (size_t)floor(most + 0.5);
}

void swarm_arrivals_free(struct swarm_arrivals *arrivals)
{
	free(arrivals->points);
	arrivals->points = NULL;
	arrivals->n = 0;
}
