/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/relay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <sodium.h>

#include "lib/base/daemon.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "lib/wire/intake.h"
#include "relay/keys.h"
#include "relay/stores.h"

#define STATUS_US (10 * KS_US_PER_S)
#define TEXT_(number) #number
#define TEXT(number) TEXT_(number)

static const char *const refusal_names[KS_REFUSALS] = {
	[KS_REFUSED_SIGNATURE] = "signature",
	[KS_REFUSED_DIGEST] = "digest",
	[KS_REFUSED_MALFORMED] = "malformed",
	[KS_REFUSED_VERSION] = "version",
	[KS_REFUSED_LIMIT] = "limit",
	[KS_REFUSED_STALE] = "stale",
	[KS_REFUSED_CHANNELS] = "channels",
	[KS_REFUSED_STORE] = "store",
};

/* What to do about it, for the log; NULL where there is nothing to do, or where it has been said. */
static const char *const refusal_advice[KS_REFUSALS] = {
	[KS_REFUSED_SIGNATURE] = "no trusted source signed it; is the source's public key named by trust?",
	[KS_REFUSED_DIGEST] = "it was damaged between signing and sending",
	[KS_REFUSED_MALFORMED] = "it is no frame; what runs at the sender?",
	[KS_REFUSED_VERSION] = "it is of another version; run the same release on both sides",
	[KS_REFUSED_LIMIT] = "it is larger than this build allows",
	[KS_REFUSED_STALE] = NULL,
	[KS_REFUSED_CHANNELS] = "no store is left for its channel; raise channels-max, or remove files of old channels",
	[KS_REFUSED_STORE] = NULL,
};

struct ks_relay {
	const struct ks_clock *clock;
	struct ks_trust trust;
	struct ks_stores *stores;
	struct ks_intake *intake;
	struct ks_exporter *exporter;
	struct event *timer;
	int64_t status_us;
	ks_counter refused[KS_REFUSALS];
	struct ks_log_gate gates[KS_REFUSALS];
};

/* --- objects ------------------------------------------------------------------------------------ */

static enum ks_refusal unverified(int err)
{
	switch (err) {
	case KS_EAUTH:
		return KS_REFUSED_SIGNATURE;
	case KS_EDIGEST:
		return KS_REFUSED_DIGEST;
	case KS_EVERSION:
		return KS_REFUSED_VERSION;
	case KS_ELIMIT:
		return KS_REFUSED_LIMIT;
	default:
		return KS_REFUSED_MALFORMED;
	}
}

static enum ks_refusal unpublished(int err)
{
	return err == KS_ESTALE ? KS_REFUSED_STALE : err == KS_ELIMIT ? KS_REFUSED_CHANNELS : KS_REFUSED_STORE;
}

static void refuse(struct ks_relay *relay, enum ks_refusal why, size_t len)
{
	uint64_t held;

	ks_count(&relay->refused[why]);
	if (refusal_advice[why] == NULL || !ks_log_gate(&relay->gates[why], ks_mono_us(relay->clock), &held))
		return;
	ks_warn("relay", "refused a frame of %zu bytes (%s): %s (%" PRIu64 " more like it before)", len, refusal_names[why],
		refusal_advice[why], held);
}

void ks_relay_deliver(void *ctx, const uint8_t *bytes, size_t len)
{
	struct ks_relay *relay = ctx;
	struct ks_frame frame;
	int err = ks_frame_verify(bytes, len, &relay->trust, &frame);

	if (err != KS_EOK) {
		refuse(relay, unverified(err), len);
		return;
	}
	err = ks_stores_publish(relay->stores, &frame);
	if (err != KS_EOK)
		refuse(relay, unpublished(err), len);
}

/* --- the clock ---------------------------------------------------------------------------------- */

static void say_status(const struct ks_relay *relay)
{
	struct ks_stores_summary sum;
	char text[128];

	ks_stores_summarize(relay->stores, &sum);
	snprintf(text, sizeof(text), "STATUS=%zu live, %zu silent, %" PRIu64 " frames", sum.channels, sum.silent, sum.frames);
	ks_notify(text);
}

static void on_beat(evutil_socket_t fd, short what, void *ctx)
{
	struct ks_relay *relay = ctx;
	int64_t now_us = ks_mono_us(relay->clock);

	(void)fd;
	(void)what;
	ks_stores_beat(relay->stores);
	if (now_us < relay->status_us)
		return;
	relay->status_us = now_us + STATUS_US;
	say_status(relay);
}

