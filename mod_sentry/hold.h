/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker threads of httpd that hold a viewer until there is a picture: over HTTP/2, which the pump does not speak, and
 * where it keeps out. Only some of a child's threads may be held; for the others' viewers there is no waiting.
 */
#ifndef KS_MOD_SENTRY_HOLD_H
#define KS_MOD_SENTRY_HOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "mod_sentry/answer.h"

#define KS_HOLD_SHARE 4		/* one thread in so many */

/* In a child, before its first request. */
void ks_hold_allow(size_t threads);

/* From now on nobody is held, and who is gets away within KS_COPIES_LOOK_US. */
void ks_hold_end(void);

/* True when this thread may be held; ks_hold_leave() afterwards. */
bool ks_hold_enter(void);
void ks_hold_leave(void);

/* Sleeps until there is a picture after q->url.after, or q's wait is over, and brings q's times up to date, and *error.
 * Returns the newest picture, with a reference, and gives `picture`'s back. */
struct ks_picture *ks_hold_for_next(struct ks_request *q, struct ks_copies *copies, struct ks_picture *picture,
				    int64_t until_us, int *error);

#endif
