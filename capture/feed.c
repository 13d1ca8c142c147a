/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/feed.h"

#include <errno.h>
#include <string.h>

#include <event2/event.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

#define REFUSED_MAX 64		/* pictures of one tick that may turn out to be broken */
#define LINGER_MS 500		/* after the last frame: relays still ask for what was lost */

static void arm(struct event *timer, int64_t us)
{
	struct timeval tv = { us / KS_US_PER_S, us % KS_US_PER_S };

	event_add(timer, &tv);
}

static uint64_t dropped(const struct ks_feed *feed)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < KS_REFUSALS; i++)
		sum += ks_counted(&feed->counts->dropped[i]);
	return sum;
}

static void mark_good(struct ks_feed *feed)
{
	feed->good_mono_us = ks_mono_us(feed->clock);
	feed->dropped_before = dropped(feed);
}

static void end(struct ks_feed *feed, int exit_code)
{
	event_del(feed->tick);
	event_del(feed->retry);
	feed->over = true;
	feed->ended(feed->ctx, exit_code);
}

/* --- the source's faults ---------------------------------------------------------------------- */

static void on_fault(struct ks_feed *feed)
{
	enum ks_fault fault = feed->source->fault;
	bool leave = feed->settings.exit_on_device_error && fault != KS_FAULT_CHANGED;

	ks_outage_note(&feed->outage, feed->source, leave ? "exiting, as exit-on-device-error asks for" :
		       "placeholder pictures are sent until it is back");
	if (leave) {
		end(feed, 1);
		return;
	}
	if (feed->source->ops->patient && (fault == KS_FAULT_TIMEOUT || fault == KS_FAULT_BROKEN))
		return;
	ks_source_close(feed->source);
	feed->open = false;
	arm(feed->retry, ks_outage_delay_ms(&feed->outage, feed->settings.device_error_delay_ms) * KS_US_PER_MS);
}

static void on_failed(void *ctx)
{
	on_fault(ctx);
}

static void open_source(struct ks_feed *feed)
{
	if (ks_source_open(feed->source) != KS_EOK) {
		on_fault(feed);
		return;
	}
	feed->open = true;
	mark_good(feed);
}

static void on_retry(evutil_socket_t fd, short what, void *ctx)
{
	struct ks_feed *feed = ctx;

	(void)fd;
	(void)what;
	open_source(feed);
	/* The first picture is taken at once, if the source has it at once. */
	if (feed->tick_mono_us == 0 && !feed->over) {
		feed->tick_mono_us = ks_mono_us(feed->clock);
		arm(feed->tick, 0);
	}
}

/* Open, and yet nothing that could be sent comes out of it. */
static void check_silence(struct ks_feed *feed)
{
	int64_t silent_ms = (ks_mono_us(feed->clock) - feed->good_mono_us) / KS_US_PER_MS;
	int64_t patience_ms = 3 * feed->settings.period_ms;
	uint64_t broken = dropped(feed) - feed->dropped_before;

	if (patience_ms < feed->settings.device_timeout_ms)
		patience_ms = feed->settings.device_timeout_ms;
	if (silent_ms <= patience_ms)
		return;
	if (broken > 0)
		ks_source_fault(feed->source, KS_FAULT_BROKEN,
				"%s: none of the last %llu pictures could be used; the metrics say why",
				feed->source->settings.spec, (unsigned long long)broken);
	else
		ks_source_fault(feed->source, KS_FAULT_TIMEOUT, "%s: no picture for %lld ms",
				feed->source->settings.spec, (long long)silent_ms);
	on_fault(feed);
}

/* --- one picture ------------------------------------------------------------------------------ */

static bool drop(struct ks_feed *feed, enum ks_refusal reason)
{
	ks_count(&feed->counts->dropped[reason]);
	ks_debug("source", "a picture was dropped: %s", ks_refusal_name(reason));
	return false;
}

