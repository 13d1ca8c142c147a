/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever is accepted is a list of names, within the limit.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/name.h"
#include "lib/wire/revoked.h"
#include "lib/wire/sender.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct ks_revoked revoked;
	size_t line;

	if (ks_revoked_parse((const char *)bytes, len, &revoked, &line) != KS_EOK) {
		if (revoked.names != NULL || revoked.n != 0 || line == 0)
			abort();
		return 0;
	}
	if (revoked.n > KS_REVOKED_MAX)
		abort();
	for (size_t i = 0; i < revoked.n; i++)
		if (!ks_name_valid(revoked.names[i], strlen(revoked.names[i]), KS_RELAY_NAME_MAX) ||
		    !ks_revoked_has(&revoked, revoked.names[i]))
			abort();
	ks_revoked_free(&revoked);
	return 0;
}
