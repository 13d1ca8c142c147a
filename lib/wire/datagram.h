/* SPDX-License-Identifier: Apache-2.0
 *
 * The datagrams of version 1 (doc/wire.md has every byte). Each begins with 16 clear bytes, which are the
 * associated data of its seal; in a DATA datagram 16 sealed bytes and one shard follow. Numbers are
 * little-endian.
 */
#ifndef KS_WIRE_DATAGRAM_H
#define KS_WIRE_DATAGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "lib/wire/drop.h"

#define KS_DATAGRAM_DEFAULT 1200	/* bytes of UDP payload: 1248 on IPv6, fits 1280 through a NAT64 */
#define KS_DATAGRAM_MIN 576
#define KS_DATAGRAM_MAX 1432

#define KS_WIRE_VERSION 1
#define KS_HEADER_SIZE 16
#define KS_DATA_HEADER_SIZE 16
#define KS_TAG_SIZE 16
#define KS_DATAGRAM_OVERHEAD (KS_HEADER_SIZE + KS_DATA_HEADER_SIZE + KS_TAG_SIZE)

#define KS_SHARD_MIN (KS_DATAGRAM_MIN - KS_DATAGRAM_OVERHEAD)
#define KS_SHARD_MAX (KS_DATAGRAM_MAX - KS_DATAGRAM_OVERHEAD)

/* Datagrams of one session; a sender sets up a new one long before. */
#define KS_COUNTER_END (UINT64_C(1) << 32)

/* 6 to 15 are free: SUBSCRIBE, CHALLENGE, RENEW, NACK and BYE will be among them. */
enum ks_datagram_type {
	KS_OFFER = 1,	/* sender to relay: let us have a session */
	KS_ACCEPT = 2,	/* relay to sender: here it is */
	KS_DATA = 3,	/* sender to relay: one shard */
	KS_ALIVE = 4,	/* sender to relay: nothing to send, but still there */
	KS_REPORT = 5	/* relay to sender: what arrived */
};

struct ks_header {
	uint8_t type;
	uint16_t key_id;	/* of the pre-shared key */
	uint32_t session;	/* the index that the side which receives this chose; 0 in OFFER */
	uint64_t counter;	/* nonce and order within session and direction; 0 in OFFER and ACCEPT */
};

void ks_header_write(const struct ks_header *header, uint8_t out[KS_HEADER_SIZE]);

/* KS_DROP_NONE, SHORT, LONG, VERSION or MALFORMED. Leaves the type for the caller to judge. */
enum ks_drop ks_header_read(const uint8_t *bytes, size_t len, struct ks_header *header);

#define KS_HOPS_MAX 4		/* relays between a source and the last relay */
#define KS_RENDITIONS_MAX 8	/* of one channel */

struct ks_data_header {
	uint32_t epoch, seq;
	uint32_t object_len;	/* bytes, up to KS_FRAME_MAX */
	uint8_t hops;		/* 0 from the source itself */
	uint8_t rendition;	/* tells the objects of one instant apart; 0 when there is one */
	uint8_t source;
	uint8_t nblocks;
	uint8_t block;
	uint8_t shard;		/* within the block: 0 to k-1 data, k to 254 parity */
};

void ks_data_header_write(const struct ks_data_header *header, uint8_t out[KS_DATA_HEADER_SIZE]);

/* KS_DROP_NONE, SHORT or MALFORMED; checks each field by itself, ks_layout_of() checks them together. */
enum ks_drop ks_data_header_read(const uint8_t *bytes, size_t len, struct ks_data_header *header);

#endif
