/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/thread.h"

#include <signal.h>

int ks_thread_start(pthread_t *thread, void *(*run)(void *ctx), void *ctx)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, KS_THREAD_STACK);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(thread, &attr, run, ctx);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}
