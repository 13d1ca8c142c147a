/* SPDX-License-Identifier: Apache-2.0
 *
 * The translator's configuration: old files of map646, every word, and what is said of what cannot be. Test functions
 * with a number are items of the checklist of behaviours (section A, addresses).
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nat64/config.h"
#include "tests/unit/unit.h"

static char dir[4000], path[4100], said[4100];
static struct ks_nat64_config *config;

static void set_up(void)
{
	snprintf(dir, sizeof(dir), "%s", unit_tmpdir());
	snprintf(path, sizeof(path), "%s/nat64d.conf", dir);
	snprintf(said, sizeof(said), "%s/said", dir);
	config = NULL;
	unit_log_start();
}

static void tear_down(void)
{
	ks_nat64_config_free(config);
	config = NULL;
}

static void put_bytes(const char *name, const char *bytes, size_t len)
{
	char where[4200];
	FILE *file;

	snprintf(where, sizeof(where), "%s/%s", dir, name);
	file = fopen(where, "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
	ck_assert_int_eq(fclose(file), 0);
}

static void put(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text));
}

#define ARGS_MAX 8

/* With nat64d.conf and these options; what is printed goes to the file `said`. */
static enum ks_settings_outcome load(const char *const *options)
{
	char *argv[ARGS_MAX + 4] = { (char *)(uintptr_t)"nat64d", (char *)(uintptr_t)"--config", path };
	enum ks_settings_outcome outcome;
	int argc = 3, saved;
	FILE *file = fopen(said, "we");

	ck_assert_ptr_nonnull(file);
	for (; *options != NULL; options++)
		argv[argc++] = (char *)(uintptr_t)*options;
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	dup2(fileno(file), STDOUT_FILENO);
	ks_nat64_config_free(config);
	outcome = ks_nat64_config_load(argc, argv, &config);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	fclose(file);
	ck_assert_int_eq(config != NULL, outcome == KS_SETTINGS_RUN);
	return outcome;
}

#define LOAD(...) load((const char *const[ARGS_MAX + 1]){ __VA_ARGS__, NULL })

static void loads(const char *text)
{
	put("nat64d.conf", text);
	ck_assert_msg(LOAD(NULL) == KS_SETTINGS_RUN, "%s", unit_log_text());
}

static void assert_logged(const char *text)
{
	ck_assert_msg(strstr(unit_log_text(), text) != NULL, "'%s' is not in: %s", text, unit_log_text());
}

static void assert_silent(void)
{
	ck_assert_str_eq(unit_log_text(), "");
}

/* The file is refused, with this line and message. */
static void refused(const char *text, unsigned line, const char *message)
{
	char place[5000];

	unit_log_start();
	put("nat64d.conf", text);
	ck_assert_msg(LOAD(NULL) == KS_SETTINGS_USAGE, "taken: %s", text);
	snprintf(place, sizeof(place), "%s:%u: %s", path, line, message);
	assert_logged(place);
}

/* Taken, with a warning that has this place and this text. */
static void warned(const char *text, unsigned line, const char *message)
{
	char place[5000];

	unit_log_start();
	loads(text);
	snprintf(place, sizeof(place), "%s:%u: %s", path, line, message);
	assert_logged(place);
}

static void assert_said(const char *text)
{
	size_t len;
	char *all = (char *)unit_file(said, &len);

	all = realloc(all, len + 1);
	ck_assert_ptr_nonnull(all);
	all[len] = '\0';
	ck_assert_str_eq(all, text);
	free(all);
}

static uint32_t v4(const char *text)
{
	struct in_addr address;

	ck_assert_msg(inet_pton(AF_INET, text, &address) == 1, "%s", text);
	return ntohl(address.s_addr);
}

static struct in6_addr v6(const char *text)
{
	struct in6_addr address;

	ck_assert_msg(inet_pton(AF_INET6, text, &address) == 1, "%s", text);
	return address;
}

static void assert_same6(const struct in6_addr *got, const char *wanted)
{
	struct in6_addr address = v6(wanted);
	char text[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, got, text, sizeof(text));
	ck_assert_msg(memcmp(got, &address, sizeof(address)) == 0, "%s, not %s", text, wanted);
}

