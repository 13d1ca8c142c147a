/* SPDX-License-Identifier: Apache-2.0
 *
 * An HTTP answer, as koshienctl watch reads it: lines of head, an empty line, the body.
 */
#include <string.h>

#include "koshienctl/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *at = (const char *)bytes, *end = at + len;
	struct ks_answer answer = { .status = 0 };
	struct ks_picture picture;
	enum ks_jpeg_fault fault;
	uint64_t next_ms;

	while (at < end) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));
		size_t line_len = (size_t)((eol != NULL ? eol + 1 : end) - at);

		if (!ks_answer_line(&answer, at, line_len))
			return 0;
		at += line_len;
		if (line_len <= 2)
			break;
	}
	ks_answer_number(&answer, KS_HEADER_NEXT, KS_PERIOD_MAX_MS, &next_ms);
	ks_picture_judge(&answer, (const uint8_t *)at, (size_t)(end - at), "main", "std", &picture, &fault);
	return 0;
}
