/* SPDX-License-Identifier: Apache-2.0
 *
 * One request on its way to its answer, and the ways to answer it. Every answer has its length, goes to
 * httpd's filters as one brigade that ends with EOS (never flushed, so that head and body leave in one
 * write and no thread waits for a slow viewer), and is counted.
 */
#ifndef KS_MOD_SENTRY_ANSWER_H
#define KS_MOD_SENTRY_ANSWER_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <httpd.h>

#include "mod_sentry/directives.h"
#include "mod_sentry/picture.h"
#include "mod_sentry/stores.h"
#include "mod_sentry/url.h"

struct ks_handover;
struct ks_pump;

struct ks_request {
	request_rec *r;
	struct ks_directives config;
	struct ks_patience patience;
	struct ks_stores *stores;
	struct ks_pump *pump;		/* NULL: there is none; then neither is: */
	struct ks_handover *handover;
	struct ks_url url;
	size_t counted;		/* the counters' row */
	int64_t mono_us, wall_us;
};

/* The filter behind ks_answer_words(); once, at the module's start. */
void ks_answer_register(void);

/* A header whose text lives as long as the request, and one of a number. */
void ks_answer_header(struct ks_request *q, const char *name, const char *value);
void ks_answer_number(struct ks_request *q, const char *name, int64_t value);

/* Each sends the whole answer and returns what the handler returns. */

/* A line of plain text; for clients, so it names no path of this machine. */
int ks_answer_words(struct ks_request *q, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* 503 with a Retry-After that spreads those who come back. */
int ks_answer_unavailable(struct ks_request *q, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Text that was written to open_memstream(): the stream is closed and the text freed when it was sent. */
struct ks_answer_text {
	FILE *out;
	char *text;
	size_t len;
};
bool ks_answer_open(struct ks_answer_text *text);
int ks_answer_text(struct ks_request *q, int status, const char *type, struct ks_answer_text *text);

/* The picture with status 200, or 304 when the request's conditions say so. The caller's reference stays the
 * caller's until the request's pool goes (ks_answer_hold). */
int ks_answer_picture(struct ks_request *q, struct ks_picture *picture);

/* Headers and no body: 204. */
int ks_answer_empty(struct ks_request *q, int status);

/* Gives the reference to the request: header texts stay valid until its log line is written. */
void ks_answer_hold(struct ks_request *q, struct ks_picture *picture);

#endif
