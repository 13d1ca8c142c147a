/* SPDX-License-Identifier: Apache-2.0
 *
 * What is answered, by kind of URL. Each sends a whole answer and returns what the handler returns.
 */
#ifndef KS_MOD_SENTRY_SERVE_H
#define KS_MOD_SENTRY_SERVE_H

#include "mod_sentry/answer.h"
#include "mod_sentry/cache_control.h"

int ks_serve_latest(struct ks_request *q);
int ks_serve_frame(struct ks_request *q);
int ks_serve_stream(struct ks_request *q);

/* A stream's parts, from `picture` on, as long as there is somebody to take them; the caller may be held. */
int ks_serve_parts(struct ks_request *q, struct ks_copies *copies, struct ks_picture *picture);

int ks_serve_listing(struct ks_request *q);
int ks_serve_health(struct ks_request *q);
int ks_serve_metrics(struct ks_request *q);
int ks_serve_preflight(struct ks_request *q);

/* For a channel or rendition that is not known: 404, or 503 as long as nothing is. */
int ks_serve_unknown(struct ks_request *q);

/* What every answer carries, errors too: who may read it and how. */
void ks_serve_constants(struct ks_request *q);

#endif
