/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/core.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"

static void need(bool true_, const char *what)
{
	if (true_)
		return;
	fprintf(stderr, "core.c: %s\n", what);
	abort();
}

uint32_t core_v4(const char *text)
{
	struct in_addr address;

	need(inet_pton(AF_INET, text, &address) == 1, text);
	return ntohl(address.s_addr);
}

struct in6_addr core_v6(const char *text)
{
	struct in6_addr address;

	need(inet_pton(AF_INET6, text, &address) == 1, text);
	return address;
}

struct ks_mapping core_mapping(const char *v4, unsigned length4, const char *v6, unsigned length6)
{
	return (struct ks_mapping){ .v4 = core_v4(v4), .v6 = core_v6(v6), .length4 = (uint8_t)length4,
				    .length6 = (uint8_t)length6 };
}

/* --- the usual packets --------------------------------------------------------------------------- */

static struct ip usual(struct ip ip, const char *src, const char *dst, unsigned ttl)
{
	ip.src = ip.src != NULL ? ip.src : src;
	ip.dst = ip.dst != NULL ? ip.dst : dst;
	ip.protocol = ip.protocol != 0 ? ip.protocol : UDP;
	ip.ttl = ip.ttl != 0 ? ip.ttl : ttl;
	return ip;
}

struct ip core_in4(struct ip ip)
{
	return usual(ip, PEER4, HOST4, 64);
}

struct ip core_out6(struct ip ip)
{
	return usual(ip, PEER6, HOST6, 63);
}

struct ip core_in6(struct ip ip)
{
	return usual(ip, HOST6, PEER6, 64);
}

struct ip core_out4(struct ip ip)
{
	return usual(ip, HOST4, PEER4, 63);
}

/* --- what comes out ------------------------------------------------------------------------------ */

static bool zero_udp(const struct core *c, const char *fault)
{
	return c->zero_udp && strcmp(fault, "UDP: no checksum in IPv6") == 0;
}

static void judge(struct core *c, const struct ks_packet *packet)
{
	const char *fault = packet_fault(packet->data, packet->len, &packet->offload, c->care);

	if (fault != NULL && c->fault == NULL && !zero_udp(c, fault))
		c->fault = fault;
}

static void emit(void *ctx, const struct ks_packet *packet, bool lasting)
{
	struct core *c = ctx;
	struct output *out;

	if (c->n == c->room) {
		c->room = c->room * 2 + 8;
		c->out = realloc(c->out, c->room * sizeof(*c->out));
		need(c->out != NULL, "no memory");
	}
	out = &c->out[c->n++];
	*out = (struct output){ packet->offload, lasting, packet->data, packet->len, malloc(packet->len + 1) };
	need(out->bytes != NULL, "no memory");
	memcpy(out->bytes, packet->data, packet->len);
	judge(c, packet);
}

static void dropped(void *ctx, enum ks_xlat_drop why, const uint8_t *packet, size_t len)
{
	struct core *c = ctx;
	uint8_t last = len > 0 ? packet[len - 1] : 0;

	(void)last;	/* may be read */
	c->n_dropped++;
	c->dropped = why;
}

static void forget(struct core *c)
{
	for (unsigned i = 0; i < c->n; i++)
		free(c->out[i].bytes);
	c->n = 0;
	c->n_dropped = 0;
	c->dropped = KS_XLAT_PASSED;
	c->fault = NULL;
}

enum ks_xlat_drop core_take(struct core *c, const uint8_t *bytes, size_t len, const struct virtio_net_hdr *offload)
{
	uint8_t *memory = malloc(KS_PACKET_HEADROOM + len);
	struct ks_packet packet = { .data = memory + KS_PACKET_HEADROOM, .len = len };
	enum ks_xlat_drop why;

	need(memory != NULL, "no memory");
	if (len > 0)
		memcpy(packet.data, bytes, len);
	if (offload != NULL)
		packet.offload = *offload;
	forget(c);
	why = ks_xlat(&c->xlat, &packet);
	for (unsigned i = 0; i < c->n; i++)
		if (c->out[i].lasting && (c->out[i].at < memory || c->out[i].at + c->out[i].len > memory +
					  KS_PACKET_HEADROOM + len || memcmp(c->out[i].at, c->out[i].bytes,
									     c->out[i].len) != 0))
			c->fault = "a lasting packet did not last";
	free(memory);
	return why;
}

/* --- begin and end ------------------------------------------------------------------------------- */

static void use_table(struct core *c, const struct ks_prefix *prefix, const struct ks_mapping *mappings, size_t n)
{
	struct ks_mapping66 mapping66 = { core_v6(GLOBAL66), core_v6(INTRA66) };

	ks_table_free(c->table);
	free(c->mappings);
	need(ks_table_build(&c->table, prefix, false, mappings, n, &mapping66, 1) == KS_EOK, "no table");
	c->mappings = calloc(ks_table_slots(c->table), sizeof(*c->mappings));
	need(c->mappings != NULL, "no memory");
	c->xlat.table = c->table;
	c->xlat.mappings = c->mappings;
}

void core_table(struct core *c, const char *prefix, unsigned length, const struct ks_mapping *mappings, size_t n)
{
	struct ks_prefix p = { .length = (uint8_t)length };

	if (length > 0)
		p.address = core_v6(prefix);
	use_table(c, length > 0 ? &p : NULL, mappings, n);
}

void core_open(struct core *c)
{
	const struct ks_mapping mappings[] = {
		core_mapping(HOST4, 32, HOST6, 128), core_mapping(OTHER4, 32, OTHER6, 128),
		core_mapping(NET4, 24, NET6, 120),
	};

	memset(c, 0, sizeof(*c));
	ks_xlat_settings_init(&c->settings);
	c->settings.source4 = core_v4(SELF4);
	c->settings.source6 = core_v6(SELF6);
	c->care = PACKET_ALL;
	c->xlat = (struct ks_xlat){ .settings = &c->settings, .counts = &c->counts, .now_us = 1000000, .random = 646,
				    .emit = emit, .dropped = dropped, .ctx = c, .scratch = malloc(KS_XLAT_SCRATCH) };
	need(c->xlat.scratch != NULL, "no memory");
	core_table(c, CORE_PREFIX, 96, mappings, sizeof(mappings) / sizeof(mappings[0]));
}

void core_close(struct core *c)
{
	forget(c);
	free(c->out);
	free(c->xlat.scratch);
	free(c->mappings);
	ks_table_free(c->table);
}
