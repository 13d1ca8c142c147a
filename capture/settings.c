/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/settings.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/card.h"
#include "capture/keys.h"
#include "capture/raw.h"
#include "capture/source.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/name.h"
#include "lib/frame/manifest.h"
#include "lib/wire/address.h"
#include "lib/wire/sender.h"

static bool side(const char *text, const char **end, int min, int *value)
{
	char *stop;
	long got = *text >= '0' && *text <= '9' ? strtol(text, &stop, 10) : -1;

	if (got < min || got > KS_DIMENSION_MAX)
		return false;
	*end = stop;
	*value = (int)got;
	return true;
}

bool ks_resolution_parse(const char *text, int *width, int *height)
{
	return side(text, &text, KS_CARD_WIDTH_MIN, width) && *text == 'x' &&
	       side(text + 1, &text, KS_CARD_HEIGHT_MIN, height) && *text == '\0';
}

static const char *resolution_expected(const char *text)
{
	int width, height;

	return ks_resolution_parse(text, &width, &height) ? NULL :
	       "WIDTHxHEIGHT from 64x48 to 8192x8192, like 1280x720";
}

#define TEXT_(number) #number
#define TEXT(number) TEXT_(number)
#define LOSS_DEFAULT_PERCENT 10
_Static_assert(LOSS_DEFAULT_PERCENT * 10000 == KS_LOSS_DEFAULT_PPM, "one default");

static const char *relay_expected(const char *text)
{
	return ks_name_valid(text, strlen(text), KS_RELAY_NAME_MAX) ? NULL :
	       "a name of at most " TEXT(KS_RELAY_NAME_MAX) " lower-case letters, digits and hyphens";
}

#define FIELD(name) offsetof(struct ks_capture_relay, name)
static const struct ks_setting relay_fields[] = {
	{ .name = "address", .type = KS_TEXT, .offset = FIELD(address), .arg = "HOST:PORT", .required = true,
	  .check = ks_peer_expected, .help = "where the relay listens" },
	{ .name = "key", .type = KS_TEXT, .offset = FIELD(key), .arg = "FILE",
	  .help = "the key that the relay shares with its parents; without it, the one made from the master key" },
	{ .name = "blind", .type = KS_SWITCH, .offset = FIELD(blind), .arg = "yes",
	  .help = "nothing comes back from there: send without being asked" },
	{ .name = NULL },
};

#define IN_RENDITION(name) offsetof(struct ks_capture_rendition, name)
static const struct ks_setting rendition_fields[] = {
	{ .name = "resolution", .type = KS_TEXT, .offset = IN_RENDITION(resolution), .arg = "WxH",
	  .check = resolution_expected, .help = "it is made to fit in there, and never enlarged" },
	{ .name = "quality", .type = KS_NUMBER, .offset = IN_RENDITION(quality), .arg = "N", .min = 1, .max = 100,
	  .help = "JPEG quality of this one" },
	{ .name = NULL },
};

