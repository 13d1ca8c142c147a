/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "nat64/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void drop_line(void *ctx, enum ks_log_level level, const char *token, const char *text)
{
	(void)ctx;
	(void)level;
	(void)token;
	if (strchr(text, '\n') != NULL)
		abort();
}

/* What was taken is what the core may be given. */
static void check_xlat(const struct ks_xlat_settings *xlat)
{
	if (xlat->lowest_ipv6_mtu < KS_XLAT_MTU6_MIN || (xlat->mtu4 != 0 && xlat->mtu4 < KS_XLAT_MTU4_MIN) ||
	    (xlat->mtu6 != 0 && xlat->mtu6 < KS_XLAT_MTU6_MIN) || xlat->mtu4 > KS_PACKET_MAX || xlat->mtu6 > KS_PACKET_MAX)
		abort();
	if (xlat->udp_zero > KS_UDP_ZERO_FORWARD || xlat->hairpin > KS_HAIRPIN_INTRINSIC || xlat->tos4 < -1 ||
	    xlat->tos4 > 255 || xlat->tos6 < -1 || xlat->tos6 > 255)
		abort();
	if (xlat->n_pool4 > KS_XLAT_POOL_MAX || xlat->n_pool6 > KS_XLAT_POOL_MAX || xlat->error_each_us < 1 ||
	    xlat->error_burst < 1)
		abort();
}

/* Each mapping is found from both sides: at its first address, unless a longer one stands in front of it. */
static void check_table(const struct ks_table *table)
{
	for (uint32_t slot = 0; slot < ks_table_slots(table); slot++) {
		const struct ks_mapping *m = ks_table_mapping(table, slot);
		const struct ks_mapping66 *m66 = ks_table_mapping66(table, slot);
		struct in6_addr v6;
		uint32_t v4, got;

		if ((m != NULL) == (m66 != NULL))
			abort();
		if (m66 != NULL) {
			if (!ks_table_to_intra(table, &m66->global, &v6, &got) || got != slot ||
			    memcmp(&v6, &m66->intra, sizeof(v6)) != 0 ||
			    !ks_table_to_global(table, &m66->intra, &v6, &got) || got != slot)
				abort();
			continue;
		}
		if (ks_mapping_expected(m) != NULL)
			abort();
		if (ks_table_to6(table, m->v4, true, &v6, &got) != KS_MAPPED_EXPLICIT ||
		    ks_table_mapping(table, got)->length4 < m->length4)
			abort();
		if (got == slot && memcmp(&v6, &m->v6, sizeof(v6)) != 0)
			abort();
		if (ks_table_to4(table, &m->v6, &v4, &got) != KS_MAPPED_EXPLICIT ||
		    ks_table_mapping(table, got)->length6 < m->length6)
			abort();
		if (got == slot && v4 != m->v4)
			abort();
	}
}

/* The bytes as a configuration file; what is included is only what there is anyway. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char name[] = "nat64d", option[] = "--config", path[64], *argv[] = { name, option, path, NULL };
	int fd = memfd_create("config", MFD_CLOEXEC);
	struct ks_nat64_config *config;

	ks_log_set_sink(drop_line, NULL);
	if (fd >= 0 && write(fd, bytes, len) == (ssize_t)len) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (ks_nat64_config_load(3, argv, &config) == KS_SETTINGS_RUN) {
			check_xlat(&config->xlat);
			check_table(config->table);
			ks_nat64_print_diff(config->table, config->table);
			ks_nat64_config_free(config);
		}
	}
	if (fd >= 0)
		close(fd);
	return 0;
}
