/* SPDX-License-Identifier: Apache-2.0
 *
 * A conversation with a server, to the byte: sends standard input up to its first empty line, reads one answer, sends
 * the rest in pieces of any size, and reads until the server closes. Prints what came in a form in which two servers
 * can be compared: each answer's status, its fields sorted and without what is of the moment, its body as length and
 * sum; then how the connection ended.
 *
 *	talk PORT [PIECE] <requests
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define SAID_MAX 200000
#define HEARD_MAX 8000000
#define FIELDS_MAX 64
#define PATIENCE_MS 20000

static char said[SAID_MAX + 1], heard[HEARD_MAX + 1];
static size_t said_len, heard_len;
static const char *ending = "open";

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static int dial(const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("talk: connect");
	return fd;
}

/* False at the end, and when nothing comes. */
static bool listen_to(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	ssize_t n;

	if (poll(&wait, 1, PATIENCE_MS) <= 0 || heard_len == HEARD_MAX)
		return false;
	n = recv(fd, heard + heard_len, HEARD_MAX - heard_len, 0);
	if (n <= 0)
		ending = n == 0 ? "closed" : "reset";
	heard_len += n > 0 ? (size_t)n : 0;
	heard[heard_len] = '\0';
	return n > 0;
}

/* While it talks it listens, as a server that is not listened to stops. */
static void say(int fd, const char *bytes, size_t len, size_t piece)
{
	while (len > 0) {
		struct pollfd ready = { .fd = fd, .events = POLLIN | POLLOUT };
		ssize_t n;

		if (poll(&ready, 1, PATIENCE_MS) <= 0)
			return;
		if ((ready.revents & POLLIN) != 0 && !listen_to(fd))
			return;
		if ((ready.revents & POLLOUT) == 0)
			continue;
		n = send(fd, bytes, len < piece ? len : piece, MSG_NOSIGNAL);
		if (n < 0)
			return;
		bytes += n;
		len -= (size_t)n;
	}
}

/* --- answers --------------------------------------------------------------------------------------------------- */

struct field {
	const char *at;
	size_t len;
};

static bool begins(const struct field *field, const char *with)
{
	return field->len >= strlen(with) && strncasecmp(field->at, with, strlen(with)) == 0;
}

static int compare(const void *a, const void *b)
{
	const struct field *x = a, *y = b;
	int order = strncasecmp(x->at, y->at, x->len < y->len ? x->len : y->len);

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

static void print_field(const struct field *field)
{
	static const char *const moments[] = { "Date: ", "Frame-Age: ", "Frame-Next: ", "Server-Timing: ", "Retry-After: " };

	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++)
		if (begins(field, moments[i])) {
			printf("  %s...\n", moments[i]);
			return;
		}
	printf("  %.*s\n", (int)field->len, field->at);
}

/* Prints a head, of `len` bytes with its empty line; returns what it says of its body's length, -1: nothing. */
static long print_head(const char *head, size_t len)
{
	struct field fields[FIELDS_MAX] = { { head, 0 } };
	const char *at = head, *end = head + len - 2;
	size_t n = 0;
	long body = -1;

	while (at < end && n < FIELDS_MAX) {
		const char *cr = memmem(at, (size_t)(end - at), "\r\n", 2);

		fields[n++] = (struct field){ at, (size_t)(cr - at) };
		at = cr + 2;
	}
	printf("%.*s\n", (int)fields[0].len, fields[0].at);
	qsort(fields + 1, n - 1, sizeof(fields[0]), compare);
	for (size_t i = 1; i < n; i++) {
		if (begins(&fields[i], "Content-Length: "))
			body = strtol(fields[i].at + strlen("Content-Length: "), NULL, 10);
		else
			print_field(&fields[i]);
	}
	return body;
}

/* FNV-1a. */
static uint32_t sum(const char *bytes, size_t len)
{
	uint32_t h = 2166136261;

	while (len-- > 0)
		h = (h ^ (uint8_t)*bytes++) * 16777619;
	return h;
}

static bool is_of_the_moment(const char *body, size_t len)
{
	static const char *const moments[] = { "age_ms=", "\"now_ms\"", "No picture of " };

	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++)
		if (memmem(body, len, moments[i], strlen(moments[i])) != NULL)
			return true;
	return false;
}

/* Prints the answer at the start of what was heard; returns its length, 0 when it is not whole. */
static size_t print_answer(const char *at, size_t len)
{
	const char *end = memmem(at, len, "\r\n\r\n", 4);
	size_t head = end != NULL ? (size_t)(end - at) + 4 : 0;
	long body;

	if (head == 0 || strncmp(at, "HTTP/1.1 ", 9) != 0)
		return 0;
	body = print_head(at, head);
	if (body < 0)
		return head;
	if (len == head || strncmp(at + head, "HTTP/1.1 ", 9) == 0) {	/* to HEAD, or of a 304 */
		printf("  (of %ld bytes)\n", body);
		return head;
	}
	if (len - head < (size_t)body)
		return 0;
	if (is_of_the_moment(at + head, (size_t)body))
		printf("  body of the moment\n");
	else
		printf("  body %ld %08x\n", body, (unsigned)sum(at + head, (size_t)body));
	return head + (size_t)body;
}

static void print_all(void)
{
	size_t at = 0, len;

	while (at < heard_len && (len = print_answer(heard + at, heard_len - at)) > 0)
		at += len;
	if (at < heard_len)
		printf("%zu bytes that are no whole answer: %.60s\n", heard_len - at, heard + at);
	printf("%s\n", ending);
}

static bool first_is_whole(void)
{
	const char *end = strstr(heard, "\r\n\r\n"), *length = strcasestr(heard, "\r\nContent-Length: ");
	size_t body = length != NULL && length < end ? strtoul(length + strlen("\r\nContent-Length: "), NULL, 10) : 0;

	return end != NULL && heard_len >= (size_t)(end - heard) + 4 + body;
}

int main(int argc, char **argv)
{
	size_t piece = argc > 2 ? strtoul(argv[2], NULL, 10) : SAID_MAX, first;
	const char *end;
	int fd;

	said_len = fread(said, 1, SAID_MAX, stdin);
	end = memmem(said, said_len, "\r\n\r\n", 4);
	if (argc < 2 || piece == 0 || end == NULL) {
		fprintf(stderr, "usage: talk PORT [PIECE] <requests\n");
		return 2;
	}
	first = (size_t)(end - said) + 4;
	fd = dial(argv[1]);
	say(fd, said, first, SAID_MAX);
	while (!first_is_whole())
		if (!listen_to(fd))
			break;
	say(fd, said + first, said_len - first, piece);
	while (listen_to(fd))
		continue;
	close(fd);
	print_all();
	return 0;
}
