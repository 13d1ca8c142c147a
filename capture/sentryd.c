/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/sentryd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <sodium.h>

#include "capture/epoch.h"
#include "capture/keys.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/metrics.h"

#define CONNECT_WAIT_US (5 * KS_US_PER_S)	/* that a --dir-once replay waits for its relays */
#define STATUS_EVERY_S 5

/* --- the feed --------------------------------------------------------------------------------- */

static void deliver(void *ctx, const struct ks_frame *frame)
{
	struct ks_sentryd *self = ctx;

	ks_uplink_frame(&self->uplink, frame);
}

static bool hold(void *ctx)
{
	struct ks_sentryd *self = ctx;
	bool waiting = self->set.dir_once && !ks_uplink_complete(&self->uplink) &&
		       ks_mono_us(&ks_clock_system) - self->started_mono_us < CONNECT_WAIT_US;

	if (!waiting)
		self->feed.hold = NULL;
	return waiting;
}

static void ended(void *ctx, int exit_code)
{
	struct ks_sentryd *self = ctx;

	self->exit_code = exit_code;
	ks_daemon_stop(&self->daemon);
}

static bool alive(void *ctx)
{
	return ks_feed_alive(&((struct ks_sentryd *)ctx)->feed);
}

static struct ks_feed_settings feed_settings(const struct ks_capture_settings *set)
{
	struct ks_feed_settings feed = {
		.period_ms = set->period_ms,
		.device_timeout_ms = set->device_timeout_ms,
		.device_error_delay_ms = set->device_error_delay_ms,
		.exit_on_device_error = set->exit_on_device_error,
	};

	ks_capture_renditions(set, &feed.renditions);
	ks_resolution_parse(set->resolution, &feed.width, &feed.height);
	return feed;
}

static struct ks_source *make_source(struct ks_sentryd *self, const struct ks_capture_settings *set)
{
	struct ks_source_settings source_set = {
		.spec = set->source, .channel = set->channel,
		.formats = &self->set.formats,	/* where the settings will be when it is opened */
		.device_timeout_ms = set->device_timeout_ms,
		.period_ms = set->period_ms,
		.dir_once = set->dir_once,
		.pipe_live = set->pipe_live,
	};
	struct ks_source *source = NULL;

	ks_resolution_parse(set->resolution, &source_set.width, &source_set.height);
	if (ks_source_new(&source, &source_set, self->daemon.base, &ks_clock_system, &self->counts) != KS_EOK)
		ks_error("source", "out of memory");
	return source;
}

static bool same_list(const struct ks_list *a, const struct ks_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(ks_list_text(a, i), ks_list_text(b, i)) != 0)
			return false;
	return true;
}

static bool same_source(const struct ks_capture_settings *a, const struct ks_capture_settings *b)
{
	return strcmp(a->source, b->source) == 0 && strcmp(a->resolution, b->resolution) == 0 &&
	       same_list(&a->formats, &b->formats) && a->device_timeout_ms == b->device_timeout_ms &&
	       a->period_ms == b->period_ms && a->dir_once == b->dir_once &&
	       a->pipe_live == b->pipe_live;
}

/* --- start ------------------------------------------------------------------------------------ */

static void fill_metrics(FILE *out, void *ctx)
{
	struct ks_sentryd *self = ctx;

	ks_prom_build_info(out, ks_capture_program.name);
	ks_feed_metrics(&self->feed, out);
	ks_uplink_metrics(&self->uplink, out);
}

static void tell_status(evutil_socket_t fd, short what, void *ctx)
{
	struct ks_sentryd *self = ctx;
	const struct ks_outage *outage = &self->feed.outage;
	size_t renditions = self->feed.settings.renditions.n;
	char text[KS_WHY_MAX + 192], relays[64];

	(void)fd;
	(void)what;
	ks_uplink_status(&self->uplink, relays, sizeof(relays));
	snprintf(text, sizeof(text), "STATUS=%s: %llu frames in %zu %s; %s; %s", self->set.channel,
		 (unsigned long long)ks_counted(&self->counts.frames), renditions, renditions == 1 ? "rendition" : "renditions",
		 relays, outage->fault == KS_FAULT_NONE ? "source is up" : outage->why);
	ks_notify(text);
}

