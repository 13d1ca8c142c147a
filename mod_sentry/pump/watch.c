/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/pump/watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "lib/base/error.h"
#include "mod_sentry/thread.h"

struct ks_watch {
	struct ks_copies *copies;
	int eventfd;
	atomic_bool woken, stop;
	pthread_t thread;
};

static void *run(void *ctx)
{
	struct ks_watch *watch = ctx;
	struct ks_copies_seen seen = { NULL, 0 };

	while (!atomic_load(&watch->stop)) {
		ks_copies_wait(watch->copies, &seen, KS_COPIES_LOOK_US);
		if (!atomic_exchange(&watch->woken, true))
			eventfd_write(watch->eventfd, 1);
	}
	return NULL;
}

struct ks_watch *ks_watch_new(struct ks_copies *copies, int eventfd)
{
	struct ks_watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		return NULL;
	watch->copies = copies;
	watch->eventfd = eventfd;
	if (ks_thread_start(&watch->thread, run, watch) != KS_EOK) {
		free(watch);
		return NULL;
	}
	return watch;
}

void ks_watch_heard(struct ks_watch *watch)
{
	atomic_store(&watch->woken, false);
}

void ks_watch_stop(struct ks_watch *watch)
{
	atomic_store(&watch->stop, true);
}

void ks_watch_free(struct ks_watch *watch)
{
	if (watch == NULL)
		return;
	ks_watch_stop(watch);
	pthread_join(watch->thread, NULL);
	free(watch);
}
