/* SPDX-License-Identifier: Apache-2.0
 *
 * The translator's configuration: a file in the syntax of map646.conf, which an old one is too, and the command line.
 * The settings as they were written, what the core takes, and the table. Main thread only while it loads; then it is
 * only read, by any thread.
 */
#ifndef KS_NAT64_CONFIG_H
#define KS_NAT64_CONFIG_H

#include "lib/base/settings.h"
#include "nat64/table.h"
#include "nat64/xlat.h"

#define KS_NAT64_WORKERS_MAX 64
#define KS_NAT64_DRAIN_MAX_S 3600

/* What routers without an address of their own send ICMPv4 errors from (RFC 7600, section 4.8). */
#define KS_NAT64_SOURCE4 "192.0.0.8"

/* Where the control socket is when the configuration does not say. */
#define KS_NAT64_CONTROL KS_RUNDIR "/nat64d.sock"

struct ks_lines;

/* As written, and checked. */
struct ks_nat64_settings {
	/* for the core: see struct ks_nat64_config, where they are values */
	char *mapping_prefix;
	bool well_known_private;
	int64_t mtu4, mtu6, lowest_ipv6_mtu;
	char *udp_zero, *hairpin, *tos4, *tos6;
	char *source4, *source6;
	struct ks_list pool4, pool6;
	bool interface_object, icmp_errors;
	int64_t icmp_rate, icmp_burst;
	/* of the process */
	char *tun;			/* name of the device */
	bool routes;			/* the daemon sets the routes of the mappings and of the prefix to it */
	int64_t workers;
	bool tso, uso, coalesce;
	char *control;			/* path of the Unix socket, or NULL */
	char *metrics;			/* ADDRESS:PORT, or NULL */
	char *user;			/* whose rights it keeps, or NULL: those it has */
	int64_t drain_seconds;
	char *announce_hook, *withdraw_hook;	/* commands for the shell, or NULL */
	struct ks_lines *lines;		/* the mappings, of which the table is made */
};

struct ks_nat64_config {
	struct ks_nat64_settings set;
	struct ks_xlat_settings xlat;	/* mtu4 and mtu6 may be 0: the daemon puts in those of the device */
	const struct ks_table *table;	/* lives as long as this */
};

extern const struct ks_program ks_nat64_program;

/* The file and the command line, as ks_settings_load(). With KS_SETTINGS_RUN the caller owns *config; otherwise it is
 * NULL, and what was wrong has been logged. Called again with the same arguments it reads the file again. */
enum ks_settings_outcome ks_nat64_config_load(int argc, char **argv, struct ks_nat64_config **config);
void ks_nat64_config_free(struct ks_nat64_config *config);	/* NULL is fine */

/* How two tables differ, a line on standard output for each mapping; true when they do. The prefix is not looked at. */
bool ks_nat64_print_diff(const struct ks_table *now, const struct ks_table *then);

#endif
