/* SPDX-License-Identifier: Apache-2.0
 *
 * A thread that sleeps on a store's futex, and with each new frame writes to an eventfd once, however many viewers
 * wait for it.
 */
#ifndef KS_MOD_SENTRY_PUMP_WATCH_H
#define KS_MOD_SENTRY_PUMP_WATCH_H

#include <stdbool.h>

#include "mod_sentry/copies.h"

struct ks_watch;

/* NULL when there is no memory or no thread to be had. */
struct ks_watch *ks_watch_new(struct ks_copies *copies, int eventfd);

/* It has been heard, and wakes again for what comes after this. */
void ks_watch_heard(struct ks_watch *watch);

/* The thread ends within KS_COPIES_LOOK_US; free waits for it. */
void ks_watch_stop(struct ks_watch *watch);
void ks_watch_free(struct ks_watch *watch);

#endif
