/* SPDX-License-Identifier: Apache-2.0
 *
 * ICMP types, codes, pointers and MTUs of one family in the other: RFC 7915, sections 4.2 and 5.2. Errors only.
 */
#include "nat64/bytes.h"
#include "nat64/xlat_private.h"

#define LENGTH_AT4 5		/* of the length attribute: RFC 4884, section 4 */
#define LENGTH_AT6 4
#define UNIT4 4			/* bytes that it counts */
#define UNIT6 8
#define NONE 0xff		/* no such thing in the other family */
#define GROWS (KS_HEAD6 - KS_HEAD4)

enum { UNREACHABLE4 = 3, EXCEEDED4 = 11, PROBLEM4 = 12, NEEDS_FRAGMENTATION = 4 };
enum { UNREACHABLE6 = 1, TOO_BIG6 = 2, EXCEEDED6 = 3, PROBLEM6 = 4 };

struct type_code {
	uint8_t type, code;
};

static const struct type_code unreachable_to6[] = {
	[0] = { UNREACHABLE6, 0 }, [1] = { UNREACHABLE6, 0 }, [2] = { PROBLEM6, 1 }, [3] = { UNREACHABLE6, 4 },
	[4] = { TOO_BIG6, 0 }, [5] = { UNREACHABLE6, 0 }, [6] = { UNREACHABLE6, 0 }, [7] = { UNREACHABLE6, 0 },
	[8] = { UNREACHABLE6, 0 }, [9] = { UNREACHABLE6, 1 }, [10] = { UNREACHABLE6, 1 }, [11] = { UNREACHABLE6, 0 },
	[12] = { UNREACHABLE6, 0 }, [13] = { UNREACHABLE6, 1 }, [14] = { NONE, 0 }, [15] = { UNREACHABLE6, 1 },
};
static const struct type_code unreachable_to4[] = {
	[0] = { UNREACHABLE4, 1 }, [1] = { UNREACHABLE4, 10 }, [2] = { UNREACHABLE4, 1 }, [3] = { UNREACHABLE4, 1 },
	[4] = { UNREACHABLE4, 3 },
};
/* The Pointer, by the offset of a field: figures 3 and 6. */
static const uint8_t pointer_to6[] = {
	[0] = 0, [1] = 1, [2] = 4, [3] = 4, [4] = NONE, [5] = NONE, [6] = NONE, [7] = NONE, [8] = 7, [9] = 6,
	[10] = NONE, [11] = NONE, [12] = 8, [13] = 8, [14] = 8, [15] = 8, [16] = 24, [17] = 24, [18] = 24, [19] = 24,
};
static const uint8_t pointer_to4[] = {
	[0] = 0, [1] = 1, [2] = NONE, [3] = NONE, [4] = 2, [5] = 2, [6] = 9, [7] = 8,
	[8] = 12, [9] = 12, [10] = 12, [11] = 12, [12] = 12, [13] = 12, [14] = 12, [15] = 12,
	[16] = 12, [17] = 12, [18] = 12, [19] = 12, [20] = 12, [21] = 12, [22] = 12, [23] = 12,
	[24] = 16, [25] = 16, [26] = 16, [27] = 16, [28] = 16, [29] = 16, [30] = 16, [31] = 16,
	[32] = 16, [33] = 16, [34] = 16, [35] = 16, [36] = 16, [37] = 16, [38] = 16, [39] = 16,
};
#define PROTOCOL_POINTER6 6	/* of an unknown Next Header: "protocol unreachable" points there */

/* RFC 1191, section 7: what a router that names no MTU may have meant, the greatest below the packet that it refused. */
static uint32_t plateau(size_t total)
{
	static const uint16_t plateaus[] = { 65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68 };

	for (size_t i = 0; i < sizeof(plateaus) / sizeof(*plateaus); i++)
		if (plateaus[i] < total)
			return plateaus[i];
	return KS_XLAT_MTU4_MIN;
}

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

static uint32_t mtu_to6(const struct ks_xlat_settings *s, uint32_t mtu, size_t quoted_total)
{
	if (mtu == 0)
		mtu = plateau(quoted_total);
	mtu = least(least(mtu + GROWS, s->mtu6), s->mtu4 + GROWS);
	return mtu < KS_XLAT_MTU6_MIN ? KS_XLAT_MTU6_MIN : mtu;
}

static uint32_t mtu_to4(const struct ks_xlat_settings *s, uint32_t mtu, bool quoted_fragment)
{
	/* One that says less than IPv6 allows is not believed. */
	mtu = mtu < KS_XLAT_MTU6_MIN ? KS_XLAT_MTU6_MIN : mtu;
	mtu = least(least(mtu - GROWS, s->mtu4), s->mtu6 - GROWS);
	if (quoted_fragment)
		mtu -= KS_HEAD_FRAGMENT;
	return mtu < KS_XLAT_MTU4_MIN ? KS_XLAT_MTU4_MIN : mtu;
}

