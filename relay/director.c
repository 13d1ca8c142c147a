/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/director.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "relay/held.h"

#define OVERTAKEN_MAX UINT64_C(8)	/* frames of one source may be overtaken by so many on the way */
#define LINES_MAX 10		/* of log, about one channel within KS_LOG_GATE_US */

/* A frame as it is told of. */
struct mark {
	bool set;
	struct ks_frame_id id;
	uint8_t manifest[KS_MANIFEST_SIZE];
};

struct source {
	struct mark newest;		/* unset: never heard of */
	uint8_t priority;
	bool ever_good;
	int64_t heard_us;		/* newest arrived, a placeholder too */
	int64_t good_us;		/* the newest that is no placeholder arrived; if ever_good */
	int64_t since_us;		/* from when on these came without a gap */
	int64_t patience_us;		/* 1.5 of its periods */
	struct ks_held *held[KS_RENDITIONS_MAX];
};

struct rendition {
	char name[KS_RENDITION_MAX + 1];
	bool any;
	struct ks_frame_id published;	/* if any */
};

struct channel {
	char name[KS_CHANNEL_MAX + 1];
	int shown;			/* -1: none yet */
	uint16_t known;			/* bit per source */
	struct source sources[KS_SOURCES_MAX];
	struct rendition renditions[KS_RENDITIONS_MAX];
	size_t n_renditions;
	struct mark published;		/* the highest of all renditions */
	struct mark behind;		/* to be told to those who are behind */
	struct mark beacon;		/* to be told to the one that is shown */
	int64_t behind_us, beacon_us;	/* not before */
	struct ks_log_gate gate;
	unsigned lines;
};

struct ks_director {
	struct ks_director_ops ops;
	struct ks_held_pool pool;
	ks_counter changes, heads;
	size_t channels_max, n;
	struct channel *channels[];
};

static bool above(struct ks_frame_id id, const struct mark *mark)
{
	return !mark->set || ks_frame_id_cmp(id, mark->id) > 0;
}

static void set(struct mark *mark, struct ks_frame_id id, const uint8_t manifest[KS_MANIFEST_SIZE])
{
	mark->set = true;
	mark->id = id;
	memcpy(mark->manifest, manifest, KS_MANIFEST_SIZE);
}

static void raise_to(struct mark *mark, struct ks_frame_id id, const uint8_t manifest[KS_MANIFEST_SIZE])
{
	if (above(id, mark))
		set(mark, id, manifest);
}

/* --- channels ----------------------------------------------------------------------------------- */

static struct channel *find(const struct ks_director *d, const char *name)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->channels[i]->name, name) == 0)
			return d->channels[i];
	return NULL;
}

static int channel_of(struct ks_director *d, const char *name, struct channel **out)
{
	struct channel *ch = find(d, name);

	if (ch == NULL) {
		if (d->n == d->channels_max)
			return KS_ELIMIT;
		ch = calloc(1, sizeof(*ch));
		if (ch == NULL)
			return -ENOMEM;
		strcpy(ch->name, name);
		ch->shown = -1;
		d->channels[d->n++] = ch;
	}
	*out = ch;
	return KS_EOK;
}

/* Its index, or KS_ELIMIT. */
static int rendition_of(struct channel *ch, const char *name)
{
	for (size_t i = 0; i < ch->n_renditions; i++)
		if (strcmp(ch->renditions[i].name, name) == 0)
			return (int)i;
	if (ch->n_renditions == KS_RENDITIONS_MAX)
		return KS_ELIMIT;
	strcpy(ch->renditions[ch->n_renditions].name, name);
	return (int)ch->n_renditions++;
}

static bool publishable(const struct channel *ch, size_t r, struct ks_frame_id id)
{
	return !ch->renditions[r].any || ks_frame_id_cmp(id, ch->renditions[r].published) > 0;
}

/* --- sources ------------------------------------------------------------------------------------ */

static bool placeholder(const struct ks_frame *frame)
{
	return (frame->m.flags & KS_FRAME_PLACEHOLDER) != 0;
}

static bool good(const struct source *s, int64_t now_us)
{
	return s->ever_good && now_us - s->good_us < s->patience_us;
}

static void drop_held(struct ks_director *d, struct source *s)
{
	for (size_t r = 0; r < KS_RENDITIONS_MAX; r++)
		ks_held_drop(&d->pool, &s->held[r]);
}

