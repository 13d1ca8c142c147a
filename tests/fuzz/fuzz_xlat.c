/* SPDX-License-Identifier: Apache-2.0
 *
 * The translator's core: settings, offload fields and a packet (tests/fuzz/xlat_input.h). Nothing is read behind the
 * packet, and what comes out is as well-formed as what came in, in the eyes of tests/unit/packet_fault.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/xlat_input.h"
#include "tests/unit/core.h"

#define CUT_MAX 400	/* of a longer packet not all shorter ones are tried */

static struct core core;
static struct wire packet;
static struct virtio_net_hdr offload;

static void show(const char *what, const uint8_t *bytes, size_t len)
{
	fprintf(stderr, "%s, %zu bytes:", what, len);
	for (size_t i = 0; i < len && i < CUT_MAX; i++)
		fprintf(stderr, "%s%02x", i % 16 == 0 ? "\n" : i % 2 == 0 ? " " : "", bytes[i]);
	fputc('\n', stderr);
}

static void need(bool true_, const char *what)
{
	if (true_)
		return;
	show("in", packet.bytes, packet.len);
	for (unsigned i = 0; i < core.n; i++)
		show("out", core.out[i].bytes, core.out[i].len);
	fprintf(stderr, "fuzz_xlat: %s\n", what);
	abort();
}

/* --- settings ------------------------------------------------------------------------------------ */

static void set_pools(struct ks_xlat_settings *s)
{
	s->pool4[0] = (struct ks_pool4){ core_v4("203.0.113.64"), 28 };
	s->pool6[0] = (struct ks_pool6){ core_v6("2001:db8:77::"), 100 };
	s->n_pool4 = s->n_pool6 = 1;
}

static void set_up(const struct xlat_input *input)
{
	static const uint32_t mtu4[] = { 1500, 68, 1260, 65535 }, mtu6[] = { 1500, 1280, 1520, 65575 };
	static const uint32_t lowest[] = { 1280, 1281, 1500, 9000 };
	struct ks_xlat_settings *s = &core.settings;
	const struct ks_mapping mapping = core_mapping(HOST4, 32, HOST6, 128);

	core_open(&core);
	s->udp_zero = (enum ks_udp_zero)((input->settings & XLAT_ZERO) % 3);
	s->hairpin = (enum ks_hairpin)((input->settings & XLAT_HAIRPIN) / 4 % 3);
	if (input->how & XLAT_WELL_KNOWN)
		core_table(&core, "64:ff9b::", 96, &mapping, 1);
	if (input->settings & XLAT_NO_PREFIX)
		core_table(&core, NULL, 0, &mapping, 1);
	if (input->settings & XLAT_POOLS)
		set_pools(s);
	s->interface_object = (input->settings & XLAT_NAMES) != 0;
	if (input->settings & XLAT_TOS)
		s->tos4 = s->tos6 = 0x2e;
	s->mtu4 = mtu4[input->mtu & 3];
	s->mtu6 = mtu6[input->mtu >> 2 & 3];
	s->lowest_ipv6_mtu = lowest[input->mtu >> 4 & 3];
	core.zero_udp = s->udp_zero == KS_UDP_ZERO_FORWARD;
}

/* --- the packet ---------------------------------------------------------------------------------- */

static void set_offload(const struct xlat_input *input)
{
	memset(&offload, 0, sizeof(offload));
	if (!(input->how & XLAT_OFFLOAD))
		return;
	offload.flags = input->flags;
	offload.gso_type = input->gso_type;
	offload.hdr_len = (uint16_t)wire_get16(input->hdr_len);
	offload.gso_size = (uint16_t)wire_get16(input->gso_size);
	offload.csum_start = (uint16_t)wire_get16(input->csum_start);
	offload.csum_offset = (uint16_t)wire_get16(input->csum_offset);
}

static void set_lengths(void)
{
	uint8_t *ip = packet.bytes;

	if (packet.len >= 20 && ip[0] >> 4 == 4 && packet.len >= (ip[0] & 15U) * 4 && packet.len <= 65535) {
		wire_put16(ip + 2, (unsigned)packet.len);
		wire_sum4(&packet);
	}
	if (packet.len >= 40 && ip[0] >> 4 == 6 && packet.len <= 65575)
		wire_put16(ip + 4, (unsigned)(packet.len - 40));
}

/* UDP's own length, then the checksum; or what it begins with, where the rest is left to others. */
static void set_sums(void)
{
	struct parsed p;
	size_t at;

	if (wire_parse(&p, packet.bytes, packet.len, false) != NULL || !p.whole)
		return;
	at = wire_checksum_at(p.protocol);
	if (at == 0 || p.have < at + 2)
		return;
	if (p.protocol == UDP)
		wire_put16(packet.bytes + p.at + 4, (unsigned)p.payload);
	if (offload.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		wire_put16(packet.bytes + p.at + at, wire_pseudo(&p, p.payload));
	else
		wire_sum(&packet);
}

static void set_packet(const struct xlat_input *input, const uint8_t *bytes, size_t len)
{
	size_t more = input->more * (size_t)256;

	packet.len = len < WIRE_MAX - more ? len : WIRE_MAX - more;
	memcpy(packet.bytes, bytes, packet.len);
	for (size_t i = 0; i < more; i++)
		packet.bytes[packet.len++] = (uint8_t)(i * 7);
	if (input->how & XLAT_LENGTHS)
		set_lengths();
	if (input->how & XLAT_SUMS)
		set_sums();
}

/* --- and what comes of it ------------------------------------------------------------------------ */

static enum packet_care care_of(size_t len)
{
	if (packet_fault(packet.bytes, len, &offload, PACKET_ALL) == NULL)
		return PACKET_ALL;
	return packet_fault(packet.bytes, len, &offload, PACKET_LENGTHS) == NULL ? PACKET_LENGTHS : PACKET_IP;
}

static void take(size_t len)
{
	enum ks_xlat_drop why;

	core.care = care_of(len);
	core.xlat.now_us += 1000000;
	why = core_take(&core, packet.bytes, len, &offload);
	need(core.fault == NULL, core.fault);
	need(core.n_dropped == (why != KS_XLAT_PASSED), "dropped() was not called once");
	need(why != KS_XLAT_PASSED || core.n > 0, "it went nowhere");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct xlat_input input;

	if (len < sizeof(input))
		return 0;
	memcpy(&input, bytes, sizeof(input));
	set_up(&input);
	set_offload(&input);
	set_packet(&input, bytes + sizeof(input), len - sizeof(input));
	take(packet.len);
	if (input.how & XLAT_CUT)
		for (size_t cut = 0; cut < packet.len && cut < CUT_MAX; cut++)
			take(cut);
	core_close(&core);
	return 0;
}
