/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/intake.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/util.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "lib/wire/receiver.h"
#include "lib/wire/udp.h"

#define LISTENERS_MAX 16
#define CONTROL_SIZE CMSG_SPACE(sizeof(struct in6_pktinfo))

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Both ends of a datagram: an answer leaves from the address that the sender knows, whichever address of this
 * machine that is. */
struct path {
	int fd;
	union address peer;
	union {
		struct in_pktinfo v4;
		struct in6_pktinfo v6;
	} local;
};

_Static_assert(sizeof(struct path) <= KS_ENDPOINT_MAX, "a path fits into an endpoint");

struct listener {
	struct ks_intake *intake;
	int fd;
	struct event *readable;
};

struct ks_intake {
	struct event_base *base;
	struct ks_receiver *receiver;
	ks_intake_deliver *deliver;
	void *ctx;
	struct event *timer;
	struct listener listeners[LISTENERS_MAX];
	size_t n_listeners;
	ks_counter reply_errors;
	uint8_t datagrams[KS_UDP_BATCH][KS_UDP_DATAGRAM];
	uint8_t control[KS_UDP_BATCH][CONTROL_SIZE];
};

static void deliver_object(void *ctx, const uint8_t *bytes, size_t len)
{
	struct ks_intake *intake = ctx;

	intake->deliver(intake->ctx, bytes, len);
}

/* Writes where the answer is to come from. */
static void set_source(struct msghdr *message, const struct path *path)
{
	bool v4 = path->peer.any.sa_family == AF_INET;
	size_t len = v4 ? sizeof(path->local.v4) : sizeof(path->local.v6);
	struct cmsghdr *c = message->msg_control;

	message->msg_controllen = CMSG_SPACE(len);
	c->cmsg_level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
	c->cmsg_type = v4 ? IP_PKTINFO : IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), &path->local, len);
}

static void send_reply(void *ctx, const struct ks_endpoint *to, const uint8_t *bytes, size_t len)
{
	struct ks_intake *intake = ctx;
	struct iovec iov = { (void *)(uintptr_t)bytes, len };
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_SIZE] = { 0 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control };
	struct path path;

	memcpy(&path, to->bytes, sizeof(path));
	message.msg_name = &path.peer;
	message.msg_namelen = path.peer.any.sa_family == AF_INET ? sizeof(path.peer.v4) : sizeof(path.peer.v6);
	set_source(&message, &path);
	if (sendmsg(path.fd, &message, 0) < 0)
		ks_count(&intake->reply_errors);
}

static void tick(evutil_socket_t fd, short events, void *ctx)
{
	struct ks_intake *intake = ctx;

	(void)fd;
	(void)events;
	ks_receiver_tick(intake->receiver);
}

int ks_intake_new(struct ks_intake **out, struct event_base *base, const struct ks_psk *keys, size_t n_keys,
		  ks_intake_deliver *deliver, void *ctx)
{
	static const struct timeval period = { 0, KS_RECEIVER_TICK_US };
	struct ks_intake *intake = calloc(1, sizeof(*intake));
	struct ks_receiver_ops ops = { &ks_clock_system, ks_udp_random, send_reply, deliver_object, intake };
	int err;

	if (intake == NULL)
		return -ENOMEM;
	intake->base = base;
	intake->deliver = deliver;
	intake->ctx = ctx;
	err = ks_receiver_new(&intake->receiver, &ops);
	if (err == KS_EOK)
		err = ks_receiver_set_keys(intake->receiver, keys, n_keys);
	if (err == KS_EOK) {
		intake->timer = event_new(base, -1, EV_PERSIST, tick, intake);
		if (intake->timer == NULL || event_add(intake->timer, &period) != 0)
			err = -ENOMEM;
	}
	if (err != KS_EOK) {
		ks_intake_free(intake);
		return err;
	}
	*out = intake;
	return KS_EOK;
}

void ks_intake_free(struct ks_intake *intake)
{
	if (intake == NULL)
		return;
	for (size_t i = 0; i < intake->n_listeners; i++) {
		event_free(intake->listeners[i].readable);
		close(intake->listeners[i].fd);
	}
	if (intake->timer != NULL)
		event_free(intake->timer);
	ks_receiver_free(intake->receiver);
	free(intake);
}

