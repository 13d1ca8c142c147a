/* SPDX-License-Identifier: Apache-2.0
 *
 * A thread of ours inside httpd: signals are httpd's to take, and a small stack suffices.
 */
#ifndef KS_MOD_SENTRY_THREAD_H
#define KS_MOD_SENTRY_THREAD_H

#include <pthread.h>

#define KS_THREAD_STACK ((size_t)256 * 1024)

/* KS_EOK or -errno. */
int ks_thread_start(pthread_t *thread, void *(*run)(void *ctx), void *ctx);

#endif
