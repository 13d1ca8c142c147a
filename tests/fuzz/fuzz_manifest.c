/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/frame/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* What is taken as a manifest is encoded back as it was: each has one encoding. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t again[KS_MANIFEST_SIZE];
	struct ks_manifest m;

	if (ks_manifest_decode(bytes, len, &m) != KS_EOK)
		return 0;
	if (ks_manifest_encode(&m, again) != KS_EOK || memcmp(again, bytes, sizeof(again)) != 0)
		abort();
	return 0;
}
