/* SPDX-License-Identifier: Apache-2.0
 *
 * Many viewers that ask for pictures and for other things on the same connections, several requests at a time: each
 * answer has to be the one to its request, in order and whole; pictures are checked to the digest, and none comes
 * before the one before. A connection that the server closes between two answers is made anew, and what was not
 * answered is asked again.
 *
 *	mixed PORT CONNECTIONS REQUESTS [LOCATION]
 *
 * asks REQUESTS times on each and prints "<right> right, <wrong> wrong, <closed> closed, <reset> reset".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sodium.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/frame/frame.h"

#define DEPTH 6			/* requests on their way on one connection */
#define INPUT_MAX (256 * 1024)
#define CONNECTIONS_MAX 1000
#define DEADLINE_US (120 * KS_US_PER_S)
#define RETRIES_MAX 500		/* connections refused in a row */

enum kind { LATEST, AFTER, SAME, WAIT, HEAD, BY_ID, NOT_YET, PLAIN, HEALTH, INDEX, NOTHING, NO_CHANNEL, POST, KINDS };

static const struct {
	const char *request;	/* with the id of the picture that it has */
	int status, or_status;
	const char *body;	/* what is in it */
} kinds[KINDS] = {
	[LATEST] = { "GET /live/main/std/latest.jpg?n=%s", 200, 200, NULL },
	[AFTER] = { "GET /live/main/std/latest.jpg?after=%s", 200, 204, NULL },
	[SAME] = { "GET /live/main/std/latest.jpg?s=%s", 200, 304, NULL },
	[WAIT] = { "GET /live/main/std/latest.jpg?after=%s&wait=3000", 200, 204, NULL },
	[HEAD] = { "HEAD /live/main/std/latest.jpg?n=%s", 200, 200, NULL },
	[BY_ID] = { "GET /live/main/std/%s.jpg", 200, 410, NULL },
	[NOT_YET] = { "GET /live/main/std/9%s.jpg", 404, 404, "does not exist yet" },
	[PLAIN] = { "GET /plain.txt?n=%s", 200, 200, "plain\n" },
	[HEALTH] = { "GET /live/health?n=%s", 200, 200, "live" },
	[INDEX] = { "GET /live/main/index.json?n=%s", 200, 200, "{\"channel\":\"main\"" },
	[NOTHING] = { "GET /nothing?n=%s", 404, 404, "gone fishing" },
	[NO_CHANNEL] = { "GET /live/none/std/latest.jpg?n=%s", 404, 404, "There is no channel" },
	[POST] = { "POST /live/main/std/latest.jpg?n=%s", 405, 405, "Pictures can only be read" },
};

static struct connection {
	int fd;			/* -1: to be made */
	unsigned asked, answered;
	enum kind queue[DEPTH];
	struct ks_frame_id last;
	char etag[64];		/* of that one */
	size_t len;
	char input[INPUT_MAX];
} *connections;

static const char *port, *location = "/live";
static unsigned right, wrong, closed, resets, retries;
static unsigned requests;

static void complain(const struct connection *c, enum kind kind, const char *what)
{
	if (wrong++ < 10)
		fprintf(stderr, "mixed: to %s: %s: %.200s\n", kinds[kind].request, what, c->input);
}

/* --- what is right ---------------------------------------------------------------------------------------------- */

static bool is_picture(struct connection *c, const char *head, size_t head_len, const char *body, size_t len,
		       bool newest)
{
	uint8_t digest[KS_DIGEST_SIZE];
	char text[KS_FRAME_ID_TEXT], expected[sizeof(c->etag) + 16];
	struct ks_jpeg_stamp stamp;
	struct ks_jpeg_info info;

	if (ks_jpeg_check((const uint8_t *)body, len, &info) != KS_JPEG_GOOD ||
	    ks_jpeg_stamp_read((const uint8_t *)body, len, &stamp, NULL) != KS_EOK)
		return false;
	crypto_generichash(digest, sizeof(digest), (const uint8_t *)body, len, NULL, 0);
	snprintf(expected, sizeof(expected), "\r\nETag: \"%s-%02x%02x%02x%02x\"\r\n", ks_frame_id_format(stamp.id, text),
		 digest[0], digest[1], digest[2], digest[3]);
	if (memmem(head, head_len, expected, strlen(expected)) == NULL)
		return false;
	if (newest && ks_frame_id_cmp(stamp.id, c->last) < 0)
		return false;
	if (newest) {
		c->last = stamp.id;
		snprintf(c->etag, sizeof(c->etag), "\"%s-%02x%02x%02x%02x\"", text, digest[0], digest[1], digest[2], digest[3]);
	}
	return true;
}

static void judge(struct connection *c, enum kind kind, int status, size_t head, size_t body)
{
	const char *at = c->input + head;
	bool picture = status == 200 && (kind <= WAIT || kind == BY_ID);

	if (status != kinds[kind].status && status != kinds[kind].or_status)
		complain(c, kind, "another status");
	else if (picture && !is_picture(c, c->input, head, at, body, kind <= WAIT))
		complain(c, kind, "no picture, or an older one");
	else if (kinds[kind].body != NULL && memmem(at, body, kinds[kind].body, strlen(kinds[kind].body)) == NULL)
		complain(c, kind, "another body");
	else
		right++;
}

