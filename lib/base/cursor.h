/* SPDX-License-Identifier: Apache-2.0
 *
 * The one way to read and write bytes that come from or go to the outside. A cursor never leaves its
 * range; the first step beyond it sets a sticky error, after which reads give zeros and writes do
 * nothing, so that a parser checks once, at its end. Numbers are little-endian.
 */
#ifndef KS_BASE_CURSOR_H
#define KS_BASE_CURSOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/error.h"

struct ks_reader {
	const uint8_t *at, *end;
	int error;		/* KS_EOK, or KS_ETRUNC from the first short read on */
};

struct ks_writer {
	uint8_t *at, *end;
	int error;		/* KS_EOK, or KS_ELIMIT from the first write that did not fit */
};

static inline struct ks_reader ks_reader(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	return (struct ks_reader){ at, len > 0 ? at + len : at, KS_EOK };
}

static inline size_t ks_reader_left(const struct ks_reader *r)
{
	return (size_t)(r->end - r->at);
}

/* A pointer to the next len bytes, or NULL (and the sticky error) when there are not that many. */
static inline const uint8_t *ks_read_span(struct ks_reader *r, size_t len)
{
	const uint8_t *span = r->at;

	if (r->error != KS_EOK || len > ks_reader_left(r)) {
		r->error = KS_ETRUNC;
		r->at = r->end;
		return NULL;
	}
	r->at += len;
	return span;
}

static inline void ks_read_bytes(struct ks_reader *r, void *out, size_t len)
{
	const uint8_t *span = ks_read_span(r, len);

	if (span != NULL)
		memcpy(out, span, len);
	else
		memset(out, 0, len);
}

static inline uint64_t ks_read_le(struct ks_reader *r, size_t len)
{
	const uint8_t *span = ks_read_span(r, len);
	uint64_t value = 0;

	for (size_t i = 0; span != NULL && i < len; i++)
		value |= (uint64_t)span[i] << (8 * i);
	return value;
}

static inline uint8_t ks_read_u8(struct ks_reader *r) { return (uint8_t)ks_read_le(r, 1); }
static inline uint16_t ks_read_u16(struct ks_reader *r) { return (uint16_t)ks_read_le(r, 2); }
static inline uint32_t ks_read_u24(struct ks_reader *r) { return (uint32_t)ks_read_le(r, 3); }
static inline uint32_t ks_read_u32(struct ks_reader *r) { return (uint32_t)ks_read_le(r, 4); }
static inline uint64_t ks_read_u64(struct ks_reader *r) { return ks_read_le(r, 8); }
static inline int64_t ks_read_i64(struct ks_reader *r) { return (int64_t)ks_read_le(r, 8); }

static inline struct ks_writer ks_writer(void *bytes, size_t len)
{
	uint8_t *at = bytes;

	return (struct ks_writer){ at, len > 0 ? at + len : at, KS_EOK };
}

static inline uint8_t *ks_write_span(struct ks_writer *w, size_t len)
{
	uint8_t *span = w->at;

	if (w->error != KS_EOK || len > (size_t)(w->end - w->at)) {
		w->error = KS_ELIMIT;
		return NULL;
	}
	w->at += len;
	return span;
}

static inline void ks_write_bytes(struct ks_writer *w, const void *bytes, size_t len)
{
	uint8_t *span = ks_write_span(w, len);

	if (span != NULL)
		memcpy(span, bytes, len);
}

static inline void ks_write_zeros(struct ks_writer *w, size_t len)
{
	uint8_t *span = ks_write_span(w, len);

	if (span != NULL)
		memset(span, 0, len);
}

static inline void ks_write_le(struct ks_writer *w, uint64_t value, size_t len)
{
	uint8_t *span = ks_write_span(w, len);

	for (size_t i = 0; span != NULL && i < len; i++)
		span[i] = (uint8_t)(value >> (8 * i));
}

static inline void ks_write_u8(struct ks_writer *w, uint8_t v) { ks_write_le(w, v, 1); }
static inline void ks_write_u16(struct ks_writer *w, uint16_t v) { ks_write_le(w, v, 2); }
static inline void ks_write_u24(struct ks_writer *w, uint32_t v) { ks_write_le(w, v, 3); }
static inline void ks_write_u32(struct ks_writer *w, uint32_t v) { ks_write_le(w, v, 4); }
static inline void ks_write_u64(struct ks_writer *w, uint64_t v) { ks_write_le(w, v, 8); }
static inline void ks_write_i64(struct ks_writer *w, int64_t v) { ks_write_le(w, (uint64_t)v, 8); }

#endif