static void assert_to6(const char *from, enum ks_mapped how, const char *to)
{
	struct in6_addr got;
	uint32_t slot;

	ck_assert_msg(ks_table_to6(config->table, v4(from), true, &got, &slot) == how, "%s", from);
	if (to != NULL)
		assert_same6(&got, to);
}

/* --- old files ------------------------------------------------------------------------------------- */

START_TEST(a_file_of_map646)
{
	struct in6_addr outside = v6("2001:db8::1:1"), got;
	uint32_t slot;

	loads("mapping-prefix 64::\n"
	      "map-static 192.0.2.1 2001:db8:0:0::100\n"
	      "map-static\t192.0.2.2   2001:db8:0:0::500\n"
	      "\n"
	      "map66-static 2001:db8::1:1 fd00::1\n");
	assert_silent();
	ck_assert_uint_eq(ks_table_slots(config->table), 3);
	assert_to6("192.0.2.1", KS_MAPPED_EXPLICIT, "2001:db8::100");
	assert_to6("192.0.2.2", KS_MAPPED_EXPLICIT, "2001:db8::500");
	assert_to6("202.214.86.196", KS_MAPPED_PREFIX, "64::cad6:56c4");
	ck_assert(ks_table_to_intra(config->table, &outside, &got, &slot));
	assert_same6(&got, "fd00::1");
	ck_assert_str_eq(config->set.tun, "tun646");
	ck_assert(config->set.routes);
}
END_TEST

START_TEST(the_first_of_two_counts)
{
	warned("mapping-prefix 64::\nmap-static 192.0.2.1 2001:db8::1\nmap-static 192.0.2.1 2001:db8::2\n", 3,
	       "192.0.2.1 has been mapped in");
	assert_logged("nat64d.conf:2 already");
	ck_assert_uint_eq(ks_table_slots(config->table), 1);
	assert_to6("192.0.2.1", KS_MAPPED_EXPLICIT, "2001:db8::1");
	warned("map-static 192.0.2.1 2001:db8::1\nmap-static 192.0.2.2 2001:db8::1\n", 2, "2001:db8::1 has been mapped in");
	warned("map66-static 2001:db8::1 fd00::1\nmap66-static 2001:db8::1 fd00::2\n", 2, "2001:db8::1 has been mapped");
	warned("map66-static 2001:db8::1 fd00::1\nmap66-static 2001:db8::2 fd00::1\n", 2, "fd00::1 has been mapped");
	/* What a line that does not count would have taken is free for the next. */
	warned("map-static 192.0.2.1 2001:db8::1\nmap-static 192.0.2.1 2001:db8::2\n"
	       "map-static 192.0.2.2 2001:db8::2\n", 2, "192.0.2.1 has been mapped");
	ck_assert_uint_eq(ks_table_slots(config->table), 2);
	assert_to6("192.0.2.2", KS_MAPPED_EXPLICIT, "2001:db8::2");
	warned("mtu4 1400\n\nmtu4 1480\n", 3, "mtu4 was given in");
	ck_assert_int_eq(config->set.mtu4, 1480);
}
END_TEST

START_TEST(item_009_missing_lengths)
{
	loads("mapping-prefix 64::/96\nmap 192.0.2.1 2001:db8::1\n"
	      "map 192.0.2.8/31 2001:db8::8/127\nmap 10.0.0.1/32 2001:db8::a\n");
	assert_silent();
	ck_assert_uint_eq(ks_table_slots(config->table), 3);
	ck_assert_uint_eq(ks_table_mapping(config->table, 1)->length4, 32);
	ck_assert_uint_eq(ks_table_mapping(config->table, 1)->length6, 128);
	assert_to6("192.0.2.9", KS_MAPPED_EXPLICIT, "2001:db8::9");
}
END_TEST

