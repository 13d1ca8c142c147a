/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/packets.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXTENSIONS_MAX 64	/* of a chain that is followed */
#define NO_NEXT_HEADER 59
#define UNSUMMED 0x5a5a		/* a checksum that only a whole packet gets */

unsigned wire_get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

uint32_t wire_get32(const uint8_t *at)
{
	return (uint32_t)wire_get16(at) << 16 | wire_get16(at + 2);
}

void wire_put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

void wire_put32(uint8_t *at, uint32_t value)
{
	wire_put16(at, value >> 16);
	wire_put16(at + 2, value & 0xffff);
}

uint16_t wire_add(uint32_t sum, const uint8_t *bytes, size_t len)
{
	uint64_t total = sum;

	for (size_t i = 0; i < len; i++)
		total += i % 2 == 0 ? (uint64_t)bytes[i] << 8 : bytes[i];
	while (total > 0xffff)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)total;
}

/* --- IP headers ---------------------------------------------------------------------------------- */

static void put_address(uint8_t *to, const char *text)
{
	if (inet_pton(strchr(text, ':') != NULL ? AF_INET6 : AF_INET, text, to) == 1)
		return;
	fprintf(stderr, "%s is no address\n", text);
	abort();
}

void wire_sum4(struct wire *wire)
{
	size_t len = (wire->bytes[0] & 15U) * 4;

	wire_put16(wire->bytes + 10, 0);
	wire_put16(wire->bytes + 10, 0xffff & ~wire_add(0, wire->bytes, len));
}

static void put_head4(struct wire *wire, const struct ip *ip, size_t payload)
{
	size_t len = 20 + ip->n_options;
	uint8_t *head = wire->bytes;

	head[0] = (uint8_t)(0x40 | len / 4);
	head[1] = (uint8_t)ip->tos;
	wire_put16(head + 2, (unsigned)(len + payload));
	wire_put16(head + 4, ip->id);
	wire_put16(head + 6, (ip->df ? 0x4000U : 0) | (ip->more ? 0x2000U : 0) | ip->offset / 8);
	head[8] = (uint8_t)(ip->ttl == 0 ? 64 : ip->ttl);
	head[9] = (uint8_t)ip->protocol;
	put_address(head + 12, ip->src);
	put_address(head + 16, ip->dst);
	if (ip->n_options > 0)
		memcpy(head + 20, ip->options, ip->n_options);
	wire->len = len;
	wire_sum4(wire);
}

/* Its number goes into *next, the Next Header field before it, which then is its own. */
static void put_extension(struct wire *wire, uint8_t **next, unsigned number)
{
	static const uint8_t padding[8] = { 0, 0, 1, 4, 0, 0, 0, 0 };	/* PadN of RFC 8200, section 4.2 */
	uint8_t *at = wire->bytes + wire->len;

	memcpy(at, padding, sizeof(padding));
	if (number == ROUTING)
		memset(at, 0, sizeof(padding));		/* no segments left */
	**next = (uint8_t)number;
	*next = at;
	wire->len += sizeof(padding);
}

static void put_head6(struct wire *wire, const struct ip *ip, size_t payload)
{
	uint8_t *head = wire->bytes, *next = head + 6;

	wire_put32(head, 6U << 28 | ip->tos << 20 | ip->flow);
	head[7] = (uint8_t)(ip->ttl == 0 ? 64 : ip->ttl);
	put_address(head + 8, ip->src);
	put_address(head + 24, ip->dst);
	wire->len = 40;
	for (size_t i = 0; i < ip->n_extensions; i++)
		put_extension(wire, &next, ip->extensions[i]);
	if (ip->fragment || ip->more || ip->offset > 0) {
		uint8_t *fragment = wire->bytes + wire->len;

		put_extension(wire, &next, FRAGMENT);
		wire_put16(fragment + 2, ip->offset | (ip->more ? 1U : 0));
		wire_put32(fragment + 4, ip->id);
		fragment[1] = 0;
	}
	*next = (uint8_t)ip->protocol;
	wire_put16(head + 4, (unsigned)(wire->len - 40 + payload));
}

void wire_sum(struct wire *wire)
{
	struct parsed parsed;
	size_t at;
	uint16_t sum;

	if (wire_parse(&parsed, wire->bytes, wire->len, true) != NULL || !parsed.whole)
		return;
	at = wire_checksum_at(parsed.protocol);
	if (at == 0 || parsed.have < at + 2)
		return;
	wire_put16(wire->bytes + parsed.at + at, 0);
	sum = wire_add(wire_pseudo(&parsed, parsed.payload), wire->bytes + parsed.at, parsed.have);
	sum = (uint16_t)~sum;
	wire_put16(wire->bytes + parsed.at + at, parsed.protocol == UDP && sum == 0 ? 0xffff : sum);
}

