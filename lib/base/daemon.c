/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"

void ks_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = path != NULL ? strlen(path) : 0;
	int fd;

	if (len == 0 || len >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		ks_debug("daemon", "notify %s: %s", path, strerror(errno));
	close(fd);
}

static void on_stop(evutil_socket_t sig, short what, void *ctx)
{
	struct ks_daemon *daemon = ctx;

	(void)what;
	ks_info("daemon", "stopping on %s", strsignal((int)sig));
	if (daemon->lingers || daemon->linger == NULL || !daemon->linger(daemon->ctx))
		ks_daemon_stop(daemon);
	daemon->lingers = true;
}

static void on_reload(evutil_socket_t sig, short what, void *ctx)
{
	struct ks_daemon *daemon = ctx;
	char state[64];

	(void)sig;
	(void)what;
	if (daemon->reload == NULL)
		return;
	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld",
		 (long long)ks_mono_us(&ks_clock_system));
	ks_notify(state);
	daemon->reload(daemon->ctx);
	ks_notify("READY=1");
}

static void on_watchdog(evutil_socket_t fd, short what, void *ctx)
{
	struct ks_daemon *daemon = ctx;

	(void)fd;
	(void)what;
	if (daemon->alive == NULL || daemon->alive(daemon->ctx))
		ks_notify("WATCHDOG=1");
}

static void libevent_log(int severity, const char *text)
{
	ks_log(severity >= EVENT_LOG_ERR ? KS_LOG_ERROR : severity == EVENT_LOG_WARN ? KS_LOG_WARN : KS_LOG_DEBUG,
	       "libevent", "%s", text);
}

/* systemd asks for a ping within WATCHDOG_USEC; half of it is the usual interval. */
static int start_watchdog(struct ks_daemon *daemon)
{
	const char *text = getenv("WATCHDOG_USEC");
	long long us = text != NULL ? strtoll(text, NULL, 10) / 2 : 0;
	struct timeval every = { us / KS_US_PER_S, us % KS_US_PER_S };

	if (us <= 0)
		return KS_EOK;
	daemon->watchdog = event_new(daemon->base, -1, EV_PERSIST, on_watchdog, daemon);
	return daemon->watchdog != NULL && event_add(daemon->watchdog, &every) == 0 ? KS_EOK : -ENOMEM;
}

int ks_daemon_init(struct ks_daemon *daemon)
{
	static const int numbers[3] = { SIGTERM, SIGINT, SIGHUP };

	memset(daemon, 0, sizeof(*daemon));
	signal(SIGPIPE, SIG_IGN);
	event_set_log_callback(libevent_log);
	daemon->base = event_base_new();
	if (daemon->base == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < 3; i++) {
		daemon->signals[i] = evsignal_new(daemon->base, numbers[i],
						  numbers[i] == SIGHUP ? on_reload : on_stop, daemon);
		if (daemon->signals[i] == NULL || event_add(daemon->signals[i], NULL) != 0) {
			ks_daemon_free(daemon);
			return -ENOMEM;
		}
	}
	return KS_EOK;
}

int ks_daemon_run(struct ks_daemon *daemon)
{
	int err = start_watchdog(daemon);

	if (err != KS_EOK)
		return err;
	ks_notify("READY=1");
	if (event_base_dispatch(daemon->base) < 0)
		return -EIO;
	ks_notify("STOPPING=1");
	return KS_EOK;
}

void ks_daemon_stop(struct ks_daemon *daemon)
{
	event_base_loopbreak(daemon->base);
}

void ks_daemon_free(struct ks_daemon *daemon)
{
	for (size_t i = 0; i < 3; i++)
		if (daemon->signals[i] != NULL)
			event_free(daemon->signals[i]);
	if (daemon->watchdog != NULL)
		event_free(daemon->watchdog);
	if (daemon->base != NULL)
		event_base_free(daemon->base);
	memset(daemon, 0, sizeof(*daemon));
}
