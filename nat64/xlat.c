/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/xlat.h"

#include "nat64/bytes.h"
#include "nat64/xlat_private.h"

#define MTU_DEFAULT 1500
#define ERRORS_PER_S 1000
#define ERROR_BURST 100

void ks_xlat_settings_init(struct ks_xlat_settings *settings)
{
	*settings = (struct ks_xlat_settings){
		.mtu4 = MTU_DEFAULT,
		.mtu6 = MTU_DEFAULT,
		.lowest_ipv6_mtu = KS_XLAT_MTU6_MIN,
		.udp_zero = KS_UDP_ZERO_DROP,
		.hairpin = KS_HAIRPIN_INTRINSIC,
		.tos4 = -1,
		.tos6 = -1,
		.icmp_errors = true,
		.error_each_us = 1000000 / ERRORS_PER_S,
		.error_burst = ERROR_BURST,
	};
}

uint8_t *ks_xlat_scratch(const struct ks_xlat *x, enum ks_scratch use)
{
	return x->scratch + (size_t)use * (KS_PACKET_HEADROOM + KS_PACKET_ROOM) + KS_PACKET_HEADROOM;
}

bool ks_xlat_in_scratch(const struct ks_xlat *x, const uint8_t *data)
{
	return data >= x->scratch && data < x->scratch + KS_XLAT_SCRATCH;
}

/* xorshift64* (Marsaglia 2003, Vigna 2014): spreads numbers; nothing has to be kept from being guessed. */
uint32_t ks_xlat_random(struct ks_xlat *x)
{
	x->random ^= x->random >> 12;
	x->random ^= x->random << 25;
	x->random ^= x->random >> 27;
	return (uint32_t)(x->random * 2685821657736338717U >> 32);
}

void ks_xlat_count_mappings(struct ks_xlat *x, const struct ks_packet *packet, struct ks_slots slots)
{
	unsigned packets = ks_packet_segments(packet);

	if (x->mappings == NULL)
		return;
	if (slots.dst != KS_SLOT_NONE) {
		x->mappings[slots.dst].packets_to += packets;
		x->mappings[slots.dst].bytes_to += packet->len;
	}
	if (slots.src != KS_SLOT_NONE) {
		x->mappings[slots.src].packets_from += packets;
		x->mappings[slots.src].bytes_from += packet->len;
	}
}

void ks_xlat_send(struct ks_xlat *x, const struct ks_packet *packet, enum ks_xlat_direction direction,
		  struct ks_slots slots)
{
	x->counts->packets[direction] += ks_packet_segments(packet);
	x->counts->bytes[direction] += packet->len;
	x->counts->units[direction]++;
	ks_xlat_count_mappings(x, packet, slots);
	x->emit(x->ctx, packet, !ks_xlat_in_scratch(x, packet->data));
}

enum ks_mapped ks_xlat_to6(const struct ks_xlat *x, uint32_t v4, bool explicit_too, struct in6_addr *v6,
			   uint32_t *slot)
{
	return ks_table_to6(x->table, v4, explicit_too, v6, slot);
}

void ks_xlat_expect(const struct ks_xlat *x, const struct ks_packet *packet)
{
	const uint8_t *ip = packet->data;
	struct in6_addr address;

	if (packet->len >= KS_HEAD6 && ip[0] >> 4 == 6) {
		memcpy(&address, ip + 8, sizeof(address));
		ks_table_expect6(x->table, &address);
		memcpy(&address, ip + 24, sizeof(address));
		ks_table_expect6(x->table, &address);
	} else if (packet->len >= KS_HEAD4 && ip[0] >> 4 == 4) {
		ks_table_expect4(x->table, ks_get32(ip + 12));
		ks_table_expect4(x->table, ks_get32(ip + 16));
	}
}

static enum ks_xlat_drop by_version(struct ks_xlat *x, struct ks_packet *packet)
{
	switch (packet->len > 0 ? packet->data[0] >> 4 : 0) {
	case 4:
		return ks_xlat46(x, packet, 0);
	case 6:
		return ks_xlat64(x, packet);
	default:
		return KS_XLAT_VERSION;
	}
}

enum ks_xlat_drop ks_xlat(struct ks_xlat *x, struct ks_packet *packet)
{
	unsigned family = packet->len > 0 && packet->data[0] >> 4 == 6;
	const uint8_t *bytes = packet->data;
	size_t len = packet->len;
	enum ks_xlat_drop why = by_version(x, packet);

	if (why == KS_XLAT_PASSED)
		return why;
	x->counts->drops[family][why]++;
	if (x->dropped != NULL)
		x->dropped(x->ctx, why, bytes, len);
	return why;
}
