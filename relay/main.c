/* SPDX-License-Identifier: Apache-2.0 */
#include <sodium.h>

#include "lib/base/daemon.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "relay/relay.h"

struct run {
	int argc;
	char **argv;
	struct ks_relay *relay;
};

static void reload(void *ctx)
{
	struct run *run = ctx;
	struct ks_relay_settings settings;

	if (ks_settings_load(&ks_relay_program, run->argc, run->argv, &settings) != KS_SETTINGS_RUN) {
		ks_error("relay", "reload failed; the keys from before stay in use");
		return;
	}
	ks_relay_reload(run->relay, &settings);
	ks_settings_free(&ks_relay_program, &settings);
}

static int exit_code(int err)
{
	return err == KS_EOK ? 0 : err == KS_ECONFIG || err == KS_EKEY ? 2 : 1;
}

int main(int argc, char **argv)
{
	struct run run = { argc, argv, NULL };
	struct ks_relay_settings settings;
	struct ks_daemon daemon;
	int outcome, err;

	if (sodium_init() < 0)
		return 1;
	outcome = ks_settings_load(&ks_relay_program, argc, argv, &settings);
	if (outcome != KS_SETTINGS_RUN)
		return outcome;
	err = ks_daemon_init(&daemon);
	if (err == KS_EOK) {
		daemon.reload = reload;
		daemon.ctx = &run;
		err = ks_relay_new(&run.relay, daemon.base, &settings, &ks_clock_system);
		if (err == KS_EOK)
			err = ks_daemon_run(&daemon);
		ks_relay_free(run.relay);
		ks_daemon_free(&daemon);
	}
	ks_settings_free(&ks_relay_program, &settings);
	return exit_code(err);
}
