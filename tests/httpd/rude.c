/* SPDX-License-Identifier: Apache-2.0
 *
 * Peers without manners: each connects, perhaps takes a picture as it should, and then goes in the middle of
 * something: of a picture, a stream, a wait, its own request, or many of these at a time; or it says what is no HTTP.
 * What a server keeps of them afterwards is seen from outside.
 *
 *	rude PORT LOCATION PEERS
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 8
#define PATIENCE_MS 10000
#define ALL (1 << 30)	/* until the server closes */
#define DIR "%s/main/std/"
#define ENDS " HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define LAST " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"	/* a stream that is refused ends, too */
#define GET "GET " DIR "latest.jpg" ENDS

static const struct {
	const char *bytes;	/* with the location */
	int times;
	int takes;		/* bytes, before it goes */
	bool resets;
} ways[] = {
	{ GET, 1, 1000, false },
	{ GET, 1, 0, true },
	{ GET, 16, 20000, false },
	{ GET, 16, 0, true },
	{ "HEAD " DIR "latest.jpg" ENDS, 4, 100, false },
	{ "GET " DIR "stream.mjpg" LAST, 1, 1000, false },
	{ "GET " DIR "stream.mjpg" LAST, 1, 40000, true },
	{ "GET " DIR "latest.jpg?after=999-1&wait=300" ENDS, 1, 0, false },
	{ "GET " DIR "latest.jpg?after=999-1&wait=300" ENDS, 2, 0, true },
	{ "GET " DIR "latest.jpg?after=999-1&wait=5" ENDS, 1, 100, false },
	{ "GET " DIR "999-1.jpg" ENDS, 3, 200, false },
	{ "GET %s/health" ENDS, 2, 20, false },
	{ "GET " DIR "latest.jpg HTTP/1.1\r\nHost: loc", 1, 0, false },
	{ "GET", 1, 0, true },
	{ "", 1, 0, false },
	{ "GET " DIR "latest.jpg HTTP/1.1\r\n\r\n", 1, ALL, false },
	{ "GET " DIR "latest.jpg HTTP/7.x\r\nHost: localhost\r\n\r\n", 1, ALL, false },
	{ "\026\003\001 %s\r\n\r\n", 1, ALL, false },
	{ "POST " DIR "latest.jpg HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc", 1, 0, false },
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

static struct sockaddr_in to = { .sin_family = AF_INET };
static const char *location;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void say(int fd, const char *format)
{
	char text[512];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	int len = snprintf(text, sizeof(text), format, location);
#pragma GCC diagnostic pop

	send(fd, text, (size_t)len, MSG_NOSIGNAL);
}

/* Takes so many bytes, or what comes before the end. False: the server was silent for too long. */
static bool take(int fd, long bytes)
{
	static char buffer[65536];
	struct pollfd polled = { .fd = fd, .events = POLLIN };

	while (bytes > 0) {
		size_t want = bytes < (long)sizeof(buffer) ? (size_t)bytes : sizeof(buffer);
		ssize_t n = poll(&polled, 1, PATIENCE_MS) > 0 ? recv(fd, buffer, want, 0) : -2;

		if (n == -2)
			return false;
		if (n <= 0)
			return true;
		bytes -= n;
	}
	return true;
}

/* A whole picture, so that the connection is the pump's, where there is one. */
static bool take_picture(int fd)
{
	char head[4096];
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n = 1;

	say(fd, GET);
	while (n > 0 && len < sizeof(head) - 1) {
		const char *end, *length;

		n = poll(&polled, 1, PATIENCE_MS) > 0 ? recv(fd, head + len, sizeof(head) - 1 - len, 0) : -1;
		len += n > 0 ? (size_t)n : 0;
		head[len] = '\0';
		end = strstr(head, "\r\n\r\n");
		length = strstr(head, "\r\nContent-Length: ");
		if (end != NULL && length != NULL)
			return take(fd, atol(length + strlen("\r\nContent-Length: ")) + (end + 4 - head) - (long)len);
	}
	return false;
}

/* False: the server did not answer. */
static bool visit(unsigned n)
{
	struct linger now = { .l_onoff = 1 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unsigned way = n % WAYS;
	bool good = true;

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("rude: connect");
	if (n / WAYS % 2 == 0)
		good = take_picture(fd);
	for (int i = 0; i < ways[way].times; i++)
		say(fd, ways[way].bytes);
	good = take(fd, ways[way].takes) && good;
	if (!good)
		fprintf(stderr, "rude: no answer to: %s", way == 13 || way == 14 ? "\n" : ways[way].bytes);
	if (ways[way].resets)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
	return good;
}

static void be_rude(unsigned first, unsigned peers)
{
	unsigned silent = 0;

	for (unsigned n = first; n < peers; n += PROCESSES)
		silent += !visit(n);
	exit(silent > 0);
}

int main(int argc, char **argv)
{
	unsigned peers = argc == 4 ? (unsigned)atoi(argv[3]) : 0, failed = 0;
	int status;

	if (peers == 0) {
		fprintf(stderr, "usage: rude PORT LOCATION PEERS\n");
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[1]));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	location = argv[2];
	for (unsigned i = 0; i < PROCESSES; i++)
		if (fork() == 0)
			be_rude(i, peers);
	while (wait(&status) > 0)
		failed += status != 0;
	printf("%u rude, %u of %d processes were not answered\n", peers, failed, PROCESSES);
	return failed > 0;
}
