/* SPDX-License-Identifier: Apache-2.0 */
#include <sodium.h>

#include "lib/base/log.h"
#include "nat64/config.h"

int main(int argc, char **argv)
{
	struct ks_nat64_config *config;
	int outcome;

	if (sodium_init() < 0)
		return 1;
	outcome = ks_nat64_config_load(argc, argv, &config);
	if (outcome != KS_SETTINGS_RUN)
		return outcome;
	ks_error("nat64", "this build reads and checks its configuration only; see --check-config");
	ks_nat64_config_free(config);
	return 1;
}
