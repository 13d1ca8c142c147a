/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/core_check.h"

#include <string.h>

struct core core;

void core_setup(void)
{
	core_open(&core);
}

void core_teardown(void)
{
	core_close(&core);
}

TCase *core_case(const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, core_setup, core_teardown);
	return tc;
}

/* --- what is to be so ------------------------------------------------------------------------------ */

enum ks_xlat_drop core_run_offload(struct core *c, const struct wire *in, const struct virtio_net_hdr *offload)
{
	enum ks_xlat_drop why = core_take(c, in->bytes, in->len, offload);

	ck_assert_msg(c->fault == NULL, "came out: %s", c->fault);
	/* Each drop is told once, and counted by its family. */
	ck_assert_uint_eq(c->n_dropped, why != KS_XLAT_PASSED);
	ck_assert_int_eq(c->dropped, why);
	return why;
}

enum ks_xlat_drop core_run(struct core *c, const struct wire *in)
{
	return core_run_offload(c, in, NULL);
}

static void assert_why(enum ks_xlat_drop why, enum ks_xlat_drop wanted)
{
	ck_assert_msg(why == wanted, "%s, not %s", ks_xlat_drop_names[why], ks_xlat_drop_names[wanted]);
}

void core_same(const struct output *out, const struct wire *want, const char *what)
{
	static struct wire got;
	size_t at = 0;

	ck_assert_msg(out->len == want->len, "%s: %zu bytes, not %zu", what, out->len, want->len);
	got.len = out->len;
	memcpy(got.bytes, out->bytes, out->len);
	if (got.bytes[0] >> 4 == 4 && (wire_get16(got.bytes + 6) & 0x3fff) == 0) {
		wire_put16(got.bytes + 4, wire_get16(want->bytes + 4));
		wire_sum4(&got);
	}
	while (at < got.len && got.bytes[at] == want->bytes[at])
		at++;
	ck_assert_msg(at == got.len, "%s: byte %zu is %02x, not %02x", what, at, got.bytes[at], want->bytes[at]);
}

void core_gives(struct core *c, const struct wire *in, const struct wire *want)
{
	assert_why(core_run(c, in), KS_XLAT_PASSED);
	ck_assert_uint_eq(c->n, 1);
	core_same(&c->out[0], want, "the packet");
}

void core_drops(struct core *c, const struct wire *in, enum ks_xlat_drop why)
{
	unsigned family = in->len > 0 && in->bytes[0] >> 4 == 6;
	uint64_t before = c->counts.drops[family][why];

	assert_why(core_run(c, in), why);
	ck_assert_uint_eq(c->counts.drops[family][why], before + 1);
	ck_assert_uint_eq(c->n, 0);
}

/* From the translator to the sender, and it quotes the packet from its first byte on, as much as may be. */
static void assert_error(const struct output *out, const struct wire *in)
{
	struct parsed p;
	struct in6_addr self6 = core_v6(SELF6);
	uint8_t self4[4];
	size_t most;

	ck_assert_ptr_null(wire_parse(&p, out->bytes, out->len, false));
	wire_put32(self4, core_v4(SELF4));
	ck_assert_uint_eq(p.version, in->bytes[0] >> 4);
	ck_assert(memcmp(p.src, p.version == 4 ? self4 : self6.s6_addr, p.version == 4 ? 4 : 16) == 0);
	ck_assert(memcmp(p.dst, in->bytes + (p.version == 4 ? 12 : 8), p.version == 4 ? 4 : 16) == 0);
	ck_assert_uint_eq(p.ttl, 64);
	most = (p.version == 4 ? 576 : 1280) - p.at - 8;
	ck_assert_uint_eq(p.payload - 8, in->len < most ? in->len : most);
	ck_assert(memcmp(out->bytes + p.at + 8, in->bytes, p.payload - 8) == 0);
}

uint32_t core_tells(struct core *c, const struct wire *in, enum ks_xlat_drop why, unsigned type, unsigned code)
{
	unsigned family = in->bytes[0] >> 4 == 6;
	uint64_t before = c->counts.errors[family][type];
	const uint8_t *icmp;

	assert_why(core_run(c, in), why);
	ck_assert_uint_eq(c->n, 1);
	assert_error(&c->out[0], in);
	icmp = c->out[0].bytes + (family ? 40 : 20);
	ck_assert_uint_eq(icmp[0], type);
	ck_assert_uint_eq(icmp[1], code);
	ck_assert_uint_eq(c->counts.errors[family][type], before + 1);
	return wire_get32(icmp + 4);
}

static void becomes(const struct ip *from, const struct ip *to, const struct wire *part)
{
	static struct wire in, want;

	wire_packet(&in, from, part);
	wire_packet(&want, to, part);
	core_gives(&core, &in, &want);
}

void core_46(struct ip in4, struct ip want6, const struct wire *part)
{
	in4 = core_in4(in4);
	want6 = core_out6(want6);
	becomes(&in4, &want6, part);
}

void core_64(struct ip in6, struct ip want4, const struct wire *part)
{
	in6 = core_in6(in6);
	want4 = core_out4(want4);
	becomes(&in6, &want4, part);
}
