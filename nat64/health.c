/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/health.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "nat64/bytes.h"

#define ECHO_SIZE 16		/* type, code, checksum, id, number, and eight bytes by which it is known */
#define COOKIE 8
#define READ_MAX 256
#define READS_MAX 64		/* at a time; others on this host may ping too */

/* One family. */
struct probe {
	int fd;			/* -1: not judged */
	struct event *readable;
	struct sockaddr_storage to;	/* family 0: nobody */
	socklen_t to_len;
	bool judged, said;
	int64_t answered_us, judged_from_us;
	uint8_t cookie[COOKIE];
};

struct ks_health {
	struct probe four, six;
	struct event *timer;
	uint16_t number;
};

static bool is_answer(const struct probe *probe, bool six, const uint8_t *bytes, size_t len)
{
	size_t at = six ? 0 : len > 0 ? (size_t)(bytes[0] & 15) * 4 : 0;

	return len >= at + ECHO_SIZE && bytes[at] == (six ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) &&
		memcmp(bytes + at + ECHO_SIZE - COOKIE, probe->cookie, COOKIE) == 0;
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct ks_health *health = ctx;
	bool six = fd == health->six.fd;
	struct probe *probe = six ? &health->six : &health->four;
	uint8_t bytes[READ_MAX];

	(void)what;
	for (unsigned i = 0; i < READS_MAX; i++) {
		ssize_t len = recv(fd, bytes, sizeof(bytes), 0);

		if (len < 0 && errno == EAGAIN)
			return;
		if (len > 0 && is_answer(probe, six, bytes, (size_t)len))
			probe->answered_us = ks_mono_us(&ks_clock_system);
	}
}

/* Whether this host has a way to it, and an address to be answered at. */
static bool has_way(const struct probe *probe)
{
	struct sockaddr_storage own = { 0 };
	socklen_t len = sizeof(own);

	if (connect(probe->fd, (const struct sockaddr *)&probe->to, probe->to_len) != 0 ||
	    getsockname(probe->fd, (struct sockaddr *)&own, &len) != 0)
		return false;
	if (own.ss_family == AF_INET && ((struct sockaddr_in *)(void *)&own)->sin_addr.s_addr == 0) {
		errno = EADDRNOTAVAIL;
		return false;
	}
	return true;
}

static void ask(struct ks_health *health, struct probe *probe, bool six)
{
	uint8_t bytes[ECHO_SIZE] = { six ? ICMP6_ECHO_REQUEST : ICMP_ECHO };
	int64_t now_us = ks_mono_us(&ks_clock_system);

	if (probe->fd < 0 || probe->to.ss_family == 0)
		return;
	ks_put16(bytes + 4, (uint32_t)getpid() & 0xffff);
	ks_put16(bytes + 6, health->number);
	memcpy(bytes + ECHO_SIZE - COOKIE, probe->cookie, COOKIE);
	if (!six)		/* of IPv6 the kernel does it */
		ks_checksum_store(bytes + 2, ks_sum_bytes(bytes, ECHO_SIZE));
	if (has_way(probe) && send(probe->fd, bytes, ECHO_SIZE, 0) == ECHO_SIZE) {
		if (!probe->judged)
			probe->judged_from_us = now_us;
		probe->judged = true;
	} else if (!probe->judged && !probe->said) {
		probe->said = true;
		ks_warn("health",
			"IPv%c is not judged: %s; give this host an address and route icmp-source%c to the TUN",
			six ? '6' : '4', strerror(errno), six ? '6' : '4');
	}
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct ks_health *health = ctx;

	(void)fd;
	(void)what;
	health->number++;
	ask(health, &health->four, false);
	ask(health, &health->six, true);
}

static int open_probe(struct ks_health *health, struct probe *probe, struct event_base *base, const char *device,
		      bool six)
{
	struct icmp6_filter filter;

	probe->fd = socket(six ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			   six ? (int)IPPROTO_ICMPV6 : (int)IPPROTO_ICMP);
	if (probe->fd < 0 ||
	    setsockopt(probe->fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device) + 1) != 0) {
		ks_warn("health", "IPv%c is not judged: %s; needs the capability CAP_NET_RAW at the start",
			six ? '6' : '4', strerror(errno));
		if (probe->fd >= 0)
			close(probe->fd);
		probe->fd = -1;
		return KS_EOK;
	}
	if (six) {
		ICMP6_FILTER_SETBLOCKALL(&filter);
		ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
		setsockopt(probe->fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter));
	}
	probe->readable = event_new(base, probe->fd, EV_READ | EV_PERSIST, on_readable, health);
	return probe->readable != NULL && event_add(probe->readable, NULL) == 0 ? KS_EOK : -ENOMEM;
}

int ks_health_new(struct ks_health **out, struct event_base *base, const char *device)
{
	struct timeval every = { KS_HEALTH_EVERY_US / 1000000, KS_HEALTH_EVERY_US % 1000000 };
	struct ks_health *health = calloc(1, sizeof(*health));
	int err;

	if (health == NULL)
		return -ENOMEM;
	health->four.fd = health->six.fd = -1;
	err = open_probe(health, &health->four, base, device, false);
	if (err == KS_EOK)
		err = open_probe(health, &health->six, base, device, true);
	health->timer = event_new(base, -1, EV_PERSIST, on_timer, health);
	if (err == KS_EOK && (health->timer == NULL || event_add(health->timer, &every) != 0))
		err = -ENOMEM;
	if (err == KS_EOK && (getrandom(health->four.cookie, COOKIE, 0) != COOKIE ||
			      getrandom(health->six.cookie, COOKIE, 0) != COOKIE))
		err = -EIO;
	if (err != KS_EOK)
		ks_health_free(health);
	else
		*out = health;
	return err;
}

static void free_probe(struct probe *probe)
{
	if (probe->readable != NULL)
		event_free(probe->readable);
	if (probe->fd >= 0)
		close(probe->fd);
}

void ks_health_free(struct ks_health *health)
{
	if (health == NULL)
		return;
	free_probe(&health->four);
	free_probe(&health->six);
	if (health->timer != NULL)
		event_free(health->timer);
	free(health);
}

static void target(struct probe *probe, const void *to, size_t len, bool any)
{
	struct sockaddr_storage address = { 0 };

	if (any)
		memcpy(&address, to, len);
	if (memcmp(&address, &probe->to, sizeof(address)) == 0)
		return;
	probe->to = address;
	probe->to_len = (socklen_t)len;
	probe->judged = probe->said = false;
}

void ks_health_targets(struct ks_health *health, uint32_t source4, const struct in6_addr *source6)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(source4) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = *source6 };

	target(&health->four, &four, sizeof(four), source4 != 0);
	target(&health->six, &six, sizeof(six), !IN6_IS_ADDR_UNSPECIFIED(source6));
}

static bool missing(const struct probe *probe)
{
	int64_t last_us = probe->answered_us > probe->judged_from_us ? probe->answered_us : probe->judged_from_us;

	return probe->judged && ks_mono_us(&ks_clock_system) - last_us > KS_HEALTH_PATIENCE_US;
}

const char *ks_health_fault(const struct ks_health *health)
{
	if (missing(&health->four))
		return "no answer to IPv4 echo requests through the TUN";
	if (missing(&health->six))
		return "no answer to IPv6 echo requests through the TUN";
	return NULL;
}

bool ks_health_judges(const struct ks_health *health)
{
	return health->four.judged || health->six.judged;
}
