/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/settings_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

#define VALUE_SHOWN_MAX 80	/* bytes of a value in a message */
#define BLANKS " \t\r\v\f"

struct reader {
	const struct ks_program *program;
	void *out;
	char *files[KS_WORDS_FILES_MAX];	/* their names, which places point to */
	size_t n_files, bytes, errors;
	struct ks_place given[KS_SETTINGS_MAX];	/* where each setting stood last */
};

__attribute__((format(printf, 3, 4)))
static int refuse(struct reader *reader, const struct ks_place *place, const char *format, ...)
{
	char text[2 * KS_EXPECTED_MAX];
	va_list ap;

	if (reader->errors++ >= KS_WORDS_SHOWN_MAX)
		return KS_ECONFIG;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	ks_error("config", "%s:%u: %s", place->file, place->line, text);
	return KS_ECONFIG;
}

/* --- a line --------------------------------------------------------------------------------------- */

/* Cuts off the comment, and the blanks at both ends. */
static char *trim(char *line)
{
	size_t len;

	line += strspn(line, BLANKS);
	for (char *hash = strchr(line, '#'); hash != NULL; hash = strchr(hash + 1, '#'))
		if (hash == line || strchr(BLANKS, hash[-1]) != NULL) {
			*hash = '\0';
			break;
		}
	for (len = strlen(line); len > 0 && strchr(BLANKS, line[len - 1]) != NULL; len--)
		line[len - 1] = '\0';
	return line;
}

/* The first word of the text, ended; *rest is what stands behind the blanks that follow. */
static char *first_word(char *text, char **rest)
{
	char *end = text + strcspn(text, BLANKS);

	*rest = end;
	if (*end != '\0') {
		*end = '\0';
		*rest = end + 1 + strspn(end + 1, BLANKS);
	}
	return text;
}

static int store_value(struct reader *reader, const struct ks_place *place, const struct ks_setting *s,
		       const char *value)
{
	char expected[KS_EXPECTED_MAX];

	if (s->type == KS_LIST && ks_setting_list(s, reader->out)->n >= KS_SECTIONS_MAX)
		return refuse(reader, place, "%s: expected at most %d of them", s->name, KS_SECTIONS_MAX);
	if (!ks_setting_accepts(s, value, expected))
		return refuse(reader, place, "%s: expected %s, got '%.*s'", s->name, expected, VALUE_SHOWN_MAX, value);
	return ks_setting_store(s, reader->out, value);
}

/* One that is no list and is given again counts as it stands last, as ever with such files; it is said, as it is
 * seldom meant. */
static int take_setting(struct reader *reader, const struct ks_place *place, const struct ks_setting *s, char *rest)
{
	struct ks_place *given = &reader->given[s - reader->program->settings];
	int err = KS_EOK;

	if (s->type == KS_SECTIONS)
		return refuse(reader, place, "%s: expected on the command line, as --%s %s", s->name, s->name, s->arg);
	if (*rest == '\0')
		return refuse(reader, place, "%s: expected %s behind it", s->name, s->arg != NULL ? s->arg : "yes or no");
	if (given->file != NULL && s->type != KS_LIST)
		ks_warn("config", "%s:%u: %s was given in %s:%u already; the later line counts", place->file,
			place->line, s->name, given->file, given->line);
	else if (given->file == NULL && s->type == KS_LIST)
		ks_setting_clear(s, reader->out);
	*given = *place;
	if (s->type != KS_LIST)
		return store_value(reader, place, s, rest);
	while (*rest != '\0' && (err == KS_EOK || err == KS_ECONFIG)) {
		const char *value = first_word(rest, &rest);

		err = store_value(reader, place, s, value);
	}
	return err;
}

static int take_word(struct reader *reader, const struct ks_place *place, const struct ks_word *word, char *rest)
{
	char *values[KS_WORD_VALUES_MAX], expected[KS_EXPECTED_MAX], shown[VALUE_SHOWN_MAX];
	size_t n = 0;
	int err;

	snprintf(shown, sizeof(shown), "%s", rest);
	while (*rest != '\0' && n < word->n_values)
		values[n++] = first_word(rest, &rest);
	if (n != word->n_values || *rest != '\0')
		return refuse(reader, place, "%s: expected %s, got '%s'", word->name, word->arg, shown);
	err = word->take(reader->out, place, values, expected);
	if (err == KS_ECONFIG)
		return refuse(reader, place, "%s: expected %s, got '%s'", word->name, expected, shown);
	return err;
}

/* --- a file --------------------------------------------------------------------------------------- */

static int read_one(struct reader *reader, const struct ks_place *from, const char *path, unsigned depth);

/* Relative to the file in which it stands; as ever, to the working directory when it is not there. */
static int include(struct reader *reader, const struct ks_place *place, const char *path, unsigned depth)
{
	char beside[KS_WORDS_LINE_MAX * 2];
	const char *slash = strrchr(place->file, '/');

	if (*path == '\0')
		return refuse(reader, place, "include: expected FILE behind it");
	if (depth == KS_WORDS_DEPTH_MAX || reader->n_files == KS_WORDS_FILES_MAX) {
		/* A file that includes itself would go on with this for as long as it may. */
		refuse(reader, place, "include: expected files at most %d deep and %d in all; does one include itself?",
		       KS_WORDS_DEPTH_MAX, KS_WORDS_FILES_MAX);
		return KS_ELIMIT;
	}
	if (*path != '/' && slash != NULL) {
		snprintf(beside, sizeof(beside), "%.*s/%s", (int)(slash - place->file), place->file, path);
		if (access(beside, F_OK) == 0)
			path = beside;
	}
	return read_one(reader, place, path, depth + 1);
}