static bool publish(struct ks_feed *feed, const struct ks_picture *picture, uint8_t flags)
{
	enum ks_refusal refusal;
	int err = ks_renditions_publish(&feed->renditions, picture, flags, &refusal);

	if (err == KS_EOK) {
		feed->sent_mono_us = ks_mono_us(feed->clock);
		return true;
	}
	if (err == KS_EMALFORMED)
		return drop(feed, refusal);
	ks_error("source", "cannot sign a frame: %s", ks_strerror(err));
	end(feed, 1);
	return false;
}

/* True when a good picture of the source was published. */
static bool take(struct ks_feed *feed, const struct ks_tick *tick)
{
	int64_t until_us = tick->mono_us + feed->settings.period_ms * KS_US_PER_MS / 2;
	int err = KS_EOK;

	for (int i = 0; i < REFUSED_MAX && !feed->ending && ks_mono_us(feed->clock) <= until_us; i++) {
		struct ks_picture picture;

		err = ks_source_next(feed->source, tick, &picture);
		if (err != KS_EOK)
			break;
		if (!publish(feed, &picture, 0))
			continue;
		ks_count(&feed->counts->frames);
		feed->captured_us = picture.captured_us;
		mark_good(feed);
		if (ks_outage_end(&feed->outage, feed->clock))
			event_del(feed->retry);
		return true;
	}
	if (err == KS_EEND)
		feed->ending = true;
	else if (err != KS_EOK && err != KS_ENODATA)
		on_fault(feed);
	else if (feed->outage.fault == KS_FAULT_NONE || !feed->source->ops->patient)
		check_silence(feed);
	return false;
}

static void send_placeholder(struct ks_feed *feed, const struct ks_tick *tick)
{
	const struct ks_card_notice notice = {
		.title = ks_fault_titles[feed->outage.fault], .why = feed->outage.why,
		.since_us = feed->outage.since_us,
		.retrying = feed->outage.fault != KS_FAULT_LEFT_OUT,
	};
	struct ks_picture picture;

	if (feed->notice.now.plane[0] == NULL &&
	    ks_card_init(&feed->notice, feed->settings.width, feed->settings.height,
			 feed->publisher->channel) != KS_EOK)
		return;
	ks_card_draw_notice(&feed->notice, tick->wall_us, &notice);
	picture = ks_card_picture(&feed->notice);
	picture.captured_us = tick->wall_us;
	picture.captured_mono_us = tick->mono_us;
	if (publish(feed, &picture, KS_FRAME_PLACEHOLDER))
		ks_count(&feed->counts->placeholders);
}

/* The last frame is on its way; a replay of which nothing could be used has failed. */
static void finish(struct ks_feed *feed)
{
	bool any = ks_counted(&feed->counts->frames) > 0;

	if (!any)
		ks_error("source", "%s: held no picture that could be used", feed->source->settings.spec);
	end(feed, any ? 0 : 1);
}

void ks_feed_tick(struct ks_feed *feed)
{
	struct ks_tick tick = { ks_wall_us(feed->clock), ks_mono_us(feed->clock), feed->publisher->next };

	if (feed->hold != NULL && feed->hold(feed->ctx))
		return;
	if (feed->open && take(feed, &tick))
		return;
	if (feed->over)
		return;
	/* A signal that changed is open again in a moment. */
	if (feed->outage.fault != KS_FAULT_NONE && feed->outage.fault != KS_FAULT_CHANGED)
		send_placeholder(feed, &tick);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct ks_feed *feed = ctx;
	int64_t period_us = feed->settings.period_ms * KS_US_PER_MS, late_us;

	(void)fd;
	(void)what;
	if (feed->ending) {
		finish(feed);
		return;
	}
	/* Armed first, because the tick may end the feed. */
	feed->tick_mono_us += period_us;
	late_us = ks_mono_us(feed->clock) - feed->tick_mono_us;
	if (late_us > 0) {
		ks_count_add(&feed->counts->late, (uint64_t)(late_us / period_us + 1));
		feed->tick_mono_us += (late_us / period_us + 1) * period_us;
	}
	arm(feed->tick, feed->tick_mono_us - ks_mono_us(feed->clock));
	ks_feed_tick(feed);
	if (feed->ending && !feed->over)
		arm(feed->tick, LINGER_MS * KS_US_PER_MS);
}

