/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/settings.h"

#include <errno.h>
#include <net/if.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/wire/address.h"
#include "nat64/address.h"
#include "nat64/lines.h"

#define TEXT_(number) #number
#define TEXT(number) TEXT_(number)

#define MTU_MAX KS_PACKET_MAX
#define ICMP_RATE_MAX 1000000
#define ICMP_BURST_MAX 100000

const char *const ks_nat64_udp_zero_words[] = {
	[KS_UDP_ZERO_DROP] = "drop", [KS_UDP_ZERO_COMPUTE] = "compute", [KS_UDP_ZERO_FORWARD] = "forward", NULL,
};

const char *const ks_nat64_hairpin_words[] = {
	[KS_HAIRPIN_OFF] = "off", [KS_HAIRPIN_SIMPLE] = "simple", [KS_HAIRPIN_INTRINSIC] = "intrinsic", NULL,
};

int ks_nat64_word(const char *const *words, const char *text)
{
	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	return -1;
}

/* --- what one value must be ------------------------------------------------------------------------ */

bool ks_nat64_prefix(const char *text, struct ks_prefix *prefix)
{
	return ks_address6_parse(text, &prefix->address, &prefix->length, 96);
}

static const char *prefix_expected(const char *text)
{
	struct ks_prefix prefix;

	if (!ks_nat64_prefix(text, &prefix))
		return "an IPv6 prefix such as 64:ff9b::/96";
	return ks_prefix_expected(&prefix);
}

static const char *mtu4_expected(const char *text)
{
	return strcmp(text, "0") == 0 || strtoll(text, NULL, 10) >= KS_XLAT_MTU4_MIN ? NULL :
	       "0 for that of the device, or at least " TEXT(KS_XLAT_MTU4_MIN);
}

static const char *mtu6_expected(const char *text)
{
	return strcmp(text, "0") == 0 || strtoll(text, NULL, 10) >= KS_XLAT_MTU6_MIN ? NULL :
	       "0 for that of the device, or at least " TEXT(KS_XLAT_MTU6_MIN);
}

static const char *udp_zero_expected(const char *text)
{
	return ks_nat64_word(ks_nat64_udp_zero_words, text) >= 0 ? NULL : "drop, compute or forward";
}

static const char *hairpin_expected(const char *text)
{
	return ks_nat64_word(ks_nat64_hairpin_words, text) >= 0 ? NULL : "off, simple or intrinsic";
}

bool ks_nat64_tos(const char *text, int *tos)
{
	size_t len = strlen(text);

	*tos = -1;
	if (strcmp(text, "copy") == 0)
		return true;
	if (len < 1 || len > 3 || strspn(text, "0123456789") != len)
		return false;
	*tos = atoi(text);
	return *tos <= 255;
}

static const char *tos_expected(const char *text)
{
	int tos;

	return ks_nat64_tos(text, &tos) ? NULL : "copy, or a value from 0 to 255";
}

static const char *source4_expected(const char *text)
{
	uint8_t length;
	uint32_t v4;

	if (strcmp(text, "none") == 0 ||
	    (ks_address4_parse(text, &v4, &length, KS_LENGTH_NONE) && ks_address4_usable(v4)))
		return NULL;
	return "an IPv4 address of its own, or none";
}

static const char *source6_expected(const char *text)
{
	struct in6_addr v6;
	uint8_t length;

	if (strcmp(text, "none") == 0 ||
	    (ks_address6_parse(text, &v6, &length, KS_LENGTH_NONE) && ks_address6_usable(&v6)))
		return NULL;
	return "an IPv6 address of its own, or none";
}

static const char *pool4_expected(const char *text)
{
	uint8_t length;
	uint32_t v4;

	return ks_address4_parse(text, &v4, &length, 32) && ks_address4_usable(v4) ? NULL :
	       "an IPv4 address or prefix such as 192.0.2.0/24";
}

static const char *pool6_expected(const char *text)
{
	struct in6_addr v6;
	uint8_t length;

	return ks_address6_parse(text, &v6, &length, 128) && ks_address6_usable(&v6) ? NULL :
	       "an IPv6 address or prefix such as 2001:db8::/64";
}

/* As the kernel has it of a device's name. */
static const char *tun_expected(const char *text)
{
	size_t len = strlen(text);
	bool good = len > 0 && len < IFNAMSIZ && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;

	for (; good && *text != '\0'; text++)
		good = (unsigned char)*text > ' ' && *text != '/' && *text != ':' && *text != '%' && *text != 0x7f;
	return good ? NULL : "a name for the device, of at most 15 letters and digits";
}

