/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of an HTTP answer as a client that trusts nobody reads it: line by line, with the few fields that
 * matter kept within bounds (RFC 9112, 4 and 5; RFC 9110, 5.5). How the lines come and where the body ends is
 * the caller's to know; nothing here touches the network.
 */
#ifndef KS_HTTP_ANSWER_H
#define KS_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KS_ANSWER_HEAD_MAX 16384	/* bytes of status line and header fields together */
#define KS_ANSWER_VALUE_MAX 80		/* bytes of a field that we look at, with its NUL */

enum ks_header {
	KS_HEADER_LENGTH,	/* Content-Length */
	KS_HEADER_ETAG,
	KS_HEADER_ID,		/* Frame-Id */
	KS_HEADER_CAPTURED,	/* Frame-Captured */
	KS_HEADER_NEXT,		/* Frame-Next */
	KS_HEADER_PERIOD,	/* Frame-Period */
	KS_HEADER_SPREAD,	/* Frame-Spread */
	KS_HEADER_STATE,	/* Frame-State */
	KS_HEADER_SERVED_BY,	/* Served-By */
	KS_HEADER_TYPE,		/* Content-Type */
	KS_HEADER_CODING,	/* Transfer-Encoding */
	KS_HEADER_CONNECTION,	/* a list, of however many lines */
	KS_HEADER_RETRY,	/* Retry-After */
	KS_HEADERS
};

/* Zeroed: nothing has come yet. */
struct ks_answer {
	int status;		/* 0: no status line yet, or one that is none */
	unsigned minor;		/* of HTTP/1.x; 1 for later versions */
	size_t head_len;
	bool flawed;		/* a line is no field; one that matters came twice, is too long or not plain ASCII */
	char value[KS_HEADERS][KS_ANSWER_VALUE_MAX];	/* empty: not there */
};

/* Takes one line of the head, with or without its line end; a status line starts the answer anew (an
 * interim answer went before). False when the head is larger than KS_ANSWER_HEAD_MAX: give up. */
bool ks_answer_line(struct ks_answer *answer, const char *line, size_t len);

/* The value of a field as a decimal number of at most `max`; false when it is absent or anything else. */
bool ks_answer_number(const struct ks_answer *answer, enum ks_header header, uint64_t max, uint64_t *number);

/* True when `word` is one of the list's, in whatever case. */
bool ks_answer_lists(const struct ks_answer *answer, enum ks_header header, const char *word);

#endif
