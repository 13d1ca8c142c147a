/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/name.h"

static const struct kind {
	const char *text;
	size_t len;
	bool named;
} kinds[] = {
	{ KS_KEY_SOURCE_SECRET, 64, false },
	{ KS_KEY_SOURCE_PUBLIC, 32, false },
	{ KS_KEY_RELAY, 32, true },
	{ KS_KEY_MASTER, 32, false },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static bool is_public(const char *kind)
{
	return strcmp(kind, KS_KEY_SOURCE_PUBLIC) == 0;
}

/* --- parsing ------------------------------------------------------------------------------------ */

/* What a reader wants of a key file; `name` is NULL in a kind that has none. */
struct wanted {
	const char *kind;
	char *name;
	uint8_t *out;
	size_t len;
};

/* Moves *line behind the name and its blank. */
static bool take_name(const char **line, const char *end, char *name)
{
	const char *blank = memchr(*line, ' ', (size_t)(end - *line));
	size_t len = blank != NULL ? (size_t)(blank - *line) : 0;

	if (!ks_name_valid(*line, len, KS_KEYFILE_NAME_MAX))
		return false;
	memcpy(name, *line, len);
	name[len] = '\0';
	*line = blank + 1;
	return true;
}

static bool is_kind(const char *line, const char *end, const char *kind)
{
	size_t len = strlen(kind);

	return (size_t)(end - line) > len && memcmp(line, kind, len) == 0 && line[len] == ' ';
}

static int parse_line(const char *line, const char *end, const struct wanted *wanted, const char **why)
{
	const char *stop;
	size_t got = 0;

	if (!is_kind(line, end, wanted->kind)) {
		*why = "it is a key of another kind";
		return KS_EKEY;
	}
	line += strlen(wanted->kind) + 1;
	if (wanted->name != NULL && !take_name(&line, end, wanted->name)) {
		*why = "it does not name whose key it is";
		return KS_EKEY;
	}
	if (sodium_base642bin(wanted->out, wanted->len, line, (size_t)(end - line), " \t\r", &got, &stop,
			      sodium_base64_VARIANT_ORIGINAL) != 0 || stop != end || got != wanted->len) {
		*why = "its base64 is damaged";
		return KS_EKEY;
	}
	return KS_EOK;
}

/* The next line that may hold a key, or false; *text is moved behind it. */
static bool next_line(const char **text, const char *end, const char **line, const char **eol)
{
	while (*text < end) {
		*line = *text;
		*eol = memchr(*line, '\n', (size_t)(end - *line));
		*text = *eol != NULL ? *eol + 1 : end;
		if (*eol == NULL)
			*eol = end;
		if (*eol > *line && **line != '#' && **line != '\r')
			return true;
	}
	return false;
}

static int parse(const char *text, size_t text_len, const struct wanted *wanted, const char **why)
{
	const char *end = text + text_len, *line, *eol, *ignored;
	int err = KS_EKEY;

	if (why == NULL)
		why = &ignored;
	*why = "it holds no key";
	if (next_line(&text, end, &line, &eol))
		err = parse_line(line, eol, wanted, why);
	if (err == KS_EOK && next_line(&text, end, &line, &eol)) {
		*why = "it holds more than one key";
		err = KS_EKEY;
	}
	if (err != KS_EOK) {
		sodium_memzero(wanted->out, wanted->len);
		if (wanted->name != NULL)
			*wanted->name = '\0';
	}
	return err;
}

int ks_keyfile_parse(const char *text, size_t text_len, const char *kind, uint8_t *out, size_t len,
		     const char **why)
{
	return parse(text, text_len, &(struct wanted){ kind, NULL, out, len }, why);
}

int ks_keyfile_parse_named(const char *text, size_t text_len, const char *kind, char name[KS_KEYFILE_NAME_MAX + 1],
			   uint8_t *out, size_t len, const char **why)
{
	return parse(text, text_len, &(struct wanted){ kind, name, out, len }, why);
}

/* --- reading ------------------------------------------------------------------------------------ */

/* The whole file into text[KS_KEYFILE_MAX] and its permissions into *mode. */
static int load(const char *path, const char *expected, char *text, size_t *len, mode_t *mode)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	ssize_t got = -1;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0 || (got = read(fd, text, KS_KEYFILE_MAX)) < 0) {
		err = -errno;
		ks_error("key", "%s: %s; expected a %s (make one with koshienctl keygen)", path, ks_strerror(err),
			 expected);
		if (fd >= 0)
			close(fd);
		return err;
	}
	close(fd);
	*len = (size_t)got;
	*mode = st.st_mode;
	return KS_EOK;
}