#define SETTING(name) offsetof(struct ks_capture_settings, name)
static const struct ks_setting settings[] = {
	{ .name = "channel", .type = KS_TEXT, .offset = SETTING(channel), .at_start = true,
	  .arg = "NAME", .preset = "main",
	  .check = ks_channel_expected, .help = "name of the camera or programme" },
	{ .name = "rendition", .type = KS_SECTIONS, .offset = SETTING(renditions),
	  .arg = "NAME[,resolution=WxH][,quality=N]", .check = ks_rendition_expected, .fields = rendition_fields,
	  .item_size = sizeof(struct ks_capture_rendition),
	  .help = "a size and quality that is sent; may be repeated; without any, one that is called std" },
	{ .name = "source", .type = KS_TEXT, .offset = SETTING(source), .arg = "SOURCE", .preset = "test",
	  .check = ks_source_expected, .help = "test, v4l2:DEVICE, pipe:-, pipe:FIFO or dir:FOLDER" },
	{ .name = "period", .type = KS_NUMBER, .offset = SETTING(period_ms), .arg = "MS", .preset = "1000",
	  .min = KS_PERIOD_MIN_MS, .max = KS_PERIOD_MAX_MS, .help = "time from one picture to the next" },
	{ .name = "resolution", .type = KS_TEXT, .offset = SETTING(resolution), .arg = "WxH", .preset = "1280x720",
	  .check = resolution_expected, .help = "size of the test card; size asked of a camera" },
	{ .name = "quality", .type = KS_NUMBER, .offset = SETTING(quality), .arg = "N", .preset = "80", .min = 1,
	  .max = 100, .help = "JPEG quality of what is encoded here" },
	{ .name = "format", .type = KS_LIST, .offset = SETTING(formats), .arg = "FORMAT",
	  .check = ks_raw_format_expected,
	  .help = "format asked of a camera, best first, may be repeated "
		  "(default: YUYV UYVY NV12 YUV420 MJPEG JPEG GREY)" },
	{ .name = "device-timeout", .type = KS_NUMBER, .offset = SETTING(device_timeout_ms), .arg = "MS",
	  .preset = "2000", .min = 100, .max = 600000, .help = "a source that is silent for longer is at fault" },
	{ .name = "device-error-delay", .type = KS_NUMBER, .offset = SETTING(device_error_delay_ms), .arg = "MS",
	  .preset = "1000", .min = 10, .max = KS_PERIOD_MAX_MS,
	  .help = "wait before the source is tried again; doubles up to 30 s" },
	{ .name = "exit-on-device-error", .type = KS_SWITCH, .offset = SETTING(exit_on_device_error),
	  .help = "exit 1 when the source fails, for a supervisor to act" },
	{ .name = "verify-decode", .type = KS_SWITCH, .offset = SETTING(verify_decode), .preset = "yes",
	  .help = "decode each incoming JPEG and drop the damaged ones; --verify-decode=no leaves that out" },
	{ .name = "dir-once", .type = KS_SWITCH, .offset = SETTING(dir_once),
	  .help = "with a dir source: exit 0 after the last picture was sent" },
	{ .name = "pipe-live", .type = KS_SWITCH, .offset = SETTING(pipe_live),
	  .help = "with a pipe source: take always the newest picture, however fast they come" },
	{ .name = "source-id", .type = KS_NUMBER, .offset = SETTING(source_id), .at_start = true,
	  .arg = "N", .preset = "0", .min = 0,
	  .max = KS_SOURCES_MAX - 1, .help = "tells the capture daemons of a channel apart" },
	{ .name = "priority", .type = KS_NUMBER, .offset = SETTING(priority), .arg = "N", .preset = "0", .min = 0,
	  .max = 255, .help = "among these, the lowest is the primary" },
	{ .name = "signing-key", .type = KS_TEXT, .offset = SETTING(signing_key), .arg = "FILE",
	  .help = "secret key of this source, from koshienctl keygen; needed" },
	{ .name = "state-dir", .type = KS_TEXT, .offset = SETTING(state_dir), .at_start = true,
	  .arg = "FOLDER", .preset = KS_STATEDIR,
	  .help = "where the epoch is remembered over restarts" },
	{ .name = "relay", .type = KS_SECTIONS, .offset = SETTING(relays),
	  .arg = "NAME,address=HOST:PORT[,key=FILE][,blind=yes]", .check = relay_expected, .fields = relay_fields,
	  .item_size = sizeof(struct ks_capture_relay),
	  .help = "send to this relay without being asked; may be repeated" },
	{ .name = "master", .type = KS_TEXT, .offset = SETTING(master), .arg = "FILE",
	  .help = "master key: relays with a key made from it may come by themselves" },
	{ .name = "revoked", .type = KS_TEXT, .offset = SETTING(revoked), .arg = "FILE",
	  .help = "names of relays that may no longer, from koshienctl key revoke" },
	{ .name = "listen", .type = KS_LIST, .offset = SETTING(listen), .arg = "ADDRESS:PORT",
	  .check = ks_listen_expected,
	  .help = "with master: UDP address where relays come, may be repeated (default: [::]:" TEXT(KS_CAPTURE_PORT)
		  " and 0.0.0.0:" TEXT(KS_CAPTURE_PORT) ")" },
	{ .name = "relays-max", .type = KS_NUMBER, .offset = SETTING(relays_max), .arg = "N",
	  .preset = TEXT(KS_RELAYS_MAX), .min = 1, .max = KS_RELAYS_MAX, .help = "relays served at a time" },
	{ .name = "trust", .type = KS_LIST, .offset = SETTING(trust), .arg = "FILE",
	  .help = "public key of another source of this channel, may be repeated" },
	{ .name = "nack", .type = KS_SWITCH, .offset = SETTING(nack), .preset = "yes",
	  .help = "send again what relays ask for; --nack=no leaves that out" },
	{ .name = "loss", .type = KS_NUMBER, .offset = SETTING(loss_percent), .arg = "PERCENT",
	  .preset = TEXT(LOSS_DEFAULT_PERCENT), .min = 0, .max = 50,
	  .help = "loss on the way that is made up for until relays report theirs" },
	{ .name = "datagram", .type = KS_NUMBER, .offset = SETTING(datagram), .arg = "BYTES",
	  .preset = TEXT(KS_DATAGRAM_DEFAULT), .min = KS_DATAGRAM_MIN, .max = KS_DATAGRAM_MAX,
	  .help = "UDP payload at most" },
	{ .name = "metrics", .type = KS_TEXT, .offset = SETTING(metrics), .at_start = true,
	  .arg = "ADDRESS:PORT",
	  .check = ks_listen_expected, .help = "serve Prometheus metrics here, like 127.0.0.1:9301" },
	{ .name = NULL },
};

