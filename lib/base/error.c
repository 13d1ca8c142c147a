/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/error.h"

#include <string.h>

static const char *const texts[] = {
	[KS_ETRUNC - KS_EBASE] = "ends too early",
	[KS_EMALFORMED - KS_EBASE] = "malformed",
	[KS_EVERSION - KS_EBASE] = "another version or another format",
	[KS_ELIMIT - KS_EBASE] = "over a limit",
	[KS_EAUTH - KS_EBASE] = "not from a trusted key",
	[KS_EDIGEST - KS_EBASE] = "digest does not match",
	[KS_EREPLAY - KS_EBASE] = "replayed",
	[KS_ESTALE - KS_EBASE] = "not newer than what is there",
	[KS_ENOTYET - KS_EBASE] = "not there yet",
	[KS_EGONE - KS_EBASE] = "no longer held",
	[KS_EMOVED - KS_EBASE] = "overwritten while being read",
	[KS_EKEY - KS_EBASE] = "unusable key file",
	[KS_ECONFIG - KS_EBASE] = "unusable configuration",
	[KS_ENODATA - KS_EBASE] = "nothing there",
	[KS_EEND - KS_EBASE] = "source has ended",
};

const char *ks_strerror(int err)
{
	if (err == KS_EOK)
		return "no error";
	if (err >= KS_EBASE && err < KS_EERROR_END)
		return texts[err - KS_EBASE];
	return err < 0 && err >= KS_EERROR_END ? strerror(-err) : "unknown error";
}
