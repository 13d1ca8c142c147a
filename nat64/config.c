/* SPDX-License-Identifier: Apache-2.0 */
#include "nat64/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "nat64/address.h"
#include "nat64/lines.h"
#include "nat64/settings.h"

/* Its own addresses. When no IPv6 one is given it is 192.0.0.8 behind the prefix: that is routed here in any case, so
 * that errors have a source with an old configuration, too. */
static void set_sources(struct ks_nat64_config *config)
{
	const struct ks_nat64_settings *set = &config->set;
	const struct ks_prefix *prefix = ks_table_prefix(config->table);
	uint32_t v4;
	uint8_t length;

	ks_address4_parse(KS_NAT64_SOURCE4, &v4, &length, KS_LENGTH_NONE);
	if (set->source6 == NULL && prefix != NULL)
		ks_prefix_embed(prefix, v4, &config->xlat.source6);
	else if (set->source6 != NULL && strcmp(set->source6, "none") != 0)
		ks_address6_parse(set->source6, &config->xlat.source6, &length, KS_LENGTH_NONE);
	if (strcmp(set->source4, "none") != 0)
		ks_address4_parse(set->source4, &config->xlat.source4, &length, KS_LENGTH_NONE);
}

static void set_pools(struct ks_xlat_settings *xlat, const struct ks_nat64_settings *set)
{
	for (size_t i = 0; i < set->pool4.n; i++, xlat->n_pool4++)
		ks_address4_parse(ks_list_text(&set->pool4, i), &xlat->pool4[i].address, &xlat->pool4[i].length, 32);
	for (size_t i = 0; i < set->pool6.n; i++, xlat->n_pool6++)
		ks_address6_parse(ks_list_text(&set->pool6, i), &xlat->pool6[i].address, &xlat->pool6[i].length, 128);
}

/* Everything has been checked when it was read. */
static void set_xlat(struct ks_nat64_config *config)
{
	const struct ks_nat64_settings *set = &config->set;
	struct ks_xlat_settings *xlat = &config->xlat;

	memset(xlat, 0, sizeof(*xlat));
	xlat->mtu4 = (uint32_t)set->mtu4;
	xlat->mtu6 = (uint32_t)set->mtu6;
	xlat->lowest_ipv6_mtu = (uint32_t)set->lowest_ipv6_mtu;
	xlat->udp_zero = (enum ks_udp_zero)ks_nat64_word(ks_nat64_udp_zero_words, set->udp_zero);
	xlat->hairpin = (enum ks_hairpin)ks_nat64_word(ks_nat64_hairpin_words, set->hairpin);
	ks_nat64_tos(set->tos4, &xlat->tos4);
	ks_nat64_tos(set->tos6, &xlat->tos6);
	xlat->interface_object = set->interface_object;
	xlat->icmp_errors = set->icmp_errors;
	xlat->error_each_us = 1000000 / set->icmp_rate;
	xlat->error_burst = set->icmp_burst;
	set_sources(config);
	set_pools(xlat, set);
}

enum ks_settings_outcome ks_nat64_config_load(int argc, char **argv, struct ks_nat64_config **out)
{
	struct ks_nat64_config *config = calloc(1, sizeof(*config));
	enum ks_settings_outcome outcome;

	*out = NULL;
	if (config == NULL) {
		ks_error("config", "%s", ks_strerror(-ENOMEM));
		return KS_SETTINGS_USAGE;
	}
	outcome = ks_settings_load(&ks_nat64_program, argc, argv, &config->set);
	if (outcome != KS_SETTINGS_RUN) {
		free(config);
		return outcome;
	}
	config->table = ks_lines_table(config->set.lines);
	set_xlat(config);
	*out = config;
	return KS_SETTINGS_RUN;
}

void ks_nat64_config_free(struct ks_nat64_config *config)
{
	if (config == NULL)
		return;
	ks_settings_free(&ks_nat64_program, &config->set);
	free(config);
}