static const char *control_expected(const char *text)
{
	return *text != '\0' && strlen(text) < sizeof(((struct sockaddr_un *)NULL)->sun_path) ? NULL :
	       "a path of at most 107 bytes";
}

static const char *user_expected(const char *text)
{
	return *text != '\0' && strpbrk(text, " \t:") == NULL ? NULL : "the name of a user";
}

static const char *hook_expected(const char *text)
{
	return *text != '\0' ? NULL : "a command";
}

/* --- the table of settings ------------------------------------------------------------------------- */

#define SETTING(name) offsetof(struct ks_nat64_settings, name)
static const struct ks_setting settings[] = {
	{ .name = "mapping-prefix", .type = KS_TEXT, .offset = SETTING(mapping_prefix), .arg = "PREFIX[/LENGTH]",
	  .check = prefix_expected,
	  .help = "IPv6 prefix that stands for all of IPv4; its length is 96, or 32, 40, 48, 56 or 64" },
	{ .name = "well-known-private", .type = KS_SWITCH, .offset = SETTING(well_known_private), .preset = "no",
	  .help = "let 64:ff9b::/96 stand for private IPv4 addresses, too (for labs)" },
	{ .name = "mtu4", .type = KS_NUMBER, .offset = SETTING(mtu4), .arg = "BYTES", .preset = "0", .min = 0,
	  .max = MTU_MAX, .check = mtu4_expected, .help = "largest IPv4 packet on the way on; 0 is the device's MTU" },
	{ .name = "mtu6", .type = KS_NUMBER, .offset = SETTING(mtu6), .arg = "BYTES", .preset = "0", .min = 0,
	  .max = MTU_MAX, .check = mtu6_expected, .help = "largest IPv6 packet on the way on; 0 is the device's MTU" },
	{ .name = "lowest-ipv6-mtu", .type = KS_NUMBER, .offset = SETTING(lowest_ipv6_mtu), .arg = "BYTES",
	  .preset = TEXT(KS_XLAT_MTU6_MIN), .min = KS_XLAT_MTU6_MIN, .max = MTU_MAX,
	  .help = "IPv4 packets that may be fragmented are, so that they fit this" },
	{ .name = "udp-zero-checksum", .type = KS_TEXT, .offset = SETTING(udp_zero), .arg = "drop|compute|forward",
	  .preset = "drop", .check = udp_zero_expected, .help = "what is done with UDP over IPv4 without a checksum" },
	{ .name = "hairpin", .type = KS_TEXT, .offset = SETTING(hairpin), .arg = "off|simple|intrinsic",
	  .preset = "intrinsic", .check = hairpin_expected,
	  .help = "how mapped hosts reach each other by their IPv4 addresses" },
	{ .name = "tos4", .type = KS_TEXT, .offset = SETTING(tos4), .arg = "copy|0..255", .preset = "copy",
	  .check = tos_expected, .help = "type of service of IPv4 packets: that of the IPv6 packet, or this one" },
	{ .name = "tos6", .type = KS_TEXT, .offset = SETTING(tos6), .arg = "copy|0..255", .preset = "copy",
	  .check = tos_expected, .help = "traffic class of IPv6 packets: that of the IPv4 packet, or this one" },
	{ .name = "icmp-source4", .type = KS_TEXT, .offset = SETTING(source4), .arg = "V4|none",
	  .preset = KS_NAT64_SOURCE4, .check = source4_expected,
	  .help = "its own IPv4 address: its ICMP errors come from there, and it answers pings to there" },
	{ .name = "icmp-source6", .type = KS_TEXT, .offset = SETTING(source6), .arg = "V6|none",
	  .check = source6_expected,
	  .help = "the same for IPv6; when not given, " KS_NAT64_SOURCE4 " behind mapping-prefix" },
	{ .name = "icmp-pool4", .type = KS_LIST, .offset = SETTING(pool4), .arg = "V4[/LENGTH]",
	  .check = pool4_expected,
	  .help = "errors of IPv6 routers that have no IPv4 address come from there (RFC 6791); may be repeated" },
	{ .name = "icmp-pool6", .type = KS_LIST, .offset = SETTING(pool6), .arg = "V6[/LENGTH]",
	  .check = pool6_expected,
	  .help = "errors of IPv4 routers that have no IPv6 address come from there; may be repeated" },
	{ .name = "interface-object", .type = KS_SWITCH, .offset = SETTING(interface_object), .preset = "no",
	  .help = "such errors tell the address that they came from (RFC 5837)" },
	{ .name = "icmp-errors", .type = KS_SWITCH, .offset = SETTING(icmp_errors), .preset = "yes",
	  .help = "tell senders why a packet did not get through" },
	{ .name = "icmp-rate", .type = KS_NUMBER, .offset = SETTING(icmp_rate), .arg = "N", .preset = "1000", .min = 1,
	  .max = ICMP_RATE_MAX, .help = "so many of its own ICMP errors a second and worker at most" },
	{ .name = "icmp-burst", .type = KS_NUMBER, .offset = SETTING(icmp_burst), .arg = "N", .preset = "200", .min = 1,
	  .max = ICMP_BURST_MAX, .help = "so many of them at once" },
	{ .name = "tun", .type = KS_TEXT, .offset = SETTING(tun), .at_start = true,
	  .arg = "NAME", .preset = "tun646",
	  .check = tun_expected, .help = "the TUN device" },
	{ .name = "routes", .type = KS_SWITCH, .offset = SETTING(routes), .at_start = true, .preset = "yes",
	  .help = "set the routes of the mapped IPv4 addresses and of mapping-prefix to the device" },
	{ .name = "workers", .type = KS_NUMBER, .offset = SETTING(workers), .at_start = true,
	  .arg = "N", .preset = "1", .min = 1,
	  .max = KS_NAT64_WORKERS_MAX, .help = "threads, each with a queue of the device" },
	{ .name = "tso", .type = KS_SWITCH, .offset = SETTING(tso), .at_start = true, .preset = "yes",
	  .help = "translate TCP before it is cut into segments" },
	{ .name = "uso", .type = KS_SWITCH, .offset = SETTING(uso), .at_start = true, .preset = "yes",
	  .help = "translate UDP before it is cut into datagrams" },
	{ .name = "coalesce", .type = KS_SWITCH, .offset = SETTING(coalesce), .at_start = true, .preset = "yes",
	  .help = "hand on consecutive packets of a flow as one" },
	{ .name = "control", .type = KS_TEXT, .offset = SETTING(control), .at_start = true, .arg = "PATH",
	  .preset = KS_NAT64_CONTROL, .check = control_expected,
	  .help = "Unix socket for koshienctl nat64" },
	{ .name = "metrics", .type = KS_TEXT, .offset = SETTING(metrics), .at_start = true,
	  .arg = "ADDRESS:PORT",
	  .check = ks_listen_expected, .help = "serve Prometheus metrics and health here, like 127.0.0.1:9303" },
	{ .name = "user", .type = KS_TEXT, .offset = SETTING(user), .at_start = true,
	  .arg = "NAME", .check = user_expected,
	  .help = "become this user once the device is open" },
	{ .name = "drain-seconds", .type = KS_NUMBER, .offset = SETTING(drain_seconds), .at_start = true,
	  .arg = "N", .preset = "5",
	  .min = 0, .max = KS_NAT64_DRAIN_MAX_S, .help = "translate on for so long after withdraw-hook, then end" },
	{ .name = "announce-hook", .type = KS_TEXT, .offset = SETTING(announce_hook), .at_start = true,
	  .arg = "COMMAND",
	  .check = hook_expected, .help = "run when packets may come" },
	{ .name = "withdraw-hook", .type = KS_TEXT, .offset = SETTING(withdraw_hook), .at_start = true,
	  .arg = "COMMAND",
	  .check = hook_expected, .help = "run when no more should come, before it ends" },
	{ .name = NULL },
};

