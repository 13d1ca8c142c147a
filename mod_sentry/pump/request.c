/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/pump/request.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

/* Bytes by what they may be part of. */
enum {
	TOKEN = 1,	/* a field name: RFC 9110 section 5.6.2 */
	TARGET = 2,	/* a path or query that is the same decoded and encoded */
	VALUE = 4	/* a field value, without what httpd might see otherwise (RFC 9110 section 5.5) */
};

static const uint8_t classes[256] = {
	['\t'] = VALUE, [' '] = VALUE, ['!'] = TOKEN | TARGET | VALUE, ['"'] = VALUE, ['#'] = TOKEN | VALUE,
	['$'] = TOKEN | TARGET | VALUE, ['%'] = TOKEN | VALUE, ['&'] = TOKEN | TARGET | VALUE,
	['\''] = TOKEN | TARGET | VALUE, ['('] = TARGET | VALUE, [')'] = TARGET | VALUE,
	['*'] = TOKEN | TARGET | VALUE, ['+'] = TOKEN | TARGET | VALUE, [','] = TARGET | VALUE,
	['-'] = TOKEN | TARGET | VALUE, ['.'] = TOKEN | TARGET | VALUE, ['/'] = TARGET | VALUE,
	['0' ... '9'] = TOKEN | TARGET | VALUE, [':'] = TARGET | VALUE, [';'] = TARGET | VALUE, ['<'] = VALUE,
	['='] = TARGET | VALUE, ['>'] = VALUE, ['?'] = TARGET | VALUE, ['@'] = TARGET | VALUE,
	['A' ... 'Z'] = TOKEN | TARGET | VALUE, ['['] = VALUE, ['\\'] = VALUE, [']'] = VALUE,
	['^'] = TOKEN | VALUE, ['_'] = TOKEN | TARGET | VALUE, ['`'] = TOKEN | VALUE,
	['a' ... 'z'] = TOKEN | TARGET | VALUE, ['{'] = VALUE, ['|'] = TOKEN | VALUE, ['}'] = VALUE,
	['~'] = TOKEN | TARGET | VALUE,
};

static bool all_are(const char *at, size_t len, unsigned class)
{
	unsigned common = class;

	for (size_t i = 0; i < len; i++)
		common &= classes[(uint8_t)at[i]];
	return common != 0;
}

static bool is(struct ks_span span, const char *text)
{
	return span.len == strlen(text) && strncasecmp(span.at, text, span.len) == 0;
}

/* --- the request line ------------------------------------------------------------------------------------ */

static bool take(struct ks_span *rest, const char *text)
{
	size_t len = strlen(text);

	if (rest->len < len || memcmp(rest->at, text, len) != 0)
		return false;
	rest->at += len;
	rest->len -= len;
	return true;
}

/* Without anything that httpd would decode, merge or resolve before it looks at it. */
static bool plain_target(struct ks_span target)
{
	const char *query = memchr(target.at, '?', target.len);
	size_t path = query != NULL ? (size_t)(query - target.at) : target.len;

	if (path == 0 || target.at[0] != '/' || !all_are(target.at, target.len, TARGET))
		return false;
	return memmem(target.at, path, "//", 2) == NULL && memmem(target.at, path, "/.", 2) == NULL &&
	       memchr(target.at, ';', path) == NULL;
}

static bool read_line(struct ks_span line, struct ks_request_head *out)
{
	const char *space;

	out->head = take(&line, "HEAD ");
	if (!out->head && !take(&line, "GET "))
		return false;
	space = memchr(line.at, ' ', line.len);
	if (space == NULL)
		return false;
	out->target = (struct ks_span){ line.at, (size_t)(space - line.at) };
	line.len -= out->target.len;
	line.at = space;
	out->http10 = take(&line, " HTTP/1.0");
	return (out->http10 || take(&line, " HTTP/1.1")) && line.len == 0 && plain_target(out->target);
}

/* --- fields ------------------------------------------------------------------------------------------------ */

/* The one connection option that we know, alone; what else could stand there is not about pictures. */
static bool read_connection(struct ks_span value, struct ks_request_head *out)
{
	if (is(value, "close"))
		out->close = true;
	else if (is(value, "keep-alive"))
		out->keep_alive = true;
	else
		return false;
	return true;
}

/* A second one of these would have to be joined with the first, or is an attack. */
static bool once(struct ks_span *field, struct ks_span value)
{
	if (field->at != NULL)
		return false;
	*field = value;
	return true;
}

/* What asks for another answer than the picture and its 304, or comes with a body. */
static bool calls_for_more(struct ks_span name)
{
	static const char *const names[] = {
		"authorization", "content-length", "content-type", "expect", "if-match", "if-modified-since",
		"if-range", "if-unmodified-since", "proxy-authorization", "transfer-encoding", "upgrade",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is(name, names[i]))
			return true;
	return false;
}

bool ks_request_takes_images(const char *accept, size_t len)
{
	return memmem(accept, len, "image/", strlen("image/")) != NULL;
}

static bool read_accept(struct ks_span value, struct ks_request_head *out)
{
	out->images = out->images || ks_request_takes_images(value.at, value.len);
	return true;
}

static bool read_known(struct ks_span name, struct ks_span value, struct ks_request_head *out)
{
	switch (name.at[0] | 0x20) {
	case 'h':
		return !is(name, "host") || once(&out->host, value);
	case 'i':
		return is(name, "if-none-match") ? once(&out->if_none_match, value) : !calls_for_more(name);
	case 'c':
		return is(name, "connection") ? read_connection(value, out) : !calls_for_more(name);
	case 'a':
		return is(name, "accept") ? read_accept(value, out) : !calls_for_more(name);
	case 'u':
	case 'e':
	case 'p':
	case 't':
		return !calls_for_more(name);
	default:
		return true;
	}
}

