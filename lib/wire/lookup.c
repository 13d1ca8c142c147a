/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/lookup.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <event2/util.h>

#include "lib/base/error.h"
#include "lib/wire/udp.h"

#define HOST_MAX 255
#define PORT_MAX_DIGITS 5

struct ks_lookup {
	bool numeric, pending;
	struct sockaddr_storage address;
	socklen_t address_len;
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

int ks_lookup_new(struct ks_lookup **out, const char *text)
{
	struct ks_lookup *lookup = calloc(1, sizeof(*lookup));
	int len = sizeof(lookup->address);

	if (lookup == NULL)
		return -ENOMEM;
	if (evutil_parse_sockaddr_port(text, (struct sockaddr *)&lookup->address, &len) == 0) {
		lookup->numeric = true;
		lookup->address_len = (socklen_t)len;
		/* The parser takes an address without a port, too. */
		if (ks_udp_port((struct sockaddr *)&lookup->address) == 0) {
			free(lookup);
			return KS_EMALFORMED;
		}
	} else if (!parse_name(lookup, text)) {
		free(lookup);
		return KS_EMALFORMED;
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

int ks_lookup_result(struct ks_lookup *lookup, struct sockaddr_storage *address, socklen_t *len, const char **why)
{
	const struct addrinfo *at;
	unsigned n = 0;
	int err;

	if (lookup->numeric) {
		*address = lookup->address;
		*len = lookup->address_len;
		return KS_EOK;
	}
	err = lookup->pending ? gai_error(&lookup->request) : EAI_AGAIN;
	if (err == EAI_INPROGRESS)
		return KS_ENOTYET;
	lookup->pending = false;
	if (err != 0 || lookup->request.ar_result == NULL) {
		*why = gai_strerror(err);
		return KS_ENODATA;
	}
	for (at = lookup->request.ar_result; at != NULL; at = at->ai_next)
		n++;
	n = lookup->turn++ % n;
	for (at = lookup->request.ar_result; n > 0; n--)
		at = at->ai_next;
	memcpy(address, at->ai_addr, at->ai_addrlen);
	*len = at->ai_addrlen;
	return KS_EOK;
}
