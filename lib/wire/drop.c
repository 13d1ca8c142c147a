/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/drop.h"

const char *const ks_drop_names[KS_DROPS] = {
	[KS_DROP_NONE] = "none",
	[KS_DROP_SHORT] = "short",
	[KS_DROP_LONG] = "long",
	[KS_DROP_VERSION] = "version",
	[KS_DROP_TYPE] = "type",
	[KS_DROP_KEY] = "unknown key",
	[KS_DROP_SESSION] = "unknown session",
	[KS_DROP_REVOKED] = "revoked",
	[KS_DROP_LOOP] = "loop",
	[KS_DROP_COOKIE] = "cookie",
	[KS_DROP_CLOCK] = "clock",
	[KS_DROP_TAG] = "tag",
	[KS_DROP_REPLAY] = "replay",
	[KS_DROP_MALFORMED] = "malformed",
	[KS_DROP_CONFLICT] = "conflict",
	[KS_DROP_LIMIT] = "limit",
	[KS_DROP_RATE] = "rate",
	[KS_DROP_DISTRUST] = "distrust",
	[KS_DROP_LATE] = "late",
	[KS_DROP_DUPLICATE] = "duplicate",
	[KS_DROP_SURPLUS] = "surplus",
};
