/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/push.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/wire/lookup.h"
#include "lib/wire/sender.h"
#include "lib/wire/udp.h"

_Static_assert(KS_PUSH_PEERS_MAX == KS_PEERS_MAX, "the contract's limit is the sender's");

#define PPM_PER_PERCENT 10000
#define LOSS_MAX_PERCENT 50
#define SEND_BATCH 64			/* datagrams per sendmmsg */
#define LOOKUP_POLL_US (20 * KS_US_PER_MS)
#define REVIEW_US (1 * KS_US_PER_S)

/* After this much silence a peer's socket is opened anew: its name may have moved, or our own address. */
#define REOPEN_MIN_US (5 * KS_US_PER_S)
#define REOPEN_MAX_US (60 * KS_US_PER_S)

/* Each peer has a connected socket, so that the network's refusals say whose they are. */
struct push_peer {
	struct ks_push *push;
	size_t number;
	char name[KS_PEER_NAME_MAX + 1], address[KS_PEER_ADDRESS_MAX + 1];
	int fd;			/* -1: none yet */
	struct event *readable;
	struct ks_lookup *lookup;
	bool looking;
	int64_t opened_us, reopen_us;
	bool failure_logged;
};

struct ks_push {
	struct event_base *base;
	struct ks_sender *sender;
	struct event *due, *review;
	struct push_peer *peers[KS_PUSH_PEERS_MAX];
	size_t n_peers;
};

static int64_t now_us(void)
{
	return ks_mono_us(&ks_clock_system);
}

static void set_timer(struct event *timer, int64_t in_us)
{
	const struct timeval tv = { in_us / KS_US_PER_S, in_us % KS_US_PER_S };

	event_add(timer, &tv);
}

/* Does what is due and comes back when something is. */
static void run(struct ks_push *push)
{
	int64_t due_us = ks_sender_tick(push->sender), in_us;

	if (due_us == INT64_MAX)
		return;
	in_us = due_us - now_us();
	set_timer(push->due, in_us > 0 ? in_us : 0);
}

static void on_due(evutil_socket_t fd, short events, void *ctx)
{
	(void)fd;
	(void)events;
	run(ctx);
}

static int send_datagrams(void *ctx, size_t number, const struct iovec *datagrams, size_t n)
{
	const struct push_peer *peer = ((struct ks_push *)ctx)->peers[number];
	struct mmsghdr messages[SEND_BATCH] = { 0 };
	int done;

	if (peer->fd < 0)
		return 0;
	if (n > SEND_BATCH)
		n = SEND_BATCH;
	for (size_t i = 0; i < n; i++) {
		messages[i].msg_hdr.msg_iov = (struct iovec *)(uintptr_t)&datagrams[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	done = sendmmsg(peer->fd, messages, (unsigned)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	return done >= 0 ? done : -errno;
}

static void on_readable(evutil_socket_t fd, short events, void *ctx)
{
	struct push_peer *peer = ctx;
	uint8_t datagram[KS_UDP_DATAGRAM];

	(void)events;
	for (int i = 0; i < KS_UDP_BATCH; i++) {
		ssize_t len = recv(fd, datagram, sizeof(datagram), MSG_DONTWAIT);

		if (len >= 0)
			ks_sender_input(peer->push->sender, peer->number, datagram, (size_t)len);
		else if (errno == ECONNREFUSED)
			ks_sender_refused(peer->push->sender, peer->number);
		else
			break;
	}
	run(peer->push);
}

static void close_peer(struct push_peer *peer)
{
	if (peer->readable != NULL)
		event_free(peer->readable);
	peer->readable = NULL;
	if (peer->fd >= 0)
		close(peer->fd);
	peer->fd = -1;
}

static int connect_peer(struct push_peer *peer, const struct sockaddr_storage *address, socklen_t len)
{
	int fd = ks_udp_socket(address->ss_family), err;

	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)address, len) != 0) {
		err = -errno;
		close(fd);
		return err;
	}
	close_peer(peer);
	peer->fd = fd;
	peer->readable = event_new(peer->push->base, fd, EV_READ | EV_PERSIST, on_readable, peer);
	if (peer->readable != NULL && event_add(peer->readable, NULL) == 0)
		return KS_EOK;
	close_peer(peer);
	return -ENOMEM;
}

static void log_failure(struct push_peer *peer, const char *what, const char *why)
{
	if (peer->failure_logged)
		return;
	peer->failure_logged = true;
	ks_warn("wire", "relay %s (%s): %s: %s; trying again. Check the address", peer->name, peer->address, what, why);
}

/* Begins to open or reopen a peer's socket; an old one stays in use until there is a new one. */
static void start_open(struct push_peer *peer)
{
	peer->looking = true;
	peer->opened_us = now_us();
	ks_lookup_start(peer->lookup);
}

static void try_open(struct push_peer *peer)
{
	struct sockaddr_storage address;
	socklen_t len;
	const char *why;
	int err = ks_lookup_result(peer->lookup, &address, &len, &why);

	if (err == KS_ENOTYET)
		return;
	peer->looking = false;
	if (err != KS_EOK) {
		log_failure(peer, "its name cannot be looked up", why);
		return;
	}
	err = connect_peer(peer, &address, len);
	if (err != KS_EOK)
		log_failure(peer, "no socket can be opened to it", ks_strerror(err));
	else
		peer->failure_logged = false;
}

