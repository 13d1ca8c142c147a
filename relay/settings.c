/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/settings.h"

#include <stddef.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/name.h"
#include "lib/store/store.h"
#include "lib/wire/address.h"
#include "lib/wire/datagram.h"
#include "lib/wire/message.h"
#include "lib/wire/receiver.h"
#include "lib/wire/sender.h"
#include "relay/keys.h"

#define TEXT_(number) #number
#define TEXT(number) TEXT_(number)
#define LOSS_DEFAULT_PERCENT 10
_Static_assert(LOSS_DEFAULT_PERCENT * 10000 == KS_LOSS_DEFAULT_PPM, "one default");

#define MIB (1024 * 1024)
/* Whole MiB that hold KS_STORE_BYTES_MIN. */
#define STORE_MIB_MIN ((int64_t)(KS_STORE_BYTES_MIN / MIB) + 1)
#define STORE_MIB_MAX ((int64_t)(KS_STORE_BYTES_MAX / MIB))

static const char *folder_expected(const char *text)
{
	return *text != '\0' ? NULL : "a folder";
}

static const char *parent_expected(const char *text)
{
	return ks_name_valid(text, strlen(text), KS_RELAY_NAME_MAX) ? NULL :
	       "a name of at most " TEXT(KS_RELAY_NAME_MAX) " lower-case letters, digits and hyphens";
}

#define FIELD(name) offsetof(struct ks_relay_parent, name)
static const struct ks_setting parent_fields[] = {
	{ .name = "address", .type = KS_TEXT, .offset = FIELD(address), .arg = "HOST:PORT", .required = true,
	  .check = ks_peer_expected, .help = "where the parent listens" },
	{ .name = "key", .type = KS_TEXT, .offset = FIELD(key), .arg = "FILE", .required = true,
	  .help = "this relay's key, as the parent knows it" },
	{ .name = NULL },
};

#define SETTING(name) offsetof(struct ks_relay_settings, name)
static const struct ks_setting settings[] = {
	{ .name = "parent", .type = KS_SECTIONS, .offset = SETTING(parents), .arg = "NAME,address=HOST:PORT,key=FILE",
	  .check = parent_expected, .fields = parent_fields, .item_size = sizeof(struct ks_relay_parent),
	  .help = "take frames from this capture daemon or relay; may be repeated" },
	{ .name = "key", .type = KS_LIST, .offset = SETTING(key), .arg = "FILE",
	  .help = "this relay's key, shared with parents that send to it unasked; up to three" },
	{ .name = "listen", .type = KS_LIST, .offset = SETTING(listen), .arg = "ADDRESS:PORT",
	  .check = ks_listen_expected,
	  .help = "with key or master: UDP address for whoever comes, may be repeated "
		  "(default: [::]:" TEXT(KS_RELAY_PORT) " and 0.0.0.0:" TEXT(KS_RELAY_PORT) ")" },
	{ .name = "channel", .type = KS_LIST, .offset = SETTING(channels), .arg = "NAME", .check = ks_channel_expected,
	  .help = "take this channel only, up to four" },
	{ .name = "rendition", .type = KS_LIST, .offset = SETTING(renditions), .arg = "NAME",
	  .check = ks_rendition_expected, .help = "take this rendition only, up to eight" },
	{ .name = "trust", .type = KS_LIST, .offset = SETTING(trust), .arg = "FILE",
	  .help = "public key of a source whose pictures are served, may be repeated; needed" },
	{ .name = "store-dir", .type = KS_TEXT, .offset = SETTING(store_dir), .at_start = true,
	  .arg = "FOLDER", .preset = KS_RUNDIR,
	  .check = folder_expected, .help = "where the frame stores are, on a tmpfs" },
	{ .name = "history", .type = KS_NUMBER, .offset = SETTING(history), .at_start = true, .arg = "FRAMES",
	  .preset = TEXT(KS_STORE_FRAMES_DEFAULT), .min = KS_STORE_FRAMES_MIN, .max = KS_STORE_FRAMES_MAX,
	  .help = "frames kept per channel and rendition, as far as store-bytes allows" },
	{ .name = "store-bytes", .type = KS_NUMBER, .offset = SETTING(store_mib), .at_start = true,
	  .arg = "MIB", .preset = "64",
	  .min = STORE_MIB_MIN, .max = STORE_MIB_MAX,
	  .help = "memory for pictures per channel and rendition, taken at once" },
	{ .name = "channels-max", .type = KS_NUMBER, .offset = SETTING(channels_max), .at_start = true,
	  .arg = "N", .preset = "64",
	  .min = 1, .max = KS_RELAY_CHANNELS_MAX, .help = "channels and renditions kept at most" },
	{ .name = "master", .type = KS_TEXT, .offset = SETTING(master), .arg = "FILE",
	  .help = "master key: relays with a key made from it may take frames from here" },
	{ .name = "revoked", .type = KS_TEXT, .offset = SETTING(revoked), .arg = "FILE",
	  .help = "names of relays that may no longer, from koshienctl key revoke" },
	{ .name = "relays-max", .type = KS_NUMBER, .offset = SETTING(relays_max), .arg = "N",
	  .preset = TEXT(KS_RELAYS_MAX), .min = 1, .max = KS_RELAYS_MAX, .help = "relays served at a time" },
	{ .name = "nack", .type = KS_SWITCH, .offset = SETTING(nack), .preset = "yes",
	  .help = "ask again for what was lost on the way, and answer; --nack=no leaves that out" },
	{ .name = "loss", .type = KS_NUMBER, .offset = SETTING(loss_percent), .arg = "PERCENT",
	  .preset = TEXT(LOSS_DEFAULT_PERCENT), .min = 0, .max = 50,
	  .help = "loss on the way to relays that is made up for until they report theirs" },
	{ .name = "datagram", .type = KS_NUMBER, .offset = SETTING(datagram), .arg = "BYTES",
	  .preset = TEXT(KS_DATAGRAM_DEFAULT), .min = KS_DATAGRAM_MIN, .max = KS_DATAGRAM_MAX,
	  .help = "UDP payload at most" },
	{ .name = "metrics", .type = KS_TEXT, .offset = SETTING(metrics), .at_start = true,
	  .arg = "ADDRESS:PORT",
	  .check = ks_listen_expected,
	  .help = "serve Prometheus metrics here, like 127.0.0.1:9302" },
	{ .name = NULL },
};

