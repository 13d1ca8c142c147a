/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding or making a store's file. One writer at a time: it holds a lock on the file, and a file under its
 * final name is complete and only ever replaced by the one who holds its lock.
 */
#include "lib/store/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

#define OPEN_TRIES 5	/* the file changes under us only when another writer starts or ends right now */
#define FILE_MODE 0640	/* the group reads: httpd's user is in it */

struct place {
	const char *channel, *rendition;
	char *path, *fresh;	/* the file, and the name under which a new one is prepared */
	struct ks_store_shape shape;
	const struct ks_clock *clock;
};

/* Opens and locks; KS_EMOVED when the name means another file by now. */
static int open_locked(const char *path, int flags, int *out)
{
	int fd = open(path, flags | O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, FILE_MODE), err = KS_EOK;
	struct stat here, there;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		err = errno == EWOULDBLOCK ? -EBUSY : -errno;
	else if (fstat(fd, &here) != 0)
		err = -errno;
	else if (!S_ISREG(here.st_mode))
		err = -EINVAL;
	else if (stat(path, &there) != 0 || here.st_dev != there.st_dev || here.st_ino != there.st_ino)
		err = KS_EMOVED;
	if (err != KS_EOK)
		close(fd);
	else
		*out = fd;
	return err;
}

/* posix_fallocate() rather than a sparse file: when tmpfs is full we hear it here, and not as SIGBUS later. */
static int allocate(int fd, uint64_t size)
{
	int err;

	do
		err = posix_fallocate(fd, 0, (off_t)size);
	while (err == EINTR);
	return -err;
}

static struct ks_store_writer *writer_new(const struct place *place, int fd)
{
	struct ks_store_writer *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		close(fd);
		return NULL;
	}
	w->clock = place->clock;
	w->fd = fd;
	return w;
}

static int take_up(const struct place *place, int fd, struct ks_store_writer **out)
{
	struct ks_store_writer *w = writer_new(place, fd);
	int err = w != NULL ? ks_store_map(&w->map, fd, true, place->channel, place->rendition) : -ENOMEM;

	if (err == KS_EOK)
		err = allocate(fd, w->map.size);
	if (err == KS_EOK)
		err = ks_store_recover(w);
	*out = w;
	return err;
}

static int write_header(const struct place *place, int fd, uint64_t generation)
{
	struct ks_store_header h = {
		.version = KS_STORE_VERSION,
		.header_size = KS_STORE_HEADER_SIZE,
		.entry_size = KS_STORE_ENTRY_SIZE,
		.entries = place->shape.frames,
		.data_offset = ks_store_data_offset(place->shape.frames),
		.data_bytes = place->shape.bytes,
		.file_size = ks_store_data_offset(place->shape.frames) + place->shape.bytes,
		.generation = generation,
	};
	ssize_t put;
	int err;

	memcpy(h.magic, KS_STORE_MAGIC, sizeof(h.magic));
	memcpy(h.channel, place->channel, strlen(place->channel));
	memcpy(h.rendition, place->rendition, strlen(place->rendition));
	/* What is left under this name was never a store anybody read. */
	if (ftruncate(fd, 0) != 0 || ftruncate(fd, (off_t)h.file_size) != 0 || fchmod(fd, FILE_MODE) != 0)
		return -errno;
	err = allocate(fd, h.file_size);
	if (err != KS_EOK)
		return err;
	put = pwrite(fd, &h, sizeof(h), 0);
	return put == (ssize_t)sizeof(h) ? KS_EOK : put < 0 ? -errno : -EIO;
}

/* Makes a new file, with the frames of `old` (may be NULL) in it, and gives it its name. `over` is true when
 * there is a file of that name, whose lock we hold; otherwise one that appears meanwhile is left alone. */
static int make(const struct place *place, bool over, const struct ks_store_writer *old, struct ks_store_writer **out)
{
	struct ks_store_writer *w = NULL;
	uint64_t generation = (uint64_t)ks_wall_us(place->clock);
	int fd, err = open_locked(place->fresh, O_CREAT, &fd);

	if (err != KS_EOK)
		return err;
	if (old != NULL && generation <= old->map.header->generation)
		generation = old->map.header->generation + 1;
	err = write_header(place, fd, generation);
	if (err != KS_EOK)
		close(fd);
	else
		err = take_up(place, fd, &w);
	if (err == KS_EOK && old != NULL)
		ks_store_carry(w, old);
	if (err == KS_EOK &&
	    renameat2(AT_FDCWD, place->fresh, AT_FDCWD, place->path, over ? 0 : RENAME_NOREPLACE) != 0)
		err = errno == EEXIST ? KS_EMOVED : -errno;
	if (err == KS_EOK) {
		*out = w;
		return KS_EOK;
	}
	unlink(place->fresh);
	ks_store_writer_close(w);
	return err;
}