static enum ks_xlat_drop unreachable46(const struct ks_xlat_settings *s, const uint8_t *icmp, size_t quoted_total,
				       struct ks_icmp *out)
{
	const struct type_code *to;

	if (icmp[1] >= sizeof(unreachable_to6) / sizeof(*unreachable_to6))
		return KS_XLAT_ICMP_TYPE;
	to = &unreachable_to6[icmp[1]];
	if (to->type == NONE)
		return KS_XLAT_ICMP_TYPE;
	*out = (struct ks_icmp){ to->type, to->code, 0 };
	if (to->type == PROBLEM6)
		out->rest = PROTOCOL_POINTER6;
	if (to->type == TOO_BIG6)
		out->rest = mtu_to6(s, ks_get16(icmp + 6), quoted_total);
	return KS_XLAT_PASSED;
}

static enum ks_xlat_drop problem46(const uint8_t *icmp, struct ks_icmp *out)
{
	/* "Bad length" points as "pointer indicates the error" does; "missing a required option" has no like. */
	if (icmp[1] != 0 && icmp[1] != 2)
		return KS_XLAT_ICMP_TYPE;
	if (icmp[4] >= sizeof(pointer_to6) || pointer_to6[icmp[4]] == NONE)
		return KS_XLAT_ICMP_POINTER;
	*out = (struct ks_icmp){ PROBLEM6, 0, pointer_to6[icmp[4]] };
	return KS_XLAT_PASSED;
}

enum ks_xlat_drop ks_icmp_to6(const struct ks_xlat_settings *settings, const uint8_t *icmp, size_t quoted_total,
			      struct ks_icmp *out)
{
	switch (icmp[0]) {
	case UNREACHABLE4:
		return unreachable46(settings, icmp, quoted_total, out);
	case EXCEEDED4:
		*out = (struct ks_icmp){ EXCEEDED6, icmp[1], 0 };
		return icmp[1] <= 1 ? KS_XLAT_PASSED : KS_XLAT_ICMP_TYPE;
	case PROBLEM4:
		return problem46(icmp, out);
	default:
		return KS_XLAT_ICMP_TYPE;
	}
}

static enum ks_xlat_drop problem64(const uint8_t *icmp, struct ks_icmp *out)
{
	uint32_t pointer = ks_get32(icmp + 4);

	if (icmp[1] == 1) {
		*out = (struct ks_icmp){ UNREACHABLE4, 2, 0 };
		return KS_XLAT_PASSED;
	}
	if (icmp[1] != 0)
		return KS_XLAT_ICMP_TYPE;
	if (pointer >= sizeof(pointer_to4) || pointer_to4[pointer] == NONE)
		return KS_XLAT_ICMP_POINTER;
	*out = (struct ks_icmp){ PROBLEM4, 0, (uint32_t)pointer_to4[pointer] << 24 };
	return KS_XLAT_PASSED;
}

enum ks_xlat_drop ks_icmp_to4(const struct ks_xlat_settings *settings, const uint8_t *icmp, bool quoted_fragment,
			      struct ks_icmp *out)
{
	switch (icmp[0]) {
	case UNREACHABLE6:
		if (icmp[1] >= sizeof(unreachable_to4) / sizeof(*unreachable_to4))
			return KS_XLAT_ICMP_TYPE;
		*out = (struct ks_icmp){ unreachable_to4[icmp[1]].type, unreachable_to4[icmp[1]].code, 0 };
		return KS_XLAT_PASSED;
	case TOO_BIG6:
		*out = (struct ks_icmp){ UNREACHABLE4, NEEDS_FRAGMENTATION,
					 mtu_to4(settings, ks_get32(icmp + 4), quoted_fragment) };
		return KS_XLAT_PASSED;
	case EXCEEDED6:
		*out = (struct ks_icmp){ EXCEEDED4, icmp[1], 0 };
		return icmp[1] <= 1 ? KS_XLAT_PASSED : KS_XLAT_ICMP_TYPE;
	case PROBLEM6:
		return problem64(icmp, out);
	default:
		return KS_XLAT_ICMP_TYPE;
	}
}

size_t ks_icmp4_length(const uint8_t *icmp)
{
	bool has = icmp[0] == UNREACHABLE4 || icmp[0] == EXCEEDED4 || icmp[0] == PROBLEM4;

	return has ? (size_t)icmp[LENGTH_AT4] * UNIT4 : 0;
}

size_t ks_icmp6_length(const uint8_t *icmp)
{
	return icmp[0] == UNREACHABLE6 || icmp[0] == EXCEEDED6 ? (size_t)icmp[LENGTH_AT6] * UNIT6 : 0;
}
