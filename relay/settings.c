/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/settings.h"

#include <netinet/in.h>
#include <stddef.h>

#include <event2/util.h>
#include <sodium.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/store/store.h"
#include "relay/keys.h"

#define TEXT_(number) #number
#define TEXT(number) TEXT_(number)
#define MIB (1024 * 1024)
/* Whole MiB that hold KS_STORE_BYTES_MIN. */
#define STORE_MIB_MIN ((int64_t)(KS_STORE_BYTES_MIN / MIB) + 1)
#define STORE_MIB_MAX ((int64_t)(KS_STORE_BYTES_MAX / MIB))

static const char *address_expected(const char *text)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;
	int len = sizeof(address);

	/* An address without a port parses too, as port 0. Both families have it in the same place. */
	if (evutil_parse_sockaddr_port(text, &address.any, &len) == 0 && address.v4.sin_port != 0)
		return NULL;
	return "ADDRESS:PORT like [::1]:7510 or 192.0.2.1:7510";
}

static const char *folder_expected(const char *text)
{
	return *text != '\0' ? NULL : "a folder";
}

#define SETTING(name) offsetof(struct ks_relay_settings, name)
static const struct ks_setting settings[] = {
	{ .name = "listen", .type = KS_LIST, .offset = SETTING(listen), .arg = "ADDRESS:PORT", .check = address_expected,
	  .help = "receive frames here, may be repeated (default: [::]:" TEXT(KS_RELAY_PORT) " and 0.0.0.0:"
		  TEXT(KS_RELAY_PORT) ")" },
	{ .name = "key", .type = KS_LIST, .offset = SETTING(key), .arg = "FILE",
	  .help = "key shared with the sender, up to three while keys change; needed" },
	{ .name = "trust", .type = KS_LIST, .offset = SETTING(trust), .arg = "FILE",
	  .help = "public key of a source whose pictures are served, may be repeated; needed" },
	{ .name = "store-dir", .type = KS_TEXT, .offset = SETTING(store_dir), .arg = "FOLDER", .preset = KS_RUNDIR,
	  .check = folder_expected, .help = "where the frame stores are, on a tmpfs" },
	{ .name = "history", .type = KS_NUMBER, .offset = SETTING(history), .arg = "FRAMES",
	  .preset = TEXT(KS_STORE_FRAMES_DEFAULT), .min = KS_STORE_FRAMES_MIN, .max = KS_STORE_FRAMES_MAX,
	  .help = "frames kept per channel and rendition, as far as store-bytes allows" },
	{ .name = "store-bytes", .type = KS_NUMBER, .offset = SETTING(store_mib), .arg = "MIB", .preset = "64",
	  .min = STORE_MIB_MIN, .max = STORE_MIB_MAX,
	  .help = "memory for pictures per channel and rendition, taken at once" },
	{ .name = "channels-max", .type = KS_NUMBER, .offset = SETTING(channels_max), .arg = "N", .preset = "64", .min = 1,
	  .max = KS_RELAY_CHANNELS_MAX, .help = "channels and renditions kept at most" },
	{ .name = "metrics", .type = KS_TEXT, .offset = SETTING(metrics), .arg = "ADDRESS:PORT", .check = address_expected,
	  .help = "serve Prometheus metrics here, like 127.0.0.1:9302" },
	{ .name = NULL },
};

static int check_count(const char *name, const struct ks_list *list, size_t max, const char *what)
{
	if (list->n >= 1 && list->n <= max)
		return KS_EOK;
	ks_error("config", "%s: expected 1 to %zu files, each %s, got %zu", name, max, what, list->n);
	return KS_ECONFIG;
}

/* The keys are read here already, so that --check-config and a reload find what is wrong with them. */
static int validate(const void *loaded)
{
	const struct ks_relay_settings *set = loaded;
	struct ks_relay_keys keys;
	int err = KS_EOK;

	if (check_count("key", &set->key, KS_PSK_MAX, "a key shared with a sender, from koshienctl keygen") != KS_EOK)
		err = KS_ECONFIG;
	if (check_count("trust", &set->trust, KS_TRUST_MAX, "a public key of a source, from koshienctl keygen") != KS_EOK)
		err = KS_ECONFIG;
	if (err != KS_EOK)
		return err;
	err = ks_relay_keys_read(&keys, set);
	sodium_memzero(&keys, sizeof(keys));
	return err == KS_EOK ? KS_EOK : KS_ECONFIG;
}

const struct ks_program ks_relay_program = {
	.name = "sentryc",
	.summary = "Receives frames, verifies them and keeps them for mod_sentry to serve.",
	.settings = settings,
	.size = sizeof(struct ks_relay_settings),
	.config_path = KS_SYSCONFDIR "/sentryc.conf",
	.validate = validate,
};
