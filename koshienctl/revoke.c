/* SPDX-License-Identifier: Apache-2.0 */
#include "koshienctl/revoke.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/wire/revoked.h"
#include "lib/wire/sender.h"

struct text {
	char *bytes;
	size_t len;
};

static int failed(const char *path, int err)
{
	ks_error("key", "%s: %s", path, ks_strerror(err));
	return err;
}

/* The file as it is; empty when it is not there. */
static int load(const char *path, struct text *text)
{
	FILE *file = fopen(path, "re");

	*text = (struct text){ NULL, 0 };
	if (file == NULL)
		return errno == ENOENT ? KS_EOK : failed(path, -errno);
	text->bytes = malloc(KS_REVOKED_FILE_MAX);
	if (text->bytes != NULL)
		text->len = fread(text->bytes, 1, KS_REVOKED_FILE_MAX, file);
	fclose(file);
	return text->bytes != NULL ? KS_EOK : failed(path, -ENOMEM);
}

/* Nobody ever reads half a list: it would let in those of the other half. */
static int replace(const char *path, const char *text, size_t len)
{
	struct stat st = { .st_mode = 0644, .st_uid = geteuid(), .st_gid = getegid() };
	char temp[PATH_MAX], folder[PATH_MAX];
	int fd, err = KS_EOK, folder_fd;
	ssize_t put;

	if (snprintf(temp, sizeof(temp), "%s.XXXXXX", path) >= (int)sizeof(temp))
		return failed(path, -ENAMETOOLONG);
	if (stat(path, &st) != 0 && errno != ENOENT)
		return failed(path, -errno);
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		ks_error("key", "%s: %s%s", path, ks_strerror(err), err == -ENOENT ? "; make the folder first" : "");
		return err;
	}
	put = write(fd, text, len);
	if (put != (ssize_t)len)
		err = put < 0 ? -errno : -EIO;
	else if (fchown(fd, st.st_uid, st.st_gid) != 0 || fchmod(fd, st.st_mode & 0664) != 0 || fsync(fd) != 0)
		err = -errno;
	if (close(fd) != 0 && err == KS_EOK)
		err = -errno;
	if (err == KS_EOK && rename(temp, path) != 0)
		err = -errno;
	if (err != KS_EOK) {
		unlink(temp);
		return failed(path, err);
	}
	snprintf(folder, sizeof(folder), "%s", path);
	folder_fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder_fd < 0 || fsync(folder_fd) != 0)
		err = failed(path, -errno);
	if (folder_fd >= 0)
		close(folder_fd);
	return err;
}

static bool is_new(const struct ks_revoked *revoked, char *const *names, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (strcmp(names[j], names[i]) == 0)
			return false;
	return !ks_revoked_has(revoked, names[i]);
}

/* The old text, and a line for each new name; *added is how many. */
static int compose(const struct text *old, const struct ks_revoked *revoked, char *const *names, size_t n,
		   int64_t wall_us, struct text *out, size_t *added)
{
	time_t now = (time_t)(wall_us / KS_US_PER_S);
	struct tm utc;
	char date[16];
	FILE *file = open_memstream(&out->bytes, &out->len);

	*added = 0;
	if (file == NULL)
		return -ENOMEM;
	strftime(date, sizeof(date), "%Y-%m-%d", gmtime_r(&now, &utc));
	if (old->len > 0)
		fwrite(old->bytes, 1, old->len, file);
	if (old->len > 0 && old->bytes[old->len - 1] != '\n')
		fputc('\n', file);
	for (size_t i = 0; i < n; i++)
		if (is_new(revoked, names, i)) {
			fprintf(file, "%s\t# %s\n", names[i], date);
			(*added)++;
		}
	return fclose(file) == 0 ? KS_EOK : -ENOMEM;
}

static int add(const char *path, const struct text *old, const struct ks_revoked *revoked, char *const *names, size_t n,
	       int64_t wall_us)
{
	struct text text = { NULL, 0 };
	size_t added;
	int err = compose(old, revoked, names, n, wall_us, &text, &added);

	if (err != KS_EOK) {
		failed(path, err);
	} else if (revoked->n + added > KS_REVOKED_MAX || text.len > KS_REVOKED_FILE_MAX) {
		ks_error("key",
			 "%s: a list has at most %d names; make a new master key instead: koshienctl key rotate",
			 path, KS_REVOKED_MAX);
		err = KS_ELIMIT;
	} else if (added > 0) {
		err = replace(path, text.bytes, text.len);
	}
	free(text.bytes);
	for (size_t i = 0; i < n && err == KS_EOK; i++)
		printf("%s %s\n", names[i], is_new(revoked, names, i) ? "is revoked" : "was revoked already");
	if (err == KS_EOK && added > 0)
		printf("Reload every parent that has it as its list (SIGHUP, --revoked %s).\n", path);
	return err;
}

int ks_revoke(const char *path, char *const *names, size_t n, int64_t wall_us)
{
	struct ks_revoked revoked;
	struct text old;
	int err = load(path, &old);

	/* Only a list that programs can read is added to; the reader tells what is wrong with it. */
	if (err != KS_EOK)
		return err;
	revoked = (struct ks_revoked){ NULL, 0 };
	if (old.bytes != NULL)
		err = ks_revoked_read(path, &revoked);
	if (err == KS_EOK)
		err = add(path, &old, &revoked, names, n, wall_us);
	ks_revoked_free(&revoked);
	free(old.bytes);
	return err;
}

int ks_revoked_print(const char *path)
{
	struct ks_revoked revoked;
	int err = ks_revoked_read(path, &revoked);

	for (size_t i = 0; i < revoked.n; i++)
		printf("%s\n", revoked.names[i]);
	ks_revoked_free(&revoked);
	return err;
}
