/* SPDX-License-Identifier: Apache-2.0
 *
 * The datagrams of version 1 (doc/wire.md has every byte). Each begins with 12 clear bytes, which are
 * associated data of its seal; in a DATA datagram 20 sealed bytes and one shard follow. Numbers are
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
#define KS_HEADER_SIZE 12
#define KS_DATA_HEADER_SIZE 20
#define KS_TAG_SIZE 16
#define KS_DATAGRAM_OVERHEAD (KS_HEADER_SIZE + KS_DATA_HEADER_SIZE + KS_TAG_SIZE)

#define KS_SHARD_MIN (KS_DATAGRAM_MIN - KS_DATAGRAM_OVERHEAD)
#define KS_SHARD_MAX (KS_DATAGRAM_MAX - KS_DATAGRAM_OVERHEAD)

/* Datagrams of one session; a new one is set up long before. */
#define KS_COUNTER_END (UINT64_C(1) << 32)

/* Down is from a parent, which has frames, to a relay; up the other way. Bit 3 tells, so that a program that is
 * both knows which half of it a datagram is for. */
#define KS_DATAGRAM_UP 8
enum ks_datagram_type {
	KS_OFFER = 1,		/* subscribe to me */
	KS_CHALLENGE = 2,	/* show that you are where you say: come again with this cookie */
	KS_ACCEPT = 3,		/* here is a session */
	KS_DATA = 4,		/* one shard */
	KS_ALIVE = 5,		/* nothing to send, but still there; what was sent last; is the path this wide? */
	KS_BLIND = 6,		/* a session without an answer, for paths that have no way back */
	KS_END = 7,		/* the session ends */
	KS_SUBSCRIBE = 8,	/* let me have a session */
	KS_RENEW = 9,		/* still there; this is what arrived */
	KS_NACK = 10,		/* this much is missing of an object, or nothing: stop sending it */
	KS_HEAD = 11,		/* the newest frame published here: a manifest, for the capture daemons */
	KS_BYE = 12		/* the session ends */
};

#define KS_FLAG_BLIND 1		/* of DATA and ALIVE: the session index is the sender's own, from its BLIND */

struct ks_header {
	uint8_t type;
	uint8_t flags;
	uint16_t key_id;	/* of the pre-shared key */
	uint32_t session;	/* the index that the side which receives this chose; 0 in set-up where it has not yet */
	uint32_t counter;	/* nonce and order within session and direction; 0 in set-up */
};

void ks_header_write(const struct ks_header *header, uint8_t out[KS_HEADER_SIZE]);

/* KS_DROP_NONE, SHORT, LONG, VERSION or MALFORMED. Leaves the type for the caller to judge. */
enum ks_drop ks_header_read(const uint8_t *bytes, size_t len, struct ks_header *header);

#define KS_HOPS_MAX 4		/* relays between a source and the last relay */

/* An object is named by (track, source, epoch, seq). A track is one rendition of a channel. */
uint32_t ks_track_of(const char *channel, const char *rendition);

#define KS_SPREAD_UNIT_US (8 * INT64_C(1000))
#define KS_SPREAD_UNITS_MAX 31	/* this, or longer */

struct ks_data_header {
	uint32_t track;		/* ks_track_of() */
	uint32_t epoch, seq;
	uint32_t object_len;	/* bytes, up to KS_FRAME_MAX */
	uint8_t hops;		/* relays passed: 0 from the source itself */
	uint8_t spread;		/* over which the object is sent, in KS_SPREAD_UNIT_US, rounded up */
	uint8_t nblocks;
	uint8_t block;
	uint8_t shard;		/* within the block: 0 to k-1 data, k to 254 parity */
	uint8_t source;
};

void ks_data_header_write(const struct ks_data_header *header, uint8_t out[KS_DATA_HEADER_SIZE]);

/* KS_DROP_NONE, SHORT or MALFORMED; checks each field by itself, ks_layout_of() checks them together. */
enum ks_drop ks_data_header_read(const uint8_t *bytes, size_t len, struct ks_data_header *header);

#endif
