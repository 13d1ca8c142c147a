/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "capture/counts.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/frame/manifest.h"

/* A larger folder is not a replay; the bound keeps a mistaken "dir:/" from eating the memory. */
#define FILES_MAX 100000
#define UNREADABLE_MAX 64	/* files passed over in one tick */

struct dir_source {
	struct ks_source source;	/* first */
	const char *path;
	char **names;		/* sorted; read again at the start of each round */
	size_t n, at;
	char *last;		/* the file handed over last: a reopened source goes on after it */
	bool finished;		/* with dir_once: the round is over */
	uint8_t *bytes;
	struct ks_log_gate gate;
};

static bool is_picture(const char *name)
{
	const char *dot = strrchr(name, '.');

	return name[0] != '.' && dot != NULL && (strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void forget_names(struct dir_source *self)
{
	for (size_t i = 0; i < self->n; i++)
		free(self->names[i]);
	free(self->names);
	self->names = NULL;
	self->n = self->at = 0;
}

static int add_name(struct dir_source *self, const char *name)
{
	/* Room grows in powers of two. */
	if ((self->n & (self->n + 1)) == 0) {
		char **grown = realloc(self->names, (2 * self->n + 2) * sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		self->names = grown;
	}
	self->names[self->n] = strdup(name);
	if (self->names[self->n] == NULL)
		return -ENOMEM;
	self->n++;
	return KS_EOK;
}

static int fault_of_folder(struct dir_source *self, int err)
{
	return ks_source_fault(&self->source, err == EACCES ? KS_FAULT_DENIED : KS_FAULT_NO_DEVICE,
			       "%s: %s; name a folder of JPEG files with --source dir:FOLDER", self->path,
			       strerror(err));
}

/* Reads the folder and sorts it. */
static int begin_round(struct dir_source *self)
{
	DIR *folder = opendir(self->path);
	struct dirent *entry;
	int err = KS_EOK;

	if (folder == NULL)
		return fault_of_folder(self, errno);
	forget_names(self);
	while (err == KS_EOK && self->n < FILES_MAX && (entry = readdir(folder)) != NULL)
		if (is_picture(entry->d_name))
			err = add_name(self, entry->d_name);
	closedir(folder);
	if (err != KS_EOK)
		return ks_source_fault(&self->source, KS_FAULT_IO, "%s: out of memory", self->path);
	if (self->n == 0)
		return ks_source_fault(&self->source, KS_FAULT_EMPTY, "%s: no file ends in .jpg or .jpeg", self->path);
	qsort(self->names, self->n, sizeof(*self->names), by_name);
	return KS_EOK;
}

static int dir_open(struct ks_source *source)
{
	struct dir_source *self = (struct dir_source *)source;
	int err;

	if (self->finished)
		return KS_EOK;
	err = begin_round(self);
	while (err == KS_EOK && self->last != NULL && self->at < self->n &&
	       strcmp(self->names[self->at], self->last) <= 0)
		self->at++;
	return err;
}

/* Reads one file into self->bytes; -1 when it cannot be read. A file over the limit gives one byte more
 * than the limit, so that the check names the reason. */
static ssize_t read_file(struct dir_source *self, const char *name)
{
	int folder = open(self->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;
	size_t len = 0;
	ssize_t got = -1;

	if (folder >= 0) {
		/* Not blocking: a FIFO named like a picture must not stop the loop. */
		fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		close(folder);
	}
	if (fd < 0)
		return -1;
	while (len <= KS_JPEG_MAX && (got = read(fd, self->bytes + len, KS_JPEG_MAX + 1 - len)) > 0)
		len += (size_t)got;
	close(fd);
	return got < 0 ? -1 : (ssize_t)len;
}

/* The next file's name, beginning another round after the last; NULL with *err when there is none. */
static const char *next_name(struct dir_source *self, int *err)
{
	*err = KS_EOK;
	if (self->at >= self->n && self->n > 0 && self->source.settings.dir_once)
		self->finished = true;
	if (self->finished)
		*err = KS_EEND;
	else if (self->at >= self->n)
		*err = begin_round(self);
	if (*err != KS_EOK)
		return NULL;
	free(self->last);
	self->last = strdup(self->names[self->at]);
	return self->names[self->at++];
}

/* Finds the next file that can be read at all. */
static int read_next(struct dir_source *self, int64_t mono_us, size_t *len)
{
	for (int tries = 0; tries < UNREADABLE_MAX; tries++) {
		int err;
		const char *name = next_name(self, &err);
		ssize_t got;

		if (name == NULL)
			return err;
		got = read_file(self, name);
		if (got >= 0) {
			ks_debug("dir", "%s/%s: %zd bytes", self->path, name, got);
			*len = (size_t)got;
			return KS_EOK;
		}
		ks_count(&self->source.counts->dropped[KS_REFUSED_UNREADABLE]);
		if (ks_log_gate(&self->gate, mono_us, NULL))
			ks_warn("dir", "%s/%s: %s; left out", self->path, name, strerror(errno));
	}
	return KS_ENODATA;
}

static int dir_next(struct ks_source *source, const struct ks_tick *tick, struct ks_picture *picture)
{
	struct dir_source *self = (struct dir_source *)source;
	size_t len = 0;
	int err = read_next(self, tick->mono_us, &len);

	if (err != KS_EOK)
		return err;
	*picture = (struct ks_picture){
		.layout = KS_PICTURE_JPEG, .jpeg = self->bytes, .jpeg_len = len,
		.captured_us = tick->wall_us, .captured_mono_us = tick->mono_us,
	};
	return KS_EOK;
}

static void dir_close(struct ks_source *source)
{
	forget_names((struct dir_source *)source);
}

static void dir_free(struct ks_source *source)
{
	struct dir_source *self = (struct dir_source *)source;

	free(self->last);
	free(self->bytes);
	free(self);
}

static const struct ks_source_ops dir_ops = { dir_open, dir_next, dir_close, dir_free, false };

struct ks_source *ks_source_dir_new(const char *where)
{
	struct dir_source *self = calloc(1, sizeof(*self));

	if (self == NULL)
		return NULL;
	self->source.ops = &dir_ops;
	self->path = where;
	self->bytes = malloc(KS_JPEG_MAX + 1);
	if (self->bytes == NULL) {
		free(self);
		return NULL;
	}
	return &self->source;
}
