/* SPDX-License-Identifier: Apache-2.0
 *
 * The frame store: one file on tmpfs per channel and rendition, written by one process and read by any
 * number of others without a lock. doc/store.md has the layout byte by byte and the rules of access.
 *
 * The writer never waits. A reader copies, checks again that what it copied was not overwritten
 * meanwhile, then checks length and digest; it gives up with KS_EMOVED after KS_STORE_TRIES. A reader
 * trusts nothing it finds: a file that is garbage, of another version or from a dead writer gives an
 * error, never a fault. The file is never truncated while mapped; a writer that needs another shape makes a
 * new file, renames it into place and marks the old one as retired.
 */
#ifndef KS_STORE_STORE_H
#define KS_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/clock.h"
#include "lib/frame/frame.h"

#define KS_STORE_TRIES 3
#define KS_STORE_FRAMES_DEFAULT 300			/* frames held, when the bytes allow */
#define KS_STORE_FRAMES_MIN 2				/* the newest stays while the next is written */
#define KS_STORE_FRAMES_MAX 65536
#define KS_STORE_BYTES_DEFAULT ((size_t)64 * 1024 * 1024)
#define KS_STORE_BYTES_MIN (4 * KS_FRAME_MAX)		/* the largest frame, without evicting the newest */
#define KS_STORE_BYTES_MAX ((size_t)16 * 1024 * 1024 * 1024)

struct ks_store_shape {
	uint32_t frames;	/* entries of the ring */
	uint64_t bytes;		/* of picture data */
};

/* --- writing: one process, one thread per store -------------------------------------------------- */

struct ks_store_writer;

/* Opens the store of a channel and rendition below dir (which must exist), or makes it. An existing good
 * file of the same shape goes on with what it holds, so that a restarted relay never steps back; one of
 * another shape is replaced by one that begins with the frames it held; any other is replaced by an empty
 * one. Two writers at once are refused with -EBUSY. All of the store's memory is taken here: -ENOSPC.
 * KS_EMALFORMED for bad names, KS_ELIMIT for a bad shape. Errors are logged with the path. */
int ks_store_writer_open(struct ks_store_writer **writer, const char *dir, const char *channel, const char *rendition,
			 const struct ks_store_shape *shape, const struct ks_clock *clock);

/* Publishes a frame, wakes all waiters. KS_ESTALE when ks_frame_newer() says it may not follow the newest
 * held; KS_EMALFORMED when it is a frame of another channel or rendition; KS_ELIMIT when it is larger than
 * KS_FRAME_MAX. The bytes are copied. */
int ks_store_publish(struct ks_store_writer *writer, const struct ks_frame *frame);

/* The newest frame's manifest; false when there is none yet. */
bool ks_store_newest(const struct ks_store_writer *writer, struct ks_manifest *m);

/* Says that the writer is alive; at least every KS_STORE_BEAT_US. ks_store_publish() does it too. */
#define KS_STORE_BEAT_US (KS_US_PER_S / 2)
void ks_store_beat(struct ks_store_writer *writer);

/* The file stays, with its frames; readers see the heartbeat stop. */
void ks_store_writer_close(struct ks_store_writer *writer);

/* --- reading: any number of processes; one reader may be used by many threads at once -------------- */

struct ks_store_reader;

/* Maps the store read-only. KS_ENOTYET when there is no such file, KS_EVERSION for another version or
 * another format, KS_EMALFORMED when its header contradicts itself or the file's size, or -errno. */
int ks_store_reader_open(struct ks_store_reader **reader, const char *dir, const char *channel, const char *rendition);
void ks_store_reader_close(struct ks_store_reader *reader);

/* False once the file was retired or replaced by another: close, and open again. Costs one atomic load;
 * the file system is looked at only once per KS_STORE_RECHECK_US. */
#define KS_STORE_RECHECK_US KS_US_PER_S
bool ks_store_current(struct ks_store_reader *reader, int64_t mono_us);

/* Changes with each published frame; 0: none yet. One atomic load. */
uint64_t ks_store_position(const struct ks_store_reader *reader);

/* When the writer last gave a sign of life, on the machine's monotonic clock; 0: never. */
int64_t ks_store_beat_us(const struct ks_store_reader *reader);

/* A frame copied out of the store, in memory of its own. */
struct ks_store_copy {
	struct ks_frame frame;
	uint64_t position;
	int64_t published_us;	/* when the writer published it, on this machine's monotonic clock */
	uint8_t bytes[];
};

/* Copies a frame out, into memory from `alloc` (NULL: malloc), which the caller frees. `alloc` must give memory
 * that free() takes: a try that failed is given back that way. KS_ENOTYET: the id is newer than all that is held
 * (or nothing is). KS_EGONE: older than all that is held, or it fell between. KS_EMOVED after too many tries;
 * KS_EDIGEST, KS_EMALFORMED when the store's memory is damaged. */
int ks_store_read_newest(struct ks_store_reader *reader, void *(*alloc)(size_t), struct ks_store_copy **copy);
int ks_store_read(struct ks_store_reader *reader, struct ks_frame_id id, void *(*alloc)(size_t),
		  struct ks_store_copy **copy);

/* What is held, oldest first, at most `max` of the newest: for indexes and time lines. */
struct ks_store_item {
	struct ks_frame_id id;
	int64_t captured_us;
	uint32_t length;	/* of the JPEG */
	uint8_t flags;
};
size_t ks_store_list(struct ks_store_reader *reader, struct ks_store_item *items, size_t max);

/* Sleeps until ks_store_position() differs from `seen` (KS_EOK) or the time is over (-ETIMEDOUT). KS_EGONE at
 * once when the file is or gets retired: nothing new comes here; close, and open again. */
int ks_store_wait(struct ks_store_reader *reader, uint64_t seen, int64_t timeout_us);

/* Calls `each` for every store file below dir, by name order not guaranteed; stops when it returns non-zero and
 * returns that. Names are valid channel and rendition names. -errno when dir cannot be read. */
int ks_store_scan(const char *dir, int (*each)(void *ctx, const char *channel, const char *rendition), void *ctx);

#endif
