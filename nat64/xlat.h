/* SPDX-License-Identifier: Apache-2.0
 *
 * The translator's core: one packet in, none or some out. RFC 7915 (algorithm), 7757 (explicit mappings, hairpinning),
 * 6052 (prefix), 6791 and 5837 (who an ICMP error comes from), 4884 (its extensions). No I/O, no allocation, no clock of
 * its own. It remembers nothing between two packets but counters and how many errors it has sent lately.
 *
 * One struct ks_xlat belongs to one thread; what it points to (table, settings) is only read.
 */
#ifndef KS_NAT64_XLAT_H
#define KS_NAT64_XLAT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/bucket.h"
#include "nat64/drop.h"
#include "nat64/packet.h"
#include "nat64/table.h"

#define KS_XLAT_MTU4_MIN 68		/* RFC 791 */
#define KS_XLAT_MTU6_MIN 1280		/* RFC 8200, section 5 */
#define KS_XLAT_EXTENSIONS_MAX 8	/* extension headers of one IPv6 packet */
#define KS_XLAT_FRAGMENTS_MAX 2048	/* made of one packet */
#define KS_XLAT_POOL_MAX 16		/* entries of a source pool */
#define KS_XLAT_TTL 64			/* of packets of its own */

enum ks_udp_zero {
	KS_UDP_ZERO_DROP,	/* and an event (RFC 7915, section 4.5) */
	KS_UDP_ZERO_COMPUTE,	/* IPv4 to IPv6, of a whole packet */
	KS_UDP_ZERO_FORWARD	/* as it is: IPv6 hosts accept that only for tunnels (RFC 6935) */
};

enum ks_hairpin { KS_HAIRPIN_OFF, KS_HAIRPIN_SIMPLE, KS_HAIRPIN_INTRINSIC };

/* Addresses from which one is drawn at random. Bits behind the length may be anything. */
struct ks_pool4 {
	uint32_t address;
	uint8_t length;
};
struct ks_pool6 {
	struct in6_addr address;
	uint8_t length;
};

struct ks_xlat_settings {
	uint32_t mtu4, mtu6;		/* of the way on, bytes; never 0 here: the daemon has put in the device's */
	uint32_t lowest_ipv6_mtu;	/* IPv4 packets without DF are cut to fit it; KS_XLAT_MTU6_MIN or more */
	enum ks_udp_zero udp_zero;
	enum ks_hairpin hairpin;
	int tos4, tos6;			/* -1: copied; else the value for all packets of IPv4, of IPv6 */
	/* Who it is itself: from there its errors come, and echo requests to there are answered. 0 and :: for none:
	 * then there are no errors of its own in that family. */
	uint32_t source4;
	struct in6_addr source6;
	/* RFC 6791: in whose name errors go on whose own source cannot be translated. Empty: source4 and source6. */
	struct ks_pool4 pool4[KS_XLAT_POOL_MAX];
	struct ks_pool6 pool6[KS_XLAT_POOL_MAX];
	unsigned n_pool4, n_pool6;
	bool interface_object;		/* such an error says where it came from (RFC 5837) */
	bool icmp_errors;		/* false: it sends none of its own */
	int64_t error_each_us;		/* one more error may be sent each while … */
	int64_t error_burst;		/* … after so many at once; 1 or more */
};

void ks_xlat_settings_init(struct ks_xlat_settings *settings);	/* the defaults, mtu4 and mtu6 1500 */

/* All that ever was, of one thread: it alone writes, others read (relaxed). */
enum ks_xlat_direction { KS_XLAT_46, KS_XLAT_64, KS_XLAT_66, KS_XLAT_DIRECTIONS };
struct ks_xlat_counts {
	/* Of packets that went on, per direction: on the wire (segments), and as they came (GSO ones count once). */
	uint64_t packets[KS_XLAT_DIRECTIONS], bytes[KS_XLAT_DIRECTIONS], units[KS_XLAT_DIRECTIONS];
	uint64_t drops[2][KS_XLAT_DROPS];	/* by the family in which it came: 0 IPv4, 1 IPv6 */
	uint64_t fragments[2];			/* made, by the family of the fragments */
	uint64_t errors[2][256];		/* ICMP errors of its own, by family and type */
	uint64_t suppressed[2];			/* not sent for the rate */
	uint64_t icmp_translated[2];		/* errors of others, by the family in which they came */
	uint64_t echoes[2];			/* echo requests to itself */
	uint64_t hairpins;
};

/* Of one explicit mapping: `to` its IPv6 side (IPv4 destination), `from` it (IPv6 source). Of a 6-6 mapping: the same. */
struct ks_mapping_count {
	uint64_t packets_to, bytes_to, packets_from, bytes_from;
};

struct ks_xlat {
	const struct ks_table *table;
	const struct ks_xlat_settings *settings;
	struct ks_xlat_counts *counts;
	struct ks_mapping_count *mappings;	/* one per slot of the table; NULL: not counted */
	int64_t now_us;				/* monotonic; the caller's to set now and then, for the rate of errors */
	uint64_t random;			/* state of the generator; not zero */
	/* Takes what is to be sent. The packet is the callee's to read, and its bytes stay until the next call of
	 * ks_xlat() when `lasting`, else only until it returns. lasting means: it stands in the buffer that was given. */
	void (*emit)(void *ctx, const struct ks_packet *packet, bool lasting);
	/* A packet that was dropped for a reason; len bytes of it, which may have changed meanwhile. May be NULL. */
	void (*dropped)(void *ctx, enum ks_xlat_drop why, const uint8_t *packet, size_t len);
	void *ctx;
	/* The rest is the core's own. */
	struct ks_bucket errors;
	uint8_t *scratch;			/* KS_XLAT_SCRATCH bytes, given by the caller */
};

/* One packet each: a segment cut from a large one, a fragment or an error of the first pass, of the second (hairpinning),
 * and an answer of its own. */
#define KS_XLAT_SCRATCH_PACKETS 4
#define KS_XLAT_SCRATCH (KS_XLAT_SCRATCH_PACKETS * (KS_PACKET_HEADROOM + KS_PACKET_ROOM))

/* That this packet will be given to ks_xlat() soon: what the table says of its addresses is fetched meanwhile. */
void ks_xlat_expect(const struct ks_xlat *xlat, const struct ks_packet *packet);

/* Translates one packet: counts it, and gives emit() what comes of it. The bytes of the packet, and KS_PACKET_HEADROOM
 * bytes in front of it, are the core's to change. Returns KS_XLAT_PASSED, or why nothing of it goes on (an ICMP error
 * may have been emitted all the same). */
enum ks_xlat_drop ks_xlat(struct ks_xlat *xlat, struct ks_packet *packet);

#endif