START_TEST(item_002_and_006_prefixes_that_cannot_be)
{
	refused("mapping-prefix 2001:db8::/95\n", 1, "mapping-prefix: expected a prefix length of 32, 40, 48, 56, 64 or 96");
	refused("mapping-prefix 2001:db8::/129\n", 1, "mapping-prefix: expected an IPv6 prefix such as");
	refused("mapping-prefix 192.0.2.1\n", 1, "mapping-prefix: expected an IPv6 prefix such as");
	refused("#\nmapping-prefix 2001:db8:0:0:1200::/96\n", 2, "mapping-prefix: expected a prefix whose bits 64 to 71");
	refused("mapping-prefix 2001:db8::1\n", 1, "mapping-prefix: expected no bits behind");
	refused("mapping-prefix\n", 1, "mapping-prefix: expected PREFIX[/LENGTH] behind it");
	loads("mapping-prefix 2001:db8::/32\n");
	assert_to6("192.0.2.33", KS_MAPPED_PREFIX, "2001:db8:c000:221::");
}
END_TEST

START_TEST(item_007_private_addresses_for_labs)
{
	loads("mapping-prefix 64:ff9b::/96\n");
	assert_to6("10.0.0.1", KS_MAPPED_PRIVATE, NULL);
	loads("mapping-prefix 64:ff9b::/96\nwell-known-private on\n");
	assert_to6("10.0.0.1", KS_MAPPED_PREFIX, "64:ff9b::10.0.0.1");
}
END_TEST

START_TEST(item_010_suffixes_that_do_not_fit)
{
	refused("map 192.0.2.0/24 2001:db8::/121\n", 1, "map: expected at least as many bits behind the IPv6 prefix");
	refused("map 192.0.2.1/24 2001:db8::/120\n", 1, "map: expected no bits behind the length of the IPv4 prefix");
	refused("map 192.0.2.0/24 2001:db8::1/120\n", 1, "map: expected no bits behind the length of the IPv6 prefix");
}
END_TEST

START_TEST(item_015_overlaps_are_warned_of)
{
	warned("map 192.0.2.0/24 2001:db8::/64\nmap-static 192.0.2.1 2001:db8:1::1\n", 2,
	       "192.0.2.1 lies in 192.0.2.0/24 of");
	assert_logged("nat64d.conf:1; it goes before that one");
	warned("map-static 192.0.2.1 2001:db8::1\nmap 198.51.100.0/24 2001:db8::/64\n", 1,
	       "2001:db8::1 lies in 2001:db8::/64");
	unit_log_start();
	loads("mapping-prefix 64::\nmap 192.0.2.0/25 2001:db8::/64\nmap 192.0.2.128/25 2001:db8:0:1::/64\n");
	assert_silent();
}
END_TEST

/* --- includes -------------------------------------------------------------------------------------- */

START_TEST(includes)
{
	char sub[4200];

	snprintf(sub, sizeof(sub), "%s/sub", dir);
	ck_assert_int_eq(mkdir(sub, 0700), 0);
	put("sub/one", "map-static 192.0.2.1 2001:db8::1\ninclude two\n");
	put("sub/two", "map-static 192.0.2.2 2001:db8::2\nmap-static 192.0.2.9 2001:db8::9\n");
	loads("mapping-prefix 64::\ninclude sub/one\nmap-static 192.0.2.3 2001:db8::3\n");
	assert_silent();
	ck_assert_uint_eq(ks_table_slots(config->table), 4);
	/* Each place has its own file and line. */
	loads("mapping-prefix 64::\ninclude sub/one\nmap-static 192.0.2.9 2001:db8::7\n");
	assert_logged("nat64d.conf:3: 192.0.2.9 has been mapped in");
	assert_logged("sub/two:2 already");
	put("sub/two", "\n\nmap-static 192.0.2.2 nothing\n");
	refused("include sub/one\nfoo\n", 2, "there is no word 'foo'");
	assert_logged("sub/two:3: map-static: expected an IPv6 address in the second place, got '192.0.2.2 nothing'");
	assert_logged("nat64d.conf: 2 errors");
}
END_TEST

