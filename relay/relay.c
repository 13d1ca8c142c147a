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
#include "lib/wire/node.h"
#include "relay/director.h"
#include "relay/keys.h"
#include "relay/stores.h"
#include "relay/wiring.h"

#define STATUS_US (10 * KS_US_PER_S)
#define HEAD_CHECKS_MAX 100	/* signatures of what other relays tell, checked a second */

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

/* What came of a HEAD from another relay. */
enum heard {
	HEARD_GOOD,
	HEARD_SIGNATURE,
	HEARD_MALFORMED,
	HEARD_BUSY,
	HEARD_KINDS
};

static const char *const heard_names[HEARD_KINDS] = {
	[HEARD_GOOD] = "good",
	[HEARD_SIGNATURE] = "signature",
	[HEARD_MALFORMED] = "malformed",
	[HEARD_BUSY] = "busy",
};

struct ks_relay {
	const struct ks_clock *clock;
	const struct ks_relay_settings *settings;
	struct ks_trust trust;
	bool is_parent;
	struct ks_stores *stores;
	struct ks_director *director;
	struct ks_node *node;
	struct ks_exporter *exporter;
	struct event *timer, *due;
	int64_t status_us;
	ks_counter refused[KS_REFUSALS];
	struct ks_log_gate gates[KS_REFUSALS], hops_gate;
	ks_counter heard[HEARD_KINDS];
	int64_t heard_second_us;
	unsigned heard_checks;
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

/* The director may have something to tell parents, which must wait until the node is back from what it does now. */
static void wake_director(struct ks_relay *relay)
{
	event_active(relay->due, EV_TIMEOUT, 0);
}

bool ks_relay_deliver(void *ctx, const uint8_t *bytes, size_t len, uint8_t hops)
{
	struct ks_relay *relay = ctx;
	struct ks_frame frame;
	int err = ks_frame_verify(bytes, len, &relay->trust, &frame);

	/* Whatever is wrong with it: no source of ours has signed these bytes. */
	if (err != KS_EOK) {
		refuse(relay, unverified(err), len);
		return false;
	}
	err = ks_director_take(relay->director, &frame, hops);
	if (err != KS_EOK)
		refuse(relay, unpublished(err), len);
	wake_director(relay);
	return true;
}

static void send_on(struct ks_relay *relay, const struct ks_frame *frame, uint8_t hops)
{
	int err = ks_node_frame(relay->node, frame, (uint8_t)(hops + 1));

	if (err == KS_ELIMIT && ks_log_gate(&relay->hops_gate, ks_mono_us(relay->clock), NULL))
		ks_warn("relay", "frames have passed %d relays when they come here, and are not sent on; let the relays behind "
			"this one have a parent that is nearer to the source", KS_HOPS_MAX);
}

static int publish(void *ctx, const struct ks_frame *frame, uint8_t hops)
{
	struct ks_relay *relay = ctx;
	int err = ks_stores_publish(relay->stores, frame);

	if (err == KS_EOK && relay->is_parent)
		send_on(relay, frame, hops);
	return err;
}

/* --- what is published elsewhere ------------------------------------------------------------------ */

static void tell_parents(void *ctx, const uint8_t manifest[KS_MANIFEST_SIZE])
{
	ks_node_head(((struct ks_relay *)ctx)->node, manifest);
}

static enum heard hear(struct ks_relay *relay, const uint8_t manifest[KS_MANIFEST_SIZE])
{
	int64_t now_us = ks_mono_us(relay->clock);
	struct ks_manifest m;
	int err;