void wire_packet(struct wire *wire, const struct ip *ip, const struct wire *transport)
{
	bool v6 = strchr(ip->src, ':') != NULL;

	if (v6)
		put_head6(wire, ip, transport->len);
	else
		put_head4(wire, ip, transport->len);
	memcpy(wire->bytes + wire->len, transport->bytes, transport->len);
	wire->len += transport->len;
	if (!ip->unsummed)
		wire_sum(wire);
}

/* --- transport ----------------------------------------------------------------------------------- */

static void append_pattern(struct wire *wire, size_t len)
{
	for (size_t i = 0; i < len; i++)
		wire->bytes[wire->len++] = (uint8_t)(i + i / 251 * 7);
}

void wire_data(struct wire *wire, size_t len)
{
	wire->len = 0;
	append_pattern(wire, len);
}

static void begin(struct wire *wire, size_t head)
{
	memset(wire->bytes, 0, head);
	wire->len = head;
}

void wire_udp(struct wire *wire, size_t data)
{
	begin(wire, 8);
	wire_put16(wire->bytes, 5004);
	wire_put16(wire->bytes + 2, 53);
	wire_put16(wire->bytes + 4, (unsigned)(8 + data));
	wire_put16(wire->bytes + 6, UNSUMMED);
	append_pattern(wire, data);
}

void wire_tcp(struct wire *wire, size_t data)
{
	begin(wire, 20);
	wire_put16(wire->bytes, 40000);
	wire_put16(wire->bytes + 2, 443);
	wire_put32(wire->bytes + 4, 0x01020304);
	wire_put32(wire->bytes + 8, 0x05060708);
	wire->bytes[12] = 5 << 4;
	wire->bytes[13] = 0x10;		/* ACK */
	wire_put16(wire->bytes + 14, 512);
	wire_put16(wire->bytes + 16, UNSUMMED);
	append_pattern(wire, data);
}

void wire_echo(struct wire *wire, unsigned type, size_t data)
{
	begin(wire, 8);
	wire->bytes[0] = (uint8_t)type;
	wire_put16(wire->bytes + 4, 0x1234);
	wire_put16(wire->bytes + 6, 7);
	append_pattern(wire, data);
}

/* RFC 4884, section 7: a header, and one object of a class that is nobody's. */
static void append_extension(struct wire *wire, size_t len)
{
	uint8_t *at = wire->bytes + wire->len;

	wire->len += 8;
	append_pattern(wire, len - 8);
	wire_put32(at, 0x20000000);
	wire_put16(at + 4, (unsigned)(len - 4));
	at[6] = 0xf7;
	at[7] = 1;
	wire_put16(at + 2, 0xffff & ~wire_add(0, at, len));
}

void wire_error(struct wire *wire, unsigned type, unsigned code, uint32_t rest, const struct wire *packet,
		size_t quoted, size_t extension)
{
	size_t copied = quoted < packet->len ? quoted : packet->len;

	begin(wire, 8);
	wire->bytes[0] = (uint8_t)type;
	wire->bytes[1] = (uint8_t)code;
	wire_put32(wire->bytes + 4, rest);
	memset(wire->bytes + 8, 0, quoted);
	memcpy(wire->bytes + 8, packet->bytes, copied);
	wire->len = 8 + quoted;
	if (extension > 0)
		append_extension(wire, extension);
}

void wire_slice(struct wire *wire, const struct wire *from, size_t at, size_t len)
{
	memmove(wire->bytes, from->bytes + at, len);
	wire->len = len;
}

/* --- reading ------------------------------------------------------------------------------------- */

static const char *parse4(struct parsed *p, const uint8_t *bytes, size_t len, bool cut)
{
	size_t head, total;

	if (len < 20)
		return "IPv4: shorter than its header";
	head = (bytes[0] & 15U) * 4;
	total = wire_get16(bytes + 2);
	if (head < 20 || head > len || total < head)
		return "IPv4: header length or total length";
	if (!cut && total != len)
		return "IPv4: total length is not the packet's";
	if (wire_add(0, bytes, head) != 0xffff)
		return "IPv4: header checksum";
	p->tos = bytes[1];
	p->id = wire_get16(bytes + 4);
	if (bytes[6] & 0x80)
		return "IPv4: the reserved flag is set";
	p->df = (bytes[6] & 0x40) != 0;
	p->more = (bytes[6] & 0x20) != 0;
	p->offset = (wire_get16(bytes + 6) & 0x1fff) * (size_t)8;
	p->ttl = bytes[8];
	p->protocol = bytes[9];
	p->src = bytes + 12;
	p->dst = bytes + 16;
	p->at = head;
	p->payload = total - head;
	p->fragment = p->more || p->offset > 0;
	return NULL;
}