static bool read_field(struct ks_span line, struct ks_request_head *out)
{
	const char *colon = memchr(line.at, ':', line.len);
	struct ks_span name, value;

	if (colon == NULL || colon == line.at)
		return false;
	name = (struct ks_span){ line.at, (size_t)(colon - line.at) };
	value = (struct ks_span){ colon + 1, line.len - name.len - 1 };
	if (!all_are(name.at, name.len, TOKEN) || !all_are(value.at, value.len, VALUE))
		return false;
	while (value.len > 0 && (*value.at == ' ' || *value.at == '\t')) {
		value.at++;
		value.len--;
	}
	while (value.len > 0 && (value.at[value.len - 1] == ' ' || value.at[value.len - 1] == '\t'))
		value.len--;
	return read_known(name, value, out);
}

/* --- the head ---------------------------------------------------------------------------------------------- */

/* Takes a line and its CRLF off the front; false when it is too long or ends in a bare LF, which httpd has its own mind
 * about. */
static bool take_line(struct ks_span *rest, struct ks_span *line)
{
	const char *lf = memchr(rest->at, '\n', rest->len);
	size_t len = (size_t)(lf - rest->at);

	if (len == 0 || lf[-1] != '\r' || len - 1 > KS_REQUEST_LINE_MAX)
		return false;
	*line = (struct ks_span){ rest->at, len - 1 };
	rest->at += len + 1;
	rest->len -= len + 1;
	return true;
}

static bool read_head(struct ks_span rest, struct ks_request_head *out)
{
	struct ks_span line;
	unsigned fields = 0;

	if (!take_line(&rest, &line) || !read_line(line, out))
		return false;
	while (take_line(&rest, &line)) {
		if (line.len == 0) {
			/* RFC 9112 sections 3.2 and 9.3. */
			out->close = out->close || (out->http10 && !out->keep_alive);
			return rest.len == 0 && (out->host.len > 0 || out->http10);
		}
		if (++fields > KS_REQUEST_FIELDS_MAX || !read_field(line, out))
			return false;
	}
	return false;
}

/* Where the head ends: behind the first empty line that follows another, whatever its line ends are. 0: nowhere yet. */
static size_t end_of_head(const char *bytes, size_t len)
{
	const char *at = bytes, *end = bytes + len, *lf;
	bool begun = false;

	while ((lf = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		bool empty = lf == at || (lf == at + 1 && *at == '\r');

		at = lf + 1;
		if (empty && begun)
			return (size_t)(at - bytes);
		begun = begun || !empty;
	}
	return 0;
}

enum ks_request_kind ks_request_read(const char *bytes, size_t len, struct ks_request_head *out)
{
	size_t end = end_of_head(bytes, len);

	memset(out, 0, sizeof(*out));
	if (end == 0)
		return KS_REQUEST_PARTIAL;
	if (read_head((struct ks_span){ bytes, end }, out)) {
		out->whole = (struct ks_span){ bytes, end };
		return KS_REQUEST_PLAIN;
	}
	memset(out, 0, sizeof(*out));
	out->whole = (struct ks_span){ bytes, end };
	return KS_REQUEST_OTHER;
}

/* --- its length ------------------------------------------------------------------------------------------------- */

/* What is behind a field's name and its colon, however these are written. False: it is another field. */
static bool find_value(struct ks_span line, const char *name, struct ks_span *value)
{
	size_t len = strlen(name);

	while (line.len > 0 && (*line.at == ' ' || *line.at == '\t')) {
		line.at++;
		line.len--;
	}
	if (line.len <= len || strncasecmp(line.at, name, len) != 0 || strchr(": \t", line.at[len]) == NULL)
		return false;
	*value = (struct ks_span){ line.at + len + 1, line.len - len - 1 };
	return true;
}

static bool is_unclear(struct ks_span line)
{
	static const char *const names[] = { "expect", "transfer-encoding", "upgrade" };
	struct ks_span value;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (find_value(line, names[i], &value))
			return true;
	return false;
}

/* Digits alone, with at most a space in front; SIZE_MAX: anything else. What is large is cut short. */
static size_t read_length(struct ks_span value)
{
	size_t length = 0, at = value.len > 0 && value.at[0] == ' ';

	if (value.len > 0 && value.at[value.len - 1] == '\r')
		value.len--;
	if (at >= value.len)
		return SIZE_MAX;
	for (; at < value.len; at++) {
		if (value.at[at] < '0' || value.at[at] > '9')
			return SIZE_MAX;
		if (length < SIZE_MAX / 100)
			length = length * 10 + (size_t)(value.at[at] - '0');
	}
	return length;
}

size_t ks_request_length(const char *bytes, size_t len)
{
	size_t head = end_of_head(bytes, len), body = 0;
	unsigned lengths = 0;

	for (const char *at = bytes, *end = bytes + head, *lf; at < end; at = lf + 1) {
		struct ks_span line, value;

		lf = memchr(at, '\n', (size_t)(end - at));
		line = (struct ks_span){ at, (size_t)(lf - at) };
		if (is_unclear(line))
			return 0;
		if (!find_value(line, "content-length", &value))
			continue;
		body = read_length(value);
		if (++lengths > 1 || body == SIZE_MAX)
			return 0;
	}
	return head > 0 ? head + body : 0;
}
