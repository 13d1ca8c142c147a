/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/error.h"

#define WAIT_MAX_US (INT64_MAX / 2)	/* so that its end can be told */

struct ks_store_reader {
	struct ks_store_map map;
	char *path;
	dev_t dev;
	ino_t ino;
	_Atomic int64_t recheck_us;	/* when to look at the file system again */
	atomic_bool replaced;
};

static int open_file(struct ks_store_reader *reader, const char *channel, const char *rendition)
{
	/* O_NONBLOCK: a FIFO under this name must not hold us up. */
	int fd = open(reader->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), err;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? KS_ENOTYET : -errno;
	err = fstat(fd, &st) == 0 ? ks_store_map(&reader->map, fd, false, channel, rendition) : -errno;
	close(fd);
	if (err == KS_EOK) {
		reader->dev = st.st_dev;
		reader->ino = st.st_ino;
	}
	return err;
}

int ks_store_reader_open(struct ks_store_reader **out, const char *dir, const char *channel, const char *rendition)
{
	struct ks_store_reader *reader = calloc(1, sizeof(*reader));
	int err;

	if (reader == NULL)
		return -ENOMEM;
	reader->path = ks_store_path(dir, "", channel, rendition, KS_STORE_SUFFIX);
	err = reader->path != NULL ? open_file(reader, channel, rendition) : KS_EMALFORMED;
	if (err != KS_EOK) {
		ks_store_reader_close(reader);
		return err;
	}
	*out = reader;
	return KS_EOK;
}

void ks_store_reader_close(struct ks_store_reader *reader)
{
	if (reader == NULL)
		return;
	ks_store_unmap(&reader->map);
	free(reader->path);
	free(reader);
}

static bool retired(const struct ks_store_reader *reader)
{
	return atomic_load_explicit(&reader->map.header->retired, memory_order_acquire) != 0;
}

bool ks_store_current(struct ks_store_reader *reader, int64_t mono_us)
{
	int64_t due = atomic_load_explicit(&reader->recheck_us, memory_order_relaxed);
	struct stat st;

	if (retired(reader) || atomic_load_explicit(&reader->replaced, memory_order_relaxed))
		return false;
	/* One of the threads looks; the others go on. */
	if (mono_us < due || !atomic_compare_exchange_strong_explicit(&reader->recheck_us, &due,
								      mono_us + KS_STORE_RECHECK_US,
								      memory_order_relaxed, memory_order_relaxed))
		return true;
	if (stat(reader->path, &st) == 0 && st.st_dev == reader->dev && st.st_ino == reader->ino &&
	    (uint64_t)st.st_size == reader->map.size)
		return true;
	atomic_store_explicit(&reader->replaced, true, memory_order_relaxed);
	return false;
}

uint64_t ks_store_position(const struct ks_store_reader *reader)
{
	return atomic_load_explicit(&reader->map.header->latest, memory_order_acquire);
}

int64_t ks_store_beat_us(const struct ks_store_reader *reader)
{
	return atomic_load_explicit(&reader->map.header->beat_us, memory_order_relaxed);
}

/* What the copy says is checked here for the first time: nothing in the mapping can be relied on twice. */
static int check_copy(struct ks_store_copy *copy, const struct ks_store_held *held)
{
	int err = ks_frame_view(copy->bytes, held->length, &copy->frame);

	if (err == KS_EDIGEST)
		return err;
	if (err != KS_EOK || ks_frame_id_cmp(copy->frame.m.id, held->id) != 0)
		return KS_EMALFORMED;
	copy->position = held->position;
	copy->published_us = held->published_us;
	return KS_EOK;
}

static int copy_out(const struct ks_store_reader *reader, uint64_t position, void *(*alloc)(size_t),
		    struct ks_store_copy **out)
{
	struct ks_store_held held;
	struct ks_store_copy *copy;
	int err = ks_store_look(&reader->map, position, &held);

