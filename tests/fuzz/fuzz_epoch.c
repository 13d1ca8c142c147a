/* SPDX-License-Identifier: Apache-2.0
 *
 * What is accepted has one spelling: printing the number gives the same bytes again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/epoch.h"
#include "lib/base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint32_t epoch;
	char text[16];
	int n;

	if (ks_epoch_parse((const char *)bytes, len, &epoch) != KS_EOK)
		return 0;
	n = snprintf(text, sizeof(text), "%" PRIu32 "\n", epoch);
	if ((size_t)n != len || memcmp(text, bytes, len) != 0)
		abort();
	return 0;
}
