/* SPDX-License-Identifier: Apache-2.0
 *
 * The settings of sentryd, as they stand in its configuration file and on its command line.
 */
#ifndef KS_CAPTURE_SETTINGS_H
#define KS_CAPTURE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/renditions.h"
#include "lib/base/settings.h"

#define KS_CAPTURE_PORT 7509

struct ks_capture_relay {
	char *name;
	char *address;
	char *key;		/* NULL: derived from the master key by its name */
	bool blind;
};

struct ks_capture_rendition {
	char *name;
	char *resolution;	/* NULL: the source's */
	int64_t quality;	/* 0: that of all */
};

struct ks_capture_settings {
	char *channel;
	struct ks_list renditions;	/* struct ks_capture_rendition; empty: one, "std" */
	char *source;
	int64_t period_ms;
	char *resolution;
	int64_t quality;
	struct ks_list formats;
	int64_t device_timeout_ms, device_error_delay_ms;
	bool exit_on_device_error, verify_decode, dir_once, pipe_live;
	int64_t source_id, priority;
	char *signing_key;
	char *state_dir;
	struct ks_list relays;		/* struct ks_capture_relay */
	char *master, *revoked;		/* files; NULL: no relay comes by itself */
	struct ks_list listen;		/* empty: with a master key every address, on KS_CAPTURE_PORT; else nowhere */
	int64_t relays_max;
	struct ks_list trust;		/* files of public keys of the channel's other sources */
	bool nack;
	int64_t loss_percent, datagram;
	char *metrics;
};

extern const struct ks_program ks_capture_program;

/* "1280x720" in numbers; false when it is no size that a picture can have. */
bool ks_resolution_parse(const char *text, int *width, int *height);

/* The renditions in the form that the feed wants them in. */
void ks_capture_renditions(const struct ks_capture_settings *set, struct ks_renditions_settings *out);

#endif
