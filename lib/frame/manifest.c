/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/frame/manifest.h"

#include <string.h>

#include "lib/base/cursor.h"
#include "lib/base/error.h"

#define MANIFEST_VERSION 1
#define MAGIC_SIZE 4

static const uint8_t magic[MAGIC_SIZE] = { 'K', 'S', 'M', '1' };

_Static_assert(MAGIC_SIZE + 4 + KS_CHANNEL_MAX + KS_RENDITION_MAX + 8 + 16 + 4 + 12 + KS_DIGEST_SIZE ==
	       KS_MANIFEST_SIGNED, "the signature covers everything in front of it");
_Static_assert(KS_MANIFEST_SIGNED + KS_SIGNATURE_SIZE == KS_MANIFEST_SIZE, "the signature is the last field");

/* What holds for the fields of every manifest, wherever it comes from. */
static int check_ranges(const struct ks_manifest *m)
{
	if (!ks_name_valid(m->channel, strnlen(m->channel, sizeof(m->channel)), KS_CHANNEL_MAX) ||
	    !ks_name_valid(m->rendition, strnlen(m->rendition, sizeof(m->rendition)), KS_RENDITION_MAX))
		return KS_EMALFORMED;
	if ((m->flags & ~KS_FRAME_FLAGS_KNOWN) != 0 || m->captured_us < 0 || m->captured_mono_us < 0)
		return KS_EMALFORMED;
	if (m->width == 0 || m->height == 0 || m->length == 0)
		return KS_EMALFORMED;
	if (m->captured_us > KS_CAPTURED_MAX_US || m->captured_mono_us > KS_CAPTURED_MAX_US)
		return KS_ELIMIT;
	if (m->width > KS_DIMENSION_MAX || m->height > KS_DIMENSION_MAX || m->length > KS_JPEG_MAX)
		return KS_ELIMIT;
	if (m->source >= KS_SOURCES_MAX)
		return KS_ELIMIT;
	if (m->period_ms < KS_PERIOD_MIN_MS || m->period_ms > KS_PERIOD_MAX_MS)
		return KS_ELIMIT;
	return KS_EOK;
}

static void write_name(struct ks_writer *w, const char *name, size_t size)
{
	size_t len = strlen(name);

	ks_write_bytes(w, name, len);
	ks_write_zeros(w, size - len);
}

int ks_manifest_encode(const struct ks_manifest *m, uint8_t out[KS_MANIFEST_SIZE])
{
	struct ks_writer w = ks_writer(out, KS_MANIFEST_SIZE);
	int err = check_ranges(m);

	if (err != KS_EOK)
		return err;
	ks_write_bytes(&w, magic, sizeof(magic));
	ks_write_u8(&w, MANIFEST_VERSION);
	ks_write_u8(&w, m->flags);
	ks_write_u8(&w, m->source);
	ks_write_u8(&w, m->priority);
	write_name(&w, m->channel, KS_CHANNEL_MAX);
	write_name(&w, m->rendition, KS_RENDITION_MAX);
	ks_write_u32(&w, m->id.epoch);
	ks_write_u32(&w, m->id.seq);
	ks_write_i64(&w, m->captured_us);
	ks_write_i64(&w, m->captured_mono_us);
	ks_write_u16(&w, m->width);
	ks_write_u16(&w, m->height);
	ks_write_u32(&w, m->period_ms);
	ks_write_u32(&w, m->length);
	ks_write_u32(&w, 0);
	ks_write_bytes(&w, m->digest, sizeof(m->digest));
	ks_write_bytes(&w, m->signature, sizeof(m->signature));
	return w.error;
}

/* False when something stands behind the padding: two encodings of one name would be two frames. */
static bool read_name(struct ks_reader *r, char *name, size_t size)
{
	size_t len;

	ks_read_bytes(r, name, size);
	name[size] = '\0';
	len = strlen(name);
	while (len < size && name[len] == '\0')
		len++;
	return len == size;
}

int ks_manifest_decode(const uint8_t *bytes, size_t len, struct ks_manifest *m)
{
	struct ks_reader r = ks_reader(bytes, len);
	uint8_t got_magic[MAGIC_SIZE], version;
	bool padded;

	ks_read_bytes(&r, got_magic, sizeof(got_magic));
	version = ks_read_u8(&r);
	m->flags = ks_read_u8(&r);
	m->source = ks_read_u8(&r);
	m->priority = ks_read_u8(&r);
	padded = read_name(&r, m->channel, KS_CHANNEL_MAX);
	padded = read_name(&r, m->rendition, KS_RENDITION_MAX) && padded;
	m->id.epoch = ks_read_u32(&r);
	m->id.seq = ks_read_u32(&r);
	m->captured_us = ks_read_i64(&r);
	m->captured_mono_us = ks_read_i64(&r);
	m->width = ks_read_u16(&r);
	m->height = ks_read_u16(&r);
	m->period_ms = ks_read_u32(&r);
	m->length = ks_read_u32(&r);
	padded = ks_read_u32(&r) == 0 && padded;
	ks_read_bytes(&r, m->digest, sizeof(m->digest));
	ks_read_bytes(&r, m->signature, sizeof(m->signature));

	if (r.error != KS_EOK)
		return r.error;
	if (memcmp(got_magic, magic, sizeof(magic)) != 0 || version != MANIFEST_VERSION)
		return KS_EVERSION;
	return padded ? check_ranges(m) : KS_EMALFORMED;
}