/* --- the words of the file that are no settings ---------------------------------------------------- */

static struct ks_lines *lines_of(void *loaded)
{
	return ((struct ks_nat64_settings *)loaded)->lines;
}

static int map_static(void *loaded, const struct ks_place *place, char *const *values, char expected[KS_EXPECTED_MAX])
{
	return ks_lines_map_static(lines_of(loaded), place, values, expected);
}

static int map(void *loaded, const struct ks_place *place, char *const *values, char expected[KS_EXPECTED_MAX])
{
	return ks_lines_map(lines_of(loaded), place, values, expected);
}

static int map66_static(void *loaded, const struct ks_place *place, char *const *values,
			char expected[KS_EXPECTED_MAX])
{
	return ks_lines_map66_static(lines_of(loaded), place, values, expected);
}

static const struct ks_word words[] = {
	{ .name = "map-static", .arg = "V4 V6", .n_values = 2, .take = map_static,
	  .help = "this IPv4 address stands for that IPv6 host" },
	{ .name = "map", .arg = "V4[/LENGTH] V6[/LENGTH]", .n_values = 2, .take = map,
	  .help = "the same for whole prefixes (RFC 7757)" },
	{ .name = "map66-static", .arg = "GLOBAL INTRA", .n_values = 2, .take = map66_static,
	  .help = "this IPv6 address stands for that IPv6 host" },
	{ .name = NULL },
};

