/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/layout.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/name.h"

char *ks_store_path(const char *dir, const char *prefix, const char *channel, const char *rendition,
		    const char *suffix)
{
	char *path;

	if (!ks_name_valid(channel, strlen(channel), KS_CHANNEL_MAX) ||
	    !ks_name_valid(rendition, strlen(rendition), KS_RENDITION_MAX))
		return NULL;
	if (asprintf(&path, "%s/%s%s.%s%s", dir, prefix, channel, rendition, suffix) < 0)
		return NULL;
	return path;
}

uint64_t ks_store_data_offset(uint64_t entries)
{
	uint64_t end = KS_STORE_HEADER_SIZE + entries * KS_STORE_ENTRY_SIZE;

	return (end + KS_STORE_HEADER_SIZE - 1) / KS_STORE_HEADER_SIZE * KS_STORE_HEADER_SIZE;
}

static bool padded_name(const uint8_t *padded, size_t size, const char *name)
{
	size_t len = strlen(name);

	return len <= size && memcmp(padded, name, len) == 0 && (len == size || padded[len] == 0);
}

bool ks_store_named(const struct ks_store_header *h, const char *channel, const char *rendition)
{
	return padded_name(h->channel, sizeof(h->channel), channel) &&
	       padded_name(h->rendition, sizeof(h->rendition), rendition);
}

static int check_header(const struct ks_store_header *h, uint64_t size, const char *channel, const char *rendition)
{
	if (memcmp(h->magic, KS_STORE_MAGIC, sizeof(h->magic)) != 0 || h->version != KS_STORE_VERSION)
		return KS_EVERSION;
	if (h->header_size != KS_STORE_HEADER_SIZE || h->entry_size != KS_STORE_ENTRY_SIZE ||
	    h->entries < KS_STORE_FRAMES_MIN || h->entries > KS_STORE_FRAMES_MAX ||
	    h->data_bytes < KS_STORE_BYTES_MIN || h->data_bytes > KS_STORE_BYTES_MAX ||
	    h->data_bytes % KS_STORE_ALIGN != 0 ||
	    h->data_offset != ks_store_data_offset(h->entries) || h->file_size != size ||
	    h->data_offset + h->data_bytes != size)
		return KS_EMALFORMED;
	return ks_store_named(h, channel, rendition) ? KS_EOK : KS_EMALFORMED;
}

int ks_store_map(struct ks_store_map *map, int fd, bool writable, const char *channel, const char *rendition)
{
	struct ks_store_header h;	/* a copy: what was checked is what is used */
	struct stat st;
	ssize_t got;
	void *base;
	int err;

	memset(map, 0, sizeof(*map));
	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < KS_STORE_HEADER_SIZE)
		return KS_EMALFORMED;
	if ((uint64_t)st.st_size > SIZE_MAX)
		return KS_ELIMIT;
	got = pread(fd, &h, sizeof(h), 0);
	if (got != (ssize_t)sizeof(h))
		return got < 0 ? -errno : KS_EMALFORMED;
	err = check_header(&h, (uint64_t)st.st_size, channel, rendition);
	if (err != KS_EOK)
		return err;
	base = mmap(NULL, (size_t)st.st_size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	map->header = base;
	map->entries = (void *)((uint8_t *)base + KS_STORE_HEADER_SIZE);
	map->data = (uint8_t *)base + h.data_offset;
	map->n_entries = h.entries;
	map->data_bytes = h.data_bytes;
	map->size = (size_t)st.st_size;
	return KS_EOK;
}

void ks_store_unmap(struct ks_store_map *map)
{
	if (map->header != NULL)
		munmap(map->header, map->size);
	memset(map, 0, sizeof(*map));
}

int ks_store_look(const struct ks_store_map *map, uint64_t position, struct ks_store_held *held)
{
	struct ks_store_entry *e = ks_store_entry_of(map, position);

	held->lock = atomic_load_explicit(&e->lock, memory_order_acquire);
	held->length = atomic_load_explicit(&e->length, memory_order_relaxed);
	held->position = atomic_load_explicit(&e->position, memory_order_relaxed);
	held->offset = atomic_load_explicit(&e->offset, memory_order_relaxed);
	held->captured_us = atomic_load_explicit(&e->captured_us, memory_order_relaxed);
	held->published_us = atomic_load_explicit(&e->published_us, memory_order_relaxed);
	held->id.epoch = atomic_load_explicit(&e->epoch, memory_order_relaxed);
	held->id.seq = atomic_load_explicit(&e->seq, memory_order_relaxed);
	held->flags = atomic_load_explicit(&e->flags, memory_order_relaxed);
	if ((held->lock & 1) != 0 || held->position != position || !ks_store_unchanged(map, held))
		return KS_EMOVED;
	if (held->length <= KS_MANIFEST_SIZE || held->length > KS_FRAME_MAX || held->offset > map->data_bytes ||
	    held->length > map->data_bytes - held->offset)
		return KS_EMALFORMED;
	return KS_EOK;
}

bool ks_store_unchanged(const struct ks_store_map *map, const struct ks_store_held *held)
{
	struct ks_store_entry *e = ks_store_entry_of(map, held->position);

	/* Orders the reads before this call before the second look at the lock. */
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&e->lock, memory_order_relaxed) == held->lock;
}
