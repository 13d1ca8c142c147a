/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/control.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <jansson.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "nat64/commands.h"
#include "nat64/handover.h"

#define BACKLOG 8
#define TRACE_LOOK_US 50000
#define UNREAD_MAX (256 * 1024)		/* bytes of answers, behind which no more is answered until they are read */

struct client {
	struct ks_control *control;
	struct bufferevent *stream;
	struct ks_trace *trace;		/* whose end it waits for */
	struct event *timer;
	int64_t until_us;
	bool closing;			/* when the last answer has been sent */
	struct client *next;
};

struct ks_control {
	struct event_base *base;
	struct evconnlistener *listener;
	struct ks_nat64 *nat64;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	ino_t inode;			/* of the socket that is ours */
	struct client *clients;
	unsigned n;
};

static void free_client(struct client *client)
{
	struct ks_control *control = client->control;

	for (struct client **at = &control->clients; *at != NULL; at = &(*at)->next)
		if (*at == client) {
			*at = client->next;
			break;
		}
	control->n--;
	if (client->trace != NULL)
		ks_nat64_trace_end(control->nat64, client->trace);
	if (client->timer != NULL)
		event_free(client->timer);
	bufferevent_free(client->stream);
	free(client);
}

/* Takes the answer. */
static void answer(struct client *client, json_t *object)
{
	char *text = object != NULL ? json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;

	json_decref(object);
	evbuffer_add_printf(bufferevent_get_output(client->stream), "%s\n",
			    text != NULL ? text : "{\"ok\":false,\"error\":\"no memory\"}");
	free(text);
}

static void on_trace(evutil_socket_t fd, short what, void *ctx)
{
	struct client *client = ctx;
	struct timeval again = { 0, TRACE_LOOK_US };

	(void)fd;
	(void)what;
	if (!ks_trace_complete(client->trace) && ks_mono_us(&ks_clock_system) < client->until_us &&
	    event_add(client->timer, &again) == 0)
		return;
	answer(client, ks_commands_traced(client->trace));
	ks_nat64_trace_end(client->control->nat64, client->trace);
	client->trace = NULL;
}

/* What else the client says has to wait. */
static void await_trace(struct client *client, struct ks_trace *trace, int64_t wait_us)
{
	struct timeval soon = { 0, TRACE_LOOK_US };

	client->trace = trace;
	client->until_us = ks_mono_us(&ks_clock_system) + wait_us;
	if (client->timer == NULL)
		client->timer = event_new(client->control->base, -1, 0, on_trace, client);
	if (client->timer == NULL || event_add(client->timer, &soon) != 0)
		on_trace(-1, 0, client);
}

static bool is_handover(json_t *request)
{
	const char *command = json_string_value(json_object_get(request, "command"));

	return command != NULL && strcmp(command, "handover") == 0;
}

static void take_line(struct client *client, const char *line, size_t len)
{
	json_error_t error;
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error), *object;
	struct ks_trace *trace = NULL;
	int64_t wait_us = 0;

	if (request == NULL) {
		answer(client, json_pack("{s:b, s:s}", "ok", 0, "error", "expected one JSON object a line"));
		return;
	}
	if (is_handover(request)) {
		json_decref(request);
		/* Descriptors do not go through the stream's buffer; nothing else was asked on this connection. */
		if (ks_handover_give(bufferevent_getfd(client->stream), ks_nat64_tun(client->control->nat64)) == KS_EOK)
			ks_nat64_handed_over(client->control->nat64);
		else
			answer(client,
			       json_pack("{s:b, s:s}", "ok", 0, "error", "only for a successor of the same user"));
		return;
	}
	object = ks_commands_run(client->control->nat64, request, &trace, &wait_us);
	json_decref(request);
	if (trace != NULL)
		await_trace(client, trace, wait_us);
	else
		answer(client, object);
}

static void on_read(struct bufferevent *stream, void *ctx)
{
	struct client *client = ctx;
	struct evbuffer *input = bufferevent_get_input(stream), *output = bufferevent_get_output(stream);

	while (client->trace == NULL && !client->closing && evbuffer_get_length(output) < UNREAD_MAX) {
		size_t len;
		char *line = evbuffer_readln(input, &len, EVBUFFER_EOL_LF);

		if (line == NULL && evbuffer_get_length(input) <= KS_CONTROL_LINE_MAX)
			return;
		if (line != NULL && len <= KS_CONTROL_LINE_MAX) {
			take_line(client, line, len);
		} else {
			answer(client, json_pack("{s:b, s:s}", "ok", 0, "error", "the request is too long"));
			client->closing = true;
		}
		free(line);
	}
}

static void on_written(struct bufferevent *stream, void *ctx)
{
	struct client *client = ctx;

	if (client->closing && evbuffer_get_length(bufferevent_get_output(stream)) == 0)
		free_client(client);
	else if (client->trace == NULL)
		on_read(stream, client);
}

