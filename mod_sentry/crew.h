/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads that take work from one queue. In place of apr_thread_pool: that of apr-util 1.6 signals under another lock than
 * the one under which its threads look for work, so that now and then nobody wakes and the work waits for the next.
 */
#ifndef KS_MOD_SENTRY_CREW_H
#define KS_MOD_SENTRY_CREW_H

#include <stdbool.h>
#include <stddef.h>	/* before APR, which makes do without offsetof() otherwise */

#include <apr_pools.h>
#include <apr_thread_proc.h>

#define KS_CREW_THREADS_MAX 16

struct ks_crew;

/* So many threads, which call work() with the context and one piece of work after the other; at most `queued` pieces wait.
 * NULL when they cannot be made. Lives as long as the pool. */
struct ks_crew *ks_crew_new(apr_pool_t *pool, unsigned threads, unsigned queued,
			    void (*work)(void *piece, apr_thread_t *thread));

/* Any thread. False: too many wait already. */
bool ks_crew_push(struct ks_crew *crew, void *piece);

/* Waits for what is being done; what waits stays undone. NULL is fine. */
void ks_crew_end(struct ks_crew *crew);

#endif
