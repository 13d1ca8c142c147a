/* SPDX-License-Identifier: Apache-2.0
 *
 * IP headers as the translator reads them: every field it needs, each behind a check that it is there. Nothing else in
 * the core asks where a packet ends.
 */
#ifndef KS_NAT64_HEAD_H
#define KS_NAT64_HEAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nat64/drop.h"

#define KS_HEAD4 20		/* bytes of an IPv4 header without options */
#define KS_HEAD6 40
#define KS_HEAD_FRAGMENT 8
#define KS_HEAD_UDP 8
#define KS_HEAD_ICMP 8		/* type, code, checksum, four bytes of their own */

enum { KS_PROTO_ICMP4 = 1, KS_PROTO_IGMP = 2, KS_PROTO_TCP = 6, KS_PROTO_UDP = 17, KS_PROTO_ICMP6 = 58 };

/* What both families have. `payload` and `have` begin at `at`, behind all IP headers that are not translated as data. */
struct ks_head {
	const uint8_t *bytes;
	size_t at;			/* offset of the transport header, or of a later fragment's data */
	size_t have;			/* bytes from there that are here: less than payload only in a quoted packet */
	size_t payload;			/* bytes from there that the packet has by its own length field */
	uint8_t protocol, ttl, tos;
	bool fragment, more;		/* fragment: IPv4 with offset or more; IPv6 with a Fragment header */
	uint32_t offset;		/* of a fragment, bytes */
	uint32_t id;			/* IPv4: always; IPv6: of the Fragment header */
};

struct ks_head4 {
	struct ks_head h;
	bool df;
	uint32_t src, dst;		/* host order */
};

struct ks_head6 {
	struct ks_head h;
	struct in6_addr src, dst;
	size_t routing_at;		/* offset of Segments Left of a routing header that is not used up, or 0 */
	bool extension_behind_fragment;
};

/* Of a packet of len bytes; quoted: inside an ICMP error, where it may be cut off. Returns KS_XLAT_PASSED or what is
 * wrong with it. Bytes behind the packet's own length are left out. */
enum ks_xlat_drop ks_head4_read(struct ks_head4 *head, const uint8_t *bytes, size_t len, bool quoted);
enum ks_xlat_drop ks_head6_read(struct ks_head6 *head, const uint8_t *bytes, size_t len, bool quoted);

/* Protocol numbers that mean an extension header, or ICMP, in the other family only; and IGMP. */
bool ks_only_of_ipv6(uint8_t protocol);
bool ks_only_of_ipv4(uint8_t protocol);

/* Whether LSRR or SSRR has a hop left. Options that make no sense end the search. */
bool ks_head4_source_route(const struct ks_head4 *head);

static inline bool ks_head_first(const struct ks_head *head) { return head->offset == 0; }
/* Of a packet of which there is more: not so an atomic fragment (RFC 6946). */
static inline bool ks_head_part(const struct ks_head *head) { return head->offset != 0 || head->more; }

/* Where the transport's checksum is from head->at, or 0 when it has none that an address is part of, or none here. */
size_t ks_head_checksum(const struct ks_head *head);

/* ICMP that tells of an error, and so is never answered by one. At least one byte of it must be here. */
bool ks_head_icmp4_error(const struct ks_head *head);
bool ks_head_icmp6_error(const struct ks_head *head);

/* Addresses that are no host's: RFC 7915 sections 4.1 and 5.1. */
bool ks_illegal_source4(uint32_t address);
bool ks_illegal_source6(const struct in6_addr *address);
bool ks_untranslatable_destination4(uint32_t address);
bool ks_untranslatable_destination6(const struct in6_addr *address);

#endif
