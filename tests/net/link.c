/* SPDX-License-Identifier: Apache-2.0
 *
 * A bad network between two namespaces: packets go from one TUN device to another and suffer on the way. `link --help`
 * has the faults; they can be changed while it runs. The decisions are in shape.c.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <net/if.h>
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/net/command.h"
#include "tests/net/flight.h"
#include "tests/net/packet.h"
#include "tests/net/peer.h"
#include "tests/net/shape.h"
#include "tests/net/tun.h"

#define BATCH 64		/* packets read from one device before the other has its turn */
#define ANSWER_MAX 4096
#define TELL_MS 5000
#define MTU_MIN 68
#define MTU_DEFAULT 1500

enum count {
	COUNT_PACKETS, COUNT_BYTES, COUNT_PASSED, COUNT_PASSED_BYTES,
	COUNT_DOWN, COUNT_MTU, COUNT_QUEUE, COUNT_LOSS, COUNT_BURST,
	COUNT_TOO_BIG_SENT, COUNT_TWICE, COUNT_CORRUPT, COUNT_REORDERED, COUNT_LIMIT, COUNT_REFUSED,
	COUNTS
};

static const char *const count_names[COUNTS] = {
	"packets", "bytes", "passed", "passed_bytes", "down", "mtu", "queue", "loss", "burst", "too_big_sent",
	"duplicated", "corrupted", "reordered", "limit", "refused"
};

static const enum count fate_counts[SHAPE_FATES] = {
	[SHAPE_DOWN] = COUNT_DOWN, [SHAPE_MTU] = COUNT_MTU, [SHAPE_QUEUE] = COUNT_QUEUE, [SHAPE_LOSS] = COUNT_LOSS,
	[SHAPE_BURST] = COUNT_BURST
};

struct end {
	const char *netns, *name;
	int fd;
};

struct link {
	struct end ends[2];	/* packets of direction i come in at end i and go out at the other */
	struct shape shapes[2];
	uint64_t counts[2][COUNTS];
	struct flight flight;
	struct packet_router router;
	const char *control_path;
	int control, timer, signals, poll;
	int64_t armed_ns;
	uint8_t packet[PACKET_MAX];
};

/* --- packets ---------------------------------------------------------------------------------- */

static void deliver(struct link *link, int direction, const uint8_t *packet, size_t len)
{
	uint64_t *counts = link->counts[direction];

	if (write(link->ends[1 - direction].fd, packet, len) == (ssize_t)len) {
		counts[COUNT_PASSED]++;
		counts[COUNT_PASSED_BYTES] += len;
	} else {
		counts[COUNT_REFUSED]++;
	}
}

static void deliver_due(struct link *link, int64_t now)
{
	while (flight_next_ns(&link->flight) <= now) {
		struct flight_packet *packet = flight_take(&link->flight);

		deliver(link, packet->direction, packet->bytes, packet->len);
		free(packet);
	}
}

static void send_on(struct link *link, int direction, size_t len, int64_t at_ns, int64_t now)
{
	if (at_ns <= now)
		deliver(link, direction, link->packet, len);
	else if (!flight_add(&link->flight, direction, link->packet, len, at_ns))
		link->counts[direction][COUNT_LIMIT]++;
}

/* Answered at once, as by a router in front of the link. */
static void answer_too_big(struct link *link, int direction, size_t len)
{
	const struct shape_settings *set = &link->shapes[direction].set;
	uint8_t answer[PACKET_TOO_BIG_MAX];
	size_t answer_len = set->mtu_silent ? 0 : packet_too_big(link->packet, len, set->mtu, &link->router, answer);

	if (answer_len > 0 && write(link->ends[direction].fd, answer, answer_len) == (ssize_t)answer_len)
		link->counts[direction][COUNT_TOO_BIG_SENT]++;
}

static void shift_ports(struct link *link, int direction, size_t len)
{
	uint16_t by = link->shapes[direction].set.ports;

	if (direction == COMMAND_AB)
		packet_shift_port(link->packet, len, true, by);
	else
		packet_shift_port(link->packet, len, false, (uint16_t)-by);
}

