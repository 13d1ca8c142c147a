/* SPDX-License-Identifier: Apache-2.0
 *
 * The server of tests/audience/server.h as a program: prints its port, and serves until its standard input ends.
 */
#include <stdio.h>
#include <signal.h>
#include <unistd.h>

#include <event2/event.h>
#include <sodium.h>

#include "tests/audience/server.h"

static void on_input(evutil_socket_t fd, short what, void *ctx)
{
	char bytes[64];

	(void)what;
	if (read(fd, bytes, sizeof(bytes)) <= 0)
		event_base_loopbreak(ctx);
}

int main(void)
{
	struct event_base *base = event_base_new();
	struct event *input;
	struct server *server;
	uint16_t port;

	if (base == NULL || sodium_init() < 0)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	server = server_new(base, &port);
	input = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_input, base);
	event_add(input, NULL);
	printf("%u\n", port);
	fflush(stdout);
	event_base_dispatch(base);
	event_free(input);
	server_free(server);
	event_base_free(base);
	return 0;
}