START_TEST(includes_that_cannot_be)
{
	refused("\ninclude missing.conf\n", 2, "include: expected a file that can be read, got missing.conf: No such file");
	refused("include .\n", 1, "include: expected a file that can be read");
	refused("include /dev/null\n", 1, "include: expected a file that can be read, got /dev/null: not a file");
	refused("include\n", 1, "include: expected FILE");
	put("self", "include self\ninclude self\n");
	unit_log_start();
	put("nat64d.conf", "include self\n");
	ck_assert_int_eq(LOAD(NULL), KS_SETTINGS_USAGE);
	assert_logged("self:1: include: expected files at most 10 deep");
}
END_TEST

START_TEST(ten_deep)
{
	char name[16], text[64];

	for (int i = 1; i <= 10; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		snprintf(text, sizeof(text), i < 10 ? "include f%d\n" : "map-static 192.0.2.1 2001:db8::%d\n", i + 1);
		put(name, text);
	}
	loads("mapping-prefix 64::\ninclude f1\n");
	ck_assert_uint_eq(ks_table_slots(config->table), 1);
	put("f10", "include f11\n");
	put("f11", "");
	put("nat64d.conf", "include f1\n");
	ck_assert_int_eq(LOAD(NULL), KS_SETTINGS_USAGE);
}
END_TEST

/* --- settings -------------------------------------------------------------------------------------- */

START_TEST(defaults)
{
	loads("mapping-prefix 2001:db8:64::\n");
	assert_silent();
	ck_assert_uint_eq(config->xlat.mtu4, 0);
	ck_assert_uint_eq(config->xlat.mtu6, 0);
	ck_assert_uint_eq(config->xlat.lowest_ipv6_mtu, 1280);
	ck_assert_int_eq(config->xlat.udp_zero, KS_UDP_ZERO_DROP);
	ck_assert_int_eq(config->xlat.hairpin, KS_HAIRPIN_INTRINSIC);
	ck_assert_int_eq(config->xlat.tos4, -1);
	ck_assert_int_eq(config->xlat.tos6, -1);
	ck_assert_uint_eq(config->xlat.source4, v4("192.0.0.8"));
	assert_same6(&config->xlat.source6, "2001:db8:64::192.0.0.8");
	ck_assert_uint_eq(config->xlat.n_pool4 + config->xlat.n_pool6, 0);
	ck_assert(!config->xlat.interface_object && config->xlat.icmp_errors);
	ck_assert_int_eq(config->xlat.error_each_us, 1000);
	ck_assert_int_eq(config->xlat.error_burst, 200);
	ck_assert_int_eq(config->set.workers, 1);
	ck_assert(config->set.tso && config->set.uso && config->set.coalesce);
	ck_assert_ptr_null(config->set.metrics);
	ck_assert_ptr_null(config->set.user);
}
END_TEST

START_TEST(every_setting)
{
	loads("mapping-prefix 64::\nmtu4 1400\nmtu6 1420\nlowest-ipv6-mtu 1300\nudp-zero-checksum forward\nhairpin simple\n"
	      "tos4 0\ntos6 255\nicmp-source4 192.0.2.1\nicmp-source6 2001:db8::1\nicmp-pool4 192.0.2.0/24\n"
	      "icmp-pool4 198.51.100.1 198.51.100.2\nicmp-pool6 2001:db8:1::/64\ninterface-object on\nicmp-errors off\n"
	      "icmp-rate 10\nicmp-burst 3\ntun nat0\nroutes off\nworkers 64\ntso off\nuso no\ncoalesce 0\n"
	      "control /run/x # where\nmetrics [::1]:9303\nuser nobody\ndrain-seconds 0\n"
	      "announce-hook  birdc enable  nat64   # says so\nwithdraw-hook echo a#b\n");
	assert_silent();
	ck_assert_uint_eq(config->xlat.mtu4, 1400);
	ck_assert_uint_eq(config->xlat.mtu6, 1420);
	ck_assert_uint_eq(config->xlat.lowest_ipv6_mtu, 1300);
	ck_assert_int_eq(config->xlat.udp_zero, KS_UDP_ZERO_FORWARD);
	ck_assert_int_eq(config->xlat.hairpin, KS_HAIRPIN_SIMPLE);
	ck_assert_int_eq(config->xlat.tos4, 0);
	ck_assert_int_eq(config->xlat.tos6, 255);
	ck_assert_uint_eq(config->xlat.source4, v4("192.0.2.1"));
	assert_same6(&config->xlat.source6, "2001:db8::1");
	ck_assert_uint_eq(config->xlat.n_pool4, 3);
	ck_assert_uint_eq(config->xlat.pool4[0].length, 24);
	ck_assert_uint_eq(config->xlat.pool4[2].address, v4("198.51.100.2"));
	ck_assert_uint_eq(config->xlat.pool4[2].length, 32);
	ck_assert_uint_eq(config->xlat.n_pool6, 1);
	ck_assert_uint_eq(config->xlat.pool6[0].length, 64);
	ck_assert(config->xlat.interface_object && !config->xlat.icmp_errors);
	ck_assert_int_eq(config->xlat.error_each_us, 100000);
	ck_assert_int_eq(config->xlat.error_burst, 3);
	ck_assert(!config->set.routes && !config->set.tso && !config->set.uso && !config->set.coalesce);
	ck_assert_str_eq(config->set.control, "/run/x");
	ck_assert_str_eq(config->set.announce_hook, "birdc enable  nat64");
	ck_assert_str_eq(config->set.withdraw_hook, "echo a#b");
}
END_TEST

