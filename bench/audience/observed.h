/* SPDX-License-Identifier: Apache-2.0
 *
 * CPU time of the processes that serve, as they are given by --cpu-of: what a server took for exactly what this swarm
 * has counted. All threads of a process are in it, also those that have ended.
 */
#ifndef KS_SWARM_OBSERVED_H
#define KS_SWARM_OBSERVED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SWARM_OBSERVED_MAX 256

/* A process that is there; false for anything else. */
bool swarm_observed_parse(const char *text, pid_t *pid);

/* Microseconds of all of them, user and system, since each began; one that has ended since counts nothing. */
int64_t swarm_observed_us(const pid_t *pids, size_t n);

#endif