/* --- life ------------------------------------------------------------------------------------- */

static void adopt(struct ks_feed *feed, struct ks_source *source)
{
	feed->source = source;
	source->failed = on_failed;
	source->failed_ctx = feed;
	feed->open = false;
	/* From the loop, not from here: what fails may end the loop, which must run by then. */
	arm(feed->retry, 0);
}

int ks_feed_start(struct ks_feed *feed, struct ks_source *source)
{
	int err = ks_renditions_init(&feed->renditions, &feed->settings.renditions, feed->publisher, feed->clock,
				     &feed->counts->encode_us);

	feed->tick = evtimer_new(feed->base, on_tick, feed);
	feed->retry = evtimer_new(feed->base, on_retry, feed);
	if (err != KS_EOK || feed->tick == NULL || feed->retry == NULL) {
		ks_feed_free(feed);
		return -ENOMEM;
	}
	feed->tick_mono_us = 0;
	feed->sent_mono_us = ks_mono_us(feed->clock);
	adopt(feed, source);
	return KS_EOK;
}

void ks_feed_free(struct ks_feed *feed)
{
	ks_source_free(feed->source);
	ks_renditions_free(&feed->renditions);
	ks_card_free(&feed->notice);
	if (feed->tick != NULL)
		event_free(feed->tick);
	if (feed->retry != NULL)
		event_free(feed->retry);
	feed->source = NULL;
	feed->tick = feed->retry = NULL;
}

void ks_feed_set_source(struct ks_feed *feed, struct ks_source *source)
{
	ks_source_free(feed->source);
	event_del(feed->retry);
	feed->outage.fault = KS_FAULT_NONE;
	adopt(feed, source);
}

void ks_feed_set(struct ks_feed *feed, const struct ks_feed_settings *settings)
{
	bool sooner = settings->period_ms != feed->settings.period_ms;

	if (settings->width != feed->settings.width || settings->height != feed->settings.height)
		ks_card_free(&feed->notice);
	feed->settings = *settings;
	ks_renditions_set(&feed->renditions, &settings->renditions);
	feed->publisher->period_ms = (uint32_t)settings->period_ms;
	if (sooner && !feed->ending && feed->tick_mono_us != 0) {
		feed->tick_mono_us = ks_mono_us(feed->clock);
		arm(feed->tick, 0);
	}
}

bool ks_feed_alive(const struct ks_feed *feed)
{
	int64_t quiet_ms = (ks_mono_us(feed->clock) - feed->sent_mono_us) / KS_US_PER_MS;
	int64_t least_ms = 3 * feed->settings.period_ms;

	/* A source may be silent for its time-out before the first placeholder comes. */
	return feed->ending || quiet_ms <= least_ms + feed->settings.device_timeout_ms;
}

void ks_feed_metrics(const struct ks_feed *feed, FILE *out)
{
	ks_capture_counts_metrics(feed->counts, out);
	ks_renditions_metrics(&feed->renditions, out);
	ks_prom_gauge(out, "koshien_capture_source_up", "1 while the source gives pictures, 0 in an outage.",
		      feed->open && feed->outage.fault == KS_FAULT_NONE);
	ks_prom_gauge(out, "koshien_capture_newest_timestamp_seconds",
		      "When the newest picture of the source was captured, since 1970; 0: none yet.",
		      (double)feed->captured_us / (double)KS_US_PER_S);
	ks_prom_gauge(out, "koshien_capture_period_seconds", "The intended time between pictures.",
		      (double)feed->settings.period_ms / 1000);
}
