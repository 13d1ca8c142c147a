/* SPDX-License-Identifier: Apache-2.0 */
#include <sodium.h>

#include "lib/base/daemon.h"
#include "lib/base/error.h"
#include "nat64/config.h"
#include "nat64/nat64.h"
#include "nat64/packet_mode.h"

static int run(const struct ks_nat64_config *config, int argc, char **argv)
{
	struct ks_nat64 *nat64 = NULL;
	struct ks_daemon daemon;
	int err = ks_daemon_init(&daemon);

	if (err != KS_EOK)
		return err;
	err = ks_nat64_new(&nat64, &daemon, config, argc, argv);
	if (err == KS_EOK)
		err = ks_daemon_run(&daemon);
	ks_nat64_free(nat64);
	ks_daemon_free(&daemon);
	return err;
}

int main(int argc, char **argv)
{
	struct ks_nat64_config *config;
	const char *in, *out;
	int outcome, err;

	if (sodium_init() < 0)
		return 1;
	if (ks_packet_mode_asked(&argc, argv, &in, &out))
		return ks_packet_mode_run(argc, argv, in, out);
	outcome = ks_nat64_config_load(argc, argv, &config);
	if (outcome != KS_SETTINGS_RUN)
		return outcome;
	err = run(config, argc, argv);
	ks_nat64_config_free(config);
	return err == KS_EOK ? 0 : err == KS_ECONFIG ? 2 : 1;
}
