/* SPDX-License-Identifier: Apache-2.0
 *
 * Traffic for bench/nat64 and tests/net: one end sends as fast as it goes, the other counts what came.
 *
 *	traffic serve PORT			TCP and UDP, both families, until it is ended
 *	traffic tcp ADDRESS PORT STREAMS MS	prints "BYTES US": what the other end has read, and the time that took
 *	traffic udp ADDRESS PORT SIZE BATCH MS [PER-SECOND]
 *		prints "SENT ARRIVED US": packets of SIZE bytes, BATCH to a send (UDP_SEGMENT), so many a second or as
 *		fast as it goes
 *
 *	traffic hosts ADDRESS PORT SIZE HOSTS MS
 *		the same one by one, each to one of so many IPv4 addresses from ADDRESS on, drawn at random
 *
 * A TCP connection begins with one byte: T, and all until its end is counted and the count sent back; U, and the count of
 * UDP packets so far is.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define BUFFER (256 * 1024)
#define SOCKET_BUFFER (4 * 1024 * 1024)
#define STREAMS_MAX 64
#define FDS_MAX 256
#define BATCH_MAX 64
#define DATAGRAM_MAX 1452
#define SENDS 32			/* in one call */
#define RECEIVE_MAX 64		/* datagrams in one call */
#define SETTLE_MS 200		/* after the last datagram was sent */

static void die(const char *what)
{
	fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

static int open_socket(const char *address, const char *port, int type, bool listening)
{
	struct addrinfo hints = { .ai_socktype = type, .ai_flags = listening ? AI_PASSIVE : 0, .ai_family = AF_UNSPEC };
	struct addrinfo *found;
	int fd, one = 1, size = SOCKET_BUFFER;

	if (listening)
		hints.ai_family = AF_INET6;
	if (getaddrinfo(address, port, &hints, &found) != 0)
		die("address");
	fd = socket(found->ai_family, type, 0);
	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (type == SOCK_DGRAM)
		setsockopt(fd, SOL_SOCKET, listening ? SO_RCVBUFFORCE : SO_SNDBUFFORCE, &size, sizeof(size));
	if (listening ? bind(fd, found->ai_addr, found->ai_addrlen) : connect(fd, found->ai_addr, found->ai_addrlen))
		die(listening ? "bind" : "connect");
	freeaddrinfo(found);
	return fd;
}

/* --- serve ------------------------------------------------------------------------------------------------- */

struct connection {
	bool open;
	char kind;			/* 0 until its first byte is here */
	uint64_t bytes;
};
static struct connection connections[FDS_MAX];
static uint64_t datagrams;
static char buffer[BUFFER];

static void count_datagrams(int fd)
{
	static char room[RECEIVE_MAX][2048];
	struct iovec iov[RECEIVE_MAX];
	struct mmsghdr messages[RECEIVE_MAX];
	int n;

	memset(messages, 0, sizeof(messages));
	for (int i = 0; i < RECEIVE_MAX; i++) {
		iov[i] = (struct iovec){ room[i], sizeof(room[i]) };
		messages[i].msg_hdr.msg_iov = &iov[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while ((n = recvmmsg(fd, messages, RECEIVE_MAX, MSG_DONTWAIT, NULL)) > 0)
		datagrams += (uint64_t)n;
}

static void answer(int fd, uint64_t count)
{
	if (write(fd, &count, sizeof(count)) != sizeof(count))
		fprintf(stderr, "traffic: the other end has gone\n");
	close(fd);
	connections[fd].open = false;
}

static void take(int fd)
{
	struct connection *c = &connections[fd];
	ssize_t n = read(fd, buffer, sizeof(buffer));

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0 && c->kind == 0) {
		c->kind = buffer[0];
		n--;
	}
	if (n > 0)
		c->bytes += (uint64_t)n;
	if (c->kind == 'U')
		answer(fd, datagrams);
	else if (n <= 0 && c->kind == 'T' && c->bytes > 0)
		answer(fd, c->bytes);
	else if (n < 0)
		close(fd);
}

static void serve(const char *port)
{
	int tcp = open_socket(NULL, port, SOCK_STREAM, true), udp = open_socket(NULL, port, SOCK_DGRAM, true);
	int loop = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN, .data.fd = tcp }, ready[16];

	if (listen(tcp, STREAMS_MAX) != 0 || loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, tcp, &event) != 0)
		die("listen");
	event.data.fd = udp;
	if (epoll_ctl(loop, EPOLL_CTL_ADD, udp, &event) != 0)
		die("epoll");
	puts("ready");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(loop, ready, 16, -1);

		for (int i = 0; i < n; i++) {
			int fd = ready[i].data.fd;

			if (fd == udp) {
				count_datagrams(udp);
			} else if (fd == tcp) {
				fd = accept4(tcp, NULL, NULL, SOCK_NONBLOCK);
				if (fd < 0 || fd >= FDS_MAX)
					die("accept");
				connections[fd] = (struct connection){ .open = true };
				event.data.fd = fd;
				if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) != 0)
					die("epoll");
			} else if (connections[fd].open) {
				take(fd);
			}
		}
	}
}

