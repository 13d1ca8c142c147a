/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http/picture_check.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/frame/manifest.h"

#define ETAG_DIGEST_BYTES 4	/* of the picture's digest, in hex at the end of its ETag */
#define ETAG_DIGEST_HEX ((size_t)2 * ETAG_DIGEST_BYTES)

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

void ks_picture_check_begin(struct ks_picture_check *check, bool hashed)
{
	check->len = 0;
	check->hashed = hashed;
	if (hashed)
		crypto_generichash_init(&check->hash, NULL, 0, KS_DIGEST_SIZE);
}

void ks_picture_check_feed(struct ks_picture_check *check, const uint8_t *bytes, size_t len)
{
	if (len == 0)
		return;
	if (check->len < sizeof(check->first)) {
		size_t room = sizeof(check->first) - check->len;

		memcpy(check->first + check->len, bytes, len < room ? len : room);
	}
	check->last[0] = len > 1 ? bytes[len - 2] : check->last[1];
	check->last[1] = bytes[len - 1];
	if (check->hashed)
		crypto_generichash_update(&check->hash, bytes, len);
	check->len += len;
}

enum ks_verdict ks_picture_check_whole(const struct ks_picture_check *check, const struct ks_answer *head)
{
	uint64_t length;

	if (head->flawed)
		return KS_PICTURE_HEAD;
	if (check->len > KS_JPEG_MAX)
		return KS_PICTURE_TOO_LARGE;
	if (!ks_answer_number(head, KS_HEADER_LENGTH, UINT64_MAX, &length) || length != check->len)
		return KS_PICTURE_LENGTH;
	if (check->len < 4 || memcmp(check->first, "\xff\xd8", 2) != 0 || memcmp(check->last, "\xff\xd9", 2) != 0)
		return KS_PICTURE_JPEG;
	return KS_PICTURE_GOOD;
}

static bool same_capture(const struct ks_answer *head, const struct ks_jpeg_stamp *stamp)
{
	uint64_t captured_ms;

	return ks_answer_number(head, KS_HEADER_CAPTURED, INT64_MAX / KS_US_PER_MS, &captured_ms) &&
	       (int64_t)captured_ms == stamp->captured_us / KS_US_PER_MS;
}

/* "<id>-<first bytes of the digest>", in quotes. */
static bool same_etag(struct ks_picture_check *check, const char *etag, const char *id)
{
	size_t id_len = strlen(id);
	uint8_t digest[KS_DIGEST_SIZE];
	char hex[ETAG_DIGEST_HEX + 1];

	if (strlen(etag) != id_len + ETAG_DIGEST_HEX + 3 || etag[0] != '"' || memcmp(etag + 1, id, id_len) != 0 ||
	    etag[1 + id_len] != '-' || etag[strlen(etag) - 1] != '"')
		return false;
	if (!check->hashed)
		return true;
	crypto_generichash_final(&check->hash, digest, sizeof(digest));
	sodium_bin2hex(hex, sizeof(hex), digest, ETAG_DIGEST_BYTES);
	return memcmp(etag + id_len + 2, hex, ETAG_DIGEST_HEX) == 0;
}

static bool compare(const struct ks_answer *head, enum ks_header header, unsigned needed)
{
	return head->value[header][0] != '\0' || (needed & 1U << header) != 0;
}

enum ks_verdict ks_picture_check_named(struct ks_picture_check *check, const struct ks_answer *head,
				       const char *channel, const char *rendition, unsigned needed,
				       struct ks_picture *picture)
{
	size_t kept = check->len < sizeof(check->first) ? check->len : sizeof(check->first);
	struct ks_jpeg_stamp stamp;
	char id[KS_FRAME_ID_TEXT];

	if (ks_jpeg_stamp_read(check->first, kept, &stamp, NULL) != KS_EOK ||
	    (channel != NULL && strcmp(stamp.channel, channel) != 0) ||
	    (rendition != NULL && strcmp(stamp.rendition, rendition) != 0))
		return KS_PICTURE_STAMP;
	ks_frame_id_format(stamp.id, id);
	if (compare(head, KS_HEADER_ID, needed) && strcmp(id, head->value[KS_HEADER_ID]) != 0)
		return KS_PICTURE_ID;
	if (compare(head, KS_HEADER_CAPTURED, needed) && !same_capture(head, &stamp))
		return KS_PICTURE_CAPTURED;
	if (compare(head, KS_HEADER_ETAG, needed) && !same_etag(check, head->value[KS_HEADER_ETAG], id))
		return KS_PICTURE_ETAG;
	*picture = (struct ks_picture){ stamp.id, stamp.captured_us };
	return KS_PICTURE_GOOD;
}
