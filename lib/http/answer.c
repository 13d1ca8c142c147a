/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http/answer.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define NAMED(name) { name, sizeof(name) - 1 }

static const struct {
	const char *text;
	size_t len;
} header_names[KS_HEADERS] = {
	[KS_HEADER_LENGTH] = NAMED("Content-Length"),
	[KS_HEADER_ETAG] = NAMED("ETag"),
	[KS_HEADER_ID] = NAMED("Frame-Id"),
	[KS_HEADER_CAPTURED] = NAMED("Frame-Captured"),
	[KS_HEADER_NEXT] = NAMED("Frame-Next"),
	[KS_HEADER_PERIOD] = NAMED("Frame-Period"),
	[KS_HEADER_SPREAD] = NAMED("Frame-Spread"),
	[KS_HEADER_STATE] = NAMED("Frame-State"),
	[KS_HEADER_SERVED_BY] = NAMED("Served-By"),
	[KS_HEADER_TYPE] = NAMED("Content-Type"),
	[KS_HEADER_CODING] = NAMED("Transfer-Encoding"),
	[KS_HEADER_CONNECTION] = NAMED("Connection"),
	[KS_HEADER_RETRY] = NAMED("Retry-After"),
};

/* Visible ASCII (RFC 9110, 5.5), from `least` on: none of our fields has blanks, but for parameters and lists. */
static bool plain(const char *text, size_t len, char least)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < least || text[i] > 0x7e)
			return false;
	return len > 0;
}

/* Once, but for the one that is a list, whose lines add up (RFC 9110, 5.3). */
static void keep(struct ks_answer *answer, enum ks_header header, const char *text, size_t len)
{
	bool list = header == KS_HEADER_CONNECTION, spaced = list || header == KS_HEADER_TYPE;
	char *value = answer->value[header];
	size_t had = strlen(value), comma = had > 0 ? 2 : 0;

	if ((had > 0 && !list) || had + comma + len >= KS_ANSWER_VALUE_MAX || !plain(text, len, spaced ? ' ' : '!')) {
		answer->flawed = true;
		return;
	}
	memcpy(value + had, ", ", comma);
	memcpy(value + had + comma, text, len);
	value[had + comma + len] = '\0';
}

/* "HTTP/1.1 200 OK", "HTTP/2 200": three digits after the first blank. */
static int status_of(const char *line, size_t len)
{
	const char *at = memchr(line, ' ', len);
	int status = 0;

	if (at == NULL || line + len - at < 4)
		return 0;
	for (int i = 1; i <= 3; i++) {
		if (at[i] < '0' || at[i] > '9')
			return 0;
		status = status * 10 + (at[i] - '0');
	}
	return line + len - at == 4 || memchr(" \r\n", at[4], 3) != NULL ? status : 0;
}

static void start(struct ks_answer *answer, const char *line, size_t len)
{
	size_t head_len = answer->head_len;

	memset(answer, 0, sizeof(*answer));
	answer->head_len = head_len;
	answer->status = status_of(line, len);
	answer->minor = len >= 8 && memcmp(line, "HTTP/1.0", 8) == 0 ? 0 : 1;
}

/* A token (RFC 9110, 5.6.2). */
static bool token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\0' || (!isalnum((unsigned char)text[i]) && strchr("!#$%&'*+-.^_`|~", text[i]) == NULL))
			return false;
	return len > 0;
}

static void take_field(struct ks_answer *answer, const char *line, size_t len)
{
	const char *value = memchr(line, ':', len);
	size_t name_len = value != NULL ? (size_t)(value - line) : 0;

	if (value == NULL || !token(line, name_len)) {
		answer->flawed = true;
		return;
	}
	len -= name_len + 1;
	for (value++; len > 0 && (*value == ' ' || *value == '\t'); len--)
		value++;
	while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
		len--;
	for (int h = 0; h < KS_HEADERS; h++)
		if (header_names[h].len == name_len && strncasecmp(header_names[h].text, line, name_len) == 0)
			keep(answer, (enum ks_header)h, value, len);
}

bool ks_answer_line(struct ks_answer *answer, const char *line, size_t len)
{
	bool starts = len >= 5 && memcmp(line, "HTTP/", 5) == 0;

	if (len > KS_ANSWER_HEAD_MAX - answer->head_len)
		return false;
	if (starts)
		start(answer, line, len);
	answer->head_len += len;
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	if (!starts && len > 0)
		take_field(answer, line, len);
	return true;
}

bool ks_answer_number(const struct ks_answer *answer, enum ks_header header, uint64_t max, uint64_t *number)
{
	const char *text = answer->value[header];
	uint64_t n = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (*text < '0' || *text > '9' || n > (max - digit) / 10 || digit > max)
			return false;
		n = n * 10 + digit;
	}
	*number = n;
	return true;
}

bool ks_answer_lists(const struct ks_answer *answer, enum ks_header header, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = answer->value[header]; *at != '\0'; at += strspn(at, ", ")) {
		size_t n = strcspn(at, ", ");

		if (n == len && strncasecmp(at, word, len) == 0)
			return true;
		at += n;
	}
	return false;
}
