/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/pumped.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "mod_sentry/counters.h"
#include "tests/unit/stored.h"

#define DEADLINE_US (30 * KS_US_PER_S)	/* of the machine's clock */

static void need(bool true_)
{
	if (!true_)
		abort();
}

static int64_t now(void *ctx)
{
	return ((struct pumped *)ctx)->now_us;
}

/* --- a carrier --------------------------------------------------------------------------------------------------- */

#ifdef PUMPED_CARRIED
/* Bytes go through it as they are, but in records, of which the last one that was begun is kept until it is in the
 * socket; and they come in small pieces, each when the one before was asked for. */
#define RECORD 4096
#define PIECE 500

struct carried {
	struct ks_carrier carrier;
	int fd;
	char kept[RECORD];
	size_t len, at;
	bool owes;
};

static struct carried *carried_of(struct ks_carrier *carrier)
{
	return (struct carried *)carrier;
}

static ssize_t carried_receive(struct ks_carrier *carrier, char *bytes, size_t room)
{
	return recv(carried_of(carrier)->fd, bytes, room < PIECE ? room : PIECE, MSG_DONTWAIT);
}

/* False when nobody is there. */
static bool push(struct carried *c)
{
	ssize_t n = 1;

	while (c->at < c->len && n > 0) {
		n = send(c->fd, c->kept + c->at, c->len - c->at, MSG_DONTWAIT | MSG_NOSIGNAL);
		c->at += n > 0 ? (size_t)n : 0;
	}
	return n > 0 || errno == EAGAIN;
}

static ssize_t fail(int error)
{
	errno = error;
	return -1;
}

static ssize_t carried_send(struct ks_carrier *carrier, const struct iovec *pieces, int n)
{
	struct carried *c = carried_of(carrier);
	ssize_t taken = 0;

	if (!push(c))
		return fail(EPIPE);
	if (c->at < c->len)
		return fail(EAGAIN);
	if (c->owes) {
		need(n == 1 && pieces[0].iov_len == 1);
		c->owes = false;
		return 1;
	}
	for (int i = 0; i < n; i++)
		for (size_t at = 0; at < pieces[i].iov_len; at += c->len) {
			if (c->at < c->len)
				return taken > 0 ? taken : fail(EAGAIN);
			c->at = 0;
			c->len = pieces[i].iov_len - at < RECORD ? pieces[i].iov_len - at : RECORD;
			memcpy(c->kept, (const char *)pieces[i].iov_base + at, c->len);
			if (!push(c))
				return fail(EPIPE);
			taken += (ssize_t)c->len;
		}
	c->owes = c->at < c->len;
	taken -= c->owes;
	return taken > 0 ? taken : fail(EAGAIN);
}

static void carried_end(struct ks_carrier *carrier)
{
	need(push(carried_of(carrier)) || errno == EPIPE || errno == ECONNRESET);
}

static void carried_close(struct ks_carrier *carrier)
{
	close(carried_of(carrier)->fd);
	free(carrier);
}

static const struct ks_carrier_ops carried_ops = { carried_receive, carried_send, carried_end, carried_close };
#endif

struct ks_carrier *pumped_carrier(int fd, int64_t settled_us)
{
#ifdef PUMPED_CARRIED
	struct carried *c = calloc(1, sizeof(*c));

	need(c != NULL);
	c->carrier = (struct ks_carrier){ &carried_ops, settled_us };
	c->fd = fd;
	return &c->carrier;
#else
	(void)fd;
	(void)settled_us;
	return NULL;
#endif
}

/* --- the pump's surroundings -------------------------------------------------------------------------------------- */

static bool give_back(void *ctx, const struct ks_site *site, int fd, struct ks_carrier *carrier, const char *host,
		      const char *bytes, size_t len)
{
	struct pumped *p = ctx;

	(void)site;
	p->given++;
	if (p->refuse)
		return false;
	need(strcmp(host, PUMPED_HOST) == 0 && len <= sizeof(p->given_bytes));
	memcpy(p->given_bytes, bytes, len);
	p->given_len = len;
	if (p->given_fd >= 0)
		close(p->given_fd);
	p->given_fd = fd;
	free(carrier);
	return true;
}

