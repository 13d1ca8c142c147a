/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sodium.h>

#include "lib/base/log.h"

static const char usage[] =
	"Usage: wire [--quick] [PART]...\n"
	"Measures the transport and prints findings that bench/summary.awk reads; script/bench wire runs both.\n"
	"\n"
	"  --quick   fewer and shorter runs\n"
	"  PART      code, seal, fanout or relay; all without one\n";

static const struct {
	const char *name;
	void (*run)(const struct bench *bench);
} parts[] = { { "code", bench_code }, { "seal", bench_seal }, { "fanout", bench_fanout }, { "relay", bench_relay } };

#define PARTS (sizeof(parts) / sizeof(parts[0]))

static bool is_part(const char *name)
{
	for (size_t i = 0; i < PARTS; i++)
		if (strcmp(parts[i].name, name) == 0)
			return true;
	return false;
}

uint16_t bench_free_port(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(any);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&any, len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&any, &len) != 0)
		bench_die("no free port on 127.0.0.1; this needs IPv4 on the loopback interface");
	close(fd);
	return ntohs(any.sin_port);
}

int main(int argc, char **argv)
{
	struct bench bench = { .runs = 5, .slice_us = 20000, .window_s = 5 };
	bool chosen[PARTS] = { false }, any = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--quick") == 0) {
			bench = (struct bench){ .runs = 3, .slice_us = 5000, .window_s = 3 };
		} else if (is_part(argv[i])) {
			any = true;
			for (size_t p = 0; p < PARTS; p++)
				chosen[p] |= strcmp(parts[p].name, argv[i]) == 0;
		} else {
			fputs(usage, strcmp(argv[i], "--help") == 0 ? stdout : stderr);
			return strcmp(argv[i], "--help") == 0 ? 0 : 2;
		}
	}
	if (sodium_init() < 0)
		bench_die("libsodium does not start");
	ks_log_set_level(KS_LOG_ERROR, NULL);
	for (size_t p = 0; p < PARTS; p++)
		if (chosen[p] || !any)
			parts[p].run(&bench);
	return 0;
}
