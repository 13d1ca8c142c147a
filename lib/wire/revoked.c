/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/revoked.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/name.h"
#include "lib/wire/sender.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static int append(struct ks_revoked *revoked, const char *name, size_t len)
{
	char **grown = revoked->names, *copy;

	if (revoked->n == KS_REVOKED_MAX)
		return KS_ELIMIT;
	/* Grows at each power of two. */
	if ((revoked->n & (revoked->n - 1)) == 0)
		grown = realloc(grown, (revoked->n > 0 ? revoked->n * 2 : 1) * sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	revoked->names = grown;
	copy = strndup(name, len);
	if (copy == NULL)
		return -ENOMEM;
	grown[revoked->n++] = copy;
	return KS_EOK;
}

static int take_line(struct ks_revoked *revoked, const char *line, const char *end)
{
	const char *comment = memchr(line, '#', (size_t)(end - line));

	if (comment != NULL)
		end = comment;
	while (line < end && is_blank(*line))
		line++;
	while (line < end && is_blank(end[-1]))
		end--;
	if (line == end)
		return KS_EOK;
	if (!ks_name_valid(line, (size_t)(end - line), KS_RELAY_NAME_MAX))
		return KS_EMALFORMED;
	return append(revoked, line, (size_t)(end - line));
}

int ks_revoked_parse(const char *text, size_t len, struct ks_revoked *revoked, size_t *line)
{
	const char *end = text + len;
	int err = KS_EOK;

	*revoked = (struct ks_revoked){ NULL, 0 };
	for (*line = 1; text < end; (*line)++) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));

		if (eol == NULL)
			eol = end;
		err = take_line(revoked, text, eol);
		if (err != KS_EOK)
			break;
		text = eol < end ? eol + 1 : end;
	}
	if (err != KS_EOK)
		ks_revoked_free(revoked);
	return err;
}

static void say(const char *path, size_t line, int err)
{
	if (err == KS_EMALFORMED)
		ks_error("key", "%s:%zu: expected the name of a relay, at most %d lower-case letters, digits and "
			 "hyphens", path, line, KS_RELAY_NAME_MAX);
	else if (err == KS_ELIMIT)
		ks_error("key", "%s:%zu: more than %d names; make a new master key instead", path, line,
			 KS_REVOKED_MAX);
	else
		ks_error("key", "%s: %s", path, ks_strerror(err));
}

int ks_revoked_read(const char *path, struct ks_revoked *revoked)
{
	char *text = malloc(KS_REVOKED_FILE_MAX + 1);
	FILE *file = text != NULL ? fopen(path, "re") : NULL;
	size_t len, line = 0;
	int err;

	*revoked = (struct ks_revoked){ NULL, 0 };
	if (text == NULL) {
		err = -ENOMEM;
		say(path, 0, err);
	} else if (file == NULL || (len = fread(text, 1, KS_REVOKED_FILE_MAX + 1, file), ferror(file) != 0)) {
		err = -errno;
		ks_error("key",
			 "%s: %s; expected a revocation list (an empty file will do; koshienctl key revoke adds to it)",
			 path, ks_strerror(err));
	} else if (len > KS_REVOKED_FILE_MAX) {
		err = KS_ELIMIT;
		ks_error("key", "%s: larger than %zu bytes; expected a revocation list", path, KS_REVOKED_FILE_MAX);
	} else {
		err = ks_revoked_parse(text, len, revoked, &line);
		if (err != KS_EOK)
			say(path, line, err);
	}
	if (file != NULL)
		fclose(file);
	free(text);
	return err;
}

bool ks_revoked_has(const struct ks_revoked *revoked, const char *name)
{
	for (size_t i = 0; i < revoked->n; i++)
		if (strcmp(revoked->names[i], name) == 0)
			return true;
	return false;
}

void ks_revoked_free(struct ks_revoked *revoked)
{
	for (size_t i = 0; i < revoked->n; i++)
		free(revoked->names[i]);
	free(revoked->names);
	*revoked = (struct ks_revoked){ NULL, 0 };
}
