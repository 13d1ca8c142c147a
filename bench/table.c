/* SPDX-License-Identifier: Apache-2.0
 *
 * What a packet costs the translator's core with a table of 100 mappings, and of 100 000, between hosts drawn at random
 * from all. As with a worker, a packet is expected about a microsecond before it is translated: that is what reading it
 * takes. Finding the packets in memory costs both the same. Prints findings (bench/bench.h); bench/nat64 runs it.
 */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "bench/bench.h"
#include "lib/base/error.h"
#include "nat64/large.h"
#include "nat64/xlat.h"

#define SMALL 100
#define LARGE 100000
#define PACKETS 8192		/* that are translated again and again: as many as there are in 1 MB */
#define PACKET_ROOM 256
#define AHEAD 8			/* a read from the TUN takes as long as so many translations */
#define PACKET_LEN 60		/* IPv4; UDP of 32 bytes */
#define HOSTS4 0x64400000	/* 100.64.0.0 */

struct packets {
	uint8_t bytes[PACKETS][PACKET_ROOM];
};

struct subject {
	struct ks_table *table;
	struct ks_mapping_count *counts;
	struct ks_xlat_counts xlat_counts;
	struct ks_xlat_settings settings;
	struct ks_xlat xlat;
	struct packets *packets;	/* as they are, and … */
	uint8_t *work;			/* … where each is put to be translated */
	size_t len;
};

static void emit(void *ctx, const struct ks_packet *packet, bool lasting)
{
	(void)ctx;
	(void)packet;
	(void)lasting;
}

static void host6(struct in6_addr *address, uint32_t host)
{
	memset(address, 0, sizeof(*address));
	address->s6_addr[0] = 0xfd;
	/* Spread over the subnets, as machines of several racks are. */
	address->s6_addr[7] = (uint8_t)host;
	address->s6_addr[13] = (uint8_t)(host >> 16);
	address->s6_addr[14] = (uint8_t)(host >> 8);
	address->s6_addr[15] = (uint8_t)host;
}

static struct ks_table *make_table(uint32_t n)
{
	struct ks_prefix prefix = { .length = 96, .address.s6_addr = { 0x20, 0x01, 0x0d, 0xb8, 0, 0x64 } };
	struct ks_mapping *mappings = calloc(n, sizeof(*mappings));
	struct ks_table *table = NULL;

	for (uint32_t i = 0; mappings != NULL && i < n; i++) {
		mappings[i] = (struct ks_mapping){ .v4 = HOSTS4 + i, .length4 = 32, .length6 = 128 };
		host6(&mappings[i].v6, i);
	}
	if (mappings == NULL || ks_table_build(&table, &prefix, false, mappings, n, NULL, 0) != KS_EOK)
		bench_die("no table of %u mappings", n);
	free(mappings);
	return table;
}

static void put32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void head4(uint8_t *ip, uint32_t host)
{
	static const uint8_t head[12] = { 0x45, 0, 0, PACKET_LEN, 0, 1, 0x40, 0, 64, 17 };
	uint32_t sum = 0;

	memcpy(ip, head, sizeof(head));
	put32(ip + 12, 0xc6336407);
	put32(ip + 16, HOSTS4 + host);
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip[10] = (uint8_t)(~sum >> 8);
	ip[11] = (uint8_t)~sum;
}

static void head6(uint8_t *ip, uint32_t host)
{
	struct in6_addr address;

	ip[0] = 0x60;
	ip[5] = PACKET_LEN - 20;
	ip[6] = 17;
	ip[7] = 64;
	host6(&address, host);
	memcpy(ip + 8, &address, sizeof(address));
	memcpy(ip + 24, (const uint8_t[]){ 0x20, 0x01, 0x0d, 0xb8, 0, 0x64 }, 6);
	put32(ip + 36, 0xc6336407);
}

static struct packets *make_packets(uint32_t hosts, bool v4)
{
	struct packets *packets = calloc(1, sizeof(*packets));

	for (size_t i = 0; packets != NULL && i < PACKETS; i++) {
		uint8_t *ip = packets->bytes[i], *udp = ip + (v4 ? 20 : 40);

		if (v4)
			head4(ip, randombytes_uniform(hosts));
		else
			head6(ip, randombytes_uniform(hosts));
		udp[5] = PACKET_LEN - 20;
		udp[6] = 1;		/* a checksum, if not the right one */
	}
	return packets;
}

static void subject_init(struct subject *s, uint32_t mappings, bool v4)
{
	memset(s, 0, sizeof(*s));
	s->table = make_table(mappings);
	s->counts = ks_large_new(mappings * sizeof(*s->counts));
	s->packets = make_packets(mappings, v4);
	s->work = calloc(2, KS_PACKET_HEADROOM + PACKET_ROOM);
	s->xlat.scratch = malloc(KS_XLAT_SCRATCH);
	if (s->counts == NULL || s->packets == NULL || s->work == NULL || s->xlat.scratch == NULL)
		bench_die("no memory");
	ks_xlat_settings_init(&s->settings);
	s->len = v4 ? PACKET_LEN : PACKET_LEN + 20;
	s->xlat.table = s->table;
	s->xlat.settings = &s->settings;
	s->xlat.counts = &s->xlat_counts;
	s->xlat.mappings = s->counts;
	s->xlat.random = 1;
	s->xlat.emit = emit;
}

static void all_packets(void *ctx)
{
	struct subject *s = ctx;

	for (size_t i = 0; i < PACKETS; i++) {
		uint8_t *at = s->work + KS_PACKET_HEADROOM;
		struct ks_packet next = { .data = s->packets->bytes[(i + AHEAD) % PACKETS], .len = s->len };
		struct ks_packet packet = { .data = at, .len = s->len };

		ks_xlat_expect(&s->xlat, &next);
		memcpy(at, s->packets->bytes[i], s->len);
		if (ks_xlat(&s->xlat, &packet) != KS_XLAT_PASSED)
			bench_die("a packet did not pass");
	}
}

static void measure(const struct bench *bench, const char *name, bool v4)
{
	static struct subject small, large;
	struct bench_subject subjects[] = {
		{ "100", all_packets, &small, PACKETS }, { "100000", all_packets, &large, PACKETS },
	};

	subject_init(&small, SMALL, v4);
	subject_init(&large, LARGE, v4);
	bench_alternate(bench, name, "cpu_us_per_packet", subjects, 2);
	bench_ratio(name, "cpu_us_per_packet", "100000", "100", 1.2);
}

int main(int argc, char **argv)
{
	bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
	struct bench bench = { .runs = quick ? 3 : 5, .slice_us = quick ? 20000 : 100000 };

	if (sodium_init() < 0)
		return 1;
	measure(&bench, "table-46", true);
	measure(&bench, "table-64", false);
	bench_note("100", "mappings in the table, packets between random hosts of them");
	return 0;
}