/* --- tcp --------------------------------------------------------------------------------------------------- */

static uint64_t read_count(int fd)
{
	uint64_t count;

	if (recv(fd, &count, sizeof(count), MSG_WAITALL) != sizeof(count))
		die("the count");
	return count;
}

static void send_tcp(const char *address, const char *port, int streams, int64_t ms)
{
	struct pollfd fds[STREAMS_MAX];
	int64_t began;
	uint64_t bytes = 0;

	for (int i = 0; i < streams; i++) {
		fds[i] = (struct pollfd){ .fd = open_socket(address, port, SOCK_STREAM, false), .events = POLLOUT };
		if (write(fds[i].fd, "T", 1) != 1)
			die("write");
		fcntl(fds[i].fd, F_SETFL, O_NONBLOCK);
	}
	for (began = now_us(); now_us() - began < ms * 1000;) {
		if (poll(fds, (nfds_t)streams, 100) < 0)
			die("poll");
		for (int i = 0; i < streams; i++)
			if (fds[i].revents != 0 && write(fds[i].fd, buffer, sizeof(buffer)) < 0 && errno != EAGAIN)
				die("write");
	}
	for (int i = 0; i < streams; i++) {
		fcntl(fds[i].fd, F_SETFL, 0);
		shutdown(fds[i].fd, SHUT_WR);
	}
	for (int i = 0; i < streams; i++)
		bytes += read_count(fds[i].fd);
	printf("%llu %lld\n", (unsigned long long)bytes, (long long)(now_us() - began));
}

/* --- udp --------------------------------------------------------------------------------------------------- */

static uint64_t ask_datagrams(const char *address, const char *port)
{
	int fd = open_socket(address, port, SOCK_STREAM, false);
	uint64_t count;

	if (write(fd, "U", 1) != 1)
		die("write");
	count = read_count(fd);
	close(fd);
	return count;
}

/* So many sends in one call that the sender is not what limits. */
static uint64_t send_some(int fd, struct mmsghdr *messages, unsigned most)
{
	int n = sendmmsg(fd, messages, most < SENDS ? most : SENDS, 0);

	if (n < 0 && errno != ENOBUFS && errno != EAGAIN && errno != ECONNREFUSED)
		die("send");
	return n > 0 ? (uint64_t)n : 0;
}

/* How many sends are due that long after the beginning; without a rate, always more. */
static uint64_t due(int64_t us, int64_t per_s, uint64_t sent)
{
	uint64_t until_now = (uint64_t)(us * per_s / 1000000);

	return per_s == 0 ? SENDS : until_now > sent ? until_now - sent : 0;
}