	if (err != KS_EOK)
		return err;
	copy = (alloc != NULL ? alloc : malloc)(sizeof(*copy) + held.length);
	if (copy == NULL)
		return -ENOMEM;
	/* The writer may be changing these bytes now, which C11 calls a data race. It has no way to say what is
	 * meant (copy, and throw away if it changed) but atomic accesses of single words; a plain copy
	 * between acquire fences is what seqlocks are made of, and what is torn is thrown away below. */
	memcpy(copy->bytes, reader->map.data + held.offset, held.length);
	err = ks_store_unchanged(&reader->map, &held) ? check_copy(copy, &held) : KS_EMOVED;
	if (err != KS_EOK)
		free(copy);
	else
		*out = copy;
	return err;
}

int ks_store_read_newest(struct ks_store_reader *reader, void *(*alloc)(size_t), struct ks_store_copy **copy)
{
	int err = KS_EMOVED;

	for (int i = 0; i < KS_STORE_TRIES && err == KS_EMOVED; i++) {
		uint64_t position = ks_store_position(reader);

		if (position == 0)
			return KS_ENOTYET;
		err = copy_out(reader, position, alloc, copy);
	}
	return err;
}

/* Newest first, since what viewers ask for is new; ids fall on the way back. */
static int find(const struct ks_store_reader *reader, struct ks_frame_id id, uint64_t *position)
{
	uint64_t latest = ks_store_position(reader);
	uint64_t seen = 0;

	while (seen < latest && seen < reader->map.n_entries) {
		struct ks_store_held held;
		int order;

		if (ks_store_look(&reader->map, latest - seen, &held) != KS_EOK)
			break;
		order = ks_frame_id_cmp(held.id, id);
		if (order == 0)
			*position = held.position;
		if (order <= 0)
			return order == 0 ? KS_EOK : seen == 0 ? KS_ENOTYET : KS_EGONE;
		seen++;
	}
	if (seen == 0)
		return latest == 0 ? KS_ENOTYET : KS_EMOVED;
	return KS_EGONE;
}

int ks_store_read(struct ks_store_reader *reader, struct ks_frame_id id, void *(*alloc)(size_t),
		  struct ks_store_copy **copy)
{
	int err = KS_EMOVED;

	for (int i = 0; i < KS_STORE_TRIES && err == KS_EMOVED; i++) {
		uint64_t position;

		err = find(reader, id, &position);
		if (err == KS_EOK)
			err = copy_out(reader, position, alloc, copy);
	}
	return err;
}

size_t ks_store_list(struct ks_store_reader *reader, struct ks_store_item *items, size_t max)
{
	uint64_t latest = ks_store_position(reader);
	size_t n = 0;

	/* Filled from the end, then moved to the front, so that the newest `max` come oldest first. */
	while (n < max && n < latest && n < reader->map.n_entries) {
		struct ks_store_held held;

		if (ks_store_look(&reader->map, latest - n, &held) != KS_EOK)
			break;
		n++;
		items[max - n] = (struct ks_store_item){ .id = held.id, .captured_us = held.captured_us,
							 .length = held.length - KS_MANIFEST_SIZE,
							 .flags = (uint8_t)held.flags };
	}
	memmove(items, items + (max - n), n * sizeof(*items));
	return n;
}

int ks_store_wait(struct ks_store_reader *reader, uint64_t seen, int64_t timeout_us)
{
	int64_t wait_us = timeout_us < 0 ? 0 : timeout_us < WAIT_MAX_US ? timeout_us : WAIT_MAX_US;
	int64_t until_us = ks_mono_us(&ks_clock_system) + wait_us;
	struct timespec until = { until_us / KS_US_PER_S, until_us % KS_US_PER_S * 1000 };

	for (;;) {
		uint32_t wake = atomic_load_explicit(&reader->map.header->wake, memory_order_acquire);

		if (retired(reader))
			return KS_EGONE;
		if (ks_store_position(reader) != seen)
			return KS_EOK;
		/* Shared, not private: the waker is another process. The end is absolute, so that signals and
		 * wakes for nothing do not make the wait longer. */
		if (syscall(SYS_futex, &reader->map.header->wake, FUTEX_WAIT_BITSET, wake, &until, NULL,
			    FUTEX_BITSET_MATCH_ANY) != 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
	}
}
