/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/lookup.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include <event2/util.h>

#include "lib/base/error.h"

#define HOST_MAX 255
#define PORT_MAX_DIGITS 5

struct ks_lookup {
	bool numeric, pending;
	union ks_udp_address address;
	char host[HOST_MAX + 1], port[PORT_MAX_DIGITS + 1];
	struct addrinfo hints;
	struct gaicb request;
	unsigned turn;
};

static bool is_port(const char *text)
{
	size_t len = strlen(text);
	long port = strtol(text, NULL, 10);

	return len > 0 && len <= PORT_MAX_DIGITS && strspn(text, "0123456789") == len && port > 0 && port < 65536;
}

static bool parse_name(struct ks_lookup *lookup, const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon != NULL ? (size_t)(colon - text) : 0;

	if (len == 0 || len > HOST_MAX || memchr(text, ':', len) != NULL || !is_port(colon + 1))
		return false;
	memcpy(lookup->host, text, len);
	strcpy(lookup->port, colon + 1);
	return strpbrk(lookup->host, "[]/ \t") == NULL;
}

/* KS_EOK, KS_EMALFORMED, or KS_ENODATA when it is no address and may be a name. */
static int parse_address(struct ks_lookup *lookup, const char *text)
{
	union ks_udp_address *address = &lookup->address;
	int len = sizeof(*address);

	if (evutil_parse_sockaddr_port(text, &address->any, &len) != 0)
		return KS_ENODATA;
	/* The parser takes an address without a port, too. */
	if (ks_udp_port(&address->any) == 0)
		return KS_EMALFORMED;
	if (address->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr))
		return KS_EMALFORMED;
	lookup->numeric = true;
	return KS_EOK;
}

int ks_lookup_new(struct ks_lookup **out, const char *text)
{
	struct ks_lookup *lookup = calloc(1, sizeof(*lookup));
	int err;

	if (lookup == NULL)
		return -ENOMEM;
	err = parse_address(lookup, text);
	if (err == KS_ENODATA)
		err = parse_name(lookup, text) ? KS_EOK : KS_EMALFORMED;
	if (err != KS_EOK) {
		free(lookup);
		return err;
	}
	lookup->hints = (struct addrinfo){ .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM,
					   .ai_flags = AI_ADDRCONFIG };
	*out = lookup;
	return KS_EOK;
}

void ks_lookup_free(struct ks_lookup *lookup)
{
	const struct gaicb *const list[] = { &lookup->request };
	const struct timespec limit = { 1, 0 };

	if (lookup->pending && gai_cancel(&lookup->request) == EAI_NOTCANCELED) {
		gai_suspend(list, 1, &limit);
		if (gai_error(&lookup->request) == EAI_INPROGRESS)
			return;		/* the resolver still writes to it: it stays until the process ends */
	}
	if (lookup->request.ar_result != NULL)
		freeaddrinfo(lookup->request.ar_result);
	free(lookup);
}

bool ks_lookup_numeric(const struct ks_lookup *lookup)
{
	return lookup->numeric;
}

void ks_lookup_start(struct ks_lookup *lookup)
{
	struct gaicb *list[] = { &lookup->request };

	if (lookup->numeric || lookup->pending)
		return;
	if (lookup->request.ar_result != NULL)
		freeaddrinfo(lookup->request.ar_result);
	lookup->request = (struct gaicb){ .ar_name = lookup->host, .ar_service = lookup->port,
					  .ar_request = &lookup->hints };
	lookup->pending = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL) == 0;
}

static bool is_usable(const struct addrinfo *at)
{
	return (at->ai_family == AF_INET || at->ai_family == AF_INET6) &&
	       at->ai_addrlen <= sizeof(union ks_udp_address);
}

size_t ks_lookup_count(const struct ks_lookup *lookup)
{
	size_t n = 0;

	if (lookup->numeric)
		return 1;
	if (lookup->pending)
		return 0;
	for (const struct addrinfo *at = lookup->request.ar_result; at != NULL; at = at->ai_next)
		n += is_usable(at);
	return n;
}

bool ks_lookup_holds(const struct ks_lookup *lookup, const union ks_udp_address *address)
{
	if (lookup->numeric)
		return memcmp(&lookup->address, address, ks_udp_address_len(address)) == 0;
	if (lookup->pending)
		return false;
	for (const struct addrinfo *at = lookup->request.ar_result; at != NULL; at = at->ai_next)
		if (is_usable(at) && at->ai_addrlen == ks_udp_address_len(address) &&
		    memcmp(at->ai_addr, address, at->ai_addrlen) == 0)
			return true;
	return false;
}

int ks_lookup_result(struct ks_lookup *lookup, union ks_udp_address *address, const char **why)
{
	const struct addrinfo *at;
	size_t n;
	int err;

	if (lookup->numeric) {
		*address = lookup->address;
		return KS_EOK;
	}
	err = lookup->pending ? gai_error(&lookup->request) : 0;
	if (err == EAI_INPROGRESS)
		return KS_ENOTYET;
	lookup->pending = false;
	n = err == 0 ? ks_lookup_count(lookup) : 0;
	if (n == 0) {
		*why = gai_strerror(err != 0 ? err : EAI_NODATA);
		return KS_ENODATA;
	}
	n = lookup->turn++ % n;
	for (at = lookup->request.ar_result; !is_usable(at) || n-- > 0; at = at->ai_next)
		;
	memset(address, 0, sizeof(*address));
	memcpy(address, at->ai_addr, at->ai_addrlen);
	return KS_EOK;
}
