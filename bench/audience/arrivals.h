/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is there when: a curve of how many viewers are wanted over time, and how long one stays. Every viewer has a seat,
 * numbered from 0; seat k is taken while the curve is above k.
 */
#ifndef KS_SWARM_ARRIVALS_H
#define KS_SWARM_ARRIVALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SWARM_POINTS_MAX 10000
#define SWARM_VIEWERS_MAX 1000000

struct swarm_point {
	int64_t at_us;		/* since the start */
	double viewers;
};

struct swarm_arrivals {
	struct swarm_point *points;	/* in order of time; between them the curve is straight, behind the last flat */
	size_t n;
	double stay_median_s;	/* 0: to the end */
	double stay_sigma;	/* of the log-normal */
};

/* When seat k is free to be taken at from_us or later, and until when; false: never. */
bool swarm_arrivals_next(const struct swarm_arrivals *arrivals, size_t seat, int64_t from_us, int64_t *arrive_us,
			 int64_t *leave_us);

/* How long the next one stays; INT64_MAX without an end. seed as erand48(3) has it. */
int64_t swarm_arrivals_stay_us(const struct swarm_arrivals *arrivals, unsigned short seed[3]);

/* As many viewers at once, or evenly over ramp_us. KS_EOK or -ENOMEM. */
int swarm_arrivals_ramp(struct swarm_arrivals *arrivals, size_t viewers, int64_t ramp_us);

/* Lines of "seconds,viewers", in order of time; empty ones and those behind # do not count. KS_EOK, -errno, or
 * KS_ECONFIG with a log line that names file and line. */
int swarm_arrivals_trace(struct swarm_arrivals *arrivals, const char *path);

/* That many more from at_us on. KS_EOK, -ENOMEM or KS_ELIMIT. */
int swarm_arrivals_burst(struct swarm_arrivals *arrivals, size_t viewers, int64_t at_us);

/* The most seats that are taken at a time. */
size_t swarm_arrivals_seats(const struct swarm_arrivals *arrivals);

void swarm_arrivals_free(struct swarm_arrivals *arrivals);

#endif