static void handle(struct link *link, int direction, size_t len, int64_t now)
{
	struct shape_verdict verdict = shape_packet(&link->shapes[direction], len, now);
	uint64_t *counts = link->counts[direction];

	counts[COUNT_PACKETS]++;
	counts[COUNT_BYTES] += len;
	if (verdict.fate != SHAPE_PASS)
		counts[fate_counts[verdict.fate]]++;
	if (verdict.fate == SHAPE_MTU)
		answer_too_big(link, direction, len);
	if (verdict.fate != SHAPE_PASS)
		return;
	counts[COUNT_REORDERED] += verdict.reordered;
	counts[COUNT_TWICE] += verdict.twice;
	counts[COUNT_CORRUPT] += verdict.corrupt;
	if (link->shapes[direction].set.ports != 0)
		shift_ports(link, direction, len);
	if (verdict.corrupt)
		packet_corrupt(link->packet, len, verdict.place, link->shapes[direction].set.corrupt_mended);
	send_on(link, direction, len, verdict.at_ns, now);
	if (verdict.twice)
		send_on(link, direction, len, verdict.at_ns, now);
}

static void read_packets(struct link *link, int direction)
{
	for (int i = 0; i < BATCH; i++) {
		ssize_t len = read(link->ends[direction].fd, link->packet, sizeof(link->packet));
		int64_t now;

		if (len <= 0)
			return;
		now = peer_now_ns();
		/* First what should have gone before, so that the order holds. */
		deliver_due(link, now);
		handle(link, direction, (size_t)len, now);
	}
}

static void arm(struct link *link)
{
	int64_t next = flight_next_ns(&link->flight);
	struct itimerspec at = { 0 };

	if (next == link->armed_ns)
		return;
	link->armed_ns = next;
	if (next != INT64_MAX) {
		at.it_value.tv_sec = next / SHAPE_NS_PER_S;
		at.it_value.tv_nsec = next % SHAPE_NS_PER_S;
	}
	timerfd_settime(link->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

/* --- control ---------------------------------------------------------------------------------- */

static void write_counters(struct link *link, char *out, size_t size)
{
	FILE *json = fmemopen(out, size, "w");

	if (json == NULL)
		return;
	for (int direction = 0; direction < 2; direction++) {
		fprintf(json, "%s", direction == COMMAND_AB ? "{\"ab\":{" : "},\"ba\":{");
		for (int i = 0; i < COUNTS; i++)
			fprintf(json, "%s\"%s\":%" PRIu64, i > 0 ? "," : "", count_names[i],
				link->counts[direction][i]);
	}
	fprintf(json, "},\"in_flight\":%zu}", link->flight.n);
	fclose(json);
}

static bool obey(struct link *link, const char *line, char *why, size_t why_size)
{
	struct shape_settings set[2] = { link->shapes[0].set, link->shapes[1].set };
	int64_t now = peer_now_ns();

	if (!command_apply(set, line, why, why_size))
		return false;
	for (int i = 0; i < 2; i++)
		shape_set(&link->shapes[i], &set[i], now);
	return true;
}

/* One datagram with a line of commands, one with the answer: "ok", JSON, or "error: " and why. */
static void read_control(struct link *link)
{
	struct sockaddr_un from;
	socklen_t from_len = sizeof(from);
	char line[COMMAND_MAX], why[ANSWER_MAX / 2], answer[ANSWER_MAX] = "ok";
	ssize_t len = recvfrom(link->control, line, sizeof(line) - 1, 0, (struct sockaddr *)&from, &from_len);

	if (len < 0)
		return;
	line[len] = '\0';
	if (strcmp(line, "counters") == 0)
		write_counters(link, answer, sizeof(answer));
	else if (!obey(link, line, why, sizeof(why)))
		snprintf(answer, sizeof(answer), "error: expected %s", why);
	sendto(link->control, answer, strlen(answer), MSG_DONTWAIT, (struct sockaddr *)&from, from_len);
}

static int fail(const char *what)
{
	fprintf(stderr, "link: %s: %s\n", what, strerror(errno));
	return -1;
}

static int usage(const char *what, const char *expected)
{
	fprintf(stderr, "link: %s: expected %s\nTry 'link --help'.\n", what, expected);
	return PEER_USAGE;
}

static int open_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return errno = ENAMETOOLONG, fail(path);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail("socket");
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		fail(path);
		close(fd);
		return -1;
	}
	return fd;
}

