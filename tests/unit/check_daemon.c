/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/base/error.h"
#include "tests/unit/unit.h"

/* --- fixture: a service manager's socket, and a daemon ------------------------------------------- */

static int manager = -1;
static struct ks_daemon server;
static unsigned reloads, questions;

static void listen_at(const char *path, size_t len)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(manager, 0);
	memcpy(at.sun_path, path, len);
	len += offsetof(struct sockaddr_un, sun_path);
	ck_assert_int_eq(bind(manager, (struct sockaddr *)&at, (socklen_t)len), 0);
}

static void set_up(void)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int len = snprintf(path, sizeof(path), "%s/notify", unit_tmpdir());

	ck_assert_int_lt(len, (int)sizeof(path));
	listen_at(path, (size_t)len);
	setenv("NOTIFY_SOCKET", path, 1);
	unsetenv("WATCHDOG_USEC");
	ck_assert_int_eq(ks_daemon_init(&server), KS_EOK);
}

static void tear_down(void)
{
	ks_daemon_free(&server);
	close(manager);
}

/* The next message to the service manager; "" when there is none. Datagrams between local sockets are there
 * as soon as they were sent. */
static const char *message(void)
{
	static char text[256];
	ssize_t n = recv(manager, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void raise_signal(evutil_socket_t sig, short what, void *ctx)
{
	(void)sig;
	(void)what;
	raise(*(const int *)ctx);
}

/* Raises the signal from within the loop, once it runs. */
static void raise_in_loop(const int *sig)
{
	const struct timeval now = { 0, 0 };

	ck_assert_int_eq(event_base_once(server.base, -1, EV_TIMEOUT, raise_signal, (void *)(uintptr_t)sig, &now), 0);
}

static void ends_on(int sig)
{
	raise_in_loop(&sig);
	ck_assert_int_eq(ks_daemon_run(&server), KS_EOK);
	ck_assert_str_eq(message(), "READY=1");
	ck_assert_str_eq(message(), "STOPPING=1");
	ck_assert_str_eq(message(), "");
}

START_TEST(sigterm_ends_the_loop)
{
	ends_on(SIGTERM);
}
END_TEST

START_TEST(sigint_ends_the_loop)
{
	ends_on(SIGINT);
}
END_TEST

static bool linger(void *ctx)
{
	static const int again = SIGTERM;

	(*(unsigned *)ctx)++;
	raise_in_loop(&again);
	return true;
}

START_TEST(the_second_sigterm_ends_one_that_lingers)
{
	static const int sig = SIGTERM;

	server.linger = linger;
	server.ctx = &questions;
	questions = 0;
	raise_in_loop(&sig);
	ck_assert_int_eq(ks_daemon_run(&server), KS_EOK);
	ck_assert_uint_eq(questions, 1);
}
END_TEST

static void count_reload(void *ctx)
{
	ck_assert_ptr_eq(ctx, &reloads);
	reloads++;
	ks_daemon_stop(&server);
}

START_TEST(sighup_reloads)
{
	static const int sig = SIGHUP;

	server.reload = count_reload;
	server.ctx = &reloads;
	raise_in_loop(&sig);
	ck_assert_int_eq(ks_daemon_run(&server), KS_EOK);
	ck_assert_uint_eq(reloads, 1);
	ck_assert_str_eq(message(), "READY=1");
	ck_assert_int_eq(strncmp(message(), "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
	ck_assert_str_eq(message(), "READY=1");
	ck_assert_str_eq(message(), "STOPPING=1");
}
END_TEST

START_TEST(sighup_without_reload_is_ignored)
{
	static const int hup = SIGHUP, term = SIGTERM;

	raise_in_loop(&hup);
	raise_in_loop(&term);
	ck_assert_int_eq(ks_daemon_run(&server), KS_EOK);
	ck_assert_str_eq(message(), "READY=1");
	ck_assert_str_eq(message(), "STOPPING=1");
}
END_TEST

/* Alive twice, then hung; stops the loop at the fourth question. */
static bool alive_twice(void *ctx)
{
	(void)ctx;
	if (++questions == 4)
		ks_daemon_stop(&server);
	return questions <= 2;
}

START_TEST(watchdog_is_fed_while_alive)
{
	setenv("WATCHDOG_USEC", "10000", 1);
	server.alive = alive_twice;
	ck_assert_int_eq(ks_daemon_run(&server), KS_EOK);
	ck_assert_str_eq(message(), "READY=1");
	ck_assert_str_eq(message(), "WATCHDOG=1");
	ck_assert_str_eq(message(), "WATCHDOG=1");
	ck_assert_str_eq(message(), "STOPPING=1");
}
END_TEST

START_TEST(notify_takes_abstract_names)
{
	char name[64] = "";
	int len = snprintf(name + 1, sizeof(name) - 1, "koshien-test-%d", (int)getpid()) + 1;

	close(manager);
	listen_at(name, (size_t)len);
	name[0] = '@';
	setenv("NOTIFY_SOCKET", name, 1);
	ks_notify("STATUS=3 relays");
	ck_assert_str_eq(message(), "STATUS=3 relays");
}
END_TEST

START_TEST(notify_without_a_manager_does_nothing)
{
	char long_name[512];

	unsetenv("NOTIFY_SOCKET");
	ks_notify("READY=1");
	setenv("NOTIFY_SOCKET", "", 1);
	ks_notify("READY=1");
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	setenv("NOTIFY_SOCKET", long_name, 1);
	ks_notify("READY=1");
	setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
	ks_notify("READY=1");
	ck_assert_str_eq(message(), "");
}
END_TEST

START_TEST(a_closed_pipe_does_not_kill)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	close(ends[0]);
	ck_assert_int_eq(write(ends[1], "x", 1), -1);
	ck_assert_int_eq(errno, EPIPE);
	close(ends[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon");
	TCase *tc = tcase_create("daemon");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, sigterm_ends_the_loop);
	tcase_add_test(tc, sigint_ends_the_loop);
	tcase_add_test(tc, the_second_sigterm_ends_one_that_lingers);
	tcase_add_test(tc, sighup_reloads);
	tcase_add_test(tc, sighup_without_reload_is_ignored);
	tcase_add_test(tc, watchdog_is_fed_while_alive);
	tcase_add_test(tc, notify_takes_abstract_names);
	tcase_add_test(tc, notify_without_a_manager_does_nothing);
	tcase_add_test(tc, a_closed_pipe_does_not_kill);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