/* main.c's. */
static const struct ks_word modes[] = {
	{ .name = "packet", .arg = "IN OUT",
	  .help = "translate the packet in one file into another, without a device, and exit 0, 1 or 2" },
	{ .name = NULL },
};

static int init(void *loaded)
{
	struct ks_nat64_settings *set = loaded;

	set->lines = ks_lines_new();
	return set->lines != NULL ? KS_EOK : -ENOMEM;
}

static void clear(void *loaded)
{
	struct ks_nat64_settings *set = loaded;

	ks_lines_free(set->lines);
	set->lines = NULL;
}

/* --- all of it together ---------------------------------------------------------------------------- */

static int at_most(const char *name, const struct ks_list *list, size_t max)
{
	if (list->n <= max)
		return KS_EOK;
	ks_error("config", "%s: expected at most %zu, got %zu", name, max, list->n);
	return KS_ECONFIG;
}

/* RFC 6791, section 4: such an address says nothing to who gets the error. 6598's is as private. */
static void warn_of_private(const char *name, const char *text)
{
	static const struct {
		uint32_t address;
		unsigned length;
	} blocks[] = { { 0x0a000000, 8 }, { 0xac100000, 12 }, { 0xc0a80000, 16 }, { 0x64400000, 10 } };
	uint8_t length;
	uint32_t v4;

	if (!ks_address4_parse(text, &v4, &length, 32))
		return;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if ((v4 ^ blocks[i].address) >> (32 - blocks[i].length) == 0)
			ks_warn("config", "%s: %s is private (RFC 1918, 6598); routers outside drop what comes from "
				"there, so use a global address (RFC 6791)", name, text);
}

/* What it is itself is not translated, so nothing may be mapped there. */
static void warn_of_sources(const struct ks_nat64_settings *set)
{
	const struct ks_table *table = ks_lines_table(set->lines);
	struct in6_addr v6, got6;
	uint32_t v4, got4, slot;
	uint8_t length;

	if (ks_address4_parse(set->source4, &v4, &length, KS_LENGTH_NONE) &&
	    ks_table_to6(table, v4, true, &got6, &slot) == KS_MAPPED_EXPLICIT)
		ks_warn("config", "icmp-source4: %s is mapped, too; packets to it are for the translator", set->source4);
	if (set->source6 != NULL && ks_address6_parse(set->source6, &v6, &length, KS_LENGTH_NONE) &&
	    ks_table_to4(table, &v6, &got4, &slot) == KS_MAPPED_EXPLICIT)
		ks_warn("config", "icmp-source6: %s is mapped, too; packets to it are for the translator", set->source6);
}

static int validate(const void *loaded)
{
	const struct ks_nat64_settings *set = loaded;
	struct ks_prefix prefix = { .length = 0 };
	int err = at_most("icmp-pool4", &set->pool4, KS_XLAT_POOL_MAX);

	if (at_most("icmp-pool6", &set->pool6, KS_XLAT_POOL_MAX) != KS_EOK)
		err = KS_ECONFIG;
	if (err != KS_EOK)
		return err;
	for (size_t i = 0; i < set->pool4.n; i++)
		warn_of_private("icmp-pool4", ks_list_text(&set->pool4, i));
	if (set->mapping_prefix != NULL)
		ks_nat64_prefix(set->mapping_prefix, &prefix);
	err = ks_lines_build(set->lines, &prefix, set->well_known_private);
	if (err != KS_EOK) {
		ks_error("config", "making the table of mappings: %s", ks_strerror(err));
		return KS_ECONFIG;
	}
	warn_of_sources(set);
	if (set->mapping_prefix == NULL)
		ks_warn("config", "mapping-prefix is not given: hosts of IPv4 without a mapping have no IPv6 address, "
			"so their packets are dropped");
	return KS_EOK;
}

static bool diff(const void *now, const void *then)
{
	const struct ks_nat64_settings *a = now, *b = then;

	return ks_nat64_print_diff(ks_lines_table(a->lines), ks_lines_table(b->lines));
}

const struct ks_program ks_nat64_program = {
	.name = "nat64d",
	.summary = "Translates between IPv4 and IPv6 without state (RFC 7915), by a table of mappings and a prefix.",
	.settings = settings,
	.size = sizeof(struct ks_nat64_settings),
	.config_path = KS_SYSCONFDIR "/nat64d.conf",
	.validate = validate,
	.words = words,
	.init = init,
	.clear = clear,
	.diff = diff,
	.modes = modes,
};
