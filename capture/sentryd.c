/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/sentryd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <sodium.h>

#include "capture/epoch.h"
#include "lib/base/error.h"
#include "lib/base/keyfile.h"
#include "lib/base/log.h"
#include "lib/base/metrics.h"

#define CONNECT_WAIT_US (5 * KS_US_PER_S)	/* that a --dir-once replay waits for its relays */
#define STATUS_EVERY_S 5

/* --- relays ----------------------------------------------------------------------------------- */

static const struct ks_capture_relay *relay(const struct ks_capture_settings *set, size_t i)
{
	return (const struct ks_capture_relay *)set->relays.items + i;
}

/* One key per relay; NULL when one cannot be read, which is then logged. */
static struct ks_psk *read_keys(const struct ks_capture_settings *set)
{
	struct ks_psk *keys = calloc(set->relays.n, sizeof(*keys));

	for (size_t i = 0; keys != NULL && i < set->relays.n; i++)
		if (ks_psk_read(relay(set, i)->key, &keys[i]) != KS_EOK) {
			free(keys);
			return NULL;
		}
	return keys;
}

static void free_keys(struct ks_psk *keys, size_t n)
{
	if (keys != NULL)
		sodium_memzero(keys, n * sizeof(*keys));
	free(keys);
}

static bool same_relays(const struct ks_sentryd *self, const struct ks_capture_settings *set, const struct ks_psk *keys)
{
	if (self->push == NULL || set->relays.n != self->set.relays.n || set->datagram != self->set.datagram ||
	    set->loss_percent != self->set.loss_percent)
		return false;
	for (size_t i = 0; i < set->relays.n; i++)
		if (strcmp(relay(set, i)->name, relay(&self->set, i)->name) != 0 ||
		    strcmp(relay(set, i)->address, relay(&self->set, i)->address) != 0 ||
		    sodium_memcmp(keys[i].key, self->keys[i].key, KS_PSK_SIZE) != 0)
			return false;
	return true;
}

static struct ks_push *make_push(struct ks_sentryd *self, const struct ks_capture_settings *set,
				 const struct ks_psk *keys)
{
	const struct ks_push_settings push_set = { (size_t)set->datagram, (unsigned)set->loss_percent };
	struct ks_push *push = NULL;

	if (ks_push_new(&push, self->daemon.base, &push_set) != KS_EOK)
		return NULL;
	for (size_t i = 0; i < set->relays.n; i++)
		if (ks_push_add(push, relay(set, i)->name, relay(set, i)->address, &keys[i]) != KS_EOK) {
			ks_push_free(push);
			return NULL;
		}
	return push;
}

static void deliver(void *ctx, const struct ks_frame *frame)
{
	struct ks_sentryd *self = ctx;
	int err = ks_push_frame(self->push, frame);

	if (err != KS_EOK)
		ks_warn("wire", "frame %u-%u was not sent: %s", frame->m.id.epoch, frame->m.id.seq, ks_strerror(err));
}

/* --- the feed --------------------------------------------------------------------------------- */

static bool hold(void *ctx)
{
	struct ks_sentryd *self = ctx;
	bool waiting = self->set.dir_once && ks_push_connected(self->push) < self->set.relays.n &&
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
	ks_push_metrics(self->push, out);
}

static void tell_status(evutil_socket_t fd, short what, void *ctx)
{
	struct ks_sentryd *self = ctx;
	const struct ks_outage *outage = &self->feed.outage;
	size_t renditions = self->feed.settings.renditions.n;
	char text[KS_WHY_MAX + 128];

	(void)fd;
	(void)what;
	snprintf(text, sizeof(text), "STATUS=%s: %llu frames in %zu %s; %zu of %zu relays; %s", self->set.channel,
		 (unsigned long long)ks_counted(&self->counts.frames), renditions, renditions == 1 ? "rendition" : "renditions",
		 ks_push_connected(self->push), self->set.relays.n,
		 outage->fault == KS_FAULT_NONE ? "source is up" : outage->why);
	ks_notify(text);
}

