/* SPDX-License-Identifier: Apache-2.0
 *
 * What an IPv4 sender is told by ICMP: its socket's queue of errors (IP_RECVERR).
 *
 *	nat64_probe ttl ADDRESS PORT TTL	a datagram with this time to live: prints "FROM TYPE CODE" of the error
 *	nat64_probe mtu ADDRESS PORT SIZE	one with DF: prints "FROM MTU" when the error says that it is too big, and
 *						the next is refused with EMSGSIZE
 *	nat64_probe echo ADDRESS PORT SIZE	one without DF, which comes back whole from nat64_echo --serve PORT
 *
 * Sent again until there is an answer. Exit status 1 when none comes within 5 s.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
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
#define PATIENCE_MS 5000
#define AGAIN_MS 250

static uint8_t bytes[SIZE_MAX_];

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

static int fail(const char *what)
{
	fprintf(stderr, "nat64_probe: %s: %s\n", what, strerror(errno));
	return 1;
}

static bool set(int fd, int option, int value)
{
	return setsockopt(fd, IPPROTO_IP, option, &value, sizeof(value)) == 0;
}

/* The first in the queue that came by ICMP. */
static bool read_error(int fd, struct sock_extended_err *error, char from[INET_ADDRSTRLEN])
{
	union {
		struct cmsghdr align;
		uint8_t bytes[512];
	} control;
	struct msghdr message = { .msg_control = &control, .msg_controllen = sizeof(control) };

	if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head != NULL; head = CMSG_NXTHDR(&message, head)) {
		const struct sockaddr_in *by;

		if (head->cmsg_level != IPPROTO_IP || head->cmsg_type != IP_RECVERR)
			continue;
		memcpy(error, CMSG_DATA(head), sizeof(*error));
		by = (const struct sockaddr_in *)(const void *)SO_EE_OFFENDER((struct sock_extended_err *)
									      (void *)CMSG_DATA(head));
		if (error->ee_origin != SO_EE_ORIGIN_ICMP)
			return false;
		inet_ntop(AF_INET, &by->sin_addr, from, INET_ADDRSTRLEN);
		return true;
	}
	return false;
}

/* Sends until there is an error to read; false when there is none in time. */
static bool provoke(int fd, size_t size, struct sock_extended_err *error, char from[INET_ADDRSTRLEN])
{
	int64_t until = now_ms() + PATIENCE_MS;

	while (now_ms() < until) {
		struct pollfd ready = { fd, 0, 0 };

		/* Refused, for an error that has come: it is in the queue. */
		if (send(fd, bytes, size, 0) < 0 && errno == EINVAL)
			return false;
		poll(&ready, 1, AGAIN_MS);
		if (read_error(fd, error, from))
			return true;
	}
	errno = ETIMEDOUT;
	return false;
}

static int probe_ttl(int fd, int ttl)
{
	struct sock_extended_err error;
	char from[INET_ADDRSTRLEN];

	if (!set(fd, IP_TTL, ttl) || !provoke(fd, 32, &error, from))
		return fail("ttl");
	printf("%s %u %u\n", from, error.ee_type, error.ee_code);
	return 0;
}

static int probe_mtu(int fd, size_t size)
{
	struct sock_extended_err error;
	char from[INET_ADDRSTRLEN];

	if (!set(fd, IP_MTU_DISCOVER, IP_PMTUDISC_DO) || !provoke(fd, size, &error, from))
		return fail("mtu");
	if (error.ee_errno != EMSGSIZE) {
		fprintf(stderr, "nat64_probe: told by %s: %s\n", from, strerror((int)error.ee_errno));
		return 1;
	}
	if (send(fd, bytes, size, 0) >= 0 || errno != EMSGSIZE)
		return fail("the next one was not refused");
	printf("%s %u\n", from, error.ee_info);
	return 0;
}

static int probe_echo(int fd, size_t size)
{
	static uint8_t back[SIZE_MAX_];
	int64_t until = now_ms() + PATIENCE_MS;

	if (!set(fd, IP_MTU_DISCOVER, IP_PMTUDISC_DONT))
		return fail("echo");
	while (now_ms() < until) {
		struct pollfd ready = { fd, POLLIN, 0 };

		if (send(fd, bytes, size, 0) != (ssize_t)size)
			return fail("send");
		if (poll(&ready, 1, AGAIN_MS) == 1 && recv(fd, back, sizeof(back), MSG_DONTWAIT) == (ssize_t)size)
			return memcmp(back, bytes, size) == 0 ? 0 : 1;
	}
	errno = ETIMEDOUT;
	return fail("echo");
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int number = argc == 5 ? atoi(argv[4]) : 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (argc != 5 || inet_pton(AF_INET, argv[2], &to.sin_addr) != 1 || number < 1 || number > SIZE_MAX_) {
		fprintf(stderr, "nat64_probe: expected ttl|mtu|echo ADDRESS PORT NUMBER\n");
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[3]));
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 || !set(fd, IP_RECVERR, 1))
		return fail(argv[2]);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	if (strcmp(argv[1], "ttl") == 0)
		return probe_ttl(fd, number);
	return strcmp(argv[1], "mtu") == 0 ? probe_mtu(fd, (size_t)number) : probe_echo(fd, (size_t)number);
}
