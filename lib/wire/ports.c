/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/ports.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/util.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/metrics.h"

#define PATIENCE_US KS_US_PER_S
#define SLOTS (KS_LISTENERS_MAX + KS_DIALS_MAX)	/* listeners first */

/* An endpoint's bytes: no padding, so that equal ones are equal byte by byte. */
struct path {
	uint8_t peer[16];	/* an IPv4 address has the first four */
	uint32_t scope;
	uint16_t port, family;
	uint8_t local[16];	/* of a listener; zeros: a dial's, which is connected */
	uint32_t interface;
	uint32_t generation;	/* of the socket: a slot is used again */
	uint32_t slot;
};

#define PEER_LEN offsetof(struct path, local)
_Static_assert(sizeof(struct path) <= KS_ENDPOINT_MAX, "a path fits into an endpoint");
_Static_assert(sizeof(struct path) == 52 && PEER_LEN == 24, "without padding");

struct port {
	struct ks_ports *ports;
	struct ks_udp udp;
	struct event *readable;
	union ks_udp_address peer;	/* of a dial */
	uint32_t slot;
	uint32_t generation, first;	/* of this socket, and of the first of this dial */
	uint32_t overflows;		/* as the kernel counted them last */
};

struct ks_ports {
	struct event_base *base;
	struct ks_ports_ops ops;
	struct ks_udp_batch *batch;
	struct port *slots[SLOTS];
	uint32_t generation;
	bool patient;
	int64_t patient_until_us;
	ks_counter send_errors, receive_errors, unrouted, overflows;
};

static bool is_listener(const struct port *port)
{
	return port->slot < KS_LISTENERS_MAX;
}

static void write_endpoint(const struct port *port, const struct ks_udp_route *route, struct ks_endpoint *out)
{
	struct path path = { .slot = port->slot, .generation = port->generation, .family = route->peer.any.sa_family };

	if (path.family == AF_INET) {
		memcpy(path.peer, &route->peer.v4.sin_addr, sizeof(route->peer.v4.sin_addr));
		memcpy(path.local, &route->local.v4, sizeof(route->local.v4));
		path.port = route->peer.v4.sin_port;
	} else {
		memcpy(path.peer, &route->peer.v6.sin6_addr, sizeof(path.peer));
		memcpy(path.local, &route->local.v6, sizeof(path.local));
		path.port = route->peer.v6.sin6_port;
		path.scope = route->peer.v6.sin6_scope_id;
		path.interface = route->interface;
	}
	memset(out, 0, sizeof(*out));
	memcpy(out->bytes, &path, sizeof(path));
	out->len = sizeof(path);
	out->peer_len = PEER_LEN;
}

static void read_endpoint(const struct path *path, struct ks_udp_route *route)
{
	memset(route, 0, sizeof(*route));
	route->peer.any.sa_family = path->family;
	if (path->family == AF_INET) {
		memcpy(&route->peer.v4.sin_addr, path->peer, sizeof(route->peer.v4.sin_addr));
		memcpy(&route->local.v4, path->local, sizeof(route->local.v4));
		route->peer.v4.sin_port = path->port;
	} else {
		memcpy(&route->peer.v6.sin6_addr, path->peer, sizeof(path->peer));
		memcpy(&route->local.v6, path->local, sizeof(path->local));
		route->peer.v6.sin6_port = path->port;
		route->peer.v6.sin6_scope_id = path->scope;
		route->interface = path->interface;
	}
}

static void endpoint_of_dial(const struct port *port, struct ks_endpoint *out)
{
	const struct ks_udp_route route = { .peer = port->peer };

	write_endpoint(port, &route, out);
}

static void take_arrival(struct port *port, size_t number)
{
	struct ks_ports *ports = port->ports;
	struct ks_udp_arrival arrival;
	struct ks_endpoint from;

	ks_udp_arrived(ports->batch, number, &arrival);
	if (arrival.counted) {
		ks_count_add(&ports->overflows, arrival.overflows - port->overflows);
		port->overflows = arrival.overflows;
	}
	if (!is_listener(port)) {
		endpoint_of_dial(port, &from);
	} else if (arrival.routed) {
		write_endpoint(port, &arrival.route, &from);
	} else {
		ks_count(&ports->unrouted);
		return;
	}
	ports->ops.input(ports->ops.ctx, &from, arrival.bytes, arrival.len);
}

