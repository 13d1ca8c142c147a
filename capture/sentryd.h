/* SPDX-License-Identifier: Apache-2.0
 *
 * The capture daemon as a whole: settings, keys, the feed, the sender to the relays, metrics, reload.
 */
#ifndef KS_CAPTURE_SENTRYD_H
#define KS_CAPTURE_SENTRYD_H

#include "capture/counts.h"
#include "capture/feed.h"
#include "capture/publisher.h"
#include "capture/settings.h"
#include "capture/uplink.h"
#include "lib/base/daemon.h"

struct ks_sentryd {
	int argc;
	char **argv;
	struct ks_capture_settings set;
	struct ks_daemon daemon;
	struct ks_uplink uplink;
	struct ks_exporter *exporter;
	struct ks_publisher publisher;
	struct ks_feed feed;
	struct ks_capture_counts counts;
	struct event *status;
	int64_t started_mono_us;
	int exit_code;
};

/* Runs until a signal, the end of a --dir-once replay or a fatal error. Returns main()'s exit code. */
int ks_sentryd_main(int argc, char **argv);

#endif