/* Only what is above all before is a sign of life: what is repeated says nothing about now. */
static bool note(struct channel *ch, const struct ks_manifest *m, const uint8_t *manifest, int64_t now_us)
{
	struct source *s = &ch->sources[m->source];

	if (!above(m->id, &s->newest))
		return false;
	if ((m->flags & KS_FRAME_PLACEHOLDER) == 0) {
		if (!good(s, now_us))
			s->since_us = now_us;
		s->good_us = now_us;
		s->ever_good = true;
	}
	set(&s->newest, m->id, manifest);
	s->priority = m->priority;
	s->heard_us = now_us;
	s->patience_us = (int64_t)m->period_ms * KS_US_PER_MS * KS_TAKEOVER_PERIODS_X10 / 10;
	ch->known |= (uint16_t)(1u << m->source);
	return true;
}

static bool ranks_before(const struct channel *ch, int a, int b)
{
	const struct source *x = &ch->sources[a], *y = &ch->sources[b];

	return x->priority != y->priority ? x->priority < y->priority : a < b;
}

static bool has_publishable(const struct channel *ch, const struct source *s)
{
	for (size_t r = 0; r < ch->n_renditions; r++)
		if (s->held[r] != NULL && publishable(ch, r, s->held[r]->frame.m.id))
			return true;
	return false;
}

/* The best of the others that have a good picture which may follow now; -1: none. */
static int successor(const struct channel *ch, int64_t now_us)
{
	int best = -1;

	for (int i = 0; i < KS_SOURCES_MAX; i++) {
		const struct source *s = &ch->sources[i];

		if (i != ch->shown && (ch->known & 1u << i) != 0 && good(s, now_us) && has_publishable(ch, s) &&
		    (best < 0 || ranks_before(ch, i, best)))
			best = i;
	}
	return best;
}

/* --- publishing --------------------------------------------------------------------------------- */

static int publish(struct ks_director *d, struct channel *ch, size_t r, const struct ks_frame *frame, uint8_t hops)
{
	int err;

	if (!publishable(ch, r, frame->m.id))
		return KS_ESTALE;
	err = d->ops.publish(d->ops.ctx, frame, hops);
	if (err != KS_EOK)
		return err;
	ch->renditions[r].any = true;
	ch->renditions[r].published = frame->m.id;
	raise_to(&ch->published, frame->m.id, frame->bytes);
	/* Behind another relay nobody needs to be told: that relay does it. */
	if (hops == 0 && (frame->m.flags & KS_FRAME_SHOWN) == 0)
		set(&ch->beacon, frame->m.id, frame->bytes);
	return KS_EOK;
}

/* A source that comes and goes may do so many times a second. */
static bool may_log(struct ks_director *d, struct channel *ch)
{
	uint64_t held;

	if (ks_log_gate(&ch->gate, ks_mono_us(d->ops.clock), &held))
		ch->lines = 0;
	return ch->lines++ < LINES_MAX;
}

static void show(struct ks_director *d, struct channel *ch, int source, const char *why)
{
	struct source *s = &ch->sources[source];
	int before = ch->shown;

	if (before == source)
		return;
	ch->shown = source;
	if (before >= 0)
		ks_count(&d->changes);
	if (before >= 0 && may_log(d, ch))
		ks_info("relay", "%s: source %d after source %d, %s", ch->name, source, before, why);
	for (size_t r = 0; r < ch->n_renditions; r++)
		if (s->held[r] != NULL)
			publish(d, ch, r, &s->held[r]->frame, 0);
	drop_held(d, s);
}

static void take_over(struct ks_director *d, struct channel *ch, int source, int64_t now_us)
{
	const struct source *old = &ch->sources[ch->shown];
	char why[96];

	if (old->ever_good)
		snprintf(why, sizeof(why), "which has sent no %spicture for %" PRId64 " ms",
			 old->heard_us > old->good_us ? "real " : "", (now_us - old->good_us) / KS_US_PER_MS);
	else
		snprintf(why, sizeof(why), "which has sent no real picture");
	show(d, ch, source, why);
}

/* Whether the shown one still is to be. */
static void review(struct ks_director *d, struct channel *ch, int64_t now_us)
{
	int best;

	if (ch->shown < 0 || good(&ch->sources[ch->shown], now_us))
		return;
	best = successor(ch, now_us);
	if (best >= 0)
		take_over(d, ch, best, now_us);
}