START_TEST(no_source_of_its_own)
{
	loads("mapping-prefix 64::\nicmp-source4 none\nicmp-source6 none\n");
	ck_assert_uint_eq(config->xlat.source4, 0);
	assert_same6(&config->xlat.source6, "::");
	loads("icmp-source4 192.0.2.1\nmap-static 192.0.2.1 2001:db8::1\n");
	assert_logged("icmp-source4: 192.0.2.1 is mapped, too");
	assert_same6(&config->xlat.source6, "::");
	assert_logged("mapping-prefix is not given");
}
END_TEST

START_TEST(the_command_line_goes_before_the_file)
{
	put("nat64d.conf", "mapping-prefix 64::\nmtu4 1400\nicmp-pool4 192.0.2.1 192.0.2.2\n");
	ck_assert_int_eq(LOAD("--mtu4", "1300", "--icmp-pool4", "192.0.2.9", "--mapping-prefix=64:ff9b::/96"),
			 KS_SETTINGS_RUN);
	ck_assert_uint_eq(config->xlat.mtu4, 1300);
	ck_assert_uint_eq(config->xlat.n_pool4, 1);
	assert_to6("8.8.8.8", KS_MAPPED_PREFIX, "64:ff9b::8.8.8.8");
	ck_assert_int_eq(LOAD("--mtu4", "67"), KS_SETTINGS_USAGE);
	assert_logged("--mtu4: expected 0 for that of the device, or at least 68, got '67'");
}
END_TEST

START_TEST(values_that_cannot_be)
{
	static const char *const lines[] = {
		"mtu4 -1", "mtu4 65536", "mtu6 1279", "mtu4 1e3", "mtu4 1400 1500", "lowest-ipv6-mtu 1279", "hairpin on",
		"udp-zero-checksum keep", "tos4 256", "tos6 -1", "tos4 0x10", "icmp-source4 224.0.0.1", "icmp-source4 1.2.3",
		"icmp-source6 fe80::1", "icmp-source6 192.0.2.1", "icmp-pool4 192.0.2.0/33", "icmp-pool6 2001:db8::/129",
		"icmp-pool4 192.0.2.1/", "icmp-rate 0", "icmp-burst 0", "workers 0", "workers 65", "tun a/b",
		"tun sixteen-letters-", "tso maybe", "metrics 9303", "metrics localhost:9303", "user a b", "drain-seconds -1",
		"routes", "announce-hook", "map-static 192.0.2.1", "map-static 192.0.2.1 2001:db8::1 2001:db8::2",
		"map-static 192.0.2.1/32 2001:db8::1", "map-static 2001:db8::1 192.0.2.1", "map-static 192.0.2.01 2001:db8::1",
		"map-static 127.0.0.1 2001:db8::1", "map-static 192.0.2.1 ::1", "map-static 192.0.2.1 fe80::1%eth0",
		"map66-static 2001:db8::1 ff02::1", "map66-static 2001:db8::1/128 fd00::1", "map 192.0.2.0/x 2001:db8::",
		"map 192.0.2.0/024 2001:db8::/0120", "MTU4 1400", "mtu4=1400", "help", "config /etc/passwd",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char text[256];

		snprintf(text, sizeof(text), "# one\n\n%s\nmapping-prefix 64::\n", lines[i]);
		refused(text, 3, "");
	}
}
END_TEST

