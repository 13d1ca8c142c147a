/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the core share. A packet's way: xlat.c looks at its version; xlat46.c, xlat64.c and xlat66.c decide
 * and write; fragment.c, offload.c, quote.c and answer.c are what they call.
 */
#ifndef KS_NAT64_XLAT_PRIVATE_H
#define KS_NAT64_XLAT_PRIVATE_H

#include "nat64/head.h"
#include "nat64/xlat.h"

#define KS_ICMP4_QUOTE_MAX 576		/* whole ICMPv4 error: RFC 1812, section 4.3.2.3 */
#define KS_ICMP6_QUOTE_MAX 1280		/* whole ICMPv6 error: RFC 4443, section 2.4 (c) */

/* --- xlat.c ----------------------------------------------------------------------------------------------- */

enum ks_scratch { KS_SCRATCH_SEGMENT, KS_SCRATCH_PASS, KS_SCRATCH_SECOND_PASS, KS_SCRATCH_ANSWER };
/* The packet of that use: KS_PACKET_HEADROOM bytes in front of it, KS_PACKET_ROOM from it on. */
uint8_t *ks_xlat_scratch(const struct ks_xlat *x, enum ks_scratch use);
bool ks_xlat_in_scratch(const struct ks_xlat *x, const uint8_t *data);
uint32_t ks_xlat_random(struct ks_xlat *x);

/* Of the mappings that a packet has used; KS_SLOT_NONE: none. */
struct ks_slots {
	uint32_t src, dst;
};
/* The counters will be needed when the packet has been written. */
static inline void ks_xlat_expect_count(const struct ks_xlat *x, uint32_t slot)
{
	if (x->mappings != NULL && slot != KS_SLOT_NONE)
		__builtin_prefetch(&x->mappings[slot], 1);
}
void ks_xlat_count_mappings(struct ks_xlat *x, const struct ks_packet *packet, struct ks_slots slots);
void ks_xlat_send(struct ks_xlat *x, const struct ks_packet *packet, enum ks_xlat_direction direction,
		  struct ks_slots slots);

/* --- one family each; pass is 1 when a packet has just been translated and turns back (hairpinning) ------------ */

enum ks_xlat_drop ks_xlat46(struct ks_xlat *x, struct ks_packet *packet, unsigned pass);
enum ks_xlat_drop ks_xlat64(struct ks_xlat *x, struct ks_packet *packet);
/* For a packet that is not for IPv4 because of `why`, which it returns when it is no mapped address' either. */
enum ks_xlat_drop ks_xlat66(struct ks_xlat *x, struct ks_packet *packet, const struct ks_head6 *head,
			    enum ks_xlat_drop why);

/* An address of a packet in the other family, by the rules of hairpinning. */
enum ks_mapped ks_xlat_to6(const struct ks_xlat *x, uint32_t v4, bool explicit_too, struct in6_addr *v6,
			   uint32_t *slot);

/* --- headers to write ------------------------------------------------------------------------------------- */

struct ks_new4 {
	uint32_t src, dst;
	size_t payload;
	uint8_t protocol, ttl, tos;
	bool df, more;
	uint32_t offset, id;
};
struct ks_new6 {
	struct in6_addr src, dst;
	size_t payload;			/* without the Fragment header */
	uint8_t protocol, ttl, tos;
	bool fragment, more;
	uint32_t offset, id;
};
void ks_new4_write(const struct ks_new4 *head, uint8_t *at);			/* KS_HEAD4 bytes */
size_t ks_new6_size(const struct ks_new6 *head);
void ks_new6_write(const struct ks_new6 *head, uint8_t *at);			/* ks_new6_size() bytes */
uint64_t ks_new4_sum(const struct ks_new4 *head);				/* its addresses */
uint64_t ks_new6_sum(const struct ks_new6 *head);
uint64_t ks_head4_sum(const struct ks_head4 *head);
uint64_t ks_head6_sum(const struct ks_head6 *head);
/* With length and protocol: RFC 8200, section 8.1. */
uint64_t ks_pseudo6_sum(uint64_t addresses, size_t len, uint8_t protocol);

/* --- offload.c -------------------------------------------------------------------------------------------- */