static int at_most(const char *name, const struct ks_list *list, size_t max)
{
	if (list->n <= max)
		return KS_EOK;
	ks_error("config", "%s: expected at most %zu, got %zu", name, max, list->n);
	return KS_ECONFIG;
}

static int check_numbers(const struct ks_relay_settings *set)
{
	int err = at_most("parent", &set->parents, KS_PARENTS_MAX);

	if (at_most("key", &set->key, KS_PSK_MAX) != KS_EOK ||
	    at_most("trust", &set->trust, KS_TRUST_MAX) != KS_EOK ||
	    at_most("channel", &set->channels, KS_FILTER_CHANNELS_MAX) != KS_EOK ||
	    at_most("rendition", &set->renditions, KS_FILTER_RENDITIONS_MAX) != KS_EOK)
		err = KS_ECONFIG;
	return err;
}

/* The keys are read here already, so that --check-config and a reload find what is wrong with them. */
static int validate(const void *loaded)
{
	const struct ks_relay_settings *set = loaded;
	struct ks_relay_keys keys;
	int err = check_numbers(set);

	if (set->parents.n + set->key.n == 0) {
		ks_error("config", "parent: expected at least one, as a section of the file or as --parent "
			 "NAME,address=HOST:PORT,key=FILE; or a key for parents that send unasked");
		err = KS_ECONFIG;
	}
	if (set->trust.n == 0) {
		ks_error("config",
			 "trust: expected at least one public key of a source, from koshienctl keygen source");
		err = KS_ECONFIG;
	}
	if (set->revoked != NULL && set->master == NULL) {
		ks_error("config",
			 "revoked: expected a master key with it, as it tells whose derived keys are refused");
		err = KS_ECONFIG;
	}
	if (err != KS_EOK)
		return err;
	err = ks_relay_keys_read(&keys, set);
	ks_relay_keys_free(&keys);
	return err == KS_EOK ? KS_EOK : KS_ECONFIG;
}

const struct ks_program ks_relay_program = {
	.name = "sentryc",
	.summary = "Takes frames from its parents, verifies them, and keeps them for mod_sentry and for other relays.",
	.settings = settings,
	.size = sizeof(struct ks_relay_settings),
	.config_path = KS_SYSCONFDIR "/sentryc.conf",
	.validate = validate,
};