static int replace(const struct place *place, struct ks_store_writer *old, int old_err, struct ks_store_writer **out)
{
	int err;

	if (old_err == KS_EOK)
		ks_info("store", "%s: another shape is wanted: %u frames, %llu bytes; replacing it with the frames it holds",
			place->path, place->shape.frames, (unsigned long long)place->shape.bytes);
	else
		ks_warn("store", "%s: %s; replacing it by an empty store", place->path, ks_strerror(old_err));
	err = make(place, true, old_err == KS_EOK ? old : NULL, out);
	/* Only now: a reader that sees the mark finds the new file under the name. */
	if (err == KS_EOK && old->map.header != NULL)
		ks_store_retire(old);
	return err;
}

static int open_once(const struct place *place, struct ks_store_writer **out)
{
	struct ks_store_writer *w;
	int fd, err = open_locked(place->path, 0, &fd);

	if (err == -ENOENT)
		return make(place, false, NULL, out);
	if (err != KS_EOK)
		return err;
	err = take_up(place, fd, &w);
	if (err == KS_EOK && w->map.n_entries == place->shape.frames && w->map.data_bytes == place->shape.bytes) {
		*out = w;
		return KS_EOK;
	}
	if (err == KS_EOK || err == KS_EVERSION || err == KS_EMALFORMED || err == KS_ELIMIT)
		err = replace(place, w, err, out);
	ks_store_writer_close(w);
	return err;
}

static void say_why(const struct place *place, int err)
{
	const char *what = "; check the directory's owner and mode";

	if (err == -EBUSY)
		what = "; another relay writes it: stop that one, or give this one another --store-dir";
	else if (err == -ENOSPC)
		what = "; make the file system larger, or --store-bytes smaller";
	else if (err == -EINVAL || err == -EISDIR || err == -ELOOP || err == -ENXIO)
		what = "; it is no regular file: remove it";
	else if (err == -ENOENT || err == -ENOTDIR)
		what = "; its directory does not exist: make it, or choose another with --store-dir";
	ks_error("store", "%s: %s%s", place->path, ks_strerror(err), what);
}

int ks_store_writer_open(struct ks_store_writer **out, const char *dir, const char *channel, const char *rendition,
			 const struct ks_store_shape *shape, const struct ks_clock *clock)
{
	struct place place = { .channel = channel, .rendition = rendition, .clock = clock };
	int err = KS_EMOVED;

	if (shape->frames < KS_STORE_FRAMES_MIN || shape->frames > KS_STORE_FRAMES_MAX ||
	    shape->bytes < KS_STORE_BYTES_MIN || shape->bytes > KS_STORE_BYTES_MAX) {
		ks_error("store", "%s.%s: expected %d to %d frames and %zu to %zu bytes, got %u and %llu", channel, rendition,
			 KS_STORE_FRAMES_MIN, KS_STORE_FRAMES_MAX, KS_STORE_BYTES_MIN, KS_STORE_BYTES_MAX,
			 shape->frames, (unsigned long long)shape->bytes);
		return KS_ELIMIT;
	}
	place.shape = (struct ks_store_shape){ shape->frames, ks_store_room(shape->bytes) };
	place.path = ks_store_path(dir, "", channel, rendition, KS_STORE_SUFFIX);
	place.fresh = ks_store_path(dir, ".", channel, rendition, KS_STORE_SUFFIX);
	if (place.path == NULL || place.fresh == NULL) {
		ks_error("store", "'%s.%s': not the names of a channel and a rendition", channel, rendition);
		err = KS_EMALFORMED;
	} else {
		for (int i = 0; i < OPEN_TRIES && err == KS_EMOVED; i++)
			err = open_once(&place, out);
		if (err == KS_EOK)
			ks_store_sign_on(*out);
		else
			say_why(&place, err);
	}
	free(place.path);
	free(place.fresh);
	return err;
}