/* The other end of the control socket: sends the commands, prints the answer. */
static int tell(const char *path, char *const *commands)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = TELL_MS / 1000 };
	char own[sizeof(address.sun_path)], answer[ANSWER_MAX], line[COMMAND_MAX] = "";
	ssize_t len = -1;
	int fd;

	for (; *commands != NULL; commands++) {
		if (strlen(line) + strlen(*commands) + 2 > sizeof(line))
			return usage(*commands, "fewer commands");
		if (line[0] != '\0')
			strcat(line, ";");
		strcat(line, *commands);
	}
	snprintf(own, sizeof(own), "%.80s.%d", path, (int)getpid());
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	fd = open_socket(own);
	if (fd < 0)
		return EXIT_FAILURE;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && send(fd, line, strlen(line), 0) >= 0)
		len = recv(fd, answer, sizeof(answer) - 1, 0);
	if (len < 0)
		fail(path);
	unlink(own);
	close(fd);
	if (len < 0)
		return EXIT_FAILURE;
	answer[len] = '\0';
	fprintf(answer[0] == 'e' ? stderr : stdout, "%s\n", answer);
	return answer[0] == 'e' ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* --- the program ------------------------------------------------------------------------------ */

static void help(void)
{
	printf("Usage: link [OPTION]... [COMMAND]...\n"
	       "       link --tell PATH COMMAND...\n"
	       "A bad network: carries IP packets between two TUN devices, a and b, until it is ended. Each COMMAND\n"
	       "is one argument, like 'ab loss 10%%', and holds from the start or, with --tell, from now on.\n\n"
	       "Options:\n"
	       "  --a-netns NAME    network namespace of device a: a name of ip netns, or a path (default: this one)\n"
	       "  --b-netns NAME    the same for device b\n"
	       "  --a-name NAME     name of device a (default: link-a)\n"
	       "  --b-name NAME     name of device b (default: link-b)\n"
	       "  --mtu BYTES       MTU of both devices, as their hosts know it (default: %d)\n"
	       "  --address ADDRESS ICMP errors come from here; once for IPv4, once for IPv6 (default: the address\n"
	       "                    that the packet was for)\n"
	       "  --seed N          of all chance (default: 1)\n"
	       "  --control PATH    takes commands here: a UNIX socket that is made, and removed at the end\n"
	       "  --tell PATH       sends the commands to the link that listens there and prints what it says\n"
	       "  --help            show this help and exit\n\n"
	       "Commands, several in one argument with semicolons:\n"
	       "%s"
	       "  counters                             with --tell, alone: prints them as one line of JSON\n\n"
	       "It prints 'ready' when both devices are there.\n"
	       "Exit status: 0 ended by a signal, or told; 1 failed; 2 wrong usage.\n",
	       MTU_DEFAULT, command_help);
}

static int watch(struct link *link, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(link->poll, EPOLL_CTL_ADD, fd, &event);
}

static int open_all(struct link *link, int mtu)
{
	sigset_t ends;

	for (int i = 0; i < 2; i++)
		if ((link->ends[i].fd = tun_open(link->ends[i].netns, link->ends[i].name, mtu)) < 0)
			return -1;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	link->signals = signalfd(-1, &ends, SFD_CLOEXEC);
	link->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	link->poll = epoll_create1(EPOLL_CLOEXEC);
	if (link->signals < 0 || link->timer < 0 || link->poll < 0 || watch(link, link->signals) != 0 ||
	    watch(link, link->timer) != 0 || watch(link, link->ends[0].fd) != 0 || watch(link, link->ends[1].fd) != 0)
		return fail("starting");
	if (link->control_path == NULL)
		return 0;
	link->control = open_socket(link->control_path);
	return link->control >= 0 && watch(link, link->control) == 0 ? 0 : -1;
}

