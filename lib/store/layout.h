/* SPDX-License-Identifier: Apache-2.0
 *
 * The bytes of a store's file, for writer and reader alone. doc/store.md explains them; a change here is
 * a change of KS_STORE_VERSION. Everything is little-endian (configure refuses other machines), and what
 * changes while the file is mapped is a lock-free atomic.
 */
#ifndef KS_STORE_LAYOUT_H
#define KS_STORE_LAYOUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/frame/id.h"
#include "lib/store/store.h"

#define KS_STORE_MAGIC "KSSTORE\n"
#define KS_STORE_VERSION 1
#define KS_STORE_HEADER_SIZE 4096	/* a page, so that entries and data are aligned in the mapping */
#define KS_STORE_ENTRY_SIZE 64		/* a cache line: an entry that changes disturbs no other */
#define KS_STORE_ALIGN 64		/* of a frame in the data */

struct ks_store_header {
	/* Constant from before the file has its name. */
	uint8_t magic[8];
	uint32_t version;
	uint32_t header_size;
	uint32_t entry_size;
	uint32_t entries;
	uint64_t data_offset;
	uint64_t data_bytes;
	uint64_t file_size;
	uint64_t generation;
	uint8_t channel[KS_CHANNEL_MAX];	/* padded with zeros, as in the manifest */
	uint8_t rendition[KS_RENDITION_MAX];
	uint8_t zero[40];

	/* The writer's, on a cache line of their own. */
	_Atomic uint64_t latest;
	_Atomic int64_t beat_us;
	_Atomic uint32_t wake;
	_Atomic uint32_t retired;
	_Atomic uint32_t writer_pid;
	uint8_t rest[KS_STORE_HEADER_SIZE - 156];
};

struct ks_store_entry {
	_Atomic uint32_t lock;		/* odd: being changed */
	_Atomic uint32_t length;	/* of manifest and JPEG */
	_Atomic uint64_t position;	/* 0: empty */
	_Atomic uint64_t offset;	/* in the data */
	_Atomic int64_t captured_us;
	_Atomic uint32_t epoch;
	_Atomic uint32_t seq;
	_Atomic uint32_t flags;		/* the manifest's */
	uint8_t zero[4];
	_Atomic int64_t published_us;	/* the machine's monotonic clock */
	uint8_t rest[8];
};

#define KS_STORE_AT(type, member, at) \
	_Static_assert(offsetof(struct type, member) == (at), "layout of " #type "." #member)

KS_STORE_AT(ks_store_header, magic, 0);
KS_STORE_AT(ks_store_header, version, 8);
KS_STORE_AT(ks_store_header, header_size, 12);
KS_STORE_AT(ks_store_header, entry_size, 16);
KS_STORE_AT(ks_store_header, entries, 20);
KS_STORE_AT(ks_store_header, data_offset, 24);
KS_STORE_AT(ks_store_header, data_bytes, 32);
KS_STORE_AT(ks_store_header, file_size, 40);
KS_STORE_AT(ks_store_header, generation, 48);
KS_STORE_AT(ks_store_header, channel, 56);
KS_STORE_AT(ks_store_header, rendition, 80);
KS_STORE_AT(ks_store_header, latest, 128);
KS_STORE_AT(ks_store_header, beat_us, 136);
KS_STORE_AT(ks_store_header, wake, 144);
KS_STORE_AT(ks_store_header, retired, 148);
KS_STORE_AT(ks_store_header, writer_pid, 152);
KS_STORE_AT(ks_store_entry, lock, 0);
KS_STORE_AT(ks_store_entry, length, 4);
KS_STORE_AT(ks_store_entry, position, 8);
KS_STORE_AT(ks_store_entry, offset, 16);
KS_STORE_AT(ks_store_entry, captured_us, 24);
KS_STORE_AT(ks_store_entry, epoch, 32);
KS_STORE_AT(ks_store_entry, seq, 36);
KS_STORE_AT(ks_store_entry, flags, 40);
KS_STORE_AT(ks_store_entry, published_us, 48);
_Static_assert(sizeof(struct ks_store_header) == KS_STORE_HEADER_SIZE, "layout of the header");
_Static_assert(sizeof(struct ks_store_entry) == KS_STORE_ENTRY_SIZE, "layout of an entry");
/* An atomic that takes a lock would keep the lock in one process. */
_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2, "atomics between processes");

/* A file in memory. The sizes are copies that were checked once: what the file says later does not count. */
struct ks_store_map {
	struct ks_store_header *header;
	struct ks_store_entry *entries;
	uint8_t *data;
	size_t n_entries;
	uint64_t data_bytes;
	size_t size;
};

/* "<dir>/<prefix><channel>.<rendition><suffix>", to be freed; NULL when out of memory or a name is not valid. */
char *ks_store_path(const char *dir, const char *prefix, const char *channel, const char *rendition,
		    const char *suffix);
#define KS_STORE_SUFFIX ".frames"

/* True when the file is that of this channel and rendition. */
bool ks_store_named(const struct ks_store_header *header, const char *channel, const char *rendition);

/* Where the data begins behind so many entries. */
uint64_t ks_store_data_offset(uint64_t entries);

/* Maps an open file and checks its header against itself, the file and the names. KS_EVERSION, KS_EMALFORMED,
 * KS_ELIMIT (too large for this machine's addresses) or -errno; nothing stays mapped then. */
int ks_store_map(struct ks_store_map *map, int fd, bool writable, const char *channel, const char *rendition);
void ks_store_unmap(struct ks_store_map *map);

/* One entry as it was at one moment, checked against the bounds of the data. */
struct ks_store_held {
	uint32_t lock;
	uint32_t length;
	uint64_t position;
	uint64_t offset;
	int64_t captured_us, published_us;
	struct ks_frame_id id;
	uint32_t flags;
};

static inline struct ks_store_entry *ks_store_entry_of(const struct ks_store_map *map, uint64_t position)
{
	return &map->entries[(position - 1) % map->n_entries];
}

/* KS_EOK; KS_EMOVED when the entry is being changed or holds another position; KS_EMALFORMED when it points
 * outside the data. */
int ks_store_look(const struct ks_store_map *map, uint64_t position, struct ks_store_held *held);

/* True when nothing of the entry, and so nothing of its bytes, has changed since ks_store_look(). The
 * bytes must have been read before the call. */
bool ks_store_unchanged(const struct ks_store_map *map, const struct ks_store_held *held);

/* Bytes of data that a frame takes up. */
static inline uint64_t ks_store_room(uint64_t length)
{
	return (length + KS_STORE_ALIGN - 1) / KS_STORE_ALIGN * KS_STORE_ALIGN;
}

#endif
