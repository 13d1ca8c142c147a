/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/address.h"

#include <netinet/in.h>
#include <stddef.h>

#include <event2/util.h>

#include "lib/base/error.h"
#include "lib/wire/lookup.h"

const char *ks_listen_expected(const char *text)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;
	int len = sizeof(address);

	/* An address without a port parses too, as port 0. Both families have it in the same place. Sockets are of one
	 * family: an IPv4 address that is written as an IPv6 one is for neither. */
	if (evutil_parse_sockaddr_port(text, &address.any, &len) == 0 && address.v4.sin_port != 0 &&
	    (address.any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&address.v6.sin6_addr)))
		return NULL;
	return "ADDRESS:PORT like [::1]:7510 or 192.0.2.1:7510";
}

const char *ks_peer_expected(const char *text)
{
	struct ks_lookup *lookup = NULL;
	int err = ks_lookup_new(&lookup, text);

	if (err == KS_EOK)
		ks_lookup_free(lookup);
	return err == KS_EMALFORMED ? "HOST:PORT like [2001:db8::1]:7510, 192.0.2.1:7510 or relay.example:7510" : NULL;
}