START_TEST(pools)
{
	char text[2000] = "mapping-prefix 64::\n";

	loads("mapping-prefix 64::\nicmp-pool4 10.1.0.0/16\n");
	assert_logged("icmp-pool4: 10.1.0.0/16 is private");
	loads("mapping-prefix 64::\nicmp-pool4 100.127.0.1\n");
	assert_logged("icmp-pool4: 100.127.0.1 is private");
	for (int i = 0; i <= KS_XLAT_POOL_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "icmp-pool6 2001:db8::%x\n", i);
	put("nat64d.conf", text);
	ck_assert_int_eq(LOAD(NULL), KS_SETTINGS_USAGE);
	assert_logged("icmp-pool6: expected at most 16, got 17");
}
END_TEST

/* --- files that are no such files ------------------------------------------------------------------- */

START_TEST(lines_of_all_kinds)
{
	static const char zero[] = "mapping-prefix 64::\nmtu4 14\0" "00\nmtu6 1400\n";
	char text[6000];

	loads("mapping-prefix 64::\r\n\t  mtu4  1400 \r\n#mtu6 9\n  # mtu6 9\nmtu6 1500");
	assert_silent();
	ck_assert_uint_eq(config->xlat.mtu6, 1500);
	unit_log_start();
	put_bytes("nat64d.conf", zero, sizeof(zero) - 1);
	ck_assert_int_eq(LOAD(NULL), KS_SETTINGS_USAGE);
	assert_logged("nat64d.conf:2: expected text, got a zero byte");
	snprintf(text, sizeof(text), "mtu4 1400\n#%5000d\nfoo\n", 1);
	refused(text, 2, "expected lines of less than 4096 bytes");
	refused(text, 3, "there is no word 'foo'");
}
END_TEST

START_TEST(errors_are_counted)
{
	char text[250 * 4 + 1] = "";

	for (size_t i = 0; i < 250; i++)
		memcpy(text + 4 * i, "foo\n", 5);
	put("nat64d.conf", text);
	ck_assert_int_eq(LOAD(NULL), KS_SETTINGS_USAGE);
	assert_logged("nat64d.conf: 250 errors, of which the first were shown");
}
END_TEST

START_TEST(a_missing_file)
{
	ck_assert_int_eq(LOAD(NULL), KS_SETTINGS_USAGE);
	assert_logged("nat64d.conf: No such file or directory; name the configuration file with --config FILE");
}
END_TEST

/* --- check and diff --------------------------------------------------------------------------------- */

START_TEST(check)
{
	put("nat64d.conf", "mapping-prefix 64::\n");
	ck_assert_int_eq(LOAD("--check"), KS_SETTINGS_DONE);
	ck_assert_int_eq(LOAD("--check-config"), KS_SETTINGS_DONE);
	ck_assert_int_eq(LOAD("--check", "--mtu4", "5"), KS_SETTINGS_USAGE);
}
END_TEST