static int take_line(struct reader *reader, const struct ks_place *place, char *line, unsigned depth)
{
	char *rest, *name = first_word(trim(line), &rest);
	const struct ks_setting *s;

	if (*name == '\0')
		return KS_EOK;
	for (const struct ks_word *word = reader->program->words; word->name != NULL; word++)
		if (strcmp(word->name, name) == 0)
			return take_word(reader, place, word, rest);
	if (strcmp(name, "include") == 0)
		return include(reader, place, rest, depth);
	s = ks_setting_find(reader->program->settings, name, strlen(name));
	if (s != NULL)
		return take_setting(reader, place, s, rest);
	return refuse(reader, place, "there is no word '%.*s'; --help lists them", VALUE_SHOWN_MAX, name);
}

enum got { GOT_LINE, GOT_END, GOT_LONG, GOT_NUL, GOT_TOO_MUCH };

/* A line without its end. One that is too long, or is no text, is read to its end, so that the next has its number. */
static enum got next_line(struct reader *reader, FILE *file, char line[KS_WORDS_LINE_MAX])
{
	enum got got = GOT_LINE;
	size_t len = 0;
	int c;

	while ((c = getc_unlocked(file)) != EOF && c != '\n') {
		if (++reader->bytes > KS_WORDS_BYTES_MAX)
			return GOT_TOO_MUCH;
		if (c == '\0')
			got = GOT_NUL;
		else if (len < KS_WORDS_LINE_MAX - 1)
			line[len++] = (char)c;
		else
			got = GOT_LONG;
	}
	line[len] = '\0';
	return c == EOF && len == 0 && got == GOT_LINE ? GOT_END : got;
}

static int read_lines(struct reader *reader, struct ks_place *place, FILE *file, unsigned depth)
{
	char line[KS_WORDS_LINE_MAX];
	int err = KS_EOK;
	enum got got;

	while ((err == KS_EOK || err == KS_ECONFIG) && (got = next_line(reader, file, line)) != GOT_END) {
		place->line++;
		if (got == GOT_LINE)
			err = take_line(reader, place, line, depth);
		else if (got == GOT_NUL)
			err = refuse(reader, place, "expected text, got a zero byte");
		else if (got == GOT_LONG)
			err = refuse(reader, place, "expected lines of less than %d bytes", KS_WORDS_LINE_MAX);
		else {
			refuse(reader, place, "expected files of at most %d bytes in all", KS_WORDS_BYTES_MAX);
			return KS_ELIMIT;
		}
	}
	if (ferror_unlocked(file) != 0)
		return refuse(reader, place, "reading on: %s", strerror(errno));
	return err == KS_ECONFIG ? KS_EOK : err;
}

/* What a line names is a file: to open anything else may wait, or have effects. */
static FILE *open_file(const char *path, bool included, const char **why)
{
	struct stat st;
	FILE *file = NULL;

	if (stat(path, &st) != 0) {
		*why = strerror(errno);
	} else if (S_ISDIR(st.st_mode) || (included && !S_ISREG(st.st_mode))) {
		*why = "not a file";
	} else {
		file = fopen(path, "re");
		*why = strerror(errno);
	}
	return file;
}

/* KS_EOK also when lines were refused: they have been counted, and the next file is read. from: the line that includes
 * it, or NULL. */
static int read_one(struct reader *reader, const struct ks_place *from, const char *path, unsigned depth)
{
	char *name = strdup(path);
	struct ks_place place = { name, 0 };
	const char *why;
	FILE *file;
	int err;

	if (name == NULL)
		return -ENOMEM;
	reader->files[reader->n_files++] = name;
	file = open_file(path, from != NULL, &why);
	if (file == NULL && from != NULL) {
		refuse(reader, from, "include: expected a file that can be read, got %s: %s", path, why);
		return KS_EOK;
	}
	if (file == NULL) {
		ks_error("config", "%s: %s; name the configuration file with --config FILE", path, why);
		return KS_ECONFIG;
	}
	err = read_lines(reader, &place, file, depth);
	fclose(file);
	return err;
}

int ks_settings_read_words(const struct ks_program *program, const char *path, void *out)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	int err;

	if (reader == NULL)
		return -ENOMEM;
	reader->program = program;
	reader->out = out;
	err = read_one(reader, NULL, path, 0);
	if (reader->errors > 1)
		ks_error("config", "%s: %zu errors%s", path, reader->errors,
			 reader->errors > KS_WORDS_SHOWN_MAX ? ", of which the first were shown" : "");
	if (err == KS_EOK || err == KS_ELIMIT)
		err = reader->errors > 0 ? KS_ECONFIG : KS_EOK;
	for (size_t i = 0; i < reader->n_files; i++)
		free(reader->files[i]);
	free(reader);
	return err;
}
