/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KS_RELAY_SETTINGS_H
#define KS_RELAY_SETTINGS_H

#include "lib/base/settings.h"

#define KS_RELAY_PORT 7510
#define KS_RELAY_CHANNELS_MAX 1024	/* stores of one relay, whatever is configured */

struct ks_relay_parent {
	char *name;
	char *address, *key;
};

struct ks_relay_settings {
	struct ks_list parents;		/* struct ks_relay_parent, up to KS_PARENTS_MAX */
	struct ks_list key;		/* files of relay keys that pushing parents share, up to KS_PSK_MAX */
	struct ks_list listen;		/* empty: with key or master every address, on KS_RELAY_PORT; else nowhere */
	struct ks_list channels, renditions;	/* wanted; empty: all */
	char *master, *revoked;		/* files; NULL: no relay takes frames from here */
	int64_t relays_max;
	bool nack;
	int64_t loss_percent, datagram;
	struct ks_list trust;		/* files of sources' public keys, 1 to KS_TRUST_MAX */
	char *store_dir;
	int64_t history;		/* frames per store */
	int64_t store_mib;
	int64_t channels_max;
	char *metrics;			/* NULL: none */
};

extern const struct ks_program ks_relay_program;

#endif
