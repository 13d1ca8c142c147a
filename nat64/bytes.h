/* SPDX-License-Identifier: Apache-2.0
 *
 * Fields of packets, which stand in network order and at any address, and the Internet checksum (RFC 1071). Its sums are
 * kept in the order of memory: they need no swap, neither when read from a packet nor when written to one.
 */
#ifndef KS_NAT64_BYTES_H
#define KS_NAT64_BYTES_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t ks_get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t ks_get32(const uint8_t *at)
{
	return (uint32_t)ks_get16(at) << 16 | ks_get16(at + 2);
}

static inline void ks_put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void ks_put32(uint8_t *at, uint32_t value)
{
	ks_put16(at, value >> 16);
	ks_put16(at + 2, value);
}

/* --- sums: any uint64_t; folded, they are a checksum field that is not complemented ----------------------------- */

static inline uint16_t ks_sum_fold(uint64_t sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)sum;
}

/* A 16-bit number, 32-bit number, or checksum field as part of a sum. */
static inline uint64_t ks_sum16(uint32_t value) { return htons((uint16_t)value); }
static inline uint64_t ks_sum32(uint32_t value) { return htonl(value); }

static inline uint64_t ks_sum_field(const uint8_t *field)
{
	uint16_t value;

	memcpy(&value, field, sizeof(value));
	return value;
}

/* What takes a sum away from another: add this. */
static inline uint64_t ks_sum_minus(uint64_t sum)
{
	return (uint16_t)~ks_sum_fold(sum);
}

static inline uint64_t ks_sum_address6(const uint8_t *address)
{
	uint32_t words[4];

	memcpy(words, address, sizeof(words));
	return (uint64_t)words[0] + words[1] + words[2] + words[3];
}

/* Of bytes of which the first is the first of a 16-bit word. */
static inline uint64_t ks_sum_bytes(const uint8_t *bytes, size_t len)
{
	uint64_t sum = 0;
	uint32_t word;

	for (; len >= sizeof(word); bytes += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		sum += word;
	}
	word = 0;
	memcpy(&word, bytes, len);
	return sum + word;
}

static inline void ks_sum_store(uint8_t *field, uint64_t sum)
{
	uint16_t folded = ks_sum_fold(sum);

	memcpy(field, &folded, sizeof(folded));
}

/* A checksum field is the complement of the sum. */
static inline void ks_checksum_store(uint8_t *field, uint64_t sum)
{
	uint16_t folded = (uint16_t)~ks_sum_fold(sum);

	memcpy(field, &folded, sizeof(folded));
}

/* The same after `delta` was added to what it covers (RFC 1624): a wrong one stays as wrong as it was. */
static inline void ks_checksum_adjust(uint8_t *field, uint64_t delta)
{
	uint16_t old;

	memcpy(&old, field, sizeof(old));
	ks_checksum_store(field, (uint16_t)~old + (uint64_t)ks_sum_fold(delta));
}

#endif
