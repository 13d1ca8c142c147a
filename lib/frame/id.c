/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/frame/id.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"

char *ks_frame_id_format(struct ks_frame_id id, char out[KS_FRAME_ID_TEXT])
{
	snprintf(out, KS_FRAME_ID_TEXT, "%" PRIu32 "-%" PRIu32, id.epoch, id.seq);
	return out;
}

/* Exactly len digits, in their only spelling. strtoul would take blanks, signs and leading zeros too. */
static int parse_u32(const char *text, size_t len, uint32_t *value)
{
	uint64_t sum = 0;

	if (len == 0 || len > 10 || (text[0] == '0' && len > 1))
		return KS_EMALFORMED;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return KS_EMALFORMED;
		sum = sum * 10 + (uint64_t)(text[i] - '0');
	}
	if (sum > UINT32_MAX)
		return KS_EMALFORMED;
	*value = (uint32_t)sum;
	return KS_EOK;
}

int ks_frame_id_parse(const char *text, size_t len, struct ks_frame_id *id)
{
	const char *hyphen = len > 0 ? memchr(text, '-', len) : NULL;
	struct ks_frame_id got;
	size_t epoch_len;

	if (hyphen == NULL)
		return KS_EMALFORMED;
	epoch_len = (size_t)(hyphen - text);
	if (parse_u32(text, epoch_len, &got.epoch) != KS_EOK ||
	    parse_u32(hyphen + 1, len - epoch_len - 1, &got.seq) != KS_EOK)
		return KS_EMALFORMED;
	*id = got;
	return KS_EOK;
}