/* --- taking ------------------------------------------------------------------------------------- */

/* Who is behind what is published, or behind what it has sent itself because it lost its state, is told. A few frames
 * behind within an epoch is the network's doing. */
static void tell_behind(struct channel *ch, const struct ks_frame *frame)
{
	const struct mark *own = &ch->sources[frame->m.source].newest;
	const struct mark *top = own->set && above(own->id, &ch->published) ? own : &ch->published;

	if (top->set && (frame->m.id.epoch < top->id.epoch ||
			 (frame->m.id.epoch == top->id.epoch && frame->m.id.seq + OVERTAKEN_MAX < top->id.seq)))
		raise_to(&ch->behind, top->id, top->manifest);
}

static int follow(struct ks_director *d, struct channel *ch, size_t r, const struct ks_frame *frame, uint8_t hops,
		  int64_t now_us)
{
	int err;

	tell_behind(ch, frame);
	err = publish(d, ch, r, frame, hops);
	if (err == KS_EOK) {
		note(ch, &frame->m, frame->bytes, now_us);
		show(d, ch, frame->m.source, "as a relay before this one chose");
	}
	return err;
}

static int take_placeholder(struct ks_director *d, struct channel *ch, size_t r, const struct ks_frame *frame,
			    int64_t now_us)
{
	const struct source *shown = &ch->sources[ch->shown];

	if (!publishable(ch, r, frame->m.id))
		return KS_ESTALE;
	if (successor(ch, now_us) >= 0)
		return KS_EOK;
	if (frame->m.source != ch->shown) {
		if (now_us - shown->heard_us < shown->patience_us)
			return KS_EOK;
		drop_held(d, &ch->sources[frame->m.source]);	/* older than this, and no better any more */
		show(d, ch, frame->m.source, "which is silent altogether");
	}
	return publish(d, ch, r, frame, 0);
}

/* A picture of a source that is not shown. */
static int take_other(struct ks_director *d, struct channel *ch, size_t r, const struct ks_frame *frame, bool news,
		      int64_t now_us)
{
	struct source *s = &ch->sources[frame->m.source];
	int err;

	if (!publishable(ch, r, frame->m.id) ||
	    (s->held[r] != NULL && ks_frame_id_cmp(frame->m.id, s->held[r]->frame.m.id) <= 0))
		return KS_ESTALE;
	if ((frame->m.flags & KS_FRAME_SHOWN) != 0 && above(frame->m.id, &ch->published))
		raise_to(&ch->behind, frame->m.id, frame->bytes);
	err = ks_held_put(&d->pool, &s->held[r], frame);
	if (err != KS_EOK)
		return err;
	if (news && ranks_before(ch, frame->m.source, ch->shown) && now_us - s->since_us >= KS_HANDBACK_US)
		show(d, ch, frame->m.source, "as it ranks before it and has been good for 10 s");
	else
		review(d, ch, now_us);
	return KS_EOK;
}

int ks_director_take(struct ks_director *d, const struct ks_frame *frame, uint8_t hops)
{
	int64_t now_us = ks_mono_us(d->ops.clock);
	struct channel *ch;
	int err = channel_of(d, frame->m.channel, &ch), r;
	bool news;

	if (err != KS_EOK)
		return err;
	r = rendition_of(ch, frame->m.rendition);
	if (r < 0)
		return r;
	review(d, ch, now_us);
	if (hops > 0)
		return follow(d, ch, (size_t)r, frame, hops, now_us);
	tell_behind(ch, frame);
	news = note(ch, &frame->m, frame->bytes, now_us);
	if (ch->shown < 0)
		ch->shown = frame->m.source;
	if (placeholder(frame))
		return take_placeholder(d, ch, (size_t)r, frame, now_us);
	if (frame->m.source != ch->shown)
		return take_other(d, ch, (size_t)r, frame, news, now_us);
	return publish(d, ch, (size_t)r, frame, 0);
}

void ks_director_heard(struct ks_director *d, const struct ks_manifest *m, const uint8_t manifest[KS_MANIFEST_SIZE])
{
	struct channel *ch;

	if (channel_of(d, m->channel, &ch) == KS_EOK && above(m->id, &ch->published))
		raise_to(&ch->behind, m->id, manifest);
}

