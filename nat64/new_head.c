/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/bytes.h"
#include "nat64/xlat_private.h"

#define VERSION4 0x45
#define DF 0x4000
#define MORE4 0x2000
#define NEXT_FRAGMENT 44

void ks_new4_write(const struct ks_new4 *head, uint8_t *at)
{
	at[0] = VERSION4;
	at[1] = head->tos;
	ks_put16(at + 2, (uint32_t)(KS_HEAD4 + head->payload));
	ks_put16(at + 4, head->id & 0xffff);
	ks_put16(at + 6, (head->df ? DF : 0) | (head->more ? MORE4 : 0) | head->offset / 8);
	at[8] = head->ttl;
	at[9] = head->protocol;
	ks_put16(at + 10, 0);
	ks_put32(at + 12, head->src);
	ks_put32(at + 16, head->dst);
	ks_checksum_store(at + 10, ks_sum_bytes(at, KS_HEAD4));
}

size_t ks_new6_size(const struct ks_new6 *head)
{
	return head->fragment ? KS_HEAD6 + KS_HEAD_FRAGMENT : KS_HEAD6;
}

void ks_new6_write(const struct ks_new6 *head, uint8_t *at)
{
	ks_put32(at, 6U << 28 | (uint32_t)head->tos << 20);
	ks_put16(at + 4, (uint32_t)(ks_new6_size(head) - KS_HEAD6 + head->payload));
	at[6] = head->fragment ? NEXT_FRAGMENT : head->protocol;
	at[7] = head->ttl;
	memcpy(at + 8, &head->src, sizeof(head->src));
	memcpy(at + 24, &head->dst, sizeof(head->dst));
	if (!head->fragment)
		return;
	at += KS_HEAD6;
	at[0] = head->protocol;
	at[1] = 0;
	ks_put16(at + 2, head->offset | (head->more ? 1 : 0));
	ks_put32(at + 4, head->id);
}

uint64_t ks_new4_sum(const struct ks_new4 *head)
{
	return ks_sum32(head->src) + ks_sum32(head->dst);
}

uint64_t ks_new6_sum(const struct ks_new6 *head)
{
	return ks_sum_address6(head->src.s6_addr) + ks_sum_address6(head->dst.s6_addr);
}

uint64_t ks_head4_sum(const struct ks_head4 *head)
{
	return ks_sum32(head->src) + ks_sum32(head->dst);
}

uint64_t ks_head6_sum(const struct ks_head6 *head)
{
	return ks_sum_address6(head->src.s6_addr) + ks_sum_address6(head->dst.s6_addr);
}

uint64_t ks_pseudo6_sum(uint64_t addresses, size_t len, uint8_t protocol)
{
	return addresses + ks_sum32((uint32_t)len) + ks_sum16(protocol);
}