/* The kernel's word on an earlier datagram. True: reading can go on. */
static bool take_error(struct port *port, int err)
{
	struct ks_endpoint to;

	if (err == -EAGAIN)
		return false;
	if (err == -ECONNREFUSED && !is_listener(port)) {
		endpoint_of_dial(port, &to);
		port->ports->ops.refused(port->ports->ops.ctx, &to);
		return true;
	}
	/* Sending will say it again, of the first datagram that is too long. */
	if (err == -EMSGSIZE)
		return true;
	ks_count(&port->ports->receive_errors);
	return false;
}

static void on_readable(evutil_socket_t fd, short events, void *ctx)
{
	struct port *port = ctx;
	struct ks_ports *ports = port->ports;

	(void)fd;
	(void)events;
	for (int round = 0; round < KS_UDP_ROUNDS; round++) {
		int n = ks_udp_receive(&port->udp, ports->batch);

		for (int i = 0; i < n; i++)
			take_arrival(port, (size_t)i);
		if (n >= 0 ? n < KS_UDP_BATCH : !take_error(port, n))
			break;
	}
	ports->ops.idle(ports->ops.ctx);
}

static void close_socket(struct port *port)
{
	if (port->readable != NULL)
		event_free(port->readable);
	port->readable = NULL;
	ks_udp_close(&port->udp);
}

static void free_port(struct port *port)
{
	if (port == NULL)
		return;
	close_socket(port);
	port->ports->slots[port->slot] = NULL;
	free(port);
}

static struct port *new_port(struct ks_ports *ports, size_t slot)
{
	struct port *port = calloc(1, sizeof(*port));

	if (port == NULL)
		return NULL;
	port->ports = ports;
	port->udp.fd = -1;
	port->slot = (uint32_t)slot;
	port->first = ports->generation + 1;
	ports->slots[slot] = port;
	return port;
}

/* Takes a socket that is bound or connected into the port's care; closes it when it cannot be. */
static int attach(struct port *port, struct ks_udp *udp)
{
	struct event *readable = event_new(port->ports->base, udp->fd, EV_READ | EV_PERSIST, on_readable, port);

	if (readable == NULL || event_add(readable, NULL) != 0) {
		if (readable != NULL)
			event_free(readable);
		ks_udp_close(udp);
		return -ENOMEM;
	}
	close_socket(port);
	port->udp = *udp;
	port->readable = readable;
	port->generation = ++port->ports->generation;
	port->overflows = 0;
	return KS_EOK;
}

int ks_ports_new(struct ks_ports **out, struct event_base *base, const struct ks_ports_ops *ops)
{
	struct ks_ports *ports = calloc(1, sizeof(*ports));

	if (ports == NULL)
		return -ENOMEM;
	ports->base = base;
	ports->ops = *ops;
	ports->batch = ks_udp_batch_new();
	if (ports->batch == NULL) {
		free(ports);
		return -ENOMEM;
	}
	*out = ports;
	return KS_EOK;
}

void ks_ports_free(struct ks_ports *ports)
{
	if (ports == NULL)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		free_port(ports->slots[i]);
	ks_udp_batch_free(ports->batch);
	free(ports);
}

static bool parse(const char *text, union ks_udp_address *address)
{
	int len = sizeof(*address);

	memset(address, 0, sizeof(*address));
	if (evutil_parse_sockaddr_port(text, &address->any, &len) != 0 || ks_udp_port(&address->any) == 0)
		return false;
	return address->any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr);
}

static int bind_socket(struct ks_udp *udp, const union ks_udp_address *address)
{
	int err = ks_udp_open(udp, address->any.sa_family);

	if (err != KS_EOK)
		return err;
	err = ks_udp_want_routes(udp, address->any.sa_family);
	if (err == KS_EOK && bind(udp->fd, &address->any, ks_udp_address_len(address)) != 0)
		err = -errno;
	if (err != KS_EOK)
		ks_udp_close(udp);
	return err;
}

int ks_ports_listen(struct ks_ports *ports, const char *text)
{
	union ks_udp_address address;
	size_t slot = 0;
	struct port *port;
	struct ks_udp udp;
	int err;

	while (slot < KS_LISTENERS_MAX && ports->slots[slot] != NULL)
		slot++;
	if (!parse(text, &address)) {
		ks_error("wire", "listen: expected ADDRESS:PORT like [::]:7510 or 0.0.0.0:7510, got '%s'", text);
		return KS_ECONFIG;
	}
	if (slot == KS_LISTENERS_MAX) {
		ks_error("wire", "listen: more than %d addresses; give fewer with --listen", KS_LISTENERS_MAX);
		return KS_ELIMIT;
	}
	err = bind_socket(&udp, &address);
	if (err != KS_EOK) {
		ks_error("wire", "cannot listen on UDP %s: %s; choose another address or port with --listen", text,
			 ks_strerror(err));
		return err;
	}
	port = new_port(ports, slot);
	if (port == NULL) {
		ks_udp_close(&udp);
		return -ENOMEM;
	}
	err = attach(port, &udp);
	if (err != KS_EOK)
		free_port(port);
	return err;
}

