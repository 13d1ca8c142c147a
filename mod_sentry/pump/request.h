/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of an HTTP/1.x request (RFC 9112 sections 2 to 5), as far as the pump needs it. The reader is strict and
 * does not refuse: what it does not understand to the last byte, or what may call for another answer than a
 * picture, is OTHER, and httpd itself answers that. So there is one set of opinions about bad requests, httpd's.
 * Nothing is allocated and nothing is written.
 */
#ifndef KS_MOD_SENTRY_PUMP_REQUEST_H
#define KS_MOD_SENTRY_PUMP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

/* Beyond these it is OTHER, for httpd's own limits to judge (LimitRequestLine and its like are above them by
 * default). */
#define KS_REQUEST_LINE_MAX 4096	/* bytes of a line, without its CRLF */
#define KS_REQUEST_FIELDS_MAX 64

enum ks_request_kind {
	KS_REQUEST_PARTIAL,	/* the head has no end yet */
	KS_REQUEST_PLAIN,	/* GET or HEAD of a path, without body, all fields known to change no picture */
	KS_REQUEST_OTHER	/* a whole head of anything else, or bytes that cannot become a head */
};

/* Part of the bytes that were read. */
struct ks_span {
	const char *at;
	size_t len;
};

struct ks_request_head {
	struct ks_span whole;		/* the head's bytes */
	struct ks_span target;		/* begins with '/'; path and query, without escapes and dot segments */
	struct ks_span host;
	struct ks_span if_none_match;	/* at NULL: none */
	bool images;			/* it says that it takes images, as a page's <img> does */
	bool head;			/* HEAD: an answer without its body */
	bool http10;
	bool keep_alive;		/* was asked for in words */
	bool close;			/* the connection ends with the answer */
};

/* True when the value of an Accept field names images. */
bool ks_request_takes_images(const char *accept, size_t len);

/* Reads the head at the start of bytes[0..len). *out is set for PLAIN; of OTHER only `whole` is, and nothing
 * of PARTIAL. */
enum ks_request_kind ks_request_read(const char *bytes, size_t len, struct ks_request_head *out);

/* How long the request at the start of bytes[0..len) is, with its body; that need not be there. 0: one cannot tell. Its
 * head has no end yet, or says that chunks, another protocol, or a body that is to be asked for follow; or it is not
 * clear what it says. */
size_t ks_request_length(const char *bytes, size_t len);

#endif
