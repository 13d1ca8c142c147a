/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/udp.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "lib/base/error.h"

#define SEND_BATCH 64			/* datagrams per sendmmsg, and per buffer that the kernel cuts */
#define SEGMENTED_MAX 65000		/* bytes of such a buffer: one IP packet less its headers */

/* Room for the address here, the length of segments, and the count of what was lost. */
#define SEND_CONTROL (CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint16_t)))
#define RECEIVE_CONTROL (CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint32_t)))

/* Each message has control data of its own, aligned. */
union receive_control {
	struct cmsghdr align;
	uint8_t bytes[RECEIVE_CONTROL];
};

struct ks_udp_batch {
	struct mmsghdr messages[KS_UDP_BATCH];
	struct iovec iovs[KS_UDP_BATCH];
	union ks_udp_address peers[KS_UDP_BATCH];
	union receive_control controls[KS_UDP_BATCH];
	uint8_t bytes[KS_UDP_BATCH][KS_UDP_DATAGRAM];
};

/* The privileged form goes above net.core.rmem_max; without privilege the ordinary one gets what that allows. */
static void set_buffer(int fd, int force, int plain)
{
	const int bytes = KS_UDP_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, force, &bytes, sizeof(bytes)) != 0)
		setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof(bytes));
}

/* DF set, and EMSGSIZE once the path is known to be narrower: a fragment lost would be a datagram lost. */
static int forbid_fragments(int fd, int family)
{
	int v4 = IP_PMTUDISC_DO, v6 = IPV6_PMTUDISC_DO, on = 1;

	if (family == AF_INET)
		return setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4, sizeof(v4));
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0)
		return -1;
	return setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6, sizeof(v6));
}

static bool can_segment(int fd)
{
	int size = 0;
	socklen_t len = sizeof(size);

	return getsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, &len) == 0;
}

int ks_udp_open(struct ks_udp *udp, int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, err;

	if (fd < 0)
		return -errno;
	if (forbid_fragments(fd, family) != 0) {
		err = -errno;
		close(fd);
		return err;
	}
	set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
	set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
	setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on));	/* a metric only */
	*udp = (struct ks_udp){ fd, can_segment(fd) };
	return KS_EOK;
}

void ks_udp_close(struct ks_udp *udp)
{
	if (udp->fd >= 0)
		close(udp->fd);
	udp->fd = -1;
}

int ks_udp_want_routes(const struct ks_udp *udp, int family)
{
	int on = 1;
	int err = family == AF_INET ? setsockopt(udp->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on))
				    : setsockopt(udp->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));

	return err == 0 ? KS_EOK : -errno;
}

socklen_t ks_udp_address_len(const union ks_udp_address *address)
{
	return address->any.sa_family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);
}

