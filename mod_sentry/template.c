/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/template.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A header line, without its CRLF. */
struct line {
	const char *at;
	size_t len;
	size_t name;	/* characters in front of the colon */
};

/* The next line from *at on; false at the empty line, or when it is not a line. */
static bool next(const char **at, const char *end, struct line *line)
{
	const char *lf = memchr(*at, '\n', (size_t)(end - *at)), *colon;

	if (lf == NULL || lf - *at < 2)
		return false;
	*line = (struct line){ *at, (size_t)(lf - *at) - (lf[-1] == '\r'), 0 };
	colon = memchr(line->at, ':', line->len);
	line->name = colon != NULL ? (size_t)(colon - line->at) : line->len;
	*at = lf + 1;
	return true;
}

static bool same_name(const struct line *a, const struct line *b)
{
	return a->name == b->name && strncasecmp(a->at, b->at, a->name) == 0;
}

static bool same(const struct line *a, const struct line *b)
{
	return a->len == b->len && memcmp(a->at + a->name, b->at + b->name, a->len - a->name) == 0;
}

static bool find(const char *head, size_t len, const struct line *wanted, struct line *line)
{
	const char *at = head, *end = head + len;

	if (!next(&at, end, line))	/* the status line */
		return false;
	while (next(&at, end, line))
		if (same_name(line, wanted))
			return true;
	return false;
}

static bool is_one_of(const struct line *line, const char *const *names)
{
	for (; *names != NULL; names++)
		if (line->name == strlen(*names) && strncasecmp(line->at, *names, line->name) == 0)
			return true;
	return false;
}

/* Between this connection and us, and never the next one's. */
static bool is_the_connections(const struct line *line)
{
	static const char *const names[] = { "Connection", "Keep-Alive", NULL };

	return is_one_of(line, names);
}

/* Times: never twice the same, and no module's to say. */
static bool is_a_time(const struct line *line)
{
	static const char *const names[] = { "Date", "Frame-Age", "Frame-Next", "Server-Timing", NULL };

	return is_one_of(line, names);
}

static bool passes(const struct line *line)
{
	return is_the_connections(line) || is_a_time(line);
}

static bool refuse(struct ks_template *template, const char *what, const struct line *line)
{
	snprintf(template->why, sizeof(template->why), "%s %.*s", what, (int)(line->len < 80 ? line->len : 80), line->at);
	return false;
}

static bool add(struct ks_template *template, const struct line *line)
{
	if (line->len + 2 > sizeof(template->extras) - template->extras_len)
		return refuse(template, "there is no room for", line);
	memcpy(template->extras + template->extras_len, line->at, line->len);
	memcpy(template->extras + template->extras_len + line->len, "\r\n", 2);
	template->extras_len += line->len + 2;
	return true;
}

static bool nothing_missing(struct ks_template *template, const char *theirs, size_t len, const struct ks_head *ours)
{
	const char *at = ours->text, *end = ours->text + ours->len;
	struct line line, found;

	next(&at, end, &line);
	while (next(&at, end, &line))
		if (!passes(&line) && !find(theirs, len, &line, &found))
			return refuse(template, "httpd's answers lack", &line);
	return true;
}

bool ks_template_learn(struct ks_template *template, const char *theirs, size_t len, const struct ks_head *ours)
{
	const char *at = theirs, *end = theirs + len;
	struct line line, mine;

	template->extras_len = 0;
	template->why[0] = '\0';
	if (!next(&at, end, &line) || !nothing_missing(template, theirs, len, ours))
		return false;
	while (next(&at, end, &line)) {
		if (!find(ours->text, ours->len, &line, &mine)) {
			if (!is_the_connections(&line) && !add(template, &line))
				return false;
		} else if (!passes(&line) && !same(&line, &mine)) {
			return refuse(template, "httpd's answers have", &line);
		}
	}
	return true;
}