static void answered(void *ctx, const struct ks_pump_answered *what)
{
	/* Log lines are made of it. */
	need(what->request.len > 0 && memcmp(what->request.at + what->request.len - 4, "\r\n\r\n", 4) == 0);
	((struct pumped *)ctx)->answered++;
}

void pumped_open(struct pumped *p, const char *dir)
{
	static const struct ks_store_shape shape = { 16, KS_STORE_BYTES_DEFAULT };
	static const char *const no_sections[] = { NULL };
	static void *counters;
	const struct ks_pump_ops ops = { give_back, answered, p, p };

	memset(p, 0, sizeof(*p));
	p->now_us = PUMPED_START_US;
	p->clock = (struct ks_clock){ now, now, p };
	p->given_fd = -1;
	p->dir = dir;
	p->site = (struct ks_site){ .mount = (char *)(uintptr_t)PUMPED_MOUNT, .mount_len = strlen(PUMPED_MOUNT),
				    .sections = no_sections, .store = dir, .patience = { 3, 30 * KS_US_PER_S },
				    .idle_us = 15 * KS_US_PER_S, .stall_us = 5 * KS_US_PER_S,
				    .spread_us = 100 * KS_US_PER_MS, .wait_max_ms = 20000 };
	if (counters == NULL) {
		need((counters = ks_counters_new()) != NULL);
		ks_counters_use(counters);
	}
	need(ks_store_writer_open(&p->writer, dir, STORED_CHANNEL, STORED_RENDITION, &shape, &p->clock) == KS_EOK);
	need(stored_publish(p->writer, 7, 1, 5000) == KS_EOK);
	need((p->stores = ks_stores_new()) != NULL);
	need(ks_pump_new(&p->pump, p->stores, &ops, &p->clock) == KS_EOK);
}

void pumped_close(struct pumped *p)
{
	ks_pump_free(p->pump);
	ks_stores_free(p->stores);
	ks_store_writer_close(p->writer);
	if (p->given_fd >= 0)
		close(p->given_fd);
}

static bool is_newest(const struct pumped *p, uint32_t seq)
{
	for (const struct ks_feed *feed = p->pump->feeds; feed != NULL; feed = feed->next)
		if (feed->picture == NULL || feed->picture->m.id.seq != seq)
			return false;
	return true;
}

void pumped_seen(struct pumped *p, uint32_t seq)
{
	int64_t until_us = ks_mono_us(&ks_clock_system) + DEADLINE_US;

	while (!is_newest(p, seq)) {
		need(ks_mono_us(&ks_clock_system) < until_us);
		ks_pump_turn(p->pump, KS_US_PER_MS);
	}
}

void pumped_publish(struct pumped *p, uint32_t seq, uint32_t length)
{
	need(stored_publish(p->writer, 7, seq, length) == KS_EOK);
	pumped_seen(p, seq);
}

void pumped_pass(struct pumped *p, int64_t us, int64_t step_us)
{
	while (us > 0) {
		p->now_us += us < step_us ? us : step_us;
		us -= step_us;
		ks_pump_turn(p->pump, 0);
	}
}

static int hand_over(struct pumped *p, const struct ks_site *site, int ours, int peers, const char *bytes, size_t len)
{
	struct ks_carrier *carrier = pumped_carrier(ours, 0);

	if (ks_pump_take(p->pump, site, ours, carrier, PUMPED_HOST, bytes, len))
		return peers;
	free(carrier);
	close(ours);
	close(peers);
	return -1;
}

int pumped_take(struct pumped *p, const struct ks_site *site, const char *bytes, size_t len)
{
	int pair[2];

	need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	return hand_over(p, site, pair[0], pair[1], bytes, len);
}

int pumped_take_tcp(struct pumped *p, const char *bytes, size_t len)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t address_len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), peers = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ours;

	need(listener >= 0 && peers >= 0 && bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	     listen(listener, 1) == 0 && getsockname(listener, (struct sockaddr *)&address, &address_len) == 0 &&
	     connect(peers, (struct sockaddr *)&address, sizeof(address)) == 0);
	ours = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	need(ours >= 0 && fcntl(peers, F_SETFL, O_NONBLOCK) == 0);
	close(listener);
	return hand_over(p, &p->site, ours, peers, bytes, len);
}

size_t pumped_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	need(dir != NULL);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}