/* False when the kernel did not say which of our addresses the datagram came to. */
static bool read_path(struct path *path, struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&path->local.v4, CMSG_DATA(c), sizeof(path->local.v4));
			path->local.v4.ipi_ifindex = 0;		/* routing chooses the interface */
			return true;
		}
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&path->local.v6, CMSG_DATA(c), sizeof(path->local.v6));
			if (!IN6_IS_ADDR_LINKLOCAL(&path->local.v6.ipi6_addr))
				path->local.v6.ipi6_ifindex = 0;
			return true;
		}
	}
	return false;
}

/* Reads one batch; returns how many datagrams there were, or -1. */
static int read_batch(struct listener *listener)
{
	struct ks_intake *intake = listener->intake;
	struct mmsghdr messages[KS_UDP_BATCH] = { 0 };
	struct path paths[KS_UDP_BATCH];
	struct iovec iovs[KS_UDP_BATCH];
	int n;

	memset(paths, 0, sizeof(paths));
	for (size_t i = 0; i < KS_UDP_BATCH; i++) {
		struct msghdr *m = &messages[i].msg_hdr;

		iovs[i] = (struct iovec){ intake->datagrams[i], KS_UDP_DATAGRAM };
		m->msg_name = &paths[i].peer;
		m->msg_namelen = sizeof(paths[i].peer);
		m->msg_iov = &iovs[i];
		m->msg_iovlen = 1;
		m->msg_control = intake->control[i];
		m->msg_controllen = CONTROL_SIZE;
	}
	n = recvmmsg(listener->fd, messages, KS_UDP_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		struct ks_endpoint from = { .len = sizeof(struct path) };

		paths[i].fd = listener->fd;
		if (!read_path(&paths[i], &messages[i].msg_hdr))
			continue;
		memcpy(from.bytes, &paths[i], sizeof(struct path));
		ks_receiver_input(intake->receiver, &from, intake->datagrams[i], messages[i].msg_len);
	}
	return n;
}

static void readable(evutil_socket_t fd, short events, void *ctx)
{
	(void)fd;
	(void)events;
	for (int round = 0; round < KS_UDP_ROUNDS; round++)
		if (read_batch(ctx) < KS_UDP_BATCH)
			break;
}

static int bind_socket(const union address *address)
{
	bool v4 = address->any.sa_family == AF_INET;
	int fd = ks_udp_socket(address->any.sa_family), on = 1, err = 0;

	if (fd < 0)
		return fd;
	if (v4)
		err = setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	else if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0 ||
		 setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) != 0)
		err = -1;
	if (err == 0)
		err = bind(fd, &address->any, v4 ? sizeof(address->v4) : sizeof(address->v6));
	if (err == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int ks_intake_listen(struct ks_intake *intake, const char *text)
{
	struct listener *listener = &intake->listeners[intake->n_listeners];
	union address address;
	int len = sizeof(address), fd;

	memset(&address, 0, sizeof(address));
	if (evutil_parse_sockaddr_port(text, &address.any, &len) != 0 || ks_udp_port(&address.any) == 0) {
		ks_error("wire", "listen: expected ADDRESS:PORT like [::]:7510 or 0.0.0.0:7510, got '%s'", text);
		return KS_ECONFIG;
	}
	if (intake->n_listeners == LISTENERS_MAX) {
		ks_error("wire", "listen: more than %d addresses; give fewer with --listen", LISTENERS_MAX);
		return KS_ELIMIT;
	}
	fd = bind_socket(&address);
	if (fd < 0) {
		ks_error("wire", "cannot listen on UDP %s: %s; choose another address or port with --listen", text,
			 ks_strerror(fd));
		return fd;
	}
	listener->intake = intake;
	listener->fd = fd;
	listener->readable = event_new(intake->base, fd, EV_READ | EV_PERSIST, readable, listener);
	if (listener->readable == NULL || event_add(listener->readable, NULL) != 0) {
		if (listener->readable != NULL)
			event_free(listener->readable);
		close(fd);
		return -ENOMEM;
	}
	intake->n_listeners++;
	return KS_EOK;
}

int ks_intake_set_keys(struct ks_intake *intake, const struct ks_psk *keys, size_t n_keys)
{
	return ks_receiver_set_keys(intake->receiver, keys, n_keys);
}

int64_t ks_intake_delivered_us(const struct ks_intake *intake)
{
	return ks_receiver_delivered_us(intake->receiver);
}

void ks_intake_metrics(const struct ks_intake *intake, FILE *out)
{
	ks_receiver_metrics(intake->receiver, out);
	ks_prom_counter(out, "koshien_wire_reply_errors_total",
			"Answers to senders that the local network stack refused.", &intake->reply_errors);
}
