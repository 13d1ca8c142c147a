/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/frame/jpeg.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cursor.h"
#include "lib/frame/manifest.h"

#define HEADER_LEN 4	/* of the segment: marker and length */
#define TEXT_MAX (KS_JPEG_STAMP_MAX - HEADER_LEN)

/* By this a comment is known to be meant as a stamp. */
static const char opening[] = "koshien frame=";

size_t ks_jpeg_stamp_write(const struct ks_jpeg_stamp *stamp, uint8_t out[KS_JPEG_STAMP_MAX])
{
	char id[KS_FRAME_ID_TEXT], text[TEXT_MAX];
	size_t len = (size_t)snprintf(text, sizeof(text), "%s%s captured=%" PRId64 " channel=%s rendition=%s", opening,
				      ks_frame_id_format(stamp->id, id), stamp->captured_us, stamp->channel,
				      stamp->rendition);
	const uint8_t header[HEADER_LEN] = { 0xff, 0xfe, (uint8_t)((len + 2) >> 8), (uint8_t)(len + 2) };

	memcpy(out, header, HEADER_LEN);
	memcpy(out + HEADER_LEN, text, len);
	return HEADER_LEN + len;
}

/* The rest of `word` behind "key=", or NULL. */
static const char *value_of(const char *word, const char *key)
{
	size_t len = strlen(key);

	return word != NULL && strncmp(word, key, len) == 0 && word[len] == '=' ? word + len + 1 : NULL;
}

static int parse_name(const char *value, char *name, size_t max)
{
	if (value == NULL || !ks_name_valid(value, strlen(value), max))
		return KS_EMALFORMED;
	memcpy(name, value, strlen(value) + 1);
	return KS_EOK;
}

/* The words of a stamp; how they were spelled is not looked at. Takes text apart. */
static int parse_text(char *text, struct ks_jpeg_stamp *stamp)
{
	const char *value;

	strsep(&text, " ");
	value = value_of(strsep(&text, " "), "frame");
	if (value == NULL || ks_frame_id_parse(value, strlen(value), &stamp->id) != KS_EOK)
		return KS_EMALFORMED;
	value = value_of(strsep(&text, " "), "captured");
	if (value == NULL)
		return KS_EMALFORMED;
	errno = 0;
	stamp->captured_us = strtoll(value, NULL, 10);
	if (errno != 0 || stamp->captured_us < 0 || stamp->captured_us > KS_CAPTURED_MAX_US)
		return KS_EMALFORMED;
	if (parse_name(value_of(strsep(&text, " "), "channel"), stamp->channel, KS_CHANNEL_MAX) != KS_EOK)
		return KS_EMALFORMED;
	return parse_name(value_of(strsep(&text, " "), "rendition"), stamp->rendition, KS_RENDITION_MAX);
}

int ks_jpeg_stamp_read(const uint8_t *bytes, size_t len, struct ks_jpeg_stamp *stamp, size_t *segment_len)
{
	struct ks_reader r = ks_reader(bytes, len);
	const uint8_t *header = ks_read_span(&r, 2 + HEADER_LEN), *text;
	struct ks_jpeg_stamp got;
	char copy[TEXT_MAX + 1];
	uint8_t again[KS_JPEG_STAMP_MAX];
	size_t text_len;

	if (header == NULL || memcmp(header, "\xff\xd8\xff\xfe", 4) != 0)
		return KS_ENODATA;
	text_len = (size_t)header[4] << 8 | header[5];
	text_len = text_len < 2 ? 0 : text_len - 2;
	text = ks_read_span(&r, text_len);
	if (text == NULL || text_len < sizeof(opening) - 1 || memcmp(text, opening, sizeof(opening) - 1) != 0)
		return KS_ENODATA;

	if (text_len > TEXT_MAX)
		return KS_EMALFORMED;
	memcpy(copy, text, text_len);
	copy[text_len] = '\0';
	if (parse_text(copy, &got) != KS_EOK)
		return KS_EMALFORMED;
	/* One spelling: what was read must be what would be written. */
	if (ks_jpeg_stamp_write(&got, again) != HEADER_LEN + text_len ||
	    memcmp(again, bytes + 2, HEADER_LEN + text_len) != 0)
		return KS_EMALFORMED;
	*stamp = got;
	if (segment_len != NULL)
		*segment_len = HEADER_LEN + text_len;
	return KS_EOK;
}