static void same_data(struct mmsghdr *messages, struct iovec *iov)
{
	memset(messages, 0, SENDS * sizeof(*messages));
	for (int i = 0; i < SENDS; i++) {
		messages[i].msg_hdr.msg_iov = iov;
		messages[i].msg_hdr.msg_iovlen = 1;
	}
}

static void print_datagrams(const char *address, const char *port, uint64_t before, uint64_t sent, int64_t took_us)
{
	poll(NULL, 0, SETTLE_MS);
	printf("%llu %llu %lld\n", (unsigned long long)sent,
	       (unsigned long long)(ask_datagrams(address, port) - before), (long long)took_us);
}

static void send_udp(const char *address, const char *port, int size, int batch, int64_t ms, int64_t per_s)
{
	int fd = open_socket(address, port, SOCK_DGRAM, false);
	uint64_t before = ask_datagrams(address, port), sent = 0;
	struct iovec iov = { buffer, (size_t)size * (size_t)batch };
	struct mmsghdr messages[SENDS];
	int64_t began;

	same_data(messages, &iov);
	if (batch > 1 && setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)) != 0)
		die("UDP_SEGMENT");
	for (began = now_us(); now_us() - began < ms * 1000;) {
		uint64_t n = due(now_us() - began, per_s, sent);

		if (n > 0)
			sent += send_some(fd, messages, n < SENDS ? (unsigned)n : SENDS) * (uint64_t)batch;
		else
			poll(NULL, 0, 1);
	}
	print_datagrams(address, port, before, sent, now_us() - began);
}

static void send_hosts(const char *address, const char *port, int size, uint32_t hosts, int64_t ms)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), room = SOCKET_BUFFER;
	uint64_t before = ask_datagrams(address, port), sent = 0;
	struct iovec iov = { buffer, (size_t)size };
	struct sockaddr_in to[SENDS];
	struct mmsghdr messages[SENDS];
	uint32_t first, dice = 1;
	int64_t began;

	if (fd < 0 || inet_pton(AF_INET, address, &first) != 1)
		die("address");
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	same_data(messages, &iov);
	for (began = now_us(); now_us() - began < ms * 1000;) {
		for (int i = 0; i < SENDS; i++) {
			dice = dice * 1664525 + 1013904223;
			to[i] = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
			to[i].sin_addr.s_addr = htonl(ntohl(first) + (uint32_t)((uint64_t)dice * hosts >> 32));
			messages[i].msg_hdr.msg_name = &to[i];
			messages[i].msg_hdr.msg_namelen = sizeof(to[i]);
		}
		sent += send_some(fd, messages, SENDS);
	}
	print_datagrams(address, port, before, sent, now_us() - began);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		serve(argv[2]);
	else if (argc == 6 && strcmp(argv[1], "tcp") == 0 && atoi(argv[4]) >= 1 && atoi(argv[4]) <= STREAMS_MAX)
		send_tcp(argv[2], argv[3], atoi(argv[4]), atoi(argv[5]));
	else if ((argc == 7 || argc == 8) && strcmp(argv[1], "udp") == 0 && atoi(argv[5]) >= 1 && atoi(argv[5]) <= BATCH_MAX &&
		 atoi(argv[4]) >= 1 && atoi(argv[4]) <= DATAGRAM_MAX)
		send_udp(argv[2], argv[3], atoi(argv[4]), atoi(argv[5]), atoi(argv[6]), argc == 8 ? atoi(argv[7]) : 0);
	else if (argc == 7 && strcmp(argv[1], "hosts") == 0 && atoi(argv[4]) >= 1 && atoi(argv[4]) <= DATAGRAM_MAX &&
		 atoi(argv[5]) >= 1)
		send_hosts(argv[2], argv[3], atoi(argv[4]), (uint32_t)atoi(argv[5]), atoi(argv[6]));
	else
		return 2;
	return 0;
}