/* --- connections ------------------------------------------------------------------------------------------------ */

static void dial(struct connection *c)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0 && ++retries > RETRIES_MAX)) {
		perror("mixed: connect");
		exit(1);
	}
	c->len = 0;
	c->asked = c->answered;
}

static void hang_up(struct connection *c, unsigned *counter)
{
	(*counter)++;
	if (c->len > 0)
		complain(c, c->queue[c->answered % DEPTH], "cut off");
	close(c->fd);
	c->fd = -1;
}

static void ask(struct connection *c)
{
	char text[DEPTH * 256], id[KS_FRAME_ID_TEXT];
	size_t len = 0;

	/* Now one, now several. */
	while (c->asked < requests && c->asked - c->answered < 1 + randombytes_uniform(DEPTH)) {
		enum kind kind = c->last.epoch == 0 ? LATEST : (enum kind)randombytes_uniform(2 * KINDS);
		char line[128];

		/* Mostly pictures. A wait of many would make each the others' turn. */
		if (kind >= KINDS)
			kind = kind % 8 == 0 ? WAIT : LATEST + kind % 3;
		c->queue[c->asked++ % DEPTH] = kind;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(line, sizeof(line), kinds[kind].request, ks_frame_id_format(c->last, id));
#pragma GCC diagnostic pop
		if (strstr(line, "/live/") != NULL)
			memcpy(strstr(line, "/live/"), location, strlen(location));
		if (kind == SAME)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s HTTP/1.1\r\nIf-None-Match: %s\r\n"
						"Host: localhost\r\n\r\n", line, c->etag);
		else
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s HTTP/1.1\r\nHost: localhost\r\n%s", line,
					kind == POST ? "Content-Length: 3\r\n\r\nabc" : "\r\n");
		if (c->last.epoch == 0)
			break;
	}
	/* What cannot be said any more is asked again on the next connection. */
	if (len > 0)
		send(c->fd, text, len, MSG_NOSIGNAL);
}

/* Takes an answer off the front; false when there is no whole one. */
static bool take(struct connection *c)
{
	const char *end = memmem(c->input, c->len, "\r\n\r\n", 4), *length;
	enum kind kind = c->queue[c->answered % DEPTH];
	size_t head, body = 0;
	int status;

	if (end == NULL)
		return false;
	head = (size_t)(end - c->input) + 4;
	length = strcasestr(c->input, "\r\nContent-Length: ");
	if (length != NULL && length < end && kind != HEAD && strncmp(c->input, "HTTP/1.1 304 ", 13) != 0)
		body = strtoul(length + strlen("\r\nContent-Length: "), NULL, 10);
	if (c->len < head + body)
		return false;
	if (c->answered == c->asked || sscanf(c->input, "HTTP/1.1 %3d ", &status) != 1) {
		complain(c, kind, "not an answer");
		c->len = 0;
		return false;
	}
	judge(c, kind, status, head, body);
	c->answered++;
	c->len -= head + body;
	memmove(c->input, c->input + head + body, c->len + 1);
	return true;
}

static void hear(struct connection *c)
{
	ssize_t n = recv(c->fd, c->input + c->len, INPUT_MAX - 1 - c->len, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		hang_up(c, n == 0 ? &closed : &resets);
		return;
	}
	retries = 0;
	c->len += (size_t)n;
	c->input[c->len] = '\0';
	while (take(c))
		continue;
}

static void converse(unsigned n)
{
	static struct pollfd polled[CONNECTIONS_MAX];
	int64_t until_us = ks_mono_us(&ks_clock_system) + DEADLINE_US;
	unsigned busy = 1;

	while (busy > 0 && ks_mono_us(&ks_clock_system) < until_us) {
		busy = 0;
		for (unsigned i = 0; i < n; i++) {
			struct connection *c = &connections[i];

			if (c->fd < 0 && c->answered < requests)
				dial(c);
			if (c->fd >= 0 && c->asked == c->answered)
				ask(c);
			busy += c->answered < requests;
			polled[i] = (struct pollfd){ .fd = c->answered < requests ? c->fd : -1, .events = POLLIN };
		}
		poll(polled, n, 1000);
		for (unsigned i = 0; i < n; i++)
			if (polled[i].revents != 0)
				hear(&connections[i]);
	}
	wrong += busy;
}

int main(int argc, char **argv)
{
	unsigned n = argc == 4 || argc == 5 ? (unsigned)atoi(argv[2]) : 0;

	if (argc == 5)
		location = argv[4];
	if (n == 0 || n > CONNECTIONS_MAX || strlen(location) != strlen("/live") || sodium_init() < 0) {
		fprintf(stderr, "usage: mixed PORT CONNECTIONS REQUESTS [/LOCATION of 4 letters]\n");
		return 2;
	}
	port = argv[1];
	requests = (unsigned)atoi(argv[3]);
	connections = calloc(n, sizeof(*connections));
	if (connections == NULL)
		return 1;
	for (unsigned i = 0; i < n; i++)
		connections[i].fd = -1;
	converse(n);
	printf("%u right, %u wrong, %u closed, %u reset\n", right, wrong, closed, resets);
	for (unsigned i = 0; i < n; i++)
		if (connections[i].fd >= 0)
			close(connections[i].fd);
	free(connections);
	return wrong > 0;
}
