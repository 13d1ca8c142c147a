/* SPDX-License-Identifier: Apache-2.0
 *
 * Publishing. The order of the stores to shared memory is what readers rely on; doc/store.md has the argument.
 */
#include "lib/store/writer.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/error.h"

static void lock_entry(struct ks_store_entry *e)
{
	uint32_t lock = atomic_load_explicit(&e->lock, memory_order_relaxed);

	/* A writer that died here left it odd; odd it stays until the entry is whole again. */
	atomic_store_explicit(&e->lock, lock | 1, memory_order_relaxed);
	/* Whoever sees one of the changes below sees the odd lock too. */
	atomic_thread_fence(memory_order_release);
}

static void unlock_entry(struct ks_store_entry *e)
{
	uint32_t lock = atomic_load_explicit(&e->lock, memory_order_relaxed);

	atomic_store_explicit(&e->lock, lock + 1, memory_order_release);
}

void ks_store_forget(struct ks_store_entry *e)
{
	lock_entry(e);
	atomic_store_explicit(&e->position, 0, memory_order_relaxed);
	unlock_entry(e);
}

static struct ks_store_entry *oldest(const struct ks_store_writer *w)
{
	return ks_store_entry_of(&w->map, w->position - w->held + 1);
}

/* Finds room for a frame behind the newest, or at the start of the data when it does not fit there. What
 * is held goes oldest first, so that it never has holes, and goes before any of its bytes does. */
static uint64_t make_room(struct ks_store_writer *w, uint64_t length)
{
	uint64_t room = ks_store_room(length);
	bool wraps = room > w->map.data_bytes - w->head;
	uint64_t at = wraps ? 0 : w->head;

	while (w->held > 0) {
		struct ks_store_entry *e = oldest(w);
		uint64_t begin = atomic_load_explicit(&e->offset, memory_order_relaxed);
		uint64_t end = begin + ks_store_room(atomic_load_explicit(&e->length, memory_order_relaxed));
		bool in_the_way = begin < at + room && end > at;
		bool left_behind = wraps && begin >= w->head;

		if (!in_the_way && !left_behind && w->held < w->map.n_entries)
			break;
		ks_store_forget(e);
		w->held--;
	}
	/* The locks above become visible before the bytes that the caller writes. */
	atomic_thread_fence(memory_order_release);
	return at;
}

void ks_store_append(struct ks_store_writer *w, const struct ks_frame *frame, int64_t published_us)
{
	uint64_t at = make_room(w, frame->len);
	struct ks_store_entry *e = ks_store_entry_of(&w->map, w->position + 1);

	lock_entry(e);
	memcpy(w->map.data + at, frame->bytes, frame->len);
	atomic_store_explicit(&e->length, (uint32_t)frame->len, memory_order_relaxed);
	atomic_store_explicit(&e->position, w->position + 1, memory_order_relaxed);
	atomic_store_explicit(&e->offset, at, memory_order_relaxed);
	atomic_store_explicit(&e->captured_us, frame->m.captured_us, memory_order_relaxed);
	atomic_store_explicit(&e->published_us, published_us, memory_order_relaxed);
	atomic_store_explicit(&e->epoch, frame->m.id.epoch, memory_order_relaxed);
	atomic_store_explicit(&e->seq, frame->m.id.seq, memory_order_relaxed);
	atomic_store_explicit(&e->flags, frame->m.flags, memory_order_relaxed);
	unlock_entry(e);

	w->head = at + ks_store_room(frame->len);
	w->position++;
	w->held++;
	w->newest = frame->m;
	atomic_store_explicit(&w->map.header->latest, w->position, memory_order_release);
}

void ks_store_clear(struct ks_store_writer *w, uint64_t position)
{
	for (size_t i = 0; i < w->map.n_entries; i++)
		ks_store_forget(&w->map.entries[i]);
	w->position = position;
	w->held = 0;
	w->head = 0;
}

static void wake_all(struct ks_store_header *header)
{
	atomic_fetch_add_explicit(&header->wake, 1, memory_order_release);
	syscall(SYS_futex, &header->wake, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

int ks_store_publish(struct ks_store_writer *w, const struct ks_frame *frame)
{
	if (frame->len > KS_FRAME_MAX)
		return KS_ELIMIT;
	if (!ks_store_named(w->map.header, frame->m.channel, frame->m.rendition))
		return KS_EMALFORMED;
	if (w->held > 0 && !ks_frame_newer(&frame->m, &w->newest))
		return KS_ESTALE;
	ks_store_append(w, frame, ks_mono_us(w->clock));
	ks_store_beat(w);
	wake_all(w->map.header);
	return KS_EOK;
}

bool ks_store_newest(const struct ks_store_writer *w, struct ks_manifest *m)
{
	if (w->held == 0)
		return false;
	*m = w->newest;
	return true;
}

void ks_store_beat(struct ks_store_writer *w)
{
	atomic_store_explicit(&w->map.header->beat_us, ks_mono_us(w->clock), memory_order_relaxed);
}

void ks_store_sign_on(struct ks_store_writer *w)
{
	atomic_store_explicit(&w->map.header->retired, 0, memory_order_relaxed);
	atomic_store_explicit(&w->map.header->writer_pid, (uint32_t)getpid(), memory_order_relaxed);
	ks_store_beat(w);
}

void ks_store_retire(struct ks_store_writer *w)
{
	atomic_store_explicit(&w->map.header->retired, 1, memory_order_release);
	wake_all(w->map.header);
}

void ks_store_writer_close(struct ks_store_writer *w)
{
	if (w == NULL)
		return;
	ks_store_unmap(&w->map);
	close(w->fd);
	free(w);
}