static void review_peer(struct push_peer *peer)
{
	int64_t now = now_us(), silent_us = ks_sender_silent_since_us(peer->push->sender, peer->number);

	if (peer->looking)
		try_open(peer);
	else if (silent_us == 0)
		peer->reopen_us = REOPEN_MIN_US;
	else if (now - silent_us >= peer->reopen_us && now - peer->opened_us >= peer->reopen_us) {
		start_open(peer);
		peer->reopen_us = peer->reopen_us < REOPEN_MAX_US / 2 ? 2 * peer->reopen_us : REOPEN_MAX_US;
	}
}

static void on_review(evutil_socket_t fd, short events, void *ctx)
{
	struct ks_push *push = ctx;
	bool looking = false;

	(void)fd;
	(void)events;
	for (size_t i = 0; i < push->n_peers; i++) {
		review_peer(push->peers[i]);
		looking |= push->peers[i]->looking;
	}
	set_timer(push->review, looking ? LOOKUP_POLL_US : REVIEW_US);
}

int ks_push_new(struct ks_push **out, struct event_base *base, const struct ks_push_settings *settings)
{
	const struct ks_sender_settings core = { .datagram = settings->datagram,
						 .loss_ppm = settings->loss_percent * PPM_PER_PERCENT };
	struct ks_push *push;
	struct ks_sender_ops ops = { &ks_clock_system, ks_udp_random, send_datagrams, NULL };
	int err;

	if (settings->loss_percent > LOSS_MAX_PERCENT)
		return KS_ELIMIT;
	push = calloc(1, sizeof(*push));
	if (push == NULL)
		return -ENOMEM;
	push->base = base;
	ops.ctx = push;
	err = ks_sender_new(&push->sender, &core, &ops);
	if (err == KS_EOK) {
		push->due = evtimer_new(base, on_due, push);
		push->review = evtimer_new(base, on_review, push);
		if (push->due == NULL || push->review == NULL)
			err = -ENOMEM;
	}
	if (err != KS_EOK) {
		ks_push_free(push);
		return err;
	}
	set_timer(push->review, REVIEW_US);
	*out = push;
	return KS_EOK;
}

static void free_peer(struct push_peer *peer)
{
	close_peer(peer);
	ks_lookup_free(peer->lookup);
	free(peer);
}

void ks_push_free(struct ks_push *push)
{
	if (push == NULL)
		return;
	for (size_t i = 0; i < push->n_peers; i++)
		free_peer(push->peers[i]);
	if (push->due != NULL)
		event_free(push->due);
	if (push->review != NULL)
		event_free(push->review);
	ks_sender_free(push->sender);
	free(push);
}

static int new_peer(struct ks_push *push, const char *name, const char *address, const struct ks_psk *key)
{
	struct push_peer *peer = calloc(1, sizeof(*peer));
	int err;

	if (peer == NULL)
		return -ENOMEM;
	peer->push = push;
	peer->fd = -1;
	peer->reopen_us = REOPEN_MIN_US;
	err = ks_lookup_new(&peer->lookup, address);
	if (err == KS_EOK)
		err = ks_sender_add(push->sender, name, address, key, &peer->number);
	if (err != KS_EOK) {
		if (peer->lookup != NULL)
			ks_lookup_free(peer->lookup);
		free(peer);
		return err;
	}
	strcpy(peer->name, name);
	strcpy(peer->address, address);
	push->peers[push->n_peers++] = peer;
	start_open(peer);
	try_open(peer);
	return KS_EOK;
}

int ks_push_add(struct ks_push *push, const char *name, const char *address, const struct ks_psk *key)
{
	int err = new_peer(push, name, address, key);

	if (err == KS_EMALFORMED)
		ks_error("wire", "relay %s: expected an address like 192.0.2.1:7510, [2001:db8::1]:7510 or name:7510, "
			 "got '%s'", name, address);
	else if (err == KS_ELIMIT)
		ks_error("wire", "relay %s (%s): more than %d relays, or a name above %d or an address above %d "
			 "characters", name, address, KS_PUSH_PEERS_MAX, KS_PEER_NAME_MAX, KS_PEER_ADDRESS_MAX);
	else if (err != KS_EOK)
		ks_error("wire", "relay %s (%s): %s", name, address, ks_strerror(err));
	if (err != KS_EOK)
		return err;
	set_timer(push->review, LOOKUP_POLL_US);
	run(push);
	return KS_EOK;
}

int ks_push_frame(struct ks_push *push, const struct ks_frame *frame)
{
	int err = ks_sender_object(push->sender, frame->m.id, frame->m.source,
				   (int64_t)frame->m.period_ms * KS_US_PER_MS, frame->bytes, frame->len);

	if (err == KS_EOK)
		run(push);
	return err;
}

size_t ks_push_connected(const struct ks_push *push)
{
	size_t n = 0;

	for (size_t i = 0; i < push->n_peers; i++)
		n += ks_sender_connected(push->sender, i);
	return n;
}

void ks_push_metrics(const struct ks_push *push, FILE *out)
{
	ks_sender_metrics(push->sender, out);
}
