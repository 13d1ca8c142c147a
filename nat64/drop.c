/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/drop.h"

const char *const ks_xlat_drop_names[KS_XLAT_DROPS] = {
	[KS_XLAT_PASSED] = "none",
#define X(name, label, help) [KS_XLAT_##name] = label,
	KS_XLAT_DROP_LIST(X)
#undef X
};

const char *const ks_xlat_drop_help[KS_XLAT_DROPS] = {
	[KS_XLAT_PASSED] = "not dropped",
#define X(name, label, help) [KS_XLAT_##name] = help,
	KS_XLAT_DROP_LIST(X)
#undef X
};
