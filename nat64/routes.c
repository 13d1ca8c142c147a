/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/routes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

#define ROOM_FIRST 64

/* A request with its two attributes: an address, and an interface. */
struct request {
	struct nlmsghdr head;
	struct rtmsg route;
	uint8_t attributes[64];
};

int ks_routes_add(struct ks_routes *routes, uint8_t family, const void *address, uint8_t length)
{
	struct ks_route *route;

	if (routes->n >= KS_ROUTES_MAX)
		return KS_ELIMIT;
	if (routes->n == routes->room) {
		size_t room = routes->room != 0 ? routes->room * 2 : ROOM_FIRST;
		struct ks_route *items = realloc(routes->items, room * sizeof(*items));

		if (items == NULL)
			return -ENOMEM;
		routes->items = items;
		routes->room = room;
	}
	route = &routes->items[routes->n++];
	*route = (struct ks_route){ .family = family, .length = length };
	memcpy(route->address, address, family == AF_INET ? 4 : 16);
	return KS_EOK;
}

void ks_routes_free(struct ks_routes *routes)
{
	free(routes->items);
	*routes = (struct ks_routes){ 0 };
}

int ks_routes_wanted(struct ks_routes *routes, const struct ks_table *table, const struct ks_xlat_settings *xlat)
{
	const struct ks_prefix *prefix = ks_table_prefix(table);
	uint32_t own4 = htonl(xlat->source4);
	int err = KS_EOK;

	for (uint32_t slot = 0; slot < ks_table_slots(table) && err == KS_EOK; slot++) {
		const struct ks_mapping *mapping = ks_table_mapping(table, slot);
		uint32_t v4 = mapping != NULL ? htonl(mapping->v4) : 0;

		err = mapping != NULL ? ks_routes_add(routes, AF_INET, &v4, mapping->length4) :
			ks_routes_add(routes, AF_INET6, &ks_table_mapping66(table, slot)->global, 128);
	}
	if (err == KS_EOK && prefix != NULL && prefix->length != 0)
		err = ks_routes_add(routes, AF_INET6, &prefix->address, prefix->length);
	if (err == KS_EOK && own4 != 0)
		err = ks_routes_add(routes, AF_INET, &own4, 32);
	if (err == KS_EOK && !IN6_IS_ADDR_UNSPECIFIED(&xlat->source6))
		err = ks_routes_add(routes, AF_INET6, &xlat->source6, 128);
	return err;
}

/* --- rtnetlink --------------------------------------------------------------------------------------------- */

static void attribute(struct request *request, unsigned short type, const void *bytes, size_t len)
{
	struct rtattr *attribute = (struct rtattr *)(void *)((uint8_t *)request + NLMSG_ALIGN(request->head.nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = (unsigned short)RTA_LENGTH(len);
	memcpy(RTA_DATA(attribute), bytes, len);
	request->head.nlmsg_len = NLMSG_ALIGN(request->head.nlmsg_len) + (uint32_t)RTA_SPACE(len);
}

static int talk(int fd, struct request *request)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		uint8_t rest[1024];
	} answer;

	request->head.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (send(fd, request, request->head.nlmsg_len, 0) < 0)
		return -errno;
	if (recv(fd, &answer, sizeof(answer), 0) < (ssize_t)NLMSG_LENGTH(sizeof(answer.error)) ||
	    answer.head.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return answer.error.error;
}

static int open_netlink(void)
{
	struct timeval patience = { 5, 0 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static int change(int fd, unsigned index, const struct ks_route *route, bool add)
{
	struct request request = {
		.head = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
			  .nlmsg_type = add ? RTM_NEWROUTE : RTM_DELROUTE,
			  .nlmsg_flags = add ? NLM_F_CREATE | NLM_F_REPLACE : 0 },
		.route = { .rtm_family = route->family,
			   .rtm_dst_len = route->length,
			   .rtm_table = RT_TABLE_MAIN,
			   .rtm_protocol = RTPROT_STATIC,
			   .rtm_type = RTN_UNICAST,
			   .rtm_scope = route->family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE },
	};
	int err;

	attribute(&request, RTA_DST, route->address, route->family == AF_INET ? 4 : 16);
	attribute(&request, RTA_OIF, &index, sizeof(index));
	err = talk(fd, &request);
	return (add && err == -EEXIST) || (!add && err == -ESRCH) ? KS_EOK : err;
}

/* --- sets ----------------------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ks_route));
}

static void sort(struct ks_routes *routes)
{
	if (routes->n > 1)
		qsort(routes->items, routes->n, sizeof(*routes->items), compare);
}

/* Each of `these` that is not among `others`. */
static int change_missing(int fd, unsigned index, const struct ks_routes *these, const struct ks_routes *others,
			  bool add)
{
	int first = KS_EOK;

	for (size_t i = 0, j = 0; i < these->n; i++) {
		const struct ks_route *route = &these->items[i];
		char text[INET6_ADDRSTRLEN];
		int err;

		while (j < others->n && compare(&others->items[j], route) < 0)
			j++;
		if (j < others->n && compare(&others->items[j], route) == 0)
			continue;
		err = change(fd, index, route, add);
		if (err != KS_EOK && first == KS_EOK)
			ks_error("routes", "%s the route to %s/%u: %s%s", add ? "adding" : "removing",
				 inet_ntop(route->family, route->address, text, sizeof(text)), route->length,
				 ks_strerror(err), err == -EPERM ? "; needs the capability CAP_NET_ADMIN" : "");
		ks_keep_first(&first, err);
	}
	return first;
}

int ks_routes_apply(unsigned index, struct ks_routes *had, struct ks_routes *wanted)
{
	int fd = open_netlink(), err;

	if (fd < 0) {
		ks_error("routes", "netlink: %s", ks_strerror(fd));
		return fd;
	}
	sort(had);
	sort(wanted);
	err = change_missing(fd, index, wanted, had, true);
	ks_keep_first(&err, change_missing(fd, index, had, wanted, false));
	close(fd);
	return err;
}
