/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/audience/origin.h"

#include <math.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

#define EXPECTED "http://HOST[:PORT][/PATH] or https://…, and =WEIGHT behind it where there are several"
#define WEIGHT_MAX 1e6

/* "host", "host:80", "[::1]:80"; *end is where the path begins. */
static bool parse_host(const char *text, struct swarm_origin *origin, const char **end)
{
	bool bracket = *text == '[';
	size_t len = bracket ? strcspn(++text, "]") : strcspn(text, ":/?#@ ");
	const char *at = text + len;
	int written;

	if (len == 0 || len >= sizeof(origin->name) || (bracket && *at++ != ']'))
		return false;
	snprintf(origin->name, sizeof(origin->name), "%.*s", (int)len, text);
	snprintf(origin->port, sizeof(origin->port), "%s", origin->tls ? "443" : "80");
	written = snprintf(origin->host, sizeof(origin->host), bracket ? "[%s]" : "%s", origin->name);
	if (*at == ':') {
		size_t digits = strspn(at + 1, "0123456789");

		if (digits == 0 || digits >= sizeof(origin->port) || strtol(at + 1, NULL, 10) > UINT16_MAX)
			return false;
		snprintf(origin->port, sizeof(origin->port), "%.*s", (int)digits, at + 1);
		snprintf(origin->host + written, sizeof(origin->host) - (size_t)written, ":%s", origin->port);
		at += 1 + digits;
	}
	*end = at;
	return true;
}

static bool parse_path(const char *text, size_t len, struct swarm_origin *origin)
{
	while (len > 0 && text[len - 1] == '/')
		len--;
	if (len >= sizeof(origin->path) || (len > 0 && text[0] != '/'))
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~' || strchr("?#", text[i]) != NULL)
			return false;
	snprintf(origin->path, sizeof(origin->path), "%.*s", (int)len, text);
	return true;
}

const char *swarm_origin_parse(const char *text, struct swarm_origin *origin)
{
	const char *weight = strrchr(text, '=');
	bool weighs = true;
	char *end;

	*origin = (struct swarm_origin){ .tls = strncmp(text, "https://", 8) == 0, .weight = 1 };
	if (!origin->tls && strncmp(text, "http://", 7) != 0)
		return EXPECTED;
	if (weight != NULL) {
		origin->weight = strtod(weight + 1, &end);
		weighs = end != weight + 1 && *end == '\0' && origin->weight >= 0 && origin->weight <= WEIGHT_MAX;
	}
	if (!weighs)
		return "a weight from 0 to 1000000 behind =";
	if (weight == NULL)
		weight = text + strlen(text);
	if (!parse_host(text + (origin->tls ? 8 : 7), origin, &text) || text > weight ||
	    !parse_path(text, (size_t)(weight - text), origin))
		return EXPECTED;
	return NULL;
}

int swarm_origin_resolve(struct swarm_origin *origin)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	int err = getaddrinfo(origin->name, origin->port, &hints, &found);

	if (err != 0) {
		ks_error("swarm", "no address of %s: %s", origin->name, gai_strerror(err));
		return KS_ECONFIG;
	}
	memcpy(&origin->address, found->ai_addr, found->ai_addrlen);
	origin->address_len = found->ai_addrlen;
	freeaddrinfo(found);
	return KS_EOK;
}

void swarm_origins_share(const struct swarm_origin *origins, size_t n, uint8_t *of_viewer, size_t viewers)
{
	size_t whole[SWARM_ORIGINS_MAX], given[SWARM_ORIGINS_MAX] = { 0 }, sum = 0;
	double rest[SWARM_ORIGINS_MAX], weights = 0;

	for (size_t i = 0; i < n; i++)
		weights += origins[i].weight;
	for (size_t i = 0; i < n; i++) {
		double share = (double)viewers * origins[i].weight / weights;

		whole[i] = (size_t)floor(share);
		rest[i] = share - floor(share);
		sum += whole[i];
	}
	for (; sum < viewers; sum++) {
		size_t most = 0;

		for (size_t i = 1; i < n; i++)
			if (rest[i] > rest[most])
				most = i;
		whole[most]++;
		rest[most] -= 1;
	}
	for (size_t v = 0; v < viewers; v++) {
		double lag = -INFINITY;
		size_t next = 0;

		for (size_t i = 0; i < n; i++) {
			double due = (double)whole[i] * (double)(v + 1) / (double)viewers - (double)given[i];

			if (given[i] < whole[i] && due > lag) {
				lag = due;
				next = i;
			}
		}
		given[next]++;
		of_viewer[v] = (uint8_t)next;
	}
}
