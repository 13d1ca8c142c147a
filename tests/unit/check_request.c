/* SPDX-License-Identifier: Apache-2.0
 *
 * The pump's request reader against the rules of request.h, by section of the RFCs; and against a second description of
 * what it takes, a regular expression, for every change of one byte in a request.
 */
#include "mod_sentry/pump/request.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

#define LINE "GET /live/main/std/latest.jpg HTTP/1.1\r\n"
#define HOST "Host: relay\r\n"
#define HEAD LINE HOST

static const struct {
	const char *section, *text;
	enum ks_request_kind kind;
} cases[] = {
	/* Lines and their ends. */
	{ "9112 2.1", LINE HOST "\r\n", KS_REQUEST_PLAIN },
	{ "9112 2.2: an empty line in front", "\r\n" LINE HOST "\r\n", KS_REQUEST_OTHER },
	{ "9112 2.2: a bare LF", "GET / HTTP/1.1\nHost: a\n\n", KS_REQUEST_OTHER },
	{ "9112 2.2: a bare LF in the middle", LINE "Host: relay\nX: y\r\n\r\n", KS_REQUEST_OTHER },
	{ "9112 2.2: a bare LF at the end", LINE HOST "\n", KS_REQUEST_OTHER },
	{ "9112 2.2: a bare CR in a value", HEAD "X: a\rb\r\n\r\n", KS_REQUEST_OTHER },
	{ "9112 2.2: CR CR LF", HEAD "X: a\r\r\n\r\n", KS_REQUEST_OTHER },
	{ "9112 2.2: white space in front of the first field", LINE " Host: relay\r\n\r\n", KS_REQUEST_OTHER },

	/* The request line. */
	{ "9112 3: HEAD", "HEAD /a HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_PLAIN },
	{ "9112 3: two spaces", "GET  /a HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "9112 3: two spaces behind", "GET /a  HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "9112 3: a tab", "GET\t/a HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "9112 3: a space at the end", "GET /a HTTP/1.1 \r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "9112 3: a space in front", " GET /a HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "9112 3: no version", "GET /a\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "9112 3: nothing but a method", "GET\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "9110 9.1: methods have a case", "get /a HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "9110 9.3.3", "POST /a HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "9110 9.3.7", "OPTIONS /a HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "9110 9.3.8", "TRACE /a HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "9110 9.1: unknown", "GETS /a HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "9112 2.3: 1.0", "GET /a HTTP/1.0\r\n\r\n", KS_REQUEST_PLAIN },
	{ "9112 2.3: 1.2", "GET /a HTTP/1.2\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "9112 2.3: 2.0", "GET /a HTTP/2.0\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "9112 2.3: more digits", "GET /a HTTP/1.10\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "9112 2.3: the name has a case", "GET /a http/1.1\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "9113 3.4", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", KS_REQUEST_OTHER },

	/* The target: nothing that is another one when it is decoded or resolved. */
	{ "9112 3.2.2: absolute", "GET http://relay/a HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "9112 3.2.3: authority", "GET relay:80 HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "9112 3.2.4: asterisk", "GET * HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "9112 3.2.1: root", "GET / HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_PLAIN },
	{ "9112 3.2.1: query", "GET /a?b=c&d?e HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_PLAIN },
	{ "9112 3.2.1: no path", "GET ?b HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "9112 3.2: fragment", "GET /a#b HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "3986 2.1: escape", "GET /%61 HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "3986 2.1: escape in the query", "GET /a?%61 HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "3986 3.3: parameter", "GET /a;b HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "3986 3.3: not in a query", "GET /a?b;c HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_PLAIN },
	{ "3986 3.3: an empty segment", "GET /a//b HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "3986 5.2.4: dot", "GET /a/./b HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "3986 5.2.4: dots", "GET /a/../b HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "3986 5.2.4: dots at the end", "GET /a/.. HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "3986 3.4: a query may have them", "GET /a?/../b//c HTTP/1.1\r\n" HOST "\r\n", KS_REQUEST_PLAIN },

	/* Fields. */
	{ "9112 5: no space is needed", LINE "Host:relay\r\n\r\n", KS_REQUEST_PLAIN },
	{ "9112 5: tabs and spaces around a value", LINE "Host: \t relay \t\r\n\r\n", KS_REQUEST_PLAIN },
	{ "9112 5.1: white space in front of the colon", HEAD "X : y\r\n\r\n", KS_REQUEST_OTHER },
	{ "9112 5.1: in Host, too", LINE "Host : relay\r\n\r\n", KS_REQUEST_OTHER },
	{ "9112 5: no name", HEAD ": y\r\n\r\n", KS_REQUEST_OTHER },
	{ "9112 5: no colon", HEAD "X\r\n\r\n", KS_REQUEST_OTHER },
	{ "9112 5.2: folded", HEAD "X: a\r\n b\r\n\r\n", KS_REQUEST_OTHER },
	{ "9110 5.5: empty", HEAD "X:\r\n\r\n", KS_REQUEST_PLAIN },
	{ "9110 5.5: a control character", HEAD "X: a\001b\r\n\r\n", KS_REQUEST_OTHER },
	{ "9110 5.5: DEL", HEAD "X: a\177b\r\n\r\n", KS_REQUEST_OTHER },
	{ "9110 5.5: obs-text", HEAD "X: a\377b\r\n\r\n", KS_REQUEST_OTHER },
	{ "9110 5.6.2: all that a name may have", HEAD "!#$%&'*+-.^_`|~09AZaz: y\r\n\r\n", KS_REQUEST_PLAIN },
	{ "9110 5.6.2: a name in parentheses", HEAD "(X): y\r\n\r\n", KS_REQUEST_OTHER },
	{ "9110 5.3: unknown ones may come twice", HEAD "X: a\r\nX: b\r\n\r\n", KS_REQUEST_PLAIN },
	{ "fields that change no picture", HEAD "Accept: */*\r\nAccept-Encoding: gzip, br\r\nCache-Control: no-cache\r\n"
	  "Cookie: a=b\r\nDNT: 1\r\nOrigin: http://a\r\nPragma: no-cache\r\nRange: bytes=0-9\r\nSec-Fetch-Mode: cors\r\n\r\n",
	  KS_REQUEST_PLAIN },

	/* Host. */
	{ "9112 3.2: none", LINE "\r\n", KS_REQUEST_OTHER },
	{ "9112 3.2: twice", HEAD "Host: relay\r\n\r\n", KS_REQUEST_OTHER },
	{ "9112 3.2: twice, the first empty", LINE "Host:\r\n" HOST "\r\n", KS_REQUEST_OTHER },
	{ "9112 3.2: empty", LINE "Host:\r\n\r\n", KS_REQUEST_OTHER },
	{ "9110 5.1: names have no case", LINE "hOsT: relay\r\n\r\n", KS_REQUEST_PLAIN },

	/* The connection. */
	{ "9112 9.6", HEAD "Connection: close\r\n\r\n", KS_REQUEST_PLAIN },
	{ "9110 7.6.1: no case", HEAD "connection: CLOSE\r\n\r\n", KS_REQUEST_PLAIN },
	{ "9112 9.3", HEAD "Connection: Keep-Alive\r\n\r\n", KS_REQUEST_PLAIN },
	{ "9110 7.6.1: a list", HEAD "Connection: keep-alive, close\r\n\r\n", KS_REQUEST_OTHER },
	{ "9110 7.6.1: another option", HEAD "Connection: TE\r\n\r\n", KS_REQUEST_OTHER },
	{ "9110 7.6.1: nothing", HEAD "Connection:\r\n\r\n", KS_REQUEST_OTHER },
	{ "9110 7.8", HEAD "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n", KS_REQUEST_OTHER },
	{ "9110 7.8: alone", HEAD "Upgrade: h2c\r\n\r\n", KS_REQUEST_OTHER },

	/* What comes with a body, or asks for another answer. */
	{ "9112 6.2", HEAD "Content-Length: 0\r\n\r\n", KS_REQUEST_OTHER },
	{ "9112 6.1", HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", KS_REQUEST_OTHER },
	{ "9112 6.1: whatever its value", HEAD "TRANSFER-ENCODING: x\r\n\r\n", KS_REQUEST_OTHER },
	{ "9110 8.3", HEAD "Content-Type: text/plain\r\n\r\n", KS_REQUEST_OTHER },
	{ "9110 10.1.1", HEAD "Expect: 100-continue\r\n\r\n", KS_REQUEST_OTHER },
	{ "9110 11.6.2", HEAD "Authorization: Basic YTpi\r\n\r\n", KS_REQUEST_OTHER },
	{ "9110 11.7.2", HEAD "Proxy-Authorization: Basic YTpi\r\n\r\n", KS_REQUEST_OTHER },
	{ "9110 13.1.1", HEAD "If-Match: \"a\"\r\n\r\n", KS_REQUEST_OTHER },
	{ "9110 13.1.2", HEAD "If-None-Match: \"a\"\r\n\r\n", KS_REQUEST_PLAIN },
	{ "9110 13.1.2: twice", HEAD "If-None-Match: \"a\"\r\nIf-None-Match: \"b\"\r\n\r\n", KS_REQUEST_OTHER },
	{ "9110 13.1.3", HEAD "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n", KS_REQUEST_OTHER },
	{ "9110 13.1.4", HEAD "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n", KS_REQUEST_OTHER },
	{ "9110 13.1.5", HEAD "If-Range: \"a\"\r\n\r\n", KS_REQUEST_OTHER },
	/* A name that only begins like one of these is another field. */
	{ "names are whole", HEAD "Expectations: 1\r\nIf: 1\r\nHosts: a\r\nUpgrades: 1\r\nContent-Lengths: 1\r\n\r\n",
	  KS_REQUEST_PLAIN },
};

/* In memory of its own size, so that a sanitizer sees a byte too many. */
static enum ks_request_kind read_exactly(const char *bytes, size_t len, struct ks_request_head *out)
{
	char *copy = malloc(len > 0 ? len : 1);
	enum ks_request_kind kind;

	memcpy(copy, bytes, len);
	kind = ks_request_read(copy, len, out);
	free(copy);
	return kind;
}

START_TEST(by_section)
{
	struct ks_request_head out;

	ck_assert_msg(read_exactly(cases[_i].text, strlen(cases[_i].text), &out) == cases[_i].kind, "RFC %s",
		      cases[_i].section);
	ck_assert_uint_gt(out.whole.len, 0);
	ck_assert_uint_le(out.whole.len, strlen(cases[_i].text));
	if (cases[_i].kind == KS_REQUEST_OTHER) {
		struct ks_request_head only_whole = { .whole = out.whole };

		ck_assert_mem_eq(&out, &only_whole, sizeof(out));
	}
}
END_TEST

static void is_span(struct ks_span span, const char *text)
{
	ck_assert_uint_eq(span.len, strlen(text));
	ck_assert_mem_eq(span.at, text, span.len);
}

#define WHOLE \
	"HEAD /live/main/std/latest.jpg?after=7-1&wait=500 HTTP/1.1\r\nHost:  relay:8080 \r\nConnection: keep-alive\r\n" \
	"User-Agent: a b\r\nReferer:\thttp://b/\t\r\nIf-None-Match: \"7-1-00000000\"\r\n\r\n"

START_TEST(what_is_in_it)
{
	static const char text[] = WHOLE "GET";
	struct ks_request_head out;

	ck_assert_int_eq(ks_request_read(text, sizeof(text) - 1, &out), KS_REQUEST_PLAIN);
	is_span(out.target, "/live/main/std/latest.jpg?after=7-1&wait=500");
	is_span(out.host, "relay:8080");
	ck_assert_ptr_eq(out.whole.at, text);
	is_span(out.if_none_match, "\"7-1-00000000\"");
	ck_assert(out.head && out.keep_alive && !out.close && !out.http10);
	ck_assert_uint_eq(out.whole.len, strlen(WHOLE));
}
END_TEST

static const struct {
	const char *text;
	bool close, keep_alive;
} persistence[] = {	/* RFC 9112 section 9.3 */
	{ "GET / HTTP/1.1\r\n" HOST "\r\n", false, false },
	{ "GET / HTTP/1.1\r\n" HOST "Connection: keep-alive\r\n\r\n", false, true },
	{ "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", true, false },
	{ "GET / HTTP/1.1\r\n" HOST "Connection: keep-alive\r\nConnection: close\r\n\r\n", true, true },
	{ "GET / HTTP/1.0\r\n" HOST "\r\n", true, false },
	{ "GET / HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n\r\n", false, true },
	{ "GET / HTTP/1.0\r\n" HOST "Connection: close\r\n\r\n", true, false },
};

START_TEST(does_the_connection_stay)
{
	struct ks_request_head out;

	ck_assert_int_eq(ks_request_read(persistence[_i].text, strlen(persistence[_i].text), &out), KS_REQUEST_PLAIN);
	ck_assert_int_eq(out.close, persistence[_i].close);
	ck_assert_int_eq(out.keep_alive, persistence[_i].keep_alive);
}
END_TEST

START_TEST(does_it_take_images)
{
	static const struct {
		const char *text;
		bool images;
	} accepts[] = {
		{ HEAD "\r\n", false },
		{ HEAD "Accept: */*\r\n\r\n", false },
		{ HEAD "Accept: text/html\r\nAccept-Encoding: image/x\r\n\r\n", false },
		{ HEAD "accept: image/avif,image/webp,*/*;q=0.8\r\n\r\n", true },
		{ HEAD "Accept: image/*\r\nAccept: */*\r\n\r\n", true },
	};
	struct ks_request_head out;

	for (size_t i = 0; i < sizeof(accepts) / sizeof(accepts[0]); i++) {
		ck_assert_int_eq(ks_request_read(accepts[i].text, strlen(accepts[i].text), &out), KS_REQUEST_PLAIN);
		ck_assert_int_eq(out.images, accepts[i].images);
	}
}
END_TEST

START_TEST(cut_anywhere_it_is_partial)
{
	static const char text[] = WHOLE WHOLE;
	struct ks_request_head out, whole;

	ck_assert_int_eq(ks_request_read(text, strlen(WHOLE), &whole), KS_REQUEST_PLAIN);
	for (size_t len = 0; len < sizeof(text); len++) {
		bool is_whole = len >= strlen(WHOLE);

		ck_assert_int_eq(read_exactly(text, len, &out), is_whole ? KS_REQUEST_PLAIN : KS_REQUEST_PARTIAL);
		ck_assert_uint_eq(out.whole.len, is_whole ? strlen(WHOLE) : 0);
	}
}
END_TEST

/* Bytes that cannot become a head end with an empty line, too: what is behind it is the next one's. */
START_TEST(cut_anywhere_it_is_partial_or_other)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t whole;
		struct ks_request_head out;

		ck_assert_int_ne(ks_request_read(cases[i].text, strlen(cases[i].text), &out), KS_REQUEST_PARTIAL);
		whole = out.whole.len;
		for (size_t len = 0; len < whole; len++)
			ck_assert_int_eq(read_exactly(cases[i].text, len, &out), KS_REQUEST_PARTIAL);
	}
}
END_TEST

/* --- how long it is ---------------------------------------------------------------------------------------------- */

#define HEADLESS 3
#define POST "POST / HTTP/1.1\r\n"

static const struct {
	const char *text;
	size_t body;
	bool unclear;
} lengths[] = {
	/* The first few, HEADLESS, are no heads yet. */
	{ "", 0, true },
	{ LINE HOST, 0, true },
	{ "\r\n\r\n\r\n", 0, true },
	{ HEAD "\r\n", 0, false },
	{ "\r\n" HEAD "\r\n", 0, false },
	{ "nonsense\n\n", 0, false },
	{ "DELETE / HTTP/1.1\r\nX-Content-Length: 1\r\nContent-Lengths: 1\r\nContent: 1\r\n\r\n", 0, false },
	{ HEAD "Upgrade-Insecure-Requests: 1\r\n\r\n", 0, false },
	{ POST "Content-Length: 0\r\n\r\n", 0, false },
	{ POST "Content-Length: 12\r\n\r\n", 12, false },
	{ POST "Host: a\r\ncontent-LENGTH:00012\r\n\r\n", 12, false },
	{ "POST / HTTP/1.1\nContent-Length: 12\n\n", 12, false },
	{ POST "Content-Length: 1000000\r\n\r\n", 1000000, false },
	/* Whose opinion of it is httpd's. */
	{ POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 0, true },
	{ POST "Content-Length:\r\n\r\n", 0, true },
	{ POST "Content-Length: \r\n\r\n", 0, true },
	{ POST "Content-Length: +1\r\n\r\n", 0, true },
	{ POST "Content-Length: -1\r\n\r\n", 0, true },
	{ POST "Content-Length: 1 1\r\n\r\n", 0, true },
	{ POST "Content-Length: 1,1\r\n\r\n", 0, true },
	{ POST "Content-Length: 0x1\r\n\r\n", 0, true },
	{ POST "Content-Length : 1\r\n\r\n", 0, true },
	{ POST "Content-Length\t: 1\r\n\r\n", 0, true },
	{ POST "Host: a\r\n Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 0, true },
	{ POST "Transfer-Encoding: x\r\n\r\n", 0, true },
	{ POST "Content-Length: 1\r\ntransfer-encoding : chunked\r\n\r\n", 0, true },
	{ POST "Content-Length: 1\r\nExpect: 100-continue\r\n\r\n", 0, true },
	{ HEAD "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n", 0, true },
};

/* What is behind the head is not looked at: its body, or another request. */
START_TEST(how_long_it_is)
{
	static const char *const behind[] = { "", "a", POST "Content-Length: 7\r\n\r\n" };
	size_t head = strlen(lengths[_i].text), expected = lengths[_i].unclear ? 0 : head + lengths[_i].body;

	/* Behind a head that has no end it would be part of it. */
	for (size_t i = 0; i < (_i < HEADLESS ? 1 : 3); i++) {
		size_t len = head + strlen(behind[i]);
		char *copy = malloc(len > 0 ? len : 1);

		memcpy(copy, lengths[_i].text, head);
		memcpy(copy + head, behind[i], len - head);
		ck_assert_uint_eq(ks_request_length(copy, len), expected);
		free(copy);
	}
}
END_TEST

START_TEST(no_length_is_too_large)
{
	static const char text[] = POST "Content-Length: 99999999999999999999999999999999\r\n\r\n";

	ck_assert_uint_gt(ks_request_length(text, strlen(text)), 1000000000);
}
END_TEST

/* --- the second description ------------------------------------------------------------------------------------ */

#define TCHAR "[!#$%&'*+.^_`|~0-9A-Za-z-]"
#define SEGMENT "[!$&'()*+,:=@_~0-9A-Za-z-][!$&'()*+,.:=@_~0-9A-Za-z-]*"
#define QUERY "[!$&'()*+,./:;=?@_~0-9A-Za-z-]*"

static regex_t request_re, host_re, connection_re, one_option_re;

static void compile(regex_t *re, const char *text)
{
	ck_assert_int_eq(regcomp(re, text, REG_EXTENDED | REG_NOSUB | REG_ICASE * (re != &request_re)), 0);
}

static void compile_all(void)
{
	compile(&request_re, "^(GET|HEAD) ((/" SEGMENT ")+/?|/)([?]" QUERY ")? HTTP/1[.][01]\r\n"
			     "(" TCHAR "+:[\t -~]*\r\n)*\r\n$");
	compile(&host_re, "\r\nhost:[\t ]*[^\t \r]");
	compile(&connection_re, "\r\nconnection:");
	compile(&one_option_re, "\r\nconnection:[\t ]*(close|keep-alive)[\t ]*\r\n");
}

static bool matches(const regex_t *re, const char *text)
{
	return regexec(re, text, 0, NULL, 0) == 0;
}

/* True when the text, up to its first empty line, is what the reader should take. */
static bool is_plain(const char *text, size_t len, size_t *head_len)
{
	const char *end = memmem(text, len, "\r\n\r\n", 4);
	char *head;
	bool plain;

	if (end == NULL)
		return false;
	*head_len = (size_t)(end - text) + 4;
	if (memchr(text, '\0', *head_len) != NULL)
		return false;
	head = strndup(text, *head_len);
	plain = matches(&request_re, head) && (matches(&host_re, head) || strstr(head, " HTTP/1.0\r\n") != NULL) &&
		(!matches(&connection_re, head) || matches(&one_option_re, head));
	free(head);
	return plain;
}

static void agree(const char *text, size_t len)
{
	struct ks_request_head out;
	size_t head_len = 0;
	bool plain = is_plain(text, len, &head_len);
	enum ks_request_kind kind = read_exactly(text, len, &out);

	ck_assert_msg((kind == KS_REQUEST_PLAIN) == plain, "%s: %.*s", plain ? "not taken" : "taken", (int)len, text);
	if (plain)
		ck_assert_uint_eq(out.whole.len, head_len);
}

#define SAMPLE \
	"GET /live/main/std/latest.jpg?after=7-1 HTTP/1.1\r\nHost: relay\r\nConnection: keep-alive\r\nX-A: \"b\"\r\n\r\n"

START_TEST(every_byte_at_every_place)
{
	char text[] = SAMPLE;

	compile_all();
	agree(text, strlen(SAMPLE));
	for (size_t at = 0; at < strlen(SAMPLE); at++) {
		for (int byte = 0; byte < 256; byte++) {
			text[at] = (char)byte;
			agree(text, strlen(SAMPLE));
		}
		text[at] = SAMPLE[at];
	}
}
END_TEST

START_TEST(every_byte_put_in_at_every_place)
{
	char text[sizeof(SAMPLE) + 1];

	compile_all();
	for (size_t at = 0; at <= strlen(SAMPLE); at++) {
		memcpy(text, SAMPLE, at);
		memcpy(text + at + 1, &SAMPLE[at], strlen(SAMPLE) - at);
		for (int byte = 0; byte < 256; byte++) {
			text[at] = (char)byte;
			agree(text, strlen(SAMPLE) + 1);
		}
	}
}
END_TEST

START_TEST(every_byte_left_out)
{
	char text[sizeof(SAMPLE)];

	compile_all();
	for (size_t at = 0; at < strlen(SAMPLE); at++) {
		memcpy(text, SAMPLE, at);
		memcpy(text + at, &SAMPLE[at + 1], strlen(SAMPLE) - at - 1);
		agree(text, strlen(SAMPLE) - 1);
	}
}
END_TEST

/* --- limits -------------------------------------------------------------------------------------------------------- */

/* A request whose line, or whose one long field, has `len` bytes without its CRLF. */
static enum ks_request_kind with_line(size_t len, bool field)
{
	static char text[4 * KS_REQUEST_LINE_MAX];
	const char *begin = field ? LINE HOST "X: " : "GET /", *end = field ? "\r\n\r\n" : " HTTP/1.1\r\n" HOST "\r\n";
	size_t at = strlen(begin), line = field ? strlen("X: ") : strlen("GET / HTTP/1.1");
	struct ks_request_head out;

	memcpy(text, begin, at);
	memset(text + at, 'a', len - line);
	at += len - line;
	memcpy(text + at, end, strlen(end));
	return read_exactly(text, at + strlen(end), &out);
}

START_TEST(long_lines_are_httpds)
{
	ck_assert_int_eq(with_line(KS_REQUEST_LINE_MAX, _i), KS_REQUEST_PLAIN);
	ck_assert_int_eq(with_line(KS_REQUEST_LINE_MAX + 1, _i), KS_REQUEST_OTHER);
	ck_assert_int_eq(with_line(2 * KS_REQUEST_LINE_MAX, _i), KS_REQUEST_OTHER);
}
END_TEST

static enum ks_request_kind with_fields(unsigned n)
{
	static char text[sizeof(LINE HOST) + 8 * (KS_REQUEST_FIELDS_MAX + 2)];
	struct ks_request_head out;
	char *at = stpcpy(text, LINE HOST);

	for (unsigned i = 1; i < n; i++)
		at = stpcpy(at, "X: y\r\n");
	at = stpcpy(at, "\r\n");
	return read_exactly(text, (size_t)(at - text), &out);
}

START_TEST(many_fields_are_httpds)
{
	ck_assert_int_eq(with_fields(KS_REQUEST_FIELDS_MAX), KS_REQUEST_PLAIN);
	ck_assert_int_eq(with_fields(KS_REQUEST_FIELDS_MAX + 1), KS_REQUEST_OTHER);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("request");
	TCase *rules = tcase_create("rules"), *bytes = tcase_create("bytes"), *limits = tcase_create("limits");

	tcase_add_loop_test(rules, by_section, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(rules, what_is_in_it);
	tcase_add_loop_test(rules, does_the_connection_stay, 0, sizeof(persistence) / sizeof(persistence[0]));
	tcase_add_test(rules, does_it_take_images);
	tcase_add_test(rules, cut_anywhere_it_is_partial);
	tcase_add_test(rules, cut_anywhere_it_is_partial_or_other);
	tcase_add_loop_test(rules, how_long_it_is, 0, sizeof(lengths) / sizeof(lengths[0]));
	tcase_add_test(rules, no_length_is_too_large);
	suite_add_tcase(suite, rules);

	tcase_set_timeout(bytes, 60);
	tcase_add_test(bytes, every_byte_at_every_place);
	tcase_add_test(bytes, every_byte_put_in_at_every_place);
	tcase_add_test(bytes, every_byte_left_out);
	suite_add_tcase(suite, bytes);

	tcase_add_loop_test(limits, long_lines_are_httpds, 0, 2);
	tcase_add_test(limits, many_fields_are_httpds);
	suite_add_tcase(suite, limits);
	return unit_run(suite);
}
