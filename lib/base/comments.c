/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/comments.h"

#include <stdbool.h>
#include <string.h>

/* Where the comment that begins at `text` ends; `text` when none begins there. One that C would not end is
 * left for libconfuse to refuse. */
static const char *comment_end(const char *text, const char *end)
{
	const char *at = text;

	if (*at == '#' || (end - at >= 2 && memcmp(at, "//", 2) == 0)) {
		at = memchr(at, '\n', (size_t)(end - at));
		return at != NULL ? at : end;
	}
	if (end - at >= 4 && memcmp(at, "/*", 2) == 0) {
		at = memmem(at + 2, (size_t)(end - at - 2), "*/", 2);
		return at != NULL ? at + 2 : text;
	}
	return text;
}

/* Behind the quoted text that begins at `text`. */
static char *quote_end(char *text, const char *end)
{
	char *at = text + 1;

	while (at < end && *at != *text)
		at += *at == '\\' && at + 1 < end ? 2 : 1;
	return at < end ? at + 1 : at;
}

void ks_comments_blank(char *text, size_t len)
{
	static const char between_words[] = " \t\r\n={}()+,";
	const char *end = text + len, *stop;
	bool inside_word = false;

	while (text < end) {
		stop = inside_word ? text : comment_end(text, end);
		if (stop > text) {
			for (; text < stop; text++)
				if (*text != '\n')
					*text = ' ';
		} else if (*text == '"' || *text == '\'') {
			text = quote_end(text, end);
			inside_word = false;
		} else {
			inside_word = memchr(between_words, *text, sizeof(between_words) - 1) == NULL;
			text++;
		}
	}
}