/* Whether its fields fit the packet, whose own head that is and which ends where that says. Clears what means nothing. */
bool ks_offload_sound(struct ks_packet *packet, const struct ks_head *head);
static inline bool ks_offload_partial(const struct ks_packet *p)
{
	return p->offload.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
}
static inline bool ks_offload_large(const struct ks_packet *p)
{
	return p->offload.gso_type != VIRTIO_NET_HDR_GSO_NONE;
}
bool ks_offload_tcp(const struct ks_packet *packet);
/* Transport header and data of one of its packets on the wire, the first; head is its own. */
size_t ks_offload_unit(const struct ks_packet *packet, const struct ks_head *head);
/* TCP: cut it smaller, so that no unit is above max. */
void ks_offload_shrink(struct ks_packet *packet, size_t max);
/* Sums what the kernel has left to be summed. For packets that are no GSO. */
void ks_offload_finish(struct ks_packet *packet);
/* That of what the core cannot adapt: it can only TCP's and UDP's. */
void ks_offload_settle(struct ks_packet *packet, const struct ks_head *head);
/* The header has become so many bytes longer (or shorter) and is of the other family. */
void ks_offload_moved(struct ks_packet *packet, ptrdiff_t longer, bool to6);
/* GSO of UDP: its i-th packet, whole, in KS_SCRATCH_SEGMENT. False: there is none. */
bool ks_offload_segment(const struct ks_xlat *x, const struct ks_packet *packet, const struct ks_head *head,
			unsigned i, struct ks_packet *segment);

/* --- fragment.c: sends packet, whose transport part begins at `at`, as fragments of at most mtu bytes ------------ */

enum ks_xlat_drop ks_fragment4(struct ks_xlat *x, const struct ks_packet *packet, size_t at, struct ks_new4 *head,
			       size_t mtu, struct ks_slots slots, bool turn_back);
enum ks_xlat_drop ks_fragment6(struct ks_xlat *x, const struct ks_packet *packet, size_t at, struct ks_new6 *head,
			       size_t mtu, struct ks_slots slots, unsigned pass);

/* --- icmp_types.c: the first eight bytes of an ICMP message in the other family --------------------------------- */

struct ks_icmp {
	uint8_t type, code;
	uint32_t rest;			/* the last four bytes; the length attribute is still to be added */
};
enum ks_xlat_drop ks_icmp_to6(const struct ks_xlat_settings *settings, const uint8_t *icmp, size_t quoted_total,
			      struct ks_icmp *out);
enum ks_xlat_drop ks_icmp_to4(const struct ks_xlat_settings *settings, const uint8_t *icmp, bool quoted_fragment,
			      struct ks_icmp *out);
/* Bytes of the quoted packet that the length attribute of RFC 4884 tells of, 0: none. */
size_t ks_icmp4_length(const uint8_t *icmp);
size_t ks_icmp6_length(const uint8_t *icmp);

/* --- quote.c: ICMP errors of others -------------------------------------------------------------------------- */

/* new has the outer header but for its length; renamed: new->src stands for a source that cannot be translated. */
enum ks_xlat_drop ks_quote46(struct ks_xlat *x, const struct ks_head4 *head, struct ks_new6 *new, bool renamed,
			     struct ks_slots slots, unsigned pass);
enum ks_xlat_drop ks_quote64(struct ks_xlat *x, const struct ks_head6 *head, struct ks_new4 *new, bool renamed,
			     struct ks_slots slots);

/* --- extension.c: RFC 4884 structures behind a quoted packet ----------------------------------------------------- */

struct ks_extension {
	const uint8_t *bytes;
	size_t len;
	uint8_t room[KS_ICMP6_QUOTE_MAX];	/* where bytes are when there was something to add */
};
/* Adds an interface information object with the address of who sent the error (RFC 5837): family 4 or 6. */
void ks_extension_name(struct ks_extension *extension, const uint8_t *address, int family);

/* --- answer.c: ICMP of its own ------------------------------------------------------------------------------- */

/* Tells the sender of a dropped packet, if it may be told and a rule says what: RFC 7915 sections 4.4 and 5.4. */
void ks_answer_drop4(struct ks_xlat *x, const struct ks_packet *packet, const struct ks_head4 *head,
		     enum ks_xlat_drop why);
void ks_answer_drop6(struct ks_xlat *x, const struct ks_packet *packet, const struct ks_head6 *head,
		     enum ks_xlat_drop why);
/* Of a packet to the translator itself: an echo request is answered, else KS_XLAT_OWN. */
enum ks_xlat_drop ks_answer_echo4(struct ks_xlat *x, const struct ks_packet *packet, const struct ks_head4 *head);
enum ks_xlat_drop ks_answer_echo6(struct ks_xlat *x, const struct ks_packet *packet, const struct ks_head6 *head);

#endif
