/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes into the coalescer and what comes out of it, cut again by a segmenter of the test's own, are the same
 * packets in the same order.
 */
#include "nat64/coalesce.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

#define ARENA (64 * 1024 * 1024)
#define SEGMENTS_MAX 60000
#define HOSTS 4
#define PORTS 6

/* --- an independent reading of packets ------------------------------------------------------------ */

static uint32_t word(const uint8_t *at) { return (uint32_t)at[0] << 8 | at[1]; }
static void put(uint8_t *at, uint32_t value) { at[0] = (uint8_t)(value >> 8); at[1] = (uint8_t)value; }
static void put_long(uint8_t *at, uint32_t value) { put(at, value >> 16); put(at + 2, value & 0xffff); }
static uint32_t get_long(const uint8_t *at) { return word(at) << 16 | word(at + 2); }

static uint32_t add_up(const uint8_t *bytes, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++) {
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static size_t ip_header(const uint8_t *ip) { return ip[0] >> 4 == 4 ? (size_t)(ip[0] & 15) * 4 : 40; }
static uint8_t protocol_of(const uint8_t *ip) { return ip[0] >> 4 == 4 ? ip[9] : ip[6]; }

static uint32_t pseudo(const uint8_t *ip, size_t l4_len)
{
	uint8_t tail[4] = { 0, protocol_of(ip), (uint8_t)(l4_len >> 8), (uint8_t)l4_len };
	uint32_t sum = ip[0] >> 4 == 4 ? add_up(ip + 12, 8, 0) : add_up(ip + 8, 32, 0);

	return add_up(tail, 4, sum);
}

static uint8_t *checksum_field(uint8_t *ip)
{
	return ip + ip_header(ip) + (protocol_of(ip) == IPPROTO_TCP ? 16 : 6);
}

static void complete(uint8_t *ip, size_t len)
{
	size_t at = ip_header(ip);
	uint8_t *field = checksum_field(ip);
	uint32_t sum;

	put(field, 0);
	sum = ~add_up(ip + at, len - at, pseudo(ip, len - at)) & 0xffff;
	put(field, sum == 0 && protocol_of(ip) == IPPROTO_UDP ? 0xffff : sum);
}

static void finish_ip(uint8_t *ip, size_t len)
{
	if (ip[0] >> 4 == 6) {
		put(ip + 4, (uint32_t)(len - 40));
		return;
	}
	put(ip + 2, (uint32_t)len);
	put(ip + 10, 0);
	put(ip + 10, ~add_up(ip, ip_header(ip), 0) & 0xffff);
}

/* --- what is there and what is expected -------------------------------------------------------------- */

struct segment {
	uint8_t *bytes;
	size_t len;
	unsigned flow, hosts;	/* flow 0: no ports */
	bool seen;
};

static uint8_t *arena, *arena_at;
static struct segment expected[SEGMENTS_MAX];
static size_t n_expected, n_seen, n_large, n_units;

static uint8_t *take(size_t len)
{
	uint8_t *at = arena_at;

	ck_assert(arena_at + len <= arena + ARENA);
	arena_at += len;
	return at;
}

static void note(uint8_t *bytes, size_t len, unsigned flow, unsigned hosts)
{
	ck_assert(n_expected < SEGMENTS_MAX);
	expected[n_expected++] = (struct segment){ bytes, len, flow, hosts, false };
}

/* What a receiver sees of it: not the identification, the sum over it, and which of two zeros. */
static bool same_packet(const uint8_t *a, const uint8_t *b, size_t len)
{
	static uint8_t x[KS_PACKET_ROOM], y[KS_PACKET_ROOM];

	memcpy(x, a, len);
	memcpy(y, b, len);
	if (x[0] >> 4 == 4) {
		memset(x + 4, 0, 2), memset(x + 10, 0, 2);
		memset(y + 4, 0, 2), memset(y + 10, 0, 2);
	}
	return memcmp(x, y, len) == 0;
}

static void check_segment(const uint8_t *bytes, size_t len, unsigned flow, unsigned hosts)
{
	size_t i = 0;

	if (bytes[0] >> 4 == 4)
		ck_assert_uint_eq(add_up(bytes, ip_header(bytes), 0), 0xffff);
	for (; i < n_expected; i++) {
		const struct segment *e = &expected[i];

		if (e->hosts == hosts && !e->seen && e->flow == flow)
			break;
		/* What has no ports does not pass, nor is passed. */
		if (e->hosts == hosts && !e->seen && (flow == 0 || e->flow == 0))
			ck_abort_msg("out of order");
	}
	ck_assert_msg(i < n_expected, "more than went in");
	ck_assert_uint_eq(len, expected[i].len);
	ck_assert_msg(same_packet(bytes, expected[i].bytes, len), "segment %zu differs", i);
	expected[i].seen = true;
	n_seen++;
}

static unsigned hosts_of(const uint8_t *ip) { return ip[0] >> 4 == 4 ? ip[19] : 100U + ip[39]; }
static unsigned flow_of(const uint8_t *ip)
{
	size_t at = ip_header(ip);
	uint8_t protocol = protocol_of(ip);

	if ((protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) || at > 40 || (ip[0] >> 4 == 4 && ip[6] & 0x3f))
		return 0;
	return 1 + ip[at + 1] + (protocol == IPPROTO_TCP ? 1000U : 0);
}

/* Cuts what the kernel would: each(segment, len). */
static void cut(const uint8_t *ip, size_t len, const struct virtio_net_hdr *offload,
		void (*each)(const uint8_t *bytes, size_t len, unsigned flow, unsigned hosts))
{
	static uint8_t one[KS_PACKET_ROOM];
	size_t at = ip_header(ip), header, mss = offload->gso_size;
	bool tcp = protocol_of(ip) == IPPROTO_TCP;

	header = at + (tcp ? (size_t)(ip[at + 12] >> 4) * 4 : 8);
	for (size_t done = header, i = 0; done < len; done += mss, i++) {
		size_t payload = len - done < mss ? len - done : mss;
		bool last = done + payload == len;

		memcpy(one, ip, header);
		memcpy(one + header, ip + done, payload);
		if (tcp) {
			put_long(one + at + 4, get_long(ip + at + 4) + (uint32_t)(done - header));
			if (!last)
				one[at + 13] &= (uint8_t)~0x09;
		} else {
			put(one + at + 4, (uint32_t)(payload + 8));
		}
		if (ip[0] >> 4 == 4)
			put(one + 4, word(ip + 4) + (uint32_t)i);
		finish_ip(one, header + payload);
		complete(one, header + payload);
		each(one, header + payload, flow_of(one), hosts_of(one));
	}
}

static void check_large(const uint8_t *ip, size_t len, const struct virtio_net_hdr *offload)
{
	static uint8_t copy[KS_PACKET_ROOM];
	size_t at = ip_header(ip);

	memcpy(copy, ip, len);
	n_large++;
	ck_assert_uint_le(len, KS_PACKET_MAX);
	ck_assert_uint_eq(offload->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	ck_assert_uint_eq(offload->csum_start, at);
	ck_assert_uint_eq(offload->csum_offset, protocol_of(ip) == IPPROTO_TCP ? 16 : 6);
	ck_assert_uint_eq(word(checksum_field(copy)), pseudo(ip, len - at));
	ck_assert_uint_eq(offload->gso_type, protocol_of(ip) == IPPROTO_UDP ? VIRTIO_NET_HDR_GSO_UDP_L4 :
			  ip[0] >> 4 == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6);
	if (protocol_of(ip) == IPPROTO_UDP)
		ck_assert_uint_eq(word(ip + at + 4), len - at);
	ck_assert_uint_eq(ip[0] >> 4 == 4 ? word(ip + 2) : word(ip + 4) + 40, len);
	cut(ip, len, offload, check_segment);
}

static void take_out(void *ctx, const struct iovec *iov, unsigned n)
{
	static uint8_t bytes[KS_PACKET_ROOM + 1];
	struct virtio_net_hdr offload;
	size_t len = 0;

	(void)ctx;
	ck_assert_uint_eq(iov[0].iov_len, sizeof(offload));
	memcpy(&offload, iov[0].iov_base, sizeof(offload));
	for (unsigned i = 1; i < n; i++) {
		ck_assert_uint_le(len + iov[i].iov_len, sizeof(bytes));
		memcpy(bytes + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	n_units++;
	if (offload.gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		check_large(bytes, len, &offload);
		return;
	}
	if ((offload.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0)
		complete(bytes, len);
	check_segment(bytes, len, flow_of(bytes), hosts_of(bytes));
}

/* --- random flows ------------------------------------------------------------------------------------ */

static uint64_t seed;
static unsigned draw(unsigned below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % below;
}
static bool once_in(unsigned n) { return draw(n) == 0; }

struct flow {
	uint32_t seq, ack, window;
	unsigned size;
	bool options, df;
	uint8_t ttl, tos;
};
static struct flow flows[2][2][HOSTS][PORTS];

static void change_now_and_then(struct flow *flow)
{
	if (once_in(60))
		flow->ack += draw(3000);
	if (once_in(60))
		flow->window = draw(65536);
	if (once_in(80))
		flow->size = 1 + draw(once_in(2) ? 1400 : 60);
	if (once_in(80))
		flow->seq += draw(9000);
	if (once_in(80))
		flow->options = !flow->options;
	if (once_in(120))
		flow->df = !flow->df;
	if (once_in(120))
		flow->ttl = (uint8_t)(1 + draw(250));
	if (once_in(120))
		flow->tos = (uint8_t)draw(256);
}

static size_t write_ip(uint8_t *ip, const struct flow *flow, bool six, bool tcp, unsigned host)
{
	if (six) {
		memset(ip, 0, 40);
		ip[0] = (uint8_t)(0x60 | flow->tos >> 4);
		ip[1] = (uint8_t)(flow->tos << 4);
		ip[6] = tcp ? IPPROTO_TCP : IPPROTO_UDP;
		ip[7] = flow->ttl;
		ip[8] = 0xfd, ip[23] = 1, ip[24] = 0xfd, ip[39] = (uint8_t)host;
		return 40;
	}
	memset(ip, 0, 20);
	ip[0] = 0x45;
	ip[1] = flow->tos;
	put(ip + 4, draw(65536));
	ip[6] = flow->df ? 0x40 : 0;
	ip[8] = flow->ttl;
	ip[9] = tcp ? IPPROTO_TCP : IPPROTO_UDP;
	ip[12] = 10, ip[15] = 1, ip[16] = 10, ip[19] = (uint8_t)host;
	return 20;
}

static size_t write_l4(uint8_t *l4, struct flow *flow, bool tcp, unsigned port, size_t payload)
{
	memset(l4, 0, 32);
	put(l4, 5000 + port);
	put(l4 + 2, 80);
	l4[1] = (uint8_t)port;
	if (!tcp) {
		put(l4 + 4, (uint32_t)(payload + 8));
		return 8;
	}
	put_long(l4 + 4, flow->seq);
	put_long(l4 + 8, flow->ack);
	l4[12] = flow->options ? 0x80 : 0x50;
	l4[13] = 0x10;
	if (once_in(20))
		l4[13] |= (uint8_t)(once_in(2) ? 1U << draw(8) : 0x08);
	put(l4 + 14, flow->window);
	if (flow->options)
		memcpy(l4 + 20, "\1\1\10\12AAAABBBB", 12);
	if (once_in(200))
		put(l4 + 18, 7);
	flow->seq += (uint32_t)payload;
	return flow->options ? 32 : 20;
}

/* Gives one to the coalescer and notes what has to come of it. */
static void give(struct ks_coalesce *coalesce, uint8_t *ip, size_t len, const struct virtio_net_hdr *offload)
{
	struct ks_packet packet = { ip, len, *offload };
	bool lasting = !once_in(50);
	uint8_t *copy = take(len);

	memcpy(copy, ip, len);
	if (offload->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		/* Not by cut(), which is what takes it apart afterwards if it is right. */
		for (size_t at = 0, header = (size_t)offload->hdr_len, i = 0; header + at < len;
		     at += offload->gso_size, i++) {
			size_t payload = len - header - at < offload->gso_size ? len - header - at : offload->gso_size;
			uint8_t *one = take(header + payload);

			memcpy(one, ip, header);
			memcpy(one + header, ip + header + at, payload);
			put_long(one + ip_header(one) + 4, get_long(ip + ip_header(ip) + 4) + (uint32_t)at);
			if (header + at + payload < len)
				one[ip_header(one) + 13] &= (uint8_t)~0x09;
			finish_ip(one, header + payload);
			complete(one, header + payload);
			note(one, header + payload, flow_of(one), hosts_of(one));
		}
	} else {
		if ((offload->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0)
			complete(copy, len);
		note(copy, len, flow_of(copy), hosts_of(copy));
	}
	ks_coalesce_packet(coalesce, &packet, lasting);
	if (!lasting)
		memset(ip, 0xee, len);
}

static void give_one(struct ks_coalesce *coalesce)
{
	bool six = once_in(2), tcp = once_in(2);
	unsigned host = 1 + draw(once_in(3) ? HOSTS : 1), port = draw(once_in(3) ? PORTS : 1);
	struct flow *flow = &flows[six][tcp][host - 1][port];
	struct virtio_net_hdr offload = { 0 };
	size_t payload, at, header, len;
	bool large = tcp && once_in(60);
	uint8_t *ip;

	change_now_and_then(flow);
	payload = once_in(25) ? draw(flow->size + 1) : once_in(60) ? flow->size + draw(30) : flow->size;
	if (large)
		payload = flow->size * (2 + draw(5)) + 1;
	ip = take(40 + 32 + payload);
	at = write_ip(ip, flow, six, tcp, host);
	header = at + write_l4(ip + at, flow, tcp, port, payload);
	len = header + payload;
	for (size_t i = header; i < len; i++)
		ip[i] = (uint8_t)draw(256);
	if (!six && once_in(100))
		ip[6] |= 0x20, ip[9] = IPPROTO_UDP;	/* a fragment */
	else if (once_in(100))
		ip[six ? 6 : 9] = six ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	finish_ip(ip, len);
	if (flow_of(ip) != 0)
		complete(ip, len);
	if (flow_of(ip) != 0 && (large || once_in(4))) {
		offload.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		offload.csum_start = (uint16_t)at;
		offload.csum_offset = tcp ? 16 : 6;
		put(checksum_field(ip), pseudo(ip, len - at));
		if (large) {
			offload.gso_type = six ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
			offload.gso_size = (uint16_t)flow->size;
			offload.hdr_len = (uint16_t)header;
		}
	} else if (once_in(60) && flow_of(ip) != 0) {
		put(checksum_field(ip), word(checksum_field(ip)) ^ (1U << draw(16)));
	} else if (!tcp && once_in(60) && flow_of(ip) != 0) {
		put(checksum_field(ip), 0);
	}
	if (large && flow_of(ip) == 0)
		memset(&offload, 0, sizeof(offload));
	give(coalesce, ip, len, &offload);
}

static void start_flows(void)
{
	for (struct flow *flow = &flows[0][0][0][0]; flow < &flows[0][0][0][0] + 4 * HOSTS * PORTS; flow++)
		*flow = (struct flow){ draw(1U << 30) * 4, draw(1U << 30), draw(65536), 1 + draw(1400),
				       once_in(2),	   once_in(2),	   64,		0 };
}

START_TEST(what_went_in_comes_out)
{
	static struct ks_coalesce coalesce;

	seed = (uint64_t)_i * 977 + 12345;
	arena = arena_at = malloc(ARENA);
	n_expected = n_seen = n_large = n_units = 0;
	ck_assert_ptr_nonnull(arena);
	start_flows();
	ks_coalesce_init(&coalesce, _i % 4 != 1, _i % 4 != 2, take_out, NULL);
	for (unsigned i = 0; i < 6000; i++) {
		give_one(&coalesce);
		if (once_in(64))
			ks_coalesce_flush(&coalesce);
	}
	ks_coalesce_flush(&coalesce);
	ck_assert_uint_eq(n_seen, n_expected);
	ck_assert(n_units <= n_expected);
	ck_assert(_i % 4 != 3 || n_large > 300);
	ck_assert_uint_le(coalesce.trains, n_large);
	free(arena);
}
END_TEST

/* --- its limits, one by one -------------------------------------------------------------------------- */

static unsigned sent_units, sent_large;
static size_t sent_len[200];
static void count_out(void *ctx, const struct iovec *iov, unsigned n)
{
	const struct virtio_net_hdr *offload = iov[0].iov_base;

	(void)ctx;
	ck_assert_uint_lt(sent_units, 200);
	sent_len[sent_units] = 0;
	for (unsigned i = 1; i < n; i++)
		sent_len[sent_units] += iov[i].iov_len;
	sent_units++;
	sent_large += offload->gso_type != VIRTIO_NET_HDR_GSO_NONE;
}

static void give_udp(struct ks_coalesce *coalesce, size_t payload, unsigned host, unsigned port)
{
	struct flow flow = { .ttl = 64 };
	uint8_t *ip = take(28 + payload + 32);
	struct ks_packet packet = { ip, 28 + payload, { 0 } };

	write_ip(ip, &flow, false, false, host);
	write_l4(ip + 20, &flow, false, port, payload);
	memset(ip + 28, 0x5a, payload);
	finish_ip(ip, packet.len);
	complete(ip, packet.len);
	ks_coalesce_packet(coalesce, &packet, true);
}

static struct ks_coalesce limited;
static void limits_setup(void)
{
	arena = arena_at = malloc(ARENA);
	sent_units = sent_large = 0;
	ks_coalesce_init(&limited, true, true, count_out, NULL);
}
static void limits_teardown(void) { free(arena); }

START_TEST(at_most_64_and_65000_bytes)
{
	for (unsigned i = 0; i < 100; i++)
		give_udp(&limited, 100, 1, 1);
	ks_coalesce_flush(&limited);
	ck_assert_uint_eq(sent_units, 2);
	ck_assert_uint_eq(sent_len[0], 28 + 64 * 100);
	ck_assert_uint_eq(sent_len[1], 28 + 36 * 100);
	for (unsigned i = 0; i < 50; i++)
		give_udp(&limited, 1400, 1, 1);
	ks_coalesce_flush(&limited);
	ck_assert_uint_eq(sent_units, 4);
	ck_assert_uint_eq(sent_len[2], 28 + 46 * 1400);
	ck_assert_uint_eq(limited.trains, 4);
	ck_assert_uint_eq(limited.merged, 150);
}
END_TEST

START_TEST(a_shorter_one_is_the_last)
{
	give_udp(&limited, 100, 1, 1);
	give_udp(&limited, 100, 1, 1);
	give_udp(&limited, 99, 1, 1);
	ck_assert_uint_eq(sent_units, 1);
	give_udp(&limited, 99, 1, 1);
	give_udp(&limited, 100, 1, 1);	/* longer: it begins anew */
	ck_assert_uint_eq(sent_units, 2);
	ks_coalesce_flush(&limited);
	ck_assert_uint_eq(sent_units, 3);
	ck_assert_uint_eq(sent_large, 1);
}
END_TEST

START_TEST(more_flows_than_places)
{
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 2 * KS_COALESCE_FLOWS; i++)
			give_udp(&limited, 100, 1, i);
	ks_coalesce_flush(&limited);
	ck_assert_uint_eq(sent_units, 4 * KS_COALESCE_FLOWS);
	ck_assert_uint_eq(sent_large, 0);
	for (unsigned i = 0; i < 2 * KS_COALESCE_FLOWS; i++)
		give_udp(&limited, 100, 2, i / 2);
	ks_coalesce_flush(&limited);
	ck_assert_uint_eq(sent_large, KS_COALESCE_FLOWS);
}
END_TEST

static Suite *coalesce_suite(void)
{
	Suite *suite = suite_create("nat64_coalesce");
	TCase *flows_case = tcase_create("flows"), *limits = tcase_create("limits");

	tcase_set_timeout(flows_case, 60);
	tcase_add_loop_test(flows_case, what_went_in_comes_out, 0, 24);
	suite_add_tcase(suite, flows_case);
	tcase_add_checked_fixture(limits, limits_setup, limits_teardown);
	tcase_add_test(limits, at_most_64_and_65000_bytes);
	tcase_add_test(limits, a_shorter_one_is_the_last);
	tcase_add_test(limits, more_flows_than_places);
	suite_add_tcase(suite, limits);
	return suite;
}

int main(void)
{
	return unit_run(coalesce_suite());
}