static const struct ks_capture_rendition *rendition(const struct ks_capture_settings *set, size_t i)
{
	return (const struct ks_capture_rendition *)set->renditions.items + i;
}

void ks_capture_renditions(const struct ks_capture_settings *set, struct ks_renditions_settings *out)
{
	static const struct ks_rendition one = { .name = "std" };

	*out = (struct ks_renditions_settings){ .list = { one }, .n = 1, .quality = (int)set->quality,
						.verify_decode = set->verify_decode };
	for (size_t i = 0; i < set->renditions.n && i < KS_RENDITIONS_MAX; i++) {
		struct ks_rendition *to = &out->list[i];

		snprintf(to->name, sizeof(to->name), "%s", rendition(set, i)->name);
		to->quality = (int)rendition(set, i)->quality;
		if (rendition(set, i)->resolution != NULL)
			ks_resolution_parse(rendition(set, i)->resolution, &to->width, &to->height);
		out->n = i + 1;
	}
}

static int validate_renditions(const struct ks_capture_settings *set)
{
	if (set->renditions.n > KS_RENDITIONS_MAX) {
		ks_error("config", "rendition: expected at most %d, got %zu", KS_RENDITIONS_MAX, set->renditions.n);
		return KS_ECONFIG;
	}
	for (size_t i = 0; i < set->renditions.n && !ks_scaler_available(); i++)
		if (rendition(set, i)->resolution != NULL) {
			ks_error("config", "rendition %s: this build cannot make pictures smaller; install libyuv-dev "
				 "and configure --with-libyuv, or leave its resolution out", rendition(set, i)->name);
			return KS_ECONFIG;
		}
	return KS_EOK;
}

static const struct ks_capture_relay *relay(const struct ks_capture_settings *set, size_t i)
{
	return (const struct ks_capture_relay *)set->relays.items + i;
}

static int validate_wire(const struct ks_capture_settings *set)
{
	int err = KS_EOK;

	if (set->relays.n == 0 && set->master == NULL) {
		ks_error("config", "relay: expected at least one, as a section of the file or as "
			 "--relay NAME,address=HOST:PORT,key=FILE; or a master key, for relays that come by themselves");
		err = KS_ECONFIG;
	}
	if (set->relays.n > KS_RELAYS_MAX) {
		ks_error("config", "relay: expected at most %d, got %zu; let relays feed others", KS_RELAYS_MAX,
			 set->relays.n);
		err = KS_ECONFIG;
	}
	for (size_t i = 0; i < set->relays.n && set->master == NULL; i++)
		if (relay(set, i)->key == NULL) {
			ks_error("config", "relay %s: expected key=FILE, or a master key to make it from",
				 relay(set, i)->name);
			err = KS_ECONFIG;
		}
	if (set->revoked != NULL && set->master == NULL) {
		ks_error("config",
			 "revoked: expected a master key with it, as it tells whose derived keys are refused");
		err = KS_ECONFIG;
	}
	/* Our own takes one place. */
	if (set->trust.n > KS_TRUST_MAX - 1) {
		ks_error("config", "trust: expected at most %d, got %zu", KS_TRUST_MAX - 1, set->trust.n);
		err = KS_ECONFIG;
	}
	return err;
}

/* The keys are read here already, so that --check-config and a reload find what is wrong with them. */
static int validate_keys(const struct ks_capture_settings *set)
{
	struct ks_capture_keys keys;
	int err = ks_capture_keys_read(&keys, set);

	ks_capture_keys_free(&keys);
	return err == KS_EOK ? KS_EOK : KS_ECONFIG;
}

static int validate(const void *loaded)
{
	const struct ks_capture_settings *set = loaded;
	int err = validate_renditions(set);

	if (validate_wire(set) != KS_EOK)
		err = KS_ECONFIG;
	if (set->signing_key == NULL) {
		ks_error("config", "signing-key: expected a file made by koshienctl keygen, got none");
		err = KS_ECONFIG;
	}
	if (set->dir_once && strncmp(set->source, "dir:", 4) != 0) {
		ks_error("config", "dir-once: expected a source dir:FOLDER with it, got '%s'", set->source);
		err = KS_ECONFIG;
	}
	return err == KS_EOK ? validate_keys(set) : err;
}

const struct ks_program ks_capture_program = {
	.name = "sentryd",
	.summary = "Takes a picture once per period, signs it and sends it to relays.",
	.settings = settings,
	.size = sizeof(struct ks_capture_settings),
	.config_path = KS_SYSCONFDIR "/sentryd.conf",
	.validate = validate,
};