static int start_publisher(struct ks_sentryd *self)
{
	const struct ks_capture_settings *set = &self->set;
	int err = ks_publisher_init(&self->publisher);

	if (err == KS_EOK)
		err = ks_epoch_next(set->state_dir, set->channel, (unsigned)set->source_id,
				    ks_wall_us(&ks_clock_system), &self->publisher.next.epoch);
	self->publisher.channel = set->channel;
	self->publisher.source = (uint8_t)set->source_id;
	self->publisher.priority = (uint8_t)set->priority;
	self->publisher.period_ms = (uint32_t)set->period_ms;
	self->publisher.deliver = deliver;
	self->publisher.ctx = self;
	return err;
}

/* The publisher is there already, as what relays say is for it. */
static int start_wire(struct ks_sentryd *self)
{
	struct ks_capture_keys keys;
	int err = ks_capture_keys_read(&keys, &self->set);

	memcpy(self->publisher.secret_key, keys.secret, KS_SECRET_KEY_SIZE);
	if (err == KS_EOK)
		err = ks_uplink_start(&self->uplink, self->daemon.base, &self->set, &keys, &self->publisher);
	ks_capture_keys_free(&keys);
	return err;
}

static int start_feed(struct ks_sentryd *self)
{
	struct ks_source *source = make_source(self, &self->set);
	int err;

	if (source == NULL)
		return -ENOMEM;
	self->feed.settings = feed_settings(&self->set);
	self->feed.base = self->daemon.base;
	self->feed.clock = &ks_clock_system;
	self->feed.counts = &self->counts;
	self->feed.publisher = &self->publisher;
	self->feed.hold = hold;
	self->feed.ended = ended;
	self->feed.ctx = self;
	err = ks_feed_start(&self->feed, source);
	if (err != KS_EOK)
		ks_source_free(source);
	return err;
}

static int start(struct ks_sentryd *self)
{
	const struct timeval every = { STATUS_EVERY_S, 0 };
	int err = ks_daemon_init(&self->daemon);

	if (err == KS_EOK)
		err = start_publisher(self);
	if (err == KS_EOK)
		err = start_wire(self);
	if (err == KS_EOK && self->set.metrics != NULL)
		err = ks_exporter_new(&self->exporter, self->daemon.base, self->set.metrics, fill_metrics, self);
	if (err == KS_EOK)
		err = start_feed(self);
	if (err != KS_EOK)
		return err;
	self->status = event_new(self->daemon.base, -1, EV_PERSIST, tell_status, self);
	if (self->status == NULL || event_add(self->status, &every) != 0)
		return -ENOMEM;
	ks_info("sentryd", "%s from %s in %zu %s to %zu %s%s, epoch %u", self->set.channel, self->set.source,
		self->feed.settings.renditions.n, self->feed.settings.renditions.n == 1 ? "rendition" : "renditions",
		self->set.relays.n, self->set.relays.n == 1 ? "relay" : "relays",
		self->set.master != NULL ? " and to those that come by themselves" : "", self->publisher.next.epoch);
	return KS_EOK;
}

static void stop(struct ks_sentryd *self)
{
	if (self->status != NULL)
		event_free(self->status);
	ks_feed_free(&self->feed);
	ks_exporter_free(self->exporter);
	ks_uplink_free(&self->uplink);
	ks_publisher_free(&self->publisher);
	ks_daemon_free(&self->daemon);
}

/* --- reload ----------------------------------------------------------------------------------- */

