/* SPDX-License-Identifier: Apache-2.0
 *
 * IP packets for tests: made from a description, byte by byte as the RFCs draw them, and summed in the plain way.
 * Shares no code with the translator, so that a mistake in one is not a mistake in the other.
 */
#ifndef KS_TESTS_PACKETS_H
#define KS_TESTS_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAX 66000

/* A packet, or a part of one. */
struct wire {
	size_t len;
	uint8_t bytes[WIRE_MAX];
};

enum { ICMP4 = 1, IGMP = 2, TCP = 6, UDP = 17, ICMP6 = 58 };
enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, DESTINATION = 60 };

/* What is not named is as usual. */
struct ip {
	const char *src, *dst;		/* both of one family, which is that of the packet */
	unsigned protocol;		/* of the transport */
	unsigned tos, ttl, id, flow;	/* ttl 0: 64 */
	unsigned offset;		/* of a fragment, bytes */
	bool df, more;
	bool fragment;			/* IPv6: has a Fragment header, also without offset and more */
	const uint8_t *options;		/* IPv4, whole words */
	const uint8_t *extensions;	/* IPv6: their numbers; each is eight bytes of padding */
	size_t n_options, n_extensions;
	bool unsummed;			/* the transport's checksum stays as it is */
};

/* An IP header before a transport part, whose checksum is filled in when it is all there. */
void wire_packet(struct wire *wire, const struct ip *ip, const struct wire *transport);
/* After a change: the checksum of an IPv4 header, and that of the transport of a whole packet. */
void wire_sum4(struct wire *wire);
void wire_sum(struct wire *wire);

/* Transport parts, whose checksum is yet a number that it is not; their data is a pattern. */
void wire_udp(struct wire *wire, size_t data);
void wire_tcp(struct wire *wire, size_t data);
void wire_data(struct wire *wire, size_t len);
void wire_echo(struct wire *wire, unsigned type, size_t data);
/* An error: `rest` is its second word; of the quoted packet the first `quoted` bytes, zeros behind its end; then an
 * extension of that many bytes (RFC 4884), 0 for none. The length attribute is the caller's. */
void wire_error(struct wire *wire, unsigned type, unsigned code, uint32_t rest, const struct wire *packet,
		size_t quoted, size_t extension);
/* Bytes from..from+len of another. */
void wire_slice(struct wire *wire, const struct wire *from, size_t at, size_t len);

/* --- reading ------------------------------------------------------------------------------------- */

unsigned wire_get16(const uint8_t *at);
uint32_t wire_get32(const uint8_t *at);
void wire_put16(uint8_t *at, unsigned value);
void wire_put32(uint8_t *at, uint32_t value);

/* The sum of RFC 1071, not complemented, over `sum` and big-endian words; the last byte counts as the high one. */
uint16_t wire_add(uint32_t sum, const uint8_t *bytes, size_t len);

/* An IP header taken apart. */
struct parsed {
	unsigned version, protocol, tos, ttl;
	size_t at;			/* of what is behind all headers */
	size_t payload, have;		/* from there: by the packet's length fields, and here */
	bool fragment, more, df, first, whole;	/* whole: not one of several fragments */
	size_t offset;
	uint32_t id;
	const uint8_t *src, *dst;	/* 4 or 16 bytes */
};
/* NULL, or what is wrong with it. cut: less may be here than its length says (a quoted packet). */
const char *wire_parse(struct parsed *parsed, const uint8_t *bytes, size_t len, bool cut);

/* The folded sum of the pseudo-header (RFC 9293, RFC 8200 section 8.1), not complemented. */
uint16_t wire_pseudo(const struct parsed *parsed, size_t len);
/* Where the transport's checksum is, from its start; 0: it has none that is known here. */
size_t wire_checksum_at(unsigned protocol);

#endif
