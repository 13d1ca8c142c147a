/* SPDX-License-Identifier: Apache-2.0
 *
 * The pump's answers in httpd's access log, in httpd's formats. The pump writes what it has answered into a ring and
 * goes on; a thread of its own makes of each entry as much of a request as the log modules look at, and runs their
 * hooks. When the ring is full an entry is counted and not written: no viewer ever waits for a disk.
 *
 * One per child. Only the pump's thread may call ks_accesslog_answered().
 */
#ifndef KS_MOD_SENTRY_ACCESSLOG_H
#define KS_MOD_SENTRY_ACCESSLOG_H

#include <httpd.h>

#include "mod_sentry/pump/pump.h"

#define KS_ACCESSLOG_ENTRIES 4096
#define KS_ACCESSLOG_HEAD 1024		/* bytes of a request's head that are kept for the log */

struct ks_accesslog;

/* Every so many'th answer is written, 1: all. NULL when there is no memory or no thread to be had. */
struct ks_accesslog *ks_accesslog_new(unsigned every);

/* Writes what is in the ring. NULL is allowed. */
void ks_accesslog_free(struct ks_accesslog *log);

/* As ks_pump_ops.answered; `log` is a struct ks_accesslog. */
void ks_accesslog_answered(void *log, const struct ks_pump_answered *answered);

#endif