static void swap_text(char **a, char **b)
{
	char *c = *a;

	*a = *b;
	*b = c;
}

/* What a running daemon cannot change stays; and its texts are borrowed by what runs, so that they move over
 * as they are. */
static void keep_identity(struct ks_capture_settings *set, struct ks_capture_settings *old)
{
	swap_text(&set->channel, &old->channel);
	swap_text(&set->state_dir, &old->state_dir);
	swap_text(&set->metrics, &old->metrics);
	set->source_id = old->source_id;
	ks_uplink_keep(set, old);
}

struct change {
	struct ks_capture_settings set;
	struct ks_capture_keys keys;
	struct ks_source *source;	/* NULL: the source is the same */
};

/* Everything that can fail for a reason of the settings is made before anything is changed. */
static bool prepare(struct ks_sentryd *self, struct change *change)
{
	if (ks_capture_keys_read(&change->keys, &change->set) != KS_EOK)
		return false;
	if (same_source(&change->set, &self->set))
		return true;
	change->source = make_source(self, &change->set);
	return change->source != NULL;
}

static void commit(struct ks_sentryd *self, struct change *change)
{
	struct ks_capture_settings old = self->set;
	struct ks_feed_settings feed = feed_settings(&change->set);

	if (change->source == NULL)
		swap_text(&change->set.source, &old.source);
	if (ks_uplink_apply(&self->uplink, &change->set, &change->keys) != KS_EOK)
		ks_error("sentryd", "not all settings of the wire and relays could be taken over; correct them and reload again");
	memcpy(self->publisher.secret_key, change->keys.secret, KS_SECRET_KEY_SIZE);
	self->publisher.priority = (uint8_t)change->set.priority;
	self->set = change->set;
	ks_feed_set(&self->feed, &feed);
	/* The old source goes before the texts that it borrowed. */
	if (change->source != NULL)
		ks_feed_set_source(&self->feed, change->source);
	ks_settings_free(&ks_capture_program, &old);
}

static void reload(void *ctx)
{
	struct ks_sentryd *self = ctx;
	struct change change;

	memset(&change, 0, sizeof(change));
	if (ks_settings_load(&ks_capture_program, self->argc, self->argv, &change.set) != KS_SETTINGS_RUN) {
		ks_error("sentryd", "the configuration was not reloaded; the one before stays in force");
		return;
	}
	ks_settings_warn_kept(ks_capture_program.settings, &self->set, &change.set);
	ks_uplink_warn(&self->uplink, &self->set, &change.set);
	keep_identity(&change.set, &self->set);
	if (prepare(self, &change)) {
		commit(self, &change);
		ks_info("sentryd", "the configuration was reloaded");
	} else {
		ks_error("sentryd", "the configuration was not reloaded; the one before stays in force");
		keep_identity(&change.set, &self->set);
		ks_settings_free(&ks_capture_program, &change.set);
	}
	ks_capture_keys_free(&change.keys);
}

int ks_sentryd_main(int argc, char **argv)
{
	struct ks_sentryd self = { .argc = argc, .argv = argv };
	enum ks_settings_outcome outcome;
	int err;

	if (sodium_init() < 0)
		return 1;
	outcome = ks_settings_load(&ks_capture_program, argc, argv, &self.set);
	if (outcome != KS_SETTINGS_RUN)
		return (int)outcome;
	self.started_mono_us = ks_mono_us(&ks_clock_system);
	err = start(&self);
	self.exit_code = err == KS_EOK ? 0 : err == KS_ECONFIG || err == KS_EKEY ? 2 : 1;
	if (err == KS_EOK) {
		self.daemon.reload = reload;
		self.daemon.alive = alive;
		self.daemon.ctx = &self;
		if (ks_daemon_run(&self.daemon) != KS_EOK)
			self.exit_code = 1;
	}
	stop(&self);
	ks_settings_free(&ks_capture_program, &self.set);
	return self.exit_code;
}
