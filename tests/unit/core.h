/* SPDX-License-Identifier: Apache-2.0
 *
 * A translator for tests: a table, settings, and what came out. Each packet in stands at the very end of its memory, so
 * that a sanitizer sees what is read behind it; each packet out is judged by packet_fault().
 */
#ifndef KS_TESTS_CORE_H
#define KS_TESTS_CORE_H

#include "nat64/xlat.h"
#include "tests/unit/packet_fault.h"
#include "tests/unit/packets.h"

/* Who is who: a host with an explicit mapping and another; a peer by the prefix; a subnet; nobody's; the translator. */
#define CORE_PREFIX "2001:db8:64::"		/* /96 */
#define HOST4 "192.0.2.1"
#define HOST6 "2001:db8:1::1"
#define OTHER4 "192.0.2.2"
#define OTHER6 "2001:db8:1::2"
#define PEER4 "203.0.113.5"
#define PEER6 CORE_PREFIX "203.0.113.5"
#define NET4 "198.51.100.0"			/* /24 */
#define NET6 "2001:db8:2::"			/* /120 */
#define STRANGER6 "2001:db8:9::9"
#define SELF4 "192.0.2.254"
#define SELF6 "2001:db8:1::fe"
#define GLOBAL66 "2001:db8:66::1"		/* a 6-6 mapping */
#define INTRA66 "fd00::1"
/* HOST and OTHER as those behind the prefix see them: hairpinning. */
#define HOST6_BY_PREFIX CORE_PREFIX "192.0.2.1"
#define OTHER6_BY_PREFIX CORE_PREFIX "192.0.2.2"

/* What is not named of a packet in, of the peer's to the host or the reverse, and of what becomes of it. */
struct ip core_in4(struct ip ip);
struct ip core_out6(struct ip ip);
struct ip core_in6(struct ip ip);
struct ip core_out4(struct ip ip);
#define IP(...) ((struct ip){ __VA_ARGS__ })

struct output {
	struct virtio_net_hdr offload;
	bool lasting;
	const uint8_t *at;		/* where it was */
	size_t len;
	uint8_t *bytes;			/* a copy */
};

struct core {
	struct ks_xlat xlat;
	struct ks_xlat_settings settings;
	struct ks_xlat_counts counts;
	struct ks_table *table;
	struct ks_mapping_count *mappings;
	enum packet_care care;		/* of what comes out; begins as PACKET_ALL */
	bool zero_udp;			/* UDP without a checksum is fine in IPv6 */
	unsigned n, room;
	struct output *out;
	unsigned n_dropped;		/* calls of dropped() … */
	enum ks_xlat_drop dropped;	/* … and with what, the last */
	const char *fault;		/* the first that an output of the last packet had, or NULL */
};

void core_open(struct core *core);
void core_close(struct core *core);
/* Another table: with a prefix or without (length 0), of these mappings and no others. */
void core_table(struct core *core, const char *prefix, unsigned length, const struct ks_mapping *mappings, size_t n);
struct ks_mapping core_mapping(const char *v4, unsigned length4, const char *v6, unsigned length6);
uint32_t core_v4(const char *text);
struct in6_addr core_v6(const char *text);

/* Gives it one packet; what came before is forgotten. offload NULL: none. Never fails a test: see fault. */
enum ks_xlat_drop core_take(struct core *core, const uint8_t *bytes, size_t len, const struct virtio_net_hdr *offload);

#endif