uint16_t ks_udp_port(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
	return ntohs(((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
}

static void add_control(struct msghdr *message, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *c = (void *)((uint8_t *)message->msg_control + message->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	message->msg_controllen += CMSG_SPACE(len);
}

static void add_source(struct msghdr *message, const struct ks_udp_route *route)
{
	if (route->peer.any.sa_family == AF_INET) {
		const struct in_pktinfo v4 = { .ipi_spec_dst = route->local.v4 };

		add_control(message, IPPROTO_IP, IP_PKTINFO, &v4, sizeof(v4));
	} else {
		const struct in6_pktinfo v6 = { route->local.v6, route->interface };

		add_control(message, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof(v6));
	}
}

/* Sends up to SEND_BATCH datagrams, `group` of them to a buffer that the kernel cuts; returns how many it took or
 * -errno. */
static int send_groups(const struct ks_udp *udp, const struct ks_udp_route *route, const struct iovec *datagrams,
		       size_t n, size_t group)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[SEND_CONTROL];
	} control = { 0 };
	struct mmsghdr messages[SEND_BATCH];
	struct msghdr first = { .msg_control = control.bytes };
	size_t n_messages = 0;
	int done;

	if (route != NULL) {
		first.msg_name = (void *)(uintptr_t)&route->peer;
		first.msg_namelen = ks_udp_address_len(&route->peer);
		add_source(&first, route);
	}
	if (group > 1) {
		uint16_t len = (uint16_t)datagrams[0].iov_len;

		add_control(&first, SOL_UDP, UDP_SEGMENT, &len, sizeof(len));
	}
	for (size_t i = 0; i < n; i += group) {
		struct msghdr *m = &messages[n_messages++].msg_hdr;

		*m = first;
		m->msg_iov = (struct iovec *)(uintptr_t)&datagrams[i];
		m->msg_iovlen = n - i < group ? n - i : group;
	}
	done = sendmmsg(udp->fd, messages, (unsigned)n_messages, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (done < 0)
		return -errno;
	return (size_t)done * group < n ? done * (int)group : (int)n;
}

/* What the kernel says when it cannot cut the buffer here; a path that is too narrow is among it. */
static bool is_about_segments(int err)
{
	return err == -EIO || err == -EINVAL || err == -EMSGSIZE || err == -ENOTSUP || err == -ENOPROTOOPT;
}

static size_t group_of(const struct ks_udp *udp, const struct iovec *datagrams, size_t n)
{
	size_t len = datagrams[0].iov_len, group;

	if (!udp->segments || n == 1 || len == 0 || len > SEGMENTED_MAX / 2)
		return 1;
	for (size_t i = 1; i < n; i++)
		if (datagrams[i].iov_len != len)
			return 1;
	group = SEGMENTED_MAX / len;
	return group < n ? group : n;
}

static int send_batch(struct ks_udp *udp, const struct ks_udp_route *route, const struct iovec *datagrams, size_t n)
{
	size_t group;
	int done;

	if (n > SEND_BATCH)
		n = SEND_BATCH;
	group = group_of(udp, datagrams, n);
	done = send_groups(udp, route, datagrams, n, group);
	if (group == 1 || !is_about_segments(done))
		return done;
	/* One by one each gets its own verdict. When that goes well it was the cutting that cannot be done here. */
	done = send_groups(udp, route, datagrams, n, 1);
	if (done > 0)
		udp->segments = false;
	return done;
}

int ks_udp_send(struct ks_udp *udp, const struct ks_udp_route *route, const struct iovec *datagrams, size_t n)
{
	size_t sent = 0;

	while (sent < n) {
		int done = send_batch(udp, route, datagrams + sent, n - sent);

		if (done < 0)
			return sent > 0 ? (int)sent : done;
		sent += (size_t)done;
	}
	return (int)sent;
}

struct ks_udp_batch *ks_udp_batch_new(void)
{
	struct ks_udp_batch *batch = calloc(1, sizeof(*batch));

	for (size_t i = 0; batch != NULL && i < KS_UDP_BATCH; i++) {
		struct msghdr *m = &batch->messages[i].msg_hdr;

		batch->iovs[i] = (struct iovec){ batch->bytes[i], KS_UDP_DATAGRAM };
		m->msg_name = &batch->peers[i];
		m->msg_iov = &batch->iovs[i];
		m->msg_iovlen = 1;
		m->msg_control = batch->controls[i].bytes;
	}
	return batch;
}

void ks_udp_batch_free(struct ks_udp_batch *batch)
{
	free(batch);
}

int ks_udp_receive(const struct ks_udp *udp, struct ks_udp_batch *batch)
{
	int n;

	for (size_t i = 0; i < KS_UDP_BATCH; i++) {
		batch->messages[i].msg_hdr.msg_namelen = sizeof(batch->peers[i]);
		batch->messages[i].msg_hdr.msg_controllen = RECEIVE_CONTROL;
	}
	n = recvmmsg(udp->fd, batch->messages, KS_UDP_BATCH, MSG_DONTWAIT, NULL);
	return n >= 0 ? n : -errno;
}

static void read_control(struct ks_udp_arrival *arrival, const struct cmsghdr *c)
{
	const void *data = CMSG_DATA(c);

	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo v4;

		memcpy(&v4, data, sizeof(v4));
		arrival->route.local.v4 = v4.ipi_spec_dst;
		arrival->routed = true;
	} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo v6;

		memcpy(&v6, data, sizeof(v6));
		arrival->route.local.v6 = v6.ipi6_addr;
		if (IN6_IS_ADDR_LINKLOCAL(&v6.ipi6_addr))
			arrival->route.interface = v6.ipi6_ifindex;
		arrival->routed = true;
	} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
		memcpy(&arrival->overflows, data, sizeof(arrival->overflows));
		arrival->counted = true;
	}
}

void ks_udp_arrived(const struct ks_udp_batch *batch, size_t number, struct ks_udp_arrival *arrival)
{
	struct msghdr *m = (struct msghdr *)(uintptr_t)&batch->messages[number].msg_hdr;

	*arrival = (struct ks_udp_arrival){ .bytes = batch->bytes[number], .len = batch->messages[number].msg_len };
	arrival->route.peer = batch->peers[number];
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c))
		read_control(arrival, c);
}

void ks_udp_random(void *ctx, void *out, size_t len)
{
	(void)ctx;
	randombytes_buf(out, len);
}