static int start_publisher(struct ks_sentryd *self)
{
	const struct ks_capture_settings *set = &self->set;
	int err = ks_publisher_init(&self->publisher);

	if (err == KS_EOK)
		err = ks_keyfile_read(set->signing_key, KS_KEY_SOURCE_SECRET, self->publisher.secret_key,
				      KS_SECRET_KEY_SIZE);
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

static int start_wire(struct ks_sentryd *self)
{
	self->keys = read_keys(&self->set);
	if (self->keys == NULL)
		return KS_EKEY;
	self->push = make_push(self, &self->set, self->keys);
	return self->push != NULL ? KS_EOK : KS_ECONFIG;
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
	ks_info("sentryd", "%s from %s in %zu %s to %zu %s, epoch %u", self->set.channel, self->set.source,
		self->feed.settings.renditions.n, self->feed.settings.renditions.n == 1 ? "rendition" : "renditions",
	 self->set.relays.n, self->set.relays.n == 1 ? "relay" : "relays",
		self->publisher.next.epoch);
	return KS_EOK;
}

static void stop(struct ks_sentryd *self)
{
	if (self->status != NULL)
		event_free(self->status);
	ks_feed_free(&self->feed);
	ks_exporter_free(self->exporter);
	if (self->push != NULL)
		ks_push_free(self->push);
	free_keys(self->keys, self->set.relays.n);
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

static bool differs(const char *name, const char *a, const char *b)
{
	bool same = (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);

	if (!same)
		ks_warn("config", "%s is taken over only by a restart; it stays as it was", name);
	return !same;
}

/* What a running daemon cannot change stays; and its texts are borrowed by what runs, so that they move over
 * as they are. */
static void keep_identity(struct ks_capture_settings *set, struct ks_capture_settings *old)
{
	differs("channel", set->channel, old->channel);
	differs("state-dir", set->state_dir, old->state_dir);
	differs("metrics", set->metrics, old->metrics);
	if (set->source_id != old->source_id)
		ks_warn("config", "source-id is taken over only by a restart; it stays as it was");
	swap_text(&set->channel, &old->channel);
	swap_text(&set->state_dir, &old->state_dir);
	swap_text(&set->metrics, &old->metrics);
	set->source_id = old->source_id;
}

struct change {
	struct ks_capture_settings set;
	uint8_t secret_key[KS_SECRET_KEY_SIZE];
	struct ks_psk *keys;
	struct ks_push *push;		/* NULL: the relays are the same */
	struct ks_source *source;	/* NULL: the source is the same */
};

/* Everything that can fail is made before anything is changed. */
static bool prepare(struct ks_sentryd *self, struct change *change)
{
	if (ks_keyfile_read(change->set.signing_key, KS_KEY_SOURCE_SECRET, change->secret_key,
			    KS_SECRET_KEY_SIZE) != KS_EOK)
		return false;
	change->keys = read_keys(&change->set);
	if (change->keys == NULL)
		return false;
	if (!same_relays(self, &change->set, change->keys)) {
		change->push = make_push(self, &change->set, change->keys);
		if (change->push == NULL)
			return false;
	}
	if (!same_source(&change->set, &self->set)) {
		change->source = make_source(self, &change->set);
		return change->source != NULL;
	}
	return true;
}

static void commit(struct ks_sentryd *self, struct change *change)
{
	struct ks_capture_settings old = self->set;
	struct ks_feed_settings feed = feed_settings(&change->set);

	if (change->source == NULL)
		swap_text(&change->set.source, &old.source);
	free_keys(self->keys, old.relays.n);
	self->keys = change->keys;
	if (change->push != NULL) {
		ks_push_free(self->push);
		self->push = change->push;
	}
	memcpy(self->publisher.secret_key, change->secret_key, KS_SECRET_KEY_SIZE);
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
	keep_identity(&change.set, &self->set);
	if (prepare(self, &change)) {
		commit(self, &change);
		ks_info("sentryd", "the configuration was reloaded");
	} else {
		ks_error("sentryd", "the configuration was not reloaded; the one before stays in force");
		keep_identity(&change.set, &self->set);
		free_keys(change.keys, change.set.relays.n);
		if (change.push != NULL)
			ks_push_free(change.push);
		ks_settings_free(&ks_capture_program, &change.set);
	}
	sodium_memzero(change.secret_key, sizeof(change.secret_key));
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