static int check_text(const char *path, const char *text, size_t text_len, mode_t mode, const struct wanted *wanted)
{
	const char *why = "it is too large";
	int err = KS_EKEY;

	if (!is_public(wanted->kind) && (mode & (S_IROTH | S_IWOTH)) != 0) {
		ks_error("key", "%s: everybody may read or change this secret; chmod o= %s", path, path);
		return KS_EKEY;
	}
	if (text_len < KS_KEYFILE_MAX)
		err = parse(text, text_len, wanted, &why);
	if (err != KS_EOK)
		ks_error("key", "%s: %s; expected a line '%s %s<base64>'", path, why, wanted->kind,
			 wanted->name != NULL ? "<name> " : "");
	return err;
}

static int read_wanted(const char *path, const struct wanted *wanted)
{
	char text[KS_KEYFILE_MAX];
	size_t text_len;
	mode_t mode;
	int err = load(path, wanted->kind, text, &text_len, &mode);

	if (err == KS_EOK)
		err = check_text(path, text, text_len, mode, wanted);
	sodium_memzero(text, sizeof(text));
	return err;
}

int ks_keyfile_read(const char *path, const char *kind, uint8_t *out, size_t len)
{
	return read_wanted(path, &(struct wanted){ kind, NULL, out, len });
}

int ks_keyfile_read_named(const char *path, const char *kind, char name[KS_KEYFILE_NAME_MAX + 1], uint8_t *out,
			  size_t len)
{
	return read_wanted(path, &(struct wanted){ kind, name, out, len });
}

/* NULL when the text's first key is of no kind that there is. */
static const struct kind *kind_of(const char *text, size_t len)
{
	const char *end = text + len, *line, *eol;

	if (!next_line(&text, end, &line, &eol))
		return NULL;
	for (size_t i = 0; i < KINDS; i++)
		if (is_kind(line, eol, kinds[i].text))
			return &kinds[i];
	return NULL;
}

int ks_keyfile_read_any(const char *path, struct ks_key *key)
{
	char text[KS_KEYFILE_MAX];
	const struct kind *kind;
	size_t text_len;
	mode_t mode;
	int err;

	memset(key, 0, sizeof(*key));
	err = load(path, "key", text, &text_len, &mode);
	if (err != KS_EOK)
		return err;
	kind = kind_of(text, text_len);
	if (kind == NULL) {
		ks_error("key", "%s: it is no key file; expected what koshienctl keygen makes", path);
		err = KS_EKEY;
	} else {
		key->kind = kind->text;
		key->len = kind->len;
		err = check_text(path, text, text_len, mode,
				 &(struct wanted){ kind->text, kind->named ? key->name : NULL, key->bytes, key->len });
	}
	sodium_memzero(text, sizeof(text));
	return err;
}

/* --- writing ------------------------------------------------------------------------------------ */

/* Under a name of its own first, then linked to where it belongs: nobody ever reads half a key, and a link, unlike a
 * rename, does not replace what is there. */
static int put_whole(const char *path, const char *text, size_t len, mode_t mode)
{
	char temp[PATH_MAX];
	int n = snprintf(temp, sizeof(temp), "%s.XXXXXX", path), fd, err = KS_EOK;
	ssize_t put;

	if (n < 0 || (size_t)n >= sizeof(temp))
		return -ENAMETOOLONG;
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	put = write(fd, text, len);
	if (put != (ssize_t)len)
		err = put < 0 ? -errno : -EIO;
	else if (fchmod(fd, mode) != 0 || fsync(fd) != 0)
		err = -errno;
	if (close(fd) != 0 && err == KS_EOK)
		err = -errno;
	if (err == KS_EOK && link(temp, path) != 0)
		err = -errno;
	unlink(temp);
	return err;
}

static int write_line(const char *path, const char *kind, const char *name, const uint8_t *key, size_t len)
{
	char base64[256], line[KS_KEYFILE_MAX];
	int n, err;

	if (sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL) > sizeof(base64))
		return KS_ELIMIT;
	sodium_bin2base64(base64, sizeof(base64), key, len, sodium_base64_VARIANT_ORIGINAL);
	n = snprintf(line, sizeof(line), "%s %s%s%s\n", kind, name, *name != '\0' ? " " : "", base64);
	err = put_whole(path, line, (size_t)n, is_public(kind) ? 0644 : 0600);
	if (err != KS_EOK)
		ks_error("key", "%s: %s%s", path, ks_strerror(err),
			 err == -EEXIST ? "; an existing key is never overwritten: move it away first" :
			 err == -ENOENT ? "; make the folder first" : "");
	sodium_memzero(base64, sizeof(base64));
	sodium_memzero(line, sizeof(line));
	return err;
}

int ks_keyfile_write(const char *path, const char *kind, const uint8_t *key, size_t len)
{
	return write_line(path, kind, "", key, len);
}

int ks_keyfile_write_named(const char *path, const char *kind, const char *name, const uint8_t *key, size_t len)
{
	if (ks_name_valid(name, strlen(name), KS_KEYFILE_NAME_MAX))
		return write_line(path, kind, name, key, len);
	ks_error("key", "%s: expected a name of at most %d lower-case letters, digits and hyphens, got '%s'", path,
		 KS_KEYFILE_NAME_MAX, name);
	return KS_EKEY;
}
