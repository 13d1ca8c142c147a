/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sentry/unavailable.h"

#include <stdio.h>

#include "lib/base/error.h"

const char *ks_unavailable_words(char out[KS_UNAVAILABLE_TEXT], const char *channel, const char *rendition, int error,
				 const struct ks_freshness *f)
{
	if (f->state == KS_STATE_DEAD && error == KS_EOK)
		snprintf(out, KS_UNAVAILABLE_TEXT, "No picture of %s/%s for %.1f seconds.", channel, rendition,
			 (double)f->held_ms / 1000);
	else if (error == KS_EVERSION)
		snprintf(out, KS_UNAVAILABLE_TEXT, "The store of %s/%s is of another version, or not a store.", channel,
			 rendition);
	else if (error != KS_EOK && error != KS_ENOTYET)
		snprintf(out, KS_UNAVAILABLE_TEXT, "The store of %s/%s cannot be read: %s.", channel, rendition,
			 ks_strerror(error));
	else
		snprintf(out, KS_UNAVAILABLE_TEXT, "No picture of %s/%s yet.", channel, rendition);
	return out;
}