static void on_event(struct bufferevent *stream, short what, void *ctx)
{
	struct client *client = ctx;
	bool owed = client->trace != NULL || evbuffer_get_length(bufferevent_get_output(stream)) > 0;

	/* Who waits for a trace may well be silent; who has asked and closed that side still reads. */
	if ((what & BEV_EVENT_EOF) != 0 && owed)
		client->closing = true;
	else if ((what & BEV_EVENT_TIMEOUT) == 0 || (what & BEV_EVENT_WRITING) != 0 || client->trace == NULL)
		free_client(client);
	else
		bufferevent_enable(client->stream, EV_READ);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int len, void *ctx)
{
	static const struct timeval idle = { KS_CONTROL_IDLE_S, 0 };
	struct ks_control *control = ctx;
	struct client *client = control->n < KS_CONTROL_CLIENTS_MAX ? calloc(1, sizeof(*client)) : NULL;

	(void)listener;
	(void)address;
	(void)len;
	if (client != NULL)
		client->stream = bufferevent_socket_new(control->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (client == NULL || client->stream == NULL) {
		free(client);
		close(fd);
		return;
	}
	client->control = control;
	client->next = control->clients;
	control->clients = client;
	control->n++;
	bufferevent_setcb(client->stream, on_read, on_written, on_event, client);
	bufferevent_setwatermark(client->stream, EV_READ, 0, KS_CONTROL_LINE_MAX + 1);
	bufferevent_set_timeouts(client->stream, &idle, &idle);
	bufferevent_enable(client->stream, EV_READ | EV_WRITE);
}

/* --- the socket in the file system -------------------------------------------------------------------------- */

static int belongs_to(const char *path, const char *user)
{
	const struct passwd *entry = user != NULL ? getpwnam(user) : NULL;

	if (chmod(path, 0660) != 0)
		return -errno;
	/* In a setgid folder it would be for that folder's group, such as httpd's. */
	if (entry == NULL)
		return chown(path, (uid_t)-1, getegid()) == 0 ? KS_EOK : -errno;
	return chown(path, entry->pw_uid, entry->pw_gid) == 0 || geteuid() != 0 ? KS_EOK : -errno;
}

/* Made beside it and renamed: there is no moment without a socket when a successor takes over. */
static int bind_at(int fd, const char *path, const char *user)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int len = snprintf(address.sun_path, sizeof(address.sun_path), "%s.%ld", path, (long)getpid());
	int err;

	if (len < 0 || (size_t)len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	unlink(address.sun_path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		return -errno;
	err = belongs_to(address.sun_path, user);
	if (err == KS_EOK && rename(address.sun_path, path) != 0)
		err = -errno;
	if (err != KS_EOK)
		unlink(address.sun_path);
	return err;
}

/* A machine on which nobody has prepared one. Whether it is there shows when the socket is bound. */
static void make_folder(const char *path)
{
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash == NULL || slash == folder)
		return;
	*slash = '\0';
	/* Once more, because of the umask; a folder that was there keeps what it has. */
	if (mkdir(folder, 0755) == 0 && chmod(folder, 0755) != 0)
		rmdir(folder);
}

static int listen_at(struct ks_control *control, const char *user)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;
	struct stat st;

	if (fd < 0)
		return -errno;
	make_folder(control->path);
	err = bind_at(fd, control->path, user);
	if (err == KS_EOK && stat(control->path, &st) == 0)
		control->inode = st.st_ino;
	if (err == KS_EOK) {
		control->listener =
			evconnlistener_new(control->base, on_accept, control, LEV_OPT_CLOSE_ON_FREE, BACKLOG, fd);
		err = control->listener != NULL ? KS_EOK : -ENOMEM;
	}
	if (err != KS_EOK)
		close(fd);
	return err;
}

int ks_control_new(struct ks_control **out, struct event_base *base, const char *path, const char *user,
		   struct ks_nat64 *nat64)
{
	struct ks_control *control = calloc(1, sizeof(*control));
	int err;

	if (control == NULL)
		return -ENOMEM;
	control->base = base;
	control->nat64 = nat64;
	snprintf(control->path, sizeof(control->path), "%s", path);
	err = strlen(path) < sizeof(control->path) ? listen_at(control, user) : -ENAMETOOLONG;
	if (err != KS_EOK) {
		ks_control_free(control);
		return err;
	}
	*out = control;
	return KS_EOK;
}

void ks_control_free(struct ks_control *control)
{
	struct stat st;

	if (control == NULL)
		return;
	while (control->clients != NULL)
		free_client(control->clients);
	if (control->listener != NULL) {
		evconnlistener_free(control->listener);
		/* Not the successor's. */
		if (stat(control->path, &st) == 0 && st.st_ino == control->inode)
			unlink(control->path);
	}
	free(control);
}