	if (now_us - relay->heard_second_us >= KS_US_PER_S) {
		relay->heard_second_us = now_us;
		relay->heard_checks = 0;
	}
	if (relay->heard_checks++ >= HEAD_CHECKS_MAX)
		return HEARD_BUSY;
	err = ks_manifest_verify(manifest, &relay->trust, &m);
	if (err != KS_EOK)
		return err == KS_EAUTH ? HEARD_SIGNATURE : HEARD_MALFORMED;
	ks_director_heard(relay->director, &m, manifest);
	wake_director(relay);
	return HEARD_GOOD;
}

void ks_relay_hear(void *ctx, const uint8_t manifest[KS_MANIFEST_SIZE])
{
	struct ks_relay *relay = ctx;

	ks_count(&relay->heard[hear(relay, manifest)]);
}

/* --- the clock ---------------------------------------------------------------------------------- */

static void say_status(const struct ks_relay *relay)
{
	struct ks_stores_summary sum;
	char text[128];

	ks_stores_summarize(relay->stores, &sum);
	snprintf(text, sizeof(text), "STATUS=%zu live, %zu silent, %" PRIu64 " frames; %zu parents, %zu relays", sum.channels,
		 sum.silent, sum.frames, ks_node_parents(relay->node), ks_node_relays(relay->node));
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

static void on_due(evutil_socket_t fd, short what, void *ctx)
{
	struct ks_relay *relay = ctx;
	int64_t due_us = ks_director_tick(relay->director), in_us;
	struct timeval wait;

	(void)fd;
	(void)what;
	if (due_us == INT64_MAX)
		return;
	in_us = due_us - ks_mono_us(relay->clock);
	if (in_us < 0)
		in_us = 0;
	wait = (struct timeval){ in_us / KS_US_PER_S, in_us % KS_US_PER_S };
	event_add(relay->due, &wait);
}

/* --- life --------------------------------------------------------------------------------------- */

static void recall(void *ctx, const struct ks_manifest *newest)
{
	ks_director_recall(((struct ks_relay *)ctx)->director, newest);
}

static int start_director(struct ks_relay *relay, const struct ks_relay_settings *settings)
{
	const struct ks_director_ops ops = { relay->clock, publish, tell_parents, relay };
	int err = ks_director_new(&relay->director, (size_t)settings->channels_max, &ops);

	if (err == KS_EOK)
		ks_stores_each(relay->stores, recall, relay);
	return err;
}

static int start_timers(struct ks_relay *relay, struct event_base *base)
{
	static const struct timeval every = { KS_STORE_BEAT_US / KS_US_PER_S, KS_STORE_BEAT_US % KS_US_PER_S };

	relay->due = evtimer_new(base, on_due, relay);
	relay->timer = event_new(base, -1, EV_PERSIST, on_beat, relay);
	if (relay->due == NULL || relay->timer == NULL || event_add(relay->timer, &every) != 0)
		return -ENOMEM;
	wake_director(relay);
	return KS_EOK;
}

static int start_node(struct ks_relay *relay, struct event_base *base, const struct ks_relay_settings *settings,
		      const struct ks_relay_keys *keys)
{
	const struct ks_node_ops ops = { ks_relay_deliver, ks_relay_hear, relay };
	struct ks_node_settings set;
	int err;

	ks_relay_node_settings(settings, &set);
	relay->is_parent = ks_relay_is_parent(keys);
	err = ks_node_new(&relay->node, base, &set, &ops);
	if (err == KS_EOK)
		err = ks_relay_node_listen(relay->node, settings);
	if (err == KS_EOK)
		err = ks_relay_node_apply(relay->node, settings, keys);
	return err;
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
		err = start_director(relay, settings);
	if (err == KS_EOK)
		err = start_timers(relay, base);
	if (err == KS_EOK)
		err = start_node(relay, base, settings, &keys);
	ks_relay_keys_free(&keys);
	if (err == KS_EOK && settings->metrics != NULL)
		err = ks_exporter_new(&relay->exporter, base, settings->metrics, ks_relay_metrics, relay);
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
	relay->settings = settings;
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
	ks_exporter_free(relay->exporter);
	/* First, as it may still have something to deliver. */
	if (relay->node != NULL)
		ks_node_free(relay->node);
	if (relay->timer != NULL)
		event_free(relay->timer);
	if (relay->due != NULL)
		event_free(relay->due);
	ks_director_free(relay->director);
	ks_stores_free(relay->stores);
	free(relay);
}

int ks_relay_reload(struct ks_relay *relay, const struct ks_relay_settings *settings)
{
	struct ks_relay_keys keys;
	int err = ks_relay_keys_read(&keys, settings);

	ks_settings_warn_kept(ks_relay_program.settings, relay->settings, settings);
	ks_relay_node_warn(relay->settings, settings);
	if (err == KS_EOK)
		err = ks_relay_node_apply(relay->node, settings, &keys);
	if (err == KS_EOK) {
		relay->trust = keys.trust;
		ks_node_pardon(relay->node);
		relay->is_parent = ks_relay_is_parent(&keys);
		ks_info("relay", "reloaded: %zu parents, %zu keys of parents that send unasked, %zu trusted sources, %s",
			keys.n_parents, keys.n_psk, keys.trust.n, relay->is_parent ? "a parent itself" : "no parent itself");
	} else {
		ks_error("relay", "reload failed: %s; the keys from before stay in use", ks_strerror(err));
	}
	ks_relay_keys_free(&keys);
	return err;
}

void ks_relay_metrics(FILE *out, void *ctx)
{
	const struct ks_relay *relay = ctx;

	ks_prom_build_info(out, "sentryc");
	ks_stores_metrics(relay->stores, out);
	ks_prom_reasons(out, "koshien_relay_refused_total", "Whole objects from the wire that were not published.",
			relay->refused, refusal_names, KS_REFUSALS);
	ks_director_metrics(relay->director, out);
	ks_prom_reasons(out, "koshien_relay_heads_heard_total", "What relays behind this one told of their newest frames.",
			relay->heard, heard_names, HEARD_KINDS);
	ks_node_metrics(relay->node, out);
}
