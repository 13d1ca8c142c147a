/* SPDX-License-Identifier: Apache-2.0 */
#include "koshienctl/answer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <sodium.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"

#define ETAG_DIGEST_BYTES 4	/* of the picture's digest, in hex at the end of its ETag */

const char *const ks_verdict_names[KS_VERDICTS] = {
	[KS_PICTURE_GOOD] = "good",
	[KS_PICTURE_CUT] = "cut",
	[KS_PICTURE_TOO_LARGE] = "too-large",
	[KS_PICTURE_HEAD] = "head",
	[KS_PICTURE_LENGTH] = "length",
	[KS_PICTURE_JPEG] = "jpeg",
	[KS_PICTURE_STAMP] = "stamp",
	[KS_PICTURE_ID] = "id",
	[KS_PICTURE_CAPTURED] = "captured",
	[KS_PICTURE_ETAG] = "etag",
};

static const char *const header_names[KS_HEADERS] = {
	[KS_HEADER_LENGTH] = "Content-Length",
	[KS_HEADER_ETAG] = "ETag",
	[KS_HEADER_ID] = "Frame-Id",
	[KS_HEADER_CAPTURED] = "Frame-Captured",
	[KS_HEADER_NEXT] = "Frame-Next",
	[KS_HEADER_STATE] = "Frame-State",
	[KS_HEADER_SERVED_BY] = "Served-By",
};

/* Visible ASCII (RFC 9110, 5.5) without the blanks that none of our fields has. */
static bool plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x21 || text[i] > 0x7e)
			return false;
	return len > 0;
}

static void keep(struct ks_answer *answer, enum ks_header header, const char *text, size_t len)
{
	char *value = answer->value[header];

	if (*value != '\0' || len >= KS_ANSWER_VALUE_MAX || !plain(text, len)) {
		answer->flawed = true;
		return;
	}
	memcpy(value, text, len);
	value[len] = '\0';
}

/* "HTTP/1.1 200 OK", "HTTP/2 200": three digits after the first blank. */
static int status_of(const char *line, size_t len)
{
	const char *at = memchr(line, ' ', len);
	int status = 0;

	if (at == NULL || line + len - at < 4)
		return 0;
	for (int i = 1; i <= 3; i++) {
		if (at[i] < '0' || at[i] > '9')
			return 0;
		status = status * 10 + (at[i] - '0');
	}
	return line + len - at == 4 || memchr(" \r\n", at[4], 3) != NULL ? status : 0;
}

bool ks_answer_line(struct ks_answer *answer, const char *line, size_t len)
{
	const char *colon;
	size_t name_len;

	if (len > KS_ANSWER_HEAD_MAX - answer->head_len)
		return false;
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
		*answer = (struct ks_answer){ .head_len = answer->head_len, .status = status_of(line, len) };
	answer->head_len += len;
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	colon = memchr(line, ':', len);
	if (colon == NULL)
		return true;
	name_len = (size_t)(colon - line);
	len -= name_len + 1;
	for (colon++; len > 0 && (*colon == ' ' || *colon == '\t'); len--)
		colon++;
	while (len > 0 && (colon[len - 1] == ' ' || colon[len - 1] == '\t'))
		len--;
	for (int h = 0; h < KS_HEADERS; h++)
		if (strlen(header_names[h]) == name_len && strncasecmp(header_names[h], line, name_len) == 0)
			keep(answer, (enum ks_header)h, colon, len);
	return true;
}

bool ks_answer_number(const struct ks_answer *answer, enum ks_header header, uint64_t max, uint64_t *number)
{
	const char *text = answer->value[header];
	uint64_t n = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (*text < '0' || *text > '9' || n > (max - digit) / 10 || digit > max)
			return false;
		n = n * 10 + digit;
	}
	*number = n;
	return true;
}

static bool same_etag(const struct ks_answer *answer, const struct ks_jpeg_stamp *stamp, const uint8_t *body,
		      size_t len)
{
	uint8_t digest[KS_DIGEST_SIZE];
	char hex[2 * ETAG_DIGEST_BYTES + 1], id[KS_FRAME_ID_TEXT], etag[KS_ANSWER_VALUE_MAX];

	crypto_generichash(digest, sizeof(digest), body, len, NULL, 0);
	sodium_bin2hex(hex, sizeof(hex), digest, ETAG_DIGEST_BYTES);
	snprintf(etag, sizeof(etag), "\"%s-%s\"", ks_frame_id_format(stamp->id, id), hex);
	return strcmp(etag, answer->value[KS_HEADER_ETAG]) == 0;
}

static bool same_id(const struct ks_answer *answer, const struct ks_jpeg_stamp *stamp)
{
	char id[KS_FRAME_ID_TEXT];

	return strcmp(ks_frame_id_format(stamp->id, id), answer->value[KS_HEADER_ID]) == 0;
}

static bool same_capture(const struct ks_answer *answer, const struct ks_jpeg_stamp *stamp)
{
	uint64_t captured_ms;

	return ks_answer_number(answer, KS_HEADER_CAPTURED, INT64_MAX / KS_US_PER_MS, &captured_ms) &&
	       (int64_t)captured_ms == stamp->captured_us / KS_US_PER_MS;
}

enum ks_verdict ks_answer_judge(const struct ks_answer *answer, const uint8_t *body, size_t len, const char *channel,
				const char *rendition, struct ks_picture *picture, enum ks_jpeg_fault *fault)
{
	struct ks_jpeg_info info;
	struct ks_jpeg_stamp stamp;
	uint64_t length;

	*fault = KS_JPEG_GOOD;
	if (answer->flawed)
		return KS_PICTURE_HEAD;
	if (!ks_answer_number(answer, KS_HEADER_LENGTH, UINT64_MAX, &length) || length != len)
		return KS_PICTURE_LENGTH;
	*fault = ks_jpeg_check(body, len, &info);
	if (*fault != KS_JPEG_GOOD)
		return KS_PICTURE_JPEG;
	if (ks_jpeg_stamp_read(body, len, &stamp, NULL) != KS_EOK || strcmp(stamp.channel, channel) != 0 ||
	    strcmp(stamp.rendition, rendition) != 0)
		return KS_PICTURE_STAMP;
	if (!same_id(answer, &stamp))
		return KS_PICTURE_ID;
	if (!same_capture(answer, &stamp))
		return KS_PICTURE_CAPTURED;
	if (!same_etag(answer, &stamp, body, len))
		return KS_PICTURE_ETAG;
	*picture = (struct ks_picture){ stamp.id, stamp.captured_us };
	return KS_PICTURE_GOOD;
}

bool ks_picture_follows(const struct ks_picture *next, const struct ks_picture *shown)
{
	return ks_frame_id_cmp(next->id, shown->id) > 0 ||
	       (next->id.epoch != shown->id.epoch && next->captured_us > shown->captured_us);
}