static void run(struct link *link)
{
	struct epoll_event events[8];
	uint64_t expired;

	for (;;) {
		int n = epoll_wait(link->poll, events, sizeof(events) / sizeof(events[0]), -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == link->signals)
				return;
			if (events[i].data.fd == link->control)
				read_control(link);
			else if (events[i].data.fd != link->timer)
				read_packets(link, events[i].data.fd == link->ends[1].fd);
			else if (read(link->timer, &expired, sizeof(expired)) > 0)
				link->armed_ns = INT64_MAX;
		}
		deliver_due(link, peer_now_ns());
		arm(link);
	}
}

enum {
	OPT_A_NETNS = 1, OPT_B_NETNS, OPT_A_NAME, OPT_B_NAME, OPT_MTU, OPT_ADDRESS, OPT_SEED, OPT_CONTROL, OPT_TELL,
	OPT_HELP
};

static const struct option options[] = {
	{ "a-netns", required_argument, NULL, OPT_A_NETNS }, { "b-netns", required_argument, NULL, OPT_B_NETNS },
	{ "a-name", required_argument, NULL, OPT_A_NAME }, { "b-name", required_argument, NULL, OPT_B_NAME },
	{ "mtu", required_argument, NULL, OPT_MTU }, { "address", required_argument, NULL, OPT_ADDRESS },
	{ "seed", required_argument, NULL, OPT_SEED }, { "control", required_argument, NULL, OPT_CONTROL },
	{ "tell", required_argument, NULL, OPT_TELL }, { "help", no_argument, NULL, OPT_HELP }, { NULL, 0, NULL, 0 }
};

struct settings {
	uint64_t mtu, seed;
	const char *told;
	bool help;
};

/* NULL, or what was expected of this option's value. */
static const char *take_option(struct link *link, struct settings *set, int option)
{
	switch (option) {
	case OPT_A_NETNS: link->ends[0].netns = optarg; return NULL;
	case OPT_B_NETNS: link->ends[1].netns = optarg; return NULL;
	case OPT_A_NAME:
	case OPT_B_NAME:
		link->ends[option == OPT_B_NAME].name = optarg;
		return strlen(optarg) < IFNAMSIZ ? NULL : "a name of at most 15 characters";
	case OPT_MTU: return peer_number(optarg, MTU_MIN, PACKET_MAX, &set->mtu) ? NULL : "an MTU from 68 to 65535";
	case OPT_SEED: return peer_number(optarg, 0, UINT64_MAX, &set->seed) ? NULL : "a number";
	case OPT_ADDRESS:
		return inet_pton(AF_INET, optarg, &link->router.v4) == 1 ||
		       inet_pton(AF_INET6, optarg, &link->router.v6) == 1 ? NULL : "an IP address";
	case OPT_CONTROL: link->control_path = optarg; return NULL;
	case OPT_TELL: set->told = optarg; return NULL;
	default: set->help = true; return NULL;
	}
}

static int carry(struct link *link, const struct settings *set, char *const *commands)
{
	char why[ANSWER_MAX];

	shape_init(&link->shapes[0], set->seed);
	shape_init(&link->shapes[1], set->seed + (UINT64_C(1) << 63));
	for (; *commands != NULL; commands++)
		if (!obey(link, *commands, why, sizeof(why)))
			return usage(*commands, why);
	if (open_all(link, (int)set->mtu) != 0)
		return EXIT_FAILURE;
	printf("ready\n");
	fflush(stdout);
	run(link);
	if (link->control >= 0)
		unlink(link->control_path);
	flight_free(&link->flight);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static struct link link = { .ends = { { .name = "link-a" }, { .name = "link-b" } }, .control = -1 };
	struct settings set = { .mtu = MTU_DEFAULT, .seed = 1 };
	int option;

	link.armed_ns = INT64_MAX;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		const char *expected = option == '?' ? "another option" : take_option(&link, &set, option);

		if (expected != NULL)
			return usage(optarg != NULL ? optarg : argv[optind - 1], expected);
	}
	if (set.help)
		return help(), EXIT_SUCCESS;
	if (set.told == NULL)
		return carry(&link, &set, argv + optind);
	return optind < argc ? tell(set.told, argv + optind) : usage(set.told, "a command behind it");
}