/* The source gets the time that it would have had if it had sent this now: it need not be gone because we were. */
void ks_director_recall(struct ks_director *d, const struct ks_manifest *newest)
{
	uint8_t manifest[KS_MANIFEST_SIZE];
	struct channel *ch;
	int r;

	if (ks_manifest_encode(newest, manifest) != KS_EOK || channel_of(d, newest->channel, &ch) != KS_EOK)
		return;
	r = rendition_of(ch, newest->rendition);
	if (r < 0)
		return;
	note(ch, newest, manifest, ks_mono_us(d->ops.clock));
	ch->renditions[r].any = true;
	ch->renditions[r].published = newest->id;
	if (above(newest->id, &ch->published)) {
		set(&ch->published, newest->id, manifest);
		ch->shown = newest->source;
	}
}

/* --- the clock ---------------------------------------------------------------------------------- */

static void sooner(int64_t *due_us, int64_t at_us)
{
	if (at_us < *due_us)
		*due_us = at_us;
}

static void tell(struct ks_director *d, struct mark *mark, int64_t *not_before_us, int64_t every_us, int64_t now_us,
		 int64_t *due_us)
{
	if (mark->set && now_us >= *not_before_us) {
		mark->set = false;
		*not_before_us = now_us + every_us;
		ks_count(&d->heads);
		d->ops.head(d->ops.ctx, mark->manifest);
	}
	if (mark->set)
		sooner(due_us, *not_before_us);
}

static void tick(struct ks_director *d, struct channel *ch, int64_t now_us, int64_t *due_us)
{
	review(d, ch, now_us);
	for (int i = 0; i < KS_SOURCES_MAX; i++) {
		struct source *s = &ch->sources[i];

		if ((ch->known & 1u << i) == 0)
			continue;
		if (good(s, now_us))
			sooner(due_us, s->good_us + s->patience_us);
		else
			drop_held(d, s);
	}
	tell(d, &ch->behind, &ch->behind_us, KS_HEAD_US, now_us, due_us);
	tell(d, &ch->beacon, &ch->beacon_us, KS_SHOWN_US, now_us, due_us);
}

int64_t ks_director_tick(struct ks_director *d)
{
	int64_t now_us = ks_mono_us(d->ops.clock), due_us = INT64_MAX;

	for (size_t i = 0; i < d->n; i++)
		tick(d, d->channels[i], now_us, &due_us);
	return due_us;
}

/* --- life and numbers --------------------------------------------------------------------------- */

int ks_director_new(struct ks_director **out, size_t channels_max, const struct ks_director_ops *ops)
{
	struct ks_director *d = calloc(1, sizeof(*d) + channels_max * sizeof(d->channels[0]));

	if (d == NULL)
		return -ENOMEM;
	d->ops = *ops;
	d->channels_max = channels_max;
	ks_held_init(&d->pool, KS_HELD_BYTES_MAX);
	*out = d;
	return KS_EOK;
}

void ks_director_free(struct ks_director *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->n; i++) {
		for (int s = 0; s < KS_SOURCES_MAX; s++)
			drop_held(d, &d->channels[i]->sources[s]);
		free(d->channels[i]);
	}
	free(d);
}

int ks_director_source(const struct ks_director *d, const char *channel)
{
	const struct channel *ch = find(d, channel);

	return ch != NULL ? ch->shown : -1;
}

uint64_t ks_director_changes(const struct ks_director *d)
{
	return ks_counted(&d->changes);
}

size_t ks_director_held(const struct ks_director *d)
{
	return d->pool.bytes;
}

void ks_director_metrics(const struct ks_director *d, FILE *out)
{
	ks_prom_family(out, "koshien_relay_source", "gauge", "The source that is shown; -1: none yet.");
	for (size_t i = 0; i < d->n; i++)
		ks_prom_sample(out, "koshien_relay_source", d->channels[i]->shown, "channel", d->channels[i]->name, NULL);
	ks_prom_counter(out, "koshien_relay_source_changes_total", "Times that a channel changed to another source.",
			&d->changes);
	ks_prom_counter(out, "koshien_relay_heads_total", "Times that the parents were told what is published.",
			&d->heads);
	ks_prom_gauge(out, "koshien_relay_held_bytes", "Pictures that are held in case the source shown falls silent.",
		      (double)d->pool.bytes);
}
