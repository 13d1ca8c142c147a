/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KS_RELAY_SETTINGS_H
#define KS_RELAY_SETTINGS_H

#include "lib/base/settings.h"

#define KS_RELAY_PORT 7510
#define KS_RELAY_CHANNELS_MAX 1024	/* stores of one relay, whatever is configured */

struct ks_relay_settings {
	struct ks_list listen;		/* empty: every address of both families, on KS_RELAY_PORT */
	struct ks_list key;		/* files of pre-shared keys, 1 to KS_PSK_MAX */
	struct ks_list trust;		/* files of sources' public keys, 1 to KS_TRUST_MAX */
	char *store_dir;
	int64_t history;		/* frames per store */
	int64_t store_mib;
	int64_t channels_max;
	char *metrics;			/* NULL: none */
};

extern const struct ks_program ks_relay_program;

#endif
