/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

static bool is_public(const char *kind)
{
	return strcmp(kind, KS_KEY_SOURCE_PUBLIC) == 0;
}

static int parse_line(const char *line, const char *end, const char *kind, uint8_t *out, size_t len,
		      const char **why)
{
	size_t kind_len = strlen(kind), got = 0;
	const char *stop;

	if ((size_t)(end - line) <= kind_len || memcmp(line, kind, kind_len) != 0 || line[kind_len] != ' ') {
		*why = "it is a key of another kind";
		return KS_EKEY;
	}
	line += kind_len + 1;
	if (sodium_base642bin(out, len, line, (size_t)(end - line), " \t\r", &got, &stop,
			      sodium_base64_VARIANT_ORIGINAL) != 0 || stop != end || got != len) {
		*why = "its base64 is damaged";
		return KS_EKEY;
	}
	return KS_EOK;
}

int ks_keyfile_parse(const char *text, size_t text_len, const char *kind, uint8_t *out, size_t len,
		     const char **why)
{
	const char *end = text + text_len, *ignored;
	int err = KS_EKEY;

	if (why == NULL)
		why = &ignored;
	*why = "it holds no key";
	while (text < end) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		const char *next = eol != NULL ? eol + 1 : end;

		if (eol == NULL)
			eol = end;
		if (eol > text && *text != '#' && *text != '\r') {
			if (err == KS_EOK) {
				*why = "it holds more than one key";
				err = KS_EKEY;
				break;
			}
			err = parse_line(text, eol, kind, out, len, why);
			if (err != KS_EOK)
				break;
		}
		text = next;
	}
	if (err != KS_EOK)
		sodium_memzero(out, len);
	return err;
}

int ks_keyfile_read(const char *path, const char *kind, uint8_t *out, size_t len)
{
	char text[KS_KEYFILE_MAX];
	struct stat st;
	ssize_t got = -1;
	const char *why = "it is too large";
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0 || fstat(fd, &st) != 0 || (got = read(fd, text, sizeof(text))) < 0) {
		err = -errno;
		ks_error("key", "%s: %s; expected a %s (make one with koshienctl keygen)", path,
			 ks_strerror(err), kind);
		if (fd >= 0)
			close(fd);
		return err;
	}
	close(fd);
	if (!is_public(kind) && (st.st_mode & (S_IROTH | S_IWOTH)) != 0) {
		ks_error("key", "%s: everybody may read or change this secret; chmod o= %s", path, path);
		err = KS_EKEY;
	} else {
		err = (size_t)got == sizeof(text) ? KS_EKEY : ks_keyfile_parse(text, (size_t)got, kind, out, len, &why);
		if (err != KS_EOK)
			ks_error("key", "%s: %s; expected a line '%s <base64>'", path, why, kind);
	}
	sodium_memzero(text, sizeof(text));
	return err;
}

int ks_keyfile_write(const char *path, const char *kind, const uint8_t *key, size_t len)
{
	char base64[256], line[KS_KEYFILE_MAX];
	int fd, n, err = KS_EOK;

	if (sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL) > sizeof(base64))
		return KS_ELIMIT;
	sodium_bin2base64(base64, sizeof(base64), key, len, sodium_base64_VARIANT_ORIGINAL);
	n = snprintf(line, sizeof(line), "%s %s\n", kind, base64);

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, is_public(kind) ? 0644 : 0600);
	if (fd < 0) {
		err = -errno;
		ks_error("key", "%s: %s%s", path, ks_strerror(err),
			 err == -EEXIST ? "; an existing key is never overwritten: move it away first" : "");
	} else {
		ssize_t put = write(fd, line, (size_t)n);

		err = put == n ? KS_EOK : put < 0 ? -errno : -EIO;
		if (close(fd) != 0 && err == KS_EOK)
			err = -errno;
		if (err != KS_EOK) {
			ks_error("key", "%s: %s", path, ks_strerror(err));
			unlink(path);
		}
	}
	sodium_memzero(base64, sizeof(base64));
	sodium_memzero(line, sizeof(line));
	return err;
}