START_TEST(what_another_file_would_change)
{
	char other[4200];

	snprintf(other, sizeof(other), "%s/other", dir);
	put("nat64d.conf", "mapping-prefix 64::\nmap-static 192.0.2.1 2001:db8::1\nmap-static 192.0.2.2 2001:db8::2\n"
	    "map66-static 2001:db8::1 fd00::1\nmap66-static 2001:db8::2 fd00::2\n");
	put("other", "map66-static 2001:db8::1 fd00::3\nmap66-static 2001:db8::3 fd00::2\ninterface-object yes\n"
	    "map 198.51.100.0/24 2001:db8:1::/64\nmap-static 192.0.2.2 2001:db8::22\nmapping-prefix 64:ff9b::/96\n"
	    "icmp-pool4 192.0.2.7 192.0.2.8\n");
	ck_assert_int_eq(LOAD("--diff", other), KS_SETTINGS_DIFFER);
	assert_said("mapping-prefix: 64:: -> 64:ff9b::/96\n"
		    "icmp-pool4: none -> 192.0.2.7 192.0.2.8\n"
		    "interface-object: no -> yes\n"
		    "- map 192.0.2.1 2001:db8::1\n"
		    "! map 192.0.2.2 2001:db8::2 -> 2001:db8::22\n"
		    "+ map 198.51.100.0/24 2001:db8:1::/64\n"
		    "! map66-static 2001:db8::1 fd00::1 -> fd00::3\n"
		    "- map66-static 2001:db8::2 fd00::2\n"
		    "+ map66-static 2001:db8::3 fd00::2\n"
		    "mappings: 2 added, 2 removed, 2 changed\n");
	ck_assert_int_eq(LOAD("--diff", path), KS_SETTINGS_DONE);
	assert_said("");
	/* The command line goes before both. */
	put("nat64d.conf", "mapping-prefix 64::\nmtu4 1400\n");
	put("other", "mtu4 1300\nmapping-prefix 64::\n");
	ck_assert_int_eq(LOAD("--diff", other, "--mtu4=1500"), KS_SETTINGS_DONE);
	put("other", "foo\n");
	ck_assert_int_eq(LOAD("--diff", other), KS_SETTINGS_USAGE);
	assert_logged("other:1: there is no word 'foo'");
}
END_TEST

/* --- size ------------------------------------------------------------------------------------------- */

#define MANY 100000

START_TEST(many_mappings)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	fprintf(file, "mapping-prefix 64::\n");
	for (unsigned i = 0; i < MANY; i++)
		fprintf(file, "map-static 11.%u.%u.%u 2001:db8::%x:%x\n", i >> 16, i >> 8 & 255, i & 255, i >> 16, i & 0xffff);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(LOAD(NULL), KS_SETTINGS_RUN);
	ck_assert_uint_eq(ks_table_slots(config->table), MANY);
	assert_silent();
}
END_TEST

START_TEST(many_overlaps_are_counted)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	fprintf(file, "mapping-prefix 64::\nmap 11.0.0.0/8 2001:db8:1::/64\n");
	for (unsigned i = 0; i < 1000; i++)
		fprintf(file, "map-static 11.0.%u.%u 2001:db8::%x\n", i >> 8, i & 255, i + 1);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(LOAD(NULL), KS_SETTINGS_RUN);
	assert_logged("900 more mappings that are there twice or lie in one another");
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *const *tests)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	for (; *tests != NULL; tests++)
		tcase_add_test(tc, *tests);
	suite_add_tcase(suite, tc);
}

int main(void)
{
	Suite *suite = suite_create("nat64_config");

	add(suite, "old", (const TTest *const[]){ a_file_of_map646, the_first_of_two_counts, item_009_missing_lengths,
		item_002_and_006_prefixes_that_cannot_be, item_007_private_addresses_for_labs,
		item_010_suffixes_that_do_not_fit, item_015_overlaps_are_warned_of, NULL });
	add(suite, "includes", (const TTest *const[]){ includes, includes_that_cannot_be, ten_deep, NULL });
	add(suite, "settings", (const TTest *const[]){ defaults, every_setting, no_source_of_its_own,
		the_command_line_goes_before_the_file, values_that_cannot_be, pools, NULL });
	add(suite, "files", (const TTest *const[]){ lines_of_all_kinds, errors_are_counted, a_missing_file, NULL });
	add(suite, "check", (const TTest *const[]){ check, what_another_file_would_change, NULL });
	add(suite, "size", (const TTest *const[]){ many_mappings, many_overlaps_are_counted, NULL });
	return unit_run(suite);
}
