/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/frame/id.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* What is taken as an id is written back as it was. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes;
	char again[KS_FRAME_ID_TEXT];
	struct ks_frame_id id;

	if (ks_frame_id_parse(text, len, &id) != KS_EOK)
		return 0;
	if (strlen(ks_frame_id_format(id, again)) != len || memcmp(again, text, len) != 0)
		abort();
	return 0;
}
