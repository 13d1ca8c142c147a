/* SPDX-License-Identifier: Apache-2.0
 *
 * What every daemon's main loop has in common: a libevent base, SIGTERM and SIGINT to stop, SIGHUP to
 * reload, and word to the service manager (sd_notify protocol, systemd's sd_notify(3)).
 */
#ifndef KS_BASE_DAEMON_H
#define KS_BASE_DAEMON_H

#include <stdbool.h>

struct event_base;

struct ks_daemon {
	struct event_base *base;
	void (*reload)(void *ctx);	/* may be NULL: SIGHUP is then ignored */
	void *ctx;
	struct event *signals[3];
	struct event *watchdog;
	/* Asked at the first SIGTERM or SIGINT: true when there is something to be done first, after which the program
	 * calls ks_daemon_stop() itself; a second signal stops it at once. NULL: never. */
	bool (*linger)(void *ctx);
	bool lingers;
	bool (*alive)(void *ctx);	/* asked before each watchdog ping; NULL: always alive */
};

/* Fills in base and signals; reload, alive and ctx are the caller's to set before ks_daemon_run().
 * Ignores SIGPIPE, sends libevent's own messages to our log. Returns KS_EOK or -errno. */
int ks_daemon_init(struct ks_daemon *daemon);

/* Says READY=1, runs until a signal or ks_daemon_stop(), says STOPPING=1. */
int ks_daemon_run(struct ks_daemon *daemon);
void ks_daemon_stop(struct ks_daemon *daemon);
void ks_daemon_free(struct ks_daemon *daemon);

/* One message to $NOTIFY_SOCKET, such as "STATUS=3 relays"; nothing happens without that variable. */
void ks_notify(const char *state);

#endif