/* --- life --------------------------------------------------------------------------------------- */

/* Without a listen setting one family is enough: not every machine has both. */
static int listen_everywhere(struct ks_relay *relay)
{
	int v6 = ks_intake_listen(relay->intake, "[::]:" TEXT(KS_RELAY_PORT));
	int v4;

	if (v6 != KS_EOK && v6 != -EAFNOSUPPORT)
		return v6;
	v4 = ks_intake_listen(relay->intake, "0.0.0.0:" TEXT(KS_RELAY_PORT));
	return v4 == -EAFNOSUPPORT ? v6 : v4;
}

static int listen_on(struct ks_relay *relay, const struct ks_list *addresses)
{
	int err = KS_EOK;

	if (addresses->n == 0)
		return listen_everywhere(relay);
	for (size_t i = 0; i < addresses->n && err == KS_EOK; i++)
		err = ks_intake_listen(relay->intake, ks_list_text(addresses, i));
	return err;
}

static int start_timer(struct ks_relay *relay, struct event_base *base)
{
	static const struct timeval every = { KS_STORE_BEAT_US / KS_US_PER_S, KS_STORE_BEAT_US % KS_US_PER_S };

	relay->timer = event_new(base, -1, EV_PERSIST, on_beat, relay);
	return relay->timer != NULL && event_add(relay->timer, &every) == 0 ? KS_EOK : -ENOMEM;
}

static int start(struct ks_relay *relay, struct event_base *base, const struct ks_relay_settings *settings)
{
	const struct ks_stores_settings stores = {
		.dir = settings->store_dir,
		.max = (size_t)settings->channels_max,
		.shape = { (uint32_t)settings->history, (uint64_t)settings->store_mib * 1024 * 1024 },
	};
	struct ks_relay_keys keys;
	int err = ks_relay_keys_read(&keys, settings);

	relay->trust = keys.trust;
	if (err == KS_EOK)
		err = ks_stores_new(&relay->stores, &stores, relay->clock);
	if (err == KS_EOK)
		err = ks_intake_new(&relay->intake, base, keys.psk, keys.n_psk, ks_relay_deliver, relay);
	sodium_memzero(&keys, sizeof(keys));
	if (err == KS_EOK)
		err = listen_on(relay, &settings->listen);
	if (err == KS_EOK && settings->metrics != NULL)
		err = ks_exporter_new(&relay->exporter, base, settings->metrics, ks_relay_metrics, relay);
	if (err == KS_EOK)
		err = start_timer(relay, base);
	return err;
}

int ks_relay_new(struct ks_relay **out, struct event_base *base, const struct ks_relay_settings *settings,
		 const struct ks_clock *clock)
{
	struct ks_relay *relay = calloc(1, sizeof(*relay));
	int err;

	if (relay == NULL)
		return -ENOMEM;
	relay->clock = clock;
	err = start(relay, base, settings);
	if (err != KS_EOK) {
		ks_relay_free(relay);
		return err;
	}
	*out = relay;
	return KS_EOK;
}

void ks_relay_free(struct ks_relay *relay)
{
	if (relay == NULL)
		return;
	if (relay->timer != NULL)
		event_free(relay->timer);
	ks_exporter_free(relay->exporter);
	ks_intake_free(relay->intake);
	ks_stores_free(relay->stores);
	free(relay);
}

int ks_relay_reload(struct ks_relay *relay, const struct ks_relay_settings *settings)
{
	struct ks_relay_keys keys;
	int err = ks_relay_keys_read(&keys, settings);

	if (err == KS_EOK)
		err = ks_intake_set_keys(relay->intake, keys.psk, keys.n_psk);
	if (err == KS_EOK) {
		relay->trust = keys.trust;
		ks_info("relay", "reloaded: %zu keys of senders, %zu trusted sources; other settings change with a restart",
			keys.n_psk, keys.trust.n);
	} else {
		ks_error("relay", "reload failed: %s; the keys from before stay in use", ks_strerror(err));
	}
	sodium_memzero(&keys, sizeof(keys));
	return err;
}

void ks_relay_metrics(FILE *out, void *ctx)
{
	const struct ks_relay *relay = ctx;

	ks_prom_build_info(out, "sentryc");
	ks_stores_metrics(relay->stores, out);
	ks_prom_reasons(out, "koshien_relay_refused_total", "Whole objects from the wire that were not published.",
			relay->refused, refusal_names, KS_REFUSALS);
	ks_intake_metrics(relay->intake, out);
}