int ks_ports_dial(struct ks_ports *ports, size_t *dial)
{
	size_t slot = KS_LISTENERS_MAX;

	while (slot < SLOTS && ports->slots[slot] != NULL)
		slot++;
	if (slot == SLOTS)
		return KS_ELIMIT;
	*dial = slot;
	return new_port(ports, slot) != NULL ? KS_EOK : -ENOMEM;
}

int ks_ports_open(struct ks_ports *ports, size_t dial, const union ks_udp_address *peer, struct ks_endpoint *to)
{
	struct port *port = ports->slots[dial];
	struct ks_udp udp;
	int err = ks_udp_open(&udp, peer->any.sa_family);

	if (err != KS_EOK)
		return err;
	if (connect(udp.fd, &peer->any, ks_udp_address_len(peer)) != 0) {
		err = -errno;
		ks_udp_close(&udp);
		return err;
	}
	err = attach(port, &udp);
	if (err != KS_EOK)
		return err;
	port->peer = *peer;
	endpoint_of_dial(port, to);
	return KS_EOK;
}

void ks_ports_hang_up(struct ks_ports *ports, size_t dial)
{
	free_port(ports->slots[dial]);
}

static struct port *find(struct ks_ports *ports, const struct path *path)
{
	struct port *port = path->slot < SLOTS ? ports->slots[path->slot] : NULL;
	struct ks_endpoint now;

	if (port == NULL || port->udp.fd < 0 || path->generation < port->first)
		return NULL;
	if (path->generation == port->generation)
		return port;
	endpoint_of_dial(port, &now);
	return memcmp(now.bytes, path, PEER_LEN) == 0 ? port : NULL;
}

/* The buffer was full: whether it has room now and it is worth trying again. */
static bool wait_for_room(struct ks_ports *ports, const struct port *port)
{
	struct pollfd writable = { .fd = port->udp.fd, .events = POLLOUT };
	int64_t left_us = ports->patient_until_us - ks_mono_us(&ks_clock_system);

	if (!ports->patient || left_us <= 0)
		return false;
	return poll(&writable, 1, (int)(left_us / KS_US_PER_MS) + 1) > 0;
}

int ks_ports_send(struct ks_ports *ports, const struct ks_endpoint *to, const struct iovec *datagrams, size_t n)
{
	struct ks_udp_route route;
	struct path path;
	struct port *port;
	int done;

	memcpy(&path, to->bytes, sizeof(path));
	port = find(ports, &path);
	if (port == NULL)
		return -EHOSTUNREACH;
	if (is_listener(port))
		read_endpoint(&path, &route);
	do
		done = ks_udp_send(&port->udp, is_listener(port) ? &route : NULL, datagrams, n);
	while (done == -EAGAIN && wait_for_room(ports, port));
	if (done < 0 && done != -EAGAIN && done != -ECONNREFUSED)
		ks_count(&ports->send_errors);
	return done;
}

void ks_ports_set_patient(struct ks_ports *ports)
{
	ports->patient = true;
	ports->patient_until_us = ks_mono_us(&ks_clock_system) + PATIENCE_US;
}

void ks_ports_metrics(const struct ks_ports *ports, FILE *out)
{
	size_t sockets = 0, segmenting = 0;

	for (size_t i = 0; i < SLOTS; i++) {
		const struct port *port = ports->slots[i];

		sockets += port != NULL && port->udp.fd >= 0;
		segmenting += port != NULL && port->udp.fd >= 0 && port->udp.segments;
	}
	ks_prom_counter(out, "koshien_wire_send_errors_total",
			"Times that the local network stack refused to send, a full buffer not among them.",
			&ports->send_errors);
	ks_prom_counter(out, "koshien_wire_receive_errors_total",
			"Times that the local network stack failed to receive.", &ports->receive_errors);
	ks_prom_counter(out, "koshien_wire_receive_overflows_total",
			"Datagrams that the kernel dropped as a socket's buffer was full.", &ports->overflows);
	ks_prom_counter(out, "koshien_wire_unrouted_total",
			"Datagrams dropped as the kernel did not say which address they came to.", &ports->unrouted);
	ks_prom_gauge(out, "koshien_wire_sockets", "UDP sockets that are open.", (double)sockets);
	ks_prom_gauge(out, "koshien_wire_segmenting_sockets",
		      "Of these, those for which the kernel cuts long buffers into datagrams (segmentation offload).",
		      (double)segmenting);
}
