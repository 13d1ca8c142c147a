/* SPDX-License-Identifier: Apache-2.0
 *
 * A ping over UDP with numbers in it, to see what a path does: `probe serve` sends everything back, `probe ask` counts
 * what comes back late, twice, out of order, damaged or not at all.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/net/peer.h"

#define NS_PER_US 1000
#define NS_PER_MS 1000000
#define LEN_MIN 16
#define LEN_MAX 65000
#define COUNT_MAX 1000000

struct question {
	uint64_t count, size, every_us, wait_ms;
};

struct answers {
	int64_t *sent_ns, *rtt_ns;	/* by number; rtt 0: none yet */
	uint64_t received, twice, reordered, damaged, too_big;
	uint64_t highest;
};

static void help(void)
{
	printf("Usage: probe serve ADDRESS PORT\n"
	       "       probe ask [OPTION]... ADDRESS PORT\n"
	       "Sends numbered datagrams, with DF, to a probe that sends them back, and prints as one line of JSON how\n"
	       "many came back, how many of them twice, after a later one, or damaged, and the round trip times.\n\n"
	       "  --count N     datagrams (default: 100)\n"
	       "  --size BYTES  of payload (default: 100)\n"
	       "  --every US    time between two (default: 10000)\n"
	       "  --wait MS     for the last ones (default: 1000)\n"
	       "  --help        show this help and exit\n\n"
	       "Exit status: 0 something came back, 1 nothing did or it failed, 2 wrong usage. serve ends by a signal.\n");
}

static _Noreturn void serve(int fd)
{
	static uint8_t bytes[LEN_MAX];

	for (;;) {
		struct sockaddr_storage from;
		socklen_t from_len = sizeof(from);
		ssize_t len = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_len);

		if (len >= 0)
			sendto(fd, bytes, (size_t)len, 0, (struct sockaddr *)&from, from_len);
	}
}

/* The number, and bytes that follow from it. */
static void fill(uint8_t *bytes, size_t len, uint64_t number)
{
	memcpy(bytes, &number, sizeof(number));
	for (size_t i = sizeof(number); i < len; i++)
		bytes[i] = (uint8_t)((number + 1) * (i + 1) >> 3);
}

static void take(struct answers *a, const struct question *q, const uint8_t *bytes, size_t len)
{
	uint8_t expected[LEN_MAX];
	uint64_t number;

	memcpy(&number, bytes, sizeof(number));
	if (len != q->size || number >= q->count || a->sent_ns[number] == 0) {
		a->damaged++;
		return;
	}
	fill(expected, len, number);
	if (memcmp(expected, bytes, len) != 0) {
		a->damaged++;
	} else if (a->rtt_ns[number] != 0) {
		a->twice++;
	} else {
		a->rtt_ns[number] = peer_now_ns() - a->sent_ns[number];
		a->received++;
		a->reordered += number < a->highest;
		a->highest = number > a->highest ? number : a->highest;
	}
}

static void listen_until(int fd, struct answers *a, const struct question *q, int64_t until_ns)
{
	uint8_t bytes[LEN_MAX];

	for (;;) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		int64_t left = until_ns - peer_now_ns();
		ssize_t len;

		if (left <= 0 || poll(&ready, 1, (int)(left / NS_PER_MS) + 1) <= 0)
			return;
		len = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (len >= LEN_MIN)
			take(a, q, bytes, (size_t)len);
	}
}

static int by_time(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a, two = *(const int64_t *)b;

	return (one > two) - (one < two);
}

static void print(struct answers *a, const struct question *q)
{
	size_t n = 0;

	for (size_t i = 0; i < q->count; i++)
		if (a->rtt_ns[i] != 0)
			a->rtt_ns[n++] = a->rtt_ns[i];
	qsort(a->rtt_ns, n, sizeof(a->rtt_ns[0]), by_time);
	printf("{\"sent\":%zu,\"received\":%zu,\"duplicated\":%zu,\"reordered\":%zu,\"damaged\":%zu,\"too_big\":%zu",
	       (size_t)q->count, (size_t)a->received, (size_t)a->twice, (size_t)a->reordered, (size_t)a->damaged,
	       (size_t)a->too_big);
	if (n > 0)
		printf(",\"rtt_us\":{\"min\":%zu,\"p50\":%zu,\"max\":%zu}", (size_t)a->rtt_ns[0] / NS_PER_US,
		       (size_t)a->rtt_ns[n / 2] / NS_PER_US, (size_t)a->rtt_ns[n - 1] / NS_PER_US);
	printf("}\n");
}

static void set_df(int fd)
{
	int v4 = IP_PMTUDISC_DO, v6 = IPV6_PMTUDISC_DO;

	setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4, sizeof(v4));
	setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6, sizeof(v6));
}

static int ask(int fd, const struct question *q)
{
	struct answers a = { 0 };
	int64_t start = peer_now_ns();
	uint8_t bytes[LEN_MAX];

	a.sent_ns = calloc(q->count, sizeof(int64_t));
	a.rtt_ns = calloc(q->count, sizeof(int64_t));
	if (a.sent_ns == NULL || a.rtt_ns == NULL)
		return EXIT_FAILURE;
	set_df(fd);
	for (uint64_t i = 0; i < q->count; i++) {
		fill(bytes, q->size, i);
		a.sent_ns[i] = peer_now_ns();
		if (send(fd, bytes, q->size, 0) < 0 && errno == EMSGSIZE)
			a.too_big++;
		listen_until(fd, &a, q, start + (int64_t)((i + 1) * q->every_us) * NS_PER_US);
	}
	listen_until(fd, &a, q, peer_now_ns() + (int64_t)q->wait_ms * NS_PER_MS);
	print(&a, q);
	free(a.sent_ns);
	free(a.rtt_ns);
	return a.received > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int usage(const char *what, const char *expected)
{
	fprintf(stderr, "probe: %s: expected %s\nTry 'probe --help'.\n", what, expected);
	return PEER_USAGE;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "count", required_argument, NULL, 'c' }, { "size", required_argument, NULL, 's' },
		{ "every", required_argument, NULL, 'e' }, { "wait", required_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	struct question q = { .count = 100, .size = 100, .every_us = 10000, .wait_ms = 1000 };
	bool good = true, serves;
	int option, fd;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'c': good = peer_number(optarg, 1, COUNT_MAX, &q.count); break;
		case 's': good = peer_number(optarg, LEN_MIN, LEN_MAX, &q.size); break;
		case 'e': good = peer_number(optarg, 0, 60000000, &q.every_us); break;
		case 'w': good = peer_number(optarg, 0, 60000, &q.wait_ms); break;
		case 'h': help(); return EXIT_SUCCESS;
		default: good = false; break;
		}
		if (!good)
			return usage(argv[optind - 1], "an option, or a number in its bounds");
	}
	if (argc - optind != 3)
		return usage(argv[0], "serve or ask, an address and a port");
	serves = strcmp(argv[optind], "serve") == 0;
	if (!serves && strcmp(argv[optind], "ask") != 0)
		return usage(argv[optind], "serve or ask");
	fd = peer_open(argv[optind + 1], argv[optind + 2], serves);
	if (fd < 0)
		return EXIT_FAILURE;
	if (serves)
		serve(fd);
	return ask(fd, &q);
}
