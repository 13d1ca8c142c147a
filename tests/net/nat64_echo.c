/* SPDX-License-Identifier: Apache-2.0
 *
 * Echo, and whether all came back.
 *
 *	nat64_echo ADDRESS [COUNT [PER-SECOND [SIZE]]]			ICMP, as root
 *	nat64_echo --udp PORT ADDRESS [COUNT [PER-SECOND [SIZE]]]	to nat64_echo --serve PORT
 *
 * Says how many were lost; exit status 0 when none was.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SIZE_MAX_ 9000
#define COUNT_MAX 1000000
#define PATIENCE_US 1000000
#define BUFFER (8 * 1024 * 1024)

static uint8_t seen[COUNT_MAX];

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

static int fail(const char *what)
{
	fprintf(stderr, "nat64_echo: %s: %s\n", what, strerror(errno));
	return 1;
}

static void roomy(int fd)
{
	int size = BUFFER;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
}

static int serve(const char *port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0), off = 0;

	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0 ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0)
		return fail("serve");
	roomy(fd);
	for (;;) {
		struct sockaddr_storage from;
		socklen_t from_len = sizeof(from);
		uint8_t bytes[SIZE_MAX_];
		ssize_t len = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_len);

		if (len >= 0)
			sendto(fd, bytes, (size_t)len, 0, (struct sockaddr *)&from, from_len);
	}
}

static uint16_t checksum(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

struct echo {
	int fd;
	bool udp, six;
	size_t size, head;	/* head: bytes in front of the number */
	uint8_t bytes[SIZE_MAX_];
};

/* Its number and a pattern behind it. */
static bool send_one(struct echo *echo, uint32_t n)
{
	uint8_t *at = echo->bytes;

	memset(at, 0, echo->head);
	for (size_t i = echo->head; i < echo->size; i++)
		at[i] = (uint8_t)(n + i);
	memcpy(at + echo->head, &n, sizeof(n));
	if (!echo->udp) {
		at[0] = echo->six ? 128 : 8;
		at[4] = (uint8_t)(getpid() >> 8), at[5] = (uint8_t)getpid();
	}
	if (!echo->udp && !echo->six) {
		uint16_t sum = checksum(at, echo->size);

		at[2] = (uint8_t)(sum >> 8), at[3] = (uint8_t)sum;
	}
	return send(echo->fd, at, echo->size, 0) == (ssize_t)echo->size;
}

/* How many came; each counts once, and only when it is whole. */
static uint32_t receive(struct echo *echo, uint32_t count)
{
	uint8_t bytes[SIZE_MAX_ + 60], *at;
	uint32_t n, came = 0;
	ssize_t len;

	while ((len = recv(echo->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
		bool whole = true;

		at = bytes;
		if (!echo->udp && !echo->six)
			at += (bytes[0] & 15) * 4, len -= (bytes[0] & 15) * 4;
		if (len != (ssize_t)echo->size ||
		    (!echo->udp && (at[0] != (echo->six ? 129 : 0) || at[4] != (uint8_t)(getpid() >> 8) ||
				    at[5] != (uint8_t)getpid())))
			continue;
		memcpy(&n, at + echo->head, sizeof(n));
		for (size_t i = echo->head + 4; i < echo->size; i++)
			whole = whole && at[i] == (uint8_t)(n + i);
		if (whole && n < count && !seen[n])
			seen[n] = 1, came++;
	}
	return came;
}

static int run(struct echo *echo, uint32_t count, uint32_t per_s)
{
	struct pollfd fd = { echo->fd, POLLIN, 0 };
	int64_t began_us = now_us(), until_us;
	uint32_t came = 0;

	for (uint32_t n = 0; n < count;) {
		int64_t due = (now_us() - began_us) * per_s / 1000000 + 1;

		for (; n < count && n < due; n++)
			send_one(echo, n);
		came += receive(echo, count);
		poll(&fd, 1, 1);
	}
	until_us = now_us() + PATIENCE_US;
	while (came < count && now_us() < until_us) {
		poll(&fd, 1, 10);
		came += receive(echo, count);
	}
	printf("%u of %u lost: %u packets\n", count - came, count, count - came);
	return came == count ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM }, *to;
	struct echo echo = { .udp = argc > 2 && strcmp(argv[1], "--udp") == 0 };
	const char *port = echo.udp ? argv[2] : "0";
	uint32_t count, per_s;

	if (argc == 3 && strcmp(argv[1], "--serve") == 0)
		return serve(argv[2]);
	argc -= echo.udp ? 2 : 0;
	argv += echo.udp ? 2 : 0;
	if (argc < 2 || getaddrinfo(argv[1], port, &hints, &to) != 0) {
		fprintf(stderr, "nat64_echo: expected [--udp PORT] ADDRESS [COUNT [PER-SECOND [SIZE]]], or --serve "
				"PORT\n");
		return 2;
	}
	count = argc > 2 ? (uint32_t)atoi(argv[2]) : 3;
	per_s = argc > 3 ? (uint32_t)atoi(argv[3]) : 10;
	echo.size = argc > 4 ? (size_t)atoi(argv[4]) : 64;
	echo.six = to->ai_family == AF_INET6;
	echo.head = echo.udp ? 0 : 8;
	if (count > COUNT_MAX || echo.size > SIZE_MAX_ || echo.size < 16 || per_s == 0)
		return 2;
	echo.fd = socket(to->ai_family, echo.udp ? SOCK_DGRAM : SOCK_RAW,
			 echo.udp ? 0 : echo.six ? (int)IPPROTO_ICMPV6 : (int)IPPROTO_ICMP);
	if (echo.fd < 0 || connect(echo.fd, to->ai_addr, to->ai_addrlen) != 0)
		return fail(argv[1]);
	roomy(echo.fd);
	freeaddrinfo(to);
	return run(&echo, count, per_s);
}
