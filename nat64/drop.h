/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a packet was not translated: the label of the counters (ks_xlat_drop_names[]), and a line that says what it means
 * and what to do (ks_xlat_drop_help[]). RFC 7915 unless another is named.
 */
#ifndef KS_NAT64_DROP_H
#define KS_NAT64_DROP_H

/* NAME, label, explanation */
#define KS_XLAT_DROP_LIST(X) \
	X(VERSION, "version", "neither an IPv4 nor an IPv6 packet, or shorter than its fixed header") \
	X(HEADER4, "bad_hdr4", "an IPv4 header whose length, total length or checksum is wrong") \
	X(HEADER6, "bad_hdr6", "an IPv6 header whose payload length is more than what arrived, or a jumbogram") \
	X(OFFLOAD, "offload", "offload fields of the TUN that do not fit the packet: a fault of kernel or driver") \
	X(NO_MAP_DST4, "no_map_dst4", "an IPv4 destination that no mapping and no prefix covers; the sender is told") \
	X(NO_MAP_SRC4, "no_prefix_src4", "an IPv4 source that no mapping and no prefix covers; set mapping-prefix") \
	X(NO_MAP_DST6, "no_map_dst6", "an IPv6 destination that no mapping and no prefix covers; the sender is told") \
	X(NO_MAP_SRC6, "no_map_src6", "an IPv6 source without a mapping: add map-static for that host") \
	X(WELL_KNOWN, "wkp_private", "64:ff9b::/96 with an IPv4 address that is not global (RFC 6052, section 3.1)") \
	X(ILLEGAL_SRC, "illegal_src", "a source that no host may have: unspecified, loopback, link-local or multicast") \
	X(MULTICAST, "multicast", "a multicast, broadcast or link-local destination; such are not translated") \
	X(OWN, "own", "for the translator itself, and not an echo request") \
	X(TTL4, "ttl4", "an IPv4 packet whose time to live ends here; the sender is told") \
	X(TTL6, "ttl6", "an IPv6 packet whose hop limit ends here; the sender is told") \
	X(TOO_BIG4, "too_big4", "an IPv4 packet with DF that does not fit mtu6; the sender is told which size does") \
	X(TOO_BIG6, "too_big6", "an IPv6 packet that does not fit mtu4; the sender is told which size does") \
	X(TOO_BIG66, "too_big66", "an IPv6 packet of a 6-6 mapping that does not fit mtu6; the sender is told") \
	X(OVERSIZE, "oversize", "would be longer than 65535 bytes in the other family") \
	X(FRAGMENT, "bad_fragment", "a fragment that ends beyond 65535 bytes, or has a second Fragment header") \
	X(FRAGMENTS, "too_many_fragments", "would need more fragments than KS_XLAT_FRAGMENTS_MAX") \
	X(SOURCE_ROUTE, "source_route", "an IPv4 source route that is not used up; the sender is told (section 4.1)") \
	X(SEGMENTS_LEFT, "segments_left", "an IPv6 routing header with segments left; the sender is told (5.1)") \
	X(EXTENSIONS, "ext_headers", "more extension headers than KS_XLAT_EXTENSIONS_MAX, or one that does not end") \
	X(EXT_AFTER_FRAG, "ext_after_frag", "extension headers behind a Fragment header; the sender is told (5.1.1)") \
	X(PROTOCOL, "protocol", "a protocol number that only the other family has, or IGMP") \
	X(SHORT, "short_l4", "a TCP, UDP or ICMP header that ends before its checksum") \
	X(ZERO_UDP, "zero_udp", "UDP without a checksum (section 4.5); see udp-zero-checksum") \
	X(ZERO_UDP_FRAGMENT, "zero_udp_frag", "a first fragment of UDP without a checksum: none can be computed (4.5)") \
	X(ICMP_FRAGMENT, "icmp_frag", "fragmented ICMP, which cannot be translated (section 1.2)") \
	X(ICMP_TYPE, "icmp_type", "an ICMP type or code that the other family does not have") \
	X(ICMP_CHECKSUM, "bad_csum_icmp", "an ICMP error whose checksum is wrong") \
	X(ICMP_INNER, "icmp_inner", "an ICMP error that quotes no packet that could be translated") \
	X(ICMP_DOUBLE, "icmp_double", "an ICMP error about an ICMP error") \
	X(ICMP_POINTER, "ptr_untranslatable", "a parameter problem that points at a field the other family lacks") \
	X(HAIRPIN_LOOP, "hairpin_loop", "a mapping to an address behind mapping-prefix: it would return for ever")

enum ks_xlat_drop {
	KS_XLAT_PASSED,		/* not dropped */
#define X(name, label, help) KS_XLAT_##name,
	KS_XLAT_DROP_LIST(X)
#undef X
	KS_XLAT_DROPS
};

extern const char *const ks_xlat_drop_names[KS_XLAT_DROPS];
extern const char *const ks_xlat_drop_help[KS_XLAT_DROPS];

#endif