static bool is_extension(unsigned protocol)
{
	return protocol == HOP_BY_HOP || protocol == ROUTING || protocol == FRAGMENT || protocol == DESTINATION;
}

/* Of the header with number p->protocol at p->at: its length, or 0 when it is none, or is cut off. */
static size_t extension_length(struct parsed *p, const uint8_t *bytes, size_t end)
{
	const uint8_t *at = bytes + p->at;

	if (!is_extension(p->protocol))
		return 0;
	if (end - p->at < 8)
		return 0;
	if (p->protocol != FRAGMENT)
		return (at[1] + (size_t)1) * 8;
	p->offset = wire_get16(at + 2) & 0xfff8;
	p->more = (at[3] & 1) != 0;
	p->id = wire_get32(at + 4);
	return 8;
}

static const char *parse_chain(struct parsed *p, const uint8_t *bytes, size_t end)
{
	size_t len;

	for (unsigned n = 0; (len = extension_length(p, bytes, end)) > 0; n++) {
		if (n == EXTENSIONS_MAX || len > end - p->at)
			return "IPv6: the chain of headers does not end in the packet";
		if (p->protocol == FRAGMENT && p->fragment)
			return "IPv6: two Fragment headers";
		p->fragment = p->fragment || p->protocol == FRAGMENT;
		p->protocol = bytes[p->at];
		p->at += len;
		/* What follows in a later fragment is data. */
		if (p->fragment && p->offset > 0)
			break;
	}
	if (p->offset == 0 && is_extension(p->protocol))
		return "IPv6: an extension header is cut off";
	return NULL;
}

static const char *parse6(struct parsed *p, const uint8_t *bytes, size_t len, bool cut)
{
	const char *fault;
	size_t payload, end;

	if (len < 40)
		return "IPv6: shorter than its header";
	payload = wire_get16(bytes + 4);
	if (!cut && payload != len - 40)
		return "IPv6: payload length is not the packet's";
	p->tos = wire_get16(bytes) >> 4 & 0xff;
	p->protocol = bytes[6];
	p->ttl = bytes[7];
	p->src = bytes + 8;
	p->dst = bytes + 24;
	p->at = 40;
	end = len - 40 < payload ? len : 40 + payload;
	fault = parse_chain(p, bytes, end);
	/* What a quote has no room for is not missing. */
	if (fault != NULL && end < 40 + payload) {
		p->at = end;
		p->protocol = NO_NEXT_HEADER;
		fault = NULL;
	}
	if (fault != NULL)
		return fault;
	p->payload = 40 + payload - p->at;
	return NULL;
}

const char *wire_parse(struct parsed *p, const uint8_t *bytes, size_t len, bool cut)
{
	const char *fault;

	memset(p, 0, sizeof(*p));
	p->version = len > 0 ? bytes[0] >> 4 : 0;
	if (p->version == 4)
		fault = parse4(p, bytes, len, cut);
	else
		fault = p->version == 6 ? parse6(p, bytes, len, cut) : "the version is neither 4 nor 6";
	if (fault != NULL)
		return fault;
	p->have = len - p->at < p->payload ? len - p->at : p->payload;
	p->first = p->offset == 0;
	p->whole = p->first && !p->more;
	return p->offset + p->payload > 65535 ? "a fragment that ends behind 65535" : NULL;
}

size_t wire_checksum_at(unsigned protocol)
{
	switch (protocol) {
	case TCP:
		return 16;
	case UDP:
		return 6;
	case ICMP4:
	case ICMP6:
		return 2;
	default:
		return 0;
	}
}

uint16_t wire_pseudo(const struct parsed *p, size_t len)
{
	size_t address = p->version == 4 ? 4 : 16;
	uint8_t rest[8];
	uint16_t sum;

	if (p->protocol == ICMP4)
		return 0;
	sum = wire_add(wire_add(0, p->src, address), p->dst, address);
	wire_put32(rest, (uint32_t)len);
	wire_put32(rest + 4, p->protocol);
	return wire_add(sum, rest, sizeof(rest));
}
